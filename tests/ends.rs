//! Ends of channels in either language, with the same verbs: a test of a situation runs for all four pairings.
//! `zig/ends.zig` has Zig's ends.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::task::{Context, Poll};
use std::time::Duration;

use zigflow::abi::{ErrorKind, RawError, RawWaker};
use zigflow::channel::{
    RecvError, RecvTimeoutError, SendTimeoutError, Snapshot, TryRecvError, TrySendError,
};
use zigflow::profile::{Monitor, StdClock};
use zigflow::spsc::{self, ZigReceiver, ZigSender};
use zigflow::time::Clock;
use zigflow::{StreamError, Transfer, ZigError};

use crate::Point;

/// The name with which the tests close.
pub const TORN: StreamError = StreamError::Zig(ZigError::new("TapeTorn"));

/// Why a verb did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No room now, or no item.
    Later,
    /// It never will.
    Closed,
    /// There was none in time.
    Timeout,
    /// More than would ever fit.
    TooMany,
    /// What came is no item.
    Malformed,
}
use Stop::{Closed, Later, Malformed, Timeout, TooMany};

pub(crate) fn answer(number: u32) -> Result<(), Stop> {
    match number {
        0 => Ok(()),
        1 => Err(Later),
        2 => Err(Closed),
        3 => Err(Timeout),
        4 => Err(TooMany),
        _ => panic!("no answer: {number}"),
    }
}

/// Zig's sleep without a timeout.
pub(crate) const FOREVER: u64 = u64::MAX;

pub(crate) fn nanoseconds(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_nanos()).unwrap_or(FOREVER - 1)
}

pub(crate) type Handle = *mut c_void;

/// What both ends of Zig have; `E` is the end on its way there.
#[repr(C)]
struct Common<E> {
    open: unsafe extern "C" fn(E, &mut RawError) -> Handle,
    close: unsafe extern "C" fn(Handle),
    close_torn: unsafe extern "C" fn(Handle),
    close_code: unsafe extern "C" fn(Handle, i32),
    is_closed: unsafe extern "C" fn(Handle) -> bool,
    reason: unsafe extern "C" fn(Handle, &mut RawError) -> bool,
    len: unsafe extern "C" fn(Handle) -> usize,
    capacity: unsafe extern "C" fn(Handle) -> usize,
    snapshot: unsafe extern "C" fn(Handle, &mut [u64; 10]),
    set_patience: unsafe extern "C" fn(Handle, u32),
    slice: unsafe extern "C" fn(Handle, bool, &mut usize) -> *mut c_void,
    deinit: unsafe extern "C" fn(Handle),
}

#[repr(C)]
struct SenderVerbs<T> {
    common: Common<ZigSender<T>>,
    try_send: unsafe extern "C" fn(Handle, &T) -> u32,
    send_blocking: unsafe extern "C" fn(Handle, &T, u64) -> u32,
    send_or_drop: unsafe extern "C" fn(Handle, &T) -> u32,
    poll_ready: unsafe extern "C" fn(Handle, &RawWaker) -> u32,
    try_send_many: unsafe extern "C" fn(Handle, *const T, usize, &mut usize) -> u32,
    send_many_blocking: unsafe extern "C" fn(Handle, *const T, usize) -> usize,
    reserve: unsafe extern "C" fn(Handle, usize, bool) -> u32,
    commit: unsafe extern "C" fn(Handle, usize) -> u32,
}

#[repr(C)]
struct ReceiverVerbs<T> {
    common: Common<ZigReceiver<T>>,
    try_recv: unsafe extern "C" fn(Handle, *mut T) -> u32,
    recv_blocking: unsafe extern "C" fn(Handle, *mut T, u64) -> u32,
    poll_recv: unsafe extern "C" fn(Handle, &RawWaker, *mut T) -> u32,
    try_recv_many: unsafe extern "C" fn(Handle, *mut T, usize, &mut usize) -> u32,
    recv_many_blocking: unsafe extern "C" fn(Handle, *mut T, usize, &mut usize) -> u32,
    read: unsafe extern "C" fn(Handle, usize, bool) -> u32,
    release: unsafe extern "C" fn(Handle, usize),
    peek: unsafe extern "C" fn(Handle, *mut T) -> u32,
}

