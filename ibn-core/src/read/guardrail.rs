//! Guardrails from nodes.

use super::decode::Decode;
use super::intent::words;
use super::metadata::header;
use super::node::Node;
use super::reader::Reader;
use crate::guardrail::{
    FreezeWindow, Guardrail, GuardrailSpec, RiskClass, Rollout, Selector, StepLimits,
};
use crate::intent::{API_VERSION, Metadata};
use crate::validate::{self, Findings};

impl Decode for Guardrail {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            reader.fields(node, &["apiVersion", "kind", "metadata", "spec", "status"])?;
        header(&mut fields, "Guardrail");
        let metadata: Option<Metadata> = fields.required("metadata");
        let spec: Option<GuardrailSpec> = fields.required("spec");
        fields.drop_system_field("status");
        let spec = spec?;
        let mut findings = Findings::default();
        validate::guardrail_spec(&spec, &mut findings);
        reader.report_rules(node, findings.diagnostics);
        Some(Self {
            api_version: API_VERSION.to_owned(),
            kind: "Guardrail".to_owned(),
            metadata: metadata?,
            spec,
        })
    }
}

impl Decode for GuardrailSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(
            node,
            &[
                "selector", "replicas", "cpu", "memory", "budget", "step", "coolDown", "freeze",
                "approval", "rollout", "yieldTo",
            ],
        )?;
        let selector = fields.or_default("selector");
        let replicas = fields.or_default("replicas");
        let cpu = fields.or_default("cpu");
        let memory = fields.or_default("memory");
        let budget = fields.or_default("budget");
        let step = fields.or_default("step");
        let cool_down = fields.optional("coolDown");
        let freeze = fields.or_default("freeze");
        let approval = fields.optional("approval");
        let rollout = fields.optional("rollout");
        let yield_to = fields.or_default("yieldTo");
        Some(Self {
            selector: selector.unwrap_or_default(),
            replicas: replicas.unwrap_or_default(),
            cpu: cpu.unwrap_or_default(),
            memory: memory.unwrap_or_default(),
            budget: budget.unwrap_or_default(),
            step: step.unwrap_or_default(),
            cool_down: cool_down.flatten(),
            freeze: freeze.unwrap_or_default(),
            approval: approval.flatten(),
            rollout: rollout.flatten(),
            yield_to: yield_to.unwrap_or_default(),
        })
    }
}

impl Decode for Selector {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["kind", "name", "matchLabels"])?;
        let kind = fields.optional("kind");
        let name = fields.optional("name");
        let match_labels = fields.or_default("matchLabels");
        Some(Self {
            kind: kind.flatten(),
            name: name.flatten(),
            match_labels: match_labels.unwrap_or_default(),
        })
    }
}

impl Decode for StepLimits {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["replicasUp", "replicasDown", "resourceFactor"])?;
        let replicas_up = fields.optional("replicasUp");
        let replicas_down = fields.optional("replicasDown");
        let resource_factor = fields.optional_with("resourceFactor", |node, reader| {
            reader.number(node, 1.0..=f64::MAX)
        });
        Some(Self {
            replicas_up: replicas_up.flatten(),
            replicas_down: replicas_down.flatten(),
            resource_factor: resource_factor.flatten(),
        })
    }
}

impl Decode for FreezeWindow {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = reader.fields(node, &["from", "until", "reason"])?;
        let from = fields.required("from");
        let until = fields.required("until");
        let reason = fields.or_default("reason");
        let window = Self {
            from: from?,
            until: until?,
            reason: reason.unwrap_or_default(),
        };
        let mut findings = Findings::default();
        validate::freeze_window("", &window, &mut findings);
        reader.report_rules(node, findings.diagnostics);
        Some(window)
    }
}

words! {
    RiskClass { "Low" = Low, "Medium" = Medium, "High" = High }
    Rollout { "Allowed" = Allowed, "Never" = Never }
}
