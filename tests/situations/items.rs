//! What arrives from Zig, for every kind of item and of argument; and what a wrong declaration says.

use futures_lite::{StreamExt, future::block_on};
use zigflow::{OpenError, Sendable, StreamError, ZigStream};
use zigflow_tests::{self as zig, Channel, Point};

/// The same Zig sources as in `zigflow_tests`, declared wrongly.
mod wrong {
    use zigflow::{ByteStream, Copied, LocalByteStream, LocalZigStream, ZeroCopyBuffer, ZigStream};

    pub(super) mod item {
        use super::*;
        zigflow::zig_source! {
            pub fn counter(from: u64, to: u64) -> ZigStream<u32>;
            pub fn failing(good: u32, code: i32) -> ZigStream<i32>;
            pub fn owned(count: u32) -> ByteStream;
            pub fn chunks(len: u64, count: u32) -> ZigStream<ZeroCopyBuffer>;
            pub fn in_place(count: u32) -> ZigStream<u8>;
            pub fn points(count: u32) -> ZigStream<Copied<u32>>;
        }
    }
    pub(super) mod argument {
        use super::*;
        zigflow::zig_source! {
            pub fn counter(from: u64, to: i64) -> ZigStream<u64>;
            pub fn chunks(len: u64, count: u16) -> ByteStream;
            pub fn failing(good: bool, code: i32) -> ZigStream<u32>;
            pub fn panicking(index: f32) -> ZigStream<u8>;
            pub fn pieces(text: u64) -> ByteStream;
            pub fn file(path: &str, chunk_bytes: f64) -> ByteStream;
        }
    }
    pub(super) mod count {
        use super::*;
        zigflow::zig_source! {
            pub fn counter(from: u64) -> ZigStream<u64>;
            pub fn failing(good: u32, code: i32, more: u32) -> ZigStream<u32>;
            pub fn pieces() -> ByteStream;
        }
    }
    pub(super) mod threading {
        use super::*;
        zigflow::zig_source! {
            pub fn local_counter(from: u64, to: u64) -> ZigStream<u64>;
        }
    }
    /// Not wrong: what may move may also stay.
    pub(super) mod stays {
        use super::*;
        zigflow::zig_source! {
            pub fn counter(from: u64, to: u64) -> LocalZigStream<u64>;
            pub fn pieces(text: &str) -> LocalByteStream;
        }
    }
}

mod more {
    use zigflow::ZigStream;
    zigflow::zig_source! {
        pub fn chunks(len: u64, count: u32) -> ZigStream<Vec<u8>>;
        pub fn pieces(text: &str) -> ZigStream<Vec<u8>>;
    }
}

fn all<T: zigflow::Item<Value = V>, V>(stream: ZigStream<T, Sendable>) -> Vec<V> {
    block_on(stream.map(Result::unwrap).collect())
}

// -- every kind of item --

#[test]
fn numbers_arrive() {
    let top = u64::MAX;
    assert_eq!(all(zig::counter(3, 1000).unwrap()), (3..1000).collect::<Vec<_>>());
    assert_eq!(all(zig::counter(top - 2, top).unwrap()), [top - 2, top - 1]);
    assert_eq!(all(zig::counter(5, 5).unwrap()), []);
}

#[test]
fn bools_arrive_from_a_source_that_never_moved() {
    let stream = zig::in_place(3).unwrap();
    let moved = Box::new(stream);
    assert_eq!(all(*moved), [true; 3]);
}

#[test]
fn structs_arrive_whole() {
    let expected: Vec<Point> = (0..100).rev().map(Point::of).collect();
    assert_eq!(all(zig::points(100).unwrap()), expected);
}

#[test]
fn lent_bytes_are_copied_into_vectors_of_their_own() {
    let items = all(more::chunks(3, 300).unwrap());
    let expected: Vec<Vec<u8>> = (0..300_u32).map(|n| vec![n as u8; 3]).collect();
    assert_eq!(items, expected);
    assert_eq!(all(more::pieces("ab||c|?|").unwrap()), [&b"ab"[..], b"", b"c", b""]);
    assert_eq!(all(more::chunks(0, 2).unwrap()), [vec![], vec![]]);
}

#[test]
fn lent_values_are_copied() {
    assert_eq!(all(zig::words(3).unwrap()), [0x0101_0101, 0x0202_0202, 0x0303_0303]);
}

#[test]
fn owned_buffers_stay_when_the_stream_goes_on() {
    let items = all(zig::owned(300).unwrap());
    assert_eq!(items.len(), 300);
    for (item, n) in items.iter().zip((0..300_u32).rev()) {
        assert_eq!(item[..], [n as u8; 16]);
    }
}

#[test]
fn a_local_stream_yields_the_same() {
    let items = block_on(zig::local_counter(1, 4).unwrap().map(Result::unwrap).collect::<Vec<_>>());
    assert_eq!(items, [1, 2, 3]);
    let items =
        block_on(wrong::stays::counter(1, 4).unwrap().map(Result::unwrap).collect::<Vec<_>>());
    assert_eq!(items, [1, 2, 3]);
    let mut bytes = wrong::stays::pieces("x").unwrap();
    assert_eq!(block_on(bytes.fill()).unwrap(), b"x");
}

