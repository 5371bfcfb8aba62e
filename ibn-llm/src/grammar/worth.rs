//! The values of indicators: from what was said to a value with the indicator's unit.

use ibn_core::intent::IndicatorName;
use ibn_core::translation::Translation;
use ibn_core::units::{IndicatorValue, Quantile, Unit as ValueUnit};

use super::clash;
use super::decimal::Decimal;
use super::measure;
use super::reply::clarify;
use super::sem::{Qty, Quant, Unit};

type Answer<T> = Result<T, Translation>;

/// The value of an indicator, and a note where it was converted.
pub(crate) fn value_of(
    name: &IndicatorName,
    qty: &Qty,
) -> Answer<(IndicatorValue, Option<String>)> {
    let number = qty.number.to_f64();
    let unit_missing = |example: &str| {
        clarify(
            "unit",
            format!(
                "{} of what? `{name}` is said as in `{example}`.",
                qty.number
            ),
        )
    };
    // Percentages of a whole have no thousands.
    let is_share = qty.unit == Unit::Percent && !matches!(name, IndicatorName::Custom(_));
    if !is_share && let Some(other) = qty.number.may_be_thousands() {
        let unit = clash::letters(qty.unit);
        return Err(measure::thousands_question(qty.number, other, unit));
    }
    let (text, note) = match (name, qty.unit) {
        (IndicatorName::Latency, Unit::Time(nanos)) => (duration_text(qty.number, nanos)?, None),
        (IndicatorName::Latency, _) => return Err(unit_missing("200ms")),
        (
            IndicatorName::ErrorRate
            | IndicatorName::Availability
            | IndicatorName::CpuUtilization
            | IndicatorName::MemoryUtilization,
            Unit::Percent,
        ) => {
            let over = number > 100.0
                && matches!(name, IndicatorName::ErrorRate | IndicatorName::Availability);
            if over {
                return Err(clarify(
                    "amount",
                    "More than 100 % can't be. How many percent?",
                ));
            }
            let relative = matches!(
                name,
                IndicatorName::CpuUtilization | IndicatorName::MemoryUtilization
            );
            if relative && !(number > 0.0 && number <= 1000.0) {
                return Err(clarify(
                    "amount",
                    format!(
                        "A bound of {} % can't be kept: utilisation is relative to what is requested, and a bound on it lies above 0 % and is at most 1000 %. How many percent?",
                        qty.number
                    ),
                ));
            }
            (format!("{}%", qty.number), None)
        }
        (
            IndicatorName::ErrorRate
            | IndicatorName::Availability
            | IndicatorName::CpuUtilization
            | IndicatorName::MemoryUtilization,
            _,
        ) => return Err(unit_missing("70%")),
        (IndicatorName::Throughput, Unit::Rate(1)) => (format!("{}rps", qty.number), None),
        (IndicatorName::Throughput, Unit::Rate(seconds)) => {
            let rate = number / f64::from(seconds);
            (
                format!("{rate}rps"),
                Some(format!(
                    "{} requests in {seconds} s are {rate} a second",
                    qty.number
                )),
            )
        }
        (IndicatorName::Throughput, _) => return Err(unit_missing("120rps")),
        (IndicatorName::Cost, Unit::Cores | Unit::Cpu | Unit::Millicores | Unit::BareM) => {
            (measure::cpu(qty)?.value.to_string(), None)
        }
        (IndicatorName::Cost, Unit::None) if qty.of.is_some_and(|noun| noun.cpu) => {
            (measure::cpu(qty)?.value.to_string(), None)
        }
        (IndicatorName::Cost, _) => {
            return Err(clarify(
                "unit",
                "Cost is counted in cores. At most how many?",
            ));
        }
        (IndicatorName::Custom(_), unit) => {
            let suffix = match unit {
                Unit::Percent => "%",
                Unit::Time(1_000_000) => "ms",
                Unit::Time(1_000_000_000) => "s",
                Unit::Time(60_000_000_000) => "m",
                Unit::Time(3_600_000_000_000) => "h",
                Unit::Rate(1) => "rps",
                Unit::Memory { suffix, .. } => suffix,
                Unit::None => "",
                _ => {
                    return Err(clarify(
                        "unit",
                        format!("In which unit is {name} measured?"),
                    ));
                }
            };
            (format!("{}{suffix}", qty.number), None)
        }
    };
    let value = match name.unit() {
        Some(unit) => IndicatorValue::parse(&text, unit),
        None => IndicatorValue::parse_any(&text),
    };
    match value {
        Ok(value) if value.number() > 0.0 || *value.unit() == ValueUnit::Percent => {
            Ok((value, note))
        }
        _ => Err(clarify(
            "amount",
            format!("`{text}` can't be a bound on {name}. What is it?"),
        )),
    }
}

/// A number of a unit of time as Go writes it.
fn duration_text(number: Decimal, nanos: u64) -> Answer<String> {
    let fail = || clarify("amount", "How long at most?");
    let nanos = i64::try_from(nanos).map_err(|_| fail())?;
    let exact = number.times(Decimal::whole(nanos)).ok_or_else(fail)?;
    let whole: u64 = exact.to_string().parse().map_err(|_| fail())?;
    Ok(ibn_core::units::format_duration(
        std::time::Duration::from_nanos(whole),
    ))
}

/// A percentile as a quantile; a question where it is none that can be promised.
pub(crate) fn quantile(quant: &Quant) -> Answer<Quantile> {
    match quant {
        Quant::Percent(percent) => Quantile::new(percent.hundredth().to_f64()).ok_or_else(|| {
            clarify(
                "quantile",
                "A percentile lies between 0 and 100. Which one?",
            )
        }),
        Quant::Mean => Err(clarify(
            "quantile",
            "An average can't be an objective. Which percentile: the median (p50), p95, p99?",
        )),
        Quant::Extreme => Err(clarify(
            "quantile",
            "Every single request can't be promised. Which percentile: p95, p99, p99.9?",
        )),
        Quant::Vague => Err(clarify("quantile", "Which percentile: p95, p99, p99.9?")),
    }
}
