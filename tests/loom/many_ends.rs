//! The ends of channels with many ends, in either language, with the same verbs.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use zigflow_core::StreamError;
use zigflow_core::abi::RawWaker;
use zigflow_core::channel::{TryRecvError, TrySendError};
use zigflow_core::mpmc::{self, ZigReceiver, ZigSender};

use crate::ends::Outcome::{self, Closed, Done, NotNow};
use crate::ends::Peer;
use crate::explore::Side;

/// The memory of a Zig handle.
type Handle = [u64; 24];

unsafe extern "C-unwind" {
    safe fn model_mpmc_handle_bytes() -> usize;
    fn model_mpmc_tx_open(raw: ZigSender<u32>, tx: *mut Handle) -> bool;
    fn model_mpmc_tx_try_send(tx: *mut Handle, item: u32) -> u32;
    fn model_mpmc_tx_try_send_many(
        tx: *mut Handle,
        items: *const u32,
        len: usize,
        sent: *mut usize,
    ) -> u32;
    fn model_mpmc_tx_poll_send(tx: *mut Handle, waker: *const RawWaker, item: u32) -> u32;
    fn model_mpmc_tx_reserve(tx: *mut Handle, grant: *mut Handle) -> *mut u32;
    fn model_mpmc_grant_commit(grant: *mut Handle);
    fn model_mpmc_grant_abandon(grant: *mut Handle);
    fn model_mpmc_tx_force_send(tx: *mut Handle, item: u32) -> u32;
    fn model_mpmc_tx_len(tx: *mut Handle) -> usize;
    fn model_mpmc_tx_close(tx: *mut Handle, code: i32);
    fn model_mpmc_tx_deinit(tx: *mut Handle);
    fn model_mpmc_rx_open(raw: ZigReceiver<u32>, rx: *mut Handle) -> bool;
    fn model_mpmc_rx_try_recv(rx: *mut Handle, item: *mut u32) -> u32;
    fn model_mpmc_rx_try_recv_quiet(rx: *mut Handle, item: *mut u32, due: *mut bool) -> u32;
    fn model_mpmc_rx_peer(rx: *mut Handle, peer: *mut [u64; 8]);
    fn model_mpmc_rx_read(rx: *mut Handle, item: *mut u32) -> u32;
    fn model_mpmc_rx_poll_recv(rx: *mut Handle, waker: *const RawWaker, item: *mut u32) -> u32;
    fn model_mpmc_rx_close(rx: *mut Handle, code: i32);
    fn model_mpmc_rx_deinit(rx: *mut Handle);
}

/// A sender.
#[derive(Debug)]
pub enum Tx {
    /// In Rust; the future, if it waits, stands before what it borrows.
    Rust(Option<Pin<Box<mpmc::Send<'static, u32>>>>, Box<mpmc::Sender<u32>>),
    /// In Zig.
    Zig(Box<Handle>),
}

/// A receiver.
#[derive(Debug)]
pub enum Rx {
    /// In Rust.
    Rust(mpmc::Receiver<u32>),
    /// In Zig.
    Zig(Box<Handle>),
}

/// A channel with its ends in these languages; positions wrap around after `laps` laps.
pub fn mpmc(
    capacity: usize,
    laps: u32,
    senders: &[Side],
    receivers: &[Side],
) -> (Vec<Tx>, Vec<Rx>) {
    assert!(model_mpmc_handle_bytes() <= size_of::<Handle>());
    split(mpmc::before_the_wrap(capacity, laps).unwrap(), senders, receivers)
}

/// A channel that grows by blocks of so many items up to so many blocks.
pub fn growing(
    (items, blocks): (usize, u32),
    senders: &[Side],
    receivers: &[Side],
) -> (Vec<Tx>, Vec<Rx>) {
    assert!(model_mpmc_handle_bytes() <= size_of::<Handle>());
    split(mpmc::unbounded_of_blocks(items, blocks, 1).unwrap(), senders, receivers)
}

fn split(
    (tx, rx): (mpmc::Sender<u32>, mpmc::Receiver<u32>),
    senders: &[Side],
    receivers: &[Side],
) -> (Vec<Tx>, Vec<Rx>) {
    let tx = senders.iter().map(|side| Tx::new(tx.clone(), *side)).collect();
    let rx = receivers.iter().map(|side| Rx::new(rx.clone(), *side)).collect();
    (tx, rx)
}

impl Tx {
    /// An end in this language.
    pub fn new(tx: mpmc::Sender<u32>, side: Side) -> Self {
        match side {
            Side::Rust => Self::Rust(None, Box::new(tx)),
            Side::Zig => {
                let mut handle = Box::new([0; 24]);
                // SAFETY: the handle's memory is large enough, and stays where it is.
                assert!(unsafe { model_mpmc_tx_open(tx.into_zig(), &mut *handle) });
                Self::Zig(handle)
            }
        }
    }

