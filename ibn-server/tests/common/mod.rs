//! A server over an engine in virtual time, a fake cluster whose signals move, and a scripted translator.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed helper fails its test"
)]

pub(crate) mod html;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use ibn_core::admission::Admission;
use ibn_core::catalog::Catalog;
use ibn_core::conflict::Registry;
use ibn_core::engine::{Engine, EngineConfig, Observe, State};
use ibn_core::guardrail::{Guardrail, GuardrailSpec, StepLimits};
use ibn_core::intent::{
    Amount, Bound, BudgetLimit, Constraints, Directive, Expectation, IndicatorName, Intent, Mode,
    Objective, Preference, Range,
};
use ibn_core::observation::Signal;
use ibn_core::roles::{Assessor, Translator};
use ibn_core::translation::{
    Clarification, IntentReading, QueryKind, QueryReading, Reader, Refusal, RefusalCode,
    Translation, Utterance,
};
use ibn_core::units::Quantile;
use ibn_core::workload::WorkloadRef;
use ibn_runtime::{MemoryStore, PacedDriver, RecommenderPool, Roles, VirtualDriver, World};
use ibn_server::{Board, DriverPace, ServerConfig, ServerState, app};
use ibn_testkit::cluster::FakeCluster;
use ibn_testkit::stage::{ComparingAssessor, FixedReplicas};
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;
use world::{Bandit, Foreseeing, Lively, Twin};

pub(crate) const CUSTOMERS: [&str; 3] = ["acme", "globex", "initech"];
pub(crate) const NAMES: [&str; 3] = ["checkout", "web", "worker"];

pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

pub(crate) fn deployment(namespace: &str, name: &str) -> WorkloadRef {
    WorkloadRef::deployment(namespace, name)
}

/// The customers' workloads, with signals.
pub(crate) fn cluster() -> FakeCluster {
    let mut cluster = FakeCluster::new();
    for namespace in CUSTOMERS {
        cluster = cluster.with_namespace(namespace);
        for name in NAMES {
            cluster = cluster.with_deployment(namespace, name, 3, "500m", "256Mi");
        }
    }
    for namespace in CUSTOMERS {
        for name in NAMES {
            let workload = deployment(namespace, name);
            cluster.set_signal(&workload, Signal::RequestRate, 50.0);
            cluster.set_signal(&workload, Signal::CpuUsage, 0.6);
            cluster.set_signal(&workload, Signal::MemoryUsage, 3.0e8);
            cluster.set_signal(&workload, Signal::ErrorRate, 0.001);
            cluster.set_signal(&workload, Signal::Latency(Quantile::P95), 0.3);
        }
    }
    cluster.set_now(start());
    cluster
}

/// The limits of the platform.
fn guardrails(cool_down: Option<Duration>) -> Vec<Guardrail> {
    let platform = GuardrailSpec {
        replicas: Range::new(Some(1), Some(20)),
        step: StepLimits {
            replicas_up: Some(6),
            replicas_down: Some(2),
            resource_factor: Some(2.0),
        },
        cool_down,
        ..GuardrailSpec::default()
    };
    let acme = GuardrailSpec {
        budget: BudgetLimit {
            cpu: "12".parse().ok(),
            memory: None,
        },
        ..GuardrailSpec::default()
    };
    vec![
        Guardrail::new("platform", "", platform),
        Guardrail::new("acme-budget", "acme", acme),
    ]
}

struct FakeWorld(FakeCluster);

impl World for FakeWorld {
    fn advance_to(&mut self, now: Timestamp) {
        self.0.set_now(now);
    }
}

/// Everything that a test may want to touch.
pub(crate) struct Served {
    pub(crate) app: Router,
    pub(crate) cluster: FakeCluster,
    pub(crate) board: Board,
    pub(crate) state: ServerState,
    _driver: PacedDriver,
}

impl Served {
    /// A server whose time goes at `speed`, over a cluster in which only a test moves anything.
    pub(crate) fn at_speed(speed: f64) -> Self {
        let cluster = cluster();
        let world = FakeWorld(cluster.clone());
        let pool = RecommenderPool::new(|_| Box::new(FixedReplicas(5)));
        let admission = Admission::without_twin();
        let wait = Duration::from_secs(60);
        Self::with(
            cluster,
            world,
            admission,
            Arc::new(ComparingAssessor),
            pool,
            speed,
            wait,
            &[],
        )
    }

