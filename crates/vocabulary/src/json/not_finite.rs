//! NaN and infinities in a text that is JSON but for them.

use serde_json::Value;

use super::error::Error;

/// As Python, JavaScript and C write them.
const WORDS: [&str; 6] = ["NaN", "nan", "Infinity", "inf", "-Infinity", "-inf"];

/// The first number that is not finite, if there is one.
pub(super) fn find(text: &str) -> Option<Error> {
    let marked = marked(text)?;
    let value: Value = serde_json::from_str(&marked).ok()?;
    place(&value, String::new()).map(|(path, value)| Error::NotFinite { path, value })
}

/// Put before a word that was no JSON.
const MARK: char = '\u{1}';

/// The text with such words as strings, if there are any.
fn marked(text: &str) -> Option<String> {
    if !WORDS.iter().any(|word| text.contains(word)) {
        return None;
    }
    let mut marked = String::with_capacity(text.len());
    let (mut rest, mut quoted, mut found) = (text, false, false);
    while let Some(character) = rest.chars().next() {
        let word =
            WORDS.iter().filter(|word| !quoted && rest.starts_with(**word)).max_by_key(|word| word.len());
        let length = match (character, word) {
            (_, Some(word)) => {
                marked.extend(['"', '\\', 'u', '0', '0', '0', '1']);
                marked.push_str(word);
                marked.push('"');
                found = true;
                rest = &rest[word.len()..];
                continue;
            }
            ('\\', None) if quoted => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            ('"', None) => {
                quoted = !quoted;
                1
            }
            _ => character.len_utf8(),
        };
        marked.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    found.then_some(marked)
}

fn place(value: &Value, path: String) -> Option<(String, String)> {
    match value {
        Value::String(text) => text.strip_prefix(MARK).map(|word| (path, word.to_owned())),
        Value::Array(values) => {
            values.iter().enumerate().find_map(|(i, value)| place(value, format!("{path}[{i}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            place(value, path)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        find(text).map(|error| error.to_string())
    }

    #[test]
    fn numbers_that_are_not_finite_are_found_at_their_place() {
        let at = |path: &str, word: &str| Some(format!("{path} is {word}: expected a finite number"));
        assert_eq!(found(r#"{"value": NaN}"#), at("value", "NaN"));
        assert_eq!(found(r#"{"value":1,"per_anchor":[0,-Infinity]}"#), at("per_anchor[1]", "-Infinity"));
        assert_eq!(found(r#"{"gradient":{"views":[[[1],[inf]]]}}"#), at("gradient.views[0][1][0]", "inf"));
    }

    #[test]
    fn texts_that_only_speak_of_them_are_left_alone() {
        for text in [
            r#"{"error": "NaN at \\\"inf"}"#,
            r#"{"value": 1}"#,
            "NaN and more",
            r#"{"error": "\u0001 is no NaN"}"#,
            "",
            "{\"error\": \"NaN",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
