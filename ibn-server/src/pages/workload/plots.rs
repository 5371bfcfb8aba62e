//! The plots of a workload.

use std::time::Duration;

use ibn_core::engine::State;
use ibn_core::units::Quantile;
use ibn_core::workload::WorkloadRef;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::super::format;
use crate::board::{History, Point, Sample, Series};
use crate::plot::{Band, Line, Plot};
use crate::state::ServerState;

/// How far ahead a forecast is drawn beside the last hour.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);

/// Pods, CPU, response time and requests, over the last hour or the last day.
pub(super) fn plots(
    server: &ServerState,
    workload: &WorkloadRef,
    state: &State,
    now: Timestamp,
    is_day: bool,
) -> Markup {
    let Some(history) = server.board().history(workload) else {
        return html! { p.empty.card { "Nothing was measured yet." } };
    };
    let (series, span) = if is_day {
        (&history.day, SignedDuration::from_hours(24))
    } else {
        (&history.hour, SignedDuration::from_hours(1))
    };
    let drawn = Drawn {
        series,
        quantile: history.quantile,
        from: now.checked_sub(span).unwrap_or(now),
        now,
    };
    let forecast = (!is_day)
        .then(|| state.assessment(workload)?.forecast.clone())
        .flatten();
    html! {
        div.plots {
            (drawn.latency(&history))
            (drawn.replicas())
            (drawn.cpu())
            (drawn.requests(forecast.as_ref()))
        }
    }
}

struct Drawn<'a> {
    series: &'a Series,
    quantile: Quantile,
    from: Timestamp,
    now: Timestamp,
}

type Of = fn(&Sample) -> Option<f32>;

