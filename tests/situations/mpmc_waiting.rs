//! Channels with many ends: who waits, in which order, and how waiting ends, for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::Duration;

use zigflow::channel::TryRecvError;
use zigflow::mpmc;
use zigflow_tests::ends::{Lang, Stop, items};
use zigflow_tests::many_ends::{Polled, Rx, Tx, each, ends};
use zigflow_tests::task::{BOUND, Task, keep, until, waker_fn};

const CLOSED: Stop = Stop::Closed;
const MIX: [Lang; 4] = [Lang::Rust, Lang::Zig, Lang::Zig, Lang::Rust];
const LANGS: [Lang; 2] = [Lang::Rust, Lang::Zig];

fn poll<R>(task: &Task, future: &mut Polled<'_, R>) -> Poll<Result<R, Stop>> {
    task.run(|cx| future.as_mut().poll(cx))
}

/// A sender in each language, and four receivers that wait, in order.
fn each_waiting_receivers(
    mut test: impl FnMut(&mut Tx<u64>, &mut [Option<Polled<'_, u64>>], &[Task]),
) {
    for lang in LANGS {
        let (mut tx, mut rx) = ends(4, 1, &[lang], &MIX);
        let tasks: [Task; 4] = Default::default();
        let mut receiving: Vec<_> = rx.iter_mut().map(|rx| Some(rx.receiving())).collect();
        for (task, future) in tasks.iter().zip(&mut receiving) {
            assert!(poll(task, future.as_mut().unwrap()).is_pending());
        }
        test(&mut tx[0], &mut receiving, &tasks);
        drop(receiving);
        assert_eq!(tasks.each_ref().map(Task::wakers), [0; 4]);
    }
}

/// A receiver in each language, a full channel with the items 0 and 1, and four senders that wait with the
/// items 2 to 5, in order.
fn each_waiting_senders(
    mut test: impl FnMut(&mut Rx<u64>, &mut [Option<Polled<'_, ()>>], &[Task]),
) {
    for lang in LANGS {
        let (mut tx, mut rx) = ends(2, 1, &MIX, &[lang]);
        let tasks: [Task; 4] = Default::default();
        (0..2).for_each(|n| tx[0].try_send(n).unwrap());
        let mut sending: Vec<_> =
            tx.iter_mut().zip(2..).map(|(tx, n)| Some(tx.sending(n))).collect();
        for (task, future) in tasks.iter().zip(&mut sending) {
            assert!(poll(task, future.as_mut().unwrap()).is_pending());
        }
        test(&mut rx[0], &mut sending, &tasks);
        drop(sending);
        assert_eq!(tasks.each_ref().map(Task::wakers), [0; 4]);
    }
}

fn wakes(tasks: &[Task]) -> Vec<usize> {
    tasks.iter().map(Task::wakes).collect()
}

#[test]
fn receivers_are_served_in_the_order_in_which_they_came() {
    each_waiting_receivers(|tx, receiving, tasks| {
        for n in 0..4 {
            tx.try_send(n as u64).unwrap();
            assert_eq!(wakes(tasks), (0..4).map(|i| usize::from(i <= n)).collect::<Vec<_>>());
        }
        for (n, (task, future)) in tasks.iter().zip(receiving).enumerate() {
            assert_eq!(poll(task, future.as_mut().unwrap()), Poll::Ready(Ok(n as u64)));
        }
        assert_eq!(wakes(tasks), [1; 4]);
    });
}

#[test]
fn senders_are_served_in_the_order_in_which_they_came() {
    each_waiting_senders(|rx, sending, tasks| {
        for (n, (task, future)) in tasks.iter().zip(sending).enumerate() {
            assert_eq!(rx.try_recv(), Ok(n as u64));
            assert_eq!(tasks[n].wakes(), 1);
            assert_eq!(poll(task, future.as_mut().unwrap()), Poll::Ready(Ok(())));
        }
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(4), Ok(5)));
        assert_eq!((rx.try_recv(), wakes(tasks)), (Err(Stop::Later), vec![1; 4]));
    });
}

#[test]
fn a_receiver_that_was_woken_in_vain_goes_back_to_the_front() {
    for (lang, thief) in [(Lang::Rust, Lang::Zig), (Lang::Zig, Lang::Rust)] {
        let (mut tx, mut rx) = ends::<u64>(2, 0, &[Lang::Rust], &[lang, thief, thief]);
        let [first, second, thief] = &mut rx[..] else { unreachable!() };
        let tasks: [Task; 2] = Default::default();
        let (mut first, mut second) = (first.receiving(), second.receiving());
        assert!(
            poll(&tasks[0], &mut first).is_pending() && poll(&tasks[1], &mut second).is_pending()
        );
        for round in 1..5 {
            tx[0].try_send(round).unwrap();
            assert_eq!((thief.try_recv(), wakes(&tasks)), (Ok(round), vec![round as usize, 0]));
            assert!(poll(&tasks[0], &mut first).is_pending());
        }
    }
}

#[test]
fn pitfall_9_what_the_first_receivers_were_woken_for_is_received_by_the_others() {
    each_waiting_receivers(|tx, receiving, tasks| {
        for n in 0..4 {
            tx.try_send(n).unwrap();
        }
        drop((receiving[0].take(), receiving[1].take()));
        for n in 2..4 {
            let future = receiving[n].as_mut().unwrap();
            assert_eq!(poll(&tasks[n], future), Poll::Ready(Ok(n as u64 - 2)));
        }
    });
}

#[test]
fn pitfall_9_a_receiver_that_is_cancelled_after_its_wake_passes_it_on() {
    for polls in 1..6 {
        each_waiting_receivers(|tx, receiving, tasks| {
            for _ in 1..polls {
                assert!(poll(&tasks[0], receiving[0].as_mut().unwrap()).is_pending());
            }
            tx.try_send(7).unwrap();
            for (n, future) in receiving.iter_mut().enumerate().take(3) {
                assert_eq!(wakes(tasks), (0..4).map(|i| usize::from(i <= n)).collect::<Vec<_>>());
                drop(future.take());
            }
            assert_eq!(wakes(tasks), [1; 4]);
            assert_eq!(poll(&tasks[3], receiving[3].as_mut().unwrap()), Poll::Ready(Ok(7)));
        });
    }
}

#[test]
fn pitfall_9_a_sender_that_is_cancelled_after_its_wake_passes_it_on() {
    for polls in 1..6 {
        each_waiting_senders(|rx, sending, tasks| {
            for _ in 1..polls {
                assert!(poll(&tasks[0], sending[0].as_mut().unwrap()).is_pending());
            }
            assert_eq!(rx.try_recv(), Ok(0));
            for (n, future) in sending.iter_mut().enumerate().take(3) {
                assert_eq!(wakes(tasks), (0..4).map(|i| usize::from(i <= n)).collect::<Vec<_>>());
                drop(future.take());
            }
            assert_eq!(wakes(tasks), [1; 4]);
            assert_eq!(poll(&tasks[3], sending[3].as_mut().unwrap()), Poll::Ready(Ok(())));
            assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(5)));
            assert_eq!(rx.try_recv(), Err(Stop::Later));
        });
    }
}

