//! What is asked: by people in documents, and by programs by the ids of documents.

use std::collections::{HashMap, hash_map::Entry};

use kontor::{companies::CompanyId, ids::RawId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    data::{Bench, SignIn},
    http::{Connection, Request, header, post},
};

/// One thing to ask, of both servers.
pub struct Question {
    pub name: &'static str,
    /// On so many connections.
    pub connections: [usize; 3],
    pub ours: Vec<Request>,
    pub bare: Vec<Request>,
}

const SAMPLE: &str = "SELECT c.tenant_id, c.owner_id, c.id, c.industry, md5('admin' || c.tenant_id)::uuid \
    FROM kontor.companies c ORDER BY md5(c.id::text) LIMIT 64";
const W1: &str = "query W1($id: ID!) { company(id: $id) { id name industry city annualRevenue { amount currency } } }";
const W2: &str = "query W2($w: CompanyWhere, $after: String) { companies(first: 50, after: $after, where: $w) { nodes { id name industry city annualRevenue { amount currency } } pageInfo { hasNextPage } } }";
const FIRST: &str = "query($w: CompanyWhere) { companies(first: 100, where: $w) { pageInfo { endCursor } edges { node { id name } } } }";
const PROGRAM: &str = "mutation { apiClientCreate(input: { name: \"Website\", scopes: [\"company:read\"], mode: OPEN }) { apiClient { id } secret userErrors { message } } }";
const REGISTER: &str = "mutation($c: ID!, $d: [DocumentInput!]!) { documentsRegister(clientId: $c, documents: $d) { documents { documentId } userErrors { message } } }";

/// Sixty-four parameter sets of each question.
pub async fn questions(bench: &Bench, ours: &str, bare: &str) -> Vec<Question> {
    let sign_in = SignIn::to(bench).await;
    let rows = sign_in.client.query(SAMPLE, &[]).await.unwrap();
    let mut connection = Connection::open(ours).await;
    let (people, programs) = ([1, 16, 32], [1, 16, 64]);
    let mut questions = [
        ("viewer", people),
        ("W1: a company by id", people),
        ("W2: a page of 50", people),
        ("edge: W1 by its id, GET, 304", programs),
        ("edge: W1 by its id, GET, 200", programs),
        ("edge: W1 by its id, POST", programs),
        ("edge: W1 as text, POST", programs),
    ]
    .map(|(name, connections)| Question {
        name,
        connections,
        ours: Vec::new(),
        bare: Vec::new(),
    });
    let mut keys: HashMap<Uuid, (String, String)> = HashMap::new();
    for row in rows {
        let (tenant, user, id): (Uuid, Uuid, Uuid) = (row.get(0), row.get(1), row.get(2));
        let (industry, admin): (String, Uuid) = (row.get(3), row.get(4));
        let token = sign_in.token(tenant, user).await;
        let ask = |query: &str, variables: Value| {
            post(&token, &json!({ "query": query, "variables": variables }))
        };
        let mut add = |at: usize, ours: Request, bare: &str| {
            let (host, status) = ("Host: bench", 200);
            let bytes = format!("GET {bare} HTTP/1.1\r\n{host}\r\n\r\n").into_bytes();
            questions[at].ours.push(ours);
            questions[at].bare.push(Request { bytes, status });
        };
        add(0, ask("{ viewer { user { email } } }", json!({})), &format!("/user/{tenant}/{user}"));
        let of_company = json!({ "id": CompanyId(id).to_string() });
        let company = format!("/company/{tenant}/{id}");
        add(1, ask(W1, of_company.clone()), &company);
        // A cursor near the middle of the list, where the server itself says.
        let which = json!({ "industry": { "eq": industry } });
        let list = data(&mut connection, &ask(FIRST, json!({ "w": which }))).await;
        let list = &list["companies"];
        let last = &list["edges"].as_array().unwrap().last().unwrap()["node"];
        let place = RawId::parse(last["id"].as_str().unwrap()).unwrap().uuid;
        let place_name = last["name"].as_str().unwrap().to_lowercase().replace(' ', "%20");
        add(
            2,
            ask(W2, json!({ "w": which, "after": list["pageInfo"]["endCursor"] })),
            &format!("/page/{tenant}/{industry}/{place_name}/{place}"),
        );
        let (key, document) = match keys.entry(tenant) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let admin = sign_in.token(tenant, admin).await;
                new.insert(program(&mut connection, &admin).await)
            }
        };
        let by_get = get(key, document, &of_company, None);
        let (head, _) = connection.ask(&by_get).await;
        let known = get(key, document, &of_company, header(head, "etag"));
        add(3, known, &company);
        add(4, by_get, &company);
        add(5, post(key, &json!({ "documentId": document, "variables": of_company })), &company);
        add(6, post(key, &json!({ "query": W1, "variables": of_company })), &company);
    }
    same_answers(&questions, ours, bare).await;
    questions.into()
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

/// Both give the same rows, or the comparison is none.
async fn same_answers(questions: &[Question], ours: &str, bare: &str) {
    let (mut ours, mut bare) = (Connection::open(ours).await, Connection::open(bare).await);
    for question in questions {
        for (a, b) in question.ours.iter().zip(&question.bare) {
            let names = |answer: &str| {
                answer.matches("\"name\"").count() + answer.matches("\"email\"").count()
            };
            let (a, b) = match a.status {
                304 => (0, ours.ask(a).await.1.len()),
                _ => (names(ours.ask(a).await.1), names(bare.ask(b).await.1)),
            };
            assert!(a == b, "{}: {a} rows and {b} rows", question.name);
        }
    }
}

/// With the tag that is known, nothing but that is answered.
fn get(token: &str, document: &str, variables: &Value, tag: Option<&str>) -> Request {
    let (document, variables) = (escaped(document), escaped(&variables.to_string()));
    let known = tag.map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
    let bytes = format!(
        "GET /graphql?documentId={document}&variables={variables} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{known}\r\n"
    );
    Request { bytes: bytes.into_bytes(), status: if tag.is_some() { 304 } else { 200 } }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let escape = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
