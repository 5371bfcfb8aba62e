//! The errors of this crate.

use std::path::PathBuf;

use ibn_core::diagnostic::Diagnostic;

/// What can go wrong in building or driving a simulation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A law whose parameters describe no law.
    #[error("`{law}` is no law of durations: {reason}")]
    Law {
        /// The law as it was given.
        law: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A trace that can't be read.
    #[error("trace `{}`, line {line}: {reason}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 where the file as a whole is meant.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A file that can't be opened.
    #[error("`{}` can't be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A specification that describes no cluster.
    #[error("`{key}`: {reason}")]
    Spec {
        /// The key that is wrong, as a path.
        key: String,
        /// What is wrong with it, and what is allowed.
        reason: String,
    },
    /// A scenario that can't be read.
    #[error("the scenario can't be read: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Scenario {
        /// What is wrong with it.
        faults: Vec<Diagnostic>,
    },
    /// A single queue that can't be simulated.
    #[error("no such queue: {0}")]
    Queue(String),
    /// An autoscaler that isn't there, or options that it doesn't take.
    #[error("{0}")]
    Autoscaler(String),
    /// A workload that isn't in the cluster.
    #[error("there is no workload `{0}`")]
    UnknownWorkload(String),
}

/// The kinds of errors, for exit codes and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is wrong.
    Input,
    /// A file can't be read.
    Io,
    /// What is named doesn't exist.
    NotFound,
}

impl Error {
    /// What kind of error this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Law { .. }
            | Self::Trace { .. }
            | Self::Spec { .. }
            | Self::Scenario { .. }
            | Self::Queue(_)
            | Self::Autoscaler(_) => ErrorKind::Input,
            Self::File { .. } => ErrorKind::Io,
            Self::UnknownWorkload(_) => ErrorKind::NotFound,
        }
    }

    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn spec(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Spec {
            key: key.into(),
            reason: reason.into(),
        }
    }
}

/// The result of what can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;
