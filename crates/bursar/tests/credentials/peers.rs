//! Programs that other people wrote, asking the helper themselves: git, botocore and google-auth.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use misbehaving_provider::MisbehavingProvider;
use tokio::process::Command;

use super::World;
use super::aws::{ROLE, token_service};
use super::server::{Request, Server, answer};
use crate::support::{Ended, ended};

/// A private repository behind smart HTTP, whose server asks the provider about every token.
struct Forge {
    server: Server,
    folder: PathBuf,
    refused: Arc<AtomicUsize>,
}

impl Forge {
    async fn new(world: &World, provider: Arc<MisbehavingProvider>) -> Self {
        let folder = world.home.beside("forge");
        let work = world.home.beside("author");
        git(
            world,
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                folder.join("team.git").to_str().unwrap(),
            ],
        )
        .await;
        git(world, &["init", "--quiet", "--initial-branch=main", work.to_str().unwrap()]).await;
        let refused = Arc::new(AtomicUsize::new(0));
        let (root, count) = (folder.clone(), Arc::clone(&refused));
        let server = Server::start(move |request| {
            if shown_token(request).is_some_and(|token| provider.is_live(&token)) {
                return backend(&root, request);
            }
            count.fetch_add(usize::from(request.header("authorization").is_some()), Ordering::SeqCst);
            answer(401, &[("www-authenticate", "Basic realm=\"forge\"")], b"")
        });
        let forge = Self { server, folder, refused };
        forge.commit(world, "first").await;
        forge
    }

    /// Somebody commits.
    async fn commit(&self, world: &World, message: &str) {
        let work = world.home.beside("author");
        let work = work.to_str().unwrap();
        git(world, &["-C", work, "commit", "--quiet", "--allow-empty", "-m", message]).await;
        let bare = self.folder.join("team.git");
        git(world, &["-C", work, "push", "--quiet", bare.to_str().unwrap(), "main"]).await;
    }

    fn url(&self) -> String {
        format!("http://{}/team.git", self.server.address)
    }
}

/// The password of HTTP Basic, or the bearer token.
fn shown_token(request: &Request) -> Option<String> {
    let header = request.header("authorization")?;
    if let Some(token) = header.strip_prefix("Bearer ") {
        return Some(token.to_owned());
    }
    let pair = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    Some(String::from_utf8(pair).ok()?.split_once(':')?.1.to_owned())
}

/// git's own server half (git-http-backend(1)), as CGI (RFC 3875).
fn backend(root: &Path, request: &Request) -> Vec<u8> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut command = std::process::Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_USER", "reader")
        .env("CONTENT_LENGTH", request.body.len().to_string());
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = request.header(header) {
            command.env(variable, value);
        }
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &request.body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(output[..end].to_vec()).unwrap();
    let headers: Vec<(&str, &str)> = head.lines().filter_map(|line| line.split_once(": ")).collect();
    let status = headers.iter().find(|(name, _)| *name == "Status");
    let status = status.map_or(200, |(_, value)| value[..3].parse().unwrap());
    answer(status, &headers, &output[end + 4..])
}

/// git as a person has it: it may ask helpers, but there is nobody to ask.
fn git_command(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.program("git");
    command
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", world.home.beside("gitconfig"))
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "Ada")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "ada@example.com")));
    command
}

async fn git(world: &World, arguments: &[&str]) -> Ended {
    let done = ended(&mut git_command(world, arguments)).await;
    assert_eq!(done.code, 0, "git {arguments:?}: {done}");
    done
}

/// Writes git's configuration: bursar is the only helper, and may show this account's token to the forge.
fn configure(world: &World, forge: &Forge, options: &str) {
    let helper = format!(
        "!'{}' credential git --account work --host {} {options}",
        env!("CARGO_BIN_EXE_bursar"),
        forge.server.address
    );
    let text = format!("[credential]\n\thelper = \"{helper}\"\n");
    std::fs::write(world.home.beside("gitconfig"), text).unwrap();
}

async fn world_with_forge() -> (World, Forge) {
    let world = World::with(&["work"]).await;
    // The server's threads ask the provider as well.
    let forge = Forge::new(&world, Arc::clone(&world.provider)).await;
    (world, forge)
}

