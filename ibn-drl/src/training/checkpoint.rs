//! A training as bytes.

use serde::{Deserialize, Serialize};

use super::{Best, Training};
use crate::error::{Error, Result};
use crate::policy::Normaliser;
use crate::tensors::Tensors;

/// What a training remembers beside its learner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Head {
    worse: u32,
    best: Option<BestHead>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BestHead {
    validation_bits: u64,
    steps: u64,
    is_normalised: bool,
}

impl Training {
    /// The whole training between two iterations, in the safetensors format.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut tensors = Tensors::default();
        tensors.insert_bytes("ppo", &self.ppo.checkpoint());
        let best = self.best.as_ref().map(|best| {
            tensors.insert_single("best.actor", best.policy.actor.parameters());
            tensors.insert_single("best.critic", best.critic.parameters());
            if let Some(normaliser) = &best.policy.normaliser {
                normaliser.write("best", &mut tensors);
            }
            BestHead {
                validation_bits: best.validation.to_bits(),
                steps: best.steps,
                is_normalised: best.policy.normaliser.is_some(),
            }
        });
        let worse = self.worse;
        tensors.head = serde_json::to_string(&Head { worse, best }).ok();
        tensors.to_bytes()
    }

    /// Goes on from a checkpoint of a training with the same settings, seed and source, to the same bits.
    ///
    /// # Errors
    /// [`Error::Policy`] where the bytes are of something else; the training is then not to be gone on with.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let odd = |reason: String| Error::Policy { reason };
        let tensors = Tensors::from_bytes(bytes).map_err(odd)?;
        let head = tensors.head.as_deref().unwrap_or_default();
        let head: Head = serde_json::from_str(head)
            .map_err(|error| odd(format!("it is no checkpoint of a training: {error}")))?;
        self.ppo.restore(tensors.bytes("ppo").map_err(odd)?)?;
        self.worse = head.worse;
        self.best = None;
        if let Some(best) = head.best {
            let (mut policy, mut critic) = (self.ppo.policy().clone(), self.ppo.critic().clone());
            let n = policy.actor.parameters().len();
            let actor = tensors.single("best.actor", n).map_err(odd)?;
            policy.actor.parameters_mut().copy_from_slice(actor);
            let n = critic.parameters().len();
            let of_critic = tensors.single("best.critic", n).map_err(odd)?;
            critic.parameters_mut().copy_from_slice(of_critic);
            policy.normaliser = None;
            if best.is_normalised {
                let n = policy.spaces.observation;
                let normaliser = Normaliser::read("best", n, &tensors).map_err(odd)?;
                policy.normaliser = Some(normaliser);
            }
            self.best = Some(Best {
                validation: f64::from_bits(best.validation_bits),
                steps: best.steps,
                policy,
                critic,
            });
        }
        Ok(())
    }
}
