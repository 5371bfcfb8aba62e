//! Schemas of the core's types, as serde writes them.
//!
//! Documents that people write carry their schema in the core (`schema` feature). The rest is written down here in a
//! small notation; a test holds it against what is really sent.

use ibn_core::guardrail::{RiskClass, Rollout};
use ibn_core::intent::{ConditionKind, ConditionStatus, IntentSpec, IntentState, QuotaAmounts};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// One mapping: its name, what it is, and its fields as `name:Type` (`name?:Type` where it may be absent).
///
/// A type is a name of a schema, one of `string number integer boolean time duration any`, or such a one followed by
/// `[]` (a list), `{}` (a mapping from text) or `|null`.
const MAPPINGS: &[(&str, &str, &str)] = &[
    (
        "Intent",
        "What a person wants of one workload, with what the system says of it.",
        "apiVersion:string kind:string metadata:Metadata spec:IntentSpec status?:IntentStatus",
    ),
    (
        "Metadata",
        "The part of Kubernetes' object metadata that matters here.",
        "name:string namespace?:string uid?:string generation?:integer resourceVersion?:string creationTimestamp?:time \
         deletionTimestamp?:time labels?:string{} annotations?:string{}",
    ),
    (
        "IntentStatus",
        "What became of an intent.",
        "state:IntentState observedGeneration?:integer conditions?:Condition[] expectations?:ExpectationStatus[] \
         proposal?:IntentSpec conflicts?:StatusConflict[] lastDecision?:DecisionId",
    ),
    (
        "Condition",
        "A metav1.Condition.",
        "type:ConditionKind status:ConditionStatus reason:string message:string lastTransitionTime:time observedGeneration?:integer",
    ),
    (
        "ExpectationStatus",
        "What became of one expectation.",
        "achieved?:string fulfilled?:boolean hash?:string resolved?:Setting previous?:Setting ordered?:time reason?:string since?:time",
    ),
    (
        "StatusConflict",
        "A conflict as it stands in a status.",
        "rule:string level:string sides:string[] why:string waysOut:string[]",
    ),
    (
        "IntentKey",
        "Namespace and name of an intent.",
        "namespace:string name:string",
    ),
    (
        "Allocation",
        "What a workload is given, as absolute values.",
        "replicas:integer containers:ContainerResources[] autoscale?:Autoscale",
    ),
    (
        "ContainerResources",
        "Requests and limits of one container.",
        "name:string requests:Resources limits:Resources",
    ),
    (
        "Resources",
        "CPU and memory as Kubernetes quantities; absent where not set.",
        "cpu?:string memory?:string",
    ),
    (
        "PodResources",
        "A sum of CPU and memory.",
        "cpu:string memory:string",
    ),
    (
        "QuotaLimits",
        "The hard limits of a ResourceQuota.",
        "cpu?:string memory?:string pods?:integer",
    ),
    (
        "Autoscale",
        "A HorizontalPodAutoscaler on CPU utilisation.",
        "min?:integer max:integer cpuUtilization?:integer",
    ),
    (
        "FieldChange",
        "One field's old and new value.",
        "field:Field from?:string to?:string",
    ),
    (
        "WorkloadState",
        "What is live of one workload.",
        "workload:WorkloadRef resourceVersion:string labels?:string{} allocation:Allocation quota?:QuotaLimits \
         readyReplicas:integer owners?:FieldOwner{}",
    ),
    (
        "Observation",
        "What was measured of one workload over a window. A signal that isn't in here is missing, not zero.",
        "workload:WorkloadRef at:time window:duration readings:Reading{}",
    ),
    (
        "Reading",
        "One measured number and when it was true; NaN and infinity are written as text.",
        "value:any at:time",
    ),
    (
        "Floor",
        "What the measured load needs at least.",
        "replicas:integer totalCpu:string podMemory:string basis:string",
    ),
    (
        "Assessment",
        "What assurance says of a workload.",
        "intents:IntentAssessment[] health:SignalHealth floor?:Floor model?:WorkloadModel forecast?:Forecast \
         actions?:AssuranceAction[] findings?:Reason[]",
    ),
    (
        "IntentAssessment",
        "How one intent stands.",
        "intent:IntentKey objectives:ObjectiveAssessment[]",
    ),
    (
        "ObjectiveAssessment",
        "How one objective stands.",
        "expectation:integer achieved?:number met?:boolean burnRate?:BurnRate",
    ),
    (
        "BurnRate",
        "How many times faster than allowed the error budget is spent.",
        "short:number long:number",
    ),
    (
        "WorkloadModel",
        "How a workload turns requests into CPU time.",
        "cpuSecondsPerRequest:number serviceCv2:number baseLatencySeconds:number concurrency:integer \
         queueCapacity:integer|null startup:duration podMemory:string",
    ),
    (
        "Forecast",
        "Quantiles of the demand at times to come.",
        "madeAt:time points:ForecastPoint[]",
    ),
    (
        "ForecastPoint",
        "Quantile and value at one time to come.",
        "horizon:duration values:any[]",
    ),
    (
        "Prediction",
        "Predicted indicators with intervals.",
        "latency:Interval{} cpuUtilization:Interval errorRate:Interval throughput:Interval costCores:number saturated:boolean",
    ),
    (
        "Interval",
        "A value with the range in which it is expected; null is infinity.",
        "low:number|null mid:number|null high:number|null",
    ),
    (
        "Alternative",
        "An allocation that was considered.",
        "allocation:Allocation score:number note:string",
    ),
    (
        "Decision",
        "What was decided, with inputs, alternatives, reasons and what the guard cut.",
        "id:DecisionId at:time workload:WorkloadRef trigger:Trigger intents:IntentKey[] reasons:Reason[] \
         observation?:Observation before:Desired wanted:Desired approved?:Desired cuts?:Cut[] changes:FieldChange[] \
         alternatives?:Alternative[] predicted?:Prediction policy?:PolicyTrace",
    ),
    (
        "Reason",
        "A closed code for machines, a sentence for people.",
        "code:string message:string",
    ),
    (
        "PolicyTrace",
        "How a policy came to its action.",
        "policy:string logProbability:number value:number observationHash:integer action:integer explored:boolean",
    ),
    (
        "Cut",
        "Something that the guard did not allow.",
        "rule:CutRule field?:Field wanted:string allowed:string source:LimitSource",
    ),
    (
        "Receipt",
        "What was done, so that it can be undone.",
        "decision:DecisionId workload:WorkloadRef previous:Desired applied:Desired previousOwners?:FieldOwner{} \
         resourceVersion:string appliedAt:time",
    ),
    (
        "Diagnostic",
        "One fault of an input.",
        "code:string severity:Severity path:string line?:integer column?:integer message:string help:string",
    ),
    (
        "Conflict",
        "Two things that don't go together.",
        "rule:string level:Level nature:Nature sides:Side[] yields:Party why:string waysOut:string[]",
    ),
    ("Side", "One side of a conflict.", "party:Party says:string"),
    (
        "Effect",
        "What would come of an intent.",
        "before:Desired after:Desired predictedBefore?:Prediction predictedAfter?:Prediction objectives?:ObjectiveEffect[]",
    ),
    (
        "WhatIf",
        "What would become of an intent; fields, cuts and cost are those of the intent, or else of the counter-proposal.",
        "intent:IntentKey workload:WorkloadRef demand?:Demand outcome:AdmissionOutcome proposalEffect?:Effect \
         changes?:FieldChange[] cuts?:Cut[] cost?:Cost",
    ),
    (
        "Demand",
        "The demand that predictions are for.",
        "requestRate:number arrivalCv2:number",
    ),
    (
        "Cost",
        "The sum of requests over all pods, before and after.",
        "cpuBefore:string cpuAfter:string memoryBefore:string memoryAfter:string",
    ),
    (
        "ObjectiveEffect",
        "What an intent would do to an objective.",
        "intent:IntentKey expectation:integer objective:string before?:Interval after?:Interval metBefore?:boolean metAfter?:boolean isUncertain?:boolean",
    ),
    (
        "Catalog",
        "The closed list of names.",
        "workloads:CatalogWorkload[] namespaces:string[] indicators:string[]",
    ),
    (
        "CatalogWorkload",
        "One workload of the catalog.",
        "namespace:string kind:WorkloadKind name:string replicas:integer containers:ContainerResources[] aliases:string[]",
    ),
    (
        "Notice",
        "Something that was said aloud.",
        "workload?:WorkloadRef intent?:IntentKey level:NoticeLevel reason:Reason",
    ),
    (
        "Envelope",
        "All limits on one workload, each with who set it.",
        "workload:WorkloadRef replicas:Limits cpu:Limits memory:Limits budgets:Budget[] step:StepLimits coolDown?:duration \
         freeze:FreezeWindow[] approval?:RiskClass rollout:Rollout yieldTo:string[] sources:any",
    ),
    (
        "Limits",
        "Both ends of a bound, each with who set it.",
        "min?:Limit max?:Limit",
    ),
    (
        "Limit",
        "One bound and who set it.",
        "value:any source:LimitSource",
    ),
    (
        "Budget",
        "A sum that several workloads share.",
        "source:LimitSource members:WorkloadRef[] limit:QuotaAmounts pods?:integer",
    ),
    (
        "StepLimits",
        "How far one decision may go.",
        "replicasUp?:integer replicasDown?:integer resourceFactor?:number",
    ),
    (
        "FreezeWindow",
        "A span in which nothing is changed.",
        "from:time until:time reason?:string",
    ),
    (
        "HeldField",
        "A field that a directive holds.",
        "intent:IntentKey expectation:integer setting:Setting superseded?:any[]",
    ),
];

