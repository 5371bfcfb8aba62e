//! The bound for every other: the fewest pods that do, known beforehand.

use std::collections::BTreeMap;

use ibn_core::allocation::{Allocation, ContainerResources, Field};
use ibn_core::decision::Reason;
use ibn_core::intent::{Bound, IndicatorName, Objective};
use ibn_core::prediction::{Demand, Interval, Prediction};
use ibn_core::roles::{Predictor, Recommender};
use ibn_core::situation::{Recommendation, Situation};
use ibn_core::units::Quantile;

use super::foresight::{Coming, Foresight};
use crate::math;

/// How sure a clairvoyant wants to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How sure the objectives must be met, 0.5 to 0.95: from the twin's best guess at 0.5 to the worse end of its interval
    /// at 0.95, and for a latency at a quantile that the one measured in a minute's requests lies below so surely.
    pub confidence: f64,
    /// What is added to the rate to come, as a share of it, from 0 on.
    pub margin: f64,
}

impl Default for Settings {
    /// Fairly sure, so that one window in a hundred or fewer is over its objective by chance, and nothing added.
    fn default() -> Self {
        Self {
            confidence: 0.85,
            margin: 0.0,
        }
    }
}

/// A recommender that knows the demand to come: the lower bound of what a recommender of pods can spend.
///
/// What is decided now serves until what is decided at the next turn is ready. So it takes the peak of the rate over the
/// control period and the 99th percentile of the start-up law that follows on it, and gives the fewest pods inside the
/// bounds with which the twin predicts the objectives to be met at that peak. Where no number meets them so surely at any
/// load, as of work with a heavy tail, the twin's best guess counts; where none does then, the most that bounds allow. Pods
/// that are too many go at once: never fewer are kept than any instant until then needs, and more only for as long as a
/// control period and a start take.
///
/// Objectives are those of the situation on latency, errors, availability and CPU utilisation, or the scenario's own where
/// there are none. Runs are held against a latency minute by minute, and the quantile `q` of the `n` requests of a minute
/// scatters: with confidence `c` it lies below the true quantile at `q + z(c) √(q(1-q)/n)` (the normal approximation of a
/// binomial count; at most half of the way from `q` to 1), so it is there that the twin is asked. Sizes of pods stay as they
/// are.
///
/// It is as good as its twin: a bound in the sense of a model in which queues are stationary and rates are known, but not
/// the requests one by one. A latency is that of a workload's own work: what its calls take isn't in the twin. Of what goes
/// wrong in a scenario it foresees surges alone, and no attempts after a failure.
#[derive(Debug, Clone)]
pub struct Clairvoyant {
    foresight: Foresight,
    settings: Settings,
    known: Option<Capacities>,
}

impl Clairvoyant {
    /// The name under which it can be chosen.
    pub const NAME: &str = "clairvoyant";

    /// One that sees what `foresight` has.
    #[must_use]
    pub const fn new(foresight: Foresight, settings: Settings) -> Self {
        Self {
            foresight,
            settings,
            known: None,
        }
    }
}

impl Recommender for Clairvoyant {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let live = &situation.state.allocation;
        if !situation.is_free(&Field::Replicas) {
            return Recommendation::leave(situation, "Held", "the number of pods is held");
        }
        let Some(coming) = self.foresight.coming(&situation.workload) else {
            let message = format!("{} isn't in the scenario", situation.workload);
            return Recommendation::leave(situation, "NotForeseen", message);
        };
        let objectives: Vec<Objective> = if situation.objectives.is_empty() {
            coming.objective.iter().cloned().collect()
        } else {
            situation.objectives.clone()
        };
        let ahead = situation.control_period.saturating_add(coming.startup);
        let rate = coming.peak(situation.now, ahead) * (1.0 + self.settings.margin);
        if self
            .known
            .as_ref()
            .is_none_or(|known| !known.are_of(&live.containers, &objectives))
        {
            self.known = Some(Capacities::new(live, objectives));
        }
        let range = situation.envelope.replicas.range();
        let least = range.min.unwrap_or(1);
        let most = range.max.unwrap_or(MOST_PODS).max(least);
        let replicas = match &mut self.known {
            Some(known) if rate > 0.0 => {
                known.fewest(rate, least, most, coming, self.settings.confidence)
            }
            _ => least,
        };
        let message = format!(
            "{rate:.1} requests/s at most in the next {:.0} s take {replicas} pods",
            ahead.as_secs_f64()
        );
        let mut advice = Recommendation::new(
            live.with_replicas(replicas),
            vec![Reason::new("DemandToCome", message)],
        );
        advice.predicted = Some(coming.predict(rate, &advice.allocation));
        advice
    }
}

