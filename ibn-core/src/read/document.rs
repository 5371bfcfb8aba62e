//! Documents whose kind is told by themselves.

use super::decode::Decode;
use super::limits::{MAX_DIAGNOSTICS, finish};
use super::metadata::api_version;
use super::node::{Node, Value};
use super::reader::{Reader, suggestion};
use super::words::{nearest, quote};
use super::{Format, decode, empty, has_errors, parse, read};
use crate::diagnostic::{Code, Diagnostic};
use crate::guardrail::Guardrail;
use crate::indicator::Indicator;
use crate::intent::Intent;

/// A document of any kind that is read here.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Document {
    /// What a person wants of a workload.
    Intent(Box<Intent>),
    /// The limits that an administrator sets.
    Guardrail(Box<Guardrail>),
    /// An indicator beside the built-in ones.
    Indicator(Box<Indicator>),
}

const KINDS: [&str; 3] = ["Intent", "Guardrail", "Indicator"];
const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Reads the one document of a text, of whichever kind it is.
///
/// ```
/// use ibn_core::read::{Document, Format, read_document};
///
/// let text = "{apiVersion: ibn.dev/v1alpha1, kind: Intent, metadata: {name: web-fast, namespace: acme},
///   spec: {target: {kind: Deployment, name: web}, priority: 50}}";
/// let (document, diagnostics) = read_document(text, Format::Yaml);
/// assert!(matches!(document, Some(Document::Intent(_))) && diagnostics.is_empty());
/// ```
#[must_use]
pub fn read_document(text: &str, format: Format) -> (Option<Document>, Vec<Diagnostic>) {
    read(text, format)
}

/// Reads every document of a text, empty ones left out. The items of a `List`, as kubectl prints several objects, are
/// documents of their own.
///
/// The documents are there only where no diagnostic of any of them is an error.
#[must_use]
pub fn read_documents(text: &str, format: Format) -> (Option<Vec<Document>>, Vec<Diagnostic>) {
    let (nodes, mut diagnostics) = parse(text, format);
    let mut documents = Vec::new();
    for node in nodes.iter().flat_map(items) {
        let (document, found) = decode::<Document>(node);
        documents.extend(document);
        diagnostics.extend(found);
        if diagnostics.len() > MAX_DIAGNOSTICS && has_errors(&diagnostics) {
            break;
        }
    }
    if documents.is_empty() && diagnostics.is_empty() {
        diagnostics.push(empty());
    }
    finish(&mut diagnostics);
    let usable = !has_errors(&diagnostics);
    (usable.then_some(documents), diagnostics)
}

/// The documents that a node holds: itself, or the items of a `List`, as kubectl prints several; nothing for an empty one.
fn items(node: &Node) -> Vec<&Node> {
    let is_list = kind_of(node) == Some("List");
    match node.get("items").map(|items| &items.value) {
        Some(Value::List(items)) if is_list => items.iter().collect(),
        _ if node.value == Value::Null => Vec::new(),
        _ => vec![node],
    }
}

impl Decode for Document {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        match kind_of(node) {
            // A slip of the hand is reported by what reads the document that was meant.
            Some(kind) => match nearest(kind, &KINDS) {
                Some(meant) => decode_kind(meant, node, reader),
                None => unknown(node, reader),
            },
            None => match guess(node) {
                Some(kind) => decode_kind(kind, node, reader),
                None => unknown(node, reader),
            },
        }
    }
}

fn decode_kind(kind: &str, node: &Node, reader: &mut Reader) -> Option<Document> {
    match kind {
        "Guardrail" => Some(Document::Guardrail(Box::new(Guardrail::decode(
            node, reader,
        )?))),
        "Indicator" => Some(Document::Indicator(Box::new(Indicator::decode(
            node, reader,
        )?))),
        _ => Some(Document::Intent(Box::new(Intent::decode(node, reader)?))),
    }
}

/// The text of `kind`, also where the key has a slip of the hand.
fn kind_of(node: &Node) -> Option<&str> {
    let Value::Map(map) = &node.value else {
        return None;
    };
    let by_slip = |key: &str| nearest(key, &FIELDS) == Some("kind");
    let entry = map
        .get("kind")
        .or_else(|| map.entries.iter().find(|entry| by_slip(&entry.key)))?;
    match &entry.value.value {
        Value::Text(kind) => Some(kind),
        _ => None,
    }
}

/// The kind of a document that names none, by what only that kind has.
fn guess(node: &Node) -> Option<&'static str> {
    let spec = node.get("spec")?;
    let has = |fields: &[&str]| fields.iter().any(|field| spec.get(field).is_some());
    if has(&["target", "expectations", "preference"]) {
        Some("Intent")
    } else if has(&["query", "direction"]) {
        Some("Indicator")
    } else if has(&["selector", "step", "freeze", "coolDown", "yieldTo"]) {
        Some("Guardrail")
    } else {
        None
    }
}

/// Reports what can be said of a document of which the kind isn't known.
fn unknown(node: &Node, reader: &mut Reader) -> Option<Document> {
    let mut fields = reader.fields(node, &FIELDS)?;
    api_version(&mut fields);
    let _ = fields.required_with("kind", |node, reader| {
        let kind = reader.text(node)?;
        let message = format!("{} is not read here", quote(kind));
        reader.error(node, Code::UnknownKind, message, suggestion(kind, &KINDS));
        Some(())
    });
    None
}
