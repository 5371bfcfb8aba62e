//! Watches that everything of one process shares: one list and one watch per kind, and only the fields that are read.

mod cache;
mod views;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use ibn_core::Error;
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ApiResource};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use crate::error::API_SERVER;
use cache::Health;
pub(crate) use cache::{Cache, Changes, View};
pub use views::FIELD_MANAGER;
pub(crate) use views::{
    ClaimView, Given, JOURNAL, MANAGED_BY, NamespaceView, NodeView, Phase, PodView, QuotaView,
    Resize, Rollout, ScalerView, WorkloadView,
};

/// How long a watch may fail before what it showed last is no longer taken for what is live.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every namespace; needs cluster-wide permissions.
    Cluster,
    /// These namespaces; needs permissions in each of them only. What nodes have room for is then not known.
    Namespaces(BTreeSet<String>),
}

impl Scope {
    /// One namespace.
    #[must_use]
    pub fn namespace(name: &str) -> Self {
        Self::Namespaces(BTreeSet::from([name.to_owned()]))
    }

    /// The namespaces to watch one by one; the empty name for all at once.
    fn sources(&self) -> BTreeSet<String> {
        match self {
            Self::Cluster => BTreeSet::from([String::new()]),
            Self::Namespaces(names) => names.clone(),
        }
    }
}

/// The watches of one process, for as long as this lives.
///
/// Each kind is listed once, in pages, and watched from there on; what others then ask is answered from memory. Of each object
/// only the fields that somebody reads are kept. VerticalPodAutoscalers and ScaledObjects are watched where their kinds exist.
pub struct Watches {
    pub(crate) client: Client,
    pub(crate) scope: Scope,
    pub(crate) changes: Arc<Changes>,
    pub(crate) deployments: Arc<Cache<WorkloadView>>,
    pub(crate) stateful_sets: Arc<Cache<WorkloadView>>,
    pub(crate) pods: Arc<Cache<PodView>>,
    pub(crate) scalers: Arc<Cache<ScalerView>>,
    pub(crate) quotas: Arc<Cache<QuotaView>>,
    pub(crate) verticals: Arc<Cache<ClaimView>>,
    pub(crate) scaled_objects: Arc<Cache<ClaimView>>,
    pub(crate) namespaces: Arc<Cache<NamespaceView>>,
    pub(crate) nodes: Arc<Cache<NodeView>>,
    tasks: JoinSet<()>,
}

/// Whether a cluster may do without a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Built,
    Optional,
}

impl Watches {
    /// Begins to watch; [`Watches::synced`] says when everything was listed.
    ///
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn start(client: Client, scope: Scope) -> Self {
        let changes = Arc::<Changes>::default();
        let mut watches = Self {
            deployments: cache(&changes, &scope),
            stateful_sets: cache(&changes, &scope),
            pods: cache(&changes, &scope),
            scalers: cache(&changes, &scope),
            quotas: cache(&changes, &scope),
            verticals: cache(&changes, &scope),
            scaled_objects: cache(&changes, &scope),
            namespaces: cache(&changes, &Scope::Cluster),
            nodes: cache(&changes, &Scope::Cluster),
            client,
            scope,
            changes,
            tasks: JoinSet::new(),
        };
        let cache = Arc::clone(&watches.deployments);
        watches.follow(cache, |it: &Deployment| Some(WorkloadView::deployment(it)));
        let cache = Arc::clone(&watches.stateful_sets);
        watches.follow(cache, |it: &StatefulSet| {
            Some(WorkloadView::stateful_set(it))
        });
        let cache = Arc::clone(&watches.pods);
        watches.follow(cache, |it: &Pod| Some(PodView::of(it)));
        let cache = Arc::clone(&watches.scalers);
        watches.follow(cache, |it: &HorizontalPodAutoscaler| {
            Some(ScalerView::of(it))
        });
        let cache = Arc::clone(&watches.quotas);
        watches.follow(cache, QuotaView::of);
        let kind = GroupVersionKind::gvk("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler");
        let cache = Arc::clone(&watches.verticals);
        watches.follow_foreign(&kind, cache, ClaimView::vertical);
        let kind = GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject");
        let cache = Arc::clone(&watches.scaled_objects);
        watches.follow_foreign(&kind, cache, ClaimView::scaled_object);
        if watches.scope == Scope::Cluster {
            let api = Api::all(watches.client.clone());
            let cache = Arc::clone(&watches.namespaces);
            let task = follow(api, String::new(), Kind::Built, cache, NamespaceView::of);
            watches.tasks.spawn(task);
            let api = Api::all(watches.client.clone());
            let cache = Arc::clone(&watches.nodes);
            let task = follow(api, String::new(), Kind::Optional, cache, NodeView::of);
            watches.tasks.spawn(task);
        } else {
            watches.namespaces.absent("");
            watches.nodes.absent("");
        }
        watches
    }

