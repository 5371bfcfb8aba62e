//! What the API server in memory says that it covers, held on it and on a real one alike.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]
#![expect(clippy::panic, reason = "an answer of another kind fails its test")]
#![expect(clippy::indexing_slicing, reason = "what is not there fails its test")]

use std::time::Duration;

use futures::StreamExt;
use ibn_e2e::{in_namespace, shop, until};
use ibn_testkit::apiserver::ApiServer;
use ibn_testkit::service::need;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{
    Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchEvent,
    WatchParams,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

async fn clusters() -> Vec<kube::Client> {
    let fake = kube::Client::new(ApiServer::new().with_life(2000), "default");
    let real = need("cluster", ibn_e2e::cluster().await);
    std::iter::once(fake).chain(real).collect()
}

fn by(manager: &str) -> PatchParams {
    PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    }
}

fn config(name: &str, data: Value) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": data})).unwrap()
}

#[track_caller]
fn refused<T>(result: kube::Result<T>) -> (u16, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason),
        Err(error) => panic!("an answer: {error}"),
        Ok(_) => panic!("a refusal"),
    }
}

fn code(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn objects_are_made_read_and_deleted() {
    for client in clusters().await {
        in_namespace(&client, "objects", async |space| {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), space);
            let params = PostParams::default();
            let made = api.create(&params, &config("a", json!({"x": "1"}))).await;
            let made = made.unwrap();
            let again = api.create(&params, &config("a", json!({}))).await;
            assert_eq!(refused(again), code(409, "AlreadyExists"));
            assert_eq!(refused(api.get("b").await), code(404, "NotFound"));
            let elsewhere: Api<ConfigMap> = Api::namespaced(client.clone(), "no-such-namespace");
            let lost = elsewhere.create(&params, &config("a", json!({}))).await;
            assert_eq!(refused(lost), code(404, "NotFound"));
            let dry = PostParams {
                dry_run: true,
                ..PostParams::default()
            };
            api.create(&dry, &config("b", json!({}))).await.unwrap();
            assert!(api.get_opt("b").await.unwrap().is_none(), "only tried out");

            let another = DeleteParams::default().preconditions(Preconditions {
                uid: Some("00000000-0000-0000-0000-000000000000".to_owned()),
                resource_version: None,
            });
            assert_eq!(
                refused(api.delete("a", &another).await),
                code(409, "Conflict")
            );
            let just_this = DeleteParams::default().preconditions(Preconditions {
                uid: made.metadata.uid.clone(),
                resource_version: None,
            });
            api.delete("a", &just_this).await.unwrap();
            assert!(api.get_opt("a").await.unwrap().is_none());
        })
        .await;
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_by_label() {
    for client in clusters().await {
        in_namespace(&client, "lists", async |space| {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), space);
            for name in ["a", "b", "c", "d", "e"] {
                let mut object = config(name, json!({}));
                let label = if name < "c" { "first" } else { "rest" };
                object.metadata.labels = Some([("part".to_owned(), label.to_owned())].into());
                api.create(&PostParams::default(), &object).await.unwrap();
            }
            let rest = ListParams::default().labels("part=rest");
            let mut seen = Vec::new();
            let mut page = api.list(&rest.clone().limit(2)).await.unwrap();
            loop {
                let names = page
                    .items
                    .iter()
                    .map(|it| it.metadata.name.clone().unwrap());
                seen.push(names.collect::<Vec<_>>());
                let Some(token) = page.metadata.continue_.filter(|it| !it.is_empty()) else {
                    break;
                };
                let next = rest.clone().limit(2).continue_token(&token);
                page = api.list(&next).await.unwrap();
            }
            assert_eq!(seen, [vec!["c", "d"], vec!["e"]]);
            let one = ListParams::default().fields("metadata.name=b");
            assert_eq!(api.list(&one).await.unwrap().items.len(), 1);
        })
        .await;
    }
}

