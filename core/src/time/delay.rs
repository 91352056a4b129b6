//! Any timer as the delay of embedded-hal's drivers.

use core::time::Duration;

use embedded_hal_async::delay::DelayNs;

use super::Timer;

/// A timer as `embedded_hal_async::delay::DelayNs`, for drivers that wait.
///
/// # Examples
///
/// ```
/// use embedded_hal_async::delay::DelayNs;
/// # use zigflow_core::time::{Delay, Timer};
/// # async fn example(timer: impl Timer) {
/// let mut delay = Delay::new(&timer);
/// delay.delay_ms(20).await;
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Delay<T>(T);

impl<T> Delay<T> {
    /// `timer` as a delay.
    pub const fn new(timer: T) -> Self {
        Self(timer)
    }
}

impl<T: Timer> DelayNs for Delay<T> {
    async fn delay_ns(&mut self, ns: u32) {
        self.0.sleep(Duration::from_nanos(ns.into())).await;
    }

    async fn delay_us(&mut self, us: u32) {
        self.0.sleep(Duration::from_micros(us.into())).await;
    }

    async fn delay_ms(&mut self, ms: u32) {
        self.0.sleep(Duration::from_millis(ms.into())).await;
    }
}

#[cfg(all(test, any(feature = "std", feature = "spin", feature = "critical-section")))]
mod tests {
    use core::pin::pin;
    use core::task::{Context, Waker};

    use super::*;
    use crate::time::ManualTimer;

    /// One sleep each, to the nanosecond, also where the trait would make many of one.
    #[test]
    fn a_delay_is_as_long_as_it_is_said() {
        let timer = ManualTimer::new();
        let mut delay = Delay::new(&timer);
        let mut cx = Context::from_waker(Waker::noop());
        for long in [0, 1, 1_000, u32::MAX] {
            for unit in [1, 1_000, 1_000_000] {
                let mut waiting: core::pin::Pin<alloc::boxed::Box<dyn Future<Output = ()>>> =
                    match unit {
                        1 => alloc::boxed::Box::pin(delay.delay_ns(long)),
                        1_000 => alloc::boxed::Box::pin(delay.delay_us(long)),
                        _ => alloc::boxed::Box::pin(delay.delay_ms(long)),
                    };
                let before = timer.now();
                let mut waiting = pin!(&mut waiting);
                while waiting.as_mut().poll(&mut cx).is_pending() {
                    timer.advance_to_next();
                }
                let passed = timer.now().saturating_duration_since(before);
                assert_eq!(passed.as_nanos(), u128::from(long) * unit);
            }
        }
    }
}
