//! What the program can be told to do. Each command ends well, or with one sentence.
#![expect(clippy::print_stdout, reason = "a command talks to the person who gave it")]

mod audit;
mod doctor;
mod documents;
mod keys;
mod owner;
mod seed;
mod serve;
mod surroundings;

pub use seed::{DEMO_PASSWORD, Seeding, demo, seed_demo, seed_people, seed_scale};

use crate::{
    clock::Clock,
    config::{Cli, Command, Config, Migrate, User},
    db::{Embedded, Inspection, MigrationState, Migrator, Settings, inspect},
    error::{Error, Result},
    graphql, telemetry,
};

/// Does what the command line says.
pub async fn run(cli: Cli) -> Result<()> {
    let Cli { config, command } = cli;
    if !matches!(command, Command::Doctor | Command::Schema) {
        config.check()?;
    }
    let log = telemetry::init(&config.log, config.log_format)?;
    match command {
        Command::Serve(args) => serve::serve(&config, args, &log).await,
        Command::Schema => {
            print!("{}", graphql::sdl());
            Ok(())
        }
        Command::Migrate(what) => with_database(&config, async |db| migrate(db, what).await).await,
        Command::Seed(what) => {
            with_database(&config, async |db| seed::command(&config, db, what).await).await
        }
        Command::User(User::CreateOwner(owner)) => {
            with_database(&config, async |db| owner::create(&config, db, owner).await).await
        }
        Command::Audit(what) => {
            with_database(&config, async |db| audit::command(&config, db, what).await).await
        }
        Command::Keys(what) => {
            with_database(&config, async |db| keys::command(&config, db, what).await).await
        }
        Command::Documents(what) => {
            with_database(&config, async |db| documents::command(&config, db, what).await).await
        }
        Command::Doctor => doctor::examine(&config).await,
    }
}

/// A sentence for the person at the terminal.
pub fn sentence(error: &Error) -> String {
    match error {
        Error::Internal(source) => source.to_string(),
        Error::Unavailable(source) => format!("The database cannot be reached: {source}."),
        other => other.to_string(),
    }
}

fn tell(text: &str) {
    println!("{text}");
}

/// The database that was named, or the one of our own: a running server's, or started for as long
/// as `work` lasts.
async fn with_database(
    config: &Config,
    work: impl AsyncFnOnce(&Settings) -> Result<()>,
) -> Result<()> {
    match &config.database_url {
        Some(url) => work(&config.settings(url.clone())).await,
        None => {
            if let Some(running) = Embedded::beside(&config.data).await? {
                return work(&config.settings(running)).await;
            }
            let own = start_own(config).await?;
            let done = work(&config.settings(own.url())).await;
            own.stop().await?;
            done
        }
    }
}

async fn start_own(config: &Config) -> Result<Embedded> {
    let durability = crate::db::Durability::Full;
    Embedded::start(&config.data, config.pg_bin.as_deref(), durability, &tell).await
}

async fn migrate(settings: &Settings, what: Migrate) -> Result<()> {
    match what {
        Migrate::Up => {
            let done = Migrator::open(settings).await?.up(&Clock::system()).await?;
            done.iter().for_each(|version| println!("applied {version}"));
            println!("The schema is up to date.");
        }
        Migrate::Down => match Migrator::open(settings).await?.down().await? {
            Some(version) => println!("took back {version}"),
            None => println!("There is nothing to take back."),
        },
        Migrate::Status => {
            let (_, state) = inspect(settings).await?;
            state.applied.iter().for_each(|version| println!("applied  {version}"));
            state.pending.iter().for_each(|version| println!("missing  {version}"));
            println!("{}", state.complaint().unwrap_or("The schema is up to date.".into()));
        }
    }
    Ok(())
}

/// What the server and the operator's commands insist on.
fn insist(config: &Config, inspection: &Inspection, state: &MigrationState) -> Result<()> {
    if !inspection.can_be_app && !inspection.bypasses_rls {
        return Err(Error::internal(format!(
            "The login {} may not work as kontor_app. Run `kontor migrate up` with \
             DATABASE_OWNER_URL set to a superuser's URL, then GRANT kontor_app TO {0}.",
            inspection.login
        )));
    }
    if let Some(complaint) = state.complaint() {
        return Err(Error::internal(complaint));
    }
    if config.is_production() && inspection.bypasses_rls {
        return Err(Error::internal(format!(
            "Production refuses the login {}, because it could pass row level security by. Let \
             DATABASE_URL sign in as kontor_app.",
            inspection.login
        )));
    }
    Ok(())
}
