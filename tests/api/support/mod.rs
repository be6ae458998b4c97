//! A database per test, cloned from a template; the product on it; and people who use it.

pub mod clients;
pub mod edge;
pub mod generate;
pub mod oidc;
pub mod postgres;
pub mod sdl;
pub mod server;
pub mod socket;
pub mod statements;
pub mod tape;

use std::sync::{Arc, Mutex};

use async_graphql::Variables;
use kontor::{
    access::Viewer,
    accounts::{Links, Passwords, RESET, Resets, UserId},
    buckets::Buckets,
    clock::Clock,
    config::Limits,
    db::{Db, Settings},
    graphql::{Answer, Api, Bounds, Call, Following, Next, Opened, Parts, RequestInfo, SignedIn},
    jobs::Worker,
    keys::{Keys, REENCRYPT, Reencryption},
    leads::{Chores, work},
    mail::{MAIL, Mailer},
    sso::Providers,
    tenants::TenantId,
};
use serde_json::{Value as Json, json};

/// What the tests' keys are wrapped under.
pub const SECRET: &str = "a secret for tests only";

/// The product on a database of its own, with the demo in it: acme, and the look-alike globex.
pub struct TestApp {
    pub api: Api,
    pub clock: Clock,
    pub settings: Settings,
    mail: server::Folder,
    links: Links,
    log: statements::Log,
}

