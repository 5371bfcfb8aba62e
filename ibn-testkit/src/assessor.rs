//! Conformance of an `Assessor`, and a builder of what it is told.

use std::sync::Arc;
use std::time::Duration;

use ibn_core::allocation::{Allocation, ContainerResources};
use ibn_core::assessment::{Assessment, AssessmentInput, AssuranceAction, LastApply};
use ibn_core::decision::DecisionId;
use ibn_core::guard::Desired;
use ibn_core::intent::{Expectation, Intent, IntentState, IntentStatus, Objective, OriginKind};
use ibn_core::observation::{Observation, Signal, SignalHealth};
use ibn_core::roles::Assessor;
use ibn_core::units::{Bytes, CpuMillis, Quantile};
use ibn_core::workload::{WorkloadRef, WorkloadState};
use jiff::{Timestamp, ToSpan};

/// The time at which stories end.
pub const NOW: &str = "2026-01-01T12:00:00Z";

/// A past that an assessor is told: a Deployment `acme/web` of three pods with half a core each, an intent `web-fast`
/// that wants its p95 at most 200 ms over 5 minutes, and one observation every 15 s that covers 15 s.
///
/// ```
/// use ibn_testkit::assessor::Story;
///
/// let input = Story::new().steps(20, |idx, step| {
///     step.rate(50.0).latency(0.1).cpu(0.6 + 0.01 * idx as f64);
/// }).input();
/// assert_eq!(input.history.len(), 20);
/// ```
#[derive(Debug, Clone)]
pub struct Story {
    allocation: Allocation,
    ready: u32,
    intents: Vec<Intent>,
    steps: Vec<Step>,
    period: Duration,
    applied: Option<(usize, Allocation)>,
}

/// What one observation of a story holds.
#[derive(Debug, Clone, Default)]
pub struct Step {
    values: Vec<(Signal, f64)>,
    age: Duration,
}

impl Step {
    /// A signal's value.
    pub fn set(&mut self, signal: Signal, value: f64) -> &mut Self {
        self.values.push((signal, value));
        self
    }

    /// Requests per second.
    pub fn rate(&mut self, rate: f64) -> &mut Self {
        self.set(Signal::RequestRate, rate)
    }

    /// The 95th percentile of the latency, seconds.
    pub fn latency(&mut self, seconds: f64) -> &mut Self {
        self.set(Signal::Latency(Quantile::P95), seconds)
    }

    /// CPU used by all pods, cores.
    pub fn cpu(&mut self, cores: f64) -> &mut Self {
        self.set(Signal::CpuUsage, cores)
    }

    /// How old the readings are.
    pub fn age(&mut self, age: Duration) -> &mut Self {
        self.age = age;
        self
    }
}

impl Default for Story {
    fn default() -> Self {
        Self::new()
    }
}

impl Story {
    /// A story in which nothing was observed yet.
    #[must_use]
    pub fn new() -> Self {
        let app = ContainerResources::new("app")
            .with_requests(CpuMillis::new(500), Bytes::new(256 << 20))
            .with_limits(CpuMillis::new(500), Bytes::new(256 << 20));
        Self {
            allocation: Allocation::new(3, vec![app]),
            ready: 3,
            intents: vec![intent(
                "web-fast",
                r#"{"indicator": "latency", "quantile": 0.95, "atMost": "200ms"}"#,
            )],
            steps: Vec::new(),
            period: Duration::from_secs(15),
            applied: None,
        }
    }

    /// The same with these intents.
    #[must_use]
    pub fn intents(mut self, intents: impl IntoIterator<Item = Intent>) -> Self {
        self.intents = intents.into_iter().collect();
        self
    }

    /// The same with one more intent.
    #[must_use]
    pub fn and_intent(mut self, intent: Intent) -> Self {
        self.intents.push(intent);
        self
    }

