//! The channels of the field behind one trait, each at its best for one item at a time.

use std::hint::spin_loop;

/// Items that a channel holds, in every case.
pub(crate) const CAPACITY: usize = 1024;

/// A bounded channel of `u64`. A send to a closed channel panics: in these benchmarks the receiver goes
/// last.
pub(crate) trait Channel {
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn channel() -> (Self::Sender, Self::Receiver);

    /// Sends; puts the thread to sleep while the channel is full.
    fn send_blocking(sender: &mut Self::Sender, item: u64);

    /// Sends; the task waits while the channel is full.
    fn send(sender: &mut Self::Sender, item: u64) -> impl Future<Output = ()> + Send;

    /// The next item, `None` after the last one; puts the thread to sleep while there is none.
    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64>;

    /// The next item, `None` after the last one; the task waits while there is none.
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
}

/// A channel whose ends may also be those of an unbounded one.
pub(crate) trait Unbounded: Channel {
    fn unbounded() -> (Self::Sender, Self::Receiver);
}

macro_rules! unbounded {
    ($($name:ident: $make:expr;)*) => {$(
        impl Unbounded for $name {
            fn unbounded() -> (Self::Sender, Self::Receiver) {
                $make()
            }
        }
    )*};
}

unbounded! {
    AsyncChannel: async_channel::unbounded;
    Flume: flume::unbounded;
    Kanal: kanal::unbounded;
    Crossbeam: crossbeam_channel::unbounded;
}

pub(crate) struct TokioMpsc;

impl Channel for TokioMpsc {
    type Sender = tokio::sync::mpsc::Sender<u64>;
    type Receiver = tokio::sync::mpsc::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        tokio::sync::mpsc::channel(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        sender.blocking_send(item).unwrap();
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        sender.send(item).await.unwrap();
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.blocking_recv()
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }
}

pub(crate) struct AsyncChannel;

impl Channel for AsyncChannel {
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        sender.send_blocking(item).unwrap();
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        sender.send(item).await.unwrap();
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv_blocking().ok()
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

pub(crate) struct Flume;

impl Channel for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        flume::bounded(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        sender.send(item).unwrap();
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        sender.send_async(item).await.unwrap();
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv_async().await.ok()
    }
}

pub(crate) struct Kanal;

impl Channel for Kanal {
    type Sender = kanal::Sender<u64>;
    type Receiver = kanal::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        kanal::bounded(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        sender.send(item).unwrap();
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        sender.as_async().send(item).await.unwrap();
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.as_async().recv().await.ok()
    }
}

/// Its async channel has no blocking ends, its blocking channel no async ones: `block_on` makes them,
/// by parking the thread.
pub(crate) struct Thingbuf;

impl Channel for Thingbuf {
    type Sender = thingbuf::mpsc::Sender<u64>;
    type Receiver = thingbuf::mpsc::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        thingbuf::mpsc::channel(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        // Nearly every send finds room, and then `block_on` is only a detour.
        if let Err(full) = sender.try_send(item) {
            futures_lite::future::block_on(sender.send(full.into_inner())).unwrap();
        }
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        sender.send(item).await.unwrap();
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        match receiver.try_recv() {
            Ok(item) => Some(item),
            Err(_) => futures_lite::future::block_on(receiver.recv()),
        }
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }
}

/// Has no async ends: where a task is asked for, it blocks the task's thread.
pub(crate) struct Crossbeam;

impl Channel for Crossbeam {
    type Sender = crossbeam_channel::Sender<u64>;
    type Receiver = crossbeam_channel::Receiver<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        crossbeam_channel::bounded(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        sender.send(item).unwrap();
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        Self::send_blocking(sender, item);
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        Self::recv_blocking(receiver)
    }
}

/// A ring without any way to wait: both ends spin, on a thread and in a task.
pub(crate) struct Rtrb;

impl Channel for Rtrb {
    type Sender = rtrb::Producer<u64>;
    type Receiver = rtrb::Consumer<u64>;

    fn channel() -> (Self::Sender, Self::Receiver) {
        rtrb::RingBuffer::new(CAPACITY)
    }

    fn send_blocking(sender: &mut Self::Sender, item: u64) {
        while sender.push(item).is_err() {
            spin_loop();
        }
    }

    async fn send(sender: &mut Self::Sender, item: u64) {
        Self::send_blocking(sender, item);
    }

    fn recv_blocking(receiver: &mut Self::Receiver) -> Option<u64> {
        loop {
            if let Ok(item) = receiver.pop() {
                return Some(item);
            }
            if receiver.is_abandoned() {
                return receiver.pop().ok(); // what came between the two looks
            }
            spin_loop();
        }
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        Self::recv_blocking(receiver)
    }
}
