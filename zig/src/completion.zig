//! The completing side of an operation, Zig's half. The protocol is told in
//! `core/src/future/operation.rs`, the other half: same order, same names, same transitions, over the same memory.

const std = @import("std");
const abi = @import("abi.zig");
const end_file = @import("end.zig");
const items = @import("item.zig");
const sync = @import("sync.zig");
const waker_cell = @import("waker_cell.zig");
const waker_file = @import("waker.zig");

const claimed: u32 = 1;
const done: u32 = 2;
const failed: u32 = 4;
const disconnected: u32 = 8;
const waiting: u32 = 16;
const canceled: u32 = 32;
const future_gone: u32 = 128;
const handle_gone: u32 = 256;
const observed: u32 = 512;
const registering: u32 = 1024;
const left: u32 = 2048;

pub const OpenError = error{
    /// The Rust side is of another version of zigflow; build both with one. The completion is left alone, so its future
    /// waits: nothing is known of it.
    WrongAbi,
    /// Rust awaits another type. The future is told; the completion is gone.
    WrongItem,
};

/// The right to complete a Rust future, once, from any thread, also before the function that was given it returns.
///
///     fn work(done: zigflow.Completion(u64), n: u64) void {
///         done.finish(collatz(n)); // a value or an error
///     }
///
/// A handle is a pointer: it may be copied, and all copies are the same completion. The rules:
///
/// - Give it up once, by `finish` or `deinit`, when no other thread is in a call of a copy. Until then it stays where it is,
///   whatever Rust drops. One that is forgotten leaves the future waiting for ever.
/// - A buffer, `[]u8`, is Rust's again with the *result*: `resolve` and `fail` come after the last access, also when an
///   observer of a cancellation calls them while a thread works.
/// - `onCancel` comes before the handle goes to whoever may give it up. An observer and a worker that both give the
///   result: the observer calls `fail`, the worker `finish`, and the later of the two is refused.
///
/// T is a number, a bool, an enum, an extern struct or an array of these, `OwnedBytes`, `OwnedSlice(…)`, or void.
pub fn Completion(comptime T: type) type {
    if (T != void and items.itemKind(T, "zigflow.Completion") == abi.ItemKind.lent)
        @compileError("zigflow.Completion(" ++ @typeName(T) ++ "): nobody would keep the bytes; complete with zigflow.OwnedBytes, or fill a buffer");
    if (T == items.LocalBytes) @compileError("zigflow.Completion(LocalBytes): who takes the result may be on another thread; complete with zigflow.OwnedBytes");
    return struct {
        raw: *abi.RawOperation,

        pub const Result = T;
        const Self = @This();

        /// Takes over a completion that Rust has handed to a function of your own. (`zigflow.future` does this.)
        pub fn open(raw: *abi.RawOperation) OpenError!Self {
            if (raw.magic != abi.magic_operation or raw.abi != abi.abi_number) return error.WrongAbi;
            const self: Self = .{ .raw = raw };
            end_file.checkItem(T, raw.item) catch {
                _ = self.fail(error.WrongItem);
                self.deinit();
                return error.WrongItem;
            };
            return self;
        }

        /// The result. False: there is one already, and this one is still yours.
        pub fn resolve(self: Self, value: T) bool {
            if (!claim(self.raw)) return false;
            self.write(value);
            publish(self.raw, 0);
            return true;
        }

        /// The result is an error. False: there is a result already.
        pub fn fail(self: Self, e: anyerror) bool {
            return publishError(self.raw, named(e));
        }

        /// The result is an error with a code of your own. False: there is a result already.
        pub fn failCode(self: Self, code: i32) bool {
            return publishError(self.raw, .{ .kind = abi.ErrorKind.code, .code = code });
        }

        /// The result, be it a value or an error; then gives the completion up. A second result is dropped.
        pub fn finish(self: Self, result: anyerror!T) void {
            // Who finishes is alone, but for an observer: otherwise to claim and to publish are one step.
            const others = if (sync.bug(98)) claimed else claimed | observed;
            const is_shared = sync.loadAcquire(&self.raw.word) & others != 0;
            if (is_shared and !claim(self.raw)) {
                if (comptime items.isOwned(T)) if (result) |value| value.deinit() else |_| {};
                return self.deinit();
            }
            if (result) |value| {
                self.write(value);
                publishAndGo(self.raw, claimed);
            } else |e| {
                writeError(self.raw, named(e));
                publishAndGo(self.raw, claimed | failed);
            }
        }

        fn write(self: Self, value: T) void {
            if (T == void) return;
            sync.write(self.raw.value);
            items.writeItem(T, value, self.raw.value);
        }

        /// Gives the completion up. Without a result the future fails with `Disconnected`.
        pub fn deinit(self: Self) void {
            const word = sync.loadAcquire(&self.raw.word);
            if (word & claimed == 0 and sync.fetchOr(&self.raw.word, claimed) & claimed == 0)
                publishAndGo(self.raw, disconnected)
            else
                leave(self.raw, word);
        }

        /// True when nobody wants the result any more: the future was canceled or dropped.
        pub fn isCanceled(self: Self) bool {
            return sync.loadAcquire(&self.raw.word) & canceled != 0;
        }

        /// Wakes `waker`, which is lent, when the future is canceled or dropped before the result, or now if it was. One at a
        /// time, the last one; by one thread at a time.
        pub fn wakeOnCancel(self: Self, waker: waker_file.Waker) void {
            const before = sync.fetchOr(&self.raw.word, observed | registering);
            var will_be_told = before & canceled == 0;
            if (will_be_told) {
                waker_cell.registerWords(&self.raw.canceler, waker.raw);
                // A cancellation meanwhile may have used its one wake up for who was registered before.
                const is_canceled = self.isCanceled() and !sync.bug(96);
                will_be_told = !(is_canceled and waker_cell.withdraw(&self.raw.canceler));
            }
            if (!will_be_told) waker.wakeByRef();
            if (sync.fetchAnd(&self.raw.word, ~registering) & left != 0) go(self.raw, observed);
        }

        /// Calls `observer.wake()` when the future is canceled or dropped before the result, or now if it was: on the thread
        /// that does it, once. The observer is moved to memory of its own and released, by its `deinit` if it has one, with the
        /// completion or a little later; so what it needs must live by a count (`Shared`). It may complete, and give the
        /// completion up, if nobody else will.
        pub fn onCancel(self: Self, observer: anytype) error{OutOfMemory}!void {
            const waker = try waker_file.CountedWaker(@TypeOf(observer)).create(observer);
            defer waker.deinit();
            self.wakeOnCancel(waker);
        }

        /// How far the operation got, in its own unit; Rust reads it from the future, also after a cancellation. (Before the
        /// result, Rust may read one half of a number above 2^32 a little later than the other.)
        pub fn progress(self: Self, amount: u64) void {
            @atomicStore(u32, &self.raw.progress_hi, @truncate(amount >> 32), .monotonic);
            @atomicStore(u32, &self.raw.progress_lo, @truncate(amount), .monotonic);
        }
    };
}