/// Zig's functions for the ends of one item type.
#[repr(C)]
#[allow(missing_debug_implementations)]
pub struct Table<T> {
    sender: SenderVerbs<T>,
    receiver: ReceiverVerbs<T>,
    open_as: unsafe extern "C" fn(*mut c_void, u32, &mut RawError) -> bool,
}

/// What Zig holds for a thread of its own.
#[repr(C)]
struct RawWorker([u8; 0]);

unsafe extern "C" {
    static zft_ends_u64: Table<u64>;
    static zft_ends_point: Table<Point>;
    static zft_ends_bool: Table<bool>;
    fn zft_produce(tx: ZigSender<u64>, count: u64) -> *mut RawWorker;
    fn zft_consume(rx: ZigReceiver<u64>, count: u64) -> *mut RawWorker;
    fn zft_join(worker: *mut RawWorker) -> u64;
}

/// An item type of which Zig has ends.
pub trait Plain: Transfer + PartialEq + Debug {
    /// Its functions.
    fn table() -> &'static Table<Self>;
    /// The item with this number.
    fn of(number: u64) -> Self;
}

impl Plain for u64 {
    fn table() -> &'static Table<Self> {
        // SAFETY: constant data of the archive.
        unsafe { &zft_ends_u64 }
    }
    fn of(number: u64) -> Self {
        number
    }
}

impl Plain for Point {
    fn table() -> &'static Table<Self> {
        // SAFETY: as above.
        unsafe { &zft_ends_point }
    }
    fn of(number: u64) -> Self {
        Self::of(number as u32)
    }
}

impl Plain for bool {
    fn table() -> &'static Table<Self> {
        // SAFETY: as above.
        unsafe { &zft_ends_bool }
    }
    fn of(number: u64) -> Self {
        number % 3 == 1
    }
}

/// The items with these numbers.
pub fn items<T: Plain>(numbers: std::ops::Range<u64>) -> Vec<T> {
    numbers.map(T::of).collect()
}

/// A thread that Zig owns and that has one end.
#[derive(Debug)]
pub struct Worker(NonNull<RawWorker>);

impl Worker {
    /// Sends 0 to `count` by all blocking verbs in turn, then closes with [`TORN`].
    pub fn produce(tx: spsc::Sender<u64>, count: u64) -> Self {
        // SAFETY: the end goes to Zig, which has opened it before it uses it.
        Self(NonNull::new(unsafe { zft_produce(tx.into_zig(), count) }).expect("a thread"))
    }

    /// Receives 0 to `count` or a few more, in order, by all blocking verbs in turn, then closes with [`TORN`].
    pub fn consume(rx: spsc::Receiver<u64>, count: u64) -> Self {
        // SAFETY: as above.
        Self(NonNull::new(unsafe { zft_consume(rx.into_zig(), count) }).expect("a thread"))
    }

    /// Waits for the thread's end; how many items went.
    pub fn join(self) -> u64 {
        // SAFETY: made by one of the above and joined once.
        unsafe { zft_join(self.0.as_ptr()) }
    }
}

/// What was wrong with an end when Zig opened it as something else; see `openAs` in ends.zig.
pub fn open_as<E>(end: E, what: u32) -> Result<(), String> {
    assert_eq!(size_of::<E>(), size_of::<Handle>());
    let end = std::mem::ManuallyDrop::new(end);
    let mut error = RawError::EMPTY;
    // SAFETY: a `ZigSender` or `ZigReceiver` is a pointer to its end, which Zig takes over.
    let opened = unsafe {
        (u64::table().open_as)(std::ptr::from_ref(&*end).cast::<Handle>().read(), what, &mut error)
    };
    if opened { Ok(()) } else { Err(name(&error).to_owned()) }
}

pub(crate) fn name(error: &RawError) -> &'static str {
    assert!(!error.name_ptr.is_null(), "no memory");
    // SAFETY: an `@errorName` of Zig's, or a `&'static str` of Rust's.
    unsafe { str::from_utf8(std::slice::from_raw_parts(error.name_ptr, error.name_len)).unwrap() }
}

/// Which language has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Rust.
    Rust,
    /// Zig.
    Zig,
}

/// The sender's language, then the receiver's.
pub const PAIRINGS: [(Lang, Lang); 4] = [
    (Lang::Rust, Lang::Rust),
    (Lang::Rust, Lang::Zig),
    (Lang::Zig, Lang::Rust),
    (Lang::Zig, Lang::Zig),
];

