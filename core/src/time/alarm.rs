//! A whole timer out of a clock and one alarm: what a board's hardware has, or Zig.

use crate::sync::{Arc, Weak};
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::armed::{Armed, Queue, Queued};
use super::{Clock, Instant, Sleep, Timer};
use crate::lock::Lock;
use crate::sync::bug;

/// A clock with one alarm: a counter and its compare register, say. [`AlarmTimer`] makes a timer
/// for any number of sleeps of it.
pub trait Alarm {
    /// The time now, as [`Clock::now`].
    fn now(&self) -> Instant;

    /// Wakes `waker` when `deadline` has come, or at once if that is in the past; on any thread or in
    /// an interrupt, and also during this call. The alarm before is replaced: at most one is pending.
    /// Calls never overlap. An alarm may be late, and may come early or for nothing: then it is set
    /// again, so a counter that does not reach so far may wake when it is full.
    fn set(&self, deadline: Instant, waker: &Waker);
}

/// One that others hold too: to sound it, say.
impl<A: Alarm + ?Sized> Alarm for Arc<A> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn set(&self, deadline: Instant, waker: &Waker) {
        (**self).set(deadline, waker);
    }
}

/// A [`Timer`] on an [`Alarm`]. Clones share it.
///
/// The sleeps stand in a queue here; the alarm is only set for the first of them. Each task is woken
/// once its deadline has come, by whoever sounds the alarm. In an interrupt that may take too long:
/// let the interrupt wake a task that does it, or use few timers.
pub struct AlarmTimer<A> {
    shared: Arc<Shared<A>>,
}

struct Shared<A> {
    alarm: A,
    state: Lock<State>,
    /// What the alarm wakes.
    bell: Arc<Bell<A>>,
}

/// Knows the timer and does not keep it: an alarm that keeps its waker would otherwise keep itself.
struct Bell<A>(Weak<Shared<A>>);

struct State {
    armed: Armed,
    /// For when the alarm is set: `MAX` if it is not, or has come.
    set: Instant,
    /// Somebody is setting the alarm, and will look again: so two never set it in the wrong order.
    setting: bool,
}

impl<A: Alarm + Send + Sync + 'static> AlarmTimer<A> {
    /// A timer on `alarm`, which nobody else sets.
    pub fn new(alarm: A) -> Self {
        let state = State { armed: Armed::new(), set: Instant::MAX, setting: false };
        let shared = Arc::new_cyclic(|timer| Shared {
            alarm,
            state: Lock::new(state),
            bell: Arc::new(Bell(timer.clone())),
        });
        Self { shared }
    }
}

impl<A> AlarmTimer<A> {
    /// How many sleeps hold a waker.
    pub fn armed(&self) -> usize {
        self.shared.state.with(|state| state.armed.len())
    }
}

impl<A: Alarm + Send + Sync + 'static> Shared<A> {
    /// Sets the alarm if somebody waits for an earlier time than it is set for.
    fn set_alarm(&self) {
        while let Some(deadline) = self.state.with(State::begin_setting) {
            let mut setting = Setting { state: &self.state, is_set: false };
            self.alarm.set(deadline, &Waker::from(self.bell.clone()));
            setting.is_set = true;
        }
    }
}

impl State {
    fn begin_setting(&mut self) -> Option<Instant> {
        let deadline = self.armed.next_deadline()?;
        if (self.setting && !bug(104)) || deadline >= self.set {
            return None;
        }
        (self.setting, self.set) = (true, deadline);
        Some(deadline)
    }
}

/// If the alarm panics, it is not set.
struct Setting<'a> {
    state: &'a Lock<State>,
    is_set: bool,
}

impl Drop for Setting<'_> {
    fn drop(&mut self) {
        self.state.with(|state| {
            state.setting = false;
            if !self.is_set {
                state.set = Instant::MAX;
            }
        });
    }
}

impl<A: Alarm + Send + Sync + 'static> Bell<A> {
    fn ring(&self) {
        if let Some(timer) = self.0.upgrade() {
            timer.sound();
        }
    }
}

crate::waker::wakes!(Bell<A>, ring, [A: Alarm + Send + Sync + 'static]);

impl<A: Alarm + Send + Sync + 'static> Shared<A> {
    /// The alarm has come.
    fn sound(&self) {
        // Also if a task's waker panics: the others are woken by the next alarm.
        let _next = SetAlarm(self);
        if !bug(105) {
            self.state.with(|state| state.set = Instant::MAX);
        }
        let now = self.alarm.now();
        while let Some(waker) = self.state.with(|state| state.armed.take_due(now)) {
            waker.wake();
        }
    }
}

struct SetAlarm<'a, A: Alarm + Send + Sync + 'static>(&'a Shared<A>);

impl<A: Alarm + Send + Sync + 'static> Drop for SetAlarm<'_, A> {
    fn drop(&mut self) {
        self.0.set_alarm();
    }
}

impl<A: Alarm> Clock for AlarmTimer<A> {
    fn now(&self) -> Instant {
        self.shared.alarm.now()
    }
}

impl<A: Alarm + Send + Sync + 'static> Timer for AlarmTimer<A> {
    type Sleep = AlarmSleep<A>;

    fn sleep_until(&self, deadline: Instant) -> AlarmSleep<A> {
        AlarmSleep(Queued::new(self.shared.clone(), deadline))
    }
}

impl<A> Clone for AlarmTimer<A> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<A: fmt::Debug> fmt::Debug for AlarmTimer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlarmTimer")
            .field("alarm", &self.shared.alarm)
            .field("armed", &self.armed())
            .finish()
    }
}

/// The [`Sleep`] of an [`AlarmTimer`].
#[must_use = "futures do nothing unless polled"]
pub struct AlarmSleep<A: Alarm>(Queued<Arc<Shared<A>>>);

impl<A: Alarm> AlarmSleep<A> {
    /// When this sleep ends.
    pub fn deadline(&self) -> Instant {
        self.0.deadline()
    }
}

impl<A: Alarm + Send + Sync + 'static> Future for AlarmSleep<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.wait(cx.waker()) {
            return Poll::Ready(());
        }
        // It comes also for a deadline that has passed since the look at the clock.
        self.0.queue.set_alarm();
        Poll::Pending
    }
}

impl<A: Alarm + Send + Sync + 'static> Sleep for AlarmSleep<A> {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0.reset(deadline);
    }
}

impl<A: Alarm> Queue for Arc<Shared<A>> {
    fn with_armed<R>(&self, f: impl FnOnce(&mut Armed, Instant) -> R) -> R {
        let now = self.alarm.now();
        self.state.with(|state| f(&mut state.armed, now))
    }
}

impl<A: Alarm> fmt::Debug for AlarmSleep<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlarmSleep").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
