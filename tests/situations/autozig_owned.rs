//! What changes hands for good in a call: memory that Zig gives to Rust, or Rust to Zig.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_lite::future::block_on;
use zigflow::{FutureError, Malformed, ZeroCopyBuffer, ZigError, spsc};

thread_local! {
    /// Of all that this thread has allocated and not freed: the sizes and the alignments, each added up.
    static HELD: Cell<[i64; 2]> = const { Cell::new([0; 2]) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(layout: Layout, sign: i64) {
    let [size, alignment] = HELD.get();
    HELD.set([size + sign * layout.size() as i64, alignment + sign * layout.align() as i64]);
}

// SAFETY: the system's allocator; what is added touches only a thread-local that needs no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout, 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(layout, -1);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Runs it, and checks that nothing is left allocated, nor freed with another alignment.
fn leaves_nothing<R>(run: impl FnOnce() -> R) {
    let before = HELD.get();
    drop(run());
    assert_eq!(HELD.get(), before);
}

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    const Level = enum(u8) { low, high };
    const Reading = extern struct { at: u64, level: Level };

    fn numbers(count: u32) !zigflow.OwnedSlice(u32) {
        const all = try zigflow.allocator.alloc(u32, count);
        for (all, 0..) |*n, i| n.* = @intCast(3 * i);
        return .fromSlice(all);
    }

    fn readings(count: u32) !zigflow.OwnedSlice(Reading) {
        const all = try zigflow.allocator.alloc(Reading, count);
        for (all, 0..) |*reading, i| reading.* = .{ .at = i, .level = if (i % 2 == 0) .low else .high };
        return .fromSlice(all);
    }

    fn readingsLater(done: zigflow.Completion(zigflow.OwnedSlice(Reading)), count: u32) !void {
        done.finish(try readings(count));
    }

    fn numbersThere(count: u32) !zigflow.OwnedSlice(u32) {
        return numbers(count);
    }

    /// A second result is not taken.
    fn twice(done: zigflow.Completion(zigflow.OwnedSlice(u32))) !void {
        const first = try numbers(1);
        if (!done.resolve(first)) first.deinit();
        done.finish(try numbers(2));
    }

    var released: u32 = 0;

    fn release(_: ?*anyopaque, _: ?[*]u8, len: usize) callconv(.c) void {
        released += @intCast(len);
    }

    fn countReleased() u32 {
        return released;
    }

    var kept = [_]f64{ 0.5, 1.5 };

    fn halves(yes: bool) ?zigflow.OwnedSlice(f64) {
        return if (yes) .init(&kept, null, release) else null;
    }

    // -- what cannot be, and is not believed --

    var bytes = [_]u8{ 0, 1, 0, 1, 2, 0, 0, 0, 0, 0 };

    fn levels(first: usize, end: usize) zigflow.OwnedSlice(Level) {
        return .{ .raw = raw(first, end) };
    }

    fn levelsLater(done: zigflow.Completion(zigflow.OwnedSlice(Level)), end: usize) void {
        done.finish(levels(0, end));
    }

    fn words(first: usize, end: usize) zigflow.OwnedSlice(u16) {
        return .{ .raw = raw(first, end) };
    }

    fn raw(first: usize, end: usize) zigflow.abi.OwnedItem {
        return .{ .ptr = bytes[first..].ptr, .len = end - first, .release = release, .context = null };
    }
    ---
    #[derive(Debug, PartialEq)]
    #[repr(u8)]
    enum Level { Low, High }

    #[derive(Debug, PartialEq)]
    struct Reading { at: u64, level: Level }

    fn numbers(count: u32) -> Result<Vec<u32>, ZigError>;
    fn readings(count: u32) -> Result<Vec<Reading>, ZigError>;
    async fn readings_later(count: u32) -> Result<Vec<Reading>, FutureError>;
    async fn numbers_there(count: u32) -> Result<Vec<u32>, ZigError>;
    async fn twice() -> Result<Vec<u32>, FutureError>;
    fn halves(yes: bool) -> Option<Vec<f64>>;
    fn levels(first: usize, end: usize) -> Vec<Level>;
    async fn levels_later(end: usize) -> Result<Vec<Level>, FutureError>;
    fn words(first: usize, end: usize) -> Vec<u16>;
    fn count_released() -> u32;
}

mod given {
    use zigflow::{FutureError, ZeroCopyBuffer, ZigError, spsc};

    zigflow::autozig! {
        const std = @import("std");
        const zigflow = @import("zigflow");

        var released: u32 = 0;

        fn release(_: ?*anyopaque, _: ?[*]u8, len: usize) callconv(.c) void {
            released += @intCast(len);
        }

        fn countReleased() u32 {
            return released;
        }

        var kept = [_]u8{ 'k', 'e', 'p', 't' };

        fn keep() zigflow.OwnedBytes {
            return .init(&kept, null, release);
        }

        fn total(bytes: zigflow.OwnedBytes) u64 {
            defer bytes.deinit();
            var sum: u64 = 0;
            for (bytes.slice()) |byte| sum += byte;
            return sum;
        }

        fn through(bytes: zigflow.OwnedBytes, yes: bool) ?zigflow.OwnedBytes {
            if (yes) return bytes;
            bytes.deinit();
            return null;
        }

        fn totalLater(bytes: zigflow.OwnedBytes, done: zigflow.Completion(u64)) void {
            done.finish(total(bytes));
        }

        fn totalThere(bytes: zigflow.OwnedBytes) u64 {
            return total(bytes);
        }

        fn opens(one: zigflow.OwnedBytes, end: zigflow.spsc.Sender(u8), two: zigflow.OwnedBytes) void {
            one.deinit();
            two.deinit();
            var sender = end;
            sender.deinit();
        }
        ---
        pub(super) fn count_released() -> u32;
        pub(super) fn keep() -> ZeroCopyBuffer;
        pub(super) fn total(bytes: ZeroCopyBuffer) -> u64;
        pub(super) fn through(bytes: ZeroCopyBuffer, yes: bool) -> Option<ZeroCopyBuffer>;
        pub(super) async fn total_later(bytes: ZeroCopyBuffer) -> Result<u64, FutureError>;
        pub(super) async fn total_there(bytes: ZeroCopyBuffer) -> u64;
        pub(super) fn opens(one: ZeroCopyBuffer, end: spsc::ZigSender<u8>, two: ZeroCopyBuffer) -> Result<(), ZigError>;
    }

    pub(super) fn opens_another(one: ZeroCopyBuffer, two: ZeroCopyBuffer) -> Result<(), ZigError> {
        other::opens(one, spsc::channel::<u16>(1).0.into_zig(), two)
    }

    /// Rust's signature says another type than Zig's function opens.
    mod other {
        use zigflow::{ZeroCopyBuffer, ZigError, spsc};

        zigflow::autozig! {
            const zigflow = @import("zigflow");

            fn opens(one: zigflow.OwnedBytes, end: zigflow.spsc.Sender(u8), two: zigflow.OwnedBytes) void {
                _ = .{ one, end, two };
                @panic("it was called");
            }
            ---
            pub(super) fn opens(one: ZeroCopyBuffer, end: spsc::ZigSender<u16>, two: ZeroCopyBuffer) -> Result<(), ZigError>;
        }
    }
}

#[test]
fn a_buffer_that_rust_hands_over_is_released_once_by_zig() {
    let buffer = |len: u8| ZeroCopyBuffer::from((0..len).collect::<Vec<u8>>());
    block_on(async {});
    leaves_nothing(|| assert_eq!(given::total(buffer(5)), 10));
    leaves_nothing(|| assert_eq!(given::total(buffer(0)), 0));
    leaves_nothing(|| {
        let buffer = buffer(3);
        let address = buffer.as_ptr();
        let back = given::through(buffer, true).unwrap();
        assert_eq!((back.as_ptr(), &*back), (address, &[0, 1, 2][..]));
        assert!(given::through(back, false).is_none());
    });
    leaves_nothing(|| assert_eq!(block_on(given::total_later(buffer(5))), Ok(10)));
    leaves_nothing(|| drop(given::total_later(buffer(5))));
    leaves_nothing(|| drop(given::total_there(buffer(5))));
    assert_eq!(block_on(given::total_there(buffer(5))), 10);
    leaves_nothing(|| {
        let (sender, receiver) = spsc::channel::<u8>(1);
        given::opens(buffer(1), sender.into_zig(), buffer(2)).unwrap();
        drop(receiver);
    });
    // Not called, since another parameter does not open: then nobody else would.
    leaves_nothing(|| {
        assert_eq!(given::opens_another(buffer(1), buffer(2)).unwrap_err().name(), "WrongItem");
    });
    assert_eq!((given::total(given::keep()), given::count_released()), (107 + 101 + 112 + 116, 4));
}

fn all(count: u64) -> Vec<Reading> {
    let level = |at| if at % 2 == 0 { Level::Low } else { Level::High };
    (0..count).map(|at| Reading { at, level: level(at) }).collect()
}

#[test]
fn items_that_zig_allocated_are_copied_and_released_as_they_were_allocated() {
    // It keeps what it needs for this thread.
    block_on(async {});
    leaves_nothing(|| assert_eq!(numbers(4).unwrap(), [0, 3, 6, 9]));
    leaves_nothing(|| assert_eq!(numbers(0).unwrap(), []));
    leaves_nothing(|| assert_eq!(readings(5).unwrap(), all(5)));
    leaves_nothing(|| assert_eq!(block_on(readings_later(5)).unwrap(), all(5)));
    leaves_nothing(|| assert_eq!(block_on(twice()).unwrap(), [0]));
    assert_eq!(block_on(numbers_there(3)).unwrap(), [0, 3, 6]);
}

/// One test, since they share the count.
#[test]
fn bits_from_zig_are_looked_at_before_they_are_values_and_are_released_in_any_case() {
    let mut before = 0;
    let mut released = || {
        let after = count_released();
        after - std::mem::replace(&mut before, after)
    };
    assert_eq!((halves(true), released()), (Some(vec![0.5, 1.5]), 16));
    assert_eq!((halves(false), released()), (None, 0));

    assert_eq!((levels(0, 3), released()), (vec![Level::Low, Level::High, Level::Low], 3));
    assert_eq!((panics(|| levels(0, 5)), released()), ("no value of `Level`".into(), 5));
    let wrong = block_on(levels_later(5));
    assert_eq!((wrong, released()), (Err(FutureError::Malformed(Malformed::Value)), 5));
    assert_eq!(block_on(levels_later(2)).unwrap().len() as u32, released());

    // At whatever address, but in whole.
    for first in [5, 6] {
        assert_eq!((words(first, first + 4), released()), (vec![0, 0], 4));
    }
    assert_eq!((panics(|| words(5, 8)), released()), ("malformed: item of 3 bytes".into(), 3));
}

/// The part of what a panic says that tells why.
fn panics<R>(run: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else { panic!("it returned") };
    let said = panic.downcast::<String>().expect("a text");
    ["no value of `Level`", "malformed: item of 3 bytes"]
        .into_iter()
        .find(|part| said.contains(part))
        .map_or(*said, str::to_owned)
}
