//! Zig text with mistakes: told at the token, whichever block has them.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

mod syntax {
    zigflow::autozig! {
        fn f(x: u8) u8 {
            return x + ; //~ Zig: expected expression, found ';'
        }
        ---
        fn f(x: u8) -> u8;
    }
}

mod types {
    zigflow::autozig! {
        fn f(x: u32) u8 {
            return x; //~ Zig: expected type 'u8', found 'u32'
        }
        ---
        fn f(x: u32) -> u8;
    }
}

mod unused {
    zigflow::autozig! {
        fn f(x: u32) u32 {
            _ = "ä"; const y = 5; //~ Zig: unused local constant
            return x;
        }
        ---
        fn f(x: u32) -> u32;
    }
}

mod fine {
    zigflow::autozig! {
        fn f(x: u32) u32 { return x; }
        ---
        fn f(x: u32) -> u32;
    }
    fn g() -> u32 { f(1) }
}

mod in_files {
    zigflow::include_zig!("not_there.zig", { //~ Zig: unable to load
        fn f();
    });
}

fn main() {}
