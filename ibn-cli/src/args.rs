//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Say what an application on Kubernetes should do; it is checked, its effect predicted, applied inside limits, measured, and kept.
///
/// Without a subcommand the demo starts: three customers on a simulated cluster, driven by a day of traffic, with a page in the browser.
#[derive(Debug, Parser)]
#[command(name = "ibn", version, propagate_version = true, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  ibn                                                  the demo, on http://127.0.0.1:8080
  ibn demo --once 24h --seed 7 -o json                 a simulated day without a browser, and its report
  ibn translate \"scale web in acme to 5\" --catalog catalog.json
  ibn what-if \"give checkout in globex 50 % more CPU\"    what it would do; changes nothing
  ibn apply \"keep the p95 of checkout in acme under 200 ms as cheaply as you can\"
  ibn get decisions                                    what was decided, and why

Exit codes: 0 done, 1 failed, 2 usage, 3 clarification needed, 4 refused, rejected or infeasible, 5 a needed service is unreachable.";

const WHAT_IF_EXAMPLES: &str = "\
Examples:
  ibn what-if \"scale web in acme to 5\"
  ibn what-if \"keep worker in globex's p95 under 1 s, at most 3 pods\" -o json
  ibn what-if -f intent.yaml

It tells what was understood, what would change and cost, what is predicted before and after with the range in which it is
expected, conflicts, what the guard would cut, and, where it can't be met, what could be had instead.";

/// What every command takes. Each is also a key of the configuration file and a variable `IBN_…`.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// How to print the result: for a person, or for a program, which then gets failures as a document on standard error, too.
    #[arg(short, long, global = true, value_enum, env = "IBN_OUTPUT")]
    pub(crate) output: Option<OutputFormat>,
    /// Seed of everything random; 7 where absent.
    #[arg(long, global = true, env = "IBN_SEED", value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// A TOML file with settings; flags and variables win over it.
    #[arg(long, global = true, env = "IBN_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the ledger and the intents are kept; `:memory:` for nowhere, the user's data folder where absent.
    #[arg(long, global = true, env = "IBN_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// The address of a running `ibn`; `http://127.0.0.1:8080` where absent.
    #[arg(long, global = true, env = "IBN_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The namespace that is meant where a name stands in several; `get` lists only what is in it.
    #[arg(short, long, global = true, env = "IBN_NAMESPACE", value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Tell more on standard error: `-v` what happens, `-vv` each step, `-vvv` all.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// What is told on standard error, by level or by part, such as `ibn_runtime=debug`; `RUST_LOG` where absent, else what goes wrong.
    #[arg(long, global = true, env = "IBN_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// How it is told: for a person, or one JSON document a line.
    #[arg(long, global = true, value_enum, env = "IBN_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For a person, with colour on a terminal.
    #[default]
    Text,
    /// One JSON document a line.
    Json,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For a person, with colour on a terminal.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

/// What `ibn` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the demo: a simulated cluster with three customers, a day of traffic and a page in the browser.
    Demo(DemoArgs),
    /// Read a sentence and print what it means; changes nothing.
    Translate(TranslateArgs),
    /// Predict what a sentence or a file of intents would do; changes nothing.
    #[command(after_help = WHAT_IF_EXAMPLES)]
    WhatIf(IntentArgs),
    /// Submit a sentence or a file of intents.
    Apply(ApplyArgs),
    /// Undo a decision, through the guard.
    Undo(UndoArgs),
    /// Let a decision be done that needs a person's approval.
    Approve(ApproveArgs),
    /// List intents, decisions or workloads.
    Get(GetArgs),
    /// Tell why a decision was taken, or how a workload stands.
    Explain(ExplainArgs),
    /// Simulate a scenario once with a recommender, and print its figures.
    Simulate(SimulateArgs),
    /// Compare recommenders over scenarios and seeds: a table, a CSV and a report with plots.
    Evaluate(EvaluateArgs),
    /// Train a policy on scenarios, for `simulate`, `evaluate` and the demo to follow as `ppo:FILE`.
    Train(TrainArgs),
    /// Check files of intents, guardrails, indicators, settings or scenarios, and list every fault.
    Check(CheckArgs),
    /// Print the CustomResourceDefinitions.
    Crds,
    /// Follow the intents of a cluster, with the page and the API; of several, whoever holds the lease writes.
    Controller(ControllerArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
}

