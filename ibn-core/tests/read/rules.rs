//! Rules on typed values that never were a text, and intents against a catalog.

use std::time::Duration;

use ibn_core::catalog::Catalog;
use ibn_core::diagnostic::{Code, Diagnostic};
use ibn_core::guardrail::{FreezeWindow, Guardrail, GuardrailSpec};
use ibn_core::intent::{
    Amount, Bound, Directive, Expectation, IndicatorName, Intent, Objective, QuotaAmounts, Range,
    ResourceAmounts, ResourcesDirective,
};
use ibn_core::read::{
    Decode, Format, Node, Position, Reader, parse, read, read_catalog, read_intent,
};
use ibn_core::units::{CpuMillis, IndicatorValue, Quantile, Unit};
use ibn_core::validate::{
    MAX_WINDOW, MIN_WINDOW, validate_against, validate_guardrail, validate_intent,
};
use ibn_core::workload::{WorkloadKind, WorkloadRef};

use crate::files;

fn web() -> Intent {
    Intent::new("web-fast", &WorkloadRef::deployment("shop", "checkout"))
}

fn latency(window: Option<Duration>) -> Objective {
    Objective {
        indicator: IndicatorName::Latency,
        quantile: None,
        bound: Bound::AtMost(IndicatorValue::new(0.2, Unit::Seconds).unwrap()),
        window,
    }
}

#[track_caller]
fn check(intent: &Intent, expected: &[(Code, &str)]) {
    let found = validate_intent(intent);
    let found: Vec<(Code, &str)> = found.iter().map(|d| (d.code, d.path.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn windows_lie_inside_their_bounds() {
    for (window, valid) in [
        (MIN_WINDOW - Duration::from_millis(1), false),
        (MIN_WINDOW, true),
        (MAX_WINDOW, true),
        (MAX_WINDOW + Duration::from_millis(1), false),
    ] {
        let intent = web().with_expectation(Expectation::Objective(latency(Some(window))));
        assert_eq!(validate_intent(&intent).is_empty(), valid, "{window:?}");
    }
}

#[test]
fn a_factor_is_finite_and_not_negative() {
    for (factor, valid) in [
        (0.0, true),
        (-0.0, true),
        (1.5, true),
        (-0.1, false),
        (f64::NAN, false),
        (f64::INFINITY, false),
    ] {
        let amounts = ResourceAmounts {
            cpu: Some(Amount::Scale(factor)),
            memory: None,
        };
        let resources = ResourcesDirective {
            container: None,
            requests: amounts,
            limits: ResourceAmounts::default(),
        };
        let intent =
            web().with_expectation(Expectation::Directive(Directive::Resources(resources)));
        let found = validate_intent(&intent);
        assert_eq!(found.is_empty(), valid, "{factor}");
        assert!(found.iter().all(|d| d.code == Code::ImpossibleAmount));
    }
}

#[test]
fn api_version_kind_and_names_are_checked() {
    let mut intent = web();
    intent.api_version = "v1".to_owned();
    intent.kind = "Deployment".to_owned();
    intent.metadata.name = "Web".to_owned();
    intent.metadata.namespace = "a.b".to_owned();
    intent.spec.target.name = "-".to_owned();
    check(
        &intent,
        &[
            (Code::UnknownApiVersion, "apiVersion"),
            (Code::UnknownKind, "kind"),
            (Code::InvalidName, "metadata.name"),
            (Code::InvalidName, "metadata.namespace"),
            (Code::InvalidName, "spec.target.name"),
        ],
    );
}

#[test]
fn two_bounds_of_one_indicator_may_not_exclude_each_other() {
    let bound = |at_least: bool, seconds: f64, quantile: Option<f64>| {
        let value = IndicatorValue::new(seconds, Unit::Seconds).unwrap();
        Expectation::Objective(Objective {
            quantile: quantile.and_then(Quantile::new),
            bound: if at_least {
                Bound::AtLeast(value)
            } else {
                Bound::AtMost(value)
            },
            ..latency(None)
        })
    };
    let with = |one, other| web().with_expectation(one).with_expectation(other);
    check(&with(bound(true, 0.1, None), bound(false, 0.2, None)), &[]);
    check(
        &with(bound(true, 0.3, None), bound(false, 0.2, Some(0.5))),
        &[],
    );
    // A quantile that is left out is the 95th percentile.
    check(
        &with(bound(true, 0.3, None), bound(false, 0.2, Some(0.95))),
        &[(Code::MinAboveMax, "spec.expectations[1].objective.atMost")],
    );
}

#[test]
fn a_quota_is_for_the_intents_own_namespace() {
    let quota = |intent: Intent| {
        intent.with_expectation(Expectation::Directive(Directive::Quota(QuotaAmounts {
            pods: Some(5),
            ..QuotaAmounts::default()
        })))
    };
    check(
        &quota(Intent::new("q", &WorkloadRef::namespace("team-a"))),
        &[],
    );
    let mut other = quota(Intent::new("q", &WorkloadRef::namespace("team-a")));
    other.metadata.namespace = "team-b".to_owned();
    check(
        &other,
        &[(Code::TargetOutsideNamespace, "spec.target.name")],
    );
    // Where no namespace is said yet, the client's own is filled in later.
    other.metadata.namespace.clear();
    check(&other, &[]);
    check(
        &quota(web()),
        &[(
            Code::DirectiveNotApplicable,
            "spec.expectations[0].directive.quota",
        )],
    );
}

#[test]
fn constraints_that_exclude_each_other_are_one_fault() {
    let mut intent =
        web().with_expectation(Expectation::Directive(Directive::Replicas(Amount::To(5))));
    intent.spec.constraints.replicas = Range::new(Some(9), Some(3));
    check(
        &intent,
        &[(Code::MinAboveMax, "spec.constraints.replicas.min")],
    );
    intent.spec.constraints.replicas = Range::new(Some(3), Some(9));
    intent.spec.constraints.cpu.min = Some(CpuMillis::new(500));
    intent.spec.constraints.budget.cpu = Some(CpuMillis::new(1_500));
    check(&intent, &[]);
    intent.spec.constraints.budget.cpu = Some(CpuMillis::new(1_499));
    check(
        &intent,
        &[(Code::MinAboveMax, "spec.constraints.budget.cpu")],
    );
}

#[test]
fn freeze_windows_have_their_place_in_the_list() {
    let window = |from: &str, until: &str| FreezeWindow {
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
        reason: String::new(),
    };
    let spec = GuardrailSpec {
        freeze: vec![
            window("2026-12-24T00:00:00Z", "2026-12-25T00:00:00Z"),
            window("2026-12-24T00:00:00Z", "2026-12-24T00:00:00Z"),
        ],
        ..GuardrailSpec::default()
    };
    let found = validate_guardrail(&Guardrail::new("g", "", spec));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].code, found[0].path.as_str()),
        (Code::EndsBeforeBegin, "spec.freeze[1].until")
    );
}

