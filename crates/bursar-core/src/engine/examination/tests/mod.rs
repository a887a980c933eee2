//! A server that does everything right has nothing broken; each planted fault is found, and nothing else is.

mod server;

use std::collections::BTreeSet;

use futures::executor::block_on;

use self::server::{Fault, ISSUER, REDIRECT, RESOURCE, Server};
use super::checks::CHECKS;
use super::{Examination, Given, Line, Outcome, Tools, Verdict};
use crate::memory::random::SeededRandom;
use crate::secret::Secret;

/// Examines the server with this fault, as somebody who signs in twice; only the broken lines.
fn broken(fault: Option<Fault>) -> Vec<&'static str> {
    let lines = examined(fault, RESOURCE, true);
    lines
        .iter()
        .filter(|line| matches!(line.outcome, Outcome::Broken(_)))
        .map(|line| line.check.name)
        .collect()
}

fn examined(fault: Option<Fault>, url: &str, somebody_signs_in: bool) -> Vec<Line> {
    let server = Server::new(fault);
    let random = SeededRandom::new(7);
    let tools = Tools { upstream: &server, clock: &server::Hasty, random: &random, url: None };
    block_on(async {
        let mut examination = Examination::new(tools, url).unwrap();
        let given = Given { redirect_uri: REDIRECT.to_owned(), ..Given::default() };
        examination.without_person(&given).await;
        if !somebody_signs_in {
            examination.nobody_signed_in("nobody was there");
            return examination.finish().await;
        }
        if let Some(trip) = examination.trip() {
            let query = server.person_agrees(&trip.url());
            examination.answered(trip, &Secret::new(query)).await;
        }
        if let Some(trip) = examination.trip() {
            let query = server.person_agrees(&trip.url());
            examination.answered_again(trip, &Secret::new(query)).await;
        }
        examination.finish().await
    })
}

#[test]
fn a_server_that_does_everything_right_has_nothing_broken_and_everything_tried() {
    let lines = examined(None, RESOURCE, true);
    let others: Vec<_> = lines.iter().filter(|line| line.verdict() != Verdict::Ok).collect();
    // The server announces no client metadata documents, so that line cannot be tried.
    let names: Vec<_> = others.iter().map(|line| line.check.name).collect();
    assert_eq!(names, ["client-document"], "{others:#?}");
}

#[test]
fn each_planted_fault_is_found_and_nothing_else() {
    let table: [(Fault, &[&str]); 28] = [
        (Fault::NoChallenge, &["challenge", "challenge-metadata"]),
        (Fault::OtherResource, &["resource-name"]),
        (Fault::MetadataAppendedOnly, &["server-metadata-place"]),
        (Fault::IssuerWithSlash, &["issuer-name"]),
        (Fault::PkceNotAnnounced, &["pkce-announced"]),
        (Fault::IssuerNotAnnounced, &["issuer-announced"]),
        (Fault::IssuerNotSent, &["error-issuer", "answer-issuer"]),
        (Fault::ClosedToBrowsers, &["server-browsers"]),
        (Fault::NoRegistration, &["client-ways"]),
        (Fault::RegistrationForgetsRedirects, &["registration-answer"]),
        (Fault::RegistersAnything, &["registration-refuses"]),
        (Fault::FixedPort, &["loopback-port", "loopback-no-port", "loopback-localhost"]),
        (Fault::PortRegistered, &["loopback-no-port"]),
        (Fault::LocalhostRefused, &["loopback-localhost"]),
        (Fault::DocumentsUnseen, &["client-document"]),
        (Fault::PrefixRedirect, &["redirect-exact"]),
        (Fault::OpenRedirector, &["unknown-client"]),
        (Fault::PkceOptional, &["pkce-required"]),
        (Fault::PlainAccepted, &["pkce-plain"]),
        (Fault::DeadClientUnnamed, &["dead-client"]),
        (Fault::NoAudience, &["audience"]),
        (Fault::TokenInAddress, &["token-in-address"]),
        (Fault::NoRefreshTokens, &["refresh-token"]),
        (Fault::RefreshTooEarly, &["refresh-at-once"]),
        (Fault::RefreshForgetsResource, &["refresh-plain"]),
        (Fault::OldRefreshTokens, &["old-refresh-token"]),
        (Fault::VerifierIgnored, &["wrong-verifier"]),
        (Fault::CodesAgain, &["code-once"]),
    ];
    let wrong: Vec<_> = table
        .into_iter()
        .map(|(fault, expected)| (fault, broken(Some(fault)), expected))
        .filter(|(_, found, expected)| found != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn without_a_person_what_needs_one_is_untried_and_says_why() {
    let lines = examined(None, RESOURCE, false);
    let is_untried =
        |line: &&Line| line.verdict() == Verdict::Untried && line.check.name != "client-document";
    let untried: Vec<&Line> = lines.iter().filter(is_untried).collect();
    assert!(untried.iter().all(|line| line.what() == "nobody was there"), "{lines:#?}");
    assert_eq!(untried.len(), 14);
}

#[test]
fn an_issuer_alone_is_examined_without_its_resources() {
    let lines = examined(None, ISSUER, false);
    assert!(lines.iter().all(|line| matches!(line.verdict(), Verdict::Ok | Verdict::Untried)), "{lines:#?}");
    assert!(lines[0].what().contains("authorization server"), "{}", lines[0].what());
}

#[test]
fn what_is_not_there_is_told_without_panic() {
    let lines = examined(None, "https://nobody.example/mcp", false);
    assert_eq!(lines[0].verdict(), Verdict::Fail);
    assert!(lines.iter().skip(1).all(|line| !line.what().is_empty()));
}

#[test]
fn names_of_lines_are_unique_and_every_line_says_what_to_do() {
    let names: BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    assert!(
        CHECKS
            .iter()
            .all(|check| !check.why.is_empty() && !check.remedy.is_empty() && !check.rule.is_empty())
    );
}
