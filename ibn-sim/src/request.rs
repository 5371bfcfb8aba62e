//! Single requests, for those who compare a run with a recorded one.

use std::time::Duration;

use crate::time::SimTime;

/// One request that is no longer in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// When it came; its first try where its client tries again.
    pub arrived: SimTime,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a request, its last try where its client tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Answered in time, so long after it came.
    Served(Duration),
    /// Turned away because the queue of the pod was full.
    Refused,
    /// Turned away because no pod was ready.
    Unrouted,
    /// Given up by its client.
    TimedOut,
    /// In flight in a container that was killed.
    Lost,
    /// A call of it to another workload failed.
    Broken,
}
