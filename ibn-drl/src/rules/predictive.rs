//! Model-predictive scaling: the fewest pods for which the twin says that the objectives will be met.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::decision::Reason;
use ibn_core::encoding::ReplicaRoom;
use ibn_core::intent::{Bound, IndicatorName, Objective, Preference};
use ibn_core::prediction::{Alternative, Prediction, WorkloadModel};
use ibn_core::roles::{Predictor, Recommender};
use ibn_core::situation::{Recommendation, Situation};
use ibn_core::units::format_duration;

use super::correction::Correction;
use super::demand::{Backlog, DemandSettings, Demands};
use super::search::{Candidate, Found, Judge, at};
use super::{Stabilizer, TargetSettings, TargetTracking, replicas_are_held, settle};
use crate::error::{Faults, Result};

/// How [`ModelPredictive`] decides.
#[derive(Debug, Clone, PartialEq)]
pub struct MpcSettings {
    /// How sure a prediction must be, 0.5 (best guess) to 0.999; by the preference where absent:
    /// cost 0.8, balanced 0.9, performance 0.975.
    pub confidence: Option<f64>,
    /// Factor on the demand, 0.5 to 4; by the preference where absent: cost 1, balanced 1.1, performance 1.3.
    pub headroom: Option<f64>,
    /// How long a scale-in must have been wanted.
    pub stabilization: Duration,
    /// How the demand is read.
    pub demand: DemandSettings,
    /// What is done without a model.
    pub fallback: TargetSettings,
}

impl Default for MpcSettings {
    fn default() -> Self {
        Self {
            confidence: None,
            headroom: None,
            stabilization: Duration::from_secs(300),
            demand: DemandSettings::default(),
            fallback: TargetSettings::default(),
        }
    }
}

impl MpcSettings {
    fn check(&self) -> Result<()> {
        let mut faults = Faults::default();
        if let Some(confidence) = self.confidence {
            faults.in_range("confidence", confidence, 0.5..=0.999);
        }
        if let Some(headroom) = self.headroom {
            faults.in_range("headroom", headroom, 0.5..=4.0);
        }
        faults.in_range("trend", self.demand.trend, 0.0..=1.0);
        faults.in_range("surgeLimit", self.demand.surge_limit, 1.0..=10.0);
        faults.finish("mpc")
    }
}

/// What is asked of the rule beside its settings; what a learner turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steering {
    /// How sure a prediction must be, 0.5 to 1.
    pub confidence: f64,
    /// Factor on the demand.
    pub headroom: f64,
}

impl Steering {
    /// What a preference stands for.
    #[must_use]
    pub fn for_preference(preference: Preference) -> Self {
        let (confidence, headroom) = match preference {
            Preference::Cost => (0.8, 1.0),
            Preference::Balanced => (0.9, 1.1),
            Preference::Performance => (0.975, 1.3),
        };
        Self {
            confidence,
            headroom,
        }
    }
}

/// The fewest pods for which the twin says that every objective is met, with the asked confidence, at the greatest
/// demand until pods that are ordered at the next turn would serve.
///
/// - *Demand*: the measured rate with its trend, the peak of the forecast, and what is needed to work off requests that
///   wait already. The forecast adds capacity, and never takes it below what the measured rate needs.
/// - *Horizon*: start-up time and one control period. Where a step limit bounds what one decision may add, the whole
///   forecast: what can't be added later in time is ordered now.
/// - *Scale-in* waits until it was wanted throughout the stabilisation window, and until the forecast keeps it wanted
///   for as long; so the number of pods never flaps.
/// - *Wrong models*: the model's CPU time per request follows what is measured. Where a latency objective is violated
///   in calm although the twin says that it is met, the load is taken higher by a margin that grows a tenth for each window
///   of it, up to twice, and halves in an hour.
/// - Without model, rate or an objective that the twin predicts it does as [`TargetTracking`] does, and says so.
///
/// Never asks for 0 pods. Deterministic, and doesn't use the seed.
pub struct ModelPredictive {
    settings: MpcSettings,
    predictor: Arc<dyn Predictor>,
    fallback: TargetTracking,
    stabilizer: Stabilizer,
    backlog: Backlog,
    correction: Correction,
}

