//! Sentences with the outcome that the rules ask for, written from the rules alone: `fixtures/sentences.jsonl`, and those that
//! attack the rules: `fixtures/attack.jsonl`. Their catalog is `fixtures/catalog.json`.
//!
//! `fixtures/places.jsonl` is about customers that have workloads of the same names, those of `fixtures/customers.json`: where a
//! sentence says which one it means, where it doesn't, and what it can't mean at all. `fixtures/doubts.jsonl`, with the workloads of
//! `fixtures/teams.json`, is about numbers that exclude each other or may be meant in two ways, and about what is near to them. The instant is always 2026-11-24T12:00:00Z, a Tuesday, in UTC.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't be set up is to fail"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ibn_core::catalog::Catalog;
use ibn_core::intent::{Intent, IntentSpec};
use ibn_core::translation::{QueryKind, Refusal, RefusalCode, Translation, Utterance};
use ibn_llm::GrammarTranslator;
use ibn_testkit::translator::check_answer;
use serde::Deserialize;
use serde_json::{Value, json};

const CATALOG: &str = include_str!("../fixtures/catalog.json");
const SENTENCES: &str = include_str!("../fixtures/sentences.jsonl");
const ATTACK: &str = include_str!("../fixtures/attack.jsonl");
const CUSTOMERS: &str = include_str!("../fixtures/customers.json");
const PLACES: &str = include_str!("../fixtures/places.jsonl");
const TEAMS: &str = include_str!("../fixtures/teams.json");
const DOUBTS: &str = include_str!("../fixtures/doubts.jsonl");

/// One line: a sentence, and exactly one of the outcomes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Line {
    say: String,
    /// Specs by target, without target and text.
    intent: Option<BTreeMap<String, Value>>,
    /// What is missing; empty where any question will do.
    clarify: Option<String>,
    refuse: Option<RefusalCode>,
    query: Option<Query>,
    /// What the question says, or offers.
    #[serde(default)]
    asks: Vec<String>,
    /// The namespace that the person prefers.
    preferred: Option<String>,
    /// A question or a refusal: the rules leave open which, and forbid an intent.
    #[serde(default)]
    either: bool,
    /// A refusal; the rules leave open with which code.
    #[serde(default)]
    refused: bool,
    /// Intents for just these targets; the rules leave open which of two values they have.
    intent_for: Option<Vec<String>>,
}

impl Line {
    /// The one outcome that it asks for.
    fn kind(&self) -> &'static str {
        let kinds = [
            ("intent", self.intent.is_some() || self.intent_for.is_some()),
            ("clarify", self.clarify.is_some()),
            ("refuse", self.refuse.is_some() || self.refused),
            ("query", self.query.is_some()),
            ("either", self.either),
        ];
        let kinds: Vec<_> = kinds
            .iter()
            .filter(|(_, is)| *is)
            .map(|(kind, _)| *kind)
            .collect();
        let [kind] = kinds.as_slice() else {
            panic!("one outcome: {}", self.say);
        };
        kind
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    about: QueryKind,
    target: Option<String>,
    #[serde(default)]
    intents: BTreeMap<String, Value>,
}

/// The specs that are expected, in the form that is compared.
fn specs(wanted: &BTreeMap<String, Value>) -> BTreeMap<String, IntentSpec> {
    wanted
        .iter()
        .map(|(target, spec)| {
            let mut parts = target.split('/').skip(1);
            let (kind, name) = (parts.next().unwrap(), parts.next().unwrap());
            let mut spec = spec.clone();
            let fields = spec.as_object_mut().unwrap();
            fields.insert("target".to_owned(), json!({"kind": kind, "name": name}));
            let spec = serde_json::from_value(spec).unwrap();
            (target.clone(), spec)
        })
        .collect()
}

fn said(intents: &[Intent]) -> BTreeMap<String, IntentSpec> {
    intents
        .iter()
        .map(|intent| {
            let mut spec = intent.spec.clone();
            spec.text = None;
            (intent.workload().to_string(), spec)
        })
        .collect()
}

