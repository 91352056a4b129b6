//! Interrupts at any instruction of what the program does with a channel or a pool, of which the handler, in Zig, uses the
//! other end. Nothing is lost, doubled or out of order, and whoever waits is woken: a task that sleeps for
//! [`PATIENCE`] interrupts sleeps for ever.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use zigflow::pool::ZigPool;
use zigflow::spsc::{ZigReceiver, ZigSender};
use zigflow::{Pool, ZigError, mpmc, spsc};

#[path = "../../examples/firmware/cortex/board.rs"]
mod board;
#[path = "../../examples/firmware/app/executor.rs"]
mod executor;
#[path = "../../examples/firmware/app/heap.rs"]
mod heap;

use executor::block_on;

zigflow::include_zig!("interrupts.zig", {
    fn receive(end: ZigReceiver<u32>) -> Result<(), ZigError>;
    fn send(end: ZigSender<u32>) -> Result<(), ZigError>;
    fn receive_many(end: mpmc::ZigReceiver<u32>) -> Result<(), ZigError>;
    fn send_many(end: mpmc::ZigSender<u32>) -> Result<(), ZigError>;
    fn take(pool: ZigPool) -> Result<(), ZigError>;
    fn stop() -> Result<u32, ZigError>;
    fn count() -> u32;
    fn count_at_work() -> u32;
});

/// Of each kind.
const INTERRUPTS: u32 = 25_000;
const PATIENCE: u32 = 2_000;

/// As cortex-m's, but for the canary.
struct Exclusion;
critical_section::set_impl!(Exclusion);

// SAFETY: one core, of which the interrupts are off in between; the canary is to fail.
unsafe impl critical_section::Impl for Exclusion {
    unsafe fn acquire() -> bool {
        let were_on = cortex_m::register::primask::read().is_active();
        if cfg!(not(feature = "no-exclusion")) {
            cortex_m::interrupt::disable();
        }
        were_on
    }

    unsafe fn release(were_on: bool) {
        if were_on {
            // SAFETY: they were on before.
            unsafe { cortex_m::interrupt::enable() };
        }
    }
}

#[entry]
fn main() -> ! {
    heap::begin();
    let mut systick = cortex_m::Peripherals::take().unwrap().SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(2000);
    systick.clear_current();
    systick.enable_counter();
    systick.enable_interrupt();
    let passed = [
        ("spsc, the program sends", sends as fn() -> Option<u32>),
        ("spsc, the program receives", receives),
        ("spsc, closed again and again", closes),
        ("mpmc, the program sends", sends_to_many),
        ("mpmc, the program receives", receives_from_many),
        ("the program acquires", acquires),
    ]
    .into_iter()
    .all(|(name, part)| {
        let (before, before_at_work) = (count(), count_at_work());
        let items = part();
        let (interrupts, at_work) = (count() - before, count_at_work() - before_at_work);
        hprintln!(
            "{}: {} interrupts, {} of them at work; items: {:?}",
            name,
            interrupts,
            at_work,
            items
        );
        at_work > INTERRUPTS / 16 && items.is_some_and(|items| items > INTERRUPTS / 8)
    });
    hprintln!("left on the heap: {}", heap::used());
    board::exit(passed && heap::used() == 0)
}

/// Interrupts since the task was last seen awake.
static ASLEEP: AtomicU32 = AtomicU32::new(0);

/// For the handler: not 0 while the task is certainly at work.
#[unsafe(export_name = "awake")]
static AWAKE: AtomicU32 = AtomicU32::new(0);

/// Runs `task` while what it is given says that it goes on: for so many interrupts. A sleep ends soon, or never.
fn during(task: impl AsyncFnOnce(&dyn Fn() -> bool)) {
    let end = count() + INTERRUPTS;
    let goes_on = || {
        ASLEEP.store(0, Relaxed);
        AWAKE.store(1, Relaxed);
        count() < end
    };
    block_on(task(&goes_on), || {
        AWAKE.store(0, Relaxed);
        cortex_m::asm::wfi();
        let asleep = ASLEEP.load(Relaxed) + 1;
        assert!(asleep < PATIENCE, "asleep for {asleep} interrupts: a wake is lost");
        ASLEEP.store(asleep, Relaxed);
    });
}

/// Waits until the handler has made it so.
fn settled(mut is_so: impl FnMut() -> bool) {
    let end = count() + PATIENCE;
    while !is_so() {
        assert!(count() < end, "an item is stuck");
    }
}

/// The program sends, or receives, and the handler has the other end.
macro_rules! both_ways {
    ($channel:path, $sends:ident to $to:path, $receives:ident from $from:path) => {
        #[allow(unused_mut)] // the ends of `mpmc` are shared
        fn $sends() -> Option<u32> {
            let (mut tx, rx) = $channel(3);
            $to(rx.into_zig()).ok()?;
            let mut sent = 0;
            during(async |goes_on| {
                while goes_on() {
                    tx.send(sent).await.unwrap();
                    sent += 1;
                }
            });
            settled(|| tx.is_empty());
            (stop().ok()? == sent).then_some(sent)
        }

        #[allow(unused_mut)]
        fn $receives() -> Option<u32> {
            let (tx, mut rx) = $channel(3);
            $from(tx.into_zig()).ok()?;
            let mut received = 0;
            during(async |goes_on| {
                while goes_on() {
                    assert_eq!(rx.recv().await, Ok(received), "lost or doubled");
                    received += 1;
                }
            });
            let sent = stop().ok()?;
            while let Ok(item) = rx.try_recv() {
                assert_eq!(item, received, "lost or doubled");
                received += 1;
            }
            (sent == received).then_some(received)
        }
    };
}

both_ways!(spsc::channel, sends to receive, receives from send);
both_ways!(mpmc::channel, sends_to_many to receive_many, receives_from_many from send_many);

/// Each channel for a few items: registrations, and the end that comes in between.
fn closes() -> Option<u32> {
    let mut all = 0;
    during(async |goes_on| {
        while goes_on() {
            let (tx, mut rx) = spsc::channel(2);
            send(tx.into_zig()).unwrap();
            for item in 0..5 {
                assert_eq!(rx.recv().await, Ok(item), "lost or doubled");
            }
            rx.close();
            let sent = stop().unwrap();
            while rx.try_recv().is_ok() {
                all += 1;
            }
            all += 5;
            assert!(sent >= 5);
        }
    });
    Some(all)
}

/// Two blocks, of which the handler has none, one or both: the task waits for one again and again.
fn acquires() -> Option<u32> {
    let pool = Pool::new(2, 16);
    take(pool.to_zig()).ok()?;
    let mut acquired = 0;
    during(async |goes_on| {
        while goes_on() {
            let mut block = pool.acquire().await;
            block[0] = 0xa5;
            acquired += 1;
            assert_eq!(block[0], 0xa5, "the handler has it too");
        }
    });
    stop().ok()?;
    (pool.snapshot().available == 2).then_some(acquired)
}
