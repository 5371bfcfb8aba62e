//! What all comparisons come to.

use std::fmt;

use serde::Serialize;

use crate::laws::Laws;
use crate::{autoscale, dynamic, steady};

/// One compared run.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Run {
    Steady(steady::Compared),
    Autoscale(autoscale::Compared),
    Dynamic(dynamic::Compared),
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) runs: Vec<Run>,
    laws: Laws,
    pub(crate) summary: Summary,
    pub(crate) met: Met,
}

/// Absent where no run says anything of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    steady_runs: usize,
    /// Steady runs that use at most 0.85 of their limits.
    steady_runs_up_to_085: usize,
    /// Medians of the errors' sizes over all steady runs.
    median_mean_error: Option<f64>,
    median_p50_error: Option<f64>,
    median_p95_error: Option<f64>,
    /// The same over those that use at most 0.85.
    median_mean_error_up_to_085: Option<f64>,
    median_p95_error_up_to_085: Option<f64>,
    /// Shares of the runs that use at most 0.85.
    mean_near_share: Option<f64>,
    p95_near_share: Option<f64>,
    /// Of the steady and overloaded runs.
    side_right_share: Option<f64>,
    /// Shares over the samples of all runs under an autoscaler.
    replicas_equal_share: Option<f64>,
    replicas_within_one_share: Option<f64>,
    replicas_median_equal_share: Option<f64>,
    replicas_median_within_one_share: Option<f64>,
    /// The largest difference, in percentage points.
    overload_worst_points: Option<f64>,
    load_equal_share: Option<f64>,
}

/// Each bar; absent where no run says anything of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Met {
    /// The median error of the mean and of p95 is at most 8 %.
    steady_median: Option<bool>,
    /// Mean within 20 % or 3 ms in at least 85 % of the runs that use at most 0.85.
    steady_mean: Option<bool>,
    /// p95 within 25 % or 12 ms in as many.
    steady_p95: Option<bool>,
    /// All runs are on the right side of saturation.
    saturation: Option<bool>,
    /// Replicas within one in 90 % of the samples.
    replicas_within_one: Option<bool>,
    /// Replicas equal in 75 % of the samples.
    replicas_equal: Option<bool>,
    /// The share of refused requests is within 3 percentage points.
    overload: Option<bool>,
}

impl Report {
    pub(crate) fn new(runs: Vec<Run>, laws: Laws) -> Self {
        let summary = Summary::of(&runs);
        let at_most = |value: Option<f64>, bound: f64| value.map(|value| value <= bound);
        let at_least = |value: Option<f64>, bound: f64| value.map(|value| value >= bound);
        let met = Met {
            steady_median: at_most(summary.median_mean_error, 0.08)
                .zip(at_most(summary.median_p95_error, 0.08))
                .map(|(mean, p95)| mean && p95),
            steady_mean: at_least(summary.mean_near_share, 0.85),
            steady_p95: at_least(summary.p95_near_share, 0.85),
            saturation: at_least(summary.side_right_share, 1.0),
            replicas_within_one: at_least(summary.replicas_within_one_share, 0.90),
            replicas_equal: at_least(summary.replicas_equal_share, 0.75),
            overload: at_most(summary.overload_worst_points, 3.0),
        };
        Self {
            runs,
            laws,
            summary,
            met,
        }
    }

    /// Whether no bar is missed.
    pub(crate) fn is_met(&self) -> bool {
        self.met.bars().iter().all(|(_, met)| *met != Some(false))
    }
}

impl Summary {
    fn of(runs: &[Run]) -> Self {
        let flat = || {
            runs.iter().filter_map(|run| match run {
                Run::Steady(run) => Some(run),
                _ => None,
            })
        };
        let steady: Vec<&steady::Compared> = flat().filter(|run| run.kind == "steady").collect();
        let moderate: Vec<&steady::Compared> = steady
            .iter()
            .copied()
            .filter(|run| run.utilization <= 0.85)
            .collect();
        let scaled: Vec<&autoscale::Compared> = runs
            .iter()
            .filter_map(|run| match run {
                Run::Autoscale(run) => Some(run),
                _ => None,
            })
            .collect();
        let by_sample = |pick: fn(&autoscale::Compared) -> f64| {
            let samples: usize = scaled.iter().map(|run| run.samples).sum();
            let sum: f64 = scaled
                .iter()
                .map(|run| pick(run) * run.samples as f64)
                .sum();
            (samples > 0).then(|| sum / samples as f64)
        };
        Self {
            steady_runs: steady.len(),
            steady_runs_up_to_085: moderate.len(),
            median_mean_error: median(steady.iter().map(|run| run.mean_error)),
            median_p50_error: median(steady.iter().map(|run| run.p50_error)),
            median_p95_error: median(steady.iter().map(|run| run.p95_error)),
            median_mean_error_up_to_085: median(moderate.iter().map(|run| run.mean_error)),
            median_p95_error_up_to_085: median(moderate.iter().map(|run| run.p95_error)),
            mean_near_share: share(moderate.iter().map(|run| run.mean_is_near)),
            p95_near_share: share(moderate.iter().map(|run| run.p95_is_near)),
            side_right_share: share(flat().map(|run| run.side_is_right)),
            replicas_equal_share: by_sample(|run| run.equal),
            replicas_within_one_share: by_sample(|run| run.within_one),
            replicas_median_equal_share: by_sample(|run| run.median_equal),
            replicas_median_within_one_share: by_sample(|run| run.median_within_one),
            overload_worst_points: flat()
                .filter(|run| run.kind == "overload")
                .map(|run| run.failed_points.abs())
                .reduce(f64::max),
            load_equal_share: share(runs.iter().map(|run| match run {
                Run::Steady(run) => run.load_is_equal,
                Run::Autoscale(run) => run.load_is_equal,
                Run::Dynamic(run) => run.load_is_equal,
            })),
        }
    }
}

