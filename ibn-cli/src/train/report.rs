//! The curves of a training, as one page.

use maud::{DOCTYPE, PreEscaped, html};
use plotters::prelude::*;

use super::{Point, Trained};
use crate::exit::{Exit, Failure};

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; }
h1 { font-size: 1.5rem; } figure { margin: 1.5rem 0; } figcaption { color: #555; } svg { width: 100%; height: auto; }
code { background: #f2f2f2; padding: 0 .2rem; }
";

pub(super) fn html(trained: &Trained) -> Result<String, Failure> {
    let figures = [
        (
            "Mean reward of a step on the scenarios of the validation",
            plot(trained, |point| point.validation)?,
        ),
        (
            "Mean reward of a step in the episodes of the training, whose scenarios become harder at first",
            plot(trained, |point| point.reward)?,
        ),
        (
            "Entropy of the policy, in nats",
            plot(trained, |point| Some(point.entropy))?,
        ),
        (
            "Approximate divergence from the policy of the rollout",
            plot(trained, |point| Some(point.approximate_kl))?,
        ),
        (
            "Explained variance of the returns",
            plot(trained, |point| Some(point.explained_variance))?,
        ),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Training of " (trained.policy.display()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Training of " code { (trained.policy.display()) } }
                p {
                    (trained.steps) " steps at seed " (trained.seed) ", on " (trained.scenarios.join(", "))
                    " (hash " code { (trained.scenario_hash) } "). The policy that was kept is that of step " (trained.best.steps)
                    ", with " (format!("{:.3}", trained.best.reward)) " a step in validation."
                }
                @for (caption, svg) in &figures {
                    figure { (PreEscaped(svg)) figcaption { (caption) } }
                }
            }
        }
    };
    Ok(page.into_string())
}

/// One number over the steps.
fn plot(trained: &Trained, of: impl Fn(&Point) -> Option<f64>) -> Result<String, Failure> {
    let points: Vec<(f64, f64)> = trained
        .curve
        .iter()
        .filter_map(|point| Some((point.steps as f64, of(point)?)))
        .filter(|(_, value)| value.is_finite())
        .collect();
    let mut svg = String::new();
    draw(&points, &mut svg)
        .map_err(|error| Failure::new(Exit::Failed, format!("the plot can't be drawn: {error}")))?;
    Ok(svg)
}

fn draw(points: &[(f64, f64)], svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let (first, last) = ends(&mut points.iter().map(|point| point.0));
    let (low, high) = ends(&mut points.iter().map(|point| point.1));
    let (first, last, low, high) = if points.is_empty() {
        (0.0, 1.0, 0.0, 1.0)
    } else {
        let margin = (0.05 * (high - low)).max(1e-6);
        (first, last.max(first + 1.0), low - margin, high + margin)
    };
    let area = SVGBackend::with_string(svg, (840, 260)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .x_label_area_size(34)
        .y_label_area_size(64)
        .build_cartesian_2d(first..last, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc("Steps")
        .x_label_formatter(&|steps| format!("{steps:.0}"))
        .label_style(("sans-serif", 13))
        .draw()?;
    chart.draw_series(LineSeries::new(
        points.iter().copied(),
        RGBColor(31, 98, 170).stroke_width(2),
    ))?;
    area.present()?;
    Ok(())
}
