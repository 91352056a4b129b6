//! A sensor whose interrupt gives readings, and answers questions.

const zigflow = @import("zigflow");

var readings: zigflow.spsc.Sender(u32) = undefined;
var lies = false;
var next: u32 = 0;
/// Whether the interrupt may use the rest.
var connected: u32 = 0;

/// A reading of each interrupt goes into the ring, until it is closed.
pub fn connect(end: zigflow.spsc.Sender(u32), wrong: bool) void {
    readings = end;
    lies = wrong;
    @atomicStore(u32, &connected, 1, .release);
}

/// What the interrupt is to answer.
var question: ?zigflow.Completion(u32) = null;
var patience: u32 = 0;
var asked: u32 = 0;
var given_up: u32 = 0;

/// The answer comes with the interrupt after so many others; or never, if nobody waits for it any more.
pub fn ask(done: zigflow.Completion(u32), interrupts: u32) error{Busy}!void {
    if (@atomicLoad(u32, &asked, .acquire) != 0) return error.Busy;
    question = done;
    patience = interrupts;
    @atomicStore(u32, &asked, 1, .release);
}

/// How many questions were given up before they were answered.
pub fn givenUp() u32 {
    return @atomicLoad(u32, &given_up, .acquire);
}

/// The interrupt, in place of cortex-m-rt's.
export fn PendSV() callconv(.c) void {
    if (@atomicLoad(u32, &asked, .acquire) != 0) answer();
    if (@atomicLoad(u32, &connected, .acquire) == 0) return;
    const lie: u32 = if (lies and next == 20) 1 else 0;
    readings.trySend(next ^ lie) catch |e| {
        if (e == error.Full) return; // the next interrupt tries again
        @atomicStore(u32, &connected, 0, .release);
        readings.deinit();
        return;
    };
    next += 1;
}

fn answer() void {
    const done = question.?;
    if (done.isCanceled()) {
        @atomicStore(u32, &given_up, given_up + 1, .release);
        done.finish(0);
    } else if (patience > 0) {
        patience -= 1;
        return;
    } else {
        done.finish(42);
    }
    question = null;
    @atomicStore(u32, &asked, 0, .release);
}
