//! Channels with one sender and one receiver: what is sent is what is received, for all pairings of Rust and Zig.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use zigflow::channel::CreateError;
use zigflow::spsc;
use zigflow_tests::Point;
use zigflow_tests::ends::{
    Counters, Lang, PAIRINGS, Plain, Rx, Stop, TORN, Tx, Worker, each, each_at, items, pair_at,
};
use zigflow_tests::task::Task;

/// Where positions wrap around.
const WRAP: u32 = 1 << 30;
const CAPACITIES: [usize; 11] = [1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257];

/// Two threads that sleep for each other, in all manners of sending and receiving.
fn from_thread_to_thread<T: Plain>(capacity: usize, start: u32, count: u64) {
    each_at(capacity, start, |mut tx: Tx<T>, mut rx| {
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut n = 0;
                while n < count {
                    assert_eq!(tx.send(T::of(n)), Ok(()));
                    let batch = items(n + 1..(n + 6).min(count));
                    assert_eq!(tx.send_many(&batch), batch.len());
                    n += 1 + batch.len() as u64;
                }
                tx.close_torn();
            });
            let mut n = 0;
            loop {
                let mut got = Vec::new();
                match n % 3 {
                    0 => drop(rx.recv_many(&mut got, 4, true)),
                    1 => got.extend(rx.recv()),
                    _ => drop(rx.read(3, |first, second| {
                        got.extend(first.iter().chain(second));
                        got.len()
                    })),
                }
                if got.is_empty() && n % 3 != 2 {
                    break;
                }
                assert_eq!(got, items(n..n + got.len() as u64));
                n += got.len() as u64;
                if n % 3 == 2 && got.is_empty() {
                    got.extend(rx.recv());
                    if got.is_empty() {
                        break;
                    }
                    assert_eq!(got, [T::of(n)]);
                    n += 1;
                }
            }
            assert_eq!(n, count);
            assert_eq!((rx.try_recv(), rx.reason()), (Err(Stop::Closed), Some(TORN)));
        });
    });
}

#[test]
fn all_items_in_order_from_thread_to_thread() {
    for capacity in [1, 3, 64] {
        from_thread_to_thread::<u64>(capacity, 0, 5_000);
        from_thread_to_thread::<Point>(capacity, 0, 2_000);
        from_thread_to_thread::<bool>(capacity, 0, 2_000);
    }
}

#[test]
fn pitfall_34_all_items_in_order_across_the_wrap_of_positions() {
    for capacity in [1, 5, 8] {
        from_thread_to_thread::<u64>(capacity, WRAP - 100, 300);
        from_thread_to_thread::<u64>(capacity, WRAP / 2 - 100, 300);
    }
}

#[test]
fn a_thread_that_zig_owns_sends_to_rust_and_receives_from_it() {
    const COUNT: u64 = 20_000;
    for capacity in [1, 2, 7, 64] {
        let (tx, mut rx) = spsc::channel(capacity);
        let worker = Worker::produce(tx, COUNT);
        for n in 0..COUNT {
            assert_eq!(rx.recv_blocking(), Ok(n));
        }
        assert_eq!(Rx::Rust(rx, None).drain(), (vec![], Some(TORN)));
        assert_eq!(worker.join(), COUNT);

        let (mut tx, rx) = spsc::channel(capacity);
        let worker = Worker::consume(rx, COUNT);
        let sent = (0..).take_while(|n| tx.send_blocking(*n).is_ok()).count() as u64;
        assert_eq!(tx.reason(), Some(TORN));
        let received = worker.join();
        assert!(received >= COUNT && received <= sent, "{received} of {sent}");

        let (tx, rx) = spsc::channel(capacity);
        let (producer, consumer) = (Worker::produce(tx, COUNT), Worker::consume(rx, u64::MAX));
        assert_eq!((producer.join(), consumer.join()), (COUNT, COUNT));
    }
}

