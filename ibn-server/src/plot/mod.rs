//! Plots as SVG by hand, drawn so that text keeps its size at every width.
//!
//! The outer picture is as wide as its place and so many pixels high. Labels stand at shares of the width; only the
//! inner picture, which has no text, is stretched. Colours and dashes are the style sheet's, by class.

mod scale;

use std::fmt::Write as _;

use jiff::Timestamp;
use maud::{Markup, html};

pub(crate) use scale::{TimeAxis, ValueAxis};

/// The inner picture's own units, both ways.
const UNITS: f64 = 1000.0;

/// How values are written.
pub(crate) type WriteValue = fn(f64) -> String;

/// A plot over time.
pub(crate) struct Plot<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// What is shown.
    pub(crate) title: &'a str,
    /// How it stands, in a sentence, for who can't see it.
    pub(crate) summary: String,
    /// The span that is shown.
    pub(crate) from: Timestamp,
    /// The end of the span.
    pub(crate) to: Timestamp,
    /// Where what was ends and what is foreseen begins, if that is shown.
    pub(crate) now: Option<Timestamp>,
    /// How values are written.
    pub(crate) write: WriteValue,
    /// The lines, those in front last.
    pub(crate) lines: Vec<Line<'a>>,
    /// Ranges, behind the lines.
    pub(crate) bands: Vec<Band<'a>>,
    /// Spans that are marked, with what they are.
    pub(crate) spans: Vec<(Timestamp, Timestamp)>,
    /// What the marked spans are.
    pub(crate) spans_are: &'a str,
}

/// One line.
pub(crate) struct Line<'a> {
    /// Its name, for the legend and the table.
    pub(crate) name: &'a str,
    /// Its class, such as `c1` or `goal`.
    pub(crate) class: &'a str,
    /// Whether it goes in steps, as counts do.
    pub(crate) stepped: bool,
    /// Its points; a gap where nothing is known.
    pub(crate) points: Vec<(Timestamp, Option<f64>)>,
}

/// A range over time.
pub(crate) struct Band<'a> {
    /// Its name, for the legend.
    pub(crate) name: &'a str,
    /// Its class.
    pub(crate) class: &'a str,
    /// Low and high end.
    pub(crate) points: Vec<(Timestamp, f64, f64)>,
}

