//! Ends of channels with many ends, in either language, with the same verbs. `zig/many_ends.zig` has Zig's ends;
//! `ends.rs` has what both flavours share.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};
use std::time::Duration;

use zigflow::abi::{ErrorKind, RawError, RawWaker};
use zigflow::channel::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
use zigflow::mpmc::{self, ZigReceiver, ZigSender};
use zigflow::profile::StdClock;
use zigflow::{StreamError, ZigError};

use crate::Point;
use crate::ends::Stop::{Closed, Later, Malformed, Timeout};
use crate::ends::{
    Counters, FOREVER, Handle, Lang, PAIRINGS, Plain, Stop, TORN, answer, counters, name,
    nanoseconds,
};

/// The least memory, bytes, on which a channel of `u64` that grows can live: two blocks of one item.
pub const LEAST_BYTES: usize = {
    #[repr(C)]
    struct Slot {
        stamp: u32,
        item: u64,
    }
    #[repr(C)]
    struct Block {
        next: *const (),
        slot: Slot,
    }
    2 * size_of::<Block>()
};

/// What both ends of Zig have; `E` is the end on its way there.
#[repr(C)]
struct Common<E> {
    open: unsafe extern "C" fn(E, &mut RawError) -> Handle,
    clone: unsafe extern "C" fn(Handle) -> Handle,
    cancel: unsafe extern "C" fn(Handle),
    close: unsafe extern "C" fn(Handle),
    close_torn: unsafe extern "C" fn(Handle),
    close_code: unsafe extern "C" fn(Handle, i32),
    is_closed: unsafe extern "C" fn(Handle) -> bool,
    reason: unsafe extern "C" fn(Handle, &mut RawError) -> bool,
    len: unsafe extern "C" fn(Handle) -> usize,
    capacity: unsafe extern "C" fn(Handle) -> usize,
    snapshot: unsafe extern "C" fn(Handle, &mut [u64; 10]),
    set_patience: unsafe extern "C" fn(Handle, u32),
    downgrade: unsafe extern "C" fn(Handle) -> Handle,
    weak_upgrade: unsafe extern "C" fn(Handle) -> Handle,
    weak_clone: unsafe extern "C" fn(Handle) -> Handle,
    weak_deinit: unsafe extern "C" fn(Handle),
    deinit: unsafe extern "C" fn(Handle),
}

#[repr(C)]
struct SenderVerbs<T> {
    common: Common<ZigSender<T>>,
    try_send: unsafe extern "C" fn(Handle, &T) -> u32,
    force_send: unsafe extern "C" fn(Handle, &T, *mut T, &mut bool) -> u32,
    send_blocking: unsafe extern "C" fn(Handle, &T, u64) -> u32,
    try_send_many: unsafe extern "C" fn(Handle, *const T, usize, &mut usize) -> u32,
    send_many_blocking: unsafe extern "C" fn(Handle, *const T, usize) -> usize,
    poll_ready: unsafe extern "C" fn(Handle, &RawWaker) -> u32,
    reserve: unsafe extern "C" fn(Handle, &mut Handle) -> u32,
    finish: unsafe extern "C" fn(Handle, Option<&T>),
    send_bytes: unsafe extern "C" fn(Handle, u8) -> u32,
}

#[repr(C)]
struct ReceiverVerbs<T> {
    common: Common<ZigReceiver<T>>,
    try_recv: unsafe extern "C" fn(Handle, *mut T) -> u32,
    recv_blocking: unsafe extern "C" fn(Handle, *mut T, u64) -> u32,
    try_recv_many: unsafe extern "C" fn(Handle, *mut T, usize, &mut usize) -> u32,
    recv_many_blocking: unsafe extern "C" fn(Handle, *mut T, usize, &mut usize) -> u32,
    poll_recv: unsafe extern "C" fn(Handle, &RawWaker, *mut T) -> u32,
    read: unsafe extern "C" fn(Handle, &mut Handle) -> u32,
    item: unsafe extern "C" fn(Handle) -> *mut T,
    release: unsafe extern "C" fn(Handle),
}

