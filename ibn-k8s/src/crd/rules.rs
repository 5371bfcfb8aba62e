//! What the types can't say: bounds that keep rules cheap, and rules over several fields.
//!
//! The reader of core finds all of this, and more, in a file; here it is said to those who speak to the API server. A rule
//! that the API server can't evaluate, such as one that needs other objects, is left to admission by the engine.

use serde_json::{Map, Value, json};

const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w))+$";

/// The places of an amount, below a directive.
const AMOUNTS: [&str; 5] = [
    "replicas",
    "resources.requests.cpu",
    "resources.requests.memory",
    "resources.limits.cpu",
    "resources.limits.memory",
];

/// Adds what holds of an intent's spec.
pub(super) fn intent(spec: &mut Value) {
    let mut spec = At(spec);
    spec.set("text", json!({"maxLength": 4096}));
    spec.set(
        "target.name",
        json!({"maxLength": 253, "pattern": SUBDOMAIN}),
    );
    spec.rule(
        "target",
        Rule::new(
            "self == oldSelf",
            "the target can't be changed; write another intent for another target",
        ),
    );
    spec.set(
        "expectations",
        json!({
            "maxItems": 16,
            "description": "Objectives to meet and directives to follow; may be empty. Each entry is exactly one of the two.",
        }),
    );
    spec.rule(
        "expectations[]",
        Rule::new(
            "has(self.objective) != has(self.directive)",
            "exactly one of `objective` and `directive` is needed",
        ),
    );
    objective(&mut spec);
    directive(&mut spec);
    limits(&mut spec, "constraints.");
    spec.set(
        "onEnd",
        json!({"description": "What becomes of the changes on expiry and deletion: the fields go back to what they were, or stay as they are. Where absent, directives go back and objectives stay."}),
    );
    spec.set("origin.author", json!({"maxLength": 253}));
    spec.set("origin.parent", json!({"maxLength": 64}));
    spec.set("origin.cause", json!({"maxLength": 1024}));
    spec.rule(
        "validity",
        Rule::new(
            "!has(self.from) || !has(self.until) || self.from < self.until",
            "it ends before or when it begins",
        )
        .of(".until"),
    );
    spec.rule(
        "",
        Rule::new(
            "self.target.kind != 'Namespace' || !has(self.expectations) || self.expectations.all(e, has(e.directive) && has(e.directive.quota))",
            "a namespace takes `quota` directives only",
        )
        .of(".expectations"),
    );
    spec.rule(
        "",
        Rule::new(
            "self.target.kind == 'Namespace' || !has(self.expectations) || self.expectations.all(e, !has(e.directive) || !has(e.directive.quota))",
            "a `quota` needs a target of kind `Namespace`",
        )
        .of(".expectations"),
    );
    spec.rule(
        "",
        Rule::new(
            "self.target.kind != 'Namespace' || !has(self.constraints)",
            "a namespace takes no constraints; a `quota` directive bounds what it may use",
        )
        .of(".constraints"),
    );
    spec.rule(
        "",
        Rule::new(
            "!has(self.expectations) || self.expectations.filter(e, has(e.directive) && (has(e.directive.replicas) || has(e.directive.autoscale))).size() <= 1",
            "the number of pods is ordered twice",
        )
        .of(".expectations"),
    );
}

fn objective(spec: &mut At<'_>) {
    let place = "expectations[].objective";
    spec.set(
        &format!("{place}.indicator"),
        json!({"maxLength": 253, "pattern": r"^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$"}),
    );
    spec.set(
        &format!("{place}.quantile"),
        json!({"minimum": 0, "maximum": 1, "exclusiveMinimum": true, "exclusiveMaximum": true}),
    );
    for side in ["atMost", "atLeast"] {
        spec.set(&format!("{place}.{side}"), json!({"maxLength": 64}));
    }
    spec.set(
        &format!("{place}.window"),
        json!({"maxLength": 64, "pattern": DURATION}),
    );
    spec.rule(
        place,
        Rule::new(
            "has(self.atMost) != has(self.atLeast)",
            "exactly one of `atMost` and `atLeast` is needed",
        ),
    );
    spec.rule(
        place,
        Rule::new(
            "!has(self.quantile) || self.indicator == 'latency'",
            "a quantile is for `latency` only",
        )
        .of(".quantile"),
    );
    let units = [
        (
            "self.indicator == 'latency'",
            r"^ *([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w))+ *$",
            "`latency` needs a duration such as `200ms`",
        ),
        (
            "self.indicator in ['errorRate', 'availability', 'cpuUtilization', 'memoryUtilization']",
            r"^ *[0-9]+(\\.[0-9]+)? *% *$",
            "this indicator needs a percentage such as `99.9%`",
        ),
        (
            "self.indicator == 'throughput'",
            r"^ *[0-9]+(\\.[0-9]+)? *rps *$",
            "`throughput` needs a request rate such as `120rps`",
        ),
    ];
    for (applies, form, message) in units {
        for side in ["atMost", "atLeast"] {
            spec.rule(
                place,
                Rule::new(
                    &format!("!({applies}) || !has(self.{side}) || self.{side}.matches('{form}')"),
                    message,
                )
                .of(&format!(".{side}")),
            );
        }
    }
}