    fn follow<K, V: View>(&mut self, cache: Arc<Cache<V>>, look: fn(&K) -> Option<V>)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug
            + Send
            + 'static,
    {
        for source in self.scope.sources() {
            let api = match source.as_str() {
                "" => Api::all(self.client.clone()),
                name => Api::namespaced(self.client.clone(), name),
            };
            let cache = Arc::clone(&cache);
            self.tasks
                .spawn(follow(api, source, Kind::Built, cache, look));
        }
    }

    fn follow_foreign<V: View>(
        &mut self,
        kind: &GroupVersionKind,
        cache: Arc<Cache<V>>,
        look: fn(&DynamicObject) -> Option<V>,
    ) {
        let resource = ApiResource::from_gvk(kind);
        for source in self.scope.sources() {
            let api: Api<DynamicObject> = match source.as_str() {
                "" => Api::all_with(self.client.clone(), &resource),
                name => Api::namespaced_with(self.client.clone(), name, &resource),
            };
            let cache = Arc::clone(&cache);
            self.tasks
                .spawn(follow(api, source, Kind::Optional, cache, look));
        }
    }

    /// Waits until every kind was listed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after `limit`, with what went wrong last.
    pub async fn synced(&self, limit: Duration) -> ibn_core::Result<()> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            let change = self.changes.any().notified();
            match self.check() {
                Err(error) if tokio::time::Instant::now() >= until => return Err(error),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
            // A failure is no change: it is looked at again before long.
            let look = (tokio::time::Instant::now() + Duration::from_millis(200)).min(until);
            let _ = tokio::time::timeout_at(look, change).await;
        }
    }

    /// Whether what is in memory can be taken for what is live.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where a kind wasn't listed yet, or its watch has been failing for a while.
    pub fn check(&self) -> ibn_core::Result<()> {
        let all = [
            self.deployments.health(),
            self.stateful_sets.health(),
            self.pods.health(),
            self.scalers.health(),
            self.quotas.health(),
            self.verticals.health(),
            self.scaled_objects.health(),
            self.namespaces.health(),
            self.nodes.health(),
        ];
        for health in all.into_iter().flatten() {
            match health {
                Health::Following => {}
                Health::Starting(reason) => {
                    let reason = reason.unwrap_or_else(|| "not everything was listed yet".into());
                    return Err(Error::unavailable(API_SERVER, reason));
                }
                Health::Failing(since, reason) => {
                    if since.elapsed() > PATIENCE {
                        return Err(Error::unavailable(API_SERVER, reason));
                    }
                }
            }
        }
        Ok(())
    }

    /// A workload, as it was last seen.
    pub(crate) fn workload(&self, of: &WorkloadRef) -> Option<Arc<WorkloadView>> {
        self.workloads_of(of.kind)?.get(&of.namespace, &of.name)
    }

    pub(crate) fn workloads_of(&self, kind: WorkloadKind) -> Option<&Arc<Cache<WorkloadView>>> {
        match kind {
            WorkloadKind::Deployment => Some(&self.deployments),
            WorkloadKind::StatefulSet => Some(&self.stateful_sets),
            WorkloadKind::Namespace => None,
        }
    }

    /// The namespaces that are looked after.
    pub(crate) fn namespace_names(&self) -> BTreeSet<String> {
        match &self.scope {
            Scope::Cluster => {
                let all = self.namespaces.all();
                all.iter().map(|it| it.name.clone()).collect()
            }
            Scope::Namespaces(names) => names.clone(),
        }
    }
}

fn cache<V: View>(changes: &Arc<Changes>, scope: &Scope) -> Arc<Cache<V>> {
    Arc::new(Cache::new(Arc::clone(changes), scope.sources()))
}

/// Keeps what a cache has of a source as the cluster is.
async fn follow<K, V: View>(
    api: Api<K>,
    source: String,
    kind: Kind,
    cache: Arc<Cache<V>>,
    look: fn(&K) -> Option<V>,
) where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let events = watcher(api, watcher::Config::default()).default_backoff();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => {
                cache.heard(&source);
                cache.begin(&source);
            }
            Ok(Event::InitDone) => cache.finish(&source),
            Ok(Event::InitApply(object) | Event::Apply(object)) => {
                cache.heard(&source);
                match look(&object) {
                    Some(view) => cache.see(view),
                    None => forget(&cache, &object),
                }
            }
            Ok(Event::Delete(object)) => {
                cache.heard(&source);
                forget(&cache, &object);
            }
            Err(error) if kind == Kind::Optional && is_absent(&error) => cache.absent(&source),
            Err(error) => {
                tracing::debug!(kind = std::any::type_name::<K>(), %error, "a watch fails");
                cache.failed(&source, error.to_string());
            }
        }
    }
}

fn forget<V: View>(cache: &Cache<V>, object: &impl ResourceExt) {
    let key = (object.namespace().unwrap_or_default(), object.name_any());
    let version = object.resource_version().and_then(|it| it.parse().ok());
    cache.remove(&key, version.unwrap_or(0));
}

/// Whether the cluster doesn't have the kind, or doesn't show it to us.
fn is_absent(error: &watcher::Error) -> bool {
    let error = match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => error,
        _ => return false,
    };
    matches!(error, kube::Error::Api(status) if status.code == 404 || status.code == 403)
}
