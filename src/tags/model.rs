use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Uuid},
};
use diesel_async::RunQueryDsl;

use super::TagId;
use crate::{
    clock::Clock,
    column,
    companies::CompanyId,
    db::{Link, TenantConn},
    error::Result,
    ids::new_uuid,
    listed, record,
    schema::{company_tags, tags},
};

/// How a company reaches its tags, for filters.
pub const TAGS_OF_COMPANIES: Link = Link {
    from: column!(companies::id),
    to: column!(tags::id),
    through: Some((column!(company_tags::company_id), column!(company_tags::tag_id))),
    deleted_at: None,
};

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

/// A tag with the company that has it.
#[derive(QueryableByName)]
struct OfCompany {
    #[diesel(sql_type = Uuid)]
    company_id: CompanyId,
    #[diesel(embed)]
    tag: Tag,
}

const OF_COMPANIES: &str = "
SELECT company_id, id, name, name_key, colour, version FROM (
  SELECT l.company_id, t.*, row_number() OVER (PARTITION BY l.company_id ORDER BY t.name_key) AS place
  FROM kontor.company_tags l JOIN kontor.tags t ON t.tenant_id = $1 AND t.id = l.tag_id
  WHERE l.tenant_id = $1 AND l.company_id = ANY($2)
) AS ranked WHERE place <= $3 ORDER BY company_id, place";

impl Tag {
    /// The tags of several companies, at most `max` of each.
    pub async fn of_companies(
        mut conn: &TenantConn,
        companies: &[CompanyId],
        max: i64,
    ) -> Result<Vec<(CompanyId, Self)>> {
        let rows: Vec<OfCompany> = diesel::sql_query(OF_COMPANIES)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Array<Uuid>, _>(companies)
            .bind::<BigInt, _>(max)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.company_id, row.tag)).collect())
    }

    pub async fn delete(mut conn: &TenantConn, id: TagId) -> Result<()> {
        diesel::delete(tags::table)
            .filter(tags::tenant_id.eq(conn.tenant()))
            .filter(tags::id.eq(id))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

/// A company has these tags and no others.
pub async fn replace_tags_of(
    mut conn: &TenantConn,
    clock: &Clock,
    company: CompanyId,
    ids: &[TagId],
) -> Result<()> {
    diesel::delete(company_tags::table)
        .filter(company_tags::tenant_id.eq(conn.tenant()))
        .filter(company_tags::company_id.eq(company))
        .filter(company_tags::tag_id.ne_all(ids))
        .execute(&mut conn)
        .await?;
    if ids.is_empty() {
        return Ok(());
    }
    let links = ids.iter().map(|tag| {
        (
            company_tags::tenant_id.eq(conn.tenant()),
            company_tags::id.eq(new_uuid(clock)),
            company_tags::company_id.eq(company),
            company_tags::tag_id.eq(*tag),
        )
    });
    diesel::insert_into(company_tags::table)
        .values(links.collect::<Vec<_>>())
        .on_conflict_do_nothing()
        .execute(&mut conn)
        .await?;
    Ok(())
}
