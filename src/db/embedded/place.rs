//! Where the embedded database lives, and as whom. PostgreSQL refuses to run as root, so root
//! hands it to an unprivileged user, who must be able to reach the folder.

use std::{
    collections::hash_map::DefaultHasher,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{Hash, Hasher},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use super::{absolute, failed};
use crate::error::{Error, Result};

/// A Unix socket's path has room for this many bytes.
const SOCKET_PATH_LIMIT: usize = 107;
const SOCKET_FILE: &str = "/.s.PGSQL.5432.lock";

/// The unprivileged user that root hands the database to.
#[derive(Clone, Copy, Debug)]
struct Unprivileged {
    uid: u32,
    gid: u32,
}

#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    cluster: PathBuf,
    socket: PathBuf,
    runs_as: Option<Unprivileged>,
}

impl Place {
    pub fn prepare(wanted: &Path, tell: &dyn Fn(&str)) -> Result<Self> {
        let wanted = absolute(wanted);
        let runs_as = match rustix::process::geteuid().is_root() {
            false => None,
            true => Some(unprivileged()?),
        };
        let folder = match runs_as {
            Some(user) if !reachable(&wanted, user) => {
                let other = PathBuf::from(format!("/var/lib/kontor/{}", short_hash(&wanted)));
                tell(&format!(
                    "{} cannot be reached by the user that the database runs as; its data is in {}.",
                    wanted.display(),
                    other.display()
                ));
                other
            }
            _ => wanted,
        };
        let named = folder.display().to_string();
        let unusable = |error: &std::io::Error| {
            Error::internal(format!(
                "The data directory {named} cannot be used: {error}. Choose another one with --data-dir."
            ))
        };
        fs::create_dir_all(&folder).map_err(|error| unusable(&error))?;
        if let Some(user) = runs_as {
            chown(&folder, Some(user.uid), Some(user.gid)).map_err(|error| unusable(&error))?;
        }
        let mut socket = folder.join("socket");
        if socket.as_os_str().len() + SOCKET_FILE.len() > SOCKET_PATH_LIMIT {
            socket = std::env::temp_dir().join(format!("kontor-{}", short_hash(&folder)));
        }
        let place = Self { cluster: folder.join("postgres"), folder, socket, runs_as };
        place.private_folder(&place.socket).map_err(|error| unusable(&error))?;
        Ok(place)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn cluster(&self) -> &Path {
        &self.cluster
    }

    pub fn socket_folder(&self) -> &Path {
        &self.socket
    }

    /// A command that runs as the database's user, in its folder.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(user) = self.runs_as {
            command.uid(user.uid).gid(user.gid);
        }
        command.current_dir(&self.folder).env("LC_ALL", "C.UTF-8");
        command
    }

    /// A file in the folder, open for appending, the database's own.
    pub fn own_file(&self, name: &str) -> Result<File> {
        let path = self.folder.join(name);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|error| failed(&format!("open {}", path.display()), &error))?;
        self.hand_over(&path).map_err(|error| failed("hand over a file", &error))?;
        Ok(file)
    }

    /// Gives what root has made to the database's user.
    pub fn hand_over(&self, path: &Path) -> std::io::Result<()> {
        match self.runs_as {
            Some(user) => chown(path, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    }

    fn private_folder(&self, path: &Path) -> std::io::Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.hand_over(path)?;
        // Somebody else's folder of that name would let somebody else in.
        let owner = self.runs_as.map_or_else(|| rustix::process::geteuid().as_raw(), |u| u.uid);
        let found = fs::symlink_metadata(path)?;
        if !found.is_dir() || found.uid() != owner || found.mode() & 0o077 != 0 {
            return Err(std::io::Error::other(format!("{} is not private", path.display())));
        }
        Ok(())
    }
}

/// `postgres` where the system has it, else `nobody`.
fn unprivileged() -> Result<Unprivileged> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some(Unprivileged { uid: fields.next()?.ok()?, gid: fields.next()?.ok()? })
    };
    find("postgres").or_else(|| find("nobody")).ok_or_else(|| {
        Error::internal(
            "PostgreSQL does not run as root and there is no user postgres or nobody. \
             Run Kontor as an ordinary user, or set DATABASE_URL.",
        )
    })
}

/// May `user` pass through every folder on the way?
fn reachable(folder: &Path, user: Unprivileged) -> bool {
    let passes = |folder: &Path| match fs::metadata(folder) {
        Err(_) => true, // not there yet: it will be made for the user
        Ok(found) => {
            let bit = match (found.uid() == user.uid, found.gid() == user.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            found.mode() & bit != 0
        }
    };
    folder.ancestors().skip(1).all(passes)
}

fn short_hash(path: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
