//! Ends whose verbs wake nobody, in either language and of both flavours. `zig/quiet.zig` has Zig's.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr;

use zigflow::channel::{PeerWaker, TryRecvError, TrySendError, WakeDue};
use zigflow::{mpmc, spsc};

use crate::ends::{Lang, PAIRINGS};

type Handle = *mut c_void;

#[repr(C)]
struct Table {
    tx_open: unsafe extern "C" fn(Handle) -> Handle,
    tx_send: unsafe extern "C" fn(Handle, u64) -> u32,
    tx_waker: unsafe extern "C" fn(Handle) -> Handle,
    tx_deinit: unsafe extern "C" fn(Handle),
    rx_open: unsafe extern "C" fn(Handle) -> Handle,
    rx_recv: unsafe extern "C" fn(Handle, &mut u64) -> u32,
    rx_waker: unsafe extern "C" fn(Handle) -> Handle,
    rx_deinit: unsafe extern "C" fn(Handle),
}

unsafe extern "C" {
    static zft_quiet_spsc: Table;
    static zft_quiet_mpmc: Table;
    fn zft_quiet_wake(waker: Handle);
    fn zft_quiet_drop(waker: Handle);
}

/// Why a quiet verb did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// No room, or no item.
    Later,
    /// It never will.
    Closed,
}

fn answer(number: u32) -> Result<WakeDue, Stop> {
    match number {
        0 => Ok(WakeDue::No),
        1 => Ok(WakeDue::Yes),
        2 => Err(Stop::Later),
        3 => Err(Stop::Closed),
        _ => panic!("no answer: {number}"),
    }
}

/// An end of Zig's.
#[derive(Debug)]
pub struct Zig {
    handle: Handle,
    is_spsc: bool,
    deinit: unsafe extern "C" fn(Handle),
}

// SAFETY: Zig's ends may move between threads; one at a time uses it, by `&mut self`.
unsafe impl Send for Zig {}

impl Zig {
    fn verbs(&self) -> &'static Table {
        // SAFETY: constant data of the archive.
        unsafe { if self.is_spsc { &zft_quiet_spsc } else { &zft_quiet_mpmc } }
    }

    /// `end` is a `ZigSender` or a `ZigReceiver` of u64.
    fn open<E>(end: E, is_spsc: bool, sends: bool) -> Self {
        assert_eq!(size_of::<E>(), size_of::<Handle>());
        let end = ManuallyDrop::new(end);
        // SAFETY: constant data of the archive; such an end is a pointer, which Zig takes over.
        let (handle, deinit) = unsafe {
            let raw = ptr::from_ref(&*end).cast::<Handle>().read();
            let verbs = if is_spsc { &zft_quiet_spsc } else { &zft_quiet_mpmc };
            if sends {
                ((verbs.tx_open)(raw), verbs.tx_deinit)
            } else {
                ((verbs.rx_open)(raw), verbs.rx_deinit)
            }
        };
        assert!(!handle.is_null());
        Self { handle, is_spsc, deinit }
    }
}

impl Drop for Zig {
    fn drop(&mut self) {
        // SAFETY: open until here.
        unsafe { (self.deinit)(self.handle) };
    }
}

/// A sender.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Tx {
    Spsc(spsc::Sender<u64>),
    Mpmc(mpmc::Sender<u64>),
    Zig(Zig),
}

/// A receiver.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Rx {
    Spsc(spsc::Receiver<u64>),
    Mpmc(mpmc::Receiver<u64>),
    Zig(Zig),
}

/// What wakes the peer.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Peer {
    Rust(PeerWaker<u64>),
    Zig(Handle),
}

// SAFETY: Zig's may be used by any thread, as Rust's.
unsafe impl Send for Peer {}
// SAFETY: as above.
unsafe impl Sync for Peer {}

