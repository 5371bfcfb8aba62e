//! From the things that a sentence says to intents, queries and questions.

use ibn_core::catalog::Catalog;
use ibn_core::intent::{Intent, Validity};
use ibn_core::translation::{
    IntentReading, QueryKind, QueryReading, Reader, RefusalCode, Translation, Utterance,
};
use ibn_core::workload::{WorkloadKind, WorkloadRef};
use jiff::Zoned;

use super::clash;
use super::draft::Draft;
use super::measure;
use super::naming;
use super::reply::{clarify, clarify_among, refuse};
use super::resolve::Resolver;
use super::rest;
use super::sem::{Item, Part, Pick, Place, Scope, Side, Span, Target, Unit};
use super::sentence::{Join, Said};
use super::sound;
use super::when::Times;

type Answer<T> = Result<T, Translation>;

/// The question for several things that are no orders.
const ONE_THING: &str = "One thing at a time: a question, or something to be done?";

/// The answer to a person who asks what can be asked.
const HELP: &str = "What is to be done, or what would you like to know? For example: `scale web to 5 pods`, `give web 2 cores and 1Gi of memory`, `keep the p95 latency of web under 200 ms`, `web at most 8 pods until 6 pm`, `how is web doing?`, `why did web scale?`, `what if I doubled web's pods?`.";

/// Reads what was said against the catalog.
pub(crate) struct Context<'a> {
    pub(crate) utterance: &'a Utterance,
    pub(crate) catalog: &'a Catalog,
    pub(crate) now: Zoned,
}

/// What one thing is about: what it names itself, or what it goes with.
#[derive(Debug, Clone)]
struct Bound {
    said: Said,
    targets: Vec<WorkloadRef>,
}

