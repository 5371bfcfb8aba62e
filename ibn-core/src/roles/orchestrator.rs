//! The role that acts.

use async_trait::async_trait;

use crate::allocation::FieldChange;
use crate::guard::{ApprovedPlan, Receipt};
use crate::workload::Inventory;

/// Reads what is live and applies what the guard approved, and nothing else.
#[async_trait]
pub trait Orchestrator: Send + Sync {
    /// Everything that is live, as one snapshot.
    ///
    /// # Errors
    /// Where the cluster can't be reached.
    async fn inventory(&self) -> crate::Result<Inventory>;

    /// What [`Orchestrator::apply`] would change, as the cluster itself sees it; changes nothing.
    ///
    /// # Errors
    /// As for [`Orchestrator::apply`].
    async fn preview(&self, plan: &ApprovedPlan) -> crate::Result<Vec<FieldChange>>;

    /// Applies a plan, once: a second call with the same decision returns the first one's receipt.
    ///
    /// All of a plan's fields change, or none.
    ///
    /// # Errors
    /// [`crate::Error::Stale`] where the workload is no longer as it was judged;
    /// [`crate::Error::NotFound`] where it is gone; [`crate::Error::Refused`] where the cluster says no.
    async fn apply(&self, plan: ApprovedPlan) -> crate::Result<Receipt>;
}
