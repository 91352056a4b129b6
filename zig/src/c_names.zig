//! The seed's C entry points, for producers that are plain functions. A root module asks for them with
//! `pub const zigflow_c_names = true;`; two archives that both do would not link.
//!
//! Rust reads such a stream by `ZigStream::from_raw_parts`.

const std = @import("std");
const abi = @import("abi.zig");
const alloc = @import("alloc.zig");
const Shared = @import("shared.zig").Shared;
const waker = @import("waker.zig");
const WakerCell = @import("waker_cell.zig").WakerCell;

/// Fills the item and returns its state. The bytes stay valid until the next call.
pub const StreamProducer = *const fn (ctx: ?*anyopaque, item: *abi.StreamItem) callconv(.c) u32;

const Stream = Shared(struct {
    producer: StreamProducer,
    ctx: ?*anyopaque,
    cell: WakerCell = .{},
});

/// Null when there is no memory.
fn new(producer: StreamProducer, ctx: ?*anyopaque) callconv(.c) ?*Stream {
    return Stream.create(.{ .producer = producer, .ctx = ctx }) catch null;
}

fn poll(stream: *Stream, out: *abi.StreamItem) callconv(.c) u32 {
    return stream.value.producer(stream.value.ctx, out);
}

/// Lends the waker of the next poll; it is cloned if it is another one than before.
fn setWaker(stream: *Stream, words: *const abi.RawWaker) callconv(.c) void {
    const cx: waker.Context = .{ .waker = .{ .raw = words.* } };
    stream.value.cell.register(&cx);
}

/// Wakes whoever waits, from any thread that holds a reference (`zig_stream_retain`).
fn wake(stream: *Stream) callconv(.c) void {
    stream.value.cell.wake();
}

/// A reference of one's own: the stream's memory outlives `zig_stream_free` until it is released.
fn retain(stream: *Stream) callconv(.c) *Stream {
    return stream.retain();
}

fn release(stream: *Stream) callconv(.c) void {
    stream.release();
}

/// The reader's end: drops its waker and its reference.
fn free(stream: *Stream) callconv(.c) void {
    stream.value.cell.close();
    stream.release();
}

comptime {
    @export(&new, .{ .name = "zig_stream_new" });
    @export(&poll, .{ .name = "zig_stream_poll" });
    @export(&setWaker, .{ .name = "zig_stream_set_waker" });
    @export(&wake, .{ .name = "zig_stream_wake" });
    @export(&retain, .{ .name = "zig_stream_retain" });
    @export(&release, .{ .name = "zig_stream_release" });
    @export(&free, .{ .name = "zig_stream_free" });
}
