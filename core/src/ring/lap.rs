//! Positions in a ring whose slots carry stamps: a slot's number below, the lap above, together 30 bits, kept in
//! the upper bits of a word like those of `position`. A lap has room for one number more than there are slots,
//! so that "filled in this lap" and "free in the next" differ whatever the capacity is, also 1.
//!
//! (The stamps of crossbeam's `ArrayQueue`, after Vyukov's bounded queue.) Pure arithmetic; `zig/src/lap.zig` is
//! the other half.

use super::position::{FLAGS, ONE};

/// The largest capacity, items: two laps at least must fit into 30 bits.
pub(crate) const MAX_CAPACITY: u32 = 1 << 28;

/// The numbers in a lap, minus 1; `None` if there can be no such ring.
pub(crate) const fn mask(capacity: usize) -> Option<u32> {
    if capacity == 0 || capacity > MAX_CAPACITY as usize {
        return None;
    }
    Some((capacity as u32 + 1).next_power_of_two() - 1)
}

/// The slot of a position.
#[inline(always)]
pub(crate) const fn slot(position: u32, mask: u32) -> u32 {
    (position / ONE) & mask
}

/// The same slot, one lap later.
#[inline(always)]
pub(crate) const fn lap_later(position: u32, mask: u32) -> u32 {
    position.wrapping_add((mask + 1) * ONE)
}

/// The position after this one.
#[inline(always)]
pub(crate) const fn next(position: u32, mask: u32, capacity: u32) -> u32 {
    if slot(position, mask) + 1 < capacity {
        position.wrapping_add(ONE)
    } else {
        lap_later(position & !((mask * ONE) | FLAGS), mask)
    }
}

/// How many items lie between two positions, the second of which is at most a lap ahead.
pub(crate) const fn distance(from: u32, to: u32, mask: u32, capacity: u32) -> u32 {
    let (a, b) = (slot(from, mask), slot(to, mask));
    if from == to {
        0
    } else if b > a {
        b - a
    } else {
        capacity - a + b
    }
}

/// How many items came before a position, since positions last wrapped around.
pub(crate) const fn count(position: u32, mask: u32, capacity: u32) -> u64 {
    let lap = position / ONE / (mask + 1);
    lap as u64 * capacity as u64 + slot(position, mask) as u64
}

/// How many items pass from one wrap of the positions to the next.
pub(crate) const fn around(mask: u32, capacity: u32) -> u64 {
    ((1 << 30) / (mask as u64 + 1)) * capacity as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITIES: [usize; 11] = [1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257];

    #[test]
    fn positions_pass_every_slot_in_turn_also_across_the_wrap() {
        for capacity in CAPACITIES {
            let (mask, capacity) = (mask(capacity).unwrap(), capacity as u32);
            let mut at = 0_u32.wrapping_sub((mask + 1) * ONE * 2);
            for n in 0..capacity * 4 {
                assert_eq!(slot(at, mask), n % capacity);
                assert_eq!(at & FLAGS, 0);
                let full = at.wrapping_add(ONE);
                assert_ne!(full, lap_later(at, mask), "filled is not free");
                at = next(at, mask, capacity);
            }
            assert_eq!(at, (mask + 1) * ONE * 2);
        }
    }

    #[test]
    fn a_distance_is_what_was_walked() {
        for capacity in CAPACITIES {
            let (mask, capacity) = (mask(capacity).unwrap(), capacity as u32);
            let mut from = 0_u32.wrapping_sub((mask + 1) * ONE);
            for _ in 0..capacity * 2 {
                let mut to = from;
                for walked in 0..=capacity {
                    assert_eq!(distance(from, to, mask, capacity), walked);
                    to = next(to, mask, capacity);
                }
                from = next(from, mask, capacity);
            }
        }
    }

    #[test]
    fn counts_go_on() {
        let (mask, capacity) = (mask(5).unwrap(), 5);
        let mut at = 0;
        for n in 0..100 {
            assert_eq!(count(at, mask, capacity), n);
            at = next(at, mask, capacity);
        }
        let last = 0_u32.wrapping_sub((mask + 1) * ONE);
        assert_eq!(count(last, mask, capacity) + 5, around(mask, capacity));
    }

    #[test]
    fn a_ring_has_room_for_its_capacity_or_is_refused() {
        for (capacity, numbers) in [(1, 2), (2, 4), (3, 4), (4, 8), (255, 256), (256, 512)] {
            assert_eq!(mask(capacity), Some(numbers - 1));
        }
        assert_eq!(mask(0), None);
        assert_eq!(mask(1 << 28), Some((1 << 29) - 1));
        assert_eq!(mask((1 << 28) + 1), None);
    }
}
