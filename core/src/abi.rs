//! The border, Rust's half. `zig/src/abi.zig` is the other half: same order, same names, same
//! numbers. Both assert every size and offset when they are compiled, and a test compares the
//! two tables that they publish, so neither can move alone.
//!
//! Rules of the border:
//! - only scalars and pointers are passed or returned by value; results go through out-pointers;
//! - no enum, bool or slice stands in a shared struct: plain integers, checked by who reads them;
//! - what one side writes while the other reads is a [`Word`], nothing wider.
//!
//! The items are public because macros and generated code name them; they are no part of the
//! stable API.

use core::ffi::c_void;
use core::ptr;

use crate::sync::{Pointer, Word};

/// Rises with every change of a shared layout, protocol or symbol, and with every release that Cargo
/// holds incompatible. Every exported symbol carries it, so two versions of zigflow can live in one
/// program.
pub const ABI_NUMBER: u32 = 1;

// Cargo puts 0.1 and 0.2 into one program. Whoever raises the one raises the other.
const _: () = assert!(
    matches!(
        (env!("CARGO_PKG_VERSION_MAJOR").as_bytes(), env!("CARGO_PKG_VERSION_MINOR").as_bytes()),
        (b"0", b"1")
    ) && ABI_NUMBER == 1,
    "a release that Cargo holds incompatible needs an ABI number of its own"
);

/// "ZFLW": what a source type starts with.
pub const MAGIC: u32 = 0x5a46_4c57;

/// "ZFOP": what an operation and its type start with.
pub const MAGIC_OPERATION: u32 = 0x5a46_4f50;

/// A Rust `Waker` as its two words. Both null: no waker.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawWaker {
    /// `Waker::data`.
    pub data: *const (),
    /// `Waker::vtable`.
    pub vtable: *const (),
}

impl RawWaker {
    /// No waker.
    pub const NULL: Self = Self { data: ptr::null(), vtable: ptr::null() };
}

/// One waiter, any number of wakers. The protocol is in `waker/cell.rs`.
#[repr(C)]
#[derive(Debug)]
pub struct RawWakerCell {
    pub(crate) state: Word,
    pub(crate) reserved: u32,
    pub(crate) slots: [core::cell::UnsafeCell<RawWaker>; 2],
}

impl RawWakerCell {
    /// Nobody waits.
    #[allow(clippy::declare_interior_mutable_const)] // a value to start from
    pub(crate) const NEW: Self = Self {
        state: Word::new(0),
        reserved: 0,
        slots: [
            core::cell::UnsafeCell::new(RawWaker::NULL),
            core::cell::UnsafeCell::new(RawWaker::NULL),
        ],
    };
}

/// What a poll answers, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum StreamState {
    /// The out-pointer holds an item.
    Ready = 0,
    /// The waker was kept and will be woken.
    Pending = 1,
    /// The stream has ended.
    Done = 2,
    /// The stream has failed and is over; `take_error` says why.
    Error = 3,
}

impl StreamState {
    /// The state of that number, or `None` for a number that no state has.
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            0 => Some(Self::Ready),
            1 => Some(Self::Pending),
            2 => Some(Self::Done),
            3 => Some(Self::Error),
            _ => None,
        }
    }
}

/// A byte item. `state` repeats what the poll returned.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StreamItem {
    /// A [`StreamState`] by number; checked, because it comes from outside.
    pub state: u32,
    /// A code that the Zig author chose, for [`StreamState::Error`].
    pub error_code: i32,
    /// The first byte; may be null when `data_len` is 0.
    pub data_ptr: *const u8,
    /// The length, bytes.
    pub data_len: usize,
}

impl StreamItem {
    /// Pending, no bytes.
    pub const EMPTY: Self = Self {
        state: StreamState::Pending as u32,
        error_code: 0,
        data_ptr: ptr::null(),
        data_len: 0,
    };
}

/// Releases the memory of an [`OwnedItem`]: context, pointer, length in bytes.
pub type ReleaseFn = unsafe extern "C" fn(*mut c_void, *mut u8, usize);

