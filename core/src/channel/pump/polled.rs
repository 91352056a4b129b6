//! Streams of Rust that Zig polls itself: no channel in between, and nobody has to drive a pump.

use alloc::boxed::Box;
use core::ffi::c_void;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll};

use futures_core::stream::Stream;

use super::IntoItem;
use crate::abi::{
    ABI_NUMBER, ItemType, MAGIC, RawError, RawStream, RawWaker, StreamItem, StreamState,
};
use crate::channel::error::to_raw;
use crate::channel::zig::Items;
use crate::error::StreamError;

/// A stream that Zig polls: `zigflow.RustStream(T)` there, a task's or a thread's.
///
/// The stream is boxed, and dropped when Zig lets go of it. It runs where Zig polls it, on a thread of Zig's maybe,
/// so what it needs of a runtime must be within its reach there (a tokio timer, for one, wants a handle). A panic in it
/// aborts the process.
///
/// A stream may yield `Result<T, StreamError>`, as those from Zig do: an error is the end, and Zig gets it by its name.
///
/// Use [`channel_to_zig`](super::channel_to_zig) instead where the stream shall run ahead of Zig, or on your runtime.
pub fn stream_to_zig<S>(stream: S) -> StreamForZig<Item<S>>
where
    S: Stream<Item: IntoItem> + Send + 'static,
{
    let item = Items::<Item<S>>::TYPE;
    StreamForZig::new(ByItem { stream }, item)
}

/// A stream of messages of any length that Zig polls: `zigflow.RustMessages` there, which lends each message until the
/// next poll, or copies it into a buffer. Otherwise as [`stream_to_zig`].
pub fn messages_to_zig<S>(stream: S) -> StreamForZig<[u8]>
where
    S: Stream<Item: AsRef<[u8]> + Send + 'static> + Send + 'static,
{
    StreamForZig::new(ByMessage { stream: Infallible { stream }, lent: None }, MESSAGE)
}

/// [`messages_to_zig`] of a stream that may fail: an error is the end, and Zig gets it by its name.
pub fn try_messages_to_zig<S, M>(stream: S) -> StreamForZig<[u8]>
where
    S: Stream<Item = Result<M, StreamError>> + Send + 'static,
    M: AsRef<[u8]> + Send + 'static,
{
    StreamForZig::new(ByMessage { stream, lent: None }, MESSAGE)
}

const MESSAGE: &ItemType = &crate::item::LENT.as_raw();

/// A stream on its way to Zig: a pointer, to be passed to a Zig function that opens it by `zigflow.RustStream(T).open`, or
/// of messages by `zigflow.RustMessages.open`. Nobody has opened it yet; dropped, it drops the stream.
#[repr(transparent)]
pub struct StreamForZig<T: ?Sized> {
    raw: NonNull<RawStream>,
    items: PhantomData<fn() -> T>,
}

// SAFETY: the stream is `Send`.
unsafe impl<T: ?Sized> Send for StreamForZig<T> {}
// SAFETY: there is nothing to be done by reference.
unsafe impl<T: ?Sized> Sync for StreamForZig<T> {}

impl<T: ?Sized> StreamForZig<T> {
    fn new<A: Answer>(answer: A, item: &'static ItemType) -> Self {
        let raw = RawStream {
            magic: MAGIC,
            abi: ABI_NUMBER,
            item,
            poll: poll::<A>,
            drop: free::<A>,
            failure: RawError::EMPTY,
        };
        let boxed = Box::into_raw(Box::new(Boxed { raw, ended: false, answer }));
        // SAFETY: a box is not null.
        Self { raw: unsafe { NonNull::new_unchecked(boxed.cast()) }, items: PhantomData }
    }
}

impl<T: ?Sized> crate::call::ForZig for StreamForZig<T> {
    type Raw = RawStream;

    fn into_raw(self) -> *mut RawStream {
        ManuallyDrop::new(self).raw.as_ptr()
    }
}

impl<T: ?Sized> crate::call::Sealed for StreamForZig<T> {}

impl<T: ?Sized> Drop for StreamForZig<T> {
    fn drop(&mut self) {
        // SAFETY: made by `new`; Zig has not taken it over.
        unsafe { (self.raw.as_ref().drop)(self.raw.as_ptr()) };
    }
}

impl<T: ?Sized> fmt::Debug for StreamForZig<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamForZig").field(&self.raw).finish()
    }
}

