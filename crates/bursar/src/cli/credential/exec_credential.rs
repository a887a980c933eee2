//! kubectl's exec plugins: `client.authentication.k8s.io`, version `v1` and `v1beta1`. Pure.

use bursar_core::secret::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version in which an answer is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Version {
    /// Since Kubernetes 1.22.
    #[default]
    #[serde(rename = "client.authentication.k8s.io/v1")]
    V1,
    /// Since Kubernetes 1.11.
    #[serde(rename = "client.authentication.k8s.io/v1beta1")]
    V1Beta1,
}

/// Reads `KUBERNETES_EXEC_INFO`. Old callers do not set it, and get `v1`.
pub(super) fn wanted(info: Option<&str>) -> Result<Version, InfoError> {
    let Some(info) = info else { return Ok(Version::default()) };
    let info: serde_json::Value = serde_json::from_str(info).map_err(|_| InfoError::NotJson)?;
    if info["kind"] != "ExecCredential" {
        return Err(InfoError::Kind);
    }
    serde_json::from_value(info["apiVersion"].clone()).map_err(|_| InfoError::Version)
}

/// The answer: one line. kubectl keeps the token until `expires_at` or a 401.
pub(super) fn answer(version: Version, token: &Secret, expires_at: Option<Timestamp>) -> String {
    let credential = ExecCredential {
        kind: "ExecCredential",
        api_version: version,
        spec: Spec { interactive: false },
        status: Status {
            expiration_timestamp: expires_at.map(|end| format!("{end:.0}")),
            token: token.expose(),
        },
    };
    // Strings and a truth value are always JSON.
    serde_json::to_string(&credential).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    kind: &'static str,
    api_version: Version,
    spec: Spec,
    status: Status<'a>,
}

#[derive(Serialize)]
struct Spec {
    interactive: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_timestamp: Option<String>,
    token: &'a str,
}

/// Why `KUBERNETES_EXEC_INFO` is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InfoError {
    /// Not JSON.
    #[error("KUBERNETES_EXEC_INFO is not JSON")]
    NotJson,
    /// Another kind of object.
    #[error("KUBERNETES_EXEC_INFO is no ExecCredential")]
    Kind,
    /// A version that is not known here.
    #[error("KUBERNETES_EXEC_INFO wants another version than client.authentication.k8s.io/v1 or v1beta1")]
    Version,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_version_that_was_asked_for() {
        for (info, version) in [
            (None, "v1"),
            (
                Some(
                    r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true}}"#,
                ),
                "v1",
            ),
            (
                Some(
                    r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{}}"#,
                ),
                "v1beta1",
            ),
        ] {
            let end = Some("2026-11-21T15:00:00.9Z".parse().unwrap());
            assert_eq!(
                answer(wanted(info).unwrap(), &Secret::new("t0ken"), end),
                format!(
                    "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/{version}\",\
                     \"spec\":{{\"interactive\":false}},\
                     \"status\":{{\"expirationTimestamp\":\"2026-11-21T15:00:00Z\",\"token\":\"t0ken\"}}}}\n"
                )
            );
        }
    }

    #[test]
    fn a_token_without_a_known_end_has_no_expiration() {
        assert!(
            answer(Version::V1, &Secret::new("t0ken"), None).ends_with("\"status\":{\"token\":\"t0ken\"}}\n")
        );
    }

    #[test]
    fn other_callers_are_told() {
        for (info, error) in [
            ("", InfoError::NotJson),
            ("{}", InfoError::Kind),
            (r#"{"kind":"ExecCredential"}"#, InfoError::Version),
            (
                r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#,
                InfoError::Version,
            ),
        ] {
            assert_eq!(wanted(Some(info)), Err(error), "{info}");
        }
    }
}
