//! Foreign fields stay as they are, and under an autoscaler the number of pods is the autoscaler's.

use super::super::back;
use super::super::trim::{Case, Trim};
use super::super::{Current, CutRule};
use crate::allocation::Field;
use crate::envelope::LimitSource;
use crate::workload::FieldOwner;

pub(super) fn trim(case: &Case<'_>, trim: &mut Trim<'_>) {
    for change in trim.live.changes_to(&trim.now) {
        if is_foreign(case.current, &change.field) {
            trim.cut(CutRule::Owner, &LimitSource::Default, |live, now| {
                back::field(live, now, &change.field);
            });
        }
    }
    if trim.live.autoscale.is_some() || trim.now.autoscale.is_some() {
        trim.cut(CutRule::Owner, &LimitSource::Default, |live, now| {
            back::field(live, now, &Field::Replicas);
        });
    }
}

/// Whether a field is somebody else's: claimed by an autoscaling object, or by a manager that the envelope yields to.
///
/// An autoscaler of ours would move the number of pods, so it may not be touched where that is foreign.
pub(in crate::guard) fn is_foreign(current: &Current<'_>, field: &Field) -> bool {
    let claimed = |field: &Field| match current.state.owners.get(field) {
        None | Some(FieldOwner::Ibn) => false,
        Some(FieldOwner::Manager(name)) => current.envelope.yield_to.contains(name),
        Some(
            FieldOwner::HorizontalPodAutoscaler(_)
            | FieldOwner::VerticalPodAutoscaler(_)
            | FieldOwner::ScaledObject(_),
        ) => true,
    };
    claimed(field) || (*field == Field::Autoscale && claimed(&Field::Replicas))
}
