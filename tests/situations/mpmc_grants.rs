//! Channels with many ends: slots that are written and items that are read in place, for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use zigflow::channel::{RecvError, TryRecvError, TrySendError};
use zigflow::{Malformed, StreamError, mpmc};
use zigflow_tests::Point;
use zigflow_tests::ends::{Lang, PAIRINGS, Stop, TORN};
use zigflow_tests::many_ends::{Many, Room, Rx, Tx, each_near, ends, growing};
use zigflow_tests::quiet;
use zigflow_tests::task::{Task, until, waker_fn};

const LANGS: [Lang; 2] = [Lang::Rust, Lang::Zig];

/// Channels for `room` items at least: bounded ones, and some that grow by blocks of 1 and 2 items.
fn each<T: Many>(room: usize, mut test: impl FnMut(Tx<T>, Rx<T>)) {
    each_near(room, 1, &mut test);
    each_near(room + 2, 0, &mut test);
    for (tx_lang, rx_lang) in PAIRINGS {
        for items in [1, 2] {
            let blocks = (room.div_ceil(items) + 1) as u32;
            let (mut tx, mut rx) = growing((items, blocks, 1), &[tx_lang], &[rx_lang]);
            test(tx.remove(0), rx.remove(0));
        }
    }
}

/// Sent, received, and what waits, since `before`.
fn counters(tx: &Tx<u64>, rx: &Rx<u64>, before: u64) -> [u64; 3] {
    let [of_tx, of_rx] =
        [tx.snapshot(), rx.snapshot()].map(|c| [c[0] - before, c[1] - before, c[2]]);
    assert_eq!(of_tx, of_rx, "the same in both languages");
    of_tx
}

#[test]
fn what_is_sent_by_a_grant_has_the_place_at_which_it_was_reserved() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        let mut other = tx.clone();
        for _ in 0..20 {
            let first = tx.try_reserve().unwrap();
            other.try_send(2).unwrap();
            let third = other.try_reserve().unwrap();
            assert_eq!(rx.try_recv(), Err(Stop::Later), "the next one is not there");
            third.send(3);
            assert_eq!(rx.try_recv(), Err(Stop::Later));
            first.send(1);
            assert_eq!([rx.try_recv(), rx.try_recv()], [Ok(1), Ok(2)]);
            tx.try_send(4).unwrap();
            assert_eq!([rx.try_recv(), rx.try_recv()], [Ok(3), Ok(4)]);
            assert_eq!(rx.try_recv(), Err(Stop::Later));
        }
    });
}

#[test]
fn an_abandoned_grant_leaves_no_trace_wherever_it_stood() {
    each(3, |mut tx: Tx<u64>, mut rx| {
        let (other, before) = (tx.clone(), tx.snapshot()[0]);
        let mut count = 0;
        // Which of three are given up, and in which order they are finished.
        for given_up in 0..8_u32 {
            for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
                let mut rooms: [Option<Room<'_, u64>>; 3] =
                    [(); 3].map(|()| other.try_reserve().ok());
                for n in order {
                    let room = rooms[n].take().expect("there is room");
                    if given_up & 1 << n == 0 { room.send(n as u64) } else { drop(room) }
                }
                for n in (0..3).filter(|n| given_up & 1 << n == 0) {
                    assert_eq!(rx.try_recv(), Ok(n), "{given_up:b} {order:?}");
                    count += 1;
                }
                assert_eq!(rx.try_recv(), Err(Stop::Later));
                assert_eq!(counters(&tx, &rx, before), [count, count, 0]);
                assert!(tx.is_empty() && rx.is_empty());
            }
        }
        // All the room is there.
        for n in 0..3 {
            tx.try_send(n).unwrap();
        }
        drop((tx, other));
        assert_eq!(rx.drain().0, [0, 1, 2]);
    });
}

#[test]
fn a_slot_that_was_given_up_behind_an_item_is_passed_over_by_who_receives() {
    each(3, |mut tx: Tx<u64>, mut rx| {
        let before = tx.snapshot()[0];
        tx.try_send(1).unwrap();
        drop(tx.try_reserve().unwrap());
        assert_eq!(tx.len(), 2, "it was not passed over");
        tx.try_send(2).unwrap();
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.try_recv(), Ok(2));
        assert_eq!(counters(&tx, &rx, before), [2, 2, 0]);
        let mut many = Vec::new();
        tx.try_send(3).unwrap();
        drop(tx.try_reserve().unwrap());
        tx.try_send(4).unwrap();
        assert_eq!(rx.recv_many(&mut many, 9, false), Ok(2));
        assert_eq!(many, [3, 4]);
        assert_eq!(counters(&tx, &rx, before), [4, 4, 0]);
    });
}

