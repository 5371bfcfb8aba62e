//! From characters to tokens: words, numbers, clock times, dates and signs, each with its place in the text.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use super::decimal::Decimal;

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// As it was written.
    pub(crate) raw: String,
    /// In lower case; signs have a name in braces that no word can have.
    pub(crate) lower: String,
    /// Byte offsets in the text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it follows the token before it without a space.
    pub(crate) glued: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Word,
    Number(Decimal),
    Clock(Time),
    Date(Date),
    DateTime(DateTime),
    Instant(Timestamp),
    Sign,
}

/// The tokens of a text. Quotation marks and brackets only set words apart, so they count as spaces.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if c.is_whitespace() || is_quote(c) && !starts_suffix(rest, &found, at) {
            at += c.len_utf8();
            continue;
        }
        let glued = found.last().is_some_and(|token| token.end == at);
        let (kind, length) = token_at(rest, c);
        let raw = rest.get(..length).unwrap_or(rest);
        let lower = match kind {
            Kind::Sign => sign_name(raw).to_owned(),
            _ => raw.to_lowercase().replace(['’', '‘', '`', '´'], "'"),
        };
        found.push(Token {
            kind,
            raw: raw.to_owned(),
            lower,
            start: at,
            end: at + length,
            glued,
        });
        at += length.max(1);
    }
    found
}

fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '´' | '’' | '‘' | '“' | '”' | '„' | '«' | '»' | '(' | ')'
    )
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '´')
}

/// Whether this is the apostrophe of a possessive: behind a word, and `s` or nothing of a word behind it.
fn starts_suffix(rest: &str, found: &[Token], at: usize) -> bool {
    let mut chars = rest.chars();
    if !chars.next().is_some_and(is_apostrophe) {
        return false;
    }
    let behind_word = found
        .last()
        .is_some_and(|token| token.end == at && matches!(token.kind, Kind::Word | Kind::Number(_)));
    if !behind_word {
        return false;
    }
    let next = chars.next();
    let after = chars.next();
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    match next {
        Some('s' | 'S') => ends(after),
        // `workers' replicas`
        other => ends(other) && found.last().is_some_and(|token| token.lower.ends_with('s')),
    }
}

fn token_at(rest: &str, first: char) -> (Kind, usize) {
    if first.is_ascii_digit() {
        return number_at(rest);
    }
    if is_apostrophe(first) {
        let with_s = rest.chars().nth(1).is_some_and(|c| matches!(c, 's' | 'S'));
        return (Kind::Sign, first.len_utf8() + usize::from(with_s));
    }
    if first.is_alphabetic() {
        return (Kind::Word, word_length(rest));
    }
    for sign in ["<=", ">=", "=>", "->", "==", "..."] {
        if rest.starts_with(sign) {
            return (Kind::Sign, sign.len());
        }
    }
    (Kind::Sign, first.len_utf8())
}

/// Letters and digits, with hyphens, dots, underscores and apostrophes between them.
fn word_length(rest: &str) -> usize {
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_alphanumeric() {
            end = at + c.len_utf8();
            continue;
        }
        let next = chars.peek().map(|(_, c)| *c);
        let inner = match c {
            '-' | '.' | '_' => next.is_some_and(char::is_alphanumeric),
            // `don't` is one word, `web's` is a name and its possessive.
            _ if is_apostrophe(c) => {
                let tail = rest.get(at + c.len_utf8()..).unwrap_or_default();
                let letters: String = tail.chars().take_while(|c| c.is_alphanumeric()).collect();
                !letters.is_empty() && !letters.eq_ignore_ascii_case("s")
            }
            _ => false,
        };
        if !inner {
            break;
        }
    }
    end
}

