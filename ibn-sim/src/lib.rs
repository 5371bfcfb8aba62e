//! The simulated cluster: engines, autoscalers, faults, the twin and environments for learners.

mod account;
mod arrivals;
pub mod autoscaler;
mod balance;
mod cluster;
mod demand;
mod episode;
mod error;
mod histogram;
mod law;
mod log;
mod math;
mod metrics;
mod node;
mod pod;
mod rng;
pub mod scenario;
mod server;
mod simulated;
mod spec;
mod time;
mod trace;
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
pub use rng::Seeds;
pub use scenario::Scenario;
pub use server::Usage;
pub use simulated::SimulatedCluster;
pub use spec::{
    Accounting, ClusterSpec, LatencyObjective, MemoryUse, NodeSpec, PodSize, Traffic, WorkloadSpec,
};
pub use time::SimTime;
pub use trace::{Trace, TraceFormat, parse_unit};
pub use twin::Twin;
