//! Channels with one sender and one receiver, where no border is needed: what becomes of items that need a
//! drop, panics of what the user wrote, and what the types promise.
#![cfg(feature = "std")]

mod support;

use std::cell::Cell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use support::assert_not_impl;
use zigflow_core::channel::{CreateError, TryRecvError, TrySendError};
use zigflow_core::spsc;

/// Counts the drops of each item by its number.
#[derive(Clone, Default)]
struct Drops(Arc<[AtomicUsize; 16]>);

impl Drops {
    fn item(&self, number: usize) -> Counted {
        Counted { drops: self.clone(), number, panics: false }
    }

    fn bomb(&self, number: usize) -> Counted {
        Counted { drops: self.clone(), number, panics: true }
    }

    /// How often the first `count` items were dropped; no other was.
    fn of(&self, count: usize) -> Vec<usize> {
        let all: Vec<usize> = self.0.iter().map(|drops| drops.load(SeqCst)).collect();
        assert!(all[count..].iter().all(|drops| *drops == 0), "{all:?}");
        all[..count].to_vec()
    }
}

struct Counted {
    drops: Drops,
    number: usize,
    panics: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.0[self.number].fetch_add(1, SeqCst);
        assert!(!self.panics, "a drop that panics");
    }
}

fn panics(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "it did not panic");
}

/// A waker whose wake panics, once.
fn bomb() -> Waker {
    struct Bomb(AtomicUsize);
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }
        fn wake_by_ref(self: &Arc<Self>) {
            assert!(self.0.fetch_add(1, SeqCst) > 0, "a waker that panics");
        }
    }
    Arc::new(Bomb(AtomicUsize::new(0))).into()
}

fn poll<F: Future>(future: F, waker: &Waker) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

/// Positions before their wrap-around, so that both are met.
const STARTS: [u32; 3] = [0, 3, (1 << 30) - 2];

fn channel_at<T: Send>(capacity: usize, start: u32) -> (spsc::Sender<T>, spsc::Receiver<T>) {
    spsc::starting_at(capacity, start).unwrap()
}

#[test]
fn pitfall_30_items_that_wait_at_the_end_are_dropped_once_whichever_end_goes_last() {
    for start in STARTS {
        for sender_first in [false, true] {
            let drops = Drops::default();
            let (mut tx, mut rx) = channel_at(5, start);
            (0..5).for_each(|n| assert!(tx.try_send(drops.item(n)).is_ok()));
            drop(rx.try_recv());
            assert!(tx.try_send(drops.item(5)).is_ok());
            assert_eq!(drops.of(6), [1, 0, 0, 0, 0, 0]);
            if sender_first {
                drop(tx);
                assert_eq!(drops.of(6), [1, 0, 0, 0, 0, 0]);
                drop(rx);
            } else {
                drop(rx);
                assert_eq!(drops.of(6), [1; 6]);
                assert!(matches!(tx.try_send(drops.item(6)), Err(TrySendError::Closed(_))));
                drop(tx);
                assert_eq!(drops.of(7), [1; 7]);
                continue;
            }
            assert_eq!(drops.of(6), [1; 6]);
        }
    }
}

#[test]
fn pitfall_30_items_that_wait_are_dropped_once_though_the_receiver_was_closed_before() {
    let drops = Drops::default();
    let (mut tx, mut rx) = channel_at(5, 0);
    (0..3).for_each(|n| assert!(tx.try_send(drops.item(n)).is_ok()));
    rx.close();
    let Err(TrySendError::Closed(back)) = tx.try_send(drops.item(3)) else { panic!("it was sent") };
    assert_eq!(drops.of(4), [0; 4]);
    drop(back);
    drop(rx);
    drop(tx);
    assert_eq!(drops.of(4), [1; 4]);
}

