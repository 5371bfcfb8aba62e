//! Target tracking: as many pods as bring CPU utilisation to a target.

use std::time::Duration;

use ibn_core::decision::Reason;
use ibn_core::observation::Signal;
use ibn_core::roles::Recommender;
use ibn_core::situation::{Recommendation, Situation};
use ibn_core::units::format_duration;

use super::{Stabilizer, replicas_are_held, settle};
use crate::error::{Faults, Result};

/// How [`TargetTracking`] tracks; the defaults are those of the HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSettings {
    /// CPU utilisation to bring about, percent of the requests, 1 to 200.
    pub target: f64,
    /// Relative deviation from the target that is let be, 0 to 1.
    pub tolerance: f64,
    /// How long a scale-in must have been wanted.
    pub stabilization: Duration,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self {
            target: 70.0,
            tolerance: 0.1,
            stabilization: Duration::from_secs(300),
        }
    }
}

/// As many pods as bring CPU utilisation to a target:
/// `ceil(ready × utilisation ÷ target)`, the rule of the HorizontalPodAutoscaler
/// (Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details).
///
/// Simple on purpose: it needs no model and no forecast, only CPU usage. `ibn-sim` has the exact
/// HorizontalPodAutoscaler with its policies and per-pod readiness.
///
/// ```
/// use ibn_drl::rules::{TargetSettings, TargetTracking};
///
/// assert!(TargetTracking::new(TargetSettings { target: 60.0, ..TargetSettings::default() }).is_ok());
/// let error = TargetTracking::new(TargetSettings { target: 0.0, tolerance: 3.0, ..TargetSettings::default() }).unwrap_err();
/// assert_eq!(error.to_string(), "target: `target` is 0, allowed is 1 to 200; `tolerance` is 3, allowed is 0 to 1");
/// ```
#[derive(Debug, Clone)]
pub struct TargetTracking {
    settings: TargetSettings,
    stabilizer: Stabilizer,
}

impl TargetTracking {
    /// A tracker with these settings.
    ///
    /// # Errors
    /// [`crate::Error::Settings`] with all that is out of range.
    pub fn new(settings: TargetSettings) -> Result<Self> {
        let mut faults = Faults::default();
        faults.in_range("target", settings.target, 1.0..=200.0);
        faults.in_range("tolerance", settings.tolerance, 0.0..=1.0);
        faults.finish("target")?;
        Ok(Self {
            stabilizer: Stabilizer::new(settings.stabilization),
            settings,
        })
    }
}

impl Recommender for TargetTracking {
    fn name(&self) -> &str {
        "target"
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        if let Some(held) = replicas_are_held(situation) {
            return Recommendation::new(situation.state.allocation.clone(), vec![held]);
        }
        let live = &situation.state.allocation;
        let ready = situation.state.ready_replicas.min(live.replicas);
        let requested = f64::from(ready) * live.pod_requests().cpu.as_cores();
        let used = situation
            .latest()
            .and_then(|seen| seen.value(&Signal::CpuUsage));
        let (Some(used), true) = (used, requested > 0.0) else {
            let missing = if used.is_none() {
                "CPU usage"
            } else {
                "a CPU request of a ready pod"
            };
            return Recommendation::leave(
                situation,
                "NoUtilization",
                format!("without {missing} there is no utilisation to track"),
            );
        };
        let utilization = 100.0 * used / requested;
        let over = utilization / self.settings.target;
        let within = (over - 1.0).abs() <= self.settings.tolerance;
        // Pods that are not ready yet count as idle where capacity is to be added, so that they are not ordered twice.
        let wanted = if within {
            live.replicas
        } else {
            let exact = (f64::from(ready) * over).ceil();
            let wanted = if exact >= f64::from(u32::MAX) {
                u32::MAX
            } else {
                exact as u32
            };
            if over > 1.0 {
                wanted.max(live.replicas)
            } else {
                wanted.max(1)
            }
        };
        let advised = self.stabilizer.settle(situation.now, live.replicas, wanted);
        let mut reasons = vec![Reason::new(
            "Utilization",
            format!(
                "CPU utilisation is {utilization:.0} %, the target {:.0} %: {wanted} pods",
                self.settings.target
            ),
        )];
        if advised > wanted {
            reasons.push(Reason::new(
                "Stabilizing",
                format!(
                    "{advised} pods were needed in the last {}: scale-in waits",
                    format_duration(self.settings.stabilization)
                ),
            ));
        }
        let allocation = settle(situation, advised, &mut reasons);
        Recommendation::new(allocation, reasons)
    }
}
