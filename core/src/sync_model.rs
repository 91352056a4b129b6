//! The backend that loom drives: each shared word and place is found by its address, in Rust and in
//! compiled Zig alike, and every access reaches loom in its real order.
//!
//! A test registers the memory with [`track_word`] and [`track_place`] and gives it back with the
//! `free_` functions, which count as exclusive writes: an access that is not ordered before the free is
//! found, and one after it panics here.
//!
//! After [`by_sections`] words are changed as on a processor without compare-and-swap: one reads and then writes, in a
//! critical section, while others load and store outside of it. That is more than such a processor can do on its one core
//! (nothing runs while its interrupts are off), and what two cores do whose section is a lock.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use core::sync::atomic::Ordering::{self, Acquire, Relaxed};
use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, AtomicUsize};

use super::{Pointer, Word};

// loom runs all threads of a model on one thread of the system, so these are shared by them.
thread_local! {
    static WORDS: RefCell<HashMap<usize, Rc<AtomicU32>>> = RefCell::default();
    static POINTERS: RefCell<HashMap<usize, Rc<AtomicUsize>>> = RefCell::default();
    static PLACES: RefCell<HashMap<usize, Rc<UnsafeCell<()>>>> = RefCell::default();
    static SECTION: RefCell<Option<Rc<Mutex<()>>>> = const { RefCell::new(None) };
    static BUG: Cell<u32> = const { Cell::new(0) };
}

/// Sows bug `number` (0: none); the numbers are those of `bug(…)` in the sources of both languages.
pub fn sow(number: u32) {
    BUG.set(number);
}

pub(crate) fn sown() -> u32 {
    BUG.get()
}

/// Forgets everything: the start of each execution.
pub fn reset() {
    WORDS.with_borrow_mut(HashMap::clear);
    POINTERS.with_borrow_mut(HashMap::clear);
    PLACES.with_borrow_mut(HashMap::clear);
    SECTION.set(None);
}

/// Words are changed in critical sections from now on, in this execution.
pub fn by_sections() {
    SECTION.set(Some(Rc::new(Mutex::new(()))));
}

/// What is done to a word in one step.
#[derive(Clone, Copy)]
enum Change {
    And(u32),
    Or(u32),
    Add(u32),
    Swap(u32),
    /// From the first to the second; else nothing.
    Exchange(u32, u32),
}

/// Does it, and gives back what stood there; as an error if that was not what was to be exchanged.
fn change(at: usize, change: Change, order: Ordering) -> Result<u32, u32> {
    let word = word(at);
    let after = if order == Relaxed { Relaxed } else { Acquire };
    let Some(section) = SECTION.with_borrow(Clone::clone) else {
        return match change {
            Change::And(bits) => Ok(word.fetch_and(bits, order)),
            Change::Or(bits) => Ok(word.fetch_or(bits, order)),
            Change::Add(by) => Ok(word.fetch_add(by, order)),
            Change::Swap(value) => Ok(word.swap(value, order)),
            Change::Exchange(old, new) => word.compare_exchange(old, new, order, after),
        };
    };
    let inside = (sown() != 119).then(|| section.lock());
    let old = word.load(after);
    let new = match change {
        Change::And(bits) => old & bits,
        Change::Or(bits) => old | bits,
        Change::Add(by) => old.wrapping_add(by),
        Change::Swap(value) => value,
        Change::Exchange(expected, _) if expected != old => return Err(old),
        Change::Exchange(_, new) => new,
    };
    word.store(new, if order == Relaxed { Relaxed } else { Ordering::Release });
    drop(inside);
    Ok(old)
}

/// [`change`] that cannot fail.
fn changed(at: usize, what: Change, order: Ordering) -> u32 {
    change(at, what, order).unwrap_or_else(|found| found)
}

fn order(relaxed: bool) -> Ordering {
    if relaxed { Relaxed } else { Ordering::AcqRel }
}

/// How many words live.
pub fn living() -> usize {
    WORDS.with_borrow(HashMap::len)
}

/// `word` starts its life with `value`.
pub fn track_word(word: *const Word, value: u32) {
    WORDS.with_borrow_mut(|m| m.insert(word.addr(), Rc::new(AtomicU32::new(value))));
}

/// The memory of `word` is freed.
pub fn free_word(word: *const Word) {
    let gone = WORDS.with_borrow_mut(|m| m.remove(&word.addr()));
    let gone = gone.expect("double free of a word");
    // SAFETY: not undefined behaviour but loom's check: it fails if an access is not ordered before.
    unsafe { gone.unsync_load() };
}

/// `pointer` starts its life with what `new` was given.
pub(crate) fn track_pointer<T>(pointer: &Pointer<T>) {
    let at = pointer.0.get();
    // SAFETY: a model never writes the pointer's own memory.
    let value = unsafe { *at }.expose_provenance();
    POINTERS.with_borrow_mut(|m| m.insert(at.addr(), Rc::new(AtomicUsize::new(value))));
}

/// The memory of `pointer` is freed.
pub(crate) fn free_pointer<T>(pointer: &Pointer<T>) {
    let gone = POINTERS.with_borrow_mut(|m| m.remove(&pointer.0.get().addr()));
    let gone = gone.expect("double free of a pointer");
    // SAFETY: as in `free_word`.
    unsafe { gone.unsync_load() };
}

fn pointer(at: usize) -> Rc<AtomicUsize> {
    let found = POINTERS.with_borrow(|m| m.get(&at).cloned());
    found.expect("a pointer is used before it lives or after it was freed")
}

