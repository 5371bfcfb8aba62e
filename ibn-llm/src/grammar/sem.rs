//! What pieces of a sentence mean, before they are read against the catalog.

use std::time::Duration;

use ibn_core::intent::{IndicatorName, Mode, OnEnd, Preference};
use ibn_core::translation::{QueryKind, RefusalCode};
use ibn_core::workload::WorkloadKind;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};

use super::decimal::Decimal;

/// The value of a matched rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sem {
    /// Nothing beyond having matched.
    Unit,
    Num(Decimal),
    Dir(Dir),
    Qty(Qty),
    Qtys(Vec<Qty>),
    By(By),
    Change(Change),
    Kind(KindWord),
    Name(NameHit),
    Text(String),
    Target(Target),
    Container(ContainerPick),
    Owner(Owner),
    Noun(Noun),
    Span(Span),
    Spans(Vec<Span>),
    Scope(Scope),
    Metric(Metric),
    Quantile(Quant),
    Day(Day),
    Clock(ClockWord),
    Moment(Moment),
    Length(Length),
    Item(Box<Item>),
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dir {
    Up,
    Down,
}

impl Dir {
    /// Whether the way from one value to the other is the opposite one.
    pub(crate) fn excludes<T: PartialOrd>(self, from: &T, to: &T) -> bool {
        match self {
            Self::Up => to < from,
            Self::Down => to > from,
        }
    }
}

/// A number with the unit that was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Qty {
    pub(crate) number: Decimal,
    pub(crate) unit: Unit,
    /// What it is an amount of, where a noun says so (`512Mi of memory`).
    pub(crate) of: Option<Noun>,
}

/// Units, as far as a word decides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    None,
    Percent,
    Times,
    Pods,
    Cores,
    /// `50 cpu`: cores, as far as it is a number of them.
    Cpu,
    Millicores,
    /// `m`: thousandths of a core, or minutes.
    BareM,
    /// Kubernetes' suffix, and whether it was said in a way that can also mean the binary unit.
    Memory {
        suffix: &'static str,
        loose: bool,
    },
    /// Nanoseconds in one.
    Time(u64),
    /// Requests per second in one, as a divisor (`1` or `60`).
    Rate(u32),
}

/// A size of change without its direction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum By {
    Qty(Qty),
    /// `n` of `d` parts: `by half`, `by a third`.
    Part(i64, i64),
    /// Vague, such as `a bit`; the word that was said.
    Vague,
}

/// What is to become of an amount.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    To(Qty),
    /// The same, said with a direction in which it must lie: `down to 5`, `raise … to 2Gi`.
    Toward(Dir, Qty),
    Add(Qty),
    Scale(f64),
    /// It can't be said what: the thing that is missing, and the question.
    Ask(&'static str, String),
}

impl Change {
    /// The quantity that is to be had, where one is.
    pub(crate) fn absolute(&self) -> Option<&Qty> {
        match self {
            Self::To(qty) | Self::Toward(_, qty) => Some(qty),
            _ => None,
        }
    }

    /// The quantity that is to be had, or by which it is to differ.
    pub(crate) fn qty(&self) -> Option<&Qty> {
        match self {
            Self::Add(qty) => Some(qty),
            _ => self.absolute(),
        }
    }
}

/// `deployment`, `services` …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KindWord {
    /// Absent where the word fits every kind.
    pub(crate) kind: Option<WorkloadKind>,
}

/// What a name of the catalog may stand for; indices into the catalog's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameHit {
    pub(crate) text: String,
    pub(crate) workloads: Vec<usize>,
    pub(crate) namespace: Option<String>,
    /// The name itself, where its plural was said: `worker` for `workers`.
    pub(crate) plural_of: Option<String>,
}

/// One or several things that a clause is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) picks: Vec<Pick>,
    /// `web and api together`.
    pub(crate) together: bool,
}

impl Target {
    pub(crate) fn one(pick: Pick) -> Self {
        Self {
            picks: vec![pick],
            together: false,
        }
    }

