//! A plan on its way through the rules: what is live, what was wanted, what is left of it, and what was cut.

use super::{Current, Cut, CutRule};
use crate::allocation::{Allocation, Field, Resource};
use crate::envelope::{Envelope, LimitSource, Usage};

/// What the rules judge on.
pub(super) struct Case<'a> {
    pub(super) current: &'a Current<'a>,
    /// What others draw of each budget of the envelope, in order.
    pub(super) others: Vec<Usage>,
}

impl<'a> Case<'a> {
    pub(super) fn new(current: &'a Current<'a>) -> Self {
        Self {
            current,
            others: current
                .envelope
                .used_by_others(current.inventory, current.in_flight),
        }
    }

    pub(super) fn live(&self) -> &'a Allocation {
        &self.current.state.allocation
    }
}

/// What is left of a plan, and what was cut of it.
pub(super) struct Trim<'a> {
    pub(super) live: &'a Allocation,
    wanted: Allocation,
    pub(super) now: Allocation,
    cuts: Vec<Cut>,
}

impl<'a> Trim<'a> {
    pub(super) fn new(live: &'a Allocation, wanted: Allocation) -> Self {
        Self {
            live,
            now: wanted.clone(),
            wanted,
            cuts: Vec::new(),
        }
    }

    /// Lets a rule change what is left, and notes what it cut.
    pub(super) fn cut(
        &mut self,
        rule: CutRule,
        source: &LimitSource,
        change: impl FnOnce(&Allocation, &mut Allocation),
    ) {
        let before = self.now.clone();
        change(self.live, &mut self.now);
        if self.now == before {
            return;
        }
        for field in before.changes_to(&self.now) {
            self.note(rule, source, field.field);
        }
    }

    /// Notes what a rule left of a field, in place of what it left of it before.
    fn note(&mut self, rule: CutRule, source: &LimitSource, field: Field) {
        let (wanted, allowed) = (text(&self.wanted, &field), text(&self.now, &field));
        self.cuts
            .retain(|cut| cut.rule != rule || cut.field.as_ref() != Some(&field));
        if wanted != allowed {
            self.cuts.push(Cut {
                rule,
                field: Some(field),
                wanted,
                allowed,
                source: source.clone(),
            });
        }
    }

    /// Moves what is left to the nearest point of the envelope that its own bounds tell.
    pub(super) fn pull_in(&mut self, envelope: &Envelope) {
        let violations = envelope.violations(&self.now);
        let nearest = envelope.nearest(&self.now);
        let changes = self.now.changes_to(&nearest);
        self.now = nearest;
        for field in changes.into_iter().map(|change| change.field) {
            let rule = match &field {
                Field::Replicas | Field::Autoscale | Field::Quota => CutRule::Replicas,
                Field::Resource {
                    resource: Resource::Cpu,
                    ..
                } => CutRule::PodCpu,
                Field::Resource {
                    resource: Resource::Memory,
                    ..
                } => CutRule::PodMemory,
            };
            let bound = violations
                .iter()
                .find(|violation| violation.rule == rule)
                .or(violations
                    .iter()
                    .find(|violation| violation.rule == CutRule::Budget));
            let (rule, source) = bound.map_or((rule, &LimitSource::Default), |bound| {
                (bound.rule, &bound.source)
            });
            self.note(rule, source, field);
        }
    }

    /// Whether anything is left.
    pub(super) fn changes_nothing(&self) -> bool {
        self.live.changes_to(&self.now).is_empty()
    }

    pub(super) fn into_parts(self) -> (Allocation, Vec<Cut>) {
        (self.now, self.cuts)
    }
}

/// The value of a field, for a person.
pub(super) fn text(allocation: &Allocation, field: &Field) -> String {
    match field {
        Field::Replicas => allocation.replicas.to_string(),
        Field::Quota => String::new(),
        Field::Autoscale => allocation.autoscale.map_or_else(
            || "none".to_owned(),
            |scaler| {
                format!(
                    "{} to {} pods at {} % CPU",
                    scaler.min_replicas(),
                    scaler.max,
                    scaler.cpu_utilization()
                )
            },
        ),
        Field::Resource {
            container,
            bound,
            resource,
        } => allocation
            .container(container)
            .and_then(|container| container.amount(*bound, *resource))
            .map_or_else(|| "unset".to_owned(), |amount| resource.text(amount)),
    }
}
