//! A file as a source of bytes whose polls never block the executor. (`open` asks the file system once,
//! in the caller: on a dead network mount it may hang like any other open.)
//!
//! What is in the page cache is read in the poll itself (Linux: `preadv2` with `RWF_NOWAIT`). What is
//! not, and every pipe, terminal or device that has nothing yet, is read by a helper thread, which
//! wakes the stream; the thread starts when it is first needed. A source that is dropped leaves at once:
//! what it shares with the thread is counted, and the thread ends at a byte in the pipe that is no job.
//!
//!     poll ──▶ read without waiting ──▶ ready
//!       │              │ would block
//!       │              ▼
//!       │        write to the job pipe ─────────────▶ helper: poll, read
//!       └──◀─────────── cell.wake ◀───────────────── status = done
//!
//! POSIX only; elsewhere `open` is a compile error.

const std = @import("std");
const builtin = @import("builtin");
const alloc = @import("alloc.zig");
const Context = @import("waker.zig").Context;
const Poll = @import("source.zig").Poll;
const Shared = @import("shared.zig").Shared;
const WakerCell = @import("waker_cell.zig").WakerCell;

const c = std.c;
// With glibc on 32 bits the plain names take a 32-bit offset.
const large = builtin.os.tag == .linux and builtin.link_libc and builtin.abi.isGnu();
const c_open = if (large) c.open64 else c.open;
const c_pread = if (large) c.pread64 else c.pread;
const c_lseek = if (large) c.lseek64 else c.lseek;
const Fd = c_int;
const Buffer = []align(buffer_alignment) u8;

pub const FileSource = struct {
    file: *Shared(File),
    /// The write end of the job pipe; -1 until the helper thread runs.
    job_fd: Fd = -1,
    offset_bytes: u64 = 0,

    pub const sendable = true;

    /// Chunks have up to `chunk_bytes` bytes. A FIFO opens without waiting for a writer.
    pub fn open(path: []const u8, chunk_bytes: u64) !FileSource {
        if (builtin.os.tag == .windows or builtin.os.tag == .freestanding)
            @compileError("zigflow.FileSource needs a POSIX system");
        if (chunk_bytes == 0) return error.ZeroChunk;
        if (path.len >= max_path_bytes) return error.NameTooLong;
        if (std.mem.indexOfScalar(u8, path, 0) != null) return error.BadPathName;
        var path_z: [max_path_bytes]u8 = undefined;
        @memcpy(path_z[0..path.len], path);
        path_z[path.len] = 0;

        const fd = try openNonblocking(path_z[0..path.len :0]);
        errdefer _ = c.close(fd);
        // A directory opens; it says so at the first read, so that is now.
        var nothing: [1]u8 = undefined;
        const probe = c.read(fd, &nothing, 0);
        if (probe < 0 and c.errno(probe) == .ISDIR) return error.IsDir;
        const len_bytes = std.math.cast(usize, chunk_bytes) orelse return error.OutOfMemory;
        const buffer = try alloc.allocator.alignedAlloc(u8, .fromByteUnits(buffer_alignment), len_bytes);
        errdefer alloc.allocator.free(buffer);
        @memset(buffer, 0); // Rust reads it as initialised memory
        const end = c_lseek(fd, 0, c.SEEK.END);
        if (end >= 0) _ = c_lseek(fd, 0, c.SEEK.SET); // some devices start where they stand
        return .{ .file = try Shared(File).create(.{
            .fd = fd,
            .buffer = buffer,
            .size_bytes = if (end > 0) @intCast(end) else 0,
            .seekable = end >= 0,
        }) };
    }

    pub fn deinit(self: *FileSource) void {
        if (self.job_fd >= 0) {
            // The helper sees a byte that is no job, and ends. The pipe's end alone is not enough: a
            // child that another thread has just forked may hold it open.
            _ = c.write(self.job_fd, "e", 1);
            _ = c.close(self.job_fd);
        }
        self.file.value.cell.close();
        self.file.release();
    }

    pub fn registered(self: *const FileSource) []const u8 {
        return self.file.value.buffer;
    }

    pub fn poll(self: *FileSource, cx: *Context) !Poll([]const u8) {
        const file = &self.file.value;
        if (@atomicLoad(u32, &file.status, .monotonic) != Status.idle) {
            file.cell.register(cx);
            if (@atomicLoad(u32, &file.status, .acquire) != Status.done) return .pending;
            @atomicStore(u32, &file.status, Status.idle, .monotonic);
            return self.finish(file.result);
        }
        switch (file.readNow(self.offset_bytes)) {
            .would_block => {
                file.cell.register(cx);
                try self.submit();
                return .pending;
            },
            else => |result| return self.finish(result),
        }
    }

    fn finish(self: *FileSource, result: Result) !Poll([]const u8) {
        const file = &self.file.value;
        const count = switch (result) {
            .bytes => |count| count,
            .failed => |e| return errorOf(e),
            .would_block => unreachable, // the helper waits
        };
        if (count == 0) return if (self.offset_bytes < file.size_bytes and file.shrank()) error.FileTruncated else .done;
        self.offset_bytes += count;
        return .{ .ready = file.buffer[0..count] };
    }

    /// Hands the next read to the helper thread.
    fn submit(self: *FileSource) !void {
        const file = &self.file.value;
        if (self.job_fd < 0) try self.startHelper();
        file.job_offset_bytes = self.offset_bytes;
        @atomicStore(u32, &file.status, Status.busy, .release);
        // One job is in the pipe at most, so this does not wait.
        while (true) {
            const written = c.write(self.job_fd, "j", 1);
            if (written == 1) return;
            if (c.errno(written) != .INTR) return errorOf(c.errno(written));
        }
    }

    fn startHelper(self: *FileSource) !void {
        const ends = try openPipe();
        self.file.value.jobs_fd = ends[0]; // closed with the file
        const shared = self.file.retain();
        const thread = std.Thread.spawn(.{ .stack_size = helper_stack_bytes }, File.help, .{shared}) catch |e| {
            shared.release();
            _ = c.close(ends[1]);
            return e;
        };
        thread.detach();
        self.job_fd = ends[1];
    }
};

