//! How diagnostics quote, list and suggest words.

use std::borrow::Cow;

/// The longest part of a value that a message shows, in characters.
const VALUE_LIMIT: usize = 80;
/// Longer words are not compared: they are no slip of the hand.
const COMPARED_LENGTH: usize = 64;

/// A value in backticks, in one line, without characters that would steer a terminal.
#[must_use]
pub fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len().min(VALUE_LIMIT) + 2);
    quoted.push('`');
    for c in clip(value, VALUE_LIMIT).chars() {
        let steers = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if steers {
            quoted.extend(c.escape_default());
        } else {
            quoted.push(c);
        }
    }
    quoted.push('`');
    quoted
}

/// The first `limit` characters, with `…` where there are more.
pub(super) fn clip(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Names in backticks: `` `a`, `b` or `c` ``; beyond the twelfth only how many more there are.
#[must_use]
pub fn alternatives<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 12;
    let quoted: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| quote(name.as_ref()))
        .collect();
    let more = names.len().saturating_sub(SHOWN);
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some(_) if more > 0 => format!("{} or one of {more} more", quoted.join(", ")),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// The candidate that `word` is most likely a slip of: one that differs in case, hyphens or underscores alone, else by
/// a letter or two. Nothing where two are as near.
#[must_use]
pub fn nearest<'a, S: AsRef<str>>(word: &str, candidates: &'a [S]) -> Option<&'a str> {
    if word.len() > COMPARED_LENGTH {
        return None;
    }
    let word = fold(word);
    let mut best: Option<(usize, &str)> = None;
    let mut tied = false;
    for candidate in candidates.iter().map(AsRef::as_ref) {
        if candidate.len() > COMPARED_LENGTH {
            continue;
        }
        let folded = fold(candidate);
        let distance = strsim::osa_distance(&word, &folded);
        let allowed = (folded.chars().count().max(word.chars().count()) / 3).clamp(1, 3);
        if distance > allowed || distance >= folded.chars().count() {
            continue;
        }
        match best {
            Some((least, _)) if distance > least => {}
            Some((least, found)) if distance == least => tied |= found != candidate,
            _ => {
                best = Some((distance, candidate));
                tied = false;
            }
        }
    }
    best.filter(|_| !tied).map(|(_, candidate)| candidate)
}

/// Up to `limit` candidates that resemble `word`, the nearest first.
#[must_use]
pub fn resembling<'a, S: AsRef<str>>(
    word: &str,
    candidates: &'a [S],
    limit: usize,
) -> Vec<&'a str> {
    if word.len() > COMPARED_LENGTH {
        return Vec::new();
    }
    let word = fold(word);
    let mut found: Vec<(usize, &str)> = candidates
        .iter()
        .map(AsRef::as_ref)
        .filter(|candidate| candidate.len() <= COMPARED_LENGTH)
        .filter_map(|candidate| {
            let folded = fold(candidate);
            let distance = strsim::osa_distance(&word, &folded);
            let allowed = (folded.chars().count().max(word.chars().count()) / 2).max(1);
            let contains = word.len() > 2
                && folded.len() > 2
                && (folded.contains(&word) || word.contains(&folded));
            (distance <= allowed || contains).then_some((distance, candidate))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .take(limit)
        .map(|(_, candidate)| candidate)
        .collect()
}

fn fold(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        let names = ["atMost", "atLeast", "indicator", "min", "max", "to"];
        for (word, found) in [
            ("atmost", Some("atMost")),
            ("at_least", Some("atLeast")),
            ("indcator", Some("indicator")),
            ("mni", Some("min")),
            ("too", Some("to")),
            ("mix", None),
            ("mxa", Some("max")),
            ("", None),
            ("plus", None),
        ] {
            assert_eq!(nearest(word, &names), found, "{word}");
        }
    }

    #[test]
    fn quoting_is_short_and_harmless() {
        assert_eq!(quote("a\u{1b}[31m\nb"), "`a\\u{1b}[31m\\nb`");
        assert_eq!(quote(&"x".repeat(100)).chars().count(), 83);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(alternatives(&["a"]), "`a`");
        assert_eq!(alternatives(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(alternatives::<&str>(&[]), "nothing");
    }
}
