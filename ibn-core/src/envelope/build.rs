//! Intersecting guardrails, constraints and quotas.

use std::sync::Arc;

use super::{Budget, Envelope, LimitSource, Limits, Sources, strict_factor};
use crate::guardrail::{Guardrail, GuardrailSpec, Rollout, StepLimits};
use crate::intent::{BudgetLimit, Intent, Range};
use crate::workload::{Inventory, WorkloadKind, WorkloadRef, WorkloadState};

impl Envelope {
    /// The intersection of all that limits a workload: every guardrail that selects it, the constraints of `intents` on it,
    /// and the quota of its namespace.
    ///
    /// `intents` are those that act: live, enforcing and valid now; those on other workloads are passed over. The order of
    /// guardrails and intents is no matter, to the byte of the [`super::EnvelopeRevision`]. A guardrail's budget is shared
    /// by all workloads of `inventory` that it selects, an intent's is of its workload alone, a quota's of its namespace.
    /// The least number of pods is 1 where nobody says otherwise.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use ibn_core::allocation::Allocation;
    /// use ibn_core::envelope::Envelope;
    /// use ibn_core::guardrail::{Guardrail, GuardrailSpec};
    /// use ibn_core::intent::{Intent, Range};
    /// use ibn_core::workload::{Inventory, WorkloadRef, WorkloadState};
    ///
    /// let web = WorkloadRef::deployment("acme", "web");
    /// let state = WorkloadState {
    ///     workload: web.clone(),
    ///     resource_version: "1".into(),
    ///     labels: Default::default(),
    ///     allocation: Allocation::new(3, vec![]),
    ///     quota: None,
    ///     ready_replicas: 3,
    ///     owners: Default::default(),
    /// };
    /// let guardrail = Guardrail::new("limits", "acme", GuardrailSpec {
    ///     replicas: Range::new(Some(2), Some(20)),
    ///     ..GuardrailSpec::default()
    /// });
    /// let mut intent = Intent::new("small", &web);
    /// intent.spec.constraints.replicas = Range::new(None, Some(12));
    ///
    /// let envelope = Envelope::build(&state, &[guardrail], &[Arc::new(intent)], &Inventory::default());
    /// assert_eq!(envelope.replicas.range(), Range::new(Some(2), Some(12)));
    /// assert!(envelope.contains(&Allocation::new(12, vec![])));
    /// assert_eq!(envelope.violations(&Allocation::new(13, vec![]))[0].to_string(), "replicas is 13, at most 12 (intent `acme/small`)");
    /// ```
    #[must_use]
    pub fn build(
        state: &WorkloadState,
        guardrails: &[Guardrail],
        intents: &[Arc<Intent>],
        inventory: &Inventory,
    ) -> Self {
        let mut envelope = Self {
            replicas: Limits::default(),
            ..Self::open(state.workload.clone())
        };
        let mut rollouts = Vec::new();
        for guardrail in guardrails.iter().filter(|it| it.selects(state)) {
            let source = LimitSource::Guardrail(guardrail.metadata.name.clone());
            if let Some(rollout) = guardrail.spec.rollout {
                rollouts.push((rollout, source.clone()));
            }
            if !guardrail.spec.budget.is_empty() {
                let selected = inventory
                    .workloads
                    .values()
                    .chain([state])
                    .filter(|other| guardrail.selects(other));
                envelope.add_budget(&source, guardrail.spec.budget, None, selected);
            }
            envelope.take_guardrail(&guardrail.spec, source);
        }
        // One `Never` outweighs every `Allowed`; silence is `Never`.
        rollouts.sort_by(|(a, by_a), (b, by_b)| b.cmp(a).then_with(|| by_a.cmp(by_b)));
        if let Some((rollout, source)) = rollouts.into_iter().next() {
            envelope.rollout = rollout;
            envelope.sources.rollout = Some(source);
        }
        for intent in intents.iter().filter(|it| it.workload() == state.workload) {
            let source = LimitSource::Intent(intent.key().to_string());
            let constraints = &intent.spec.constraints;
            envelope.replicas.intersect(constraints.replicas, &source);
            envelope.cpu.intersect(constraints.cpu, &source);
            envelope.memory.intersect(constraints.memory, &source);
            envelope.add_budget(&source, constraints.budget, None, [state]);
        }
        envelope.add_quota(state, inventory);
        if envelope.replicas.min.is_none() && state.workload.kind != WorkloadKind::Namespace {
            let one = Range::new(Some(1), None);
            envelope.replicas.intersect(one, &LimitSource::Default);
        }
        envelope.put_in_order();
        envelope
    }

