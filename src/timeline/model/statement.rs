//! The timelines of many records, in one statement.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{
    TimelineKind,
    places::{Place, Place::*, Source, sources, told},
};
use crate::{
    db::{Column, Filter, Reach, Slice, TenantConn, Test, Value, WithinReach},
    tenants::TenantId,
};

/// As [`super::Entry`] has them.
type Columns = (
    Timestamptz,
    SqlUuid,
    Text,
    Nullable<SqlUuid>,
    Text,
    SqlUuid,
    Nullable<Jsonb>,
    Nullable<Jsonb>,
);

/// The kinds that a list asks for; all when it does not say.
fn wanted(filter: &Filter) -> Vec<TimelineKind> {
    let said = match filter {
        Filter::Is(_, Test::In(Value::Texts(said))) => Some(said),
        _ => None,
    };
    let is_wanted =
        |kind: &TimelineKind| said.is_none_or(|said| said.iter().any(|word| word == kind.word()));
    TimelineKind::ALL.iter().copied().filter(is_wanted).collect()
}

/// How far one sees of the records that entries are about, and of the activities about them.
pub struct Sight {
    source: &'static Source,
    reach: Reach,
    activities: Option<Reach>,
}

impl Sight {
    pub fn of(conn: &TenantConn, within: Column) -> Vec<Self> {
        let sight = |source: &'static Source| {
            let reach = conn.reach().in_table(source.table)?;
            Some(Self { source, reach, activities: conn.reach().in_table("activities") })
        };
        sources(within.table).iter().filter_map(sight).collect()
    }

    /// The part that is kept in a place, if it has something that is wanted and seen.
    fn part(&self, place: Place, tenant: TenantId, wanted: &[TimelineKind]) -> Option<Part<'_>> {
        let Self { source, reach, activities } = self;
        let kinds = wanted.iter().filter(|kind| place.tells(source.table, **kind));
        let kinds: Vec<&'static str> = kinds.map(|kind| kind.word()).collect();
        let activities = match place {
            Activities => Some(activities.as_ref()?),
            StageChanges | Trail => None,
        };
        let whose = crate::access::whose;
        (!kinds.is_empty()).then(|| Part {
            source,
            place,
            kinds,
            seen: reach.over(tenant, whose(source.table)),
            activities: activities.map(|reach| reach.over(tenant, whose("activities"))),
        })
    }
}

/// What of a timeline is kept in one place.
struct Part<'a> {
    source: &'static Source,
    place: Place,
    kinds: Vec<&'static str>,
    seen: WithinReach<'a>,
    activities: Option<WithinReach<'a>>,
}

/// The timeline of the parent at hand, inside [`Nested`]: of each place the newest, and of these the
/// newest, so that none is read further than the page goes.
pub struct Timeline<'a> {
    tenant: TenantId,
    parts: Vec<Part<'a>>,
    after: Option<(DateTime<Utc>, Uuid)>,
    /// `None`: all of it, to be counted.
    limit: Option<i64>,
}

impl<'a> Timeline<'a> {
    pub fn of(sights: &'a [Sight], slice: &Slice, limit: Option<i64>) -> Self {
        let wanted = wanted(&slice.filter);
        let parts = sights.iter().flat_map(|sight| {
            let part = |place: &Place| sight.part(*place, slice.tenant, &wanted);
            sight.source.places.iter().filter_map(part).collect::<Vec<_>>()
        });
        let after = match slice.after.as_deref() {
            Some([Value::Moment(at), Value::Uuid(id)]) => Some((*at, *id)),
            _ => None,
        };
        Self { tenant: slice.tenant, parts: parts.collect(), after, limit }
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn walk_part<'b>(
        &'b self,
        part: &'b Part<'_>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let Source { table, key, .. } = *part.source;
        push(out, &["(SELECT e.* FROM kontor.", table, " CROSS JOIN LATERAL ("]);
        match part.place {
            Activities => self.walk_activities(part, out)?,
            StageChanges => self.walk_stage_changes(part, out)?,
            Trail => self.walk_trail(part, out)?,
        }
        push(out, &[") AS e WHERE kontor.", table, ".tenant_id = "]);
        out.push_bind_param::<SqlUuid, _>(&self.tenant)?;
        push(out, &[" AND kontor.", table, ".", key, " = parent.id AND "]);
        part.seen.walk_ast(out.reborrow())?;
        // The one whose timeline it is may be in the bin, and is looked at there.
        if key != "id" {
            push(out, &[" AND kontor.", table, ".deleted_at IS NULL"]);
        }
        out.push_sql(")");
        Ok(())
    }

    /// What it is about, and no change of it.
    fn push_record(part: &Part<'_>, out: &mut AstPass<'_, '_, Pg>, change: &str) {
        push(out, &[", '", part.source.table, "'::text AS table_name, kontor."]);
        push(out, &[part.source.table, ".id AS record_id, ", change]);
    }

