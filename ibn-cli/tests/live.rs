//! The command line against a demo that runs.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod common;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn ibn(address: &str, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibn"));
    command.args(args).args(["--server", address]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn json(output: &Output) -> Value {
    assert!(!output.stdout.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_is_asked_on_the_command_line_is_done_by_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, address) = common::start(folder.path());

    // Intents from standard input, which can be read only once.
    let intent = "apiVersion: ibn.dev/v1alpha1\nkind: Intent\nmetadata: {name: five, namespace: acme}\nspec:\n  target: {kind: Deployment, name: web}\n  expectations:\n    - directive: {replicas: {to: 5}}\n";
    let applied = ibn(
        &address,
        &["apply", "-f", "-", "--yes", "-o", "json"],
        intent,
    );
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
    assert_eq!(
        json(&applied)["replies"][0]["outcome"]["verdict"],
        "accepted"
    );

    // A question is answered, not done, and not with nothing.
    let question = "what would happen if I scaled web in globex to 6?";
    let asked = ibn(&address, &["apply", question, "--yes", "-o", "json"], "");
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    let answer = json(&asked);
    assert_eq!(answer["translation"]["outcome"], "query", "{answer:#}");
    assert!(
        answer["foreseen"][0]["changes"][0]
            .to_string()
            .contains("\"6\""),
        "{answer:#}"
    );
    let intents = json(&ibn(&address, &["get", "-o", "json"], ""));
    assert!(
        !intents.to_string().contains("scaled web in globex"),
        "{intents:#}"
    );

    // A pause with an end is kept, and says what it does.
    let pause = ibn(
        &address,
        &["apply", "suspend worker in acme for 3 hours", "--yes"],
        "",
    );
    assert_eq!(pause.status.code(), Some(0), "{pause:?}");
    let later = ibn(
        &address,
        &["apply", "resume worker in acme at 6 pm", "--yes"],
        "",
    );
    assert_eq!(later.status.code(), Some(3), "{later:?}");
}
