//! `ci/bench memory`: pools and buffers against malloc, heapless' pool, copies, and tokio's pipe.

use std::alloc::{Layout, alloc, dealloc};
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_core::Stream;
use heapless::pool::object::{ObjectBlock, ObjectPool};
use peers::{Large, Middle, Small};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Builder;
use zigflow::tokio::{TokioReader, TokioWriter};
use zigflow::{ByteReader, ByteWriter, Pool};
use zigflow_bench::summary::{self, Contest, Row};
use zigflow_bench::{allocated, lent, pooled};

fn main() {
    let mut rows = Vec::new();
    rows.extend(sum_64k());
    rows.extend(pool_pair());
    rows.extend(pool_alone::<Small, 64>("pool_alone_64"));
    rows.extend(pool_alone::<Middle, 1024>("pool_alone_1k"));
    rows.extend(pool_alone::<Large, 65_536>("pool_alone_64k"));
    rows.extend(pipe_buf());
    summary::print(&rows);
}

const CHUNK: u32 = 65_536;

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

/// The next item of a stream that is always ready.
fn next<S: Stream<Item = Result<B, zigflow::StreamError>> + Unpin, B>(stream: &mut S) -> B {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match Pin::new(&mut *stream).poll_next(&mut cx) {
            Poll::Ready(Some(item)) => return item.expect("it never fails"),
            Poll::Ready(None) => unreachable!("it never ends"),
            Poll::Pending => {} // its budget
        }
    }
}

/// Chunks of 64 KiB from Zig, the sum of all bytes. Each side reads one piece of memory again and again.
fn sum_64k() -> Vec<Row> {
    const CHUNKS: u64 = 20_000;
    let mut ours = pooled(1, CHUNK).unwrap();
    let mut owned = allocated(CHUNK).unwrap();
    let mut copied = lent(CHUNK).unwrap();
    let memory = vec![0_u8; CHUNK as usize];
    let all = |chunks: u64, one: &mut dyn FnMut() -> u64| {
        let total: u64 = (0..chunks).map(|_| one()).sum();
        assert_eq!(black_box(total), 0);
    };
    Contest::new("sum_64k", CHUNKS, |chunks| all(chunks, &mut || sum(&next(&mut ours))))
        .against("one_language", |chunks| all(chunks, &mut || sum(black_box(&memory))))
        .beside("zero_copy_malloc", |chunks| {
            (0..chunks).for_each(|_| {
                black_box(sum(&next(&mut owned)));
            });
        })
        .beside("copied", |chunks| all(chunks, &mut || sum(&next(&mut copied))))
        .run(Some(0.97))
}

/// What malloc gives.
struct Raw(*mut u8);

// SAFETY: memory may be freed on any thread.
unsafe impl Send for Raw {}

const LAYOUT: Layout = match Layout::from_size_align(CHUNK as usize, 64) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

/// One thread takes, another gives back; a ring of 64 between them.
fn pool_pair() -> Vec<Row> {
    const BLOCKS: u64 = 400_000;
    fn pair<T: Send>(
        operations: u64,
        take: impl Fn() -> Option<T> + Send,
        give: impl Fn(T) + Send,
    ) {
        let (mut tx, mut rx) = rtrb::RingBuffer::new(64);
        thread::scope(|scope| {
            scope.spawn(move || {
                for _ in 0..operations {
                    let mut block = loop {
                        match take() {
                            Some(block) => break block,
                            None => thread::yield_now(),
                        }
                    };
                    while let Err(rtrb::PushError::Full(back)) = tx.push(block) {
                        block = back;
                        thread::yield_now();
                    }
                }
            });
            for _ in 0..operations {
                let block = loop {
                    match rx.pop() {
                        Ok(block) => break block,
                        Err(_) => thread::yield_now(),
                    }
                };
                give(block);
            }
        });
    }
    let pool = Pool::new(128, CHUNK as usize);
    Contest::new("pool_pair", BLOCKS, |blocks| pair(blocks, || pool.try_acquire(), drop))
        .against("malloc", |blocks| {
            // SAFETY: of a size, and freed once with the same layout.
            pair(
                blocks,
                || Some(Raw(unsafe { alloc(LAYOUT) })),
                |raw| unsafe {
                    dealloc(raw.0, LAYOUT);
                },
            );
        })
        .beside("transport", |blocks| {
            pair(
                blocks,
                || Some(1_usize),
                |raw| {
                    black_box(raw);
                },
            )
        })
        .run(Some(3.0))
}

