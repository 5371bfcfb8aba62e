//! Comparing recommenders over scenarios and seeds: a grid of runs, what they came to, and how sure that is.
//!
//! A [`Cell`] is one run of a [`Grid`]; [`evaluate`] plays one. [`summarise`] sums
//! up what came back: means over seeds with bootstrap intervals, differences to a baseline on the same seeds, and who is
//! on the Pareto front of violations and core-hours.

mod estimate;
mod figures;
mod summary;
mod sweep;

use ibn_core::roles::Recommender;
use ibn_core::workload::WorkloadRef;
use serde::{Deserialize, Serialize};

pub use estimate::Estimate;
pub use figures::{Figures, Latency, Totals, Violations};
pub use summary::{Against, Measures, Overall, Summary, overall, summarise};
pub use sweep::sweep;

use crate::episode::run;
use crate::error::Result;
use crate::scenario::Scenario;

/// One run of a grid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The scenario's name.
    pub scenario: String,
    /// The [fingerprint](Scenario::fingerprint) of the scenario, in hex.
    pub fingerprint: String,
    /// The recommender as it was named, options included.
    pub recommender: String,
    /// The seed.
    pub seed: u64,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Played {
    /// Which run.
    #[serde(flatten)]
    pub cell: Cell,
    /// Over all its workloads.
    pub totals: Totals,
    /// By workload, in the order of the scenario.
    pub workloads: Vec<Figures>,
    /// Hash of everything that happened, in hex.
    pub event_hash: String,
}

/// What is compared: every recommender on every scenario with every seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The version that plays it: others may come to other figures, so their runs are not mixed.
    pub version: String,
    /// Names and [fingerprints](Scenario::fingerprint) (in hex) of the scenarios, in order.
    pub scenarios: Vec<(String, String)>,
    /// The recommenders as they are named, in order.
    pub recommenders: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
}

impl Grid {
    /// The runs: scenario by scenario, recommender by recommender, seed by seed.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells =
            Vec::with_capacity(self.scenarios.len() * self.recommenders.len() * self.seeds.len());
        for (scenario, fingerprint) in &self.scenarios {
            for recommender in &self.recommenders {
                cells.extend(self.seeds.iter().map(|seed| Cell {
                    scenario: scenario.clone(),
                    fingerprint: fingerprint.clone(),
                    recommender: recommender.clone(),
                    seed: *seed,
                }));
            }
        }
        cells
    }
}

/// Plays one run of a grid on its scenario, with a recommender of `make` for each workload.
///
/// Deterministic: the same cell gives the same, wherever and beside whatever it is played.
///
/// # Errors
/// As for [`run`].
pub fn evaluate(
    scenario: &Scenario,
    cell: &Cell,
    make: &mut dyn FnMut(&WorkloadRef) -> Box<dyn Recommender>,
) -> Result<Played> {
    let episode = run(scenario, make, cell.seed)?;
    Ok(Played {
        cell: cell.clone(),
        totals: Totals::of(&episode.workloads, scenario.horizon),
        workloads: episode.workloads.iter().map(Figures::from).collect(),
        event_hash: format!("{:016x}", episode.event_hash),
    })
}
