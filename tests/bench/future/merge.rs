//! `merge` of many streams of which one is ready: do the others cost anything?

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::block_on;
use futures_util::stream::select_all;
use zigflow_bench::compare;
use zigflow_bench::summary::{Contest, Row};

const ITEMS: u64 = 500_000;

/// Ready at every poll, or never.
struct Perhaps(Option<u64>);

impl Stream for Perhaps {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u64>> {
        match &mut self.0 {
            Some(n) => {
                *n += 1;
                Poll::Ready(Some(*n))
            }
            None => Poll::Pending,
        }
    }
}

/// So many, of which the one in the middle is ready.
fn streams(count: usize) -> Vec<Perhaps> {
    (0..count).map(|i| Perhaps((i == count / 2).then_some(0))).collect()
}

/// Against the same of futures-util, and that of 10 000 against that of 10.
pub(crate) fn merge() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, count) in
        [("merge_10", 10), ("merge_100", 100), ("merge_1000", 1_000), ("merge_10000", 10_000)]
    {
        let mut ours = zigflow::merge(streams(count));
        let mut theirs = select_all(streams(count));
        rows.extend(
            Contest::new(name, ITEMS, |items| read(&mut ours, items))
                .beside("select_all", |items| read(&mut theirs, items))
                .run(None),
        );
    }
    let (mut many, mut few) = (zigflow::merge(streams(10_000)), zigflow::merge(streams(10)));
    let figures = compare(
        "merge_growth",
        ITEMS,
        &mut |items| read(&mut many, items),
        &mut [("merge_10", &mut |items| read(&mut few, items))],
    );
    for figure in figures {
        let growth = 1.0 / figure.ratio;
        let verdict = if growth <= 1.25 { "met" } else { "missed" };
        println!("bench merge_growth 10000_of_10={growth:.2} target=1.25 {verdict}");
    }
    rows
}

fn read(merged: &mut (impl Stream<Item = u64> + Unpin), items: u64) {
    let last = block_on(merged.take(items as usize).last());
    assert!(last.is_some());
}