impl Context<'_> {
    /// The translation of one reading of the sentence.
    pub(crate) fn translate(&self, said: &[Said]) -> Translation {
        match self.try_translate(said) {
            Ok(translation) | Err(translation) => translation,
        }
    }

    fn resolver(&self) -> Resolver<'_> {
        Resolver {
            catalog: self.catalog,
            namespace: self.utterance.namespace.as_deref(),
        }
    }

    /// The same for a sentence: where it speaks of another namespace, names without one aren't those of the preferred.
    fn resolver_of(&self, said: &[Said]) -> Resolver<'_> {
        let mut resolver = self.resolver();
        let elsewhere = said
            .iter()
            .filter_map(|it| target_of(&it.item))
            .flat_map(Target::loose_places)
            .any(|place| Some(place.as_str()) != resolver.namespace);
        if elsewhere {
            resolver.namespace = None;
        }
        resolver
    }

    fn try_translate(&self, said: &[Said]) -> Answer<Translation> {
        if matches!(said, [one] if one.item == Item::Help) {
            return Err(clarify("request", HELP));
        }
        if said.iter().any(|it| it.item == Item::Help) {
            return Err(clarify("request", ONE_THING));
        }
        let said = spread(&expand(said)?)?;
        let queries: Vec<&Said> = said
            .iter()
            .filter(|it| matches!(it.item, Item::Query { .. }))
            .collect();
        if let Some(first) = queries.first() {
            return self.query(first, said.len());
        }
        let what_if = said.iter().any(|it| it.item == Item::WhatIf);
        let said: Vec<Said> = said
            .into_iter()
            .filter(|it| it.item != Item::WhatIf)
            .collect();
        let (intents, notes) = self.intents(&said)?;
        if what_if {
            let target = match intents.as_slice() {
                [one] => Some(one.workload()),
                _ => None,
            };
            return Ok(Translation::Query(QueryReading {
                about: QueryKind::WhatIf,
                target,
                intents,
            }));
        }
        Ok(Translation::Intent(IntentReading {
            intents,
            notes,
            reader: Reader::Grammar,
        }))
    }

    fn query(&self, said: &Said, parts: usize) -> Answer<Translation> {
        if parts > 1 {
            return Err(clarify("request", ONE_THING));
        }
        let Item::Query { kind, target } = &said.item else {
            return Err(clarify("request", "What would you like to know?"));
        };
        let target = match target {
            None => None,
            Some(target) if target.must_be_namespace() => {
                self.resolver().namespaces(target)?.into_iter().next()
            }
            Some(target) => match self.resolver().workloads(target)?.as_slice() {
                [one] => Some(one.clone()),
                several => {
                    return Err(clarify_among(
                        "target",
                        "Which one would you like to know about?",
                        several.iter().take(5).map(ToString::to_string).collect(),
                    ));
                }
            },
        };
        Ok(Translation::Query(QueryReading {
            about: *kind,
            target,
            intents: Vec::new(),
        }))
    }

    fn intents(&self, said: &[Said]) -> Answer<(Vec<Intent>, Vec<String>)> {
        // Bounds that exclude each other are asked about first: no target makes them right.
        let bound = self.bind(said).map_err(|answer| match answer {
            Translation::Clarify(_) => clash::first(said).unwrap_or(answer),
            other => other,
        })?;
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        let container = said.iter().find_map(|it| match &it.item {
            Item::Of(pick) => Some(pick),
            _ => None,
        });
        for it in &bound {
            for target in &it.targets {
                let at = match drafts.iter().position(|draft| draft.target == *target) {
                    Some(at) => at,
                    None => {
                        let workload = self
                            .catalog
                            .workloads
                            .iter()
                            .find(|workload| workload.workload() == *target);
                        drafts.push(Draft::new(target.clone(), workload));
                        drafts.len() - 1
                    }
                };
                if let Some(draft) = drafts.get_mut(at) {
                    draft.add(&it.said.item, container)?;
                }
            }
        }
        if container.is_some()
            && !bound
                .iter()
                .any(|it| matches!(it.said.item, Item::Resources { .. }))
        {
            return Err(clarify("amount", "What is that container to get?"));
        }
        finish(drafts, &self.utterance.text, &self.now)
    }

    /// Finds out what each thing is about.
    fn bind(&self, said: &[Said]) -> Answer<Vec<Bound>> {
        let said = place_namespaces(said)?;
        let mut all: Vec<Vec<WorkloadRef>> = Vec::new();
        let mut own: Vec<Option<Vec<WorkloadRef>>> = Vec::new();
        let resolver = self.resolver_of(&said);
        for it in &said {
            let resolved = match target_of(&it.item) {
                Some(target) if !target.is_pronoun() => Some(targets(resolver, &it.item, target)?),
                _ => None,
            };
            if let Some(targets) = &resolved
                && !all.contains(targets)
            {
                all.push(targets.clone());
            }
            own.push(resolved);
        }
        let Some(first) = all.first() else {
            return Err(no_target(&said));
        };
        if all.len() == 1 {
            return Ok(said
                .iter()
                .filter(|it| !is_pointer(&it.item))
                .map(|it| Bound {
                    said: it.clone(),
                    targets: first.clone(),
                })
                .collect());
        }
        self.bind_several(&said, &own)
    }

    /// Several targets: each thing is about what it names; one that names nothing is about what is next to it.
    fn bind_several(&self, said: &[Said], own: &[Option<Vec<WorkloadRef>>]) -> Answer<Vec<Bound>> {
        let is_topic = |at: usize| {
            said.get(at)
                .is_some_and(|it| matches!(it.item, Item::Topic(_)))
        };
        let leading = is_topic(0);
        let get = |at: usize| own.get(at).cloned().flatten();
        let mut everyone: Vec<WorkloadRef> = Vec::new();
        for targets in own.iter().flatten() {
            for target in targets {
                if !everyone.contains(target) {
                    everyone.push(target.clone());
                }
            }
        }
        let mut bound = Vec::new();
        let mut current: Option<Vec<WorkloadRef>> = None;
        let clauses: Vec<usize> = (0..said.len())
            .filter(|at| said.get(*at).is_some_and(|it| !it.modifier))
            .collect();
        for (at, it) in said.iter().enumerate() {
            if is_pointer(&it.item) {
                if let Some(targets) = get(at) {
                    current = Some(targets);
                }
                continue;
            }
            if let Some(targets) = get(at) {
                current = Some(targets.clone());
                bound.push(Bound {
                    said: it.clone(),
                    targets,
                });
                continue;
            }
            // `at least 3 pods for web and at least 2 for api`
            let topic_behind = (at + 1..said.len())
                .take_while(|next| said.get(*next).is_some_and(|it| it.modifier))
                .find(|next| is_topic(*next))
                .filter(|_| !leading)
                .and_then(get);
            let before_all = clauses.first().is_some_and(|first| at < *first);
            let behind_all = clauses.last().is_some_and(|last| at > *last);
            let targets = if let Some(targets) = topic_behind {
                Some(targets)
            } else if leading {
                current.clone()
            } else if it.modifier && (before_all || behind_all && spans_all(said, at, &clauses)) {
                Some(everyone.clone())
            } else {
                None
            };
            let Some(targets) = targets else {
                return Err(clarify_among(
                    "target",
                    "For which of them is that?",
                    everyone.iter().take(5).map(ToString::to_string).collect(),
                ));
            };
            bound.push(Bound {
                said: it.clone(),
                targets,
            });
        }
        let is_left = |target: &&WorkloadRef| !bound.iter().any(|it| it.targets.contains(target));
        if let Some(left) = everyone.iter().find(is_left) {
            return Err(clarify_among(
                "target",
                format!("`{left}` is named as well: for which of them is that?"),
                everyone.iter().take(5).map(ToString::to_string).collect(),
            ));
        }
        Ok(bound)
    }
}

