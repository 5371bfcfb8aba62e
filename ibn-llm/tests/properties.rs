//! What holds of the grammar whatever is said.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up is to fail")]

use ibn_core::catalog::Catalog;
use ibn_core::intent::{Amount, Directive, Intent};
use ibn_core::translation::{Translation, Utterance};
use ibn_llm::GrammarTranslator;
use ibn_testkit::translator::check_answer;
use proptest::prelude::*;
use serde_json::Value;

fn catalog() -> Catalog {
    serde_json::from_str(include_str!("../fixtures/catalog.json")).unwrap()
}

fn said(text: &str) -> Utterance {
    Utterance::new(text, "2026-11-24T12:00:00Z".parse().unwrap())
}

fn read(text: &str) -> Translation {
    let utterance = said(text);
    let answer = GrammarTranslator::new().read(&utterance, &catalog());
    check_answer(&utterance, &catalog(), &answer);
    answer
}

/// The intents of an answer without the text that they keep.
fn intents(answer: &Translation) -> Vec<Intent> {
    let mut intents = match answer {
        Translation::Intent(reading) => reading.intents.clone(),
        Translation::Query(query) => query.intents.clone(),
        Translation::Clarify(_) | Translation::Refuse(_) => Vec::new(),
    };
    for intent in &mut intents {
        intent.spec.text = None;
    }
    intents
}

/// The sentences of the fixture that are intents.
fn sentences() -> Vec<String> {
    include_str!("../fixtures/sentences.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line.get("intent").is_some())
        .map(|line| line.get("say").and_then(Value::as_str).unwrap().to_owned())
        .collect()
}

/// Words that sentences are made of, and some that they aren't.
const WORDS: &[&str] = &[
    "scale",
    "web",
    "to",
    "5",
    "and",
    "api",
    "at",
    "most",
    "least",
    "between",
    "10",
    "pods",
    "of",
    "in",
    "shop",
    "checkout",
    "keep",
    "p95",
    "under",
    "200",
    "ms",
    "50",
    "%",
    "more",
    "CPU",
    "memory",
    "512Mi",
    "double",
    "half",
    "by",
    "until",
    "18:00",
    "tomorrow",
    "for",
    "two",
    "hours",
    "give",
    "it",
    "never",
    "not",
    "don't",
    "than",
    "all",
    "every",
    "deployment",
    "payments",
    "suspend",
    "as",
    "cheaply",
    "as",
    "you",
    "can",
    ",",
    "but",
    "team-a",
    "may",
    "use",
    "8",
    "cores",
    "the",
    "limit",
    "request",
    "container",
    "app",
    "autoscale",
    "max",
    "priority",
    "if",
    "delete",
    "why",
    "what",
    "would",
    "happen",
    "?",
    "frobnicate",
    "1,5",
    "-3",
    "m",
    "Gi",
    "latency",
    "three",
    "nines",
    "'s",
    "together",
    "each",
    "pod",
    "a",
    "from",
    "with",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..14).prop_map(|words| words.join(" "))
}

/// Names of namespaces and workloads, and what may stand between them.
const PLACE_WORDS: &[&str] = &[
    "acme",
    "acme",
    "globex",
    "globex",
    "web",
    "web",
    "checkout",
    "worker",
    "workers",
    "webs",
    "of",
    "of",
    "in",
    "from",
    "the",
    "'s",
    "/",
    "and",
    ",",
    "or",
    "wed",
    "umbrella",
    "namespace",
    "deployment",
    "called",
    "app",
    "team",
    "p95",
    "pods",
    "for",
    "not",
    "to 3",
];

const FRAMES: &[(&str, &str)] = &[
    ("scale ", " to 5"),
    ("pause ", ""),
    ("double ", ""),
    ("double the pods of ", ""),
    ("keep ", " p95 under 200 ms"),
    ("keep ", " under 200 ms"),
    ("keep web's p95 ", " under 200 ms"),
    ("give ", " 2 cores"),
    ("", " should have 5 pods"),
    ("set the memory of ", " to 512Mi"),
    ("scale acme web ", " to 5"),
    ("scale the workers ", " to 5"),
];

fn place() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(PLACE_WORDS), 1..7);
    (prop::sample::select(FRAMES), words)
        .prop_map(|((before, after), words)| format!("{before}{}{after}", words.join(" ")))
}

