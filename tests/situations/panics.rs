//! A panic in Zig: one report that says what and where, then the end of the process.
#![cfg(unix)]

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Context, Wake, Waker};
use std::thread;

use zigflow::set_zig_panic_hook;
use zigflow_tests::task::Task;
use zigflow_tests::{self as zig, child};

const MESSAGE: &str = "index out of bounds: index 5, len 3";

/// In the child: what no panic may reach.
struct Unwound;

impl Drop for Unwound {
    fn drop(&mut self) {
        eprintln!("unwound through Zig");
    }
}

fn panic_in_zig() {
    let _unwound = Unwound;
    let mut stream = zig::panicking(5).unwrap();
    let item = Task::new().next(&mut stream);
    eprintln!("came back with {item:?}");
}

#[test]
fn the_report_has_the_message_and_the_zig_line_and_comes_once() {
    if child::is_child() {
        return panic_in_zig();
    }
    let stderr = child::aborts("the_report_has_the_message_and_the_zig_line_and_comes_once");
    assert_eq!(stderr.matches(MESSAGE).count(), 1, "{stderr}");
    assert_eq!(stderr.matches("zig panic:").count(), 1, "{stderr}");
    for unwanted in ["unwound", "came back", "panicked at"] {
        assert!(!stderr.contains(unwanted), "{stderr}");
    }

    // The line of the access, in the backtrace.
    let sources = include_str!("../zig/sources.zig");
    let line = 1 + sources.lines().position(|line| line.contains("three[self.index]")).unwrap();
    assert!(stderr.contains(&format!("zig/sources.zig:{line}")), "{line}: {stderr}");
}

#[test]
fn a_completion_that_is_given_up_twice_is_found() {
    if !child::is_child() {
        let stderr = child::aborts("a_completion_that_is_given_up_twice_is_found");
        assert!(stderr.contains("a zigflow.Completion was given up twice"), "{stderr}");
        return;
    }
    let (held, _future) = zig::futures::Held::new(14);
    let again = held.copy();
    drop(held);
    drop(again);
}

/// Pitfall 25 of the list that this project keeps: a Rust panic never unwinds into Zig.
#[test]
fn pitfall_25_a_waker_that_panics_in_a_completion_ends_the_process_within_rust() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }

    if !child::is_child() {
        let stderr = child::aborts(
            "pitfall_25_a_waker_that_panics_in_a_completion_ends_the_process_within_rust",
        );
        assert!(stderr.contains("in a waker") && !stderr.contains("unwound"), "{stderr}");
        return;
    }
    let _unwound = Unwound;
    let (held, mut future) = zig::futures::Held::new(0);
    let waker = Waker::from(Arc::new(Panics));
    assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_pending());
    held.resolve(1);
    eprintln!("unwound: came back");
}

#[test]
fn items_before_the_panic_arrive() {
    if !child::is_child() {
        let stderr = child::aborts("items_before_the_panic_arrive");
        assert!(stderr.contains("got 1, 2, 3"), "{stderr}");
        assert!(stderr.contains("index out of bounds: index 3, len 3"), "{stderr}");
        return;
    }
    let mut stream = zig::panicking(0).unwrap();
    let task = Task::new();
    let mut items = Vec::new();
    for _ in 0..3 {
        if let std::task::Poll::Ready(Some(Ok(item))) = task.next(&mut stream) {
            items.push(item.to_string());
        }
    }
    eprintln!("got {}", items.join(", "));
    let _ = task.next(&mut stream);
}

#[test]
fn a_hook_takes_the_place_of_the_report() {
    if !child::is_child() {
        let stderr = child::aborts("a_hook_takes_the_place_of_the_report");
        assert_eq!(stderr.matches(MESSAGE).count(), 1, "{stderr}");
        assert!(stderr.contains(&format!("the hook says: {MESSAGE} at an address")), "{stderr}");
        assert!(!stderr.contains("zig panic:"), "{stderr}");
        return;
    }
    set_zig_panic_hook(|_| eprintln!("replaced before it was used: {MESSAGE}"));
    set_zig_panic_hook(|panic| {
        let address = if panic.return_address() != 0 { "an address" } else { "nowhere" };
        eprintln!("the hook says: {} at {address}", panic.message());
    });
    panic_in_zig();
}

#[test]
fn a_hook_that_panics_adds_its_message_and_aborts() {
    if !child::is_child() {
        let stderr = child::aborts("a_hook_that_panics_adds_its_message_and_aborts");
        assert_eq!(stderr.matches("the hook itself").count(), 1, "{stderr}");
        assert!(!stderr.contains("unwound"), "{stderr}");
        return;
    }
    set_zig_panic_hook(|_| panic!("the hook itself"));
    panic_in_zig();
}

#[test]
fn a_hook_that_makes_zig_panic_again_is_called_once() {
    if !child::is_child() {
        let stderr = child::aborts("a_hook_that_makes_zig_panic_again_is_called_once");
        assert_eq!(stderr.matches("the hook runs").count(), 1, "{stderr}");
        return;
    }
    set_zig_panic_hook(|_| {
        eprintln!("the hook runs");
        panic_in_zig();
    });
    panic_in_zig();
}

/// The second thread must not end the process while the first one still reports.
#[test]
fn a_panic_on_two_threads_is_one_whole_report() {
    if !child::is_child() {
        let stderr = child::aborts("a_panic_on_two_threads_is_one_whole_report");
        assert_eq!(stderr.matches("begin: ").count(), 1, "{stderr}");
        assert_eq!(stderr.matches("the end of the report").count(), 1, "{stderr}");
        return;
    }
    static ABOUT_TO: AtomicUsize = AtomicUsize::new(0);
    const THREADS: usize = 4;
    set_zig_panic_hook(|panic| {
        eprintln!("begin: {panic}");
        // The others are here, or in their last steps.
        while ABOUT_TO.load(SeqCst) < THREADS {
            thread::yield_now();
        }
        for _ in 0..100_000 {
            thread::yield_now();
        }
        eprintln!("the end of the report");
    });
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                ABOUT_TO.fetch_add(1, SeqCst);
                panic_in_zig();
            });
        }
    });
}
