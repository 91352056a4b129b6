//! The single-waiter cell, Zig's half. The protocol, its invariants and the races are told in
//! `core/src/waker/cell.rs`, the other half: same order, same names, same transitions, over the same memory.

const abi = @import("abi.zig");
const host = @import("host.zig");
const sync = @import("sync.zig");
const waker_file = @import("waker.zig");
const Context = waker_file.Context;

pub const registered: u32 = 1;
pub const locked: u32 = 2;
pub const notified: u32 = 4;
pub const closed: u32 = 8;
pub const index: u32 = 16;
pub const pin: u32 = 32;

/// One waiter, any number of wakers, on any threads. `register` and `close` belong to the waiter;
/// `wake` is anybody's who holds the cell's memory for as long as the call lasts (`Shared` does).
pub const WakerCell = struct {
    raw: abi.RawWakerCell = .{},

    /// The next `wake` goes to the task of `cx`. A wake that came before anyone was registered is
    /// delivered now. Register first, then look whether there is something to do.
    pub fn register(cell: *WakerCell, cx: *const Context) void {
        registerWords(&cell.raw, cx.waker.raw);
    }

    /// Wakes whoever is registered, once; remembers the wake when nobody is.
    pub fn wake(cell: *WakerCell) void {
        wakeRaw(&cell.raw);
    }

    /// Ends the waiter's part: drops its wakers. Nothing happens after it.
    pub fn close(cell: *WakerCell) void {
        closeRaw(&cell.raw);
    }
};

fn slotOf(bit_set: bool) usize {
    return @intFromBool(bit_set);
}

pub fn registerWords(cell: *abi.RawWakerCell, words: abi.RawWaker) void {
    const state = sync.loadAcquire(&cell.state);
    if (state & closed != 0) return;
    const newest = slotOf(state & index != 0);

    sync.read(&cell.slots[newest]);
    if (waker_file.sameWords(cell.slots[newest], words)) {
        if (state & registered != 0) return;
        // By rules 4 and 5 nothing is left in the other slot, or it is not ours to drop.
        if (announce(cell, state, newest).remembered) host.zf1_waker_wake_by_ref(&words);
        return;
    }

    var fresh: abi.RawWaker = .{};
    host.zf1_waker_clone(&words, &fresh);
    // From here no wake can pin a slot that it has not pinned yet.
    const before = sync.fetchAnd(&cell.state, ~registered);
    const target = if (before & locked != 0 and !sync.bug(2))
        1 - slotOf(before & pin != 0)
    else
        slotOf(before & index != 0);
    const old = take(cell, target);
    sync.write(&cell.slots[target]);
    cell.slots[target] = fresh;
    const announced = announce(cell, before & ~registered, target);
    // Not locked: from here a waker can pin the newest slot only (rule 5).
    const stale = if (announced.unlocked and !sync.bug(7)) take(cell, 1 - target) else abi.RawWaker{};
    // What others wrote runs when the cell is whole: the wake, then the drops.
    if (announced.remembered) host.zf1_waker_wake_by_ref(&words);
    dropWords(old);
    dropWords(stale);
}

const Announced = struct {
    /// `locked` was not set.
    unlocked: bool,
    /// A wake, which is used up and to be delivered.
    remembered: bool,
};

/// Makes `slot` the newest and registers, unless a wake was remembered, which is to be delivered then. `seen` is
/// what the state probably is.
fn announce(cell: *abi.RawWakerCell, seen: u32, slot: usize) Announced {
    var state = seen;
    while (true) {
        const unlocked = state & locked == 0;
        const remembered = state & notified != 0 and unlocked and !sync.bug(6);
        var next = if (slot == 1) state | index else state & ~index;
        next = if (remembered) next & ~notified else next | registered;
        state = sync.compareExchange(&cell.state, state, next) orelse
            return .{ .unlocked = unlocked, .remembered = remembered };
    }
}

/// Takes the last registration back; false if it was used up, so that its wake has come or is coming.
pub fn withdraw(cell: *abi.RawWakerCell) bool {
    return sync.fetchAnd(&cell.state, ~registered) & registered != 0;
}

pub fn wakeRaw(cell: *abi.RawWakerCell) void {
    var state = sync.loadAcquire(&cell.state);
    while (true) {
        if (state & closed != 0) return;
        const lock = state & registered != 0 and state & locked == 0;
        if (!lock and sync.bug(1)) return;
        const next = if (lock) pinned(state) else state | notified;
        state = sync.compareExchange(&cell.state, state, next) orelse {
            if (lock) deliver(cell, next);
            return;
        };
    }
}

/// The state in which the newest slot is pinned and its registration and wake are used up.
fn pinned(state: u32) u32 {
    const base = (state & ~(registered | notified | pin)) | locked;
    return if (state & index != 0) base | pin else base;
}

/// The caller holds `locked`, since it made `state`.
fn deliver(cell: *abi.RawWakerCell, made: u32) void {
    var state = made;
    while (true) {
        const slot = &cell.slots[slotOf(state & pin != 0)];
        sync.read(slot);
        host.zf1_waker_wake_by_ref(slot);
        const settled = settle(cell, state);
        dropWords(settled.stale);
        state = settled.again orelse return;
    }
}

const Settled = struct { stale: abi.RawWaker, again: ?u32 };

/// Unpins slot `pin` of `made`, or pins the newest one if a wake came meanwhile for a waiter that is
/// registered: then that is the new state. Gives back the waker that nobody needs any more.
fn settle(cell: *abi.RawWakerCell, made: u32) Settled {
    const slot = slotOf(made & pin != 0);
    var stale: abi.RawWaker = .{};
    var state = made;
    while (true) {
        const outdated = slotOf(state & index != 0) != slot;
        if (outdated or state & closed != 0) {
            const more = take(cell, slot);
            if (more.vtable != null) stale = more;
        }
        const again = state & registered != 0 and state & notified != 0 and !sync.bug(3);
        const next = if (again) pinned(state) else state & ~locked;
        state = sync.compareExchange(&cell.state, state, next) orelse
            return .{ .stale = stale, .again = if (again) next else null };
    }
}

pub fn closeRaw(cell: *abi.RawWakerCell) void {
    for (retire(cell)) |words| dropWords(words);
}

/// `close` that leaves it to the caller when the wakers are dropped.
pub fn retire(cell: *abi.RawWakerCell) [2]abi.RawWaker {
    var state = sync.loadAcquire(&cell.state);
    while (true) {
        if (state & closed != 0) return .{ .{}, .{} };
        state = sync.compareExchange(&cell.state, state, (state | closed) & ~registered) orelse break;
    }
    // Who holds the pin drops that slot when it settles.
    const held = state & locked != 0 and !sync.bug(5);
    const held_slot = slotOf(state & pin != 0);
    return .{
        if (held and held_slot == 0) .{} else take(cell, 0),
        if (held and held_slot == 1) .{} else take(cell, 1),
    };
}

fn take(cell: *abi.RawWakerCell, slot: usize) abi.RawWaker {
    sync.write(&cell.slots[slot]);
    const old = cell.slots[slot];
    cell.slots[slot] = .{};
    return old;
}

pub fn dropWords(words: abi.RawWaker) void {
    if (words.vtable != null) host.zf1_waker_drop(&words);
}
