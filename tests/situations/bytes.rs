//! Bytes that Zig lends.

use std::io;
use std::pin::Pin;
use std::task::Poll;

use futures_lite::future::{self, block_on};
use futures_lite::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, StreamExt};
use zigflow::{ByteStream, Malformed, StreamError};
use zigflow_tests as zig;
use zigflow_tests::task::Task;

mod as_stream {
    use zigflow::ZigStream;
    zigflow::zig_source! {
        pub fn pieces(text: &str) -> ZigStream<Vec<u8>>;
        pub fn outside(shift: u64, len: u64) -> ZigStream<Vec<u8>>;
    }
}

fn pieces(text: &str) -> ByteStream {
    zig::pieces(text).unwrap()
}

fn fill(stream: &mut ByteStream) -> Result<&[u8], StreamError> {
    block_on(stream.fill())
}

#[test]
fn what_is_not_consumed_stays() {
    let mut stream = pieces("abcd|ef");
    assert_eq!(stream.buffered(), b"");
    assert_eq!(fill(&mut stream).unwrap(), b"abcd");
    stream.consume(1);
    assert_eq!(stream.buffered(), b"bcd");
    assert_eq!(fill(&mut stream).unwrap(), b"bcd");
    stream.consume(0);
    stream.consume(3);
    assert_eq!(stream.buffered(), b"");
    assert_eq!(fill(&mut stream).unwrap(), b"ef");
    stream.consume(2);
    for _ in 0..3 {
        assert_eq!(fill(&mut stream).unwrap(), b"");
    }
}

/// The slices are Zig's own memory.
#[test]
fn chunks_are_not_copied() {
    let mut stream = pieces("abcd|ef");
    let first = fill(&mut stream).unwrap().as_ptr();
    stream.consume(1);
    assert_eq!(fill(&mut stream).unwrap().as_ptr(), first.wrapping_add(1));
    let second = block_on(stream.next_chunk()).unwrap().unwrap().as_ptr();
    assert_eq!(second, first.wrapping_add(5));
}

#[test]
fn the_next_chunk_skips_what_was_left() {
    let mut stream = pieces("abcd|ef|gh");
    assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(&b"abcd"[..]));
    stream.consume(2);
    assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(&b"ef"[..]));
    assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(&b"gh"[..]));
    for _ in 0..2 {
        assert_eq!(block_on(stream.next_chunk()).unwrap(), None);
    }
}

#[test]
fn an_empty_chunk_is_not_the_end() {
    for text in ["|a", "||||a", "?||?|a", "?|a"] {
        let mut stream = pieces(text);
        assert_eq!(fill(&mut stream).unwrap(), b"a", "{text}");
        assert_eq!(block_on(stream.next_chunk()).unwrap(), None, "{text}");
    }
}

/// A source of nothing but empty chunks must not keep its task in one poll for ever.
#[test]
fn empty_chunks_use_the_budget_up() {
    let mut stream = zig::chunks(0, u32::MAX).unwrap();
    stream.set_budget(10);
    let task = Task::new();
    for round in 1..=3 {
        assert!(task.run(|cx| stream.poll_fill(cx)).is_pending());
        assert_eq!(task.wakes(), round);
    }
}

#[test]
#[should_panic(expected = "consumed more than was buffered")]
fn consuming_more_than_there_is_panics() {
    let mut stream = pieces("abc");
    assert_eq!(fill(&mut stream).unwrap().len(), 3);
    stream.consume(4);
}

#[test]
#[should_panic(expected = "consumed more than was buffered")]
fn consuming_before_anything_was_read_panics() {
    pieces("abc").consume(1);
}

/// The panic changes nothing.
#[test]
fn bytes_are_still_there_after_a_consume_that_panicked() {
    let mut stream = pieces("abc");
    fill(&mut stream).unwrap();
    let all = usize::MAX;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stream.consume(all)));
    assert!(panicked.is_err());
    assert_eq!(stream.buffered(), b"abc");
}

#[test]
fn a_dropped_fill_loses_nothing() {
    let task = Task::new();
    let mut stream = pieces("?|ab|?|cd");
    let mut read = Vec::new();
    for _ in 0..6 {
        let polled = {
            let mut fill = std::pin::pin!(stream.fill());
            task.run(|cx| fill.as_mut().poll(cx)).is_ready()
        };
        if polled {
            // Dropped once more, with bytes at hand.
            drop(stream.fill());
            read.extend_from_slice(&stream.buffered()[..1]);
            stream.consume(1);
        }
    }
    assert_eq!(read, b"abcd");
    assert_eq!(task.wakes(), 2);
}

#[test]
fn an_error_comes_after_the_chunks_and_once() {
    for (text, error) in [("ab|!|cd", None), ("ab|#|cd", Some(StreamError::Code(7)))] {
        let mut stream = pieces(text);
        assert_eq!(block_on(stream.next_chunk()).unwrap(), Some(&b"ab"[..]));
        let failed = fill_after(&mut stream);
        match error {
            Some(error) => assert_eq!(failed, error),
            None => assert!(matches!(failed, StreamError::Zig(error) if error.name() == "Torn")),
        }
        assert_eq!(stream.buffered(), b"");
        assert_eq!(fill(&mut stream).unwrap(), b"");
    }

    fn fill_after(stream: &mut ByteStream) -> StreamError {
        block_on(stream.next_chunk()).unwrap_err()
    }
}