/// Zig's functions for the ends of one item type.
#[repr(C)]
#[allow(missing_debug_implementations)]
pub struct Table<T> {
    sender: SenderVerbs<T>,
    receiver: ReceiverVerbs<T>,
}

unsafe extern "C" {
    static zft_many_u64: Table<u64>;
    static zft_many_point: Table<Point>;
    static zft_many_bool: Table<bool>;
    fn zft_many_produce(tx: ZigSender<u64>, mark: u64, count: u64) -> Handle;
    fn zft_many_consume(rx: ZigReceiver<u64>) -> Handle;
    fn zft_many_join(worker: Handle, sum: &mut u64) -> u64;
    fn zft_many_open_as(end: Handle, what: u32, error: &mut RawError) -> bool;
}

/// An item type of which Zig has ends.
pub trait Many: Plain {
    /// Its functions.
    fn many() -> &'static Table<Self>;
}

impl Many for u64 {
    fn many() -> &'static Table<Self> {
        // SAFETY: constant data of the archive.
        unsafe { &zft_many_u64 }
    }
}

impl Many for Point {
    fn many() -> &'static Table<Self> {
        // SAFETY: as above.
        unsafe { &zft_many_point }
    }
}

impl Many for bool {
    fn many() -> &'static Table<Self> {
        // SAFETY: as above.
        unsafe { &zft_many_bool }
    }
}

/// A thread that Zig owns and that has an end.
#[derive(Debug)]
pub struct Worker(NonNull<c_void>);

impl Worker {
    /// Sends `mark` up to, not including, `mark + count`, by two ends in turn.
    pub fn produce(tx: mpmc::Sender<u64>, mark: u64, count: u64) -> Self {
        // SAFETY: the end goes to Zig, which opens it before it uses it.
        Self(
            NonNull::new(unsafe { zft_many_produce(tx.into_zig(), mark, count) })
                .expect("a thread"),
        )
    }

    /// Receives until the end.
    pub fn consume(rx: mpmc::Receiver<u64>) -> Self {
        // SAFETY: as above.
        Self(NonNull::new(unsafe { zft_many_consume(rx.into_zig()) }).expect("a thread"))
    }

    /// Waits for the thread's end; how many items went, and their sum if it received.
    pub fn join(self) -> (u64, u64) {
        let mut sum = 0;
        // SAFETY: made by one of the above and joined once.
        let count = unsafe { zft_many_join(self.0.as_ptr(), &mut sum) };
        (count, sum)
    }
}

/// What was wrong with an end when Zig opened it as something else; see `zft_many_open_as` in many_ends.zig.
pub fn open_as<E>(end: E, what: u32) -> Result<(), String> {
    assert_eq!(size_of::<E>(), size_of::<Handle>());
    let end = std::mem::ManuallyDrop::new(end);
    let mut error = RawError::EMPTY;
    // SAFETY: a `ZigSender` or `ZigReceiver` is a pointer to its end, which Zig takes over.
    let opened = unsafe {
        zft_many_open_as(std::ptr::from_ref(&*end).cast::<Handle>().read(), what, &mut error)
    };
    if opened { Ok(()) } else { Err(name(&error).to_owned()) }
}

/// A future of either language's end. Dropped, it waits no more.
pub type Polled<'a, R> = Pin<Box<dyn Future<Output = Result<R, Stop>> + Send + 'a>>;

