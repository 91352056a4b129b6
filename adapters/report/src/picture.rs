//! A channel or a pool as a picture.

use plotters::coord::Shift;
use plotters::prelude::*;
use zigflow_core::profile::Histogram;

use crate::{ChannelReport, PoolReport};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

const WIDTH: u32 = 960;
const PANEL_HEIGHT: u32 = 270;
const FONT: (&str, u32) = ("sans-serif", 15);
const TITLE: (&str, u32) = ("sans-serif", 17);

pub(crate) fn channel(report: &ChannelReport) -> String {
    svg(4, |panels| draw_channel(panels, report))
}

pub(crate) fn pool(report: &PoolReport) -> String {
    svg(3, |panels| draw_pool(panels, report))
}

/// So many panels, one below the other.
fn svg(panels: u32, draw: impl for<'a> FnOnce(&[Area<'a>]) -> Drawn<'a>) -> String {
    let mut text = String::new();
    let size = (WIDTH, panels * PANEL_HEIGHT);
    let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let drawn = root
        .fill(&WHITE)
        .and_then(|()| draw(&root.split_evenly((panels as usize, 1))))
        .and_then(|()| root.present())
        .map_err(|error| error.to_string());
    drop(root);
    match drawn {
        Ok(()) => text,
        // Text cannot refuse to be written to; but a picture is no reason to panic.
        Err(error) => {
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><text y=\"20\">{error}</text></svg>")
        }
    }
}

/// `x` and `y` of each sample.
fn line<S>(samples: &[S], point: impl Fn(&S) -> (f64, f64)) -> Vec<(f64, f64)> {
    samples.iter().map(point).collect()
}

/// A limit, as a line across.
fn level(height: f64, end: Option<f64>) -> Vec<(f64, f64)> {
    vec![(0.0, height), (end.unwrap_or(1.0), height)]
}

fn draw_channel<'a>(panels: &[Area<'a>], channel: &ChannelReport) -> Drawn<'a> {
    let samples = &channel.samples[..];
    let throughput = line(samples, |sample| (sample.at, sample.throughput));
    over_time(
        &panels[0],
        "Throughput",
        "items received per second",
        None,
        &[("", &BLUE, throughput)],
    )?;
    let capacity = channel.whole.capacity as f64;
    let end = samples.last().map(|sample| sample.at);
    let lines = [
        ("waiting items", &BLUE, line(samples, |sample| (sample.at, sample.len as f64))),
        ("capacity", &RED, level(capacity, end)),
    ];
    over_time(&panels[1], "Queue", "items", Some(capacity * 1.5), &lines)?;
    let senders = line(samples, |sample| (sample.at, sample.senders_wait * 100.0));
    let receivers = line(samples, |sample| (sample.at, sample.receivers_wait * 100.0));
    let lines = [
        ("the sender waits for room", &RED, senders),
        ("the receiver waits for items", &BLUE, receivers),
    ];
    over_time(&panels[2], "Waits", "% of the time", Some(130.0), &lines)?;
    let whole = &channel.whole;
    match whole.queue_wait.count() {
        // Only the ends of spsc channels sample items.
        0 => bars(
            &panels[3],
            "How long receivers waited, until they were woken",
            "waits",
            &whole.receivers.wait,
        ),
        _ => bars(
            &panels[3],
            "How long items waited in the queue",
            "items (sampled)",
            &whole.queue_wait,
        ),
    }
}

fn draw_pool<'a>(panels: &[Area<'a>], pool: &PoolReport) -> Drawn<'a> {
    let samples = &pool.samples[..];
    let blocks = pool.whole.blocks as f64;
    let end = samples.last().map(|sample| sample.at);
    let lines = [
        ("in use", &BLUE, line(samples, |sample| (sample.at, sample.in_use as f64))),
        ("all", &RED, level(blocks, end)),
    ];
    over_time(&panels[0], "Blocks", "blocks", Some(blocks * 1.5), &lines)?;
    let waits = line(samples, |sample| (sample.at, sample.waiting * 100.0));
    let lines = [("somebody is waiting for a block", &RED, waits)];
    over_time(&panels[1], "Waits", "% of the time", Some(130.0), &lines)?;
    bars(&panels[2], "How long somebody waited for a block", "waits", &pool.whole.waits.wait)
}

