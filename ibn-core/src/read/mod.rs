//! The one reader of all YAML, JSON and TOML input.
//!
//! A text becomes a tree of [`Node`]s that know where they stand, and the tree becomes a value of a type that is
//! [`Decode`]. Nothing stops at the first fault: every one is a [`Diagnostic`] with a code, the path, line and column,
//! the offending value and what would be allowed, and a value comes out only where there is no error.
//!
//! ```
//! use ibn_core::read::{Decode, Format, Node, Reader, read};
//! use std::time::Duration;
//!
//! #[derive(Debug, PartialEq)]
//! struct Probe { url: String, every: Duration, retries: u8, hosts: Vec<String> }
//!
//! impl Decode for Probe {
//!     fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
//!         let mut fields = reader.fields(node, &["url", "every", "retries", "hosts"])?;
//!         // All are read before the first `?`, so that the faults of all are found.
//!         let url = fields.required("url");
//!         let every = fields.or("every", Duration::from_secs(30));
//!         let retries = fields.optional_with("retries", |node, reader| reader.whole(node, 0..=9));
//!         let hosts = fields.or_default("hosts");
//!         Some(Self { url: url?, every: every?, retries: retries?.unwrap_or(3), hosts: hosts? })
//!     }
//! }
//!
//! let (probe, faults) = read::<Probe>("url = 'http://x'\nevery = '5m'\n", Format::Toml);
//! assert_eq!(faults, []);
//! assert_eq!(probe.map(|probe| probe.every), Some(Duration::from_secs(300)));
//!
//! let (probe, faults) = read::<Probe>("every: 5\nretires: 10\n", Format::Yaml);
//! assert_eq!(probe, None);
//! let found: Vec<_> = faults.iter().map(|fault| (fault.line, fault.path.as_str(), fault.code.number())).collect();
//! assert_eq!(found, [
//!     (Some(1), "url", 3),      // missing
//!     (Some(1), "every", 11),   // no duration
//!     (Some(2), "retires", 4),  // no such field; did you mean `retries`?
//!     (Some(2), "retires", 14), // and out of range
//! ]);
//! ```
//!
//! Bounds: a text of [`MAX_BYTES`] ([`MAX_JSON_BYTES`] of JSON), [`MAX_DEPTH`] levels and [`MAX_NODES`] values; what is larger
//! is refused with [`Code::InputTooLarge`], and at most [`MAX_DIAGNOSTICS`] faults are listed. Of YAML, aliases, tags and merge keys are
//! refused, and words on which its readers disagree (`no`, `010`) must be put in quotes or written plainly.

mod catalog;
mod decode;
mod document;
mod fields;
mod guardrail;
mod indicator;
mod intent;
mod json;
mod limits;
mod lines;
mod metadata;
mod node;
pub(crate) mod path;
mod reader;
mod scalar;
mod toml;
mod words;
mod yaml;

pub use decode::Decode;
pub use document::{Document, read_document, read_documents};
pub use fields::Fields;
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_DIAGNOSTICS, MAX_JSON_BYTES, MAX_NODES};
pub use node::{Entry, Map, Node, Position, Value};
pub use reader::Reader;
pub use words::{alternatives, nearest, quote, resembling};

use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::guardrail::Guardrail;
use crate::indicator::Indicator;
use crate::intent::Intent;

/// The form of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// YAML 1.2, one or several documents.
    Yaml,
    /// JSON, one value.
    Json,
    /// TOML, one table.
    Toml,
}

impl Format {
    /// The form of a file of this name, by its ending: `yaml`, `yml`, `json` or `toml`.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }
}

/// The text of a file's bytes.
///
/// # Errors
/// Bytes that are no UTF-8, with the line of the first of them.
pub fn text(bytes: &[u8]) -> Result<&str, Diagnostic> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = std::str::from_utf8(good).unwrap_or_default();
        let found = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        Diagnostic::error(
            Code::Syntax,
            "",
            format!("the byte `0x{found:02x}` is no UTF-8"),
            "a text in UTF-8",
        )
        .at(lines::Lines::new(good).position(good.len()))
    })
}

