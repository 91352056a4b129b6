//! What a monitor shares with its channel, without Zig: for Miri, which sees how it is freed.
#![cfg(all(feature = "profile", not(loom)))]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use zigflow_core::profile::Probe;
use zigflow_core::time::ManualTimer;
use zigflow_core::{Pool, mpmc, spsc};

/// Wakes nobody; whether it was dropped as often as it was cloned, Miri tells.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

fn waker() -> Waker {
    Arc::new(Nobody).into()
}

#[test]
fn an_spsc_channel_and_its_profile_go_in_any_order() {
    for order in 0..6 {
        let clock = ManualTimer::new();
        let (mut tx, mut rx, monitor) = spsc::monitored::<Box<u32>>(2, clock.clone());
        let waker = waker();
        let mut cx = Context::from_waker(&waker);
        assert!(pin!(rx.recv()).poll(&mut cx).is_pending());
        clock.advance(Duration::from_millis(1));
        tx.try_send(Box::new(1)).unwrap();
        tx.try_send(Box::new(2)).unwrap();
        assert!(pin!(tx.send(Box::new(3))).poll(&mut cx).is_pending());
        assert_eq!(*rx.try_recv().unwrap(), 1);
        assert_eq!(monitor.snapshot().receivers.wait.count(), 1);
        match order {
            0 => drop((tx, rx, monitor)),
            1 => drop((rx, tx, monitor)),
            2 => drop((monitor, tx, rx)),
            3 => drop((monitor, rx, tx)),
            4 => drop((tx, monitor, rx)),
            _ => drop((rx, monitor, tx)),
        }
    }
}

#[test]
fn a_channel_in_a_static_is_given_back_with_its_profile() {
    static PLACE: spsc::Storage<u32, 2> = spsc::Storage::new();
    for _ in 0..2 {
        let (mut tx, mut rx, monitor) = PLACE.split_monitored(ManualTimer::new()).unwrap();
        tx.try_send(7).unwrap();
        assert_eq!(rx.try_recv(), Ok(7));
        drop((tx, rx));
        assert_eq!(monitor.snapshot().received, 1);
    }
}

#[test]
fn an_mpmc_channel_is_watched_once_however_often_that_is_asked_for() {
    let clock = ManualTimer::new();
    let (tx, rx) = mpmc::channel::<Box<u32>>(2);
    let (one, two) = (tx.monitor(clock.clone()), rx.monitor(ManualTimer::new()));
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    {
        let mut recv = pin!(rx.recv());
        assert!(recv.as_mut().poll(&mut cx).is_pending());
        clock.advance(Duration::from_millis(1));
        tx.try_send(Box::new(1)).unwrap();
        assert!(recv.as_mut().poll(&mut cx).is_ready());
    }
    assert!(pin!(rx.recv()).poll(&mut cx).is_pending()); // gives up
    tx.try_send(Box::new(2)).unwrap();
    assert_eq!(one.snapshot(), two.snapshot());
    assert_eq!(one.snapshot().receivers.wait.count(), 2);
    drop((tx, one, rx, two));
}

#[test]
fn a_pool_and_its_watch_go_together() {
    let pool = Pool::new(1, 16);
    let (one, two) = (pool.monitor(ManualTimer::new()), pool.monitor(ManualTimer::new()));
    let waker = waker();
    let block = pool.try_acquire().unwrap();
    {
        let mut acquire = pin!(pool.acquire());
        let mut cx = Context::from_waker(&waker);
        assert!(acquire.as_mut().poll(&mut cx).is_pending());
        drop(block);
        assert!(acquire.as_mut().poll(&mut cx).is_ready());
    }
    assert_eq!(one.snapshot(), two.snapshot());
    drop((pool, one));
    assert_eq!(two.snapshot().waits.wait.count(), 1);
}

#[test]
fn a_probed_stream_lets_go_of_all_wakers() {
    let probe = Probe::new(ManualTimer::new());
    let (mut tx, mut rx) = spsc::channel::<u32>(2);
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    {
        let mut recv = pin!(probe.watch(rx.recv()));
        assert!(recv.as_mut().poll(&mut cx).is_pending());
        tx.try_send(1).unwrap();
        assert!(recv.as_mut().poll(&mut cx).is_ready());
    }
    assert!(pin!(probe.watch(rx.recv())).poll(&mut cx).is_pending());
    assert_eq!(probe.snapshot().ready, 1);
}
