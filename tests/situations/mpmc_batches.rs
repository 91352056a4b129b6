//! Channels with many ends: many items by one call, for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::thread;

use zigflow::channel::{RecvError, SendManyError, TryRecvError};
use zigflow::mpmc::{self, RecvMany, SendMany};
use zigflow::{Malformed, StreamError};
use zigflow_tests::Point;
use zigflow_tests::ends::{Lang, PAIRINGS, Stop, TORN, items};
use zigflow_tests::many_ends::{Many, Rx, Tx, each, each_near, ends};
use zigflow_tests::task::{Task, until};

type Sending<'a> = Pin<Box<SendMany<'a, u64>>>;
type Receiving<'a> = Pin<Box<RecvMany<'a, u64>>>;

fn send(task: &Task, future: &mut Sending<'_>) -> Poll<Result<(), SendManyError>> {
    task.run(|cx| future.as_mut().poll(cx))
}

fn receive(task: &Task, future: &mut Receiving<'_>) -> Poll<Result<usize, RecvError>> {
    task.run(|cx| future.as_mut().poll(cx))
}

fn fills_and_empties<T: Many>(mut tx: Tx<T>, mut rx: Rx<T>) {
    let capacity = tx.capacity();
    let all: Vec<T> = items(0..2 * capacity as u64 + 3);
    let mut got = Vec::new();
    for limit in [1, 2, capacity, 4 * capacity] {
        assert_eq!(tx.try_send_many(&[]), Ok(0));
        assert_eq!(rx.recv_many(&mut got, limit, false), Err(Stop::Later));
        assert_eq!(rx.recv_many(&mut got, 0, false), Ok(0));
        assert_eq!(tx.try_send_many(&all), Ok(capacity));
        assert_eq!((tx.try_send_many(&all), tx.len()), (Ok(0), capacity));
        let mut left = capacity;
        while left > 0 {
            let count = rx.recv_many(&mut got, limit, left.is_multiple_of(2)).unwrap();
            assert_eq!(count, left.min(limit));
            left -= count;
        }
        assert_eq!(std::mem::take(&mut got), &all[..capacity]);
        // One more, so that the next round begins elsewhere.
        assert_eq!((tx.try_send_many(&all[..1]), rx.try_recv()), (Ok(1), Ok(all[0])));
    }
}

#[test]
fn a_batch_is_what_fits_and_what_is_there_also_across_the_wrap() {
    for capacity in [1, 2, 3, 7, 8, 257] {
        for laps in [0, 1, 2] {
            each_near(capacity, laps, fills_and_empties::<u64>);
        }
        each(capacity, fills_and_empties::<Point>);
        each(capacity, fills_and_empties::<bool>);
    }
}

/// An item that tells who sent it.
fn mark(sender: u64, n: u64) -> u64 {
    sender << 32 | n
}

/// Every item once, and those of each sender in order wherever they went.
fn assert_each_once_and_in_order(got: &[Vec<u64>], senders: u64, count: u64) {
    for got in got {
        for sender in 0..senders {
            let theirs = got.iter().filter(|item| **item >> 32 == sender);
            assert!(theirs.is_sorted(), "of {sender}");
        }
    }
    let mut all = got.concat();
    all.sort_unstable();
    let sent = (0..senders).flat_map(|sender| (0..count).map(move |n| mark(sender, n)));
    assert!(all.iter().copied().eq(sent), "{} items of {}", all.len(), senders * count);
}