/// The most pods that are considered where nothing bounds them.
const MOST_PODS: u32 = 10_000;
/// The span in which runs are held against objectives: among the requests of so long a quantile is measured.
const WINDOW_SECS: f64 = 60.0;
/// The confidence at which the middle of the twin's interval counts.
const BEST_GUESS: f64 = 0.5;

impl Coming {
    fn predict(&self, request_rate: f64, allocation: &Allocation) -> Prediction {
        let demand = Demand {
            request_rate,
            arrival_cv2: self.arrival_cv2,
        };
        self.twin.predict(&self.model, demand, allocation)
    }
}

/// The rates that numbers of pods of one size can take, found as they are asked for.
#[derive(Debug, Clone)]
struct Capacities {
    pods: Allocation,
    objectives: Vec<Objective>,
    /// Requests per second by number of pods, as sure as they are to be and at best guess.
    known: [BTreeMap<u32, f64>; 2],
}

impl Capacities {
    fn new(live: &Allocation, objectives: Vec<Objective>) -> Self {
        Self {
            pods: live.clone(),
            objectives,
            known: Default::default(),
        }
    }

    fn are_of(&self, containers: &[ContainerResources], objectives: &[Objective]) -> bool {
        self.pods.containers == containers && self.objectives == objectives
    }

    /// The fewest pods from `least` to `most` that can take `rate`, `most` where none can: by doubling, then by halving.
    fn fewest(
        &mut self,
        rate: f64,
        least: u32,
        most: u32,
        coming: &Coming,
        confidence: f64,
    ) -> u32 {
        let (template, objectives) = (&self.pods, &self.objectives);
        let [sure, guess] = &mut self.known;
        let is_reachable = capacity(sure, template, objectives, most, coming, confidence) > 0.0;
        let (known, confidence) = if is_reachable {
            (sure, confidence)
        } else {
            (guess, BEST_GUESS)
        };
        let mut can =
            |pods: u32| capacity(known, template, objectives, pods, coming, confidence) >= rate;
        let (mut below, mut enough) = (least, least);
        while !can(enough) {
            if enough >= most {
                return most;
            }
            below = enough;
            enough = enough.saturating_mul(2).clamp(1, most);
        }
        while enough - below > 1 {
            let middle = below + (enough - below) / 2;
            if can(middle) {
                enough = middle;
            } else {
                below = middle;
            }
        }
        enough
    }
}

