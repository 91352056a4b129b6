//! What the tests of time share: a waker that tells what happens to it, and the poll of one future.
#![allow(dead_code, unused_imports, unused_macros)] // no test file needs all of it

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// What a waker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Clone,
    Wake,
    Drop,
}

type Hook = Arc<dyn Fn(Event) + Send + Sync>;

/// Counts what its wakers are asked to do, and runs a hook each time.
#[derive(Default)]
pub(crate) struct Probe {
    clones: AtomicUsize,
    wakes: AtomicUsize,
    hook: Mutex<Option<Hook>>,
}

impl Probe {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Runs `hook` inside every call of a waker from now on.
    pub(crate) fn on_event(&self, hook: impl Fn(Event) + Send + Sync + 'static) {
        *self.hook.lock().unwrap() = Some(Arc::new(hook));
    }

    /// The hook and whatever it holds are forgotten.
    pub(crate) fn on_event_nothing(&self) {
        self.hook.lock().unwrap().take();
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        let data = Arc::into_raw(self.clone()).cast();
        // SAFETY: the table takes `data` for one count of an `Arc<Probe>`, which it is, and `Probe`
        // is Send and Sync.
        unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) }
    }

    pub(crate) fn clones(&self) -> usize {
        self.clones.load(Ordering::Relaxed)
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }

    /// How many wakers exist.
    pub(crate) fn alive(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 1
    }

    fn note(&self, event: Event) {
        match event {
            Event::Clone => self.clones.fetch_add(1, Ordering::Relaxed),
            Event::Wake => self.wakes.fetch_add(1, Ordering::Relaxed),
            Event::Drop => 0,
        };
        let hook = self.hook.lock().unwrap().clone();
        if let Some(hook) = hook {
            hook(event);
        }
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        // SAFETY: the waker, and so its count, outlives the call.
        unsafe { &*data.cast::<Probe>() }.note(Event::Clone);
        // SAFETY: as above; the new waker gets a count of its own. After the hook, which may panic.
        unsafe { Arc::increment_strong_count(data.cast::<Probe>()) };
        RawWaker::new(data, &VTABLE)
    },
    |data| {
        // SAFETY: the waker is consumed, and its count with it.
        unsafe { Arc::from_raw(data.cast::<Probe>()) }.note(Event::Wake);
    },
    // SAFETY: the waker, and so its count, outlives the call.
    |data| unsafe { &*data.cast::<Probe>() }.note(Event::Wake),
    |data| {
        // SAFETY: the waker is consumed, and its count with it.
        unsafe { Arc::from_raw(data.cast::<Probe>()) }.note(Event::Drop);
    },
);

pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, probe: &Arc<Probe>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&probe.waker()))
}

macro_rules! assert_not_impl {
    ($type:ty: $bound:path) => {{
        // Two ways to be `Ambiguous` do not infer; so this compiles only without the bound.
        trait Ambiguous<A> {
            fn check() {}
        }
        struct Bound;
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + $bound> Ambiguous<Bound> for T {}
        <$type as Ambiguous<_>>::check();
    }};
}
pub(crate) use assert_not_impl;
