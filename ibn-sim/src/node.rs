//! Nodes: what they have, what is reserved on them, and where a pod goes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::spec::{NodeSpec, PodSize};

/// A node with what is still free on it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) spec: NodeSpec,
    cpu_free: u64,
    memory_free: u64,
    pods: u32,
    /// When it was lost, where it is.
    pub(crate) lost: Option<u64>,
    /// Of a node that came later: since when it has been as it is, coming or empty.
    pub(crate) since: Option<u64>,
    /// Whether it has gone again.
    pub(crate) is_gone: bool,
}

impl Node {
    pub(crate) fn new(spec: NodeSpec) -> Self {
        Self {
            cpu_free: spec.cpu.get(),
            memory_free: spec.memory.get(),
            pods: 0,
            lost: None,
            since: None,
            is_gone: false,
            spec,
        }
    }

    /// Cores that a pod's threads can run on at once.
    pub(crate) fn cores(&self) -> u64 {
        self.spec.cpu.get().div_ceil(1000).max(1)
    }

    pub(crate) const fn cpu_free(&self) -> u64 {
        self.cpu_free
    }

    pub(crate) const fn pods(&self) -> u32 {
        self.pods
    }

    pub(crate) const fn memory_free(&self) -> u64 {
        self.memory_free
    }

    fn fits(&self, size: &PodSize) -> bool {
        self.lost.is_none()
            && !self.is_gone
            && self.pods < self.spec.max_pods
            && size.cpu_request.get() <= self.cpu_free
            && size.memory_request.get() <= self.memory_free
    }

    pub(crate) fn reserve(&mut self, size: &PodSize) {
        self.cpu_free = self.cpu_free.saturating_sub(size.cpu_request.get());
        self.memory_free = self.memory_free.saturating_sub(size.memory_request.get());
        self.pods += 1;
    }

    pub(crate) fn release(&mut self, size: &PodSize) {
        self.cpu_free += size.cpu_request.get();
        self.memory_free += size.memory_request.get();
        self.pods = self.pods.saturating_sub(1);
    }

    /// Changes a reservation where the new one fits; false where it doesn't, and then nothing changed.
    pub(crate) fn resize(&mut self, from: &PodSize, to: &PodSize) -> bool {
        let cpu_free = (self.cpu_free + from.cpu_request.get()).checked_sub(to.cpu_request.get());
        let memory_free =
            (self.memory_free + from.memory_request.get()).checked_sub(to.memory_request.get());
        let (Some(cpu_free), Some(memory_free)) = (cpu_free, memory_free) else {
            return false;
        };
        (self.cpu_free, self.memory_free) = (cpu_free, memory_free);
        true
    }

    /// The scheduler's `LeastAllocated` score, 0 to 100: the mean share that would stay free of CPU and memory.
    fn score(&self, size: &PodSize) -> u64 {
        let share = |free: u64, request: u64, whole: u64| {
            (free - request)
                .saturating_mul(100)
                .checked_div(whole)
                .unwrap_or(0)
        };
        let cpu = share(self.cpu_free, size.cpu_request.get(), self.spec.cpu.get());
        let memory = share(
            self.memory_free,
            size.memory_request.get(),
            self.spec.memory.get(),
        );
        (cpu + memory) / 2
    }
}

/// The node that a pod of `size` goes to: of those with room, the one with the highest score, the first of equals.
pub(crate) fn place(nodes: &[Node], size: &PodSize) -> Option<usize> {
    let mut best = None;
    for (index, node) in nodes.iter().enumerate().filter(|(_, node)| node.fits(size)) {
        let score = node.score(size);
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((index, score));
        }
    }
    best.map(|(index, _)| index)
}

/// Finds the node of many pods of few sizes as [`place`] does, without looking at every node for each.
///
/// For each size there is a heap of scores as they were when they were put in; whoever changes a node tells it, and what no
/// longer holds is thrown away when it comes up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Placer {
    sizes: Vec<(PodSize, BinaryHeap<Scored>)>,
}

/// The highest score comes first, and of equals the first node.
type Scored = (u64, Reverse<usize>);

