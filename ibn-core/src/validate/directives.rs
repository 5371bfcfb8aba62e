//! Rules on the directives of one intent, each by itself and all together.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Findings;
use crate::diagnostic::Code;
use crate::intent::{
    Amount, Autoscale, Constraints, Directive, QuotaAmounts, Range, ResourceAmounts,
    ResourcesDirective,
};
use crate::read::path::join;
use crate::units::Magnitude;
use crate::workload::WorkloadKind;

/// What a HorizontalPodAutoscaler may aim at, in percent of the requests, which may be exceeded up to the limits.
const UTILIZATION: RangeInclusive<u32> = 1..=1_000;

/// The path of a directive below its expectation, and the directive.
pub(super) type Placed<'a> = (String, &'a Directive);

/// Every rule on directives.
pub(super) fn directives(
    target: Option<WorkloadKind>,
    directives: &[Placed<'_>],
    constraints: &Constraints,
    findings: &mut Findings,
) {
    for (path, directive) in directives {
        fits_target(target, path, directive, findings);
        match directive {
            Directive::Replicas(amount) => possible(path, *amount, findings),
            Directive::Resources(resources) => resources_alone(path, resources, findings),
            Directive::Autoscale(autoscale) => autoscale_alone(path, autoscale, findings),
            Directive::Quota(quota) => {
                if *quota == QuotaAmounts::default() {
                    orders_nothing(path, "`cpu`, `memory` or `pods`", findings);
                }
            }
        }
        inside_constraints(path, directive, constraints, findings);
    }
    together(directives, findings);
    inside_budget(directives, constraints, findings);
}

pub(super) fn name(directive: &Directive) -> &'static str {
    match directive {
        Directive::Replicas(_) => "replicas",
        Directive::Resources(_) => "resources",
        Directive::Autoscale(_) => "autoscale",
        Directive::Quota(_) => "quota",
    }
}

fn fits_target(
    target: Option<WorkloadKind>,
    path: &str,
    directive: &Directive,
    findings: &mut Findings,
) {
    let is_quota = matches!(directive, Directive::Quota(_));
    match target {
        Some(WorkloadKind::Namespace) if !is_quota => findings.error(
            Code::NamespaceTakesQuotaOnly,
            path,
            format!("`{}` is ordered for a namespace", name(directive)),
            "`quota` where the target is a `Namespace`",
        ),
        Some(kind @ (WorkloadKind::Deployment | WorkloadKind::StatefulSet)) if is_quota => findings
            .error(
                Code::DirectiveNotApplicable,
                path,
                format!("`quota` is ordered for a {kind}"),
                "`replicas`, `resources` or `autoscale`; a quota only where the target is a `Namespace`",
            ),
        _ => {}
    }
}

fn orders_nothing(path: &str, allowed: &str, findings: &mut Findings) {
    findings.error(
        Code::EmptyDirective,
        path,
        "the directive orders nothing",
        format!("at least one of {allowed}"),
    );
}

fn possible<T: Magnitude>(path: &str, amount: Amount<T>, findings: &mut Findings) {
    if let Amount::Scale(factor) = amount
        && !(factor.is_finite() && factor >= 0.0)
    {
        findings.error(
            Code::ImpossibleAmount,
            join(path, "scale"),
            format!("nothing can be scaled by `{factor}`"),
            "a finite factor of at least 0, such as 1.5 for half as much again",
        );
    }
}

fn resources_alone(path: &str, resources: &ResourcesDirective, findings: &mut Findings) {
    if let Some(container) = &resources.container {
        findings.label(&join(path, "container"), container);
    }
    if resources.requests.is_empty() && resources.limits.is_empty() {
        orders_nothing(
            path,
            "`requests` and `limits`, with `cpu` or `memory`",
            findings,
        );
    }
    for (bound, amounts) in [
        ("requests", &resources.requests),
        ("limits", &resources.limits),
    ] {
        let path = join(path, bound);
        amounts
            .cpu
            .into_iter()
            .for_each(|amount| possible(&join(&path, "cpu"), amount, findings));
        amounts
            .memory
            .into_iter()
            .for_each(|amount| possible(&join(&path, "memory"), amount, findings));
    }
}

fn autoscale_alone(path: &str, autoscale: &Autoscale, findings: &mut Findings) {
    for (field, value) in [("min", autoscale.min), ("max", Some(autoscale.max))] {
        if value == Some(0) {
            findings.error(
                Code::OutOfRange,
                join(path, field),
                "`0` is out of range",
                "at least 1 pod; scale to 0 with `replicas: {to: 0}`",
            );
        }
    }
    if let Some(utilization) = autoscale.cpu_utilization
        && !UTILIZATION.contains(&utilization)
    {
        findings.error(
            Code::OutOfRange,
            join(path, "cpuUtilization"),
            format!("`{utilization}` is out of range"),
            format!(
                "{} to {} percent of the requests",
                UTILIZATION.start(),
                UTILIZATION.end()
            ),
        );
    }
    if autoscale.max > 0 {
        findings.ordered(path, autoscale.min, Some(autoscale.max));
    }
}

