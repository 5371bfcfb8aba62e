//! PromQL templates: checked when they are made, filled without a way out of their place.

mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use ibn_core::units::Quantile;
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Expr, parse};

use crate::error::{Error, Result};
use reader::Reader;

/// A PromQL expression with placeholders.
///
/// | placeholder | stands for | where |
/// |---|---|---|
/// | `{{namespace}}`, `{{kind}}`, `{{name}}` | the workload | in the value of a label matcher |
/// | `{{pods}}` | a pattern that the names of its pods match | in the value of a `=~` or `!~` matcher |
/// | `{{window}}` | the window, such as `60s` | as a range, or anywhere a duration may stand |
/// | `{{quantile}}` | the quantile, such as `0.95` | where a number may stand |
/// | a parameter's name | the parameter | in the value of a label matcher; bare where it is a number, a duration or a name |
///
/// Strings with placeholders are in double quotes. What is filled in stays a value: in a matcher of text it is quoted as text, in a matcher of patterns as a pattern that
/// matches just that text. Nothing that a workload may be called adds a matcher, a selector or a function.
///
/// ```
/// use ibn_assurance::prometheus::{Binding, Template};
/// use ibn_core::workload::WorkloadRef;
/// use std::collections::BTreeMap;
/// use std::time::Duration;
///
/// let template = Template::new("load", r#"sum(rate(hits_total{app="{{name}}"}[{{window}}]))"#, &BTreeMap::new())?;
/// let odd = WorkloadRef::deployment("acme", r#"web"} or vector(1) #"#);
/// let binding = Binding::new(&odd, Duration::from_secs(60));
/// assert_eq!(template.fill(&binding), r#"sum(rate(hits_total{app="web\"} or vector(1) #"}[60s]))"#);
/// # Ok::<(), ibn_assurance::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
    is_scalar: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole(Hole, Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    Namespace,
    Kind,
    Name,
    Pods,
    Window,
    /// A twelfth of the window; for the expressions that are derived from templates.
    Step,
    Quantile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Bare,
    /// In a string after `=` or `!=`.
    Text,
    /// In a string after `=~` or `!~`.
    Pattern,
}

/// What a template is filled with.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    workload: &'a WorkloadRef,
    window: Duration,
    quantile: Quantile,
}

impl<'a> Binding<'a> {
    /// For a workload over a window; the quantile is 0.95 where it matters.
    #[must_use]
    pub fn new(workload: &'a WorkloadRef, window: Duration) -> Self {
        Self {
            workload,
            window,
            quantile: Quantile::P95,
        }
    }

    /// The same for another quantile.
    #[must_use]
    pub fn with_quantile(mut self, quantile: Quantile) -> Self {
        self.quantile = quantile;
        self
    }
}

impl Template {
    /// Reads and checks a template. `signal` names it in messages.
    ///
    /// # Errors
    /// A placeholder that nothing fills or that stands where it can't be escaped, a text that is no PromQL, and an
    /// expression that gives neither a vector nor a number.
    pub fn new(signal: &str, text: &str, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let pieces = Reader {
            signal,
            parameters,
            pieces: Vec::new(),
        }
        .read(text)?;
        let mut template = Self {
            pieces,
            is_scalar: false,
        };
        let wrong = |reason: String| Error::Template {
            signal: signal.to_owned(),
            reason,
        };
        let expression = template.sample().map_err(wrong)?;
        template.is_scalar = match expression.value_type() {
            ValueType::Vector => false,
            ValueType::Scalar => true,
            other => {
                return Err(wrong(format!(
                    "it gives a {other}, and a vector or a number is needed"
                )));
            }
        };
        Ok(template)
    }

    /// The expression for one workload.
    #[must_use]
    pub fn fill(&self, binding: &Binding<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Hole(hole, place) => fill_hole(&mut text, *hole, *place, binding),
            }
        }
        text
    }

    /// Whether it gives a number, not a vector.
    #[must_use]
    pub(super) fn is_scalar(&self) -> bool {
        self.is_scalar
    }

    /// Whether the quantile stands in it.
    pub(super) fn has_quantile(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Hole(Hole::Quantile, _)))
    }

    /// The parsed expression with each placeholder of a string replaced by a mark that [`Template::unmark`] turns back.
    pub(super) fn sample(&self) -> Result<Expr, String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Hole(Hole::Window | Hole::Step, _) => text.push_str("1m"),
                Piece::Hole(Hole::Quantile, _) => text.push_str("0.5"),
                Piece::Hole(hole, _) => text.push_str(hole.mark()),
            }
        }
        parse(&text)
    }

    /// Puts the placeholders back where [`Template::sample`] put marks.
    pub(super) fn unmark(text: &str) -> String {
        let holes = [Hole::Namespace, Hole::Kind, Hole::Name, Hole::Pods];
        holes.into_iter().fold(text.to_owned(), |text, hole| {
            text.replace(hole.mark(), &format!("{{{{{}}}}}", hole.name()))
        })
    }
}

