//! A translator that asks a model behind an OpenAI-compatible endpoint, and holds its answer against the sentence.
//!
//! What the model says is data: names from a closed list, numbers that the sentence says itself, fields of an enum. Code
//! reads the times, checks that nothing of the sentence was dropped, and builds the intent with the same code as the
//! grammar does. An answer that doesn't hold is sent back once with its fault; then the person is asked.

mod check;
mod client;
mod prompt;
mod reply;
mod settings;

use async_trait::async_trait;
use ibn_core::catalog::Catalog;
use ibn_core::roles::Translator;
use ibn_core::translation::{Translation, Utterance};

pub use self::settings::{ApiKey, ModelSettings};

use self::check::Fault;
use self::client::Client;
use crate::error::Result;
use crate::grammar::reply::clarify;
use crate::grammar::survey;

/// How often the model is asked about one sentence.
const TURNS: usize = 2;

/// Asks a model; each of its readings needs a person's confirmation.
///
/// ```
/// use ibn_llm::{ModelSettings, ModelTranslator};
///
/// let settings = ModelSettings::new("http://127.0.0.1:8081", "smollm2");
/// let translator = ModelTranslator::new(settings)?;
/// assert_eq!(ibn_core::roles::Translator::name(&translator), "llm");
/// # Ok::<(), ibn_llm::Error>(())
/// ```
#[derive(Debug)]
pub struct ModelTranslator {
    client: Client,
}

impl ModelTranslator {
    /// Checks the settings and builds the client; nothing is sent yet.
    ///
    /// # Errors
    /// A setting that can't be used.
    pub fn new(settings: ModelSettings) -> Result<Self> {
        Ok(Self {
            client: Client::new(settings)?,
        })
    }
}

#[async_trait]
impl Translator for ModelTranslator {
    fn name(&self) -> &str {
        "llm"
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let survey = match survey::survey(utterance, catalog) {
            Ok(survey) => survey,
            Err(answer) => return Ok(answer),
        };
        let mut messages = prompt::opening(utterance);
        let schema = prompt::schema(catalog);
        let mut fault = Fault::default();
        for _ in 0..TURNS {
            let content = self.client.complete(&messages, &schema).await?;
            let checked = content.and_then(|content| {
                reply::read(&content)
                    .and_then(|reply| check::check(&reply, &survey, utterance, catalog))
                    .map_err(|fault| fault.of(content))
            });
            match checked {
                Ok(translation) => return Ok(translation),
                Err(found) => {
                    prompt::object(&mut messages, &found);
                    fault = found;
                }
            }
        }
        Ok(clarify(
            "meaning",
            format!(
                "The model's reading does not hold ({}). Can you say it in other words?",
                fault.reason()
            ),
        ))
    }
}
