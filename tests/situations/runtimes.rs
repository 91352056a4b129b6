//! The same streams on every runtime, woken from Zig threads and Rust threads, and under its timer.

use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures_lite::{StreamExt, future};
use zigflow::async_std::AsyncStdTimer;
use zigflow::smol::SmolTimer;
use zigflow::time::{ManualTimer, TimeoutError, Timer, timeout};
use zigflow::tokio::TokioTimer;
use zigflow_tests::task::Task;
use zigflow_tests::{self as zig, Channel};

const SHORT: Duration = Duration::from_millis(5);
const HOUR: Duration = Duration::from_secs(3600);

/// A module of tests for each runtime: each scenario runs in a task that the runtime spawned.
macro_rules! on_every_runtime {
    ($($scenario:ident)*) => {
        on_every_runtime! { @each [$($scenario)*]
            with_threads_of_tokio on_tokio_threads TokioTimer
            with_one_thread_of_tokio on_tokio_thread TokioTimer
            with_smol on_smol SmolTimer
            with_async_std on_async_std AsyncStdTimer
            with_no_runtime on_no_runtime SmolTimer
        }
    };
    (@each $scenarios:tt $($module:ident $run:ident $timer:ident)*) => {
        $(on_every_runtime! { @one $module $run $timer $scenarios })*
    };
    (@one $module:ident $run:ident $timer:ident [$($scenario:ident)*]) => {
        mod $module {$(
            #[test]
            fn $scenario() {
                super::$run(super::$scenario(super::$timer::new()));
            }
        )*}
    };
}

on_every_runtime! {
    items_of_a_zig_thread_arrive_in_order
    items_of_many_zig_threads_arrive_in_order
    items_that_a_rust_thread_pushes_arrive_one_by_one
    items_that_the_runtimes_timer_pushes_arrive
    a_wake_within_the_poll_is_kept
    a_stream_is_dropped_when_its_time_is_over
    a_stream_in_time_is_not_disturbed
}

fn on_tokio_threads(scenario: impl Future<Output = ()> + Send + 'static) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async { tokio::spawn(scenario).await.unwrap() });
}

fn on_tokio_thread(scenario: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::spawn(scenario).await.unwrap() });
}

fn on_smol(scenario: impl Future<Output = ()> + Send + 'static) {
    smol::block_on(smol::spawn(scenario));
}

fn on_async_std(scenario: impl Future<Output = ()> + Send + 'static) {
    async_std::task::block_on(async_std::task::spawn(scenario));
}

fn on_no_runtime(scenario: impl Future<Output = ()> + Send + 'static) {
    future::block_on(scenario);
}

async fn count_to(count: u32) {
    let mut stream = zig::worked(count).unwrap();
    for expected in 0..count {
        assert_eq!(stream.next().await, Some(Ok(expected)));
    }
    assert_eq!(stream.next().await, None);
}

async fn items_of_a_zig_thread_arrive_in_order(_: impl Timer) {
    count_to(20_000).await;
}

async fn items_of_many_zig_threads_arrive_in_order(_: impl Timer) {
    for _ in 0..5 {
        let two = || future::zip(count_to(1000), count_to(999));
        future::zip(future::zip(two(), two()), future::zip(two(), two())).await;
    }
}

/// Each item is pushed when the one before it has arrived, so that each takes a wake.
async fn items_that_a_rust_thread_pushes_arrive_one_by_one(_: impl Timer) {
    const COUNT: u32 = 2000;
    let channel = Channel::new();
    let mut stream = channel.stream();
    let (tell, told) = mpsc::channel();
    let ticker = thread::spawn(move || {
        for _ in 0..COUNT {
            channel.push(1);
            told.recv().unwrap();
        }
        channel.end();
    });
    for expected in 0..COUNT {
        assert_eq!(stream.next().await, Some(Ok(expected)));
        tell.send(()).unwrap();
    }
    assert_eq!(stream.next().await, None);
    ticker.join().unwrap();
}

async fn items_that_the_runtimes_timer_pushes_arrive(timer: impl Timer) {
    const COUNT: u32 = 10;
    let channel = Channel::new();
    let mut stream = channel.stream();
    let ticks = async {
        for _ in 0..COUNT {
            timer.sleep_until(timer.now().saturating_add(Duration::from_millis(1))).await;
            channel.push(1);
        }
        channel.end();
    };
    let items = async {
        let mut items = Vec::new();
        while let Some(item) = stream.next().await {
            items.push(item.unwrap());
        }
        items
    };
    let (items, ()) = future::zip(items, ticks).await;
    assert_eq!(items, (0..COUNT).collect::<Vec<_>>());
}

async fn a_wake_within_the_poll_is_kept(_: impl Timer) {
    let mut stream = zig::wakes_itself(1000).unwrap();
    for expected in 0..1000 {
        assert_eq!(stream.next().await, Some(Ok(expected)));
    }
}

async fn a_stream_is_dropped_when_its_time_is_over(timer: impl Timer) {
    for first in [0, 3] {
        let channel = Channel::new();
        channel.push(first);
        let stream = channel.stream();
        let count = timeout(&timer, SHORT, stream.count()).await;
        assert_eq!(count, Err(TimeoutError::Elapsed));
        assert_eq!(channel.deinits(), 1, "Zig was told");
        channel.push(1);
    }
}

async fn a_stream_in_time_is_not_disturbed(timer: impl Timer) {
    let channel = Channel::new();
    let mut stream = channel.stream();
    for expected in 0..100 {
        let item = async {
            future::zip(stream.next(), async {
                future::yield_now().await;
                channel.push(1);
            })
            .await
            .0
        };
        assert_eq!(timeout(&timer, HOUR, item).await, Ok(Some(Ok(expected))));
    }
    assert_eq!(channel.deinits(), 0);
}

#[test]
fn a_timer_by_hand_drops_the_stream_at_its_deadline_and_not_before() {
    let (task, channel, timer) = (Task::new(), Channel::new(), ManualTimer::new());
    let mut stream = channel.stream();
    let next = async move { stream.next().await };
    let mut limited = pin!(timeout(&timer, HOUR, next));
    assert!(task.run(|cx| limited.as_mut().poll(cx)).is_pending());
    timer.advance(HOUR - Duration::from_nanos(1));
    channel.wake();
    assert!(task.run(|cx| limited.as_mut().poll(cx)).is_pending());
    assert_eq!(channel.deinits(), 0);

    let wakes = task.wakes();
    timer.advance(Duration::from_nanos(1));
    assert_eq!(task.wakes(), wakes + 1);
    let elapsed = task.run(|cx| limited.as_mut().poll(cx));
    assert_eq!(elapsed, Poll::Ready(Err(TimeoutError::Elapsed)));
    assert_eq!(channel.deinits(), 1);
    assert_eq!((timer.armed(), task.wakers()), (0, 0));
}

/// Whoever is ready at the last poll wins, and nothing is lost.
#[test]
fn an_item_at_the_deadline_wins() {
    let (task, channel, timer) = (Task::new(), Channel::new(), ManualTimer::new());
    let mut stream = channel.stream();
    let mut limited = Box::pin(timeout(&timer, HOUR, stream.next()));
    assert!(task.run(|cx| limited.as_mut().poll(cx)).is_pending());
    timer.advance(HOUR);
    channel.push(1);
    assert_eq!(task.run(|cx| limited.as_mut().poll(cx)), Poll::Ready(Ok(Some(Ok(0)))));
    drop(limited);
    // Only the `next` was under the limit, so the stream goes on.
    channel.push(1);
    assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(1))));
}
