//! Whose fields are whose: random sequences of what users, autoscalers and we do to one workload, with the real engine over the
//! real orchestrator, on the API server in memory and on a real cluster.
//!
//! After every step:
//!
//! 1. No foreign field was changed by us: the template, the labels and the autoscaler are what others made of them, the number of
//!    pods under a foreign autoscaler is what it ordered, and (where every write is on record) we wrote nothing else than pods ordered
//!    through `scale`, sizes of pods through `resize`, and our own annotations.
//! 2. A relative amount that was resolved stays what it was resolved to.
//! 3. Where somebody changes a field that we wrote for an intent, the intent is `Overridden`.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails its test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ibn_core::admission::Admission;
use ibn_core::allocation::{Field, FieldChange};
use ibn_core::decision::LedgerEvent;
use ibn_core::engine::{Engine, EngineConfig, Request};
use ibn_core::guard::{ApprovedPlan, Receipt};
use ibn_core::intent::{
    Amount, Directive, Expectation, Intent, IntentState, ResourceAmounts, ResourcesDirective,
    Setting,
};
use ibn_core::observation::{Observation, Signal};
use ibn_core::roles::{Monitor, Orchestrator};
use ibn_core::units::CpuMillis;
use ibn_core::workload::{FieldOwner, Inventory, WorkloadRef, WorkloadState};
use ibn_e2e::shop;
use ibn_k8s::{ClusterOrchestrator, Scope, Watches};
use ibn_testkit::apiserver::ApiServer;
use ibn_testkit::service::need;
use ibn_testkit::stage::{Stage, StageCluster};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Long enough for what is written to be seen.
const SOON: Duration = Duration::from_secs(20);

/// Two control periods and what follows them.
const TURNS: Duration = Duration::from_secs(45);

/// One thing that somebody does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// A user scales.
    Scale(u32),
    /// A user edits the CPU request in the template, in millicores.
    Template(u64),
    /// A user labels the workload.
    Label(u32),
    /// A user makes an autoscaler.
    Autoscaler,
    /// The autoscaler scales.
    Autoscale(u32),
    /// A user removes the autoscaler.
    NoAutoscaler,
    /// An intent orders so many pods.
    Pods(u32),
    /// An intent orders pods more, or fewer.
    MorePods(i32),
    /// An intent orders a CPU request.
    Cpu(u64),
    /// An intent orders twice the CPU request.
    TwiceCpu,
    /// What was applied last is undone.
    Undo,
    /// Another of us takes over.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_u32..6).prop_map(Step::Scale),
        2 => (10_u64..40).prop_map(Step::Template),
        1 => (0_u32..3).prop_map(Step::Label),
        1 => Just(Step::Autoscaler),
        2 => (1_u32..6).prop_map(Step::Autoscale),
        1 => Just(Step::NoAutoscaler),
        3 => (1_u32..6).prop_map(Step::Pods),
        2 => (-1_i32..3).prop_map(Step::MorePods),
        3 => (10_u64..40).prop_map(Step::Cpu),
        1 => Just(Step::TwiceCpu),
        1 => Just(Step::Undo),
        1 => Just(Step::Restart),
    ]
}

/// The orchestrator under test on a runtime of its own, which moves only while it is asked: time is that of the stage.
struct Driven {
    runtime: Arc<Runtime>,
    orchestrator: ClusterOrchestrator,
    now: Mutex<Timestamp>,
}

#[async_trait]
impl Orchestrator for Driven {
    async fn inventory(&self) -> ibn_core::Result<Inventory> {
        // Who leads keeps what was applied all the time.
        let kept = self.runtime.block_on(self.orchestrator.keep_once())?;
        assert_eq!(kept.failed, []);
        self.runtime.block_on(self.orchestrator.inventory())
    }

    async fn preview(&self, plan: &ApprovedPlan) -> ibn_core::Result<Vec<FieldChange>> {
        self.runtime.block_on(self.orchestrator.preview(plan))
    }

    async fn apply(&self, plan: ApprovedPlan) -> ibn_core::Result<Receipt> {
        self.runtime.block_on(self.orchestrator.apply(plan))
    }
}

