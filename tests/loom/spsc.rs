//! The channel with one sender and one receiver, with its ends in Rust and in compiled Zig: every item arrives
//! once and in order, or comes back; whoever waits is woken; the memory is freed once, after its last use.
//!
//! Every scenario runs for all pairs of languages. The last tests sow bugs, one at a time, in one language
//! at a time, and expect a scenario to fail.
#![cfg(loom)]

use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};

use loom::thread;
use zigflow_loom::ends::Outcome::{Closed, Done, NotNow};
use zigflow_loom::ends::{Rx, Tx, spsc};
use zigflow_loom::explore::Side;
use zigflow_loom::task::Task;

fn explore(name: &str, bound: Option<usize>, scenario: fn(Side, Side)) {
    zigflow_loom::explore::explore(["sender", "receiver"], name, bound, scenario);
}

/// The number of items that positions have room for, minus two: items wrap them around.
const NEAR_THE_WRAP: u32 = (1 << 30) - 2;

/// Polls up to `polls` times, with a new task each time if `swap`, and keeps what comes. `Err` if the last poll was
/// pending: the task and its wakes before it.
fn poll(
    rx: &mut Rx,
    polls: u32,
    swap: bool,
    live: &StdArc<StdUsize>,
    items: &mut Vec<u32>,
) -> Result<(), (&'static Task, u32)> {
    let (mut task, mut waker) = Task::new(live);
    let mut last = Ok(());
    for n in 0..polls {
        if swap && n > 0 {
            (task, waker) = Task::new(live);
        }
        let before = task.wakes();
        last = match rx.poll_recv(&waker) {
            Done(item) => {
                items.push(item);
                Ok(())
            }
            NotNow => Err((task, before)),
            Closed => break,
        };
    }
    last
}

/// What is left once the other side has done all it will; the end must be there then if `ended`.
fn drain(rx: &mut Rx, items: &mut Vec<u32>, ended: bool) {
    loop {
        match rx.try_recv() {
            Done(item) => items.push(item),
            NotNow if !ended => return,
            NotNow => panic!("LOST END"),
            Closed => return,
        }
    }
}

fn expect_woken(last: Result<(), (&'static Task, u32)>) {
    if let Err((task, before)) = last {
        assert!(task.wakes() > before, "LOST WAKEUP");
    }
}

fn expect_items(items: &[u32], count: u32) {
    assert!(items.iter().copied().eq(1..=count), "LOST ITEM: {items:?} of {count}");
}

fn expect_no_waker(live: &StdUsize) {
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
}

/// A sender fills a channel that has room for all and goes; the receiver polls meanwhile.
fn items_arrive(count: u32, polls: u32, swap: bool, capacity: usize, start: u32, a: Side, b: Side) {
    let live = StdArc::new(StdUsize::new(0));
    let (mut tx, mut rx) = spsc(capacity, start, a, b);
    let sender = thread::spawn(move || {
        for item in 1..=count {
            assert_eq!(tx.try_send(item), Done(()), "there is room");
        }
        tx
    });
    let mut items = Vec::new();
    let last = poll(&mut rx, polls, swap, &live, &mut items);
    let tx = sender.join().unwrap();
    let missing = items.len() < count as usize;
    if missing {
        expect_woken(last);
    }
    drain(&mut rx, &mut items, false);
    expect_items(&items, count);
    drop(tx);
    drain(&mut rx, &mut items, true);
    drop(rx);
    expect_no_waker(&live);
}

#[test]
fn one_item() {
    explore("one_item", None, |a, b| items_arrive(1, 2, true, 1, 0, a, b));
}

#[test]
fn two_items_across_the_wrap() {
    explore("two_items_across_the_wrap", None, |a, b| {
        items_arrive(2, 3, false, 2, NEAR_THE_WRAP, a, b)
    });
}

#[test]
fn three_items() {
    explore("three_items", Some(3), |a, b| items_arrive(3, 3, false, 4, 0, a, b));
}

/// The sender closes with a reason while the receiver polls: the items first, then the reason, once.
#[test]
fn the_sender_closes() {
    explore("the_sender_closes", None, |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = spsc(2, 0, a, b);
        let sender = thread::spawn(move || {
            assert_eq!(tx.try_send(1), Done(()));
            tx.close(7);
            assert_eq!(tx.try_send(2), Closed);
        });
        let mut items = Vec::new();
        let (task, waker) = Task::new(&live);
        let mut pending = None;
        for _ in 0..2 {
            let before = task.wakes();
            pending = None;
            match rx.poll_recv(&waker) {
                Done(item) => items.push(item),
                NotNow => pending = Some((task, before)),
                // Told already.
                Closed => break,
            }
        }
        let told = pending.is_none() && items.len() < 2;
        sender.join().unwrap();
        expect_woken(pending.map_or(Ok(()), Err));
        if pending.is_some() || !told {
            drain_to_reason(&mut rx, &mut items);
        }
        expect_items(&items, 1);
        assert_eq!(rx.try_recv(), Closed, "LOST END");
        drop((rx, waker));
        expect_no_waker(&live);
    });
}

