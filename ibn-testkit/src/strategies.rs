//! Proptest strategies for valid documents: intents, guardrails, indicators and their parts.
//!
//! What they yield obeys every rule of [`ibn_core::validate`] and is what a person could have written: no status and no
//! origin. Texts are nasty on purpose: words that YAML takes for something else, quotes, line breaks, other scripts.
//!
//! ```
//! use ibn_core::validate::validate_intent;
//! use ibn_testkit::strategies::intent;
//! use proptest::prelude::*;
//!
//! proptest!(|(intent in intent())| {
//!     prop_assert_eq!(validate_intent(&intent), []);
//! });
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use ibn_core::guardrail::{
    FreezeWindow, Guardrail, GuardrailSpec, RiskClass, Rollout, Selector, StepLimits,
};
use ibn_core::indicator::{Direction, Indicator, IndicatorSpec};
use ibn_core::intent::{
    API_VERSION, Amount, Autoscale, Bound, BudgetLimit, Constraints, Directive, Expectation,
    IndicatorName, Intent, IntentSpec, Metadata, Mode, Objective, OnEnd, Preference, QuotaAmounts,
    Range, ResourceAmounts, ResourcesDirective, Target, Validity,
};
use ibn_core::units::{
    Bytes, CpuMillis, IndicatorValue, Quantile, SignedBytes, SignedCpuMillis, Unit,
};
use ibn_core::validate::validate_intent;
use ibn_core::workload::WorkloadKind;
use jiff::Timestamp;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A DNS label.
pub fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]([a-z0-9-]{0,12}[a-z0-9])?",
        select(vec![
            "no", "on", "y", "null", "true", "0", "1e3", "0x1f", "010"
        ])
        .prop_map(str::to_owned),
    ]
}

/// The name of an object: a DNS subdomain.
pub fn object_name() -> impl Strategy<Value = String> {
    vec(label(), 1..3).prop_map(|parts| parts.join("."))
}

/// Any text without control characters, nasty ones more often than by chance.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[ -~\n\t]{0,60}",
        select(vec![
            "",
            " ",
            "no",
            "Yes",
            "null",
            "~",
            "true",
            "010",
            "0o17",
            "1_000",
            "1e3",
            ".nan",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "'a'",
            "\"a\"",
            "a\nb",
            "\na",
            "a\n",
            "a\n\n",
            "  a",
            "a  ",
            "|",
            ">",
            "{a",
            "[a",
            "---",
            "...",
            "<<",
            "=",
            "2026-12-24",
            "12:30",
            "ä\u{1f600}",
            "\\n",
            "a\\",
            "\ttab",
        ])
        .prop_map(str::to_owned),
    ]
}

/// A moment of this century, to the nanosecond.
pub fn timestamp() -> impl Strategy<Value = Timestamp> {
    let nanoseconds = prop_oneof![Just(0), 0i32..1_000_000_000];
    (946_684_800i64..4_102_444_800, nanoseconds)
        .prop_filter_map("a moment", |(second, nanosecond)| {
            Timestamp::new(second, nanosecond).ok()
        })
}

/// A duration inside bounds, in whole milliseconds.
pub fn duration(least: Duration, most: Duration) -> impl Strategy<Value = Duration> {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    (millis(least)..=millis(most)).prop_map(Duration::from_millis)
}

fn cpu() -> impl Strategy<Value = CpuMillis> {
    prop_oneof![1u64..100_000, Just(1_000), Just(250)].prop_map(CpuMillis::new)
}

fn memory() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        1u64..1 << 42,
        (1u64..4096).prop_map(|mebibytes| mebibytes << 20)
    ]
    .prop_map(Bytes::new)
}

fn factor() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.5), Just(2.0), 0.0f64..100.0]
}

/// A range of which the minimum, where both are there, is at most the maximum.
fn range<T: Ord + Copy + std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Range<T>> {
    (option::of(value.clone()), option::of(value)).prop_map(|(one, other)| match (one, other) {
        (Some(one), Some(other)) => Range::new(Some(one.min(other)), Some(one.max(other))),
        (min, max) => Range::new(min, max),
    })
}

