//! The report of a grid: one HTML file with its plots in it, that needs nothing from outside.

use ibn_sim::evaluation::{Estimate, Overall, Summary};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use plotters::prelude::*;

use super::Results;
use crate::exit::{Exit, Failure};

/// Colours that people with any sight tell apart (Okabe and Ito 2008), the lightest left out.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

const STYLE: &str = "
:root { color-scheme: light dark; --line: #ccc; --soft: #666; --good: #00734f; --bad: #b34700; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #aaa; --good: #4fd1a5; --bad: #ff9d5c; --paper: #1b1b1b; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 3rem; }
p.soft, figcaption, .of { color: var(--soft); } .of { font-size: 0.85em; white-space: nowrap; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.8rem 0.3rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } th:nth-child(2), td:nth-child(2) { text-align: left; } code { white-space: nowrap; }
tr.front td:nth-child(2) { font-weight: 600; } .less { color: var(--good); } .more { color: var(--bad); }
figure { margin: 1rem 0; } figure svg { width: 100%; max-width: 52rem; height: auto; background: #fff; border-radius: 4px; }
nav a { margin-right: 1rem; }
";

/// The whole page.
pub(super) fn html(results: &Results) -> Result<String, Failure> {
    let grid = &results.grid;
    let several = grid.scenarios.len() > 1;
    let overall_plot = plot(
        "Core-hours as a share of the baseline's",
        &results.overall.iter().map(Point::from).collect::<Vec<_>>(),
    )?;
    let mut scenarios = Vec::new();
    for (name, _) in &grid.scenarios {
        let rows: Vec<&Summary> = results
            .summary
            .iter()
            .filter(|of| of.scenario == *name)
            .collect();
        let points: Vec<Point<'_>> = rows.iter().map(|of| Point::from(*of)).collect();
        scenarios.push((name, plot("Core-hours", &points)?, rows));
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Evaluation of recommenders" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Evaluation of recommenders" }
                p {
                    (counted(grid.scenarios.len(), "scenario")) ", "
                    (counted(grid.recommenders.len(), "recommender")) ", "
                    (counted(grid.seeds.len(), "seed"))
                    @if let (Some(first), Some(last)) = (grid.seeds.first(), grid.seeds.last()) { " (" (first) " to " (last) ")" }
                    ", ibn " (grid.version) "."
                }
                p.soft {
                    "Means over the seeds, with 95 % bootstrap intervals below them. Differences are to " code { (results.baseline) }
                    " on the same seeds, and coloured where their interval leaves out zero. A window is a minute; it is violated where the objective's quantile of "
                    "the response time is above its bound, failed requests counting as slower. Bold is on the Pareto front: no other has both fewer violated windows and fewer core-hours."
                }
                @if several {
                    nav { @for (name, _, _) in &scenarios { a href=(format!("#{name}")) { (name) } } }
                    h2 { "Over all scenarios" }
                    (figure(&overall_plot, "Violated windows, the mean over the scenarios, against core-hours as a share of the baseline's, their geometric mean. Below and to the left is better."))
                    (overall(&results.overall))
                }
                @for (name, plot, rows) in &scenarios {
                    h2 id=(name) { (name) }
                    (figure(plot, "Violated windows against core-hours. Below and to the left is better; the grey line joins the Pareto front."))
                    (summary(rows))
                }
            }
        }
    };
    Ok(page.into_string() + "\n")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn figure(svg: &str, caption: &str) -> Markup {
    html! { figure { (PreEscaped(svg)) figcaption { (caption) } } }
}

fn overall(rows: &[Overall]) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th { "#" } th { "Recommender" } th { "Windows violated" } th { "Requests violated" } th { "Core-hours, relative" } th { "Changes an hour" } } }
            tbody { @for (index, of) in rows.iter().enumerate() {
                tr.front[of.pareto] {
                    td { (index + 1) } td { code { (of.recommender) } }
                    (cell(&of.violated_windows, percent_of)) (cell(&of.violating_requests, percent_of))
                    (cell(&of.relative_core_hours, percent_of)) (cell(&of.churn, plain))
                }
            } }
        } }
    }
}

fn summary(rows: &[&Summary]) -> Markup {
    html! {
        div.wide { table {
            thead { tr {
                th { "#" } th { "Recommender" } th { "Windows violated" } th { "difference" } th { "Requests violated" }
                th { "Core-hours" } th { "difference" } th { "Pod-hours" } th { "Changes an hour" } th { "Failed" }
            } }
            tbody { @for (index, of) in rows.iter().enumerate() {
                tr.front[of.pareto] {
                    td { (index + 1) } td { code { (of.recommender) } }
                    (cell(&of.measures.violated_windows, percent_of))
                    (difference(of.against.as_ref().map(|a| &a.differences.violated_windows), points_of))
                    (cell(&of.measures.violating_requests, percent_of))
                    (cell(&of.measures.core_hours, plain))
                    (difference(of.against.as_ref().map(|a| &a.differences.core_hours), plain))
                    (cell(&of.measures.replica_hours, plain))
                    (cell(&of.measures.churn, plain))
                    (cell(&of.measures.failed, percent_of))
                }
            } }
        } }
    }
}

fn cell(estimate: &Estimate, write: fn(f64) -> String) -> Markup {
    html! { td { (write(estimate.mean)) (interval(estimate, write)) } }
}

