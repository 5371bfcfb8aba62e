//! Fakes, builders and conformance suites for implementers of the traits.
//!
//! Each role of [`ibn_core::roles`] has a suite, a plain function that panics with what doesn't hold. Who implements a role
//! calls it in a test; `cargo xtask tidy` holds that this table has every implementation of the workspace, and that its call
//! stands where the table says.
//!
//! | role | suite | implementations | called in |
//! |---|---|---|---|
//! | `Translator` | [`translator::check`] | `GrammarTranslator`, `Chain`, `TimedOut`, `Retrying`, `Cached`, `Limited`, `Recorded`, `Replayed`, `Scripted` | `ibn-llm/tests/conformance.rs` |
//! | `Translator` | [`translator::check`] | `ModelTranslator` | `ibn-llm/tests/model.rs` |
//! | `Translator` | [`translator::check`] | `ScriptedTranslator` | `ibn-testkit/tests/conformance.rs` |
//! | `Translator` | [`translator::check`] | `Panic` | `examples/own_translator.rs` |
//! | `Orchestrator` | [`orchestrator::check`] | `SimulatedCluster` | `ibn-sim/tests/conformance.rs` |
//! | `Orchestrator` | [`orchestrator::check`] | `FakeCluster` | `ibn-testkit/src/cluster.rs` |
//! | `Orchestrator` | [`orchestrator::check`] | `ClusterOrchestrator` | `ibn-e2e/tests/orchestrator/conformance.rs` |
//! | `Orchestrator` | [`orchestrator::check`] | `Recorded` | `ibn-runtime/tests/conformance.rs` |
//! | `Orchestrator` | [`orchestrator::check_dry_run`] | `DryRun` | `ibn-runtime/tests/conformance.rs` |
//! | `Monitor` | [`monitor::check`] | `SimulatedCluster` | `ibn-sim/tests/conformance.rs` |
//! | `Monitor` | [`monitor::check`] | `Merged`, `Replay`, `Recorded` | `ibn-assurance/tests/monitors.rs` |
//! | `Monitor` | [`monitor::check`] | `PrometheusMonitor` | `ibn-assurance/tests/prometheus_faults.rs` |
//! | `Monitor` | [`monitor::check`] | `ScriptedMonitor` | `ibn-testkit/tests/conformance.rs` |
//! | `Monitor` | [`monitor::check`] | `FakeCluster` | `ibn-testkit/src/cluster.rs` |
//! | `Monitor` | [`monitor::check`] | `ClusterMonitor` | `ibn-e2e/tests/monitor.rs` |
//! | `IntentStore` | [`store::intent_store_conformance`] | `MemoryStore`, `SqliteStore`, `Arc` | `ibn-runtime/tests/conformance.rs` |
//! | `Ledger` | [`store::ledger_conformance`] | `MemoryStore`, `SqliteStore`, `ReplayingLedger`, `Arc` | `ibn-runtime/tests/conformance.rs` |
//! | `IntentStore` | [`store::intent_store_conformance_in`] | `ClusterIntentStore` | `ibn-e2e/tests/api/stores.rs` |
//! | `Ledger` | [`store::ledger_conformance_in`] | `ClusterLedger` | `ibn-e2e/tests/api/stores.rs` |
//! | `Assessor` | [`assessor::check`] | `ThresholdAssessor`, `BurnRateAssessor`, `ForecastAwareAssessor` | `ibn-assurance/tests/conformance.rs` |
//! | `Assessor` | [`assessor::check_honest`] | `ComparingAssessor` | `ibn-testkit/tests/conformance.rs` |
//! | `Recommender` | [`recommender::check`] | `Hold`, `TargetTracking`, `ModelPredictive` | `ibn-drl/tests/conformance.rs` |
//! | `Recommender` | [`recommender::check`] | `Fixed`, `Hpa` | `ibn-sim/tests/conformance.rs` |
//! | `Recommender` | [`recommender::check`] | `Keda` | `ibn-sim/src/autoscaler/keda.rs` |
//! | `Recommender` | [`recommender::check`] | `Scheduled` | `ibn-sim/src/autoscaler/scheduled.rs` |
//! | `Recommender` | [`recommender::check`] | `Captain` | `ibn-sim/src/autoscaler/captain.rs` |
//! | `Recommender` | [`recommender::check`] | `Predictive` | `ibn-sim/src/autoscaler/predictive.rs` |
//! | `Recommender` | [`recommender::check`] | `Clairvoyant` | `ibn-sim/src/autoscaler/clairvoyant.rs` |
//! | `Recommender` | [`recommender::check`] | `FixedReplicas` | `ibn-testkit/tests/conformance.rs` |
//! | `Recommender` | [`recommender::check`] | `PerPod` | `examples/own_recommender.rs` |
//! | `Recommender`, `PolicyLearner` | [`learner::check`] | `Bandit`, `Supervised`, `Trained` | `ibn-drl/tests/conformance.rs` |
//! | `Environment` | [`environment::check`] | `ScenarioEnvironment`, `HeadroomEnvironment` | `ibn-sim/tests/environment.rs` |
//! | `Environment` | [`environment::check`] | `Episode` | `ibn-drl/tests/classic.rs` |
//! | `Environment` | [`environment::check`] | `Drawn` | `ibn-drl/src/training/drawn.rs` |
//! | `ScenarioSource` | [`environment::check_source`] | `ScenarioDistribution`, `HeadroomSource` | `ibn-sim/tests/environment.rs` |
//! | `Predictor` | [`predictor::check`] | `Twin`, `Replay` | `ibn-sim/tests/conformance.rs` |
//! | `Forecaster` | [`forecaster::check`] | `SeasonalNaive`, `HoltWinters`, `BestOf` | `ibn-assurance/tests/forecast.rs` |
//! | `Clock` | [`clock::check`] | `VirtualClock` | `ibn-core/tests/conformance.rs` |
//! | `Clock` | [`clock::check`] | `SystemClock` | `ibn-runtime/tests/conformance.rs` |
//! | `Clock` | [`clock::check`] | `SimulatedCluster` | `ibn-sim/tests/conformance.rs` |
//!
//! Beside the suites: [`stage`] plays an engine on fakes, [`mutants`] breaks documents in ways whose diagnostic is known,
//! [`strategies`] draws valid ones, and [`service`] is for tests that need something real.

#[cfg(feature = "apiserver")]
pub mod apiserver;
pub mod assessor;
pub mod clock;
pub mod cluster;
pub mod environment;
pub mod forecaster;
pub mod learner;
pub mod monitor;
pub mod mutants;
pub mod orchestrator;
pub mod predictor;
pub mod recommender;
pub mod service;
pub mod stage;
pub mod store;
pub mod strategies;
pub mod translator;
