//! tokio's bounded channels, to and from Zig.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;
use zigflow_core::channel::{self, FromZigError, PumpToZig, RecvError, StreamForZig};
use zigflow_core::spsc::{self, Receiver, ZigReceiver, ZigSender};
use zigflow_core::{StreamError, Transfer, ZigError};

/// A channel whose receiver is for Zig, and what comes out of `rx` goes into it.
///
/// The pump is a future that somebody has to poll, on any executor. It takes an item from `rx` when the channel
/// to Zig has room for it: `capacity` more items wait than in tokio's channel alone. It ends when all of tokio's
/// senders are gone, and Zig's end drains the channel then; or when Zig's end closes, and `rx` is dropped at once,
/// so tokio's senders fail.
///
/// # Panics
///
/// As [`spsc::channel`].
///
/// # Cancel safety
///
/// As [`zigflow_core::channel::channel_to_zig`]: between two polls the pump holds no item, and Zig's end of a
/// pump that was dropped is told `Canceled`.
///
/// # Examples
///
/// ```
/// # fn start_zig_thread(_: zigflow_core::spsc::ZigReceiver<u64>) {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (tx, rx) = tokio::sync::mpsc::channel(100);
/// let (receiver, pump) = zigflow_tokio::channel_to_zig(rx, 64);
/// let pump = tokio::spawn(pump);
/// start_zig_thread(receiver);
/// let _ = tx.send(1_u64).await; // an error once Zig is gone
/// # let _ = pump.await;
/// # }
/// ```
pub fn channel_to_zig<T: Transfer>(
    rx: mpsc::Receiver<T>,
    capacity: usize,
) -> (ZigReceiver<T>, PumpToZig<Received<T>>) {
    channel::channel_to_zig(Received(rx), capacity)
}

/// tokio's receiver in Zig's hands: as [`zigflow_core::channel::stream_to_zig`]. No pump, and no runtime is needed there.
pub fn stream_to_zig<T: Transfer>(rx: mpsc::Receiver<T>) -> StreamForZig<T> {
    channel::stream_to_zig(Received(rx))
}

/// tokio's receiver of messages of any length in Zig's hands: as [`zigflow_core::channel::messages_to_zig`].
///
/// ```
/// # fn start_zig_thread(_: zigflow_core::channel::StreamForZig<[u8]>) {}
/// let (tx, rx) = tokio::sync::mpsc::channel::<Vec<u8>>(100);
/// start_zig_thread(zigflow_tokio::messages_to_zig(rx));
/// let _ = tx.try_send(b"hello".to_vec()); // an error once Zig is gone
/// ```
pub fn messages_to_zig<M>(rx: mpsc::Receiver<M>) -> StreamForZig<[u8]>
where
    M: AsRef<[u8]> + Send + 'static,
{
    channel::messages_to_zig(Received(rx))
}

/// What comes out of tokio's receiver, as a stream.
#[derive(Debug)]
pub struct Received<T>(mpsc::Receiver<T>);

impl<T> Stream for Received<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().0.poll_recv(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), None)
    }
}

/// A channel whose sender is for Zig, and what Zig sends goes into `tx`.
///
/// The pump is a future that somebody has to poll, on any executor. It reserves a place in tokio's channel for an
/// item that is there and takes it out only then. It ends when Zig's end does, with what was sent in tokio's
/// channel and `tx` dropped; or when tokio's receiver closes, which Zig's end sees at once as `Closed`.
///
/// The future's error has Zig's reason if it gave one, or that tokio's receiver is gone, and the receiver with the
/// items that tokio's channel did not accept.
///
/// # Panics
///
/// As [`spsc::channel`].
///
/// # Cancel safety
///
/// Between two polls the pump holds no item. Dropped before it is ready, it drops `tx` and the items that wait
/// in the channel; Zig's end gets `Closed`, with the reason `Canceled`.
///
/// # Examples
///
/// ```
/// # fn start_zig_thread(_: zigflow_core::spsc::ZigSender<u64>) {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (tx, mut rx) = tokio::sync::mpsc::channel(100);
/// let (sender, pump) = zigflow_tokio::channel_from_zig(tx, 64);
/// let pump = tokio::spawn(pump);
/// start_zig_thread(sender);
/// while let Some(number) = rx.recv().await {
///     println!("{number}");
/// }
/// assert!(pump.await.is_ok_and(|zig| zig.is_ok())); // Zig gave no error
/// # }
/// ```
pub fn channel_from_zig<T: Transfer>(
    tx: mpsc::Sender<T>,
    capacity: usize,
) -> (ZigSender<T>, impl Future<Output = FromZigResult<T>> + Send + use<T>) {
    let (sender, receiver) = spsc::channel(capacity);
    (sender.into_zig(), forward(CanceledOnDrop(Some(receiver)), tx))
}

/// How the pump of [`channel_from_zig`] ends.
pub type FromZigResult<T> = Result<(), FromZigError<T, SendError<()>>>;

async fn forward<T: Transfer>(
    mut canceled: CanceledOnDrop<T>,
    tx: mpsc::Sender<T>,
) -> FromZigResult<T> {
    let ended = match &mut canceled.0 {
        Some(receiver) => forward_all(receiver, &tx).await,
        None => return Ok(()), // it is there until the next line
    };
    let Some(mut rest) = canceled.0.take() else { return Ok(()) };
    match ended {
        Ended::Zig => Ok(()),
        Ended::ZigFailed(reason) => {
            rest.close_with(reason);
            Err(FromZigError::Zig { reason, rest })
        }
        Ended::Tokio => {
            rest.close();
            Err(FromZigError::Sink { error: SendError(()), rest })
        }
    }
}

/// Which side ended.
enum Ended {
    Zig,
    ZigFailed(StreamError),
    Tokio,
}

async fn forward_all<T: Transfer>(receiver: &mut Receiver<T>, tx: &mpsc::Sender<T>) -> Ended {
    loop {
        match item_or_gone(receiver, tx).await {
            Some(Ok(())) => {}
            Some(Err(RecvError::Closed)) => return Ended::Zig,
            Some(Err(RecvError::Failed(reason))) => return Ended::ZigFailed(reason),
            None => return Ended::Tokio,
        }
        // Only now: a place held while Zig has nothing would be missing to tokio's other senders.
        let Ok(place) = tx.reserve().await else { return Ended::Tokio };
        // It is there: only this end takes items.
        if let Ok(item) = receiver.try_recv() {
            place.send(item);
        }
    }
}

/// Waits until an item is there, which stays in the channel; `None` when tokio's receiver has closed before.
async fn item_or_gone<T: Transfer>(
    receiver: &mut Receiver<T>,
    tx: &mpsc::Sender<T>,
) -> Option<Result<(), RecvError>> {
    let (mut item, mut gone) = (pin!(receiver.read(1)), pin!(tx.closed()));
    poll_fn(|cx| match item.as_mut().poll(cx) {
        Poll::Ready(item) => Poll::Ready(Some(item.map(|_| ()))),
        Poll::Pending => gone.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// Tells Zig that the pump was dropped, and no end reached.
struct CanceledOnDrop<T>(Option<Receiver<T>>);

impl<T> Drop for CanceledOnDrop<T> {
    fn drop(&mut self) {
        if let Some(receiver) = &mut self.0 {
            receiver.close_with(StreamError::Zig(ZigError::new("Canceled")));
        }
    }
}