impl Met {
    fn bars(&self) -> [(&'static str, Option<bool>); 7] {
        let Self {
            steady_median,
            steady_mean,
            steady_p95,
            saturation,
            replicas_within_one,
            replicas_equal,
            overload,
        } = *self;
        [
            (
                "steady runs: median error of mean and p95 at most 8 %",
                steady_median,
            ),
            (
                "up to 0.85: mean within 20 % or 3 ms in 85 % of the runs",
                steady_mean,
            ),
            (
                "up to 0.85: p95 within 25 % or 12 ms in 85 % of the runs",
                steady_p95,
            ),
            ("all runs on the right side of saturation", saturation),
            (
                "replicas within one in 90 % of the samples",
                replicas_within_one,
            ),
            ("replicas equal in 75 % of the samples", replicas_equal),
            ("overload: share of 503s within 3 points", overload),
        ]
    }
}

/// The median of the sizes of those that are there.
fn median(errors: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut sizes: Vec<f64> = errors.flatten().map(f64::abs).collect();
    sizes.sort_by(f64::total_cmp);
    let (low, high) = (
        sizes.get(sizes.len().checked_sub(1)? / 2)?,
        sizes.get(sizes.len() / 2)?,
    );
    Some((low + high) / 2.0)
}

/// The share of those that hold.
fn share(of: impl Iterator<Item = bool>) -> Option<f64> {
    let (mut all, mut held) = (0, 0);
    for holds in of {
        all += 1;
        held += usize::from(holds);
    }
    (all > 0).then(|| held as f64 / f64::from(all))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(
        || "-".to_owned(),
        |share| format!("{:+.1} %", share * 100.0),
    )
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady(run) => write!(
                f,
                "{:28} use {:4.2}  mean {:>7} {:>9}  p50 {:>9}  p95 {:>7} {:>9}  failed {:+5.1} pt  {}{}",
                run.name,
                run.utilization,
                number(run.measured.mean_ms),
                percent(run.mean_error),
                percent(run.p50_error),
                number(run.measured.p95_ms),
                percent(run.p95_error),
                run.failed_points,
                if run.measured.saturated {
                    "saturated"
                } else {
                    ""
                },
                if run.side_is_right { "" } else { " WRONG SIDE" },
            ),
            Self::Autoscale(run) => {
                write!(
                    f,
                    "{:28} equal {:.0} % (median {:.0} %), within one {:.0} % ({:.0} %) of {} samples; mean {}, failed {:+.1} pt",
                    run.name,
                    run.equal * 100.0,
                    run.median_equal * 100.0,
                    run.within_one * 100.0,
                    run.median_within_one * 100.0,
                    run.samples,
                    percent(run.whole.mean_error),
                    run.failed_points,
                )?;
                write!(f, "\n{:28} t: recorded, simulated ", "")?;
                for (t, recorded, median) in &run.course {
                    write!(f, " {t:.0}: {recorded}, {median};")?;
                }
                Ok(())
            }
            Self::Dynamic(run) => {
                write!(
                    f,
                    "{:28} mean {}, p50 {}, p95 {}, failed {:+.1} pt; between the actions, mean",
                    run.name,
                    percent(run.whole.mean_error),
                    percent(run.whole.p50_error),
                    percent(run.whole.p95_error),
                    run.failed_points,
                )?;
                for segment in &run.segments {
                    write!(f, " {}", percent(segment.mean_error))?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in &self.runs {
            writeln!(f, "{run}")?;
        }
        for fit in &self.laws.fits {
            writeln!(
                f,
                "{}: {} ({} samples; p10 p50 p90 {:.3?} s, by the law {:.3?}, off by {:.3} at most)",
                fit.what, fit.law, fit.samples, fit.measured_s, fit.law_s, fit.error_s
            )?;
        }
        let Summary {
            steady_runs,
            steady_runs_up_to_085,
            ..
        } = self.summary;
        let s = &self.summary;
        writeln!(
            f,
            "{steady_runs} steady runs: median error of mean {}, p50 {}, p95 {}; {steady_runs_up_to_085} use at most 0.85: mean near in {}, p95 in {}",
            percent(s.median_mean_error),
            percent(s.median_p50_error),
            percent(s.median_p95_error),
            percent(s.mean_near_share),
            percent(s.p95_near_share),
        )?;
        writeln!(
            f,
            "replicas equal in {}, within one in {} (of the median simulation {}, {}); overload off by {} points at most",
            percent(s.replicas_equal_share),
            percent(s.replicas_within_one_share),
            percent(s.replicas_median_equal_share),
            percent(s.replicas_median_within_one_share),
            number(s.overload_worst_points),
        )?;
        for (bar, met) in self.met.bars() {
            let verdict = match met {
                Some(true) => "met   ",
                Some(false) => "MISSED",
                None => "absent",
            };
            writeln!(f, "{verdict} {bar}")?;
        }
        Ok(())
    }
}
