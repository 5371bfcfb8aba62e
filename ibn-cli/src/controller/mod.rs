//! `ibn controller`: the engine of the demo on a real cluster.

mod door;
mod follow;
mod story;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use ibn_assurance::prometheus::{PrometheusMonitor, Templates};
use ibn_assurance::{BurnRateAssessor, ForecastAwareAssessor, Merged};
use ibn_core::admission::Admission;
use ibn_core::conflict::Registry;
use ibn_core::engine::{Effect, Engine, EngineConfig, State};
use ibn_core::guardrail::Rollout;
use ibn_core::indicator::Indicator;
use ibn_core::intent::Intent;
use ibn_core::roles::{Clock, IntentStore, Ledger, LedgerQuery, Monitor, Predictor};
use ibn_core::units::parse_duration;
use ibn_core::workload::WorkloadRef;
use ibn_k8s::controller::{Clients, Election, Events, Index, Seen, Told, Wanted, connect, feed};
use ibn_k8s::{
    ClusterIntentStore, ClusterLedger, ClusterMonitor, ClusterOrchestrator, Scope, Watches,
};
use ibn_runtime::{
    Control, Happening, LiveDriver, LiveHandle, RecommenderPool, Roles, SystemClock, Update,
};
use ibn_server::{Board, ServerConfig, ServerState};
use ibn_sim::Twin;
use tokio::sync::{broadcast, mpsc, watch};

use crate::args::ControllerArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::recommenders;
use crate::settings::Settings;
use door::Door;
use follow::Follower;
use story::Story;

/// How long it is waited for the first list of everything.
const SYNC: Duration = Duration::from_secs(60);

/// How long what is under way may take to end.
const DRAIN: Duration = Duration::from_secs(20);

pub(crate) fn run(args: &ControllerArgs, settings: &Settings) -> Outcome {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "info,kube=warn".into()),
        )
        .with_writer(std::io::stderr)
        .try_init()
        // Whoever set another one up before gets what is logged.
        .unwrap_or_default();
    let parts = Parts::new(args, settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let outcome = runtime.block_on(parts.run());
    // A thread may still compute for somebody who has gone.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::because(Exit::Failed, "the controller can't be started", error)
}

/// What is settled before anything is asked of the cluster.
struct Parts {
    args: ControllerArgs,
    namespace: Option<String>,
    identity: String,
    engine: EngineConfig,
    recommender: ibn_drl::Spec,
    translator: Arc<dyn ibn_core::roles::Translator>,
    twin: Arc<dyn Predictor>,
}

