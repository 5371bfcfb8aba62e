//! Catalogs from nodes.

use std::collections::BTreeSet;

use super::decode::Decode;
use super::metadata::checked;
use super::node::{Node, Value};
use super::path;
use super::reader::Reader;
use super::words::quote;
use crate::allocation::Resources;
use crate::catalog::{Catalog, CatalogContainer, CatalogWorkload};
use crate::diagnostic::{Code, Diagnostic};
use crate::intent::IndicatorName;
use crate::workload::WorkloadKind;

impl Decode for Catalog {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["workloads", "namespaces", "indicators"])?;
        let workloads = fields.optional_with("workloads", |node, reader| {
            let workloads = reader.each(node, CatalogWorkload::decode)?;
            let keys = workloads
                .iter()
                .map(|workload| Some(workload.as_ref()?.workload().to_string()));
            refuse_repeated(keys, node, reader);
            Some(workloads.into_iter().flatten().collect())
        });
        let namespaces = fields.optional_with("namespaces", names);
        let indicators = fields.optional_with("indicators", indicators);
        Some(Self {
            workloads: workloads?.unwrap_or_default(),
            namespaces: namespaces?.unwrap_or_default(),
            indicators: indicators?.unwrap_or_default(),
        })
    }
}

/// The names of `Indicator` objects. Those that are built in may stand among them, and are there in any case.
fn indicators(node: &Node, reader: &mut Reader) -> Option<Vec<String>> {
    let is_built_in = |node: &Node| match &node.value {
        Value::Text(name) => IndicatorName::BUILT_IN
            .iter()
            .any(|built_in| built_in.as_str() == name),
        _ => false,
    };
    let names = reader.each(node, |node, reader| {
        if is_built_in(node) {
            return reader.text(node).map(str::to_owned);
        }
        object_name(node, reader)
    })?;
    refuse_repeated(names.iter().cloned(), node, reader);
    let own = names
        .into_iter()
        .flatten()
        .filter(|name| IndicatorName::BUILT_IN.iter().all(|it| it.as_str() != name));
    Some(own.collect())
}

fn object_name(node: &Node, reader: &mut Reader) -> Option<String> {
    checked(node, reader, |path, name, findings| {
        findings.subdomain(path, name)
    })
}

/// A list of object names, each once.
fn names(node: &Node, reader: &mut Reader) -> Option<Vec<String>> {
    let names = reader.each(node, object_name)?;
    refuse_repeated(names.iter().cloned(), node, reader);
    Some(names.into_iter().flatten().collect())
}

/// Reports each key of the list at `node` that stands in it before.
fn refuse_repeated(keys: impl Iterator<Item = Option<String>>, node: &Node, reader: &mut Reader) {
    let mut seen = BTreeSet::new();
    for (index, key) in keys.enumerate() {
        let Some(key) = key else { continue };
        let quoted = quote(&key);
        if seen.insert(key) {
            continue;
        }
        let mut step = String::new();
        path::push_index(&mut step, index);
        let position = node.locate(&step);
        reader.report(
            Diagnostic::error(
                Code::DuplicateEntry,
                format!("{}{step}", reader.path()),
                format!("{quoted} stands twice in the list"),
                "each once; remove one of the two",
            )
            .at(position),
        );
    }
}

impl Decode for CatalogWorkload {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(
            node,
            &[
                "namespace",
                "kind",
                "name",
                "replicas",
                "containers",
                "aliases",
            ],
        )?;
        let namespace = fields.required_with("namespace", |node, reader| {
            checked(node, reader, |path, name, findings| {
                findings.label(path, name)
            })
        });
        let kind = fields.required_with("kind", |node, reader| {
            reader.one_of(
                node,
                &[
                    ("Deployment", WorkloadKind::Deployment),
                    ("StatefulSet", WorkloadKind::StatefulSet),
                ],
            )
        });
        let name = fields.required_with("name", |node, reader| {
            checked(node, reader, |path, name, findings| {
                findings.subdomain(path, name)
            })
        });
        let replicas = fields.or_default("replicas");
        let containers = fields.optional_with("containers", |node, reader| {
            let containers = reader.each(node, CatalogContainer::decode)?;
            let keys = containers
                .iter()
                .map(|container| Some(container.as_ref()?.name.clone()));
            refuse_repeated(keys, node, reader);
            Some(containers.into_iter().flatten().collect())
        });
        let aliases = fields.or_default("aliases");
        Some(Self {
            namespace: namespace?,
            kind: kind?,
            name: name?,
            replicas: replicas?,
            containers: containers?.unwrap_or_default(),
            aliases: aliases?,
        })
    }
}

impl Decode for CatalogContainer {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["name", "requests", "limits"])?;
        let name = fields.required_with("name", |node, reader| {
            checked(node, reader, |path, name, findings| {
                findings.label(path, name)
            })
        });
        let requests = fields.or_default("requests");
        let limits = fields.or_default("limits");
        Some(Self {
            name: name?,
            requests: requests?,
            limits: limits?,
        })
    }
}

impl Decode for Resources {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["cpu", "memory"])?;
        let cpu = fields.optional("cpu");
        let memory = fields.optional("memory");
        Some(Self {
            cpu: cpu?,
            memory: memory?,
        })
    }
}