/// The highest rate, to 0.1 %, at which so many pods meet the objectives; 0 where they do at none. Looked up where it is known.
fn capacity(
    known: &mut BTreeMap<u32, f64>,
    template: &Allocation,
    objectives: &[Objective],
    pods: u32,
    coming: &Coming,
    confidence: f64,
) -> f64 {
    if let Some(known) = known.get(&pods) {
        return *known;
    }
    let allocation = template.with_replicas(pods);
    let does = |rate: f64| {
        let prediction = coming.predict(rate, &allocation);
        !prediction.saturated
            && objectives
                .iter()
                .all(|objective| is_met(&prediction, objective, rate, confidence))
    };
    let (mut low, mut high) = (0.0, 1.0);
    while high < 1e9 && does(high) {
        (low, high) = (high, high * 2.0);
    }
    while high > 1e-6 && high - low > 0.001 * high {
        let middle = f64::midpoint(low, high);
        if does(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    known.insert(pods, low);
    low
}

/// Whether a prediction at `rate` meets an objective; true for one that more pods couldn't help.
fn is_met(prediction: &Prediction, objective: &Objective, rate: f64, confidence: f64) -> bool {
    let reached = match objective.indicator {
        IndicatorName::Latency => {
            let q = objective.quantile().get();
            let scatter = (q * (1.0 - q) / (rate * WINDOW_SECS).max(1.0)).sqrt();
            let beyond = (math::normal_quantile(confidence) * scatter).min(0.5 * (1.0 - q));
            latency_at(prediction, q + beyond)
        }
        IndicatorName::ErrorRate | IndicatorName::Availability | IndicatorName::CpuUtilization => {
            prediction.of(objective)
        }
        _ => None,
    };
    reached.is_none_or(|interval| {
        let worse = match objective.bound {
            Bound::AtMost(_) => interval.high,
            Bound::AtLeast(_) => interval.low,
        };
        let weight = ((confidence - BEST_GUESS) / 0.45).clamp(0.0, 1.0);
        // An end of an interval around infinity says no more than its middle.
        let value = if interval.mid.is_finite() {
            interval.mid + weight * (worse - interval.mid)
        } else {
            interval.mid
        };
        objective.is_met_by(value)
    })
}

/// The latency at any quantile: between and beyond those that were predicted by a straight line over `-ln(1 - q)`, which is
/// exact for an exponential tail; `None` where fewer than two were.
fn latency_at(prediction: &Prediction, quantile: f64) -> Option<Interval> {
    let depth = |q: f64| -math::ln(1.0 - q);
    let known: Vec<(f64, Interval)> = [Quantile::P50, Quantile::P95, Quantile::P99]
        .into_iter()
        .filter_map(|q| Some((depth(q.get()), prediction.latency_at(q)?)))
        .collect();
    let wanted = depth(quantile);
    let pairs = known.windows(2).filter_map(|pair| match pair {
        [low, high] => Some((*low, *high)),
        _ => None,
    });
    // The first pair that reaches so far, else the last.
    let mut nearest = None;
    for pair in pairs {
        nearest = Some(pair);
        if pair.1.0 >= wanted {
            break;
        }
    }
    let ((from, low), (to, high)) = nearest?;
    let share = (wanted - from) / (to - from);
    let value = |a: f64, b: f64| {
        if a.is_finite() && b.is_finite() {
            (a + share * (b - a)).max(0.0)
        } else {
            a.max(b)
        }
    };
    Some(Interval {
        low: value(low.low, high.low),
        mid: value(low.mid, high.mid),
        high: value(low.high, high.high),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ibn_core::envelope::{Envelope, LimitSource};
    use ibn_core::intent::Range;
    use ibn_core::workload::WorkloadRef;
    use ibn_testkit::recommender::{check, situation};
    use jiff::SignedDuration;

    use super::*;
    use crate::autoscaler::hpa::Hpa;
    use crate::episode::run;
    use crate::scenario::Scenario;

    /// From 8/s to 60/s at 20 ms on pods of 500m, ten minutes long; a start takes 20 s.
    const STEP: &str = r#"
name = "step"
start = "2026-01-05T00:00:00Z"
horizon = "20m"
[[nodes]]
name = "n"
cpu = "8"
memory = "8Gi"
[[workloads]]
namespace = "acme"
name = "web"
replicas = 1
bounds = { min = 1, max = 8 }
requests = { cpu = "500m", memory = "256Mi" }
limits = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "20s" }
slo = { atMost = "300ms" }
demand = { steps = [{ at = "0s", rate = 8.0 }, { at = "120s", rate = 60.0 }, { at = "720s", rate = 8.0 }] }
"#;

    fn step() -> Scenario {
        Scenario::from_toml(STEP).unwrap()
    }

    fn clairvoyant(settings: Settings) -> Clairvoyant {
        Clairvoyant::new(Foresight::of(&step(), 1).unwrap(), settings)
    }

    /// The scenario's pods so many seconds after its start, asked every 15 s.
    fn at(seconds: i64) -> Situation {
        let scenario = step();
        let mut situation = situation(1, 0);
        situation.now = scenario.start + SignedDuration::from_secs(seconds);
        situation.control_period = scenario.control_period;
        situation.state.allocation = scenario.workloads[0].allocation();
        situation.objectives = scenario.workloads[0].objective().into_iter().collect();
        situation
    }

    fn pods(clairvoyant: &mut Clairvoyant, seconds: i64) -> u32 {
        clairvoyant.recommend(&at(seconds)).allocation.replicas
    }

    /// The fewest pods by trying them one after the other.
    fn by_hand(rate: f64, confidence: f64) -> u32 {
        let scenario = step();
        let web = WorkloadRef::deployment("acme", "web");
        let foresight = Foresight::of(&scenario, 1).unwrap();
        let (coming, objective) = (foresight.coming(&web).unwrap(), &at(0).objectives[0]);
        let live = at(0).state.allocation;
        (1..20)
            .find(|pods| {
                let prediction = coming.predict(rate, &live.with_replicas(*pods));
                is_met(&prediction, objective, rate, confidence)
            })
            .unwrap()
    }

    #[test]
    fn it_passes_the_suite() {
        let foresight = Foresight::of(&Scenario::demo().unwrap(), 1).unwrap();
        check(&|| Box::new(Clairvoyant::new(foresight.clone(), Settings::default())));
    }

    #[test]
    fn pods_are_ordered_a_start_and_a_period_ahead_and_go_when_the_need_is_over() {
        let (few, many) = (by_hand(8.0, 0.85), by_hand(60.0, 0.85));
        assert!(few < many, "{few} {many}");
        let mut clairvoyant = clairvoyant(Settings::default());
        // 120 s - 15 s - 20 s.
        for (seconds, expected) in [(0, few), (84, few), (85, many), (719, many), (720, few)] {
            assert_eq!(pods(&mut clairvoyant, seconds), expected, "at {seconds} s");
        }
    }

    #[test]
    fn confidence_and_margin_cost_pods() {
        let with = |confidence, margin| {
            let settings = Settings { confidence, margin };
            pods(&mut clairvoyant(settings), 200)
        };
        assert_eq!(with(0.5, 0.0), by_hand(60.0, 0.5));
        assert_eq!(with(0.95, 0.0), by_hand(60.0, 0.95));
        assert_eq!(with(0.5, 0.5), by_hand(90.0, 0.5));
        assert!(with(0.5, 0.0) < with(0.95, 0.0) && with(0.5, 0.0) < with(0.5, 0.5));
    }

    #[test]
    fn bounds_hold_and_the_most_is_taken_where_nothing_does() {
        let with = |bounds: Option<(u32, u32)>, bound: Duration| {
            let mut situation = at(200);
            let mut scenario = step();
            scenario.workloads[0].slo.at_most = bound;
            situation.objectives = scenario.workloads[0].objective().into_iter().collect();
            let mut envelope = Envelope::open(situation.workload.clone());
            if let Some((min, max)) = bounds {
                envelope
                    .replicas
                    .intersect(Range::new(Some(min), Some(max)), &LimitSource::Default);
            }
            situation.envelope = Arc::new(envelope);
            let advice = clairvoyant(Settings::default()).recommend(&situation);
            advice.allocation.replicas
        };
        let (bound, never) = (Duration::from_millis(300), Duration::from_millis(1));
        assert_eq!(with(None, bound), by_hand(60.0, 0.85));
        assert_eq!(with(Some((1, 2)), bound), 2);
        assert_eq!(with(Some((15, 20)), bound), 15);
        assert_eq!(with(Some((1, 7)), never), 7);
    }

    #[test]
    fn where_nothing_is_sure_enough_the_best_guess_counts() {
        let mut scenario = step();
        let foresight = Foresight::of(&scenario, 1).unwrap();
        let coming = foresight.coming(&at(0).workload).unwrap();
        let mut situation = at(0);
        let many = situation.state.allocation.with_replicas(20);
        let idle = coming
            .predict(0.01, &many)
            .latency_at(Quantile::P95)
            .unwrap();
        // Between the best guess and the worse end of what it is at next to no load.
        let bound = f64::midpoint(idle.mid, idle.high);
        scenario.workloads[0].slo.at_most = Duration::from_secs_f64(bound);
        situation.objectives = scenario.workloads[0].objective().into_iter().collect();
        let with = |confidence| {
            let settings = Settings {
                confidence,
                ..Settings::default()
            };
            let mut clairvoyant = Clairvoyant::new(foresight.clone(), settings);
            clairvoyant.recommend(&situation).allocation.replicas
        };
        assert_eq!(with(0.95), with(0.5));
        assert!(with(0.5) < 20, "{}", with(0.5));
    }

    #[test]
    fn latencies_between_and_beyond_what_is_predicted_follow_an_exponential_tail() {
        let foresight = Foresight::of(&step(), 1).unwrap();
        let coming = foresight.coming(&at(0).workload).unwrap();
        let mut prediction = coming.predict(8.0, &at(0).state.allocation);
        // A mean of 2 s: -2 ln(1 - q).
        let tail = |q: f64| -2.0 * (1.0 - q).ln();
        for quantile in [Quantile::P50, Quantile::P95, Quantile::P99] {
            let exact = Interval::exact(tail(quantile.get()));
            prediction.latency.insert(quantile.short_name(), exact);
        }
        for q in [0.2, 0.5, 0.9, 0.95, 0.97, 0.99, 0.999] {
            let found = latency_at(&prediction, q).unwrap().mid;
            assert!((found - tail(q)).abs() < 1e-9, "{q}: {found}");
        }
        prediction.latency.clear();
        assert_eq!(latency_at(&prediction, 0.95), None);
    }

    #[test]
    fn nothing_is_foreseen_of_a_workload_outside_the_scenario() {
        let mut other = at(0);
        other.workload = WorkloadRef::deployment("acme", "other");
        let advice = clairvoyant(Settings::default()).recommend(&other);
        assert_eq!(advice.reasons[0].code, "NotForeseen");
        assert_eq!(advice.allocation, other.state.allocation);
    }

    #[test]
    fn it_meets_a_step_that_an_autoscaler_is_late_for_and_spends_less() {
        let scenario = step();
        let hpa = run(&scenario, &mut |_| Box::new(Hpa::new(50)), 1).unwrap();
        let best = run(
            &scenario,
            &mut |_| Box::new(clairvoyant(Settings::default())),
            1,
        )
        .unwrap();
        let (hpa, best) = (&hpa.workloads[0], &best.workloads[0]);
        assert!(
            best.violated_windows() < hpa.violated_windows() && best.core_hours < hpa.core_hours,
            "{:?} and {:?}",
            (best.violated_windows(), best.core_hours),
            (hpa.violated_windows(), hpa.core_hours)
        );
    }
}
