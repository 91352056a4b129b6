//! What callers together may spend on retries.

use crate::sync::Arc;
use crate::sync::atomic::{AtomicU32, Ordering};
use core::fmt;

/// A limit on the share of retries among all calls, so that a service that is down does not get the
/// load of every client's retries on top.
///
/// Each call that begins puts in `percent` of a retry, and each retry takes out a whole one. Unspent
/// retries are kept up to `reserve`, with which the budget begins. Clones share.
///
/// Source: the retry budget of Finagle, without its expiry: what is saved does not age, but is bounded
/// by the reserve.
///
/// # Examples
///
/// ```
/// use zigflow_core::retry::RetryBudget;
///
/// let budget = RetryBudget::new(2, 20); // two at once; on average one for five calls
/// assert!(budget.withdraw() && budget.withdraw());
/// assert!(!budget.withdraw());
/// (0..5).for_each(|_| budget.deposit());
/// assert!(budget.withdraw());
/// ```
#[derive(Clone)]
pub struct RetryBudget {
    shared: Arc<Account>,
}

struct Account {
    /// In hundredths of a retry.
    balance: AtomicU32,
    most: u32,
    percent: u32,
}

/// One retry.
const WHOLE: u32 = 100;

impl RetryBudget {
    /// A full budget of `reserve` retries, to which each call adds `percent` of one.
    pub fn new(reserve: u32, percent: u32) -> Self {
        let most = reserve.saturating_mul(WHOLE);
        Self { shared: Arc::new(Account { balance: AtomicU32::new(most), most, percent }) }
    }

    /// A call begins.
    pub fn deposit(&self) {
        let Account { balance, most, percent } = &*self.shared;
        let add = |now: u32| Some(now.saturating_add(*percent).min(*most));
        let _ = balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Takes one retry out, if there is one: `false` means that there should be none now.
    pub fn withdraw(&self) -> bool {
        let take = |now: u32| now.checked_sub(WHOLE);
        self.shared.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// How many retries could be taken out now.
    pub fn available(&self) -> u32 {
        self.shared.balance.load(Ordering::Relaxed) / WHOLE
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget").field("available", &self.available()).finish_non_exhaustive()
    }
}
