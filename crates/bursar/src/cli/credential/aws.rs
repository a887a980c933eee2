//! `bursar credential aws`: a `credential_process` that exchanges an identity token for short-lived keys.
//!
//! The keys are printed and forgotten: the AWS tools keep them until their end, and nothing here writes them down.

use bursar_core::ports::upstream::{SendError, SendLimits};
use bursar_core::secret::Secret;
use jiff::SignedDuration;
use url::Url;

use super::identity_token::{Proof, proof, renewed_proof};
use super::security_token::{Exchange, ExchangeError, Keys, process_answer, read, request};
use crate::cli::app::App;
use crate::cli::arguments::credential::AwsCredential;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &AwsCredential) -> Result<Exit, Failure> {
    let partition = partition(&command.role_arn)?;
    check_duration(command.duration)?;
    let endpoint = endpoint(app, command, partition)?;
    let account = app.resolve(&command.account).await?;
    let shown = proof(app, &account.reference, command.access_token).await?;
    let session_name = session_name(command, &shown)?;
    let first = exchange(app, command, &endpoint, &session_name, &shown).await?;
    let keys = match first {
        Ok(keys) => Ok(keys),
        // Its clock, or its idea of the token's end, is not ours: another token settles it.
        Err(error) if !command.access_token && is_expired(&error) => {
            let renewed = renewed_proof(app, &account.reference, shown.generation).await?;
            exchange(app, command, &endpoint, &session_name, &renewed).await?
        }
        Err(error) => Err(error),
    };
    let keys = keys.map_err(|error| failure(&error, &shown.token))?;
    app.printer.data(&process_answer(&keys));
    Ok(Exit::Ok)
}

async fn exchange(
    app: &App,
    command: &AwsCredential,
    endpoint: &Url,
    session_name: &str,
    shown: &Proof,
) -> Result<Result<Keys, ExchangeError>, Failure> {
    let exchange = Exchange {
        role_arn: &command.role_arn,
        session_name,
        token: &shown.token,
        duration: command.duration,
    };
    let request = request(endpoint, &exchange).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let limits = SendLimits::default();
    let time = limits.time.min(app.config.network.timeout.unsigned_abs());
    let answer = app.engine.ports().upstream.send(request, SendLimits { time, ..limits }).await;
    Ok(read(&answer.map_err(|error| unreachable(&error))?))
}

/// `aws`, `aws-cn` and the like; who has the role's account in it is none of our business.
fn partition(role_arn: &str) -> Result<&str, Failure> {
    let parts: Vec<&str> = role_arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "iam", "", account, role]
            if !partition.is_empty()
                && account.len() == 12
                && account.bytes().all(|digit| digit.is_ascii_digit())
                && role.starts_with("role/")
                && role_arn.len() <= LONGEST_ARN
                && role_arn.bytes().all(|letter| letter.is_ascii_graphic()) =>
        {
            Ok(partition)
        }
        _ => Err(Failure::new(Exit::Usage, "this is not the ARN of a role")
            .hint("it looks like arn:aws:iam::123456789012:role/NAME")),
    }
}

fn check_duration(duration: SignedDuration) -> Result<(), Failure> {
    if (SHORTEST..=LONGEST).contains(&duration) {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, "AWS makes keys for 15 minutes to 12 hours").hint("set `--duration 1h`"))
}

/// The named STS, else the region's, else the one for the whole partition.
fn endpoint(app: &App, command: &AwsCredential, partition: &str) -> Result<Url, Failure> {
    let variable = |name| app.environment.text(name).map(str::to_owned);
    let named = command
        .sts_endpoint
        .clone()
        .or_else(|| if command.region.is_some() { None } else { variable("AWS_ENDPOINT_URL_STS") });
    if let Some(named) = named {
        return bursar_core::oauth::url::EndpointUrl::parse(&named)
            .map(|url| url.as_url().clone())
            .map_err(|error| Failure::of(Exit::Usage, &error));
    }
    let region =
        command.region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    let host = host(partition, region.as_deref())?;
    Url::parse(&format!("https://{host}/")).map_err(|error| Failure::of(Exit::Usage, &error))
}

fn host(partition: &str, region: Option<&str>) -> Result<String, Failure> {
    let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    match region {
        Some(region) => {
            let fits = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
            if region.is_empty() || !region.bytes().all(fits) {
                return Err(Failure::new(Exit::Usage, "this is not a region of AWS")
                    .hint("it looks like eu-central-1"));
            }
            Ok(format!("sts.{region}.{domain}"))
        }
        None if partition == "aws" => Ok(format!("sts.{domain}")),
        None => {
            Err(Failure::new(Exit::Usage, format!("the partition {partition} has no STS without a region"))
                .hint("say which with `--region`"))
        }
    }
}