/// What the demo takes.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn demo --speed 120 --listen 127.0.0.1:9000
  ibn demo --once 24h --trace worldcup98-june.csv --trace-column count --trace-unit 1min --trace-scale 0.1 -o json")]
pub(crate) struct DemoArgs {
    /// A recorded trace of requests to drive the traffic, shared by the customers; a built-in day where absent.
    #[arg(long, env = "IBN_TRACE", value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// The column of the trace that holds the counts; needed where it has several.
    #[arg(
        long,
        env = "IBN_TRACE_COLUMN",
        value_name = "NAME",
        requires = "trace"
    )]
    pub(crate) trace_column: Option<String>,
    /// The span that one count covers, such as `1min`, which is what it is where absent.
    #[arg(long, env = "IBN_TRACE_UNIT", value_name = "SPAN", requires = "trace")]
    pub(crate) trace_unit: Option<String>,
    /// What every count is multiplied by.
    #[arg(long, env = "IBN_TRACE_SCALE", value_name = "X", allow_negative_numbers = true, value_parser = not_negative, requires = "trace")]
    pub(crate) trace_scale: Option<f64>,
    /// Where to serve the page and the API; `127.0.0.1:8080` where absent.
    #[arg(long, env = "IBN_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Simulated seconds for each real one; 60 where absent, 0 to stand still.
    #[arg(long, env = "IBN_SPEED", value_name = "X", allow_negative_numbers = true, value_parser = not_negative)]
    pub(crate) speed: Option<f64>,
    /// Simulate so long, such as `24h`, as fast as possible, print a report and end.
    #[arg(long, env = "IBN_ONCE", value_name = "SPAN")]
    pub(crate) once: Option<String>,
    /// Threads for the runs that are compared; all cores where absent.
    #[arg(long, env = "IBN_THREADS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    /// Who decides for objectives, for each workload by itself: `NAME[:key=value,…]`, as for `simulate`; `ladder` where absent.
    #[arg(short, long, env = "IBN_RECOMMENDER", value_name = "NAME")]
    pub(crate) recommender: Option<String>,
    /// Only advise: decide and record as ever, and apply nothing.
    #[arg(long, env = "IBN_DRY_RUN")]
    pub(crate) dry_run: bool,
    /// Write what is applied to this file, one JSON document a line: what each decision changed, or why it failed.
    #[arg(long, env = "IBN_RECORD", value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// What the controller takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn controller                                   on the current context, or in the pod that it runs in
  ibn controller -n shop --home shop               in one namespace, without any permission beyond it
  ibn controller --prometheus http://prometheus.monitoring:9090

It watches intents, guardrails and indicators, writes what came of them to their status and to decisions, and serves the page, the
API, `/metrics`, `/healthz` and `/readyz`.")]
pub(crate) struct ControllerArgs {
    /// The context of the kubeconfig; the current one, or that of the pod, where absent.
    #[arg(long, env = "IBN_CONTEXT", value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The namespace of the lease, whose guardrails speak of every namespace.
    #[arg(
        long,
        env = "IBN_HOME",
        value_name = "NAMESPACE",
        default_value = "ibn-system"
    )]
    pub(crate) home: String,
    /// What it calls itself in the lease, another name in each process; the name of the host and a number where absent.
    #[arg(long, env = "IBN_IDENTITY", value_name = "NAME")]
    pub(crate) identity: Option<String>,
    /// Where to serve the page and the API.
    #[arg(
        long,
        env = "IBN_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    pub(crate) listen: String,
    /// A name under which the page may be asked for, beside addresses and `localhost`; may be given again.
    #[arg(
        long = "host",
        env = "IBN_HOSTS",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub(crate) hosts: Vec<String>,
    /// A Prometheus server to ask for requests, latencies and errors; without one only CPU, memory and pods are measured.
    #[arg(long, env = "IBN_PROMETHEUS", value_name = "URL")]
    pub(crate) prometheus: Option<String>,
    /// The time between two looks at a workload.
    #[arg(
        long,
        env = "IBN_CONTROL_PERIOD",
        value_name = "SPAN",
        default_value = "15s"
    )]
    pub(crate) control_period: String,
    /// Who decides for objectives, for each workload by itself: `NAME[:key=value,…]`, as for `simulate`.
    #[arg(
        short,
        long,
        env = "IBN_RECOMMENDER",
        value_name = "NAME",
        default_value = "ladder"
    )]
    pub(crate) recommender: String,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// Which translator reads sentences.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct ModelArgs {
    /// Who reads sentences.
    #[arg(long, value_enum, env = "IBN_TRANSLATOR")]
    pub(crate) translator: Option<TranslatorKind>,
    /// Base URL of an OpenAI-compatible server; its key is read from `IBN_LLM_KEY`.
    #[arg(long, env = "IBN_LLM_URL", value_name = "URL")]
    pub(crate) llm_url: Option<String>,
    /// The model to ask for.
    #[arg(long, env = "IBN_LLM_MODEL", value_name = "NAME")]
    pub(crate) llm_model: Option<String>,
}

