//! What the API server's answers mean to those who ask through the roles.

use ibn_core::Error;

/// How the cluster is named in errors.
pub(crate) const API_SERVER: &str = "the API server";

/// A failed call about `what`, in the words of the roles.
///
/// A conflict is stale: what was read is no longer so. An answer that another try may change (too many requests, an
/// expired list, a server on its way up or down) is unavailable; any other answer is a refusal.
pub(crate) fn told(what: impl ToString, error: &kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => match status.code {
            404 => Error::not_found(what),
            409 => Error::Stale {
                what: what.to_string(),
                judged_on: "what was read".to_owned(),
                found: status.message.clone(),
            },
            408 | 410 | 429 | 500.. => Error::unavailable(API_SERVER, &status.message),
            _ => Error::Refused {
                service: API_SERVER.to_owned(),
                reason: status.message.clone(),
            },
        },
        kube::Error::SerdeError(source) => Error::invalid(&what.to_string(), source),
        _ => Error::unavailable(API_SERVER, chain(error)),
    }
}

/// An error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use ibn_core::ErrorKind;
    use kube::core::Status;

    use super::*;

    #[test]
    fn answers_have_their_kinds() {
        for (code, kind) in [
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Stale),
            (410, ErrorKind::Unavailable),
            (429, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (403, ErrorKind::Refused),
            (422, ErrorKind::Refused),
        ] {
            let status = Status::failure("no", "Reason").with_code(code);
            let error = kube::Error::Api(status.boxed());
            assert_eq!(told("web", &error).kind(), kind, "{code}");
        }
    }

    #[test]
    fn causes_are_said_once() {
        let source = std::io::Error::other("refused by the peer");
        let error = kube::Error::Service(Box::new(source));
        assert_eq!(
            told("web", &error).to_string(),
            "the API server is unreachable: ServiceError: refused by the peer"
        );
    }
}