fn directive(spec: &mut At<'_>) {
    let place = "expectations[].directive";
    spec.rule(
        place,
        Rule::new(
            "[has(self.replicas), has(self.resources), has(self.autoscale), has(self.quota)].filter(given, given).size() == 1",
            "exactly one of `replicas`, `resources`, `autoscale` and `quota` is needed",
        ),
    );
    for amount in AMOUNTS {
        let amount = format!("{place}.{amount}");
        spec.rule(
            &amount,
            Rule::new(
                "[has(self.to), has(self.add), has(self.scale)].filter(given, given).size() == 1",
                "exactly one of `to`, `add` and `scale` is needed",
            ),
        );
        spec.set(
            &format!("{amount}.scale"),
            json!({"minimum": 0, "exclusiveMinimum": true}),
        );
    }
    spec.set(
        &format!("{place}.resources.container"),
        json!({"maxLength": 63, "pattern": LABEL}),
    );
    spec.rule(
        &format!("{place}.resources"),
        Rule::new(
            "(has(self.requests) && (has(self.requests.cpu) || has(self.requests.memory))) || (has(self.limits) && (has(self.limits.cpu) || has(self.limits.memory)))",
            "nothing is ordered; give `cpu` or `memory` in `requests` or `limits`",
        ),
    );
    spec.set(&format!("{place}.autoscale.max"), json!({"minimum": 1}));
    spec.set(
        &format!("{place}.autoscale.cpuUtilization"),
        json!({"minimum": 1}),
    );
    spec.rule(
        &format!("{place}.autoscale"),
        Rule::new(
            "!has(self.min) || self.min <= self.max",
            "the minimum is above the maximum",
        )
        .of(".min"),
    );
    spec.rule(
        &format!("{place}.quota"),
        Rule::new(
            "has(self.cpu) || has(self.memory) || has(self.pods)",
            "nothing is ordered; give `cpu`, `memory` or `pods`",
        ),
    );
}

/// Adds what holds of a guardrail's spec.
pub(super) fn guardrail(spec: &mut Value) {
    let mut spec = At(spec);
    limits(&mut spec, "");
    spec.set(
        "selector.name",
        json!({"maxLength": 253, "pattern": SUBDOMAIN}),
    );
    spec.set("selector.matchLabels", json!({"maxProperties": 32}));
    spec.set("selector.matchLabels{}", json!({"maxLength": 63}));
    for field in ["cpu", "memory"] {
        spec.set(
            field,
            json!({"description": format!("Bounds on a pod's {field}, summed over its containers: `max` bounds the limits (the requests where no limit is set), `min` bounds the requests.")}),
        );
    }
    spec.set("step.resourceFactor", json!({"minimum": 1}));
    spec.set("coolDown", json!({"maxLength": 64, "pattern": DURATION}));
    spec.set("freeze", json!({"maxItems": 64}));
    spec.set("freeze[].reason", json!({"maxLength": 256}));
    spec.rule(
        "freeze[]",
        Rule::new("self.from < self.until", "it ends before or when it begins").of(".until"),
    );
    spec.set("yieldTo", json!({"maxItems": 32}));
    spec.set("yieldTo[]", json!({"maxLength": 128}));
}

/// Adds what holds of an indicator's spec.
pub(super) fn indicator(spec: &mut Value) {
    let mut spec = At(spec);
    spec.set("unit", json!({"maxLength": 32}));
    spec.set("query", json!({"minLength": 1, "maxLength": 4096}));
    spec.set("parameters", json!({"maxProperties": 32}));
    spec.set("parameters{}", json!({"maxLength": 256}));
}

/// The bounds that constraints and guardrails share.
fn limits(spec: &mut At<'_>, place: &str) {
    spec.rule(
        &format!("{place}replicas"),
        Rule::new(
            "!has(self.min) || !has(self.max) || self.min <= self.max",
            "the minimum is above the maximum",
        )
        .of(".min"),
    );
    for field in ["cpu", "memory"] {
        spec.rule(
            &format!("{place}{field}"),
            Rule::new(
                "!has(self.min) || !has(self.max) || quantity(string(self.min)).compareTo(quantity(string(self.max))) <= 0",
                "the minimum is above the maximum",
            )
            .of(".min"),
        );
    }
}

/// A rule in CEL with what is said where it doesn't hold.
struct Rule {
    rule: String,
    message: &'static str,
    field: Option<String>,
}

impl Rule {
    fn new(rule: &str, message: &'static str) -> Self {
        Self {
            rule: rule.to_owned(),
            message,
            field: None,
        }
    }

    /// The same, told of a field below.
    fn of(self, field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..self
        }
    }
}

/// A schema, to be changed at places: fields with dots between, `[]` for the items of a list, `{}` for the values of a map.
struct At<'a>(&'a mut Value);

impl At<'_> {
    fn node(&mut self, place: &str) -> Option<&mut Map<String, Value>> {
        let mut node = &mut *self.0;
        for part in place.split('.').filter(|part| !part.is_empty()) {
            let (name, below) = match part.find(['[', '{']) {
                Some(at) => part.split_at(at),
                None => (part, ""),
            };
            node = node.get_mut("properties")?.get_mut(name)?;
            match below {
                "[]" => node = node.get_mut("items")?,
                "{}" => node = node.get_mut("additionalProperties")?,
                _ => {}
            }
        }
        node.as_object_mut()
    }

    fn set(&mut self, place: &str, more: Value) {
        if let (Some(node), Value::Object(more)) = (self.node(place), more) {
            node.extend(more);
        } else {
            debug_assert!(false, "the schema has no `{place}`");
        }
    }

    fn rule(&mut self, place: &str, rule: Rule) {
        let mut written = json!({"rule": rule.rule, "message": rule.message});
        if let (Some(written), Some(field)) = (written.as_object_mut(), rule.field) {
            written.insert("fieldPath".to_owned(), json!(field));
        }
        let Some(node) = self.node(place) else {
            debug_assert!(false, "the schema has no `{place}`");
            return;
        };
        let rules = node
            .entry("x-kubernetes-validations")
            .or_insert_with(|| json!([]));
        if let Some(rules) = rules.as_array_mut() {
            rules.push(written);
        }
    }
}