/// The documents of a text as trees, with what is wrong with its form. Several only of YAML; none of an empty text.
///
/// Where the syntax is broken, what could be read all the same is there, its mappings marked [`Map::partial`].
#[must_use]
pub fn parse(text: &str, format: Format) -> (Vec<Node>, Vec<Diagnostic>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > limits::longest(format) {
        return (Vec::new(), vec![limits::too_long(text.len(), format)]);
    }
    if let Some(fault) = control_character(text) {
        return (Vec::new(), vec![fault]);
    }
    let (documents, mut faults) = match format {
        Format::Yaml => yaml::documents(text),
        Format::Json => json::document(text),
        Format::Toml => toml::document(text),
    };
    limits::finish(&mut faults);
    (documents, faults)
}

/// The first character that none of the formats allows.
fn control_character(text: &str) -> Option<Diagnostic> {
    let wrong = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r');
    let (at, c) = text.char_indices().find(|(_, c)| wrong(*c))?;
    Some(
        Diagnostic::error(
            Code::Syntax,
            "",
            format!(
                "the control character `U+{:04X}` stands in the text",
                u32::from(c)
            ),
            "printable characters, tabs and line breaks",
        )
        .at(lines::Lines::new(text).position(at)),
    )
}

/// Reads a text that holds one value.
///
/// The value is there only where no diagnostic is an error.
#[must_use]
pub fn read<T: Decode>(text: &str, format: Format) -> (Option<T>, Vec<Diagnostic>) {
    let (documents, mut diagnostics) = parse(text, format);
    let mut documents = documents
        .into_iter()
        .filter(|node| node.value != Value::Null);
    let Some(node) = documents.next() else {
        if diagnostics.is_empty() {
            diagnostics.push(empty());
        }
        return (None, diagnostics);
    };
    if let Some(second) = documents.next() {
        diagnostics.push(
            Diagnostic::error(
                Code::SeveralDocuments,
                "",
                "a second document begins where one is read",
                "one document; put others in files of their own",
            )
            .at(second.position),
        );
    }
    let (value, found) = decode(&node);
    diagnostics.extend(found);
    limits::finish(&mut diagnostics);
    (value.filter(|_| !has_errors(&diagnostics)), diagnostics)
}

/// Reads a value from a tree; it is there only where no diagnostic is an error.
#[must_use]
pub fn decode<T: Decode>(node: &Node) -> (Option<T>, Vec<Diagnostic>) {
    let mut reader = Reader::new();
    let value = T::decode(node, &mut reader);
    let usable = !reader.has_errors();
    (value.filter(|_| usable), reader.finish())
}

/// Reads one intent, and checks it as [`crate::validate::validate_intent`] does.
#[must_use]
pub fn read_intent(text: &str, format: Format) -> (Option<Intent>, Vec<Diagnostic>) {
    read(text, format)
}

/// Reads one guardrail, and checks it as [`crate::validate::validate_guardrail`] does.
#[must_use]
pub fn read_guardrail(text: &str, format: Format) -> (Option<Guardrail>, Vec<Diagnostic>) {
    read(text, format)
}

/// Reads one indicator, and checks it as [`crate::validate::validate_indicator`] does.
#[must_use]
pub fn read_indicator(text: &str, format: Format) -> (Option<Indicator>, Vec<Diagnostic>) {
    read(text, format)
}

/// Reads the catalog of what exists, as `--catalog` takes it.
#[must_use]
pub fn read_catalog(text: &str, format: Format) -> (Option<Catalog>, Vec<Diagnostic>) {
    read(text, format)
}

fn empty() -> Diagnostic {
    Diagnostic::error(
        Code::EmptyDocument,
        "",
        "the text holds no document",
        "a document with `apiVersion` and `kind`, or the fields of what is read here",
    )
    .at(Position::START)
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}
