//! What Rust does for Zig: the functions that `zig/src/host.zig` declares. Each name carries the
//! ABI number, so two versions of zigflow can live in one program.
//!
//! A panic never unwinds into Zig: `extern "C"` aborts. (Models unwind, because that is how loom
//! ends an execution.)

#[cfg(not(target_has_atomic = "ptr"))]
use crate::sync::Word;
use crate::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;

#[cfg(not(target_os = "none"))]
use crate::abi::EndKind;
use crate::abi::{
    ABI_NUMBER, RawBlock, RawChannel, RawParty, RawPool, RawShared, RawUnbounded, RawWaiter,
    RawWaker, WakerObject,
};

const _: () = assert!(ABI_NUMBER == 1, "rename the symbols below: they carry the ABI number");

/// As the number of an [`EndKind`].
#[cfg(not(target_os = "none"))]
fn end_kind(raw: u32) -> EndKind {
    if raw == EndKind::Sender as u32 { EndKind::Sender } else { EndKind::Receiver }
}

macro_rules! export {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[cfg(not(loom))]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $type),*) $(-> $out)? $body

        $(#[$meta])*
        #[cfg(loom)]
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name($($arg: $type),*) $(-> $out)? $body
    )*};
}

export! {
    /// Writes a new reference to the same task to `out`.
    fn zf1_waker_clone(waker: *const RawWaker, out: *mut RawWaker) {
        // SAFETY: Zig passes the words of a living waker.
        let lent = unsafe { RawWaker::borrow(&*waker) };
        let fresh = core::mem::ManuallyDrop::new((*lent).clone());
        // SAFETY: Zig passes the address of a place for the words.
        unsafe { out.write(RawWaker::of(&fresh)) };
    }

    /// Wakes and takes the reference.
    fn zf1_waker_wake(waker: *const RawWaker) {
        // SAFETY: Zig passes the words of a waker whose reference it gives away.
        unsafe { (*waker).into_waker() }.wake();
    }

    /// Wakes and leaves the reference.
    fn zf1_waker_wake_by_ref(waker: *const RawWaker) {
        // SAFETY: Zig passes the words of a living waker. They are copied first: whoever is woken may
        // free the place where they stood.
        let words = unsafe { *waker };
        // SAFETY: as above; the reference outlives the call by the caller's contract.
        unsafe { words.borrow() }.wake_by_ref();
    }

    /// Takes the reference.
    fn zf1_waker_drop(waker: *const RawWaker) {
        // SAFETY: Zig passes the words of a waker whose reference it gives away.
        drop(unsafe { (*waker).into_waker() });
    }

    /// Makes a Rust waker of a counted Zig object, whose one reference it takes.
    fn zf1_waker_from_object(object: *const WakerObject, out: *mut RawWaker) {
        // SAFETY: Zig gives away one reference of a counted object.
        let waker = unsafe { crate::waker::waker_from_object(object) };
        let waker = core::mem::ManuallyDrop::new(waker);
        // SAFETY: Zig passes the address of a place for the words.
        unsafe { out.write(RawWaker::of(&waker)) };
    }

    /// `word |= bits`, and what stood there. This and the next four: where the target has no compare-and-swap, Zig
    /// cannot know how this program excludes its interrupts.
    #[cfg(not(target_has_atomic = "ptr"))]
    fn zf1_word_fetch_or(word: *const Word, bits: u32) -> u32 {
        // SAFETY: Zig passes a word that it has a reference to.
        unsafe { &*word }.fetch_or(bits, Ordering::AcqRel)
    }

    /// `word &= bits`, and what stood there.
    #[cfg(not(target_has_atomic = "ptr"))]
    fn zf1_word_fetch_and(word: *const Word, bits: u32) -> u32 {
        // SAFETY: as above.
        unsafe { &*word }.fetch_and(bits, Ordering::AcqRel)
    }

    /// `word += by`, and what stood there.
    #[cfg(not(target_has_atomic = "ptr"))]
    fn zf1_word_fetch_add(word: *const Word, by: u32) -> u32 {
        // SAFETY: as above.
        unsafe { &*word }.fetch_add(by, Ordering::AcqRel)
    }

    /// `word = value`, and what stood there.
    #[cfg(not(target_has_atomic = "ptr"))]
    fn zf1_word_swap(word: *const Word, value: u32) -> u32 {
        // SAFETY: as above.
        unsafe { &*word }.swap(value, Ordering::AcqRel)
    }

    /// `word = new` if `old` stands there: 1. Else 0, and what stands there in `seen`.
    #[cfg(not(target_has_atomic = "ptr"))]
    fn zf1_word_compare_exchange(word: *const Word, old: u32, new: u32, seen: *mut u32) -> u32 {
        // SAFETY: as above.
        match unsafe { &*word }.compare_exchange(old, new) {
            Ok(_) => 1,
            Err(found) => {
                // SAFETY: Zig passes the address of a place for the word.
                unsafe { seen.write(found) };
                0
            }
        }
    }

    /// Rust's global allocator; null when it has no memory. `size` is not 0.
    fn zf1_alloc(size: usize, alignment: usize) -> *mut u8 {
        match Layout::from_size_align(size, alignment) {
            // SAFETY: the size is not 0.
            Ok(layout) if size > 0 => unsafe { alloc(layout) },
            _ => core::ptr::null_mut(),
        }
    }

    /// Frees what `zf1_alloc` gave, with the same size and alignment.
    fn zf1_free(ptr: *mut u8, size: usize, alignment: usize) {
        // SAFETY: Zig's allocator interface hands back the size and alignment that it asked for, and
        // `zf1_alloc` accepted them.
        unsafe { dealloc(ptr, Layout::from_size_align_unchecked(size, alignment)) };
    }

    /// Polls until the answer is not 0, asleep in between, and returns it; 0 when `timeout_ns` is over
    /// first. `u64::MAX` is no timeout. The waker is lent for the call.
    #[cfg(feature = "std")]
    fn zf1_block(
        poll: unsafe extern "C" fn(*mut core::ffi::c_void, *const RawWaker) -> u32,
        context: *mut core::ffi::c_void,
        timeout_ns: u64
    ) -> u32 {
        use core::task::Poll;
        let timeout = (timeout_ns != u64::MAX).then(|| core::time::Duration::from_nanos(timeout_ns));
        let answer = crate::channel::block::wait(timeout, |waker| {
            // SAFETY: Zig passes a function with its context.
            match unsafe { poll(context, &RawWaker::of(waker)) } {
                0 => Poll::Pending,
                answer => Poll::Ready(answer),
            }
        });
        answer.unwrap_or(0)
    }

    /// Writes a channel of plain data, with a reference for an end of either kind, to `out`. 0; or 1 for a capacity
    /// that cannot be, 2 when there is no memory. (Of a channel that grows the capacity is in bytes.)
    fn zf1_channel_new(
        flavor: u32,
        capacity: usize,
        slot_size: usize,
        slot_alignment: usize,
        out: *mut *mut RawChannel
    ) -> u32 {
        let Ok(slot) = Layout::from_size_align(slot_size, slot_alignment) else { return 1 };
        match crate::channel::for_zig(flavor, capacity, slot) {
            Ok(channel) => {
                // SAFETY: Zig passes the address of a place for the pointer.
                unsafe { out.write(channel.as_ptr()) };
                0
            }
            Err(crate::channel::CreateError::OutOfMemory) => 2,
            Err(_) => 1,
        }
    }

    /// An end of a monitored `spsc` channel looks: at `position`, wanting so many items or slots, finding so many. How many of
    /// them it may use before it looks again.
    #[cfg(not(target_os = "none"))]
    fn zf1_profile_look(channel: *const RawChannel, kind: u32, position: u32, found: u32, wanted: u32) -> u32 {
        // SAFETY: Zig passes a channel of which it has that end.
        unsafe { crate::ring::monitored::looked(&*channel, end_kind(kind), position, found, wanted) }
    }

    /// Writes what a monitored channel has noted to `out`: 1; or 0 if it is not monitored.
    fn zf1_profile_read(channel: *const RawChannel, out: *mut core::ffi::c_void) -> u32 {
        #[cfg(feature = "profile")]
        // SAFETY: Zig passes a channel of which it has an end, and the address of a place for a profile.
        unsafe {
            let channel = core::ptr::NonNull::new_unchecked(channel.cast_mut());
            if let Some(profile) = crate::profile::RawProfile::of(channel) {
                out.cast::<crate::profile::RawProfile>().write(profile);
                return 1;
            }
        }
        let _ = (channel, out);
        0
    }

    /// The waker for the cell of an end of a monitored channel, in place of `waker`, which is lent. Its reference is Zig's.
    #[cfg(not(target_os = "none"))]
    fn zf1_profile_waker(channel: *const RawChannel, kind: u32, waker: *const RawWaker, out: *mut RawWaker) {
        // SAFETY: Zig passes a channel of which it has that end, and the words of a living waker.
        let waker = unsafe {
            let lent = RawWaker::borrow(&*waker);
            crate::ring::monitored::watching_waker(&*channel, end_kind(kind), &lent)
        };
        let waker = core::mem::ManuallyDrop::new(waker);
        // SAFETY: Zig passes the address of a place for the words.
        unsafe { out.write(RawWaker::of(&waker)) };
    }

    /// The end is about to sleep (0). 1 if it did not wait before. Or it need not sleep after all (1), or has what it needs (2).
    #[cfg(not(target_os = "none"))]
    fn zf1_profile_sleep(channel: *const RawChannel, kind: u32, step: u32) -> u32 {
        use crate::ring::monitored::{falls_asleep, is_served, stays_awake};
        // SAFETY: Zig passes a channel of which it has that end.
        let (channel, kind) = (unsafe { &*channel }, end_kind(kind));
        match step {
            0 => return falls_asleep(channel, kind).into(),
            1 => stays_awake(channel, kind),
            _ => is_served(channel, kind),
        }
        0
    }

    /// A thread begins to wait awake in a party that is watched. What it is to end that with.
    #[cfg(feature = "std")]
    fn zf1_party_linger(party: *const RawParty) -> u32 {
        // SAFETY: Zig passes a party of a channel of which it has an end.
        unsafe { (*party).begin_to_linger() }
    }

    /// The thread has what it needs (1), or waits asleep from now on (0).
    #[cfg(feature = "std")]
    fn zf1_party_lingered(party: *const RawParty, stamp: u32, helped: u32) {
        // SAFETY: as above.
        unsafe { (*party).end_to_linger(stamp, helped != 0) };
    }

    /// The end goes.
    #[cfg(not(target_os = "none"))]
    fn zf1_profile_gone(channel: *const RawChannel, kind: u32) {
        // SAFETY: Zig passes a channel of which it has that end, which it does not use any more.
        unsafe { crate::ring::monitored::gone(&*channel, end_kind(kind)) };
    }

    /// A block for a channel that grows, or null: it is full.
    fn zf1_block_take(channel: *const RawUnbounded) -> *mut RawBlock {
        // SAFETY: Zig passes a channel of that flavour, of which it has an end.
        unsafe { (*channel).take_block() }
    }

    /// A block that Zig took and did not link, or that is used up. Then tell the senders.
    fn zf1_block_give_back(channel: *const RawUnbounded, block: *mut RawBlock) {
        // SAFETY: as above, and nobody else uses the block.
        unsafe { (*channel).give_back(block) };
    }

    /// 1 when there is a spare block now; else the one who gives one back will wake a sender.
    fn zf1_block_ensure(channel: *const RawUnbounded) -> u32 {
        // SAFETY: as above.
        u32::from(unsafe { (*channel).ensure_spare() })
    }

    /// The next wake of the party goes to the waiter's turn, by this waker, which is lent for the call.
    fn zf1_party_join(party: *const RawParty, waiter: *mut RawWaiter, waker: *const RawWaker) {
        // SAFETY: Zig passes a party of a channel that it has an end of, a waiter that stays until it has left,
        // and a living waker.
        unsafe { (*party).join(waiter, &RawWaker::borrow(&*waker)) };
    }

    /// The waiter stands in the list no more. 1 if a wake had taken it out, which is to be passed on.
    fn zf1_party_leave(party: *const RawParty, waiter: *mut RawWaiter) -> u32 {
        // SAFETY: Zig passes what it joined with.
        u32::from(unsafe { (*party).leave(waiter) })
    }

    /// Wakes one that sleeps at the other side of the channel: a receiver if `of_senders` is 1, else a sender.
    fn zf1_peer_wake(channel: *mut RawChannel, of_senders: u32) {
        // SAFETY: Zig passes a channel that it has a reference to.
        unsafe {
            let channel = core::ptr::NonNull::new_unchecked(channel);
            crate::channel::wake_peer(channel, of_senders != 0);
        }
    }

    /// Wakes one that waits.
    fn zf1_party_wake_one(party: *const RawParty) {
        // SAFETY: Zig passes a party of a channel that it has an end of.
        unsafe { (*party).wake_one() };
    }

    /// Wakes all that wait.
    fn zf1_party_wake_all(party: *const RawParty) {
        // SAFETY: Zig passes a party of a channel that it has an end of.
        unsafe { (*party).wake_all() };
    }

    /// Writes a pool with one handle to `out`. 0; or 1 for a size that cannot be, 2 when there is no memory.
    fn zf1_pool_new(blocks: usize, size: usize, alignment: usize, out: *mut *mut RawPool) -> u32 {
        match crate::pool::for_zig(blocks, size, alignment) {
            Ok(pool) => {
                // SAFETY: Zig passes the address of a place for the pointer.
                unsafe { out.write(pool.0.as_ptr()) };
                0
            }
            Err(crate::pool::CreateError::OutOfMemory) => 2,
            Err(_) => 1,
        }
    }

    /// One handle more.
    fn zf1_pool_retain(pool: *mut RawPool) {
        // SAFETY: Zig passes a pool that it has a handle of.
        unsafe { pool_of(pool) }.retain();
    }

    /// One handle less.
    fn zf1_pool_release(pool: *mut RawPool) {
        // SAFETY: Zig passes a pool and gives up a handle of it.
        unsafe { pool_of(pool) }.release();
    }

    /// Puts a block back that its one owner gives up: what Zig does itself unless somebody waits or the pool has closed.
    fn zf1_pool_put(block: *mut RawShared) {
        // SAFETY: Zig passes a block that it has, and gives it up.
        unsafe { crate::pool::Raw::put(core::ptr::NonNull::new_unchecked(block)) };
    }

    /// Who is in the list of those who wait is told of every block from now on. 1 when one is there already.
    fn zf1_pool_arm(pool: *mut RawPool) -> u32 {
        // SAFETY: Zig passes a pool that it has a handle of.
        u32::from(unsafe { pool_of(pool) }.arm())
    }

    /// Who has left that list says so.
    fn zf1_pool_left(pool: *mut RawPool) {
        // SAFETY: Zig passes a pool that it has a handle of.
        unsafe { pool_of(pool) }.left();
    }

    /// Writes what a watched pool has noted to `out`: 1; or 0 if nobody watches it.
    fn zf1_pool_profile(pool: *mut RawPool, out: *mut core::ffi::c_void) -> u32 {
        #[cfg(feature = "profile")]
        // SAFETY: Zig passes a pool that it has a handle of, and the address of a place for what is noted.
        unsafe {
            let pool = pool_of(pool);
            if let Some(watch) = pool.watched() {
                let profile = crate::profile::RawPoolProfile::of(watch, pool.waiting());
                out.cast::<crate::profile::RawPoolProfile>().write(profile);
                return 1;
            }
        }
        let _ = (pool, out);
        0
    }

    /// Reports and aborts.
    fn zf1_panic(message: *const u8, message_len: usize, return_address: usize) -> ! {
        // SAFETY: Zig passes its message as a slice.
        let message = unsafe { core::slice::from_raw_parts(message, message_len) };
        report(&ZigPanic { message, return_address })
    }
}