#[test]
fn pitfall_9_an_end_of_zig_that_goes_after_its_wake_passes_it_on() {
    for lang in LANGS {
        let (mut tx, mut rx) = ends::<u64>(1, 0, &[Lang::Rust], &[Lang::Zig, lang]);
        let tasks: [Task; 2] = Default::default();
        let (mut other, mut zig) = (rx.pop().unwrap(), rx.pop().unwrap());
        let mut receiving = zig.receiving();
        assert!(poll(&tasks[0], &mut receiving).is_pending());
        // It does not cancel: only `deinit` is left.
        keep(receiving);
        let mut receiving = other.receiving();
        assert!(poll(&tasks[1], &mut receiving).is_pending());
        tx[0].try_send(3).unwrap();
        assert_eq!(wakes(&tasks), [1, 0]);
        drop(zig);
        assert_eq!(wakes(&tasks), [1, 1]);
        assert_eq!(poll(&tasks[1], &mut receiving), Poll::Ready(Ok(3)));

        let (mut tx, mut rx) = ends::<u64>(1, 0, &[Lang::Zig, lang], &[Lang::Rust]);
        let tasks: [Task; 2] = Default::default();
        let (mut other, mut zig) = (tx.pop().unwrap(), tx.pop().unwrap());
        zig.try_send(0).unwrap();
        let mut sending = zig.sending(1);
        assert!(poll(&tasks[0], &mut sending).is_pending());
        keep(sending);
        let mut sending = other.sending(2);
        assert!(poll(&tasks[1], &mut sending).is_pending());
        assert_eq!((rx[0].try_recv(), wakes(&tasks)), (Ok(0), vec![1, 0]));
        drop(zig);
        assert_eq!(wakes(&tasks), [1, 1]);
        assert_eq!(poll(&tasks[1], &mut sending), Poll::Ready(Ok(())));
        assert_eq!(rx[0].try_recv(), Ok(2));
    }
}