/// What an item is about, as far as such an item can be about it.
fn targets(resolver: Resolver<'_>, item: &Item, target: &Target) -> Answer<Vec<WorkloadRef>> {
    let asks = matches!(item, Item::Ask { .. } | Item::Unsayable { .. });
    if matches!(item, Item::Quota { .. }) || asks && target.must_be_namespace() {
        return resolver.namespaces(target);
    }
    if target.together {
        return Err(refuse(
            RefusalCode::OutOfScope,
            "a bound over several workloads together can't be said in an intent; say it of each, or of their namespace",
        ));
    }
    if target.must_be_namespace()
        && let Some(Pick::Named {
            kind: Some(WorkloadKind::Namespace),
            hit,
            ..
        }) = target.picks.first()
    {
        return Err(clarify(
            "target",
            format!(
                "A namespace can only be given a quota. Do you mean every workload in `{}`?",
                hit.text
            ),
        ));
    }
    let found = resolver.workloads(target)?;
    let summed = matches!(
        item,
        Item::Bounds {
            scope: Some(Scope::Together),
            ..
        }
    );
    if summed && found.len() > 1 {
        return Err(clarify(
            "scope",
            "A bound on all pods together is one workload's. Is it for each of them?",
        ));
    }
    if let Some(own) = found.iter().find(|workload| is_system(workload)) {
        return Err(refuse(
            RefusalCode::Unsafe,
            format!(
                "`{}` is part of the system that manages the others",
                own.name
            ),
        ));
    }
    Ok(found)
}

/// The intents that drafts stand for, with the notes of all.
pub(crate) fn finish(
    drafts: Vec<Draft<'_>>,
    text: &str,
    now: &Zoned,
) -> Answer<(Vec<Intent>, Vec<String>)> {
    let times = Times { now: now.clone() };
    let mut intents: Vec<Intent> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    for mut draft in drafts {
        draft.finish()?;
        draft.finish_time()?;
        for note in &draft.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        let mut intent = Intent::new("", &draft.target);
        intent.spec.text = Some(text.to_owned());
        intent.spec.expectations = draft.expectations;
        intent.spec.constraints = draft.constraints;
        intent.spec.preference = draft.preference;
        intent.spec.priority = draft.priority;
        intent.spec.mode = draft.mode;
        intent.spec.on_end = draft.on_end;
        if let Some(when) = &draft.when {
            let validity = times.validity(when)?;
            // `from now on` bounds nothing.
            intent.spec.validity = (validity != Validity::default()).then_some(validity);
        }
        intent.metadata.name = naming::name(&intent);
        if intents.iter().any(|other| other.key() == intent.key()) {
            let kind = intent.spec.target.kind.as_str().to_lowercase();
            intent.metadata.name = naming::label(&format!("{kind}-{}", intent.metadata.name));
        }
        sound::check(&intent)?;
        intents.push(intent);
    }
    if intents.is_empty() {
        return Err(clarify(
            "target",
            "Which workload is meant, and what is it to do?",
        ));
    }
    Ok((intents, notes))
}

/// Whether a modifier at the end is one of all clauses: set apart, or behind clauses that share their verb.
fn spans_all(said: &[Said], at: usize, clauses: &[usize]) -> bool {
    let apart = said.get(at).is_some_and(|it| it.joined == Join::Apart);
    let shared = clauses
        .last()
        .and_then(|last| said.get(*last))
        .is_some_and(|last| last.joined != Join::Start && last.shared);
    apart || shared
}

/// What is named by an item, where it names something.
pub(crate) fn target_of(item: &Item) -> Option<&Target> {
    match item {
        Item::Topic(target) | Item::Ellipsis { target, .. } => Some(target),
        Item::Resources { owner, .. } => owner.target.as_ref(),
        Item::Replicas { target, .. }
        | Item::FromTo { target, .. }
        | Item::Autoscale { target, .. }
        | Item::Bounds { target, .. }
        | Item::Quota { target, .. }
        | Item::Objective { target, .. }
        | Item::Preference { target, .. }
        | Item::Priority { target, .. }
        | Item::Mode { target, .. }
        | Item::Sides { target, .. }
        | Item::Ask { target, .. }
        | Item::Unsayable { target, .. }
        | Item::Query { target, .. } => target.as_ref(),
        Item::In(_)
        | Item::Of(_)
        | Item::Window(_)
        | Item::Over(_)
        | Item::Also { .. }
        | Item::AtQuantile(_)
        | Item::When(_)
        | Item::OnEnd(_)
        | Item::Several(_)
        | Item::Help
        | Item::WhatIf => None,
    }
}