#[test]
fn lending_goes_on_where_the_stream_stood() {
    let mut stream = as_stream::pieces("ab|cd|ef").unwrap();
    assert_eq!(block_on(stream.next()).unwrap().unwrap(), b"ab");
    let mut bytes = stream.lend();
    assert_eq!(block_on(bytes.next_chunk()).unwrap(), Some(&b"cd"[..]));
    assert_eq!(fill_next(&mut bytes), b"ef");

    fn fill_next(bytes: &mut ByteStream) -> Vec<u8> {
        block_on(bytes.next_chunk()).unwrap().unwrap().to_vec()
    }
}

#[test]
fn lending_an_ended_stream_is_the_end() {
    let mut stream = as_stream::pieces("!").unwrap();
    assert!(block_on(stream.next()).unwrap().is_err());
    let mut bytes = stream.lend();
    assert_eq!(fill(&mut bytes).unwrap(), b"");
}

#[test]
fn bytes_outside_of_the_registered_buffer_are_not_read() {
    let before = 1_u64.wrapping_neg();
    for (shift, len, inside) in [
        (0, 8, true),
        (3, 5, true),
        (7, 1, true),
        (8, 0, true),
        (4000, 0, true),
        (before, 0, true),
        (0, 9, false),
        (1, 8, false),
        (8, 1, false),
        (before, 1, false),
        (before, 2, false),
        (4000, 8, false),
        (0, i32::MAX as u64, false),
    ] {
        let mut stream = as_stream::outside(shift, len).unwrap();
        let item = block_on(stream.next()).unwrap();
        if inside {
            let (from, to) =
                if len == 0 { (0, 0) } else { (shift as usize, (shift + len) as usize) };
            assert_eq!(item.unwrap(), b"in here!"[from..to], "{shift}+{len}");
        } else {
            let error = StreamError::Malformed(Malformed::OutsideOfBuffer);
            assert_eq!(item, Err(error), "{shift}+{len}");
            assert_eq!(block_on(stream.next()), None);

            let mut bytes = zig::outside(shift, len).unwrap();
            assert_eq!(block_on(bytes.next_chunk()), Err(error), "{shift}+{len}");
            assert_eq!(bytes.buffered(), b"");
            assert_eq!(block_on(bytes.next_chunk()), Ok(None));
        }
    }
}

// -- as a reader of futures-io --

#[test]
fn lines_are_read_across_chunks() {
    let mut stream = pieces("one\ntw|?||o\n\nthr|ee");
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if block_on(stream.read_line(&mut line)).unwrap() == 0 {
            break;
        }
        lines.push(line);
    }
    assert_eq!(lines, ["one\n", "two\n", "\n", "three"]);
}

#[test]
fn a_reader_reads_all_in_any_buffer() {
    for size in [1, 2, 3, 7, 64] {
        let mut stream = pieces("abcd|?|efg|h||ij");
        let (mut read, mut buffer) = (Vec::new(), vec![0; size]);
        loop {
            assert_eq!(block_on(stream.read(&mut [])).unwrap(), 0);
            let count = block_on(stream.read(&mut buffer)).unwrap();
            read.extend_from_slice(&buffer[..count]);
            if count == 0 {
                break;
            }
        }
        assert_eq!(read, b"abcdefghij", "{size}");
    }
}

#[test]
fn copying_brings_all_of_it() {
    let chunk = 1000;
    let mut to = futures_lite::io::Cursor::new(Vec::new());
    let count =
        block_on(futures_lite::io::copy(zig::chunks(chunk, 300).unwrap(), &mut to)).unwrap();
    assert_eq!(count, 300 * chunk);
    let expected: Vec<u8> = (0..300_u32).flat_map(|n| vec![n as u8; chunk as usize]).collect();
    assert!(to.into_inner() == expected);
}

#[test]
fn an_error_is_an_io_error_with_the_zig_name() {
    let mut text = String::new();
    let error = block_on(pieces("ab|!").read_to_string(&mut text)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Other);
    assert_eq!(error.to_string(), "the Zig source failed: Torn");
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<StreamError>());
    assert!(matches!(inner, Some(StreamError::Zig(error)) if error.name() == "Torn"));
}

#[test]
fn a_pending_reader_is_woken() {
    let task = Task::new();
    let mut stream = pieces("?|ab");
    let poll = |stream: &mut ByteStream| {
        task.run(|cx| Pin::new(stream).poll_fill_buf(cx).map_ok(<[u8]>::to_vec))
    };
    assert!(poll(&mut stream).is_pending());
    assert_eq!(task.wakes(), 1);
    assert!(matches!(poll(&mut stream), Poll::Ready(Ok(bytes)) if bytes == b"ab"));
}

#[test]
fn a_byte_stream_shows_what_it_holds() {
    let mut stream = pieces("abc");
    fill(&mut stream).unwrap();
    stream.consume(1);
    assert_eq!(format!("{stream:?}"), "ByteStream { buffered_bytes: 2, ended: false, .. }");
}

/// Chunks move with the stream to another thread.
#[test]
fn a_half_read_chunk_moves_to_another_thread() {
    let mut stream = pieces("abcd|ef");
    fill(&mut stream).unwrap();
    stream.consume(2);
    let rest = std::thread::spawn(move || {
        future::block_on(async {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            rest
        })
    });
    assert_eq!(rest.join().unwrap(), b"cdef");
}
