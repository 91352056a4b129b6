//! The test's end of a Zig source that is driven by hand. `zig/driven.zig` is the other end.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::task::Waker;

use zigflow::abi::{LayoutRow, RawWaker};
use zigflow::{OpenError, ZeroCopyBuffer, ZigStream};

unsafe extern "C" {
    safe fn zft_live() -> u32;
    safe fn zft_channel_new() -> *mut c_void;
    fn zft_channel_retain(handle: *mut c_void);
    fn zft_channel_release(handle: *mut c_void);
    fn zft_channel_push(handle: *mut c_void, items: u32);
    fn zft_channel_wake(handle: *mut c_void);
    fn zft_channel_end(handle: *mut c_void);
    fn zft_channel_count(handle: *mut c_void, which: u32) -> u32;
    fn zft_channel_kept(handle: *mut c_void, how: u32) -> u32;
    fn zft_counted_waker(handle: *mut c_void, out: *mut RawWaker) -> bool;
    safe fn zft_layout_table(len: &mut u32) -> *const LayoutRow;
    safe fn zft_shape(index: u32) -> u32;
}

mod sources {
    use super::{ZeroCopyBuffer, ZigStream};

    zigflow::zig_source! {
        pub(super) fn driven(channel: u64) -> ZigStream<u32>;
        pub(super) fn keeper(channel: u64) -> ZigStream<u32>;
        pub(super) fn pooled(channel: u64, count: u32) -> ZigStream<ZeroCopyBuffer>;
    }
}

/// How many channels Zig has not freed, those of `worked` included.
pub fn live() -> u32 {
    zft_live()
}

/// One reference to a Zig channel.
#[derive(Debug)]
pub struct Channel(*mut c_void);

// SAFETY: the Zig object is counted, and what `&Channel` reaches is atomic there; the kept wakers are
// touched by `&mut self` only.
unsafe impl Send for Channel {}
// SAFETY: as above.
unsafe impl Sync for Channel {}

#[allow(clippy::new_without_default)]
impl Channel {
    /// A channel of its own.
    pub fn new() -> Self {
        let handle = zft_channel_new();
        assert!(!handle.is_null(), "out of memory");
        Self(handle)
    }

    /// Its address, as an argument of a source.
    fn address(&self) -> u64 {
        self.0 as u64
    }

    /// The stream that yields 0, 1, 2, … as [`push`](Self::push) says. One for each channel.
    pub fn stream(&self) -> ZigStream<u32> {
        sources::driven(self.address()).expect("it opens")
    }

    /// A stream that is always pending, and that keeps a clone of the waker of each poll for ever (16 at
    /// most).
    pub fn keeper(&self) -> ZigStream<u32> {
        sources::keeper(self.address()).expect("it opens")
    }

    /// Buffers whose release is counted here: 100 bytes aligned to 64, no bytes, null, and so on in turn.
    pub fn pooled(&self, count: u32) -> Result<ZigStream<ZeroCopyBuffer>, OpenError> {
        sources::pooled(self.address(), count)
    }

    /// Makes `items` more items and wakes once.
    pub fn push(&self, items: u32) {
        // SAFETY: this reference keeps the channel alive.
        unsafe { zft_channel_push(self.0, items) };
    }

    /// Wakes though there is nothing new.
    pub fn wake(&self) {
        // SAFETY: as above.
        unsafe { zft_channel_wake(self.0) };
    }

    /// Ends the stream behind what was pushed.
    pub fn end(&self) {
        // SAFETY: as above.
        unsafe { zft_channel_end(self.0) };
    }

    fn count(&self, which: u32) -> u32 {
        // SAFETY: as above.
        unsafe { zft_channel_count(self.0, which) }
    }

    /// How often [`stream`](Self::stream) was polled.
    pub fn polls(&self) -> u32 {
        self.count(0)
    }

    /// How often a stream's `deinit` ran.
    pub fn deinits(&self) -> u32 {
        self.count(1)
    }

    /// How many buffers came back.
    pub fn released(&self) -> u32 {
        self.count(2)
    }

    /// How often a [`counted_waker`](Self::counted_waker) was woken.
    pub fn wakes(&self) -> u32 {
        self.count(3)
    }

    /// How many counted wakers were freed.
    pub fn frees(&self) -> u32 {
        self.count(4)
    }

    /// Wakes what a keeper kept and keeps it; how many that are.
    pub fn wake_kept_by_ref(&mut self) -> u32 {
        // SAFETY: as above; alone by `&mut self` once the keeper is not polled.
        unsafe { zft_channel_kept(self.0, 0) }
    }

    /// Wakes what a keeper kept, and uses it up.
    pub fn wake_kept(&mut self) -> u32 {
        // SAFETY: as above.
        unsafe { zft_channel_kept(self.0, 1) }
    }

    /// Drops what a keeper kept.
    pub fn drop_kept(&mut self) -> u32 {
        // SAFETY: as above.
        unsafe { zft_channel_kept(self.0, 2) }
    }

    /// A Zig object as a waker.
    pub fn counted_waker(&self) -> Waker {
        let mut words = RawWaker::NULL;
        // SAFETY: as above, and the words have a place.
        assert!(unsafe { zft_counted_waker(self.0, &mut words) }, "out of memory");
        // SAFETY: Zig has just made this waker and gives it away.
        unsafe { words.into_waker() }
    }
}

impl Clone for Channel {
    fn clone(&self) -> Self {
        // SAFETY: this reference keeps the channel alive.
        unsafe { zft_channel_retain(self.0) };
        Self(self.0)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // SAFETY: gives back this reference.
        unsafe { zft_channel_release(self.0) };
    }
}

/// The shapes of the types in Zig's table of types.
pub fn zig_shapes() -> Vec<u32> {
    (0..).map(|index| zft_shape(index)).take_while(|shape| *shape != 1).collect()
}

/// A row of the layout table: names, size, alignment, offsets and sizes of the fields.
pub type Row = (String, usize, usize, Vec<usize>, Vec<usize>);

/// Zig's layout table.
pub fn zig_layout_table() -> Vec<Row> {
    let mut len = 0;
    let first = zft_layout_table(&mut len);
    // SAFETY: Zig's static table has so many rows.
    let rows = unsafe { std::slice::from_raw_parts(first, len as usize) };
    let of = |row: &LayoutRow| {
        // SAFETY: the row's name is static text of that length.
        let name = unsafe { std::slice::from_raw_parts(row.name_ptr, row.name_len as usize) };
        let fields = row.offsets_len as usize;
        let numbers = |words: &[u32]| words[..fields].iter().map(|n| *n as usize).collect();
        (
            String::from_utf8(name.to_vec()).expect("UTF-8"),
            row.size as usize,
            row.alignment as usize,
            numbers(&row.offsets),
            numbers(&row.sizes),
        )
    };
    rows.iter().map(of).collect()
}
