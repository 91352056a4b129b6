//! Channels that grow: what is special to them. That each item arrives once, in order, in any mix of ends and
//! languages, is shown in `mpmc.rs`; what they allocate, and what happens without memory, in `allocations.rs`.
//!
//! The numbers in comments are those of the list of pitfalls that this project keeps.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use futures_core::Stream;
use zigflow::channel::{CreateError, TryRecvError, TrySendError, WakeDue};
use zigflow::{StreamError, mpmc};
use zigflow_tests::Point;
use zigflow_tests::ends::{Lang, PAIRINGS, Stop, TORN, items};
use zigflow_tests::many_ends::{LEAST_BYTES, Many, Rx, Tx, growing, open_as};
use zigflow_tests::task::{Task, waker_fn};

/// A channel for each pairing, with blocks of so many items.
fn each<T: Many>(shape: (usize, u32, u32), mut test: impl FnMut(Tx<T>, Rx<T>)) {
    for (tx, rx) in PAIRINGS {
        let (mut tx, mut rx) = growing(shape, &[tx], &[rx]);
        test(tx.remove(0), rx.remove(0));
    }
}

/// 36: whatever its blocks and its place in the positions are.
#[test]
fn items_arrive_in_order_across_blocks_and_the_wrap() {
    for shape in [(1, 9, 3), (2, 5, 3), (4, 4, 1), (256, 2, 1)] {
        let most = (shape.0 * (shape.1 as usize - 1)) as u64;
        each(shape, |mut tx: Tx<u64>, mut rx| {
            let (mut sent, mut received) = (0, 0);
            let before = tx.snapshot()[0];
            for waiting in (0..=most).chain((0..most).rev()) {
                while sent - received < waiting.max(1) {
                    assert_eq!(tx.try_send(sent), Ok(()), "{waiting} fit");
                    sent += 1;
                }
                while sent - received > waiting {
                    assert_eq!(rx.try_recv(), Ok(received));
                    received += 1;
                }
                assert_eq!((tx.len(), rx.len()), (waiting as usize, waiting as usize));
                let counters = rx.snapshot();
                assert_eq!(counters[..2], [before + sent, before + received]);
            }
            assert_eq!(rx.try_recv(), Err(Stop::Later));
        });
    }
}

#[test]
fn items_of_any_size_and_alignment() {
    #[repr(align(256))]
    #[derive(Debug, PartialEq)]
    struct Wide(u8);
    let (tx, rx) = mpmc::unbounded();
    (0..100).for_each(|n| tx.try_send(Wide(n)).unwrap());
    for n in 0..100 {
        let item = rx.try_recv().unwrap();
        assert_eq!((item.0, (&raw const item).addr() % 256), (n, 0));
    }
    let (tx, rx) = mpmc::unbounded();
    (0..10_000).for_each(|_| tx.try_send(()).unwrap());
    assert_eq!((rx.len(), (0..10_000).all(|_| rx.try_recv().is_ok())), (10_000, true));
    let (tx, rx) = mpmc::unbounded();
    (0..20).for_each(|n| tx.try_send([n; 5000]).unwrap());
    assert!((0..20).all(|n| rx.try_recv() == Ok([n; 5000])));
    each((4, 100, 0), |mut tx: Tx<Point>, mut rx| {
        let points: Vec<Point> = items(0..100);
        points.iter().for_each(|point| tx.try_send(*point).unwrap());
        points.iter().for_each(|point| assert_eq!(rx.try_recv(), Ok(*point)));
    });
}

