use async_graphql::{Context, Many, Object, Union};
use uuid::Uuid;

use super::{
    model::{self, Hit, KINDS, Within},
    rules::Asked,
};
use crate::{
    access::{Guarded, Permission::*},
    activities::{Activity, ActivityById},
    companies::{Company, CompanyById},
    contacts::{Contact, ContactById},
    deals::{Deal, DealById},
    error::{Error, Result},
    graphql::{Doors, requires, size_or},
    leads::{Lead, LeadById},
};

/// How many are found, unless it is said.
const HITS: i64 = 10;
const LONGEST: usize = 200;

/// What a search can find.
#[derive(Union)]
pub enum SearchResult {
    Company(Box<Company>),
    Contact(Box<Contact>),
    Lead(Box<Lead>),
    Deal(Box<Deal>),
    Activity(Box<Activity>),
}

/// Something that was found.
pub struct SearchHit {
    kind: &'static str,
    id: Uuid,
    score: f64,
    snippet: Option<String>,
}

/// Something that was found.
#[Object]
impl SearchHit {
    /// How well it fits, from 0 to 1: a name that begins with what was typed comes before one that has
    /// it elsewhere, that before words elsewhere in the record, and those before a name that is nearly
    /// right.
    async fn score(&self) -> f64 {
        self.score
    }

    /// What it was found by, as plain text; the words that were asked for are between `**` and `**`.
    async fn snippet(&self) -> Option<&str> {
        self.snippet.as_deref()
    }

    /// The record.
    async fn result(&self, ctx: &Context<'_>) -> Result<SearchResult> {
        let result = match self.kind {
            "Company" => ctx
                .load::<CompanyById>(self.id.into())
                .await?
                .map(|row| SearchResult::Company(Box::new(Company(row)))),
            "Contact" => ctx
                .load::<ContactById>(self.id.into())
                .await?
                .map(|row| SearchResult::Contact(Box::new(Contact(row)))),
            "Lead" => ctx
                .load::<LeadById>(self.id.into())
                .await?
                .map(|row| SearchResult::Lead(Box::new(Lead(row)))),
            "Deal" => ctx
                .load::<DealById>(self.id.into())
                .await?
                .map(|row| SearchResult::Deal(Box::new(Deal(row)))),
            _ => ctx
                .load::<ActivityById>(self.id.into())
                .await?
                .map(|row| SearchResult::Activity(Box::new(Activity(row)))),
        };
        result.ok_or(Error::NotFound)
    }
}

#[derive(Default)]
pub struct SearchQuery;

#[Object]
impl SearchQuery {
    /// Companies, contacts, leads, deals and activities by what one remembers of them: a part of the
    /// name, words anywhere in them, a telephone number in any notation, a name that is nearly right.
    /// The best come first. Of the kinds that you may read, what you find in their lists.
    #[graphql(directive = requires::apply(ApiUse))]
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was typed, at most 200 characters. Nothing finds nothing.")]
        query: String,
        #[graphql(
            desc = "Only these kinds: Company, Contact, Lead, Deal, Activity. Absent: all that you may read."
        )]
        types: Option<Vec<String>>,
        #[graphql(desc = "How many, at most 100; 10 when absent.")] first: Option<i32>,
    ) -> Result<Option<Many<SearchHit>>> {
        let conn = ctx.read(ApiUse).await?;
        let most = size_or(first, HITS)?;
        if query.chars().count() > LONGEST {
            return Err(Error::BadInput(format!("query has at most {LONGEST} characters.")));
        }
        let kinds = kinds(ctx, types)?;
        let Some(asked) = Asked::of(&query) else { return Ok(Some(Many(Vec::new()))) };
        let hits = model::search(&conn, &kinds, &asked, most).await?;
        Ok(Some(hits.into_iter().filter_map(hit).collect()))
    }
}

fn hit((kind, id, score, snippet): Hit) -> Option<SearchHit> {
    let kind = KINDS.iter().map(|searched| searched.kind).find(|known| *known == kind)?;
    Some(SearchHit { kind, id, score, snippet })
}

/// What is searched, and how far: a kind that one names one must be allowed to read.
fn kinds(ctx: &Context<'_>, types: Option<Vec<String>>) -> Result<Vec<Within>> {
    let known = |name: &String| KINDS.iter().any(|searched| searched.kind == name);
    if let Some(unknown) = types.iter().flatten().find(|name| !known(name)) {
        let names: Vec<&str> = KINDS.iter().map(|searched| searched.kind).collect();
        let told = format!("\"{unknown:.50}\" cannot be searched; {} can.", names.join(", "));
        return Err(Error::BadInput(told));
    }
    let mut wanted = Vec::new();
    for searched in &KINDS {
        let named = types.as_ref().map(|types| types.iter().any(|name| name == searched.kind));
        let Some(guarded) = Guarded::of(searched.table).filter(|_| named != Some(false)) else {
            continue;
        };
        match ctx.allow(guarded.read) {
            Ok(viewer) => wanted.push((searched, guarded.whose, viewer.reach(guarded.read))),
            Err(refused) if named.is_some() => return Err(refused),
            Err(_) => {}
        }
    }
    Ok(wanted)
}
