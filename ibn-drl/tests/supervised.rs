//! A learner under a rule: whose advice is taken on which rung.

#![cfg(test)]

mod common;

use common::{allocation, envelope, situation};
use ibn_core::allocation::Field;
use ibn_core::decision::{PolicyTrace, Reason};
use ibn_core::observation::SignalHealth;
use ibn_core::roles::{Checkpoint, LearnReport, PolicyLearner, Recommender};
use ibn_core::situation::{Experience, Outcome, Recommendation, Situation};
use ibn_drl::ladder::{Ladder, LadderSettings, Rung, Supervised};

/// Wants a fixed number of pods, whatever is held or allowed.
struct Wants {
    name: &'static str,
    replicas: u32,
    value: f64,
    learned: u64,
}

impl Wants {
    fn new(name: &'static str, replicas: u32) -> Box<Self> {
        Box::new(Self {
            name,
            replicas,
            value: 0.0,
            learned: 0,
        })
    }
}

impl Recommender for Wants {
    fn name(&self) -> &str {
        self.name
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let wanted = situation.state.allocation.with_replicas(self.replicas);
        let mut advice = Recommendation::new(wanted, vec![Reason::new("Wanted", "it is wanted")]);
        advice.policy = Some(PolicyTrace {
            policy: self.name.to_owned(),
            log_probability: -0.1,
            value: self.value,
            observation_hash: 0,
            action: 0,
            explored: false,
        });
        advice
    }
}

impl PolicyLearner for Wants {
    fn learn(&mut self, _: &Experience) -> LearnReport {
        self.learned += 1;
        LearnReport {
            error: self.learned as f64,
            ..LearnReport::default()
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            learner: self.name.to_owned(),
            version: 1,
            encoding: 1,
            data: Vec::new(),
        }
    }

    fn restore(&mut self, _: &Checkpoint) -> ibn_core::Result<()> {
        Ok(())
    }
}

/// A learner that wants `own` pods on a rung, beside a rule that wants `rule`.
fn supervised(start: Rung, own: u32, rule: u32) -> Supervised {
    let ladder = Ladder::new(LadderSettings {
        start,
        promote_after: 2,
        ..LadderSettings::default()
    })
    .unwrap();
    Supervised::new(Wants::new("learner", own), Wants::new("rule", rule), ladder)
}

#[track_caller]
fn check(start: Rung, own: u32, rule: u32, taken: u32, is_logged: bool) {
    let advice = supervised(start, own, rule).recommend(&situation(4));
    let logged = advice
        .policy
        .as_ref()
        .is_some_and(|trace| trace.policy == "learner");
    assert_eq!(
        (advice.allocation.replicas, logged),
        (taken, is_logged),
        "{:?}",
        advice.reasons
    );
}

#[test]
fn each_rung_takes_what_it_trusts() {
    check(Rung::Shadow, 9, 5, 5, false);
    check(Rung::Shadow, 5, 5, 5, false);
    check(Rung::ScaleOutOnly, 9, 5, 9, true);
    check(Rung::ScaleOutOnly, 3, 5, 5, false);
    check(Rung::Full, 9, 5, 9, true);
    check(Rung::Full, 3, 5, 3, true);
    let off = supervised(Rung::Off, 9, 5).recommend(&situation(4));
    assert_eq!(off.allocation.replicas, 5);
    assert_eq!(off.reasons[1].code, "LearnerOff");
}

#[test]
fn what_was_not_taken_stands_among_the_alternatives() {
    let shadow = supervised(Rung::Shadow, 9, 5).recommend(&situation(4));
    let other = shadow.alternatives.last().unwrap();
    assert_eq!(other.allocation, allocation(9));
    assert_eq!(other.note, "the learner `learner` would give this");
    assert_eq!(
        shadow.reasons.last().unwrap().message,
        "learner `learner` is at shadow: it begins here; it would give 9 pods"
    );
    let full = supervised(Rung::Full, 9, 5).recommend(&situation(4));
    assert_eq!(
        full.alternatives.last().unwrap().note,
        "the rule `rule` would give this"
    );
}