#[test]
fn what_waits_is_dropped_once_with_the_last_receiver_or_the_channel() {
    let item = Rc::new(());
    let count = || Rc::strong_count(&item) - 1;
    // Items that may not move between threads do not compile; these never do, but for the types.
    struct Item {
        _live: Rc<()>,
    }
    // SAFETY: all stays on this thread.
    #[allow(unsafe_code)]
    unsafe impl Send for Item {}
    for received in [0, 1, 255, 256, 257, 600] {
        let (tx, rx) = mpmc::unbounded();
        (0..600).for_each(|_| assert!(tx.try_send(Item { _live: item.clone() }).is_ok()));
        (0..received).for_each(|_| drop(rx.try_recv().ok().unwrap()));
        assert_eq!(count(), 600 - received);
        if received % 2 == 0 {
            drop(rx);
            assert_eq!(count(), 0);
            let back = tx.try_send(Item { _live: item.clone() }).unwrap_err();
            assert!(matches!(back, TrySendError::Closed(_)));
        } else {
            drop(tx);
            assert_eq!(count(), 600 - received);
        }
    }
    assert_eq!(count(), 0);
}

#[test]
fn the_end_and_its_reason_come_after_the_last_item() {
    each((2, 100, 1), |mut tx: Tx<u64>, mut rx| {
        (0..7).for_each(|n| tx.try_send(n).unwrap());
        tx.close_torn();
        assert_eq!(tx.try_send(7), Err(Stop::Closed));
        assert_eq!(rx.drain(), (items(0..7), Some(TORN)));
    });
    // 8: closed at the end of a block, in which the next one is not claimed.
    each((2, 100, 1), |mut tx: Tx<u64>, mut rx| {
        (0..4).for_each(|n| tx.try_send(n).unwrap());
        assert!((0..4).all(|n| rx.try_recv() == Ok(n)));
        rx.close();
        assert_eq!((tx.try_send(4), rx.try_recv()), (Err(Stop::Closed), Err(Stop::Closed)));
    });
}

/// A block that is used up lets a sender go on, and each in its turn.
#[test]
fn at_the_limit_senders_wait_in_turn_for_a_block() {
    for lang in [Lang::Rust, Lang::Zig] {
        let (mut tx, mut rx) = growing((2, 2, 1), &[Lang::Rust, Lang::Zig, Lang::Rust], &[lang]);
        let rx: &mut Rx<u64> = &mut rx[0];
        (0..3).for_each(|n| tx[0].try_send(n).unwrap());
        assert_eq!(tx[1].try_send(3), Err(Stop::Later));
        let tasks: [Task; 3] = Default::default();
        let mut sending: Vec<_> = tx.iter_mut().zip(3..).map(|(tx, n)| tx.sending(n)).collect();
        for (task, sending) in tasks.iter().zip(&mut sending) {
            assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
        }
        let mut got = Vec::new();
        let mut finished = [false; 3];
        while got.len() < 6 {
            got.push(rx.try_recv().unwrap());
            // Whoever was woken runs, until nobody is.
            while let Some(n) = (0..3).find(|n| !finished[*n] && tasks[*n].wakes() > 0) {
                let Poll::Ready(sent) = tasks[n].run(|cx| sending[n].as_mut().poll(cx)) else {
                    break;
                };
                assert_eq!(sent, Ok(()));
                finished[n] = true;
            }
        }
        assert_eq!((got, finished), (items(0..6), [true; 3]));
    }
}

#[test]
fn at_the_limit_nothing_is_replaced() {
    for items in [1, 4] {
        let (tx, rx) = mpmc::unbounded_of_blocks(items, 2, 1).unwrap();
        let count = (0..).take_while(|n| tx.force_send(*n) == Ok(None)).count();
        assert_eq!(count, tx.capacity());
        assert_eq!(tx.force_send(100), Err(TrySendError::Full(100)));
        assert_eq!((tx.snapshot().dropped, tx.len()), (0, count));
        assert!((0..count).all(|n| rx.try_recv() == Ok(n)));
        assert_eq!(tx.force_send(3), Ok(None));
    }
}

