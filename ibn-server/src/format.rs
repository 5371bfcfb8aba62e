//! Numbers and times as people read them.

use ibn_core::prediction::Interval;
use ibn_core::units::Unit;
use jiff::Timestamp;

/// Three significant digits at most, without trailing zeros.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "∞".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    let text = if text == "-0" { "0" } else { text };
    grouped(text)
}

/// Thin spaces between thousands.
fn grouped(text: &str) -> String {
    let (sign, rest) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("−", rest));
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = sign.to_owned();
    for (idx, digit) in whole.chars().enumerate() {
        if idx > 0 && (whole.len() - idx).is_multiple_of(3) && whole.len() > 4 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A span of time in seconds.
pub fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return "without bound".to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        "0 ms".to_owned()
    } else if size < 0.000_999_5 {
        format!("{} µs", number(value * 1e6))
    } else if size < 0.9995 {
        format!("{} ms", number(value * 1e3))
    } else if size < 120.0 {
        format!("{} s", number(value))
    } else {
        format!("{} min", number(value / 60.0))
    }
}

/// Cores.
pub fn cores(value: f64) -> String {
    if value == 1.0 {
        "1 core".to_owned()
    } else {
        format!("{} cores", number(value))
    }
}

/// Bytes in binary units.
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = value;
    let mut unit = "B";
    for next in UNITS {
        unit = next;
        if value.abs() < 1000.0 {
            break;
        }
        if next != "TiB" {
            value /= 1024.0;
        }
    }
    format!("{} {unit}", number(value))
}

/// Requests per second.
pub fn rate(value: f64) -> String {
    format!("{}/s", number(value))
}

/// A share as percent.
pub fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share))
}

/// A value in the unit of an indicator.
pub fn in_unit(value: f64, unit: &Unit) -> String {
    match unit {
        Unit::Seconds => seconds(value),
        Unit::Percent => format!("{} %", number(value)),
        Unit::RequestsPerSecond => rate(value),
        Unit::Cores => cores(value),
        Unit::Other(name) => format!("{} {name}", number(value)).trim_end().to_owned(),
    }
}

/// The best guess, and the range in which it is expected where it has a width.
pub fn interval(interval: Interval, write: impl Fn(f64) -> String) -> (String, Option<String>) {
    let mid = write(interval.mid);
    let (low, high) = (write(interval.low), write(interval.high));
    let range = (low != high).then(|| {
        if interval.high.is_finite() {
            format!("{low} to {high}")
        } else {
            format!("{low} or more")
        }
    });
    (mid, range)
}

/// The time of day with seconds.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// The day and the time of day.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%a %-d %b, %H:%M:%S").to_string()
}

/// The time of day, with the day where it is another one than `now`'s.
pub fn near(at: Timestamp, now: Timestamp) -> String {
    if at.as_second().div_euclid(86_400) == now.as_second().div_euclid(86_400) {
        clock(at)
    } else {
        at.strftime("%-d %b, %H:%M:%S").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_no_noise() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (0.171_234, "0.171"),
            (12.345, "12.3"),
            (99.95, "100"),
            (1234.5, "1234"),
            (12_345.0, "12\u{202f}345"),
            (-2.5, "−2.5"),
            (f64::INFINITY, "∞"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn units_fit_the_size() {
        assert_eq!(seconds(0.1712), "171 ms");
        assert_eq!(seconds(2.0), "2 s");
        assert_eq!(seconds(0.000_25), "250 µs");
        assert_eq!(seconds(f64::INFINITY), "without bound");
        assert_eq!(bytes(268_435_456.0), "256 MiB");
        assert_eq!(bytes(1.5e9), "1.4 GiB");
        assert_eq!(percent(0.0015), "0.15 %");
        assert_eq!(cores(1.0), "1 core");
    }
}
