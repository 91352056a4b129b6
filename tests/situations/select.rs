//! `select!`, and combinators inside the `select!` of tokio and of futures.

use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_lite::{StreamExt, future, stream};
use zigflow::time::{ManualTimer, Timer};
use zigflow::{FutureGroup, StreamGroup, join, merge, mpmc, race, select, spsc};
use zigflow_tests::probe::probe;
use zigflow_tests::task::Task;

// -- what is chosen --

#[test]
fn the_first_that_is_ready_runs_its_handler() {
    future::block_on(async {
        let chosen = select! {
            _ = pending::<()>() => "never",
            text = ready("now") => text,
        };
        assert_eq!(chosen, "now");
    });
}

#[test]
fn of_several_that_are_ready_each_is_chosen_equally_often() {
    let mut counts = [0; 3];
    future::block_on(async {
        for _ in 0..3000 {
            let chosen = select! {
                n = ready(0) => n,
                n = ready(1) => n,
                n = ready(2) => n,
            };
            counts[chosen] += 1;
        }
    });
    assert!(counts.iter().all(|count| (990..=1010).contains(count)), "{counts:?}");
}

#[test]
fn biased_the_first_in_order_is_chosen() {
    future::block_on(async {
        for _ in 0..100 {
            let chosen = select! {
                biased;
                () = pending() => 0,
                n = ready(1) => n,
                n = ready(2) => n,
            };
            assert_eq!(chosen, 1);
        }
    });
}

#[test]
fn a_pattern_that_does_not_match_puts_its_branch_out() {
    future::block_on(async {
        for _ in 0..10 {
            let chosen = select! {
                Some(n) = ready(None::<u8>) => n,
                Ok::<u8, u8>(n) = ready(Err(1)) => n,
                7 = ready(8) => 7,
                n @ (1..=3 | 5) = ready(5) => n,
            };
            assert_eq!(chosen, 5);
            let none = select! {
                Some(()) = ready(None) => false,
                else => true,
            };
            assert!(none);
        }
    });
}

#[test]
fn a_branch_whose_condition_is_false_is_not_polled() {
    let (off, future) = probe::<u8>();
    off.put(1);
    future::block_on(async {
        let on = false;
        let chosen = select! {
            n = future, if on => n,
            n = ready(2), if !on => { n }
        };
        assert_eq!(chosen, 2);
    });
    assert_eq!((off.polls(), off.drops()), (0, 1));
    let nobody = future::block_on(async {
        select! {
            () = ready(()), if false => 0,
            else => 1,
        }
    });
    assert_eq!(nobody, 1);
}

#[test]
#[should_panic(expected = "all branches of `select!` are out, and it has no `else`")]
fn without_an_else_somebody_has_to_be_ready() {
    future::block_on(async {
        select! { Some(()) = ready(None) => () }
    });
}

#[test]
fn there_may_be_many_branches() {
    future::block_on(async {
        let mut sum = 0;
        for n in 0..20 {
            sum += select! {
                a = ready(0), if n == 0 => a,
                a = ready(1), if n == 1 => a,
                a = ready(2), if n == 2 => a,
                a = ready(3), if n == 3 => a,
                a = ready(4), if n == 4 => a,
                a = ready(5), if n == 5 => a,
                a = ready(6), if n == 6 => a,
                a = ready(7), if n == 7 => a,
                a = ready(8), if n == 8 => a,
                a = ready(9), if n == 9 => a,
                a = ready(10), if n == 10 => a,
                a = ready(11), if n == 11 => a,
                a = ready(12), if n == 12 => a,
                a = ready(13), if n == 13 => a,
                a = ready(14), if n == 14 => a,
                a = ready(15), if n == 15 => a,
                else => 0,
            };
        }
        assert_eq!(sum, 15 * 16 / 2);
    });
}

// -- patterns and handlers --

#[test]
fn patterns_move_borrow_and_change_what_they_bind() {
    #[derive(Debug, PartialEq)]
    struct NotCopy(String);
    struct Two {
        a: NotCopy,
        b: u8,
    }
    let text = || NotCopy("text".to_owned());
    future::block_on(async {
        let moved = select! { Some(text) = ready(Some(text())) => text };
        assert_eq!(moved, text());
        let changed = select! {
            mut text = ready(text()) => {
                text.0.push('!');
                text
            }
        };
        assert_eq!(changed.0, "text!");
        let len = select! { NotCopy(ref text) = ready(text()) => text.len() };
        assert_eq!(len, 4);
        select! { NotCopy(ref mut text) = ready(text()) => text.clear() }
        let Two { a, b } = select! {
            Two { a, b: b @ 1.. } = ready(Two { a: text(), b: 1 }) => Two { a, b: b + 1 },
            _ = ready(()) , if false => unreachable!(),
        };
        assert_eq!((a, b), (text(), 2));
        let (a, [.., last]) = select! { tuple = ready((text(), [1, 2, 3])) => tuple };
        assert_eq!((a, last), (text(), 3));
        select! { _ = ready(text()) => {} }
    });
}