/// An owned byte item: `release(context, ptr, len)` runs once, on any thread.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OwnedItem {
    /// The first byte; may be null when `len` is 0.
    pub ptr: *mut u8,
    /// The length, bytes.
    pub len: usize,
    /// `None`: the memory needs no release.
    pub release: Option<ReleaseFn>,
    /// Handed to `release`.
    pub context: *mut c_void,
}

impl OwnedItem {
    /// No bytes, nothing to release.
    pub const EMPTY: Self =
        Self { ptr: ptr::null_mut(), len: 0, release: None, context: ptr::null_mut() };
}

/// How items arrive in the out-pointer of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ItemKind {
    /// A value of `size` bytes.
    Plain = 0,
    /// A [`StreamItem`] whose bytes stay valid until the next poll or the drop of the source.
    Lent = 1,
    /// An [`OwnedItem`].
    Owned = 2,
}

/// What an item is; compared when a source is opened.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ItemType {
    /// An [`ItemKind`] by number.
    pub kind: u32,
    /// Size, bytes.
    pub size: u32,
    /// Alignment, bytes.
    pub alignment: u32,
    /// Length of the name, bytes.
    pub name_len: u32,
    /// See `shape.rs`; 0: unknown.
    pub shape: u32,
    /// 0.
    pub reserved: u32,
    /// The type's name in Zig, static text.
    pub name_ptr: *const u8,
}

/// The kinds of a [`RawError`], by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ErrorKind {
    /// A Zig error: `name` is its `@errorName`, static text.
    Zig = 0,
    /// A code that the Zig author chose.
    Code = 1,
    /// An argument of `open` has another type than Zig's function; `code` is its index, `name` the
    /// type in Zig.
    Argument = 2,
    /// `open` takes another number of arguments; `code` is the number that Zig takes.
    ArgumentCount = 3,
}

/// An error on its way from Zig.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawError {
    /// An [`ErrorKind`] by number.
    pub kind: u32,
    /// See [`ErrorKind`].
    pub code: i32,
    /// The error's name, static text.
    pub name_ptr: *const u8,
    /// Length of the name, bytes.
    pub name_len: usize,
}

impl RawError {
    /// What stands there before Zig fills it.
    pub const EMPTY: Self =
        Self { kind: ErrorKind::Zig as u32, code: 0, name_ptr: ptr::null(), name_len: 0 };
}

/// The kinds of a [`RawArg`], by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ArgKind {
    /// `u8` to `u64`, `usize`.
    Unsigned = 0,
    /// `i8` to `i64`, `isize`.
    Signed = 1,
    /// `f32`, `f64`.
    Float = 2,
    /// `bool`.
    Boolean = 3,
    /// `&[u8]`, `&str`.
    Bytes = 4,
    /// A `Vec<u8>` that the operation keeps: `[]u8`, valid until the completion.
    Buffer = 5,
}

/// One argument of `open`. A number of `bits` bits (0: as wide as a pointer) stands in `lo` and `hi`
/// (two's complement, IEEE 754); bytes are valid during the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawArg {
    /// An [`ArgKind`] by number.
    pub kind: u32,
    /// Width of a number, bits; 0 for `usize` and `isize`.
    pub bits: u32,
    /// The low half of a number.
    pub lo: u32,
    /// The high half of a number.
    pub hi: u32,
    /// The first byte of a slice.
    pub ptr: *const u8,
    /// The length of a slice, bytes.
    pub len: usize,
}

/// `flags` of a size hint.
pub const HAS_UPPER: u32 = 1;

/// A size hint.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawSizeHint {
    /// At least so many items.
    pub lower: usize,
    /// At most so many, when `flags` has [`HAS_UPPER`].
    pub upper: usize,
    /// [`HAS_UPPER`] or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// What `open` fills in.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawSource {
    /// The Zig source; never null after a successful `open`.
    pub state: *mut c_void,
    /// Where every lent byte lies; null when the source does not promise it.
    pub registered_ptr: *const u8,
    /// The length of the registered memory, bytes.
    pub registered_len: usize,
}

/// `flags` of a source type: its state may move to another thread.
pub const SENDABLE: u32 = 1;

/// `poll` of a source: state, the two words of the waker, where the item goes.
pub type PollFn = unsafe extern "C" fn(*mut c_void, *const (), *const (), *mut c_void) -> u32;