/// Both ends of a channel that begins at position `start`.
pub fn pair_at<T: Plain>(
    (tx_lang, rx_lang): (Lang, Lang),
    capacity: usize,
    start: u32,
) -> (Tx<T>, Rx<T>) {
    println!("{tx_lang:?} to {rx_lang:?}, {capacity} items of {}, from {start}", T::NAME);
    of_langs((tx_lang, rx_lang), spsc::starting_at(capacity, start).unwrap())
}

/// [`pair_at`] of a channel that is monitored.
pub fn monitored_at<T: Plain>(
    (tx_lang, rx_lang): (Lang, Lang),
    capacity: usize,
    start: u32,
    clock: impl Clock + Send + Sync + 'static,
) -> (Tx<T>, Rx<T>, Monitor<T>) {
    println!("{tx_lang:?} to {rx_lang:?}, {capacity} of {}, from {start}, monitored", T::NAME);
    let (tx, rx, monitor) = spsc::monitored_at(capacity, start, clock).unwrap();
    let (tx, rx) = of_langs((tx_lang, rx_lang), (tx, rx));
    (tx, rx, monitor)
}

fn of_langs<T: Plain>(
    (tx_lang, rx_lang): (Lang, Lang),
    (tx, rx): (spsc::Sender<T>, spsc::Receiver<T>),
) -> (Tx<T>, Rx<T>) {
    let tx = match tx_lang {
        Lang::Rust => Tx::Rust(tx),
        Lang::Zig => Tx::in_zig(tx),
    };
    let rx = match rx_lang {
        Lang::Rust => Rx::Rust(rx, None),
        Lang::Zig => Rx::in_zig(rx),
    };
    (tx, rx)
}

/// Runs a test with the ends of a channel in each pairing.
pub fn each<T: Plain>(capacity: usize, test: impl FnMut(Tx<T>, Rx<T>)) {
    each_at(capacity, 0, test);
}

/// [`each`] with channels that begin at position `start`; each also monitored, which changes nothing.
pub fn each_at<T: Plain>(capacity: usize, start: u32, mut test: impl FnMut(Tx<T>, Rx<T>)) {
    for pairing in PAIRINGS {
        let (tx, rx) = pair_at(pairing, capacity, start);
        test(tx, rx);
        let (tx, rx, _) = monitored_at(pairing, capacity, start, StdClock::new());
        test(tx, rx);
    }
}

/// What [`Snapshot`] tells, as numbers in its order: sent, received, len, capacity, most waiting, dropped,
/// sender's sleeps and wakes, receiver's sleeps and wakes.
pub type Counters = [u64; 10];

pub(crate) fn counters(snapshot: Snapshot) -> Counters {
    [
        snapshot.sent,
        snapshot.received,
        snapshot.len as u64,
        snapshot.capacity as u64,
        snapshot.most_waiting as u64,
        snapshot.dropped.into(),
        snapshot.sender_sleeps.into(),
        snapshot.sender_wakes.into(),
        snapshot.receiver_sleeps.into(),
        snapshot.receiver_wakes.into(),
    ]
}

