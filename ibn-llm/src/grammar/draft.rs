//! One intent in the making: what a sentence says of one workload or namespace, checked as it is added.

use std::fmt::Display;

use ibn_core::catalog::CatalogWorkload;
use ibn_core::intent::{
    Amount, Autoscale, Bound, BudgetLimit, Constraints, Directive, Expectation, IndicatorName,
    Mode, Objective, OnEnd, Preference, QuotaAmounts, Range,
};
use ibn_core::translation::Translation;
use ibn_core::units::Quantile;
use ibn_core::workload::WorkloadRef;

use super::decimal::Decimal;
use super::measure::{self, Noted};
use super::reply::{clarify, clarify_among, refuse};
use super::sem::{
    Change, ContainerPick, Day, Dir, Item, Metric, Owner, Part, Period, Qty, Quant, Scope, Side,
    Span, Unit, When, Whole,
};
use super::worth::{quantile, value_of};
use super::{allot, clash, sums, when};

type Answer<T> = Result<T, Translation>;

/// What is said of one target.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) target: WorkloadRef,
    /// What the catalog says of it; absent for a namespace.
    pub(crate) workload: Option<&'a CatalogWorkload>,
    pub(crate) expectations: Vec<Expectation>,
    pub(crate) constraints: Constraints,
    pub(crate) preference: Option<Preference>,
    pub(crate) priority: Option<u8>,
    pub(crate) mode: Option<Mode>,
    pub(crate) when: Option<When>,
    pub(crate) on_end: Option<OnEnd>,
    pub(crate) notes: Vec<String>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(target: WorkloadRef, workload: Option<&'a CatalogWorkload>) -> Self {
        Self {
            target,
            workload,
            expectations: Vec::new(),
            constraints: Constraints::default(),
            preference: None,
            priority: None,
            mode: None,
            when: None,
            on_end: None,
            notes: Vec::new(),
        }
    }

    /// Adds one thing that was said; `container` where a container was named apart from it.
    pub(crate) fn add(&mut self, item: &Item, container: Option<&ContainerPick>) -> Answer<()> {
        match item {
            Item::Replicas { change, .. } => self.replicas(change),
            Item::FromTo { from, to, .. } => self.moved(*from, *to),
            Item::Resources { owner, parts } => self.resources(owner, parts, container),
            Item::Autoscale {
                mins,
                maxs,
                cpu,
                other,
                ..
            } => self.autoscale(mins, maxs, *cpu, *other),
            Item::Bounds {
                scope,
                spans,
                limits,
                ..
            } => spans
                .iter()
                .try_for_each(|span| self.bounds(span, *scope, *limits)),
            Item::Quota { amounts, .. } => self.quota(amounts),
            Item::Objective {
                metric,
                upper,
                value,
                ..
            } => self.objective(metric, *upper, value),
            Item::Window(window) => self.window(*window),
            Item::AtQuantile(quant) => self.at_quantile(quant),
            Item::Preference { preference, .. } => {
                set(&mut self.preference, *preference, "preference")
            }
            Item::Priority { priority, .. } => {
                let priority = priority
                    .to_u32()
                    .filter(|_| priority.may_be_thousands().is_none())
                    .and_then(|number| u8::try_from(number).ok())
                    .filter(|number| (1..=100).contains(number))
                    .ok_or_else(|| {
                        clarify(
                            "amount",
                            "A priority is a whole number from 1 to 100. Which one?",
                        )
                    })?;
                set(&mut self.priority, priority, "priority")
            }
            Item::Mode { mode, .. } => set(&mut self.mode, *mode, "mode"),
            Item::When(when) => {
                let both = match &self.when {
                    None => Some(when.clone()),
                    Some(before) => when::both(before, when),
                };
                self.when =
                    Some(both.ok_or_else(|| clarify("time", "From when until when exactly?"))?);
                Ok(())
            }
            Item::OnEnd(on_end) => set(&mut self.on_end, *on_end, "end"),
            Item::Ask {
                missing, question, ..
            } => Err(clarify(missing, question.clone())),
            Item::Unsayable { code, message, .. } => Err(refuse(*code, message.clone())),
            Item::Sides {
                metric,
                first,
                second,
                ..
            } => Err(clash::sides(metric, first, second)),
            Item::Also { .. } | Item::Over(_) => {
                Err(clarify("bound", "Of what is that the bound?"))
            }
            Item::Ellipsis { .. }
            | Item::Topic(_)
            | Item::In(_)
            | Item::Of(_)
            | Item::Query { .. }
            | Item::Several(_)
            | Item::Help
            | Item::WhatIf => Ok(()),
        }
    }

    fn expect(&mut self, expectation: Expectation) -> Answer<()> {
        if self.expectations.contains(&expectation) {
            return Ok(());
        }
        self.expectations.push(expectation);
        Ok(())
    }

    fn replicas(&mut self, change: &Change) -> Answer<()> {
        let amount = match change {
            Change::To(qty) => Amount::To(count(qty.number)?),
            Change::Toward(dir, qty) => {
                let pods = count(qty.number)?;
                self.in_direction(*dir, pods)?;
                Amount::To(pods)
            }
            Change::Add(qty) => {
                let size = count(if qty.number.is_negative() {
                    qty.number.negated()
                } else {
                    qty.number
                })?;
                let size = i32::try_from(size).map_err(|_| too_many())?;
                if size == 0 {
                    return Err(clarify("amount", "How many pods?"));
                }
                Amount::Add(if qty.number.is_negative() {
                    -size
                } else {
                    size
                })
            }
            Change::Scale(factor) => Amount::Scale(*factor),
            Change::Ask(missing, question) => return Err(clarify(missing, question.clone())),
        };
        let new = Expectation::Directive(Directive::Replicas(amount));
        let contradicted = self
            .expectations
            .iter()
            .any(|it| matches!(it, Expectation::Directive(Directive::Replicas(_))) && *it != new);
        if contradicted {
            return Err(clarify(
                "amount",
                format!(
                    "Two numbers of pods for `{}`: which one holds?",
                    self.target.name
                ),
            ));
        }
        self.expect(new)
    }

    /// A question where so many pods are the opposite of what was said.
    fn in_direction(&self, dir: Dir, pods: u32) -> Answer<()> {
        // A catalog that leaves the number out says 0 as well.
        let live = self.workload.map_or(0, |workload| workload.replicas);
        if live > 0 && dir.excludes(&live, &pods) {
            let plural = if live == 1 { "" } else { "s" };
            let live = format!("`{}` has {live} pod{plural}", self.target.name);
            return Err(clash::opposite(live, dir, pods));
        }
        Ok(())
    }

    fn moved(&mut self, from: Decimal, to: Decimal) -> Answer<()> {
        let live = self.workload.map(|workload| workload.replicas);
        if live != Some(count(from)?) {
            return Err(clarify(
                "amount",
                format!(
                    "`{}` has {} pods now, not {from}. Is it to have {to}, or between {from} and {to}?",
                    self.target.name,
                    live.unwrap_or_default(),
                ),
            ));
        }
        self.replicas(&Change::To(Qty {
            number: to,
            unit: Unit::Pods,
            of: None,
        }))
    }

    fn resources(
        &mut self,
        owner: &Owner,
        parts: &[Part],
        container: Option<&ContainerPick>,
    ) -> Answer<()> {
        let Some(workload) = self.workload else {
            return Err(clarify("target", "Which workload's resources are meant?"));
        };
        let pick = owner.container.as_ref().or(container);
        let (directives, notes) = allot::directives(workload, pick, parts)?;
        self.notes.extend(notes);
        for directive in directives {
            for before in &mut self.expectations {
                if let Expectation::Directive(Directive::Resources(before)) = before
                    && allot::clashes(before, &directive)
                {
                    return Err(clarify(
                        "amount",
                        format!(
                            "Two amounts for the same resource of `{}`: which one holds?",
                            self.target.name
                        ),
                    ));
                }
            }
            let same = self.expectations.iter_mut().find_map(|it| match it {
                Expectation::Directive(Directive::Resources(before))
                    if before.container == directive.container =>
                {
                    Some(before)
                }
                _ => None,
            });
            match same {
                Some(before) => allot::merge(before, &directive),
                None => self.expect(Expectation::Directive(Directive::Resources(directive)))?,
            }
        }
        Ok(())
    }

    fn autoscale(
        &mut self,
        mins: &[Decimal],
        maxs: &[Decimal],
        cpu: Option<Decimal>,
        other: bool,
    ) -> Answer<()> {
        if other {
            return Err(clarify(
                "metric",
                "An autoscaler can only be told a target for CPU utilisation. Which one, and at most how many pods?",
            ));
        }
        let min = one_end(mins, "at least")?;
        let Some(max) = one_end(maxs, "at most")? else {
            return Err(clarify(
                "maximum",
                format!(
                    "At most how many pods may the autoscaler of `{}` run?",
                    self.target.name
                ),
            ));
        };
        let cpu = cpu
            .map(|cpu| {
                cpu.to_u32().filter(|cpu| *cpu > 0).ok_or_else(|| {
                    clarify(
                        "amount",
                        "A CPU target is a whole number of percent. Which one?",
                    )
                })
            })
            .transpose()?;
        if let Some(min) = min.filter(|min| *min > max) {
            return Err(clash::bounds("pods", min, max));
        }
        if max == 0 {
            return Err(clash::bounds("pods", 1, max));
        }
        if cpu.is_none() {
            self.notes.push(
                "the autoscaler aims at 80 % CPU utilisation, since no target was said".to_owned(),
            );
        }
        let new = Expectation::Directive(Directive::Autoscale(Autoscale {
            min,
            max,
            cpu_utilization: cpu,
        }));
        let other = self.expectations.iter().find_map(|it| match it {
            Expectation::Directive(Directive::Autoscale(before)) if *it != new => Some(before.max),
            _ => None,
        });
        if let Some(before) = other {
            return Err(clash::either(
                "pods",
                format!("an autoscaler up to {before}"),
                format!("another up to {max}"),
            ));
        }
        self.expect(new)
    }

    fn bounds(&mut self, span: &Span, scope: Option<Scope>, limits: bool) -> Answer<()> {
        let unit = span
            .max
            .as_ref()
            .or(span.min.as_ref())
            .map_or(Unit::None, |qty| qty.unit);
        if unit == Unit::Pods {
            return self.bound_pods(span);
        }
        let name = &self.target.name;
        let side = [&span.min, &span.max]
            .into_iter()
            .flatten()
            .find_map(|qty| qty.of)
            .map_or(Side::Unsaid, |noun| noun.side);
        let Some(scope) = scope else {
            let mut candidates = vec!["each pod".to_owned(), "all pods together".to_owned()];
            if limits {
                candidates.push("the limits of its containers".to_owned());
            }
            return Err(clarify_among(
                "scope",
                format!("Is that for each pod of `{name}`, or for all its pods together?"),
                candidates,
            ));
        };
        if side == Side::Requests || side == Side::Limits {
            return Err(clarify(
                "scope",
                "A bound is on a pod's whole CPU or memory, not on its requests or limits. What is meant?",
            ));
        }
        match scope {
            Scope::Pod => self.bound_pod(span),
            Scope::Together => self.bound_sum(span),
        }
    }

    fn bound_pods(&mut self, span: &Span) -> Answer<()> {
        let min = span
            .min
            .as_ref()
            .map(|qty| {
                let number = count(qty.number)?;
                number
                    .checked_add(u32::from(span.strict_min))
                    .ok_or_else(too_many)
            })
            .transpose()?;
        let max = span
            .max
            .as_ref()
            .map(|qty| {
                let number = count(qty.number)?;
                number
                    .checked_sub(u32::from(span.strict_max))
                    .ok_or_else(|| clash::either("pods", "fewer than 0", "at least 0"))
            })
            .transpose()?;
        narrow(&mut self.constraints.replicas, Range { min, max }, "pods")
    }

    fn bound_pod(&mut self, span: &Span) -> Answer<()> {
        let memory = self.is_memory(span)?;
        if memory {
            let range = Range {
                min: self.side(&span.min, measure::memory)?,
                max: self.side(&span.max, measure::memory)?,
            };
            narrow(&mut self.constraints.memory, range, "memory")
        } else {
            let range = Range {
                min: self.side(&span.min, measure::pod_cpu)?,
                max: self.side(&span.max, measure::pod_cpu)?,
            };
            narrow(&mut self.constraints.cpu, range, "CPU")
        }
    }

    fn bound_sum(&mut self, span: &Span) -> Answer<()> {
        if span.min.is_some() {
            return Err(clarify(
                "bound",
                "All pods together can only be given an upper bound. What is it?",
            ));
        }
        let memory = self.is_memory(span)?;
        let mut new = BudgetLimit::default();
        if memory {
            new.memory = self.side(&span.max, measure::memory)?;
        } else {
            new.cpu = self.side(&span.max, measure::cpu)?;
        }
        let budget = &mut self.constraints.budget;
        set_same(&mut budget.cpu, new.cpu, "CPU", "at most")?;
        set_same(&mut budget.memory, new.memory, "memory", "at most")
    }

    fn is_memory(&self, span: &Span) -> Answer<bool> {
        let qty = span.max.as_ref().or(span.min.as_ref());
        measure::is_memory(qty.ok_or_else(|| clarify("amount", "How much?"))?)
    }

    fn side<T>(
        &mut self,
        qty: &Option<Qty>,
        read: fn(&Qty) -> Answer<Noted<T>>,
    ) -> Answer<Option<T>> {
        let Some(qty) = qty else { return Ok(None) };
        let noted = read(qty)?;
        self.notes.extend(noted.note);
        Ok(Some(noted.value))
    }

    fn quota(&mut self, amounts: &[Qty]) -> Answer<()> {
        let mut new = QuotaAmounts::default();
        for qty in amounts {
            if qty.of.is_some_and(|noun| noun.side == Side::Limits) {
                return Err(clarify(
                    "scope",
                    "A quota is on what is requested, not on limits. How much may be requested?",
                ));
            }
            if qty.unit == Unit::Pods {
                set_same(&mut new.pods, Some(count(qty.number)?), "pods", "at most")?;
            } else if measure::is_memory(qty)? {
                let noted = measure::memory(qty)?;
                self.notes.extend(noted.note);
                set_same(&mut new.memory, Some(noted.value), "memory", "at most")?;
            } else {
                let noted = measure::cpu(qty)?;
                set_same(&mut new.cpu, Some(noted.value), "CPU", "at most")?;
            }
        }
        let before = self.expectations.iter_mut().find_map(|it| match it {
            Expectation::Directive(Directive::Quota(before)) => Some(before),
            _ => None,
        });
        match before {
            Some(before) => {
                set_same(&mut before.cpu, new.cpu, "CPU", "at most")?;
                set_same(&mut before.memory, new.memory, "memory", "at most")?;
                set_same(&mut before.pods, new.pods, "pods", "at most")
            }
            None => self.expect(Expectation::Directive(Directive::Quota(new))),
        }
    }

    fn objective(&mut self, metric: &Metric, upper: bool, value: &Qty) -> Answer<()> {
        let (value, note) = value_of(&metric.name, value)?;
        self.notes.extend(note);
        let quantile = match (&metric.name, &metric.quantile) {
            (IndicatorName::Latency, Some(quant)) => Some(quantile(quant)?),
            _ => None,
        };
        let bound = if upper {
            Bound::AtMost(value)
        } else {
            Bound::AtLeast(value)
        };
        let new = Objective {
            indicator: metric.name.clone(),
            quantile,
            bound,
            window: None,
        };
        let contradicted = self.expectations.iter().find_map(|it| match it {
            Expectation::Objective(before)
                if before.indicator == new.indicator
                    && before.quantile == new.quantile
                    && matches!(before.bound, Bound::AtMost(_)) == upper
                    && before.bound != new.bound =>
            {
                Some(before)
            }
            _ => None,
        });
        if let Some(before) = contradicted {
            return Err(two_objectives(before, &new));
        }
        self.expect(Expectation::Objective(new))
    }

    fn last_objective(&mut self) -> Option<&mut Objective> {
        self.expectations.iter_mut().rev().find_map(|it| match it {
            Expectation::Objective(objective) => Some(objective),
            Expectation::Directive(_) => None,
        })
    }

    fn window(&mut self, window: std::time::Duration) -> Answer<()> {
        match self.last_objective() {
            Some(objective) if objective.window.is_none_or(|before| before == window) => {
                objective.window = Some(window);
                Ok(())
            }
            _ => Err(clarify(
                "objective",
                "What is to be measured over that window?",
            )),
        }
    }

    fn at_quantile(&mut self, quant: &Quant) -> Answer<()> {
        let quantile = quantile(quant)?;
        match self.last_objective() {
            Some(objective)
                if objective.indicator == IndicatorName::Latency
                    && objective.quantile.is_none_or(|before| before == quantile) =>
            {
                objective.quantile = Some(quantile);
                Ok(())
            }
            _ => Err(clarify("objective", "Of what is that the percentile?")),
        }
    }

    /// Checks the whole, and fills in what words leave to a convention, with a note.
    pub(crate) fn finish(&mut self) -> Answer<()> {
        let mut without_quantile = false;
        for it in &mut self.expectations {
            if let Expectation::Objective(objective) = it
                && objective.indicator == IndicatorName::Latency
                && objective.quantile.is_none()
            {
                objective.quantile = Some(Quantile::P95);
                without_quantile = true;
            }
        }
        if without_quantile {
            self.notes
                .push("latency is read as p95, since no quantile was said".to_owned());
        }
        self.expectations.dedup();
        let acts = !self.expectations.is_empty()
            || !self.constraints.is_empty()
            || self.preference.is_some()
            || self.priority.is_some();
        if matches!(self.mode, Some(Mode::Suspended | Mode::Enforce)) && acts {
            return Err(clarify(
                "mode",
                format!(
                    "Is `{}` to be left alone, or to be changed?",
                    self.target.name
                ),
            ));
        }
        if !acts && self.mode.is_none() {
            return Err(clarify(
                "amount",
                format!("What is `{}` to do?", self.target.name),
            ));
        }
        self.bound_scaler()?;
        self.check_pods()?;
        self.check_bounds()
    }

    /// A day that was only named is when a change begins. Of what is to be kept it may as well be said for that day alone.
    pub(crate) fn finish_time(&mut self) -> Answer<()> {
        let named = self.when.as_ref().and_then(|when| when.whole);
        let what = match named {
            Some(Whole::FromDay(_)) => "day",
            Some(Whole::FromNext(Period::Week)) => "week",
            Some(Whole::FromNext(Period::Month)) => "month",
            Some(Whole::FromNext(_)) => "time",
            _ => return Ok(()),
        };
        let changes = !self.expectations.is_empty()
            && self
                .expectations
                .iter()
                .all(|it| matches!(it, Expectation::Directive(_)))
            && self.constraints.is_empty()
            && self.mode.is_none();
        if !changes {
            return Err(clarify(
                "time",
                format!("From the start of that {what} on, or for that {what} only?"),
            ));
        }
        self.notes.push(match named {
            Some(Whole::FromDay(Day::Today)) => {
                "it holds from now on; no end was said, so it has none".to_owned()
            }
            _ => {
                format!("it begins with the start of that {what}; no end was said, so it has none")
            }
        });
        Ok(())
    }

    /// Bounds on the number of pods beside an autoscaler are the autoscaler's own: what is said of one end is said once.
    fn bound_scaler(&mut self) -> Answer<()> {
        let range = self.constraints.replicas;
        let scaler = self.expectations.iter_mut().find_map(|it| match it {
            Expectation::Directive(Directive::Autoscale(auto)) => Some(auto),
            _ => None,
        });
        let Some(auto) = scaler else { return Ok(()) };
        agree(&range, "pods")?;
        set_same(&mut auto.min, range.min, "pods", "at least")?;
        set_same(&mut Some(auto.max), range.max, "pods", "at most")?;
        let ends = Range {
            min: auto.min,
            max: Some(auto.max),
        };
        agree(&ends, "pods")?;
        self.constraints.replicas = Range::default();
        Ok(())
    }

    fn check_bounds(&self) -> Answer<()> {
        agree(&self.constraints.cpu, "CPU")?;
        agree(&self.constraints.memory, "memory")?;
        sums::check(self.workload, &self.constraints, &self.expectations)?;
        let mut objectives = Vec::new();
        for it in &self.expectations {
            if let Expectation::Objective(objective) = it {
                objectives.push(objective);
            }
        }
        for (idx, a) in objectives.iter().enumerate() {
            for b in objectives.iter().skip(idx + 1) {
                if a.indicator == b.indicator && a.quantile == b.quantile {
                    let clash = match (&a.bound, &b.bound) {
                        (Bound::AtMost(max), Bound::AtLeast(min))
                        | (Bound::AtLeast(min), Bound::AtMost(max)) => min.number() > max.number(),
                        (a, b) => a != b,
                    };
                    if clash {
                        return Err(two_objectives(a, b));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_pods(&self) -> Answer<()> {
        let range = self.constraints.replicas;
        agree(&range, "pods")?;
        let mut ordered = None;
        let mut scales = false;
        for it in &self.expectations {
            match it {
                Expectation::Directive(Directive::Replicas(amount)) => ordered = Some(*amount),
                Expectation::Directive(Directive::Autoscale(_)) => scales = true,
                _ => {}
            }
        }
        if ordered.is_some() && scales {
            return Err(clarify(
                "amount",
                "A fixed number of pods and an autoscaler exclude each other. Which one is meant?",
            ));
        }
        let Some(amount) = ordered else { return Ok(()) };
        let live = self.workload.map(|workload| workload.replicas);
        let pods = match (amount, live) {
            (Amount::To(number), _) => Some(number),
            (_, Some(live)) => amount.resolve(live),
            _ => None,
        };
        match pods {
            Some(pods) if !range.contains(pods) => {
                let ordered = match (amount, live) {
                    (Amount::To(_), _) | (_, None) => pods.to_string(),
                    (_, Some(live)) => {
                        let name = &self.target.name;
                        format!("`{name}` would have {pods}, where there are {live} now")
                    }
                };
                Err(clash::either("pods", ordered, bounds_of(range)))
            }
            _ => Ok(()),
        }
    }
}

/// A number of pods.
pub(crate) fn count(number: Decimal) -> Answer<u32> {
    if let Some(other) = number.may_be_thousands() {
        return Err(measure::thousands_question(number, other, ""));
    }
    if number.is_negative() {
        return Err(clarify(
            "amount",
            "A number of pods can't be negative. How many?",
        ));
    }
    if number.to_u32().is_none() && number.to_f64().fract() != 0.0 {
        return Err(clarify(
            "amount",
            format!("{number} pods can't be. How many whole pods?"),
        ));
    }
    // Above, the cluster's own type overflows.
    number
        .to_u32()
        .filter(|number| i32::try_from(*number).is_ok())
        .ok_or_else(too_many)
}

/// The one number of pods that was said of an end of an autoscaler.
fn one_end(said: &[Decimal], side: &str) -> Answer<Option<u32>> {
    let mut end = None;
    for number in said {
        set_same(&mut end, Some(count(*number)?), "pods", side)?;
    }
    Ok(end)
}

fn too_many() -> Translation {
    clarify("amount", "So many pods can't be. How many?")
}

/// The question which of two objectives on one indicator holds.
fn two_objectives(one: &Objective, other: &Objective) -> Translation {
    let side = |objective: &Objective| match &objective.bound {
        Bound::AtMost(value) => format!("at most {value}"),
        Bound::AtLeast(value) => format!("at least {value}"),
    };
    clash::either(one.indicator.as_str(), side(one), side(other))
}

/// The sides of a range that are there.
fn bounds_of<T: Display>(range: Range<T>) -> String {
    match (range.min, range.max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any number".to_owned(),
    }
}

fn agree<T: Ord + Copy + Display>(range: &Range<T>, what: &str) -> Answer<()> {
    match (range.min, range.max) {
        (Some(min), Some(max)) if min > max => Err(clash::bounds(what, min, max)),
        _ => Ok(()),
    }
}

fn set<T: PartialEq>(slot: &mut Option<T>, value: T, what: &str) -> Answer<()> {
    match slot {
        Some(before) if *before != value => Err(clarify(
            what,
            format!("Two things were said about the {what}. Which one holds?"),
        )),
        _ => {
            *slot = Some(value);
            Ok(())
        }
    }
}

fn set_same<T: PartialEq + Display>(
    slot: &mut Option<T>,
    value: Option<T>,
    what: &str,
    side: &str,
) -> Answer<()> {
    match (&slot, value) {
        (_, None) => Ok(()),
        (Some(before), Some(value)) if *before != value => Err(clash::either(
            what,
            format!("{side} {before}"),
            format!("{side} {value}"),
        )),
        (_, Some(value)) => {
            *slot = Some(value);
            Ok(())
        }
    }
}

fn narrow<T: Ord + Copy + Display>(range: &mut Range<T>, new: Range<T>, what: &str) -> Answer<()> {
    set_same(&mut range.min, new.min, what, "at least")?;
    set_same(&mut range.max, new.max, what, "at most")?;
    agree(range, what)
}
