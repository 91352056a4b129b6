//! The life of a stream: its end, its hints, its budget, and its neighbours on every runtime.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;

use futures_core::{FusedStream, Stream};
use futures_lite::{StreamExt, future};
use zigflow::{DEFAULT_BUDGET, Sendable, StreamError, ZigStream};
use zigflow_tests::task::Task;
use zigflow_tests::{self as zig, Channel};

// -- the end --

#[test]
fn the_end_is_the_end_for_ever() {
    let task = Task::new();
    let mut stream = zig::counter(0, 1).unwrap();
    assert!(!stream.is_terminated());
    assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(0))));
    assert!(!stream.is_terminated());
    for _ in 0..3 {
        assert_eq!(task.next(&mut stream), Poll::Ready(None));
        assert!(stream.is_terminated());
    }
    assert_eq!(task.wakes(), 0);
}

#[test]
fn an_error_is_the_last_item() {
    for code in [0, 3] {
        let task = Task::new();
        let mut stream = zig::failing(1, code).unwrap();
        assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(0))));
        assert!(matches!(task.next(&mut stream), Poll::Ready(Some(Err(_)))));
        assert!(stream.is_terminated());
        for _ in 0..3 {
            assert_eq!(task.next(&mut stream), Poll::Ready(None));
        }
    }
}

/// Zig's memory goes with the last item, not with the stream.
#[test]
fn the_end_frees_the_zig_side_once() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    channel.end();
    assert_eq!(task.next(&mut stream), Poll::Ready(None));
    assert_eq!(channel.deinits(), 1);
    assert_eq!(task.next(&mut stream), Poll::Ready(None));
    assert_eq!(channel.polls(), 1, "an ended stream polls no Zig");
    drop(stream);
    assert_eq!(channel.deinits(), 1);
}

#[test]
fn a_stream_shows_whether_it_has_ended() {
    let mut stream = zig::counter(0, 0).unwrap();
    assert_eq!(format!("{stream:?}"), "ZigStream { ended: false, .. }");
    assert_eq!(Task::new().next(&mut stream), Poll::Ready(None));
    assert_eq!(format!("{stream:?}"), "ZigStream { ended: true, .. }");
}

// -- the hint --

#[test]
fn the_hint_is_right_through_the_whole_life() {
    let task = Task::new();
    let mut stream = zig::counter(0, 5).unwrap();
    for left in (1..=5).rev() {
        // One more may come: an error.
        assert_eq!(stream.size_hint(), (left, Some(left + 1)));
        assert!(matches!(task.next(&mut stream), Poll::Ready(Some(Ok(_)))));
    }
    assert_eq!(stream.size_hint(), (0, Some(1)));
    assert_eq!(task.next(&mut stream), Poll::Ready(None));
    assert_eq!(stream.size_hint(), (0, Some(0)));
}

#[test]
fn the_hint_covers_the_error_and_is_zero_behind_it() {
    let task = Task::new();
    let mut stream = zig::failing(0, 0).unwrap();
    assert_eq!(stream.size_hint(), (0, None));
    assert!(matches!(task.next(&mut stream), Poll::Ready(Some(Err(_)))));
    assert_eq!(stream.size_hint(), (0, Some(0)));
}

#[test]
fn the_largest_hint_does_not_overflow() {
    let stream = zig::counter(0, u64::MAX).unwrap();
    assert_eq!(stream.size_hint(), (usize::MAX, None));
}

// -- the budget --

#[test]
fn a_source_that_is_always_ready_yields_once_after_its_budget() {
    let task = Task::new();
    let mut stream = zig::counter(0, u64::MAX).unwrap();
    let mut next = 0;
    for round in 1..=3 {
        for _ in 0..DEFAULT_BUDGET {
            assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(next))));
            next += 1;
        }
        assert_eq!(task.next(&mut stream), Poll::Pending);
        assert_eq!(task.wakes(), round, "it wakes itself when it yields");
    }
}

#[test]
fn a_budget_of_ones_own() {
    for budget in [1, 2, 1000] {
        let task = Task::new();
        let mut stream = zig::counter(0, u64::MAX).unwrap();
        stream.set_budget(budget);
        // A larger one holds from the next round on; the first is the default.
        let first = budget.min(DEFAULT_BUDGET);
        for count in [first, budget, budget] {
            for _ in 0..count {
                assert!(task.next(&mut stream).is_ready());
            }
            assert!(task.next(&mut stream).is_pending());
        }
    }
}

#[test]
#[should_panic(expected = "a budget of at least one item")]
fn a_budget_of_nothing_is_a_mistake() {
    zig::counter(0, 1).unwrap().set_budget(0);
}

#[test]
fn pending_starts_a_new_budget_without_a_wake() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    for _ in 0..3 {
        channel.push(DEFAULT_BUDGET - 1);
        let wakes = task.wakes();
        for _ in 1..DEFAULT_BUDGET {
            assert!(task.next(&mut stream).is_ready());
        }
        assert!(task.next(&mut stream).is_pending());
        assert!(task.wakes() <= wakes + 1, "of Zig's wake, not of the budget");
    }
    assert_eq!(channel.polls(), 3 * DEFAULT_BUDGET, "each poll reached Zig");
}

#[test]
fn the_end_and_an_error_right_behind_the_budget_arrive() {
    let items: Vec<_> = future::block_on(zig::counter(0, 128).unwrap().collect());
    assert_eq!(items.len(), 128);
    let items: Vec<_> = future::block_on(zig::failing(128, 9).unwrap().collect());
    assert_eq!(items.len(), 129);
    assert_eq!(items[128], Err(StreamError::Code(9)));
}

/// An endless source runs until its neighbour in the same task, behind it, has run `TURNS` times.
async fn a_neighbour_runs() {
    const TURNS: u32 = 10;
    let turns = Rc::new(Cell::new(0));
    let busy = async {
        let mut stream: ZigStream<u64, Sendable> = zig::counter(0, u64::MAX).unwrap();
        while turns.get() < TURNS {
            stream.next().await.unwrap().unwrap();
        }
    };
    let neighbour = async {
        for _ in 0..TURNS {
            turns.set(turns.get() + 1);
            future::yield_now().await;
        }
    };
    future::zip(busy, neighbour).await;
}

/// The same between two tasks of one thread.
#[test]
fn a_neighbour_task_runs_on_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (tell, mut told) = tokio::sync::oneshot::channel();
    runtime.block_on(async {
        let busy = tokio::spawn(async move {
            let mut stream = zig::counter(0, u64::MAX).unwrap();
            while told.try_recv().is_err() {
                stream.next().await.unwrap().unwrap();
            }
        });
        tokio::spawn(async move { tell.send(()).unwrap() });
        busy.await.unwrap();
    });
}

#[test]
fn a_neighbour_runs_on_tokio() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(a_neighbour_runs());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(a_neighbour_runs());
}

#[test]
fn a_neighbour_runs_on_smol() {
    let executor = smol::LocalExecutor::new();
    smol::block_on(executor.run(executor.spawn(a_neighbour_runs())));
}

#[test]
fn a_neighbour_runs_on_async_std() {
    async_std::task::block_on(a_neighbour_runs());
}

#[test]
fn a_neighbour_runs_without_a_runtime() {
    future::block_on(a_neighbour_runs());
}