/// An end that Zig has; `verbs` takes it from the table of `T`.
macro_rules! zig_end {
    ($name:ident, $end:ident, $table:ident, $verbs:ident) => {
        /// An end that Zig has.
        #[derive(Debug)]
        pub struct $name<T: Plain> {
            handle: NonNull<c_void>,
            items: PhantomData<T>,
        }

        // SAFETY: Zig's ends may move between threads; one at a time uses it, by `&mut self`.
        unsafe impl<T: Plain> Send for $name<T> {}

        impl<T: Plain> $name<T> {
            fn open(end: spsc::$end<T>) -> Self {
                let mut error = RawError::EMPTY;
                // SAFETY: Zig takes the end over.
                let handle = unsafe { (Self::verbs().common.open)(end.into_zig(), &mut error) };
                let handle = NonNull::new(handle).unwrap_or_else(|| panic!("{}", name(&error)));
                Self { handle, items: PhantomData }
            }

            fn verbs() -> &'static $verbs<T> {
                &T::table().$table
            }

            fn raw(&self) -> Handle {
                self.handle.as_ptr()
            }

            // SAFETY of all calls: the handle is open until the drop, and `self` is its only user.
            fn reason(&self) -> Option<StreamError> {
                let mut error = RawError::EMPTY;
                // SAFETY: see above.
                if !unsafe { (Self::verbs().common.reason)(self.raw(), &mut error) } {
                    return None;
                }
                Some(if error.kind == ErrorKind::Code as u32 {
                    StreamError::Code(error.code)
                } else {
                    StreamError::Zig(ZigError::new(name(&error)))
                })
            }

            fn snapshot(&self) -> Counters {
                let mut numbers = [0; 10];
                // SAFETY: see above.
                unsafe { (Self::verbs().common.snapshot)(self.raw(), &mut numbers) };
                numbers
            }

            /// The slots of the grant that is open.
            fn slices(&self) -> [(*mut T, usize); 2] {
                [false, true].map(|second| {
                    let mut len = 0;
                    // SAFETY: see above; there is a grant.
                    let at = unsafe { (Self::verbs().common.slice)(self.raw(), second, &mut len) };
                    (at.cast(), len)
                })
            }
        }

        impl<T: Plain> Drop for $name<T> {
            fn drop(&mut self) {
                // SAFETY: see above; not used after it.
                unsafe { (Self::verbs().common.deinit)(self.raw()) };
            }
        }
    };
}

zig_end!(ZigTx, Sender, sender, SenderVerbs);
zig_end!(ZigRx, Receiver, receiver, ReceiverVerbs);

/// Calls a verb of a Zig end.
macro_rules! zig {
    ($end:ident, $verb:ident $(.$common:ident)? $(, $arg:expr)*) => {
        // SAFETY: the handle is open until the drop, and the one who has the end is its only user; slices and
        // places live during the call.
        unsafe { ($end.verbs_of().$verb$(.$common)?)($end.raw() $(, $arg)*) }
    };
}

impl<T: Plain> ZigTx<T> {
    fn verbs_of(&self) -> &'static SenderVerbs<T> {
        Self::verbs()
    }
}

impl<T: Plain> ZigRx<T> {
    fn verbs_of(&self) -> &'static ReceiverVerbs<T> {
        Self::verbs()
    }
}

/// A sender. An item that is not sent must come back as it was; Rust's ends are held to that here, Zig's take
/// it by value.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Tx<T: Plain> {
    Rust(spsc::Sender<T>),
    Zig(ZigTx<T>),
}

impl<T: Plain> Tx<T> {
    /// Zig opens the end.
    pub fn in_zig(end: spsc::Sender<T>) -> Self {
        Self::Zig(ZigTx::open(end))
    }

    /// Rust's end.
    pub fn rust(self) -> spsc::Sender<T> {
        match self {
            Self::Rust(tx) => tx,
            Self::Zig(_) => panic!("Zig has this end"),
        }
    }

    /// Sends without waiting.
    pub fn try_send(&mut self, item: T) -> Result<(), Stop> {
        match self {
            Self::Rust(tx) => tx.try_send(item).map_err(|error| {
                let stop = if matches!(error, TrySendError::Full(_)) { Later } else { Closed };
                assert_eq!(error.into_inner(), item);
                stop
            }),
            Self::Zig(tx) => answer(zig!(tx, try_send, &item)),
        }
    }

    /// Sends; the thread sleeps while there is no room.
    pub fn send(&mut self, item: T) -> Result<(), Stop> {
        match self {
            Self::Rust(tx) => tx.send_blocking(item).map_err(|error| {
                assert_eq!(error.reason(), tx.reason());
                assert_eq!(error.into_inner(), item);
                Closed
            }),
            Self::Zig(tx) => answer(zig!(tx, send_blocking, &item, FOREVER)),
        }
    }

    /// [`send`](Self::send) that gives up.
    pub fn send_timeout(&mut self, item: T, timeout: Duration) -> Result<(), Stop> {
        match self {
            Self::Rust(tx) => tx.send_blocking_timeout(item, timeout).map_err(|error| {
                let stop = match error {
                    SendTimeoutError::Timeout(_) => Timeout,
                    SendTimeoutError::Closed(_) => Closed,
                };
                assert_eq!(error.into_inner(), item);
                stop
            }),
            Self::Zig(tx) => answer(zig!(tx, send_blocking, &item, nanoseconds(timeout))),
        }
    }