/// A translator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TranslatorKind {
    /// The deterministic grammar.
    Grammar,
    /// A model.
    Llm,
    /// The grammar first, a model for what it doesn't understand.
    Chain,
}

/// What `translate` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn translate \"scale web in acme to 5\" --catalog catalog.json
  ibn translate \"keep checkout fast until 6 pm\" --catalog catalog.json --now 2026-12-24T12:00:00Z --timezone Europe/Berlin
  ibn translate \"double the memory of web\"            with the names of the running `ibn`")]
pub(crate) struct TranslateArgs {
    /// The sentence.
    pub(crate) text: String,
    /// A JSON file of what exists; what the running `ibn` has where absent.
    #[arg(long, env = "IBN_CATALOG", value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The instant against which times are resolved; now where absent.
    #[arg(long, env = "IBN_NOW", value_name = "TIME")]
    pub(crate) now: Option<String>,
    /// The time zone in which times are meant; UTC where absent.
    #[arg(long, env = "IBN_TIMEZONE", value_name = "NAME")]
    pub(crate) timezone: Option<String>,
}

/// A sentence or a file.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct IntentArgs {
    /// The sentence.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub(crate) text: Option<String>,
    /// A YAML or JSON file of intents, `-` for standard input.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<String>,
}

/// What `apply` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn apply \"scale web in acme to 5\"
  ibn apply -f intent.yaml --dry-run
  ibn apply \"double the memory of checkout in globex\" --yes")]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) intent: IntentArgs,
    /// Only say what would become of it.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't ask. A reading that only a model gave is asked about all the same.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// What `undo` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn undo d17

`ibn get decisions` lists what was decided. An undo goes through the guard like everything else, and is a decision itself. Where a
directive is undone, its intent is suspended.")]
pub(crate) struct UndoArgs {
    /// The decision, such as `d17`.
    pub(crate) decision: String,
}

/// What `approve` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn approve d17

`ibn get decisions` lists what waits for approval; guardrails say what does. The guard judges it once more, on what is live now: it
is refused where the workload has changed since, and after an hour.")]
pub(crate) struct ApproveArgs {
    /// The decision, such as `d17`.
    pub(crate) decision: String,
}

/// What `simulate` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn simulate -f scenario.toml --recommender hpa:target=0.7 --seed 1 -o json
  ibn simulate -f scenario.toml --recommender mpc:confidence=0.9
  ibn simulate -f scenario.toml --recommender scheduled:08:00=6,20:00=2

Recommenders are fixed, scheduled, hpa, predictive, keda, vpa, captain, clairvoyant, hold, target, mpc, bandit and ladder; a wrong
name or option tells what there is. The clairvoyant sees the scenario's demand beforehand: the bound for all others. What is advised
is set inside the scenario's bounds; no guard comes between.")]
pub(crate) struct SimulateArgs {
    /// The scenario, TOML or YAML.
    #[arg(short, long, value_name = "SCENARIO")]
    pub(crate) file: PathBuf,
    /// Who decides: `NAME[:key=value,…]`.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) recommender: String,
}

/// What `evaluate` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn evaluate -f examples/scenarios --recommender hpa:target=0.7 mpc clairvoyant --seeds 20 --out evaluation
  ibn evaluate -f scenario.toml --recommender hpa:target=0.4..0.8/5 --seeds 5       a sweep of five targets
  ibn evaluate -f scenarios --recommender hpa mpc --seeds 20 --shard 0/8 --out part     the first eighth of the runs
  ibn evaluate --merge parts --out evaluation          what the parts in a folder come to together

