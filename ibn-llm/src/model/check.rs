//! Holds a model's answer against the sentence, and builds what remains with the grammar's own code.

use ibn_core::catalog::Catalog;
use ibn_core::intent::{IndicatorName, Mode, Preference};
use ibn_core::translation::{
    IntentReading, QueryKind, QueryReading, Reader, RefusalCode, Translation, Utterance,
};
use ibn_core::workload::{WorkloadKind, WorkloadRef};

use super::reply::{About, Change, Code, Field, Missing, Outcome, Reply, Statement};
use crate::grammar::decimal::Decimal;
use crate::grammar::draft::Draft;
use crate::grammar::finish;
use crate::grammar::reply::{clarify, refuse};
use crate::grammar::rules;
use crate::grammar::sem::{
    By, Change as Amount, ContainerPick, Dir, Item, Metric, Noun, Owner, Part, Qty, Quant, Scope,
    Side, Span, Unit,
};
use crate::grammar::survey::{self, Survey};

/// Why an answer is not taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fault {
    reason: String,
    answer: Option<String>,
}

impl Fault {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            answer: None,
        }
    }

    /// The same, with the answer that it is about.
    pub(super) fn of(mut self, answer: String) -> Self {
        self.answer = Some(answer);
        self
    }

    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) fn answer(&self) -> Option<&str> {
        self.answer.as_deref()
    }
}

type Checked<T> = Result<T, Fault>;

/// What the answer stands for, or its fault.
pub(super) fn check(
    reply: &Reply,
    survey: &Survey,
    utterance: &Utterance,
    catalog: &Catalog,
) -> Checked<Translation> {
    match reply.outcome {
        Outcome::Clarify => Ok(question(reply.missing)),
        Outcome::Refuse => Ok(refusal(reply.code)),
        Outcome::Query => query(reply, survey),
        Outcome::Intent => intents(reply, survey, utterance, catalog),
    }
}

/// The model's own words never reach a person as ours: each question is one of a closed list.
fn question(missing: Missing) -> Translation {
    match missing {
        Missing::Target => clarify("target", "Which workload is meant?"),
        Missing::Amount => clarify("amount", "How much, or how many?"),
        Missing::Unit => clarify("unit", "In which unit?"),
        Missing::Container => clarify("container", "Which container is meant?"),
        Missing::Maximum => clarify("maximum", "At most how many pods?"),
        Missing::Meaning | Missing::None => clarify("meaning", "Can you say that in other words?"),
    }
}

fn refusal(code: Code) -> Translation {
    let (code, message) = match code {
        Code::Unsafe => (
            RefusalCode::Unsafe,
            "that is aimed at the system, at secrets or at deletion",
        ),
        Code::UnknownTarget => (RefusalCode::UnknownTarget, "there is no such workload"),
        Code::NotUnderstood | Code::None => (
            RefusalCode::NotUnderstood,
            "the sentence was not understood",
        ),
        Code::OutOfScope => (RefusalCode::OutOfScope, "that can't be said in an intent"),
    };
    refuse(code, message)
}

fn query(reply: &Reply, survey: &Survey) -> Checked<Translation> {
    let about = match reply.about {
        About::Status => QueryKind::Status,
        About::Explain => QueryKind::Explain,
        // Its intents would have to be checked as ones to be done; that is the grammar's business.
        About::WhatIf | About::None => {
            return Ok(clarify("meaning", "What would you like to know?"));
        }
    };
    let target = match survey.named.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        _ => return Ok(clarify("target", "Which one would you like to know about?")),
    };
    Ok(Translation::Query(QueryReading {
        about,
        target,
        intents: Vec::new(),
    }))
}

