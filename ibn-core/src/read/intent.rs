//! Intents from nodes.

use jiff::Timestamp;

use super::decode::Decode;
use super::metadata::{checked, header};
use super::node::{Node, Value};
use super::reader::{Reader, float};
use super::words::quote;
use crate::diagnostic::Code;
use crate::intent::{
    API_VERSION, Amount, Autoscale, Bound, BudgetLimit, Constraints, Directive, Expectation,
    IndicatorName, Intent, IntentSpec, Metadata, Mode, Objective, OnEnd, Preference, QuotaAmounts,
    Range, ResourceAmounts, ResourcesDirective, Target, Validity,
};
use crate::units::{IndicatorValue, Magnitude, Quantile, Unit};
use crate::validate::{self, Findings, SpecParts};
use crate::workload::WorkloadKind;

impl Decode for Intent {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            reader.fields(node, &["apiVersion", "kind", "metadata", "spec", "status"])?;
        header(&mut fields, "Intent");
        let metadata: Option<Metadata> = fields.required("metadata");
        let draft = fields.required_with("spec", Draft::decode);
        fields.drop_system_field("status");
        let draft = draft?;
        let mut findings = Findings::default();
        let namespace = metadata
            .as_ref()
            .map_or("", |metadata| metadata.namespace.as_str());
        validate::spec(&draft.parts(), namespace, &mut findings);
        reader.report_rules(node, findings.diagnostics);
        Some(Self {
            api_version: API_VERSION.to_owned(),
            kind: "Intent".to_owned(),
            metadata: metadata?,
            spec: draft.finish()?,
            status: None,
        })
    }
}

impl Decode for IntentSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        Draft::decode(node, reader)?.finish()
    }
}

/// A spec of which parts may be unreadable, so that rules can look at the others.
struct Draft {
    text: Option<String>,
    target: Option<Target>,
    expectations: Vec<Option<Expectation>>,
    constraints: Constraints,
    preference: Option<Preference>,
    priority: Option<u8>,
    mode: Option<Mode>,
    validity: Option<Validity>,
    on_end: Option<OnEnd>,
}

impl Draft {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(
            node,
            &[
                "text",
                "target",
                "expectations",
                "constraints",
                "preference",
                "priority",
                "mode",
                "validity",
                "onEnd",
                "origin",
            ],
        )?;
        let text = fields.optional("text");
        let target = fields.required("target");
        let expectations = fields.optional_with("expectations", |node, reader| {
            reader.each(node, Expectation::decode)
        });
        let constraints = fields.or_default("constraints");
        let preference = fields.optional("preference");
        let priority = fields.optional_with("priority", |node, reader| reader.whole(node, 1..=100));
        let mode = fields.optional("mode");
        let validity = fields.optional("validity");
        let on_end = fields.optional("onEnd");
        fields.drop_system_field("origin");
        Some(Self {
            text: text.flatten(),
            target,
            expectations: expectations.flatten().unwrap_or_default(),
            constraints: constraints.unwrap_or_default(),
            preference: preference.flatten(),
            priority: priority.flatten(),
            mode: mode.flatten(),
            validity: validity.flatten(),
            on_end: on_end.flatten(),
        })
    }

    fn parts(&self) -> SpecParts<'_> {
        SpecParts {
            target: self.target.as_ref(),
            expectations: self
                .expectations
                .iter()
                .enumerate()
                .filter_map(|(index, expectation)| Some((index, expectation.as_ref()?)))
                .collect(),
            constraints: &self.constraints,
            priority: self.priority,
            preference: self.preference,
            mode: self.mode,
            validity: self.validity,
        }
    }

    fn finish(self) -> Option<IntentSpec> {
        Some(IntentSpec {
            text: self.text,
            target: self.target?,
            expectations: self.expectations.into_iter().collect::<Option<_>>()?,
            constraints: self.constraints,
            preference: self.preference,
            priority: self.priority,
            mode: self.mode,
            validity: self.validity,
            on_end: self.on_end,
            origin: None,
        })
    }
}

