//! The guard: the only maker of [`ApprovedPlan`].

mod plan;

pub use plan::{
    ApprovedPlan, Barred, Current, Cut, CutRule, Desired, Plan, Receipt, Reservation, Verdict,
};

/// Judges plans against the envelope.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guard;
