//! Documents as YAML, for people to read and edit.

use serde::Serialize;
use serde_json::{Map, Value};

/// The order in which known fields are written; others come after them, by name.
const ORDER: [&str; 16] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "spec",
    "text",
    "target",
    "expectations",
    "objective",
    "directive",
    "indicator",
    "quantile",
    "constraints",
    "preference",
    "priority",
];

/// A document as YAML; what can't be written as JSON is empty.
pub(crate) fn yaml(document: &impl Serialize) -> String {
    let mut out = String::new();
    match serde_json::to_value(document) {
        Ok(value) => write_block(&value, 0, &mut out),
        Err(_) => return out,
    }
    out
}

fn write_block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for key in ordered(map) {
                pad(indent, out);
                out.push_str(&scalar_text(key));
                out.push(':');
                if let Some(value) = map.get(key) {
                    write_after_key(value, indent, out);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                pad(indent, out);
                out.push('-');
                if is_block(item) {
                    let mut inner = String::new();
                    write_block(item, indent + 2, &mut inner);
                    out.push(' ');
                    out.push_str(inner.trim_start());
                } else {
                    out.push(' ');
                    out.push_str(&flow(item));
                    out.push('\n');
                }
            }
        }
        other => {
            pad(indent, out);
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

fn write_after_key(value: &Value, indent: usize, out: &mut String) {
    match value {
        // A list stands as deep as its key, as Kubernetes writes it.
        Value::Array(_) if is_block(value) => {
            out.push('\n');
            write_block(value, indent, out);
        }
        value if is_block(value) => {
            out.push('\n');
            write_block(value, indent + 2, out);
        }
        value => {
            out.push(' ');
            out.push_str(&flow(value));
            out.push('\n');
        }
    }
}

/// Small mappings of plain values stand on one line.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            !map.is_empty()
                && (map
                    .values()
                    .any(|value| value.is_object() || value.is_array())
                    || map.len() > 3)
        }
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<String> = ordered(map)
                .into_iter()
                .filter_map(|key| Some(format!("{}: {}", scalar_text(key), flow(map.get(key)?))))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => scalar_text(text),
        other => other.to_string(),
    }
}

fn ordered(map: &Map<String, Value>) -> Vec<&String> {
    let rank = |key: &String| {
        ORDER
            .iter()
            .position(|known| known == key)
            .unwrap_or(ORDER.len())
    };
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_by(|a, b| (rank(a), a).cmp(&(rank(b), b)));
    keys
}

/// A text plainly where every reader of YAML reads it as the same text, else in double quotes, which JSON and YAML share.
fn scalar_text(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "nan" | "inf"
        );
    let is_amount = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_alphabetic() || c == '%')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '%'))
        && !text.contains(['e', 'E', 'x', 'o', '_']);
    if is_plain || is_amount {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibn_core::intent::{Amount, Directive, Expectation, Intent, Mode};
    use ibn_core::read::{Format, read_intent};
    use ibn_core::workload::WorkloadRef;

    #[test]
    fn it_is_read_back_as_it_was() {
        let mut intent = Intent::new("yes", &WorkloadRef::deployment("acme", "web"))
            .with_expectation(Expectation::Directive(Directive::Replicas(Amount::Scale(
                1.5,
            ))));
        intent.spec.text = Some("a \"quoted\": <b>text</b> # no comment\n- second line".to_owned());
        intent.spec.constraints.cpu.max = "2".parse().ok();
        intent.spec.constraints.memory.max = "512Mi".parse().ok();
        intent.spec.constraints.budget.cpu = "8".parse().ok();
        intent.spec.mode = Some(Mode::Advise);
        let text = yaml(&intent);
        let (read, faults) = read_intent(&text, Format::Yaml);
        assert_eq!(read, Some(intent), "{text}\n{faults:?}");
    }

    #[test]
    fn it_looks_as_a_person_would_write_it() {
        let intent = Intent::new("web-five", &WorkloadRef::deployment("acme", "web"))
            .with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(5))));
        let expected = "apiVersion: ibn.dev/v1alpha1\nkind: Intent\nmetadata: {name: web-five, namespace: acme}\nspec:\n  \
            target: {kind: Deployment, name: web}\n  expectations:\n  - directive:\n      replicas: {to: 5}\n";
        assert_eq!(yaml(&intent), expected);
    }
}
