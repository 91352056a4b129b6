//! The channel with many ends, with its ends in Rust and in compiled Zig: every item arrives once, nobody who
//! waits is forgotten, the memory is freed once, after its last use.
//!
//! Every scenario runs for all pairs of languages. The last tests sow bugs, one at a time, in one language
//! at a time, and expect a scenario to fail.
#![cfg(loom)]

use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicUsize as StdUsize;
use std::task::Context;

use loom::thread;
use zigflow_loom::ends::Outcome::{Closed, Done, NotNow};
use zigflow_loom::explore::Side;
use zigflow_loom::many_ends::{Rx, Tx, mpmc};
use zigflow_loom::scenarios::{self, received, waiting};
use zigflow_loom::task::Task;
use zigflow_loom::waiting::{Sending, Waiting, expect_all, expect_no_waker, settle};

fn explore(name: &str, bound: Option<usize>, scenario: fn(Side, Side)) {
    zigflow_loom::explore::explore(["senders", "receivers"], name, bound, scenario);
}

#[test]
fn one_item_for_one_of_two_receivers() {
    explore("one_item_for_one_of_two_receivers", Some(3), |a, b| {
        scenarios::one_sender(mpmc(1, 0, &[a], &[b, b]), 1)
    });
}

#[test]
fn two_items_for_two_receivers() {
    explore("two_items_for_two_receivers", Some(3), |a, b| {
        scenarios::one_sender(mpmc(2, 1, &[a], &[b, b]), 2)
    });
}

/// Without compare-and-swap: a slot's stamp is stored while the words beside it change in sections.
#[test]
fn items_by_sections() {
    zigflow_loom::explore::explore_by_sections(
        ["senders", "receivers"],
        "items",
        Some(3),
        |a, b| scenarios::one_sender(mpmc(1, 0, &[a], &[b, b]), 1),
    );
}

#[test]
fn sown_119_a_word_is_changed_outside_of_a_critical_section() {
    finds(119, "items_by_sections");
}

/// Two senders, one receiver.
#[test]
fn two_senders() {
    explore("two_senders", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = mpmc(3, 1, &[a, a], &[b]);
        let second = tx.pop().unwrap();
        let mut waiting = [Waiting::new(rx.pop().unwrap(), &live)];
        let threads = [(1, tx.pop().unwrap()), (2, second)].map(|(item, mut tx)| {
            thread::spawn(move || {
                assert_eq!(tx.try_send(item), Done(()), "there is room");
                tx
            })
        });
        waiting[0].run();
        let tx = threads.map(|thread| thread.join().unwrap());
        settle(&mut waiting);
        expect_all(waiting[0].items.clone(), 2);
        drop(tx);
        settle(&mut waiting);
        assert!(waiting[0].ended, "LOST END");
        drop(waiting);
        expect_no_waker(&live);
    });
}

/// Two senders send an item each, two receivers want one each: nobody waits while an item lies there, though the
/// one commit may not have seen both sleepers.
#[test]
fn one_item_each() {
    explore("one_item_each", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (tx, rx) = mpmc(2, 1, &[a, a], &[b, b]);
        let mut waiting = waiting(rx, &live);
        waiting.iter_mut().for_each(|w| w.run_for(1));
        let senders: Vec<_> = tx
            .into_iter()
            .zip(1..)
            .map(|(mut tx, item)| {
                thread::spawn(move || {
                    assert_eq!(tx.try_send(item), Done(()), "there is room");
                    tx
                })
            })
            .collect();
        // The first one is woken while the others send.
        waiting[0].run_for_if_woken(1);
        let tx: Vec<_> = senders.into_iter().map(|thread| thread.join().unwrap()).collect();
        while waiting.iter_mut().any(|w| w.run_for_if_woken(1)) {}
        expect_all(received(&waiting), 2);
        drop((tx, waiting));
        expect_no_waker(&live);
    });
}

/// A receiver that was woken goes instead of receiving: the wake goes to the other one.
#[test]
fn a_woken_receiver_goes() {
    explore("a_woken_receiver_goes", None, |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, rx) = mpmc(2, 0, &[a], &[b, b]);
        let mut waiting = waiting(rx, &live);
        waiting.iter_mut().for_each(Waiting::run);
        let sender = thread::spawn(move || {
            assert_eq!(tx[0].try_send(1), Done(()));
            tx
        });
        drop(waiting.remove(0));
        let tx = sender.join().unwrap();
        settle(&mut waiting);
        assert_eq!(waiting[0].items, [1], "LOST WAKEUP");
        drop((tx, waiting));
        expect_no_waker(&live);
    });
}

