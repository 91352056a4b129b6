//! Channels with many ends: what is sent is what is received, once, for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use futures_core::stream::{FusedStream, Stream};
use zigflow::channel::{CreateError, RecvError, TryRecvError, TrySendError};
use zigflow::{Malformed, StreamError, mpmc, spsc};
use zigflow_tests::Point;
use zigflow_tests::ends::{self as one, Lang, PAIRINGS, Stop, TORN, items};
use zigflow_tests::many_ends::{Many, Rx, Tx, Worker, each, each_near, ends, growing, open_as};
use zigflow_tests::task::Task;

const CAPACITIES: [usize; 11] = [1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257];

/// Languages of the ends of channels with three of each; the first two serve for two.
const TRIPLES: [([Lang; 3], [Lang; 3]); 4] = [
    ([Lang::Rust, Lang::Zig, Lang::Rust], [Lang::Zig, Lang::Rust, Lang::Zig]),
    ([Lang::Zig; 3], [Lang::Rust; 3]),
    ([Lang::Rust; 3], [Lang::Zig; 3]),
    ([Lang::Zig, Lang::Rust, Lang::Zig], [Lang::Zig; 3]),
];

/// An item that tells who sent it.
fn mark(sender: usize, n: u64) -> u64 {
    (sender as u64) << 32 | n
}

/// Each receiver has got each sender's items in the order in which they were sent; all together every item once.
fn assert_each_once_and_in_order(got: &[Vec<u64>], senders: usize, count: u64) {
    for got in got {
        let mut next = vec![0; senders];
        for item in got {
            let (sender, n) = ((item >> 32) as usize, item & u64::from(u32::MAX));
            assert!(n >= next[sender], "{n} of {sender} after {}", next[sender]);
            next[sender] = n + 1;
        }
    }
    let mut all = got.concat();
    all.sort_unstable();
    let sent = (0..senders).flat_map(|sender| (0..count).map(move |n| mark(sender, n)));
    assert!(all.iter().copied().eq(sent), "{} items of {}", all.len(), senders as u64 * count);
}

/// Each number of ends, mix of languages, capacity or way to grow, and place in the positions.
fn each_mix(mut test: impl FnMut(Vec<Tx<u64>>, Vec<Rx<u64>>)) {
    for count in [2, 3] {
        for (senders, receivers) in &TRIPLES {
            for (capacity, laps) in [(1, 100), (3, 2), (64, 0)] {
                let (tx, rx) = ends(capacity, laps, &senders[..count], &receivers[..count]);
                test(tx, rx);
            }
            for shape in [(1, 2, 100), (2, 3, 1), (256, 1000, 0)] {
                let (tx, rx) = growing(shape, &senders[..count], &receivers[..count]);
                test(tx, rx);
            }
        }
    }
}

