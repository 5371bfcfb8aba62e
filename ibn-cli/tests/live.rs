//! The command line against a demo that runs.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

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

#[track_caller]
fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Asks again until it is so; what was answered last where it never is.
fn until(address: &str, args: &[&str], is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = json(&ibn(address, args, ""));
        if is_so(&found) || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_is_paused_is_told_wherever_it_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, address) = common::start(folder.path());
    let order = "scale worker in acme to 4";
    let before = text(&ibn(&address, &["what-if", order], ""));
    assert!(!before.contains("paused"), "{before}");
    let pause = "suspend worker in acme for 9 days";
    text(&ibn(&address, &["apply", pause, "--yes"], ""));

    let said = text(&ibn(&address, &["what-if", order], ""));
    assert!(said.contains("paused until"), "{said}");
    assert!(said.contains("takes effect when it is resumed"), "{said}");
    // What ends a pause isn't kept back by it.
    let resumed = text(&ibn(&address, &["what-if", "resume worker in acme"], ""));
    assert!(!resumed.contains("takes effect when"), "{resumed}");
    let other = text(&ibn(&address, &["what-if", "scale web in acme to 4"], ""));
    assert!(!other.contains("paused"), "{other}");

    let preview = json(&ibn(&address, &["what-if", order, "-o", "json"], ""));
    let paused = &preview["paused"][0];
    assert_eq!(paused["workload"], "acme/Deployment/worker", "{preview:#}");
    assert_eq!(paused["mode"], "Suspended");
    let by = paused["intent"]["name"].as_str().unwrap();
    assert!(said.contains(by), "{said}");

    let applied = json(&ibn(&address, &["apply", order, "--yes", "-o", "json"], ""));
    assert_eq!(&applied["replies"][0]["paused"], paused, "{applied:#}");
    let told = text(&ibn(
        &address,
        &["apply", "scale worker in acme to 5", "--yes"],
        "",
    ));
    assert!(told.contains("paused until"), "{told}");

    for kind in ["intents", "workloads"] {
        let listed = text(&ibn(&address, &["get", kind, "-n", "acme"], ""));
        assert!(listed.contains("paused until"), "{listed}");
        let elsewhere = text(&ibn(&address, &["get", kind, "-n", "globex"], ""));
        assert!(!elsewhere.contains("paused"), "{elsewhere}");
    }
    let intents = json(&ibn(&address, &["get", "intents", "-o", "json"], ""));
    assert_eq!(&intents["pauses"][0], paused, "{intents:#}");
    let explained = text(&ibn(&address, &["explain", "acme/worker"], ""));
    assert!(explained.contains("paused until"), "{explained}");
}

#[test]
fn as_many_decisions_of_a_namespace_come_as_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, address) = common::start(folder.path());
    let all = ["get", "decisions", "--last", "1000", "-o", "json"];
    let names = ["acme", "globex", "initech"];
    let of = |found: &Value, name: &str| {
        let decisions = found["decisions"].as_array().unwrap();
        let start = format!("{name}/");
        let is_of = |it: &&Value| {
            let workload = it["decision"]["workload"].as_str().unwrap();
            workload.starts_with(&start)
        };
        decisions.iter().filter(is_of).count()
    };
    let found = until(&address, &all, |found| {
        names.iter().all(|name| of(found, name) >= 3)
    });
    for name in names {
        assert!(of(&found, name) >= 3, "{name}");
        let few = ["get", "decisions", "-n", name, "--last", "3", "-o", "json"];
        let few = json(&ibn(&address, &few, ""));
        assert_eq!(of(&few, name), 3, "{few:#}");
        assert_eq!(few["decisions"].as_array().unwrap().len(), 3);
    }
    // That nothing is in a namespace which isn't there would be no answer.
    for kind in ["intents", "workloads", "decisions"] {
        let nowhere = ibn(&address, &["get", kind, "-n", "nowhere"], "");
        assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
        let said = String::from_utf8_lossy(&nowhere.stderr);
        assert!(said.contains("there is no namespace `nowhere`"), "{said}");
        assert!(said.contains("`acme`, `globex` or `initech`"), "{said}");
    }
}

