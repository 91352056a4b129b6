//! Zig functions in a Rust file: what crosses, and what comes back.
#![forbid(unsafe_code)]

use zigflow::ZigError;

mod shapes {
    zigflow::autozig! {
        //! A file of Zig, with "quotes' in its comments }
        const std = @import("std");
        const beside = @import("beside.zig");

        const Point = extern struct { x: f64, y: f64, tag: u32 };
        const Level = beside.Level;

        fn length(p: *const Point) f64 {
            return @sqrt(beside.square(p.x) + beside.square(p.y));
        }

        fn middle(a: Point, b: *const Point) Point {
            return .{ .x = (a.x + b.x) / 2, .y = (a.y + b.y) / 2, .tag = a.tag + b.tag };
        }

        fn shift(p: *Point, by: f64) void {
            p.x += by;
        }

        fn farthest(points: []const Point) ?Point {
            if (points.len == 0) return null;
            var best = points[0];
            for (points[1..]) |p| if (length(&p) > length(&best)) {
                best = p;
            };
            return best;
        }

        fn opposite(level: Level) Level {
            return if (level == .low) .high else .low;
        }
        ---
        /// A place.
        #[derive(Debug, PartialEq)]
        pub(super) struct Point {
            pub(super) x: f64,
            pub(super) y: f64,
            pub(super) tag: u32,
        }

        #[derive(Debug, PartialEq)]
        #[repr(u8)]
        pub(super) enum Level {
            Low,
            High = 7,
        }

        /// From the origin.
        pub(super) fn length(p: &Point) -> f64;
        pub(super) fn middle(a: Point, b: &Point) -> Point;
        pub(super) fn shift(p: &mut Point, by: f64);
        pub(super) fn farthest(points: &[Point]) -> Option<Point>;
        pub(super) fn opposite(level: Level) -> Level;
    }
}
use shapes::{Level, Point};

zigflow::autozig! {
    const std = @import("std");

    // In the manner of C, and with a name that others export too.
    export fn sum(values: [*]const u32, len: usize) u64 {
        var sum_: u64 = 0;
        for (values[0..len]) |value| sum_ += value;
        return sum_;
    }

    export fn fill(values: [*]u16, len: usize, value: u16) void {
        @memset(values[0..len], value);
    }

    fn parse(text: []const u8) !u32 {
        return std.fmt.parseInt(u32, text, 10);
    }

    const Refusal = error{ Empty, TooLong };

    fn check(text: []const u8, most: usize) Refusal!usize {
        if (text.len == 0) return error.Empty;
        if (text.len > most) return error.TooLong;
        return text.len;
    }

    fn find(bytes: []const u8, byte: u8) ?usize {
        return std.mem.findScalar(u8, bytes, byte);
    }

    fn findOrFail(bytes: []const u8, byte: u8) Refusal!?u64 {
        if (bytes.len == 0) return error.Empty;
        return find(bytes, byte) orelse null;
    }

    fn approve(yes: bool) !void {
        if (!yes) return error.Refused;
    }

    fn mix(a: u8, b: i8, c: u16, d: i16, e: u32, f: i32, g: u64, h: i64, i: usize, j: isize, k: f32, l: f64, m: bool) f64 {
        var total: f64 = @floatFromInt(a);
        inline for (.{ b, c, d, e, f, g, h, i, j }) |value| total += @floatFromInt(value);
        return total + k + l + @as(f64, if (m) 1 else 0);
    }

    fn nothing() void {}

    test "a test in Zig is one of Rust's" {
        try std.testing.expectEqual(2, find("abc", 'c'));
        try std.testing.expectError(error.Empty, check("", 1));
    }

    fn c_number(x: c_int) c_int {
        return -x;
    }

    fn @"type"(x: u8) u8 {
        return x;
    }
    ---
    /// Errors that `check` returns.
    enum Refusal {
        Empty,
        TooLong,
    }

    fn sum(values: &[u32]) -> u64;
    fn fill(values: &mut [u16], value: u16);
    fn parse(text: &str) -> Result<u32, ZigError>;
    fn check(text: &str, most: usize) -> Result<usize, Refusal>;
    fn find(bytes: &[u8], byte: u8) -> Option<usize>;
    fn find_or_fail(bytes: &[u8], byte: u8) -> Result<Option<u64>, Refusal>;
    fn approve(yes: bool) -> Result<(), ZigError>;
    #[allow(clippy::many_single_char_names)]
    fn mix(a: u8, b: i8, c: u16, d: i16, e: u32, f: i32, g: u64, h: i64, i: usize, j: isize, k: f32, l: f64, m: bool) -> f64;
    fn nothing();
    fn c_number(x: i32) -> i32;
}

