//! `ibn train`: a policy from scenarios.

mod report;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ibn_core::encoding::headroom::HeadroomView;
use ibn_drl::trained::{About, Rule, TrainedPolicy};
use ibn_drl::training::{Progress as Advance, Training, TrainingSettings};
use ibn_sim::Scenario;
use ibn_sim::environment::{ActionKind, Engine, HeadroomSource, Price, ScenarioDistribution};
use serde::Serialize;

use crate::args::TrainArgs;
use crate::evaluate::{fingerprint, scenarios};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::signals;

/// The span of an episode of a scenario that is drawn at random, and its control period.
const DRAWN: (Duration, Duration) = (Duration::from_secs(7200), Duration::from_secs(15));

/// Rollouts in which the policy learns what a rule does.
const LESSONS: u64 = 8;

/// How often the training is saved, beside at every validation.
const SAVED_EVERY: Duration = Duration::from_secs(30);

/// The share of a training from scratch over which scenarios become harder.
const CURRICULUM: f64 = 0.2;

/// What a training came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Trained {
    policy: PathBuf,
    training: PathBuf,
    report: PathBuf,
    steps: u64,
    steps_per_second: f64,
    seed: u64,
    scenarios: Vec<String>,
    scenario_hash: String,
    /// What it began with, for each preference.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleInWords>,
    /// Of the policy that was written.
    best: BestOf,
    /// Whether all steps were taken.
    is_done: bool,
    curve: Vec<Point>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BestOf {
    steps: u64,
    reward: f64,
}

/// A rule, in words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleInWords {
    cost: String,
    balanced: String,
    performance: String,
}

impl From<Rule> for RuleInWords {
    fn from(rule: Rule) -> Self {
        let [cost, balanced, performance] = rule.actions.map(HeadroomView::in_words);
        Self {
            cost,
            balanced,
            performance,
        }
    }
}

/// One iteration of a training.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Point {
    steps: u64,
    level: f64,
    /// The mean reward of a step in the validation.
    validation: Option<f64>,
    /// The mean reward of a step of the episodes that ended.
    reward: Option<f64>,
    entropy: f64,
    approximate_kl: f64,
    clip_fraction: f64,
    explained_variance: f64,
    policy_loss: f64,
    value_loss: f64,
    learning_rate: f64,
}

impl From<&Advance> for Point {
    fn from(of: &Advance) -> Self {
        let iteration = &of.iteration;
        let (reward, steps) = iteration
            .episodes
            .iter()
            .fold((0.0, 0), |(reward, steps), episode| {
                (reward + episode.reward, steps + episode.steps)
            });
        Self {
            steps: iteration.steps,
            level: of.level,
            validation: of.validation,
            reward: (steps > 0).then(|| reward / steps as f64),
            entropy: iteration.entropy,
            approximate_kl: iteration.approximate_kl,
            clip_fraction: iteration.clip_fraction,
            explained_variance: iteration.explained_variance,
            policy_loss: iteration.policy_loss,
            value_loss: iteration.value_loss,
            learning_rate: iteration.learning_rate,
        }
    }
}

pub(crate) fn run(args: &TrainArgs, settings: &Settings) -> Outcome {
    let scenarios = scenarios(&args.files)?;
    let hash = hash(&scenarios, args)?;
    let threads = args
        .threads
        .map_or(0, |threads| usize::try_from(threads).unwrap_or(0));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::because(Exit::Failed, "the threads can't be started", &error))?;
    pool.install(|| train(args, settings, &scenarios, hash))
}

