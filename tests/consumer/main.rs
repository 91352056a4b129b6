//! Four sources of one name, in four crates, two of which are versions of the same crate.
#![forbid(unsafe_code)]

mod types;

use futures_lite::{StreamExt, future::block_on};
use types::Span;
use zigflow::ZigStream;

zigflow::zig_source! {
    /// Three numbers.
    fn reading(factor: u32) -> ZigStream<u32>;
    /// One span.
    fn span(from: u32) -> ZigStream<Span>;
}

zigflow::autozig! {
    export fn scaled(value: u32) u32 {
        return value * 10;
    }
    ---
    /// The same text as in `meter`, which has it under another symbol.
    fn scaled(value: u32) -> u32;
}

fn main() {
    assert_eq!((scaled(4), meter::scaled(4)), (40, 40));
    let span = block_on(span(3).expect("it opens").next());
    assert_eq!(span, Some(Ok(Span { from: 3, to: 4 })));
    let streams = [
        ("consumer", reading(2)),
        ("meter", meter::reading(2)),
        ("sensor 1", sensor::reading(2)),
        ("sensor 2", sensor_2::reading(2)),
    ];
    for (name, stream) in streams {
        let numbers: Vec<u32> = block_on(stream.expect(name).map(|n| n.expect(name)).collect());
        println!("{name}: {numbers:?}");
    }
}
