//! Pitfall 41: a signal handler interrupts one end of a channel at any instruction and uses the other end, on the
//! same thread. Nothing spins, nothing is lost. Where somebody sleeps, the handler uses quiet verbs: a wake is the
//! waker's code, and few wakers may run in a handler.
#![cfg(target_os = "linux")] // for a timer that signals one thread

use std::cell::{Cell, UnsafeCell};
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures_core::Stream;
use zigflow::channel::WakeDue;
use zigflow_tests::ends::{Rx, Tx, each_at};
use zigflow_tests::quiet;
use zigflow_tests::task::BOUND;

/// Interrupts, divided among the cases: two sides, two capacities, four pairings.
const INTERRUPTS: usize = 100_000;
const CASES: usize = 16;

/// What a handler runs: the other end, and what has gone through it.
type Handler = dyn FnMut();

static HANDLER: AtomicPtr<UnsafeCell<Box<Handler>>> = AtomicPtr::new(ptr::null_mut());
static HANDLED: AtomicUsize = AtomicUsize::new(0);
static IN_HANDLER: AtomicBool = AtomicBool::new(false);

/// Interrupts the thread that works.
static TIMER: AtomicPtr<libc::c_void> = AtomicPtr::new(ptr::null_mut());

extern "C" fn on_signal(_: libc::c_int) {
    let handler = HANDLER.load(SeqCst);
    if handler.is_null() {
        return;
    }
    IN_HANDLER.store(true, SeqCst);
    // SAFETY: `interrupted` keeps it alive while it is set. The signal goes to that thread alone, and the
    // handler does not interrupt itself, so nobody else calls it.
    unsafe { (*(*handler).get())() };
    IN_HANDLER.store(false, SeqCst);
    HANDLED.fetch_add(1, SeqCst);
}

/// One interrupt, after so many nanoseconds.
fn arm(after: libc::c_long) {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let once = libc::itimerspec {
        it_interval: zero,
        it_value: libc::timespec { tv_sec: 0, tv_nsec: after },
    };
    // SAFETY: `interrupted` has made the timer.
    unsafe { libc::timer_settime(TIMER.load(SeqCst), 0, &once, ptr::null_mut()) };
}

/// Runs `work` again and again while a timer interrupts it with `handler`.
fn interrupted(handler: Box<Handler>, mut work: impl FnMut()) {
    let handler = UnsafeCell::new(handler);
    HANDLED.store(0, SeqCst);
    HANDLER.store(ptr::from_ref(&handler).cast_mut(), SeqCst);
    // SAFETY: a plain handler, and a timer that signals this thread; both are C structs for which zeros are
    // valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()), 0);
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGUSR1;
        event.sigev_notify_thread_id = libc::gettid();
        let mut timer = ptr::null_mut();
        assert_eq!(libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer), 0);
        TIMER.store(timer, SeqCst);
    }
    let (done, is_done) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if is_done.recv_timeout(BOUND) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("the interrupted thread hangs");
            std::process::abort(); // it cannot be ended alone
        }
    });
    let mut after = 1000;
    for interrupt in 0..INTERRUPTS / CASES {
        // Any moment, so long as some work gets done before it.
        arm(after + interrupt as libc::c_long * 7919 % 3000);
        let mut works = 0;
        while HANDLED.load(SeqCst) == interrupt {
            work();
            works += 1;
        }
        after = if works < 3 { after + 500 } else { (after - 100).max(100) };
    }
    drop(done);
    watch.join().unwrap();
    HANDLER.store(ptr::null_mut(), SeqCst);
    // SAFETY: made above, and not armed again.
    unsafe { libc::timer_delete(TIMER.load(SeqCst)) };
}

/// An end, and how many items went through it in order; `None` once one did not.
struct Counted<E> {
    end: E,
    count: Option<u64>,
}

