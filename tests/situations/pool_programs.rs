//! Random programs at a pool, each step compared with what a model says: how many blocks are home, what each owner
//! sees, who is woken. `ZIGFLOW_PROGRAMS` says how many programs. The last test shows that what is wrong is found.
#![forbid(unsafe_code)]

use std::panic::catch_unwind;
use std::task::{Context, Poll, Waker};

use zigflow::pool::{Block, Waiter};
use zigflow::{Pool, RustBuffer, SharedBuffer, ZeroCopyBuffer};
use zigflow_tests::ends::Lang::{self, Rust, Zig};
use zigflow_tests::pools::{Handle, Held, PoolThere, WaiterThere, back};
use zigflow_tests::task::{Task, keep};

/// What is wrong with a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    /// A block is sometimes forgotten.
    Leaks,
    /// Tasks are polled with wakers that wake nobody.
    WakesNobody,
    /// Who holds a block writes to it after it was given away.
    Scribbles,
}

const SIZE: usize = 64;

/// What somebody has of a block, whose bytes are all its mark.
enum Owned {
    Held(Held),
    Buffer(ZeroCopyBuffer),
    Shared(SharedBuffer),
}

struct Owner {
    owned: Owned,
    /// Which block it is, by its number in the order of acquisition, and what is in it.
    block: usize,
    mark: u8,
}

enum WaiterIn {
    Rust(Waiter),
    Zig(WaiterThere),
}

struct Waiting {
    waiter: WaiterIn,
    task: Task,
    /// Wakes at its last poll; `None`: it does not wait.
    slept: Option<usize>,
}

impl Waiting {
    fn poll(&mut self, bug: Bug) -> Option<Held> {
        let before = self.task.wakes();
        let wakes_nobody = bug == Bug::WakesNobody;
        let waker = if wakes_nobody { Waker::noop().clone() } else { self.task.waker() };
        let mut cx = Context::from_waker(&waker);
        let got = match &mut self.waiter {
            WaiterIn::Rust(waiter) => match waiter.poll_acquire(&mut cx) {
                Poll::Ready(block) => Some(Held::Rust(block)),
                Poll::Pending => None,
            },
            WaiterIn::Zig(waiter) => waiter.poll(&mut cx).map(Held::Zig),
        };
        self.slept = got.is_none().then_some(before);
        got
    }

    fn is_woken(&self) -> bool {
        self.slept.is_some_and(|before| self.task.wakes() > before)
    }
}

struct World {
    pool: Pool,
    handles: Vec<Handle>,
    owners: Vec<Owner>,
    waiting: Vec<Waiting>,
    rng: fastrand::Rng,
    next: usize,
    bug: Bug,
}

