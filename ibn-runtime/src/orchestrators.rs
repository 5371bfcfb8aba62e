//! Layers around an orchestrator: one that lets nothing be done, and one that writes down what was done.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ibn_core::allocation::FieldChange;
use ibn_core::decision::{DecisionId, LedgerEvent};
use ibn_core::guard::{ApprovedPlan, Receipt};
use ibn_core::roles::Orchestrator;
use ibn_core::workload::Inventory;
use ibn_core::{Error, Result};

/// Lets everything be looked at and tried, and nothing be done.
///
/// What would be refused is refused as it would be; for the rest, the refusal says what would change. An engine that only
/// advises ([`ibn_core::engine::EngineConfig::advise_only`]) asks for nothing; this holds for whoever asks all the same.
#[derive(Debug, Clone)]
pub struct DryRun<O>(pub O);

#[async_trait]
impl<O: Orchestrator> Orchestrator for DryRun<O> {
    async fn inventory(&self) -> Result<Inventory> {
        self.0.inventory().await
    }

    async fn preview(&self, plan: &ApprovedPlan) -> Result<Vec<FieldChange>> {
        self.0.preview(plan).await
    }

    async fn apply(&self, plan: ApprovedPlan) -> Result<Receipt> {
        let changes = self.0.preview(&plan).await?;
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        Err(Error::Refused {
            service: "the dry run".to_owned(),
            reason: format!(
                "{} would change {} of {}; nothing is applied",
                plan.decision(),
                changes.join(", "),
                plan.workload()
            ),
        })
    }
}

/// Writes down what came of each apply, one [`LedgerEvent`] as JSON a line: `applied` with the receipt, or `failed`.
///
/// Once a line can't be written, nothing more is applied: a recording with silent gaps is none.
#[derive(Debug)]
pub struct Recorded<O, W> {
    inner: O,
    recording: Mutex<Recording<W>>,
}

#[derive(Debug)]
struct Recording<W> {
    lines: W,
    applied: BTreeSet<DecisionId>,
    broken: Option<String>,
}

impl<O: Orchestrator, W: Write + Send> Recorded<O, W> {
    /// What `inner` does goes to `lines`, flushed after each.
    #[must_use]
    pub fn new(inner: O, lines: W) -> Self {
        Self {
            inner,
            recording: Mutex::new(Recording {
                lines,
                applied: BTreeSet::new(),
                broken: None,
            }),
        }
    }

    /// What was written to.
    pub fn into_lines(self) -> W {
        let recording = self.recording.into_inner();
        recording.unwrap_or_else(PoisonError::into_inner).lines
    }

    fn with<T>(&self, look: impl FnOnce(&mut Recording<W>) -> T) -> T {
        look(
            &mut self
                .recording
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl<W: Write> Recording<W> {
    fn write(&mut self, event: &LedgerEvent) {
        // The same decision again is the same deed.
        if matches!(event, LedgerEvent::Applied(_)) && !self.applied.insert(event.decision()) {
            return;
        }
        if let Err(error) = self.try_write(event) {
            let decision = event.decision();
            tracing::warn!(%decision, "what came of it could not be recorded: {error}");
            self.broken = Some(format!("{decision} could not be written: {error}"));
        }
    }

    fn try_write(&mut self, event: &LedgerEvent) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.lines.write_all(&line)?;
        self.lines.flush()
    }
}

#[async_trait]
impl<O: Orchestrator, W: Write + Send> Orchestrator for Recorded<O, W> {
    async fn inventory(&self) -> Result<Inventory> {
        self.inner.inventory().await
    }

    async fn preview(&self, plan: &ApprovedPlan) -> Result<Vec<FieldChange>> {
        self.inner.preview(plan).await
    }

    async fn apply(&self, plan: ApprovedPlan) -> Result<Receipt> {
        if let Some(why) = self.with(|recording| recording.broken.clone()) {
            return Err(Error::unavailable("the recording", why));
        }
        let decision = plan.decision();
        let result = self.inner.apply(plan).await;
        let event = match &result {
            Ok(receipt) => LedgerEvent::Applied(Box::new(receipt.clone())),
            Err(error) => LedgerEvent::Failed {
                decision,
                error: error.clone(),
            },
        };
        self.with(|recording| recording.write(&event));
        result
    }
}