impl Parts {
    fn new(args: &ControllerArgs, settings: &Settings) -> Result<Self, Failure> {
        let control_period = parse_duration(&args.control_period)
            .ok()
            .filter(|period| !period.is_zero())
            .ok_or_else(|| {
                let message = format!("`{}` is no control period", args.control_period);
                Failure::new(Exit::Usage, message).help("a span such as `15s`")
            })?;
        let twin: Arc<dyn Predictor> = Arc::new(Twin::default());
        let recommender = recommenders::parse(&args.recommender)?;
        recommenders::make(&recommender, &twin, None)?;
        let identity = args.identity.clone().unwrap_or_else(|| {
            let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "ibn".to_owned());
            // Two starts on one host are two who may write.
            format!("{host}-{}", std::process::id())
        });
        Ok(Self {
            namespace: settings.namespace.clone(),
            identity,
            engine: EngineConfig {
                control_period,
                seed: settings.seed,
                ..EngineConfig::default()
            },
            recommender,
            translator: crate::commands::translate::translator(&args.model)?,
            twin,
            args: args.clone(),
        })
    }

    async fn run(self) -> Outcome {
        let stop = crate::signals::stop().map_err(|error| failed(&error))?;
        tokio::pin!(stop);
        let clients = connect(self.args.context.as_deref()).await?;
        let door = Door::open(&self.args.listen).await?;
        let mut election = Election::new(
            clients.free.clone(),
            &self.args.home,
            "ibn-controller",
            &self.identity,
            clients.held.clone(),
        );
        tracing::info!(identity = self.identity, "standing by");
        tokio::select! {
            () = election.won() => {}
            () = &mut stop => return Ok(Exit::Done),
        }
        tracing::info!(identity = self.identity, "leading");
        let (drain, drained) = watch::channel(false);
        let mut lead = std::pin::pin!(self.lead(&clients, door, drained));
        let outcome = tokio::select! {
            outcome = &mut lead => outcome,
            // What is under way can't be written any more, and another one leads.
            () = election.lost() => Err(Failure::new(Exit::Failed, "the lease was lost")),
            () = stop => {
                drain.send_replace(true);
                tokio::select! {
                    outcome = tokio::time::timeout(DRAIN, &mut lead) => outcome.unwrap_or(Ok(Exit::Done)),
                    () = election.lost() => Ok(Exit::Done),
                }
            }
        };
        election.release().await;
        tracing::info!(identity = self.identity, "the lease is given up");
        outcome
    }

    /// Follows the cluster until `drained` says that it is enough.
    async fn lead(
        &self,
        clients: &Clients,
        door: Door,
        mut drained: watch::Receiver<bool>,
    ) -> Outcome {
        let client = &clients.fenced;
        let namespace = self.namespace.as_deref();
        let scope = namespace.map_or(Scope::Cluster, Scope::namespace);
        let watches = Arc::new(Watches::start(client.clone(), scope));
        watches.synced(SYNC).await?;
        let engine = Arc::new(OnceLock::<LiveHandle>::new());
        let orchestrator = {
            let engine = Arc::clone(&engine);
            ClusterOrchestrator::new(Arc::clone(&watches)).replacing_pods(move |workload| {
                engine
                    .get()
                    .is_some_and(|handle| may_replace(handle, workload))
            })
        };
        for workload in orchestrator.recover().await? {
            tracing::warn!(%workload, "an apply that was broken off was taken back");
        }

        let store = ClusterIntentStore::new(client.clone(), self.namespace.clone());
        let ledger = ClusterLedger::new(client.clone(), self.namespace.clone());
        let intents = store.list().await?;
        let entries = ledger.query(&LedgerQuery::default()).await?;
        // Those that nobody has looked at yet are submitted like new ones.
        let known: Vec<Intent> = intents
            .into_iter()
            .filter(|intent| intent.status.is_some())
            .collect();
        let mut index = Index::new(&self.args.home, &known);
        let story = Story::new(&known);
        let mut guardrails_seen = self.guardrails(clients);
        let guardrails = first_guardrails(&mut index, &mut guardrails_seen).await;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let state = State::restored(known, guardrails, &entries, clock.now());

        let indicators = self.indicators(clients).await;
        let names: Vec<String> = indicators
            .iter()
            .map(|indicator| indicator.metadata.name.clone())
            .collect();
        let monitor = self.monitor(&watches, &indicators, &clock)?;
        let recommenders = self.recommenders();
        let resizing = recommenders.resizes(&WorkloadRef::deployment("", ""));
        let admission =
            Admission::new(Registry::standard(), Arc::clone(&self.twin)).resizing(resizing);
        let roles = Roles {
            orchestrator: Arc::new(orchestrator.clone()),
            monitor,
            assessor: Arc::new(ForecastAwareAssessor::around(BurnRateAssessor::default())),
            intents: Arc::new(store.clone()),
            ledger: Arc::new(ledger),
            recommenders,
        };
        let mut driver = LiveDriver::new(
            Engine::new(self.engine.clone(), admission),
            state,
            roles,
            clock,
        );
        let board = Board::new();
        driver.listen(board.clone());
        let (tell, mut told) = mpsc::unbounded_channel();
        let (write, written) = mpsc::unbounded_channel();
        driver.listen(move |_, what: Happening<'_>| {
            let told = match what {
                Happening::Effect(Effect::SaveIntent(intent, _)) => {
                    Told::Saved(Box::new((**intent).clone()))
                }
                Happening::Effect(Effect::ForgetIntent(key)) => Told::Forgotten(key.clone()),
                _ => return,
            };
            // Nobody listens any more once it ends.
            let _ = write.send(told.clone());
            let _ = tell.send(told);
        });
        let (handle, mut engine_ends) = driver.spawn();
        // Set once, here.
        let _ = engine.set(handle.clone());

        let mut config = ServerConfig {
            place: namespace.map_or_else(
                || "cluster".to_owned(),
                |namespace| format!("namespace {namespace}"),
            ),
            ..ServerConfig::default()
        };
        config.hosts = self.args.hosts.clone().into();
        let server = ServerState::new(
            Arc::new(handle.clone()),
            Arc::clone(&self.translator),
            board,
        )
        .with_indicators(names)
        .with_config(config);
        let mut until = drained.clone();
        let served = tokio::spawn(door.lead(ibn_server::app(server), async move {
            // Ends as well where nobody can tell it any more.
            let _ = until.wait_for(|drained| *drained).await;
        }));
        let kept = {
            let orchestrator = orchestrator.clone();
            tokio::spawn(async move {
                orchestrator
                    .keep(|kept| tracing::info!(?kept, "sizes were kept"))
                    .await;
            })
        };
        let said = tokio::spawn(say(
            handle.updates(),
            written,
            story,
            Events::new(client.clone(), &self.identity),
            store.clone(),
        ));

        let mut intents_seen = Box::pin(feed(client, "Intent", namespace));
        let mut follower = Follower::new(index, store, handle.clone());
        let mut again = tokio::time::interval(self.engine.control_period);
        // What is withdrawn before it is known what is live would not be put back.
        let inventory = async {
            while handle.state().inventory().workloads.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let mut listed = std::pin::pin!(inventory);
        let mut is_listed = false;
        let outcome = loop {
            tokio::select! {
                _ = drained.wait_for(|drained| *drained) => break Ok(Exit::Done),
                _ = &mut engine_ends => {
                    break Err(Failure::new(Exit::Failed, "the control engine ended"));
                }
                () = &mut listed, if !is_listed => is_listed = true,
                Some(told) = told.recv() => {
                    let wanted = follower.index.told(&told);
                    follower.carry_out(wanted).await;
                }
                Some(seen) = guardrails_seen.next() => {
                    let wanted = follower.index.guardrail(&seen);
                    follower.carry_out(wanted).await;
                }
                Some(seen) = intents_seen.next(), if is_listed => {
                    let wanted = follower.index.intent(&seen);
                    follower.carry_out(wanted).await;
                }
                _ = again.tick(), if is_listed => follower.look_again().await,
            }
        };
        handle.stop().await;
        if !engine_ends.is_finished() {
            // What was applied is on record before another one leads.
            let _ = engine_ends.await;
        }
        kept.abort();
        said.abort();
        if outcome.is_ok() {
            match served.await {
                Ok(served) => served?,
                Err(error) => return Err(failed(&error)),
            }
        }
        outcome
    }

    fn guardrails(&self, clients: &Clients) -> BoxStream<'static, Seen> {
        feed(&clients.fenced, "Guardrail", self.namespace.as_deref()).boxed()
    }

    async fn indicators(&self, clients: &Clients) -> Vec<Indicator> {
        let mut seen = feed(&clients.fenced, "Indicator", self.namespace.as_deref()).boxed();
        let mut found = Vec::new();
        while let Some(seen) = seen.next().await {
            match seen {
                Seen::There(object) => {
                    let read = serde_json::to_value(&*object).and_then(serde_json::from_value);
                    match read {
                        Ok(indicator) => found.push(indicator),
                        Err(error) => tracing::warn!(%error, "an indicator can't be read"),
                    }
                }
                Seen::Complete => break,
                _ => {}
            }
        }
        found
    }

    fn monitor(
        &self,
        watches: &Arc<Watches>,
        indicators: &[Indicator],
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn Monitor>, Failure> {
        let cluster: Arc<dyn Monitor> = Arc::new(ClusterMonitor::new(Arc::clone(watches)));
        let Some(url) = &self.args.prometheus else {
            return Ok(cluster);
        };
        let unusable = |error: ibn_assurance::Error| {
            Failure::because(Exit::Usage, "the Prometheus server can't be used", &error)
        };
        let mut templates = Templates::kubernetes().map_err(unusable)?;
        for indicator in indicators {
            match templates.clone().with_indicator(indicator) {
                Ok(more) => templates = more,
                Err(error) => tracing::warn!(%error, "an indicator can't be measured"),
            }
        }
        let prometheus =
            PrometheusMonitor::new(url, templates, Arc::clone(clock)).map_err(unusable)?;
        // Pods are counted by the cluster, which knows of those that Prometheus doesn't scrape.
        Ok(Arc::new(Merged::new(
            vec![cluster, Arc::new(prometheus)],
            self.engine.max_signal_age,
        )))
    }

    fn recommenders(&self) -> RecommenderPool {
        let (spec, twin) = (self.recommender.clone(), Arc::clone(&self.twin));
        RecommenderPool::new(move |_: &WorkloadRef| {
            recommenders::make(&spec, &twin, None)
                .unwrap_or_else(|_| Box::new(ibn_drl::rules::Hold))
        })
    }
}

