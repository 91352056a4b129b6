//! Whole turns of the words of a ring, which have 32 bits, two of them flags: 2^30 items and some more, in both languages.
//! That takes minutes, so only ci/portable does it, on 32 bits; elsewhere models and tests begin just before the end.
#![cfg(target_pointer_width = "32")]

use zigflow::mpmc;
use zigflow_tests::ends::{Lang, Stop, pair_at};
use zigflow_tests::many_ends::{Rx, Tx};

/// No divisor of a power of two: the laps of the ring do not end where the words do.
const BATCH: u64 = 255;
const ITEMS: u64 = (1 << 30) + 3 * BATCH;

macro_rules! turn {
    ($tx:expr, $rx:expr) => {{
        let (mut tx, mut rx) = ($tx, $rx);
        let (mut sent, mut received) = (0, Vec::with_capacity(BATCH as usize));
        while sent < ITEMS {
            let items: [u64; BATCH as usize] = std::array::from_fn(|n| sent + n as u64);
            assert_eq!(tx.try_send_many(&items), Ok(items.len()), "from {sent} on");
            received.clear();
            assert_eq!(rx.recv_many(&mut received, items.len(), false), Ok(items.len()));
            assert_eq!(received, items);
            sent += BATCH;
        }
        assert_eq!(rx.try_recv(), Err(Stop::Later));
        drop(tx);
        assert_eq!(rx.try_recv(), Err(Stop::Closed));
    }};
}

#[test]
fn the_words_of_an_spsc_ring_turn_once_around() {
    for pairing in [(Lang::Rust, Lang::Zig), (Lang::Zig, Lang::Rust)] {
        let (tx, rx) = pair_at::<u64>(pairing, 255, 0);
        turn!(tx, rx);
    }
}

#[test]
fn the_words_of_an_mpmc_ring_turn_once_around() {
    let (tx, rx) = mpmc::channel::<u64>(255);
    turn!(Tx::of(Lang::Zig, tx), Rx::of(Lang::Rust, rx));
}
