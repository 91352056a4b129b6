//! The ring with one producer and one consumer, Zig's half. The words, the rules and why they hold are told
//! in `core/src/ring/spsc.rs`, the other half: same order, same names, same transitions, over the same
//! memory.

const builtin = @import("builtin");
const abi = @import("abi.zig");
const host = @import("host.zig");
const Patience = @import("patience.zig").Patience;
const pos = @import("position.zig");
const reference = @import("reference.zig");
const sync = @import("sync.zig");
const waker_cell = @import("waker_cell.zig");

const one = pos.one;
const position = pos.position;
const advance = pos.advance;
const distance = pos.distance;

/// Of an end: nothing special; nothing more comes of it; the channel is monitored, so it looks more closely.
const open_mode: u8 = 0;
const shut_mode: u8 = 1;
const watched_mode: u8 = 2;

/// Where flash is dear, Zig's ends are not monitored.
const can_watch = builtin.os.tag != .freestanding;

pub const closed: u32 = 1;
pub const sleep: u32 = 2;

/// The producer's view of the ring. Whoever has it is the only one.
pub const Producer = struct {
    channel: *abi.RawChannel,
    tail: u32,
    /// The consumer's position as last seen; so far back that there is no room once the channel is closed.
    head: u32,
    mask: u32,
    capacity: u32,
    half_turns: u32,
    patience: Patience = .default,
    mode: u8,

    pub fn open(channel: *abi.RawChannel) Producer {
        const tail = sync.loadAcquire(&channel.tail.word);
        const head = sync.loadAcquire(&channel.head.word);
        var self: Producer = .{
            .channel = channel,
            .tail = position(tail),
            .head = position(head),
            .mask = channel.mask,
            .capacity = channel.capacity,
            .half_turns = sync.counted(&channel.tail.laps),
            .mode = modeOf(channel),
        };
        if ((tail | head) & closed != 0) {
            self.shut();
        } else if (self.mode == watched_mode) {
            self.head = self.full(); // so that it looks, and samples the first item
        }
        return self;
    }

    /// How many slots are free. Looks at the consumer's position only if fewer than `wanted` are known to
    /// be.
    pub inline fn room(self: *Producer, wanted: u32) u32 {
        const free = self.known();
        if (free >= wanted) return free;
        return if (wanted == 1) self.look() else self.lookFor(wanted);
    }

    inline fn known(self: *const Producer) u32 {
        return self.capacity -% distance(self.head, self.tail);
    }

    noinline fn look(self: *Producer) u32 {
        if (self.mode != open_mode) return self.lookClosely(1);
        self.head = position(sync.loadAcquire(&self.channel.head.word));
        self.mark();
        return self.known();
    }

    fn lookFor(self: *Producer, wanted: u32) u32 {
        return if (self.mode == open_mode) self.look() else self.lookClosely(wanted);
    }

    /// When the channel is monitored: what is known is less than there is, if an item is to be sampled before. Not less
    /// than wanted.
    noinline fn lookClosely(self: *Producer, wanted: u32) u32 {
        @branchHint(.cold);
        if (self.mode & shut_mode != 0 or !can_watch) return self.known();
        self.head = position(sync.loadAcquire(&self.channel.head.word));
        self.mark();
        const free = self.known();
        const limit = host.zf1_profile_look(self.channel, abi.EndKind.sender, self.tail, free, wanted);
        if (free > limit) self.head = self.tail -% (self.capacity - limit) *% one;
        return self.known();
    }

    /// Notes the half-turns, from which the number of all items is told. Between two looks there are at most
    /// `capacity` items.
    fn mark(self: *Producer) void {
        if (self.tail >> 31 != self.half_turns & 1) {
            self.half_turns +%= 1;
            sync.raise(&self.channel.tail.laps, 1);
        }
    }

    /// The slot of the item that comes `offset` items after the last published one.
    pub inline fn slot(self: *const Producer, offset: u32) usize {
        return pos.slot(advance(self.tail, offset), self.mask);
    }

    /// How many of the next `count` slots lie before the end of the memory.
    pub fn straight(self: *const Producer, count: u32) usize {
        return pos.straight(self.tail, self.mask, count);
    }

    /// Hands the next `count` items, which are written, to the consumer (rule 1). False: the consumer has
    /// closed; the items are still in their slots.
    pub inline fn publish(self: *Producer, count: u32) bool {
        const before = self.moveOn(count);
        self.tail = advance(self.tail, count);
        return if (before & (closed | sleep) == 0) true else self.flagged(before, count);
    }

    inline fn moveOn(self: *Producer, count: u32) u32 {
        const word = &self.channel.tail.word;
        if (sync.bug(20)) {
            const before = sync.loadAcquire(word);
            sync.storeRelease(word, advance(before, count));
            return before;
        }
        return sync.fetchAdd(word, count *% one, 24);
    }

    /// `publish` that wakes nobody: whether the consumer sleeps, which a `PeerWaker` or the next publish is to
    /// mend; null: it has closed. The flag stays set.
    pub fn publishQuietly(self: *Producer, count: u32) ?bool {
        const before = self.moveOn(count);
        self.tail = advance(self.tail, count);
        if (before & closed != 0 and !self.flagged(before, count)) return null;
        return before & sleep != 0 and !sync.bug(34);
    }

    noinline fn flagged(self: *Producer, before: u32, by: u32) bool {
        @branchHint(.cold);
        if (before & closed != 0) {
            const back = 0 -% by *% one;
            _ = sync.fetchAdd(&self.channel.tail.word, back, 0);
            self.tail +%= back;
            self.shut();
            return sync.bug(28);
        }
        if (sync.bug(23) and position(before) != self.head) return true;
        if (sync.bug(26)) waker_cell.wakeRaw(&self.channel.head.cell);
        _ = sync.fetchAnd(&self.channel.tail.word, ~sleep);
        sync.raise(&self.channel.head.wakes, 1);
        if (!sync.bug(26)) waker_cell.wakeRaw(&self.channel.head.cell);
        return true;
    }

    /// There is no room any more, for ever.
    fn shut(self: *Producer) void {
        self.mode |= shut_mode;
        self.head = self.full();
        if (can_watch and self.mode & watched_mode != 0) _ = profileSleep(self.channel, abi.EndKind.sender, Step.is_served);
    }

    /// The consumer's position when there is no room.
    fn full(self: *const Producer) u32 {
        return self.tail -% self.capacity *% one;
    }

    /// True when nothing that is published would arrive. Exact at the next `publish`.
    pub fn isClosed(self: *Producer) bool {
        if (self.mode & shut_mode == 0 and sync.loadAcquire(&self.channel.tail.word) & closed != 0) self.shut();
        return self.mode & shut_mode != 0;
    }

    /// Looks a few times more, if that has helped before; true when there are `wanted` free slots meanwhile, or
    /// the channel is closed.
    pub fn linger(self: *Producer, wanted: u32) bool {
        if (can_watch and self.mode == watched_mode) _ = profileSleep(self.channel, abi.EndKind.sender, Step.about_to);
        const Look = struct { ring: *Producer, wanted: u32 };
        return self.patience.linger(Look{ .ring = self, .wanted = wanted }, struct {
            fn isSo(look_for: Look) bool {
                return look_for.ring.lookFor(look_for.wanted) >= look_for.wanted or look_for.ring.isClosed();
            }
        }.isSo);
    }

    /// Goes to sleep until there are `wanted` free slots or the channel is closed. True when that is so
    /// already; then nobody sleeps.
    pub fn goToSleep(self: *Producer, wanted: u32, words: abi.RawWaker) bool {
        if (self.mode != open_mode) return self.goToSleepWatched(wanted, words);
        waker_cell.registerWords(&self.channel.tail.cell, words);
        return self.fallAsleep(wanted);
    }

    noinline fn goToSleepWatched(self: *Producer, wanted: u32, words: abi.RawWaker) bool {
        @branchHint(.cold);
        if (self.mode & shut_mode != 0 or !can_watch) return true;
        registerWatched(self.channel, abi.EndKind.sender, &self.channel.tail.cell, words);
        const began = profileSleep(self.channel, abi.EndKind.sender, Step.about_to);
        const ready = self.fallAsleep(wanted);
        if (ready) {
            if (began) _ = profileSleep(self.channel, abi.EndKind.sender, Step.need_not);
            _ = self.lookClosely(wanted);
        }
        return ready;
    }

    /// The task is registered.
    fn fallAsleep(self: *Producer, wanted: u32) bool {
        const before = sync.fetchOr(&self.channel.head.word, sleep);
        self.head = position(before);
        self.mark();
        if (self.known() >= wanted or self.isClosed()) {
            _ = sync.fetchAnd(&self.channel.head.word, ~sleep);
            return true;
        }
        sync.raise(&self.channel.tail.sleeps, 1);
        return false;
    }

    /// The task of `words` is woken when the consumer closes. True when it has.
    pub fn watch(self: *Producer, words: abi.RawWaker) bool {
        if (self.mode & shut_mode == 0) register(self.channel, self.mode, abi.EndKind.sender, &self.channel.tail.cell, words);
        return self.isClosed();
    }

    /// Ends the producer's part (rule 4); the first reason counts.
    pub fn close(self: *Producer, reason_given: abi.RawError) void {
        if (sync.loadRelaxed(&self.channel.head.word) & closed == 0) {
            writeReason(&self.channel.tail, reason_given);
            _ = sync.fetchOr(&self.channel.head.word, closed);
            waker_cell.wakeRaw(&self.channel.head.cell);
        }
        self.shut();
    }

    /// Why the consumer closed; null if it has not, or gave no reason.
    pub fn reason(self: *const Producer) ?abi.RawError {
        if (sync.loadAcquire(&self.channel.tail.word) & closed == 0) return null;
        return readReason(&self.channel.head);
    }

    /// The producer goes; the last end frees.
    pub fn deinit(self: *Producer) void {
        self.close(.{});
        leave(self.channel, &self.channel.tail, self.mode, abi.EndKind.sender);
    }
};