#[test]
fn threads_get_each_item_once_and_each_senders_in_order() {
    const COUNT: u64 = 2000;
    each_mix(|tx, rx| {
        let senders = tx.len();
        let got = thread::scope(|scope| {
            for (sender, mut tx) in tx.into_iter().enumerate() {
                scope.spawn(move || {
                    for n in 0..COUNT {
                        assert_eq!(tx.send(mark(sender, n)), Ok(()));
                    }
                });
            }
            let receive = |mut rx: Rx<u64>| scope.spawn(move || rx.drain());
            let threads: Vec<_> = rx.into_iter().map(receive).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(got.iter().all(|(_, reason)| reason.is_none()));
        let got: Vec<_> = got.into_iter().map(|(items, _)| items).collect();
        assert_each_once_and_in_order(&got, senders, COUNT);
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

async fn send_all(mut tx: Tx<u64>, sender: usize, count: u64) {
    for n in 0..count {
        assert_eq!(tx.sending(mark(sender, n)).await, Ok(()));
    }
}

async fn receive_all(mut rx: Rx<u64>) -> Vec<u64> {
    let mut got = Vec::new();
    while let Ok(item) = rx.receiving().await {
        got.push(item);
    }
    assert_eq!(rx.try_recv(), Err(Stop::Closed));
    got
}

#[test]
fn tasks_get_each_item_once_and_each_senders_in_order() {
    const COUNT: u64 = 2000;
    let runtime = runtime();
    each_mix(|tx, rx| {
        let senders = tx.len();
        let got = runtime.block_on(async {
            for (sender, tx) in tx.into_iter().enumerate() {
                tokio::spawn(send_all(tx, sender, COUNT));
            }
            let tasks: Vec<_> = rx.into_iter().map(|rx| tokio::spawn(receive_all(rx))).collect();
            let mut got = Vec::new();
            for task in tasks {
                got.push(task.await.unwrap());
            }
            got
        });
        assert_each_once_and_in_order(&got, senders, COUNT);
    });
}

#[test]
fn threads_and_tasks_of_one_channel_serve_each_other() {
    const COUNT: u64 = 1000;
    let runtime = runtime();
    each_mix(|tx, rx| {
        let senders = tx.len();
        let got = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let mut tasks = Vec::new();
            for (sender, mut tx) in tx.into_iter().enumerate() {
                if sender == 0 {
                    tasks.push(runtime.spawn(send_all(tx, sender, COUNT)));
                } else {
                    scope.spawn(move || {
                        (0..COUNT).for_each(|n| tx.send(mark(sender, n)).unwrap());
                    });
                }
            }
            for (receiver, mut rx) in rx.into_iter().enumerate() {
                let got = &got;
                if receiver == 0 {
                    let task = runtime.spawn(receive_all(rx));
                    let handle = runtime.handle().clone();
                    scope.spawn(move || got.lock().unwrap().push(handle.block_on(task).unwrap()));
                } else {
                    scope.spawn(move || {
                        let items = rx.drain().0;
                        got.lock().unwrap().push(items);
                    });
                }
            }
            tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        });
        assert_each_once_and_in_order(&got.into_inner().unwrap(), senders, COUNT);
    });
}

#[test]
fn threads_that_zig_owns_serve_each_other_and_those_of_rust() {
    const COUNT: u64 = 5000;
    for capacity in [1, 3, 64] {
        let (tx, rx) = mpmc::channel(capacity);
        let producers = [0, COUNT].map(|mark| Worker::produce(tx.clone(), mark, COUNT));
        let consumers = [(); 2].map(|()| Worker::consume(rx.clone()));
        (0..COUNT).for_each(|n| tx.send_blocking(2 * COUNT + n).unwrap());
        drop(tx);
        let mut count = 0;
        let mut sum = 0;
        while let Ok(item) = rx.recv_blocking() {
            count += 1;
            sum += item;
        }
        assert_eq!(producers.map(|worker| worker.join().0), [COUNT; 2]);
        for worker in consumers {
            let (received, theirs) = worker.join();
            count += received;
            sum += theirs;
        }
        assert_eq!((count, sum), (3 * COUNT, 3 * COUNT * (3 * COUNT - 1) / 2));
    }
}

fn now<T: Many>(rx: &mut Rx<T>) -> Vec<T> {
    std::iter::from_fn(|| rx.try_recv().ok()).collect()
}

fn holds_exactly<T: Many>(mut tx: Tx<T>, mut rx: Rx<T>) {
    let capacity = tx.capacity();
    assert_eq!(rx.capacity(), capacity);
    for round in 0..3 {
        let from = round * 1000;
        for n in 0..capacity {
            assert_eq!((tx.len(), rx.len()), (n, n));
            assert_eq!(tx.try_send(T::of(from + n as u64)), Ok(()));
        }
        assert_eq!((tx.len(), rx.len()), (capacity, capacity));
        assert_eq!(
            (tx.try_send(T::of(0)), tx.clone().try_send(T::of(0))),
            (Err(Stop::Later), Err(Stop::Later))
        );
        assert_eq!(now(&mut rx), items(from..from + capacity as u64));
        assert_eq!((rx.try_recv(), rx.clone().try_recv()), (Err(Stop::Later), Err(Stop::Later)));
        assert!(rx.is_empty() && tx.is_empty());
        // One more, so that the next round begins elsewhere.
        assert_eq!((tx.try_send(T::of(9)), rx.try_recv()), (Ok(()), Ok(T::of(9))));
    }
}

#[test]
fn pitfall_34_a_channel_holds_as_many_items_as_it_was_made_for_also_across_the_wrap() {
    for capacity in CAPACITIES {
        for laps in [0, 1, 2] {
            each_near(capacity, laps, holds_exactly::<u64>);
        }
        each(capacity, holds_exactly::<Point>);
        each(capacity, holds_exactly::<bool>);
    }
}

#[test]
fn impossible_capacities_are_refused() {
    for capacity in [0, (1 << 28) + 1, usize::MAX] {
        let refused = mpmc::try_channel::<u64>(capacity).map(drop);
        assert_eq!(refused, Err(CreateError::Capacity(capacity)));
    }
    assert!(catch_unwind(|| mpmc::channel::<u64>(0)).is_err());
}

/// Items pass one by one and in threes through all slots, several laps beyond the wrap.
#[test]
fn order_and_counters_go_on_across_the_wrap() {
    for capacity in [1, 2, 3, 5, 8] {
        each_near(capacity, 3, |mut tx: Tx<u64>, mut rx| {
            let before = rx.snapshot();
            let mut sent = 0;
            let mut received = 0;
            while sent < 10 * capacity as u64 {
                for _ in 0..(1 + sent % 3).min(capacity as u64) {
                    assert_eq!(tx.try_send(sent), Ok(()));
                    sent += 1;
                }
                let snapshot = tx.snapshot();
                assert_eq!(snapshot, rx.snapshot());
                assert_eq!(snapshot[0] - before[0], sent);
                assert_eq!(snapshot[1] - before[1], received);
                assert_eq!(snapshot[2..4], [sent - received, capacity as u64]);
                let got = now(&mut rx);
                assert_eq!(got, items(received..sent));
                received = sent;
            }
        });
    }
}

#[test]
fn clones_are_ends_of_the_same_channel_and_the_last_one_closes() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        let (mut tx2, mut rx2) = (tx.clone(), rx.clone());
        assert_eq!((tx.try_send(0), tx2.try_send(1)), (Ok(()), Ok(())));
        assert_eq!((rx2.try_recv(), rx.try_recv()), (Ok(0), Ok(1)));
        drop(tx);
        assert!(!tx2.is_closed() && !rx.is_closed());
        drop(rx);
        assert_eq!(tx2.try_send(2), Ok(()));
        drop(tx2);
        assert!(rx2.is_closed());
        assert_eq!(rx2.drain(), (vec![2], None));
    });
    let (a, b) = (mpmc::channel::<u64>(1), mpmc::channel::<u64>(1));
    assert!(a.0.same_channel(&a.0.clone()) && a.1.same_channel(&a.1.clone()));
    assert!(!a.0.same_channel(&b.0) && !a.1.same_channel(&b.1));
}

