//! An own translator: emergencies in one word, everything else to the grammar.

use async_trait::async_trait;
use futures::executor::block_on;
use ibn_core::catalog::{Catalog, CatalogWorkload};
use ibn_core::intent::{Amount, Directive, Expectation, Intent};
use ibn_core::roles::Translator;
use ibn_core::translation::{IntentReading, Reader, Translation, Utterance};
use ibn_core::workload::WorkloadKind;
use ibn_llm::GrammarTranslator;

/// Reads `panic NAME` as "double its pods", and hands everything else on.
struct Panic<T>(T);

#[async_trait]
impl<T: Translator> Translator for Panic<T> {
    fn name(&self) -> &str {
        "panic"
    }

    async fn translate(
        &self,
        utterance: &Utterance,
        catalog: &Catalog,
    ) -> ibn_core::Result<Translation> {
        let workload = utterance.text.strip_prefix("panic ").and_then(|name| {
            // The catalog is the closed list of names; a name in two namespaces is the grammar's to ask about.
            let mut found = catalog
                .workloads
                .iter()
                .filter(|workload| workload.name == name);
            found.next().filter(|_| found.next().is_none())
        });
        let Some(workload) = workload else {
            return self.0.translate(utterance, catalog).await;
        };
        let mut intent = Intent::new(&format!("{}-panic", workload.name), &workload.workload())
            .with_expectation(Expectation::Directive(Directive::Replicas(Amount::Scale(
                2.0,
            ))));
        intent.spec.text = Some(utterance.text.clone());
        let notes = vec!["a panic doubles the pods".to_owned()];
        Ok(Translation::Intent(IntentReading {
            intents: vec![intent],
            notes,
            reader: Reader::Grammar,
        }))
    }
}

fn main() -> anyhow::Result<()> {
    let web = CatalogWorkload {
        namespace: "acme".to_owned(),
        kind: WorkloadKind::Deployment,
        name: "web".to_owned(),
        replicas: 3,
        containers: Vec::new(),
        aliases: Vec::new(),
    };
    let catalog = Catalog {
        workloads: vec![web],
        namespaces: vec!["acme".to_owned()],
        indicators: Vec::new(),
    };
    let translator = Panic(GrammarTranslator::new());
    for text in ["panic web", "scale web to 5", "panic api"] {
        let utterance = Utterance::new(text, "2026-01-01T00:00:00Z".parse()?);
        let translation = block_on(translator.translate(&utterance, &catalog))?;
        println!("{text}\n  {}", serde_json::to_string(&translation)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_conforms() {
        block_on(ibn_testkit::translator::check(&Panic(
            GrammarTranslator::new(),
        )));
    }
}