/// Two senders wait for room in a full channel; a receiver makes room.
#[test]
fn two_senders_wait() {
    explore("two_senders_wait", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = mpmc(1, 1, &[a, a], &[b]);
        assert_eq!(tx[0].try_send(1), Done(()));
        let mut rx = rx.pop().unwrap();
        let receiver = thread::spawn(move || {
            let mut items = Vec::new();
            for _ in 0..2 {
                if let Done(item) = rx.try_recv() {
                    items.push(item);
                }
            }
            (rx, items)
        });
        let tasks = [Task::new(&live), Task::new(&live)];
        let (mut seen, mut sent) = ([0, 0], [false, false]);
        let mut poll = |n: usize, tx: &mut Vec<Tx>, seen: &mut [u32; 2]| {
            seen[n] = tasks[n].0.wakes();
            sent[n] = sent[n] || tx[n].poll_send(&tasks[n].1, 2 + n as u32) == Done(());
        };
        poll(0, &mut tx, &mut seen);
        poll(1, &mut tx, &mut seen);
        let (mut rx, mut items) = receiver.join().unwrap();
        // From here on everybody runs when woken, and the receiver takes all there is.
        loop {
            while let Done(item) = rx.try_recv() {
                items.push(item);
            }
            let woken: Vec<usize> = (0..2).filter(|n| tasks[*n].0.wakes() > seen[*n]).collect();
            if woken.is_empty() {
                break;
            }
            woken.into_iter().for_each(|n| poll(n, &mut tx, &mut seen));
        }
        expect_all(items, 3);
        drop((tx, rx, tasks));
        expect_no_waker(&live);
    });
}

/// A batch of two items and a sender wait for room in a full channel of one item: whoever's turn it is, nobody waits
/// while there is room.
#[test]
fn a_batch_waits_beside_a_sender() {
    explore("a_batch_waits_beside_a_sender", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (tx, rx) = zigflow_core::mpmc::channel::<u32>(1);
        let (mut rx, mut other) = (Rx::new(rx, b), Tx::new(tx.clone(), a));
        tx.try_send(1).unwrap();
        let tasks = [Task::new(&live), Task::new(&live)];
        let mut batch = Box::pin(tx.send_many(&[2, 3]));
        let (mut seen, mut sent) = ([0, 0], [false, false]);
        let mut poll = |n: usize, seen: &mut [u32; 2]| {
            seen[n] = tasks[n].0.wakes();
            let mut cx = Context::from_waker(&tasks[n].1);
            sent[n] = sent[n]
                || match n {
                    0 => batch.as_mut().poll(&mut cx).is_ready(),
                    _ => other.poll_send(&tasks[n].1, 4) == Done(()),
                };
        };
        let receiver = thread::spawn(move || {
            let items = [rx.try_recv(), rx.try_recv()];
            (rx, items)
        });
        poll(0, &mut seen);
        poll(1, &mut seen);
        let (mut rx, first) = receiver.join().unwrap();
        let mut items: Vec<u32> = first
            .into_iter()
            .filter_map(|received| if let Done(item) = received { Some(item) } else { None })
            .collect();
        // From here on everybody runs when woken, and the receiver takes all there is.
        loop {
            while let Done(item) = rx.try_recv() {
                items.push(item);
            }
            let woken: Vec<usize> = (0..2).filter(|n| tasks[*n].0.wakes() > seen[*n]).collect();
            if woken.is_empty() {
                break;
            }
            woken.into_iter().for_each(|n| poll(n, &mut seen));
        }
        expect_all(items, 4);
        drop(batch);
        drop((tx, other, rx, tasks));
        expect_no_waker(&live);
    });
}

