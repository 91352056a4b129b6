//! Streams and futures that are watched from outside: whatever they wait for.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::events::{Operation, Resource, Turns};
use super::histogram::Shown;
use super::{Histogram, SharedClock};
use crate::lock::Lock;
use crate::sync::Arc;
use crate::time::{Clock, Instant};
use crate::waker::{WakeOnDrop, WakerCell};

/// Watches streams and futures: how long their polls run, and how long they wait. Clones share what they note, so one probe may
/// watch all that is of one kind: every `pool.acquire()`, every request.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use zigflow_core::{Pool, profile::{Probe, StdClock}};
///
/// let (pool, blocks) = (Pool::new(4, 1024), Probe::new(StdClock::new()));
/// let acquire = blocks.watch(pool.acquire());
/// // acquire.await
/// # let mut acquire = std::pin::pin!(acquire);
/// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(acquire.as_mut().poll(&mut cx).is_ready());
/// assert_eq!(blocks.snapshot().ready, 1);
/// # }
/// ```
#[derive(Clone)]
pub struct Probe {
    shared: Arc<Shared>,
}

struct Shared {
    resource: Resource,
    clock: SharedClock,
    began: Instant,
    noted: Lock<ProbeSnapshot>,
}

impl Probe {
    /// A probe that has seen nothing yet. The time is read from `clock`.
    #[track_caller]
    pub fn new(clock: impl Clock + Send + Sync + 'static) -> Self {
        Self::named("zigflow::Probe", clock)
    }

    /// The same with a name, which spans and events have (see [`profile`](crate::profile)).
    #[track_caller]
    pub fn named(name: &'static str, clock: impl Clock + Send + Sync + 'static) -> Self {
        let clock = super::shared(clock);
        let began = clock.now();
        Self {
            shared: Arc::new(Shared {
                resource: Resource::new("probe", name),
                clock,
                began,
                noted: Lock::new(ProbeSnapshot::default()),
            }),
        }
    }

    /// The same stream or future, watched. (One allocation, with the feature `tracing` one more at the first poll; none for a later poll.)
    pub fn watch<F>(&self, inner: F) -> Probed<F> {
        let relay = Relay {
            operation: self.shared.resource.operation(),
            probe: self.clone(),
            cell: WakerCell::new(),
            since: Lock::new(Since::Running),
        };
        Probed { inner, relay: Owned { relay: Arc::new(relay), turns: Turns::default() } }
    }

    /// What all of them have done until now.
    pub fn snapshot(&self) -> ProbeSnapshot {
        let elapsed = self.shared.clock.now().saturating_duration_since(self.shared.began);
        ProbeSnapshot { elapsed, ..self.shared.noted.with(|noted| *noted) }
    }

    /// Notes that what came had this size: of the chunks of a stream, bytes.
    pub fn record_size(&self, size: usize) {
        self.note(|noted| noted.sizes.record(size as u64));
    }

    fn note(&self, f: impl FnOnce(&mut ProbeSnapshot)) {
        self.shared.noted.with(f);
    }

    fn now(&self) -> Instant {
        self.shared.clock.now()
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.snapshot()).finish()
    }
}

/// What a [`Probe`] has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProbeSnapshot {
    /// In which time.
    pub elapsed: Duration,
    /// Polls that gave something: items, ends of streams, outputs.
    pub ready: u64,
    /// How long each poll ran, nanoseconds.
    pub poll: Histogram,
    /// From a poll that gave nothing until the wake, or until one unasked gave something, or until it was given up, nanoseconds.
    pub wait: Histogram,
    /// How many wait now.
    pub now_waiting: u32,
    /// From the wake until the next poll, nanoseconds: the executor's share.
    pub wake_to_poll: Histogram,
    /// What [`record_size`](Probe::record_size) was told.
    pub sizes: Histogram,
}

impl ProbeSnapshot {
    /// What came after `earlier`, an earlier snapshot of the same probe; of another one the numbers mean nothing.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            elapsed: self.elapsed.saturating_sub(earlier.elapsed),
            ready: self.ready.wrapping_sub(earlier.ready),
            poll: self.poll.since(&earlier.poll),
            wait: self.wait.since(&earlier.wait),
            now_waiting: self.now_waiting,
            wake_to_poll: self.wake_to_poll.since(&earlier.wake_to_poll),
            sizes: self.sizes.since(&earlier.sizes),
        }
    }
}

impl ProbeSnapshot {
    fn end_wait(&mut self, waited: u64) {
        self.wait.record(waited);
        self.now_waiting -= 1;
    }
}

impl fmt::Display for ProbeSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |histogram| Shown { histogram, is_time: true };
        writeln!(f, "ready         {} times in {:.2?}", self.ready, self.elapsed)?;
        writeln!(f, "poll          {}", time(&self.poll))?;
        writeln!(f, "wait          {}; {} wait", time(&self.wait), self.now_waiting)?;
        write!(f, "wake to poll  {}", time(&self.wake_to_poll))?;
        if self.sizes.count() > 0 {
            write!(f, "\nsizes         {}", self.sizes)?;
        }
        Ok(())
    }
}

