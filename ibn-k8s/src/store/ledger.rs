//! Decisions as custom resources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ibn_core::decision::{Decision, DecisionId, LedgerEntry, LedgerEvent};
use ibn_core::roles::{Ledger, LedgerQuery};
use ibn_core::workload::WorkloadRef;
use ibn_core::{Error, Result};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{api, list};
use crate::error::{API_SERVER, told};

/// So many decisions of a workload that did something are kept, and as many that did nothing.
const KEPT: usize = 10;

/// The newest decisions of each workload, as objects of the API server, since Events expire.
///
/// A decision is one object in the namespace of its workload; what becomes of it is added to that object. What was appended
/// is remembered, so that nothing is listed after the first time; there may be one writer alone, which is whoever holds the
/// lease.
#[derive(Clone)]
pub struct ClusterLedger {
    client: kube::Client,
    namespace: Option<String>,
    records: Arc<tokio::sync::Mutex<Option<Records>>>,
    /// What was found damaged, so that it is told once.
    damaged: Arc<Mutex<BTreeSet<String>>>,
}

/// What is in the objects.
#[derive(Debug, Default)]
struct Records {
    decisions: BTreeMap<DecisionId, Record>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Record {
    workload: WorkloadRef,
    entries: Vec<Numbered>,
}

/// An entry with its place in the order of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Numbered {
    number: u64,
    #[serde(flatten)]
    entry: LedgerEntry,
}

impl Record {
    fn decision(&self) -> Option<&Decision> {
        self.entries
            .iter()
            .find_map(|numbered| match &numbered.entry.event {
                LedgerEvent::Decided(decision) => Some(&**decision),
                _ => None,
            })
    }

    /// Whether it was to change something.
    fn acts(&self) -> bool {
        self.decision()
            .is_some_and(|decision| decision.approved.is_some() && !decision.changes.is_empty())
    }

    fn outcome(&self) -> &'static str {
        self.entries
            .iter()
            .fold("", |outcome, numbered| match &numbered.entry.event {
                LedgerEvent::Decided(decision) if decision.approved.is_some() => "Decided",
                LedgerEvent::Decided(_) => "Rejected",
                LedgerEvent::Applied(_) if outcome == "Undone" => outcome,
                LedgerEvent::Applied(_) => "Applied",
                LedgerEvent::Failed { .. } => "Failed",
                LedgerEvent::Undone { .. } => "Undone",
            })
    }

    fn spec(&self, decision: &Decision) -> serde_json::Value {
        let sentences: Vec<&str> = decision
            .reasons
            .iter()
            .map(|reason| reason.message.as_str())
            .collect();
        let changes: Vec<String> = decision.changes.iter().map(ToString::to_string).collect();
        let intents: Vec<String> = decision.intents.iter().map(ToString::to_string).collect();
        json!({
            "id": decision.id,
            "at": decision.at,
            "workload": self.workload,
            "trigger": decision.trigger.as_str(),
            "intents": intents,
            "outcome": self.outcome(),
            "reason": sentences.join("; "),
            "changes": changes.join(", "),
            "entries": self.entries,
        })
    }
}

impl ClusterLedger {
    /// The decisions of one namespace, or of all.
    #[must_use]
    pub fn new(client: kube::Client, namespace: Option<String>) -> Self {
        Self {
            client,
            namespace,
            records: Arc::default(),
            damaged: Arc::default(),
        }
    }

    async fn read(&self) -> Result<Records> {
        let mut records = Records::default();
        for object in list(&self.client, "Decision", self.namespace.as_deref()).await? {
            match read(&object) {
                Ok((id, record)) => {
                    let last = record.entries.iter().map(|it| it.number).max();
                    records.next = records.next.max(last.map_or(0, |last| last + 1));
                    records.decisions.insert(id, record);
                }
                Err(error) => {
                    let name = object.metadata.name.clone().unwrap_or_default();
                    let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
                    if damaged.insert(name) {
                        tracing::warn!(%error, "a decision can't be read");
                    }
                }
            }
        }
        Ok(records)
    }

