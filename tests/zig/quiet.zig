//! Quiet verbs of Zig's ends, of both flavours. `quiet.rs` is the other half.

const std = @import("std");
const zigflow = @import("zigflow");
const abi = zigflow.abi;

const none_due: u32 = 0;
const due: u32 = 1;
const not_now: u32 = 2;
const closed: u32 = 3;

fn of(wake_due: bool) u32 {
    return if (wake_due) due else none_due;
}

const Waker = @TypeOf(@as(*zigflow.spsc.Sender(u64), undefined).peerWaker());

fn Verbs(comptime flavor: type) type {
    return struct {
        const Tx = flavor.Sender(u64);
        const Rx = flavor.Receiver(u64);

        fn held(comptime End: type, raw: *abi.RawEnd) ?*End {
            const place = zigflow.allocator.create(End) catch return null;
            place.* = End.open(raw) catch return null;
            return place;
        }
        fn txOpen(raw: *abi.RawEnd) callconv(.c) ?*Tx {
            return held(Tx, raw);
        }
        fn txSend(tx: *Tx, item: u64) callconv(.c) u32 {
            return of(tx.trySendQuiet(item) catch |e| return if (e == error.Full) not_now else closed);
        }
        fn txWaker(tx: *Tx) callconv(.c) ?*Waker {
            return keep(tx.peerWaker());
        }
        fn txDeinit(tx: *Tx) callconv(.c) void {
            tx.deinit();
            zigflow.allocator.destroy(tx);
        }
        fn rxOpen(raw: *abi.RawEnd) callconv(.c) ?*Rx {
            return held(Rx, raw);
        }
        fn rxRecv(rx: *Rx, out: *u64) callconv(.c) u32 {
            const received = rx.tryRecvQuiet() catch |e| return if (e == error.Empty) not_now else closed;
            out.* = received.item;
            return of(received.wake_due);
        }
        fn rxWaker(rx: *Rx) callconv(.c) ?*Waker {
            return keep(rx.peerWaker());
        }
        fn rxDeinit(rx: *Rx) callconv(.c) void {
            rx.deinit();
            zigflow.allocator.destroy(rx);
        }

        const Table = extern struct {
            tx_open: *const fn (*abi.RawEnd) callconv(.c) ?*Tx = txOpen,
            tx_send: *const fn (*Tx, u64) callconv(.c) u32 = txSend,
            tx_waker: *const fn (*Tx) callconv(.c) ?*Waker = txWaker,
            tx_deinit: *const fn (*Tx) callconv(.c) void = txDeinit,
            rx_open: *const fn (*abi.RawEnd) callconv(.c) ?*Rx = rxOpen,
            rx_recv: *const fn (*Rx, *u64) callconv(.c) u32 = rxRecv,
            rx_waker: *const fn (*Rx) callconv(.c) ?*Waker = rxWaker,
            rx_deinit: *const fn (*Rx) callconv(.c) void = rxDeinit,
        };
    };
}

export const zft_quiet_spsc: Verbs(zigflow.spsc).Table = .{};
export const zft_quiet_mpmc: Verbs(zigflow.mpmc).Table = .{};

fn keep(waker: Waker) ?*Waker {
    const place = zigflow.allocator.create(Waker) catch return null;
    place.* = waker;
    return place;
}

export fn zft_quiet_wake(waker: *const Waker) void {
    waker.wake();
}

export fn zft_quiet_drop(waker: *Waker) void {
    waker.deinit();
    zigflow.allocator.destroy(waker);
}
