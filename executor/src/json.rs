//! JSON text. `Value::Binary` stands for an object that is JSON already; GraphQL has no binary
//! values, so nothing else can be meant by it.

use real::{Response, Value};

/// `,"key":` (an object replaces its first comma by a brace).
pub(crate) fn key(name: &str) -> Box<[u8]> {
    let mut out = vec![b','];
    write_string(&mut out, name);
    out.push(b':');
    out.into()
}

/// Makes an object of the fields behind `start`, each written behind its [`key`].
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// How long a value becomes as JSON: exact for what is JSON already, and else a guess.
pub(crate) fn expected_len(value: &Value) -> usize {
    match value {
        Value::Binary(json) => json.len(),
        Value::List(items) => 2 + items.iter().map(|item| expected_len(item) + 1).sum::<usize>(),
        _ => 16,
    }
}

/// Writes a value as JSON.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Binary(json) => out.extend_from_slice(json),
        Value::String(text) => write_string(out, text),
        Value::Enum(name) => write_string(out, name),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::List(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (at, (name, value)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_string(out, name);
                out.push(b':');
                write_value(out, value);
            }
            out.push(b'}');
        }
    }
}

/// Writes a string as JSON.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    // No early exit, so that the compiler can look at many bytes at once.
    let special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |any, byte| any | special(byte)) {
        for byte in text.bytes() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => out.push(byte),
            }
        }
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

/// The body of a response, `data` first. A request error (nothing was executed) has no `data`.
pub fn response_json(response: &Response, executed: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * 1024);
    out.push(b'{');
    if executed {
        out.extend_from_slice(b"\"data\":");
        write_value(&mut out, &response.data);
    }
    let comma = |out: &mut Vec<u8>| {
        if out.len() > 1 {
            out.push(b',');
        }
    };
    if !response.errors.is_empty() {
        comma(&mut out);
        out.extend_from_slice(b"\"errors\":");
        let errors = serde_json::to_vec(&response.errors);
        out.extend_from_slice(&errors.unwrap_or_else(|_| b"[]".to_vec()));
    }
    if !response.extensions.is_empty() {
        comma(&mut out);
        out.extend_from_slice(b"\"extensions\":{");
        for (at, (name, value)) in response.extensions.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_string(&mut out, name);
            out.push(b':');
            write_value(&mut out, value);
        }
        out.push(b'}');
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_serde_does() {
        for text in ["", "plain", "a\"b\\c", "line\nfeed\ttab\r\u{1}\u{1f}", "Zoë ✓ 日本"] {
            let mut out = Vec::new();
            write_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