/// An end that Zig has; `verbs` takes it from the table of `T`.
macro_rules! zig_end {
    ($name:ident, $weak:ident, $end:ident, $table:ident, $verbs:ident) => {
        /// An end that Zig has.
        #[derive(Debug)]
        pub struct $name<T: Many> {
            handle: NonNull<c_void>,
            items: PhantomData<T>,
        }

        // SAFETY: Zig's ends may move between threads; one at a time uses it, by `&mut self`.
        unsafe impl<T: Many> Send for $name<T> {}

        impl<T: Many> $name<T> {
            fn open(end: mpmc::$end<T>) -> Self {
                let mut error = RawError::EMPTY;
                // SAFETY: Zig takes the end over.
                let handle = unsafe { (Self::verbs().common.open)(end.into_zig(), &mut error) };
                let handle = NonNull::new(handle).unwrap_or_else(|| panic!("{}", name(&error)));
                Self { handle, items: PhantomData }
            }

            fn verbs() -> &'static $verbs<T> {
                &T::many().$table
            }

            // SAFETY of all calls: the handle is open until the drop, and `self` is its only user.
            fn reason(&self) -> Option<StreamError> {
                let mut error = RawError::EMPTY;
                if !zig!(self, common.reason, &mut error) {
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
                zig!(self, common.snapshot, &mut numbers);
                numbers
            }
        }

        impl<T: Many> Clone for $name<T> {
            fn clone(&self) -> Self {
                let handle = NonNull::new(zig!(self, common.clone)).expect("memory");
                Self { handle, items: PhantomData }
            }
        }

        impl<T: Many> Drop for $name<T> {
            fn drop(&mut self) {
                zig!(self, common.deinit);
            }
        }

        /// An end that Zig has and that does not keep the channel open.
        #[derive(Debug)]
        pub struct $weak<T: Many> {
            handle: NonNull<c_void>,
            items: PhantomData<T>,
        }

        impl<T: Many> Verbs for $weak<T> {
            type Table = $verbs<T>;
            fn table() -> &'static Self::Table {
                $name::<T>::verbs()
            }
        }

        impl<T: Many> $name<T> {
            fn downgrade(&self) -> $weak<T> {
                let handle = NonNull::new(zig!(self, common.downgrade)).expect("memory");
                $weak { handle, items: PhantomData }
            }
        }

        impl<T: Many> $weak<T> {
            fn upgrade(&self) -> Option<$name<T>> {
                let handle = NonNull::new(zig!(self, common.weak_upgrade))?;
                Some($name { handle, items: PhantomData })
            }
        }

        impl<T: Many> Clone for $weak<T> {
            fn clone(&self) -> Self {
                let handle = NonNull::new(zig!(self, common.weak_clone)).expect("memory");
                Self { handle, items: PhantomData }
            }
        }

        impl<T: Many> Drop for $weak<T> {
            fn drop(&mut self) {
                zig!(self, common.weak_deinit);
            }
        }
    };
}

/// Calls a verb of a Zig end.
macro_rules! zig {
    ($end:expr, $verb:ident $(.$common:ident)? $(, $arg:expr)*) => {{
        let end = $end;
        let verbs = of(end);
        // SAFETY: the handle is open until the drop, and the one who has the end is its only user; places live
        // during the call.
        unsafe { (verbs.$verb$(.$common)?)(end.handle.as_ptr() $(, $arg)*) }
    }};
}

/// The verbs of an end.
fn of<E: Verbs>(_: &E) -> &'static E::Table {
    E::table()
}

trait Verbs {
    type Table: 'static;
    fn table() -> &'static Self::Table;
}

impl<T: Many> Verbs for ZigTx<T> {
    type Table = SenderVerbs<T>;
    fn table() -> &'static Self::Table {
        Self::verbs()
    }
}

impl<T: Many> Verbs for ZigRx<T> {
    type Table = ReceiverVerbs<T>;
    fn table() -> &'static Self::Table {
        Self::verbs()
    }
}

zig_end!(ZigTx, WeakZigTx, Sender, sender, SenderVerbs);
zig_end!(ZigRx, WeakZigRx, Receiver, receiver, ReceiverVerbs);

/// A sender. An item that is not sent must come back as it was; Rust's ends are held to that here, Zig's take
/// it by value.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Tx<T: Many> {
    Rust(mpmc::Sender<T>),
    Zig(ZigTx<T>),
}

/// A receiver.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Rx<T: Many> {
    /// With the reason, which a Rust end tells once.
    Rust(mpmc::Receiver<T>, Option<StreamError>),
    Zig(ZigRx<T>),
}

/// A sender that does not keep the channel open.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum WeakTx<T: Many> {
    Rust(mpmc::WeakSender<T>),
    Zig(WeakZigTx<T>),
}

/// A receiver that does not keep the channel open.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum WeakRx<T: Many> {
    Rust(mpmc::WeakReceiver<T>),
    Zig(WeakZigRx<T>),
}

