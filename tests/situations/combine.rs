//! `join`, `try_join`, `race`, `select` and `merge` of tuples, arrays and `Vec`s.

use std::future::{pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::{Poll, Waker};
use std::thread;

use futures_core::future::FusedFuture;
use futures_core::stream::{FusedStream, Stream};
use futures_lite::{StreamExt, future, stream};
use zigflow::{join, merge, mpmc, race, select, spsc, try_join};
use zigflow_tests::probe::{Probe, Probed, probe, probes};
use zigflow_tests::task::{Tally, Task};
use zigflow_tests::{self as zig, ends, many_ends};

/// Polls once.
fn poll<F: Future + Unpin>(task: &Task, future: &mut F) -> Poll<F::Output> {
    task.run(|cx| Pin::new(future).poll(cx))
}

fn total<T>(probes: &[Probe<T>], what: impl Fn(&Probe<T>) -> usize) -> usize {
    probes.iter().map(what).sum()
}

/// Runs a test for a pair of children as a tuple, an array and a `Vec`.
macro_rules! each_pair {
    ($a:ident, $b:ident: $make:expr; |$name:ident, $children:ident| $test:expr) => {{
        let (($a, $b), $name) = ($make, "tuple");
        let $children = ($a, $b);
        $test;
        let (($a, $b), $name) = ($make, "array");
        let $children = [$a, $b];
        $test;
        let (($a, $b), $name) = ($make, "Vec");
        let $children = vec![$a, $b];
        $test;
    }};
}

// -- what comes out --

#[test]
fn join_gives_all_outputs_in_order_whoever_was_first() {
    let task = Task::new();
    let ((a, fa), (b, fb)) = (probe(), probe());
    let mut both = join((fa, fb));
    assert!(poll(&task, &mut both).is_pending());
    b.send("b");
    assert!(poll(&task, &mut both).is_pending());
    assert_eq!(b.drops(), 1, "what is ready is dropped at once");
    a.send(1);
    assert_eq!(poll(&task, &mut both), Poll::Ready((1, "b")));

    let (probes, futures) = probes(3);
    let mut all = join(<[_; 3]>::try_from(futures).unwrap());
    for n in [2, 0, 1] {
        assert!(poll(&task, &mut all).is_pending());
        probes[n].send(n);
    }
    assert_eq!(poll(&task, &mut all), Poll::Ready([0, 1, 2]));

    let (probes, futures) = zigflow_tests::probe::probes(100);
    let mut all = join(futures);
    for n in (0..100).rev() {
        assert!(poll(&task, &mut all).is_pending());
        probes[n].send(n);
    }
    assert_eq!(poll(&task, &mut all), Poll::Ready((0..100).collect()));
    assert_eq!(total(&probes, Probe::drops), 100);
}

#[test]
fn tuples_may_have_twelve_children_of_different_types() {
    let all = join((
        ready(1_u8),
        ready('2'),
        ready("3"),
        ready(4_i64),
        ready(()),
        ready(6.0),
        ready([7]),
        ready(Some(8)),
        ready(vec![9]),
        ready(10_usize),
        ready(true),
        ready(String::from("12")),
    ));
    let (a, .., l) = future::block_on(all);
    assert_eq!((a, &*l), (1, "12"));
    let all = try_join((
        ready(Ok(1)),
        ready(Ok('2')),
        ready(Ok("3")),
        ready(Ok(4)),
        ready(Ok(())),
        ready(Ok(6.0)),
        ready(Ok([7])),
        ready(Ok(Some(8))),
        ready(Ok(9)),
        ready(Ok(10)),
        ready(Ok(true)),
        ready(Err::<(), _>("12")),
    ));
    assert_eq!(future::block_on(all), Err("12"));
    let one = || ready(1);
    let first =
        race((one(), one(), one(), one(), one(), one(), one(), one(), one(), one(), one(), one()));
    assert_eq!(future::block_on(first), 1);
}

#[test]
fn of_nothing_join_is_empty_and_merge_is_at_its_end() {
    future::block_on(async {
        let () = join(()).await;
        assert!(join([(); 0].map(ready)).await.is_empty());
        assert!(join(Vec::<future::Ready<()>>::new()).await.is_empty());
        let none: Vec<future::Ready<Result<(), ()>>> = Vec::new();
        assert_eq!(try_join(none).await, Ok(vec![]));
        assert_eq!(merge([(); 0].map(|()| stream::empty::<()>())).next().await, None);
        assert_eq!(merge(Vec::<stream::Empty<()>>::new()).next().await, None);
    });
}

#[test]
fn try_join_ends_with_the_first_error_and_drops_the_others() {
    let task = Task::new();
    macro_rules! check {
        ($name:literal, |$a:ident, $b:ident| $children:expr) => {{
            let ((a, $a), (b, $b)) = (probe::<Result<u8, &str>>(), probe::<Result<u8, &str>>());
            let mut both = try_join($children);
            assert!(poll(&task, &mut both).is_pending());
            b.send(Err("torn"));
            assert_eq!(poll(&task, &mut both).map(|both| both.err()), Poll::Ready(Some("torn")));
            assert_eq!((a.drops(), b.drops()), (1, 1), $name);
            assert!(both.is_terminated());
        }};
    }
    check!("tuple", |a, b| (a, b));
    check!("array", |a, b| [a, b]);
    check!("Vec", |a, b| vec![a, b]);
    let oks = try_join([ready(Ok::<_, ()>(1)), ready(Ok(2))]);
    assert_eq!(future::block_on(oks), Ok([1, 2]));
}

#[test]
fn the_first_output_wins_a_race_and_the_losers_are_dropped() {
    let task = Task::new();
    let (probes, futures) = probes(3);
    let mut first = race(futures);
    assert!(poll(&task, &mut first).is_pending());
    probes[1].send(1);
    assert_eq!(poll(&task, &mut first), Poll::Ready(1));
    assert_eq!(total(&probes, Probe::drops), 3);
    assert!(first.is_terminated());
}

#[test]
fn select_tells_who_won_and_gives_the_others_back() {
    let task = Task::new();
    let (probes, futures) = probes(4);
    let mut first = select(futures);
    assert!(poll(&task, &mut first).is_pending());
    probes[2].send(2);
    let Poll::Ready(first) = poll(&task, &mut first) else { panic!("it is ready") };
    assert_eq!((first.index, first.output, first.rest.len()), (2, 2, 3));
    assert_eq!((total(&probes, Probe::drops), probes[2].drops()), (1, 1));
    // The others go on: none has lost anything.
    let mut all = join(first.rest);
    [0, 1, 3].into_iter().for_each(|n| probes[n].send(n));
    assert_eq!(poll(&task, &mut all), Poll::Ready(vec![0, 1, 3]));

    let ((a, fa), (_b, fb)) = (probe(), probe());
    let mut first = select([fa, fb]);
    assert!(poll(&task, &mut first).is_pending());
    a.send('a');
    let Poll::Ready(first) = poll(&task, &mut first) else { panic!("it is ready") };
    assert_eq!((first.index, first.output), (0, 'a'));
    assert!(first.rest[0].is_none() && first.rest[1].is_some());
}

#[test]
fn merge_gives_all_items_and_ends_for_ever() {
    each_pair!(a, b: (stream::iter([1, 2, 3]), stream::iter([4, 5, 6])); |name, children| {
        let mut both = merge(children);
        assert_eq!(both.size_hint(), (6, Some(6)), "{name}");
        let mut items = Vec::new();
        assert!(!both.is_terminated());
        future::block_on(async {
            while let Some(item) = both.next().await {
                items.push(item);
            }
            assert!(both.is_terminated(), "{name}");
            assert_eq!(both.next().await, None, "{name}");
        });
        assert_eq!(both.size_hint(), (0, Some(0)), "{name}");
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3, 4, 5, 6], "{name}");
    });
}

