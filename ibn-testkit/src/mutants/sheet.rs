//! A text of one field a line, understood line by line and without any parser: what mutations are made on.

use ibn_core::read::Format;

use super::schema::pattern;

/// A text whose fields are known with their paths and lines.
///
/// Read by rules of its own, so that what a mutant expects does not come from the reader that it tests. It understands
/// block YAML, pretty-printed JSON and TOML, with one field a line; a value in brackets on one line is taken as a whole.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub(super) format: Format,
    pub(super) lines: Vec<String>,
    pub(super) fields: Vec<Field>,
}

/// One field or element.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// As diagnostics write it: `spec.expectations[0].objective`.
    pub(super) path: String,
    /// The last key; none for an element of a list.
    pub(super) key: Option<String>,
    /// What stands behind the key in its line; none for what goes on in the lines below.
    pub(super) value: Option<String>,
    /// The line, from 0, and the line behind its last one.
    pub(super) line: usize,
    pub(super) end: usize,
    pub(super) parent: Option<usize>,
    /// What stands before the key in its line: the indent, with `- ` where it shares the line with its element.
    pub(super) prefix: String,
}

impl Field {
    pub(super) fn is_leaf(&self) -> bool {
        self.value.is_some()
    }
}

impl Sheet {
    /// Understands a text; `None` where it is written otherwise.
    #[must_use]
    pub fn new(text: &str, format: Format) -> Option<Self> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let fields = match format {
            Format::Yaml => yaml(&lines)?,
            Format::Json => json(&lines)?,
            Format::Toml => toml(&lines)?,
        };
        Some(Self {
            format,
            lines,
            fields,
        })
    }

    /// The index of the field at this path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.path == path)
    }

    pub(super) fn field(&self, index: usize) -> Option<&Field> {
        self.fields.get(index)
    }

    /// The fields right below another one; those of the root for `None`.
    pub(super) fn children(&self, parent: Option<usize>) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(move |field| field.parent == parent)
    }

    pub(super) fn line(&self, line: usize) -> &str {
        self.lines.get(line).map_or("", String::as_str)
    }
}

fn join(parent: Option<&Field>, key: &str) -> String {
    match parent {
        Some(parent) => format!("{}.{key}", parent.path),
        None => key.to_owned(),
    }
}

/// `key: value` with a plain key; the value without its comment.
fn yaml_entry(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text
        .split_once(": ")
        .or_else(|| text.strip_suffix(':').map(|key| (key, "")))?;
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    let value = value.trim();
    let value = match value.strip_prefix('"') {
        Some(quoted) => value.get(..quoted.find('"')? + 2)?,
        None => value
            .split_once(" #")
            .map_or(value, |(value, _)| value.trim()),
    };
    plain.then_some((key, value))
}

fn yaml(lines: &[String]) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    // Indent of the keys of an open collection, its field, and how many elements it has.
    let mut open: Vec<(usize, Option<usize>, usize)> = vec![(0, None, 0)];
    for (number, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let begins = fields.is_empty() && text == "---";
        if text.is_empty() || text.starts_with('#') || begins {
            continue;
        }
        let mut indent = line.len() - text.len();
        while open.last().is_some_and(|(known, ..)| *known > indent) {
            let (_, field, _) = open.pop()?;
            close(&mut fields, field, number);
        }
        // A container that was announced by `key:` or `-` takes the indent of its first line.
        let mut text = text;
        let mut prefix = line.get(..indent)?.to_owned();
        if let Some(rest) = text.strip_prefix("- ") {
            let (known, list, count) = open.last_mut()?;
            if *known != indent {
                return None;
            }
            let parent = *list;
            let path = format!("{}[{count}]", fields.get(parent?)?.path);
            *count += 1;
            let is_scalar = yaml_entry(rest).is_none();
            // An element before this one ends here.
            let element = fields.len();
            fields.push(Field {
                path,
                key: None,
                value: is_scalar.then(|| rest.to_owned()),
                line: number,
                end: number + 1,
                parent,
                prefix: prefix.clone(),
            });
            if is_scalar {
                continue;
            }
            indent += 2;
            open.push((indent, Some(element), 0));
            prefix.push_str("- ");
            text = rest;
        }
        let (known, parent, _) = *open.last()?;
        if known != indent {
            return None;
        }
        let (key, value) = yaml_entry(text)?;
        let path = join(parent.and_then(|parent| fields.get(parent)), key);
        let field = fields.len();
        fields.push(Field {
            path,
            key: Some(key.to_owned()),
            value: (!value.is_empty()).then(|| value.to_owned()),
            line: number,
            end: number + 1,
            parent,
            prefix,
        });
        if value.is_empty() {
            let next = lines
                .iter()
                .skip(number + 1)
                .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
            let below = next.len() - next.trim_start().len();
            if below <= indent {
                return None;
            }
            open.push((below, Some(field), 0));
        }
    }
    while let Some((_, field, _)) = open.pop() {
        close(&mut fields, field, lines.len());
    }
    Some(fields)
}

