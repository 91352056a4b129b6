//! Short histories of real threads at the ends of one channel, in both languages: each must be one of a bounded
//! queue whose operations happen one after the other, each at a moment between its start and its end
//! (Wing and Gong, "Testing and Verifying Concurrent Objects", 1993).
//!
//! Channels with many ends promise a little less: "full" and "empty" may be said while an operation of
//! another thread is half done. In such a history they are believed if one was.
//!
//! `ZIGFLOW_HISTORIES` sets how many are taken; the canary shows that a broken queue is found.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use zigflow_tests::ends::{self as one, Lang, PAIRINGS, Stop};
use zigflow_tests::many_ends as many;
use zigflow_tests::task::until;

/// What is done, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Send(u64, Result<(), Stop>),
    Recv(Result<u64, Stop>),
    Close,
}

/// An operation from before its start to after its end, by the common clock.
#[derive(Clone, Copy, Debug)]
struct Event {
    thread: usize,
    start: u32,
    end: u32,
    op: Op,
}

/// The queue as it ought to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Model {
    items: VecDeque<u64>,
    closed: bool,
}

impl Model {
    /// The state after the operation, if it may answer so; `half_done` excuses "full" and "empty".
    fn after(&self, op: Op, capacity: usize, half_done: bool) -> Option<Self> {
        let mut next = self.clone();
        let right = match op {
            Op::Send(item, answer) => {
                if answer == Ok(()) {
                    next.items.push_back(item);
                }
                match answer {
                    Ok(()) => !self.closed && self.items.len() < capacity,
                    Err(Stop::Closed) => self.closed,
                    Err(_) => !self.closed && (self.items.len() == capacity || half_done),
                }
            }
            Op::Recv(Ok(item)) => next.items.pop_front() == Some(item),
            Op::Recv(Err(Stop::Closed)) => self.closed && self.items.is_empty(),
            Op::Recv(Err(_)) => half_done || !self.closed && self.items.is_empty(),
            Op::Close => {
                next.closed = true;
                true
            }
        };
        right.then_some(next)
    }
}

/// Whether the events may have happened one after the other: some event that started before all others that are
/// left had ended comes first, and so on.
fn is_linear(events: &[Event], capacity: usize, spurious: bool) -> bool {
    assert!(events.len() <= 32);
    // Another thread's operation that was not over: it may have stood in the way.
    let half_done = |event: &Event| {
        spurious
            && events.iter().any(|other| {
                other.thread != event.thread
                    && other.start < event.end
                    && event.start < other.end
                    && matches!(other.op, Op::Send(_, Ok(())) | Op::Recv(Ok(_)) | Op::Close)
            })
    };
    let excused: Vec<bool> = events.iter().map(half_done).collect();
    let all = u32::MAX >> (32 - events.len());
    let mut seen = HashSet::new();
    let mut states = vec![(0_u32, Model { items: VecDeque::new(), closed: false })];
    while let Some((done, model)) = states.pop() {
        if done == all {
            return true;
        }
        let left = || events.iter().enumerate().filter(|(n, _)| done & (1 << n) == 0);
        let first_end = left().map(|(_, event)| event.end).min().unwrap_or(0);
        for (n, event) in left().filter(|(_, event)| event.start < first_end) {
            if let Some(next) = model.after(event.op, capacity, excused[n]) {
                let state = (done | 1 << n, next);
                if seen.insert(state.clone()) {
                    states.push(state);
                }
            }
        }
    }
    false
}

/// An end as a thread of a history has it.
trait End: Send {
    fn run(&mut self, op: Op) -> Op;
}

/// An end runs what it can.
macro_rules! end {
    ($sender:ty, $receiver:ty) => {
        impl End for $sender {
            fn run(&mut self, op: Op) -> Op {
                match op {
                    Op::Send(item, _) => Op::Send(item, self.try_send(item)),
                    _ => {
                        self.close();
                        Op::Close
                    }
                }
            }
        }

        impl End for $receiver {
            fn run(&mut self, op: Op) -> Op {
                match op {
                    Op::Close => {
                        self.close();
                        Op::Close
                    }
                    _ => Op::Recv(self.try_recv()),
                }
            }
        }
    };
}

