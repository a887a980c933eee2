//! What every form of a page carries.

use std::fmt;

/// Where a form is posted to, and what proves that this page sent it.
///
/// Every form has the field `ticket`. Its handler must not rely on `Origin`: under the pages' `Referrer-Policy` browsers
/// send `Origin: null` even to ourselves (Fetch §3.2, "append a request Origin header").
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Form<'a> {
    /// A path of this server.
    pub action: &'a str,
    /// The sealed state that travels through the browser.
    pub ticket: &'a str,
}

impl fmt::Debug for Form<'_> {
    /// A ticket is good for one post: it is not printed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Form").field("action", &self.action).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_not_printed() {
        let printed = format!("{:?}", Form { action: "/login", ticket: "sealed" });
        assert!(printed.contains("/login") && !printed.contains("sealed"), "{printed}");
    }
}