#[test]
fn the_last_receiver_closes_for_all_senders() {
    each(4, |mut tx: Tx<u64>, rx| {
        let (mut tx2, rx2) = (tx.clone(), rx.clone());
        drop(rx);
        assert_eq!(tx.try_send(0), Ok(()));
        drop(rx2);
        assert_eq!((tx.try_send(1), tx2.send(1)), (Err(Stop::Closed), Err(Stop::Closed)));
    });
}

#[test]
fn force_send_replaces_the_oldest_and_counts_it() {
    for laps in [0, 1] {
        each_near(3, laps, |mut tx: Tx<u64>, mut rx| {
            for n in 0..3 {
                assert_eq!(tx.force_send(n), Ok(None));
            }
            for n in 3..10 {
                assert_eq!(tx.force_send(n), Ok(Some(n - 3)));
            }
            assert_eq!((tx.snapshot()[5], rx.snapshot()[5]), (7, 7));
            assert_eq!(now(&mut rx), [7, 8, 9]);
            rx.close();
            assert_eq!(tx.force_send(1), Err(Stop::Closed));
            assert_eq!(tx.snapshot()[5], 7);
        });
    }
    each(1, |mut tx: Tx<Point>, mut rx| {
        assert_eq!(
            (tx.force_send(Point::of(1)), tx.force_send(Point::of(2))),
            (Ok(None), Ok(Some(Point::of(1))))
        );
        assert_eq!(now(&mut rx), [Point::of(2)]);
    });
}

