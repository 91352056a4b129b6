//! Wakeups between Rust tasks and Zig, in all the orders that have lost one somewhere.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures_core::Stream;
use futures_lite::{StreamExt, future::block_on};
use zigflow::waker::WakerCell;
use zigflow::{StreamError, ZigStream};
use zigflow_tests::task::{BOUND, Tally, Task, until, waker_fn};
use zigflow_tests::{self as zig, Channel, Point, child};

fn poll_with<T: zigflow::Item>(
    stream: &mut ZigStream<T>,
    waker: &Waker,
) -> Poll<Option<Result<T::Value, StreamError>>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(waker))
}

/// An executor that polls inside of `wake`, on whichever thread that is, under a mutex; and that drops the
/// stream there when it ends. A wake that arrives during a poll is remembered.
struct Inline<T: zigflow::Item> {
    stream: Mutex<Option<ZigStream<T>>>,
    items: Mutex<Vec<T::Value>>,
    wakes: AtomicUsize,
    done: mpsc::Sender<()>,
}

impl<T: zigflow::Item<Value: Send>> Inline<T> {
    fn run(stream: ZigStream<T>) -> Vec<T::Value> {
        let (done, is_done) = mpsc::channel();
        let executor = Arc::new(Self {
            stream: Mutex::new(Some(stream)),
            items: Mutex::default(),
            wakes: AtomicUsize::new(0),
            done,
        });
        executor.clone().wake();
        is_done.recv_timeout(BOUND).expect("no wake is lost, and nobody waits for a lock");
        std::mem::take(&mut executor.items.lock().unwrap())
    }

    /// False when the stream is over.
    fn poll(self: &Arc<Self>, stream: &mut ZigStream<T>) -> bool {
        let waker = self.clone().into();
        loop {
            match poll_with(stream, &waker) {
                Poll::Pending => return true,
                Poll::Ready(Some(item)) => self.items.lock().unwrap().push(item.unwrap()),
                Poll::Ready(None) => return false,
            }
        }
    }
}

impl<T: zigflow::Item<Value: Send>> Wake for Inline<T> {
    fn wake(self: Arc<Self>) {
        if self.wakes.fetch_add(1, SeqCst) > 0 {
            return; // whoever polls will poll again
        }
        loop {
            let seen = self.wakes.load(SeqCst);
            let mut stream = self.stream.lock().unwrap();
            if stream.as_mut().is_some_and(|stream| !self.poll(stream)) {
                *stream = None;
                self.done.send(()).unwrap();
            }
            drop(stream);
            if self.wakes.fetch_sub(seen, SeqCst) == seen {
                return;
            }
        }
    }
}

#[test]
fn pitfall_1_a_wake_between_check_and_register_is_delivered_by_the_register() {
    let task = Task::new();
    let mut stream = zig::checks_first(20).unwrap();
    for item in 0..20 {
        assert!(task.next(&mut stream).is_pending());
        assert_eq!(task.wakes(), item as usize + 1);
        assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(item))));
    }
    assert_eq!(task.next(&mut stream), Poll::Ready(None));

    let items: Vec<u32> = block_on(zig::checks_first(20).unwrap().map(Result::unwrap).collect());
    assert_eq!(items, (0..20).collect::<Vec<_>>());
}

#[test]
fn pitfall_2_a_wake_before_any_waker_is_remembered() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    channel.wake();
    channel.wake();
    assert!(task.next(&mut stream).is_pending());
    assert_eq!(task.wakes(), 1, "delivered, once");
    assert!(task.next(&mut stream).is_pending());
    assert_eq!(task.wakes(), 1, "and used up");
}

#[test]
fn pitfall_2_an_item_before_the_first_poll_is_there() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    channel.push(1);
    assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(0))));
}

