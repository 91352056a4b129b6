//! Verbs that wake nobody, and what wakes later, for both flavours and in both languages.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::thread;

use futures_core::Stream;
use zigflow::channel::WakeDue;
use zigflow::{mpmc, spsc};
use zigflow_tests::quiet::{Rx, Stop, Tx, each, each_receiver, each_sender};
use zigflow_tests::task::Task;

/// Polls the receiver as a stream, which is Rust's.
fn poll_next(rx: &mut Rx, cx: &mut Context<'_>) -> Poll<Option<u64>> {
    let item = match rx {
        Rx::Spsc(rx) => Pin::new(rx).poll_next(cx),
        Rx::Mpmc(rx) => Pin::new(rx).poll_next(cx),
        Rx::Zig(_) => unreachable!(),
    };
    item.map(|item| item.map(Result::unwrap))
}

#[test]
fn a_quiet_send_wakes_nobody_until_the_peer_waker_does() {
    each_sender(4, |mut tx, mut rx| {
        let (task, peer) = (Task::default(), tx.peer_waker());
        peer.wake();
        assert_eq!(tx.try_send(0), Ok(WakeDue::No));
        assert_eq!(task.run(|cx| poll_next(&mut rx, cx)), Poll::Ready(Some(0)));
        for round in 0..3 {
            assert!(task.run(|cx| poll_next(&mut rx, cx)).is_pending());
            let wakes = task.wakes();
            assert_eq!(tx.try_send(round), Ok(WakeDue::Yes));
            // Still due.
            assert_eq!((tx.try_send(round), task.wakes()), (Ok(WakeDue::Yes), wakes));
            peer.wake();
            peer.wake();
            assert_eq!(task.wakes(), wakes + 1);
            assert_eq!(task.run(|cx| poll_next(&mut rx, cx)), Poll::Ready(Some(round)));
            assert_eq!(task.run(|cx| poll_next(&mut rx, cx)), Poll::Ready(Some(round)));
        }
        // With nothing to do, who is woken goes on waiting.
        assert!(task.run(|cx| poll_next(&mut rx, cx)).is_pending());
        peer.wake();
        assert!(task.run(|cx| poll_next(&mut rx, cx)).is_pending());
        drop(tx);
        assert_eq!(task.run(|cx| poll_next(&mut rx, cx)), Poll::Ready(None));
        peer.wake();
        drop(rx);
        peer.wake();
        assert_eq!(task.wakers(), 0);
    });
}

#[test]
fn a_quiet_receive_wakes_nobody_until_the_peer_waker_does() {
    each_receiver(1, |mut tx, mut rx| {
        let (task, peer) = (Task::default(), rx.peer_waker());
        let mut sending: Pin<Box<dyn Future<Output = bool>>> = match &mut tx {
            Tx::Spsc(tx) => {
                assert_eq!((tx.try_send(0), rx.try_recv()), (Ok(()), Ok((0, WakeDue::No))));
                tx.try_send(1).unwrap();
                let send = tx.send(2);
                Box::pin(async { send.await.is_ok() })
            }
            Tx::Mpmc(tx) => {
                assert_eq!((tx.try_send(0), rx.try_recv()), (Ok(()), Ok((0, WakeDue::No))));
                tx.try_send(1).unwrap();
                let send = tx.send(2);
                Box::pin(async { send.await.is_ok() })
            }
            Tx::Zig(_) => unreachable!(),
        };
        assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
        assert_eq!((rx.try_recv(), task.wakes()), (Ok((1, WakeDue::Yes)), 0));
        peer.wake();
        assert_eq!(task.wakes(), 1);
        assert_eq!(task.run(|cx| sending.as_mut().poll(cx)), Poll::Ready(true));
        assert_eq!(rx.try_recv(), Ok((2, WakeDue::No)));
        assert_eq!(rx.try_recv(), Err(Stop::Later));
    });
}

#[test]
fn a_wake_that_was_forgotten_is_made_up_for_by_the_next_verb() {
    let (mut tx, mut rx) = spsc::channel(4);
    let task = Task::default();
    assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
    assert_eq!(tx.try_send_quiet(1), Ok(WakeDue::Yes));
    tx.try_send(2).unwrap();
    assert_eq!(task.wakes(), 1);
    let (tx, rx) = mpmc::channel(4);
    let task = Task::default();
    let mut recv = pin!(rx.recv());
    assert!(task.run(|cx| recv.as_mut().poll(cx)).is_pending());
    assert_eq!(tx.try_send_quiet(1), Ok(WakeDue::Yes));
    tx.try_send(2).unwrap();
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.run(|cx| recv.as_mut().poll(cx)), Poll::Ready(Ok(1)));
}

#[test]
fn a_closed_channel_takes_nothing_quietly() {
    each(2, |mut tx, mut rx| {
        assert_eq!(tx.try_send(1), Ok(WakeDue::No));
        assert_eq!(tx.try_send(2), Ok(WakeDue::No));
        assert_eq!(tx.try_send(3), Err(Stop::Later));
        let peer = rx.peer_waker();
        drop(tx);
        assert_eq!(rx.try_recv(), Ok((1, WakeDue::No)));
        assert_eq!(rx.try_recv(), Ok((2, WakeDue::No)));
        assert_eq!(rx.try_recv(), Err(Stop::Closed));
        drop(rx);
        peer.wake();
    });
    each(2, |mut tx, rx| {
        drop(rx);
        assert_eq!(tx.try_send(1), Err(Stop::Closed));
    });
}

/// A thread that does nothing but wake, as a main loop that is told by handlers.
#[test]
fn nothing_waits_for_ever_when_another_thread_wakes() {
    const COUNT: u64 = 20_000;
    each_sender(4, |mut tx, mut rx| {
        let (peer, due) = (tx.peer_waker(), Arc::new(AtomicBool::new(false)));
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let (due, done) = (&*due, &done);
            scope.spawn(move || {
                while !done.load(SeqCst) {
                    if due.swap(false, SeqCst) {
                        peer.wake();
                    }
                    thread::yield_now();
                }
            });
            scope.spawn(move || {
                for n in 0..COUNT {
                    loop {
                        match tx.try_send(n) {
                            Ok(WakeDue::Yes) => break due.store(true, SeqCst),
                            Ok(WakeDue::No) => break,
                            Err(stop) => assert_eq!(stop, Stop::Later),
                        }
                        thread::yield_now();
                    }
                }
            });
            for n in 0..COUNT {
                let received = match &mut rx {
                    Rx::Spsc(rx) => rx.recv_blocking(),
                    Rx::Mpmc(rx) => rx.recv_blocking(),
                    Rx::Zig(_) => unreachable!(),
                };
                assert_eq!(received, Ok(n));
            }
            done.store(true, SeqCst);
        });
    });
}