/// What comes out and what was replaced are all that was sent.
#[test]
fn force_send_of_two_threads_loses_nothing_but_what_it_hands_back() {
    const COUNT: u64 = 20_000;
    for langs in [[Lang::Rust; 2], [Lang::Rust, Lang::Zig], [Lang::Zig; 2]] {
        let (tx, mut rx) = ends::<u64>(4, 2, &langs, &[Lang::Rust]);
        let watch = tx[0].clone();
        let (back, refused) = thread::scope(|scope| {
            let senders: Vec<_> = tx
                .into_iter()
                .enumerate()
                .map(|(sender, mut tx)| {
                    scope.spawn(move || {
                        let (mut back, mut refused) = (0_u64, 0_u64);
                        for n in 0..COUNT {
                            match tx.force_send(mark(sender, n)) {
                                Ok(oldest) => back += u64::from(oldest.is_some()),
                                Err(_) => refused += 1,
                            }
                        }
                        (back, refused)
                    })
                })
                .collect();
            senders
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        });
        let dropped = watch.snapshot()[5];
        assert!(dropped >= back && dropped - back <= refused, "{dropped}, {back} came back");
        drop(watch);
        let left = rx[0].drain().0.len() as u64;
        assert_eq!(left + dropped + refused, 2 * COUNT);
    }
}

#[test]
fn weak_ends_upgrade_while_an_end_lives_and_not_after() {
    each(2, |tx: Tx<u64>, rx: Rx<u64>| {
        let (weak_tx, weak_rx) = (tx.downgrade(), rx.downgrade());
        let (also_tx, also_rx) = (weak_tx.clone(), weak_rx.clone());
        let mut tx2 = weak_tx.upgrade().unwrap();
        drop(tx);
        assert_eq!(tx2.try_send(1), Ok(()));
        let mut rx2 = also_rx.upgrade().unwrap();
        drop(rx);
        assert_eq!(rx2.try_recv(), Ok(1));
        drop(tx2);
        assert!(weak_tx.upgrade().is_none() && also_tx.upgrade().is_none());
        assert_eq!(rx2.try_recv(), Err(Stop::Closed));
        assert!(weak_rx.upgrade().is_some(), "a receiver lives");
        drop(rx2);
        assert!(weak_rx.upgrade().is_none() && also_rx.upgrade().is_none());
    });
}

/// Those of one language count those of the other, whichever goes last.
#[test]
fn weak_ends_know_the_ends_of_the_other_language() {
    for (weak, strong) in [(Lang::Rust, Lang::Zig), (Lang::Zig, Lang::Rust)] {
        let (tx, rx) = mpmc::channel::<u64>(2);
        let weak_tx = Tx::of(weak, tx.clone()).downgrade();
        let weak_rx = Rx::of(weak, rx.clone()).downgrade();
        let (tx, mut rx) = (Tx::of(strong, tx), Rx::of(strong, rx));
        weak_tx.upgrade().unwrap().try_send(3).unwrap();
        assert_eq!(rx.try_recv(), Ok(3));
        assert!(weak_rx.upgrade().is_some());
        drop((tx, rx));
        assert!(weak_tx.upgrade().is_none() && weak_rx.upgrade().is_none());
    }
}

/// A weak end keeps the memory, so that it can tell; an item goes with it.
#[test]
fn the_memory_goes_with_the_last_weak_end() {
    for lang in [Lang::Rust, Lang::Zig] {
        let (tx, rx) = mpmc::channel::<u64>(2);
        tx.try_send(1).unwrap();
        let (weak_tx, weak_rx) = (Tx::of(lang, tx).downgrade(), Rx::of(lang, rx).downgrade());
        let again = weak_tx.clone();
        drop((weak_rx, weak_tx));
        assert!(again.upgrade().is_none());
    }
}

