//! The autoscaler as a recommender, from what a monitor measures of a workload as a whole.

use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources, Field, Resource, ResourceBound};
use ibn_core::decision::Reason;
use ibn_core::observation::Signal;
use ibn_core::roles::Recommender as Role;
use ibn_core::situation::{Recommendation, Situation};
use jiff::Timestamp;

use super::{Amounts, Config, Estimate, Recommender};

/// How often the recommender takes in samples.
const SAMPLE_PERIOD: Duration = Duration::from_secs(60);
/// How long pods must have had a size before they are resized within the bounds, and by which share of it at least: the
/// updater's defaults.
const SETTLED: Duration = Duration::from_secs(12 * 3600);
const SIGNIFICANT: f64 = 0.1;
/// Pods of which samples are taken: since they are alike, more of them say nothing new.
const SAMPLED_PODS: f64 = 100.0;

/// The VerticalPodAutoscaler as a recommender: sizes of pods, never their number.
///
/// It takes the ready pods as alike, their containers as using CPU and memory in proportion to their requests, and the pod
/// that uses most as the peak of memory. Requests move to the target once one of them is outside its bounds, or where the
/// target differs by a tenth from what stood for 12 hours; limits keep their ratio to requests. Requests that aren't set
/// stay unset.
#[derive(Debug, Clone)]
pub struct Vpa {
    model: Recommender,
    known_pods: u64,
    last_sample: Option<Timestamp>,
    sized_since: Option<Timestamp>,
}

impl Vpa {
    /// An autoscaler with these settings that has seen nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            model: Recommender::new(config),
            known_pods: 0,
            last_sample: None,
            sized_since: None,
        }
    }

    /// Takes in what was measured last; `false` where that can't be told.
    fn observe(&mut self, situation: &Situation) -> bool {
        let live = &situation.state.allocation;
        let value = |signal| situation.latest().and_then(|seen| seen.value(&signal));
        let ready =
            value(Signal::ReadyReplicas).unwrap_or(f64::from(situation.state.ready_replicas));
        let (Some(cpu), Some(memory)) = (value(Signal::CpuUsage), value(Signal::MemoryPeak)) else {
            return false;
        };
        let ready = ready.round();
        if ready < 1.0 {
            return false;
        }
        let pods = ready.min(SAMPLED_PODS) as u64;
        let names: Vec<&str> = live.containers.iter().map(|it| it.name.as_str()).collect();
        for pod in self.known_pods..pods {
            self.model.add_pod(pod, 0, &names);
        }
        for pod in pods..self.known_pods {
            self.model.remove_pod(pod);
        }
        self.known_pods = pods;
        let at = i64::try_from(situation.now.as_nanosecond()).unwrap_or(i64::MAX);
        for container in &live.containers {
            let part = |resource| share(live, container, resource);
            let millicores = cpu * 1000.0 / ready * part(Resource::Cpu);
            let bytes = memory * part(Resource::Memory);
            for pod in 0..pods {
                self.model
                    .add_cpu(pod, &container.name, at, millicores.round() as i64);
                self.model
                    .add_memory(pod, &container.name, at, bytes.round() as i64);
            }
        }
        true
    }
}

impl Default for Vpa {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Role for Vpa {
    fn name(&self) -> &str {
        "vpa"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let live = &situation.state.allocation;
        let since = |earlier: Timestamp| situation.now.duration_since(earlier).unsigned_abs();
        if self
            .last_sample
            .is_some_and(|last| since(last) < SAMPLE_PERIOD)
        {
            return Recommendation::leave(situation, "NotDue", "the last sample is of this minute");
        }
        self.last_sample = Some(situation.now);
        let settled = since(*self.sized_since.get_or_insert(situation.now)) >= SETTLED;
        if !self.observe(situation) {
            return Recommendation::leave(
                situation,
                "NoReading",
                "use of CPU and memory can't be told, so nothing is changed",
            );
        }
        let estimates = self.model.recommend();
        let mut wanted = live.clone();
        let mut reasons = Vec::new();
        let (mut is_outside, mut difference) = (false, 0.0);
        for container in &mut wanted.containers {
            let Some(estimate) = estimates.get(&container.name) else {
                continue;
            };
            for resource in Resource::ALL {
                let Some(change) = Change::of(container, resource, estimate) else {
                    continue;
                };
                is_outside |= change.is_outside;
                difference += change.share;
                if change.resize(situation, container) {
                    reasons.push(change.reason(&container.name));
                }
            }
        }
        if reasons.is_empty() || !(is_outside || (settled && difference >= SIGNIFICANT)) {
            return Recommendation::leave(
                situation,
                "WithinBounds",
                "every request is within its bounds",
            );
        }
        self.sized_since = Some(situation.now);
        Recommendation::new(wanted, reasons)
    }
}

/// A container's part of what its pod uses.
fn share(live: &Allocation, container: &ContainerResources, resource: Resource) -> f64 {
    let total: u64 = live.containers.iter().map(|it| it.reserved(resource)).sum();
    if total == 0 {
        1.0 / live.containers.len().max(1) as f64
    } else {
        container.reserved(resource) as f64 / total as f64
    }
}

/// One request, and what it should be.
struct Change {
    resource: Resource,
    from: u64,
    to: u64,
    is_outside: bool,
    /// How far off it is, as a share of it.
    share: f64,
}

impl Change {
    /// Nothing for a request that isn't set.
    fn of(container: &ContainerResources, resource: Resource, to: &Estimate) -> Option<Self> {
        let amount = |amounts: Amounts| {
            let amount = match resource {
                Resource::Cpu => amounts.cpu,
                Resource::Memory => amounts.memory,
            };
            u64::try_from(amount).unwrap_or(0)
        };
        let from = container.amount(ResourceBound::Requests, resource)?;
        let target = amount(to.target);
        Some(Self {
            resource,
            from,
            to: target,
            is_outside: from < amount(to.lower) || from > amount(to.upper),
            share: target.abs_diff(from) as f64 / from.max(1) as f64,
        })
    }

    /// Sets the request, and the limit in proportion; `false` where it stays as it is or somebody holds it.
    fn resize(&self, situation: &Situation, container: &mut ContainerResources) -> bool {
        let field = |bound| Field::Resource {
            container: container.name.clone(),
            bound,
            resource: self.resource,
        };
        let limit = container.amount(ResourceBound::Limits, self.resource);
        let is_free = situation.is_free(&field(ResourceBound::Requests))
            && (limit.is_none() || situation.is_free(&field(ResourceBound::Limits)));
        if !is_free || self.to == self.from {
            return false;
        }
        container.set_amount(ResourceBound::Requests, self.resource, Some(self.to));
        if let Some(limit) = limit {
            let scaled = u128::from(limit) * u128::from(self.to) / u128::from(self.from.max(1));
            let scaled = u64::try_from(scaled).unwrap_or(u64::MAX).max(self.to);
            container.set_amount(ResourceBound::Limits, self.resource, Some(scaled));
        }
        true
    }

    fn reason(&self, container: &str) -> Reason {
        let place = if self.is_outside { "outside" } else { "within" };
        let text = |amount| self.resource.text(amount);
        Reason::new(
            "UsagePercentile",
            format!(
                "{container} should request {}: {} is {place} its bounds",
                text(self.to),
                text(self.from)
            ),
        )
    }
}
