//! Who comes to a workload, as a scenario says it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ibn_core::units::{duration_text, format_duration};
use serde::Serialize;

use crate::arrivals::ArrivalProcess;
use crate::demand::{DayCurve, RateCurve};
use crate::error::{Error, Result};
use crate::rng::{Purpose, Seeds, exponential, uniform};
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
    /// Rates that change at random moments.
    Switching(SwitchingRate),
    /// A file.
    Trace(TraceSpec),
}

/// A rate that changes at random moments: the users are then a Markov-modulated Poisson process.
///
/// It begins with the first rate, stays with each for an exponential time of the mean that is given, and goes on with one of
/// the others, each equally likely. Moments are exact to 100 ms: in between, the rate is the mean of what it changes from and to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchingRate {
    /// The rates, in requests per second; at least two.
    pub rates: Vec<f64>,
    /// The mean time of each, from 1 s on.
    #[serde(serialize_with = "texts")]
    pub stays: Vec<Duration>,
}

fn texts<S: serde::Serializer>(stays: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(stays.iter().map(|stay| format_duration(*stay)))
}

impl SwitchingRate {
    /// The width of a bin of the curve.
    const BIN: Duration = Duration::from_millis(100);

    pub(super) fn check(&self) -> Result<()> {
        let well = self.rates.len() >= 2
            && self.rates.len() == self.stays.len()
            && self
                .stays
                .iter()
                .all(|stay| *stay >= Duration::from_secs(1));
        if well {
            return Ok(());
        }
        Err(Error::spec(
            "demand.switching",
            "needs at least two rates, and as many stays of 1s and more",
        ))
    }

    fn curve(&self, horizon: Duration, seeds: Seeds, owner: &str) -> Result<RateCurve> {
        self.check()?;
        let mut stream = seeds.stream(Purpose::Demand, owner, 0);
        let bins = nanos(horizon).div_ceil(nanos(Self::BIN)).max(1);
        let bins = usize::try_from(bins).unwrap_or(usize::MAX);
        if bins > MOST_BINS {
            return Err(Error::spec(
                "demand.switching",
                "a run of more than 60 days is too long for it",
            ));
        }
        let mut rates = vec![0.0; bins];
        let (mut state, mut at) = (0usize, 0.0);
        while at < bins as f64 {
            let of = |values: &[f64]| values.get(state).copied().unwrap_or(0.0);
            let rate = of(&self.rates);
            let stay = self.stays.get(state).copied().unwrap_or(Self::BIN);
            let mean = stay.as_secs_f64() / Self::BIN.as_secs_f64();
            let end = (at + mean * exponential(&mut stream)).min(bins as f64);
            let (first, last) = (at as usize, end.ceil() as usize);
            for (index, bin) in rates.iter_mut().enumerate().take(last).skip(first) {
                let inside = end.min(index as f64 + 1.0) - at.max(index as f64);
                *bin += rate * inside.max(0.0);
            }
            // One of the others: as many steps on as are drawn.
            let others = self.rates.len() - 1;
            let steps = 1 + ((uniform(&mut stream) * others as f64) as usize).min(others - 1);
            (state, at) = ((state + steps) % self.rates.len(), end);
        }
        RateCurve::new(Self::BIN, rates, true)
    }
}

/// 60 days of bins of 100 ms.
const MOST_BINS: usize = 60 * 24 * 3600 * 10;

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
    /// How much CPU time each request needs, by a column of the trace; by the workload's `service` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkSpec>,
}

/// CPU time of single requests by a column of their trace, such as the tokens that a language model made: `base` and `each` for
/// every one. The workload's `service` then only tells what a twin assumes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkSpec {
    /// The column.
    pub column: String,
    /// CPU time for each of what the column counts.
    #[serde(with = "duration_text")]
    pub each: Duration,
    /// CPU time besides.
    #[serde(
        default,
        with = "duration_text",
        skip_serializing_if = "Duration::is_zero"
    )]
    pub base: Duration,
}

pub(super) fn minute() -> String {
    "1min".to_owned()
}

impl DemandSpec {
    /// The traffic over `horizon`. What is generated differs by seed and `owner`. A trace that is too short begins again; one whose
    /// rows are single requests is replayed as it is where its scale is 1, else its rate is followed.
    ///
    /// # Errors
    /// A parameter outside its range, or a file that can't be read; `directory` is where relative names begin.
    pub fn traffic(
        &self,
        horizon: Duration,
        seeds: Seeds,
        owner: &str,
        directory: &Path,
        arrivals: ArrivalProcess,
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
            Self::Switching(switching) => switching.curve(horizon, seeds, owner)?,
            Self::Trace(trace) => return trace.traffic(horizon, directory, arrivals),
        };
        Ok(Traffic::Rate(curve, arrivals))
    }
}