#[test]
fn a_slot_that_was_given_up_at_the_head_needs_nobody_who_receives() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        for n in 0..50 {
            drop(tx.try_reserve().unwrap());
            assert_eq!(tx.len(), 0);
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Ok(n));
        }
    });
}

#[test]
fn without_room_and_after_the_end_nothing_is_reserved() {
    each_near(2, 1, |mut tx: Tx<u64>, mut rx| {
        let first = tx.try_reserve().unwrap();
        let other = tx.clone();
        let second = other.try_reserve().unwrap();
        assert_eq!(tx.try_reserve().unwrap_err(), Stop::Later);
        assert_eq!(rx.try_read().unwrap_err(), Stop::Later);
        second.send(2);
        first.send(1);
        assert_eq!(tx.try_reserve().unwrap_err(), Stop::Later);
        rx.close_torn();
        assert_eq!(tx.try_reserve().unwrap_err(), Stop::Closed);
        assert_eq!(tx.try_send(3), Err(Stop::Closed));
        assert_eq!(rx.drain(), (vec![1, 2], Some(TORN)));
        assert_eq!(rx.try_read().unwrap_err(), Stop::Closed);
    });
    let (tx, rx) = mpmc::channel::<u8>(1);
    let grant = tx.try_reserve().unwrap();
    assert_eq!(tx.try_reserve().unwrap_err(), TrySendError::Full(()));
    tx.close_with(TORN);
    assert_eq!(tx.try_reserve().unwrap_err(), TrySendError::Closed(()));
    assert_eq!(tx.reserve_blocking().unwrap_err().reason(), Some(TORN));
    drop(grant);
    assert_eq!(rx.try_read().unwrap_err(), TryRecvError::Failed(TORN));
    assert_eq!(rx.read_blocking().unwrap_err(), RecvError::Closed);
}

#[test]
fn pitfall_10_24_a_grant_that_is_out_when_the_channel_closes_is_delivered_or_given_up_and_then_comes_the_end()
 {
    for sends in [true, false] {
        for closer in 0..3 {
            each(2, |tx: Tx<u64>, mut rx| {
                let holder = tx.clone();
                let grant = holder.try_reserve().unwrap();
                match closer {
                    0 => tx.close_torn(),
                    1 => rx.close_torn(),
                    _ => drop(tx),
                }
                // Not yet: something may come.
                assert_eq!(rx.try_recv(), Err(Stop::Later));
                let (task, other) = (Task::new(), Task::new());
                let mut second = rx.clone();
                let (mut first, mut second) = (rx.receiving(), second.receiving());
                assert!(task.run(|cx| first.as_mut().poll(cx)).is_pending());
                assert!(other.run(|cx| second.as_mut().poll(cx)).is_pending());
                if sends {
                    grant.send(7)
                } else {
                    drop(grant)
                }
                drop(holder);
                assert_eq!((task.wakes(), other.wakes() <= 1), (1, true));
                let ready = task.run(|cx| first.as_mut().poll(cx));
                assert_eq!(ready, Poll::Ready(if sends { Ok(7) } else { Err(Stop::Closed) }));
                assert_eq!(other.wakes(), 1, "the end is the other one's, too");
                let ready = other.run(|cx| second.as_mut().poll(cx));
                assert_eq!(ready, Poll::Ready(Err(Stop::Closed)));
                drop((first, second));
                assert_eq!(rx.try_recv(), Err(Stop::Closed));
                assert_eq!(rx.reason(), (closer != 2).then_some(TORN));
            });
        }
    }
}

