mod accounts;

use futures::executor::block_on;

use super::directory::Directory;
use super::*;
use crate::engine::test_world::{World, tokens};
use crate::engine::vault::{Place, SealedKind};

fn world() -> (World, Sandboxes) {
    let world = World::new("", |_| tokens("a1", None));
    let sandboxes = Sandboxes::new(world.engine.clone());
    (world, sandboxes)
}

fn wish(name: &str) -> NewSandbox {
    NewSandbox {
        name: SandboxName::parse(name).unwrap(),
        host: None,
        lifetime: None,
        settings: SandboxSettings::default(),
    }
}

#[test]
fn what_is_sealed_in_a_sandbox_opens_only_with_its_own_key() {
    let (world, sandboxes) = world();
    let one = block_on(sandboxes.add(wish("one"))).unwrap();
    let other = block_on(sandboxes.add(wish("other"))).unwrap();
    let place = Place { space: &Space::System, kind: SealedKind::Sandbox, key: "anything" };
    let vault = |engine: &Engine| block_on(engine.vault()).unwrap();
    let own = vault(&world.engine.in_sandbox(&one));
    let sealed = own.seal(place, b"secret", &*world.engine.ports.random);
    assert_eq!(vault(&world.engine.in_sandbox(&one)).open(place, &sealed).unwrap().as_slice(), b"secret");
    assert!(vault(&world.engine).open(place, &sealed).is_err());
    assert!(vault(&world.engine.in_sandbox(&other)).open(place, &sealed).is_err());
    // A key is that of its space, wherever somebody puts it.
    let unopened = block_on(sandboxes.add(wish("third"))).unwrap();
    let moved = Sandbox { data_key: one.data_key.clone(), ..unopened };
    assert!(block_on(world.engine.in_sandbox(&moved).vault()).is_err());
}

#[test]
fn a_walk_meets_every_sandbox_as_it_is_by_then() {
    let (_world, sandboxes) = world();
    for name in ["first", "gone", "second"] {
        block_on(sandboxes.add(wish(name))).unwrap();
    }
    let mut walk = sandboxes.walk();
    let first = block_on(walk.next()).unwrap().unwrap();
    assert_eq!(first.name.as_str(), "first");
    // While somebody is busy with the first one, another gets a new key and the third ends.
    let second = block_on(sandboxes.reset("second")).unwrap().unwrap();
    assert!(block_on(sandboxes.remove("gone")).unwrap());
    assert_eq!(block_on(walk.next()).unwrap(), Some(second));
    assert_eq!(block_on(walk.next()).unwrap(), None);
    assert_eq!(block_on(walk.next()).unwrap(), None);
}

#[test]
fn a_vault_that_is_locked_is_locked_in_every_sandbox() {
    let (world, sandboxes) = world();
    let one = block_on(sandboxes.add(wish("one"))).unwrap();
    let engine = world.engine.in_sandbox(&one);
    assert!(block_on(engine.vault()).is_ok());
    world.engine.lock();
    assert!(engine.is_locked() && block_on(engine.vault()).is_err());
    block_on(world.engine.unlock()).unwrap();
    assert!(block_on(engine.vault()).is_ok());
}

#[test]
fn names_and_hosts_belong_to_one_at_a_time() {
    let (world, sandboxes) = world();
    let host = HostName::parse("ci.test").unwrap();
    let brief =
        NewSandbox { host: Some(host.clone()), lifetime: Some(SignedDuration::from_mins(1)), ..wish("one") };
    block_on(sandboxes.add(brief.clone())).unwrap();
    assert!(matches!(block_on(sandboxes.add(wish("one"))), Err(SandboxError::Exists { .. })));
    let rival = NewSandbox { host: Some(host), ..wish("other") };
    assert!(matches!(block_on(sandboxes.add(rival.clone())), Err(SandboxError::HostIsTaken { .. })));
    world.clock.advance(std::time::Duration::from_mins(1));
    assert!(block_on(sandboxes.all()).unwrap().is_empty());
    assert!(block_on(sandboxes.named("one")).unwrap().is_none());
    assert!(!block_on(sandboxes.remove("one")).unwrap());
    block_on(sandboxes.add(rival)).unwrap();
    block_on(sandboxes.add(wish("one"))).unwrap();
    let names: Vec<String> =
        block_on(sandboxes.all()).unwrap().into_iter().map(|one| one.name.to_string()).collect();
    assert_eq!(names, ["one", "other"]);
    let no_time = NewSandbox { lifetime: Some(SignedDuration::ZERO), ..wish("gone") };
    assert!(matches!(block_on(sandboxes.add(no_time)), Err(SandboxError::Lifetime)));
}

#[test]
fn the_directory_follows_every_change() {
    let (world, sandboxes) = world();
    let directory = Directory::new(world.engine.clone());
    let found =
        |name: &str| block_on(directory.named(name)).unwrap().map(|found| found.document.space.clone());
    assert_eq!(found("one"), None);
    let made = block_on(sandboxes.add(wish("one"))).unwrap();
    assert_eq!(found("one"), Some(made.space));
    let emptied = block_on(sandboxes.reset("one")).unwrap().unwrap();
    assert_eq!(found("one"), Some(emptied.space));
    assert!(block_on(sandboxes.remove("one")).unwrap());
    assert_eq!(found("one"), None);
    let at = |host: &str| block_on(directory.at_host(host)).unwrap().is_some();
    assert!(!at("ci.test"));
    let own = NewSandbox { host: Some(HostName::parse("ci.test").unwrap()), ..wish("own") };
    block_on(sandboxes.add(own)).unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    assert!(at("ci.test"));
    assert!(block_on(sandboxes.remove("own")).unwrap());
    assert!(!at("ci.test"));
}

#[test]
fn clearing_up_again_after_the_installation_was_stopped_goes_on_where_it_was() {
    let (world, sandboxes) = world();
    let one = block_on(sandboxes.add(wish("one"))).unwrap();
    let space = Space::Sandbox(one.space.clone());
    assert!(block_on(sandboxes.remove("one")).unwrap());
    assert_eq!(block_on(sandboxes.clear_up()).unwrap(), Cleared::default());
    world.clock.advance(std::time::Duration::from_mins(11));
    let cleared = block_on(Sandboxes::new(world.engine.clone()).clear_up()).unwrap();
    assert_eq!(cleared, Cleared { spaces: 1, ..Cleared::default() });
    let events = crate::ports::store::EventQuery { after: 0, subject: None, limit: 10 };
    assert!(block_on(world.store.events(&space, events)).unwrap().value.is_empty());
}
