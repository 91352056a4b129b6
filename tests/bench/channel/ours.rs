//! Our side of every case. channel.zig has the ends in Zig.

use std::thread;

use tokio::runtime::Runtime;
use zigflow::spsc::{self, ZigReceiver, ZigSender};
use zigflow::{channel::RecvError, mpmc};

use crate::bare::{Batch, MANY, items_per_grant};
use crate::cores::Cores;
use crate::flows::{self, Tally, task_to_thread, thread_to_task};
use crate::peers::{CAPACITY, Channel, Unbounded};

// Each opens its ends, works until it is done, and closes; false when an end could not be opened or
// closed too early.
unsafe extern "C" {
    /// Sends the numbers below `count`, one at a time.
    safe fn bench_send_one(sender: ZigSender<u64>, count: u64) -> bool;
    /// Sends the numbers below `count`, up to [`MANY`] at a time.
    safe fn bench_send_many(sender: ZigSender<u64>, count: u64) -> bool;
    /// Receives to the end, one at a time.
    safe fn bench_recv_one(receiver: ZigReceiver<u64>, tally: &mut Tally) -> bool;
    /// Receives to the end, up to [`MANY`] at a time.
    safe fn bench_recv_many(receiver: ZigReceiver<u64>, tally: &mut Tally) -> bool;
    /// Sends back what it receives, to the end.
    safe fn bench_echo(receiver: ZigReceiver<u64>, sender: ZigSender<u64>) -> bool;
}

struct Spsc;

impl Channel for Spsc {
    type Sender = spsc::Sender<u64>;
    type Receiver = spsc::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        spsc::channel(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        sender.send_blocking(item).unwrap();
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        sender.send(item).await.unwrap();
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        until_closed(receiver.recv_blocking())
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        until_closed(receiver.recv().await)
    }
}

struct Mpmc;

impl Channel for Mpmc {
    type Sender = mpmc::Sender<u64>;
    type Receiver = mpmc::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        mpmc::channel(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        sender.send_blocking(item).unwrap();
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        sender.send(item).await.unwrap();
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        until_closed(receiver.recv_blocking())
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        until_closed(receiver.recv().await)
    }
}

impl Unbounded for Mpmc {
    fn unbounded() -> (Self::Sender, Self::Receiver) {
        mpmc::unbounded()
    }
}

/// Nobody fails in these benchmarks: an end with a reason is a mistake.
fn until_closed<T>(received: Result<T, RecvError>) -> Option<T> {
    match received {
        Ok(item) => Some(item),
        Err(RecvError::Closed) => None,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn zig_rust_one(runtime: &Runtime, operations: u64) {
    let (sender, mut receiver) = Spsc::channel();
    let sender = sender.into_zig();
    let produce = move || assert!(bench_send_one(sender, operations));
    let consume = async {
        let mut tally = Tally::default();
        while let Some(item) = until_closed(receiver.recv().await) {
            tally.add(item);
        }
        tally
    };
    thread_to_task(runtime, operations, produce, consume);
}

pub(crate) fn zig_rust_many(runtime: &Runtime, operations: u64) {
    let (sender, mut receiver) = Spsc::channel();
    let sender = sender.into_zig();
    let produce = move || assert!(bench_send_many(sender, operations));
    let consume = async {
        let mut tally = Tally::default();
        let mut items = Vec::with_capacity(MANY);
        while until_closed(receiver.recv_many(&mut items, MANY).await).is_some() {
            items.drain(..).for_each(|item| tally.add(item));
        }
        tally
    };
    thread_to_task(runtime, operations, produce, consume);
}

/// A consumer on a thread of its own, in Zig.
fn drain_in_zig(
    receiver: spsc::Receiver<u64>,
    drain: extern "C" fn(ZigReceiver<u64>, &mut Tally) -> bool,
) -> impl FnOnce() -> Tally + Send + 'static {
    let receiver = receiver.into_zig();
    move || {
        let mut tally = Tally::default();
        assert!(drain(receiver, &mut tally));
        tally
    }
}

pub(crate) fn rust_zig_one(runtime: &Runtime, operations: u64) {
    let (mut sender, receiver) = Spsc::channel();
    let produce = async move {
        for item in 0..operations {
            sender.send(item).await.unwrap();
        }
    };
    task_to_thread(runtime, operations, produce, drain_in_zig(receiver, bench_recv_one));
}

pub(crate) fn rust_zig_many(runtime: &Runtime, operations: u64) {
    let (mut sender, receiver) = Spsc::channel();
    let produce = async move {
        let mut items = Vec::with_capacity(MANY);
        let mut sent = 0;
        while sent < operations {
            let end = operations.min(sent + MANY as u64);
            items.clear();
            items.extend(sent..end);
            sender.send_many(&items).await.unwrap();
            sent = end;
        }
    };
    task_to_thread(runtime, operations, produce, drain_in_zig(receiver, bench_recv_many));
}

pub(crate) fn rust_rust_one(runtime: &Runtime, operations: u64) {
    flows::thread_to_task_one::<Spsc>(runtime, operations);
}

/// Batches written in place and read in place, by turns, on this thread.
pub(crate) fn grants<const N: usize>(operations: u64) {
    let (mut sender, mut receiver) = spsc::channel::<[u8; N]>(CAPACITY);
    let mut batch = Batch::<N>::new();
    let count = items_per_grant(N);
    for number in 0..operations / count as u64 {
        let mut free = sender.try_reserve(count).unwrap();
        assert_eq!(free.extend_from_slice(batch.numbered(number)), count);
        free.commit().unwrap();
        let filled = receiver.try_read(count).unwrap();
        // The batches divide the capacity: none goes around the end.
        Batch::<N>::check(number, filled.slices().0);
        filled.release(count);
    }
}

pub(crate) fn mpmc_2x2(operations: u64) {
    flows::two_by_two::<Mpmc>(operations);
}

pub(crate) fn unbounded_2x2(operations: u64) {
    flows::unbounded_two_by_two::<Mpmc>(operations);
}

pub(crate) fn ping_pong(cores: Cores, operations: u64) {
    flows::ping_pong::<Spsc>(cores, operations);
}

/// [`ping_pong`] with a Zig thread on the other side.
pub(crate) fn ping_pong_zig(cores: Cores, operations: u64) {
    let _pinned = cores.pin_caller();
    let (mut ping, pinged) = Spsc::channel();
    let (pong, mut ponged) = Spsc::channel();
    let (pinged, pong) = (pinged.into_zig(), pong.into_zig());
    let echo = thread::spawn(move || {
        let _pinned = cores.pin_other();
        assert!(bench_echo(pinged, pong));
    });
    for item in 0..operations {
        Spsc::send_blocking(&mut ping, item);
        assert_eq!(Spsc::recv_blocking(&mut ponged), Some(item));
    }
    drop(ping);
    echo.join().unwrap();
}

pub(crate) fn ping_pong_tokio(runtime: &Runtime, operations: u64) {
    flows::ping_pong_tasks::<Spsc>(runtime, operations);
}