/// An end comes from a weak one while the last one goes: the channel is closed once, or stays open.
#[test]
fn an_end_that_upgrades_while_the_last_one_goes_is_whole_or_there_is_none() {
    for (weak, strong) in PAIRINGS {
        for _ in 0..500 {
            let (tx, rx) = mpmc::channel::<u64>(1);
            let weak = Tx::of(weak, tx.clone()).downgrade();
            let strong = Tx::of(strong, tx);
            let upgraded = thread::scope(|scope| {
                scope.spawn(move || drop(strong));
                weak.upgrade()
            });
            assert_eq!(rx.is_closed(), upgraded.is_none());
            if let Some(mut tx) = upgraded {
                assert_eq!((tx.try_send(1), rx.try_recv()), (Ok(()), Ok(1)));
                drop(tx);
                assert!(rx.is_closed() && weak.upgrade().is_none());
            }
        }
    }
}

#[test]
fn any_patience_is_allowed() {
    for looks in [0, 1, 2, 3, 100, u32::MAX] {
        each(1, |mut tx: Tx<u64>, mut rx| {
            tx.set_patience(looks);
            rx.set_patience(looks);
            thread::scope(|scope| {
                scope.spawn(move || (0..500).for_each(|n| tx.send(n).unwrap()));
                assert_eq!(rx.drain().0, items(0..500));
            });
        });
    }
}

#[test]
fn a_malformed_item_from_zig_is_told_in_its_place() {
    let (tx, rx) = mpmc::channel::<bool>(4);
    let mut tx = Tx::of(Lang::Zig, tx);
    tx.try_send(true).unwrap();
    tx.send_bytes(2);
    tx.try_send(false).unwrap();
    assert_eq!(rx.try_recv(), Ok(true));
    let malformed = StreamError::Malformed(Malformed::Value);
    assert_eq!(rx.recv_blocking(), Err(RecvError::Failed(malformed)));
    assert_eq!(rx.clone().try_recv(), Ok(false));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_malformed_item_from_zig_is_never_handed_back_by_force_send() {
    let (tx, rx) = mpmc::channel::<bool>(2);
    let mut zig = Tx::of(Lang::Zig, tx.clone());
    zig.send_bytes(2);
    zig.try_send(true).unwrap();
    assert_eq!(tx.force_send(false), Ok(None), "there is no item to hand back");
    assert_eq!(tx.snapshot().dropped, 1);
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(true), Ok(false)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn an_end_that_zig_opens_as_something_else_is_refused_and_the_others_are_told() {
    let told = |name| Some(StreamError::Zig(zigflow::ZigError::new(name)));
    for what in [1, 2, 4, 6] {
        let (tx, rx) = mpmc::channel::<u64>(2);
        tx.try_send(1).unwrap();
        let name = if what == 1 { "WrongEnd" } else { "WrongItem" };
        assert_eq!(open_as(tx.into_zig(), what), Err(name.to_owned()));
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Failed(told(name).unwrap())));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    }
    for what in [0, 3, 5, 7] {
        let (tx, rx) = mpmc::channel::<u64>(2);
        let name = if what == 0 { "WrongEnd" } else { "WrongItem" };
        assert_eq!(open_as(rx.into_zig(), what), Err(name.to_owned()));
        let error = tx.send_blocking(1).unwrap_err();
        assert_eq!((error.reason(), error.into_inner()), (told(name), 1));
    }
    let (tx, rx) = mpmc::channel::<Point>(2);
    assert_eq!(open_as(tx.into_zig(), 8), Err("WrongItem".to_owned()));
    assert!(rx.is_closed());
    let (tx, rx) = mpmc::channel::<u64>(2);
    assert_eq!((open_as(tx.into_zig(), 0), open_as(rx.into_zig(), 1)), (Ok(()), Ok(())));
}

#[test]
fn an_end_of_the_other_flavour_is_refused() {
    let wrong = || Err("WrongFlavor".to_owned());
    let (tx, rx) = mpmc::channel::<u64>(2);
    assert_eq!(one::open_as(tx.into_zig(), 0), wrong());
    assert_eq!(one::open_as(rx.into_zig(), 1), wrong());
    let (tx, rx) = spsc::channel::<u64>(2);
    assert_eq!(open_as(tx.into_zig(), 0), wrong());
    assert_eq!(open_as(rx.into_zig(), 1), wrong());
}

