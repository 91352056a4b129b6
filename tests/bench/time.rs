//! `ci/bench time`: rate limits against governor's, and what a time limit costs.

use std::cell::Cell;
use std::future;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use governor::nanos::Nanos;
use tokio::runtime::Builder;
use zigflow::async_std::AsyncStdTimer;
use zigflow::limit::{Quota, RateLimiter};
use zigflow::smol::SmolTimer;
use zigflow::time::{Clock, ManualTimer, Timer, timeout};
use zigflow::tokio::TokioTimer;
use zigflow_bench::summary::{self, Contest, Row};
use zigflow_bench::{Counting, ROUNDS, allocations};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let mut rows = Vec::new();
    for threads in [1, 2] {
        rows.extend(check(threads, "passes", Std::new(), 1));
        rows.extend(check(threads, "denied", Std::new(), 1_000_000_000));
        rows.extend(check(threads, "passes_still", Still, 1));
    }
    wait();
    ready();
    pending();
    lateness();
    summary::print(&rows);
}

/// A clock for both sides.
trait Shared: Clone + Send + Sync + 'static {
    fn nanos(&self) -> u64;
}

/// The system's.
#[derive(Clone, Debug)]
struct Std(Instant);

impl Std {
    fn new() -> Self {
        Self(Instant::now())
    }
}

impl Shared for Std {
    fn nanos(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// One that costs nothing, for what the limiter costs.
#[derive(Clone, Debug)]
struct Still;

impl Shared for Still {
    fn nanos(&self) -> u64 {
        black_box(1 << 40)
    }
}

#[derive(Clone, Debug)]
struct On<C>(C);

impl<C: Shared> Clock for On<C> {
    fn now(&self) -> zigflow::time::Instant {
        zigflow::time::Instant::from_nanos(self.0.nanos())
    }
}

impl<C: Shared + std::fmt::Debug> governor::clock::Clock for On<C> {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.nanos())
    }
}

type Governor<C> = governor::RateLimiter<
    governor::state::NotKeyed,
    governor::state::InMemoryState,
    On<C>,
    governor::middleware::NoOpMiddleware<Nanos>,
>;

const CHECKS: u64 = 2_000_000;

/// `interval` nanoseconds for a cell: 1 lets all pass.
fn check<C: Shared + std::fmt::Debug>(
    threads: u64,
    what: &str,
    clock: C,
    interval: u64,
) -> Vec<Row> {
    let name = format!("limiter_check_{threads}_{what}").leak();
    let quota = Quota::every(Duration::from_nanos(interval));
    let quota = if interval == 1 { quota.burst(u32::MAX) } else { quota };
    let ours = RateLimiter::new(On(clock.clone()), quota);
    let theirs = governor::Quota::with_period(Duration::from_nanos(interval)).unwrap();
    let theirs = theirs.allow_burst(NonZeroU32::new(quota.burst_size()).unwrap());
    let theirs: Governor<C> = governor::RateLimiter::direct_with_clock(theirs, On(clock));
    let all = |checks: u64, one: &(dyn Fn() -> bool + Sync)| {
        let run = || {
            for _ in 0..checks / threads {
                black_box(one());
            }
        };
        thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(run)));
            run();
        });
    };
    // How many pass says that both did the same.
    let expected = interval == 1;
    assert!((0..3).all(|_| ours.check().is_ok()) == expected);
    assert!((0..3).all(|_| theirs.check().is_ok()) == expected);
    Contest::new(name, CHECKS, |checks| all(checks, &|| ours.check().is_ok()))
        .against("governor", |checks| all(checks, &|| theirs.check().is_ok()))
        .run(Some(1.0))
}

/// 10,000 tasks on tokio wait for a cell each, at 100,000 per second: how often they are polled, and how long all take.
fn wait() {
    const TASKS: u64 = 10_000;
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let polls = Arc::new(AtomicU64::new(0));
    let quota = Quota::every(Duration::from_micros(10)).burst(200);
    let ours = |polls: Arc<AtomicU64>| {
        let limiter = RateLimiter::new(TokioTimer::new(), quota);
        while limiter.check().is_ok() {}
        move || {
            let limiter = limiter.clone();
            Counted(Box::pin(async move { limiter.until_ready().await }), polls.clone())
        }
    };
    let theirs = |polls: Arc<AtomicU64>| {
        let quota = governor::Quota::with_period(Duration::from_micros(10)).unwrap();
        let quota = quota.allow_burst(NonZeroU32::new(200).unwrap());
        let limiter = Arc::new(governor::RateLimiter::direct(quota));
        while limiter.check().is_ok() {}
        move || {
            let limiter = limiter.clone();
            Counted(Box::pin(async move { limiter.until_ready().await }), polls.clone())
        }
    };
    let mut figures = Vec::new();
    for round in 0..2 {
        polls.store(0, Relaxed);
        let start = Instant::now();
        if round == 0 {
            runtime.block_on(all(TASKS, ours(polls.clone())));
        } else {
            runtime.block_on(all(TASKS, theirs(polls.clone())));
        }
        figures.push((polls.load(Relaxed) as f64 / TASKS as f64, start.elapsed()));
    }
    let [(ours, own_time), (theirs, their_time)] = figures[..] else { unreachable!() };
    println!(
        "bench limiter_wait polls_per_task={ours:.2} peer=governor theirs={theirs:.2} together_ms={} their_ms={}",
        own_time.as_millis(),
        their_time.as_millis(),
    );
}