#[test]
fn a_receiver_that_waits_gets_the_item_behind_what_was_given_up() {
    each(3, |tx: Tx<u64>, mut rx| {
        let mut other = tx.clone();
        let task = Task::new();
        for n in 0..10 {
            let mut receiving = rx.receiving();
            assert!(task.run(|cx| receiving.as_mut().poll(cx)).is_pending());
            let [first, second] = [tx.try_reserve().unwrap(), tx.try_reserve().unwrap()];
            other.try_send(n).unwrap();
            drop(second);
            // What comes behind the next slot may wake in vain.
            assert!(task.run(|cx| receiving.as_mut().poll(cx)).is_pending());
            let wakes = task.wakes();
            drop(first);
            assert_eq!(task.wakes(), wakes + 1);
            assert_eq!(task.run(|cx| receiving.as_mut().poll(cx)), Poll::Ready(Ok(n)));
        }
    });
}

#[test]
fn a_sender_that_waits_gets_the_room_that_was_given_up() {
    for (holder, waiter) in PAIRINGS {
        for before in 0..2 {
            let (mut tx, mut rx) = ends::<u64>(1 + before, 1, &[holder, waiter], &[Lang::Zig]);
            let mut sender = tx.pop().unwrap();
            (0..before).for_each(|_| tx[0].try_send(0).unwrap());
            let grant = tx[0].try_reserve().unwrap();
            let task = Task::new();
            let mut sending = sender.sending(5);
            assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
            drop(grant);
            if before == 1 {
                assert_eq!(rx[0].try_recv(), Ok(0));
            }
            assert_eq!(task.wakes(), 1);
            assert_eq!(task.run(|cx| sending.as_mut().poll(cx)), Poll::Ready(Ok(())));
            drop(sending);
            assert_eq!(rx[0].try_recv(), Ok(5));
        }
    }
}

#[test]
fn a_room_that_was_given_up_behind_items_is_one_senders_when_a_receiver_comes_there() {
    each_near(2, 0, |mut tx: Tx<u64>, mut rx| {
        tx.try_send(0).unwrap();
        drop(tx.try_reserve().unwrap());
        let (mut a, mut b) = (tx.clone(), tx.clone());
        let tasks: [Task; 2] = Default::default();
        let mut sending = [a.sending(1), b.sending(2)];
        for (task, send) in tasks.iter().zip(&mut sending) {
            assert!(task.run(|cx| send.as_mut().poll(cx)).is_pending());
        }
        assert_eq!(rx.try_recv(), Ok(0));
        assert_eq!(rx.try_recv(), Err(Stop::Later));
        for (task, send) in tasks.iter().zip(&mut sending) {
            assert_eq!(task.wakes(), 1);
            assert_eq!(task.run(|cx| send.as_mut().poll(cx)), Poll::Ready(Ok(())));
        }
        assert_eq!([rx.try_recv(), rx.try_recv()], [Ok(1), Ok(2)]);
    });
}

#[test]
fn the_oldest_item_is_not_replaced_where_a_slot_was_given_up() {
    each_near(2, 0, |mut tx: Tx<u64>, mut rx| {
        tx.try_send(0).unwrap();
        drop(tx.try_reserve().unwrap());
        assert_eq!(rx.try_recv(), Ok(0));
        tx.try_send(1).unwrap();
        assert_eq!(tx.try_send(2), Err(Stop::Later), "a slot was not passed over");
        assert_eq!(tx.force_send(2), Ok(None));
        assert_eq!(tx.force_send(3), Ok(Some(1)));
        assert_eq!([rx.try_recv(), rx.try_recv()], [Ok(2), Ok(3)]);
        assert_eq!(tx.snapshot()[5], 1);
    });
}

#[test]
fn an_item_that_is_read_in_place_is_received() {
    each(3, |mut tx: Tx<Point>, mut rx| {
        for n in 0..3 {
            tx.try_send(Point::of(n)).unwrap();
        }
        let mut other = rx.clone();
        let mut first = rx.try_read().unwrap();
        let mut second = other.try_read().unwrap();
        assert_eq!((*first.item(), *second.item()), (Point::of(0), Point::of(1)));
        *first.item() = Point::of(9);
        assert_eq!(*first.item(), Point::of(9));
        drop(second);
        drop(first);
        assert_eq!(rx.try_recv(), Ok(Point::of(2)));
        assert_eq!(rx.try_read().unwrap_err(), Stop::Later);
    });
}

