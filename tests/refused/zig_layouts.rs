//! Types that differ between the two languages, or do not cross.
#![forbid(unsafe_code)]
#![allow(dead_code)]

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

fn main() {}
