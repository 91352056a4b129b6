//! Types of Zig's that Rust cannot own, and functions that make them otherwise than they say.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

zigflow::autozig! {
    const zigflow = @import("zigflow");

    const Endless = struct { n: u8 };
    const Number = u8;
    const Local = struct { n: u8, pub fn deinit(_: *Local) void {} };
    const Value = struct { n: u8, pub fn deinit(_: *Value) void {} };
    const Boxed = struct { n: u8, pub fn destroy(_: *Boxed) void {} };

    fn value() *Value { unreachable; }
    fn boxed() Boxed { return .{ .n = 1 }; }
    fn failing() error{Bad}!Value { return error.Bad; }
    fn alters(v: *Value) void { v.n = 1; }
    ---
    type Endless; //~ has no end: write `pub fn deinit
    type Number; //~ is no struct
    type Local: Send; //~ write `pub const sendable = true;`
    type Value;
    type Boxed;
    enum Bad { Bad }

    fn value() -> Value; //~ any other as a value
    fn boxed() -> Boxed; //~ a type with `pub fn destroy` comes as a pointer
    fn failing() -> Result<Value, Bad>; //~ `OutOfMemory`, too
    fn alters(v: &Value); //~ needs `*const
    impl Value {
        fn nothing(&self); //~ nothing of this name that is `pub`
    }
}

mod twice_owned {
    zigflow::autozig! {
        const Value = struct { pub fn deinit(_: *Value) void {} pub fn new() Value { return .{}; } };
        ---
        pub type Value;
        impl Value { pub fn new() -> Self; }
    }

    fn copy(value: &Value) -> Value {
        Value(value.0) //~ cannot move out of `value`
    }
}

fn send(value: Value) {
    std::thread::spawn(move || drop(value)); //~ cannot be sent between threads safely
}

mod lent_to_the_future {
    zigflow::autozig! {
        const Value = struct { pub fn deinit(_: *Value) void {} pub fn read(_: *const Value) void {} };
        ---
        type Value;
        impl Value {
            async fn read(&self); //~ cannot be lent what Zig would still use
        }
    }
}

fn main() {}