    /// The same with this many pods, all ready.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.allocation.replicas = replicas;
        self.ready = replicas;
        self
    }

    /// The same with only so many pods ready.
    #[must_use]
    pub fn ready(mut self, ready: u32) -> Self {
        self.ready = ready;
        self
    }

    /// The same with this allocation.
    #[must_use]
    pub fn allocation(mut self, allocation: Allocation) -> Self {
        self.ready = allocation.replicas;
        self.allocation = allocation;
        self
    }

    /// The same with this time between observations.
    #[must_use]
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// `n` more observations; `fill` is called with 0, 1, … and the observation to fill.
    #[must_use]
    pub fn steps(mut self, n: usize, fill: impl Fn(usize, &mut Step)) -> Self {
        for idx in 0..n {
            let mut step = Step::default();
            fill(idx, &mut step);
            self.steps.push(step);
        }
        self
    }

    /// Right after what was observed so far, decision `d7` was applied: before it, `allocation` was live.
    #[must_use]
    pub fn applied_from(mut self, allocation: Allocation) -> Self {
        self.applied = Some((self.steps.len(), allocation));
        self
    }

    /// What the assessor is told; the last observation is of now.
    #[must_use]
    pub fn input(&self) -> AssessmentInput {
        let now = now();
        let workload = web();
        let at = |idx: usize| {
            let back = self.period * (self.steps.len().saturating_sub(idx + 1)) as u32;
            now - back
        };
        let history: Vec<Arc<Observation>> = self
            .steps
            .iter()
            .enumerate()
            .map(|(idx, step)| {
                let mut seen = Observation::new(workload.clone(), at(idx), self.period);
                for (signal, value) in &step.values {
                    seen.set(signal.clone(), *value, at(idx) - step.age);
                }
                Arc::new(seen)
            })
            .collect();
        let last_apply = self.applied.as_ref().map(|(steps, before)| LastApply {
            decision: DecisionId(7),
            at: steps.checked_sub(1).map_or_else(|| at(0) - 1.second(), &at),
            before: Desired::Allocation(before.clone()),
            after: Desired::Allocation(self.allocation.clone()),
            observation: steps
                .checked_sub(1)
                .and_then(|idx| history.get(idx).cloned()),
        });
        AssessmentInput {
            now,
            state: WorkloadState {
                workload,
                resource_version: "1".to_owned(),
                labels: Default::default(),
                allocation: self.allocation.clone(),
                quota: None,
                ready_replicas: self.ready,
                owners: Default::default(),
            },
            history,
            intents: self.intents.iter().cloned().map(Arc::new).collect(),
            last_apply,
            max_signal_age: Duration::from_secs(60),
        }
    }
}

