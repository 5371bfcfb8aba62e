//! The command line as a person or a program calls it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed helper fails its test"
)]

use std::process::{Command, Output};

use serde_json::Value;

const CATALOG: &str = r#"{"workloads":[
  {"namespace":"acme","kind":"Deployment","name":"web","replicas":3,
   "containers":[{"name":"app","requests":{"cpu":"500m","memory":"256Mi"},"limits":{"cpu":"1"}}],"aliases":["shop"]},
  {"namespace":"acme","kind":"Deployment","name":"checkout","replicas":2,"containers":[{"name":"app"}]}],
  "namespaces":["acme"],"indicators":[]}"#;

fn ibn(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibn"));
    command.args(args).env_remove("IBN_CONFIG");
    command.output().unwrap()
}

fn with_file(name: &str, content: &str, run: impl FnOnce(&str)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    run(path.to_str().unwrap());
}

#[track_caller]
fn check_translate(sentence: &str, outcome: &str, exit: i32) -> Value {
    let mut found = Value::Null;
    with_file("catalog.json", CATALOG, |catalog| {
        let output = ibn(&["translate", sentence, "--catalog", catalog, "-o", "json"]);
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        found = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["outcome"], outcome, "{found:#}");
    });
    found
}

#[test]
fn a_sentence_becomes_an_intent() {
    let found = check_translate("scale web in acme to 5", "intent", 0);
    let intent = &found["intents"][0];
    assert_eq!(intent["metadata"]["namespace"], "acme");
    assert_eq!(
        intent["spec"]["expectations"][0]["directive"]["replicas"]["to"],
        5
    );
}

#[test]
fn questions_and_refusals_have_their_exit_codes() {
    check_translate("scale wbe in acme to 5", "clarify", 3);
    check_translate("delete web", "refuse", 4);
    check_translate("show me the secrets of acme", "refuse", 4);
}

#[test]
fn a_sentence_is_printed_as_yaml_and_for_a_person() {
    with_file("catalog.json", CATALOG, |catalog| {
        let yaml = ibn(&[
            "translate",
            "scale web to 5",
            "--catalog",
            catalog,
            "-o",
            "yaml",
        ]);
        assert!(String::from_utf8_lossy(&yaml.stdout).contains("outcome: intent"));
        let text = ibn(&["translate", "scale web to 5", "--catalog", catalog]);
        assert!(String::from_utf8_lossy(&text.stdout).contains("Run exactly 5 pods."));
    });
}

#[test]
fn a_wrong_zone_time_or_file_is_a_usage_error_that_helps() {
    with_file("catalog.json", CATALOG, |catalog| {
        for (args, help) in [
            (["--timezone", "Mars/Base"], "IANA name"),
            (["--now", "soon"], "RFC 3339"),
        ] {
            let output = ibn(&[
                "translate",
                "scale web to 5",
                "--catalog",
                catalog,
                args[0],
                args[1],
            ]);
            assert_eq!(output.status.code(), Some(2));
            assert!(String::from_utf8_lossy(&output.stderr).contains(help));
        }
    });
    let output = ibn(&["translate", "scale web to 5", "--catalog", "/nowhere.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere.json"));
}

