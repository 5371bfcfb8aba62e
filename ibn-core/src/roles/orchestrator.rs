//! The role that acts.

use async_trait::async_trait;

use crate::allocation::FieldChange;
use crate::guard::{ApprovedPlan, Receipt};
use crate::workload::Inventory;

/// Reads what is live and applies what the guard approved, and nothing else.
///
/// ```
/// use ibn_core::allocation::FieldChange;
/// use ibn_core::guard::{ApprovedPlan, Receipt};
/// use ibn_core::roles::Orchestrator;
/// use ibn_core::workload::Inventory;
///
/// /// Lets everything be looked at, and nothing be done.
/// struct LookOnly<O>(O);
///
/// #[async_trait::async_trait]
/// impl<O: Orchestrator> Orchestrator for LookOnly<O> {
///     async fn inventory(&self) -> ibn_core::Result<Inventory> {
///         self.0.inventory().await
///     }
///
///     async fn preview(&self, plan: &ApprovedPlan) -> ibn_core::Result<Vec<FieldChange>> {
///         self.0.preview(plan).await
///     }
///
///     async fn apply(&self, plan: ApprovedPlan) -> ibn_core::Result<Receipt> {
///         Err(ibn_core::Error::Refused {
///             service: "this orchestrator".to_owned(),
///             reason: format!("{} would be applied, but it only looks", plan.decision()),
///         })
///     }
/// }
/// ```
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
