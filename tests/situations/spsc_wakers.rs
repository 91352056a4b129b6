//! Channels with one sender and one receiver: wakers that are not polite, wakes that come early, late or often,
//! for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use zigflow::spsc;
use zigflow_tests::child;
use zigflow_tests::ends::{Lang, PAIRINGS, Rx, Stop, Tx, each, items, pair_at};
use zigflow_tests::task::{BOUND, Task, waker_fn};

thread_local! {
    /// How many inline polls are under way on this thread, one inside of the other.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}
static DEEPEST: AtomicUsize = AtomicUsize::new(0);

/// An executor that polls inside of `wake`, on whichever thread that is, under a mutex, and drops the task there
/// when it is over. A wake that arrives during a poll is remembered.
struct Inline<F> {
    /// False when the task is over.
    poll: Mutex<Option<F>>,
    wakes: AtomicUsize,
    done: mpsc::Sender<()>,
}

impl<F: FnMut(&mut Context<'_>) -> bool + Send + 'static> Inline<F> {
    /// A task, and what tells its end. It runs when it is woken.
    fn task(poll: F) -> (Waker, mpsc::Receiver<()>) {
        let (done, is_done) = mpsc::channel();
        let wakes = AtomicUsize::new(0);
        (Arc::new(Self { poll: Mutex::new(Some(poll)), wakes, done }).into(), is_done)
    }
}

impl<F: FnMut(&mut Context<'_>) -> bool + Send + 'static> Wake for Inline<F> {
    fn wake(self: Arc<Self>) {
        if self.wakes.fetch_add(1, SeqCst) > 0 {
            return; // whoever polls will poll again
        }
        DEPTH.set(DEPTH.get() + 1);
        DEEPEST.fetch_max(DEPTH.get(), SeqCst);
        let waker = self.clone().into();
        loop {
            let seen = self.wakes.load(SeqCst);
            let mut place = self.poll.lock().unwrap();
            let over = place.as_mut().is_some_and(|poll| !poll(&mut Context::from_waker(&waker)));
            if over {
                *place = None;
                let _ = self.done.send(());
            }
            drop(place);
            if self.wakes.fetch_sub(seen, SeqCst) == seen {
                break;
            }
        }
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Receives 0, 1, … until the channel closes.
fn receiving(mut rx: Rx<u64>, count: u64) -> impl FnMut(&mut Context<'_>) -> bool + Send {
    let mut next = 0;
    move |cx| loop {
        match rx.poll_recv(cx) {
            Poll::Pending => return true,
            Poll::Ready(Ok(item)) => {
                assert_eq!(item, next);
                next += 1;
            }
            Poll::Ready(Err(stop)) => {
                assert_eq!((stop, next), (Stop::Closed, count));
                return false;
            }
        }
    }
}

/// Sends 0, 1, … up to `count`, then drops the end.
fn sending(mut tx: Tx<u64>, count: u64) -> impl FnMut(&mut Context<'_>) -> bool + Send {
    let mut next = 0;
    move |cx| {
        while next < count {
            match tx.poll_send(cx, next) {
                Poll::Pending => return true,
                sent => assert_eq!(sent, Poll::Ready(Ok(()))),
            }
            next += 1;
        }
        false
    }
}

#[test]
fn pitfall_3_4_a_receiver_that_is_polled_inside_of_the_senders_wake_and_dropped_there() {
    for capacity in [1, 4] {
        each(capacity, |mut tx: Tx<u64>, mut rx| {
            rx.set_patience(0);
            let (waker, is_done) = Inline::task(receiving(rx, 1000));
            waker.wake();
            thread::spawn(move || (0..1000).for_each(|n| tx.send(n).unwrap()));
            is_done.recv_timeout(BOUND).expect("no wake is lost, and nobody waits for a lock");
        });
    }
}

#[test]
fn pitfall_3_4_a_sender_that_is_polled_inside_of_the_receivers_wake_and_dropped_there() {
    for capacity in [1, 4] {
        each(capacity, |mut tx: Tx<u64>, mut rx| {
            tx.set_patience(0);
            let (waker, is_done) = Inline::task(sending(tx, 1000));
            waker.wake();
            let receiver = thread::spawn(move || rx.drain());
            is_done.recv_timeout(BOUND).expect("no wake is lost, and nobody waits for a lock");
            assert_eq!(receiver.join().unwrap(), (items(0..1000), None));
        });
    }
}

#[test]
fn pitfall_3_36_two_tasks_that_poll_each_other_inline_nest_no_deeper_with_more_items() {
    for capacity in [1, 2, 7] {
        each(capacity, |mut tx: Tx<u64>, mut rx| {
            tx.set_patience(0);
            rx.set_patience(0);
            let (receiver, received) = Inline::task(receiving(rx, 4_000));
            let (sender, sent) = Inline::task(sending(tx, 4_000));
            receiver.wake();
            sender.wake();
            received.try_recv().expect("all on this thread");
            sent.try_recv().expect("all on this thread");
        });
    }
    // In the other tests here one task polls inline.
    assert!(DEEPEST.load(SeqCst) <= 2, "{DEEPEST:?}");
}

#[test]
fn pitfall_4_a_wake_that_drops_the_very_receiver() {
    each(2, |mut tx: Tx<u64>, rx| {
        let place = Arc::new(Mutex::new(Some(rx)));
        let reach = place.clone();
        let waker = waker_fn(move || {
            let rx = reach.lock().unwrap().take();
            drop(rx);
        });
        let mut cx = Context::from_waker(&waker);
        assert!(place.lock().unwrap().as_mut().unwrap().poll_recv(&mut cx).is_pending());
        assert_eq!(tx.try_send(0), Ok(()), "it was there when it was sent");
        assert!(place.lock().unwrap().is_none());
        assert_eq!(tx.try_send(1), Err(Stop::Closed));
        drop(tx);
        assert_eq!(Arc::strong_count(&place), 2);
        drop(waker);
        assert_eq!(Arc::strong_count(&place), 1, "the channel keeps no waker");
    });
}

#[test]
fn pitfall_4_a_wake_that_drops_the_very_sender() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        assert_eq!(tx.try_send(0), Ok(()));
        let place = Arc::new(Mutex::new(Some(tx)));
        let reach = place.clone();
        let waker = waker_fn(move || {
            let tx = reach.lock().unwrap().take();
            drop(tx);
        });
        let mut cx = Context::from_waker(&waker);
        assert!(place.lock().unwrap().as_mut().unwrap().poll_send(&mut cx, 1).is_pending());
        assert_eq!(rx.try_recv(), Ok(0));
        assert!(place.lock().unwrap().is_none());
        assert_eq!(rx.try_recv(), Err(Stop::Closed));
        drop(rx);
        drop(waker);
        assert_eq!(Arc::strong_count(&place), 1, "the channel keeps no waker");
    });
}

#[test]
fn pitfall_6_another_task_takes_over_and_the_first_is_let_go() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        let tasks = [Task::new(), Task::new()];
        for task in &tasks {
            assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        }
        assert_eq!(tasks.each_ref().map(Task::wakers), [0, 1]);
        assert_eq!(tx.try_send(0), Ok(()));
        assert_eq!(tasks.each_ref().map(Task::wakes), [0, 1]);
        let tasks = [Task::new(), Task::new()];
        for task in &tasks {
            assert!(task.run(|cx| tx.poll_send(cx, 1)).is_pending());
        }
        assert_eq!(tasks.each_ref().map(Task::wakers), [0, 1]);
        assert_eq!(rx.try_recv(), Ok(0));
        assert_eq!(tasks.each_ref().map(Task::wakes), [0, 1]);
    });
}