#[allow(missing_docs)]
impl<T: Many> WeakTx<T> {
    pub fn upgrade(&self) -> Option<Tx<T>> {
        match self {
            Self::Rust(weak) => weak.upgrade().map(Tx::Rust),
            Self::Zig(weak) => weak.upgrade().map(Tx::Zig),
        }
    }
}

#[allow(missing_docs)]
impl<T: Many> WeakRx<T> {
    pub fn upgrade(&self) -> Option<Rx<T>> {
        match self {
            Self::Rust(weak) => weak.upgrade().map(|rx| Rx::Rust(rx, None)),
            Self::Zig(weak) => weak.upgrade().map(Rx::Zig),
        }
    }
}

/// The ends of a channel whose positions wrap after `laps` laps: one of each language given.
pub fn ends<T: Many>(
    capacity: usize,
    laps: u32,
    senders: &[Lang],
    receivers: &[Lang],
) -> (Vec<Tx<T>>, Vec<Rx<T>>) {
    println!("{senders:?} to {receivers:?}, {capacity} items of {}, {laps} laps", T::NAME);
    split(mpmc::before_the_wrap(capacity, laps).unwrap(), senders, receivers)
}

/// The ends of a channel that grows by blocks of so many items up to so many blocks, and whose positions wrap after
/// so many blocks: one of each language given.
pub fn growing<T: Many>(
    (items, blocks, before): (usize, u32, u32),
    senders: &[Lang],
    receivers: &[Lang],
) -> (Vec<Tx<T>>, Vec<Rx<T>>) {
    println!("{senders:?} to {receivers:?}, {blocks} blocks of {items} {}, {before}", T::NAME);
    split(mpmc::unbounded_of_blocks(items, blocks, before).unwrap(), senders, receivers)
}

fn split<T: Many>(
    (tx, rx): (mpmc::Sender<T>, mpmc::Receiver<T>),
    senders: &[Lang],
    receivers: &[Lang],
) -> (Vec<Tx<T>>, Vec<Rx<T>>) {
    let senders = senders.iter().map(|lang| Tx::of(*lang, tx.clone())).collect();
    let receivers = receivers.iter().map(|lang| Rx::of(*lang, rx.clone())).collect();
    (senders, receivers)
}

/// Runs a test with the ends of a channel in each pairing.
pub fn each<T: Many>(capacity: usize, test: impl FnMut(Tx<T>, Rx<T>)) {
    each_near(capacity, 0, test);
}

/// [`each`] with channels whose positions wrap after `laps` laps; each also monitored, which changes nothing.
pub fn each_near<T: Many>(capacity: usize, laps: u32, mut test: impl FnMut(Tx<T>, Rx<T>)) {
    for (tx, rx) in PAIRINGS {
        let (mut tx, mut rx) = ends(capacity, laps, &[tx], &[rx]);
        test(tx.remove(0), rx.remove(0));
    }
    for (tx, rx) in PAIRINGS {
        let pair = mpmc::before_the_wrap(capacity, laps).unwrap();
        drop(pair.0.monitor(StdClock::new()));
        let (mut tx, mut rx) = split(pair, &[tx], &[rx]);
        test(tx.remove(0), rx.remove(0));
    }
}

/// Room for an item, of either language's end. Dropped, it is abandoned; [`forget`](std::mem::forget) forgets it.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Room<'a, T: Many> {
    Rust(mpmc::WriteGrant<'a, T>),
    Zig(ZigRoom<'a, T>),
}

/// Of a Zig end.
#[derive(Debug)]
pub struct ZigRoom<'a, T: Many>(NonNull<c_void>, PhantomData<&'a mut T>);

impl<T: Many> Room<'_, T> {
    /// Sends.
    pub fn send(self, item: T) {
        match self {
            Self::Rust(mut grant) => {
                grant.slot().write(item);
                // SAFETY: written.
                unsafe { grant.commit() };
            }
            Self::Zig(room) => {
                let grant = std::mem::ManuallyDrop::new(room).0;
                // SAFETY: of this end, and finished once.
                unsafe { (T::many().sender.finish)(grant.as_ptr(), Some(&item)) }
            }
        }
    }
}

impl<T: Many> Drop for ZigRoom<'_, T> {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { (T::many().sender.finish)(self.0.as_ptr(), None) };
    }
}

