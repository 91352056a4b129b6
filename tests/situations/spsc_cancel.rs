//! Channels with one sender and one receiver: futures that are dropped after any number of polls, with a peer
//! in either language. Nothing is lost and nothing comes twice.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::pin::{Pin, pin};
use std::task::Poll;

use zigflow::spsc;
use zigflow_tests::ends::{Lang, Rx, Stop, Tx, items};
use zigflow_tests::task::Task;

/// A future is dropped after each number of polls up to this one.
const POLLS: usize = 64;
/// Positions before their wrap-around.
const START: u32 = (1 << 30) - 20;

/// Polls so often, each time after `before` with the number of the poll, unless it is ready; then drops the
/// future.
fn polled<F: Future>(
    task: &Task,
    polls: usize,
    future: F,
    mut before: impl FnMut(usize),
) -> Option<F::Output> {
    let mut future = pin!(future);
    for poll in 0..polls {
        before(poll);
        if let Poll::Ready(ready) = task.run(|cx| future.as_mut().poll(cx)) {
            return Some(ready);
        }
    }
    None
}

/// A Rust sender and a receiver in each language, for each number of polls.
fn each_sender(capacity: usize, mut test: impl FnMut(spsc::Sender<u64>, Rx<u64>, usize)) {
    for lang in [Lang::Rust, Lang::Zig] {
        for polls in 0..=POLLS {
            let (tx, rx) = spsc::starting_at(capacity, START).unwrap();
            let rx = if lang == Lang::Zig { Rx::in_zig(rx) } else { Rx::Rust(rx, None) };
            println!("to {lang:?}, {polls} polls");
            test(tx, rx, polls);
        }
    }
}

/// A Rust receiver and a sender in each language, for each number of polls.
fn each_receiver(capacity: usize, mut test: impl FnMut(Tx<u64>, spsc::Receiver<u64>, usize)) {
    for lang in [Lang::Rust, Lang::Zig] {
        for polls in 0..=POLLS {
            let (tx, rx) = spsc::starting_at(capacity, START).unwrap();
            let tx = if lang == Lang::Zig { Tx::in_zig(tx) } else { Tx::Rust(tx) };
            println!("from {lang:?}, {polls} polls");
            test(tx, rx, polls);
        }
    }
}

fn now(rx: &mut Rx<u64>) -> Vec<u64> {
    std::iter::from_fn(|| rx.try_recv().ok()).collect()
}

#[test]
fn pitfall_22_a_send_that_is_dropped_has_not_sent() {
    each_sender(2, |mut tx, mut rx, polls| {
        let task = Task::new();
        tx.try_send_many(&[0, 1]).unwrap();
        assert!(polled(&task, polls, tx.send(9), |_| ()).is_none());
        assert_eq!(now(&mut rx), [0, 1]);
        assert_eq!(task.wakes(), usize::from(polls > 0), "one for all polls");
        assert_eq!(polled(&task, 1, tx.send(2), |_| ()), Some(Ok(())));
        assert_eq!((now(&mut rx), rx.snapshot()[0]), (vec![2], u64::from(START) + 3));
    });
}

#[test]
fn pitfall_22_9_a_send_from_that_is_dropped_has_sent_or_still_has_the_item() {
    // Room comes before that poll.
    for room in 0..4 {
        each_sender(1, |mut tx, mut rx, polls| {
            let task = Task::new();
            let mut got = Vec::new();
            tx.try_send(0).unwrap();
            let mut item = Some(1);
            let sent = polled(&task, polls, tx.send_from(&mut item), |poll| {
                if poll == room {
                    got.extend(rx.try_recv());
                }
            });
            assert_eq!(sent.is_some(), polls > room);
            assert_eq!(item, (polls <= room).then_some(1));
            // Woken and cancelled: who comes next goes on.
            got.extend(rx.try_recv());
            let other = Task::new();
            assert_eq!(polled(&other, 1, tx.send_from(&mut item), |_| ()), Some(Ok(())));
            got.extend(now(&mut rx));
            assert_eq!((got, item), (vec![0, 1], None));
        });
    }
}

