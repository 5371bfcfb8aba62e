//! Judging the quota of a namespace.

use super::rules::{owner, shrink};
use super::{Current, Cut};
use crate::allocation::{Field, FieldChange, QuotaLimits};
use crate::envelope::LimitSource;

use super::Desired;

/// What is left of a wanted quota, and what was cut of it.
pub(super) fn trim(
    wanted: Option<QuotaLimits>,
    live: Option<QuotaLimits>,
    current: &Current<'_>,
) -> (Option<QuotaLimits>, Vec<Cut>) {
    let cut = |rule, source: &LimitSource, allowed: Option<QuotaLimits>| Cut {
        rule,
        field: Some(Field::Quota),
        wanted: text(wanted),
        allowed: text(allowed),
        source: source.clone(),
    };
    if owner::is_foreign(current, &Field::Quota) {
        let cut = cut(super::CutRule::Owner, &LimitSource::Default, live);
        return (live, vec![cut]);
    }
    let Some((rule, source)) = shrink::reason_to_keep(current) else {
        return (wanted, Vec::new());
    };
    let kept = keep(wanted, live);
    if kept == wanted {
        return (wanted, Vec::new());
    }
    (kept, vec![cut(rule, source, kept)])
}

/// The greater of both, amount by amount; what is not limited is greatest.
fn keep(wanted: Option<QuotaLimits>, live: Option<QuotaLimits>) -> Option<QuotaLimits> {
    fn greater<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
        Some(a?.max(b?))
    }
    let (wanted, live) = (wanted?, live?);
    let kept = QuotaLimits {
        cpu: greater(wanted.cpu, live.cpu),
        memory: greater(wanted.memory, live.memory),
        pods: greater(wanted.pods, live.pods),
    };
    (kept != QuotaLimits::default()).then_some(kept)
}

/// A quota, for a person.
pub(super) fn text(quota: Option<QuotaLimits>) -> String {
    let change: Vec<FieldChange> = Desired::Quota(None).changes_to(&Desired::Quota(quota));
    change
        .into_iter()
        .find_map(|change| change.to)
        .unwrap_or_else(|| "none".to_owned())
}