end!(one::Tx<u64>, one::Rx<u64>);
end!(many::Tx<u64>, many::Rx<u64>);

/// Numbers that look random; the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A sender and a receiver of one thread.
struct Pair(many::Tx<u64>, many::Rx<u64>);

impl End for Pair {
    fn run(&mut self, op: Op) -> Op {
        match op {
            Op::Send(..) => self.0.run(op),
            _ => self.1.run(op),
        }
    }
}

/// The operations of a thread, and what it runs them at.
type Part = (Vec<Op>, Box<dyn End>);

/// Threads that live for all histories and do not sleep in between: so they run at once, if there are so many
/// processors. The first one is the caller's.
struct Threads {
    parts: Vec<Mutex<Option<Part>>>,
    events: Vec<Mutex<Vec<Event>>>,
    clock: AtomicU32,
    round: AtomicUsize,
    ready: AtomicUsize,
    done: AtomicUsize,
}

/// Waits for what comes soon; not for long, which is lost where there are more threads than processors.
fn spin(is_so: impl Fn() -> bool) {
    for _ in 0..100 {
        if is_so() {
            return;
        }
        std::hint::spin_loop();
    }
    until(is_so);
}

impl Threads {
    /// A thread's part of a history; false: there is none. The counters go on from round to round.
    fn run(&self, thread: usize, round: usize) -> bool {
        let Some((ops, mut end)) = self.parts[thread].lock().unwrap().take() else { return false };
        self.ready.fetch_add(1, SeqCst);
        spin(|| self.ready.load(SeqCst) >= round * self.parts.len());
        let run = |op| {
            let start = self.clock.fetch_add(1, SeqCst);
            // Where there are too few processors, others come in between all the same.
            if (start as usize + round).is_multiple_of(8) {
                thread::yield_now();
            }
            let op = end.run(op);
            Event { thread, start, end: self.clock.fetch_add(1, SeqCst), op }
        };
        let events = ops.into_iter().map(run).collect();
        *self.events[thread].lock().unwrap() = events;
        self.done.fetch_add(1, SeqCst);
        // An end that goes may close the channel: not before all are done.
        spin(|| self.done.load(SeqCst) >= round * self.parts.len());
        true
    }

    /// One history of these parts, one for each thread.
    fn history(&self, parts: Vec<Part>) -> Vec<Event> {
        self.clock.store(0, SeqCst);
        for (place, part) in self.parts.iter().zip(parts) {
            *place.lock().unwrap() = Some(part);
        }
        let round = self.round.fetch_add(1, SeqCst) + 1;
        assert!(self.run(0, round));
        self.events.iter().flat_map(|events| std::mem::take(&mut *events.lock().unwrap())).collect()
    }
}

/// Ends the threads, also when the test panics: there is a round, but nothing to do.
struct Ends<'a>(&'a Threads);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.round.fetch_add(1, SeqCst);
    }
}

/// Calls `work` with so many threads. One test at a time: threads of others would come between.
fn with_threads<R>(count: usize, work: impl FnOnce(&Threads) -> R) -> R {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let threads = Threads {
        parts: (0..count).map(|_| Mutex::default()).collect(),
        events: (0..count).map(|_| Mutex::default()).collect(),
        clock: AtomicU32::new(0),
        round: AtomicUsize::new(0),
        ready: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
    };
    thread::scope(|scope| {
        for thread in 1..count {
            let threads = &threads;
            scope.spawn(move || {
                for round in 1.. {
                    spin(|| threads.round.load(SeqCst) >= round);
                    if !threads.run(thread, round) {
                        break;
                    }
                }
            });
        }
        let _ends = Ends(&threads);
        work(&threads)
    })
}

/// Which threads of a history may close, of so many: none, one or two.
fn closers(random: &mut Random, threads: u64) -> [usize; 2] {
    [(); 2].map(|()| random.below(threads + 1) as usize)
}

