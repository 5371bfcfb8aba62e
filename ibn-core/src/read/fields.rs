//! The fields of a mapping, read one by one by their names.

use super::decode::Decode;
use super::node::{Entry, Map, Node, Value};
use super::path;
use super::reader::{Reader, suggestion};
use super::words::{alternatives, nearest, quote};
use crate::diagnostic::{Code, Diagnostic};

/// The fields of one mapping; made by [`Reader::fields`].
///
/// Every method returns `None` where an error was reported. Read all fields before the first `?`, so that the faults
/// of all of them are found. A field that is there and `null` counts as absent.
#[derive(Debug)]
pub struct Fields<'r, 'n> {
    reader: &'r mut Reader,
    node: &'n Node,
    map: &'n Map,
    allowed: &'r [&'static str],
    /// For each allowed name the entry that is read for it.
    found: Vec<Option<&'n Entry>>,
    has_unknown: bool,
}

impl<'r, 'n> Fields<'r, 'n> {
    /// Pairs entries with `allowed` and `ignored` names, and reports the rest.
    pub(super) fn new(
        reader: &'r mut Reader,
        node: &'n Node,
        allowed: &'r [&'static str],
        ignored: &[&str],
    ) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            if reader.count_only() {
                return None;
            }
            let expected = format!("a mapping with the fields {}", fields_text(allowed));
            return reader.wrong_type(node, &expected);
        };
        let mut found: Vec<Option<&Entry>> = allowed.iter().map(|name| map.get(name)).collect();
        let mut has_unknown = false;
        for entry in &map.entries {
            let key = entry.key.as_str();
            if allowed.contains(&key) || ignored.contains(&key) {
                continue;
            }
            has_unknown = true;
            if reader.count_only() {
                continue;
            }
            let meant = nearest(key, allowed);
            let slot = allowed
                .iter()
                .position(|name| Some(*name) == meant)
                .and_then(|index| found.get_mut(index));
            if let (Some(slot @ None), Some(meant)) = (slot, meant) {
                *slot = Some(entry);
                reader.note_slip(meant, key);
            }
            let message = format!("there is no field {} here", quote(key));
            let help = if allowed.is_empty() {
                "no field is allowed here".to_owned()
            } else {
                suggestion(key, allowed)
            };
            let path = path::join(reader.path(), key);
            reader.report(
                Diagnostic::error(Code::UnknownField, path, message, help).at(entry.position),
            );
        }
        Some(Self {
            reader,
            node,
            map,
            allowed,
            found,
            has_unknown,
        })
    }

    /// The reader, at the path of this mapping.
    pub fn reader(&mut self) -> &mut Reader {
        self.reader
    }

    /// Whether the field is there and not `null`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.entry(name)
            .is_some_and(|entry| entry.value.value != Value::Null)
    }

    /// A field that must be there.
    #[must_use]
    pub fn required<T: Decode>(&mut self, name: &str) -> Option<T> {
        self.required_with(name, T::decode)
    }

    /// A field that must be there, read by `decode`.
    #[must_use]
    pub fn required_with<T>(
        &mut self,
        name: &str,
        decode: impl FnOnce(&Node, &mut Reader) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entry(name);
        if let Some(entry) = entry
            && entry.value.value != Value::Null
        {
            return self
                .reader
                .below(entry, |reader| decode(&entry.value, reader));
        }
        if self.map.partial {
            return None;
        }
        let (message, position) = match entry {
            Some(entry) => (format!("{} has no value", quote(name)), entry.position),
            None => (
                format!("{} is missing", quote(name)),
                self.reader.place(self.node),
            ),
        };
        let help = format!(
            "{} is needed here; the fields are {}",
            quote(name),
            fields_text(self.allowed)
        );
        let path = path::join(self.reader.path(), name);
        self.reader
            .report(Diagnostic::error(Code::MissingField, path, message, help).at(position));
        None
    }

    /// A field that may be absent: `Some(None)` where it is.
    #[must_use]
    pub fn optional<T: Decode>(&mut self, name: &str) -> Option<Option<T>> {
        self.optional_with(name, T::decode)
    }

    /// A field that may be absent, read by `decode`.
    #[must_use]
    pub fn optional_with<T>(
        &mut self,
        name: &str,
        decode: impl FnOnce(&Node, &mut Reader) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.entry(name) {
            Some(entry) if entry.value.value != Value::Null => self
                .reader
                .below(entry, |reader| decode(&entry.value, reader))
                .map(Some),
            _ => Some(None),
        }
    }

    /// A field with a default.
    #[must_use]
    pub fn or<T: Decode>(&mut self, name: &str, default: T) -> Option<T> {
        Some(self.optional(name)?.unwrap_or(default))
    }

    /// A field with its type's default.
    #[must_use]
    pub fn or_default<T: Decode + Default>(&mut self, name: &str) -> Option<T> {
        Some(self.optional(name)?.unwrap_or_default())
    }

    /// The one of `names` that is there; reports where it is none, or each that is there beside the first.
    #[must_use]
    pub fn exactly_one<'a>(&mut self, names: &[&'a str]) -> Option<&'a str> {
        let mut present: Vec<(&'a str, &'n Entry)> = names
            .iter()
            .filter_map(|name| Some((*name, self.entry(name)?)))
            .filter(|(_, entry)| entry.value.value != Value::Null)
            .collect();
        present.sort_by_key(|(_, entry)| entry.position);
        let help = format!("exactly one of {}", alternatives(names));
        let Some(((first, _), surplus)) = present.split_first() else {
            // The field that was meant may be the unknown one, or be lost.
            if !self.has_unknown && !self.map.partial {
                let message = format!("none of {} is given", alternatives(names));
                let position = self.reader.place(self.node);
                let path = self.reader.path().to_owned();
                self.reader.report(
                    Diagnostic::error(Code::NotExactlyOne, path, message, help).at(position),
                );
            }
            return None;
        };
        for (name, entry) in surplus {
            let message = format!("{} and {} are both given", quote(first), quote(name));
            let path = path::join(self.reader.path(), &entry.key);
            self.reader.report(
                Diagnostic::error(Code::NotExactlyOne, path, message, help.clone())
                    .at(entry.position),
            );
        }
        surplus.is_empty().then_some(*first)
    }

    /// Warns that a field of the system is dropped, where it is there.
    pub(super) fn drop_system_field(&mut self, name: &str) {
        if let Some(entry) = self.entry(name)
            && entry.value.value != Value::Null
        {
            let message = format!("{} is set by the system and is ignored here", quote(name));
            let path = path::join(self.reader.path(), &entry.key);
            self.reader.report(
                Diagnostic::warning(Code::SystemField, path, message, "leave it out")
                    .at(entry.position),
            );
        }
    }

    fn entry(&self, name: &str) -> Option<&'n Entry> {
        let index = self.allowed.iter().position(|allowed| *allowed == name)?;
        self.found.get(index).copied().flatten()
    }
}

/// The names of the fields, for a help.
fn fields_text(allowed: &[&str]) -> String {
    alternatives(allowed).replace(" or ", " and ")
}
