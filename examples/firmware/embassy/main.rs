//! Zig's interrupt handler and tasks of embassy's executor, on a Cortex-M in QEMU.
//!
//! ```text
//!   SysTick ──▶ embassy-time ──▶ Runner (a task) ──▶ EmbassyTimer: timeout, retry, rate limit, interval
//!      └──▶ PendSV (Zig) ── spsc, in a static ──▶ readings, a Stream   (a task)
//!                        └─ Completion ─────────▶ answers, each a Future
//! ```
#![no_std]
#![no_main]

#[path = "../cortex/board.rs"]
mod board;
mod driver;
#[path = "../app/heap.rs"]
mod heap;

#[cfg(feature = "log")]
use defmt_semihosting as _;

use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;

#[cfg(not(feature = "log"))]
use cortex_m_semihosting::hprintln as say;
#[cfg(feature = "log")]
use defmt::println as say;
use embassy_executor::Spawner;
use embassy_time::Instant;
use futures_core::Stream;
#[cfg(feature = "log")]
use zigflow::profile::Probe;
use zigflow::retry::{backoff, retry};
use zigflow::spsc::{Storage, ZigSender};
use zigflow::time::{Timer, timeout, timeout_each};
use zigflow::{FutureError, Quota, RateLimiter, ZigError};
use zigflow_embassy::{EmbassyTimer, Runner};

zigflow::include_zig!("sensor.zig", {
    fn connect(end: ZigSender<u32>, wrong: bool) -> Result<(), ZigError>;
    async fn ask(interrupts: u32) -> Result<u32, FutureError>;
    fn given_up() -> u32;
});

static READINGS: Storage<u32, 8> = Storage::new();

#[embassy_executor::task]
async fn clock(mut runner: Runner) {
    match runner.run().await {}
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    heap::begin();
    let peripherals = cortex_m::Peripherals::take().expect("the program starts once");
    let (timer, runner) = zigflow_embassy::timer();
    spawner.spawn(clock(runner).expect("there is one clock"));
    driver::start(peripherals.SYST);
    begin_a_sleep(&timer).await;
    let kept = heap::used();
    let result = run(&timer).await;
    let left = heap::used() - kept;
    match result {
        Ok(()) if left == 0 => say!("passed in {} ms", Instant::now().as_millis()),
        Ok(()) => say!("failed: {} bytes are left on the heap", left),
        Err(why) => say!("failed: {}", why),
    }
    board::exit(result.is_ok() && left == 0)
}

/// The timer's queue keeps the memory of its first sleep, however short: this one is dropped before its end.
async fn begin_a_sleep(timer: &EmbassyTimer) {
    let mut sleep = core::pin::pin!(timer.sleep(Duration::from_secs(3600)));
    poll_fn(|cx| {
        assert!(sleep.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

async fn run(timer: &EmbassyTimer) -> Result<(), &'static str> {
    readings(timer).await?;
    answers(timer).await?;
    limit(timer).await
}

/// Every reading comes, and each in time.
async fn readings(timer: &EmbassyTimer) -> Result<(), &'static str> {
    #[cfg(not(feature = "log"))]
    let (sender, receiver) = READINGS.split().ok_or("the ring is in use")?;
    #[cfg(feature = "log")]
    let (sender, receiver, monitor) =
        READINGS.split_monitored(timer.clone()).ok_or("the ring is in use")?;
    connect(sender.into_zig(), cfg!(feature = "wrong-payload")).map_err(|_| "Zig refuses it")?;
    let in_time = timeout_each(timer.clone(), Duration::from_millis(50), receiver);
    let mut in_time = core::pin::pin!(in_time);
    for number in 0..200 {
        match next(in_time.as_mut()).await {
            Some(Ok(Ok(reading))) if reading == number => {}
            Some(Ok(Ok(_))) => return Err("a reading is wrong"),
            Some(Ok(Err(_))) | None => return Err("the readings have ended"),
            Some(Err(_)) => return Err("a reading is late"),
        }
    }
    #[cfg(feature = "log")]
    {
        let snapshot = monitor.snapshot();
        defmt::info!("{}", snapshot);
        defmt::info!("{}", snapshot.bottleneck());
    }
    Ok(())
}

/// An answer that comes in time; one that does not, which Zig is told; and one at the third attempt.
async fn answers(timer: &EmbassyTimer) -> Result<(), &'static str> {
    let short = Duration::from_millis(20);
    match timeout(timer.clone(), short, ask(3)).await {
        Ok(Ok(42)) => {}
        _ => return Err("no answer"),
    }
    let start = Instant::now();
    match timeout(timer.clone(), short, ask(1000)).await {
        Ok(_) => return Err("an answer to a question that was given up"),
        Err(_error) => {
            #[cfg(feature = "log")]
            defmt::warn!("{}", _error);
        }
    }
    if start.elapsed().as_millis() < 20 {
        return Err("the time was cut short");
    }
    // The sensor takes another question when its interrupt has seen that.
    while given_up() == 0 {
        timer.sleep(Duration::from_millis(1)).await;
    }
    let again = backoff::fixed(Duration::from_millis(5));
    let mut attempts = 0;
    let answer = retry(timer.clone(), again, || {
        attempts += 1;
        timeout(timer.clone(), Duration::from_millis(10), ask(if attempts < 3 { 1000 } else { 1 }))
    });
    match answer.max_attempts(5).await {
        Ok(Ok(42)) if attempts == 3 && given_up() == 3 => Ok(()),
        _ => Err("no answer at the third attempt"),
    }
}

/// Ten calls, of which two are at once.
async fn limit(timer: &EmbassyTimer) -> Result<(), &'static str> {
    let start = Instant::now();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(Duration::from_millis(4)).burst(2));
    #[cfg(feature = "log")]
    let (monitor, calls) = (limiter.monitor(), Probe::named("calls", timer.clone()));
    for _ in 0..10 {
        #[cfg(not(feature = "log"))]
        limiter.until_ready().await;
        #[cfg(feature = "log")]
        calls.watch(limiter.until_ready()).await;
    }
    #[cfg(feature = "log")]
    defmt::info!("{}; {}", limiter.check().unwrap_err(), monitor.snapshot());
    if start.elapsed().as_millis() >= 31 { Ok(()) } else { Err("the limit was passed") }
}

async fn next<S: Stream>(mut stream: Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}