#[test]
fn pitfall_3_a_waker_that_polls_inline_on_the_zig_thread_and_drops_there() {
    for count in [0, 1, 1000] {
        assert_eq!(Inline::run(zig::worked(count).unwrap()), (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn pitfall_4_a_wake_inside_of_the_poll() {
    let task = Task::new();
    let mut stream = zig::wakes_itself(3).unwrap();
    for item in 0..3 {
        assert!(task.next(&mut stream).is_pending());
        assert_eq!(task.wakes(), item as usize + 1);
        assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(item))));
    }
    assert_eq!(Inline::run(zig::wakes_itself(1000).unwrap()), (0..1000).collect::<Vec<_>>());
}

/// A stream in a place that its own waker can reach; dropped by its first wake.
fn dropped_by_its_wake(channel: &Channel) -> Weak<()> {
    let place = Arc::new(Mutex::new(Some(channel.stream())));
    let memory = Arc::new(());
    let weak = Arc::downgrade(&memory);
    let reach = place.clone();
    let waker = waker_fn(move || {
        let _held = &memory;
        let stream = reach.lock().unwrap().take();
        drop(stream);
    });
    let mut stream = place.lock().unwrap();
    assert!(poll_with(stream.as_mut().unwrap(), &waker).is_pending());
    weak
}

#[test]
fn pitfall_4_3_a_wake_that_drops_the_very_stream() {
    let channel = Channel::new();
    let memory = dropped_by_its_wake(&channel);
    assert!(memory.upgrade().is_some());
    channel.push(1);
    assert_eq!(channel.deinits(), 1);
    assert!(memory.upgrade().is_none(), "the waker is dropped when its wake is over");
    channel.push(1);
}

#[test]
fn pitfall_4_3_a_wake_on_another_thread_that_drops_the_very_stream() {
    let channel = Channel::new();
    let memory = dropped_by_its_wake(&channel);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..100).for_each(|_| channel.push(1)));
        }
    });
    assert_eq!(channel.deinits(), 1);
    assert!(memory.upgrade().is_none());
}

#[test]
fn pitfall_5_a_wake_after_the_end_reaches_nobody() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    assert!(task.next(&mut stream).is_pending());
    channel.end();
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.next(&mut stream), Poll::Ready(None));
    channel.push(1);
    channel.wake();
    assert_eq!((task.wakes(), task.wakers()), (1, 0));
    drop(stream);
    channel.wake();
    assert_eq!((task.wakes(), task.wakers()), (1, 0));
}

#[test]
fn pitfall_5_a_waker_that_zig_keeps_outlives_stream_and_task() {
    let mut channel = Channel::new();
    let mut stream = channel.keeper();
    let tasks = [Task::new(), Task::new()];
    for task in &tasks {
        assert!(task.next(&mut stream).is_pending());
    }
    drop(stream);
    assert_eq!(channel.wake_kept_by_ref(), 2);
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1]);
    assert_eq!(tasks.each_ref().map(Task::wakers), [1, 1]);

    let memory = tasks.each_ref().map(Task::memory);
    drop(tasks);
    assert!(memory.iter().all(|memory| memory.upgrade().is_some()));
    let _ = thread::spawn(move || assert_eq!(channel.wake_kept(), 2)).join();
    assert!(memory.iter().all(|memory| memory.upgrade().is_none()));
}

#[test]
fn pitfall_5_19_a_wake_after_the_runtime_shut_down() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (mut kept, driven) = (Channel::new(), Channel::new());
    let polled = Arc::new(tokio::sync::Barrier::new(3));
    for mut stream in [kept.keeper(), driven.stream()] {
        let polled = polled.clone();
        drop(runtime.spawn(async move {
            assert!(poll_fn(|cx| Poll::Ready(stream.poll_next(cx))).await.is_pending());
            polled.wait().await;
            stream.next().await
        }));
    }
    // The keeper keeps two wakers at least: of the poll above, and of `next`, which may not have run.
    runtime.block_on(polled.wait());
    drop(runtime);
    assert_eq!((kept.deinits(), driven.deinits()), (1, 1));
    driven.push(1);
    let count = kept.wake_kept_by_ref();
    assert!((1..=2).contains(&count));
    let _ = thread::spawn(move || kept.wake_kept()).join();
}

#[test]
fn pitfall_5_a_waker_dropped_after_the_executor() {
    let executor = smol::Executor::new();
    let mut channel = Channel::new();
    let mut stream = channel.keeper();
    let task = executor.spawn(async move { stream.next().await });
    while executor.try_tick() {}
    drop(executor);
    assert_eq!(channel.drop_kept(), 1);
    drop(task);
    assert_eq!(channel.deinits(), 1);
}