Every run is on disk as soon as it is known: the same command goes on where it was interrupted, and more seeds or
recommenders in the same folder play only what is new. The first recommender is the baseline that the others are compared
with, seed by seed. Names and options of recommenders are those of `simulate`.")]
pub(crate) struct EvaluateArgs {
    /// Scenarios, TOML or YAML, and folders of them.
    #[arg(short, long = "file", value_name = "SCENARIO", num_args = 1.., required_unless_present = "merge")]
    pub(crate) files: Vec<PathBuf>,
    /// Who decides: `NAME[:key=value,…]`, where `key=FROM..TO/N` is a sweep of N values. The first is the baseline.
    #[arg(short, long = "recommender", value_name = "NAME", num_args = 1.., required_unless_present = "merge")]
    pub(crate) recommenders: Vec<String>,
    /// How many seeds, from `--seed` on.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) seeds: u64,
    /// Only a part of the runs, `0/N` to `N-1/N` (or `1/N` to `N/N`), as an Indexed Job counts them.
    #[arg(long, value_name = "I/N", conflicts_with = "merge")]
    pub(crate) shard: Option<crate::evaluate::Shard>,
    /// Put the parts in this folder, and in those in it, together.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "recommenders"])]
    pub(crate) merge: Option<PathBuf>,
    /// Where runs and results go; `evaluation` where absent, the merged folder with `--merge`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Threads; all cores where absent.
    #[arg(long, env = "IBN_THREADS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
}

/// What `train` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn train -f examples/scenarios/bursty.toml --steps 300000 --seed 1 --out policy.safetensors
  ibn train -f examples/scenarios --steps 2000000 --out policy.safetensors
  ibn train -f examples/scenarios --steps 2000000 --out policy.safetensors --resume policy.training.safetensors
  ibn evaluate -f examples/scenarios --recommender hpa:target=0.7 ppo:policy.safetensors

First the policy learns to do as a rule does that keeps the same head-room at all times. Then every workload of the scenarios is trained on, at ever other seeds; so are scenarios that are drawn at random, as the share that
`--drawn` says. The policy that is best on scenarios of other seeds is what is written. Beside it stand `….training.safetensors`,
from which the training goes on to the same bits after Ctrl-C, and `….html`, with its curves.")]
pub(crate) struct TrainArgs {
    /// Scenarios, TOML or YAML, and folders of them.
    #[arg(short, long = "file", value_name = "SCENARIO", num_args = 1.., required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Where the policy goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Steps in all environments together.
    #[arg(long, value_name = "N", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub(crate) steps: u64,
    /// A training to go on with, of the same scenarios and settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// The share of scenarios that are drawn at random, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    pub(crate) drawn: f64,
    /// What it costs where all requests are violated, against the CPU that all requests use: more keeps to objectives, less saves.
    #[arg(long, value_name = "PRICE", default_value_t = 60.0, allow_negative_numbers = true, value_parser = not_negative)]
    pub(crate) price: f64,
    /// Begin with chance, not with what a rule does.
    #[arg(long)]
    pub(crate) from_scratch: bool,
    /// Threads; all cores where absent.
    #[arg(long, env = "IBN_THREADS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
}

/// Decisions that are listed where nobody says how many.
const LISTED: u64 = 20;

/// What `get` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn get                          intents with their state and what was achieved
  ibn get --all                    what assurance raised and is over, too
  ibn get workloads -n acme
  ibn get decisions --last 5 -o json")]
pub(crate) struct GetArgs {
    /// What to list.
    #[arg(value_enum, default_value_t = Kind::Intents)]
    pub(crate) kind: Kind,
    /// At most so many decisions, the newest.
    #[arg(long, default_value_t = LISTED, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) last: u64,
    /// List the intents, too, that assurance raised and that are over.
    #[arg(long)]
    pub(crate) all: bool,
}

impl GetArgs {
    /// What there is of a kind, as it is listed where nothing else is said.
    pub(crate) fn all_of(kind: Kind) -> Self {
        Self {
            kind,
            last: LISTED,
            all: false,
        }
    }
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Intents with their state.
    Intents,
    /// Decisions with their reasons.
    Decisions,
    /// Workloads with what they are given.
    Workloads,
}

