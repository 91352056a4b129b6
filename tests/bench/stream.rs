//! `ci/bench stream`: polls, wakes and files, against what else there is.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use atomic_waker::AtomicWaker;
use futures_core::Stream;
use futures_lite::StreamExt;
use zigflow_bench::{
    Counting, allocations, bench_direct, bench_wake, compare, endless, file, waiting,
};

#[global_allocator]
static GLOBAL: Counting = Counting;

fn main() {
    poll_ready();
    pending_wake();
    let folder = std::env::args().nth(1).expect("usage: stream FOLDER-FOR-FILES");
    file_lend(Path::new(&folder));
}

struct CountingWake(AtomicU64);

impl Wake for CountingWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn counting_waker() -> (Arc<CountingWake>, Waker) {
    let count = Arc::new(CountingWake(AtomicU64::new(0)));
    (count.clone(), count.into())
}

/// One ready item through a `ZigStream` (budget and all), against the bare call of the Zig function.
fn poll_ready() {
    let (_, waker) = counting_waker();
    let mut cx = Context::from_waker(&waker);
    let mut stream = endless(0).unwrap();
    let mut ours = |operations| {
        let (mut left, mut sum) = (operations, 0u64);
        while left > 0 {
            if let Poll::Ready(Some(Ok(item))) = Pin::new(&mut stream).poll_next(&mut cx) {
                sum = sum.wrapping_add(item);
                left -= 1;
            }
        }
        black_box(sum);
    };
    let direct = black_box(bench_direct as unsafe extern "C" fn(*mut u64, *mut u64) -> u32);
    let mut state = 0;
    let mut theirs = |operations| {
        let mut sum = 0u64;
        for _ in 0..operations {
            let mut item = 0;
            // SAFETY: the Zig function reads and writes the two numbers.
            if unsafe { direct(&mut state, &mut item) } == 0 {
                sum = sum.wrapping_add(item);
            }
        }
        black_box(sum);
    };
    compare("poll_ready", 20_000_000, &mut ours, &mut [("zig_function_pointer", &mut theirs)]);
}

/// Where a peer's future keeps its waker until it is woken: what the field uses for that.
static SLOT: AtomicWaker = AtomicWaker::new();

struct PeerFuture;

impl Future for PeerFuture {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        SLOT.register(cx.waker());
        Poll::Pending
    }
}

/// A pending poll that stores its waker, then the wake.
fn pending_wake() {
    let (count, waker) = counting_waker();
    let mut cx = Context::from_waker(&waker);
    let mut stream = waiting().unwrap();
    let mut ours = |operations| {
        for _ in 0..operations {
            assert!(Pin::new(&mut stream).poll_next(&mut cx).is_pending());
            bench_wake();
        }
    };
    ours(1);
    let (before, references) = (allocations(), Arc::strong_count(&count));
    ours(1000);
    let allocated = allocations() - before;
    let cloned = Arc::strong_count(&count) - references;
    println!("count pending_wake allocations={allocated} clones={cloned} cycles=1000");
    assert_eq!((allocated, cloned), (0, 0));

    let mut cx_ffi = Context::from_waker(&waker);
    let mut ffi = async_ffi::FutureExt::into_ffi(PeerFuture);
    let mut async_ffi = |operations| {
        for _ in 0..operations {
            assert!(Pin::new(&mut ffi).poll(&mut cx_ffi).is_pending());
            SLOT.wake();
        }
    };
    let mut cx_stabby = Context::from_waker(&waker);
    let boxed = stabby::boxed::Box::new(PeerFuture);
    let mut dynamic: stabby::dynptr!(
        stabby::boxed::Box<dyn stabby::future::Future<Output = ()> + Send>
    ) = boxed.into();
    let mut stabby = |operations| {
        for _ in 0..operations {
            assert!(Pin::new(&mut dynamic).poll(&mut cx_stabby).is_pending());
            SLOT.wake();
        }
    };
    compare(
        "pending_wake",
        2_000_000,
        &mut ours,
        &mut [("async-ffi", &mut async_ffi), ("stabby", &mut stabby)],
    );
    assert!(count.0.load(Relaxed) > 0);
}

const CHUNK_BYTES: usize = 64 * 1024;
const FILE_BYTES: u64 = 256 << 20;

/// A file in the page cache, 64 KiB at a time. Nanoseconds per chunk.
fn file_lend(folder: &Path) {
    let path = folder.join("bench-file.bin");
    make_file(&path, FILE_BYTES);
    let name = path.to_str().expect("the folder's name is UTF-8");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lap = |bytes: u64| assert_eq!(bytes, FILE_BYTES);

    let mut ours = |_| {
        lap(runtime.block_on(async {
            let mut stream = file(name, CHUNK_BYTES as u64).unwrap();
            let mut bytes = 0;
            while let Some(chunk) = stream.next_chunk().await.unwrap() {
                bytes += black_box(chunk).len() as u64;
            }
            bytes
        }));
    };
    let mut std_read = |_| {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut file = File::open(&path).unwrap();
        let mut bytes = 0;
        loop {
            match file.read(&mut buffer).unwrap() {
                0 => break,
                count => bytes += black_box(&buffer[..count]).len() as u64,
            }
        }
        lap(bytes);
    };
    let mut reader_stream = |_| {
        lap(runtime.block_on(async {
            let file = tokio::fs::File::open(&path).await.unwrap();
            let mut stream = tokio_util::io::ReaderStream::with_capacity(file, CHUNK_BYTES);
            let mut bytes = 0;
            while let Some(chunk) = stream.next().await {
                bytes += black_box(chunk.unwrap()).len() as u64;
            }
            bytes
        }));
    };
    let chunks = FILE_BYTES / CHUNK_BYTES as u64;
    compare(
        "file_lend",
        chunks,
        &mut ours,
        &mut [("std_read_loop", &mut std_read), ("tokio_reader_stream", &mut reader_stream)],
    );

    let (before, resident) = (allocations(), resident_kib());
    for _ in 0..4 {
        ours(0);
    }
    let (allocated, grown) = (allocations() - before, resident_kib().saturating_sub(resident));
    println!(
        "memory file_lend bytes={} allocations={allocated} resident_growth_kib={grown}",
        4 * FILE_BYTES
    );
}

fn make_file(path: &Path, bytes: u64) {
    if std::fs::metadata(path).is_ok_and(|file| file.len() == bytes) {
        return;
    }
    let mut file = File::create(path).unwrap();
    let block: Vec<u8> =
        (0..1 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for _ in 0..bytes / block.len() as u64 {
        file.write_all(&block).unwrap();
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
