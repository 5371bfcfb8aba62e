//! Whether what is wanted can be had, and what would come of it.

use std::sync::Arc;

use super::{AdmissionContext, Effect, Feasibility, ObjectiveEffect, reach};
use crate::allocation::Allocation;
use crate::decision::Reason;
use crate::envelope::LimitSource;
use crate::feasibility::{Pods, Scene, Search, text};
use crate::guard::Desired;
use crate::intent::{Intent, IntentState, Mode, Objective, Preference};
use crate::resolve::{check_requests_below_limits, resolve_directive, settled};
use crate::workload::WorkloadState;

/// What an intent comes to where nothing stands in its way.
pub(super) struct Outlook {
    pub(super) feasibility: Feasibility,
    pub(super) after: Desired,
    pub(super) warnings: Vec<Reason>,
}

impl Outlook {
    /// For an intent of which nothing is done.
    pub(super) fn unjudged(scene: &Scene<'_>) -> Self {
        Self {
            feasibility: Feasibility::Unknown {
                why: "nothing is done while the mode is Suspended".to_owned(),
            },
            after: Desired::live(scene.state),
            warnings: Vec::new(),
        }
    }
}

/// What an intent comes to in `scene`, of which it is a part, beside `others` that act on the workload.
///
/// # Errors
/// Why it can't be had, in a sentence.
pub(super) fn judge(
    intent: &Intent,
    scene: &Scene<'_>,
    others: &[Arc<Intent>],
) -> Result<Outlook, String> {
    let Desired::Allocation(wanted) = &scene.wanted else {
        return Ok(Outlook {
            feasibility: Feasibility::Feasible,
            after: scene.wanted.clone(),
            warnings: Vec::new(),
        });
    };
    let contradictions = scene.bounds.contradictions();
    if !contradictions.is_empty() {
        return Err(format!(
            "the limits exclude each other: {}",
            contradictions.join("; ")
        ));
    }
    check_limits(intent, scene, wanted)?;
    check_class(intent, scene, wanted)?;

    let own: Vec<&Objective> = scene
        .predictable(intent)
        .into_iter()
        .map(|(_, objective)| objective)
        .collect();
    let mut feasibility = unpredicted(intent, scene, own.len());
    let mut warnings = Vec::new();
    let mut after = wanted.clone();
    if let Some(search) = scene.search() {
        let can_be_met = own.is_empty() || search.cheapest(&own).is_some();
        match (&scene.mobility.pods, can_be_met) {
            (_, true) => {
                let theirs = others.iter().flat_map(|other| scene.predictable(other));
                let all: Vec<&Objective> = own
                    .iter()
                    .copied()
                    .chain(theirs.map(|(_, objective)| objective))
                    .collect();
                after = choose(&search, intent.spec.preference(), &own, &all);
            }
            (Pods::Foreign(owner), false) => {
                feasibility = Feasibility::Unknown {
                    why: format!(
                        "{owner} moves the number of pods, and with the present one it would be missed"
                    ),
                };
            }
            (_, false) => return Err(unmet(scene, &search, &own)),
        }
        if let Pods::Autoscaled { autoscale, .. } = &scene.mobility.pods {
            let pods = after.replicas;
            warnings.push(Reason::new(
                "AutoscalerDecides",
                format!(
                    "the autoscaler decides between {} and {} pods; at this demand it comes to {pods}",
                    autoscale.min_replicas(),
                    autoscale.max
                ),
            ));
        }
    }
    Ok(Outlook {
        feasibility,
        after: Desired::Allocation(after),
        warnings,
    })
}

/// Whether what is ordered lies inside the limits, as far as this intent is the reason.
fn check_limits(intent: &Intent, scene: &Scene<'_>, wanted: &Allocation) -> Result<(), String> {
    let key = intent.key();
    let reference = scene.without_orders_of(&key);
    if check_requests_below_limits(&reference).is_ok() {
        check_requests_below_limits(wanted).map_err(|why| why.to_string())?;
    }
    let own = LimitSource::Intent(key.to_string());
    let mut violations = scene.bounds.violations(wanted);
    violations.retain(|violation| violation.source == own);
    violations.extend(
        scene
            .bounds
            .violations_beyond(wanted, &reference)
            .into_iter()
            .filter(|violation| violation.source != own),
    );
    match violations.first() {
        None => Ok(()),
        Some(first) => Err(format!(
            "{} would be {}, and {} allows {}",
            first.what, first.found, first.source, first.allowed
        )),
    }
}