    /// Whether everything here may be read as a namespace.
    pub(crate) fn may_be_namespace(&self) -> bool {
        self.picks.iter().all(|pick| match pick {
            Pick::Named { hit, kind, .. } => {
                hit.namespace.is_some() && kind.is_none_or(|kind| kind == WorkloadKind::Namespace)
            }
            Pick::Unknown { kind, .. } => *kind == Some(WorkloadKind::Namespace),
            Pick::Group { .. } | Pick::Pronoun => false,
        })
    }

    /// Whether everything here can only be read as a namespace.
    pub(crate) fn must_be_namespace(&self) -> bool {
        self.picks.iter().all(|pick| match pick {
            Pick::Named { hit, kind, .. } => {
                *kind == Some(WorkloadKind::Namespace) || hit.workloads.is_empty() && kind.is_none()
            }
            Pick::Unknown { kind, .. } => *kind == Some(WorkloadKind::Namespace),
            Pick::Group { .. } | Pick::Pronoun => false,
        })
    }

    /// Namespaces that may hold for all names of the list.
    pub(crate) fn loose_places(&self) -> impl Iterator<Item = &String> {
        self.picks.iter().filter_map(|pick| match pick {
            Pick::Named {
                namespace: Some(Place::Loose(place)),
                ..
            } => Some(place),
            _ => None,
        })
    }

    pub(crate) fn is_pronoun(&self) -> bool {
        self.picks.iter().all(|pick| matches!(pick, Pick::Pronoun))
    }
}

/// One thing that a clause is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pick {
    Named {
        hit: NameHit,
        kind: Option<WorkloadKind>,
        namespace: Option<Place>,
    },
    Unknown {
        text: String,
        kind: Option<WorkloadKind>,
        namespace: Option<Place>,
    },
    Group {
        kind: Option<WorkloadKind>,
        namespace: Option<Place>,
        except: Vec<Pick>,
    },
    Pronoun,
}

/// A namespace that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Known(String),
    /// Said so that it may hold for the other names of a list too: `acme web and api`, `web and api of acme`.
    Loose(String),
    Unknown(String),
}

impl Place {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Known(name) | Self::Loose(name) | Self::Unknown(name) => name,
        }
    }
}

/// Which containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContainerPick {
    All,
    Named(String),
    Unknown(String),
}

/// Whose resources: a workload's, or a container's of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Owner {
    pub(crate) target: Option<Target>,
    pub(crate) container: Option<ContainerPick>,
}

/// CPU, memory or both, and of requests, limits or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noun {
    pub(crate) cpu: bool,
    pub(crate) memory: bool,
    pub(crate) side: Side,
}

/// Requests or limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Unsaid,
    Requests,
    Limits,
    Both,
}

/// A bound from below, above or both, on amounts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) min: Option<Qty>,
    pub(crate) max: Option<Qty>,
    pub(crate) strict_min: bool,
    pub(crate) strict_max: bool,
}

/// Over what a bound on CPU or memory counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Pod,
    Together,
}

/// A built-in indicator or one of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    pub(crate) name: IndicatorName,
    pub(crate) quantile: Option<Quant>,
}

/// A quantile as it was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Quant {
    /// Percent, such as 95 or 99.9.
    Percent(Decimal),
    /// `average latency`: a question.
    Mean,
    /// `worst latency`: a question.
    Extreme,
    /// `tail latency`: a question.
    Vague,
}

/// A day as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Day {
    Today,
    Tomorrow,
    /// The day after tomorrow.
    Overmorrow,
    Weekday(Weekday),
    Date(Date),
    /// Day and month without a year.
    InYear(i8, i8),
    /// Year, month and day of which there is no such day.
    Never(i16, i8, i8),
}

/// A time of day as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockWord {
    At(Time),
    /// The midnight that ends a day.
    Midnight,
    /// A bare hour up to 12, which may be of the morning or of the evening.
    Unclear(i64),
}

/// A point in time as it was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Moment {
    At {
        day: Option<Day>,
        clock: Option<ClockWord>,
    },
    Instant(Timestamp),
    Local(DateTime),
    Now,
    In(Length),
    /// The end of the running day, week, month or year.
    EndOf(Period),
    /// The start of the next such period.
    NextPeriod(Period),
    /// A moment that words don't fix, such as `tonight`, with the words.
    Vague(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    Day,
    Week,
    Month,
    Year,
}

