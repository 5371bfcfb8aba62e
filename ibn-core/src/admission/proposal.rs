//! Counter-proposals: the nearest to an infeasible intent that would be accepted.

use std::sync::Arc;

use super::{Admission, AdmissionContext, displaced};
use crate::allocation::{ContainerResources, QuotaLimits, Resource, ResourceBound};
use crate::conflict::live_usage;
use crate::feasibility::{Scene, text};
use crate::guard::back_to_class;
use crate::intent::{
    Amount, Autoscale, Constraints, Directive, Expectation, Intent, IntentSpec, Objective,
    QuotaAmounts, Range, ResourceAmounts, ResourcesDirective, Setting,
};
use crate::qos::QosClass;
use crate::resolve::{Unresolvable, resolve_directive};
use crate::units::{Bytes, CpuMillis};
use crate::workload::{Inventory, WorkloadKind, WorkloadState};

impl Admission {
    /// The nearest spec to that of `intent` that is accepted; `None` where none was found.
    ///
    /// Constraints give way to those of others, directives go to the nearest value inside the limits, and
    /// objectives to the best that can be had; where nothing finite can be had, the constraints of the
    /// intent itself are widened instead. Whatever comes out was put through the same review.
    pub(super) fn proposal(
        &self,
        intent: &Arc<Intent>,
        context: &AdmissionContext<'_>,
    ) -> Option<IntentSpec> {
        let state = context.inventory.workloads.get(&intent.workload())?;
        let conflicts = self.conflicts(intent, &state.workload, context);
        let displaced = displaced(&conflicts, &intent.key());
        let scene = |spec: &IntentSpec| {
            self.scene(
                Some(&Arc::new(reworded(intent, spec))),
                state,
                context,
                &displaced,
            )
        };
        let is_accepted = |spec: &IntentSpec| {
            let reworded = Arc::new(reworded(intent, spec));
            self.look_at(&reworded, context).accepted().is_some()
        };

        let mut spec = intent.spec.clone();
        // The sentence no longer says what the spec does.
        spec.text = None;
        let alone = self.scene(None, state, context, &with(&displaced, intent));
        fit_constraints(&mut spec.constraints, &alone);
        // Pods into their range, sizes under what that leaves to a pod, then as many pods as that leaves room for.
        // At last sizes that running pods take.
        for fit in [
            Fit::PodsIntoRange,
            Fit::Sizes,
            Fit::PodsUnderBudgets,
            Fit::Class,
        ] {
            let fitted = scene(&spec);
            fit_directives(&mut spec, fit, &fitted, state, context.inventory)?;
        }

        let mut relaxed = spec.clone();
        if fit_objectives(&mut relaxed, &scene(&spec), intent).is_some() && is_accepted(&relaxed) {
            return Some(relaxed);
        }
        widen(&mut spec, &scene, intent)?;
        is_accepted(&spec).then_some(spec)
    }
}

/// The same intent in another wording, of which nothing was resolved yet.
pub(super) fn reworded(intent: &Intent, spec: &IntentSpec) -> Intent {
    Intent {
        spec: spec.clone(),
        status: None,
        ..intent.clone()
    }
}

fn with(displaced: &[crate::intent::IntentKey], intent: &Intent) -> Vec<crate::intent::IntentKey> {
    displaced.iter().cloned().chain([intent.key()]).collect()
}

/// Moves the ends of constraints that exclude the limits of others to the nearest that don't.
fn fit_constraints(constraints: &mut Constraints, others: &Scene<'_>) {
    fn fit<T: Ord + Copy>(own: &mut Range<T>, limits: Range<T>) {
        if let (Some(min), Some(max)) = (own.min, limits.max) {
            own.min = Some(min.min(max));
        }
        if let (Some(max), Some(min)) = (own.max, limits.min) {
            own.max = Some(max.max(min));
        }
    }
    let envelope = &others.bounds.envelope;
    fit(&mut constraints.replicas, envelope.replicas.range());
    fit(&mut constraints.cpu, envelope.cpu.range());
    fit(&mut constraints.memory, envelope.memory.range());
}

