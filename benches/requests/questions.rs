//! What is asked: by people in documents, and by programs by the ids of documents. W1 to W8 are what
//! other servers are measured with too: as many rows, and as many values.

use std::collections::{HashMap, hash_map::Entry};

use kontor::{companies::CompanyId, ids::RawId, territories::TerritoryId};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    data::{Bench, SignIn},
    http::{Connection, NEW, Request, header, post},
};

/// One thing to ask, of both servers.
pub struct Question {
    pub name: &'static str,
    /// On so many connections.
    pub connections: [usize; 3],
    pub ours: Vec<Request>,
    pub bare: Vec<Request>,
}

/// What may cost at most so many times what the other costs, asked in turns.
pub struct Pair {
    pub name: &'static str,
    pub most: f64,
    pub plain: Vec<Request>,
    pub other: Vec<Request>,
}

/// Companies, each with a manager who asks for it, and what else is needed to ask.
const SAMPLE: &str = "SELECT c.tenant_id, c.id, c.industry, m.user_id, a.user_id AS admin, u.user_id AS rep, t.id AS territory \
    FROM (SELECT * FROM kontor.companies ORDER BY md5(id::text) LIMIT 64) c \
    CROSS JOIN LATERAL (SELECT user_id FROM kontor.memberships WHERE tenant_id = c.tenant_id AND roles = '{MANAGER}' ORDER BY md5(user_id || c.id::text) LIMIT 1) m \
    CROSS JOIN LATERAL (SELECT user_id FROM kontor.memberships WHERE tenant_id = c.tenant_id AND roles = '{REP}' ORDER BY md5(user_id || c.id::text) LIMIT 1) u \
    JOIN kontor.memberships a ON a.tenant_id = c.tenant_id AND a.roles = '{ADMIN}' \
    JOIN kontor.territories t ON t.tenant_id = c.tenant_id AND t.name = 'Key accounts'";
/// Where the list of activities is so deep, the latest on top.
const DEPTH: &str = "SELECT at::text, id FROM kontor.activities WHERE tenant_id = $1 AND deleted_at IS NULL \
    ORDER BY at DESC, id DESC OFFSET $2 LIMIT 1";
/// Tenants whose list is deep enough.
const LARGE: &str = "SELECT m.tenant_id, min(m.user_id::text)::uuid FROM kontor.memberships m WHERE roles = '{MANAGER}' \
    AND 42000 < (SELECT count(*) FROM kontor.activities a WHERE a.tenant_id = m.tenant_id) GROUP BY 1 ORDER BY 1";
const W1: &str =
    "query W1($id: ID!) { company(id: $id) { id name industry city annualRevenue { amount } } }";
const W2: &str = "query W2($w: CompanyWhere, $after: String) { companies(first: 50, after: $after, where: $w) { nodes { id name industry city country employees annualRevenue { amount } updatedAt } pageInfo { hasNextPage } } }";
const W3: &str = "query W3($w: CompanyWhere, $after: String) { companies(first: 20, after: $after, where: $w) { nodes { id name city owner { id name }
    contacts(first: 5) { nodes { id firstName lastName email title } }
    deals(first: 3, where: { stageKind: { eq: OPEN } }, orderBy: [{ field: EXPECTED_CLOSE_ON }]) { nodes { id name forecast amount { amount } expectedCloseOn } } } } }";
const W6: &str = "mutation W6($c: ContactCreateInput!) { contactCreate(input: $c) { contact { id firstName lastName email company { id name } } } }";
const W7: &str = "query W7($f: String!) { companies(first: 20, where: { name: { contains: $f } }) { nodes { id name city industry } } }";
const W8: &str = "query W8($after: String) { activities(first: 50, after: $after, orderBy: [{ field: AT, direction: DESC }]) { nodes { id kind subject dueAt doneAt } } }";
const FIRST: &str = "query($n: Int!, $w: CompanyWhere) { companies(first: $n, where: $w) { pageInfo { endCursor } edges { node { id name } } } }";
const DEEPER: &str = "query($after: String, $n: Int!) { activities(first: $n, after: $after, orderBy: [{ field: AT, direction: DESC }]) { pageInfo { endCursor } } }";
const FURTHER: &str =
    "query($after: String) { contacts(first: 100, after: $after) { pageInfo { endCursor } } }";