/// Two wait for a batch each, and one is sent: no item is left while somebody waits.
#[test]
fn a_batch_for_two_receivers_of_batches() {
    explore("a_batch_for_two_receivers_of_batches", Some(3), |a, _| {
        let live = StdArc::new(StdUsize::new(0));
        let (tx, rx) = zigflow_core::mpmc::channel::<u32>(2);
        let (mut tx, other) = (Tx::new(tx, a), rx.clone());
        let tasks = [Task::new(&live), Task::new(&live)];
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut receiving =
            [Box::pin(rx.recv_many(&mut first, 2)), Box::pin(other.recv_many(&mut second, 2))];
        let (mut seen, mut ended) = ([0, 0], [false, false]);
        let mut poll = |n: usize, seen: &mut [u32; 2]| {
            seen[n] = tasks[n].0.wakes();
            let mut cx = Context::from_waker(&tasks[n].1);
            ended[n] = ended[n] || receiving[n].as_mut().poll(&mut cx).is_ready();
            ended[n]
        };
        let sender = thread::spawn(move || {
            assert_eq!(tx.try_send_many(&[1, 2]), Done(2));
            tx
        });
        let mut ready = [poll(0, &mut seen), poll(1, &mut seen)];
        let tx = sender.join().unwrap();
        while let Some(n) = (0..2).find(|n| !ready[*n] && tasks[*n].0.wakes() > seen[*n]) {
            ready[n] = poll(n, &mut seen);
        }
        drop(receiving);
        let mut items = [first, second].concat();
        // A batch that is done may have left some, if nobody waits for them.
        if ready == [true, true] {
            items.extend(rx.try_recv());
        }
        expect_all(items, 2);
        drop((tx, tasks));
        drop((rx, other));
        expect_no_waker(&live);
    });
}

/// Closing releases everybody who waits, and what was sent is received.
#[test]
fn closing_releases_all() {
    explore("closing_releases_all", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, rx) = mpmc(2, 0, &[a], &[b, b]);
        let mut waiting = waiting(rx, &live);
        let sender = thread::spawn(move || {
            assert_eq!(tx[0].try_send(1), Done(()));
            tx[0].close(0);
            assert_eq!(tx[0].try_send(2), Closed);
            tx
        });
        waiting.iter_mut().for_each(Waiting::run);
        let tx = sender.join().unwrap();
        settle(&mut waiting);
        assert!(waiting.iter().all(|w| w.ended), "LOST END");
        expect_all(received(&waiting), 1);
        drop((tx, waiting));
        expect_no_waker(&live);
    });
}

/// Two wait for nothing but the end, one of them begins while it comes.
#[test]
fn the_end_wakes_those_who_watch() {
    explore("the_end_wakes_those_who_watch", Some(3), |_, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (tx, rx) = zigflow_core::mpmc::channel::<u32>(1);
        let mut rx = Rx::new(rx, b);
        let tasks = [Task::new(&live), Task::new(&live)];
        let mut watches = [Box::pin(tx.closed()), Box::pin(tx.closed())];
        let mut ready = |n: usize| {
            let seen = tasks[n].0.wakes();
            let polled = watches[n].as_mut().poll(&mut Context::from_waker(&tasks[n].1));
            (polled.is_ready(), seen)
        };
        assert_eq!(ready(0), (false, 0), "it is open");
        let closer = thread::spawn(move || {
            rx.close(3);
            rx
        });
        let states = [ready(0), ready(1)];
        let rx = closer.join().unwrap();
        for (n, (ended, seen)) in states.into_iter().enumerate() {
            assert!(ended || tasks[n].0.wakes() > seen, "LOST END");
            assert!(ready(n).0, "LOST END");
        }
        drop(watches);
        drop((tx, rx, tasks));
        expect_no_waker(&live);
    });
}

/// The end is not seen before every item that was sent.
#[test]
fn the_end_comes_after_all_items() {
    explore("the_end_comes_after_all_items", None, |a, b| {
        let (mut tx, mut rx) = mpmc(2, 0, &[a, a], &[b]);
        let mut second = tx.pop().unwrap();
        let mut first = tx.pop().unwrap();
        let mut rx = rx.pop().unwrap();
        let sender = thread::spawn(move || first.try_send(1) == Done(()));
        let closer = thread::spawn(move || second.close(3));
        let (mut items, mut ended) = (Vec::new(), false);
        for _ in 0..3 {
            match rx.try_recv() {
                Done(item) => items.push(item),
                NotNow => {}
                Closed => ended = true,
            }
        }
        let sent = sender.join().unwrap();
        closer.join().unwrap();
        if ended {
            expect_all(items.clone(), u32::from(sent));
        }
        while let Done(item) = rx.try_recv() {
            items.push(item);
        }
        expect_all(items, u32::from(sent));
    });
}

