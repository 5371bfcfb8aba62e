//! The deterministic translator: a grammar over a closed vocabulary and the names of the catalog.
//!
//! ```text
//! text ─► lex ─► input (names, forgiven typos) ─► sentence (rules, engine) ─► read (resolve, draft) ─► Translation
//! ```
//!
//! A sentence is read as a whole or not at all: every word of it belongs to a rule, is a name of the catalog, a number
//! or a courtesy. What is left over makes it a question or a refusal, so that no clause is ever dropped. Two readings
//! that differ are a question.

mod allot;
mod clash;
pub(crate) mod decimal;
mod diagnose;
pub(crate) mod draft;
mod engine;
mod input;
mod lex;
mod measure;
pub(crate) mod naming;
mod pattern;
mod read;
mod reasons;
pub(crate) mod reply;
mod resolve;
mod rest;
pub(crate) mod rules;
mod scope;
pub(crate) mod sem;
mod sentence;
mod sound;
mod sums;
pub(crate) mod survey;
mod vocabulary;
pub(crate) mod when;
mod words;
mod worth;

pub(crate) use read::finish;
pub(crate) use words::in_words;

use std::sync::LazyLock;

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{RefusalCode, Translation, Utterance};

use self::engine::Grammar;
use self::input::{Input, MAX_TOKENS, NameIndex, UNKNOWN};
use self::read::Context;
use self::reply::{clarify_among, refuse};

/// Longer texts are no sentences.
const MAX_BYTES: usize = 4096;

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(rules::grammar);

/// Reads sentences by a grammar: the same sentence and catalog give the same answer, always.
///
/// | what is said | answer |
/// |---|---|
/// | orders to the reader, guardrails, ibn's own parts; secrets, shells, access rights; deletion | refuse `unsafe` |
/// | images, roll-outs, restarts, nodes, networks, storage, logs; nothing of a cluster at all | refuse `outOfScope` |
/// | conditions, recurring times, queues as triggers, money, no limit at all, steps, shared bounds | refuse `outOfScope`, which says so |
/// | a name that the catalog doesn't have | clarify `target`, with the nearest names |
/// | a group in which there is nothing, or a catalog without workloads | refuse `unknownTarget` |
/// | something left out or said in two ways | clarify `target`, `amount`, `unit`, `container`, `maximum`, `scope`, `time`, `quantile`, `bound`, `reading` … |
/// | a sentence about workloads of which a part is not read | clarify `meaning`, with that part |
/// | anything else | refuse `notUnderstood` |
///
/// A workload of which the name stands in several namespaces is said with its namespace:
///
/// | form | example |
/// |---|---|
/// | the namespace before it | `scale acme web to 5`, `acme's web`, `acme/web` |
/// | the namespace behind it | `web in acme`, `the web of acme`, `checkout's p95 in acme` |
/// | in the plural, one workload's pods | `double the workers of globex` |
///
/// A namespace and a name side by side are read only where neither is anything else: not where a workload has the
/// namespace's name, where both together are a name, or where a list leaves open for which names the namespace holds.
///
/// ```
/// use ibn_core::catalog::Catalog;
/// use ibn_core::translation::{Translation, Utterance};
/// use ibn_llm::GrammarTranslator;
///
/// let catalog: Catalog = serde_json::from_str(
///     r#"{"workloads": [{"namespace": "acme", "kind": "Deployment", "name": "web", "replicas": 3}]}"#,
/// )?;
/// let utterance = Utterance::new("please scale web to five pods", "2026-11-24T12:00:00Z".parse()?);
/// let Translation::Intent(reading) = GrammarTranslator::new().read(&utterance, &catalog) else {
///     return Err("no intent".into());
/// };
/// assert_eq!(reading.intents[0].metadata.name, "web-replicas");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct GrammarTranslator;

impl GrammarTranslator {
    /// The translator; it has no settings.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// What the sentence means; the same as [`Translator::translate`], without waiting.
    ///
    /// An unknown time zone is a question, since it comes from the person.
    #[must_use]
    pub fn read(&self, utterance: &Utterance, catalog: &Catalog) -> Translation {
        read_whole(utterance, catalog)
    }
}

#[async_trait]
impl Translator for GrammarTranslator {
    fn name(&self) -> &str {
        "grammar"
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        Ok(self.read(utterance, catalog))
    }
}

