//! Conformance of a `PolicyLearner`.

use ibn_core::roles::{Checkpoint, PolicyLearner};
use ibn_core::situation::{Experience, Outcome, Recommendation};

use crate::recommender::{self, situation};

/// What every learner must hold, besides what every recommender must. `make` gives a fresh one.
///
/// # Panics
/// Where it doesn't.
pub fn check<L: PolicyLearner + 'static>(make: &dyn Fn() -> L) {
    recommender::check(&|| Box::new(make()));
    assert!(
        make().as_learner().is_some(),
        "a learner says that there is a learner in it"
    );
    learns_the_same_twice(make);
    takes_no_harm_from_bad_rewards(make);
    goes_on_from_a_checkpoint(make);
    refuses_other_checkpoints(make);
}

/// The reward of a turn: more pods are worth less and cost more.
fn outcome(recommendation: &Recommendation, turn: u32) -> Outcome {
    let pods = f64::from(recommendation.allocation.replicas.min(1_000));
    let violation = if turn.is_multiple_of(5) { 1.0 } else { 0.0 };
    Outcome {
        violation,
        cost_cores: pods,
        changes: 0,
        reward: -(violation + 0.03 * pods),
    }
}

/// Lives through some turns; `spoil` may change what is told of them.
fn live(
    learner: &mut dyn PolicyLearner,
    turns: std::ops::Range<u32>,
    spoil: &dyn Fn(u32, &mut Experience),
) -> Vec<Recommendation> {
    turns
        .map(|turn| {
            let situation = situation(3 + turn % 4, turn);
            let recommendation = learner.recommend(&situation);
            let mut experience = Experience {
                applied: recommendation.allocation.clone(),
                outcome: outcome(&recommendation, turn),
                recommendation: recommendation.clone(),
                situation,
            };
            spoil(turn, &mut experience);
            let report = learner.learn(&experience);
            assert!(
                report.reward.is_finite() && report.error.is_finite() && report.error >= 0.0,
                "a report is of numbers: {report:?}"
            );
            assert!(
                (0.0..=1.0).contains(&report.exploration),
                "exploration is a share: {report:?}"
            );
            recommendation
        })
        .collect()
}

fn assert_all_same(one: &[Recommendation], other: &[Recommendation]) {
    for (turn, (one, other)) in one.iter().zip(other).enumerate() {
        recommender::assert_same(&format!("turn {turn} of the same life"), one, other);
    }
}

fn untouched(_: u32, _: &mut Experience) {}

fn learns_the_same_twice<L: PolicyLearner>(make: &dyn Fn() -> L) {
    let (mut one, mut other) = (make(), make());
    assert_all_same(
        &live(&mut one, 0..60, &untouched),
        &live(&mut other, 0..60, &untouched),
    );
    assert!(
        one.checkpoint() == other.checkpoint(),
        "the same experiences, the same checkpoint"
    );
    let counted = |learner: &mut L, turn| {
        let situation = situation(4, turn);
        let recommendation = learner.recommend(&situation);
        learner
            .learn(&Experience {
                applied: recommendation.allocation.clone(),
                outcome: outcome(&recommendation, turn),
                recommendation,
                situation,
            })
            .experiences
    };
    let before = counted(&mut one, 100);
    assert_eq!(
        counted(&mut one, 101),
        before + 1,
        "experiences are counted"
    );
}

fn takes_no_harm_from_bad_rewards<L: PolicyLearner>(make: &dyn Fn() -> L) {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut learner = make();
        live(&mut learner, 0..40, &|turn, experience| {
            if turn.is_multiple_of(3) {
                experience.outcome.reward = bad;
                experience.outcome.violation = f64::NAN;
            }
        });
        let after = live(&mut learner, 40..60, &untouched);
        assert!(!after.is_empty(), "goes on after a reward of {bad}");
        // All that was learned can be kept and read back, so none of it is NaN.
        make()
            .restore(&learner.checkpoint())
            .unwrap_or_else(|error| fail("a checkpoint after bad rewards is whole", &error));
    }
}

fn goes_on_from_a_checkpoint<L: PolicyLearner>(make: &dyn Fn() -> L) {
    let mut learner = make();
    live(&mut learner, 0..60, &untouched);
    let kept = learner.checkpoint();
    assert_eq!(
        kept.learner,
        learner.name(),
        "a checkpoint names its learner"
    );
    let restored = || {
        let mut fresh = make();
        fresh
            .restore(&kept)
            .unwrap_or_else(|error| fail("reads its own checkpoint", &error));
        fresh
    };
    let (mut one, mut other) = (restored(), restored());
    assert!(
        one.checkpoint() == kept,
        "a checkpoint read back is the same to the byte"
    );
    assert_all_same(
        &live(&mut one, 60..90, &untouched),
        &live(&mut other, 60..90, &untouched),
    );
}

