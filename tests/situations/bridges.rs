//! Streams forwarded to Zig and what Zig sends forwarded into sinks; `bridges_tokio.rs` has tokio's channels.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;

use futures_lite::{StreamExt, future, stream};
use futures_sink::Sink;
use zigflow::channel::{FromZigError, TryRecvError, channel_from_zig, channel_to_zig};
use zigflow::channel::{PumpToZig, ToZigError};
use zigflow::spsc::{self, ZigReceiver};
use zigflow::{DEFAULT_BUDGET, StreamError, ZigError};
use zigflow_tests::bridge_ends::{
    Not, SteppedReceiver, SteppedSender, receive_all, send_all, send_malformed,
};
use zigflow_tests::counter;
use zigflow_tests::task::Task;

const TORN: StreamError = StreamError::Zig(ZigError::new("Torn"));

/// Polls a pump once.
fn pump<F: Future + Unpin>(task: &Task, pump: &mut F) -> Poll<F::Output> {
    task.run(|cx| Pin::new(pump).poll(cx))
}

fn receiver<S>((end, pump): (ZigReceiver<u64>, PumpToZig<S>)) -> (SteppedReceiver, PumpToZig<S>)
where
    S: stream::Stream<Item: zigflow::channel::IntoItem>,
{
    (SteppedReceiver::open(end), pump)
}

#[test]
fn a_stream_arrives_in_zig_and_then_its_end() {
    let task = Task::new();
    let (mut zig, mut to_zig) = receiver(channel_to_zig(stream::iter(0..10), 4));
    let mut came = Vec::new();
    while pump(&task, &mut to_zig).is_pending() {
        assert_eq!(zig.try_recv(), Ok(came.len() as u64));
        came.push(came.len() as u64);
        came.extend(zig.drain());
    }
    came.extend(zig.drain());
    assert_eq!(came, (0..10).collect::<Vec<_>>());
    assert_eq!(zig.try_recv(), Err(Not::Ever));
    assert_eq!(zig.end(0).name(), "");
}

#[test]
fn a_full_channel_holds_the_stream_back() {
    let task = Task::new();
    let yielded = Rc::new(Cell::new(0));
    let count = yielded.clone();
    let endless = stream::repeat_with(move || {
        count.set(count.get() + 1);
        count.get()
    });
    let (mut zig, mut to_zig) = receiver(channel_to_zig(endless, 4));
    for round in 1..=3 {
        assert!(pump(&task, &mut to_zig).is_pending());
        assert!(pump(&task, &mut to_zig).is_pending());
        assert_eq!(yielded.get(), 4 * round, "not one more than there is room for");
        let wakes = task.wakes();
        assert_eq!(zig.drain().len(), 4);
        assert_eq!(task.wakes(), wakes + 1);
    }
}

#[test]
fn a_receiver_that_goes_ends_the_pump_and_drops_the_stream() {
    let task = Task::new();
    let held = Rc::new(());
    let of_the_stream = held.clone();
    let silent = stream::poll_fn(move |_| {
        let _ = &of_the_stream;
        Poll::<Option<u64>>::Pending
    });
    let (zig, mut to_zig) = receiver(channel_to_zig(silent, 4));
    assert!(pump(&task, &mut to_zig).is_pending());
    zig.end(7);
    assert_eq!(task.wakes(), 1);
    let Poll::Ready(Err(ToZigError::Closed(error))) = pump(&task, &mut to_zig) else {
        panic!("Zig has closed");
    };
    assert_eq!((error.reason(), error.into_inner()), (Some(StreamError::Code(7)), None));
    assert_eq!(Rc::strong_count(&held), 1, "dropped at once, though the pump lives");
}

#[test]
fn an_item_that_the_receiver_closes_upon_comes_back() {
    let task = Task::new();
    let end = Rc::new(RefCell::new(None::<SteppedReceiver>));
    let closer = end.clone();
    let closing = stream::repeat_with(move || {
        closer.take().expect("polled once").end(0);
        42
    });
    let (zig, mut to_zig) = receiver(channel_to_zig(closing, 4));
    end.replace(Some(zig));
    let Poll::Ready(Err(ToZigError::Closed(error))) = pump(&task, &mut to_zig) else {
        panic!("Zig has closed");
    };
    assert_eq!(error.into_inner(), Some(42));
}

#[test]
fn the_error_of_a_stream_is_the_reason_in_zig() {
    let task = Task::new();
    let results = stream::iter([Ok(1), Ok(2), Err(TORN), Ok(3)]);
    let (mut zig, mut to_zig) = receiver(channel_to_zig(results, 4));
    assert_eq!(pump(&task, &mut to_zig), Poll::Ready(Err(ToZigError::Stream(TORN))));
    assert_eq!(zig.drain(), [1, 2]);
    assert_eq!(zig.try_recv(), Err(Not::Ever));
    assert_eq!(zig.end(0).name(), "Torn");
}