impl World {
    fn new(seed: u64, bug: Bug) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let pool = Pool::new(rng.usize(1..=4), SIZE);
        let handles = vec![Handle::of(&pool, Rust), Handle::of(&pool, Zig)];
        Self { pool, handles, owners: vec![], waiting: vec![], rng, next: 0, bug }
    }

    fn lang(&mut self) -> Lang {
        if self.rng.bool() { Rust } else { Zig }
    }

    /// How many blocks are not home: those that somebody has.
    fn out(&self) -> usize {
        let mut blocks: Vec<usize> = self.owners.iter().map(|owner| owner.block).collect();
        blocks.sort_unstable();
        blocks.dedup();
        blocks.len()
    }

    fn take(&mut self, mut held: Held) {
        let mark = self.rng.u8(..);
        held.fill(mark);
        self.owners.push(Owner { owned: Owned::Held(held), block: self.next, mark });
        self.next += 1;
    }

    fn step(&mut self) {
        match self.rng.u8(..12) {
            0..=2 => {
                let at = self.rng.usize(..self.handles.len());
                let expected = self.out() < self.pool.blocks();
                let got = self.handles[at].try_acquire();
                assert_eq!(
                    got.is_some(),
                    expected,
                    "a block that is home is not found, or is twice"
                );
                if let Some(held) = got {
                    self.take(held);
                }
            }
            3..=5 if !self.owners.is_empty() => {
                let at = self.rng.usize(..self.owners.len());
                let owner = self.owners.swap_remove(at);
                if self.bug == Bug::Leaks {
                    keep(owner);
                }
            }
            6 | 7 if !self.owners.is_empty() => self.transform(),
            8 => {
                let waiter = match self.lang() {
                    Rust => WaiterIn::Rust(self.pool.waiter()),
                    Zig => WaiterIn::Zig(PoolThere::take(self.pool.to_zig()).unwrap().waiter()),
                };
                self.waiting.push(Waiting { waiter, task: Task::new(), slept: None });
            }
            9 if !self.waiting.is_empty() => {
                let at = self.rng.usize(..self.waiting.len());
                let expected = self.out() < self.pool.blocks();
                let got = self.waiting[at].poll(self.bug);
                assert_eq!(got.is_some(), expected);
                if let Some(held) = got {
                    self.take(held);
                }
            }
            10 if !self.waiting.is_empty() => {
                let at = self.rng.usize(..self.waiting.len());
                drop(self.waiting.swap_remove(at));
            }
            11 => {
                let lang = self.lang();
                let at = self.rng.usize(..self.handles.len());
                self.handles[at] = Handle::of(&self.pool, lang);
            }
            _ => {}
        }
    }

    /// The same bytes in another form, or with one owner more.
    fn transform(&mut self) {
        let at = self.rng.usize(..self.owners.len());
        let Owner { owned, block, mark } = self.owners.swap_remove(at);
        let owned = match owned {
            Owned::Held(mut held) if self.rng.bool() => {
                if self.bug == Bug::Scribbles {
                    held.fill(!mark);
                }
                Owned::Buffer(held.give(SIZE))
            }
            Owned::Held(held) => Owned::Shared(held.share(SIZE)),
            Owned::Buffer(buffer) => match self.rng.u8(..3) {
                0 => Owned::Buffer(back(RustBuffer::from(SharedBuffer::from(buffer)))),
                1 => Owned::Shared(buffer.into()),
                _ => match Block::try_from(buffer) {
                    Ok(block) => Owned::Held(Held::Rust(block)),
                    Err(buffer) => Owned::Buffer(buffer),
                },
            },
            Owned::Shared(shared) => {
                let from = self.rng.usize(..=shared.len());
                let other = match self.rng.u8(..3) {
                    0 => Owned::Buffer(shared.clone().into()),
                    1 => Owned::Shared(shared.slice(from..)),
                    _ => Owned::Shared(shared.slice(..from)),
                };
                self.owners.push(Owner { owned: other, block, mark });
                Owned::Shared(shared)
            }
        };
        self.owners.push(Owner { owned, block, mark });
    }

    fn check(&self) {
        let snapshot = self.pool.snapshot();
        let home = self.pool.blocks() - self.out();
        assert_eq!(snapshot.available, home);
        let asleep = self.waiting.iter().filter(|waiting| waiting.slept.is_some());
        if home > 0 && asleep.clone().next().is_some() {
            assert!(asleep.clone().any(Waiting::is_woken), "a block is home, and all sleep");
        }
        for owner in &self.owners {
            let is_so = match &owner.owned {
                Owned::Held(held) => held.is_all(owner.mark),
                Owned::Buffer(bytes) => bytes.iter().all(|byte| *byte == owner.mark),
                Owned::Shared(bytes) => bytes.iter().all(|byte| *byte == owner.mark),
            };
            assert!(is_so, "an owner does not see its bytes");
        }
    }

    /// All goes, in any order.
    fn end(mut self) {
        self.rng.shuffle(&mut self.owners);
        let Self { pool, handles, mut owners, waiting, mut rng, .. } = self;
        let mut pool = Some(pool);
        let mut handles = Some(handles);
        let mut waiting = Some(waiting);
        while pool.is_some() || handles.is_some() || waiting.is_some() || !owners.is_empty() {
            match rng.u8(..4) {
                0 => drop(pool.take()),
                1 => drop(handles.take()),
                2 => drop(waiting.take()),
                _ => drop(owners.pop()),
            }
        }
    }
}

#[test]
fn any_program_does_what_the_model_says() {
    let programs = std::env::var("ZIGFLOW_PROGRAMS").map_or(3_000, |n| n.parse().unwrap());
    (0..programs).for_each(|seed| run(seed, Bug::None));
    println!("{programs} programs at pools");
}

fn run(seed: u64, bug: Bug) {
    let mut world = World::new(seed, bug);
    for _ in 0..60 {
        world.step();
        world.check();
    }
    world.end();
}

#[test]
fn a_bug_is_found_by_one_of_few_programs() {
    for (bug, words) in [
        (Bug::Leaks, "left == right"),
        (Bug::WakesNobody, "a block is home, and all sleep"),
        (Bug::Scribbles, "an owner does not see its bytes"),
    ] {
        let found = (0..200).find_map(|seed| {
            let panicked = catch_unwind(|| run(seed, bug)).err()?;
            let said = panicked.downcast_ref::<String>().cloned();
            said.or_else(|| panicked.downcast_ref::<&str>().map(|said| (*said).to_owned()))
        });
        let said = found.unwrap_or_else(|| panic!("{bug:?} was not found"));
        assert!(said.contains(words), "{bug:?} was found by {said}");
    }
}