#[test]
fn pitfall_9_a_stream_that_goes_or_moves_to_zig_after_its_wake_passes_it_on() {
    type Leaves = fn(mpmc::Receiver<u64>) -> Option<Rx<u64>>;
    let leaves: [Leaves; 2] = [
        |rx| {
            drop(rx);
            None
        },
        |rx| Some(Rx::of(Lang::Zig, rx)),
    ];
    for leave in leaves {
        for lang in LANGS {
            let (tx, mut stream) = mpmc::channel::<u64>(1);
            let mut other = Rx::of(lang, stream.clone());
            let tasks: [Task; 2] = Default::default();
            assert!(tasks[0].next(&mut stream).is_pending());
            let mut receiving = other.receiving();
            assert!(poll(&tasks[1], &mut receiving).is_pending());
            tx.try_send(1).unwrap();
            assert_eq!(wakes(&tasks), [1, 0]);
            let moved = leave(stream);
            assert_eq!((wakes(&tasks), tasks[0].wakers()), (vec![1, 1], 0));
            assert_eq!(poll(&tasks[1], &mut receiving), Poll::Ready(Ok(1)));
            tx.try_send(2).unwrap();
            drop(receiving);
            assert_eq!(moved.map_or_else(|| other.try_recv(), |mut rx| rx.try_recv()), Ok(2));
        }
    }
}

#[test]
fn pitfall_22_what_is_dropped_after_any_number_of_polls_has_done_nothing_or_all() {
    for polls in 0..64 {
        each(1, |mut tx: Tx<u64>, mut rx| {
            let task = Task::new();
            {
                let mut receiving = rx.receiving();
                (0..polls).for_each(|_| assert!(poll(&task, &mut receiving).is_pending()));
                tx.try_send(0).unwrap();
            }
            assert_eq!((task.wakes(), task.wakers()), (usize::from(polls > 0), 0));
            {
                let mut sending = tx.sending(9);
                (0..polls).for_each(|_| assert!(poll(&task, &mut sending).is_pending()));
                assert_eq!(rx.try_recv(), Ok(0));
            }
            assert_eq!((task.wakes(), task.wakers()), (2 * usize::from(polls > 0), 0));
            assert_eq!(rx.try_recv(), Err(Stop::Later), "it was not sent");
            assert_eq!((tx.try_send(1), rx.try_recv()), (Ok(()), Ok(1)));
        });
    }
}

/// A waiter in the middle goes: those around it stay in order.
#[test]
fn whoever_gives_up_leaves_the_others_in_order() {
    for gone in 0..4 {
        each_waiting_receivers(|tx, receiving, tasks| {
            drop(receiving[gone].take());
            assert_eq!(tasks[gone].wakers(), 0);
            for n in (0..4).filter(|n| *n != gone) {
                tx.try_send(n as u64).unwrap();
                assert_eq!((tasks[n].wakes(), tasks[gone].wakes()), (1, 0));
                let future = receiving[n].as_mut().unwrap();
                assert_eq!(poll(&tasks[n], future), Poll::Ready(Ok(n as u64)));
            }
            tx.try_send(9).unwrap();
        });
    }
}