#[test]
fn pitfall_22_a_cancelled_send_drops_its_item_and_a_cancelled_send_from_keeps_it() {
    let drops = Drops::default();
    let (mut tx, mut rx) = channel_at(1, 0);
    assert!(tx.try_send(drops.item(0)).is_ok());
    assert!(poll(tx.send(drops.item(1)), Waker::noop()).is_pending());
    assert_eq!(drops.of(2), [0, 1]);
    let mut item = Some(drops.item(2));
    assert!(poll(tx.send_from(&mut item), Waker::noop()).is_pending());
    assert_eq!((drops.of(3), item.is_some()), (vec![0, 1, 0], true));
    drop(rx.try_recv());
    assert!(poll(tx.send_from(&mut item), Waker::noop()).is_ready());
    assert!(item.is_none());
    // With nothing to send there is nothing to wait for.
    assert!(poll(tx.send_from(&mut item), Waker::noop()).is_ready());
    assert_eq!(rx.try_recv().map(|item| item.number), Ok(2));
    assert_eq!(drops.of(3), [1; 3]);
}

#[test]
fn each_error_of_a_send_gives_the_item_back() {
    use core::time::Duration;
    let drops = Drops::default();
    let (mut tx, mut rx) = channel_at(1, 0);
    assert!(tx.try_send(drops.item(0)).is_ok());
    assert_eq!(tx.try_send(drops.item(1)).unwrap_err().into_inner().number, 1);
    let late = tx.send_blocking_timeout(drops.item(2), Duration::ZERO);
    assert_eq!(late.unwrap_err().into_inner().number, 2);
    assert_eq!(tx.send_or_drop(drops.item(3)).ok(), Some(false));
    rx.close();
    assert_eq!(tx.try_send(drops.item(4)).unwrap_err().into_inner().number, 4);
    assert_eq!(tx.send_or_drop(drops.item(5)).unwrap_err().into_inner().number, 5);
    assert_eq!(tx.send_blocking(drops.item(6)).unwrap_err().into_inner().number, 6);
    let Poll::Ready(sent) = poll(tx.send(drops.item(7)), Waker::noop()) else { panic!("pending") };
    assert_eq!(sent.unwrap_err().into_inner().number, 7);
    let late = tx.send_blocking_timeout(drops.item(8), Duration::MAX);
    assert_eq!(late.unwrap_err().into_inner().number, 8);
    drop(rx);
    assert_eq!(drops.of(9), [1; 9]);
}

#[test]
fn what_was_written_to_a_grant_is_dropped_with_it_and_sent_by_its_commit() {
    for start in STARTS {
        let drops = Drops::default();
        let (mut tx, mut rx) = channel_at(5, start);
        let mut grant = tx.try_reserve(3).unwrap();
        (0..3).for_each(|n| assert!(grant.push(drops.item(n)).is_ok()));
        assert_eq!(grant.push(drops.item(3)).unwrap_err().number, 3);
        assert_eq!((grant.len(), grant.pop().unwrap().number), (3, 2));
        drop(grant);
        assert_eq!(drops.of(4), [1; 4]);
        assert!(rx.is_empty());

        let mut grant = tx.try_reserve(5).unwrap();
        (4..8).for_each(|n| assert!(grant.push(drops.item(n)).is_ok()));
        assert_eq!(grant.commit().unwrap(), 4);
        assert_eq!(drops.of(8), [1, 1, 1, 1, 0, 0, 0, 0]);
        let numbers: Vec<usize> =
            (4..8).map(|_| rx.try_recv().unwrap_or_else(|_| panic!("empty")).number).collect();
        assert_eq!(numbers, [4, 5, 6, 7]);
        assert_eq!(tx.try_reserve(0).unwrap().commit().unwrap(), 0);
    }
}