#[test]
fn an_end_that_zig_never_opens_goes_as_the_end_itself() {
    let (tx, rx) = mpmc::channel::<u64>(2);
    tx.try_send(0).unwrap();
    drop(rx.clone().into_zig());
    assert!(!tx.is_closed());
    drop(rx.into_zig());
    assert_eq!(tx.try_send(1), Err(TrySendError::Closed(1)));
    let (tx, rx) = mpmc::channel::<u64>(2);
    tx.try_send(0).unwrap();
    drop(tx.into_zig());
    assert_eq!((rx.recv_blocking(), rx.recv_blocking()), (Ok(0), Err(RecvError::Closed)));
}

#[test]
fn pitfall_20_a_receiver_is_a_fused_stream_that_tells_the_reason_once() {
    for (lang, _) in [PAIRINGS[0], PAIRINGS[2]] {
        let (tx, mut rx) = mpmc::channel::<u64>(4);
        let mut tx = Tx::of(lang, tx);
        let task = Task::new();
        assert!(task.next(&mut rx).is_pending());
        assert_eq!((tx.try_send(0), tx.try_send(1), task.wakes()), (Ok(()), Ok(()), 1));
        assert_eq!(task.next(&mut rx), Poll::Ready(Some(Ok(0))));
        tx.close_torn();
        assert_eq!(task.next(&mut rx), Poll::Ready(Some(Ok(1))));
        assert!(!rx.is_terminated());
        assert_eq!(task.next(&mut rx), Poll::Ready(Some(Err(TORN))));
        for _ in 0..3 {
            assert_eq!(task.next(&mut rx), Poll::Ready(None));
            assert!(rx.is_terminated());
        }
        drop(rx);
        assert_eq!(task.wakers(), 0);
    }
}

/// Every stream of one channel ends, and each hears why.
#[test]
fn each_receiver_is_told_the_reason() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        let mut rx2 = rx.clone();
        tx.try_send(1).unwrap();
        tx.close_code(7);
        tx.close_torn(); // the first reason counts
        let code = Some(StreamError::Code(7));
        assert_eq!((rx.drain(), rx2.drain()), ((vec![1], code), (vec![], code)));
        assert_eq!((tx.send(2), tx.reason()), (Err(Stop::Closed), code));
        assert_eq!((rx.try_recv(), rx2.recv()), (Err(Stop::Closed), Err(Stop::Closed)));
    });
}

#[test]
fn a_reason_of_a_receiver_is_heard_by_all() {
    for close in [Rx::<u64>::close, Rx::close_torn, |rx: &Rx<u64>| rx.close_code(-1)] {
        each(4, |mut tx: Tx<u64>, mut rx| {
            tx.try_send(1).unwrap();
            close(&rx);
            let reason = tx.reason();
            assert_eq!(
                (tx.try_send(2), tx.clone().send(2)),
                (Err(Stop::Closed), Err(Stop::Closed))
            );
            assert_eq!(rx.clone().drain(), (vec![1], reason));
            assert_eq!(rx.drain(), (vec![], reason));
        });
    }
}

#[test]
fn a_timeout_is_waited_for_and_takes_nothing() {
    const SHORT: Duration = Duration::from_millis(15);
    each(1, |mut tx: Tx<u64>, mut rx| {
        let start = Instant::now();
        assert_eq!(rx.recv_timeout(SHORT), Err(Stop::Timeout));
        assert!(start.elapsed() >= SHORT);
        assert_eq!(tx.send_timeout(0, SHORT), Ok(()));
        let start = Instant::now();
        assert_eq!(tx.send_timeout(1, SHORT), Err(Stop::Timeout));
        assert!(start.elapsed() >= SHORT);
        assert_eq!(rx.recv_timeout(Duration::ZERO), Ok(0));
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(Stop::Timeout));
        // Nobody waits any more: a wake finds nobody.
        assert_eq!(tx.send_timeout(2, Duration::MAX), Ok(()));
        assert_eq!((tx.snapshot()[7], tx.snapshot()[9]), (0, 0));
        tx.close_torn();
        assert_eq!(tx.send_timeout(3, SHORT), Err(Stop::Closed));
        assert_eq!((rx.recv_timeout(SHORT), rx.recv_timeout(SHORT)), (Ok(2), Err(Stop::Closed)));
    });
}

