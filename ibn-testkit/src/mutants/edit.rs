//! Edits of whole lines: a value replaced, a field put in or taken out, in the manner of each format.

use ibn_core::read::Format;

use super::change::Edit;
use super::sheet::{Field, Sheet};

/// The path of a key below a holder, which is empty at the root.
pub(super) fn join(holder: &str, key: &str) -> String {
    if holder.is_empty() {
        key.to_owned()
    } else {
        format!("{holder}.{key}")
    }
}

/// A line with this entry, beside `field`.
pub(super) fn entry(sheet: &Sheet, field: &Field, key: &str, value: &str) -> String {
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
pub(super) fn insert_behind(
    sheet: &Sheet,
    field: &Field,
    mut lines: Vec<String>,
) -> Option<Vec<Edit>> {
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
pub(super) fn delete(sheet: &Sheet, field: &Field) -> Option<Vec<Edit>> {
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