#[test]
fn pitfall_10_a_grant_that_is_refused_has_its_items_still() {
    for start in STARTS {
        let drops = Drops::default();
        let (mut tx, mut rx) = channel_at(5, start);
        assert!(tx.try_send(drops.item(0)).is_ok());
        let mut grant = tx.try_reserve(4).unwrap();
        (1..4).for_each(|n| assert!(grant.push(drops.item(n)).is_ok()));
        rx.close();
        let mut grant = grant.commit().unwrap_err().into_inner();
        assert_eq!((grant.len(), grant.pop().unwrap().number), (3, 3));
        // It may be tried again, and is refused again.
        let grant = grant.commit().unwrap_err().into_inner();
        assert_eq!(drops.of(4), [0, 0, 0, 1]);
        drop(grant);
        assert_eq!(drops.of(4), [0, 1, 1, 1]);
        drop((tx, rx));
        assert_eq!(drops.of(4), [1; 4]);
    }
}

#[test]
fn a_read_grant_drops_what_it_releases_and_leaves_the_rest() {
    for start in STARTS {
        let drops = Drops::default();
        let (mut tx, mut rx) = channel_at(5, start);
        (0..5).for_each(|n| assert!(tx.try_send(drops.item(n)).is_ok()));
        rx.try_read(5).unwrap().release(0);
        drop(rx.try_read(4).unwrap());
        assert_eq!(drops.of(5), [0; 5]);
        rx.try_read(4).unwrap().release(3);
        assert_eq!(drops.of(5), [1, 1, 1, 0, 0]);
        panics(|| rx.try_read(9).unwrap().release(3));
        let mut items = Vec::new();
        assert_eq!(rx.try_recv_many(&mut items, 9), Ok(2));
        assert_eq!(drops.of(5), [1, 1, 1, 0, 0]);
        drop(items);
        assert_eq!(drops.of(5), [1; 5]);
    }
}

#[test]
fn pitfall_30_a_drop_that_panics_does_not_keep_the_other_items_from_theirs() {
    for bomb in 0..5 {
        let fill = |tx: &mut spsc::Sender<Counted>, drops: &Drops| {
            for n in 0..5 {
                let item = if n == bomb { drops.bomb(n) } else { drops.item(n) };
                assert!(tx.try_send(item).is_ok());
            }
        };
        // The receiver goes.
        let drops = Drops::default();
        let (mut tx, rx) = channel_at(5, 6);
        fill(&mut tx, &drops);
        panics(|| drop(rx));
        assert_eq!(drops.of(5), [1; 5], "{bomb}");
        assert!(tx.is_closed());

        // A grant is released.
        let drops = Drops::default();
        let (mut tx, mut rx) = channel_at(5, 6);
        fill(&mut tx, &drops);
        panics(|| rx.try_read(5).unwrap().release(5));
        assert_eq!((drops.of(5), rx.len()), (vec![1; 5], 0), "{bomb}");
        assert!(tx.try_send(drops.item(5)).is_ok());
        assert_eq!(rx.try_recv().map(|item| item.number), Ok(5));

        // A grant that was written is given up.
        let drops = Drops::default();
        let (mut tx, mut rx) = channel_at(5, 6);
        let mut grant = tx.try_reserve(5).unwrap();
        for n in 0..5 {
            let item = if n == bomb { drops.bomb(n) } else { drops.item(n) };
            assert!(grant.push(item).is_ok());
        }
        panics(|| drop(grant));
        assert_eq!(drops.of(5), [1; 5], "{bomb}");
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Empty)));
    }
}

/// A channel whose receiver sleeps in a task with a panicking waker.
fn receiver_with_a_bomb(drops: &Drops) -> (spsc::Sender<Counted>, spsc::Receiver<Counted>) {
    let (tx, mut rx) = channel_at(3, 6);
    assert!(poll(rx.recv(), &bomb()).is_pending());
    assert_eq!(drops.of(0), []);
    (tx, rx)
}

