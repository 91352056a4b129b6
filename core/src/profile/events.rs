//! What the features `tracing` and `defmt` are told; nothing, where both are off.
//!
//! tokio-console reads spans by their names, and events by their targets, if they come while those spans are entered:
//!
//! ```text
//!   runtime.resource                    a monitored channel or pool, or a probe
//!     ├ runtime::resource::state_update   who waits
//!     └ runtime.resource.async_op       a probed stream or future
//!         └ runtime.resource.async_op.poll
//!             └ runtime::resource::poll_op
//! ```
//!
//! Its usual filter is `tokio=trace,runtime=trace`, so that is what these targets begin with. People's own are `zigflow`. What is
//! probed runs inside of all these spans, so they must not come between its own spans and those around it: the parent of the operation and of
//! `probed` is what was current at the first poll, and `probed` is entered last.

use core::task::Poll;

#[cfg(feature = "tracing")]
use crate::lock::Lock;
#[cfg(feature = "tracing")]
use alloc::sync::Arc;

/// What somebody may wait for: a line of tokio-console's resources.
#[derive(Clone)]
pub(super) struct Resource {
    #[cfg(any(feature = "tracing", feature = "defmt"))]
    name: &'static str,
    #[cfg(feature = "tracing")]
    at: &'static core::panic::Location<'static>,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Resource {
    /// The place of the call is shown as where it was made.
    #[track_caller]
    pub(super) fn new(kind: &'static str, name: &'static str) -> Self {
        #[cfg(feature = "tracing")]
        let at = core::panic::Location::caller();
        let _ = (kind, name);
        Self {
            #[cfg(any(feature = "tracing", feature = "defmt"))]
            name,
            #[cfg(feature = "tracing")]
            at,
            #[cfg(feature = "tracing")]
            span: tracing::trace_span!(
                target: "runtime::zigflow",
                parent: None,
                "runtime.resource",
                concrete_type = name,
                kind,
                loc.file = at.file(),
                loc.line = u64::from(at.line()),
                loc.col = u64::from(at.column()),
            ),
        }
    }

    pub(super) fn side(&self, side: &'static str) -> Side {
        let _ = side;
        Side {
            #[cfg(any(feature = "tracing", feature = "defmt"))]
            side,
            #[cfg(feature = "tracing")]
            resource: self.clone(),
        }
    }

    pub(super) fn operation(&self) -> Operation {
        Operation {
            #[cfg(feature = "defmt")]
            name: self.name,
            #[cfg(feature = "tracing")]
            span: Lock::new(None),
        }
    }
}

/// One side of a channel.
pub(super) struct Side {
    #[cfg(any(feature = "tracing", feature = "defmt"))]
    side: &'static str,
    #[cfg(feature = "tracing")]
    resource: Resource,
}

/// An event of an end, with the place where its channel was made.
#[cfg(feature = "tracing")]
macro_rules! told {
    ($side:expr, $($what:tt)*) => {
        tracing::trace!(
            target: "zigflow::channel",
            side = $side.side,
            loc.file = $side.resource.at.file(),
            loc.line = u64::from($side.resource.at.line()),
            $($what)*
        )
    };
}

impl Side {
    pub(super) fn asleep(&self) {
        #[cfg(feature = "tracing")]
        {
            told!(self, "asleep");
            self.update(true);
        }
        #[cfg(feature = "defmt")]
        defmt::trace!("zigflow: the {=str} is asleep", self.side);
    }

    /// It has found what it needs, and was not woken.
    pub(super) fn awake(&self) {
        #[cfg(feature = "tracing")]
        {
            told!(self, "awake");
            self.update(false);
        }
        #[cfg(feature = "defmt")]
        defmt::trace!("zigflow: the {=str} is awake", self.side);
    }

    pub(super) fn woken(&self, waited: u64) {
        let _ = waited;
        #[cfg(feature = "tracing")]
        {
            told!(self, waited_ns = waited, "woken");
            self.update(false);
        }
        #[cfg(feature = "defmt")]
        defmt::trace!("zigflow: the {=str} is woken after {=u64} ns", self.side, waited);
    }

