//! `ci/bench channel [CASE…]`: items between threads and tasks, against the channels of the field. A
//! CASE is the beginning of a case's name; without one, all run.

#[path = "channel/bare.rs"]
mod bare;
#[path = "channel/cores.rs"]
mod cores;
#[path = "channel/flows.rs"]
mod flows;
#[path = "channel/ours.rs"]
mod ours;
#[path = "channel/peers.rs"]
mod peers;

use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

use cores::Cores;
use peers::{AsyncChannel, Crossbeam, Flume, Kanal, Rtrb, Thingbuf, TokioMpsc};
use zigflow_bench::summary::{self, Case, Contest, Row};

/// Items of a run: 3 million, and full chunks.
const ITEMS: u64 = 12_000 * bare::MANY as u64;
/// In the `many` cases more: a run is to be long against the start of its thread.
const ITEMS_OF_MANY: u64 = 10 * ITEMS;
/// Items there and back of a run: each costs two wakes of a sleeping thread.
const PING_PONGS: u64 = 10_000;
/// Tasks wake each other on one worker, without a sleep.
const PING_PONGS_OF_TASKS: u64 = 200_000;
/// 1 GiB each.
const GRANTED_64: u64 = (1 << 30) / 64;
const GRANTED_4096: u64 = (1 << 30) / 4096;

const CASES: [Case; 13] = [
    ("zig_rust_one", zig_rust_one),
    ("zig_rust_many", zig_rust_many),
    ("rust_zig_one", rust_zig_one),
    ("rust_zig_many", rust_zig_many),
    ("rust_rust_one", rust_rust_one),
    ("grant_64", grant_64),
    ("grant_4096", grant_4096),
    ("mpmc_2x2", mpmc_2x2),
    ("unbounded_2x2", unbounded_2x2),
    ("ping_pong", ping_pong),
    ("ping_pong_apart", ping_pong_apart),
    ("ping_pong_zig", ping_pong_zig),
    ("ping_pong_tokio", ping_pong_tokio),
];

fn main() -> ExitCode {
    summary::run_chosen(&CASES)
}

/// Without `net`, tokio has no I/O driver: a thread without a ready task sleeps on a condition variable.
fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A contest with all peers that move one item at a time from an end to another. Crossbeam's and
/// rtrb's tasks occupy their thread while they wait, so they are for information.
macro_rules! against_all {
    ($contest:expr, $flow:ident, $runtime:ident) => {
        $contest
            .against("tokio_mpsc", |items| flows::$flow::<TokioMpsc>(&$runtime, items))
            .against("async-channel", |items| flows::$flow::<AsyncChannel>(&$runtime, items))
            .against("flume", |items| flows::$flow::<Flume>(&$runtime, items))
            .against("kanal", |items| flows::$flow::<Kanal>(&$runtime, items))
            .against("thingbuf", |items| flows::$flow::<Thingbuf>(&$runtime, items))
            .beside("crossbeam_blocking", |items| flows::$flow::<Crossbeam>(&$runtime, items))
            .beside("rtrb_spinning", |items| flows::$flow::<Rtrb>(&$runtime, items))
    };
}

fn zig_rust_one(name: &'static str) -> Vec<Row> {
    let runtime = one_thread();
    let contest = Contest::new(name, ITEMS, |items| ours::zig_rust_one(&runtime, items));
    against_all!(contest, thread_to_task_one, runtime).run(Some(3.0))
}

fn zig_rust_many(name: &'static str) -> Vec<Row> {
    let runtime = one_thread();
    Contest::new(name, ITEMS_OF_MANY, |items| ours::zig_rust_many(&runtime, items))
        .against("rtrb_chunks_spinning", bare::rtrb_chunks)
        .run(Some(0.4))
}

fn rust_zig_one(name: &'static str) -> Vec<Row> {
    let runtime = one_thread();
    let contest = Contest::new(name, ITEMS, |items| ours::rust_zig_one(&runtime, items));
    against_all!(contest, task_to_thread_one, runtime).run(Some(3.0))
}

fn rust_zig_many(name: &'static str) -> Vec<Row> {
    let runtime = one_thread();
    Contest::new(name, ITEMS_OF_MANY, |items| ours::rust_zig_many(&runtime, items))
        .against("rtrb_chunks_spinning", bare::rtrb_chunks)
        .run(Some(0.4))
}

fn rust_rust_one(name: &'static str) -> Vec<Row> {
    let runtime = one_thread();
    let contest = Contest::new(name, ITEMS, |items| ours::rust_rust_one(&runtime, items));
    against_all!(contest, thread_to_task_one, runtime).run(None)
}

fn grant_64(name: &'static str) -> Vec<Row> {
    Contest::new(name, GRANTED_64, ours::grants::<64>)
        .against("copy_from_slice", bare::memcpy::<64>)
        .run(Some(0.83))
}

fn grant_4096(name: &'static str) -> Vec<Row> {
    Contest::new(name, GRANTED_4096, ours::grants::<4096>)
        .against("copy_from_slice", bare::memcpy::<4096>)
        .run(Some(0.83))
}

fn mpmc_2x2(name: &'static str) -> Vec<Row> {
    Contest::new(name, ITEMS, ours::mpmc_2x2)
        .against("async-channel", flows::two_by_two::<AsyncChannel>)
        .against("flume", flows::two_by_two::<Flume>)
        .against("kanal", flows::two_by_two::<Kanal>)
        .against("crossbeam", flows::two_by_two::<Crossbeam>)
        .run(Some(1.5))
}

fn unbounded_2x2(name: &'static str) -> Vec<Row> {
    Contest::new(name, ITEMS, ours::unbounded_2x2)
        .against("async-channel", flows::unbounded_two_by_two::<AsyncChannel>)
        .against("flume", flows::unbounded_two_by_two::<Flume>)
        .against("kanal", flows::unbounded_two_by_two::<Kanal>)
        .against("crossbeam", flows::unbounded_two_by_two::<Crossbeam>)
        .run(None)
}

fn ping_pong(name: &'static str) -> Vec<Row> {
    ping_pong_on(Cores::One, name)
}

fn ping_pong_apart(name: &'static str) -> Vec<Row> {
    ping_pong_on(Cores::Two, name)
}

fn ping_pong_on(cores: Cores, name: &'static str) -> Vec<Row> {
    Contest::new(name, PING_PONGS, |items| ours::ping_pong(cores, items))
        .against("park_unpark", |items| bare::park_unpark(cores, items))
        .beside("kanal", |items| flows::ping_pong::<Kanal>(cores, items))
        .beside("crossbeam", |items| flows::ping_pong::<Crossbeam>(cores, items))
        .beside("async-channel", |items| flows::ping_pong::<AsyncChannel>(cores, items))
        .run(Some(0.77))
}

fn ping_pong_zig(name: &'static str) -> Vec<Row> {
    Contest::new(name, PING_PONGS, |items| ours::ping_pong_zig(Cores::One, items))
        .against("park_unpark", |items| bare::park_unpark(Cores::One, items))
        .run(Some(0.77))
}

fn ping_pong_tokio(name: &'static str) -> Vec<Row> {
    let runtime = two_threads();
    Contest::new(name, PING_PONGS_OF_TASKS, |items| ours::ping_pong_tokio(&runtime, items))
        .against("tokio_mpsc", |items| flows::ping_pong_tasks::<TokioMpsc>(&runtime, items))
        .run(Some(0.77))
}