/// A full channel whose sender sleeps in a task with a panicking waker.
fn sender_with_a_bomb(drops: &Drops) -> (spsc::Sender<Counted>, spsc::Receiver<Counted>) {
    let (mut tx, rx) = channel_at(3, 6);
    (0..3).for_each(|n| assert!(tx.try_send(drops.item(n)).is_ok()));
    assert!(poll(tx.reserve(1), &bomb()).is_pending());
    (tx, rx)
}

#[test]
fn a_receivers_waker_that_panics_leaves_the_ring_whole() {
    let ways: [fn(&mut spsc::Sender<Counted>, &Drops); 3] = [
        |tx, drops| drop(tx.try_send(drops.item(0))),
        |tx, drops| drop(poll(tx.send(drops.item(0)), Waker::noop())),
        |tx, drops| {
            let mut grant = tx.try_reserve(3).unwrap();
            assert!(grant.push(drops.item(0)).is_ok());
            drop(grant.commit());
        },
    ];
    for way in ways {
        let drops = Drops::default();
        let (mut tx, mut rx) = receiver_with_a_bomb(&drops);
        panics(|| way(&mut tx, &drops));
        assert_eq!(drops.of(1), [0], "it was sent all the same");
        assert!(tx.try_send(drops.item(1)).is_ok());
        for n in 0..2 {
            assert_eq!(rx.try_recv().map(|item| item.number), Ok(n));
        }
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Empty)));
        drop((tx, rx));
        assert_eq!(drops.of(2), [1, 1]);
    }
}

#[test]
fn a_senders_waker_that_panics_leaves_the_ring_whole() {
    let ways: [fn(&mut spsc::Receiver<Counted>); 4] = [
        |rx| drop(rx.try_recv()),
        |rx| drop(poll(rx.recv(), Waker::noop())),
        |rx| assert!(rx.try_recv_many(&mut Vec::new(), 1).is_ok()),
        |rx| rx.try_read(1).unwrap().release(1),
    ];
    for way in ways {
        let drops = Drops::default();
        let (mut tx, mut rx) = sender_with_a_bomb(&drops);
        panics(|| way(&mut rx));
        assert_eq!(drops.of(3), [1, 0, 0], "it was received, and dropped by the panic");
        assert!(tx.try_send(drops.item(3)).is_ok());
        for n in 1..4 {
            assert_eq!(rx.try_recv().map(|item| item.number), Ok(n));
        }
        drop((tx, rx));
        assert_eq!(drops.of(4), [1; 4]);
    }
}

#[test]
fn a_waker_that_panics_when_an_end_closes_or_goes_leaks_nothing() {
    // The memory is freed when both are gone: Miri and the leak checks of the other tests see to that.
    for goes in [false, true] {
        let drops = Drops::default();
        let (tx, mut rx) = receiver_with_a_bomb(&drops);
        let mut tx = Some(tx);
        panics(|| if goes { tx = None } else { tx.as_mut().unwrap().close() });
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Closed)));

        let (tx, rx) = sender_with_a_bomb(&drops);
        let (mut tx, mut rx) = (tx, Some(rx));
        panics(|| if goes { rx = None } else { rx.as_mut().unwrap().close() });
        assert_eq!(drops.of(3), [usize::from(goes); 3]);
        assert!(matches!(tx.try_send(drops.item(3)), Err(TrySendError::Closed(_))));
        drop(rx);
        assert_eq!(drops.of(4), [1; 4]);
    }
}

#[test]
fn every_release_of_a_batch_happens_though_the_senders_waker_panics() {
    let drops = Drops::default();
    let (tx, mut rx) = sender_with_a_bomb(&drops);
    panics(|| rx.try_read(3).unwrap().release(3));
    assert_eq!((drops.of(3), rx.len()), (vec![1; 3], 0));
    drop(tx);
}