/// Another `sum` in another block of the same crate.
mod other {
    zigflow::autozig! {
        export fn sum(values: [*]const u32, len: usize) u64 {
            return 1000 + len + values[0];
        }
        ---
        pub(crate) fn sum(values: &[u32]) -> u64;
    }
}

/// The same names as in `shapes`, from the file itself.
mod included {
    zigflow::include_zig!("beside.zig", {
        #[derive(Debug, PartialEq)]
        #[repr(u8)]
        pub(super) enum Level {
            Low,
            High = 7,
        }

        pub(super) fn greeting(into: &mut [u8]) -> usize;
        pub(super) fn level(of: i32) -> Level;
    });
}
use included::{greeting, level};

#[test]
fn structs_cross_by_value_by_reference_in_slices_and_back() {
    let a = Point { x: 3.0, y: 4.0, tag: 1 };
    let mut b = Point { x: 0.0, y: 0.0, tag: 10 };
    assert_eq!(shapes::length(&a), 5.0);
    assert_eq!(shapes::middle(a, &b), Point { x: 1.5, y: 2.0, tag: 11 });
    shapes::shift(&mut b, 2.5);
    assert_eq!(b, Point { x: 2.5, y: 0.0, tag: 10 });
    assert_eq!(shapes::farthest(&[b, a, b]), Some(a));
    assert_eq!(shapes::farthest(&[]), None);
}

/// Pitfall 32 of the list that this project keeps: a result stands in nobody's static.
#[test]
fn pitfall_32_results_of_two_threads_are_not_mixed_up() {
    let turn = |tag: u32| {
        let point = |x: f64| Point { x, y: -x, tag };
        for n in 0..20_000 {
            let x = f64::from(tag * 1_000_000 + n);
            assert_eq!(shapes::middle(point(x), &point(x)), Point { tag: 2 * tag, ..point(x) });
            assert_eq!(shapes::farthest(&[point(x), point(0.0)]), Some(point(x)));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(move || turn(1));
        scope.spawn(move || turn(2));
    });
}

#[test]
fn enums_cross() {
    assert_eq!(shapes::opposite(Level::Low), Level::High);
    assert_eq!(shapes::opposite(Level::High), Level::Low);
    assert_eq!(level(101), included::Level::High);
    assert_eq!(level(100), included::Level::Low);
}

#[test]
fn functions_in_the_manner_of_c_take_slices() {
    assert_eq!(sum(&[1, 2, u32::MAX]), 3 + u64::from(u32::MAX));
    assert_eq!(sum(&[]), 0);
    let mut values = [0; 5];
    fill(&mut values[1..4], 7);
    assert_eq!(values, [0, 7, 7, 7, 0]);
}

#[test]
fn two_blocks_may_have_functions_of_one_name() {
    assert_eq!(sum(&[5]), 5);
    assert_eq!(other::sum(&[5]), 1006);
}

#[test]
fn errors_have_their_names() {
    assert_eq!(parse("42"), Ok(42));
    assert_eq!(parse("4x").unwrap_err().name(), "InvalidCharacter");
    assert_eq!(parse("99999999999"), Err(ZigError::new("Overflow")));
    assert_eq!(approve(true), Ok(()));
    assert_eq!(approve(false), Err(ZigError::new("Refused")));
}

