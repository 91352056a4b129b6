//! Memory that crosses without a copy: who frees what.
//!
//! Memory is always freed where it came from, by a function that travels with it; never by the allocator of the other
//! language. Whoever owns one of these values owns the memory, and to drop it (in Zig: `deinit`) is all there is to do.
//!
//! | the memory | is, in Rust | is, in Zig | is freed by | on |
//! |---|---|---|---|---|
//! | Zig's, given away | [`ZeroCopyBuffer`] | `zigflow.OwnedBytes` | its release function, in Zig | any thread, once |
//! | Zig's, bound to a thread | [`LocalZeroCopyBuffer`] | `zigflow.LocalBytes` | its release function, in Zig | that thread, once |
//! | Zig's, lent by a stream until the next poll | [`ByteStream`](crate::ByteStream), `Vec<u8>` (a copy) | `[]const u8` | Zig, whenever it likes after that | |
//! | Zig's, lent otherwise | [`borrow_from_zig`]: `&[u8]` with a lifetime | `[]const u8` | Zig, after that lifetime | |
//! | Rust's, given away | [`RustBuffer`], then `ZeroCopyBuffer` | `zigflow.OwnedBytes` | its owner's drop, in Rust | any thread, once |
//! | Rust's, lent for a call | `&[u8]` | `[]const u8` | its owner, after the call | |
//! | either's, with several owners | [`SharedBuffer`]; one of them goes to Zig as a `ZeroCopyBuffer` | of a block: `zigflow.SharedBytes`; one of them goes to Rust as `OwnedBytes` | whoever is last: as it would have been with one owner | any thread, once |
//! | a block of a pool, with one owner | [`Block`](crate::pool::Block) | `zigflow.Block` | it goes home to its pool | any thread |
//! | a pool | [`Pool`](crate::Pool) | `zigflow.Pool` | the last handle or the last block that comes home | any thread, once |
//! | what Zig allocates by `zigflow.allocator` | as the program wants it | `[]T`, `*T` | Zig, in Rust's global allocator | any thread |
//! | buffers in a channel that nobody takes | | | the last receiver that goes, or a sender that was just sending then; behind a grant that was forgotten, the channel's end, if Rust made the channel | any thread, once |
//! | an operation's buffer | `Kept` by the future | `[]u8` | Rust, after the completion | any thread |
//!
//! What is given away may be given on: a `ZeroCopyBuffer` that came from Zig goes to Zig again, through a call, a channel or a
//! stream, and the same function frees it in the end.
//!
//! # Panics
//!
//! What releases is a C function: where an owner's drop, or the waker of who waits for a block, panics in it, the program
//! ends. A [`Block`](crate::pool::Block) that is dropped as such unwinds.
//!
//! # Typed views
//!
//! [`ZeroCopyBuffer::items`] and [`SharedBuffer::items`] read bytes as a slice of a [`Transfer`] type, in place, if they are
//! aligned for it, are a whole number of items, and each is a value of the type.
//!
//! # Released bytes
//!
//! In a debug build, what Rust gives back to a pool, and what a [`RustBuffer`] made of a `Vec` had, is overwritten first
//! with [`POISON`](crate::pool::POISON); Zig's allocators do the same in their safe builds.

mod bytes;
mod local;
mod rust;
mod shared;
mod zero_copy;

pub use local::LocalZeroCopyBuffer;
pub use rust::RustBuffer;
pub use shared::SharedBuffer;
pub use zero_copy::{ZeroCopyBuffer, borrow_from_zig};

use alloc::boxed::Box;
use core::alloc::Layout;

use crate::error::Malformed;
use crate::transfer::Transfer;

/// A box, or the value back where there is no memory.
fn try_box<T>(value: T) -> Result<Box<T>, T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value)); // allocates nothing
    }
    // SAFETY: the size is not 0.
    let at = unsafe { alloc::alloc::alloc(layout) }.cast::<T>();
    if at.is_null() {
        return Err(value);
    }
    // SAFETY: just allocated for it, as a box allocates.
    Ok(unsafe {
        at.write(value);
        Box::from_raw(at)
    })
}

/// As a `Box` ends the program without memory.
fn no_memory<T>() -> ! {
    alloc::alloc::handle_alloc_error(Layout::new::<T>())
}

/// Bytes as items, in place.
///
/// # Errors
///
/// `Misaligned`; `Length`: no whole number of items, or items without a size; `Value`: bits that are no value of the type.
fn view<T: Transfer>(bytes: &[u8]) -> Result<&[T], Malformed> {
    let (found, expected) = (bytes.len(), size_of::<T>());
    let (Some(count), Some(0)) = (found.checked_div(expected), found.checked_rem(expected)) else {
        return Err(Malformed::Length { found, expected });
    };
    if count == 0 {
        return Ok(&[]);
    }
    let first = bytes.as_ptr().cast::<T>();
    if !first.is_aligned() {
        return Err(Malformed::Misaligned);
    }
    // SAFETY: each is aligned, and its bytes are there and initialised.
    if !T::ANY_BITS && !(0..count).all(|n| unsafe { T::is_valid(first.add(n)) }) {
        return Err(Malformed::Value);
    }
    // SAFETY: aligned values of T, for as long as the bytes.
    Ok(unsafe { core::slice::from_raw_parts(first, count) })
}