impl Hole {
    const ALL: [Self; 7] = [
        Self::Namespace,
        Self::Kind,
        Self::Name,
        Self::Pods,
        Self::Window,
        Self::Step,
        Self::Quantile,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Kind => "kind",
            Self::Name => "name",
            Self::Pods => "pods",
            Self::Window => "window",
            Self::Step => "step",
            Self::Quantile => "quantile",
        }
    }

    /// A text that no template has by chance, without a character that needs escaping.
    fn mark(self) -> &'static str {
        match self {
            Self::Namespace => "ibn0placeholder0namespace",
            Self::Kind => "ibn0placeholder0kind",
            Self::Name => "ibn0placeholder0name",
            Self::Pods => "ibn0placeholder0pods",
            Self::Window | Self::Step | Self::Quantile => "",
        }
    }

    fn may_stand_in(self, place: Place) -> bool {
        match self {
            Self::Namespace | Self::Kind | Self::Name => place != Place::Bare,
            Self::Pods => place == Place::Pattern,
            Self::Window | Self::Step | Self::Quantile => place == Place::Bare,
        }
    }
}

fn fill_hole(text: &mut String, hole: Hole, place: Place, binding: &Binding<'_>) {
    let workload = binding.workload;
    let value = match hole {
        Hole::Namespace => &workload.namespace,
        Hole::Name => &workload.name,
        Hole::Kind => workload.kind.as_str(),
        // The pattern is ours; only the name in it is quoted.
        Hole::Pods => return push_quoted(text, &pods_pattern(workload)),
        Hole::Window => return text.push_str(&range_text(binding.window)),
        Hole::Step => return text.push_str(&range_text(binding.window / 12)),
        Hole::Quantile => return text.push_str(&binding.quantile.to_string()),
    };
    push_value(text, value, place);
}

fn push_value(text: &mut String, value: &str, place: Place) {
    match place {
        Place::Bare => text.push_str(value),
        Place::Text => push_quoted(text, value),
        Place::Pattern => push_quoted(text, &quote_pattern(value)),
    }
}

/// Escapes for a string in double quotes, as Go reads it.
fn push_quoted(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
}

/// A pattern (RE2) that matches `value` and nothing else.
fn quote_pattern(value: &str) -> String {
    let mut pattern = String::with_capacity(value.len());
    for c in value.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// What the names of a workload's pods match: of a Deployment, the name, the hash of the pod template and five random
/// characters, both of the alphabet that Kubernetes takes for these (no vowels, so that `web` doesn't match the pods of
/// `web-api`); of a StatefulSet, the name and a number.
fn pods_pattern(workload: &WorkloadRef) -> String {
    const SAFE: &str = "[bcdfghjklmnpqrstvwxz2456789]";
    let name = quote_pattern(&workload.name);
    match workload.kind {
        WorkloadKind::StatefulSet => format!("{name}-[0-9]+"),
        WorkloadKind::Deployment | WorkloadKind::Namespace => {
            format!("{name}-{SAFE}{{1,10}}-{SAFE}{{5}}")
        }
    }
}

/// A duration as PromQL writes it: whole milliseconds, one at least.
fn range_text(window: Duration) -> String {
    let millis = window.as_millis().max(1);
    if millis.is_multiple_of(1000) {
        format!("{}s", millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

impl Template {
    /// A template of our own making, in which `{{step}}` may stand.
    pub(super) fn derived(signal: &str, text: &str) -> Result<Self> {
        const STEP: &str = "{{step}}";
        let mut pieces = Vec::new();
        for (idx, part) in text.split(STEP).enumerate() {
            if idx > 0 {
                pieces.push(Piece::Hole(Hole::Step, Place::Bare));
            }
            pieces.extend(
                Reader {
                    signal,
                    parameters: &BTreeMap::new(),
                    pieces: Vec::new(),
                }
                .read(part)?,
            );
        }
        let template = Self {
            pieces,
            is_scalar: false,
        };
        template.sample().map_err(|reason| Error::Template {
            signal: signal.to_owned(),
            reason,
        })?;
        Ok(template)
    }
}

#[cfg(test)]
mod tests;