impl ModelPredictive {
    /// A recommender that asks `predictor`.
    ///
    /// # Errors
    /// [`crate::Error::Settings`] with all that is out of range.
    pub fn new(predictor: Arc<dyn Predictor>, settings: MpcSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self {
            fallback: TargetTracking::new(settings.fallback.clone())?,
            stabilizer: Stabilizer::new(settings.stabilization),
            backlog: Backlog::default(),
            correction: Correction::default(),
            settings,
            predictor,
        })
    }

    /// What the settings say, and the preference where they are silent.
    #[must_use]
    pub fn steering(&self, preference: Preference) -> Steering {
        let preferred = Steering::for_preference(preference);
        Steering {
            confidence: self.settings.confidence.unwrap_or(preferred.confidence),
            headroom: self.settings.headroom.unwrap_or(preferred.headroom),
        }
    }

    /// Advises as [`Recommender::recommend`] does, with another head-room and confidence than the settings'.
    pub fn recommend_with(&mut self, situation: &Situation, steering: Steering) -> Recommendation {
        if let Some(held) = replicas_are_held(situation) {
            return Recommendation::new(situation.state.allocation.clone(), vec![held]);
        }
        match self.plan(situation, steering) {
            Ok(recommendation) => recommendation,
            Err(missing) => {
                let mut recommendation = self.fallback.recommend(situation);
                recommendation.reasons.insert(
                    0,
                    Reason::new(
                        "Fallback",
                        format!("{missing}: CPU utilisation is tracked instead"),
                    ),
                );
                // Both rules look back over what this one would have done, too.
                self.stabilizer.settle(
                    situation.now,
                    situation.state.allocation.replicas,
                    recommendation.allocation.replicas,
                );
                recommendation
            }
        }
    }

    fn plan(
        &mut self,
        situation: &Situation,
        steering: Steering,
    ) -> Result<Recommendation, String> {
        let model = situation
            .model
            .as_ref()
            .ok_or("there is no model of the workload")?;
        if !is_usable(model) {
            return Err("the model of the workload has numbers that make no sense".to_owned());
        }
        let model = &self.correction.model(situation, model);
        let live = &situation.state.allocation;
        let capacity = Judge::capacity_objectives(&situation.objectives);
        let judge = Judge {
            predictor: self.predictor.as_ref(),
            model,
            objectives: &capacity,
            confidence: steering.confidence,
            arrival_cv2: 1.0,
        };
        if !judge.predicts_something(live) {
            return Err("the twin predicts none of the objectives".to_owned());
        }
        let violated = violated_latency(situation);
        let lead = model.startup.saturating_add(situation.control_period);
        let demands = Demands::of(
            situation,
            &self.settings.demand,
            &mut self.backlog,
            violated.is_some(),
            lead,
            steering,
        )
        .ok_or("no request rate was measured")?;
        let calm = demands.backlog < 1.0 && demands.slope <= 0.0;
        let foreseen = || judge.candidate(live.clone(), demands.measured).meets;
        self.correction
            .margin(situation, violated.is_some(), calm, foreseen);
        let planner = Planner {
            situation,
            judge,
            demands: &demands,
            room: ReplicaRoom::of(situation),
            correction: &self.correction,
            least_rate: least_throughput(&situation.objectives),
            lead,
        };
        let now = planner.now();
        let step = planner.ahead_of_step_limit(now.best.allocation.replicas);
        let later = planner.kept_for(self.settings.stabilization.max(planner.lead));
        let thrift = planner.judge.thrift_limit(
            live,
            &situation.objectives,
            planner.rate(planner.lead),
            planner.room.least,
            planner.room.most,
        );
        let needed = now.best.allocation.replicas.max(step.unwrap_or(0));
        // What will be needed again within the window is not let go now, and not ordered yet either.
        let wanted = needed.max(later.min(live.replicas));
        let (held, held_since) = self.stabilizer.settle(situation.now, live.replicas, wanted);
        let capped = thrift.map_or(held, |most| held.min(most));
        let mut reasons = vec![planner.main_reason(&now)];
        reasons.extend(planner.demand_reasons());
        if let Some(step) = step.filter(|step| *step > now.best.allocation.replicas) {
            reasons.push(Reason::new(
                "StepLimit",
                format!(
                    "{step} pods now, since one decision may not add enough for the forecast later"
                ),
            ));
        }
        if capped < held {
            reasons.push(Reason::new(
                "Thrift",
                format!(
                    "{held} pods are wanted, an objective on cost or utilisation leaves {capped}"
                ),
            ));
        } else if held > needed {
            reasons.push(self.holding_reason(held, needed, later, held_since));
        }
        let allocation = settle(situation, capped, &mut reasons);
        let chosen = planner
            .judge
            .candidate(allocation.clone(), planner.rate(planner.lead));
        Ok(Recommendation {
            alternatives: planner.alternatives(&allocation, &now.best),
            predicted: Some(chosen.prediction).filter(has_no_nan),
            allocation,
            reasons,
            policy: None,
        })
    }

    fn holding_reason(
        &self,
        held: u32,
        needed: u32,
        later: u32,
        since: Option<jiff::Timestamp>,
    ) -> Reason {
        let message = match since {
            Some(since) => format!(
                "{needed} pods would do now, {held} were wanted at {since}: scale-in waits {} from then",
                format_duration(self.settings.stabilization)
            ),
            None => format!("{needed} pods would do now, {later} are forecast to be needed soon"),
        };
        Reason::new("Stabilizing", message)
    }
}