#[test]
fn what_can_not_be_taken_is_not_and_costs_a_rung() {
    let mut outside = situation(4);
    outside.envelope = std::sync::Arc::new(envelope(1, 8));
    let mut held = situation(4);
    held.held.insert(Field::Replicas);
    let mut stale = situation(4);
    stale.health = SignalHealth::Stale;
    for (situation, why) in [
        (outside, "9 pods lie outside the envelope"),
        (held, "it moves the held field replicas"),
        (stale, "a signal is stale"),
    ] {
        let mut both = supervised(Rung::Full, 9, 4);
        let advice = both.recommend(&situation);
        assert_eq!(advice.allocation.replicas, 4, "{why}");
        assert!(advice.policy.is_none(), "{why}");
        assert_eq!(
            (both.ladder().rung(), both.ladder().cause()),
            (Rung::ScaleOutOnly, why)
        );
    }
    let ladder = Ladder::new(LadderSettings {
        start: Rung::Full,
        ..LadderSettings::default()
    })
    .unwrap();
    let mut broken = Wants::new("learner", 9);
    broken.value = f64::NAN;
    let mut both = Supervised::new(broken, Wants::new("rule", 4), ladder);
    assert_eq!(both.recommend(&situation(4)).allocation.replicas, 4);
    assert_eq!(
        both.ladder().cause(),
        "its probability or value is not a number"
    );
}

fn live(both: &mut Supervised, turns: u32, violation: f64) -> LearnReport {
    let mut report = LearnReport::default();
    for _ in 0..turns {
        let situation = situation(4);
        let recommendation = both.recommend(&situation);
        report = both.learn(&Experience {
            applied: recommendation.allocation.clone(),
            recommendation,
            situation,
            outcome: Outcome {
                violation,
                cost_cores: 4.0,
                changes: 0,
                reward: -0.4 - violation,
            },
        });
    }
    report
}

#[test]
fn climbs_with_good_windows_and_comes_down_at_once() {
    let mut both = supervised(Rung::Shadow, 9, 5);
    live(&mut both, 2, 0.0);
    assert_eq!(both.ladder().rung(), Rung::ScaleOutOnly);
    live(&mut both, 2, 0.0);
    assert_eq!(both.ladder().rung(), Rung::Full);
    live(&mut both, 4, 1.0);
    assert_eq!(both.ladder().rung(), Rung::ScaleOutOnly);
    Recommender::demote(&mut both, "the burn rate rose after its advice");
    assert_eq!(
        (both.ladder().rung(), both.ladder().cause()),
        (Rung::Shadow, "the burn rate rose after its advice")
    );
}

#[test]
fn learns_only_from_what_it_advised_itself() {
    // In the shadow of a rule that wants something else there is nothing to learn from.
    let mut both = supervised(Rung::Shadow, 9, 5);
    assert_eq!(live(&mut both, 1, 1.0).error, 0.0);
    let mut agreed = supervised(Rung::Shadow, 5, 5);
    assert_eq!(live(&mut agreed, 3, 1.0).error, 3.0);
    let mut full = supervised(Rung::Full, 9, 5);
    assert_eq!(live(&mut full, 2, 0.0).error, 2.0);
}

#[test]
fn a_checkpoint_keeps_the_rung_but_never_above_the_highest() {
    let mut both = supervised(Rung::Shadow, 9, 5);
    live(&mut both, 4, 0.0);
    let kept = both.checkpoint();
    let mut restored = supervised(Rung::Shadow, 9, 5);
    restored.restore(&kept).unwrap();
    assert_eq!(restored.ladder().rung(), Rung::Full);
    let ladder = Ladder::new(LadderSettings {
        highest: Rung::ScaleOutOnly,
        ..LadderSettings::default()
    })
    .unwrap();
    let mut limited = Supervised::new(Wants::new("learner", 9), Wants::new("rule", 5), ladder);
    limited.restore(&kept).unwrap();
    assert_eq!(limited.ladder().rung(), Rung::ScaleOutOnly);
}
