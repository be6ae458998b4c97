//! What build tools write: manifests of documents.

use serde_json::Value;

use super::values::{DocumentHash, is_name};
use crate::error::{Error, ErrorCode, Problem, Result};

/// The most documents of one request.
pub const MOST_AT_ONCE: usize = 100;

/// A document that is to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it stands in the input.
    pub place: Vec<String>,
    pub name: Option<String>,
    pub body: String,
    /// What its build tool calls it; absent where that is its own id.
    pub alias: Option<String>,
}

const SHAPES: &str = "is neither a manifest of Apollo nor an object of ids and texts, as Relay and \
                      graphql-codegen write it";
const APOLLO: &str = "apollo-persisted-query-manifest";

/// An entry of a manifest: where it stands, its id, its name, its text.
type Entry<'a> = (String, &'a str, Option<&'a str>, &'a str);

/// The documents of a manifest, as Apollo, Relay or graphql-codegen write it.
pub fn read_manifest(field: &str, manifest: &Value) -> Result<Vec<Wanted>> {
    let entries = entries(manifest);
    let entries = entries.ok_or_else(|| Error::refused(ErrorCode::Invalid, field, SHAPES))?;
    let (mut wanted, mut problems) = (Vec::new(), Vec::new());
    for (place, id, name, body) in entries {
        let place = vec![field.to_owned(), place];
        if !is_name(id) {
            let path: Vec<&str> = place.iter().map(String::as_str).collect();
            let told = "An id has 1 to 200 plain characters.";
            problems.push(Problem::new(ErrorCode::Invalid, path, told));
            continue;
        }
        let own = DocumentHash::parse(id) == Some(DocumentHash::of(body));
        let alias = (!own).then(|| id.to_owned());
        let name = name.map(str::to_owned);
        wanted.push(Wanted { place, name, body: body.to_owned(), alias });
    }
    match problems.is_empty() {
        true => Ok(wanted),
        false => Err(Error::Refused(problems)),
    }
}

/// `None`: it is of no shape that is known.
fn entries(manifest: &Value) -> Option<Vec<Entry<'_>>> {
    let object = manifest.as_object()?;
    let Some(Value::Array(operations)) = object.get("operations") else {
        let all = object.iter();
        return all
            .map(|(id, body)| Some((id.clone(), id.as_str(), None, body.as_str()?)))
            .collect();
    };
    let format = object.get("format").and_then(Value::as_str);
    let version = object.get("version").and_then(Value::as_i64);
    if (format, version) != (Some(APOLLO), Some(1)) {
        return None;
    }
    let operations = operations.iter().enumerate().map(|(at, operation)| {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        Some((at.to_string(), text("id")?, text("name"), text("body")?))
    });
    operations.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_tools_manifest_is_read() {
        let id = DocumentHash::of("{ a }").to_string();
        let apollo = json!({ "format": APOLLO, "version": 1, "operations": [
            { "id": &id["sha256:".len()..], "name": "A", "type": "query", "body": "{ a }" },
            { "id": "own", "name": "B", "type": "query", "body": "{ b }" },
        ]});
        let read = read_manifest("manifest", &apollo).unwrap();
        let [a, b] = &read[..] else { panic!("{read:?}") };
        assert_eq!((a.name.as_deref(), a.alias.as_deref()), (Some("A"), None));
        assert_eq!(
            (b.alias.as_deref(), &b.place[..]),
            (Some("own"), &["manifest".into(), "1".into()][..])
        );
        let relay = json!({ "2654482f75061eb06768b0748487b97b": "{ a }" });
        let read = read_manifest("manifest", &relay).unwrap();
        assert_eq!(read[0].alias.as_deref(), Some("2654482f75061eb06768b0748487b97b"));
        assert_eq!(read_manifest("manifest", &json!({})).unwrap(), []);
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let other =
            |version: i64| json!({ "format": APOLLO, "version": version, "operations": [] });
        assert!(read_manifest("manifest", &other(1)).is_ok());
        for wrong in [
            json!([]),
            json!("text"),
            json!({ "a": 7 }),
            json!({ "": "{ a }" }),
            json!({ "operations": [] }),
            json!({ "format": "x", "version": 1, "operations": [] }),
            json!({ "format": APOLLO, "version": 1, "operations": [{ "id": "x" }] }),
            other(2),
        ] {
            assert!(read_manifest("manifest", &wrong).is_err(), "{wrong}");
        }
    }
}
