//! Channels with many ends: who waits for nothing but the end, for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::thread;

use zigflow::mpmc;
use zigflow_tests::ends::{Lang, PAIRINGS};
use zigflow_tests::many_ends::{Rx, Tx, open_as};
use zigflow_tests::task::{Task, waker_fn};

type Watch<'a> = Pin<Box<mpmc::Closed<'a, u64>>>;

fn poll(task: &Task, watch: &mut Watch<'_>) -> Poll<()> {
    task.run(|cx| watch.as_mut().poll(cx))
}

/// Ways to close, of an end in any language.
const SENDERS_CLOSE: [fn(Tx<u64>); 4] =
    [drop, |tx| tx.close(), |tx| tx.close_torn(), |tx| tx.close_code(3)];
const RECEIVERS_CLOSE: [fn(Rx<u64>); 4] =
    [drop, |rx| rx.close(), |rx| rx.close_torn(), |rx| rx.close_code(3)];

#[test]
fn pitfall_10_24_all_who_wait_for_the_end_are_woken_once_by_each_way_in_which_it_comes() {
    for (lang, _) in [PAIRINGS[0], PAIRINGS[2]] {
        for close in RECEIVERS_CLOSE {
            let (tx, rx) = mpmc::channel::<u64>(1);
            let other = tx.clone();
            woken_once([tx.closed(), other.closed(), tx.closed()], || close(Rx::of(lang, rx)));
        }
        for close in SENDERS_CLOSE {
            let (tx, rx) = mpmc::channel::<u64>(1);
            let other = rx.clone();
            tx.try_send(1).unwrap();
            woken_once([rx.closed(), other.closed(), rx.closed()], || close(Tx::of(lang, tx)));
            assert_eq!(rx.try_recv(), Ok(1), "items may wait");
        }
    }
    // An end of their own side closes, also one that Zig could not open.
    let (tx, _rx) = mpmc::channel::<u64>(1);
    let other = tx.clone();
    woken_once([tx.closed(), tx.closed(), other.closed()], || other.close());
    for (sender, what) in [(true, 2), (false, 3)] {
        let (tx, rx) = mpmc::channel::<u64>(1);
        let (tx2, rx2) = (tx.clone(), rx.clone());
        woken_once([tx.closed(), rx.closed(), rx.closed()], || {
            let refused =
                if sender { open_as(tx2.into_zig(), what) } else { open_as(rx2.into_zig(), what) };
            assert_eq!(refused, Err("WrongItem".to_owned()));
        });
    }
}

