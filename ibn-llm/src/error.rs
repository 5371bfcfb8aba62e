//! What can go wrong when a translator is set up.

/// The result of setting up.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A translator or a layer that can't be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The endpoint's address can't be used.
    #[error("`{url}` is no address of a model server: {reason}")]
    Address {
        /// What was given.
        url: String,
        /// Why it can't be used.
        reason: String,
    },
    /// The HTTP client can't be built.
    #[error("the http client can't be built")]
    Client(#[source] reqwest::Error),
    /// A setting is out of its range.
    #[error("`{name}` is {value}, allowed is {allowed}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What was given.
        value: String,
        /// What would be right.
        allowed: &'static str,
    },
    /// A recording can't be read.
    #[error("line {line} of the recording can't be read")]
    Recording {
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A recording can't be read at all.
    #[error("the recording can't be read")]
    Io(#[source] std::io::Error),
}

/// The closed set of kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// A setting is at fault.
    Config,
    /// A file is at fault.
    Recording,
    /// This machine is at fault.
    System,
}

impl Error {
    /// The kind of this failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Address { .. } | Self::Setting { .. } => ErrorKind::Config,
            Self::Recording { .. } => ErrorKind::Recording,
            Self::Client(_) | Self::Io(_) => ErrorKind::System,
        }
    }
}