fn catalog() -> Catalog {
    let (_, _, text) = files("pass")
        .into_iter()
        .find(|(name, ..)| name == "catalog-shop.json")
        .unwrap();
    read_catalog(&text, Format::Json).0.unwrap()
}

#[track_caller]
fn against(intent: &Intent, code: Code, path: &str, help: &str) {
    let found = validate_against(intent, &catalog());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (
            found[0].code,
            found[0].path.as_str(),
            found[0].help.as_str()
        ),
        (code, path, help)
    );
}

#[test]
fn a_target_must_exist_and_is_never_repaired() {
    assert_eq!(validate_against(&web(), &catalog()), []);
    let to = |namespace, kind, name| Intent::new("x", &WorkloadRef::new(namespace, kind, name));
    let target = |intent: &Intent, help: &str| {
        against(intent, Code::UnknownTarget, "spec.target.name", help)
    };
    target(
        &to("shop", WorkloadKind::Deployment, "chekout"),
        "the nearest: `checkout`",
    );
    target(
        &to("shop", WorkloadKind::StatefulSet, "checkout"),
        "of this name there is `shop/Deployment/checkout`",
    );
    target(
        &to("team-a", WorkloadKind::Deployment, "checkout"),
        "of this name there is `shop/Deployment/checkout`",
    );
    target(
        &to("shop", WorkloadKind::Deployment, "kasse"),
        "the name is an alias of `shop/Deployment/checkout`; write that",
    );
    target(
        &to("shop", WorkloadKind::Deployment, "zzz"),
        "what exists: `checkout` or `db`",
    );
    target(
        &Intent::new("q", &WorkloadRef::namespace("team-b")),
        "the nearest: `team-a`",
    );
    // Names of other namespaces are given for the very name alone, after what resembles it in the one that was said.
    let mut others = catalog();
    for (namespace, name) in [("team-a", "dba"), ("team-b", "db"), ("team-b", "checkouts")] {
        let mut known = others.workloads[0].clone();
        (known.namespace, known.name) = (namespace.to_owned(), name.to_owned());
        known.aliases.clear();
        others.workloads.push(known);
    }
    let help = |namespace, name| {
        let found = validate_against(&to(namespace, WorkloadKind::Deployment, name), &others);
        found[0].help.clone()
    };
    assert_eq!(
        help("team-a", "db"),
        "the nearest: `dba`; of this name there is `shop/StatefulSet/db` or `team-b/Deployment/db`"
    );
    assert_eq!(help("team-a", "checkout-2"), "what exists: `dba`");
    assert_eq!(
        help("team-c", "checkouts"),
        "of this name there is `team-b/Deployment/checkouts`"
    );
    assert_eq!(
        help("team-c", "chekout"),
        "there is no workload in namespace `team-c`"
    );
    assert_eq!(
        validate_against(
            &Intent::new("q", &WorkloadRef::namespace("team-a")),
            &catalog()
        ),
        []
    );
}

