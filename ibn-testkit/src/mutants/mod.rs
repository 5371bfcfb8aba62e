//! Mutants of valid documents: texts with faults of which code, path and line are known beforehand.
//!
//! A [`Mutator`] takes a valid text of one field a line and a [`Schema`], which says in plain words what the fields may
//! hold, and puts faults in, by editing lines: a field dropped, misspelt or repeated, a wrong type, unit, word or range,
//! one alternative too many, a minimum above its maximum, broken syntax; one at a time or several at once. A reader is
//! held to find just these ([`Mutant::judge`]): each one, nothing else, and no usable value.
//!
//! ```
//! use ibn_core::read::{Decode, Format, Node, Reader, read};
//! use ibn_testkit::mutants::{Kind, Mutator, Schema};
//!
//! struct Config { workers: u8 }
//! impl Decode for Config {
//!     fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
//!         let mut fields = reader.fields(node, &["workers"])?;
//!         Some(Self { workers: fields.required_with("workers", |node, reader| reader.whole(node, 1..=16))? })
//!     }
//! }
//!
//! let schema = Schema::default().required("workers", Kind::Whole(1, 16));
//! let mutator = Mutator::new("workers = 4\n", Format::Toml, &schema).unwrap();
//! for mutant in mutator.singles() {
//!     let (config, diagnostics) = read::<Config>(&mutant.text, Format::Toml);
//!     mutant.judge(config.is_some(), &diagnostics).unwrap();
//! }
//! ```

mod change;
mod edit;
mod operators;
mod schema;
mod sheet;
mod syntax;
mod values;

use std::collections::BTreeSet;
use std::fmt::Write;

use ibn_core::diagnostic::{Code, Diagnostic};
use ibn_core::read::Format;

use change::{Change, apply};
pub use schema::{Group, Kind, Rule, Schema};
pub use sheet::Sheet;

/// A text with known faults.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What was done to it.
    pub operator: String,
    /// The text.
    pub text: String,
    /// What must be found, and nothing else.
    pub expected: Vec<Expected>,
}

/// A fault that must be found.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Its code.
    pub code: Code,
    /// Its path; any for a fault of the syntax.
    pub path: Option<String>,
    /// Its line, from 1.
    pub line: u32,
    /// Words that the help must hold, since they name what is allowed.
    pub help: Vec<String>,
}

impl Mutant {
    /// Holds what a reader said against what is expected: every fault with its code, path, line and help, no other error,
    /// and no usable value.
    ///
    /// # Errors
    /// What differs, with the text, for a person to read.
    pub fn judge(&self, usable: bool, diagnostics: &[Diagnostic]) -> Result<(), String> {
        let mut faults = Vec::new();
        if usable {
            faults.push("a value came out".to_owned());
        }
        let mut rest: Vec<&Diagnostic> = diagnostics
            .iter()
            .filter(|found| found.is_error())
            .collect();
        for expected in &self.expected {
            let found = rest.iter().position(|found| expected.is(found));
            let Some(found) = found.map(|index| rest.remove(index)) else {
                faults.push(format!("not found: {expected:?}"));
                continue;
            };
            if found.help.is_empty() || found.message.is_empty() || found.column.is_none() {
                faults.push(format!("no help, message or column: {found:?}"));
            }
            for word in expected
                .help
                .iter()
                .filter(|word| !found.help.contains(word.as_str()))
            {
                faults.push(format!("the help does not name `{word}`: {}", found.help));
            }
        }
        faults.extend(rest.iter().map(|found| format!("found besides: {found}")));
        if faults.is_empty() {
            return Ok(());
        }
        let mut report = format!("{}\n", self.operator);
        for fault in faults {
            let _ = writeln!(report, "  {fault}");
        }
        for (number, line) in self.text.lines().enumerate() {
            let _ = writeln!(report, "{:4} | {line}", number + 1);
        }
        Err(report)
    }
}

impl Expected {
    fn is(&self, found: &Diagnostic) -> bool {
        found.code == self.code
            && found.line == Some(self.line)
            && self.path.as_ref().is_none_or(|path| *path == found.path)
    }
}

/// Makes mutants of one valid text.
#[derive(Debug, Clone)]
pub struct Mutator {
    sheet: Sheet,
    changes: Vec<Change>,
}

impl Mutator {
    /// A mutator of this text; `None` where it is written in another way than one field a line.
    #[must_use]
    pub fn new(text: &str, format: Format, schema: &Schema) -> Option<Self> {
        let sheet = Sheet::new(text, format)?;
        let changes = operators::changes(&sheet, schema);
        Some(Self { sheet, changes })
    }

    /// Adds a change by hand: the field at `path` gets `value`, and that breaks a rule, to be reported with `code` at
    /// `at`. Returns whether both fields are there.
    pub fn set(&mut self, path: &str, value: &str, code: Code, at: &str) -> bool {
        let change = operators::set(&self.sheet, path, value, code, at);
        let is_known = change.is_some();
        self.changes.extend(change);
        is_known
    }

    /// Every mutant with one fault.
    #[must_use]
    pub fn singles(&self) -> Vec<Mutant> {
        self.changes
            .iter()
            .filter_map(|change| apply(&self.sheet, &[change]))
            .collect()
    }

    /// Up to `count` different mutants with `faults` faults each, drawn by `seed`.
    #[must_use]
    pub fn several(&self, seed: u64, count: usize, faults: usize) -> Vec<Mutant> {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        let mut draw = |below: usize| {
            // Knuth's MMIX generator; its high bits are good enough to pick faults.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below.max(1)
        };
        let mut mutants = Vec::new();
        let mut known = BTreeSet::new();
        for _ in 0..count * 20 {
            let mut chosen: Vec<&Change> = Vec::new();
            for _ in 0..faults * 20 {
                let Some(change) = self.changes.get(draw(self.changes.len())) else {
                    break;
                };
                if chosen.iter().all(|other| other.goes_with(change)) {
                    chosen.push(change);
                }
                if chosen.len() == faults {
                    break;
                }
            }
            if mutants.len() < count
                && chosen.len() == faults
                && let Some(mutant) = apply(&self.sheet, &chosen)
                && known.insert(mutant.text.clone())
            {
                mutants.push(mutant);
            }
        }
        mutants
    }
}
