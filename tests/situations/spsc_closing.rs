//! Channels with one sender and one receiver: how they end, for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::pin::Pin;
use std::task::Poll;
use std::thread;

use futures_core::stream::FusedStream;
use zigflow::channel::{RecvError, TryRecvError, TrySendError};
use zigflow::{StreamError, ZigError, spsc};
use zigflow_tests::ends::{Rx, Stop, TORN, Tx, each, items};
use zigflow_tests::task::{Task, until};

const CLOSED: Stop = Stop::Closed;

#[test]
fn pitfall_21_what_was_sent_before_the_sender_closed_arrives_and_then_the_end() {
    for queued in 0..=4 {
        each(4, |mut tx: Tx<u64>, mut rx| {
            tx.send_many(&items(0..queued));
            tx.close();
            tx.close_code(1); // the first reason counts
            assert!(tx.is_closed() && rx.is_closed());
            assert_eq!(
                (tx.try_send(9), tx.send(9), tx.send_many(&[9])),
                (Err(CLOSED), Err(CLOSED), 0)
            );
            assert_eq!(tx.send_grant(&[9], || ()), Err(CLOSED));
            assert_eq!((tx.reason(), rx.len()), (None, queued as usize));
            assert_eq!(rx.drain(), (items(0..queued), None));
            for _ in 0..3 {
                assert_eq!(
                    (rx.try_recv(), rx.recv(), rx.peek()),
                    (Err(CLOSED), Err(CLOSED), Err(CLOSED))
                );
                assert_eq!(rx.recv_many(&mut vec![], 1, true), Err(CLOSED));
                assert_eq!(rx.read(1, |_, _| 0), Err(CLOSED));
            }
        });
    }
}

#[test]
fn pitfall_21_what_was_sent_before_the_sender_went_arrives_and_then_the_end() {
    for queued in 0..=4 {
        each(4, |mut tx: Tx<u64>, mut rx| {
            tx.send_many(&items(0..queued));
            drop(tx);
            assert_eq!(rx.drain(), (items(0..queued), None));
        });
    }
}

#[test]
fn pitfall_21_what_was_sent_before_the_receiver_closed_can_be_received_and_no_more() {
    for queued in 0..=4 {
        each(4, |mut tx: Tx<u64>, mut rx| {
            tx.send_many(&items(0..queued));
            rx.close();
            rx.close_code(1);
            assert!(tx.is_closed() && rx.is_closed());
            // Those that come now come back; each way of sending meets the end by itself.
            assert_eq!(
                (tx.try_send(9), tx.send(9), tx.send_many(&[9])),
                (Err(CLOSED), Err(CLOSED), 0)
            );
            assert_eq!(
                (tx.try_send_many(&[9]), tx.send_grant(&[9], || ())),
                (Err(CLOSED), Err(CLOSED))
            );
            assert_eq!((tx.send_or_drop(9), tx.reason()), (Err(CLOSED), None));
            assert_eq!(
                (rx.len(), tx.snapshot()[..3].to_vec()),
                (queued as usize, vec![queued, 0, queued])
            );
            assert_eq!(rx.drain(), (items(0..queued), None));
        });
    }
}

/// The sender has not looked since: the verb itself meets the closed channel.
#[test]
fn each_way_of_sending_gives_back_what_a_closed_receiver_refuses() {
    type Way = fn(&mut Tx<u64>) -> Result<(), Stop>;
    let ways: [Way; 7] = [
        |tx| tx.try_send(9),
        |tx| tx.send(9),
        |tx| tx.send_or_drop(9).map(drop),
        |tx| tx.try_send_many(&[8, 9]).map(drop),
        |tx| if tx.send_many(&[8, 9]) == 0 { Err(CLOSED) } else { Ok(()) },
        |tx| tx.send_grant(&[8, 9], || ()).map(drop),
        |tx| match Task::new().run(|cx| tx.poll_send(cx, 9)) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Ok(()),
        },
    ];
    for way in ways {
        for queued in 0..=2 {
            each(4, |mut tx: Tx<u64>, mut rx| {
                tx.send_many(&items(0..queued));
                rx.close_torn();
                assert_eq!(way(&mut tx), Err(CLOSED));
                assert_eq!(way(&mut tx), Err(CLOSED));
                assert_eq!(tx.reason(), Some(TORN));
                assert_eq!(rx.drain().0, items(0..queued));
                assert_eq!(rx.snapshot()[..3], [queued, queued, 0]);
            });
        }
    }
}

