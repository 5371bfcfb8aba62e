//! A training as bytes, to go on with to the same bits.

use serde::{Deserialize, Serialize};

use super::{Episode, Ppo, PpoSettings};
use crate::error::{Error, Result};
use crate::nn::Adam;
use crate::policy::Normaliser;
use crate::tensors::Tensors;

/// The version of the form.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Head {
    version: u32,
    settings: PpoSettings,
    seed: u64,
    iterations: u64,
    steps: u64,
    /// Steps of the optimisers of actor, deviations and critic.
    adam: [i32; 3],
    lanes: Vec<LaneHead>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LaneHead {
    begun: u64,
    reward_bits: u64,
    steps: u64,
    discounted_return_bits: u64,
}

impl Ppo<f32> {
    /// The whole training between two iterations.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        let head = Head {
            version: VERSION,
            settings: self.settings.clone(),
            seed: self.seed,
            iterations: self.iterations,
            steps: self.steps,
            adam: [&self.of_actor, &self.of_log_std, &self.of_critic].map(Adam::steps),
            lanes: self
                .lanes
                .iter()
                .map(|lane| LaneHead {
                    begun: lane.begun,
                    reward_bits: lane.episode.reward.to_bits(),
                    steps: lane.episode.steps,
                    discounted_return_bits: lane.discounted_return.to_bits(),
                })
                .collect(),
        };
        let mut tensors = Tensors::default();
        tensors.head = serde_json::to_string(&head).ok();
        tensors.insert_single("actor", self.policy.actor.parameters());
        tensors.insert_single("log_std", &self.policy.log_std);
        tensors.insert_single("critic", self.critic.parameters());
        for (name, adam) in self.optimisers() {
            let (means, squares) = adam.moments();
            tensors.insert_single(&format!("{name}.means"), means);
            tensors.insert_single(&format!("{name}.squares"), squares);
        }
        for (name, normaliser) in [
            ("observations", self.policy.normaliser.as_ref()),
            ("returns", self.returns.as_ref()),
        ] {
            if let Some(normaliser) = normaliser {
                normaliser.write(name, &mut tensors);
            }
        }
        for (place, lane) in self.lanes.iter().enumerate() {
            let mask: Vec<u8> = lane.mask.iter().map(|allowed| u8::from(*allowed)).collect();
            tensors.insert_bytes(
                &format!("lane{place}.environment"),
                &lane.environment.snapshot(),
            );
            tensors.insert_single(&format!("lane{place}.observation"), &lane.observation);
            tensors.insert_bytes(&format!("lane{place}.mask"), &mask);
        }
        tensors.to_bytes()
    }

    /// Goes on from a checkpoint of a training with the same settings, seed and environments.
    ///
    /// # Errors
    /// [`Error::Policy`] where the bytes are of something else, both named; the training is then not to be gone on with.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        self.read(bytes).map_err(|reason| Error::Policy { reason })
    }

    fn optimisers(&self) -> [(&'static str, &Adam<f32>); 3] {
        [
            ("actor", &self.of_actor),
            ("log_std", &self.of_log_std),
            ("critic", &self.of_critic),
        ]
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let tensors = Tensors::from_bytes(bytes)?;
        let head = tensors.head.as_deref().unwrap_or_default();
        let head: Head = serde_json::from_str(head)
            .map_err(|error| format!("it is no checkpoint of a training: {error}"))?;
        let of = |version: u32, seed: u64, lanes: usize| {
            format!("version {version}, seed {seed}, {lanes} environments")
        };
        let (found, ours) = (
            of(head.version, head.seed, head.lanes.len()),
            of(VERSION, self.seed, self.lanes.len()),
        );
        if found != ours {
            return Err(format!("it is of {found}, and this is {ours}"));
        }
        if head.settings != self.settings {
            return Err(format!(
                "it was trained with {:?}, and these are {:?}",
                head.settings, self.settings
            ));
        }
        let n = [
            self.policy.actor.parameters().len(),
            self.policy.log_std.len(),
            self.critic.parameters().len(),
        ];
        let [n_actor, n_log_std, n_critic] = n;
        let actor = tensors.single("actor", n_actor)?;
        self.policy.actor.parameters_mut().copy_from_slice(actor);
        let log_std = tensors.single("log_std", n_log_std)?;
        self.policy.log_std.copy_from_slice(log_std);
        let critic = tensors.single("critic", n_critic)?;
        self.critic.parameters_mut().copy_from_slice(critic);
        for ((name, adam), (n, steps)) in [
            ("actor", &mut self.of_actor),
            ("log_std", &mut self.of_log_std),
            ("critic", &mut self.of_critic),
        ]
        .into_iter()
        .zip(n.into_iter().zip(head.adam))
        {
            adam.restore(
                tensors.single(&format!("{name}.means"), n)?,
                tensors.single(&format!("{name}.squares"), n)?,
                steps,
            );
        }
        if self.policy.normaliser.is_some() {
            let n = self.policy.spaces.observation;
            self.policy.normaliser = Some(Normaliser::read("observations", n, &tensors)?);
        }
        if self.returns.is_some() {
            self.returns = Some(Normaliser::read("returns", 1, &tensors)?);
        }
        for (place, (lane, of)) in self.lanes.iter_mut().zip(&head.lanes).enumerate() {
            let snapshot = tensors.bytes(&format!("lane{place}.environment"))?;
            lane.environment
                .restore(snapshot)
                .map_err(|error| format!("environment {place}: {error}"))?;
            let seen =
                tensors.single(&format!("lane{place}.observation"), lane.observation.len())?;
            lane.observation.copy_from_slice(seen);
            let mask = tensors.bytes(&format!("lane{place}.mask"))?;
            lane.mask = mask.iter().map(|allowed| *allowed == 1).collect();
            lane.begun = of.begun;
            lane.episode = Episode {
                reward: f64::from_bits(of.reward_bits),
                steps: of.steps,
            };
            lane.discounted_return = f64::from_bits(of.discounted_return_bits);
            lane.ended.clear();
        }
        self.iterations = head.iterations;
        self.steps = head.steps;
        Ok(())
    }
}
