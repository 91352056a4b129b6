//! tokio's channels, forwarded to Zig and fed from Zig.

use std::pin::Pin;
use std::task::Poll;
use std::thread;

use futures_lite::future;
use tokio::sync::mpsc::{self, error};
use zigflow::StreamError;
use zigflow::channel::{FromZigError, ToZigError, TryRecvError};
use zigflow::tokio::{channel_from_zig, channel_to_zig};
use zigflow_tests::bridge_ends::{
    Not, SteppedReceiver, SteppedSender, receive_all, send_all, send_malformed,
};
use zigflow_tests::polled::{Messages, sum_in_zig};
use zigflow_tests::task::Task;

fn pump<F: Future + Unpin>(task: &Task, pump: &mut F) -> Poll<F::Output> {
    task.run(|cx| Pin::new(pump).poll(cx))
}

#[test]
fn what_was_sent_arrives_in_zig_and_then_the_end() {
    let (task, (tx, rx)) = (Task::new(), mpsc::channel(4));
    let (end, mut to_zig) = channel_to_zig(rx, 2);
    let mut zig = SteppedReceiver::open(end);
    assert!(pump(&task, &mut to_zig).is_pending());
    for item in 0..4 {
        tx.try_send(item).unwrap();
    }
    assert_eq!(task.wakes(), 1);
    assert!(pump(&task, &mut to_zig).is_pending());
    assert_eq!(tx.capacity(), 2, "two were taken, as many as Zig's channel has room for");
    drop(tx);
    assert_eq!(zig.drain(), [0, 1]);
    assert_eq!(pump(&task, &mut to_zig), Poll::Pending);
    assert_eq!(zig.drain(), [2, 3]);
    assert_eq!(pump(&task, &mut to_zig), Poll::Ready(Ok(())));
    assert_eq!(zig.try_recv(), Err(Not::Ever));
    assert_eq!(zig.end(0).name(), "");
}

#[test]
fn senders_fail_when_zig_has_gone() {
    let (task, (tx, rx)) = (Task::new(), mpsc::channel(4));
    let (end, mut to_zig) = channel_to_zig(rx, 2);
    let zig = SteppedReceiver::open(end);
    assert!(pump(&task, &mut to_zig).is_pending());
    zig.end(7);
    assert_eq!(task.wakes(), 1);
    let Poll::Ready(Err(ToZigError::Closed(error))) = pump(&task, &mut to_zig) else {
        panic!("Zig has closed");
    };
    assert_eq!(error.reason(), Some(StreamError::Code(7)));
    assert_eq!(tx.try_send(1), Err(error::TrySendError::Closed(1)));
}

#[test]
fn what_zig_sends_arrives_and_then_the_end() {
    let (task, (tx, mut rx)) = (Task::new(), mpsc::channel(2));
    let (end, from_zig) = channel_from_zig(tx, 4);
    let mut from_zig = Box::pin(from_zig);
    let mut zig = SteppedSender::open(end);
    assert!(pump(&task, &mut from_zig).is_pending());
    (0..4).for_each(|item| zig.try_send(item).unwrap());
    assert_eq!(task.wakes(), 1);
    assert!(pump(&task, &mut from_zig).is_pending());
    (4..6).for_each(|item| zig.try_send(item).unwrap());
    assert_eq!(
        zig.try_send(6),
        Err(Not::Now),
        "two in tokio's channel, four in Zig's, none between"
    );
    zig.end(0);
    for item in 0..3 {
        assert_eq!(rx.try_recv(), Ok(item));
        assert!(pump(&task, &mut from_zig).is_pending());
    }
    assert_eq!(rx.try_recv(), Ok(3));
    assert!(matches!(pump(&task, &mut from_zig), Poll::Ready(Ok(()))));
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(4), Ok(5)));
    assert_eq!(rx.try_recv(), Err(error::TryRecvError::Disconnected));
}

#[test]
fn a_pump_without_items_takes_no_place_from_other_senders() {
    let (task, (tx, mut rx)) = (Task::new(), mpsc::channel(1));
    let (end, from_zig) = channel_from_zig(tx.clone(), 4);
    let mut from_zig = Box::pin(from_zig);
    let mut zig = SteppedSender::open(end);
    assert!(pump(&task, &mut from_zig).is_pending());
    tx.try_send(7).unwrap();
    zig.try_send(8).unwrap();
    assert!(pump(&task, &mut from_zig).is_pending());
    assert_eq!(rx.try_recv(), Ok(7));
    assert!(pump(&task, &mut from_zig).is_pending());
    assert_eq!(rx.try_recv(), Ok(8));
}

