//! Objects of one kind by name, as a watch and our own writes last showed them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use ibn_core::workload::WorkloadRef;
use tokio::sync::Notify;

/// Namespace (empty for what has none) and name.
pub(crate) type Key = (String, String);

/// What is kept of an object.
pub(crate) trait View: Send + Sync + 'static {
    /// Its place.
    fn key(&self) -> Key;

    /// The version of the object in the store of the cluster: greater is newer. 0 where that can't be told.
    fn version(&self) -> u64;

    /// The workload that it is, belongs to, or is about.
    fn about(&self) -> Option<WorkloadRef>;
}

/// How far a cache can be relied on.
#[derive(Debug, Clone)]
pub(crate) enum Health {
    /// Nothing was listed yet; what went wrong last.
    Starting(Option<String>),
    /// It follows the cluster.
    Following,
    /// The watch has been failing since then.
    Failing(Instant, String),
}

/// Objects by name. Of two versions of an object the newer stays, whoever brings it.
#[derive(Debug)]
pub(crate) struct Cache<V> {
    inner: RwLock<Inner<V>>,
    changes: Arc<Changes>,
}

#[derive(Debug)]
struct Inner<V> {
    items: BTreeMap<Key, Arc<V>>,
    groups: BTreeMap<WorkloadRef, BTreeSet<Key>>,
    /// By the namespace that is watched, which is empty where all are.
    sources: BTreeMap<String, Source>,
}

#[derive(Debug)]
struct Source {
    /// What a list under way has shown so far, and (`true`) what was written meanwhile.
    listed: Option<BTreeMap<Key, bool>>,
    health: Health,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            listed: None,
            health: Health::Starting(None),
        }
    }
}

/// Workloads about which something changed, for whoever follows that.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    dirty: std::sync::Mutex<BTreeSet<WorkloadRef>>,
    notify: Notify,
    any: Notify,
}

impl Changes {
    fn note(&self, workload: Option<WorkloadRef>) {
        if let Some(workload) = workload {
            let mut dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
            dirty.insert(workload);
            drop(dirty);
            self.notify.notify_one();
        }
        self.any.notify_waiters();
    }

    /// Takes what changed since it was last taken.
    pub(crate) fn take(&self) -> BTreeSet<WorkloadRef> {
        let mut dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *dirty)
    }

    /// Gives back what was taken and could not be dealt with.
    pub(crate) fn put_back(&self, workloads: BTreeSet<WorkloadRef>) {
        let mut dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        dirty.extend(workloads);
    }

    /// Waits until there is something new to take.
    pub(crate) async fn wait(&self) {
        self.notify.notified().await;
    }

    /// Waits for the next change of anything; for conditions that are looked at again and again.
    pub(crate) fn any(&self) -> &Notify {
        &self.any
    }
}

