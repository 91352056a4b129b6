//! The ways that items take: who sends from where to whom, and what has to arrive.

use std::thread;

use tokio::runtime::Runtime;

use crate::cores::Cores;
use crate::peers::{Channel, Unbounded};

/// What came out of a channel. The layout is Zig's too: its consumers fill one.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) sum: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, item: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(item);
    }

    /// Panics unless each number below `operations` came.
    pub(crate) fn check(self, operations: u64) {
        let sum = (operations * (operations - 1)) / 2;
        assert_eq!(self, Tally { count: operations, sum }, "items were lost or came twice");
    }
}

/// A thread of its own sends, a task of this thread receives.
pub(crate) fn thread_to_task(
    runtime: &Runtime,
    operations: u64,
    produce: impl FnOnce() + Send + 'static,
    consume: impl Future<Output = Tally>,
) {
    let producer = thread::spawn(produce);
    let tally = runtime.block_on(consume);
    producer.join().unwrap();
    tally.check(operations);
}

/// A task of this thread sends, a thread of its own receives.
pub(crate) fn task_to_thread(
    runtime: &Runtime,
    operations: u64,
    produce: impl Future<Output = ()>,
    consume: impl FnOnce() -> Tally + Send + 'static,
) {
    let consumer = thread::spawn(consume);
    runtime.block_on(produce);
    consumer.join().unwrap().check(operations);
}

/// [`thread_to_task`], one item at a time.
pub(crate) fn thread_to_task_one<C: Channel>(runtime: &Runtime, operations: u64) {
    let (mut sender, mut receiver) = C::channel();
    let produce = move || (0..operations).for_each(|item| C::send_blocking(&mut sender, item));
    let consume = async {
        let mut tally = Tally::default();
        while let Some(item) = C::recv(&mut receiver).await {
            tally.add(item);
        }
        tally
    };
    thread_to_task(runtime, operations, produce, consume);
}

/// [`task_to_thread`], one item at a time.
pub(crate) fn task_to_thread_one<C: Channel>(runtime: &Runtime, operations: u64) {
    let (mut sender, receiver) = C::channel();
    let produce = async move {
        for item in 0..operations {
            C::send(&mut sender, item).await;
        }
    };
    task_to_thread(runtime, operations, produce, move || drain::<C>(receiver));
}

/// Receives on this thread until the senders are gone.
fn drain<C: Channel>(mut receiver: C::Receiver) -> Tally {
    let mut tally = Tally::default();
    while let Some(item) = C::recv_blocking(&mut receiver) {
        tally.add(item);
    }
    tally
}

/// Two threads send one half each, two threads receive what they get.
pub(crate) fn two_by_two<C: Channel>(operations: u64)
where
    C::Sender: Clone,
    C::Receiver: Clone,
{
    two_by_two_through::<C>(C::channel(), operations);
}

/// The same without a limit.
pub(crate) fn unbounded_two_by_two<C: Unbounded>(operations: u64)
where
    C::Sender: Clone,
    C::Receiver: Clone,
{
    two_by_two_through::<C>(C::unbounded(), operations);
}

fn two_by_two_through<C: Channel>((sender, receiver): (C::Sender, C::Receiver), operations: u64)
where
    C::Sender: Clone,
    C::Receiver: Clone,
{
    let half = operations / 2;
    let producers = [0..half, half..operations].map(|items| {
        let mut sender = sender.clone();
        thread::spawn(move || items.for_each(|item| C::send_blocking(&mut sender, item)))
    });
    drop(sender); // the consumers end when the producers have
    let other = receiver.clone();
    let consumers = [receiver, other].map(|receiver| thread::spawn(move || drain::<C>(receiver)));
    for producer in producers {
        producer.join().unwrap();
    }
    let [first, second] = consumers.map(|consumer| consumer.join().unwrap());
    Tally { count: first.count + second.count, sum: first.sum.wrapping_add(second.sum) }
        .check(operations);
}

/// One item at a time to another thread and back.
pub(crate) fn ping_pong<C: Channel>(cores: Cores, operations: u64) {
    let _pinned = cores.pin_caller();
    let (mut ping, mut pinged) = C::channel();
    let (mut pong, mut ponged) = C::channel();
    let echo = thread::spawn(move || {
        let _pinned = cores.pin_other();
        while let Some(item) = C::recv_blocking(&mut pinged) {
            C::send_blocking(&mut pong, item);
        }
    });
    for item in 0..operations {
        C::send_blocking(&mut ping, item);
        assert_eq!(C::recv_blocking(&mut ponged), Some(item));
    }
    drop(ping);
    echo.join().unwrap();
}

/// One item at a time to another task and back.
pub(crate) fn ping_pong_tasks<C: Channel + 'static>(runtime: &Runtime, operations: u64) {
    let (mut ping, mut pinged) = C::channel();
    let (mut pong, mut ponged) = C::channel();
    let echo = runtime.spawn(async move {
        while let Some(item) = C::recv(&mut pinged).await {
            C::send(&mut pong, item).await;
        }
    });
    let caller = runtime.spawn(async move {
        for item in 0..operations {
            C::send(&mut ping, item).await;
            assert_eq!(C::recv(&mut ponged).await, Some(item));
        }
    });
    runtime.block_on(async {
        caller.await.unwrap();
        echo.await.unwrap();
    });
}