#[tokio::test]
async fn writes_hold_their_preconditions() {
    for client in clusters().await {
        in_namespace(&client, "versions", async |space| {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), space);
            let params = PostParams::default();
            let first = api.create(&params, &config("a", json!({"x": "1"}))).await;
            let first = first.unwrap();
            let version = |of: &ConfigMap| of.metadata.resource_version.clone();
            let patch = |body: Value| {
                let api = api.clone();
                async move { api.patch("a", &by("one"), &Patch::Merge(body)).await }
            };
            let same = patch(json!({"data": {"x": "1"}})).await.unwrap();
            assert_eq!(version(&same), version(&first), "nothing changed");
            let other = patch(json!({"data": {"x": "2"}})).await.unwrap();
            assert_ne!(version(&other), version(&first));
            let stale = json!({
                "metadata": {"resourceVersion": version(&first)},
                "data": {"x": "3"},
            });
            assert_eq!(refused(patch(stale).await), code(409, "Conflict"));
            let another = json!({
                "metadata": {"uid": "00000000-0000-0000-0000-000000000000"},
                "data": {"x": "3"},
            });
            assert_eq!(refused(patch(another).await), code(422, "Invalid"));
            let exact = json!({
                "metadata": {"resourceVersion": version(&other), "uid": first.metadata.uid},
                "data": {"x": null, "y": "4"},
            });
            let done = patch(exact).await.unwrap();
            assert_eq!(json!(done.data), json!({"y": "4"}));
            let mut replaced = first.clone();
            replaced.data = Some([("z".to_owned(), "5".to_owned())].into());
            let stale = api.replace("a", &params, &replaced).await;
            assert_eq!(refused(stale), code(409, "Conflict"));
            replaced.metadata.resource_version = version(&done);
            let mut another = replaced.clone();
            another.metadata.uid = Some("00000000-0000-0000-0000-000000000000".to_owned());
            let another = api.replace("a", &params, &another).await;
            assert_eq!(refused(another), code(409, "Conflict"));
            let done = api.replace("a", &params, &replaced).await.unwrap();
            assert_eq!(json!(done.data), json!({"z": "5"}));
            let mut dry = by("one");
            dry.dry_run = true;
            let tried = Patch::Merge(json!({"data": {"z": "6"}}));
            let tried = api.patch("a", &dry, &tried).await.unwrap();
            assert_eq!(json!(tried.data), json!({"z": "6"}));
            assert_eq!(version(&api.get("a").await.unwrap()), version(&done));
        })
        .await;
    }
}

/// Who owns what below `data`, by manager and operation.
fn owners(of: &ConfigMap) -> Vec<(String, String, Value)> {
    let entries = of.metadata.managed_fields.clone().unwrap_or_default();
    let mut found: Vec<_> = entries
        .into_iter()
        .map(|it| {
            let mut fields = it
                .fields_v1
                .map(|it| it.0["f:data"].clone())
                .unwrap_or_default();
            if let Some(map) = fields.as_object_mut() {
                // Also the map itself has owners, which nothing depends upon.
                map.remove(".");
            }
            (it.manager.unwrap(), it.operation.unwrap(), fields)
        })
        .collect();
    found.sort_by_key(|(manager, ..)| manager.clone());
    found
}

fn owner(manager: &str, operation: &str, fields: Value) -> (String, String, Value) {
    (manager.to_owned(), operation.to_owned(), fields)
}

