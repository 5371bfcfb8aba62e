//! Scenarios as files.

use super::*;

const SMALL: &str = r#"
name = "small"
horizon = "1h"
[[nodes]]
name = "n"
cpu = "4"
memory = "8Gi"
[[workloads]]
namespace = "acme"
name = "web"
replicas = 2
requests = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "10ms" }
startup = { law = "constant", mean = "5s" }
slo = { atMost = "100ms" }
demand = { constant = 20.0 }
"#;

#[track_caller]
fn check_error(from: &str, to: &str, expected: &str) {
    assert!(SMALL.contains(from));
    let error = Scenario::from_toml(&SMALL.replace(from, to))
        .and_then(|scenario| scenario.cluster(1).map(|_| ()))
        .unwrap_err()
        .to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_short_file_says_enough() {
    let scenario = Scenario::from_toml(SMALL).unwrap();
    let web = scenario
        .workload(&WorkloadRef::deployment("acme", "web"))
        .unwrap();
    assert_eq!(web.allocation().total_requests().cpu, CpuMillis::new(1000));
    assert_eq!(
        web.objective().unwrap().to_string(),
        "p95 latency at most 100ms over 5m"
    );
    assert_eq!((scenario.cores(), web.model(4).concurrency), (4, 4));
    let mut cluster = scenario.cluster(1).unwrap();
    assert_eq!(cluster.status("acme/Deployment/web").unwrap().ready, 2);
}

#[test]
fn what_is_wrong_is_named() {
    check_error("replicas = 2", "replicas = -2", "replicas");
    check_error("replicas = 2", "replicsa = 2", "replicsa");
    check_error("horizon = \"1h\"", "horizon = \"1 hour\"", "1 hour");
    check_error("horizon = \"1h\"", "horizon = \"0s\"", "horizon");
    check_error("constant = 20.0", "constant = -20.0", "demand");
    check_error(
        "constant = 20.0",
        "trace = { file = \"/nonexistent.csv\" }",
        "/nonexistent.csv",
    );
    check_error("exponential\"", "exponentiel\"", "exponentiel");
    let fault = "\n[[faults]]\nat = \"1m\"\nfor = \"1m\"\nworkload = \"acme/Deployment/wep\"\neffect = \"monitorDown\"\n";
    check_error(
        "demand = { constant = 20.0 }\n",
        &format!("demand = {{ constant = 20.0 }}\n{fault}"),
        "wep",
    );
}

#[test]
fn a_scenario_reads_back_as_it_is_written() {
    for scenario in [
        Scenario::from_toml(SMALL).unwrap(),
        Scenario::demo().unwrap(),
    ] {
        let text = toml::to_string(&scenario).unwrap();
        assert_eq!(Scenario::from_toml(&text).unwrap(), scenario);
    }
}

#[test]
fn the_demo_has_three_customers_with_three_workloads_each() {
    let demo = Scenario::demo().unwrap();
    let names: Vec<String> = demo
        .workloads
        .iter()
        .map(|w| format!("{}/{}", w.namespace, w.name))
        .collect();
    let expected: Vec<String> = ["acme", "globex", "initech"]
        .iter()
        .flat_map(|customer| ["web", "checkout", "worker"].map(|name| format!("{customer}/{name}")))
        .collect();
    assert_eq!(names, expected);
    assert_eq!(demo.guardrails().len(), 9);
    let cluster = demo.cluster(1).unwrap();
    assert!(cluster.free().cpu >= CpuMillis::new(16_000), "room to grow");
}
