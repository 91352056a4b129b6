//! The seed's C entry points, exported on request of a Zig file, read as a `ZigStream` of Rust.

use std::ffi::c_void;
use std::thread;

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use zigflow::abi::RawWaker;
use zigflow::{RawParts, StreamItem, ZigStream};
use zigflow_tests as _; // links the archive

type Producer = unsafe extern "C" fn(ctx: *mut c_void, item: *mut StreamItem) -> u32;

unsafe extern "C" {
    safe fn seed_producer() -> Producer;
    safe fn seed_push();
    fn zig_stream_new(producer: Producer, ctx: *mut c_void) -> *mut c_void;
    fn zig_stream_poll(stream: *mut c_void, item: *mut StreamItem) -> u32;
    fn zig_stream_set_waker(stream: *mut c_void, waker: *const RawWaker);
    fn zig_stream_wake(stream: *mut c_void);
    fn zig_stream_retain(stream: *mut c_void) -> *mut c_void;
    fn zig_stream_release(stream: *mut c_void);
    fn zig_stream_free(stream: *mut c_void);
}

/// A reference of its own to the Zig side, for the thread that wakes.
struct Bell(*mut c_void);

// SAFETY: `zig_stream_wake` may be called on any thread that holds a reference.
unsafe impl Send for Bell {}

impl Bell {
    fn ring(&self) {
        // SAFETY: the reference keeps the stream's memory.
        unsafe { zig_stream_wake(self.0) };
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // SAFETY: the reference of `retain`.
        unsafe { zig_stream_release(self.0) };
    }
}

#[test]
fn a_producer_by_its_c_names_is_a_stream_woken_from_a_thread() {
    // SAFETY: the producer ignores its context.
    let handle = unsafe { zig_stream_new(seed_producer(), std::ptr::null_mut()) };
    assert!(!handle.is_null());
    // SAFETY: the handle is open.
    let bell = Bell(unsafe { zig_stream_retain(handle) });
    // SAFETY: these are the functions of that handle, and they keep `RawParts`' contract.
    let stream: ZigStream<Vec<u8>> = unsafe {
        ZigStream::from_raw_parts(RawParts {
            handle,
            poll: zig_stream_poll,
            set_waker: Some(zig_stream_set_waker),
            free: Some(zig_stream_free),
            registered: (std::ptr::null(), 0),
        })
    };
    let pusher = thread::spawn(move || {
        for _ in 0..4 {
            seed_push();
            bell.ring();
        }
        bell // lets go after the stream's end as well as before it
    });
    let letters: Vec<Vec<u8>> = block_on(stream.map(Result::unwrap).collect());
    assert_eq!(letters.concat(), b"seed");
    drop(pusher.join().unwrap());
}