#[test]
fn an_error_set_is_an_enum_of_rust() {
    assert_eq!(check("abc", 3), Ok(3));
    assert_eq!(check("", 3), Err(Refusal::Empty));
    assert_eq!(check("abcd", 3), Err(Refusal::TooLong));
    let error: Box<dyn std::error::Error> = Refusal::TooLong.into();
    assert_eq!(error.to_string(), "TooLong");
}

#[test]
fn optionals_are_options() {
    assert_eq!(find(b"abc", b'c'), Some(2));
    assert_eq!(find(b"abc", b'd'), None);
    assert_eq!(find_or_fail(b"abc", b'b'), Ok(Some(1)));
    assert_eq!(find_or_fail(b"abc", b'x'), Ok(None));
    assert_eq!(find_or_fail(b"", b'x'), Err(Refusal::Empty));
}

#[test]
fn every_number_arrives_as_it_was() {
    let total = mix(255, -1, 2, -3, 4, -5, 6, -7, 8, -9, 0.5, 0.25, true);
    assert_eq!(total, 255.0 - 1.0 + 2.0 - 3.0 + 4.0 - 5.0 + 6.0 - 7.0 + 8.0 - 9.0 + 0.75 + 1.0);
    nothing();
    assert_eq!(c_number(i32::MAX), -i32::MAX);
}

#[test]
fn a_file_is_as_good_as_a_text() {
    let mut into = [0; 32];
    let len = greeting(&mut into);
    assert_eq!(&into[..len], b"Hello,\nworld");
}

/// Methods of the user's own that are found before those of slices.
mod loud {
    #[allow(clippy::wrong_self_convention)]
    trait Loud {
        fn len(self) -> usize;
        fn as_ptr(self) -> *const u8;
        fn as_mut_ptr(self) -> *mut u8;
    }

    impl Loud for &mut [u8] {
        fn len(self) -> usize {
            1 << 30
        }
        fn as_ptr(self) -> *const u8 {
            std::ptr::null()
        }
        fn as_mut_ptr(self) -> *mut u8 {
            std::ptr::null_mut()
        }
    }

    zigflow::autozig! {
        fn fillAll(v: []u8) usize {
            @memset(v, 7);
            return v.len;
        }
        ---
        pub(super) fn fill_all(v: &mut [u8]) -> usize;
    }

    #[test]
    fn they_are_there() {
        assert_eq!(Loud::len(&mut [0_u8; 4][..]), 1 << 30);
        assert!(Loud::as_ptr(&mut [0_u8; 4][..]).is_null());
        assert!(Loud::as_mut_ptr(&mut [0_u8; 4][..]).is_null());
    }
}

#[test]
fn a_trait_in_scope_changes_nothing() {
    let mut bytes = [0; 4];
    assert_eq!((loud::fill_all(&mut bytes), bytes), (4, [7; 4]));
}

#[test]
fn words_in_strings_are_left_alone() {
    zigflow::autozig! {
        export fn text(into: [*]u8, len: usize) usize {
            const said = "see export fn text()";
            @memcpy(into[0..@min(len, said.len)], said[0..@min(len, said.len)]);
            return said.len;
        }
        ---
        fn text(into: &mut [u8]) -> usize;
    }
    let mut into = [0; 64];
    let len = text(&mut into);
    assert_eq!(&into[..len], b"see export fn text()");
}

#[test]
fn no_name_in_zig_is_taken() {
    zigflow::autozig! {
        const value = 1;
        const out = 2;
        const some = 3;
        const found = 4;
        const e = 5;
        const f = 6;
        const a0 = 7;
        const std = 8;
        const binding = 9;

        fn all(a: []const u8) !?u64 {
            if (a.len == 0) return error.Empty;
            return value + out + some + found + e + f + a0 + std + binding;
        }
        ---
        fn all(a: &[u8]) -> Result<Option<u64>, ZigError>;
    }
    assert_eq!(all(&[1]), Ok(Some(45)));
    assert!(all(&[]).is_err());
}

