//! What rejects a plan as a whole.

use super::trim::text;
use super::{Barred, Current, Cut, CutRule, Desired, Plan};
use crate::allocation::{Allocation, Field, QuotaLimits, Resource, ResourceBound};
use crate::envelope::{LimitSource, Usage};
use crate::units::{Bytes, CpuMillis};
use crate::workload::WorkloadKind;

/// The most pods that Kubernetes can be asked for.
const MOST_PODS: u32 = i32::MAX.unsigned_abs();
/// The greatest quantity that Kubernetes can hold.
const MOST_AMOUNT: u64 = i64::MAX.unsigned_abs();

/// A cut of the whole plan.
pub(super) fn whole(rule: CutRule, wanted: impl Into<String>, allowed: impl Into<String>) -> Cut {
    Cut {
        rule,
        field: None,
        wanted: wanted.into(),
        allowed: allowed.into(),
        source: LimitSource::Default,
    }
}

fn fault(wanted: impl Into<String>, allowed: impl Into<String>) -> Cut {
    whole(CutRule::Malformed, wanted, allowed)
}

/// A plan and a present that don't belong together.
pub(super) fn mismatched(plan: &Plan, current: &Current<'_>) -> Vec<Cut> {
    let own = &current.state.workload;
    let mut cuts = Vec::new();
    if plan.workload != *own {
        cuts.push(fault(
            format!("a plan of {}", plan.workload),
            format!("a plan of {own}"),
        ));
    }
    if current.envelope.workload != *own {
        let other = &current.envelope.workload;
        cuts.push(fault(
            format!("the envelope of {other}"),
            format!("the envelope of {own}"),
        ));
    }
    let version = &current.state.resource_version;
    if let Some(listed) = current.inventory.workloads.get(own)
        && listed.resource_version != *version
    {
        cuts.push(fault(
            format!("version `{version}`"),
            format!("version `{}`, as in the snapshot", listed.resource_version),
        ));
    }
    match (&plan.desired, own.kind) {
        (Desired::Quota(_), WorkloadKind::Namespace)
        | (Desired::Allocation(_), WorkloadKind::Deployment | WorkloadKind::StatefulSet) => {}
        (Desired::Quota(_), _) => cuts.push(fault("a quota", "an allocation")),
        (Desired::Allocation(_), _) => cuts.push(fault("an allocation", "a quota")),
    }
    cuts
}

/// What can't be meant of a workload.
pub(super) fn malformed(wanted: &Allocation, live: &Allocation) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let names = |allocation: &Allocation| {
        let mut names: Vec<_> = allocation
            .containers
            .iter()
            .map(|c| c.name.clone())
            .collect();
        names.sort();
        names
    };
    let (wanted_names, live_names) = (names(wanted), names(live));
    let mut unique = wanted_names.clone();
    unique.dedup();
    if wanted_names != live_names || unique != wanted_names {
        let list = |names: &[String]| format!("containers [{}]", names.join(", "));
        cuts.push(fault(list(&wanted_names), list(&live_names)));
    }
    for after in &wanted.containers {
        let Some(before) = live
            .container(&after.name)
            .filter(|before| *before != after)
        else {
            continue;
        };
        for resource in Resource::ALL {
            for bound in ResourceBound::ALL {
                let amount = after.amount(bound, resource);
                if amount == Some(0) && before.amount(bound, resource) != Some(0) {
                    let field = Field::Resource {
                        container: after.name.clone(),
                        bound,
                        resource,
                    };
                    cuts.push(Cut {
                        field: Some(field),
                        ..fault("0", "more than 0")
                    });
                }
            }
            let (request, limit) = (
                after.amount(ResourceBound::Requests, resource),
                after.amount(ResourceBound::Limits, resource),
            );
            if let (Some(request), Some(limit)) = (request, limit)
                && request > limit
            {
                let field = Field::Resource {
                    container: after.name.clone(),
                    bound: ResourceBound::Requests,
                    resource,
                };
                cuts.push(Cut {
                    field: Some(field),
                    ..fault(
                        resource.text(request),
                        format!("at most its limit, {}", resource.text(limit)),
                    )
                });
            }
        }
    }
    if let Some(scaler) = wanted.autoscale
        && (scaler.min_replicas() > scaler.max || scaler.max == 0 || scaler.cpu_utilization() == 0)
    {
        cuts.push(Cut {
            field: Some(Field::Autoscale),
            ..fault(
                text(wanted, &Field::Autoscale),
                "at least 1 pod at most, a minimum up to the maximum, a target above 0 %",
            )
        });
    }
    cuts
}

