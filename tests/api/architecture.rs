//! Who may know whom, read from the `use` lines.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The floor that all areas stand on.
const PLATFORM: [&str; 12] = [
    "access", "buckets", "clock", "config", "db", "error", "feed", "graphql", "ids", "jobs",
    "keys", "money",
];
/// Above the areas.
const ABOVE: [&str; 3] = ["commands", "http", "telemetry"];
/// The files that close the schema.
const CLOSERS: [&str; 2] = ["graphql/schema.rs", "graphql/node.rs"];
/// What the platform may know of areas: the ids that every connection carries, and sign-in's
/// settings, the identity providers and the registered documents that are known, on their way to
/// the schema.
const CARRIED: [&str; 15] = [
    "accounts::ApiClientId",
    "accounts::Asking",
    "accounts::Links",
    "accounts::UserId",
    "accounts::RoleId",
    "accounts::SessionId",
    "accounts::Passwords",
    "accounts::Sessions",
    "documents::DocumentHash",
    "documents::Found",
    "documents::Named",
    "documents::Registry",
    "documents::Used",
    "sso::Providers",
    "tenants::TenantId",
];

struct Source {
    /// Below `src`, such as `companies/gql.rs`.
    name: String,
    /// Every path that a `use` line names, in full.
    uses: Vec<String>,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        self.name.split('/').next().unwrap().trim_end_matches(".rs")
    }

    fn is_area(&self) -> bool {
        self.name.contains('/') && !PLATFORM.contains(&self.room()) && !ABOVE.contains(&self.room())
    }

    /// gql.rs, model.rs, rules.rs, values.rs, or the folder of that name.
    fn is_kind(&self, kind: &str) -> bool {
        self.name.split('/').nth(1).is_some_and(|part| part.trim_end_matches(".rs") == kind)
    }

    fn uses(&self, path: &str) -> bool {
        self.uses.iter().any(|used| used == path || used.starts_with(&format!("{path}::")))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let uses = uses_of(&text);
        Source { name, uses, text }
    };
    files.into_iter().map(read).filter(|source| source.name != "schema.rs").collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// `use crate::{a::B, c};` is `crate::a::B` and `crate::c`.
fn uses_of(text: &str) -> Vec<String> {
    let mut uses = Vec::new();
    // Tests inside a file may know more.
    let text = text.split("#[cfg(test)]").next().unwrap();
    for part in text.split('\n').collect::<Vec<_>>().join(" ").split(';') {
        let part = part.trim();
        let Some(at) =
            part.find("use ").filter(|at| part[..*at].is_empty() || part[..*at].ends_with("pub "))
        else {
            continue;
        };
        expand("", part[at + 4..].trim(), &mut uses);
    }
    uses
}

