//! Hostile input: too large, too deep, too clever, or just noise. Nothing panics, and everything ends soon.

use ibn_core::diagnostic::{Code, Diagnostic};
use ibn_core::read::{
    Format, MAX_BYTES, MAX_DEPTH, MAX_DIAGNOSTICS, MAX_JSON_BYTES, Value, parse, read_documents,
    read_intent, text,
};
use proptest::prelude::*;

use crate::{files, read_as};

const FORMATS: [Format; 3] = [Format::Yaml, Format::Json, Format::Toml];

#[track_caller]
fn one(text: &str, format: Format) -> Diagnostic {
    let (documents, mut diagnostics) = read_documents(text, format);
    assert_eq!(documents, None);
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    diagnostics.remove(0)
}

#[test]
fn a_text_that_is_too_long_is_refused_before_it_is_read() {
    for (format, most) in [
        (Format::Yaml, MAX_BYTES),
        (Format::Toml, MAX_BYTES),
        (Format::Json, MAX_JSON_BYTES),
    ] {
        assert_eq!(one(&" ".repeat(most + 1), format).code, Code::InputTooLarge);
        assert_ne!(
            parse(&" ".repeat(most), format).1.first().map(|d| d.code),
            Some(Code::InputTooLarge)
        );
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
        for (levels, fits) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false), (100_000, false)] {
            let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            for format in [Format::Json, Format::Yaml] {
                let (documents, diagnostics) = parse(&text, format);
                assert_eq!(
                    documents.len() == 1 && diagnostics.is_empty(),
                    fits,
                    "{levels} {format:?}"
                );
                if levels == MAX_DEPTH + 1 {
                    assert_eq!(diagnostics[0].code, Code::InputTooLarge);
                }
            }
        }
    }
    for text in [
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        "a: [".repeat(100_000),
        "a:\n ".repeat(100_000),
    ] {
        assert!(!read_documents(&text, Format::Yaml).1.is_empty());
    }
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{b = ".repeat(100_000)),
        format!("{} = 1", ["a"; 100_000].join(".")),
        format!("[{}]", ["a"; 100_000].join(".")),
    ] {
        assert!(
            parse(&text, Format::Toml)
                .1
                .iter()
                .any(Diagnostic::is_error)
        );
    }
}

#[test]
fn a_billion_laughs_are_counted_and_not_expanded() {
    let mut bomb = String::from("a0: &a0 lol\n");
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let (_, diagnostics) = parse(&bomb, Format::Yaml);
    assert_eq!(diagnostics.len(), 29 * 10);
    assert!(diagnostics.iter().all(|d| d.code == Code::UnsupportedYaml));
    // One that holds itself.
    let (_, diagnostics) = parse("a: &a [*a]", Format::Yaml);
    assert_eq!(diagnostics.len(), 1);
}

#[test]
fn the_list_of_faults_is_bounded_and_says_so() {
    let spec: String = (0..3 * MAX_DIAGNOSTICS)
        .map(|n| format!("  unheard{n}: 1\n"))
        .collect();
    for text in [
        format!("spec:\n{spec}"),
        format!("kind: Intent\nspec:\n{spec}"),
    ] {
        let (documents, diagnostics) = read_documents(&text, Format::Yaml);
        assert_eq!(documents, None);
        assert!(diagnostics.len() <= MAX_DIAGNOSTICS + 1);
    }
    let (intent, diagnostics) = read_intent(&format!("spec:\n{spec}"), Format::Yaml);
    assert_eq!(intent, None);
    assert_eq!(diagnostics.len(), MAX_DIAGNOSTICS + 1);
    assert_eq!(diagnostics[MAX_DIAGNOSTICS].code, Code::InputTooLarge);
}

#[test]
fn many_warnings_are_no_error() {
    let one =
        "{apiVersion: ibn.dev/v1alpha1, kind: Intent, metadata: {name: a}, status: {state: x},
      spec: {target: {kind: Deployment, name: a}}}\n---\n";
    let (documents, diagnostics) = read_documents(&one.repeat(MAX_DIAGNOSTICS + 5), Format::Yaml);
    assert_eq!(
        documents.map(|documents| documents.len()),
        Some(MAX_DIAGNOSTICS + 5)
    );
    assert_eq!(diagnostics.len(), MAX_DIAGNOSTICS + 1);
}

