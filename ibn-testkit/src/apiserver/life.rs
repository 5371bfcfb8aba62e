//! Controllers and nodes: what the cluster does by itself, at once.

use ibn_core::units::CpuMillis;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::pods;
use super::state::{Key, State, Writer, now, set, text};

/// Rounds until nothing moves; more would be a cluster that fights itself.
const ROUNDS: usize = 8;

impl State {
    /// Lets controllers and nodes do what there is to do.
    pub(super) fn live(&mut self) {
        let Some(node) = self.node_millis else { return };
        for _ in 0..ROUNDS {
            let before = self.version;
            self.run_pods(node);
            self.run_workloads();
            if self.version == before {
                break;
            }
        }
    }

    fn kind(&self, plural: &str) -> Option<Kind> {
        self.kinds.iter().find(|it| it.plural == plural).cloned()
    }

    fn run_workloads(&mut self) {
        for plural in ["deployments", "statefulsets"] {
            let Some(kind) = self.kind(plural) else {
                continue;
            };
            let place = format!("apps/{plural}");
            let keys: Vec<Key> = self
                .objects
                .keys()
                .filter(|key| key.0 == place)
                .cloned()
                .collect();
            for key in keys {
                self.run_workload(&kind, &key);
            }
        }
    }

    fn run_workload(&mut self, kind: &Kind, key: &Key) {
        let Some(workload) = self.objects.get(key).map(|it| it.value.clone()) else {
            return;
        };
        let Some(pod_kind) = self.kind("pods") else {
            return;
        };
        let controller = Writer {
            manager: "kube-controller-manager",
            subresource: "",
            is_dry_run: false,
        };
        let template = workload
            .pointer("/spec/template")
            .cloned()
            .unwrap_or_default();
        let hash = hash(&template.to_string());
        let wanted = workload.pointer("/spec/replicas").and_then(Value::as_u64);
        let wanted = usize::try_from(wanted.unwrap_or(1)).unwrap_or(0);
        let is_deployment = kind.plural == "deployments";
        let uid = text(&workload, "/metadata/uid")
            .unwrap_or_default()
            .to_owned();
        let mut owned: Vec<(Key, bool, bool)> = self
            .objects
            .iter()
            .filter(|(other, stored)| {
                other.0 == "/pods"
                    && other.1 == key.1
                    && text(&stored.value, "/metadata/annotations/fake-workload") == Some(&uid)
            })
            .map(|(other, stored)| {
                let label = text(&stored.value, "/metadata/labels/pod-template-hash");
                let is_ready = pods_ready(&stored.value);
                (other.clone(), label == Some(&hash), is_ready)
            })
            .collect();
        // Pods of an older template go first, then the youngest.
        owned.sort_by_key(|(_, is_current, _)| !*is_current);
        while owned.len() > wanted || owned.last().is_some_and(|(_, is_current, _)| !is_current) {
            let Some((gone, ..)) = owned.pop() else { break };
            self.remove(&gone, &controller);
        }
        while owned.len() < wanted {
            let mut pod = template.clone();
            let name = if is_deployment {
                format!("{}-{hash}-{:05}", key.2, self.version)
            } else {
                let taken = |idx: &usize| {
                    let name = format!("{}-{idx}", key.2);
                    !owned.iter().any(|(other, ..)| other.2 == name)
                };
                format!("{}-{}", key.2, (0..).find(taken).unwrap_or(0))
            };
            set(&mut pod, "/metadata/name", json!(name));
            set(&mut pod, "/metadata/annotations/fake-workload", json!(uid));
            set(&mut pod, "/metadata/labels/pod-template-hash", json!(hash));
            let mut owner = if is_deployment {
                json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{}-{hash}", key.2)})
            } else {
                json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": key.2})
            };
            set(&mut owner, "/uid", json!(uid));
            set(&mut owner, "/controller", json!(true));
            set(&mut pod, "/metadata/ownerReferences", json!([owner]));
            let place: Key = ("/pods".to_owned(), key.1.clone(), name);
            if self
                .put(&pod_kind, place.clone(), pod, &controller, None)
                .is_err()
            {
                break;
            }
            owned.push((place, true, false));
        }
        let ready = owned.iter().filter(|(.., is_ready)| *is_ready).count();
        let mut next = workload.clone();
        let status = json!({
            "observedGeneration": workload.pointer("/metadata/generation"),
            "replicas": owned.len(),
            "updatedReplicas": owned.len(),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": workload.pointer("/status/conditions"),
        });
        set(&mut next, "/status", status);
        let status_writer = Writer {
            manager: "kube-controller-manager",
            subresource: "status",
            is_dry_run: false,
        };
        let _ = self.put(kind, key.clone(), next, &status_writer, None);
    }

    fn run_pods(&mut self, node_millis: u64) {
        let Some(kind) = self.kind("pods") else {
            return;
        };
        let kubelet = Writer {
            manager: "kubelet",
            subresource: "status",
            is_dry_run: false,
        };
        let keys: Vec<Key> = self
            .objects
            .keys()
            .filter(|key| key.0 == "/pods")
            .cloned()
            .collect();
        for key in keys {
            let Some(pod) = self.objects.get(&key).map(|it| it.value.clone()) else {
                continue;
            };
            let requested: CpuMillis = pods::containers(&pod)
                .unwrap_or_default()
                .iter()
                .filter_map(|it| it.requests.cpu.or(it.limits.cpu))
                .sum();
            let fits = requested.get() <= node_millis;
            let since = text(&pod, "/status/conditions/0/lastTransitionTime");
            let since = since.map_or_else(now, str::to_owned);
            let mut conditions =
                vec![json!({"type": "Ready", "status": "True", "lastTransitionTime": since})];
            if !fits {
                conditions.push(json!({
                    "type": "PodResizePending",
                    "status": "True",
                    "reason": "Infeasible",
                    "message": "Node didn't have enough capacity: cpu",
                }));
            }
            let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
            let given = |idx: usize, wanted: &Value| {
                let path = format!("/status/containerStatuses/{idx}/resources");
                let has = pod.pointer(&path).cloned();
                let wanted = wanted.get("resources").cloned();
                if fits { wanted } else { has }
            };
            let statuses: Vec<Value> = containers
                .into_iter()
                .flatten()
                .enumerate()
                .map(|(idx, it)| {
                    json!({
                        "name": it.get("name"),
                        "image": it.get("image"),
                        "imageID": "",
                        "ready": true,
                        "restartCount": 0,
                        "resources": given(idx, it).unwrap_or(json!({})),
                    })
                })
                .collect();
            let mut next = pod.clone();
            let status = json!({
                "phase": "Running",
                "conditions": conditions,
                "containerStatuses": statuses,
            });
            set(&mut next, "/status", status);
            let _ = self.put(&kind, key, next, &kubelet, None);
        }
    }
}

fn pods_ready(pod: &Value) -> bool {
    text(pod, "/status/phase") == Some("Running")
}

/// A short name for a template.
fn hash(text: &str) -> String {
    let folded = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:010x}", folded & 0xff_ffff_ffff)
}