/// An absolute amount that the constraints of the same intent exclude. What is relative is judged when it is resolved.
fn inside_constraints(
    path: &str,
    directive: &Directive,
    constraints: &Constraints,
    findings: &mut Findings,
) {
    match directive {
        Directive::Replicas(Amount::To(pods)) => {
            within(
                &join(path, "to"),
                *pods,
                "replicas",
                &constraints.replicas,
                findings,
            );
        }
        Directive::Autoscale(autoscale) => {
            let bounds = &constraints.replicas;
            if let Some(min) = autoscale.min {
                within(&join(path, "min"), min, "replicas", bounds, findings);
            }
            within(
                &join(path, "max"),
                autoscale.max,
                "replicas",
                bounds,
                findings,
            );
        }
        Directive::Resources(resources) => {
            for (bound, amounts) in [
                ("requests", &resources.requests),
                ("limits", &resources.limits),
            ] {
                let path = join(path, bound);
                // A container may stay below the pod's minimum, since others add to it; none may pass the maximum.
                if let Some(Amount::To(cpu)) = amounts.cpu {
                    let most = Range {
                        min: None,
                        max: constraints.cpu.max,
                    };
                    within(
                        &join(&join(&path, "cpu"), "to"),
                        cpu,
                        "cpu",
                        &most,
                        findings,
                    );
                }
                if let Some(Amount::To(memory)) = amounts.memory {
                    let most = Range {
                        min: None,
                        max: constraints.memory.max,
                    };
                    within(
                        &join(&join(&path, "memory"), "to"),
                        memory,
                        "memory",
                        &most,
                        findings,
                    );
                }
            }
        }
        _ => {}
    }
}

fn within<T: Magnitude>(
    path: &str,
    value: T,
    constraint: &str,
    bounds: &Range<T>,
    findings: &mut Findings,
) {
    if bounds.is_contradictory() || bounds.contains(value) {
        return;
    }
    let allowed = match (bounds.min, bounds.max) {
        (Some(min), Some(max)) => format!("from `{min}` to `{max}`"),
        (Some(min), None) => format!("at least `{min}`"),
        (_, Some(max)) => format!("at most `{max}`"),
        (None, None) => return,
    };
    findings.error(
        Code::DirectiveOutsideConstraints,
        path,
        format!("`{value}` lies outside `constraints.{constraint}` of the same intent"),
        format!("{allowed}, or other constraints"),
    );
}