/// Somebody who uses the product.
#[derive(Clone)]
pub struct Person<'a> {
    pub app: &'a TestApp,
    pub viewer: Option<Viewer>,
    token: Option<String>,
    pub info: RequestInfo,
    pub tell_cost: bool,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let log = statements::Log::default();
        let mut settings = postgres::database().await;
        let record = log.clone();
        settings.recorder = Some(Arc::new(move |sql: &str| record.record(sql)));
        adjust(&mut settings);
        let clock = Clock::frozen(Clock::system().now());
        let keys = Arc::new(Keys::new(&SECRET.into(), None));
        let db = Db::new(&settings).unwrap();
        let links = Links("https://crm.example".into());
        let (passwords, providers) = (Passwords::new(4), Providers::new(true));
        let (clocked, linked) = (clock.clone(), links.clone());
        // The clock stands still, and no bucket fills again.
        let (points, sign_ins) = (u32::MAX, 10_000);
        let limits = Limits { points, sign_ins, ..Limits::DEFAULT };
        let buckets = Buckets::own(clock.clone());
        let api = Api::new(Parts {
            db,
            clock: clocked,
            keys,
            passwords,
            links: linked,
            providers,
            limits,
            buckets,
        });
        let mail = server::Folder::new();
        Self { api, clock, settings, mail, links, log }
    }

    /// With other bounds of time and size.
    pub fn bound(&mut self, bounds: Bounds) {
        let (db, clock) = (self.api.db().clone(), self.clock.clone());
        let (keys, links) = (self.api.keys().clone(), self.links.clone());
        let (passwords, providers) = (Passwords::new(4), Providers::new(true));
        let (limits, buckets) = (self.api.limits().clone(), self.api.buckets().clone());
        let parts = Parts { db, clock, keys, passwords, links, providers, limits, buckets };
        self.api = Api::bounded(parts, bounds);
    }

    /// As in production: identity providers are on the internet.
    pub fn without_local_providers(mut self) -> Self {
        let (limits, buckets) = (self.api.limits().clone(), self.api.buckets().clone());
        self.api = self.another(Providers::new(false), limits, buckets);
        self
    }

    /// The same with other limits, and buckets of its own.
    pub fn limited(mut self, limits: Limits) -> Self {
        let buckets = Buckets::own(self.clock.clone());
        self.api = self.another(Providers::new(true), limits, buckets);
        self
    }

    /// Another server on the same database.
    pub fn another(&self, providers: Providers, limits: Limits, buckets: Buckets) -> Api {
        let (db, clock) = (self.api.db().clone(), self.clock.clone());
        let (keys, links) = (self.api.keys().clone(), self.links.clone());
        let passwords = Passwords::new(4);
        Api::new(Parts { db, clock, keys, passwords, links, providers, limits, buckets })
    }

    pub fn anonymous(&self) -> Person<'_> {
        self.person(None)
    }

    /// Signs in as a person of the demo, such as `rep@acme.test`.
    pub async fn sign_in(&self, email: &str) -> Person<'_> {
        let token = self.token(email).await;
        self.bearer(&token).await.expect("a good token")
    }

    /// An access token of a person of the demo.
    pub async fn token(&self, email: &str) -> String {
        let query = "mutation($email: String!) { signIn(input: { email: $email, password: \"kontor-demo\" }) { accessToken userErrors { message } } }";
        let answer = self.anonymous().run(query, json!({ "email": email })).await;
        answer["data"]["signIn"]["accessToken"].as_str().expect("signed in").to_owned()
    }

    /// Gives a person of the demo a second factor: its seed, and the recovery codes.
    pub async fn enrol(&self, email: &str) -> (String, Vec<String>) {
        let person = self.sign_in(email).await;
        let begin = "mutation { totpEnrol(password: \"kontor-demo\") { secret } }";
        let begun = person.data(begin, Json::Null).await;
        let seed = begun["totpEnrol"]["secret"].as_str().unwrap().to_owned();
        let confirm = "mutation($c: String!) { totpConfirm(code: $c) { recoveryCodes userErrors { message } } }";
        let answer = person.data(confirm, json!({ "c": self.code(&seed) })).await;
        let codes = answer["totpConfirm"]["recoveryCodes"].as_array();
        let codes = codes.unwrap_or_else(|| panic!("{answer}")).iter();
        (seed, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
    }

    /// What an authenticator with this seed shows now.
    pub fn code(&self, seed: &str) -> String {
        let secret = totp_rs::Secret::try_from_base32(seed).unwrap();
        let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        totp.generate(self.clock.now().unix_seconds().try_into().unwrap()).to_string()
    }

    /// Lets what is written after the answers be written.
    pub async fn settle(&self) {
        self.api.later().drain(self.api.db(), &self.clock).await;
        self.api.registry().flush(self.api.db(), &self.clock).await;
    }

    /// A worker as the server has one.
    pub fn worker(&self) -> Worker {
        let (db, clock) = (self.api.db().clone(), self.clock.clone());
        let mailer = Mailer::folder(self.mail.0.clone(), clock.clone());
        let keys = self.api.keys().clone();
        let anew = Reencryption { db: db.clone(), clock: clock.clone(), keys };
        let resets = Resets { db: db.clone(), clock: clock.clone(), links: self.links.clone() };
        let chores = Chores { db: db.clone(), clock: clock.clone() };
        let (scorer, ageing) = (chores.clone(), chores.clone().ageing());
        Worker::new(db, clock)
            .every(ageing)
            .on(work::WAKE, move |work| chores.clone().wake(work))
            .on(work::RESCORE, move |work| scorer.clone().rescore(work))
            .on(MAIL, move |work| mailer.clone().deliver(work))
            .on(REENCRYPT, move |work| anew.clone().run(work))
            .on(RESET, move |work| resets.clone().send(work))
    }

    /// Lets everything that is due be done; the mails that were sent until now, in order.
    pub async fn mails(&self) -> Vec<String> {
        let worker = self.worker();
        while worker.round().await.unwrap() > 0 {}
        let files = std::fs::read_dir(&self.mail.0).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// Whoever stands behind an access token; nobody if it is no good.
    pub async fn bearer(&self, token: &str) -> Option<Person<'_>> {
        self.bearer_from(token, None).await
    }

    /// The same, from an address.
    pub async fn bearer_from(&self, token: &str, address: Option<&str>) -> Option<Person<'_>> {
        let address = address.map(|address| address.parse().unwrap());
        match self.api.signed_in(token, address).await.unwrap() {
            SignedIn::As(viewer) => {
                Some(Person { token: Some(token.to_owned()), ..self.person(Some(viewer)) })
            }
            _ => None,
        }
    }

    pub fn as_viewer(&self, viewer: Viewer) -> Person<'_> {
        self.person(Some(viewer))
    }

    fn person(&self, viewer: Option<Viewer>) -> Person<'_> {
        let info = RequestInfo { id: "test".into(), ..RequestInfo::default() };
        Person { app: self, viewer, token: None, info, tell_cost: false }
    }

    /// One column of what a statement gives, asked past everything as the database's superuser.
    pub async fn sql(&self, statement: &str) -> Vec<String> {
        // Names are shown in full.
        let statement = format!("SET search_path = pg_catalog; {statement}");
        postgres::ask(&self.settings.owner_url, &statement).await
    }
}