fn drain_to_reason(rx: &mut Rx, items: &mut Vec<u32>) {
    while items.is_empty() {
        match rx.try_recv() {
            Done(item) => items.push(item),
            other => panic!("LOST ITEM: {other:?}"),
        }
    }
    let code = rx.end();
    assert!(code == 7 || code == 0, "another reason: {code}");
}

/// The sender sends and goes while the receiver looks: who sees the end has seen every item.
#[test]
fn the_sender_goes() {
    explore("the_sender_goes", None, |a, b| {
        let (mut tx, mut rx) = spsc(2, 0, a, b);
        let sender = thread::spawn(move || {
            assert_eq!(tx.try_send(1), Done(()));
            assert_eq!(tx.try_send(2), Done(()));
        });
        let mut items = Vec::new();
        for _ in 0..3 {
            match rx.try_recv() {
                Done(item) => items.push(item),
                NotNow => {}
                Closed => expect_items(&items, 2),
            }
        }
        sender.join().unwrap();
        drain(&mut rx, &mut items, true);
        expect_items(&items, 2);
    });
}

/// The receiver makes room while the sender waits for it.
fn room_comes(count: u32, polls: u32, start: u32, a: Side, b: Side) {
    let live = StdArc::new(StdUsize::new(0));
    let (mut tx, mut rx) = spsc(1, start, a, b);
    assert_eq!(tx.try_send(1), Done(()));
    let receiver = thread::spawn(move || {
        let mut items = Vec::new();
        for _ in 0..count {
            if let Done(item) = rx.try_recv() {
                items.push(item);
            }
        }
        (rx, items)
    });
    let (task, waker) = Task::new(&live);
    let (mut sent, mut last) = (1, Ok(()));
    for _ in 0..polls {
        let before = task.wakes();
        last = Err((task, before));
        if tx.poll_ready(&waker) == Done(()) {
            assert_eq!(tx.try_send(sent + 1), Done(()), "LOST ROOM");
            sent += 1;
            last = Ok(());
        }
    }
    let (mut rx, mut items) = receiver.join().unwrap();
    if items.len() == sent as usize {
        expect_woken(last);
    }
    drop(tx);
    drain(&mut rx, &mut items, true);
    expect_items(&items, sent);
    drop((rx, waker));
    expect_no_waker(&live);
}

#[test]
fn room_for_one() {
    explore("room_for_one", None, |a, b| room_comes(1, 2, 0, a, b));
}

#[test]
fn room_for_two_across_the_wrap() {
    explore("room_for_two_across_the_wrap", None, |a, b| room_comes(2, 2, NEAR_THE_WRAP, a, b));
}

/// The receiver closes while the sender sends: each item is delivered or comes back, never both.
fn the_receiver_closes(sends: u32, receives: u32, drop_it: bool, a: Side, b: Side) {
    let live = StdArc::new(StdUsize::new(0));
    let (mut tx, mut rx) = spsc(4, 0, a, b);
    let sender = thread::spawn(move || {
        let sent = (1..=sends).take_while(|item| tx.try_send(*item) == Done(())).count() as u32;
        (tx, sent)
    });
    let mut items = Vec::new();
    for _ in 0..receives {
        if let Done(item) = rx.try_recv() {
            items.push(item);
        }
    }
    rx.close(5);
    if drop_it {
        drop(rx);
        let (mut tx, _) = sender.join().unwrap();
        assert_eq!(tx.try_send(9), Closed, "LOST CLOSE");
        assert_eq!(tx.reason(), 5);
    } else {
        drain(&mut rx, &mut items, true);
        let (mut tx, sent) = sender.join().unwrap();
        assert_eq!(tx.try_send(9), Closed, "LOST CLOSE");
        assert_eq!(rx.try_recv(), Closed, "an item after the end");
        expect_items(&items, sent);
        drop((tx, rx));
    }
    expect_no_waker(&live);
}

