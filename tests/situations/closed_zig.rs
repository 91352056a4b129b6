//! Who waits in Zig for nothing but the end of a channel, by a poll or asleep.
#![forbid(unsafe_code)]

use std::task::Context;
use std::thread;

use zigflow::abi::RawWaker;
use zigflow::channel::Snapshot;
use zigflow::{ZigError, mpmc, spsc};
use zigflow_tests::task::{Task, until};

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    /// An end of any kind and, if it waits for that in a place of its own, the place.
    const End = struct {
        end: union(enum) {
            tx: zigflow.spsc.Sender(u32),
            rx: zigflow.spsc.Receiver(u32),
            many_tx: zigflow.mpmc.Sender(u32),
            many_rx: zigflow.mpmc.Receiver(u32),
        },
        watch: ?zigflow.mpmc.Watch(u32) = null,

        pub const sendable = true;

        pub fn ofTx(end: zigflow.spsc.Sender(u32)) End {
            return .{ .end = .{ .tx = end } };
        }

        pub fn ofRx(end: zigflow.spsc.Receiver(u32)) End {
            return .{ .end = .{ .rx = end } };
        }

        pub fn ofManyTx(end: zigflow.mpmc.Sender(u32)) End {
            return .{ .end = .{ .many_tx = end } };
        }

        pub fn ofManyRx(end: zigflow.mpmc.Receiver(u32)) End {
            return .{ .end = .{ .many_rx = end } };
        }

        pub fn pollClosed(self: *End, data: usize, vtable: usize) bool {
            const cx: zigflow.Context = .{ .waker = .{ .raw = .{ .data = @ptrFromInt(data), .vtable = @ptrFromInt(vtable) } } };
            switch (self.end) {
                inline .tx, .rx => |*end| return end.pollClosed(&cx),
                inline .many_tx, .many_rx => |*end| {
                    if (self.watch == null) self.watch = end.watch();
                    return self.watch.?.poll(&cx);
                },
            }
        }

        pub fn closedBlocking(self: *End) void {
            switch (self.end) {
                inline else => |*end| end.closedBlocking(),
            }
        }

        pub fn closedWithin(self: *End, timeout_ns: u64) bool {
            return switch (self.end) {
                inline else => |*end| end.closedBlockingTimeout(timeout_ns),
            };
        }

        pub fn deinit(self: *End) void {
            if (self.watch) |*watch| watch.deinit();
            switch (self.end) {
                inline else => |*end| end.deinit(),
            }
        }
    };
    ---
    type End: Send;
    impl End {
        fn of_tx(end: spsc::ZigSender<u32>) -> Result<Self, ZigError>;
        fn of_rx(end: spsc::ZigReceiver<u32>) -> Result<Self, ZigError>;
        fn of_many_tx(end: mpmc::ZigSender<u32>) -> Result<Self, ZigError>;
        fn of_many_rx(end: mpmc::ZigReceiver<u32>) -> Result<Self, ZigError>;
        fn poll_closed(&mut self, data: usize, vtable: usize) -> bool;
        fn closed_blocking(&mut self);
        fn closed_within(&mut self, timeout_ns: u64) -> bool;
    }
}

/// An end in Zig and, in Rust, what closes the channel and what must not wake it.
struct Case {
    zig: End,
    traffic: Box<dyn FnMut() + Send>,
    close: Box<dyn FnOnce() + Send>,
    /// How many wait in the list of those who wait for room or items.
    sleeps: Box<dyn Fn() -> u32 + Send>,
}