#[test]
fn handlers_are_part_of_the_function_around() {
    async fn early() -> u8 {
        select! {
            n = ready(1) => {
                if n == 1 {
                    return n;
                }
            }
        }
        2
    }
    async fn question() -> Result<u8, &'static str> {
        let n = select! { n = ready(Err("torn")) => n? };
        Ok(n)
    }
    async fn question_in_the_future() -> Result<u8, &'static str> {
        let future: Result<future::Ready<u8>, _> = Err("none");
        Ok(select! { n = future? => n })
    }
    future::block_on(async {
        assert_eq!(early().await, 1);
        assert_eq!(question().await, Err("torn"));
        assert_eq!(question_in_the_future().await, Err("none"));
        let awaited = select! { n = ready(1) => n + ready(1).await };
        assert_eq!(awaited, 2);
        let mut seen = Vec::new();
        let mut rounds = 0;
        let left = 'outer: loop {
            for n in 0.. {
                select! {
                    n = ready(n), if n < 3 => {
                        if n == 1 {
                            continue;
                        }
                        seen.push(n);
                    }
                    _ = ready(n), if n == 3 => break,
                    n = ready(n), if n > 100 => break 'outer n,
                }
            }
            rounds += 1;
            select! { n = ready(7), if rounds == 2 => break n, else => {} }
        };
        assert_eq!((seen, left), (vec![0, 2, 0, 2], 7));
    });
}

#[test]
fn the_futures_are_gone_when_the_handler_runs() {
    let (mut tx, mut rx) = spsc::channel(2);
    let (other, future) = probe::<u8>();
    future::block_on(async {
        tx.try_send(1).unwrap();
        tx.try_send(2).unwrap();
        select! {
            Ok(n) = rx.recv() => {
                assert_eq!(other.drops(), 1);
                // The borrow has ended with the future.
                assert_eq!((n, rx.try_recv()), (1, Ok(2)));
            }
            _ = future => unreachable!(),
        }
    });
}

#[test]
fn a_future_that_is_passed_by_reference_goes_on() {
    let task = Task::new();
    let timer = ManualTimer::new();
    let (tx, rx) = mpmc::channel(8);
    let mut all = Box::pin(async {
        let mut sum = 0;
        let mut deadline = pin!(timer.sleep_until(timer.now().saturating_add(SECOND)));
        loop {
            select! {
                item = rx.recv() => sum += item.unwrap(),
                () = &mut deadline => break sum,
            }
        }
    });
    for n in 0..5 {
        assert!(task.run(|cx| all.as_mut().poll(cx)).is_pending());
        tx.try_send(n).unwrap();
        timer.advance(SECOND / 10);
    }
    timer.advance(SECOND / 2);
    let sum = future::block_on(all);
    let left: u32 = (0..5).filter_map(|_| rx.try_recv().ok()).sum();
    assert_eq!(sum + left, 10, "none is lost");
}

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

#[test]
fn temporary_values_of_the_futures_live_as_long_as_they() {
    async fn len(text: &str) -> usize {
        text.len()
    }
    future::block_on(async {
        let n = select! { n = len(&String::from("four")) => n };
        assert_eq!(n, 4);
    });
}

#[test]
fn it_waits_and_is_woken_by_any_branch() {
    let task = Task::new();
    for branch in 0..2 {
        let ((a, fa), (b, fb)) = (probe(), probe());
        let mut chosen = Box::pin(async {
            select! {
                n = fa => n,
                n = fb => n + 10,
            }
        });
        assert!(task.run(|cx| chosen.as_mut().poll(cx)).is_pending());
        [&a, &b][branch].send(branch);
        let polled = task.run(|cx| chosen.as_mut().poll(cx));
        assert_eq!(polled, Poll::Ready([0, 11][branch]));
        assert_eq!((a.drops(), b.drops()), (1, 1));
    }
    assert_eq!(task.wakes(), 2);
}

