//! The operators: from a field and what it may hold to the faults that can be put there.

use ibn_core::diagnostic::Code;
use ibn_core::read::Format;

use super::change::{Anchor, Change, Edit, Effect};
use super::edit::{delete, entry, insert_behind, join, replace_value};
use super::schema::{Group, Kind, Rule, Schema};
use super::sheet::{Field, Sheet};
use super::values::{bad_values, misspell};

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

fn parent_anchor(sheet: &Sheet, field: &Field) -> Anchor {
    match field.parent.and_then(|parent| sheet.field(parent)) {
        Some(parent) => Anchor::Line(parent.line),
        None if sheet.format == Format::Yaml => Anchor::FirstField,
        None => Anchor::Fixed(1),
    }
}