fn difference(estimate: Option<&Estimate>, write: fn(f64) -> String) -> Markup {
    html! {
        @match estimate {
            None => td { "–" },
            Some(estimate) => td {
                span.less[estimate.is_certain() && estimate.mean < 0.0] .more[estimate.is_certain() && estimate.mean > 0.0] {
                    @if estimate.mean > 0.0 { "+" } (write(estimate.mean))
                }
                (interval(estimate, write))
            },
        }
    }
}

fn interval(estimate: &Estimate, write: fn(f64) -> String) -> Markup {
    html! {
        @if let (Some(low), Some(high)) = (estimate.low, estimate.high) {
            br; span.of { (write(low)) " to " (write(high)) }
        }
    }
}

fn percent_of(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn points_of(share: f64) -> String {
    format!("{:.2} pts", 100.0 * share)
}

fn plain(number: f64) -> String {
    if number.abs() >= 100.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    }
}

/// A share with its interval, for a person.
pub(super) fn percent(estimate: &Estimate) -> String {
    with_interval(estimate, |share| format!("{:.2}", 100.0 * share), " %")
}

/// A number with its interval, for a person.
pub(super) fn number(estimate: &Estimate) -> String {
    with_interval(estimate, plain, "")
}

fn with_interval(estimate: &Estimate, write: impl Fn(f64) -> String, unit: &str) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!(
            "{}{unit} [{}, {}]",
            write(estimate.mean),
            write(low),
            write(high)
        ),
        _ => format!("{}{unit}", write(estimate.mean)),
    }
}

/// A recommender in a plot.
struct Point<'r> {
    recommender: &'r str,
    x: Estimate,
    y: Estimate,
    pareto: bool,
}

impl<'r> From<&'r Overall> for Point<'r> {
    fn from(of: &'r Overall) -> Self {
        Self {
            recommender: &of.recommender,
            x: of.relative_core_hours,
            y: of.violated_windows,
            pareto: of.pareto,
        }
    }
}

impl<'r> From<&'r Summary> for Point<'r> {
    fn from(of: &'r Summary) -> Self {
        Self {
            recommender: &of.recommender,
            x: of.measures.core_hours,
            y: of.measures.violated_windows,
            pareto: of.pareto,
        }
    }
}

/// Violated windows in percent over what it cost, with intervals as crosses and the numbers of the table beside the points.
fn plot(x_label: &str, points: &[Point<'_>]) -> Result<String, Failure> {
    let mut svg = String::new();
    draw(x_label, points, &mut svg)
        .map_err(|error| Failure::new(Exit::Failed, format!("the plot can't be drawn: {error}")))?;
    Ok(svg)
}

fn draw(
    x_label: &str,
    points: &[Point<'_>],
    svg: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let range = |of: &dyn Fn(&Point<'_>) -> Estimate, least: f64| {
        let ends = points.iter().map(of).flat_map(|estimate| {
            [
                estimate.low.unwrap_or(estimate.mean),
                estimate.high.unwrap_or(estimate.mean),
            ]
        });
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| {
            (low.min(end), high.max(end))
        });
        if !(low.is_finite() && high.is_finite()) {
            return 0.0..1.0;
        }
        let margin = (0.08 * (high - low)).max(least);
        (low - margin).max(0.0)..high + margin
    };
    let x_range = range(&|point| point.x, 0.02);
    let y_range = range(&|point| point.y, 0.001);
    let y_range = 100.0 * y_range.start..100.0 * y_range.end;
    {
        let area = SVGBackend::with_string(svg, (840, 420)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x_range, y_range)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_desc(x_label)
            .y_desc("Windows violated, %")
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .draw()?;
        let mut front: Vec<(f64, f64)> = points
            .iter()
            .filter(|point| point.pareto)
            .map(|point| (point.x.mean, 100.0 * point.y.mean))
            .collect();
        front.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        chart.draw_series(LineSeries::new(
            front,
            RGBColor(150, 150, 150).stroke_width(1),
        ))?;
        let mut names: Vec<&str> = Vec::new();
        for (index, point) in points.iter().enumerate() {
            // Settings of one recommender have one colour.
            let name = point.recommender.split(':').next().unwrap_or_default();
            let place = names.iter().position(|of| *of == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            let colour = COLOURS.get(place % COLOURS.len()).copied().unwrap_or(BLACK);
            let (x, y) = (point.x.mean, 100.0 * point.y.mean);
            if let (Some(low), Some(high)) = (point.x.low, point.x.high) {
                chart.draw_series([PathElement::new([(low, y), (high, y)], colour.mix(0.6))])?;
            }
            if let (Some(low), Some(high)) = (point.y.low, point.y.high) {
                let ends = [(x, 100.0 * low), (x, 100.0 * high)];
                chart.draw_series([PathElement::new(ends, colour.mix(0.6))])?;
            }
            let style = if point.pareto {
                colour.filled()
            } else {
                colour.stroke_width(2)
            };
            chart.draw_series([EmptyElement::at((x, y))
                + Circle::new((0, 0), 5, style)
                + Text::new(
                    format!("{} {}", index + 1, name),
                    (8, -14),
                    ("sans-serif", 13).into_font().color(&colour),
                )])?;
        }
        area.present()?;
    }
    Ok(())
}
