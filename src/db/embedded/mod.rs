//! The database of `make run`: PostgreSQL's own programs, started below the data directory,
//! reachable through a Unix socket in a private folder and nowhere else.

mod place;
mod programs;

use std::{
    fs::{self, File, TryLockError},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use secrecy::SecretString;

use place::Place;
use programs::Programs;

use crate::error::{Error, Result};

const DATABASE: &str = "kontor";
const LOCK: &str = "kontor.lock";
/// What a directory's pid file still blocks after its owner was killed.
const ZOMBIE_PATIENCE: Duration = Duration::from_secs(10);
const START_PATIENCE: Duration = Duration::from_mins(1);

/// How much the data is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// What was acknowledged survives a power cut.
    Full,
    /// A test's: fast, and gone with the process that started it.
    None,
}

/// A running server, stopped by [`Embedded::stop`].
pub struct Embedded {
    place: Place,
    programs: Programs,
    child: Option<Child>,
    _lock: File,
}

/// What the server keeps of the data in memory of its own: a quarter of the machine's, as its manual
/// advises, between 128 MiB and 2 GiB. It is taken when it is needed.
fn cache_megabytes() -> u64 {
    let known = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = known.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or(256, |kilobytes| (kilobytes / 1024 / 4).clamp(128, 2048))
}

impl Embedded {
    /// Starts the server in `folder`, or takes over one that a killed Kontor left running there.
    /// `tell` hears of steps that take long.
    pub async fn start(
        folder: &Path,
        chosen_programs: Option<&Path>,
        durability: Durability,
        tell: &dyn Fn(&str),
    ) -> Result<Self> {
        let place = Place::prepare(folder, tell)?;
        let lock = lock(&place)?;
        let programs = Programs::find(chosen_programs, &place, tell)?;
        let mut server = Self { place, programs, child: None, _lock: lock };
        server.initialise(tell)?;
        if server.connects().await {
            tell("Taking over the database that an earlier run left running.");
        } else {
            server.launch(durability).await?;
        }
        server.create_database().await?;
        Ok(server)
    }