#[test]
fn threads_that_send_and_receive_batches_lose_nothing() {
    const COUNT: u64 = 5000;
    for (tx_lang, rx_lang) in PAIRINGS {
        for capacity in [1, 3, 64] {
            let (tx, rx) = ends::<u64>(capacity, 2, &[tx_lang; 2], &[rx_lang; 2]);
            let got: Vec<_> = thread::scope(|scope| {
                for (mut tx, sender) in tx.into_iter().zip(0..) {
                    scope.spawn(move || {
                        let all: Vec<_> = (0..COUNT).map(|n| mark(sender, n)).collect();
                        for (n, batch) in all.chunks(50).enumerate() {
                            if n % 10 == 0 {
                                batch.iter().for_each(|item| tx.send(*item).unwrap());
                            } else {
                                assert_eq!(tx.send_many(batch), batch.len());
                            }
                        }
                    });
                }
                let receive = |mut rx: Rx<u64>| {
                    scope.spawn(move || {
                        let mut got = Vec::new();
                        while let Ok(count) = rx.recv_many(&mut got, 7, true) {
                            assert!((1..=7).contains(&count));
                        }
                        got
                    })
                };
                let threads: Vec<_> = rx.into_iter().map(receive).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_each_once_and_in_order(&got, 2, COUNT);
        }
    }
}

#[test]
fn tasks_that_send_and_receive_batches_lose_nothing() {
    const COUNT: u64 = 3000;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for capacity in [1, 3, 64] {
        let (tx, rx) = mpmc::before_the_wrap::<u64>(capacity, 2).unwrap();
        let got = runtime.block_on(async {
            for sender in 0..3 {
                let tx = tx.clone();
                tokio::spawn(async move {
                    let all: Vec<_> = (0..COUNT).map(|n| mark(sender, n)).collect();
                    for batch in all.chunks(100) {
                        // Half of them give up now and then, and go on from there.
                        let mut sent = 0;
                        while sender != 0 && sent < batch.len() / 2 {
                            let mut sending = pin!(tx.send_many(&batch[sent..]));
                            tokio::select! {
                                biased;
                                done = &mut sending => done.unwrap(),
                                () = tokio::task::yield_now() => {}
                            }
                            sent += sending.sent();
                        }
                        tx.send_many(&batch[sent..]).await.unwrap();
                    }
                });
            }
            drop(tx);
            let tasks: Vec<_> = (1..4)
                .map(|limit| {
                    let rx = rx.clone();
                    tokio::spawn(async move {
                        let mut got = Vec::new();
                        loop {
                            tokio::select! {
                                biased;
                                received = rx.recv_many(&mut got, limit) => match received {
                                    Ok(count) => assert!((1..=limit).contains(&count)),
                                    Err(error) => break assert_eq!(error, RecvError::Closed),
                                },
                                () = tokio::task::yield_now() => {}
                            }
                        }
                        got
                    })
                })
                .collect();
            let mut got = Vec::new();
            for task in tasks {
                got.push(task.await.unwrap());
            }
            got
        });
        assert_each_once_and_in_order(&got, 3, COUNT);
    }
}

#[test]
fn pitfall_9_a_batch_wakes_as_many_receivers_as_it_has_items() {
    for lang in [Lang::Rust, Lang::Zig] {
        for blocks in [false, true] {
            let (mut tx, mut rx) = ends::<u64>(4, 1, &[lang], &[Lang::Rust, Lang::Zig, Lang::Rust]);
            let tasks: [Task; 3] = Default::default();
            let mut receiving: Vec<_> = rx.iter_mut().map(Rx::receiving).collect();
            for (task, future) in tasks.iter().zip(&mut receiving) {
                assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
            }
            if blocks {
                assert_eq!(tx[0].send_many(&[0, 1]), 2);
            } else {
                assert_eq!(tx[0].try_send_many(&[0, 1]), Ok(2));
            }
            assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1, 0]);
            for (n, future) in receiving.iter_mut().enumerate().take(2) {
                let polled = tasks[n].run(|cx| future.as_mut().poll(cx));
                assert_eq!(polled, Poll::Ready(Ok(n as u64)));
            }
            // The baton may have woken it in vain.
            assert!(tasks[2].run(|cx| receiving[2].as_mut().poll(cx)).is_pending());
        }
    }
}

