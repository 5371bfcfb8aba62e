//! Bounds on replicas, CPU and memory, as constraints and guardrails both have them.

use super::Findings;
use crate::diagnostic::Code;
use crate::intent::{BudgetLimit, Range};
use crate::read::path::join;
use crate::units::{Bytes, CpuMillis};

/// The bounds that constraints and guardrails share.
pub(super) struct Limits<'a> {
    pub(super) replicas: &'a Range<u32>,
    pub(super) cpu: &'a Range<CpuMillis>,
    pub(super) memory: &'a Range<Bytes>,
    pub(super) budget: &'a BudgetLimit,
}

/// Each minimum at most its maximum, and the least that the bounds allow inside the budget.
pub(super) fn limits(path: &str, limits: &Limits<'_>, findings: &mut Findings) {
    findings.ordered(
        &join(path, "replicas"),
        limits.replicas.min,
        limits.replicas.max,
    );
    findings.ordered(&join(path, "cpu"), limits.cpu.min, limits.cpu.max);
    findings.ordered(&join(path, "memory"), limits.memory.min, limits.memory.max);
    let pods = limits.replicas.min.unwrap_or(1);
    let cpu = limits
        .cpu
        .min
        .map(|cpu| (cpu.to_string(), cpu.saturating_mul(pods.into()).get()));
    let memory = limits
        .memory
        .min
        .map(|memory| (memory.to_string(), memory.saturating_mul(pods.into()).get()));
    let cpu_budget = limits.budget.cpu.map(|cpu| (cpu.to_string(), cpu.get()));
    let memory_budget = limits
        .budget
        .memory
        .map(|memory| (memory.to_string(), memory.get()));
    for (resource, least, most) in [("cpu", cpu, cpu_budget), ("memory", memory, memory_budget)] {
        if let (Some((each, least)), Some((budget, most))) = (least, most)
            && least > most
        {
            findings.error(
                Code::MinAboveMax,
                join(&join(path, "budget"), resource),
                format!("{pods} pods of at least `{each}` need more than the budget `{budget}`"),
                "a greater budget, or smaller minimums",
            );
        }
    }
}
