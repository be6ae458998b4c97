//! `kontor doctor`: looks at everything that can be wrong around the server, and says what to do.

use super::{Config, sentence, with_database};
use crate::{
    clock::Clock,
    db::{Settings, inspect, probe_trust},
    error::{Error, Result},
};

const OLDEST_MAJOR: u32 = 15;
/// Tokens and timers tolerate this much between our clock and the database's.
const CLOCK_DRIFT: i64 = 5;

/// What was found: the good, the doubtful, the bad.
#[derive(Default)]
struct Findings {
    bad: usize,
}

impl Findings {
    fn good(&self, what: &str) {
        println!("ok    {what}");
    }

    /// Bad in production, worth knowing elsewhere.
    fn doubt(&mut self, config: &Config, what: &str) {
        if config.is_production() {
            self.bad(what);
        } else {
            println!("note  {what}");
        }
    }

    fn bad(&mut self, what: &str) {
        self.bad += 1;
        println!("BAD   {what}");
    }
}

pub(super) async fn examine(config: &Config) -> Result<()> {
    let mut findings = Findings::default();
    findings.good(&format!("Kontor {} ({:?})", env!("CARGO_PKG_VERSION"), config.env));
    match config.check() {
        Ok(()) => findings.good("Settings: complete for this environment."),
        Err(error) => findings.bad(&sentence(&error)),
    }
    if !config.has_own_secret() {
        findings.doubt(
            config,
            "Secret: the development one. Set KONTOR_SECRET to `openssl rand -hex 32`.",
        );
    }
    if config.database_url.is_none() {
        findings.doubt(
            config,
            "Database: one of its own. Set DATABASE_URL for anything that must last.",
        );
    }
    let examined =
        with_database(config, async |settings| database(config, settings, &mut findings).await);
    if let Err(error) = examined.await {
        findings.bad(&sentence(&error));
    }
    match findings.bad {
        0 => Ok(()),
        1 => Err(Error::internal("One thing is to be mended.")),
        n => Err(Error::internal(format!("{n} things are to be mended."))),
    }
}

async fn database(config: &Config, settings: &Settings, findings: &mut Findings) -> Result<()> {
    let (server, state) = inspect(settings).await?;
    let major = server.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_MAJOR => {
            findings.good(&format!("PostgreSQL {}", server.version));
        }
        _ => findings.bad(&format!(
            "PostgreSQL {} is too old: {OLDEST_MAJOR} or newer is needed.",
            server.version
        )),
    }
    match server.extensions.as_str() {
        "btree_gin, pg_trgm" => findings.good("Extensions: btree_gin and pg_trgm."),
        found => findings.bad(&format!(
            "Extensions: btree_gin and pg_trgm are needed, found \"{found}\". Install PostgreSQL's contrib package."
        )),
    }
    match state.complaint() {
        None => findings.good(&format!("Migrations: all {} applied.", state.applied.len())),
        Some(complaint) => findings.bad(&format!("Migrations: {complaint}")),
    }
    let login = &server.login;
    if server.bypasses_rls {
        findings.doubt(config, &format!(
            "Roles: the login {login} could pass row level security by. Let DATABASE_URL sign in as kontor_app."
        ));
    } else if server.can_be_app {
        findings.good(&format!("Roles: the login {login} is bound by row level security."));
    } else {
        findings.bad(&format!(
            "Roles: the login {login} may not work as kontor_app. GRANT kontor_app TO {login}."
        ));
    }
    if probe_trust(&settings.url).await? {
        findings.doubt(
            config,
            "Authentication: the database lets anybody in (trust). Mend its pg_hba.conf.",
        );
    }
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "seconds since 1970"
    )]
    let drift = (server.server_time as i64 - Clock::system().now().unix_seconds()).abs();
    if drift <= CLOCK_DRIFT {
        findings.good("Clock: agrees with the database's.");
    } else {
        findings.bad(&format!("Clock: {drift} s off the database's. Let both follow NTP."));
    }
    Ok(())
}
