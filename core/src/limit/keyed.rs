//! One limiter per key, and never more than so many.

use crate::sync::Arc;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::error::Error;
use core::fmt;
use core::time::Duration;

use super::{ExceedsBurst, LimitError, Quota, RateLimiter};
use crate::lock::Lock;
use crate::time::{Clock, Instant};

/// A [`RateLimiter`] for each key: each client, each address. Clones share. To wait for a key's turn, or to throttle a
/// stream by it, take its [`limiter`](Self::limiter).
///
/// At most `capacity` keys are remembered, so no flood of keys takes all memory. Where there is no
/// room for a new one, a key is forgotten that is as good as new: all it took is refilled, and nobody
/// holds its limiter. If there is none of these, the new key is refused; what is known is not
/// forgotten early, since that would lift its limit. (One that was held when room was needed is looked at again after
/// the time of a cell.)
///
/// Keys are compared under the lock of the table, so their `Ord` must not use this limiter.
pub struct KeyedRateLimiter<K, T> {
    shared: Arc<Keys<K, T>>,
}

struct Keys<K, T> {
    timer: T,
    capacity: usize,
    table: Lock<Table<K, T>>,
}

struct Table<K, T> {
    quota: Quota,
    limiters: BTreeMap<K, RateLimiter<T>>,
    /// Every key once, by a time before which it cannot be forgotten, and by age.
    order: BTreeMap<(Instant, u64), K>,
    next_age: u64,
}

/// There is no room for a new key: all that are remembered still have something to pay, or are in
/// use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooManyKeys {
    /// How many are remembered.
    pub capacity: usize,
}

impl fmt::Display for TooManyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let capacity = self.capacity;
        write!(
            f,
            "no room for a new key: each of the {capacity} that are known has cells to pay for, or is held"
        )
    }
}

impl Error for TooManyKeys {}

impl<K: Ord, T: Clock + Clone> KeyedRateLimiter<K, T> {
    /// Each key gets `quota`; at most `capacity` keys are remembered.
    pub fn new(timer: T, quota: Quota, capacity: usize) -> Self {
        let (limiters, order) = (BTreeMap::new(), BTreeMap::new());
        let table = Lock::new(Table { quota, limiters, order, next_age: 0 });
        Self { shared: Arc::new(Keys { timer, capacity, table }) }
    }