    /// The database of a Kontor that runs in `folder` right now, if one does.
    pub async fn beside(folder: &Path) -> Result<Option<SecretString>> {
        let place = Place::prepare(folder, &|_| {})?;
        let file = place.own_file(LOCK)?;
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Ok(None);
        }
        let running = url(&place, DATABASE);
        Ok(admin(&running, "SELECT 1").await.is_ok().then_some(running))
    }

    /// Where to connect. The folder of the socket lets nobody else in.
    pub fn url(&self) -> SecretString {
        self.url_of(DATABASE)
    }

    /// The same server, another database.
    pub fn url_of(&self, database: &str) -> SecretString {
        url(&self.place, database)
    }

    /// Where its data is, which may not be where it was asked to be.
    pub fn folder(&self) -> &Path {
        self.place.folder()
    }

    /// Stops it cleanly: what was committed is on the disk.
    pub async fn stop(mut self) -> Result<()> {
        let mut command = self.programs.command("pg_ctl", &self.place);
        command.arg("stop").arg("-D").arg(self.place.cluster()).args(["-m", "fast", "-w", "-s"]);
        let stopped = tokio::process::Command::from(command).status().await;
        let stopped = stopped.map_err(|error| failed("stop the database", &error))?;
        if let Some(mut child) = self.child.take() {
            let waited = tokio::task::spawn_blocking(move || child.wait()).await;
            waited.map_err(Error::internal)?.map_err(|e| failed("stop the database", &e))?;
        }
        if stopped.success() {
            return Ok(());
        }
        Err(Error::internal(format!("The database did not stop; {}", self.log_tail())))
    }

    fn initialise(&self, tell: &dyn Fn(&str)) -> Result<()> {
        let cluster = self.place.cluster();
        let version_file = cluster.join("PG_VERSION");
        if let Ok(made_by) = fs::read_to_string(&version_file) {
            let (made_by, ours) = (made_by.trim(), self.programs.major()?);
            return if made_by == ours {
                Ok(())
            } else {
                Err(Error::internal(format!(
                    "The data in {} was made by PostgreSQL {made_by}, but {} is PostgreSQL {ours}. \
                     Point KONTOR_PG_BIN at the programs of PostgreSQL {made_by}.",
                    cluster.display(),
                    self.programs.folder().display()
                )))
            };
        }
        tell("Creating the database (once, a few seconds) …");
        // Under another name first, so that an interrupted beginning is never taken for a database.
        let fresh = self.place.folder().join("postgres.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|error| failed("clean up", &error))?;
        }
        let mut initdb = self.programs.command("initdb", &self.place);
        initdb.arg("-D").arg(&fresh).args(["-U", "kontor", "-A", "trust", "-E", "UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--data-checksums", "--no-instructions"]);
        let made = initdb.stdout(Stdio::null()).stderr(Stdio::piped()).output();
        let made = made.map_err(|error| failed("run initdb", &error))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr).trim().replace('\n', " ");
            return Err(Error::internal(format!("initdb failed: {said}")));
        }
        fs::rename(&fresh, cluster).map_err(|error| failed("move the new database", &error))
    }

    async fn launch(&mut self, durability: Durability) -> Result<()> {
        let began = Instant::now();
        loop {
            let mut child = self.spawn(durability)?;
            let ended = loop {
                if self.is_ready() && self.connects().await {
                    self.child = Some(child);
                    return Ok(());
                }
                if let Ok(Some(status)) = child.try_wait() {
                    break status;
                }
                if began.elapsed() > START_PATIENCE {
                    let tail = self.log_tail();
                    return Err(Error::internal(format!("The database does not start; {tail}")));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            // A server that was killed a moment ago may still hold its pid file as a zombie.
            if began.elapsed() > ZOMBIE_PATIENCE {
                let tail = self.log_tail();
                return Err(Error::internal(format!("The database ended ({ended}); {tail}")));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    fn spawn(&self, durability: Durability) -> Result<Child> {
        let log = self.place.own_file("postgres.log")?;
        let mut settings = vec![
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={}", self.place.socket_folder().display()),
            "unix_socket_permissions=0700".into(),
            "max_connections=200".into(),
            "jit=off".into(),
            // On a disk without moving parts a page is as near as any other.
            "random_page_cost=1.1".into(),
        ];
        match durability {
            Durability::Full => settings.push(format!("shared_buffers={}MB", cache_megabytes())),
            Durability::None => {
                let fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
                settings.extend(fast.map(str::to_owned));
            }
        }
        let mut command = match durability {
            Durability::Full => self.programs.command("postgres", &self.place),
            // Ends with us, however we end: the shell waits for our end of its input to close.
            Durability::None => {
                let mut shell = self.place.command(Path::new("/bin/sh"));
                let script = "\"$@\" & trap '' INT TERM; read -r _; kill -INT $!; wait";
                shell.args(["-c", script, "sh"]).arg(self.programs.path("postgres"));
                shell.stdin(Stdio::piped());
                shell
            }
        };
        command.arg("-D").arg(self.place.cluster());
        for setting in &settings {
            command.args(["-c", setting]);
        }
        let other_log = log.try_clone().map_err(|error| failed("open the log", &error))?;
        // A group of its own, so that Ctrl-C reaches us first and the database last.
        command.stdout(log).stderr(other_log).process_group(0);
        command.spawn().map_err(|error| failed("start PostgreSQL", &error))
    }

    fn is_ready(&self) -> bool {
        let pid_file = fs::read_to_string(self.place.cluster().join("postmaster.pid"));
        pid_file.is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
    }

    async fn connects(&self) -> bool {
        admin(&self.url_of("postgres"), "SELECT 1").await.is_ok()
    }

    async fn create_database(&self) -> Result<()> {
        match admin(&self.url_of("postgres"), &format!("CREATE DATABASE {DATABASE}")).await {
            Err(error) if error.contains("already exists") => Ok(()),
            Err(error) => Err(Error::internal(format!("The database cannot be made: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    fn log_tail(&self) -> String {
        let log = self.place.folder().join("postgres.log");
        let text = fs::read_to_string(&log).unwrap_or_default();
        let last = text.lines().rev().find(|line| line.contains("FATAL") || line.contains("ERROR"));
        let last = last.or_else(|| text.lines().last()).unwrap_or("it said nothing").trim();
        format!("its log {} ends: {last}", log.display())
    }
}

fn url(place: &Place, database: &str) -> SecretString {
    let socket = place.socket_folder().display();
    format!("host='{socket}' user=kontor dbname={database}").into()
}

/// One statement on a connection of its own.
pub(crate) async fn admin(url: &SecretString, statement: &str) -> Result<(), String> {
    use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
    use secrecy::ExposeSecret;
    let conn = AsyncPgConnection::establish(url.expose_secret()).await;
    let mut conn = conn.map_err(|error| error.to_string())?;
    conn.batch_execute(statement).await.map_err(|error| error.to_string())
}

fn lock(place: &Place) -> Result<File> {
    let lock = place.own_file(LOCK)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::internal(format!(
            "Another Kontor is using {}. Stop it, or choose another directory with --data-dir.",
            place.folder().display()
        ))),
        Err(TryLockError::Error(error)) => Err(failed("lock the data directory", &error)),
    }
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    Error::internal(format!("Cannot {what}: {error}."))
}

/// The folder, absolute, for messages and comparisons.
fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}
