//! What can go wrong when a role does its work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::format_duration;

/// The result of a role's work.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of a role. Plain data, so that it can be an event of the engine, be recorded and be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Error {
    /// A service can't be reached.
    #[error("{service} is unreachable: {reason}")]
    Unavailable {
        /// What was asked.
        service: String,
        /// Why it didn't answer.
        reason: String,
    },
    /// A service didn't answer in time.
    #[error("{service} did not answer within {}", format_duration(Duration::from_millis(*after_ms)))]
    TimedOut {
        /// What was asked.
        service: String,
        /// The limit in milliseconds.
        after_ms: u64,
    },
    /// What a plan was judged on is no longer so.
    #[error("{what} has changed: judged on version `{judged_on}`, found `{found}`")]
    Stale {
        /// Which object.
        what: String,
        /// The version that was judged.
        judged_on: String,
        /// The version that was found.
        found: String,
    },
    /// There is no such object.
    #[error("{what} does not exist")]
    NotFound {
        /// Which object.
        what: String,
    },
    /// A service said no.
    #[error("{service} refused: {reason}")]
    Refused {
        /// What was asked.
        service: String,
        /// Its reason.
        reason: String,
    },
    /// What was given can't be used.
    #[error("{what} is not usable: {reason}")]
    Invalid {
        /// Which input.
        what: String,
        /// Why.
        reason: String,
    },
    /// Stored data can't be read back.
    #[error("{what} is damaged: {reason}")]
    Corrupt {
        /// Which data.
        what: String,
        /// Why.
        reason: String,
    },
}

/// The closed set of kinds of failure; feeds metrics, problem documents, exit codes and retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorKind {
    /// Worth another try later.
    Unavailable,
    /// Look again, then decide anew.
    Stale,
    /// The object is gone.
    NotFound,
    /// Trying again won't help.
    Refused,
    /// The input is at fault.
    Invalid,
    /// Stored data is at fault.
    Corrupt,
}

impl Error {
    /// The kind of this failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable { .. } | Self::TimedOut { .. } => ErrorKind::Unavailable,
            Self::Stale { .. } => ErrorKind::Stale,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Refused { .. } => ErrorKind::Refused,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
        }
    }

    /// Shorthand for [`Error::Unavailable`].
    #[must_use]
    pub fn unavailable(service: &str, reason: impl ToString) -> Self {
        Self::Unavailable {
            service: service.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Shorthand for [`Error::Invalid`].
    #[must_use]
    pub fn invalid(what: &str, reason: impl ToString) -> Self {
        Self::Invalid {
            what: what.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Shorthand for [`Error::NotFound`].
    #[must_use]
    pub fn not_found(what: impl ToString) -> Self {
        Self::NotFound {
            what: what.to_string(),
        }
    }
}
