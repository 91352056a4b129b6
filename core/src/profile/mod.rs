//! Where an item waits, and for whom: what profilers of processors cannot see.
//!
//! A [`Monitor`] watches a channel, a [`PoolMonitor`] a pool, from whichever language they are used; a [`LimitMonitor`] watches those
//! who wait for a rate limit, and a [`Probe`] any stream or future. All are off until you ask for them, and cost nothing then;
//! what they cost when they are on, `ci/bench profile` tells.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use zigflow_core::profile::StdClock;
//! use zigflow_core::spsc;
//!
//! let (mut tx, mut rx, monitor) = spsc::monitored::<u32>(64, StdClock::new());
//! std::thread::spawn(move || (0..1000).try_for_each(|n| tx.send_blocking(n)));
//! while rx.recv_blocking().is_ok() {}
//! let snapshot = monitor.snapshot();
//! assert_eq!(snapshot.received, 1000);
//! println!("{snapshot}");
//! println!("{}", snapshot.bottleneck()); // "the sender waits … of the time for room: the receiver is slow"
//! # }
//! ```
//!
//! # What is measured
//!
//! - *Waiting:* from the moment an end has gone to sleep, or a thread has begun to look again and again before it sleeps, until it
//!   is woken or finds what it needs. An `spsc` end that gave up, in a `timeout` or a `select`, waits on in this reckoning, until it
//!   looks again or goes.
//! - *Wake to poll:* from the wake until the task or thread has come to look again: the executor's share.
//! - *Queue wait* (of `spsc` channels): of one item out of 64, or fewer, the time from the sender's look for room, just before it
//!   sends, until the receiver takes it; and how many items waited then. (Who looks long before it sends, by `reserve` or
//!   `poll_ready`, sees that time in it as well.)
//! - *Poll time* (of probes): how long each poll ran.
//!
//! # Events
//!
//! With the feature `tracing` the ends of monitored `spsc` channels tell when they are `asleep`, `woken`, and `awake` without having been
//! woken (target `zigflow::channel`), with the place where the channel was made. Each probed stream or future has a span `probed` with the
//! name of its [`Probe::named`], entered for each poll, and in it the events `pending`, `woken` and `ready` (target `zigflow`). Events
//! are at the level `TRACE`, that span at `DEBUG`. `mpmc` channels, pools and limits tell nothing.
//!
//! tokio-console shows monitored channels and pools, and probes, as resources, with the place where they were made; whether an end of an
//! `spsc` channel waits as attributes of these; and what is probed as their async operations. (Their spans and events are at `TRACE`, with targets that
//! begin with `runtime`.) It knows only those that are made after its subscriber.
//!
//! With the feature `defmt` the same events are at its level `trace`, and all snapshots and errors are `defmt::Format`.
//!
//! On bare targets Zig's ends are not watched, Rust's are. A clock must not use what it is the clock of, nor panic: a wake may get
//! lost then.
//!
//! The rest, how many items were sent, received, dropped, is counted always, see [`Snapshot`](crate::channel::Snapshot).

mod events;
mod histogram;
mod monitor;
mod presence;
mod probe;
mod snapshot;
mod watch;
mod zig;

pub use crate::limit::LimitMonitor;
pub use histogram::Histogram;
pub use monitor::{Monitor, PoolMonitor};
pub use probe::{Probe, ProbeSnapshot, Probed};
pub use snapshot::{Bottleneck, LimitSnapshot, MonitorSnapshot, PoolSnapshot, Side, Waits};

pub(crate) use monitor::Profile;
pub(crate) use presence::Presence;
pub(crate) use watch::Watch;
pub(crate) use zig::{RawPoolProfile, RawProfile};

use crate::time::Clock;

/// The clock of `std`: nanoseconds since it was made.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct StdClock(std::time::Instant);

#[cfg(feature = "std")]
impl StdClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self(std::time::Instant::now())
    }
}

#[cfg(feature = "std")]
impl Default for StdClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "std")]
impl Clock for StdClock {
    fn now(&self) -> crate::time::Instant {
        let nanos = self.0.elapsed().as_nanos();
        crate::time::Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

type SharedClock = crate::sync::Arc<dyn Clock + Send + Sync>;

fn shared(clock: impl Clock + Send + Sync + 'static) -> SharedClock {
    let clock: alloc::boxed::Box<dyn Clock + Send + Sync> = alloc::boxed::Box::new(clock);
    clock.into()
}
