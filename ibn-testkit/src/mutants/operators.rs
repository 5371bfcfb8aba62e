//! The operators: from a field and what it may hold to the faults that can be put there.

use ibn_core::diagnostic::Code;
use ibn_core::read::Format;

use super::change::{Anchor, Change, Edit, Effect};
use super::schema::{Group, Kind, Rule, Schema};
use super::sheet::{Field, Sheet};

/// Every change that the operators know on this text.
pub(super) fn changes(sheet: &Sheet, schema: &Schema) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, field) in sheet.fields.iter().enumerate() {
        let holder = holder(sheet, field);
        if let Some(rule) = schema.rule(&field.path) {
            values(sheet, index, rule, &mut changes);
            if field.key.is_some() {
                misspelt(sheet, field, &mut changes);
                unknown(sheet, field, &mut changes);
            }
            if rule.required {
                dropped(sheet, field, &mut changes);
            }
        }
        if field.key.is_some() {
            repeated(sheet, field, &mut changes);
        }
        if let Some(key) = &field.key
            && let Some(group) = schema.group(holder, key)
        {
            both(sheet, field, group, &mut changes);
            none(sheet, field, group, &mut changes);
        }
        super::syntax::broken(sheet, field, &mut changes);
    }
    for (pattern, min, max) in &schema.ordered {
        swapped(sheet, (pattern, min, max), Code::MinAboveMax, &mut changes);
    }
    for (pattern, from, until) in &schema.intervals {
        swapped(
            sheet,
            (pattern, from, until),
            Code::EndsBeforeBegin,
            &mut changes,
        );
    }
    changes
}

/// A change by hand: the value of a field is replaced, and a rule of the document is broken by it.
pub(super) fn set(sheet: &Sheet, path: &str, value: &str, code: Code, at: &str) -> Option<Change> {
    let field = sheet.field(sheet.find(path)?)?;
    // What the new value brings along stands in the line of the field that is there.
    let mut nearest = at;
    while sheet.find(nearest).is_none() {
        nearest = nearest.get(..nearest.rfind(['.', '['])?)?;
    }
    let place = sheet.field(sheet.find(nearest)?)?;
    Some(Change {
        operator: "break a rule",
        edits: replace_value(sheet, field, value)?,
        code,
        path: Some(at.to_owned()),
        anchor: Anchor::Line(place.line),
        help: Vec::new(),
        // It may rest on other fields, so nothing else is changed beside it.
        scope: String::new(),
        effect: Effect::Plain,
    })
}

fn holder<'s>(sheet: &'s Sheet, field: &Field) -> &'s str {
    field
        .parent
        .and_then(|parent| sheet.field(parent))
        .map_or("", |parent| parent.path.as_str())
}

fn change(
    operator: &'static str,
    field: &Field,
    code: Code,
    edits: Vec<Edit>,
    help: Vec<String>,
) -> Change {
    Change {
        operator,
        edits,
        code,
        path: Some(field.path.clone()),
        anchor: Anchor::Line(field.line),
        help,
        scope: field.path.clone(),
        effect: Effect::Plain,
    }
}

/// Values that the field can't hold.
fn values(sheet: &Sheet, index: usize, rule: &Rule, changes: &mut Vec<Change>) {
    let Some(field) = sheet.field(index) else {
        return;
    };
    for (operator, value, code, help) in bad_values(&rule.kind, sheet.format) {
        let Some(edits) = replace_value(sheet, field, &value) else {
            continue;
        };
        let mut change = change(operator, field, code, edits, help);
        if matches!(rule.kind, Kind::Value(_)) {
            // A value is judged by the indicator that stands beside it.
            change.scope = holder(sheet, field).to_owned();
        }
        changes.push(change);
    }
}

