//! Random scenarios on a clock that only the test moves.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;
use zigflow::time::ManualTimer;

use crate::task::Task;

const SCENARIOS: u64 = 10_000;

/// Plays `scenario` with as many seeds as `ZIGFLOW_SCENARIOS` says, 10,000 if it is not set, or only with
/// `ZIGFLOW_SEED`. A failure prints its seed.
///
/// # Panics
///
/// As `scenario` does.
pub fn scenarios(scenario: impl Fn(&mut Rng)) {
    struct Seed(u64);
    impl Drop for Seed {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("repeat it with ZIGFLOW_SEED={}", self.0);
            }
        }
    }
    let seeds = match number("ZIGFLOW_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("ZIGFLOW_SCENARIOS").unwrap_or(SCENARIOS),
    };
    for seed in seeds {
        let seed = Seed(seed);
        scenario(&mut Rng::with_seed(seed.0));
        std::mem::forget(seed);
    }
}

/// Whether enough scenarios are played that each of their turns must have been met often.
pub fn met_all() -> bool {
    number("ZIGFLOW_SEED").is_none()
        && number("ZIGFLOW_SCENARIOS").is_none_or(|count| count >= SCENARIOS)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// A duration of any size: often zero, often short, now and then at an end of its range.
pub fn any_duration(rng: &mut Rng) -> Duration {
    match rng.u8(0..20) {
        0..3 => Duration::ZERO,
        3..15 => Duration::from_nanos(rng.u64(1..=1_000)),
        15..17 => Duration::from_nanos(rng.u64(..)),
        17 => Duration::MAX,
        18 => Duration::from_nanos(u64::MAX - rng.u64(0..3)),
        _ => Duration::from_secs(rng.u64(1..=3)),
    }
}

/// Polls when the future was woken, and moves the clock from deadline to deadline when it was not. `None`
/// if neither can happen any more.
pub fn run<F: Future>(timer: &ManualTimer, mut future: Pin<&mut F>) -> Option<F::Output> {
    let task = Task::new();
    let mut wakes = None;
    loop {
        if wakes != Some(task.wakes()) {
            wakes = Some(task.wakes());
            if let Poll::Ready(output) = task.run(|cx| future.as_mut().poll(cx)) {
                return Some(output);
            }
        } else {
            timer.advance_to_next()?;
        }
    }
}
