//! Rules on objectives.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Findings;
use crate::diagnostic::Code;
use crate::intent::{Bound, IndicatorName, Objective};
use crate::read::path::join;
use crate::read::{alternatives, quote};
use crate::units::{IndicatorValue, Quantile};

/// The shortest window of an objective: shorter ones hold too few requests and no second scrape.
pub const MIN_WINDOW: Duration = Duration::from_secs(10);
/// The longest window of an objective: 30 days, the usual one of a service-level objective.
pub const MAX_WINDOW: Duration = Duration::from_secs(30 * 86_400);
/// The greatest utilisation, in percent of the requests, which may be exceeded up to the limits.
const MAX_UTILIZATION: f64 = 1_000.0;

/// Every rule on one objective at `path`.
pub(super) fn objective(path: &str, objective: &Objective, findings: &mut Findings) {
    indicator_name(path, &objective.indicator, findings);
    quantile(path, &objective.indicator, objective.quantile, findings);
    if let Some(length) = objective.window {
        window(path, length, findings);
    }
    bound(path, objective, findings);
}

/// Names that could be a built-in indicator with a slip of the hand are reserved, so that no slip goes unseen.
pub(super) fn near_built_in(name: &str) -> Option<IndicatorName> {
    let fold = |text: &str| text.replace(['-', '_', '.'], "").to_ascii_lowercase();
    let folded = fold(name);
    if folded.len() > 32 {
        return None;
    }
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    IndicatorName::BUILT_IN.into_iter().find(|known| {
        let known = fold(known.as_str());
        // Many words are one other letter away from a short one: `host` is no slip of `cost`.
        let same_length = folded.len() == known.len();
        let other_letter = same_length && sorted(&folded) != sorted(&known);
        strsim::osa_distance(&folded, &known) <= usize::from(known.len() > 4 || !other_letter)
    })
}

/// Whether an `Indicator` object may bear this name.
pub(super) fn can_be_custom(name: &str) -> bool {
    super::findings::is_dns_subdomain(name) && near_built_in(name).is_none()
}

/// A custom name must be one that an `Indicator` object can have.
fn indicator_name(path: &str, name: &IndicatorName, findings: &mut Findings) {
    let IndicatorName::Custom(name) = name else {
        return;
    };
    let path = join(path, "indicator");
    if let Some(known) = near_built_in(name) {
        findings.error(
            Code::UnknownIndicator,
            path,
            format!("there is no indicator {}", quote(name)),
            format!(
                "did you mean `{known}`? Allowed: {}, or the name of an `Indicator`",
                built_in_names()
            ),
        );
    } else if !super::findings::is_dns_subdomain(name) {
        findings.error(
            Code::UnknownIndicator,
            path,
            format!(
                "there is no indicator {}, and no `Indicator` can have this name",
                quote(name)
            ),
            format!("{}, or the name of an `Indicator`", built_in_names()),
        );
    }
}

pub(super) fn built_in_names() -> String {
    alternatives(&IndicatorName::BUILT_IN.map(|name| name.to_string())).replace(" or ", ", ")
}

/// Only latency has quantiles.
pub(crate) fn quantile(
    path: &str,
    indicator: &IndicatorName,
    quantile: Option<Quantile>,
    findings: &mut Findings,
) {
    // A slip of the hand in `latency` is a fault of its own.
    let is_latency = match indicator {
        IndicatorName::Latency => true,
        IndicatorName::Custom(name) => near_built_in(name) == Some(IndicatorName::Latency),
        _ => false,
    };
    if let Some(quantile) = quantile
        && !is_latency
    {
        findings.error(
            Code::QuantileNotApplicable,
            join(path, "quantile"),
            format!(
                "the quantile `{quantile}` is given for {}",
                quote(indicator.as_str())
            ),
            "a quantile for `latency` only; leave it out",
        );
    }
}

/// The window lies inside [`MIN_WINDOW`] and [`MAX_WINDOW`].
pub(crate) fn window(path: &str, length: Duration, findings: &mut Findings) {
    findings.duration_in(&join(path, "window"), length, MIN_WINDOW..=MAX_WINDOW);
}

fn bound(path: &str, objective: &Objective, findings: &mut Findings) {
    let (side, value) = match &objective.bound {
        Bound::AtMost(value) => ("atMost", value),
        Bound::AtLeast(value) => ("atLeast", value),
    };
    let (most, allowed) = match objective.indicator {
        IndicatorName::ErrorRate | IndicatorName::Availability => {
            (100.0, "a percentage from `0%` to `100%`")
        }
        IndicatorName::CpuUtilization | IndicatorName::MemoryUtilization => (
            MAX_UTILIZATION,
            "a percentage of the requests above `0%` and up to `1000%`",
        ),
        _ => (f64::MAX, "a value above zero"),
    };
    // Zero can be reached by what fails or costs, and never by a response time or a load.
    let never_zero = match objective.indicator {
        IndicatorName::ErrorRate | IndicatorName::Availability | IndicatorName::Custom(_) => false,
        IndicatorName::Cost | IndicatorName::Throughput => side == "atMost",
        _ => true,
    };
    if value.number() > most || (never_zero && value.number() == 0.0) {
        findings.error(
            Code::OutOfRange,
            join(path, side),
            format!("`{value}` is out of range"),
            allowed,
        );
    }
}

/// No value meets both the greatest `atLeast` and the least `atMost` of one indicator where the first is greater.
pub(super) fn contradictions<'a>(
    objectives: impl Iterator<Item = (String, &'a Objective)>,
    findings: &mut Findings,
) {
    #[derive(Default)]
    struct Sides<'a> {
        at_least: Option<&'a IndicatorValue>,
        at_most: Option<&'a IndicatorValue>,
    }
    let mut seen: BTreeMap<(&IndicatorName, Option<Quantile>), Sides<'_>> = BTreeMap::new();
    for (path, objective) in objectives {
        let quantile =
            (objective.indicator == IndicatorName::Latency).then(|| objective.quantile());
        let sides = seen.entry((&objective.indicator, quantile)).or_default();
        let side = match &objective.bound {
            Bound::AtLeast(value) => {
                let greater = sides
                    .at_least
                    .is_none_or(|known| value.number() > known.number());
                if greater {
                    sides.at_least = Some(value);
                }
                "atLeast"
            }
            Bound::AtMost(value) => {
                let less = sides
                    .at_most
                    .is_none_or(|known| value.number() < known.number());
                if less {
                    sides.at_most = Some(value);
                }
                "atMost"
            }
        };
        if let (Some(least), Some(most)) = (sides.at_least, sides.at_most)
            && least.unit() == most.unit()
            && least.number() > most.number()
        {
            findings.error(
                Code::MinAboveMax,
                join(&path, side),
                format!(
                    "{} at least `{least}` and at most `{most}` exclude each other",
                    quote(objective.indicator.as_str())
                ),
                format!("a lower bound of at most `{most}`, or a greater upper bound"),
            );
        }
    }
}
