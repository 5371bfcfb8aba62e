//! A run of a scenario with a recommender for each workload: the baselines of every comparison.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ibn_core::allocation::Allocation;
use ibn_core::envelope::{Envelope, LimitSource};
use ibn_core::intent::{Objective, Preference};
use ibn_core::observation::{Observation, Signal, SignalHealth};
use ibn_core::prediction::WorkloadModel;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Experience, Outcome, Recommendation, RewardWeights, Situation};
use ibn_core::workload::{WorkloadRef, WorkloadState};

use crate::error::Result;
use crate::metrics::Metrics;
use crate::rng::Seeds;
use crate::scenario::{Scenario, WorkloadScenario};
use crate::simulated::SimulatedCluster;

/// The span that observations cover.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);
/// Observations that a recommender is shown, as many as the engine keeps.
const HISTORY: usize = 240;

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// By workload, in the order of the scenario.
    pub workloads: Vec<Metrics>,
    /// Hash of everything that happened.
    pub event_hash: u64,
}

/// Runs a scenario from its start over its horizon, with a recommender of `make` for each workload, asked every control
/// period. What it advises is set at once, inside the bounds of the scenario; no guard and no other limits come between. A
/// learner is told what came of its advice, with the reward of the engine's own settings.
///
/// Deterministic: the same scenario, recommenders and seed give the same episode.
///
/// ```
/// use std::time::Duration;
/// use ibn_sim::autoscaler::{Fixed, hpa::Hpa};
/// use ibn_sim::{Scenario, run};
///
/// let scenario = Scenario { horizon: Duration::from_secs(3600), ..Scenario::demo()? };
/// let fixed = run(&scenario, &mut |_| Box::new(Fixed::as_found()), 1)?;
/// let hpa = run(&scenario, &mut |_| Box::new(Hpa::new(70)), 1)?;
/// assert_eq!(fixed.workloads[0].counts.arrived, hpa.workloads[0].counts.arrived);
/// assert!(hpa.workloads[0].core_hours < fixed.workloads[0].core_hours);
/// # Ok::<(), ibn_sim::Error>(())
/// ```
///
/// # Errors
/// As for [`Scenario::cluster_spec`].
pub fn run(
    scenario: &Scenario,
    make: &mut dyn FnMut(&WorkloadRef) -> Box<dyn Recommender>,
    seed: u64,
) -> Result<Episode> {
    let cluster = SimulatedCluster::new(scenario, seed)?;
    let seeds = Seeds::new(seed).child("recommender");
    let mut sides: Vec<Side> = scenario
        .workloads
        .iter()
        .map(|workload| Side::new(workload, make(&workload.workload()), &cluster))
        .collect();
    let mut turn = 0u64;
    while cluster.elapsed() + scenario.control_period < scenario.horizon {
        cluster.advance_by(scenario.control_period);
        turn += 1;
        for side in &mut sides {
            let seed = seeds
                .child(&format!("{}/{turn}", side.watch.workload))
                .root();
            side.decide(&cluster, scenario, seed);
        }
    }
    cluster.advance_by(scenario.horizon.saturating_sub(cluster.elapsed()));
    Ok(Episode {
        workloads: cluster.all_metrics(),
        event_hash: cluster.event_hash(),
    })
}

/// What is told of a workload at each turn: its limits, and what was seen of it so far.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    workload: WorkloadRef,
    envelope: Arc<Envelope>,
    history: VecDeque<Arc<Observation>>,
    objectives: Vec<Objective>,
    preference: Preference,
    model: Option<WorkloadModel>,
}

impl Watch {
    /// A workload of a scenario that was not looked at yet; `model` is what a twin knows of it.
    pub(crate) fn new(workload: &WorkloadScenario, model: Option<WorkloadModel>) -> Self {
        let reference = workload.workload();
        let mut envelope = Envelope::open(reference.clone());
        if workload.bounds.min.is_some() {
            // Who bounds it from below says whether it may go to zero.
            envelope.replicas.min = None;
        }
        envelope.replicas.intersect(
            workload.bounds,
            &LimitSource::Guardrail(format!("{}-replicas", workload.name)),
        );
        Self {
            objectives: workload.objective().into_iter().collect(),
            workload: reference,
            envelope: Arc::new(envelope),
            history: VecDeque::new(),
            preference: Preference::default(),
            model,
        }
    }

    /// The same for somebody with this preference.
    pub(crate) fn with_preference(self, preference: Preference) -> Self {
        Self { preference, ..self }
    }

    /// The situation after one more look.
    pub(crate) fn situation(
        &mut self,
        state: WorkloadState,
        seen: Observation,
        control_period: Duration,
        seed: u64,
    ) -> Situation {
        let now = seen.at;
        let needed = [Signal::RequestRate, Signal::CpuUsage];
        let health = needed
            .iter()
            .map(|signal| seen.health(signal, now, 2 * WINDOW))
            .max();
        self.history.push_back(Arc::new(seen));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        Situation {
            workload: self.workload.clone(),
            now,
            control_period,
            state,
            envelope: Arc::clone(&self.envelope),
            objectives: self.objectives.clone(),
            preference: self.preference,
            history: self.history.iter().cloned().collect(),
            forecast: None,
            model: self.model.clone(),
            health: health.unwrap_or(SignalHealth::Missing),
            floor: None,
            held: BTreeSet::new(),
            seed,
        }
    }
}