#[test]
fn pitfall_22_a_send_many_that_is_dropped_tells_how_many_it_sent() {
    let all = items::<u64>(0..40);
    for capacity in [1, 3] {
        each_sender(capacity, |mut tx, mut rx, polls| {
            let (task, mut got) = (Task::new(), Vec::new());
            let mut future = tx.send_many(&all);
            let mut ready = false;
            for _ in 0..polls {
                ready = task.run(|cx| Pin::new(&mut future).poll(cx)).is_ready();
                if ready {
                    break;
                }
                got.extend(rx.try_recv());
            }
            let sent = future.sent();
            // The first poll fills the ring, each other one sends what was received before it.
            assert_eq!(sent, if polls == 0 { 0 } else { (capacity + polls - 1).min(40) });
            assert_eq!(ready, sent == 40);
            let mut left = &all[sent..];
            while !left.is_empty() {
                got.extend(now(&mut rx));
                left = &left[tx.try_send_many(left).unwrap()..];
            }
            got.extend(now(&mut rx));
            assert_eq!(got, all);
        });
    }
}

#[test]
fn pitfall_22_10_a_reserve_that_is_dropped_has_done_nothing() {
    each_sender(40, |mut tx, mut rx, polls| {
        let (task, mut got) = (Task::new(), Vec::new());
        tx.try_send_many(&items(0..40)).unwrap();
        // One slot more becomes free before each poll.
        let before = |_| got.extend(rx.try_recv());
        let reserved = polled(&task, polls, tx.reserve(32), before);
        assert_eq!(reserved.is_some(), polls >= 32);
        drop(reserved);
        assert_eq!(tx.len(), 40 - polls.min(32));
        got.extend(now(&mut rx));
        let grant = polled(&task, 1, tx.reserve(40), |_| ()).unwrap();
        drop(grant.unwrap());
        tx.try_send(40).unwrap();
        got.extend(now(&mut rx));
        assert_eq!(got, items(0..41));
    });
}

#[test]
fn a_closed_that_is_dropped_leaves_the_channel_as_it_is() {
    each_sender(1, |mut tx, mut rx, polls| {
        let (task, other) = (Task::new(), Task::new());
        assert!(polled(&task, polls, tx.closed(), |_| ()).is_none());
        assert_eq!((tx.try_send(1), now(&mut rx)), (Ok(()), vec![1]));
        assert_eq!(task.wakes(), 0);
        let mut closed = pin!(tx.closed());
        assert!(other.run(|cx| closed.as_mut().poll(cx)).is_pending());
        rx.close();
        assert_eq!((task.wakes(), other.wakes()), (0, 1));
        assert!(other.run(|cx| closed.as_mut().poll(cx)).is_ready());
    });
}

#[test]
fn a_closed_of_a_receiver_that_is_dropped_takes_no_wake_from_a_recv() {
    for polls in 0..POLLS {
        let (mut tx, mut rx) = spsc::channel::<u64>(1);
        let (task, other) = (Task::new(), Task::new());
        assert!(polled(&task, polls, rx.closed(), |_| ()).is_none());
        assert!(other.run(|cx| rx.poll_recv(cx)).is_pending());
        tx.try_send(1).unwrap();
        assert_eq!((task.wakes(), other.wakes()), (0, 1));
        assert_eq!(other.run(|cx| rx.poll_recv(cx)), Poll::Ready(Ok(1)));
    }
}

#[test]
fn pitfall_22_9_a_recv_that_is_dropped_has_received_or_the_item_is_still_there() {
    // An item comes before that poll.
    for comes in 0..4 {
        each_receiver(1, |mut tx, mut rx, polls| {
            let (task, mut got) = (Task::new(), Vec::new());
            let received = polled(&task, polls, rx.recv(), |poll| {
                if poll == comes {
                    assert_eq!(tx.try_send(0), Ok(()));
                }
            });
            assert_eq!(received.is_some(), polls > comes);
            got.extend(received.map(Result::unwrap));
            if polls <= comes {
                // Woken and cancelled: who comes next receives.
                assert_eq!(tx.try_send(0), Ok(()));
                assert_eq!(task.wakes(), usize::from(polls > 0));
            }
            let other = Task::new();
            got.extend(polled(&other, 1, rx.recv(), |_| ()).map(Result::unwrap));
            assert_eq!(got, [0]);
            assert_eq!(tx.try_send(1), Ok(()));
            assert_eq!(polled(&other, 1, rx.recv(), |_| ()), Some(Ok(1)));
        });
    }
}

