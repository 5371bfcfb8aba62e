//! Hands a workload over from a rule to a learner, step by step, and back at once.

mod rung;

use ibn_core::allocation::{Allocation, ContainerResources, Resources};
use ibn_core::decision::Reason;
use ibn_core::encoding::ReplicaRoom;
use ibn_core::observation::SignalHealth;
use ibn_core::prediction::Alternative;
use ibn_core::roles::{Checkpoint, LearnReport, PolicyLearner, Recommender};
use ibn_core::situation::{Experience, Recommendation, Situation};
use ibn_core::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use rung::{Ladder, LadderSettings, Rung};

/// A learner under the supervision of a rule, for one workload.
///
/// Both are asked at each turn; the [`Rung`] decides whose advice is taken:
/// at `Shadow` the rule's, at `ScaleOutOnly` field by field the greater, at `Full` the learner's. What the learner
/// said and was not taken stands among the alternatives. Where the signals are bad or the learner's advice can't be
/// taken (outside the envelope, a held field moved, a probability that is no number), the rule's is taken at that very
/// turn, and the learner goes one rung down.
///
/// It learns from a turn only where its own advice was taken, or the rule gave the same.
pub struct Supervised {
    learner: Box<dyn PolicyLearner>,
    rule: Box<dyn Recommender>,
    ladder: Ladder,
    turn: Option<Turn>,
    report: LearnReport,
}

/// What came of the last turn.
struct Turn {
    at: Timestamp,
    /// The learner's own recommendation, where it was taken or agreed with what was.
    own: Option<Recommendation>,
    /// What is wrong with its advice.
    fault: Option<String>,
}

impl Supervised {
    /// The name under which it can be chosen and that its checkpoints carry.
    pub const NAME: &'static str = "ladder";

    /// The layout of the state in a checkpoint.
    const VERSION: u32 = 1;

    /// A learner at the start of `ladder`, beside `rule`.
    #[must_use]
    pub fn new(
        learner: Box<dyn PolicyLearner>,
        rule: Box<dyn Recommender>,
        ladder: Ladder,
    ) -> Self {
        Self {
            learner,
            rule,
            ladder,
            turn: None,
            report: LearnReport::default(),
        }
    }

    /// Where the learner stands, and why.
    #[must_use]
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    fn take_in(&mut self, experience: &Experience) {
        let outcome = &experience.outcome;
        self.report.experiences += 1;
        if outcome.reward.is_finite() {
            self.report.reward = outcome.reward;
        }
        let Some(turn) = self
            .turn
            .take_if(|turn| turn.at == experience.situation.now)
        else {
            return;
        };
        if turn.fault.is_none() {
            self.ladder.window(true, outcome.violation, outcome.reward);
        }
        if let Some(own) = turn.own {
            let report = self.learner.learn(&Experience {
                recommendation: own,
                ..experience.clone()
            });
            self.report.error = report.error;
            self.report.exploration = report.exploration;
        }
    }

    fn standing(&self) -> String {
        format!(
            "learner `{}` is at {}: {}",
            self.learner.name(),
            self.ladder.rung(),
            self.ladder.cause()
        )
    }
}

impl Recommender for Supervised {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn resizes(&self) -> bool {
        self.rule.resizes() || self.learner.resizes()
    }

    fn recommend(&mut self, situation: &Situation) -> Recommendation {
        let mut advice = self.rule.recommend(situation);
        self.turn = None;
        if self.ladder.rung() == Rung::Off {
            advice
                .reasons
                .push(Reason::new("LearnerOff", self.standing()));
            return advice;
        }
        let own = self.learner.recommend(situation);
        let fault = match bad_signals(situation) {
            Some(cause) => {
                self.ladder.step_down(&cause);
                Some(cause)
            }
            None => fault(situation, &own)
                .inspect(|cause| self.ladder.demote(cause))
                // Who says that it can't tell does no harm, and its rule decides.
                .or_else(|| abstains(&own)),
        };
        let taken = match (&fault, self.ladder.rung()) {
            (None, Rung::Full) => own.allocation.clone(),
            (None, Rung::ScaleOutOnly) => greater(&advice.allocation, &own.allocation),
            _ => advice.allocation.clone(),
        };
        // Where both say the same the learner learns from it, but in the shadow the advice is the rule's.
        let agrees = fault.is_none() && taken == own.allocation;
        let is_own = agrees && self.ladder.rung() != Rung::Shadow;
        let replicas = own.allocation.replicas;
        let message = match &fault {
            Some(fault) => format!(
                "{}; its {replicas} pods were not considered: {fault}",
                self.standing()
            ),
            None if is_own => format!("{}; its {replicas} pods are advised", self.standing()),
            None if agrees => format!("{}; it would give as many pods", self.standing()),
            None => format!("{}; it would give {replicas} pods", self.standing()),
        };
        if is_own && taken != advice.allocation {
            let rule = Alternative {
                allocation: advice.allocation,
                score: 0.0,
                note: format!("the rule `{}` would give this", self.rule.name()),
            };
            advice = own.clone();
            advice.alternatives.push(rule);
        } else {
            if !agrees {
                advice.alternatives.push(Alternative {
                    allocation: own.allocation.clone(),
                    score: 0.0,
                    note: format!("the learner `{}` would give this", self.learner.name()),
                });
            }
            advice.policy = own.policy.clone().filter(|_| is_own);
        }
        advice.allocation = taken;
        advice.reasons.push(Reason::new("Rung", message));
        self.turn = Some(Turn {
            at: situation.now,
            own: agrees.then_some(own),
            fault,
        });
        advice
    }

