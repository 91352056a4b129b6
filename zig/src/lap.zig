//! Positions in a ring whose slots carry stamps, Zig's half of `core/src/ring/lap.rs`: a slot's number below, the
//! lap above, in the upper 30 bits of a word.

const pos = @import("position.zig");
const one = pos.one;

/// The slot of a position.
pub inline fn slot(at: u32, mask: u32) u32 {
    return (at / one) & mask;
}

/// The same slot, one lap later.
pub inline fn lapLater(at: u32, mask: u32) u32 {
    return at +% (mask + 1) *% one;
}

/// The position after this one.
pub inline fn next(at: u32, mask: u32, capacity: u32) u32 {
    if (slot(at, mask) + 1 < capacity) return at +% one;
    return lapLater(at & ~(mask *% one | pos.flags), mask);
}

/// How many items lie between two positions, the second of which is at most a lap ahead.
pub fn distance(from: u32, to: u32, mask: u32, capacity: u32) u32 {
    const a = slot(from, mask);
    const b = slot(to, mask);
    if (from == to) return 0;
    return if (b > a) b - a else capacity - a + b;
}

/// How many items came before a position, since positions last wrapped around.
pub fn count(at: u32, mask: u32, capacity: u32) u64 {
    const lap = at / one / (mask + 1);
    return @as(u64, lap) * capacity + slot(at, mask);
}

/// How many items pass from one wrap of the positions to the next.
pub fn around(mask: u32, capacity: u32) u64 {
    return (1 << 30) / (@as(u64, mask) + 1) * capacity;
}