/// A source written in Zig: what `zigflow.source` exports, one for each type.
#[repr(C)]
#[derive(Debug)]
pub struct SourceType {
    /// [`MAGIC`].
    pub magic: u32,
    /// The ABI number of the Zig side.
    pub abi: u32,
    /// [`SENDABLE`] or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// What the items are.
    pub item: ItemType,
    /// Returns `StreamState::Ready` with `out` filled, or `StreamState::Error` with `err` filled.
    pub open: unsafe extern "C" fn(
        args: *const RawArg,
        args_len: u32,
        out: *mut RawSource,
        err: *mut RawError,
    ) -> u32,
    /// The waker is lent for the call. `out` is what the item kind says; it is written only when
    /// the answer is ready.
    pub poll: PollFn,
    /// The error of a poll that answered `Error`.
    pub take_error: unsafe extern "C" fn(state: *mut c_void, err: *mut RawError),
    /// How many items are left, as far as the source knows.
    pub size_hint: unsafe extern "C" fn(state: *const c_void, out: *mut RawSizeHint),
    /// Ends the source and frees its memory.
    pub drop: unsafe extern "C" fn(state: *mut c_void),
}

// SAFETY: a `SourceType` is constant data and function pointers; nobody writes it.
unsafe impl Sync for SourceType {}

/// A stream of Rust's that Zig polls, from one thread at a time.
#[repr(C)]
#[derive(Debug)]
pub struct RawStream {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`ABI_NUMBER`].
    pub abi: u32,
    /// What the items are: plain, or lent until the next poll.
    pub item: *const ItemType,
    /// A [`StreamState`] by number; ready with `out` filled. The waker is lent for the call.
    pub poll: unsafe extern "C" fn(*mut RawStream, *const RawWaker, out: *mut c_void) -> u32,
    /// Drops the stream and frees it.
    pub drop: unsafe extern "C" fn(*mut RawStream),
    /// Valid after a poll that answered [`StreamState::Error`].
    pub failure: RawError,
}

/// A rate limiter of Rust's that Zig asks, from any thread.
#[repr(C)]
#[derive(Debug)]
pub struct RawLimiter {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`ABI_NUMBER`].
    pub abi: u32,
    /// Lets so many cells pass: 0; or the nanoseconds to wait, `u64::MAX` for "never".
    pub take: unsafe extern "C" fn(*const RawLimiter, cells: u32) -> u64,
    /// One reference more.
    pub retain: unsafe extern "C" fn(*const RawLimiter),
    /// One reference less.
    pub release: unsafe extern "C" fn(*const RawLimiter),
}

/// A Zig function that gives its result later: what `zigflow.future` exports.
#[repr(C)]
#[derive(Debug)]
pub struct OperationType {
    /// [`MAGIC_OPERATION`].
    pub magic: u32,
    /// The ABI number of the Zig side.
    pub abi: u32,
    /// 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// What the result is: plain or owned.
    pub item: ItemType,
    /// Takes the completion's reference and returns `StreamState::Ready`, or refuses the arguments and returns
    /// `StreamState::Error` with `err` filled: then the reference is still the caller's.
    pub start: unsafe extern "C" fn(
        args: *const RawArg,
        args_len: u32,
        operation: *mut RawOperation,
        err: *mut RawError,
    ) -> u32,
}

// SAFETY: constant data and a function pointer; nobody writes it.
unsafe impl Sync for OperationType {}

/// What a future and its completion share: first what every result touches. `future/operation.rs` tells the protocol.
#[repr(C)]
#[derive(Debug)]
pub struct RawOperation {
    /// What has happened so far.
    pub(crate) word: Word,
    /// How many completions were refused because they came second.
    pub(crate) refused: Word,
    /// [`MAGIC_OPERATION`].
    pub(crate) magic: u32,
    /// [`ABI_NUMBER`].
    pub(crate) abi: u32,
    /// How far the operation got, in its own unit: the low half.
    pub(crate) progress_lo: Word,
    /// The high half.
    pub(crate) progress_hi: Word,
    /// Where the result goes.
    pub(crate) value: *mut c_void,
    /// What the result is.
    pub(crate) item: *const ItemType,
    /// Frees the operation, with what nobody took.
    pub(crate) free: unsafe extern "C" fn(*mut RawOperation),
    /// Where the future's task waits.
    pub(crate) waiter: RawWakerCell,
    /// Where the completion's side waits for a request to stop.
    pub(crate) canceler: RawWakerCell,
    /// The error, if that is the result.
    pub(crate) failure: core::cell::UnsafeCell<RawError>,
}

