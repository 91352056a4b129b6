//! `ci/bench profile`: what a monitored channel costs beside one that is not, and beside itself without profiling, in
//! instructions. `bench-profile count CASE ITEMS` runs one case once, for an emulator that counts.

use std::hint::black_box;
use std::thread;

use zigflow::profile::{Monitor, StdClock};
use zigflow::spsc::{self, Receiver, Sender, ZigSender};
use zigflow_bench::compare;

// As in channel.zig.
unsafe extern "C" {
    /// Sends the numbers below `count`, one at a time.
    safe fn bench_send_one(sender: ZigSender<u64>, count: u64) -> bool;
}

const CAPACITY: usize = 256;
const ITEMS: u64 = 4_000_000;

type Ends = (Sender<u64>, Receiver<u64>, Option<Monitor<u64>>);

fn plain() -> Ends {
    let (sender, receiver) = spsc::channel(CAPACITY);
    (sender, receiver, None)
}

fn monitored() -> Ends {
    let (sender, receiver, monitor) = spsc::monitored(CAPACITY, StdClock::new());
    (sender, receiver, Some(monitor))
}

/// An item is sent and received at once: each looks for each item.
fn one_at_a_time((mut sender, mut receiver, _monitor): Ends, items: u64) {
    for item in 0..items {
        sender.try_send(black_box(item)).unwrap();
        assert_eq!(receiver.try_recv(), Ok(item));
    }
}

/// Full, then empty.
fn in_bulk((mut sender, mut receiver, _monitor): Ends, items: u64) {
    let (mut sent, mut received) = (0, 0);
    while received < items {
        while sent < items && sender.try_send(black_box(sent)).is_ok() {
            sent += 1;
        }
        while let Ok(item) = receiver.try_recv() {
            assert_eq!(item, received);
            received += 1;
        }
    }
}

/// From one thread to another.
fn across((mut sender, mut receiver, _monitor): Ends, items: u64) {
    let sending = thread::spawn(move || {
        for item in 0..items {
            sender.send_blocking(item).unwrap();
        }
    });
    drain(&mut receiver, items);
    sending.join().unwrap();
}

/// From a thread of Zig's code.
fn from_zig((sender, mut receiver, _monitor): Ends, items: u64) {
    let sender = sender.into_zig();
    let sending = thread::spawn(move || assert!(bench_send_one(sender, items)));
    drain(&mut receiver, items);
    sending.join().unwrap();
}

fn drain(receiver: &mut Receiver<u64>, items: u64) {
    for item in 0..items {
        assert_eq!(receiver.recv_blocking().ok(), Some(item));
    }
    assert!(receiver.recv_blocking().is_err());
}

type Case = (&'static str, fn(Ends, u64));

const CASES: [Case; 4] = [
    ("one_at_a_time", one_at_a_time),
    ("in_bulk", in_bulk),
    ("across", across),
    ("from_zig", from_zig),
];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [mode, case, ends, items] = &arguments[..]
        && mode == "count"
    {
        let (_, run) = CASES.iter().find(|(name, _)| name == case).expect("there is such a case");
        let ends = if ends == "monitored" { monitored() } else { plain() };
        return run(ends, items.parse().expect("a number"));
    }
    for (name, run) in CASES {
        // The first is the folder that all benchmarks are given.
        if arguments.len() > 1 && !arguments[1..].iter().any(|wanted| name.starts_with(wanted)) {
            continue;
        }
        let figures = compare(
            &format!("profile_{name}"),
            ITEMS,
            &mut |items| run(monitored(), items),
            &mut [("not_monitored", &mut |items| run(plain(), items))],
        );
        for figure in figures {
            println!("bench profile_{name} cost={:.2}", 1.0 / figure.ratio);
        }
    }
}