#[test]
fn pitfall_10_a_grant_that_is_refused_gives_its_items_back() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        tx.send_many(&[0, 1]);
        // `send_grant` of Rust's end looks at what comes back.
        assert_eq!(tx.send_grant(&[2, 3], || rx.close()), Err(CLOSED));
        assert_eq!(rx.drain(), (vec![0, 1], None));
    });
}

#[test]
fn pitfall_10_closing_while_the_other_side_holds_a_grant_does_not_touch_it() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        tx.send_many(&[0, 1]);
        rx.read(4, |first, second| {
            tx.try_send(2).unwrap();
            tx.close_torn();
            assert_eq!((first, second), (&[0, 1][..], &[][..]));
            1
        })
        .unwrap();
        assert_eq!(rx.drain(), (vec![1, 2], Some(TORN)));
    });
}

#[test]
fn a_reason_of_the_sender_is_told_once_after_the_items() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        tx.send_many(&[0, 1]);
        tx.close_torn();
        tx.close_code(7);
        // `drain` of Rust's end fails if it is told twice.
        assert_eq!(rx.drain(), (vec![0, 1], Some(TORN)));
    });
    for code in [0, 7, -1, i32::MIN, i32::MAX] {
        each(4, |mut tx: Tx<u64>, mut rx| {
            tx.close_code(code);
            drop(tx);
            assert_eq!(rx.drain(), (vec![], Some(StreamError::Code(code))));
        });
    }
}

#[test]
fn a_reason_of_the_receiver_is_in_the_senders_errors() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        assert_eq!(tx.reason(), None);
        rx.close_torn();
        rx.close_code(7);
        assert_eq!(tx.reason(), Some(TORN));
        drop(rx);
        assert_eq!((tx.send(1), tx.reason()), (Err(CLOSED), Some(TORN)));
    });
    for code in [0, 7, -1, i32::MIN, i32::MAX] {
        each(4, |mut tx: Tx<u64>, mut rx| {
            rx.close_code(code);
            drop(rx);
            assert_eq!((tx.send(1), tx.reason()), (Err(CLOSED), Some(StreamError::Code(code))));
        });
    }
}

#[test]
fn both_may_close_and_each_hears_the_others_reason() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        tx.send_many(&[0, 1]);
        rx.close_code(1);
        tx.close_code(2);
        assert_eq!(tx.reason(), Some(StreamError::Code(1)));
        assert_eq!(rx.drain(), (vec![0, 1], Some(StreamError::Code(2))));
    });
}

#[test]
fn pitfall_20_nothing_comes_after_the_end_also_when_the_sender_closes_later() {
    let (mut tx, mut rx) = spsc::channel::<u64>(4);
    rx.close();
    let task = Task::new();
    assert!(!rx.is_terminated(), "the end was not told");
    assert_eq!(task.next(&mut rx), Poll::Ready(None));
    assert!(rx.is_terminated());
    tx.close_with(TORN);
    assert!(rx.is_terminated());
    assert_eq!(task.next(&mut rx), Poll::Ready(None));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rx.size_hint_of(), (0, Some(0)));
}

trait SizeHint {
    fn size_hint_of(&self) -> (usize, Option<usize>);
}

impl<S: futures_core::Stream> SizeHint for S {
    fn size_hint_of(&self) -> (usize, Option<usize>) {
        self.size_hint()
    }
}

