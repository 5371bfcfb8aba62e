//! What the documents may hold, for the mutator, in the words of the design and not of the code.

use ibn_testkit::mutants::{Kind, Schema};

const PLAIN: Kind = Kind::Quantity { signed: false };
const SIGNED: Kind = Kind::Quantity { signed: true };
const PODS: Kind = Kind::Whole(0, 4_294_967_295);

pub(crate) fn of(name: &str) -> Schema {
    match name.split('-').next().unwrap_or_default() {
        "intent" => intent(),
        "guardrail" => guardrail(),
        "indicator" => indicator(),
        "catalog" => catalog(),
        "config" => config(),
        _ => Schema::default(),
    }
}

fn document(kind: &'static str) -> Schema {
    Schema::default()
        .required("apiVersion", Kind::ApiVersion("ibn.dev/v1alpha1"))
        .required("kind", Kind::DocumentKind(kind))
        .required("metadata", Kind::Map)
        .required("metadata.name", Kind::Name)
        .field("metadata.namespace", Kind::Label)
        .field("metadata.labels", Kind::Open)
        .field("metadata.annotations", Kind::Open)
        .field("metadata.uid", Kind::Text)
        .field(
            "metadata.generation",
            Kind::Whole(i64::MIN.into(), i64::MAX.into()),
        )
        .required("spec", Kind::Map)
}

