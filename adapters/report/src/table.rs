//! The table that is shown while a program runs.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use crate::tape::{Sampled, Tape};

/// On a terminal in place, ten times a second; elsewhere a table each second.
pub(crate) struct Table {
    is_terminal: bool,
    lines: usize,
    shown: Option<Instant>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { is_terminal: stderr().is_terminal(), lines: 0, shown: None }
    }

    pub(crate) fn show(&mut self, tape: &Tape, is_over: bool) {
        let pause = Duration::from_millis(if self.is_terminal { 100 } else { 1000 });
        if !is_over && self.shown.is_some_and(|shown| shown.elapsed() < pause) {
            return;
        }
        self.shown = Some(Instant::now());
        let mut text = String::new();
        if self.is_terminal && self.lines > 0 {
            text += &format!("\x1b[{}A\x1b[J", self.lines); // up, and clear from there
        }
        text += &rows(tape, is_over);
        self.lines = text.lines().count();
        // Nobody looks: no reason to stop.
        let _ = stderr().write_all(text.as_bytes());
    }
}

/// Of the last look, or, when it is over, of all.
fn rows(tape: &Tape, is_over: bool) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let mut text = String::new();
    let channels = tape.channels.iter().filter_map(|track| Some((track, track.samples.last()?)));
    for (track, sample) in channels {
        if text.is_empty() {
            text += &format!(
                "{:<24} {:>12} {:>12} {:>13} {:>12} {:>14}\n",
                "channel", "items", "items/s", "queue", "sender waits", "receiver waits"
            );
        }
        let whole = track.whole();
        let sample = if is_over { &whole.sample(sample.at) } else { sample };
        let queue = format!("{} of {}", sample.len, whole.capacity);
        text += &format!(
            "{:<24} {:>12} {:>12.0} {:>13} {:>12} {:>14}\n",
            track.name,
            whole.received,
            sample.throughput,
            queue,
            percent(sample.senders_wait),
            percent(sample.receivers_wait)
        );
    }
    let pools = tape.pools.iter().filter_map(|track| Some((track, track.samples.last()?)));
    for (n, (track, sample)) in pools.enumerate() {
        if n == 0 {
            text += &format!("{:<24} {:>39} {:>12}\n", "pool", "in use", "waits");
        }
        let whole = track.whole();
        let sample = if is_over { &whole.sample(sample.at) } else { sample };
        let in_use = format!("{} of {}", sample.in_use, whole.blocks);
        text += &format!("{:<24} {in_use:>39} {:>12}\n", track.name, percent(sample.waiting));
    }
    text
}
