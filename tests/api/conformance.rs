//! The server as programs of others meet it: real clients' packages against a real socket.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Mutex,
};

use crate::support::{
    locked,
    server::{Folder, Server},
    skipped,
};

/// Runs a script of `tests/clients` with its packages; `None` where there is no npm.
fn node(arguments: &[&str]) -> Option<Output> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    Command::new("npm").arg("--version").output().ok()?;
    let turn = locked(&INSTALLING);
    if !folder.join("node_modules").exists() {
        let installed = Command::new("npm").args(["ci", "--silent"]).current_dir(&folder).output();
        let installed = installed.unwrap();
        assert!(installed.status.success(), "{installed:?}");
    }
    drop(turn);
    Some(Command::new("node").args(arguments).current_dir(&folder).output().unwrap())
}

/// All audits of npm's `graphql-http`: what must be, what should be, and what may be.
#[test]
fn graphql_over_http_is_as_its_audits_want_it() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let url = format!("http://{}/graphql", server.address);
    let Some(output) = node(&["audit.mjs", &url]) else {
        return skipped("conformance", "npm");
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{told}");
    assert!(told.trim_end().ends_with("61 of 61 audits"), "{told} {output:?}");
    assert!(server.stop().success());
}
