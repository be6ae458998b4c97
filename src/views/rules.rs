//! What can be kept as a filter, and what of it is to blame when a list does not take it.

use serde_json::{Map, Value};

/// The views that one person keeps.
pub const MOST_VIEWS: i64 = 200;
/// The columns of one.
pub const MOST_COLUMNS: usize = 50;
const MOST_BYTES: usize = 16 * 1024;
const DEEPEST: usize = 30;

/// Is a filter small enough to be kept?
pub fn is_small(filter: &Value) -> bool {
    is_flat(filter, DEEPEST) && filter.to_string().len() <= MOST_BYTES
}

fn is_flat(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    match value {
        Value::Object(fields) => fields.values().all(|value| is_flat(value, left)),
        Value::Array(items) => items.iter().all(|item| is_flat(item, left)),
        _ => true,
    }
}

/// Was all that was said understood? What is read again has every field that there is; one that is
/// not among them would have been passed over, and more would be found than was asked for.
pub fn is_understood(said: &Value, read: &Value) -> bool {
    match (said, read) {
        (Value::Object(said), Value::Object(read)) => said
            .iter()
            .all(|(name, said)| read.get(name).is_some_and(|read| is_understood(said, read))),
        (Value::Array(said), Value::Array(read)) => {
            said.len() == read.len()
                && said.iter().zip(read).all(|(said, read)| is_understood(said, read))
        }
        _ => true,
    }
}

/// Where the fault is in a filter that is refused: the smallest part that is refused by itself.
pub fn culprit(filter: &Value, refused: &dyn Fn(Value) -> bool) -> Vec<String> {
    match filter {
        Value::Object(fields) => {
            for (name, part) in fields {
                let within = |part: Value| Value::Object(Map::from_iter([(name.clone(), part)]));
                if refused(within(part.clone())) {
                    return step(name, part, &|part| refused(within(part)));
                }
            }
            Vec::new()
        }
        Value::Array(items) => {
            for (at, part) in items.iter().enumerate() {
                let within = |part: Value| Value::Array(vec![part]);
                if refused(within(part.clone())) {
                    return step(&at.to_string(), part, &|part| refused(within(part)));
                }
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn step(name: &str, part: &Value, refused: &dyn Fn(Value) -> bool) -> Vec<String> {
    let mut path = vec![name.to_owned()];
    let empty = match part {
        Value::Object(_) => Value::Object(Map::new()),
        _ => Value::Array(Vec::new()),
    };
    // What is refused with nothing in it is refused for its name.
    if !refused(empty) {
        path.extend(culprit(part, refused));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_smallest_part_that_is_refused_is_to_blame() {
        let filter = json!({ "a": { "eq": 1 }, "or": [{ "a": { "eq": 2 } }, { "b": { "lt": "x", "gt": 3 } }] });
        let refused = |part: Value| part.to_string().contains("\"x\"");
        assert_eq!(culprit(&filter, &refused), ["or", "1", "b", "lt"]);
        let unknown = |part: Value| part.to_string().contains("\"b\"");
        assert_eq!(culprit(&filter, &unknown), ["or", "1", "b"]);
        let by_size = |part: Value| part.to_string().len() > 60;
        assert_eq!(culprit(&filter, &by_size), [""; 0], "all of it together");
    }

    #[test]
    fn what_is_not_read_is_not_understood() {
        let read = json!({ "name": { "eq": "x", "ne": null }, "and": null });
        assert!(is_understood(&json!({ "name": { "eq": "x" } }), &read));
        assert!(!is_understood(&json!({ "name": { "eqq": "x" } }), &read));
        assert!(!is_understood(&json!({ "nome": null }), &read));
    }

    #[test]
    fn what_is_large_or_deep_is_not_kept() {
        assert!(is_small(&json!({ "name": { "eq": "x" } })));
        assert!(!is_small(&json!({ "name": { "eq": "x".repeat(20_000) } })));
        let deep = (0..40).fold(json!({}), |inner, _| json!({ "not": inner }));
        assert!(!is_small(&deep));
    }
}