/// What Zig has a pointer to. It never moves, so the answer is pinned.
#[repr(C)]
struct Boxed<A> {
    raw: RawStream,
    ended: bool,
    answer: A,
}

/// A stream that writes its items where Zig wants them.
trait Answer: Send + 'static {
    /// # Safety
    ///
    /// `out` is a place for what the item kind says.
    unsafe fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: *mut c_void,
    ) -> Poll<Option<Result<(), StreamError>>>;
}

/// # Safety
///
/// Zig passes what `StreamForZig::new` made, which it has opened and not dropped, from one thread at a time, the two words
/// of a living waker, and a place for an item.
unsafe extern "C" fn poll<A: Answer>(
    raw: *mut RawStream,
    waker: *const RawWaker,
    out: *mut c_void,
) -> u32 {
    // SAFETY: as above; the box begins with its `RawStream`.
    let boxed = unsafe { &mut *raw.cast::<Boxed<A>>() };
    if boxed.ended {
        return StreamState::Done as u32;
    }
    // SAFETY: lent for the call.
    let waker = unsafe { RawWaker::borrow(&*waker) };
    // SAFETY: in a box that is not moved out of.
    let answer = unsafe { Pin::new_unchecked(&mut boxed.answer) };
    // SAFETY: a place for an item.
    let state = match unsafe { answer.poll(&mut Context::from_waker(&waker), out) } {
        Poll::Pending => return StreamState::Pending as u32,
        Poll::Ready(Some(Ok(()))) => return StreamState::Ready as u32,
        Poll::Ready(Some(Err(error))) => {
            boxed.raw.failure = to_raw(error);
            StreamState::Error
        }
        Poll::Ready(None) => StreamState::Done,
    };
    boxed.ended = true;
    state as u32
}

/// # Safety
///
/// As of `poll`, and `raw` is not used again.
unsafe extern "C" fn free<A: Answer>(raw: *mut RawStream) {
    // SAFETY: `StreamForZig::new` made it of a box.
    drop(unsafe { Box::from_raw(raw.cast::<Boxed<A>>()) });
}

/// What Zig receives of a stream.
type Item<S> = <<S as Stream>::Item as IntoItem>::Item;

struct ByItem<S> {
    stream: S,
}

impl<S> Answer for ByItem<S>
where
    S: Stream<Item: IntoItem> + Send + 'static,
{
    unsafe fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: *mut c_void,
    ) -> Poll<Option<Result<(), StreamError>>> {
        // SAFETY: the field of what is pinned.
        let stream = unsafe { self.map_unchecked_mut(|this| &mut this.stream) };
        stream.poll_next(cx).map(|item| {
            // SAFETY: a place for an item of this type, as `open` has compared.
            Some(item?.into_item().map(|item| unsafe { out.cast::<Item<S>>().write(item) }))
        })
    }
}

struct ByMessage<S, M> {
    stream: S,
    /// What Zig may look at until it polls again.
    lent: Option<M>,
}

impl<S, M> Answer for ByMessage<S, M>
where
    S: Stream<Item = Result<M, StreamError>> + Send + 'static,
    M: AsRef<[u8]> + Send + 'static,
{
    unsafe fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: *mut c_void,
    ) -> Poll<Option<Result<(), StreamError>>> {
        // SAFETY: the stream stays where it is; the message was never pinned.
        let Self { stream, lent } = unsafe { self.get_unchecked_mut() };
        *lent = None;
        // SAFETY: the field of what is pinned.
        unsafe { Pin::new_unchecked(stream) }.poll_next(cx).map(|message| {
            Some(message?.map(|message| {
                let bytes = (*lent.insert(message)).as_ref();
                let item = StreamItem {
                    state: StreamState::Ready as u32,
                    error_code: 0,
                    data_ptr: bytes.as_ptr(),
                    data_len: bytes.len(),
                };
                // SAFETY: a place for a `StreamItem`, as the item type says.
                unsafe { out.cast::<StreamItem>().write(item) };
            }))
        })
    }
}

/// A stream whose items are no results.
struct Infallible<S> {
    stream: S,
}

impl<S: Stream> Stream for Infallible<S> {
    type Item = Result<S::Item, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // SAFETY: the field of what is pinned.
        let stream = unsafe { self.map_unchecked_mut(|this| &mut this.stream) };
        stream.poll_next(cx).map(|item| item.map(Ok))
    }
}
