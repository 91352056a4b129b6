//! Ours against the peers of a case, and the table of all cases.

use std::process::ExitCode;

use crate::{Side, compare};

/// A case: ours, those that the target is about, and those that only stand beside it.
#[allow(missing_debug_implementations)] // closures
pub struct Contest<'a> {
    name: &'static str,
    operations: u64,
    ours: Box<dyn FnMut(u64) + 'a>,
    peers: Vec<Peer<'a>>,
}

struct Peer<'a> {
    name: &'static str,
    is_beside: bool,
    run: Box<dyn FnMut(u64) + 'a>,
}

/// A line of the table.
#[derive(Debug)]
pub struct Row {
    case: &'static str,
    peer: String,
    ratio: f64,
    /// Set for the fastest of the peers that the target is about.
    target: Option<f64>,
}

impl<'a> Contest<'a> {
    /// Ours alone.
    pub fn new(name: &'static str, operations: u64, ours: impl FnMut(u64) + 'a) -> Contest<'a> {
        Contest { name, operations, ours: Box::new(ours), peers: Vec::new() }
    }

    /// Adds a peer that the target is about.
    pub fn against(self, name: &'static str, run: impl FnMut(u64) + 'a) -> Self {
        self.with(Peer { name, is_beside: false, run: Box::new(run) })
    }

    /// Adds a peer for information.
    pub fn beside(self, name: &'static str, run: impl FnMut(u64) + 'a) -> Self {
        self.with(Peer { name, is_beside: true, run: Box::new(run) })
    }

    fn with(mut self, peer: Peer<'a>) -> Self {
        self.peers.push(peer);
        self
    }

    /// Runs all; `target` is the ratio that the fastest peer is wanted to have, at least.
    pub fn run(mut self, target: Option<f64>) -> Vec<Row> {
        let mut sides: Vec<Side<'_>> =
            self.peers.iter_mut().map(|peer| (peer.name, &mut *peer.run as _)).collect();
        let figures = compare(self.name, self.operations, &mut self.ours, &mut sides);
        let fastest = figures
            .iter()
            .zip(&self.peers)
            .filter(|(_, peer)| !peer.is_beside)
            .map(|(figure, _)| figure)
            .min_by(|a, b| a.ratio.total_cmp(&b.ratio))
            .map(|figure| figure.peer.clone());
        figures
            .into_iter()
            .map(|figure| Row {
                case: self.name,
                target: target.filter(|_| fastest.as_ref() == Some(&figure.peer)),
                peer: figure.peer,
                ratio: figure.ratio,
            })
            .collect()
    }
}

/// The name of a case, and what runs it.
pub type Case = (&'static str, fn(&'static str) -> Vec<Row>);

/// Runs the cases whose names begin as an argument of the program does, or all, and prints their table. The first
/// argument is a folder for files.
pub fn run_chosen(cases: &[Case]) -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(2).collect();
    let is_wanted = |name: &str| {
        wanted.is_empty() || wanted.iter().any(|beginning| name.starts_with(beginning.as_str()))
    };
    let chosen: Vec<_> = cases.iter().filter(|(name, _)| is_wanted(name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = cases.iter().map(|(name, _)| *name).collect();
        eprintln!("no case begins with {}; there are: {}", wanted.join(" or "), names.join(" "));
        return ExitCode::FAILURE;
    }
    let rows: Vec<Row> = chosen.into_iter().flat_map(|(name, run)| run(name)).collect();
    print(&rows);
    ExitCode::SUCCESS
}

/// The table. A case's target stands with the peer that decides about it.
pub fn print(rows: &[Row]) {
    println!("\n{:<18} {:<22} {:>8} {:>8}", "case", "peer", "ratio", "target");
    for Row { case, peer, ratio, target } in rows {
        let (wanted, verdict) = match target {
            Some(target) if ratio >= target => (format!("{target:.2}"), "met"),
            Some(target) => (format!("{target:.2}"), "missed"),
            None => ("-".to_owned(), ""),
        };
        println!(
            "{}",
            format!("{case:<18} {peer:<22} {ratio:>8.2} {wanted:>8} {verdict}").trim_end()
        );
    }
}