#[test]
fn closing_beside_a_sender_that_is_half_done() {
    explore("closing_beside_a_sender_that_is_half_done", Some(2), |a, b| {
        scenarios::closing_beside_a_sender(mpmc(2, 0, &[a, a], &[b]));
    });
}

#[test]
fn an_abandoned_grant_before_an_item() {
    explore("an_abandoned_grant_before_an_item", Some(3), |a, b| {
        scenarios::an_abandoned_grant_before_an_item(mpmc(2, 1, &[a, a], &[b]));
    });
}

#[test]
fn the_end_behind_an_abandoned_grant() {
    explore("the_end_behind_an_abandoned_grant", Some(3), |a, b| {
        scenarios::the_end_behind_an_abandoned_grant(mpmc(2, 1, &[a], &[b, b]));
    });
}

/// What was reserved is sent after the channel was closed, beside a receiver that waits.
#[test]
fn a_grant_outlasts_the_closing() {
    explore("a_grant_outlasts_the_closing", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = mpmc(1, 0, &[a], &[b]);
        let mut waiting = [Waiting::new(rx.pop().unwrap(), &live)];
        let sender = thread::spawn(move || {
            assert!(tx[0].reserve(1, || {}, true, true), "there is room");
        });
        waiting[0].run();
        sender.join().unwrap();
        settle(&mut waiting);
        expect_all(waiting[0].items.clone(), 1);
        assert!(waiting[0].ended, "LOST END");
        drop(waiting);
        expect_no_waker(&live);
    });
}

#[test]
fn an_abandoned_grant_makes_room() {
    explore("an_abandoned_grant_makes_room", Some(3), |a, b| {
        scenarios::an_abandoned_grant_makes_room(mpmc(1, 1, &[a, a], &[b]));
    });
}

#[test]
fn two_grants_are_abandoned_at_once() {
    explore("two_grants_are_abandoned_at_once", Some(3), |a, b| {
        scenarios::two_grants_are_abandoned_at_once(mpmc(2, 1, &[a, b], &[b]));
    });
}

/// Tries to receive quietly, twice, and does at once what is due.
fn receive_quietly(mut rx: Rx) -> Vec<u32> {
    let peer = rx.peer_waker();
    let mut items = Vec::new();
    for _ in 0..2 {
        if let Done((item, due)) = rx.try_recv_quiet() {
            items.push(item);
            if due {
                peer.wake();
            }
        }
    }
    items
}

/// A grant is given up that stands before an item, beside a receiver that is quiet: so the one or the other frees the slot for which a
/// sender waits.
#[test]
fn an_abandoned_grant_beside_a_quiet_receiver_and_a_sender_that_waits() {
    let name = "an_abandoned_grant_beside_a_quiet_receiver_and_a_sender_that_waits";
    explore(name, Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = mpmc(2, 1, &[a, a, a], &[b, b]);
        let mut sending = Sending::new(tx.pop().unwrap(), 2, &live);
        let mut second = tx.pop().unwrap();
        let quiet = rx.pop().unwrap();
        let mut thread = None;
        let meanwhile = || {
            assert_eq!(second.try_send(1), Done(()), "there is room");
            thread = Some(thread::spawn(move || receive_quietly(quiet)));
            sending.run();
        };
        assert!(tx[0].reserve(99, meanwhile, false, false), "there is room");
        let mut items = thread.unwrap().join().unwrap();
        while sending.run_if_woken() {}
        assert_eq!(sending.outcome, Done(()), "LOST WAKEUP");
        while let Done((item, _)) = rx[0].try_recv_quiet() {
            items.push(item);
        }
        expect_all(items, 2);
        assert_eq!([second.try_send(3), second.try_send(4)], [Done(()); 2], "LOST ROOM");
        drop((sending, second));
        expect_no_waker(&live);
    });
}