#[test]
fn questions_are_answered_advice_is_told_as_such_and_each_verdict_says_of_what() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, address) = common::start(folder.path());
    for (command, question, answer) in [
        (
            "apply",
            "why did web in acme scale up?",
            "decisions, the newest first",
        ),
        (
            "what-if",
            "how is checkout in acme doing?",
            "pods ready, each requests",
        ),
        ("what-if", "how is everything?", "NAMESPACE"),
    ] {
        let asked = text(&ibn(&address, &[command, question], ""));
        assert!(asked.contains(answer), "{asked}");
    }
    let question = "how is checkout in acme doing?";
    let asked = json(&ibn(&address, &["what-if", question, "-o", "json"], ""));
    let workload = &asked["answer"]["live"]["workload"];
    assert_eq!(workload, "acme/Deployment/checkout", "{asked:#}");

    let advice = "just tell me what you would do with web in acme";
    text(&ibn(&address, &["apply", advice, "--yes"], ""));
    for args in [&["explain", "acme/web"][..], &["get", "-n", "acme"]] {
        let told = text(&ibn(&address, args, ""));
        let lines = told.lines().filter(|line| line.contains(", only advises"));
        assert_eq!(lines.count(), 1, "{told}");
    }

    let intent = |name: &str, workload: &str| {
        format!(
            "apiVersion: ibn.dev/v1alpha1\nkind: Intent\nmetadata: {{name: {name}, namespace: globex}}\nspec:\n  target: {{kind: Deployment, name: {workload}}}\n  expectations:\n    - directive: {{replicas: {{to: 5}}}}\n"
        )
    };
    let both = format!("{}---\n{}", intent("one", "web"), intent("two", "worker"));
    let said = text(&ibn(&address, &["what-if", "-f", "-"], &both));
    for heading in [
        "Deployment web in globex (intent one)\ncan be done",
        "Deployment worker in globex (intent two)\ncan be done",
    ] {
        assert!(said.contains(heading), "{said}");
    }
    let said = text(&ibn(&address, &["apply", "-f", "-", "--yes"], &both));
    let heading = "Deployment worker in globex (intent two)\nglobex/two is accepted";
    assert!(said.contains(heading), "{said}");
}

#[test]
fn an_undo_is_offered_where_it_can_work_and_helped_where_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, address) = common::start(folder.path());
    // The first change of the directive: a later one supersedes it.
    let scaled = |to: u32| {
        let sentence = format!("scale web in initech to {to}");
        let applied = ibn(&address, &["apply", &sentence, "--yes"], "");
        assert_eq!(applied.status.code(), Some(0), "{applied:?}");
        let list = ["get", "decisions", "-n", "initech", "-o", "json"];
        let is_it = |it: &Value| {
            it["outcome"] == "applied"
                && it["decision"]["trigger"] == "directive"
                && it["receipt"]["applied"]["allocation"]["replicas"] == to
        };
        let found = until(&address, &list, |found| {
            found["decisions"].as_array().unwrap().iter().any(is_it)
        });
        let decisions = found["decisions"].as_array().unwrap();
        let it = decisions.iter().find(|it| is_it(it));
        let id = it.map(|it| it["decision"]["id"].as_str().unwrap().to_owned());
        id.unwrap_or_else(|| panic!("{found:#}"))
    };
    let explain = |id: &str| text(&ibn(&address, &["explain", id], ""));
    let first = scaled(4);
    let second = scaled(5);
    let superseded = explain(&first);
    assert!(!superseded.contains("ibn undo"), "{superseded}");
    assert!(superseded.contains("can't be taken back"), "{superseded}");
    let refused = ibn(&address, &["undo", &first], "");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains(&format!("ibn explain {first}")), "{said}");
    assert!(!said.contains("ibn get decisions"), "{said}");

    // Nothing shrinks during the cool-down.
    let offered = || explain(&second).contains(&format!("ibn undo {second}"));
    let deadline = Instant::now() + Duration::from_secs(60);
    while !offered() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(offered(), "{}", explain(&second));
    let undone = ibn(&address, &["undo", &second], "");
    assert_eq!(undone.status.code(), Some(0), "{undone:?}");
    let is_undone = ["explain", &second, "-o", "json"];
    let record = until(&address, &is_undone, |it| it["undone"].is_object());
    assert!(record["undone"].is_object(), "{record:#}");
    assert_eq!(record["undo"]["isPossible"], false, "{record:#}");
    assert!(!explain(&second).contains("ibn undo"));
    let again = ibn(&address, &["undo", &second], "");
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("undone already"), "{said}");
    assert!(said.contains(&format!("ibn explain {second}")), "{said}");

    let unknown = ibn(&address, &["undo", "d999999"], "");
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(said.contains("ibn get decisions"), "{said}");
}

