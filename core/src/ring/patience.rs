//! How long an end looks again before it goes to sleep.
//!
//! To sleep and to be woken costs each side microseconds and, on a busy ring, happens just when the other
//! side is about to move. So an end that has nothing to do looks a few times more, with pauses in which
//! it leaves the other's cache line alone; that lets the other side get ahead, and the two then trade lines by
//! the batch. What that is worth depends on whether the other side runs at the same time, which only
//! experience tells: the number of looks doubles when they helped and is halved when they did not, down to
//! none. Now and then an end without patience tries again.
//!
//! The rule that spinning for as long as a sleep costs is at most twice as bad as knowing the future:
//! Karlin, Manasse, McGeoch, Owicki: "Competitive randomized algorithms for nonuniform problems", 1990.
//! `zig/src/patience.zig` is the other half.

/// Pauses between two looks.
const PAUSES: u32 = 8;
/// An end without patience tries again at each wait of that number.
const RETRY: u32 = 16;
/// Looks of a task: about 2 microseconds, because its neighbours wait meanwhile.
pub(crate) const TASK: u32 = 20;
/// Looks of a thread, which has no neighbours: about what a sleep costs.
pub(crate) const THREAD: u32 = 100;

#[derive(Debug)]
pub(crate) struct Patience {
    now: u32,
    most: u32,
    waits: u32,
}

impl Patience {
    pub(crate) const fn new() -> Self {
        // A model explores every order by itself.
        Self::of(if cfg!(loom) { 0 } else { THREAD })
    }

    /// At most `most` looks; 0: none ever.
    pub(crate) const fn of(most: u32) -> Self {
        Self { now: most / 4, most, waits: 0 }
    }

    /// How often to look at this wait.
    pub(crate) fn looks(&mut self, limit: u32) -> u32 {
        let limit = limit.min(self.most);
        if self.now > 0 {
            return self.now.min(limit);
        }
        self.waits = self.waits.wrapping_add(1);
        if self.waits.is_multiple_of(RETRY) { limit } else { 0 }
    }

    /// So many looks helped, or not.
    pub(crate) fn learn(&mut self, looks: u32, helped: bool) {
        self.now =
            if helped { looks.saturating_mul(2).min(self.most).max(2) } else { self.now / 2 };
    }

    pub(crate) fn pause() {
        (0..PAUSES).for_each(|_| core::hint::spin_loop());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_never_help_end_and_are_tried_again_now_and_then() {
        let mut patience = Patience::of(THREAD);
        let wait = |patience: &mut Patience| {
            let looks = patience.looks(THREAD);
            if looks > 0 {
                patience.learn(looks, false);
            }
            looks
        };
        let first: u32 = (0..10).map(|_| wait(&mut patience)).sum();
        assert!(first < THREAD, "{first}");
        let next: Vec<u32> = (0..64).map(|_| wait(&mut patience)).collect();
        assert_eq!(next.iter().filter(|looks| **looks == THREAD).count(), 4);
        assert_eq!(next.iter().filter(|looks| **looks == 0).count(), 60);
    }

    #[test]
    fn looks_that_help_become_more_up_to_the_limit() {
        let mut patience = Patience::of(THREAD);
        for _ in 0..10 {
            let looks = patience.looks(TASK);
            assert!((1..=TASK).contains(&looks));
            patience.learn(looks, true);
        }
        assert_eq!(patience.looks(TASK), TASK);
        patience.learn(THREAD, true);
        assert_eq!(patience.looks(THREAD), THREAD);
    }

    #[test]
    fn no_patience_is_none_for_ever() {
        let mut patience = Patience::of(0);
        assert!((0..100).all(|_| patience.looks(THREAD) == 0));
    }

    #[test]
    fn a_patience_of_one_look_is_one_look() {
        let mut patience = Patience::of(1);
        let mut all = 0;
        for _ in 0..100 {
            let looks = patience.looks(THREAD);
            assert!(looks <= 1);
            if looks > 0 {
                patience.learn(looks, true);
            }
            all += looks;
        }
        assert!(all > 1);
    }

    use alloc::vec::Vec;
}
