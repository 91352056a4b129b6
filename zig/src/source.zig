//! Sources: Zig types that Rust polls as streams.
//!
//! A source is a plain struct:
//!
//!     const Counter = struct {
//!         next: u64,
//!         end: u64,
//!
//!         pub const sendable = true; // may move to another thread
//!
//!         pub fn open(from: u64, to: u64) !Counter {
//!             return .{ .next = from, .end = to };
//!         }
//!         pub fn poll(self: *Counter, cx: *zigflow.Context) zigflow.Poll(u64) {
//!             _ = cx; // never pending
//!             if (self.next == self.end) return .done;
//!             defer self.next += 1;
//!             return .{ .ready = self.next };
//!         }
//!     };
//!     comptime {
//!         zigflow.source(Counter, "counter");
//!     }
//!
//! `open` may also fill a source in place, `open(self: *Counter, from: u64, to: u64) !void`: the source
//! has its final address then. A slice argument is valid during `open` only. Further declarations are optional: `deinit(self)`, `sizeHint(self)
//! SizeHint`, `registered(self) []const u8` (where every lent byte lies). They must be `pub`: a private or
//! misspelt one is not seen.
//!
//! `poll` returns `Poll(T)` or `!Poll(T)`. T is a number, a bool, an enum, an extern struct or an array of
//! these (copied), `[]const u8` (lent until the next poll) or `OwnedBytes` (given away; from a pool, for instance). After `.done` or
//! an error the source is freed.

const std = @import("std");
const abi = @import("abi.zig");
const alloc = @import("alloc.zig");
const arguments = @import("arguments.zig");
const config = @import("zigflow_config");
const items = @import("item.zig");
const waker = @import("waker.zig");

pub fn Poll(comptime T: type) type {
    return union(enum) {
        /// An item.
        ready: T,
        /// Nothing yet: the waker of `cx` was kept and will be woken.
        pending,
        /// The end.
        done,
        /// The end, with a code of your own. (Errors are better: they have names.)
        failed: i32,

        pub const Item = T;
    };
}

/// How many items are left, as far as the source knows.
pub const SizeHint = struct {
    lower: usize = 0,
    upper: ?usize = null,
};

/// Binds `S` to Rust under `name`: what `zig_source!` names there.
pub fn source(comptime S: type, comptime name: []const u8) void {
    const what = "zigflow.source: " ++ @typeName(S);
    if (@typeInfo(S) != .@"struct") @compileError(what ++ " must be a struct");
    if (!@hasDecl(S, "open")) @compileError(what ++ " needs `pub fn open(…)`");
    exportSource(S, S.open, config.prefix ++ "_source_" ++ name);
}

/// The same with a function of another name and place, under the whole name of a symbol.
pub fn exportSource(comptime S: type, comptime open: anytype, comptime symbol: []const u8) void {
    @export(&Binding(S, open).source_type, .{ .name = symbol });
}

fn Binding(comptime S: type, comptime open_function: anytype) type {
    const T = ItemOf(S, open_function);
    return struct {
        value: S,
        err: abi.RawError = .{},

        const Self = @This();

        const source_type: abi.SourceType = .{
            .magic = abi.magic,
            .abi = abi.abi_number,
            .flags = if (isSendable(S)) abi.sendable else 0,
            .reserved = 0,
            .item = items.itemType(T),
            .open = open,
            .poll = poll,
            .take_error = takeError,
            .size_hint = sizeHint,
            .drop = drop,
        };

        fn open(args: [*]const abi.RawArg, args_len: u32, out: *abi.RawSource, err: *abi.RawError) callconv(.c) u32 {
            const self = alloc.allocator.create(Self) catch |e| return fail(err, e);
            self.err = .{};
            if (!openValue(&self.value, args[0..args_len], err)) {
                alloc.allocator.destroy(self);
                return abi.StreamState.failed;
            }
            out.* = .{ .state = self };
            if (@hasDecl(S, "registered")) {
                const memory: []const u8 = self.value.registered();
                out.registered_ptr = memory.ptr;
                out.registered_len = memory.len;
            }
            return abi.StreamState.ready;
        }

        fn poll(state: *anyopaque, waker_data: ?*const anyopaque, waker_vtable: ?*const anyopaque, out: *anyopaque) callconv(.c) u32 {
            const self = from(state);
            var cx: waker.Context = .{ .waker = .{ .raw = .{ .data = waker_data, .vtable = waker_vtable } } };
            const answer = @call(.always_inline, S.poll, .{ &self.value, &cx });
            const polled: Poll(T) = if (@typeInfo(@TypeOf(answer)) == .error_union)
                answer catch |e| return fail(&self.err, e)
            else
                answer;
            switch (polled) {
                .ready => |item| {
                    items.writeItem(T, item, out);
                    return abi.StreamState.ready;
                },
                .pending => return abi.StreamState.pending,
                .done => return abi.StreamState.done,
                .failed => |code| {
                    self.err = .{ .kind = abi.ErrorKind.code, .code = code };
                    return abi.StreamState.failed;
                },
            }
        }

        fn takeError(state: *anyopaque, err: *abi.RawError) callconv(.c) void {
            err.* = from(state).err;
        }

        fn sizeHint(state: *const anyopaque, out: *abi.RawSizeHint) callconv(.c) void {
            if (!@hasDecl(S, "sizeHint")) return;
            const self: *const Self = @ptrCast(@alignCast(state));
            const hint: SizeHint = self.value.sizeHint();
            out.lower = hint.lower;
            if (hint.upper) |upper| {
                out.upper = upper;
                out.flags = abi.has_upper;
            }
        }

        fn drop(state: *anyopaque) callconv(.c) void {
            const self = from(state);
            if (@hasDecl(S, "deinit")) self.value.deinit();
            alloc.allocator.destroy(self);
        }

        fn from(state: *anyopaque) *Self {
            // Rust hands back what `open` gave it.
            @setRuntimeSafety(false);
            return @ptrCast(@alignCast(state));
        }

        fn openValue(value: *S, args: []const abi.RawArg, err: *abi.RawError) bool {
            const in_place = comptime takesSelf(S, open_function);
            const Args = std.meta.ArgsTuple(@TypeOf(open_function));
            const first = if (in_place) 1 else 0;
            var tuple: Args = undefined;
            if (in_place) tuple[0] = value;
            if (args.len != tuple.len - first) {
                arguments.refuseCount(tuple.len - first, err);
                return false;
            }
            inline for (first..tuple.len) |i| {
                tuple[i] = arguments.readArgument(@TypeOf(tuple[i]), &args[i - first]) orelse {
                    arguments.refuse(@TypeOf(tuple[i]), i - first, err);
                    return false;
                };
            }
            const opened = @call(.auto, open_function, tuple);
            const done = if (@typeInfo(@TypeOf(opened)) == .error_union) opened catch |e| {
                _ = fail(err, e);
                return false;
            } else opened;
            if (!in_place) value.* = done;
            return true;
        }
    };
}

