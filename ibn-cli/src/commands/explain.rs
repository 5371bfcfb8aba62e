//! `ibn explain`: why a decision was taken, or how a workload stands.

use ibn_core::workload::{WorkloadKind, WorkloadRef};
use serde_json::Value;

use crate::args::ExplainArgs;
use crate::client::{Client, wait};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::settings::Settings;

pub(crate) fn run(args: &ExplainArgs, settings: &Settings) -> Outcome {
    let path = path_of(&args.subject, settings.namespace.as_deref())?;
    let found: Value = wait(async { Client::new(&settings.server)?.get(&path, &[]).await })?;
    output::print(settings.output, &found, || {
        serde_saphyr::to_string(&found).unwrap_or_default()
    })?;
    Ok(Exit::Done)
}

fn path_of(subject: &str, namespace: Option<&str>) -> Result<String, Failure> {
    if subject.parse::<ibn_core::decision::DecisionId>().is_ok() {
        return Ok(format!("decisions/{subject}"));
    }
    let parts: Vec<&str> = subject.split('/').collect();
    let workload = match (parts.as_slice(), namespace) {
        ([namespace, kind, name], _) => {
            let kind: WorkloadKind =
                kind.parse()
                    .map_err(|error: ibn_core::units::ParseUnitError| {
                        Failure::new(Exit::Usage, error.to_string())
                    })?;
            WorkloadRef::new(namespace, kind, name)
        }
        ([namespace, name], _) => WorkloadRef::deployment(namespace, name),
        ([name], Some(namespace)) => WorkloadRef::deployment(namespace, name),
        _ => {
            return Err(Failure::new(Exit::Usage, format!("`{subject}` names no decision and no workload"))
                .help("a decision such as `d17`, or a workload such as `acme/web` or `acme/Deployment/web`"));
        }
    };
    Ok(format!(
        "explain/{}/{}/{}",
        workload.namespace, workload.kind, workload.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_and_workloads_are_told_apart() {
        assert_eq!(path_of("d17", None).unwrap(), "decisions/d17");
        assert_eq!(
            path_of("acme/web", None).unwrap(),
            "explain/acme/Deployment/web"
        );
        assert_eq!(
            path_of("acme/StatefulSet/db", None).unwrap(),
            "explain/acme/StatefulSet/db"
        );
        assert_eq!(
            path_of("web", Some("acme")).unwrap(),
            "explain/acme/Deployment/web"
        );
        assert!(path_of("web", None).is_err());
    }
}
