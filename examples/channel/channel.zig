//! The Zig half: a thread that sends messages, and a thread that takes jobs and sends answers.

const std = @import("std");
const zigflow = @import("zigflow");

/// A short text; `Message` in Rust has the same layout. Items are compared by name, size and alignment when an
/// end is opened.
const Message = extern struct {
    len: u8 = 0,
    text: [23]u8 = @splat(0),

    fn format(comptime text: []const u8, args: anytype) error{NoSpaceLeft}!Message {
        var message: Message = .{};
        const written = try std.fmt.bufPrint(&message.text, text, args);
        message.len = @intCast(written.len);
        return message;
    }
};

const Messages = zigflow.spsc.Sender(Message);

/// Starts a thread that sends `count` messages.
export fn start_producer(raw: *zigflow.RawSender, count: u32) void {
    // An end that does not open is gone, and Rust is told why: there is nothing more to do.
    var messages = Messages.open(raw) catch return;
    const thread = std.Thread.spawn(.{}, produce, .{ messages, count }) catch |e| return fail(&messages, e);
    thread.detach();
}

fn produce(opened: Messages, count: u32) void {
    var messages = opened; // the thread's own from here on
    defer messages.deinit();
    for (0..count) |n| {
        const message = Message.format("Message {d}", .{n}) catch |e| return messages.closeWith(e);
        // The thread sleeps while there is no room: Rust sets the pace.
        messages.sendBlocking(message) catch return; // Rust wants no more
    }
}

const Jobs = zigflow.spsc.Receiver(u64);
const Answers = zigflow.spsc.Sender(u64);

/// Starts a thread that answers each job, a number, with how many steps it is from 1 in the Collatz sequence.
export fn start_worker(raw_jobs: *zigflow.RawReceiver, raw_answers: *zigflow.RawSender) void {
    // An end that does not open is gone; one that nobody opens has to be given back.
    var jobs = Jobs.open(raw_jobs) catch |e| return zigflow.spsc.reject(raw_answers, e);
    var answers = Answers.open(raw_answers) catch return jobs.deinit();
    const thread = std.Thread.spawn(.{}, work, .{ jobs, answers }) catch |e| {
        jobs.deinit();
        return fail(&answers, e);
    };
    thread.detach();
}

/// Rust gets the error behind the last item, in place of the plain end.
fn fail(sender: anytype, e: anyerror) void {
    sender.closeWith(e);
    sender.deinit();
}

fn work(opened_jobs: Jobs, opened_answers: Answers) void {
    var jobs = opened_jobs;
    defer jobs.deinit();
    var answers = opened_answers;
    defer answers.deinit();
    while (true) {
        const job = jobs.recvBlocking() catch return; // the last job is done
        const answer = steps(job) catch |e| return answers.closeWith(e);
        answers.sendBlocking(answer) catch return;
    }
}

fn steps(start: u64) error{ Zero, Overflow }!u64 {
    if (start == 0) return error.Zero;
    var n = start;
    var count: u64 = 0;
    while (n != 1) : (count += 1) {
        n = if (n % 2 == 0) n / 2 else try std.math.add(u64, try std.math.mul(u64, n, 3), 1);
    }
    return count;
}
