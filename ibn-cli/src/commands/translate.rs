//! `ibn translate`: what a sentence means.

use std::sync::Arc;

use ibn_core::catalog::Catalog;
use ibn_core::read::{Format, read_catalog};
use ibn_core::roles::Translator;
use ibn_core::translation::{Translation, Utterance};
use jiff::Timestamp;

use super::tell;
use crate::args::{ModelArgs, TranslateArgs, TranslatorKind};
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome, read_file};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(args: &TranslateArgs, settings: &Settings) -> Outcome {
    let translator = translator(&settings.model(&args.model))?;
    let timezone = args
        .timezone
        .clone()
        .or_else(|| settings.timezone())
        .unwrap_or_else(|| "UTC".to_owned());
    zone(&timezone)?;
    let now: Timestamp = match &args.now {
        Some(text) => text.parse().map_err(|error: jiff::Error| {
            Failure::because(Exit::Usage, format!("`{text}` is no instant"), &error)
                .help("RFC 3339, such as `2026-12-24T18:00:00Z`")
        })?,
        None => Timestamp::now(),
    };
    let utterance = Utterance {
        text: args.text.clone(),
        now,
        timezone,
        namespace: settings.namespace.clone(),
    };
    let named = args.catalog.clone().or_else(|| settings.catalog());
    let translation = wait(async {
        let catalog: Catalog = match named {
            Some(path) => {
                let name = path.display().to_string();
                let (catalog, faults) = read_catalog(
                    &read_file(&name)?,
                    Format::of_file(&name).unwrap_or(Format::Json),
                );
                catalog.ok_or_else(|| Failure::faults(&name, faults))?
            }
            None => Client::new(&settings.server)?
                .get("catalog", &[])
                .await
                .map_err(|failure| {
                    failure.help("name what exists with `--catalog FILE`, or start an `ibn` to ask")
                })?,
        };
        Ok(translator.translate(&utterance, &catalog).await?)
    })?;
    output::print(settings.output, &translation, || {
        let mut text = tell::translation(&translation);
        if let Translation::Query(query) = &translation {
            text.push_str(&format!("\n  {} answers it", tell::answering(query)));
        }
        text
    })?;
    Ok(tell::exit_of(&translation))
}

/// Says so where there is no such time zone.
pub(crate) fn zone(timezone: &str) -> Result<(), Failure> {
    let found = jiff::tz::TimeZone::get(timezone);
    found.map(drop).map_err(|error| {
        Failure::because(Exit::Usage, format!("`{timezone}` is no time zone"), &error)
            .help("an IANA name such as `Europe/Berlin` or `UTC`")
    })
}

/// The translator that was asked for: the chain where a model is named, the grammar otherwise.
pub(crate) fn translator(args: &ModelArgs) -> Result<Arc<dyn Translator>, Failure> {
    let kind = args.translator.unwrap_or(match args.llm_url {
        Some(_) => TranslatorKind::Chain,
        None => TranslatorKind::Grammar,
    });
    let model = || -> Result<ibn_llm::ModelTranslator, Failure> {
        let url = args.llm_url.as_deref().ok_or_else(|| {
            Failure::new(Exit::Usage, "a model needs an address")
                .help("name an OpenAI-compatible server with `--llm-url URL`")
        })?;
        let key = std::env::var("IBN_LLM_KEY").ok();
        let name = args
            .llm_model
            .clone()
            .unwrap_or_else(|| "default".to_owned());
        let settings = ibn_llm::ModelSettings::new(url, &name);
        let settings = match key {
            Some(key) => settings.with_key(ibn_llm::ApiKey::new(key)),
            None => settings,
        };
        ibn_llm::ModelTranslator::new(settings).map_err(|error| {
            Failure::because(Exit::Usage, "the model can't be used", &error)
                .help("`--llm-url URL` such as `http://127.0.0.1:8081/v1`, and `--llm-model NAME`")
        })
    };
    Ok(match kind {
        // An address that can't be used is told all the same.
        TranslatorKind::Grammar if args.llm_url.is_some() => {
            model()?;
            Arc::new(ibn_llm::GrammarTranslator::new())
        }
        TranslatorKind::Grammar => Arc::new(ibn_llm::GrammarTranslator::new()),
        TranslatorKind::Llm => Arc::new(model()?),
        TranslatorKind::Chain => {
            Arc::new(ibn_llm::Chain::new(ibn_llm::GrammarTranslator::new(), model()?).checked())
        }
    })
}
