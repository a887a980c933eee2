//! The keys of the server: where it listens, what it issues and to whom, and how its pages look. The rest of the table in
//! `keys`.

use super::keys::{Form, Key};

/// Every key of the server, in the order of the manual.
pub(super) const SERVER_KEYS: &[Key] = &[
    Key {
        section: "server",
        name: "listen",
        form: Form::Addresses,
        default: Some("127.0.0.1:8790 [::1]:8790"),
        doc: "Where it listens. Addresses that other machines can reach need a certificate or a trusted proxy. Port 0: \
              any free one.",
    },
    Key {
        section: "server",
        name: "public_url",
        form: Form::PublicUrl,
        default: None,
        doc: "The URL everybody knows it by, which is its issuer too. Unset: `http://localhost` with its port, as long \
              as nobody else can reach it.",
    },
    Key {
        section: "server",
        name: "tls_certificate",
        form: Form::Path,
        default: None,
        doc: "Its certificate and those that vouch for it (PEM). Read again when it changes. Unset: plain HTTP.",
    },
    Key {
        section: "server",
        name: "tls_key",
        form: Form::Path,
        default: None,
        doc: "The certificate's private key (PEM).",
    },
    Key {
        section: "server",
        name: "trusted_proxies",
        form: Form::Networks,
        default: None,
        doc: "Proxies in front of it, whose `X-Forwarded-For` and `X-Forwarded-Proto` count. Nobody else's do.",
    },
    Key {
        section: "server",
        name: "connections_per_address",
        form: Form::Number,
        default: None,
        doc: "How many connections one address (a /64 of IPv6) may have at a time; further ones are closed. This machine \
              and trusted proxies have no limit. 0: nobody has. Unset: a quarter of all there may be, 4096 at most.",
    },
    Key {
        section: "server",
        name: "sandbox",
        form: Form::Sandbox,
        default: None,
        doc: "The sandbox that `client`, `user`, `resource`, `key`, `grant`, `explain`, `stats` and `cleanup --issued` are about \
              unless `--sandbox` or BURSAR_SANDBOX says another. Unset: the server itself. The server does not read it, and \
              no held account is looked for there because of it.",
    },
    Key {
        section: "lifetimes",
        name: "authorization_code",
        form: Form::Span { least: 10, most: 10 * MINUTE },
        default: Some("10m"),
        doc: "Authorization codes. Ten minutes is the most that RFC 6749 recommends.",
    },
    Key {
        section: "lifetimes",
        name: "access_token",
        form: Form::Span { least: 10, most: DAY },
        default: Some("15m"),
        doc: "Access tokens, unless their resource has a lifetime of its own. Whoever verifies JWTs without asking \
              believes a revoked one for so long.",
    },
    Key {
        section: "lifetimes",
        name: "refresh_token",
        form: Form::Span { least: MINUTE, most: TEN_YEARS },
        default: Some("1d"),
        doc: "Refresh tokens that are not used. Each use brings a new one. Not longer than `login`.",
    },
    Key {
        section: "lifetimes",
        name: "login",
        form: Form::Span { least: MINUTE, most: TEN_YEARS },
        default: Some("90d"),
        doc: "A whole login, however much its refresh tokens are used. Then its user signs in again.",
    },
    Key {
        section: "lifetimes",
        name: "retry_window",
        form: Form::Span { least: 0, most: 10 * MINUTE },
        default: Some("1m"),
        doc: "How long a refresh token that was replaced brings the same successor again, for clients that lost an \
              answer. `0s`: not at all.",
    },
    Key {
        section: "lifetimes",
        name: "id_token",
        form: Form::Span { least: MINUTE, most: DAY },
        default: Some("1h"),
        doc: "ID tokens.",
    },
    Key {
        section: "lifetimes",
        name: "device_code",
        form: Form::Span { least: MINUTE, most: 60 * MINUTE },
        default: Some("10m"),
        doc: "Device codes: how long somebody has to type the code and agree.",
    },
    Key {
        section: "lifetimes",
        name: "browser_session",
        form: Form::Span { least: MINUTE, most: YEAR },
        default: Some("7d"),
        doc: "Who signed in stays signed in for so long, in that browser.",
    },
    Key {
        section: "lifetimes",
        name: "external_token",
        form: Form::Span { least: MINUTE, most: TEN_YEARS },
        default: Some("60d"),
        doc: "What is assumed of tokens of linked accounts whose provider states no lifetime: what the provider \
              states always counts, and a link that can be refreshed is never removed for this.",
    },
    Key {
        section: "tokens",
        name: "access_format",
        form: Form::Choice(&["es256", "eddsa", "rs256", "opaque"]),
        default: Some("es256"),
        doc: "How access tokens look: JWTs that everybody can verify, by their signature, or texts that say nothing \
              to anybody but this server. New resources begin with it.",
    },
    Key {
        section: "tokens",
        name: "key_age",
        form: Form::Span { least: DAY, most: 2 * YEAR },
        default: Some("90d"),
        doc: "How long a key signs. Its successor is published a day before it takes its place, and the old one stays \
              published until the last token it signed has ended.",
    },
    Key {
        section: "tokens",
        name: "proof_nonces",
        form: Form::Choice(&["accepted", "required"]),
        default: Some("accepted"),
        doc: "Whether proofs of possession (DPoP) need a nonce of this server, or merely may have one.",
    },
    Key {
        section: "registration",
        name: "open",
        form: Form::Flag,
        default: Some("true"),
        doc: "Whether programs nobody knows may register themselves (RFC 7591). If not, what registered before is \
              refused as well, unless somebody has agreed to it.",
    },
    Key {
        section: "registration",
        name: "metadata_documents",
        form: Form::Flag,
        default: Some("true"),
        doc: "Whether a client may name the address of its own metadata as its id (Client ID Metadata Documents).",
    },
    Key {
        section: "registration",
        name: "guarded_proxy",
        form: Form::Proxy,
        default: None,
        doc: "A proxy that refuses private addresses, through which documents of strangers are fetched. Unset: they \
              are fetched directly, whatever `network.proxy` and the environment say, and private addresses are \
              refused here.",
    },
    Key {
        section: "registration",
        name: "unused_client",
        form: Form::Span { least: DAY, most: TEN_YEARS },
        default: Some("90d"),
        doc: "Clients that brought themselves are forgotten when they were not used for so long, but not before `lifetimes.login`.",
    },
    Key {
        section: "registration",
        name: "different_an_hour",
        form: Form::Number,
        default: Some("200"),
        doc: "How many different programs may register from one network within an hour. The same program counts once, \
              however many people use it.",
    },
    Key {
        section: "registration",
        name: "stored_an_hour",
        form: Form::Number,
        default: Some("20"),
        doc: "How many of them may say so much of themselves that it has to be stored.",
    },
    Key {
        section: "sign_in",
        name: "allowed_users",
        form: Form::Users,
        default: None,
        doc: "The only users who may sign in, or stay signed in. Addresses and domains count for verified addresses. \
              Unset: every user.",
    },
    Key {
        section: "sign_in",
        name: "complete_verification_uri",
        form: Form::Flag,
        default: Some("false"),
        doc: "Whether devices are given an address with the code in it. Convenient, and just what somebody needs who \
              wants a stranger to let them in.",
    },
    Key {
        section: "sign_in",
        name: "reset_ends_logins",
        form: Form::Flag,
        default: Some("true"),
        doc: "Whether everything issued in a user's name ends when their password is set by a code or by an \
              administrator: somebody else may have known the old one.",
    },
    Key {
        section: "sessions",
        name: "audience",
        form: Form::Line,
        default: None,
        doc: "What the application is called in `aud`. Unset: the issuer.",
    },
    Key {
        section: "sessions",
        name: "lifetime",
        form: Form::Span { least: MINUTE, most: YEAR },
        default: Some("7d"),
        doc: "How long a session token lasts.",
    },
    Key {
        section: "sessions",
        name: "algorithm",
        form: Form::Choice(&["ES256", "EdDSA", "RS256", "HS256"]),
        default: Some("ES256"),
        doc: "What signs session tokens: a published key, or (`HS256`) a secret that the application shares with the \
              server.",
    },
    Key {
        section: "sessions",
        name: "secret",
        form: Form::Secret,
        default: None,
        doc: "The secret for `HS256`, at least 32 bytes. Only in the environment: the file refuses it.",
    },
    Key {
        section: "sessions",
        name: "secret_file",
        form: Form::Path,
        default: None,
        doc: "A file with the secret, mode 0600.",
    },
    Key {
        section: "sessions",
        name: "secret_command",
        form: Form::Command,
        default: None,
        doc: "A program that prints the secret, with arguments, as a list. No shell is involved.",
    },
    Key {
        section: "sessions",
        name: "previous_secret",
        form: Form::Secret,
        default: None,
        doc: "The secret before it, which still verifies, so that changing it signs nobody out. Only in the \
              environment.",
    },
    Key {
        section: "sessions",
        name: "previous_secret_file",
        form: Form::Path,
        default: None,
        doc: "A file with the secret before it, mode 0600.",
    },
    Key {
        section: "sessions",
        name: "previous_secret_command",
        form: Form::Command,
        default: None,
        doc: "A program that prints the secret before it.",
    },
    Key {
        section: "sessions",
        name: "claims",
        form: Form::Variables,
        default: None,
        doc: "What the application calls `userId`, `username`, `email`, `avatarUrl`, `role`, `permissions` and \
              `sessionId`, where its names differ.",
    },
    Key {
        section: "sessions",
        name: "clients",
        form: Form::Words,
        default: None,
        doc: "The ids of the clients that are parts of the application: with their refresh tokens they get session \
              tokens. To all others a user has agreed to far less.",
    },
    Key {
        section: "housekeeping",
        name: "events_kept",
        form: Form::Span { least: DAY, most: TEN_YEARS },
        default: Some("90d"),
        doc: "How long events are kept, for `bursar explain` and whoever looks back.",
    },
    Key {
        section: "brand",
        name: "name",
        form: Form::Line,
        default: Some("bursar"),
        doc: "Who people deal with: in every title, and at the head of every page.",
    },
    Key {
        section: "brand",
        name: "logo",
        form: Form::Path,
        default: None,
        doc: "A picture beside the name: a PNG, JPEG, WebP or SVG file of at most 24 kB. It travels inside the pages; \
              nothing is loaded from elsewhere.",
    },
    Key {
        section: "brand",
        name: "colour",
        form: Form::Colour,
        default: None,
        doc: "The colour of the main button, such as `#1f5f5b`. Its text is black or white, whichever can be read.",
    },
];

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;
const YEAR: i64 = 365 * DAY;
const TEN_YEARS: i64 = 10 * YEAR;
