//! The files of `deploy/`: each reads as what it is, names only files that exist and metrics that are exported.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the functions that tests share fail as tests do"
)]
#![expect(
    dead_code,
    reason = "the test of a real Prometheus uses the rest of `support`"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use ibn_assurance::prometheus::{Binding, Templates};
use ibn_core::observation::Signal;
use ibn_core::units::{Bytes, CpuMillis, Quantile};
use ibn_core::workload::WorkloadRef;
use promql_parser::parser::{Expr, parse};
use promql_parser::util::{ExprVisitor, walk_expr};
use saphyr::{LoadableYamlNode, Yaml};
use support::{dashboards, deploy, files, has, read};

fn yaml(text: &str) -> Vec<Yaml<'_>> {
    Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn text_at<'a>(document: &'a Yaml<'_>, path: &[&str]) -> &'a str {
    let mut node = document;
    for key in path {
        node = node
            .as_mapping_get(key)
            .unwrap_or_else(|| panic!("no {key} of {path:?} in {document:?}"));
    }
    node.as_str()
        .unwrap_or_else(|| panic!("{path:?} is no text"))
}

/// The names of all metrics in an expression.
fn names_in(expression: &str) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl ExprVisitor for Names {
        type Error = std::convert::Infallible;
        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
            match expression {
                Expr::VectorSelector(selector) => self.0.extend(selector.name.clone()),
                Expr::MatrixSelector(matrix) => self.0.extend(matrix.vs.name.clone()),
                _ => {}
            }
            Ok(true)
        }
    }
    let parsed = parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let mut names = Names(BTreeSet::new());
    walk_expr(&mut names, &parsed).unwrap();
    names.0
}

/// Rules by file: the name under which each is recorded or alerts, and its expression.
fn rules() -> Vec<(String, String, bool)> {
    let mut found = Vec::new();
    for file in files("prometheus/rules", ".yml") {
        let text = read(&file);
        for group in yaml(&text)[0]
            .as_mapping_get("groups")
            .unwrap()
            .as_sequence()
            .unwrap()
        {
            for rule in group
                .as_mapping_get("rules")
                .unwrap()
                .as_sequence()
                .unwrap()
            {
                let record = rule.as_mapping_get("record").and_then(Yaml::as_str);
                let name = record.unwrap_or_else(|| text_at(rule, &["alert"]));
                found.push((
                    name.to_owned(),
                    text_at(rule, &["expr"]).to_owned(),
                    record.is_some(),
                ));
            }
        }
    }
    found
}

#[test]
fn what_is_asked_for_is_exported_and_what_is_exported_is_asked_for() {
    let catalogue = support::catalogue::metrics();
    let exported: BTreeSet<String> = catalogue
        .iter()
        .flat_map(support::catalogue::Metric::series)
        .collect();
    let recorded: BTreeSet<String> = rules()
        .into_iter()
        .filter(|(_, _, records)| *records)
        .map(|(name, _, _)| name)
        .collect();
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    let mut ask = |place: &str, expression: &str| {
        asked.extend(
            names_in(expression)
                .into_iter()
                .map(|name| (name, place.to_owned())),
        );
    };
    for (name, expression, _) in rules() {
        ask(&name, &expression);
    }
    for query in dashboards::queries("acme", "web", "1m") {
        ask(&query.place, &query.expression);
    }
    for (selector, _) in dashboards::variables() {
        ask("a variable", &selector.replace("$namespace", "acme"));
    }
    let web = WorkloadRef::deployment("acme", "web");
    let binding = Binding::new(&web, std::time::Duration::from_secs(60));
    let templates = Templates::simulated().unwrap();
    let signals = [
        Signal::RequestRate,
        Signal::Throughput,
        Signal::Latency(Quantile::P95),
        Signal::ErrorRate,
        Signal::CpuUsage,
        Signal::CpuThrottled,
        Signal::MemoryUsage,
        Signal::MemoryPeak,
        Signal::ReadyReplicas,
        Signal::Restarts,
    ];
    for signal in signals {
        ask(
            &signal.to_string(),
            &templates.template(&signal).unwrap().fill(&binding),
        );
    }
    for (name, place) in &asked {
        let known = exported.contains(name) || recorded.contains(name) || name == "up";
        assert!(known, "{place} asks for `{name}`, which nobody exports");
    }
    for metric in &catalogue {
        let used = metric
            .series()
            .iter()
            .any(|series| asked.contains_key(series));
        assert!(
            used,
            "`{}` is exported, and nobody asks for it",
            metric.name
        );
    }
}

