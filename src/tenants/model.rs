use diesel::{
    prelude::*,
    sql_types::{Date, Integer, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::TenantId;
use crate::{
    clock::{Day, Timestamp},
    db::{OperatorConn, TenantConn},
    error::Result,
    schema::tenants,
};

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = tenants)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub currency: String,
    pub time_zone: String,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = tenants)]
pub struct NewTenant<'a> {
    pub id: TenantId,
    pub slug: &'a str,
    pub name: &'a str,
    pub currency: &'a str,
    pub time_zone: &'a str,
    pub created_at: Timestamp,
}

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
}

const MOMENT: &str = "SELECT ($1 + make_interval(hours => $3)) AT TIME ZONE t.time_zone AS at \
    FROM kontor.tenants t WHERE t.id = $2";

impl Tenant {
    pub async fn by_slug(mut conn: &AsyncPgConnection, slug: &str) -> Result<Option<Self>> {
        let tenant = Self::query().filter(tenants::slug.eq(slug)).first(&mut conn).await;
        Ok(tenant.optional()?)
    }

    /// For the operator, by short name.
    pub async fn all(conn: &OperatorConn) -> Result<Vec<Self>> {
        Ok(Self::query().order(tenants::slug).load(&mut conn.pg()).await?)
    }

    /// The connection's own; nobody sees another one.
    pub async fn own(mut conn: &TenantConn) -> Result<Self> {
        Ok(Self::query().filter(tenants::id.eq(conn.tenant())).first(&mut conn).await?)
    }

    /// An hour of a day, where the connection's tenant is; it begins with hour 0.
    pub async fn hour(mut conn: &TenantConn, day: Day, hour: i32) -> Result<Timestamp> {
        let moment: Moment = diesel::sql_query(MOMENT)
            .bind::<Date, _>(day)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Integer, _>(hour)
            .get_result(&mut conn)
            .await?;
        Ok(moment.at)
    }

    pub async fn insert(conn: &OperatorConn, new: &NewTenant<'_>) -> Result<()> {
        diesel::insert_into(tenants::table).values(new).execute(&mut conn.pg()).await?;
        Ok(())
    }
}
