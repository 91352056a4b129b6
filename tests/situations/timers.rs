//! Every timer keeps the contract, on every runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use tokio::runtime::{Builder, Handle};
use zigflow::async_std::AsyncStdTimer;
use zigflow::smol::{SmolSleep, SmolTimer};
use zigflow::time::{Alarm, AlarmTimer, Instant, ManualSleep, ManualTimer, Timeout, Timer};
use zigflow::tokio::{TokioSleep, TokioTimer};
use zigflow_tests::clock::with_zig_timer;
use zigflow_tests::conformance;

#[test]
fn on_tokio_with_one_thread() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(on_tokio());
}

#[test]
fn on_tokio_with_many_threads() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async { tokio::spawn(on_tokio()).await.unwrap() });
}

/// The timer of a runtime under an executor that is none of tokio's.
#[test]
fn on_a_foreign_executor_with_a_handle_of_tokio() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let timer = TokioTimer::with_handle(runtime.handle().clone());
    futures_lite::future::block_on(async {
        conformance::all(&timer).await;
        conformance::across_threads(&timer).await;
    });
}

async fn on_tokio() {
    conformance::all(&TokioTimer::new()).await;
    let timer = TokioTimer::with_handle(Handle::current());
    conformance::all(&timer).await;
    conformance::across_threads(&timer).await;
}

#[test]
fn on_smol() {
    smol::block_on(on_async_io());
}

#[test]
fn on_smol_in_a_spawned_task() {
    smol::block_on(smol::spawn(on_async_io()));
}

/// No executor of the family runs: async-io's own thread drives the timer.
#[test]
fn on_async_io_alone() {
    futures_lite::future::block_on(on_async_io());
}

/// The two families do not mind each other.
#[test]
fn on_tokio_with_the_timer_of_smol() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(on_async_io());
}

async fn on_async_io() {
    conformance::all(&SmolTimer::new()).await;
    conformance::across_threads(&SmolTimer::new()).await;
}

#[test]
fn on_async_std() {
    async_std::task::block_on(async {
        conformance::all(&AsyncStdTimer::new()).await;
        conformance::across_threads(&AsyncStdTimer::new()).await;
    });
}

/// The clock is Zig's, and a thread of Zig's sounds the alarm.
#[test]
fn on_zig() {
    with_zig_timer(|timer| {
        futures_lite::future::block_on(async {
            conformance::all(&timer).await;
            conformance::across_threads(&timer).await;
        });
    });
}

/// An alarm that comes early, for nothing, and while it is being set.
#[test]
fn an_alarm_may_come_at_any_time() {
    let manual = ManualTimer::new();
    let hasty = Arc::new(Hasty(manual.clone(), AtomicUsize::new(0), Mutex::new(None)));
    let timer = AlarmTimer::new(hasty.clone());
    drive(&manual, conformance::all(&timer));
    drive(&manual, conformance::across_threads(&timer));
    assert_eq!(timer.armed(), 0);
    assert!(hasty.1.load(Ordering::Relaxed) > 1_000);
}

/// An alarm that panics is not set: the next sleep sets it again.
#[test]
fn an_alarm_that_has_panicked_is_set_again() {
    struct Panics(AtomicUsize);
    impl Alarm for Panics {
        fn now(&self) -> Instant {
            Instant::from_nanos(0)
        }
        fn set(&self, _: Instant, _: &Waker) {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the first time");
        }
    }
    let alarm = Arc::new(Panics(AtomicUsize::new(0)));
    let timer = AlarmTimer::new(alarm.clone());
    let poll = |nanos| {
        let mut sleep = Box::pin(timer.sleep_until(Instant::from_nanos(nanos)));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
        }));
        (sleep, polled.is_ok())
    };
    let (_first, fine) = poll(5);
    assert!(!fine);
    let (_second, fine) = poll(9);
    assert!(fine);
    assert_eq!(alarm.0.load(Ordering::Relaxed), 2);
}

/// An alarm that keeps the waker, and is still set when the timer goes, does not keep the timer.
#[test]
fn a_timer_with_a_pending_alarm_is_dropped() {
    struct Kept(Mutex<Option<Waker>>, Arc<()>);
    impl Alarm for Kept {
        fn now(&self) -> Instant {
            assert_eq!(Arc::strong_count(&self.1), 2);
            Instant::from_nanos(0)
        }
        fn set(&self, _: Instant, waker: &Waker) {
            *self.0.lock().unwrap() = Some(waker.clone());
        }
    }
    let count = Arc::new(());
    let alarm = Arc::new(Kept(Mutex::new(None), count.clone()));
    let timer = AlarmTimer::new(alarm.clone());
    let mut sleep = Box::pin(timer.sleep_until(Instant::from_nanos(5)));
    assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let late = alarm.0.lock().unwrap().clone().expect("the alarm is set");
    drop((timer, sleep));
    assert_eq!(Arc::strong_count(&alarm), 1);
    late.wake();
}

/// Sounds at once for nothing, and when the time has come.
#[derive(Debug)]
struct Hasty(ManualTimer, AtomicUsize, Mutex<Option<Pin<Box<ManualSleep>>>>);

impl Alarm for Hasty {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn set(&self, deadline: Instant, waker: &Waker) {
        if self.1.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            waker.wake_by_ref();
        }
        let mut sleep = Box::pin(self.0.sleep_until(deadline));
        if sleep.as_mut().poll(&mut Context::from_waker(waker)).is_ready() {
            waker.wake_by_ref();
        }
        let before = self.2.lock().unwrap().replace(sleep);
        drop(before);
    }
}

#[test]
fn by_hand() {
    let timer = ManualTimer::new();
    drive(&timer, conformance::all(&timer));
    drive(&timer, conformance::across_threads(&timer));
    assert_eq!(timer.armed(), 0);
}

/// Polls `future` when it is woken, and moves the clock when it is not.
fn drive(timer: &ManualTimer, future: impl Future<Output = ()>) {
    struct Flag(AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Release);
        }
    }
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = flag.clone().into();
    let mut future = pin!(future);
    loop {
        if flag.0.swap(false, Ordering::AcqRel) {
            if let Poll::Ready(()) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return;
            }
        } else if timer.advance_to_next().is_none() {
            thread::yield_now(); // another thread has the next move
        }
    }
}

#[test]
fn sleeps_are_send_and_sync() {
    fn both<T: Send + Sync + 'static>() {}
    fn movable<T: Unpin>() {}
    both::<TokioTimer>();
    both::<TokioSleep>();
    both::<SmolTimer>();
    both::<SmolSleep>();
    both::<Timeout<std::future::Ready<()>, TokioTimer>>();
    movable::<SmolSleep>();
}