/// A little load at any time, so that nothing is held back for want of signals.
#[async_trait]
impl Monitor for Driven {
    async fn observe(
        &self,
        workloads: &[WorkloadRef],
        window: Duration,
    ) -> ibn_core::Result<Vec<Observation>> {
        let now = *self.now.lock().unwrap();
        let observe = |of: &WorkloadRef| {
            let mut seen = Observation::new(of.clone(), now, window);
            seen.set(Signal::RequestRate, 1.0, now);
            seen
        };
        Ok(workloads.iter().map(observe).collect())
    }
}

impl StageCluster for Driven {
    fn set_now(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }
}

/// What others made of the workload.
#[derive(Debug, Clone, PartialEq)]
struct Theirs {
    spec: Value,
    labels: Value,
    scaler: Option<Value>,
}

/// One sequence.
struct Play {
    runtime: Arc<Runtime>,
    client: kube::Client,
    /// Where every write is on record.
    server: Option<ApiServer>,
    space: String,
    stage: Stage<Driven>,
    intents: u32,
    resolved: BTreeMap<String, Vec<Option<Setting>>>,
    audited: usize,
    overridden: u32,
}

impl Play {
    fn begin(
        runtime: &Arc<Runtime>,
        client: &kube::Client,
        server: Option<ApiServer>,
        space: &str,
    ) -> Self {
        let orchestrator = runtime.block_on(async {
            shop::create(client, space, &manifest()).await.unwrap();
            orchestrator(client, space).await
        });
        let driven = Driven {
            runtime: Arc::clone(runtime),
            orchestrator,
            now: Mutex::default(),
        };
        let engine = Engine::new(EngineConfig::default(), Admission::without_twin());
        let mut play = Self {
            runtime: Arc::clone(runtime),
            client: client.clone(),
            server,
            space: space.to_owned(),
            stage: Stage::with_engine(driven, engine),
            intents: 0,
            resolved: BTreeMap::new(),
            audited: 0,
            overridden: 0,
        };
        play.audit(true);
        play
    }

