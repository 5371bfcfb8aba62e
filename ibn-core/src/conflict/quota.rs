//! Quotas that are too small for what is there, or for what may come.

use super::bounds::directives_outside;
use super::{Conflict, ConflictContext, ConflictRule, Level, Nature, Party, Side};
use crate::allocation::{QuotaLimits, Resource};
use crate::envelope::{Drawn, LimitSource, Usage};
use crate::intent::{IntentKey, Setting};
use crate::resolve::resolve_intent;
use crate::workload::{WorkloadKind, WorkloadState};

/// A quota is too small: for what is live in the namespace or an order would add (blocking), for what
/// autoscalers and held directives may still come to, or for pods without requests (warnings).
#[derive(Debug, Clone, Copy, Default)]
pub struct QuotaTooSmall;

impl ConflictRule for QuotaTooSmall {
    fn name(&self) -> &'static str {
        "quota-too-small"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        if context.workload().kind == WorkloadKind::Namespace {
            self.check_quotas(context)
        } else {
            self.check_orders(context)
        }
    }
}

impl QuotaTooSmall {
    /// Orders on a workload, against the quota that is live in its namespace.
    fn check_orders(self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        directives_outside(context)
            .into_iter()
            .filter(|((_, source), _)| matches!(source, LimitSource::Quota(_)))
            .map(|((intent, source), outside)| {
                Conflict::new(
                    self.name(),
                    Level::Blocking,
                    Nature::Limit,
                    Side::intent(&intent, format!("orders {}", outside.orders)),
                    Side {
                        party: Party::from(&source),
                        says: outside.limits(),
                    },
                    outside.why(),
                    vec![
                        "order less".to_owned(),
                        format!("raise {source}"),
                        "free room by shrinking another workload of the namespace".to_owned(),
                    ],
                )
            })
            .collect()
    }

    /// Quotas that are ordered, against what is live and what may come.
    fn check_quotas(self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let Some(namespace) = context.state() else {
            return Vec::new();
        };
        let mut conflicts = Vec::new();
        for intent in context.intents_here() {
            for resolved in resolve_intent(intent, namespace) {
                if let Ok(Setting::Quota(Some(quota))) = resolved.setting {
                    conflicts.extend(self.check_quota(context, &intent.key(), quota));
                }
            }
        }
        conflicts
    }

    fn check_quota(
        self,
        context: &ConflictContext<'_>,
        intent: &IntentKey,
        quota: QuotaLimits,
    ) -> Vec<Conflict> {
        let members: Vec<&WorkloadState> = members_of(context).collect();
        let live = usage(members.iter().copied().map(now));
        let says = Setting::Quota(Some(quota)).to_string();
        let conflict = |level, party, what: String, why: String, ways_out: Vec<String>| {
            Conflict::new(
                self.name(),
                level,
                Nature::Limit,
                Side::intent(intent, format!("orders {says}")),
                Side { party, says: what },
                why,
                ways_out,
            )
        };
        let mut conflicts = Vec::new();
        let exceeded = exceeded(&quota, &live);
        if !exceeded.is_empty() {
            conflicts.push(conflict(
                Level::Blocking,
                Party::Workload(context.workload().clone()),
                format!("uses {}", exceeded.join(", ")),
                "what runs would stay, but no pod of it could be replaced or added".to_owned(),
                vec![
                    format!("order a quota of at least {}", exceeded.join(", ")),
                    "shrink workloads of the namespace first".to_owned(),
                ],
            ));
        }
        for member in &members {
            let rest = usage(
                members
                    .iter()
                    .filter(|other| other.workload != member.workload)
                    .copied()
                    .map(now),
            );
            let at_most = plus(rest, Usage::of(&member.allocation));
            let beyond = self::exceeded(&quota, &at_most);
            if exceeded.is_empty() && !beyond.is_empty() && member.allocation.autoscale.is_some() {
                conflicts.push(conflict(
                    Level::Warning,
                    Party::Workload(member.workload.clone()),
                    format!("may be scaled to {} pods", member.allocation.granted_pods()),
                    format!(
                        "its autoscaler may need {} in the namespace",
                        beyond.join(", ")
                    ),
                    vec![
                        "order a larger quota".to_owned(),
                        format!(
                            "lower the maximum of the autoscaler of `{}`",
                            member.workload
                        ),
                    ],
                ));
            }
            for (resource, limited) in [
                (Resource::Cpu, quota.cpu.is_some()),
                (Resource::Memory, quota.memory.is_some()),
            ] {
                let missing = member
                    .allocation
                    .containers
                    .iter()
                    .find(|container| container.reserved(resource) == 0);
                if let Some(container) = missing.filter(|_| limited) {
                    let noun = match resource {
                        Resource::Cpu => "CPU",
                        Resource::Memory => "memory",
                    };
                    conflicts.push(conflict(
                        Level::Warning,
                        Party::Workload(member.workload.clone()),
                        format!("container `{}` has no {noun} request", container.name),
                        format!(
                            "where a quota counts {noun}, no pod without a {noun} request is let in"
                        ),
                        vec![format!("give `{}` a {noun} request", container.name)],
                    ));
                }
            }
        }
        if exceeded.is_empty() {
            conflicts.extend(self.check_held(context, &members, &quota, &conflict));
        }
        conflicts
    }

