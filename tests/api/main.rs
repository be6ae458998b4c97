//! The product's behaviour, through GraphQL, and the tests that walk everything.

mod support;

mod access;
mod architecture;
mod companies;
mod drift;
mod faults;
mod isolation;
mod lists;
mod migrations;
mod sign_in;
mod snapshots;
mod statements;
mod tables;
mod writes;
