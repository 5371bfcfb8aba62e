//! Which directive is in force where several order the same field.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::allocation::Field;
use crate::intent::{Intent, IntentKey, Mode, OriginKind, Setting};
use crate::resolve::settled;

/// A field that a directive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldField {
    /// The intent that holds it.
    pub intent: IntentKey,
    /// The index of its directive in `spec.expectations`.
    pub expectation: usize,
    /// What is held: the part of the resolved setting that speaks of this field.
    pub setting: Setting,
    /// Directives that order another value and have to stand back, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<Superseded>,
}

/// A directive that is not in force on a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Superseded {
    /// The intent.
    pub intent: IntentKey,
    /// The index of its directive in `spec.expectations`.
    pub expectation: usize,
    /// What it orders.
    pub setting: Setting,
    /// Why it stands back.
    pub why: StandsBack,
}

/// Why a directive stands back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StandsBack {
    /// The other one has a higher priority.
    Outranked,
    /// The same author ordered something else later.
    Superseded,
    /// At equal priority another author was there first; a conflict.
    Contested,
}

/// Whether an intent may move anything at `now`: live, enforcing, begun, not over and not being deleted.
#[must_use]
pub fn is_acting(intent: &Intent, now: Timestamp) -> bool {
    let validity = intent.spec.validity.unwrap_or_default();
    intent.state().is_live()
        && intent.spec.mode() == Mode::Enforce
        && intent.metadata.deletion_timestamp.is_none()
        && validity.has_begun(now)
        && !validity.is_over(now)
}

/// Which directive holds each field, among intents on one workload, all of which act.
///
/// Reads what directives were resolved to from the status; one that isn't resolved yet holds nothing.
///
/// Per field the highest priority wins. At equal priority a field belongs to the author whose oldest
/// directive on it is the oldest of all, and of this author's directives the one that was worded last is
/// in force, whatever the age of the intent that it stands in. Directives
/// that order the same value don't stand in each other's way: the winner alone is named. `replicas`
/// and `autoscale` exclude each other, since an autoscaler moves the replicas: where both are ordered,
/// the weaker one holds nothing and is listed under the field of the stronger one.
///
/// ```
/// use std::sync::Arc;
/// use ibn_core::conflict::holders;
/// use ibn_core::intent::Intent;
///
/// let nobody: [Arc<Intent>; 0] = [];
/// assert!(holders(&nobody).is_empty());
/// ```
#[must_use]
pub fn holders<I: Borrow<Intent>>(intents: &[I]) -> BTreeMap<Field, HeldField> {
    let mut claims = Vec::new();
    for intent in intents.iter().map(Borrow::borrow) {
        for (expectation, _) in intent.spec.directives() {
            if let Some(setting) = settled(intent, expectation) {
                claims.extend(claims_of(intent, expectation, setting));
            }
        }
    }
    holders_of(claims)
}

/// The fields that nobody but the holder may move: those that are held, and of `replicas` and an autoscaler, which exclude each
/// other, both where one is.
#[must_use]
pub fn held_fields(holders: &BTreeMap<Field, HeldField>) -> BTreeSet<Field> {
    let mut fields: BTreeSet<Field> = holders.keys().cloned().collect();
    if fields.contains(&Field::Autoscale) || fields.contains(&Field::Replicas) {
        fields.extend([Field::Autoscale, Field::Replicas]);
    }
    fields
}

/// The fields that one intent holds, with an autoscaler that stands in the way of the pods it orders: that goes on its behalf.
pub(crate) fn held_by(holders: &BTreeMap<Field, HeldField>, intent: &IntentKey) -> BTreeSet<Field> {
    let mut fields: BTreeSet<Field> = holders
        .iter()
        .filter(|(_, holder)| holder.intent == *intent)
        .map(|(field, _)| field.clone())
        .collect();
    if fields.contains(&Field::Replicas) {
        fields.insert(Field::Autoscale);
    }
    fields
}

/// One directive's wish for one field.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) field: Field,
    pub(crate) intent: IntentKey,
    pub(crate) expectation: usize,
    pub(crate) setting: Setting,
    priority: u8,
    author: AuthorKey,
    /// The age of the intent: it tells which author was there first.
    age: Age,
    /// The age of the order in its present words: it tells which of an author's orders is in force.
    ordered: Age,
}

type AuthorKey = (OriginKind, Option<String>);

/// Orders intents from old to new. One that the store hasn't seen yet is the newest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age(bool, Option<Timestamp>, IntentKey);

