//! Registering: validated, priced, and written once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    DocumentId,
    model::{Document, NewAlias, NewDocument, Registered, insert_aliases, known_aliases},
    rules::Wanted,
    values::{DocumentHash, is_name},
};
use crate::{
    accounts::{ApiClientId, ApiClientRow},
    clock::Clock,
    db::TenantConn,
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Examined, Examiner},
    ids::new_uuid,
};

/// The most documents of one client.
const MOST: i64 = 5000;
/// The most rows of one statement.
const ROWS: usize = 500;
/// Enough to mend a build; the rest comes up the next time.
const MOST_PROBLEMS: usize = 20;

/// A document that may be registered.
#[derive(Debug)]
pub struct Prepared {
    place: Vec<String>,
    alias: Option<String>,
    hash: DocumentHash,
    name: String,
    body: String,
    cost: i32,
}

/// Examines what is to be registered; all that is wrong is told at once.
pub fn prepare(examiner: &Examiner, wanted: Vec<Wanted>) -> Result<Vec<Prepared>> {
    let (mut prepared, mut problems) = (Vec::new(), Vec::new());
    for one in wanted {
        let mut problem = |part: Option<&str>, code: ErrorCode, told: &str| {
            let place = one.place.iter().map(String::as_str).chain(part);
            problems.push(Problem::new(code, place, told));
        };
        let Examined { name, cost } = match examiner.examine(&one.body) {
            Ok(examined) => examined,
            Err(told) => {
                problem(Some("body"), ErrorCode::Invalid, &told);
                continue;
            }
        };
        let hash = DocumentHash::of(&one.body);
        let name = one.name.clone().or(name).unwrap_or_else(|| hash.to_string());
        if !is_name(&name) {
            problem(Some("name"), ErrorCode::Invalid, "A name has 1 to 200 plain characters.");
            continue;
        }
        let Wanted { place, body, alias, .. } = one;
        prepared.push(Prepared { place, alias, hash, name, body, cost });
    }
    problems.truncate(MOST_PROBLEMS);
    match problems.is_empty() {
        true => Ok(prepared),
        false => Err(Error::Refused(problems)),
    }
}

/// The client that registers, held until the transaction ends: two registrations of one client wait
/// for each other.
pub async fn live_client(tx: &TenantConn, id: ApiClientId) -> Result<ApiClientRow> {
    let client = ApiClientRow::lock(tx, id, None).await.map_err(|error| match error {
        Error::NotFound => {
            Error::refused(ErrorCode::NotFound, "clientId", "There is no such record.")
        }
        other => other,
    })?;
    match client.revoked_at {
        None => Ok(client),
        Some(_) => {
            Err(Error::refused(ErrorCode::Withdrawn, "clientId", "The program was revoked."))
        }
    }
}

/// Registers what is not registered yet; the answer is all of it, in the order of the input.
pub async fn register(
    tx: &TenantConn,
    clock: &Clock,
    client: &ApiClientRow,
    prepared: &[Prepared],
) -> Result<Registered> {
    let hashes: Vec<DocumentHash> = prepared.iter().map(|one| one.hash).collect();
    let before = Document::with_hashes(tx, client.id, &hashes).await?;
    let mut ids: HashMap<DocumentHash, DocumentId> =
        before.into_iter().map(|document| (document.hash, document.id)).collect();
    let mut new: Vec<NewDocument<'_>> = Vec::new();
    for Prepared { hash, name, body, cost, .. } in prepared {
        if ids.contains_key(hash) {
            continue;
        }
        let (id, client_id, created_at) = (DocumentId::new(clock), client.id, clock.now());
        ids.insert(*hash, id);
        new.push(NewDocument { id, client_id, hash: *hash, name, body, cost: *cost, created_at });
    }
    let room = MOST - Document::count_of_client(tx, client.id).await?;
    if i64::try_from(new.len()).is_ok_and(|wanted| wanted > room) {
        let told = format!("A program has at most {MOST} documents; remove old ones first.");
        return Err(Error::refused(ErrorCode::LimitReached, "clientId", &told));
    }
    for rows in new.chunks(ROWS) {
        Document::insert(tx, rows).await?;
    }
    name_them(tx, clock, client.id, prepared, &ids).await?;
    let all: HashMap<DocumentHash, Document> = Document::with_hashes(tx, client.id, &hashes)
        .await?
        .into_iter()
        .map(|document| (document.hash, document))
        .collect();
    // A text that is there twice is registered, and told, once.
    let mut told = BTreeSet::new();
    let once = hashes.iter().filter(|hash| told.insert(**hash));
    Ok(Registered(once.filter_map(|hash| all.get(hash).cloned()).collect()))
}

/// An id of a build tool stands for one document for good: what is out there goes on asking it.
async fn name_them(
    tx: &TenantConn,
    clock: &Clock,
    client_id: ApiClientId,
    prepared: &[Prepared],
    ids: &HashMap<DocumentHash, DocumentId>,
) -> Result<()> {
    let wanted: Vec<&str> = prepared.iter().filter_map(|one| one.alias.as_deref()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let known = known_aliases(tx, client_id, &wanted).await?;
    let mut meant: BTreeMap<&str, DocumentId> =
        known.iter().map(|(alias, document)| (alias.as_str(), *document)).collect();
    let (mut new, mut problems) = (Vec::new(), Vec::new());
    for one in prepared {
        let (Some(alias), Some(document)) = (one.alias.as_deref(), ids.get(&one.hash)) else {
            continue;
        };
        match meant.insert(alias, *document) {
            None => {
                let id = new_uuid(clock);
                new.push(NewAlias { id, client_id, document_id: *document, alias });
            }
            Some(before) if before == *document => {}
            Some(_) => {
                let place = one.place.iter().map(String::as_str);
                let told = format!("\"{alias:.64}\" stands for another document already.");
                problems.push(Problem::new(ErrorCode::Duplicate, place, told));
            }
        }
    }
    if !problems.is_empty() {
        problems.truncate(MOST_PROBLEMS);
        return Err(Error::Refused(problems));
    }
    for rows in new.chunks(ROWS) {
        insert_aliases(tx, rows).await?;
    }
    Ok(())
}