fn intents(
    reply: &Reply,
    survey: &Survey,
    utterance: &Utterance,
    catalog: &Catalog,
) -> Checked<Translation> {
    if reply.statements.is_empty() {
        return Err(Fault::new("an intent needs a statement"));
    }
    if survey.time_is_unclear {
        return Ok(clarify("time", "From when until when exactly?"));
    }
    let bounded = |change| matches!(change, Change::AtMost | Change::AtLeast);
    if survey.is_negated && !reply.statements.iter().all(|it| bounded(it.change)) {
        return Ok(clarify(
            "meaning",
            "An intent says what is to be, not what isn't to be. What should hold?",
        ));
    }
    let mut used = Used::default();
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut scalers: Vec<(WorkloadRef, Scaler)> = Vec::new();
    for statement in &reply.statements {
        let target = target(statement, survey)?;
        if !drafts.iter().any(|draft| draft.target == target) {
            let workload = catalog.workloads.iter().find(|it| it.workload() == target);
            drafts.push(Draft::new(target.clone(), workload));
        }
        let item = match scaler(statement, survey, &mut used)? {
            Some(part) => {
                match scalers.iter_mut().find(|(it, _)| *it == target) {
                    Some((_, all)) => all.take(part),
                    None => scalers.push((target, Scaler::from(part))),
                }
                continue;
            }
            None => item(statement, &target, survey, &mut used)?,
        };
        if let Some(draft) = drafts.iter_mut().find(|draft| draft.target == target)
            && let Err(answer) = draft.add(&item, None)
        {
            return Ok(answer);
        }
    }
    for (target, scaler) in scalers {
        let item = Item::Autoscale {
            target: None,
            mins: scaler.mins,
            maxs: scaler.maxs,
            cpu: scaler.cpu,
            other: false,
        };
        if let Some(draft) = drafts.iter_mut().find(|draft| draft.target == target)
            && let Err(answer) = draft.add(&item, None)
        {
            return Ok(answer);
        }
    }
    used.covers(survey)?;
    for named in &survey.named {
        if !drafts.iter().any(|draft| draft.target == *named) {
            return Err(Fault::new(format!(
                "the sentence names `{named}`, and no statement is about it"
            )));
        }
    }
    if let Some(when) = &survey.when {
        for draft in &mut drafts {
            draft.when = Some(when.clone());
        }
    }
    match finish(drafts, &utterance.text, &survey.now) {
        Ok((intents, mut notes)) => {
            notes.push("only a model read this sentence: look at it closely".to_owned());
            Ok(Translation::Intent(IntentReading {
                intents,
                notes,
                reader: Reader::Model,
            }))
        }
        Err(answer) => Ok(answer),
    }
}

