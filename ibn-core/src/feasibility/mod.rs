//! What can be had: one workload with its limits, and the search for the cheapest allocation inside them.

mod bounds;
mod mobility;
mod scene;
mod search;
pub(crate) mod text;

pub(crate) use bounds::Bounds;
pub(crate) use mobility::{Mobility, Pods};
pub(crate) use scene::Scene;
pub(crate) use search::Search;