// -- errors --

#[test]
fn items_before_an_error_arrive_and_then_its_name() {
    let mut stream = zig::failing(2, 0).unwrap();
    assert_eq!(block_on(stream.next()), Some(Ok(1)));
    assert_eq!(block_on(stream.next()), Some(Ok(0)));
    let Some(Err(StreamError::Zig(error))) = block_on(stream.next()) else {
        panic!("no error from Zig")
    };
    assert_eq!(error.name(), "TapeTorn");
    assert_eq!(format!("{error} {error:?}"), "TapeTorn error.TapeTorn");
    assert_eq!(block_on(stream.next()), None);
}

#[test]
fn codes_of_the_author_arrive() {
    for code in [1, -1, i32::MIN, i32::MAX] {
        let mut stream = zig::failing(1, code).unwrap();
        assert_eq!(block_on(stream.next()), Some(Ok(0)));
        assert_eq!(block_on(stream.next()), Some(Err(StreamError::Code(code))));
        assert_eq!(block_on(stream.next()), None);
    }
}

#[test]
fn an_open_that_fails_names_the_error() {
    let Err(OpenError::Zig(error)) = zig::counter(2, 1) else { panic!("no error from Zig") };
    assert_eq!(error.name(), "Backwards");
    let Err(OpenError::Zig(error)) = zig::local_counter(2, 1) else { panic!("no error from Zig") };
    assert_eq!(error.name(), "Backwards");
    let Err(OpenError::Zig(error)) = zig::chunks(u64::MAX, 1) else { panic!("no error from Zig") };
    assert_eq!(error.name(), "OutOfMemory");
}

// -- wrong declarations --

