//! The sending end of a channel as a sink.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;
use zigflow::channel::{RecvError, TryRecvError};
use zigflow::spsc::{self, Sender};
use zigflow::{StreamError, ZigError};
use zigflow_tests::task::Task;

type Outcome = Poll<Result<(), zigflow::channel::SendError<Option<u32>>>>;

fn poll(
    task: &Task,
    sink: &mut Sender<u32>,
    f: fn(Pin<&mut Sender<u32>>, &mut Context<'_>) -> Outcome,
) -> Outcome {
    task.run(|cx| f(Pin::new(sink), cx))
}

#[test]
fn a_sink_is_ready_while_there_is_room_and_woken_when_there_is_again() {
    let (task, (mut tx, mut rx)) = (Task::new(), spsc::channel(2));
    for item in 0..2 {
        assert!(poll(&task, &mut tx, Sink::poll_ready).is_ready());
        Pin::new(&mut tx).start_send(item).unwrap();
        assert_eq!(poll(&task, &mut tx, Sink::poll_flush), Poll::Ready(Ok(())));
    }
    assert!(poll(&task, &mut tx, Sink::poll_ready).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&task, &mut tx, Sink::poll_ready), Poll::Ready(Ok(())));
}

#[test]
fn a_closed_sink_is_drained_and_takes_nothing_more() {
    let (task, (mut tx, mut rx)) = (Task::new(), spsc::channel(2));
    Pin::new(&mut tx).start_send(7).unwrap();
    assert_eq!(poll(&task, &mut tx, Sink::poll_close), Poll::Ready(Ok(())));
    assert_eq!(poll(&task, &mut tx, Sink::poll_close), Poll::Ready(Ok(())));
    assert!(matches!(poll(&task, &mut tx, Sink::poll_ready), Poll::Ready(Err(_))));
    assert_eq!(Pin::new(&mut tx).start_send(8).unwrap_err().into_inner(), Some(8));
    assert_eq!(rx.try_recv(), Ok(7));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn an_item_that_the_receiver_closes_upon_comes_back_with_the_reason() {
    let (task, (mut tx, mut rx)) = (Task::new(), spsc::channel(2));
    assert!(poll(&task, &mut tx, Sink::poll_ready).is_ready());
    let reason = StreamError::Zig(ZigError::new("Enough"));
    rx.close_with(reason);
    let error = Pin::new(&mut tx).start_send(7).unwrap_err();
    assert_eq!((error.reason(), error.into_inner()), (Some(reason), Some(7)));
    let Poll::Ready(Err(error)) = poll(&task, &mut tx, Sink::poll_ready) else {
        panic!("the channel is closed");
    };
    assert_eq!((error.reason(), error.into_inner()), (Some(reason), None));
}

#[test]
#[should_panic(expected = "without a `poll_ready`")]
fn an_item_without_room_for_it_is_a_mistake() {
    let (mut tx, _rx) = spsc::channel(1);
    for item in 0..2 {
        let _ = Pin::new(&mut tx).start_send(item);
    }
}

#[test]
fn a_sink_that_waits_is_woken_when_the_receiver_goes() {
    let (task, (mut tx, rx)) = (Task::new(), spsc::channel(1));
    tx.try_send(1).unwrap();
    assert!(poll(&task, &mut tx, Sink::poll_ready).is_pending());
    drop(rx);
    assert_eq!(task.wakes(), 1);
    assert!(matches!(poll(&task, &mut tx, Sink::poll_ready), Poll::Ready(Err(_))));
}

#[test]
fn a_sink_may_be_closed_while_the_receiver_waits() {
    let (task, (mut tx, mut rx)) = (Task::new(), spsc::channel::<u32>(1));
    assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
    assert_eq!(poll(&task, &mut tx, Sink::poll_close), Poll::Ready(Ok(())));
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.run(|cx| rx.poll_recv(cx)), Poll::Ready(Err(RecvError::Closed)));
}
