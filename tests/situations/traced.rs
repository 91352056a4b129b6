//! The feature `tracing`: what a usual subscriber prints of monitored channels and probed futures, and what tokio-console
//! looks for. (tests/console asks tokio-console's own subscriber; `ci/nightly` runs it.)

use std::io::Write;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tracing_subscriber::fmt::format::FmtSpan;
use zigflow::profile::Probe;
use zigflow::spsc;
use zigflow::time::{ManualTimer, Timer};
use zigflow_tests::task::Task;

/// What is called for each line that is printed.
#[derive(Clone)]
struct Lines<F>(Arc<Mutex<F>>);

impl<F: FnMut(&str)> Write for Lines<F> {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        (self.0.lock().unwrap())(std::str::from_utf8(text).unwrap().trim());
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a subscriber of all levels prints while `f` runs, line by line.
fn printed(f: impl FnOnce()) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    print_to(move |line| kept.lock().unwrap().push(line.to_owned()), f);
    std::mem::take(&mut lines.lock().unwrap())
}

fn print_to(line: impl FnMut(&str) + Send + 'static, f: impl FnOnce()) {
    let lines = Lines(Arc::new(Mutex::new(line)));
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .without_time()
        .with_writer(move || Lines(lines.0.clone()))
        .finish();
    tracing::subscriber::with_default(subscriber, f);
}

/// Without those for tokio-console.
fn for_people(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.contains("runtime")).collect()
}

#[test]
fn the_ends_of_a_monitored_channel_tell_when_they_sleep_and_are_woken() {
    let said = for_people(printed(|| receive_after(Duration::from_micros(7))));
    assert_eq!(
        said,
        [
            r#"TRACE zigflow::channel: asleep side="receiver""#,
            r#"TRACE zigflow::channel: woken side="receiver" waited_ns=7000"#,
        ]
    );
}

/// A receiver that is sent something after so long.
fn receive_after(pause: Duration) {
    let clock = ManualTimer::new();
    let (mut tx, mut rx, _monitor) = spsc::monitored::<u32>(1, clock.clone());
    let task = Task::new();
    let mut recv = pin!(rx.recv());
    assert!(task.run(|cx| recv.as_mut().poll(cx)).is_pending());
    clock.advance(pause);
    tx.try_send(1).unwrap();
    assert!(task.run(|cx| recv.as_mut().poll(cx)).is_ready());
}

/// Where these resources are made.
const HERE: &str = r#"loc.file="tests/situations/traced.rs" loc.line="#;

#[test]
fn a_monitored_channel_is_a_resource_with_who_waits_as_its_state() {
    let said = printed(|| receive_after(Duration::from_micros(7)));
    let resource = r#"TRACE runtime.resource{concrete_type="zigflow::spsc" kind="channel" "#;
    let of_it: Vec<_> = said.iter().filter_map(|line| line.strip_prefix(resource)).collect();
    assert!(of_it.iter().all(|line| line.starts_with(HERE)), "{said:#?}");
    let texts: Vec<_> = of_it.iter().map(|line| line.split_once("}: ").unwrap().1).collect();
    let state = |waits| {
        format!(
            r#"runtime::resource::state_update: receiver_waits={waits} receiver_waits.op="override""#
        )
    };
    assert_eq!(texts.len(), 4, "{said:#?}");
    assert_eq!(texts[0], "runtime::zigflow: new");
    assert_eq!(texts[1..3], [state(true), state(false)]);
    assert!(texts[3].starts_with("runtime::zigflow: close"), "{said:#?}");
}

/// The item comes when the receiver has said that it is about to sleep.
#[test]
fn who_need_not_sleep_after_all_is_said_to_be_awake() {
    let states = Arc::new(Mutex::new(Vec::new()));
    let told = states.clone();
    let (sender, to_send) = std::sync::mpsc::channel::<spsc::Sender<u32>>();
    let line = move |line: &str| {
        if line.contains("asleep") {
            to_send.try_recv().unwrap().try_send(1).unwrap();
        }
        told.lock()
            .unwrap()
            .extend(line.split_once("receiver_waits=").map(|(_, so)| so.starts_with("true")));
    };
    print_to(line, || {
        let (tx, mut rx, _monitor) = spsc::monitored::<u32>(1, ManualTimer::new());
        sender.send(tx).unwrap();
        let task = Task::new();
        let polled = task.run(|cx| pin!(rx.recv()).poll(cx));
        assert_eq!(polled, Poll::Ready(Ok(1)));
    });
    let states = states.lock().unwrap();
    assert!(states.contains(&true) && states.last() == Some(&false), "{states:?}");
}

fn nap() {
    let clock = ManualTimer::new();
    let probe = Probe::named("naps", clock.clone());
    let task = Task::new();
    let mut nap = pin!(probe.watch(clock.sleep(Duration::from_micros(3))));
    assert!(task.run(|cx| nap.as_mut().poll(cx)).is_pending());
    clock.advance(Duration::from_micros(3));
    assert_eq!(task.run(|cx| nap.as_mut().poll(cx)), Poll::Ready(()));
}

#[test]
fn a_probed_future_has_a_span() {
    let said = for_people(printed(nap));
    let span = r#"probed{name="naps"}: zigflow: "#;
    for (line, times) in
        [("new", 1), ("pending", 1), ("woken waited_ns=3000", 1), ("ready", 1), ("close", 1)]
    {
        let of = said.iter().filter(|said| said.contains(&format!("{span}{line}"))).count();
        assert_eq!(of, times, "{line}: {said:#?}");
    }
}

#[test]
fn a_probe_is_a_resource_and_what_it_watches_its_operation() {
    let said = printed(nap);
    let resource = r#"runtime.resource{concrete_type="naps" kind="probe" "#;
    let op = r#"}:runtime.resource.async_op{source="naps"}:"#;
    let polls: Vec<_> = said.iter().filter(|line| line.contains("poll_op")).collect();
    assert_eq!(polls.len(), 2, "{said:#?}");
    for (line, is_ready) in polls.iter().zip([false, true]) {
        let end = format!(
            r#"{op}runtime.resource.async_op.poll: runtime::resource::poll_op: op_name="poll" is_ready={is_ready}"#
        );
        assert!(line.contains(resource) && line.contains(HERE) && line.ends_with(&end), "{line}");
    }
    // All of them end.
    let ends = said.iter().filter(|line| line.contains("runtime::zigflow: close")).count();
    assert_eq!(ends, 3, "{said:#?}");
}