/// A waker whose other side is a counted Zig object: Rust sees it as a `Waker`.
#[repr(C)]
#[derive(Debug)]
pub struct WakerObject {
    /// Wakes; the count does not change.
    pub wake_by_ref: unsafe extern "C" fn(object: *const WakerObject),
    /// Counts up.
    pub retain: unsafe extern "C" fn(object: *const WakerObject),
    /// Counts down; the last one frees.
    pub release: unsafe extern "C" fn(object: *const WakerObject),
}

/// The flavours of a channel, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Flavor {
    /// One sender, one receiver; `ring/spsc.rs` tells the protocol.
    Spsc = 0,
    /// Any number of either; a [`RawMpmc`], and `ring/mpmc.rs` tells the protocol.
    Mpmc = 1,
    /// The same, and it grows; a [`RawUnbounded`], and `ring/list.rs` tells the protocol.
    Unbounded = 2,
}

impl Flavor {
    /// The flavour of that number, or `None` for a number that no flavour has.
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            0 => Some(Self::Spsc),
            1 => Some(Self::Mpmc),
            2 => Some(Self::Unbounded),
            _ => None,
        }
    }
}

/// Which end of a channel a [`RawEnd`] is, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EndKind {
    /// The sending end.
    Sender = 0,
    /// The receiving end.
    Receiver = 1,
}

/// What one thread writes and what another writes lie this far apart, bytes: in pairs of cache lines, as processors fetch
/// them. Firmware's small processors have no such lines, and little memory.
pub(crate) const APART: usize =
    if cfg!(all(target_os = "none", any(target_arch = "arm", target_arch = "riscv32"))) {
        8
    } else {
        128
    };

/// So many bytes with their padding.
const fn apart(bytes: usize) -> usize {
    bytes.next_multiple_of(APART)
}

/// The padding after so many bytes, words.
const fn padding(bytes: usize) -> usize {
    (apart(bytes) - bytes) / 4
}

/// One end of a channel. What one writes shares no cache line (nor a pair of them) with what the other writes.
#[repr(C)]
#[derive(Debug)]
pub struct RawEnd {
    /// The position up to which this end is done, and two flags that the peer sets.
    pub(crate) word: Word,
    /// An [`EndKind`] by number.
    pub(crate) kind: u32,
    /// Sender: half-turns of its position, as of its last look at the peer.
    pub(crate) laps: Word,
    /// How often this end went to sleep.
    pub(crate) sleeps: Word,
    /// How often the peer woke this end.
    pub(crate) wakes: Word,
    /// Sender: items that its overflow policy dropped. Receiver: the most items that it found waiting; where there may be
    /// many, the slots that were passed over because their grants were abandoned.
    pub(crate) tally: Word,
    /// The position of the sender when this end, a receiver, closed.
    pub(crate) last: core::cell::UnsafeCell<u32>,
    /// 0.
    pub(crate) reserved: u32,
    /// Where this end's task waits.
    pub(crate) cell: RawWakerCell,
    /// Why this end closed; valid once the peer sees that it did.
    pub(crate) reason: core::cell::UnsafeCell<RawError>,
    /// What the items are, filled in when the end is handed to Zig.
    pub(crate) item: crate::sync::atomic::AtomicPtr<ItemType>,
    /// A [`RejectFn`], filled in with `item`.
    pub(crate) reject: crate::sync::atomic::AtomicPtr<()>,
    pub(crate) padding: [u32; padding(END)],
}

/// Gives an end back that was handed to Zig and not opened: the channel closes for that reason.
pub(crate) type RejectFn = unsafe extern "C" fn(*mut RawEnd, *const RawError);