/// An item that is read in place, of either language's end.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Reading<'a, T: Many> {
    Rust(mpmc::ReadGrant<'a, T>),
    Zig(ZigReading<'a, T>),
}

/// Of a Zig end.
#[derive(Debug)]
pub struct ZigReading<'a, T: Many>(NonNull<c_void>, PhantomData<&'a mut T>);

impl<T: Many> Reading<'_, T> {
    /// The item, in place.
    pub fn item(&mut self) -> &mut T {
        match self {
            Self::Rust(grant) => grant,
            // SAFETY: of this end, and not released.
            Self::Zig(grant) => unsafe { &mut *(T::many().receiver.item)(grant.0.as_ptr()) },
        }
    }
}

impl<T: Many> Drop for ZigReading<'_, T> {
    fn drop(&mut self) {
        // SAFETY: as above, and released once.
        unsafe { (T::many().receiver.release)(self.0.as_ptr()) };
    }
}

/// Sends as a task of Zig's.
struct ZigSend<'a, T: Many> {
    tx: &'a mut ZigTx<T>,
    item: T,
}

impl<T: Many> Future for ZigSend<'_, T> {
    type Output = Result<(), Stop>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match answer(zig!(&*self.tx, poll_ready, &RawWaker::of(cx.waker()))) {
                Ok(()) => match answer(zig!(&*self.tx, try_send, &self.item)) {
                    Err(Later) => {} // another sender was faster
                    sent => return Poll::Ready(sent),
                },
                Err(Later) => return Poll::Pending,
                closed => return Poll::Ready(closed),
            }
        }
    }
}

impl<T: Many> Drop for ZigSend<'_, T> {
    fn drop(&mut self) {
        zig!(&*self.tx, common.cancel);
    }
}

/// Receives as a task of Zig's.
struct ZigRecv<'a, T: Many>(&'a mut ZigRx<T>);

impl<T: Many> Future for ZigRecv<'_, T> {
    type Output = Result<T, Stop>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut item = T::of(0);
        match answer(zig!(&*self.0, poll_recv, &RawWaker::of(cx.waker()), &mut item)) {
            Err(Later) => Poll::Pending,
            ready => Poll::Ready(ready.map(|()| item)),
        }
    }
}

impl<T: Many> Drop for ZigRecv<'_, T> {
    fn drop(&mut self) {
        zig!(&*self.0, common.cancel);
    }
}

impl<T: Many> Tx<T> {
    /// An end in this language.
    pub fn of(lang: Lang, end: mpmc::Sender<T>) -> Self {
        match lang {
            Lang::Rust => Self::Rust(end),
            Lang::Zig => Self::Zig(ZigTx::open(end)),
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
            Self::Zig(tx) => answer(zig!(&*tx, try_send, &item)),
        }
    }

    /// Sends, in place of the oldest item if there is no room; that one.
    pub fn force_send(&mut self, item: T) -> Result<Option<T>, Stop> {
        match self {
            Self::Rust(tx) => tx.force_send(item).map_err(|error| {
                let stop = if matches!(error, TrySendError::Full(_)) { Later } else { Closed };
                assert_eq!(error.into_inner(), item);
                stop
            }),
            Self::Zig(tx) => {
                let (mut oldest, mut replaced) = (T::of(0), false);
                answer(zig!(&*tx, force_send, &item, &mut oldest, &mut replaced))?;
                Ok(replaced.then_some(oldest))
            }
        }
    }

    /// An end that does not keep the channel open.
    pub fn downgrade(&self) -> WeakTx<T> {
        match self {
            Self::Rust(tx) => WeakTx::Rust(tx.downgrade()),
            Self::Zig(tx) => WeakTx::Zig(tx.downgrade()),
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
            Self::Zig(tx) => answer(zig!(&*tx, send_blocking, &item, FOREVER)),
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
            Self::Zig(tx) => answer(zig!(&*tx, send_blocking, &item, nanoseconds(timeout))),
        }
    }

