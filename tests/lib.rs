//! What the integration tests share: the Zig sources, declared once, tasks that are polled by hand, child
//! processes, and the suite for timers.
#![deny(unsafe_code)]

pub mod bridge_ends;
pub mod child;
pub mod clock;
pub mod conformance;
pub mod driven;
pub mod ends;
pub mod futures;
pub mod many_ends;
pub mod point;
pub mod polled;
pub mod pools;
pub mod probe;
pub mod quiet;
pub mod task;
pub mod types;
pub mod virtual_time;

use zigflow::{ByteStream, Copied, LocalZigStream, ZeroCopyBuffer, ZigStream};

pub use driven::{Channel, zig_shapes};
pub use point::{Point, points};

zigflow::zig_source! {
    /// `from` up to, not including, `to`; never pending.
    pub fn counter(from: u64, to: u64) -> ZigStream<u64>;
    /// The same, on one thread.
    pub fn local_counter(from: u64, to: u64) -> LocalZigStream<u64>;
    /// `good` items, then an error: `TapeTorn`, or `code` if that is not 0.
    pub fn failing(good: u32, code: i32) -> ZigStream<u32>;
    /// `count` lent chunks of `len` bytes, each filled with its number.
    pub fn chunks(len: u64, count: u32) -> ByteStream;
    /// `count` buffers of 16 bytes.
    pub fn owned(count: u32) -> ZigStream<ZeroCopyBuffer>;
    /// One item, a hash of all arguments.
    pub fn arguments(a: u8, b: i16, c: u32, d: i64, e: f32, f: f64, g: bool, h: &[u8], i: &str) -> ZigStream<u64>;
    /// Checks in each poll that it never moved.
    pub fn in_place(count: u32) -> ZigStream<bool>;
    /// A Zig thread counts up to `count` and wakes the stream.
    pub fn threaded(count: u32) -> ZigStream<u32>;
    /// Panics in Zig from index 3 on.
    pub fn panicking(index: u32) -> ZigStream<u8>;
    /// A file, by chunks.
    pub fn file(path: &str, chunk_bytes: u64) -> ByteStream;
    /// The parts of `text` between `|`; `?` is pending once, `!` the error `Torn`, `#` the code 7.
    pub fn pieces(text: &str) -> ByteStream;
    /// Lends `len` bytes from `shift` on, of a registered buffer of 8 bytes.
    pub fn outside(shift: u64, len: u64) -> ByteStream;
    /// `count` values as lent bytes: 0x01010101, 0x02020202, ….
    pub fn words(count: u32) -> ZigStream<Copied<u32>>;
    /// Registers after it has looked; in between a thread makes an item and wakes.
    pub fn checks_first(count: u32) -> ZigStream<u32>;
    /// Every other poll is pending and wakes before it returns.
    pub fn wakes_itself(count: u64) -> ZigStream<u64>;
    /// A Zig thread makes `count` items; counted in [`driven::live`].
    pub fn worked(count: u32) -> ZigStream<u32>;
}

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// Pitfall 31: what sends or receives takes `&mut self`, so no two threads can do it at once.
///
/// ```compile_fail,E0596
/// let (tx, _rx) = zigflow::spsc::channel::<u8>(1);
/// let shared = &tx;
/// let _ = shared.try_send(1);
/// ```
///
/// ```compile_fail,E0596
/// let (_tx, rx) = zigflow::spsc::channel::<u8>(1);
/// let shared = &rx;
/// let _ = shared.try_recv();
/// ```
#[cfg(doctest)]
mod one_at_a_time {}

/// Pitfall 42: what combines children goes to another thread if they do.
///
/// ```
/// fn sendable<T: Send + Sync>(_: T) {}
/// sendable(zigflow::FutureGroup::<std::future::Ready<u8>>::new());
/// sendable(zigflow::race(vec![std::future::ready(1)]));
/// sendable(zigflow::join((std::future::ready(1), std::future::ready(2))));
/// ```
///
/// ```compile_fail,E0277
/// fn sendable<T: Send>(_: T) {}
/// sendable(zigflow::FutureGroup::<std::future::Ready<std::rc::Rc<u8>>>::new());
/// ```
///
/// ```compile_fail,E0277
/// fn sendable<T: Send>(_: T) {}
/// sendable(zigflow::race([std::future::ready(std::rc::Rc::new(1))]));
/// ```
#[cfg(doctest)]
mod as_sendable_as_the_children {}
