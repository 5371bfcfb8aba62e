//! The grammar first, a model where the grammar doesn't read the sentence.

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::intent::Intent;
use ibn_core::roles::Translator;
use ibn_core::translation::{
    Clarification, IntentReading, QueryReading, Reader, RefusalCode, Translation, Utterance,
};

use crate::grammar;

/// Asks `G`, and `M` only where `G` doesn't understand.
///
/// - What `G` reads as intents or a query is final, and so is what it refuses for a reason, and what it asks since
///   something was left out: a model never fills a gap that a person left.
/// - Where `G` doesn't understand, `M`'s reading is taken, as [`Reader::Model`]: a person must confirm it.
/// - Where `M` fails, `G`'s answer stands, and says so.
/// - [`Chain::checked`] asks `M` about intents of `G` as well: the same reading becomes [`Reader::Both`], another one (other intents, a
///   query, or a refusal as unsafe) a question that shows both. Where `M` fails or asks, `G`'s reading stands.
#[derive(Debug, Clone)]
pub struct Chain<G, M> {
    first: G,
    second: M,
    check: bool,
}

impl<G, M> Chain<G, M> {
    /// `first` is certain of what it reads, `second` isn't.
    #[must_use]
    pub fn new(first: G, second: M) -> Self {
        Self {
            first,
            second,
            check: false,
        }
    }

    /// The one that is asked where the first doesn't understand.
    #[must_use]
    pub fn second(&self) -> &M {
        &self.second
    }

    /// The same, with each intent of the first looked at by the second too.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.check = true;
        self
    }
}

/// Whether the first one did not read the sentence, as against having read that something is missing or refused.
fn is_unread(answer: &Translation) -> bool {
    match answer {
        Translation::Clarify(clarification) => {
            clarification.missing.iter().any(|it| it == "meaning")
        }
        Translation::Refuse(refusal) => refusal.code == RefusalCode::NotUnderstood,
        Translation::Intent(_) | Translation::Query(_) => false,
    }
}

#[async_trait]
impl<G: Translator, M: Translator> Translator for Chain<G, M> {
    fn name(&self) -> &str {
        "chain"
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let first = self.first.translate(utterance, catalog).await?;
        match &first {
            Translation::Intent(reading) if self.check => {
                match self.second.translate(utterance, catalog).await {
                    Ok(Translation::Intent(other)) => Ok(compare(reading, &other)),
                    Ok(other @ Translation::Query(_)) => Ok(differ(reading, &other)),
                    Ok(Translation::Refuse(refusal)) if refusal.code == RefusalCode::Unsafe => {
                        Ok(differ(reading, &Translation::Refuse(refusal)))
                    }
                    // It has no reading of its own that could differ.
                    Ok(Translation::Clarify(_) | Translation::Refuse(_)) => Ok(first),
                    Err(error) => Ok(alone(first, &error)),
                }
            }
            _ if is_unread(&first) => match self.second.translate(utterance, catalog).await {
                Ok(second) => Ok(fill(first, second)),
                Err(error) => Ok(alone(first, &error)),
            },
            _ => Ok(first),
        }
    }
}

/// The first one's answer, unchanged but for the remark that the second one wasn't heard: a person who counts on both is to know.
fn alone(first: Translation, error: &ibn_core::Error) -> Translation {
    match first {
        Translation::Intent(mut reading) => {
            reading.notes.push(format!(
                "the model could not be asked, so only the grammar read this: {error}"
            ));
            Translation::Intent(reading)
        }
        Translation::Clarify(mut clarification) => {
            clarification.question = format!(
                "{} (The model could not be asked: {error}.)",
                clarification.question
            );
            Translation::Clarify(clarification)
        }
        Translation::Refuse(mut refusal) => {
            refusal.message = format!("{}; the model could not be asked: {error}", refusal.message);
            Translation::Refuse(refusal)
        }
        // What it reads as a query is final: nobody else is asked.
        Translation::Query(_) => first,
    }
}

/// What the second one makes of a sentence that the first didn't read.
fn fill(first: Translation, second: Translation) -> Translation {
    match second {
        Translation::Intent(reading) => Translation::Intent(IntentReading {
            reader: Reader::Model,
            ..reading
        }),
        // A query changes nothing, so a wrong one does no harm.
        Translation::Query(QueryReading { .. }) => second,
        Translation::Refuse(refusal) if refusal.code != RefusalCode::NotUnderstood => {
            Translation::Refuse(refusal)
        }
        Translation::Clarify(_) | Translation::Refuse(_) => first,
    }
}

fn compare(first: &IntentReading, second: &IntentReading) -> Translation {
    if same(&first.intents, &second.intents) {
        return Translation::Intent(IntentReading {
            reader: Reader::Both,
            ..first.clone()
        });
    }
    differ(first, &Translation::Intent(second.clone()))
}

/// A question that shows both readings.
fn differ(first: &IntentReading, second: &Translation) -> Translation {
    Translation::Clarify(Clarification {
        question: "The grammar and the model read that differently. Which one is meant? Say it in other words, or submit it as an intent."
            .to_owned(),
        missing: vec!["reading".to_owned()],
        candidates: vec![
            grammar::in_words(&Translation::Intent(first.clone())),
            grammar::in_words(second),
        ],
    })
}

/// Whether two readings want the same, whatever they call it.
fn same(a: &[Intent], b: &[Intent]) -> bool {
    let plain = |intents: &[Intent]| {
        let mut specs: Vec<(String, Intent)> = intents
            .iter()
            .map(|it| {
                let mut it = it.clone();
                it.metadata.name = String::new();
                it.spec.text = None;
                (it.workload().to_string(), it)
            })
            .collect();
        specs.sort_by(|a, b| a.0.cmp(&b.0));
        specs
    };
    plain(a) == plain(b)
}
