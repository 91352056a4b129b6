//! Several futures or streams as one.
//!
//! | | of all | of the first | item by item |
//! |---|---|---|---|
//! | futures | [`join`], [`try_join`] | [`race`], [`select`], [`select!`](macro@crate::select) | [`FutureGroup`] |
//! | streams | | | [`merge`], [`StreamGroup`] |
//!
//! Each takes a tuple of up to twelve, an array or a `Vec`. Nothing here needs `std` or an executor of some kind: all of it can be
//! awaited anywhere, inside other combinators and other crates' `select!` as well.
//!
//! # What is polled
//!
//! Tuples and arrays allocate nothing, give each child the waker of their own poll, and poll all that are
//! not over. A `Vec` and a group allocate a set of wakers and poll only the children that were woken (and, now and
//! then, one more): a `Vec` of ten thousand of which one is woken costs one poll. They wake their task once, however many
//! children are woken before it comes. A child's waker may be kept, and used, for ever: that keeps the
//! set's memory, not the task.
//!
//! One poll has an end: a `Vec` polls each child about once before it yields to the executor, and what yields items does
//! so after [`DEFAULT_BUDGET`](crate::DEFAULT_BUDGET) of them.
//!
//! # Who is first
//!
//! Of several that are ready, another one is first each time, by counting. `biased()`, or `biased;` in `select!`, makes the order
//! that of the children: cheaper to reason about, and the first ones may starve the last.
//!
//! # What a loser loses
//!
//! A child that has not won is dropped, which cancels it; by [`select`] it comes back instead. What that means:
//!
//! | the loser | loses |
//! |---|---|
//! | `recv` of a channel, the next item of a stream | nothing: the item is still there |
//! | `send` of a channel | its item, unless it was sent; [`reserve`](crate::spsc::Sender::reserve) loses nothing |
//! | `recv_many` | nothing: what was received is in the caller's `Vec` |
//! | a sleep, a [`timeout`](crate::time::timeout) | the time that has passed: a new one begins again. Keep it and pass `&mut` |
//! | an operation of Zig | it is asked to stop; the buffers that it owns come back to nobody |
//! | `join`, `try_join` | the outputs that were there |
//! | `race`, `select`, `merge`, a group | what their children lose; no output or item of their own |
//! | an `async` block | everything since it was made: it cannot go on in the middle |
//!
//! Who passes `&mut future` loses nothing: the future goes on when it is polled again.

mod child;
mod children;
mod group;
mod join;
mod macros;
mod merge;
mod race;
mod running;
mod turn;
mod woken;

pub use group::{FutureGroup, Key, StreamGroup};
pub use join::{Join, JoinFuture, TryJoin, TryJoinFuture, join, try_join};
pub use merge::{Merge, MergeStream, merge};
pub use race::{Race, RaceFuture, Select, SelectFuture, Selected, race, select};

#[doc(hidden)]
pub mod __private {
    pub use super::macros::{Branch, Either, End, Fork, Selecting};
    pub use super::turn::Turn;
}