const TWENTY: &str = "query($after: String) { activities(first: 20, after: $after, orderBy: [{ field: AT, direction: DESC }]) { nodes { id kind subject dueAt doneAt } pageInfo { hasNextPage } } }";
const CONTACTS: &str = "query($w: ContactWhere, $after: String) { contacts(first: 50, after: $after, where: $w) { nodes { id firstName lastName email title } } }";
const FRAGMENTS: [&str; 16] = [
    "robot", "solar", "harbor", "north", "glass", "summit", "pharm", "energy", "iron", "logist",
    "quartz", "media", "raven", "steel", "travel", "optic",
];
const PROGRAM: &str = "mutation { apiClientCreate(input: { name: \"Website\", scopes: [\"company:read\"], mode: OPEN }) { apiClient { id } secret userErrors { message } } }";
const REGISTER: &str = "mutation($c: ID!, $d: [DocumentInput!]!) { documentsRegister(clientId: $c, documents: $d) { documents { documentId } userErrors { message } } }";

/// Who asks, and for what.
struct Sample {
    tenant: Uuid,
    company: Uuid,
    industry: String,
    admin: Uuid,
    territory: Uuid,
    token: String,
    rep: String,
}

impl Sample {
    async fn of(sign_in: &SignIn, row: &Row) -> Self {
        let tenant = row.get(0);
        Self {
            tenant,
            company: row.get(1),
            industry: row.get(2),
            admin: row.get(4),
            territory: row.get(6),
            token: sign_in.token(tenant, row.get(3)).await,
            rep: sign_in.token(tenant, row.get(5)).await,
        }
    }

    fn ask(&self, query: &str, variables: Value) -> Request {
        ask(&self.token, query, variables)
    }
}

fn ask(token: &str, query: &str, variables: Value) -> Request {
    post(token, &json!({ "query": query, "variables": variables }))
}

fn bare(path: &str) -> Request {
    Request::new(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes(), 200)
}

/// Sixty-four parameter sets of each question.
pub async fn questions(bench: &Bench, ours: &str, floor: &str) -> (Vec<Question>, Vec<Pair>) {
    let sign_in = SignIn::to(bench).await;
    let mut samples = Vec::new();
    for row in sign_in.client.query(SAMPLE, &[]).await.unwrap() {
        samples.push(Sample::of(&sign_in, &row).await);
    }
    let mut connection = Connection::open(ours).await;
    let mut questions = records(&mut connection, &samples).await;
    let (deep, shallow) = activities(&mut connection, &sign_in).await;
    questions.push(deep);
    questions.extend(programs(&mut connection, &sign_in, &samples).await);
    same_answers(&questions, ours, floor).await;
    let industry = |of: &Sample| json!({ "company": { "industry": { "eq": of.industry } } });
    let through =
        samples.iter().map(|of| ask(&of.rep, CONTACTS, json!({ "w": industry(of) }))).collect();
    let plain = plain_pages(&mut connection, &samples).await;
    let name = "a list through a relation and by reach, and the plain list";
    (questions, vec![shallow, Pair { name, most: 2.0, plain, other: through }])
}

/// A page of contacts each, all over the list: a page that everybody asks for is in the processor's
/// caches, as those of the other list are not.
async fn plain_pages(connection: &mut Connection, samples: &[Sample]) -> Vec<Request> {
    let (mut pages, mut places) = (Vec::new(), HashMap::new());
    for of in samples {
        let place: &mut Value = places.entry(of.tenant).or_default();
        pages.push(of.ask(CONTACTS, json!({ "after": place })));
        let further = data(connection, &of.ask(FURTHER, json!({ "after": place }))).await;
        *place = further["contacts"]["pageInfo"]["endCursor"].clone();
    }
    pages
}

