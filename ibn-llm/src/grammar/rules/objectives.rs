//! What all objectives share.

use ibn_core::intent::IndicatorName;

use super::item;
use crate::grammar::decimal::Decimal;
use crate::grammar::engine::Caps;
use crate::grammar::sem::{Item, Metric, Qty, Quant, Sem};

pub(super) fn metric(name: IndicatorName, quantile: Option<Quant>) -> Option<Sem> {
    Some(Sem::Metric(Metric { name, quantile }))
}

pub(super) fn quant(percent: Decimal) -> Option<Sem> {
    Some(Sem::Quantile(Quant::Percent(percent)))
}

pub(super) fn objective(c: &Caps<'_>, metric: Metric, upper: bool, value: Qty) -> Option<Sem> {
    item(Item::Objective {
        target: c.target("t"),
        metric,
        upper,
        value,
    })
}

pub(super) fn plain(name: IndicatorName) -> Metric {
    Metric {
        name,
        quantile: None,
    }
}