/// Two tasks that are polled in turn, each until it is pending.
#[test]
fn all_items_in_order_between_tasks_and_no_wake_missing() {
    for capacity in [1, 2, 5] {
        each_at(capacity, WRAP - 7, |mut tx: Tx<u64>, mut rx| {
            let (sender, receiver) = (Task::new(), Task::new());
            tx.set_patience(0);
            rx.set_patience(0);
            let (mut sent, mut received) = (0, 0);
            for turn in 1.. {
                while receiver
                    .run(|cx| rx.poll_recv(cx))
                    .map(|item| item == Ok(received))
                    .is_ready()
                {
                    received += 1;
                }
                assert_eq!(sent, received);
                // It slept before there was room, but for the first time.
                assert_eq!(sender.wakes(), turn - 1);
                if sent > 50 {
                    break;
                }
                while sender.run(|cx| tx.poll_send(cx, sent)) == Poll::Ready(Ok(())) {
                    sent += 1;
                }
                assert_eq!(sent - received, capacity as u64);
                assert_eq!(receiver.wakes(), turn, "one for each sleep");
            }
        });
    }
}

fn holds_exactly<T: Plain>(mut tx: Tx<T>, mut rx: Rx<T>) {
    let capacity = tx.capacity();
    assert_eq!(rx.capacity(), capacity);
    for round in 0..3 {
        let from = round * 1000;
        for n in 0..capacity {
            assert_eq!((tx.len(), rx.len()), (n, n));
            assert_eq!(tx.try_send(T::of(from + n as u64)), Ok(()));
        }
        assert_eq!((tx.len(), rx.len()), (capacity, capacity));
        assert_eq!(tx.try_send(T::of(0)), Err(Stop::Later));
        assert_eq!(tx.try_send_many(&[T::of(0)]), Ok(0));
        assert_eq!(tx.send_grant(&[T::of(0)], || ()), Err(Stop::Later));
        let mut got = Vec::new();
        if round == 1 {
            assert_eq!(rx.recv_many(&mut got, 1000, false), Ok(capacity));
        } else {
            got.extend(std::iter::from_fn(|| rx.try_recv().ok()));
        }
        assert_eq!(got, items(from..from + capacity as u64));
        assert_eq!(rx.try_recv(), Err(Stop::Later));
        assert!(rx.is_empty() && tx.is_empty());
        // One more, so that the next round begins elsewhere.
        assert_eq!((tx.try_send(T::of(9)), rx.try_recv()), (Ok(()), Ok(T::of(9))));
    }
    let all = items(0..capacity as u64 + 1);
    assert_eq!(tx.try_send_many(&all), Ok(capacity));
    let mut got = Vec::new();
    assert_eq!(rx.recv_many(&mut got, capacity, true), Ok(capacity));
    assert_eq!(got, all[..capacity]);
    assert!(tx.send_grant(&all[..capacity], || ()).is_ok());
    assert_eq!(rx.recv_many(&mut got, capacity, true), Ok(capacity));
    assert_eq!(got[capacity..], all[..capacity]);
}

#[test]
fn pitfall_34_a_channel_holds_as_many_items_as_it_was_made_for() {
    for capacity in CAPACITIES {
        for start in [0, 1, WRAP - 1, WRAP - capacity as u32 / 2] {
            each_at(capacity, start, holds_exactly::<u64>);
        }
        each(capacity, holds_exactly::<Point>);
        each(capacity, holds_exactly::<bool>);
    }
}

#[test]
fn impossible_capacities_are_refused() {
    for capacity in [0, (1 << 29) + 1, usize::MAX] {
        let refused = spsc::try_channel::<u64>(capacity).map(drop);
        assert_eq!(refused, Err(CreateError::Capacity(capacity)));
    }
}

#[test]
fn a_batch_sends_what_fits_and_leaves_the_rest() {
    each_at(4, WRAP - 3, |mut tx: Tx<u64>, mut rx| {
        assert_eq!(tx.try_send_many(&[]), Ok(0));
        assert_eq!(tx.try_send_many(&[0, 1, 2]), Ok(3));
        assert_eq!(tx.try_send_many(&[3, 4]), Ok(1));
        assert_eq!(tx.try_send_many(&[4, 5]), Ok(0));
        let mut got = vec![100];
        assert_eq!(rx.recv_many(&mut got, 0, true), Ok(0));
        assert_eq!(rx.recv_many(&mut got, 3, true), Ok(3));
        assert_eq!(rx.recv_many(&mut got, 3, false), Ok(1));
        assert_eq!(rx.recv_many(&mut got, 3, false), Err(Stop::Later));
        assert_eq!(got, [100, 0, 1, 2, 3]);
    });
}

