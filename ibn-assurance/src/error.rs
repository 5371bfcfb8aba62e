//! What can be wrong with settings, templates and recordings.

use std::path::PathBuf;

/// The result of building something from what a user gave.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Input that can't be used. What fails while a role works is an [`ibn_core::Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is outside of what is allowed.
    #[error("setting `{key}` is {value}, allowed is {allowed}")]
    Setting {
        /// Which setting.
        key: &'static str,
        /// What it was given.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A template has a placeholder that nothing fills.
    #[error("template of `{signal}` has the unknown placeholder `{placeholder}`")]
    UnknownPlaceholder {
        /// Of which signal.
        signal: String,
        /// The name between the braces.
        placeholder: String,
    },
    /// A template is no PromQL.
    #[error("template of `{signal}` is no PromQL: {reason}")]
    Template {
        /// Of which signal.
        signal: String,
        /// What the parser said.
        reason: String,
    },
    /// A server's address can't be used.
    #[error("`{url}` is no address of a Prometheus server: {reason}")]
    Address {
        /// What was given.
        url: String,
        /// Why it can't be used.
        reason: String,
    },
    /// A file can't be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of a recording is no observation.
    #[error("line {line} of the recording is no observation")]
    Recording {
        /// Counted from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl From<Error> for ibn_core::Error {
    fn from(error: Error) -> Self {
        let what = match &error {
            Error::Setting { .. } => "a setting of assurance",
            Error::UnknownPlaceholder { .. } | Error::Template { .. } => "a PromQL template",
            Error::Address { .. } => "the address of Prometheus",
            Error::Read { .. } | Error::Recording { .. } => "a recording",
        };
        Self::invalid(what, error)
    }
}
