//! A sending end of a channel with many ends as a sink.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use futures_sink::Sink;
use zigflow::channel::{SendError, TryRecvError};
use zigflow::mpmc::{self, SendSink};
use zigflow_tests::ends::{Lang, TORN};
use zigflow_tests::many_ends::{Rx, Tx};
use zigflow_tests::task::Task;

type Outcome = Poll<Result<(), SendError<Option<u64>>>>;
type Verb = fn(Pin<&mut SendSink<u64>>, &mut Context<'_>) -> Outcome;

const READY: Verb = Sink::poll_ready;
const FLUSH: Verb = Sink::poll_flush;
const CLOSE: Verb = Sink::poll_close;
const DONE: Outcome = Poll::Ready(Ok(()));
const LANGS: [Lang; 2] = [Lang::Rust, Lang::Zig];

fn poll(task: &Task, sink: &mut SendSink<u64>, verb: Verb) -> Outcome {
    task.run(|cx| verb(Pin::new(sink), cx))
}

fn start(sink: &mut SendSink<u64>, item: u64) {
    Pin::new(sink).start_send(item).unwrap();
}

/// A sink on a full channel of one item, 0, with another one, 1, that waits; and a receiver in each language.
fn each_waiting(mut test: impl FnMut(SendSink<u64>, mpmc::Sender<u64>, Rx<u64>, Task)) {
    for lang in LANGS {
        let (tx, rx) = mpmc::channel(1);
        let (task, mut sink) = (Task::new(), tx.clone().into_sink());
        for item in 0..2 {
            assert_eq!(poll(&task, &mut sink, READY), DONE);
            start(&mut sink, item);
        }
        assert!(poll(&task, &mut sink, FLUSH).is_pending());
        test(sink, tx, Rx::of(lang, rx), task);
    }
}

#[test]
fn a_sink_sends_at_once_if_there_is_room() {
    let (tx, rx) = mpmc::channel(2);
    let (task, mut sink) = (Task::new(), tx.into_sink());
    for item in 0..2 {
        assert_eq!(poll(&task, &mut sink, READY), DONE);
        start(&mut sink, item);
        assert_eq!(rx.len() as u64, item + 1);
    }
    assert_eq!(poll(&task, &mut sink, FLUSH), DONE);
    assert_eq!((task.wakes(), task.wakers()), (0, 0));
}

#[test]
fn an_item_that_has_no_room_waits_in_the_sink_until_there_is() {
    each_waiting(|mut sink, _tx, mut rx, task| {
        for verb in [READY, FLUSH, CLOSE] {
            assert!(poll(&task, &mut sink, verb).is_pending());
        }
        assert_eq!((rx.try_recv(), task.wakes()), (Ok(0), 1));
        assert_eq!(rx.try_recv(), Err(zigflow_tests::ends::Stop::Later), "it is still here");
        assert_eq!(poll(&task, &mut sink, READY), DONE);
        assert_eq!((rx.try_recv(), task.wakers()), (Ok(1), 0));
    });
}

#[test]
fn another_sender_may_take_the_room_and_nothing_is_lost() {
    each_waiting(|mut sink, tx, mut rx, task| {
        for round in 1..4 {
            let first = rx.try_recv().unwrap();
            assert_eq!(tx.try_send(10 + round), Ok(()), "the room is another one's");
            assert_eq!(task.wakes() as u64, round);
            assert!(poll(&task, &mut sink, FLUSH).is_pending());
            assert_eq!(first, if round == 1 { 0 } else { 9 + round });
        }
        assert_eq!(rx.try_recv(), Ok(13));
        assert_eq!(poll(&task, &mut sink, FLUSH), DONE);
        assert_eq!(rx.try_recv(), Ok(1));
    });
}

#[test]
#[should_panic(expected = "without a `poll_ready`")]
fn a_second_item_that_has_to_wait_is_a_mistake() {
    let (tx, _rx) = mpmc::channel(1);
    let mut sink = tx.into_sink();
    for item in 0..3 {
        let _ = Pin::new(&mut sink).start_send(item);
    }
}

#[test]
fn pitfall_9_a_sink_that_gives_up_after_its_wake_passes_it_on() {
    type GiveUp = fn(SendSink<u64>) -> Option<SendSink<u64>>;
    let ways: [GiveUp; 3] = [
        |sink| {
            drop(sink);
            None
        },
        |sink| {
            assert_eq!(sink.into_inner().1, Some(1));
            None
        },
        |mut sink| {
            sink.cancel();
            Some(sink)
        },
    ];
    for give_up in ways {
        each_waiting(|sink, tx, mut rx, task| {
            let other = Task::new();
            let mut send = Box::pin(tx.send(7));
            assert!(other.run(|cx| send.as_mut().poll(cx)).is_pending());
            assert_eq!(rx.try_recv(), Ok(0));
            assert_eq!((task.wakes(), other.wakes()), (1, 0), "in order");
            let sink = give_up(sink);
            assert_eq!((other.wakes(), task.wakers()), (1, 0));
            assert!(other.run(|cx| send.as_mut().poll(cx)).is_ready());
            drop(send);
            assert_eq!(rx.try_recv(), Ok(7));
            // One that only waits no more has its item still.
            if let Some(mut sink) = sink {
                assert_eq!(poll(&task, &mut sink, FLUSH), DONE);
                assert_eq!(rx.try_recv(), Ok(1));
            }
        });
    }
}

#[test]
fn an_item_that_waits_goes_with_the_sink_and_once() {
    let (tx, rx) = mpmc::channel(1);
    let mut sink = tx.into_sink();
    let item = std::sync::Arc::new(());
    for _ in 0..2 {
        Pin::new(&mut sink).start_send(item.clone()).unwrap();
    }
    assert_eq!(std::sync::Arc::strong_count(&item), 3);
    drop(sink);
    assert_eq!(std::sync::Arc::strong_count(&item), 2);
    assert!(rx.try_recv().is_ok());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(std::sync::Arc::strong_count(&item), 1);
}

#[test]
fn pitfall_10_24_an_item_that_waits_comes_back_with_the_reason_when_the_channel_closes() {
    for verb in [READY, FLUSH, CLOSE] {
        each_waiting(|mut sink, _tx, rx, task| {
            rx.close_torn();
            assert_eq!(task.wakes(), 1);
            let Poll::Ready(Err(error)) = poll(&task, &mut sink, verb) else {
                panic!("the channel is closed");
            };
            assert_eq!((error.reason(), error.into_inner()), (Some(TORN), Some(1)));
            let Poll::Ready(Err(error)) = poll(&task, &mut sink, READY) else {
                panic!("the channel is closed");
            };
            assert_eq!((error.reason(), error.into_inner()), (Some(TORN), None));
            let error = Pin::new(&mut sink).start_send(5).unwrap_err();
            assert_eq!((error.reason(), error.into_inner()), (Some(TORN), Some(5)));
            assert_eq!(poll(&task, &mut sink, CLOSE), DONE);
            assert!(sink.sender().is_none());
        });
    }
}

#[test]
fn a_sink_that_closes_sends_what_is_left_and_only_the_last_end_closes_the_channel() {
    each_waiting(|mut sink, tx, mut rx, task| {
        assert!(poll(&task, &mut sink, CLOSE).is_pending());
        assert_eq!((rx.try_recv(), task.wakes()), (Ok(0), 1));
        assert_eq!((poll(&task, &mut sink, CLOSE), poll(&task, &mut sink, CLOSE)), (DONE, DONE));
        assert_eq!(rx.try_recv(), Ok(1));
        assert!(!tx.is_closed(), "another sender lives");
        assert_eq!(poll(&task, &mut sink, FLUSH), DONE);
        assert!(matches!(poll(&task, &mut sink, READY), Poll::Ready(Err(_))));
        assert_eq!(Pin::new(&mut sink).start_send(8).unwrap_err().into_inner(), Some(8));
        let mut last = tx.into_sink();
        start(&mut last, 9);
        assert_eq!(poll(&task, &mut last, CLOSE), DONE);
        assert_eq!(rx.drain(), (vec![9], None));
    });
}

#[test]
fn a_sink_may_move_to_another_thread_while_it_waits() {
    each_waiting(|sink, _tx, mut rx, task| {
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut sink = sink;
                task.wait_for(1);
                assert_eq!(poll(&task, &mut sink, CLOSE), DONE);
            });
            assert_eq!((rx.recv(), rx.recv()), (Ok(0), Ok(1)));
        });
    });
}

