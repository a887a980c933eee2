//! The peer: Debian's `oidc-agent`, with one account at the same provider, set up without a person.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use misbehaving_provider::MisbehavingProvider;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::provider::{CLIENT, SECRET, exchange, visit};

/// A running agent that holds the account `bench`; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct OidcAgent {
    folder: tempfile::TempDir,
    socket: String,
    process: String,
}

impl OidcAgent {
    /// Starts the agent and gives it a refresh token.
    pub(crate) fn start(provider: &MisbehavingProvider) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join(".oidc-agent"))?;
        let password = folder.path().join("password");
        std::fs::write(&password, "a password that protects nothing\n")?;
        let mut command = Command::new("/usr/bin/oidc-agent");
        command.env_clear().env("HOME", folder.path()).stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().context("oidc-agent is not installed; run scripts/setup-tests")?;
        let said = String::from_utf8(output.stdout)?;
        let variable = |name: &str| {
            let value =
                said.split([';', '\n']).find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            value.map(str::to_owned).with_context(|| format!("oidc-agent did not tell {name}"))
        };
        let agent = Self { folder, socket: variable("OIDC_SOCK")?, process: variable("OIDCD_PID")? };
        let mut generate = Command::new("/usr/bin/oidc-gen");
        generate.env_clear().envs(agent.variables()).env("OIDC_REFRESH_TOKEN", refresh_token(provider)?);
        generate.args(["--manual", "--rt-env", "--issuer", &provider.issuer(), "--client-id", CLIENT]);
        generate.args([
            "--client-secret",
            SECRET,
            "--scope",
            SCOPE,
            "--redirect-uri",
            "http://localhost:4242",
        ]);
        generate.arg("--pw-file").arg(password).args(["--prompt=none", "--confirm-yes", "bench"]);
        let output = generate.stdin(Stdio::null()).output().context("oidc-gen cannot be started")?;
        ensure!(output.status.success(), "oidc-gen: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(agent)
    }

    /// What `oidc-token` needs to find the agent.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let home = self.folder.path().display().to_string();
        vec![("HOME".to_owned(), home), ("OIDC_SOCK".to_owned(), self.socket.clone())]
    }
}

impl Drop for OidcAgent {
    fn drop(&mut self) {
        // An agent that has ended already is what is wanted.
        let _ = Command::new("/bin/kill").arg(&self.process).status();
    }
}

/// A refresh token by the authorization code flow (RFC 6749 §4.1), without a client library.
fn refresh_token(provider: &MisbehavingProvider) -> Result<String> {
    let form = |pairs: &[(&str, &str)]| Serializer::new(String::new()).extend_pairs(pairs).finish();
    // RFC 7636 Appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let question = form(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("scope", SCOPE),
        ("state", "state"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ]);
    let end = visit(&format!("{}/authorize?{question}", provider.issuer()), |url| {
        url.as_str().starts_with(REDIRECT)
    })?;
    let code = end.query_pairs().find(|(name, _)| name == "code").context("the redirect has no code")?.1;
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ]);
    let fields = format!(
        "authorization: Basic {}\r\ncontent-type: application/x-www-form-urlencoded\r\n",
        STANDARD.encode(format!("{CLIENT}:{SECRET}"))
    );
    let answer = exchange(&Url::parse(&format!("{}/token", provider.issuer()))?, "POST", &fields, &body)?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { bail!("a token answer without a body") };
    let tokens: serde_json::Value =
        serde_json::from_str(body).with_context(|| format!("no tokens: {head}"))?;
    tokens["refresh_token"].as_str().map(str::to_owned).context("no refresh token")
}

const REDIRECT: &str = "http://127.0.0.1:9/callback";
const SCOPE: &str = "openid offline_access email";