/// Whether this is a `Completion`.
pub fn isCompletion(comptime A: type) bool {
    return @typeInfo(A) == .@"struct" and @hasDecl(A, "Result") and @hasDecl(A, "failCode") and A == Completion(A.Result);
}

/// A C function that takes a result, once: for Zig functions that take it and a context as their last parameters, and that
/// an `async fn` of `autozig!` declares. After the call the context is gone.
///
///     fn double(n: i32, callback: zigflow.Callback(i32), ctx: *anyopaque) void {
///         callback(ctx, 2 * n); // now or later, on any thread
///     }
pub fn Callback(comptime T: type) type {
    return *const fn (ctx: *anyopaque, result: T) callconv(.c) void;
}

/// True for the one who completes.
fn claim(raw: *abi.RawOperation) bool {
    if (sync.fetchOr(&raw.word, claimed) & claimed == 0 or sync.bug(92)) return true;
    _ = sync.fetchAddRelaxed(&raw.refused, 1);
    return false;
}

/// Publishes what who claimed has written.
fn publish(raw: *abi.RawOperation, flags: u32) void {
    const before = sync.fetchOr(&raw.word, done | flags);
    if (before & waiting != 0 and !sync.bug(93)) waker_cell.wakeRaw(&raw.waiter);
}

/// `publish`, and the completion goes: in one step if nobody waits for either.
fn publishAndGo(raw: *abi.RawOperation, flags: u32) void {
    var word = sync.loadAcquire(&raw.word);
    const others = if (sync.bug(94)) observed | waiting else observed | waiting | future_gone;
    while (word & others == 0)
        word = sync.compareExchange(&raw.word, word, word | done | flags | handle_gone) orelse return;
    publish(raw, flags);
    leave(raw, word);
}

/// The completion goes, or will when a registration is through. `word` was loaded by it.
fn leave(raw: *abi.RawOperation, word: u32) void {
    if (word & observed != 0 and sync.fetchOr(&raw.word, left) & registering != 0 and !sync.bug(97)) return;
    go(raw, word);
}

/// Sets the bit with which the completion goes; the second side to go frees.
fn go(raw: *abi.RawOperation, word: u32) void {
    const dropped_last: [2]abi.RawWaker = if (word & observed != 0) waker_cell.retire(&raw.canceler) else .{ .{}, .{} };
    const before = sync.fetchOr(&raw.word, handle_gone);
    if (std.debug.runtime_safety and before & handle_gone != 0)
        @panic("a zigflow.Completion was given up twice");
    if (before & future_gone != 0 or sync.bug(95)) raw.free(raw);
    for (dropped_last) |words| waker_cell.dropWords(words);
}

fn named(e: anyerror) abi.RawError {
    const name = @errorName(e);
    return .{ .name_ptr = name.ptr, .name_len = name.len };
}

fn writeError(raw: *abi.RawOperation, e: abi.RawError) void {
    sync.write(&raw.failure);
    raw.failure = e;
}

fn publishError(raw: *abi.RawOperation, e: abi.RawError) bool {
    if (!claim(raw)) return false;
    writeError(raw, e);
    publish(raw, failed);
    return true;
}