/// The requests that the pods would sum to at least, against the budget of the same intent.
fn inside_budget(directives: &[Placed<'_>], constraints: &Constraints, findings: &mut Findings) {
    let ordered = directives
        .iter()
        .find_map(|(_, directive)| match directive {
            Directive::Replicas(Amount::To(pods)) => Some(*pods),
            Directive::Autoscale(autoscale) => Some(autoscale.min_replicas()),
            _ => None,
        });
    let pods = u64::from(ordered.or(constraints.replicas.min).unwrap_or(1));
    for (path, directive) in directives {
        let Directive::Resources(resources) = directive else {
            continue;
        };
        let path = join(path, "requests");
        if let (Some(Amount::To(each)), Some(most)) =
            (resources.requests.cpu, constraints.budget.cpu)
            && each.saturating_mul(pods) > most
        {
            let path = join(&join(&path, "cpu"), "to");
            over_budget(
                &path,
                &each.to_string(),
                pods,
                "cpu",
                &most.to_string(),
                findings,
            );
        }
        if let (Some(Amount::To(each)), Some(most)) =
            (resources.requests.memory, constraints.budget.memory)
            && each.saturating_mul(pods) > most
        {
            let path = join(&join(&path, "memory"), "to");
            over_budget(
                &path,
                &each.to_string(),
                pods,
                "memory",
                &most.to_string(),
                findings,
            );
        }
    }
}

fn over_budget(
    path: &str,
    each: &str,
    pods: u64,
    resource: &str,
    most: &str,
    findings: &mut Findings,
) {
    let known = findings
        .diagnostics
        .iter()
        .any(|known| known.code == Code::DirectiveOutsideConstraints && known.path == path);
    if !known {
        findings.error(
            Code::DirectiveOutsideConstraints,
            path,
            format!("`{each}` for each of {pods} pods is more than `constraints.budget.{resource}` of the same intent"),
            format!("at most `{most}` over all pods, or another budget"),
        );
    }
}

/// Two directives on one field, and requests above limits across directives.
fn together(directives: &[Placed<'_>], findings: &mut Findings) {
    let mut scaling: Option<&str> = None;
    let mut quotas: BTreeMap<&str, &str> = BTreeMap::new();
    let mut resources = Vec::new();
    for (path, directive) in directives {
        match directive {
            Directive::Replicas(_) | Directive::Autoscale(_) => match scaling {
                Some(first) => twice(path, "the number of pods", first, findings),
                None => scaling = Some(path),
            },
            Directive::Quota(quota) => {
                let fields = [
                    ("cpu", quota.cpu.is_some()),
                    ("memory", quota.memory.is_some()),
                    ("pods", quota.pods.is_some()),
                ];
                for (field, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
                    match quotas.get(field) {
                        Some(first) => twice(&join(path, field), field, first, findings),
                        None => {
                            quotas.insert(field, path);
                        }
                    }
                }
            }
            Directive::Resources(directive) => resources.extend(settings(path, directive)),
        }
    }
    set_twice(&resources, findings);
    requests_above_limits(&resources, findings);
}

fn twice(path: &str, what: &str, first: &str, findings: &mut Findings) {
    findings.error(
        Code::DuplicateDirective,
        path,
        format!("{what} is ordered by `{first}` already"),
        "one directive for each field; `replicas` and `autoscale` order the same one",
    );
}

/// One field of a container (or of every one) that a directive sets.
struct Setting<'a> {
    path: String,
    container: Option<&'a str>,
    is_request: bool,
    resource: &'static str,
    /// The count of the base unit, and how it is written, where the amount is absolute.
    absolute: Option<(u64, String)>,
}

fn settings<'a>(path: &str, directive: &'a ResourcesDirective) -> Vec<Setting<'a>> {
    let mut settings = Vec::new();
    for (is_request, bound, amounts) in [
        (true, "requests", &directive.requests),
        (false, "limits", &directive.limits),
    ] {
        let ResourceAmounts { cpu, memory } = amounts;
        let cpu = cpu.map(|amount| match amount {
            Amount::To(cpu) => Some((cpu.get(), cpu.to_string())),
            _ => None,
        });
        let memory = memory.map(|amount| match amount {
            Amount::To(memory) => Some((memory.get(), memory.to_string())),
            _ => None,
        });
        for (resource, absolute) in [("cpu", cpu), ("memory", memory)] {
            settings.extend(absolute.map(|absolute| Setting {
                path: join(&join(path, bound), resource),
                container: directive.container.as_deref(),
                is_request,
                resource,
                absolute,
            }));
        }
    }
    settings
}

/// A field of one container is set twice by two directives on it, or by one on it and one on every container.
fn set_twice(settings: &[Setting<'_>], findings: &mut Findings) {
    type Containers<'a> = BTreeMap<Option<&'a str>, &'a str>;
    let mut seen: BTreeMap<(bool, &str), Containers<'_>> = BTreeMap::new();
    for setting in settings {
        let known = seen
            .entry((setting.is_request, setting.resource))
            .or_default();
        let first = match setting.container {
            None => known.values().next(),
            Some(_) => known.get(&setting.container).or_else(|| known.get(&None)),
        };
        match first {
            Some(first) => {
                let bound = if setting.is_request {
                    "request"
                } else {
                    "limit"
                };
                twice(&setting.path, &format!("this {bound}"), first, findings);
            }
            None => {
                known.insert(setting.container, &setting.path);
            }
        }
    }
}

/// An absolute request above an absolute limit of the same container.
fn requests_above_limits(settings: &[Setting<'_>], findings: &mut Findings) {
    type Least<'a> = (u64, &'a str);
    let mut by_container: BTreeMap<(&str, Option<&str>), Least<'_>> = BTreeMap::new();
    let mut of_any: BTreeMap<&str, Least<'_>> = BTreeMap::new();
    for setting in settings.iter().filter(|setting| !setting.is_request) {
        let Some((count, text)) = &setting.absolute else {
            continue;
        };
        let limit = (*count, text.as_str());
        let least = by_container
            .entry((setting.resource, setting.container))
            .or_insert(limit);
        *least = limit.min(*least);
        let least = of_any.entry(setting.resource).or_insert(limit);
        *least = limit.min(*least);
    }
    for setting in settings.iter().filter(|setting| setting.is_request) {
        let Some((count, text)) = &setting.absolute else {
            continue;
        };
        let limit = match setting.container {
            None => of_any.get(setting.resource),
            Some(_) => by_container
                .get(&(setting.resource, setting.container))
                .or_else(|| by_container.get(&(setting.resource, None))),
        };
        if let Some((least, limit)) = limit
            && count > least
        {
            findings.error(
                Code::RequestAboveLimit,
                join(&setting.path, "to"),
                format!("the request `{text}` is above the limit `{limit}`"),
                format!("a request of at most `{limit}`, or a greater limit"),
            );
        }
    }
}