/// Metadata as a store keeps it or as a person writes it.
pub fn metadata() -> impl Strategy<Value = Metadata> {
    let texts = || btree_map("[a-zA-Z0-9./_-]{1,20}", text(), 0..3);
    (
        object_name(),
        prop_oneof![Just(String::new()), label()],
        option::of("[0-9a-f-]{1,36}"),
        option::of(any::<i64>()),
        option::of("[0-9]{1,9}"),
        option::of(timestamp()),
        option::of(timestamp()),
        texts(),
        texts(),
    )
        .prop_map(
            |(name, namespace, uid, generation, version, created, deleted, labels, annotations)| {
                Metadata {
                    name,
                    namespace,
                    uid,
                    generation,
                    resource_version: version,
                    creation_timestamp: created,
                    deletion_timestamp: deleted,
                    labels,
                    annotations,
                }
            },
        )
}

/// The name of an indicator: a built-in one, or one that an `Indicator` may bear.
pub fn indicator_name() -> impl Strategy<Value = IndicatorName> {
    prop_oneof![
        4 => select(IndicatorName::BUILT_IN.to_vec()),
        1 => "queue-[a-z]{1,8}".prop_map(IndicatorName::Custom),
    ]
}

/// An objective on any indicator.
pub fn objective() -> impl Strategy<Value = Objective> {
    let window = option::of(duration(
        Duration::from_secs(10),
        Duration::from_secs(30 * 86_400),
    ));
    (
        indicator_name(),
        any::<bool>(),
        option::of(1u32..1_000_000),
        window,
    )
        .prop_flat_map(|(indicator, at_most, millionths, window)| {
            let quantile = millionths
                .filter(|_| indicator == IndicatorName::Latency)
                .and_then(|millionths| Quantile::new(f64::from(millionths) / 1e6));
            value(&indicator).prop_map(move |value| Objective {
                indicator: indicator.clone(),
                quantile,
                bound: if at_most {
                    Bound::AtMost(value)
                } else {
                    Bound::AtLeast(value)
                },
                window,
            })
        })
}

fn value(indicator: &IndicatorName) -> BoxedStrategy<IndicatorValue> {
    let (number, unit) = match indicator.unit() {
        Some(Unit::Seconds) => (
            (1u32..10_000_000)
                .prop_map(|millis| f64::from(millis) / 1e3)
                .boxed(),
            Unit::Seconds,
        ),
        Some(Unit::Percent) => ((0.001f64..100.0).boxed(), Unit::Percent),
        Some(Unit::Cores) => (
            (1u32..10_000_000)
                .prop_map(|millis| f64::from(millis) / 1e3)
                .boxed(),
            Unit::Cores,
        ),
        Some(unit) => ((0.001f64..1e9).boxed(), unit),
        None => {
            return ((0.0f64..1e9), "([a-zA-Z%/][a-zA-Z0-9]{0,6})?")
                .prop_filter_map("a value", |(number, unit)| {
                    IndicatorValue::new(number, Unit::Other(unit))
                })
                .boxed();
        }
    };
    number
        .prop_filter_map("a value", move |number| {
            IndicatorValue::new(number, unit.clone())
        })
        .boxed()
}

fn amount_cpu() -> impl Strategy<Value = Amount<CpuMillis>> {
    prop_oneof![
        cpu().prop_map(Amount::To),
        (-100_000i64..100_000).prop_map(|millis| Amount::Add(SignedCpuMillis::new(millis))),
        factor().prop_map(Amount::Scale),
    ]
}

fn amount_memory() -> impl Strategy<Value = Amount<Bytes>> {
    prop_oneof![
        memory().prop_map(Amount::To),
        (-(1i64 << 40)..1 << 40).prop_map(|bytes| Amount::Add(SignedBytes::new(bytes))),
        factor().prop_map(Amount::Scale),
    ]
}

fn resource_amounts() -> impl Strategy<Value = ResourceAmounts> {
    (option::of(amount_cpu()), option::of(amount_memory()))
        .prop_map(|(cpu, memory)| ResourceAmounts { cpu, memory })
}