#[test]
fn pitfall_7_polls_for_nothing_and_wakes_for_nothing_change_nothing() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        let task = Task::new();
        for n in 0..50 {
            for _ in 0..n {
                task.waker().wake();
                assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
            }
            assert_eq!(tx.try_send(n), Ok(()));
            for _ in 0..n {
                assert!(task.run(|cx| tx.poll_ready(cx)).is_pending());
            }
            assert_eq!(task.run(|cx| rx.poll_recv(cx)), Poll::Ready(Ok(n)));
        }
    });
}

#[test]
fn pitfall_11_many_items_are_one_wake_and_one_poll_drains_them() {
    each(64, |mut tx: Tx<u64>, mut rx| {
        let task = Task::new();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        (0..64).for_each(|n| tx.try_send(n).unwrap());
        assert_eq!(task.wakes(), 1);
        (0..64).for_each(|n| assert_eq!(task.run(|cx| rx.poll_recv(cx)), Poll::Ready(Ok(n))));
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        assert_eq!((tx.snapshot()[8], tx.snapshot()[9]), (2, 1));
    });
}

#[test]
fn pitfall_11_a_receiver_lets_its_neighbours_run_after_its_budget() {
    for lang in [Lang::Rust, Lang::Zig] {
        for budget in [1, 2, 5] {
            let (mut tx, rx) = pair_at::<u64>((lang, Lang::Rust), 64, 0);
            let (mut rx, task) = (rx.rust(), Task::new());
            rx.set_budget(budget);
            assert_eq!(tx.send_many(&items(0..20)), 20);
            let (mut received, mut rests) = (0, 0);
            while received < 20 {
                match task.next(&mut rx) {
                    Poll::Ready(item) => {
                        assert_eq!(item, Some(Ok(received)));
                        received += 1;
                    }
                    Poll::Pending => {
                        rests += 1;
                        assert_eq!(received, rests * u64::from(budget));
                        assert_eq!(task.wakes() as u64, rests, "it asks to be polled again");
                    }
                }
            }
            // Who was idle has its whole budget again.
            while task.next(&mut rx).is_ready() {}
            let _ = task.next(&mut rx);
            assert_eq!(tx.send_many(&items(0..u64::from(budget))), budget as usize);
            (0..budget).for_each(|_| assert!(task.next(&mut rx).is_ready()));
        }
    }
}