    fn demote(&mut self, cause: &str) {
        self.ladder.demote(cause);
        self.learner.demote(cause);
    }

    fn as_learner(&mut self) -> Option<&mut dyn PolicyLearner> {
        Some(self)
    }
}

impl PolicyLearner for Supervised {
    fn learn(&mut self, experience: &Experience) -> LearnReport {
        self.take_in(experience);
        self.report.stage = Some(self.ladder.rung().to_string());
        self.report.clone()
    }

    fn checkpoint(&self) -> Checkpoint {
        let inner = self.learner.checkpoint();
        let head = Head {
            learner: inner.learner,
            version: inner.version,
            experiences: self.report.experiences,
            ladder: self.ladder.state().clone(),
        };
        // Plain data with finite numbers; an empty head would be refused on restore.
        let head = serde_json::to_vec(&head).unwrap_or_default();
        let mut data = (head.len() as u64).to_le_bytes().to_vec();
        data.extend(head);
        data.extend(inner.data);
        Checkpoint {
            learner: Self::NAME.to_owned(),
            version: Self::VERSION,
            encoding: inner.encoding,
            data,
        }
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let refuse = |reason: String| Error::invalid("the checkpoint", reason);
        if (checkpoint.learner.as_str(), checkpoint.version) != (Self::NAME, Self::VERSION) {
            return Err(refuse(format!(
                "it is of learner `{}`, layout {}; expected is learner `{}`, layout {}",
                checkpoint.learner,
                checkpoint.version,
                Self::NAME,
                Self::VERSION
            )));
        }
        let (head, data) =
            split(&checkpoint.data).ok_or_else(|| refuse("its head is cut off".to_owned()))?;
        let head: Head = serde_json::from_slice(head).map_err(|error| refuse(error.to_string()))?;
        self.learner.restore(&Checkpoint {
            learner: head.learner,
            version: head.version,
            encoding: checkpoint.encoding,
            data: data.to_vec(),
        })?;
        self.ladder.resume(head.ladder);
        self.report.experiences = head.experiences;
        self.turn = None;
        Ok(())
    }
}

/// What stands before the learner's own bytes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    learner: String,
    version: u32,
    experiences: u64,
    ladder: rung::State,
}

fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    rest.split_at_checked(length)
}

/// Why nothing that was learned can be relied on, where that is so.
fn bad_signals(situation: &Situation) -> Option<String> {
    (situation.health != SignalHealth::Fresh).then(|| format!("a signal is {}", situation.health))
}

/// Why a learner gives no advice of its own, in its words, where it doesn't.
fn abstains(advice: &Recommendation) -> Option<String> {
    if advice.policy.is_some() {
        return None;
    }
    let why = advice.reasons.first();
    Some(why.map_or_else(
        || "it gives no advice".to_owned(),
        |reason| reason.message.clone(),
    ))
}

/// Why a learner's advice can't be taken, where it can't. Step limits are the guard's to apply and are no fault.
fn fault(situation: &Situation, advice: &Recommendation) -> Option<String> {
    if let Some(trace) = &advice.policy
        && !(trace.log_probability.is_finite() && trace.value.is_finite())
    {
        return Some("its probability or value is not a number".to_owned());
    }
    let live = &situation.state.allocation;
    let to = &advice.allocation;
    if let Some(change) = live
        .changes_to(to)
        .iter()
        .find(|change| !situation.is_free(&change.field))
    {
        return Some(format!("it moves the held field {}", change.field));
    }
    let names = |allocation: &Allocation| -> Vec<String> {
        allocation
            .containers
            .iter()
            .map(|c| c.name.clone())
            .collect()
    };
    if names(live) != names(to) {
        return Some("it names other containers".to_owned());
    }
    let room = ReplicaRoom::at(situation, to);
    let inside = to.replicas == live.replicas || room.clamp(to.replicas) == to.replicas;
    (!inside).then(|| format!("{} pods lie outside the envelope", to.replicas))
}

/// Field by field the greater of two allocations of the same containers.
fn greater(rule: &Allocation, learner: &Allocation) -> Allocation {
    let resources = |a: Resources, b: Resources| Resources {
        cpu: a.cpu.max(b.cpu),
        memory: a.memory.max(b.memory),
    };
    Allocation {
        replicas: rule.replicas.max(learner.replicas),
        containers: rule
            .containers
            .iter()
            .map(|own| match learner.container(&own.name) {
                Some(other) => ContainerResources {
                    name: own.name.clone(),
                    requests: resources(own.requests, other.requests),
                    limits: resources(own.limits, other.limits),
                },
                None => own.clone(),
            })
            .collect(),
        autoscale: rule.autoscale,
    }
}
