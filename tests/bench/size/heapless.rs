//! The same with heapless' queue and an atomic waker, all in Rust.
#![no_std]
#![no_main]

mod board;

use core::cell::UnsafeCell;
use core::future::poll_fn;
use core::task::Poll;

use atomic_waker::AtomicWaker;
use cortex_m_rt::{entry, exception};
use heapless::spsc::{Producer, Queue};

static mut NUMBERS: Queue<u32, 9> = Queue::new();
static WAKER: AtomicWaker = AtomicWaker::new();

struct Handler(UnsafeCell<Option<Producer<'static, u32>>>);
// SAFETY: written before the first interrupt, and then the handler's alone.
unsafe impl Sync for Handler {}
static HANDLER: Handler = Handler(UnsafeCell::new(None));

#[exception]
fn PendSV() {
    static mut NEXT: u32 = 0;
    // SAFETY: as above.
    if let Some(producer) = unsafe { &mut *HANDLER.0.get() }
        && producer.enqueue(*NEXT).is_ok()
    {
        *NEXT += 1;
        WAKER.wake();
    }
}

#[entry]
fn main() -> ! {
    // SAFETY: split once.
    let numbers = unsafe { &mut *core::ptr::addr_of_mut!(NUMBERS) };
    let (producer, mut consumer) = numbers.split();
    // SAFETY: no interrupt yet.
    unsafe { *HANDLER.0.get() = Some(producer) };
    board::run(async {
        let mut sum = 0;
        for _ in 0..board::ITEMS {
            sum += poll_fn(|cx| match consumer.dequeue() {
                Some(number) => Poll::Ready(number),
                None => {
                    WAKER.register(cx.waker());
                    consumer.dequeue().map_or(Poll::Pending, Poll::Ready)
                }
            })
            .await;
        }
        sum
    })
}
