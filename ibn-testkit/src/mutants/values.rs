//! For each kind of field the values that it can't hold.

use ibn_core::diagnostic::Code;
use ibn_core::read::Format;

use super::schema::Kind;

/// Operator, value, code, and what the help must name.
pub(super) type BadValue = (&'static str, String, Code, Vec<String>);

/// Values that a field of this kind can't hold.
pub(super) fn bad_values(kind: &Kind, format: Format) -> Vec<BadValue> {
    let yaml = format == Format::Yaml;
    let toml = format == Format::Toml;
    let mut bad: Vec<BadValue> = Vec::new();
    let mut push = |operator, values: &[&str], code, help: &[&str]| {
        for value in values {
            let help = help.iter().map(|help| (*help).to_owned()).collect();
            bad.push((operator, (*value).to_owned(), code, help));
        }
    };
    const TYPE: &str = "wrong type";
    const TRAP: &str = "a word that readers of YAML disagree on";
    match kind {
        Kind::Text | Kind::Name | Kind::Label | Kind::ApiVersion(_) | Kind::DocumentKind(_) => {
            push(TYPE, &["7", "true", "0.5"], Code::WrongType, &["quotes"]);
            push(TYPE, &["[1, 2]", "{}"], Code::WrongType, &["text"]);
            if yaml {
                push(
                    TRAP,
                    &["no", "On", "010", "0x1F"],
                    Code::WrongType,
                    &["quotes"],
                );
            }
        }
        Kind::Word(words) => {
            push(TYPE, &["[1]", "{}"], Code::WrongType, words);
            push(
                "bad word",
                &["\"zzz\"", "\"\"", "7"],
                Code::UnknownVariant,
                words,
            );
            for word in *words {
                let near = misspell(word);
                let shouted = word.to_uppercase();
                for wrong in [near, shouted]
                    .into_iter()
                    .filter(|wrong| !words.contains(&wrong.as_str()))
                {
                    push(
                        "misspelt word",
                        &[&format!("\"{wrong}\"")],
                        Code::UnknownVariant,
                        words,
                    );
                }
            }
        }
        Kind::Whole(least, most) => {
            let (low, high) = ((least - 1).to_string(), (most + 1).to_string());
            let (least, most) = (least.to_string(), most.to_string());
            let range = [least.as_str(), most.as_str()];
            push(
                TYPE,
                &["\"many\"", "\"5\"", "1.5", "true", "[1]", "{}"],
                Code::WrongType,
                &range,
            );
            push("out of range", &[&low, &high], Code::OutOfRange, &range);
            if yaml {
                push(
                    TRAP,
                    &["010", "0o17", "0x10", "1_0", "yes"],
                    Code::WrongType,
                    &range,
                );
                push(
                    "no finite number",
                    &[".inf", ".nan", "1e999"],
                    Code::OutOfRange,
                    &range,
                );
            }
            if !toml {
                push(
                    "out of range",
                    &["99999999999999999999999999999999999999999"],
                    Code::OutOfRange,
                    &range,
                );
            }
        }
        Kind::Number(least, most) => {
            let bounds = [*least, *most];
            let shown: Vec<&str> = bounds
                .into_iter()
                .filter(|bound| !bound.is_empty())
                .collect();
            push(
                TYPE,
                &["\"many\"", "\"5\"", "true", "[1]", "{}"],
                Code::WrongType,
                &shown,
            );
            let number = |bound: &str| bound.parse::<f64>().ok();
            if let Some(least) = number(least) {
                push(
                    "out of range",
                    &[&format!("{:?}", least - 1.0)],
                    Code::OutOfRange,
                    &shown,
                );
            }
            if let Some(most) = number(most) {
                push(
                    "out of range",
                    &[&format!("{:?}", most + 1.0)],
                    Code::OutOfRange,
                    &shown,
                );
            }
            if yaml {
                push(
                    "no finite number",
                    &[".inf", "-.INF", ".nan"],
                    Code::OutOfRange,
                    &shown,
                );
            }
            if toml {
                push(
                    "no finite number",
                    &["inf", "-inf", "nan"],
                    Code::OutOfRange,
                    &shown,
                );
            }
        }
        Kind::Factor => {
            push(
                TYPE,
                &["\"many\"", "\"1.5\"", "true", "[1]"],
                Code::WrongType,
                &["at least 0"],
            );
            push(
                "impossible factor",
                &["-1", "-0.5"],
                Code::ImpossibleAmount,
                &["at least 0"],
            );
            if yaml {
                push(
                    "impossible factor",
                    &[".inf", ".NaN", "-.inf"],
                    Code::ImpossibleAmount,
                    &["at least 0"],
                );
            }
        }
        Kind::Quantile => {
            push(
                TYPE,
                &["\"p95\"", "\"0.95\"", "true", "[1]"],
                Code::WrongType,
                &["between 0 and 1"],
            );
            push(
                "out of range",
                &["0", "1", "95", "-0.5"],
                Code::OutOfRange,
                &["between 0 and 1"],
            );
        }
        Kind::Quantity { signed } => {
            push(TYPE, &["true", "[1]", "{}"], Code::WrongType, &["such as"]);
            push(
                "bad quantity",
                &[
                    "\"12Mx\"",
                    "\"1.2.3\"",
                    "\"\"",
                    "\"5 Gi\"",
                    "\"lots\"",
                    "\"1e99\"",
                    "\"NaN\"",
                ],
                Code::InvalidQuantity,
                &["such as"],
            );
            if !signed {
                push(
                    "negative quantity",
                    &["\"-5\"", "-5", "\"-100m\""],
                    Code::InvalidQuantity,
                    &["such as"],
                );
            }
        }
        Kind::Duration | Kind::Within(..) => {
            push(TYPE, &["true", "[1]", "{}"], Code::WrongType, &["duration"]);
            push(
                "bad duration",
                &["5", "\"5\"", "\"5 minutes\"", "\"-5m\"", "\"5x\"", "\"\""],
                Code::InvalidDuration,
                &["5m"],
            );
            if let Kind::Within(short, long) = kind {
                let quoted = [format!("\"{short}\""), format!("\"{long}\"")];
                push(
                    "out of range",
                    &[&quoted[0], &quoted[1]],
                    Code::OutOfRange,
                    &["from"],
                );
            }
        }
        Kind::Timestamp => {
            push(TYPE, &["true", "[1]", "{}"], Code::WrongType, &["RFC 3339"]);
            push(
                "bad time",
                &[
                    "\"tomorrow\"",
                    "\"2026-13-01T00:00:00Z\"",
                    "\"2026-12-24\"",
                    "20261224",
                    "\"\"",
                ],
                Code::InvalidTimestamp,
                &["RFC 3339"],
            );
        }
        Kind::Value(texts) => {
            push(TYPE, &["true", "[1]", "{}"], Code::WrongType, &["such as"]);
            push("bad unit", texts, Code::InvalidIndicatorValue, &["such as"]);
        }
        Kind::Bool => {
            push(
                TYPE,
                &["\"true\"", "1", "[]"],
                Code::WrongType,
                &["true", "false"],
            );
            if yaml {
                push(
                    TRAP,
                    &["yes", "off", "y"],
                    Code::WrongType,
                    &["true", "false"],
                );
            }
        }
        Kind::Map => push(
            TYPE,
            &["7", "\"x\"", "[1]", "true"],
            Code::WrongType,
            &["mapping"],
        ),
        Kind::Open => push(TYPE, &["7", "\"x\"", "true"], Code::WrongType, &[]),
    }
    match kind {
        Kind::Name | Kind::Label => push(
            "bad name",
            &["\"Web_1\"", "\"-web\"", "\"a b\"", "\"ü\"", "\"web.\""],
            Code::InvalidName,
            &["lower-case"],
        ),
        Kind::ApiVersion(version) => push(
            "another version",
            &["\"ibn.dev/v2\"", "\"v1\"", "\"\""],
            Code::UnknownApiVersion,
            &[version],
        ),
        Kind::DocumentKind(kind) => {
            let near = format!("\"{}\"", misspell(kind));
            push(
                "another kind",
                &["\"Deployment\"", "\"\"", &near],
                Code::UnknownKind,
                &[kind],
            );
        }
        _ => {}
    }
    if yaml && !matches!(kind, Kind::Map | Kind::Open) {
        push(
            "a YAML tag",
            &["!!str x", "!secret x"],
            Code::UnsupportedYaml,
            &["tags"],
        );
    }
    bad
}

/// A word with a letter in its middle written twice.
pub(super) fn misspell(word: &str) -> String {
    let middle = word.chars().count() / 2;
    let mut wrong = String::new();
    for (index, c) in word.chars().enumerate() {
        wrong.push(c);
        if index == middle {
            wrong.push(c);
        }
    }
    wrong
}