#[test]
fn a_slot_that_is_read_is_taken_until_its_grant_goes_and_in_a_channel_that_grows_it_is_free_at_once()
 {
    each_near(1, 1, |mut tx: Tx<u64>, mut rx| {
        tx.try_send(1).unwrap();
        let grant = rx.try_read().unwrap();
        assert_eq!(tx.try_send(2), Err(Stop::Later));
        let mut sender = tx.clone();
        let task = Task::new();
        let mut sending = sender.sending(2);
        assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
        drop(grant);
        assert_eq!(task.wakes(), 1);
        assert_eq!(task.run(|cx| sending.as_mut().poll(cx)), Poll::Ready(Ok(())));
        assert_eq!(rx.try_recv(), Ok(2));
    });
    for (tx_lang, rx_lang) in PAIRINGS {
        let (mut tx, mut rx) = growing((1, 2, 1), &[tx_lang], &[rx_lang, Lang::Rust]);
        tx[0].try_send(1).unwrap();
        let mut other = rx.pop().unwrap();
        let mut grant = rx[0].try_read().unwrap();
        tx[0].try_send(2).unwrap();
        assert_eq!(other.try_recv(), Ok(2), "nobody is stopped");
        assert_eq!(*grant.item(), 1);
    }
}

/// Counts those that are alive.
#[derive(Clone, Debug)]
struct Counted {
    live: Rc<()>,
}

// SAFETY: the tests that use it have one thread.
#[allow(unsafe_code)]
unsafe impl Send for Counted {}

/// Ends of channels of items with a drop, bounded and growing.
fn each_counted(mut test: impl FnMut(mpmc::Sender<Counted>, mpmc::Receiver<Counted>, Counted)) {
    for shape in 0..4 {
        let (tx, rx) = match shape {
            0 => mpmc::channel(4),
            1 => mpmc::channel(7),
            blocks => mpmc::unbounded_of_blocks(blocks - 1, 8, 1).unwrap(),
        };
        let all = Counted { live: Rc::new(()) };
        let live = Rc::downgrade(&all.live);
        test(tx, rx, all);
        assert_eq!(live.strong_count(), 0, "dropped once each");
    }
}

#[test]
fn items_of_grants_are_dropped_once() {
    each_counted(|tx, rx, item| {
        let live = Rc::clone(&item.live);
        let count = || Rc::strong_count(&live) - 2;
        tx.try_reserve().unwrap().send(item.clone());
        assert_eq!(count(), 1);
        drop(rx.try_read().unwrap());
        assert_eq!(count(), 0, "who drops the grant has received");
        tx.try_reserve().unwrap().send(item.clone());
        let taken = rx.try_read().unwrap().take();
        assert_eq!(count(), 1);
        drop(taken);
        // What is left, with something given up before, between and after.
        let (a, b) = (tx.try_reserve().unwrap(), tx.try_reserve().unwrap());
        let (c, d) = (tx.try_reserve().unwrap(), tx.try_reserve().unwrap());
        d.send(item.clone());
        drop(c);
        b.send(item.clone());
        drop(a);
        drop(tx);
        assert_eq!(count(), 2);
        drop(rx);
        assert_eq!(count(), 0);
        drop(live);
        drop(item);
    });
}

#[test]
fn pitfall_23_what_is_sent_by_a_grant_after_the_last_receiver_has_gone_goes_at_once() {
    each_counted(|tx, rx, item| {
        let live = Rc::clone(&item.live);
        let count = || Rc::strong_count(&live) - 2;
        let grant = tx.try_reserve().unwrap();
        tx.try_send(item.clone()).unwrap();
        drop(rx);
        assert!(tx.is_closed());
        // Behind the grant.
        assert_eq!(count(), 1);
        grant.send(item.clone());
        assert_eq!(count(), 0);
        drop(tx);
        drop(live);
        drop(item);
    });
}

#[test]
fn a_forgotten_grant_stops_the_channel_and_no_more() {
    each_counted(|tx, rx, item| {
        tx.try_send(item.clone()).unwrap();
        mem::forget(tx.try_reserve().unwrap());
        tx.try_send(item.clone()).unwrap();
        drop(tx.try_reserve().unwrap());
        mem::forget(tx.try_reserve().ok());
        while tx.try_send(item.clone()).is_ok() && tx.len() < 30 {}
        assert!(rx.try_recv().is_ok());
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Empty);
        assert_eq!(rx.try_read().unwrap_err(), TryRecvError::Empty);
        tx.close();
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Empty, "what is behind it may come");
        drop(item);
    });
    for (tx_lang, rx_lang) in PAIRINGS {
        for grows in [false, true] {
            let (tx, rx) = if grows {
                growing::<u64>((1, 8, 1), &[tx_lang], &[rx_lang])
            } else {
                ends(2, 1, &[tx_lang], &[rx_lang])
            };
            forget(tx[0].try_reserve().unwrap());
            drop(rx);
            drop(tx);
        }
    }
}