/// What of directives is brought inside the limits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    PodsIntoRange,
    Sizes,
    PodsUnderBudgets,
    Class,
}

/// Replaces directives that can't be followed by the nearest that can; `None` where there is none.
fn fit_directives(
    spec: &mut IntentSpec,
    fit: Fit,
    scene: &Scene<'_>,
    state: &WorkloadState,
    inventory: &Inventory,
) -> Option<()> {
    let mut fitted = Vec::new();
    for expectation in &spec.expectations {
        let Expectation::Directive(directive) = expectation else {
            fitted.push(expectation.clone());
            continue;
        };
        match fit_directive(directive, fit, scene, state, inventory)? {
            None => fitted.push(expectation.clone()),
            Some(nearest) => fitted.extend(nearest.into_iter().map(Expectation::Directive)),
        }
    }
    spec.expectations = fitted;
    Some(())
}

/// The nearest directives that can be followed, in absolute values; the inner `None` where it can be left as it is.
fn fit_directive(
    directive: &Directive,
    fit: Fit,
    scene: &Scene<'_>,
    state: &WorkloadState,
    inventory: &Inventory,
) -> Option<Option<Vec<Directive>>> {
    let range = scene.bounds.envelope.replicas.range();
    let pods = match (fit, scene.wanted.allocation()) {
        (Fit::PodsUnderBudgets, Some(wanted)) => scene
            .bounds
            .pods_of(wanted)
            .map_or(range, |(fewest, most)| Range::new(Some(fewest), Some(most))),
        _ => range,
    };
    let replicas = |replicas| Some(vec![Directive::Replicas(Amount::To(replicas))]);
    let setting = match (resolve_directive(directive, state), directive) {
        (Ok(setting), _) => setting,
        (Err(Unresolvable::OutOfRange { .. }), Directive::Replicas(amount)) => {
            let is_less = match amount {
                Amount::To(_) => false,
                Amount::Add(delta) => *delta < 0,
                Amount::Scale(factor) => *factor < 1.0,
            };
            let wanted = if is_less { u32::MIN } else { u32::MAX };
            return Some(replicas(pods.clamp(wanted)));
        }
        (Err(_), _) => return None,
    };
    Some(match setting {
        Setting::Replicas(wanted) => {
            let nearest = pods.clamp(wanted);
            (nearest != wanted).then(|| replicas(nearest)).flatten()
        }
        Setting::Autoscale(Some(wanted)) => {
            let max = pods.clamp(wanted.max);
            let min = pods.clamp(wanted.min_replicas()).min(max);
            let nearest = Autoscale {
                min: (wanted.min.is_some() || min != wanted.min_replicas()).then_some(min),
                max,
                ..wanted
            };
            (nearest != wanted).then(|| vec![Directive::Autoscale(nearest)])
        }
        Setting::Containers(mut containers) if fit == Fit::Sizes => {
            let wanted = containers.clone();
            for resource in Resource::ALL {
                fit_size(&mut containers, resource, scene)?;
            }
            (containers != wanted).then(|| containers.iter().flat_map(absolute).collect())
        }
        Setting::Containers(mut containers) if fit == Fit::Class => {
            let wanted = containers.clone();
            fit_class(&mut containers, scene)?;
            (containers != wanted).then(|| containers.iter().flat_map(absolute).collect())
        }
        Setting::Quota(Some(wanted)) => {
            let nearest = fit_quota(wanted, state, inventory);
            (nearest != wanted).then(|| {
                let QuotaLimits { cpu, memory, pods } = nearest;
                vec![Directive::Quota(QuotaAmounts { cpu, memory, pods })]
            })
        }
        Setting::Containers(_)
        | Setting::Autoscale(None)
        | Setting::Quota(None)
        | Setting::Allocation { .. } => None,
    })
}

