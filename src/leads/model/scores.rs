use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Jsonb, Nullable, Uuid as SqlUuid},
    upsert::excluded,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{
    LeadId, ScoreRuleId,
    scoring::{self, About, Facts, Happened, Part},
    values::{ScoreDirection, ScoreEvent, ScoreField, ScoreOperator},
};
use super::Lead;
use crate::{
    clock::{Clock, Timestamp},
    db::TenantConn,
    error::{Error, Result},
    jobs::{NewJob, enqueue},
    record,
    schema::{activities, lead_scores, leads, score_rules},
    tenants::TenantId,
};

/// The most rules of a tenant.
pub const MOST_RULES: i64 = 100;
/// What of a lead's activities counts at most.
const MOST_EVENTS: i64 = 200;
/// How many leads a job does at once.
const BATCH: i64 = 200;

/// The job that computes all scores of a tenant anew.
pub const RESCORE: &str = "leads.rescore";

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = score_rules)]
pub struct ScoreRule {
    pub id: ScoreRuleId,
    pub name: String,
    pub field: Option<ScoreField>,
    pub operator: Option<ScoreOperator>,
    pub value: Option<String>,
    pub event: Option<ScoreEvent>,
    pub direction: Option<ScoreDirection>,
    pub points: i32,
    pub half_life_days: Option<i32>,
    pub version: i32,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = score_rules, treat_none_as_default_value = false)]
pub struct NewScoreRule {
    pub id: ScoreRuleId,
    pub name: String,
    pub field: Option<ScoreField>,
    pub operator: Option<ScoreOperator>,
    pub value: Option<String>,
    pub event: Option<ScoreEvent>,
    pub direction: Option<ScoreDirection>,
    pub points: i32,
    pub half_life_days: Option<i32>,
}

/// `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = score_rules)]
pub struct ScoreRuleChanges {
    pub name: Option<String>,
    pub field: Option<Option<ScoreField>>,
    pub operator: Option<Option<ScoreOperator>>,
    pub value: Option<Option<String>>,
    pub event: Option<Option<ScoreEvent>>,
    pub direction: Option<Option<ScoreDirection>>,
    pub points: Option<i32>,
    pub half_life_days: Option<Option<i32>>,
}

record!(ScoreRule, score_rules, ScoreRuleId, NewScoreRule, ScoreRuleChanges);

impl ScoreRule {
    /// A tenant's rules, by name.
    pub async fn all(mut conn: &TenantConn) -> Result<Vec<Self>> {
        let all = Self::query()
            .filter(score_rules::tenant_id.eq(conn.tenant()))
            .order((score_rules::name_key, score_rules::id))
            .limit(MOST_RULES)
            .load(&mut conn)
            .await?;
        Ok(all)
    }

    pub async fn delete(mut conn: &TenantConn, id: ScoreRuleId) -> Result<()> {
        diesel::delete(score_rules::table)
            .filter(score_rules::tenant_id.eq(conn.tenant()))
            .filter(score_rules::id.eq(id))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    fn rule(self) -> Option<scoring::Rule> {
        let Self { id, name, points, half_life_days, value, .. } = self;
        let about = match (self.field, self.event) {
            (Some(field), None) => About::Field { field, operator: self.operator?, value },
            (None, event) => About::Event { event: event?, direction: self.direction },
            _ => return None,
        };
        Some(scoring::Rule { id: id.into(), name, about, points, half_life_days })
    }
}

impl Facts for Lead {
    fn text(&self, field: ScoreField) -> Option<String> {
        match field {
            ScoreField::Name => Some(self.name.clone()),
            ScoreField::Organisation => self.organisation.clone(),
            ScoreField::Email => self.email.clone(),
            ScoreField::Domain => self.domain.clone(),
            ScoreField::Phone => self.phone.clone(),
            ScoreField::Source => self.source.clone(),
            ScoreField::Industry => self.industry.clone(),
            ScoreField::Employees => self.employees.map(|number| number.to_string()),
            ScoreField::Country => self.country.clone(),
            ScoreField::PostalCode => self.postal_code.clone(),
            ScoreField::City => self.city.clone(),
        }
    }

    fn since(&self) -> Timestamp {
        self.created_at
    }
}

/// A lead's score: what it was when it was computed, and of what.
#[derive(Clone, Debug)]
pub struct Score {
    pub parts: Vec<Part>,
    /// What the tenant wants of a qualified lead.
    pub minimum: Option<i32>,
}

const OF: &str = "
SELECT s.id, s.parts,
  (SELECT p.minimum_score FROM kontor.lead_settings p WHERE p.tenant_id = $1) AS minimum
FROM kontor.lead_scores s WHERE s.tenant_id = $1 AND s.id = ANY($2)";

#[derive(QueryableByName)]
struct ScoreRow {
    #[diesel(sql_type = SqlUuid)]
    id: LeadId,
    #[diesel(sql_type = Jsonb)]
    parts: Value,
    #[diesel(sql_type = Nullable<Integer>)]
    minimum: Option<i32>,
}

impl Score {
    pub fn at(&self, now: Timestamp) -> i32 {
        scoring::score(&self.parts, now)
    }

