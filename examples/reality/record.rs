//! The recorded runs: gzipped JSON lines, one run or sample a line.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use serde::Deserialize;

/// One line, by its `kind`. Fields that nothing here needs aren't read.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Line {
    Steady(Steady),
    Overload(Steady),
    Hpa(Dynamic),
    Kill(Dynamic),
    ResizeLoad(Dynamic),
    Startup(Startup),
    Resize(Resize),
}

/// What a run was set to.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    pub(crate) limit_m: u64,
    pub(crate) replicas: u32,
    pub(crate) service_ms: f64,
    /// GOMAXPROCS where absent, which is the machine's cores.
    pub(crate) concurrency: Option<u32>,
    pub(crate) max_queue: u32,
    pub(crate) mode: Mode,
    pub(crate) arrivals: Process,
    pub(crate) profile: String,
    pub(crate) seed: u64,
    pub(crate) end_s: f64,
}

/// How the client connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    DirectKeepalive,
    ClusteripFresh,
    ClusteripKeepalive,
}

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Process {
    Poisson,
    Deterministic,
}

/// A run at a constant rate, within its quota or beyond it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Steady {
    pub(crate) id: String,
    pub(crate) config: Config,
    #[serde(default)]
    pub(crate) parallel: Option<Vec<serde_json::Value>>,
    pub(crate) window: Window,
    pub(crate) whole: Whole,
    pub(crate) cpu_ms_per_completed: f64,
    pub(crate) cpu_cores: f64,
}

/// Requests due in a span of time.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Window {
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    pub(crate) offered: u64,
    pub(crate) offered_rps: f64,
    pub(crate) served_rps: f64,
    pub(crate) codes: BTreeMap<String, u64>,
    pub(crate) latency_ms: Latency,
}

/// Requests due in the whole run.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Whole {
    pub(crate) offered: u64,
    pub(crate) codes: BTreeMap<String, u64>,
    pub(crate) latency_ms: Latency,
}

/// Latencies of what was served; absent where nothing was.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Latency {
    pub(crate) mean: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
}

/// A run in which something changes.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dynamic {
    pub(crate) id: String,
    pub(crate) config: Config,
    #[serde(default)]
    pub(crate) hpa: Option<serde_json::Value>,
    pub(crate) whole: Whole,
    #[serde(default)]
    pub(crate) bins: Vec<Bin>,
    #[serde(default)]
    pub(crate) samples: Vec<Sample>,
    #[serde(default)]
    pub(crate) actions: Vec<Action>,
}

/// Requests due in one bin.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Bin {
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    pub(crate) served: u64,
    #[serde(default)]
    pub(crate) latency_ms: Latency,
}

/// A look at the cluster.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sample {
    pub(crate) t: f64,
    pub(crate) replicas: u32,
}

/// What was done to the cluster during a run.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Action {
    pub(crate) t: f64,
    pub(crate) what: String,
    pub(crate) detail: String,
}

/// From the patch of `replicas` 0 to 1 to a pod that serves; in seconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Startup {
    pub(crate) limit_m: u64,
    /// Not in step with the kubelet's look, so that its phase is any.
    #[serde(default)]
    pub(crate) jitter: bool,
    pub(crate) readiness_period_s: f64,
    pub(crate) ready_seen: f64,
    pub(crate) answers_at_cluster_ip: f64,
    pub(crate) process_started: Option<f64>,
}

/// From the patch of the resources to what follows of it; in seconds.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Resize {
    pub(crate) pod_s: f64,
    pub(crate) container_s: f64,
    pub(crate) status_s: f64,
}

/// Every line of every `*.jsonl.gz` of a directory, in the order of the files' names.
pub(crate) fn read_directory(directory: &Path) -> Result<Vec<Line>> {
    let place = || format!("can't read the directory {}", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(place)? {
        files.push(entry.with_context(place)?.path());
    }
    files.retain(|file| file.to_string_lossy().ends_with(".jsonl.gz"));
    files.sort();
    if files.is_empty() {
        bail!(
            "{} has no *.jsonl.gz: expected are `steady.jsonl.gz` and `dynamics.jsonl.gz`",
            directory.display()
        );
    }
    let mut lines = Vec::new();
    for file in files {
        read_file(&file, &mut lines)?;
    }
    if lines.is_empty() {
        bail!("the files of {} have no lines", directory.display());
    }
    Ok(lines)
}

fn read_file(file: &PathBuf, lines: &mut Vec<Line>) -> Result<()> {
    let name = file.display();
    let opened = File::open(file).with_context(|| format!("can't open {name}"))?;
    for (index, line) in BufReader::new(GzDecoder::new(opened)).lines().enumerate() {
        let line = line.with_context(|| format!("{name} is not gzipped text"))?;
        if line.trim().is_empty() {
            continue;
        }
        let place = || format!("{name}, line {}, is no recorded run", index + 1);
        lines.push(serde_json::from_str(&line).with_context(place)?);
    }
    Ok(())
}
