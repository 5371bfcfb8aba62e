//! Tells the engine what people write to the API server, and people what came of it.

use std::collections::BTreeMap;

use ibn_core::admission::AdmissionOutcome;
use ibn_core::engine::{Event, Reply, Request};
use ibn_core::intent::{Intent, IntentKey, IntentStatus};
use ibn_core::lifecycle::LifecycleEvent;
use ibn_core::roles::IntentStore;
use ibn_core::{Error, Result};
use ibn_k8s::ClusterIntentStore;
use ibn_k8s::controller::{Index, Told, Wanted};
use ibn_runtime::{Control, LiveHandle};

/// Carries out what an [`Index`] wants.
pub(super) struct Follower {
    pub(super) index: Index,
    pub(super) store: ClusterIntentStore,
    pub(super) handle: LiveHandle,
    /// What admission would not have, to be looked at again: what stands against it may go.
    rejected: BTreeMap<IntentKey, Intent>,
    /// What couldn't be said or done yet.
    failed: Vec<Wanted>,
}

impl Follower {
    pub(super) fn new(index: Index, store: ClusterIntentStore, handle: LiveHandle) -> Self {
        Self {
            index,
            store,
            handle,
            rejected: BTreeMap::new(),
            failed: Vec::new(),
        }
    }

    /// Carries out what is wanted, in order; what fails is tried again by [`Follower::look_again`].
    pub(super) async fn carry_out(&mut self, wanted: Vec<Wanted>) {
        for wanted in wanted {
            if let Err(error) = self.carry_out_one(&wanted).await {
                tracing::warn!(%error, "what was seen can't be told yet");
                self.failed.push(wanted);
            }
        }
    }

    /// Tries again what failed or was rejected.
    pub(super) async fn look_again(&mut self) {
        let failed = std::mem::take(&mut self.failed);
        let rejected = std::mem::take(&mut self.rejected);
        self.carry_out(failed).await;
        let again = rejected
            .into_values()
            .map(|intent| Wanted::Submit(Box::new(intent)));
        self.carry_out(again.collect()).await;
    }

    async fn carry_out_one(&mut self, wanted: &Wanted) -> Result<()> {
        match wanted {
            Wanted::Guardrails(guardrails) => {
                let event = Event::GuardrailsChanged(guardrails.clone());
                self.handle.tell(event).await
            }
            Wanted::Submit(intent) => self.submit(intent).await,
            Wanted::Withdraw(key) => self.withdraw(key).await,
            Wanted::Release(key) => self.store.release(key).await,
            Wanted::Unreadable {
                key,
                generation,
                message,
            } => {
                let mut status = IntentStatus {
                    observed_generation: Some(*generation),
                    ..IntentStatus::default()
                };
                // Allowed in the first state.
                let _ = status.advance(LifecycleEvent::Rejected, message, self.handle.now());
                self.refuse(key, *generation, &status, message).await
            }
        }
    }

    async fn submit(&mut self, intent: &Intent) -> Result<()> {
        let request = Request::Submit(Box::new(intent.clone()));
        match self.handle.request(request).await? {
            Reply::Submitted(key, outcome) => {
                if let AdmissionOutcome::Rejected { .. } = *outcome {
                    let generation = intent.metadata.generation.unwrap_or(0);
                    let mut status = IntentStatus {
                        observed_generation: Some(generation),
                        ..IntentStatus::default()
                    };
                    // Allowed in the first state.
                    let _ = outcome.write_to(&mut status, self.handle.now());
                    self.rejected.insert(key.clone(), intent.clone());
                    return self
                        .refuse(&key, generation, &status, &outcome.summary())
                        .await;
                }
                if self.store.accepted(&key)
                    && let Some(intent) = self.handle.state().intent(&key)
                {
                    self.store.put(intent).await?;
                }
                Ok(())
            }
            Reply::Failed(error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn refuse(
        &self,
        key: &IntentKey,
        generation: i64,
        rejected: &IntentStatus,
        message: &str,
    ) -> Result<()> {
        let state = self.handle.state();
        let followed = state.intent(key).and_then(|intent| intent.status.as_ref());
        let mut status = rejected.clone();
        if followed.is_none()
            && let Some(live) = self.store.get(key).await.ok().flatten()
            && let Some(old) = live.status
        {
            // A condition that says the same as before keeps its time.
            for condition in &mut status.conditions {
                let same = old
                    .conditions
                    .iter()
                    .find(|old| old.kind == condition.kind && old.status == condition.status);
                if let Some(same) = same {
                    condition.last_transition_time = same.last_transition_time;
                }
            }
        }
        self.store
            .refuse(
                key,
                generation,
                followed,
                &status,
                message,
                self.handle.now(),
            )
            .await
    }

    async fn withdraw(&mut self, key: &IntentKey) -> Result<()> {
        self.rejected.remove(key);
        match self.handle.request(Request::Withdraw(key.clone())).await? {
            // It was never taken: nothing of it is to be put back.
            Reply::Failed(Error::NotFound { .. }) => {
                self.store.release(key).await?;
                let heir = self.index.told(&Told::Forgotten(key.clone()));
                Box::pin(self.carry_out(heir)).await;
                Ok(())
            }
            Reply::Failed(error) => Err(error),
            _ => Ok(()),
        }
    }
}
