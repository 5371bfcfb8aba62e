//! The simulated cluster of `ibn`: pods under a CPU quota, request by request, in virtual time.
//!
//! Three layers, each usable by itself:
//!
//! - [`Cluster`] is the engine: nodes, pods that start, stop and are resized in place, a queue and a CFS quota in each pod,
//!   users drawn from a rate or a trace, and books per workload. Plain synchronous code; time is whole nanoseconds since the
//!   start, and moves only when it is told to.
//! - [`SimulatedCluster`] puts a [`Scenario`]'s cluster behind the roles of `ibn-core`: orchestrator, monitor and clock,
//!   with autoscalers that run in the cluster and faults that take signals away. What is driven against it is driven
//!   against Kubernetes by the same calls.
//! - [`run`] plays a scenario with a recommender for each workload, and [`evaluation`] sums grids of such runs up; [`autoscaler`]
//!   has the baselines: fixed and scheduled, the autoscalers of Kubernetes, KEDA, on forecasts and on throttling, and the
//!   clairvoyant bound.
//!
//! Beside them stand two predictors: [`Twin`], a queue model that answers in some 60 µs, and [`Replay`], which simulates.
//!
//! # What is simulated
//!
//! A request goes to a ready pod (by [`Balancing`]), waits in the pod's bounded queue, and needs CPU time drawn from a [`Law`].
//! Threads run at full speed until the pod has spent `limit` × 100 ms in a period of 100 ms, then stand still until the
//! next: not a slower CPU. What the [`Kernel`] of a real node does besides is off unless asked for. A request fails
//! where the queue is full, no pod is ready, its client gives up, or its container is killed for want of memory. A pod
//! needs a node with room, a start-up time to be ready, and time to finish its requests when it is stopped. A request
//! may call other workloads once its own work is done, and is answered when they are; clients may try again, within a
//! budget. Nodes, pods, images, signals and clocks can go wrong ([`scenario::FaultEffect`]). Not simulated: contention
//! between pods for a node's CPU beyond what they reserve, network, disks, threads that wait for calls.
//!
//! # Determinism
//!
//! A run is a function of specification, seed and changes; [`Cluster::event_hash`] covers the outcome of every request. Each
//! purpose draws from a stream of its own, named by its owner, so that a change of an allocation leaves arrivals and work as
//! they were (common random numbers). Draws use IEEE operations alone and are the same on every machine. Neither the steps in
//! which time is moved nor looking changes anything.
//!
//! # Example
//!
//! ```
//! use ibn_sim::{Cluster, ClusterSpec, Law, RateCurve, SimTime, WorkloadSpec};
//! use std::time::Duration;
//!
//! // 20 requests a second of 10 ms each, on one pod of half a core: 40 % of what it can do.
//! let mut web = WorkloadSpec::new("web", RateCurve::constant(20.0)?);
//! web.service = Law::Exponential { mean: Duration::from_millis(10) };
//! let mut cluster = Cluster::new(&ClusterSpec::on_one_node(vec![web]), 7)?;
//! cluster.advance_to(SimTime::from_secs(600));
//! let metrics = cluster.metrics("web")?;
//! assert_eq!(metrics.counts.arrived, metrics.counts.finished() + metrics.in_flight);
//! assert!(metrics.p95.unwrap() < Duration::from_millis(200));
//! # Ok::<(), ibn_sim::Error>(())
//! ```

mod account;
mod arrivals;
pub mod autoscaler;
mod balance;
mod cluster;
mod demand;
pub mod environment;
mod episode;
mod error;
pub mod evaluation;
pub mod fluid;
mod histogram;
mod law;
mod log;
mod math;
mod metrics;
mod node;
mod pod;
pub mod queue;
mod replay;
mod request;
mod rng;
pub mod scenario;
mod server;
mod simulated;
mod spec;
mod time;
mod trace;
mod tracked;
mod twin;
mod workload;

pub use account::{Bin, Counts, Load, Span, Windows};
pub use arrivals::ArrivalProcess;
pub use balance::Balancing;
pub use cluster::{Cluster, Free, Status};
pub use demand::{DayCurve, RateCurve};
pub use episode::{Episode, run};
pub use error::{Error, ErrorKind, Result};
pub use histogram::Histogram;
pub use law::Law;
pub use log::{Event, EventKind};
pub use metrics::Metrics;
pub use pod::{PodPhase, PodView};
pub use replay::Replay;
pub use request::{Fate, Request};
pub use rng::Seeds;
pub use scenario::Scenario;
pub use server::Usage;
pub use simulated::SimulatedCluster;
pub use spec::{
    Accounting, Call, ClusterSpec, Kernel, LatencyObjective, MemoryUse, NodeAutoscaling, NodeSpec,
    PodSize, Retries, Traffic, WorkloadSpec,
};
pub use time::SimTime;
pub use trace::{Trace, TraceFormat, parse_unit};
pub use twin::Twin;