#[test]
fn a_dropped_pump_is_not_the_end_of_the_stream() {
    let task = Task::new();
    let (mut zig, mut to_zig) = receiver(channel_to_zig(stream::iter(0..10), 4));
    assert!(pump(&task, &mut to_zig).is_pending());
    drop(to_zig);
    assert_eq!(zig.drain(), [0, 1, 2, 3]);
    assert_eq!(zig.try_recv(), Err(Not::Ever));
    assert_eq!(zig.end(0).name(), "Canceled");

    let mut numbers = stream::iter(0..6);
    let (mut zig, mut to_zig) = receiver(channel_to_zig(&mut numbers, 4));
    assert!(pump(&task, &mut to_zig).is_pending());
    drop(to_zig);
    let rest = future::block_on(numbers.fold(0, |sum, number| sum + number));
    assert_eq!(zig.drain().iter().sum::<u64>() + rest, 15, "what was not forwarded is still there");
}

/// Of an endless stream and an endless receiver.
#[test]
fn pumps_let_their_neighbours_run() {
    let task = Task::new();
    let (mut zig, mut to_zig) = receiver(channel_to_zig(stream::repeat(1), 1000));
    assert!(pump(&task, &mut to_zig).is_pending());
    assert_eq!((zig.drain().len(), task.wakes()), (DEFAULT_BUDGET as usize, 1));

    let (end, mut from_zig) = channel_from_zig(Recording::default(), 1000);
    let mut zig = SteppedSender::open(end);
    (0..1000).for_each(|item| zig.try_send(item).unwrap());
    let mut before = 0;
    for _ in 0..3 {
        assert!(pump(&task, &mut from_zig).is_pending());
        let room = (0..1000).take_while(|item| zig.try_send(*item).is_ok()).count();
        assert!(room <= DEFAULT_BUDGET as usize, "{room}");
        assert!(task.wakes() > before);
        before = task.wakes();
    }
}

/// A sink that keeps what it gets.
#[derive(Clone, Default)]
struct Recording(Rc<RefCell<Record>>);

#[derive(Default)]
struct Record {
    items: Vec<u64>,
    flushes: usize,
    closed: bool,
}