#[test]
fn the_newest_waker_is_woken_and_the_others_are_let_go() {
    for lang in LANGS {
        let (mut tx, mut rx) = ends::<u64>(1, 0, &[Lang::Zig], &[lang]);
        let (old, new) = (Task::new(), Task::new());
        let mut receiving = rx[0].receiving();
        assert!(poll(&old, &mut receiving).is_pending() && poll(&new, &mut receiving).is_pending());
        assert_eq!((old.wakers(), new.wakers()), (0, 1));
        tx[0].try_send(1).unwrap();
        assert_eq!((old.wakes(), new.wakes()), (0, 1));
        assert_eq!(poll(&old, &mut receiving), Poll::Ready(Ok(1)));
    }
}

/// The ways in which the last end of a side leaves the other side.
type Leave<E> = fn(Vec<E>);
const SENDERS_LEAVE: [Leave<Tx<u64>>; 4] =
    [drop, |tx| tx[0].close(), |tx| tx[1].close_torn(), |tx| tx[0].close_code(3)];
const RECEIVERS_LEAVE: [Leave<Rx<u64>>; 4] =
    [drop, |rx| rx[0].close(), |rx| rx[1].close_torn(), |rx| rx[0].close_code(3)];

#[test]
fn pitfall_10_24_every_thread_that_waits_is_released_when_the_other_side_closes_or_goes() {
    for leave in SENDERS_LEAVE {
        let (tx, mut rx) = ends::<u64>(2, 0, &LANGS, &MIX);
        thread::scope(|scope| {
            for rx in &mut rx {
                scope.spawn(|| assert_eq!(rx.recv(), Err(CLOSED)));
            }
            until(|| tx[0].snapshot()[8] >= 4);
            leave(tx);
        });
    }
    for leave in RECEIVERS_LEAVE {
        let (mut tx, rx) = ends::<u64>(1, 0, &MIX, &LANGS);
        tx[0].try_send(0).unwrap();
        thread::scope(|scope| {
            for tx in &mut tx {
                scope.spawn(|| assert_eq!(tx.send(1), Err(CLOSED)));
            }
            until(|| rx[0].snapshot()[6] >= 4);
            leave(rx);
        });
    }
}

#[test]
fn pitfall_10_24_every_task_that_waits_is_woken_once_when_the_channel_closes_from_either_side() {
    for leave in SENDERS_LEAVE {
        let (tx, mut rx) = ends::<u64>(2, 1, &LANGS, &MIX);
        all_are_released(rx.iter_mut().map(Rx::receiving).collect(), || leave(tx));
    }
    for leave in RECEIVERS_LEAVE {
        let (mut tx, rx) = ends::<u64>(1, 1, &MIX, &LANGS);
        tx[0].try_send(0).unwrap();
        all_are_released(tx.iter_mut().map(|tx| tx.sending(1)).collect(), || leave(rx));
    }
    // An end of their own side closes.
    for close in [Rx::<u64>::close, Rx::close_torn] {
        let (_tx, mut rx) = ends::<u64>(2, 1, &[Lang::Zig], &MIX);
        let closer = rx[1].clone();
        all_are_released(rx.iter_mut().map(Rx::receiving).collect(), || close(&closer));
    }
    for close in [Tx::<u64>::close, Tx::close_torn] {
        let (mut tx, _rx) = ends::<u64>(1, 1, &MIX, &[Lang::Zig]);
        tx[0].try_send(0).unwrap();
        let closer = tx[1].clone();
        all_are_released(tx.iter_mut().map(|tx| tx.sending(1)).collect(), || close(&closer));
    }
}

fn all_are_released<R: PartialEq + std::fmt::Debug>(
    mut futures: Vec<Polled<'_, R>>,
    leave: impl FnOnce(),
) {
    let tasks: Vec<_> = futures.iter().map(|_| Task::new()).collect();
    for (task, future) in tasks.iter().zip(&mut futures) {
        assert!(poll(task, future).is_pending());
    }
    leave();
    assert_eq!(wakes(&tasks), [1; 4]);
    // One is dropped without having looked.
    futures.pop();
    for (task, future) in tasks.iter().zip(&mut futures) {
        assert_eq!(poll(task, future), Poll::Ready(Err(CLOSED)));
    }
    drop(futures);
    assert_eq!(wakes(&tasks), [1; 4]);
    assert!(tasks.iter().all(|task| task.wakers() == 0));
}