type BadValue = (&'static str, String, Code, Vec<String>);

fn bad_values(kind: &Kind, format: Format) -> Vec<BadValue> {
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
fn misspell(word: &str) -> String {
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

/// The key with a slip of the hand in it.
fn misspelt(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    let Some(key) = &field.key else { return };
    let wrong = misspell(key);
    let line = sheet.line(field.line);
    // A table's header is also a part of the headers of the tables below it.
    if sheet.format == Format::Toml && !field.is_leaf() {
        return;
    }
    let Some(behind) = line.get(field.prefix.len()..) else {
        return;
    };
    let renamed = format!(
        "{}{}",
        field.prefix,
        behind.replacen(key.as_str(), &wrong, 1)
    );
    let mut change = change(
        "misspelt field",
        field,
        Code::UnknownField,
        vec![Edit::Replace(field.line, renamed)],
        vec!["did you mean".to_owned(), key.clone()],
    );
    change.path = Some(join(holder(sheet, field), &wrong));
    changes.push(change);
}

/// A field that nobody knows, behind this one.
fn unknown(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    const KEY: &str = "zzzUnheardOf";
    let Some(key) = &field.key else { return };
    let Some(edits) = insert_behind(sheet, field, vec![entry(sheet, field, KEY, "1")]) else {
        return;
    };
    let mut change = change(
        "unknown field",
        field,
        Code::UnknownField,
        edits,
        vec![key.clone()],
    );
    let path = join(holder(sheet, field), KEY);
    change.scope.clone_from(&path);
    change.path = Some(path);
    change.anchor = Anchor::Inserted(field.end - 1);
    // A list of names shows no more than a dozen.
    change.help = vec!["llowed".to_owned()];
    changes.push(change);
}

fn dropped(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    let Some(edits) = delete(sheet, field) else {
        return;
    };
    let Some(key) = &field.key else { return };
    let mut change = change(
        "missing field",
        field,
        Code::MissingField,
        edits,
        vec![key.clone(), "needed".to_owned()],
    );
    change.anchor = parent_anchor(sheet, field);
    change.effect = Effect::Absence;
    changes.push(change);
    // The same with the key left standing.
    if sheet.format != Format::Toml
        && let Some(edits) = replace_value(sheet, field, "null")
    {
        let mut change = self::change(
            "field without a value",
            field,
            Code::MissingField,
            edits,
            vec![key.clone()],
        );
        change.effect = Effect::Absence;
        changes.push(change);
    }
}

/// The field once more behind itself.
fn repeated(sheet: &Sheet, field: &Field, changes: &mut Vec<Change>) {
    if sheet.format == Format::Toml && !field.is_leaf() {
        return;
    }
    let mut lines: Vec<String> = sheet
        .lines
        .get(field.line..field.end)
        .unwrap_or_default()
        .to_vec();
    if let Some(first) = lines.first_mut() {
        // Where the key shares its line with the `- ` of its element, the copy has only the indent.
        let indent = " ".repeat(field.prefix.chars().count());
        *first = format!(
            "{indent}{}",
            first.get(field.prefix.len()..).unwrap_or_default()
        );
    }
    if let Some(last) = lines.last_mut() {
        *last = last.trim_end_matches(',').to_owned();
    }
    let Some(edits) = insert_behind(sheet, field, lines) else {
        return;
    };
    let mut change = change(
        "duplicate field",
        field,
        Code::DuplicateField,
        edits,
        vec!["once".to_owned()],
    );
    change.anchor = Anchor::Inserted(field.end - 1);
    changes.push(change);
}

fn both(sheet: &Sheet, field: &Field, group: &Group, changes: &mut Vec<Change>) {
    let holder = holder(sheet, field);
    let names: Vec<String> = group
        .names
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    for (other, sample) in &group.names {
        let value = match (*sample, &field.value) {
            ("", Some(value)) => value.as_str(),
            (sample, _) => sample,
        };
        let there = sheet
            .children(field.parent)
            .any(|child| child.key.as_deref() == Some(other));
        let Some(edits) = insert_behind(sheet, field, vec![entry(sheet, field, other, value)])
        else {
            continue;
        };
        if there {
            continue;
        }
        let mut change = change(
            "one too many",
            field,
            Code::NotExactlyOne,
            edits,
            names.clone(),
        );
        change.path = Some(join(holder, other));
        holder.clone_into(&mut change.scope);
        change.anchor = Anchor::Inserted(field.end - 1);
        changes.push(change);
    }
}

fn none(sheet: &Sheet, field: &Field, group: &Group, changes: &mut Vec<Change>) {
    let Some(edits) = delete(sheet, field) else {
        return;
    };
    let holder = holder(sheet, field);
    let names: Vec<String> = group
        .names
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let mut change = change("none of several", field, Code::NotExactlyOne, edits, names);
    change.path = Some(holder.to_owned());
    holder.clone_into(&mut change.scope);
    change.anchor = parent_anchor(sheet, field);
    change.effect = Effect::Absence;
    changes.push(change);
}

/// Two values change places.
fn swapped(
    sheet: &Sheet,
    (pattern, low, high): (&str, &str, &str),
    code: Code,
    changes: &mut Vec<Change>,
) {
    for (index, holder) in sheet.fields.iter().enumerate() {
        if super::schema::pattern(&holder.path) != pattern {
            continue;
        }
        let child = |name: &str| {
            sheet
                .children(Some(index))
                .find(|child| child.key.as_deref() == Some(name))
        };
        let (Some(low), Some(high)) = (child(low), child(high)) else {
            continue;
        };
        let (Some(low_value), Some(high_value)) = (&low.value, &high.value) else {
            continue;
        };
        let (Some(mut edits), Some(more)) = (
            replace_value(sheet, low, high_value),
            replace_value(sheet, high, low_value),
        ) else {
            continue;
        };
        edits.extend(more);
        let (at, operator) = match code {
            Code::MinAboveMax => (low, "minimum above maximum"),
            _ => (high, "end before beginning"),
        };
        let mut change = change(operator, at, code, edits, Vec::new());
        change.scope.clone_from(&holder.path);
        changes.push(change);
    }
}

pub(super) fn join(holder: &str, key: &str) -> String {
    if holder.is_empty() {
        key.to_owned()
    } else {
        format!("{holder}.{key}")
    }
}

/// A line with this entry, beside `field`.
fn entry(sheet: &Sheet, field: &Field, key: &str, value: &str) -> String {
    let indent = " ".repeat(field.prefix.chars().count());
    match sheet.format {
        Format::Yaml => format!("{indent}{key}: {value}"),
        Format::Json => format!("{indent}\"{key}\": {value}"),
        Format::Toml => format!("{key} = {value}"),
    }
}

/// The field's line with another value; what stood below it is taken out.
pub(super) fn replace_value(sheet: &Sheet, field: &Field, value: &str) -> Option<Vec<Edit>> {
    if sheet.format == Format::Toml && !field.is_leaf() {
        return None;
    }
    let key = match (&field.key, sheet.format) {
        (Some(key), Format::Yaml) => format!("{key}: "),
        (Some(key), Format::Json) => format!("\"{key}\": "),
        (Some(key), Format::Toml) => format!("{key} = "),
        (None, Format::Yaml) => "- ".to_owned(),
        (None, _) => String::new(),
    };
    let comma =
        if sheet.format == Format::Json && sheet.line(field.end - 1).trim_end().ends_with(',') {
            ","
        } else {
            ""
        };
    let mut edits = vec![Edit::Replace(
        field.line,
        format!("{}{key}{value}{comma}", field.prefix),
    )];
    if field.end > field.line + 1 {
        edits.push(Edit::Delete(field.line + 1, field.end));
    }
    Some(edits)
}

/// New lines behind the field, beside it. For JSON the lines bear no comma at their end.
fn insert_behind(sheet: &Sheet, field: &Field, mut lines: Vec<String>) -> Option<Vec<Edit>> {
    let end = field.end.checked_sub(1)?;
    if sheet.format == Format::Toml && !field.is_leaf() {
        return None;
    }
    let mut edits = Vec::new();
    if sheet.format == Format::Json {
        let last = sheet.line(end);
        if last.trim_end().ends_with(',') {
            lines.last_mut()?.push(',');
        } else {
            edits.push(Edit::Replace(end, format!("{last},")));
        }
    }
    edits.push(Edit::InsertAfter(end, lines));
    Some(edits)
}

/// The field taken out. `None` where that would change more than the field.
fn delete(sheet: &Sheet, field: &Field) -> Option<Vec<Edit>> {
    let has_tables = sheet.format == Format::Toml
        && sheet.fields.iter().any(|other| {
            let below = other.path.strip_prefix(field.path.as_str());
            !other.is_leaf() && below.is_some_and(|rest| rest.starts_with('.'))
        });
    // Without its header a table with tables below it is still there.
    if has_tables {
        return None;
    }
    let siblings: Vec<&Field> = sheet.children(field.parent).collect();
    if siblings.len() == 1 {
        let parent = sheet.field(field.parent?)?;
        if sheet.format == Format::Toml {
            return Some(vec![Edit::Delete(field.line, field.end)]);
        }
        return replace_value(sheet, parent, "{}");
    }
    // The line of an element's first field is the element's own.
    if field.prefix.ends_with("- ") {
        return None;
    }
    let mut edits = vec![Edit::Delete(field.line, field.end)];
    if sheet.format == Format::Json && !sheet.line(field.end - 1).trim_end().ends_with(',') {
        let before = siblings.iter().rfind(|sibling| sibling.line < field.line)?;
        let line = sheet.line(before.end - 1);
        edits.push(Edit::Replace(
            before.end - 1,
            line.trim_end_matches(',').to_owned(),
        ));
    }
    Some(edits)
}

fn parent_anchor(sheet: &Sheet, field: &Field) -> Anchor {
    match field.parent.and_then(|parent| sheet.field(parent)) {
        Some(parent) => Anchor::Line(parent.line),
        None if sheet.format == Format::Yaml => Anchor::FirstField,
        None => Anchor::Fixed(1),
    }
}
