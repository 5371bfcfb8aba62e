//! The demo is killed or interrupted in the middle, and goes on where it was.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::executor::block_on;
use ibn_core::decision::{LedgerEntry, LedgerEvent};
use ibn_core::roles::{Ledger, LedgerQuery};
use ibn_runtime::{Journal, SqliteStore};

use common::{demo, start};

/// How often it is killed.
const KILLS: u64 = 20;

fn ledger(state_dir: &Path) -> (Vec<LedgerEntry>, Option<jiff::Timestamp>) {
    let store = SqliteStore::open(&state_dir.join("demo.sqlite")).unwrap();
    let entries = block_on(store.query(&LedgerQuery::default())).unwrap();
    (entries, block_on(store.position()).unwrap())
}

/// A small generator, so that the moments differ from kill to kill and are the same in every run.
fn pause(kill: u64) -> Duration {
    let mixed = (kill + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    Duration::from_millis(150 + mixed % 850)
}

#[test]
fn killed_at_any_moment_it_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut known: Vec<LedgerEntry> = Vec::new();
    let mut reached = None;
    for kill in 0..KILLS {
        let (mut child, address) = start(folder.path());
        assert!(
            address.starts_with("http://127.0.0.1:"),
            "it did not come up after kill {kill}: `{address}`"
        );
        assert!(
            !status(&address).contains("LedgerFailed"),
            "the replay after kill {kill} is another run"
        );
        if kill % 4 == 1 {
            // Something is asked for, so that the journal grows in the middle of the run.
            ask(&address, kill);
        }
        std::thread::sleep(pause(kill));
        // Every fourth one comes as far as that how far it is, is noted: once a second.
        if kill % 4 == 3 {
            std::thread::sleep(Duration::from_millis(1200));
        }
        // SIGKILL: nothing can be tidied up.
        child.kill().unwrap();
        child.wait().unwrap();

        let (entries, position) = ledger(folder.path());
        assert!(entries.len() >= known.len());
        assert_eq!(
            entries[..known.len()],
            known[..],
            "what was on record before stays on record"
        );
        let mut decided = std::collections::BTreeSet::new();
        for entry in &entries {
            let decision = entry.event.decision();
            match &entry.event {
                LedgerEvent::Decided(_) => {
                    assert!(decided.insert(decision), "{decision} is on record twice")
                }
                _ => assert!(
                    decided.contains(&decision),
                    "{decision} was applied before it was on record"
                ),
            }
        }
        assert!(
            position >= reached,
            "time went back from {reached:?} to {position:?}"
        );
        (known, reached) = (entries, position);
    }
    assert!(reached.is_some(), "how far it came is noted");
    let applied = known
        .iter()
        .filter(|entry| matches!(entry.event, LedgerEvent::Applied(_)))
        .count();
    assert!(applied > 0, "nothing was applied in the whole run");
}

#[test]
fn a_second_demo_on_the_same_state_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _) = start(folder.path());
    let second = demo(folder.path()).stderr(Stdio::piped()).output().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another demo runs"), "{said}");
}

#[test]
fn killed_while_it_begins_no_customer_is_forgotten() {
    for wait in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = demo(folder.path()).spawn().unwrap();
        // Until the state is there, and a moment more, in which the customers' sentences are written.
        for _ in 0..2000 {
            if folder.path().join("demo.sqlite").exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(3 * wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = SqliteStore::open(&folder.path().join("demo.sqlite")).unwrap();
        let written = block_on(store.entries()).unwrap().len();
        assert!(matches!(written, 0 | 9), "{written} after {wait}");
    }
}

#[cfg(unix)]
#[test]
fn interrupted_while_it_replays_it_says_so_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _) = start(folder.path());
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    assert!(child.wait().unwrap().success());
    let (entries, position) = ledger(folder.path());
    {
        // As if it had run for days, so that the replay is still going on when the signal comes.
        let store = SqliteStore::open(&folder.path().join("demo.sqlite")).unwrap();
        let later = position.unwrap() + jiff::SignedDuration::from_hours(72);
        block_on(store.set_position(later)).unwrap();
    }
    let mut child = demo(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().contains("Going on"));
    interrupt(&child);
    let said: Vec<String> = said.map_while(Result::ok).collect();
    assert!(child.wait().unwrap().success());
    assert!(said.join("\n").contains("Nothing is lost"), "{said:?}");
    let (after, _) = ledger(folder.path());
    assert_eq!(after, entries, "no entry is lost, none was made up");
}

/// What Ctrl-C does.
#[cfg(unix)]
fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("sh")
        .args(["-c", "kill -INT \"$0\"", &pid])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// What the API says of the run.
fn status(address: &str) -> String {
    let host = address.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /api/v1/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    std::io::read_to_string(stream).unwrap()
}

/// Submits an intent over the API, as the page does.
fn ask(address: &str, kill: u64) {
    let sentence = format!("scale web in acme to {}", 3 + kill % 3);
    let output = Command::new(env!("CARGO_BIN_EXE_ibn"))
        .args(["apply", &sentence, "--yes", "--server", address])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Refused is an answer as well (an earlier one may stand against it); silence is not.
    assert!(matches!(output.status.code(), Some(0 | 4)), "{said}");
}
