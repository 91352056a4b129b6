//! Combinators whose children panic, and combinators that are polled too often.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;
use zigflow::{FutureGroup, StreamGroup, join, merge, race, select, try_join};
use zigflow_tests::probe::{Probe, Probed, probes};
use zigflow_tests::task::Task;

/// What a poll panics with.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(f()))) else { panic!("no panic") };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap()
}

fn poll<F: Future + Unpin>(task: &Task, future: &mut F) -> Poll<F::Output> {
    task.run(|cx| Pin::new(future).poll(cx))
}

fn array(children: Vec<Probed<u8>>) -> [Probed<u8>; 3] {
    children.try_into().unwrap()
}

fn tuple(children: Vec<Probed<u8>>) -> (Probed<u8>, Probed<u8>, Probed<u8>) {
    let [a, b, c] = array(children);
    (a, b, c)
}

/// A child panics in the second poll; the combinator is dropped, or polled on. (Afterwards a probe is as before.)
fn a_child_panics<C>(
    what: &str,
    make: impl Fn(Vec<Probed<u8>>) -> C,
    poll: impl Fn(&Task, &mut C) -> bool,
) {
    for polled_on in [false, true] {
        let task = Task::new();
        let (probes, children) = probes(3);
        let mut all = make(children);
        assert!(!poll(&task, &mut all));
        probes[1].panic();
        probes[1].wake();
        assert_eq!(panic_of(|| poll(&task, &mut all)), "the child panics", "{what}");
        if polled_on {
            // It counts as woken, whoever polls next.
            let polls = probes[1].polls();
            assert!(!poll(&task, &mut all));
            assert_eq!(probes[1].polls(), polls + 1, "{what}");
            probes.iter().for_each(|probe| probe.send(1));
            assert!(poll(&task, &mut all), "{what}");
        }
        drop(all);
        let drops: Vec<usize> = probes.iter().map(Probe::drops).collect();
        assert_eq!(drops, [1; 3], "{what}");
        // Children of tuples and arrays have the task's own waker; here they keep it.
        assert_eq!(task.wakers(), if what.contains("Vec") { 0 } else { 3 }, "{what}");
    }
}

#[test]
fn a_child_that_panics_leaves_the_others_whole() {
    fn future<F: Future + Unpin>(task: &Task, all: &mut F) -> bool {
        poll(task, all).is_ready()
    }
    fn stream<S: Stream + Unpin>(task: &Task, all: &mut S) -> bool {
        task.next(all).is_ready()
    }
    a_child_panics("join of a tuple", |c| join(tuple(c)), future);
    a_child_panics("join of an array", |c| join(array(c)), future);
    a_child_panics("join of a Vec", join, future);
    a_child_panics("race of a tuple", |c| race(tuple(c)), future);
    a_child_panics("race of an array", |c| race(array(c)), future);
    a_child_panics("race of a Vec", race, future);
    a_child_panics("race of a Vec, biased", |c| race(c).biased(), future);
    a_child_panics("select of an array", |c| select(array(c)), future);
    a_child_panics("select of a Vec", select, future);
    a_child_panics("merge of a tuple", |c| merge(tuple(c)), stream);
    a_child_panics("merge of an array", |c| merge(array(c)), stream);
    a_child_panics("merge of a Vec", merge, stream);
}

#[test]
fn a_group_drops_the_member_that_panics_and_goes_on() {
    fn check<G: Stream<Item = u8> + Unpin>(mut group: G, probes: &[Probe<u8>]) {
        let task = Task::new();
        assert!(task.next(&mut group).is_pending());
        probes[1].panic();
        probes[1].wake();
        assert_eq!(panic_of(|| task.next(&mut group)), "the child panics");
        assert_eq!(probes[1].drops(), 1);
        assert!(task.next(&mut group).is_pending());
        probes[2].send(2);
        assert_eq!(task.next(&mut group), Poll::Ready(Some(2)));
    }
    let (p, c) = probes(3);
    check(c.into_iter().collect::<FutureGroup<_>>(), &p);
    let (p, c) = probes(3);
    check(c.into_iter().collect::<StreamGroup<_>>(), &p);
}

#[test]
fn a_future_that_was_ready_says_so_when_it_is_polled_again() {
    fn again<F: Future + Unpin>(mut future: F) -> String {
        let task = Task::new();
        assert!(poll(&task, &mut future).is_ready());
        panic_of(|| poll(&task, &mut future))
    }
    assert_eq!(again(join([ready(1)])), "`join` polled after completion");
    assert_eq!(again(join(vec![ready(1)])), "`join` polled after completion");
    assert_eq!(again(try_join((ready(Ok::<_, ()>(1)),))), "`try_join` polled after completion");
    assert_eq!(again(race((ready(1),))), "`race` polled after completion");
    assert_eq!(again(race(vec![ready(1)])), "`race` polled after completion");
    assert_eq!(again(select([ready(1)])), "`select` polled after completion");
}

#[test]
fn a_loser_whose_drop_panics_takes_nobody_with_it() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the drop panics");
        }
    }
    let task = Task::new();
    let (probes, mut children) = probes::<u8>(2);
    let (last, first) = (children.pop().unwrap(), children.pop().unwrap());
    let bomb = Bomb;
    let middle = async move {
        let _bomb = &bomb;
        std::future::pending().await
    };
    let mut all = Box::pin(race((first, middle, last)));
    assert!(poll(&task, &mut all).is_pending());
    probes[0].send(0);
    assert_eq!(panic_of(|| poll(&task, &mut all)), "the drop panics");
    assert_eq!((probes[0].drops(), probes[1].drops()), (1, 1));
    assert_eq!(panic_of(|| poll(&task, &mut all)), "`race` polled after completion");
}