/// What a sentence about customers' workloads of the same names may order at most.
fn is_placed(text: &str, intents: &[Intent]) -> Result<(), String> {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let is_said = |name: &str| {
        words.contains(&name)
            || words
                .iter()
                .any(|word| word.strip_suffix('s') == Some(name))
    };
    let targets: Vec<_> = intents.iter().map(Intent::workload).collect();
    for target in &targets {
        if !is_said(&target.namespace) || !is_said(&target.name) {
            return Err(format!("{target} is not what is said"));
        }
    }
    for namespace in ["acme", "globex"] {
        let is_target = targets.iter().any(|target| target.namespace == namespace);
        if !targets.is_empty() && is_said(namespace) && !is_target {
            return Err(format!("{namespace} is dropped"));
        }
    }
    for name in ["web", "checkout", "worker"] {
        let is_target = targets.iter().any(|target| target.name == name);
        if !targets.is_empty() && is_said(name) && !is_target {
            return Err(format!("{name} is dropped"));
        }
    }
    if !targets.is_empty()
        && words
            .iter()
            .any(|word| ["umbrella", "or", "not"].contains(word))
    {
        return Err("a word is dropped".to_owned());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,120}") {
        read(&text);
    }

    #[test]
    fn any_order_of_words_has_one_answer(text in soup()) {
        prop_assert_eq!(read(&text), read(&text));
    }

    #[test]
    fn numbers_of_pods_are_those_of_the_sentence(text in soup()) {
        let mut allowed: Vec<u32> = text
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .collect();
        allowed.extend([0, 1, 2, 3]);
        // `fewer than 10` is at most 9.
        let strict: Vec<u32> = allowed.iter().flat_map(|n| [n + 1, n.saturating_sub(1)]).collect();
        for intent in intents(&read(&text)) {
            let range = intent.spec.constraints.replicas;
            for bound in [range.min, range.max].into_iter().flatten() {
                prop_assert!(allowed.contains(&bound) || strict.contains(&bound), "{text}: {bound}");
            }
            for (_, directive) in intent.spec.directives() {
                match directive {
                    Directive::Replicas(Amount::To(n)) => prop_assert!(allowed.contains(n), "{text}: {n}"),
                    Directive::Replicas(Amount::Add(n)) => {
                        prop_assert!(allowed.contains(&n.unsigned_abs()), "{text}: {n}");
                    }
                    Directive::Autoscale(auto) => {
                        prop_assert!(allowed.contains(&auto.max), "{text}: {auto:?}");
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn what_is_ordered_is_what_was_said(n in 0_u32..100_000) {
        for text in [format!("scale web to {n}"), format!("run web with {n} pods")] {
            let intents = intents(&read(&text));
            let ordered: Vec<_> = intents.iter().flat_map(|it| it.spec.directives()).collect();
            prop_assert_eq!(ordered, [(0, &Directive::Replicas(Amount::To(n)))]);
        }
    }
}

proptest! {
    // One in a hundred is an intent.
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_workload_is_only_ordered_with_its_namespace(text in place()) {
        let customers: Catalog =
            serde_json::from_str(include_str!("../fixtures/customers.json")).unwrap();
        let answer = GrammarTranslator::new().read(&said(&text), &customers);
        let placed = is_placed(&text, &intents(&answer));
        prop_assert!(placed.is_ok(), "`{text}`: {placed:?}");
    }
}

#[test]
fn courtesy_changes_nothing() {
    for text in sentences() {
        let plain = intents(&read(&text));
        let variants = [
            format!("please {text}"),
            format!("{text}, please"),
            format!("{text} thank you"),
            format!("Please, {text}!"),
            text.replacen(" web ", " web please ", 1),
        ];
        for variant in variants {
            assert_eq!(intents(&read(&variant)), plain, "{variant}");
        }
    }
}

#[test]
fn an_unknown_clause_is_never_dropped() {
    const CLAUSES: [&str; 10] = [
        "and frobnicate the gizmo",
        "if the moon is full",
        "every night",
        ", then call my mother",
        "and delete api",
        "when it rains",
        "using the blue method",
        "unless it is late",
        "on the other hand",
        "gradually",
    ];
    for (number, text) in sentences().iter().enumerate() {
        // Three of them for each sentence, all of them many times over.
        for clause in CLAUSES.iter().cycle().skip(3 * number).take(3) {
            let answer = read(&format!("{text} {clause}"));
            assert!(
                intents(&answer).is_empty(),
                "`{text} {clause}` is read as {answer:?}"
            );
        }
    }
}

#[test]
fn a_negation_never_means_the_same() {
    for text in sentences() {
        let plain = intents(&read(&text));
        for negated in [
            format!("don't {text}"),
            format!("do not {text}"),
            format!("never {text}"),
            format!("{text}, not"),
        ] {
            let answer = intents(&read(&negated));
            let same = answer
                .iter()
                .zip(&plain)
                .any(|(a, b)| a.spec.expectations == b.spec.expectations && a.spec == b.spec);
            assert!(!same, "{negated}");
        }
    }
}
