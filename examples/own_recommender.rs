//! An own recommender, beside Kubernetes' autoscaler on the same hour of traffic.

use std::time::Duration;

use ibn_core::allocation::Field;
use ibn_core::decision::Reason;
use ibn_core::observation::Signal;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use ibn_core::workload::WorkloadRef;
use ibn_sim::autoscaler::hpa::Hpa;
use ibn_sim::{Scenario, run};

/// One pod for so many requests a second.
struct PerPod(f64);

impl Recommender for PerPod {
    fn name(&self) -> &str {
        "per-pod"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        // What a directive holds is not ours to move.
        if situation.held.contains(&Field::Replicas) {
            return Recommendation::leave(situation, "Held", "the number of pods is held");
        }
        // A signal that is missing is no zero: without it everything stays.
        let Some(rate) = situation
            .latest()
            .and_then(|seen| seen.value(&Signal::RequestRate))
        else {
            return Recommendation::leave(situation, "NoRate", "the request rate is not known");
        };
        let range = situation.envelope.replicas.range();
        let replicas = range.clamp((rate / self.0).ceil() as u32);
        let reason = Reason::new(
            "PerPod",
            format!("{rate:.1} requests a second, {} for each pod", self.0),
        );
        Recommendation::new(
            situation.state.allocation.with_replicas(replicas),
            vec![reason],
        )
    }
}

fn main() -> anyhow::Result<()> {
    let scenario = Scenario {
        horizon: Duration::from_secs(3600),
        ..Scenario::demo()?
    };
    let mut per_pod = |workload: &WorkloadRef| -> Box<dyn Recommender> {
        Box::new(PerPod(if workload.name == "worker" { 2.0 } else { 10.0 }))
    };
    let mut hpa = |_: &WorkloadRef| -> Box<dyn Recommender> { Box::new(Hpa::new(70)) };
    let own = run(&scenario, &mut per_pod, 7)?;
    let kubernetes = run(&scenario, &mut hpa, 7)?;
    println!(
        "{:32} {:>10} {:>10} {:>10} {:>10}",
        "", "violated", "HPA", "core-h", "HPA"
    );
    for (own, hpa) in own.workloads.iter().zip(&kubernetes.workloads) {
        let (violated, hpa_violated) = (
            100.0 * own.violated_windows(),
            100.0 * hpa.violated_windows(),
        );
        let name = &own.workload;
        println!(
            "{name:32} {violated:9.1}% {hpa_violated:9.1}% {:10.2} {:10.2}",
            own.core_hours, hpa.core_hours
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_conforms() {
        ibn_testkit::recommender::check(&|| Box::new(PerPod(10.0)));
    }
}
