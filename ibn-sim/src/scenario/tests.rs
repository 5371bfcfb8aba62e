//! Scenarios as files.

use ibn_core::read::{Format, read};
use ibn_testkit::mutants::{Kind, Mutator, Schema};

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
    check_error("constant = 20.0", "constant = -20.0", "demand.constant");
    check_error(
        "constant = 20.0",
        "constant = 20.0, day = { mean = 3 }",
        "both given",
    );
    check_error(
        "constant = 20.0",
        "trace = { file = \"/nonexistent.csv\" }",
        "/nonexistent.csv",
    );
    check_error(
        "constant = 20.0",
        "trace = { file = \"t.csv\", unit = \"often\" }",
        "often",
    );
    check_error("exponential\"", "exponentiel\"", "exponential");
    check_error(
        "exponential\", mean = \"10ms\"",
        "exponential\", mean = \"10ms\", cv = 1",
        "`cv` is no parameter",
    );
    check_error(
        "exponential\", mean = \"10ms\"",
        "hyperexponential\", mean = \"10ms\", cv = 0.5",
        "cv",
    );
    check_error(
        "exponential\", mean = \"10ms\"",
        "exponential\", mean = \"2h\"",
        "at most 1h",
    );
    let fault = "\n[[faults]]\nat = \"1m\"\nfor = \"1m\"\nworkload = \"acme/Deployment/wep\"\neffect = \"monitorDown\"\n";
    check_error(
        "demand = { constant = 20.0 }\n",
        &format!("demand = {{ constant = 20.0 }}\n{fault}"),
        "wep",
    );
}

#[test]
fn all_faults_are_found_with_their_place() {
    let text = SMALL
        .replace("replicas = 2", "replicas = -2")
        .replace("constant = 20.0", "constant = \"many\"");
    let (scenario, faults) = Scenario::read(&text, Format::Toml);
    assert_eq!(scenario, None);
    let places: Vec<(&str, Option<u32>)> = faults
        .iter()
        .map(|fault| (fault.path.as_str(), fault.line))
        .collect();
    assert_eq!(
        places,
        [
            ("workloads[0].replicas", Some(11)),
            ("workloads[0].demand.constant", Some(16))
        ]
    );
}

#[test]
fn faults_have_their_forms() {
    let faults = r#"
[[faults]]
at = "1m"
for = "2m"
effect = { missing = ["cpuUsage", "latency/0.95"] }
[[faults]]
at = "1m"
for = "2m"
workload = "acme/Deployment/web"
effect = { killPods = 1 }
[[faults]]
at = "1m"
for = "2m"
effect = "monitorDown"
"#;
    let scenario = Scenario::from_toml(&format!("{SMALL}{faults}")).unwrap();
    let effects: Vec<FaultEffect> = scenario
        .faults
        .iter()
        .map(|fault| fault.effect.clone())
        .collect();
    use ibn_core::observation::Signal;
    let missing = vec![Signal::CpuUsage, Signal::Latency(Quantile::P95)];
    assert_eq!(
        effects,
        [
            FaultEffect::Missing(missing),
            FaultEffect::KillPods(1),
            FaultEffect::MonitorDown
        ]
    );
}