async fn all<F: Future<Output = ()> + 'static>(tasks: u64, task: impl Fn() -> F) {
    let local = tokio::task::LocalSet::new();
    for _ in 0..tasks {
        local.spawn_local(task());
    }
    local.await;
}

/// Counts its polls.
struct Counted<F>(Pin<Box<F>>, Arc<AtomicU64>);

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.1.fetch_add(1, Relaxed);
        self.0.as_mut().poll(cx)
    }
}

const POLLS: u32 = 5_000_000;

fn lap(mut one: impl FnMut(u32) -> u32) -> f64 {
    let start = Instant::now();
    for n in 0..POLLS {
        black_box(one(black_box(n)));
    }
    start.elapsed().as_nanos() as f64 / f64::from(POLLS)
}

fn poll_now<F: Future<Output = u32>>(future: F) -> u32 {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(n) => n,
        Poll::Pending => unreachable!(),
    }
}

/// A limit around a future that is ready: what it costs beyond the future.
fn ready() {
    const LIMIT: Duration = Duration::from_secs(1);
    const TARGET: f64 = 5.0;
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    let tokio_timer = TokioTimer::new();
    let manual = ManualTimer::new();
    let mut laps = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        laps[0].push(lap(|n| poll_now(future::ready(n))));
        laps[1].push(lap(|n| {
            poll_now(async { timeout(&tokio_timer, LIMIT, future::ready(n)).await.unwrap() })
        }));
        laps[2].push(lap(|n| {
            poll_now(async { timeout(&manual, LIMIT, future::ready(n)).await.unwrap() })
        }));
        laps[3].push(lap(|n| {
            poll_now(async { tokio::time::timeout(LIMIT, future::ready(n)).await.unwrap() })
        }));
    }
    let [plain, ours, by_hand, theirs] = laps.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    });
    for (name, timed) in [("tokio", ours), ("manual", by_hand)] {
        let extra = timed - plain;
        let verdict = if extra <= TARGET { "met" } else { "missed" };
        println!(
            "bench timeout_ready_{name} ours={timed:.2} plain={plain:.2} extra={extra:.2} target={TARGET:.2} {verdict} \
             peer=tokio theirs={theirs:.2}"
        );
    }
}

/// A limit around a future that waits: armed, polled and dropped.
fn pending() {
    pending_on("tokio", &TokioTimer::new());
    pending_on("manual", &ManualTimer::new());
    pending_on("smol", &SmolTimer::new());
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    count("tokio's own", || {
        Box::pin(tokio::time::timeout(Duration::from_secs(1), future::pending::<()>()))
    });
}

fn pending_on(name: &str, timer: &impl Timer) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    count(name, || Box::pin(timeout(timer, Duration::from_secs(1), future::pending::<()>())));
}

/// The box is not counted.
fn count<F: Future>(name: &str, make: impl Fn() -> Pin<Box<F>>) {
    const TIMES: u64 = 1_000;
    let counted = Cell::new(0);
    let start = Instant::now();
    for time in 0..=TIMES {
        let mut limited = make();
        let before = allocations();
        assert!(limited.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        if time > 0 {
            counted.set(counted.get() + allocations() - before);
        }
    }
    let each = start.elapsed().as_nanos() as u64 / TIMES;
    let allocated = counted.get() as f64 / TIMES as f64;
    println!("bench timeout_pending timer={name} allocations={allocated:.3} ns={each}");
}

/// How late sleeps are, ours and the runtime's own in turn.
fn lateness() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(late("tokio", &TokioTimer::new(), tokio::time::sleep));
    futures_lite::future::block_on(late("smol", &SmolTimer::new(), |span| async move {
        smol::Timer::after(span).await;
    }));
    futures_lite::future::block_on(late(
        "async-std",
        &AsyncStdTimer::new(),
        async_std::task::sleep,
    ));
}

async fn late<F: Future>(name: &str, timer: &impl Timer, own: impl Fn(Duration) -> F) {
    let spans = [100, 500, 1_000, 1_500, 2_500, 5_000].map(Duration::from_micros);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for span in spans.into_iter().cycle().take(20 * spans.len()) {
        let start = Instant::now();
        timer.sleep(span).await;
        ours.push(start.elapsed() - span); // panics if it was early
        let start = Instant::now();
        own(span).await;
        theirs.push(start.elapsed().saturating_sub(span));
    }
    let micros = |all: &mut Vec<Duration>| {
        all.sort();
        (all[all.len() / 2].as_micros(), all[all.len() - 1].as_micros())
    };
    let ((median, most), (their_median, their_most)) = (micros(&mut ours), micros(&mut theirs));
    println!(
        "bench late_{name} median_us={median} most_us={most} peer=its_own_sleep theirs={their_median} their_most={their_most}"
    );
}
