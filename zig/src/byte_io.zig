//! Bytes as a `std.Io.Reader` and a `std.Io.Writer`, over channels of owned bytes: what Rust's `ByteWriter` writes a
//! `ByteReader` reads, and the reverse. Both block their thread, and need Rust's std for it. So whatever Zig's standard
//! library reads and writes by these interfaces, decompressors, hashes, parsers, stands between two ends in Rust.

const std = @import("std");
const item = @import("item.zig");
const pool_file = @import("pool.zig");
const spsc = @import("spsc.zig");

const OwnedBytes = item.OwnedBytes;
const Block = pool_file.Block;
const Pool = pool_file.Pool;

/// Reads the chunks that come through a channel. `fill` and `consume` read them in place; `interface` copies them where the
/// std function wants them, and into `buffer` what that looks at before it takes it.
///
/// It stays where it is while `interface` is in use.
pub const ByteReader = struct {
    receiver: spsc.Receiver(OwnedBytes),
    interface: std.Io.Reader,
    chunk: ?OwnedBytes = null,
    /// What the chunk has left.
    rest: []const u8 = &.{},

    /// `buffer` is for `interface`: as long as the longest piece that is to be contiguous, for one that only streams empty.
    pub fn init(receiver: spsc.Receiver(OwnedBytes), buffer: []u8) ByteReader {
        return .{
            .receiver = receiver,
            .interface = .{ .vtable = &.{ .stream = stream }, .buffer = buffer, .seek = 0, .end = 0 },
        };
    }

    /// The bytes that are there and not consumed; the thread sleeps while there are none. Null is the end; `Failed`: the
    /// sender closed with a reason, which `reason` tells. (Not what `interface` has in its buffer.)
    pub fn fill(self: *ByteReader) error{Failed}!?[]const u8 {
        while (self.rest.len == 0) {
            self.drop();
            const chunk = self.receiver.recvBlocking() catch
                return if (self.receiver.reason() != null) error.Failed else null;
            self.chunk = chunk;
            self.rest = chunk.slice();
        }
        return self.rest;
    }

    /// Gives back the first `count` of them, and the chunk with its last byte.
    pub fn consume(self: *ByteReader, count: usize) void {
        self.rest = self.rest[count..];
        if (self.rest.len == 0) self.drop();
    }

    /// Why the sender closed, if it has and said so.
    pub fn reason(self: *const ByteReader) ?spsc.Reason {
        return self.receiver.reason();
    }

    fn drop(self: *ByteReader) void {
        const chunk = self.chunk orelse return;
        self.chunk = null;
        self.rest = &.{};
        chunk.deinit();
    }

    fn stream(reader: *std.Io.Reader, writer: *std.Io.Writer, limit: std.Io.Limit) std.Io.Reader.StreamError!usize {
        const self: *ByteReader = @alignCast(@fieldParentPtr("interface", reader));
        const rest = self.fill() catch return error.ReadFailed;
        const bytes = limit.sliceConst(rest orelse return error.EndOfStream);
        const count = try writer.write(bytes);
        self.consume(count);
        return count;
    }

    /// Nothing more is read: the sender is told, and what was sent is released.
    pub fn deinit(self: *ByteReader) void {
        self.drop();
        self.receiver.deinit();
    }
};