#[test]
fn control_characters_are_refused_and_never_printed() {
    for format in FORMATS {
        let found = one("a\n \0b", format);
        assert_eq!(
            (found.code, found.line, found.column),
            (Code::Syntax, Some(2), Some(2))
        );
    }
    let (_, diagnostics) = read_intent(r#"{"kind": "\u0000\u001b[31m\u202e\n"}"#, Format::Json);
    let printed: String = diagnostics.iter().map(Diagnostic::to_string).collect();
    assert!(
        printed.contains("\\u{0}\\u{1b}[31m\\u{202e}\\n"),
        "{printed}"
    );
    assert!(!printed.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn bytes_that_are_no_text_have_their_line() {
    assert_eq!(text("a: ü".as_bytes()), Ok("a: ü"));
    for (bytes, line, column) in [
        (&b"a: 1\nb: \xff"[..], 2, 4),
        (b"\xfe\xff\x00a", 1, 1),
        (b"a: \xe2\x82", 1, 4),
        ("ü\n".as_bytes().split_at(1).1, 1, 1),
    ] {
        let fault = text(bytes).unwrap_err();
        assert_eq!(
            (fault.code, fault.line, fault.column),
            (Code::Syntax, Some(line), Some(column))
        );
    }
}

#[test]
fn line_ends_and_byte_order_marks_are_no_matter() {
    for (name, format, text) in files("pass") {
        let (usable, diagnostics) = read_as(&name, &text, format);
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(
            read_as(&name, &windows, format),
            (usable, diagnostics),
            "{name}"
        );
    }
    for (name, format, text) in files("fail") {
        let places = |text: &str| -> Vec<(Code, Option<u32>, String)> {
            let (_, diagnostics) = read_as(&name, text, format);
            diagnostics
                .into_iter()
                .map(|d| (d.code, d.line, d.path))
                .collect()
        };
        assert_eq!(places(&text.replace('\n', "\r\n")), places(&text), "{name}");
    }
}

#[test]
fn numbers_of_any_size_are_numbers() {
    let digits = "9".repeat(100_000);
    let (documents, diagnostics) = parse(
        &format!("[{digits}, 1e{digits}, -0.{digits}]"),
        Format::Json,
    );
    assert!(diagnostics.is_empty() && documents.len() == 1);
    let text = format!("kind: Intent\nspec: {{priority: {digits}, validity: {{from: {digits}}}}}");
    let (_, diagnostics) = read_intent(&text, Format::Yaml);
    let codes: Vec<Code> = diagnostics.iter().map(|d| d.code).collect();
    assert!(codes.contains(&Code::OutOfRange) && codes.contains(&Code::InvalidTimestamp));
    assert!(diagnostics.iter().all(|d| d.message.len() < 500));
}

/// Pieces that mean something to one of the formats.
const PIECES: [&str; 40] = [
    "a", "spec", "kind", ":", ": ", "- ", "-", "\n", "\n  ", "\n    ", "\t", " ", "[", "]", "{",
    "}", ",", "\"", "'", "#", " #", "&a", "*a", "!!str", "|", ">", "%", "---", "...", "<<", "=",
    " = ", "[[", "]]", "1", "0.5", "é", "\\u12", "\\", "\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever stands there: it ends, it doesn't panic, and without a value there is a reason.
    #[test]
    fn noise_is_read_without_harm(pieces in prop::collection::vec(0usize..PIECES.len(), 0..60)) {
        let noise: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        for format in FORMATS {
            let (documents, diagnostics) = read_documents(&noise, format);
            prop_assert!(documents.is_some() || diagnostics.iter().any(Diagnostic::is_error));
            let lines = u32::try_from(noise.lines().count()).unwrap() + 2;
            prop_assert!(diagnostics.iter().all(|d| d.line.is_some_and(|line| line >= 1 && line <= lines)), "{diagnostics:?}");
        }
    }

    /// Valid files with a piece cut out, doubled or replaced by noise.
    #[test]
    fn torn_files_are_read_without_harm(
        file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        length in 0usize..40, piece in 0usize..PIECES.len(), doubled in any::<bool>(),
    ) {
        let files = files("pass");
        let (name, format, text) = file.get(&files);
        let chars: Vec<char> = text.chars().collect();
        let start = at.index(chars.len());
        let end = (start + length).min(chars.len());
        let part: String = if doubled { chars[start..end].iter().collect() } else { String::new() };
        let before: String = chars[..start].iter().collect();
        let after: String = chars[if doubled { start } else { end }..].iter().collect();
        let torn = format!("{before}{part}{}{after}", PIECES[piece]);
        let (usable, diagnostics) = read_as(name, &torn, *format);
        prop_assert_eq!(usable, !diagnostics.iter().any(Diagnostic::is_error));
        for other in FORMATS {
            let _ = read_as(name, &torn, other);
        }
    }

    /// What is JSON, and what it holds, is what serde_json says.
    #[test]
    fn json_is_what_another_reader_takes_it_for(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\\n\\u00e9\\ud83d\\ude00\"", "\"\\x\"", "\"\\ud83d\"", "1", "-0.5", "1e2 ", "01",
            "-", ".5", "true", "null", "nul", " ", "\n", "\"", "{\"a\":", "\"b\":1,", "[1,", "é",
        ]), 0..14),
    ) {
        let text = pieces.concat();
        let (documents, diagnostics) = parse(&text, Format::Json);
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(value) => {
                let repeated = diagnostics.iter().all(|d| d.code == Code::DuplicateField);
                prop_assert!(repeated, "{diagnostics:?}");
                if diagnostics.is_empty() {
                    prop_assert_eq!(as_json(&documents[0].value), value);
                }
            }
            Err(_) => prop_assert!(
                documents.is_empty() || diagnostics.iter().any(|d| d.code == Code::Syntax),
                "{documents:?}"
            ),
        }
    }
}

fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => serde_json::from_str(number).unwrap(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(|item| as_json(&item.value)).collect(),
        Value::Map(map) => map
            .entries
            .iter()
            .map(|entry| (entry.key.clone(), as_json(&entry.value.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Null | Value::Ambiguous(_) | Value::Unreadable => serde_json::Value::Null,
    }
}
