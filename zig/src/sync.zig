//! The one facade for atomics that both languages touch, with one backend at a time: the
//! hardware's, or, in an archive built as a model, the registry of `core/src/sync_model.rs`, which
//! hands every access to loom in its real order. Where the processor has no compare-and-swap, Rust does what reads and
//! writes in one step: only it knows how the program excludes its interrupts.
//!
//! `core/src/sync.rs` is the other half.

const builtin = @import("builtin");
const std = @import("std");
const config = @import("zigflow_config");

/// True in an archive that loom drives.
pub const model = config.model;

/// True where the processor can change a word in one step.
const has_rmw = switch (builtin.cpu.arch) {
    .thumb => builtin.cpu.hasAny(.arm, &.{ .has_v7, .has_v8m }),
    .riscv32, .riscv64 => builtin.cpu.has(.riscv, .a) or builtin.cpu.hasAll(.riscv, &.{ .zaamo, .zalrsc }),
    else => true,
};

extern fn zf1_word_fetch_or(word: *u32, bits: u32) callconv(.c) u32;
extern fn zf1_word_fetch_and(word: *u32, bits: u32) callconv(.c) u32;
extern fn zf1_word_fetch_add(word: *u32, by: u32) callconv(.c) u32;
extern fn zf1_word_swap(word: *u32, value: u32) callconv(.c) u32;
extern fn zf1_word_compare_exchange(word: *u32, old: u32, new: u32, seen: *u32) callconv(.c) u32;

extern fn zf1_model_load(word: *const u32, acquire: u32) callconv(.c) u32;
extern fn zf1_model_fetch_and(word: *u32, bits: u32) callconv(.c) u32;
extern fn zf1_model_fetch_or(word: *u32, bits: u32) callconv(.c) u32;
extern fn zf1_model_fetch_add(word: *u32, by: u32, relaxed: u32) callconv(.c) u32;
extern fn zf1_model_swap(word: *u32, value: u32, relaxed: u32) callconv(.c) u32;
extern fn zf1_model_pointer_load(at: *const anyopaque) callconv(.c) usize;
extern fn zf1_model_pointer_store(at: *anyopaque, value: usize) callconv(.c) void;
extern fn zf1_model_store(word: *u32, value: u32) callconv(.c) void;
extern fn zf1_model_compare_exchange(word: *u32, old: u32, new: u32, relaxed: u32, seen: *u32) callconv(.c) u32;
extern fn zf1_model_place(at: *const anyopaque, write: u32) callconv(.c) void;
extern fn zf1_model_bug() callconv(.c) u32;

pub inline fn loadAcquire(word: *const u32) u32 {
    if (model) return zf1_model_load(word, 1);
    return @atomicLoad(u32, word, .acquire);
}

pub fn fetchAnd(word: *u32, bits: u32) u32 {
    if (model) return zf1_model_fetch_and(word, bits);
    return rmw(word, .And, bits, .acq_rel);
}

pub fn fetchOr(word: *u32, bits: u32) u32 {
    if (model) return zf1_model_fetch_or(word, bits);
    return rmw(word, .Or, bits, .acq_rel);
}

/// `sown`: the bug in which this orders nothing; 0: there is none.
pub inline fn fetchAdd(word: *u32, by: u32, comptime sown: u32) u32 {
    if (model) return zf1_model_fetch_add(word, by, @intFromBool(sown != 0 and bug(sown)));
    return rmw(word, .Add, by, .acq_rel);
}

pub fn loadRelaxed(word: *const u32) u32 {
    if (model) return zf1_model_load(word, 0);
    return @atomicLoad(u32, word, .monotonic);
}

pub fn storeRelease(word: *u32, value: u32) void {
    if (model) return zf1_model_store(word, value);
    @atomicStore(u32, word, value, .release);
}

/// `sown`: the bug in which this orders nothing; 0: there is none.
pub inline fn swap(word: *u32, value: u32, comptime sown: u32) u32 {
    if (model) return zf1_model_swap(word, value, @intFromBool(sown != 0 and bug(sown)));
    return rmw(word, .Xchg, value, .acq_rel);
}

pub inline fn loadPointer(comptime T: type, pointer: *const ?*T) ?*T {
    if (model) return @ptrFromInt(zf1_model_pointer_load(@ptrCast(pointer)));
    return @atomicLoad(?*T, pointer, .acquire);
}

pub fn storePointer(comptime T: type, pointer: *?*T, value: ?*T) void {
    if (model) return zf1_model_pointer_store(@ptrCast(pointer), @intFromPtr(value));
    @atomicStore(?*T, pointer, value, .release);
}

/// Counters: only one side writes each, and they order nothing. A model leaves them out.
pub fn raise(counter: *u32, by: u32) void {
    if (!model) @atomicStore(u32, counter, counted(counter) +% by, .monotonic);
}

pub fn counted(counter: *const u32) u32 {
    return @atomicLoad(u32, counter, .monotonic);
}

/// For numbers that many change and that order nothing.
pub fn fetchAddRelaxed(word: *u32, by: u32) u32 {
    if (model) return zf1_model_fetch_add(word, by, 1);
    return rmw(word, .Add, by, .monotonic);
}

/// Null when `new` was stored, else what stood there.
pub fn compareExchange(word: *u32, old: u32, new: u32) ?u32 {
    return compareExchangeUnless(word, old, new, 4);
}

/// `sown`: the bug in which this orders nothing.
pub inline fn compareExchangeUnless(word: *u32, old: u32, new: u32, comptime sown: u32) ?u32 {
    if (model) {
        var seen: u32 = 0;
        return if (zf1_model_compare_exchange(word, old, new, @intFromBool(bug(sown)), &seen) != 0) null else seen;
    }
    if (has_rmw) return @cmpxchgStrong(u32, word, old, new, .acq_rel, .acquire);
    var seen: u32 = 0;
    return if (zf1_word_compare_exchange(word, old, new, &seen) != 0) null else seen;
}

inline fn rmw(word: *u32, comptime op: std.builtin.AtomicRmwOp, operand: u32, comptime order: std.builtin.AtomicOrder) u32 {
    if (has_rmw) return @atomicRmw(u32, word, op, operand, order);
    return switch (op) {
        .Or => zf1_word_fetch_or(word, operand),
        .And => zf1_word_fetch_and(word, operand),
        .Add => zf1_word_fetch_add(word, operand),
        .Xchg => zf1_word_swap(word, operand),
        else => comptime unreachable,
    };
}

/// Counts a reference more, made from a living one: nothing to order. What it was before.
pub fn retain(count: *u32) u32 {
    return rmw(count, .Add, 1, .monotonic);
}

/// Counts a reference less; true for the last one, which has seen all that the others did.
pub fn release(count: *u32) bool {
    return rmw(count, .Add, std.math.maxInt(u32), .acq_rel) == 1;
}

/// A place that is not atomic and that one side at a time may touch: loom looks for races here.
pub fn read(at: anytype) void {
    if (model) zf1_model_place(@ptrCast(at), 0);
}

pub fn write(at: anytype) void {
    if (model) zf1_model_place(@ptrCast(at), 1);
}

/// A place starts its life.
pub fn begin(at: anytype) void {
    if (model) zf1_model_place(@ptrCast(at), 2);
}

/// The memory of a place is its owner's again.
pub fn end(at: anytype) void {
    if (model) zf1_model_place(@ptrCast(at), 3);
}

/// The bug that a model run has sown, to prove that the models would find it. Never outside them.
pub inline fn bug(comptime number: u32) bool {
    if (!model) return false;
    return zf1_model_bug() == number;
}
