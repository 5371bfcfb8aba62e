//! One turn's search of the model-predictive rule, and what it says of it.

use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::decision::Reason;
use ibn_core::encoding::ReplicaRoom;
use ibn_core::intent::{Bound, IndicatorName, Objective};
use ibn_core::prediction::Alternative;
use ibn_core::situation::Situation;
use ibn_core::units::{IndicatorValue, format_duration};

use super::correction::Correction;
use super::demand::Demands;
use super::search::{Candidate, Found, Judge};

/// All that one turn's search needs.
pub(super) struct Planner<'a> {
    pub(super) situation: &'a Situation,
    pub(super) judge: Judge<'a>,
    pub(super) demands: &'a Demands<'a>,
    pub(super) room: ReplicaRoom,
    pub(super) correction: &'a Correction,
    pub(super) headroom: f64,
    pub(super) least_rate: f64,
    pub(super) lead: Duration,
}

impl Planner<'_> {
    /// What the demand is multiplied with.
    pub(super) fn factor(&self) -> f64 {
        self.correction.margin_factor() * self.headroom
    }

    /// The rate that is planned for until pods of the next turn serve, backlog included.
    pub(super) fn rate(&self) -> f64 {
        (self.factor() * self.demands.peak_with_backlog(self.lead)).max(self.least_rate)
    }

    fn fewest(&self, rate: f64, hint: u32) -> Found {
        self.judge
            .fewest(rate, hint, self.room.least, self.room.most)
    }

    /// What is needed for the demand until pods of the next turn serve.
    fn now(&self) -> Found {
        self.fewest(self.rate(), self.situation.state.allocation.replicas)
    }

    /// What must be asked for now so that, adding at most the step limit at each turn, each point of the forecast is
    /// met in time. Nothing more than `now` without a step limit or a forecast.
    fn ahead_of_step_limit(&self, now: u32) -> u32 {
        let Some(step) = self.situation.envelope.step.replicas_up else {
            return now;
        };
        let period = self.situation.control_period.as_secs_f64().max(1.0);
        let startup = self.judge.startup().as_secs_f64();
        let mut wanted = now;
        for horizon in self.demands.horizons() {
            let rate = (self.factor() * self.demands.peak(horizon)).max(self.least_rate);
            let turns = ((horizon.as_secs_f64() - startup) / period)
                .floor()
                .max(0.0);
            let later = (turns * f64::from(step)).min(f64::from(u32::MAX)) as u32;
            let by_then = self.room.clamp(wanted.saturating_add(later));
            if !self.judge.candidate(by_then, rate).meets {
                let needed = self.fewest(rate, by_then).best.allocation.replicas;
                wanted = wanted.max(needed.saturating_sub(later));
            }
        }
        wanted
    }

    /// How many pods are wanted, what the search for the present demand found, and why. `past` is the greatest demand of
    /// the last `window`, `None` where less than a window was seen.
    pub(super) fn wanted(
        &self,
        window: Duration,
        past: Option<f64>,
    ) -> (Candidate, u32, Vec<Reason>) {
        let now = self.now();
        let mut reasons = vec![self.main_reason(&now)];
        reasons.extend(self.demand_reasons());
        let found = now.best.allocation.replicas;
        let needed = self.ahead_of_step_limit(found);
        if needed > found {
            let message = format!(
                "{needed} pods now, since one decision may not add enough for the forecast later"
            );
            reasons.push(Reason::new("StepLimit", message));
        }
        let (kept, why) = self.kept(window, past);
        let held = needed.max(kept);
        let thrift = self.judge.thrift_limit(
            &self.situation.objectives,
            self.rate(),
            self.room.least,
            self.room.most,
        );
        let wanted = thrift.map_or(held, |most| held.min(most));
        if wanted < held {
            let message = format!(
                "{held} pods are wanted, an objective on cost or utilisation leaves {wanted}"
            );
            reasons.push(Reason::new("Thrift", message));
        } else if held > needed {
            let message = format!("{needed} pods would do now, {held} are kept: {why}");
            reasons.push(Reason::new("Stabilizing", message));
        }
        (now.best, wanted, reasons)
    }

    /// What is not let go, though fewer would do now, and why.
    fn kept(&self, window: Duration, past: Option<f64>) -> (u32, &'static str) {
        let live = self.situation.state.allocation.replicas;
        let Some(past) = past else {
            return (live, "less than a stabilisation window was seen yet");
        };
        let rate = self.kept_rate(window, Some(past));
        let why = if rate > self.factor() * past {
            "so many are forecast to be needed again soon"
        } else {
            "the demand of the stabilisation window needed so many"
        };
        let kept = if rate <= self.rate() {
            0
        } else if self.judge.candidate(live, rate).meets {
            self.fewest(rate, live).best.allocation.replicas.min(live)
        } else {
            live
        };
        (kept, why)
    }

    /// The greatest rate that was planned for in the last `window` or is forecast for the next one.
    pub(super) fn kept_rate(&self, window: Duration, past: Option<f64>) -> f64 {
        let later = self.demands.peak(window.max(self.lead));
        (self.factor() * later.max(past.unwrap_or(0.0))).max(self.rate())
    }

    fn main_reason(&self, found: &Found) -> Reason {
        let best = &found.best;
        let (replicas, rate) = (best.allocation.replicas, self.rate());
        let lead = format_duration(Duration::from_secs(self.lead.as_secs()));
        let Some((objective, reached)) = self.tightest(best) else {
            return Reason::new(
                "Predicted",
                format!("{replicas} pods for {rate:.1} requests/s"),
            );
        };
        let confidence = self.judge.confidence();
        if best.meets {
            let fewer = (replicas > 1)
                .then(|| self.judge.candidate(replicas - 1, rate))
                .and_then(|fewer| self.judge.reached(&fewer, objective))
                .map(|reached| {
                    format!(
                        "; with {} it would be {}",
                        replicas - 1,
                        value_text(objective, reached)
                    )
                })
                .unwrap_or_default();
            let are = match replicas {
                1 => "1 pod is".to_owned(),
                pods => format!("{pods} pods are"),
            };
            Reason::new(
                "Predicted",
                format!(
                    "{are} the fewest for {rate:.1} requests/s within {lead}: {objective}; what a window measures \
                     is no worse than {} with confidence {confidence}{fewer}",
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
        if let Some(model) = &self.situation.model {
            reasons.push(Reason::new(
                "Model",
                format!(
                    "a request takes {} of CPU and {} besides, by what was measured so far",
                    seconds_text(model.cpu_seconds_per_request),
                    seconds_text(model.base_latency_seconds)
                ),
            ));
        }
        match demands.forecast_peak(self.lead) {
            Some(peak) => reasons.push(Reason::new(
                "Demand",
                format!(
                    "{:.1} requests/s were measured, the forecast peaks at {peak:.1} with confidence {}",
                    demands.measured,
                    self.judge.confidence()
                ),
            )),
            None => reasons.push(Reason::new(
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
            .objectives()
            .iter()
            .filter_map(|objective| Some((objective, self.judge.reached(candidate, objective)?)))
            .max_by(|(a, x), (b, y)| strain(a, *x).total_cmp(&strain(b, *y)))
    }

    /// The chosen number, its neighbours, what is live, and the search's choice, each once, by number.
    pub(super) fn alternatives(&self, chosen: &Allocation, best: &Candidate) -> Vec<Alternative> {
        let live = self.situation.state.allocation.replicas;
        let rate = self.rate();
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
                let candidate = self.judge.candidate(replicas, rate);
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

/// Achieved over bound, the other way round where more is better; for comparing objectives.
fn strain(objective: &Objective, reached: f64) -> f64 {
    let bound = objective.bound.value().number();
    match &objective.bound {
        Bound::AtMost(_) => reached / bound,
        Bound::AtLeast(_) => bound / reached,
    }
}

/// A span of some milliseconds or seconds, to a tenth of a millisecond or a millisecond.
fn seconds_text(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.3} s")
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
    IndicatorValue::new(rounded, unit)
        .map_or_else(|| "without bound".to_owned(), |value| value.to_string())
}