#[test]
fn what_was_sent_before_the_end_is_drained_by_all_receivers() {
    for queued in 0..=4 {
        for leave in SENDERS_LEAVE {
            let (mut tx, mut rx) = ends::<u64>(4, 1, &LANGS, &LANGS);
            (0..queued).for_each(|n| tx[n as usize % 2].try_send(n).unwrap());
            leave(tx);
            let mut got = Vec::new();
            for n in (0..2).cycle() {
                match rx[n].try_recv() {
                    Ok(item) => got.push(item),
                    Err(stop) => {
                        assert_eq!(stop, CLOSED);
                        break;
                    }
                }
            }
            assert_eq!(got, items(0..queued));
            assert!(rx.iter_mut().all(|rx| rx.recv() == Err(CLOSED)));
        }
    }
}

/// Those who wait briefly give their turn away again and again, also after a wake.
#[test]
fn nothing_is_lost_and_nobody_forgotten_while_some_give_up() {
    const COUNT: u64 = 3000;
    for capacity in [1, 3] {
        let (tx, rx) = ends::<u64>(capacity, 50, &MIX, &MIX);
        let (sum, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for (n, mut tx) in tx.into_iter().enumerate() {
                scope.spawn(move || {
                    for item in 0..COUNT {
                        let wait = if n < 2 { BOUND } else { Duration::from_micros(item % 40) };
                        while let Err(stop) = tx.send_timeout(item, wait) {
                            assert!(stop == Stop::Timeout && n >= 2, "a sender was forgotten");
                        }
                    }
                });
            }
            for (n, mut rx) in rx.into_iter().enumerate() {
                let (sum, count) = (&sum, &count);
                scope.spawn(move || {
                    for turn in 0.. {
                        let wait =
                            if n % 2 == 0 { BOUND } else { Duration::from_micros(turn % 40) };
                        match rx.recv_timeout(wait) {
                            Ok(item) => {
                                sum.fetch_add(item as usize, SeqCst);
                                count.fetch_add(1, SeqCst);
                            }
                            Err(Stop::Timeout) => assert!(n % 2 == 1, "a receiver was forgotten"),
                            Err(_) => break,
                        }
                    }
                });
            }
        });
        assert_eq!(count.into_inner() as u64, 4 * COUNT);
        assert_eq!(sum.into_inner() as u64, 4 * (COUNT * (COUNT - 1) / 2));
    }
}

/// A task that runs inside of its wake, as some executors do.
struct Inline {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    again: AtomicBool,
}

impl Inline {
    fn start(future: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        let future = Mutex::new(Some(Box::pin(future) as Pin<Box<_>>));
        let task = Arc::new(Self { future, again: AtomicBool::new(false) });
        task.clone().wake();
        task
    }
}

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        self.again.store(true, SeqCst);
        // Who polls it looks again.
        let Ok(mut place) = self.future.try_lock() else { return };
        while self.again.swap(false, SeqCst) {
            let Some(future) = place.as_mut() else { return };
            let waker = self.clone().into();
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *place = None;
            }
        }
    }
}

#[test]
fn pitfall_3_4_tasks_that_run_inside_of_their_wakes_do_not_deadlock() {
    const COUNT: u64 = 500;
    for capacity in [1, 2] {
        for senders_first in [false, true] {
            let done = Arc::new(AtomicUsize::new(0));
            let finished = done.clone();
            // A thread, because a deadlock would have to be seen from outside.
            thread::spawn(move || {
                let (mut tx, mut rx) = ends::<u64>(capacity, 3, &MIX, &MIX);
                let sum = Arc::new(AtomicUsize::new(0));
                let mut tasks = Vec::new();
                for turn in [senders_first, !senders_first] {
                    if turn {
                        tasks.extend(tx.drain(..).map(|mut tx| {
                            Inline::start(async move {
                                for n in 0..COUNT {
                                    tx.sending(n).await.unwrap();
                                }
                            })
                        }));
                    } else {
                        tasks.extend(rx.drain(..).map(|mut rx| {
                            let sum = sum.clone();
                            Inline::start(async move {
                                while let Ok(item) = rx.receiving().await {
                                    sum.fetch_add(item as usize, SeqCst);
                                }
                            })
                        }));
                    }
                }
                assert!(tasks.iter().all(|task| task.future.lock().unwrap().is_none()));
                assert_eq!(sum.load(SeqCst) as u64, 4 * COUNT * (COUNT - 1) / 2);
                finished.store(1, SeqCst);
            });
            until(|| done.load(SeqCst) == 1);
        }
    }
}