impl Age {
    pub(crate) fn of(intent: &Intent) -> Self {
        let created = intent.metadata.creation_timestamp;
        Self(created.is_none(), created, intent.key())
    }

    /// The age of one of its orders as it is worded now.
    fn of_order(intent: &Intent, expectation: usize) -> Self {
        let status = intent.status.as_ref();
        let entry = status.and_then(|status| status.expectations.get(expectation));
        match entry.and_then(|entry| entry.ordered) {
            Some(ordered) => Self(false, Some(ordered), intent.key()),
            None => Self::of(intent),
        }
    }
}

/// The time of an order that is given at `now`, later than those of all orders that `intents` hold.
pub(crate) fn time_of_order<'a>(
    now: Timestamp,
    intents: impl IntoIterator<Item = &'a Intent>,
) -> Timestamp {
    let latest = intents.into_iter().flat_map(|intent| {
        let entries = intent.status.iter().flat_map(|status| &status.expectations);
        let ordered = entries.filter_map(|entry| entry.ordered);
        ordered.chain(intent.metadata.creation_timestamp)
    });
    match latest.max() {
        // Several may be given in one instant of virtual time.
        Some(latest) if now <= latest => latest
            .checked_add(SignedDuration::from_nanos(1))
            .unwrap_or(latest),
        _ => now,
    }
}

pub(crate) fn claims_of(intent: &Intent, expectation: usize, setting: &Setting) -> Vec<Claim> {
    let author = intent.spec.author();
    setting
        .fields()
        .into_iter()
        .filter_map(|field| {
            Some(Claim {
                setting: setting.only(&field)?,
                field,
                intent: intent.key(),
                expectation,
                priority: intent.spec.priority(),
                author: (author.by, author.name.map(str::to_owned)),
                age: Age::of(intent),
                ordered: Age::of_order(intent, expectation),
            })
        })
        .collect()
}

pub(crate) fn holders_of(claims: Vec<Claim>) -> BTreeMap<Field, HeldField> {
    contests(claims).into_iter().filter_map(settle).collect()
}

/// Claims by what they contest, each contest ordered from the strongest claim to the weakest.
pub(crate) fn contests(claims: Vec<Claim>) -> Vec<Vec<Claim>> {
    let mut contests: BTreeMap<Field, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        // Both say how many pods there are, so they stand in one contest.
        let contest = match claim.field {
            Field::Autoscale => Field::Replicas,
            _ => claim.field.clone(),
        };
        contests.entry(contest).or_default().push(claim);
    }
    contests.into_values().map(rank).collect()
}

/// Orders the claims of one contest, the strongest first.
fn rank(mut claims: Vec<Claim>) -> Vec<Claim> {
    let mut first_claim: BTreeMap<(u8, AuthorKey), Age> = BTreeMap::new();
    for claim in &claims {
        let oldest = first_claim
            .entry((claim.priority, claim.author.clone()))
            .or_insert_with(|| claim.age.clone());
        if claim.age < *oldest {
            *oldest = claim.age.clone();
        }
    }
    claims.sort_by_cached_key(|claim| {
        let since = first_claim.get(&(claim.priority, claim.author.clone()));
        (
            Reverse(claim.priority),
            since.cloned(),
            Reverse(claim.ordered.clone()),
            Reverse(claim.expectation),
        )
    });
    claims
}

impl Claim {
    /// Why a weaker claim stands back behind this one.
    pub(crate) fn beats(&self, weaker: &Self) -> StandsBack {
        if weaker.priority < self.priority {
            StandsBack::Outranked
        } else if weaker.author == self.author {
            StandsBack::Superseded
        } else {
            StandsBack::Contested
        }
    }

    pub(crate) fn priority(&self) -> u8 {
        self.priority
    }
}

fn settle(ranked: Vec<Claim>) -> Option<(Field, HeldField)> {
    let mut ranked = ranked.into_iter();
    let winner = ranked.next()?;
    let mut setting = winner.setting.clone();
    let mut superseded = Vec::new();
    for claim in ranked {
        if claim.setting.agrees_with(&setting) {
            // A quota has parts, which may come from several directives.
            setting.fill_from(&claim.setting);
        } else {
            superseded.push(Superseded {
                why: winner.beats(&claim),
                intent: claim.intent,
                expectation: claim.expectation,
                setting: claim.setting,
            });
        }
    }
    Some((
        winner.field,
        HeldField {
            intent: winner.intent,
            expectation: winner.expectation,
            setting,
            superseded,
        },
    ))
}
