//! The channel that grows, with its ends in Rust and in compiled Zig: every item arrives once, nobody who waits is
//! forgotten, every block is freed once, after its last use.
//!
//! Every scenario runs for all pairs of languages. The last tests sow bugs, one at a time, in one language
//! at a time, and expect a scenario to fail.
#![cfg(loom)]

use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicUsize as StdUsize;

use loom::thread;
use zigflow_core::channel::WakeDue;
use zigflow_core::mpmc;
use zigflow_loom::ends::Outcome::{Closed, Done, NotNow};
use zigflow_loom::explore::Side;
use zigflow_loom::many_ends::growing;
use zigflow_loom::scenarios::{self, received, waiting};
use zigflow_loom::waiting::{Sending, Waiting, expect_all, expect_no_waker, settle};

fn explore(name: &str, bound: Option<usize>, scenario: fn(Side, Side)) {
    zigflow_loom::explore::explore(["senders", "receivers"], name, bound, scenario);
}

/// Everybody runs who was woken, until nobody is.
fn settle_all(sending: &mut [Sending], waiting: &mut [Waiting]) {
    while sending.iter_mut().any(Sending::run_if_woken)
        || waiting.iter_mut().any(Waiting::run_if_woken)
    {}
}

#[test]
fn one_item_for_one_of_two_receivers() {
    explore("one_item_for_one_of_two_receivers", Some(3), |a, b| {
        scenarios::one_sender(growing((2, 8), &[a], &[b, b]), 1)
    });
}

#[test]
fn items_of_two_blocks_for_one_receiver() {
    explore("items_of_two_blocks_for_one_receiver", Some(2), |a, b| {
        scenarios::one_sender(growing((2, 8), &[a], &[b]), 3)
    });
}

#[test]
fn a_block_for_each_item() {
    explore("a_block_for_each_item", Some(3), |a, b| {
        scenarios::one_sender(growing((1, 8), &[a], &[b]), 2)
    });
}

/// Two receivers take from one place, and free blocks.
#[test]
fn two_receivers_use_a_block_up() {
    explore("two_receivers_use_a_block_up", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = growing((2, 8), &[a], &[b, b]);
        for item in 1..=3 {
            assert_eq!(tx[0].try_send(item), Done(()), "there is room");
        }
        let second = rx.pop().unwrap();
        let first = rx.pop().unwrap();
        let second = thread::spawn({
            let mut waiting = Waiting::new(second, &live);
            move || {
                waiting.run_for(2);
                waiting
            }
        });
        let mut first = Waiting::new(first, &live);
        first.run_for(2);
        let mut waiting = [first, second.join().unwrap()];
        settle(&mut waiting);
        expect_all(received(&waiting), 3);
        drop((tx, waiting));
        expect_no_waker(&live);
    });
}

/// Two senders at the end of a block; who finds the tail moving waits and is woken.
#[test]
fn two_senders_at_the_end_of_a_block() {
    explore("two_senders_at_the_end_of_a_block", Some(3), |a, b| {
        scenarios::two_senders_with_tasks(growing((1, 8), &[a, a], &[b]), 0);
    });
}

/// The limit is reached; a receiver uses a block up, and the sender goes on.
#[test]
fn a_sender_waits_for_a_block() {
    explore("a_sender_waits_for_a_block", None, |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, rx) = growing((1, 2), &[a], &[b]);
        let mut tx = tx.pop().unwrap();
        assert_eq!(tx.try_send(1), Done(()));
        let mut sending = [Sending::new(tx, 2, &live)];
        let mut waiting = waiting(rx, &live);
        let thread = thread::spawn(move || {
            waiting[0].run_for(1);
            waiting
        });
        sending[0].run();
        let mut waiting = thread.join().unwrap();
        settle_all(&mut sending, &mut waiting);
        assert_eq!(sending[0].outcome, Done(()), "LOST WAKEUP");
        waiting[0].run();
        expect_all(received(&waiting), 2);
        drop((sending, waiting));
        expect_no_waker(&live);
    });
}