fn target_mut(item: &mut Item) -> Option<&mut Target> {
    match item {
        Item::Topic(target) | Item::Ellipsis { target, .. } => Some(target),
        Item::Resources { owner, .. } => owner.target.as_mut(),
        Item::Replicas { target, .. }
        | Item::FromTo { target, .. }
        | Item::Autoscale { target, .. }
        | Item::Bounds { target, .. }
        | Item::Quota { target, .. }
        | Item::Objective { target, .. }
        | Item::Preference { target, .. }
        | Item::Priority { target, .. }
        | Item::Mode { target, .. }
        | Item::Sides { target, .. }
        | Item::Ask { target, .. }
        | Item::Unsayable { target, .. }
        | Item::Query { target, .. } => target.as_mut(),
        _ => None,
    }
}

/// Items that only say what others are about.
fn is_pointer(item: &Item) -> bool {
    matches!(item, Item::Topic(_) | Item::In(_) | Item::Of(_))
}

/// Ibn's own parts: what is aimed at them is aimed at the system itself.
fn is_system(workload: &WorkloadRef) -> bool {
    let own = |name: &str| {
        let name = name.to_lowercase();
        name == "ibn" || name.starts_with("ibn-")
    };
    own(&workload.namespace) || own(&workload.name)
}

fn no_target(said: &[Said]) -> Translation {
    // What is wrong in itself is asked first.
    for it in said {
        if let Item::Unsayable { code, message, .. } = &it.item {
            return refuse(*code, message.clone());
        }
    }
    clarify("target", "Which workload is meant?")
}

/// Turns what goes on with the verb before into what it stands for.
fn expand(said: &[Said]) -> Answer<Vec<Said>> {
    let mut out: Vec<Said> = Vec::new();
    for it in said {
        if let Item::Several(items) = &it.item {
            out.extend(items.iter().map(|item| Said {
                item: item.clone(),
                ..it.clone()
            }));
            continue;
        }
        if let Item::Bounds { spans, .. } = &it.item
            && spans.iter().any(is_bare)
        {
            out.push(counted(it, &out)?);
            continue;
        }
        if let Some(item) = same_resource(&it.item, &out) {
            out.push(Said { item, ..it.clone() });
            continue;
        }
        if matches!(it.item, Item::Over(_) | Item::Also { .. }) {
            out.push(second_side(it, &out));
            continue;
        }
        if let Item::Bounds {
            is_verbless: true, ..
        } = &it.item
            && it.joined == Join::And
            && follows_scaler(&out)
        {
            return Err(clarify(
                "reading",
                "Is that for the autoscaler, or a bound beside it?",
            ));
        }
        let Item::Ellipsis { target, rest } = &it.item else {
            out.push(it.clone());
            continue;
        };
        out.push(Said {
            item: rest::item(target, rest, &out)?,
            shared: true,
            ..it.clone()
        });
    }
    Ok(out)
}

/// `the CPU request to 2 and the limit to 1500m`: where only the side is named, and the unit leaves it open, it is of the
/// resource that was named before.
fn same_resource(item: &Item, before: &[Said]) -> Option<Item> {
    let Item::Resources { owner, parts } = item else {
        return None;
    };
    let is_open = |part: &Part| {
        let suffix = part
            .change
            .qty()
            .is_some_and(|qty| qty.of.is_none() && measure::is_bare_suffix(qty.unit));
        suffix && part.noun.side != Side::Unsaid && !part.noun.cpu && !part.noun.memory
    };
    parts.iter().any(is_open).then_some(())?;
    let named = before.iter().rev().find_map(|it| match &it.item {
        Item::Resources { parts, .. } => Some(parts.as_slice()),
        _ => None,
    });
    let [Part { noun: named, .. }] = named? else {
        return None;
    };
    (named.cpu != named.memory).then_some(())?;
    let mut parts = parts.clone();
    for part in parts.iter_mut().filter(|part| is_open(part)) {
        (part.noun.cpu, part.noun.memory) = (named.cpu, named.memory);
    }
    let owner = owner.clone();
    Some(Item::Resources { owner, parts })
}