/// Of each kind: the other end closes, or goes.
fn cases(goes: bool) -> Vec<Case> {
    let sender_sleeps = |snapshot: Snapshot| snapshot.sender_sleeps;
    let mut all = Vec::new();
    let (tx, rx) = spsc::channel::<u32>(2);
    let rx = std::sync::Arc::new(std::sync::Mutex::new(Some(rx)));
    let (there, seen) = (rx.clone(), rx.clone());
    all.push(Case {
        zig: End::of_tx(tx.into_zig()).unwrap(),
        traffic: Box::new(|| {}),
        close: Box::new(move || {
            let mut rx = there.lock().unwrap().take().unwrap();
            if goes { drop(rx) } else { rx.close() }
        }),
        sleeps: Box::new(move || {
            seen.lock().unwrap().as_ref().map_or(0, |rx| sender_sleeps(rx.snapshot()))
        }),
    });
    let (mut tx, rx) = spsc::channel::<u32>(2);
    let (to, from) = std::sync::mpsc::channel::<()>();
    all.push(Case {
        zig: End::of_rx(rx.into_zig()).unwrap(),
        traffic: Box::new(move || to.send(()).unwrap()),
        close: Box::new(move || {
            from.try_iter().for_each(|()| tx.try_send(1).unwrap());
            if goes { drop(tx) } else { tx.close() }
        }),
        sleeps: Box::new(|| 0),
    });
    let (tx, rx) = mpmc::channel::<u32>(2);
    let (other, seen) = (rx.clone(), rx.downgrade());
    all.push(Case {
        zig: End::of_many_tx(tx.into_zig()).unwrap(),
        traffic: Box::new(move || assert!(other.try_recv().is_err())),
        close: Box::new(move || if goes { drop(rx) } else { rx.close() }),
        sleeps: Box::new(move || seen.upgrade().map_or(0, |rx| sender_sleeps(rx.snapshot()))),
    });
    let (tx, rx) = mpmc::channel::<u32>(2);
    let other = tx.clone();
    all.push(Case {
        zig: End::of_many_rx(rx.into_zig()).unwrap(),
        traffic: Box::new(move || assert!(other.try_send(1).is_ok())),
        close: Box::new(move || if goes { drop(tx) } else { tx.close() }),
        sleeps: Box::new(|| 0),
    });
    all
}

fn poll(task: &Task, end: &mut End) -> bool {
    let waker = task.waker();
    let RawWaker { data, vtable } = RawWaker::of(Context::from_waker(&waker).waker());
    end.poll_closed(data.expose_provenance(), vtable.expose_provenance())
}

#[test]
fn the_end_wakes_who_polls_for_it_and_traffic_does_not() {
    for goes in [false, true] {
        for (n, mut case) in cases(goes).into_iter().enumerate() {
            let task = Task::new();
            assert!(!poll(&task, &mut case.zig) && !poll(&task, &mut case.zig));
            (case.traffic)();
            assert_eq!((task.wakes(), (case.sleeps)()), (0, 0), "case {n}");
            // The clones of one more end in the closure go with it.
            drop(case.traffic);
            drop(case.sleeps);
            (case.close)();
            assert!(task.wakes() >= 1, "case {n}");
            assert!(poll(&task, &mut case.zig) && poll(&task, &mut case.zig));
            drop(case.zig);
            assert_eq!(task.wakers(), 0, "case {n}");
        }
    }
}

#[test]
fn a_thread_sleeps_until_the_end() {
    for goes in [false, true] {
        for mut case in cases(goes) {
            assert!(!case.zig.closed_within(1_000_000));
            drop((case.traffic, case.sleeps));
            let (mut end, close) = (case.zig, case.close);
            let thread = thread::spawn(move || {
                end.closed_blocking();
                end.closed_within(0)
            });
            close();
            assert!(thread.join().unwrap());
        }
    }
}

/// An end that waits for its own channel's end may go.
#[test]
fn who_waits_for_the_end_may_go() {
    for mut case in cases(true) {
        let task = Task::new();
        assert!(!poll(&task, &mut case.zig));
        drop(case.zig);
        assert_eq!(task.wakers(), 0);
    }
    let (tx, rx) = mpmc::channel::<u32>(1);
    let mut end = End::of_many_tx(tx.clone().into_zig()).unwrap();
    let task = Task::new();
    assert!(!poll(&task, &mut end));
    drop(end);
    // The others go on.
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    drop(rx);
    until(|| tx.is_closed());
    assert_eq!(task.wakes(), 0);
}