impl Sink<u64> for Recording {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, item: u64) -> Result<(), Infallible> {
        self.0.borrow_mut().items.push(item);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.borrow_mut().flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.borrow_mut().closed = true;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn what_zig_sends_arrives_in_the_sink_which_is_flushed_and_closed() {
    let (task, sink) = (Task::new(), Recording::default());
    let (end, mut from_zig) = channel_from_zig(sink.clone(), 4);
    let mut zig = SteppedSender::open(end);
    (0..3).for_each(|item| zig.try_send(item).unwrap());
    assert!(pump(&task, &mut from_zig).is_pending());
    assert_eq!((&sink.0.borrow().items[..], sink.0.borrow().flushes), (&[0, 1, 2][..], 1));
    zig.try_send(3).unwrap();
    assert_eq!(task.wakes(), 1);
    zig.end(0);
    assert!(matches!(pump(&task, &mut from_zig), Poll::Ready(Ok(()))));
    assert_eq!((&sink.0.borrow().items[..], sink.0.borrow().closed), (&[0, 1, 2, 3][..], true));
    assert_eq!(Rc::strong_count(&sink.0), 1, "dropped at once, though the pump lives");
}

#[test]
fn a_full_sink_holds_zig_back() {
    let (task, (tx, mut rx)) = (Task::new(), spsc::channel(3));
    let (end, mut from_zig) = channel_from_zig(tx, 2);
    let mut zig = SteppedSender::open(end);
    let mut sent = 0;
    for taken in 0..5 {
        while zig.try_send(sent).is_ok() {
            sent += 1;
            assert!(pump(&task, &mut from_zig).is_pending());
        }
        assert_eq!(sent, taken + 5, "three in the sink, two in the channel, none in between");
        assert_eq!(rx.try_recv(), Ok(taken));
        assert!(pump(&task, &mut from_zig).is_pending());
    }
}

#[test]
fn a_sink_that_fails_closes_the_channel_and_keeps_what_it_did_not_take() {
    let (task, (tx, mut rx)) = (Task::new(), spsc::channel(2));
    let (end, mut from_zig) = channel_from_zig(tx, 4);
    let mut zig = SteppedSender::open(end);
    (0..4).for_each(|item| zig.try_send(item).unwrap());
    assert!(pump(&task, &mut from_zig).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    rx.close_with(TORN);
    let Poll::Ready(Err(FromZigError::Sink { error, mut rest })) = pump(&task, &mut from_zig)
    else {
        panic!("the sink is closed");
    };
    assert_eq!((error.reason(), error.into_inner()), (Some(TORN), None));
    assert_eq!(zig.try_send(9), Err(Not::Ever));
    assert_eq!(zig.end(0).name(), "SinkFailed");
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!((rest.try_recv(), rest.try_recv()), (Ok(2), Ok(3)));
    assert_eq!(rest.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn the_reason_of_zig_is_told_when_all_was_forwarded() {
    let (task, sink) = (Task::new(), Recording::default());
    let (end, mut from_zig) = channel_from_zig(sink.clone(), 4);
    let mut zig = SteppedSender::open(end);
    zig.try_send(1).unwrap();
    zig.end(7);
    let Poll::Ready(Err(FromZigError::Zig { reason, .. })) = pump(&task, &mut from_zig) else {
        panic!("Zig gave a reason");
    };
    assert_eq!(reason, StreamError::Code(7));
    assert_eq!((&sink.0.borrow().items[..], sink.0.borrow().closed), (&[1][..], true));
}

#[test]
fn a_malformed_item_ends_the_pump_and_those_behind_it_are_kept() {
    let (task, (tx, mut rx)) = (Task::new(), spsc::channel(4));
    let (end, mut from_zig) = channel_from_zig(tx, 4);
    send_malformed(end);
    let Poll::Ready(Err(FromZigError::Zig { reason, mut rest })) = pump(&task, &mut from_zig)
    else {
        panic!("the second item is malformed");
    };
    assert!(matches!(reason, StreamError::Malformed(_)));
    assert_eq!(rx.try_recv().map(|item| item.0), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rest.try_recv().map(|item| item.0), Ok(3));
}

#[test]
fn a_dropped_pump_from_zig_closes_the_channel_but_not_the_sink() {
    let (task, sink) = (Task::new(), Recording::default());
    let (end, mut from_zig) = channel_from_zig(sink.clone(), 4);
    let mut zig = SteppedSender::open(end);
    zig.try_send(0).unwrap();
    assert!(pump(&task, &mut from_zig).is_pending());
    drop(from_zig);
    assert_eq!(zig.try_send(1), Err(Not::Ever));
    assert_eq!(zig.end(0).name(), "Canceled");
    assert_eq!((&sink.0.borrow().items[..], sink.0.borrow().closed), (&[0][..], false));
}

/// Zig threads at both ends, a pump for each direction, and a task between them; any runtime polls.
async fn there_and_back() {
    const COUNT: u64 = 50_000;
    let (to_pump, from_source) = async_channel::bounded(3);
    let (numbers, to_zig) = channel_to_zig(from_source, 5);
    let (tx, mut rx) = spsc::channel(2);
    let (end, from_zig) = channel_from_zig(tx, 7);
    let received = thread::spawn(move || receive_all(numbers, u64::MAX));
    let sent = thread::spawn(move || send_all(end, COUNT));
    let between = async move {
        let mut count = 0;
        while let Ok(item) = rx.recv().await {
            assert_eq!(item, count);
            to_pump.send(item).await.unwrap();
            count += 1;
        }
        count
    };
    let (count, (to_zig, from_zig)) = future::zip(between, future::zip(to_zig, from_zig)).await;
    assert_eq!(to_zig, Ok(()));
    from_zig.unwrap();
    let report = received.join().unwrap();
    assert_eq!((sent.join().unwrap(), count), (COUNT, COUNT));
    assert_eq!((report.count, report.out_of_order, report.reason.name()), (COUNT, 0, ""));
}

/// Zig's stream to Zig's channel, with the receiver going on the way.
async fn to_zig_and_gone() {
    let (end, to_zig) = channel_to_zig(counter(0, u64::MAX).unwrap(), 16);
    let received = thread::spawn(move || receive_all(end, 1000));
    assert!(matches!(to_zig.await, Err(ToZigError::Closed(_))));
    assert_eq!((received.join().unwrap().count), 1000);
}

#[test]
fn nothing_is_lost_or_doubled_with_no_runtime() {
    future::block_on(there_and_back());
    future::block_on(to_zig_and_gone());
}

#[test]
fn nothing_is_lost_or_doubled_on_tokio() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).build().unwrap();
    runtime.block_on(async { tokio::spawn(there_and_back()).await.unwrap() });
    runtime.block_on(async { tokio::spawn(to_zig_and_gone()).await.unwrap() });
}

#[test]
fn nothing_is_lost_or_doubled_on_smol() {
    smol::block_on(smol::spawn(there_and_back()));
    smol::block_on(smol::spawn(to_zig_and_gone()));
}