#[test]
fn a_snapshot_counts_sleeps_and_wakes_of_both_sides() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        let task = Task::new();
        let mut receiving = rx.receiving();
        assert!(task.run(|cx| receiving.as_mut().poll(cx)).is_pending());
        assert_eq!(tx.snapshot()[6..], [0, 0, 1, 0]);
        tx.try_send(0).unwrap();
        assert_eq!(tx.snapshot()[6..], [0, 0, 1, 1]);
        assert_eq!(task.run(|cx| receiving.as_mut().poll(cx)), Poll::Ready(Ok(0)));
        drop(receiving);
        tx.try_send(1).unwrap();
        let mut sending = tx.sending(2);
        assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.snapshot()[6..], [1, 1, 1, 1]);
        assert_eq!(task.run(|cx| sending.as_mut().poll(cx)), Poll::Ready(Ok(())));
        drop(sending);
        assert_eq!(rx.snapshot()[..6], [3, 2, 1, 1, 0, 0]);
    });
}

/// An item whose drop counts, and panics if it was told so.
struct Counted {
    drops: Arc<[AtomicUsize; 8]>,
    number: usize,
    panics: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops[self.number].fetch_add(1, SeqCst);
        assert!(!self.panics, "an item whose drop panics");
    }
}

fn counted(drops: &Arc<[AtomicUsize; 8]>, number: usize, panics: bool) -> Counted {
    Counted { drops: drops.clone(), number, panics }
}

fn seen(drops: &Arc<[AtomicUsize; 8]>) -> [usize; 8] {
    std::array::from_fn(|n| drops[n].load(SeqCst))
}

#[test]
fn pitfall_30_what_waits_when_the_channel_goes_is_dropped_once_also_when_a_drop_panics() {
    for laps in [0, 1] {
        for bomb in [None, Some(1), Some(3), Some(5)] {
            for receiver_first in [false, true] {
                let drops = Arc::new(Default::default());
                let (tx, rx) = mpmc::before_the_wrap(6, laps).unwrap();
                for number in 0..6 {
                    assert!(tx.try_send(counted(&drops, number, bomb == Some(number))).is_ok());
                }
                drop(rx.try_recv());
                assert!(tx.try_send(counted(&drops, 6, false)).is_ok());
                assert_eq!(seen(&drops), [1, 0, 0, 0, 0, 0, 0, 0]);
                let all = || {
                    if receiver_first {
                        drop(rx);
                        drop(tx)
                    } else {
                        drop(tx);
                        drop(rx)
                    }
                };
                assert_eq!(catch_unwind(AssertUnwindSafe(all)).is_err(), bomb.is_some());
                assert_eq!(seen(&drops), [1, 1, 1, 1, 1, 1, 1, 0]);
                assert_eq!(Arc::strong_count(&drops), 1);
            }
        }
    }
}

#[test]
fn pitfall_30_what_the_last_receiver_leaves_is_dropped_with_it_and_not_before() {
    let drops = Arc::new(Default::default());
    let (tx, rx) = mpmc::channel(4);
    for number in 0..3 {
        assert!(tx.try_send(counted(&drops, number, false)).is_ok());
    }
    let rx2 = rx.clone();
    drop(rx);
    assert_eq!(seen(&drops), [0; 8]);
    drop(rx2);
    assert_eq!(seen(&drops), [1, 1, 1, 0, 0, 0, 0, 0]);
    let refused = tx.try_send(counted(&drops, 3, false)).unwrap_err().into_inner();
    assert_eq!(seen(&drops)[3], 0, "it comes back");
    drop(refused);
    let weak = tx.downgrade();
    drop(tx);
    drop(weak);
    assert_eq!(seen(&drops), [1, 1, 1, 1, 0, 0, 0, 0]);
}

