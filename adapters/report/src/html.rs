//! One page.

use std::fmt::Display;

use crate::Report;

const STYLE: &str = "body { font-family: sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 } \
    p.sentence { font-size: 1.2rem; font-weight: bold } svg { width: 100%; height: auto } \
    pre { background: #f4f4f4; padding: 1rem; overflow-x: auto }";

pub(crate) fn page(report: &Report) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Where items wait</title>\n<style>{STYLE}</style>\n"
    );
    for channel in &report.channels {
        page += &section(&channel.name, Some(&*channel.sentence), &channel.svg(), &channel.whole);
    }
    for pool in &report.pools {
        page += &section(&pool.name, Some(&*pool.sentence), &pool.svg(), &pool.whole);
    }
    for limit in &report.limits {
        page += &section(&limit.name, Some(&*limit.sentence), "", &limit.whole);
    }
    for probe in &report.probes {
        page += &section(&probe.name, None, "", &probe.whole);
    }
    if report.is_empty() {
        page += "<p>Nothing was recorded.</p>\n";
    }
    page + "</html>\n"
}

fn section(name: &str, sentence: Option<&str>, svg: &str, whole: &dyn Display) -> String {
    let (name, whole) = (escape(name), escape(&whole.to_string()));
    let sentence = sentence.map(|it| format!("<p class=\"sentence\">{}</p>\n", escape(it)));
    format!("<h1>{name}</h1>\n{}{svg}\n<pre>{whole}</pre>\n", sentence.unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
