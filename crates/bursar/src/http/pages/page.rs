//! A page with the headers that keep it to itself.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::form_action::FormAction;
use super::look::Look;

/// One page, ready to be sent.
#[derive(Clone, Debug)]
pub struct Page {
    status: StatusCode,
    html: String,
    policy: String,
    retry_after: Option<u64>,
    opener: Opener,
}

/// Whether a window that opened the page may still talk to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opener {
    /// Web clients run a login in a popup, and their callback page then reports to the window that opened it. A page of
    /// ours with `Cross-Origin-Opener-Policy` on the way would cut that tie for good.
    Kept,
    /// Nobody has a reason to hold on to this window.
    Cut,
}

impl Page {
    pub(super) fn new(look: &Look, form_action: &FormAction, template: &impl Template) -> Self {
        let style = look.style_source();
        let forms = form_action.sources();
        let policy = format!(
            "default-src 'none'; style-src {style}; img-src data:; form-action {forms}; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        // Rendering fails only if a value cannot be printed, and all of ours can.
        let (status, html) = match template.render() {
            Ok(html) => (StatusCode::OK, html),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        };
        Self { status, html, policy, retry_after: None, opener: Opener::Kept }
    }

    /// Lets the page run the one script this server has. It is not named by its address: a server has more names than its
    /// issuer's, and under each of them the script can say what does not work there.
    pub(super) fn with_script(self) -> Self {
        Self { policy: format!("{}; script-src 'self'", self.policy), ..self }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The seconds after which another try makes sense.
    pub(super) fn with_retry_after(self, retry_after: Option<u64>) -> Self {
        Self { retry_after, ..self }
    }

    pub(super) fn without_opener(self) -> Self {
        Self { opener: Opener::Cut, ..self }
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The whole document.
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.html).into_response();
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let policy = HeaderValue::try_from(self.policy);
        headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static(NOTHING)));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.opener == Opener::Cut {
            let name = HeaderName::from_static("cross-origin-opener-policy");
            headers.insert(name, HeaderValue::from_static("same-origin"));
        }
        response
    }
}

/// `Referrer-Policy` keeps tickets and codes in addresses from other sites; it also makes browsers send
/// `Origin: null` with our own forms.
const HEADERS: [(HeaderName, &str); 8] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
    (VARY, "accept-language"),
];

/// What is left should the policy ever not fit into a header.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
