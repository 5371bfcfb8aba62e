//! Whether the last apply made its own objectives worse.

use std::time::Duration;

use ibn_core::allocation::{Allocation, Field};
use ibn_core::assessment::{AssessmentInput, LastApply};
use ibn_core::intent::{IndicatorName, Intent, Mode};
use ibn_core::observation::{Signal, SignalHealth};
use jiff::Timestamp;

use super::corrective::holder_of;
use super::{ObjectiveView, health, model};
use crate::settings::AssuranceSettings;
use crate::slo::{earlier, fresh_value, later};

/// What came of comparing before and after an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// There is nothing to judge, it is too early or too late, or the data doesn't tell.
    NotJudged,
    /// Not worse, or not by the apply.
    Kept,
    /// Worse, at a demand that isn't higher.
    Harmful(String),
}

/// Compares one objective over its window before the apply and after it has settled.
///
/// - *Settled* is the time of the apply, plus start-up, plus one window of the objective. Two windows later it is
///   too late: what goes wrong then isn't the apply's doing.
/// - *Missing data never undoes*: both windows must be covered by half at least, with two periods, demand in both,
///   and signals that are fresh now.
/// - *Demand*: the mean request rate after must not exceed that before by more than the tolerance.
/// - *Harmful*: the bound isn't kept over the window after, the budget burns at more than 1 there and in the newest
///   quarter of it, and at `worse_factor` times what it did before.
/// - An apply that took nothing away is not to blame for what more capacity can't worsen (latency, errors,
///   availability, throughput). A field that another intent's directive holds is that intent's business.
pub(crate) fn judge(
    input: &AssessmentInput,
    view: &ObjectiveView<'_>,
    settings: &AssuranceSettings,
) -> Effect {
    let Some(apply) = input.last_apply.as_ref() else {
        return Effect::NotJudged;
    };
    let window = view.objective.window();
    let Some(after_from) = effective_from(input, apply, settings) else {
        return Effect::NotJudged;
    };
    let settled = later(after_from, window);
    if input.now < settled || input.now > later(settled, window * 2) {
        return Effect::NotJudged;
    }
    if health::worst(input) != SignalHealth::Fresh || !view.is_current {
        return Effect::NotJudged;
    }
    let before = view.history.over(earlier(apply.at, window), apply.at);
    let after = view.history.over(earlier(input.now, window), input.now);
    let newest = view.history.last(window / 4, input.now);
    let covered = |seconds: f64| seconds >= window.as_secs_f64() / 2.0;
    if before.periods < 2
        || after.periods < 2
        || !covered(before.seconds)
        || !covered(after.seconds)
    {
        return Effect::NotJudged;
    }
    let (Some(burn_before), Some(burn_after), Some(burn_newest)) =
        (before.burn, after.burn, newest.burn)
    else {
        return Effect::NotJudged;
    };
    let Some((demand_before, demand_after)) = demands(input, apply.at, window) else {
        return Effect::NotJudged;
    };
    let same_demand = demand_after <= demand_before * (1.0 + settings.demand_tolerance);
    let worse = after.met == Some(false)
        && burn_after > 1.0
        && burn_newest > 1.0
        && burn_after >= settings.worse_factor * burn_before;
    if !(worse && same_demand && is_to_blame(apply, view) && is_ours(input, apply, view.intent)) {
        return Effect::Kept;
    }
    Effect::Harmful(format!(
        "{}: the error budget burned at {burn_before:.1} before decision {} and at {burn_after:.1} after it, at {demand_before:.1} and {demand_after:.1} requests a second",
        view.objective, apply.decision
    ))
}

/// From when on the apply is in effect: pods that it added have started.
fn effective_from(
    input: &AssessmentInput,
    apply: &LastApply,
    settings: &AssuranceSettings,
) -> Option<Timestamp> {
    let startup = model::startup(input).unwrap_or(settings.startup);
    (apply.at <= input.now).then(|| later(apply.at, startup))
}