    /// Sends or drops; false when it was dropped.
    pub fn send_or_drop(&mut self, item: T) -> Result<bool, Stop> {
        match self {
            Self::Rust(tx) => tx.send_or_drop(item).map_err(|error| {
                assert_eq!(error.into_inner(), item);
                Closed
            }),
            Self::Zig(tx) => match answer(zig!(tx, send_or_drop, &item)) {
                Ok(()) => Ok(true),
                Err(Later) => Ok(false),
                Err(stop) => Err(stop),
            },
        }
    }

    /// Whether there is room, or will be.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        match self {
            Self::Rust(tx) => tx.poll_ready(cx).map_err(|_| Closed),
            Self::Zig(tx) => match answer(zig!(tx, poll_ready, &RawWaker::of(cx.waker()))) {
                Err(Later) => Poll::Pending,
                ready => Poll::Ready(ready),
            },
        }
    }

    /// Sends as a task: one poll.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, item: T) -> Poll<Result<(), Stop>> {
        if let Self::Rust(tx) = self {
            let mut place = Some(item);
            let polled = std::pin::pin!(tx.send_from(&mut place)).poll(cx).map_err(|_| Closed);
            let sent = matches!(polled, Poll::Ready(Ok(())));
            assert_eq!(place, (!sent).then_some(item));
            return polled;
        }
        match self.poll_ready(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(self.try_send(item)),
            stopped => stopped,
        }
    }

    /// Sends what fits, at once; how many.
    pub fn try_send_many(&mut self, items: &[T]) -> Result<usize, Stop> {
        match self {
            Self::Rust(tx) => tx.try_send_many(items).map_err(|_| Closed),
            Self::Zig(tx) => {
                let mut sent = 0;
                answer(zig!(tx, try_send_many, items.as_ptr(), items.len(), &mut sent))?;
                Ok(sent)
            }
        }
    }

    /// Sends all; how many were sent: fewer if the receiver closed.
    pub fn send_many(&mut self, items: &[T]) -> usize {
        match self {
            Self::Rust(tx) => {
                tx.send_many_blocking(items).map_or_else(|error| error.sent(), |()| items.len())
            }
            Self::Zig(tx) => zig!(tx, send_many_blocking, items.as_ptr(), items.len()),
        }
    }

    /// Reserves, runs `then`, and sends all items as one: how many lay before the end of the memory, and how
    /// many from its start on.
    pub fn send_grant(&mut self, items: &[T], then: impl FnOnce()) -> Result<(usize, usize), Stop> {
        match self {
            Self::Rust(tx) => {
                let mut grant = tx.try_reserve(items.len()).map_err(|error| match error {
                    TrySendError::Full(()) => Later,
                    TrySendError::Closed(()) => Closed,
                })?;
                then();
                let (first, second) = grant.slices();
                let lens = (first.len(), second.len());
                assert_eq!(grant.extend_from_slice(items), items.len());
                match grant.commit() {
                    Ok(count) => assert_eq!(count, items.len()),
                    Err(error) => {
                        let mut grant = error.into_inner();
                        let back: Vec<T> = std::iter::from_fn(|| grant.pop()).collect();
                        assert!(back.iter().eq(items.iter().rev()), "{back:?}");
                        return Err(Closed);
                    }
                }
                Ok(lens)
            }
            Self::Zig(tx) => {
                answer(zig!(tx, reserve, items.len(), false))?;
                then();
                let [first, second] = tx.slices();
                assert_eq!(first.1 + second.1, items.len());
                // SAFETY: the grant's slots, which are the sender's until the commit.
                unsafe {
                    first.0.copy_from(items.as_ptr(), first.1);
                    second.0.copy_from(items[first.1..].as_ptr(), second.1);
                }
                answer(zig!(tx, commit, items.len()))?;
                Ok((first.1, second.1))
            }
        }
    }

    /// Sends bytes that need not be an item. Zig's end only: Rust has no such thing.
    pub fn send_bits(&mut self, bits: std::mem::MaybeUninit<T>) {
        let Self::Zig(tx) = self else { panic!("Rust's ends send items") };
        answer(zig!(tx, reserve, 1, true)).unwrap();
        // SAFETY: the grant's one slot.
        unsafe { tx.slices()[0].0.cast::<std::mem::MaybeUninit<T>>().write(bits) };
        answer(zig!(tx, commit, 1)).unwrap();
    }
}

