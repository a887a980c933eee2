//! Parameters in `application/x-www-form-urlencoded` (RFC 6749 Appendix B) and in JSON for providers that want it.
//!
//! Values may be secrets: they are wiped when dropped and never shown. Reading is strict, because two readers that
//! repair a doubtful text differently can be played against each other.

use std::fmt;

use ::url::form_urlencoded::byte_serialize;

use crate::ports::upstream::Body;
use crate::secret::Secret;

/// Names with values, in order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Secret)>);

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `name` this one value, in place of all it had.
    pub fn set(&mut self, name: &str, value: &str) {
        let position = self.0.iter().position(|(known, _)| known == name);
        self.remove(name);
        let position = position.unwrap_or(self.0.len());
        self.0.insert(position, (name.to_owned(), Secret::new(value)));
    }

    /// Adds one more value for `name`, for the few names that may repeat (RFC 8707 §2).
    pub fn append(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), Secret::new(value)));
    }

    /// Calls every `from` `to`, for providers with their own words. What was called `to` before goes.
    pub fn rename(&mut self, from: &str, to: &str) {
        if from == to || self.value(from).is_none() {
            return;
        }
        self.remove(to);
        for (name, _) in self.0.iter_mut().filter(|(name, _)| name == from) {
            to.clone_into(name);
        }
    }

    /// Takes out every value of `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The first value of `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The same, not shown.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All values of `name`.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.expose())
    }

    /// All names in order, repeated ones repeatedly.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The body of a form post.
    pub fn to_form(&self) -> Body {
        // The exact room is reserved at once, because a buffer that grows leaves unwiped copies behind.
        let mut bytes = Vec::with_capacity(self.encoded().map(str::len).sum());
        for piece in self.encoded() {
            bytes.extend_from_slice(piece.as_bytes());
        }
        Body::new(bytes)
    }

    /// The query of a URL, without the question mark. The text is not wiped: secrets belong into bodies.
    pub fn to_query(&self) -> String {
        self.encoded().collect()
    }

    /// One JSON object of texts; a repeated name becomes an array.
    pub fn to_json(&self) -> Body {
        // One byte becomes at most six (`\u0000`), and each parameter has at most eight bytes of punctuation.
        let room =
            self.0.iter().map(|(name, value)| 6 * (name.len() + value.expose().len()) + 8).sum::<usize>();
        let mut bytes = Vec::with_capacity(room + 2);
        bytes.push(b'{');
        for (position, (name, value)) in self.0.iter().enumerate() {
            if self.0[..position].iter().any(|(earlier, _)| earlier == name) {
                continue;
            }
            if position > 0 {
                bytes.push(b',');
            }
            write_json_text(&mut bytes, name);
            bytes.push(b':');
            let mut values = self.values(name).skip(1).peekable();
            if values.peek().is_none() {
                write_json_text(&mut bytes, value.expose());
                continue;
            }
            bytes.push(b'[');
            write_json_text(&mut bytes, value.expose());
            for another in values {
                bytes.push(b',');
                write_json_text(&mut bytes, another);
            }
            bytes.push(b']');
        }
        bytes.push(b'}');
        Body::new(bytes)
    }

    /// Reads a form or a query in which only `resource` (RFC 8707 §2) and `audience` (RFC 8693 §2.1) may repeat.
    ///
    /// # Errors
    /// As for [`Parameters::parse_repeating`].
    pub fn parse_form(text: &[u8]) -> Result<Self, FormError> {
        Self::parse_repeating(text, &["resource", "audience"])
    }

    /// Reads a form or a query in which only the names of `repeatable` may appear twice (RFC 6749 §3.1, §3.2).
    ///
    /// A parameter without a value is left out, as RFC 6749 §3.1 asks.
    ///
    /// # Errors
    /// The text is too large, has too many parameters, a forbidden repetition, a broken escape or is not UTF-8.
    pub fn parse_repeating(text: &[u8], repeatable: &[&str]) -> Result<Self, FormError> {
        if text.len() > MAXIMUM_BYTES {
            return Err(FormError::TooLarge);
        }
        let mut parameters = Self::new();
        for (position, pair) in text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).enumerate() {
            if position == MAXIMUM_PARAMETERS {
                return Err(FormError::TooMany);
            }
            let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
                Some(equals) => (&pair[..equals], &pair[equals + 1..]),
                None => (pair, &[][..]),
            };
            let (name, value) = (decoded(name)?, decoded(value)?);
            if value.is_empty() {
                continue;
            }
            let name = name.expose();
            if parameters.value(name).is_some() && !repeatable.contains(&name) {
                return Err(FormError::Repeated { name: shown(name) });
            }
            parameters.0.push((name.to_owned(), value));
        }
        Ok(parameters)
    }

    /// The pieces whose concatenation is the encoded form.
    fn encoded(&self) -> impl Iterator<Item = &str> {
        self.0.iter().enumerate().flat_map(|(position, (name, value))| {
            let separator = if position == 0 { "" } else { "&" };
            std::iter::once(separator)
                .chain(byte_serialize(name.as_bytes()))
                .chain(std::iter::once("="))
                .chain(byte_serialize(value.expose().as_bytes()))
        })
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Parameters")?;
        formatter.debug_list().entries(self.names()).finish()
    }
}

