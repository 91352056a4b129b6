//! A source by the seed's C entry points: a producer function and its context, no `zigflow.source`.

const zigflow = @import("zigflow");

/// Asks the root module for `zig_stream_new` and its kin.
pub const zigflow_c_names = true;

/// Letters of a word, one at a time; pending in front of each until `seed_push`.
const Word = struct {
    var text: []const u8 = "seed";
    var next: usize = 0;
    var pushed: u32 = 0;

    fn produce(_: ?*anyopaque, item: *zigflow.abi.StreamItem) callconv(.c) u32 {
        const State = zigflow.abi.StreamState;
        item.* = .{ .state = State.done };
        if (next < text.len) {
            if (next < @atomicLoad(u32, &pushed, .acquire)) {
                item.* = .{ .state = State.ready, .data_ptr = text.ptr + next, .data_len = 1 };
                next += 1;
            } else item.state = State.pending;
        }
        return item.state;
    }
};

export fn seed_producer() zigflow.c_names.StreamProducer {
    return Word.produce;
}

/// One letter more; the caller wakes.
export fn seed_push() void {
    _ = @atomicRmw(u32, &Word.pushed, .Add, 1, .release);
}
