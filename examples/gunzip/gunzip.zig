//! Zig's `std.compress.flate` between two streams of Rust.
//!
//!     RustMessages ──▶ Input, a std.Io.Reader ──▶ Decompress ──▶ spsc.Sender(Chunk)

const std = @import("std");
const zigflow = @import("zigflow");
const flate = std.compress.flate;

pub const Chunk = extern struct {
    len: u32 = 0,
    bytes: [4092]u8 = @splat(0),
};

/// Sends what `compressed`, the bytes of a gzip file, holds, and returns how many bytes that were. Runs on a thread of a
/// pool: it waits for bytes, and for room.
pub fn gunzip(compressed: zigflow.RustMessages, into: zigflow.spsc.Sender(Chunk)) !u64 {
    var messages = compressed;
    defer messages.deinit();
    var chunks = into;
    defer chunks.deinit();
    var buffer: [4096]u8 = undefined;
    var input: Input = .init(&messages, &buffer);
    var sent: u64 = 0;
    // A gzip file is one or more members.
    while (true) {
        var window: [flate.max_window_len]u8 = undefined;
        var member: flate.Decompress = .init(&input.reader, .gzip, &window);
        var sum: std.hash.Crc32 = .init();
        while (true) {
            var chunk: Chunk = .{};
            chunk.len = @intCast(member.reader.readSliceShort(&chunk.bytes) catch
                return input.err orelse (member.err orelse error.ReadFailed));
            if (chunk.len == 0) break;
            sum.update(chunk.bytes[0..chunk.len]);
            chunks.sendBlocking(chunk) catch return sent; // Rust wants no more
            sent += chunk.len;
        }
        // The library reads the sum, and leaves it to us to compare it.
        if (sum.final() != member.container_metadata.gzip.crc) return error.WrongGzipChecksum;
        _ = input.reader.peekByte() catch |e| return if (e == error.EndOfStream) sent else input.err orelse e;
    }
}

/// The messages as one row of bytes.
const Input = struct {
    messages: *zigflow.RustMessages,
    /// What is left of the last one, which Rust lends until the next.
    rest: []const u8 = &.{},
    /// What Rust's stream failed with.
    err: ?anyerror = null,
    reader: std.Io.Reader,

    fn init(messages: *zigflow.RustMessages, buffer: []u8) Input {
        return .{ .messages = messages, .reader = .{
            .vtable = &.{ .stream = stream },
            .buffer = buffer,
            .seek = 0,
            .end = 0,
        } };
    }

    fn stream(reader: *std.Io.Reader, writer: *std.Io.Writer, limit: std.Io.Limit) std.Io.Reader.StreamError!usize {
        const self: *Input = @alignCast(@fieldParentPtr("reader", reader));
        while (self.rest.len == 0) {
            const message = self.messages.next() catch |e| {
                self.err = e;
                return error.ReadFailed;
            };
            self.rest = message orelse return error.EndOfStream;
        }
        const written = try writer.write(limit.sliceConst(self.rest));
        self.rest = self.rest[written..];
        return written;
    }
};