impl Plot<'_> {
    /// The whole figure: caption, legend, picture and the numbers as a table.
    pub(crate) fn figure(&self) -> Markup {
        let lines = || self.lines.iter().filter(|line| line.is_known());
        html! {
            figure.plot id=(self.id) data-plot {
                figcaption {
                    span.plot-title { (self.title) }
                    ul.legend {
                        @for line in lines() {
                            li { (swatch(line.class)) (line.name) }
                        }
                        @for band in &self.bands {
                            @if !band.points.is_empty() {
                                li { (swatch(band.class)) (band.name) }
                            }
                        }
                        @if !self.spans.is_empty() {
                            li { (swatch("violated")) (self.spans_are) }
                        }
                    }
                }
                @if lines().next().is_some() {
                    (self.picture())
                    details.numbers {
                        summary { "Numbers" }
                        (self.table())
                    }
                } @else {
                    p.empty { "Nothing was measured yet." }
                }
            }
        }
    }

    fn picture(&self) -> Markup {
        let values =
            || {
                self.lines
                    .iter()
                    .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
                    .chain(self.bands.iter().flat_map(|band| {
                        band.points.iter().flat_map(|(_, low, high)| [*low, *high])
                    }))
                    .filter(|value| value.is_finite())
            };
        let y = ValueAxis::new(
            values().fold(0.0, f64::min),
            values().fold(0.0, f64::max),
            4,
        );
        let x = TimeAxis::new(self.from, self.to, 6);
        let percent = |share: f64| format!("{:.2}%", 100.0 * share);
        html! {
            svg.picture role="img" aria-labelledby=(format!("{0}-t {0}-d", self.id)) {
                title id=(format!("{}-t", self.id)) { (self.title) }
                desc id=(format!("{}-d", self.id)) { (self.summary) }
                @for tick in &y.ticks {
                    @let at = percent(1.0 - y.share(*tick));
                    line.grid.zero[*tick == 0.0] x1="0" x2="100%" y1=(at) y2=(at) {}
                    text.tick x="-8" y=(at) dy="0.32em" text-anchor="end" { ((self.write)(*tick)) }
                }
                @for tick in &x.ticks {
                    @let at = percent(x.share(*tick));
                    text.tick x=(at) y="100%" dy="1.6em" text-anchor="middle" { (TimeAxis::text(*tick)) }
                }
                (self.data(&x, &y))
                @if let Some(now) = self.now {
                    @let at = percent(x.share(now));
                    line.now x1=(at) x2=(at) y1="0" y2="100%" {}
                }
            }
        }
    }

    fn data(&self, x: &TimeAxis, y: &ValueAxis) -> Markup {
        html! {
            svg.data width="100%" height="100%" viewBox="0 0 1000 1000" preserveAspectRatio="none" {
                @for (from, to) in &self.spans {
                    @let left = (x.share(*from).clamp(0.0, 1.0)) * UNITS;
                    @let right = (x.share(*to).clamp(0.0, 1.0)) * UNITS;
                    rect.violated x=(coordinate(left)) y="0" width=(coordinate((right - left).max(2.0))) height="1000" {}
                    rect.violated-edge x=(coordinate(left)) y="0" width=(coordinate((right - left).max(2.0))) height="22" {}
                }
                @for band in &self.bands {
                    path class={ "band " (band.class) } d=(band_path(band, x, y)) {}
                }
                @for line in &self.lines {
                    path class={ "line " (line.class) } d=(line_path(line, x, y)) {}
                }
            }
        }
    }

    fn table(&self) -> Markup {
        let lines: Vec<&Line<'_>> = self.lines.iter().filter(|line| line.is_known()).collect();
        // The lines have their points at the same times, save for what is foreseen.
        let mut times: Vec<Timestamp> = lines
            .iter()
            .flat_map(|line| line.points.iter().map(|(at, _)| *at))
            .collect();
        times.sort_unstable();
        times.dedup();
        let value = |line: &Line<'_>, at: Timestamp| {
            line.points
                .binary_search_by_key(&at, |(at, _)| *at)
                .ok()
                .and_then(|idx| line.points.get(idx)?.1)
                .map_or_else(|| "–".to_owned(), self.write)
        };
        html! {
            div.scroll tabindex="0" role="region" aria-label=(format!("Numbers of {}", self.title)) {
                table.numeric {
                    caption.sr { (self.title) }
                    thead {
                        tr {
                            th scope="col" { "Time (UTC)" }
                            @for line in &lines { th scope="col" { (line.name) } }
                        }
                    }
                    tbody {
                        @for at in times.iter().rev() {
                            tr data-x=(format!("{:.4}", TimeAxis::new(self.from, self.to, 1).share(*at))) {
                                th scope="row" { (at.strftime("%-d %b %H:%M:%S").to_string()) }
                                @for line in &lines { td { (value(line, *at)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Line<'_> {
    fn is_known(&self) -> bool {
        self.points.iter().any(|(_, value)| value.is_some())
    }
}

/// A small line with an objective, for a card.
pub(crate) fn sparkline(
    title: &str,
    points: &[(Timestamp, Option<f64>)],
    goal: Option<f64>,
) -> Markup {
    let (Some((from, _)), Some((to, _))) = (points.first(), points.last()) else {
        return html! {};
    };
    let high = points
        .iter()
        .filter_map(|(_, value)| *value)
        .chain(goal)
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    let y = ValueAxis {
        min: 0.0,
        max: if high > 0.0 { 1.12 * high } else { 1.0 },
        ticks: Vec::new(),
    };
    let x = TimeAxis::new(*from, *to, 1);
    let line = Line {
        name: "",
        class: "c1",
        stepped: false,
        points: points.to_vec(),
    };
    html! {
        svg.spark role="img" viewBox="0 0 1000 1000" preserveAspectRatio="none" {
            title { (title) }
            @if let Some(goal) = goal {
                @let at = coordinate((1.0 - y.share(goal)) * UNITS);
                path.line.goal d=(format!("M0 {at}H1000")) {}
            }
            path.line.c1 d=(line_path(&line, &x, &y)) {}
        }
    }
}

fn swatch(class: &str) -> Markup {
    html! {
        svg.swatch width="18" height="10" aria-hidden="true" focusable="false" {
            @if class == "violated" || class.ends_with("band") {
                rect class=(class) x="0" y="0" width="18" height="10" {}
            } @else {
                path class={ "line " (class) } d="M0 5H18" {}
            }
        }
    }
}

/// Coordinates need no more than a tenth of a unit.
fn coordinate(units: f64) -> String {
    let text = format!("{units:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn line_path(line: &Line<'_>, x: &TimeAxis, y: &ValueAxis) -> String {
    let mut path = String::new();
    let mut last_y: Option<String> = None;
    for (at, value) in &line.points {
        let share = x.share(*at);
        let Some(value) =
            value.filter(|value| value.is_finite() && (-0.001..=1.001).contains(&share))
        else {
            last_y = None;
            continue;
        };
        let at_x = coordinate(UNITS * share);
        let at_y = coordinate(UNITS * (1.0 - y.share(value)));
        // Writing to a text can't fail.
        let _ = match &last_y {
            None => write!(path, "M{at_x} {at_y}h0"),
            Some(_) if line.stepped => write!(path, "H{at_x}V{at_y}"),
            Some(_) => write!(path, "L{at_x} {at_y}"),
        };
        last_y = Some(at_y);
    }
    path
}

fn band_path(band: &Band<'_>, x: &TimeAxis, y: &ValueAxis) -> String {
    let point = |at: Timestamp, value: f64| {
        format!(
            "{} {}",
            coordinate(UNITS * x.share(at).clamp(0.0, 1.0)),
            coordinate(UNITS * (1.0 - y.share(value)))
        )
    };
    let up = band.points.iter().map(|(at, low, _)| point(*at, *low));
    let back = band
        .points
        .iter()
        .rev()
        .map(|(at, _, high)| point(*at, *high));
    let corners: Vec<String> = up.chain(back).collect();
    if corners.is_empty() {
        return String::new();
    }
    format!("M{}Z", corners.join("L"))
}
