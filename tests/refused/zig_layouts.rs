//! Types that differ between the two languages, or do not cross.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

mod differs {
    zigflow::autozig! {
        const Point = extern struct { x: f64, z: f64 };
        fn f(p: *const Point) f64 { return p.x; }
        fn g(p: Point, q: []const Point) f64 { return p.x + q[0].x; }
        ---
        struct Point {
            x: f64,
            y: f64, //~ is not the Zig type of that name: field 2 is `y: f64` in Rust and `z: f64` in Zig
        }
        fn f(p: &Point) -> f64;
        fn g(p: Point, q: &[Point]) -> f64;
    }
}

mod not_extern {
    zigflow::autozig! {
        const Point = struct { x: f64, y: f64 };
        fn f(p: *const Point) f64 { return p.x; }
        ---
        struct Point { x: f64, y: f64 } //~ does not cross: it has to be an `extern struct`
        fn f(p: &Point) -> f64;
    }
}

mod enums {
    zigflow::autozig! {
        const Level = enum(u8) { low, high };
        fn f(l: *Level) void { l.* = .low; }
        fn g(l: Level) u8 { return @intFromEnum(l); }
        ---
        #[repr(u8)]
        enum Level { Low, High }
        fn f(l: &mut Level); //~ cannot be lent to Zig for writing
        fn g(l: Level) -> u8;
    }
}

mod of_no_integer {
    zigflow::autozig! {
        const Level = enum(u8) { low, high };
        const Other = enum(u8) { one };
        fn f(l: Level) u8 { return @intFromEnum(l); }
        fn g(l: *const Level, o: []Other) ?Level { return if (o.len == 0) l.* else null; }
        ---
        enum Level { Low, High } //~ an enum that crosses needs `#[repr(u8)]`
        #[derive(zigflow::Transfer, Clone, Copy)]
        enum Other { One } //~ an enum that crosses needs `#[repr(u8)]`
        fn f(l: Level) -> u8;
        fn g(l: &Level, o: &mut [Other]) -> Option<Level>;
    }
    fn h() -> u8 { f(Level::Low) }
}

mod values {
    zigflow::autozig! {
        const Level = enum(u8) { low, high = 3 };
        fn f(l: Level) u8 { return @intFromEnum(l); }
        ---
        #[repr(u8)]
        enum Level {
            Low,
            High, //~ value 2 is `High = 1` in Rust and `high = 3` in Zig
        }
        fn f(l: Level) -> u8;
    }
}

mod elsewhere {
    #[derive(Clone, Copy, zigflow::Transfer)]
    #[repr(C)]
    pub struct Point { x: f64 }

    zigflow::autozig! {
        const Point = extern struct { x: u32, @"y@1": c_int };
        fn f(p: *const Point) u32 { return p.x; }
        ---
        fn f(p: &Point) -> u32; //~ in Zig it is `{ x: u32, _: i32 }`, 8 bytes
    }
}

mod more_aligned {
    zigflow::autozig! {
        const Point = extern struct { x: u64 align(16), y: u64 };
        fn f(p: *const Point) u64 { return p.x; }
        ---
        struct Point { x: u64, y: u64 } //~ in Zig it is `{ x: u64, y: u64 }`, 16 bytes, aligned to 16
        fn f(p: &Point) -> u64;
    }
}

mod of_unknown_shape {
    zigflow::autozig! {
        const Point = extern struct { x: u64, y: [64]u64 };
        fn f() Point { return .{ .x = 1, .y = @splat(1) }; }
        ---
        struct Point { x: [[u8; 0]; 1], y: u32 } //~ field 1 is `x: [[u8; 0]; 1]` in Rust and `x: u64` in Zig
        fn f() -> Point;
    }
}

mod named_alike {
    pub struct Vec<T>(core::marker::PhantomData<T>);
    impl Vec<u8> {
        pub fn as_ptr(&self) -> *const u8 { core::ptr::null() }
        pub fn len(&self) -> usize { 100 }
    }
    zigflow::autozig! { //~ mismatched types
        fn sum(v: []const u8) u64 { return v.len; }
        ---
        pub async fn sum(v: Vec<u8>) -> u64;
    }
}

mod text_alike {
    use core::ops::Deref;
    #[allow(non_camel_case_types)]
    pub struct str;
    impl Deref for str {
        type Target = [u8];
        fn deref(&self) -> &[u8] { b"no text" }
    }
    zigflow::autozig! {
        fn sum(v: []const u8) u64 { return v.len; }
        ---
        pub fn sum(v: &str) -> u64; //~ mismatched types
    }
}

fn main() {}
