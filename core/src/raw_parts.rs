//! Sources by handle and C functions: the seed's entry points, or a library written by hand.

use alloc::boxed::Box;
use core::ffi::c_void;

use crate::abi::{
    ABI_NUMBER, ErrorKind, ItemKind, ItemType, MAGIC, RawArg, RawError, RawSizeHint, RawSource,
    RawWaker, SENDABLE, SourceType, StreamItem, StreamState,
};
use crate::error::Registered;
use crate::source::Source;

/// A source as a handle and functions.
///
/// The contract: `poll` and `set_waker` are called with the handle by one thread at a time, never after
/// `free`, which is called once. `set_waker` is called before each poll whose answer may be pending; it
/// clones the waker if it keeps it. `poll` fills the item and returns its `state`. The bytes of an item
/// stay valid and unchanged until the next poll or `free`.
#[derive(Clone, Copy, Debug)]
pub struct RawParts {
    /// Handed to every function.
    pub handle: *mut c_void,
    /// Fills the item and returns its state, a [`StreamState`] by number.
    pub poll: unsafe extern "C" fn(handle: *mut c_void, item: *mut StreamItem) -> u32,
    /// Lends the waker of the next poll. `None` for a source that is never pending.
    pub set_waker: Option<unsafe extern "C" fn(handle: *mut c_void, waker: *const RawWaker)>,
    /// Ends the source.
    pub free: Option<unsafe extern "C" fn(handle: *mut c_void)>,
    /// The memory in which every item lies: first address and length in bytes. Null if unknown; then only
    /// null, alignment and length are checked.
    pub registered: (*const u8, usize),
}

/// What stands behind such a stream: the parts, and the code of the last poll.
struct RawState {
    parts: RawParts,
    error_code: i32,
}

impl RawParts {
    pub(crate) fn into_source(self) -> Source {
        let registered = Registered::new(self.registered.0, self.registered.1);
        let state = Box::into_raw(Box::new(RawState { parts: self, error_code: 0 }));
        Source::new(&VTABLE, state.cast(), registered)
    }
}

static VTABLE: SourceType = SourceType {
    magic: MAGIC,
    abi: ABI_NUMBER,
    flags: SENDABLE,
    reserved: 0,
    item: ItemType {
        kind: ItemKind::Lent as u32,
        size: size_of::<StreamItem>() as u32,
        alignment: align_of::<StreamItem>() as u32,
        name_len: 0,
        shape: 0,
        reserved: 0,
        name_ptr: core::ptr::null(),
    },
    open,
    poll,
    take_error,
    size_hint,
    drop: drop_state,
};

/// Never called: the parts are open.
unsafe extern "C" fn open(_: *const RawArg, _: u32, _: *mut RawSource, _: *mut RawError) -> u32 {
    StreamState::Error as u32
}

unsafe extern "C" fn poll(
    state: *mut c_void,
    waker_data: *const (),
    waker_vtable: *const (),
    out: *mut c_void,
) -> u32 {
    // SAFETY: `Source` hands back the state that `into_source` boxed, to one caller at a time.
    let state = unsafe { &mut *state.cast::<RawState>() };
    let item = out.cast::<StreamItem>();
    // SAFETY: the slot of a lent item is a `StreamItem`; it may hold what an earlier poll left.
    unsafe { item.write(StreamItem::EMPTY) };
    if let Some(set_waker) = state.parts.set_waker {
        let waker = RawWaker { data: waker_data, vtable: waker_vtable };
        // SAFETY: `RawParts`' contract; registered before the poll, so no wake is lost between.
        unsafe { set_waker(state.parts.handle, &waker) };
    }
    // SAFETY: `RawParts`' contract.
    let answer = unsafe { (state.parts.poll)(state.parts.handle, item) };
    // SAFETY: written above and by `poll`; all fields are plain numbers.
    state.error_code = unsafe { (*item).error_code };
    answer
}

unsafe extern "C" fn take_error(state: *mut c_void, err: *mut RawError) {
    // SAFETY: as in `poll`; `err` is `Source`'s local.
    unsafe {
        (*err).kind = ErrorKind::Code as u32;
        (*err).code = (*state.cast::<RawState>()).error_code;
    }
}

unsafe extern "C" fn size_hint(_: *const c_void, _: *mut RawSizeHint) {}

unsafe extern "C" fn drop_state(state: *mut c_void) {
    // SAFETY: `Source` drops its state once.
    let state = unsafe { Box::from_raw(state.cast::<RawState>()) };
    if let Some(free) = state.parts.free {
        // SAFETY: `RawParts`' contract: once, and nothing after it.
        unsafe { free(state.parts.handle) };
    }
}
