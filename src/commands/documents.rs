//! `kontor documents`: what is registered, from the outside.

use std::path::Path;

use uuid::Uuid;

use super::Settings;
use crate::{
    accounts::ApiClientRow,
    clock::Clock,
    config::{CheckDocuments, Config, DocumentsCommand, Limits, Publish},
    db::{Db, OperatorConn, WriteContext},
    documents::{Document, DocumentId, live_client, prepare, read_manifest, register},
    error::{Error, Problem, Result},
    graphql::{Examiner, Rulebook},
    ids::new_uuid,
    tenants::{TenantId, TenantRow},
};

/// Documents that are looked at together.
const PIECE: i64 = 200;

pub(super) async fn command(
    config: &Config,
    settings: &Settings,
    what: DocumentsCommand,
) -> Result<()> {
    match what {
        DocumentsCommand::Publish(publish) => {
            self::publish(&config.limits, settings, publish).await
        }
        DocumentsCommand::Check(check) => self::check(settings, check).await,
    }
}

async fn publish(limits: &Limits, settings: &Settings, publish: Publish) -> Result<()> {
    let Publish { file, client, tenant } = publish;
    let text = read(&file).await?;
    let shown = file.display();
    let manifest = serde_json::from_str(&text)
        .map_err(|error| Error::internal(format!("{shown} is not JSON: {error}.")))?;
    let prepared = read_manifest("manifest", &manifest)
        .and_then(|wanted| prepare(&Examiner::new(limits.clone()), wanted))
        .map_err(told)?;
    let (operator, clock) = (OperatorConn::open(settings).await?, Clock::system());
    let tenant_id = tenant_of(&operator, &tenant).await?;
    let request = "operator".into();
    let context = WriteContext { write: new_uuid(&clock), actor: None, request };
    let tx = Db::new(settings)?.write(tenant_id, context).await?;
    let unknown = || Error::internal(format!("There is no program {client} in {tenant}."));
    let found = ApiClientRow::named(&tx, &client).await?.ok_or_else(unknown)?;
    let found = live_client(&tx, found.id).await.map_err(told)?;
    let before = Document::count_of_client(&tx, found.id).await?;
    let registered = register(&tx, &clock, &found, &prepared).await.map_err(told)?.0.len();
    let new = Document::count_of_client(&tx, found.id).await?.saturating_sub(before);
    tx.commit().await?;
    let name = found.name;
    println!(
        "{registered} documents of {shown} are registered for {name} in {tenant}; {new} are new."
    );
    Ok(())
}

async fn check(settings: &Settings, check: CheckDocuments) -> Result<()> {
    let own = || Rulebook::own().ok_or_else(|| Error::internal("The program has no schema."));
    let read = match check.schema {
        None => None,
        Some(file) => {
            let rules = Rulebook::read(&read(&file).await?).map_err(|faults| {
                let first = faults.first().map(ToString::to_string).unwrap_or_default();
                Error::internal(format!("{} is no schema: {first}.", file.display()))
            });
            Some(rules?)
        }
    };
    let rules = match &read {
        Some(rules) => rules,
        None => own()?,
    };
    let operator = OperatorConn::open(settings).await?;
    let tenants: Vec<(String, TenantId)> = match check.tenant {
        Some(slug) => vec![(slug.clone(), tenant_of(&operator, &slug).await?)],
        None => {
            let all = TenantRow::all(&operator).await?.into_iter();
            all.map(|one| (one.slug, one.id)).collect()
        }
    };
    let db = Db::new(settings)?;
    let (mut all, mut broken) = (0_usize, 0_usize);
    for (slug, tenant) in tenants {
        let mut after = DocumentId(Uuid::nil());
        loop {
            let conn = db.read(tenant).await?;
            let documents = Document::behind(&conn, after, PIECE).await;
            conn.finish().await?;
            let documents = documents?;
            let Some((_, last)) = documents.last() else { break };
            after = last.id;
            all += documents.len();
            broken +=
                documents.iter().filter(|(client, one)| breaks(rules, &slug, client, one)).count();
        }
    }
    match broken {
        0 => {
            println!("All {all} registered documents are valid.");
            Ok(())
        }
        1 => Err(Error::internal(format!("One of {all} registered documents would break."))),
        n => Err(Error::internal(format!("{n} of {all} registered documents would break."))),
    }
}

/// Says what of a document would break.
fn breaks(rules: &Rulebook, slug: &str, client: &str, document: &Document) -> bool {
    let faults = rules.faults(&document.body);
    if !faults.is_empty() {
        println!("BREAKS {slug} / {client} / {} ({})", document.name, document.hash);
        faults.iter().for_each(|fault| println!("       {fault}"));
    }
    !faults.is_empty()
}

async fn read(file: &Path) -> Result<String> {
    let text = tokio::fs::read_to_string(file).await;
    text.map_err(|error| Error::internal(format!("{} cannot be read: {error}.", file.display())))
}

async fn tenant_of(operator: &OperatorConn, slug: &str) -> Result<TenantId> {
    let unknown = || Error::internal(format!("There is no tenant {slug}."));
    Ok(TenantRow::by_slug(operator.pg(), slug).await?.ok_or_else(unknown)?.id)
}

/// All that is wrong, a line each, and a sentence at the end.
fn told(error: Error) -> Error {
    let Error::Refused(problems) = error else { return error };
    for Problem { field, message, .. } in &problems {
        println!("BAD   {}: {message}", field.join(" "));
    }
    Error::internal("Nothing was registered.")
}
