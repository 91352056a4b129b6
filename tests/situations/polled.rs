//! Zig polls a stream of Rust's: items and messages arrive once, in order; the end and errors are told; nothing is leaked,
//! nothing that does not fit is lost.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use futures_core::Stream;
use zigflow::channel::{messages_to_zig, stream_to_zig, try_messages_to_zig};
use zigflow::{StreamError, ZigError, mpmc, spsc};
use zigflow_tests::ends::items;
use zigflow_tests::polled::{Messages, Numbers, Stop, sum_in_zig};
use zigflow_tests::task::Task;
use zigflow_tests::{Point, counter};

/// Answers from a list; each `None` is a poll that is pending and has woken.
struct Script<T> {
    answers: std::vec::IntoIter<Option<T>>,
    /// Dropped with the stream.
    _alive: Arc<()>,
}

impl<T> Unpin for Script<T> {}

impl<T> Stream for Script<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match self.answers.next() {
            Some(Some(item)) => Poll::Ready(Some(item)),
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

fn script<T>(answers: impl IntoIterator<Item = Option<T>>) -> (Script<T>, Arc<()>) {
    let alive = Arc::new(());
    let answers = answers.into_iter().collect::<Vec<_>>().into_iter();
    (Script { answers, _alive: alive.clone() }, alive)
}

fn is_gone(alive: &Arc<()>) -> bool {
    Arc::strong_count(alive) == 1
}

#[test]
fn items_arrive_in_order_and_then_the_end_for_good() {
    let (stream, alive) = script([Some(1_u64), None, Some(2), None, None, Some(3)]);
    let mut numbers = Numbers::<u64>::open(stream_to_zig(stream)).unwrap();
    let task = Task::default();
    let mut poll = || task.run(|cx| numbers.poll(cx));
    assert_eq!(poll(), Poll::Ready(Ok(1)));
    assert_eq!((poll(), task.wakes()), (Poll::Pending, 1));
    assert_eq!(poll(), Poll::Ready(Ok(2)));
    assert!(poll().is_pending() && poll().is_pending());
    assert_eq!(poll(), Poll::Ready(Ok(3)));
    // A stream may do anything when it is polled after its end; it is not.
    assert_eq!((poll(), poll()), (Poll::Ready(Err(Stop::End)), Poll::Ready(Err(Stop::End))));
    assert_eq!(numbers.reason(), None);
    assert!(!is_gone(&alive));
    drop(numbers);
    assert!(is_gone(&alive) && task.wakers() == 0);
}

#[test]
fn structs_arrive_whole() {
    let points: Vec<Point> = items(0..50);
    let (stream, _) = script(points.iter().copied().map(Some));
    let mut zig = Numbers::<Point>::open(stream_to_zig(stream)).unwrap();
    assert!(points.iter().all(|point| zig.next() == Ok(*point)));
    assert_eq!(zig.next(), Err(Stop::End));
}

/// A thread of Zig's sleeps in between, and the stream of a channel, or one from Zig itself, wakes it.
#[test]
fn a_thread_of_zig_sleeps_until_the_stream_has_something() {
    const COUNT: u64 = 20_000;
    let sum = (0..COUNT).sum::<u64>();
    let (mut tx, rx) = spsc::channel(16);
    let sender = thread::spawn(move || (0..COUNT).for_each(|n| tx.send_blocking(n).unwrap()));
    assert_eq!(sum_in_zig(stream_to_zig(rx)), sum);
    sender.join().unwrap();
    let (tx, rx) = mpmc::unbounded();
    let sender = thread::spawn(move || (0..COUNT).for_each(|n| tx.send_blocking(n).unwrap()));
    assert_eq!(sum_in_zig(stream_to_zig(rx)), sum);
    sender.join().unwrap();
    assert_eq!(sum_in_zig(stream_to_zig(counter(0, COUNT).unwrap())), sum);
}

#[test]
fn an_error_is_the_end_and_is_told_by_its_name() {
    for error in [StreamError::Zig(ZigError::new("TapeTorn")), StreamError::Code(-7)] {
        let (stream, _) = script([Some(Ok(1_u64)), Some(Err(error)), Some(Ok(2))]);
        let mut numbers = Numbers::<u64>::open(stream_to_zig(stream)).unwrap();
        assert_eq!((numbers.next(), numbers.reason()), (Ok(1), None));
        assert_eq!((numbers.next(), numbers.reason()), (Err(Stop::Failed), Some(error)));
        assert_eq!(numbers.next(), Err(Stop::End));

        let (stream, _) = script([Some(Ok("a")), Some(Err(error))]);
        let mut messages = Messages::open(try_messages_to_zig(stream)).unwrap();
        assert_eq!(messages.next(), Ok(b"a".to_vec()));
        assert_eq!((messages.next(), messages.reason()), (Err(Stop::Failed), Some(error)));
        assert_eq!(messages.next_into(9), Err(Stop::End));
    }
}

#[test]
fn another_type_is_refused_and_the_stream_goes() {
    let (stream, alive) = script([Some(1_u64)]);
    assert!(Numbers::<Point>::open(stream_to_zig(stream)).is_none());
    assert!(is_gone(&alive));
    let (stream, alive) = script([Some(1_i64)]);
    assert!(Numbers::<u64>::open(stream_to_zig(stream)).is_none());
    assert!(is_gone(&alive));
    let (stream, alive) = script([Some("text")]);
    assert!(Numbers::<u64>::open(messages_to_zig(stream)).is_none());
    assert!(is_gone(&alive));
    let (stream, alive) = script([Some(1_u64)]);
    assert!(Messages::open(stream_to_zig(stream)).is_none());
    assert!(is_gone(&alive));
    // Never opened.
    let (stream, alive) = script([Some(1_u64)]);
    drop(stream_to_zig(stream));
    assert!(is_gone(&alive));
}

/// Pitfall: an empty message is not the end, and what does not fit is kept.
#[test]
fn messages_of_any_length_arrive_whole() {
    let long = vec![7_u8; 100_000];
    let sent = [b"one".to_vec(), Vec::new(), long.clone(), b"x".to_vec()];
    let stream = || script(sent.iter().cloned().flat_map(|m| [None, Some(m)])).0;

    let mut messages = Messages::open(messages_to_zig(stream())).unwrap();
    sent.iter().for_each(|message| assert_eq!(messages.next().as_ref(), Ok(message)));
    assert_eq!(messages.next(), Err(Stop::End));

    let mut messages = Messages::open(messages_to_zig(stream())).unwrap();
    let task = Task::default();
    let mut got = Vec::new();
    loop {
        match task.run(|cx| messages.poll_into(cx, 3)) {
            Poll::Ready(Ok(message)) => got.push(message),
            Poll::Pending => {}
            Poll::Ready(Err(Stop::TooLong)) => {
                assert_eq!(messages.needed(), Some(long.len()));
                // Still too long, and still there.
                assert_eq!(messages.next_into(long.len() - 1), Err(Stop::TooLong));
                got.push(messages.next_into(long.len()).unwrap());
                assert_eq!(messages.needed(), None);
            }
            Poll::Ready(Err(stop)) => {
                assert_eq!(stop, Stop::End);
                break;
            }
        }
    }
    assert_eq!(got, sent);

    // What did not fit may be looked at in place.
    let mut messages = Messages::open(messages_to_zig(stream())).unwrap();
    assert_eq!(messages.next_into(0), Err(Stop::TooLong));
    assert_eq!(messages.next(), Ok(b"one".to_vec()));
    assert_eq!(messages.next_into(0), Ok(Vec::new()));
    assert_eq!(messages.next_into(0), Err(Stop::TooLong));
    drop(messages);
}

/// A message is dropped when the next one is asked for, and with the stream.
#[test]
fn a_lent_message_lives_until_the_next_call() {
    struct Message {
        _alive: Arc<()>,
    }
    impl AsRef<[u8]> for Message {
        fn as_ref(&self) -> &[u8] {
            &[1, 2, 3]
        }
    }
    let alive = Arc::new(());
    let sent: Vec<_> = (0..3).map(|_| Some(Message { _alive: alive.clone() })).collect();
    let mut messages = Messages::open(messages_to_zig(script(sent).0)).unwrap();
    for left in (1..=3).rev() {
        assert_eq!(messages.next(), Ok(vec![1, 2, 3]));
        assert_eq!(Arc::strong_count(&alive) - 1, left);
    }
    drop(messages);
    assert_eq!(Arc::strong_count(&alive), 1);
}