/// Whether running pods can take what is ordered, or may be replaced, as far as this intent is the reason.
fn check_class(intent: &Intent, scene: &Scene<'_>, wanted: &Allocation) -> Result<(), String> {
    let envelope = &scene.bounds.envelope;
    let class = |allocation: &Allocation| allocation.qos_class();
    let (now, then) = (class(&scene.state.allocation), class(wanted));
    let is_ours = class(&scene.without_orders_of(&intent.key())) == now;
    if envelope.rollout.is_allowed() || now == then || !is_ours {
        return Ok(());
    }
    let who = match &envelope.sources.rollout {
        Some(source) => format!("{source} allows no rollout"),
        None => "no guardrail allows a rollout".to_owned(),
    };
    Err(format!(
        "the class of service of the pods would become {then:?} instead of {now:?}, which no running pod takes, and {who}"
    ))
}

/// Whether all is known that has to be known of the objectives.
fn unpredicted(intent: &Intent, scene: &Scene<'_>, predictable: usize) -> Feasibility {
    let objectives = intent.spec.objectives().count();
    let why = if predictable == objectives {
        return Feasibility::Feasible;
    } else if scene.twin.is_none() {
        format!(
            "nothing is known yet of how `{}` turns requests into load, so whether {} can be met is not known",
            scene.state.workload,
            if objectives == 1 {
                "the objective"
            } else {
                "the objectives"
            }
        )
    } else {
        let unknown: Vec<String> = intent
            .spec
            .objectives()
            .filter(|(idx, _)| {
                !scene
                    .predictable(intent)
                    .iter()
                    .any(|(known, _)| known == idx)
            })
            .map(|(_, objective)| objective.to_string())
            .collect();
        format!("the twin can't tell of {}", unknown.join(", "))
    };
    Feasibility::Unknown { why }
}

/// The allocation that is expected to come of it: what is wanted, if that meets everything and price doesn't come first.
fn choose(
    search: &Search<'_>,
    preference: Preference,
    own: &[&Objective],
    all: &[&Objective],
) -> Allocation {
    if all.is_empty() {
        return search.base.clone();
    }
    let is_cost = preference == Preference::Cost;
    if !is_cost && search.is_met(search.base, all) {
        return search.base.clone();
    }
    let find = |objectives: &[&Objective]| {
        let this_size = (!is_cost)
            .then(|| search.cheapest_of_this_size(objectives))
            .flatten();
        this_size.or_else(|| search.cheapest(objectives))
    };
    find(all)
        .or_else(|| (!own.is_empty()).then(|| find(own)).flatten())
        .map_or_else(|| search.base.clone(), |found| found.allocation)
}

/// Why the objectives of an intent can't be met, with the best that can be had and what it would take.
fn unmet(scene: &Scene<'_>, search: &Search<'_>, own: &[&Objective]) -> String {
    let mut kept: Vec<&Objective> = Vec::new();
    for objective in own {
        kept.push(objective);
        if search.cheapest(&kept).is_some() {
            continue;
        }
        kept.pop();
        let best = match search.best(objective, &kept) {
            Some(best) => {
                let value = best.prediction.of(objective);
                format!(
                    "at best it is {}, with {}",
                    value.map_or_else(String::new, |value| text::interval(objective, value)),
                    text::size(&best.allocation)
                )
            }
            None => "no allocation is allowed".to_owned(),
        };
        let beside = if kept.is_empty() {
            String::new()
        } else {
            let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
            format!(" beside {}", kept.join(" and "))
        };
        kept.push(objective);
        return format!(
            "{objective} can't be had inside the limits{beside}: {best}{}",
            takes(scene, &kept)
        );
    }
    "the objectives can't be had together inside the limits".to_owned()
}

/// What it would take to meet objectives if nothing were limited, and which limit stands against that.
fn takes(scene: &Scene<'_>, objectives: &[&Objective]) -> String {
    let open = scene.bounds.open();
    let needed = scene
        .search_within(&open)
        .and_then(|search| search.cheapest(objectives));
    let Some(needed) = needed else {
        return String::new();
    };
    match scene.bounds.violations(&needed.allocation).first() {
        None => String::new(),
        Some(violation) => format!(
            "; it would take {}, and {} allows {} {}",
            text::size(&needed.allocation),
            violation.source,
            violation.what,
            violation.allowed
        ),
    }
}

/// What would come of an intent if `after` came to be.
pub(super) fn effect(
    scene: &Scene<'_>,
    after: Desired,
    intent: &Intent,
    others: &[Arc<Intent>],
) -> Effect {
    let before = Desired::live(scene.state);
    let predict = |desired: &Desired| Some(scene.search()?.predict(desired.allocation()?));
    let predicted_before = predict(&before);
    let predicted_after = predict(&after);
    let objectives = std::iter::once(intent)
        .chain(others.iter().map(AsRef::as_ref))
        .flat_map(|intent| {
            let key = intent.key();
            intent
                .spec
                .objectives()
                .map(move |(idx, objective)| (key.clone(), idx, objective))
        })
        .map(|(intent, expectation, objective)| {
            let before = predicted_before.as_ref().and_then(|it| it.of(objective));
            let after = predicted_after.as_ref().and_then(|it| it.of(objective));
            ObjectiveEffect {
                intent,
                expectation,
                objective: objective.to_string(),
                met_before: before.map(|before| objective.is_met_by(before.mid)),
                met_after: after.map(|after| objective.is_met_by(after.mid)),
                is_uncertain: after.is_some_and(|after| {
                    objective.is_met_by(after.low) != objective.is_met_by(after.high)
                }),
                before,
                after,
            }
        })
        .collect();
    Effect {
        before,
        after,
        predicted_before,
        predicted_after,
        objectives,
    }
}

