//! The help of these commands fits eighty columns.

use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn every_help_fits() {
    let home = Home::new();
    for (command, actions) in [
        ("client", &["", "add", "list", "show", "update", "renew-secret", "remove"][..]),
        (
            "user",
            &[
                "",
                "add",
                "list",
                "show",
                "update",
                "disable",
                "enable",
                "set-password",
                "reset-password",
                "forget-passkeys",
                "remove",
                "free",
            ],
        ),
        ("resource", &["", "add", "list", "show", "update", "remove", "challenge"]),
        ("key", &["", "list", "renew", "remove"]),
        ("grant", &["", "list", "withdraw"]),
        ("sandbox", &["", "new", "list", "show", "seed", "reset", "delete"]),
        ("explain", &[""]),
        ("cleanup", &[""]),
        ("stats", &[""]),
    ] {
        for action in actions {
            let line: Vec<&str> =
                [command, action, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
            let help = home.run(&line).await;
            assert_eq!(help.code, 0, "{help}");
            let widest = help.stdout.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= 80, "{widest} columns: {}", help.stdout);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "the texts themselves")]
async fn adding_is_explained() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["client", "add", "--help"]).await.stdout, @"
    Add a client and print its id, and its secret this once

    Usage: bursar client add [OPTIONS] --name <NAME>

    Options:
          --name <NAME>
              What people call it

          --redirect <URI>
              Where answers to it may go; may be repeated

          --public
              It cannot keep a secret, such as a program on people's devices
              (default)

          --confidential
              It proves itself with a secret, which is made and printed

          --keys-file <FILE>
              It proves itself with a key; a file with its public keys (JWKS)

          --keys-url <URL>
              The same with the address of its public keys

          --grant <GRANT>
              A way to get tokens; may be repeated [default: as the other options
              need]

              Possible values:
              - authorization-code: A user agrees in a browser
              - refresh-token:      Goes on without the user
              - client-credentials: In its own name
              - device-code:        A user agrees on another device

          --scope <SCOPE>
              A scope it may ask for; may be repeated [default: what the resources
              offer]

          --post-logout-redirect <URI>
              Where users may go after they signed out; may be repeated

          --backchannel-logout <URL>
              Where it is told that a user was signed out (OIDC Back-Channel Logout)

          --dpop
              Bind its tokens to a key (RFC 9449)

          --no-rotation
              Let it keep its refresh tokens; only with --dpop

          --sandbox <SANDBOX>
              Work in this sandbox [default: $BURSAR_SANDBOX]

          --json
              Print data as JSON

      -v, --verbose...
              Tell every decision on stderr; twice: everything

      -h, --help
              Print help (see a summary with '-h')
    ");
    insta::assert_snapshot!(home.run(&["user", "add", "--help"]).await.stdout, @"
    Add a user and print their id

    Usage: bursar user add [OPTIONS] <NAME>

    Arguments:
      <NAME>  What they type to sign in

    Options:
          --name <NAME>
              Full name; empty: none
          --email <EMAIL>
              E-mail address; empty: none
          --avatar-url <URL>
              Address of a picture; empty: none
          --role <ROLE>
              What applications call them, such as editor; empty: nothing
          --permission <PERMISSION>
              What applications let them do; may be repeated; empty: nothing
          --claim <NAME=VALUE>
              A further claim for applications, such as seats=5, its value in JSON;
              may be repeated; an empty value: none
          --admin
              Let clients change this server in their name
          --password-file <FILE>
              A file with the password, that nobody else can read; `-` reads stdin
              [default: asked at the terminal]
          --no-password
              No password: they cannot sign in with one
          --sandbox <SANDBOX>
              Work in this sandbox [default: $BURSAR_SANDBOX]
          --json
              Print data as JSON
      -v, --verbose...
              Tell every decision on stderr; twice: everything
      -h, --help
              Print help
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", "--help"]).await.stdout, @"
    Add an API that takes tokens of this server

    Usage: bursar resource add [OPTIONS] <URL>

    Arguments:
      <URL>
              Its address, as clients will write it, such as `https://x.example/mcp`

    Options:
          --scope <NAME[=DESCRIPTION]>
              A scope it knows, with words for the consent page; may be repeated

          --tool <TOOL=SCOPE>
              An MCP tool and a scope it needs, for the consent page; may be
              repeated

          --name <NAME>
              What people call it

          --format <FORMAT>
              How its access tokens look [default: as `tokens.access_format` has it]

              Possible values:
              - es256:  JWT with ECDSA, which everybody can verify
              - eddsa:  JWT with Ed25519, the quickest
              - rs256:  JWT with RSA, the oldest
              - opaque: Says nothing to anybody but this server

          --lifetime <DURATION>
              How long its access tokens live, such as 5m [default: as all others]

          --introspector <CLIENT>
              A client that may ask about its tokens, by id; may be repeated

          --dpop
              Let in only clients that prove a key (RFC 9449)

          --sandbox <SANDBOX>
              Work in this sandbox [default: $BURSAR_SANDBOX]

          --json
              Print data as JSON

      -v, --verbose...
              Tell every decision on stderr; twice: everything

      -h, --help
              Print help (see a summary with '-h')
    ");
}
