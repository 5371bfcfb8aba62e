//! The form of a model's answer: flat, closed, and read strictly.

use serde::Deserialize;

use super::check::Fault;

/// More text than a form of eight statements can have.
const MAX_CONTENT: usize = 16 << 10;
/// More statements than a sentence has.
const MAX_STATEMENTS: usize = 16;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) outcome: Outcome,
    pub(super) about: About,
    pub(super) missing: Missing,
    pub(super) code: Code,
    pub(super) statements: Vec<Statement>,
}

/// One thing that is said of one target.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    pub(super) target: String,
    pub(super) field: Field,
    pub(super) change: Change,
    pub(super) value: String,
    pub(super) container: String,
    pub(super) quantile: String,
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub(super) enum $name {
            $(#[serde(rename = $text)] $variant,)+
        }

        impl $name {
            pub(super) const NAMES: &'static [&'static str] = &[$($text,)+];
        }
    };
}

names! {
    /// What the sentence is.
    Outcome { Intent = "intent", Query = "query", Clarify = "clarify", Refuse = "refuse", }
}

names! {
    /// What a query asks about.
    About { None = "none", Status = "status", Explain = "explain", WhatIf = "whatIf", }
}

names! {
    /// What a question is about.
    Missing {
        None = "none",
        Target = "target",
        Amount = "amount",
        Unit = "unit",
        Container = "container",
        Maximum = "maximum",
        Meaning = "meaning",
    }
}

names! {
    /// Why the sentence is refused.
    Code {
        None = "none",
        OutOfScope = "outOfScope",
        Unsafe = "unsafe",
        UnknownTarget = "unknownTarget",
        NotUnderstood = "notUnderstood",
    }
}

names! {
    /// What a statement is about.
    Field {
        Replicas = "replicas",
        Cpu = "cpu",
        Memory = "memory",
        CpuRequests = "cpuRequests",
        CpuLimits = "cpuLimits",
        MemoryRequests = "memoryRequests",
        MemoryLimits = "memoryLimits",
        PodReplicas = "podReplicas",
        PodCpu = "podCpu",
        PodMemory = "podMemory",
        TotalCpu = "totalCpu",
        TotalMemory = "totalMemory",
        Latency = "latency",
        ErrorRate = "errorRate",
        Availability = "availability",
        CpuUtilization = "cpuUtilization",
        MemoryUtilization = "memoryUtilization",
        Throughput = "throughput",
        Cost = "cost",
        QuotaCpu = "quotaCpu",
        QuotaMemory = "quotaMemory",
        QuotaPods = "quotaPods",
        AutoscaleMin = "autoscaleMin",
        AutoscaleMax = "autoscaleMax",
        AutoscaleCpu = "autoscaleCpu",
        Preference = "preference",
        Priority = "priority",
        Mode = "mode",
    }
}

names! {
    /// What becomes of it.
    Change {
        To = "to",
        IncreaseBy = "increaseBy",
        DecreaseBy = "decreaseBy",
        MultiplyBy = "multiplyBy",
        AtMost = "atMost",
        AtLeast = "atLeast",
    }
}

/// Reads an answer: one JSON object, nothing around it.
pub(super) fn read(content: &str) -> Result<Reply, Fault> {
    if content.len() > MAX_CONTENT {
        return Err(Fault::new("the answer is too long"));
    }
    let reply: Reply = serde_json::from_str(content.trim())
        .map_err(|error| Fault::new(format!("it is not of the schema ({error})")))?;
    if reply.statements.len() > MAX_STATEMENTS {
        return Err(Fault::new("there are too many statements"));
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"outcome":"clarify","about":"none","missing":"amount","code":"none","statements":[]}"#;

    #[test]
    fn only_the_exact_form_is_read() {
        assert!(read(GOOD).is_ok());
        for bad in [
            "",
            "null",
            "[]",
            "Sure! {\"outcome\":\"clarify\"}",
            &format!("```json\n{GOOD}\n```"),
            &GOOD.replace("clarify", "obey"),
            &GOOD.replace("[]", "{}"),
            &GOOD.replace("\"code\":\"none\"", "\"code\":\"none\",\"extra\":1"),
            &GOOD.replace("\"code\":\"none\"", "\"code\":\"none\",\"code\":\"unsafe\""),
            &GOOD.replace("\"amount\"", "NaN"),
            GOOD.get(..40).unwrap(),
            &format!("{GOOD}{GOOD}"),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