#[test]
fn pitfall_22_a_recv_many_that_is_dropped_leaves_items_where_they_are() {
    for comes in [0, 1, 30] {
        each_receiver(4, |mut tx, mut rx, polls| {
            let (task, mut got) = (Task::new(), vec![100]);
            let received = polled(&task, polls, rx.recv_many(&mut got, 3), |poll| {
                if poll == comes {
                    assert_eq!(tx.try_send_many(&items(0..4)), Ok(4));
                }
            });
            let expected = if polls > comes { 3 } else { 0 };
            assert_eq!(received, (polls > comes).then_some(Ok(3)));
            assert_eq!(got.len(), 1 + expected);
            if polls <= comes {
                assert_eq!(tx.try_send_many(&items(0..4)), Ok(4));
            }
            assert_eq!(rx.len(), 4 - expected);
            while let Some(Ok(_)) = polled(&task, 1, rx.recv_many(&mut got, 3), |_| ()) {}
            assert_eq!(got, [100, 0, 1, 2, 3]);
        });
    }
}

#[test]
fn pitfall_22_a_read_that_is_dropped_leaves_items_where_they_are() {
    for comes in [0, 1, 30] {
        each_receiver(4, |mut tx, mut rx, polls| {
            let task = Task::new();
            let read = polled(&task, polls, rx.read(3), |poll| {
                if poll == comes {
                    assert_eq!(tx.try_send_many(&items(0..4)), Ok(4));
                }
            });
            assert_eq!(
                read.as_ref().map(|read| read.as_ref().unwrap().len()),
                (polls > comes).then_some(3)
            );
            if polls <= comes {
                assert_eq!(tx.try_send_many(&items(0..4)), Ok(4));
            }
            let read = polled(&task, 1, rx.read(9), |_| ()).unwrap().unwrap();
            assert_eq!([read.slices().0, read.slices().1].concat(), items(0..4));
            read.release(4);
            assert_eq!(tx.try_send(4), Ok(()));
            assert_eq!(rx.try_recv(), Ok(4));
        });
    }
}

/// Zig's ends have no futures: a task that gave up has left its waker behind, and that is all.
#[test]
fn a_task_that_gives_up_at_an_end_in_zig_loses_nothing() {
    for polls in 0..=POLLS {
        let (tx, rx) = spsc::starting_at(1, START).unwrap();
        let (mut tx, mut rx) = (Tx::in_zig(tx), Rx::in_zig(rx));
        let (task, other) = (Task::new(), Task::new());
        (0..polls).for_each(|_| assert!(task.run(|cx| rx.poll_recv(cx)).is_pending()));
        assert_eq!(tx.try_send(0_u64), Ok(()));
        assert_eq!(task.wakes(), usize::from(polls > 0));
        (0..polls).for_each(|_| assert!(task.run(|cx| tx.poll_send(cx, 1)).is_pending()));
        assert_eq!(other.run(|cx| rx.poll_recv(cx)), Poll::Ready(Ok(0)));
        assert_eq!(task.wakes(), 2 * usize::from(polls > 0));
        assert_eq!(other.run(|cx| tx.poll_send(cx, 1)), Poll::Ready(Ok(())));
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Err(Stop::Later)));
    }
}

#[test]
fn pitfall_20_a_future_that_is_polled_after_it_was_ready_does_not_hang() {
    let task = Task::new();
    let (mut tx, mut rx) = spsc::channel::<u64>(4);
    let mut send = tx.send(0);
    for _ in 0..3 {
        assert_eq!(task.run(|cx| Pin::new(&mut send).poll(cx)), Poll::Ready(Ok(())));
    }
    let mut item = Some(1);
    let mut send = tx.send_from(&mut item);
    for _ in 0..3 {
        assert_eq!(task.run(|cx| Pin::new(&mut send).poll(cx)), Poll::Ready(Ok(())));
    }
    let mut send = tx.send_many(&[2, 3]);
    for _ in 0..3 {
        assert_eq!(task.run(|cx| Pin::new(&mut send).poll(cx)), Poll::Ready(Ok(())));
    }
    assert_eq!(tx.len(), 4);
    let mut recv = rx.recv();
    for n in 0..4 {
        assert_eq!(task.run(|cx| Pin::new(&mut recv).poll(cx)), Poll::Ready(Ok(n)));
    }
    let mut reserve = tx.reserve(1);
    assert!(task.run(|cx| Pin::new(&mut reserve).poll(cx)).is_ready());
    let again = || task.run(|cx| Pin::new(&mut reserve).poll(cx).is_ready());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(again)).is_err());
    tx.close();
    let mut read = rx.read(1);
    assert!(task.run(|cx| Pin::new(&mut read).poll(cx)).is_ready());
    let again = || task.run(|cx| Pin::new(&mut read).poll(cx).is_ready());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(again)).is_err());
}