/// A directive that fits a Deployment or StatefulSet.
pub fn workload_directive() -> impl Strategy<Value = Directive> {
    let replicas = prop_oneof![
        (0u32..10_000).prop_map(Amount::To),
        any::<i32>().prop_map(Amount::Add),
        factor().prop_map(Amount::Scale),
    ];
    let resources = (option::of(label()), resource_amounts(), resource_amounts()).prop_map(
        |(container, requests, limits)| ResourcesDirective {
            container,
            requests,
            limits,
        },
    );
    let autoscale = (option::of(1u32..50), 0u32..50, option::of(1u32..=1000)).prop_map(
        |(min, more, cpu_utilization)| Autoscale {
            min,
            max: min.unwrap_or(1) + more,
            cpu_utilization,
        },
    );
    prop_oneof![
        replicas.prop_map(Directive::Replicas),
        resources.prop_map(Directive::Resources),
        autoscale.prop_map(Directive::Autoscale),
    ]
}

/// What a namespace may use.
pub fn quota() -> impl Strategy<Value = QuotaAmounts> {
    (
        option::of(cpu()),
        option::of(memory()),
        option::of(any::<u32>()),
    )
        .prop_map(|(cpu, memory, pods)| QuotaAmounts { cpu, memory, pods })
}

/// Bounds that do not exclude each other.
pub fn constraints() -> impl Strategy<Value = Constraints> {
    (
        range(0u32..100),
        range(cpu().boxed()),
        range(memory().boxed()),
        budget(),
    )
        .prop_map(|(replicas, cpu, memory, budget)| Constraints {
            replicas,
            cpu,
            memory,
            budget,
        })
}

fn budget() -> impl Strategy<Value = BudgetLimit> {
    (option::of(cpu()), option::of(memory())).prop_map(|(cpu, memory)| BudgetLimit { cpu, memory })
}

fn validity() -> impl Strategy<Value = Validity> {
    (option::of(timestamp()), option::of(timestamp())).prop_map(|(one, other)| match (one, other) {
        (Some(one), Some(other)) if other < one => Validity {
            from: Some(other),
            until: Some(one),
        },
        (from, until) => Validity { from, until },
    })
}

/// A valid intent on a Deployment or StatefulSet, or on a namespace.
pub fn intent() -> impl Strategy<Value = Intent> {
    prop_oneof![5 => workload_intent().boxed(), 1 => namespace_intent().boxed()]
        .prop_filter("valid", |intent| validate_intent(intent).is_empty())
}

fn workload_intent() -> impl Strategy<Value = Intent> {
    let kind = select(vec![WorkloadKind::Deployment, WorkloadKind::StatefulSet]);
    let expectation = prop_oneof![
        objective().prop_map(Expectation::Objective),
        workload_directive().prop_map(Expectation::Directive),
    ];
    (
        metadata(),
        kind,
        object_name(),
        vec(expectation, 0..4),
        prop_oneof![2 => Just(Constraints::default()), 1 => constraints()],
        manner(),
    )
        .prop_map(
            |(metadata, kind, name, expectations, constraints, manner)| Intent {
                api_version: API_VERSION.to_owned(),
                kind: "Intent".to_owned(),
                metadata,
                spec: IntentSpec {
                    target: Target { kind, name },
                    expectations,
                    constraints,
                    ..manner
                },
                status: None,
            },
        )
}

fn namespace_intent() -> impl Strategy<Value = Intent> {
    (metadata(), label(), quota(), manner()).prop_map(|(mut metadata, name, quota, manner)| {
        metadata.namespace.clone_from(&name);
        Intent {
            api_version: API_VERSION.to_owned(),
            kind: "Intent".to_owned(),
            metadata,
            spec: IntentSpec {
                target: Target {
                    kind: WorkloadKind::Namespace,
                    name,
                },
                expectations: vec![Expectation::Directive(Directive::Quota(quota))],
                ..manner
            },
            status: None,
        }
    })
}