#[test]
fn a_grant_that_wraps_comes_in_two_slices() {
    // A ring of 5 items has 8 slots.
    each(5, |mut tx: Tx<u64>, mut rx| {
        assert_eq!(tx.send_grant(&items(0..5), || ()), Ok((5, 0)));
        rx.read(9, |first, second| {
            assert_eq!((first, second), (&*items(0..5), &*items(0..0)));
            4
        })
        .unwrap();
        assert_eq!(tx.send_grant(&items(5..9), || ()), Ok((3, 1)));
        rx.read(9, |first, second| {
            assert_eq!((first, second), (&*items(4..8), &*items(8..9)));
            0
        })
        .unwrap();
        rx.read(2, |first, second| {
            assert_eq!((first, second), (&*items(4..6), &*items(0..0)));
            2
        })
        .unwrap();
        assert_eq!((rx.try_recv(), rx.try_recv(), rx.try_recv()), (Ok(6), Ok(7), Ok(8)));
        assert_eq!(rx.read(9, |_, _| panic!("there is none")), Err(Stop::Later));
    });
}

#[test]
fn nothing_of_a_grant_is_there_before_its_commit() {
    each(4, |mut tx: Tx<u64>, mut rx| {
        let sent = tx.send_grant(&[1, 2, 3], || assert_eq!(rx.try_recv(), Err(Stop::Later)));
        assert_eq!(sent, Ok((3, 0)));
        assert_eq!(rx.len(), 3);
        assert_eq!(tx.send_grant(&[4, 5], || ()), Err(Stop::Later), "there is room for one");
        assert_eq!(rx.drain_now(), [1, 2, 3]);
    });
}

trait DrainNow<T> {
    fn drain_now(&mut self) -> Vec<T>;
}

impl<T: Plain> DrainNow<T> for Rx<T> {
    fn drain_now(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.try_recv().ok()).collect()
    }
}

#[test]
fn a_peeked_item_stays() {
    each(2, |mut tx: Tx<Point>, mut rx| {
        assert_eq!(rx.peek(), Err(Stop::Later));
        for n in 0..5 {
            assert_eq!(tx.try_send(Point::of(n)), Ok(()));
            assert_eq!((rx.peek(), rx.peek(), rx.len()), (Ok(Point::of(n)), Ok(Point::of(n)), 1));
            assert_eq!(rx.try_recv(), Ok(Point::of(n)));
        }
        tx.close();
        assert_eq!(rx.peek(), Err(Stop::Closed));
    });
}

#[test]
fn pitfall_23_what_is_dropped_for_want_of_room_is_counted() {
    each(2, |mut tx: Tx<u64>, mut rx| {
        let sent: Vec<bool> = (0..5).map(|n| tx.send_or_drop(n).unwrap()).collect();
        assert_eq!(sent, [true, true, false, false, false]);
        assert_eq!(rx.snapshot()[5], 3);
        assert_eq!(rx.drain_now(), [0, 1]);
        assert_eq!(tx.send_or_drop(5), Ok(true));
        assert_eq!(tx.snapshot()[..6], [3, 2, 1, 2, 2, 3]);
        rx.close();
        assert_eq!(tx.send_or_drop(6), Err(Stop::Closed));
        assert_eq!(tx.snapshot()[5], 3, "that one came back");
    });
}

#[test]
fn pitfall_34_totals_go_on_where_positions_wrap() {
    for capacity in [1, 3, 8] {
        for start in [0, WRAP / 2 - 5, WRAP - 5] {
            each_at(capacity, start, |mut tx: Tx<u64>, mut rx| {
                let mut sent = u64::from(start);
                let totals = |snapshot: Counters| snapshot[..3].to_vec();
                for _ in 0..20 {
                    let count = tx.try_send_many(&items(0..4)).unwrap() as u64;
                    sent += count;
                    for snapshot in [tx.snapshot(), rx.snapshot()] {
                        assert_eq!(totals(snapshot), [sent, sent - count, count]);
                    }
                    assert_eq!(rx.drain_now().len() as u64, count);
                    assert_eq!(totals(tx.snapshot()), [sent, sent, 0]);
                }
            });
        }
    }
}