/// Brings the ordered sizes of one resource inside the limits, in proportion; what isn't ordered stays. `None` where that can't be.
fn fit_size(
    ordered: &mut [ContainerResources],
    resource: Resource,
    scene: &Scene<'_>,
) -> Option<()> {
    let wanted = scene.wanted.allocation()?;
    let bounds = scene.bounds.envelope.pod_bounds(resource).range();
    let sets = |container: &ContainerResources| {
        ResourceBound::ALL
            .iter()
            .any(|bound| container.amount(*bound, resource).is_some())
    };
    let is_ordered = |name: &str| ordered.iter().any(|c| c.name == name && sets(c));
    let sums = |size: fn(&ContainerResources, Resource) -> u64| {
        let sum = |ordered: bool| {
            wanted
                .containers
                .iter()
                .filter(|container| is_ordered(&container.name) == ordered)
                .map(|container| size(container, resource))
                .fold(0, u64::saturating_add)
        };
        (sum(true), sum(false))
    };
    let (ceiling, other_ceiling) = sums(ContainerResources::ceiling);
    let (reserved, other_reserved) = sums(ContainerResources::reserved);
    let pods = u128::from(wanted.granted_pods().max(1));
    let per_pod = scene
        .bounds
        .room(resource)
        .and_then(|room| u64::try_from(room / pods).ok());
    let share = |limit: u64, others: u64, own: u64| {
        Some(limit.checked_sub(others)? as f64 / own.max(1) as f64)
    };
    let mut factor = 1.0f64;
    if let Some(max) = bounds.max.filter(|max| ceiling + other_ceiling > *max) {
        factor = factor.min(share(max, other_ceiling, ceiling)?);
    }
    if let Some(most) = per_pod.filter(|most| reserved + other_reserved > *most) {
        factor = factor.min(share(most, other_reserved, reserved)?);
    }
    if let Some(min) = bounds.min.filter(|min| reserved + other_reserved < *min) {
        factor = factor.max(share(min, other_reserved, reserved)?);
    }
    if factor == 1.0 {
        return Some(());
    }
    for container in ordered {
        for bound in ResourceBound::ALL {
            let scaled = container.amount(bound, resource).map(|amount| {
                let exact = amount as f64 * factor;
                rounded(exact, factor > 1.0, resource)
            });
            if scaled == Some(0) {
                return None;
            }
            container.set_amount(bound, resource, scaled);
        }
    }
    Some(())
}

/// Brings the ordered sizes to the nearest that leave the pods their class of service, where these may not be replaced; `None`
/// where there are none.
fn fit_class(ordered: &mut [ContainerResources], scene: &Scene<'_>) -> Option<()> {
    let (live, wanted) = (&scene.state.allocation, scene.wanted.allocation()?);
    let class = live.qos_class();
    if scene.bounds.envelope.rollout.is_allowed() || wanted.qos_class() == class {
        return Some(());
    }
    // A hair below its limit, where requests may not come to equal limits everywhere.
    let mut kept = wanted.clone();
    back_to_class(live, &mut kept);
    if kept == *live && class == QosClass::Guaranteed {
        // Request and limit together, where they may not part.
        kept = wanted.clone();
        for order in ordered.iter_mut() {
            let container = kept.containers.iter_mut().find(|c| c.name == order.name)?;
            for resource in Resource::ALL {
                let amount = |bound| order.amount(bound, resource);
                let one = amount(ResourceBound::Requests).or(amount(ResourceBound::Limits));
                if let Some(one) = one {
                    for bound in ResourceBound::ALL {
                        container.set_amount(bound, resource, Some(one));
                        order.set_amount(bound, resource, Some(one));
                    }
                }
            }
        }
        return (kept.qos_class() == class).then_some(());
    }
    for order in ordered.iter_mut() {
        let container = kept.container(&order.name)?;
        for bound in ResourceBound::ALL {
            for resource in Resource::ALL {
                if order.amount(bound, resource).is_some() {
                    order.set_amount(bound, resource, container.amount(bound, resource));
                }
            }
        }
    }
    (kept != *live).then_some(())
}

/// A size that people would write: whole mebibytes, rounded away from the limit that was broken.
fn rounded(exact: f64, up: bool, resource: Resource) -> u64 {
    let unit = match resource {
        Resource::Memory if exact >= f64::from(1 << 20) => f64::from(1 << 20),
        _ => 1.0,
    };
    // A factor that comes out a hair off a whole number means that number.
    let units = exact / unit;
    let whole = if (units - units.round()).abs() < 1e-6 {
        units.round()
    } else if up {
        units.ceil()
    } else {
        units.floor()
    };
    (whole * unit) as u64
}

