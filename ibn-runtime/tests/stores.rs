//! What the SQLite file holds, and what is no such file.

use ibn_runtime::{Error, Journal, JournalEntry, RunIdentity, SqliteStore};

#[test]
fn what_is_in_the_file_is_there_after_it_was_closed() {
    use futures::executor::block_on;
    use ibn_core::roles::{Ledger, LedgerQuery};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("ibn.sqlite");
    let web = ibn_core::workload::WorkloadRef::deployment("acme", "web");
    let entry = ibn_testkit::store::decided(1, &web, 10);
    let store = SqliteStore::open(&path).unwrap();
    block_on(store.append(&entry)).unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(
        block_on(store.query(&LedgerQuery::default())),
        Ok(vec![entry])
    );
}

#[test]
fn a_file_that_is_no_database_or_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sqlite");
    std::fs::write(
        &path,
        "this is just a text, and long enough to be looked at as a database header",
    )
    .unwrap();
    assert!(SqliteStore::open(&path).is_err());

    let path = folder.path().join("newer.sqlite");
    drop(SqliteStore::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    assert!(matches!(
        SqliteStore::open(&path),
        Err(Error::NewerSchema { found: 99, .. })
    ));
}

#[test]
fn the_journal_keeps_requests_and_belongs_to_one_run() {
    use futures::executor::block_on;
    use ibn_core::engine::Request;
    use ibn_core::intent::Mode;

    let store = SqliteStore::in_memory().unwrap();
    let run = RunIdentity::default().with("seed", 7);
    block_on(store.identify(&run)).unwrap();
    block_on(store.identify(&run)).unwrap();
    let other = block_on(store.identify(&RunIdentity::default().with("seed", 8))).unwrap_err();
    assert_eq!(
        other.to_string(),
        "the state folder holds another run: identity.seed was `7` and is now `8`"
    );

    let web = ibn_core::workload::WorkloadRef::deployment("acme", "web");
    let at: jiff::Timestamp = "2026-01-01T00:00:00.123456789Z".parse().unwrap();
    let entry = JournalEntry {
        at,
        request: Request::SetMode(web, Mode::Suspended),
    };
    block_on(store.write(&entry)).unwrap();
    assert_eq!(block_on(store.entries()).unwrap(), vec![entry]);
    assert_eq!(block_on(store.position()).unwrap(), None);
    block_on(store.set_position(at)).unwrap();
    assert_eq!(block_on(store.position()).unwrap(), Some(at));
}
