//! `kontor keys`.

use super::{Config, Settings};
use crate::{
    clock::Clock,
    config::{KeysCommand, Rotate},
    db::{Db, OperatorConn, WriteContext},
    error::Result,
    ids::new_uuid,
    jobs::NO_TENANT,
    keys::{KeyList, Wrapping, enqueue_reencryption, rotate},
};

pub(super) async fn command(config: &Config, settings: &Settings, what: KeysCommand) -> Result<()> {
    let conn = OperatorConn::open(settings).await?;
    match what {
        KeysCommand::List => {
            for (id, purpose, created_at) in KeyList::read(&conn).await? {
                println!("{id}  {purpose:<5}  since {created_at}");
            }
            Ok(())
        }
        KeysCommand::Rotate(how) => turn(config, settings, &conn, how).await,
    }
}

async fn turn(
    config: &Config,
    settings: &Settings,
    conn: &OperatorConn,
    how: Rotate,
) -> Result<()> {
    let clock = Clock::system();
    let wrapping = Wrapping::new(&config.secret(), config.secret_previous.as_ref());
    let turned = async || rotate(conn, &wrapping, &clock, how.data, how.at_once).await;
    let done = conn.transaction(turned).await?;
    if how.data {
        let context = WriteContext { write: new_uuid(&clock), actor: None, request: "keys".into() };
        let tx = Db::new(settings)?.write(NO_TENANT, context).await?;
        // Every server knows the new key by then.
        let known = clock.now().plus(std::time::Duration::from_mins(2));
        enqueue_reencryption(&tx, &clock, known).await?;
        tx.commit().await?;
        println!("What is kept encrypted is encrypted anew by the server, in the background.");
    }
    println!(
        "Made {}; dropped {}; wrapped {} anew.",
        done.made.join(" and "),
        done.dropped,
        done.rewrapped
    );
    println!("Servers that run notice within a minute.");
    Ok(())
}
