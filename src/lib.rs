//! Kontor: the CRM back end that a company runs itself and builds on.
//!
//! The map, in reading order:
//!
//! * platform, which knows no area: [`config`], [`error`], [`ids`], [`clock`], [`money`], [`words`], [`db`]
//!   (connections bound to a tenant), [`access`] (who may do what), [`keys`] (what is signed and
//!   encrypted with), [`buckets`] (how much one may ask), [`feed`] (the log of
//!   changes), [`graphql`] (the doors, lists, filters), [`jobs`] and [`mail`] (work to be done later), [`http`] (the edge), [`measure`] and
//!   [`telemetry`] (what it says about itself);
//! * areas, each a slice from table to schema: [`tenants`], [`accounts`], [`companies`],
//!   [`contacts`], [`leads`], [`deals`], [`activities`], [`timeline`] (all that happened with one
//!   record), [`territories`], [`tags`], [`search`], [`handover`], [`views`] (saved filters), [`audit`],
//!   [`sso`], [`documents`];
//! * [`commands`]: what the program can be told to do.
//!
//! Architecture Invariants, held by `tests/api/architecture.rs`:
//!
//! * `http → graphql → areas → platform`; platform never knows an area, but for the two files
//!   that close the schema (`graphql/schema.rs`, `graphql/node.rs`) and the ids that every
//!   connection carries (`TenantId`, `UserId`).
//! * A connection comes through one of three doors, each naming a permission.
//! * diesel is spoken in `model.rs`, `db` and value types; async-graphql in `gql.rs`, `graphql`,
//!   `http` and value types.
//! * The environment is read in `config`, the time in `clock`, ids are made in `ids`.

#![recursion_limit = "1024"]

pub mod access;
pub mod accounts;
pub mod activities;
pub mod audit;
pub mod buckets;
pub mod clock;
pub mod commands;
pub mod companies;
pub mod config;
pub mod contacts;
pub mod db;
pub mod deals;
pub mod documents;
pub mod error;
pub mod feed;
pub mod graphql;
pub mod handover;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod keys;
pub mod leads;
pub mod mail;
pub mod measure;
pub mod money;
pub mod schema;
pub mod search;
pub mod sso;
pub mod tags;
pub mod telemetry;
pub mod tenants;
pub mod territories;
pub mod timeline;
pub mod views;
pub mod words;
