//! embassy-time's driver of this board: SysTick counts milliseconds. Each of its interrupts asks for the sensor's.

use core::cell::RefCell;
use core::task::Waker;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

struct Clock {
    now: u64,
    queue: Queue,
}

struct SysTickDriver(Mutex<RefCell<Clock>>);

embassy_time_driver::time_driver_impl!(
    static DRIVER: SysTickDriver =
        SysTickDriver(Mutex::new(RefCell::new(Clock { now: 0, queue: Queue::new() })))
);

impl SysTickDriver {
    fn with<R>(&self, f: impl FnOnce(&mut Clock) -> R) -> R {
        critical_section::with(|cs| f(&mut self.0.borrow_ref_mut(cs)))
    }
}

impl Driver for SysTickDriver {
    fn now(&self) -> u64 {
        self.with(|clock| clock.now)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        // Every interrupt looks at the queue: there is no alarm to be set anew.
        self.with(|clock| clock.queue.schedule_wake(at, waker));
    }
}

/// Starts the clock; the emulator's processor is said to run at 2 MHz.
pub(crate) fn start(mut systick: SYST) {
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(1999);
    systick.clear_current();
    systick.enable_counter();
    systick.enable_interrupt();
}

#[exception]
fn SysTick() {
    DRIVER.with(|clock| {
        clock.now += 1;
        clock.queue.next_expiration(clock.now); // wakes who is due
    });
    SCB::set_pendsv();
}
