//! Two intents that order different values of one field.

use std::collections::BTreeMap;

use super::{
    Claim, Conflict, ConflictContext, ConflictRule, Level, Nature, Side, StandsBack, claims_of,
    contests,
};
use crate::intent::{Intent, IntentKey, Validity};
use crate::resolve::resolve_intent;

/// Several directives order different values of one field, or both `replicas` and an autoscaler.
///
/// The higher priority wins; at equal priority the newer directive of the same author does; both are
/// warnings. Otherwise the older one stays and the newer one is blocked.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectiveValuesDiffer;

impl ConflictRule for DirectiveValuesDiffer {
    fn name(&self) -> &'static str {
        "directive-values-differ"
    }

    fn check(&self, context: &ConflictContext<'_>) -> Vec<Conflict> {
        let Some(state) = context.state() else {
            return Vec::new();
        };
        let mut claims = Vec::new();
        let mut validity: BTreeMap<IntentKey, Validity> = BTreeMap::new();
        for intent in context.intents_here() {
            validity.insert(intent.key(), intent.spec.validity.unwrap_or_default());
            claims.extend(all_claims(intent, state));
        }
        let coincide = |a: &IntentKey, b: &IntentKey| {
            validity
                .get(a)
                .zip(validity.get(b))
                .is_none_or(|(a, b)| overlap(a, b))
        };
        // One conflict for each pair of intents, however many fields they differ in.
        let mut pairs: BTreeMap<(IntentKey, IntentKey), Vec<(Claim, Claim)>> = BTreeMap::new();
        for ranked in contests(claims) {
            for (rank, stronger) in ranked.iter().enumerate() {
                for weaker in ranked.iter().skip(rank + 1) {
                    if stronger.intent != weaker.intent
                        && context.wants_pair(&stronger.intent, &weaker.intent)
                        && !stronger.setting.agrees_with(&weaker.setting)
                        && coincide(&stronger.intent, &weaker.intent)
                    {
                        pairs
                            .entry((weaker.intent.clone(), stronger.intent.clone()))
                            .or_default()
                            .push((weaker.clone(), stronger.clone()));
                    }
                }
            }
        }
        pairs
            .values()
            .filter_map(|pair| conflict(self.name(), pair, &validity))
            .collect()
    }
}

/// What an intent claims, as it was resolved or would now be; what can't be resolved claims nothing.
pub(crate) fn all_claims(intent: &Intent, state: &crate::workload::WorkloadState) -> Vec<Claim> {
    resolve_intent(intent, state)
        .into_iter()
        .filter_map(|resolved| {
            let setting = resolved.setting.ok()?;
            Some(claims_of(intent, resolved.expectation, &setting))
        })
        .flatten()
        .collect()
}

fn conflict(
    rule: &str,
    pair: &[(Claim, Claim)],
    validity: &BTreeMap<IntentKey, Validity>,
) -> Option<Conflict> {
    let (weaker, stronger) = pair.first()?;
    let orders = |claims: Vec<&Claim>| {
        let values: Vec<String> = claims
            .into_iter()
            .map(|claim| claim.setting.to_string())
            .collect();
        format!("orders {}", values.join(", "))
    };
    let yields = Side::intent(
        &weaker.intent,
        orders(pair.iter().map(|(weaker, _)| weaker).collect()),
    );
    let stays = Side::intent(
        &stronger.intent,
        orders(pair.iter().map(|(_, stronger)| stronger).collect()),
    );
    let (loser, winner) = (&weaker.intent, &stronger.intent);
    let (level, why, ways_out) = match stronger.beats(weaker) {
        StandsBack::Outranked => (
            Level::Warning,
            format!(
                "`{winner}` has priority {}, `{loser}` only {}, so the value of `{winner}` is in force",
                stronger.priority(),
                weaker.priority()
            ),
            vec![
                format!("give `{loser}` a priority above {}", stronger.priority()),
                format!("withdraw `{winner}`"),
                "let both order the same value".to_owned(),
            ],
        ),
        StandsBack::Superseded => {
            let until = validity.get(winner).and_then(|validity| validity.until);
            let (span, then) = match until {
                Some(until) => (
                    format!(" until {until}"),
                    format!("withdraw `{loser}`, which has no effect until then"),
                ),
                None => (
                    String::new(),
                    format!("withdraw `{loser}`, which has no effect any more"),
                ),
            };
            (
                Level::Warning,
                format!(
                    "`{winner}` is the newer order of the same author, so it is in force{span}"
                ),
                vec![format!("withdraw `{winner}` to go back to `{loser}`"), then],
            )
        }
        StandsBack::Contested => (
            Level::Blocking,
            format!(
                "both have priority {} and different authors, so the older one, `{winner}`, stays in force",
                stronger.priority()
            ),
            vec![
                format!(
                    "give one of them a higher priority than {}",
                    stronger.priority()
                ),
                format!("withdraw `{winner}` or `{loser}`"),
                "let both order the same value".to_owned(),
            ],
        ),
    };
    Some(Conflict::new(
        rule,
        level,
        Nature::Contest,
        yields,
        stays,
        why,
        ways_out,
    ))
}

/// Whether there is an instant at which both hold.
pub(crate) fn overlap(a: &Validity, b: &Validity) -> bool {
    let begins_before_end = |a: &Validity, b: &Validity| match (a.from, b.until) {
        (Some(from), Some(until)) => from < until,
        _ => true,
    };
    begins_before_end(a, b) && begins_before_end(b, a)
}
