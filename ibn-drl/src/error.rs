//! What can be wrong with what this crate is given.

/// The result of what can be wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was given can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no recommender of this name.
    #[error("there is no recommender `{name}`: known are {known}")]
    UnknownRecommender {
        /// What was asked for.
        name: String,
        /// The names that there are, for a person to read.
        known: String,
    },
    /// Settings of a recommender or learner are not usable; all faults at once.
    #[error("{what}: {}", faults.join("; "))]
    Settings {
        /// Of which recommender or learner.
        what: String,
        /// Each names the setting, its value and what is allowed.
        faults: Vec<String>,
    },
    /// A file of a trained policy can't be used.
    #[error("the policy can't be used: {reason}")]
    Policy {
        /// What is wrong with it.
        reason: String,
    },
    /// A training went where no number follows.
    #[error("the training diverged: {reason}")]
    Diverged {
        /// What was seen.
        reason: String,
    },
}

/// The closed set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The input is at fault.
    Invalid,
    /// What was named doesn't exist.
    NotFound,
    /// What was computed can't be gone on with.
    Failed,
}

impl Error {
    /// The kind of this failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownRecommender { .. } => ErrorKind::NotFound,
            Self::Settings { .. } | Self::Policy { .. } => ErrorKind::Invalid,
            Self::Diverged { .. } => ErrorKind::Failed,
        }
    }
}

/// Collects the faults of settings, so that all of them are told at once.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<String>);

impl Faults {
    /// Notes a fault.
    pub(crate) fn push(&mut self, fault: String) {
        self.0.push(fault);
    }

    /// Notes a fault unless `value` lies in `range`; NaN lies nowhere.
    pub(crate) fn in_range(
        &mut self,
        setting: &str,
        value: f64,
        range: std::ops::RangeInclusive<f64>,
    ) {
        if !range.contains(&value) {
            self.push(format!(
                "`{setting}` is {value}, allowed is {} to {}",
                range.start(),
                range.end()
            ));
        }
    }

    /// The faults as an error, where there are any.
    pub(crate) fn finish(self, what: &str) -> Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Settings {
                what: what.to_owned(),
                faults: self.0,
            })
        }
    }
}
