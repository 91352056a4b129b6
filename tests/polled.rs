//! Rust streams in Zig's hands, with safe verbs. `zig/polled.zig` is the other half.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll};

use zigflow::abi::{ErrorKind, RawError, RawStream, RawWaker};
use zigflow::channel::StreamForZig;
use zigflow::{StreamError, ZigError};

use crate::Point;
use crate::ends::{Plain, name};

type Handle = *mut c_void;

/// Zig's functions for streams of one item type.
#[repr(C)]
#[allow(missing_debug_implementations)]
pub struct Table<T> {
    open: unsafe extern "C" fn(NonNull<RawStream>, &mut bool) -> Handle,
    poll: unsafe extern "C" fn(Handle, &RawWaker, *mut T) -> u32,
    next: unsafe extern "C" fn(Handle, *mut T) -> u32,
    reason: unsafe extern "C" fn(Handle, &mut RawError),
    deinit: unsafe extern "C" fn(Handle),
}

#[repr(C)]
struct Bytes {
    ptr: *const u8,
    len: usize,
}

unsafe extern "C" {
    static zft_polled_u64: Table<u64>;
    static zft_polled_point: Table<Point>;
    safe fn zft_polled_sum(stream: StreamForZig<u64>, sum: &mut u64) -> bool;
    fn zft_messages_open(stream: NonNull<RawStream>) -> Handle;
    fn zft_messages_poll(stream: Handle, waker: &RawWaker, out: &mut Bytes) -> u32;
    fn zft_messages_poll_into(
        stream: Handle,
        waker: &RawWaker,
        buffer: *mut u8,
        len: usize,
        out: &mut usize,
    ) -> u32;
    fn zft_messages_next(stream: Handle, out: &mut Bytes) -> u32;
    fn zft_messages_next_into(stream: Handle, buffer: *mut u8, len: usize, out: &mut usize) -> u32;
    fn zft_messages_needed(stream: Handle) -> usize;
    fn zft_messages_reason(stream: Handle, out: &mut RawError);
    fn zft_messages_deinit(stream: Handle);
}

/// An item type of which Zig has streams.
pub trait Polled: Plain {
    /// Its functions.
    fn polled() -> &'static Table<Self>;
}

impl Polled for u64 {
    fn polled() -> &'static Table<Self> {
        // SAFETY: constant data of the archive.
        unsafe { &zft_polled_u64 }
    }
}

impl Polled for Point {
    fn polled() -> &'static Table<Self> {
        // SAFETY: as above.
        unsafe { &zft_polled_point }
    }
}

/// Why there is no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// None will come.
    End,
    /// The stream has failed.
    Failed,
    /// The message is longer than the buffer.
    TooLong,
}

fn answer<T>(number: u32, item: T) -> Poll<Result<T, Stop>> {
    Poll::Ready(match number {
        0 => Ok(item),
        1 => return Poll::Pending,
        2 => Err(Stop::End),
        100 => Err(Stop::Failed),
        101 => Err(Stop::TooLong),
        _ => panic!("no answer: {number}"),
    })
}

fn ready<T>(polled: Poll<T>) -> T {
    match polled {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a blocking call was pending"),
    }
}

fn said(error: &RawError) -> Option<StreamError> {
    if error.kind == ErrorKind::Code as u32 {
        return Some(StreamError::Code(error.code));
    }
    (!error.name_ptr.is_null()).then(|| StreamError::Zig(ZigError::new(name(error))))
}

fn on_its_way<T: ?Sized>(stream: StreamForZig<T>) -> NonNull<RawStream> {
    assert_eq!(size_of::<StreamForZig<T>>(), size_of::<NonNull<RawStream>>());
    let stream = ManuallyDrop::new(stream);
    // SAFETY: `repr(transparent)` around this pointer, and not dropped here.
    unsafe { ptr::from_ref(&*stream).cast::<NonNull<RawStream>>().read() }
}

/// A stream that Zig has opened.
#[derive(Debug)]
pub struct Numbers<T: Polled> {
    handle: Handle,
    items: std::marker::PhantomData<T>,
}

// SAFETY of all calls: the handle is open until the drop, and `self` is its only user; places live during the
// call.
impl<T: Polled> Numbers<T> {
    /// Opens; `None` if Zig says that the items are of another type.
    pub fn open<U: ?Sized>(stream: StreamForZig<U>) -> Option<Self> {
        let mut wrong = false;
        // SAFETY: Zig takes the stream over.
        let handle = unsafe { (T::polled().open)(on_its_way(stream), &mut wrong) };
        assert_eq!(wrong, handle.is_null());
        (!wrong).then(|| Self { handle, items: std::marker::PhantomData })
    }