/// The directives that order just these values.
fn absolute(container: &ContainerResources) -> Option<Directive> {
    let amounts = |bound| ResourceAmounts {
        cpu: container
            .amount(bound, Resource::Cpu)
            .map(|cpu| Amount::To(CpuMillis::new(cpu))),
        memory: container
            .amount(bound, Resource::Memory)
            .map(|memory| Amount::To(Bytes::new(memory))),
    };
    let directive = ResourcesDirective {
        container: Some(container.name.clone()),
        requests: amounts(ResourceBound::Requests),
        limits: amounts(ResourceBound::Limits),
    };
    (!directive.requests.is_empty() || !directive.limits.is_empty())
        .then_some(Directive::Resources(directive))
}

/// A quota that what is live fits into.
fn fit_quota(wanted: QuotaLimits, state: &WorkloadState, inventory: &Inventory) -> QuotaLimits {
    let used = live_usage(inventory.workloads.values().filter(|member| {
        member.workload.kind != WorkloadKind::Namespace
            && member.workload.namespace == state.workload.namespace
    }));
    let amount = |used: u128| u64::try_from(used).unwrap_or(u64::MAX);
    QuotaLimits {
        cpu: wanted
            .cpu
            .map(|cpu| cpu.max(CpuMillis::new(amount(used.cpu)))),
        memory: wanted
            .memory
            .map(|memory| memory.max(Bytes::new(amount(used.memory)))),
        pods: wanted
            .pods
            .map(|pods| pods.max(u32::try_from(used.pods).unwrap_or(u32::MAX))),
    }
}

/// Relaxes objectives that can't be met to the best that can be had, the first ones last; `None` where that is nothing finite.
fn fit_objectives(spec: &mut IntentSpec, scene: &Scene<'_>, intent: &Intent) -> Option<()> {
    let Some(search) = scene.search() else {
        return Some(());
    };
    let reworded = reworded(intent, spec);
    let mut kept: Vec<Objective> = Vec::new();
    for (idx, objective) in scene.predictable(&reworded) {
        kept.push(objective.clone());
        let all: Vec<&Objective> = kept.iter().collect();
        if search.cheapest(&all).is_some() {
            continue;
        }
        kept.pop();
        let rest: Vec<&Objective> = kept.iter().collect();
        let best = search.best(objective, &rest)?;
        let achieved = best.prediction.of(objective)?.mid;
        let relaxed = text::relaxed(objective, achieved)?;
        if let Some(expectation) = spec.expectations.get_mut(idx) {
            *expectation = Expectation::Objective(relaxed.clone());
        }
        kept.push(relaxed);
    }
    Some(())
}

/// Widens the intent's own constraints to what its objectives take; `None` where they are not what is in the way.
fn widen<'a>(
    spec: &mut IntentSpec,
    scene: &impl Fn(&IntentSpec) -> Scene<'a>,
    intent: &Intent,
) -> Option<()> {
    let mut unbound = spec.clone();
    unbound.constraints = Constraints::default();
    if unbound.constraints == spec.constraints {
        return None;
    }
    let scene = scene(&unbound);
    let reworded = reworded(intent, &unbound);
    let objectives: Vec<&Objective> = scene
        .predictable(&reworded)
        .into_iter()
        .map(|(_, objective)| objective)
        .collect();
    let needed = scene.search()?.cheapest(&objectives)?.allocation;
    let (pod, total) = (needed.pod_limits(), needed.total_requests());
    let constraints = &mut spec.constraints;
    raise(&mut constraints.replicas.max, needed.replicas);
    raise(&mut constraints.cpu.max, pod.cpu);
    raise(&mut constraints.memory.max, pod.memory);
    raise(&mut constraints.budget.cpu, total.cpu);
    raise(&mut constraints.budget.memory, total.memory);
    Some(())
}

/// Raises a limit that there is to at least `value`.
fn raise<T: Ord + Copy>(limit: &mut Option<T>, value: T) {
    *limit = limit.map(|limit| limit.max(value));
}
