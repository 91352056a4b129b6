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
        page += &pictured(&channel.name, &channel.sentence, &channel.svg(), &channel.whole);
    }
    for pool in &report.pools {
        page += &pictured(&pool.name, &pool.sentence, &pool.svg(), &pool.whole);
    }
    for limit in &report.limits {
        page += &plain(&limit.name, &limit.whole);
    }
    for probe in &report.probes {
        page += &plain(&probe.name, &probe.whole);
    }
    page + "</html>\n"
}

fn pictured(name: &str, sentence: &str, svg: &str, whole: &dyn Display) -> String {
    let (name, sentence, whole) = (escape(name), escape(sentence), escape(&whole.to_string()));
    format!("<h1>{name}</h1>\n<p class=\"sentence\">{sentence}</p>\n{svg}\n<pre>{whole}</pre>\n")
}

fn plain(name: &str, whole: &dyn Display) -> String {
    format!("<h1>{}</h1>\n<pre>{}</pre>\n", escape(name), escape(&whole.to_string()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