impl Recommender for ModelPredictive {
    fn name(&self) -> &str {
        "mpc"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let steering = self.steering(situation.preference);
        self.recommend_with(situation, steering)
    }
}

/// All that one turn's search needs.
struct Planner<'a> {
    situation: &'a Situation,
    judge: Judge<'a>,
    demands: &'a Demands<'a>,
    room: ReplicaRoom,
    correction: &'a Correction,
    least_rate: f64,
    lead: Duration,
}

impl Planner<'_> {
    /// The rate that is planned for within `horizon`, backlog included.
    fn rate(&self, horizon: Duration) -> f64 {
        (self.correction.margin_factor() * self.demands.peak_with_backlog(horizon))
            .max(self.least_rate)
    }

    fn fewest(&self, rate: f64) -> Found {
        self.judge.fewest(
            &self.situation.state.allocation,
            rate,
            self.room.least,
            self.room.most,
        )
    }

    /// What is needed for the demand until pods of the next turn serve.
    fn now(&self) -> Found {
        self.fewest(self.rate(self.lead))
    }

    /// What must be asked for now so that, adding at most the step limit at each turn, each point of the forecast is
    /// met in time; `None` without a step limit or a forecast.
    fn ahead_of_step_limit(&self, now: u32) -> Option<u32> {
        let step = self.situation.envelope.step.replicas_up?;
        let period = self.situation.control_period.as_secs_f64().max(1.0);
        let startup = self.judge.model.startup.as_secs_f64();
        self.demands
            .horizons()
            .map(|horizon| {
                let rate = (self.correction.margin_factor() * self.demands.peak(horizon))
                    .max(self.least_rate);
                let turns = ((horizon.as_secs_f64() - startup) / period)
                    .floor()
                    .max(0.0);
                let later = (turns * f64::from(step)).min(f64::from(u32::MAX)) as u32;
                self.fewest(rate)
                    .best
                    .allocation
                    .replicas
                    .saturating_sub(later)
            })
            .max()
            .map(|ahead| ahead.max(now))
    }

    /// What is needed at some time within `window`; a scale-in below it would be undone.
    fn kept_for(&self, window: Duration) -> u32 {
        let rate =
            (self.correction.margin_factor() * self.demands.peak(window)).max(self.least_rate);
        self.fewest(rate).best.allocation.replicas
    }

    fn main_reason(&self, found: &Found) -> Reason {
        let best = &found.best;
        let (replicas, rate) = (best.allocation.replicas, self.rate(self.lead));
        let lead = format_duration(Duration::from_secs(self.lead.as_secs()));
        let Some((objective, reached)) = self.tightest(best) else {
            return Reason::new(
                "Predicted",
                format!("{replicas} pods for {rate:.1} requests/s"),
            );
        };
        let confidence = self.judge.confidence;
        if best.meets {
            let fewer = (replicas > 1)
                .then(|| {
                    self.judge
                        .candidate(best.allocation.with_replicas(replicas - 1), rate)
                })
                .and_then(|fewer| self.reached(&fewer, objective))
                .map(|reached| {
                    format!("; with {} it would be {}", replicas - 1, value_text(objective, reached))
                })
                .unwrap_or_default();
            Reason::new(
                "Predicted",
                format!(
                    "{replicas} pods are the fewest for {rate:.1} requests/s within {lead}: {objective}, predicted {} \
                     with confidence {confidence}{fewer}",
                    value_text(objective, reached)
                ),
            )
        } else if found.at_limit {
            Reason::new(
                "OutOfRoom",
                format!(
                    "{replicas} pods are the most there is room for, and at {rate:.1} requests/s {objective} is not to \
                     be expected: predicted {}",
                    value_text(objective, reached)
                ),
            )
        } else {
            Reason::new(
                "OutOfReach",
                format!(
                    "{objective} is out of reach at any number of pods (predicted {}); more than {replicas} hardly help",
                    value_text(objective, reached)
                ),
            )
        }
    }

    fn demand_reasons(&self) -> Vec<Reason> {
        let demands = self.demands;
        let mut reasons = Vec::new();
        match (demands.forecast_peak(self.lead), demands.quantile) {
            (Some(peak), Some(quantile)) => reasons.push(Reason::new(
                "Demand",
                format!(
                    "{:.1} requests/s were measured, the forecast peaks at {peak:.1} ({})",
                    demands.measured,
                    quantile.short_name()
                ),
            )),
            _ => reasons.push(Reason::new(
                "NoForecast",
                format!(
                    "{:.1} requests/s were measured; without a forecast the load is taken to move as it did of late",
                    demands.measured
                ),
            )),
        }
        if demands.slope > 0.0 {
            reasons.push(Reason::new(
                "Rising",
                format!(
                    "demand rises by {:.1} requests/s each minute",
                    60.0 * demands.slope
                ),
            ));
        }
        if demands.backlog >= 1.0 {
            reasons.push(Reason::new(
                "Backlog",
                format!(
                    "about {:.0} requests wait and are to be worked off",
                    demands.backlog
                ),
            ));
        }
        reasons.extend(self.correction.reasons());
        reasons
    }

    /// The objective that is nearest to its bound or furthest beyond, and what is predicted of it.
    fn tightest(&self, candidate: &Candidate) -> Option<(&Objective, f64)> {
        self.judge
            .objectives
            .iter()
            .filter_map(|objective| Some((objective, self.reached(candidate, objective)?)))
            .max_by(|(a, x), (b, y)| strain(a, *x).total_cmp(&strain(b, *y)))
    }

    fn reached(&self, candidate: &Candidate, objective: &Objective) -> Option<f64> {
        let interval = candidate.prediction.of(objective)?;
        Some(at(interval, &objective.bound, self.judge.confidence))
    }

    /// The chosen number, its neighbours, what is live, and the search's choice, each once, by number.
    fn alternatives(&self, chosen: &Allocation, best: &Candidate) -> Vec<Alternative> {
        let live = self.situation.state.allocation.replicas;
        let rate = self.rate(self.lead);
        let found = best.allocation.replicas;
        let mut counts = vec![
            chosen.replicas.saturating_sub(1),
            chosen.replicas,
            chosen.replicas.saturating_add(1),
            live,
            found,
        ];
        counts.retain(|count| *count > 0);
        counts.sort_unstable();
        counts.dedup();
        counts
            .into_iter()
            .map(|replicas| {
                let candidate = self.judge.candidate(chosen.with_replicas(replicas), rate);
                let note = if replicas == chosen.replicas {
                    "chosen"
                } else if !candidate.meets {
                    "an objective would be missed"
                } else if replicas > chosen.replicas {
                    "meets all, costs more"
                } else {
                    "meets all, but capacity is kept for a while"
                };
                Alternative {
                    score: candidate.score(),
                    note: note.to_owned(),
                    allocation: candidate.allocation,
                }
            })
            .collect()
    }
}

