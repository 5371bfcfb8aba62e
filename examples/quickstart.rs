//! From a sentence to what it would do: translate, look at the effect, change nothing.

use std::sync::Arc;

use anyhow::{Context, bail};
use futures::executor::block_on;
use ibn_core::admission::{Admission, AdmissionContext};
use ibn_core::catalog::Catalog;
use ibn_core::conflict::Registry;
use ibn_core::roles::{Clock, Orchestrator, Translator};
use ibn_core::translation::{Translation, Utterance};
use ibn_llm::GrammarTranslator;
use ibn_sim::{Scenario, SimulatedCluster, Twin};

fn main() -> anyhow::Result<()> {
    // A simulated cluster with three customers, each with `web`, `checkout` and `worker`.
    let cluster = SimulatedCluster::new(&Scenario::demo()?, 7)?;
    let inventory = block_on(cluster.inventory())?;
    let catalog = Catalog::from_inventory(&inventory, &cluster.aliases(), Vec::new());

    let sentence = "give checkout in globex 50 % more CPU";
    let utterance = Utterance::new(sentence, cluster.now());
    let Translation::Intent(reading) =
        block_on(GrammarTranslator::new().translate(&utterance, &catalog))?
    else {
        bail!("`{sentence}` was not understood");
    };
    let intent = reading.intents.first().context("a reading has an intent")?;
    println!(
        "{sentence}\n{}",
        serde_json::to_string_pretty(&intent.spec)?
    );

    // Validate, look for conflicts, resolve what is relative, ask the twin.
    let admission = Admission::new(Registry::standard(), Arc::new(Twin::default()));
    let outcome = admission.review(intent, &AdmissionContext::new(cluster.now(), &inventory));
    println!("{}", outcome.summary());
    let accepted = outcome.accepted().context("it would be accepted")?;
    for change in accepted.effect.before.changes_to(&accepted.effect.after) {
        println!("  {change}");
    }
    Ok(())
}