#[test]
fn a_scenario_reads_back_as_it_is_written() {
    let mut small = Scenario::from_toml(SMALL).unwrap();
    small.faults = vec![Fault {
        at: Duration::from_secs(60),
        lasts: Duration::from_secs(30),
        every: None,
        workload: Some(WorkloadRef::deployment("acme", "web")),
        effect: FaultEffect::Stale(vec![ibn_core::observation::Signal::CpuUsage]),
    }];
    for scenario in [small, Scenario::demo().unwrap()] {
        let text = serde_json::to_string(&scenario).unwrap();
        assert_eq!(
            Scenario::read(&text, Format::Json),
            (Some(scenario), vec![])
        );
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

#[test]
fn a_trace_is_shared_out_as_the_workloads_share_their_own_demand() {
    let file = std::env::temp_dir().join(format!("ibn-sim-shared-{}.txt", std::process::id()));
    std::fs::write(&file, "120\n240\n").unwrap();
    let trace = TraceSpec {
        file: file.clone(),
        column: None,
        unit: "1min".to_owned(),
        scale: 10.0,
        skip: Duration::ZERO,
        work: None,
    };
    let demo = Scenario::demo().unwrap().following(&trace).unwrap();
    let spec = demo.cluster_spec(1).unwrap();
    std::fs::remove_file(&file).unwrap();
    let rates: Vec<f64> = spec
        .workloads
        .iter()
        .map(|workload| match &workload.traffic {
            Traffic::Rate(curve, _) => curve.rates()[1],
            Traffic::Times(_) | Traffic::Requests { .. } => 0.0,
        })
        .collect();
    assert!(
        (rates.iter().sum::<f64>() - 40.0).abs() < 1e-9,
        "240 a minute, times ten: {rates:?}"
    );
    assert!(
        rates[0] > 5.0 * rates[2],
        "the front end of acme has more than its worker"
    );
}

/// A scenario with each kind of field, one a line.
const WRITTEN: &str = r#"name: small
start: 2026-01-01T00:00:00Z
horizon: 1h
controlPeriod: 15s
nodes:
  - name: pool
    count: 2
    cpu: "8"
    memory: 32Gi
    maxPods: 110
workloads:
  - namespace: acme
    kind: Deployment
    name: web
    replicas: 3
    container: app
    concurrency: 8
    maxQueue: 100
    timeout: 10s
    baseLatency: 5ms
    drain: 2s
    grace: 30s
    baseMemory: 64Mi
    memoryPerRequest: 1Mi
    balancing: random
    startup:
      law: constant
      mean: 10s
    service:
      law: exponential
      mean: 20ms
    requests:
      cpu: 500m
      memory: 256Mi
    slo:
      quantile: 0.95
      atMost: 200ms
    demand:
      day:
        mean: 40.0
        swing: 0.6
        peakHour: 15.0
        noise: 0.1
        crowd: 3.0
faults:
  - at: 10m
    for: 1m
    workload: acme/Deployment/web
    effect:
      killPods: 1
"#;

/// What the fields may hold, in the words of the documentation.
fn schema() -> Schema {
    let plain = Kind::Quantity { signed: false };
    Schema::default()
        .required("name", Kind::Text)
        .field("start", Kind::Timestamp)
        .required("horizon", Kind::Duration)
        .field("controlPeriod", Kind::Duration)
        .required("nodes", Kind::Open)
        .field("nodes[]", Kind::Map)
        .required("nodes[].name", Kind::Text)
        .field("nodes[].count", Kind::Whole(1, 10_000))
        .required("nodes[].cpu", plain.clone())
        .required("nodes[].memory", plain.clone())
        .field("nodes[].maxPods", Kind::Whole(0, u32::MAX.into()))
        .required("workloads", Kind::Open)
        .field("workloads[]", Kind::Map)
        .required("workloads[].namespace", Kind::Text)
        .field(
            "workloads[].kind",
            Kind::Word(&["Deployment", "StatefulSet"]),
        )
        .required("workloads[].name", Kind::Text)
        .required("workloads[].replicas", Kind::Whole(0, 100_000))
        .field("workloads[].container", Kind::Text)
        .field("workloads[].concurrency", Kind::Whole(1, 1_000_000))
        .field("workloads[].maxQueue", Kind::Whole(0, u32::MAX.into()))
        .field("workloads[].timeout", Kind::Duration)
        .required("workloads[].startup", Kind::Open)
        .required("workloads[].service", Kind::Open)
        .field("workloads[].baseLatency", Kind::Duration)
        .field("workloads[].drain", Kind::Duration)
        .field("workloads[].grace", Kind::Duration)
        .field("workloads[].baseMemory", plain.clone())
        .field("workloads[].memoryPerRequest", plain.clone())
        .field(
            "workloads[].balancing",
            Kind::Word(&[
                "random",
                "roundRobin",
                "leastLoaded",
                "powerOfTwo",
                "keptConnections",
            ]),
        )
        .required("workloads[].requests", Kind::Map)
        .field("workloads[].requests.cpu", plain.clone())
        .field("workloads[].requests.memory", plain)
        .required("workloads[].slo", Kind::Map)
        .field("workloads[].slo.quantile", Kind::Quantile)
        .required("workloads[].slo.atMost", Kind::Duration)
        .required("workloads[].demand", Kind::Open)
        .field("workloads[].demand.day", Kind::Map)
        .field(
            "workloads[].demand.day.mean",
            Kind::Number("0", "100000000"),
        )
        .field("workloads[].demand.day.swing", Kind::Number("0", "1"))
        .field("workloads[].demand.day.peakHour", Kind::Number("0", "24"))
        .field("workloads[].demand.day.noise", Kind::Number("0", "1"))
        .field("workloads[].demand.day.crowd", Kind::Number("0", "1000"))
        .field("faults", Kind::Open)
        .field("faults[]", Kind::Map)
        .required("faults[].at", Kind::Duration)
        .required("faults[].for", Kind::Duration)
        // `effect` is a word or a mapping, which a schema can't say.
        .field("faults[].effect.killPods", Kind::Whole(0, u32::MAX.into()))
}

#[test]
fn every_fault_of_a_scenario_is_found_with_its_place_and_nothing_comes_out() {
    let (written, faults) = read::<Scenario>(WRITTEN, Format::Yaml);
    assert_eq!(faults, []);
    assert!(written.is_some());
    let mutator = Mutator::new(WRITTEN, Format::Yaml, &schema()).unwrap();
    let mut mutants = mutator.singles();
    for faults in 2..=5 {
        mutants.extend(mutator.several(faults as u64, 20, faults));
    }
    let failures: Vec<String> = mutants
        .iter()
        .filter_map(|mutant| {
            let (scenario, faults) = read::<Scenario>(&mutant.text, Format::Yaml);
            mutant.judge(scenario.is_some(), &faults).err()
        })
        .collect();
    assert!(mutants.len() >= 900, "{} mutants", mutants.len());
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        mutants.len(),
        failures.join("\n")
    );
}
