//! The rules of the grammar, a file for each thing that can be said.

mod amounts;
mod autoscale;
mod bounds;
mod caps;
mod latency;
mod modes;
mod objectives;
mod queries;
mod quota;
mod replicas;
mod resources;
mod shares;
mod targets;
mod terminals;
mod times;
mod usage;

use super::engine::{Builder, Grammar};
use super::sem::{Item, Sem};

/// The whole grammar.
pub(crate) fn grammar() -> Grammar {
    let mut builder = Builder::default();
    terminals::add(&mut builder);
    amounts::add(&mut builder);
    targets::add(&mut builder);
    replicas::add(&mut builder);
    resources::add(&mut builder);
    bounds::add(&mut builder);
    autoscale::add(&mut builder);
    quota::add(&mut builder);
    latency::add(&mut builder);
    shares::add(&mut builder);
    usage::add(&mut builder);
    objectives::add(&mut builder);
    modes::add(&mut builder);
    times::add(&mut builder);
    queries::add(&mut builder);
    builder.build()
}

pub(crate) use amounts::changed;

/// A number without a unit.
pub(crate) fn bare(number: super::decimal::Decimal) -> super::sem::Qty {
    amounts::qty(number, super::sem::Unit::None)
}

fn item(item: Item) -> Option<Sem> {
    Some(Sem::Item(Box::new(item)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_pattern_reads_and_every_rule_is_defined() {
        assert_eq!(super::grammar().faults(), Vec::<String>::new());
    }
}