#[test]
fn a_stream_that_has_ended_is_dropped_at_once() {
    let task = Task::new();
    let (probes, streams) = probes::<u8>(2);
    let mut both = merge(streams);
    assert!(task.next(&mut both).is_pending());
    probes[0].end();
    assert!(task.next(&mut both).is_pending());
    assert_eq!((probes[0].drops(), probes[1].drops()), (1, 0));
    probes[1].end();
    assert_eq!(task.next(&mut both), Poll::Ready(None));
    assert_eq!(probes[1].drops(), 1);
}

#[test]
#[should_panic(expected = "nobody can win a race of zero futures")]
fn a_race_of_nobody_is_refused() {
    drop(race(Vec::<future::Ready<()>>::new()));
}

#[test]
#[should_panic(expected = "nobody can win a race of zero futures")]
fn a_select_of_nobody_is_refused() {
    drop(select(Vec::<future::Ready<()>>::new()));
}

// -- who is first --

/// How often each of `N` won.
fn shares<const N: usize>(rounds: usize, mut winner: impl FnMut() -> usize) -> [usize; N] {
    let mut shares = [0; N];
    (0..rounds).for_each(|_| shares[winner()] += 1);
    shares
}

fn assert_fair(shares: &[usize]) {
    let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
    // Other tests take turns as well.
    assert!(most - least <= most / 4, "{shares:?}");
}