#[test]
fn containers_and_indicators_must_exist() {
    let container = |name: &str| {
        web().with_expectation(Expectation::Directive(Directive::Resources(
            ResourcesDirective {
                container: Some(name.to_owned()),
                requests: ResourceAmounts {
                    cpu: Some(Amount::Scale(2.0)),
                    memory: None,
                },
                limits: ResourceAmounts::default(),
            },
        )))
    };
    assert_eq!(validate_against(&container("app"), &catalog()), []);
    against(
        &container("ap"),
        Code::UnknownContainer,
        "spec.expectations[0].directive.resources.container",
        "the nearest: `app`",
    );
    let indicator = |name: &str| {
        web().with_expectation(Expectation::Objective(Objective {
            indicator: IndicatorName::Custom(name.to_owned()),
            bound: Bound::AtMost(
                IndicatorValue::new(30.0, Unit::Other("items".to_owned())).unwrap(),
            ),
            ..latency(None)
        }))
    };
    assert_eq!(validate_against(&indicator("queue-depth"), &catalog()), []);
    let found = validate_against(&indicator("queue-length"), &catalog());
    assert_eq!(found[0].code, Code::UnknownIndicator);
    assert!(found[0].help.contains("`queue-depth`") && found[0].help.contains("`latency`"));
    // A slip in a built-in name is found without a catalog, and only once.
    assert_eq!(
        validate_intent(&indicator("latensy"))[0].code,
        Code::UnknownIndicator
    );
    assert_eq!(validate_against(&indicator("latensy"), &catalog()), []);
}

#[test]
fn what_rules_find_is_placed_in_the_text() {
    let text = "apiVersion: ibn.dev/v1alpha1\nkind: Intent\nmetadata: {name: a, namespace: shop}\nspec:\n  target:\n    kind: Deployment\n    name: chekout\n";
    let (intent, diagnostics) = read_intent(text, Format::Yaml);
    assert_eq!(diagnostics, []);
    let (nodes, _): (Vec<Node>, _) = parse(text, Format::Yaml);
    let mut found: Vec<Diagnostic> = validate_against(&intent.unwrap(), &catalog());
    nodes[0].place(&mut found);
    assert_eq!((found[0].line, found[0].column), (Some(7), Some(5)));
    assert_eq!(
        nodes[0].locate("spec.expectations[3]"),
        Position { line: 4, column: 1 }
    );
}

/// A document of another crate that holds documents of this one.
struct Scenario {
    intents: Vec<Intent>,
}

impl Decode for Scenario {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["intents"])?;
        Some(Self {
            intents: fields.required("intents")?,
        })
    }
}

#[test]
fn documents_inside_others_have_the_whole_path() {
    let intent = |spec: &str| {
        format!(
            "{{apiVersion: ibn.dev/v1alpha1, kind: Intent, metadata: {{name: a}}, spec: {spec}}}"
        )
    };
    let good = intent("{target: {kind: Deployment, name: a}}");
    let bad = intent(
        "{target: {kind: Deployment, name: A}, constraints: {replicas: {min: 5, max: 2}},
           expectations: [{objective: {indicator: cost, quantile: 0.5, atMost: 1, window: 1s}}]}",
    );
    let text = format!("intents:\n  - {good}\n  - {bad}\n");
    let (scenario, found) = read::<Scenario>(&text, Format::Yaml);
    assert!(scenario.is_none());
    let found: Vec<(Code, Option<u32>, &str)> = found
        .iter()
        .map(|d| (d.code, d.line, d.path.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Code::InvalidName, Some(3), "intents[1].spec.target.name"),
            (
                Code::MinAboveMax,
                Some(3),
                "intents[1].spec.constraints.replicas.min"
            ),
            (
                Code::QuantileNotApplicable,
                Some(4),
                "intents[1].spec.expectations[0].objective.quantile"
            ),
            (
                Code::OutOfRange,
                Some(4),
                "intents[1].spec.expectations[0].objective.window"
            ),
        ]
    );
    let (scenario, found) = read::<Scenario>(&format!("intents: [{good}]"), Format::Yaml);
    assert_eq!(found, []);
    assert_eq!(scenario.map(|scenario| scenario.intents.len()), Some(1));
}

#[test]
fn built_in_indicators_may_stand_in_a_catalog() {
    let text = r#"{"workloads": [], "namespaces": ["acme"], "indicators": ["latency", "errorRate", "queue-depth"]}"#;
    let (catalog, faults) = read_catalog(text, Format::Json);
    assert_eq!(faults, []);
    assert_eq!(catalog.unwrap().indicators, ["queue-depth"]);
    let (_, faults) = read_catalog(&text.replace("errorRate", "errorShare"), Format::Json);
    assert_eq!(faults.len(), 1, "{faults:?}");
}
