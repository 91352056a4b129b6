//! Types that differ between the two languages, or do not cross.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

mod differs {
    zigflow::autozig! {
        const Point = extern struct { x: f64, z: f64 };
        fn f(p: *const Point) f64 { return p.x; }
        ---
        struct Point { x: f64, y: f64 }
        fn f(p: &Point) -> f64; //~ is not the Zig type of that name
    }
}

mod not_extern {
    zigflow::autozig! {
        const Point = struct { x: f64, y: f64 };
        fn f(p: *const Point) f64 { return p.x; }
        ---
        struct Point { x: f64, y: f64 }
        fn f(p: &Point) -> f64; //~ does not cross: it has to be an `extern struct`
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

mod more_aligned {
    zigflow::autozig! {
        const Point = extern struct { x: u64 align(16), y: u64 };
        fn f(p: *const Point) u64 { return p.x; }
        ---
        struct Point { x: u64, y: u64 }
        fn f(p: &Point) -> u64; //~ is not the Zig type of that name
    }
}

mod of_unknown_shape {
    zigflow::autozig! {
        const Point = extern struct { x: u64, y: [64]u64 };
        fn f() Point { return .{ .x = 1, .y = @splat(1) }; }
        ---
        struct Point { x: [[u8; 0]; 1], y: u32 }
        fn f() -> Point; //~ is not the Zig type of that name
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
