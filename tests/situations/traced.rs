//! The feature `tracing`: what a usual subscriber prints of monitored channels and probed futures.

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

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a subscriber of all levels prints while `f` runs, line by line.
fn printed(f: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, f);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_ends_of_a_monitored_channel_tell_when_they_sleep_and_are_woken() {
    let said = printed(|| {
        let clock = ManualTimer::new();
        let (mut tx, mut rx, _monitor) = spsc::monitored::<u32>(1, clock.clone());
        let task = Task::new();
        let mut recv = pin!(rx.recv());
        assert!(task.run(|cx| recv.as_mut().poll(cx)).is_pending());
        clock.advance(Duration::from_micros(7));
        tx.try_send(1).unwrap();
        assert!(task.run(|cx| recv.as_mut().poll(cx)).is_ready());
    });
    assert_eq!(
        said,
        [
            r#"TRACE zigflow::channel: asleep side="receiver""#,
            r#"TRACE zigflow::channel: woken side="receiver" waited_ns=7000"#,
        ]
    );
}

#[test]
fn a_probed_future_has_a_span() {
    let said = printed(|| {
        let clock = ManualTimer::new();
        let probe = Probe::named("naps", clock.clone());
        let task = Task::new();
        {
            let mut nap = pin!(probe.watch(clock.sleep(Duration::from_micros(3))));
            assert!(task.run(|cx| nap.as_mut().poll(cx)).is_pending());
            clock.advance(Duration::from_micros(3));
            assert_eq!(task.run(|cx| nap.as_mut().poll(cx)), Poll::Ready(()));
        }
    });
    let of = |line: &str| said.iter().filter(|said| said.contains(line)).count();
    let span = r#"probed{name="naps"}: zigflow: "#;
    for (line, times) in
        [("new", 1), ("pending", 1), ("woken waited_ns=3000", 1), ("ready", 1), ("close", 1)]
    {
        assert_eq!(of(&format!("{span}{line}")), times, "{line}: {said:#?}");
    }
}