/// Never dropped; LeakSanitizer finds it here.
fn forget<T>(value: T) {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    KEPT.lock().unwrap().push(Box::into_raw(Box::new(value)).expose_provenance());
}

#[test]
fn a_forgotten_grant_of_a_reader_leaks_its_item_and_keeps_its_slot() {
    let (tx, rx) = mpmc::channel(2);
    let item = Arc::new(());
    for _ in 0..2 {
        tx.try_send(item.clone()).unwrap();
    }
    mem::forget(rx.try_read().unwrap());
    assert!(rx.try_recv().is_ok());
    assert!(tx.try_send(item.clone()).is_err(), "the slot is not free");
    drop((tx, rx));
    assert_eq!(Arc::strong_count(&item), 2);
    // SAFETY: the one that was leaked.
    unsafe { Arc::decrement_strong_count(Arc::as_ptr(&item)) };
    let (tx, rx) = mpmc::unbounded_of_blocks(1, 2, 1).unwrap();
    for n in 0..10 {
        tx.try_send(n).unwrap();
        mem::forget(rx.try_read().unwrap());
    }
}

#[test]
fn pitfall_33_an_item_whose_drop_panics_in_a_grant_frees_its_slot() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let (tx, rx) = mpmc::channel(1);
    for _ in 0..3 {
        assert!(tx.try_send(Panics).is_ok());
        let grant = rx.try_read().ok().unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(grant))).is_err());
    }
    assert!(rx.is_empty());
}