#[test]
fn a_waker_whose_drop_panics_leaks_no_channel() {
    struct Late(Arc<()>);
    impl Wake for Late {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Late {
        fn drop(&mut self) {
            panic!("a waker's drop that panics, with {} owners", Arc::strong_count(&self.0));
        }
    }
    let memory = Arc::new(());
    let (tx, mut rx) = channel_at::<Arc<()>>(1, 0);
    let waker = Waker::from(Arc::new(Late(memory.clone())));
    assert!(poll(rx.recv(), &waker).is_pending());
    drop(waker);
    panics(|| drop(rx));
    let mut tx = tx;
    assert_eq!(tx.try_send(memory.clone()).unwrap_err().into_inner(), memory);
    drop(tx);
    assert_eq!(Arc::strong_count(&memory), 1);
}

#[test]
fn items_without_a_size_are_counted_as_others() {
    for start in STARTS {
        let (mut tx, mut rx) = channel_at::<()>(5, start);
        assert_eq!(tx.try_send_many(&[(); 9]), Ok(5));
        assert_eq!(tx.try_send(()), Err(TrySendError::Full(())));
        assert_eq!(rx.try_recv(), Ok(()));
        let read = rx.try_read(9).unwrap();
        assert_eq!(read.slices().0.len() + read.slices().1.len(), 4);
        read.release(4);
        let mut grant = tx.try_reserve(5).unwrap();
        assert_eq!(grant.slices().0.len() + grant.slices().1.len(), 5);
        assert_eq!(grant.extend_from_slice(&[(); 3]), 3);
        assert_eq!((grant.pop(), grant.commit().unwrap()), (Some(()), 2));
        let mut items = Vec::new();
        assert_eq!(rx.try_recv_many(&mut items, 9), Ok(2));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
    let (mut tx, rx) = spsc::channel::<()>(1 << 29);
    assert_eq!((tx.try_send(()), rx.capacity()), (Ok(()), 1 << 29));
    assert!(spsc::try_channel::<()>((1 << 29) + 1).is_err());
}

#[test]
fn items_of_any_alignment_are_aligned() {
    #[repr(align(256))]
    struct Wide(u8);
    for start in STARTS {
        let (mut tx, mut rx) = channel_at(3, start);
        for n in 0..3 {
            assert!(tx.try_send(Wide(n)).is_ok());
        }
        for n in 0..3 {
            let item = rx.peek().unwrap();
            assert_eq!((std::ptr::from_ref(item).addr() % 256, item.0), (0, n));
            drop(rx.try_recv());
        }
    }
}

#[test]
fn an_end_that_is_forgotten_hurts_nobody() {
    // The item in the forgotten grant holds it for good; nothing that a checker would take for a leak stays.
    static KEPT: OnceLock<Drops> = OnceLock::new();
    let drops = KEPT.get_or_init(Drops::default);
    let (mut tx, mut rx) = channel_at(2, 0);
    let mut grant = tx.try_reserve(2).unwrap();
    assert!(grant.push(drops.item(0)).is_ok());
    std::mem::forget(grant);
    assert!(rx.is_empty(), "it was not committed");
    assert!(tx.try_send(drops.item(1)).is_ok());
    drop(rx.try_read(1).unwrap());
    assert_eq!(rx.try_recv().map(|item| item.number), Ok(1));
    let mut forgotten = ManuallyDrop::new(rx.recv());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut *forgotten).poll(&mut cx).is_pending());
    drop(tx);
    assert_eq!(drops.of(2), [0, 1]);
}

#[test]
fn absurd_counts_panic_with_what_was_wrong() {
    let (mut tx, mut rx) = channel_at::<u8>(2, 0);
    panics(|| drop(tx.try_reserve(3)));
    panics(|| drop(tx.reserve(3)));
    panics(|| drop(rx.try_read(0)));
    panics(|| drop(rx.read(0)));
    panics(|| rx.set_budget(0));
    // SAFETY: it panics before it believes anything.
    panics(|| unsafe { tx.try_reserve(1).unwrap().assume_written(2) });
    assert_eq!((tx.try_send(1), rx.try_recv()), (Ok(()), Ok(1)));
}

