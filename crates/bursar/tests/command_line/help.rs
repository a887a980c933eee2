//! The help of the program and of every command, as it looks at eighty columns without colour.

use crate::support::Home;

/// What `--help` prints; it must fit.
async fn help(arguments: &[&str]) -> String {
    let ended = Home::new().run(&[arguments, &["--help"]].concat()).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended}");
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{ended}");
    assert!(!ended.stdout.contains('\u{1b}'), "no colour without a terminal");
    ended.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn program() {
    insta::assert_snapshot!(help(&[]).await, @"
    Holds OAuth tokens, keeps them fresh, and hands them out

    Usage: bursar [OPTIONS] <COMMAND>

    Commands:
      login        Log in to a provider, by name or by issuer URL
      logout       Revoke a login at its provider and forget it
      list         List the accounts
      status       Show how every account is doing
      check        Like status, but only the exit code
      token        Print an access token that is good for a while
      refresh      Refresh now
      use          Choose the account a provider's name stands for
      which        Tell which account would be used, and why
      exec         Run a command with tokens in its environment
      env          Print shell code that sets tokens as variables, and short
                   commands
      credential   Answer git, docker, kubectl and others in their own words
      gateway      Pass requests on with the right token in them
      serve        Issue tokens to your own clients: be the authorization server
      client       Look after the programs that ask the server for tokens
      user         Look after the people who sign in at the server
      resource     Look after the APIs that take the server's tokens
      sandbox      Look after tenants: authorization servers of their own
      key          Look after the keys that sign the server's tokens
      grant        See and take back what users let clients do
      explain      Tell why the server refused a request
      jwt          Sign, verify or read a JSON Web Token
      agent        Keep every account fresh in the background
      vault        Open, close or renew the key to everything
      pause        Stop handing out an account; it is still kept fresh
      resume       Hand out a paused account again
      cleanup      Remove logins that nobody can use any more
      stats        Count what there is
      backup       Write everything to an encrypted file
      restore      Read a backup into an empty store
      migrate      Move everything to another store
      rebuild      Save what is readable from a damaged store
      doctor       Find out what is wrong
      demo         Show all of it at once, with a server that is gone at the end
      config       Check, show or explain the configuration
      completions  Print completions for a shell
      man          Print the manual page of the program or of a command
      help         Print this message or the help of the given subcommand(s)

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
      -V, --version            Print version

    Exit codes:
      0  ok                            5  temporarily unavailable
      1  error                         6  agent or remote unreachable
      2  usage, or cancelled           7  vault locked
      3  no such account               8  denied by policy
      4  a new login is required       9  expiring soon, or expired but refreshable
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn login() {
    insta::assert_snapshot!(help(&["login"]).await, @"
    Log in to a provider, by name or by issuer URL

    Usage: bursar login [OPTIONS] <TARGET>

    Arguments:
      <TARGET>
              A provider of the catalogue, or the URL of an issuer or an MCP server

    Options:
          --as <NICKNAME>
              The account's nickname

          --device
              Show a code to enter on another device

          --paste
              Open the URL anywhere, then paste the address it ends at

          --no-browser
              Print the URL instead of opening a browser

          --client-id <ID>
              The client id registered with the provider

          --client-secret-file <FILE>
              A file with the client's secret or private key; `-` reads stdin

          --scope <SCOPE>
              A scope to ask for; may be repeated

          --challenge-file <FILE>
              A file with the `WWW-Authenticate` an MCP server answered: ask for
              what it wants; `-` reads stdin

          --assume-pkce
              Log in although the issuer does not say that it knows PKCE (S256 is
              sent all the same)

          --resource <URL>
              A resource the tokens are for (RFC 8707); may be repeated

          --dpop
              Bind the tokens to a key of this login (RFC 9449), even if the
              resource does not ask for it

          --grant <GRANT>
              Log in without a person

              Possible values:
              - client-credentials: With the client's own id and secret (RFC 6749
                §4.4)
              - jwt-bearer:         With assertions signed by a key (RFC 7523 §2.1),
                as Google service accounts do

          --key-file <FILE>
              With --grant jwt-bearer: a private key (PEM or JWK) or a Google
              service account's file; `-` reads stdin

          --issuer <NAME>
              Who asserts; default: the client id. Without a key file: which of an
              MCP server's issuers to log in to

          --subject <NAME>
              About whom; default: the issuer

          --audience <URL>
              For whom; default: the token endpoint

          --claim <CLAIM>
              Another claim, NAME=TEXT or NAME:=JSON; may be repeated

          --key-id <NAME>
              How the provider calls the key

          --alg <ALGORITHM>
              How the key signs; a key of another kind is refused

              Possible values:
              - RS256: RSA of 2048 bits or more
              - ES256: P-256
              - EdDSA: Ed25519

          --api-key-file <FILE>
              Keep an API key or personal access token from this file; `-` reads
              stdin

          --expires <WHEN>
              When the API key ends: a time (RFC 3339) or a duration such as 90d

          --var <NAME=VALUE>
              A value for a variable of the provider, such as tenant=contoso

          --timeout <DURATION>
              How long to wait for the person

          --port <PORT>
              The port the browser comes back to on this computer

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

#[tokio::test(flavor = "multi_thread")]
async fn logout() {
    insta::assert_snapshot!(help(&["logout"]).await, @"
    Revoke a login at its provider and forget it

    Usage: bursar logout [OPTIONS] <ACCOUNT>

    Arguments:
      <ACCOUNT>  The account, such as google or google:work

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn list() {
    insta::assert_snapshot!(help(&["list"]).await, @"
    List the accounts

    Usage: bursar list [OPTIONS] [ACCOUNT]

    Arguments:
      [ACCOUNT]  Only this account, or the accounts of this provider

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn status() {
    insta::assert_snapshot!(help(&["status"]).await, @"
    Show how every account is doing

    Usage: bursar status [OPTIONS] [ACCOUNT]

    Arguments:
      [ACCOUNT]  Only this account, or the accounts of this provider

    Options:
          --watch                Show it again and again
          --calendar             Show what will need a person, in order of date
          --interval <DURATION>  How often, with --watch [default: 30m]
          --warn <DURATION>      What counts as expiring soon [default: 2h]
          --sandbox <SANDBOX>    Work in this sandbox [default: $BURSAR_SANDBOX]
          --json                 Print data as JSON
      -v, --verbose...           Tell every decision on stderr; twice: everything
      -h, --help                 Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn check() {
    insta::assert_snapshot!(help(&["check"]).await, @"
    Like status, but only the exit code

    Usage: bursar check [OPTIONS] [ACCOUNT]

    Arguments:
      [ACCOUNT]  Only this account, or the accounts of this provider

    Options:
          --warn <DURATION>    What counts as expiring soon [default: 2h]
          --live               Ask the provider whether the token works
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn token() {
    insta::assert_snapshot!(help(&["token"]).await, @"
    Print an access token that is good for a while

    Usage: bursar token [OPTIONS] <ACCOUNT>

    Arguments:
      <ACCOUNT>  The account, such as google or google:work, or the URL it was
                 logged in to by

    Options:
          --min-valid <DURATION>  The token must be good for at least this long
          --rejected-file <FILE>  A file with the token that was refused; `-` reads
                                  stdin
          --header                Print a whole Authorization header
          --dpop <METHOD> <URL>   Print the header fields of one request:
                                  Authorization, and the proof where the token is
                                  bound to a key
          --dpop-nonce <NONCE>    What the resource wants to see in the proof, from
                                  its DPoP-Nonce
          --no-wait               Do not wait for a refresh
          --wait <DURATION>       How long to wait for a refresh [default: 30s]
          --no-check              Print the stored token without looking at its end
          --expect <IDENTITY>     Refuse an account that is not this one at its
                                  provider, by e-mail address or subject; may be
                                  repeated
          --sandbox <SANDBOX>     Work in this sandbox [default: $BURSAR_SANDBOX]
          --json                  Print data as JSON
      -v, --verbose...            Tell every decision on stderr; twice: everything
      -h, --help                  Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh() {
    insta::assert_snapshot!(help(&["refresh"]).await, @"
    Refresh now

    Usage: bursar refresh [OPTIONS] [ACCOUNT]

    Arguments:
      [ACCOUNT]  The account, or a provider for all of its accounts

    Options:
          --all                  Every account
          --expiring <DURATION>  Only accounts whose access token ends within this
                                 time
          --status               Show the status after it and exit as that does;
                                 alone, refresh what ends within 10h
          --sandbox <SANDBOX>    Work in this sandbox [default: $BURSAR_SANDBOX]
          --json                 Print data as JSON
      -v, --verbose...           Tell every decision on stderr; twice: everything
      -h, --help                 Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn use_account() {
    insta::assert_snapshot!(help(&["use"]).await, @"
    Choose the account a provider's name stands for

    Usage: bursar use [OPTIONS] <ACCOUNT>

    Arguments:
      <ACCOUNT>  The account, such as google:work

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn which() {
    insta::assert_snapshot!(help(&["which"]).await, @"
    Tell which account would be used, and why

    Usage: bursar which [OPTIONS] [ACCOUNT]

    Arguments:
      [ACCOUNT]  A provider, nickname, identity or reference; nothing: every
                 provider

    Options:
          --expect <IDENTITY>  Refuse an account that is not this one at its
                               provider, by e-mail address or subject; may be
                               repeated
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn exec() {
    insta::assert_snapshot!(help(&["exec"]).await, @"
    Run a command with tokens in its environment

    Usage: bursar exec [OPTIONS] [ACCOUNT]... -- <COMMAND>...

    Arguments:
      [ACCOUNT]...  The accounts whose tokens the command gets
      <COMMAND>...  The command and its arguments

    Options:
          --env <NAME=ACCOUNT>
              Set this variable to an account's token, besides the provider's own
          --token-file <NAME=ACCOUNT>
              Keep an account's token fresh in a file while the command runs; this
              variable is set to its path
          --token-fd <NAME=ACCOUNT>
              Put an account's token into a pipe that the command inherits; this
              variable is set to its descriptor's number
          --socket
              Give the command a socket that answers for its accounts and no others;
              `bursar token` uses it by itself
          --mask
              Print *** for every token in the command's output, which is a pipe
              then, even in a terminal
          --min-valid <DURATION>
              The tokens must be good for at least this long
          --expect <IDENTITY>
              Refuse an account that is not this one at its provider, by e-mail
              address or subject; may be repeated
          --sandbox <SANDBOX>
              Work in this sandbox [default: $BURSAR_SANDBOX]
          --json
              Print data as JSON
      -v, --verbose...
              Tell every decision on stderr; twice: everything
      -h, --help
              Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn cleanup() {
    insta::assert_snapshot!(help(&["cleanup"]).await, @"
    Remove logins that nobody can use any more

    Usage: bursar cleanup [OPTIONS]

    Options:
          --dry-run            Only tell what would be removed
          --unused <DURATION>  Also remove logins not used for this long, such as 7d
          --issued             Instead of logins, what the server has issued and is
                               over
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuild() {
    insta::assert_snapshot!(help(&["rebuild"]).await, @"
    Save what is readable from a damaged store

    Usage: bursar rebuild [OPTIONS]

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor() {
    insta::assert_snapshot!(help(&["doctor"]).await, @"
    Find out what is wrong

    Usage: bursar doctor [OPTIONS] [ACCOUNT]...

    Arguments:
      [ACCOUNT]...  Only these accounts and their providers

    Options:
          --mend                Mend file modes that are too open
          --mcp <URL>           Instead, try what real clients do at this MCP server
                                or issuer; anybody's
          --no-sign-in          With --mcp: try only what needs nobody to sign in
          --no-browser          With --mcp: print the address to sign in at instead
                                of opening a browser
          --client-id <ID>      With --mcp: a public client that is registered
                                there, where none can be made
          --timeout <DURATION>  With --mcp: how long to wait for each sign-in
          --sandbox <SANDBOX>   Work in this sandbox [default: $BURSAR_SANDBOX]
          --json                Print data as JSON
      -v, --verbose...          Tell every decision on stderr; twice: everything
      -h, --help                Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn demo() {
    insta::assert_snapshot!(help(&["demo"]).await, @"
    Show all of it at once, with a server that is gone at the end

    Usage: bursar demo [OPTIONS]

    Options:
          --once               End after the show instead of leaving the server open
                               to look at
          --browser            Sign in and agree yourself, in your browser
          --listen <ADDRESS>   Where on this machine to listen [default: any free
                               port of 127.0.0.1]
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration() {
    insta::assert_snapshot!(help(&["config"]).await, @"
    Check, show or explain the configuration

    Usage: bursar config [OPTIONS] <COMMAND>

    Commands:
      check      Read everything and tell the first mistake
      show       Show every value and where it comes from
      reference  Explain every key, as Markdown
      help       Print this message or the help of the given subcommand(s)

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn completions() {
    insta::assert_snapshot!(help(&["completions"]).await, @"
    Print completions for a shell

    Usage: bursar completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn man() {
    insta::assert_snapshot!(help(&["man"]).await, @"
    Print the manual page of the program or of a command

    Usage: bursar man [OPTIONS] [COMMAND]

    Arguments:
      [COMMAND]  The command whose page is wanted

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn backup() {
    insta::assert_snapshot!(help(&["backup"]).await, @"
    Write everything to an encrypted file

    Usage: bursar backup [OPTIONS] <FILE>

    Arguments:
      <FILE>  The file to write; `-` writes to stdout

    Options:
          --force              Replace the file if there is one
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn restore() {
    insta::assert_snapshot!(help(&["restore"]).await, @"
    Read a backup into an empty store

    Usage: bursar restore [OPTIONS] [FILE]

    Arguments:
      [FILE]
              The backup to read; `-` reads stdin

    Options:
          --confirm
              The original is gone and will not come back: its logins may be
              refreshed here

          --grants <WHAT>
              What becomes of what the server had issued

              Possible values:
              - accept: They count again, as the backup has them: nothing was taken
                back since
              - revoke: All of them are taken back: everybody signs in and agrees
                anew

          --into <URL>
              Into this store instead of the configured one

          --password-file <FILE>
              A file with the password for that URL

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

#[tokio::test(flavor = "multi_thread")]
async fn migrate() {
    insta::assert_snapshot!(help(&["migrate"]).await, @"
    Move everything to another store

    Usage: bursar migrate [OPTIONS] --to <URL>

    Options:
          --to <URL>              The store everything goes to: postgres://,
                                  redis://, rediss:// or sqlite:PATH
          --password-file <FILE>  A file with the password for that URL
          --cancel                Call a move off that is not complete: the store
                                  here serves again
          --sandbox <SANDBOX>     Work in this sandbox [default: $BURSAR_SANDBOX]
          --json                  Print data as JSON
      -v, --verbose...            Tell every decision on stderr; twice: everything
      -h, --help                  Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn vault() {
    insta::assert_snapshot!(help(&["vault"]).await, @"
    Open, close or renew the key to everything

    Usage: bursar vault [OPTIONS] <COMMAND>

    Commands:
      init    Make the key now instead of at the first login
      unlock  Open it in the agent, asking for a passphrase if it takes one
      lock    Make the agent forget the key
      rotate  Make a new master key; logins stay
      rekey   Make new data keys, and seal everything anew while all goes on
      status  Show the keys, and how far a change of them is
      help    Print this message or the help of the given subcommand(s)

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_init() {
    insta::assert_snapshot!(help(&["vault", "init"]).await, @"
    Make the key now instead of at the first login

    Usage: bursar vault init [OPTIONS]

    Options:
          --key <PLACE>
              Where to keep the key [default: the keychain, else a file]

              Possible values:
              - keychain:   The operating system's keychain
              - key-file:   A file only you can read
              - passphrase: Nowhere: derived from a passphrase that you know

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

#[tokio::test(flavor = "multi_thread")]
async fn vault_unlock() {
    insta::assert_snapshot!(help(&["vault", "unlock"]).await, @"
    Open it in the agent, asking for a passphrase if it takes one

    Usage: bursar vault unlock [OPTIONS]

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_lock() {
    insta::assert_snapshot!(help(&["vault", "lock"]).await, @"
    Make the agent forget the key

    Usage: bursar vault lock [OPTIONS]

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_rotate() {
    insta::assert_snapshot!(help(&["vault", "rotate"]).await, @"
    Make a new master key; logins stay

    Usage: bursar vault rotate [OPTIONS]

    Options:
          --new-key-file <FILE>  Take the new passphrase, or the new key in base64,
                                 from this file; `-` reads stdin
          --keep-old             Let the old key open the vault too, until
                                 `--finish`: other machines have only that one yet
          --finish               From now on the old key that `--keep-old` has kept
                                 opens nothing
          --sandbox <SANDBOX>    Work in this sandbox [default: $BURSAR_SANDBOX]
          --json                 Print data as JSON
      -v, --verbose...           Tell every decision on stderr; twice: everything
      -h, --help                 Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_rekey() {
    insta::assert_snapshot!(help(&["vault", "rekey"]).await, @"
    Make new data keys, and seal everything anew while all goes on

    Usage: bursar vault rekey [OPTIONS]

    Options:
          --keep-old <DURATION>  How long the old data keys stay after all seal with
                                 the new ones [default: 1h]
          --rate <NUMBER>        At most so many records a second are sealed anew
                                 [default: 500]
          --wait                 Stay until the old data keys are gone
          --sandbox <SANDBOX>    Work in this sandbox [default: $BURSAR_SANDBOX]
          --json                 Print data as JSON
      -v, --verbose...           Tell every decision on stderr; twice: everything
      -h, --help                 Print help
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_status() {
    insta::assert_snapshot!(help(&["vault", "status"]).await, @"
    Show the keys, and how far a change of them is

    Usage: bursar vault status [OPTIONS]

    Options:
          --sandbox <SANDBOX>  Work in this sandbox [default: $BURSAR_SANDBOX]
          --json               Print data as JSON
      -v, --verbose...         Tell every decision on stderr; twice: everything
      -h, --help               Print help
    ");
}
