//! Assurance: measuring against the intent's objective, forecasting, and judging the last apply.
//!
//! - [`slo`] sums an objective up over sliding windows and says how fast its error budget is spent.
//! - [`BurnRateAssessor`] and [`ThresholdAssessor`] judge how intents stand and what should follow. They act on
//!   nothing: they measure a floor, raise corrective intents, and ask for a learner to be demoted or an apply to
//!   be undone.
//! - [`ForecastAwareAssessor`] adds what [`forecast`] foresees.
//! - [`prometheus`] measures by PromQL; [`Merged`] makes one monitor of several, [`Recorded`] and [`Replay`] keep what was
//!   seen and play it back.
//! - [`anomaly`] tells a value that is out of line, and a level that moved.

pub mod anomaly;
mod assess;
mod error;
pub mod forecast;
mod merged;
pub mod prometheus;
mod recording;
mod settings;
pub mod slo;
mod stats;

#[doc = include_str!("../WRITE_YOUR_OWN.md")]
pub mod write_your_own {}

pub use assess::{BurnRateAssessor, Cause, ForecastAwareAssessor, ThresholdAssessor};
pub use error::{Error, Result};
pub use merged::Merged;
pub use recording::{Recorded, Replay};
pub use settings::{AssuranceParams, AssuranceSettings};
