//! The pages that the server shows, as a browser meets them.

use std::{path::Path, process::Command, sync::Mutex};

use crate::support::{
    locked,
    server::{Folder, Server},
    skipped,
};

const MISSING: &str = "npm, or Node 20.19 or newer,";

/// Makes `playground/dist` what it should be; false where npm is not there, or too old.
fn build() -> bool {
    static BUILDING: Mutex<()> = Mutex::new(());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let _turn = locked(&BUILDING);
    if Command::new("make").arg("--version").output().is_err() {
        return false;
    }
    let made = Command::new("make")
        .args(["--silent", "playground"])
        .current_dir(root)
        // What a `make` around these tests says is not for this one.
        .env_remove("MAKEFLAGS")
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    root.join("playground/dist/index.html").exists()
}

/// Signs in, asks and looks as people do. `CHROMIUM` names a browser that is not Debian's.
#[test]
fn the_playground_works_in_a_browser() {
    let chromium = std::env::var("CHROMIUM").unwrap_or("/usr/bin/chromium".into());
    if !Path::new(&chromium).exists() {
        return skipped("browser", "chromium");
    }
    if !build() {
        return skipped("browser", MISSING);
    }
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let url = format!("http://{}", server.address);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/tests/browser.mjs");
    let tried = Command::new("node")
        .arg(script)
        .args([&url, "--subscription"])
        .env("CHROMIUM", chromium)
        .output();
    let tried = tried.unwrap();
    let told = String::from_utf8_lossy(&tried.stdout).into_owned();
    println!("{told}");
    assert!(tried.status.success(), "{told} {}", String::from_utf8_lossy(&tried.stderr));
    assert!(told.trim_end().ends_with("22 of 22 steps"), "{told}");
    assert!(server.stop().success());
}

#[test]
fn the_playground_is_served_whole() {
    if !build() {
        return skipped("the playground's files", MISSING);
    }
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let server = Server::demo(&folder.0);
    for path in ["/playground", "/playground/"] {
        let page = server.http("GET", path, "", "");
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.headers.contains("content-type: text/html; charset=utf-8"));
        assert!(page.headers.contains("cache-control: no-cache"));
        let host = format!("connect-src 'self' ws://{0} wss://{0};", server.address);
        assert!(page.headers.contains(&host), "{}", page.headers);
        assert!(page.headers.contains("script-src 'self';"), "no script in the page");
        assert!(!page.body.contains("://"), "nothing from elsewhere: {}", page.body);
    }
    let page = server.http("GET", "/playground", "", "").body;
    for (ending, media) in [(".js", "text/javascript"), (".css", "text/css")] {
        let mut quoted = page.split('"');
        let asset = quoted.find(|text| text.starts_with("/playground/") && text.ends_with(ending));
        let asset = server.http("GET", asset.unwrap(), "", "");
        assert_eq!(asset.status, 200);
        assert!(asset.headers.contains(&format!("content-type: {media}")), "{}", asset.headers);
        assert!(asset.headers.contains("cache-control: public, max-age=31536000, immutable"));
    }
    let licenses = server.http("GET", "/playground/licenses.md", "", "");
    assert!(licenses.headers.contains("text/plain") && licenses.body.contains("(MIT)"));
    for path in [
        "/playground/assets/none.js",
        "/playground/index.html",
        "/playground/assets/../../package.json",
        "/playground/assets/%2e%2e/%2e%2e/package.json",
    ] {
        assert_eq!(server.http("GET", path, "", "").status, 404, "{path}");
    }
    assert_eq!(server.http("POST", "/playground", "", "").status, 405);

    let told = server.http("GET", "/playground/server.json", "", "").json();
    let people = told["demo"]["tenants"][1]["people"].as_array().unwrap();
    assert_eq!((people.len(), &people[3]["email"]), (9, &"rep@globex.test".into()));
    assert!(server.stop().success());
    let server = Server::start(&["serve", "--data-dir", data]);
    let told = server.http("GET", "/playground/server.json", "", "").json();
    assert!(told["demo"].is_null(), "what is no demo names nobody: {told}");
    assert!(server.stop().success());
}

#[test]
fn the_welcome_page_is_for_browsers_and_tells_the_state() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let plain = server.http("GET", "/", "Accept: */*\r\n", "");
    assert!(plain.headers.contains("content-type: text/plain") && plain.body.contains("/healthz"));
    let page = server.http("GET", "/", "Accept: text/html,*/*;q=0.8\r\n", "");
    assert!(page.headers.contains("content-type: text/html; charset=utf-8"));
    assert!(page.headers.contains("style-src 'self'") && !page.headers.contains("unsafe"));
    assert!(page.headers.contains("vary: accept"));
    let version = format!("<dd>{}</dd>", env!("CARGO_PKG_VERSION"));
    for words in ["/playground", "/readyz", &version, "good\">reachable", "good\">current"] {
        assert!(page.body.contains(words), "{words} is missing in {}", page.body);
    }
    assert!(!page.body.contains("style=") && !page.body.contains("<script"));
    for (path, media) in [("/kontor.css", "text/css"), ("/kontor.svg", "image/svg+xml")] {
        let file = server.http("GET", path, "", "");
        assert!(file.status == 200 && file.headers.contains(media), "{file:?}");
    }
    assert!(server.stop().success());
}
