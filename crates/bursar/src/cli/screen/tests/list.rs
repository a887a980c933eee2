//! The table of `bursar list`.

use super::{assert_narrow, bare};
use crate::cli::screen::fixtures::{VIEWING, account, every_state, view};
use crate::cli::screen::list_screen::render;

#[test]
fn every_state_in_the_table() {
    let views: Vec<_> = every_state().iter().map(|(_, account)| view(account)).collect();
    let text = bare(&render(&views, VIEWING.now));
    assert_narrow(&text);
    insta::assert_snapshot!(text, @"
      #  REF             IDENTITY             STATE           EXPIRES
    * 1  google:work     work@example.com     valid           in 25 minutes
      1  google:guest    guest@example.com    expiring        in 25 minutes
      1  github:private  private@example.com  expired         1 hour ago
    * 1  github:work     work@example.com     failing         in 25 minutes
    * 1  gitlab:work     work@example.com     uncertain       in 3 minutes
      1  slack:team      team@example.com     login_required  1 hour ago
      1  slack:old       old@example.com      revoked         in 25 minutes
      1  zoom:default    -                    paused          in 25 minutes
    ");
}

#[test]
fn long_names_are_cut_so_that_the_table_fits() {
    let mut long = account("a-provider-with-a-name", &"nickname".repeat(6));
    long.identity.as_mut().unwrap().label = "somebody.with.a.long.name@subdomain.example.com".into();
    let text = bare(&render(&[view(&long), view(&account("google", "work"))], VIEWING.now));
    assert_narrow(&text);
    insta::assert_snapshot!(text, @"
      #  REF                                      IDENTITY      STATE  EXPIRES
      1  a-provider-with-a-name:nicknamenicknam…  somebody.wi…  valid  in 25 minutes
    * 1  google:work                              work@exampl…  valid  in 25 minutes
    ");
}

#[test]
fn a_token_without_a_known_end_shows_a_dash() {
    let mut endless = account("google", "work");
    endless.access.as_mut().unwrap().expires_at = None;
    let text = bare(&render(&[view(&endless)], VIEWING.now));
    assert!(text.lines().nth(1).unwrap().ends_with("valid  -"), "{text}");
}
