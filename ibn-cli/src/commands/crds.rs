//! `ibn crds`.

use crate::exit::{Exit, Failure, Outcome};

pub(crate) fn run() -> Outcome {
    let yaml = ibn_k8s::crds_yaml().map_err(|error| {
        Failure::because(
            Exit::Failed,
            "the CustomResourceDefinitions can't be written",
            &error,
        )
    })?;
    crate::output::line(yaml.trim_end());
    Ok(Exit::Done)
}