impl Person<'_> {
    pub fn user(&self) -> UserId {
        self.viewer.as_ref().unwrap().person().unwrap()
    }

    pub fn tenant(&self) -> TenantId {
        self.viewer.as_ref().unwrap().tenant
    }

    pub fn viewer(&self) -> Viewer {
        self.viewer.clone().unwrap()
    }

    /// The same person with an Idempotency-Key.
    pub fn with_key(&self, key: &str) -> Self {
        let mut person = self.clone();
        person.info.idempotency_key = Some(key.into());
        person
    }

    /// The same person, from this address.
    pub fn coming_from(&self, address: &str) -> Self {
        let mut person = self.clone();
        person.info.caller.address = Some(address.parse().unwrap());
        person
    }

    /// The same person, only trying.
    pub fn dry_run(&self) -> Self {
        let mut person = self.clone();
        person.info.dry_run = true;
        person
    }

    pub async fn run(&self, query: &str, variables: Json) -> Json {
        serde_json::from_slice(&self.answer(query, variables).await.body).unwrap()
    }

    /// `data` of a request that went well.
    pub async fn data(&self, query: &str, variables: Json) -> Json {
        let answer = self.run(query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// Runs one operation; of a subscription as far as its first answer. Whatever SQL it caused is
    /// checked: the tenant's predicate on every table, and no more statements than the operation has
    /// edges.
    pub async fn answer(&self, query: &str, variables: Json) -> Answer {
        let watch = self.app.log.begin();
        let answer = match self.open(query, variables).await {
            Opened::Answered(answer) => answer,
            // Only what is replayed comes at once; somebody made up has no token to look at again.
            Opened::Following(mut following)
                if self.token.is_some() && query.contains("after: \"0\"") =>
            {
                match following.next().await {
                    Next::Answer(answer) => answer,
                    _ => panic!("{query} told nothing"),
                }
            }
            Opened::Following(_) => {
                Answer { body: b"{\"data\":{}}".into(), executed: true, ..Answer::default() }
            }
        };
        watch.check(query);
        answer
    }

    /// Begins to follow.
    pub async fn follow(&self, query: &str, variables: Json) -> Box<Following> {
        match self.open(query, variables).await {
            Opened::Following(following) => following,
            Opened::Answered(answer) => panic!("{}", String::from_utf8_lossy(&answer.body)),
        }
    }

    async fn open(&self, query: &str, variables: Json) -> Opened {
        let token = self.token.clone().unwrap_or_default();
        self.app.api.open(self.call(query, variables), Some(token.into())).await
    }

    /// One operation, for whichever server.
    pub fn call(&self, query: &str, variables: Json) -> Call {
        let mut info = self.info.clone();
        let body = json!([query, variables]).to_string();
        info.body_hash = <sha2::Sha256 as sha2::Digest>::digest(body).into();
        let signed_in = self.viewer.clone().map_or(SignedIn::Anonymous, SignedIn::As);
        Call {
            query: query.into(),
            named: None,
            operation_name: None,
            variables: Variables::from_json(variables),
            signed_in,
            info,
            may_mutate: true,
            may_follow: true,
            tell_cost: self.tell_cost,
        }
    }
}

/// Ids and moments differ from run to run; what kind of thing stands there does not.
pub fn redacted(mut json: Json) -> Json {
    fn walk(json: &mut Json) {
        match json {
            Json::String(text) => {
                if let Some(id) = kontor::ids::RawId::parse(text) {
                    *text = format!("{}_…", id.prefix);
                } else if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
                    *text = "(moment)".into();
                }
            }
            Json::Array(items) => items.iter_mut().for_each(walk),
            Json::Object(fields) => fields.values_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut json);
    json
}

/// A test's database, for a server of its own.
pub fn secret_url(app: &TestApp) -> String {
    secrecy::ExposeSecret::expose_secret(&app.settings.url).to_owned()
}

/// The code of the only user error of a payload.
pub fn refusal(payload: &Json) -> (&str, Vec<&str>) {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{payload}"));
    assert_eq!(errors.len(), 1, "{payload}");
    let field = errors[0]["field"].as_array().map(Vec::as_slice).unwrap_or_default();
    (errors[0]["code"].as_str().unwrap(), field.iter().filter_map(Json::as_str).collect())
}

/// A committed file that the code writes: compared, or written anew with `UPDATE=1`.
pub fn compare_file(name: &str, now: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != now {
        let differs = now.lines().zip(committed.lines()).find(|(now, then)| now != then);
        panic!(
            "{name} is not what the code says (run `make schema`); first difference: {differs:?}"
        );
    }
}

/// What every test of a mutex wants.
pub fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A test that cannot run here says so; on the machine that decides (CI=true) it fails instead.
pub fn skipped(test: &str, missing: &str) {
    assert!(std::env::var_os("CI").is_none(), "{test} needs {missing}");
    eprintln!("SKIPPED {test}: {missing} is missing");
}

/// The token of a mail's link.
pub fn token_of(mail: &str) -> String {
    let token = mail.split("token=").nth(1).unwrap_or_else(|| panic!("{mail}"));
    token.split_whitespace().next().unwrap().to_owned()
}

/// Bytes as PostgreSQL shows them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