    /// `try_send`.
    pub fn try_send(&mut self, item: u32) -> Outcome<()> {
        match self {
            Self::Rust(_, tx) => match tx.try_send(item) {
                Ok(()) => Done(()),
                Err(TrySendError::Full(_)) => NotNow,
                Err(TrySendError::Closed(_)) => Closed,
            },
            // SAFETY: the handle was opened; the only use.
            Self::Zig(tx) => Outcome::of(unsafe { model_mpmc_tx_try_send(&mut **tx, item) }, ()),
        }
    }

    /// Reserves room, writes `item` there, does something else, perhaps closes, and sends it, or gives it up after all;
    /// whether there was room.
    pub fn reserve(
        &mut self,
        item: u32,
        meanwhile: impl FnOnce(),
        closes: bool,
        sends: bool,
    ) -> bool {
        match self {
            Self::Rust(_, tx) => {
                let Ok(mut grant) = tx.try_reserve() else { return false };
                grant.slot().write(item);
                meanwhile();
                if closes {
                    tx.close();
                }
                if sends {
                    // SAFETY: written.
                    unsafe { grant.commit() };
                }
            }
            Self::Zig(tx) => {
                let mut grant = [0; 24];
                // SAFETY: as above; the grant's memory is large enough, and the item's place is its own until it is
                // committed or abandoned.
                unsafe {
                    let at = model_mpmc_tx_reserve(&mut **tx, &mut grant);
                    if at.is_null() {
                        return false;
                    }
                    at.write(item);
                    meanwhile();
                    if closes {
                        model_mpmc_tx_close(&mut **tx, 0);
                    }
                    if sends {
                        model_mpmc_grant_commit(&mut grant);
                    } else {
                        model_mpmc_grant_abandon(&mut grant);
                    }
                }
            }
        }
        true
    }

    /// `force_send`; what comes back goes.
    pub fn force_send(&mut self, item: u32) -> Outcome<()> {
        match self {
            Self::Rust(_, tx) => match tx.force_send(item) {
                Ok(_) => Done(()),
                Err(TrySendError::Full(_)) => NotNow,
                Err(TrySendError::Closed(_)) => Closed,
            },
            // SAFETY: as above.
            Self::Zig(tx) => Outcome::of(unsafe { model_mpmc_tx_force_send(&mut **tx, item) }, ()),
        }
    }

    /// `try_send_many`; how many.
    pub fn try_send_many(&mut self, items: &[u32]) -> Outcome<usize> {
        match self {
            Self::Rust(_, tx) => tx.try_send_many(items).map_or(Closed, Done),
            Self::Zig(tx) => {
                let (len, mut sent) = (items.len(), 0);
                // SAFETY: as above.
                let number = unsafe {
                    model_mpmc_tx_try_send_many(&mut **tx, items.as_ptr(), len, &mut sent)
                };
                Outcome::of(number, sent)
            }
        }
    }

    /// Sends, or waits for room.
    pub fn poll_send(&mut self, waker: &Waker, item: u32) -> Outcome<()> {
        match self {
            Self::Rust(wait, tx) => {
                // SAFETY: the future goes before the sender that it borrows, whose address stays.
                let tx = unsafe { &*std::ptr::from_ref(&**tx) };
                let future = wait.get_or_insert_with(|| Box::pin(tx.send(item)));
                let polled = future.as_mut().poll(&mut Context::from_waker(waker));
                if polled.is_ready() {
                    *wait = None;
                }
                match polled {
                    Poll::Pending => NotNow,
                    Poll::Ready(Ok(())) => Done(()),
                    Poll::Ready(Err(_)) => Closed,
                }
            }
            Self::Zig(tx) => {
                let words = RawWaker::of(waker);
                // SAFETY: as above; the waker is lent for the call.
                Outcome::of(unsafe { model_mpmc_tx_poll_send(&mut **tx, &words, item) }, ())
            }
        }
    }

    /// `len`.
    pub fn len(&mut self) -> usize {
        match self {
            Self::Rust(_, tx) => tx.len(),
            // SAFETY: as above.
            Self::Zig(tx) => unsafe { model_mpmc_tx_len(&mut **tx) },
        }
    }