/// The consumer's view of the ring. Whoever has it is the only one.
pub const Consumer = struct {
    channel: *abi.RawChannel,
    head: u32,
    /// The producer's position as last seen; the last one, once this end has closed.
    tail: u32,
    mask: u32,
    most: u32,
    patience: Patience = .default,
    mode: u8,

    pub fn open(channel: *abi.RawChannel) Consumer {
        const tail = sync.loadAcquire(&channel.tail.word);
        const is_shut = tail & closed != 0;
        return .{
            .channel = channel,
            .head = position(sync.loadAcquire(&channel.head.word)),
            .tail = if (is_shut) channel.head.last else position(tail),
            .mask = channel.mask,
            .most = sync.counted(&channel.head.tally),
            .mode = modeOf(channel) | if (is_shut) shut_mode else 0,
        };
    }

    /// How many items are there. Looks at the producer's position only if fewer than `wanted` are known to
    /// be.
    pub inline fn available(self: *Consumer, wanted: u32) u32 {
        const there = self.known();
        if (there >= wanted) return there;
        return if (wanted == 1) self.look() else self.lookFor(wanted);
    }

    inline fn known(self: *const Consumer) u32 {
        return distance(self.head, self.tail);
    }

    noinline fn look(self: *Consumer) u32 {
        if (self.mode != open_mode and !sync.bug(29)) return self.lookClosely(1);
        self.see(sync.loadAcquire(&self.channel.tail.word));
        return self.known();
    }

    fn lookFor(self: *Consumer, wanted: u32) u32 {
        return if (self.mode == open_mode) self.look() else self.lookClosely(wanted);
    }

    /// When the channel is monitored: what is known ends before the item that is sampled. Not less than wanted.
    noinline fn lookClosely(self: *Consumer, wanted: u32) u32 {
        @branchHint(.cold);
        if (self.mode & shut_mode != 0 or !can_watch) return self.known();
        self.see(sync.loadAcquire(&self.channel.tail.word));
        const there = self.known();
        const limit = host.zf1_profile_look(self.channel, abi.EndKind.receiver, self.head, there, wanted);
        if (there > limit) self.tail = advance(self.head, limit);
        return self.known();
    }

    fn see(self: *Consumer, word: u32) void {
        self.tail = position(word);
        const there = self.known();
        if (there > self.most) {
            sync.raise(&self.channel.head.tally, there - self.most);
            self.most = there;
        }
    }

    /// The slot of the item that comes `offset` items after the last released one.
    pub inline fn slot(self: *const Consumer, offset: u32) usize {
        return pos.slot(advance(self.head, offset), self.mask);
    }

    /// How many of the next `count` slots lie before the end of the memory.
    pub fn straight(self: *const Consumer, count: u32) usize {
        return pos.straight(self.head, self.mask, count);
    }

    /// Hands the next `count` slots, which are read, back to the producer (rule 1).
    pub inline fn release(self: *Consumer, count: u32) void {
        const before = sync.fetchAdd(&self.channel.head.word, count *% one, 31);
        self.head = advance(self.head, count);
        if (before & sleep != 0) self.flagged();
    }

    /// `release` that wakes nobody: whether the producer sleeps, which a `PeerWaker` or the next release is to mend. The
    /// flag stays set.
    pub fn releaseQuietly(self: *Consumer, count: u32) bool {
        const before = sync.fetchAdd(&self.channel.head.word, count *% one, 0);
        self.head = advance(self.head, count);
        return before & sleep != 0;
    }

    noinline fn flagged(self: *Consumer) void {
        @branchHint(.cold);
        _ = sync.fetchAnd(&self.channel.head.word, ~sleep);
        sync.raise(&self.channel.tail.wakes, 1);
        waker_cell.wakeRaw(&self.channel.tail.cell);
    }

    /// How many items there are.
    pub fn len(self: *const Consumer) u32 {
        const last = if (self.mode & shut_mode != 0) self.tail else position(sync.loadAcquire(&self.channel.tail.word));
        return distance(self.head, last);
    }

    /// True when there is no item and none will come (rule 6).
    pub fn isEnded(self: *Consumer) bool {
        const ended = self.isClosed() and (sync.bug(27) or self.available(1) == 0);
        if (ended and can_watch and self.mode & watched_mode != 0) _ = profileSleep(self.channel, abi.EndKind.receiver, Step.is_served);
        return ended;
    }

    /// True when the producer gives nothing more; what it gave may still be there.
    pub fn isClosed(self: *const Consumer) bool {
        return self.mode & shut_mode != 0 or sync.loadAcquire(&self.channel.head.word) & closed != 0;
    }

    /// Looks a few times more, if that has helped before; true when there are `wanted` items meanwhile, or
    /// the channel is closed.
    pub fn linger(self: *Consumer, wanted: u32) bool {
        if (can_watch and self.mode == watched_mode) _ = profileSleep(self.channel, abi.EndKind.receiver, Step.about_to);
        const Look = struct { ring: *Consumer, wanted: u32 };
        return self.patience.linger(Look{ .ring = self, .wanted = wanted }, struct {
            fn isSo(look_for: Look) bool {
                return look_for.ring.lookFor(look_for.wanted) >= look_for.wanted or look_for.ring.isClosed();
            }
        }.isSo);
    }

    /// Goes to sleep until there are `wanted` items or the channel is closed. True when that is so already;
    /// then nobody sleeps.
    pub fn goToSleep(self: *Consumer, wanted: u32, words: abi.RawWaker) bool {
        if (self.mode != open_mode) return self.goToSleepWatched(wanted, words);
        if (sync.loadAcquire(&self.channel.head.word) & closed != 0) return true;
        waker_cell.registerWords(&self.channel.head.cell, words);
        return self.fallAsleep(wanted);
    }

    noinline fn goToSleepWatched(self: *Consumer, wanted: u32, words: abi.RawWaker) bool {
        @branchHint(.cold);
        if (self.isClosed() or !can_watch) return true;
        registerWatched(self.channel, abi.EndKind.receiver, &self.channel.head.cell, words);
        const began = profileSleep(self.channel, abi.EndKind.receiver, Step.about_to);
        const ready = self.fallAsleep(wanted);
        if (ready) {
            if (began) _ = profileSleep(self.channel, abi.EndKind.receiver, Step.need_not);
            _ = self.lookClosely(wanted);
        }
        return ready;
    }

    /// The task is registered.
    fn fallAsleep(self: *Consumer, wanted: u32) bool {
        const before = if (sync.bug(22))
            sync.loadAcquire(&self.channel.tail.word)
        else
            sync.fetchOr(&self.channel.tail.word, sleep);
        if (sync.bug(25)) return false;
        self.see(before);
        if (self.known() >= wanted or self.isClosed()) {
            _ = sync.fetchAnd(&self.channel.tail.word, ~sleep);
            return true;
        }
        sync.raise(&self.channel.head.sleeps, 1);
        return false;
    }

    /// The task of `words` is woken when the producer closes. True when it has.
    pub fn watch(self: *Consumer, words: abi.RawWaker) bool {
        if (!self.isClosed()) register(self.channel, self.mode, abi.EndKind.receiver, &self.channel.head.cell, words);
        return self.isClosed();
    }

    /// Takes nothing that is published from now on (rules 4 and 5); the first reason counts.
    pub fn close(self: *Consumer, reason_given: abi.RawError) void {
        if (self.mode & shut_mode != 0) return;
        writeReason(&self.channel.head, reason_given);
        const word = if (sync.bug(21)) &self.channel.head.word else &self.channel.tail.word;
        const before = sync.fetchOr(word, closed);
        self.see(if (sync.bug(21)) sync.loadAcquire(&self.channel.tail.word) else before);
        self.mode |= shut_mode;
        if (can_watch and self.mode & watched_mode != 0) _ = profileSleep(self.channel, abi.EndKind.receiver, Step.is_served);
        self.channel.head.last = self.tail;
        if (!sync.bug(32)) waker_cell.wakeRaw(&self.channel.tail.cell);
    }

    /// Why the producer closed; null if it has not, or gave no reason.
    pub fn reason(self: *const Consumer) ?abi.RawError {
        if (sync.loadAcquire(&self.channel.head.word) & closed == 0) return null;
        return readReason(&self.channel.tail);
    }

    /// The consumer goes; the last end frees.
    pub fn deinit(self: *Consumer) void {
        self.close(.{});
        leave(self.channel, &self.channel.head, self.mode, abi.EndKind.receiver);
    }
};

