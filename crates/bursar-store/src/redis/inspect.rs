//! Whether a server keeps what it acknowledges; asked once, before anything is trusted to it.

use std::collections::BTreeMap;

use bursar_core::ports::store::{Group, StoreError};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, ServerErrorKind, Value};

use super::errors::{Failure, RedisOpenError, is_login, request_failure, unexpected};
use super::link::single;
use super::reply::{bytes, list, text};
use super::target::Target;
use super::{RedisOptions, scripts};

/// Looks at the first server that answers, and at all masters of its cluster; tells whether it has one.
pub(super) async fn inspect(target: &Target, options: &RedisOptions) -> Result<bool, RedisOpenError> {
    let mut silent = None;
    for turn in 0..target.len() {
        match single(target, turn).await {
            Ok(mut connection) => {
                let cluster = inspect_node(&mut connection, options).await?;
                if cluster {
                    inspect_masters(target, &mut connection, options).await?;
                }
                return Ok(cluster);
            }
            Err(Failure::Login) => return Err(RedisOpenError::Login),
            // One of several may be down: that is what several are for.
            Err(failure) => silent = Some(failure),
        }
    }
    Err(silent.map_or_else(unexpected, Failure::into_unavailable).into())
}

/// Looks at every master of a cluster that can be reached; a promise of one is not that of all.
async fn inspect_masters(
    target: &Target,
    connection: &mut MultiplexedConnection,
    options: &RedisOptions,
) -> Result<(), RedisOpenError> {
    let mut command = Cmd::new();
    command.arg("CLUSTER").arg("NODES");
    let answer = command.query_async(connection).await.map_err(|error| failed(&error, "CLUSTER"))?;
    for (host, port) in masters(&told_text(answer)?) {
        match single(&target.other(&host, port), 0).await {
            Ok(mut master) => drop(inspect_node(&mut master, options).await?),
            Err(Failure::Login) => return Err(RedisOpenError::Login),
            Err(_) => {}
        }
    }
    Ok(())
}

/// Addresses of masters, from lines such as `ID 127.0.0.1:7000@17000,name myself,master - 0 ...`.
fn masters(nodes: &str) -> Vec<(String, u16)> {
    let mut found = Vec::new();
    for line in nodes.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(address), Some(flags)) = (words.next(), words.next()) else { continue };
        let is_master = flags.split(',').any(|flag| flag == "master");
        let address = address.split(['@', ',']).next().unwrap_or_default();
        if let Some((host, port)) = address.rsplit_once(':')
            && let Ok(port) = port.parse()
            && is_master
        {
            found.push((host.to_owned(), port));
        }
    }
    found
}

async fn inspect_node(
    connection: &mut MultiplexedConnection,
    options: &RedisOptions,
) -> Result<bool, RedisOpenError> {
    let facts = match info(connection).await {
        // Facts hidden from this user are asked for again by what needs them.
        Err(RedisOpenError::Permission { .. }) => BTreeMap::new(),
        facts => facts?,
    };
    check_version(&facts)?;
    let cluster = facts.get("cluster_enabled").is_some_and(|enabled| enabled == "1");
    probe(connection, &options.prefix, cluster).await?;
    let settings = settings(connection).await?;
    let told = |name: &str, fact: &str| {
        settings.as_ref().ok().and_then(|settings| settings.get(name)).or_else(|| facts.get(fact)).cloned()
    };
    if let Some(policy) = told("maxmemory-policy", "maxmemory_policy").filter(|policy| policy != "noeviction")
    {
        return Err(RedisOpenError::Setting {
            setting: "maxmemory-policy",
            found: policy,
            needed: "noeviction",
        });
    }
    if options.kinds.iter().all(|kind| kind.group == Group::Ephemeral) {
        return Ok(cluster);
    }
    if facts.is_empty() && !options.trusted_settings {
        return Err(RedisOpenError::HiddenSettings("INFO".to_owned()));
    }
    let replicas = facts.get("connected_slaves").and_then(|number| number.parse().ok()).unwrap_or(0);
    if replicas > 0 && !options.accept_replicas {
        return Err(RedisOpenError::Replicas(replicas));
    }
    match settings {
        Ok(settings) => check_durable(&settings)?,
        Err(_) if options.trusted_settings => {}
        Err(reason) => return Err(RedisOpenError::HiddenSettings(reason)),
    }
    Ok(cluster)
}

fn check_version(facts: &BTreeMap<String, String>) -> Result<(), RedisOpenError> {
    let Some(found) = facts.get("redis_version") else { return Ok(()) };
    let major: u32 = found.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < OLDEST_MAJOR {
        return Err(RedisOpenError::Version { found: found.clone(), needed: OLDEST });
    }
    Ok(())
}

