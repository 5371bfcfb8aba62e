//! The fixtures of `ibn-k8s`, against the API server's own evaluation of our rules.

use std::path::{Path, PathBuf};

use ibn_e2e::{in_namespace, install_crds};
use ibn_testkit::service::need;
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

fn fixtures(kind: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ibn-k8s/fixtures")
        .join(kind);
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn documents(text: &str) -> Vec<DynamicObject> {
    text.split("---\n")
        .map(|document| serde_saphyr::from_str::<Value>(document).unwrap())
        .map(|document| serde_json::from_value(document).unwrap())
        .collect()
}

fn api(client: &kube::Client, space: &str, object: &DynamicObject) -> Api<DynamicObject> {
    let kind = &object.types.as_ref().unwrap().kind;
    let kind = GroupVersionKind::gvk("ibn.dev", "v1alpha1", kind);
    Api::namespaced_with(client.clone(), space, &ApiResource::from_gvk(&kind))
}

#[tokio::test]
async fn what_is_to_pass_is_taken_whole() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "pass", async |space| {
        for (path, text) in fixtures("pass") {
            for mut object in documents(&text) {
                // Where the policies are installed, an intent speaks of no namespace but the one it stands in.
                let target = object.data.pointer_mut("/spec/target");
                if let Some(target) = target.filter(|target| target["kind"] == "Namespace") {
                    target["name"] = json!(space);
                }
                let made = api(&client, space, &object)
                    .create(&PostParams::default(), &object)
                    .await
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                // A field that the schema lacks would have been dropped in silence.
                assert_eq!(made.data["spec"], object.data["spec"], "{}", path.display());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_to_fail_is_refused_with_its_field() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    install_crds(&client).await;
    in_namespace(&client, "fail", async |space| {
        for (path, text) in fixtures("fail") {
            let expected = text
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("# refused: "))
                .unwrap();
            let expected = expected.strip_prefix("schema: ").unwrap_or(expected);
            let (field, message) = expected.split_once(": ").unwrap_or((expected, ""));
            let mut documents = documents(&text);
            let mut object = documents.pop().unwrap();
            let api = api(&client, space, &object);
            let refused = match documents.pop() {
                None => api.create(&PostParams::default(), &object).await,
                Some(old) => {
                    let made = api.create(&PostParams::default(), &old).await.unwrap();
                    object.metadata.resource_version = made.metadata.resource_version;
                    let name = object.metadata.name.clone().unwrap();
                    api.replace(&name, &PostParams::default(), &object).await
                }
            };
            let Err(kube::Error::Api(status)) = refused else {
                panic!("{}: {refused:?}", path.display());
            };
            assert_eq!(status.code, 422, "{}: {status:?}", path.display());
            let causes = json!(status.details.unwrap().causes);
            let is_told = causes.as_array().unwrap().iter().any(|cause| {
                let told = cause["message"].as_str().unwrap();
                cause["field"] == field && told.ends_with(message)
            });
            assert!(is_told, "{}: {causes}", path.display());
        }
    })
    .await;
}
