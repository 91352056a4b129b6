//! Futures and streams that do what the test says and count what is done to them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

/// The test's side.
#[derive(Debug)]
pub struct Probe<T>(Arc<State<T>>);

/// The child: a future of the first item, or a stream of all. Once ready or at its end, it must not be polled again.
#[derive(Debug)]
pub struct Probed<T>(Arc<State<T>>);

#[derive(Debug)]
struct State<T> {
    items: Mutex<VecDeque<T>>,
    waker: Mutex<Option<Waker>>,
    polls: AtomicUsize,
    drops: AtomicUsize,
    ended: AtomicBool,
    over: AtomicBool,
    panics: AtomicBool,
    wakes_itself: AtomicBool,
}

/// Both sides.
pub fn probe<T>() -> (Probe<T>, Probed<T>) {
    let state = Arc::new(State {
        items: Mutex::default(),
        waker: Mutex::default(),
        polls: AtomicUsize::new(0),
        drops: AtomicUsize::new(0),
        ended: AtomicBool::new(false),
        over: AtomicBool::new(false),
        panics: AtomicBool::new(false),
        wakes_itself: AtomicBool::new(false),
    });
    (Probe(state.clone()), Probed(state))
}

/// Many of both.
pub fn probes<T>(count: usize) -> (Vec<Probe<T>>, Vec<Probed<T>>) {
    (0..count).map(|_| probe()).unzip()
}

impl<T> Probe<T> {
    /// Adds an item and says nothing.
    pub fn put(&self, item: T) {
        self.0.items.lock().unwrap().push_back(item);
    }

    /// Adds an item and wakes.
    pub fn send(&self, item: T) {
        self.put(item);
        self.wake();
    }

    /// Wakes, if it was polled.
    pub fn wake(&self) {
        let waker = self.0.waker.lock().unwrap().clone();
        waker.into_iter().for_each(Waker::wake);
    }

    /// The waker of the last poll.
    ///
    /// # Panics
    ///
    /// If it was never polled.
    pub fn waker(&self) -> Waker {
        self.0.waker.lock().unwrap().clone().expect("it was polled")
    }

    /// Ends the stream after its items, and wakes.
    pub fn end(&self) {
        self.0.ended.store(true, SeqCst);
        self.wake();
    }

    /// The next poll panics.
    pub fn panic(&self) {
        self.0.panics.store(true, SeqCst);
    }

    /// From here, polls that are pending wake before they return.
    pub fn wake_itself(&self) {
        self.0.wakes_itself.store(true, SeqCst);
    }

    /// How often it was polled.
    pub fn polls(&self) -> usize {
        self.0.polls.load(SeqCst)
    }

    /// How often it was dropped.
    pub fn drops(&self) -> usize {
        self.0.drops.load(SeqCst)
    }
}

impl<T> Probed<T> {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.polls.fetch_add(1, SeqCst);
        assert!(!self.0.over.load(SeqCst), "a child that is over was polled");
        assert!(!self.0.panics.swap(false, SeqCst), "the child panics");
        // As most do: the waker is kept unless it is the same.
        let mut waker = self.0.waker.lock().unwrap();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        drop(waker);
        let item = self.0.items.lock().unwrap().pop_front();
        if item.is_none() && !self.0.ended.load(SeqCst) {
            if self.0.wakes_itself.load(SeqCst) {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        self.0.over.store(item.is_none(), SeqCst);
        Poll::Ready(item)
    }
}

impl<T> Future for Probed<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Self::poll(&self, cx).map(|item| {
            self.0.over.store(true, SeqCst);
            item.expect("a future does not end")
        })
    }
}

impl<T> Stream for Probed<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Self::poll(&self, cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.0.items.lock().unwrap().len();
        (len, self.0.ended.load(SeqCst).then_some(len))
    }
}

impl<T> Drop for Probed<T> {
    fn drop(&mut self) {
        self.0.drops.fetch_add(1, SeqCst);
    }
}
