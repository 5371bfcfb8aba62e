//! Where an allocation that lies outside would have to go.

use super::distance::{Drawn, sum};
use super::{Budget, Envelope, Limits, apportion};
use crate::allocation::{Allocation, Resource, ResourceBound};
use crate::qos::QosClass;

impl Envelope {
    /// The allocation inside that is nearest to this one; itself where it lies inside.
    ///
    /// This is how constraints act alone. Pods move to the nearest bound; under an autoscaler its bounds do, never `replicas`.
    /// A pod's size is divided over its containers in proportion to what they have, to the last millicore and byte: above
    /// the maximum limits fall (requests where there is no limit, and with a limit that falls below them), below the
    /// minimum requests rise, within limits first and with them after. Of a budget that this workload has for itself, pods
    /// give way first, then requests. Budgets that others share are left to the guard, which sees all of their members.
    ///
    /// The class of service stays where it can, since running pods can't change it. Where two bounds exclude each other it
    /// goes as far as makes neither worse. Idempotent.
    ///
    /// ```
    /// # use ibn_core::allocation::{Allocation, ContainerResources};
    /// # use ibn_core::envelope::{Envelope, LimitSource};
    /// # use ibn_core::intent::Range;
    /// # use ibn_core::units::{Bytes, CpuMillis};
    /// # use ibn_core::workload::WorkloadRef;
    /// let mut envelope = Envelope::open(WorkloadRef::deployment("acme", "web"));
    /// let limits = LimitSource::Guardrail("small".into());
    /// envelope.replicas.intersect(Range::new(None, Some(12)), &limits);
    /// envelope.cpu.intersect(Range::new(None, Some(CpuMillis::new(800))), &limits);
    /// let container = |name, millis| {
    ///     ContainerResources::new(name).with_limits(CpuMillis::new(millis), Bytes::new(1 << 20))
    /// };
    ///
    /// let live = Allocation::new(20, vec![container("app", 900), container("proxy", 300)]);
    /// let nearest = envelope.nearest(&live);
    /// assert_eq!(nearest, Allocation::new(12, vec![container("app", 600), container("proxy", 200)]));
    /// ```
    #[must_use]
    pub fn nearest(&self, allocation: &Allocation) -> Allocation {
        let mut to = allocation.clone();
        self.move_pods(&mut to);
        for resource in Resource::ALL {
            let bounds = self.pod_bounds(resource);
            if !bounds.range().is_contradictory() {
                lower_ceilings(&mut to, resource, &bounds);
                raise_requests(&mut to, resource, &bounds);
            }
        }
        for budget in &self.budgets {
            if budget.is_of_one(&self.workload) {
                for what in Drawn::ALL {
                    self.fit_budget(&mut to, budget, what);
                }
            }
        }
        self.keep_class(allocation, &mut to);
        to
    }

    fn move_pods(&self, to: &mut Allocation) {
        let nearest = |pods| nearest_in(&self.replicas, pods);
        match &mut to.autoscale {
            Some(autoscale) => {
                let least = nearest(autoscale.min_replicas());
                if least != autoscale.min_replicas() {
                    autoscale.min = Some(least);
                }
                autoscale.max = nearest(autoscale.max);
            }
            None => to.replicas = nearest(to.replicas),
        }
    }

    fn fit_budget(&self, to: &mut Allocation, budget: &Budget, what: Drawn) {
        let Some(most) = budget.most(what) else {
            return;
        };
        let per_pod = match what {
            Drawn::Requests(resource) => sum(to, |c| c.reserved(resource)),
            Drawn::Pods => 1,
        };
        if per_pod == 0 {
            return;
        }
        let fit = u32::try_from(most / per_pod).unwrap_or(u32::MAX);
        let fewest = self
            .replicas
            .min
            .as_ref()
            .map_or(1, |limit| limit.value)
            .max(1);
        let pods = to.most_pods().min(fit.max(fewest));
        match &mut to.autoscale {
            Some(autoscale) => {
                autoscale.max = pods;
                if autoscale.min_replicas() > pods {
                    autoscale.min = Some(pods);
                }
            }
            None => to.replicas = pods,
        }
        let Drawn::Requests(resource) = what else {
            return;
        };
        if u128::from(pods).saturating_mul(per_pod) <= most {
            return;
        }
        let least = self
            .pod_bounds(resource)
            .min
            .map_or(0, |limit| u128::from(limit.value));
        let target = (most / u128::from(pods.max(1))).max(least);
        if target < per_pod {
            lower_requests(to, resource, target);
        }
    }

    /// Steps back by the least amount from a class of service that the bounds did not ask for.
    fn keep_class(&self, from: &Allocation, to: &mut Allocation) {
        if from.qos_class() != QosClass::Burstable || to.qos_class() != QosClass::Guaranteed {
            return;
        }
        let distance = self.distance(to);
        for idx in 0..to.containers.len() {
            for resource in Resource::ALL {
                for bound in ResourceBound::ALL {
                    let mut other = to.clone();
                    let Some(container) = other.containers.get_mut(idx) else {
                        continue;
                    };
                    let amount = match bound {
                        ResourceBound::Requests => container.reserved(resource).checked_sub(1),
                        ResourceBound::Limits => container.ceiling(resource).checked_add(1),
                    };
                    if amount.is_none_or(|amount| amount == 0) {
                        continue;
                    }
                    container.set_amount(bound, resource, amount);
                    if self.distance(&other).is_no_worse_than(&distance) {
                        *to = other;
                        return;
                    }
                }
            }
        }
    }
}

