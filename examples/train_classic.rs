//! PPO on a classic-control environment: `train_classic -- --env CartPole-v1 --steps 100000 --preset zoo --seed 1 -o json`.
//!
//! Presets hold the hyperparameters that others published for the same environment, so that returns and rates can be compared.

use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use ibn_core::roles::Environment;
use ibn_drl::classic;
use ibn_drl::ppo::{Ppo, PpoSettings, Schedule, evaluate};
use serde_json::json;

/// Episodes of the evaluation behind the training, by the likeliest action.
const EVALUATED: usize = 20;

/// PPO on a classic-control environment, with an evaluation behind it.
#[derive(Parser)]
struct Args {
    /// Which environment.
    #[arg(long, default_value = "CartPole-v1")]
    env: String,
    /// Steps in all environments together; rounded up to whole rollouts.
    #[arg(long, default_value_t = 100_000)]
    steps: u64,
    #[arg(long, value_enum, default_value = "zoo")]
    preset: Preset,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Environments beside each other, in place of the preset's.
    #[arg(long)]
    envs: Option<usize>,
    /// Steps in each environment before each update.
    #[arg(long)]
    rollout: Option<usize>,
    /// Parts of a rollout that are one step of Adam each.
    #[arg(long)]
    minibatches: Option<usize>,
    /// Times that each step is learned from.
    #[arg(long)]
    epochs: Option<usize>,
    /// Threads; all cores unless said.
    #[arg(long)]
    threads: Option<usize>,
    /// `json` for one object; otherwise a line for each twentieth of the training, and the result.
    #[arg(short, long, default_value = "text")]
    output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Preset {
    /// RL Zoo's tuning for the environment.
    Zoo,
    /// CleanRL's defaults: 8 environments of 128 steps.
    Cleanrl,
}

/// Environments beside each other, and how to train in them.
fn preset(preset: Preset, env: &str, steps: u64) -> (usize, PpoSettings) {
    let of_cleanrl = PpoSettings {
        total_steps: steps,
        ..PpoSettings::default()
    };
    if preset == Preset::Cleanrl {
        return (8, of_cleanrl);
    }
    // What RL Zoo leaves out is Stable-Baselines3's default: minibatches of 64 steps, a constant step size, no bound on values.
    // Its value loss has no half, so the weight of ours is twice as much.
    let of_zoo = PpoSettings {
        learning_rate: Schedule::Constant(3e-4),
        entropy_weight: 0.0,
        value_weight: 1.0,
        clip_value: false,
        ..of_cleanrl
    };
    match env {
        "Acrobot-v1" => (
            16,
            PpoSettings {
                rollout_steps: 256,
                minibatches: 64,
                epochs: 4,
                gae_lambda: 0.94,
                normalise_observations: true,
                normalise_rewards: true,
                ..of_zoo
            },
        ),
        "MountainCar-v0" => (
            16,
            PpoSettings {
                rollout_steps: 16,
                minibatches: 4,
                epochs: 4,
                gae_lambda: 0.98,
                normalise_observations: true,
                normalise_rewards: true,
                ..of_zoo
            },
        ),
        "Pendulum-v1" => (
            4,
            PpoSettings {
                rollout_steps: 1024,
                minibatches: 64,
                epochs: 10,
                discount: 0.9,
                learning_rate: Schedule::Constant(1e-3),
                ..of_zoo
            },
        ),
        // CartPole's.
        _ => (
            8,
            PpoSettings {
                rollout_steps: 32,
                minibatches: 1,
                epochs: 20,
                discount: 0.98,
                gae_lambda: 0.8,
                learning_rate: Schedule::Linear(1e-3),
                clip: Schedule::Linear(0.2),
                ..of_zoo
            },
        ),
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let (n_envs, mut settings) = preset(args.preset, &args.env, args.steps);
    let n_envs = args.envs.unwrap_or(n_envs);
    settings.rollout_steps = args.rollout.unwrap_or(settings.rollout_steps);
    settings.minibatches = args.minibatches.unwrap_or(settings.minibatches);
    settings.epochs = args.epochs.unwrap_or(settings.epochs);
    let threads = args.threads.unwrap_or(0);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .context("threads")?
        .install(|| train(&args, n_envs, settings))
}

fn train(args: &Args, n_envs: usize, settings: PpoSettings) -> Result<()> {
    let is_json = args.output == "json";
    let environments = (0..n_envs)
        .map(|_| classic::make(&args.env))
        .collect::<Result<Vec<Box<dyn Environment>>, _>>()?;
    let started = Instant::now();
    let mut ppo: Ppo<f32> = Ppo::new(settings, environments, args.seed)?;
    let mut told = 0;
    while !ppo.is_done() {
        let iteration = ppo.iterate()?;
        let twentieth = iteration.steps * 20 / args.steps.max(1);
        if !is_json && twentieth > told {
            told = twentieth;
            println!(
                "{:>9} steps  reward {:>8.1}  policy {:>8.4}  value {:>9.3}  entropy {:.3}  kl {:.4}  clipped {:.2}  explained {:.2}",
                iteration.steps,
                iteration.mean_reward().unwrap_or(f64::NAN),
                iteration.policy_loss,
                iteration.value_loss,
                iteration.entropy,
                iteration.approximate_kl,
                iteration.clip_fraction,
                iteration.explained_variance,
            );
        }
    }
    let wall = started.elapsed().as_secs_f64();

    let mut environment = classic::make(&args.env)?;
    let episodes = evaluate(ppo.policy(), environment.as_mut(), EVALUATED, args.seed);
    let n = episodes.len() as f64;
    let mean = episodes.iter().map(|episode| episode.reward).sum::<f64>() / n;
    let squares: f64 = episodes
        .iter()
        .map(|episode| (episode.reward - mean).powi(2))
        .sum();
    let deviation = (squares / n).sqrt();
    let rate = ppo.steps() as f64 / wall;
    if is_json {
        let found = json!({
            "env": args.env,
            "preset": format!("{:?}", args.preset).to_lowercase(),
            "seed": args.seed,
            "envs": n_envs,
            "steps": ppo.steps(),
            "steps_per_s": rate,
            "wall_s": wall,
            "eval_mean": mean,
            "eval_std": deviation,
            "eval_episodes": episodes.len(),
            "threads": rayon::current_num_threads(),
        });
        println!("{found}");
    } else {
        println!(
            "{} steps of {} in {wall:.2} s, {rate:.0} a second; {EVALUATED} episodes by the likeliest action: {mean:.1} ± {deviation:.1}",
            ppo.steps(),
            args.env
        );
    }
    Ok(())
}