    fn take_guardrail(&mut self, spec: &GuardrailSpec, source: LimitSource) {
        self.replicas.intersect(spec.replicas, &source);
        self.cpu.intersect(spec.cpu, &source);
        self.memory.intersect(spec.memory, &source);
        let StepLimits {
            replicas_up,
            replicas_down,
            resource_factor,
        } = spec.step;
        let Sources {
            replicas_up: up_by,
            replicas_down: down_by,
            resource_factor: factor_by,
            cool_down: cool_down_by,
            approval: approval_by,
            rollout: _,
            freeze: _,
        } = &mut self.sources;
        let less = |a: &u32, b: &u32| a.cmp(b);
        tighten(
            &mut self.step.replicas_up,
            up_by,
            replicas_up,
            &source,
            less,
        );
        tighten(
            &mut self.step.replicas_down,
            down_by,
            replicas_down,
            &source,
            less,
        );
        tighten(
            &mut self.step.resource_factor,
            factor_by,
            resource_factor.and_then(strict_factor),
            &source,
            f64::total_cmp,
        );
        tighten(
            &mut self.cool_down,
            cool_down_by,
            spec.cool_down,
            &source,
            |a, b| b.cmp(a),
        );
        tighten(
            &mut self.approval,
            approval_by,
            spec.approval,
            &source,
            Ord::cmp,
        );
        for window in &spec.freeze {
            self.freeze.push(window.clone());
            self.sources.freeze.push(source.clone());
        }
        self.yield_to.extend(spec.yield_to.iter().cloned());
    }

    fn add_budget<'a>(
        &mut self,
        source: &LimitSource,
        limit: BudgetLimit,
        pods: Option<u32>,
        members: impl IntoIterator<Item = &'a WorkloadState>,
    ) {
        if (limit.is_empty() && pods.is_none()) || self.workload.kind == WorkloadKind::Namespace {
            return;
        }
        self.budgets.push(Budget {
            source: source.clone(),
            members: members
                .into_iter()
                .filter(|member| member.workload.kind != WorkloadKind::Namespace)
                .map(|member| member.workload.clone())
                .collect(),
            limit,
            pods,
        });
    }

    fn add_quota(&mut self, state: &WorkloadState, inventory: &Inventory) {
        let namespace = &state.workload.namespace;
        let Some(quota) = inventory
            .workloads
            .get(&WorkloadRef::namespace(namespace))
            .and_then(|holder| holder.quota)
        else {
            return;
        };
        let limit = BudgetLimit {
            cpu: quota.cpu,
            memory: quota.memory,
        };
        let members = inventory
            .workloads
            .values()
            .chain([state])
            .filter(|member| member.workload.namespace == *namespace);
        self.add_budget(
            &LimitSource::Quota(namespace.clone()),
            limit,
            quota.pods,
            members,
        );
    }

    /// Sorts what was gathered and drops what stands twice.
    fn put_in_order(&mut self) {
        self.budgets.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.budgets.dedup();
        let sources = std::mem::take(&mut self.sources.freeze);
        let mut windows: Vec<_> = std::mem::take(&mut self.freeze)
            .into_iter()
            .zip(sources)
            .collect();
        windows.sort_by(|(a, by_a), (b, by_b)| {
            let key = |window: &crate::guardrail::FreezeWindow| (window.from, window.until);
            key(a)
                .cmp(&key(b))
                .then_with(|| a.reason.cmp(&b.reason))
                .then_with(|| by_a.cmp(by_b))
        });
        windows.dedup_by(|(next, _), (kept, _)| next == kept);
        (self.freeze, self.sources.freeze) = windows.into_iter().unzip();
    }
}

impl Budget {
    fn sort_key(
        &self,
    ) -> (
        &LimitSource,
        Option<u64>,
        Option<u64>,
        Option<u32>,
        &std::collections::BTreeSet<WorkloadRef>,
    ) {
        (
            &self.source,
            self.limit.cpu.map(crate::units::CpuMillis::get),
            self.limit.memory.map(crate::units::Bytes::get),
            self.pods,
            &self.members,
        )
    }
}

/// Keeps the tighter of two limits; of equal ones the source that sorts first.
fn tighten<T: Copy>(
    limit: &mut Option<T>,
    limit_by: &mut Option<LimitSource>,
    candidate: Option<T>,
    source: &LimitSource,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) {
    let Some(candidate) = candidate else { return };
    let stays = limit.as_ref().is_some_and(|limit| {
        let by_value = order(limit, &candidate);
        by_value.is_lt() || (by_value.is_eq() && limit_by.as_ref() <= Some(source))
    });
    if !stays {
        *limit = Some(candidate);
        *limit_by = Some(source.clone());
    }
}

impl Rollout {
    /// Whether it is [`Rollout::Allowed`].
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}
