//! What ends of channels with many ends go through, whether the channel is bounded or grows: each test brings the ends.

use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicUsize as StdUsize;

use loom::thread;

use crate::ends::Outcome::Done;
use crate::many_ends::{Rx, Tx};
use crate::waiting::{Sending, Waiting, expect_all, expect_no_waker, settle};

type Ends = (Vec<Tx>, Vec<Rx>);

/// The receivers with their tasks.
pub fn waiting(rx: Vec<Rx>, live: &StdArc<StdUsize>) -> Vec<Waiting> {
    rx.into_iter().map(|rx| Waiting::new(rx, live)).collect()
}

/// What they have received together.
pub fn received(waiting: &[Waiting]) -> Vec<u32> {
    waiting.iter().flat_map(|w| w.items.clone()).collect()
}

/// All items have come when everybody has run who was woken; and when the senders go, the end.
fn expect_all_and_the_end(mut waiting: Vec<Waiting>, tx: Vec<Tx>, count: u32, live: &StdUsize) {
    settle(&mut waiting);
    expect_all(received(&waiting), count);
    drop(tx);
    expect_end(waiting, live);
}

/// Everybody sees the end, and leaves no waker.
fn expect_end(mut waiting: Vec<Waiting>, live: &StdUsize) {
    settle(&mut waiting);
    assert!(waiting.iter().all(|w| w.ended), "LOST END");
    drop(waiting);
    expect_no_waker(live);
}

/// One sender sends `count` items, for which there is room, beside receivers that wait, and goes.
pub fn one_sender((mut tx, rx): Ends, count: u32) {
    let live = StdArc::new(StdUsize::new(0));
    let mut waiting = waiting(rx, &live);
    let sender = thread::spawn(move || {
        for item in 1..=count {
            assert_eq!(tx[0].try_send(item), Done(()), "there is room");
        }
        tx
    });
    waiting.iter_mut().for_each(Waiting::run);
    let tx = sender.join().unwrap();
    expect_all_and_the_end(waiting, tx, count, &live);
}

/// Two senders send an item each, of two threads, after those that the test has sent; whoever waits is woken. All are
/// received afterwards.
pub fn two_senders_with_tasks((mut tx, rx): Ends, sent: u32) {
    let live = StdArc::new(StdUsize::new(0));
    let mut waiting = waiting(rx, &live);
    let mut second = Sending::new(tx.pop().unwrap(), sent + 2, &live);
    let mut first = Sending::new(tx.pop().unwrap(), sent + 1, &live);
    let thread = thread::spawn(move || {
        second.run();
        second
    });
    first.run();
    let mut sending = [first, thread.join().unwrap()];
    while sending.iter_mut().any(Sending::run_if_woken) {}
    assert!(sending.iter().all(|s| s.outcome == Done(())), "LOST WAKEUP");
    waiting[0].run();
    expect_all(received(&waiting), sent + 2);
    drop((sending, waiting));
    expect_no_waker(&live);
}

/// One sender is half done while another closes: a receiver that waits gets the item, if it was sent, and then the
/// end.
pub fn closing_beside_a_sender((mut tx, rx): Ends) {
    let live = StdArc::new(StdUsize::new(0));
    let (mut second, mut first) = (tx.pop().unwrap(), tx.pop().unwrap());
    let mut waiting = waiting(rx, &live);
    let sender = thread::spawn(move || first.try_send(1) == Done(()));
    let closer = thread::spawn(move || second.close(3));
    waiting[0].run();
    let sent = sender.join().unwrap();
    closer.join().unwrap();
    expect_all_and_the_end(waiting, tx, u32::from(sent), &live);
}

/// A receiver waits; one sender sends behind another one's grant, which is given up. The item is received, and then
/// the end.
pub fn an_abandoned_grant_before_an_item((mut tx, rx): Ends) {
    let live = StdArc::new(StdUsize::new(0));
    let mut waiting = waiting(rx, &live);
    let senders = thread::spawn(move || {
        let (first, second) = tx.split_at_mut(1);
        let send = || assert_eq!(second[0].try_send(1), Done(()), "there is room");
        assert!(first[0].reserve(99, send, false, false), "there is room");
        tx
    });
    waiting[0].run();
    let tx = senders.join().unwrap();
    expect_all_and_the_end(waiting, tx, 1, &live);
}

/// The channel is closed while a grant is out, which is then given up: the end is behind it.
pub fn the_end_behind_an_abandoned_grant((mut tx, rx): Ends) {
    let live = StdArc::new(StdUsize::new(0));
    let mut waiting = waiting(rx, &live);
    let sender = thread::spawn(move || {
        assert!(tx[0].reserve(99, || {}, true, false), "there is room");
        tx
    });
    waiting.iter_mut().for_each(Waiting::run);
    let tx = sender.join().unwrap();
    settle(&mut waiting);
    assert!(waiting.iter().all(|w| w.items.is_empty()), "LOST ITEM: what was given up");
    // While the sender lives.
    expect_end(waiting, &live);
    drop(tx);
}

/// A sender waits for room that another one has reserved and gives up, while a receiver looks once, too, and goes
/// elsewhere.
pub fn an_abandoned_grant_makes_room((mut tx, mut rx): Ends) {
    let live = StdArc::new(StdUsize::new(0));
    let mut first = tx.remove(0);
    let mut sending = Sending::new(tx.remove(0), 1, &live);
    let mut rx = rx.pop().unwrap();
    let holder = thread::spawn(move || {
        // The other one may be faster.
        first.reserve(99, || {}, false, false)
    });
    sending.run();
    let seen = rx.try_read();
    holder.join().unwrap();
    while sending.run_if_woken() {}
    assert_eq!(sending.outcome, Done(()), "LOST WAKEUP");
    let items = [seen, rx.try_read()];
    let items = items.into_iter().filter_map(|o| if let Done(n) = o { Some(n) } else { None });
    expect_all(items.collect(), 1);
    drop((sending, rx));
    expect_no_waker(&live);
}

/// Two give up what they have reserved, of two threads: nothing is left of it, though nobody receives.
pub fn two_grants_are_abandoned_at_once((mut tx, _rx): Ends) {
    let mut second = tx.pop().unwrap();
    let thread = thread::spawn(move || {
        assert!(second.reserve(98, || {}, false, false), "there is room");
        second
    });
    assert!(tx[0].reserve(99, || {}, false, false), "there is room");
    thread.join().unwrap();
    assert_eq!(tx[0].len(), 0, "LOST ROOM");
}