impl Placer {
    /// The node that a pod of `size` goes to.
    pub(crate) fn place(&mut self, nodes: &[Node], size: &PodSize) -> Option<usize> {
        let known = self.sizes.iter().position(|(of, _)| of == size);
        let known = known.unwrap_or_else(|| {
            let scores = nodes
                .iter()
                .enumerate()
                .filter_map(|of| Self::entry(of, size));
            self.sizes.push((*size, scores.collect()));
            self.sizes.len() - 1
        });
        let (_, heap) = self.sizes.get_mut(known)?;
        while let Some(&(score, Reverse(index))) = heap.peek() {
            let node = nodes.get(index)?;
            if Self::entry((index, node), size) == Some((score, Reverse(index))) {
                return Some(index);
            }
            heap.pop();
        }
        None
    }

    /// A node has changed.
    pub(crate) fn changed(&mut self, nodes: &[Node], index: usize) {
        let Some(node) = nodes.get(index) else { return };
        for (size, heap) in &mut self.sizes {
            heap.extend(Self::entry((index, node), size));
            // What is stale must not pile up.
            if heap.len() > nodes.len() * 8 {
                *heap = nodes
                    .iter()
                    .enumerate()
                    .filter_map(|of| Self::entry(of, size))
                    .collect();
            }
        }
    }

    fn entry((index, node): (usize, &Node), size: &PodSize) -> Option<Scored> {
        node.fits(size).then(|| (node.score(size), Reverse(index)))
    }
}

#[cfg(test)]
mod tests {
    use ibn_core::units::{Bytes, CpuMillis};

    use super::*;

    fn node(cpu: u64, memory_mib: u64) -> Node {
        Node::new(NodeSpec {
            name: "n".to_owned(),
            cpu: CpuMillis::new(cpu),
            memory: Bytes::new(memory_mib << 20),
            max_pods: 3,
        })
    }

    fn size(cpu: u64, memory_mib: u64) -> PodSize {
        PodSize::guaranteed(CpuMillis::new(cpu), Bytes::new(memory_mib << 20))
    }

    #[test]
    fn pods_go_where_most_stays_free() {
        let mut nodes = vec![node(4000, 4096), node(4000, 4096), node(8000, 8192)];
        // Shares that stay free: 75 %, 75 %, 87 %; then 75, 75, 75: the first.
        for expected in [2, 0, 1, 2] {
            let at = place(&nodes, &size(1000, 1024));
            assert_eq!(at, Some(expected));
            nodes[expected].reserve(&size(1000, 1024));
        }
    }

    #[test]
    fn nothing_goes_where_it_does_not_fit() {
        let mut nodes = vec![node(1000, 512)];
        assert_eq!(place(&nodes, &size(1001, 1)), None);
        assert_eq!(place(&nodes, &size(1, 513)), None);
        for _ in 0..3 {
            nodes[0].reserve(&size(1, 1));
        }
        assert_eq!(place(&nodes, &size(1, 1)), None, "no pod beyond max_pods");
        nodes[0].release(&size(1, 1));
        assert_eq!(place(&nodes, &size(1, 1)), Some(0));
    }

    #[test]
    fn a_resize_takes_all_or_nothing() {
        let mut node = node(1000, 512);
        node.reserve(&size(600, 100));
        assert!(!node.resize(&size(600, 100), &size(1001, 100)));
        assert!(!node.resize(&size(600, 100), &size(100, 513)));
        assert_eq!(node.cpu_free(), 400);
        assert!(node.resize(&size(600, 100), &size(1000, 512)));
        assert_eq!((node.cpu_free(), node.memory_free()), (0, 0));
    }

    #[test]
    fn the_quick_way_finds_the_same_nodes() {
        let sizes = [size(500, 128), size(300, 512), size(1000, 64)];
        let mut nodes: Vec<Node> = (1..40)
            .map(|n| Node {
                spec: NodeSpec {
                    max_pods: 12,
                    ..node(n * 250, n * 300).spec
                },
                ..node(n * 250, n * 300)
            })
            .collect();
        let mut placer = Placer::default();
        let mut held = Vec::new();
        for turn in 0..2000usize {
            let size = sizes[turn % 3];
            if turn % 5 == 4 && !held.is_empty() {
                let (at, size): (usize, PodSize) = held.remove(turn * 7 % held.len());
                nodes[at].release(&size);
                placer.changed(&nodes, at);
                continue;
            }
            let expected = place(&nodes, &size);
            assert_eq!(placer.place(&nodes, &size), expected, "turn {turn}");
            if let Some(at) = expected {
                nodes[at].reserve(&size);
                placer.changed(&nodes, at);
                held.push((at, size));
            }
        }
        assert!(!held.is_empty());
    }
}