/// What can't be meant of a quota.
pub(super) fn malformed_quota(wanted: Option<QuotaLimits>, live: Option<QuotaLimits>) -> Vec<Cut> {
    let parts = |quota: Option<QuotaLimits>| {
        let quota = quota.unwrap_or_default();
        [
            quota.cpu.map(CpuMillis::get),
            quota.memory.map(Bytes::get),
            quota.pods.map(u64::from),
        ]
    };
    let amounts = parts(wanted);
    let mut cuts = Vec::new();
    let mut fault = |wanted: &str, allowed: &str| {
        cuts.push(Cut {
            field: Some(Field::Quota),
            ..fault(wanted, allowed)
        });
    };
    if wanted.is_some() && amounts.iter().all(Option::is_none) {
        fault("a quota of nothing", "a quota of something, or no quota");
    }
    if amounts
        .iter()
        .zip(parts(live))
        .any(|(to, from)| *to == Some(0) && from != Some(0))
    {
        fault("0", "more than 0");
    }
    if amounts.iter().flatten().any(|amount| *amount > MOST_AMOUNT) {
        fault("more than Kubernetes can hold", "less");
    }
    cuts
}

/// What is left of a plan but can't be written to a cluster.
pub(super) fn unrepresentable(to: &Allocation) -> Option<Cut> {
    let amounts = to.containers.iter().flat_map(|container| {
        ResourceBound::ALL.into_iter().flat_map(move |bound| {
            Resource::ALL
                .into_iter()
                .filter_map(move |resource| container.amount(bound, resource))
        })
    });
    let usage = Usage::of(to);
    let fits = to.granted_pods() <= MOST_PODS
        && amounts.max().is_none_or(|amount| amount <= MOST_AMOUNT)
        && usage.cpu.max(usage.memory) <= u128::from(MOST_AMOUNT)
        && to.autoscale.is_none_or(|scaler| scaler.max > 0);
    (!fits).then(|| fault("more than Kubernetes can hold", "less"))
}

/// The window that forbids any change now, as a cut.
pub(super) fn frozen(current: &Current<'_>, wanted: &str) -> Option<Cut> {
    let (envelope, now) = (current.envelope, current.now);
    let (idx, window) = envelope
        .freeze
        .iter()
        .enumerate()
        .filter(|(_, window)| window.contains(now))
        .max_by_key(|(_, window)| window.until)?;
    let why = if window.reason.is_empty() {
        String::new()
    } else {
        format!(" ({})", window.reason)
    };
    Some(Cut {
        source: envelope
            .sources
            .freeze
            .get(idx)
            .cloned()
            .unwrap_or(LimitSource::Default),
        ..whole(
            CutRule::Freeze,
            wanted,
            format!("nothing before {}{why}", window.until),
        )
    })
}

/// What was undone a short while ago and would come back, as a cut.
///
/// It comes back where every field in which it differs from what is live has its value again, or, where that is less than
/// what is live, one that is lower still or higher by no more than an eighth of the way.
pub(super) fn barred(current: &Current<'_>, to: &Allocation, wanted: &str) -> Option<Cut> {
    let live = &current.state.allocation;
    let returns = |barred: &Allocation| {
        let fields = live.changes_to(barred);
        !fields.is_empty()
            && fields
                .iter()
                .all(|change| comes_back(live, barred, to, &change.field))
    };
    current
        .barred
        .iter()
        .filter(|Barred { until, .. }| current.now < *until)
        .filter(|Barred { allocation, .. }| {
            returns(allocation) || allocation.changes_to(to).is_empty()
        })
        .max_by_key(|Barred { until, .. }| *until)
        .map(|Barred { until, .. }| {
            whole(CutRule::Barred, wanted, format!("not again before {until}"))
        })
}

fn comes_back(live: &Allocation, barred: &Allocation, to: &Allocation, field: &Field) -> bool {
    let amount = |allocation: &Allocation| match field {
        Field::Replicas => Some(u64::from(allocation.replicas)),
        Field::Resource {
            container,
            bound,
            resource,
        } => allocation
            .container(container)
            .and_then(|container| container.amount(*bound, *resource)),
        Field::Autoscale | Field::Quota => None,
    };
    match (amount(live), amount(barred), amount(to)) {
        (Some(live), Some(barred), Some(to)) if barred < live => {
            to <= barred.saturating_add((live - barred) / 8)
        }
        _ => barred
            .changes_to(to)
            .iter()
            .all(|change| change.field != *field),
    }
}
