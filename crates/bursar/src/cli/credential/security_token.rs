//! AWS's Security Token Service: `AssumeRoleWithWebIdentity` of API version 2011-06-15. Pure.
//!
//! The call carries no signature: the identity token is the proof. The answer is XML, as its documents have it.

use bursar_core::oauth::form::Parameters;
use bursar_core::ports::upstream::{Body, Request, Response};
use bursar_core::secret::Secret;
use http::{Method, header};
use jiff::{SignedDuration, Timestamp};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use serde::Serialize;
use url::Url;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The role.
    pub role_arn: &'a str,
    /// How the session is called in logs.
    pub session_name: &'a str,
    /// The identity token, or another JWT the role trusts.
    pub token: &'a Secret,
    /// How long the keys shall live.
    pub duration: SignedDuration,
}

/// Short-lived keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Names the keys; no secret by itself.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: Secret,
    /// Goes with every request.
    pub session_token: Secret,
    /// Their end.
    pub expiration: Timestamp,
}

/// The call.
pub fn request(endpoint: &Url, exchange: &Exchange<'_>) -> Result<Request, http::Error> {
    let mut form = Parameters::new();
    form.set("Action", "AssumeRoleWithWebIdentity");
    form.set("Version", "2011-06-15");
    form.set("RoleArn", exchange.role_arn);
    form.set("RoleSessionName", exchange.session_name);
    form.set("WebIdentityToken", exchange.token.expose());
    form.set("DurationSeconds", &exchange.duration.as_secs().to_string());
    http::Request::builder()
        .method(Method::POST)
        .uri(endpoint.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .body(form.to_form())
}

/// Reads the answer.
///
/// # Errors
/// A refusal with its code, or an answer that is none.
pub fn read(response: &Response) -> Result<Keys, ExchangeError> {
    let status = response.status().as_u16();
    let odd = ExchangeError::Unreadable { status };
    let fields = fields(response.body()).ok_or_else(|| odd.clone())?;
    if !response.status().is_success() {
        let (code, message) = (fields.code.ok_or(odd)?, fields.message.unwrap_or_default());
        return Err(ExchangeError::Refused { code, message });
    }
    let keys = || {
        Some(Keys {
            access_key_id: fields.access_key_id?,
            secret_access_key: Secret::new(fields.secret_access_key?),
            session_token: Secret::new(fields.session_token?),
            expiration: fields.expiration?.parse().ok()?,
        })
    };
    keys().ok_or(odd)
}

/// The line `credential_process` prints, version 1.
pub fn process_answer(keys: &Keys) -> String {
    let answer = ProcessAnswer {
        version: 1,
        access_key_id: &keys.access_key_id,
        secret_access_key: keys.secret_access_key.expose(),
        session_token: keys.session_token.expose(),
        expiration: format!("{:.0}", keys.expiration),
    };
    // Strings and a number are always JSON.
    serde_json::to_string(&answer).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessAnswer<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
}

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// STS said no.
    #[error("AWS refused the exchange: {code}: {message}")]
    Refused {
        /// Its word for the reason, in letters, digits and dots.
        code: String,
        /// Its explanation, printable.
        message: String,
    },
    /// Somebody answered, but not in STS's words.
    #[error("what answered is no STS (status {status})")]
    Unreadable {
        /// The status of HTTP.
        status: u16,
    },
}

#[derive(Default)]
struct Fields {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    expiration: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Fields {
    /// Where an element's text belongs; the first one counts, and elements of the same name elsewhere do not.
    fn slot(&mut self, path: &[String]) -> Option<&mut Option<String>> {
        let [.., parent, name] = path else { return None };
        match (parent.as_str(), name.as_str()) {
            ("Credentials", "AccessKeyId") => Some(&mut self.access_key_id),
            ("Credentials", "SecretAccessKey") => Some(&mut self.secret_access_key),
            ("Credentials", "SessionToken") => Some(&mut self.session_token),
            ("Credentials", "Expiration") => Some(&mut self.expiration),
            ("Error", "Code") => Some(&mut self.code),
            ("Error", "Message") => Some(&mut self.message),
            _ => None,
        }
    }