#[test]
fn a_receiver_is_a_fused_stream_with_an_honest_size() {
    each(4, |mut tx: Tx<u64>, rx| {
        let Rx::Rust(mut rx, _) = rx else { return };
        let task = Task::new();
        assert_eq!(rx.size_hint_of(), (0, None));
        assert!(task.next(&mut rx).is_pending());
        tx.send_many(&[0, 1, 2]);
        assert_eq!((rx.size_hint_of(), rx.is_terminated()), ((3, None), false));
        assert_eq!(task.next(&mut rx), Poll::Ready(Some(Ok(0))));
        tx.close_torn();
        assert_eq!((rx.size_hint_of(), rx.is_terminated()), ((2, Some(3)), false));
        assert_eq!(task.next(&mut rx), Poll::Ready(Some(Ok(1))));
        assert_eq!(task.next(&mut rx), Poll::Ready(Some(Ok(2))));
        assert_eq!((rx.size_hint_of(), rx.is_terminated()), ((0, Some(1)), false));
        assert_eq!(task.next(&mut rx), Poll::Ready(Some(Err(TORN))));
        for _ in 0..3 {
            assert_eq!((rx.size_hint_of(), rx.is_terminated()), ((0, Some(0)), true));
            assert_eq!(task.next(&mut rx), Poll::Ready(None));
        }
    });
}

/// The ways in which an end leaves its peer.
const LEAVES: [fn(&mut Option<Tx<u64>>); 3] = [
    |end| end.as_mut().unwrap().close(),
    |end| end.as_mut().unwrap().close_torn(),
    |end| *end = None,
];

#[test]
fn pitfall_24_a_sleeping_receiver_is_released_when_the_sender_closes_or_goes() {
    let waits: [fn(&mut Rx<u64>) -> Stop; 2] =
        [|rx| rx.recv().unwrap_err(), |rx| rx.recv_many(&mut vec![], 4, true).unwrap_err()];
    for leave in LEAVES {
        for wait in waits {
            each(4, |tx: Tx<u64>, mut rx| {
                let mut tx = Some(tx);
                let stop = thread::scope(|scope| {
                    let waits = scope.spawn(move || wait(&mut rx));
                    until(|| tx.as_ref().unwrap().snapshot()[8] > 0);
                    leave(&mut tx);
                    waits.join().unwrap()
                });
                assert_eq!(stop, CLOSED);
            });
        }
    }
}

#[test]
fn pitfall_24_a_sleeping_sender_is_released_when_the_receiver_closes_or_goes() {
    let waits: [fn(&mut Tx<u64>) -> Stop; 2] = [
        |tx| tx.send(9).unwrap_err(),
        |tx| {
            assert_eq!(tx.send_many(&[8, 9]), 0);
            CLOSED
        },
    ];
    for goes in [false, true] {
        for wait in waits {
            each(2, |mut tx: Tx<u64>, rx| {
                tx.send_many(&[0, 1]);
                let mut rx = Some(rx);
                let stop = thread::scope(|scope| {
                    let waits = scope.spawn(|| wait(&mut tx));
                    until(|| rx.as_ref().unwrap().snapshot()[6] > 0);
                    if goes {
                        rx = None;
                    } else {
                        rx.as_mut().unwrap().close();
                    }
                    waits.join().unwrap()
                });
                assert_eq!(stop, CLOSED);
                // Not taken: they wait for whoever has the receiver.
                let left = rx.map(|mut rx| rx.drain());
                assert!(left.is_none_or(|left| left == (vec![0, 1], None)));
            });
        }
    }
}

#[test]
fn pitfall_24_8_a_pending_receiver_is_woken_when_the_sender_closes_or_goes() {
    for leave in LEAVES {
        each(4, |tx: Tx<u64>, mut rx| {
            let (task, mut tx) = (Task::new(), Some(tx));
            assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
            leave(&mut tx);
            assert_eq!(task.wakes(), 1);
            assert_eq!(task.run(|cx| rx.poll_recv(cx)), Poll::Ready(Err(CLOSED)));
            drop(tx);
            assert_eq!(task.wakes(), 1, "there is nothing more to say");
            drop(rx);
            assert_eq!(task.wakers(), 0);
        });
    }
}