/// What a person should know before they agree.
pub(super) fn warnings(
    intent: &Intent,
    effect: &Effect,
    scene: &Scene<'_>,
    context: &AdmissionContext<'_>,
) -> Vec<Reason> {
    let mut warnings = Vec::new();
    let key = intent.key();
    for objective in &effect.objectives {
        let missed = objective.met_after == Some(false);
        if objective.intent != key && missed && objective.met_before == Some(true) {
            warnings.push(Reason::new(
                "HarmsObjective",
                format!(
                    "{} of intent `{}` is predicted to be missed",
                    objective.objective, objective.intent
                ),
            ));
        } else if objective.intent == key && objective.is_uncertain {
            warnings.push(Reason::new(
                "Uncertain",
                format!(
                    "{} lies within the uncertainty of the prediction, so it may be missed",
                    objective.objective
                ),
            ));
        }
    }
    if let (Some(free), Some((before, after))) = (context.inventory.free, effect.requests()) {
        let more_cpu = after.cpu.saturating_sub(before.cpu);
        let more_memory = after.memory.saturating_sub(before.memory);
        if more_cpu > free.cpu || more_memory > free.memory {
            warnings.push(Reason::new(
                "NoRoomOnNodes",
                format!(
                    "it asks for {more_cpu} CPU and {more_memory} memory more, and the nodes have {} and {} left",
                    free.cpu, free.memory
                ),
            ));
        }
    }
    if let Some(allocation) = effect.before.allocation()
        && intent.spec.directives().next().is_none()
        && !intent.spec.constraints.is_empty()
    {
        let own = LimitSource::Intent(key.to_string());
        let outside = scene.bounds.violations(allocation);
        for violation in outside.iter().filter(|violation| violation.source == own) {
            warnings.push(Reason::new(
                "LiveOutside",
                format!(
                    "{} is {} now, and will be moved to {}",
                    violation.what, violation.found, violation.allowed
                ),
            ));
        }
    }
    warnings.extend(already_resolved(intent, scene.state, context));
    if intent.spec.directives().next().is_some() && intent.spec.mode() != Mode::Suspended {
        for cut in reach::never_let_through(&key, scene, context.inventory) {
            warnings.push(Reason::new(
                "NeverLetThrough",
                format!("as the limits are, the guard won't let all of it through: {cut}"),
            ));
        }
    }
    let validity = intent.spec.validity.unwrap_or_default();
    if let Some(from) = validity.from.filter(|_| !validity.has_begun(context.now)) {
        warnings.push(Reason::new(
            "NotYet",
            format!("nothing is done before {from}; the effect is that of doing it now"),
        ));
    }
    match intent.spec.mode() {
        Mode::Enforce => {}
        Mode::Advise => warnings.push(Reason::new(
            "AdviseOnly",
            "the mode is Advise, so it is only said what would be done",
        )),
        Mode::Suspended => warnings.push(Reason::new(
            "NothingIsDone",
            "the mode is Suspended, so nothing is done",
        )),
    }
    warnings
}

/// Relative amounts that stand already: said again they are the same order, not another one.
fn already_resolved(
    intent: &Intent,
    state: &WorkloadState,
    context: &AdmissionContext<'_>,
) -> Vec<Reason> {
    let key = intent.key();
    let stands = |known: &&Arc<Intent>| {
        known.key() == key
            && known.state() != IntentState::Finished
            && known.metadata.deletion_timestamp.is_none()
    };
    let Some(known) = context.intents.iter().find(stands) else {
        return Vec::new();
    };
    let since = known
        .metadata
        .creation_timestamp
        .map_or_else(String::new, |since| format!(" since {since}"));
    intent
        .spec
        .directives()
        .filter(|(_, directive)| directive.is_relative())
        .filter_map(|(idx, directive)| {
            let then = settled(intent, idx)?;
            let absolute = match resolve_directive(directive, state) {
                Ok(now) => format!(" ({now})"),
                Err(_) => String::new(),
            };
            Some(Reason::new(
                "AlreadyResolved",
                format!(
                    "this order stands{since} and was resolved to {then} then, so saying it again changes nothing; say it in \
                     absolute values{absolute}, or withdraw it first"
                ),
            ))
        })
        .collect()
}
