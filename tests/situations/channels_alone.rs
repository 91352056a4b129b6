//! Channels whose ends are all in Zig, made there; and channels in memory that the caller gives.

use std::thread;

use zigflow::channel::TryRecvError;
use zigflow::spsc::Storage;
use zigflow_tests::many_ends::LEAST_BYTES;

unsafe extern "C" {
    safe fn zft_spsc_alone(capacity: usize, count: u32, sum: &mut u64) -> u32;
    safe fn zft_mpmc_alone(capacity: usize, count: u32, sum: &mut u64) -> u32;
    safe fn zft_unbounded_alone(bytes: usize, count: u32, sum: &mut u64) -> u32;
}

const COUNT: u32 = 10_000;

#[test]
fn a_channel_of_zig_alone_carries_every_item() {
    for capacity in [1, 2, 3, 7, 256, 257] {
        for channel in [zft_spsc_alone, zft_mpmc_alone] {
            let mut sum = 0;
            assert_eq!(channel(capacity, COUNT, &mut sum), 0);
            assert_eq!(sum, (0..u64::from(COUNT)).sum());
        }
    }
}

#[test]
fn a_channel_of_zig_alone_that_grows_carries_every_item() {
    for bytes in [LEAST_BYTES, 1000, usize::MAX] {
        let mut sum = 0;
        assert_eq!(zft_unbounded_alone(bytes, COUNT, &mut sum), 0);
        assert_eq!(sum, (0..u64::from(COUNT)).sum());
    }
    assert_eq!(zft_unbounded_alone(LEAST_BYTES - 1, COUNT, &mut 0), 1);
}

#[test]
fn zig_is_told_of_a_capacity_that_cannot_be() {
    for capacity in [0, usize::MAX, (1 << 29) + 1] {
        for channel in [zft_spsc_alone, zft_mpmc_alone] {
            assert_eq!(channel(capacity, COUNT, &mut 0), 1, "{capacity}");
        }
    }
}

#[test]
fn a_static_holds_one_channel_after_another() {
    static STORAGE: Storage<String, 4> = Storage::new();
    for round in 0..3 {
        let (mut tx, mut rx) = STORAGE.split().unwrap();
        assert!(STORAGE.split().is_none());
        let sender = thread::spawn(move || {
            (0..100).for_each(|n| tx.send_blocking(format!("{round}.{n}")).unwrap());
            // The channel outlives the receiver's going with items in it.
            while tx.send_blocking(String::new()).is_ok() {}
            assert!(STORAGE.split().is_none(), "this end is left");
        });
        for n in 0..100 {
            assert_eq!(rx.recv_blocking().unwrap(), format!("{round}.{n}"));
        }
        drop(rx);
        sender.join().unwrap();
    }
    let (tx, mut rx) = STORAGE.split().unwrap();
    drop(tx);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}
