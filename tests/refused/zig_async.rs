//! An `async fn` that is not what Zig's function is.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

use zigflow::{FutureError, ZigError};

zigflow::autozig! {
    const zigflow = @import("zigflow");

    fn one(done: zigflow.Completion(u32)) void { done.finish(1); }
    fn two(done: zigflow.Completion(u32)) void { done.finish(1); }
    fn three(done: zigflow.Completion(u32)) void { done.finish(1); }
    fn four(done: zigflow.Completion(u32)) void { done.finish(1); }
    fn five(x: u8, done: zigflow.Completion(u32)) void { done.finish(x); }
    fn six(done: zigflow.Completion(u32)) u32 { done.finish(1); return 1; }
    fn seven(callback: zigflow.Callback(i32), ctx: *anyopaque) void { callback(ctx, 1); }
    fn eight(x: u8) u8 { return x; }
    ---
    fn one() -> u32; //~ let Rust declare an `async fn`
    async fn two() -> u32; //~ can fail with a `FutureError`
    async fn three() -> Result<u32, ZigError>; //~ can fail with a `FutureError`
    async fn four() -> Result<i32, FutureError>; //~ the result in Rust needs `i32` in Zig, found `u32`
    async fn five(x: u16) -> Result<u32, FutureError>; //~ needs `u16` in Zig, found `u8`
    async fn six() -> Result<u32, FutureError>; //~ let it return void or an error union of it
    async fn seven() -> Result<u32, FutureError>; //~ the result in Rust needs `u32` in Zig, found `i32`
    async fn eight(x: u16) -> u8; //~ needs `u16` in Zig, found `u8`
}

mod pool {
    zigflow::autozig! {
        fn length(text: []const u8) usize { return text.len; }
        fn lengthIf(text: ?[]const u8) usize { return (text orelse return 0).len; }
        ---
        async fn length(text: &str) -> usize; //~ `text` is lent
        async fn length_if(text: Option<&str>) -> usize; //~ `text` is lent
    }
}

mod not_later {
    zigflow::autozig! {
        const zigflow = @import("zigflow");
        fn f(done: zigflow.Completion(u32)) void { done.finish(1); }
        ---
        fn f() -> Result<u32, zigflow::FutureError>; //~ by a completion: write `async fn`
    }
}

mod not_async {
    zigflow::autozig! {
        const zigflow = @import("zigflow");
        fn f(done: zigflow.Completion(u32)) void { done.finish(1); }
        ---
        enum Bad { Bad }
        fn f() -> Result<u32, Bad>; //~ let Rust declare an `async fn`
    }
}

mod conversion {
    struct Other;
    zigflow::autozig! {
        const zigflow = @import("zigflow");
        fn f(done: zigflow.Completion(u32)) void { done.finish(1); }
        ---
        async fn f() -> Result<u32, Other>; //~ Other: From<FutureError>` is not satisfied
    }
}

mod handed_over {
    use zigflow::channel::StreamForZig;
    use zigflow::{ZigError, spsc};

    zigflow::autozig! {
        const zigflow = @import("zigflow");
        fn may_not_open(s: zigflow.spsc.Sender(u8)) void { _ = s; }
        fn no_stream(s: zigflow.RustMessages) void { _ = s; }
        fn no_end(s: zigflow.spsc.Sender(u8)) void { _ = s; }
        fn no_number(s: u64) void { _ = s; }
        ---
        fn may_not_open(s: spsc::ZigSender<u8>); //~ may be of another type than Zig opens: let Rust return a `Result
        fn no_stream(s: spsc::ZigSender<u8>) -> Result<(), ZigError>; //~ needs `zigflow.spsc.Sender(T)`
        fn no_end(s: StreamForZig<[u8]>) -> Result<(), ZigError>; //~ needs `zigflow.RustStream(T)`
        fn no_number(s: spsc::ZigReceiver<u8>) -> Result<(), ZigError>; //~ found `u64`
    }
}

mod of_ones_own {
    pub struct ZigSender<T>(pub u64, pub core::marker::PhantomData<T>);

    zigflow::autozig! {
        const zigflow = @import("zigflow");
        fn f(s: zigflow.spsc.Sender(u8)) void { _ = s; }
        ---
        fn f(s: ZigSender<u8>) -> Result<(), zigflow::ZigError>; //~ ForZig
    }
}

mod buffers {
    pub struct ZeroCopyBuffer;

    zigflow::autozig! {
        const zigflow = @import("zigflow");
        fn slice(b: []const u8) usize { return b.len; }
        ---
        fn slice(b: zigflow::ZeroCopyBuffer) -> usize; //~ needs `zigflow.OwnedBytes` in Zig, found `[]const u8`
    }

    mod of_ones_own {
        use super::ZeroCopyBuffer;
        zigflow::autozig! {
            const zigflow = @import("zigflow");
            fn f(b: zigflow.OwnedBytes) void { b.deinit(); }
            ---
            pub fn f(b: ZeroCopyBuffer); //~ From<buffers::ZeroCopyBuffer>
        }
    }
}

mod lent_for_writing {
    zigflow::autozig! {
        fn f(bytes: []u8) void { bytes[0] = 1; }
        ---
        async fn f(bytes: &mut [u8]); //~ is lent for the call alone, and for reading
    }
}

fn main() {}