#[test]
fn a_receiver_is_a_stream() {
    let (tx, mut rx) = mpmc::unbounded::<u32>();
    let task = Task::default();
    let mut next = || task.run(|cx| Pin::new(&mut rx).poll_next(cx));
    assert!(next().is_pending());
    (0..1000).for_each(|n| tx.try_send(n).unwrap());
    assert_eq!(task.wakes(), 1);
    let mut got = Vec::new();
    while got.len() < 1000 {
        match next() {
            Poll::Ready(item) => got.push(item.unwrap().unwrap()),
            Poll::Pending => {} // its budget
        }
    }
    assert!(got.into_iter().eq(0..1000));
    tx.close_with(StreamError::Code(3));
    assert_eq!(next(), Poll::Ready(Some(Err(StreamError::Code(3)))));
    assert_eq!(next(), Poll::Ready(None));
}

/// Threads that send and receive while blocks come and go.
#[test]
fn bursts_from_threads_while_others_receive() {
    const ITEMS: u64 = 20_000;
    for (tx_lang, rx_lang) in PAIRINGS {
        let (tx, rx) = growing((16, 1 << 20, 1000), &[tx_lang; 2], &[rx_lang; 2]);
        let received = thread::scope(|scope| {
            for mut tx in tx {
                // Full only while the other sender links a block.
                scope.spawn(move || {
                    (0..ITEMS).for_each(|n| {
                        while tx.try_send(n) == Err(Stop::Later) {
                            thread::yield_now();
                        }
                    })
                });
            }
            let receivers: Vec<_> =
                rx.into_iter().map(|mut rx: Rx<u64>| scope.spawn(move || rx.drain().0)).collect();
            receivers.into_iter().map(|r| r.join().unwrap()).collect::<Vec<_>>()
        });
        let all: Vec<u64> = received.concat();
        assert_eq!(all.len() as u64, 2 * ITEMS);
        assert_eq!(all.iter().sum::<u64>(), ITEMS * (ITEMS - 1));
    }
}

#[test]
fn zig_refuses_what_does_not_fit() {
    // As other items, and as an end of another flavour.
    for what in [1, 2, 4] {
        let (tx, rx) = mpmc::unbounded::<u64>();
        let why = open_as(tx.into_zig(), what).unwrap_err();
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Failed(_))), "{what} {why}");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn a_limit_that_holds_nothing_is_refused() {
    for bytes in [0, 1, LEAST_BYTES - 1] {
        let made = mpmc::try_unbounded_within::<u64>(bytes).map(drop);
        assert_eq!(made, Err(CreateError::Budget(bytes)));
    }
    let said = CreateError::Budget(47).to_string();
    assert_eq!(said, "a channel cannot live on 47 bytes: two blocks of one item must fit");
    let (tx, _rx) = mpmc::try_unbounded_within::<u64>(LEAST_BYTES).unwrap();
    assert_eq!((tx.capacity(), tx.try_send(1)), (1, Ok(())));
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    assert!(mpmc::try_unbounded_within::<[u8; 1000]>(2000).is_err());
}

/// A task that is dropped in the middle of a wait.
#[test]
fn nobody_is_forgotten_when_a_waiting_sender_goes() {
    let (tx, rx) = mpmc::unbounded_of_blocks::<u32>(1, 2, 0).unwrap();
    let tx = Arc::new(tx);
    tx.try_send(0).unwrap();
    let (first, second) = (Task::default(), Task::default());
    let mut gone = Box::pin(tx.send(1));
    let mut stays = Box::pin(tx.send(2));
    assert!(first.run(|cx| gone.as_mut().poll(cx)).is_pending());
    assert!(second.run(|cx| stays.as_mut().poll(cx)).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(gone);
    assert_eq!(second.wakes(), 1);
    assert!(second.run(|cx| stays.as_mut().poll(cx)).is_ready());
    assert_eq!(rx.try_recv(), Ok(2));
}

/// Who asks for room that there is, or waits for room that there is not, is not woken by its own question.
#[test]
fn nobody_wakes_itself() {
    for lang in [Lang::Rust, Lang::Zig] {
        let (mut tx, mut rx) = growing::<u64>((1, 3, 0), &[lang], &[Lang::Rust]);
        let task = Task::default();
        for n in 0..2 {
            let mut sending = tx[0].sending(n);
            assert!(task.run(|cx| sending.as_mut().poll(cx)).is_ready());
        }
        let mut sending = tx[0].sending(2);
        for _ in 0..10 {
            assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending());
        }
        assert_eq!(task.wakes(), 0);
        assert_eq!((rx[0].try_recv(), task.wakes()), (Ok(0), 1));
        assert!(task.run(|cx| sending.as_mut().poll(cx)).is_ready());
        drop(sending);
        assert_eq!(task.wakes(), 1);
    }
}