/// What people ask about companies and contacts.
async fn records(connection: &mut Connection, samples: &[Sample]) -> Vec<Question> {
    let mut questions = [
        "viewer",
        "W1: a company by id",
        "W2: a page of 50",
        "W3: 20 with owner, contacts, deals",
        "W6: make a contact",
        "W7: by a fragment of the name",
    ]
    .map(|name| Question {
        name,
        connections: [1, 16, 32],
        ours: Vec::new(),
        bare: Vec::new(),
    });
    for (n, of) in samples.iter().enumerate() {
        let Sample { tenant, company, industry, territory, .. } = of;
        let company_id = CompanyId(*company).to_string();
        let mut add = |at: usize, ours: Request, path: String| {
            questions[at].ours.push(ours);
            questions[at].bare.push(bare(&path));
        };
        let user = RawId::parse(&viewer(connection, of).await).unwrap().uuid;
        let query = "{ viewer { user { email } } }";
        add(0, of.ask(query, json!({})), format!("/user/{tenant}/{user}"));
        add(1, of.ask(W1, json!({ "id": company_id })), format!("/company/{tenant}/{company}"));
        let which = json!({ "industry": { "eq": industry } });
        let (after, place) = position(connection, of, &which, 100).await;
        let variables = json!({ "w": which, "after": after });
        add(2, of.ask(W2, variables), format!("/page/{tenant}/{industry}/{place}"));
        let key = TerritoryId(*territory).to_string();
        let which = json!({ "territory": { "id": { "eq": key } } });
        let (after, place) = position(connection, of, &which, 1 + n % 100).await;
        let variables = json!({ "w": which, "after": after });
        add(3, of.ask(W3, variables), format!("/nested/{tenant}/{territory}/{place}"));
        let email = format!("{NEW}example.test");
        let new = json!({ "firstName": "Bench", "lastName": "Contact", "email": email, "title": "Buyer", "companyId": company_id });
        let path = format!("/create/{tenant}/{company}/{email}");
        add(4, of.ask(W6, json!({ "c": new })), path);
        let fragment = FRAGMENTS[n % FRAGMENTS.len()];
        let path = format!("/fragment/{tenant}/{fragment}");
        add(5, of.ask(W7, json!({ "f": fragment })), path);
    }
    questions.into()
}

async fn viewer(connection: &mut Connection, of: &Sample) -> String {
    let seen = data(connection, &of.ask("{ viewer { user { id } } }", json!({}))).await;
    seen["viewer"]["user"]["id"].as_str().unwrap().to_owned()
}

/// Behind the first so many: the server's cursor, and the same for the other.
async fn position(
    connection: &mut Connection,
    of: &Sample,
    which: &Value,
    behind: usize,
) -> (Value, String) {
    let list = data(connection, &of.ask(FIRST, json!({ "n": behind, "w": which }))).await;
    let list = &list["companies"];
    let last = &list["edges"].as_array().unwrap().last().unwrap()["node"];
    let id = RawId::parse(last["id"].as_str().unwrap()).unwrap().uuid;
    let name = last["name"].as_str().unwrap().to_lowercase();
    (list["pageInfo"]["endCursor"].clone(), format!("{}/{id}", escaped(&name)))
}

/// 40,000 rows deep and deeper, walked there by the server's own cursors; and page 2,000 of twenty,
/// beside page 1.
async fn activities(connection: &mut Connection, sign_in: &SignIn) -> (Question, Pair) {
    let (name, connections) = ("W8: 40,000 rows deep", [1, 16, 32]);
    let mut deep = Question { name, connections, ours: Vec::new(), bare: Vec::new() };
    let name = "page 2,000 and page 1";
    let mut pages = Pair { name, most: 1.2, plain: Vec::new(), other: Vec::new() };
    for row in sign_in.client.query(LARGE, &[]).await.unwrap() {
        let (tenant, user): (Uuid, Uuid) = (row.get(0), row.get(1));
        let token = sign_in.token(tenant, user).await;
        let (mut after, mut rows) = (Value::Null, 0_i64);
        while rows < 42_000 {
            let step = if rows == 39_900 { 80 } else { 100 };
            let further = ask(&token, DEEPER, json!({ "after": after, "n": step }));
            after = data(connection, &further).await["activities"]["pageInfo"]["endCursor"].take();
            rows += step;
            if rows == 39_980 {
                pages.plain.push(ask(&token, TWENTY, json!({})));
                pages.other.push(ask(&token, TWENTY, json!({ "after": after })));
            }
            if rows >= 39_980 && deep.ours.len() < 64 {
                let place = sign_in.client.query_one(DEPTH, &[&tenant, &(rows - 1)]).await.unwrap();
                let (at, id): (String, Uuid) = (place.get(0), place.get(1));
                let path = format!("/deep/{tenant}/{}/{id}", escaped(&at));
                deep.ours.push(ask(&token, W8, json!({ "after": after })));
                deep.bare.push(bare(&path));
            }
        }
    }
    (deep, pages)
}