    /// The limiter of `key`: to check, to wait, to throttle a stream. While it is held, the key is
    /// not forgotten.
    ///
    /// # Errors
    ///
    /// If the key is new and there is no room.
    pub fn limiter<Q>(&self, key: &Q) -> Result<RateLimiter<T>, TooManyKeys>
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        let Keys { timer, capacity, table } = &*self.shared;
        let known = |table: &mut Table<K, T>| table.limiters.get(key).cloned();
        if let Some(limiter) = table.with(known) {
            return Ok(limiter);
        }
        loop {
            // The timer and the keys are the caller's: nothing of them is made or dropped under the lock.
            let (now, quota) = (timer.now(), table.with(|table| table.quota));
            let fresh = RateLimiter::new(timer.clone(), quota);
            let mut keys = Some((key.to_owned(), key.to_owned()));
            let (result, _forgotten) = table.with(|table| {
                if let Some(limiter) = table.limiters.get(key) {
                    return (Some(Ok(limiter.clone())), None);
                }
                if table.quota != quota {
                    return (None, None); // whoever changed it has not seen this limiter
                }
                let mut forgotten = None;
                if table.limiters.len() >= *capacity {
                    forgotten = table.forget_one(now);
                    if forgotten.is_none() {
                        return (Some(Err(TooManyKeys { capacity: *capacity })), None);
                    }
                }
                if let Some((own, in_order)) = keys.take() {
                    table.limiters.insert(own, fresh.clone());
                    table.put_in_order(now, in_order);
                }
                (Some(Ok(fresh.clone())), forgotten)
            });
            if let Some(result) = result {
                return result;
            }
        }
    }

    /// Lets one cell of `key` pass now.
    ///
    /// # Errors
    ///
    /// Not now, or no room for a new key.
    pub fn check<Q>(&self, key: &Q) -> Result<(), KeyedError>
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        self.check_n(key, 1)
    }

    /// Lets `cells` of `key` pass now, together or not at all.
    ///
    /// # Errors
    ///
    /// Not now; never, if they are more than the quota's burst; or no room for a new key.
    pub fn check_n<Q>(&self, key: &Q, cells: u32) -> Result<(), KeyedError>
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        let burst = self.shared.table.with(|table| table.quota).burst_size();
        if cells > burst {
            // Never, also where there is no room for the key now.
            return Err(KeyedError::Limited(LimitError::ExceedsBurst(ExceedsBurst {
                cells,
                burst,
            })));
        }
        let limiter = self.limiter(key).map_err(KeyedError::TooManyKeys)?;
        limiter.check_n(cells).map_err(KeyedError::Limited)
    }

    /// `quota` holds for all keys from now on, also for those who wait.
    pub fn set_quota(&self, quota: Quota) {
        let (now, table) = (self.shared.timer.now(), &self.shared.table);
        table.with(|table| {
            table.quota = quota;
            for key in core::mem::take(&mut table.order).into_values() {
                table.put_in_order(now, key);
            }
        });
        // The last change wins at every key, also where two are under way.
        let mut applied = None;
        loop {
            let (quota, limiters) = table.with(|table| {
                let done = applied == Some(table.quota);
                let limiters = table.limiters.values().filter(|_| !done).cloned();
                (table.quota, limiters.collect::<Vec<_>>())
            });
            if applied.replace(quota) == Some(quota) {
                return;
            }
            limiters.iter().for_each(|limiter| limiter.set_quota(quota));
        }
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.shared.table.with(|table| table.limiters.len())
    }

    /// No key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Ord, T> Table<K, T> {
    fn put_in_order(&mut self, free_at: Instant, key: K) {
        self.order.insert((free_at, self.next_age), key);
        self.next_age += 1;
    }

    /// Makes room for one. The times in `order` may be too early, as a key may have taken more since:
    /// what turns out so is put where it belongs, so no key is looked at twice for the same cells.
    fn forget_one(&mut self, now: Instant) -> Option<(K, K, RateLimiter<T>)> {
        loop {
            let first = self.order.first_entry().filter(|first| first.key().0 <= now)?;
            let key = first.remove();
            let limiter = self.limiters.get_mut(&key)?;
            // With what the last holder did, as `get_mut` looks.
            let held = Arc::get_mut(&mut limiter.shared).is_none();
            let level = &limiter.shared.level;
            match level.full_at() {
                Some(free_at) if free_at > now => self.put_in_order(free_at, key),
                Some(_) if !held => {
                    let (own, limiter) = self.limiters.remove_entry(&key)?;
                    return Some((own, key, limiter)); // to be dropped with the lock open
                }
                // It may be let go at any time: look again when it could have been used for a cell.
                _ => {
                    let interval = self.quota.interval().max(NANOSECOND);
                    self.put_in_order(now.saturating_add(interval), key);
                }
            }
        }
    }
}

const NANOSECOND: Duration = Duration::from_nanos(1);

/// Why a request for a key does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum KeyedError {
    /// The key's own limit.
    Limited(LimitError),
    /// The key is new, and there is no room for it.
    TooManyKeys(TooManyKeys),
}

impl fmt::Display for KeyedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(error) => error.fmt(f),
            Self::TooManyKeys(error) => error.fmt(f),
        }
    }
}

impl Error for KeyedError {}

impl<K, T> Clone for KeyedRateLimiter<K, T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K, T> fmt::Debug for KeyedRateLimiter<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimiter")
            .field("capacity", &self.shared.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::cell::RefCell;

    use super::*;
    use crate::time::ManualTimer;

    std::thread_local! {
        static LIMITER: RefCell<Option<KeyedRateLimiter<Curious, ManualTimer>>> =
            const { RefCell::new(None) };
    }

    /// Uses the limiter when it is dropped.
    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Curious(u8);

    impl Drop for Curious {
        fn drop(&mut self) {
            LIMITER.with_borrow(|limiter| limiter.as_ref().map(KeyedRateLimiter::len));
        }
    }

    /// Known, refused, and forgotten: with the lock open, or this hangs.
    #[test]
    fn keys_are_dropped_with_the_lock_open() {
        let timer = ManualTimer::new();
        let second = Duration::from_secs(1);
        let limiter = KeyedRateLimiter::new(timer.clone(), Quota::every(second), 1);
        LIMITER.set(Some(limiter.clone()));
        assert!(limiter.check(&Curious(1)).is_ok());
        assert!(limiter.check(&Curious(1)).is_err());
        assert!(matches!(limiter.check(&Curious(2)), Err(KeyedError::TooManyKeys(_))));
        timer.advance(second);
        assert!(limiter.check(&Curious(2)).is_ok());
        LIMITER.set(None);
    }
}
