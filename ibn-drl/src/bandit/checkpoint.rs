//! What a bandit has learned, as bytes.

use ibn_core::roles::Checkpoint;
use ibn_core::{Error, Result, encoding};
use ndarray::{Array1, Array2};

use super::{Bandit, CONTEXT};
use crate::tensors::Tensors;

/// The layout of the state.
pub(super) const VERSION: u32 = 1;

const DIM: usize = 1 + CONTEXT.len();

pub(super) fn save(bandit: &Bandit) -> Checkpoint {
    let learner = &bandit.learner;
    let mut tensors = Tensors::default();
    let headrooms = &bandit.settings.headrooms;
    tensors.insert("headrooms", &[headrooms.len()], headrooms.iter().copied());
    let counts = [
        learner.baseline,
        learner.variance,
        learner.count as f64,
        bandit.last.experiences as f64,
        bandit.ignored as f64,
    ];
    tensors.insert("counts", &[counts.len()], counts);
    for (arm, (precision, moment)) in learner.arms().iter().enumerate() {
        tensors.insert(
            &format!("precision.{arm}"),
            &[DIM, DIM],
            precision.iter().copied(),
        );
        tensors.insert(&format!("moment.{arm}"), &[DIM], moment.iter().copied());
    }
    Checkpoint {
        learner: Bandit::NAME.to_owned(),
        version: VERSION,
        encoding: encoding::VERSION,
        data: tensors.to_bytes(),
    }
}

pub(super) fn load(bandit: &mut Bandit, checkpoint: &Checkpoint) -> Result<()> {
    let refuse = |reason: String| Error::invalid("the checkpoint", reason);
    let expected = (Bandit::NAME, VERSION, encoding::VERSION);
    let found = (
        checkpoint.learner.as_str(),
        checkpoint.version,
        checkpoint.encoding,
    );
    if found != expected {
        let text = |(learner, version, encoding): (&str, u32, u32)| {
            format!("learner `{learner}`, layout {version}, encoding {encoding}")
        };
        return Err(refuse(format!(
            "it is of {}; expected is {}",
            text(found),
            text(expected)
        )));
    }
    let tensors = Tensors::from_bytes(&checkpoint.data).map_err(refuse)?;
    let headrooms = tensors.list("headrooms").map_err(refuse)?;
    if headrooms != bandit.settings.headrooms {
        return Err(refuse(format!(
            "its head-rooms are {headrooms:?}, the settings say {:?}",
            bandit.settings.headrooms
        )));
    }
    let counts = tensors.get("counts", &[5]).map_err(refuse)?;
    let [baseline, variance, count, experiences, ignored] = *counts else {
        return Err(refuse("its counts are incomplete".to_owned()));
    };
    let mut arms = Vec::with_capacity(headrooms.len());
    for arm in 0..headrooms.len() {
        let precision = tensors
            .get(&format!("precision.{arm}"), &[DIM, DIM])
            .map_err(refuse)?;
        let moment = tensors
            .get(&format!("moment.{arm}"), &[DIM])
            .map_err(refuse)?;
        let precision = Array2::from_shape_vec((DIM, DIM), precision.to_vec())
            .map_err(|error| refuse(error.to_string()))?;
        arms.push((precision, Array1::from(moment.to_vec())));
    }
    let mut learner = bandit.learner.clone().with_arms(arms);
    learner.baseline = baseline;
    learner.variance = variance.max(0.0);
    learner.count = count.max(0.0) as u64;
    bandit.learner = learner;
    bandit.last.experiences = experiences.max(0.0) as u64;
    bandit.ignored = ignored.max(0.0) as u64;
    bandit.current = None;
    bandit.gathering = None;
    Ok(())
}
