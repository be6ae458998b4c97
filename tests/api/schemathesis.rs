//! Schemathesis, a stranger who reads the schema and sends what it allows.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::support::{
    server::{Folder, Server},
    skipped,
};

/// Python with the packages of `tests/schemathesis`; `None` where there is no Python.
fn python(arguments: &[&str]) -> Option<Output> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    let wanted = std::fs::read_to_string(folder.join("requirements.txt")).unwrap();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let (python, installed) = (home.join("bin/python"), home.join("installed"));
    if std::fs::read_to_string(&installed).unwrap_or_default() != wanted {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&home).output().ok()?;
        if !made.status.success() {
            return None;
        }
        let packages = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        let packages =
            Command::new(&python).args(packages).arg(folder.join("requirements.txt")).output();
        let packages = packages.unwrap();
        assert!(packages.status.success(), "{packages:?}");
        std::fs::write(installed, wanted).unwrap();
    }
    let run = Command::new(python).arg(folder.join("run.py")).args(arguments).output();
    Some(run.unwrap())
}

#[test]
fn schemathesis_finds_nothing() {
    let folder = Folder::new();
    let server = Server::start(&[
        "serve",
        "--demo",
        "--data-dir",
        folder.0.to_str().unwrap(),
        "--limit-sign-ins",
        "1000000",
        "--limit-anonymous",
        "1000000",
        "--limit-points",
        "100000000",
    ]);
    let url = format!("http://{}/graphql", server.address);
    let (examples, seconds) = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ("200", "3600"),
        None => ("6", "45"),
    };
    let Some(output) = python(&[&url, examples, seconds]) else {
        return skipped("schemathesis", "python3 with venv");
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{told}");
    assert!(output.status.success(), "{told} {}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains(" requests to "), "{told}");
    assert!(server.stop().success());
}