/// A second bound on what an objective before it is about: `and over 300 ms`; or the window of it: `over 5 minutes`.
fn second_side(it: &Said, before: &[Said]) -> Said {
    let objective = before.iter().rev().find_map(|it| match &it.item {
        Item::Objective {
            metric,
            upper,
            value,
            ..
        } => Some((metric, *upper, value)),
        _ => None,
    });
    let item = match (&it.item, objective) {
        (Item::Over(qty), Some((metric, first, bound)))
            if !clash::is_window(qty, bound, it.joined) =>
        {
            clash::two_sides(None, metric, (first, bound), (false, qty))
        }
        (Item::Over(qty), _) => match measure::length(qty) {
            Some(window) => Item::Window(window),
            None => it.item.clone(),
        },
        (Item::Also { upper, value }, Some((metric, first, bound))) => {
            clash::two_sides(None, metric, (first, bound), (*upper, value))
        }
        (other, _) => other.clone(),
    };
    Said { item, ..it.clone() }
}

/// Whether a bound has numbers without any unit.
fn is_bare(span: &Span) -> bool {
    [&span.min, &span.max]
        .into_iter()
        .flatten()
        .any(|qty| qty.unit == Unit::None && qty.of.is_none())
}

/// A bare bound is on the number of pods where what stands before is about it.
fn counted(it: &Said, before: &[Said]) -> Answer<Said> {
    let last = before.iter().rev().find(|it| !it.modifier);
    let pods = last.is_some_and(|last| match &last.item {
        Item::Bounds { spans, .. } => spans.iter().all(rest::is_on_pods),
        Item::Replicas { .. } | Item::Autoscale { .. } => true,
        _ => false,
    });
    if !pods {
        return Err(clarify("unit", "Of what is that the bound?"));
    }
    let mut counted = it.clone();
    if let Item::Bounds { spans, .. } = &mut counted.item {
        for span in spans {
            for qty in [&mut span.min, &mut span.max].into_iter().flatten() {
                qty.unit = Unit::Pods;
            }
        }
    }
    Ok(counted)
}

/// Whether the last clause is about an autoscaler, whose bounds go on without a verb.
fn follows_scaler(before: &[Said]) -> bool {
    before
        .iter()
        .rev()
        .find(|it| !it.modifier)
        .is_some_and(|it| matches!(it.item, Item::Autoscale { .. }))
}

/// Checks what can't be said of anything, whatever it is about.
fn spread(said: &[Said]) -> Answer<Vec<Said>> {
    for it in said {
        if let Item::Resources { parts, .. } = &it.item {
            for part in parts {
                let bare = part
                    .change
                    .absolute()
                    .is_some_and(|qty| qty.unit == Unit::None && qty.of.is_none());
                if bare && !part.noun.cpu && !part.noun.memory && part.noun.side != Side::Unsaid {
                    return Err(clarify("unit", "Of CPU or of memory, and in which unit?"));
                }
            }
        }
    }
    Ok(said.to_vec())
}

/// Gives `in shop` at the end of a clause to what was named before it.
fn place_namespaces(said: &[Said]) -> Answer<Vec<Said>> {
    let mut out: Vec<Said> = said.to_vec();
    for at in 0..out.len() {
        let Some(Item::In(place)) = out.get(at).map(|it| it.item.clone()) else {
            continue;
        };
        let named = |it: &Said| target_of(&it.item).is_some_and(|target| !target.is_pronoun());
        let before = (0..at).rev().find(|idx| out.get(*idx).is_some_and(named));
        let behind = (at + 1..out.len()).find(|idx| out.get(*idx).is_some_and(named));
        let Some(target) = before
            .or(behind)
            .and_then(|idx| out.get_mut(idx))
            .and_then(|it| target_mut(&mut it.item))
        else {
            return Err(match place {
                Place::Known(name) | Place::Loose(name) => clarify(
                    "target",
                    format!("Which workload in `{name}` is meant, or every one?"),
                ),
                Place::Unknown(name) => clarify("target", format!("What is `{name}`?")),
            });
        };
        for pick in &mut target.picks {
            match pick {
                Pick::Named { namespace, .. }
                | Pick::Unknown { namespace, .. }
                | Pick::Group { namespace, .. } => match namespace {
                    None => *namespace = Some(place.clone()),
                    Some(before) if before.name() == place.name() => {}
                    Some(_) => {
                        return Err(clarify("target", "In which of the two namespaces?"));
                    }
                },
                Pick::Pronoun => {}
            }
        }
    }
    Ok(out)
}
