//! The Zig half of a completion, for the models to call.

const zigflow = @import("zigflow");

const Done = zigflow.Completion(u32);

fn of(raw: *zigflow.RawCompletion) Done {
    return .{ .raw = raw };
}

export fn model_completion_open(raw: *zigflow.RawCompletion) bool {
    _ = Done.open(raw) catch return false;
    return true;
}

export fn model_completion_resolve(raw: *zigflow.RawCompletion, value: u32) bool {
    return of(raw).resolve(value);
}

export fn model_completion_finish(raw: *zigflow.RawCompletion, value: u32) void {
    of(raw).finish(value);
}

export fn model_completion_fail(raw: *zigflow.RawCompletion) bool {
    return of(raw).fail(error.Torn);
}

export fn model_completion_is_canceled(raw: *zigflow.RawCompletion) bool {
    return of(raw).isCanceled();
}

export fn model_completion_wake_on_cancel(raw: *zigflow.RawCompletion, waker: *const zigflow.abi.RawWaker) void {
    of(raw).wakeOnCancel(.{ .raw = waker.* });
}

/// Gives the completion up when it is canceled.
const Stop = struct {
    done: Done,

    pub fn wake(self: *Stop) void {
        self.done.finish(error.Canceled);
    }
};

export fn model_completion_stop_on_cancel(raw: *zigflow.RawCompletion) void {
    of(raw).onCancel(Stop{ .done = of(raw) }) catch @panic("no memory");
}

/// Says that it is canceled, and leaves the rest to who works.
const Say = struct {
    done: Done,

    pub fn wake(self: *Say) void {
        was_taken = self.done.fail(error.Canceled);
    }
};

/// Not of the model, which runs one thread at a time.
var was_taken: bool = false;

export fn model_completion_was_taken() bool {
    return was_taken;
}

export fn model_completion_say_on_cancel(raw: *zigflow.RawCompletion) void {
    was_taken = false;
    of(raw).onCancel(Say{ .done = of(raw) }) catch @panic("no memory");
}

export fn model_completion_deinit(raw: *zigflow.RawCompletion) void {
    of(raw).deinit();
}
