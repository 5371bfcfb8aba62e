//! The event log: what happened, and a hash over all of it.

use std::collections::VecDeque;

use ibn_core::units::CpuMillis;
use xxhash_rust::xxh3::Xxh3;

use crate::account::Counts;
use crate::spec::PodSize;
use crate::time::SimTime;

/// Something that happened to a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: SimTime,
    /// What.
    pub kind: EventKind,
}

/// What happened. Pods are named by their number within the workload, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The number of pods asked for was changed.
    Scaled {
        /// Before.
        from: u32,
        /// After.
        to: u32,
    },
    /// What each pod is given was changed.
    Resized(PodSize),
    /// A pod was made, and waits for a node.
    PodCreated(u64),
    /// A pod went to a node and starts.
    PodPlaced {
        /// The pod.
        pod: u64,
        /// The node, by its place in the specification.
        node: usize,
    },
    /// A pod became ready.
    PodReady(u64),
    /// A pod gets no more requests and ends when it is done with those that it has.
    PodStopping(u64),
    /// A pod is gone.
    PodGone(u64),
    /// A pod's container used more memory than its limit and is started again.
    PodOutOfMemory(u64),
    /// A pod's container ended and is started again.
    PodCrashed(u64),
    /// A pod's node is lost, and what was in flight in it.
    PodLost(u64),
    /// A pod runs with its new resources.
    PodResized(u64),
    /// A pod's new resources don't fit its node; they are tried again when something is freed.
    PodResizeDeferred(u64),
    /// So many pods can't be made, since the quota of the namespace has no room for them; 0 where all could again.
    PodsBlocked(usize),
    /// A bin of the books was closed.
    BinClosed {
        /// Its counts.
        counts: Counts,
        /// CPU time used in it, in ns.
        cpu_nanos: u64,
        /// Hash of every request's outcome since the start.
        outcomes: u64,
    },
}

/// The events of one workload. The order is that of time; it doesn't depend on how often someone looks.
#[derive(Clone)]
pub(crate) struct Log {
    hasher: Xxh3,
    recent: VecDeque<Event>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("hash", &self.hash())
            .finish_non_exhaustive()
    }
}

/// Events other than closed bins that are kept for reading.
const RECENT: usize = 256;

impl Log {
    pub(crate) fn new(name: &str) -> Self {
        let mut hasher = Xxh3::new();
        hasher.update(name.as_bytes());
        Self {
            hasher,
            recent: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, at: u64, kind: EventKind) {
        let words = |tag: u64, more: &[u64]| {
            let mut bytes = [0u8; 8 * 12];
            for (place, word) in bytes.chunks_exact_mut(8).zip([at, tag].iter().chain(more)) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            (bytes, 8 * (2 + more.len()))
        };
        let (bytes, len) = match kind {
            EventKind::Scaled { from, to } => words(0, &[from.into(), to.into()]),
            EventKind::Resized(size) => words(
                1,
                &[
                    size.cpu_request.get(),
                    size.cpu_limit.map_or(u64::MAX, CpuMillis::get),
                    size.memory_request.get(),
                    size.memory_limit.map_or(u64::MAX, |limit| limit.get()),
                ],
            ),
            EventKind::PodCreated(pod) => words(2, &[pod]),
            EventKind::PodPlaced { pod, node } => words(3, &[pod, node as u64]),
            EventKind::PodReady(pod) => words(4, &[pod]),
            EventKind::PodStopping(pod) => words(5, &[pod]),
            EventKind::PodGone(pod) => words(6, &[pod]),
            EventKind::PodOutOfMemory(pod) => words(7, &[pod]),
            EventKind::PodResized(pod) => words(8, &[pod]),
            EventKind::PodResizeDeferred(pod) => words(9, &[pod]),
            EventKind::PodsBlocked(pods) => words(11, &[pods as u64]),
            EventKind::PodCrashed(pod) => words(12, &[pod]),
            EventKind::PodLost(pod) => words(13, &[pod]),
            EventKind::BinClosed {
                counts: c,
                cpu_nanos,
                outcomes,
            } => words(
                10,
                &[
                    c.arrived,
                    c.served,
                    c.refused,
                    c.unrouted,
                    c.lost,
                    c.timed_out,
                    cpu_nanos,
                    outcomes,
                ],
            ),
        };
        self.hasher.update(bytes.get(..len).unwrap_or(&bytes));
        if !matches!(kind, EventKind::BinClosed { .. }) {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(Event {
                at: SimTime::from_nanos(at),
                kind,
            });
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hasher.digest()
    }

    pub(crate) const fn recent(&self) -> &VecDeque<Event> {
        &self.recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_events_times_and_names_apart() {
        let hash = |name: &str, at, kind| {
            let mut log = Log::new(name);
            log.push(at, kind);
            log.hash()
        };
        let base = hash("a", 1, EventKind::PodReady(3));
        assert_eq!(base, hash("a", 1, EventKind::PodReady(3)));
        for other in [
            hash("b", 1, EventKind::PodReady(3)),
            hash("a", 2, EventKind::PodReady(3)),
            hash("a", 1, EventKind::PodReady(4)),
            hash("a", 1, EventKind::PodGone(3)),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn old_events_are_forgotten_but_stay_in_the_hash() {
        let mut log = Log::new("a");
        for pod in 0..1000 {
            log.push(pod, EventKind::PodReady(pod));
        }
        assert_eq!(log.recent().len(), RECENT);
        assert_eq!(log.recent().back().unwrap().kind, EventKind::PodReady(999));
    }
}