#[test]
fn pitfall_6_only_the_newest_waker_is_woken_and_the_old_task_is_let_go() {
    let channel = Channel::new();
    let mut stream = channel.stream();
    let (old, new) = (Task::new(), Task::new());
    assert!(old.next(&mut stream).is_pending());
    assert!(new.next(&mut stream).is_pending());
    assert_eq!((old.wakers(), new.wakers()), (0, 1));
    channel.push(1);
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
    // The same again, now that the cell has been used; and back to the first.
    assert!(task_after_item(&mut stream, &old));
    channel.push(1);
    assert_eq!((old.wakes(), new.wakes()), (1, 1));
    assert_eq!((old.wakers(), new.wakers()), (1, 0));
    let memory = old.memory();
    drop(old);
    assert!(memory.upgrade().is_some());
    assert!(task_after_item(&mut stream, &new));
    assert!(memory.upgrade().is_none(), "the task's memory is free while the stream lives");

    fn task_after_item(stream: &mut ZigStream<u32>, task: &Task) -> bool {
        task.next(stream).is_ready() && task.next(stream).is_pending()
    }
}

#[test]
fn pitfall_6_the_waker_changes_while_the_old_one_is_being_woken() {
    let channel = Channel::new();
    let stream = Arc::new(Mutex::new(channel.stream()));
    let new = Arc::new(Task::new());
    let old = Arc::new(());
    let memory = Arc::downgrade(&old);
    let waker = waker_fn({
        let (stream, new, channel) = (stream.clone(), new.clone(), channel.clone());
        move || {
            let _held = &old;
            let mut stream = stream.lock().unwrap();
            assert_eq!(new.next(&mut *stream), Poll::Ready(Some(Ok(0))));
            assert!(new.next(&mut *stream).is_pending());
            drop(stream);
            // Meets the cell while it is being woken: remembered, and for the new waker.
            channel.push(1);
            assert_eq!(new.wakes(), 0);
        }
    });
    assert!(poll_with(&mut stream.lock().unwrap(), &waker).is_pending());
    drop(waker);
    channel.push(1);
    assert_eq!(new.wakes(), 1);
    assert!(memory.upgrade().is_none(), "the old waker went when its wake was over");
    assert_eq!(new.next(&mut *stream.lock().unwrap()), Poll::Ready(Some(Ok(1))));
}

#[test]
fn pitfall_7_spurious_polls_and_wakes_change_nothing() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    for _ in 0..1000 {
        assert!(task.next(&mut stream).is_pending());
    }
    assert_eq!(task.wakes(), 0);
    for wakes in 1..=100 {
        channel.wake();
        channel.wake();
        assert!(task.next(&mut stream).is_pending());
        // Each round: the wake of who was registered, and one remembered for the poll above.
        assert!(task.wakes() <= 2 * wakes);
    }
    channel.push(1);
    assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(0))));
}

#[test]
fn pitfall_7_two_tasks_that_share_a_stream_by_turns_both_go_on() {
    let channel = Channel::new();
    let stream = Arc::new(tokio::sync::Mutex::new(channel.stream()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let tasks = [(); 2].map(|()| {
        let stream = stream.clone();
        runtime.spawn(async move {
            let mut items = Vec::new();
            while let Some(item) = stream.lock().await.next().await {
                items.push(item.unwrap());
                tokio::task::yield_now().await;
            }
            items
        })
    });
    for _ in 0..1000 {
        channel.push(1);
        thread::yield_now();
    }
    channel.end();
    let mut items = Vec::new();
    for task in tasks {
        items.extend(runtime.block_on(task).unwrap());
    }
    items.sort_unstable();
    assert_eq!(items, (0..1000).collect::<Vec<_>>());
}

#[test]
fn pitfall_8_a_dropped_stream_lets_the_task_go() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    assert!(task.next(&mut stream).is_pending());
    let memory = task.memory();
    drop(task);
    assert!(memory.upgrade().is_some());
    drop(stream);
    assert!(memory.upgrade().is_none(), "though Zig's channel lives");
    channel.push(1);
}

#[test]
fn pitfall_11_many_completions_are_one_wake_and_are_drained() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    stream.set_budget(1000);
    assert!(task.next(&mut stream).is_pending());
    for _ in 0..300 {
        channel.push(1);
    }
    assert_eq!(task.wakes(), 1);
    for item in 0..300 {
        assert_eq!(task.next(&mut stream), Poll::Ready(Some(Ok(item))));
    }
    assert!(task.next(&mut stream).is_pending());
    channel.push(1);
    assert!(task.wakes() >= 2);
}