    /// Sends as a task.
    pub fn sending(&mut self, item: T) -> Polled<'_, ()> {
        match self {
            Self::Rust(tx) => {
                let send = tx.send(item);
                Box::pin(async move {
                    send.await.map_err(|error| {
                        assert_eq!(error.into_inner(), item);
                        Closed
                    })
                })
            }
            Self::Zig(tx) => Box::pin(ZigSend { tx, item }),
        }
    }

    /// Room for one item.
    pub fn try_reserve(&self) -> Result<Room<'_, T>, Stop> {
        match self {
            Self::Rust(tx) => tx.try_reserve().map(Room::Rust).map_err(|error| match error {
                TrySendError::Full(()) => Later,
                TrySendError::Closed(()) => Closed,
            }),
            Self::Zig(tx) => {
                let mut grant = std::ptr::null_mut();
                answer(zig!(tx, reserve, &mut grant))?;
                Ok(Room::Zig(ZigRoom(NonNull::new(grant).expect("a grant"), PhantomData)))
            }
        }
    }

    /// Sends what fits, at once; how many.
    pub fn try_send_many(&mut self, items: &[T]) -> Result<usize, Stop> {
        match self {
            Self::Rust(tx) => tx.try_send_many(items).map_err(|error| {
                assert_eq!(error.reason(), tx.reason());
                Closed
            }),
            Self::Zig(tx) => {
                let mut sent = 0;
                answer(zig!(&*tx, try_send_many, items.as_ptr(), items.len(), &mut sent))?;
                Ok(sent)
            }
        }
    }

    /// Sends all; how many were sent: fewer if the channel was closed.
    pub fn send_many(&mut self, items: &[T]) -> usize {
        match self {
            Self::Rust(tx) => {
                tx.send_many_blocking(items).map_or_else(|error| error.sent(), |()| items.len())
            }
            Self::Zig(tx) => zig!(&*tx, send_many_blocking, items.as_ptr(), items.len()),
        }
    }

    /// Sends an item all of whose bytes are `byte`, which need not be an item. Zig's end only: Rust has no
    /// such thing.
    pub fn send_bytes(&mut self, byte: u8) {
        let Self::Zig(tx) = self else { panic!("Rust's ends send items") };
        answer(zig!(&*tx, send_bytes, byte)).unwrap();
    }

    /// Why the channel was closed, if somebody said so.
    pub fn reason(&self) -> Option<StreamError> {
        match self {
            Self::Rust(tx) => tx.reason(),
            Self::Zig(tx) => tx.reason(),
        }
    }
}

impl<T: Many> Rx<T> {
    /// An end in this language.
    pub fn of(lang: Lang, end: mpmc::Receiver<T>) -> Self {
        match lang {
            Lang::Rust => Self::Rust(end, None),
            Lang::Zig => Self::Zig(ZigRx::open(end)),
        }
    }

    /// An end that does not keep the channel open.
    pub fn downgrade(&self) -> WeakRx<T> {
        match self {
            Self::Rust(rx, _) => WeakRx::Rust(rx.downgrade()),
            Self::Zig(rx) => WeakRx::Zig(rx.downgrade()),
        }
    }