#[test]
fn a_waker_that_panics_does_not_undo_a_grant() {
    for sends in [true, false] {
        let (tx, rx) = mpmc::channel(1);
        let mut recv = Box::pin(rx.recv());
        let waker = waker_fn(|| panic!("on purpose"));
        assert!(recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let grant = tx.try_reserve().unwrap();
        let finish = || if sends { grant.send(1) } else { drop(grant) };
        assert!(catch_unwind(AssertUnwindSafe(finish)).is_err());
        drop(recv);
        assert_eq!(rx.try_recv(), if sends { Ok(1) } else { Err(TryRecvError::Empty) });
        tx.try_send(2).unwrap();
        assert_eq!(rx.try_recv(), Ok(2));
    }
}

#[test]
fn pitfall_33_a_waker_that_panics_leaves_no_slot_that_was_given_up() {
    for shape in 0..4 {
        for side in [true, false] {
            // Room for two, or one in a channel that grows by blocks of one.
            let (tx, rx) = match shape {
                0 => mpmc::channel::<u64>(2),
                1 => mpmc::before_the_wrap(2, 1).unwrap(),
                2 => mpmc::unbounded_of_blocks(1, 3, 1).unwrap(),
                _ => mpmc::unbounded_of_blocks(2, 2, 1).unwrap(),
            };
            let panics = waker_fn(|| panic!("on purpose"));
            let task = Task::new();
            // The one at the head comes last, and all are passed over.
            let head = tx.try_reserve().unwrap();
            drop(std::iter::from_fn(|| tx.try_reserve().ok()).collect::<Vec<_>>());
            let (mut recv, mut first) = (Box::pin(rx.recv()), Box::pin(tx.send(1)));
            let mut last = Box::pin(tx.send(2));
            if side {
                assert!(recv.as_mut().poll(&mut Context::from_waker(&panics)).is_pending());
            } else {
                assert!(first.as_mut().poll(&mut Context::from_waker(&panics)).is_pending());
            }
            assert!(task.run(|cx| last.as_mut().poll(cx)).is_pending());
            assert!(catch_unwind(AssertUnwindSafe(|| drop(head))).is_err());
            assert_eq!(tx.len(), 0, "what was given up is left");
            drop((recv, first));
            assert_eq!(task.wakes(), 1);
            assert_eq!(task.run(|cx| last.as_mut().poll(cx)), Poll::Ready(Ok(())));
            assert_eq!(rx.try_recv(), Ok(2));
        }
    }
}

/// A channel that grows is full at its limit until a block is used up: also by slots that were given up behind an item,
/// of which no receiver can know.
#[test]
fn a_sender_does_not_wait_where_nothing_is_left_but_what_was_given_up() {
    for (tx_lang, rx_lang) in PAIRINGS {
        for items in [2, 4] {
            let (mut tx, mut rx) = growing::<u64>((items, 2, 1), &[tx_lang; 2], &[rx_lang]);
            let (mut last, task) = (tx.pop().unwrap(), Task::new());
            for n in 0..10 {
                tx[0].try_send(n).unwrap();
                while let Ok(room) = tx[0].try_reserve() {
                    drop(room);
                }
                let mut sending = last.sending(100 + n);
                assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
                let wakes = task.wakes();
                assert_eq!(rx[0].try_recv(), Ok(n));
                assert_eq!(task.wakes(), wakes + 1, "there is no item any more");
                assert_eq!(tx[0].len(), 0);
                assert_eq!(task.run(|cx| sending.as_mut().poll(cx)), Poll::Ready(Ok(())));
                assert_eq!(rx[0].try_recv(), Ok(100 + n));
            }
        }
    }
}

#[test]
fn pitfall_9_a_reservation_that_is_cancelled_after_any_poll_passes_its_turn_on() {
    for polls in 0..5 {
        for woken in [false, true] {
            for lang in LANGS {
                let (tx, rx) = mpmc::channel::<u64>(1);
                let (mut last, mut rx) = (Tx::of(lang, tx.clone()), Rx::of(lang, rx));
                tx.try_send(0).unwrap();
                let tasks: [Task; 2] = Default::default();
                let mut reserve = Box::pin(tx.reserve());
                let mut sending = last.sending(1);
                for _ in 0..polls {
                    assert!(tasks[0].run(|cx| reserve.as_mut().poll(cx)).is_pending());
                }
                assert!(tasks[1].run(|cx| sending.as_mut().poll(cx)).is_pending());
                if woken {
                    assert_eq!(rx.try_recv(), Ok(0));
                    assert_eq!(tasks[0].wakes(), usize::from(polls > 0), "in turn");
                }
                drop(reserve);
                assert_eq!(tasks[0].wakers(), 0);
                if !woken {
                    assert_eq!(rx.try_recv(), Ok(0));
                }
                assert_eq!(tasks[1].wakes(), 1);
                assert_eq!(tasks[1].run(|cx| sending.as_mut().poll(cx)), Poll::Ready(Ok(())));
                assert_eq!(rx.try_recv(), Ok(1));
            }
        }
    }
}

#[test]
fn a_reservation_is_served_in_turn_and_passes_on_what_is_left() {
    for lang in LANGS {
        let (tx, rx) = mpmc::channel::<u64>(2);
        let mut rx = Rx::of(lang, rx);
        (0..2).for_each(|n| tx.try_send(n).unwrap());
        let tasks: [Task; 2] = Default::default();
        let mut reserves = [Box::pin(tx.reserve()), Box::pin(tx.reserve())];
        for (task, reserve) in tasks.iter().zip(&mut reserves) {
            assert!(task.run(|cx| reserve.as_mut().poll(cx)).is_pending());
        }
        for (n, (task, reserve)) in tasks.iter().zip(&mut reserves).enumerate() {
            assert_eq!(rx.try_recv(), Ok(n as u64));
            assert_eq!(task.wakes(), 1);
            let Poll::Ready(Ok(grant)) = task.run(|cx| reserve.as_mut().poll(cx)) else {
                panic!("there is room");
            };
            grant.send(n as u64 + 2);
        }
        let mut reserve = Box::pin(tx.reserve());
        assert!(tasks[0].run(|cx| reserve.as_mut().poll(cx)).is_pending());
        rx.close_torn();
        assert_eq!(tasks[0].wakes(), 2);
        let Poll::Ready(Err(error)) = tasks[0].run(|cx| reserve.as_mut().poll(cx)) else {
            panic!("it is closed");
        };
        assert_eq!(error.reason(), Some(TORN));
    }
}

#[test]
fn pitfall_9_a_read_that_is_cancelled_after_any_poll_passes_its_turn_on() {
    for polls in 0..5 {
        for woken in [false, true] {
            for lang in LANGS {
                let (tx, rx) = mpmc::channel::<u64>(1);
                let (mut tx, mut last) = (Tx::of(lang, tx), Rx::of(lang, rx.clone()));
                let tasks: [Task; 2] = Default::default();
                let mut read = Box::pin(rx.read());
                let mut receiving = last.receiving();
                for _ in 0..polls {
                    assert!(tasks[0].run(|cx| read.as_mut().poll(cx)).is_pending());
                }
                assert!(tasks[1].run(|cx| receiving.as_mut().poll(cx)).is_pending());
                if woken {
                    tx.try_send(1).unwrap();
                    assert_eq!(tasks[0].wakes(), usize::from(polls > 0), "in turn");
                }
                drop(read);
                if !woken {
                    tx.try_send(1).unwrap();
                }
                assert_eq!((tasks[0].wakers(), tasks[1].wakes()), (0, 1));
                let ready = tasks[1].run(|cx| receiving.as_mut().poll(cx));
                assert_eq!(ready, Poll::Ready(Ok(1)));
            }
        }
    }
}

#[test]
fn a_malformed_item_from_zig_is_told_and_never_read() {
    for grows in [false, true] {
        let (tx, rx) = if grows { mpmc::unbounded() } else { mpmc::channel::<bool>(3) };
        let mut tx = Tx::of(Lang::Zig, tx);
        tx.send_bytes(2);
        tx.try_send(true).unwrap();
        tx.send_bytes(3);
        let malformed = StreamError::Malformed(Malformed::Value);
        assert_eq!(rx.try_read().unwrap_err(), TryRecvError::Failed(malformed));
        assert!(*rx.try_read().unwrap());
        assert_eq!(rx.read_blocking().unwrap_err(), RecvError::Failed(malformed));
        // One that ended a batch comes first.
        tx.try_send(false).unwrap();
        tx.send_bytes(2);
        tx.try_send(true).unwrap();
        assert_eq!(rx.try_recv_many(&mut Vec::new(), 3), Ok(1));
        assert_eq!(rx.try_read().unwrap_err(), TryRecvError::Failed(malformed));
        assert!(rx.try_read().unwrap().take());
        assert_eq!(rx.try_read().unwrap_err(), TryRecvError::Empty);
    }
}

/// Rule 7 of the ring: a quiet receiver says that a wake is due whenever one is, and receives what is there.
#[test]
fn a_quiet_receiver_passes_over_what_was_given_up_and_owes_no_secret_wake() {
    quiet::each_receiver(3, |tx, mut rx| {
        let quiet::Tx::Mpmc(tx) = tx else { return };
        let peer = rx.peer_waker();
        tx.try_send(1).unwrap();
        drop(tx.try_reserve().unwrap());
        let last = tx.try_reserve().unwrap();
        let tasks: [Task; 3] = Default::default();
        let mut reserves = [(); 3].map(|()| Box::pin(tx.reserve()));
        for (task, reserve) in tasks.iter().zip(&mut reserves) {
            assert!(task.run(|cx| reserve.as_mut().poll(cx)).is_pending());
        }
        let due = |received: Result<(u64, zigflow::channel::WakeDue), quiet::Stop>| {
            received.map(|(item, due)| (item, due.is_due()))
        };
        assert_eq!(due(rx.try_recv()), Ok((1, true)));
        assert_eq!(due(rx.try_recv()), Err(quiet::Stop::Later), "it leaves what it cannot tell of");
        last.send(3);
        assert_eq!(due(rx.try_recv()), Ok((3, true)));
        assert_eq!(tasks.each_ref().map(Task::wakes), [0; 3], "it wakes nobody");
        peer.wake();
        let mut grants = Vec::new();
        for (task, reserve) in tasks.iter().zip(&mut reserves) {
            assert_eq!(task.wakes(), 1, "one wake serves for three slots");
            let Poll::Ready(Ok(grant)) = task.run(|cx| reserve.as_mut().poll(cx)) else {
                panic!("there is room");
            };
            grants.push(grant);
        }
        // All is given up, the head last: who does it makes the room.
        let mut reserve = Box::pin(tx.reserve());
        assert!(tasks[0].run(|cx| reserve.as_mut().poll(cx)).is_pending());
        while let Some(grant) = grants.pop() {
            assert_eq!(due(rx.try_recv()), Err(quiet::Stop::Later));
            drop(grant);
        }
        assert_eq!(tasks[0].wakes(), 2);
        // The end behind what was given up.
        tx.try_send(4).unwrap();
        drop(tx.try_reserve().unwrap());
        tx.close();
        assert_eq!(due(rx.try_recv()).map(|(item, _)| item), Ok(4));
        assert_eq!(due(rx.try_recv()), Err(quiet::Stop::Closed));
    });
}

#[test]
fn grants_go_to_other_threads_and_threads_sleep_for_them() {
    let (tx, rx) = mpmc::channel(1);
    thread::scope(|scope| {
        let grant = tx.reserve_blocking().unwrap();
        let receiver = scope.spawn(|| rx.read_blocking().map(|item| *item));
        let sender = scope.spawn(|| tx.reserve_blocking().map(|grant| grant.send(2)).is_ok());
        until(|| {
            let counters = tx.snapshot();
            counters.sender_sleeps > 0 && counters.receiver_sleeps > 0
        });
        scope.spawn(move || grant.send(1));
        assert_eq!(receiver.join().unwrap(), Ok(1));
        assert!(sender.join().unwrap());
        let item = rx.read_blocking().unwrap();
        let reserve = scope.spawn(|| tx.reserve_blocking().is_ok());
        scope.spawn(move || assert_eq!(item.take(), 2)).join().unwrap();
        assert!(reserve.join().unwrap());
        let closed = scope.spawn(|| rx.read_blocking().unwrap_err());
        tx.close();
        assert_eq!(closed.join().unwrap(), RecvError::Closed);
    });
}

#[test]
fn threads_that_send_and_give_up_at_random_lose_nothing() {
    const COUNT: u64 = 3000;
    for (a, b) in PAIRINGS {
        for shape in 0..4 {
            let (tx, rx) = match shape {
                0 => ends(1, 100, &[a, b], &[a, b]),
                1 => ends(3, 2, &[a, b], &[a, b]),
                2 => growing((1, 4, 100), &[a, b], &[a, b]),
                _ => growing((2, 8, 1), &[a, b], &[a, b]),
            };
            let counters = rx[0].clone();
            let before = counters.snapshot()[0];
            let got: Vec<Vec<u64>> = thread::scope(|scope| {
                for (sender, mut tx) in (0..).zip(tx) {
                    scope.spawn(move || {
                        for n in 0..COUNT {
                            let item = sender << 32 | n;
                            match tx.try_reserve() {
                                Ok(room) if n % 3 == 0 => drop(room),
                                Ok(room) if n % 3 == 1 => {
                                    room.send(item);
                                    continue;
                                }
                                _ => {}
                            }
                            tx.send(item).unwrap();
                        }
                    });
                }
                let receive = |mut rx: Rx<u64>| scope.spawn(move || rx.drain().0);
                let threads: Vec<_> = rx.into_iter().map(receive).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            for got in &got {
                for sender in 0..2 {
                    let of = || got.iter().filter(|item| *item >> 32 == sender);
                    assert!(of().zip(of().skip(1)).all(|(a, b)| a < b), "in order");
                }
            }
            let mut all = got.concat();
            all.sort_unstable();
            assert!(all.into_iter().eq((0..2).flat_map(|s| (0..COUNT).map(move |n| s << 32 | n))));
            let numbers = counters.snapshot();
            assert_eq!(
                [numbers[0] - before, numbers[1] - before, numbers[2]],
                [2 * COUNT, 2 * COUNT, 0]
            );
        }
    }
}

#[test]
fn the_futures_and_grants_are_what_tasks_need() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}
    let (tx, rx) = mpmc::channel::<std::cell::Cell<u8>>(2);
    is_send(&tx.reserve());
    is_send(&rx.read());
    let grant = tx.try_reserve().unwrap();
    is_send(&grant);
    is_sync(&grant);
    assert_eq!(
        format!("{grant:?} {:?} {:?}", tx.reserve(), rx.read()),
        "WriteGrant Reserve { .. } Read { .. }"
    );
    grant.send(std::cell::Cell::new(1));
    let item = rx.try_read().unwrap();
    is_send(&item);
    assert_eq!(format!("{item:?}"), "ReadGrant(Cell { value: 1 })");
    drop(item);
    let mut reserve = pin!(tx.reserve());
    let ready: Pin<&mut _> = reserve.as_mut();
    assert!(ready.poll(&mut Context::from_waker(Waker::noop())).is_ready());
}