#[test]
fn pitfall_24_8_a_pending_sender_is_woken_when_the_receiver_closes_or_goes() {
    for goes in [false, true] {
        each(1, |mut tx: Tx<u64>, rx| {
            let (task, mut rx) = (Task::new(), Some(rx));
            tx.try_send(0).unwrap();
            assert!(task.run(|cx| tx.poll_send(cx, 1)).is_pending());
            assert!(task.run(|cx| tx.poll_ready(cx)).is_pending());
            if goes {
                rx = None;
            } else {
                rx.as_mut().unwrap().close();
            }
            assert_eq!(task.wakes(), 1);
            assert_eq!(task.run(|cx| tx.poll_ready(cx)), Poll::Ready(Err(CLOSED)));
            assert_eq!(task.run(|cx| tx.poll_send(cx, 1)), Poll::Ready(Err(CLOSED)));
            drop(rx);
            drop(tx);
            assert_eq!(task.wakers(), 0);
        });
    }
}

#[test]
fn pitfall_8_an_end_that_goes_while_it_waits_lets_its_task_go() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        let task = Task::new();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        assert_eq!(task.wakers(), 1);
        drop(rx);
        assert_eq!((task.wakers(), task.wakes()), (0, 0));
        assert_eq!(tx.try_send(1), Err(CLOSED));
    });
    each(1, |mut tx: Tx<u64>, mut rx| {
        let task = Task::new();
        tx.try_send(0).unwrap();
        assert!(task.run(|cx| tx.poll_send(cx, 1)).is_pending());
        assert_eq!(task.wakers(), 1);
        drop(tx);
        assert_eq!((task.wakers(), task.wakes()), (0, 0));
        assert_eq!(rx.drain(), (vec![0], None));
    });
}

#[test]
fn a_sender_may_wait_for_the_end_alone() {
    each(4, |tx: Tx<u64>, mut rx| {
        let Tx::Rust(mut tx) = tx else { return };
        let task = Task::new();
        for goes in [false, true] {
            assert_eq!(tx.is_closed(), goes);
            if goes {
                break;
            }
            let mut closed = tx.closed();
            assert!(task.run(|cx| Pin::new(&mut closed).poll(cx)).is_pending());
            rx.close_torn();
            assert_eq!(task.wakes(), 1);
            assert!(task.run(|cx| Pin::new(&mut closed).poll(cx)).is_ready());
        }
        assert_eq!(tx.reason(), Some(TORN));
        assert!(task.run(|cx| Pin::new(&mut tx.closed()).poll(cx)).is_ready());
    });
}

#[test]
fn a_receiver_may_wait_for_the_end_alone_and_items_do_not_wake_it() {
    for leave in LEAVES {
        each(4, |tx: Tx<u64>, rx| {
            let Rx::Rust(mut rx, _) = rx else { return };
            let (mut tx, task, old) = (Some(tx), Task::new(), Task::new());
            // It had waited for an item: that wake is not the end's.
            assert!(old.run(|cx| rx.poll_recv(cx)).is_pending());
            tx.as_mut().unwrap().try_send(0).unwrap();
            assert_eq!((old.wakes(), rx.try_recv()), (1, Ok(0)));
            let mut closed = rx.closed();
            for n in 1..4 {
                assert!(task.run(|cx| Pin::new(&mut closed).poll(cx)).is_pending());
                tx.as_mut().unwrap().try_send(n).unwrap();
                assert_eq!(task.wakes(), 0);
            }
            leave(&mut tx);
            assert_eq!((task.wakes(), old.wakes()), (1, 1));
            assert!(task.run(|cx| Pin::new(&mut closed).poll(cx)).is_ready());
            assert_eq!(rx.len(), 3, "items may wait");
            assert!(task.run(|cx| Pin::new(&mut rx.closed()).poll(cx)).is_ready());
            let rest: Vec<u64> = std::iter::from_fn(|| rx.try_recv().ok()).collect();
            assert_eq!(rest, [1, 2, 3]);
        });
    }
}

