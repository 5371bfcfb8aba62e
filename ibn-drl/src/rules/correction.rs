//! Corrects a model by what is measured.

use std::time::Duration;

use ibn_core::decision::Reason;
use ibn_core::observation::{Signal, SignalHealth};
use ibn_core::prediction::WorkloadModel;
use ibn_core::situation::Situation;
use jiff::Timestamp;

/// The time in which a measured CPU time per request is believed by 1 − 1/e.
const BELIEF: Duration = Duration::from_secs(600);

/// The time in which the margin goes down by half of what it is above 1.
const HALF_LIFE: Duration = Duration::from_secs(3_600);

/// Requests in a window from which on its CPU time per request says something.
const ENOUGH: f64 = 100.0;

/// How far off the model is found to be.
#[derive(Debug, Clone)]
pub(super) struct Correction {
    /// Measured over modelled CPU time per request, as a mean over [`BELIEF`]; 0.5 to 2.
    cpu: f64,
    cpu_at: Option<Timestamp>,
    /// Factor on the load for what else the model doesn't know; 1 to 2.
    margin: f64,
    margin_at: Option<Timestamp>,
    /// Since when nothing waits, starts or rises.
    calm_since: Option<Timestamp>,
}

impl Default for Correction {
    fn default() -> Self {
        Self {
            cpu: 1.0,
            cpu_at: None,
            margin: 1.0,
            margin_at: None,
            calm_since: None,
        }
    }
}

impl Correction {
    /// The model with the CPU time per request that is measured: CPU used ÷ requests served (the utilisation law).
    pub(super) fn model(&mut self, situation: &Situation, model: &WorkloadModel) -> WorkloadModel {
        if let Some((at, measured)) = cpu_per_request(situation) {
            let ratio = (measured / model.cpu_seconds_per_request).clamp(0.5, 2.0);
            let weight = match self.cpu_at {
                Some(last) if at > last => {
                    let passed = at.duration_since(last).as_secs_f64();
                    1.0 - (-passed / BELIEF.as_secs_f64()).exp()
                }
                Some(_) => 0.0,
                // One window against the model: as if it had been watched for a minute.
                None => 0.1,
            };
            if ratio.is_finite() {
                self.cpu += weight * (ratio - self.cpu);
                self.cpu_at = Some(at);
            }
        }
        WorkloadModel {
            cpu_seconds_per_request: self.cpu * model.cpu_seconds_per_request,
            ..model.clone()
        }
    }

    /// Moves the margin on: up a tenth for each window in which a latency objective is violated in calm although it is
    /// `foreseen` to be met; down with time.
    pub(super) fn margin(
        &mut self,
        situation: &Situation,
        violated: bool,
        calm: bool,
        foreseen: impl Fn() -> bool,
    ) {
        let now = situation.now;
        let window = situation
            .latest()
            .map_or(Duration::ZERO, |seen| seen.window);
        let live = &situation.state.allocation;
        let calm = calm
            && situation.state.ready_replicas >= live.replicas
            && situation.health == SignalHealth::Fresh;
        self.calm_since = calm.then(|| self.calm_since.unwrap_or(now));
        let since = |at: Option<Timestamp>| {
            at.map_or(Duration::ZERO, |at| now.duration_since(at).unsigned_abs())
        };
        let Some(last) = self.margin_at else {
            self.margin_at = Some(now);
            return;
        };
        if !violated {
            let passed = since(Some(last)).as_secs_f64() / HALF_LIFE.as_secs_f64();
            self.margin = 1.0 + (self.margin - 1.0) * 0.5f64.powf(passed);
            self.margin_at = Some(now);
        } else if since(self.calm_since) > window && since(Some(last)) >= window && foreseen() {
            self.margin = (1.1 * self.margin).min(2.0);
            self.margin_at = Some(now);
        }
    }

    /// The factor on the load.
    pub(super) fn margin_factor(&self) -> f64 {
        self.margin
    }

    /// What is corrected, where it is much.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if (self.cpu - 1.0).abs() >= 0.05 {
            reasons.push(Reason::new(
                "ModelCorrected",
                format!(
                    "requests are measured to take {:.2} times the CPU time that the model says",
                    self.cpu
                ),
            ));
        }
        if self.margin >= 1.01 {
            reasons.push(Reason::new(
                "Margin",
                format!(
                    "the load is taken {:.0} % higher, since latency was over the objective where the twin said it would not be",
                    100.0 * (self.margin - 1.0)
                ),
            ));
        }
        reasons
    }
}

/// CPU seconds per served request of the newest observation, and when that was.
fn cpu_per_request(situation: &Situation) -> Option<(Timestamp, f64)> {
    let seen = situation.latest()?;
    if situation.health != SignalHealth::Fresh {
        return None;
    }
    let served = seen.value(&Signal::Throughput)?;
    let used = seen.value(&Signal::CpuUsage)?;
    (served * seen.window.as_secs_f64() >= ENOUGH).then_some((seen.at, used / served))
}