#[test]
fn another_item_type_is_refused_and_both_are_named() {
    fn items<S>(opened: Result<S, OpenError>) -> (&'static str, &'static str) {
        match opened.map(|_| "it opened") {
            Err(OpenError::Item { zig, rust, fields: false }) => (zig, rust),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(items(wrong::item::counter(0, 1)), ("u64", "u32"));
    // The same size and alignment, so the name decides.
    assert_eq!(items(wrong::item::failing(0, 1)), ("u32", "i32"));
    assert_eq!(items(wrong::item::in_place(1)), ("bool", "u8"));
    assert_eq!(items(wrong::item::chunks(1, 1)), ("[]const u8", "OwnedBytes"));
    let (zig, rust) = items(wrong::item::owned(1));
    assert!(zig.ends_with(".OwnedBytes"), "{zig}");
    assert_eq!(rust, "[]const u8");
    let (zig, _) = items(wrong::item::points(1));
    assert!(zig.ends_with(".Point"), "{zig}");
}

#[test]
fn an_argument_of_another_type_is_refused_and_both_are_named() {
    fn refused<S>(opened: Result<S, OpenError>) -> (u32, &'static str, &'static str) {
        match opened.map(|_| "it opened") {
            Err(OpenError::Argument { index, zig, rust }) => (index, zig, rust),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused(wrong::argument::counter(0, 1)), (1, "u64", "i64"));
    assert_eq!(refused(wrong::argument::chunks(0, 1)).0, 1);
    assert_eq!(refused(wrong::argument::failing(true, 1)), (0, "u32", "bool"));
    assert_eq!(refused(wrong::argument::panicking(0.0)).0, 0);
    assert_eq!(refused(wrong::argument::pieces(0)).0, 0);
    assert_eq!(refused(wrong::argument::file("/", 1.0)).0, 1);
}

#[test]
fn another_number_of_arguments_is_refused() {
    fn numbers<S>(opened: Result<S, OpenError>) -> (u32, u32) {
        match opened.map(|_| "it opened") {
            Err(OpenError::ArgumentCount { given, expected }) => (given, expected),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(numbers(wrong::count::counter(0)), (1, 2));
    assert_eq!(numbers(wrong::count::failing(0, 0, 0)), (3, 2));
    assert_eq!(numbers(wrong::count::pieces()), (0, 1));
}

#[test]
fn a_source_that_does_not_say_sendable_opens_on_one_thread_only() {
    assert_eq!(wrong::threading::local_counter(0, 1).unwrap_err(), OpenError::NotSendable);
    assert!(zig::local_counter(0, 1).is_ok());
}

#[test]
fn errors_say_what_to_do() {
    let text = |error: OpenError| error.to_string();
    assert_eq!(
        text(wrong::item::counter(0, 1).unwrap_err()),
        "the Zig source yields `u64`, Rust asked for `u32`, of another kind, size or name: declare the stream in Rust as one of what Zig yields"
    );
    assert_eq!(
        text(wrong::argument::counter(0, 1).unwrap_err()),
        "argument 1 (from 0) of the source's `open` is `u64` in Zig, Rust passed `i64`: correct the declaration in Rust, or `open`"
    );
    assert_eq!(
        text(wrong::count::counter(0).unwrap_err()),
        "the source's `open` takes 2 arguments in Zig, Rust passed 1: correct the declaration in Rust, or `open`"
    );
    assert_eq!(
        text(wrong::threading::local_counter(0, 1).unwrap_err()),
        "the Zig source may not move between threads: say `pub const sendable = true;` in its type, or declare it as a LocalZigStream or LocalByteStream"
    );
    assert_eq!(
        text(OpenError::Abi { zig: 7, rust: 1 }),
        "the Zig archive speaks ABI 7, this program ABI 1: build both with one version of zigflow"
    );
    let differs = OpenError::Item { zig: "a.P", rust: "P", fields: true };
    for (error, advice) in [
        (
            OpenError::NotASource,
            "bind it by `zigflow.source`, and compile the file with zigflow-build",
        ),
        (differs, "correct one of them, or let `zigflow_build::Build::types` write Zig's"),
        (OpenError::Code(7), "code 7, which its `open` chose"),
        (
            OpenError::Malformed(zigflow::Malformed::NullSource),
            "let `zigflow.source` make what Rust opens",
        ),
    ] {
        assert!(text(error).ends_with(advice), "{error}");
    }
    let opened = zig::counter(2, 1).unwrap_err();
    assert_eq!(text(opened), "the Zig source did not open: Backwards");
    assert_eq!(StreamError::from(opened).to_string(), "the Zig source did not open: Backwards");

    let last = |stream: ZigStream<u32>| block_on(stream.last()).unwrap().unwrap_err();
    let failed = last(zig::failing(0, 0).unwrap());
    assert_eq!(failed.to_string(), "the Zig source failed: TapeTorn");
    let failed = last(zig::failing(0, -5).unwrap());
    assert_eq!(failed.to_string(), "the Zig source failed with code -5");
    assert_eq!(
        std::io::Error::from(failed).to_string(),
        "the Zig source failed with code -5",
        "as an I/O error"
    );
}

// -- arguments --

/// What `Arguments` in sources.zig hashes.
#[derive(Clone, Copy)]
struct Given<'a> {
    a: u8,
    b: i16,
    c: u32,
    d: i64,
    e: f32,
    f: f64,
    g: bool,
    h: &'a [u8],
    i: &'a str,
}

impl Given<'_> {
    fn hash_of_zig(self) -> u64 {
        let Self { a, b, c, d, e, f, g, h, i } = self;
        let items = all(zig::arguments(a, b, c, d, e, f, g, h, i).unwrap());
        assert_eq!(items.len(), 1);
        items[0]
    }

    /// FNV-1a.
    fn hash(self) -> u64 {
        let mut bytes = vec![self.a];
        bytes.extend(self.b.to_le_bytes());
        bytes.extend(self.c.to_le_bytes());
        bytes.extend(self.d.to_le_bytes());
        bytes.extend(self.e.to_le_bytes());
        bytes.extend(self.f.to_le_bytes());
        bytes.push(u8::from(self.g));
        bytes.extend(self.h);
        bytes.extend(self.i.as_bytes());
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
    }
}

const SOME: Given = Given {
    a: 200,
    b: -12_345,
    c: 0xdead_beef,
    d: i64::MIN,
    e: -0.0,
    f: f64::NAN,
    g: true,
    h: b"some bytes\0",
    i: "some text \u{1f980}",
};

#[test]
fn every_argument_type_arrives_whole() {
    let (zeros, ones) = ([0; 9], [0xff; 70_000]);
    let long = "z".repeat(100_000);
    let none = Given { a: 0, b: 0, c: 0, d: 0, e: 0.0, f: 0.0, g: false, h: &[], i: "" };
    let top =
        Given { a: 255, b: i16::MAX, c: u32::MAX, d: i64::MAX, e: f32::MAX, f: f64::MAX, ..SOME };
    let low = Given { b: i16::MIN, d: -1, e: f32::MIN_POSITIVE, f: f64::NEG_INFINITY, ..SOME };
    for given in [
        SOME,
        none,
        top,
        low,
        Given { h: &[], ..SOME },
        Given { i: "", ..SOME },
        Given { h: &zeros, ..SOME },
        Given { h: &ones, i: &long, ..SOME },
        Given { d: 0x0123_4567_89ab_cdef, f: f64::from_bits(0x0123_4567_89ab_cdef), ..SOME },
    ] {
        assert_eq!(given.hash_of_zig(), given.hash());
    }
}

#[test]
fn owned_buffers_of_a_pool_outlive_pool_and_stream() {
    let channel = Channel::new();
    let buffers = all(channel.pooled(3).unwrap());
    assert_eq!(channel.released(), 0);
    assert_eq!(buffers.iter().map(|buffer| buffer.len()).collect::<Vec<_>>(), [100, 0, 0]);
    assert!(buffers[0].as_ptr().addr().is_multiple_of(64));
    assert_eq!(buffers[0][..], [0; 100]);
    drop(buffers);
    assert_eq!(channel.released(), 3);
}
