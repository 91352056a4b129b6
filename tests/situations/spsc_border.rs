//! Channels with one sender and one receiver: what only the border between Rust and Zig can get wrong.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::mem::MaybeUninit;
use std::thread;

use zigflow::channel::{RecvError, TryRecvError, TrySendError};
use zigflow::{Malformed, StreamError, ZigError, spsc};
use zigflow_tests::Point;
use zigflow_tests::ends::{Plain, Rx, Stop, Tx, open_as};
use zigflow_tests::task::Task;

/// A Zig sender and a Rust receiver, with `start` items behind them.
fn from_zig<T: Plain>(start: u32) -> (Tx<T>, spsc::Receiver<T>) {
    let (tx, rx) = spsc::starting_at(8, start).unwrap();
    (Tx::in_zig(tx), rx)
}

/// A bool of these bits.
fn bits(byte: u8) -> MaybeUninit<bool> {
    // SAFETY: one byte, and a `MaybeUninit` may hold any.
    unsafe { std::mem::transmute(byte) }
}

const MALFORMED: StreamError = StreamError::Malformed(Malformed::Value);

#[test]
fn pitfall_28_a_bool_that_is_none_is_told_in_its_place_and_the_rest_arrives() {
    for byte in [2, 3, 0x80, 0xaa, 0xff] {
        for start in [0, 5, (1 << 30) - 2] {
            let (mut tx, mut rx) = from_zig::<bool>(start);
            for byte in [1, byte, 0, byte] {
                tx.send_bits(bits(byte));
            }
            tx.close();
            assert_eq!(rx.try_recv(), Ok(true));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Failed(MALFORMED)));
            assert_eq!(rx.recv_blocking(), Ok(false));
            assert_eq!(rx.recv_blocking(), Err(RecvError::Failed(MALFORMED)));
            assert_eq!(rx.recv_blocking(), Err(RecvError::Closed));
        }
    }
}

#[test]
fn pitfall_28_a_batch_ends_before_a_malformed_item_and_goes_on_behind_it() {
    let (mut tx, mut rx) = from_zig::<bool>(0);
    for byte in [1, 0, 7, 1, 7, 7, 0] {
        tx.send_bits(bits(byte));
    }
    let mut items = Vec::new();
    assert_eq!(rx.try_recv_many(&mut items, 9), Ok(2));
    assert_eq!(rx.try_recv_many(&mut items, 9), Err(TryRecvError::Failed(MALFORMED)));
    assert_eq!(rx.try_read(9).unwrap().slices(), (&[true][..], &[][..]));
    assert_eq!(rx.peek(), Ok(&true));
    assert_eq!(rx.try_recv_many(&mut items, 1), Ok(1));
    assert_eq!(rx.peek(), Err(TryRecvError::Failed(MALFORMED)));
    assert_eq!(rx.try_read(1).map(drop), Err(TryRecvError::Failed(MALFORMED)));
    let task = Task::new();
    assert_eq!(task.next(&mut rx), std::task::Poll::Ready(Some(Ok(false))));
    assert_eq!(items, [true, false, true]);
    assert!(task.next(&mut rx).is_pending());
    tx.send_bits(bits(9));
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.next(&mut rx), std::task::Poll::Ready(Some(Err(MALFORMED))));
    assert_eq!(rx.snapshot().received, 8);
}

#[test]
fn pitfall_28_a_field_that_is_no_value_is_found_in_a_struct() {
    let (mut tx, mut rx) = from_zig::<Point>(0);
    let mut place = MaybeUninit::new(Point::of(4));
    // SAFETY: a byte of the place, which nobody reads as a Point.
    unsafe { (&raw mut (*place.as_mut_ptr()).seen).cast::<u8>().write(5) };
    tx.send_bits(place);
    tx.send(Point::of(3)).unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Failed(MALFORMED)));
    assert_eq!(rx.try_recv(), Ok(Point::of(3)));
}

/// What Rust sent before its end went to Zig, and what Zig sends afterwards.
#[test]
fn items_of_both_languages_in_one_channel() {
    let (mut tx, mut rx) = spsc::channel::<bool>(8);
    tx.try_send_many(&[true, false]).unwrap();
    assert_eq!(rx.try_recv(), Ok(true));
    let mut tx = Tx::in_zig(tx);
    tx.send_bits(bits(2));
    tx.send(true).unwrap();
    assert_eq!(rx.try_recv(), Ok(false));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Failed(MALFORMED)));
    assert_eq!(rx.try_recv(), Ok(true));
}