/// Words, the cell, the reason, two pointers.
const END: usize = 8 * 4 + (8 + 4 * P) + (8 + 2 * P) + 2 * P;
const CHANNEL: usize = 8 * 4 + 4 * P;
const PARTY: usize = 6 * 4 + 3 * P;
const UNBOUNDED: usize = 2 * 4 + 3 * P;
const POOL: usize = 4 * 4 + 7 * P;

/// A bounded channel: what never changes, then the two ends, then what both seldom touch.
#[repr(C)]
#[derive(Debug)]
pub struct RawChannel {
    /// [`MAGIC`].
    pub(crate) magic: u32,
    /// [`ABI_NUMBER`].
    pub(crate) abi: u32,
    /// A [`Flavor`] by number.
    pub(crate) flavor: u32,
    /// How many items fit.
    pub(crate) capacity: u32,
    /// The number of slots, a power of two, minus 1.
    pub(crate) mask: u32,
    /// How many ends are left; the last one frees.
    pub(crate) references: Word,
    /// The size of a slot, bytes.
    pub(crate) slot_size: u32,
    /// The alignment of a slot, bytes.
    pub(crate) slot_alignment: u32,
    /// The first slot.
    pub(crate) slots: *mut c_void,
    /// Frees the channel, and the items that nobody took.
    pub(crate) free: unsafe extern "C" fn(*mut RawChannel),
    /// Rust's check of items from Zig: null as long as the sender is not Zig's.
    pub(crate) check: crate::sync::atomic::AtomicPtr<()>,
    /// What a monitored channel notes, Rust's; null if it is not monitored. An `spsc` channel is from the start, or never.
    pub(crate) profile: crate::sync::atomic::AtomicPtr<()>,
    pub(crate) padding: [u32; padding(CHANNEL)],
    /// The sender.
    pub(crate) tail: RawEnd,
    /// The receiver.
    pub(crate) head: RawEnd,
}

/// All ends of one kind of a [`RawMpmc`], and those of them that wait. `ring/party.rs` tells the protocol.
#[repr(C)]
#[derive(Debug)]
pub struct RawParty {
    /// How many wait.
    pub(crate) waiting: Word,
    /// Guards the list.
    pub(crate) lock: Word,
    /// How many ends there are.
    pub(crate) alive: Word,
    /// Senders: how far closing is. Receivers, if the channel grows: of how many slots the claim was given up that
    /// nobody has passed over yet.
    pub(crate) closing: Word,
    /// How often one went to sleep.
    pub(crate) sleeps: Word,
    /// How often one was woken.
    pub(crate) wakes: Word,
    /// Who waits, in order.
    pub(crate) first: core::cell::UnsafeCell<*mut RawWaiter>,
    /// The last of them.
    pub(crate) last: core::cell::UnsafeCell<*mut RawWaiter>,
    /// Who watches those who wait, Rust's; null: nobody.
    pub(crate) watch: crate::sync::atomic::AtomicPtr<()>,
    pub(crate) padding: [u32; padding(PARTY)],
}

/// Padding of whatever length the field has. (`[0; _]` is younger than the oldest supported Rust.)
pub(crate) const fn zeros<const N: usize>() -> [u32; N] {
    [0; N]
}

impl RawParty {
    /// One end, which does not wait.
    #[allow(clippy::declare_interior_mutable_const)] // a value to start from
    pub(crate) const NEW: Self = Self {
        waiting: Word::new(0),
        lock: Word::new(0),
        alive: Word::new(1),
        closing: Word::new(0),
        sleeps: Word::new(0),
        wakes: Word::new(0),
        first: core::cell::UnsafeCell::new(ptr::null_mut()),
        last: core::cell::UnsafeCell::new(ptr::null_mut()),
        watch: crate::sync::atomic::AtomicPtr::new(ptr::null_mut()),
        padding: zeros(),
    };
}

/// A task or thread that waits, in memory of its own; it is in its party's list by pointer.
#[repr(C)]
#[derive(Debug)]
pub struct RawWaiter {
    pub(crate) next: *mut RawWaiter,
    pub(crate) previous: *mut RawWaiter,
    pub(crate) waker: RawWaker,
    /// 0 outside of the list, 1 in it, 2 taken out by a wake.
    pub(crate) state: u32,
    /// When it came, or was woken, if somebody watches.
    pub(crate) stamp: u32,
}