    fn web(&self) -> WorkloadRef {
        WorkloadRef::deployment(&self.space, "web")
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.space)
    }

    fn scalers(&self) -> Api<HorizontalPodAutoscaler> {
        Api::namespaced(self.client.clone(), &self.space)
    }

    fn live(&self) -> WorkloadState {
        let cluster = &self.stage.cluster;
        let seen = self
            .runtime
            .block_on(cluster.orchestrator.inventory())
            .unwrap();
        seen.workloads[&self.web()].clone()
    }

    /// The object and the autoscaler, as they are for others.
    fn theirs(&self) -> Theirs {
        self.runtime.block_on(async {
            let of = self.deployments().get("web").await.unwrap();
            let scaler = self.scalers().get_opt("theirs").await.unwrap();
            Theirs {
                spec: json!(of.spec),
                labels: json!(of.metadata.labels),
                scaler: scaler.map(|it| json!(it.spec)),
            }
        })
    }

    /// Waits until the orchestrator sees what somebody did.
    fn wait(&self, what: Step, is_seen: impl Fn(&WorkloadState) -> bool) {
        let end = std::time::Instant::now() + SOON;
        let mut rounds = 0;
        while !is_seen(&self.live()) {
            assert!(std::time::Instant::now() < end, "{what:?} is seen");
            rounds += 1;
            self.runtime.block_on(async {
                if rounds > 50 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            });
        }
    }

    fn patch(&self, manager: &str, body: Value, subresource: &str) {
        let params = by(manager);
        let api = self.deployments();
        self.runtime.block_on(async {
            let body = Patch::Strategic(body);
            match subresource {
                "scale" => {
                    let Patch::Strategic(body) = body else { return };
                    let body = Patch::Merge(body);
                    api.patch_scale("web", &params, &body).await.unwrap();
                }
                _ => {
                    api.patch("web", &params, &body).await.unwrap();
                }
            }
        });
    }

    /// The intents that are fulfilled and order this field.
    fn holders(&self, field: &Field) -> Vec<String> {
        let is_of = |intent: &Intent| {
            intent.spec.expectations.iter().any(|it| {
                matches!(
                    (it, field),
                    (
                        Expectation::Directive(Directive::Replicas(_)),
                        Field::Replicas
                    ) | (
                        Expectation::Directive(Directive::Resources(_)),
                        Field::Resource { .. }
                    )
                )
            })
        };
        (0..self.intents)
            .filter_map(|idx| self.stage.intent(&self.space, &format!("i{idx}")))
            .filter(|it| is_of(it) && state_of(it) == Some(IntentState::Fulfilled))
            .map(|it| it.metadata.name.clone())
            .collect()
    }

    /// Does one thing, lets it work, and looks at what became of it.
    fn play(&mut self, step: Step) {
        let before = self.theirs();
        let mut expected = before.clone();
        let cpu: Field = "app.requests.cpu".parse().unwrap();
        let state = self.live();
        let has_scaler = before.scaler.is_some();
        let mut edited: Option<Field> = None;
        let mut holders = Vec::new();
        let mut is_settled_replicas = false;
        match step {
            Step::Scale(replicas) => {
                if replicas != state.allocation.replicas {
                    edited = Some(Field::Replicas);
                    holders = self.holders(&Field::Replicas);
                }
                self.patch("customer", json!({"spec": {"replicas": replicas}}), "scale");
                self.wait(step, |it| it.allocation.replicas == replicas);
                expected.spec["replicas"] = json!(replicas);
                is_settled_replicas = has_scaler;
            }
            Step::Autoscale(replicas) => {
                if !has_scaler {
                    return;
                }
                if replicas != state.allocation.replicas {
                    edited = Some(Field::Replicas);
                    holders = self.holders(&Field::Replicas);
                }
                let body = json!({"spec": {"replicas": replicas}});
                self.patch("kube-controller-manager", body, "scale");
                self.wait(step, |it| it.allocation.replicas == replicas);
                expected.spec["replicas"] = json!(replicas);
                is_settled_replicas = true;
            }
            Step::Template(millis) => {
                let text = format!("{millis}m");
                let path = "/template/spec/containers/0/resources/requests/cpu";
                if *before.spec.pointer(path).unwrap() == json!(text) {
                    return;
                }
                let live = state.allocation.containers[0].requests.cpu;
                if live != Some(CpuMillis::new(millis)) {
                    edited = Some(cpu.clone());
                    holders = self.holders(&cpu);
                }
                let container = json!({"name": "app", "resources": {"requests": {"cpu": text}}});
                let body = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
                self.patch("customer", body, "");
                let wanted = Some(CpuMillis::new(millis));
                self.wait(step, |it| {
                    it.allocation.containers[0].requests.cpu == wanted
                });
                *expected.spec.pointer_mut(path).unwrap() = json!(text);
            }
            Step::Label(number) => {
                let label = number.to_string();
                self.patch(
                    "customer",
                    json!({"metadata": {"labels": {"n": label}}}),
                    "",
                );
                self.wait(step, |it| it.labels.get("n") == Some(&label));
                expected.labels["n"] = json!(label);
            }
            Step::Autoscaler => {
                if has_scaler {
                    return;
                }
                let scaler = self.runtime.block_on(async {
                    let params = PostParams {
                        field_manager: Some("customer".to_owned()),
                        ..PostParams::default()
                    };
                    self.scalers().create(&params, &scaler()).await.unwrap()
                });
                self.wait(step, is_foreign);
                expected.scaler = Some(json!(scaler.spec));
                is_settled_replicas = true;
            }
            Step::NoAutoscaler => {
                if !has_scaler {
                    return;
                }
                let params = DeleteParams::default();
                self.runtime
                    .block_on(self.scalers().delete("theirs", &params))
                    .unwrap();
                self.wait(step, |it| !is_foreign(it));
                expected.scaler = None;
            }
            Step::Pods(_) | Step::MorePods(_) | Step::Cpu(_) | Step::TwiceCpu => {
                let intent = self.intent(step);
                let _ = self.stage.submit(intent);
                is_settled_replicas = has_scaler;
            }
            Step::Undo => {
                let applied = self
                    .stage
                    .ledger
                    .iter()
                    .rev()
                    .find_map(|it| match &it.event {
                        LedgerEvent::Applied(receipt) => Some(receipt.clone()),
                        _ => None,
                    });
                let Some(receipt) = applied else { return };
                let cause = "a person asked for it".to_owned();
                let _ = self.stage.ask(Request::Undo { receipt, cause });
                is_settled_replicas = has_scaler;
            }
            Step::Restart => {
                let fresh = self
                    .runtime
                    .block_on(orchestrator(&self.client, &self.space));
                self.stage.cluster.orchestrator = fresh;
            }
        }
        self.stage.run(TURNS);
        let now = self.theirs();
        if !(is_settled_replicas || has_scaler && now.scaler.is_some()) {
            // The number of pods may be ours to move.
            expected.spec["replicas"] = now.spec["replicas"].clone();
        }
        assert_eq!(now, expected, "{step:?}: what is theirs is as they made it");
        self.check_resolved(step);
        // An order that was fulfilled already when it came wrote nothing that could be changed.
        let written = |field: &Field| state.owners.get(field) == Some(&FieldOwner::Ibn);
        if let (Some(field), false) = (edited.filter(written), holders.is_empty()) {
            self.check_overridden(step, &field, &holders);
        }
        self.audit(!has_scaler || now.scaler.is_none());
    }

    fn intent(&mut self, step: Step) -> Intent {
        let cpu = |amount| {
            Directive::Resources(ResourcesDirective {
                requests: ResourceAmounts {
                    cpu: Some(amount),
                    memory: None,
                },
                ..ResourcesDirective::default()
            })
        };
        let directive = match step {
            Step::Pods(pods) => Directive::Replicas(Amount::To(pods)),
            Step::MorePods(more) => Directive::Replicas(Amount::Add(more)),
            Step::Cpu(millis) => cpu(Amount::To(CpuMillis::new(millis))),
            _ => cpu(Amount::Scale(2.0)),
        };
        let name = format!("i{}", self.intents);
        self.intents += 1;
        Intent::new(&name, &self.web()).with_expectation(Expectation::Directive(directive))
    }

    fn check_resolved(&mut self, step: Step) {
        for idx in 0..self.intents {
            let name = format!("i{idx}");
            let Some(status) = self
                .stage
                .intent(&self.space, &name)
                .and_then(|it| it.status.clone())
            else {
                continue;
            };
            let resolved: Vec<_> = status
                .expectations
                .iter()
                .map(|it| it.resolved.clone())
                .collect();
            if resolved.iter().all(Option::is_none) {
                continue;
            }
            let first = self
                .resolved
                .entry(name.clone())
                .or_insert_with(|| resolved.clone());
            assert_eq!(*first, resolved, "{step:?}: {name} is resolved once");
        }
    }

    fn check_overridden(&mut self, step: Step, field: &Field, holders: &[String]) {
        let states: Vec<_> = holders
            .iter()
            .map(|name| {
                let intent = self.stage.intent(&self.space, name);
                (name, intent.as_deref().and_then(state_of))
            })
            .collect();
        let paused = states
            .iter()
            .filter(|(_, state)| *state == Some(IntentState::Overridden))
            .count();
        assert!(
            paused > 0,
            "{step:?}: who held {field} is paused: {states:?}"
        );
        self.overridden += 1;
    }

    /// Everything that we wrote since.
    fn audit(&mut self, may_scale: bool) {
        let Some(server) = &self.server else { return };
        let writes = server.writes();
        for write in writes
            .iter()
            .skip(self.audited)
            .filter(|it| it.manager == "ibn")
        {
            let all = |fits: &dyn Fn(&str) -> bool| write.changed.iter().all(|it| fits(it));
            let is_ours = match (write.plural.as_str(), write.subresource.as_str()) {
                ("deployments", "scale") => may_scale && all(&|it| it == "spec.replicas"),
                ("deployments", "") => all(&|it| it.starts_with("metadata.annotations.ibn.dev/")),
                ("pods", "resize") => all(&|it| {
                    it.starts_with("spec.containers.k:{\"name\":\"app\"}.resources.requests.cpu")
                }),
                _ => false,
            };
            assert!(is_ours, "{write:?}");
        }
        self.audited = writes.len();
    }
}