/// Constants and statics stand for patterns: none of them may be one that the macro writes.
#[allow(non_upper_case_globals, dead_code)]
mod crowded {
    use zigflow::{FutureError, StreamError, ZigError};

    const a0: u8 = 0;
    const at: u8 = 0;
    const code: u8 = 0;
    const completion: u8 = 0;
    const error: u8 = 0;
    const f: u8 = 0;
    const future: u8 = 0;
    const into: u8 = 0;
    const opened: u8 = 0;
    const receiver: u8 = 0;
    const running: u8 = 0;
    const sender: u8 = 0;
    const stream: u8 = 0;
    const text: u8 = 0;
    const value: u8 = 0;
    const zig: u8 = 0;
    static out: u8 = 0;
    static some: u8 = 0;
    static found: u8 = 0;

    zigflow::autozig! {
        const std = @import("std");
        const zigflow = @import("zigflow");

        const Pair = extern struct { a: u8, b: u8 };
        const Level = enum(u8) { low, high };
        const Kept = struct {
            n: u8,
            pub fn deinit(_: *Kept) void {}
            pub fn new(n: u8) Kept { return .{ .n = n }; }
            pub fn get(self: *const Kept) u8 { return self.n; }
        };
        const Count = struct {
            left: u8,
            pub fn poll(self: *Count, _: *zigflow.Context) zigflow.Poll(u8) {
                if (self.left == 0) return .done;
                self.left -= 1;
                return .{ .ready = self.left };
            }
        };

        fn first(p: []const u8) !?Pair {
            if (p.len == 0) return error.Empty;
            return if (p[0] == 0) null else .{ .a = p[0], .b = 1 };
        }
        fn raised(level: Level) error{Top}!Level {
            return if (level == .low) .high else error.Top;
        }
        fn spell(done: zigflow.Completion(zigflow.OwnedBytes), p: []const u8) !void {
            done.finish(.fromSlice(try zigflow.allocator.dupe(u8, p)));
        }
        fn slow(n: u8) !u8 { return if (n == 0) error.Zero else n; }
        fn count(n: u8) Count { return .{ .left = n }; }
        fn send(n: u8, to: zigflow.spsc.Sender(u8)) !void {
            var sender = to;
            defer sender.deinit();
            for (0..n) |i| try sender.sendBlocking(@intCast(i));
        }
        ---
        pub(super) struct Pair { pub(super) a: u8, pub(super) b: u8 }
        #[derive(Debug, PartialEq)]
        #[repr(u8)]
        pub(super) enum Level { Low, High }
        pub(super) enum Refused { Top }
        pub(super) type Kept;

        pub(super) fn first(p: &[u8]) -> Result<Option<Pair>, ZigError>;
        pub(super) fn raised(level: Level) -> Result<Level, Refused>;
        pub(super) async fn spell(p: &str) -> Result<String, FutureError>;
        pub(super) async fn slow(n: u8) -> Result<u8, ZigError>;
        pub(super) fn count(n: u8) -> impl futures_core::Stream<Item = Result<u8, StreamError>>;
        pub(super) fn send(n: u8) -> impl futures_core::Stream<Item = Result<u8, StreamError>>;
        impl Kept {
            pub(super) fn new(n: u8) -> Self;
            pub(super) fn get(&self) -> u8;
        }
    }
}