impl Drawn<'_> {
    fn points(&self) -> impl Iterator<Item = &Point> {
        self.series
            .points
            .iter()
            .filter(|point| point.at >= self.from)
    }

    /// A line with a gap where for several buckets nothing was heard.
    fn line<'a>(&self, name: &'a str, class: &'a str, stepped: bool, of: Of) -> Line<'a> {
        let gap = self.gap();
        let mut points: Vec<(Timestamp, Option<f64>)> = Vec::new();
        for point in self.points() {
            if let Some((last, _)) = points.last()
                && point.at.duration_since(*last).unsigned_abs() > gap
            {
                points.push((*last, None));
            }
            points.push((point.at, of(&point.sample).map(f64::from)));
        }
        // The last known count holds until now.
        if stepped
            && let Some((at, Some(value))) = points.last().copied()
            && at < self.now
        {
            points.push((self.now, Some(value)));
        }
        Line {
            name,
            class,
            stepped,
            points,
        }
    }

    /// Three times the usual distance of points.
    fn gap(&self) -> Duration {
        let points: Vec<Timestamp> = self.points().map(|point| point.at).collect();
        let mut distances: Vec<Duration> = points
            .windows(2)
            .filter_map(|pair| match pair {
                [a, b] => Some(b.duration_since(*a).unsigned_abs()),
                _ => None,
            })
            .collect();
        distances.sort_unstable();
        let usual = distances.get(distances.len() / 2).copied();
        usual.unwrap_or(self.series.step).saturating_mul(3)
    }

    fn last(&self, of: Of, write: fn(f64) -> String) -> String {
        self.points()
            .filter_map(|point| of(&point.sample))
            .last()
            .map_or_else(|| "not known".to_owned(), |value| write(f64::from(value)))
    }

    fn plot<'a>(
        &self,
        id: &'a str,
        title: &'a str,
        summary: String,
        write: fn(f64) -> String,
    ) -> Plot<'a> {
        Plot {
            id,
            title,
            summary,
            from: self.from,
            to: self.now,
            now: None,
            write,
            lines: Vec::new(),
            bands: Vec::new(),
            spans: Vec::new(),
            spans_are: "",
        }
    }

    fn replicas(&self) -> Markup {
        let summary = format!(
            "{} pods are asked for, {} are ready.",
            self.last(|it| it.replicas, format::number),
            self.last(|it| it.ready, format::number)
        );
        let mut plot = self.plot("plot-replicas", "Pods", summary, format::number);
        plot.lines = vec![
            self.line("ready", "c1", true, |it| it.ready),
            self.line("asked for", "c2 dashed", true, |it| it.replicas),
        ];
        plot.figure()
    }

    fn cpu(&self) -> Markup {
        let summary = format!(
            "{} cores are used, {} requested, {} is the limit.",
            self.last(|it| it.cpu_used, format::number),
            self.last(|it| it.cpu_requested, format::number),
            self.last(|it| it.cpu_limit, format::number)
        );
        let mut plot = self.plot(
            "plot-cpu",
            "CPU, cores of all pods",
            summary,
            format::number,
        );
        plot.lines = vec![
            self.line("limit", "c3 dotted", true, |it| it.cpu_limit),
            self.line("requested", "c2 dashed", true, |it| it.cpu_requested),
            self.line("used", "c1", false, |it| it.cpu_used),
        ];
        plot.figure()
    }

    fn latency(&self, history: &History) -> Markup {
        let title = format!("Response time, {}", self.quantile.short_name());
        let spans = self.violated();
        let summary = format!(
            "The {} response time is {}, the objective {}; it was above the objective in {} spans.",
            self.quantile.short_name(),
            self.last(|it| it.latency, format::seconds),
            self.last(|it| it.latency_objective, format::seconds),
            spans.len()
        );
        let mut plot = self.plot("plot-latency", &title, summary, format::seconds);
        let name = history.quantile.short_name();
        plot.lines = vec![
            self.line("objective", "goal", true, |it| it.latency_objective),
            self.line(&name, "c1", false, |it| it.latency),
        ];
        plot.spans = spans;
        plot.spans_are = "above the objective";
        plot.figure()
    }

    fn violated(&self) -> Vec<(Timestamp, Timestamp)> {
        let step = SignedDuration::try_from(self.series.step).unwrap_or_default();
        let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
        for point in self.points() {
            if point.sample.is_violated() != Some(true) {
                continue;
            }
            let end = point.at.checked_add(step).unwrap_or(point.at);
            match spans.last_mut() {
                Some((_, last)) if *last >= point.at => *last = end,
                _ => spans.push((point.at, end)),
            }
        }
        spans
    }

    fn requests(&self, forecast: Option<&ibn_core::prediction::Forecast>) -> Markup {
        let mut summary = format!(
            "{} requests a second arrive.",
            self.last(|it| it.request_rate, format::number)
        );
        let mut plot = self.plot(
            "plot-requests",
            "Requests a second",
            String::new(),
            format::number,
        );
        plot.lines = vec![self.line("measured", "c1", false, |it| it.request_rate)];
        let points: Vec<_> = forecast
            .iter()
            .flat_map(|forecast| {
                forecast.points.iter().filter_map(|point| {
                    let ahead = SignedDuration::try_from(point.horizon).ok()?;
                    let at = forecast.made_at.checked_add(ahead).ok()?;
                    let low = point.values.first()?.1;
                    let high = point.values.last()?.1;
                    Some((at, low, point.at(Quantile::P50), high))
                })
            })
            .collect();
        if let Some((at, ..)) = points.last() {
            let end = self.now.checked_add(AHEAD).unwrap_or(self.now);
            plot.to = end.min(*at).max(self.now);
            plot.now = Some(self.now);
            let median: Vec<_> = points.iter().map(|(at, _, mid, _)| (*at, *mid)).collect();
            if let Some((at, Some(foreseen))) = median.last() {
                summary.push_str(&format!(
                    " {} are foreseen at {}.",
                    format::number(*foreseen),
                    format::clock(*at)
                ));
            }
            plot.lines.push(Line {
                name: "foreseen",
                class: "c2 dashed",
                stepped: false,
                points: median,
            });
            plot.bands.push(Band {
                name: "likely range",
                class: "c2-band",
                points: points
                    .iter()
                    .map(|(at, low, _, high)| (*at, *low, *high))
                    .collect(),
            });
        }
        plot.summary = summary;
        plot.figure()
    }
}