    /// A server over a world that moves, some hours after its begin, with a few intents.
    pub(crate) fn lively(speed: f64, hours: u64) -> Self {
        let cluster = cluster();
        let world = Lively {
            cluster: cluster.clone(),
            ready: BTreeMap::new(),
        };
        let pool = RecommenderPool::new(|_| Box::new(Bandit::default()));
        let admission = Admission::new(Registry::standard(), Arc::new(Twin));
        let wait = Duration::from_secs(3600 * hours);
        let said = [
            "make acme checkout fast",
            "make globex checkout fast",
            "make globex web fast",
            "scale initech worker to 2",
        ];
        Self::with(
            cluster,
            world,
            admission,
            Arc::new(Foreseeing),
            pool,
            speed,
            wait,
            &said,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one part of the composition"
    )]
    fn with<W: World + 'static>(
        cluster: FakeCluster,
        world: W,
        admission: Admission,
        assessor: Arc<dyn Assessor>,
        recommenders: RecommenderPool,
        speed: f64,
        wait: Duration,
        said: &[&str],
    ) -> Self {
        let store = MemoryStore::new();
        let roles = Roles {
            orchestrator: Arc::new(cluster.clone()),
            monitor: Arc::new(cluster.clone()),
            assessor,
            intents: Arc::new(store.clone()),
            ledger: Arc::new(store),
            recommenders,
        };
        let config = EngineConfig {
            observe: Observe::All,
            ..EngineConfig::default()
        };
        let engine = Engine::new(config, admission);
        let mut driver = VirtualDriver::new(engine, State::new(start()), roles, world, start());
        let board = Board::new();
        driver.listen(board.clone());
        // Where only a test moves anything, it may undo at once.
        let cool_down = (!said.is_empty()).then_some(Duration::from_secs(120));
        driver.set_guardrails(guardrails(cool_down));
        let after = |wait| {
            let wait = jiff::SignedDuration::try_from(wait).unwrap();
            start().checked_add(wait).unwrap()
        };
        driver.run_until(after(Duration::from_secs(60)));
        let aliases = BTreeMap::from([(deployment("acme", "web"), vec!["the shop".to_owned()])]);
        let catalog = Catalog::from_inventory(driver.state().inventory(), &aliases, Vec::new());
        for text in said {
            if let Translation::Intent(reading) = Scripted::read(text, &catalog) {
                for mut intent in reading.intents {
                    intent.spec.text = Some((*text).to_owned());
                    driver.request(ibn_core::engine::Request::Submit(Box::new(intent)));
                }
            }
        }
        driver.run_until(after(wait));
        let driver = PacedDriver::start(driver, None, speed).unwrap();
        let handle = driver.handle();
        let config = ServerConfig {
            place: "simulated cluster".to_owned(),
            ..ServerConfig::default()
        };
        let state = ServerState::new(Arc::new(handle.clone()), Arc::new(Scripted), board.clone())
            .with_aliases(aliases)
            .with_config(config)
            .with_pace(Arc::new(DriverPace::new(handle, speed)));
        Self {
            app: app(state.clone()),
            cluster,
            board,
            state,
            _driver: driver,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(request("DELETE", path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string()).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: &str) -> Answer {
        let request = request("POST", path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send(request).await
    }

    /// Sends a form as a page of ours would.
    pub(crate) async fn form(&self, path: &str, body: &str) -> Answer {
        let request = request("POST", path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send(request).await
    }

    /// Asks again until it is so; what was answered last where it never is.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.get(path).await;
            if is_so(&answer) || tokio::time::Instant::now() > deadline {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:8080")
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {} {}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// Understands the sentences that the tests use.
pub(crate) struct Scripted;

impl Scripted {
    fn read(text: &str, catalog: &Catalog) -> Translation {
        let words = text.to_lowercase();
        let named = catalog
            .workloads
            .iter()
            .find(|it| words.contains(&it.name) && words.contains(&it.namespace));
        let refuse = |code, message: &str| {
            Translation::Refuse(Refusal {
                code,
                message: message.to_owned(),
            })
        };
        if words.contains("secret") {
            return refuse(
                RefusalCode::Unsafe,
                "secrets are no resource or service-level matter",
            );
        }
        let Some(named) = named else {
            let target = ["checkout", "web", "worker"]
                .iter()
                .find(|name| words.contains(**name));
            return match target {
                Some(name) => Translation::Clarify(Clarification {
                    question: format!("Which {name} is meant?"),
                    missing: vec!["target".to_owned()],
                    candidates: CUSTOMERS.map(|it| format!("{text} of {it}")).to_vec(),
                }),
                None => refuse(
                    RefusalCode::NotUnderstood,
                    &format!("`{text}` was not understood"),
                ),
            };
        };
        let workload = named.workload();
        let intent = |name: &str| Intent::new(&format!("{}-{name}", workload.name), &workload);
        let number = words
            .split(|c: char| !c.is_ascii_digit())
            .find_map(|digits| digits.parse::<u32>().ok());
        let mut notes = Vec::new();
        let made = if words.contains("suspend") {
            let mut intent = intent("mode");
            intent.spec.mode = Some(Mode::Suspended);
            intent
        } else if words.contains("how is") {
            return Translation::Query(QueryReading {
                about: QueryKind::Status,
                target: Some(workload),
                intents: Vec::new(),
            });
        } else if words.contains("fast") {
            let mut intent = intent("fast");
            let bound = IndicatorName::Latency.parse_value("200ms").unwrap();
            intent
                .spec
                .expectations
                .push(Expectation::Objective(Objective {
                    indicator: IndicatorName::Latency,
                    quantile: None,
                    bound: Bound::AtMost(bound),
                    window: None,
                }));
            intent.spec.preference = Some(Preference::Cost);
            intent.spec.constraints = Constraints {
                replicas: Range::new(None, Some(12)),
                ..Constraints::default()
            };
            notes.push("p95, since no quantile was said".to_owned());
            intent
        } else if words.contains("fewer") {
            let amount = Amount::Add(-i32::try_from(number.unwrap_or(1)).unwrap());
            intent("replicas").with_expectation(Expectation::Directive(Directive::Replicas(amount)))
        } else {
            let amount = Amount::To(number.unwrap_or(5));
            intent("replicas").with_expectation(Expectation::Directive(Directive::Replicas(amount)))
        };
        let reader = if words.contains("please") {
            Reader::Model
        } else {
            Reader::Grammar
        };
        Translation::Intent(IntentReading {
            intents: vec![made],
            notes,
            reader,
        })
    }
}

#[async_trait]
impl Translator for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        Ok(Self::read(&utterance.text, catalog))
    }
}
