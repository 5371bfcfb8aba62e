//! The autoscalers that run in the cluster.

use std::time::Duration;

use ibn_core::intent::Autoscale;

use super::world::World;
use crate::autoscaler::hpa::{
    Controller, Parameters, Pod, PodStatus, Readiness, Readings, SYNC_NANOS, Sample, Seen, Spec,
};
use crate::pod::{PodPhase, PodView};
use crate::time::{SimTime, nanos};

/// The resolution of the metrics server.
pub(super) const METRICS_WINDOW: Duration = Duration::from_secs(15);

/// A HorizontalPodAutoscaler object and what the controller remembers of it.
#[derive(Debug, Clone)]
pub(super) struct Autoscaler {
    autoscale: Autoscale,
    controller: Controller,
    next_sync: SimTime,
}

impl Autoscaler {
    /// One that is made now; the controller looks at once, then every 15 s.
    pub(super) fn new(autoscale: Autoscale, now: SimTime) -> Self {
        let next_sync = now.after(Duration::from_nanos(1));
        Self {
            autoscale,
            controller: Controller::new(spec(autoscale), Parameters::default()),
            next_sync,
        }
    }

    pub(super) fn edit(&mut self, autoscale: Autoscale) {
        self.autoscale = autoscale;
        self.controller.edit(spec(autoscale));
    }

    pub(super) const fn autoscale(&self) -> Autoscale {
        self.autoscale
    }

    pub(super) const fn next_sync(&self) -> SimTime {
        self.next_sync
    }
}

fn spec(autoscale: Autoscale) -> Spec {
    Spec::on_cpu(
        autoscale.min_replicas(),
        autoscale.max,
        autoscale.cpu_utilization(),
    )
}

impl World {
    /// Syncs the autoscalers that are due, in the order of their workloads.
    pub(super) fn sync_autoscalers(&mut self, at: SimTime) {
        for (workload, deployment) in &mut self.deployments {
            let Some(autoscaler) = deployment
                .autoscaler
                .as_mut()
                .filter(|due| due.next_sync <= at)
            else {
                continue;
            };
            autoscaler.next_sync = at.after(Duration::from_nanos(SYNC_NANOS));
            let name = workload.to_string();
            let (Ok(status), Ok(views), Ok(cpu)) = (
                self.cluster.status(&name),
                self.cluster.pods(&name),
                self.cluster.pod_cpu(&name, METRICS_WINDOW),
            ) else {
                continue;
            };
            let pods: Vec<Pod> = views.iter().map(seen).collect();
            let measured_at = instant(self.cluster.last_bin_end());
            let samples = cpu.into_iter().filter_map(|(pod, cores)| {
                Some(Sample {
                    pod,
                    value: (cores? * 1000.0).round() as i64,
                    at: measured_at,
                })
            });
            let readings = [Readings::Pods(samples.collect())];
            let (now, replicas) = (instant(at), count(status.replicas));
            let outcome = autoscaler.controller.sync(&Seen {
                now,
                replicas,
                status_replicas: count(status.pods),
                pods: &pods,
                readings: &readings,
            });
            if let Some(wanted) = u32::try_from(outcome.replicas)
                .ok()
                .filter(|wanted| *wanted != status.replicas)
                && self.cluster.scale(&name, wanted).is_ok()
            {
                autoscaler
                    .controller
                    .scaled(now, replicas, outcome.replicas);
            }
        }
    }
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn instant(at: SimTime) -> i64 {
    i64::try_from(nanos(at.since_start())).unwrap_or(i64::MAX)
}

/// A pod as the controller sees it.
fn seen(pod: &PodView) -> Pod {
    let request = i64::try_from(pod.size.cpu_request.get())
        .ok()
        .filter(|request| *request > 0);
    let pending = pod.phase == PodPhase::Pending;
    Pod {
        id: pod.id,
        status: if pending {
            PodStatus::Pending
        } else {
            PodStatus::Running
        },
        started: pod.placed.map(instant),
        readiness: (!pending).then_some(if pod.phase == PodPhase::Ready {
            Readiness::Ready
        } else {
            Readiness::NotReady
        }),
        ready_since: (!pending).then_some(instant(pod.changed)),
        deleted: pod.phase == PodPhase::Stopping,
        cpu_request: request,
        memory_request: None,
    }
}