fn close(fields: &mut [Field], field: Option<usize>, line: usize) {
    if let Some(field) = field.and_then(|field| fields.get_mut(field)) {
        field.end = line;
    }
}

fn json(lines: &[String]) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    // The field of an open collection, whether it is a list, and how many elements it has.
    let mut open: Vec<(Option<usize>, bool, usize)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let text = line.trim();
        let bare = text.strip_suffix(',').unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        if matches!(bare, "}" | "]") {
            let (field, ..) = open.pop()?;
            close(&mut fields, field, number + 1);
            continue;
        }
        if open.is_empty() {
            if bare != "{" {
                return None;
            }
            open.push((None, false, 0));
            continue;
        }
        let prefix = line.get(..line.len() - line.trim_start().len())?.to_owned();
        let (parent, is_list, count) = open.last_mut()?;
        let parent = *parent;
        let (path, key, value) = if *is_list {
            let path = format!("{}[{count}]", fields.get(parent?)?.path);
            *count += 1;
            (path, None, bare)
        } else {
            let (key, value) = bare.strip_prefix('"')?.split_once("\": ")?;
            let path = join(parent.and_then(|parent| fields.get(parent)), key);
            (path, Some(key.to_owned()), value)
        };
        let opens = matches!(value, "{" | "[");
        let field = fields.len();
        fields.push(Field {
            path,
            key,
            value: (!opens).then(|| value.to_owned()),
            line: number,
            end: number + 1,
            parent,
            prefix,
        });
        if opens {
            open.push((Some(field), value == "[", 0));
        }
    }
    open.is_empty().then_some(fields)
}

fn toml(lines: &[String]) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    let mut table: Option<usize> = None;
    for (number, line) in lines.iter().enumerate() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(header) = text.strip_prefix('[') {
            close(&mut fields, table, number);
            let is_element = header.starts_with('[');
            let name = header.trim_matches(['[', ']']);
            let (outer, key) = name
                .rsplit_once('.')
                .map_or((None, name), |(outer, key)| (Some(outer), key));
            let parent = match outer {
                // The latest table of that name, or element of the list of that name.
                Some(outer) => Some(fields.iter().rposition(|field| {
                    field.value.is_none() && pattern(&field.path).replace("[]", "") == outer
                })?),
                None => None,
            };
            let mut path = join(parent.and_then(|parent| fields.get(parent)), key);
            if is_element {
                let count = fields
                    .iter()
                    .filter(|field| {
                        field.value.is_none()
                            && field
                                .path
                                .strip_prefix(path.as_str())
                                .is_some_and(|rest| rest.starts_with('[') && !rest.contains('.'))
                    })
                    .count();
                path.push_str(&format!("[{count}]"));
            }
            table = Some(fields.len());
            fields.push(Field {
                path,
                key: (!is_element).then(|| key.to_owned()),
                value: None,
                line: number,
                end: lines.len(),
                parent,
                prefix: String::new(),
            });
            continue;
        }
        let (key, value) = text.split_once(" = ")?;
        let path = join(table.and_then(|table| fields.get(table)), key);
        fields.push(Field {
            path,
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
            line: number,
            end: number + 1,
            parent: table,
            prefix: String::new(),
        });
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, format: Format, expected: &[(&str, usize, usize)]) {
        let sheet = Sheet::new(text, format).unwrap();
        let found: Vec<(&str, usize, usize)> = sheet
            .fields
            .iter()
            .map(|field| (field.path.as_str(), field.line, field.end))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn yaml_fields_have_their_lines() {
        check(
            "# head\na: 1\nb:\n  c: x # y\n  d:\n    - e: 1\n      f: {g: 2}\n    - h\nz: 2\n",
            Format::Yaml,
            &[
                ("a", 1, 2),
                ("b", 2, 8),
                ("b.c", 3, 4),
                ("b.d", 4, 8),
                ("b.d[0]", 5, 7),
                ("b.d[0].e", 5, 6),
                ("b.d[0].f", 6, 7),
                ("b.d[1]", 7, 8),
                ("z", 8, 9),
            ],
        );
    }

    #[test]
    fn json_fields_have_their_lines() {
        check(
            "{\n  \"a\": 1,\n  \"b\": [\n    {\n      \"c\": 2\n    },\n    3\n  ]\n}\n",
            Format::Json,
            &[
                ("a", 1, 2),
                ("b", 2, 8),
                ("b[0]", 3, 6),
                ("b[0].c", 4, 5),
                ("b[1]", 6, 7),
            ],
        );
    }

    #[test]
    fn toml_fields_have_their_lines() {
        check(
            "a = 1\n[b]\nc = 2\n[[d]]\ne = 3\n[[d]]\n[d.f]\ng = 4\n",
            Format::Toml,
            &[
                ("a", 0, 1),
                ("b", 1, 3),
                ("b.c", 2, 3),
                ("d[0]", 3, 5),
                ("d[0].e", 4, 5),
                ("d[1]", 5, 6),
                ("d[1].f", 6, 8),
                ("d[1].f.g", 7, 8),
            ],
        );
    }
}
