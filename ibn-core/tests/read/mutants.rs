//! Every mutant of the valid files is found out: each fault, with its place, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use ibn_core::diagnostic::Code;
use ibn_core::read::read_documents;
use ibn_testkit::mutants::{Mutant, Mutator};

use crate::{files, read_as, schemas};

/// A value that breaks a rule between fields: `(file, field, value, code, where it is reported)`.
const RULES: &[(&str, &str, &str, Code, &str)] = &[
    (
        "intent-objectives.yaml",
        "spec.expectations[2].objective.atMost",
        "101%",
        Code::OutOfRange,
        "spec.expectations[2].objective.atMost",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[1].objective.atLeast",
        "100.1%",
        Code::OutOfRange,
        "spec.expectations[1].objective.atLeast",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[4].objective.atMost",
        "1001%",
        Code::OutOfRange,
        "spec.expectations[4].objective.atMost",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[0].objective.atMost",
        "0ms",
        Code::OutOfRange,
        "spec.expectations[0].objective.atMost",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[0].objective.atMost",
        "200",
        Code::InvalidIndicatorValue,
        "spec.expectations[0].objective.atMost",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[1].objective.atLeast",
        "0.999",
        Code::InvalidIndicatorValue,
        "spec.expectations[1].objective.atLeast",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[3].objective.atLeast",
        "200ms",
        Code::InvalidIndicatorValue,
        "spec.expectations[3].objective.atLeast",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[0].objective.indicator",
        "latancy",
        Code::UnknownIndicator,
        "spec.expectations[0].objective.indicator",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[2].objective.indicator",
        "error-rate",
        Code::UnknownIndicator,
        "spec.expectations[2].objective.indicator",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[6].objective.indicator",
        "Queue_Depth",
        Code::UnknownIndicator,
        "spec.expectations[6].objective.indicator",
    ),
    (
        "intent-objectives.yaml",
        "spec.constraints.budget.cpu",
        "199m",
        Code::MinAboveMax,
        "spec.constraints.budget.cpu",
    ),
    (
        "intent-objectives.yaml",
        "spec.constraints.budget.memory",
        "127Mi",
        Code::MinAboveMax,
        "spec.constraints.budget.memory",
    ),
    (
        "intent-objectives.yaml",
        "spec.expectations[4].objective",
        "{indicator: cost, quantile: 0.5, atMost: 1}",
        Code::QuantileNotApplicable,
        "spec.expectations[4].objective.quantile",
    ),
    (
        "intent-autoscale.yaml",
        "spec.target.kind",
        "Namespace",
        Code::NamespaceTakesQuotaOnly,
        "spec.expectations[0].directive.autoscale",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[1].directive.resources.requests.memory.to",
        "513Mi",
        Code::RequestAboveLimit,
        "spec.expectations[1].directive.resources.requests.memory.to",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[2].directive.resources.limits.cpu.to",
        "249m",
        Code::RequestAboveLimit,
        "spec.expectations[2].directive.resources.requests.cpu.to",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[2].directive",
        "{resources: {container: app, requests: {cpu: {to: 1}}}}",
        Code::DuplicateDirective,
        "spec.expectations[2].directive.resources.requests.cpu",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[2].directive",
        "{replicas: {add: 1}}",
        Code::DuplicateDirective,
        "spec.expectations[2].directive.replicas",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[2].directive",
        "{autoscale: {max: 5}}",
        Code::DuplicateDirective,
        "spec.expectations[2].directive.autoscale",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[0].directive",
        "{quota: {pods: 5}}",
        Code::DirectiveNotApplicable,
        "spec.expectations[0].directive.quota",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[1].directive",
        "{resources: {container: app}}",
        Code::EmptyDirective,
        "spec.expectations[1].directive.resources",
    ),
    (
        "intent-directives.yaml",
        "spec.expectations[1].directive.resources.requests.cpu",
        "{scale: 1.5, to: 3}",
        Code::NotExactlyOne,
        "spec.expectations[1].directive.resources.requests.cpu.to",
    ),
    (
        "intent-autoscale.yaml",
        "spec.expectations[0].directive.autoscale.min",
        "0",
        Code::OutOfRange,
        "spec.expectations[0].directive.autoscale.min",
    ),
    (
        "intent-autoscale.yaml",
        "spec.expectations[0].directive.autoscale.cpuUtilization",
        "0",
        Code::OutOfRange,
        "spec.expectations[0].directive.autoscale.cpuUtilization",
    ),
    (
        "intent-autoscale.yaml",
        "spec.expectations[0].directive.autoscale.cpuUtilization",
        "1001",
        Code::OutOfRange,
        "spec.expectations[0].directive.autoscale.cpuUtilization",
    ),
    (
        "intent-quota.yaml",
        "spec.target.name",
        "team-b",
        Code::TargetOutsideNamespace,
        "spec.target.name",
    ),
    (
        "intent-quota.yaml",
        "spec.expectations[0].directive.quota",
        "{}",
        Code::EmptyDirective,
        "spec.expectations[0].directive.quota",
    ),
    (
        "intent-quota.yaml",
        "spec.target.kind",
        "Deployment",
        Code::DirectiveNotApplicable,
        "spec.expectations[0].directive.quota",
    ),
    (
        "intent-relative.json",
        "spec.constraints.replicas.min",
        "5",
        Code::MinAboveMax,
        "spec.constraints.replicas.min",
    ),
    (
        "intent-basic.toml",
        "spec.expectations[0].directive.replicas.to",
        "10",
        Code::DirectiveOutsideConstraints,
        "spec.expectations[0].directive.replicas.to",
    ),
    (
        "intent-basic.toml",
        "spec.expectations[0].directive.replicas.to",
        "1",
        Code::DirectiveOutsideConstraints,
        "spec.expectations[0].directive.replicas.to",
    ),
    (
        "guardrail-shop.yaml",
        "spec.budget.cpu",
        "199m",
        Code::MinAboveMax,
        "spec.budget.cpu",
    ),
    (
        "guardrail-shop.yaml",
        "spec.step.resourceFactor",
        "0.99",
        Code::OutOfRange,
        "spec.step.resourceFactor",
    ),
    (
        "guardrail-all.json",
        "spec.coolDown",
        "\"721h\"",
        Code::OutOfRange,
        "spec.coolDown",
    ),
    (
        "indicator-queue.yaml",
        "metadata.name",
        "latency",
        Code::ReservedName,
        "metadata.name",
    ),
    (
        "indicator-queue.yaml",
        "metadata.name",
        "error-rates",
        Code::ReservedName,
        "metadata.name",
    ),
    (
        "indicator-queue.yaml",
        "spec.unit",
        "5x",
        Code::InvalidIndicatorValue,
        "spec.unit",
    ),
    (
        "indicator-queue.yaml",
        "spec.unit",
        "a b",
        Code::InvalidIndicatorValue,
        "spec.unit",
    ),
    (
        "indicator-queue.yaml",
        "spec.query",
        "\"\"",
        Code::InvalidQuery,
        "spec.query",
    ),
    (
        "indicator-queue.yaml",
        "spec.query",
        "up{{{name",
        Code::InvalidQuery,
        "spec.query",
    ),
    (
        "indicator-queue.yaml",
        "spec.query",
        "up{a=\"{{pod}}\"}",
        Code::UnknownPlaceholder,
        "spec.query",
    ),
    (
        "catalog-shop.json",
        "workloads[1].kind",
        "\"Namespace\"",
        Code::UnknownVariant,
        "workloads[1].kind",
    ),
    (
        "catalog-shop.json",
        "workloads[0].containers[1].name",
        "\"app\"",
        Code::DuplicateEntry,
        "workloads[0].containers[1]",
    ),
    (
        "catalog-shop.json",
        "namespaces[1]",
        "\"shop\"",
        Code::DuplicateEntry,
        "namespaces[1]",
    ),
];

