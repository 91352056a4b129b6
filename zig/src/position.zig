//! Positions in a ring, Zig's half of `core/src/ring/position.rs`: a count of items that wraps around at
//! 2^30, in the upper 30 bits of a word, two flags below.

/// The lowest bits of an end's word, set by the peer.
pub const flags: u32 = 3;
/// One item.
pub const one: u32 = flags + 1;
/// The largest capacity, items.
pub const max_capacity: u32 = 1 << 29;

/// The position in an end's word.
pub inline fn position(word: u32) u32 {
    return word & ~flags;
}

/// The position `count` items later.
pub inline fn advance(at: u32, count: u32) u32 {
    return at +% count *% one;
}

/// How many items lie between two positions.
pub inline fn distance(from: u32, to: u32) u32 {
    return (to -% from) / one;
}

/// The slot of a position; `mask` is the number of slots, a power of two, minus 1.
pub inline fn slot(at: u32, mask: u32) usize {
    return at / one & mask;
}

/// How many of `count` slots from `at` on lie before the end of the memory.
pub fn straight(at: u32, mask: u32, count: u32) usize {
    return @min(count, mask + 1 - slot(at, mask));
}

/// The count of all items so far, from a position and the half-turns at an earlier one that is at most
/// `max_capacity` items back.
pub fn total(half_turns: u32, at: u32) u64 {
    const base = @as(u64, half_turns) * max_capacity;
    const turn: u64 = 2 * max_capacity;
    const sum = base / turn * turn + at / one;
    return if (sum < base) sum + turn else sum;
}