#[tokio::test]
async fn fields_have_owners() {
    for client in clusters().await {
        in_namespace(&client, "owners", async |space| {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), space);
            let apply = |manager: &'static str, data: Value, force: bool| {
                let api = api.clone();
                let body = json!({
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": "a"},
                    "data": data,
                });
                async move {
                    let mut params = by(manager);
                    params.force = force;
                    api.patch("a", &params, &Patch::Apply(body)).await
                }
            };
            let made = apply("one", json!({"x": "1", "y": "1"}), false)
                .await
                .unwrap();
            assert_eq!(
                owners(&made),
                [owner("one", "Apply", json!({"f:x": {}, "f:y": {}}))]
            );
            let contested = apply("two", json!({"x": "2"}), false).await;
            assert_eq!(refused(contested), code(409, "Conflict"));
            let shared = apply("two", json!({"x": "1"}), false).await.unwrap();
            assert_eq!(
                owners(&shared),
                [
                    owner("one", "Apply", json!({"f:x": {}, "f:y": {}})),
                    owner("two", "Apply", json!({"f:x": {}})),
                ],
                "both say the same"
            );
            let taken = apply("two", json!({"x": "2"}), true).await.unwrap();
            assert_eq!(
                owners(&taken),
                [
                    owner("one", "Apply", json!({"f:y": {}})),
                    owner("two", "Apply", json!({"f:x": {}})),
                ],
                "by force"
            );
            let body = Patch::Merge(json!({"data": {"y": "3"}}));
            let edited = api.patch("a", &by("hand"), &body).await.unwrap();
            assert_eq!(
                owners(&edited),
                [
                    owner("hand", "Update", json!({"f:y": {}})),
                    owner("two", "Apply", json!({"f:x": {}})),
                ],
                "an edit takes a field over"
            );
            let dropped = apply("two", json!({"z": "4"}), false).await.unwrap();
            assert_eq!(
                json!(dropped.data),
                json!({"y": "3", "z": "4"}),
                "what its only owner no longer applies is gone"
            );
        })
        .await;
    }
}

#[tokio::test]
async fn watches_tell_what_happened_since() {
    for client in clusters().await {
        in_namespace(&client, "watch", async |space| {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), space);
            let params = PostParams::default();
            let first = api.create(&params, &config("a", json!({"x": "1"}))).await;
            let from = first.unwrap().metadata.resource_version.unwrap();
            let body = Patch::Merge(json!({"data": {"x": "2"}}));
            api.patch("a", &by("one"), &body).await.unwrap();
            let names = WatchParams::default().fields("metadata.name=a");
            let events = api.watch(&names, &from).await.unwrap();
            let mut events = std::pin::pin!(events);
            api.create(&params, &config("b", json!({}))).await.unwrap();
            api.delete("a", &DeleteParams::default()).await.unwrap();
            let mut seen = Vec::new();
            while seen.len() < 2 {
                let event = tokio::time::timeout(SOON, events.next()).await;
                match event.unwrap().unwrap().unwrap() {
                    WatchEvent::Modified(it) => seen.push(("modified", json!(it.data))),
                    WatchEvent::Deleted(it) => seen.push(("deleted", json!(it.data))),
                    WatchEvent::Added(it) => seen.push(("added", json!(it.data))),
                    WatchEvent::Bookmark(_) => {}
                    WatchEvent::Error(error) => panic!("{error:?}"),
                }
            }
            let data = json!({"x": "2"});
            assert_eq!(seen, [("modified", data.clone()), ("deleted", data)]);
        })
        .await;
    }
}

#[tokio::test]
async fn what_an_object_owns_goes_with_it_and_finalizers_hold_it() {
    for client in clusters().await {
        in_namespace(&client, "deletion", async |space| {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), space);
            let params = PostParams::default();
            let mut parent = config("parent", json!({}));
            parent.metadata.finalizers = Some(vec!["ibn.dev/test".to_owned()]);
            let parent = api.create(&params, &parent).await.unwrap();
            let child = json!({"metadata": {"name": "child", "ownerReferences": [{
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "parent",
                "uid": parent.metadata.uid,
            }]}});
            let child = serde_json::from_value(child).unwrap();
            api.create(&params, &child).await.unwrap();
            api.delete("parent", &DeleteParams::default())
                .await
                .unwrap();
            let held = api.get("parent").await.unwrap();
            assert!(held.metadata.deletion_timestamp.is_some());
            let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            api.patch("parent", &by("one"), &free).await.unwrap();
            until("both are gone", SOON, async || {
                let parent = api.get_opt("parent").await.unwrap();
                let child = api.get_opt("child").await.unwrap();
                (parent.is_none() && child.is_none()).then_some(())
            })
            .await;
        })
        .await;
    }
}

