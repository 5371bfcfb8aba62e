//! What the metrics server last measured of pods.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{Api, ApiResource, ListParams};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::time::Instant;

use crate::watch::Scope;

/// How long an answer is used again: many workloads are observed at about the same time, and the server measures seldom.
const FRESH: Duration = Duration::from_secs(5);

/// How long it is waited for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a pod uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// Cores.
    pub(super) cpu: f64,
    /// Bytes.
    pub(super) memory: f64,
    /// The end of what was measured.
    pub(super) at: Timestamp,
}

type ByPod = Arc<BTreeMap<(String, String), Usage>>;

/// The newest answer of the metrics server.
pub(super) struct Usages {
    client: Client,
    scope: Scope,
    newest: tokio::sync::Mutex<Option<(Instant, ByPod)>>,
}

impl Usages {
    pub(super) fn new(client: Client, scope: Scope) -> Self {
        Self {
            client,
            scope,
            newest: tokio::sync::Mutex::default(),
        }
    }

    /// What pods use, by namespace and name; nothing where nobody measures it.
    pub(super) async fn newest(&self) -> ByPod {
        let mut newest = self.newest.lock().await;
        if let Some((at, usages)) = newest.as_ref()
            && at.elapsed() < FRESH
        {
            return Arc::clone(usages);
        }
        let asked = tokio::time::timeout(PATIENCE, self.ask()).await;
        let usages = match asked {
            Ok(Ok(usages)) => usages,
            Ok(Err(error)) => {
                tracing::debug!(%error, "no metrics of pods");
                BTreeMap::new()
            }
            Err(_) => {
                tracing::debug!("no metrics of pods in time");
                BTreeMap::new()
            }
        };
        let usages = Arc::new(usages);
        *newest = Some((Instant::now(), Arc::clone(&usages)));
        usages
    }

    async fn ask(&self) -> kube::Result<BTreeMap<(String, String), Usage>> {
        let kind = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
        let resource = ApiResource::from_gvk_with_plural(&kind, "pods");
        let apis: Vec<Api<DynamicObject>> = match &self.scope {
            Scope::Cluster => vec![Api::all_with(self.client.clone(), &resource)],
            Scope::Namespaces(names) => names
                .iter()
                .map(|name| Api::namespaced_with(self.client.clone(), name, &resource))
                .collect(),
        };
        let mut usages = BTreeMap::new();
        for api in apis {
            let list = api.list(&ListParams::default()).await?;
            usages.extend(list.items.iter().filter_map(read));
        }
        Ok(usages)
    }
}

/// A sample, where it is whole.
fn read(object: &DynamicObject) -> Option<((String, String), Usage)> {
    let at = object.data.get("timestamp")?.as_str()?.parse().ok()?;
    let containers = object.data.get("containers")?.as_array()?;
    let mut usage = Usage {
        cpu: 0.0,
        memory: 0.0,
        at,
    };
    for container in containers {
        let amount = |name| {
            let text = container.get("usage").and_then(|it| it.get(name));
            quantity(text.and_then(Value::as_str)?)
        };
        usage.cpu += amount("cpu")?;
        usage.memory += amount("memory")?;
    }
    let key = (object.namespace()?, object.name_any());
    (!containers.is_empty()).then_some((key, usage))
}

/// A quantity as a number; finer than the amounts that are ordered.
fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let found = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    let (number, factor) = found.unwrap_or((text, 1.0));
    let value = number.parse::<f64>().ok()? * factor;
    (value.is_finite() && value >= 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_numbers() {
        for (text, number) in [
            ("12345678n", 0.012345678),
            ("250m", 0.25),
            ("2", 2.0),
            ("1e3", 1000.0),
            ("100Ki", 102_400.0),
            ("5M", 5e6),
            ("0", 0.0),
        ] {
            let read = quantity(text).unwrap();
            assert!((read - number).abs() <= 1e-12 * number, "{text}: {read}");
        }
        for text in ["", "m", "-1", "NaN", "a lot"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    #[test]
    fn a_sample_lacking_a_value_is_no_sample() {
        let whole = json!({
            "metadata": {"namespace": "acme", "name": "web-1"},
            "timestamp": "2026-01-01T00:00:10Z",
            "window": "15s",
            "containers": [
                {"name": "app", "usage": {"cpu": "100m", "memory": "10Mi"}},
                {"name": "side", "usage": {"cpu": "50000000n", "memory": "1Mi"}},
            ],
        });
        let object: DynamicObject = serde_json::from_value(whole.clone()).unwrap();
        let (key, usage) = read(&object).unwrap();
        assert_eq!(key, ("acme".to_owned(), "web-1".to_owned()));
        assert!((usage.cpu - 0.15).abs() < 1e-12);
        assert_eq!(usage.memory, 11.0 * 1_048_576.0);
        assert_eq!(usage.at.to_string(), "2026-01-01T00:00:10Z");
        let mut lacking = whole;
        lacking["containers"][1]["usage"] = json!({"cpu": "1"});
        let object: DynamicObject = serde_json::from_value(lacking).unwrap();
        assert_eq!(read(&object), None);
    }
}