/// One query in each of the ways that there are.
async fn programs(
    connection: &mut Connection,
    sign_in: &SignIn,
    samples: &[Sample],
) -> [Question; 4] {
    let mut questions = [
        "edge: W1 by its id, GET, 304",
        "edge: W1 by its id, GET, 200",
        "edge: W1 by its id, POST",
        "edge: W1 as text, POST",
    ]
    .map(|name| Question {
        name,
        connections: [1, 16, 64],
        ours: Vec::new(),
        bare: Vec::new(),
    });
    let mut keys: HashMap<Uuid, (String, String)> = HashMap::new();
    for of in samples {
        let (key, document) = match keys.entry(of.tenant) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let admin = sign_in.token(of.tenant, of.admin).await;
                new.insert(program(connection, &admin).await)
            }
        };
        let company = json!({ "id": CompanyId(of.company).to_string() });
        let by_get = get(key, document, &company, None);
        let (head, _) = connection.ask(&by_get).await;
        let known = get(key, document, &company, header(head, "etag"));
        let by_id = post(key, &json!({ "documentId": document, "variables": company }));
        let asked = [known, by_get, by_id, ask(key, W1, company)];
        for (question, ours) in questions.iter_mut().zip(asked) {
            question.ours.push(ours);
            question.bare.push(bare(&format!("/company/{}/{}", of.tenant, of.company)));
        }
    }
    questions
}

/// A program and the document that is registered for it: its key, the document's id.
async fn program(connection: &mut Connection, admin: &str) -> (String, String) {
    let made = data(connection, &post(admin, &json!({ "query": PROGRAM }))).await;
    let made = &made["apiClientCreate"];
    let key = made["secret"].as_str().expect("a secret").to_owned();
    let documents = json!({ "c": made["apiClient"]["id"], "d": [{ "body": W1 }] });
    let register = post(admin, &json!({ "query": REGISTER, "variables": documents }));
    let registered = data(connection, &register).await;
    let document = &registered["documentsRegister"]["documents"][0]["documentId"];
    (key, document.as_str().expect("an id").to_owned())
}

async fn data(connection: &mut Connection, request: &Request) -> Value {
    let (_, body) = connection.ask(request).await;
    serde_json::from_str::<Value>(body).unwrap()["data"].take()
}

/// Both give as many values, or the comparison is none.
async fn same_answers(questions: &[Question], ours: &str, floor: &str) {
    let (mut ours, mut floor) = (Connection::open(ours).await, Connection::open(floor).await);
    for question in questions {
        let mut all = 0;
        for (a, b) in question.ours.iter().zip(&question.bare) {
            let (a, b) = match a.status {
                304 => (0, ours.ask(a).await.1.len()),
                _ => (leaves(ours.ask(a).await.1), leaves(floor.ask(b).await.1)),
            };
            assert!(a == b, "{}: {a} values and {b} values", question.name);
            all += a;
        }
        println!("{}: {} values on average", question.name, all / question.ours.len());
    }
}

/// How many values an answer has.
fn leaves(answer: &str) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(of).sum(),
            Value::Object(fields) => fields.values().map(of).sum(),
            _ => 1,
        }
    }
    let answer: Value = serde_json::from_str(answer).unwrap();
    // What it cost is said besides.
    of(answer.get("data").unwrap_or(&answer))
}

/// With the tag that is known, nothing but that is answered.
fn get(token: &str, document: &str, variables: &Value, tag: Option<&str>) -> Request {
    let (document, variables) = (escaped(document), escaped(&variables.to_string()));
    let known = tag.map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
    let bytes = format!(
        "GET /graphql?documentId={document}&variables={variables} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{known}\r\n"
    );
    Request::new(bytes.into_bytes(), if tag.is_some() { 304 } else { 200 })
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let escape = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