/// The limit is reached, and two senders wait; who takes the block that comes passes on what is left.
#[test]
fn two_senders_wait_for_a_block() {
    explore("two_senders_wait_for_a_block", Some(2), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, rx) = growing((1, 2), &[a, a], &[b]);
        assert_eq!(tx[0].try_send(1), Done(()));
        let mut second = Sending::new(tx.pop().unwrap(), 3, &live);
        let mut first = Sending::new(tx.pop().unwrap(), 2, &live);
        let mut waiting = waiting(rx, &live);
        first.run();
        let thread = thread::spawn(move || {
            second.run();
            second
        });
        waiting[0].run_for(1);
        let mut sending = [first, thread.join().unwrap()];
        settle_all(&mut sending, &mut waiting);
        // It took one, and takes the others as they come.
        for _ in 0..2 {
            waiting[0].run();
            settle_all(&mut sending, &mut waiting);
        }
        assert!(sending.iter().all(|s| s.outcome == Done(())), "LOST WAKEUP");
        expect_all(received(&waiting), 3);
        drop((sending, waiting));
        expect_no_waker(&live);
    });
}

/// Two senders at the last slot of a block of two: one of them has a block in hand for nothing.
#[test]
fn a_block_in_hand_goes_back() {
    explore("a_block_in_hand_goes_back", Some(2), |a, b| {
        let (mut tx, rx) = growing((2, 3), &[a, a], &[b]);
        assert_eq!(tx[0].try_send(1), Done(()));
        scenarios::two_senders_with_tasks((tx, rx), 1);
    });
}

#[test]
fn closing_beside_a_sender_that_is_half_done() {
    explore("closing_beside_a_sender_that_is_half_done", Some(2), |a, b| {
        scenarios::closing_beside_a_sender(growing((1, 8), &[a, a], &[b]));
    });
}

#[test]
fn an_abandoned_grant_before_an_item() {
    explore("an_abandoned_grant_before_an_item", Some(2), |a, b| {
        scenarios::an_abandoned_grant_before_an_item(growing((2, 8), &[a, a], &[b]));
    });
}

#[test]
fn the_end_behind_an_abandoned_grant() {
    explore("the_end_behind_an_abandoned_grant", Some(2), |a, b| {
        scenarios::the_end_behind_an_abandoned_grant(growing((1, 8), &[a], &[b, b]));
    });
}

#[test]
fn an_abandoned_grant_makes_room() {
    explore("an_abandoned_grant_makes_room", Some(3), |a, b| {
        scenarios::an_abandoned_grant_makes_room(growing((1, 2), &[a, a], &[b]));
    });
}

#[test]
fn two_grants_are_abandoned_at_once() {
    explore("two_grants_are_abandoned_at_once", Some(2), |a, b| {
        scenarios::two_grants_are_abandoned_at_once(growing((2, 8), &[a, b], &[b]));
    });
}

/// The ring is full of slots that were given up behind an item. A receiver takes that item and no more: then a sender has
/// room.
#[test]
fn an_item_before_abandoned_grants() {
    explore("an_item_before_abandoned_grants", Some(3), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, mut rx) = growing((2, 2), &[a, a], &[b]);
        let mut sending = Sending::new(tx.pop().unwrap(), 2, &live);
        assert_eq!(tx[0].try_send(1), Done(()));
        assert!(tx[0].reserve(98, || {}, false, false));
        let holder = thread::spawn(move || {
            // The other one may be faster.
            tx[0].reserve(99, || {}, false, false);
            tx
        });
        sending.run();
        let mut first = rx[0].try_read();
        let tx = holder.join().unwrap();
        if first == NotNow {
            // The holder was looking.
            first = rx[0].try_read();
        }
        while sending.run_if_woken() {}
        assert_eq!(sending.outcome, Done(()), "LOST WAKEUP");
        assert_eq!([first, rx[0].try_read()], [Done(1), Done(2)], "LOST ITEM");
        drop((tx, sending, rx));
        expect_no_waker(&live);
    });
}