fn takesSelf(comptime S: type, comptime open: anytype) bool {
    const params = arguments.paramTypes(@TypeOf(open));
    return params.len > 0 and params[0] == *S;
}

/// The item type of `S`; every mistake in `open` and `poll` is told here, by the source's name.
fn ItemOf(comptime S: type, comptime open: anytype) type {
    const what = "zigflow.source: " ++ @typeName(S);
    if (@typeInfo(S) != .@"struct") @compileError(what ++ " must be a struct");
    checkOpen(S, open, what);
    const T = pollItem(S, what);
    if (T == items.LocalBytes) {
        if (isSendable(S)) @compileError(what ++ " yields LocalBytes, which stay on their thread: it must not be `sendable`");
    } else if (items.itemKind(T, what) == abi.ItemKind.owned and !isSendable(S))
        @compileError(what ++ " yields OwnedBytes, which Rust may release on any thread: it needs `pub const sendable = true;`");
    return T;
}

pub fn isSendable(comptime S: type) bool {
    return @hasDecl(S, "sendable") and S.sendable;
}

fn checkOpen(comptime S: type, comptime open: anytype, comptime what: []const u8) void {
    if (@typeInfo(@TypeOf(open)) != .@"fn") @compileError(what ++ ": `open` must be a function");
    const params = arguments.paramTypes(@TypeOf(open));
    for (params, 0..) |param, i| {
        const place = std.fmt.comptimePrint("{s}: parameter {d} of `open`", .{ what, i });
        const A = param orelse @compileError(place ++ " must not be generic");
        if (i == 0 and A == *S) continue;
        if (!arguments.isArgument(A)) @compileError(place ++ " is " ++ @typeName(A) ++ ": " ++ arguments.crossing ++ " cross");
    }
    const Returned = @typeInfo(@TypeOf(open)).@"fn".return_type orelse @compileError(what ++ ": `open` must not be generic");
    const Wanted = if (takesSelf(S, open)) void else S;
    if (arguments.payloadOf(Returned) != Wanted) @compileError(what ++ ": `open` must return `" ++ @typeName(Wanted) ++
        "` or an error union of it, found " ++ @typeName(Returned));
}

/// What `S.poll` yields.
pub fn pollItem(comptime S: type, comptime what: []const u8) type {
    const signature = "`pub fn poll(self: *Self, cx: *zigflow.Context) zigflow.Poll(T)`, or with an error union";
    if (!@hasDecl(S, "poll")) @compileError(what ++ " needs " ++ signature);
    if (@typeInfo(@TypeOf(S.poll)) != .@"fn") @compileError(what ++ ": `poll` must be a function");
    const params = arguments.paramTypes(@TypeOf(S.poll));
    if (params.len != 2 or params[0] != *S or (params[1] != *waker.Context and params[1] != *const waker.Context))
        @compileError(what ++ " needs " ++ signature ++ ", found " ++ @typeName(@TypeOf(S.poll)));
    const Returned = @typeInfo(@TypeOf(S.poll)).@"fn".return_type orelse @compileError(what ++ ": `poll` must not be generic");
    const P = arguments.payloadOf(Returned);
    if (@typeInfo(P) != .@"union" or !@hasDecl(P, "Item") or P != Poll(P.Item))
        @compileError(what ++ ": `poll` must return `zigflow.Poll(T)` or `!zigflow.Poll(T)`, found " ++ @typeName(Returned));
    return P.Item;
}

/// Every error of every source travels by its name, which is static text.
pub fn fail(err: *abi.RawError, e: anyerror) u32 {
    @branchHint(.cold);
    const name = @errorName(e);
    err.* = .{ .name_ptr = name.ptr, .name_len = name.len };
    return abi.StreamState.failed;
}