/// One word of a closed list: its name, what it is, and the words.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "Trigger",
        "What asked for a decision.",
        "directive constraint recommender restore undo",
    ),
    (
        "SignalHealth",
        "How far a signal can be relied on.",
        "fresh stale invalid missing",
    ),
    (
        "CutRule",
        "The rules of the guard.",
        "replicas podCpu podMemory step coolDown budget freeze approval signals floor owner changedSince barred rollout malformed unchanged",
    ),
    ("Severity", "How bad a fault is.", "warning error"),
    ("Level", "How bad a conflict is.", "warning blocking"),
    ("Nature", "Of which nature a conflict is.", "contest limit"),
    ("NoticeLevel", "How loud a notice is.", "normal warning"),
    ("Reader", "Who read a sentence.", "grammar model both"),
    (
        "QueryKind",
        "What a question is about.",
        "status explain whatIf",
    ),
    (
        "RefusalCode",
        "Why a sentence is not followed.",
        "outOfScope unsafe unknownTarget notUnderstood",
    ),
];

/// Exactly one of several fields: its name, what it is, and the fields.
const CHOICES: &[(&str, &str, &str)] = &[
    (
        "Desired",
        "What is wanted of, or live in, a workload or a namespace.",
        "allocation:Allocation quota:QuotaLimits|null",
    ),
    (
        "Setting",
        "The absolute values of the fields that a directive orders.",
        "replicas:integer containers:ContainerResources[] autoscale:Autoscale|null quota:QuotaLimits|null",
    ),
    (
        "AssuranceAction",
        "What assurance asks for.",
        "corrective:Intent demoteLearner:any undo:any",
    ),
];

