//! Every translator of this crate holds the conformance suite.

use std::time::Duration;

use ibn_llm::layers::{Budget, Cached, Limited, Recorded, Replayed, Retrying, Scripted, TimedOut};
use ibn_llm::{Chain, GrammarTranslator};
use ibn_testkit::translator::{ScriptedTranslator, check};

#[tokio::test]
async fn the_grammar_conforms() {
    check(&GrammarTranslator::new()).await;
}

#[tokio::test]
async fn the_chain_conforms() {
    let chain = || {
        Chain::new(
            GrammarTranslator::new(),
            ScriptedTranslator::new(Vec::new()),
        )
    };
    check(&chain()).await;
    check(&chain().checked()).await;
}

#[tokio::test]
async fn layers_conform() {
    let inner = TimedOut::new(GrammarTranslator::new(), Duration::from_secs(60));
    check(&Retrying::new(inner, 2, Duration::from_millis(1))).await;
    check(&Cached::new(GrammarTranslator::new(), 4)).await;
    let budget = Budget {
        calls: 10,
        tokens: 100_000,
        window: Duration::from_secs(3600),
    };
    check(&Limited::new(GrammarTranslator::new(), budget)).await;
    check(&Recorded::new(GrammarTranslator::new(), Vec::new())).await;
    check(&Scripted::new()).await;
}

#[tokio::test]
async fn a_recording_conforms() {
    // What it holds is answered, and what it doesn't is a failure of the service.
    let recorded = Recorded::new(GrammarTranslator::new(), Vec::new());
    check(&recorded).await;
    let recording = recorded.into_sink();
    assert!(!recording.is_empty());
    check(&Replayed::read(recording.as_slice()).unwrap()).await;
    check(&Replayed::read(std::io::empty()).unwrap()).await;
}