impl TraceSpec {
    fn traffic(
        &self,
        horizon: Duration,
        directory: &Path,
        arrivals: ArrivalProcess,
    ) -> Result<Traffic> {
        let format = TraceFormat {
            column: self.column.clone(),
            unit: parse_unit(&self.unit)?,
            amount: self.work.as_ref().map(|work| work.column.clone()),
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
        if self.scale == 1.0 && !trace.times.is_empty() {
            let skip = nanos(format.unit) * skipped as u64;
            let (first, times) = repeated(&trace.times, skip, nanos(horizon));
            let Some(work) = &self.work else {
                return Ok(Traffic::Times(times));
            };
            let round = trace.amounts.get(first..).unwrap_or_default();
            let of = |amount: &f64| {
                let secs = work.base.as_secs_f64() + work.each.as_secs_f64() * amount;
                Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX)
            };
            let work = round.iter().cycle().take(times.len()).map(of).collect();
            return Ok(Traffic::Requests { times, work });
        }
        if self.work.is_some() {
            return Err(Error::spec(
                "demand.trace.work",
                "needs a scale of 1, so that the requests are those of the trace",
            ));
        }
        trace.counts.drain(..skipped);
        Ok(Traffic::Rate(trace.curve(self.scale, true)?, arrivals))
    }
}

/// Rising times from `skip` on, again and again until `horizon`; a round is followed by the next after the mean gap.
///
/// With the place of the first of a round.
fn repeated(times: &[u64], skip: u64, horizon: u64) -> (usize, Vec<Duration>) {
    let first = times.partition_point(|time| *time < skip);
    let round: Vec<u64> = times
        .iter()
        .filter(|time| **time >= skip)
        .map(|time| time - skip)
        .collect();
    let Some(last) = round.last().copied() else {
        return (first, Vec::new());
    };
    let span = last + (last / round.len() as u64).max(1_000_000);
    let mut all = Vec::new();
    for begin in (0..horizon).step_by(usize::try_from(span).unwrap_or(usize::MAX)) {
        let of_round = round.iter().map(|time| begin + time);
        all.extend(
            of_round
                .take_while(|time| *time < horizon)
                .map(Duration::from_nanos),
        );
    }
    (first, all)
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
        match spec.traffic(
            Duration::from_hours(24),
            Seeds::new(1),
            "a/web",
            directory,
            ArrivalProcess::Poisson,
        )? {
            Traffic::Rate(curve, _) => Ok(curve),
            Traffic::Times(_) | Traffic::Requests { .. } => unreachable!(),
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
    fn a_switching_rate_stays_as_long_as_it_is_told() {
        let switching = SwitchingRate {
            rates: vec![10.0, 50.0],
            stays: vec![Duration::from_secs(60), Duration::from_secs(20)],
        };
        let hours = Duration::from_hours(200);
        let curve = switching.curve(hours, Seeds::new(1), "a/web").unwrap();
        let other = switching.curve(hours, Seeds::new(2), "a/web").unwrap();
        assert_ne!(curve.rates()[..10_000], other.rates()[..10_000]);
        // Three quarters of the time at 10, one at 50: 20 on average. Of 9,000 rounds, the standard error is some 1.5 %.
        assert!((curve.mean() / 20.0 - 1.0).abs() < 0.05, "{}", curve.mean());
        let high = curve.rates().iter().filter(|rate| **rate == 50.0).count();
        let share = high as f64 / curve.rates().len() as f64;
        assert!((share - 0.25).abs() < 0.015, "{share}");
        let wrong = SwitchingRate {
            rates: vec![1.0],
            ..switching
        };
        assert!(wrong.check().is_err());
    }

    #[test]
    fn single_requests_are_replayed_as_they_came_and_again() {
        let directory = std::env::temp_dir().join(format!("ibn-sim-times-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(
            directory.join("t.csv"),
            "ts,tokens\n100,5\n100.5,6\n102,7\n",
        )
        .unwrap();
        let trace = TraceSpec {
            file: "t.csv".into(),
            column: Some("ts".to_owned()),
            unit: "1s".to_owned(),
            scale: 1.0,
            skip: Duration::ZERO,
            work: None,
        };
        let traffic = |trace: TraceSpec| {
            let horizon = Duration::from_secs(5);
            DemandSpec::Trace(trace)
                .traffic(
                    horizon,
                    Seeds::new(1),
                    "a/web",
                    &directory,
                    ArrivalProcess::Poisson,
                )
                .unwrap()
        };
        // The second round begins 2/3 s, the mean gap, after the last of the first.
        let Traffic::Times(times) = traffic(trace.clone()) else {
            unreachable!("each row is a request")
        };
        let millis: Vec<u128> = times.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [0, 500, 2000, 2666, 3166, 4666]);
        let half = TraceSpec {
            scale: 0.5,
            ..trace.clone()
        };
        assert!(matches!(traffic(half), Traffic::Rate(..)));
        let worked = TraceSpec {
            work: Some(WorkSpec {
                column: "tokens".to_owned(),
                each: Duration::from_millis(10),
                base: Duration::from_millis(1),
            }),
            skip: Duration::from_secs(1),
            ..trace
        };
        let Traffic::Requests { work, .. } = traffic(worked) else {
            unreachable!("each row is a request with its tokens")
        };
        assert_eq!(work[0], Duration::from_millis(71), "the third, of seven");
        std::fs::remove_dir_all(&directory).unwrap();
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
            work: None,
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