    /// Orders of other intents in the namespace that are not in force yet.
    fn check_held(
        self,
        context: &ConflictContext<'_>,
        members: &[&WorkloadState],
        quota: &QuotaLimits,
        conflict: &impl Fn(Level, Party, String, String, Vec<String>) -> Conflict,
    ) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for intent in context.intents() {
            let workload = intent.workload();
            let Some(state) = members.iter().find(|member| member.workload == workload) else {
                continue;
            };
            let ordered = resolve_intent(intent, state)
                .into_iter()
                .filter_map(|resolved| resolved.setting.ok())
                .fold(state.allocation.clone(), |allocation, setting| {
                    setting.apply_to(&allocation)
                });
            if ordered == state.allocation {
                continue;
            }
            let rest = usage(
                members
                    .iter()
                    .filter(|other| other.workload != workload)
                    .copied()
                    .map(now),
            );
            let beyond = exceeded(quota, &plus(rest, Usage::of(&ordered)));
            if !beyond.is_empty() {
                conflicts.push(conflict(
                    Level::Warning,
                    Party::Intent(intent.key()),
                    format!("orders {} pods of `{workload}`", ordered.granted_pods()),
                    format!(
                        "what it orders may need {} in the namespace",
                        beyond.join(", ")
                    ),
                    vec![
                        "order a larger quota".to_owned(),
                        format!("withdraw `{}`", intent.key()),
                    ],
                ));
            }
        }
        conflicts
    }
}

fn members_of<'a>(context: &ConflictContext<'a>) -> impl Iterator<Item = &'a WorkloadState> {
    let namespace = &context.workload().namespace;
    context.inventory().workloads.values().filter(move |state| {
        state.workload.kind != WorkloadKind::Namespace && state.workload.namespace == *namespace
    })
}

/// What a workload draws on a quota as it is, wherever an autoscaler may take it.
fn now(state: &WorkloadState) -> Usage {
    let mut live = state.allocation.clone();
    live.autoscale = None;
    Usage::of(&live)
}

/// What the workloads of a namespace draw on its quota as they are.
pub(crate) fn live_usage<'a>(states: impl Iterator<Item = &'a WorkloadState>) -> Usage {
    usage(states.map(now))
}

fn usage(parts: impl Iterator<Item = Usage>) -> Usage {
    parts.fold(Usage::default(), plus)
}

fn plus(a: Usage, b: Usage) -> Usage {
    Usage {
        cpu: a.cpu.saturating_add(b.cpu),
        memory: a.memory.saturating_add(b.memory),
        pods: a.pods.saturating_add(b.pods),
    }
}

/// The amounts that exceed a quota, for a person to read.
fn exceeded(quota: &QuotaLimits, used: &Usage) -> Vec<String> {
    let amount = |used: u128| u64::try_from(used).unwrap_or(u64::MAX);
    let cpu = Drawn::Requests(Resource::Cpu);
    let memory = Drawn::Requests(Resource::Memory);
    let limit = |drawn| match drawn {
        Drawn::Requests(Resource::Cpu) => quota.cpu.map(|cpu| cpu.get()),
        Drawn::Requests(Resource::Memory) => quota.memory.map(|memory| memory.get()),
        Drawn::Pods => quota.pods.map(u64::from),
    };
    [cpu, memory, Drawn::Pods]
        .into_iter()
        .filter(|drawn| limit(*drawn).is_some_and(|limit| used.get(*drawn) > u128::from(limit)))
        .map(|drawn| match drawn {
            Drawn::Requests(Resource::Cpu) => {
                format!("{} CPU", Resource::Cpu.text(amount(used.cpu)))
            }
            Drawn::Requests(Resource::Memory) => {
                format!("{} memory", Resource::Memory.text(amount(used.memory)))
            }
            Drawn::Pods => format!("{} pods", used.pods),
        })
        .collect()
}