/// The operations of a thread, all of which may be made at its end.
fn operations(
    random: &mut Random,
    thread: usize,
    sends: bool,
    receives: bool,
    closers: [usize; 2],
) -> Vec<Op> {
    let mut operation = |n| match random.below(12) {
        0 if closers.contains(&thread) => Op::Close,
        number if sends && (!receives || number % 2 == 0) => {
            Op::Send(100 * thread as u64 + n, Ok(()))
        }
        _ => Op::Recv(Ok(0)),
    };
    (0..4).map(&mut operation).collect()
}

/// How many histories are taken of each flavour.
fn histories() -> u64 {
    const DEFAULT: u64 = if cfg!(debug_assertions) { 50_000 } else { 200_000 };
    std::env::var("ZIGFLOW_HISTORIES").map_or(DEFAULT, |number| number.parse().expect("a number"))
}

fn lang(random: &mut Random) -> Lang {
    if random.below(2) == 0 { Lang::Rust } else { Lang::Zig }
}

/// How often operations of two threads overlapped.
fn overlaps(events: &[Event]) -> usize {
    let pair = |a: &Event, b: &Event| a.thread < b.thread && a.start < b.end && b.start < a.end;
    events.iter().map(|a| events.iter().filter(|b| pair(a, b)).count()).sum()
}

#[test]
fn histories_of_channels_with_one_end_of_each_kind_are_those_of_a_queue() {
    let mut random = Random(0x5eed_0001);
    let overlapped = with_threads(2, |threads| {
        let mut overlapped = 0;
        for n in 0..histories() {
            let capacity = 1 + random.below(3) as usize;
            let closers = closers(&mut random, 2);
            let (tx, rx) = zigflow::spsc::starting_at(capacity, (1 << 30) - 2).unwrap();
            let (tx_lang, rx_lang) = PAIRINGS[n as usize % 4];
            let tx = if tx_lang == Lang::Zig { one::Tx::in_zig(tx) } else { one::Tx::Rust(tx) };
            let rx =
                if rx_lang == Lang::Zig { one::Rx::in_zig(rx) } else { one::Rx::Rust(rx, None) };
            let events = threads.history(vec![
                (operations(&mut random, 1, true, false, closers), Box::new(tx)),
                (operations(&mut random, 2, false, true, closers), Box::new(rx)),
            ]);
            assert!(is_linear(&events, capacity, false), "{capacity} items at most: {events:#?}");
            overlapped += overlaps(&events);
        }
        overlapped
    });
    println!("{overlapped} operations overlapped");
    assert!(overlapped > 0, "the threads ran one after the other");
}

#[test]
fn histories_of_channels_with_many_ends_are_those_of_a_queue() {
    let mut random = Random(0x5eed_0002);
    let overlapped = with_threads(3, |threads| {
        let mut overlapped = 0;
        for _ in 0..histories() {
            let capacity = 1 + random.below(3) as usize;
            let closers = closers(&mut random, 3);
            let (tx, rx) = zigflow::mpmc::before_the_wrap(capacity, 1).unwrap();
            let part = |thread| -> Part {
                let tx = many::Tx::of(lang(&mut random), tx.clone());
                let rx = many::Rx::of(lang(&mut random), rx.clone());
                (operations(&mut random, thread, true, true, closers), Box::new(Pair(tx, rx)))
            };
            let parts = (1..4).map(part).collect();
            let events = threads.history(parts);
            assert!(is_linear(&events, capacity, true), "{capacity} items at most: {events:#?}");
            overlapped += overlaps(&events);
        }
        overlapped
    });
    println!("{overlapped} operations overlapped");
    assert!(overlapped > 0, "the threads ran one after the other");
}

/// A queue that is wrong when two threads meet: both may get the same item.
#[derive(Clone)]
struct Broken {
    items: Arc<Mutex<VecDeque<u64>>>,
    capacity: usize,
    /// Receivers that have looked and not yet taken.
    inside: Arc<AtomicUsize>,
}