/// As page-cache pages: the kernel copies fastest between equal offsets.
const buffer_alignment = 4096;
const max_path_bytes = 4096;
/// As much as Rust gives its threads: the waker that runs there is anybody's code.
const helper_stack_bytes = 2 * 1024 * 1024;

const Status = struct {
    const idle: u32 = 0;
    const busy: u32 = 1;
    const done: u32 = 2;
};

const Result = union(enum) {
    bytes: usize,
    would_block,
    failed: c.E,
};

/// What the source and its helper share. `status` says whose turn it is: `buffer`, `result` and
/// `job_offset_bytes` are the helper's while it is busy, else the source's.
const File = struct {
    fd: Fd,
    buffer: Buffer,
    /// At `open`; 0 for what has no size. Then it is read where it stands, not by offset.
    size_bytes: u64,
    /// Pipes, sockets and terminals are not: for them, and only them, O_NONBLOCK does what it says.
    seekable: bool,
    jobs_fd: Fd = -1,
    cell: WakerCell = .{},
    status: u32 = Status.idle,
    job_offset_bytes: u64 = 0,
    result: Result = .would_block,
    /// False once the file system has refused `RWF_NOWAIT`.
    nowait: bool = builtin.os.tag == .linux,
    /// A FIFO without a writer reads as its end, so the helper waits for the first event.
    had_event: bool = false,

    pub fn deinit(file: *File) void {
        _ = c.close(file.fd);
        if (file.jobs_fd >= 0) _ = c.close(file.jobs_fd);
        alloc.allocator.free(file.buffer);
    }

    fn readNow(file: *File, offset_bytes: u64) Result {
        if (file.size_bytes == 0) return if (file.had_event and !file.seekable) file.readHere() else .would_block;
        if (builtin.os.tag != .linux or !file.nowait) return .would_block;
        const linux = std.os.linux;
        const iov: [1]std.posix.iovec = .{.{ .base = file.buffer.ptr, .len = file.buffer.len }};
        while (true) {
            const count = linux.preadv2(file.fd, &iov, 1, @intCast(offset_bytes), linux.RWF.NOWAIT);
            switch (linux.errno(count)) {
                // Linux 5.9 and 5.10 may say 0 for what is not cached; only a plain read knows the end.
                .SUCCESS => return if (count == 0 and offset_bytes < file.size_bytes) .would_block else .{ .bytes = count },
                .INTR => continue,
                .AGAIN => return .would_block,
                // Not supported here, or an error that the helper's plain read will find too.
                else => {
                    file.nowait = false;
                    return .would_block;
                },
            }
        }
    }

    fn readHere(file: *File) Result {
        while (true) {
            const count = c.read(file.fd, file.buffer.ptr, file.buffer.len);
            if (count >= 0) return .{ .bytes = @intCast(count) };
            switch (c.errno(count)) {
                .INTR => {},
                .AGAIN => return .would_block,
                else => |e| return .{ .failed = e },
            }
        }
    }

    fn readAt(file: *File, offset_bytes: u64) Result {
        while (true) {
            const count = c_pread(file.fd, file.buffer.ptr, file.buffer.len, @intCast(offset_bytes));
            if (count >= 0) return .{ .bytes = @intCast(count) };
            switch (c.errno(count)) {
                .INTR => {},
                else => |e| return .{ .failed = e },
            }
        }
    }

    /// Files of /sys end before their size, which is a page whatever they hold. Only a size that has
    /// changed is a loss.
    fn shrank(file: *const File) bool {
        const end = c_lseek(file.fd, 0, c.SEEK.END);
        return end >= 0 and end < file.size_bytes;
    }

    /// The helper thread.
    fn help(shared: *Shared(File)) void {
        defer shared.release();
        const file = &shared.value;
        while (file.nextJob()) {
            file.result = if (file.size_bytes > 0)
                file.readAt(file.job_offset_bytes)
            else
                file.waitAndRead() orelse return;
            @atomicStore(u32, &file.status, Status.done, .release);
            file.cell.wake();
        }
    }

    /// False when the source is gone.
    fn nextJob(file: *File) bool {
        var byte: [1]u8 = undefined;
        while (true) {
            const count = c.read(file.jobs_fd, &byte, 1);
            if (count == 1) return @atomicLoad(u32, &file.status, .acquire) == Status.busy;
            if (count == 0 or c.errno(count) != .INTR) return false;
        }
    }

    /// Null when the source went while nothing came.
    fn waitAndRead(file: *File) ?Result {
        while (true) {
            var fds: [2]c.pollfd = .{
                .{ .fd = file.fd, .events = c.POLL.IN, .revents = 0 },
                .{ .fd = file.jobs_fd, .events = c.POLL.IN, .revents = 0 },
            };
            const count = c.poll(&fds, fds.len, -1);
            if (count < 0 and c.errno(count) != .INTR) return .{ .failed = c.errno(count) };
            if (count <= 0) continue;
            // No second job is sent while one is under way: the source is gone.
            if (fds[1].revents != 0) return null;
            if (fds[0].revents == 0) continue;
            file.had_event = true;
            switch (file.readHere()) {
                .would_block => {},
                else => |result| return result,
            }
        }
    }
};