/// A bounded channel with any number of ends of either kind.
#[repr(C)]
#[derive(Debug)]
pub struct RawMpmc {
    /// The positions, and what never changes.
    pub(crate) channel: RawChannel,
    /// The senders.
    pub(crate) senders: RawParty,
    /// The receivers.
    pub(crate) receivers: RawParty,
    /// Those of either kind that wait for nothing but the end of the channel.
    pub(crate) watchers: RawParty,
}

/// A block of slots of a channel that grows. The slots follow, at the first offset that suits their alignment.
#[repr(C)]
#[derive(Debug)]
pub struct RawBlock {
    /// The block after this one.
    pub(crate) next: core::cell::UnsafeCell<*mut RawBlock>,
}

/// A channel with any number of ends of either kind that grows, block by block. (The mask is that of a block.)
#[repr(C)]
#[derive(Debug)]
pub struct RawUnbounded {
    /// As in a bounded channel, but for the slots.
    pub(crate) mpmc: RawMpmc,
    /// The block of the position that the next producer claims.
    pub(crate) tail_block: Pointer<RawBlock>,
    /// A block for the next time that one is needed, or null.
    pub(crate) spare: Pointer<RawBlock>,
    /// The block of the position that the next consumer takes.
    pub(crate) head_block: core::cell::UnsafeCell<*mut RawBlock>,
    /// How many blocks there are.
    pub(crate) blocks: Word,
    /// How many there may be.
    pub(crate) limit: u32,
    pub(crate) padding: [u32; padding(UNBOUNDED)],
}

/// Who owns memory together: counted, and freed by the last one. Each block of a pool has one, and so has what
/// [`SharedBuffer`](crate::SharedBuffer) shares.
#[repr(C)]
#[derive(Debug)]
pub struct RawShared {
    /// How many own it; of no meaning while a block of a pool has one owner that may write.
    pub(crate) references: Word,
    /// Which block of the pool it is; else 0.
    pub(crate) index: u32,
    /// Called by the last one.
    pub(crate) free: unsafe extern "C" fn(*mut RawShared),
    /// The pool, or what else `free` needs.
    pub(crate) context: *mut c_void,
}

/// Which of 30 blocks are home, and two flags. `pool/raw.rs` tells the protocol.
#[repr(C)]
#[derive(Debug)]
pub struct RawLeaf {
    /// A bit for each block, set while it is home; above them the flags.
    pub(crate) word: Word,
    pub(crate) padding: [u32; padding(4)],
}

/// A pool of blocks of one size: what never changes, then what seldom does, then those who wait for a block.
#[repr(C)]
#[derive(Debug)]
pub struct RawPool {
    /// [`MAGIC`].
    pub(crate) magic: u32,
    /// [`ABI_NUMBER`].
    pub(crate) abi: u32,
    /// How many blocks there are.
    pub(crate) blocks: u32,
    /// How many leaves.
    pub(crate) leaves_len: u32,
    /// The size of a block, bytes, a multiple of its alignment.
    pub(crate) block_size: usize,
    /// The alignment of a block, bytes.
    pub(crate) block_alignment: usize,
    /// The first block; the others follow.
    pub(crate) data: *mut u8,
    /// What is known of the first block; the others follow.
    pub(crate) shared: *mut RawShared,
    /// The first leaf; the others follow.
    pub(crate) leaves: *mut RawLeaf,
    /// Frees the pool's memory.
    pub(crate) free: unsafe extern "C" fn(*mut RawPool),
    /// What a block is released with that crosses as an owned item, in either language.
    pub(crate) release: ReleaseFn,
    pub(crate) padding: [u32; padding(POOL)],
    /// How many handles there are; when the last one goes, the pool closes.
    pub(crate) references: Word,
    /// What keeps the memory: blocks that may still come home, the handles together, and who is about to wake somebody.
    pub(crate) remaining: Word,
    /// The leaf in which a block was found last.
    pub(crate) hint: Word,
    pub(crate) reserved: [u32; padding(3 * 4)],
    /// Those who wait for a block.
    pub(crate) waiters: RawParty,
}