/// One workload's side of a run.
struct Side {
    watch: Watch,
    recommender: Box<dyn Recommender>,
    /// What a learner advised last, until its outcome is known: how many fields that changed, and what was then given.
    advised: Option<(Situation, Recommendation, u32, Allocation)>,
}

impl Side {
    fn new(
        workload: &WorkloadScenario,
        recommender: Box<dyn Recommender>,
        cluster: &SimulatedCluster,
    ) -> Self {
        Self {
            watch: Watch::new(workload, cluster.model(&workload.workload())),
            recommender,
            advised: None,
        }
    }

    fn decide(&mut self, cluster: &SimulatedCluster, scenario: &Scenario, seed: u64) {
        let Some((state, seen)) = cluster.look(&self.watch.workload, WINDOW) else {
            return;
        };
        self.learn(&seen, &state.allocation);
        let situation = self
            .watch
            .situation(state, seen, scenario.control_period, seed);
        let live = &situation.state.allocation;
        let advice = self.recommender.recommend(&situation);
        let bounds = situation.envelope.replicas.range();
        let replicas = bounds.clamp(advice.allocation.replicas);
        let wanted = advice.allocation.with_replicas(replicas);
        let changes = live.changes_to(&wanted).len() as u32;
        if changes > 0 {
            // What the cluster refuses is left as it is; the recommender sees that at its next turn.
            let _ = cluster.change_by_hand(&self.watch.workload, &wanted, "recommender");
        }
        if self.recommender.as_learner().is_some() {
            self.advised = Some((situation, advice, changes, wanted));
        }
    }

    /// Hands a learner the outcome of its last advice, as the engine does.
    fn learn(&mut self, seen: &Observation, live: &Allocation) {
        let Some((situation, recommendation, changes, applied)) = self.advised.take() else {
            return;
        };
        let Some(learner) = self.recommender.as_learner() else {
            return;
        };
        let weights = RewardWeights::default();
        let outcome = Outcome::of(&situation.objectives, seen, live, changes, weights);
        learner.learn(&Experience {
            situation,
            recommendation,
            applied,
            outcome,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoscaler::Fixed;
    use crate::autoscaler::hpa::Hpa;

    /// A step that a fixed allocation can't take: 8/s to 60/s at 20 ms on pods of 500m.
    const STEP: &str = r#"
name = "step"
horizon = "20m"
[[nodes]]
name = "n"
cpu = "8"
memory = "8Gi"
[[workloads]]
namespace = "acme"
name = "web"
replicas = 1
bounds = { min = 1, max = 6 }
requests = { cpu = "500m", memory = "256Mi" }
limits = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "300ms" }
demand = { steps = [{ at = "0s", rate = 8.0 }, { at = "60s", rate = 60.0 }, { at = "600s", rate = 8.0 }] }
"#;

    fn step(make: &mut dyn FnMut(&WorkloadRef) -> Box<dyn Recommender>) -> Metrics {
        let scenario = Scenario::from_toml(STEP).unwrap();
        run(&scenario, make, 1).unwrap().workloads.remove(0)
    }

    #[test]
    fn an_autoscaler_saves_what_a_fixed_allocation_loses() {
        let fixed = step(&mut |_| Box::new(Fixed::as_found()));
        let hpa = step(&mut |_| Box::new(Hpa::new(60)));
        let plenty = step(&mut |_| Box::new(Fixed::at(9)));
        assert_eq!(fixed.counts.arrived, hpa.counts.arrived);
        // 9 minutes at 60/s against 25/s of capacity.
        assert!(
            fixed.error_rate() > 0.4 && fixed.violated_windows() > 0.4,
            "{fixed:?}"
        );
        assert!(
            hpa.violated_windows() < fixed.violated_windows() / 2.0,
            "{hpa:?}"
        );
        assert!(hpa.core_hours > fixed.core_hours && hpa.core_hours < plenty.core_hours);
        assert_eq!((fixed.changes, plenty.changes), (0, 1));
        // Six is the bound; the first 15 s are spent with one pod.
        assert!(
            (plenty.replica_hours - (6.0 * 1185.0 + 15.0) / 3600.0).abs() < 1e-6,
            "{}",
            plenty.replica_hours
        );
        // It grows with the load, at most doubling or by four, and shrinks after five quiet minutes.
        assert!((3..=6).contains(&hpa.changes), "{}", hpa.changes);
    }

    #[test]
    fn an_episode_is_reproducible_and_its_seed_matters() {
        let scenario = Scenario {
            horizon: Duration::from_secs(1800),
            ..Scenario::demo().unwrap()
        };
        let hpa = |seed| run(&scenario, &mut |_| Box::new(Hpa::new(70)), seed).unwrap();
        assert_eq!(hpa(1), hpa(1));
        assert_ne!(hpa(1).event_hash, hpa(2).event_hash);
    }
}