/// A text that is not an acceptable form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More bytes than any request needs.
    #[error("the form has more than {MAXIMUM_BYTES} bytes")]
    TooLarge,
    /// More parameters than any request needs.
    #[error("the form has more than {MAXIMUM_PARAMETERS} parameters")]
    TooMany,
    /// RFC 6749 §3.1 and §3.2 forbid repeated parameters.
    #[error("the parameter `{name}` appears more than once")]
    Repeated {
        /// Its name, shortened and free of control characters.
        name: String,
    },
    /// A `%` without two hexadecimal digits.
    #[error("the form has a broken percent-encoding")]
    Escape,
    /// The bytes are not UTF-8 (RFC 6749 Appendix B).
    #[error("the form is not UTF-8")]
    NotUtf8,
}

/// The largest honest form holds a signed request or assertion of some 20 KiB.
const MAXIMUM_BYTES: usize = 64 * 1024;

/// A pushed request with every registered parameter has about 40; looking for repetitions is quadratic.
const MAXIMUM_PARAMETERS: usize = 100;

fn decoded(text: &[u8]) -> Result<Secret, FormError> {
    if !text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return std::str::from_utf8(text).map(Secret::new).map_err(|_| FormError::NotUtf8);
    }
    // Decoding only shrinks, so this room is never outgrown and no copy is left unwiped.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hexadecimal), rest.next().and_then(hexadecimal)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(FormError::Escape),
            },
            other => other,
        });
    }
    std::str::from_utf8(&bytes).map(Secret::new).map_err(|_| FormError::NotUtf8)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn shown(name: &str) -> String {
    // The longest registered parameter name has 25 characters.
    name.chars().filter(|character| !character.is_control()).take(40).collect()
}