#[test]
fn of_several_that_are_ready_each_wins_equally_often() {
    let ready_at = |n: usize| ready(n);
    let tuple = || race((ready_at(0), ready_at(1), ready_at(2)));
    assert_fair(&shares::<3>(3000, || future::block_on(tuple())));
    assert_fair(&shares::<3>(3000, || future::block_on(race([0, 1, 2].map(ready_at)))));
    assert_fair(&shares::<100>(100_000, || {
        future::block_on(race((0..100).map(ready_at).collect::<Vec<_>>()))
    }));
    assert_fair(&shares::<5>(5000, || {
        future::block_on(select([0, 1, 2, 3, 4].map(ready_at))).index
    }));
}

#[test]
fn two_races_in_one_loop_do_not_spoil_each_others_turns() {
    let mut second = [0; 2];
    let first = shares::<2>(2000, || {
        second[future::block_on(race((ready(0), ready(1))))] += 1;
        future::block_on(race((ready(0), ready(1))))
    });
    assert_fair(&first);
    assert_fair(&second);
}

#[test]
fn biased_the_first_in_order_wins() {
    for _ in 0..100 {
        assert_eq!(future::block_on(race((ready(0), ready(1), ready(2))).biased()), 0);
        let three: [Boxed; 3] = [Box::pin(pending()), Box::pin(ready(1)), Box::pin(ready(2))];
        assert_eq!(future::block_on(race(three).biased()), 1);
        let hundred = (0..100).map(ready).collect::<Vec<_>>();
        assert_eq!(future::block_on(race(hundred).biased()), 0);
    }
}

type Boxed = Pin<Box<dyn Future<Output = i32>>>;

#[test]
fn biased_the_order_is_that_of_the_children_not_that_of_the_wakes() {
    let task = Task::new();
    let (probes, streams) = probes(200);
    let mut all = merge(streams).biased();
    assert!(task.next(&mut all).is_pending());
    // In many blocks, from the last to the first, and some twice.
    for n in [199, 150, 149, 70, 69, 33, 32, 5, 0, 70] {
        probes[n].send(n);
    }
    let mut seen = Vec::new();
    while let Poll::Ready(Some(n)) = task.next(&mut all) {
        seen.push(n);
        if n == 69 {
            probes[1].send(1); // comes before what is left
        }
    }
    assert_eq!(seen, [0, 5, 32, 33, 69, 1, 70, 70, 149, 150, 199]);
}

#[test]
fn streams_that_always_have_items_take_turns() {
    fn count<const N: usize>(all: impl Stream<Item = usize>) -> [usize; N] {
        let mut all = pin!(all);
        future::block_on(async {
            let mut counts = [0; N];
            for _ in 0..1000 * N {
                counts[all.next().await.unwrap()] += 1;
            }
            counts
        })
    }
    let always = stream::repeat;
    assert_eq!(count(merge((always(0), always(1), always(2)))), [1000; 3]);
    assert_eq!(count(merge([0, 1, 2].map(always))), [1000; 3]);
    assert_eq!(count(merge((0..100).map(always).collect::<Vec<_>>())), [1000; 100]);
}

