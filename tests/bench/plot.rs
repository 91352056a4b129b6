//! `ci/bench all --plot FILE`: the lines that the benchmarks print, from standard input, as one SVG picture: for each case how many times
//! as long its strongest peer takes.

use std::error::Error;
use std::io::{Read, stdin};

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

struct Row {
    case: String,
    peer: String,
    ratio: f64,
    ours: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(about)) = (arguments.next(), arguments.next()) else {
        return Err("bench-plot FILE ABOUT <LINES".into());
    };
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    let rows = rows(&text);
    if rows.is_empty() {
        return Err("there is no line of a benchmark".into());
    }
    std::fs::write(path, picture(&rows, &about)?)?;
    Ok(())
}

/// Of each case the peer with the smallest ratio, in the order in which the cases came.
fn rows(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        let Some(row) = row(line) else { continue };
        match rows.iter_mut().find(|before| before.case == row.case) {
            Some(before) if before.ratio > row.ratio => *before = row,
            Some(_) => {}
            None => rows.push(row),
        }
    }
    rows
}

fn row(line: &str) -> Option<Row> {
    let mut words = line.strip_prefix("bench ")?.split(' ');
    let case = words.next()?.to_owned();
    let word = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name));
    let (ours, ratio) = (word("ours=")?.parse().ok()?, word("ratio=")?.parse().ok()?);
    Some(Row { case, peer: word("peer=")?.to_owned(), ratio, ours })
}

const WIDTH: u32 = 1000;
const ROW: u32 = 20;
const LABELS: i32 = 400;
const HEAD: i32 = 64;
const FOOT: i32 = 46;
/// Ends of the axis; what is beyond is cut off, and its number tells.
const LEAST: f64 = 0.25;
const MOST: f64 = 16.0;

fn picture(rows: &[Row], about: &str) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    let height = HEAD as u32 + ROW * rows.len() as u32 + FOOT as u32;
    draw(&SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area(), rows, about)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw<'a>(root: &Area<'a>, rows: &[Row], about: &str) -> Drawn<'a> {
    root.fill(&WHITE)?;
    let style = |size: i32, horizontal| {
        ("sans-serif", size).into_font().color(&BLACK).pos(Pos::new(horizontal, VPos::Center))
    };
    let bottom = HEAD + ROW as i32 * rows.len() as i32;
    // Room at the right for the numbers.
    let width = WIDTH as i32 - LABELS - 90;
    let x = |ratio: f64| {
        let share = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
        LABELS + (share * f64::from(width)) as i32
    };
    root.draw_text(
        "How many times as long the strongest peer takes (more is better)",
        &style(17, HPos::Left),
        (10, 18),
    )?;
    root.draw_text(about, &style(12, HPos::Left), (10, 40))?;
    for ratio in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0] {
        let line =
            if ratio == 1.0 { BLACK.stroke_width(2) } else { BLACK.mix(0.2).stroke_width(1) };
        root.draw(&PathElement::new([(x(ratio), HEAD - 6), (x(ratio), bottom + 4)], line))?;
        root.draw_text(&format!("{ratio} ×"), &style(12, HPos::Center), (x(ratio), bottom + 16))?;
    }
    root.draw_text(
        "ratio of the medians, logarithmic; 1: equally fast",
        &style(12, HPos::Center),
        (LABELS + width / 2, bottom + 34),
    )?;
    for (row, top) in rows.iter().zip((HEAD..).step_by(ROW as usize)) {
        let middle = top + ROW as i32 / 2;
        let label = format!("{} / {}", row.case, row.peer);
        root.draw_text(&label, &style(12, HPos::Right), (LABELS - 8, middle))?;
        let color = if row.ratio >= 1.0 { RGBColor(40, 130, 80) } else { RGBColor(200, 110, 30) };
        let (left, right) = (x(row.ratio.min(1.0)), x(row.ratio.max(1.0)));
        root.draw(&Rectangle::new(
            [(left, top + 4), (right.max(left + 1), top + ROW as i32 - 4)],
            color.filled(),
        ))?;
        let number = format!("{:.2} ({:.1} ns)", row.ratio, row.ours);
        root.draw_text(&number, &style(12, HPos::Left), (right + 6, middle))?;
    }
    root.present()
}