fn write_json_text(bytes: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(bytes, text).expect("a text can always be written to memory");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Parameters {
        let mut parameters = Parameters::new();
        for (name, value) in pairs {
            parameters.append(name, value);
        }
        parameters
    }

    #[test]
    fn appendix_b_of_rfc_6749_is_reproduced() {
        assert_eq!(of(&[("text", " %&+£€")]).to_query(), "text=+%25%26%2B%C2%A3%E2%82%AC");
        let read = Parameters::parse_form(b"text=+%25%26%2B%C2%A3%E2%82%AC").unwrap();
        assert_eq!(read.value("text"), Some(" %&+£€"));
    }

    #[test]
    fn bodies_of_the_rfcs_are_read() {
        // RFC 6749 §4.1.3, RFC 7009 §2.1, RFC 8628 §3.4, RFC 8707 §2.2; line breaks of the documents left out.
        let table: [(&str, &[(&str, &str)]); 4] = [
            (
                "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA\
                 &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb",
                &[
                    ("grant_type", "authorization_code"),
                    ("code", "SplxlOBeZQQYbYS6WxSbIA"),
                    ("redirect_uri", "https://client.example.com/cb"),
                ],
            ),
            (
                "token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token",
                &[("token", "45ghiukldjahdnhzdauz"), ("token_type_hint", "refresh_token")],
            ),
            (
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
                 &device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS&client_id=1406020730",
                &[
                    ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                    ("device_code", "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"),
                    ("client_id", "1406020730"),
                ],
            ),
            (
                "grant_type=refresh_token&refresh_token=4LTC8lb0acc6Oy4esc1Nk9BWC0imAwH&scope=calendar\
                 &resource=https%3A%2F%2Fcal.example.com%2F",
                &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", "4LTC8lb0acc6Oy4esc1Nk9BWC0imAwH"),
                    ("scope", "calendar"),
                    ("resource", "https://cal.example.com/"),
                ],
            ),
        ];
        for (text, pairs) in table {
            assert_eq!(Parameters::parse_form(text.as_bytes()), Ok(of(pairs)), "{text}");
        }
    }

    #[test]
    fn setting_replaces_in_place_and_renaming_keeps_the_order() {
        let mut parameters = of(&[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")]);
        parameters.set("a", "5");
        assert_eq!(parameters.to_query(), "a=5&b=2&c=4");
        parameters.rename("b", "c");
        assert_eq!(parameters.to_query(), "a=5&c=2");
        parameters.rename("missing", "a");
        parameters.rename("a", "a");
        parameters.remove("c");
        assert_eq!(parameters.to_query(), "a=5");
    }

    #[test]
    fn json_has_texts_and_arrays_for_repeated_names() {
        let body = of(&[("grant_type", "x\"y\n"), ("resource", "a"), ("resource", "b")]).to_json();
        assert_eq!(body.expose(), br#"{"grant_type":"x\"y\n","resource":["a","b"]}"#);
        assert_eq!(Parameters::new().to_json().expose(), b"{}");
    }

    #[test]
    fn doubtful_forms_are_refused() {
        let refused: [(&[u8], FormError); 6] = [
            (b"code=a&code=b", FormError::Repeated { name: "code".to_owned() }),
            (b"code=a&c%6fde=b", FormError::Repeated { name: "code".to_owned() }),
            (b"code=%4", FormError::Escape),
            (b"code=%zz", FormError::Escape),
            (b"code=%ff", FormError::NotUtf8),
            (b"%=a", FormError::Escape),
        ];
        for (text, error) in refused {
            assert_eq!(Parameters::parse_form(text), Err(error), "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(Parameters::parse_form(&vec![b'a'; MAXIMUM_BYTES + 1]), Err(FormError::TooLarge));
        assert_eq!(
            Parameters::parse_form("a=1&".repeat(101).as_bytes()).unwrap_err().to_string(),
            "the parameter `a` appears more than once"
        );
        let many: Vec<String> = (0..=MAXIMUM_PARAMETERS).map(|number| format!("p{number}=1")).collect();
        assert_eq!(Parameters::parse_form(many.join("&").as_bytes()), Err(FormError::TooMany));
    }

    #[test]
    fn resources_may_repeat_and_empty_parameters_count_as_omitted() {
        let read = Parameters::parse_form(b"&resource=a&state=&resource=b&flag&code=c=d").unwrap();
        assert_eq!(read.values("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(read.value("state"), None);
        assert_eq!(read.value("flag"), None);
        assert_eq!(read.value("code"), Some("c=d"));
    }

    #[test]
    fn debug_output_has_names_only() {
        assert_eq!(format!("{:?}", of(&[("code", "hunter2")])), "Parameters[\"code\"]");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Parameters::parse_form(&bytes);
        }

        #[test]
        fn what_is_written_can_be_read(pairs in proptest::collection::vec((".{1,12}", ".{1,40}"), 0..12)) {
            let mut parameters = Parameters::new();
            for (name, value) in &pairs {
                parameters.set(name, value);
            }
            prop_assert_eq!(Parameters::parse_form(parameters.to_form().expose()), Ok(parameters.clone()));
            let json: serde_json::Value = serde_json::from_slice(parameters.to_json().expose()).unwrap();
            for (name, _) in &pairs {
                prop_assert_eq!(json[name].as_str(), parameters.value(name));
            }
        }
    }
}
