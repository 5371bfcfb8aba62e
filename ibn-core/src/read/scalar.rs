//! What a YAML word without quotes stands for: the core schema of YAML 1.2, with the words on which readers disagree kept apart.

use super::node::Value;

/// The value of a plain scalar.
pub(super) fn resolve(word: &str) -> Value {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_ambiguous(word) => Value::Ambiguous(word.to_owned()),
        _ if is_number(word) => Value::Number(word.to_owned()),
        _ => Value::Text(word.to_owned()),
    }
}

/// Whether YAML 1.1, which Kubernetes' tools read, takes the word for something else than YAML 1.2 does.
fn is_ambiguous(word: &str) -> bool {
    const OLD_BOOLEANS: [&str; 6] = ["y", "yes", "on", "n", "no", "off"];
    let old_boolean = OLD_BOOLEANS
        .iter()
        .any(|boolean| boolean.eq_ignore_ascii_case(word));
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let after_zero = digits.strip_prefix('0').unwrap_or_default();
    let in_base = |prefixes: [char; 2], radix| {
        after_zero.strip_prefix(prefixes).is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix) || c == '_')
        })
    };
    let based = in_base(['x', 'X'], 16) || in_base(['o', 'O'], 8) || in_base(['b', 'B'], 2);
    let octal =
        !after_zero.is_empty() && after_zero.chars().all(|c| c.is_ascii_digit() || c == '_');
    let grouped = digits.contains('_')
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '_' | '.'));
    old_boolean || based || octal || grouped
}

/// Whether the word is a number of the core schema.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(word, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && all_digits(exponent)
    });
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_what_the_core_schema_says() {
        for (word, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("true", Value::Bool(true)),
            ("False", Value::Bool(false)),
            ("web", Value::Text("web".into())),
            ("200ms", Value::Text("200ms".into())),
            ("1.2.3", Value::Text("1.2.3".into())),
            ("-", Value::Text("-".into())),
            (".", Value::Text(".".into())),
            ("e5", Value::Text("e5".into())),
            ("1e", Value::Text("1e".into())),
            ("2026-12-24", Value::Text("2026-12-24".into())),
            ("12:30", Value::Text("12:30".into())),
            ("inf", Value::Text("inf".into())),
            ("0ba", Value::Text("0ba".into())),
            ("0o8", Value::Text("0o8".into())),
        ] {
            assert_eq!(resolve(word), value, "{word}");
        }
    }

    #[test]
    fn numbers_keep_their_text() {
        for word in [
            "0", "-5", "+5", "1.50", ".5", "5.", "1e3", "-1.5E-3", "0.5", ".inf", "-.inf", ".nan",
        ] {
            assert_eq!(resolve(word), Value::Number(word.into()), "{word}");
        }
    }

    #[test]
    fn words_that_readers_disagree_on_are_kept_apart() {
        for word in [
            "no", "Yes", "ON", "off", "y", "N", "010", "-0755", "00", "0o17", "0x1F", "0b11",
            "1_000", "1_0.5",
        ] {
            assert_eq!(resolve(word), Value::Ambiguous(word.into()), "{word}");
        }
    }
}