macro_rules! words {
    ($($type:ty { $($word:literal = $variant:ident),+ $(,)? })+) => {$(
        impl Decode for $type {
            fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
                reader.one_of(node, &[$(($word, Self::$variant)),+])
            }
        }
    )+};
}
pub(super) use words;
words! {
    WorkloadKind { "Deployment" = Deployment, "StatefulSet" = StatefulSet, "Namespace" = Namespace }
    Preference { "cost" = Cost, "performance" = Performance, "balanced" = Balanced }
    Mode { "Enforce" = Enforce, "Advise" = Advise, "Suspended" = Suspended }
    OnEnd { "Restore" = Restore, "Keep" = Keep }
}

impl Decode for Target {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["kind", "name"])?;
        let kind: Option<WorkloadKind> = fields.required("kind");
        let name = fields.required_with("name", |node, reader| {
            checked(node, reader, |path, name, findings| {
                validate::target(path, kind, name, findings)
            })
        });
        Some(Self {
            kind: kind?,
            name: name?,
        })
    }
}

impl Decode for Expectation {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let names = ["objective", "directive"];
        let mut fields = reader.fields(node, &names)?;
        let objective = fields.optional("objective");
        let directive = fields.optional("directive");
        match fields.exactly_one(&names)? {
            "objective" => objective?.map(Self::Objective),
            _ => directive?.map(Self::Directive),
        }
    }
}

impl Decode for Objective {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(
            node,
            &["indicator", "quantile", "atMost", "atLeast", "window"],
        )?;
        let indicator: Option<IndicatorName> = fields.required("indicator");
        let quantile: Option<Option<Quantile>> = fields.optional("quantile");
        let mut bound = |name| {
            fields.optional_with(name, |node, reader| {
                // Without its indicator a value has no unit to be judged by.
                indicator_value(node, reader, indicator.as_ref()?)
            })
        };
        let at_most = bound("atMost");
        let at_least = bound("atLeast");
        let window = fields.optional("window");
        let side = fields.exactly_one(&["atMost", "atLeast"]);
        let mut findings = Findings::default();
        if let (Some(indicator), Some(quantile)) = (&indicator, quantile) {
            validate::quantile("", indicator, quantile, &mut findings);
        }
        if let Some(Some(window)) = window {
            validate::window("", window, &mut findings);
        }
        reader.report_rules(node, findings.diagnostics);
        Some(Self {
            indicator: indicator?,
            quantile: quantile?,
            bound: match side? {
                "atMost" => Bound::AtMost(at_most??),
                _ => Bound::AtLeast(at_least??),
            },
            window: window?,
        })
    }
}

impl Decode for IndicatorName {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let name = reader.text(node)?;
        match name.parse() {
            Ok(name) => Some(name),
            Err(never) => match never {},
        }
    }
}

/// A value in the unit of its indicator. Where the unit is a count or none, a bare number is one too.
fn indicator_value(
    node: &Node,
    reader: &mut Reader,
    indicator: &IndicatorName,
) -> Option<IndicatorValue> {
    let expected = match indicator.unit() {
        Some(Unit::Seconds) => "a duration such as `200ms`",
        Some(Unit::Percent) => "a percentage such as `99.9%`",
        Some(Unit::RequestsPerSecond) => "a request rate such as `120rps`",
        Some(Unit::Cores) => "an amount of CPU such as `8` or `500m`",
        Some(Unit::Other(_)) | None => {
            "a number of at least 0 followed by its unit, such as `30items`"
        }
    };
    let text = match (&node.value, indicator.unit()) {
        (Value::Text(text), _) => text,
        (Value::Number(number), Some(Unit::Cores) | None) => number,
        _ => return reader.parse(node, Code::InvalidIndicatorValue, expected, |_| None),
    };
    let value = indicator.parse_value(text).ok();
    if value.is_none() {
        let message = format!(
            "{} is no value of {}",
            quote(text),
            quote(indicator.as_str())
        );
        reader.error(node, Code::InvalidIndicatorValue, message, expected);
    }
    value
}

