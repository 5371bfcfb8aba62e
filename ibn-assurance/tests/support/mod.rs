//! What the tests of the deployment files and of a real Prometheus share.

pub(crate) mod catalogue;
pub(crate) mod dashboards;
pub(crate) mod exporter;
pub(crate) mod server;

use std::path::{Path, PathBuf};

use ibn_testkit::service;

/// A path below `deploy/`.
pub(crate) fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy")
        .join(path)
}

pub(crate) fn read(path: &str) -> String {
    let full = deploy(path);
    std::fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

/// Files of a folder below `deploy/` with this ending, in order.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries =
        std::fs::read_dir(deploy(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<String> = names
        .filter(|name| name.ends_with(ending))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no {ending}");
    found
}

/// Whether a program is there; says aloud that the test is skipped where it isn't and `service` isn't required.
pub(crate) fn has(program: &str, service: &str) -> bool {
    service::need(service, service::program(program)).is_some()
}
