//! The queries of the dashboards.

use serde_json::Value;

/// One query, and where it stands.
pub(crate) struct Query {
    pub(crate) place: String,
    pub(crate) expression: String,
}

/// Each query of each panel, with the variables filled in.
pub(crate) fn queries(namespace: &str, workload: &str, range: &str) -> Vec<Query> {
    let mut found = Vec::new();
    for file in super::files("grafana/dashboards", ".json") {
        for panel in panels(&load(&file)) {
            let title = text(&panel, "title");
            for target in panel["targets"]
                .as_array()
                .unwrap_or_else(|| panic!("{title} has no targets"))
            {
                let expression = text(target, "expr")
                    .replace("$namespace", namespace)
                    .replace("$workload", workload)
                    .replace("$__rate_interval", range);
                assert!(
                    !expression.contains('$'),
                    "{file}: {title} has an unknown variable: {expression}"
                );
                found.push(Query {
                    place: format!("{file}: {title}"),
                    expression,
                });
            }
        }
    }
    found
}

/// Metric and label of each variable that is filled by a query.
pub(crate) fn variables() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in super::files("grafana/dashboards", ".json") {
        let dashboard = load(&file);
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            if variable["type"] == "query" {
                let query = text(&variable["query"], "query");
                let inner = query
                    .strip_prefix("label_values(")
                    .and_then(|it| it.strip_suffix(')'))
                    .unwrap();
                let (selector, label) = inner.rsplit_once(", ").unwrap();
                found.push((selector.to_owned(), label.to_owned()));
            }
        }
    }
    found
}

pub(crate) fn load(file: &str) -> Value {
    serde_json::from_str(&super::read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn panels(dashboard: &Value) -> Vec<Value> {
    dashboard["panels"].as_array().unwrap().clone()
}

pub(crate) fn text(value: &Value, key: &str) -> String {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
        .to_owned()
}
