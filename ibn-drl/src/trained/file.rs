//! A trained policy with all that is needed to use it, as a file.

use std::sync::{Arc, LazyLock};

use ibn_core::encoding::{self, headroom};
use ibn_core::roles::{ActionSpace, Spaces};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::{Mlp, Workspace};
use crate::policy::{Normaliser, Policy};
use crate::tensors::Tensors;

/// The version of the file's form.
const VERSION: u32 = 1;

/// A policy over head-room with its critic, as it was trained.
///
/// A file is in the safetensors format, with single-precision weights as PyTorch's `state_dict` would have them but for the order
/// `[inputs, outputs]`, and a head that tells the layout of observations and actions, so that a policy of another layout is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedPolicy {
    pub(crate) policy: Policy<f32>,
    pub(crate) critic: Mlp<f32>,
    /// How it came about.
    pub about: About,
}

/// How a policy came about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct About {
    /// Steps that it was trained for.
    pub steps: u64,
    /// The seed of its training.
    pub seed: u64,
    /// What it was trained on, by name.
    pub scenarios: Vec<String>,
    /// Hash of the scenarios' contents.
    pub scenario_hash: String,
}

/// What stands in the file's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Head {
    version: u32,
    layout: Layout,
    hidden: Vec<usize>,
    is_normalised: bool,
    about: About,
}

/// The layout of observations and actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Layout {
    encoding: u32,
    headroom: u32,
    features: usize,
    actions: usize,
}

impl Layout {
    fn ours() -> Self {
        Self {
            encoding: encoding::VERSION,
            headroom: headroom::HEADROOM_VERSION,
            features: headroom::HeadroomView::N_FEATURES,
            actions: headroom::HeadroomView::N_ACTIONS,
        }
    }
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "encoding {}, head-room {}, {} features, {} actions",
            self.encoding, self.headroom, self.features, self.actions
        )
    }
}

impl TrainedPolicy {
    /// A policy of a training with its critic; `None` where it is not over head-room.
    #[must_use]
    pub fn new(policy: Policy<f32>, critic: Mlp<f32>, about: About) -> Option<Self> {
        let fits = policy.spaces == spaces() && critic.inputs() == spaces().observation;
        fits.then_some(Self {
            policy,
            critic,
            about,
        })
    }

    /// The shapes that a policy must have.
    #[must_use]
    pub fn spaces() -> Spaces {
        spaces()
    }

    /// The policy that is shipped, as `policies/README.md` tells how it was trained.
    #[must_use]
    pub fn shipped() -> Arc<Self> {
        static SHIPPED: LazyLock<Arc<TrainedPolicy>> = LazyLock::new(|| {
            let bytes = include_bytes!("../../policies/headroom.safetensors");
            // A test holds that it can be read; another one would decide nothing but to leave.
            Arc::new(
                TrainedPolicy::from_bytes(bytes).unwrap_or_else(|_| TrainedPolicy::untrained()),
            )
        });
        Arc::clone(&SHIPPED)
    }

    /// A policy that has learned nothing.
    fn untrained() -> Self {
        let policy = Policy::new(&spaces(), &[1], 0.0, 0);
        let critic = Mlp::new(&[spaces().observation, 1, 1], 1.0, 0);
        Self {
            policy,
            critic,
            about: About::default(),
        }
    }

    /// Its name with what tells it from others.
    #[must_use]
    pub fn name(&self) -> String {
        format!(
            "ppo@{}-{}-{}",
            self.about.scenario_hash, self.about.seed, self.about.steps
        )
    }

    /// The estimated value of an observation, in the scale of its training.
    pub(crate) fn value(&self, observation: &[f32], work: &mut Workspace<f32>) -> f32 {
        let mut normalised = vec![0.0; observation.len()];
        self.policy.normalise(observation, &mut normalised);
        let value = self.critic.pass(&normalised, work);
        value.first().copied().unwrap_or_default()
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let hidden = self.policy.actor.sizes();
        let head = Head {
            version: VERSION,
            layout: Layout::ours(),
            hidden: hidden
                .get(1..hidden.len().saturating_sub(1))
                .unwrap_or_default()
                .to_vec(),
            is_normalised: self.policy.normaliser.is_some(),
            about: self.about.clone(),
        };
        let mut tensors = Tensors::default();
        // Plain data: it can always be written.
        tensors.head = serde_json::to_string(&head).ok();
        tensors.insert_single("actor", self.policy.actor.parameters());
        tensors.insert_single("critic", self.critic.parameters());
        if let Some(normaliser) = &self.policy.normaliser {
            normaliser.write("observations", &mut tensors);
        }
        tensors.to_bytes()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Policy`] for another format, form or layout, both named, for missing or odd arrays, and for numbers that are not finite.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        read(bytes).map_err(|reason| Error::Policy { reason })
    }
}

fn spaces() -> Spaces {
    Spaces {
        observation: headroom::HeadroomView::N_FEATURES,
        action: ActionSpace::Discrete(headroom::HeadroomView::N_ACTIONS),
    }
}

fn read(bytes: &[u8]) -> Result<TrainedPolicy, String> {
    let tensors = Tensors::from_bytes(bytes)?;
    let head = tensors
        .head
        .as_ref()
        .ok_or("it is a safetensors file, but not of ibn")?;
    let value: serde_json::Value =
        serde_json::from_str(head).map_err(|error| format!("its head is odd: {error}"))?;
    // The version first: another one may have another head.
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(other) => {
            return Err(format!(
                "it is of version {other}, and {VERSION} is what is read here"
            ));
        }
        None => return Err("its head tells no version".to_owned()),
    }
    let head: Head =
        serde_json::from_value(value).map_err(|error| format!("its head is odd: {error}"))?;
    let ours = Layout::ours();
    if head.layout != ours {
        return Err(format!(
            "its layout is {}, and {ours} is what there is here",
            head.layout
        ));
    }
    if head.hidden.len() > 8 || head.hidden.iter().any(|width| !(1..=4096).contains(width)) {
        return Err(format!(
            "its hidden layers are {:?}, allowed are up to 8 of 1 to 4096",
            head.hidden
        ));
    }
    let mut policy: Policy<f32> = Policy::new(&spaces(), &head.hidden, 0.0, 0);
    let mut sizes = policy.actor.sizes().to_vec();
    if let Some(outputs) = sizes.last_mut() {
        *outputs = 1;
    }
    let mut critic: Mlp<f32> = Mlp::new(&sizes, 1.0, 0);
    let n = policy.actor.parameters().len();
    policy
        .actor
        .parameters_mut()
        .copy_from_slice(tensors.single("actor", n)?);
    let n = critic.parameters().len();
    critic
        .parameters_mut()
        .copy_from_slice(tensors.single("critic", n)?);
    if head.is_normalised {
        let n = spaces().observation;
        policy.normaliser = Some(Normaliser::read("observations", n, &tensors)?);
    }
    Ok(TrainedPolicy {
        policy,
        critic,
        about: head.about,
    })
}