/// The instant at which stories end.
#[must_use]
pub fn now() -> Timestamp {
    NOW.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The workload of stories.
#[must_use]
pub fn web() -> WorkloadRef {
    WorkloadRef::deployment("acme", "web")
}

/// A live intent on the workload of stories with one objective, as JSON.
///
/// # Panics
/// Where the JSON is no objective.
#[must_use]
pub fn intent(name: &str, objective: &str) -> Intent {
    let objective: Objective = match serde_json::from_str(objective) {
        Ok(objective) => objective,
        Err(error) => unusable(objective, &error),
    };
    let mut intent = Intent::new(name, &web()).with_expectation(Expectation::Objective(objective));
    intent.metadata.uid = Some(format!("uid-of-{name}"));
    intent.status = Some(IntentStatus {
        state: IntentState::Accepted,
        ..IntentStatus::default()
    });
    intent
}

#[expect(clippy::panic, reason = "a test with an unusable objective is to fail")]
fn unusable(objective: &str, error: &serde_json::Error) -> ! {
    panic!("`{objective}` is no objective: {error}")
}

/// A calm hour: well within the bound, with room.
#[must_use]
pub fn calm() -> Story {
    Story::new().steps(240, |idx, step| {
        let wave = 1.0 + 0.02 * (idx % 5) as f64;
        step.rate(40.0 * wave).latency(0.1 * wave).cpu(0.4 * wave);
    })
}

/// A calm hour, then ten minutes in which demand is three times as high and the pods are full.
#[must_use]
pub fn surge() -> Story {
    calm().steps(40, |_, step| {
        step.rate(120.0)
            .latency(0.8)
            .cpu(1.48)
            .set(Signal::CpuThrottled, 0.6);
    })
}

/// What every assessor that assures must hold, whatever its rule.
///
/// # Panics
/// Where `assessor` doesn't.
pub fn check(assessor: &dyn Assessor) {
    check_honest(assessor);
    bad_signals_move_nothing(assessor);
    what_is_met_is_left_alone(assessor);
    a_floor_is_raised_once(assessor);
}

/// What also an assessor must hold that raises no floor and corrects nothing: the same twice, and nothing made up.
///
/// # Panics
/// Where `assessor` doesn't.
pub fn check_honest(assessor: &dyn Assessor) {
    assert!(!assessor.name().is_empty(), "has a name");
    for story in [Story::new(), calm(), surge()] {
        let input = story.input();
        let told = assessor.assess(&input);
        assert_eq!(
            told,
            assessor.assess(&input),
            "the same input, the same assessment"
        );
        check_shape(&input, &told);
    }
    nothing_is_made_up(assessor);
    missing_data_never_undoes(assessor);
}

/// What holds of every assessment.
///
/// # Panics
/// Where it doesn't.
pub fn check_shape(input: &AssessmentInput, told: &Assessment) {
    let intents: Vec<_> = input.intents.iter().map(|intent| intent.key()).collect();
    let answered: Vec<_> = told.intents.iter().map(|it| it.intent.clone()).collect();
    assert_eq!(answered, intents, "one entry for each intent, in order");
    for (intent, answer) in input.intents.iter().zip(&told.intents) {
        let asked: Vec<usize> = intent.spec.objectives().map(|(idx, _)| idx).collect();
        let answered: Vec<usize> = answer.objectives.iter().map(|it| it.expectation).collect();
        assert_eq!(
            answered,
            asked,
            "one entry for each objective of {}",
            intent.key()
        );
        for objective in &answer.objectives {
            if let Some(burn) = objective.burn_rate {
                assert!(burn.short.is_finite() && burn.short >= 0.0, "{burn:?}");
                assert!(burn.long.is_finite() && burn.long >= 0.0, "{burn:?}");
            }
        }
    }
    let raised: Vec<_> = told.actions.iter().filter_map(corrective).collect();
    assert!(raised.len() <= 1, "one floor at a time");
    for intent in raised {
        check_corrective(input, intent);
    }
    for action in &told.actions {
        match action {
            AssuranceAction::Undo { decision, cause } => {
                let last = input.last_apply.as_ref().map(|apply| apply.decision);
                assert_eq!(Some(*decision), last, "only the last apply is undone");
                assert!(!cause.is_empty(), "an undo has a cause");
            }
            AssuranceAction::DemoteLearner { cause } => {
                assert!(!cause.is_empty(), "a demotion has a cause");
            }
            AssuranceAction::Corrective(_) => {}
        }
    }
}

/// A corrective intent is an ordinary one: a floor with an end, an origin, and no value that is written.
fn check_corrective(input: &AssessmentInput, intent: &Intent) {
    assert_eq!(
        intent.workload(),
        input.state.workload,
        "on the same workload"
    );
    assert!(intent.spec.expectations.is_empty(), "it writes no value");
    let min = intent.spec.constraints.replicas.min;
    assert!(
        min.is_some_and(|min| min > input.state.allocation.replicas),
        "a floor above what is live: {min:?}"
    );
    assert_eq!(
        intent.spec.constraints.replicas.max, None,
        "it bounds nothing from above"
    );
    let until = intent.spec.validity.and_then(|validity| validity.until);
    assert!(
        until.is_some_and(|until| until > input.now),
        "it ends: {until:?}"
    );
    let origin = intent.spec.origin.as_ref();
    assert_eq!(origin.map(|origin| origin.by), Some(OriginKind::Assurance));
    let parent = origin.and_then(|origin| origin.parent.clone());
    let known = input
        .intents
        .iter()
        .any(|it| it.metadata.uid == parent || Some(&it.metadata.name) == parent.as_ref());
    assert!(known, "its parent is an intent on the workload: {parent:?}");
    assert!(
        origin
            .and_then(|origin| origin.cause.as_ref())
            .is_some_and(|cause| !cause.is_empty())
    );
    let name = &intent.metadata.name;
    let fits = name.len() <= 63
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
    assert!(fits, "`{name}` is a name for Kubernetes");
    let text = serde_json::to_string(intent).unwrap_or_default();
    assert_eq!(
        serde_json::from_str::<Intent>(&text).ok().as_ref(),
        Some(intent),
        "reads back unchanged"
    );
}

fn corrective(action: &AssuranceAction) -> Option<&Intent> {
    match action {
        AssuranceAction::Corrective(intent) => Some(intent),
        _ => None,
    }
}

fn nothing_is_made_up(assessor: &dyn Assessor) {
    let told = assessor.assess(&Story::new().input());
    assert_eq!(
        told.health,
        SignalHealth::Missing,
        "no observation: missing"
    );
    assert_eq!(
        (told.floor, told.model, told.forecast),
        (None, None, None),
        "nothing was measured"
    );
    assert_eq!(told.actions, [], "nothing follows from nothing");
    for objective in told.intents.iter().flat_map(|it| &it.objectives) {
        assert_eq!(
            (objective.achieved, objective.met),
            (None, None),
            "nothing was measured"
        );
    }
}

fn bad_signals_move_nothing(assessor: &dyn Assessor) {
    let stale = surge().steps(1, |_, step| {
        step.rate(120.0)
            .latency(0.8)
            .cpu(1.48)
            .age(Duration::from_secs(300));
    });
    let invalid = surge().steps(1, |_, step| {
        step.rate(120.0).latency(f64::NAN).cpu(1.48);
    });
    let missing = surge().steps(1, |_, _| {});
    for (story, expected) in [
        (stale, SignalHealth::Stale),
        (invalid, SignalHealth::Invalid),
        (missing, SignalHealth::Missing),
    ] {
        let told = assessor.assess(&story.input());
        assert_eq!(told.health, expected);
        assert_eq!(
            told.actions,
            [],
            "nothing follows from signals that are {expected}"
        );
        let unknown = told
            .intents
            .iter()
            .flat_map(|it| &it.objectives)
            .all(|it| it.met.is_none());
        assert!(
            unknown,
            "with signals that are {expected}, nobody knows whether it is met"
        );
    }
}

fn what_is_met_is_left_alone(assessor: &dyn Assessor) {
    let told = assessor.assess(&calm().input());
    assert_eq!(told.health, SignalHealth::Fresh);
    let met: Vec<_> = told
        .intents
        .iter()
        .flat_map(|it| &it.objectives)
        .map(|it| it.met)
        .collect();
    assert_eq!(met, [Some(true)]);
    assert_eq!(told.actions, [], "nothing to do");
    let floor = told.floor.map(|floor| floor.total_cpu);
    assert!(
        floor.is_some_and(|cpu| cpu >= CpuMillis::new(432)),
        "what was used at most is needed: {floor:?}"
    );
}

fn a_floor_is_raised_once(assessor: &dyn Assessor) {
    let told = assessor.assess(&surge().input());
    let raised: Vec<_> = told
        .actions
        .iter()
        .filter_map(corrective)
        .cloned()
        .collect();
    assert_eq!(
        raised.len(),
        1,
        "full pods and a broken bound raise a floor: {:?}",
        told.findings
    );
    let mut story = surge();
    story.intents.extend(raised);
    let told = assessor.assess(&story.input());
    assert!(
        told.actions
            .iter()
            .all(|action| corrective(action).is_none()),
        "one stands"
    );
}

fn missing_data_never_undoes(assessor: &dyn Assessor) {
    let before = Story::new().allocation.with_replicas(6);
    let blind = calm().applied_from(before).steps(80, |_, _| {});
    let told = assessor.assess(&blind.input());
    assert_eq!(told.actions, [], "nothing follows from missing data");
}
