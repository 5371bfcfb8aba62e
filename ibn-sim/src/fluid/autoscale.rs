//! The HorizontalPodAutoscaler for a whole fleet at once.

use super::{Fleet, Reading};

/// Syncs that the downscale stabilisation of 300 s looks back on, at 15 s a sync.
const WINDOW: usize = 20;

/// An autoscaler on CPU utilisation for each workload of a fleet, with the controller's defaults and without `behavior`.
///
/// Decides as [`crate::autoscaler::hpa::Controller`] does where all ready pods use the same and the others nothing; a test
/// holds the two together. For steps of 15 s.
#[derive(Debug, Clone)]
pub struct FleetHpa {
    target: f64,
    min: u32,
    max: u32,
    /// The last recommendations of each workload, in turn.
    recent: Vec<[u32; WINDOW]>,
    syncs: usize,
}

impl FleetHpa {
    /// Autoscalers for `workloads` workloads, with a target in percent of the requests and bounds.
    #[must_use]
    pub fn new(workloads: usize, utilization: u32, min: u32, max: u32) -> Self {
        Self {
            target: f64::from(utilization.max(1)),
            min: min.max(1),
            max: max.max(min),
            recent: vec![[0; WINDOW]; workloads],
            syncs: 0,
        }
    }

    /// One sync of every workload; gives back how many were scaled.
    pub fn sync(&mut self, fleet: &mut Fleet) -> usize {
        let slot = self.syncs % WINDOW;
        let mut scaled = 0;
        for (index, recent) in self.recent.iter_mut().enumerate() {
            let Some(seen) = fleet.reading(index) else {
                continue;
            };
            if self.syncs == 0 {
                *recent = [seen.replicas; WINDOW];
            }
            let wanted = decide(&seen, self.target, self.min, self.max, recent, slot);
            if wanted != seen.replicas {
                scaled += 1;
                fleet.scale(index, wanted);
            }
        }
        self.syncs += 1;
        scaled
    }
}

/// What the autoscaler asks for.
fn decide(
    seen: &Reading,
    target: f64,
    min: u32,
    max: u32,
    recent: &mut [u32; WINDOW],
    slot: usize,
) -> u32 {
    let replicas = seen.replicas;
    if replicas == 0 || replicas > max || replicas < min {
        return if replicas == 0 {
            0
        } else {
            replicas.clamp(min, max)
        };
    }
    let Some(wanted) = propose(seen, target) else {
        return replicas;
    };
    let stabilized = recent.iter().copied().fold(wanted, u32::max);
    if let Some(oldest) = recent.get_mut(slot) {
        *oldest = wanted;
    }
    let most = max.min(replicas.saturating_mul(2).max(4));
    stabilized.clamp(min, most.max(min))
}

/// Percentages are whole, as upstream has them.
fn propose(seen: &Reading, target: f64) -> Option<u32> {
    let used = (seen.used_cores * 1000.0).round();
    let ready = seen.ready.min(seen.replicas);
    let ratio = |pods: u32| {
        let requested = f64::from(pods) * seen.request_millicores as f64;
        (requested > 0.0).then(|| (used * 100.0 / requested).floor() / target)
    };
    let is_within = |ratio: f64| (0.9..=1.1).contains(&ratio);
    let first = ratio(ready)?;
    if first <= 1.0 || ready == seen.replicas {
        return Some(if is_within(first) {
            seen.replicas
        } else {
            (first * f64::from(ready)).ceil() as u32
        });
    }
    // Pods that aren't ready count as using nothing on the way up.
    let second = ratio(seen.replicas)?;
    let proposal = (second * f64::from(seen.replicas)).ceil() as u32;
    let points_back = second < 1.0 || proposal < seen.replicas;
    Some(if is_within(second) || points_back {
        seen.replicas
    } else {
        proposal
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::autoscaler::hpa::{
        Controller, Parameters, Pod, PodStatus, Readiness, Readings, Sample, Seen, Spec,
    };

    const SECOND: i64 = 1_000_000_000;

    /// The controller on pods of which the ready ones share the use.
    fn sync(controller: &mut Controller, seen: &Reading, now: i64) -> u32 {
        let pods: Vec<Pod> = (0..seen.replicas)
            .map(|id| Pod {
                id: u64::from(id),
                status: PodStatus::Running,
                started: Some(now - 30 * SECOND),
                readiness: Some(if id < seen.ready {
                    Readiness::Ready
                } else {
                    Readiness::NotReady
                }),
                ready_since: Some(now - 60 * SECOND),
                deleted: false,
                cpu_request: Some(seen.request_millicores as i64),
                memory_request: None,
            })
            .collect();
        let used = (seen.used_cores * 1000.0).round() as i64;
        let ready = i64::from(seen.ready);
        let samples: Vec<Sample> = (0..seen.replicas)
            .map(|id| Sample {
                pod: u64::from(id),
                value: if id < seen.ready {
                    used / ready + i64::from(i64::from(id) < used % ready)
                } else {
                    0
                },
                at: now,
            })
            .collect();
        let replicas = seen.replicas as i32;
        let outcome = controller.sync(&Seen {
            now,
            replicas,
            status_replicas: replicas,
            pods: &pods,
            readings: &[Readings::Pods(samples)],
        });
        if outcome.replicas != replicas {
            controller.scaled(now, replicas, outcome.replicas);
        }
        outcome.replicas as u32
    }

    proptest! {
        /// Over any course of load and readiness both ask for the same number of pods.
        #[test]
        fn it_decides_as_the_controller_does(
            start in 1u32..20,
            course in prop::collection::vec((0.0f64..3.0, 0u32..3), 1..60),
            target in 20u32..100,
        ) {
            let mut controller = Controller::new(Spec::on_cpu(1, 25, target), Parameters::default());
            let mut recent = [start; WINDOW];
            let mut replicas = start;
            for (turn, (load, unready)) in course.into_iter().enumerate() {
                let ready = replicas.saturating_sub(unready).max(1);
                let seen = Reading {
                    replicas,
                    ready,
                    request_millicores: 500,
                    used_cores: load * 0.5 * f64::from(ready),
                    ..Reading::default()
                };
                let ours = decide(&seen, f64::from(target), 1, 25, &mut recent, turn % WINDOW);
                let theirs = sync(&mut controller, &seen, turn as i64 * 15 * SECOND);
                prop_assert_eq!(ours, theirs, "turn {}: {:?}", turn, seen);
                replicas = ours;
            }
        }
    }
}