#[tokio::test(flavor = "multi_thread")]
async fn git_clones_a_private_repository_and_fetches_after_the_token_has_ended() {
    let (world, forge) = world_with_forge().await;
    let clone = world.home.beside("clone");
    let clone = clone.to_str().unwrap();

    let alone = ended(&mut git_command(&world, &["clone", &forge.url(), clone])).await;
    assert_ne!(alone.code, 0, "the repository is private: {alone}");

    configure(&world, &forge, "");
    git(&world, &["clone", &forge.url(), clone]).await;
    assert_eq!((forge.refused.load(Ordering::SeqCst), world.provider.refreshes()), (0, 0));

    world.expire("work").await;
    let refreshes = world.provider.refreshes();
    forge.commit(&world, "second").await;
    git(&world, &["-C", clone, "fetch"]).await;
    let log = git(&world, &["-C", clone, "log", "--format=%s", "origin/main"]).await;
    assert_eq!(log.stdout, "second\nfirst\n");
    assert_eq!(forge.refused.load(Ordering::SeqCst), 0, "no ended token was ever shown");
    assert_eq!(world.provider.refreshes(), refreshes + 1);

    let config = std::fs::read_to_string(Path::new(clone).join(".git/config")).unwrap();
    assert!(!config.contains(&world.token("work").await), "nothing is left in the clone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_git_saw_refused_is_replaced_for_its_next_command() {
    let (world, forge) = world_with_forge().await;
    configure(&world, &forge, "");
    let clone = world.home.beside("clone");
    let clone = clone.to_str().unwrap();
    git(&world, &["clone", &forge.url(), clone]).await;

    // It looks good for an hour here, but not there.
    let hour = std::time::Duration::from_secs(3700);
    world.provider.advance(hour);
    let fetch = ended(&mut git_command(&world, &["-C", clone, "fetch"])).await;
    assert_ne!(fetch.code, 0, "{fetch}");
    assert_eq!((forge.refused.load(Ordering::SeqCst), world.provider.refreshes()), (1, 1));
    git(&world, &["-C", clone, "fetch"]).await;
    assert_eq!((forge.refused.load(Ordering::SeqCst), world.provider.refreshes()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn git_2_46_presents_a_bearer_token() {
    let (world, forge) = world_with_forge().await;
    configure(&world, &forge, "--bearer");
    let clone = world.home.beside("clone");
    git(&world, &["clone", &forge.url(), clone.to_str().unwrap()]).await;
    let knows = git_version_is_at_least(&world, (2, 46)).await;
    let shown: Vec<bool> = forge
        .server
        .requests()
        .iter()
        .filter_map(|request| request.header("authorization"))
        .map(|header| header.starts_with("Bearer "))
        .collect();
    assert!(!shown.is_empty() && shown.iter().all(|bearer| *bearer == knows), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_beside_it_that_stores_passwords_does_not_bring_old_ones_back() {
    let (world, forge) = world_with_forge().await;
    configure(&world, &forge, "");
    let store = world.home.beside("git-credentials");
    let gitconfig = world.home.beside("gitconfig");
    let text = std::fs::read_to_string(&gitconfig).unwrap();
    std::fs::write(&gitconfig, format!("{text}\thelper = \"store --file={}\"\n", store.display())).unwrap();
    let clone = world.home.beside("clone");
    let clone = clone.to_str().unwrap();
    git(&world, &["clone", &forge.url(), clone]).await;
    world.expire("work").await;
    git(&world, &["-C", clone, "fetch"]).await;
    assert_eq!(forge.refused.load(Ordering::SeqCst), 0);
}

async fn git_version_is_at_least(world: &World, least: (u32, u32)) -> bool {
    let version = git(world, &["--version"]).await.stdout;
    let number = version.split_whitespace().nth(2).unwrap();
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap());
    (parts.next().unwrap(), parts.next().unwrap()) >= least
}

/// Runs a script in the environment that `scripts/setup-tests` made.
async fn python(world: &World, script: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = world.program(python_program());
    ended(command.args(["-I", "-c", script]).envs(variables.iter().copied())).await
}

#[expect(clippy::disallowed_methods, reason = "where scripts/setup-tests put the Python peers")]
fn python_program() -> PathBuf {
    let usual = || Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/bursar-tests");
    let home = std::env::var_os("BURSAR_TEST_HOME").map_or_else(usual, PathBuf::from);
    let program = home.join("python/bin/python");
    assert!(program.exists(), "the Python peers are missing: run scripts/setup-tests");
    program
}

/// botocore starts the helper itself, and signs with what it prints.
#[tokio::test(flavor = "multi_thread")]
async fn an_aws_library_takes_its_keys_from_the_helper() {
    let world = World::with(&["work"]).await;
    let service = token_service();
    let config = world.home.beside("aws-config");
    let line = format!(
        "{} credential aws --account work --role-arn {ROLE} --sts-endpoint http://{}/",
        env!("CARGO_BIN_EXE_bursar"),
        service.address
    );
    std::fs::write(
        &config,
        format!("[profile bursar]\nregion = eu-central-1\ncredential_process = {line}\n"),
    )
    .unwrap();
    let script = "\
import botocore.session
session = botocore.session.Session(profile='bursar')
credentials = session.get_credentials()
assert credentials.method == 'custom-process', credentials.method
frozen = credentials.get_frozen_credentials()
print(frozen.access_key, frozen.secret_key, frozen.token)
print(session.get_credentials().get_frozen_credentials().access_key)
";
    let variables = [("AWS_CONFIG_FILE", config.to_str().unwrap()), ("AWS_EC2_METADATA_DISABLED", "true")];
    let printed = python(&world, script, &variables).await;
    assert_eq!(printed.code, 0, "{printed}");
    assert_eq!(printed.stdout, "ASIAEXAMPLE s3cret/key session==\nASIAEXAMPLE\n");
    assert_eq!(service.requests().len(), 1, "the library keeps the keys until their end");

    let gone = line.replace("--account work", "--account nobody");
    std::fs::write(&config, format!("[profile bursar]\ncredential_process = {gone}\n")).unwrap();
    let refused = python(&world, script, &variables).await;
    assert!(refused.stderr.contains("CredentialRetrievalError"), "{refused}");
    assert!(refused.stderr.contains("Account 'nobody' not found"), "{refused}");
}

/// google-auth starts the helper itself, and exchanges the identity token for one of Google's.
#[tokio::test(flavor = "multi_thread")]
async fn a_google_library_takes_its_identity_token_from_the_helper() {
    let world = World::with(&["work"]).await;
    let service = Server::start(|_| {
        let body = r#"{"access_token":"ya29.google","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
                       "token_type":"Bearer","expires_in":3600}"#;
        answer(200, &[("content-type", "application/json")], body.as_bytes())
    });
    let script = "\
import json, os
from google.auth import pluggable
from google.auth.transport import urllib3
info = json.loads(os.environ['ACCOUNT'])
credentials = pluggable.Credentials.from_info(info)
credentials.refresh(urllib3.Request(urllib3.urllib3.PoolManager()))
print(credentials.token)
";
    let account = |options: &str| {
        serde_json::json!({
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/bursar",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "token_url": format!("http://{}/token", service.address),
            "credential_source": {"executable": {
                "command": format!("{} credential google {options}", env!("CARGO_BIN_EXE_bursar")),
                "timeout_millis": 30_000,
            }},
        })
        .to_string()
    };
    let allowed = ("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
    let printed = python(&world, script, &[("ACCOUNT", &account("--account work")), allowed]).await;
    assert_eq!((printed.code, printed.stdout.as_str()), (0, "ya29.google\n"), "{printed}");
    let requests = service.requests();
    let subject = requests[0].parameter("subject_token").unwrap();
    assert_eq!(subject.split('.').count(), 3);
    assert_eq!(
        requests[0].parameter("subject_token_type").as_deref(),
        Some("urn:ietf:params:oauth:token-type:id_token")
    );

    let refused = python(&world, script, &[("ACCOUNT", &account("--account nobody")), allowed]).await;
    assert!(refused.stderr.contains("RefreshError") && refused.stderr.contains("404"), "{refused}");
}