    fn walk_activities<'b>(
        &'b self,
        part: &'b Part<'_>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        out.push_sql(
            "SELECT kontor.activities.at, kontor.activities.id, 'ACTIVITY'::text AS kind, \
             kontor.activities.author_id AS actor_id",
        );
        Self::push_record(part, out, NO_CHANGE);
        out.push_sql(" FROM kontor.activities WHERE kontor.activities.tenant_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.tenant)?;
        push(out, &[" AND kontor.activities.", part.source.named, " = kontor.", part.source.table]);
        out.push_sql(".id AND kontor.activities.deleted_at IS NULL");
        if let Some(seen) = &part.activities {
            out.push_sql(" AND ");
            seen.walk_ast(out.reborrow())?;
        }
        self.walk_newest("kontor.activities", out)
    }

    fn walk_stage_changes<'b>(
        &'b self,
        part: &'b Part<'_>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        out.push_sql(
            "SELECT kontor.stage_changes.at, kontor.stage_changes.id, 'STAGE_CHANGE'::text AS kind, \
             kontor.stage_changes.by_id AS actor_id",
        );
        Self::push_record(part, out, NO_CHANGE);
        out.push_sql(" FROM kontor.stage_changes WHERE kontor.stage_changes.tenant_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.tenant)?;
        out.push_sql(" AND kontor.stage_changes.deal_id = kontor.deals.id");
        self.walk_newest("kontor.stage_changes", out)
    }

    /// Nothing is told of a record before it was made: months before that are not looked into.
    fn walk_trail<'b>(
        &'b self,
        part: &'b Part<'_>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let table = part.source.table;
        out.push_sql("SELECT h.at, h.id, h.kind, h.actor_id");
        Self::push_record(part, out, "h.old, h.new");
        out.push_sql(" FROM (SELECT kontor.audit_log.*, ");
        out.push_sql(KIND);
        out.push_bind_param::<Array<Text>, [&str]>(told(table))?;
        out.push_sql(
            " THEN 'CHANGED' END AS kind FROM kontor.audit_log WHERE kontor.audit_log.tenant_id = ",
        );
        out.push_bind_param::<SqlUuid, _>(&self.tenant)?;
        push(out, &[" AND kontor.audit_log.record_id = kontor.", table, ".id"]);
        push(out, &[" AND kontor.audit_log.table_name = '", table, "'"]);
        push(out, &[" AND kontor.audit_log.at >= kontor.", table, ".created_at"]);
        out.push_sql(") AS h WHERE h.kind = ANY(");
        out.push_bind_param::<Array<Text>, Vec<&'static str>>(&part.kinds)?;
        out.push_sql(")");
        self.walk_newest("h", out)
    }

    /// Those behind the cursor, the newest first, and no more than the page needs.
    fn walk_newest<'b>(&'b self, rows: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some((at, id)) = &self.after {
            // The first says of a partition that nothing in it can be meant.
            push(out, &[" AND ", rows, ".at <= "]);
            out.push_bind_param::<Timestamptz, _>(at)?;
            push(out, &[" AND (", rows, ".at, ", rows, ".id) < ("]);
            out.push_bind_param::<Timestamptz, _>(at)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(id)?;
            out.push_sql(")");
        }
        if let Some(limit) = &self.limit {
            push(out, &[" ORDER BY ", rows, ".at DESC, ", rows, ".id DESC LIMIT "]);
            out.push_bind_param::<BigInt, _>(limit)?;
        }
        Ok(())
    }
}

fn push(out: &mut AstPass<'_, '_, Pg>, pieces: &[&str]) {
    pieces.iter().for_each(|piece| out.push_sql(piece));
}

const NO_CHANGE: &str = "NULL::jsonb AS old, NULL::jsonb AS new";

/// What an entry of the trail tells; to be gone on with what is worth telling. What is not told has
/// no kind.
const KIND: &str = "CASE \
    WHEN kontor.audit_log.action = 'CREATED' THEN 'CREATED' \
    WHEN kontor.audit_log.action <> 'UPDATED' OR kontor.audit_log.new ? 'stage_id' THEN NULL \
    WHEN kontor.audit_log.new ->> 'deleted_at' IS NOT NULL THEN 'DELETED' \
    WHEN kontor.audit_log.new ? 'deleted_at' THEN 'RESTORED' \
    WHEN kontor.audit_log.new ->> 'merged_into_id' IS NOT NULL THEN 'MERGED' \
    WHEN kontor.audit_log.new ->> 'status' = 'CONVERTED' THEN 'CONVERTED' \
    WHEN kontor.audit_log.new ? 'status' THEN 'STATUS_CHANGED' \
    WHEN kontor.audit_log.new ? 'owner_id' THEN 'OWNER_CHANGED' \
    WHEN kontor.audit_log.new ?| ";

impl QueryFragment<Pg> for Timeline<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT entries.* FROM (");
        for (at, part) in self.parts.iter().enumerate() {
            out.push_sql(if at == 0 { "" } else { " UNION ALL " });
            self.walk_part(part, &mut out)?;
        }
        out.push_sql(") AS entries");
        if let Some(limit) = &self.limit {
            out.push_sql(" ORDER BY entries.at DESC, entries.id DESC LIMIT ");
            out.push_bind_param::<BigInt, _>(limit)?;
        }
        Ok(())
    }
}

impl Query for Timeline<'_> {
    type SqlType = Columns;
}

impl QueryId for Timeline<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