    fn settle(&mut self, path: &[String], text: &str) -> Option<()> {
        let is_code = path.last().is_some_and(|name| name == "Code");
        if let Some(slot) = self.slot(path).filter(|slot| slot.is_none() && !text.is_empty()) {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
            if is_code && !(text.len() <= LONGEST_CODE && text.chars().all(fits)) {
                return None;
            }
            *slot = Some(text.chars().filter(|letter| !letter.is_control()).take(LONGEST_TEXT).collect());
        }
        Some(())
    }
}

/// The texts of the elements that matter. `None`: not XML, or XML with a document type, which STS never sends.
fn fields(body: &Body) -> Option<Fields> {
    let mut reader = Reader::from_str(str::from_utf8(body.expose()).ok()?);
    let (mut fields, mut path, mut text) = (Fields::default(), Vec::new(), String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                path.push(element.local_name().into_inner().to_owned());
                text.clear();
                if path.len() > DEEPEST {
                    return None;
                }
            }
            Event::End(_) => {
                fields.settle(&path, text.trim())?;
                path.pop();
                text.clear();
            }
            Event::Text(words) => text.push_str(&words.xml10_content()),
            Event::CData(words) => text.push_str(&words.xml10_content()),
            Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                Some(letter) => text.push(letter),
                None => text.push_str(resolve_xml_entity(&name)?),
            },
            Event::DocType(_) => return None,
            Event::Eof => return path.is_empty().then_some(fields),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// The answer has four levels.
const DEEPEST: usize = 16;
/// The longest code that is documented has 30 letters.
const LONGEST_CODE: usize = 80;
/// Session tokens have a few hundred characters, with many tags a few thousand.
const LONGEST_TEXT: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        let mut response = Response::new(Body::new(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response
    }

    const ANSWER: &str = r#"<?xml version="1.0"?>
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>ada</SubjectFromWebIdentityToken>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/deploy/ada</Arn></AssumedRoleUser>
    <Credentials>
      <SessionToken>c2Vzc2lvbg==&#43;</SessionToken>
      <SecretAccessKey>s3cret/&lt;key</SecretAccessKey>
      <Expiration>2026-11-21T16:00:00Z</Expiration>
      <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>"#;

    #[test]
    fn keys_are_read_and_printed() {
        let keys = read(&response(200, ANSWER)).unwrap();
        assert_eq!(
            process_answer(&keys),
            "{\"Version\":1,\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"s3cret/<key\",\
             \"SessionToken\":\"c2Vzc2lvbg==+\",\"Expiration\":\"2026-11-21T16:00:00Z\"}\n"
        );
        assert!(!format!("{keys:?}").contains("s3cret"));
    }

    #[test]
    fn a_refusal_tells_its_code() {
        let body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                    <Code>InvalidIdentityToken</Code><Message>No OpenIDConnect provider\nfound</Message></Error>\
                    <RequestId>0</RequestId></ErrorResponse>";
        assert_eq!(
            read(&response(400, body)).unwrap_err().to_string(),
            "AWS refused the exchange: InvalidIdentityToken: No OpenIDConnect providerfound"
        );
    }

    #[test]
    fn anything_else_is_no_answer() {
        let without_key = ANSWER.replace("AccessKeyId", "Other");
        let bomb = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{ANSWER}");
        let unknown = ANSWER.replace("&#43;", "&b;");
        let deep = "<a>".repeat(1000);
        for (status, body) in [
            (200, ""),
            (200, "<html><body>Welcome</body></html>"),
            (200, r#"{"Credentials":{}}"#),
            (200, &without_key),
            (200, &ANSWER.replace("ASIAEXAMPLE", " ")),
            (200, &bomb),
            (200, &unknown),
            (200, &deep),
            (200, &ANSWER[..ANSWER.len() - 5]),
            (500, "<html>"),
            (403, "<ErrorResponse><Error><Code>a b\u{1b}[2J</Code></Error></ErrorResponse>"),
        ] {
            assert_eq!(read(&response(status, body)), Err(ExchangeError::Unreadable { status }), "{body}");
        }
    }

    #[test]
    fn the_call_is_a_form() {
        let exchange = Exchange {
            role_arn: "arn:aws:iam::123456789012:role/deploy",
            session_name: "ada@example.com",
            token: &Secret::new("e.y.J"),
            duration: SignedDuration::from_hours(1),
        };
        let request = request(&Url::parse("https://sts.amazonaws.com/").unwrap(), &exchange).unwrap();
        assert_eq!(
            (request.method(), request.uri().to_string().as_str()),
            (&Method::POST, "https://sts.amazonaws.com/")
        );
        assert_eq!(
            str::from_utf8(request.body().expose()).unwrap(),
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy\
             &RoleSessionName=ada%40example.com&WebIdentityToken=e.y.J&DurationSeconds=3600"
        );
    }
}