    /// `close_with` a code.
    pub fn close(&mut self, code: i32) {
        match self {
            Self::Rust(_, tx) => tx.close_with(StreamError::Code(code)),
            // SAFETY: as above.
            Self::Zig(tx) => unsafe { model_mpmc_tx_close(&mut **tx, code) },
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Self::Zig(tx) = self {
            // SAFETY: as above; it is not used afterwards.
            unsafe { model_mpmc_tx_deinit(&mut **tx) };
        }
    }
}

impl Rx {
    /// An end in this language.
    pub fn new(rx: mpmc::Receiver<u32>, side: Side) -> Self {
        match side {
            Side::Rust => Self::Rust(rx),
            Side::Zig => {
                let mut handle = Box::new([0; 24]);
                // SAFETY: the handle's memory is large enough, and stays where it is.
                assert!(unsafe { model_mpmc_rx_open(rx.into_zig(), &mut *handle) });
                Self::Zig(handle)
            }
        }
    }

    /// `try_recv`.
    pub fn try_recv(&mut self) -> Outcome<u32> {
        match self {
            Self::Rust(rx) => match rx.try_recv() {
                Ok(item) => Done(item),
                Err(TryRecvError::Empty) => NotNow,
                Err(TryRecvError::Closed | TryRecvError::Failed(_)) => Closed,
            },
            Self::Zig(rx) => {
                let mut item = 0;
                // SAFETY: as above.
                let number = unsafe { model_mpmc_rx_try_recv(&mut **rx, &mut item) };
                Outcome::of(number, item)
            }
        }
    }

    /// `try_recv_quiet`; whether a wake is due, too.
    pub fn try_recv_quiet(&mut self) -> Outcome<(u32, bool)> {
        match self {
            Self::Rust(rx) => match rx.try_recv_quiet() {
                Ok((item, due)) => Done((item, due.is_due())),
                Err(TryRecvError::Empty) => NotNow,
                Err(TryRecvError::Closed | TryRecvError::Failed(_)) => Closed,
            },
            Self::Zig(rx) => {
                let (mut item, mut due) = (0, false);
                // SAFETY: as above.
                let number =
                    unsafe { model_mpmc_rx_try_recv_quiet(&mut **rx, &mut item, &mut due) };
                Outcome::of(number, (item, due))
            }
        }
    }

    /// `peer_waker`.
    pub fn peer_waker(&mut self) -> Peer {
        match self {
            Self::Rust(rx) => Peer::Rust(rx.peer_waker()),
            Self::Zig(rx) => {
                let mut peer = Box::new([0; 8]);
                // SAFETY: as above; the memory is large enough.
                unsafe { model_mpmc_rx_peer(&mut **rx, &mut *peer) };
                Peer::Zig(peer)
            }
        }
    }

    /// `try_read`, and lets the item go.
    pub fn try_read(&mut self) -> Outcome<u32> {
        match self {
            Self::Rust(rx) => match rx.try_read() {
                Ok(item) => Done(*item),
                Err(TryRecvError::Empty) => NotNow,
                Err(TryRecvError::Closed | TryRecvError::Failed(_)) => Closed,
            },
            Self::Zig(rx) => {
                let mut item = 0;
                // SAFETY: as above.
                let number = unsafe { model_mpmc_rx_read(&mut **rx, &mut item) };
                Outcome::of(number, item)
            }
        }
    }

    /// Receives, or waits for an item.
    pub fn poll_recv(&mut self, waker: &Waker) -> Outcome<u32> {
        match self {
            Self::Rust(rx) => match Pin::new(rx).poll_next(&mut Context::from_waker(waker)) {
                Poll::Pending => NotNow,
                Poll::Ready(Some(Ok(item))) => Done(item),
                Poll::Ready(Some(Err(_)) | None) => Closed,
            },
            Self::Zig(rx) => {
                let (words, mut item) = (RawWaker::of(waker), 0);
                // SAFETY: as above; the waker is lent for the call.
                let number = unsafe { model_mpmc_rx_poll_recv(&mut **rx, &words, &mut item) };
                Outcome::of(number, item)
            }
        }
    }

    /// `close_with` a code.
    pub fn close(&mut self, code: i32) {
        match self {
            Self::Rust(rx) => rx.close_with(StreamError::Code(code)),
            // SAFETY: as above.
            Self::Zig(rx) => unsafe { model_mpmc_rx_close(&mut **rx, code) },
        }
    }
}

impl Drop for Rx {
    fn drop(&mut self) {
        if let Self::Zig(rx) = self {
            // SAFETY: as above; it is not used afterwards.
            unsafe { model_mpmc_rx_deinit(&mut **rx) };
        }
    }
}
