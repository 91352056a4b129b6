//! What the boards run: everything that crosses between an interrupt handler in Zig and async Rust, on one core,
//! without an operating system.
//!
//! ```text
//!   timer interrupt (Zig)                                     task (Rust)
//!     samples   ── spsc, in a static ───────────────────▶  a Stream
//!     commands  ◀───────────────────────── spsc, in a static ──
//!     blocks of a pool in a static ── spsc ─────────────▶  ZeroCopyBuffer, goes home when dropped
//!     measure   ── Completion ──────────────────────────▶  a Future
//!     the clock and its alarm ──────────────────────────▶  ZigTimer: retry, rate limit, timeout
//! ```
#![no_std]

extern crate alloc;

mod executor;
mod heap;

use core::alloc::Layout;
use core::ffi::c_void;
use core::future::poll_fn;
use core::pin::Pin;
use core::time::Duration;

use futures_core::Stream;
use zigflow::abi::RawWaker;
use zigflow::pool::{Arena, ZigPool, bytes};
use zigflow::retry::{backoff, retry};
use zigflow::spsc::{self, Storage, ZigReceiver, ZigSender};
use zigflow::time::{Clock, Instant, ZigTimer};
use zigflow::{FutureError, Quota, RateLimiter, ZeroCopyBuffer, ZigError, join};

use executor::block_on;

zigflow::include_zig!("app.zig", {
    /// What the interrupt sends: the number counts up, the value follows from it and the commands so far.
    struct Sample {
        number: u32,
        value: u32,
    }

    /// A mistake that Zig makes on purpose: the run has to fail.
    #[repr(u32)]
    enum Fault {
        None,
        WrongPayload,
        Trap,
    }

    fn connect(
        samples: ZigSender<Sample>,
        commands: ZigReceiver<u32>,
        chunks: ZigSender<ZeroCopyBuffer>,
        pool: ZigPool,
        fault: Fault,
    ) -> Result<(), ZigError>;
    fn disconnect();
    async fn measure(milliseconds: u32) -> Result<u32, FutureError>;
    fn flaky() -> Result<u32, ZigError>;
    fn stop_alarm();
});

unsafe extern "C" {
    fn board_now(context: *mut c_void) -> u64;
    fn board_schedule_wake(context: *mut c_void, deadline: u64, waker: *const RawWaker);
    safe fn board_tick();
}

/// What the timer's interrupt does, for a board without one.
pub fn tick() {
    board_tick();
}

const SAMPLES: u32 = 300;
const CHUNKS: u32 = 20;
const BLOCK: Layout = Layout::new::<[u32; 8]>();

static SAMPLE_RING: Storage<Sample, 8> = Storage::new();
static COMMAND_RING: Storage<u32, 4> = Storage::new();
static CHUNK_RING: Storage<ZeroCopyBuffer, 2> = Storage::new();
static BLOCKS: Arena<{ bytes(3, BLOCK) }> = Arena::new();

/// What a run has seen.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Samples in order, with the right value.
    pub samples: u32,
    /// Bytes of blocks that the interrupt filled.
    pub bytes: u32,
    /// Milliseconds that the measurement took.
    pub measured: u32,
    /// Attempts until success.
    pub attempts: u32,
    /// How long six calls took under the rate limit, milliseconds.
    pub limited: u32,
}

/// The mistake of this build.
const FAULT: Fault = if cfg!(feature = "trap") {
    Fault::Trap
} else if cfg!(feature = "wrong-payload") {
    Fault::WrongPayload
} else {
    Fault::None
};

/// Runs all; `idle` sleeps until the next interrupt, or makes one.
///
/// # Errors
///
/// What went wrong: also bytes that are left on the heap.
pub fn run(idle: impl FnMut()) -> Result<Report, &'static str> {
    heap::begin();
    let report = block_on(everything(), idle);
    disconnect();
    stop_alarm();
    if report.is_ok() && heap::used() != 0 { Err("something is left on the heap") } else { report }
}

async fn everything() -> Result<Report, &'static str> {
    let (sender, mut samples) = SAMPLE_RING.split().ok_or("the ring of samples is in use")?;
    let (mut commands, receiver) = COMMAND_RING.split().ok_or("the ring of commands is in use")?;
    let (giver, mut chunks) = CHUNK_RING.split().ok_or("the ring of chunks is in use")?;
    let pool = BLOCKS.pool(3, BLOCK).map_err(|_| "the arena is in use")?;
    connect(sender.into_zig(), receiver.into_zig(), giver.into_zig(), pool.to_zig(), FAULT)
        .map_err(|_| "Zig refuses what it is given")?;
    // SAFETY: the functions look at no context; `stop_alarm` lets go of the last waker.
    let timer =
        unsafe { ZigTimer::from_zig(core::ptr::null_mut(), board_now, board_schedule_wake) };
    let (samples, bytes, time) = join((
        count_samples(&mut samples, &mut commands),
        count_bytes(&mut chunks),
        in_time(&timer),
    ))
    .await;
    let (measured, attempts, limited) = time?;
    Ok(Report { samples: samples?, bytes: bytes?, measured, attempts, limited })
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// Every sample, and now and then a command, of which a later sample has to tell.
async fn count_samples(
    samples: &mut spsc::Receiver<Sample>,
    commands: &mut spsc::Sender<u32>,
) -> Result<u32, &'static str> {
    let (mut sent, mut obeyed) = (0_u32, 0_u32);
    for number in 0..SAMPLES {
        let Some(Ok(sample)) = next(samples).await else { return Err("the samples have ended") };
        let commanded = sample.value ^ number.wrapping_mul(2_654_435_761);
        if sample.number != number || commanded > sent || commanded < obeyed {
            return Err("a sample is wrong");
        }
        obeyed = commanded;
        if number % 50 == 0 && number < SAMPLES / 2 {
            commands.send(100).await.map_err(|_| "the commands have ended")?;
            sent += 100;
        }
    }
    if obeyed == sent { Ok(SAMPLES) } else { Err("a command was not obeyed") }
}

/// The blocks that the interrupt fills. Dropped, each goes home, and is filled again.
async fn count_bytes(chunks: &mut spsc::Receiver<ZeroCopyBuffer>) -> Result<u32, &'static str> {
    let mut bytes = 0;
    for number in 0..CHUNKS {
        let Some(Ok(chunk)) = next(chunks).await else { return Err("the chunks have ended") };
        if !chunk.iter().enumerate().all(|(i, &byte)| byte == (number as usize + i) as u8) {
            return Err("a chunk is wrong");
        }
        bytes += chunk.len() as u32;
    }
    Ok(bytes)
}

/// A result that an interrupt gives; then what needs the time: retry, and six calls under a limit.
async fn in_time(timer: &ZigTimer) -> Result<(u32, u32, u32), &'static str> {
    let start = timer.now();
    measure(5).await.map_err(|_| "the measurement failed")?;
    let measured = milliseconds(timer, start);
    let again = backoff::fixed(Duration::from_millis(3));
    let attempts = retry(timer.clone(), again, || async { flaky() })
        .max_attempts(5)
        .await
        .map_err(|_| "the attempts are used up")?;
    let start = timer.now();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(Duration::from_millis(4)).burst(2));
    for _ in 0..6 {
        limiter.until_ready().await;
    }
    let limited = milliseconds(timer, start);
    if measured < 5 || limited < 15 {
        return Err("the time runs backwards");
    }
    Ok((measured, attempts, limited))
}

fn milliseconds(timer: &ZigTimer, start: Instant) -> u32 {
    timer.now().saturating_duration_since(start).as_millis() as u32
}
