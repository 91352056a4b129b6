//! Pitfall 41: a signal handler interrupts an end of a channel with many ends at any instruction and sends and
//! receives by other ends, on the same thread, also while it holds the lock of those who wait. Nothing hangs,
//! nothing is lost, and what is counted was so.
//!
//! The wakers only count: few may run in a handler.
#![cfg(unix)]

use std::cell::UnsafeCell;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

use zigflow::mpmc;
use zigflow_tests::ends::{Lang, Stop};
use zigflow_tests::many_ends::{Rx, Tx, ends};
use zigflow_tests::task::{BOUND, Tally};

/// Interrupts in all, divided among the cases: four pairings of languages, two capacities.
const INTERRUPTS: usize = 100_000;
const CASES: usize = 8;

type Handler = dyn FnMut();

static HANDLER: AtomicPtr<UnsafeCell<Box<Handler>>> = AtomicPtr::new(ptr::null_mut());
static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_signal(_: libc::c_int) {
    let handler = HANDLER.load(SeqCst);
    if !handler.is_null() {
        // SAFETY: `interrupted` keeps it alive while it is set. The signal goes to that thread alone, and the
        // handler does not interrupt itself, so nobody else calls it.
        unsafe { (*(*handler).get())() };
        HANDLED.fetch_add(1, SeqCst);
    }
}

/// Runs `work` again and again while another thread interrupts this one with `handler`, at least so often, and until it
/// is enough.
fn interrupted(
    interrupts: usize,
    handler: Box<Handler>,
    is_enough: impl Fn() -> bool + Send,
    mut work: impl FnMut(),
) {
    let handler = UnsafeCell::new(handler);
    HANDLED.store(0, SeqCst);
    HANDLER.store(ptr::from_ref(&handler).cast_mut(), SeqCst);
    // SAFETY: a plain handler; the struct is a C struct for which zeros are valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()), 0);
    }
    // SAFETY: it has no preconditions.
    let this = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            let start = Instant::now();
            while HANDLED.load(SeqCst) < interrupts || !is_enough() {
                assert_in_time(start);
                let before = HANDLED.load(SeqCst);
                // SAFETY: the thread lives as long as this scope.
                unsafe { libc::pthread_kill(this, libc::SIGUSR1) };
                // One at a time, so that each interrupts the work and not its predecessor's end.
                for looks in 1_u32.. {
                    if HANDLED.load(SeqCst) != before {
                        break;
                    }
                    std::hint::spin_loop();
                    if looks.is_multiple_of(100) {
                        assert_in_time(start);
                        thread::yield_now();
                    }
                }
            }
            done.store(true, SeqCst);
        });
        while !done.load(SeqCst) {
            work();
        }
    });
    HANDLER.store(ptr::null_mut(), SeqCst);
}

/// Ends the program when the other thread hangs: it cannot be ended alone.
fn assert_in_time(start: Instant) {
    if start.elapsed() > BOUND {
        eprintln!("the interrupted thread hangs");
        std::process::abort();
    }
}

/// The ends of the handler, and what went through them. Nothing here may allocate.
struct Other {
    tx: Tx<u64>,
    rx: Rx<u64>,
    sent: Sums,
    received: Sums,
    turn: usize,
}

/// How many items, and their sum: what is lost or comes twice is seen in one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    count: u64,
    sum: u64,
}

impl Sums {
    fn add(&mut self, item: u64) {
        self.count += 1;
        self.sum += item;
    }

    fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum }
    }
}

impl Other {
    fn handle(&mut self) {
        self.turn += 1;
        for attempt in 0..3 {
            if (self.turn + attempt).is_multiple_of(2) {
                let item = 1_000_000_007 * self.turn as u64 + attempt as u64;
                if self.tx.try_send(item).is_ok() {
                    self.sent.add(item);
                }
            } else if let Ok(item) = self.rx.try_recv() {
                self.received.add(item);
            }
        }
    }
}

fn shared<T>(value: T) -> (Rc<UnsafeCell<T>>, Rc<UnsafeCell<T>>) {
    let shared = Rc::new(UnsafeCell::new(value));
    (shared.clone(), shared)
}