fn expand(prefix: &str, tree: &str, uses: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        uses.push(format!("{prefix}{}", tree.split(" as ").next().unwrap().trim()));
        return;
    };
    let prefix = format!("{prefix}{}", tree[..open].trim());
    let inner = &tree[open + 1..tree.rfind('}').unwrap()];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                if !part.is_empty() {
                    expand(&prefix, part, uses);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

fn areas(sources: &[Source]) -> Vec<String> {
    let mut areas: Vec<String> = sources
        .iter()
        .filter(|source| source.is_area())
        .map(|source| source.room().to_owned())
        .collect();
    areas.dedup();
    assert!(areas.contains(&"companies".to_owned()));
    areas
}

#[test]
fn the_platform_knows_no_area() {
    let sources = sources();
    let areas = areas(&sources);
    for source in sources.iter().filter(|source| PLATFORM.contains(&source.room())) {
        if CLOSERS.contains(&source.name.as_str()) {
            continue;
        }
        for used in &source.uses {
            let Some(path) = used.strip_prefix("crate::") else { continue };
            let knows = areas.iter().any(|area| path.split("::").next() == Some(area));
            assert!(!knows || CARRIED.contains(&path), "{} uses {used}", source.name);
        }
    }
}

#[test]
fn nobody_looks_up() {
    for source in sources() {
        for above in ABOVE {
            let allowed = source.room() == "main" || ABOVE.contains(&source.room());
            assert!(
                allowed || !source.uses(&format!("crate::{above}")),
                "{} uses {above}",
                source.name
            );
        }
        if source.is_area() {
            assert!(!source.uses("axum"), "{} speaks HTTP", source.name);
        }
        if source.room() == "db" {
            assert!(!source.uses("crate::graphql"), "{} knows GraphQL", source.name);
        }
    }
}

#[test]
fn each_language_is_spoken_in_its_rooms() {
    for source in sources() {
        let value = source.is_kind("values")
            || ["ids.rs", "money.rs", "clock.rs"].contains(&source.name.as_str());
        let sql = value
            || ["db", "jobs"].contains(&source.room())
            || source.is_kind("model")
            || source.name == "error.rs";
        for language in ["diesel", "diesel_async"] {
            assert!(sql || !source.uses(language), "{} speaks {language}", source.name);
        }
        let graphql = value
            || ["graphql", "http"].contains(&source.room())
            || source.is_kind("gql")
            || source.name == "error.rs";
        assert!(graphql || !source.uses("async_graphql"), "{} speaks async_graphql", source.name);
        assert!(source.room() == "db" || !source.uses("bb8"), "{} speaks bb8", source.name);
    }
}

#[test]
fn rooms_of_an_area_know_what_they_may() {
    for source in sources().iter().filter(|source| source.is_area()) {
        if source.is_kind("rules") {
            for used in &source.uses {
                let allowed = [
                    "super::values",
                    "crate::error",
                    "crate::money",
                    "crate::clock",
                    "std",
                    "rust_decimal",
                    "serde_json",
                ];
                assert!(
                    allowed.iter().any(|path| used.starts_with(path)),
                    "{} uses {used}",
                    source.name
                );
            }
        }
        if source.is_kind("model") {
            for forbidden in ["crate::graphql", "crate::access", "super::gql"] {
                assert!(!source.uses(forbidden), "{} uses {forbidden}", source.name);
            }
        }
        // An area's inside is its own: others use what its mod.rs offers.
        for used in &source.uses {
            let inside = used.strip_prefix("crate::").and_then(|path| {
                let mut parts = path.split("::");
                let (room, part) = (parts.next()?, parts.next()?);
                (["gql", "model", "rules", "values"].contains(&part) && room != source.room())
                    .then_some(())
            });
            assert!(inside.is_none(), "{} uses {used}", source.name);
        }
    }
}

#[test]
fn rooms_are_small_enough_to_know() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= 450, "{} has {lines} lines: split it by meaning", source.name);
    }
}

/// A list of records that the library resolves loses the deeper path of an error and takes a
/// future per item: ours is `Many`.
#[test]
fn lists_of_records_are_many() {
    for source in
        sources().iter().filter(|source| source.is_kind("gql") || source.room() == "graphql")
    {
        for line in
            source.text.lines().filter(|line| line.contains("async fn") || line.contains(") -> "))
        {
            let list = line.split("-> ").nth(1).filter(|ty| ty.contains("Vec<"));
            let of_leaves = |ty: &str| {
                ["Vec<&str>", "Vec<String>", "Vec<i32>", "Vec<Uuid>", "Vec<Problem>"]
                    .iter()
                    .any(|leaf| ty.contains(leaf))
            };
            let resolver = line.contains("&self");
            assert!(!resolver || list.is_none_or(of_leaves), "{}: {line}", source.name);
        }
    }
}

#[test]
fn the_reader_of_use_lines_reads() {
    let text = "use a::{b, c::{D, E as F}};\npub use g::H;\n// use x;\nfn f() { let use_it = 1; }";
    assert_eq!(uses_of(text), ["a::b", "a::c::D", "a::c::E", "g::H"]);
}