#[test]
fn items_without_a_size_and_of_any_alignment() {
    let (tx, rx) = mpmc::channel::<()>(3);
    assert_eq!([(); 3].map(|()| tx.try_send(())), [Ok(()); 3]);
    assert_eq!(tx.try_send(()), Err(TrySendError::Full(())));
    assert_eq!((rx.try_recv(), rx.len()), (Ok(()), 2));
    #[repr(align(256))]
    #[derive(Debug, PartialEq)]
    struct Wide(u8);
    let (tx, rx) = mpmc::channel::<Wide>(3);
    for n in 0..10 {
        assert_eq!(tx.try_send(Wide(n)), Ok(()));
        assert_eq!(rx.try_recv(), Ok(Wide(n)));
    }
}

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}
fn is_stream<T: Stream + FusedStream>() {}

/// Compiles only if the type has none of the bounds: with one, there are two answers.
macro_rules! is_not {
    ($type:ty: $($bound:path),+) => { $({
        trait Answers<A> { fn answer() {} }
        impl<T: ?Sized> Answers<()> for T {}
        struct Yes;
        impl<T: ?Sized + $bound> Answers<Yes> for T {}
        let _ = <$type as Answers<_>>::answer;
    })+ };
}

#[test]
fn pitfall_31_42_ends_may_be_shared_by_threads_if_their_items_may_move() {
    is_send::<mpmc::Sender<Cell<u8>>>();
    is_sync::<mpmc::Sender<Cell<u8>>>();
    is_unpin::<mpmc::Sender<PhantomPinned>>();
    is_send::<mpmc::Receiver<Cell<u8>>>();
    is_sync::<mpmc::Receiver<Cell<u8>>>();
    is_unpin::<mpmc::Receiver<PhantomPinned>>();
    is_stream::<mpmc::Receiver<u8>>();
    is_send::<mpmc::WeakSender<Cell<u8>>>();
    is_sync::<mpmc::WeakSender<Cell<u8>>>();
    is_send::<mpmc::WeakReceiver<Cell<u8>>>();
    is_sync::<mpmc::WeakReceiver<Cell<u8>>>();
    is_send::<mpmc::ZigSender<u8>>();
    is_sync::<mpmc::ZigSender<u8>>();
    is_send::<mpmc::ZigReceiver<u8>>();
    is_sync::<mpmc::ZigReceiver<u8>>();
    is_send::<mpmc::Send<'_, Cell<u8>>>();
    is_send::<mpmc::Recv<'_, Cell<u8>>>();
    is_send::<mpmc::Closed<'_, Cell<u8>>>();
    is_send::<mpmc::SendSink<Cell<u8>>>();
    is_unpin::<mpmc::SendSink<PhantomPinned>>();
    is_send::<mpmc::SendMany<'_, u8>>();
    is_send::<mpmc::RecvMany<'_, Cell<u8>>>();
    is_not!(mpmc::Sender<Rc<u8>>: Send, Sync);
    is_not!(mpmc::Receiver<Rc<u8>>: Send, Sync);
    is_not!(mpmc::WeakSender<Rc<u8>>: Send, Sync);
    is_not!(mpmc::SendSink<Rc<u8>>: Send, Sync);
    is_not!(mpmc::WeakReceiver<Rc<u8>>: Send, Sync);
    is_not!(mpmc::ZigSender<Rc<u8>>: Send, Sync, Clone);
    is_not!(mpmc::ZigReceiver<Rc<u8>>: Send, Sync, Clone);
    // Others hold pointers into a future that waits.
    is_not!(mpmc::Send<'_, u8>: Unpin);
    is_not!(mpmc::Recv<'_, u8>: Unpin);
    is_not!(mpmc::Closed<'_, u8>: Unpin);
    is_not!(mpmc::SendMany<'_, u8>: Unpin);
    is_not!(mpmc::RecvMany<'_, u8>: Unpin);
    is_not!(mpmc::SendMany<'_, Cell<u8>>: Send, Sync);
    is_not!(mpmc::Closed<'_, Rc<u8>>: Send, Sync);
    is_not!(mpmc::Send<'_, Rc<u8>>: Send, Sync);
    is_not!(mpmc::Send<'_, Cell<u8>>: Sync);
    is_not!(mpmc::Recv<'_, Rc<u8>>: Send, Sync);
}