#[test]
fn no_name_of_the_user_stands_for_a_pattern_of_the_macro() {
    use futures_lite::{StreamExt, future::block_on, stream};
    assert_eq!(crowded::first(&[3]).unwrap().map(|pair| (pair.a, pair.b)), Some((3, 1)));
    assert!(crowded::first(&[0]).unwrap().is_none() && crowded::first(&[]).is_err());
    assert_eq!(crowded::raised(crowded::Level::Low), Ok(crowded::Level::High));
    assert_eq!(crowded::raised(crowded::Level::High).unwrap_err().to_string(), "Top");
    assert_eq!(block_on(crowded::spell("ab")).as_deref(), Ok("ab"));
    assert_eq!(block_on(crowded::slow(1)), Ok(1));
    assert_eq!(format!("{:?}", crowded::Kept::new(5)), "Kept { .. }");
    assert_eq!(crowded::Kept::new(5).get(), 5);
    let counted = stream::block_on(Box::pin(crowded::count(2)).map(Result::unwrap));
    assert_eq!(counted.collect::<Vec<_>>(), [1, 0]);
    let sent = stream::block_on(Box::pin(crowded::send(2)).map(Result::unwrap));
    assert_eq!(sent.collect::<Vec<_>>(), [0, 1]);
}

mod perhaps {
    use zigflow::FutureError;

    zigflow::autozig! {
        const std = @import("std");
        const zigflow = @import("zigflow");

        const Point = extern struct { x: f64, tag: u32 };
        const Level = enum(u8) { low, high = 7 };

        fn orElse(n: ?u64, otherwise: u64) u64 { return n orelse otherwise; }
        fn decided(yes: ?bool) u8 { return if (yes) |is| @intFromBool(is) else 2; }
        fn half(x: ?f32) ?f32 { return (x orelse return null) / 2; }
        fn moved(p: ?Point, level: ?Level) f64 {
            const by: f64 = if (level) |l| @floatFromInt(@intFromEnum(l)) else 100;
            return (p orelse return -1).x + by;
        }
        fn total(of: ?[]const Point, name: ?[]const u8, more: []const u8) i64 {
            var sum: i64 = if (of == null) -1000 else 0;
            for (of orelse &.{}) |p| sum += p.tag;
            sum += if (name) |text| @intCast(100 * text.len) else -100;
            return sum + @as(i64, @intCast(more.len));
        }
        fn later(done: zigflow.Completion(u64), n: ?u64, text: ?[]const u8) void {
            done.finish((n orelse 1) + if (text) |t| t.len else 50);
        }
        fn there(n: ?u32) u32 { return n orelse 9; }
        ---
        pub(super) struct Point { pub(super) x: f64, pub(super) tag: u32 }
        #[repr(u8)]
        pub(super) enum Level { Low, High = 7 }

        pub(super) fn or_else(n: Option<u64>, otherwise: u64) -> u64;
        pub(super) fn decided(yes: Option<bool>) -> u8;
        pub(super) fn half(x: Option<f32>) -> Option<f32>;
        pub(super) fn moved(p: Option<Point>, level: Option<Level>) -> f64;
        pub(super) fn total(of: Option<&[Point]>, name: Option<&str>, more: &[u8]) -> i64;
        pub(super) async fn later(n: Option<u64>, text: Option<&str>) -> Result<u64, FutureError>;
        pub(super) async fn there(n: Option<u32>) -> u32;
    }
}

#[test]
fn parameters_may_be_none() {
    use futures_lite::future::block_on;
    use perhaps::{Level, Point};
    assert_eq!((perhaps::or_else(Some(u64::MAX), 1), perhaps::or_else(None, 1)), (u64::MAX, 1));
    assert_eq!([Some(false), Some(true), None].map(perhaps::decided), [0, 1, 2]);
    assert_eq!((perhaps::half(Some(3.0)), perhaps::half(None)), (Some(1.5), None));
    let p = Point { x: 0.5, tag: 30 };
    assert_eq!(perhaps::moved(Some(p), Some(Level::High)), 7.5);
    assert_eq!(perhaps::moved(Some(p), Some(Level::Low)), 0.5);
    assert_eq!(perhaps::moved(Some(p), None), 100.5);
    assert_eq!(perhaps::moved(None, Some(Level::Low)), -1.0);
    // What is empty is there.
    assert_eq!(perhaps::total(Some(&[p, p]), Some("abc"), b"12"), 362);
    assert_eq!(perhaps::total(Some(&[]), Some(""), b""), 0);
    assert_eq!(perhaps::total(None, Some(""), b""), -1000);
    assert_eq!(perhaps::total(Some(&[]), None, b"1"), -99);
    assert_eq!(block_on(perhaps::later(Some(7), Some("abc"))), Ok(10));
    assert_eq!(block_on(perhaps::later(None, None)), Ok(51));
    assert_eq!((block_on(perhaps::there(Some(3))), block_on(perhaps::there(None))), (3, 9));
}