// -- what the types promise (31, 42) --

macro_rules! is_not {
    ($type:ty: $($bound:path),+) => { $(assert_not_impl!($type: $bound);)+ };
}

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}

#[test]
fn pitfall_31_42_ends_may_move_to_other_threads_but_only_one_can_use_them() {
    is_send::<spsc::Sender<Cell<u8>>>();
    is_send::<spsc::Receiver<Cell<u8>>>();
    // By reference there are counters only.
    is_sync::<spsc::Sender<Cell<u8>>>();
    is_sync::<spsc::Receiver<Cell<u8>>>();
    is_unpin::<spsc::Sender<std::marker::PhantomPinned>>();
    is_unpin::<spsc::Receiver<std::marker::PhantomPinned>>();
    is_not!(spsc::Sender<u8>: Clone, Copy);
    is_not!(spsc::Receiver<u8>: Clone, Copy);
    is_not!(spsc::Sender<Rc<u8>>: Send, Sync);
    is_not!(spsc::Receiver<Rc<u8>>: Send, Sync);
}

#[test]
fn pitfall_42_grants_and_futures_are_as_free_as_their_items() {
    is_send::<spsc::ReadGrant<'_, Cell<u8>>>();
    is_sync::<spsc::ReadGrant<'_, u8>>();
    // `&ReadGrant` gives `&T`.
    is_not!(spsc::ReadGrant<'_, Cell<u8>>: Sync);
    is_not!(spsc::ReadGrant<'_, Rc<u8>>: Send, Sync);
    is_send::<spsc::WriteGrant<'_, Cell<u8>>>();
    is_not!(spsc::WriteGrant<'_, Rc<u8>>: Send, Sync);
    is_send::<spsc::Send<'_, Cell<u8>>>();
    is_not!(spsc::Send<'_, Cell<u8>>: Sync);
    is_send::<spsc::SendFrom<'_, Cell<u8>>>();
    is_send::<spsc::SendMany<'_, u8>>();
    is_send::<spsc::Reserve<'_, Cell<u8>>>();
    is_send::<spsc::Closed<'_, Cell<u8>>>();
    is_send::<spsc::Recv<'_, Cell<u8>>>();
    is_send::<spsc::RecvMany<'_, Cell<u8>>>();
    is_send::<spsc::Read<'_, Cell<u8>>>();
    is_not!(spsc::SendFrom<'_, Rc<u8>>: Send);
    is_not!(spsc::Reserve<'_, Rc<u8>>: Send);
    is_not!(spsc::Closed<'_, Rc<u8>>: Send);
    is_not!(spsc::Recv<'_, Rc<u8>>: Send);
    is_not!(spsc::RecvMany<'_, Rc<u8>>: Send);
    is_not!(spsc::Read<'_, Rc<u8>>: Send);
    is_unpin::<spsc::Send<'_, std::marker::PhantomPinned>>();
}

#[test]
fn pitfall_42_ends_for_zig_move_as_the_ends_do() {
    is_send::<spsc::ZigSender<u8>>();
    is_sync::<spsc::ZigSender<u8>>();
    is_send::<spsc::ZigReceiver<u8>>();
    is_sync::<spsc::ZigReceiver<u8>>();
    is_not!(spsc::ZigSender<u8>: Clone, Copy);
    is_not!(spsc::ZigReceiver<u8>: Clone, Copy);
    is_not!(spsc::ZigSender<Rc<u8>>: Send, Sync);
    is_not!(spsc::ZigReceiver<Rc<u8>>: Send, Sync);
}

/// Not among the tests that a sanitizer compiles: it would lay such an item out on the stack.
#[test]
fn more_bytes_than_can_be_are_refused() {
    let huge = spsc::try_channel::<[u64; 1 << (usize::BITS - 24)]>(1 << 29).map(drop);
    assert_eq!(huge, Err(CreateError::Capacity(1 << 29)));
}
