//! What the measured load needs at least.

use std::time::Duration;

use ibn_core::assessment::AssessmentInput;
use ibn_core::observation::{Floor, Signal};
use ibn_core::units::{Bytes, CpuMillis, Magnitude, format_duration};
use ibn_core::workload::WorkloadKind;

use crate::settings::AssuranceSettings;
use crate::slo::{earlier, fresh_value};

/// CPU use below this share of the limits, with no request at all, is the idling of the runtime, not load.
const IDLING: f64 = 0.02;

/// The least that the load of the last `floor_window` needs; `None` where CPU use wasn't measured in it.
///
/// - CPU: `peak(CPU used) / max_utilization`, over all pods.
/// - Pods: as many of the present size as hold that; all of them where a pod has neither limit nor request;
///   none while no request comes.
/// - Memory: the greatest use of a pod, plus headroom. Where only the sum is measured, the mean stands in.
///
/// The CPU that throttled pods used is less than what they needed. They use all that they have, so that
/// the floor lies above what is live, and nothing shrinks.
pub(crate) fn measure(input: &AssessmentInput, settings: &AssuranceSettings) -> Option<Floor> {
    if input.state.workload.kind == WorkloadKind::Namespace {
        return None;
    }
    let window = settings.floor_window;
    let used = peak(input, window, &Signal::CpuUsage)?;
    let requests = peak(input, window, &Signal::RequestRate);
    let allocation = &input.state.allocation;
    let pod_cpu = allocation.pod_limits().cpu.as_cores();
    let live = pod_cpu * f64::from(allocation.replicas);
    let idle = requests == Some(0.0) && used <= IDLING * live;
    let cores = if idle {
        0.0
    } else {
        used / settings.max_utilization
    };
    // Rounded up: a floor that is a millicore short is none. What is only the error of arithmetic doesn't count.
    let total_cpu = CpuMillis::new(saturating_u64((cores * 1000.0 - 1e-6).ceil()));
    let replicas = if idle {
        0
    } else if pod_cpu > 0.0 {
        saturating_u32((total_cpu.as_cores() / pod_cpu).ceil()).max(1)
    } else {
        allocation.replicas
    };
    let memory = pod_memory_peak(input, window);
    let pod_memory = memory.map_or(0.0, |bytes| bytes * (1.0 + settings.memory_headroom));
    Some(Floor {
        replicas,
        total_cpu,
        pod_memory: Bytes::new(saturating_u64(pod_memory.round())),
        basis: basis(used, idle, memory, window, settings),
    })
}

/// The greatest memory use of a pod within `window`, bytes.
pub(crate) fn pod_memory_peak(input: &AssessmentInput, window: Duration) -> Option<f64> {
    peak(input, window, &Signal::MemoryPeak).or_else(|| {
        let total = peak(input, window, &Signal::MemoryUsage)?;
        let pods = input
            .state
            .ready_replicas
            .min(input.state.allocation.replicas)
            .max(1);
        Some(total / f64::from(pods))
    })
}

fn peak(input: &AssessmentInput, window: Duration, signal: &Signal) -> Option<f64> {
    let from = earlier(input.now, window);
    input
        .history
        .iter()
        .rev()
        .take_while(|seen| seen.at > from)
        .filter_map(|seen| fresh_value(seen, signal, input.max_signal_age))
        .fold(None, |peak: Option<f64>, value| {
            Some(peak.map_or(value, |peak| peak.max(value)))
        })
}

fn basis(
    used: f64,
    idle: bool,
    memory: Option<f64>,
    window: Duration,
    settings: &AssuranceSettings,
) -> String {
    let window = format_duration(window);
    let mut text = if idle {
        format!("no request in {window}")
    } else {
        format!(
            "at most {used:.3} cores used in {window}, to be at most {:.0} % of the limits",
            100.0 * settings.max_utilization
        )
    };
    if let Some(memory) = memory {
        let mebibytes = memory / f64::from(1 << 20);
        text.push_str(&format!(
            "; a pod used at most {mebibytes:.0} MiB, and {:.0} % on top",
            100.0 * settings.memory_headroom
        ));
    }
    text
}

pub(crate) fn saturating_u64(value: f64) -> u64 {
    value.clamp(0.0, u64::MAX as f64) as u64
}

pub(crate) fn saturating_u32(value: f64) -> u32 {
    value.clamp(0.0, u32::MAX.as_f64()) as u32
}