#[test]
fn metrics_are_named_by_the_convention() {
    let words = [
        "workload",
        "objective",
        "assurance",
        "engine",
        "guard",
        "learner",
        "translator",
    ];
    for metric in support::catalogue::metrics() {
        let area = metric.name.split('_').nth(1).unwrap();
        assert!(words.contains(&area), "{}", metric.name);
        let counter = metric.kind == support::catalogue::Kind::Counter;
        assert_eq!(metric.name.ends_with("_total"), counter, "{}", metric.name);
    }
}

#[test]
fn dashboards_can_be_loaded_side_by_side() {
    let mut uids = BTreeSet::new();
    for file in files("grafana/dashboards", ".json") {
        let dashboard = dashboards::load(&file);
        assert!(
            uids.insert(dashboards::text(&dashboard, "uid")),
            "{file}: its uid is taken"
        );
        assert!(dashboards::text(&dashboard, "title").starts_with("ibn: "));
        let panels = dashboards::panels(&dashboard);
        let mut taken: BTreeSet<(u64, u64)> = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in &panels {
            let title = dashboards::text(panel, "title");
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{file}: {title}: its id is taken"
            );
            assert_eq!(
                panel["datasource"]["uid"], "${datasource}",
                "{file}: {title}"
            );
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24, "{file}: {title} is too wide");
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(
                        taken.insert((x, y)),
                        "{file}: {title} lies on another panel"
                    );
                }
            }
        }
    }
    let expected = [
        "ibn-decisions",
        "ibn-learner",
        "ibn-overview",
        "ibn-workload",
    ];
    assert_eq!(uids, expected.map(str::to_owned).into());
}

