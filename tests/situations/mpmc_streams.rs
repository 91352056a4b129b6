//! A receiver of a channel with many ends as a stream: its turn among those who wait, wakers that panic, its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_core::Stream;
use zigflow::channel::RecvError;
use zigflow::mpmc::{self, Receiver};
use zigflow::spsc;
use zigflow_tests::task::{BOUND, Task, keep};

/// A task whose waker cannot be dropped, or woken, in peace.
struct Rude {
    at_wake: bool,
}

impl Wake for Rude {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        assert!(!self.at_wake, "rude wake");
    }
}

impl Drop for Rude {
    fn drop(&mut self) {
        assert!(self.at_wake || std::thread::panicking(), "rude drop");
    }
}

fn poll(rx: &mut Receiver<u32>, waker: &Waker) -> Poll<Option<u32>> {
    let polled = Pin::new(rx).poll_next(&mut Context::from_waker(waker));
    polled.map(|item| item.map(|item| item.unwrap()))
}

#[test]
fn a_waker_whose_drop_panics_leaves_the_stream_in_its_turn() {
    let (tx, mut rx) = mpmc::channel(4);
    let rude = Waker::from(Arc::new(Rude { at_wake: false }));
    assert!(poll(&mut rx, &rude).is_pending());
    drop(rude); // the stream has the last one
    let task = Task::new();
    let other = task.waker();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut rx, &other))).is_err());
    tx.try_send(1).unwrap();
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut rx, &other), Poll::Ready(Some(1)));
    drop(rx);
    assert!(tx.is_closed());
}

#[test]
fn the_last_receiver_closes_also_when_the_waker_of_its_stream_panics() {
    let (tx, mut rx) = mpmc::channel::<u32>(4);
    let rude = Waker::from(Arc::new(Rude { at_wake: false }));
    assert!(poll(&mut rx, &rude).is_pending());
    drop(rude);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
    assert!(tx.is_closed());
    assert!(tx.try_send(1).is_err());
}

#[test]
fn closing_wakes_everybody_also_when_a_waker_panics() {
    let (tx, mut first) = mpmc::channel::<u32>(4);
    let mut second = first.clone();
    let (rude, task) = (Waker::from(Arc::new(Rude { at_wake: true })), Task::new());
    assert!(poll(&mut first, &rude).is_pending());
    assert!(poll(&mut second, &task.waker()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| tx.close())).is_err());
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut second, &task.waker()), Poll::Ready(None));
}

#[test]
fn pitfall_9_a_stream_that_is_given_up_does_not_keep_the_turn_of_its_own_receiver() {
    let (tx, mut rx) = mpmc::channel(4);
    let (given_up, task) = (Task::new(), Task::new());
    assert!(poll(&mut rx, &given_up.waker()).is_pending());
    let mut recv = Box::pin(rx.recv());
    assert!(task.run(|cx| recv.as_mut().poll(cx)).is_pending());
    tx.try_send(1).unwrap();
    assert_eq!((given_up.wakes(), task.wakes()), (0, 1));
    assert_eq!(task.run(|cx| recv.as_mut().poll(cx)), Poll::Ready(Ok(1)));
    drop(recv);
    assert!(poll(&mut rx, &given_up.waker()).is_pending());
    let sender = std::thread::spawn(move || tx.send_blocking(2));
    assert_eq!(rx.recv_blocking_timeout(BOUND), Ok(2));
    sender.join().unwrap().unwrap();
}

#[test]
fn pitfall_9_a_stream_that_is_cancelled_gives_its_wake_to_the_next() {
    let (tx, mut first) = mpmc::channel(4);
    let second = first.clone();
    let (idle, task) = (Task::new(), Task::new());
    assert!(poll(&mut first, &idle.waker()).is_pending());
    let mut recv = Box::pin(second.recv());
    assert!(task.run(|cx| recv.as_mut().poll(cx)).is_pending());
    tx.try_send(1).unwrap();
    assert_eq!((idle.wakes(), task.wakes()), (1, 0), "in order");
    first.cancel();
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.run(|cx| recv.as_mut().poll(cx)), Poll::Ready(Ok(1)));
}

#[test]
fn pitfall_11_a_stream_lets_its_neighbours_run_after_its_budget() {
    for budget in [1, 2, 5] {
        let (tx, mut rx) = mpmc::channel::<u32>(64);
        let task = Task::new();
        rx.set_budget(budget);
        (0..20).for_each(|n| tx.try_send(n).unwrap());
        let (mut received, mut rests) = (0, 0);
        while received < 20 {
            match poll(&mut rx, &task.waker()) {
                Poll::Ready(item) => {
                    assert_eq!(item, Some(received));
                    received += 1;
                }
                Poll::Pending => {
                    rests += 1;
                    assert_eq!(received, rests * budget);
                    assert_eq!(task.wakes() as u32, rests, "it asks to be polled again");
                }
            }
        }
        // Who was idle has its whole budget again.
        while poll(&mut rx, &task.waker()).is_ready() {}
        let _ = poll(&mut rx, &task.waker());
        (0..budget).for_each(|n| tx.try_send(n).unwrap());
        (0..budget).for_each(|_| assert!(poll(&mut rx, &task.waker()).is_ready()));
    }
}

#[test]
#[should_panic(expected = "a budget of at least one item")]
fn a_stream_needs_a_budget() {
    mpmc::channel::<u32>(1).1.set_budget(0);
}

#[test]
fn pitfall_20_after_the_end_a_stream_says_so_however_often_it_is_asked() {
    let (tx, mut many) = mpmc::channel::<u32>(1);
    let (tx_one, mut one) = spsc::channel::<u32>(1);
    drop((tx, tx_one));
    let task = Task::new();
    for _ in 0..1000 {
        assert_eq!(task.next(&mut many), Poll::Ready(None));
        assert_eq!(task.next(&mut one), Poll::Ready(None));
    }
    assert_eq!(task.wakes(), 0);
}

#[test]
fn weak_ends_can_be_made_and_forgotten_by_the_million() {
    let (tx, rx) = mpmc::channel::<u32>(1);
    let weak = tx.downgrade();
    for _ in 0..1_000_000 {
        std::mem::forget(weak.clone());
    }
    // The forgotten ones hold the channel's memory.
    keep(weak.clone());
    tx.try_send(1).unwrap();
    assert_eq!(rx.recv_blocking_timeout(Duration::from_secs(1)), Ok(1));
    drop((tx, weak));
    assert_eq!(rx.recv_blocking(), Err(RecvError::Closed));
}
