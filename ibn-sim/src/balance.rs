//! Which ready pod a request goes to.

use rand::Rng;
use serde::Serialize;

use crate::pod::Pod;
use crate::rng::Stream;
use crate::server::Sink;

/// How requests are spread over the ready pods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Balancing {
    /// Each pod with equal probability, whatever its load: kube-proxy with a connection per request.
    #[default]
    Random,
    /// In turn.
    RoundRobin,
    /// The pod with the fewest requests in flight; one of them at random where several have as few.
    LeastLoaded,
    /// The less loaded of two pods drawn at random.
    PowerOfTwo,
    /// The pod of the connection that came free last; where none is free, a new connection to a pod at random, which it
    /// keeps: kube-proxy with a client that keeps its connections.
    KeptConnections,
}

/// The state of a balancer. Every request takes the same number of draws, however many pods there are.
#[derive(Debug, Clone)]
pub(crate) struct Balancer {
    balancing: Balancing,
    stream: Stream,
    turn: u64,
    /// Kept connections that are free: since when, and to which pod; the one that came free last at the end.
    free: Vec<(u64, u64)>,
}

impl Balancer {
    pub(crate) const fn new(balancing: Balancing, stream: Stream) -> Self {
        Self {
            balancing,
            stream,
            turn: 0,
            free: Vec::new(),
        }
    }

    /// The index among `ready` of the pod that a request at `now` goes to; `None` where no pod is ready.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "hot: indices come from `below`, and `ready` holds indices of `pods`"
    )]
    pub(crate) fn pick(
        &mut self,
        now: u64,
        ready: &[usize],
        pods: &mut [Pod],
        sink: &mut impl Sink,
    ) -> Option<usize> {
        let n = ready.len();
        if self.balancing == Balancing::RoundRobin {
            let turn = self.turn;
            self.turn += 1;
            return if n == 0 {
                None
            } else {
                Some(ready[(turn % n as u64) as usize])
            };
        }
        let draw = self.stream.next_u64();
        if n == 0 {
            return None;
        }
        if self.balancing == Balancing::KeptConnections {
            self.collect(now, pods, sink);
            let kept = self.take_free(ready, pods);
            return Some(kept.unwrap_or_else(|| ready[below(draw, n)]));
        }
        let mut load = |index: usize| pods[index].server.load_at(now, sink);
        Some(match self.balancing {
            Balancing::Random | Balancing::RoundRobin | Balancing::KeptConnections => {
                ready[below(draw, n)]
            }
            Balancing::PowerOfTwo => {
                let first = below(draw & !u64::from(u32::MAX), n);
                let other = below(draw << 32, n.max(2) - 1);
                let second = if n == 1 {
                    first
                } else {
                    other + usize::from(other >= first)
                };
                let (first, second) = (ready[first], ready[second]);
                if load(second) < load(first) {
                    second
                } else {
                    first
                }
            }
            Balancing::LeastLoaded => {
                let start = below(draw, n);
                let (tail, head) = ready.split_at(start);
                let mut best = (usize::MAX, 0);
                for &index in head.iter().chain(tail) {
                    let load = load(index);
                    if load < best.0 {
                        best = (load, index);
                        if load == 0 {
                            break;
                        }
                    }
                }
                best.1
            }
        })
    }
}

impl Balancer {
    /// A connection on which a request was refused is free again.
    #[inline]
    pub(crate) fn refused(&mut self, now: u64, pod: u64) {
        if self.balancing == Balancing::KeptConnections {
            self.free.push((now, pod));
        }
    }

    /// Takes back the connections on which requests were served by now. One on which a client gave up is closed.
    fn collect(&mut self, now: u64, pods: &mut [Pod], sink: &mut impl Sink) {
        let known = self.free.len();
        for pod in pods {
            pod.server.load_at(now, sink);
            let id = pod.id;
            self.free
                .extend(pod.server.take_served().map(|at| (at, id)));
        }
        if let Some(new) = self.free.get_mut(known..) {
            new.sort_unstable();
        }
    }

    /// The index of the pod of the connection that came free last; connections to pods that take no requests are closed.
    fn take_free(&mut self, ready: &[usize], pods: &[Pod]) -> Option<usize> {
        while let Some((_, id)) = self.free.pop() {
            let of_it = |index: &&usize| pods.get(**index).is_some_and(|pod| pod.id == id);
            if let Some(index) = ready.iter().find(of_it) {
                return Some(*index);
            }
        }
        None
    }
}

/// A draw of 64 random bits mapped to 0..n (Lemire's multiply-shift; the bias is below n/2^64, or n/2^32 of half a draw).
#[inline]
const fn below(draw: u64, n: usize) -> usize {
    ((draw as u128 * n as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_even_and_stays_below() {
        assert_eq!((below(0, 7), below(u64::MAX, 7)), (0, 6));
        let mut counts = [0; 7];
        for i in 0..70_000u64 {
            counts[below(i.wrapping_mul(0x9E37_79B9_7F4A_7C15), 7)] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_900..10_100).contains(count)),
            "{counts:?}"
        );
    }
}
