//! Whose turn it is to be first: fair without randomness.

#[cfg(not(loom))]
use crate::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Deals out who is first.
///
/// Counting modulo the number of children would be fair to one loop, but where two loops share the counter each
/// might get the even numbers only. So the count is multiplied by the golden ratio: every regular part of that
/// sequence is spread evenly, too.
#[derive(Debug)]
pub struct Turn {
    // A model has to run the same way each time.
    #[cfg(not(loom))]
    count: AtomicU32,
}

impl Default for Turn {
    fn default() -> Self {
        Self::new()
    }
}

impl Turn {
    /// Nobody has had a turn.
    pub const fn new() -> Self {
        Self {
            #[cfg(not(loom))]
            count: AtomicU32::new(0),
        }
    }

    /// Which of `count` is first; 0 of none.
    pub fn next(&self, count: usize) -> usize {
        #[cfg(not(loom))]
        {
            let spread = self.count.fetch_add(0x9e37_79b9, Relaxed); // 2^32 / the golden ratio
            ((u64::from(spread) * count as u64) >> 32) as usize
        }
        #[cfg(loom)]
        {
            let _ = count;
            0
        }
    }
}

/// The turns of all functions; each `select!` has its own.
pub(super) fn next(count: usize) -> usize {
    static TURN: Turn = Turn::new();
    TURN.next(count)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Turn;

    /// How often each of `count` was first in `rounds` turns, of which every `stride`th is taken.
    fn shares(count: usize, rounds: usize, stride: usize) -> alloc::vec::Vec<usize> {
        let turn = Turn::new();
        let mut shares = alloc::vec![0; count];
        for _ in 0..rounds {
            shares[turn.next(count)] += 1;
            for _ in 1..stride {
                turn.next(count);
            }
        }
        shares
    }

    #[test]
    fn everybody_is_first_equally_often_also_when_loops_share_the_turns() {
        let most = if cfg!(miri) { 2 } else { 12 };
        for count in 1..=most {
            for stride in 1..=most {
                for share in shares(count, 1000 * count, stride) {
                    assert!(share.abs_diff(1000) <= 20, "{share} of 1000: {count} by {stride}");
                }
            }
        }
    }
}