#[test]
fn zig_sees_at_once_that_the_receiver_has_gone() {
    let (task, (tx, rx)) = (Task::new(), mpsc::channel(1));
    let (end, from_zig) = channel_from_zig(tx, 4);
    let mut from_zig = Box::pin(from_zig);
    let mut zig = SteppedSender::open(end);
    assert!(pump(&task, &mut from_zig).is_pending());
    drop(rx);
    assert_eq!(task.wakes(), 1);
    let ended = pump(&task, &mut from_zig);
    assert!(matches!(ended, Poll::Ready(Err(FromZigError::Sink { .. }))));
    assert_eq!(zig.try_send(1), Err(Not::Ever));
}

#[test]
fn what_a_closed_receiver_does_not_take_is_kept() {
    let (task, (tx, mut rx)) = (Task::new(), mpsc::channel(2));
    let (end, from_zig) = channel_from_zig(tx, 4);
    let mut from_zig = Box::pin(from_zig);
    let mut zig = SteppedSender::open(end);
    (0..4).for_each(|item| zig.try_send(item).unwrap());
    assert!(pump(&task, &mut from_zig).is_pending());
    rx.close();
    let Poll::Ready(Err(FromZigError::Sink { mut rest, .. })) = pump(&task, &mut from_zig) else {
        panic!("the receiver is closed");
    };
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(0), Ok(1)));
    assert_eq!(rx.try_recv(), Err(error::TryRecvError::Disconnected));
    assert_eq!((rest.try_recv(), rest.try_recv()), (Ok(2), Ok(3)));
    assert_eq!(rest.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(zig.try_send(4), Err(Not::Ever));
}

#[test]
fn a_reason_of_zig_is_told_when_all_was_forwarded() {
    let (task, (tx, mut rx)) = (Task::new(), mpsc::channel(2));
    let (end, from_zig) = channel_from_zig(tx, 4);
    let mut zig = SteppedSender::open(end);
    zig.try_send(1).unwrap();
    zig.end(7);
    let Poll::Ready(Err(FromZigError::Zig { reason, .. })) = pump(&task, &mut Box::pin(from_zig))
    else {
        panic!("Zig gave a reason");
    };
    assert_eq!((reason, rx.try_recv()), (StreamError::Code(7), Ok(1)));
    assert_eq!(rx.try_recv(), Err(error::TryRecvError::Disconnected));
}

#[test]
fn a_malformed_item_ends_the_pump_and_those_behind_it_are_kept() {
    let (task, (tx, mut rx)) = (Task::new(), mpsc::channel(4));
    let (end, from_zig) = channel_from_zig(tx, 4);
    send_malformed(end);
    let Poll::Ready(Err(FromZigError::Zig { reason, mut rest })) =
        pump(&task, &mut Box::pin(from_zig))
    else {
        panic!("the second item is malformed");
    };
    assert!(matches!(reason, StreamError::Malformed(_)));
    assert_eq!(rx.try_recv().map(|item| item.0), Ok(1));
    assert_eq!(rest.try_recv().map(|item| item.0), Ok(3));
}

#[test]
fn a_dropped_pump_is_no_end() {
    for polled in [false, true] {
        let (task, (tx, mut rx)) = (Task::new(), mpsc::channel(2));
        let (end, from_zig) = channel_from_zig(tx, 4);
        let mut from_zig = Box::pin(from_zig);
        let mut zig = SteppedSender::open(end);
        if polled {
            assert!(pump(&task, &mut from_zig).is_pending());
        }
        drop(from_zig);
        assert_eq!(zig.try_send(1), Err(Not::Ever));
        assert_eq!(zig.end(0).name(), "Canceled");
        assert_eq!(rx.try_recv(), Err(error::TryRecvError::Disconnected));
    }
}