/// The target, which the sentence must name itself.
fn target(statement: &Statement, survey: &Survey) -> Checked<WorkloadRef> {
    let target: WorkloadRef = statement
        .target
        .parse()
        .map_err(|_| Fault::new(format!("`{}` is no target", short(&statement.target))))?;
    if !survey.allowed.contains(&target) {
        return Err(Fault::new(format!(
            "the sentence does not name `{}`",
            short(&statement.target)
        )));
    }
    let own = |name: &str| name == "ibn" || name.starts_with("ibn-");
    if own(&target.namespace) || own(&target.name) {
        return Err(Fault::new("the system itself is no target"));
    }
    let quota = matches!(
        statement.field,
        Field::QuotaCpu | Field::QuotaMemory | Field::QuotaPods
    );
    if quota != (target.kind == WorkloadKind::Namespace) {
        return Err(Fault::new(
            "a quota is for a namespace, and nothing else is",
        ));
    }
    Ok(target)
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// What of the sentence the statements speak of.
#[derive(Default)]
struct Used {
    numbers: Vec<Decimal>,
    factors: usize,
    quantiles: Vec<Decimal>,
}

impl Used {
    /// Nothing that was said may be left out.
    fn covers(&self, survey: &Survey) -> Checked<()> {
        if let Some(left) = survey.numbers.iter().find(|it| !self.numbers.contains(it)) {
            return Err(Fault::new(format!("no statement speaks of the {left}")));
        }
        if let Some(left) = survey
            .quantiles
            .iter()
            .find(|it| !self.quantiles.contains(it))
        {
            return Err(Fault::new(format!("no statement speaks of the p{left}")));
        }
        if self.factors < survey.factors.len() && self.numbers.is_empty() {
            return Err(Fault::new("the factor of the sentence is left out"));
        }
        Ok(())
    }
}

/// The amount of a statement, which the sentence must say itself.
fn quantity(statement: &Statement, survey: &Survey, used: &mut Used) -> Checked<Qty> {
    let qty = survey::amount(&statement.value)
        .ok_or_else(|| Fault::new(format!("`{}` is no amount", short(&statement.value))))?;
    if !survey.says(qty.number, qty.unit) {
        return Err(Fault::new(format!(
            "the sentence does not say `{}`",
            short(&statement.value)
        )));
    }
    used.numbers.push(qty.number);
    Ok(qty)
}

fn amount(statement: &Statement, survey: &Survey, used: &mut Used, pods: bool) -> Checked<Amount> {
    let dir = match statement.change {
        Change::To => {
            let mut qty = quantity(statement, survey, used)?;
            if pods && qty.unit == Unit::None {
                qty.unit = Unit::Pods;
            }
            return Ok(Amount::To(qty));
        }
        Change::MultiplyBy => {
            let said = survey::amount(&statement.value)
                .filter(|qty| matches!(qty.unit, Unit::None | Unit::Times))
                .ok_or_else(|| Fault::new(format!("`{}` is no factor", short(&statement.value))))?;
            let factor = said.number.to_f64();
            if !survey.says_factor(factor) {
                return Err(Fault::new(format!(
                    "the sentence does not say the factor {factor}"
                )));
            }
            used.factors += 1;
            used.numbers.push(said.number);
            if factor > 1.0 && survey.only_down || factor < 1.0 && survey.only_up {
                return Err(Fault::new("the sentence says the opposite"));
            }
            return Ok(Amount::Scale(factor));
        }
        Change::IncreaseBy => Dir::Up,
        Change::DecreaseBy => Dir::Down,
        Change::AtMost | Change::AtLeast => {
            return Err(Fault::new("this field takes no bound"));
        }
    };
    if dir == Dir::Up && !survey.only_up || dir == Dir::Down && !survey.only_down {
        return Err(Fault::new("the sentence does not say that direction"));
    }
    let qty = quantity(statement, survey, used)?;
    let noun = pods.then_some(Unit::Pods);
    Ok(rules::changed(dir, &By::Qty(qty), noun))
}

#[derive(Debug, Clone, Default)]
struct Scaler {
    mins: Vec<Decimal>,
    maxs: Vec<Decimal>,
    cpu: Option<Decimal>,
}

impl Scaler {
    fn from(part: Self) -> Self {
        part
    }

    fn take(&mut self, part: Self) {
        self.mins.extend(part.mins);
        self.maxs.extend(part.maxs);
        self.cpu = self.cpu.or(part.cpu);
    }
}

fn scaler(statement: &Statement, survey: &Survey, used: &mut Used) -> Checked<Option<Scaler>> {
    let mut part = Scaler::default();
    let is_ours = matches!(
        statement.field,
        Field::AutoscaleMin | Field::AutoscaleMax | Field::AutoscaleCpu
    );
    if !is_ours {
        return Ok(None);
    }
    let number = quantity(statement, survey, used)?.number;
    match statement.field {
        Field::AutoscaleMin => part.mins.push(number),
        Field::AutoscaleMax => part.maxs.push(number),
        _ => part.cpu = Some(number),
    }
    Ok(Some(part))
}

fn item(
    statement: &Statement,
    target: &WorkloadRef,
    survey: &Survey,
    used: &mut Used,
) -> Checked<Item> {
    let value = statement.value.as_str();
    let resource = |cpu, side| Noun {
        cpu,
        memory: !cpu,
        side,
    };
    let noun = match statement.field {
        Field::Cpu => Some(resource(true, Side::Unsaid)),
        Field::CpuRequests => Some(resource(true, Side::Requests)),
        Field::CpuLimits => Some(resource(true, Side::Limits)),
        Field::Memory => Some(resource(false, Side::Unsaid)),
        Field::MemoryRequests => Some(resource(false, Side::Requests)),
        Field::MemoryLimits => Some(resource(false, Side::Limits)),
        _ => None,
    };
    if let Some(noun) = noun {
        return Ok(Item::Resources {
            owner: Owner {
                target: None,
                container: container(statement, survey)?,
            },
            parts: vec![Part {
                noun,
                change: amount(statement, survey, used, false)?,
            }],
        });
    }
    if !statement.container.is_empty() {
        return Err(Fault::new("only CPU and memory are a container's"));
    }
    match statement.field {
        Field::Replicas => Ok(Item::Replicas {
            target: None,
            change: amount(statement, survey, used, true)?,
        }),
        Field::PodReplicas => bound(statement, survey, used, Unit::Pods, None),
        Field::PodCpu => bound(statement, survey, used, Unit::Cores, Some(Scope::Pod)),
        Field::TotalCpu => bound(statement, survey, used, Unit::Cores, Some(Scope::Together)),
        Field::PodMemory => bound(statement, survey, used, Unit::None, Some(Scope::Pod)),
        Field::TotalMemory => bound(statement, survey, used, Unit::None, Some(Scope::Together)),
        Field::QuotaCpu => quota(statement, survey, used, Unit::Cores),
        Field::QuotaMemory => quota(statement, survey, used, Unit::None),
        Field::QuotaPods => quota(statement, survey, used, Unit::Pods),
        Field::Latency => objective(statement, survey, used, IndicatorName::Latency),
        Field::ErrorRate => objective(statement, survey, used, IndicatorName::ErrorRate),
        Field::Availability => objective(statement, survey, used, IndicatorName::Availability),
        Field::CpuUtilization => objective(statement, survey, used, IndicatorName::CpuUtilization),
        Field::MemoryUtilization => {
            objective(statement, survey, used, IndicatorName::MemoryUtilization)
        }
        Field::Throughput => objective(statement, survey, used, IndicatorName::Throughput),
        Field::Cost => objective(statement, survey, used, IndicatorName::Cost),
        Field::Priority => {
            let qty = quantity(statement, survey, used)?;
            Ok(Item::Priority {
                target: None,
                priority: qty.number,
            })
        }
        Field::Preference => {
            let preference = match value {
                "cost" => Preference::Cost,
                "performance" => Preference::Performance,
                "balanced" => Preference::Balanced,
                _ => return Err(Fault::new("there is no such preference")),
            };
            Ok(Item::Preference {
                target: None,
                preference,
            })
        }
        Field::Mode => {
            let mode = match value {
                "Enforce" => Mode::Enforce,
                "Advise" => Mode::Advise,
                "Suspended" => Mode::Suspended,
                _ => return Err(Fault::new("there is no such mode")),
            };
            Ok(Item::Mode { target: None, mode })
        }
        _ => Err(Fault::new(format!("nothing of `{target}` is changed"))),
    }
}

fn container(statement: &Statement, survey: &Survey) -> Checked<Option<ContainerPick>> {
    match statement.container.as_str() {
        "" if survey.says_all && survey.containers.is_empty() => Ok(None),
        "" if survey.containers.is_empty() => Ok(None),
        name if survey.containers.iter().any(|it| it == name) => {
            Ok(Some(ContainerPick::Named(name.to_owned())))
        }
        // A workload may be called like a container.
        "" => Ok(None),
        other => Err(Fault::new(format!(
            "the sentence does not name the container `{}`",
            short(other)
        ))),
    }
}

/// With the unit that the field implies, and what the field is about.
fn with_unit(mut qty: Qty, unit: Unit, field: &Field) -> Qty {
    if qty.unit == Unit::None {
        qty.unit = unit;
    }
    let cpu = matches!(field, Field::PodCpu | Field::TotalCpu | Field::QuotaCpu);
    let memory = matches!(
        field,
        Field::PodMemory | Field::TotalMemory | Field::QuotaMemory
    );
    if cpu || memory {
        qty.of = Some(Noun {
            cpu,
            memory,
            side: Side::Unsaid,
        });
    }
    qty
}

fn bound(
    statement: &Statement,
    survey: &Survey,
    used: &mut Used,
    unit: Unit,
    scope: Option<Scope>,
) -> Checked<Item> {
    let qty = with_unit(quantity(statement, survey, used)?, unit, &statement.field);
    let (min, max) = match statement.change {
        Change::AtMost => (None, Some(qty)),
        Change::AtLeast => (Some(qty), None),
        _ => return Err(Fault::new("a bound is `atMost` or `atLeast`")),
    };
    Ok(Item::Bounds {
        target: None,
        is_verbless: false,
        scope,
        spans: vec![Span {
            min,
            max,
            strict_min: false,
            strict_max: false,
        }],
        limits: false,
    })
}

fn quota(statement: &Statement, survey: &Survey, used: &mut Used, unit: Unit) -> Checked<Item> {
    if !matches!(statement.change, Change::To | Change::AtMost) {
        return Err(Fault::new("a quota takes `to`"));
    }
    let qty = with_unit(quantity(statement, survey, used)?, unit, &statement.field);
    Ok(Item::Quota {
        target: None,
        amounts: vec![qty],
    })
}

fn objective(
    statement: &Statement,
    survey: &Survey,
    used: &mut Used,
    name: IndicatorName,
) -> Checked<Item> {
    let upper = match statement.change {
        Change::AtMost => true,
        Change::AtLeast => false,
        _ => return Err(Fault::new("an objective is `atMost` or `atLeast`")),
    };
    let better_below = !matches!(
        name,
        IndicatorName::Availability
            | IndicatorName::Throughput
            | IndicatorName::CpuUtilization
            | IndicatorName::MemoryUtilization
    );
    let better_above = matches!(
        name,
        IndicatorName::Availability | IndicatorName::Throughput
    );
    if upper && better_above || !upper && better_below {
        return Err(Fault::new(format!("that is the wrong side for {name}")));
    }
    let quantile = match statement.quantile.trim() {
        "" => None,
        _ if name != IndicatorName::Latency => {
            return Err(Fault::new("only latency has a percentile"));
        }
        text => {
            let percent = Decimal::parse(text.trim_start_matches('p'))
                .filter(|percent| survey.quantiles.contains(percent))
                .ok_or_else(|| Fault::new("the sentence does not say that percentile"))?;
            used.quantiles.push(percent);
            Some(Quant::Percent(percent))
        }
    };
    Ok(Item::Objective {
        target: None,
        metric: Metric { name, quantile },
        upper,
        value: quantity(statement, survey, used)?,
    })
}