fn train(args: &TrainArgs, settings: &Settings, scenarios: &[Scenario], hash: String) -> Outcome {
    let unusable = |error: &dyn std::error::Error| {
        Failure::because(Exit::Usage, "the scenarios can't be trained on", error)
    };
    let (horizon, period) = DRAWN;
    let drawn =
        ScenarioDistribution::new(Engine::Requests, ActionKind::MultiDiscrete, horizon, period)
            .map_err(|error| unusable(&error))?;
    let price = Price {
        violated: args.price,
        ..Price::default()
    };
    let source = HeadroomSource::new(scenarios, Some(drawn), args.drawn, price)
        .map_err(|error| unusable(&error))?;
    let mut how = TrainingSettings::default();
    how.ppo.total_steps = args.steps;
    if args.from_scratch {
        // Who can nothing yet begins with what is easy.
        how.curriculum = CURRICULUM;
    }
    let mut training =
        Training::new(how, Arc::new(source), settings.seed).map_err(|error| unusable(&error))?;
    let mut rule = None;
    if let Some(file) = &args.resume {
        resume(&mut training, file)?;
    } else if !args.from_scratch {
        rule = Some(warm_start(&mut training, settings)?);
    }

    let stop = signals::watch()
        .map_err(|error| Failure::because(Exit::Failed, "signals can't be watched", &error))?;
    let files = Files::beside(&args.out);
    let progress = Progress::start(settings.output, "training", args.steps);
    let (started, before) = (Instant::now(), training.steps());
    let mut curve = Vec::new();
    let (mut diverged, mut saved) = (None, None::<Instant>);
    while !training.is_done() && !stop.load(Ordering::Relaxed) {
        match training.advance() {
            Ok(advance) => {
                progress.at(training.steps());
                curve.push(Point::from(&advance));
                let is_due = saved.is_none_or(|at| at.elapsed() >= SAVED_EVERY);
                if is_due || advance.validation.is_some() {
                    files.write_training(&training)?;
                    saved = Some(Instant::now());
                }
                if advance.is_best {
                    files.write_policy(&training, settings.seed, scenarios, &hash)?;
                }
            }
            Err(error) => {
                diverged = Some(error);
                break;
            }
        }
    }
    progress.finish();
    let rate = (training.steps() - before) as f64 / started.elapsed().as_secs_f64().max(1e-9);
    if diverged.is_none() {
        files.write_training(&training)?;
    }
    let Some((_, _, reward, steps)) = training.best() else {
        return Err(match diverged {
            Some(error) => Failure::because(Exit::Failed, "nothing was learned", &error),
            None => Failure::new(
                Exit::Failed,
                "the training ended before its first validation",
            )
            .help(format!(
                "go on with `--resume {}`",
                files.training.display()
            )),
        });
    };
    files.write_policy(&training, settings.seed, scenarios, &hash)?;
    let trained = Trained {
        policy: files.policy.clone(),
        training: files.training.clone(),
        report: files.report.clone(),
        steps: training.steps(),
        steps_per_second: rate,
        seed: settings.seed,
        scenarios: scenarios.iter().map(|of| of.name.clone()).collect(),
        scenario_hash: hash,
        rule: rule.map(RuleInWords::from),
        best: BestOf { steps, reward },
        is_done: training.is_done(),
        curve,
    };
    write(&files.report, report::html(&trained)?.as_bytes())?;
    if let Some(error) = diverged {
        return Err(
            Failure::because(Exit::Failed, "the training stopped", &error).help(format!(
                "`{}` is the best policy before that",
                files.policy.display()
            )),
        );
    }
    output::print(settings.output, &trained, || text(&trained))?;
    Ok(if trained.is_done {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn text(trained: &Trained) -> String {
    let end = if trained.is_done {
        String::new()
    } else {
        format!(
            "\nStopped before the end; go on with `--resume {}`.",
            trained.training.display()
        )
    };
    format!(
        "{} steps, {:.0} a second. The best policy, after {} steps, is in `{}`: {:.3} a step on scenarios of other seeds.\n\
         Curves are in `{}`.{end}",
        trained.steps,
        trained.steps_per_second,
        trained.best.steps,
        trained.policy.display(),
        trained.best.reward,
        trained.report.display(),
    )
}

/// Teaches the policy what a rule does.
fn warm_start(training: &mut Training, settings: &Settings) -> Result<Rule, Failure> {
    let rule = Rule::usual();
    let progress = Progress::start(settings.output, "learning a rule", LESSONS);
    for lesson in 1..=LESSONS {
        training
            .imitate(&rule)
            .map_err(|error| Failure::because(Exit::Failed, "the rule can't be learned", &error))?;
        progress.at(lesson);
    }
    progress.finish();
    Ok(rule)
}

/// Of all that decides what is trained on.
fn hash(scenarios: &[Scenario], args: &TrainArgs) -> Result<String, Failure> {
    let mut all = format!("{} {}", args.drawn, args.price);
    for scenario in scenarios {
        all.push_str(&fingerprint(scenario)?);
    }
    Ok(format!(
        "{:016x}",
        xxhash_rust::xxh3::xxh3_64(all.as_bytes())
    ))
}

fn resume(training: &mut Training, file: &Path) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::because(
            Exit::Usage,
            format!("can't go on with `{}`", file.display()),
            error,
        )
        .help("scenarios, `--steps`, `--seed` and the other settings must be those of the training that wrote it")
    };
    let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
    training.restore(&bytes).map_err(|error| failed(&error))
}

/// What a training writes.
struct Files {
    policy: PathBuf,
    training: PathBuf,
    report: PathBuf,
}

impl Files {
    fn beside(policy: &Path) -> Self {
        let ending = |ending: &str| policy.with_extension(ending);
        Self {
            policy: policy.to_owned(),
            training: ending("training.safetensors"),
            report: ending("html"),
        }
    }

    fn write_training(&self, training: &Training) -> Result<(), Failure> {
        write(&self.training, &training.checkpoint())
    }

    fn write_policy(
        &self,
        training: &Training,
        seed: u64,
        scenarios: &[Scenario],
        hash: &str,
    ) -> Result<(), Failure> {
        let Some((policy, critic, _, steps)) = training.best() else {
            return Ok(());
        };
        let about = About {
            steps,
            seed,
            scenarios: scenarios.iter().map(|of| of.name.clone()).collect(),
            scenario_hash: hash.to_owned(),
        };
        match TrainedPolicy::new(policy.clone(), critic.clone(), about) {
            Some(trained) => write(&self.policy, &trained.to_bytes()),
            None => Err(Failure::new(
                Exit::Failed,
                "the policy is not over head-room",
            )),
        }
    }
}

/// Beside the file first, so that it is whole at any moment.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut beside: OsString = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| {
            Failure::because(
                Exit::Failed,
                format!("`{}` can't be written", path.display()),
                &error,
            )
            .help("name a file that can be written with `--out FILE`")
        })
}
