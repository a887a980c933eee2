//! Secrets are said by one of three keys: itself (in the environment only), a file, or a program that prints it.

use super::secret_source::SecretSource;
use super::value::{Origin, Value};

/// A second place for the same secret, which would make one of them a surprise.
pub(super) struct SaidTwice {
    /// The key that says it again.
    pub(super) name: &'static str,
    pub(super) place: Origin,
    /// Completes "the key …".
    pub(super) detail: String,
}

/// The secret, wherever it is. The environment overrides the file, whichever of the keys each of them uses; two places in
/// one source are a mistake.
pub(super) fn chosen(
    found: impl IntoIterator<Item = (&'static str, Value, Origin)>,
) -> Result<Option<SecretSource>, SaidTwice> {
    let mut chosen: Option<(SecretSource, Origin)> = None;
    for (name, value, origin) in found {
        let secret = match value {
            Value::Secret(secret) => SecretSource::Given(secret),
            Value::Path(path) => SecretSource::File(path),
            Value::Command(command) => SecretSource::Command(command),
            _ => continue,
        };
        let is_file = |origin: &Origin| matches!(origin, Origin::File { .. });
        match &chosen {
            Some((_, before)) if !is_file(before) && is_file(&origin) => {}
            Some((_, before)) if is_file(before) == is_file(&origin) => {
                let detail = format!("says a second time where the secret is; the first is {before}");
                return Err(SaidTwice { name, place: origin, detail });
            }
            _ => chosen = Some((secret, origin)),
        }
    }
    Ok(chosen.map(|(secret, _)| secret))
}
