//! One page.

use crate::Report;

const STYLE: &str = "body { font-family: sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 } \
    p.sentence { font-size: 1.2rem; font-weight: bold } svg { width: 100%; height: auto } \
    pre { background: #f4f4f4; padding: 1rem; overflow-x: auto }";

pub(crate) fn page(report: &Report) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Where items wait</title>\n<style>{STYLE}</style>\n"
    );
    for channel in &report.channels {
        page += &format!(
            "<h1>{}</h1>\n<p class=\"sentence\">{}</p>\n{}\n<pre>{}</pre>\n",
            escape(&channel.name),
            escape(&channel.sentence),
            channel.svg(),
            escape(&channel.whole.to_string()),
        );
    }
    for probe in &report.probes {
        page += &format!(
            "<h1>{}</h1>\n<pre>{}</pre>\n",
            escape(&probe.name),
            escape(&probe.whole.to_string())
        );
    }
    page + "</html>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