#[test]
fn a_stream_that_always_has_items_starves_nobody() {
    let task = Task::new();
    for _ in 0..100 {
        let (rare, stream) = probe();
        let always: Pin<Box<dyn Stream<Item = usize>>> = Box::pin(stream::repeat(0));
        let mut both = merge(vec![always, Box::pin(stream)]);
        (0..10).for_each(|_| assert_eq!(task.next(&mut both), Poll::Ready(Some(0))));
        rare.send(1);
        let next = [task.next(&mut both), task.next(&mut both)];
        assert!(next.contains(&Poll::Ready(Some(1))), "{next:?}");
    }
}

#[test]
fn biased_a_stream_that_always_has_items_starves_the_others() {
    let mut both = merge((stream::repeat(0), stream::repeat(1))).biased();
    let mut many = merge(vec![stream::repeat(0), stream::repeat(1)]).biased();
    future::block_on(async {
        for _ in 0..1000 {
            assert_eq!(both.next().await, Some(0));
            assert_eq!(many.next().await, Some(0));
        }
    });
}

#[test]
fn after_its_budget_a_merge_yields_once() {
    let task = Task::new();
    each_pair!(a, b: (stream::repeat(0), stream::repeat(0)); |name, children| {
        let mut both = merge(children);
        for round in 0..3 {
            let wakes = task.wakes();
            let ready = (0..).take_while(|_| task.next(&mut both).is_ready()).count();
            assert_eq!(ready, zigflow::DEFAULT_BUDGET as usize, "{name} {round}");
            assert_eq!(task.wakes(), wakes + 1, "{name} {round}");
        }
    });
}

#[test]
fn children_that_wake_themselves_do_not_keep_the_executor_and_keep_nobody_out() {
    let task = Task::new();
    let (probes, futures) = probes::<u8>(1000);
    (0..500).for_each(|n| probes[n].wake_itself());
    let mut all = join(futures);
    for round in 1..=20 {
        assert!(poll(&task, &mut all).is_pending());
        assert_eq!(task.wakes(), round);
    }
    let polls = |n: usize| probes[n].polls();
    let (least, most) = ((0..500).map(polls).min().unwrap(), (0..500).map(polls).max().unwrap());
    assert!(least >= 20 && most - least <= 1, "{least} to {most}");
    assert!((500..1000).all(|n| polls(n) == 1));
}

// -- what is polled --

#[test]
fn of_ten_thousand_children_only_the_one_that_was_woken_is_polled() {
    fn check<C>(mut all: C, mut poll: impl FnMut(&Task, &mut C) -> bool, probes: &[Probe<usize>]) {
        let task = Task::new();
        assert!(!poll(&task, &mut all));
        assert_eq!(total(probes, Probe::polls), 10_000);
        for n in [0, 31, 32, 5000, 9999, 77] {
            let before = (total(probes, Probe::polls), probes[n].polls(), task.wakes());
            probes[n].wake();
            assert!(!poll(&task, &mut all));
            let after = (total(probes, Probe::polls), probes[n].polls(), task.wakes());
            assert_eq!(after, (before.0 + 1, before.1 + 1, before.2 + 1));
        }
        // Nobody was woken: nobody is polled.
        assert!(!poll(&task, &mut all));
        assert_eq!(total(probes, Probe::polls), 10_006);
    }
    let many = || probes::<usize>(10_000);
    let (p, f) = many();
    check(join(f), |task, all| poll(task, all).is_ready(), &p);
    let (p, f) = many();
    check(race(f), |task, all| poll(task, all).is_ready(), &p);
    let (p, f) = many();
    check(race(f).biased(), |task, all| poll(task, all).is_ready(), &p);
    let (p, f) = many();
    check(select(f), |task, all| poll(task, all).is_ready(), &p);
    let (p, f) = many();
    check(merge(f), |task, all| task.next(all).is_ready(), &p);
    let (p, f) = many();
    let group: zigflow::FutureGroup<_> = f.into_iter().collect();
    check(group, |task, all| task.next(all).is_ready(), &p);
    let (p, f) = many();
    let group: zigflow::StreamGroup<_> = f.into_iter().collect();
    check(group, |task, all| task.next(all).is_ready(), &p);
}