#[tokio::test]
async fn workloads_are_scaled_and_generations_move_with_the_specification() {
    for client in clusters().await {
        in_namespace(&client, "subresources", async |space| {
            let api: Api<Deployment> = Api::namespaced(client.clone(), space);
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let ready = async |count: i32| {
                let found = api.get("web").await.unwrap();
                let status = found.status.clone()?;
                (status.ready_replicas == Some(count)
                    && status.observed_generation == found.metadata.generation)
                    .then_some(found)
            };
            let before = until("a pod is ready", SOON, async || ready(1).await).await;
            let scale = api.get_scale("web").await.unwrap();
            assert_eq!(scale.spec.unwrap().replicas, Some(1));
            let stale = json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}});
            let stale = api
                .patch_scale("web", &by("one"), &Patch::Merge(stale))
                .await;
            assert_eq!(refused(stale), code(409, "Conflict"));
            let two = Patch::Merge(json!({"spec": {"replicas": 2}}));
            let scaled = api.patch_scale("web", &by("one"), &two).await.unwrap();
            assert_eq!(scaled.spec.unwrap().replicas, Some(2));
            let after = until("two pods are ready", SOON, async || ready(2).await).await;
            assert!(after.metadata.generation > before.metadata.generation);
            // A write of the object leaves its status alone.
            let meddled = Patch::Merge(json!({"status": {"readyReplicas": 17}}));
            api.patch("web", &by("one"), &meddled).await.unwrap();
            let found = api.get("web").await.unwrap();
            assert_eq!(found.status.unwrap().ready_replicas, Some(2));
        })
        .await;
    }
}

#[tokio::test]
async fn pods_take_a_resize_within_its_rules() {
    for client in clusters().await {
        in_namespace(&client, "resizes", async |space| {
            shop::create(&client, space, &shop::deployment("web", 1))
                .await
                .unwrap();
            let api: Api<Pod> = Api::namespaced(client.clone(), space);
            let pod = until("a pod runs", SOON, async || {
                let pods = shop::pods(&client, space, "web").await.unwrap();
                let pod = pods.into_iter().next()?;
                let phase = pod.status.as_ref()?.phase.clone();
                (phase.as_deref() == Some("Running")).then_some(pod)
            })
            .await;
            let name = pod.metadata.name.unwrap();
            let resize_by = |manager: &'static str, container: Value| {
                let (api, name) = (api.clone(), name.clone());
                let body = json!({"spec": {"containers": [container]}});
                async move {
                    api.patch_resize(&name, &by(manager), &Patch::Strategic(body))
                        .await
                }
            };
            let resize = |container: Value| resize_by("one", container);
            let app = |resources: Value| json!({"name": "app", "resources": resources});
            let removed = resize(app(json!({"limits": {"cpu": null}}))).await;
            assert_eq!(refused(removed), code(422, "Invalid"));
            let above = resize(app(json!({"requests": {"cpu": "200m"}}))).await;
            assert_eq!(refused(above), code(422, "Invalid"));
            let guaranteed = json!({
                "requests": {"cpu": "50m", "memory": "64Mi"},
                "limits": {"cpu": "50m", "memory": "64Mi"},
            });
            let another_class = resize(app(guaranteed)).await;
            assert_eq!(refused(another_class), code(422, "Invalid"));
            let image = json!({"name": "app", "image": "other:1"});
            let image = resize_by("two", image).await;
            let image = json!(image.unwrap().spec.unwrap().containers[0].image);
            assert_eq!(image, "ibn.local/shop:1", "anything else is left out");
            let done = resize(app(json!({"limits": {"cpu": "120m"}})))
                .await
                .unwrap();
            let entries = done.metadata.managed_fields.unwrap();
            let ours = entries
                .iter()
                .find(|it| it.manager.as_deref() == Some("one"));
            let ours = ours.unwrap();
            assert_eq!(ours.subresource.as_deref(), Some("resize"));
            let container = &ours.fields_v1.as_ref().unwrap().0["f:spec"]["f:containers"];
            let container = &container["k:{\"name\":\"app\"}"];
            assert_eq!(
                container,
                &json!({"f:resources": {"f:limits": {"f:cpu": {}}}})
            );
            until("the node says that it is done", SOON, async || {
                let pod = api.get(&name).await.unwrap();
                let status = pod.status?.container_statuses?.into_iter().next()?;
                let cpu = status.resources?.limits?.get("cpu")?.0.clone();
                (cpu == "120m").then_some(())
            })
            .await;
        })
        .await;
    }
}
