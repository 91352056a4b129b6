//! Random programs of what can be done with a channel, bounded or growing, on one thread, beside a model that is a queue
//! and a few flags: every answer must be the model's, every wait that is over must have woken its task, and of items that
//! count themselves as many live as the model says.
//!
//! `ZIGFLOW_PROGRAMS` sets how many programs run, `ZIGFLOW_PROGRAM` runs the one of this seed and tells its steps.
//! The last test shows that an end that is wrong is found.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use zigflow::channel::{RecvError, TryRecvError, TrySendError};
use zigflow::{StreamError, mpmc, spsc};
use zigflow_tests::ends::{self as one, Lang, Stop, TORN};
use zigflow_tests::many_ends as many;
use zigflow_tests::task::{Task, keep};

const CAPACITIES: [usize; 11] = [1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257];
/// Of either kind.
const MOST_ENDS: usize = 4;
const WRAP: u32 = 1 << 30;

/// Numbers that look random; the same for a seed.
struct Random(u64);

impl Random {
    fn of(seed: u64) -> Self {
        // Seeds that follow each other are to begin differently.
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % limit as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// An item that Rust's ends pass: how many live is known.
struct Counted {
    number: u64,
    live: Arc<AtomicUsize>,
}

impl Counted {
    fn new(number: u64, live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, SeqCst);
        Self { number, live: live.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live.fetch_sub(1, SeqCst);
    }
}

/// What is wrong with the ends of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    /// Each item that is received without waiting takes the next one with it.
    Swallows,
    /// Tasks are polled with wakers that wake nobody.
    WakesNobody,
    /// What is received is never dropped.
    Leaks,
    /// A close that says why does not say it.
    ForgetsWhy,
    /// The last item of a batch or grant comes first.
    Turns,
    /// A full channel answers that it is closed.
    FullIsClosed,
    /// A grant that is given up sends.
    SendsAllGrants,
}

/// What the model knows of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Reserved.
    Held,
    Item(u64),
    /// It was reserved and given up, and nobody has passed over it.
    GivenUp,
    /// Its item was received and is still in it.
    Read,
    /// Free again, behind one that is not.
    Gone,
}

/// The slots of a channel from the oldest that is not free, in order.
struct Queue {
    slots: VecDeque<State>,
    /// How many came before these.
    before: usize,
    /// How many of these are behind the receivers.
    head: usize,
    capacity: usize,
    /// Items of a block and how many blocks there can be, if it grows.
    blocks: Option<(usize, usize)>,
    /// How many were passed over.
    passed: u64,
    /// How many of these are items, and how many are reserved.
    items: usize,
    held: usize,
}

impl Queue {
    fn new(capacity: usize, blocks: Option<(usize, usize)>) -> Self {
        Self {
            slots: VecDeque::new(),
            before: 0,
            head: 0,
            capacity,
            blocks,
            passed: 0,
            items: 0,
            held: 0,
        }
    }

    /// As the channel counts.
    fn len(&self) -> usize {
        self.slots.len() - self.head
    }

    /// How many can be sent now.
    fn room(&self) -> usize {
        let Some((items, blocks)) = self.blocks else { return self.capacity - self.slots.len() };
        // The last slot of all is claimed together with the block behind it.
        let first_block = (self.before + self.head) / items;
        (first_block + blocks) * items - 1 - (self.before + self.slots.len())
    }

    /// Where it stands.
    fn push(&mut self, state: State) -> usize {
        self.slots.push_back(state);
        self.count(state);
        self.before + self.slots.len() - 1
    }

    fn count(&mut self, state: State) {
        self.items += usize::from(matches!(state, State::Item(_)));
        self.held += usize::from(state == State::Held);
    }

    /// The slot at this place is not what it was.
    fn set(&mut self, place: usize, state: State) {
        let place = place - self.before;
        if std::mem::replace(&mut self.slots[place], state) == State::Held {
            self.held -= 1;
        }
        self.count(state);
        if state == State::GivenUp {
            self.pass_over();
        }
        self.trim();
    }

    /// Whether there was one.
    fn pass_over(&mut self) -> bool {
        let mut passed = false;
        while self.slots.get(self.head) == Some(&State::GivenUp) {
            self.slots[self.head] = State::Gone;
            self.head += 1;
            self.passed += 1;
            passed = true;
        }
        self.trim();
        passed
    }

    fn trim(&mut self) {
        while self.slots.front() == Some(&State::Gone) {
            self.slots.pop_front();
            self.before += 1;
            self.head -= 1;
        }
    }

    /// The next item and where it stands; it may stay there.
    fn take(&mut self, stays: bool) -> Option<(u64, usize)> {
        self.pass_over();
        let Some(State::Item(number)) = self.slots.get(self.head).copied() else { return None };
        let place = self.before + self.head;
        let stays = stays && self.blocks.is_none();
        self.slots[self.head] = if stays { State::Read } else { State::Gone };
        self.head += 1;
        self.items -= 1;
        self.trim();
        if self.blocks.is_some() {
            self.pass_over();
        }
        Some((number, place))
    }

    /// Those that can be received now.
    fn ready(&self) -> impl Iterator<Item = u64> {
        let ahead = self.slots.range(self.head..).take_while(|state| **state != State::Held);
        ahead.filter_map(|state| if let State::Item(number) = state { Some(*number) } else { None })
    }
}