/// A place starts its life at this address.
pub fn track_place<T>(at: *const T) {
    PLACES.with_borrow_mut(|m| m.insert(at.addr(), Rc::new(UnsafeCell::new(()))));
}

/// The memory of a place is freed.
pub fn free_place<T>(at: *const T) {
    let gone = PLACES.with_borrow_mut(|m| m.remove(&at.addr()));
    gone.expect("double free of a place").with_mut(|_| ());
}

/// A test reads a place.
pub fn read_place<T>(at: *const T) {
    place::read(at);
}

fn word(at: usize) -> Rc<AtomicU32> {
    let found = WORDS.with_borrow(|m| m.get(&at).cloned());
    found.expect("a word is used before it lives or after it was freed")
}

fn access(at: usize, write: bool) {
    let found = PLACES.with_borrow(|m| m.get(&at).cloned());
    let found = found.expect("a place is used before it lives or after it was freed");
    if write {
        found.with_mut(|_| ());
    } else {
        found.with(|_| ());
    }
}

pub(crate) mod place {
    pub(crate) fn read<T>(at: *const T) {
        super::access(at.addr(), false);
    }

    pub(crate) fn write<T>(at: *const T) {
        super::access(at.addr(), true);
    }

    pub(crate) fn begin<T>(at: *const T) {
        super::track_place(at);
    }

    pub(crate) fn end<T>(at: *const T) {
        super::free_place(at);
    }
}

impl Word {
    /// A word; the model gives it its value by [`track_word`].
    pub const fn new(value: u32) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    /// What `new` was given.
    pub(crate) fn initial(&self) -> u32 {
        // SAFETY: a model never writes the word's own memory.
        unsafe { *self.0.get() }
    }

    fn at(&self) -> usize {
        self.0.get().addr()
    }

    pub(crate) fn load(&self, order: Ordering) -> u32 {
        word(self.at()).load(order)
    }

    pub(crate) fn fetch_and(&self, bits: u32, order: Ordering) -> u32 {
        changed(self.at(), Change::And(bits), order)
    }

    pub(crate) fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
        changed(self.at(), Change::Or(bits), order)
    }

    pub(crate) fn fetch_add(&self, by: u32, order: Ordering) -> u32 {
        changed(self.at(), Change::Add(by), order)
    }

    pub(crate) fn store(&self, value: u32, order: Ordering) {
        word(self.at()).store(value, order);
    }

    pub(crate) fn swap(&self, value: u32, order: Ordering) -> u32 {
        changed(self.at(), Change::Swap(value), order)
    }

    pub(crate) fn compare_exchange(&self, old: u32, new: u32) -> Result<u32, u32> {
        self.compare_exchange_unless(4, old, new)
    }

    /// Orders nothing if this bug is sown.
    pub(crate) fn compare_exchange_unless(&self, bug: u32, old: u32, new: u32) -> Result<u32, u32> {
        change(self.at(), Change::Exchange(old, new), order(super::bug(bug)))
    }
}

impl<T> Pointer<T> {
    pub(crate) const fn new(value: *mut T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    fn loom(&self) -> Rc<AtomicUsize> {
        pointer(self.0.get().addr())
    }

    pub(crate) fn load(&self) -> *mut T {
        core::ptr::with_exposed_provenance_mut(self.loom().load(Acquire))
    }

    pub(crate) fn store(&self, value: *mut T) {
        self.loom().store(value.expose_provenance(), Ordering::Release);
    }

    pub(crate) fn swap(&self, value: *mut T) -> *mut T {
        let before = self.loom().swap(value.expose_provenance(), Ordering::AcqRel);
        core::ptr::with_exposed_provenance_mut(before)
    }

    pub(crate) fn fill(&self, value: *mut T) -> Result<(), ()> {
        let value = value.expose_provenance();
        self.loom().compare_exchange(0, value, Ordering::AcqRel, Acquire).map(drop).map_err(drop)
    }
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_load(at: *const u32, acquire: u32) -> u32 {
    word(at.addr()).load(if acquire != 0 { Acquire } else { Relaxed })
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_fetch_and(at: *mut u32, bits: u32) -> u32 {
    changed(at.addr(), Change::And(bits), Ordering::AcqRel)
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_fetch_or(at: *mut u32, bits: u32) -> u32 {
    changed(at.addr(), Change::Or(bits), Ordering::AcqRel)
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_fetch_add(at: *mut u32, by: u32, relaxed: u32) -> u32 {
    changed(at.addr(), Change::Add(by), order(relaxed != 0))
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_swap(at: *mut u32, value: u32, relaxed: u32) -> u32 {
    changed(at.addr(), Change::Swap(value), order(relaxed != 0))
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_pointer_load(at: *const usize) -> usize {
    pointer(at.addr()).load(Acquire)
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_pointer_store(at: *mut usize, value: usize) {
    pointer(at.addr()).store(value, Ordering::Release);
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_store(at: *mut u32, value: u32) {
    word(at.addr()).store(value, Ordering::Release);
}

#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn zf1_model_compare_exchange(
    at: *mut u32,
    old: u32,
    new: u32,
    relaxed: u32,
    seen: *mut u32,
) -> u32 {
    match change(at.addr(), Change::Exchange(old, new), order(relaxed != 0)) {
        Ok(_) => 1,
        Err(value) => {
            // SAFETY: Zig passes the address of a local.
            unsafe { *seen = value };
            0
        }
    }
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_place(at: *const core::ffi::c_void, what: u32) {
    match what {
        2 => track_place(at),
        3 => free_place(at),
        _ => access(at.addr(), what != 0),
    }
}

#[unsafe(no_mangle)]
extern "C-unwind" fn zf1_model_bug() -> u32 {
    sown()
}