    /// What Rust's end said, in the words of both.
    fn said<R>(
        rx: &mpmc::Receiver<T>,
        told: &mut Option<StreamError>,
        received: Result<R, TryRecvError>,
    ) -> Result<R, Stop> {
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
            Self::Rust(rx, told) => Self::said(rx, told, rx.try_recv()),
            Self::Zig(rx) => {
                let mut item = T::of(0);
                answer(zig!(&*rx, try_recv, &mut item)).map(|()| item)
            }
        }
    }

    /// Receives; the thread sleeps while there is no item.
    pub fn recv(&mut self) -> Result<T, Stop> {
        match self {
            Self::Rust(rx, told) => {
                Self::said(rx, told, rx.recv_blocking().map_err(TryRecvError::from))
            }
            Self::Zig(rx) => {
                let mut item = T::of(0);
                answer(zig!(&*rx, recv_blocking, &mut item, FOREVER)).map(|()| item)
            }
        }
    }

    /// [`recv`](Self::recv) that gives up.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, Stop> {
        match self {
            Self::Rust(rx, told) => match rx.recv_blocking_timeout(timeout) {
                Ok(item) => Ok(item),
                Err(RecvTimeoutError::Timeout) => Err(Timeout),
                Err(RecvTimeoutError::Closed) => Err(Closed),
                Err(RecvTimeoutError::Failed(reason)) => {
                    Self::said(rx, told, Err(TryRecvError::Failed(reason)))
                }
            },
            Self::Zig(rx) => {
                let mut item = T::of(0);
                answer(zig!(&*rx, recv_blocking, &mut item, nanoseconds(timeout))).map(|()| item)
            }
        }
    }

    /// The next item, read in place.
    pub fn try_read(&mut self) -> Result<Reading<'_, T>, Stop> {
        match self {
            Self::Rust(rx, told) => {
                let rx = &*rx;
                Self::said(rx, told, rx.try_read()).map(Reading::Rust)
            }
            Self::Zig(rx) => {
                let mut grant = std::ptr::null_mut();
                answer(zig!(&*rx, read, &mut grant))?;
                Ok(Reading::Zig(ZigReading(NonNull::new(grant).expect("a grant"), PhantomData)))
            }
        }
    }

    /// Appends what is there, up to `limit`, at once or once there is something; how many.
    pub fn recv_many(
        &mut self,
        items: &mut Vec<T>,
        limit: usize,
        blocks: bool,
    ) -> Result<usize, Stop> {
        match self {
            Self::Rust(rx, told) => {
                let received = if blocks {
                    rx.recv_many_blocking(items, limit).map_err(TryRecvError::from)
                } else {
                    rx.try_recv_many(items, limit)
                };
                Self::said(rx, told, received)
            }
            Self::Zig(rx) => {
                items.reserve(limit);
                let (mut count, at) = (0, items.spare_capacity_mut().as_mut_ptr().cast());
                answer(if blocks {
                    zig!(&*rx, recv_many_blocking, at, limit, &mut count)
                } else {
                    zig!(&*rx, try_recv_many, at, limit, &mut count)
                })?;
                // SAFETY: Zig has written so many, of the `limit` for which there is room.
                unsafe { items.set_len(items.len() + count) };
                Ok(count)
            }
        }
    }

    /// Receives as a task.
    pub fn receiving(&mut self) -> Polled<'_, T> {
        match self {
            Self::Rust(rx, told) => {
                let rx = &*rx;
                let recv = rx.recv();
                Box::pin(
                    async move { Self::said(rx, told, recv.await.map_err(TryRecvError::from)) },
                )
            }
            Self::Zig(rx) => Box::pin(ZigRecv(rx)),
        }
    }

    /// All items up to the end, asleep in between, and why the channel was closed.
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

    /// Why the channel was closed, if somebody said so and this end has heard it.
    pub fn reason(&self) -> Option<StreamError> {
        match self {
            Self::Rust(_, told) => *told,
            Self::Zig(rx) => rx.reason(),
        }
    }
}

impl<T: Many> Clone for Rx<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Rust(rx, _) => Self::Rust(rx.clone(), None),
            Self::Zig(rx) => Self::Zig(rx.clone()),
        }
    }
}

/// What both ends have.
macro_rules! both {
    ($name:ident $(, $rest:pat)?) => {
        #[allow(missing_docs)]
        impl<T: Many> $name<T> {
            pub fn close(&self) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.close(),
                    Self::Zig(end) => zig!(end, common.close),
                }
            }

            /// With [`TORN`].
            pub fn close_torn(&self) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.close_with(TORN),
                    Self::Zig(end) => zig!(end, common.close_torn),
                }
            }

            pub fn close_code(&self, code: i32) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.close_with(StreamError::Code(code)),
                    Self::Zig(end) => zig!(end, common.close_code, code),
                }
            }

            pub fn set_patience(&mut self, looks: u32) {
                match self {
                    Self::Rust(end $(, $rest)?) => end.set_patience(looks),
                    Self::Zig(end) => zig!(end, common.set_patience, looks),
                }
            }

            pub fn is_closed(&self) -> bool {
                match self {
                    Self::Rust(end $(, $rest)?) => end.is_closed(),
                    Self::Zig(end) => zig!(end, common.is_closed),
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
        }
    };
}

both!(Tx);
both!(Rx, _);
