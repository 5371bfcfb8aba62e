//! Intent-based orchestration for Kubernetes: one crate that re-exports the parts that you ask for.
//!
//! Without features it is the vocabulary, the rules and the control engine alone, which is what an own
//! controller embeds; each feature adds one part and what it depends on.
//!
//! | feature | module | what it adds |
//! |---|---|---|
//! | – | [`core`] | intents, guard, conflicts, admission, the engine, all traits |
//! | `llm` | `llm` | translators: grammar, OpenAI-compatible model, chain |
//! | `sim` | `sim` | simulated cluster, twin, autoscalers |
//! | `assurance` | `assurance` | assessors, forecasters, the Prometheus monitor |
//! | `drl` | `drl` | recommenders and learners |
//! | `runtime` | `runtime` | drivers in virtual and real time, SQLite stores |
//! | `server` | `server` | HTTP API and web GUI |
//! | `k8s` | `k8s` | the custom resources |
//! | `schema` | – | JSON schemas of the document types |
//!
//! ```
//! use ibn::core::intent::{Amount, Directive, Expectation, Intent};
//! use ibn::core::workload::WorkloadRef;
//!
//! let web = WorkloadRef::deployment("acme", "web");
//! let intent = Intent::new("web-five", &web)
//!     .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(5))));
//! assert_eq!(ibn::core::validate::validate_intent(&intent), []);
//! ```

#[cfg(feature = "assurance")]
pub use ibn_assurance as assurance;
pub use ibn_core as core;
#[cfg(feature = "drl")]
pub use ibn_drl as drl;
#[cfg(feature = "k8s")]
pub use ibn_k8s as k8s;
#[cfg(feature = "llm")]
pub use ibn_llm as llm;
#[cfg(feature = "runtime")]
pub use ibn_runtime as runtime;
#[cfg(feature = "server")]
pub use ibn_server as server;
#[cfg(feature = "sim")]
pub use ibn_sim as sim;