fn woken_once(watches: [mpmc::Closed<'_, u64>; 3], close: impl FnOnce()) {
    let tasks: [Task; 3] = Default::default();
    let mut watches = watches.map(Box::pin);
    for (task, watch) in tasks.iter().zip(&mut watches) {
        assert!(poll(task, watch).is_pending() && poll(task, watch).is_pending());
    }
    close();
    assert_eq!(tasks.each_ref().map(Task::wakes), [1; 3]);
    for (task, watch) in tasks.iter().zip(&mut watches) {
        assert!(poll(task, watch).is_ready() && poll(task, watch).is_ready());
        assert_eq!((task.wakes(), task.wakers()), (1, 0));
    }
}

#[test]
fn pitfall_9_who_waits_for_the_end_takes_no_turn_of_those_who_wait_for_room_or_items() {
    for (tx_lang, rx_lang) in PAIRINGS {
        let (tx, rx) = mpmc::channel::<u64>(1);
        let tasks: [Task; 4] = Default::default();
        let mut watches: [Watch<'_>; 4] =
            [tx.closed(), tx.closed(), rx.closed(), rx.closed()].map(Box::pin);
        let ready = |tasks: &[Task], watches: &mut [Watch<'_>]| {
            tasks.iter().zip(watches).any(|(task, watch)| poll(task, watch).is_ready())
        };
        assert!(!ready(&tasks, &mut watches));
        let (mut sender, mut receiver) = (Tx::of(tx_lang, tx.clone()), Rx::of(rx_lang, rx.clone()));
        let task = Task::new();
        for n in 0..5 {
            tx.try_send(n).unwrap();
            {
                let mut sending = sender.sending(n + 100);
                assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
                let wakes = task.wakes();
                assert_eq!(receiver.try_recv(), Ok(n));
                assert_eq!(task.wakes(), wakes + 1, "the sender's turn");
                assert!(task.run(|cx| sending.as_mut().poll(cx)).is_ready());
            }
            assert_eq!(receiver.try_recv(), Ok(n + 100));
            let mut receiving = receiver.receiving();
            assert!(task.run(|cx| receiving.as_mut().poll(cx)).is_pending());
            let wakes = task.wakes();
            sender.try_send(n).unwrap();
            assert_eq!(task.wakes(), wakes + 1, "the receiver's turn");
            assert_eq!(task.run(|cx| receiving.as_mut().poll(cx)), Poll::Ready(Ok(n)));
            assert!(!ready(&tasks, &mut watches));
        }
        drop((sender, receiver));
        assert_eq!(tasks.each_ref().map(Task::wakes), [0; 4], "nobody woke anybody");
        assert!(!ready(&tasks, &mut watches));
    }
}

#[test]
fn an_end_that_is_not_the_last_wakes_nobody_who_waits_for_the_end() {
    for lang in [Lang::Rust, Lang::Zig] {
        let (tx, rx) = mpmc::channel::<u64>(1);
        let task = Task::new();
        let mut watch = Box::pin(tx.closed());
        assert!(poll(&task, &mut watch).is_pending());
        drop((Rx::of(lang, rx.clone()), Tx::of(lang, tx.clone())));
        drop((tx.downgrade(), rx.downgrade()));
        assert_eq!(task.wakes(), 0);
        drop(rx);
        assert_eq!((task.wakes(), poll(&task, &mut watch)), (1, Poll::Ready(())));
    }
}

#[test]
fn what_is_closed_already_is_told_at_once() {
    let (tx, rx) = mpmc::channel::<u64>(1);
    drop(rx);
    let task = Task::new();
    assert!(task.run(|cx| pin!(tx.closed()).poll(cx)).is_ready());
    assert_eq!((task.wakes(), task.wakers()), (0, 0));
}

#[test]
fn pitfall_22_whoever_no_longer_waits_for_the_end_leaves_the_others_in_the_list() {
    for gone in 0..3 {
        let (tx, rx) = mpmc::channel::<u64>(1);
        let tasks: [Task; 3] = Default::default();
        let mut watches = [(); 3].map(|()| Some(Box::pin(tx.closed())));
        for (task, watch) in tasks.iter().zip(&mut watches) {
            assert!(poll(task, watch.as_mut().unwrap()).is_pending());
        }
        drop(watches[gone].take());
        rx.close();
        let expected: [usize; 3] = std::array::from_fn(|n| usize::from(n != gone));
        assert_eq!(tasks.each_ref().map(Task::wakes), expected);
        drop(watches);
        assert_eq!(tasks.each_ref().map(Task::wakers), [0; 3]);
    }
}

#[test]
fn all_who_wait_for_the_end_are_woken_also_when_a_waker_panics() {
    let bomb = waker_fn(|| panic!("a waker that panics"));
    // Of a sender that waits for room, or of one who waits for the end.
    for watched in [false, true] {
        let (tx, rx) = mpmc::channel::<u64>(1);
        tx.try_send(0).unwrap();
        let task = Task::new();
        let (mut send, mut first) = (Box::pin(tx.send(1)), Box::pin(tx.closed()));
        let mut cx = Context::from_waker(&bomb);
        if watched {
            assert!(first.as_mut().poll(&mut cx).is_pending());
        } else {
            assert!(send.as_mut().poll(&mut cx).is_pending());
        }
        let mut second = Box::pin(tx.closed());
        assert!(poll(&task, &mut second).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| rx.close())).is_err());
        assert_eq!(task.wakes(), 1);
    }
}

/// The end comes while others begin to wait for it.
#[test]
fn no_wake_is_lost_when_the_end_comes_at_the_same_time() {
    for (lang, _) in [PAIRINGS[0], PAIRINGS[2]] {
        for _ in 0..2000 {
            let (tx, rx) = mpmc::channel::<u64>(1);
            let rx = Rx::of(lang, rx);
            let other = tx.clone();
            thread::scope(|scope| {
                scope.spawn(move || drop(rx));
                for tx in [&tx, &other] {
                    scope.spawn(move || {
                        let task = Task::new();
                        let mut watch = Box::pin(tx.closed());
                        if poll(&task, &mut watch).is_pending() {
                            task.wait_for(1);
                            assert!(poll(&task, &mut watch).is_ready());
                        }
                    });
                }
            });
        }
    }
}