/// Whether the guardrails let the pods of a workload be replaced.
fn may_replace(handle: &LiveHandle, workload: &WorkloadRef) -> bool {
    let state = handle.state();
    let Some(live) = state.inventory().workloads.get(workload) else {
        return false;
    };
    let mut rollouts = state
        .guardrails()
        .iter()
        .filter(|guardrail| guardrail.selects(live))
        .filter_map(|guardrail| guardrail.spec.rollout)
        .peekable();
    rollouts.peek().is_some() && rollouts.all(|rollout| rollout == Rollout::Allowed)
}

/// All guardrails that there are: nothing is decided before they are known.
async fn first_guardrails(
    index: &mut Index,
    seen: &mut BoxStream<'static, Seen>,
) -> Vec<ibn_core::guardrail::Guardrail> {
    while let Some(seen) = seen.next().await {
        for wanted in index.guardrail(&seen) {
            if let Wanted::Guardrails(guardrails) = wanted {
                return guardrails;
            }
        }
    }
    Vec::new()
}

/// Says aloud what the engine says, and what becomes of intents.
async fn say(
    mut updates: broadcast::Receiver<Update>,
    mut written: mpsc::UnboundedReceiver<Told>,
    mut story: Story,
    events: Events,
    store: ClusterIntentStore,
) {
    loop {
        let notices = tokio::select! {
            update = updates.recv() => match update {
                Ok(Update::Notice(_, notice)) => vec![notice],
                Ok(Update::Recorded(entry)) => story.recorded(&entry),
                Ok(Update::Changed(_)) => continue,
                // The log has what was missed.
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            Some(told) = written.recv() => match told {
                Told::Saved(intent) => story.saved(&intent).into_iter().collect(),
                Told::Forgotten(key) => {
                    story.forgotten(&key);
                    continue;
                }
            },
        };
        for notice in notices {
            let uid = notice.intent.as_ref().and_then(|key| store.object(key));
            events.say(&notice, uid).await;
        }
    }
}
