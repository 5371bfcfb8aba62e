//! Paths into a document: `spec.expectations[0].objective.atMost`, `metadata.labels["app.kubernetes.io/name"]`.

use super::words::clip;

/// The longest part of a key that a path shows.
const KEY_LIMIT: usize = 80;

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// To the value of a key.
    Key(String),
    /// To an element of a list, from 0.
    Index(usize),
}

/// Appends the step to `key`.
pub(crate) fn push_key(path: &mut String, key: &str) {
    let plain = key
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain && !key.is_empty() && key.len() <= KEY_LIMIT {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        path.push_str(&format!("[{:?}]", clip(key, KEY_LIMIT)));
    }
}

/// Appends the step to the element `index`.
pub(crate) fn push_index(path: &mut String, index: usize) {
    path.push_str(&format!("[{index}]"));
}

/// `path` with one more key.
pub(crate) fn join(path: &str, key: &str) -> String {
    let mut joined = path.to_owned();
    push_key(&mut joined, key);
    joined
}

/// `path` with the steps of `below` behind it.
pub(super) fn concat(path: &str, below: &str) -> String {
    let dot = if path.is_empty() || below.is_empty() || below.starts_with('[') {
        ""
    } else {
        "."
    };
    format!("{path}{dot}{below}")
}

/// Whether `inner` is `outer` or lies below it.
pub(super) fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The steps of a path. What is no path ends it.
pub(super) fn segments(path: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let Some((segment, after)) = first_segment(rest) else {
            break;
        };
        segments.push(segment);
        rest = after;
    }
    segments
}

fn first_segment(path: &str) -> Option<(Segment, &str)> {
    let Some(bracket) = path.strip_prefix('[') else {
        let path = path.strip_prefix('.').unwrap_or(path);
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (key, rest) = path.split_at_checked(end)?;
        return (!key.is_empty()).then(|| (Segment::Key(key.to_owned()), rest));
    };
    if !bracket.starts_with('"') {
        let (index, rest) = bracket.split_once(']')?;
        return Some((Segment::Index(index.parse().ok()?), rest));
    }
    let mut escaped = false;
    for (at, c) in bracket.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => {
                let key = bracket
                    .get(1..at)?
                    .replace("\\\"", "\"")
                    .replace("\\\\", "\\");
                return Some((Segment::Key(key), bracket.get(at + 1..)?.strip_prefix(']')?));
            }
            _ => escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_back() {
        let mut path = String::new();
        push_key(&mut path, "metadata");
        push_key(&mut path, "labels");
        push_key(&mut path, "app.kubernetes.io/na\"me");
        push_index(&mut path, 3);
        push_key(&mut path, "x");
        assert_eq!(path, r#"metadata.labels["app.kubernetes.io/na\"me"][3].x"#);
        let key = |key: &str| Segment::Key(key.to_owned());
        assert_eq!(
            segments(&path),
            [
                key("metadata"),
                key("labels"),
                key("app.kubernetes.io/na\"me"),
                Segment::Index(3),
                key("x")
            ]
        );
    }

    #[test]
    fn what_is_no_path_ends_it() {
        for path in ["[", "[\"", "[\"a", "[x]", "..", "."] {
            assert_eq!(segments(path), [], "{path}");
        }
    }

    #[test]
    fn inside_means_whole_steps() {
        assert!(is_within("spec.a[0]", "spec.a"));
        assert!(is_within("spec.a", "spec.a"));
        assert!(is_within("spec", ""));
        assert!(!is_within("spec.ab", "spec.a"));
    }
}