    async fn write(&self, id: DecisionId, record: &Record) -> Result<()> {
        let name = id.to_string();
        let api = api(&self.client, "Decision", &record.workload.namespace);
        let Some(decision) = record.decision() else {
            // Its decision isn't kept any more, and what is added to it serves nobody.
            return Ok(());
        };
        let spec = record.spec(decision);
        let failed = |error: &kube::Error| told(format!("decision `{id}`"), error);
        if record.entries.len() > 1 {
            let patch = Patch::Merge(json!({"spec": spec}));
            let patched = api.patch(&name, &PatchParams::default(), &patch).await;
            return match patched.map_err(|error| failed(&error)) {
                // Somebody deleted it: as if it weren't kept any more.
                Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            };
        }
        let object = json!({
            "apiVersion": "ibn.dev/v1alpha1",
            "kind": "Decision",
            "metadata": {
                "name": name,
                "namespace": record.workload.namespace,
                "labels": {
                    "ibn.dev/kind": record.workload.kind.as_str(),
                    "ibn.dev/trigger": decision.trigger.as_str(),
                },
            },
            "spec": spec,
        });
        let object: DynamicObject = serde_json::from_value(object)
            .map_err(|error| Error::invalid(&format!("decision `{id}`"), error))?;
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => Ok(()),
            // The answer to an earlier try was lost, where it is the same; another one of its name is nobody's but a person's.
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let live = api.get(&name).await.map_err(|error| failed(&error))?;
                let same = live.data.get("spec").and_then(|spec| spec.get("at")) == spec.get("at");
                if same {
                    Ok(())
                } else {
                    Err(Error::Refused {
                        service: API_SERVER.to_owned(),
                        reason: format!("there is another decision `{id}`"),
                    })
                }
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// Deletes what is beyond the newest of a workload. What isn't deleted now is beyond the next ones as well.
    async fn prune(&self, records: &mut Records, workload: &WorkloadRef) {
        for acts in [true, false] {
            let of_workload: Vec<DecisionId> = records
                .decisions
                .iter()
                .filter(|(_, record)| record.workload == *workload && record.acts() == acts)
                .map(|(id, _)| *id)
                .collect();
            let beyond = of_workload.len().saturating_sub(KEPT);
            for id in of_workload.into_iter().take(beyond) {
                let deleted = api(&self.client, "Decision", &workload.namespace)
                    .delete(&id.to_string(), &DeleteParams::default())
                    .await;
                let gone = match deleted {
                    Ok(_) => true,
                    Err(kube::Error::Api(status)) => status.code == 404,
                    Err(_) => false,
                };
                if gone {
                    records.decisions.remove(&id);
                }
            }
        }
    }
}

fn read(object: &DynamicObject) -> Result<(DecisionId, Record)> {
    #[derive(Deserialize)]
    struct Spec {
        id: DecisionId,
        workload: WorkloadRef,
        entries: Vec<Numbered>,
    }
    let name = object.metadata.name.clone().unwrap_or_default();
    let spec = object.data.get("spec").cloned().unwrap_or_default();
    let spec: Spec = serde_json::from_value(spec).map_err(|error| Error::Corrupt {
        what: format!("decision `{name}`"),
        reason: error.to_string(),
    })?;
    let record = Record {
        workload: spec.workload,
        entries: spec.entries,
    };
    Ok((spec.id, record))
}

#[async_trait]
impl Ledger for ClusterLedger {
    async fn append(&self, entry: &LedgerEntry) -> Result<()> {
        let mut held = self.records.lock().await;
        let mut records = match held.take() {
            Some(records) => records,
            None => self.read().await?,
        };
        let id = entry.event.decision();
        let mut record = match (&entry.event, records.decisions.get(&id)) {
            (LedgerEvent::Decided(decision), _) => Record {
                workload: decision.workload.clone(),
                entries: Vec::new(),
            },
            (_, Some(record)) => record.clone(),
            // It is beyond what is kept.
            (_, None) => {
                *held = Some(records);
                return Ok(());
            }
        };
        record.entries.push(Numbered {
            number: records.next,
            entry: entry.clone(),
        });
        let written = self.write(id, &record).await;
        if written.is_ok() {
            records.next += 1;
            let workload = record.workload.clone();
            records.decisions.insert(id, record);
            if matches!(entry.event, LedgerEvent::Decided(_)) {
                self.prune(&mut records, &workload).await;
            }
        }
        *held = Some(records);
        written
    }

    async fn query(&self, query: &LedgerQuery) -> Result<Vec<LedgerEntry>> {
        let mut held = self.records.lock().await;
        let records = match held.take() {
            Some(records) => records,
            None => self.read().await?,
        };
        let mut found: Vec<&Numbered> = records
            .decisions
            .iter()
            .filter(|(id, record)| {
                query.decision.is_none_or(|wanted| wanted == **id)
                    && query
                        .workload
                        .as_ref()
                        .is_none_or(|wanted| *wanted == record.workload)
                    && query
                        .namespace
                        .as_ref()
                        .is_none_or(|wanted| *wanted == record.workload.namespace)
            })
            .flat_map(|(_, record)| &record.entries)
            .filter(|numbered| query.since.is_none_or(|since| since <= numbered.entry.at))
            .collect();
        found.sort_by_key(|numbered| numbered.number);
        let skipped = query
            .last
            .map_or(0, |last| found.len().saturating_sub(last));
        let found = found
            .into_iter()
            .skip(skipped)
            .map(|numbered| numbered.entry.clone())
            .collect();
        *held = Some(records);
        Ok(found)
    }
}