/// What the main thread does at its ends, one operation of each kind in turn, which the handler interrupts.
struct Main {
    tx: Tx<u64>,
    rx: Rx<u64>,
    sent: Sums,
    received: Sums,
    next: u64,
}

impl Main {
    /// Attempts, futures that are polled, woken, and dropped in each state.
    fn work(&mut self, cx: &mut Context<'_>) {
        self.next += 1;
        let (first, second) = (2 * self.next, 2 * self.next + 1);
        if self.next.is_multiple_of(3) {
            if self.tx.try_send(first).is_ok() {
                self.sent.add(first);
            }
        } else {
            // Some are polled once, some again; if it is still pending it is dropped, woken or not.
            let mut sending = self.tx.sending(first);
            for _ in 0..1 + self.next % 2 {
                if let Poll::Ready(sent) = sending.as_mut().poll(cx) {
                    assert_eq!(sent, Ok(()));
                    self.sent.add(first);
                    break;
                }
            }
        }
        if self.next.is_multiple_of(5) && self.tx.try_send(second).is_ok() {
            self.sent.add(second);
        }
        let mut receiving = self.rx.receiving();
        for _ in 0..1 + self.next % 3 {
            if let Poll::Ready(received) = receiving.as_mut().poll(cx) {
                self.received.add(received.unwrap());
                break;
            }
        }
        drop(receiving);
        match self.rx.try_recv() {
            Ok(item) => self.received.add(item),
            stop => assert_eq!(stop, Err(Stop::Later)),
        }
    }
}

/// One test, because the signal and what it runs are the process's.
#[test]
fn pitfall_41_a_handler_that_uses_the_channel_it_interrupted_neither_hangs_nor_loses() {
    for capacity in [1, 4] {
        for main in [Lang::Rust, Lang::Zig] {
            for handler in [Lang::Rust, Lang::Zig] {
                sends_and_receives(capacity, main, handler);
            }
        }
    }
    for lang in [Lang::Rust, Lang::Zig] {
        closes(lang);
        counts(lang);
    }
}

fn sends_and_receives(capacity: usize, main: Lang, handler: Lang) {
    // Two more of each side wait from the start, in each language, so that wakes have somebody to wake.
    let langs = [main, handler, Lang::Rust, Lang::Zig];
    let (mut tx, mut rx) = ends::<u64>(capacity, 1000, &langs, &langs);
    let tally = Tally::new();
    let waker = tally.waker();
    let mut cx = Context::from_waker(&waker);
    let (mut parked_rx, mut parked_tx) = (rx.split_off(2), tx.split_off(2));
    let (other_tx, other_rx) = (tx.pop().unwrap(), rx.pop().unwrap());
    let (other, handlers) = shared(Other {
        tx: other_tx,
        rx: other_rx,
        sent: Sums::default(),
        received: Sums::default(),
        turn: 0,
    });
    let mut main = Main {
        tx: tx.pop().unwrap(),
        rx: rx.pop().unwrap(),
        sent: Sums::default(),
        received: Sums::default(),
        next: 0,
    };
    let handle = Box::new(move || {
        // SAFETY: only the handler uses it until `interrupted` has dropped it.
        unsafe { (*handlers.get()).handle() };
    });
    let mut parked = 0;
    // How many wakes so many interrupts let through depends on who comes first.
    let is_enough = || tally.wakes.load(SeqCst) > 1000;
    interrupted(INTERRUPTS / CASES, handle, is_enough, || {
        parked += 1;
        // They wait while others work, and leave again, in whatever state they are then.
        let [first, second] = &mut parked_rx[..] else { unreachable!() };
        let mut waiting = [first.receiving(), second.receiving()];
        for future in &mut waiting {
            if let Poll::Ready(received) = future.as_mut().poll(&mut cx) {
                main.received.add(received.unwrap());
            }
        }
        main.work(&mut cx);
        drop(waiting);
        let [first, second] = &mut parked_tx[..] else { unreachable!() };
        let items = [u64::from(u32::MAX) + parked, 2 * u64::from(u32::MAX) + parked];
        let mut waiting = [first.sending(items[0]), second.sending(items[1])];
        for (future, item) in waiting.iter_mut().zip(items) {
            if future.as_mut().poll(&mut cx).is_ready() {
                main.sent.add(item);
            }
        }
        main.work(&mut cx);
        drop(waiting);
    });
    let mut other = Rc::into_inner(other).expect("the handler is gone").into_inner();
    while let Ok(item) = other.rx.try_recv() {
        other.received.add(item);
    }
    assert_eq!(main.sent.and(other.sent), main.received.and(other.received));
    assert!(other.sent.count > 1000 && main.sent.count > 1000, "{:?} {:?}", other.sent, main.sent);
    assert!(tally.wakes.load(SeqCst) > 1000, "there was somebody to wake");
    drop((main, other, parked_rx, parked_tx));
    let (clones, _, drops) = tally.counts();
    assert_eq!(clones, drops);
}

