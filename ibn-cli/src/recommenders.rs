//! Recommenders by name, from the crates that have some.

use std::sync::Arc;

use ibn_core::roles::{Predictor, Recommender};
use ibn_drl::Spec;
use ibn_sim::autoscaler::{self, by_name};

use crate::exit::{Exit, Failure};

/// Reads `NAME[:key=value,…]`.
pub(crate) fn parse(text: &str) -> Result<Spec, Failure> {
    text.parse().map_err(|error: ibn_drl::Error| failed(&error))
}

/// Makes what was named; `twin` is for those that predict.
pub(crate) fn make(
    spec: &Spec,
    twin: &Arc<dyn Predictor>,
) -> Result<Box<dyn Recommender>, Failure> {
    if autoscaler::ENTRIES
        .iter()
        .any(|entry| entry.name == spec.name())
    {
        return by_name(spec.name(), spec.options()).map_err(|error| failed(&error));
    }
    ibn_drl::recommender(spec, twin).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> Failure {
    let of_sim = autoscaler::ENTRIES
        .iter()
        .map(|entry| (entry.name, entry.about));
    let of_drl = ibn_drl::ENTRIES
        .iter()
        .map(|entry| (entry.name, entry.about));
    let known: Vec<String> = of_sim
        .chain(of_drl)
        .map(|(name, about)| format!("{name} ({about})"))
        .collect();
    Failure::because(Exit::Usage, "the recommender can't be had", error)
        .help(format!("there are {}", known.join(", ")))
}