#[test]
fn the_composition_names_what_exists() {
    let text = read("compose/compose.yaml");
    let documents = yaml(&text);
    let services = documents[0].as_mapping_get("services").unwrap();
    for service in ["demo", "prometheus", "grafana"] {
        let service = services
            .as_mapping_get(service)
            .unwrap_or_else(|| panic!("no {service}"));
        for port in service
            .as_mapping_get("ports")
            .unwrap()
            .as_sequence()
            .unwrap()
        {
            assert!(
                port.as_str().unwrap().starts_with("127.0.0.1:"),
                "open to the network: {port:?}"
            );
        }
        for volume in service
            .as_mapping_get("volumes")
            .and_then(Yaml::as_sequence)
            .into_iter()
            .flatten()
        {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let named = documents[0]
                .as_mapping_get("volumes")
                .unwrap()
                .as_mapping_get(source)
                .is_some();
            assert!(
                named || deploy("compose").join(source).exists(),
                "{source} does not exist"
            );
        }
    }
    let build = services
        .as_mapping_get("demo")
        .unwrap()
        .as_mapping_get("build")
        .unwrap();
    let root = deploy("compose").join(text_at(build, &["context"]));
    assert!(root.join("Cargo.lock").exists());
    let dockerfile = std::fs::read_to_string(root.join(text_at(build, &["dockerfile"]))).unwrap();
    assert!(
        dockerfile.contains("--package ibn-cli --bin ibn") && dockerfile.contains("USER 65532")
    );
    // Prometheus scrapes the service, and Grafana asks Prometheus, by their names here; the service knows its name.
    assert!(text.contains(r#""--listen", "demo:8080""#) && text.contains("hostname: demo"));
    assert!(read("prometheus/prometheus.yml").contains("demo:8080"));
    let source = read("grafana/provisioning/datasources/prometheus.yaml");
    let source = yaml(&source);
    let source = &source[0]
        .as_mapping_get("datasources")
        .unwrap()
        .as_sequence()
        .unwrap()[0];
    assert_eq!(text_at(source, &["url"]), "http://prometheus:9090");
    let provider = read("grafana/provisioning/dashboards/ibn.yaml");
    let provider = yaml(&provider);
    let provider = &provider[0]
        .as_mapping_get("providers")
        .unwrap()
        .as_sequence()
        .unwrap()[0];
    let path = text_at(provider, &["options", "path"]);
    assert!(
        text.contains(&format!("../grafana/dashboards:{path}:ro")),
        "{path}"
    );
}

#[test]
fn each_customer_has_three_applications_with_a_service_each() {
    for customer in ["acme", "globex", "initech"] {
        let text = read(&format!("apps/{customer}.yaml"));
        let mut found: BTreeSet<(String, String)> = BTreeSet::new();
        for document in yaml(&text) {
            let kind = text_at(&document, &["kind"]);
            let name = text_at(&document, &["metadata", "name"]);
            found.insert((kind.to_owned(), name.to_owned()));
            if kind == "Namespace" {
                assert_eq!(name, customer);
                continue;
            }
            assert_eq!(text_at(&document, &["metadata", "namespace"]), customer);
            let selector = match kind {
                "Deployment" => {
                    check_deployment(&document, name);
                    text_at(&document, &["spec", "selector", "matchLabels", "app"])
                }
                _ => text_at(&document, &["spec", "selector", "app"]),
            };
            assert_eq!(selector, name);
        }
        let mut expected = BTreeSet::from([("Namespace".to_owned(), customer.to_owned())]);
        for app in ["web", "checkout", "worker"] {
            expected
                .extend(["Deployment", "Service"].map(|kind| (kind.to_owned(), app.to_owned())));
        }
        assert_eq!(found, expected);
    }
}

fn check_deployment(document: &Yaml<'_>, name: &str) {
    let template = document
        .as_mapping_get("spec")
        .unwrap()
        .as_mapping_get("template")
        .unwrap();
    assert_eq!(text_at(template, &["metadata", "labels", "app"]), name);
    assert_eq!(
        text_at(
            template,
            &["metadata", "annotations", "prometheus.io/scrape"]
        ),
        "true"
    );
    let containers = template
        .as_mapping_get("spec")
        .unwrap()
        .as_mapping_get("containers")
        .unwrap();
    let [container] = containers.as_sequence().unwrap().as_slice() else {
        panic!("{containers:?}")
    };
    assert_eq!(text_at(container, &["image"]), "ibn.local/shop:1");
    let amount = |bound: &str, what: &str| text_at(container, &["resources", bound, what]);
    let cpu = |bound| amount(bound, "cpu").parse::<CpuMillis>().unwrap();
    let memory = |bound| amount(bound, "memory").parse::<Bytes>().unwrap();
    assert!(cpu("requests") <= cpu("limits") && memory("requests") <= memory("limits"));
}

#[test]
fn the_rules_pass_promtool() {
    if !has("promtool", "prometheus") {
        return;
    }
    let run = |arguments: &[&str]| {
        let output = Command::new("promtool")
            .args(arguments)
            .current_dir(deploy("prometheus"))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    };
    run(&["check", "config", "prometheus.yml"]);
    run(&[
        "check",
        "rules",
        "--lint=all",
        "--lint-fatal",
        "rules/alerts.yml",
        "rules/recording.yml",
    ]);
    run(&["test", "rules", "rules_test.yml"]);
}
