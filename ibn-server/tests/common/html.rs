//! Just enough of HTML to look at pages of ours, whose attributes are all in double quotes.

use std::collections::BTreeMap;

/// An opening tag.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// What stands between it and the next tag.
    pub(crate) text: String,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// The opening tags of a page, in order.
pub(crate) fn tags(page: &str) -> Vec<Tag> {
    page.split('<')
        .skip(1)
        .filter(|piece| piece.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(|piece| {
            let (tag, text) = split_tag(piece);
            let name_end = tag.find(char::is_whitespace).unwrap_or(tag.len());
            let (name, mut rest) = tag.split_at(name_end);
            let mut attributes = BTreeMap::new();
            while !rest.trim_start().is_empty() {
                rest = rest.trim_start();
                let end = rest.find(['=', ' ']).unwrap_or(rest.len());
                let (key, after) = rest.split_at(end);
                match after.strip_prefix("=\"") {
                    Some(value) => {
                        let (value, after) = value.split_once('"').unwrap_or((value, ""));
                        attributes.insert(key.to_owned(), unescape(value));
                        rest = after;
                    }
                    None => {
                        attributes.insert(key.to_owned(), String::new());
                        rest = after;
                    }
                }
            }
            Tag {
                name: name.to_owned(),
                attributes,
                text: unescape(text.trim()),
            }
        })
        .collect()
}

/// The tag and what follows it; a `>` in an attribute is escaped in pages of ours only where it must be.
fn split_tag(piece: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in piece.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return (&piece[..at], &piece[at + 1..]),
            _ => {}
        }
    }
    (piece, "")
}

pub(crate) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// What a person would read of a page.
pub(crate) fn text(page: &str) -> String {
    let pieces = page.split('<').map(|piece| {
        if piece.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
            split_tag(piece).1
        } else {
            piece
        }
    });
    unescape(&pieces.collect::<String>())
}