#[test]
fn pitfall_9_a_batch_that_is_received_wakes_as_many_senders_as_it_makes_room_for() {
    for lang in [Lang::Rust, Lang::Zig] {
        for blocks in [false, true] {
            let (mut tx, mut rx) = ends::<u64>(2, 1, &[Lang::Zig, Lang::Rust, Lang::Zig], &[lang]);
            assert_eq!(tx[0].try_send_many(&[0, 1]), Ok(2));
            let tasks: [Task; 3] = Default::default();
            let mut sending: Vec<_> = tx.iter_mut().map(|tx| tx.sending(2)).collect();
            for (task, future) in tasks.iter().zip(&mut sending) {
                assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
            }
            let mut got = Vec::new();
            assert_eq!(rx[0].recv_many(&mut got, 2, blocks), Ok(2));
            assert_eq!((got, tasks.each_ref().map(Task::wakes)), (vec![0, 1], [1, 1, 0]));
            for (task, future) in tasks.iter().zip(&mut sending).take(2) {
                assert_eq!(task.run(|cx| future.as_mut().poll(cx)), Poll::Ready(Ok(())));
            }
            // The baton may have woken it in vain.
            assert!(tasks[2].run(|cx| sending[2].as_mut().poll(cx)).is_pending());
        }
    }
}

/// One receiver takes what several were woken for: they go back to their places, and later items find them.
#[test]
fn receivers_that_a_batch_woke_in_vain_are_woken_again() {
    for lang in [Lang::Rust, Lang::Zig] {
        let (tx, rx) = mpmc::channel::<u64>(8);
        let mut tx = Tx::of(lang, tx);
        let others = [rx.clone(), rx.clone()];
        let tasks: [Task; 2] = Default::default();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut first = Box::pin(others[0].recv_many(&mut a, 8));
        let mut second = Box::pin(others[1].recv_many(&mut b, 8));
        assert!(receive(&tasks[0], &mut first).is_pending());
        assert!(receive(&tasks[1], &mut second).is_pending());
        assert_eq!(tx.try_send_many(&[0, 1, 2]), Ok(3));
        assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1]);
        assert_eq!(receive(&tasks[0], &mut first), Poll::Ready(Ok(3)));
        assert!(receive(&tasks[1], &mut second).is_pending());
        assert_eq!(tx.try_send_many(&[3, 4]), Ok(2));
        assert_eq!(tasks[1].wakes(), 2);
        assert_eq!(receive(&tasks[1], &mut second), Poll::Ready(Ok(2)));
        drop((first, second));
        assert_eq!((a, b), (vec![0, 1, 2], vec![3, 4]));
    }
}

#[test]
fn a_batch_that_has_sent_some_waits_behind_the_others_for_more_room() {
    for lang in [Lang::Rust, Lang::Zig] {
        let (tx, rx) = mpmc::channel::<u64>(1);
        let (other, mut rx) = (tx.clone(), Rx::of(lang, rx));
        let tasks: [Task; 2] = Default::default();
        let mut batch = Box::pin(tx.send_many(&[0, 1, 2]));
        assert!(send(&tasks[0], &mut batch).is_pending());
        assert_eq!(batch.sent(), 1);
        let mut second = Box::pin(other.send_many(&[10, 11]));
        assert!(send(&tasks[1], &mut second).is_pending());
        let mut got = Vec::new();
        // Whose turn it is runs, and nobody else.
        while let Ok(item) = rx.try_recv() {
            let wakes = tasks.each_ref().map(Task::wakes);
            got.push((item, wakes));
            let _ = if wakes[0] > wakes[1] || second.sent() == 2 {
                send(&tasks[0], &mut batch)
            } else {
                send(&tasks[1], &mut second)
            };
        }
        let turns = [(0, [1, 0]), (1, [1, 1]), (10, [2, 1]), (2, [2, 2]), (11, [2, 2])];
        assert_eq!(got, turns);
    }
}

#[test]
fn a_batch_that_was_woken_in_vain_goes_back_to_the_front() {
    let (tx, rx) = mpmc::channel::<u64>(1);
    let (other, thief) = (tx.clone(), tx.clone());
    let tasks: [Task; 2] = Default::default();
    thief.try_send(0).unwrap();
    let (mut first, mut second) = (Box::pin(tx.send_many(&[1])), Box::pin(other.send_many(&[2])));
    assert!(send(&tasks[0], &mut first).is_pending() && send(&tasks[1], &mut second).is_pending());
    for round in 1..5 {
        assert_eq!(rx.try_recv(), Ok(0));
        thief.try_send(0).unwrap();
        assert!(send(&tasks[0], &mut first).is_pending());
        assert_eq!(tasks.each_ref().map(Task::wakes), [round, 0]);
    }
}