/// A receiver.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Rx<T: Plain> {
    /// With the sender's reason, which a Rust end tells once.
    Rust(spsc::Receiver<T>, Option<StreamError>),
    Zig(ZigRx<T>),
}

impl<T: Plain> Rx<T> {
    /// Zig opens the end.
    pub fn in_zig(end: spsc::Receiver<T>) -> Self {
        Self::Zig(ZigRx::open(end))
    }

    /// Rust's end.
    pub fn rust(self) -> spsc::Receiver<T> {
        match self {
            Self::Rust(rx, _) => rx,
            Self::Zig(_) => panic!("Zig has this end"),
        }
    }

    /// What Rust's end said, in the words of both.
    fn said<R>(&mut self, received: Result<R, TryRecvError>) -> Result<R, Stop> {
        let Self::Rust(rx, told) = self else { unreachable!("Zig's end says it itself") };
        match received {
            Ok(ready) => Ok(ready),
            Err(TryRecvError::Empty) => Err(Later),
            Err(TryRecvError::Closed) => Err(Closed),
            Err(TryRecvError::Failed(StreamError::Malformed(_))) => Err(Malformed),
            Err(TryRecvError::Failed(reason)) => {
                assert_eq!(told.replace(reason), None, "told twice");
                assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
                Err(Closed)
            }
        }
    }

    /// Receives without waiting.
    pub fn try_recv(&mut self) -> Result<T, Stop> {
        match self {
            Self::Rust(rx, _) => {
                let received = rx.try_recv();
                self.said(received)
            }
            Self::Zig(rx) => {
                let mut item = T::of(0);
                answer(zig!(rx, try_recv, &mut item)).map(|()| item)
            }
        }
    }

    /// Receives; the thread sleeps while there is no item.
    pub fn recv(&mut self) -> Result<T, Stop> {
        match self {
            Self::Rust(rx, _) => {
                let received = rx.recv_blocking().map_err(TryRecvError::from);
                self.said(received)
            }
            Self::Zig(rx) => {
                let mut item = T::of(0);
                answer(zig!(rx, recv_blocking, &mut item, FOREVER)).map(|()| item)
            }
        }
    }