    /// Of several leads.
    pub async fn of(mut conn: &TenantConn, of: &[LeadId]) -> Result<HashMap<LeadId, Option<Self>>> {
        let rows: Vec<ScoreRow> = diesel::sql_query(OF)
            .bind::<SqlUuid, _>(conn.tenant())
            .bind::<Array<SqlUuid>, _>(of)
            .load(&mut conn)
            .await?;
        let score = |ScoreRow { id, parts, minimum }| {
            let parts = serde_json::from_value(parts).map_err(Error::internal)?;
            Ok((id, Some(Self { parts, minimum })))
        };
        rows.into_iter().map(score).collect()
    }
}

/// Computes scores anew: after a change of the leads, or of what was done with them. No version of
/// a lead changes by it. The leads are locked before their scores, as by whoever changes a lead: the
/// score stands in the lead too (`score_key`).
pub async fn rescore(mut conn: &TenantConn, clock: &Clock, of: &[LeadId]) -> Result<()> {
    let rules = ScoreRule::all(conn).await?;
    let rules: Vec<_> = rules.into_iter().filter_map(ScoreRule::rule).collect();
    let these: Vec<Lead> = Lead::query()
        .filter(leads::tenant_id.eq(conn.tenant()))
        .filter(leads::id.eq_any(of))
        .order(leads::id)
        .for_no_key_update()
        .load(&mut conn)
        .await?;
    let asks_events = rules.iter().any(|rule| matches!(rule.about, About::Event { .. }));
    let mut happened = match asks_events {
        true => happened_with(conn, of).await?,
        false => HashMap::new(),
    };
    let now = clock.now();
    let mut rows = Vec::new();
    for lead in &these {
        let events = happened.remove(&lead.id).unwrap_or_default();
        let parts = scoring::parts(&rules, lead, &events);
        let score = scoring::score(&parts, now);
        rows.push((
            lead_scores::tenant_id.eq(conn.tenant()),
            lead_scores::id.eq(lead.id),
            lead_scores::score.eq(score),
            lead_scores::grade.eq(scoring::grade(score)),
            lead_scores::parts.eq(serde_json::to_value(&parts).map_err(Error::internal)?),
            lead_scores::computed_at.eq(now),
        ));
    }
    if rows.is_empty() {
        return Ok(());
    }
    diesel::insert_into(lead_scores::table)
        .values(rows)
        .on_conflict((lead_scores::tenant_id, lead_scores::id))
        .do_update()
        .set((
            lead_scores::score.eq(excluded(lead_scores::score)),
            lead_scores::grade.eq(excluded(lead_scores::grade)),
            lead_scores::parts.eq(excluded(lead_scores::parts)),
            lead_scores::computed_at.eq(excluded(lead_scores::computed_at)),
        ))
        .execute(&mut conn)
        .await?;
    Ok(())
}

type EventRow = (Option<LeadId>, ScoreEvent, Option<ScoreDirection>, Option<Timestamp>, Timestamp);

/// What was done, or written down; what is still to be done does not count.
async fn happened_with(
    mut conn: &TenantConn,
    of: &[LeadId],
) -> Result<HashMap<LeadId, Vec<Happened>>> {
    let most = MOST_EVENTS.saturating_mul(i64::try_from(of.len()).unwrap_or(i64::MAX));
    let rows: Vec<EventRow> = activities::table
        .filter(activities::tenant_id.eq(conn.tenant()))
        .filter(activities::lead_id.eq_any(of))
        .filter(activities::deleted_at.is_null())
        .filter(activities::done_at.is_not_null().or(activities::due_at.is_null()))
        .order((activities::at.desc(), activities::id))
        .limit(most)
        .select((
            activities::lead_id,
            activities::kind,
            activities::direction,
            activities::done_at,
            activities::at,
        ))
        .load(&mut conn)
        .await?;
    let mut happened = HashMap::<LeadId, Vec<Happened>>::new();
    for (lead, event, direction, done_at, at) in rows {
        let Some(lead) = lead else { continue };
        let one = Happened { event, direction, at: done_at.unwrap_or(at) };
        happened.entry(lead).or_default().push(one);
    }
    Ok(happened)
}

#[derive(QueryableByName)]
struct Ageing {
    #[diesel(sql_type = SqlUuid)]
    tenant: TenantId,
}

/// Whose rules give points that get less from day to day. Across tenants; ids and nothing else.
pub async fn tenants_with_ageing_scores(mut conn: &AsyncPgConnection) -> Result<Vec<TenantId>> {
    let query = "SELECT t AS tenant FROM kontor.tenants_with_ageing_scores() t";
    let rows: Vec<Ageing> = diesel::sql_query(query).load(&mut conn).await?;
    Ok(rows.into_iter().map(|row| row.tenant).collect())
}

/// All of a tenant's, later: the rules have changed, or time has passed.
pub async fn rescore_later(conn: &TenantConn, clock: &Clock, after: Option<LeadId>) -> Result<()> {
    let after = after.unwrap_or(LeadId(Uuid::nil()));
    let job = NewJob { kind: RESCORE, payload: json!({ "after": after.0 }), due_at: clock.now() };
    enqueue(conn, clock, job).await
}

/// The next few; whether there are more.
pub async fn rescore_some(mut conn: &TenantConn, clock: &Clock, after: LeadId) -> Result<()> {
    let next: Vec<LeadId> = leads::table
        .filter(leads::tenant_id.eq(conn.tenant()))
        .filter(leads::id.gt(after))
        .order(leads::id)
        .limit(BATCH)
        .select(leads::id)
        .load(&mut conn)
        .await?;
    rescore(conn, clock, &next).await?;
    match next.last() {
        Some(last) if i64::try_from(next.len()).is_ok_and(|count| count == BATCH) => {
            rescore_later(conn, clock, Some(*last)).await
        }
        _ => Ok(()),
    }
}