fn read_whole(utterance: &Utterance, catalog: &Catalog) -> Translation {
    if utterance.text.len() > MAX_BYTES {
        return refuse(
            RefusalCode::NotUnderstood,
            "the text is too long for a sentence",
        );
    }
    let Some(now) = when::zoned(utterance.now, &utterance.timezone) else {
        return reply::clarify(
            "timezone",
            format!("`{}` is no time zone. Which one is it?", utterance.timezone),
        );
    };
    let index = NameIndex::new(catalog);
    let input = Input::new(&utterance.text, &GRAMMAR, &index);
    if input.len() > MAX_TOKENS {
        return refuse(
            RefusalCode::NotUnderstood,
            "the text is too long for a sentence",
        );
    }
    let context = Context {
        utterance,
        catalog,
        now,
    };
    let wholes = sentence::read(&GRAMMAR, &input);
    let cheapest = wholes.first().map(|whole| whole.cost);
    let Some(cheapest) = cheapest else {
        return diagnose::explain(&input, &context);
    };
    // Where a typo or an unknown name is needed to read it, it may as well be about something else altogether.
    if cheapest > 0
        && let Some((code, message)) = scope::unsafe_reason(&input)
    {
        return refuse(code, message);
    }
    let mut readings: Vec<Translation> = Vec::new();
    for whole in wholes.iter().filter(|whole| whole.cost == cheapest) {
        let translation = context.translate(&whole.said);
        if !readings.iter().any(|it| words::is_same(it, &translation)) {
            readings.push(translation);
        }
    }
    let answer = one_of(readings);
    if let Some(question) = numbered_namesake(&answer, &wholes, catalog) {
        return question;
    }
    let Translation::Clarify(clarification) = &answer else {
        return answer;
    };
    let asks = |what: &str| clarification.missing.iter().any(|it| it == what);
    // A time that can't be said may be one that comes again and again.
    let other = if asks("time") {
        scope::recurs(&input)
    } else if cheapest >= UNKNOWN {
        // What is taken for a name nobody knows may be something else altogether.
        let names: Vec<String> = wholes
            .iter()
            .take_while(|whole| whole.cost == cheapest)
            .flat_map(|whole| sentence::unknown_targets(&whole.said))
            .collect();
        scope::reason_beside(&input, &names)
    } else {
        None
    };
    match other {
        // The `if` of a question what would happen is no condition.
        Some((_, message)) if message == reasons::CONDITION && diagnose::predicts(&input) => answer,
        Some((code, message)) => refuse(code, message),
        None => answer,
    }
}

/// The question which is meant where a number behind a name may belong to the name: `give search 2 more pods`, where there is a
/// `search-2`. Of that one the amount is missing then, so that it is the costlier reading, and no worse a one.
fn numbered_namesake(
    answer: &Translation,
    wholes: &[sentence::Whole],
    catalog: &Catalog,
) -> Option<Translation> {
    let Translation::Intent(reading) = answer else {
        return None;
    };
    let is_numbered = |name: &str| {
        reading.intents.iter().any(|intent| {
            let number = name
                .strip_prefix(intent.spec.target.name.as_str())
                .and_then(|rest| rest.strip_prefix('-'));
            number.is_some_and(|it| !it.is_empty() && it.bytes().all(|c| c.is_ascii_digit()))
        })
    };
    wholes.iter().flat_map(|whole| &whole.said).find_map(|it| {
        let sem::Item::Ask {
            target: Some(target),
            question,
            ..
        } = &it.item
        else {
            return None;
        };
        let named = target.picks.iter().find_map(|pick| match pick {
            sem::Pick::Named { hit, .. } => {
                let mut known = hit
                    .workloads
                    .iter()
                    .filter_map(|at| catalog.workloads.get(*at));
                known.find(|workload| is_numbered(&workload.name))
            }
            _ => None,
        })?;
        Some(clarify_among(
            "reading",
            "That can be read in more than one way. Which one is meant?",
            vec![
                words::in_words(answer),
                format!("{}: {question}", named.workload()),
            ],
        ))
    })
}

/// The one reading, or the question which of several is meant.
fn one_of(readings: Vec<Translation>) -> Translation {
    let wanted: Vec<&Translation> = readings
        .iter()
        .filter(|it| matches!(it, Translation::Intent(_) | Translation::Query(_)))
        .collect();
    // `go up to 2 pods` where there are 3: that it can be read as a bound doesn't make it one.
    if let Some(contradiction) = readings.iter().find(|it| clash::is_opposite(it)) {
        return contradiction.clone();
    }
    match wanted.as_slice() {
        [one] => (*one).clone(),
        [] => readings.into_iter().next().unwrap_or_else(|| {
            refuse(
                RefusalCode::NotUnderstood,
                "the sentence was not understood",
            )
        }),
        several => clarify_among(
            "reading",
            "That can be read in more than one way. Which one is meant?",
            words::told_apart(several),
        ),
    }
}
