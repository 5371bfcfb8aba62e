//! Who comes to a workload, as a scenario says it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ibn_core::units::duration_text;
use serde::Serialize;

use crate::arrivals::ArrivalProcess;
use crate::demand::{DayCurve, RateCurve};
use crate::error::{Error, Result};
use crate::rng::Seeds;
use crate::spec::Traffic;
use crate::time::nanos;
use crate::trace::{Trace, TraceFormat, parse_unit};

/// The demand of a workload: exactly one of the forms.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DemandSpec {
    /// The same rate for ever, in requests per second.
    Constant(f64),
    /// The built-in day.
    Day(DayCurve),
    /// Rates from given times on; the last one stays.
    Steps(Vec<RateStep>),
    /// A file.
    Trace(TraceSpec),
}

/// A rate from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RateStep {
    /// From when, in whole seconds since the start.
    #[serde(with = "duration_text")]
    pub at: Duration,
    /// Requests per second.
    pub rate: f64,
}

/// A trace file and how to read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceSpec {
    /// The file, relative to the scenario's own.
    pub file: PathBuf,
    /// The column of the counts, or of the times where each row is one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The width of a bin, such as `1min`.
    pub unit: String,
    /// Factor on every count.
    pub scale: f64,
    /// How far into the trace the run begins.
    #[serde(
        default,
        with = "duration_text",
        skip_serializing_if = "Duration::is_zero"
    )]
    pub skip: Duration,
}

pub(super) fn minute() -> String {
    "1min".to_owned()
}

impl DemandSpec {
    /// The traffic over `horizon`. A generated day differs by seed and `owner`; a trace that is too short begins again.
    ///
    /// # Errors
    /// A parameter outside its range, or a file that can't be read; `directory` is where relative names begin.
    pub fn traffic(
        &self,
        horizon: Duration,
        seeds: Seeds,
        owner: &str,
        directory: &Path,
    ) -> Result<Traffic> {
        let curve = match self {
            Self::Constant(rate) => RateCurve::constant(*rate)?,
            Self::Day(day) => {
                let days = nanos(horizon)
                    .div_ceil(nanos(Duration::from_hours(24)))
                    .max(1);
                day.curve(u32::try_from(days).unwrap_or(u32::MAX), seeds, owner)?
            }
            Self::Steps(steps) => stairs(steps)?,
            Self::Trace(trace) => trace.curve(directory)?,
        };
        Ok(Traffic::Rate(curve, ArrivalProcess::Poisson))
    }
}

impl TraceSpec {
    fn curve(&self, directory: &Path) -> Result<RateCurve> {
        let format = TraceFormat {
            column: self.column.clone(),
            unit: parse_unit(&self.unit)?,
        };
        let mut trace = Trace::read(&directory.join(&self.file), &format)?;
        let skipped = nanos(self.skip) / nanos(format.unit);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        if skipped >= trace.counts.len() {
            return Err(Error::spec(
                "demand.trace.skip",
                format!("the trace is {} bins long", trace.counts.len()),
            ));
        }
        trace.counts.drain(..skipped);
        trace.curve(self.scale, true)
    }
}

/// Steps as a curve of seconds. The curve is as long as the steps and a second; the last rate is then repeated.
fn stairs(steps: &[RateStep]) -> Result<RateCurve> {
    let whole_seconds = steps.iter().all(|step| step.at.subsec_nanos() == 0);
    let begins = steps.first().is_some_and(|step| step.at.is_zero());
    if !whole_seconds || !begins || !steps.is_sorted_by(|a, b| a.at < b.at) {
        return Err(Error::spec(
            "demand.steps",
            "must begin at 0s and rise, in whole seconds",
        ));
    }
    let last = steps.last().map_or(0, |step| step.at.as_secs());
    if last > 10_000_000 {
        return Err(Error::spec("demand.steps", "must lie within 10,000,000s"));
    }
    let mut rates = Vec::new();
    for (step, next) in steps.iter().zip(steps.iter().skip(1)) {
        rates.extend(std::iter::repeat_n(
            step.rate,
            (next.at - step.at).as_secs() as usize,
        ));
    }
    rates.extend(steps.last().map(|step| step.rate));
    RateCurve::new(Duration::from_secs(1), rates, false).map(RateCurve::holding_its_end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimTime;

    fn curve(spec: &DemandSpec, directory: &Path) -> Result<RateCurve> {
        match spec.traffic(Duration::from_hours(24), Seeds::new(1), "a/web", directory)? {
            Traffic::Rate(curve, _) => Ok(curve),
            Traffic::Times(_) => unreachable!(),
        }
    }

    #[test]
    fn steps_hold_until_the_next_and_the_last_for_ever() {
        let step = |at, rate| RateStep {
            at: Duration::from_secs(at),
            rate,
        };
        let spec = DemandSpec::Steps(vec![step(0, 8.0), step(60, 36.0), step(220, 9.0)]);
        let curve = curve(&spec, Path::new("")).unwrap();
        for (at, rate) in [
            (0, 8.0),
            (59, 8.0),
            (60, 36.0),
            (219, 36.0),
            (220, 9.0),
            (100_000, 9.0),
        ] {
            assert_eq!(curve.rate_at(SimTime::from_secs(at)), rate, "at {at} s");
        }
        for wrong in [vec![], vec![step(1, 1.0)], vec![step(0, 1.0), step(0, 2.0)]] {
            assert!(super::stairs(&wrong).is_err());
        }
    }

    #[test]
    fn a_trace_is_read_beside_the_scenario_scaled_and_skipped() {
        let directory = std::env::temp_dir().join(format!("ibn-sim-trace-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(
            directory.join("t.csv"),
            "t,n\n2020-01-01 00:00:00,60\n2020-01-01 00:01:00,120\n",
        )
        .unwrap();
        let trace = TraceSpec {
            file: "t.csv".into(),
            column: Some("n".to_owned()),
            unit: "1min".to_owned(),
            scale: 0.5,
            skip: Duration::from_secs(60),
        };
        assert_eq!(
            curve(&DemandSpec::Trace(trace.clone()), &directory)
                .unwrap()
                .rates(),
            [1.0]
        );
        let beyond = TraceSpec {
            skip: Duration::from_secs(120),
            ..trace.clone()
        };
        assert!(curve(&DemandSpec::Trace(beyond), &directory).is_err());
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(curve(&DemandSpec::Trace(trace), &directory).is_err());
    }
}