    /// [`recv`](Self::recv) that gives up.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, Stop> {
        match self {
            Self::Rust(rx, _) => match rx.recv_blocking_timeout(timeout) {
                Ok(item) => Ok(item),
                Err(RecvTimeoutError::Timeout) => Err(Timeout),
                Err(RecvTimeoutError::Closed) => Err(Closed),
                Err(RecvTimeoutError::Failed(reason)) => {
                    self.said(Err(TryRecvError::Failed(reason)))
                }
            },
            Self::Zig(rx) => {
                let mut item = T::of(0);
                answer(zig!(rx, recv_blocking, &mut item, nanoseconds(timeout))).map(|()| item)
            }
        }
    }

    /// Receives as a task: one poll.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Stop>> {
        match self {
            Self::Rust(rx, _) => {
                let polled = rx.poll_recv(cx);
                polled.map(|received| self.said(received.map_err(TryRecvError::from)))
            }
            Self::Zig(rx) => {
                let mut item = T::of(0);
                match answer(zig!(rx, poll_recv, &RawWaker::of(cx.waker()), &mut item)) {
                    Err(Later) => Poll::Pending,
                    ready => Poll::Ready(ready.map(|()| item)),
                }
            }
        }
    }

    /// Appends what is there, up to `limit`, at once or once there is something; how many.
    pub fn recv_many(
        &mut self,
        items: &mut Vec<T>,
        limit: usize,
        blocking: bool,
    ) -> Result<usize, Stop> {
        match self {
            Self::Rust(rx, _) => {
                let received = if blocking {
                    rx.recv_many_blocking(items, limit).map_err(RecvError::into)
                } else {
                    rx.try_recv_many(items, limit)
                };
                self.said(received)
            }
            Self::Zig(rx) => {
                let mut count = 0;
                items.reserve(limit);
                let at = items.spare_capacity_mut().as_mut_ptr().cast();
                answer(if blocking {
                    zig!(rx, recv_many_blocking, at, limit, &mut count)
                } else {
                    zig!(rx, try_recv_many, at, limit, &mut count)
                })?;
                // SAFETY: Zig has written so many, of the `limit` for which there is room.
                unsafe { items.set_len(items.len() + count) };
                Ok(count)
            }
        }
    }

    /// Reads up to `max` items in place, hands both slices to `look`, and releases as many as that says.
    pub fn read(&mut self, max: usize, look: impl FnOnce(&[T], &[T]) -> usize) -> Result<(), Stop> {
        match self {
            Self::Rust(rx, _) => match rx.try_read(max) {
                Ok(grant) => {
                    let (first, second) = grant.slices();
                    assert_eq!(grant.len(), first.len() + second.len());
                    let count = look(first, second);
                    grant.release(count);
                    Ok(())
                }
                Err(error) => self.said(Err(error)),
            },
            Self::Zig(rx) => {
                answer(zig!(rx, read, max, false))?;
                // SAFETY: the grant's items, which are the receiver's until the release.
                let [first, second] =
                    rx.slices().map(|(at, len)| unsafe { std::slice::from_raw_parts(at, len) });
                let count = look(first, second);
                zig!(rx, release, count);
                Ok(())
            }
        }
    }

    /// The next item, which stays.
    pub fn peek(&mut self) -> Result<T, Stop> {
        match self {
            Self::Rust(rx, _) => {
                let peeked = rx.peek().copied();
                self.said(peeked)
            }
            Self::Zig(rx) => {
                let mut item = T::of(0);
                answer(zig!(rx, peek, &mut item)).map(|()| item)
            }
        }
    }

    /// All items up to the end, asleep in between, and why the sender closed.
    pub fn drain(&mut self) -> (Vec<T>, Option<StreamError>) {
        let mut items = Vec::new();
        loop {
            match self.recv() {
                Ok(item) => items.push(item),
                Err(stop) => {
                    assert_eq!(stop, Closed);
                    return (items, self.reason());
                }
            }
        }
    }

    /// Why the sender closed, if it said so.
    pub fn reason(&self) -> Option<StreamError> {
        match self {
            Self::Rust(_, told) => *told,
            Self::Zig(rx) => rx.reason(),
        }
    }

    /// True when the channel is closed.
    pub fn is_closed(&mut self) -> bool {
        match self {
            Self::Rust(rx, _) => rx.is_closed(),
            Self::Zig(rx) => zig!(rx, common.is_closed),
        }
    }
}

impl<T: Plain> Tx<T> {
    /// Why the receiver closed, if it said so.
    pub fn reason(&self) -> Option<StreamError> {
        match self {
            Self::Rust(tx) => tx.reason(),
            Self::Zig(tx) => tx.reason(),
        }
    }

    /// True when the channel is closed.
    pub fn is_closed(&mut self) -> bool {
        match self {
            Self::Rust(tx) => tx.is_closed(),
            Self::Zig(tx) => zig!(tx, common.is_closed),
        }
    }
}

/// What both ends have.
macro_rules! both {
    ($name:ident $(, $rest:pat)?) => {
        #[allow(missing_docs)]
        impl<T: Plain> $name<T> {
            pub fn close(&mut self) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.close(),
                    Self::Zig(end) => zig!(end, common.close),
                }
            }

            /// With [`TORN`].
            pub fn close_torn(&mut self) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.close_with(TORN),
                    Self::Zig(end) => zig!(end, common.close_torn),
                }
            }

            pub fn close_code(&mut self, code: i32) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.close_with(StreamError::Code(code)),
                    Self::Zig(end) => zig!(end, common.close_code, code),
                }
            }

            pub fn len(&self) -> usize {
                match self {
                    Self::Rust(end $(, $rest)?) => end.len(),
                    Self::Zig(end) => zig!(end, common.len),
                }
            }

            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            pub fn capacity(&self) -> usize {
                match self {
                    Self::Rust(end $(, $rest)?) => end.capacity(),
                    Self::Zig(end) => zig!(end, common.capacity),
                }
            }

            pub fn snapshot(&self) -> Counters {
                match self {
                    Self::Rust(end $(, $rest)?) => counters(end.snapshot()),
                    Self::Zig(end) => end.snapshot(),
                }
            }

            pub fn set_patience(&mut self, looks: u32) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.set_patience(looks),
                    Self::Zig(end) => zig!(end, common.set_patience, looks),
                }
            }
        }
    };
}

both!(Tx);
both!(Rx, _);
