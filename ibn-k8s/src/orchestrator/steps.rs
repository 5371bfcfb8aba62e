//! What a plan comes to on the objects of the cluster.

use std::collections::BTreeSet;

use ibn_core::Error;
use ibn_core::allocation::{Allocation, Field};
use ibn_core::intent::Autoscale;
use ibn_core::workload::WorkloadState;
use serde_json::{Value, json};

use crate::error::API_SERVER;
use crate::sizes::{self, HELD, Held, Hold, Sizes};
use crate::watch::{JOURNAL, PodView, WorkloadView};

/// The writes that bring a workload from what is live to an allocation.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    /// The new number of pods.
    pub(super) replicas: Option<u32>,
    /// The new autoscaler; `Some(None)` for none.
    pub(super) scaler: Option<Option<Autoscale>>,
    /// What is held afterwards; `None` where no size changes.
    pub(super) held: Option<Held>,
    /// What changes in the pod template; empty where running pods can take it.
    template: Vec<(Field, Option<String>)>,
    /// The fields that running pods are given in place, and what they are given.
    pub(super) in_place: Sizes,
}

impl Steps {
    /// The steps, with a changed pod template only where pods may be replaced.
    ///
    /// # Errors
    /// [`Error::Refused`] where it can't be done to this workload.
    pub(super) fn new(
        view: &WorkloadView,
        live: &WorkloadState,
        to: &Allocation,
        may_replace: bool,
    ) -> ibn_core::Result<Self> {
        let from = &live.allocation;
        let names: Vec<&str> = to.containers.iter().map(|it| it.name.as_str()).collect();
        if names != view.containers {
            let has = view.containers.join(", ");
            return Err(refused(format!(
                "{} has the containers {has}, not {}",
                view.workload,
                names.join(", ")
            )));
        }
        let changes = from.changes_to(to);
        let changed: BTreeSet<&Field> = changes
            .iter()
            .map(|it| &it.field)
            .filter(|it| matches!(it, Field::Resource { .. }))
            .collect();
        let wanted = |field: &Field| {
            let change = changes.iter().find(|it| it.field == *field);
            change.and_then(|it| it.to.clone())
        };
        let mut steps = Self {
            replicas: (from.replicas != to.replicas).then_some(to.replicas),
            scaler: (changes.iter().any(|it| it.field == Field::Autoscale)).then_some(to.autoscale),
            held: None,
            template: Vec::new(),
            in_place: Sizes::new(),
        };
        if changed.is_empty() {
            return Ok(steps);
        }
        let mut held = view.held.without_stale(&view.template);
        // What went through the template goes back through it.
        let goes_back = |field: &Field| {
            let hold = held.0.get(field).filter(|it| it.in_template);
            hold.is_some_and(|it| sizes::is_same(field, it.from.as_ref(), wanted(field).as_ref()))
        };
        let replaces = from.replaces_pods(to);
        if replaces && !may_replace {
            return Err(refused(format!(
                "running pods of {} can't take it, and no guardrail allows to replace them",
                view.workload
            )));
        }
        if replaces || (may_replace && changed.iter().any(|it| goes_back(it))) {
            steps.replace(view, &mut held, &changed, wanted);
        } else {
            if let Some(field) = changed.iter().find(|it| view.restarting.contains(**it)) {
                return Err(refused(format!(
                    "to resize {field} would restart the container, by its resize policy"
                )));
            }
            for field in &changed {
                held.hold(field, &view.template, wanted(field));
                let spelled = held.over(&view.template).get(*field).cloned();
                steps
                    .in_place
                    .extend(spelled.map(|it| ((*field).clone(), it)));
            }
        }
        steps.held = Some(held);
        Ok(steps)
    }

    /// Through the template, with all that was held in place: pods are replaced anyway.
    fn replace(
        &mut self,
        view: &WorkloadView,
        held: &mut Held,
        changed: &BTreeSet<&Field>,
        wanted: impl Fn(&Field) -> Option<String>,
    ) {
        let mut all: BTreeSet<Field> = held.0.keys().cloned().collect();
        all.extend(changed.iter().map(|it| (*it).clone()));
        for field in all {
            let template = view.template.get(&field).cloned();
            let before = held.0.get(&field);
            let first = before.map_or_else(|| template.clone(), |it| it.from.clone());
            let to = if changed.contains(&field) {
                wanted(&field)
            } else {
                before.and_then(|it| it.to.clone())
            };
            if sizes::is_same(&field, first.as_ref(), to.as_ref()) {
                // As it was before we came, in the spelling that it had.
                held.0.remove(&field);
                if template != first {
                    self.template.push((field, first));
                }
                continue;
            }
            let hold = Hold {
                from: first,
                to: to.clone(),
                in_template: true,
            };
            held.0.insert(field.clone(), hold);
            if template != to {
                self.template.push((field, to));
            }
        }
    }

    /// Whether it takes a single write, which is done or not by itself.
    pub(super) fn is_one(&self, pods: usize) -> bool {
        let sizes = match (&self.held, self.in_place.is_empty()) {
            (None, _) => 0,
            (Some(_), false) => 1 + pods,
            (Some(_), true) => 1,
        };
        sizes + usize::from(self.replicas.is_some()) + usize::from(self.scaler.is_some()) <= 1
    }

    /// What is left of the sizes of one pod to change; `None` where nothing is.
    pub(super) fn of_pod(&self, pod: &PodView) -> Option<Value> {
        of_pod(pod, &self.in_place, |_| true)
    }

    /// The patch of the workload that makes it final, and closes the journal.
    pub(super) fn commit(&self, view: &WorkloadView) -> Value {
        let held = self.held.as_ref().unwrap_or(&view.held);
        let mut patch = json!({
            "metadata": {"annotations": {HELD: held.annotation(), JOURNAL: null}},
        });
        if !self.template.is_empty() {
            let changes = self.template.iter().map(|(field, to)| (field, to.as_ref()));
            let spec = json!({"template": {"spec": {"containers": sizes::patch(changes)}}});
            if let Some(patch) = patch.as_object_mut() {
                patch.insert("spec".to_owned(), spec);
            }
        }
        patch
    }
}

/// The resize of a pod to what it is to have, where `may` says so; `None` where it has it.
///
/// A running pod's requests can be raised only up to its limits, so both go in one patch.
pub(super) fn of_pod(pod: &PodView, wanted: &Sizes, may: impl Fn(&Field) -> bool) -> Option<Value> {
    let changes: Vec<(&Field, Option<&String>)> = wanted
        .iter()
        .filter(|(field, text)| {
            let is_there = matches!(field, Field::Resource { container, .. } if pod.containers.contains(container));
            is_there && may(field) && !sizes::is_same(field, Some(text), pod.sizes.get(*field))
        })
        .map(|(field, text)| (field, Some(text)))
        .collect();
    if changes.is_empty() {
        return None;
    }
    // Of a pod by the same name that came after this one nothing is to change.
    Some(json!({
        "metadata": {"uid": pod.uid},
        "spec": {"containers": sizes::patch(changes)},
    }))
}

pub(super) fn refused(reason: String) -> Error {
    Error::Refused {
        service: API_SERVER.to_owned(),
        reason,
    }
}