fn check_durable(settings: &BTreeMap<String, String>) -> Result<(), RedisOpenError> {
    for (setting, needed) in [("appendonly", "yes"), ("appendfsync", "always")] {
        let found = settings.get(setting).cloned().unwrap_or_default();
        if found != needed {
            return Err(RedisOpenError::Setting { setting, found, needed });
        }
    }
    Ok(())
}

/// The server's settings, or why it does not tell them.
async fn settings(
    connection: &mut MultiplexedConnection,
) -> Result<Result<BTreeMap<String, String>, String>, RedisOpenError> {
    let mut found = BTreeMap::new();
    for pattern in ["append*", "maxmemory-policy"] {
        let mut command = Cmd::new();
        command.arg("CONFIG").arg("GET").arg(pattern);
        match command.query_async(connection).await {
            Ok(value) => found.extend(pairs(value)?),
            Err(error) if error.is_io_error() => return Err(failed(&error, "CONFIG")),
            // Forbidden by rules, renamed, or not offered by a managed service.
            Err(error) => return Ok(Err(error.code().unwrap_or("ERR").to_owned())),
        }
    }
    Ok(Ok(found))
}

async fn info(connection: &mut MultiplexedConnection) -> Result<BTreeMap<String, String>, RedisOpenError> {
    let mut command = Cmd::new();
    command.arg("INFO");
    let answer = command.query_async(connection).await.map_err(|error| failed(&error, "INFO"))?;
    let answer = told_text(answer)?;
    let facts = answer.lines().filter_map(|line| line.split_once(':'));
    Ok(facts.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
}

/// Runs every command the scripts use.
async fn probe(
    connection: &mut MultiplexedConnection,
    prefix: &str,
    cluster: bool,
) -> Result<(), RedisOpenError> {
    if cluster {
        // The key may live on another node; each shows what it refuses at the first commit.
        return Ok(());
    }
    let mut command = Cmd::new();
    let key = format!("{prefix}:{{~}}:");
    command.arg("EVAL").arg(&scripts::PROBE.code).arg(1).arg(key).arg("").arg(std::process::id());
    let answer = command.query_async(connection).await.map_err(|error| failed(&error, "EVAL"))?;
    let mut parts = list(answer)?.into_iter().skip(1);
    let Some(refused) = parts.next() else { return Ok(()) };
    let detail = parts.next().map(bytes).transpose()?.map(text).transpose()?.unwrap_or_default();
    if detail.starts_with("READONLY") || detail.starts_with("MISCONF") || detail.starts_with("OOM") {
        return Err(StoreError::Unavailable(detail).into());
    }
    Err(RedisOpenError::Permission { command: text(bytes(refused)?)?, detail })
}

fn told_text(answer: Value) -> Result<String, StoreError> {
    match answer {
        Value::VerbatimString { text, .. } => Ok(text),
        other => text(bytes(other)?),
    }
}

fn pairs(value: Value) -> Result<BTreeMap<String, String>, StoreError> {
    let mut parts = list(value)?.into_iter();
    let mut found = BTreeMap::new();
    while let Some(name) = parts.next() {
        let value = parts.next().ok_or_else(unexpected)?;
        found.insert(text(bytes(name)?)?, text(bytes(value)?)?);
    }
    Ok(found)
}

fn failed(error: &RedisError, command: &str) -> RedisOpenError {
    if is_login(error) {
        return RedisOpenError::Login;
    }
    if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoPerm) {
        let detail = error.detail().unwrap_or_default().to_owned();
        return RedisOpenError::Permission { command: command.to_owned(), detail };
    }
    request_failure(error).into_unavailable().into()
}

/// The oldest whose scripts may read the time before they write, and with which this is tested.
const OLDEST: &str = "7.0";
const OLDEST_MAJOR: u32 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_found_among_the_nodes_of_a_cluster() {
        let nodes = "07c3 127.0.0.1:7000@17000,one.example myself,master - 0 0 1 connected 0-5460\n\
                     6ec2 ::1:7001@17001 master - 0 1426238316232 2 connected 5461-10922\n\
                     824f 127.0.0.1:7002@17002 slave 07c3 0 1426238317741 3 connected\n\
                     292f :0@0 master,noaddr - 0 0 4 disconnected\n";
        let expected = [("127.0.0.1", 7000), ("::1", 7001), ("", 0)];
        assert_eq!(masters(nodes), expected.map(|(host, port)| (host.to_owned(), port)));
    }
}
