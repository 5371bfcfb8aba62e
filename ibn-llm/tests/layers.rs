//! What each layer adds, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up is to fail")]

use std::time::Duration;

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{Clarification, Translation, Utterance};
use ibn_core::{Error, Result};
use ibn_llm::GrammarTranslator;
use ibn_llm::layers::{Budget, Cached, Limited, Recorded, Replayed, Retrying, Scripted, TimedOut};
use ibn_testkit::translator::{ScriptedTranslator, catalog};
use tokio::time::Instant;

fn said(text: &str) -> Utterance {
    Utterance::new(text, "2026-11-24T12:00:00Z".parse().unwrap())
}

fn question(text: &str) -> Translation {
    Translation::Clarify(Clarification {
        question: text.to_owned(),
        missing: vec!["amount".to_owned()],
        candidates: Vec::new(),
    })
}

/// Never answers.
struct Silent;

#[async_trait]
impl Translator for Silent {
    fn name(&self) -> &str {
        "silent"
    }

    async fn translate(&self, _: &Utterance, _: &Catalog) -> Result<Translation> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_unavailable_is_asked_again_and_nothing_else_is() {
    let away = || Err(Error::unavailable("model", "gone"));
    let inner = ScriptedTranslator::new(vec![away(), away(), Ok(question("?"))]);
    let start = Instant::now();
    let retrying = Retrying::new(inner, 3, Duration::from_secs(1));
    let answer = retrying.translate(&said("x"), &catalog()).await;
    assert_eq!(answer, Ok(question("?")));
    assert_eq!(start.elapsed(), Duration::from_secs(3));

    let inner = ScriptedTranslator::new(vec![away(), away(), away()]);
    let retrying = Retrying::new(inner, 2, Duration::from_secs(1));
    assert_eq!(retrying.translate(&said("x"), &catalog()).await, away());

    let refused = || Err(Error::invalid("key", "wrong"));
    let inner = ScriptedTranslator::new(vec![refused(), Ok(question("?"))]);
    let retrying = Retrying::new(inner, 5, Duration::from_secs(1));
    assert_eq!(retrying.translate(&said("x"), &catalog()).await, refused());
}

#[tokio::test(start_paused = true)]
async fn silence_is_ended() {
    let translator = TimedOut::new(Silent, Duration::from_millis(1500));
    assert_eq!(
        translator.translate(&said("x"), &catalog()).await,
        Err(Error::TimedOut {
            service: "silent".to_owned(),
            after_ms: 1500
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_of_a_sliding_window() {
    let window = Duration::from_secs(60);
    let budget = Budget {
        calls: 2,
        tokens: 10_000,
        window,
    };
    let limited = Limited::new(GrammarTranslator::new(), budget);
    let ask = async || limited.translate(&said("scale web to 5"), &catalog()).await;
    assert!(ask().await.is_ok());
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(ask().await.is_ok());
    assert!(matches!(ask().await, Err(Error::Unavailable { .. })));
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(ask().await.is_ok());
    assert!(ask().await.is_err());

    let budget = Budget {
        calls: 100,
        tokens: 50,
        window,
    };
    let limited = Limited::new(GrammarTranslator::new(), budget);
    let long = said(&"x".repeat(400));
    assert!(limited.translate(&long, &Catalog::default()).await.is_err());
    let short = said("scale web to 5");
    assert!(limited.translate(&short, &Catalog::default()).await.is_ok());
}

#[tokio::test]
async fn answers_are_remembered_for_one_catalog_and_only_so_many() {
    let inner = ScriptedTranslator::new((0..9).map(|n| Ok(question(&n.to_string()))).collect());
    let cached = Cached::new(inner, 2);
    let (first, mut other) = (catalog(), catalog());
    other.namespaces.push("new".to_owned());
    let ask =
        async |text: &str, catalog: &Catalog| match cached.translate(&said(text), catalog).await {
            Ok(Translation::Clarify(it)) => it.question,
            answer => panic!("{answer:?}"),
        };
    assert_eq!(ask("a", &first).await, "0");
    assert_eq!(ask("b", &first).await, "1");
    assert_eq!(ask("a", &first).await, "0", "remembered");
    assert_eq!(ask("c", &first).await, "2");
    assert_eq!(ask("a", &first).await, "0", "used last");
    assert_eq!(ask("b", &first).await, "3", "dropped as the oldest");
    assert_eq!(ask("b", &other).await, "4", "another catalog");
    assert_eq!(ask("a", &first).await, "5", "which emptied it");
}

#[tokio::test]
async fn what_depends_on_the_hour_is_not_remembered() {
    let cached = Cached::new(GrammarTranslator::new(), 8);
    let mut utterance = said("scale web to 5 until 6 pm");
    let first = cached.translate(&utterance, &catalog()).await.unwrap();
    utterance.now = "2026-11-25T12:00:00Z".parse().unwrap();
    let second = cached.translate(&utterance, &catalog()).await.unwrap();
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_recording_replays_as_it_was() {
    let inner = ScriptedTranslator::new(vec![
        Ok(question("one")),
        Err(Error::unavailable("model", "gone")),
        Ok(question("two")),
    ]);
    let recorded = Recorded::new(inner, Vec::new());
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(recorded.translate(&said("a"), &catalog()).await);
    }
    let recording = recorded.into_sink();
    assert_eq!(recording.iter().filter(|byte| **byte == b'\n').count(), 3);
    let replayed = Replayed::read(recording.as_slice()).unwrap();
    for expected in &told {
        assert_eq!(replayed.translate(&said("a"), &catalog()).await, *expected);
    }
    assert_eq!(replayed.translate(&said("a"), &catalog()).await, told[2]);
    let unknown = replayed.translate(&said("b"), &catalog()).await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
    assert!(Replayed::read("nonsense".as_bytes()).is_err());
}

#[tokio::test]
async fn the_scripted_one_knows_its_sentences() {
    let scripted = Scripted::new().with("hello", question("?"));
    let ask = async |text: &str| scripted.translate(&said(text), &catalog()).await;
    assert_eq!(ask(" hello ").await, Ok(question("?")));
    assert!(matches!(ask("bye").await, Ok(Translation::Refuse(_))));
}
