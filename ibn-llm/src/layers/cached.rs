//! A translator that remembers its answers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::intent::Intent;
use ibn_core::roles::Translator;
use ibn_core::translation::{Translation, Utterance};

/// Remembers the last answers of `T` for one catalog; another catalog empties it.
///
/// What depends on the instant at which it was said (a validity, a question about a time) is not kept, nor are failures.
#[derive(Debug)]
pub struct Cached<T> {
    inner: T,
    capacity: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    catalog: Catalog,
    /// Least recently used first.
    answers: VecDeque<(Key, Translation)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    text: String,
    timezone: String,
    namespace: Option<String>,
}

impl<T> Cached<T> {
    /// Keeps at most `capacity` answers.
    #[must_use]
    pub fn new(inner: T, capacity: usize) -> Self {
        Self {
            inner,
            capacity,
            known: Mutex::default(),
        }
    }

    fn find(&self, key: &Key, catalog: &Catalog) -> Option<Translation> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.catalog != *catalog {
            return None;
        }
        let at = known.answers.iter().position(|(it, _)| it == key)?;
        let found = known.answers.remove(at)?;
        let answer = found.1.clone();
        known.answers.push_back(found);
        Some(answer)
    }

    fn keep(&self, key: Key, catalog: &Catalog, answer: &Translation) {
        if self.capacity == 0 || depends_on_time(answer) {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.catalog != *catalog {
            known.catalog = catalog.clone();
            known.answers.clear();
        }
        known.answers.retain(|(it, _)| *it != key);
        if known.answers.len() >= self.capacity {
            known.answers.pop_front();
        }
        known.answers.push_back((key, answer.clone()));
    }
}

fn depends_on_time(answer: &Translation) -> bool {
    let timed = |intents: &[Intent]| intents.iter().any(|it| it.spec.validity.is_some());
    match answer {
        Translation::Intent(reading) => timed(&reading.intents),
        Translation::Query(query) => timed(&query.intents),
        Translation::Clarify(clarification) => {
            clarification.missing.iter().any(|it| it.contains("time"))
        }
        Translation::Refuse(_) => false,
    }
}

#[async_trait]
impl<T: Translator> Translator for Cached<T> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let key = Key {
            text: utterance.text.clone(),
            timezone: utterance.timezone.clone(),
            namespace: utterance.namespace.clone(),
        };
        if let Some(answer) = self.find(&key, catalog) {
            return Ok(answer);
        }
        let answer = self.inner.translate(utterance, catalog).await?;
        self.keep(key, catalog, &answer);
        Ok(answer)
    }
}