#[test]
fn pitfall_19_a_stream_that_was_never_polled_is_freed() {
    let channel = Channel::new();
    drop(channel.stream());
    assert_eq!((channel.polls(), channel.deinits()), (0, 1));
    drop(zig::worked(1000).unwrap());
}

#[test]
fn pitfall_19_a_drop_on_another_thread_while_zig_wakes() {
    for _ in 0..200 {
        let (task, channel) = (Task::new(), Channel::new());
        let mut stream = channel.stream();
        assert!(task.next(&mut stream).is_pending());
        let start = std::sync::Barrier::new(3);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                drop(stream);
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..10 {
                        channel.push(1);
                    }
                });
            }
        });
        assert_eq!(channel.deinits(), 1);
        assert!(task.wakes() <= 1, "nobody has polled again");
        assert_eq!(task.wakers(), 0);
    }
}

#[test]
fn pitfall_19_a_stream_that_is_dropped_while_its_zig_thread_runs() {
    for polls in 0..50 {
        let task = Task::new();
        let mut stream = zig::worked(u32::MAX).unwrap();
        for _ in 0..polls {
            let _ = task.next(&mut stream);
        }
        thread::spawn(move || drop(stream)).join().unwrap();
        // The Zig thread may be inside of a wake still; the waker goes with the end of that.
        until(|| task.wakers() == 0);
    }
}

#[test]
fn pitfall_20_a_poll_behind_the_end_registers_nobody() {
    let (task, channel) = (Task::new(), Channel::new());
    let mut stream = channel.stream();
    channel.end();
    for _ in 0..3 {
        assert_eq!(task.next(&mut stream), Poll::Ready(None));
        assert_eq!(task.wakers(), 0);
    }
    let behind = block_on(async { (stream.next().await, stream.next().await) });
    assert_eq!(behind, (None, None));
}

/// In the child: what a panic must not reach.
struct Unwound;

impl Drop for Unwound {
    fn drop(&mut self) {
        eprintln!("unwound through Zig");
    }
}