fn intent() -> Schema {
    document("Intent")
        .field("spec.text", Kind::Text)
        .required("spec.target", Kind::Map)
        .required(
            "spec.target.kind",
            Kind::Word(&["Deployment", "StatefulSet", "Namespace"]),
        )
        .required("spec.target.name", Kind::Name)
        .field("spec.expectations", Kind::Open)
        .field("spec.expectations[]", Kind::Map)
        .field("spec.expectations[].objective", Kind::Map)
        .required("spec.expectations[].objective.indicator", Kind::Text)
        .field("spec.expectations[].objective.quantile", Kind::Quantile)
        .field(
            "spec.expectations[].objective.atMost",
            Kind::Value(&["\"fast\"", "\"\"", "\"-5\""]),
        )
        .field(
            "spec.expectations[].objective.atLeast",
            Kind::Value(&["\"much\"", "\"\"", "\"-5\""]),
        )
        .field(
            "spec.expectations[].objective.window",
            Kind::Within("9s", "721h"),
        )
        .field("spec.expectations[].directive", Kind::Map)
        .field("spec.expectations[].directive.replicas", Kind::Map)
        .field("spec.expectations[].directive.replicas.to", PODS)
        .field(
            "spec.expectations[].directive.replicas.add",
            Kind::Whole(i32::MIN.into(), i32::MAX.into()),
        )
        .field("spec.expectations[].directive.replicas.scale", Kind::Factor)
        .field("spec.expectations[].directive.resources", Kind::Map)
        .field(
            "spec.expectations[].directive.resources.container",
            Kind::Label,
        )
        .field(
            "spec.expectations[].directive.resources.requests",
            Kind::Map,
        )
        .field("spec.expectations[].directive.resources.limits", Kind::Map)
        .field(
            "spec.expectations[].directive.resources.requests.cpu",
            Kind::Map,
        )
        .field(
            "spec.expectations[].directive.resources.requests.cpu.to",
            PLAIN,
        )
        .field(
            "spec.expectations[].directive.resources.requests.cpu.add",
            SIGNED,
        )
        .field(
            "spec.expectations[].directive.resources.requests.cpu.scale",
            Kind::Factor,
        )
        .field(
            "spec.expectations[].directive.resources.requests.memory",
            Kind::Map,
        )
        .field(
            "spec.expectations[].directive.resources.requests.memory.to",
            PLAIN,
        )
        .field(
            "spec.expectations[].directive.resources.requests.memory.add",
            SIGNED,
        )
        .field(
            "spec.expectations[].directive.resources.limits.cpu",
            Kind::Map,
        )
        .field(
            "spec.expectations[].directive.resources.limits.cpu.to",
            PLAIN,
        )
        .field(
            "spec.expectations[].directive.resources.limits.cpu.add",
            SIGNED,
        )
        .field(
            "spec.expectations[].directive.resources.limits.memory",
            Kind::Map,
        )
        .field(
            "spec.expectations[].directive.resources.limits.memory.to",
            PLAIN,
        )
        .field("spec.expectations[].directive.autoscale", Kind::Map)
        .field("spec.expectations[].directive.autoscale.min", PODS)
        .required("spec.expectations[].directive.autoscale.max", PODS)
        .field(
            "spec.expectations[].directive.autoscale.cpuUtilization",
            PODS,
        )
        .field("spec.expectations[].directive.quota", Kind::Map)
        .field("spec.expectations[].directive.quota.cpu", PLAIN)
        .field("spec.expectations[].directive.quota.memory", PLAIN)
        .field("spec.expectations[].directive.quota.pods", PODS)
        .field("spec.constraints", Kind::Map)
        .field("spec.constraints.replicas", Kind::Map)
        .field("spec.constraints.replicas.min", PODS)
        .field("spec.constraints.replicas.max", PODS)
        .field("spec.constraints.cpu", Kind::Map)
        .field("spec.constraints.cpu.min", PLAIN)
        .field("spec.constraints.cpu.max", PLAIN)
        .field("spec.constraints.memory", Kind::Map)
        .field("spec.constraints.memory.min", PLAIN)
        .field("spec.constraints.memory.max", PLAIN)
        .field("spec.constraints.budget", Kind::Map)
        .field("spec.constraints.budget.cpu", PLAIN)
        .field("spec.constraints.budget.memory", PLAIN)
        .field(
            "spec.preference",
            Kind::Word(&["cost", "performance", "balanced"]),
        )
        .field("spec.priority", Kind::Whole(1, 100))
        .field("spec.mode", Kind::Word(&["Enforce", "Advise", "Suspended"]))
        .field("spec.validity", Kind::Map)
        .field("spec.validity.from", Kind::Timestamp)
        .field("spec.validity.until", Kind::Timestamp)
        .field("spec.onEnd", Kind::Word(&["Restore", "Keep"]))
        .exactly_one(
            "spec.expectations[]",
            &[
                ("objective", r#"{"indicator": "latency", "atMost": "5ms"}"#),
                ("directive", r#"{"replicas": {"to": 5}}"#),
            ],
        )
        .exactly_one(
            "spec.expectations[].objective",
            &[("atMost", ""), ("atLeast", "")],
        )
        .exactly_one(
            "spec.expectations[].directive",
            &[
                ("replicas", r#"{"add": 1}"#),
                ("resources", r#"{"limits": {"cpu": {"to": 1}}}"#),
                ("autoscale", r#"{"max": 5}"#),
                ("quota", r#"{"pods": 5}"#),
            ],
        )
        .amount("spec.expectations[].directive.replicas")
        .amount("spec.expectations[].directive.resources.requests.cpu")
        .amount("spec.expectations[].directive.resources.requests.memory")
        .amount("spec.expectations[].directive.resources.limits.cpu")
        .amount("spec.expectations[].directive.resources.limits.memory")
        .ordered("spec.constraints.replicas", "min", "max")
        .ordered("spec.constraints.cpu", "min", "max")
        .ordered("spec.constraints.memory", "min", "max")
        .ordered("spec.expectations[].directive.autoscale", "min", "max")
        .interval("spec.validity", "from", "until")
}

trait Amount {
    fn amount(self, path: &'static str) -> Self;
}

impl Amount for Schema {
    fn amount(self, path: &'static str) -> Self {
        self.exactly_one(path, &[("to", "1"), ("add", "1"), ("scale", "1.5")])
    }
}

fn guardrail() -> Schema {
    document("Guardrail")
        .field("spec.selector", Kind::Map)
        .field(
            "spec.selector.kind",
            Kind::Word(&["Deployment", "StatefulSet", "Namespace"]),
        )
        .field("spec.selector.name", Kind::Name)
        .field("spec.selector.matchLabels", Kind::Open)
        .field("spec.replicas", Kind::Map)
        .field("spec.replicas.min", PODS)
        .field("spec.replicas.max", PODS)
        .field("spec.cpu", Kind::Map)
        .field("spec.cpu.min", PLAIN)
        .field("spec.cpu.max", PLAIN)
        .field("spec.memory", Kind::Map)
        .field("spec.memory.min", PLAIN)
        .field("spec.memory.max", PLAIN)
        .field("spec.budget", Kind::Map)
        .field("spec.budget.cpu", PLAIN)
        .field("spec.budget.memory", PLAIN)
        .field("spec.step", Kind::Map)
        .field("spec.step.replicasUp", PODS)
        .field("spec.step.replicasDown", PODS)
        .field("spec.step.resourceFactor", Kind::Number("1", ""))
        .field("spec.coolDown", Kind::Within("721h", "9999h"))
        .field("spec.freeze", Kind::Open)
        .field("spec.freeze[]", Kind::Map)
        .required("spec.freeze[].from", Kind::Timestamp)
        .required("spec.freeze[].until", Kind::Timestamp)
        .field("spec.freeze[].reason", Kind::Text)
        .field("spec.approval", Kind::Word(&["Low", "Medium", "High"]))
        .field("spec.rollout", Kind::Word(&["Allowed", "Never"]))
        .field("spec.yieldTo", Kind::Open)
        .ordered("spec.replicas", "min", "max")
        .ordered("spec.cpu", "min", "max")
        .ordered("spec.memory", "min", "max")
        .interval("spec.freeze[]", "from", "until")
}

fn indicator() -> Schema {
    document("Indicator")
        .field("spec.unit", Kind::Text)
        .required(
            "spec.direction",
            Kind::Word(&["LowerIsBetter", "HigherIsBetter"]),
        )
        .required("spec.query", Kind::Text)
        .field("spec.parameters", Kind::Open)
}

fn catalog() -> Schema {
    Schema::default()
        .field("workloads", Kind::Open)
        .field("workloads[]", Kind::Map)
        .required("workloads[].namespace", Kind::Label)
        .required(
            "workloads[].kind",
            Kind::Word(&["Deployment", "StatefulSet"]),
        )
        .required("workloads[].name", Kind::Name)
        .field("workloads[].replicas", PODS)
        .field("workloads[].containers", Kind::Open)
        .field("workloads[].containers[]", Kind::Map)
        .required("workloads[].containers[].name", Kind::Label)
        .field("workloads[].containers[].requests", Kind::Map)
        .field("workloads[].containers[].requests.cpu", PLAIN)
        .field("workloads[].containers[].requests.memory", PLAIN)
        .field("workloads[].containers[].limits", Kind::Map)
        .field("workloads[].containers[].limits.cpu", PLAIN)
        .field("workloads[].containers[].limits.memory", PLAIN)
        .field("workloads[].aliases", Kind::Open)
        .field("workloads[].aliases[]", Kind::Text)
        .field("namespaces", Kind::Open)
        .field("namespaces[]", Kind::Name)
        .field("indicators", Kind::Open)
        .field("indicators[]", Kind::Name)
}

fn config() -> Schema {
    Schema::default()
        .required("name", Kind::Text)
        .required("workers", Kind::Whole(1, 16))
        .field("threshold", Kind::Number("0", "1"))
        .field("verbose", Kind::Bool)
        .field("period", Kind::Duration)
        .field("timeout", Kind::Within("500ms", "61m"))
        .field("memory", PLAIN)
        .field("mode", Kind::Word(&["steady", "bursty"]))
        .field("since", Kind::Timestamp)
        .field("server", Kind::Map)
        .field("server.host", Kind::Text)
        .required("server.port", Kind::Whole(0, 65_535))
        .field("server.limits", Kind::Map)
        .field("server.limits.requests", Kind::Whole(0, u64::MAX.into()))
        .field("server.limits.burst", Kind::Number("", ""))
        .field("probes", Kind::Open)
        .field("probes[]", Kind::Map)
        .required("probes[].path", Kind::Text)
        .required("probes[].every", Kind::Duration)
        .field("probes[].retries", PODS)
}
