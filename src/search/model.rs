use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Double, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::rules::Asked;
use crate::{
    db::{Reach, TenantConn, Whose, WithinReach},
    error::Result,
    tenants::TenantId,
};

/// A kind of record that can be searched.
#[derive(Debug)]
pub struct Searched {
    /// As the schema calls it.
    pub kind: &'static str,
    pub table: &'static str,
    /// Its name, in lower case.
    name: &'static str,
    /// All that is looked into; the migration says the same to the index.
    body: &'static str,
    /// What of it is shown to whoever finds it.
    shown: &'static str,
}

pub const KINDS: [Searched; 5] = [
    Searched {
        kind: "Company",
        table: "companies",
        name: "name_key",
        body: "name || ' ' || coalesce(domain, '') || ' ' || coalesce(city, '') || ' ' || coalesce(industry, '')",
        shown: "concat_ws(' · ', name, domain, city, industry)",
    },
    Searched {
        kind: "Contact",
        table: "contacts",
        name: "lower(concat_ws(' ', first_name, last_name))",
        body: "coalesce(first_name, '') || ' ' || last_name || ' ' || coalesce(email, '') || ' ' || coalesce(title, '')",
        shown: "concat_ws(' · ', concat_ws(' ', first_name, last_name), title, email, phone)",
    },
    Searched {
        kind: "Lead",
        table: "leads",
        name: "name_key",
        body: "name || ' ' || coalesce(organisation, '') || ' ' || coalesce(email, '') || ' ' || coalesce(city, '')",
        shown: "concat_ws(' · ', name, organisation, email, phone, city)",
    },
    Searched { kind: "Deal", table: "deals", name: "name_key", body: "name", shown: "name" },
    Searched {
        kind: "Activity",
        table: "activities",
        name: "subject_key",
        body: "subject || ' ' || coalesce(body, '')",
        shown: "concat_ws(' · ', subject, body)",
    },
];

/// What was found: its kind, its id, how well it fits, and the part of it that does.
pub type Hit = (String, Uuid, f64, Option<String>);

/// A kind, whose its records are, and how far its reader sees.
pub type Within = (&'static Searched, Option<&'static Whose>, Reach);

/// The records that fit best, each kind as far as its reader sees it.
pub async fn search<'a>(
    mut conn: &TenantConn,
    kinds: &'a [Within],
    asked: &'a Asked,
    most: i64,
) -> Result<Vec<Hit>> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = conn.tenant();
    let within = |(searched, whose, reach): &'a Within| (*searched, reach.over(tenant, *whose));
    let search = Search { tenant, kinds: kinds.iter().map(within).collect(), asked, most };
    Ok(search.load(&mut conn).await?)
}

/// One statement, whatever is searched. The words are made of what was typed once and for all.
struct Search<'a> {
    tenant: TenantId,
    kinds: Vec<(&'static Searched, WithinReach<'a>)>,
    asked: &'a Asked,
    most: i64,
}

const MARKED: &str = "'StartSel=**, StopSel=**, MaxWords=24, MinWords=12, ShortWord=0'";
/// Of two that fit alike the one of which more was typed, then the newer one.
const BEST: &str = " ORDER BY fit DESC, length, id DESC LIMIT ";

impl QueryFragment<Pg> for Search<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Asked { text, pattern, alike, phone } = self.asked;
        out.push_sql("WITH asked (asked, pattern, alike, number, words) AS MATERIALIZED (SELECT ");
        out.push_bind_param::<Text, _>(text)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(pattern)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(alike)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(phone)?;
        out.push_sql(", kontor.asked_words(");
        out.push_bind_param::<Text, _>(text)?;
        out.push_sql(
            ")) SELECT kind, id, fit, CASE WHEN words IS NULL THEN left(shown, 200) \
             ELSE ts_headline('pg_catalog.simple', shown, words, ",
        );
        out.push_sql(MARKED);
        out.push_sql(") END FROM (");
        for (at, (searched, within)) in self.kinds.iter().enumerate() {
            if at > 0 {
                out.push_sql(" UNION ALL ");
            }
            self.walk_kind(searched, within, &mut out)?;
        }
        out.push_sql(") AS hits CROSS JOIN asked");
        out.push_sql(BEST);
        out.push_bind_param::<BigInt, _>(&self.most)
    }
}

impl Search<'_> {
    fn walk_kind<'b>(
        &'b self,
        searched: &'static Searched,
        within: &'b WithinReach<'_>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let Searched { kind, table, name, body, shown } = *searched;
        let parts = [
            "(SELECT '",
            kind,
            "'::text AS kind, id, kontor.fit(way, ",
            name,
            ", ",
            body,
            ", asked.asked, asked.words) AS fit, length(",
            name,
            ") AS length, ",
            shown,
            " AS shown FROM asked CROSS JOIN LATERAL kontor.found_in_",
            table,
            "(asked.pattern, asked.alike, asked.words, asked.number) JOIN \"kontor\".\"",
            table,
            "\" ON \"kontor\".\"",
            table,
            "\".\"tenant_id\" = ",
        ];
        parts.into_iter().for_each(|part| out.push_sql(part));
        out.push_bind_param::<SqlUuid, _>(&self.tenant)?;
        out.push_sql(" AND id = record AND deleted_at IS NULL AND ");
        within.walk_ast(out.reborrow())?;
        out.push_sql(BEST);
        out.push_bind_param::<BigInt, _>(&self.most)?;
        out.push_sql(")");
        Ok(())
    }
}

impl Query for Search<'_> {
    type SqlType = (Text, SqlUuid, Double, Nullable<Text>);
}

impl QueryId for Search<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