/// What `explain` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn explain d17                  reasons, what the guard cut, alternatives, what was expected
  ibn explain acme/web             intents, limits, signals and the newest decisions")]
pub(crate) struct ExplainArgs {
    /// A decision (`d17`) or a workload (`acme/Deployment/web`, `acme/web`).
    pub(crate) subject: String,
}

/// What `check` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn check intent.yaml guardrail.yaml
  ibn check intent.yaml --catalog catalog.json     names are checked, too
  ibn check ibn.toml scenario.toml                 a settings file, a scenario of the simulator

It ends with 0 where there is no fault, and with 4 where there is one; warnings are no faults.")]
pub(crate) struct CheckArgs {
    /// The files; `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// A JSON catalog to check names against.
    #[arg(long, env = "IBN_CATALOG", value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
}

/// What `completions` takes.
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "\
Examples:
  ibn completions bash > ~/.local/share/bash-completion/completions/ibn
  ibn completions fish > ~/.config/fish/completions/ibn.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

fn not_negative(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "a number from 0 on, such as `60` or `0.1`".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| "a number from 0 to 1, such as `0.5`".to_owned())
}

/// The format that arguments which can't be read ask for, as far as can be seen: by a flag, a variable, or the settings file.
pub(crate) fn format_of(args: &[OsString]) -> OutputFormat {
    let asked = option_in(args, "--output", Some("-o")).or_else(|| variable("IBN_OUTPUT"));
    match asked.as_deref() {
        Some("json") => OutputFormat::Json,
        Some("yaml") => OutputFormat::Yaml,
        Some(_) => OutputFormat::Text,
        None => option_in(args, "--config", None)
            .or_else(|| variable("IBN_CONFIG"))
            .and_then(|file| crate::settings::output_of(&file))
            .unwrap_or_default(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of an option that is given last, in arguments that are not understood as a whole.
fn option_in(args: &[OsString], long: &str, short: Option<&str>) -> Option<String> {
    let mut found = None;
    let mut args = args
        .iter()
        .map(|arg| arg.to_string_lossy())
        // What stands behind it is no option.
        .take_while(|arg| arg != "--");
    while let Some(arg) = args.next() {
        let value = arg
            .strip_prefix(long)
            .or(short.and_then(|short| arg.strip_prefix(short)));
        match value {
            Some("") => found = args.next().map(|value| value.into_owned()),
            Some(value) if value.starts_with('=') || !arg.starts_with("--") => {
                found = Some(value.trim_start_matches('=').to_owned());
            }
            _ => {}
        }
    }
    found
}

/// Puts `demo` in where no subcommand is named, so that its options work without it.
pub(crate) fn with_default_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let command = <Args as clap::CommandFactory>::command();
    let decides = |arg: &OsString| {
        let Some(arg) = arg.to_str() else {
            return false;
        };
        matches!(arg, "-h" | "--help" | "-V" | "--version" | "help")
            || command
                .get_subcommands()
                .any(|subcommand| subcommand.get_name() == arg)
    };
    // A bare word that is no subcommand is a mistake that clap explains best.
    let only_options = args
        .iter()
        .skip(1)
        .find(|arg| !arg.to_string_lossy().starts_with('-'));
    let first_is_option = args
        .get(1)
        .is_none_or(|arg| arg.to_string_lossy().starts_with('-'));
    if !args.iter().skip(1).any(decides) && (only_options.is_none() || first_is_option) {
        args.insert(1.min(args.len()), OsString::from("demo"));
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Args {
        let args = args.iter().map(OsString::from);
        Args::parse_from(with_default_command(args))
    }

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn without_a_subcommand_it_is_the_demo_with_its_options() {
        for args in [
            &["ibn"][..],
            &["ibn", "--seed", "7"],
            &["ibn", "--speed", "10", "--seed", "7"],
            &["ibn", "demo", "--speed", "10"],
        ] {
            assert!(
                matches!(parse(args).command, Some(Command::Demo(_))),
                "{args:?}"
            );
        }
        assert!(matches!(
            parse(&["ibn", "crds"]).command,
            Some(Command::Crds)
        ));
        assert!(matches!(
            parse(&["ibn", "--seed", "7", "crds"]).command,
            Some(Command::Crds)
        ));
        assert_eq!(parse(&["ibn", "demo", "--seed", "7"]).global.seed, Some(7));
    }
}
