//! Typed access to the values that a pattern kept.

use crate::grammar::decimal::Decimal;
use crate::grammar::engine::Caps;
use crate::grammar::sem::{
    By, Change, ClockWord, ContainerPick, Day, Dir, Item, KindWord, Length, Metric, Moment,
    NameHit, Noun, Owner, Pick, Place, Qty, Quant, Scope, Sem, Span, Target,
};

macro_rules! getters {
    ($($name:ident: $variant:ident -> $type:ty;)+) => {
        $(pub(super) fn $name(&self, label: &str) -> Option<$type> {
            match self.get(label)? {
                Sem::$variant(value) => Some(value.clone()),
                _ => None,
            }
        })+
    };
}

impl Caps<'_> {
    getters! {
        num: Num -> Decimal;
        dir: Dir -> Dir;
        qty: Qty -> Qty;
        by: By -> By;
        change: Change -> Change;
        kind: Kind -> KindWord;
        name: Name -> NameHit;
        text: Text -> String;
        target: Target -> Target;
        container: Container -> ContainerPick;
        owner: Owner -> Owner;
        noun: Noun -> Noun;
        span: Span -> Span;
        scope: Scope -> Scope;
        metric: Metric -> Metric;
        quant: Quantile -> Quant;
        day: Day -> Day;
        clock: Clock -> ClockWord;
        moment: Moment -> Moment;
        length: Length -> Length;
    }

    pub(super) fn item(&self, label: &str) -> Option<Item> {
        match self.get(label)? {
            Sem::Item(item) => Some((**item).clone()),
            _ => None,
        }
    }

    /// The directions under a label, in order.
    pub(super) fn dirs(&self, label: &str) -> Vec<Dir> {
        self.all(label)
            .into_iter()
            .filter_map(|sem| match sem {
                Sem::Dir(dir) => Some(*dir),
                _ => None,
            })
            .collect()
    }

    /// All items under a label, in order.
    pub(super) fn items(&self, label: &str) -> Vec<Item> {
        self.all(label)
            .into_iter()
            .filter_map(|sem| match sem {
                Sem::Item(item) => Some((**item).clone()),
                _ => None,
            })
            .collect()
    }

    /// A namespace: one of the catalog, or a word in its place.
    pub(super) fn place(&self, label: &str) -> Option<Place> {
        match self.get(label)? {
            Sem::Name(hit) => hit.namespace.clone().map(Place::Known),
            Sem::Text(text) => Some(Place::Unknown(text.clone())),
            _ => None,
        }
    }

    /// The same, of one that may hold for the other names of a list too.
    pub(super) fn loose_place(&self, label: &str) -> Option<Place> {
        Some(match self.place(label)? {
            Place::Known(name) => Place::Loose(name),
            other => other,
        })
    }

    /// All quantities under a label, single ones and lists.
    pub(super) fn all_qtys(&self, label: &str) -> Vec<Qty> {
        let mut found = Vec::new();
        for sem in self.all(label) {
            match sem {
                Sem::Qty(qty) => found.push(qty.clone()),
                Sem::Qtys(qtys) => found.extend(qtys.iter().cloned()),
                _ => {}
            }
        }
        found
    }

    /// All bounds under a label, single ones and lists.
    pub(super) fn all_spans(&self, label: &str) -> Vec<Span> {
        let mut found = Vec::new();
        for sem in self.all(label) {
            match sem {
                Sem::Span(span) => found.push(span.clone()),
                Sem::Spans(spans) => found.extend(spans.iter().cloned()),
                _ => {}
            }
        }
        found
    }

    /// All picks under a label, in order.
    pub(super) fn picks(&self, label: &str) -> Vec<Pick> {
        self.all(label)
            .into_iter()
            .filter_map(|sem| match sem {
                Sem::Target(target) => Some(target.picks.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }
}
