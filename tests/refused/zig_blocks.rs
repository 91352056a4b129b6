//! What is no block.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

mod no_line {
    zigflow::autozig! { fn f() void {} } //~ there has to be a line with `---`
}

mod no_function {
    zigflow::autozig! {
        fn f() void {}
        ---
        fn g(); //~ the Zig text has no function `g`
    }
}

mod no_type {
    zigflow::autozig! {
        fn f(x: u8) u8 { return x; }
        ---
        fn f(p: &Point) -> u8; //~ the Zig text has no type `Point`
    }
}

mod twice {
    zigflow::autozig! {
        fn f() void {}
        ---
        fn f();
        fn f(); //~ a second function of the name `f`
    }
}

mod does_not_cross {
    zigflow::autozig! {
        fn f() void {}
        ---
        fn f(text: *const u8); //~ this does not cross
    }
}

mod not_safe {
    zigflow::autozig! {
        fn f(address: usize) u8 { return @as(*const u8, @ptrFromInt(address)).*; }
        ---
        async unsafe fn f(address: usize) -> u8; //~ what Rust calls has to be safe
    }
}

mod no_file {
    zigflow::include_zig!(path, { fn f(); }); //~ it is called like this
}

mod by_a_macro {
    macro_rules! twice {
        ($name:ident) => {
            zigflow::autozig! { //~ the build script has not seen this text
                fn $name() void {}
                ---
                fn $name();
            }
        };
    }
    twice!(f);
}

fn main() {}