/// # Safety
///
/// Not null, and alive.
unsafe fn pool_of(pool: *mut RawPool) -> crate::pool::Raw {
    // SAFETY: the caller's promise.
    crate::pool::Raw(unsafe { core::ptr::NonNull::new_unchecked(pool) })
}

/// A panic in Zig, as the hook sees it.
#[derive(Clone, Copy)]
pub struct ZigPanic<'a> {
    message: &'a [u8],
    return_address: usize,
}

impl<'a> ZigPanic<'a> {
    /// What Zig said; the empty string if it is not UTF-8.
    pub fn message(&self) -> &'a str {
        core::str::from_utf8(self.message).unwrap_or_default()
    }

    /// The code address to which the panicking call would have returned.
    pub fn return_address(&self) -> usize {
        self.return_address
    }
}

impl core::fmt::Debug for ZigPanic<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

impl core::fmt::Display for ZigPanic<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (message, address) = (self.message(), self.return_address);
        write!(f, "zig panic: {message} (return address {address:#x})")
    }
}

/// Called once with the first Zig panic, before the process aborts.
pub type ZigPanicHook = fn(&ZigPanic<'_>);

static HOOK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Replaces the report of a Zig panic: what a service writes to its log, or a board to its console.
///
/// The process aborts after the hook returns; a Zig panic cannot be caught. Without a hook the report
/// goes to standard error with a backtrace (feature `std`), or to the panic handler of the
/// program (without it).
pub fn set_zig_panic_hook(hook: ZigPanicHook) {
    HOOK.store(hook as *mut (), Ordering::Release);
}

fn report(panic: &ZigPanic<'_>) -> ! {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    // One report, and all of it: a second panic adds nothing, in the hook itself or elsewhere.
    if REPORTED.swap(true, Ordering::Relaxed) {
        wait_for_the_report();
    } else {
        enter_report();
        let hook = HOOK.load(Ordering::Acquire);
        if hook.is_null() {
            default_report(panic);
        } else {
            // SAFETY: `HOOK` holds null or what `set_zig_panic_hook` cast from this type.
            let hook: ZigPanicHook = unsafe { core::mem::transmute(hook) };
            hook(panic);
        }
    }
    abort()
}

#[cfg(feature = "std")]
std::thread_local!(static REPORTS: core::cell::Cell<bool> = const { core::cell::Cell::new(false) });

#[cfg(feature = "std")]
fn enter_report() {
    REPORTS.set(true);
}

/// Sleeps, because there is no event to wait for: another thread's report ends with the process. If
/// that report hangs, it has had its time.
#[cfg(feature = "std")]
fn wait_for_the_report() {
    if !REPORTS.get() {
        std::thread::sleep(core::time::Duration::from_secs(10));
    }
}

// Nobody knows here which thread this is, so a second panic ends the program at once.
#[cfg(not(feature = "std"))]
fn enter_report() {}
#[cfg(not(feature = "std"))]
fn wait_for_the_report() {}

#[cfg(feature = "std")]
fn default_report(panic: &ZigPanic<'_>) {
    let backtrace = std::backtrace::Backtrace::force_capture();
    std::eprintln!("{panic}\n{backtrace}");
}

#[cfg(not(feature = "std"))]
fn default_report(panic: &ZigPanic<'_>) {
    panic!("{panic}")
}

#[cfg(feature = "std")]
fn abort() -> ! {
    std::process::abort()
}

// Without std, a panic in an `extern "C"` function ends in the program's panic handler, which
// does not return; unwinding, where it exists, aborts at the border.
#[cfg(not(feature = "std"))]
fn abort() -> ! {
    panic!("a Zig panic was reported")
}