fn is_usable(model: &WorkloadModel) -> bool {
    let positive = model.cpu_seconds_per_request > 0.0 && model.cpu_seconds_per_request.is_finite();
    positive && model.base_latency_seconds >= 0.0 && model.service_cv2 >= 0.0
}

/// Infinite is a prediction; not a number is none.
fn has_no_nan(prediction: &Prediction) -> bool {
    prediction
        .latency
        .values()
        .chain([
            &prediction.cpu_utilization,
            &prediction.error_rate,
            &prediction.throughput,
        ])
        .all(|interval| !interval.low.is_nan() && !interval.mid.is_nan() && !interval.high.is_nan())
}

/// A latency objective that the newest observation violates.
fn violated_latency(situation: &Situation) -> Option<&Objective> {
    let seen = situation.latest()?;
    situation.objectives.iter().find(|objective| {
        objective.indicator == IndicatorName::Latency
            && seen
                .achieved(objective, &situation.state.allocation)
                .is_some_and(|achieved| !objective.is_met_by(achieved))
    })
}

/// The greatest throughput that is asked for: capacity for it is kept even while less arrives.
fn least_throughput(objectives: &[Objective]) -> f64 {
    objectives
        .iter()
        .filter(|objective| objective.indicator == IndicatorName::Throughput)
        .filter_map(|objective| match &objective.bound {
            Bound::AtLeast(value) => Some(value.number()),
            Bound::AtMost(_) => None,
        })
        .fold(0.0, f64::max)
}

/// Achieved over bound, the other way round where more is better; for comparing objectives.
fn strain(objective: &Objective, reached: f64) -> f64 {
    let bound = objective.bound.value().number();
    match &objective.bound {
        Bound::AtMost(_) => reached / bound,
        Bound::AtLeast(_) => bound / reached,
    }
}

fn value_text(objective: &Objective, value: f64) -> String {
    let unit = objective.bound.value().unit().clone();
    // Two or three digits tell enough.
    let rounded = if objective.indicator == IndicatorName::Latency {
        (value * 1e3).round() / 1e3
    } else {
        (value * 10.0).round() / 10.0
    };
    ibn_core::units::IndicatorValue::new(rounded, unit)
        .map_or_else(|| "without bound".to_owned(), |value| value.to_string())
}
