//! The lock of the slow paths.
//!
//! One type over the strongest backend that the features offer: `critical-section` before `std`
//! before `spin`. The first also excludes interrupts, and with interrupts about a plain spin lock
//! would hang; between the other two, `std` parks where `spin` burns. With none of the three this
//! module is absent, and so is all that needs it.
//!
//! The one rule for who takes it: no foreign code under the lock. Waking, cloning and dropping a
//! `Waker` run the code of a stranger's executor, which may come back for this very lock. So take
//! wakers out, return them from the closure, and let go of them outside.

/// A value that one closure at a time may touch.
pub(crate) struct Lock<T>(backend::Mutex<T>);

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(backend::new(value))
    }

    /// Runs `f` alone. A panic in `f` opens the lock and does not poison it: whatever `f` does in
    /// this crate, it leaves the value whole at every point that can panic.
    ///
    /// # Panics
    ///
    /// Nesting on the same lock is a mistake: it panics or hangs, by backend.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        backend::with(&self.0, f)
    }
}

/// In a model its threads wait for each other as the models' do.
#[cfg(loom)]
mod backend {
    pub(super) type Mutex<T> = loom::sync::Mutex<T>;

    pub(super) fn new<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    pub(super) fn with<T, R>(lock: &Mutex<T>, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut lock.lock().unwrap())
    }
}

#[cfg(all(feature = "critical-section", not(loom)))]
mod backend {
    use core::cell::RefCell;

    /// Critical sections nest, so the cell is what refuses a second `&mut`.
    pub(super) type Mutex<T> = critical_section::Mutex<RefCell<T>>;

    pub(super) fn new<T>(value: T) -> Mutex<T> {
        critical_section::Mutex::new(RefCell::new(value))
    }

    pub(super) fn with<T, R>(lock: &Mutex<T>, f: impl FnOnce(&mut T) -> R) -> R {
        critical_section::with(|cs| f(&mut lock.borrow_ref_mut(cs)))
    }
}

#[cfg(all(feature = "std", not(any(feature = "critical-section", loom))))]
mod backend {
    use std::sync::PoisonError;

    pub(super) type Mutex<T> = std::sync::Mutex<T>;

    pub(super) fn new<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    pub(super) fn with<T, R>(lock: &Mutex<T>, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut lock.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(not(any(feature = "std", feature = "critical-section", loom)))]
mod backend {
    pub(super) type Mutex<T> = spin::Mutex<T>;

    pub(super) fn new<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    pub(super) fn with<T, R>(lock: &Mutex<T>, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut lock.lock())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::Lock;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    #[test]
    fn two_threads_lose_no_increment() {
        const ROUNDS: u32 = 10_000;
        let count = Lock::new(0_u32);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..ROUNDS).for_each(|_| count.with(|n| *n += 1)));
            }
        });
        assert_eq!(count.with(|n| *n), 2 * ROUNDS);
    }

    #[test]
    fn a_panic_inside_opens_the_lock() {
        let lock = Lock::new(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| lock.with(|_| panic!("inside"))));
        assert!(panicked.is_err());
        assert_eq!(lock.with(|n| *n), 1);
    }

    #[test]
    fn it_is_sync_for_what_is_only_send() {
        fn sync<T: Sync>() {}
        sync::<Lock<core::cell::Cell<u8>>>();
    }
}
