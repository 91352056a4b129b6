//! The same with embassy-sync's channel, all in Rust.
#![no_std]
#![no_main]

mod board;

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m_rt::{entry, exception};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;

static NUMBERS: Channel<CriticalSectionRawMutex, u32, 8> = Channel::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

#[exception]
fn PendSV() {
    let next = NEXT.load(Relaxed);
    if NUMBERS.try_send(next).is_ok() {
        NEXT.store(next + 1, Relaxed);
    }
}

#[entry]
fn main() -> ! {
    board::run(async {
        let mut sum = 0;
        for _ in 0..board::ITEMS {
            sum += NUMBERS.receive().await;
        }
        sum
    })
}