// No documentation comes from the macro.
#[allow(missing_docs)]
mod peers {
    use heapless::object_pool;

    object_pool!(Small: [u8; 64]);
    object_pool!(Middle: [u8; 1024]);
    object_pool!(Large: [u8; 65_536]);
}

/// One thread takes and gives back.
fn pool_alone<P: ObjectPool<Data = [u8; N]>, const N: usize>(name: &'static str) -> Vec<Row> {
    const ROUNDS: u64 = 5_000_000;
    let pool = Pool::new(16, N);
    let layout = Layout::from_size_align(N, 1).unwrap();
    (0..16).for_each(|_| P::manage(Box::leak(Box::new(ObjectBlock::new([0; N])))));
    Contest::new(name, ROUNDS, |rounds| {
        (0..rounds).for_each(|_| drop(black_box(pool.try_acquire())));
    })
    .beside("malloc", |rounds| {
        (0..rounds).for_each(|_| {
            // SAFETY: of a size, and freed with the same layout.
            unsafe { dealloc(black_box(alloc(layout)), layout) };
        });
    })
    .beside("heapless_pool", |rounds| {
        (0..rounds).for_each(|_| drop(black_box(P::request())));
    })
    .run(None)
}

/// 64-KiB chunks of Zig's memory to `tokio::io::copy_buf`: from the stream itself, and through tokio's pipe in memory, into
/// which another task writes them.
fn pipe_buf() -> Vec<Row> {
    const CHUNKS: u64 = 4_000;
    let runtime = Builder::new_current_thread().build().unwrap();
    let ours = |chunks: u64| {
        let stream = pooled(4, CHUNK).unwrap();
        let mut reader = TokioReader(ByteReader::new(Taken { stream, left: chunks }));
        let copied = runtime.block_on(async {
            tokio::io::copy_buf(&mut reader, &mut tokio::io::sink()).await.unwrap()
        });
        assert_eq!(copied, chunks * u64::from(CHUNK));
    };
    // From Rust to Rust by way of blocks: one copy, into the block.
    let written = |chunks: u64| {
        let pool = Pool::new(4, CHUNK as usize);
        let (tx, rx) = zigflow::spsc::channel(4);
        let mut writer = TokioWriter(ByteWriter::new(&pool, tx));
        let mut reader = TokioReader(ByteReader::new(rx));
        let source = vec![0_u8; CHUNK as usize];
        runtime.block_on(async {
            let write = async move {
                for _ in 0..chunks {
                    writer.write_all(&source).await.unwrap();
                }
                writer.shutdown().await.unwrap();
            };
            let mut sink = tokio::io::sink();
            let read = tokio::io::copy_buf(&mut reader, &mut sink);
            let ((), copied) = futures_lite::future::zip(write, read).await;
            assert_eq!(copied.unwrap(), chunks * u64::from(CHUNK));
        });
    };
    let duplex = |chunks: u64| {
        let (mut writer, reader) = tokio::io::duplex(CHUNK as usize);
        let mut reader = tokio::io::BufReader::with_capacity(CHUNK as usize, reader);
        let mut stream = pooled(4, CHUNK).unwrap();
        runtime.block_on(async {
            let write = async move {
                for _ in 0..chunks {
                    let chunk = next(&mut stream);
                    writer.write_all(&chunk).await.unwrap();
                }
            };
            let mut sink = tokio::io::sink();
            let read = tokio::io::copy_buf(&mut reader, &mut sink);
            let ((), copied) = futures_lite::future::zip(write, read).await;
            assert_eq!(copied.unwrap(), chunks * u64::from(CHUNK));
        });
    };
    Contest::new("pipe_buf", CHUNKS, ours)
        .against("tokio_duplex", duplex)
        .beside("byte_writer", written)
        .run(Some(3.0))
}

/// The first items of a stream.
struct Taken<S> {
    stream: S,
    left: u64,
}

impl<S: Stream + Unpin> Stream for Taken<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.stream).poll_next(cx);
        self.left -= u64::from(matches!(polled, Poll::Ready(Some(_))));
        polled
    }
}
