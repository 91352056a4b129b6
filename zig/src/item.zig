//! Items: what may cross as an item of a source, and what the border says about it.

const std = @import("std");
const abi = @import("abi.zig");
const alloc = @import("alloc.zig");
const shapes = @import("shape.zig");

/// Bytes that are given away. Their release runs once, on any thread, and maybe after the source is
/// gone: what it needs must not belong to the source. Only a `sendable` source can yield them. Those that Rust hands to
/// a function of `autozig!` are its own, to read, to give on, and to end by `deinit`.
pub const OwnedBytes = extern struct {
    raw: abi.OwnedItem,

    pub const Release = *const fn (context: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void;

    /// Any memory, with the function that gives it back.
    pub fn init(bytes: []u8, context: ?*anyopaque, release: Release) OwnedBytes {
        return .{ .raw = .{ .ptr = bytes.ptr, .len = bytes.len, .release = release, .context = context } };
    }

    /// A whole allocation of `zigflow.allocator.alloc(u8, …)`, not a part of one and not over-aligned; Rust
    /// frees it there.
    pub fn fromSlice(bytes: []u8) OwnedBytes {
        return init(bytes, null, freeSlice);
    }

    pub fn slice(self: OwnedBytes) []const u8 {
        const first = self.raw.ptr orelse return &.{};
        return first[0..self.raw.len];
    }

    /// Releases bytes that are not given away, or not any further.
    pub fn deinit(self: OwnedBytes) void {
        if (self.raw.release) |release| release(self.raw.context, self.raw.ptr, self.raw.len);
    }

    fn freeSlice(_: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void {
        if (ptr) |first| alloc.allocator.free(first[0..len]);
    }
};

/// `OwnedBytes` that are released on the thread that took them: only a source that is not `sendable` yields them, to a
/// `LocalZigStream<LocalZeroCopyBuffer>` in Rust.
pub const LocalBytes = extern struct {
    raw: abi.OwnedItem,

    /// Any memory, with the function that gives it back.
    pub fn init(bytes: []u8, context: ?*anyopaque, release: OwnedBytes.Release) LocalBytes {
        return .{ .raw = OwnedBytes.init(bytes, context, release).raw };
    }

    /// Releases bytes that are not given away after all.
    pub fn deinit(self: LocalBytes) void {
        (OwnedBytes{ .raw = self.raw }).deinit();
    }
};

/// Plain data that is given away, as `OwnedBytes` are: a `Vec<T>` in Rust, which copies the items and releases these.
pub fn OwnedSlice(comptime T: type) type {
    if (T == u8) return OwnedBytes;
    requirePlain(T, "zigflow.OwnedSlice: items of type " ++ @typeName(T));
    if (@sizeOf(T) == 0) @compileError("zigflow.OwnedSlice(" ++ @typeName(T) ++ "): of items without a size nobody knows how many there are");
    return extern struct {
        raw: abi.OwnedItem,

        pub const owned_slice_of = T;
        const Self = @This();

        /// Any memory, with the function that gives it back. That gets the length in bytes.
        pub fn init(items: []T, context: ?*anyopaque, release: OwnedBytes.Release) Self {
            const bytes = std.mem.sliceAsBytes(items);
            return .{ .raw = .{ .ptr = bytes.ptr, .len = bytes.len, .release = release, .context = context } };
        }

        /// A whole allocation of `zigflow.allocator.alloc(T, …)`, not a part of one and not over-aligned; Rust frees it
        /// there.
        pub fn fromSlice(items: []T) Self {
            return init(items, null, freeSlice);
        }

        /// Releases items that were not given away after all.
        pub fn deinit(self: Self) void {
            if (self.raw.release) |release| release(self.raw.context, self.raw.ptr, self.raw.len);
        }

        fn freeSlice(_: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void {
            if (len == 0) return; // nor has such a slice an address
            const first: [*]T = @ptrCast(@alignCast(ptr.?));
            // With the alignment with which it was allocated.
            alloc.allocator.free(first[0 .. len / @sizeOf(T)]);
        }
    };
}

/// Whether this is `OwnedBytes`, `LocalBytes` or an `OwnedSlice`.
pub fn isOwned(comptime T: type) bool {
    if (T == OwnedBytes or T == LocalBytes) return true;
    if (@typeInfo(T) != .@"struct" or !@hasDecl(T, "owned_slice_of")) return false;
    return T == OwnedSlice(T.owned_slice_of);
}

/// What Rust compares with its own type when it opens.
pub fn itemType(comptime T: type) abi.ItemType {
    const name = @typeName(T);
    // Nothing is plain data, too, where a result may be nothing.
    const kind = if (T == void) abi.ItemKind.plain else itemKind(T, "");
    const Slot = switch (kind) {
        abi.ItemKind.lent => abi.StreamItem,
        abi.ItemKind.owned => abi.OwnedItem,
        else => T,
    };
    return .{
        .kind = kind,
        .size = @sizeOf(Slot),
        .alignment = @alignOf(Slot),
        .name_len = name.len,
        .shape = if (kind == abi.ItemKind.plain and T != void) shapes.shape(T) else 0,
        .reserved = 0,
        .name_ptr = name.ptr,
    };
}

pub fn itemKind(comptime T: type, comptime what: []const u8) u32 {
    if (T == []const u8 or T == []u8) return abi.ItemKind.lent;
    if (isOwned(T)) return abi.ItemKind.owned;
    requirePlain(T, what ++ ": items of type " ++ @typeName(T));
    return abi.ItemKind.plain;
}

/// What has the same bytes in both languages, and no address in it.
pub fn requirePlain(comptime T: type, comptime items: []const u8) void {
    switch (@typeInfo(T)) {
        .int => |int| switch (int.bits) {
            8, 16, 32, 64 => return,
            else => {},
        },
        .float => |float| switch (float.bits) {
            32, 64 => return,
            else => {},
        },
        .bool => return,
        .array => |array| return requirePlain(array.child, items),
        .@"enum" => |e| return requirePlain(e.tag_type, items),
        .@"struct" => |s| if (s.layout == .@"extern") {
            for (std.meta.fieldNames(T)) |field| requirePlain(@FieldType(T, field), items);
            return;
        },
        else => {},
    }
    @compileError(items ++ " cannot cross: `" ++ @typeName(T) ++
        "` is neither []const u8 nor zigflow.OwnedBytes nor plain data (integers of 8 to 64 bits, f32, f64, bool, enums, arrays and extern structs of these)");
}

pub inline fn writeItem(comptime T: type, item: T, out: *anyopaque) void {
    @setRuntimeSafety(false); // Rust passes the slot of this item type
    switch (comptime itemKind(T, "")) {
        abi.ItemKind.lent => {
            const slot: *abi.StreamItem = @ptrCast(@alignCast(out));
            slot.* = .{ .state = abi.StreamState.ready, .data_ptr = item.ptr, .data_len = item.len };
        },
        abi.ItemKind.owned => {
            const slot: *abi.OwnedItem = @ptrCast(@alignCast(out));
            slot.* = item.raw;
        },
        else => {
            const slot: *T = @ptrCast(@alignCast(out));
            slot.* = item;
        },
    }
}