#[test]
fn pitfall_9_22_a_batch_that_is_dropped_tells_how_much_it_has_sent_and_passes_its_wake_on() {
    for polls in 0..8 {
        let (tx, rx) = mpmc::channel::<u64>(2);
        let other = tx.clone();
        let tasks: [Task; 2] = Default::default();
        let mut batch = Box::pin(tx.send_many(&[0, 1, 2, 3]));
        for _ in 0..polls {
            assert!(send(&tasks[0], &mut batch).is_pending());
        }
        if polls == 0 {
            assert_eq!(other.try_send_many(&[0, 1]).unwrap(), 2);
        } else {
            assert_eq!(batch.sent(), 2);
        }
        let mut second = Box::pin(other.send_many(&[9]));
        assert!(send(&tasks[1], &mut second).is_pending());
        assert_eq!(rx.try_recv(), Ok(0));
        drop(batch);
        assert_eq!(tasks[1].wakes(), 1);
        assert_eq!(send(&tasks[1], &mut second), Poll::Ready(Ok(())));
        assert_eq!(tasks.each_ref().map(Task::wakers), [0; 2]);
        assert_eq!([rx.try_recv(), rx.try_recv()], [Ok(1), Ok(9)]);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "the rest was not sent");
    }
}

#[test]
fn pitfall_9_22_a_receiver_of_batches_that_is_dropped_has_taken_nothing_and_passes_its_wake_on() {
    for polls in 0..8 {
        let (tx, rx) = mpmc::channel::<u64>(4);
        let other = rx.clone();
        let tasks: [Task; 2] = Default::default();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut first = Box::pin(rx.recv_many(&mut a, 4));
        for _ in 0..polls {
            assert!(receive(&tasks[0], &mut first).is_pending());
        }
        let mut second = Box::pin(other.recv_many(&mut b, 4));
        assert!(receive(&tasks[1], &mut second).is_pending());
        assert_eq!(tx.try_send(0), Ok(()));
        drop(first);
        assert_eq!(tasks[1].wakes(), 1);
        assert_eq!(receive(&tasks[1], &mut second), Poll::Ready(Ok(1)));
        drop(second);
        assert_eq!((a, b), (vec![], vec![0]));
        assert_eq!(tasks.each_ref().map(Task::wakers), [0; 2]);
    }
}

#[test]
fn pitfall_10_24_the_end_of_a_batch_tells_how_much_was_sent() {
    each(3, |mut tx: Tx<u64>, mut rx| {
        assert_eq!(tx.try_send_many(&[0, 1]), Ok(2));
        let sent = thread::scope(|scope| {
            let watch = tx.clone();
            let thread = scope.spawn(move || tx.send_many(&[2, 3, 4]));
            until(|| watch.snapshot()[6] > 0);
            rx.close_torn();
            thread.join().unwrap()
        });
        assert_eq!(sent, 1);
        assert_eq!(rx.drain(), (vec![0, 1, 2], Some(TORN)));
    });
    each(3, |mut tx: Tx<u64>, mut rx| {
        tx.try_send_many(&[0, 1]).unwrap();
        rx.close();
        assert_eq!(
            (tx.try_send_many(&[5]), tx.try_send_many(&[])),
            (Err(Stop::Closed), Err(Stop::Closed))
        );
        assert_eq!((tx.send_many(&[5]), tx.send_many(&[])), (0, 0));
        let mut got = Vec::new();
        assert_eq!(rx.recv_many(&mut got, 9, true), Ok(2));
        assert_eq!(rx.recv_many(&mut got, 9, true), Err(Stop::Closed));
        assert_eq!((rx.recv_many(&mut got, 9, false), got), (Err(Stop::Closed), vec![0, 1]));
    });
    let (tx, rx) = mpmc::channel::<u64>(1);
    let task = Task::new();
    let mut batch = Box::pin(tx.send_many(&[0, 1]));
    assert!(send(&task, &mut batch).is_pending());
    rx.close_with(TORN);
    let Poll::Ready(Err(error)) = send(&task, &mut batch) else { panic!("it is closed") };
    assert_eq!((error.sent(), error.reason(), task.wakes()), (1, Some(TORN), 1));
}