fn manifest() -> Value {
    let mut manifest = shop::deployment("web", 2);
    // Nobody counts whether they are ready.
    let container = manifest.pointer_mut("/spec/template/spec/containers/0");
    container
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("readinessProbe");
    manifest
}

fn scaler() -> HorizontalPodAutoscaler {
    serde_json::from_value(json!({
        "metadata": {"name": "theirs"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 10,
            // Nobody measures it, so that what moves is only what a sequence says.
            "metrics": [{"type": "Pods", "pods": {
                "metric": {"name": "no-such-metric"},
                "target": {"type": "AverageValue", "averageValue": "1"},
            }}],
        },
    }))
    .unwrap()
}

async fn orchestrator(client: &kube::Client, space: &str) -> ClusterOrchestrator {
    let watches = Watches::start(client.clone(), Scope::namespace(space));
    watches.synced(SOON).await.unwrap();
    ClusterOrchestrator::new(Arc::new(watches))
}

fn by(manager: &str) -> PatchParams {
    PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    }
}

fn is_foreign(state: &WorkloadState) -> bool {
    let owner = state.owners.get(&Field::Replicas);
    matches!(owner, Some(FieldOwner::HorizontalPodAutoscaler(_)))
}

fn state_of(intent: &Intent) -> Option<IntentState> {
    intent.status.as_ref().map(|it| it.state)
}

