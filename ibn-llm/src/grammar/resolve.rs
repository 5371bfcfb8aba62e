//! From what a clause is about to what is in the catalog.

use ibn_core::catalog::{Catalog, CatalogWorkload};
use ibn_core::translation::{RefusalCode, Translation};
use ibn_core::workload::{WorkloadKind, WorkloadRef};

use super::input::normal;
use super::reply::{clarify, clarify_among, refuse};
use super::sem::{NameHit, Pick, Place, Target};

/// Reads targets against a catalog.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub(crate) catalog: &'a Catalog,
    /// The namespace that the person prefers.
    pub(crate) namespace: Option<&'a str>,
}

/// How many names a question shows at most.
const MAX_CANDIDATES: usize = 5;

impl Resolver<'_> {
    /// The workloads that are meant, in the order of the sentence; a question or a refusal where they aren't clear.
    pub(crate) fn workloads(&self, target: &Target) -> Result<Vec<WorkloadRef>, Translation> {
        let mut found: Vec<WorkloadRef> = Vec::new();
        for pick in &target.picks {
            let picked = self.pick(pick)?;
            self.check_neighbours(target, pick, &picked)?;
            for workload in picked {
                if !found.contains(&workload) {
                    found.push(workload);
                }
            }
        }
        if found.is_empty() {
            return Err(clarify("target", "Which workload is meant?"));
        }
        Ok(found)
    }

    /// Asks where a name of a list stands without a namespace, and that of its neighbour may be meant for it too.
    fn check_neighbours(
        &self,
        target: &Target,
        pick: &Pick,
        picked: &[WorkloadRef],
    ) -> Result<(), Translation> {
        let Pick::Named {
            hit,
            namespace: None,
            ..
        } = pick
        else {
            return Ok(());
        };
        // A name that is a namespace's too is no clearer for standing in a list.
        let elsewhere = target.loose_places().find(|place| {
            hit.namespace.is_some() || picked.iter().any(|it| it.namespace != **place)
        });
        let Some(place) = elsewhere else {
            return Ok(());
        };
        let all = self.all(hit);
        let here = all.iter().filter(|it| it.namespace == *place);
        let others = all.iter().filter(|it| it.namespace != *place);
        Err(clarify_among(
            "target",
            format!("Is `{}` in `{place}` too, or elsewhere?", hit.text),
            listed(&here.chain(others).copied().collect::<Vec<_>>()),
        ))
    }

    /// Every workload that has the name.
    fn all(&self, hit: &NameHit) -> Vec<&CatalogWorkload> {
        hit.workloads
            .iter()
            .filter_map(|number| self.catalog.workloads.get(*number))
            .collect()
    }

    /// The namespaces that are meant, for a quota.
    pub(crate) fn namespaces(&self, target: &Target) -> Result<Vec<WorkloadRef>, Translation> {
        let mut found = Vec::new();
        for pick in &target.picks {
            match pick {
                // A namespace is in no other.
                Pick::Named {
                    hit,
                    namespace: Some(place),
                    ..
                } if hit.namespace.as_deref() != Some(place.name()) => {
                    return Err(clarify(
                        "target",
                        format!("Is `{}` or `{}` meant?", hit.text, place.name()),
                    ));
                }
                Pick::Named { hit, .. } => match &hit.namespace {
                    Some(namespace) => found.push(WorkloadRef::namespace(namespace)),
                    None => return Err(self.unknown_namespace(&hit.text)),
                },
                Pick::Unknown { text, .. } => return Err(self.unknown_namespace(text)),
                Pick::Group { .. } | Pick::Pronoun => {
                    return Err(clarify("target", "Which namespace is meant?"));
                }
            }
        }
        found.dedup();
        Ok(found)
    }

    fn pick(&self, pick: &Pick) -> Result<Vec<WorkloadRef>, Translation> {
        match pick {
            Pick::Pronoun => Err(clarify("target", "Which workload is meant?")),
            Pick::Named {
                hit,
                kind,
                namespace,
            } => self
                .named(hit, *kind, namespace.as_ref())
                .map(|it| vec![it]),
            Pick::Unknown {
                text, namespace, ..
            } => {
                let place = self.place(namespace.as_ref())?;
                Err(self.unknown(text, place))
            }
            Pick::Group {
                kind,
                namespace,
                except,
            } => self.group(*kind, namespace.as_ref(), except),
        }
    }

    fn place<'p>(&self, place: Option<&'p Place>) -> Result<Option<&'p str>, Translation> {
        match place {
            None => Ok(None),
            Some(Place::Known(name) | Place::Loose(name)) => Ok(Some(name)),
            Some(Place::Unknown(name)) => Err(self.unknown_namespace(name)),
        }
    }

    fn named(
        &self,
        hit: &NameHit,
        kind: Option<WorkloadKind>,
        namespace: Option<&Place>,
    ) -> Result<WorkloadRef, Translation> {
        let namespace = self.place(namespace)?;
        let all = self.all(hit);
        let fits = |workload: &&CatalogWorkload| {
            kind.is_none_or(|kind| workload.kind == kind)
                && namespace.is_none_or(|namespace| workload.namespace == namespace)
        };
        let mut fitting: Vec<&CatalogWorkload> = all.iter().copied().filter(fits).collect();
        if fitting.len() > 1
            && namespace.is_none()
            && let Some(preferred) = self.namespace
        {
            let here: Vec<_> = fitting
                .iter()
                .copied()
                .filter(|workload| workload.namespace == preferred)
                .collect();
            if !here.is_empty() {
                fitting = here;
            }
        }
        match fitting.as_slice() {
            [one] => {
                self.check_plural(hit, one)?;
                Ok(one.workload())
            }
            [] if all.is_empty() => Err(self.only_namespace(hit)),
            [] => {
                let what = kind.map_or("workload", WorkloadKind::as_str);
                let place = namespace.map_or(String::new(), |it| format!(" in `{it}`"));
                Err(clarify_among(
                    "target",
                    format!(
                        "There is no {what} `{}`{place}. Which one is meant?",
                        hit.text
                    ),
                    listed(&self.with_neighbours(&all, namespace)),
                ))
            }
            several => Err(clarify_among(
                "target",
                format!(
                    "`{}` could be several workloads. Which one is meant?",
                    hit.text
                ),
                listed(several),
            )),
        }
    }

    /// `workers` may be all of `worker-a` and `worker-b`, and not just `worker`.
    fn check_plural(&self, hit: &NameHit, one: &CatalogWorkload) -> Result<(), Translation> {
        let Some(singular) = &hit.plural_of else {
            return Ok(());
        };
        let is_kin = |workload: &&CatalogWorkload| {
            workload.namespace == one.namespace
                && workload
                    .aliases
                    .iter()
                    .chain([&workload.name])
                    .any(|name| normal(name).split('-').any(|part| part == singular))
        };
        let kin: Vec<_> = self.catalog.workloads.iter().filter(is_kin).collect();
        if kin.len() < 2 {
            return Ok(());
        }
        Err(clarify_among(
            "target",
            format!(
                "`{}` could be several workloads. Which one is meant?",
                hit.text
            ),
            listed(&kin),
        ))
    }

    /// Namesakes, and behind them what else is in the namespace.
    fn with_neighbours<'c>(
        &'c self,
        namesakes: &[&'c CatalogWorkload],
        namespace: Option<&str>,
    ) -> Vec<&'c CatalogWorkload> {
        let neighbours = self.catalog.workloads.iter().filter(|workload| {
            namespace == Some(&workload.namespace)
                && !namesakes
                    .iter()
                    .any(|other| std::ptr::eq(*other, *workload))
        });
        namesakes.iter().copied().chain(neighbours).collect()
    }

    fn only_namespace(&self, hit: &NameHit) -> Translation {
        let inside: Vec<_> = self
            .catalog
            .workloads
            .iter()
            .filter(|workload| Some(&workload.namespace) == hit.namespace.as_ref())
            .collect();
        clarify_among(
            "target",
            format!(
                "`{}` is a namespace. Which workload in it is meant, or every one?",
                hit.text
            ),
            listed(&inside),
        )
    }

    fn group(
        &self,
        kind: Option<WorkloadKind>,
        namespace: Option<&Place>,
        except: &[Pick],
    ) -> Result<Vec<WorkloadRef>, Translation> {
        let namespace = self.place(namespace)?;
        let mut out = Vec::new();
        for pick in except {
            // An exception is in the group's namespace, where that was said.
            let pick = match (pick, namespace) {
                (
                    Pick::Named {
                        hit,
                        kind,
                        namespace: None,
                    },
                    Some(here),
                ) => Pick::Named {
                    hit: hit.clone(),
                    kind: *kind,
                    namespace: Some(Place::Known(here.to_owned())),
                },
                (other, _) => other.clone(),
            };
            out.extend(self.pick(&pick)?);
        }
        let stranger = out
            .iter()
            .find(|workload| namespace.is_some_and(|it| workload.namespace != it));
        if let (Some(stranger), Some(namespace)) = (stranger, namespace) {
            return Err(clarify(
                "target",
                format!("`{stranger}` is not in `{namespace}`. Which workloads are meant?"),
            ));
        }
        let found: Vec<WorkloadRef> = self
            .catalog
            .workloads
            .iter()
            .filter(|workload| {
                kind.is_none_or(|kind| workload.kind == kind)
                    && namespace.is_none_or(|namespace| workload.namespace == namespace)
            })
            .map(CatalogWorkload::workload)
            .filter(|workload| !out.contains(workload))
            .collect();
        if found.is_empty() {
            let what = kind.map_or("workload", WorkloadKind::as_str);
            let place = namespace.map_or(String::new(), |it| format!(" in `{it}`"));
            return Err(refuse(
                RefusalCode::UnknownTarget,
                format!("there is no {what}{place}"),
            ));
        }
        Ok(found)
    }

    /// A question with the names that are nearest to one that isn't in the catalog, or not in the namespace.
    pub(crate) fn unknown(&self, text: &str, namespace: Option<&str>) -> Translation {
        if self.catalog.workloads.is_empty() {
            return refuse(
                RefusalCode::UnknownTarget,
                format!("there is no workload, and so no `{text}`"),
            );
        }
        let place = namespace.map_or(String::new(), |it| format!(" in `{it}`"));
        let all = || self.catalog.workloads.iter();
        let mut here: Vec<&CatalogWorkload> = all()
            .filter(|workload| namespace.is_none_or(|it| workload.namespace == it))
            .collect();
        if here.is_empty() {
            here = all().collect();
        }
        let mut known: Vec<(usize, String)> = Vec::new();
        let mut likely: Vec<(usize, &str)> = Vec::new();
        for workload in here {
            let near = workload
                .aliases
                .iter()
                .chain([&workload.name])
                .map(|name| (distance(text, name), name.as_str()))
                .min()
                .unwrap_or((usize::MAX, &workload.name));
            let namesakes = self.catalog.workloads.iter().filter(|other| {
                other.namespace == workload.namespace && other.name == workload.name
            });
            let shown = if namesakes.count() > 1 {
                workload.workload().to_string()
            } else {
                format!("{}/{}", workload.namespace, workload.name)
            };
            known.push((near.0, shown));
            likely.push(near);
        }
        let which = match likeliest(text, likely).as_slice() {
            [] => "Which one is meant?".to_owned(),
            names => format!("Is `{}` meant?", names.join("` or `")),
        };
        clarify_among(
            "target",
            format!("There is no workload `{text}`{place}. {which}"),
            nearest(text, known),
        )
    }

    pub(crate) fn unknown_namespace(&self, text: &str) -> Translation {
        let mut names: Vec<&String> = self
            .catalog
            .namespaces
            .iter()
            .chain(self.catalog.workloads.iter().map(|it| &it.namespace))
            .collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return refuse(
                RefusalCode::UnknownTarget,
                format!("there is no namespace, and so no `{text}`"),
            );
        }
        let known: Vec<(usize, String)> = names
            .into_iter()
            .map(|name| (distance(text, name), name.clone()))
            .collect();
        let shown: Vec<&str> = known
            .iter()
            .map(|(_, name)| name.as_str())
            .take(MAX_CANDIDATES)
            .collect();
        let more = match known.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        clarify_among(
            "target",
            format!(
                "There is no namespace `{text}`; there are `{}`{more}. Which one is meant?",
                shown.join("`, `")
            ),
            nearest(text, known),
        )
    }
}