/// What an intent says beside its expectations; the target is filled in later.
fn manner() -> impl Strategy<Value = IntentSpec> {
    let target = Target {
        kind: WorkloadKind::Deployment,
        name: String::new(),
    };
    (
        option::of(text()),
        option::of(select(vec![
            Preference::Cost,
            Preference::Performance,
            Preference::Balanced,
        ])),
        option::of(1u8..=100),
        option::of(select(vec![Mode::Enforce, Mode::Advise, Mode::Suspended])),
        option::of(validity()),
        option::of(select(vec![OnEnd::Restore, OnEnd::Keep])),
    )
        .prop_map(
            move |(text, preference, priority, mode, validity, on_end)| IntentSpec {
                text,
                preference,
                priority,
                mode,
                validity,
                on_end,
                ..IntentSpec::new(target.clone())
            },
        )
}

/// A valid guardrail.
pub fn guardrail() -> impl Strategy<Value = Guardrail> {
    let kind = select(vec![
        WorkloadKind::Deployment,
        WorkloadKind::StatefulSet,
        WorkloadKind::Namespace,
    ]);
    let selector = (
        option::of(kind),
        option::of(label()),
        btree_map("[a-z./-]{1,12}", text(), 0..3),
    )
        .prop_map(|(kind, name, match_labels)| Selector {
            kind,
            name,
            match_labels,
        });
    let step = (
        option::of(any::<u32>()),
        option::of(any::<u32>()),
        option::of(1.0f64..100.0),
    )
        .prop_map(|(replicas_up, replicas_down, resource_factor)| StepLimits {
            replicas_up,
            replicas_down,
            resource_factor,
        });
    let freeze = (timestamp(), 1i64..1_000_000, text()).prop_filter_map(
        "a span",
        |(from, seconds, reason)| {
            let until = Timestamp::from_second(from.as_second() + seconds).ok()?;
            (from < until).then_some(FreezeWindow {
                from,
                until,
                reason,
            })
        },
    );
    let limits = (
        selector,
        constraints(),
        step,
        option::of(duration(Duration::ZERO, Duration::from_secs(86_400))),
    );
    let rules = (
        vec(freeze, 0..3),
        option::of(select(vec![
            RiskClass::Low,
            RiskClass::Medium,
            RiskClass::High,
        ])),
        option::of(select(vec![Rollout::Allowed, Rollout::Never])),
        btree_set("[a-zA-Z0-9-]{1,10}", 0..3),
    );
    (metadata(), limits, rules)
        .prop_map(
            |(
                metadata,
                (selector, bounds, step, cool_down),
                (freeze, approval, rollout, yield_to),
            )| Guardrail {
                api_version: API_VERSION.to_owned(),
                kind: "Guardrail".to_owned(),
                metadata,
                spec: GuardrailSpec {
                    selector,
                    replicas: bounds.replicas,
                    cpu: bounds.cpu,
                    memory: bounds.memory,
                    budget: bounds.budget,
                    step,
                    cool_down,
                    freeze,
                    approval,
                    rollout,
                    yield_to,
                },
            },
        )
        .prop_filter("valid", |guardrail| {
            ibn_core::validate::validate_guardrail(guardrail).is_empty()
        })
}

/// A valid indicator.
pub fn indicator() -> impl Strategy<Value = Indicator> {
    let parameters = btree_map("[a-z][a-zA-Z0-9_]{0,8}", text(), 0..3);
    let unit = prop_oneof![Just(String::new()), "[a-zA-Z%/][a-zA-Z0-9/]{0,8}"];
    let direction = select(vec![Direction::LowerIsBetter, Direction::HigherIsBetter]);
    (metadata(), unit, direction, parameters, text())
        .prop_map(
            |(metadata, unit, direction, parameters, comment)| Indicator {
                api_version: API_VERSION.to_owned(),
                kind: "Indicator".to_owned(),
                metadata,
                spec: IndicatorSpec {
                    unit,
                    direction,
                    query: query(&parameters, &comment),
                    parameters,
                },
            },
        )
        .prop_filter("valid", |indicator| {
            ibn_core::validate::validate_indicator(indicator).is_empty()
        })
}

fn query(parameters: &BTreeMap<String, String>, comment: &str) -> String {
    let matchers: Vec<String> = parameters
        .keys()
        .map(|name| format!("{name}=\"{{{{{name}}}}}\""))
        .collect();
    format!(
        "max(x{{namespace=\"{{{{namespace}}}}\", {}}}) # {}",
        matchers.join(", "),
        comment.replace("{{", "")
    )
}