impl End for Broken {
    fn run(&mut self, op: Op) -> Op {
        match op {
            Op::Send(item, _) => {
                let mut items = self.items.lock().unwrap();
                let full = items.len() == self.capacity;
                if !full {
                    items.push_back(item);
                }
                Op::Send(item, if full { Err(Stop::Later) } else { Ok(()) })
            }
            _ => {
                let Some(item) = self.items.lock().unwrap().front().copied() else {
                    return Op::Recv(Err(Stop::Later));
                };
                self.inside.fetch_add(1, SeqCst);
                // A moment, in which the other may come.
                for _ in 0..100 {
                    if self.inside.load(SeqCst) > 1 {
                        break;
                    }
                    thread::yield_now();
                }
                self.inside.fetch_sub(1, SeqCst);
                self.items.lock().unwrap().pop_front();
                Op::Recv(Ok(item))
            }
        }
    }
}

#[test]
fn a_queue_that_is_wrong_when_threads_meet_is_refused() {
    let refused = with_threads(3, |threads| {
        (0..10_000).find(|_| {
            let end = Broken { items: Arc::default(), capacity: 4, inside: Arc::default() };
            let send = (0..3).map(|n| Op::Send(n, Ok(()))).collect();
            let receive = || (vec![Op::Recv(Ok(0)); 3], Box::new(end.clone()) as Box<dyn End>);
            let parts = vec![(send, Box::new(end.clone()) as Box<_>), receive(), receive()];
            !is_linear(&threads.history(parts), 4, true)
        })
    });
    println!("refused the history {refused:?}");
    assert!(refused.is_some());
}

/// Events as (thread, start, end, operation).
fn events(events: &[(usize, u32, u32, Op)]) -> Vec<Event> {
    events.iter().map(|&(thread, start, end, op)| Event { thread, start, end, op }).collect()
}

#[test]
fn the_check_tells_right_histories_from_wrong_ones() {
    const LATER: Stop = Stop::Later;
    let sent = |item| Op::Send(item, Ok(()));
    let got = |item| Op::Recv(Ok(item));
    // One after the other, and together in the only order that explains them.
    let right =
        events(&[(0, 0, 1, sent(1)), (0, 2, 3, sent(2)), (1, 4, 5, got(1)), (1, 6, 7, got(2))]);
    assert!(is_linear(&right, 2, false));
    let together =
        events(&[(0, 0, 5, sent(1)), (1, 1, 4, sent(2)), (2, 2, 3, got(2)), (2, 6, 7, got(1))]);
    assert!(is_linear(&together, 2, false));
    assert!(!is_linear(&right, 1, false), "more than fits");
    for wrong in [
        events(&[(0, 0, 1, sent(1)), (0, 2, 3, sent(2)), (1, 4, 5, got(2)), (1, 6, 7, got(1))]),
        events(&[(0, 0, 1, sent(1)), (1, 2, 5, got(1)), (2, 3, 4, got(1))]),
        events(&[(1, 0, 1, got(1)), (0, 2, 3, sent(1))]),
        events(&[(0, 0, 1, sent(1)), (1, 2, 3, Op::Recv(Err(LATER)))]),
        events(&[(0, 0, 1, Op::Send(1, Err(LATER)))]),
        events(&[(0, 0, 1, Op::Close), (0, 2, 3, sent(1))]),
        events(&[(0, 0, 1, sent(1)), (0, 2, 3, Op::Close), (1, 4, 5, Op::Recv(Err(Stop::Closed)))]),
    ] {
        assert!(!is_linear(&wrong, 2, false) && !is_linear(&wrong, 2, true), "{wrong:#?}");
    }
    // "Empty" while another sends is excused for many ends only.
    let excused =
        events(&[(0, 0, 1, sent(1)), (2, 2, 5, sent(2)), (1, 3, 4, Op::Recv(Err(LATER)))]);
    assert!(is_linear(&excused, 2, true) && !is_linear(&excused, 2, false));
}
