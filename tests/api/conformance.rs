//! The server as programs of others meet it: real clients' packages against a real socket.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Mutex,
};

use serde_json::json;

use crate::support::{
    locked,
    server::{Folder, Server},
    skipped,
};

const SOCKET_CASES: usize = 28;
const CLIENT_CASES: usize = 16;

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

/// The protocol of sockets: every close code, limits, and npm's own client.
#[test]
fn sockets_are_as_their_protocol_wants_them() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let url = format!("ws://{}/graphql/ws", server.address);
    let token = server.sign_in("rep@acme.test");
    let Some(output) = node(&["sockets.mjs", &url, &token]) else {
        return skipped("conformance", "npm");
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{told}");
    let all = format!("{SOCKET_CASES} of {SOCKET_CASES} cases of graphql-transport-ws");
    assert!(told.trim_end().ends_with(&all), "{told} {output:?}");
    assert!(server.stop().success());
}

/// Apollo, urql, Relay, graphql-sse and graphql-ws, with a document that is registered.
#[test]
fn real_clients_are_at_home() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("owner@acme.test");
    let url = format!("http://{}", server.address);
    let made = "mutation { apiClientCreate(input: { name: \"Front end\", scopes: [\"company:read\"], mode: OPEN }) { apiClient { id } } }";
    let made = server.ask(Some(&token), made, json!({}));
    let client = &made["data"]["apiClientCreate"]["apiClient"]["id"];
    let register = "mutation($client: ID!, $body: String!) { documentsRegister(clientId: $client, documents: [{ body: $body }]) { documents { documentId } userErrors { message } } }";
    let body = "query Companies {\n  companies(first: 2) {\n    nodes {\n      id\n      name\n      __typename\n    }\n    __typename\n  }\n}";
    let registered = server.ask(Some(&token), register, json!({ "client": client, "body": body }));
    let document = &registered["data"]["documentsRegister"]["documents"][0]["documentId"];
    let document = document.as_str().unwrap_or_else(|| panic!("{made} {registered}"));
    let Some(output) = node(&["clients.mjs", &url, &token, document]) else {
        return skipped("conformance", "npm");
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{told}");
    let all = format!("{CLIENT_CASES} of {CLIENT_CASES} cases of real clients");
    assert!(told.trim_end().ends_with(&all), "{told} {output:?}");
    assert!(server.stop().success());
}