fn number_at(rest: &str) -> (Kind, usize) {
    let chunk_length = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.' | '+')))
        .unwrap_or(rest.len());
    let chunk = rest
        .get(..chunk_length)
        .unwrap_or(rest)
        .trim_end_matches(['.', ':', '-']);
    if chunk.contains('T') || chunk.contains('t') {
        if let Ok(instant) = chunk.parse::<Timestamp>() {
            return (Kind::Instant(instant), chunk.len());
        }
        if let Ok(date_time) = chunk.parse::<DateTime>() {
            return (Kind::DateTime(date_time), chunk.len());
        }
    }
    if chunk.len() == 10
        && let Ok(date) = chunk.parse::<Date>()
    {
        return (Kind::Date(date), chunk.len());
    }
    if let Some((time, length)) = clock_at(rest) {
        return (Kind::Clock(time), length);
    }
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(rest);
    // `1,200` but not `1,5`, nor `0,125`.
    let mut grouped = String::new();
    if length <= 3 && !rest.starts_with('0') {
        while let Some(tail) = rest.get(length..).and_then(|tail| tail.strip_prefix(',')) {
            if digits(tail) != 3 {
                break;
            }
            length += 4;
        }
    }
    grouped.extend(
        rest.get(..length)
            .unwrap_or_default()
            .chars()
            .filter(|c| *c != ','),
    );
    if let Some(tail) = rest.get(length..).and_then(|tail| tail.strip_prefix('.')) {
        let fraction = digits(tail);
        if fraction > 0 {
            grouped.push('.');
            grouped.push_str(tail.get(..fraction).unwrap_or_default());
            length += 1 + fraction;
        }
    }
    match Decimal::parse(&grouped) {
        Some(number) => (Kind::Number(number), length),
        // Too long to be an amount of anything: a word that nothing knows.
        None => (Kind::Word, length.max(1)),
    }
}

/// `18:00` or `8:30:00`.
fn clock_at(rest: &str) -> Option<(Time, usize)> {
    let length = rest
        .find(|c: char| !c.is_ascii_digit() && c != ':')
        .unwrap_or(rest.len());
    let text = rest.get(..length)?.trim_end_matches(':');
    let mut parts = text.split(':');
    let hour = parts.next()?;
    let minute = parts.next().filter(|part| part.len() == 2)?;
    let second = parts.next().unwrap_or("0");
    if parts.next().is_some() || hour.len() > 2 || second.len() > 2 {
        return None;
    }
    let time = Time::new(
        hour.parse().ok()?,
        minute.parse().ok()?,
        second.parse().ok()?,
        0,
    );
    // `24:00` is the midnight that ends a day.
    let time = time
        .ok()
        .or_else(|| (text == "24:00").then_some(Time::midnight()))?;
    Some((time, text.len()))
}

/// The name under which a pattern speaks of a sign.
fn sign_name(raw: &str) -> &'static str {
    match raw {
        "," => "{comma}",
        ";" => "{semicolon}",
        "." => "{stop}",
        ":" => "{colon}",
        "!" => "{bang}",
        "?" => "{question}",
        "/" => "{slash}",
        "%" => "{percent}",
        "+" => "{plus}",
        "-" | "–" | "—" | "−" => "{dash}",
        "->" | "=>" | "→" => "{arrow}",
        "=" | "==" => "{equals}",
        "<" => "{lt}",
        ">" => "{gt}",
        "<=" | "≤" => "{le}",
        ">=" | "≥" => "{ge}",
        "&" => "{and}",
        "×" | "*" => "{times}",
        "$" | "€" | "£" => "{money}",
        "..." | "…" => "{dots}",
        "½" => "{half}",
        "¼" => "{quarter}",
        "#" => "{hash}",
        "@" => "{at}",
        _ if raw.starts_with(is_apostrophe) => "{possessive}",
        _ => "{other}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowers(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.lower).collect()
    }

    #[test]
    fn units_stay_glued_to_their_number() {
        assert_eq!(
            lowers("200ms p95 1.5Gi 50%"),
            ["200", "ms", "p95", "1.5", "gi", "50", "{percent}"]
        );
        assert!(tokens("200ms").iter().any(|token| token.glued));
        assert_eq!(lowers("1,200 rps"), ["1,200", "rps"]);
        assert_eq!(lowers("1,5 GB"), ["1", "{comma}", "5", "gb"]);
        assert_eq!(lowers("0,125"), ["0", "{comma}", "125"]);
    }

    #[test]
    fn possessives_contractions_and_quotes() {
        assert_eq!(lowers("web's"), ["web", "{possessive}"]);
        assert_eq!(lowers("workers’ pods"), ["workers", "{possessive}", "pods"]);
        assert_eq!(lowers("don’t scale 'web'"), ["don't", "scale", "web"]);
        assert_eq!(
            lowers("`web-2`, please."),
            ["web-2", "{comma}", "please", "{stop}"]
        );
    }

    #[test]
    fn times_and_dates() {
        let kinds: Vec<_> = tokens("18:00 2026-12-24 2026-12-24T18:00:00Z 6pm")
            .into_iter()
            .map(|token| token.kind)
            .collect();
        assert!(matches!(kinds[0], Kind::Clock(_)));
        assert!(matches!(kinds[1], Kind::Date(_)));
        assert!(matches!(kinds[2], Kind::Instant(_)));
        assert!(matches!(kinds[3], Kind::Number(_)));
        assert!(matches!(tokens("25:00")[0].kind, Kind::Number(_)));
    }
}
