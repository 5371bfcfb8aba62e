//! The simulated cluster: engines, autoscalers, faults, the twin and environments for learners.

mod account;
mod arrivals;
pub mod autoscaler;
mod balance;
mod cluster;
mod demand;
mod error;
mod histogram;
mod law;
mod log;
mod metrics;
mod node;
mod pod;
mod rng;
mod server;
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
pub use error::{Error, ErrorKind, Result};
pub use histogram::Histogram;
pub use law::Law;
pub use log::{Event, EventKind};
pub use metrics::Metrics;
pub use pod::{PodPhase, PodView};
pub use rng::Seeds;
pub use server::Usage;
pub use spec::{
    Accounting, ClusterSpec, LatencyObjective, MemoryUse, NodeSpec, PodSize, Traffic, WorkloadSpec,
};
pub use time::SimTime;
pub use trace::{Trace, TraceFormat};
pub use twin::Twin;