/// Draws sequences, the same each time.
fn sequences(count: usize) -> Vec<Vec<Step>> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = proptest::collection::vec(step(), 3..8);
    let mut draw = || strategy.new_tree(&mut runner).unwrap().current();
    (0..count).map(|_| draw()).collect()
}

fn runtime() -> Arc<Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Arc::new(builder.enable_all().build().unwrap())
}

/// Plays a sequence in memory; how often intents were paused, and plans applied.
fn play_in_memory(steps: &[Step]) -> (u32, usize) {
    println!("{steps:?}");
    let runtime = runtime();
    let server = ApiServer::new().with_life(2000);
    let client = {
        let _inside = runtime.enter();
        kube::Client::new(server.clone(), "default")
    };
    let mut play = Play::begin(&runtime, &client, Some(server), "default");
    for step in steps {
        play.play(*step);
    }
    let ledger = play.stage.ledger.iter();
    let applied = ledger.filter(|it| matches!(it.event, LedgerEvent::Applied(_)));
    (play.overridden, applied.count())
}

#[test]
fn in_a_thousand_sequences_nothing_of_others_is_touched() {
    let all = sequences(1000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = std::thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(threads));
        let played: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().map(|it| play_in_memory(it)).collect()))
            .collect();
        let played = played.into_iter().map(|it| it.join().unwrap());
        played.collect::<Vec<Vec<(u32, usize)>>>().concat()
    });
    let overridden: u32 = counts.iter().map(|(overridden, _)| overridden).sum();
    let applied: usize = counts.iter().map(|(_, applied)| applied).sum();
    // The sequences are such that all of it happens, and often.
    assert!(overridden > 100, "{overridden}");
    assert!(applied > 1000, "{applied}");
    println!("{overridden} times paused, {applied} plans applied");
}

#[test]
fn in_fifty_sequences_on_a_real_cluster_nothing_of_others_is_touched() {
    let runtime = runtime();
    let found = runtime.block_on(ibn_e2e::cluster());
    let Some(client) = need("cluster", found) else {
        return;
    };
    let mut overridden = 0;
    for steps in sequences(50) {
        println!("{steps:?}");
        let space = ibn_e2e::new_namespace(&client, "ownership");
        let space = runtime.block_on(space);
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut play = Play::begin(&runtime, &client, None, &space);
            for step in &steps {
                play.play(*step);
            }
            play.overridden
        }));
        runtime.block_on(ibn_e2e::delete_namespace(&client, &space));
        match played {
            Ok(count) => overridden += count,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }
    assert!(overridden > 0, "{overridden}");
    println!("{overridden} times paused");
}
