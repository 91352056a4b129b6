//! The Zig ends of channels, for the models to call. The handles lie in memory that Rust gives.

const std = @import("std");
const zigflow = @import("zigflow");

const Tx = zigflow.spsc.Sender(u32);
const Rx = zigflow.spsc.Receiver(u32);

/// Bytes that every handle fits into; Rust asks.
export fn model_handle_bytes() usize {
    return @max(@sizeOf(Tx), @sizeOf(Rx), @sizeOf(Peer));
}

const done: u32 = 0;
const not_now: u32 = 1;
const closed: u32 = 2;

fn context(waker: *const zigflow.abi.RawWaker) zigflow.Context {
    return .{ .waker = .{ .raw = waker.* } };
}

export fn model_spsc_tx_open(raw: *zigflow.RawSender, tx: *Tx) bool {
    tx.* = Tx.open(raw) catch return false;
    return true;
}

export fn model_spsc_tx_try_send(tx: *Tx, item: u32) u32 {
    tx.trySend(item) catch |e| return if (e == error.Full) not_now else closed;
    return done;
}

export fn model_spsc_tx_try_send_quiet(tx: *Tx, item: u32, due: *bool) u32 {
    due.* = tx.trySendQuiet(item) catch |e| return if (e == error.Full) not_now else closed;
    return done;
}

const Peer = @TypeOf(@as(*Tx, undefined).peerWaker());

export fn model_spsc_tx_peer(tx: *Tx, peer: *Peer) void {
    peer.* = tx.peerWaker();
}

export fn model_peer_wake(peer: *const Peer) void {
    peer.wake();
}

export fn model_peer_deinit(peer: *Peer) void {
    peer.deinit();
}

export fn model_spsc_tx_try_send_many(tx: *Tx, items: [*]const u32, len: usize, sent: *usize) u32 {
    sent.* = tx.trySendMany(items[0..len]) catch return closed;
    return done;
}

export fn model_spsc_tx_poll_ready(tx: *Tx, waker: *const zigflow.abi.RawWaker) u32 {
    const ready = tx.pollReady(&context(waker)) catch return closed;
    return if (ready) done else not_now;
}

export fn model_spsc_tx_close(tx: *Tx, code: i32) void {
    tx.closeWithCode(code);
}

export fn model_spsc_tx_reason(tx: *Tx) i32 {
    return codeOf(tx.reason());
}

export fn model_spsc_tx_deinit(tx: *Tx) void {
    tx.deinit();
}

export fn model_spsc_rx_open(raw: *zigflow.RawReceiver, rx: *Rx) bool {
    rx.* = Rx.open(raw) catch return false;
    return true;
}

export fn model_spsc_rx_try_recv(rx: *Rx, item: *u32) u32 {
    item.* = rx.tryRecv() catch |e| return if (e == error.Empty) not_now else closed;
    return done;
}

export fn model_spsc_rx_try_recv_many(rx: *Rx, items: [*]u32, len: usize, received: *usize) u32 {
    received.* = rx.tryRecvMany(items[0..len]) catch |e| return if (e == error.Empty) not_now else closed;
    return done;
}

export fn model_spsc_rx_poll_recv(rx: *Rx, waker: *const zigflow.abi.RawWaker, item: *u32) u32 {
    const received = rx.pollRecv(&context(waker)) catch return closed;
    item.* = received orelse return not_now;
    return done;
}

export fn model_spsc_rx_close(rx: *Rx, code: i32) void {
    rx.closeWithCode(code);
}

export fn model_spsc_rx_reason(rx: *Rx) i32 {
    return codeOf(rx.reason());
}

export fn model_spsc_rx_deinit(rx: *Rx) void {
    rx.deinit();
}

fn codeOf(reason: ?zigflow.spsc.Reason) i32 {
    return if (reason) |given| given.code else 0;
}

const MTx = zigflow.mpmc.Sender(u32);
const MRx = zigflow.mpmc.Receiver(u32);

export fn model_mpmc_handle_bytes() usize {
    return @max(@sizeOf(MTx), @sizeOf(MRx), @sizeOf(MTx.Grant));
}

export fn model_mpmc_tx_open(raw: *zigflow.RawSender, tx: *MTx) bool {
    tx.* = MTx.open(raw) catch return false;
    return true;
}

export fn model_mpmc_tx_try_send(tx: *MTx, item: u32) u32 {
    tx.trySend(item) catch |e| return if (e == error.Full) not_now else closed;
    return done;
}

export fn model_mpmc_tx_try_send_many(tx: *MTx, items: [*]const u32, len: usize, sent: *usize) u32 {
    sent.* = tx.trySendMany(items[0..len]) catch return closed;
    return done;
}

/// Room, of which the place is told.
export fn model_mpmc_tx_reserve(tx: *MTx, grant: *MTx.Grant) ?*u32 {
    grant.* = tx.tryReserve() catch return null;
    return grant.item;
}

export fn model_mpmc_grant_commit(grant: *MTx.Grant) void {
    grant.commit();
}

export fn model_mpmc_grant_abandon(grant: *MTx.Grant) void {
    grant.abandon();
}

/// Sends, or waits for room.
export fn model_mpmc_tx_poll_send(tx: *MTx, waker: *const zigflow.abi.RawWaker, item: u32) u32 {
    while (true) {
        tx.trySend(item) catch |e| {
            if (e == error.Closed) return closed;
            const ready = tx.pollReady(&context(waker)) catch return closed;
            if (ready) continue;
            return not_now;
        };
        return done;
    }
}

export fn model_mpmc_tx_force_send(tx: *MTx, item: u32) u32 {
    _ = tx.forceSend(item) catch |e| return if (e == error.Full) not_now else closed;
    return done;
}

export fn model_mpmc_tx_len(tx: *MTx) usize {
    return tx.len();
}

export fn model_mpmc_tx_close(tx: *MTx, code: i32) void {
    tx.closeWithCode(code);
}

export fn model_mpmc_tx_deinit(tx: *MTx) void {
    tx.deinit();
}

export fn model_mpmc_rx_open(raw: *zigflow.RawReceiver, rx: *MRx) bool {
    rx.* = MRx.open(raw) catch return false;
    return true;
}

export fn model_mpmc_rx_try_recv(rx: *MRx, item: *u32) u32 {
    item.* = rx.tryRecv() catch |e| return if (e == error.Empty) not_now else closed;
    return done;
}

export fn model_mpmc_rx_try_recv_quiet(rx: *MRx, item: *u32, due: *bool) u32 {
    const received = rx.tryRecvQuiet() catch |e| return if (e == error.Empty) not_now else closed;
    item.* = received.item;
    due.* = received.wake_due;
    return done;
}

export fn model_mpmc_rx_peer(rx: *MRx, peer: *Peer) void {
    peer.* = rx.peerWaker();
}

/// `tryRead`, and releases what it got.
export fn model_mpmc_rx_read(rx: *MRx, item: *u32) u32 {
    var grant = rx.tryRead() catch |e| return if (e == error.Empty) not_now else closed;
    item.* = grant.item().*;
    grant.release();
    return done;
}

export fn model_mpmc_rx_poll_recv(rx: *MRx, waker: *const zigflow.abi.RawWaker, item: *u32) u32 {
    const received = rx.pollRecv(&context(waker)) catch return closed;
    item.* = received orelse return not_now;
    return done;
}

export fn model_mpmc_rx_close(rx: *MRx, code: i32) void {
    rx.closeWithCode(code);
}

export fn model_mpmc_rx_deinit(rx: *MRx) void {
    rx.deinit();
}
