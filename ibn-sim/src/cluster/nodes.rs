//! Nodes that come and go with the pods that need them.

use super::{Cluster, Due};
use crate::node::Node;
use crate::pod::PodPhase;
use crate::spec::NodeSpec;
use crate::time::nanos;

impl Cluster {
    /// Nodes that came and are there.
    #[must_use]
    pub fn added_nodes(&self) -> usize {
        self.nodes
            .iter()
            .filter(|node| node.since.is_some() && !node.is_gone)
            .count()
    }

    /// Orders a node where a pod finds no room that a new one would have, one at a time.
    pub(super) fn order_node(&mut self) {
        let Some(scaling) = &self.scaling else { return };
        if self.is_ordered || self.added_nodes() >= scaling.most as usize {
            return;
        }
        let empty = Node::new(scaling.node.clone());
        let helps = self.workloads.iter().flat_map(|of| &of.pods).any(|pod| {
            pod.phase == PodPhase::Pending
                && crate::node::place(std::slice::from_ref(&empty), &pod.size).is_some()
        });
        if helps {
            let at = self.now.saturating_add(nanos(scaling.delay));
            self.is_ordered = true;
            self.schedule(at, Due::NodeAdded);
        }
    }

    /// The node that was ordered is there; the place of one that has gone is taken.
    pub(super) fn add_node(&mut self) {
        self.is_ordered = false;
        let Some(scaling) = &self.scaling else { return };
        let free = self.nodes.iter().position(|node| node.is_gone);
        let at = free.unwrap_or(self.nodes.len());
        let spec = NodeSpec {
            name: format!("{}-{}", scaling.node.name, at + 1),
            ..scaling.node.clone()
        };
        let idle = nanos(scaling.idle);
        let mut node = Node::new(spec);
        node.since = Some(self.now);
        match self.nodes.get_mut(at) {
            Some(place) => *place = node,
            None => self.nodes.push(node),
        }
        self.schedule(self.now.saturating_add(idle), Due::NodeIdle { node: at });
        self.settle(false);
    }

    /// Takes a node away that has been empty for long enough, or looks again when it may have been.
    pub(super) fn remove_idle(&mut self, at: usize) {
        let (Some(scaling), Some(node)) = (&self.scaling, self.nodes.get_mut(at)) else {
            return;
        };
        let Some(since) = node.since.filter(|_| !node.is_gone) else {
            return;
        };
        let idle = nanos(scaling.idle);
        let due = since.saturating_add(idle);
        if node.pods() == 0 && self.now >= due {
            node.is_gone = true;
            return;
        }
        let next = if node.pods() == 0 {
            due
        } else {
            self.now.saturating_add(idle)
        };
        self.schedule(next.max(self.now + 1), Due::NodeIdle { node: at });
    }
}
