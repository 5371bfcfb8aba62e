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
        let mut pods = allocation.clone();
        self.move_pods(&mut pods);
        let mut sizes = pods.clone();
        for resource in Resource::ALL {
            let bounds = self.pod_bounds(resource);
            if !bounds.range().is_contradictory() {
                lower_ceilings(&mut sizes, resource, &bounds);
                raise_requests(&mut sizes, resource, &bounds);
            }
        }
        let mut budgets = sizes.clone();
        for budget in &self.budgets {
            if budget.is_of_one(&self.workload) {
                for what in Drawn::ALL {
                    self.fit_budget(&mut budgets, budget, what);
                }
            }
        }
        let distance = self.distance(allocation);
        // What one bound asks for may be against another: then as many of them as are compatible.
        for mut to in [budgets, sizes, pods] {
            self.keep_class(allocation, &mut to);
            if self.distance(&to).is_nearer_than(&distance) {
                return to;
            }
        }
        allocation.clone()
    }

    fn move_pods(&self, to: &mut Allocation) {
        let limits = self.replicas.settled();
        let nearest = |pods| nearest_in(&limits, pods);
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
            .settled()
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
                    if other.qos_class() == QosClass::Burstable
                        && self.distance(&other).is_no_worse_than(&distance)
                    {
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

/// Lowers amounts in proportion to the sum `total`, but none to nothing: that would be no limit at all.
fn divide(amounts: &[u64], total: u128) -> Vec<u64> {
    let shares = apportion(amounts, total);
    let is_kept = |(share, amount): (&u64, &u64)| *share > 0 || *amount == 0;
    if shares.iter().zip(amounts).all(is_kept) {
        return shares;
    }
    let beyond_one: Vec<u64> = amounts.iter().map(|it| it.saturating_sub(1)).collect();
    let ones: u128 = amounts.iter().map(|it| u128::from(*it > 0)).sum();
    let shares = apportion(&beyond_one, total.saturating_sub(ones));
    let add_one = |(share, amount): (u64, &u64)| share.saturating_add(u64::from(*amount > 0));
    shares.into_iter().zip(amounts).map(add_one).collect()
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
    for (container, share) in to.containers.iter_mut().zip(divide(&ceilings, max)) {
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
    let requests: Vec<u64> = to.containers.iter().map(|c| c.reserved(resource)).collect();
    let lacking = min.saturating_sub(sum(to, |c| c.reserved(resource)));
    if lacking == 0 {
        return;
    }
    let limits = to
        .containers
        .iter()
        .map(|c| c.amount(ResourceBound::Limits, resource));
    let caps: Vec<u64> = limits.clone().map(|it| it.unwrap_or(u64::MAX)).collect();
    let mut raised = requests.clone();
    let mut left = fill(&mut raised, &caps, lacking);
    // A request without a limit counts against the maximum: where that leaves no room, the other requests rise first.
    let ceilings = raised.iter().zip(limits.clone());
    let ceiling: u128 = ceilings
        .map(|(request, limit)| u128::from(limit.unwrap_or(*request)))
        .sum();
    if bounds
        .max
        .as_ref()
        .is_some_and(|max| ceiling > u128::from(max.value))
    {
        let as_they_are: Vec<u64> = limits
            .zip(&requests)
            .map(|(limit, request)| limit.unwrap_or(*request))
            .collect();
        raised = requests;
        left = fill(&mut raised, &as_they_are, lacking);
        left = fill(&mut raised, &caps, left);
    }
    let no_caps = vec![u64::MAX; raised.len()];
    fill(&mut raised, &no_caps, left);
    for (container, request) in to.containers.iter_mut().zip(raised) {
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

/// Raises amounts by `lacking` in all, in proportion to what they are, none above its cap; what found no room.
fn fill(amounts: &mut [u64], caps: &[u64], mut lacking: u128) -> u128 {
    // Every round brings one to its cap, or is the last.
    for _ in 0..=amounts.len() {
        let has_room = |(amount, cap): (&u64, &u64)| amount < cap;
        let mut weights: Vec<u64> = amounts
            .iter()
            .zip(caps)
            .map(|(amount, cap)| if amount < cap { *amount } else { 0 })
            .collect();
        if weights.iter().all(|weight| *weight == 0) {
            weights = amounts
                .iter()
                .zip(caps)
                .map(has_room)
                .map(u64::from)
                .collect();
        }
        let shares = apportion(&weights, lacking);
        for ((amount, cap), share) in amounts.iter_mut().zip(caps).zip(shares) {
            let more = share.min(cap.saturating_sub(*amount));
            *amount = amount.saturating_add(more);
            lacking = lacking.saturating_sub(u128::from(more));
        }
    }
    lacking
}

/// Brings the sum of requests down to `target`; a limit that equals its request goes with it.
fn lower_requests(to: &mut Allocation, resource: Resource, target: u128) {
    let requests: Vec<u64> = to.containers.iter().map(|c| c.reserved(resource)).collect();
    let shares = divide(&requests, target);
    for ((container, share), request) in to.containers.iter_mut().zip(shares).zip(requests) {
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