/// The end of the last apply's start-up, where that is still to come.
pub(crate) fn settles_until(
    input: &AssessmentInput,
    settings: &AssuranceSettings,
) -> Option<Timestamp> {
    let apply = input.last_apply.as_ref()?;
    let until = effective_from(input, apply, settings)?;
    (input.now < until).then_some(until)
}

/// Whether this is the first observation by which the objective burns under what the last apply took away: once for an
/// apply, however long it burns. Looser than [`judge`], since a learner that is trusted less costs little: demand may have
/// risen, it may have burned before, and no whole window must have passed.
pub(crate) fn shrink_begins_to_hurt(
    input: &AssessmentInput,
    view: &ObjectiveView<'_>,
    settings: &AssuranceSettings,
) -> Option<String> {
    let apply = input.last_apply.as_ref()?;
    let from = effective_from(input, apply, settings)?;
    let past = input.now > later(from, view.objective.window() * 3);
    if past || !view.is_current || !took_away(apply) || !is_ours(input, apply, view.intent) {
        return None;
    }
    let hurts = |until: Timestamp| {
        let since = view.history.over(from, until);
        since
            .burn
            .filter(|burn| *burn >= settings.fast_burn && since.periods >= 2)
    };
    let burn = hurts(input.now)?;
    // It may have gone up and down since: what was true once was said then.
    let said = view
        .history
        .periods()
        .iter()
        .rev()
        .skip(1)
        .any(|period| hurts(period.at).is_some());
    (!said).then(|| {
        format!(
            "{}: the error budget burns at {burn:.1} since decision {} took capacity away",
            view.objective, apply.decision
        )
    })
}

/// Mean request rates before the apply and now; `None` where one of them wasn't measured.
fn demands(input: &AssessmentInput, applied: Timestamp, window: Duration) -> Option<(f64, f64)> {
    let mean = |from: Timestamp, to: Timestamp| {
        let rates = input
            .history
            .iter()
            .filter(|seen| from < seen.at && seen.at <= to)
            .filter_map(|seen| fresh_value(seen, &Signal::RequestRate, input.max_signal_age));
        let (sum, n) = rates.fold((0.0, 0_u32), |(sum, n), rate| (sum + rate, n + 1));
        (n > 0).then(|| sum / f64::from(n))
    };
    Some((
        mean(earlier(applied, window), applied)?,
        mean(earlier(input.now, window), input.now)?,
    ))
}

fn is_to_blame(apply: &LastApply, view: &ObjectiveView<'_>) -> bool {
    let more_never_hurts = matches!(
        view.objective.indicator,
        IndicatorName::Latency
            | IndicatorName::ErrorRate
            | IndicatorName::Availability
            | IndicatorName::Throughput
    );
    took_away(apply) || !more_never_hurts
}

/// Whether any amount became less.
fn took_away(apply: &LastApply) -> bool {
    let (Some(before), Some(after)) = (apply.before.allocation(), apply.after.allocation()) else {
        return false;
    };
    let amounts = |it: &Allocation| {
        let (requests, limits) = (it.pod_requests(), it.pod_limits());
        [
            requests.cpu.get(),
            limits.cpu.get(),
            requests.memory.get(),
            limits.memory.get(),
        ]
    };
    let bound = |it: &Allocation| {
        it.autoscale
            .map(|autoscale| (autoscale.min_replicas(), autoscale.max))
    };
    let lower_bounds = match (bound(before), bound(after)) {
        (Some((min, max)), Some((new_min, new_max))) => new_min < min || new_max < max,
        _ => false,
    };
    after.replicas < before.replicas
        || lower_bounds
        || amounts(after)
            .iter()
            .zip(amounts(before))
            .any(|(after, before)| *after < before)
}

/// Whether the fields that changed are this intent's to move: nobody else's directive holds one of them.
fn is_ours(input: &AssessmentInput, apply: &LastApply, intent: &Intent) -> bool {
    let changed = apply.before.changes_to(&apply.after);
    let foreign =
        |field: &Field| holder_of(input, field).is_some_and(|holder| holder.key() != intent.key());
    intent.spec.mode() == Mode::Enforce && !changed.iter().any(|change| foreign(&change.field))
}
