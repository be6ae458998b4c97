//! The real program, as its users start it, and a small HTTP client.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use super::locked;

/// A folder that is gone with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `kontor` with these arguments and nothing of ours in its environment.
pub fn kontor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kontor"));
    for name in ["DATABASE_URL", "DATABASE_OWNER_URL", "KONTOR_ENV", "KONTOR_SECRET", "KONTOR_DATA"]
    {
        command.env_remove(name);
    }
    command.args(arguments).env("KONTOR_BCRYPT_COST", "4");
    command
}

pub fn run(arguments: &[&str]) -> Output {
    kontor(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The one sentence that a command failed with.
pub fn failure(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    let last = said.lines().last().unwrap_or_default();
    last.strip_prefix("kontor: ").unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// A server that listens on a port of its own.
pub struct Server {
    child: Child,
    pub address: String,
    pub said: Arc<Mutex<Vec<String>>>,
    logged: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `kontor serve --demo` in a folder.
    pub fn demo(folder: &Path) -> Self {
        Self::start(&["serve", "--demo", "--data-dir", folder.to_str().unwrap()])
    }

    pub fn start(arguments: &[&str]) -> Self {
        let mut command = kontor(arguments);
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (heard, out) = (said.clone(), BufReader::new(child.stdout.take().unwrap()));
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).for_each(|line| locked(&heard).push(line));
        });
        let logged = Arc::new(Mutex::new(Vec::new()));
        let (kept, log) = (logged.clone(), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || {
            log.lines().map_while(Result::ok).for_each(|line| locked(&kept).push(line));
        });
        let began = Instant::now();
        loop {
            let lines = locked(&said).clone();
            if lines.iter().any(|line| line.starts_with("Stop it")) {
                let api = lines.iter().find(|line| line.contains("API")).unwrap();
                let address = api.split("://").nth(1).unwrap().split('/').next().unwrap();
                return Self { address: address.to_owned(), child, said, logged };
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && began.elapsed() < Duration::from_mins(1), "{lines:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the log says of something, such as `operation`, as soon as it says it.
    pub fn logged(&self, what: &str, is: impl Fn(&Json) -> bool) -> Json {
        let began = Instant::now();
        loop {
            let lines = locked(&self.logged).clone();
            let lines = lines.iter().filter_map(|line| serde_json::from_str::<Json>(line).ok());
            if let Some(line) = lines.into_iter().find(|line| line["message"] == what && is(line)) {
                return line;
            }
            let log = locked(&self.logged).join("\n");
            assert!(began.elapsed() < Duration::from_secs(20), "no {what} in {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All of the log until now.
    pub fn log(&self) -> String {
        locked(&self.logged).join("\n")
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> ExitStatus {
        rustix::process::kill_process(self.pid(), rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn sign_in(&self, email: &str) -> String {
        let query = "mutation($email: String!) { signIn(input: { email: $email, password: \"kontor-demo\" }) { accessToken } }";
        let answer = self.ask(None, query, json!({ "email": email }));
        answer["data"]["signIn"]["accessToken"].as_str().unwrap().to_owned()
    }

    pub fn ask(&self, token: Option<&str>, query: &str, variables: Json) -> Json {
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let body = json!({ "query": query, "variables": variables }).to_string();
        let headers =
            format!("Content-Type: application/json\r\n{}", authorization.unwrap_or_default());
        self.http("POST", "/graphql", &headers, &body).json()
    }

    pub fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        http(&self.address, method, path, headers, body)
    }
}

/// One request on a connection of its own.
pub fn http(address: &str, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}",
    );
    // A server that refuses early may close before it has read all.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    Reply::read(&String::from_utf8_lossy(&answer))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Reply {
    pub fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, headers: head.to_lowercase(), body: body.to_owned() }
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}