fn openPipe() ![2]Fd {
    var ends: [2]Fd = undefined;
    if (builtin.os.tag == .linux) {
        if (c.pipe2(&ends, .{ .CLOEXEC = true }) != 0) return error.TooManyOpenFiles;
    } else {
        if (c.pipe(&ends) != 0) return error.TooManyOpenFiles;
        for (ends) |end| _ = c.fcntl(end, c.F.SETFD, @as(c_int, c.FD_CLOEXEC));
    }
    return ends;
}

fn openNonblocking(path: [:0]const u8) !Fd {
    while (true) {
        const fd = c_open(path.ptr, .{ .ACCMODE = .RDONLY, .NONBLOCK = true, .NOCTTY = true, .CLOEXEC = true });
        if (fd >= 0) return fd;
        switch (c.errno(fd)) {
            .INTR => {},
            else => |e| return errorOf(e),
        }
    }
}

fn errorOf(e: c.E) error{
    AccessDenied,
    BadPathName,
    FileNotFound,
    InputOutput,
    IsDir,
    NameTooLong,
    NoDevice,
    NotDir,
    OutOfMemory,
    SymLinkLoop,
    TooManyOpenFiles,
    Unexpected,
} {
    return switch (e) {
        .ACCES, .PERM => error.AccessDenied,
        .NOENT => error.FileNotFound,
        .IO => error.InputOutput,
        .ISDIR => error.IsDir,
        .NAMETOOLONG => error.NameTooLong,
        .NXIO, .NODEV => error.NoDevice,
        .NOTDIR => error.NotDir,
        .NOMEM => error.OutOfMemory,
        .LOOP => error.SymLinkLoop,
        .MFILE, .NFILE => error.TooManyOpenFiles,
        else => error.Unexpected,
    };
}