/// One attempt, of each kind in turn. (Nothing here may allocate: it runs in a handler too.)
fn send(tx: &mut Counted<Tx<u64>>) {
    let Some(n) = tx.count else { return };
    let batch = [n, n + 1, n + 2];
    let room = tx.end.capacity().min(2);
    let sent = match n % 4 {
        0 => tx.end.try_send(n).map(|()| 1),
        1 => tx.end.try_send_many(&batch),
        2 => tx.end.send_grant(&batch[..room], || ()).map(|_| room),
        _ => tx.end.send_or_drop(n).map(u64::from).map(|sent| sent as usize),
    };
    tx.count = Some(n + sent.unwrap_or(0) as u64);
    // Counters may be read at any moment.
    if tx.end.len() > tx.end.capacity() {
        tx.count = None;
    }
}

/// One attempt, of each kind in turn.
fn receive(rx: &mut Counted<Rx<u64>>) {
    let Some(n) = rx.count else { return };
    let mut right = true;
    let received = match n % 3 {
        0 => rx.end.try_recv().map(|item| right = item == n).map_or(0, |()| 1),
        1 => {
            let peeked = rx.end.peek();
            let received = rx.end.try_recv();
            // An item may come between the two.
            right = [peeked, received].iter().all(|item| item.is_err() || *item == Ok(n));
            u64::from(received.is_ok())
        }
        _ => {
            let mut count = 0;
            let _ = rx.end.read(3, |first, second| {
                right = first
                    .iter()
                    .chain(second)
                    .copied()
                    .eq(n..n + (first.len() + second.len()) as u64);
                count = first.len() + second.len();
                count
            });
            count as u64
        }
    };
    rx.count = (right && rx.end.len() <= rx.end.capacity()).then_some(n + received);
}

/// Works with `main` while a handler works with `other`; both come back.
fn both<A, B: 'static>(
    mut main: Counted<A>,
    other: Counted<B>,
    work: fn(&mut Counted<A>),
    in_handler: fn(&mut Counted<B>),
) -> (Counted<A>, Counted<B>) {
    let shared = Rc::new(UnsafeCell::new(other));
    let handlers = shared.clone();
    // SAFETY: only the handler uses it until `interrupted` has dropped it.
    interrupted(Box::new(move || in_handler(unsafe { &mut *handlers.get() })), || work(&mut main));
    let other = Rc::into_inner(shared).expect("the handler is gone").into_inner();
    (main, other)
}

/// A task whose waker may not run in a handler: it ends the process there.
#[derive(Default)]
struct Careful {
    woken: AtomicBool,
}

impl Wake for Careful {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if IN_HANDLER.load(SeqCst) {
            std::process::abort();
        }
        self.woken.store(true, SeqCst);
    }
}

/// The next item by the receiver's stream, unless that is pending.
fn poll_item(rx: &mut quiet::Rx, waker: &Waker) -> Option<u64> {
    let mut cx = Context::from_waker(waker);
    let polled = match rx {
        quiet::Rx::Spsc(rx) => Pin::new(rx).poll_next(&mut cx),
        quiet::Rx::Mpmc(rx) => Pin::new(rx).poll_next(&mut cx),
        quiet::Rx::Zig(_) => unreachable!(),
    };
    match polled {
        Poll::Ready(item) => Some(item.unwrap().unwrap()),
        Poll::Pending => None,
    }
}

/// A handler sends to a task that sleeps, of either flavour, at any instruction of the task's polls.
fn sleeps_while_a_handler_sends(mut tx: quiet::Tx, mut rx: quiet::Rx) {
    static DUE: AtomicBool = AtomicBool::new(false);
    let peer = tx.peer_waker();
    let sent = Rc::new(UnsafeCell::new((tx, 0)));
    let handlers = sent.clone();
    let task = Arc::new(Careful::default());
    let waker = Waker::from(task.clone());
    let (mut received, mut pending) = (0, false);
    let mut work = || {
        if DUE.swap(false, SeqCst) {
            peer.wake();
        }
        // As an executor would: a task that is pending is polled when it was woken.
        if pending && !task.woken.swap(false, SeqCst) {
            return;
        }
        match poll_item(&mut rx, &waker) {
            Some(item) => {
                assert_eq!(item, received);
                received += 1;
                pending = false;
            }
            None => pending = true,
        }
    };
    let handle = move || {
        // SAFETY: only the handler uses it until `interrupted` has dropped it.
        let (tx, count) = unsafe { &mut *handlers.get() };
        if let Ok(due) = tx.try_send(*count) {
            *count += 1;
            if due == WakeDue::Yes {
                DUE.store(true, SeqCst);
            }
        }
    };
    interrupted(Box::new(handle), &mut work);
    let (tx, count) = Rc::into_inner(sent).expect("the handler is gone").into_inner();
    // What is left is less than this.
    (0..100).for_each(|_| work());
    assert_eq!(received, count, "LOST WAKEUP");
    assert!(count > 1000, "{count} items");
    drop(tx);
}

