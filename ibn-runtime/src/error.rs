//! What can go wrong in a store.

use std::path::PathBuf;

/// The result of a store's work.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database file can't be opened.
    #[error("can't open the database `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The folder of the database can't be made.
    #[error("can't make the folder `{}`", path.display())]
    MakeFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database was written by a newer version.
    #[error("the database `{}` has schema version {found}, this program knows up to {known}", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// The database can't be read or written.
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),
    /// Something in the database can't be read back.
    #[error("{what} in the database is damaged")]
    Damaged {
        /// Which row.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The folder holds another run.
    #[error("the state folder holds another run: {differs}")]
    OtherRun {
        /// What differs, with both values.
        differs: String,
    },
    /// The thread that owns the database is gone.
    #[error("the database was closed")]
    Closed,
    /// A thread could not be started.
    #[error("can't start the database thread")]
    Thread(#[source] std::io::Error),
}

/// As the roles report it.
impl From<Error> for ibn_core::Error {
    fn from(error: Error) -> Self {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            reason = format!("{reason}: {inner}");
            source = inner.source();
        }
        match error {
            Error::Damaged { .. } => Self::Corrupt {
                what: "the state database".to_owned(),
                reason,
            },
            _ => Self::Unavailable {
                service: "the state database".to_owned(),
                reason,
            },
        }
    }
}
