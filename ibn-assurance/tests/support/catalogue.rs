//! `deploy/prometheus/METRICS.md` as data.

use std::collections::BTreeSet;

/// One metric of the tables.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Labels with the values that the table names; a label whose values are names of what exists has none.
    pub(crate) labels: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    /// With its bounds.
    Histogram(Vec<f64>),
}

impl Metric {
    /// The names under which its series are found.
    pub(crate) fn series(&self) -> Vec<String> {
        match self.kind {
            Kind::Histogram(_) => ["bucket", "sum", "count"]
                .map(|end| format!("{}_{end}", self.name))
                .to_vec(),
            Kind::Counter | Kind::Gauge => vec![self.name.clone()],
        }
    }
}

/// All metrics of the file.
pub(crate) fn metrics() -> Vec<Metric> {
    let text = super::read("prometheus/METRICS.md");
    let mut found: Vec<Metric> = Vec::new();
    let mut section: Vec<&str> = Vec::new();
    for line in text.lines() {
        // Tables whose metrics share labels name these in the paragraph before.
        if line.starts_with("## ") {
            section.clear();
        }
        if line.contains("labels `namespace`") {
            section = ticked(line);
        } else if !section.is_empty() && line.starts_with('`') {
            section.extend(ticked(line).into_iter().filter(|it| *it == "indicator"));
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let ["metric", _, labels, _] = cells.as_slice()
            && *labels == "labels"
        {
            section.clear();
        }
        if let [name, kind, labels, what] = cells.as_slice()
            && name.starts_with("`ibn_")
        {
            let mut all: Vec<(String, Vec<String>)> = section
                .iter()
                .filter(|it| is_label(it))
                .map(|it| ((*it).to_owned(), Vec::new()))
                .collect();
            if *labels == "the same" {
                all = found.last().unwrap().labels.clone();
            } else {
                all.extend(parse_labels(labels));
            }
            found.push(Metric {
                name: name.trim_matches('`').to_owned(),
                kind: parse_kind(kind, what),
                labels: all,
            });
        }
    }
    let names: BTreeSet<&str> = found.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names.len(), found.len(), "a metric stands twice");
    assert!(found.len() > 30, "{}", found.len());
    found
}

fn parse_kind(kind: &str, what: &str) -> Kind {
    match kind {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => {
            let (_, bounds) = what
                .split_once("bounds ")
                .unwrap_or_else(|| panic!("no bounds: {what}"));
            Kind::Histogram(
                bounds
                    .split(", ")
                    .map(|bound| bound.trim().parse().unwrap())
                    .collect(),
            )
        }
        other => panic!("`{other}` is no type"),
    }
}

/// `a`, `b`; `c`: `x`, `y`: a label before a colon has the values after it.
fn parse_labels(cell: &str) -> Vec<(String, Vec<String>)> {
    let mut labels = Vec::new();
    for group in cell.split(';') {
        match group.split_once(':') {
            Some((name, values)) => {
                let name = ticked(name).pop().unwrap_or_else(|| panic!("{cell}"));
                labels.push((
                    name.to_owned(),
                    ticked(values).into_iter().map(str::to_owned).collect(),
                ));
            }
            None => labels.extend(
                ticked(group)
                    .into_iter()
                    .map(|name| (name.to_owned(), Vec::new())),
            ),
        }
    }
    labels
}

fn ticked(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn is_label(text: &str) -> bool {
    [
        "namespace",
        "kind",
        "workload",
        "intent",
        "expectation",
        "indicator",
    ]
    .contains(&text)
}
