//! How the queue stands, for `/metrics`. It is looked at now and then, and not when somebody asks:
//! metrics wait for no database.

use std::time::Duration;

use tokio::sync::watch;

use super::queue::standing;
use crate::{clock::Clock, db::Db, error::Result, measure};

const EVERY: Duration = Duration::from_secs(10);

/// Tells it until it is told to stop. Not the worker's to do: a job that takes long holds that up,
/// and is when one wants to know.
pub async fn tell_standing(db: Db, clock: Clock, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = once(&db, &clock).await {
            tracing::debug!(error = ?error, "jobs.standing.unknown");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn once(db: &Db, clock: &Clock) -> Result<()> {
    let conn = db.system().await?;
    let standing = standing(conn.pg(), clock.now()).await;
    conn.release();
    let standing = standing?;
    measure::jobs_queued("due", standing.due);
    measure::jobs_queued("later", standing.later);
    measure::jobs_queued("leased", standing.leased);
    measure::jobs_queued("dead", standing.dead);
    Ok(())
}