/// The main thread makes a channel, lets somebody wait, and closes it, again and again.
fn closes(lang: Lang) {
    type Place = Option<(Tx<u64>, Rx<u64>)>;
    static BUSY: AtomicBool = AtomicBool::new(false);
    let (place, handlers) = shared::<Place>(None);
    let tally = Tally::new();
    let waker: Waker = tally.waker();
    let mut cx = Context::from_waker(&waker);
    let mut closed = 0_usize;
    let refused = Rc::new(AtomicUsize::new(0));
    let refusals = refused.clone();
    let handle = Box::new(move || {
        if !BUSY.load(SeqCst) {
            return;
        }
        // SAFETY: the main thread does not touch the place while BUSY is set.
        let Some((tx, rx)) = (unsafe { &mut *handlers.get() }) else { return };
        refusals.fetch_add(usize::from(tx.try_send(1) == Err(Stop::Closed)), SeqCst);
        let _ = rx.try_recv();
    });
    interrupted(
        INTERRUPTS / CASES / 4,
        handle,
        || true,
        || {
            let (tx, rx) = mpmc::channel::<u64>(1);
            let (tx, mut rx) = (Tx::of(lang, tx), Rx::of(lang, rx));
            // SAFETY: BUSY is not set, so the handler leaves it alone.
            unsafe { *place.get() = Some((tx.clone(), rx.clone())) };
            let mut receiving = rx.receiving();
            assert!(receiving.as_mut().poll(&mut cx).is_pending());
            BUSY.store(true, SeqCst);
            tx.close();
            let ended = receiving.as_mut().poll(&mut cx);
            BUSY.store(false, SeqCst);
            assert!(matches!(ended, Poll::Ready(Ok(1) | Err(Stop::Closed))), "{ended:?}");
            drop(receiving);
            assert!(matches!(rx.try_recv(), Ok(1) | Err(Stop::Closed)));
            closed += 1;
        },
    );
    assert!(refused.load(SeqCst) > 0, "no interrupt came after the end");
    // SAFETY: there are no interrupts any more.
    unsafe { *place.get() = None };
    assert!(closed > 100);
    let (clones, _, drops) = tally.counts();
    assert_eq!(clones, drops);
}

/// At no moment is there more than one item, whatever comes and goes while it is counted.
fn counts(lang: Lang) {
    static WRONG: AtomicUsize = AtomicUsize::new(0);
    let (mut tx, mut rx) = ends::<u64>(8, 1000, &[lang, Lang::Rust], &[lang, Lang::Zig]);
    let (mut tx2, mut rx2) = (tx.pop().unwrap(), rx.pop().unwrap());
    let handle = Box::new(move || {
        let item = tx2.try_send(1).and_then(|()| rx2.try_recv());
        WRONG.fetch_add(usize::from(item != Ok(1)), SeqCst);
    });
    interrupted(
        INTERRUPTS / CASES / 4,
        handle,
        || true,
        || {
            assert!(tx[0].len() <= 1 && rx[0].len() <= 1, "there was never so much");
            let (tx, rx) = (tx[0].snapshot(), rx[0].snapshot());
            assert!(tx[2] <= 1 && rx[2] <= 1, "{tx:?} {rx:?}");
        },
    );
    assert_eq!(WRONG.load(SeqCst), 0, "the handler's item was not there");
}
