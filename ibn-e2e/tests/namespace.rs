//! A test's namespace is there for the test, and gone after it.

use futures::FutureExt;
use ibn_testkit::service::need;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;

#[tokio::test]
async fn a_namespace_goes_with_its_test_also_where_that_fails() {
    let Some(client) = need("cluster", ibn_e2e::cluster().await) else {
        return;
    };
    let spaces: Api<Namespace> = Api::all(client.clone());
    let name = ibn_e2e::in_namespace(&client, "space", async |name| {
        assert!(is_there(&spaces, name).await);
        name.to_owned()
    })
    .await;
    assert!(!is_there(&spaces, &name).await);

    let seen = std::sync::Mutex::new(String::new());
    let failing = ibn_e2e::in_namespace(&client, "space", async |name| {
        *seen.lock().unwrap() = name.to_owned();
        panic!("as a test would");
    });
    let outcome: Result<(), _> = std::panic::AssertUnwindSafe(failing).catch_unwind().await;
    assert!(outcome.is_err());
    let name = seen.into_inner().unwrap();
    assert!(!is_there(&spaces, &name).await);
}

/// Whether it is there and not on its way out.
async fn is_there(spaces: &Api<Namespace>, name: &str) -> bool {
    let found = spaces.get_opt(name).await;
    found.is_ok_and(|it| it.is_some_and(|it| it.metadata.deletion_timestamp.is_none()))
}
