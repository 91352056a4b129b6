//! zigflow for Zig authors: sources that Rust polls as streams, and wakers.
//!
//! A source is a struct with `open` and `poll`, bound by `zigflow.source` (source.zig has an
//! example). The Rust side is the crate `zigflow`, whose build helper compiles your file with this
//! package; a plain Zig project gets it by `zig fetch`.

pub const abi = @import("abi.zig");

const source_file = @import("source.zig");
pub const source = source_file.source;
pub const Poll = source_file.Poll;
pub const SizeHint = source_file.SizeHint;
pub const OwnedBytes = @import("item.zig").OwnedBytes;
pub const OwnedSlice = @import("item.zig").OwnedSlice;
pub const LocalBytes = @import("item.zig").LocalBytes;
/// Bytes with several owners.
pub const SharedBytes = @import("shared_bytes.zig").SharedBytes;
/// Bytes through a channel as a `std.Io.Reader`, and as a `std.Io.Writer`.
pub const ByteReader = @import("byte_io.zig").ByteReader;
pub const ByteWriter = @import("byte_io.zig").ByteWriter;
/// Blocks of memory that both languages take and give back.
pub const Pool = @import("pool.zig").Pool;
/// One of a pool's blocks.
pub const Block = @import("pool.zig").Block;
/// Where a poll waits for one.
pub const BlockWaiter = @import("pool.zig").Waiter;
/// A pool that Rust hands to Zig: `ZigPool` there.
pub const RawPool = abi.RawPool;
/// Functions that give their result later.
pub const future = @import("future.zig").future;
pub const Completion = @import("completion.zig").Completion;
/// The same as a C function that is called with the result.
pub const Callback = @import("completion.zig").Callback;
/// A completion that Rust hands to Zig: `ZigCompletion` there.
pub const RawCompletion = abi.RawOperation;
pub const shape = @import("shape.zig").shape;

const waker_file = @import("waker.zig");
pub const Context = waker_file.Context;
pub const Waker = waker_file.Waker;
pub const CountedWaker = waker_file.CountedWaker;
pub const WakerCell = @import("waker_cell.zig").WakerCell;

/// Channels with one sender and one receiver.
pub const spsc = @import("spsc.zig");
/// Channels with any number of either.
pub const mpmc = @import("mpmc.zig");
const rust_stream_file = @import("rust_stream.zig");
/// A Rust stream that Zig polls: `stream_to_zig` there.
pub const RustStream = rust_stream_file.RustStream;
/// A Rust stream of messages of any length: `messages_to_zig` there.
pub const RustMessages = rust_stream_file.RustMessages;
/// A stream that Rust hands to Zig: `StreamForZig` there.
pub const RawStream = abi.RawStream;

/// A rate limit of Rust's.
pub const RateLimiter = @import("limiter.zig").RateLimiter;
/// What a monitored channel has noted: `profile` of its ends.
pub const Profile = @import("profile.zig").Profile;
/// What a watched pool has noted: `Pool.profile`.
pub const PoolProfile = @import("profile.zig").PoolProfile;
/// A rate limiter that Rust hands to Zig: `ZigRateLimiter` there.
pub const RawLimiter = abi.RawLimiter;
/// The functions of a timer that Zig supplies.
pub const timer = @import("timer.zig").timer;

/// An end of a channel that Rust hands to Zig: `ZigSender` and `ZigReceiver` there.
pub const RawSender = abi.RawEnd;
pub const RawReceiver = abi.RawEnd;

pub const Shared = @import("shared.zig").Shared;
pub const allocator = @import("alloc.zig").allocator;
pub const FileSource = @import("file.zig").FileSource;

/// For your root module, where zigflow's build helper does not write it: `pub const panic = zigflow.panic;`
pub const panic = @import("panic.zig").panic;

/// For code that zigflow-build makes.
pub const binding = @import("binding.zig");

// The seed's C entry points, where the root module wants them.
pub const c_names = @import("c_names.zig");

comptime {
    const root = @import("root");
    if (@hasDecl(root, "zigflow_c_names") and root.zigflow_c_names) _ = c_names;
}
