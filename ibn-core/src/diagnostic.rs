//! Faults of an input as data: a code, a place, a sentence and help.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::read::Position;

/// One fault of an input. Readers collect all of them; they never stop at the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Where in the document, as in `spec.expectations[0].objective.atMost`; empty for the whole.
    pub path: String,
    /// Line in the text, from 1; absent where the input was no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in the line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong, with the offending value in backticks.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl Diagnostic {
    /// An error at `path`, with no line yet.
    #[must_use]
    pub fn error(
        code: Code,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            path: path.into(),
            line: None,
            column: None,
            message: message.into(),
            help: help.into(),
        }
    }

    /// A warning at `path`, with no line yet.
    #[must_use]
    pub fn warning(
        code: Code,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, path, message, help)
        }
    }

    /// The same at this place of the text.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.line = Some(position.line);
        self.column = Some(position.column);
        self
    }

    /// Whether it keeps the input from being used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// It can be used, but look at it.
    Warning,
    /// It can't be used.
    Error,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// The stable codes of faults; printed as `IBN-E0012`. Numbers are given once and never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code, in order of number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number.
            #[must_use]
            pub fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)+
                }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// The text is not well-formed YAML, JSON or TOML.
    Syntax = 1,
    /// A value has another type than is needed here.
    WrongType = 2,
    /// A field that is needed is absent.
    MissingField = 3,
    /// There is no such field here.
    UnknownField = 4,
    /// A field stands twice in one mapping.
    DuplicateField = 5,
    /// The API version is not one that is read here.
    UnknownApiVersion = 6,
    /// The kind is not one that is read here.
    UnknownKind = 7,
    /// A word is not one of those that are allowed here.
    UnknownVariant = 8,
    /// A name is not a valid Kubernetes name.
    InvalidName = 9,
    /// A text is not a Kubernetes quantity.
    InvalidQuantity = 10,
    /// A text is not a duration.
    InvalidDuration = 11,
    /// An indicator's value lacks its unit or has another one.
    InvalidIndicatorValue = 12,
    /// A text is not an RFC 3339 time.
    InvalidTimestamp = 13,
    /// A number is outside the range that is allowed.
    OutOfRange = 14,
    /// Exactly one of several fields is needed.
    NotExactlyOne = 15,
    /// A minimum is above its maximum.
    MinAboveMax = 16,
    /// An interval of time ends before it begins.
    EndsBeforeBegin = 17,
    /// A quantile is given for an indicator that has none.
    QuantileNotApplicable = 18,
    /// A directive does not fit the kind of its target.
    DirectiveNotApplicable = 19,
    /// Two directives of one intent order the same field.
    DuplicateDirective = 20,
    /// An amount that can never be, such as a negative factor.
    ImpossibleAmount = 21,
    /// A directive orders what the constraints of the same intent exclude.
    DirectiveOutsideConstraints = 22,
    /// A directive orders nothing.
    EmptyDirective = 23,
    /// A request is ordered above its limit.
    RequestAboveLimit = 24,
    /// The target does not exist.
    UnknownTarget = 25,
    /// The container does not exist in the target.
    UnknownContainer = 26,
    /// The indicator does not exist.
    UnknownIndicator = 27,
    /// The document holds nothing.
    EmptyDocument = 28,
    /// An intent on a namespace can hold a quota only.
    NamespaceTakesQuotaOnly = 29,
    /// A query template is not valid PromQL.
    InvalidQuery = 30,
    /// A placeholder of a template has no value.
    UnknownPlaceholder = 31,
    /// A file that is named can't be read.
    UnreadableFile = 32,
    /// A field is set by the system and is ignored here.
    SystemField = 33,
    /// The input is too large, nested too deep, or has too many faults to list.
    InputTooLarge = 34,
    /// A YAML alias, tag or merge key is used; such are not read.
    UnsupportedYaml = 35,
    /// There are several documents where one is read.
    SeveralDocuments = 36,
    /// A list names the same thing twice.
    DuplicateEntry = 37,
    /// A namespace that is the target is not the intent's own.
    TargetOutsideNamespace = 38,
    /// A name is taken by the system, or is one letter away from one that is.
    ReservedName = 39,
    /// The author of an intent may not patch its target.
    NotPermitted = 40,
    /// An intent only resumes, and at another time: nothing keeps that in mind.
    LaterResume = 41,
}

impl Code {
    /// The code of this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.number() == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("IBN-E{:04}", self.number()))
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.strip_prefix("IBN-E")
            .and_then(|digits| digits.parse().ok())
            .and_then(Self::from_number)
            .ok_or_else(|| {
                serde::de::Error::custom(format!("`{text}` is not a code of a diagnostic"))
            })
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}]", self.code)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
            if let Some(column) = self.column {
                write!(f, ", column {column}")?;
            }
        }
        if !self.path.is_empty() {
            write!(f, " at `{}`", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// The page `docs/diagnostics.md`: every code with its meaning, as Markdown.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Diagnostics\n\n\
        What is wrong with an input is told as a list of diagnostics. Each has a code, which never changes its meaning; a path and,\n\
        where the input is a text, a line and column; a sentence with the offending value; and help that says what is allowed.\n\
        An input with an error is not used at all. A warning says what was ignored.\n\n\
        `cargo xtask generate` writes this page from `Code` in `ibn-core/src/diagnostic.rs`.\n\n\
        | code | name | meaning |\n|---|---|---|\n",
    );
    for code in Code::ALL {
        page.push_str(&format!("| `{code}` | {code:?} | {} |\n", code.meaning()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_ascending() {
        assert!(
            Code::ALL
                .windows(2)
                .all(|pair| pair[0].number() < pair[1].number())
        );
        assert_eq!(Code::InvalidIndicatorValue.to_string(), "IBN-E0012");
        assert_eq!(
            Code::Syntax.meaning(),
            "The text is not well-formed YAML, JSON or TOML."
        );
    }
}