/// The name AWS writes into its logs: what was said, else the account's identity as far as its letters are allowed.
fn session_name(command: &AwsCredential, shown: &Proof) -> Result<String, Failure> {
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(*letter);
    if let Some(name) = &command.session_name {
        if (2..=LONGEST_SESSION).contains(&name.len()) && name.chars().all(|letter| allowed(&letter)) {
            return Ok(name.clone());
        }
        return Err(Failure::new(Exit::Usage, "this is not a name for a session")
            .hint("use 2 to 64 of letters, digits and _+=,.@-"));
    }
    let label = shown.label.as_deref().unwrap_or_default();
    let name: String = label.chars().filter(allowed).take(LONGEST_SESSION).collect();
    Ok(if name.len() < 2 { "bursar".to_owned() } else { name })
}

fn is_expired(error: &ExchangeError) -> bool {
    matches!(error, ExchangeError::Refused { code, .. } if code.starts_with("ExpiredToken"))
}

/// STS's words, without the token if it repeats it, and what helps.
fn failure(error: &ExchangeError, token: &Secret) -> Failure {
    let ExchangeError::Refused { code, message } = error else {
        return Failure::of(Exit::Unavailable, error)
            .hint("check the region or `--sts-endpoint`, and try again");
    };
    let shown = ExchangeError::Refused { code: code.clone(), message: token.masked_in(message) };
    let (exit, hint) = match code.strip_suffix("Exception").unwrap_or(code) {
        "AccessDenied" => (Exit::Denied, "check the role's trust policy: issuer, audience and subject"),
        "InvalidIdentityToken" | "IDPRejectedClaim" => {
            (Exit::Denied, "check the identity provider in IAM: its URL and its audiences")
        }
        "ExpiredToken" => (Exit::Denied, "check this computer's clock"),
        "RegionDisabled" => (Exit::Denied, "choose another region with `--region`"),
        "IDPCommunicationError"
        | "Throttling"
        | "RequestLimitExceeded"
        | "ServiceUnavailable"
        | "InternalFailure" => (Exit::Unavailable, "try again in a moment"),
        "ValidationError" => (Exit::Usage, "check `--role-arn`, `--session-name` and `--duration`"),
        _ => (Exit::Error, "look the code up in the documents of AssumeRoleWithWebIdentity"),
    };
    Failure::of(exit, &shown).hint(hint)
}

fn unreachable(error: &SendError) -> Failure {
    Failure::of(Exit::Unavailable, error).hint("check your network, the region and `--sts-endpoint`")
}

/// What STS allows.
const SHORTEST: SignedDuration = SignedDuration::from_mins(15);
const LONGEST: SignedDuration = SignedDuration::from_hours(12);
const LONGEST_ARN: usize = 2048;
const LONGEST_SESSION: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_told_from_other_things() {
        assert_eq!(partition("arn:aws:iam::123456789012:role/deploy").unwrap(), "aws");
        assert_eq!(partition("arn:aws-cn:iam::123456789012:role/path/deploy").unwrap(), "aws-cn");
        for text in [
            "",
            "deploy",
            "arn:aws:iam::123456789012:user/ada",
            "arn:aws:iam::12345:role/deploy",
            "arn:aws:sts::123456789012:role/deploy",
            "arn:aws:iam::123456789012:role/a b",
        ] {
            assert_eq!(partition(text).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }

    #[test]
    fn every_region_has_an_sts_of_its_own() {
        assert_eq!(host("aws", None).unwrap(), "sts.amazonaws.com");
        assert_eq!(host("aws", Some("eu-central-1")).unwrap(), "sts.eu-central-1.amazonaws.com");
        assert_eq!(host("aws-cn", Some("cn-north-1")).unwrap(), "sts.cn-north-1.amazonaws.com.cn");
        assert!(host("aws-us-gov", None).is_err());
        for region in ["", "evil.example/", "a@b", "EU"] {
            assert!(host("aws", Some(region)).is_err(), "{region}");
        }
    }

    #[test]
    fn codes_become_exits_and_tokens_stay_hidden() {
        let token = Secret::new("identity-token-1");
        for (code, exit) in [
            ("AccessDenied", 8),
            ("InvalidIdentityToken", 8),
            ("ExpiredTokenException", 8),
            ("IDPCommunicationError", 5),
            ("ThrottlingException", 5),
            ("ValidationError", 2),
            ("PackedPolicyTooLarge", 1),
        ] {
            let message = "no identity-token-1 please".to_owned();
            let failure = failure(&ExchangeError::Refused { code: code.to_owned(), message }, &token);
            assert_eq!(failure.exit.code(), exit, "{code}");
            assert!(!failure.message.contains("identity-token-1"));
            assert!(failure.hint.is_some());
        }
    }
}
