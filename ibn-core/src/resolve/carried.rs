//! What stays known of the expectations of an intent that is worded anew.

use jiff::Timestamp;

use super::expectation_hash;
use crate::intent::{ExpectationStatus, Intent};

/// The status of the expectations of `intent`, whose older wording is `known`: what stays the same keeps what it was resolved
/// to and when it was ordered, wherever it stands now; all else is ordered at `now`.
pub(crate) fn carried_over(
    intent: &Intent,
    known: Option<&Intent>,
    now: Timestamp,
) -> Vec<ExpectationStatus> {
    let uid = intent.metadata.uid.as_deref().unwrap_or_default();
    let mut old: Vec<_> = known
        .into_iter()
        .flat_map(|known| {
            let status = known.status.iter();
            let entries = status.flat_map(|status| &status.expectations);
            entries.enumerate().map(|(idx, entry)| {
                let worded = expectation_hash(uid, &known.spec.expectations, idx);
                Some((worded, entry.clone()))
            })
        })
        .collect();
    let mut kept: Vec<_> = (0..intent.spec.expectations.len())
        .map(|idx| {
            let hash = expectation_hash(uid, &intent.spec.expectations, idx);
            let same = old.iter_mut().find(|known| {
                known
                    .as_ref()
                    .is_some_and(|(worded, _)| worded.is_some() && *worded == hash)
            });
            same.and_then(Option::take).map(|(_, entry)| entry)
        })
        .collect();
    let created = known.and_then(|known| known.metadata.creation_timestamp);
    kept.iter_mut()
        .enumerate()
        .map(|(idx, kept)| match kept.take() {
            Some(entry) if entry.hash.is_some() => ExpectationStatus {
                ordered: entry.ordered.or(created),
                ..entry
            },
            // Not resolved yet, or not to be: what was measured of it is measured anew.
            Some(entry) => ExpectationStatus {
                ordered: entry.ordered.or(created),
                ..changed(entry)
            },
            None => {
                // Another amount for the same fields still goes back to what was there before the first one.
                let older = old.get_mut(idx).and_then(Option::take);
                ExpectationStatus {
                    ordered: Some(now),
                    ..older.map(|(_, entry)| changed(entry)).unwrap_or_default()
                }
            }
        })
        .collect()
}

/// What an expectation leaves to the one that takes its place.
fn changed(older: ExpectationStatus) -> ExpectationStatus {
    ExpectationStatus {
        resolved: older.previous.is_some().then_some(older.resolved).flatten(),
        previous: older.previous,
        ..ExpectationStatus::default()
    }
}