#[test]
fn sleeps_and_wakes_are_counted() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        tx.set_patience(0);
        rx.set_patience(0);
        let task = Task::new();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        assert_eq!(tx.snapshot(), [0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
        assert_eq!(tx.try_send(0), Ok(()));
        assert!(task.run(|cx| tx.poll_send(cx, 1)).is_pending());
        assert_eq!(tx.snapshot(), [1, 0, 1, 1, 0, 0, 1, 0, 1, 1]);
        assert_eq!(rx.try_recv(), Ok(0));
        assert_eq!(rx.snapshot(), [1, 1, 0, 1, 1, 0, 1, 1, 1, 1]);
    });
}

#[test]
fn a_wait_that_times_out_did_nothing_and_was_not_shorter() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(5)] {
            let start = Instant::now();
            assert_eq!(rx.recv_timeout(timeout), Err(Stop::Timeout));
            assert!(start.elapsed() >= timeout);
            assert_eq!(tx.send_timeout(1, timeout), Ok(()));
            let start = Instant::now();
            assert_eq!(tx.send_timeout(2, timeout), Err(Stop::Timeout));
            assert!(start.elapsed() >= timeout);
            assert_eq!(rx.recv_timeout(timeout), Ok(1));
        }
        // A time beyond the end of time.
        assert_eq!(
            (tx.send_timeout(3, Duration::MAX), rx.recv_timeout(Duration::MAX)),
            (Ok(()), Ok(3))
        );
        tx.close_torn();
        assert_eq!((rx.recv_timeout(Duration::MAX), rx.reason()), (Err(Stop::Closed), Some(TORN)));
        assert_eq!(tx.send_timeout(4, Duration::MAX), Err(Stop::Closed));
    });
}

#[test]
fn a_thread_that_waits_with_a_timeout_gets_what_comes() {
    each(1, |mut tx: Tx<u64>, mut rx| {
        thread::scope(|scope| {
            scope.spawn(|| {
                (0..200).for_each(|n| assert_eq!(tx.send_timeout(n, Duration::MAX), Ok(())))
            });
            (0..200).for_each(|n| assert_eq!(rx.recv_timeout(Duration::MAX), Ok(n)));
        });
    });
}

#[test]
fn an_end_goes_to_zig_in_the_middle_and_back_where_zig_does_not_open_it() {
    for (tx_lang, rx_lang) in PAIRINGS {
        let (mut tx, mut rx) = spsc::starting_at(3, WRAP - 2).unwrap();
        tx.try_send_many(&[0_u64, 1, 2]).unwrap();
        assert_eq!(rx.try_recv(), Ok(0));
        let mut tx = if tx_lang == Lang::Zig { Tx::in_zig(tx) } else { Tx::Rust(tx) };
        assert_eq!((tx.try_send(3), tx.try_send(4)), (Ok(()), Err(Stop::Later)));
        let mut rx = if rx_lang == Lang::Zig { Rx::in_zig(rx) } else { Rx::Rust(rx, None) };
        assert_eq!(rx.drain_now(), [1, 2, 3]);
        assert_eq!(rx.snapshot()[..3], [u64::from(WRAP) + 2, u64::from(WRAP) + 2, 0]);
    }
}

#[test]
fn both_ends_know_each_other() {
    let ((tx, rx), (other_tx, other_rx)) = (spsc::channel::<u64>(1), spsc::channel::<u64>(1));
    assert!(tx.same_channel(&rx) && rx.same_channel(&tx));
    assert!(!tx.same_channel(&other_rx) && !rx.same_channel(&other_tx));
}

#[test]
fn any_patience_is_allowed() {
    for looks in [0, 1, 2, 3, 100, u32::MAX] {
        let (mut tx, mut rx) = pair_at::<u64>((Lang::Rust, Lang::Rust), 1, 0);
        tx.set_patience(looks);
        rx.set_patience(looks);
        thread::scope(|scope| {
            scope.spawn(|| (0..2_000).for_each(|n| tx.send(n).unwrap()));
            (0..2_000).for_each(|n| assert_eq!(rx.recv(), Ok(n)));
        });
    }
}
