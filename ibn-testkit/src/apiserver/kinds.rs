//! The kinds of object that the server has.

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// As it is named in paths.
    pub plural: String,
    /// As it is named in objects.
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
}

impl Kind {
    /// A kind whose objects are in namespaces.
    #[must_use]
    pub fn namespaced(group: &str, version: &str, plural: &str, kind: &str) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            is_namespaced: true,
        }
    }

    /// A kind whose objects belong to the cluster.
    #[must_use]
    pub fn cluster_wide(group: &str, version: &str, plural: &str, kind: &str) -> Self {
        Self {
            is_namespaced: false,
            ..Self::namespaced(group, version, plural, kind)
        }
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether it has a number of pods that can be ordered.
    pub(super) fn is_scaled(&self) -> bool {
        self.group == "apps" && matches!(self.plural.as_str(), "deployments" | "statefulsets")
    }
}

pub(super) fn built_in() -> Vec<Kind> {
    vec![
        Kind::cluster_wide("", "v1", "namespaces", "Namespace"),
        Kind::cluster_wide("", "v1", "nodes", "Node"),
        Kind::namespaced("", "v1", "pods", "Pod"),
        Kind::namespaced("", "v1", "resourcequotas", "ResourceQuota"),
        Kind::namespaced("", "v1", "configmaps", "ConfigMap"),
        Kind::namespaced("apps", "v1", "deployments", "Deployment"),
        Kind::namespaced("apps", "v1", "statefulsets", "StatefulSet"),
        Kind::namespaced(
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
        ),
        Kind::namespaced("coordination.k8s.io", "v1", "leases", "Lease"),
        Kind::namespaced("events.k8s.io", "v1", "events", "Event"),
    ]
}
