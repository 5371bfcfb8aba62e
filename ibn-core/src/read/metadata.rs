//! What every document begins with: API version, kind and metadata.

use super::decode::Decode;
use super::fields::Fields;
use super::node::Node;
use super::reader::Reader;
use super::words::quote;
use crate::diagnostic::Code;
use crate::intent::{API_VERSION, Metadata};
use crate::validate::Findings;

const FIELDS: [&str; 9] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "uid",
    "generation",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
];
/// Fields of Kubernetes' object metadata that say nothing here.
const IGNORED: [&str; 6] = [
    "managedFields",
    "ownerReferences",
    "finalizers",
    "selfLink",
    "generateName",
    "deletionGracePeriodSeconds",
];

/// Reads `apiVersion` and `kind`, which must be `kind`.
pub(super) fn header(fields: &mut Fields<'_, '_>, kind: &str) {
    api_version(fields);
    let _ = fields.required_with("kind", |node, reader| {
        let found = reader.text(node)?;
        if found != kind {
            let message = format!("{} stands where `{kind}` is needed", quote(found));
            reader.error(node, Code::UnknownKind, message, format!("`{kind}`"));
        }
        Some(())
    });
}

/// Reads `apiVersion`.
pub(super) fn api_version(fields: &mut Fields<'_, '_>) {
    let _ = fields.required_with("apiVersion", |node, reader| {
        let version = reader.text(node)?;
        if version != API_VERSION {
            let message = format!("{} is not read here", quote(version));
            reader.error(
                node,
                Code::UnknownApiVersion,
                message,
                format!("`{API_VERSION}`"),
            );
        }
        Some(())
    });
}

impl Decode for Metadata {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::new(reader, node, &FIELDS, &IGNORED)?;
        let name = fields.required_with("name", |node, reader| {
            checked(node, reader, |path, name, findings| {
                findings.subdomain(path, name)
            })
        });
        let namespace = fields.optional_with("namespace", |node, reader| {
            checked(node, reader, |path, name, findings| {
                if !name.is_empty() {
                    findings.label(path, name);
                }
            })
        });
        let uid = fields.optional("uid");
        let generation = fields.optional("generation");
        let resource_version = fields.optional("resourceVersion");
        let creation_timestamp = fields.optional("creationTimestamp");
        let deletion_timestamp = fields.optional("deletionTimestamp");
        let labels = fields.or_default("labels");
        let annotations = fields.or_default("annotations");
        Some(Self {
            name: name?,
            namespace: namespace.flatten().unwrap_or_default(),
            uid: uid.flatten(),
            generation: generation.flatten(),
            resource_version: resource_version.flatten(),
            creation_timestamp: creation_timestamp.flatten(),
            deletion_timestamp: deletion_timestamp.flatten(),
            labels: labels.unwrap_or_default(),
            annotations: annotations.unwrap_or_default(),
        })
    }
}

/// Reads a text and lets a rule look at it.
pub(super) fn checked(
    node: &Node,
    reader: &mut Reader,
    rule: impl FnOnce(&str, &str, &mut Findings),
) -> Option<String> {
    let text = reader.text(node)?;
    let mut findings = Findings::default();
    rule(reader.path(), text, &mut findings);
    for diagnostic in findings.diagnostics {
        reader.report(diagnostic.at(node.position));
    }
    Some(text.to_owned())
}