#[test]
fn many_wakes_are_one_wake_of_the_task() {
    let task = Task::new();
    let (probes, streams) = probes(100);
    let mut all = merge(streams);
    assert!(task.next(&mut all).is_pending());
    for round in 1..=10 {
        probes.iter().for_each(|probe| probe.send(0));
        assert_eq!(task.wakes(), round);
        while task.next(&mut all).is_ready() {}
        assert_eq!(task.wakes(), round);
    }
}

#[test]
fn arrays_and_tuples_poll_all_that_are_not_over() {
    let task = Task::new();
    let (a, fa) = probe();
    let (b, fb) = probe::<u8>();
    let mut both = join((fa, fb));
    assert!(poll(&task, &mut both).is_pending());
    a.send(0);
    assert!(poll(&task, &mut both).is_pending());
    assert!(poll(&task, &mut both).is_pending());
    assert_eq!((a.polls(), b.polls()), (2, 3));
}

// -- wakers --

#[test]
fn the_task_that_polled_last_is_woken() {
    let (before, now) = (Task::new(), Task::new());
    let (probes, streams) = probes(3);
    let mut all = merge(streams);
    assert!(before.next(&mut all).is_pending());
    assert!(now.next(&mut all).is_pending());
    assert_eq!(before.wakers(), 0, "the task that moved away is let go");
    probes[1].send(1);
    assert_eq!((before.wakes(), now.wakes()), (0, 1));
    assert_eq!(now.next(&mut all), Poll::Ready(Some(1)));
}

#[test]
fn waiting_again_and_again_clones_one_waker() {
    let tally = Tally::new();
    let waker = tally.waker();
    let (probes, streams) = probes(3);
    let mut all = merge(streams);
    let mut cx = std::task::Context::from_waker(&waker);
    for _ in 0..1000 {
        assert!(Pin::new(&mut all).poll_next(&mut cx).is_pending());
        probes[2].send(0);
        assert!(Pin::new(&mut all).poll_next(&mut cx).is_ready());
    }
    assert_eq!(tally.counts(), (1, 1000, 0));
    drop(all);
    assert_eq!(tally.counts(), (1, 1000, 1));
}

#[test]
fn a_childs_waker_may_be_used_after_the_end_and_keeps_no_task() {
    let task = Task::new();
    let (probes, futures) = probes::<u8>(40);
    let mut all = join(futures);
    assert!(poll(&task, &mut all).is_pending());
    let wakers: Vec<Waker> = probes.iter().map(Probe::waker).collect();
    drop(all);
    assert_eq!(task.wakers(), 0);
    let threads = wakers.clone().into_iter().map(|waker| thread::spawn(|| waker.wake()));
    threads.for_each(|thread| thread.join().unwrap());
    wakers.iter().for_each(Waker::wake_by_ref);
    assert_eq!(task.wakes(), 0);
}

#[test]
fn wakes_from_threads_are_not_lost() {
    const THREADS: usize = 4;
    const ITEMS: usize = 10_000;
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..THREADS * 40).map(|_| mpmc::channel::<usize>(2)).unzip();
    thread::scope(|scope| {
        let mut senders = senders.into_iter();
        for _ in 0..THREADS {
            let mine: Vec<_> = senders.by_ref().take(40).collect();
            scope.spawn(move || {
                for n in 0..ITEMS {
                    mine[n * 7 % 40].send_blocking(n).unwrap();
                }
            });
        }
        let sum = future::block_on(merge(receivers).fold(0, |sum, item| sum + item.unwrap()));
        assert_eq!(sum, THREADS * ITEMS * (ITEMS - 1) / 2);
    });
}