#[test]
fn the_receiver_closes_and_drains() {
    explore("the_receiver_closes_and_drains", None, |a, b| the_receiver_closes(3, 1, false, a, b));
}

#[test]
fn the_receiver_goes() {
    explore("the_receiver_goes", None, |a, b| the_receiver_closes(2, 1, true, a, b));
}

/// A sender that waits for room is woken when the receiver goes.
#[test]
fn a_waiting_sender_is_released() {
    explore("a_waiting_sender_is_released", None, |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, rx) = spsc(1, 0, a, b);
        assert_eq!(tx.try_send(1), Done(()));
        let receiver = thread::spawn(move || drop(rx));
        let (task, waker) = Task::new(&live);
        let before = task.wakes();
        let answer = tx.poll_ready(&waker);
        receiver.join().unwrap();
        match answer {
            Closed => {}
            NotNow => assert!(task.wakes() > before, "LOST WAKEUP"),
            Done(()) => panic!("there is no room"),
        }
        assert_eq!(tx.poll_ready(&waker), Closed, "LOST CLOSE");
        drop((tx, waker));
        expect_no_waker(&live);
    });
}

/// Both ends go at once, one of them while its task waits: the memory is freed once, after its last use.
#[test]
fn both_go() {
    explore("both_go", None, |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = spsc(1, 0, a, b);
        let sender = thread::spawn(move || {
            let _ = tx.try_send(1);
        });
        let mut items = Vec::new();
        let _ = poll(&mut rx, 1, false, &live, &mut items);
        drop(rx);
        sender.join().unwrap();
        expect_no_waker(&live);
    });
}

/// A wait that is given up leaves nothing behind: the item is there for the next one.
#[test]
fn a_wait_is_given_up() {
    explore("a_wait_is_given_up", None, |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = spsc(1, 0, a, b);
        let sender = thread::spawn(move || {
            assert_eq!(tx.try_send(1), Done(()));
            let (_, waker) = Task::new(&StdArc::new(StdUsize::new(0)));
            // Given up at once.
            let _ = tx.poll_ready(&waker);
            tx
        });
        let mut items = Vec::new();
        // The first task waits, and is cancelled; the second one comes.
        let last = poll(&mut rx, 2, true, &live, &mut items);
        let tx: Tx = sender.join().unwrap();
        if items.is_empty() {
            expect_woken(last);
        }
        drain(&mut rx, &mut items, false);
        expect_items(&items, 1);
        drop((tx, rx));
        expect_no_waker(&live);
    });
}

/// A quiet send, and then the wake that is due.
#[test]
fn a_quiet_send_and_its_wake() {
    explore("a_quiet_send_and_its_wake", None, |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = spsc(1, 0, a, b);
        let sender = thread::spawn(move || {
            let Done(due) = tx.try_send_quiet(1) else { panic!("there is room") };
            if due {
                tx.peer_waker().wake();
            }
            tx
        });
        let mut items = Vec::new();
        let last = poll(&mut rx, 2, true, &live, &mut items);
        let tx = sender.join().unwrap();
        if items.is_empty() {
            expect_woken(last);
        }
        drain(&mut rx, &mut items, false);
        expect_items(&items, 1);
        drop((tx, rx));
        expect_no_waker(&live);
    });
}

/// Another thread wakes whenever it likes, and goes, beside a quiet send and a receiver that goes.
#[test]
fn a_peer_waker_beside_everything() {
    explore("a_peer_waker_beside_everything", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = spsc(1, 0, a, b);
        let (other, peer) = (tx.peer_waker(), tx.peer_waker());
        let waker = thread::spawn(move || {
            other.wake();
            drop(other);
        });
        let sender = thread::spawn(move || {
            let due = tx.try_send_quiet(1);
            drop(tx);
            due
        });
        let mut items = Vec::new();
        let last = poll(&mut rx, 1, false, &live, &mut items);
        waker.join().unwrap();
        assert!(matches!(sender.join().unwrap(), Done(_)));
        peer.wake();
        if items.is_empty() {
            expect_woken(last);
        }
        drain(&mut rx, &mut items, true);
        expect_items(&items, 1);
        drop(rx);
        peer.wake();
        drop(peer);
        expect_no_waker(&live);
    });
}

