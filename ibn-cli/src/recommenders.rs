//! Recommenders by name, from the crates that have some.

use std::sync::Arc;
use std::time::Duration;

use ibn_assurance::forecast::{BestOf, HoltWinters};
use ibn_core::roles::{Forecaster, Predictor, Recommender};
use ibn_drl::Spec;
use ibn_sim::autoscaler::clairvoyant::Clairvoyant;
use ibn_sim::autoscaler::{self, Context, Foresight, by_name};
use ibn_sim::{Scenario, Twin};

use crate::exit::{Exit, Failure};

/// Reads `NAME[:key=value,…]`.
pub(crate) fn parse(text: &str) -> Result<Spec, Failure> {
    text.parse().map_err(|error: ibn_drl::Error| failed(&error))
}

/// What is to come in a run of `scenario` at `seed`, where what was named is one that sees it.
pub(crate) fn foresight(
    spec: &Spec,
    scenario: &Scenario,
    seed: u64,
) -> Result<Option<Foresight>, Failure> {
    if spec.name() != Clairvoyant::NAME {
        return Ok(None);
    }
    Foresight::of(scenario, seed).map(Some).map_err(|error| {
        let message = format!("the scenario `{}` can't be simulated", scenario.name);
        Failure::because(Exit::Usage, message, &error)
    })
}

/// Makes what was named; `twin` is for those that predict, `foresight` for one that sees what is to come.
pub(crate) fn make(
    spec: &Spec,
    twin: &Arc<dyn Predictor>,
    foresight: Option<&Foresight>,
) -> Result<Box<dyn Recommender>, Failure> {
    if autoscaler::ENTRIES
        .iter()
        .any(|entry| entry.name == spec.name())
    {
        let context = Context {
            foresight,
            forecaster: Some(&forecaster),
        };
        return by_name(spec.name(), spec.options(), &context).map_err(|error| failed(&error));
    }
    // Told here, where all are known, and not by one crate of its own ones.
    if !ibn_drl::ENTRIES
        .iter()
        .any(|entry| entry.name == spec.name())
    {
        let message = format!("there is no recommender `{}`", spec.name());
        return Err(Failure::new(Exit::Usage, message).help(known()));
    }
    ibn_drl::recommender(spec, twin).map_err(|error| failed(&error))
}

/// Level and trend; with a season, whichever of that and the season was right most.
fn forecaster(season: Option<Duration>) -> Box<dyn Forecaster> {
    match season {
        Some(season) => Box::new(BestOf::with_season(season)),
        None => Box::new(HoltWinters::without_season()),
    }
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::because(Exit::Usage, "the recommender can't be had", error).help(known())
}

/// Every recommender with what it does.
fn known() -> String {
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
    format!("there are {}", known.join(", "))
}

/// The twin of a scenario's cluster.
pub(crate) fn twin(scenario: &Scenario) -> Arc<dyn Predictor> {
    Arc::new(Twin::default().with_cores(scenario.cores()))
}
