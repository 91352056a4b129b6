//! The feature `tracing`: what a usual subscriber prints of monitored channels and probed futures, and what tokio-console
//! looks for. (tests/console asks tokio-console's own subscriber; `ci/nightly` runs it.)

use std::future::poll_fn;
use std::io::Write;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tracing_subscriber::fmt::format::FmtSpan;
use zigflow::profile::Probe;
use zigflow::time::{ManualTimer, Timer};
use zigflow::{Pool, mpmc, spsc};
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
    let place = said[0].split_once(HERE).unwrap().1;
    assert_eq!(
        said,
        [
            format!(r#"TRACE zigflow::channel: asleep side="receiver" {HERE}{place}"#),
            format!(
                r#"TRACE zigflow::channel: woken side="receiver" {HERE}{place} waited_ns=7000"#
            ),
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

#[test]
fn a_sender_that_waits_is_told_of_as_one() {
    let said = printed(|| {
        let (mut tx, mut rx, _monitor) = spsc::monitored::<u32>(1, ManualTimer::new());
        let task = Task::new();
        tx.try_send(1).unwrap();
        let mut send = pin!(tx.send(2));
        assert!(task.run(|cx| send.as_mut().poll(cx)).is_pending());
        rx.try_recv().unwrap();
        assert!(task.run(|cx| send.as_mut().poll(cx)).is_ready());
    });
    let states: Vec<_> =
        said.iter().filter_map(|line| line.split_once("state_update: ").map(|it| it.1)).collect();
    let state = |waits| format!(r#"sender_waits={waits} sender_waits.op="override""#);
    assert_eq!(states, [state(true), state(false)]);
}

#[test]
fn pools_and_channels_with_many_ends_are_resources_once_however_often_they_are_watched() {
    let said = printed(|| {
        let (tx, rx) = mpmc::channel::<u32>(1);
        let pool = Pool::new(1, 16);
        let clock = ManualTimer::new();
        let _channel = [tx.monitor(clock.clone()), rx.monitor(clock.clone())];
        let _pool = [pool.monitor(clock.clone()), pool.monitor(clock.clone())];
    });
    for name in [r#""zigflow::mpmc" kind="channel""#, r#""zigflow::Pool" kind="pool""#] {
        for what in ["new", "close"] {
            let of =
                |line: &&String| line.contains(name) && line.contains(&format!("zigflow: {what}"));
            assert_eq!(said.iter().filter(of).count(), 1, "{name} {what}: {said:#?}");
        }
    }
}

/// What the subscriber came too late for is not taken for something else.
#[test]
fn a_channel_that_was_made_before_the_subscriber_gives_no_other_resource_a_state() {
    let clock = ManualTimer::new();
    let (mut tx, mut rx, _monitor) = spsc::monitored::<u32>(1, clock.clone());
    let early = Probe::named("early", clock.clone());
    let said = printed(|| {
        let probe = Probe::named("late", clock);
        let task = Task::new();
        let mut recv = pin!(probe.watch(early.watch(rx.recv())));
        assert!(task.run(|cx| recv.as_mut().poll(cx)).is_pending());
        tx.try_send(1).unwrap();
        assert!(task.run(|cx| recv.as_mut().poll(cx)).is_ready());
    });
    assert!(!said.iter().any(|line| line.contains("state_update")), "{said:#?}");
    assert_eq!(said.iter().filter(|line| line.contains("poll_op:")).count(), 2, "{said:#?}");
    assert!(said.iter().any(|line| line.contains("asleep")), "{said:#?}");
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
    assert!(said.iter().any(|line| line.contains(resource) && line.contains(HERE)), "{said:#?}");
    let polls: Vec<_> = said.iter().filter(|line| line.contains("poll_op")).collect();
    assert_eq!(polls.len(), 2, "{said:#?}");
    for (line, is_ready) in polls.iter().zip([false, true]) {
        // Its parent is what was current, and not the resource; tokio-console takes that from what is entered.
        let expected = format!(
            r#"TRACE runtime.resource.async_op{{source="naps"}}:runtime.resource.async_op.poll: runtime::resource::poll_op: op_name="poll" is_ready={is_ready}"#
        );
        assert_eq!(**line, expected);
    }
    // All of them end.
    let ends = said.iter().filter(|line| line.contains("runtime::zigflow: close")).count();
    assert_eq!(ends, 3, "{said:#?}");
}

/// What the spans around a probe are for stays as it is inside.
#[test]
fn spans_of_those_who_use_a_probe_are_not_torn() {
    let f = || {
        let probe = Probe::named("work", ManualTimer::new());
        let outer = tracing::info_span!("request", id = 7);
        let mut work = pin!(probe.watch(poll_fn(|_| {
            tracing::info!("plain");
            tracing::info_span!("db").in_scope(|| tracing::info!("query"));
            Poll::Ready(())
        })));
        // As `Instrument` does it: at each poll.
        let task = Task::new();
        assert!(outer.in_scope(|| task.run(|cx| work.as_mut().poll(cx))).is_ready());
    };
    let at = |people, console| {
        let said = printed_at(people, console, f);
        let of = |what: &str| said.iter().find(|line| line.ends_with(what)).unwrap().clone();
        [of("plain"), of("query")].map(|line| line.split(" traced: ").next().unwrap().to_owned())
    };
    let info = tracing::Level::INFO;
    let expected = ["INFO request{id=7}:", "INFO request{id=7}:db:"];
    // With tokio-console beside, and without.
    assert_eq!(at(info, true), expected, "with");
    assert_eq!(at(info, false), expected, "without");
}

/// For layers that keep a stack.
#[test]
fn all_spans_are_left_in_the_reverse_order() {
    use tracing_subscriber::layer::SubscriberExt;

    let order = InOrder::default();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(order), || {
        let probe = Probe::named("work", ManualTimer::new());
        let inner = probe.watch(poll_fn(|_| {
            tracing::info_span!("db").in_scope(|| tracing::info!("query"));
            Poll::Ready(())
        }));
        let mut work = pin!(probe.watch(inner));
        let task = Task::new();
        let request = tracing::info_span!("request");
        assert!(request.in_scope(|| task.run(|cx| work.as_mut().poll(cx))).is_ready());
    });
}

/// Lines for people at this level, while somebody else wants all that tokio-console asks for.
fn printed_at(people: tracing::Level, console: bool, f: impl FnOnce()) -> Vec<String> {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::{Layer, SubscriberExt};

    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    let writer = Lines(Arc::new(Mutex::new(move |line: &str| {
        kept.lock().unwrap().push(line.to_owned());
    })));
    let level = if console { tracing::Level::TRACE } else { people };
    let others = Targets::new().with_target("runtime", level);
    let printer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_writer(move || Lines(writer.0.clone()))
        .with_filter(LevelFilter::from_level(people));
    let subscriber =
        tracing_subscriber::registry().with(InOrder::default().with_filter(others)).with(printer);
    tracing::subscriber::with_default(subscriber, f);
    std::mem::take(&mut lines.lock().unwrap())
}

/// A layer for which spans have to be left in the reverse order, as for those that keep a stack.
#[derive(Default)]
struct InOrder(Mutex<Vec<tracing::span::Id>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for InOrder {
    fn on_enter(&self, id: &tracing::span::Id, _: tracing_subscriber::layer::Context<'_, S>) {
        self.0.lock().unwrap().push(id.clone());
    }

    fn on_exit(&self, id: &tracing::span::Id, _: tracing_subscriber::layer::Context<'_, S>) {
        assert_eq!(self.0.lock().unwrap().pop().as_ref(), Some(id), "left out of order");
    }
}

/// A waker that is kept keeps no span open.
#[test]
fn the_spans_of_a_probed_future_end_with_it() {
    let mut kept = None;
    let said = printed(|| {
        let probe = Probe::named("work", ManualTimer::new());
        let task = Task::new();
        let mut work = Box::pin(probe.watch(poll_fn(|cx| {
            kept = Some(cx.waker().clone());
            Poll::<()>::Pending
        })));
        assert!(task.run(|cx| work.as_mut().poll(cx)).is_pending());
        drop(work);
        tracing::info!("it has gone");
        // Nobody is told of that.
        kept.take().unwrap().wake();
    });
    let gone = said.iter().position(|line| line.ends_with("it has gone")).unwrap();
    let closed = said[..gone].iter().filter(|line| line.contains("zigflow: close")).count();
    assert_eq!(closed, 3, "{said:#?}");
    assert!(!said[gone..].iter().any(|line| line.contains("woken")), "{said:#?}");
}