impl<V: View> Cache<V> {
    /// An empty one that is filled from these sources: namespaces, or the empty name for all.
    pub(crate) fn new(changes: Arc<Changes>, sources: impl IntoIterator<Item = String>) -> Self {
        let sources = sources.into_iter();
        Self {
            inner: RwLock::new(Inner {
                items: BTreeMap::new(),
                groups: BTreeMap::new(),
                sources: sources.map(|name| (name, Source::default())).collect(),
            }),
            changes,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner<V>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner<V>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A list begins: what it doesn't show of its source is gone at its end.
    pub(crate) fn begin(&self, source: &str) {
        let mut inner = self.write();
        let source = inner.sources.entry(source.to_owned()).or_default();
        source.listed = Some(BTreeMap::new());
    }

    /// A list is complete.
    pub(crate) fn finish(&self, source: &str) {
        let mut inner = self.write();
        let place = inner.sources.entry(source.to_owned()).or_default();
        place.health = Health::Following;
        let mut gone = Vec::new();
        if let Some(listed) = place.listed.take() {
            let keys = inner.items.keys();
            let keys = keys.filter(|key| is_of(key, source) && !listed.contains_key(key));
            gone = keys.cloned().collect::<Vec<_>>();
        }
        let about: Vec<_> = gone.iter().filter_map(|key| inner.take(key)).collect();
        drop(inner);
        for workload in about {
            self.changes.note(Some(workload));
        }
        self.changes.note(None);
    }

    /// An object as an answer to us has it; an older version than is known changes nothing.
    pub(crate) fn put(&self, view: V) {
        self.take_in(view, true);
    }

    /// An object as a watch or list has it.
    ///
    /// What a list shows is so, also where its version is older than what was known before: a cluster that was restored from
    /// a copy counts on from there.
    pub(crate) fn see(&self, view: V) {
        self.take_in(view, false);
    }

    fn take_in(&self, view: V, is_written: bool) {
        let key = view.key();
        let about = view.about();
        let mut inner = self.write();
        let mut is_news = false;
        for (name, source) in &mut inner.sources {
            if is_of(&key, name)
                && let Some(listed) = &mut source.listed
            {
                let was_written = listed.entry(key.clone()).or_insert(false);
                is_news |= !is_written && !*was_written;
                *was_written |= is_written;
            }
        }
        let version = view.version();
        if let Some(known) = inner.items.get(&key)
            && version != 0
            && known.version() > version
            && !is_news
        {
            return;
        }
        let before = inner.take(&key);
        if let Some(workload) = &about {
            let group = inner.groups.entry(workload.clone()).or_default();
            group.insert(key.clone());
        }
        inner.items.insert(key, Arc::new(view));
        drop(inner);
        if before.is_some() && before != about {
            self.changes.note(before);
        }
        self.changes.note(about);
    }

    /// An object is gone, as of this version.
    pub(crate) fn remove(&self, key: &Key, version: u64) {
        let mut inner = self.write();
        if let Some(known) = inner.items.get(key)
            && version != 0
            && known.version() > version
        {
            return;
        }
        let about = inner.take(key);
        drop(inner);
        self.changes.note(about);
    }

    /// The source answers again, or still.
    pub(crate) fn heard(&self, source: &str) {
        let is_failing = |health: &Health| matches!(health, Health::Failing(..));
        let inner = self.read();
        if !inner
            .sources
            .get(source)
            .is_some_and(|it| is_failing(&it.health))
        {
            return;
        }
        drop(inner);
        let mut inner = self.write();
        if let Some(source) = inner.sources.get_mut(source) {
            source.health = Health::Following;
        }
    }

    /// There are no objects of this kind in this source, or none that we may see.
    pub(crate) fn absent(&self, source: &str) {
        self.begin(source);
        self.finish(source);
    }

    /// The watch fails.
    pub(crate) fn failed(&self, source: &str, reason: String) {
        let mut inner = self.write();
        let source = inner.sources.entry(source.to_owned()).or_default();
        source.health = match &source.health {
            Health::Starting(_) => Health::Starting(Some(reason)),
            Health::Following => Health::Failing(Instant::now(), reason),
            Health::Failing(since, _) => Health::Failing(*since, reason),
        };
    }

    /// How far each source can be relied on.
    pub(crate) fn health(&self) -> Vec<Health> {
        let inner = self.read();
        inner.sources.values().map(|it| it.health.clone()).collect()
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<V>> {
        let key = (namespace.to_owned(), name.to_owned());
        self.read().items.get(&key).cloned()
    }

    /// All that is about a workload, by name.
    pub(crate) fn about(&self, workload: &WorkloadRef) -> Vec<Arc<V>> {
        let inner = self.read();
        let keys = inner.groups.get(workload).into_iter().flatten();
        keys.filter_map(|key| inner.items.get(key).cloned())
            .collect()
    }

    /// Everything, by namespace and name.
    pub(crate) fn all(&self) -> Vec<Arc<V>> {
        self.read().items.values().cloned().collect()
    }

    /// Everything in a namespace, by name.
    pub(crate) fn within(&self, namespace: &str) -> Vec<Arc<V>> {
        let inner = self.read();
        let from = (namespace.to_owned(), String::new());
        let items = inner.items.range(from..);
        items
            .take_while(|(key, _)| key.0 == namespace)
            .map(|(_, view)| Arc::clone(view))
            .collect()
    }
}

/// Whether an object is among what is watched of a namespace, or of all.
fn is_of(key: &Key, source: &str) -> bool {
    source.is_empty() || key.0 == source
}

impl<V: View> Inner<V> {
    /// Removes an object; what it was about.
    fn take(&mut self, key: &Key) -> Option<WorkloadRef> {
        let about = self.items.remove(key)?.about()?;
        if let Some(group) = self.groups.get_mut(&about) {
            group.remove(key);
            if group.is_empty() {
                self.groups.remove(&about);
            }
        }
        Some(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Thing(&'static str, u64, &'static str);

    impl View for Thing {
        fn key(&self) -> Key {
            ("acme".to_owned(), self.0.to_owned())
        }

        fn version(&self) -> u64 {
            self.1
        }

        fn about(&self) -> Option<WorkloadRef> {
            Some(WorkloadRef::deployment("acme", self.2))
        }
    }

    fn names(cache: &Cache<Thing>) -> Vec<(&'static str, u64)> {
        cache.all().iter().map(|it| (it.0, it.1)).collect()
    }

    #[test]
    fn the_newer_version_stays() {
        let cache = Cache::new(Arc::default(), [String::new()]);
        cache.put(Thing("a", 7, "web"));
        cache.put(Thing("a", 5, "web"));
        assert_eq!(names(&cache), [("a", 7)]);
        cache.remove(&("acme".to_owned(), "a".to_owned()), 6);
        assert_eq!(names(&cache), [("a", 7)]);
        cache.remove(&("acme".to_owned(), "a".to_owned()), 8);
        assert_eq!(names(&cache), []);
    }

    #[test]
    fn what_a_list_does_not_show_is_gone_and_what_was_written_meanwhile_stays() {
        let cache = Cache::new(Arc::default(), [String::new()]);
        for name in ["a", "b"] {
            cache.put(Thing(name, 1, "web"));
        }
        cache.begin("");
        cache.see(Thing("b", 1, "web"));
        cache.put(Thing("written", 9, "web"));
        assert_eq!(cache.all().len(), 3, "nothing is gone before the end");
        cache.finish("");
        assert_eq!(names(&cache), [("b", 1), ("written", 9)]);
    }

    #[test]
    fn a_list_counts_anew_but_not_for_what_was_written_meanwhile() {
        let cache = Cache::new(Arc::default(), [String::new()]);
        cache.put(Thing("a", 7, "web"));
        cache.see(Thing("a", 5, "web"));
        assert_eq!(names(&cache), [("a", 7)], "an event that comes late");
        cache.begin("");
        cache.see(Thing("a", 5, "web"));
        cache.put(Thing("b", 9, "web"));
        cache.see(Thing("b", 4, "web"));
        cache.finish("");
        assert_eq!(names(&cache), [("a", 5), ("b", 9)]);
    }

    #[test]
    fn what_moves_to_another_workload_is_no_longer_about_the_first() {
        let changes = Arc::<Changes>::default();
        let cache = Cache::new(Arc::clone(&changes), [String::new()]);
        cache.put(Thing("a", 1, "web"));
        cache.put(Thing("a", 2, "api"));
        let (web, api) = (
            WorkloadRef::deployment("acme", "web"),
            WorkloadRef::deployment("acme", "api"),
        );
        assert_eq!(cache.about(&web), []);
        assert_eq!(cache.about(&api).len(), 1);
        assert_eq!(changes.take(), BTreeSet::from([api, web]));
        assert_eq!(changes.take(), BTreeSet::new());
    }

    #[test]
    fn a_failing_watch_remembers_since_when() {
        let cache = Cache::<Thing>::new(Arc::default(), [String::new()]);
        cache.failed("", "no answer".to_owned());
        assert!(matches!(
            cache.health().as_slice(),
            [Health::Starting(Some(_))]
        ));
        cache.finish("");
        assert!(matches!(cache.health().as_slice(), [Health::Following]));
        cache.failed("", "no answer".to_owned());
        let [Health::Failing(since, _)] = cache.health()[..] else {
            panic!("it fails");
        };
        cache.failed("", "still none".to_owned());
        assert!(matches!(cache.health()[..], [Health::Failing(at, _)] if at == since));
        cache.heard("");
        assert!(matches!(cache.health().as_slice(), [Health::Following]));
    }

    #[test]
    fn a_list_of_one_namespace_takes_nothing_of_another_away() {
        let sources = ["acme".to_owned(), "other".to_owned()];
        let cache = Cache::new(Arc::default(), sources);
        cache.put(Thing("a", 1, "web"));
        cache.absent("other");
        assert_eq!(names(&cache), [("a", 1)]);
        cache.absent("acme");
        assert_eq!(names(&cache), []);
    }
}