fn bomb() -> std::task::Waker {
    waker_fn(|| panic!("a waker that panics"))
}

fn panics(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
}

#[test]
fn a_waker_that_panics_leaves_the_channel_whole_and_the_others_in_turn() {
    let (tx, rx) = mpmc::channel::<u64>(1);
    let task = Task::new();
    {
        let mut first = Box::pin(rx.recv());
        let mut second = pin!(rx.recv());
        assert!(first.as_mut().poll(&mut Context::from_waker(&bomb())).is_pending());
        assert!(task.run(|cx| second.as_mut().poll(cx)).is_pending());
        panics(|| tx.try_send(1).unwrap());
        assert_eq!((rx.len(), task.wakes()), (1, 0));
        drop(first);
        assert_eq!(task.wakes(), 1, "its turn was passed on");
        assert_eq!(task.run(|cx| second.as_mut().poll(cx)), Poll::Ready(Ok(1)));
    }
    tx.try_send(2).unwrap();
    let mut first = Box::pin(tx.send(3));
    let mut second = pin!(tx.send(4));
    assert!(first.as_mut().poll(&mut Context::from_waker(&bomb())).is_pending());
    assert!(task.run(|cx| second.as_mut().poll(cx)).is_pending());
    panics(|| assert!(rx.try_recv().is_ok()));
    assert_eq!((rx.try_recv(), task.wakes()), (Err(TryRecvError::Empty), 1));
    drop(first);
    assert_eq!(task.wakes(), 2);
    assert_eq!(task.run(|cx| second.as_mut().poll(cx)), Poll::Ready(Ok(())));
    assert_eq!(rx.try_recv(), Ok(4));
}

#[test]
fn all_are_released_by_the_end_also_when_a_waker_panics() {
    for goes in [false, true] {
        let (tx, rx) = mpmc::channel::<u64>(1);
        let tasks: [Task; 2] = Default::default();
        let rxs = [rx.clone(), rx.clone(), rx.clone()];
        let mut receiving: Vec<_> = rxs.iter().map(|rx| Box::pin(rx.recv())).collect();
        let mut tx = Some(tx);
        assert!(tasks[0].run(|cx| receiving[0].as_mut().poll(cx)).is_pending());
        assert!(receiving[1].as_mut().poll(&mut Context::from_waker(&bomb())).is_pending());
        assert!(tasks[1].run(|cx| receiving[2].as_mut().poll(cx)).is_pending());
        panics(|| if goes { tx = None } else { tx.as_ref().unwrap().close() });
        assert_eq!(wakes(&tasks), [1, 1]);
        drop(receiving);
    }
    // A receiver closes; receivers are woken first, senders as well.
    let (tx, rx) = mpmc::channel::<u64>(1);
    tx.try_send(0).unwrap();
    let task = Task::new();
    let mut first = Box::pin(tx.send(1));
    let mut second = Box::pin(tx.send(2));
    assert!(first.as_mut().poll(&mut Context::from_waker(&bomb())).is_pending());
    assert!(task.run(|cx| second.as_mut().poll(cx)).is_pending());
    panics(|| rx.close());
    assert_eq!(task.wakes(), 1);
}

#[test]
fn pitfall_20_a_future_that_is_polled_after_it_was_ready_does_not_hang() {
    let task = Task::new();
    let (tx, rx) = mpmc::channel::<u64>(4);
    let mut send = pin!(tx.send(0));
    for _ in 0..3 {
        assert_eq!(task.run(|cx| send.as_mut().poll(cx)), Poll::Ready(Ok(())));
    }
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(0), Err(TryRecvError::Empty)));
    tx.close();
    let mut recv = pin!(rx.recv());
    for _ in 0..3 {
        assert!(task.run(|cx| recv.as_mut().poll(cx)).is_ready());
    }
}