#[test]
fn sinks_and_senders_of_one_channel_lose_nothing() {
    const COUNT: u64 = 5000;
    for lang in LANGS {
        let (tx, rx) = mpmc::channel::<u64>(3);
        let mut threads = Vec::new();
        let mut sender = Tx::of(lang, tx.clone());
        threads.push(thread::spawn(move || (0..COUNT).for_each(|n| sender.send(n).unwrap())));
        for from in [COUNT, 2 * COUNT] {
            let mut sink = tx.clone().into_sink();
            threads.push(thread::spawn(move || {
                let (task, mut wakes) = (Task::new(), 0);
                let mut until = |sink: &mut SendSink<u64>, verb| {
                    while poll(&task, sink, verb).is_pending() {
                        wakes += 1;
                        task.wait_for(wakes);
                        wakes = task.wakes();
                    }
                };
                for n in from..from + COUNT {
                    until(&mut sink, READY);
                    start(&mut sink, n);
                    if n % 3 == 0 {
                        until(&mut sink, FLUSH);
                    }
                }
                until(&mut sink, CLOSE);
            }));
        }
        drop(tx);
        let mut got = Rx::of(lang, rx).drain().0;
        got.sort_unstable();
        assert!(got.into_iter().eq(0..3 * COUNT));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn a_close_lets_the_end_go_also_when_its_item_comes_back() {
    each_waiting(|mut sink, tx, rx, task| {
        let weak = tx.downgrade();
        drop(tx);
        rx.close_torn();
        let Poll::Ready(Err(error)) = poll(&task, &mut sink, CLOSE) else { panic!("it is closed") };
        assert_eq!((error.reason(), error.into_inner()), (Some(TORN), Some(1)));
        assert!(sink.sender().is_none() && weak.upgrade().is_none(), "the end is kept");
        assert_eq!(poll(&task, &mut sink, CLOSE), DONE);
        assert_eq!(task.wakers(), 0);
        assert!(matches!(sink.into_inner(), (None, None)));
    });
}
