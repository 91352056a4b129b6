//! The examples of zigflow's seed as a program of a user's, without `unsafe`: its text where it was sound and where
//! today's Zig takes it.
//!
//! What differs: Zig needs bodies; an operation takes `zigflow.Callback`, which is a type; a file is read into a buffer that
//! Rust lends, since nobody could say how long Zig's own would be valid; pointers are handles that end themselves.
#![forbid(unsafe_code)]

use futures_lite::{Stream, StreamExt, stream};
use std::env;
use tokio::select;
use tokio::sync::mpsc;
use zigflow::spsc::ZigSender;
use zigflow::{FutureError, StreamError, ZigError};

type Result<T, E = FutureError> = core::result::Result<T, E>;

// -- select --

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    const Callback = zigflow.Callback(i32);

    export fn zig_operation_a(callback: Callback, ctx: *anyopaque) void {
        callback(ctx, 1);
    }

    var may_b_end: std.atomic.Value(bool) = .init(false);

    /// Not before it may.
    fn zig_operation_b(callback: Callback, ctx: *anyopaque) !void {
        const thread = try std.Thread.spawn(.{}, waitAndCall, .{ callback, ctx });
        thread.detach();
    }

    fn waitAndCall(callback: Callback, ctx: *anyopaque) void {
        while (!may_b_end.load(.acquire)) std.Thread.yield() catch {};
        callback(ctx, 2);
    }

    fn let_b_end() void {
        may_b_end.store(true, .release);
    }
    ---
    async fn operation_a() -> Result<i32>;
    async fn operation_b() -> Result<i32>;
    fn let_b_end();
}

async fn select_operations() {
    select! {
        result = operation_a() => {
            println!("A completed first: {:?}", result);
        }
        result = operation_b() => {
            println!("B completed first: {:?}", result);
        }
    }
}

// -- a file as a stream --

mod file {
    use zigflow::ZigError;

    zigflow::autozig! {
        const std = @import("std");
        const zigflow = @import("zigflow");
        const io = std.Io.Threaded.global_single_threaded.io();

        const FileStream = struct {
            file: std.Io.File,

            pub fn destroy(stream: *FileStream) void {
                file_stream_free(stream);
            }
        };

        export fn file_stream_new(path: [*]const u8, path_len: usize) ?*FileStream {
            const file = std.Io.Dir.cwd().openFile(io, path[0..path_len], .{}) catch return null;

            const stream = zigflow.allocator.create(FileStream) catch {
                file.close(io);
                return null;
            };
            stream.* = FileStream{ .file = file };
            return stream;
        }

        fn file_stream_read(stream: *FileStream, buffer: []u8) !usize {
            return stream.file.readStreaming(io, &.{buffer}) catch |err| switch (err) {
                error.EndOfStream => 0,
                else => err,
            };
        }

        fn file_stream_free(stream: *FileStream) void {
            stream.file.close(io);
            zigflow.allocator.destroy(stream);
        }
        ---
        pub(super) type FileStream;

        pub(super) fn file_stream_new(path: &str) -> Option<FileStream>;
        pub(super) fn file_stream_read(stream: &mut FileStream, buffer: &mut [u8]) -> Result<usize, ZigError>;
    }
}
use file::{file_stream_new, file_stream_read};

fn create_file_stream(
    path: &str,
) -> Result<impl Stream<Item = Result<Vec<u8>, StreamError>>, ZigError> {
    let file = file_stream_new(path).ok_or(ZigError::new("InitFailed"))?;
    Ok(stream::try_unfold(file, |mut file| async move {
        let mut buffer = vec![0; 4096];
        let bytes_read = file_stream_read(&mut file, &mut buffer).map_err(StreamError::Zig)?;
        buffer.truncate(bytes_read);
        Ok((bytes_read != 0).then_some((buffer, file)))
    }))
}

async fn read_file(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let stream = create_file_stream(path)?;
    let mut total_bytes = 0u64;

    tokio::pin!(stream);
    while let Some(chunk) = stream.next().await {
        let data = chunk?;
        total_bytes += data.len() as u64;
    }

    println!("Total: {} bytes", total_bytes);
    Ok(())
}

// -- a channel --

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    const Message = extern struct { len: u32 = 0, text: [28]u8 = @splat(0) };

    fn produce(channel: zigflow.spsc.Sender(Message), count: u32) !void {
        var messages = channel;
        defer messages.deinit();
        for (0..count) |i| {
            var message: Message = .{};
            const text = try std.fmt.bufPrint(&message.text, "Message {d}", .{i});
            message.len = @intCast(text.len);
            try messages.sendBlocking(message);
        }
    }
    ---
    struct Message {
        len: u32,
        text: [u8; 28],
    }

    /// On a thread of its own.
    async fn produce(channel: ZigSender<Message>, count: u32) -> Result<(), ZigError>;
}

async fn receive_messages() -> Result<(), Box<dyn std::error::Error>> {
    let (tx, mut rx) = mpsc::channel(100);
    let (zig_channel, pump) = zigflow::tokio::channel_from_zig(tx, 16);
    let producer = tokio::spawn(produce(zig_channel, 10));
    let pump = tokio::spawn(pump);
    while let Some(msg) = rx.recv().await {
        let text = msg.text.get(..msg.len as usize).ok_or("a message is too long")?;
        println!("Received: {:?}", str::from_utf8(text)?);
    }
    producer.await??;
    pump.await??;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    select_operations().await;
    let_b_end();
    read_file(&env::args().nth(1).ok_or("seed FILE")?).await?;
    receive_messages().await
}
