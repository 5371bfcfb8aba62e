//! Intents, ledger and journal in one SQLite file.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use futures::channel::oneshot;
use ibn_core::decision::{LedgerEntry, LedgerEvent};
use ibn_core::intent::{Intent, IntentKey};
use ibn_core::roles::{IntentStore, Ledger, LedgerQuery};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::error::{Error, Result};
use crate::journal::{Journal, JournalEntry, RunIdentity};

/// The schema that this version writes.
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS intents (
    namespace TEXT NOT NULL,
    name      TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (namespace, name)
) STRICT;
CREATE TABLE IF NOT EXISTS ledger (
    seq      INTEGER PRIMARY KEY,
    at       TEXT NOT NULL,
    at_ns    INTEGER NOT NULL,
    decision INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    workload TEXT,
    entry    TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ledger_by_decision ON ledger (decision);
CREATE INDEX IF NOT EXISTS ledger_by_workload ON ledger (workload, seq);
CREATE TABLE IF NOT EXISTS journal (
    seq     INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    request TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS run (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
";

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Intents, ledger and journal in one SQLite file in WAL mode, each write synced to disk before it is confirmed.
///
/// The connection lives on a thread of its own, so that no caller's executor is blocked; jobs are done
/// in the order in which they were asked for. The file is closed when the store is dropped.
#[derive(Debug)]
pub struct SqliteStore {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the file, makes it and its folder where they don't exist, and brings an older schema up to date.
    ///
    /// # Errors
    /// Where the file can't be opened, isn't a database, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|source| Error::MakeFolder {
                path: folder.to_owned(),
                source,
            })?;
        }
        let opened = Connection::open(path).map_err(|source| Error::Open {
            path: path.to_owned(),
            source,
        })?;
        Self::start(opened, path.to_owned())
    }

    /// A database in memory, for tests and for runs that leave nothing behind.
    ///
    /// # Errors
    /// Where SQLite itself fails.
    pub fn in_memory() -> Result<Self> {
        Self::start(Connection::open_in_memory()?, PathBuf::from(":memory:"))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn start(mut connection: Connection, path: PathBuf) -> Result<Self> {
        prepare(&mut connection, &path)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("ibn-sqlite".to_owned())
            .spawn(move || {
                for job in queue {
                    job(&mut connection);
                }
            })
            .map_err(Error::Thread)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            path,
        })
    }

    /// Does a piece of work on the connection's thread.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // A caller that has gone away doesn't need the answer.
            let _ = answer.send(work(connection));
        });
        self.jobs
            .as_ref()
            .ok_or(Error::Closed)?
            .send(job)
            .map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Without a sender the thread ends after the last job; the connection checkpoints when it closes.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<()> {
    let opened = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .map_err(opened)?;
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(opened)?;
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(opened)?;
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(opened)?;
    if found > SCHEMA_VERSION {
        return Err(Error::NewerSchema {
            path: path.to_owned(),
            found,
            known: SCHEMA_VERSION,
        });
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

fn write<T: serde::Serialize>(what: &str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|source| Error::Damaged {
        what: what.to_owned(),
        source,
    })
}

fn read<T: serde::de::DeserializeOwned>(what: impl Fn() -> String, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|source| Error::Damaged {
        what: what(),
        source,
    })
}

