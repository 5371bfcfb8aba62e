//! `ibn crds`.

use serde_json::json;

use crate::args::OutputFormat;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings) -> Outcome {
    let failed = |error| {
        Failure::because(
            Exit::Failed,
            "the CustomResourceDefinitions can't be written",
            &error,
        )
    };
    if settings.output == OutputFormat::Json {
        // What `kubectl apply -f -` takes as one document.
        let items = ibn_k8s::crds().map_err(failed)?;
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        output::print(settings.output, &list, String::new)?;
    } else {
        output::line(ibn_k8s::crds_yaml().map_err(failed)?.trim_end());
    }
    Ok(Exit::Done)
}