/// A grant that is kept for a while. It borrows from the end, which its [`Slot`] keeps for longer.
enum Grant {
    Room(many::Room<'static, u64>),
    CountedRoom(mpmc::WriteGrant<'static, Counted>),
    /// For its drop alone.
    Reading(#[allow(dead_code)] many::Reading<'static, u64>),
    CountedReading(mpmc::ReadGrant<'static, Counted>),
}

/// With its place.
struct Kept(Grant, usize);

/// The items of a step by their numbers, or why there are none.
type Answer = Result<Vec<u64>, Stop>;
/// A future of an end. It borrows from the end, which its [`Slot`] keeps for longer.
type Future = Pin<Box<dyn std::future::Future<Output = Answer>>>;

enum Sender {
    One(one::Tx<u64>),
    Many(many::Tx<u64>),
    OneCounted(spsc::Sender<Counted>),
    ManyCounted(mpmc::Sender<Counted>),
}

enum Receiver {
    One(one::Rx<u64>),
    Many(many::Rx<u64>),
    /// With the reason, once it was told.
    OneCounted(spsc::Receiver<Counted>, Option<StreamError>),
    ManyCounted(mpmc::Receiver<Counted>, Option<StreamError>),
}

/// The number of an item that came back unsent.
fn back<T>(error: TrySendError<T>, number: u64, of: impl Fn(&T) -> u64) -> Stop {
    let stop = if matches!(error, TrySendError::Full(_)) { Stop::Later } else { Stop::Closed };
    assert_eq!(of(&error.into_inner()), number, "another item came back");
    stop
}

/// What an end of counted items said, in the words of all.
fn said(
    told: &mut Option<StreamError>,
    bug: Bug,
    received: Result<Counted, TryRecvError>,
) -> Result<u64, Stop> {
    match received {
        Ok(item) => {
            let number = item.number;
            if bug == Bug::Leaks {
                keep(item);
            }
            Ok(number)
        }
        Err(TryRecvError::Empty) => Err(Stop::Later),
        Err(TryRecvError::Closed) => Err(Stop::Closed),
        Err(TryRecvError::Failed(reason)) => {
            assert_eq!(told.replace(reason), None, "told twice");
            Err(Stop::Closed)
        }
    }
}

/// Runs this where every kind of end has it.
macro_rules! for_all {
    ($kind:ident, $self:expr, $end:ident => $body:expr) => {
        match $self {
            $kind::One($end) => $body,
            $kind::Many($end) => $body,
            $kind::OneCounted($end, ..) => $body,
            $kind::ManyCounted($end, ..) => $body,
        }
    };
}

/// Closes without a reason, with a name or with a code.
macro_rules! close {
    ($kind:ident, $self:expr, $how:expr) => {
        match ($how, $self) {
            (0, end) => for_all!($kind, end, end => end.close()),
            (1, $kind::One(end)) => end.close_torn(),
            (1, $kind::Many(end)) => end.close_torn(),
            (_, $kind::One(end)) => end.close_code(7),
            (_, $kind::Many(end)) => end.close_code(7),
            (how, $kind::OneCounted(end, ..)) => end.close_with(why(how).unwrap()),
            (how, $kind::ManyCounted(end, ..)) => end.close_with(why(how).unwrap()),
        }
    };
}

/// The reason of such a close.
fn why(how: usize) -> Option<StreamError> {
    [None, Some(TORN), Some(StreamError::Code(7))][how]
}

impl Sender {
    fn is_rust(&self) -> bool {
        !matches!(self, Self::One(one::Tx::Zig(_)) | Self::Many(many::Tx::Zig(_)))
    }

    fn try_send(&mut self, number: u64, live: &Arc<AtomicUsize>) -> Result<(), Stop> {
        let item = Counted::new(number, live);
        match self {
            Self::One(tx) => tx.try_send(number),
            Self::Many(tx) => tx.try_send(number),
            Self::OneCounted(tx) => {
                tx.try_send(item).map_err(|error| back(error, number, |item| item.number))
            }
            Self::ManyCounted(tx) => {
                tx.try_send(item).map_err(|error| back(error, number, |item| item.number))
            }
        }
    }

    /// In place of the oldest item, which comes back.
    fn force_send(&self, number: u64, live: &Arc<AtomicUsize>) -> Option<Answer> {
        let sent = match self {
            Self::Many(many::Tx::Rust(tx)) => {
                tx.force_send(number).map_err(|error| back(error, number, |item| *item))
            }
            Self::ManyCounted(tx) => tx
                .force_send(Counted::new(number, live))
                .map(|oldest| oldest.map(|item| item.number))
                .map_err(|error| back(error, number, |item| item.number)),
            _ => return None,
        };
        Some(sent.map(|oldest| oldest.into_iter().collect()))
    }

    fn snapshot(&self) -> one::Counters {
        match self {
            Self::One(tx) => tx.snapshot(),
            Self::Many(tx) => tx.snapshot(),
            Self::OneCounted(tx) => of(tx.snapshot()),
            Self::ManyCounted(tx) => of(tx.snapshot()),
        }
    }
}

impl Receiver {
    fn is_rust(&self) -> bool {
        !matches!(self, Self::One(one::Rx::Zig(_)) | Self::Many(many::Rx::Zig(_)))
    }

    fn try_recv(&mut self, bug: Bug) -> Result<u64, Stop> {
        let received = match self {
            Self::One(rx) => rx.try_recv(),
            Self::Many(rx) => rx.try_recv(),
            Self::OneCounted(rx, told) => said(told, bug, rx.try_recv()),
            Self::ManyCounted(rx, told) => said(told, bug, rx.try_recv()),
        };
        if bug == Bug::Swallows && received.is_ok() {
            let _ = self.try_recv(Bug::None);
        }
        received
    }

    /// What the end says of why the channel was closed.
    fn reason(&self) -> Option<StreamError> {
        match self {
            Self::One(rx) => rx.reason(),
            Self::Many(rx) => rx.reason(),
            Self::OneCounted(_, told) | Self::ManyCounted(_, told) => *told,
        }
    }

    fn snapshot(&self) -> one::Counters {
        match self {
            Self::One(rx) => rx.snapshot(),
            Self::Many(rx) => rx.snapshot(),
            Self::OneCounted(rx, _) => of(rx.snapshot()),
            Self::ManyCounted(rx, _) => of(rx.snapshot()),
        }
    }
}

/// As the ends of both languages have it; sleeps and wakes are not compared.
fn of(snapshot: zigflow::channel::Snapshot) -> one::Counters {
    let mut counters = [0; 10];
    counters[0] = snapshot.sent;
    counters[1] = snapshot.received;
    counters[2] = snapshot.len as u64;
    counters[3] = snapshot.capacity as u64;
    counters[5] = snapshot.dropped.into();
    counters
}

/// What a future waits for, as the model sees it.
#[derive(Debug)]
enum Wait {
    /// To send these; one by one, or all at once.
    Send { left: VecDeque<u64>, at_once: bool, gives_up: bool },
    /// For up to so many.
    Recv { limit: usize },
}

/// A future that is polled by hand.
struct Waiting {
    future: Future,
    wait: Wait,
    task: Task,
    /// How often it had been woken when it was last polled; none: it was not.
    polled: Option<usize>,
}

/// An end, and its future or its grant, which borrow from it: so the end stays where it is, and goes last.
struct Slot<E> {
    waiting: Option<Waiting>,
    kept: Option<Kept>,
    end: *mut E,
    /// Of a receiver: what it is to say once it has told the end.
    heard: Option<Option<StreamError>>,
}

impl<E> Slot<E> {
    fn new(end: E) -> Self {
        Self { waiting: None, kept: None, end: Box::into_raw(Box::new(end)), heard: None }
    }

    /// Something borrows from the end.
    fn is_lent(&self) -> bool {
        self.waiting.is_some() || self.kept.is_some()
    }

    /// Only while nothing borrows.
    fn end(&mut self) -> &mut E {
        assert!(!self.is_lent());
        // SAFETY: the box lives as long as the slot, and nothing else borrows from it.
        unsafe { &mut *self.end }
    }

    /// For a future or a grant, which is dropped before the end is used again.
    fn long(&mut self) -> &'static mut E {
        // SAFETY: see `Slot`.
        unsafe { &mut *self.end }
    }
}

impl<E> Drop for Slot<E> {
    fn drop(&mut self) {
        self.waiting = None;
        self.kept = None;
        // SAFETY: made of a box; nothing borrows from it any more.
        drop(unsafe { Box::from_raw(self.end) });
    }
}

/// A channel, its model and what is done with both.
struct Program {
    random: Random,
    bug: Bug,
    steps: String,
    senders: Vec<Slot<Sender>>,
    receivers: Vec<Slot<Receiver>>,
    /// All tasks there were: in the end no waker may be left.
    tasks: Vec<std::sync::Weak<zigflow_tests::task::Wakes>>,
    weak: Option<(mpmc::WeakSender<u64>, mpmc::WeakReceiver<u64>)>,
    live: Arc<AtomicUsize>,
    counted: bool,
    one: bool,
    next: u64,
    /// Of four steps, how many are a sender's.
    senders_steps: usize,
    /// Every other step begins a wait, if it can.
    waits: bool,

    capacity: usize,
    items: Queue,
    /// One wake may stand for several things to do: who is woken passes it on.
    in_turn: [bool; 2],
    closed: bool,
    /// Why the senders closed, and the receivers. Channels with many ends have one reason.
    reasons: [Option<Option<StreamError>>; 2],
    sent: u64,
    dropped: u64,
    /// How many there were when it began.
    sent_before: u64,
}

/// How a channel with many ends gets its memory.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Bounded,
    /// Blocks of so many items, so many blocks, which wrap around after so many.
    Blocks(usize, usize, usize),
    Within(usize),
    Unbounded,
}

impl Shape {
    fn of(random: &mut Random) -> Self {
        match random.below(8) {
            0..4 => Self::Bounded,
            4..6 => {
                Self::Blocks(random.pick(&[1, 2, 4, 8]), random.pick(&[2, 3, 5]), random.below(4))
            }
            6 => Self::Within(random.pick(&[100, 300, 1000, 5000])),
            _ => Self::Unbounded,
        }
    }

    fn ends<T: Send>(self, capacity: usize, laps: u32) -> (mpmc::Sender<T>, mpmc::Receiver<T>) {
        match self {
            Self::Bounded => mpmc::before_the_wrap(capacity, laps).unwrap(),
            Self::Blocks(items, blocks, before) => {
                mpmc::unbounded_of_blocks(items, blocks as u32, before as u32).unwrap()
            }
            Self::Within(bytes) => mpmc::unbounded_within(bytes),
            Self::Unbounded => mpmc::unbounded(),
        }
    }

    /// Items of a block, and how many blocks.
    fn blocks<T>(self) -> Option<(usize, usize)> {
        let bytes = match self {
            Self::Bounded => return None,
            Self::Blocks(items, blocks, _) => return Some((items, blocks)),
            Self::Within(bytes) => bytes,
            Self::Unbounded => usize::MAX,
        };
        // As it is told where it is made: a link and the slots, of about 4 KiB, or less to have four of them.
        let slot = size_of::<(usize, T)>();
        let mut items = 1 << (4096 / slot).clamp(8, 256).ilog2();
        loop {
            let blocks = (bytes / (8 + items * slot)).min((1 << 28) / items);
            if blocks >= 4 || (blocks >= 2 && items == 1) {
                return Some((items, blocks));
            }
            items /= 2;
        }
    }
}

fn lang(random: &mut Random) -> Lang {
    random.pick(&[Lang::Rust, Lang::Zig])
}

impl Program {
    fn new(seed: u64, bug: Bug) -> Self {
        let mut random = Random::of(seed);
        let mut capacity = random.pick(&CAPACITIES);
        let (one, counted) = (random.below(2) == 0, random.below(3) == 0);
        let half = capacity as u32 / 2;
        let start = random.pick(&[0, 1, WRAP - 1, WRAP - half, (1 << 29) - half]);
        let laps = random.pick(&[0, 1, 2, 3]);
        let shape = if one { Shape::Bounded } else { Shape::of(&mut random) };
        let mut blocks = None;
        let (mut weak, mut languages) = (None, "both in Rust, counted".to_owned());
        let (tx, rx) = match (one, counted) {
            (true, true) => {
                let (tx, rx) = spsc::starting_at(capacity, start).unwrap();
                (Sender::OneCounted(tx), Receiver::OneCounted(rx, None))
            }
            (false, true) => {
                let (tx, rx) = shape.ends::<Counted>(capacity, laps);
                (capacity, blocks) = (tx.capacity(), shape.blocks::<Counted>());
                (Sender::ManyCounted(tx), Receiver::ManyCounted(rx, None))
            }
            (true, false) => {
                let (tx, rx) = spsc::starting_at(capacity, start).unwrap();
                let (from, to) = (lang(&mut random), lang(&mut random));
                languages = format!("{from:?} to {to:?}");
                let tx = if from == Lang::Zig { one::Tx::in_zig(tx) } else { one::Tx::Rust(tx) };
                let rx =
                    if to == Lang::Zig { one::Rx::in_zig(rx) } else { one::Rx::Rust(rx, None) };
                (Sender::One(tx), Receiver::One(rx))
            }
            (false, false) => {
                let (tx, rx) = shape.ends::<u64>(capacity, laps);
                (capacity, blocks) = (tx.capacity(), shape.blocks::<u64>());
                weak = Some((tx.downgrade(), rx.downgrade()));
                let (from, to) = (lang(&mut random), lang(&mut random));
                languages = format!("{from:?} to {to:?}");
                (Sender::Many(many::Tx::of(from, tx)), Receiver::Many(many::Rx::of(to, rx)))
            }
        };
        let flavor = if one { "spsc" } else { "mpmc" };
        let steps = format!(
            "{flavor} of {capacity}, {shape:?}, {languages}, from {start} or {laps} laps\n"
        );
        let sent_before = tx.snapshot()[0];
        let (senders_steps, waits) = (random.pick(&[1, 2, 3]), random.below(2) == 0);
        Self {
            random,
            bug,
            steps,
            senders: vec![Slot::new(tx)],
            receivers: vec![Slot::new(rx)],
            tasks: Vec::new(),
            weak,
            live: Arc::default(),
            counted,
            one,
            next: 1,
            senders_steps,
            waits,
            capacity,
            items: Queue::new(capacity, blocks),
            in_turn: [blocks.is_some(), false],
            closed: false,
            reasons: [None; 2],
            sent: 0,
            dropped: 0,
            sent_before,
        }
    }

    /// Runs to the end, or panics where an answer is wrong.
    fn run(&mut self) {
        (0..self.random.below(4)).for_each(|_| self.clone_sender(0));
        (0..self.random.below(4)).for_each(|_| self.clone_receiver(0));
        for _ in 0..40 + self.random.below(160) {
            if self.senders.is_empty() && self.receivers.is_empty() {
                break;
            }
            let senders_turn = self.random.below(4) < self.senders_steps;
            if senders_turn && !self.senders.is_empty() || self.receivers.is_empty() {
                self.sender_step();
            } else {
                self.receiver_step();
            }
            self.check();
        }
        while !self.senders.is_empty() || !self.receivers.is_empty() {
            if self.receivers.is_empty() || !self.senders.is_empty() && self.random.below(2) == 0 {
                self.drop_sender(0);
            } else {
                self.drop_receiver(0);
            }
            self.check();
        }
        self.weak = None;
        assert_eq!(self.live.load(SeqCst), 0, "items are left");
        assert!(self.tasks.iter().all(|task| task.strong_count() == 0), "wakers are left");
    }

    fn note(&mut self, step: std::fmt::Arguments<'_>) {
        self.steps.write_fmt(step).unwrap();
        self.steps.push('\n');
    }

    /// Which kind of step; 13 to 18 begin a wait.
    fn kind(&mut self) -> usize {
        if self.waits && self.random.below(2) == 0 { 13 } else { self.random.below(24) }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn numbers(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.number()).collect()
    }

    fn room(&self) -> usize {
        self.items.room()
    }

    fn send_in_model(&mut self, number: u64) {
        self.items.push(State::Item(number));
        self.sent += 1;
    }

    /// A slot is reserved; its place.
    fn reserve_in_model(&mut self) -> usize {
        self.sent += 1;
        self.items.push(State::Held)
    }

    /// The slot at this place is filled, given up, or free.
    fn finish_in_model(&mut self, place: usize, state: State) {
        self.items.set(place, state);
        if self.receivers.is_empty() {
            self.discard_in_model();
        }
    }

    /// Nobody will receive what can be received.
    fn discard_in_model(&mut self) {
        while self.items.take(false).is_some() {}
    }

    /// What an attempt to send one answers.
    fn one_sent(&mut self, number: u64) -> Result<(), Stop> {
        if self.closed {
            return Err(Stop::Closed);
        }
        if self.room() == 0 {
            return Err(Stop::Later);
        }
        self.send_in_model(number);
        Ok(())
    }

    /// What an attempt to receive up to `limit` answers.
    fn received(&mut self, limit: usize) -> Answer {
        let received: Vec<u64> = std::iter::from_fn(|| self.items.take(false))
            .take(limit)
            .map(|(item, _)| item)
            .collect();
        if received.is_empty() { Err(self.nothing()) } else { Ok(received) }
    }

    /// Why there is nothing to receive.
    fn nothing(&self) -> Stop {
        if self.closed && self.items.len() == 0 { Stop::Closed } else { Stop::Later }
    }

    fn sender_step(&mut self) {
        let at = self.random.below(self.senders.len());
        if self.senders[at].waiting.is_some() {
            if self.random.below(4) == 0 {
                self.note(format_args!("sender {at}: drop the future"));
                self.senders[at].waiting = None;
            } else {
                self.poll(true, at);
            }
            return;
        }
        if self.senders[at].kept.is_some() {
            if self.random.below(3) == 0 {
                self.finish_sender(at);
            }
            return;
        }
        let (bug, live) = (self.bug, self.live.clone());
        match self.kind() {
            0..5 => {
                let number = self.number();
                self.note(format_args!("sender {at}: try_send {number}"));
                let mut sent = self.senders[at].end().try_send(number, &live);
                if bug == Bug::FullIsClosed && sent == Err(Stop::Later) {
                    sent = Err(Stop::Closed);
                }
                assert_eq!(sent, self.one_sent(number));
            }
            5 => {
                // Fill, or nearly.
                let most = if self.items.blocks.is_some() { 40 } else { self.capacity };
                let count = self.room().min(most) + self.random.below(2);
                self.note(format_args!("sender {at}: try_send, {count} times"));
                for number in self.numbers(count) {
                    let sent = self.senders[at].end().try_send(number, &live);
                    assert_eq!(sent, self.one_sent(number));
                }
            }
            6..8 => self.batch(at),
            8..10 => self.grant(at),
            10 => {
                let number = self.number();
                let sent = match self.senders[at].end() {
                    Sender::One(tx) => tx.send_or_drop(number),
                    Sender::OneCounted(tx) => {
                        tx.send_or_drop(Counted::new(number, &live)).map_err(|_| Stop::Closed)
                    }
                    _ => return,
                };
                self.note(format_args!("sender {at}: send_or_drop {number}"));
                let right = match self.one_sent(number) {
                    Err(Stop::Later) => {
                        self.dropped += 1;
                        Ok(false)
                    }
                    other => other.map(|()| true),
                };
                assert_eq!(sent, right);
            }
            11..13 => {
                let number = self.number();
                let Some(sent) = self.senders[at].end().force_send(number, &live) else { return };
                self.note(format_args!("sender {at}: force_send {number}"));
                let right = match self.one_sent(number) {
                    // A slot that was given up makes room, if it is the next one.
                    Err(Stop::Later) if self.items.blocks.is_none() => {
                        let passed = self.items.pass_over();
                        if passed && self.room() > 0 {
                            self.one_sent(number).map(|()| Vec::new())
                        } else if let Some((oldest, _)) = self.items.take(false) {
                            self.dropped += 1;
                            self.one_sent(number).map(|()| vec![oldest])
                        } else {
                            Err(Stop::Later)
                        }
                    }
                    sent => sent.map(|()| Vec::new()),
                };
                assert_eq!(sent, right);
            }
            13..19 => self.start_sending(at),
            19 if self.random.below(4) == 0 => {
                let how = self.random.below(3);
                self.note(format_args!("sender {at}: close {how}"));
                let end = self.senders[at].end();
                let told = if bug == Bug::ForgetsWhy { 0 } else { how };
                close!(Sender, end, told);
                self.close(0, why(how));
            }
            20..22 => self.clone_sender(at),
            22 if self.senders.len() > 1 || self.random.below(8) == 0 => {
                self.note(format_args!("sender {at}: drop"));
                self.drop_sender(at);
            }
            _ => {
                let snapshot = self.senders[at].end().snapshot();
                self.compare(snapshot);
            }
        }
    }

    fn clone_sender(&mut self, at: usize) {
        let another = match self.senders[at].end() {
            Sender::Many(tx) => Sender::Many(tx.clone()),
            Sender::ManyCounted(tx) => Sender::ManyCounted(tx.clone()),
            _ => return,
        };
        if self.senders.len() < MOST_ENDS {
            self.note(format_args!("sender {at}: clone"));
            self.senders.push(Slot::new(another));
        }
    }

    fn clone_receiver(&mut self, at: usize) {
        let another = match self.receivers[at].end() {
            Receiver::Many(rx) => Receiver::Many(rx.clone()),
            Receiver::ManyCounted(rx, _) => Receiver::ManyCounted(rx.clone(), None),
            _ => return,
        };
        if self.receivers.len() < MOST_ENDS {
            self.note(format_args!("receiver {at}: clone"));
            self.receivers.push(Slot::new(another));
        }
    }

    /// A batch of an spsc sender of plain data.
    fn batch(&mut self, at: usize) {
        let count = self.random.below(self.capacity.min(40) + 3);
        let items = self.numbers(count);
        let mut order = items.clone();
        if self.bug == Bug::Turns {
            order.reverse();
        }
        let Sender::One(tx) = self.senders[at].end() else { return };
        let sent = tx.try_send_many(&order);
        self.note(format_args!("sender {at}: try_send_many {items:?}"));
        // Nothing is to be sent: whether the channel is closed does not matter then.
        if items.is_empty() {
            assert!(sent == Ok(0) || self.closed, "{sent:?}");
            return;
        }
        let right = if self.closed { Err(Stop::Closed) } else { Ok(self.room().min(items.len())) };
        assert_eq!(sent, right);
        items[..right.unwrap_or(0)].iter().for_each(|item| self.send_in_model(*item));
    }

    /// A grant for an item; it may be kept.
    fn reserve(&mut self, at: usize) {
        self.note(format_args!("sender {at}: reserve"));
        let reserved = match self.senders[at].long() {
            Sender::Many(tx) => tx.try_reserve().map(Grant::Room),
            Sender::ManyCounted(tx) => {
                tx.try_reserve().map(Grant::CountedRoom).map_err(|error| match error {
                    TrySendError::Full(()) => Stop::Later,
                    TrySendError::Closed(()) => Stop::Closed,
                })
            }
            _ => unreachable!("it has many slots"),
        };
        let grant = match reserved {
            Ok(grant) => grant,
            Err(stop) => {
                let right = if self.closed { Stop::Closed } else { Stop::Later };
                assert_eq!((stop, self.closed || self.room() == 0), (right, true));
                return;
            }
        };
        assert!(!self.closed && self.room() > 0, "there is no room");
        let place = self.reserve_in_model();
        self.senders[at].kept = Some(Kept(grant, place));
        // What is behind it, or behind what was given up, comes by one wake.
        self.in_turn = [true; 2];
        if self.random.below(3) == 0 {
            self.finish_sender(at);
        }
    }

    /// Sends by the grant that was kept, or gives it up.
    fn finish_sender(&mut self, at: usize) {
        let Some(Kept(grant, place)) = self.senders[at].kept.take() else { return };
        let (number, live, sends) = (self.number(), self.live.clone(), self.random.below(2) == 0);
        let state = if sends { State::Item(number) } else { State::GivenUp };
        self.note(format_args!("sender {at}: the grant, {state:?}"));
        let sends = sends || self.bug == Bug::SendsAllGrants;
        match grant {
            Grant::Room(room) if sends => room.send(number),
            Grant::CountedRoom(room) if sends => room.send(Counted::new(number, &live)),
            given_up => drop(given_up),
        }
        self.finish_in_model(place, state);
    }

    /// An item that is read in place, and may stay there for a while.
    fn read_one(&mut self, at: usize) {
        self.note(format_args!("receiver {at}: read"));
        let bug = self.bug;
        let read = match self.receivers[at].long() {
            Receiver::Many(rx) => rx.try_read().map(|mut reading| {
                let number = *reading.item();
                (number, Grant::Reading(reading))
            }),
            Receiver::ManyCounted(rx, told) => match rx.try_read() {
                Ok(reading) => Ok((reading.number, Grant::CountedReading(reading))),
                Err(error) => Err(said(told, bug, Err(error)).unwrap_err()),
            },
            _ => unreachable!("it has many slots"),
        };
        match read {
            Ok((number, grant)) => {
                let Some((right, place)) = self.items.take(true) else { panic!("{number} came") };
                assert_eq!(number, right);
                self.receivers[at].kept = Some(Kept(grant, place));
                self.in_turn[0] = true;
                if self.random.below(3) == 0 {
                    self.finish_receiver(at);
                }
            }
            Err(stop) => self.was_received(at, Err(stop), 1),
        }
    }

    /// Lets go of the item that was read.
    fn finish_receiver(&mut self, at: usize) {
        let Some(Kept(grant, place)) = self.receivers[at].kept.take() else { return };
        self.note(format_args!("receiver {at}: the grant goes"));
        match grant {
            Grant::CountedReading(reading) if self.random.below(2) == 0 => drop(reading.take()),
            grant => drop(grant),
        }
        if self.items.blocks.is_none() {
            self.finish_in_model(place, State::Gone);
        }
    }

    /// A grant of an spsc sender, all of which is sent; of another one for an item.
    fn grant(&mut self, at: usize) {
        if !self.one {
            return self.reserve(at);
        }
        let count = 1 + self.random.below(self.capacity.min(40));
        let items = self.numbers(count);
        let live = self.live.clone();
        let sent = match self.senders[at].end() {
            Sender::One(tx) => tx.send_grant(&items, || ()).map(|(first, second)| first + second),
            Sender::OneCounted(tx) => match tx.try_reserve(count) {
                Ok(mut grant) => {
                    for number in &items {
                        assert!(grant.push(Counted::new(*number, &live)).is_ok());
                    }
                    assert_eq!((grant.len(), grant.capacity()), (count, count));
                    Ok(grant.commit().unwrap_or_else(|_| panic!("closed meanwhile")))
                }
                Err(TrySendError::Full(())) => Err(Stop::Later),
                Err(TrySendError::Closed(())) => Err(Stop::Closed),
            },
            _ => return,
        };
        self.note(format_args!("sender {at}: a grant for {items:?}"));
        if self.closed {
            assert_eq!(sent, Err(Stop::Closed));
        } else if self.room() < count {
            assert_eq!(sent, Err(Stop::Later));
        } else {
            assert_eq!(sent, Ok(count));
            items.iter().for_each(|item| self.send_in_model(*item));
        }
    }

    fn start_sending(&mut self, at: usize) {
        let many = self.one && self.senders[at].end().is_rust() && self.random.below(2) == 0;
        let count = if many { 1 + self.random.below(self.capacity.min(20)) } else { 1 };
        let items = self.numbers(count);
        let (number, live) = (items[0], self.live.clone());
        let batch = items.clone();
        let mut at_once = false;
        // By a grant, and perhaps for nothing.
        let by_grant = !self.one && self.senders[at].end().is_rust() && self.random.below(3) == 0;
        let gives_up = by_grant && self.random.below(2) == 0;
        if by_grant {
            self.in_turn = [true; 2];
        }
        let future: Future = match self.senders[at].long() {
            Sender::One(one::Tx::Rust(tx)) => {
                at_once = many && self.random.below(2) == 0;
                if at_once {
                    Box::pin(async move {
                        let mut grant = tx.reserve(batch.len()).await.map_err(|_| Stop::Closed)?;
                        assert_eq!(grant.extend_from_slice(&batch), batch.len());
                        grant.commit().map(|_| Vec::new()).map_err(|_| Stop::Closed)
                    })
                } else if many {
                    Box::pin(async move {
                        tx.send_many(&batch).await.map(|()| Vec::new()).map_err(|_| Stop::Closed)
                    })
                } else {
                    let send = tx.send(number);
                    Box::pin(async move {
                        send.await.map(|()| Vec::new()).map_err(|error| {
                            assert_eq!(error.into_inner(), number);
                            Stop::Closed
                        })
                    })
                }
            }
            Sender::One(tx @ one::Tx::Zig(_)) => Box::pin(std::future::poll_fn(move |cx| {
                tx.poll_send(cx, number).map(|sent| sent.map(|()| Vec::new()))
            })),
            Sender::Many(tx) => match tx {
                many::Tx::Rust(tx) => Box::pin(async move {
                    if !by_grant {
                        return tx.send(number).await.map(|()| Vec::new()).map_err(|error| {
                            assert_eq!(error.into_inner(), number);
                            Stop::Closed
                        });
                    }
                    let grant = tx.reserve().await.map_err(|_| Stop::Closed)?;
                    if gives_up {
                        drop(grant);
                    } else {
                        grant.send(number);
                    }
                    Ok(Vec::new())
                }),
                tx => {
                    let send = tx.sending(number);
                    Box::pin(async move { send.await.map(|()| Vec::new()) })
                }
            },
            Sender::OneCounted(tx) => {
                let mut item = (!many).then(|| Counted::new(number, &live));
                at_once = many;
                Box::pin(async move {
                    if many {
                        let mut grant = tx.reserve(batch.len()).await.map_err(|_| Stop::Closed)?;
                        for number in batch {
                            assert!(grant.push(Counted::new(number, &live)).is_ok());
                        }
                        return grant.commit().map(|_| Vec::new()).map_err(|_| Stop::Closed);
                    }
                    tx.send_from(&mut item).await.map(|()| Vec::new()).map_err(|_| Stop::Closed)
                })
            }
            Sender::ManyCounted(tx) => {
                let item = (!by_grant).then(|| Counted::new(number, &live));
                Box::pin(async move {
                    if let Some(item) = item {
                        return tx.send(item).await.map(|()| Vec::new()).map_err(|error| {
                            assert_eq!(error.into_inner().number, number);
                            Stop::Closed
                        });
                    }
                    let grant = tx.reserve().await.map_err(|_| Stop::Closed)?;
                    if gives_up {
                        drop(grant);
                    } else {
                        grant.send(Counted::new(number, &live));
                    }
                    Ok(Vec::new())
                })
            }
        };
        self.note(format_args!(
            "sender {at}: a future for {items:?}, at once: {at_once}, grant: {by_grant}, given up: {gives_up}"
        ));
        // A grant's item is made when there is room.
        let wait = Wait::Send { left: items.into(), at_once: at_once || by_grant, gives_up };
        self.senders[at].waiting = Some(self.waiting(future, wait));
    }

    fn waiting(&mut self, future: Future, wait: Wait) -> Waiting {
        let task = Task::new();
        self.tasks.push(task.memory());
        Waiting { future, wait, task, polled: None }
    }

    fn receiver_step(&mut self) {
        let at = self.random.below(self.receivers.len());
        if self.receivers[at].waiting.is_some() {
            if self.random.below(4) == 0 {
                self.note(format_args!("receiver {at}: drop the future"));
                self.receivers[at].waiting = None;
            } else {
                self.poll(false, at);
            }
            return;
        }
        if self.receivers[at].kept.is_some() {
            if self.random.below(3) == 0 {
                self.finish_receiver(at);
            }
            return;
        }
        let bug = self.bug;
        match self.kind() {
            0..5 => {
                self.note(format_args!("receiver {at}: try_recv"));
                let received = self.receivers[at].end().try_recv(bug).map(|item| vec![item]);
                self.was_received(at, received, 1);
            }
            5 => {
                let count = self.items.len() + self.random.below(2);
                self.note(format_args!("receiver {at}: try_recv, {count} times"));
                for _ in 0..count {
                    let received = self.receivers[at].end().try_recv(bug).map(|item| vec![item]);
                    self.was_received(at, received, 1);
                }
            }
            6..9 => self.many_received(at),
            9..12 => self.read(at),
            12 => {
                let peeked = match self.receivers[at].end() {
                    Receiver::One(rx) => rx.peek(),
                    Receiver::OneCounted(rx, told) => {
                        let peeked = rx.peek().map(|item| item.number);
                        // Nothing was taken.
                        match peeked {
                            Ok(number) => Ok(number),
                            Err(error) => said(told, bug, Err(error)),
                        }
                    }
                    _ => return,
                };
                self.note(format_args!("receiver {at}: peek"));
                let next = self.items.ready().next();
                match next {
                    Some(item) => assert_eq!(peeked, Ok(item)),
                    None => self.was_received(at, peeked.map(|item| vec![item]), 1),
                }
            }
            13..19 => self.start_receiving(at),
            19 if self.random.below(4) == 0 => {
                let how = self.random.below(3);
                self.note(format_args!("receiver {at}: close {how}"));
                let end = self.receivers[at].end();
                let told = if bug == Bug::ForgetsWhy { 0 } else { how };
                close!(Receiver, end, told);
                self.close(1, why(how));
            }
            20..22 => self.clone_receiver(at),
            22 if self.receivers.len() > 1 || self.random.below(8) == 0 => {
                self.note(format_args!("receiver {at}: drop"));
                self.drop_receiver(at);
            }
            _ => {
                let snapshot = self.receivers[at].end().snapshot();
                self.compare(snapshot);
            }
        }
    }

    /// What a receiver got must be what the model has; what it says of the end is noted.
    fn was_received(&mut self, at: usize, received: Answer, limit: usize) {
        assert_eq!(received, self.received(limit));
        if received == Err(Stop::Closed) {
            let reason = self.reasons[0].flatten();
            self.receivers[at].heard.get_or_insert(reason);
        }
    }

    fn many_received(&mut self, at: usize) {
        let limit = 1 + self.random.below(self.capacity.min(40) + 2);
        let bug = self.bug;
        let mut received = match self.receivers[at].end() {
            Receiver::One(rx) => {
                let mut items = Vec::new();
                rx.recv_many(&mut items, limit, false).map(|count| {
                    assert_eq!(items.len(), count);
                    items
                })
            }
            Receiver::OneCounted(rx, told) => {
                let mut items = Vec::new();
                match rx.try_recv_many(&mut items, limit) {
                    Ok(_) => items.into_iter().map(|item| said(told, bug, Ok(item))).collect(),
                    Err(error) => said(told, bug, Err(error)).map(|item| vec![item]),
                }
            }
            _ => return,
        };
        if let (Bug::Turns, Ok(items)) = (bug, &mut received) {
            items.reverse();
        }
        self.note(format_args!("receiver {at}: try_recv_many, {limit} at most"));
        self.was_received(at, received, limit);
    }

    /// A grant to read, of which some are released.
    fn read(&mut self, at: usize) {
        if !self.one {
            return self.read_one(at);
        }
        let max = 1 + self.random.below(self.capacity.min(40) + 2);
        let there = max.min(self.items.len());
        let released = self.random.below(there + 1);
        let (mut seen, bug) = (Vec::new(), self.bug);
        let read = match self.receivers[at].end() {
            Receiver::One(rx) => rx.read(max, |first, second| {
                seen.extend(first.iter().chain(second));
                released.min(seen.len())
            }),
            Receiver::OneCounted(rx, told) => match rx.try_read(max) {
                Ok(grant) => {
                    let (first, second) = grant.slices();
                    seen.extend(first.iter().chain(second).map(|item| item.number));
                    let count = released.min(seen.len());
                    grant.release(count);
                    Ok(())
                }
                Err(error) => said(told, bug, Err(error)).map(|_| ()),
            },
            _ => return,
        };
        self.note(format_args!("receiver {at}: read, {max} at most, and release {released}"));
        if there == 0 {
            return self.was_received(at, read.map(|()| seen), 1);
        }
        assert_eq!(read, Ok(()));
        assert!(seen.iter().copied().eq(self.items.ready().take(there)), "{seen:?}");
        for _ in 0..released {
            self.items.take(false);
        }
    }

    fn start_receiving(&mut self, at: usize) {
        let bug = self.bug;
        let many = self.one && self.receivers[at].end().is_rust() && self.random.below(2) == 0;
        let limit = if many { 1 + self.random.below(self.capacity.min(20)) } else { 1 };
        let by_grant = !self.one && self.random.below(3) == 0;
        let future: Future = match self.receivers[at].long() {
            Receiver::One(rx) => Box::pin(async move {
                let one::Rx::Rust(end, told) = &mut *rx else {
                    return std::future::poll_fn(|cx| rx.poll_recv(cx))
                        .await
                        .map(|item| vec![item]);
                };
                let mut items = Vec::new();
                let received = if many {
                    end.recv_many(&mut items, limit).await
                } else {
                    end.recv().await.map(|item| items.push(item)).map(|()| 1)
                };
                match received {
                    Ok(count) => {
                        assert_eq!(count, items.len());
                        Ok(items)
                    }
                    Err(RecvError::Failed(reason)) => {
                        assert_eq!(told.replace(reason), None, "told twice");
                        Err(Stop::Closed)
                    }
                    Err(RecvError::Closed) => Err(Stop::Closed),
                }
            }),
            Receiver::OneCounted(rx, told) => Box::pin(async move {
                if many {
                    let grant = match rx.read(limit).await {
                        Ok(grant) => grant,
                        Err(error) => {
                            return said(told, bug, Err(error.into())).map(|item| vec![item]);
                        }
                    };
                    let (first, second) = grant.slices();
                    let seen = first.iter().chain(second).map(|item| item.number).collect();
                    let count = grant.len();
                    grant.release(count);
                    return Ok(seen);
                }
                said(told, bug, rx.recv().await.map_err(Into::into)).map(|item| vec![item])
            }),
            Receiver::Many(rx) => match rx {
                many::Rx::Rust(rx, told) => Box::pin(async move {
                    let received =
                        if by_grant { rx.read().await.map(|item| *item) } else { rx.recv().await };
                    match received {
                        Ok(item) => Ok(vec![item]),
                        Err(RecvError::Failed(reason)) => {
                            assert_eq!(told.replace(reason), None, "told twice");
                            Err(Stop::Closed)
                        }
                        Err(RecvError::Closed) => Err(Stop::Closed),
                    }
                }),
                rx => {
                    let recv = rx.receiving();
                    Box::pin(async move { recv.await.map(|item| vec![item]) })
                }
            },
            Receiver::ManyCounted(rx, told) => Box::pin(async move {
                if by_grant {
                    return match rx.read().await {
                        Ok(item) => Ok(vec![item.number]),
                        Err(error) => said(told, bug, Err(error.into())).map(|item| vec![item]),
                    };
                }
                said(told, bug, rx.recv().await.map_err(Into::into)).map(|item| vec![item])
            }),
        };
        self.note(format_args!("receiver {at}: a future, {limit} at most"));
        self.receivers[at].waiting = Some(self.waiting(future, Wait::Recv { limit }));
    }

    /// Polls the future of an end, which is dropped once it is ready.
    fn poll(&mut self, sends: bool, at: usize) {
        let waiting =
            if sends { &mut self.senders[at].waiting } else { &mut self.receivers[at].waiting };
        let mut waiting = waiting.take().unwrap();
        self.note(format_args!("{} {at}: poll", if sends { "sender" } else { "receiver" }));
        let wakes = waiting.task.wakes();
        let waker =
            if self.bug == Bug::WakesNobody { Waker::noop().clone() } else { waiting.task.waker() };
        let mut cx = Context::from_waker(&waker);
        let mut answer = waiting.future.as_mut().poll(&mut cx);
        // A receiver lets its neighbours run once in a while.
        let ready = !sends && (self.closed || self.items.ready().next().is_some());
        if ready && answer.is_pending() && waiting.task.wakes() > wakes {
            answer = waiting.future.as_mut().poll(&mut cx);
        }
        waiting.polled = Some(wakes);
        let is_pending = answer.is_pending();
        match (&mut waiting.wait, answer) {
            (Wait::Send { left, at_once, gives_up }, answer) => {
                let right = if self.closed {
                    Poll::Ready(Err(Stop::Closed))
                } else {
                    let fits = self.room().min(left.len());
                    if *gives_up && fits == 1 {
                        left.clear();
                        let place = self.reserve_in_model();
                        self.finish_in_model(place, State::GivenUp);
                    } else if !*at_once || fits == left.len() {
                        left.drain(..fits).for_each(|number| self.send_in_model(number));
                    }
                    if left.is_empty() { Poll::Ready(Ok(Vec::new())) } else { Poll::Pending }
                };
                assert_eq!(answer, right);
            }
            (Wait::Recv { limit }, answer) => match answer {
                Poll::Ready(received) => {
                    assert_ne!(received, Err(Stop::Later));
                    let limit = *limit;
                    self.was_received(at, received, limit);
                }
                Poll::Pending => {
                    assert_eq!(self.received(1), Err(Stop::Later), "it waits for what is there");
                }
            },
        }
        if is_pending {
            let place =
                if sends { &mut self.senders[at].waiting } else { &mut self.receivers[at].waiting };
            *place = Some(waiting);
        }
    }

    /// `side` 0 is the senders'.
    fn close(&mut self, side: usize, reason: Option<StreamError>) {
        if self.one {
            self.reasons[side].get_or_insert(reason);
        } else if !self.closed {
            self.reasons = [Some(reason); 2];
        }
        self.closed = true;
    }

    fn drop_sender(&mut self, at: usize) {
        self.finish_sender(at);
        drop(self.senders.remove(at));
        if self.senders.is_empty() {
            self.close(0, None);
        }
    }

    fn drop_receiver(&mut self, at: usize) {
        self.finish_receiver(at);
        drop(self.receivers.remove(at));
        if self.receivers.is_empty() {
            self.close(1, None);
            self.discard_in_model();
        }
    }

    fn compare(&self, snapshot: one::Counters) {
        // What was never received stays counted.
        if self.receivers.is_empty() {
            return;
        }
        let len = self.items.len() as u64;
        let sent = self.sent_before + self.sent - self.items.passed;
        assert_eq!(snapshot[..4], [sent, sent - len, len, self.capacity as u64]);
        assert_eq!(snapshot[5], self.dropped, "dropped");
    }

    fn check(&mut self) {
        for slot in &mut self.senders {
            // Of an end that is borrowed: by another one.
            if slot.is_lent() {
                continue;
            }
            let end = slot.end();
            assert_eq!(for_all!(Sender, end, end => end.is_closed()), self.closed);
            assert_eq!(
                for_all!(Sender, end, end => end.reason()),
                self.reasons[1].flatten(),
                "a sender's reason"
            );
            if !self.receivers.is_empty() {
                assert_eq!(for_all!(Sender, end, end => end.len()), self.items.len());
            }
        }
        for slot in &mut self.receivers {
            let heard = slot.heard.flatten();
            if slot.is_lent() {
                continue;
            }
            let end = slot.end();
            assert_eq!(for_all!(Receiver, end, end => end.is_closed()), self.closed);
            assert_eq!(for_all!(Receiver, end, end => end.len()), self.items.len());
            let reason = if end.is_rust() { heard } else { self.reasons[0].flatten() };
            assert_eq!(end.reason(), reason, "a receiver's reason");
        }
        if let Some((tx, rx)) = &self.weak {
            assert_eq!(tx.upgrade().is_some(), !self.senders.is_empty());
            assert_eq!(rx.upgrade().is_some(), !self.receivers.is_empty());
        }
        let sending = self.senders.iter().filter_map(|slot| slot.waiting.as_ref());
        let receiving = self.receivers.iter().filter_map(|slot| slot.waiting.as_ref());
        if self.counted {
            let held = sending.clone().map(|waiting| match &waiting.wait {
                Wait::Send { at_once: false, left, .. } => left.len(),
                _ => 0,
            });
            let kept = self.receivers.iter().filter(|slot| slot.kept.is_some()).count();
            let right = self.items.items + held.sum::<usize>() + kept;
            assert_eq!(self.live.load(SeqCst), right, "items that live");
        }
        self.check_wakes(sending, self.room(), self.closed, self.in_turn[0]);
        let ended = self.closed && self.items.held == 0;
        self.check_wakes(
            receiving,
            self.items.ready().take(MOST_ENDS).count(),
            ended,
            self.in_turn[1],
        );
    }

    /// Of those who wait, as many have been woken since their last poll as can go on, which is all at the end; or one,
    /// who passes it on.
    fn check_wakes<'a>(
        &self,
        waiting: impl Iterator<Item = &'a Waiting>,
        possible: usize,
        ended: bool,
        in_turn: bool,
    ) {
        let (mut wait, mut woken) = (0, 0);
        for waiting in waiting {
            let Some(wakes) = waiting.polled else { continue };
            if let Wait::Send { left, at_once: true, .. } = &waiting.wait
                && left.len() > possible
                && !ended
            {
                continue;
            }
            wait += 1;
            woken += usize::from(waiting.task.wakes() > wakes);
        }
        let due = if ended { wait } else { wait.min(possible) };
        let due = if in_turn { due.min(1) } else { due };
        assert!(woken >= due, "{woken} were woken of {wait}, and {due} ought to be");
    }
}

/// The steps of the program with this seed, and what was wrong.
fn run(seed: u64, bug: Bug) -> Result<String, String> {
    let mut program = Program::new(seed, bug);
    let result = catch_unwind(AssertUnwindSafe(|| program.run()));
    let steps = std::mem::take(&mut program.steps);
    result.map(|()| steps.clone()).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        format!("ZIGFLOW_PROGRAM={seed}\n{steps}{text}")
    })
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().expect("a number"))
}

#[test]
fn random_programs_get_the_answers_of_a_queue() {
    if let Some(seed) = variable("ZIGFLOW_PROGRAM") {
        match run(seed, Bug::None) {
            Ok(steps) => return println!("{steps}"),
            Err(failure) => panic!("{failure}"),
        }
    }
    let programs = variable("ZIGFLOW_PROGRAMS").unwrap_or(2048);
    let mut steps = 0;
    for seed in 0..programs {
        match run(seed, Bug::None) {
            Ok(text) => steps += text.lines().count() - 1,
            Err(failure) => panic!("{failure}"),
        }
    }
    println!("{programs} programs of {steps} steps");
}

#[test]
fn an_end_that_is_wrong_is_found_by_random_programs() {
    for bug in [
        Bug::Swallows,
        Bug::WakesNobody,
        Bug::Leaks,
        Bug::ForgetsWhy,
        Bug::Turns,
        Bug::FullIsClosed,
        Bug::SendsAllGrants,
    ] {
        let found = (0..64).find_map(|seed| run(seed, bug).err());
        let found = found.unwrap_or_else(|| panic!("{bug:?} was not found"));
        println!("{bug:?}: {}", found.lines().last().unwrap_or_default());
    }
}