struct Tally {
    mutants: usize,
    by_operator: BTreeMap<String, usize>,
    codes: BTreeSet<Code>,
    failures: Vec<String>,
}

#[test]
fn every_mutant_is_found_out() {
    let mut tally = Tally {
        mutants: 0,
        by_operator: BTreeMap::new(),
        codes: BTreeSet::new(),
        failures: Vec::new(),
    };
    let mut texts = BTreeSet::new();
    let mut rules = 0;
    for (name, format, text) in files("pass") {
        let Some(mut mutator) = Mutator::new(&text, format, &schemas::of(&name)) else {
            println!("{name} is not written one field a line");
            continue;
        };
        for (file, path, value, code, at) in RULES.iter().filter(|(file, ..)| *file == name) {
            assert!(mutator.set(path, value, *code, at), "{file}: {path}, {at}");
            rules += 1;
        }
        let mut mutants = mutator.singles();
        for faults in 2..=6 {
            mutants.extend(mutator.several(faults as u64, 25, faults));
        }
        for mutant in mutants {
            if texts.insert(mutant.text.clone()) {
                let (usable, diagnostics) = read_as(&name, &mutant.text, format);
                tally.add(&name, &mutant, mutant.judge(usable, &diagnostics));
                assert_eq!(
                    read_documents(&mutant.text, format).0,
                    None,
                    "{}",
                    mutant.text
                );
            }
        }
    }
    println!("{} mutants", tally.mutants);
    for (operator, count) in &tally.by_operator {
        println!("{count:6} {operator}");
    }
    println!("codes: {:?}", tally.codes);
    let shown = tally
        .failures
        .iter()
        .take(20)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        tally.failures.is_empty(),
        "{} of {} mutants:\n{shown}",
        tally.failures.len(),
        tally.mutants
    );
    assert_eq!(rules, RULES.len());
    assert!(tally.mutants >= 1_000, "{}", tally.mutants);
}

impl Tally {
    fn add(&mut self, file: &str, mutant: &Mutant, verdict: Result<(), String>) {
        self.mutants += 1;
        let faults = mutant.expected.len();
        let operator = if faults == 1 {
            mutant.operator.clone()
        } else {
            format!("{faults} faults at once")
        };
        *self.by_operator.entry(operator).or_default() += 1;
        self.codes
            .extend(mutant.expected.iter().map(|expected| expected.code));
        self.failures
            .extend(verdict.err().map(|failure| format!("{file}: {failure}")));
    }
}
