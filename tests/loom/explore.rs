//! Running a scenario for every pair of languages, and with a bug sown into one of them.

use std::process::Command;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;

use zigflow_core::sync::model;

/// Whose code runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// The crate's.
    Rust,
    /// The Zig package's, compiled.
    Zig,
}
use Side::{Rust, Zig};

/// Explores `scenario` for every pair of languages and prints how many executions that took. `roles` names the
/// two sides.
pub fn explore(roles: [&str; 2], name: &str, bound: Option<usize>, scenario: fn(Side, Side)) {
    for_pairs(roles, name, |name, a, b| check(name, bound, move || scenario(a, b)));
}

fn for_pairs([first, second]: [&str; 2], name: &str, explore: impl Fn(&str, Side, Side)) {
    let pairs: &[(Side, Side)] = match std::env::var("ZIGFLOW_SOWN_SIDE").as_deref() {
        Ok("Rust") => &[(Rust, Rust)],
        Ok("Zig") => &[(Zig, Zig)],
        _ => &[(Rust, Rust), (Rust, Zig), (Zig, Rust), (Zig, Zig)],
    };
    for &(a, b) in pairs {
        explore(&format!("{name} {first}={a:?} {second}={b:?}"), a, b);
    }
}

/// [`explore`] for a scenario with one side that may be of either language.
pub fn explore_one(role: &str, name: &str, bound: Option<usize>, scenario: fn(Side)) {
    let sides: &[Side] = match std::env::var("ZIGFLOW_SOWN_SIDE").as_deref() {
        Ok("Rust") => &[Rust],
        Ok("Zig") => &[Zig],
        _ => &[Rust, Zig],
    };
    for &side in sides {
        check(&format!("{name} {role}={side:?}"), bound, move || scenario(side));
    }
}

/// [`explore`] where words change in critical sections, as on processors without compare-and-swap.
pub fn explore_by_sections(
    roles: [&str; 2],
    name: &str,
    bound: Option<usize>,
    scenario: fn(Side, Side),
) {
    let name = format!("{name} by sections");
    for_pairs(roles, &name, |name, a, b| {
        check(name, bound, move || {
            model::by_sections();
            scenario(a, b);
        });
    });
}

/// Explores a `scenario` that has no Zig in it.
pub fn explore_rust(name: &str, bound: Option<usize>, scenario: fn()) {
    check(name, bound, scenario);
}

/// Explores all executions, or those with at most `bound` preemptions, and prints how many that were.
fn check(name: &str, bound: Option<usize>, scenario: impl Fn() + Send + Sync + 'static) {
    let bound = match std::env::var("LOOM_MAX_PREEMPTIONS") {
        Ok(more) => bound.map(|_| more.parse().expect("LOOM_MAX_PREEMPTIONS is a number")),
        Err(_) => bound,
    };
    let sown: u32 = std::env::var("ZIGFLOW_SOWN_BUG").map_or(0, |n| n.parse().unwrap());
    let executions = StdArc::new(AtomicU64::new(0));
    let counter = executions.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    builder.max_branches = 100_000;
    let (most, start) = (builder.max_duration, Instant::now()); // by LOOM_MAX_DURATION, seconds
    builder.check(move || {
        counter.fetch_add(1, SeqCst);
        model::reset();
        model::sow(sown);
        scenario();
    });
    let cut = if most.is_some_and(|most| start.elapsed() >= most) { " cut" } else { "" };
    let executions = executions.load(SeqCst);
    println!("model {name} bound={bound:?} executions={executions}{cut}");
}

/// Runs `scenario` in a child with bug `number` sown in each language; it must fail, and say one of `words`.
pub fn finds(number: u32, scenario: &str, words: &[&str]) {
    finds_in(&[Rust, Zig], number, scenario, words);
}

/// [`finds`] for a scenario that has no Zig in it.
pub fn finds_rust(number: u32, scenario: &str, words: &[&str]) {
    finds_in(&[Rust], number, scenario, words);
}

fn finds_in(sides: &[Side], number: u32, scenario: &str, words: &[&str]) {
    for side in sides {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", scenario, "--nocapture", "--test-threads=1"])
            .env("ZIGFLOW_SOWN_BUG", number.to_string())
            .env("ZIGFLOW_SOWN_SIDE", format!("{side:?}"))
            .env_remove("LOOM_MAX_PREEMPTIONS")
            .env_remove("LOOM_MAX_DURATION")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr).into_owned();
        assert!(!child.status.success(), "bug {number} in {side:?} was not found by {scenario}");
        let why = said.lines().find(|line| words.iter().any(|word| line.contains(word)));
        let why =
            why.unwrap_or_else(|| panic!("bug {number} in {side:?} failed otherwise: {said}"));
        println!("sown bug {number} in {side:?} was found by {scenario}: {}", why.trim());
    }
}