fn distance(text: &str, name: &str) -> usize {
    let (text, name) = (normal(text), normal(name));
    let plain = |text: &str| text.replace('-', "");
    strsim::osa_distance(&plain(&text), &plain(&name))
}

/// The names of which a text is most likely a misspelling.
fn likeliest<'n>(text: &str, mut names: Vec<(usize, &'n str)>) -> Vec<&'n str> {
    names.sort_unstable();
    names.dedup();
    let least = names.first().map_or(0, |(distance, _)| *distance);
    let limit = (text.chars().count() / 3).max(1);
    names
        .into_iter()
        .filter(|(distance, _)| *distance == least && *distance <= limit)
        .map(|(_, name)| name)
        .take(MAX_CANDIDATES)
        .collect()
}

/// The nearest names, those that are not near at all left out unless nothing is near.
fn nearest(text: &str, mut known: Vec<(usize, String)>) -> Vec<String> {
    known.sort();
    let limit = (text.chars().count() / 2).max(2);
    let near: Vec<String> = known
        .iter()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, name)| name.clone())
        .take(MAX_CANDIDATES)
        .collect();
    if near.is_empty() {
        return known
            .into_iter()
            .map(|(_, name)| name)
            .take(MAX_CANDIDATES)
            .collect();
    }
    near
}

fn listed(workloads: &[&CatalogWorkload]) -> Vec<String> {
    workloads
        .iter()
        .take(MAX_CANDIDATES)
        .map(|workload| workload.workload().to_string())
        .collect()
}
