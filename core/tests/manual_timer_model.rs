//! The manual timer against a model that is too simple to be wrong: random programs of sleeps,
//! polls, resets, drops and moves of the clock.
#![cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]

mod support;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Event, Probe, poll};
use zigflow_core::time::{Instant, ManualSleep, ManualTimer, Sleep, Timer};

const PROGRAMS: u64 = if cfg!(miri) { 5 } else { 10_000 };
const STEPS: u64 = 60;
const SLOTS: u64 = 6;
const TASKS: u64 = 3;

#[test]
fn ten_thousand_random_programs_agree_with_the_model() {
    // `ZIGFLOW_SEED` runs one program again.
    let one = std::env::var("ZIGFLOW_SEED").ok();
    let seeds = match one.map(|seed| seed.parse().expect("a number")) {
        Some(seed) => seed..=seed,
        None => 1..=PROGRAMS,
    };
    for seed in seeds {
        let run = std::panic::catch_unwind(|| Program::new(seed).run());
        assert!(run.is_ok(), "rerun with ZIGFLOW_SEED={seed}");
    }
}

/// One timer, its model, and the tasks that wait.
struct Program {
    random: Xorshift,
    timer: ManualTimer,
    sleeps: Vec<Option<Pin<Box<ManualSleep>>>>,
    tasks: Vec<Arc<Probe>>,
    /// The tasks that the timer woke, in order.
    woken: Arc<Mutex<Vec<u64>>>,
    model: Model,
}

/// What should be: the time, and per slot a deadline and who waits for it since when.
struct Model {
    now: u64,
    age: u64,
    slots: Vec<Option<Slot>>,
}

#[derive(Clone, Copy)]
struct Slot {
    deadline: u64,
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    age: u64,
    task: u64,
}

impl Program {
    fn new(seed: u64) -> Self {
        let mut random = Xorshift::new(seed);
        // Every fourth program runs into the end of the range.
        let now = match random.below(4) {
            0 => u64::MAX - 1 - random.below(100),
            _ => random.below(100),
        };
        let woken = Arc::new(Mutex::new(Vec::new()));
        let task = |name| {
            let (task, woken) = (Probe::new(), Arc::clone(&woken));
            task.on_event(move |event| {
                if event == Event::Wake {
                    woken.lock().unwrap().push(name);
                }
            });
            task
        };
        Self {
            timer: ManualTimer::starting_at(Instant::from_nanos(now)),
            sleeps: (0..SLOTS).map(|_| None).collect(),
            tasks: (0..TASKS).map(task).collect(),
            woken,
            model: Model { now, age: 0, slots: vec![None; SLOTS as usize] },
            random,
        }
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            let slot = self.random.below(SLOTS) as usize;
            match self.random.below(12) {
                0..2 => self.make(slot),
                2..6 => self.poll(slot),
                6..8 => self.reset(slot),
                8 => self.drop(slot),
                9..11 => self.advance(),
                _ => self.advance_to_next(),
            }
            self.compare();
        }
        self.sleeps.clear();
        assert_eq!(self.timer.armed(), 0);
        assert!(self.tasks.iter().all(|task| task.alive() == 0));
    }

    fn make(&mut self, slot: usize) {
        let deadline = self.deadline();
        let sleep = self.timer.sleep_until(Instant::from_nanos(deadline));
        self.sleeps[slot] = Some(Box::pin(sleep));
        self.model.slots[slot] = Some(Slot { deadline, waiting: None });
    }

    fn poll(&mut self, slot: usize) {
        let task = self.random.below(TASKS);
        let Some(sleep) = &mut self.sleeps[slot] else {
            return;
        };
        let ready = poll(sleep.as_mut(), &self.tasks[task as usize]).is_ready();
        assert_eq!(ready, self.model.poll(slot, task));
    }

    fn reset(&mut self, slot: usize) {
        let deadline = self.deadline();
        let Some(sleep) = &mut self.sleeps[slot] else {
            return;
        };
        sleep.as_mut().reset(Instant::from_nanos(deadline));
        self.model.slots[slot] = Some(Slot { deadline, waiting: None });
    }

    fn drop(&mut self, slot: usize) {
        self.sleeps[slot] = None;
        self.model.slots[slot] = None;
    }

    fn advance(&mut self) {
        let by = match self.random.below(50) {
            0 => u64::MAX,
            _ => self.random.below(6),
        };
        self.timer.advance(Duration::from_nanos(by));
        let woken = self.model.move_to(self.model.now.saturating_add(by));
        assert_eq!(self.take_woken(), woken);
    }

    fn advance_to_next(&mut self) {
        let next = self.model.next_deadline();
        let moved = self.timer.advance_to_next();
        assert_eq!(moved, next.map(Instant::from_nanos));
        let woken = self.model.move_to(next.unwrap_or(self.model.now));
        assert_eq!(self.take_woken(), woken);
    }

    /// Around now on both sides, sometimes never.
    fn deadline(&mut self) -> u64 {
        let around = self.model.now.saturating_sub(3);
        match self.random.below(10) {
            0 => u64::MAX,
            _ => around.saturating_add(self.random.below(15)),
        }
    }

    fn take_woken(&self) -> Vec<u64> {
        std::mem::take(&mut self.woken.lock().unwrap())
    }

    fn compare(&self) {
        assert_eq!(self.take_woken(), []);
        assert_eq!(self.timer.now().as_nanos(), self.model.now);
        let next = self.model.next_deadline().map(Instant::from_nanos);
        assert_eq!(self.timer.next_deadline(), next);
        assert_eq!(self.timer.armed(), self.model.waiting().count());
        for (name, task) in (0..).zip(&self.tasks) {
            let waits = |waiting: &Waiting| waiting.task == name;
            let waiting = self.model.waiting().map(|(_, waiting)| waiting);
            assert_eq!(task.alive(), waiting.filter(waits).count());
        }
    }
}

impl Model {
    fn waiting(&self) -> impl Iterator<Item = (u64, Waiting)> {
        let slots = self.slots.iter().flatten();
        slots.filter_map(|slot| Some((slot.deadline, slot.waiting?)))
    }

    fn next_deadline(&self) -> Option<u64> {
        let next = self.waiting().map(|(deadline, _)| deadline).min();
        next.filter(|&deadline| deadline != u64::MAX)
    }

    fn poll(&mut self, slot: usize, task: u64) -> bool {
        let slot = self.slots[slot].as_mut().expect("polled, so it is there");
        if slot.deadline <= self.now {
            return true;
        }
        self.age += 1;
        let age = slot.waiting.map_or(self.age, |waiting| waiting.age);
        slot.waiting = Some(Waiting { age, task });
        false
    }

    /// Returns the tasks to wake, in order.
    fn move_to(&mut self, now: u64) -> Vec<u64> {
        self.now = now.min(u64::MAX - 1);
        let mut due = Vec::new();
        for slot in self.slots.iter_mut().flatten() {
            if slot.deadline <= self.now {
                let waiting = slot.waiting.take();
                due.extend(waiting.map(|waiting| (slot.deadline, waiting.age, waiting.task)));
            }
        }
        due.sort_unstable();
        due.into_iter().map(|(_, _, task)| task).collect()
    }
}

/// Marsaglia's xorshift64.
struct Xorshift(u64);

impl Xorshift {
    fn new(seed: u64) -> Self {
        // Small seeds differ in few bits; spread them.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % limit
    }
}
