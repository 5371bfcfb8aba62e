//! What a bandit has learned, as bytes.

use ibn_core::roles::Checkpoint;
use ibn_core::{Error, Result, encoding};
use ndarray::{Array1, Array2};

use super::Bandit;
use crate::tensors::Tensors;

/// The layout of the state.
pub(super) const VERSION: u32 = 1;

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
    let dim = learner.dim();
    tensors.insert("precision", &[dim, dim], learner.precision.iter().copied());
    tensors.insert("moment", &[dim], learner.moment.iter().copied());
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
    let mut learner = bandit.learner.clone();
    let dim = learner.dim();
    let precision = tensors.get("precision", &[dim, dim]).map_err(refuse)?;
    learner.precision = Array2::from_shape_vec((dim, dim), precision.to_vec())
        .map_err(|error| refuse(error.to_string()))?;
    let moment = tensors.get("moment", &[dim]).map_err(refuse)?;
    learner.moment = Array1::from(moment.to_vec());
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
