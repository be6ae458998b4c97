//! What the program can be told to do, as its command line says it.

use std::{net::SocketAddr, path::PathBuf};

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use secrecy::SecretString;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API
    Serve(ServeArgs),
    /// Bring the database's schema up to date, or look at it
    #[command(subcommand)]
    Migrate(Migrate),
    /// Fill a database with the demo: two tenants, a person for each role, what they sell and to whom.
    /// With --scale: with tenants of many rows instead
    Seed(Seed),
    /// Print the GraphQL schema
    Schema,
    /// People
    #[command(subcommand)]
    User(User),
    /// What tokens are signed and secrets encrypted with
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The audit trail
    #[command(subcommand)]
    Audit(Audit),
    /// The documents that programs have registered
    #[command(subcommand)]
    Documents(DocumentsCommand),
    /// Check versions, database roles, settings, extensions, secrets and clock; say what to do
    Doctor,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen, for example 0.0.0.0:8080
    #[arg(long, env = "KONTOR_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Migrate first, and fill an empty database with the demo
    #[arg(long, env = "KONTOR_DEMO")]
    pub demo: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Seed {
    /// Tenants of many rows instead of the demo, the same in each run. A tenant that is there stays as
    /// it is. It passes triggers by: the login of the owner's URL must be a superuser
    #[arg(long, value_name = "SIZE")]
    pub scale: Option<Scale>,
    /// The day that it is in these rows, for example 2026-11-21: nothing happened after it. Absent:
    /// today. The same day gives the same ids and values
    #[arg(long, value_name = "DAY", requires = "scale")]
    pub day: Option<NaiveDate>,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// 2 tenants: 500 companies, 2,000 contacts, 1,000 deals, 400 leads, 5,000 activities
    Small,
    /// 5 tenants: 5,000 companies, 20,000 contacts, 10,000 deals, 4,000 leads, 50,000 activities
    Medium,
    /// 10 tenants: 50,000 companies, 200,000 contacts, 100,000 deals, 40,000 leads, 500,000 activities
    Large,
}

#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Apply what is missing
    Up,
    /// Show what is applied and what is missing
    Status,
    /// Take the newest migration back
    Down,
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Make a tenant with its first person, who may do everything there
    CreateOwner(CreateOwner),
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Prove that the trail is what was written down; tell what was changed, removed or inserted
    Verify(Verify),
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Only this tenant's, for example acme
    #[arg(long, value_name = "SLUG")]
    pub tenant: Option<String>,
    /// A head that an earlier run told, for example 42:9f86d081884c7d65: it must be in the chain
    /// still. Goes with --tenant
    #[arg(long, value_name = "HEAD", requires = "tenant")]
    pub head: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum DocumentsCommand {
    /// Register what a build wrote: a manifest of Apollo, Relay or graphql-codegen, all of it or
    /// nothing
    Publish(Publish),
    /// Hold every registered document against a schema; tell which would break, and fail if any would
    Check(CheckDocuments),
}

#[derive(Debug, Args)]
pub struct Publish {
    /// The manifest, for example persisted-query-manifest.json
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The program's name, for example Website
    #[arg(long, value_name = "NAME")]
    pub client: String,
    /// Its tenant's short name, for example acme
    #[arg(long, value_name = "SLUG")]
    pub tenant: String,
}

#[derive(Debug, Args)]
pub struct CheckDocuments {
    /// The schema, for example schema.graphql of the next release. Absent: this program's own
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Only this tenant's, for example acme
    #[arg(long, value_name = "SLUG")]
    pub tenant: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show the keys: their ids, what they are for, since when
    List,
    /// Make a new signing key. Tokens that were signed before stay good until they end
    Rotate(Rotate),
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Rotate {
    /// Make a new data key too; what is kept encrypted is encrypted anew in the background
    #[arg(id = "anew", long = "data")]
    pub data: bool,
    /// Drop the old signing keys now: every access token ends within a minute
    #[arg(long)]
    pub at_once: bool,
}

#[derive(Debug, Args)]
pub struct CreateOwner {
    /// The tenant's short name, for example acme
    #[arg(long, value_name = "SLUG")]
    pub tenant: String,
    /// The tenant's full name, for example "Acme Ltd"
    #[arg(long, value_name = "NAME")]
    pub tenant_name: String,
    /// The currency of its books, for example USD
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    pub currency: String,
    /// Its time zone, for example America/New_York
    #[arg(long, value_name = "ZONE", default_value = "Europe/Berlin")]
    pub time_zone: String,
    /// The person's e-mail address, for example ada@acme.example
    #[arg(long, value_name = "ADDRESS")]
    pub email: String,
    /// The person's name, for example "Ada Lovelace"
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// The person's password, 12 characters or more, for example "four words at random". Absent:
    /// one is made and printed once
    #[arg(long, env = "KONTOR_OWNER_PASSWORD", value_name = "TEXT", hide_env_values = true)]
    pub password: Option<SecretString>,
}