/// The reason comes after the last item, though a batch takes several.
#[test]
fn a_reason_is_told_after_the_batch_and_once() {
    let (tx, rx) = mpmc::channel::<u64>(4);
    tx.try_send_many(&[0, 1]).unwrap();
    tx.close_with(TORN);
    let mut got = Vec::new();
    assert_eq!(rx.recv_many_blocking(&mut got, 9), Ok(2));
    assert_eq!(rx.recv_many_blocking(&mut got, 9), Err(RecvError::Failed(TORN)));
    assert_eq!(rx.recv_many_blocking(&mut got, 9), Err(RecvError::Closed));
    assert_eq!(got, [0, 1]);
}

#[test]
fn a_malformed_item_ends_a_batch_and_is_told_next() {
    let malformed = TryRecvError::Failed(StreamError::Malformed(Malformed::Value));
    let (tx, rx) = mpmc::channel::<bool>(8);
    let mut zig = Tx::of(Lang::Zig, tx);
    let mut got = Vec::new();
    for single in [false, true] {
        zig.send_bytes(2);
        zig.try_send(true).unwrap();
        zig.try_send(false).unwrap();
        zig.send_bytes(3);
        zig.send_bytes(4);
        zig.try_send(true).unwrap();
        assert_eq!(rx.try_recv_many(&mut got, 8), Err(malformed));
        assert_eq!(rx.try_recv_many(&mut got, 8), Ok(2));
        if single {
            assert_eq!([rx.try_recv(), rx.try_recv()], [Err(malformed); 2]);
        } else {
            assert_eq!([(); 2].map(|()| rx.try_recv_many(&mut got, 8)), [Err(malformed); 2]);
        }
        assert_eq!(rx.try_recv_many(&mut got, 8), Ok(1));
        assert_eq!(std::mem::take(&mut got), [true, false, true]);
        assert_eq!(rx.try_recv_many(&mut got, 8), Err(TryRecvError::Empty));
    }
    // Also when nothing comes any more.
    zig.try_send(true).unwrap();
    zig.send_bytes(2);
    zig.close_torn();
    assert_eq!(rx.recv_many_blocking(&mut got, 8), Ok(1));
    assert_eq!(rx.recv_many_blocking(&mut got, 8).map_err(TryRecvError::from), Err(malformed));
    assert_eq!(rx.recv_many_blocking(&mut got, 8), Err(RecvError::Failed(TORN)));
}

#[test]
fn items_that_need_a_drop_are_received_in_batches() {
    let (tx, rx) = mpmc::channel(4);
    (0..4).for_each(|n| tx.try_send(n.to_string()).unwrap());
    let mut got = Vec::new();
    assert_eq!(rx.try_recv_many(&mut got, 3), Ok(3));
    assert_eq!(got, ["0", "1", "2"]);
}

/// What has no item costs no memory.
#[test]
fn a_batch_of_nothing_does_not_grow_the_vec() {
    let (_tx, rx) = mpmc::channel::<u64>(4);
    let mut got = Vec::new();
    assert_eq!(rx.try_recv_many(&mut got, usize::MAX), Err(TryRecvError::Empty));
    assert_eq!(got.capacity(), 0);
}

#[test]
fn pitfall_20_a_batch_that_is_polled_after_it_was_ready_does_not_hang() {
    let (tx, rx) = mpmc::channel::<u64>(4);
    let task = Task::new();
    let mut batch = Box::pin(tx.send_many(&[0, 1]));
    for _ in 0..3 {
        assert_eq!(send(&task, &mut batch), Poll::Ready(Ok(())));
    }
    let mut nothing = Vec::new();
    assert_eq!(receive(&task, &mut Box::pin(rx.recv_many(&mut nothing, 0))), Poll::Ready(Ok(0)));
    assert_eq!(rx.len(), 2);
}