/// A send by force finds no room while the last receiver goes, and is not in its way.
#[test]
fn a_forced_send_beside_the_last_receiver_that_goes() {
    explore("a_forced_send_beside_the_last_receiver_that_goes", Some(3), |a, b| {
        let (mut tx, rx) = growing((1, 2), &[a], &[b]);
        assert_eq!(tx[0].try_send(1), Done(()));
        let receiver = thread::spawn(move || drop(rx));
        let _ = tx[0].force_send(2);
        receiver.join().unwrap();
        assert_eq!(tx[0].len(), 0, "LOST: an item that nobody will receive");
    });
}

/// The last receiver goes beside a quiet send: what it does not see is dropped by what is due. (Ends in Rust alone: Zig's
/// items need no drop, and its quiet verbs are for bounded channels.)
#[test]
fn a_quiet_send_beside_the_last_receiver_that_goes() {
    explore("a_quiet_send_beside_the_last_receiver_that_goes", Some(3), |_, _| {
        let (tx, rx) = mpmc::unbounded_of_blocks::<u32>(2, 8, 0).unwrap();
        let peer = tx.peer_waker();
        let receiver = thread::spawn(move || drop(rx));
        if tx.try_send_quiet(1).is_ok_and(WakeDue::is_due) {
            peer.wake();
        }
        receiver.join().unwrap();
        assert_eq!(tx.len(), 0, "LOST: an item that nobody will receive");
    });
}

/// The same by a send that does it itself, in both languages.
#[test]
fn a_send_beside_the_last_receiver_that_goes() {
    explore("a_send_beside_the_last_receiver_that_goes", Some(3), |a, b| {
        let (mut tx, rx) = growing((2, 8), &[a], &[b]);
        let receiver = thread::spawn(move || drop(rx));
        let _ = tx[0].try_send(1);
        receiver.join().unwrap();
        assert_eq!(tx[0].len(), 0, "LOST: an item that nobody will receive");
    });
}

/// What is left goes with the receiver, or with the channel, and so do the blocks.
#[test]
fn all_go() {
    explore("all_go", Some(2), |a, b| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut tx, rx) = growing((1, 8), &[a], &[b]);
        let mut waiting = waiting(rx, &live);
        let sender = thread::spawn(move || {
            let outcomes = [tx[0].try_send(1), tx[0].try_send(2)];
            assert!(outcomes.iter().all(|o| matches!(o, Done(()) | Closed | NotNow)));
        });
        waiting[0].run_for(1);
        drop(waiting);
        sender.join().unwrap();
        expect_no_waker(&live);
    });
}

/// Runs `scenario` in a child with bug `number` sown; it must fail, and say why.
fn finds(number: u32, scenario: &str) {
    let words =
        ["LOST", "Causality", "a waker", "used before", "double free", "after it was freed"];
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
fn sown_50_who_has_moved_the_tail_tells_nobody() {
    finds(50, "two_senders_at_the_end_of_a_block");
}

#[test]
fn sown_51_who_unlocks_tells_nobody() {
    finds(51, "two_receivers_use_a_block_up");
}

#[test]
fn sown_52_who_gives_a_block_back_tells_nobody() {
    finds(52, "a_sender_waits_for_a_block");
}

#[test]
fn sown_53_who_met_another_consumer_does_not_look_again() {
    finds(53, "a_send_beside_the_last_receiver_that_goes");
}

#[test]
fn sown_54_the_tail_moves_unmarked() {
    finds(54, "two_senders_at_the_end_of_a_block");
}

#[test]
fn sown_55_who_waits_does_not_tell_who_moves_the_tail() {
    finds(55, "two_senders_at_the_end_of_a_block");
}

#[test]
fn sown_56_who_waits_for_an_item_does_not_tell_the_slot() {
    finds(56, "one_item_for_one_of_two_receivers");
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
fn sown_65_who_unlocks_leaves_what_was_given_up_meanwhile() {
    finds(65, "an_abandoned_grant_makes_room");
}

#[test]
fn sown_66_who_takes_an_item_leaves_what_was_given_up_behind_it() {
    finds(66, "an_item_before_abandoned_grants");
}

#[test]
fn sown_58_who_does_what_is_due_drops_nothing() {
    finds(58, "a_quiet_send_beside_the_last_receiver_that_goes");
}

#[test]
fn sown_59_a_sender_does_not_look_for_receivers() {
    finds(59, "a_send_beside_the_last_receiver_that_goes");
}