#[test]
fn a_receiver_that_has_closed_itself_does_not_wait_for_the_end() {
    let (_tx, mut rx) = spsc::channel::<u64>(1);
    rx.close();
    let task = Task::new();
    assert!(task.run(|cx| Pin::new(&mut rx.closed()).poll(cx)).is_ready());
    assert_eq!(task.wakers(), 0);
}

/// The end comes while the receiver begins to wait for it.
#[test]
fn no_wake_is_lost_when_the_sender_goes_while_the_receiver_begins_to_wait() {
    for _ in 0..1000 {
        each_quietly(|tx, mut rx| {
            thread::scope(|scope| {
                scope.spawn(move || drop(tx));
                let task = Task::new();
                if task.run(|cx| Pin::new(&mut rx.closed()).poll(cx)).is_pending() {
                    task.wait_for(1);
                }
                assert!(rx.is_closed());
            });
        });
    }
}

/// A receiver in Rust, a sender in either language.
fn each_quietly(mut test: impl FnMut(Tx<u64>, spsc::Receiver<u64>)) {
    for in_zig in [false, true] {
        let (tx, rx) = spsc::channel::<u64>(1);
        test(if in_zig { Tx::in_zig(tx) } else { Tx::Rust(tx) }, rx);
    }
}

#[test]
fn reasons_that_are_no_names_of_zig_arrive_as_their_kind() {
    use zigflow::{Malformed, OpenError};
    for (given, name) in [
        (StreamError::Malformed(Malformed::Value), "Malformed"),
        (StreamError::InitFailed(OpenError::NotSendable), "InitFailed"),
    ] {
        let (mut tx, mut rx) = spsc::channel::<u64>(1);
        tx.close_with(given);
        let arrived = StreamError::Zig(ZigError::new(name));
        assert_eq!(rx.recv_blocking(), Err(RecvError::Failed(arrived)));
        assert_eq!(rx.recv_blocking(), Err(RecvError::Closed));
        let (mut tx, mut rx) = spsc::channel::<u64>(1);
        rx.close_with(given);
        let error = tx.send_blocking(3).unwrap_err();
        assert_eq!((error.reason(), error.into_inner()), (Some(arrived), 3));
        assert_eq!(tx.try_send(3), Err(TrySendError::Closed(3)));
    }
}

#[test]
fn an_end_that_zig_never_opens_closes_the_channel() {
    let (mut tx, rx) = spsc::channel::<u64>(2);
    tx.try_send(0).unwrap();
    drop(rx.into_zig());
    assert_eq!(tx.try_send(1), Err(TrySendError::Closed(1)));

    let (mut tx, mut rx) = spsc::channel::<u64>(2);
    tx.try_send(0).unwrap();
    drop(tx.into_zig());
    assert_eq!((rx.recv_blocking(), rx.recv_blocking()), (Ok(0), Err(RecvError::Closed)));
}

#[test]
fn an_end_that_was_closed_before_it_went_to_zig_is_closed_there() {
    let (mut tx, mut rx) = spsc::channel::<u64>(4);
    tx.try_send_many(&[0, 1]).unwrap();
    rx.close();
    assert_eq!(tx.try_send(2), Err(TrySendError::Closed(2)));
    let (mut tx, mut rx) = (Tx::in_zig(tx), Rx::in_zig(rx));
    assert!(tx.is_closed() && rx.is_closed());
    assert_eq!(tx.try_send(2), Err(CLOSED));
    assert_eq!(rx.drain(), (vec![0, 1], None));

    let (mut tx, mut rx) = spsc::channel::<u64>(4);
    tx.try_send_many(&[0, 1]).unwrap();
    tx.close_with(TORN);
    assert_eq!(rx.try_recv(), Ok(0));
    let (mut tx, mut rx) = (Tx::in_zig(tx), Rx::in_zig(rx));
    assert_eq!(tx.try_send(2), Err(CLOSED));
    assert_eq!(rx.drain(), (vec![1], Some(TORN)));
}