#[test]
fn a_branch_may_be_another_macro_and_a_pattern_too() {
    macro_rules! one {
        ($n:pat) => {
            (1, $n)
        };
    }
    future::block_on(async {
        let n = select! {
            one!(n) = async { select! { n = ready(2) => (1, n) } } => n,
        };
        assert_eq!(n, 2);
    });
}

// -- beside others --

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn all_of_them_run_inside_of_tokios_select() {
    runtime().block_on(async {
        let (tx, rx) = mpmc::channel::<u32>(4);
        let (other_tx, mut other_rx) = tokio::sync::mpsc::channel::<u32>(4);
        let mut group = FutureGroup::new();
        let mut streams: StreamGroup<_> = [rx.clone()].into_iter().collect();
        let mut merged = merge(vec![rx.clone(), rx]);
        group.extend((0..4).map(ready));
        let sender = tokio::spawn(async move {
            for n in 0..40 {
                tx.send(n).await.unwrap();
                other_tx.send(n).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let (mut ours, mut theirs, mut outputs) = (0, 0, 0);
        let (mut ours_open, mut theirs_open) = (true, true);
        while ours_open || theirs_open {
            tokio::select! {
                item = merged.next(), if ours_open => match item {
                    Some(item) => ours += item.unwrap(),
                    None => ours_open = false,
                },
                Some(item) = streams.next() => ours += item.unwrap(),
                item = other_rx.recv() , if theirs_open => match item {
                    Some(item) => theirs += item,
                    None => theirs_open = false,
                },
                Some(n) = group.next() => outputs += n,
                (a, b) = join((pending::<u32>(), ready(1))) => unreachable!("{a} {b}"),
                _ = race([pending::<()>(), pending()]) => unreachable!(),
            }
        }
        sender.await.unwrap();
        assert_eq!((ours, theirs), (780, 780));
        assert!(outputs <= 6);
        let n = tokio::select! {
            n = race(vec![ready(1), ready(1)]) => n,
            n = pending() => n,
        };
        assert_eq!(n, 1);
    });
}

#[test]
fn all_of_them_run_inside_of_futures_select() {
    use futures_util::{FutureExt, StreamExt};
    future::block_on(async {
        let streams = [1, 2].map(|n| stream::iter(vec![n; 10]));
        let mut merged = merge(streams);
        let mut group: FutureGroup<_> = (0..10).map(ready).collect();
        let mut all = join(vec![ready(1), ready(2)]);
        let mut first = race((ready(5), pending()));
        let mut never = Box::pin(async {
            select! { n = pending::<u32>() => n }
        })
        .fuse();
        let (mut items, mut outputs, mut joined, mut won) = (0, 0, Vec::new(), 0);
        loop {
            futures_util::select! {
                item = merged.select_next_some() => items += item,
                output = group.select_next_some() => outputs += output,
                output = all => joined = output,
                output = first => won = output,
                _ = never => unreachable!(),
                default => break,
            }
        }
        assert_eq!((items, outputs, joined, won), (30, 45, vec![1, 2], 5));
    });
}

#[test]
fn their_futures_run_inside_of_ours() {
    runtime().block_on(async {
        let (tx, mut rx) = tokio::sync::mpsc::channel(1);
        tx.send(7).await.unwrap();
        let mut interval = tokio::time::interval(SECOND);
        let (mut ticks, mut items) = (0, 0);
        while ticks + items < 2 {
            select! {
                _ = interval.tick(), if ticks == 0 => ticks += 1,
                Some(n) = rx.recv(), if items == 0 => items += n / 7,
            }
        }
        let n = select! {
            n = async { tokio::select! { n = ready(1) => n, n = pending() => n } } => n,
        };
        assert_eq!(n, 1);
    });
}

#[test]
fn a_select_is_as_sendable_as_its_futures() {
    fn sendable<F: Future + Send>(future: F) -> F {
        future
    }
    let (_tx, rx) = mpmc::channel::<u8>(1);
    drop(sendable(async move {
        select! {
            item = rx.recv() => assert!(item.is_ok()),
            () = pending() => {}
        }
    }));
    let children: Vec<Pin<Box<dyn Future<Output = u8> + Send>>> = vec![Box::pin(ready(1))];
    drop(sendable(race(children)));
    drop(sendable(async {
        let mut group: FutureGroup<_> = [ready(1)].into_iter().collect();
        group.next().await
    }));
}