fn panicking() -> Waker {
    waker_fn(|| panic!("a waker that panics"))
}

/// The peer that wakes is Rust's, so the panic is Rust's alone.
#[test]
fn a_waker_of_an_end_in_zig_that_panics_leaves_the_ring_whole() {
    let (mut tx, mut rx) = pair_at::<u64>((Lang::Rust, Lang::Zig), 2, 0);
    assert!(rx.poll_recv(&mut Context::from_waker(&panicking())).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| tx.try_send(0))).is_err());
    assert_eq!((tx.try_send(1), rx.try_recv(), rx.try_recv()), (Ok(()), Ok(0), Ok(1)));

    let (mut tx, mut rx) = pair_at::<u64>((Lang::Zig, Lang::Rust), 1, 0);
    assert_eq!(tx.try_send(0), Ok(()));
    assert!(tx.poll_send(&mut Context::from_waker(&panicking()), 1).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| rx.try_recv())).is_err());
    assert_eq!((tx.try_send(1), rx.try_recv()), (Ok(()), Ok(1)));
    assert_eq!(
        (tx.snapshot()[0], tx.snapshot()[1]),
        (2, 2),
        "the first was received, and lost to the panic"
    );
}

#[cfg(unix)]
#[test]
fn pitfall_25_a_waker_that_panics_when_zig_wakes_it_ends_the_program_and_unwinds_nothing() {
    const NAME: &str =
        "pitfall_25_a_waker_that_panics_when_zig_wakes_it_ends_the_program_and_unwinds_nothing";
    if !child::is_child() {
        let stderr = child::aborts(NAME);
        assert!(
            stderr.contains("a waker that panics") && !stderr.contains("came back"),
            "{stderr}"
        );
        return;
    }
    let (mut tx, mut rx) = pair_at::<u64>((Lang::Zig, Lang::Rust), 2, 0);
    assert!(rx.poll_recv(&mut Context::from_waker(&panicking())).is_pending());
    let sent = catch_unwind(AssertUnwindSafe(|| tx.try_send(0)));
    eprintln!("came back with {sent:?}");
}

#[test]
fn pitfall_22_24_threads_and_tasks_take_turns_at_one_end() {
    for pairing in PAIRINGS {
        let (mut tx, mut rx) = pair_at::<u64>(pairing, 1, 0);
        let task = Task::new();
        // A waker of a task is left behind; the thread that comes next is woken all the same.
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        thread::scope(|scope| {
            let receiver = scope.spawn(|| (0..100).for_each(|n| assert_eq!(rx.recv(), Ok(n))));
            (0..100).for_each(|n| assert_eq!(tx.send(n), Ok(())));
            receiver.join().unwrap();
        });
        assert!(task.wakes() <= 1);
        let before = task.wakes();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        assert_eq!(tx.try_send(100), Ok(()));
        assert_eq!((task.wakes(), rx.try_recv()), (before + 1, Ok(100)));
    }
}

#[test]
fn pitfall_5_a_wake_for_an_executor_that_is_gone_does_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (mut tx, mut rx) = spsc::channel::<u64>(1);
    let polled = Arc::new(tokio::sync::Barrier::new(2));
    let task = polled.clone();
    drop(runtime.spawn(async move {
        assert!(std::future::poll_fn(|cx| Poll::Ready(rx.poll_recv(cx))).await.is_pending());
        task.wait().await;
        rx.recv().await
    }));
    runtime.block_on(polled.wait());
    drop(runtime);
    assert_eq!(tx.try_send(1).unwrap_err().into_inner(), 1);
}