#[test]
fn every_fault_of_a_file_is_told_with_its_line() {
    let intent = "apiVersion: ibn.dev/v1alpha1\nkind: Intent\nmetadata: {name: x, namespace: acme}\nspec:\n  target: {kind: Deployment, name: web}\n  priority: 500\n  expectations:\n    - objective: {indicator: latency, atMost: 200}\n";
    with_file("intent.yaml", intent, |file| {
        let output = ibn(&["check", file, "-o", "json"]);
        assert_eq!(output.status.code(), Some(4));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let lines: Vec<_> = found[0]["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["line"].as_u64())
            .collect();
        assert_eq!(lines, [Some(6), Some(8)], "{found:#}");
    });
}

#[test]
fn a_query_that_is_no_promql_is_told_with_its_line() {
    let indicator = |query: &str| {
        let query = serde_json::to_string(query).unwrap();
        format!(
            "apiVersion: ibn.dev/v1alpha1\nkind: Indicator\nmetadata: {{name: queue}}\nspec:\n  direction: LowerIsBetter\n  query: {query}\n"
        )
    };
    for (query, said) in [
        (")))", ""),
        ("rate(foo", ""),
        ("foo bar baz (", ""),
        ("sum(x) by", ""),
        ("\"", ""),
        ("x{a=b}", ""),
        ("x[5m]", "a vector or a number is needed"),
        ("x{{name}}", "may not stand here"),
    ] {
        with_file("indicator.yaml", &indicator(query), |file| {
            let output = ibn(&["check", file, "-o", "json"]);
            assert_eq!(output.status.code(), Some(4), "{query}: {output:?}");
            let found: Value = serde_json::from_slice(&output.stdout).unwrap();
            let fault = &found[0]["diagnostics"][0];
            assert_eq!(fault["code"], "IBN-E0030", "{query}: {found:#}");
            assert_eq!(
                (&fault["path"], &fault["line"]),
                (&"spec.query".into(), &6.into())
            );
            let message = fault["message"].as_str().unwrap();
            assert!(message.contains("no PromQL: "), "{message}");
            assert!(message.contains(said), "{message}");
        });
    }
    let sound = indicator("sum(rate(hits{app=\"{{name}}\"}[{{window}}]))");
    with_file("indicator.yaml", &sound, |file| {
        assert_eq!(ibn(&["check", file]).status.code(), Some(0));
    });
    // Of several documents each is looked at, whatever is wrong beside it.
    let both = format!(
        "{}---\nkind: Nothing\n---\n{}",
        indicator("x"),
        indicator("((")
    );
    with_file("indicator.yaml", &both, |file| {
        let output = ibn(&["check", file]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains("IBN-E0030") && said.contains("IBN-E0007"),
            "{said}"
        );
        assert!(said.contains(":15:"), "{said}");
    });
}

#[test]
fn a_target_that_is_not_in_the_catalog_is_told_with_its_line_and_the_names_that_could_be_meant() {
    let catalog = CATALOG.replace(
        "],\n  \"namespaces\":[\"acme\"]",
        ",{\"namespace\":\"globex\",\"kind\":\"Deployment\",\"name\":\"api\"}],\n  \"namespaces\":[\"acme\",\"empty\"]",
    );
    let fault = |namespace: &str, name: &str| {
        let intent = format!(
            "apiVersion: ibn.dev/v1alpha1\nkind: Intent\nmetadata:\n  name: x\n  namespace: {namespace}\nspec:\n  target:\n    kind: Deployment\n    name: {name}\n  priority: 5\n"
        );
        let mut found = Value::Null;
        with_file("catalog.json", &catalog, |catalog| {
            with_file("intent.yaml", &intent, |file| {
                let output = ibn(&["check", file, "--catalog", catalog, "-o", "json"]);
                assert_eq!(output.status.code(), Some(4), "{output:?}");
                found = serde_json::from_slice(&output.stdout).unwrap();
            });
        });
        found[0]["diagnostics"][0].clone()
    };
    let other = fault("acme", "queue");
    assert_eq!(
        (&other["code"], &other["line"]),
        (&"IBN-E0025".into(), &9.into())
    );
    assert_eq!(other["help"], "what exists: `web` or `checkout`");
    let nowhere = fault("nowhere", "queue");
    assert_eq!(nowhere["line"], 5, "{nowhere:#}");
    assert_eq!(nowhere["message"], "there is no namespace `nowhere`");
    assert_eq!(nowhere["help"], "what exists: `acme`, `empty` or `globex`");
    let empty = fault("empty", "queue");
    assert_eq!(empty["line"], 9, "{empty:#}");
    assert_eq!(empty["help"], "there is no workload in namespace `empty`");
}

#[test]
fn values_of_a_settings_file_are_checked_as_flags_are() {
    let settings = "recommender = \"foo\"\nlisten = \"foo\"\ntrace-scale = 0\nserver = \"foo\"\nllm-url = \"foo\"\ntimezone = \"Mars/Base\"\ntrace-unit = \"1parsec\"\n";
    with_file("ibn.toml", settings, |file| {
        let output = ibn(&["check", file, "-o", "json"]);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let faults = found[0]["diagnostics"].as_array().unwrap();
        let places: Vec<_> = faults
            .iter()
            .map(|fault| {
                (
                    fault["path"].as_str().unwrap(),
                    fault["line"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            places,
            [
                ("recommender", 1),
                ("listen", 2),
                ("trace-scale", 3),
                ("server", 4),
                ("llm-url", 5),
                ("timezone", 6),
                ("trace-unit", 7),
            ]
        );
        assert!(
            faults
                .iter()
                .all(|fault| !fault["help"].as_str().unwrap().is_empty())
        );
    });
    let sound = "recommender = \"hpa:target=0.6\"\nlisten = \"[::1]:0\"\ntrace-scale = 0.5\nserver = \"http://127.0.0.1:80\"\ntranslator = \"llm\"\ntimezone = \"Europe/Berlin\"\ntrace-unit = \"1min\"\n";
    with_file("ibn.toml", sound, |file| {
        let output = ibn(&["check", file]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    });
}

#[test]
fn a_dead_model_is_told_in_the_answer() {
    let model = ["--llm-url", "http://127.0.0.1:1/v1", "--llm-model", "x"];
    with_file("catalog.json", CATALOG, |catalog| {
        for (sentence, exit) in [("hello there friend", 4), ("scale web to 5", 0)] {
            let args = [
                "translate",
                sentence,
                "--catalog",
                catalog,
                "--translator",
                "chain",
            ];
            let output = ibn(&[&args[..], &model].concat());
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(exit), "{output:?}");
            assert!(said.contains("the model could not be asked"), "{said}");
            assert!(said.contains("no connection"), "{said}");
        }
    });
}

#[test]
fn a_question_names_the_command_that_answers_it() {
    with_file("catalog.json", CATALOG, |catalog| {
        let output = ibn(&["translate", "how is web doing?", "--catalog", catalog]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains("`ibn explain acme/Deployment/web` answers it"),
            "{said}"
        );
    });
}

#[test]
fn scenarios_are_checked_like_every_other_file() {
    with_file("scenario.toml", SCENARIO, |file| {
        assert_eq!(ibn(&["check", file]).status.code(), Some(0));
    });
    let fault = SCENARIO.replace("horizon = ", "horizon = 5 # ");
    with_file("scenario.toml", &fault, |file| {
        let output = ibn(&["check", file]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("horizon"), "{said}");
    });
}

#[test]
fn a_failure_is_a_document_where_the_result_would_be_one() {
    let run = |format: &str| {
        let output = ibn(&["get", "--server", "http://127.0.0.1:9", "-o", format]);
        assert_eq!(output.status.code(), Some(5));
        assert!(output.stdout.is_empty());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told: Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(told["error"]["exit"], "unreachable", "{told:#}");
    assert!(told["error"]["help"].is_string(), "{told:#}");
    assert!(run("yaml").starts_with("error:\n"));
    // So is a wrong option.
    let wrong = ibn(&["get", "-o", "json", "--bogus"]);
    assert_eq!(wrong.status.code(), Some(2));
    let told: Value = serde_json::from_slice(&wrong.stderr).unwrap();
    assert!(
        told["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--bogus"),
        "{told:#}"
    );
}

#[test]
fn the_settings_file_is_read_and_its_faults_are_told() {
    with_file(
        "ibn.toml",
        "seed = 9\nspeed = \"fast\"\nlisten-on = \"x\"\n",
        |file| {
            let output = ibn(&["crds", "--config", file]);
            assert_eq!(output.status.code(), Some(2));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains(":2:") && said.contains(":3:"), "{said}");
        },
    );
    with_file("ibn.toml", "seed = 9\noutput = \"json\"\n", |file| {
        assert_eq!(ibn(&["crds", "--config", file]).status.code(), Some(0));
    });
}

#[test]
fn without_a_server_the_exit_code_is_five_and_says_what_to_do() {
    let output = ibn(&["get", "intents", "--server", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("start one with `ibn`"));
}

#[test]
fn wrong_arguments_are_told_as_is_set_by_flag_variable_or_file() {
    #[track_caller]
    fn check(args: &[&str], variables: &[(&str, &str)], is_document: bool) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ibn"));
        command.args(args);
        command.env_remove("IBN_CONFIG").env_remove("IBN_OUTPUT");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said: Option<Value> = serde_json::from_slice(&output.stderr).ok();
        let code = said.map(|said| said["error"]["exit"].clone());
        assert_eq!(code.is_some(), is_document, "{args:?} {output:?}");
        assert_eq!(code.unwrap_or("usage".into()), "usage");
    }
    with_file("settings.toml", "output = \"json\"\n", |file| {
        let equals = format!("--config={file}");
        let json = [("IBN_OUTPUT", "json")];
        check(&["get", "--nonsense"], &[], false);
        check(&["get", "--nonsense"], &json, true);
        check(&["get", "--nonsense", "--config", file], &[], true);
        check(&[&equals, "get", "--nonsense"], &[], true);
        check(&["get", "--nonsense"], &[("IBN_CONFIG", file)], true);
        // The nearer one wins.
        check(&["get", "--nonsense", "-o", "text"], &json, false);
        check(&["get", "--config", file, "-x", "-o", "text"], &[], false);
        let text = [("IBN_OUTPUT", "text"), ("IBN_CONFIG", file)];
        check(&["get", "--nonsense"], &text, false);
        // What stands behind `--` is no option.
        check(&["translate", "a", "--", "b", "-ojson"], &[], false);
        check(
            &["get", "--nonsense", "--config", "/nowhere.toml"],
            &[],
            false,
        );
    });
    with_file("settings.toml", "output = \"json\"\nsped = 1\n", |file| {
        check(&["get", "--nonsense", "--config", file], &[], false);
    });
}

#[test]
fn a_wrong_option_says_what_is_allowed() {
    let trace = "minute,count\n0,5\n1,7\n";
    with_file("trace.csv", trace, |trace| {
        let once = ["demo", "--once", "1m", "--state-dir", ":memory:", "--trace"];
        for (args, help) in [
            (
                &["get", "--server", "nonsense"][..],
                "http://127.0.0.1:8080",
            ),
            (&["demo", "--speed", "-3"], "a number from 0 on"),
            (&["get", "decisions", "--last", "0"], "--last"),
            (
                &["demo", "--once", "1m", "--translator", "llm"],
                "--llm-url URL",
            ),
            (
                &["demo", "--once", "1m", "--llm-url", "foo"],
                "--llm-url URL",
            ),
            (
                &[
                    "demo",
                    "--once",
                    "1m",
                    "--translator",
                    "grammar",
                    "--llm-url",
                    "foo",
                ],
                "--llm-url URL",
            ),
            (
                &["demo", "--listen", "x", "--state-dir", ":memory:"],
                "and a port",
            ),
            (&[&once[..], &["/nowhere.csv"]].concat(), "/nowhere.csv"),
            (
                &[&once[..], &[trace, "--trace-column", "nope"]].concat(),
                "the columns are minute, count",
            ),
            (
                &[
                    &once[..],
                    &[trace, "--trace-column", "count", "--trace-unit", "1parsec"],
                ]
                .concat(),
                "`1min`",
            ),
        ] {
            let output = ibn(args);
            assert_eq!(output.status.code(), Some(2), "{args:?}");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains(help), "{args:?}: {said}");
        }
    });
}

#[test]
fn the_definitions_of_the_resources_and_completions_are_printed() {
    let crds = ibn(&["crds"]);
    assert!(String::from_utf8_lossy(&crds.stdout).contains("intents.ibn.dev"));
    let list: Value = serde_json::from_slice(&ibn(&["crds", "-o", "json"]).stdout).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"][0]["metadata"]["name"], "intents.ibn.dev");
    for shell in ["bash", "zsh", "fish"] {
        assert!(!ibn(&["completions", shell]).stdout.is_empty());
    }
    assert_eq!(ibn(&["no-such-command"]).status.code(), Some(2));
}

#[test]
fn an_hour_of_the_demo_is_the_same_with_one_and_with_two_threads_and_differs_by_seed() {
    let run = |threads: &str, seed: &str| {
        let output = ibn(&[
            "demo",
            "--once",
            "1h",
            "--seed",
            seed,
            "--threads",
            threads,
            "--state-dir",
            ":memory:",
            "-o",
            "json",
        ]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    let one = run("1", "7");
    assert_eq!(one, run("2", "7"), "to the byte");
    let other: Value = serde_json::from_slice(&run("2", "8")).unwrap();
    let report: Value = serde_json::from_slice(&one).unwrap();
    assert_ne!(report["event_hash"], other["event_hash"]);
    assert_eq!(report["intents"].as_array().unwrap().len(), 9);
    assert_eq!(report["workloads"].as_array().unwrap().len(), 9);
    for run in ["managed", "hpa", "fixed"] {
        for figure in ["violations", "core_hours", "changes_per_hour"] {
            assert!(
                report["comparison"][run][figure].is_number(),
                "{run}.{figure}"
            );
        }
    }
}

const SCENARIO: &str = r#"
name = "one"
horizon = "20m"
[[nodes]]
name = "n"
cpu = "8"
memory = "32Gi"
[[workloads]]
namespace = "a"
name = "web"
replicas = 1
bounds = { min = 1, max = 8 }
container = "app"
requests = { cpu = "500m", memory = "256Mi" }
limits = { cpu = "500m", memory = "256Mi" }
service = { law = "exponential", mean = "20ms" }
startup = { law = "constant", mean = "5s" }
demand = { constant = 40 }
slo = { quantile = 0.95, atMost = "200ms" }
"#;

#[test]
fn a_scenario_is_simulated_the_same_for_a_seed() {
    with_file("scenario.toml", SCENARIO, |file| {
        let run = |recommender: &str, seed: &str| {
            let output = ibn(&[
                "simulate",
                "-f",
                file,
                "--recommender",
                recommender,
                "--seed",
                seed,
                "-o",
                "json",
            ]);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            serde_json::from_slice::<Value>(&output.stdout).unwrap()
        };
        let (hpa, again, other) = (
            run("hpa:target=0.6", "1"),
            run("hpa:target=0.6", "1"),
            run("hpa:target=0.6", "2"),
        );
        assert_eq!(hpa, again);
        assert_ne!(hpa["event_hash"], other["event_hash"]);
        // 40 requests of 20 ms are 0.8 cores: one pod of half a core is too little, and the autoscaler sees it.
        let fixed = run("fixed", "1");
        let over = |run: &Value| {
            run["workloads"][0]["violations"]["requests"]
                .as_f64()
                .unwrap()
        };
        assert!(over(&fixed) > 0.9, "{fixed}");
        assert!(over(&hpa) < 0.2, "{hpa}");
        assert_eq!(
            fixed["workloads"][0]["requests"],
            hpa["workloads"][0]["requests"]
        );
    });
}

#[test]
fn every_kind_of_recommender_plays_a_scenario() {
    with_file("scenario.toml", SCENARIO, |file| {
        for recommender in [
            "scheduled:00:00=2,12:30=3",
            "predictive:target=0.6",
            "captain:target=0.2",
            "clairvoyant:confidence=0.9",
        ] {
            let output = ibn(&["simulate", "-f", file, "--recommender", recommender]);
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            assert!(said.contains(recommender), "{said}");
        }
    });
    // Nothing is known beforehand of what is to come where people decide.
    let output = ibn(&["demo", "--once", "1h", "--recommender", "clairvoyant"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("there is none here"), "{said}");
}

#[test]
fn what_can_not_be_simulated_is_a_usage_error_that_helps() {
    with_file("scenario.toml", SCENARIO, |file| {
        for (recommender, told) in [
            ("hpx", "hpa (Kubernetes' HorizontalPodAutoscaler"),
            ("hpx", "error: there is no recommender `hpx`\n"),
            ("hpa:target=70", "0.01 to 2"),
            ("mpc:speed=1", "allowed are confidence"),
            ("scheduled:8h=6", "allowed are HH:MM"),
        ] {
            let output = ibn(&["simulate", "-f", file, "--recommender", recommender]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(told), "{said}");
        }
    });
    with_file("bad.toml", "name = \"x\"\nhorizon = \"2 days\"\n", |file| {
        let output = ibn(&["simulate", "-f", file, "--recommender", "hpa"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("bad.toml:2"), "{said}");
    });
}

#[test]
fn every_sentence_that_is_offered_is_understood() {
    let workloads: Vec<Value> = ["acme", "globex", "initech"]
        .into_iter()
        .flat_map(|namespace| {
            ["web", "checkout", "worker"].map(|name| {
                serde_json::json!({
                    "namespace": namespace, "kind": "Deployment", "name": name, "replicas": 3,
                    "containers": [{"name": "app", "requests": {"cpu": "500m", "memory": "256Mi"}}],
                })
            })
        })
        .collect();
    let catalog = serde_json::json!({
        "workloads": workloads, "namespaces": ["acme", "globex", "initech"], "indicators": [],
    });
    with_file("catalog.json", &catalog.to_string(), |file| {
        let offered = ibn_server::ServerConfig::default().examples;
        let told = [
            "keep the p95 of checkout in acme under 200 ms as cheaply as you can",
            "double the pods of worker in globex",
            "double the memory of checkout in globex",
            "keep web in acme's p95 under 200 ms",
        ];
        for sentence in offered.iter().map(String::as_str).chain(told) {
            let output = ibn(&["translate", sentence, "--catalog", file]);
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "`{sentence}`: {said}");
        }
    });
}

#[test]
fn a_dead_model_changes_nothing_of_the_demo() {
    let run = |more: &[&str]| {
        let mut args = vec![
            "demo",
            "--once",
            "5m",
            "--state-dir",
            ":memory:",
            "-o",
            "json",
        ];
        args.extend(more);
        let output = ibn(&args);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let model = ["--llm-url", "http://127.0.0.1:9/v1", "--llm-model", "gone"];
    assert_eq!(run(&[]), run(&model));
}