#[async_trait]
impl IntentStore for SqliteStore {
    async fn put(&self, intent: &Intent) -> ibn_core::Result<()> {
        let key = intent.key();
        let document = write("an intent", intent)?;
        self.run(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO intents (namespace, name, document) VALUES (?1, ?2, ?3)")?
                .execute(params![key.namespace, key.name, document])?;
            Ok(())
        })
        .await?;
        Ok(())
    }

    async fn get(&self, key: &IntentKey) -> ibn_core::Result<Option<Intent>> {
        let wanted = key.clone();
        let found: Option<String> = self
            .run(move |connection| {
                Ok(connection
                    .prepare_cached(
                        "SELECT document FROM intents WHERE namespace = ?1 AND name = ?2",
                    )?
                    .query_row(params![wanted.namespace, wanted.name], |row| row.get(0))
                    .optional()?)
            })
            .await?;
        Ok(found
            .map(|text| read(|| format!("intent `{key}`"), &text))
            .transpose()?)
    }

    async fn list(&self) -> ibn_core::Result<Vec<Intent>> {
        let texts: Vec<String> = self
            .run(|connection| {
                let mut statement = connection
                    .prepare_cached("SELECT document FROM intents ORDER BY namespace, name")?;
                let rows = statement.query_map([], |row| row.get(0))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await?;
        Ok(texts
            .iter()
            .map(|text| read(|| "an intent".to_owned(), text))
            .collect::<Result<_>>()?)
    }

    async fn delete(&self, key: &IntentKey) -> ibn_core::Result<()> {
        let key = key.clone();
        self.run(move |connection| {
            connection
                .prepare_cached("DELETE FROM intents WHERE namespace = ?1 AND name = ?2")?
                .execute(params![key.namespace, key.name])?;
            Ok(())
        })
        .await?;
        Ok(())
    }
}

#[async_trait]
impl Ledger for SqliteStore {
    async fn append(&self, entry: &LedgerEntry) -> ibn_core::Result<()> {
        let text = write("a ledger entry", entry)?;
        let decision = i64::try_from(entry.event.decision().0).unwrap_or(i64::MAX);
        let workload = crate::memory::named_workload(&entry.event).map(ToString::to_string);
        let kind = match entry.event {
            LedgerEvent::Decided(_) => "decided",
            LedgerEvent::Applied(_) => "applied",
            LedgerEvent::Failed { .. } => "failed",
            LedgerEvent::Undone { .. } => "undone",
        };
        let (at, at_ns) = (entry.at.to_string(), nanoseconds(entry.at));
        self.run(move |connection| {
            // An entry that names only a decision belongs to that decision's workload.
            connection
                .prepare_cached(
                    "INSERT INTO ledger (at, at_ns, decision, kind, workload, entry) VALUES (?1, ?2, ?3, ?4,
                     coalesce(?5, (SELECT workload FROM ledger WHERE decision = ?3 AND kind = 'decided')), ?6)",
                )?
                .execute(params![at, at_ns, decision, kind, workload, text])?;
            Ok(())
        })
        .await?;
        Ok(())
    }

    async fn query(&self, query: &LedgerQuery) -> ibn_core::Result<Vec<LedgerEntry>> {
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        if let Some(workload) = &query.workload {
            conditions.push("workload = ?");
            values.push(workload.to_string().into());
        }
        if let Some(namespace) = &query.namespace {
            // All that begins with the namespace and a slash, which the index knows; `0` is the character after the slash.
            conditions.push("workload >= ?");
            conditions.push("workload < ?");
            values.push(format!("{namespace}/").into());
            values.push(format!("{namespace}0").into());
        }
        if let Some(decision) = query.decision {
            conditions.push("decision = ?");
            values.push(i64::try_from(decision.0).unwrap_or(i64::MAX).into());
        }
        if let Some(since) = query.since {
            conditions.push("at_ns >= ?");
            values.push(nanoseconds(since).into());
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let limit = query
            .last
            .map_or(-1, |last| i64::try_from(last).unwrap_or(i64::MAX));
        values.push(limit.into());
        let sql = format!(
            "SELECT entry FROM (SELECT seq, entry FROM ledger{filter} ORDER BY seq DESC LIMIT ?) ORDER BY seq"
        );
        let texts: Vec<String> = self
            .run(move |connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await?;
        Ok(texts
            .iter()
            .map(|text| read(|| "a ledger entry".to_owned(), text))
            .collect::<Result<_>>()?)
    }
}

/// Nanoseconds since 1970, at the ends of what 64 bits hold where it lies beyond.
fn nanoseconds(at: jiff::Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_nanosecond() < 0 {
        i64::MIN
    } else {
        i64::MAX
    })
}

#[async_trait]
impl Journal for SqliteStore {
    async fn identify(&self, run: &RunIdentity) -> Result<()> {
        let wanted = run.clone();
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            for (key, value) in wanted.parts() {
                let found: Option<String> = transaction
                    .prepare_cached("SELECT value FROM run WHERE key = ?1")?
                    .query_row(params![key], |row| row.get(0))
                    .optional()?;
                match found {
                    Some(found) if found != *value => {
                        return Err(Error::OtherRun {
                            differs: format!("{key} was `{found}` and is now `{value}`"),
                        });
                    }
                    Some(_) => {}
                    None => {
                        transaction
                            .prepare_cached("INSERT INTO run (key, value) VALUES (?1, ?2)")?
                            .execute(params![key, value])?;
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        })
        .await
    }

    async fn write(&self, entry: &JournalEntry) -> Result<()> {
        let at = entry.at.to_string();
        let request = write("a request", &entry.request)?;
        self.run(move |connection| {
            connection
                .prepare_cached("INSERT INTO journal (at, request) VALUES (?1, ?2)")?
                .execute(params![at, request])?;
            Ok(())
        })
        .await
    }

    async fn begin(&self, entries: &[JournalEntry]) -> Result<()> {
        let rows = entries
            .iter()
            .map(|entry| Ok((entry.at.to_string(), write("a request", &entry.request)?)))
            .collect::<Result<Vec<_>>>()?;
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            for (at, request) in &rows {
                transaction
                    .prepare_cached("INSERT INTO journal (at, request) VALUES (?1, ?2)")?
                    .execute(params![at, request])?;
            }
            transaction.commit()?;
            Ok(())
        })
        .await
    }

    async fn entries(&self) -> Result<Vec<JournalEntry>> {
        let rows: Vec<(String, String)> = self
            .run(|connection| {
                let mut statement =
                    connection.prepare_cached("SELECT at, request FROM journal ORDER BY seq")?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await?;
        rows.iter()
            .map(|(at, request)| {
                let at = serde_json::Value::String(at.clone());
                let damaged = |source| Error::Damaged {
                    what: "a journal entry".to_owned(),
                    source,
                };
                Ok(JournalEntry {
                    at: serde_json::from_value(at).map_err(damaged)?,
                    request: read(|| "a journal entry".to_owned(), request)?,
                })
            })
            .collect()
    }

    async fn set_position(&self, now: jiff::Timestamp) -> Result<()> {
        let value = now.to_string();
        self.run(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO run (key, value) VALUES ('position', ?1)")?
                .execute(params![value])?;
            Ok(())
        })
        .await
    }

    async fn position(&self) -> Result<Option<jiff::Timestamp>> {
        let found: Option<String> = self
            .run(|connection| {
                Ok(connection
                    .prepare_cached("SELECT value FROM run WHERE key = 'position'")?
                    .query_row([], |row| row.get(0))
                    .optional()?)
            })
            .await?;
        found
            .map(|text| {
                serde_json::from_value(serde_json::Value::String(text)).map_err(|source| {
                    Error::Damaged {
                        what: "the position".to_owned(),
                        source,
                    }
                })
            })
            .transpose()
    }
}
