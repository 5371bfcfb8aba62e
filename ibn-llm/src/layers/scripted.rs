//! A translator that knows its sentences by heart.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{Refusal, RefusalCode, Translation, Utterance};

/// Gives each sentence the answer that was set for it, and understands no other.
///
/// For demonstrations and tests; it looks at no catalog, so its answers are its author's care.
#[derive(Debug, Clone, Default)]
pub struct Scripted {
    answers: BTreeMap<String, Translation>,
}

impl Scripted {
    /// One that understands nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with an answer for a sentence.
    #[must_use]
    pub fn with(mut self, text: &str, answer: Translation) -> Self {
        self.answers.insert(text.trim().to_owned(), answer);
        self
    }
}

#[async_trait]
impl Translator for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn translate(&self, utterance: &Utterance, _: &Catalog) -> ibn_core::Result<Translation> {
        Ok(self
            .answers
            .get(utterance.text.trim())
            .cloned()
            .unwrap_or_else(|| {
                Translation::Refuse(Refusal {
                    code: RefusalCode::NotUnderstood,
                    message: format!("`{}` was not understood", utterance.text),
                })
            }))
    }
}
