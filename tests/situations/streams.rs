//! Zig streams.
use futures_lite::{StreamExt, future::block_on};
use zigflow_tests as zig;

#[test]
fn a_counter_counts() {
    let stream = zig::counter(3, 1000).unwrap();
    let items: Vec<u64> = block_on(stream.map(Result::unwrap).collect());
    assert_eq!(items, (3..1000).collect::<Vec<_>>());
}
#[test]
fn a_thread_wakes() {
    let stream = zig::threaded(100_000).unwrap();
    let items: Vec<u32> = block_on(stream.map(Result::unwrap).collect());
    assert_eq!(items, (0..100_000).collect::<Vec<_>>());
}
#[test]
fn file() {
    let mut f = zig::file("/bin/bash", 4096).unwrap();
    let got = block_on(async {
        let mut v = vec![];
        while let Some(c) = f.next_chunk().await.unwrap() {
            v.extend_from_slice(c)
        }
        v
    });
    assert_eq!(got, std::fs::read("/bin/bash").unwrap());
}