/// One row of the layout table: names, size, alignment, offsets and sizes of the fields.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LayoutRow {
    /// The names of the struct and of its fields, static text.
    pub name_ptr: *const u8,
    /// Length of the name, bytes.
    pub name_len: u32,
    /// Size, bytes.
    pub size: u32,
    /// Alignment, bytes.
    pub alignment: u32,
    /// How many fields there are.
    pub offsets_len: u32,
    /// The offset of each field, bytes.
    pub offsets: [u32; 20],
    /// The size of each field, bytes.
    pub sizes: [u32; 20],
}

/// A row of [`LAYOUT_TABLE`]: names, size, alignment, offsets and sizes of the fields. The names tell
/// two fields of one type from each other, the sizes a narrow field from a wide one before padding.
pub type Layout = (&'static str, usize, usize, &'static [usize], &'static [usize]);

macro_rules! layout_table {
    ($($name:ident { $($field:ident),* })*) => {
        /// The layouts as this compilation sees them; a test compares them with Zig's.
        pub const LAYOUT_TABLE: &[Layout] = &[$((
            concat!(stringify!($name) $(, " ", stringify!($field))*),
            size_of::<$name>(),
            align_of::<$name>(),
            &[$(core::mem::offset_of!($name, $field)),*],
            &[$(size_of_field(|all: &$name| &all.$field)),*],
        )),*];
    };
}

const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

layout_table! {
    RawWaker { data, vtable }
    RawWakerCell { state, reserved, slots }
    StreamItem { state, error_code, data_ptr, data_len }
    OwnedItem { ptr, len, release, context }
    ItemType { kind, size, alignment, name_len, shape, reserved, name_ptr }
    RawError { kind, code, name_ptr, name_len }
    RawArg { kind, bits, lo, hi, ptr, len }
    RawSizeHint { lower, upper, flags, reserved }
    RawSource { state, registered_ptr, registered_len }
    SourceType { magic, abi, flags, reserved, item, open, poll, take_error, size_hint, drop }
    WakerObject { wake_by_ref, retain, release }
    RawEnd { word, kind, laps, sleeps, wakes, tally, last, reserved, cell, reason, item, reject, padding }
    RawChannel { magic, abi, flavor, capacity, mask, references, slot_size, slot_alignment, slots, free, check, profile, padding, tail, head }
    RawParty { waiting, lock, alive, closing, sleeps, wakes, first, last, watch, padding }
    RawWaiter { next, previous, waker, state, stamp }
    RawMpmc { channel, senders, receivers, watchers }
    RawBlock { next }
    RawUnbounded { mpmc, tail_block, spare, head_block, blocks, limit, padding }
    RawStream { magic, abi, item, poll, drop, failure }
    RawLimiter { magic, abi, take, retain, release }
    OperationType { magic, abi, flags, reserved, item, start }
    RawOperation { word, refused, magic, abi, progress_lo, progress_hi, value, item, free, waiter, canceler, failure }
    RawShared { references, index, free, context }
    RawLeaf { word, padding }
    RawPool { magic, abi, blocks, leaves_len, block_size, block_alignment, data, shared, leaves, free, release, padding, references, remaining, hint, reserved, waiters }
}

const fn expect_layout(
    row: usize,
    words_before: usize,
    pointers: usize,
    offsets: &'static [usize],
) {
    let (_, size, alignment, found, _) = LAYOUT_TABLE[row];
    let word = size_of::<usize>();
    let plain = words_before * 4 + pointers * word;
    assert!(alignment == word, "another alignment than the border's");
    assert!(size == plain.next_multiple_of(word), "another size than the border's");
    assert!(found.len() == offsets.len(), "another number of fields than the border's");
    let mut i = 0;
    while i < offsets.len() {
        assert!(found[i] == offsets[i], "another offset than the border's");
        i += 1;
    }
}

// `P` is a pointer's width: 4 or 8. u32s come in pairs before pointers, so nothing is padded.
const P: usize = size_of::<usize>();
const _: () = expect_layout(0, 0, 2, &[0, P]);
const _: () = expect_layout(1, 2, 4, &[0, 4, 8]);
const _: () = expect_layout(2, 2, 2, &[0, 4, 8, 8 + P]);
const _: () = expect_layout(3, 0, 4, &[0, P, 2 * P, 3 * P]);
const _: () = expect_layout(4, 6, 1, &[0, 4, 8, 12, 16, 20, 24]);
const _: () = expect_layout(5, 2, 2, &[0, 4, 8, 8 + P]);
const _: () = expect_layout(6, 4, 2, &[0, 4, 8, 12, 16, 16 + P]);
const _: () = expect_layout(7, 2, 2, &[0, P, 2 * P, 2 * P + 4]);
const _: () = expect_layout(8, 0, 3, &[0, P, 2 * P]);
const _: () = expect_layout(
    9,
    10,
    6,
    &[0, 4, 8, 12, 16, 40 + P, 40 + 2 * P, 40 + 3 * P, 40 + 4 * P, 40 + 5 * P],
);
const _: () = expect_layout(10, 0, 3, &[0, P, 2 * P]);
const _: () = expect_layout(
    11,
    12 + padding(END),
    8,
    &[0, 4, 8, 12, 16, 20, 24, 28, 32, 40 + 4 * P, 48 + 6 * P, 48 + 7 * P, 48 + 8 * P],
);
const _: () = expect_layout(
    12,
    8 + padding(CHANNEL) + 2 * apart(END) / 4,
    4,
    &[
        0,
        4,
        8,
        12,
        16,
        20,
        24,
        28,
        32,
        32 + P,
        32 + 2 * P,
        32 + 3 * P,
        CHANNEL,
        TAIL,
        TAIL + apart(END),
    ],
);
const TAIL: usize = apart(CHANNEL);
const SPSC: usize = TAIL + 2 * apart(END);
const MPMC: usize = SPSC + 3 * apart(PARTY);
const _: () = assert!(APART != 128 || (apart(END) == 128 && SPSC == 384 && MPMC == 768));
const _: () =
    expect_layout(13, 6 + padding(PARTY), 3, &[0, 4, 8, 12, 16, 20, 24, 24 + P, 24 + 2 * P, PARTY]);
const _: () = expect_layout(14, 2, 4, &[0, P, 2 * P, 4 * P, 4 * P + 4]);
const _: () =
    expect_layout(15, MPMC / 4, 0, &[0, SPSC, SPSC + apart(PARTY), SPSC + 2 * apart(PARTY)]);
const _: () = expect_layout(16, 0, 1, &[0]);
const _: () = expect_layout(
    17,
    MPMC / 4 + 2 + padding(UNBOUNDED),
    3,
    &[0, MPMC, MPMC + P, MPMC + 2 * P, MPMC + 3 * P, MPMC + 3 * P + 4, MPMC + 3 * P + 8],
);
const _: () = expect_layout(18, 4, 5, &[0, 4, 8, 8 + P, 8 + 2 * P, 8 + 3 * P]);
const _: () = expect_layout(19, 2, 3, &[0, 4, 8, 8 + P, 8 + 2 * P]);
const _: () = expect_layout(20, 10, 2, &[0, 4, 8, 12, 16, 40 + P]);
const _: () = expect_layout(
    21,
    12,
    13,
    &[0, 4, 8, 12, 16, 20, 24, 24 + P, 24 + 2 * P, 24 + 3 * P, 32 + 7 * P, 40 + 11 * P],
);
const _: () = expect_layout(22, 2, 2, &[0, 4, 8, 8 + P]);
const COUNTS: usize = apart(POOL);
const _: () = expect_layout(
    24,
    4 + padding(POOL) + (apart(3 * 4) + apart(PARTY)) / 4,
    7,
    &[
        0,
        4,
        8,
        12,
        16,
        16 + P,
        16 + 2 * P,
        16 + 3 * P,
        16 + 4 * P,
        16 + 5 * P,
        16 + 6 * P,
        POOL,
        COUNTS,
        COUNTS + 4,
        COUNTS + 8,
        COUNTS + 12,
        COUNTS + apart(3 * 4),
    ],
);