/// Writes into blocks of a pool, which it sends through a channel. The buffer of `interface` is the block itself: what is
/// written there is copied no more. A block is sent when it is full, and by `flush`.
///
/// It stays where it is while `interface` is in use.
pub const ByteWriter = struct {
    sender: spsc.Sender(OwnedBytes),
    pool: Pool,
    interface: std.Io.Writer,
    block: ?Block = null,

    /// Takes the end and the handle over.
    pub fn init(sender: spsc.Sender(OwnedBytes), pool: Pool) ByteWriter {
        return .{
            .sender = sender,
            .pool = pool,
            .interface = .{ .vtable = &.{ .drain = drain, .rebase = rebase }, .buffer = &.{} },
        };
    }

    /// Room in the block, at least a byte, to be written and committed; the thread sleeps while the pool or the channel has
    /// none. `Closed`: nobody reads any more.
    pub fn reserve(self: *ByteWriter) error{Closed}![]u8 {
        if (self.interface.end == self.interface.buffer.len) try self.renew();
        return self.interface.buffer[self.interface.end..];
    }

    /// The first `count` bytes of it are written.
    pub fn commit(self: *ByteWriter, count: usize) void {
        std.debug.assert(count <= self.interface.buffer.len - self.interface.end);
        self.interface.end += count;
    }

    /// Sends what is in the block, if there is something.
    pub fn flush(self: *ByteWriter) error{Closed}!void {
        if (self.interface.end > 0) try self.send();
    }

    /// Sends bytes as they are, without a copy, behind what was written so far. With an error they are still the caller's.
    pub fn give(self: *ByteWriter, bytes: OwnedBytes) error{Closed}!void {
        try self.flush();
        return self.sender.sendBlocking(bytes);
    }

    /// Flushes, closes the channel, and is the `deinit`: the reader drains what was sent. After an error, which says that nobody
    /// reads any more, `deinit` is still to be called, as by an `errdefer`.
    pub fn finish(self: *ByteWriter) error{Closed}!void {
        try self.flush();
        self.deinit();
    }

    /// Closes the channel; what was not flushed is gone.
    pub fn deinit(self: *ByteWriter) void {
        self.forget();
        self.sender.deinit();
        self.pool.deinit();
    }

    /// Closes, says why, and is the `deinit`: the reader gets the error's name after what was sent. What was not is gone.
    pub fn fail(self: *ByteWriter, e: anyerror) void {
        self.sender.closeWith(e);
        self.deinit();
    }

    fn forget(self: *ByteWriter) void {
        if (self.block) |block| block.deinit();
        self.take(null);
    }

    fn take(self: *ByteWriter, block: ?Block) void {
        self.block = block;
        self.interface.buffer = if (block) |it| it.slice() else &.{};
        self.interface.end = 0;
    }

    /// Sends the block as far as it is written.
    fn send(self: *ByteWriter) error{Closed}!void {
        const block = self.block.?;
        const bytes = block.give(self.interface.end);
        self.take(null);
        self.sender.sendBlocking(bytes) catch |e| {
            bytes.deinit();
            return e;
        };
    }

    /// The block goes, if it has something, and a fresh one comes.
    fn renew(self: *ByteWriter) error{Closed}!void {
        try self.flush();
        if (self.block == null) self.take(try self.acquire());
    }

    fn acquire(self: *ByteWriter) error{Closed}!Block {
        while (true) {
            if (self.sender.isClosed()) return error.Closed;
            // Not for ever: when nobody reads any more, no block may come home.
            return self.pool.acquireBlockingTimeout(look_again_ns) orelse continue;
        }
    }

    const look_again_ns = 50_000_000;

    fn of(writer: *std.Io.Writer) *ByteWriter {
        return @alignCast(@fieldParentPtr("interface", writer));
    }

    /// The buffer is full, or is to go: it is sent, and the next one takes what it can.
    fn drain(writer: *std.Io.Writer, data: []const []const u8, splat: usize) std.Io.Writer.Error!usize {
        const self = of(writer);
        self.flush() catch return error.WriteFailed;
        var count: usize = 0;
        for (data[0 .. data.len - 1]) |bytes| {
            const copied = self.copy(bytes) catch return error.WriteFailed;
            count += copied;
            if (copied < bytes.len) return count;
        }
        const last = data[data.len - 1];
        if (last.len == 0) return count; // however often
        for (0..splat) |_| {
            const copied = self.copy(last) catch return error.WriteFailed;
            count += copied;
            if (copied < last.len) return count;
        }
        return count;
    }

    /// As much as the block has room for; takes one if there is none.
    fn copy(self: *ByteWriter, bytes: []const u8) error{Closed}!usize {
        if (bytes.len == 0) return 0;
        if (self.block == null) self.take(try self.acquire());
        const writer = &self.interface;
        const room = writer.buffer[writer.end..];
        const count = @min(room.len, bytes.len);
        @memcpy(room[0..count], bytes[0..count]);
        writer.end += count;
        return count;
    }

    /// Room for `capacity` bytes behind the last `preserve` ones, which move to the new block.
    fn rebase(writer: *std.Io.Writer, preserve: usize, capacity: usize) std.Io.Writer.Error!void {
        const self = of(writer);
        if (writer.buffer.len - writer.end >= capacity) return;
        // More than a block holds, or than a pool of one has: a larger block is needed.
        if (capacity > self.pool.blockSize() -| preserve or (preserve > 0 and self.pool.blocks() < 2)) return error.WriteFailed;
        const kept = @min(preserve, writer.end);
        if (kept == 0) return self.renew() catch error.WriteFailed;
        const next = self.acquire() catch return error.WriteFailed;
        const from = writer.end - kept;
        @memcpy(next.slice()[0..kept], writer.buffer[from..writer.end]);
        writer.end = from;
        // Not nothing: else there would be room.
        self.send() catch {
            next.deinit();
            return error.WriteFailed;
        };
        self.take(next);
        writer.end = kept;
    }
};
