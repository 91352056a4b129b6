//! Bytes from Rust to Zig and back, as readers and writers of either standard library.
#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::Poll;
use std::thread;

use futures_core::Stream;
use futures_lite::future::{block_on, zip};
use futures_lite::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use futures_lite::{StreamExt, stream};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use zigflow::pool::ZigPool;
use zigflow::tokio::{TokioReader, TokioWriter};
use zigflow::{
    ByteReader, ByteWriter, Pool, SharedBuffer, StreamError, ZeroCopyBuffer, ZigError, spsc,
};
use zigflow_tests::pools::pooled;
use zigflow_tests::task::Task;

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");
    const flate = std.compress.flate;

    const Rx = zigflow.spsc.Receiver(zigflow.OwnedBytes);
    const Tx = zigflow.spsc.Sender(zigflow.OwnedBytes);

    /// From a `std.Io.Reader` to a `std.Io.Writer`.
    fn echo(rx: Rx, tx: Tx, pool: zigflow.Pool) !u64 {
        var reader: zigflow.ByteReader = .init(rx, &.{});
        defer reader.deinit();
        var writer: zigflow.ByteWriter = .init(tx, pool);
        const count = reader.interface.streamRemaining(&writer.interface) catch |e| {
            writer.fail(e);
            return e;
        };
        writer.finish() catch |e| {
            writer.deinit();
            return e;
        };
        return count;
    }

    /// In place on both sides.
    fn upper(rx: Rx, tx: Tx, pool: zigflow.Pool) !void {
        var reader: zigflow.ByteReader = .init(rx, &.{});
        defer reader.deinit();
        var writer: zigflow.ByteWriter = .init(tx, pool);
        errdefer writer.deinit();
        while (try reader.fill()) |bytes| {
            const room = try writer.reserve();
            const count = @min(room.len, bytes.len);
            _ = std.ascii.upperString(room[0..count], bytes[0..count]);
            writer.commit(count);
            reader.consume(count);
        }
        try writer.finish();
    }

    /// A line that is longer than the buffer is an error; else their number, and their bytes.
    fn lines(rx: Rx, longest: u32) !u64 {
        const buffer = try zigflow.allocator.alloc(u8, longest);
        defer zigflow.allocator.free(buffer);
        var reader: zigflow.ByteReader = .init(rx, buffer);
        defer reader.deinit();
        var count: u64 = 0;
        while (try reader.interface.takeDelimiter('\n')) |line| count += 1000 + line.len;
        return count;
    }

    /// The decompressor writes into the blocks themselves, with its window before them.
    fn inflate(rx: Rx, tx: Tx, pool: zigflow.Pool) !u64 {
        var buffer: [4096]u8 = undefined;
        var reader: zigflow.ByteReader = .init(rx, &buffer);
        defer reader.deinit();
        var writer: zigflow.ByteWriter = .init(tx, pool);
        var inflating: flate.Decompress = .init(&reader.interface, .raw, &.{});
        const count = inflating.reader.streamRemaining(&writer.interface) catch |e| {
            writer.fail(inflating.err orelse e);
            return e;
        };
        writer.finish() catch |e| {
            writer.deinit();
            return e;
        };
        return count;
    }

    /// Reads a little and goes.
    fn taste(rx: Rx) !u8 {
        var reader: zigflow.ByteReader = .init(rx, &.{});
        defer reader.deinit();
        const bytes = try reader.fill() orelse return error.Empty;
        return bytes[0];
    }

    /// Writes so many bytes, in pieces of all lengths, then fails, unless that is 0.
    fn counting(tx: Tx, pool: zigflow.Pool, total: u32, fails: bool) !void {
        var writer: zigflow.ByteWriter = .init(tx, pool);
        errdefer writer.deinit();
        var n: u32 = 0;
        var piece: [97]u8 = undefined;
        while (n < total) {
            const len = @min(total - n, 1 + n % piece.len);
            for (piece[0..len]) |*byte| {
                byte.* = @truncate(n);
                n += 1;
            }
            try writer.interface.writeAll(piece[0..len]);
            if (n % 7 == 0) try writer.interface.flush();
        }
        if (fails) return writer.fail(error.Torn);
        try writer.finish();
    }

    /// Keeps the last bytes where they can be seen while room is made.
    fn looksBack(tx: Tx, pool: zigflow.Pool, preserve: u32) !void {
        var writer: zigflow.ByteWriter = .init(tx, pool);
        errdefer writer.deinit();
        const size = pool.blockSize();
        for (0..1000) |n| {
            const w = &writer.interface;
            if (w.buffer.len - w.end < 3) try w.rebase(preserve, 3);
            const kept = @min(preserve, n * 3, w.end);
            if (n > 0 and kept < @min(preserve, 3 * n, size - 3)) return error.NotKept;
            for (w.buffer[w.end - kept .. w.end], 3 * n - kept..) |byte, at| if (byte != @as(u8, @truncate(at))) return error.Wrong;
            for (w.buffer[w.end..][0..3], 3 * n..) |*byte, at| byte.* = @truncate(at);
            w.end += 3;
        }
        try writer.finish();
    }

    /// Repeated bytes, and slices of slices, as `std.Io.Writer` has them.
    fn splats(tx: Tx, pool: zigflow.Pool) !void {
        var writer: zigflow.ByteWriter = .init(tx, pool);
        errdefer writer.deinit();
        try writer.interface.splatByteAll('a', 100);
        try writer.interface.splatBytesAll("bc", 70);
        _ = try writer.interface.vtable.drain(&writer.interface, &.{""}, std.math.maxInt(usize)); // nothing, very often
        const two: [120]u8 = @splat('2');
        var parts = [_][]const u8{ "one", "", &two, "three" };
        try writer.interface.writeVecAll(&parts);
        try writer.interface.print("{d}-{s}", .{ 42, @as([90]u8, @splat('x')) });
        try writer.finish();
    }
    ---
    async fn echo(rx: spsc::ZigReceiver<ZeroCopyBuffer>, tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<u64, ZigError>;
    async fn upper(rx: spsc::ZigReceiver<ZeroCopyBuffer>, tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<(), ZigError>;
    async fn lines(rx: spsc::ZigReceiver<ZeroCopyBuffer>, longest: u32) -> Result<u64, ZigError>;
    async fn inflate(rx: spsc::ZigReceiver<ZeroCopyBuffer>, tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<u64, ZigError>;
    async fn taste(rx: spsc::ZigReceiver<ZeroCopyBuffer>) -> Result<u8, ZigError>;
    async fn counting(tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool, total: u32, fails: bool) -> Result<(), ZigError>;
    async fn looks_back(tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool, preserve: u32) -> Result<(), ZigError>;
    async fn splats(tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<(), ZigError>;
}

type Chunks = spsc::Receiver<ZeroCopyBuffer>;
type Reader = ByteReader<Chunks, ZeroCopyBuffer>;

/// A writer to Zig and its other end.
fn to_zig(pool: &Pool) -> (ByteWriter, spsc::ZigReceiver<ZeroCopyBuffer>) {
    let (tx, rx) = spsc::channel(4);
    (ByteWriter::new(pool, tx), rx.into_zig())
}

/// A reader from Zig and its other end.
fn from_zig() -> (spsc::ZigSender<ZeroCopyBuffer>, Reader) {
    let (tx, rx) = spsc::channel(4);
    (tx.into_zig(), ByteReader::new(rx))
}

fn text(lines: u32) -> Vec<u8> {
    (0..lines).flat_map(|n| format!("line {} of {n}\n", n % 1000).into_bytes()).collect()
}

/// Both pools get all their blocks back, whatever happened.
fn expect_home(pools: &[&Pool]) {
    for pool in pools {
        assert_eq!(pool.snapshot().available, pool.blocks());
    }
}

// -- through Zig and back --

#[test]
fn what_is_written_is_read() {
    let text = text(2000);
    for (ours, theirs) in [(64, 64), (100, 4096), (65_536, 128)] {
        let (there, back) = (Pool::new(3, ours), Pool::new(2, theirs));
        let (mut writer, rx) = to_zig(&there);
        let (tx, mut reader) = from_zig();
        let copied = echo(rx, tx, back.to_zig());
        let write = async {
            AsyncWriteExt::write_all(&mut writer, &text).await.unwrap();
            AsyncWriteExt::close(&mut writer).await.unwrap();
        };
        let mut read = Vec::new();
        let ((), (count, got)) =
            block_on(zip(write, zip(copied, AsyncReadExt::read_to_end(&mut reader, &mut read))));
        assert_eq!((count, got.unwrap()), (Ok(text.len() as u64), text.len()));
        assert!(read == text);
        expect_home(&[&there, &back]);
    }
}

#[test]
fn bytes_are_changed_in_place_on_both_sides() {
    let (there, back) = (Pool::new(2, 64), Pool::new(2, 192));
    let (mut writer, rx) = to_zig(&there);
    let (tx, mut reader) = from_zig();
    let write = async {
        for n in 0..1000 {
            // The block itself.
            let room = writer.reserve().await.unwrap();
            room[0] = b'a' + (n % 26) as u8;
            writer.commit(1);
        }
        // And a buffer of its own in between.
        writer.send(b"static".to_vec()).await.unwrap();
        writer.write_all(b"end").await.unwrap();
        writer.close().await.unwrap();
    };
    let read = async {
        let mut all = Vec::new();
        loop {
            let bytes = reader.fill().await.unwrap();
            if bytes.is_empty() {
                return all;
            }
            let some = bytes.len().min(7);
            all.extend_from_slice(&bytes[..some]);
            reader.consume(some);
        }
    };
    let ((), (done, all)) = block_on(zip(write, zip(upper(rx, tx, back.to_zig()), read)));
    done.unwrap();
    assert_eq!(all.len(), 1009);
    assert!(all[..1000].iter().enumerate().all(|(n, byte)| *byte == b'A' + (n % 26) as u8));
    assert_eq!(&all[1000..], b"STATICEND");
    expect_home(&[&there, &back]);
}

#[test]
fn zigs_reader_looks_ahead_in_its_buffer() {
    for (longest, block) in [(64, 64), (30, 1024), (40, 192)] {
        let pool = Pool::new(2, block);
        let (mut writer, rx) = to_zig(&pool);
        let text = text(2000);
        let write = async {
            writer.write_all(&text).await.unwrap();
            writer.close().await.unwrap();
        };
        let expected = 2000 * 1000 + text.len() as u64 - 2000;
        assert_eq!(block_on(zip(write, lines(rx, longest))).1, Ok(expected));
        expect_home(&[&pool]);
    }
    let pool = Pool::new(2, 64);
    let (mut writer, rx) = to_zig(&pool);
    let write = async {
        writer.write_all(b"a line that is too long\n").await.unwrap();
        writer.close().await
    };
    let (_, failed) = block_on(zip(write, lines(rx, 8)));
    assert_eq!(failed.unwrap_err().name(), "StreamTooLong");
    expect_home(&[&pool]);
}

/// `std.compress.flate` with Rust on both sides; its window lies in the blocks.
#[test]
fn a_decompressor_of_zigs_writes_into_blocks() {
    let text = text(20_000);
    let compressed = miniz_oxide::deflate::compress_to_vec(&text, 6);
    let (there, back) = (Pool::new(2, 512), Pool::new(3, 131_072));
    let (mut writer, rx) = to_zig(&there);
    let (tx, mut reader) = from_zig();
    let write = async {
        writer.write_all(&compressed).await.unwrap();
        writer.close().await.unwrap();
    };
    let mut read = Vec::new();
    let all = AsyncReadExt::read_to_end(&mut reader, &mut read);
    let ((), (count, got)) = block_on(zip(write, zip(inflate(rx, tx, back.to_zig()), all)));
    assert_eq!((count, got.unwrap()), (Ok(text.len() as u64), text.len()));
    assert!(read == text);
    expect_home(&[&there, &back]);
}

#[test]
fn what_zigs_writer_preserves_is_there_and_sent_once() {
    for (blocks, preserve) in [(2, 1), (2, 20), (3, 61), (1, 0)] {
        let pool = Pool::new(blocks, 64);
        let (tx, mut reader) = from_zig();
        let mut read = Vec::new();
        let all = AsyncReadExt::read_to_end(&mut reader, &mut read);
        let (done, got) = block_on(zip(looks_back(tx, pool.to_zig(), preserve), all));
        assert_eq!((done, got.unwrap()), (Ok(()), 3000), "{preserve} of {blocks}");
        assert!(read.iter().enumerate().all(|(n, byte)| *byte == n as u8));
        expect_home(&[&pool]);
    }
    // A pool of one block has no room for both.
    let pool = Pool::new(1, 64);
    let (tx, _reader) = from_zig();
    assert_eq!(block_on(looks_back(tx, pool.to_zig(), 1)).unwrap_err().name(), "WriteFailed");
    expect_home(&[&pool]);
}

#[test]
fn zigs_writer_takes_what_any_writer_takes() {
    let expected = [
        "a".repeat(100),
        "bc".repeat(70),
        "one".into(),
        "2".repeat(120),
        "three".into(),
        format!("42-{}", "x".repeat(90)),
    ]
    .concat();
    for block in [64, 128, 1024] {
        let pool = Pool::new(2, block);
        let (tx, mut reader) = from_zig();
        let mut read = String::new();
        let all = AsyncReadExt::read_to_string(&mut reader, &mut read);
        let (done, got) = block_on(zip(splats(tx, pool.to_zig()), all));
        assert_eq!((done, got.unwrap()), (Ok(()), expected.len()));
        assert_eq!(read, expected);
        expect_home(&[&pool]);
    }
}

// -- one side goes --

#[test]
fn a_reader_that_goes_is_a_broken_pipe() {
    let pool = Pool::new(2, 64);
    let (mut writer, rx) = to_zig(&pool);
    let write = async {
        loop {
            if let Err(error) = AsyncWriteExt::write_all(&mut writer, &[7; 1000]).await {
                return error;
            }
        }
    };
    let (error, first) = block_on(zip(write, taste(rx)));
    assert_eq!((error.kind(), first), (ErrorKind::BrokenPipe, Ok(7)));
    let error = block_on(AsyncWriteExt::flush(&mut writer)).err().map(|error| error.kind());
    assert!(matches!(error, None | Some(ErrorKind::BrokenPipe)));
    drop(writer);
    expect_home(&[&pool]);
}

/// Nobody gives a block back; the writer hears that its reader has gone all the same.
#[test]
fn who_waits_for_a_block_hears_that_nobody_reads() {
    let pool = Pool::new(1, 64);
    let kept = pool.try_acquire();
    let (tx, rx) = spsc::channel(4);
    let mut writer = ByteWriter::new(&pool, tx);
    let task = Task::new();
    assert!(task.run(|cx| writer.poll_reserve(cx).is_pending()));
    assert_eq!((task.wakes(), pool.snapshot().waiting), (0, 1));
    drop(rx);
    assert_eq!(task.wakes(), 1);
    assert!(task.run(|cx| matches!(writer.poll_reserve(cx), Poll::Ready(Err(_)))));
    assert_eq!(pool.snapshot().waiting, 0);
    drop((kept, writer));
    assert_eq!(task.wakers(), 0);
}

#[test]
fn what_zig_fails_with_comes_after_the_bytes() {
    let pool = Pool::new(2, 64);
    let (tx, mut reader) = from_zig();
    let read = async {
        let mut bytes = Vec::new();
        loop {
            match reader.fill().await {
                Ok(there) => {
                    assert!(!there.is_empty(), "the end without the error");
                    bytes.extend_from_slice(there);
                    let count = there.len();
                    reader.consume(count);
                }
                Err(error) => return (bytes, error),
            }
        }
    };
    let (done, (bytes, error)) = block_on(zip(counting(tx, pool.to_zig(), 700, true), read));
    assert_eq!((done, error), (Ok(()), StreamError::Zig(ZigError::new("Torn"))));
    assert!(bytes.len() <= 700 && bytes.iter().enumerate().all(|(n, byte)| *byte == n as u8));
    // And then it has ended.
    assert_eq!(block_on(reader.fill()), Ok(&[][..]));
    expect_home(&[&pool]);
}

#[test]
fn what_rust_fails_with_zig_hears() {
    let pool = Pool::new(2, 64);
    let back = Pool::new(2, 64);
    let (mut writer, rx) = to_zig(&pool);
    let (tx, mut reader) = from_zig();
    let write = async {
        writer.write_all(b"some").await.unwrap();
        writer.flush().await.unwrap();
        writer.close_with(StreamError::Code(7));
    };
    let mut read = Vec::new();
    let all = AsyncReadExt::read_to_end(&mut reader, &mut read);
    let ((), (done, got)) = block_on(zip(write, zip(echo(rx, tx, back.to_zig()), all)));
    assert_eq!(done.unwrap_err().name(), "ReadFailed");
    assert!(got.unwrap_err().to_string().contains("ReadFailed"));
    expect_home(&[&pool, &back]);
}

#[test]
fn a_reader_in_rust_that_goes_stops_zigs_writer() {
    for blocks in [1, 3] {
        let pool = Pool::new(blocks, 64);
        let (tx, mut reader) = from_zig();
        let thread = {
            let pool = pool.to_zig();
            thread::spawn(move || block_on(counting(tx, pool, u32::MAX, false)))
        };
        assert_eq!(block_on(reader.fill()).unwrap()[0], 0);
        drop(reader);
        assert_eq!(thread.join().unwrap().unwrap_err().name(), "WriteFailed");
        expect_home(&[&pool]);
    }
}

// -- in Rust alone --

#[test]
fn any_stream_of_chunks_is_a_reader() {
    let chunks =
        ["ab", "", "c\nd", "", "\n", "e"].map(|text| Ok::<_, StreamError>(text.to_owned()));
    let mut reader = ByteReader::new(stream::iter(chunks));
    let mut lines = Vec::new();
    block_on(async {
        let mut all = AsyncBufReadExt::lines(&mut reader);
        while let Some(line) = all.next().await {
            lines.push(line.unwrap());
        }
    });
    assert_eq!(lines, ["abc", "d", "e"]);
    assert_eq!(block_on(reader.fill()), Ok(&[][..]));

    let mut reader = ByteReader::new(stream::iter([Ok::<_, StreamError>("abcd")]));
    block_on(reader.fill()).unwrap();
    reader.consume(3);
    let (mut rest, chunk) = reader.into_inner();
    assert_eq!((block_on(rest.next()), chunk), (None, Some(("abcd", 3))));
}

/// A stream that is always ready, with nothing in it.
#[test]
fn empty_chunks_let_the_neighbours_run() {
    let task = Task::new();
    let mut reader = ByteReader::new(stream::repeat(Ok::<_, StreamError>(Vec::new())));
    assert!(task.run(|cx| reader.poll_fill(cx).is_pending()));
    assert_eq!(task.wakes(), 1);
}

#[test]
#[should_panic(expected = "consumed more than was buffered")]
fn more_than_there_is_cannot_be_consumed() {
    let mut reader = ByteReader::new(stream::iter([Ok::<_, StreamError>("ab")]));
    block_on(reader.fill()).unwrap();
    reader.consume(3);
}

#[test]
fn a_chunk_goes_with_its_last_byte() {
    let mut reader = ByteReader::new(Box::pin(pooled(1, 64, 2).unwrap()));
    assert_eq!(block_on(reader.fill()).unwrap().len(), 64);
    reader.consume(64);
    // The one block is home, so there is a second item.
    assert_eq!(block_on(reader.fill()).unwrap(), [1; 64]);
}

/// A block that one task fills, and others read a part of, long after.
#[test]
fn parts_of_what_was_read_outlive_the_reader() {
    let pool = Pool::new(2, 64);
    let (tx, mut rx) = spsc::channel(2);
    let mut writer = ByteWriter::new(&pool, tx);
    block_on(writer.write_all(b"head and body")).unwrap();
    block_on(writer.close()).unwrap();
    drop(writer);
    let whole = SharedBuffer::from(rx.try_recv().unwrap());
    let body = whole.slice(9..);
    drop((whole, rx));
    assert_eq!((&*body, pool.snapshot().available), (&b"body"[..], 1));
    drop(body);
    expect_home(&[&pool]);
}

#[test]
fn a_writer_that_was_not_flushed_sends_nothing() {
    let pool = Pool::new(2, 64);
    let (tx, mut rx) = spsc::channel::<ZeroCopyBuffer>(2);
    let mut writer = ByteWriter::new(&pool, tx);
    block_on(writer.write_all(b"abc")).unwrap();
    assert!(rx.is_empty() && pool.snapshot().available == 1);
    block_on(writer.flush()).unwrap();
    block_on(writer.flush()).unwrap();
    block_on(writer.write_all(b"def")).unwrap();
    drop(writer);
    assert_eq!(&*rx.try_recv().unwrap(), b"abc");
    assert!(rx.try_recv().is_err());
    expect_home(&[&pool]);
}

/// Full twice over: the pool, then the channel.
#[test]
fn a_writer_waits_for_a_block_and_for_room() {
    let pool = Pool::new(3, 64);
    let (tx, mut rx) = spsc::channel(1);
    let mut writer = ByteWriter::new(&pool, tx);
    let task = Task::new();
    let mut write = |bytes: &[u8]| {
        let write = Pin::new(&mut writer);
        task.run(|cx| {
            futures_lite::io::AsyncWrite::poll_write(write, cx, bytes).map(Result::unwrap)
        })
    };
    assert_eq!(write(&[1; 100]), Poll::Ready(64));
    assert_eq!(write(&[2; 100]), Poll::Ready(64), "the first is sent");
    assert_eq!(write(&[3; 100]), Poll::Pending, "there is room for one");
    assert_eq!(task.wakes(), 0);
    let first = rx.try_recv().unwrap();
    assert_eq!((task.wakes(), &*first), (1, &[1; 64][..]));
    assert_eq!(write(&[3; 100]), Poll::Ready(64));
    let second = rx.try_recv().unwrap();
    assert_eq!(write(&[4; 100]), Poll::Pending, "all three blocks are out");
    let before = task.wakes();
    drop(first);
    assert_eq!(task.wakes(), before + 1);
    assert_eq!(write(&[4; 100]), Poll::Ready(64));
    drop(second);
}

// -- tokio's traits --

#[test]
fn tokio_reads_and_writes_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (there, back) = (Pool::new(2, 64), Pool::new(2, 64));
    let (writer, rx) = to_zig(&there);
    let (tx, reader) = from_zig();
    let (mut writer, reader) = (TokioWriter(writer), TokioReader(reader));
    let text = text(2000);
    let write = async {
        writer.write_all(&text).await.unwrap();
        writer.flush().await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let read = async {
        let mut lines = reader.lines();
        let mut count = 0;
        while let Some(line) = lines.next_line().await.unwrap() {
            assert_eq!(line, format!("line {} of {count}", count % 1000));
            count += 1;
        }
        count
    };
    let ((), (done, count)) = runtime.block_on(zip(write, zip(echo(rx, tx, back.to_zig()), read)));
    assert_eq!((done, count), (Ok(text.len() as u64), 2000));
    expect_home(&[&there, &back]);

    let mut reader = TokioReader(ByteReader::new(stream::iter([Ok::<_, StreamError>("abc")])));
    let mut two = [0; 2];
    runtime.block_on(reader.read_exact(&mut two)).unwrap();
    assert_eq!((&two, reader.into_inner().buffered()), (b"ab", &b"c"[..]));
}

/// The stream of chunks is left as it was.
#[test]
fn a_future_that_is_dropped_loses_nothing() {
    let mut stream = Box::pin(pooled(2, 64, 3).unwrap());
    let mut reader = ByteReader::new(stream.as_mut());
    for n in 0..3 {
        let task = Task::new();
        {
            let mut fill = Box::pin(reader.fill());
            assert!(task.run(|cx| fill.as_mut().poll(cx)).is_ready());
        }
        assert_eq!(reader.buffered(), [n; 64]);
        reader.consume(64);
    }
    assert!(block_on(reader.fill()).unwrap().is_empty());
    drop(reader);
    let task = Task::new();
    assert!(matches!(task.run(|cx| stream.as_mut().poll_next(cx)), Poll::Ready(None)));
}
