//! The cookies: who is signed in, which browser this is, and who has signed in there before.

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::oauth::url::Issuer;
use bursar_core::secret::Secret;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// Their names, which depend on how the server is reached.
#[derive(Clone, Debug)]
pub(super) struct Cookies {
    session: String,
    browser: String,
    known_browser: String,
    attributes: &'static str,
}

impl Cookies {
    /// Those of a server known as `issuer`, which may be a sandbox: several of them can be beneath one address, so their
    /// cookies are told apart by name.
    pub(super) fn of(issuer: &Issuer, sandbox: Option<&SandboxName>) -> Self {
        let is_https = issuer.as_url().scheme() == "https";
        // RFC 6265bis §4.1.3.2: no other host and no plain connection can set a cookie of this name.
        let prefix = if is_https { "__Host-" } else { "" };
        let suffix = sandbox.map(|name| format!("_{name}")).unwrap_or_default();
        let called = |what: &str| format!("{prefix}bursar_{what}{suffix}");
        Self {
            session: called("session"),
            browser: called("browser"),
            known_browser: called("known"),
            attributes: if is_https {
                "; Path=/; HttpOnly; SameSite=Lax; Secure"
            } else {
                "; Path=/; HttpOnly; SameSite=Lax"
            },
        }
    }

    /// Who says to be signed in.
    pub(super) fn session(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &self.session)
    }

    /// Which browser it is.
    pub(super) fn browser(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &self.browser)
    }

    /// Where somebody has signed in before.
    pub(super) fn known_browser(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &self.known_browser)
    }

    pub(super) fn set_known_browser(&self, value: &Secret, seconds: i64) -> Option<HeaderValue> {
        self.header(&self.known_browser, value.expose(), Some(seconds))
    }

    pub(super) fn set_session(&self, value: &Secret, seconds: i64) -> Option<HeaderValue> {
        self.header(&self.session, value.expose(), Some(seconds))
    }

    pub(super) fn end_session(&self) -> Option<HeaderValue> {
        self.header(&self.session, "", Some(0))
    }

    pub(super) fn set_browser(&self, value: &Secret) -> Option<HeaderValue> {
        self.header(&self.browser, value.expose(), None)
    }

    fn header(&self, name: &str, value: &str, seconds: Option<i64>) -> Option<HeaderValue> {
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let mut header = HeaderValue::try_from(format!("{name}={value}{}{age}", self.attributes)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// A cookie that is there twice was planted by somebody: neither counts.
fn read(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name);
    let (_, value) = found.next()?;
    (found.next().is_none() && !value.is_empty()).then(|| Secret::new(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_counts_when_it_is_there_once() {
        let cookies = Cookies::of(&Issuer::parse("https://as.test").unwrap(), None);
        for (header, found) in [
            ("__Host-bursar_session=abc", Some("abc")),
            ("a=b; __Host-bursar_session=abc; c=d", Some("abc")),
            ("__Host-bursar_session=abc; __Host-bursar_session=def", None),
            ("bursar_session=abc", None),
            ("__Host-bursar_session=", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(header))]);
            let read = cookies.session(&headers);
            assert_eq!(read.as_ref().map(Secret::expose), found, "{header}");
        }
    }

    #[test]
    fn cookies_are_for_this_host_and_no_script() {
        let set = |issuer: &str| {
            let cookies = Cookies::of(&Issuer::parse(issuer).unwrap(), None);
            cookies.set_session(&Secret::new("v"), 60).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(
            set("https://as.test"),
            "__Host-bursar_session=v; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
        );
        assert_eq!(
            set("http://localhost:8790"),
            "bursar_session=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"
        );
    }
}
