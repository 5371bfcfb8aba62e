//! Corrective intents: a floor under the number of pods, with a time to live.

use ibn_core::allocation::Field;
use ibn_core::assessment::AssessmentInput;
use ibn_core::decision::Reason;
use ibn_core::intent::{Directive, Intent, Mode, Origin, OriginKind, Range, Validity};
use ibn_core::units::format_duration;
use xxhash_rust::xxh3::xxh3_64;

use super::floor::saturating_u32;
use super::undo::settles_until;
use crate::settings::AssuranceSettings;
use crate::slo::later;

/// Object names may be longer, but labels that repeat them may not.
const NAME_LIMIT: usize = 63;

/// Why a floor is wanted, and for whom.
pub(crate) struct Need<'a> {
    /// The intent whose objective burns or will.
    pub(crate) parent: &'a Intent,
    /// Code and sentence.
    pub(crate) cause: String,
    /// The pods that it takes, as far as that is known; one more than now at least.
    pub(crate) replicas: Option<f64>,
}

/// A corrective intent, or why there is none.
pub(crate) fn raise(
    input: &AssessmentInput,
    need: &Need<'_>,
    settings: &AssuranceSettings,
) -> Result<Intent, Reason> {
    let parent = need.parent;
    let live = input.state.allocation.replicas;
    if parent.spec.mode() != Mode::Enforce {
        let message = format!("intent `{}` asks for advice only", parent.key());
        return Err(Reason::new("AdviceOnly", message));
    }
    if let Some(standing) = input.intents.iter().find(|intent| stands(intent, input)) {
        let message = format!("corrective intent `{}` stands", standing.key());
        return Err(Reason::new("CorrectiveStands", message));
    }
    if let Some(holder) = replicas_holder(input) {
        let message = format!(
            "a directive of intent `{}` holds the number of pods",
            holder.key()
        );
        return Err(Reason::new("HeldByDirective", message));
    }
    if let Some(until) = settles_until(input, settings).filter(|_| grew(input)) {
        let message = format!("what was added last has until {until} to take effect");
        return Err(Reason::new("Settling", message));
    }
    let wanted = wanted_replicas(live, need.replicas);
    let most = input
        .intents
        .iter()
        .filter_map(|intent| intent.spec.constraints.replicas.max)
        .min();
    let floor = most.map_or(wanted, |most| wanted.min(most));
    if floor <= live {
        let message =
            format!("{wanted} pods would be needed, {live} are live and no more are allowed");
        return Err(Reason::new("AtLimit", message));
    }
    Ok(build(input, need, floor, settings))
}

/// Doubling, or four more where that is more, is the most that one floor asks for.
fn wanted_replicas(live: u32, needed: Option<f64>) -> u32 {
    let most = live.saturating_mul(2).max(live.saturating_add(4));
    let least = live.saturating_add(1);
    needed
        .map_or(least, |needed| saturating_u32(needed.ceil()))
        .clamp(least, most.max(least))
}

fn build(
    input: &AssessmentInput,
    need: &Need<'_>,
    floor: u32,
    settings: &AssuranceSettings,
) -> Intent {
    let parent = need.parent;
    let parent_id = id_of(parent);
    let mut intent = Intent::new(&name(input, parent, settings), &input.state.workload);
    intent.spec.text = Some(format!(
        "at least {floor} pods for {}, on behalf of intent `{}`",
        format_duration(settings.corrective_ttl),
        parent.metadata.name
    ));
    intent.spec.constraints.replicas = Range::new(Some(floor), None);
    intent.spec.priority = parent.spec.priority;
    intent.spec.validity = Some(Validity {
        from: None,
        until: Some(later(input.now, settings.corrective_ttl)),
    });
    intent.spec.origin = Some(Origin {
        by: OriginKind::Assurance,
        author: None,
        parent: Some(parent_id),
        cause: Some(need.cause.clone()),
    });
    intent
}

/// Derived from the parent and the time in steps of the time to live: raised twice in one step it is the same
/// object, raised again after it ended it is another one.
fn name(input: &AssessmentInput, parent: &Intent, settings: &AssuranceSettings) -> String {
    let ttl = settings.corrective_ttl.as_nanos().max(1);
    let since_epoch = input.now.as_nanosecond();
    let step = since_epoch.div_euclid(i128::try_from(ttl).unwrap_or(i128::MAX));
    let hash = xxh3_64(format!("{}\n{step}", id_of(parent)).as_bytes());
    let suffix = format!("-floor-{:08x}", hash >> 32);
    let head = &parent.metadata.name;
    let mut end = head.len().min(NAME_LIMIT - suffix.len());
    while !head.is_char_boundary(end) {
        end -= 1;
    }
    let head = head
        .get(..end)
        .unwrap_or_default()
        .trim_end_matches(['-', '.']);
    format!("{head}{suffix}")
}

fn id_of(parent: &Intent) -> String {
    parent
        .metadata
        .uid
        .clone()
        .unwrap_or_else(|| parent.metadata.name.clone())
}

fn stands(intent: &Intent, input: &AssessmentInput) -> bool {
    let by_us = intent
        .spec
        .origin
        .as_ref()
        .is_some_and(|origin| origin.by == OriginKind::Assurance);
    let over = intent
        .spec
        .validity
        .is_some_and(|validity| validity.is_over(input.now));
    by_us && !over
}

/// The live intent whose directive sets the number of pods, or an autoscaler that does.
fn replicas_holder(input: &AssessmentInput) -> Option<&Intent> {
    holder_of(input, &Field::Replicas).or_else(|| holder_of(input, &Field::Autoscale))
}

/// The live intent whose directive holds a field.
pub(crate) fn holder_of<'a>(input: &'a AssessmentInput, field: &Field) -> Option<&'a Intent> {
    input
        .intents
        .iter()
        .map(AsRef::as_ref)
        .filter(|intent| intent.spec.mode() == Mode::Enforce)
        .find(|intent| {
            intent
                .spec
                .directives()
                .any(|(_, directive)| holds(directive, field))
        })
}

fn holds(directive: &Directive, field: &Field) -> bool {
    match (directive, field) {
        (Directive::Replicas(_), Field::Replicas)
        | (Directive::Autoscale(_), Field::Autoscale)
        | (Directive::Quota(_), Field::Quota) => true,
        (Directive::Resources(order), Field::Resource { container, .. }) => order
            .container
            .as_ref()
            .is_none_or(|name| name == container),
        _ => false,
    }
}

fn grew(input: &AssessmentInput) -> bool {
    input.last_apply.as_ref().is_some_and(|apply| {
        match (apply.before.allocation(), apply.after.allocation()) {
            (Some(before), Some(after)) => {
                let cpu = |it: &ibn_core::allocation::Allocation| {
                    it.pod_limits().cpu.saturating_mul(u64::from(it.replicas))
                };
                after.replicas > before.replicas || cpu(after) > cpu(before)
            }
            _ => false,
        }
    })
}