/// What `openAs` of ends.zig tries, the error, and whether it is for a sender.
const WRONG: [(u32, &str); 5] =
    [(0, "WrongEnd"), (2, "WrongItem"), (4, "WrongItem"), (6, "WrongItem"), (8, "WrongItem")];

fn named(name: &'static str) -> StreamError {
    StreamError::Zig(ZigError::new(name))
}

#[test]
fn a_sender_opened_as_something_else_is_an_error_in_both_languages() {
    for (what, name) in WRONG {
        let (mut tx, mut rx) = spsc::channel::<u64>(2);
        tx.try_send(7).unwrap();
        // Its neighbour in `openAs` is the receiver's: a wrong end, whatever the item.
        let what = if name == "WrongEnd" { 1 } else { what };
        assert_eq!(open_as(tx.into_zig(), what), Err(name.to_owned()), "{what}");
        assert_eq!(rx.recv_blocking(), Ok(7), "what was sent before arrives");
        assert_eq!(rx.recv_blocking(), Err(RecvError::Failed(named(name))), "{what}");
        assert_eq!(rx.recv_blocking(), Err(RecvError::Closed));
    }
}

#[test]
fn a_receiver_opened_as_something_else_is_an_error_in_both_languages() {
    for (what, name) in WRONG {
        let (mut tx, rx) = spsc::channel::<u64>(2);
        tx.try_send(7).unwrap();
        let what = if name == "WrongEnd" { 0 } else { what + 1 };
        assert_eq!(open_as(rx.into_zig(), what), Err(name.to_owned()), "{what}");
        assert_eq!(tx.try_send(8), Err(TrySendError::Closed(8)));
        assert_eq!(tx.reason(), Some(named(name)));
    }
}

#[test]
fn an_end_opened_as_what_it_is_is_no_error() {
    let (tx, rx) = spsc::channel::<u64>(2);
    assert_eq!((open_as(tx.into_zig(), 0), open_as(rx.into_zig(), 1)), (Ok(()), Ok(())));
}

#[test]
fn pitfall_24_a_thread_asleep_is_released_when_zig_refuses_the_other_end() {
    for what in [1, 2] {
        let (tx, mut rx) = spsc::channel::<u64>(2);
        rx.set_patience(0);
        let waits = thread::spawn(move || rx.recv_blocking());
        zigflow_tests::task::until(|| tx.snapshot().receiver_sleeps > 0);
        assert!(open_as(tx.into_zig(), what).is_err());
        assert!(matches!(waits.join().unwrap(), Err(RecvError::Failed(_))));
    }
}

/// Both halves of a channel in Zig: what is not checked there is not checked twice either.
#[test]
fn an_end_may_be_used_on_another_thread_than_the_one_that_opened_it() {
    let (tx, rx) = spsc::channel::<u64>(1);
    let (mut tx, mut rx) = (Tx::in_zig(tx), Rx::in_zig(rx));
    for n in 0..20 {
        (tx, rx) = thread::spawn(move || {
            tx.send(n).unwrap();
            assert_eq!(rx.recv(), Ok(n));
            (tx, rx)
        })
        .join()
        .unwrap();
    }
    assert_eq!(rx.try_recv(), Err(Stop::Later));
}

#[test]
fn pitfall_33_the_rings_words_are_atomics_of_32_bits() {
    for text in [
        include_str!("../../core/src/ring/mod.rs"),
        include_str!("../../core/src/ring/spsc.rs"),
        include_str!("../../core/src/channel/memory.rs"),
        include_str!("../../core/src/channel/snapshot.rs"),
        include_str!("../../core/src/sync.rs"),
        include_str!("../../zig/src/ring_spsc.zig"),
        include_str!("../../zig/src/sync.zig"),
    ] {
        for wide in [
            "AtomicU64",
            "AtomicI64",
            "AtomicUsize",
            "volatile",
            "@atomicLoad(u64",
            "@atomicRmw(u64",
        ] {
            assert!(!text.contains(wide), "{wide}");
        }
    }
    assert_eq!(size_of::<zigflow::abi::RawEnd>() % 128, 0);
}
