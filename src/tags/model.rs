use std::{fmt::Debug, hash::Hash};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::TagId;
use crate::{
    clock::Clock,
    db::{Column, Link, TenantConn},
    error::{Error, Result},
    ids::new_uuid,
    listed, record,
    schema::tags,
};

/// The most tags that a record may have.
pub const MOST_TAGS: usize = 50;

/// The id of a record that has tags; [`crate::tagged!`] says so of it.
pub trait Tagged:
    Copy + Eq + Hash + Debug + Send + Sync + From<Uuid> + Into<Uuid> + 'static
{
    /// The column that names the record where its tags are.
    const KEY: Column;
    /// How the record reaches its tags, for filters.
    const TAGS: Link;
}

/// The records of a table have tags: `tagged!(CompanyId, companies, company_tags::company_id);`
#[macro_export]
macro_rules! tagged {
    ($id:ty, $table:ident, $links:ident :: $key:ident) => {
        impl $crate::tags::Tagged for $id {
            const KEY: $crate::db::Column = $crate::column!($links::$key);
            const TAGS: $crate::db::Link = $crate::db::Link {
                from: $crate::column!($table::id),
                to: $crate::column!(tags::id),
                through: Some((Self::KEY, $crate::column!($links::tag_id))),
                deleted_at: None,
            };
        }
    };
}

#[derive(Clone, Debug, HasQuery, QueryableByName)]
#[diesel(table_name = tags)]
pub struct Tag {
    pub id: TagId,
    pub name: String,
    pub name_key: String,
    pub colour: Option<String>,
    pub version: i32,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = tags, treat_none_as_default_value = false)]
pub struct NewTag {
    pub id: TagId,
    pub name: String,
    pub colour: Option<String>,
}

/// `None` keeps, `Some(None)` clears.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = tags)]
pub struct TagChanges {
    pub name: Option<String>,
    pub colour: Option<Option<String>>,
}

record!(Tag, tags, TagId, NewTag, TagChanges);
listed!(Tag, tags);

/// A tag with the record that has it.
#[derive(QueryableByName)]
struct Had {
    #[diesel(sql_type = SqlUuid)]
    record: Uuid,
    #[diesel(embed)]
    tag: Tag,
}

impl Tag {
    pub async fn delete(mut conn: &TenantConn, id: TagId) -> Result<()> {
        diesel::delete(tags::table)
            .filter(tags::tenant_id.eq(conn.tenant()))
            .filter(tags::id.eq(id))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

/// The tags of several records, by name; at most `most` of each.
pub async fn tags_of<Id: Tagged>(
    mut conn: &TenantConn,
    records: &[Id],
    most: usize,
) -> Result<Vec<(Id, Tag)>> {
    let Column { table, name: key, .. } = Id::KEY;
    let sql = format!(
        "SELECT record, id, name, name_key, colour, version FROM (
           SELECT l.{key} AS record, t.*, row_number() OVER (PARTITION BY l.{key} ORDER BY t.name_key) AS place
           FROM kontor.{table} l JOIN kontor.tags t ON t.tenant_id = $1 AND t.id = l.tag_id
           WHERE l.tenant_id = $1 AND l.{key} = ANY($2)
         ) AS ranked WHERE place <= $3 ORDER BY record, place"
    );
    let records: Vec<Uuid> = records.iter().map(|id| (*id).into()).collect();
    let rows: Vec<Had> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Array<SqlUuid>, _>(records)
        .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().map(|Had { record, tag }| (record.into(), tag)).collect())
}

/// A record has these tags and no others.
pub async fn replace_tags_of<Id: Tagged>(
    mut conn: &TenantConn,
    clock: &Clock,
    record: Id,
    ids: &[TagId],
) -> Result<()> {
    if ids.len() > MOST_TAGS {
        return Err(Error::BadInput(format!("A record has at most {MOST_TAGS} tags.")));
    }
    let Column { table, name: key, .. } = Id::KEY;
    let sql = format!(
        "DELETE FROM kontor.{table} l WHERE l.tenant_id = $1 AND l.{key} = $2 AND l.tag_id <> ALL($3)"
    );
    diesel::sql_query(sql)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<SqlUuid, Uuid>(record.into())
        .bind::<Array<SqlUuid>, _>(ids)
        .execute(&mut conn)
        .await?;
    put_on(conn, clock, record, ids).await.map(drop)
}

/// What one record has the other gets too, by name, as far as it has room; the links that are new.
pub async fn hand_on_tags<From: Tagged, To: Tagged>(
    conn: &TenantConn,
    clock: &Clock,
    from: From,
    to: To,
) -> Result<Vec<Uuid>> {
    let has = tags_of(conn, &[to], MOST_TAGS).await?;
    let has_not = |id: &TagId| has.iter().all(|(_, tag)| tag.id != *id);
    let from = tags_of(conn, &[from], MOST_TAGS).await?;
    let new = from.into_iter().map(|(_, tag)| tag.id).filter(has_not);
    let new: Vec<TagId> = new.take(MOST_TAGS.saturating_sub(has.len())).collect();
    put_on(conn, clock, to, &new).await
}

#[derive(QueryableByName)]
struct Linked {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The links that are new.
async fn put_on<Id: Tagged>(
    mut conn: &TenantConn,
    clock: &Clock,
    record: Id,
    ids: &[TagId],
) -> Result<Vec<Uuid>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let Column { table, name: key, .. } = Id::KEY;
    let sql = format!(
        "INSERT INTO kontor.{table} (tenant_id, id, {key}, tag_id)
         SELECT $1, link.id, $2, link.tag FROM unnest($3, $4) AS link (id, tag)
         ON CONFLICT DO NOTHING RETURNING id"
    );
    let links: Vec<Uuid> = ids.iter().map(|_| new_uuid(clock)).collect();
    let linked: Vec<Linked> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<SqlUuid, Uuid>(record.into())
        .bind::<Array<SqlUuid>, _>(links)
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut conn)
        .await?;
    Ok(linked.into_iter().map(|link| link.id).collect())
}