/// Between the inner future's waker and the task's.
struct Relay {
    operation: Operation,
    probe: Probe,
    cell: WakerCell,
    since: Lock<Since>,
}

#[derive(Clone, Copy)]
enum Since {
    /// It is polled.
    Running,
    /// It is polled, and was woken meanwhile.
    WokenRunning(Instant),
    Waiting(Instant),
    Woken(Instant),
}

impl Relay {
    fn woken(&self) {
        // Also if the clock or a subscriber panics.
        let _wake = WakeOnDrop(&self.cell);
        let now = self.probe.now();
        let waited = self.since.with(|since| match *since {
            Since::Waiting(at) => {
                *since = Since::Woken(now);
                Some(nanos(at, now))
            }
            Since::Running => {
                *since = Since::WokenRunning(now);
                None
            }
            Since::WokenRunning(_) | Since::Woken(_) => None,
        });
        if let Some(waited) = waited {
            self.probe.note(|noted| noted.end_wait(waited));
            self.operation.woken(waited);
        }
    }
}

fn nanos(from: Instant, to: Instant) -> u64 {
    to.as_nanos().saturating_sub(from.as_nanos())
}

crate::waker::wakes!(Relay, woken);

/// The one that polls. When it goes, wakers of it may be left, and wake nobody.
struct Owned {
    relay: Arc<Relay>,
    turns: Turns,
}

impl Owned {
    fn poll<R>(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let Self { relay, turns } = self;
        let Relay { operation, probe, cell, since } = &**relay;
        // SAFETY: `&mut self`: nobody else registers or closes.
        unsafe { cell.register(cx.waker()) };
        let waker = Waker::from(relay.clone());
        let before = probe.now();
        let was = since.with(|since| core::mem::replace(since, Since::Running));
        // Unasked: the wait goes on, if this poll gives nothing.
        let waited_since = if let Since::Waiting(at) = was { Some(at) } else { None };
        if waited_since.is_some() {
            probe.note(|noted| noted.now_waiting -= 1);
        }
        let polled = turns
            .poll(&probe.shared.resource, operation, || poll(&mut Context::from_waker(&waker)));
        let after = probe.now();
        let mut waited_until = Some(after);
        if polled.is_pending() {
            // Before the wake that ends it.
            probe.note(|noted| noted.now_waiting += 1);
            waited_until = since.with(|since| match *since {
                // It has passed on already: the next poll is due.
                Since::WokenRunning(at) => {
                    *since = Since::Woken(at);
                    Some(at)
                }
                _ => {
                    *since = Since::Waiting(waited_since.unwrap_or(after));
                    None
                }
            });
            if waited_until.is_some() {
                probe.note(|noted| noted.now_waiting -= 1);
            }
        }
        probe.note(|noted| {
            noted.poll.record(nanos(before, after));
            noted.ready += u64::from(polled.is_ready());
            if let Since::Woken(at) = was {
                noted.wake_to_poll.record(nanos(at, before));
            }
            if let (Some(since), Some(until)) = (waited_since, waited_until) {
                noted.wait.record(nanos(since, until));
            }
        });
        operation.polled(polled.is_ready());
        polled
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: `&mut self`, as above.
        unsafe { self.relay.cell.close() };
        let Relay { operation, probe, since, .. } = &*self.relay;
        let was = since.with(|since| core::mem::replace(since, Since::Running));
        let waited_since = if let Since::Waiting(at) = was { Some(at) } else { None };
        if waited_since.is_some() {
            probe.note(|noted| noted.now_waiting -= 1);
        }
        operation.end();
        if let Some(at) = waited_since {
            let waited = nanos(at, probe.now());
            probe.note(|noted| noted.wait.record(waited));
        }
    }
}

pin_project! {
    /// A stream or future that a [`Probe`] watches; as the inner one in all else.
    pub struct Probed<F> {
        #[pin]
        inner: F,
        relay: Owned,
    }
}

impl<F> Probed<F> {
    /// The inner one.
    pub fn get_ref(&self) -> &F {
        &self.inner
    }

    /// The inner one.
    pub fn get_mut(&mut self) -> &mut F {
        &mut self.inner
    }

    /// The inner one, not watched any more.
    pub fn into_inner(self) -> F {
        self.inner
    }
}

impl<F: fmt::Debug> fmt::Debug for Probed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probed").field(&self.inner).finish()
    }
}

impl<F: Future> Future for Probed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.relay.poll(cx, |cx| this.inner.poll(cx))
    }
}

impl<S: Stream> Stream for Probed<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        this.relay.poll(cx, |cx| this.inner.poll_next(cx))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<S: FusedStream> FusedStream for Probed<S> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}
