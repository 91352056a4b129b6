//! Any timer of zigflow as hyper's: for hyper's own timeouts on a runtime that hyper does not know, or on one
//! clock with everything else.
//!
//! ```
//! # fn example(timer: impl zigflow_core::time::Timer<Sleep: Send + Sync + 'static> + Send + Sync + 'static) {
//! let timer = zigflow_hyper::HyperTimer::new(timer);
//! // hyper::server::conn::http1::Builder::new().timer(timer)
//! # fn is_one(_: impl hyper::rt::Timer) {}
//! # is_one(timer);
//! # }
//! ```
#![forbid(unsafe_code)]

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as StdInstant};

use zigflow_core::time::{Instant, Sleep, Timer};

/// A timer for hyper.
///
/// hyper reckons in the standard library's instants. What it asks for is a duration from the moment of the call on
/// here, so a `ManualTimer` moves it as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct HyperTimer<T>(T);

impl<T> HyperTimer<T> {
    /// `timer` for hyper.
    pub const fn new(timer: T) -> Self {
        Self(timer)
    }
}

impl<T: Timer> HyperTimer<T> {
    fn deadline(&self, at: StdInstant) -> Instant {
        // In this order: what passes in between makes it later, not earlier.
        let left = at.saturating_duration_since(StdInstant::now());
        self.0.now().saturating_add(left)
    }
}

impl<T> hyper::rt::Timer for HyperTimer<T>
where
    T: Timer<Sleep: Send + Sync + 'static> + Send + Sync,
{
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep(Box::pin(self.0.sleep(duration))))
    }

    fn sleep_until(&self, deadline: StdInstant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(HyperSleep(Box::pin(self.0.sleep_until(self.deadline(deadline)))))
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, new_deadline: StdInstant) {
        match sleep.as_mut().downcast_mut_pin::<HyperSleep<T::Sleep>>() {
            Some(own) => own.get_mut().0.as_mut().reset(self.deadline(new_deadline)),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

/// Boxed, so that hyper may move it.
struct HyperSleep<S>(Pin<Box<S>>);

impl<S: Sleep> Future for HyperSleep<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl<S: Sleep + Send + Sync + 'static> hyper::rt::Sleep for HyperSleep<S> {}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use hyper::rt::Timer as _;
    use zigflow_core::time::ManualTimer;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn is_over(sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>) -> bool {
        sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn hyper_sleeps_on_the_timer_that_it_is_given() {
        let manual = ManualTimer::new();
        let timer = HyperTimer::new(manual.clone());
        let mut sleep = timer.sleep(HOUR);
        assert!(!is_over(&mut sleep));
        manual.advance(HOUR);
        assert!(is_over(&mut sleep));

        // Between the two looks at the system's clock time passes, so the deadline may be a little earlier.
        let mut sleep = timer.sleep_until(StdInstant::now() + 2 * HOUR);
        assert!(!is_over(&mut sleep));
        manual.advance(HOUR);
        assert!(!is_over(&mut sleep));
        manual.advance(HOUR);
        assert!(is_over(&mut sleep));
    }

    #[test]
    fn a_sleep_is_moved_and_a_foreign_one_replaced() {
        let manual = ManualTimer::new();
        let timer = HyperTimer::new(manual.clone());
        let mut sleep = timer.sleep(HOUR);
        assert!(!is_over(&mut sleep));
        timer.reset(&mut sleep, StdInstant::now() + 5 * HOUR);
        assert_eq!(manual.armed(), 0, "it is the same, and is polled again");
        manual.advance(2 * HOUR);
        assert!(!is_over(&mut sleep));
        manual.advance(3 * HOUR);
        assert!(is_over(&mut sleep));

        struct Never;
        impl Future for Never {
            type Output = ();
            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
                Poll::Pending
            }
        }
        impl hyper::rt::Sleep for Never {}
        let mut sleep: Pin<Box<dyn hyper::rt::Sleep>> = Box::pin(Never);
        timer.reset(&mut sleep, StdInstant::now());
        assert!(is_over(&mut sleep));
    }
}