impl Peer {
    /// `wake`.
    pub fn wake(&self) {
        match self {
            Self::Rust(waker) => waker.wake(),
            // SAFETY: open until the drop.
            Self::Zig(waker) => unsafe { zft_quiet_wake(*waker) },
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Self::Zig(waker) = self {
            // SAFETY: as above.
            unsafe { zft_quiet_drop(*waker) };
        }
    }
}

/// Which ends are of which language, and of which flavour the channel is.
fn ends(capacity: usize, is_spsc: bool, (tx_lang, rx_lang): (Lang, Lang)) -> (Tx, Rx) {
    if is_spsc {
        return spsc_ends((tx_lang, rx_lang), spsc::channel(capacity));
    }
    let (tx, rx) = mpmc::channel(capacity);
    let tx = match tx_lang {
        Lang::Rust => Tx::Mpmc(tx),
        Lang::Zig => Tx::Zig(Zig::open(tx.into_zig(), false, true)),
    };
    let rx = match rx_lang {
        Lang::Rust => Rx::Mpmc(rx),
        Lang::Zig => Rx::Zig(Zig::open(rx.into_zig(), false, false)),
    };
    (tx, rx)
}

/// These ends, in these languages.
pub fn spsc_ends(
    (tx_lang, rx_lang): (Lang, Lang),
    (tx, rx): (spsc::Sender<u64>, spsc::Receiver<u64>),
) -> (Tx, Rx) {
    let tx = match tx_lang {
        Lang::Rust => Tx::Spsc(tx),
        Lang::Zig => Tx::Zig(Zig::open(tx.into_zig(), true, true)),
    };
    let rx = match rx_lang {
        Lang::Rust => Rx::Spsc(rx),
        Lang::Zig => Rx::Zig(Zig::open(rx.into_zig(), true, false)),
    };
    (tx, rx)
}

/// Runs a test with the ends of a channel of each flavour, in each pairing.
pub fn each(capacity: usize, mut test: impl FnMut(Tx, Rx)) {
    for is_spsc in [true, false] {
        for pairing in PAIRINGS {
            println!("{pairing:?} {is_spsc}");
            let (tx, rx) = ends(capacity, is_spsc, pairing);
            test(tx, rx);
        }
    }
}

/// The same with a receiver of Rust's.
pub fn each_sender(capacity: usize, mut test: impl FnMut(Tx, Rx)) {
    each(capacity, |tx, rx| {
        if !matches!(rx, Rx::Zig(_)) {
            test(tx, rx)
        }
    });
}

/// The same with a sender of Rust's.
pub fn each_receiver(capacity: usize, mut test: impl FnMut(Tx, Rx)) {
    each(capacity, |tx, rx| {
        if !matches!(tx, Tx::Zig(_)) {
            test(tx, rx)
        }
    });
}

impl Tx {
    /// `try_send_quiet`.
    pub fn try_send(&mut self, item: u64) -> Result<WakeDue, Stop> {
        let sent = match self {
            Self::Spsc(tx) => tx.try_send_quiet(item),
            Self::Mpmc(tx) => tx.try_send_quiet(item),
            // SAFETY: open until the drop.
            Self::Zig(tx) => return answer(unsafe { (tx.verbs().tx_send)(tx.handle, item) }),
        };
        sent.map_err(|error| match error {
            TrySendError::Full(_) => Stop::Later,
            TrySendError::Closed(_) => Stop::Closed,
        })
    }

    /// `peer_waker`.
    pub fn peer_waker(&mut self) -> Peer {
        match self {
            Self::Spsc(tx) => Peer::Rust(tx.peer_waker()),
            Self::Mpmc(tx) => Peer::Rust(tx.peer_waker()),
            // SAFETY: open until the drop.
            Self::Zig(tx) => Peer::Zig(unsafe { (tx.verbs().tx_waker)(tx.handle) }),
        }
    }
}

impl Rx {
    /// `try_recv_quiet`.
    pub fn try_recv(&mut self) -> Result<(u64, WakeDue), Stop> {
        let received = match self {
            Self::Spsc(rx) => rx.try_recv_quiet(),
            Self::Mpmc(rx) => rx.try_recv_quiet(),
            Self::Zig(rx) => {
                let mut item = 0;
                // SAFETY: open until the drop.
                let number = unsafe { (rx.verbs().rx_recv)(rx.handle, &mut item) };
                return answer(number).map(|due| (item, due));
            }
        };
        received.map_err(|error| match error {
            TryRecvError::Empty => Stop::Later,
            _ => Stop::Closed,
        })
    }

    /// `peer_waker`.
    pub fn peer_waker(&mut self) -> Peer {
        match self {
            Self::Spsc(rx) => Peer::Rust(rx.peer_waker()),
            Self::Mpmc(rx) => Peer::Rust(rx.peer_waker()),
            // SAFETY: open until the drop.
            Self::Zig(rx) => Peer::Zig(unsafe { (rx.verbs().rx_waker)(rx.handle) }),
        }
    }
}
