//! The atomics of [`Level`](super::level::Level): the hardware's, loom's in a model, and a lock around the
//! number where the hardware has none of 64 bits.

#[cfg(not(loom))]
pub(super) use core::sync::atomic::AtomicU32;
#[cfg(all(target_has_atomic = "64", not(loom)))]
pub(super) use core::sync::atomic::AtomicU64;
#[cfg(not(any(target_has_atomic = "64", loom)))]
pub(super) use locked::AtomicU64;
#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64};

#[cfg(any(test, not(any(target_has_atomic = "64", loom))))]
mod locked {
    use core::fmt;
    use core::sync::atomic::Ordering;

    use crate::lock::Lock;

    /// As the standard library's; every order is the strongest.
    pub(crate) struct AtomicU64(Lock<u64>);

    impl AtomicU64 {
        pub(crate) fn new(value: u64) -> Self {
            Self(Lock::new(value))
        }

        pub(crate) fn load(&self, _: Ordering) -> u64 {
            self.0.with(|value| *value)
        }

        pub(crate) fn store(&self, new: u64, _: Ordering) {
            self.0.with(|value| *value = new);
        }

        pub(crate) fn swap(&self, new: u64, _: Ordering) -> u64 {
            self.0.with(|value| core::mem::replace(value, new))
        }

        pub(crate) fn compare_exchange_weak(
            &self,
            old: u64,
            new: u64,
            _: Ordering,
            _: Ordering,
        ) -> Result<u64, u64> {
            self.0.with(|value| {
                if *value != old {
                    return Err(*value);
                }
                *value = new;
                Ok(old)
            })
        }
    }

    impl fmt::Debug for AtomicU64 {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.load(Ordering::Relaxed).fmt(f)
        }
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::Ordering::SeqCst;

    #[test]
    fn the_one_with_a_lock_does_what_the_hardware_would() {
        let ours = super::locked::AtomicU64::new(1);
        assert_eq!(ours.swap(2, SeqCst), 1);
        assert_eq!(ours.compare_exchange_weak(7, 3, SeqCst, SeqCst), Err(2));
        assert_eq!(ours.compare_exchange_weak(2, 3, SeqCst, SeqCst), Ok(2));
        ours.store(u64::MAX, SeqCst);
        assert_eq!(ours.load(SeqCst), u64::MAX);
    }
}