/// How an end of this channel begins.
fn modeOf(channel: *const abi.RawChannel) u8 {
    if (!can_watch) return open_mode;
    return if (@atomicLoad(?*const anyopaque, &channel.profile, .acquire) == null) open_mode else watched_mode;
}

/// Until `endHush` the end of this mode looks no more closely than one that is not watched: the profile has locks, which a
/// handler must not wait for.
pub fn hush(mode: *u8) u8 {
    const watched = mode.* & watched_mode;
    mode.* &= ~watched_mode;
    return watched;
}

pub fn endHush(mode: *u8, watched: u8) void {
    mode.* |= watched;
}

/// What an end of a monitored channel tells Rust.
const Step = struct {
    const about_to: u32 = 0;
    const need_not: u32 = 1;
    const is_served: u32 = 2;
};

/// True if it is about to sleep, and did not wait before.
fn profileSleep(channel: *abi.RawChannel, kind: u32, step: u32) bool {
    return host.zf1_profile_sleep(channel, kind, step) != 0;
}

fn register(channel: *abi.RawChannel, mode: u8, kind: u32, cell: *abi.RawWakerCell, words: abi.RawWaker) void {
    if (can_watch and mode & watched_mode != 0) return registerWatched(channel, kind, cell, words);
    waker_cell.registerWords(cell, words);
}

/// Registers the task of an end of a monitored channel: Rust's watch is told of its wakes first.
fn registerWatched(channel: *abi.RawChannel, kind: u32, cell: *abi.RawWakerCell, words: abi.RawWaker) void {
    var watching: abi.RawWaker = .{};
    host.zf1_profile_waker(channel, kind, &words, &watching);
    waker_cell.registerWords(cell, watching);
    waker_cell.dropWords(watching);
}

/// Only the end itself writes, and only before it closes.
fn writeReason(end: *abi.RawEnd, reason: abi.RawError) void {
    sync.write(&end.reason);
    end.reason = reason;
}

/// The caller has seen `closed` of that end.
fn readReason(end: *abi.RawEnd) ?abi.RawError {
    sync.read(&end.reason);
    const none = end.reason.kind == abi.ErrorKind.zig and end.reason.name_ptr == null;
    return if (none) null else end.reason;
}

/// The end `own` goes; the last one frees.
fn leave(channel: *abi.RawChannel, own: *abi.RawEnd, mode: u8, kind: u32) void {
    waker_cell.closeRaw(&own.cell);
    if (can_watch and mode & watched_mode != 0) host.zf1_profile_gone(channel, kind);
    reference.release(channel, 30);
}