/// A length of time on the calendar or on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Length {
    pub(crate) months: i64,
    pub(crate) days: i64,
    pub(crate) nanos: i64,
    /// Whether a number of it may be one with thousands: `1.500 hours`.
    pub(crate) is_unclear: bool,
}

/// When something is to hold, as it was said.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct When {
    pub(crate) from: Option<Moment>,
    pub(crate) until: Option<Moment>,
    pub(crate) length: Option<Length>,
    /// A day, a weekend or the like, where that is all that was said.
    pub(crate) whole: Option<Whole>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    Day(Day),
    /// A day that was only named: a change begins with it, and nothing was said of an end.
    FromDay(Day),
    /// The same of a week, a month or a year that comes.
    FromNext(Period),
    Weekend,
    Rest(Period),
    Next(Period),
}

/// One thing that a sentence says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// `for web`, `web:`.
    Topic(Target),
    /// `in shop` at the end of a clause.
    In(Place),
    /// `of the app container`, at the end of a clause.
    Of(ContainerPick),
    Replicas {
        target: Option<Target>,
        change: Change,
    },
    /// `scale web from 3 to 5`.
    FromTo {
        target: Option<Target>,
        from: Decimal,
        to: Decimal,
    },
    Resources {
        owner: Owner,
        parts: Vec<Part>,
    },
    Autoscale {
        target: Option<Target>,
        /// Every least and greatest number of pods that was said.
        mins: Vec<Decimal>,
        maxs: Vec<Decimal>,
        cpu: Option<Decimal>,
        /// Something else that it is to look at, which can't be said.
        other: bool,
    },
    Bounds {
        target: Option<Target>,
        scope: Option<Scope>,
        spans: Vec<Span>,
        /// Whether `limit`, `cap` could mean the limits of the containers as well.
        limits: bool,
        /// Whether no verb says that it is a bound: `web up to 5 pods`.
        is_verbless: bool,
    },
    Quota {
        target: Option<Target>,
        amounts: Vec<Qty>,
    },
    Objective {
        target: Option<Target>,
        metric: Metric,
        upper: bool,
        value: Qty,
    },
    Window(Duration),
    /// `over 5 minutes`: the window of an objective, or a second bound on it.
    Over(Qty),
    /// `and above 70 %`: a second bound on what an objective before it is about.
    Also {
        upper: bool,
        value: Qty,
    },
    /// Two bounds on one indicator, which no objective has: whether each is an upper one, and its value.
    Sides {
        target: Option<Target>,
        metric: Metric,
        first: (bool, Qty),
        second: (bool, Qty),
    },
    /// `at p95` behind an objective.
    AtQuantile(Quant),
    Preference {
        target: Option<Target>,
        preference: Preference,
    },
    Priority {
        target: Option<Target>,
        priority: Decimal,
    },
    Mode {
        target: Option<Target>,
        mode: Mode,
    },
    When(When),
    OnEnd(OnEnd),
    /// What is known but not enough.
    Ask {
        target: Option<Target>,
        missing: &'static str,
        question: String,
    },
    /// What is understood but can't be said in an intent.
    Unsayable {
        target: Option<Target>,
        code: RefusalCode,
        message: String,
    },
    /// What goes on with the verb that was just said: `and api to 3`.
    Ellipsis {
        target: Target,
        rest: Rest,
    },
    Query {
        kind: QueryKind,
        target: Option<Target>,
    },
    /// `help`: what can be asked for at all.
    Help,
    /// Several things that share a part of the sentence.
    Several(Vec<Item>),
    /// The clauses that follow are to be predicted, not done.
    WhatIf,
}

/// What is said of something else than before, without a verb.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rest {
    /// `to 3`, `up to 2Gi`.
    To(Change),
    /// `to 4 cores and 8Gi`.
    Amounts(Vec<Qty>),
    /// `between 2 and 8`, with the CPU target of an autoscaler where one is said.
    Spans(Vec<Span>, Option<Decimal>),
    /// `under 300 ms`.
    Bound { upper: bool, value: Qty },
}

/// One change of requests or limits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) noun: Noun,
    pub(crate) change: Change,
}