/// No waker runs while a slot is claimed: one that panics, or looks at the channel, finds the item there.
#[test]
fn a_waker_that_panics_leaves_no_hole() {
    let (tx, rx) = mpmc::unbounded_of_blocks::<u32>(1, 3, 0).unwrap();
    tx.try_send(0).unwrap();
    tx.try_send(1).unwrap();
    // Two wait for a block: the first is woken when there is one, the second by who sends then.
    let (task, rude) = (Task::default(), waker_fn(|| resume_unwind(Box::new("rude"))));
    let (mut first, mut second) = (Box::pin(tx.send(2)), Box::pin(tx.send(3)));
    assert!(task.run(|cx| first.as_mut().poll(cx)).is_pending());
    assert!(second.as_mut().poll(&mut Context::from_waker(&rude)).is_pending());
    assert_eq!((rx.try_recv(), task.wakes()), (Ok(0), 1));
    assert!(catch_unwind(AssertUnwindSafe(|| tx.try_send(4))).is_err(), "a waker panicked");
    drop((first, second));
    tx.close();
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(4)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

/// A block that is used up is given back, whoever is woken and panics.
#[test]
fn a_waker_that_panics_leaks_no_block() {
    let (tx, rx) = mpmc::unbounded_of_blocks::<u32>(1, 4, 0).unwrap();
    for _ in 0..10 {
        (0..3).for_each(|n| tx.try_send(n).unwrap());
        let rude = waker_fn(|| resume_unwind(Box::new("rude")));
        let mut send = Box::pin(tx.send(3));
        assert!(send.as_mut().poll(&mut Context::from_waker(&rude)).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| rx.try_recv())).is_err(), "its waker panicked");
        drop(send);
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));
    }
}

/// The last receiver goes while threads send: nothing stays behind, whoever was half done. (After quiet sends, once what is
/// due is done.)
#[test]
fn what_senders_finish_after_the_last_receiver_went_does_not_stay() {
    for (bounded, quiet) in [(true, false), (false, false), (true, true)] {
        for _ in 0..50 {
            let item = Arc::new(());
            let (tx, rx) = if bounded { mpmc::channel(64) } else { mpmc::unbounded() };
            let peer = tx.peer_waker();
            let send = || {
                if quiet {
                    let sent = tx.try_send_quiet(item.clone());
                    if sent.is_ok_and(WakeDue::is_due) {
                        peer.wake();
                    }
                } else {
                    let _ = tx.try_send(item.clone());
                }
            };
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while !tx.is_closed() {
                            send()
                        }
                    });
                }
                scope.spawn(move || {
                    (0..100).for_each(|_| drop(rx.try_recv()));
                    drop(rx);
                });
            });
            assert_eq!(Arc::strong_count(&item), 1, "bounded: {bounded}, quiet: {quiet}");
            drop(tx);
        }
    }
}

#[test]
fn a_drop_that_panics_leaves_nothing_behind() {
    struct Rude {
        panics: bool,
        _alive: Arc<()>,
    }
    impl Drop for Rude {
        fn drop(&mut self) {
            if self.panics {
                resume_unwind(Box::new("rude"));
            }
        }
    }
    for bounded in [true, false] {
        let alive = Arc::new(());
        let (tx, rx) = if bounded { mpmc::channel(16) } else { mpmc::unbounded() };
        for n in 0..10 {
            assert!(tx.try_send(Rude { panics: n == 3, _alive: alive.clone() }).is_ok());
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
        assert_eq!(Arc::strong_count(&alive), 1);
        drop(tx);
    }
}