    #[cfg(feature = "tracing")]
    fn update(&self, waits: bool) {
        let span = &self.resource.span;
        if !is_told(span) {
            return; // it would be taken for the state of another one
        }
        let _resource = span.enter();
        // The name of a field is part of the program.
        match self.side {
            "sender" => tracing::trace!(
                target: "runtime::resource::state_update", sender_waits = waits, sender_waits.op = "override"
            ),
            _ => tracing::trace!(
                target: "runtime::resource::state_update", receiver_waits = waits, receiver_waits.op = "override"
            ),
        }
    }
}

/// A probed stream or future, as those see it who wake it.
pub(super) struct Operation {
    #[cfg(feature = "defmt")]
    name: &'static str,
    /// From the first poll until it goes; wakers of it may be left then.
    #[cfg(feature = "tracing")]
    span: Lock<Option<Arc<tracing::Span>>>,
}

impl Operation {
    #[cfg(feature = "tracing")]
    fn span(&self) -> Option<Arc<tracing::Span>> {
        self.span.with(|span| span.clone())
    }

    pub(super) fn woken(&self, waited: u64) {
        let _ = waited;
        #[cfg(feature = "tracing")]
        if let Some(span) = self.span() {
            // Entered, for those who filter by it.
            span.in_scope(|| tracing::trace!(target: "zigflow", waited_ns = waited, "woken"));
        }
        #[cfg(feature = "defmt")]
        defmt::trace!("zigflow: {=str} is woken after {=u64} ns", self.name, waited);
    }

    /// How a poll has ended.
    pub(super) fn polled(&self, is_ready: bool) {
        let _ = is_ready;
        #[cfg(feature = "tracing")]
        if let Some(span) = self.span() {
            span.in_scope(|| match is_ready {
                true => tracing::trace!(target: "zigflow", "ready"),
                false => tracing::trace!(target: "zigflow", "pending"),
            });
        }
        #[cfg(feature = "defmt")]
        match is_ready {
            true => defmt::trace!("zigflow: {=str} is ready", self.name),
            false => defmt::trace!("zigflow: {=str} is pending", self.name),
        }
    }

    /// It goes.
    pub(super) fn end(&self) {
        #[cfg(feature = "tracing")]
        drop(self.span.with(Option::take)); // outside of the lock
    }
}

/// The turns of the one that polls it.
#[derive(Default)]
pub(super) struct Turns {
    /// Of the resource, the operation and its polls, since the first one.
    #[cfg(feature = "tracing")]
    spans: Option<[tracing::Span; 3]>,
}

impl Turns {
    /// `poll` inside of its spans.
    pub(super) fn poll<R>(
        &mut self,
        resource: &Resource,
        operation: &Operation,
        poll: impl FnOnce() -> Poll<R>,
    ) -> Poll<R> {
        let _ = (resource, operation);
        #[cfg(feature = "tracing")]
        {
            let [resource, op, turn] = self.spans.get_or_insert_with(|| spans(resource, operation));
            // They are left in the reverse order.
            let _resource = resource.enter();
            let _op = op.enter();
            let _turn = turn.enter();
            let polled = {
                let span = operation.span();
                let _probed = span.as_ref().map(|span| span.enter());
                poll()
            };
            // Without its resource it would be taken for another one's.
            if is_told(resource) {
                let is_ready = polled.is_ready();
                tracing::trace!(target: "runtime::resource::poll_op", op_name = "poll", is_ready);
            }
            polled
        }
        #[cfg(not(feature = "tracing"))]
        poll()
    }
}

/// Whether the span was made for a subscriber, and that wants it.
#[cfg(feature = "tracing")]
fn is_told(span: &tracing::Span) -> bool {
    span.with_subscriber(|(_, to)| to.is::<tracing::subscriber::NoSubscriber>()) == Some(false)
}

/// All of them are children of what is current at the first poll: what lies around stays around.
#[cfg(feature = "tracing")]
fn spans(resource: &Resource, operation: &Operation) -> [tracing::Span; 3] {
    let Resource { name, span, .. } = resource;
    let probed = tracing::debug_span!(target: "zigflow", "probed", name = *name);
    let probed = Arc::new(probed);
    operation.span.with(|span| *span = Some(probed));
    let around = tracing::Span::current();
    let _resource = span.enter();
    let op = match is_told(span) {
        true => tracing::trace_span!(
            target: "runtime::zigflow", parent: &around, "runtime.resource.async_op", source = *name
        ),
        false => tracing::Span::none(),
    };
    if op.is_disabled() {
        return [const { tracing::Span::none() }; 3]; // its child would be a root
    }
    let turn = tracing::trace_span!(target: "runtime::zigflow", parent: &op, "runtime.resource.async_op.poll");
    [span.clone(), op, turn]
}