/// The same, and what waits is another receiver: it gets the item, or the quiet one has it.
#[test]
fn an_abandoned_grant_beside_a_quiet_receiver_and_one_that_waits() {
    let name = "an_abandoned_grant_beside_a_quiet_receiver_and_one_that_waits";
    explore(name, Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = mpmc(2, 1, &[a, a], &[b, b]);
        let quiet = rx.pop().unwrap();
        let mut waiting = waiting(rx, &live);
        let mut second = tx.pop().unwrap();
        let mut thread = None;
        let meanwhile = || {
            assert_eq!(second.try_send(1), Done(()), "there is room");
            thread = Some(thread::spawn(move || receive_quietly(quiet)));
            waiting[0].run();
        };
        assert!(tx[0].reserve(99, meanwhile, false, false), "there is room");
        let mut items = thread.unwrap().join().unwrap();
        settle(&mut waiting);
        items.extend(received(&waiting));
        expect_all(items, 1);
        assert_eq!([second.try_send(2), tx[0].try_send(3)], [Done(()); 2], "LOST ROOM");
        drop((tx, second));
        settle(&mut waiting);
        assert!(waiting[0].ended, "LOST END");
        drop(waiting);
        expect_no_waker(&live);
    });
}

/// All ends go at once: the memory is freed once, after its last use.
#[test]
fn all_go() {
    explore("all_go", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = mpmc(1, 0, &[a], &[b]);
        let mut waiting = Waiting::new(rx.pop().unwrap(), &live);
        let sender = thread::spawn(move || {
            let _ = tx[0].try_send(1);
        });
        waiting.run();
        drop(waiting);
        sender.join().unwrap();
        expect_no_waker(&live);
    });
}

/// Runs `scenario` in a child with bug `number` sown; it must fail, and say why.
fn finds(number: u32, scenario: &str) {
    let words = ["LOST", "Causality", "a waker", "used before", "double free"];
    zigflow_loom::explore::finds(number, scenario, &words);
}

#[test]
fn sown_40_a_commit_is_a_store() {
    finds(40, "one_item_for_one_of_two_receivers");
}

#[test]
fn sown_41_a_commit_orders_nothing() {
    finds(41, "one_item_for_one_of_two_receivers");
}

#[test]
fn sown_42_closed_is_the_end_though_items_are_left() {
    finds(42, "the_end_comes_after_all_items");
}

#[test]
fn sown_43_the_sleeper_does_not_tell_the_slot() {
    finds(43, "one_item_for_one_of_two_receivers");
}

#[test]
fn sown_44_who_closes_does_not_wake() {
    finds(44, "closing_releases_all");
}

#[test]
fn sown_45_the_last_reference_orders_nothing() {
    finds(45, "all_go");
}

#[test]
fn sown_46_a_wake_that_meets_the_lock_is_forgotten() {
    finds(46, "one_item_for_one_of_two_receivers");
}

#[test]
fn sown_47_who_gives_up_passes_nothing_on() {
    finds(47, "a_woken_receiver_goes");
}

#[test]
fn sown_48_who_has_received_passes_nothing_on() {
    finds(48, "one_item_each");
}

#[test]
fn sown_49_who_closes_tells_nobody_who_watches() {
    finds(49, "the_end_wakes_those_who_watch");
}

#[test]
fn sown_60_who_gives_up_tells_nobody() {
    finds(60, "an_abandoned_grant_before_an_item");
}

#[test]
fn sown_61_what_was_given_up_is_an_item() {
    finds(61, "an_abandoned_grant_before_an_item");
}

#[test]
fn sown_62_a_sleeper_sees_nothing_behind_what_was_given_up() {
    finds(62, "the_end_behind_an_abandoned_grant");
}

#[test]
fn sown_63_who_passes_over_a_slot_tells_no_sender() {
    finds(63, "an_abandoned_grant_makes_room");
}

#[test]
fn sown_64_who_gives_up_does_not_tell_who_moves_the_head() {
    finds(64, "two_grants_are_abandoned_at_once");
}

#[test]
fn sown_70_a_quiet_receiver_leaves_slots_that_it_has_passed_over() {
    finds(70, "an_abandoned_grant_beside_a_quiet_receiver_and_a_sender_that_waits");
}

#[test]
fn sown_71_a_quiet_receiver_claims_without_looking() {
    finds(71, "an_abandoned_grant_beside_a_quiet_receiver_and_one_that_waits");
}
