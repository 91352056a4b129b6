//! Groups of futures and streams that come and go.

use std::collections::HashSet;
use std::future::ready;
use std::task::{Poll, Waker};
use std::thread;

use futures_core::stream::{FusedStream, Stream};
use futures_lite::{StreamExt, future, stream};
use zigflow::{FutureGroup, StreamGroup, mpmc};
use zigflow_tests::probe::{Probe, probe, probes};
use zigflow_tests::task::Task;
use zigflow_tests::{self as zig, Channel};

#[test]
fn outputs_come_in_the_order_in_which_they_are_ready() {
    let task = Task::new();
    let mut group = FutureGroup::new();
    let (probes, futures) = probes(100);
    let keys: Vec<_> = futures.into_iter().map(|future| group.insert(future)).collect();
    assert_eq!((group.len(), group.size_hint()), (100, (100, Some(100))));
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 100);
    assert!(task.next(&mut group).is_pending());
    // One of each block, and from the last to the first.
    for n in [99, 64, 32, 0] {
        probes[n].send(n);
        assert!(group.contains(keys[n]));
    }
    for n in [99, 64, 32, 0] {
        let polled = task.run(|cx| group.poll_next_keyed(cx));
        assert_eq!(polled, Poll::Ready(Some((keys[n], n))));
        assert!(!group.contains(keys[n]) && !group.remove(keys[n]));
    }
    assert!(task.next(&mut group).is_pending());
    assert_eq!(group.len(), 96);
    drop(group);
    assert!(probes.iter().all(|probe| probe.drops() == 1));
}

#[test]
fn a_group_ends_when_it_is_empty_and_goes_on_when_it_is_not() {
    let task = Task::new();
    let mut group = FutureGroup::new();
    assert!(group.is_empty() && group.is_terminated());
    for n in 0..3 {
        assert_eq!(task.next(&mut group), Poll::Ready(None));
        group.insert(ready(n));
        assert!(!group.is_terminated());
        assert_eq!(task.next(&mut group), Poll::Ready(Some(n)));
    }
    let mut group = StreamGroup::new();
    assert_eq!(task.next(&mut group), Poll::Ready(None));
    group.insert(stream::iter([1, 2]));
    assert_eq!(group.size_hint(), (2, Some(2)));
    let items: Vec<_> = future::block_on((&mut group).collect());
    assert_eq!(items, [1, 2]);
    assert!(group.is_terminated());
}

#[test]
fn a_member_that_is_removed_is_dropped_and_its_key_is_spent() {
    let task = Task::new();
    let mut group = StreamGroup::new();
    let (old, stream) = probe::<u8>();
    let key = group.insert(stream);
    assert!(task.next(&mut group).is_pending());
    assert!(group.remove(key) && !group.remove(key));
    assert_eq!((old.drops(), group.len()), (1, 0));
    // Another one takes the place, but not the key.
    let (new, stream) = probe();
    let other = group.insert(stream);
    assert!(key != other && !group.contains(key) && !group.remove(key));
    assert!(task.next(&mut group).is_pending());
    // The old one's waker costs a poll at most.
    old.wake();
    assert!(task.next(&mut group).is_pending());
    new.send(7);
    assert_eq!(task.run(|cx| group.poll_next_keyed(cx)), Poll::Ready(Some((other, 7))));
}

#[test]
fn a_member_that_is_inserted_wakes_the_task_that_waits() {
    let task = Task::new();
    let mut group = FutureGroup::new();
    group.insert(probe::<u8>().1);
    assert!(task.next(&mut group).is_pending());
    let (new, future) = probe();
    new.put(1);
    group.insert(future);
    assert_eq!(task.wakes(), 1);
    assert_eq!(task.next(&mut group), Poll::Ready(Some(1)));
}

#[test]
fn members_that_are_inserted_while_others_wait_are_the_only_ones_polled() {
    let task = Task::new();
    let mut group = FutureGroup::with_capacity(10);
    let (idle, futures) = probes::<usize>(5000);
    group.extend(futures);
    assert!(task.next(&mut group).is_pending());
    for n in 0..1000 {
        group.insert({
            let (new, future) = probe();
            new.put(n);
            future
        });
        let next = task.next(&mut group);
        // Its budget may have been used up.
        let next = if next.is_pending() { task.next(&mut group) } else { next };
        assert_eq!(next, Poll::Ready(Some(n)));
    }
    assert_eq!(idle.iter().map(Probe::polls).sum::<usize>(), 5000);
    assert_eq!(group.len(), 5000);
}

#[test]
fn streams_that_always_have_items_take_turns() {
    let mut group: StreamGroup<_> = (0..100).map(stream::repeat).collect();
    let mut counts = [0; 100];
    future::block_on(async {
        for _ in 0..10_000 {
            counts[group.next().await.unwrap()] += 1;
        }
    });
    assert_eq!(counts, [100; 100]);
}

#[test]
fn after_its_budget_a_group_yields_once() {
    let task = Task::new();
    let mut group: FutureGroup<_> = (0..1000).map(ready).collect();
    for round in 1..=3 {
        let ready = (0..).take_while(|_| task.next(&mut group).is_ready()).count();
        assert_eq!((ready, task.wakes()), (zigflow::DEFAULT_BUDGET as usize, round));
    }
}

#[test]
fn a_group_that_is_dropped_lets_the_task_go_and_its_wakers_do_nothing() {
    let task = Task::new();
    let (probes, streams) = probes::<u8>(100);
    let mut group: StreamGroup<_> = streams.into_iter().collect();
    assert!(task.next(&mut group).is_pending());
    let wakers: Vec<Waker> = probes.iter().map(Probe::waker).collect();
    drop(group);
    assert_eq!(task.wakers(), 0);
    for waker in wakers {
        thread::spawn(move || waker.wake()).join().unwrap();
    }
    assert_eq!(task.wakes(), 0);
}

#[test]
fn members_come_and_go_while_threads_wake_them() {
    const ROUNDS: u64 = 200;
    let mut group = StreamGroup::new();
    let mut sum = 0;
    thread::scope(|scope| {
        for round in 0..ROUNDS {
            let (tx, rx) = mpmc::channel(2);
            group.insert(rx);
            scope.spawn(move || (0..50).for_each(|n| tx.send_blocking(round * n).unwrap()));
            // Some of what is there.
            for _ in 0..40 {
                let item = future::block_on(group.next());
                sum += item.unwrap().unwrap();
            }
        }
        future::block_on(async {
            while let Some(item) = group.next().await {
                sum += item.unwrap();
            }
        });
    });
    assert_eq!(sum, (ROUNDS * (ROUNDS - 1) / 2) * (50 * 49 / 2));
}

#[test]
fn streams_of_zig_live_in_a_group() {
    let mut group = StreamGroup::new();
    (0..40).for_each(|n| {
        group.insert(zig::threaded(n).unwrap());
    });
    let channel = Channel::new();
    let driven = group.insert(channel.stream());
    let mut items = 0;
    future::block_on(async {
        while items < 40 * 39 / 2 {
            let (key, item) = group.next_keyed().await.unwrap();
            assert!(key != driven && item.is_ok());
            items += 1;
        }
        channel.push(1);
        while let Some((key, item)) = group.next_keyed().await {
            assert_eq!((key, item), (driven, Ok(0)));
            assert!(group.remove(driven), "the streams that have ended are gone");
        }
    });
    assert!(group.is_empty());
}