type Line<'c> = (&'static str, &'c RGBColor, Vec<(f64, f64)>);

/// A panel with room for its axes.
fn frame<'a, 'b>(area: &'b Area<'a>, title: &str) -> ChartBuilder<'b, 'b, SVGBackend<'a>>
where
    'a: 'b,
{
    let mut frame = ChartBuilder::on(area);
    frame
        .caption(title, TITLE)
        .margin(8)
        .margin_right(32)
        .x_label_area_size(40)
        .y_label_area_size(90);
    frame
}

/// Lines over time; the top of the axis is told by the largest value, if it is not given.
fn over_time<'a>(
    area: &Area<'a>,
    title: &str,
    unit: &str,
    top: Option<f64>,
    lines: &[Line<'_>],
) -> Drawn<'a> {
    let points = || lines.iter().flat_map(|(_, _, points)| points);
    let largest = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
    let end = largest(|point| point.0).max(0.001);
    let top = top.unwrap_or_else(|| largest(|point| point.1) * 1.1).max(1.0);
    let mut chart = frame(area, title).build_cartesian_2d(0.0..end, 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc("time (s)")
        .y_desc(unit)
        .axis_desc_style(FONT)
        .label_style(FONT)
        .x_labels(11)
        .y_labels(6)
        .y_label_formatter(&|value| short(*value))
        .x_label_formatter(&|value| seconds(*value, end))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (name, color, points) in lines {
        let style = color.stroke_width(2);
        let drawn = chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
        if !name.is_empty() {
            drawn.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
    }
    if lines.iter().any(|(name, ..)| !name.is_empty()) {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .label_font(FONT)
            .draw()?;
    }
    Ok(())
}

/// A histogram of times: a bar for each power of two.
fn bars<'a>(area: &Area<'a>, title: &str, unit: &str, histogram: &Histogram) -> Drawn<'a> {
    let buckets: Vec<_> =
        histogram.buckets().map(|(lower, _, count)| (exponent(lower), count)).collect();
    let first = buckets.first().map_or(0, |bucket| bucket.0).saturating_sub(1);
    let last = buckets.last().map_or(1, |bucket| bucket.0) + 2;
    let most = buckets.iter().map(|bucket| bucket.1).max().unwrap_or(1);
    let mut chart = frame(area, title)
        .build_cartesian_2d(f64::from(first)..f64::from(last), 0.0..f64::from(most) * 1.1)?;
    chart
        .configure_mesh()
        .x_desc("time, by powers of two")
        .y_desc(unit)
        .axis_desc_style(FONT)
        .label_style(FONT)
        .x_labels(12)
        .y_labels(6)
        .y_label_formatter(&|value| short(*value))
        .x_label_formatter(&|value| nanoseconds(*value))
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .draw()?;
    chart.draw_series(buckets.into_iter().map(|(exponent, count)| {
        let (left, right) = (f64::from(exponent) + 0.05, f64::from(exponent) + 0.95);
        Rectangle::new([(left, 0.0), (right, f64::from(count))], BLUE.mix(0.7).filled())
    }))?;
    Ok(())
}

/// Of the smallest value of a bucket, which is a power of two; 0 stands below 1.
fn exponent(lower: u64) -> u32 {
    lower.checked_ilog2().map_or(0, |exponent| exponent + 1)
}

/// `1.5k`, `20M`.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{}G", rounded(v / 1e9)),
        v if v >= 1e6 => format!("{}M", rounded(v / 1e6)),
        v if v >= 1e4 => format!("{}k", rounded(v / 1e3)),
        v => rounded(v),
    }
}

fn rounded(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn seconds(value: f64, end: f64) -> String {
    let places = if end < 0.2 {
        3
    } else if end < 2.0 {
        2
    } else {
        1
    };
    format!("{value:.places$}")
}

/// Of the left end of a bucket, as [`exponent`] tells it.
fn nanoseconds(exponent: f64) -> String {
    // Only whole ones are ends of buckets.
    if exponent < 1.0 || exponent.fract() != 0.0 {
        return if exponent == 0.0 { "0".to_owned() } else { String::new() };
    }
    let nanos = 2_f64.powf(exponent - 1.0);
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{} µs", rounded(n / 1e3)),
        n if n < 1e9 => format!("{} ms", rounded(n / 1e6)),
        n => format!("{} s", rounded(n / 1e9)),
    }
}