/// Also where tokio's own budget is not in force.
#[test]
fn a_pump_from_zig_lets_its_neighbours_run() {
    let (task, (tx, mut rx)) = (Task::new(), mpsc::channel(1000));
    let (end, from_zig) = channel_from_zig(tx, 1000);
    let mut from_zig = Box::pin(from_zig);
    let mut zig = SteppedSender::open(end);
    (0..1000).for_each(|item| zig.try_send(item).unwrap());
    assert!(pump(&task, &mut from_zig).is_pending());
    let forwarded = std::iter::from_fn(|| rx.try_recv().ok()).count();
    assert_eq!((forwarded, task.wakes()), (zigflow::DEFAULT_BUDGET as usize, 1));
}

/// Zig threads at both ends, and tokio's channels and a task between them.
async fn there_and_back() {
    const COUNT: u64 = 50_000;
    let (tx, mut from_zig) = mpsc::channel(2);
    let (end, pump_from) = channel_from_zig(tx, 7);
    let (to_zig, rx) = mpsc::channel(3);
    let (numbers, pump_to) = channel_to_zig(rx, 5);
    let received = thread::spawn(move || receive_all(numbers, u64::MAX));
    let sent = thread::spawn(move || send_all(end, COUNT));
    let between = async move {
        let mut count = 0;
        while let Some(item) = from_zig.recv().await {
            assert_eq!(item, count);
            to_zig.send(item).await.unwrap();
            count += 1;
        }
        count
    };
    let (count, (ended_to, ended_from)) =
        future::zip(between, future::zip(pump_to, pump_from)).await;
    assert_eq!(ended_to, Ok(()));
    ended_from.unwrap();
    let report = received.join().unwrap();
    assert_eq!((sent.join().unwrap(), count), (COUNT, COUNT));
    assert_eq!((report.count, report.out_of_order, report.reason.name()), (COUNT, 0, ""));
}

/// tokio's receiver goes on the way: what Zig has sent was received, or is in the error.
async fn from_zig_and_gone() {
    let (tx, mut rx) = mpsc::channel(2);
    let (end, from_zig) = channel_from_zig(tx, 7);
    let sent = thread::spawn(move || send_all(end, u64::MAX));
    let some = async move {
        for item in 0..1000 {
            assert_eq!(rx.recv().await, Some(item));
        }
        rx.close();
        let mut count = 1000;
        while let Some(item) = rx.recv().await {
            assert_eq!(item, count);
            count += 1;
        }
        count
    };
    let (mut count, ended) = future::zip(some, from_zig).await;
    let Err(FromZigError::Sink { mut rest, .. }) = ended else { panic!("the receiver has closed") };
    while let Ok(item) = rest.try_recv() {
        assert_eq!(item, count);
        count += 1;
    }
    assert_eq!(sent.join().unwrap(), count);
}

#[test]
fn nothing_is_lost_or_doubled_with_no_runtime() {
    future::block_on(there_and_back());
    future::block_on(from_zig_and_gone());
}

#[test]
fn nothing_is_lost_or_doubled_on_tokio() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).build().unwrap();
    runtime.block_on(async { tokio::spawn(there_and_back()).await.unwrap() });
    runtime.block_on(async { tokio::spawn(from_zig_and_gone()).await.unwrap() });
}

#[test]
fn nothing_is_lost_or_doubled_on_smol() {
    smol::block_on(smol::spawn(there_and_back()));
    smol::block_on(smol::spawn(from_zig_and_gone()));
}

/// tokio's receivers themselves in Zig's hands: a thread of Zig's sleeps until a task sends.
#[test]
fn a_receiver_of_tokio_is_polled_by_zig() {
    const COUNT: u64 = 1000;
    let (tx, rx) = mpsc::channel(4);
    let sender = thread::spawn(move || (0..COUNT).for_each(|n| tx.blocking_send(n).unwrap()));
    assert_eq!(sum_in_zig(zigflow::tokio::stream_to_zig(rx)), COUNT * (COUNT - 1) / 2);
    sender.join().unwrap();

    let (tx, rx) = mpsc::channel::<Vec<u8>>(4);
    let mut messages = Messages::open(zigflow::tokio::messages_to_zig(rx)).unwrap();
    let sender = thread::spawn(move || {
        (0..COUNT).for_each(|n| tx.blocking_send(vec![n as u8; n as usize % 100]).unwrap());
        tx
    });
    for n in 0..COUNT {
        assert_eq!(messages.next(), Ok(vec![n as u8; n as usize % 100]));
    }
    let tx = sender.join().unwrap();
    drop(messages);
    assert!(tx.is_closed());
}
