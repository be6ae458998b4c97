//! The product's behaviour, through GraphQL, and the tests that walk everything.

#![expect(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test stops where it is surprised, and talks to whoever runs it"
)]

mod support;

mod access;
mod activities;
mod api_clients;
mod architecture;
mod audit;
mod bad_input;
mod browser;
mod buckets;
mod changes;
mod commands;
mod companies;
mod conformance;
mod contacts;
mod deals;
mod deals_moved;
mod deals_worth;
mod depths;
mod documents;
mod documents_outside;
mod documents_used;
mod drift;
mod endurance;
mod explain;
mod factors;
mod faults;
mod fields;
mod followers;
mod fuzz;
mod handover;
mod http;
mod isolation;
mod jobs;
mod joining;
mod keys;
mod leads;
mod leads_becoming;
mod leads_found;
mod leads_sorted;
mod leads_states;
mod leads_worth;
mod limits;
mod lists;
mod load;
mod metrics;
mod migrations;
mod paths;
mod people;
mod pipelines;
mod playground;
mod policy;
mod reach;
mod redis_buckets;
mod schemathesis;
mod seals;
mod search;
mod seed;
mod sign_in;
mod snapshots;
mod sockets;
mod sso;
mod sso_faults;
mod sso_providers;
mod statements;
mod tables;
mod tags;
mod territories;
mod timeline;
mod timeouts;
mod tls;
mod views;
mod writes;