/// The mirror: a handler receives from a task that sleeps for want of room.
fn sleeps_while_a_handler_receives(tx: quiet::Tx, mut rx: quiet::Rx) {
    static DUE: AtomicBool = AtomicBool::new(false);
    let peer = rx.peer_waker();
    let received = Rc::new(UnsafeCell::new((rx, 0, true)));
    let handlers = received.clone();
    let task = Arc::new(Careful::default());
    let waker = Waker::from(task.clone());
    let sent = Rc::new(Cell::new(0));
    let count = sent.clone();
    // Pending whenever the channel is full.
    let mut sending: Pin<Box<dyn Future<Output = ()>>> = match tx {
        quiet::Tx::Spsc(mut tx) => Box::pin(async move {
            while tx.send(count.get()).await.is_ok() {
                count.set(count.get() + 1);
            }
        }),
        quiet::Tx::Mpmc(tx) => Box::pin(async move {
            while tx.send(count.get()).await.is_ok() {
                count.set(count.get() + 1);
            }
        }),
        quiet::Tx::Zig(_) => unreachable!(),
    };
    task.woken.store(true, SeqCst);
    let mut work = || {
        if DUE.swap(false, SeqCst) {
            peer.wake();
        }
        if task.woken.swap(false, SeqCst) {
            assert!(sending.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    };
    let handle = move || {
        // SAFETY: only the handler uses it until `interrupted` has dropped it.
        let (rx, count, in_order) = unsafe { &mut *handlers.get() };
        // More than one, or the sender would seldom sleep.
        while let Ok((item, due)) = rx.try_recv() {
            *in_order &= item == *count;
            *count += 1;
            if due == WakeDue::Yes {
                DUE.store(true, SeqCst);
            }
        }
    };
    interrupted(Box::new(handle), &mut work);
    work();
    work();
    let (mut rx, mut count, in_order) =
        Rc::into_inner(received).expect("the handler is gone").into_inner();
    while rx.try_recv().is_ok() {
        count += 1;
    }
    assert!(in_order);
    assert_eq!(count, sent.get());
    // The sender went on after each interrupt that took something: nobody was left asleep.
    assert!(count > (INTERRUPTS / CASES) as u64, "LOST WAKEUP: {count} items");
}

/// One test, because the signal and what it runs are the process's.
#[test]
fn pitfall_41_a_handler_that_uses_the_other_end_neither_hangs_nor_loses() {
    quiet::each_sender(4, sleeps_while_a_handler_sends);
    quiet::each_receiver(4, sleeps_while_a_handler_receives);
    for handler_receives in [true, false] {
        for capacity in [1, 4] {
            each_at(capacity, (1 << 30) - 1000, |tx: Tx<u64>, rx| {
                let (tx, rx) =
                    (Counted { end: tx, count: Some(0) }, Counted { end: rx, count: Some(0) });
                let (tx, mut rx) = if handler_receives {
                    both(tx, rx, send, receive)
                } else {
                    let (rx, tx) = both(rx, tx, receive, send);
                    (tx, rx)
                };
                while !rx.end.is_empty() && rx.count.is_some() {
                    receive(&mut rx);
                }
                assert_eq!(rx.count, tx.count);
                assert!(tx.count.unwrap() > 1000, "{:?} items", tx.count);
            });
        }
    }
}