/// Applies a sentence; what was told, and the name of its intent.
#[track_caller]
fn apply(address: &str, sentence: &str) -> (String, String) {
    let told = text(&ibn(address, &["apply", sentence, "--yes"], ""));
    let (before, _) = told.split_once(" is accepted").unwrap();
    let (_, name) = before.rsplit_once('/').unwrap();
    (told.clone(), name.to_owned())
}

#[test]
fn what_is_said_of_another_side_or_for_a_time_stands_beside_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, address) = common::start(folder.path());
    let (_, floor) = apply(&address, "at least 4 pods for web in initech");
    let (told, ceiling) = apply(&address, "at most 6 pods for web in initech");
    assert!(!told.contains("which said"), "{told}");
    assert_ne!(floor, ceiling);
    let explain = ["explain", "initech/web", "-o", "json"];
    let both = |it: &Value| {
        let pods = &it["envelope"]["replicas"];
        pods["min"]["value"] == 4 && pods["max"]["value"] == 6
    };
    let found = until(&address, &explain, both);
    assert!(both(&found), "{:#}", found["envelope"]);

    // The demo's own objective outlives one for a time.
    let brief = "keep web in initech's p95 under 150ms for 10 minutes";
    let (told, brief) = apply(&address, brief);
    assert!(!told.contains("which said"), "{told}");
    let named = |it: &Value, name: &str| {
        let all = it["intents"].as_array().unwrap();
        let is_it = |it: &&Value| {
            it["metadata"]["name"] == name && it["metadata"]["namespace"] == "initech"
        };
        all.iter().find(is_it).cloned().unwrap_or_default()
    };
    let is_over = |it: &Value| named(it, &brief)["status"]["state"] == "Finished";
    let intents = until(&address, &["get", "intents", "-o", "json"], is_over);
    assert!(is_over(&intents), "{intents:#}");
    let standing = named(&intents, "web-latency-p95");
    assert_ne!(standing["status"]["state"], "Finished", "{standing:#}");
    let objective = &standing["spec"]["expectations"][0]["objective"];
    assert_eq!(objective["atMost"], "250ms", "{standing:#}");
}

#[test]
fn what_would_be_replaced_is_told_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, address) = common::start(folder.path());
    let sentence = "keep web in initech's p95 under 200ms";
    let told = "changes `web-latency-p95`, which said p95 ≤ 250 ms";
    let foreseen = text(&ibn(&address, &["what-if", sentence], ""));
    assert!(foreseen.contains(told), "{foreseen}");
    let preview = json(&ibn(&address, &["what-if", sentence, "-o", "json"], ""));
    let replaced = &preview["replaces"][0];
    assert_eq!(replaced["intent"]["name"], "web-latency-p95");

    // Nobody can be asked here, and still it is told what would be asked about.
    let asked = ibn(&address, &["apply", sentence], "");
    let said = String::from_utf8_lossy(&asked.stderr);
    assert_eq!(asked.status.code(), Some(3), "{said}");
    assert!(said.contains(told), "{said}");

    let (done, name) = apply(&address, sentence);
    assert_eq!(name, "web-latency-p95");
    assert!(done.contains(told), "{done}");
    let again = ["apply", "keep web in initech's p95 under 180ms", "--yes"];
    let again = [&again[..], &["-o", "json"]].concat();
    let applied = json(&ibn(&address, &again, ""));
    assert_eq!(
        applied["replies"][0]["replaces"]["said"], "p95 ≤ 200 ms",
        "{applied:#}"
    );
}

#[test]
fn a_demo_that_keeps_nothing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for (state, promise) in [
        (std::path::Path::new(":memory:"), "keeps nothing"),
        (folder.path(), "keeps everything"),
    ] {
        let mut child = common::demo(state)
            .env_remove("IBN_STATE_DIR")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        while !said.contains("Ctrl-C") && lines.read_line(&mut said).unwrap() > 0 {}
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(said.contains(promise), "{said}");
    }
}
