//! What serde writes, the reader reads to an equal value.

use ibn_core::diagnostic::Code;
use ibn_core::intent::{Intent, IntentStatus, Origin, OriginKind};
use ibn_core::read::{Decode, Format, read, read_documents};
use ibn_testkit::strategies::{guardrail, indicator, intent};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Through JSON in one line, JSON for people, and YAML; serde itself must read the same.
fn check<T>(value: &T) -> Result<(), TestCaseError>
where
    T: Decode + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let yaml = serde_saphyr::to_string(value).unwrap();
    for (text, format) in [
        (serde_json::to_string(value).unwrap(), Format::Json),
        (serde_json::to_string_pretty(value).unwrap(), Format::Json),
        (serde_json::to_string(value).unwrap(), Format::Yaml),
        (yaml, Format::Yaml),
    ] {
        let (found, diagnostics) = read::<T>(&text, format);
        prop_assert_eq!(&diagnostics, &[], "{:?}:\n{}", format, text);
        prop_assert_eq!(found.as_ref(), Some(value), "{:?}:\n{}", format, text);
    }
    let json = serde_json::to_string(value).unwrap();
    prop_assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn an_intent_is_read_as_it_was_written(intent in intent()) {
        check(&intent)?;
    }

    #[test]
    fn a_guardrail_is_read_as_it_was_written(guardrail in guardrail()) {
        check(&guardrail)?;
    }

    #[test]
    fn an_indicator_is_read_as_it_was_written(indicator in indicator()) {
        check(&indicator)?;
    }

    /// What the system wrote into an intent is dropped aloud when a person hands it in.
    #[test]
    fn the_fields_of_the_system_are_dropped(intent in intent(), by_assurance in any::<bool>()) {
        let mut stored = intent.clone();
        stored.status = Some(IntentStatus::default());
        stored.spec.origin = Some(Origin {
            by: if by_assurance { OriginKind::Assurance } else { OriginKind::Api },
            author: Some("ann".to_owned()),
            parent: None,
            cause: None,
        });
        let (found, diagnostics) = read::<Intent>(&serde_json::to_string(&stored).unwrap(), Format::Json);
        prop_assert_eq!(found, Some(intent));
        let codes: Vec<Code> = diagnostics.iter().map(|d| d.code).collect();
        prop_assert_eq!(codes, [Code::SystemField, Code::SystemField]);
    }

    /// Several documents in one text, as `kubectl get -o yaml` of many objects, one behind the other.
    #[test]
    fn several_documents_are_read_in_order(intents in prop::collection::vec(intent(), 1..4)) {
        let texts: Vec<String> = intents.iter().map(|intent| serde_saphyr::to_string(intent).unwrap()).collect();
        let (documents, diagnostics) = read_documents(&texts.join("\n---\n"), Format::Yaml);
        prop_assert_eq!(diagnostics, []);
        prop_assert_eq!(documents.map(|documents| documents.len()), Some(intents.len()));
    }
}