fn refuses_other_checkpoints<L: PolicyLearner>(make: &dyn Fn() -> L) {
    let mut learner = make();
    live(&mut learner, 0..20, &untouched);
    let good = learner.checkpoint();
    let mut cut = good.clone();
    cut.data.truncate(good.data.len() / 2);
    for (what, bad, named) in [
        (
            "another learner's",
            Checkpoint {
                learner: "somebody-else".to_owned(),
                ..good.clone()
            },
            vec!["somebody-else".to_owned(), good.learner.clone()],
        ),
        (
            "another layout's",
            Checkpoint {
                version: good.version + 7,
                ..good.clone()
            },
            vec![(good.version + 7).to_string(), good.version.to_string()],
        ),
        (
            "another encoding's",
            Checkpoint {
                encoding: good.encoding + 9,
                ..good.clone()
            },
            vec![(good.encoding + 9).to_string(), good.encoding.to_string()],
        ),
        ("half a", cut, Vec::new()),
        (
            "an empty",
            Checkpoint {
                data: Vec::new(),
                ..good.clone()
            },
            Vec::new(),
        ),
    ] {
        let refused = learner.restore(&bad);
        let Err(error @ ibn_core::Error::Invalid { .. }) = refused else {
            fail(&format!("refuses {what} checkpoint as invalid"), &refused)
        };
        for part in named {
            assert!(
                error.to_string().contains(&part),
                "{what} checkpoint: `{error}` names `{part}`"
            );
        }
        assert!(
            learner.checkpoint() == good,
            "after {what} checkpoint the learner is as before"
        );
    }
}

/// Ends the test with a message.
#[expect(clippy::panic, reason = "a failed assertion of a conformance suite")]
fn fail(expected: &str, found: &dyn std::fmt::Debug) -> ! {
    panic!("{expected}; found {found:?}")
}

#[cfg(test)]
mod tests {
    use ibn_core::decision::PolicyTrace;
    use ibn_core::roles::{LearnReport, Recommender};
    use ibn_core::situation::Situation;
    use ibn_core::{Error, Result};

    use super::*;

    /// Learns the mean reward, and does nothing with it.
    #[derive(Default)]
    struct Mean {
        sum: f64,
        count: u64,
        careless: bool,
    }

    impl Recommender for Mean {
        fn name(&self) -> &str {
            "mean"
        }

        fn recommend(&mut self, situation: &Situation) -> Recommendation {
            let mut leave = Recommendation::leave(situation, "Mean", "nothing moves");
            leave.policy = Some(PolicyTrace {
                policy: "mean/1".to_owned(),
                log_probability: 0.0,
                value: self.sum / self.count.max(1) as f64,
                observation_hash: 0,
                action: 0,
                explored: false,
            });
            leave
        }

        fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
            Some(self)
        }
    }

    impl PolicyLearner for Mean {
        fn learn(&mut self, experience: &Experience) -> LearnReport {
            let reward = experience.outcome.reward;
            if reward.is_finite() || self.careless {
                self.sum += reward;
            }
            self.count += 1;
            LearnReport {
                experiences: self.count,
                ..LearnReport::default()
            }
        }

        fn checkpoint(&self) -> Checkpoint {
            let mut data = self.sum.to_le_bytes().to_vec();
            data.extend(self.count.to_le_bytes());
            Checkpoint {
                learner: "mean".to_owned(),
                version: 1,
                encoding: 1,
                data,
            }
        }

        fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
            let Checkpoint {
                learner,
                version,
                encoding,
                data,
            } = checkpoint;
            if (learner.as_str(), *version, *encoding) != ("mean", 1, 1) {
                let found = format!("`{learner}` {version} {encoding}, not `mean` 1 1");
                return Err(Error::invalid("the checkpoint", found));
            }
            let Ok(bytes) = <[u8; 16]>::try_from(data.as_slice()) else {
                return Err(Error::invalid("the checkpoint", "it is cut off"));
            };
            let number = u128::from_le_bytes(bytes);
            self.sum = f64::from_bits(number as u64);
            self.count = (number >> 64) as u64;
            Ok(())
        }
    }

    #[test]
    fn a_plain_learner_passes() {
        check(&Mean::default);
    }

    #[test]
    #[should_panic(expected = "the value is a number")]
    fn one_that_lets_nan_in_is_found() {
        let careless = || Mean {
            careless: true,
            ..Mean::default()
        };
        takes_no_harm_from_bad_rewards(&careless);
        recommender::check(&|| {
            let mut learner = careless();
            live(&mut learner, 0..3, &|_, experience| {
                experience.outcome.reward = f64::NAN;
            });
            Box::new(learner)
        });
    }
}
