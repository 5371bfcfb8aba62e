//! The simulated cluster as monitor.

use std::time::Duration;

use async_trait::async_trait;
use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::Monitor;
use ibn_core::units::Quantile;
use ibn_core::workload::WorkloadRef;
use jiff::SignedDuration;

use super::SimulatedCluster;
use super::world::World;
use crate::account::Span;
use crate::scenario::FaultEffect;
use crate::time::SimTime;

/// The quantiles that latency is measured at, beside that of the objective.
const QUANTILES: [Quantile; 3] = [Quantile::P50, Quantile::P95, Quantile::P99];

#[async_trait]
impl Monitor for SimulatedCluster {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        let world = self.lock();
        if world.is_down(&FaultEffect::MonitorDown) {
            return Err(ibn_core::Error::unavailable(
                "the simulated monitor",
                "a fault of the scenario",
            ));
        }
        Ok(workloads
            .iter()
            .map(|workload| world.observe(workload, window, window))
            .collect())
    }
}

impl World {
    /// What the books say of a workload, its CPU over a window of its own, and what faults make of that.
    pub(super) fn observe(
        &self,
        workload: &WorkloadRef,
        window: Duration,
        cpu_window: Duration,
    ) -> Observation {
        let late = self.fault_now(workload, |effect| match effect {
            FaultEffect::Late(by) => Some(*by),
            _ => None,
        });
        let at = late.map_or(self.cluster.now(), |(_, by)| self.cluster.now().before(by));
        let mut seen = self.measured(workload, at, window, cpu_window);
        seen.at = self.now();
        let named =
            |signals: &[Signal], signal: &Signal| signals.is_empty() || signals.contains(signal);
        if let Some((since, signals)) = self.fault_now(workload, |effect| match effect {
            FaultEffect::Stale(signals) => Some(signals),
            _ => None,
        }) {
            let then = self.measured(workload, SimTime::ZERO.after(since), window, cpu_window);
            seen.readings.retain(|signal, _| !named(signals, signal));
            seen.readings.extend(
                then.readings
                    .into_iter()
                    .filter(|(signal, _)| named(signals, signal)),
            );
        }
        if let Some((_, wrong)) = self.fault_now(workload, |effect| match effect {
            FaultEffect::Wrong(wrong) => Some(wrong),
            _ => None,
        }) {
            for (_, reading) in seen
                .readings
                .iter_mut()
                .filter(|(signal, _)| named(&wrong.signals, signal))
            {
                reading.value *= wrong.factor;
            }
        }
        if let Some((_, signals)) = self.fault_now(workload, |effect| match effect {
            FaultEffect::NotANumber(signals) => Some(signals),
            _ => None,
        }) {
            for (_, reading) in seen
                .readings
                .iter_mut()
                .filter(|(signal, _)| named(signals, signal))
            {
                reading.value = f64::NAN;
            }
        }
        if let Some((_, signals)) = self.fault_now(workload, |effect| match effect {
            FaultEffect::Missing(signals) => Some(signals),
            _ => None,
        }) {
            seen.readings.retain(|signal, _| !named(signals, signal));
        }
        let skew = self.fault_now(workload, |effect| match effect {
            FaultEffect::ClockAhead(by) => SignedDuration::try_from(*by).ok(),
            FaultEffect::ClockBehind(by) => SignedDuration::try_from(*by).ok().map(|by| -by),
            _ => None,
        });
        if let Some((_, by)) = skew {
            for reading in seen.readings.values_mut() {
                reading.at = reading.at.checked_add(by).unwrap_or(reading.at);
            }
        }
        seen
    }

    /// What the books say of a workload over `window` before `at`, of its CPU over `cpu_window`.
    fn measured(
        &self,
        workload: &WorkloadRef,
        at: SimTime,
        window: Duration,
        cpu_window: Duration,
    ) -> Observation {
        let mut seen = Observation::new(workload.clone(), self.timestamp(at), window);
        let name = workload.to_string();
        let (Ok(Some(span)), Ok(spec)) = (
            self.cluster.span_at(&name, at, window),
            self.cluster.spec(&name),
        ) else {
            return seen;
        };
        self.fill(&mut seen, &span, spec.objective.quantile);
        if cpu_window != window
            && let Ok(Some(span)) = self.cluster.span_at(&name, at, cpu_window)
        {
            seen.set(Signal::CpuUsage, cores(&span), self.timestamp(span.to));
        }
        seen
    }

    fn fill(&self, seen: &mut Observation, span: &Span, objective: Quantile) {
        let at = self.timestamp(span.to);
        let (counts, load) = (&span.counts, &span.load);
        let seconds = span.to.since(span.from).as_secs_f64();
        let mut set = |signal, value| seen.set(signal, value, at);
        set(Signal::RequestRate, counts.arrived as f64 / seconds);
        set(Signal::Throughput, counts.served as f64 / seconds);
        set(Signal::CpuUsage, cores(span));
        set(Signal::MemoryUsage, load.memory_bytes as f64);
        set(Signal::MemoryPeak, load.memory_peak_bytes as f64);
        set(Signal::ReadyReplicas, f64::from(load.ready));
        set(Signal::Restarts, load.restarts as f64);
        if counts.finished() > 0 {
            set(
                Signal::ErrorRate,
                counts.failed() as f64 / counts.finished() as f64,
            );
        }
        // No period counts where no quota binds, or nothing ran.
        let throttled = load.throttled_periods as f64 / load.periods.max(1) as f64;
        set(Signal::CpuThrottled, throttled);
        for (quantile, latency) in QUANTILES
            .into_iter()
            .zip(span.latencies.quantiles(QUANTILES.map(Quantile::get)))
        {
            set(Signal::Latency(quantile), latency.as_secs_f64());
        }
        if let Some(latency) = span.latencies.quantile(objective.get()) {
            set(Signal::Latency(objective), latency.as_secs_f64());
        }
    }
}

/// The CPU that was used over a span.
fn cores(span: &Span) -> f64 {
    span.load.cpu_nanos as f64 / 1e9 / span.to.since(span.from).as_secs_f64()
}
