//! The class of service that Kubernetes gives a pod, and which changes a running pod can't take.

use crate::allocation::{Allocation, ContainerResources, Resource, ResourceBound};

/// The class of service of a pod, as Kubernetes computes it from its containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QosClass {
    /// No container has a request or limit.
    BestEffort,
    /// Anything between.
    Burstable,
    /// Every container's CPU and memory are limited, and its requests equal its limits.
    Guaranteed,
}

impl QosClass {
    /// The class of a pod of these containers. Init containers are not known here.
    #[must_use]
    pub fn of(containers: &[ContainerResources]) -> Self {
        let set = |container: &ContainerResources, bound, resource| {
            container
                .amount(bound, resource)
                .filter(|amount| *amount > 0)
        };
        let every = |fits: &dyn Fn(&ContainerResources, Resource) -> bool| {
            containers.iter().all(|container| {
                Resource::ALL
                    .iter()
                    .all(|resource| fits(container, *resource))
            })
        };
        let is_unset = |container: &ContainerResources, resource| {
            ResourceBound::ALL
                .iter()
                .all(|bound| set(container, *bound, resource).is_none())
        };
        let is_pinned = |container: &ContainerResources, resource| {
            let limit = set(container, ResourceBound::Limits, resource);
            limit.is_some() && limit == Some(container.reserved(resource))
        };
        if every(&is_unset) {
            Self::BestEffort
        } else if every(&is_pinned) {
            Self::Guaranteed
        } else {
            Self::Burstable
        }
    }
}

impl Allocation {
    /// The class of service of its pods.
    #[must_use]
    pub fn qos_class(&self) -> QosClass {
        QosClass::of(&self.containers)
    }

    /// Whether running pods can't take the change to `to` in place, so that it needs new ones: Kubernetes neither removes
    /// a request or limit from a running pod nor changes its class of service.
    #[must_use]
    pub fn replaces_pods(&self, to: &Self) -> bool {
        let removes = self.containers.iter().any(|before| {
            to.container(&before.name)
                .is_some_and(|after| !before.removed_by(after).is_empty())
        });
        removes || self.qos_class() != to.qos_class()
    }
}

impl ContainerResources {
    /// What is set here and not in `after`.
    pub(crate) fn removed_by(&self, after: &Self) -> Vec<(ResourceBound, Resource)> {
        ResourceBound::ALL
            .into_iter()
            .flat_map(|bound| Resource::ALL.map(|resource| (bound, resource)))
            .filter(|(bound, resource)| {
                self.amount(*bound, *resource).is_some()
                    && after.amount(*bound, *resource).is_none()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Bytes, CpuMillis};

    fn app(request: u64, limit: u64) -> ContainerResources {
        ContainerResources::new("app")
            .with_requests(CpuMillis::new(request), Bytes::new(100))
            .with_limits(CpuMillis::new(limit), Bytes::new(100))
    }

    #[test]
    fn classes_are_those_of_kubernetes() {
        let bare = ContainerResources::new("side");
        assert_eq!(
            QosClass::of(std::slice::from_ref(&bare)),
            QosClass::BestEffort
        );
        assert_eq!(QosClass::of(&[app(5, 5)]), QosClass::Guaranteed);
        assert_eq!(QosClass::of(&[app(4, 5)]), QosClass::Burstable);
        assert_eq!(QosClass::of(&[app(5, 5), bare]), QosClass::Burstable);
        // A limit without a request is its own request.
        let mut limited = app(5, 5);
        limited.requests = crate::allocation::Resources::default();
        assert_eq!(QosClass::of(&[limited]), QosClass::Guaranteed);
    }

    #[test]
    fn removing_and_changing_class_replace_pods() {
        let before = Allocation::new(1, vec![app(4, 5)]);
        assert!(!before.replaces_pods(&Allocation::new(9, vec![app(3, 6)])));
        assert!(before.replaces_pods(&Allocation::new(1, vec![app(5, 5)])));
        let mut unlimited = app(4, 5);
        unlimited.limits.cpu = None;
        assert!(before.replaces_pods(&Allocation::new(1, vec![unlimited])));
    }
}
