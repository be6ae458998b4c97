//! What nobody asks for again goes (`kontor.upkeep`).

use std::time::Duration;

use diesel::{
    prelude::*,
    sql_types::{BigInt, Timestamptz},
};
use diesel_async::RunQueryDsl;

use super::Schedule;
use crate::{
    clock::{Clock, Timestamp},
    db::Db,
    error::Result,
};

const EVERY: Duration = Duration::from_hours(1);

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

pub fn upkeep(db: Db, clock: Clock) -> Schedule {
    Schedule::new("upkeep", EVERY, move || once(db.clone(), clock.now()))
}

async fn once(db: Db, now: Timestamp) -> Result<()> {
    let conn = db.system().await?;
    let gone: Gone = diesel::sql_query("SELECT u AS rows FROM kontor.upkeep($1) u")
        .bind::<Timestamptz, _>(now)
        .get_result(&mut conn.pg())
        .await?;
    conn.release();
    tracing::info!(rows = gone.rows, "jobs.upkeep.done");
    Ok(())
}
