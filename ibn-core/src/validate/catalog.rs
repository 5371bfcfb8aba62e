//! An intent against the list of what exists.

use std::collections::BTreeSet;

use super::Findings;
use super::objective::{built_in_names, can_be_custom};
use crate::catalog::{Catalog, CatalogWorkload};
use crate::diagnostic::{Code, Diagnostic};
use crate::intent::{Directive, IndicatorName, Intent};
use crate::read::{alternatives, quote, resembling};
use crate::workload::{WorkloadKind, WorkloadRef};

/// How many names a help gives.
const SHOWN: usize = 5;

/// Every name in the intent that is not in the catalog: target, containers, indicators.
///
/// Says nothing of what [`super::validate_intent`] finds without a catalog.
/// Names must be the same letter for letter; near ones and aliases stand in the help, and nothing is repaired. Lines and
/// columns are absent, as with [`super::validate_intent`].
#[must_use]
pub fn validate_against(intent: &Intent, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    let workload = intent.workload();
    if workload.kind == WorkloadKind::Namespace {
        namespace(&workload.name, catalog, &mut findings);
    } else {
        let known = catalog.workloads.iter().find(|known| {
            known.name == workload.name
                && known.kind == workload.kind
                && known.namespace == workload.namespace
        });
        match known {
            Some(known) => containers(intent, known, &mut findings),
            None => unknown_workload(&workload, catalog, &mut findings),
        }
    }
    indicators(intent, catalog, &mut findings);
    findings.diagnostics
}

fn namespace(name: &str, catalog: &Catalog, findings: &mut Findings) {
    let known: BTreeSet<&str> = catalog
        .namespaces
        .iter()
        .map(String::as_str)
        .chain(
            catalog
                .workloads
                .iter()
                .map(|workload| workload.namespace.as_str()),
        )
        .collect();
    if !known.contains(name) {
        let known: Vec<&str> = known.into_iter().collect();
        findings.error(
            Code::UnknownTarget,
            "spec.target.name",
            format!("there is no namespace {}", quote(name)),
            names_help(name, &known, "namespace"),
        );
    }
}

fn unknown_workload(workload: &WorkloadRef, catalog: &Catalog, findings: &mut Findings) {
    let (here, there): (Vec<&CatalogWorkload>, Vec<&CatalogWorkload>) = catalog
        .workloads
        .iter()
        .partition(|known| known.namespace == workload.namespace);
    let whole = |of: &[&CatalogWorkload], is_meant: &dyn Fn(&CatalogWorkload) -> bool| {
        let meant = of.iter().filter(|known| is_meant(known));
        let names = meant.map(|known| known.workload().to_string());
        names.take(SHOWN).collect::<Vec<String>>()
    };
    let is_namesake = |known: &CatalogWorkload| known.name == workload.name;
    let is_aliased = |known: &CatalogWorkload| {
        let mut aliases = known.aliases.iter();
        aliases.any(|alias| alias.eq_ignore_ascii_case(&workload.name))
    };
    let names: Vec<&str> = here.iter().map(|known| known.name.as_str()).collect();
    // What is meant is looked for in the namespace that was said; of others, only the very name says anything.
    let mut ways = Vec::new();
    let namesakes = whole(&here, &is_namesake);
    let aliased = whole(&here, &is_aliased);
    if !namesakes.is_empty() {
        ways.push(format!(
            "of this name there is {}",
            alternatives(&namesakes)
        ));
    } else if !aliased.is_empty() {
        ways.push(format!(
            "the name is an alias of {}; write that",
            alternatives(&aliased)
        ));
    } else {
        let near = resembling(&workload.name, &names, SHOWN);
        if !near.is_empty() {
            ways.push(format!("the nearest: {}", alternatives(&near)));
        }
        let namesakes = whole(&there, &is_namesake);
        if !namesakes.is_empty() {
            ways.push(format!(
                "of this name there is {}",
                alternatives(&namesakes)
            ));
        }
    }
    let help = match (ways.as_slice(), names.as_slice()) {
        ([], []) => format!(
            "there is no workload in namespace {}",
            quote(&workload.namespace)
        ),
        ([], names) => format!("what exists: {}", alternatives(names)),
        (ways, _) => ways.join("; "),
    };
    findings.error(
        Code::UnknownTarget,
        "spec.target.name",
        format!(
            "there is no {} {} in namespace {}",
            workload.kind,
            quote(&workload.name),
            quote(&workload.namespace)
        ),
        help,
    );
}

fn containers(intent: &Intent, workload: &CatalogWorkload, findings: &mut Findings) {
    let known: Vec<&str> = workload
        .containers
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    // A catalog that lists no containers says nothing of them.
    if known.is_empty() {
        return;
    }
    for (index, directive) in intent.spec.directives() {
        if let Directive::Resources(resources) = directive
            && let Some(container) = resources.container.as_deref()
            && !known.contains(&container)
        {
            findings.error(
                Code::UnknownContainer,
                format!("spec.expectations[{index}].directive.resources.container"),
                format!(
                    "{} has no container {}",
                    quote(&workload.name),
                    quote(container)
                ),
                names_help(container, &known, "container"),
            );
        }
    }
}

fn indicators(intent: &Intent, catalog: &Catalog, findings: &mut Findings) {
    for (index, objective) in intent.spec.objectives() {
        // A name that no `Indicator` can have is a fault of the intent by itself.
        if let IndicatorName::Custom(name) = &objective.indicator
            && can_be_custom(name)
            && !catalog.indicators.contains(name)
        {
            let near = resembling(name, &catalog.indicators, SHOWN);
            let known = if near.is_empty() {
                catalog
                    .indicators
                    .iter()
                    .take(SHOWN)
                    .map(String::as_str)
                    .collect()
            } else {
                near
            };
            let own = if known.is_empty() {
                "no `Indicator` exists".to_owned()
            } else {
                format!("of `Indicator` objects {}", alternatives(&known))
            };
            findings.error(
                Code::UnknownIndicator,
                format!("spec.expectations[{index}].objective.indicator"),
                format!("there is no indicator {}", quote(name)),
                format!("built in are {}; {own}", built_in_names()),
            );
        }
    }
}

/// The names that resemble, else the first of those that exist.
fn names_help(name: &str, known: &[&str], what: &str) -> String {
    let near = resembling(name, known, SHOWN);
    if !near.is_empty() {
        return format!("the nearest: {}", alternatives(&near));
    }
    match known {
        [] => format!("the catalog holds no {what}"),
        _ => format!("what exists: {}", alternatives(known)),
    }
}
