//! Positions in a ring: a count of items that wraps around at 2^30, kept in the upper 30 bits of a
//! word so that the two flags fit below. Adding wraps by itself, and the difference of two positions is
//! right across the wrap as long as it is below 2^30; capacities end at 2^29.
//!
//! Pure arithmetic; `zig/src/position.zig` is the other half.

/// The lowest bits of an end's word, set by the peer.
pub(crate) const FLAGS: u32 = 3;
/// One item.
pub(crate) const ONE: u32 = FLAGS + 1;
/// The largest capacity, items.
pub(crate) const MAX_CAPACITY: u32 = 1 << 29;

/// The position in an end's word.
#[inline(always)]
pub(crate) const fn position(word: u32) -> u32 {
    word & !FLAGS
}

/// The position `count` items later.
#[inline(always)]
pub(crate) const fn advance(position: u32, count: u32) -> u32 {
    position.wrapping_add(count.wrapping_mul(ONE))
}

/// How many items lie between two positions.
#[inline(always)]
pub(crate) const fn distance(from: u32, to: u32) -> u32 {
    to.wrapping_sub(from) / ONE
}

/// The slot of a position; `mask` is the number of slots, a power of two, minus 1.
#[inline(always)]
pub(crate) const fn slot(position: u32, mask: u32) -> usize {
    ((position / ONE) & mask) as usize
}

/// The number of slots of a ring that holds `capacity` items, minus 1; `None` if it cannot be.
pub(crate) const fn mask(capacity: usize) -> Option<u32> {
    if capacity == 0 || capacity > MAX_CAPACITY as usize {
        return None;
    }
    Some((capacity as u32).next_power_of_two() - 1)
}

/// How many of `count` slots from `position` on lie before the end of the memory.
pub(crate) const fn straight(position: u32, mask: u32, count: u32) -> usize {
    let to_the_end = mask as usize + 1 - slot(position, mask);
    if (count as usize) < to_the_end { count as usize } else { to_the_end }
}

/// The count of all items so far, from a position and the half-turns at an earlier one that is at most
/// `MAX_CAPACITY` items back.
pub(crate) const fn total(half_turns: u32, position: u32) -> u64 {
    let base = half_turns as u64 * MAX_CAPACITY as u64;
    let turn = 2 * MAX_CAPACITY as u64;
    let total = base / turn * turn + (position / ONE) as u64;
    if total < base { total + turn } else { total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_right_across_the_wrap() {
        for start in [0, ONE, !FLAGS, advance(0, u32::MAX - 7), 1 << 31] {
            for count in [0, 1, 2, 1000, MAX_CAPACITY] {
                assert_eq!(distance(start, advance(start, count)), count);
                assert_eq!(advance(start, count) & FLAGS, 0);
            }
        }
    }

    #[test]
    fn slots_follow_each_other_across_the_wrap() {
        for mask in [0, 1, 3, 255] {
            let mut at = advance(0, u32::MAX - 600);
            for _ in 0..1200 {
                let next = advance(at, 1);
                assert_eq!(slot(next, mask), (slot(at, mask) + 1) % (mask as usize + 1));
                at = next;
            }
        }
    }

    #[test]
    fn a_ring_has_room_for_its_capacity_or_is_refused() {
        for (capacity, slots) in [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (255, 256), (257, 512)] {
            assert_eq!(mask(capacity), Some(slots - 1));
        }
        assert_eq!(mask(1 << 29), Some((1 << 29) - 1));
        assert_eq!(mask(0), None);
        assert_eq!(mask((1 << 29) + 1), None);
        assert_eq!(mask(usize::MAX), None);
    }

    #[test]
    fn what_does_not_wrap_lies_before_the_end() {
        assert_eq!(straight(advance(0, 6), 7, 5), 2);
        assert_eq!(straight(advance(0, 6), 7, 2), 2);
        assert_eq!(straight(advance(0, 6), 7, 1), 1);
        assert_eq!(straight(advance(0, 8), 7, 8), 8);
        assert_eq!(straight(advance(0, 8), 7, 0), 0);
    }

    #[test]
    fn the_total_goes_on_where_positions_wrap() {
        let mut real: u64 = 0;
        let (mut half_turns, mut position) = (0_u32, 0);
        for _ in 0..40 {
            for step in [1, 77, MAX_CAPACITY / 3, MAX_CAPACITY] {
                real += u64::from(step);
                position = advance(position, step);
                assert_eq!(total(half_turns, position), real);
                if position >> 31 != half_turns & 1 {
                    half_turns += 1;
                }
                assert_eq!(total(half_turns, position), real);
            }
        }
    }
}