// -- dropping --

type One = Probed<usize>;
type Five = (One, One, One, One, One);

#[test]
fn dropped_after_any_poll_each_child_is_dropped_once() {
    fn check<C: Future + Unpin>(what: &str, make: impl Fn(Vec<Probed<usize>>) -> C) {
        for polls in 0..6 {
            let task = Task::new();
            let (probes, futures) = probes(5);
            let mut all = make(futures);
            for n in 0..polls {
                if poll(&task, &mut all).is_ready() {
                    break;
                }
                probes[n * 3 % 5].send(n);
            }
            drop(all);
            let drops: Vec<usize> = probes.iter().map(Probe::drops).collect();
            assert_eq!(drops, [1; 5], "{what} after {polls} polls");
        }
    }
    fn array(futures: Vec<Probed<usize>>) -> [Probed<usize>; 5] {
        futures.try_into().unwrap()
    }
    fn tuple(futures: Vec<Probed<usize>>) -> Five {
        let [a, b, c, d, e] = array(futures);
        (a, b, c, d, e)
    }
    check("join of a Vec", join);
    check("join of an array", |f| join(array(f)));
    check("join of a tuple", |f| join(tuple(f)));
    check("race of a Vec", race);
    check("race of an array", |f| race(array(f)));
    check("race of a tuple", |f| race(tuple(f)));
    check("select of a Vec", select);
    check("select of an array", |f| select(array(f)));
}

// -- with Zig --

#[test]
fn zig_streams_with_threads_of_their_own_are_merged() {
    let streams: Vec<_> = (0..40).map(|_| zig::threaded(100).unwrap()).collect();
    let items =
        future::block_on(merge(streams).fold(0, |count, item| count + item.map_or(0, |_| 1)));
    assert_eq!(items, 4000);
    let both = merge((zig::counter(0, 1000).unwrap(), zig::wakes_itself(1000).unwrap()));
    assert_eq!(future::block_on(both.count()), 2000);
}

#[test]
fn channels_from_zig_are_merged_and_a_lost_race_loses_no_item() {
    let (tx, mut items) = spsc::channel(4);
    let mut zig = ends::Tx::in_zig(tx);
    let (tx, rx) = mpmc::channel(4);
    let mut many = many_ends::Tx::of(ends::Lang::Zig, tx);
    let task = Task::new();
    // The race is lost, again and again, by a `recv` that is about to have an item.
    for n in 0..100_u64 {
        let mut first = Box::pin(race((async { items.recv().await.unwrap() }, async {
            rx.recv().await.unwrap()
        })));
        assert!(poll(&task, &mut first).is_pending());
        zig.try_send(2 * n).unwrap();
        many.try_send(2 * n + 1).unwrap();
        let Poll::Ready(won) = poll(&task, &mut first) else { panic!("both are ready") };
        drop(first);
        let lost = if won % 2 == 0 { rx.try_recv().unwrap() } else { items.try_recv().unwrap() };
        assert_eq!(won.min(lost), 2 * n);
        assert_eq!(won.max(lost), 2 * n + 1);
    }
}

#[test]
fn combinators_nest() {
    let inner = || join([ready(1), ready(2)]);
    let outer = future::block_on(join(vec![inner(), inner()]));
    assert_eq!(outer, [[1, 2]; 2]);
    let streams = merge(vec![
        merge(vec![stream::iter(vec![1, 2]), stream::iter(vec![3])]),
        merge(vec![stream::iter(vec![4])]),
    ]);
    let mut items: Vec<i32> = future::block_on(streams.collect());
    items.sort_unstable();
    assert_eq!(items, [1, 2, 3, 4]);
    let first = race(vec![Box::pin(async { join((ready(1), ready(2))).await.0 })]);
    assert_eq!(future::block_on(first), 1);
    let never = poll_fn(|_| Poll::<u8>::Pending);
    assert_eq!(future::block_on(race((never, ready(1)))), 1);
}
