//! Streams that are not what Zig's source is.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

use futures_core::Stream;
use zigflow::StreamError;

zigflow::autozig! {
    const zigflow = @import("zigflow");

    const Local = struct {
        pub fn poll(_: *Local, _: *zigflow.Context) zigflow.Poll(u32) { return .done; }
    };
    const Nothing = struct { n: u8 };

    fn local() Local { return .{}; }
    fn other() Local { return .{}; }
    fn counted(n: u32) Local { _ = n; return .{}; }
    fn nothing() Nothing { return .{ .n = 1 }; }
    fn number() u32 { return 1; }
    ---
    fn local() -> impl Stream<Item = Result<u32, StreamError>> + Send; //~ write `pub const sendable = true;`
    fn other() -> impl Stream<Item = Result<u64, StreamError>>; //~ needs `u64` in Zig, found `u32`
    fn counted(n: u64) -> impl Stream<Item = Result<u32, StreamError>>; //~ needs `u64` in Zig, found `u32`
    fn nothing() -> impl Stream<Item = Result<u32, StreamError>>; //~ a struct with `pub fn poll
    fn number() -> impl Stream<Item = Result<u32, StreamError>>; //~ a struct with `pub fn poll
}

mod one_thread {
    use futures_core::Stream;
    use zigflow::StreamError;

    zigflow::autozig! {
        const zigflow = @import("zigflow");
        const Local = struct {
            pub fn poll(_: *Local, _: *zigflow.Context) zigflow.Poll(u32) { return .done; }
        };
        fn local() Local { return .{}; }
        ---
        pub fn local() -> impl Stream<Item = Result<u32, StreamError>>;
    }
}

fn leaves() {
    let stream = one_thread::local();
    std::thread::spawn(move || drop(stream)); //~ cannot be sent between threads safely
}

fn main() {}
