//! The ends of channels in either language, with the same verbs.

use std::task::{Context, Waker};

use zigflow_core::StreamError;
use zigflow_core::abi::RawWaker;
use zigflow_core::channel::{PeerWaker, RecvError, TryRecvError, TrySendError};
use zigflow_core::spsc::{self, ZigReceiver, ZigSender};

use crate::explore::Side;

/// The memory of a Zig handle.
type Handle = [u64; 8];

unsafe extern "C-unwind" {
    safe fn model_handle_bytes() -> usize;
    fn model_spsc_tx_open(raw: ZigSender<u32>, tx: *mut Handle) -> bool;
    fn model_spsc_tx_try_send(tx: *mut Handle, item: u32) -> u32;
    fn model_spsc_tx_try_send_quiet(tx: *mut Handle, item: u32, due: *mut bool) -> u32;
    fn model_spsc_tx_peer(tx: *mut Handle, peer: *mut Handle);
    fn model_peer_wake(peer: *const Handle);
    fn model_peer_deinit(peer: *mut Handle);
    fn model_spsc_tx_try_send_many(
        tx: *mut Handle,
        items: *const u32,
        len: usize,
        sent: *mut usize,
    ) -> u32;
    fn model_spsc_tx_poll_ready(tx: *mut Handle, waker: *const RawWaker) -> u32;
    fn model_spsc_tx_close(tx: *mut Handle, code: i32);
    fn model_spsc_tx_reason(tx: *mut Handle) -> i32;
    fn model_spsc_tx_deinit(tx: *mut Handle);
    fn model_spsc_rx_open(raw: ZigReceiver<u32>, rx: *mut Handle) -> bool;
    fn model_spsc_rx_try_recv(rx: *mut Handle, item: *mut u32) -> u32;
    fn model_spsc_rx_try_recv_many(
        rx: *mut Handle,
        items: *mut u32,
        len: usize,
        received: *mut usize,
    ) -> u32;
    fn model_spsc_rx_poll_recv(rx: *mut Handle, waker: *const RawWaker, item: *mut u32) -> u32;
    fn model_spsc_rx_close(rx: *mut Handle, code: i32);
    fn model_spsc_rx_reason(rx: *mut Handle) -> i32;
    fn model_spsc_rx_deinit(rx: *mut Handle);
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome<T> {
    /// It was done.
    Done(T),
    /// Full, empty, or pending.
    NotNow,
    /// The channel is closed; the sender has its items.
    Closed,
}
use Outcome::{Closed, Done, NotNow};

impl<T> Outcome<T> {
    /// What a Zig function answered.
    pub(crate) fn of(number: u32, value: T) -> Self {
        match number {
            0 => Done(value),
            1 => NotNow,
            _ => Closed,
        }
    }
}

/// A sender.
#[derive(Debug)]
pub enum Tx {
    /// In Rust.
    Rust(spsc::Sender<u32>),
    /// In Zig.
    Zig(Box<Handle>),
}

/// A receiver.
#[derive(Debug)]
pub enum Rx {
    /// In Rust.
    Rust(spsc::Receiver<u32>),
    /// In Zig.
    Zig(Box<Handle>),
}

/// What wakes the other side.
#[derive(Debug)]
pub enum Peer {
    /// In Rust.
    Rust(PeerWaker<u32>),
    /// In Zig.
    Zig(Box<Handle>),
}

impl Peer {
    /// `wake`.
    pub fn wake(&self) {
        match self {
            Self::Rust(peer) => peer.wake(),
            // SAFETY: open until the drop.
            Self::Zig(peer) => unsafe { model_peer_wake(&**peer) },
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Self::Zig(peer) = self {
            // SAFETY: open until here.
            unsafe { model_peer_deinit(&mut **peer) };
        }
    }
}

/// A channel that has moved `start` items already, with its ends in these languages.
pub fn spsc(capacity: usize, start: u32, tx_side: Side, rx_side: Side) -> (Tx, Rx) {
    assert!(model_handle_bytes() <= size_of::<Handle>());
    let (tx, rx) = spsc::starting_at(capacity, start).unwrap();
    let tx = match tx_side {
        Side::Rust => Tx::Rust(tx),
        Side::Zig => {
            let mut handle = Box::new([0; 8]);
            // SAFETY: the handle's memory is large enough.
            assert!(unsafe { model_spsc_tx_open(tx.into_zig(), &mut *handle) });
            Tx::Zig(handle)
        }
    };
    let rx = match rx_side {
        Side::Rust => Rx::Rust(rx),
        Side::Zig => {
            let mut handle = Box::new([0; 8]);
            // SAFETY: the handle's memory is large enough.
            assert!(unsafe { model_spsc_rx_open(rx.into_zig(), &mut *handle) });
            Rx::Zig(handle)
        }
    };
    (tx, rx)
}

fn code(reason: Option<StreamError>) -> i32 {
    match reason {
        Some(StreamError::Code(code)) => code,
        _ => 0,
    }
}

// SAFETY of all calls below: the handle was opened, and `&mut self` is the only use of it.
impl Tx {
    /// `try_send`.
    pub fn try_send(&mut self, item: u32) -> Outcome<()> {
        match self {
            Self::Rust(tx) => match tx.try_send(item) {
                Ok(()) => Done(()),
                Err(TrySendError::Full(back)) => {
                    assert_eq!(back, item);
                    NotNow
                }
                Err(TrySendError::Closed(back)) => {
                    assert_eq!(back, item);
                    Closed
                }
            },
            // SAFETY: as above.
            Self::Zig(tx) => Outcome::of(unsafe { model_spsc_tx_try_send(&mut **tx, item) }, ()),
        }
    }

    /// `try_send_quiet`: whether a wake is due.
    pub fn try_send_quiet(&mut self, item: u32) -> Outcome<bool> {
        match self {
            Self::Rust(tx) => match tx.try_send_quiet(item) {
                Ok(due) => Done(due.is_due()),
                Err(TrySendError::Full(_)) => NotNow,
                Err(TrySendError::Closed(_)) => Closed,
            },
            Self::Zig(tx) => {
                let mut due = false;
                // SAFETY: as above.
                let number = unsafe { model_spsc_tx_try_send_quiet(&mut **tx, item, &mut due) };
                Outcome::of(number, due)
            }
        }
    }

    /// `peer_waker`.
    pub fn peer_waker(&mut self) -> Peer {
        match self {
            Self::Rust(tx) => Peer::Rust(tx.peer_waker()),
            Self::Zig(tx) => {
                let mut peer = Box::new([0; 8]);
                // SAFETY: as above; the peer's memory is large enough.
                unsafe { model_spsc_tx_peer(&mut **tx, &mut *peer) };
                Peer::Zig(peer)
            }
        }
    }

    /// `try_send_many`.
    pub fn try_send_many(&mut self, items: &[u32]) -> Outcome<usize> {
        match self {
            Self::Rust(tx) => tx.try_send_many(items).map_or(Closed, Done),
            Self::Zig(tx) => {
                let mut sent = 0;
                let (first, len) = (items.as_ptr(), items.len());
                // SAFETY: as above; the items are lent for the call.
                let number =
                    unsafe { model_spsc_tx_try_send_many(&mut **tx, first, len, &mut sent) };
                Outcome::of(number, sent)
            }
        }
    }

    /// `poll_ready`.
    pub fn poll_ready(&mut self, waker: &Waker) -> Outcome<()> {
        match self {
            Self::Rust(tx) => match tx.poll_ready(&mut Context::from_waker(waker)) {
                std::task::Poll::Pending => NotNow,
                std::task::Poll::Ready(Ok(())) => Done(()),
                std::task::Poll::Ready(Err(_)) => Closed,
            },
            Self::Zig(tx) => {
                let words = RawWaker::of(waker);
                // SAFETY: as above; the waker is lent for the call.
                Outcome::of(unsafe { model_spsc_tx_poll_ready(&mut **tx, &words) }, ())
            }
        }
    }

    /// `close_with` a code.
    pub fn close(&mut self, code: i32) {
        match self {
            Self::Rust(tx) => tx.close_with(StreamError::Code(code)),
            // SAFETY: as above.
            Self::Zig(tx) => unsafe { model_spsc_tx_close(&mut **tx, code) },
        }
    }

    /// The code with which the receiver closed, or 0.
    pub fn reason(&mut self) -> i32 {
        match self {
            Self::Rust(tx) => code(tx.reason()),
            // SAFETY: as above.
            Self::Zig(tx) => unsafe { model_spsc_tx_reason(&mut **tx) },
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Self::Zig(tx) = self {
            // SAFETY: as above; it is not used afterwards.
            unsafe { model_spsc_tx_deinit(&mut **tx) };
        }
    }
}

impl Rx {
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
                let number = unsafe { model_spsc_rx_try_recv(&mut **rx, &mut item) };
                Outcome::of(number, item)
            }
        }
    }

    /// `try_recv_many`.
    pub fn try_recv_many(&mut self, limit: usize) -> Outcome<Vec<u32>> {
        let mut items = Vec::new();
        match self {
            Self::Rust(rx) => match rx.try_recv_many(&mut items, limit) {
                Ok(count) => {
                    assert_eq!(count, items.len());
                    Done(items)
                }
                Err(TryRecvError::Empty) => NotNow,
                Err(TryRecvError::Closed | TryRecvError::Failed(_)) => Closed,
            },
            Self::Zig(rx) => {
                items.resize(limit, 0);
                let mut received = 0;
                let first = items.as_mut_ptr();
                // SAFETY: as above; there is room for `limit` items.
                let number =
                    unsafe { model_spsc_rx_try_recv_many(&mut **rx, first, limit, &mut received) };
                items.truncate(received);
                Outcome::of(number, items)
            }
        }
    }

    /// `poll_recv`.
    pub fn poll_recv(&mut self, waker: &Waker) -> Outcome<u32> {
        match self {
            Self::Rust(rx) => match rx.poll_recv(&mut Context::from_waker(waker)) {
                std::task::Poll::Pending => NotNow,
                std::task::Poll::Ready(Ok(item)) => Done(item),
                std::task::Poll::Ready(Err(RecvError::Closed | RecvError::Failed(_))) => Closed,
            },
            Self::Zig(rx) => {
                let (words, mut item) = (RawWaker::of(waker), 0);
                // SAFETY: as above; the waker is lent for the call.
                let number = unsafe { model_spsc_rx_poll_recv(&mut **rx, &words, &mut item) };
                Outcome::of(number, item)
            }
        }
    }

    /// `close_with` a code.
    pub fn close(&mut self, code: i32) {
        match self {
            Self::Rust(rx) => rx.close_with(StreamError::Code(code)),
            // SAFETY: as above.
            Self::Zig(rx) => unsafe { model_spsc_rx_close(&mut **rx, code) },
        }
    }

    /// The code with which the sender closed, or 0. In Rust it is told in place of an item, once.
    pub fn end(&mut self) -> i32 {
        match self {
            Self::Rust(rx) => match rx.try_recv() {
                Err(TryRecvError::Failed(reason)) => code(Some(reason)),
                Err(TryRecvError::Closed) => 0,
                other => panic!("an end was expected: {other:?}"),
            },
            Self::Zig(rx) => {
                let mut item = 0;
                // SAFETY: as above.
                unsafe {
                    assert_eq!(model_spsc_rx_try_recv(&mut **rx, &mut item), 2);
                    model_spsc_rx_reason(&mut **rx)
                }
            }
        }
    }
}

impl Drop for Rx {
    fn drop(&mut self) {
        if let Self::Zig(rx) = self {
            // SAFETY: as above; it is not used afterwards.
            unsafe { model_spsc_rx_deinit(&mut **rx) };
        }
    }
}