impl Decode for Directive {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let names = ["replicas", "resources", "autoscale", "quota"];
        let mut fields = reader.fields(node, &names)?;
        let replicas = fields.optional("replicas");
        let resources = fields.optional("resources");
        let autoscale = fields.optional("autoscale");
        let quota = fields.optional("quota");
        match fields.exactly_one(&names)? {
            "replicas" => replicas?.map(Self::Replicas),
            "resources" => resources?.map(Self::Resources),
            "autoscale" => autoscale?.map(Self::Autoscale),
            _ => quota?.map(Self::Quota),
        }
    }
}

impl<T: Decode + Magnitude> Decode for Amount<T>
where
    T::Delta: Decode,
{
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let names = ["to", "add", "scale"];
        let mut fields = reader.fields(node, &names)?;
        let to = fields.optional("to");
        let add = fields.optional("add");
        let scale = fields.optional_with("scale", scale);
        match fields.exactly_one(&names)? {
            "to" => to?.map(Self::To),
            "add" => add?.map(Self::Add),
            _ => scale?.map(Self::Scale),
        }
    }
}

/// A factor. Negative and infinite ones are amounts that can't be, rather than numbers out of range.
fn scale(node: &Node, reader: &mut Reader) -> Option<f64> {
    let allowed = "a finite factor of at least 0, such as 1.5 for half as much again";
    let written = reader.number_text(node, allowed)?;
    let factor = float(written).filter(|factor| factor.is_finite() && *factor >= 0.0);
    if factor.is_none() {
        let message = format!("nothing can be scaled by {}", quote(written));
        reader.error(node, Code::ImpossibleAmount, message, allowed);
    }
    factor
}

impl Decode for ResourcesDirective {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["container", "requests", "limits"])?;
        let container = fields.optional("container");
        let requests = fields.or_default("requests");
        let limits = fields.or_default("limits");
        // A container that could not be read is not every container.
        if container == Some(None) && node.is_partial() {
            return None;
        }
        Some(Self {
            container: container?,
            requests: requests.unwrap_or_default(),
            limits: limits.unwrap_or_default(),
        })
    }
}

impl Decode for ResourceAmounts {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["cpu", "memory"])?;
        let cpu = fields.optional("cpu");
        let memory = fields.optional("memory");
        Some(Self {
            cpu: cpu.flatten(),
            memory: memory.flatten(),
        })
    }
}

impl Decode for Autoscale {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["min", "max", "cpuUtilization"])?;
        let min = fields.optional("min");
        let max = fields.required("max");
        let cpu_utilization = fields.optional("cpuUtilization");
        Some(Self {
            min: min?,
            max: max?,
            cpu_utilization: cpu_utilization.flatten(),
        })
    }
}

impl Decode for QuotaAmounts {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["cpu", "memory", "pods"])?;
        let cpu = fields.optional("cpu");
        let memory = fields.optional("memory");
        let pods = fields.optional("pods");
        Some(Self {
            cpu: cpu.flatten(),
            memory: memory.flatten(),
            pods: pods.flatten(),
        })
    }
}

impl Decode for Constraints {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["replicas", "cpu", "memory", "budget"])?;
        let replicas = fields.or_default("replicas");
        let cpu = fields.or_default("cpu");
        let memory = fields.or_default("memory");
        let budget = fields.or_default("budget");
        Some(Self {
            replicas: replicas.unwrap_or_default(),
            cpu: cpu.unwrap_or_default(),
            memory: memory.unwrap_or_default(),
            budget: budget.unwrap_or_default(),
        })
    }
}

impl<T: Decode> Decode for Range<T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["min", "max"])?;
        let min = fields.optional("min");
        let max = fields.optional("max");
        Some(Self {
            min: min.flatten(),
            max: max.flatten(),
        })
    }
}

impl Decode for BudgetLimit {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["cpu", "memory"])?;
        let cpu = fields.optional("cpu");
        let memory = fields.optional("memory");
        Some(Self {
            cpu: cpu.flatten(),
            memory: memory.flatten(),
        })
    }
}

impl Decode for Validity {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["from", "until"])?;
        let from: Option<Option<Timestamp>> = fields.optional("from");
        let until = fields.optional("until");
        Some(Self {
            from: from.flatten(),
            until: until.flatten(),
        })
    }
}
