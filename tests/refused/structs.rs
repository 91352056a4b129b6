//! Structs whose layout is not that of an `extern struct`.
#![allow(dead_code)] // what is refused is used by nobody

use zigflow::Transfer;

#[derive(Clone, Copy, Transfer)]
struct RustsOrder { //~ a struct that crosses needs `#[repr(C)]`
    a: u8,
}

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
struct Generic<T: Copy> { //~ a generic type does not cross
    a: T,
}

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
struct Borrowing<'a> { //~ a generic type does not cross
    a: &'a u8,
}

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
struct Clause
where //~ a type with a `where` does not cross
    u8: Copy,
{
    a: u8,
}

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
struct Tuple(u8, u8); //~ the fields need names

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
struct Unit; //~ a struct without fields has nothing that could cross

#[derive(Clone, Copy, Transfer)]
#[repr(C, packed)] //~ `packed` does not cross
struct Packed {
    a: u8,
}

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
#[repr(align(16))] //~ `align` does not cross
struct Aligned {
    a: u8,
}

#[derive(Clone, Copy, Transfer)]
#[repr(transparent)]
struct TwoFields(u8, ()); //~ has one field, not more

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
#[transfer(name = "a")] //~ takes `crate = path` and nothing else
struct Named {
    a: u8,
}

fn main() {}
