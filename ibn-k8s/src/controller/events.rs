//! What is said aloud, as Events of the objects that it is about.

use ibn_core::engine::{Notice, NoticeLevel};
use ibn_core::workload::WorkloadKind;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// The longest note that the API server takes is 1 KiB.
const NOTE: usize = 1000;

/// Says aloud what the engine says.
///
/// The reasons are the engine's own closed set of codes. What the API server doesn't take is in the log all the same.
#[derive(Clone)]
pub struct Events {
    recorder: Recorder,
}

impl Events {
    /// Events that are reported by `instance`.
    #[must_use]
    pub fn new(client: kube::Client, instance: &str) -> Self {
        let reporter = Reporter {
            controller: "ibn.dev/controller".to_owned(),
            instance: Some(instance.to_owned()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Says a notice aloud, on the intent that it speaks of, or else on the workload. `uid` is that of the intent's object.
    pub async fn say(&self, notice: &Notice, uid: Option<String>) {
        let Some(about) = about(notice, uid) else {
            return;
        };
        let event = Event {
            type_: match notice.level {
                NoticeLevel::Normal => EventType::Normal,
                NoticeLevel::Warning => EventType::Warning,
            },
            reason: notice.reason.code.clone(),
            note: Some(shortened(&notice.reason.message)),
            action: "Control".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &about).await {
            tracing::debug!(%error, "an event was not taken");
        }
    }
}

fn about(notice: &Notice, uid: Option<String>) -> Option<ObjectReference> {
    if let Some(key) = &notice.intent {
        return Some(ObjectReference {
            api_version: Some("ibn.dev/v1alpha1".to_owned()),
            kind: Some("Intent".to_owned()),
            namespace: Some(key.namespace.clone()),
            name: Some(key.name.clone()),
            uid,
            ..ObjectReference::default()
        });
    }
    let workload = notice.workload.as_ref()?;
    let version = match workload.kind {
        WorkloadKind::Namespace => "v1",
        WorkloadKind::Deployment | WorkloadKind::StatefulSet => "apps/v1",
    };
    Some(ObjectReference {
        api_version: Some(version.to_owned()),
        kind: Some(workload.kind.as_str().to_owned()),
        namespace: Some(workload.namespace.clone()),
        name: Some(workload.name.clone()),
        ..ObjectReference::default()
    })
}

/// As much of a text as is taken, cut between characters.
fn shortened(text: &str) -> String {
    if text.len() <= NOTE {
        return text.to_owned();
    }
    let end = (0..=NOTE)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"ü".repeat(900));
        assert!(cut.len() <= 1024, "{}", cut.len());
        assert!(cut.ends_with("ü…"));
    }
}
