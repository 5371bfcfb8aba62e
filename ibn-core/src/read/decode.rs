//! What can be read from a node: plain types, units, and collections of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::node::{Node, Value};
use super::reader::Reader;
use crate::diagnostic::Code;
use crate::units::{Bytes, CpuMillis, Quantile, SignedBytes, SignedCpuMillis, parse_duration};

/// A type that can be read from a document.
///
/// Return `None` only after an error was reported to `reader`, by you or by what you called. What you return beside a
/// reported error is thrown away in the end, so a part that could not be read may be left at any value.
pub trait Decode: Sized {
    /// Reads the value of `node`, which `reader` stands at.
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self>;
}

impl Decode for bool {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            _ => reader.wrong_type(node, "`true` or `false`"),
        }
    }
}

impl Decode for String {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.text(node).map(str::to_owned)
    }
}

impl Decode for f64 {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.number(node, Self::MIN..=Self::MAX)
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl Decode for $type {
            fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
                reader.whole(node, Self::MIN..=Self::MAX)
            }
        }
    )+};
}
whole_numbers!(u8, u16, u32, u64, i8, i16, i32, i64);

impl Decode for usize {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let most = u32::MAX.into();
        reader
            .whole(node, 0..=most)
            .map(|number: u64| number as Self)
    }
}

macro_rules! quantities {
    ($($type:ty: $expected:literal),+ $(,)?) => {$(
        /// A Kubernetes quantity, as a text or as a number.
        impl Decode for $type {
            fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
                match &node.value {
                    Value::Text(text) | Value::Number(text) => {
                        let parsed = text.parse().ok();
                        if parsed.is_none() {
                            let message = format!("{} is not {}", super::quote(text), $expected);
                            reader.error(node, Code::InvalidQuantity, message, $expected);
                        }
                        parsed
                    }
                    _ => reader.parse(node, Code::InvalidQuantity, $expected, |_| None),
                }
            }
        }
    )+};
}
quantities!(
    CpuMillis: "an amount of CPU such as `500m` or `1.5`",
    SignedCpuMillis: "a difference of CPU such as `500m` or `-1.5`",
    Bytes: "an amount of memory such as `512Mi` or `1G`",
    SignedBytes: "a difference of memory such as `512Mi` or `-1G`",
);

impl Decode for Duration {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parse(
            node,
            Code::InvalidDuration,
            "a duration such as `200ms`, `5m` or `1h30m`",
            |text| parse_duration(text).ok(),
        )
    }
}

impl Decode for Timestamp {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parse(
            node,
            Code::InvalidTimestamp,
            "an RFC 3339 time such as `2026-12-24T18:00:00Z`",
            |text| text.parse().ok(),
        )
    }
}

impl Decode for Quantile {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let allowed = "a number between 0 and 1 such as 0.95";
        let written = reader.number_text(node, allowed)?;
        let quantile = super::reader::float(written).and_then(Self::new);
        if quantile.is_none() {
            let message = format!("{} is no quantile", super::quote(written));
            reader.error(node, Code::OutOfRange, message, allowed);
        }
        quantile
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.each(node, T::decode)?.into_iter().collect()
    }
}

impl<T: Decode + Ord> Decode for BTreeSet<T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.each(node, T::decode)?.into_iter().collect()
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let entries = reader.each_entry(node, |entry, reader| T::decode(&entry.value, reader))?;
        Some(entries.into_iter().collect())
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        T::decode(node, reader).map(Self::new)
    }
}