/// Batches: published in one step, received in one step.
#[test]
fn batches() {
    explore("batches", None, |a, b| {
        let (mut tx, mut rx) = spsc(3, NEAR_THE_WRAP, a, b);
        let sender = thread::spawn(move || {
            let mut sent = 0;
            let all = [1, 2, 3, 4];
            for _ in 0..2 {
                let Done(count) = tx.try_send_many(&all[sent..]) else { panic!("LOST CLOSE") };
                sent += count;
            }
            sent as u32
        });
        let mut items = Vec::new();
        for _ in 0..2 {
            if let Done(more) = rx.try_recv_many(4) {
                items.extend(more);
            }
        }
        let sent = sender.join().unwrap();
        assert!(sent >= 3, "LOST ROOM");
        drain(&mut rx, &mut items, true);
        expect_items(&items, sent);
    });
}

/// Runs `scenario` in a child with bug `number` sown; it must fail, and say why.
fn finds(number: u32, scenario: &str) {
    let words =
        ["LOST", "Causality", "after the end", "a waker", "used before", "double free", "given"];
    zigflow_loom::explore::finds(number, scenario, &words);
}

#[test]
fn sown_34_a_quiet_send_owes_no_wake() {
    finds(34, "a_quiet_send_and_its_wake");
}

#[test]
fn sown_20_a_publish_by_load_and_store_erases_the_flags() {
    finds(20, "one_item");
}

#[test]
fn sown_21_the_receiver_closes_in_its_own_word() {
    finds(21, "the_receiver_closes_and_drains");
}

#[test]
fn sown_22_the_sleeper_does_not_tell() {
    finds(22, "one_item");
}

#[test]
fn sown_23_only_the_first_item_of_an_empty_ring_wakes() {
    finds(23, "three_items");
}

#[test]
fn sown_24_a_publish_orders_nothing() {
    finds(24, "one_item");
}

#[test]
fn sown_25_the_sleeper_does_not_look_again() {
    finds(25, "one_item");
}

#[test]
fn sown_26_the_flag_is_cleared_after_the_wake() {
    finds(26, "items_for_a_task_that_waits_twice");
}

#[test]
fn sown_27_a_closed_channel_is_not_looked_at_again() {
    finds(27, "the_sender_goes");
}

#[test]
fn sown_28_a_refused_item_counts_as_sent() {
    finds(28, "the_receiver_closes_and_drains");
}

#[test]
fn sown_29_a_closed_receiver_goes_on_looking() {
    finds(29, "the_receiver_closes_and_drains");
}

#[test]
fn sown_30_the_last_reference_orders_nothing() {
    finds(30, "both_go");
}

#[test]
fn sown_31_a_release_orders_nothing() {
    finds(31, "room_for_two_across_the_wrap");
}

#[test]
fn sown_32_who_closes_does_not_wake() {
    finds(32, "a_waiting_sender_is_released");
}

/// Without compare-and-swap: sending, sleeping and closing, all against each other.
#[test]
fn items_by_sections() {
    by_sections("items", None, |a, b| items_arrive(2, 2, false, 2, NEAR_THE_WRAP, a, b));
}

#[test]
fn room_by_sections() {
    by_sections("room", None, |a, b| room_comes(1, 2, 0, a, b));
}

#[test]
fn closing_by_sections() {
    by_sections("closing", None, |a, b| the_receiver_closes(2, 1, false, a, b));
}

fn by_sections(name: &str, bound: Option<usize>, scenario: fn(Side, Side)) {
    zigflow_loom::explore::explore_by_sections(["sender", "receiver"], name, bound, scenario);
}

#[test]
fn sown_119_a_word_is_changed_outside_of_a_critical_section() {
    finds(119, "items_by_sections");
    finds(119, "room_by_sections");
    finds(119, "closing_by_sections");
}

#[test]
fn sown_20_a_position_is_stored_where_a_section_changes_it() {
    finds(20, "items_by_sections");
}

#[test]
fn sown_33_the_receiver_hands_a_slot_back_before_it_has_read_it() {
    finds(33, "room_for_two_across_the_wrap");
}

/// The task waits, is woken, and waits again.
#[test]
fn items_for_a_task_that_waits_twice() {
    explore("items_for_a_task_that_waits_twice", Some(3), |a, b| {
        items_arrive(2, 3, false, 2, 0, a, b)
    });
}