/// What is wrong with an answer; empty where nothing is.
fn fault(line: &Line, answer: &Translation) -> Option<String> {
    let differs = |wanted: &BTreeMap<String, IntentSpec>, intents: &[Intent]| {
        let said = said(intents);
        let same = *wanted == said && intents.len() == said.len();
        (!same).then(|| {
            format!(
                "wanted {}\n     got {}",
                serde_json::to_string(wanted).unwrap(),
                serde_json::to_string(&said).unwrap()
            )
        })
    };
    match (line, answer) {
        (
            Line {
                intent: Some(wanted),
                ..
            },
            Translation::Intent(reading),
        ) => differs(&specs(wanted), &reading.intents),
        (
            Line {
                query: Some(wanted),
                ..
            },
            Translation::Query(query),
        ) => {
            let target = query.target.as_ref().map(ToString::to_string);
            if query.about != wanted.about || target != wanted.target {
                return Some(format!("got {query:?}"));
            }
            differs(&specs(&wanted.intents), &query.intents)
        }
        (
            Line {
                clarify: Some(missing),
                ..
            },
            Translation::Clarify(question),
        ) => {
            let said = format!("{} {}", question.question, question.candidates.join(" "));
            if question.candidates.iter().any(|it| it.contains('{')) {
                return Some(format!("offers no words: {said}"));
            }
            let unsaid = line.asks.iter().find(|part| !said.contains(*part));
            if let Some(part) = unsaid {
                return Some(format!("no `{part}` in: {said}"));
            }
            let fits = missing.is_empty() || question.missing.contains(missing);
            (!fits).then(|| {
                format!(
                    "asked about {:?}, not {missing}: {}",
                    question.missing, question.question
                )
            })
        }
        (
            Line {
                refuse: Some(code), ..
            },
            Translation::Refuse(Refusal {
                code: given,
                message,
            }),
        ) => (given != code).then(|| format!("refused as {given:?}, not {code:?}: {message}")),
        (Line { either: true, .. }, Translation::Clarify(_) | Translation::Refuse(_))
        | (Line { refused: true, .. }, Translation::Refuse(_)) => None,
        (
            Line {
                intent_for: Some(targets),
                ..
            },
            Translation::Intent(reading),
        ) if said(&reading.intents).keys().eq(targets) => None,
        (_, other) => Some(format!("got {}", serde_json::to_string(other).unwrap())),
    }
}

/// Reads every line; the outcomes that were asked for, by kind.
fn check(lines: &str, catalog: &str) -> BTreeMap<&'static str, usize> {
    let catalog: Catalog = serde_json::from_str(catalog).unwrap();
    let translator = GrammarTranslator::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut faults = String::new();
    for text in lines.lines() {
        let line: Line =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let kind = line.kind();
        *counts.entry(kind).or_default() += 1;
        let mut utterance = Utterance::new(&line.say, "2026-11-24T12:00:00Z".parse().unwrap());
        utterance.namespace.clone_from(&line.preferred);
        let answer = translator.read(&utterance, &catalog);
        check_answer(&utterance, &catalog, &answer);
        if let Some(fault) = fault(&line, &answer) {
            let _ = writeln!(faults, "`{}` is {kind}\n     {fault}", line.say);
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    counts
}

#[test]
fn every_sentence_is_read_as_the_rules_say() {
    let counts = check(SENTENCES, CATALOG);
    assert!(
        counts["clarify"] >= 80 && counts["refuse"] >= 80,
        "{counts:?}"
    );
}

#[test]
fn what_attacks_the_rules_is_read_as_they_say() {
    let counts = check(ATTACK, CATALOG);
    assert!(
        counts["clarify"] + counts["refuse"] + counts["either"] >= 150,
        "{counts:?}"
    );
}

#[test]
fn a_place_is_read_where_it_is_said_and_asked_for_where_it_is_not() {
    let counts = check(PLACES, CUSTOMERS);
    assert!(
        counts["intent"] >= 40 && counts["clarify"] >= 80,
        "{counts:?}"
    );
}

#[test]
fn what_excludes_itself_or_may_be_meant_in_two_ways_is_asked() {
    let counts = check(DOUBTS, TEAMS);
    assert!(
        counts["intent"] >= 40 && counts["clarify"] >= 80,
        "{counts:?}"
    );
}

#[test]
fn a_number_behind_a_name_that_may_belong_to_the_name_is_asked_about() {
    let catalog = json!({"workloads": [
        {"namespace": "acme", "kind": "Deployment", "name": "search", "replicas": 3},
        {"namespace": "acme", "kind": "Deployment", "name": "search-2", "replicas": 3},
    ]});
    let catalog: Catalog = serde_json::from_value(catalog).unwrap();
    let read = |text: &str| {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        GrammarTranslator::new().read(&Utterance::new(text, now), &catalog)
    };
    let Translation::Clarify(question) = read("give search 2 more pods") else {
        panic!("{:?}", read("give search 2 more pods"));
    };
    assert_eq!(
        question.candidates,
        [
            "acme/Deployment/search: the number of pods changed by 2",
            "acme/Deployment/search-2: How many pods?"
        ]
    );
    for (text, name) in [
        ("add 2 pods to search", "search"),
        ("give search two more pods", "search"),
        ("give search-2 2 more pods", "search-2"),
        ("give search 2 2 more pods", "search-2"),
        ("scale search 2 to 5", "search-2"),
    ] {
        let Translation::Intent(reading) = read(text) else {
            panic!("{text}: {:?}", read(text));
        };
        assert_eq!(reading.intents[0].spec.target.name, name, "{text}");
    }
}
