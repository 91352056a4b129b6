//! The contract of `zigflow::time`, as tests that any timer can be put through.
//!
//! They are plain async functions: whoever has a timer and an executor awaits [`all`], and
//! [`across_threads`] if the sleeps may be polled on foreign threads. They take about half a second
//! of the timer's time. How late a timer is depends on the machine, so that is printed and never
//! asserted.

use std::collections::VecDeque;
use std::future::{self, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use zigflow::time::{Instant, Sleep, TimeoutError, Timer, timeout, timeout_at};

/// What the tests wait for. A loaded machine may stall for longer at any line, so nothing below
/// concludes from a `STEP` that it is not over yet; for that there is the `HOUR`.
const STEP: Duration = Duration::from_millis(10);
const HOUR: Duration = Duration::from_secs(3600);

/// Everything that one task can see.
pub async fn all<T: Timer>(timer: &T) {
    never_early(timer).await;
    past_deadlines_are_ready_at_first_poll(timer);
    never_is_never(timer).await;
    stays_ready(timer).await;
    reset_before_the_deadline(timer).await;
    reset_after_the_deadline(timer).await;
    dropping_an_armed_sleep_forgets_its_waker(timer).await;
    only_the_last_waker_is_woken(timer).await;
    a_thousand_sleeps_end_in_order(timer).await;
    timeouts(timer).await;
}

/// What only shows when sleeps are polled, moved and dropped by several threads.
pub async fn across_threads<T: Timer>(timer: &T)
where
    T::Sleep: Send + 'static,
{
    ends_on_a_foreign_thread(timer).await;
    moves_to_another_thread_while_armed(timer).await;
    drops_on_another_thread_while_armed(timer).await;
}

/// No sleep ends before its deadline, whatever part of a tick that is.
pub async fn never_early<T: Timer>(timer: &T) {
    let mut latest = Duration::ZERO;
    for micros in [0, 1, 10, 100, 999, 1_000, 1_001, 2_500, 7_777] {
        let deadline = after(timer, Duration::from_micros(micros));
        timer.sleep_until(deadline).await;
        latest = latest.max(lateness(timer, deadline));
    }
    println!("single sleeps: at most {latest:?} late");
}

/// Also with nobody to drive the timer, and without leaving a waker behind.
pub fn past_deadlines_are_ready_at_first_poll<T: Timer>(timer: &T) {
    let task = Task::new();
    let now = timer.now();
    for deadline in [now, Instant::from_nanos(0)] {
        assert!(task.poll(pin!(timer.sleep_until(deadline))).is_ready());
    }
    assert_eq!(task.wakers(), 0);
}

/// `Instant::MAX` is no deadline, and a sleep comes back from it.
pub async fn never_is_never<T: Timer>(timer: &T) {
    let task = Task::new();
    let mut sleep = pin!(timer.sleep_until(Instant::MAX));
    assert!(task.poll(sleep.as_mut()).is_pending());
    pass(timer).await;
    assert!(task.poll(sleep.as_mut()).is_pending());
    assert_eq!(task.wakes(), 0);
    let deadline = after(timer, STEP);
    sleep.as_mut().reset(deadline);
    sleep.as_mut().await;
    lateness(timer, deadline);

    // From over, and from armed.
    sleep.as_mut().reset(Instant::MAX);
    assert!(task.poll(sleep.as_mut()).is_pending());
    sleep.as_mut().reset(after(timer, STEP));
    let _ = task.poll(sleep.as_mut());
    sleep.as_mut().reset(Instant::MAX);
    pass(timer).await;
    assert!(task.poll(sleep).is_pending());
}

/// Ready is not taken back.
pub async fn stays_ready<T: Timer>(timer: &T) {
    let mut sleep = pin!(timer.sleep_until(after(timer, STEP)));
    sleep.as_mut().await;
    for _ in 0..3 {
        assert!(Task::new().poll(sleep.as_mut()).is_ready());
    }
}

/// To later, to earlier, and into the past.
pub async fn reset_before_the_deadline<T: Timer>(timer: &T) {
    let task = Task::new();
    let mut sleep = pin!(timer.sleep_until(after(timer, STEP)));
    let _ = task.poll(sleep.as_mut());
    let later = after(timer, 3 * STEP);
    sleep.as_mut().reset(later);
    sleep.as_mut().await;
    lateness(timer, later);

    sleep.as_mut().reset(after(timer, HOUR));
    assert!(task.poll(sleep.as_mut()).is_pending());
    let earlier = after(timer, STEP);
    sleep.as_mut().reset(earlier);
    sleep.as_mut().await; // not for an hour
    lateness(timer, earlier);

    sleep.as_mut().reset(after(timer, HOUR));
    assert!(task.poll(sleep.as_mut()).is_pending());
    sleep.as_mut().reset(timer.now());
    assert!(task.poll(sleep).is_ready());
}

/// After it was ready, and after it woke but was not polled.
pub async fn reset_after_the_deadline<T: Timer>(timer: &T) {
    let task = Task::new();
    let mut sleep = pin!(timer.sleep_until(after(timer, STEP)));
    for _ in 0..3 {
        sleep.as_mut().await;
        sleep.as_mut().reset(after(timer, STEP));
        let _ = task.poll(sleep.as_mut());
        pass(timer).await;
        let deadline = after(timer, STEP);
        sleep.as_mut().reset(deadline);
        sleep.as_mut().await;
        lateness(timer, deadline);
        sleep.as_mut().reset(after(timer, STEP));
    }
}

/// A dropped sleep wakes nobody, and with the driver's next turn holds no waker.
pub async fn dropping_an_armed_sleep_forgets_its_waker<T: Timer>(timer: &T) {
    const SLEEPS: usize = 10;
    for (span, wakes_max) in [(HOUR, 0), (STEP, SLEEPS)] {
        let task = Task::new();
        for _ in 0..SLEEPS {
            let mut sleep = Box::pin(timer.sleep_until(after(timer, span)));
            let _ = task.poll(sleep.as_mut());
        }
        pass(timer).await;
        assert!(task.wakes() <= wakes_max);
        assert_eq!(task.wakers(), 0);
    }
}

/// The task may move between polls.
pub async fn only_the_last_waker_is_woken<T: Timer>(timer: &T) {
    let mut sleep = pin!(timer.sleep_until(Instant::MAX));
    let (first, last, deadline) = loop {
        let (first, last) = (Task::new(), Task::new());
        let deadline = after(timer, STEP);
        sleep.as_mut().reset(deadline);
        let changed = first.poll(sleep.as_mut()).is_pending();
        if changed && last.poll(sleep.as_mut()).is_pending() {
            break (first, last, deadline);
        }
    };
    last.woken().await;
    lateness(timer, deadline);
    assert!(last.poll(sleep).is_ready());
    pass(timer).await;
    assert_eq!(first.wakes(), 0);
    assert_eq!((first.wakers(), last.wakers()), (0, 0));
}

/// Sleeps in shuffled order, each with a waker of its own: all end, none early, and never one
/// while an earlier one would still wait.
pub async fn a_thousand_sleeps_end_in_order<T: Timer>(timer: &T) {
    const SLEEPS: usize = 1_000;
    const PRIME: usize = 389; // no factor of SLEEPS, so this shuffles
    let start = timer.now();
    let woken = Arc::new(Woken::default());
    let mut sleeps: Vec<_> = (0..SLEEPS)
        .map(|index| {
            let rank = index * PRIME % SLEEPS;
            let deadline = start.saturating_add(rank as u32 * Duration::from_micros(30));
            let sleep = Box::pin(timer.sleep_until(deadline));
            let waker = Waker::from(Arc::new(Member(index, woken.clone())));
            waker.wake_by_ref(); // for its first poll
            (deadline, Some(sleep), waker)
        })
        .collect();

    let mut ended = 0;
    let mut latest = Duration::ZERO;
    while ended < SLEEPS {
        let (deadline, waiting, waker) = &mut sleeps[woken.next().await];
        let deadline = *deadline;
        let ready = |sleep: &mut Pin<Box<T::Sleep>>| poll(sleep.as_mut(), waker).is_ready();
        if !waiting.as_mut().is_some_and(ready) {
            continue; // woken more often than needed
        }
        latest = latest.max(lateness(timer, deadline));
        let earlier = sleeps.iter_mut().filter(|sleep| sleep.0 <= deadline);
        for (_, waiting, waker) in earlier {
            if let Some(mut sleep) = waiting.take() {
                assert!(poll(sleep.as_mut(), waker).is_ready());
                ended += 1;
            }
        }
    }
    println!("{SLEEPS} sleeps: at most {latest:?} late");
}

/// Both ways a timeout ends, and at once where it can.
pub async fn timeouts<T: Timer>(timer: &T) {
    let elapsed = Err(TimeoutError::Elapsed);
    assert_eq!(timeout(timer, STEP, future::ready(1)).await, Ok(1));
    assert_eq!(timeout(timer, Duration::ZERO, future::ready(1)).await, Ok(1));
    let never = future::pending::<()>;
    assert_eq!(timeout(timer, Duration::ZERO, never()).await, elapsed);
    let deadline = after(timer, STEP);
    assert_eq!(timeout_at(timer, deadline, never()).await, elapsed);
    lateness(timer, deadline);
    let in_time = timer.sleep_until(after(timer, STEP));
    assert_eq!(timeout(timer, Duration::MAX, in_time).await, Ok(()));
}

/// A thread that the timer's runtime does not know waits for a sleep.
pub async fn ends_on_a_foreign_thread<T: Timer>(timer: &T)
where
    T::Sleep: Send + 'static,
{
    let deadline = after(timer, STEP);
    let sleep = timer.sleep_until(deadline);
    in_thread(move || block_on(pin!(sleep))).await;
    lateness(timer, deadline);
}

/// First polled here, awaited there.
pub async fn moves_to_another_thread_while_armed<T: Timer>(timer: &T)
where
    T::Sleep: Send + 'static,
{
    let here = Task::new();
    let deadline = after(timer, STEP);
    let mut sleep = Box::pin(timer.sleep_until(deadline));
    let _ = here.poll(sleep.as_mut());
    in_thread(move || block_on(sleep.as_mut())).await;
    lateness(timer, deadline);
    pass(timer).await;
    assert_eq!(here.wakers(), 0);
}

/// The drop races with the driver. At most one wake each, and nothing stays behind.
pub async fn drops_on_another_thread_while_armed<T: Timer>(timer: &T)
where
    T::Sleep: Send + 'static,
{
    const SLEEPS: usize = 200;
    let task = Task::new();
    let deadline = after(timer, STEP);
    let sleeps: Vec<_> = (0..SLEEPS)
        .map(|_| {
            let mut sleep = Box::pin(timer.sleep_until(deadline));
            let _ = task.poll(sleep.as_mut());
            sleep
        })
        .collect();
    timer.sleep_until(deadline).await;
    in_thread(move || drop(sleeps)).await;
    pass(timer).await;
    assert!(task.wakes() <= SLEEPS);
    assert_eq!(task.wakers(), 0);
}

fn after<T: Timer>(timer: &T, duration: Duration) -> Instant {
    timer.now().saturating_add(duration)
}

/// Lets everything with a deadline up to a step from now come to its end.
async fn pass<T: Timer>(timer: &T) {
    timer.sleep_until(after(timer, 2 * STEP)).await;
}

/// How long ago the deadline was; fails if it is still to come.
fn lateness<T: Timer>(timer: &T, deadline: Instant) -> Duration {
    let now = timer.now();
    assert!(now >= deadline, "early: {now:?} before {deadline:?}");
    now.saturating_duration_since(deadline)
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// A task that is polled by hand and counts its wakes.
struct Task(Arc<Wakes>);

#[derive(Default)]
struct Wakes {
    count: AtomicUsize,
    waiting: Mutex<Option<Waker>>,
}

impl Task {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        poll(future, &self.0.clone().into())
    }

    fn wakes(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }

    /// How many wakers exist.
    fn wakers(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    async fn woken(&self) {
        poll_fn(|cx| {
            *self.0.waiting.lock().unwrap() = Some(cx.waker().clone());
            match self.wakes() {
                0 => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::Release);
        let waiting = self.waiting.lock().unwrap().take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// Which of many futures in one task were woken.
#[derive(Default)]
struct Woken {
    members: Mutex<VecDeque<usize>>,
    task: Mutex<Option<Waker>>,
}

struct Member(usize, Arc<Woken>);

impl Woken {
    async fn next(&self) -> usize {
        poll_fn(|cx| {
            *self.task.lock().unwrap() = Some(cx.waker().clone());
            match self.members.lock().unwrap().pop_front() {
                Some(member) => Poll::Ready(member),
                None => Poll::Pending,
            }
        })
        .await
    }
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        self.1.members.lock().unwrap().push_back(self.0);
        let task = self.1.task.lock().unwrap().take();
        if let Some(waker) = task {
            waker.wake();
        }
    }
}

/// Runs `f` on a thread of its own; the calling task waits without blocking.
async fn in_thread(f: impl FnOnce() + Send + 'static) {
    let done = Task::new();
    let waker = Waker::from(done.0.clone());
    let thread = thread::spawn(move || {
        // Woken also when `f` panics.
        struct WakeOnDrop(Waker);
        impl Drop for WakeOnDrop {
            fn drop(&mut self) {
                self.0.wake_by_ref();
            }
        }
        let _done = WakeOnDrop(waker);
        f();
    });
    done.woken().await;
    thread.join().expect("the thread's own assertions hold");
}

/// Waits on this thread, with no runtime.
fn block_on<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        match poll(future.as_mut(), &waker) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
