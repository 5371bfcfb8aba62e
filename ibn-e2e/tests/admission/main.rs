//! What the API server refuses whoever the controller is, and whoever writes an intent.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![expect(clippy::panic, reason = "a failed helper fails its test")]

use std::time::Duration;

use ibn_e2e::{POLICY_HOLDS, apply_manifest, cluster_as, in_namespace, install_crds, shop, until};
use ibn_testkit::service::need;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

const CONTROLLER: &str = "system:serviceaccount:ibn-system:ibn-controller";

/// The cluster with everything installed but the controller itself.
async fn installed() -> Option<kube::Client> {
    let client = need("cluster", ibn_e2e::cluster().await)?;
    install_crds(&client).await;
    for file in ["00-namespace.yaml", "20-rbac.yaml", "30-policies.yaml"] {
        apply_manifest(&client, file).await;
    }
    Some(client)
}

fn objects(client: &kube::Client, kind: &str, space: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("ibn.dev", "v1alpha1", kind);
    Api::namespaced_with(client.clone(), space, &ApiResource::from_gvk(&kind))
}

fn object(kind: &str, name: &str, spec: Value) -> DynamicObject {
    let object = json!({
        "apiVersion": "ibn.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

/// The message of a refusal.
fn refusal<T: std::fmt::Debug>(answer: Result<T, kube::Error>) -> String {
    match answer {
        Err(kube::Error::Api(status)) if matches!(status.code, 403 | 422) => status.message.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_controller_itself_is_held_inside_the_guardrails() {
    let Some(client) = installed().await else {
        return;
    };
    in_namespace(&client, "rails", async |space| {
        let manifest = shop::deployment("web", 2);
        shop::create(&client, space, &manifest).await.unwrap();
        let limits = json!({
            "replicas": {"min": 1, "max": 4}, "cpu": {"max": "400m"}, "memory": {"max": "128Mi"},
            "rollout": "Never",
        });
        let elsewhere = json!({"selector": {"name": "other"}, "replicas": {"max": 1}});
        for (name, spec) in [("limits", limits), ("elsewhere", elsewhere)] {
            objects(&client, "Guardrail", space)
                .create(&PostParams::default(), &object("Guardrail", name, spec))
                .await
                .unwrap();
        }
        let theirs = need("cluster", cluster_as(CONTROLLER).await).unwrap();
        let workloads: Api<Deployment> = Api::namespaced(theirs.clone(), space);
        let scaled = async |to: u32| {
            let patch = json!({"spec": {"replicas": to}});
            let patch = Patch::Merge(&patch);
            workloads
                .patch_scale("web", &PatchParams::default(), &patch)
                .await
        };
        // A policy and its parameters take a moment to be known.
        until("the guardrail holds", POLICY_HOLDS, async || {
            scaled(9).await.is_err().then_some(())
        })
        .await;
        assert!(refusal(scaled(9).await).contains("9 is above the maximum of guardrail limits"));
        assert!(refusal(scaled(0).await).contains("0 is below the minimum of guardrail limits"));
        scaled(3).await.unwrap();
        let patch = json!({"spec": {"replicas": 9}});
        let direct = workloads
            .patch("web", &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        assert!(refusal(direct).contains("above the maximum"));
        let patch = json!({"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}});
        let rollout = workloads
            .patch("web", &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        assert!(refusal(rollout).contains("lets no rollout happen"));

        let pods: Api<Pod> = Api::namespaced(theirs.clone(), space);
        let pod = until("there is a pod", Duration::from_secs(60), async || {
            let found = pods.list(&ListParams::default()).await.ok()?;
            let running = |pod: &Pod| {
                let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
                phase == Some("Running")
            };
            found.items.into_iter().find(running)?.metadata.name
        })
        .await;
        let resized = async |limits: Value| {
            let patch =
                json!({"spec": {"containers": [{"name": "app", "resources": {"limits": limits}}]}});
            let patch = Patch::Strategic(&patch);
            pods.patch_subresource("resize", &pod, &PatchParams::default(), &patch)
                .await
        };
        assert!(refusal(resized(json!({"cpu": "900m"})).await).contains("limits.cpu"));
        assert!(refusal(resized(json!({"memory": "256Mi"})).await).contains("limits.memory"));
        resized(json!({"cpu": "390m"})).await.unwrap();

        // What it could get around the limits with, it may not touch.
        let rails = objects(&theirs, "Guardrail", space);
        refusal(rails.delete("limits", &DeleteParams::default()).await);
        let patch = json!({"spec": {"replicas": {"max": 99}}});
        let patch = Patch::Merge(&patch);
        refusal(rails.patch("limits", &PatchParams::default(), &patch).await);
        refusal(workloads.delete("web", &DeleteParams::default()).await);
        refusal(pods.delete(&pod, &DeleteParams::default()).await);
        let secrets: Api<Secret> = Api::namespaced(theirs.clone(), space);
        refusal(secrets.list(&ListParams::default()).await);
    })
    .await;
}

#[tokio::test]
async fn who_writes_an_intent_must_be_allowed_to_patch_its_target() {
    let Some(client) = installed().await else {
        return;
    };
    in_namespace(&client, "authors", async |space| {
        use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
        let allow = async |user: &str, rules: Value| {
            let role = json!({"metadata": {"name": user}, "rules": rules});
            let binding = json!({
                "metadata": {"name": user},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
            });
            let roles: Api<Role> = Api::namespaced(client.clone(), space);
            let role = serde_json::from_value(role).unwrap();
            roles.create(&PostParams::default(), &role).await.unwrap();
            let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), space);
            let binding = serde_json::from_value(binding).unwrap();
            bindings.create(&PostParams::default(), &binding).await.unwrap();
        };
        let intents = json!({"apiGroups": ["ibn.dev"], "resources": ["intents"], "verbs": ["create"]});
        let web = json!({"apiGroups": ["apps"], "resources": ["deployments"],
            "resourceNames": ["web"], "verbs": ["patch"]});
        allow("mallory", json!([intents])).await;
        allow("alice", json!([intents, web])).await;
        let write = async |user: &str, name: &str, target: &str, origin: Value| {
            let theirs = need("cluster", cluster_as(user).await).unwrap();
            let spec = json!({"target": {"kind": "Deployment", "name": target}, "origin": origin});
            objects(&theirs, "Intent", space)
                .create(&PostParams::default(), &object("Intent", name, spec))
                .await
        };
        let user = json!({"by": "user"});
        // The authorizer takes a moment to know of a role.
        until("alice may", POLICY_HOLDS, async || {
            write("alice", "hers", "web", user.clone()).await.ok()
        })
        .await;
        let refused = until("the policy holds", POLICY_HOLDS, async || {
            let name = "his";
            write("mallory", name, "web", user.clone()).await.err()
        })
        .await;
        let told = refusal::<()>(Err(refused));
        assert!(told.contains("mallory may not patch Deployment web"), "{told}");
        let told = refusal(write("alice", "other", "api", user.clone()).await);
        assert!(told.contains("alice may not patch Deployment api"), "{told}");
        let told = refusal(write("alice", "forged", "web", json!({"by": "assurance"})).await);
        assert!(told.contains("spec.origin"), "{told}");
    })
    .await;
}