    /// `poll`.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Stop>> {
        let mut item = T::of(0);
        let words = RawWaker::of(cx.waker());
        // SAFETY: as above; the waker is lent for the call.
        answer(unsafe { (T::polled().poll)(self.handle, &words, &mut item) }, item)
    }

    /// `next`.
    #[allow(clippy::should_implement_trait)] // Zig's name
    pub fn next(&mut self) -> Result<T, Stop> {
        let mut item = T::of(0);
        // SAFETY: as above.
        ready(answer(unsafe { (T::polled().next)(self.handle, &mut item) }, item))
    }

    /// `reason`.
    pub fn reason(&self) -> Option<StreamError> {
        let mut error = RawError::EMPTY;
        // SAFETY: as above.
        unsafe { (T::polled().reason)(self.handle, &mut error) };
        said(&error)
    }
}

impl<T: Polled> Drop for Numbers<T> {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { (T::polled().deinit)(self.handle) };
    }
}

/// A stream of messages that Zig has opened.
#[derive(Debug)]
pub struct Messages(Handle);

impl Messages {
    /// Opens; `None` if Zig says that the items are no messages.
    pub fn open<U: ?Sized>(stream: StreamForZig<U>) -> Option<Self> {
        // SAFETY: Zig takes the stream over.
        let handle = unsafe { zft_messages_open(on_its_way(stream)) };
        (!handle.is_null()).then(|| Self(handle))
    }

    fn bytes(bytes: &Bytes) -> &[u8] {
        if bytes.len == 0 {
            return &[];
        }
        // SAFETY: lent by the stream until it is called again, which borrows it.
        unsafe { std::slice::from_raw_parts(bytes.ptr, bytes.len) }
    }

    /// `poll`: a copy of what was lent.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, Stop>> {
        let (mut out, words) = (Bytes { ptr: ptr::null(), len: 0 }, RawWaker::of(cx.waker()));
        // SAFETY: as above; the waker is lent for the call.
        let number = unsafe { zft_messages_poll(self.0, &words, &mut out) };
        answer(number, Self::bytes(&out).to_vec())
    }

    /// `next`: a copy of what was lent.
    #[allow(clippy::should_implement_trait)] // Zig's name
    pub fn next(&mut self) -> Result<Vec<u8>, Stop> {
        let mut out = Bytes { ptr: ptr::null(), len: 0 };
        // SAFETY: as above.
        let number = unsafe { zft_messages_next(self.0, &mut out) };
        ready(answer(number, Self::bytes(&out).to_vec()))
    }

    /// `pollInto` a buffer of so many bytes.
    pub fn poll_into(&mut self, cx: &mut Context<'_>, len: usize) -> Poll<Result<Vec<u8>, Stop>> {
        let (mut buffer, mut got, words) = (vec![0; len], 0, RawWaker::of(cx.waker()));
        let at = buffer.as_mut_ptr();
        // SAFETY: as above; the buffer has that length.
        let number = unsafe { zft_messages_poll_into(self.0, &words, at, len, &mut got) };
        buffer.truncate(got);
        answer(number, buffer)
    }

    /// `nextInto` a buffer of so many bytes.
    pub fn next_into(&mut self, len: usize) -> Result<Vec<u8>, Stop> {
        let (mut buffer, mut got) = (vec![0; len], 0);
        // SAFETY: as above; the buffer has that length.
        let number = unsafe { zft_messages_next_into(self.0, buffer.as_mut_ptr(), len, &mut got) };
        buffer.truncate(got);
        ready(answer(number, buffer))
    }

    /// `needed`.
    pub fn needed(&self) -> Option<usize> {
        // SAFETY: as above.
        Some(unsafe { zft_messages_needed(self.0) }).filter(|len| *len != usize::MAX)
    }

    /// `reason`.
    pub fn reason(&self) -> Option<StreamError> {
        let mut error = RawError::EMPTY;
        // SAFETY: as above.
        unsafe { zft_messages_reason(self.0, &mut error) };
        said(&error)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { zft_messages_deinit(self.0) };
    }
}

/// The sum, by a thread of Zig's.
pub fn sum_in_zig(stream: StreamForZig<u64>) -> u64 {
    let mut sum = 0;
    assert!(zft_polled_sum(stream, &mut sum), "a thread");
    sum
}
