//! The settings of the assessors, checked before they run.

use std::time::Duration;

use ibn_core::units::duration_text;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What an assessor may be told beside its input. [`AssuranceParams::check`] gives the kind that runs.
///
/// ```
/// use ibn_assurance::AssuranceParams;
///
/// let settings = AssuranceParams { max_utilization: 0.7, ..AssuranceParams::default() }.check()?;
/// assert_eq!(settings.max_utilization, 0.7);
/// assert!(AssuranceParams { max_utilization: 70.0, ..AssuranceParams::default() }.check().is_err());
/// # Ok::<(), ibn_assurance::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct AssuranceParams {
    /// Share of its CPU limit that a pod may use before it counts as full; 0 to 1.
    pub max_utilization: f64,
    /// How far back the measured floor looks for peaks.
    #[serde(with = "duration_text")]
    pub floor_window: Duration,
    /// What is added to the greatest memory use of a pod for the floor, as a share of it.
    pub memory_headroom: f64,
    /// The error budget of objectives that aren't about requests: the share of time that may violate the bound.
    pub period_budget: f64,
    /// Burn rate from which the fast rule fires: long window = the objective's, short window = 1/12 of it.
    pub fast_burn: f64,
    /// Burn rate from which the slow rule fires: long window = three of the objective's, short window = 1/12 of that.
    pub slow_burn: f64,
    /// Requests that a long window must hold before a burn rate over requests is believed.
    pub min_requests: f64,
    /// How long a corrective intent lives.
    #[serde(with = "duration_text")]
    pub corrective_ttl: Duration,
    /// From creation to ready, where it wasn't measured.
    #[serde(with = "duration_text")]
    pub startup: Duration,
    /// Utilisation of the CPU limits from which more pods are expected to help.
    pub helpful_utilization: f64,
    /// Share of throttled CFS periods from which more CPU is expected to help.
    pub helpful_throttling: f64,
    /// By which share demand may differ and still count as the same.
    pub demand_tolerance: f64,
    /// How many times the burn rate must have grown for an apply to count as harmful.
    pub worse_factor: f64,
}

impl Default for AssuranceParams {
    fn default() -> Self {
        Self {
            max_utilization: 0.8,
            floor_window: Duration::from_secs(600),
            memory_headroom: 0.1,
            period_budget: 0.05,
            fast_burn: 2.0,
            slow_burn: 1.0,
            min_requests: 20.0,
            corrective_ttl: Duration::from_secs(900),
            startup: Duration::from_secs(15),
            helpful_utilization: 0.7,
            helpful_throttling: 0.1,
            demand_tolerance: 0.1,
            worse_factor: 1.5,
        }
    }
}

impl AssuranceParams {
    /// The settings, where every one of them is allowed.
    ///
    /// # Errors
    /// Names the first setting that isn't.
    pub fn check(self) -> Result<AssuranceSettings> {
        let share = "more than 0 and at most 1";
        let positive = "a positive number";
        let not_negative = "a number that isn't negative";
        let in_share = |value: f64| value > 0.0 && value <= 1.0;
        let is_positive = |value: f64| value > 0.0 && value.is_finite();
        let is_not_negative = |value: f64| value >= 0.0 && value.is_finite();
        for (key, value, holds, allowed) in [
            (
                "maxUtilization",
                self.max_utilization,
                in_share(self.max_utilization),
                share,
            ),
            (
                "memoryHeadroom",
                self.memory_headroom,
                is_not_negative(self.memory_headroom),
                not_negative,
            ),
            (
                "periodBudget",
                self.period_budget,
                in_share(self.period_budget),
                share,
            ),
            (
                "fastBurn",
                self.fast_burn,
                is_positive(self.fast_burn),
                positive,
            ),
            (
                "slowBurn",
                self.slow_burn,
                is_positive(self.slow_burn),
                positive,
            ),
            (
                "minRequests",
                self.min_requests,
                is_not_negative(self.min_requests),
                not_negative,
            ),
            (
                "helpfulUtilization",
                self.helpful_utilization,
                in_share(self.helpful_utilization),
                share,
            ),
            (
                "helpfulThrottling",
                self.helpful_throttling,
                in_share(self.helpful_throttling),
                share,
            ),
            (
                "demandTolerance",
                self.demand_tolerance,
                is_not_negative(self.demand_tolerance),
                not_negative,
            ),
            (
                "worseFactor",
                self.worse_factor,
                self.worse_factor >= 1.0 && self.worse_factor.is_finite(),
                "at least 1",
            ),
        ] {
            if !holds {
                return Err(Error::Setting {
                    key,
                    value: value.to_string(),
                    allowed,
                });
            }
        }
        for (key, value) in [
            ("floorWindow", self.floor_window),
            ("correctiveTtl", self.corrective_ttl),
        ] {
            if value.is_zero() {
                return Err(Error::Setting {
                    key,
                    value: "0s".to_owned(),
                    allowed: "a duration longer than 0s",
                });
            }
        }
        Ok(AssuranceSettings(self))
    }
}

/// Settings that were checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssuranceSettings(AssuranceParams);

impl std::ops::Deref for AssuranceSettings {
    type Target = AssuranceParams;

    fn deref(&self) -> &AssuranceParams {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed() {
        assert_eq!(
            AssuranceParams::default().check().unwrap(),
            AssuranceSettings::default()
        );
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        let message = |params: AssuranceParams| params.check().unwrap_err().to_string();
        let base = AssuranceParams::default;
        assert_eq!(
            message(AssuranceParams {
                max_utilization: f64::NAN,
                ..base()
            }),
            "setting `maxUtilization` is NaN, allowed is more than 0 and at most 1"
        );
        assert_eq!(
            message(AssuranceParams {
                corrective_ttl: Duration::ZERO,
                ..base()
            }),
            "setting `correctiveTtl` is 0s, allowed is a duration longer than 0s"
        );
        assert!(
            message(AssuranceParams {
                worse_factor: 0.5,
                ..base()
            })
            .contains("worseFactor")
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let read = serde_json::from_str::<AssuranceParams>(r#"{"maxUtilisation": 0.5}"#);
        assert!(read.unwrap_err().to_string().contains("maxUtilisation"));
    }
}
