//! Channels with one sender and one receiver in all pairings of Rust and Zig, with batches, waits and ends at
//! random. For ThreadSanitizer too. `ZIGFLOW_STRESS_SECONDS` says how long, `ZIGFLOW_STRESS_SEED` repeats
//! a run (but for what the threads do to each other).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use zigflow_tests::Point;
use zigflow_tests::ends::{Lang, PAIRINGS, Plain, Rx, Stop, Tx, items, pair_at};
use zigflow_tests::task::Task;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Sends 0, 1, … as long as the receiver takes them, `count` at most; how many it took.
fn send<T: Plain>(mut tx: Tx<T>, count: u64, mut random: Random) -> u64 {
    let (task, mut next) = (Task::new(), 0);
    while next < count {
        let batch: Vec<T> = items(next..(next + 1 + random.below(9)).min(count));
        let item = batch[0];
        let sent = match random.below(8) {
            0 => tx.send(item).map(|()| 1),
            1 => tx.send_timeout(item, Duration::from_micros(random.below(50))).map(|()| 1),
            2 => tx.try_send(item).map(|()| 1),
            3 => tx.send_or_drop(item).map(u64::from),
            4 => tx.try_send_many(&batch).map(|sent| sent as u64),
            5 => match tx.send_many(&batch) as u64 {
                sent if sent == batch.len() as u64 => Ok(sent),
                sent => {
                    assert!(tx.is_closed());
                    return next + sent;
                }
            },
            6 => {
                let len = batch.len().min(tx.capacity());
                tx.send_grant(&batch[..len], thread::yield_now).map(|_| len as u64)
            }
            _ => loop {
                let wakes = task.wakes();
                match task.run(|cx| tx.poll_send(cx, item)) {
                    Poll::Ready(sent) => break sent.map(|()| 1),
                    Poll::Pending => task.wait_for(wakes + 1),
                }
            },
        };
        match sent {
            Ok(sent) => next += sent,
            Err(Stop::Later | Stop::Timeout) => thread::yield_now(),
            Err(stop) => {
                assert_eq!(stop, Stop::Closed);
                return next;
            }
        }
        let [all, received, len, capacity, ..] = tx.snapshot();
        assert!(len <= capacity && received <= all, "{len} of {capacity}, {received} of {all}");
    }
    if random.below(2) == 0 {
        tx.close_code(1);
    }
    next
}

/// Receives until the end, and closes after `count`; how many came, and whether all that waited.
fn receive<T: Plain>(mut rx: Rx<T>, count: u64, mut random: Random) -> (u64, bool) {
    let (task, mut next) = (Task::new(), 0);
    let mut got = Vec::new();
    loop {
        let limit = 1 + random.below(9) as usize;
        let received = match random.below(7) {
            0 => rx.recv().map(|item| got.push(item)),
            1 => {
                rx.recv_timeout(Duration::from_micros(random.below(50))).map(|item| got.push(item))
            }
            2 => rx.try_recv().map(|item| got.push(item)),
            3 => rx.recv_many(&mut got, limit, true).map(drop),
            4 => rx.recv_many(&mut got, limit, false).map(drop),
            5 => rx.read(limit, |first, second| {
                let read = first.len() + second.len();
                let some = read - random.below(read as u64) as usize;
                got.extend(first.iter().chain(second).take(some));
                some
            }),
            _ => loop {
                let wakes = task.wakes();
                match task.run(|cx| rx.poll_recv(cx)) {
                    Poll::Ready(item) => break item.map(|item| got.push(item)),
                    Poll::Pending => task.wait_for(wakes + 1),
                }
            },
        };
        assert_eq!(got, items(next..next + got.len() as u64));
        next += got.len() as u64;
        got.clear();
        match received {
            Ok(()) => {}
            Err(Stop::Later | Stop::Timeout) => thread::yield_now(),
            Err(stop) => {
                assert_eq!(stop, Stop::Closed);
                return (next, true);
            }
        }
        if next >= count {
            if random.below(3) == 0 {
                return (next, false);
            }
            rx.close();
        }
    }
}

/// One channel from its beginning to its end; how many items.
fn one<T: Plain>(pairing: (Lang, Lang), random: &mut Random) -> u64 {
    let capacity = [1, 2, 3, 4, 5, 8, 64][random.below(7) as usize];
    let start = [0, (1 << 29) - 50, (1 << 30) - 50][random.below(3) as usize];
    let (mut tx, mut rx) = pair_at::<T>(pairing, capacity, start);
    for set_patience in [&mut |looks| tx.set_patience(looks), &mut |looks| rx.set_patience(looks)]
        as [&mut dyn FnMut(u32); 2]
    {
        if random.below(2) == 0 {
            set_patience(0);
        }
    }
    // Either may be the first to have enough.
    let counts = [random.below(2000), random.below(2000)];
    let seeds = [random.below(u64::MAX >> 1) + 1, random.below(u64::MAX >> 1) + 1];
    let receiver = thread::spawn(move || receive(rx, counts[1], Random(seeds[1])));
    let sent = send(tx, counts[0], Random(seeds[0]));
    let (received, all) = receiver.join().unwrap();
    if all {
        assert_eq!(sent, received, "of {counts:?}");
    } else {
        assert!(sent >= received && sent - received <= capacity as u64, "{sent}, {received}");
    }
    received
}

#[test]
fn every_item_once_in_order_and_every_end_is_seen() {
    let seconds = number("ZIGFLOW_STRESS_SECONDS").unwrap_or(3);
    let seed = number("ZIGFLOW_STRESS_SEED");
    let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("ZIGFLOW_STRESS_SECONDS={seconds} ZIGFLOW_STRESS_SEED={seed}");
    let mut random = Random(seed.max(1));
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut channels, mut all) = (0, 0);
    while Instant::now() < end || channels < 4 {
        for pairing in PAIRINGS {
            let wide = random.below(4) == 0;
            all += if wide {
                one::<Point>(pairing, &mut random)
            } else {
                one::<u64>(pairing, &mut random)
            };
            channels += 1;
        }
    }
    println!("{channels} channels, {all} items");
    assert!(all > 0);
}