/// A word and the fields of the form that it stands for.
type Forms = &'static [(&'static str, &'static str)];

/// A mapping whose form a field tells: its name, what it is, the field, and for each of its words the other fields.
const TAGGED: &[(&str, &str, &str, Forms)] = &[
    (
        "AdmissionOutcome",
        "What admission says of an intent.",
        "verdict",
        &[
            (
                "accepted",
                "diagnostics?:Diagnostic[] warnings?:Reason[] conflicts?:Conflict[] feasibility:any resolved:any[] \
             displaces?:IntentKey[] effect:Effect",
            ),
            ("rejected", "diagnostics:Diagnostic[] conflicts:Conflict[]"),
            (
                "infeasible",
                "why:string proposal:IntentSpec|null conflicts:Conflict[]",
            ),
        ],
    ),
    (
        "Translation",
        "What a sentence means.",
        "outcome",
        &[
            ("intent", "intents:Intent[] notes?:string[] reader:Reader"),
            (
                "query",
                "about:QueryKind target?:WorkloadRef intents?:Intent[]",
            ),
            (
                "clarify",
                "question:string missing?:string[] candidates?:string[]",
            ),
            ("refuse", "code:RefusalCode message:string"),
        ],
    ),
];

/// Texts with a form, and words that may carry a name.
const TEXTS: &[(&str, &str)] = &[
    ("DecisionId", "Identifies a decision, such as `d17`."),
    ("WorkloadRef", "`namespace/Kind/name`."),
    ("Field", "A field such as `replicas` or `app.requests.cpu`."),
];

pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = documents();
    for (name, about, fields) in MAPPINGS {
        schemas.insert((*name).to_owned(), mapping(about, fields));
    }
    for (name, about, words) in WORDS {
        let words: Vec<&str> = words.split_whitespace().collect();
        let schema = json!({"type": "string", "description": about, "enum": words});
        schemas.insert((*name).to_owned(), schema);
    }
    for (name, about, fields) in CHOICES {
        let choices: Vec<Value> = fields
            .split_whitespace()
            .map(|field| mapping("", field))
            .collect();
        schemas.insert(
            (*name).to_owned(),
            json!({"description": about, "oneOf": choices}),
        );
    }
    for (name, about, tag, forms) in TAGGED {
        let forms: Vec<Value> = forms
            .iter()
            .map(|(word, fields)| {
                let mut form = mapping("", &format!("{tag}:string {fields}"));
                if let Some(tag) = form.pointer_mut(&format!("/properties/{tag}")) {
                    *tag = json!({"const": word});
                }
                form
            })
            .collect();
        schemas.insert(
            (*name).to_owned(),
            json!({"description": about, "oneOf": forms}),
        );
    }
    for (name, about) in TEXTS {
        schemas.insert(
            (*name).to_owned(),
            json!({"type": "string", "description": about}),
        );
    }
    for (name, about) in [
        (
            "Party",
            "Who may stand on a side of a conflict: a word, or a mapping from a word to a name.",
        ),
        (
            "LimitSource",
            "Who set a limit: `default`, or a mapping from `guardrail`, `intent` or `quota` to a name.",
        ),
        (
            "FieldOwner",
            "Who claims a field: `ibn`, or a mapping from a kind of owner to a name.",
        ),
    ] {
        schemas.insert(
            name.to_owned(),
            json!({"type": ["string", "object"], "description": about}),
        );
    }
    schemas
}

/// The schemas that the core itself has.
fn documents() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<IntentSpec>();
    generator.subschema_for::<IntentState>();
    generator.subschema_for::<ConditionKind>();
    generator.subschema_for::<ConditionStatus>();
    generator.subschema_for::<QuotaAmounts>();
    generator.subschema_for::<RiskClass>();
    generator.subschema_for::<Rollout>();
    generator.take_definitions(true)
}

fn mapping(about: &str, fields: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields.split_whitespace() {
        let Some((name, kind)) = field.split_once(':') else {
            continue;
        };
        let needed = name.strip_suffix('?');
        properties.insert(needed.unwrap_or(name).to_owned(), typed(kind));
        if needed.is_none() {
            required.push(name);
        }
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if let Some(schema) = schema.as_object_mut() {
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        if !about.is_empty() {
            schema.insert("description".to_owned(), json!(about));
        }
    }
    schema
}

fn typed(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix("[]") {
        return json!({"type": "array", "items": typed(kind)});
    }
    if let Some(kind) = kind.strip_suffix("{}") {
        return json!({"type": "object", "additionalProperties": typed(kind)});
    }
    if let Some(kind) = kind.strip_suffix("|null") {
        return json!({"anyOf": [typed(kind), {"type": "null"}]});
    }
    match kind {
        "any" => json!({}),
        "time" => json!({"type": "string", "format": "date-time"}),
        "duration" => json!({"type": "string", "examples": ["5m"]}),
        "string" | "number" | "integer" | "boolean" => json!({"type": kind}),
        name => json!({"$ref": format!("#/components/schemas/{name}")}),
    }
}
