//! Many streams with Zig threads, dropped and made again at random, polled by tasks that move between
//! threads. For ThreadSanitizer too. `ZIGFLOW_STRESS_SECONDS` says how long, `ZIGFLOW_STRESS_SEED` repeats a
//! run.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use futures_core::Stream;
use futures_lite::{StreamExt, future};
use zigflow::ZigStream;
use zigflow::time::{Clock, TimeoutError, Timer, timeout};
use zigflow::tokio::TokioTimer;
use zigflow_tests::task::{BOUND, Task, until, waker_fn};
use zigflow_tests::{self as zig, Channel, driven};

const STREAMS: u64 = 64;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

#[derive(Default)]
struct Seen {
    items: AtomicU64,
    ended: AtomicU64,
    dropped: AtomicU64,
    elapsed: AtomicU64,
    moved: AtomicU64,
}

/// What all tasks share: a stream that somebody left for the next, and how far it was.
type Shelf = Mutex<Vec<(ZigStream<u32>, u32, u32)>>;

/// One test, so that nothing else is alive at its end.
#[test]
fn every_item_once_in_order_and_nothing_left() {
    let seconds = number("ZIGFLOW_STRESS_SECONDS").unwrap_or(3);
    let seed = number("ZIGFLOW_STRESS_SEED");
    let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("ZIGFLOW_STRESS_SECONDS={seconds} ZIGFLOW_STRESS_SEED={seed}");
    let end = Instant::now() + Duration::from_secs(seconds);
    let (seen, shelf) = (Arc::new(Seen::default()), Arc::new(Shelf::default()));

    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(4).enable_time().build().unwrap();
    let tasks: Vec<_> = (0..STREAMS)
        .map(|task| {
            let random = Random((seed ^ (task << 32)).max(1));
            runtime.spawn(streams(random, end, seen.clone(), shelf.clone()))
        })
        .collect();
    let pushers = [1, 2].map(|n| {
        let seen = seen.clone();
        thread::spawn(move || channels(Random((seed ^ n).max(1)), end, &seen))
    });
    for task in tasks {
        let limit = Duration::from_secs(seconds) + BOUND;
        let task = runtime.block_on(async { timeout(&TokioTimer::new(), limit, task).await });
        task.expect("no wake is lost").unwrap();
    }
    for pusher in pushers {
        pusher.join().unwrap();
    }
    shelf.lock().unwrap().clear();
    drop(runtime);

    // Zig's threads see that their streams are gone.
    until(|| driven::live() == 0);
    let Seen { items, ended, dropped, elapsed, moved } = &*seen;
    println!(
        "{items:?} items; {ended:?} streams ended, {dropped:?} dropped, {elapsed:?} out of time; {moved:?} moved"
    );
    for count in [items, ended, dropped, elapsed, moved] {
        assert!(seconds == 0 || count.load(Relaxed) > 0, "a case that never came");
    }
}

/// One task: streams of Zig threads, one after the other.
async fn streams(mut random: Random, end: Instant, seen: Arc<Seen>, shelf: Arc<Shelf>) {
    let timer = TokioTimer::new();
    while Instant::now() < end {
        let left = if random.below(4) == 0 { shelf.lock().unwrap().pop() } else { None };
        let (mut stream, mut next, total) = left.unwrap_or_else(|| {
            let total = random.below(2000) as u32;
            (zig::worked(total).unwrap(), 0, total)
        });
        stream.set_budget(1 + random.below(200) as u32);
        let stop_at = next + random.below(3000) as u32;
        let fate = random.below(4);
        loop {
            if next >= stop_at {
                match fate {
                    // Left behind while the Zig thread runs; the next owner has another waker.
                    0 => {
                        shelf.lock().unwrap().push((stream, next, total));
                        seen.moved.fetch_add(1, Relaxed);
                    }
                    // Dropped on another thread.
                    1 => {
                        tokio::task::spawn_blocking(move || drop(stream)).await.unwrap();
                        seen.dropped.fetch_add(1, Relaxed);
                    }
                    _ => {
                        drop(stream);
                        seen.dropped.fetch_add(1, Relaxed);
                    }
                }
                break;
            }
            // Another waker, for one poll: what comes may be an item.
            let item = if random.below(16) == 0 {
                let other = Task::new();
                match other.next(&mut stream) {
                    Poll::Ready(item) => item,
                    Poll::Pending => stream.next().await,
                }
            } else if random.below(64) == 0 {
                // A `next` that is dropped loses nothing.
                let short = Duration::from_micros(random.below(50));
                match timeout(&timer, short, stream.next()).await {
                    Ok(item) => item,
                    Err(TimeoutError::Elapsed) => {
                        seen.elapsed.fetch_add(1, Relaxed);
                        continue;
                    }
                    Err(other) => panic!("{other:?}"),
                }
            } else {
                stream.next().await
            };
            match item {
                Some(item) => {
                    assert_eq!(item, Ok(next));
                    next += 1;
                    seen.items.fetch_add(1, Relaxed);
                }
                None => {
                    assert_eq!(next, total, "the end came early");
                    seen.ended.fetch_add(1, Relaxed);
                    break;
                }
            }
        }
        if random.below(100) == 0 {
            timer.sleep_until(timer.now().saturating_add(Duration::from_micros(100))).await;
        }
        // A pending stream whose time runs out, with its channel held by a waker that outlives it.
        if random.below(50) == 0 {
            let mut channel = Channel::new();
            let mut keeper = channel.keeper();
            let polled = async { future::poll_fn(|cx| Pin::new(&mut keeper).poll_next(cx)).await };
            assert_eq!(timeout(&timer, Duration::ZERO, polled).await, Err(TimeoutError::Elapsed));
            drop(keeper);
            channel.wake_kept();
            seen.elapsed.fetch_add(1, Relaxed);
        }
    }
}

/// One thread: streams that two Rust threads push to, awaited, or dropped inside of their own wakes.
fn channels(mut random: Random, end: Instant, seen: &Seen) {
    while Instant::now() < end {
        let channel = Channel::new();
        let stream = Arc::new(Mutex::new(Some(channel.stream())));
        let place = stream.clone();
        let drops = random.below(2) == 0;
        // Few, so that often the last one meets the other's wake: a lost wake shows at the last one only.
        let pushes = 1 + random.below(if drops { 100 } else { 3 }) as u32;
        let task = Task::new();
        let woken = task.waker();
        let waker = waker_fn(move || {
            if drops && let Ok(mut place) = place.try_lock() {
                let stream = place.take();
                drop(place);
                drop(stream);
            }
            woken.wake_by_ref();
            thread::yield_now();
        });
        let mut next = 0;
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..pushes).for_each(|_| channel.push(1)));
            }
            while next < 2 * pushes {
                let wakes = task.wakes();
                let mut place = stream.lock().unwrap();
                let Some(stream) = place.as_mut() else { break };
                let mut cx = Context::from_waker(&waker);
                match Pin::new(stream).poll_next(&mut cx) {
                    Poll::Ready(item) => {
                        assert_eq!(item, Some(Ok(next)));
                        next += 1;
                    }
                    Poll::Pending => {
                        drop(place);
                        task.wait_for(wakes + 1);
                    }
                }
            }
        });
        seen.items.fetch_add(u64::from(next), Relaxed);
        stream.lock().unwrap().take();
        assert_eq!(channel.deinits(), 1);
    }
}
