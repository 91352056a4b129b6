//! What the features `tracing` and `defmt` are told; nothing, where both are off.
//!
//! tokio-console reads spans by their names, and events by their targets, if they come inside of those spans:
//!
//! ```text
//!   runtime.resource                    a monitored channel, or a probe
//!     ├ runtime::resource::state_update   who waits
//!     └ runtime.resource.async_op       a probed stream or future
//!         └ runtime.resource.async_op.poll
//!             └ runtime::resource::poll_op
//! ```
//!
//! Its usual filter is `tokio=trace,runtime=trace`, so that is what these targets begin with. People's own are `zigflow`.

use core::task::Poll;

/// What somebody may wait for: a line of tokio-console's resources.
#[derive(Clone)]
pub(super) struct Resource {
    #[cfg(any(feature = "tracing", feature = "defmt"))]
    name: &'static str,
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
        #[cfg(feature = "tracing")]
        let source = self.name;
        Operation {
            #[cfg(feature = "defmt")]
            name: self.name,
            #[cfg(feature = "tracing")]
            span: tracing::debug_span!(target: "zigflow", "probed", name = self.name),
            #[cfg(feature = "tracing")]
            nested: {
                let _resource = self.span.enter();
                let op = tracing::trace_span!(target: "runtime::zigflow", "runtime.resource.async_op", source);
                let poll = op.in_scope(
                    || tracing::trace_span!(target: "runtime::zigflow", "runtime.resource.async_op.poll"),
                );
                [self.span.clone(), op, poll]
            },
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

impl Side {
    pub(super) fn asleep(&self) {
        #[cfg(feature = "tracing")]
        {
            tracing::trace!(target: "zigflow::channel", side = self.side, "asleep");
            self.update(true);
        }
        #[cfg(feature = "defmt")]
        defmt::trace!("zigflow: the {=str} is asleep", self.side);
    }

    pub(super) fn awake(&self) {
        #[cfg(feature = "tracing")]
        self.update(false);
    }

    pub(super) fn woken(&self, waited: u64) {
        let _ = waited;
        #[cfg(feature = "tracing")]
        {
            tracing::trace!(target: "zigflow::channel", side = self.side, waited_ns = waited, "woken");
            self.update(false);
        }
        #[cfg(feature = "defmt")]
        defmt::trace!("zigflow: the {=str} is woken after {=u64} ns", self.side, waited);
    }

    #[cfg(feature = "tracing")]
    fn update(&self, waits: bool) {
        let _resource = self.resource.span.enter();
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

/// A probed stream or future.
pub(super) struct Operation {
    #[cfg(feature = "defmt")]
    name: &'static str,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    /// The resource, the operation and its poll.
    #[cfg(feature = "tracing")]
    nested: [tracing::Span; 3],
}

impl Operation {
    /// `poll` inside of its spans.
    pub(super) fn poll<R>(&self, poll: impl FnOnce() -> Poll<R>) -> Poll<R> {
        #[cfg(feature = "tracing")]
        let [resource, op, turn] = &self.nested;
        #[cfg(feature = "tracing")]
        let _entered = (self.span.enter(), resource.enter(), op.enter(), turn.enter());
        let polled = poll();
        #[cfg(feature = "tracing")]
        {
            let is_ready = polled.is_ready();
            tracing::trace!(target: "runtime::resource::poll_op", op_name = "poll", is_ready);
        }
        polled
    }

    /// How a poll has ended.
    pub(super) fn polled(&self, is_ready: bool) {
        let _ = is_ready;
        #[cfg(feature = "tracing")]
        match is_ready {
            true => tracing::trace!(target: "zigflow", parent: &self.span, "ready"),
            false => tracing::trace!(target: "zigflow", parent: &self.span, "pending"),
        }
        #[cfg(feature = "defmt")]
        match is_ready {
            true => defmt::trace!("zigflow: {=str} is ready", self.name),
            false => defmt::trace!("zigflow: {=str} is pending", self.name),
        }
    }

    pub(super) fn woken(&self, waited: u64) {
        let _ = waited;
        #[cfg(feature = "tracing")]
        tracing::trace!(target: "zigflow", parent: &self.span, waited_ns = waited, "woken");
        #[cfg(feature = "defmt")]
        defmt::trace!("zigflow: {=str} is woken after {=u64} ns", self.name, waited);
    }
}