mod bytes {
    use zigflow::{ZeroCopyBuffer, ZigError};

    zigflow::autozig! {
        const std = @import("std");
        const zigflow = @import("zigflow");

        fn repeat(text: []const u8, times: usize) !zigflow.OwnedBytes {
            const bytes = try zigflow.allocator.alloc(u8, text.len * times);
            for (0..times) |i| @memcpy(bytes[i * text.len ..][0..text.len], text);
            return .fromSlice(bytes);
        }

        var released: u32 = 0;

        fn release(context: ?*anyopaque, bytes: ?[*]u8, len: usize) callconv(.c) void {
            _ = context;
            _ = bytes;
            released += @intCast(len);
        }

        var kept = [_]u8{ 'k', 'e', 'p', 't' };

        fn keep(yes: bool) ?zigflow.OwnedBytes {
            return if (yes) .init(&kept, null, release) else null;
        }

        fn countReleased() u32 {
            return released;
        }

        fn upper(done: zigflow.Completion(zigflow.OwnedBytes), text: []const u8) !void {
            const bytes = try zigflow.allocator.dupe(u8, text);
            for (bytes) |*byte| byte.* = std.ascii.toUpper(byte.*);
            done.finish(.fromSlice(bytes));
        }
        ---
        pub(super) fn repeat(text: &[u8], times: usize) -> Result<String, ZigError>;
        pub(super) fn keep(yes: bool) -> Option<ZeroCopyBuffer>;
        pub(super) fn count_released() -> u32;
        pub(super) async fn upper(text: &[u8]) -> Result<String, zigflow::FutureError>;
    }

    zigflow::include_zig!("beside.zig", {
        pub(super) fn numbers(count: u8) -> Vec<u8>;
    });
}

#[test]
fn bytes_that_zig_allocated_are_owned_and_released_by_rust() {
    assert_eq!(bytes::repeat(b"ab", 3).as_deref(), Ok("ababab"));
    assert_eq!(bytes::repeat(b"", 3).as_deref(), Ok(""));
    assert_eq!(bytes::repeat(&[0xff], 1), Err(ZigError::new("InvalidUtf8")));
    assert_eq!(bytes::repeat(b"ab", usize::MAX / 4), Err(ZigError::new("OutOfMemory")));
    let kept = bytes::keep(true).unwrap();
    assert_eq!((&*kept, bytes::count_released()), (&b"kept"[..], 0));
    drop(kept);
    assert_eq!(bytes::count_released(), 4);
    assert!(bytes::keep(false).is_none());
    assert_eq!(bytes::numbers(3), [0, 1, 2]);
    let upper = |text: &'static [u8]| futures_lite::future::block_on(bytes::upper(text));
    assert_eq!(upper(b"shout").as_deref(), Ok("SHOUT"));
    assert_eq!(upper(&[0xc0]), Err(zigflow::FutureError::Zig(ZigError::new("InvalidUtf8"))));
}

#[test]
fn a_call_can_stand_in_a_function() {
    zigflow::autozig! {
        fn twice(x: u64) u64 { return x *% 2; }
        ---
        fn twice(x: u64) -> u64;
    }
    assert_eq!(twice(u64::MAX), u64::MAX - 1);
}