#[cfg(unix)]
fn aborts_with_one_message(test: &str) {
    let stderr = child::aborts(test);
    assert_eq!(stderr.matches("this waker panics").count(), 1, "{stderr}");
    assert!(!stderr.contains("unwound through Zig"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn pitfall_25_a_waker_that_panics_when_zig_wakes_it_aborts() {
    if !child::is_child() {
        return aborts_with_one_message("pitfall_25_a_waker_that_panics_when_zig_wakes_it_aborts");
    }
    let _unwound = Unwound;
    let channel = Channel::new();
    let mut stream = channel.stream();
    let waker = waker_fn(|| panic!("this waker panics"));
    let _ = poll_with(&mut stream, &waker);
    let _ = catch_unwind(AssertUnwindSafe(|| channel.push(1)));
}

#[cfg(unix)]
#[test]
fn pitfall_25_a_waker_that_panics_on_a_zig_thread_aborts() {
    if !child::is_child() {
        return aborts_with_one_message("pitfall_25_a_waker_that_panics_on_a_zig_thread_aborts");
    }
    let mut stream = zig::worked(u32::MAX).unwrap();
    let waker = waker_fn(|| panic!("this waker panics"));
    while poll_with(&mut stream, &waker).is_ready() {}
    thread::park_timeout(BOUND);
}

#[cfg(unix)]
#[test]
fn pitfall_25_a_waker_that_panics_when_zig_drops_it_aborts() {
    if !child::is_child() {
        return aborts_with_one_message("pitfall_25_a_waker_that_panics_when_zig_drops_it_aborts");
    }
    struct PanicsInDrop;
    impl Wake for PanicsInDrop {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("this waker panics");
        }
    }
    let _unwound = Unwound;
    let mut channel = Channel::new();
    let waker = Arc::new(PanicsInDrop).into();
    assert!(poll_with(&mut channel.keeper(), &waker).is_pending());
    drop(waker);
    let _ = catch_unwind(AssertUnwindSafe(|| channel.drop_kept()));
}

#[test]
fn pitfall_26_a_zig_thread_wakes_a_task_of_tokio_without_its_context() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let task = runtime.spawn(async {
        let mut stream = zig::worked(10_000).unwrap();
        let mut items = Vec::new();
        while let Some(item) = stream.next().await {
            items.push(item.unwrap());
        }
        items
    });
    assert_eq!(runtime.block_on(task).unwrap(), (0..10_000).collect::<Vec<_>>());

    // Such a thread has none, even though the task has.
    let (tell, told) = mpsc::channel();
    let waker =
        waker_fn(move || tell.send(tokio::runtime::Handle::try_current().is_err()).unwrap());
    let _context = runtime.enter();
    let mut stream = zig::worked(u32::MAX).unwrap();
    while poll_with(&mut stream, &waker).is_ready() {}
    let mut on_zig_thread = told.recv_timeout(BOUND).unwrap();
    while !on_zig_thread {
        // Woken by the register of this very thread (or by the budget).
        while poll_with(&mut stream, &waker).is_ready() {}
        on_zig_thread = told.recv_timeout(BOUND).unwrap();
    }
}

#[test]
fn pitfall_27_32_two_threads_get_the_items_of_their_own_streams() {
    thread::scope(|scope| {
        for count in [1000, 1001, 1002] {
            scope.spawn(move || {
                for _ in 0..20 {
                    let items: Vec<Point> =
                        block_on(zig::points(count).unwrap().map(Result::unwrap).collect());
                    assert!(items.iter().copied().eq((0..count).rev().map(Point::of)));
                }
            });
            scope.spawn(move || {
                let len = u64::from(count);
                let items: Vec<u64> =
                    block_on(zig::counter(len, 100 * len).unwrap().map(Result::unwrap).collect());
                assert!(items.into_iter().eq(len..100 * len));
                for _ in 0..20 {
                    let error = zig::counter(len, 0).unwrap_err();
                    assert_eq!(error.to_string(), "the Zig source did not open: Backwards");
                }
            });
        }
    });
}

#[test]
fn pitfall_29_a_buffer_is_released_once_on_the_thread_that_drops_it() {
    let channel = Channel::new();
    let stream = channel.pooled(30).unwrap();
    let buffers: Vec<_> = block_on(stream.map(Result::unwrap).collect());
    assert_eq!((buffers.len(), channel.released()), (30, 0));
    for (number, buffer) in buffers.iter().enumerate() {
        assert_eq!(buffer.len(), if number % 3 == 0 { 100 } else { 0 });
        assert!(buffer.iter().all(|byte| *byte == number as u8));
        if !buffer.is_empty() {
            assert!(buffer.as_ptr().addr().is_multiple_of(64));
        }
    }
    thread::scope(|scope| {
        for buffer in buffers {
            scope.spawn(move || drop(buffer));
        }
    });
    assert_eq!(channel.released(), 30);
}

#[test]
fn pitfall_29_a_buffer_that_is_taken_apart_is_not_released() {
    let channel = Channel::new();
    let stream = channel.pooled(1).unwrap();
    let mut buffers: Vec<_> = block_on(stream.map(Result::unwrap).collect());
    let raw = buffers.remove(0).into_raw();
    assert_eq!((raw.len, channel.released()), (100, 0));
    // SAFETY: taken apart in the line above.
    drop(unsafe { zigflow::ZeroCopyBuffer::from_raw(raw) });
    assert_eq!(channel.released(), 1);
}

#[test]
fn pitfall_39_a_thread_of_zig_has_rusts_thread_locals() {
    struct Local(OnceLock<mpsc::Sender<thread::ThreadId>>);
    impl Drop for Local {
        fn drop(&mut self) {
            if let Some(tell) = self.0.get() {
                let _ = tell.send(thread::current().id());
            }
        }
    }
    thread_local!(static LOCAL: Local = const { Local(OnceLock::new()) });

    let (tell, told) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    let here = thread::current().id();
    let waker = waker_fn(move || {
        let id = thread::current().id();
        if id == here {
            return;
        }
        // Never dropped here: the destructor tells it when the Zig thread ends.
        LOCAL.with(|local| local.0.get_or_init(|| end.clone()).clone());
        eprintln!("this is {:?}, woken by Zig", thread::current());
        let _ = tell.send(id);
    });
    let mut stream = zig::worked(u32::MAX).unwrap();
    let id = loop {
        while poll_with(&mut stream, &waker).is_ready() {}
        if let Ok(id) = told.try_recv() {
            break id;
        }
        thread::yield_now();
    };
    assert_ne!(id, here);
    drop(stream);
    assert_eq!(ended.recv_timeout(BOUND), Ok(id), "thread-locals are destroyed with the thread");
}

// -- the cell --

#[test]
fn a_waker_that_panics_leaves_the_cell_whole_and_delivers_what_came_meanwhile() {
    let cell = Arc::new(WakerCell::new());
    let new = Arc::new(Task::new());
    let old = Arc::new(());
    let memory = Arc::downgrade(&old);
    let waker = waker_fn({
        let (cell, new) = (cell.clone(), new.clone());
        move || {
            let _held = &old;
            // SAFETY: one thread, and no other `register` or `close` on its stack.
            unsafe { cell.register(&new.waker()) };
            cell.wake();
            assert_eq!(new.wakes(), 0, "not from inside of another wake");
            panic!("as it happens");
        }
    });
    // SAFETY: one thread.
    unsafe { cell.register(&waker) };
    drop(waker);
    assert!(catch_unwind(AssertUnwindSafe(|| cell.wake())).is_err());
    assert_eq!(new.wakes(), 1);
    assert!(memory.upgrade().is_none());

    let last = Task::new();
    // SAFETY: one thread.
    unsafe { cell.register(&last.waker()) };
    cell.wake();
    assert_eq!((new.wakes(), last.wakes()), (1, 1));
    assert_eq!((new.wakers(), last.wakers()), (0, 1));
    // SAFETY: one thread.
    unsafe { cell.close() };
    assert_eq!(last.wakers(), 0);
    cell.wake();
    assert_eq!(last.wakes(), 1);
}

#[test]
fn pitfall_1_2_a_wake_before_any_waker_is_remembered_in_rust() {
    let (task, cell) = (Task::new(), WakerCell::new());
    for round in 1..=3 {
        cell.wake();
        cell.wake();
        // SAFETY: one thread.
        unsafe { cell.register(&task.waker()) };
        assert_eq!(task.wakes(), 2 * round - 1, "delivered by the register, once");
        // SAFETY: one thread.
        unsafe { cell.register(&task.waker()) };
        assert_eq!(task.wakes(), 2 * round - 1, "and used up");
        cell.wake();
        assert_eq!(task.wakes(), 2 * round);
    }
}

#[test]
fn waiting_again_clones_no_waker_in_rust() {
    let (tally, cell) = (Tally::new(), WakerCell::new());
    let waker = tally.waker();
    for _ in 0..1000 {
        // SAFETY: one thread.
        unsafe { cell.register(&waker) };
        // SAFETY: one thread.
        unsafe { cell.register(&waker) };
        cell.wake();
    }
    assert_eq!(tally.counts(), (1, 1000, 0));
    drop(cell);
    assert_eq!(tally.counts(), (1, 1000, 1));
}

#[test]
fn waiting_again_clones_no_waker_in_zig() {
    let (tally, channel) = (Tally::new(), Channel::new());
    let waker = tally.waker();
    let mut stream = channel.stream();
    for item in 0..1000 {
        assert!(poll_with(&mut stream, &waker).is_pending());
        channel.push(1);
        // Registers again before it is woken: that takes no clone either, and no wake.
        assert_eq!(poll_with(&mut stream, &waker), Poll::Ready(Some(Ok(item))));
    }
    assert_eq!(tally.counts(), (1, 1000, 0));
    drop(stream);
    assert_eq!(tally.counts(), (1, 1000, 1));
}

#[test]
fn a_new_waker_costs_one_clone_and_the_old_one_one_drop() {
    let channel = Channel::new();
    let mut stream = channel.stream();
    let tallies = [Tally::new(), Tally::new()];
    let wakers = tallies.map(Tally::waker);
    for _ in 0..100 {
        for waker in &wakers {
            assert!(poll_with(&mut stream, waker).is_pending());
        }
    }
    drop(stream);
    assert_eq!(tallies.map(Tally::counts), [(100, 0, 100), (100, 0, 100)]);
}

// -- Zig objects as wakers --

#[test]
fn a_zig_object_as_a_waker_is_counted_and_freed_once() {
    let channel = Channel::new();
    let waker = channel.counted_waker();
    waker.wake_by_ref();
    assert_eq!((channel.wakes(), channel.frees()), (1, 0));

    let clone = waker.clone();
    assert!(clone.will_wake(&waker));
    assert!(!clone.will_wake(&channel.counted_waker()));
    assert_eq!(channel.frees(), 1, "the other one, of the line above");
    drop(waker);
    let another = clone.clone();
    another.wake();
    assert_eq!((channel.wakes(), channel.frees()), (2, 1));
    clone.wake();
    assert_eq!((channel.wakes(), channel.frees()), (3, 2));
}

#[test]
fn a_zig_object_is_woken_and_freed_from_any_thread() {
    let channel = Channel::new();
    let waker = channel.counted_waker();
    thread::scope(|scope| {
        for _ in 0..4 {
            let waker = waker.clone();
            scope.spawn(move || {
                for _ in 0..1000 {
                    let another = waker.clone();
                    another.wake();
                    waker.wake_by_ref();
                    drop(waker.clone());
                }
                waker.wake();
            });
        }
        drop(waker);
    });
    assert_eq!((channel.wakes(), channel.frees()), (4 * 2001, 1));
}

/// Both directions at once: a Zig stream wakes a task whose waker is a Zig object.
#[test]
fn a_zig_stream_wakes_a_zig_object() {
    let (to, from) = (Channel::new(), Channel::new());
    let mut stream = from.stream();
    let waker = to.counted_waker();
    assert!(poll_with(&mut stream, &waker).is_pending());
    drop(waker);
    from.push(1);
    assert_eq!((to.wakes(), to.frees()), (1, 0));
    drop(stream);
    assert_eq!((to.wakes(), to.frees()), (1, 1));
}

// -- which types may cross threads --

#[test]
fn pitfall_42_public_types_are_send_and_sync_exactly_as_documented() {
    use zigflow::abi;
    use zigflow::time::{Instant, ManualSleep, ManualTimer, Timeout, TimeoutError};
    use zigflow::{
        ByteStream, Copied, LocalByteStream, LocalZigStream, Malformed, OpenError, RawParts,
        ZeroCopyBuffer, ZigError, ZigPanic,
    };

    // Compiles only if the type lacks the trait: with it, `_` is ambiguous.
    macro_rules! not {
        ($($type:ty: $trait:ident;)*) => {$({
            trait Either<A> {
                fn choose() {}
            }
            struct Has;
            impl<T: ?Sized> Either<()> for T {}
            impl<T: ?Sized + $trait> Either<Has> for T {}
            <$type as Either<_>>::choose();
        })*};
    }
    fn send<T: Send>() {}
    fn both<T: Send + Sync>() {}

    // A `T` that is not Send does not matter to a stream that makes `T`s.
    send::<ZigStream<u64>>();
    send::<ZigStream<Vec<u8>>>();
    send::<ByteStream>();
    not! {
        ZigStream<u64>: Sync;
        ZigStream<Vec<u8>>: Sync;
        ByteStream: Sync;
        LocalZigStream<u64>: Send;
        LocalZigStream<u64>: Sync;
        LocalByteStream: Send;
        LocalByteStream: Sync;
        RawParts: Send;
        RawParts: Sync;
        abi::RawWaker: Send;
        abi::RawWaker: Sync;
        abi::StreamItem: Send;
        abi::StreamItem: Sync;
        abi::OwnedItem: Send;
        abi::OwnedItem: Sync;
        abi::RawWakerCell: Sync;
        abi::RawWakerCell: Send;
        abi::SourceType: Send;
    }
    both::<ZeroCopyBuffer>();
    both::<WakerCell>();
    both::<Copied<u32>>();
    both::<StreamError>();
    both::<OpenError>();
    both::<Malformed>();
    both::<ZigError>();
    both::<ZigPanic<'static>>();
    both::<Instant>();
    both::<TimeoutError>();
    both::<ManualTimer>();
    both::<ManualSleep>();
    both::<Timeout<std::future::Ready<()>, ManualTimer>>();
}
