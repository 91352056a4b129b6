//! What tokio-console shows of monitored channels and of probes: its own subscriber, with the filter that it sets by itself, asked by
//! its protocol as the console asks. tokio has to be built with `--cfg tokio_unstable`.

use std::collections::HashMap;
use std::future::Future;
use std::net::TcpListener;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use console_api::field::Value;
use console_api::instrument::instrument_client::InstrumentClient;
use console_api::instrument::{InstrumentRequest, Update};
use console_api::resources::Resource;
use console_api::resources::resource::kind::Kind;
use zigflow_core::profile::{Probe, StdClock};
use zigflow_core::spsc;

/// For what would never come if it were wrong.
const WHILE: Duration = Duration::from_secs(30);

/// All that was told so far.
#[derive(Debug, Default)]
struct Console {
    resources: Vec<Resource>,
    /// By resource: names and values of its state, as of now.
    state: HashMap<u64, Vec<(String, bool)>>,
    /// Resource and source.
    operations: Vec<(u64, String)>,
    /// Resource, name, and whether it was ready.
    polls: Vec<(u64, String, bool)>,
}

impl Console {
    fn add(&mut self, update: Update) {
        let id = |id: Option<console_api::Id>| id.expect("there is an id").id;
        if let Some(update) = update.resource_update {
            self.resources.extend(update.new_resources);
            for (resource, stats) in update.stats_update {
                let state = stats.attributes.into_iter().filter_map(|attribute| {
                    let field = attribute.field?;
                    let name = format!("{:?}", field.name?);
                    let Value::BoolVal(value) = field.value? else { return None };
                    Some((name, value))
                });
                self.state.insert(resource, state.collect());
            }
            self.polls.extend(
                update
                    .new_poll_ops
                    .into_iter()
                    .map(|poll| (id(poll.resource_id), poll.name, poll.is_ready)),
            );
        }
        if let Some(update) = update.async_op_update {
            let new = update.new_async_ops.into_iter();
            self.operations.extend(new.map(|op| (id(op.resource_id), op.source)));
        }
    }

    fn resource(&self, kind: &str) -> Option<&Resource> {
        let is_it = |resource: &&Resource| {
            let told = resource.kind.as_ref().and_then(|told| told.kind.as_ref());
            told == Some(&Kind::Other(kind.to_owned()))
        };
        self.resources.iter().find(is_it)
    }

    fn id(&self, kind: &str) -> Option<u64> {
        self.resource(kind)?.id.as_ref().map(|id| id.id)
    }

    /// Whether an end of the channel waits; none, if nobody has said so.
    fn waits(&self, side: &str) -> Option<bool> {
        let state = self.state.get(&self.id("channel")?)?;
        state.iter().find(|(name, _)| name.contains(side)).map(|(_, waits)| *waits)
    }

    fn polls(&self, kind: &str) -> Vec<bool> {
        let of = |poll: &&(u64, String, bool)| Some(poll.0) == self.id(kind);
        self.polls.iter().filter(of).map(|poll| poll.2).collect()
    }
}

/// Reads on until `is_told`.
async fn read_until(
    updates: &mut (impl futures_lite::Stream<Item = Update> + Unpin),
    console: &mut Console,
    is_told: impl Fn(&Console) -> bool,
) {
    let told = tokio::time::timeout(WHILE, async {
        while !is_told(console) {
            let update = futures_lite::StreamExt::next(updates).await;
            console.add(update.expect("the console goes on"));
        }
    });
    if told.await.is_err() {
        panic!("it is not told: {console:#?}");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a port");
    listener.local_addr().expect("it has an address").port()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_console_shows_channels_and_probes() {
    let port = free_port();
    console_subscriber::ConsoleLayer::builder()
        .server_addr(([127, 0, 0, 1], port))
        .publish_interval(Duration::from_millis(20))
        .init();

    let mut cx = Context::from_waker(Waker::noop());
    let (mut tx, mut rx, _monitor) = spsc::monitored::<u32>(4, StdClock::new());
    let mut recv = pin!(rx.recv());
    assert!(recv.as_mut().poll(&mut cx).is_pending());

    let address = format!("http://127.0.0.1:{port}");
    // Its thread may not have come so far.
    let connected = tokio::time::timeout(WHILE, async {
        loop {
            match InstrumentClient::connect(address.clone()).await {
                Ok(client) => break client,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    let mut client = connected.await.expect("it listens");
    let updates = client.watch_updates(InstrumentRequest {}).await.expect("it answers");
    let updates = updates.into_inner();
    let updates = futures_lite::StreamExt::map(updates, |update| update.expect("it goes on"));
    let mut updates = pin!(updates);
    let mut console = Console::default();

    read_until(&mut updates, &mut console, |console| console.waits("receiver_waits") == Some(true))
        .await;
    let channel = console.resource("channel").expect("it has a state").clone();
    assert_eq!(channel.concrete_type, "zigflow::spsc");
    let made = channel.location.expect("it has a place");
    assert_eq!(made.file.as_deref(), Some("console.rs"), "where it was made");

    tx.try_send(1).unwrap();
    read_until(&mut updates, &mut console, |console| {
        console.waits("receiver_waits") == Some(false)
    })
    .await;
    assert!(recv.as_mut().poll(&mut cx).is_ready());

    let probe = Probe::named("readings", StdClock::new());
    let reading = probe.clone();
    let task = tokio::spawn(async move { reading.watch(rx.recv()).await });
    read_until(&mut updates, &mut console, |console| console.waits("receiver_waits") == Some(true))
        .await;
    tx.try_send(2).unwrap();
    assert_eq!(task.await.unwrap(), Ok(2));
    read_until(&mut updates, &mut console, |console| console.polls("probe").len() == 2).await;
    assert_eq!(console.polls("probe"), [false, true]);
    assert_eq!(console.resource("probe").unwrap().concrete_type, "readings");
    let operation = (console.id("probe").unwrap(), "readings".to_owned());
    let operations = console.operations.iter().filter(|op| op.0 == operation.0);
    assert!(operations.eq([&operation]), "{console:#?}");
}