/// The value inside that is nearest; where the ends exclude each other, the nearest from which neither gets worse.
pub(super) fn nearest_in<T: Ord + Copy>(limits: &Limits<T>, value: T) -> T {
    let ends = [&limits.min, &limits.max].map(|limit| limit.as_ref().map(|limit| limit.value));
    match ends {
        [Some(a), Some(b)] => value.clamp(a.min(b), a.max(b)),
        [Some(min), None] => value.max(min),
        [None, Some(max)] => value.min(max),
        [None, None] => value,
    }
}

/// Brings the sum of limits down to the maximum.
fn lower_ceilings(to: &mut Allocation, resource: Resource, bounds: &Limits<u64>) {
    let Some(max) = bounds.max.as_ref().map(|limit| u128::from(limit.value)) else {
        return;
    };
    let ceilings: Vec<u64> = to.containers.iter().map(|c| c.ceiling(resource)).collect();
    if ceilings.iter().copied().map(u128::from).sum::<u128>() <= max {
        return;
    }
    let shares = apportion(&ceilings, max);
    for ((container, share), ceiling) in to.containers.iter_mut().zip(shares).zip(ceilings) {
        // A limit of nothing would be none.
        let share = share.max(ceiling.min(1));
        let request = container.amount(ResourceBound::Requests, resource);
        if container.amount(ResourceBound::Limits, resource).is_some() {
            container.set_amount(ResourceBound::Limits, resource, Some(share));
        }
        if request.is_some_and(|request| request > share) {
            container.set_amount(ResourceBound::Requests, resource, Some(share));
        }
    }
}

/// Brings the sum of requests up to the minimum: within limits first, then with them.
fn raise_requests(to: &mut Allocation, resource: Resource, bounds: &Limits<u64>) {
    let Some(min) = bounds.min.as_ref().map(|limit| u128::from(limit.value)) else {
        return;
    };
    let mut requests: Vec<u64> = to.containers.iter().map(|c| c.reserved(resource)).collect();
    let mut lacking = min.saturating_sub(requests.iter().copied().map(u128::from).sum());
    if lacking == 0 || requests.is_empty() {
        return;
    }
    let room = |idx: usize, request: u64| {
        to.containers
            .get(idx)
            .and_then(|c| c.amount(ResourceBound::Limits, resource))
            .map_or(u64::MAX, |limit| limit.saturating_sub(request))
    };
    // Every round fills a limit, or is the last.
    for _ in 0..=requests.len() {
        let mut weights: Vec<u64> = requests
            .iter()
            .enumerate()
            .map(|(idx, request)| if room(idx, *request) > 0 { *request } else { 0 })
            .collect();
        if weights.iter().all(|weight| *weight == 0) {
            weights = requests
                .iter()
                .enumerate()
                .map(|(idx, request)| u64::from(room(idx, *request) > 0))
                .collect();
        }
        let shares = apportion(&weights, lacking);
        for (idx, (request, share)) in requests.iter_mut().zip(shares).enumerate() {
            let more = share.min(room(idx, *request));
            *request = request.saturating_add(more);
            lacking = lacking.saturating_sub(u128::from(more));
        }
    }
    let shares = if requests.iter().all(|request| *request == 0) {
        apportion(&vec![1; requests.len()], lacking)
    } else {
        apportion(&requests, lacking)
    };
    for ((container, request), share) in to.containers.iter_mut().zip(requests).zip(shares) {
        let request = request.saturating_add(share);
        if request == container.reserved(resource) {
            continue;
        }
        container.set_amount(ResourceBound::Requests, resource, Some(request));
        let limit = container.amount(ResourceBound::Limits, resource);
        if limit.is_some_and(|limit| limit < request) {
            container.set_amount(ResourceBound::Limits, resource, Some(request));
        }
    }
}

/// Brings the sum of requests down to `target`; a limit that equals its request goes with it.
fn lower_requests(to: &mut Allocation, resource: Resource, target: u128) {
    let requests: Vec<u64> = to.containers.iter().map(|c| c.reserved(resource)).collect();
    let shares = apportion(&requests, target);
    for ((container, share), request) in to.containers.iter_mut().zip(shares).zip(requests) {
        let share = share.max(request.min(1));
        if container.amount(ResourceBound::Limits, resource) == Some(request) {
            container.set_amount(ResourceBound::Limits, resource, Some(share));
        }
        if container
            .amount(ResourceBound::Requests, resource)
            .is_some()
        {
            container.set_amount(ResourceBound::Requests, resource, Some(share));
        }
    }
}
