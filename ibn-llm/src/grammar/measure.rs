//! Amounts of CPU and memory: from what was said to Kubernetes' quantities.

use std::time::Duration;

use ibn_core::translation::Translation;
use ibn_core::units::{Bytes, CpuMillis};

use super::decimal::Decimal;
use super::reply::clarify;
use super::sem::{Qty, Unit};

/// A value and what was taken for granted.
#[derive(Debug)]
pub(crate) struct Noted<T> {
    pub(crate) value: T,
    pub(crate) note: Option<String>,
}

type Answer<T> = Result<T, Translation>;

/// Whether the quantity is one of memory rather than CPU; a question where noun and unit disagree or say neither.
pub(crate) fn is_memory(qty: &Qty) -> Answer<bool> {
    let by_noun = qty.of.and_then(|noun| match (noun.cpu, noun.memory) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ => None,
    });
    let by_unit = match qty.unit {
        Unit::Cores | Unit::Cpu | Unit::Millicores => Some(false),
        // `m` is never read as a thousandth of a byte.
        Unit::BareM => Some(false),
        Unit::Memory { .. } => Some(true),
        _ => None,
    };
    if by_noun.is_none() && is_bare_suffix(qty.unit) {
        return Err(suffix_question(qty));
    }
    match (by_noun, by_unit) {
        (Some(a), Some(b)) if a != b => Err(unit_question(qty)),
        (Some(it), _) | (None, Some(it)) => Ok(it),
        (None, None) => Err(unit_question(qty)),
    }
}

/// Whether a unit is a prefix with nothing behind it, such as `k`: of what, it doesn't say.
pub(crate) fn is_bare_suffix(unit: Unit) -> bool {
    match unit {
        Unit::BareM => true,
        Unit::Memory { suffix, loose } => !loose && suffix.len() == 1,
        _ => false,
    }
}

fn suffix_question(qty: &Qty) -> Translation {
    let number = qty.number;
    let (said, cpu, memory) = match qty.unit {
        Unit::Memory { suffix, .. } => {
            let said = format!("{number}{suffix}");
            (
                said.clone(),
                "2 cores".to_owned(),
                format!("{said} of memory"),
            )
        }
        _ => (
            format!("{number}m"),
            format!("{number}m CPU"),
            "512Mi".to_owned(),
        ),
    };
    clarify(
        "unit",
        format!(
            "`{said}` of what? CPU is said as in `{cpu}`, memory as in `{memory}`, pods as in `5 pods`."
        ),
    )
}

/// The question for a number that may be one with thousands, with its unit.
pub(crate) fn thousands_question(number: Decimal, other: Decimal, unit: &str) -> Translation {
    clarify("amount", thousands(number, other, unit))
}

/// What that question says.
pub(crate) fn thousands(number: Decimal, other: Decimal, unit: &str) -> String {
    format!(
        "Is `{number}{unit}` or `{other}{unit}` meant? A full stop before three digits can be read both ways."
    )
}

/// From how many on a bare number of CPU isn't taken for cores: as a difference it may as well be one of percent.
const MANY_TO: u32 = 20;
const MANY_MORE: u32 = 10;

/// The bound of a pod's CPU, likewise.
pub(crate) fn pod_cpu(qty: &Qty) -> Answer<Noted<CpuMillis>> {
    container_cpu(qty, false)
}

/// CPU of a container, where a bare number that is too great for cores is a question.
pub(crate) fn container_cpu(qty: &Qty, relative: bool) -> Answer<Noted<CpuMillis>> {
    let many = if relative { MANY_MORE } else { MANY_TO };
    let is_bare = matches!(qty.unit, Unit::None | Unit::Cpu);
    let noted = cpu(qty)?;
    if is_bare && qty.number.to_f64() >= f64::from(many) {
        let number = qty.number;
        let percent = if relative {
            format!("{number} %, ")
        } else {
            String::new()
        };
        return Err(clarify(
            "unit",
            format!(
                "{number} of what: {percent}{number}m (thousandths of a core) or {number} cores?"
            ),
        ));
    }
    Ok(noted)
}

/// The question for a unit that fits.
pub(crate) fn unit_question(qty: &Qty) -> Translation {
    clarify(
        "unit",
        format!(
            "{}{} of what? CPU is said in cores or as in `500m`, memory as in `512Mi`.",
            qty.number,
            letters(qty.unit)
        ),
    )
}

/// The letters that were said behind a number.
fn letters(unit: Unit) -> &'static str {
    match unit {
        Unit::Memory { suffix, .. } => suffix,
        Unit::BareM | Unit::Millicores => "m",
        _ => "",
    }
}

/// CPU in thousandths of a core; a bare number is one of cores, as in Kubernetes.
pub(crate) fn cpu(qty: &Qty) -> Answer<Noted<CpuMillis>> {
    let text = match qty.unit {
        Unit::None | Unit::Cores | Unit::Cpu => qty.number.to_string(),
        Unit::Millicores | Unit::BareM => format!("{}m", qty.number),
        _ => return Err(unit_question(qty)),
    };
    if let Some(other) = qty.number.may_be_thousands() {
        let unit = match qty.unit {
            Unit::Millicores | Unit::BareM => "m",
            _ => " cores",
        };
        return Err(thousands_question(qty.number, other, unit));
    }
    let value: CpuMillis = text.parse().map_err(|_| unit_question(qty))?;
    // Finer than a thousandth would be rounded, and that is not what was said.
    let exact = match qty.unit {
        Unit::Millicores | Unit::BareM => qty.number.to_u32().is_some(),
        _ => qty
            .number
            .times(Decimal::whole(1000))
            .is_some_and(|it| it.to_u32().is_some()),
    };
    if !exact {
        return Err(clarify(
            "amount",
            format!("CPU is given in whole thousandths of a core, and `{text}` is not. How much?"),
        ));
    }
    Ok(Noted { value, note: None })
}

/// Memory in bytes; a bare number, and one in `m`, is a question.
pub(crate) fn memory(qty: &Qty) -> Answer<Noted<Bytes>> {
    let Unit::Memory { suffix, loose } = qty.unit else {
        return Err(unit_question(qty));
    };
    if let Some(other) = qty.number.may_be_thousands() {
        let unit = if loose {
            format!(" {suffix}B")
        } else {
            suffix.to_owned()
        };
        return Err(thousands_question(qty.number, other, &unit));
    }
    let text = format!("{}{suffix}", qty.number);
    let value: Bytes = text.parse().map_err(|_| unit_question(qty))?;
    let note = loose.then(|| {
        format!(
            "{} {suffix}B is read as the decimal unit, {value}",
            qty.number
        )
    });
    Ok(Noted { value, note })
}

/// A length of time to be measured over, in which `m` can only be minutes.
pub(crate) fn length(qty: &Qty) -> Option<Duration> {
    let nanos = match qty.unit {
        Unit::Time(nanos) => nanos,
        Unit::BareM => 60_000_000_000,
        _ => return None,
    };
    let exact = qty
        .number
        .times(Decimal::whole(i64::try_from(nanos).ok()?))?;
    exact.to_string().parse().ok().map(Duration::from_nanos)
}
