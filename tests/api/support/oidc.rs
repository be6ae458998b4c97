//! A small identity provider on this machine, which can be told to misbehave.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose};
use futures_util::stream;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openidconnect::url::{Url, form_urlencoded};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::{Person, TestApp, locked};

pub const CLIENT: &str = "kontor at acme";
pub const CLIENT_SECRET: &str = "s3cret: of the client";

/// P-256, made for these tests and known to everybody.
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/cCpUt5ZNl7Zc1ou0S6EvrDGtrL3g9iOVkY8sButCoOhRANCAAQCn2cqepTK4VQF+6QjogLIvk2zHcs78K2UViwT2YoU8fcnPPZla1deGtWzaErvGTqPO+598A53QJS1Kzky07KX";
const PUBLIC: (&str, &str) =
    ("Ap9nKnqUyuFUBfukI6ICyL5Nsx3LO_CtlFYsE9mKFPE", "9yc89mVrV14a1bNoSu8ZOo877n3wDndAlLUrOTLTspc");
const OTHER_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgp5rhwqWBYlAlvyoXJgz9OcCK/On6BAAt6HkPTMmVFhehRANCAATZFr8pCue1VXN5Cg7d7TbTeZgS3RB8FSq5lYfpWDlwLyflFwodCo/TJ1a3WQCbvXL/OLaU408u6FU2RXsvBEB7";
const OTHER_PUBLIC: (&str, &str) =
    ("2Ra_KQrntVVzeQoO3e0203mYEt0QfBUquZWH6Vg5cC8", "J-UXCh0Kj9MnVrdZAJu9cv84tpTjTy7oVTZFey8EQHs");

/// How a page is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Good,
    Garbage,
    /// Sends on to a page that would answer well.
    Redirect,
    /// More and more.
    Endless,
    /// Well, after 256 KiB of nothing.
    Long,
    /// Never a word.
    Silent,
    Broken,
}

/// What is done to a good answer.
pub type Fault = fn(&mut Json);

/// What it does wrong.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// How the page of this path is answered.
    pub page: Option<(&'static str, Manner)>,
    /// What is done to the ID token's claims.
    pub claims: Option<Fault>,
    /// What is done to the description of itself.
    pub description: Option<Fault>,
    /// Tokens are signed with a key that is not the published one.
    pub other_key: bool,
    /// Tokens are signed with the client's own secret.
    pub own_secret: bool,
    /// A new key is published, and signs.
    pub new_key: bool,
}

struct Grant {
    nonce: String,
    challenge: String,
    redirect: String,
    person: Json,
}

#[derive(Default)]
struct Inner {
    issuer: String,
    faults: Faults,
    grants: HashMap<String, Grant>,
    codes: u32,
    asked: Vec<String>,
}

pub struct Oidc {
    pub issuer: String,
    inner: Arc<Mutex<Inner>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Oidc {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Oidc {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner { issuer: issuer.clone(), ..Inner::default() };
        let inner = Arc::new(Mutex::new(inner));
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, inner, serving }
    }

    pub fn faults(&self, faults: Faults) {
        locked(&self.inner).faults = faults;
    }

    /// Nobody listens any more.
    pub async fn stop(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }

    /// The paths that were asked for since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.inner).asked)
    }

    /// What browser and person do: sign in at the address, and come back with state and code.
    pub fn authorize(&self, url: &str, person: Json) -> Json {
        let url = Url::parse(url).unwrap();
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(url.path(), "/authorize");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].starts_with("openid email profile"), "{asked:?}");
        let mut inner = locked(&self.inner);
        inner.codes += 1;
        let code = format!("code {}", inner.codes);
        let grant = Grant {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect: asked["redirect_uri"].clone(),
            person,
        };
        inner.grants.insert(code.clone(), grant);
        json!({ "state": asked["state"], "code": code })
    }

    /// Registers it in a person's tenant: sales are REP, leads MANAGER.
    pub async fn register(&self, owner: &Person<'_>, more: Json) -> Json {
        let mut input = json!({
            "name": "Acme Login", "issuer": self.issuer, "clientId": CLIENT, "clientSecret": CLIENT_SECRET,
            "rolesClaim": "groups", "roleMappings": [
                { "claim": "sales", "roleIds": [kontor::access::BuiltInRole::Rep.id().to_string()] },
                { "claim": "leads", "roleIds": [kontor::access::BuiltInRole::Manager.id().to_string()] },
            ],
        });
        merge(&mut input, more);
        let create = "mutation($input: SsoProviderCreateInput!) { ssoProviderCreate(input: $input) { provider { id version } userErrors { code field message } } }";
        owner.data(create, json!({ "input": input })).await["ssoProviderCreate"].clone()
    }
}

pub fn merge(into: &mut Json, more: Json) {
    for (key, value) in more.as_object().unwrap() {
        into[key] = value.clone();
    }
}

/// Somebody in the group sales.
pub fn ada() -> Json {
    json!({ "sub": "ada-1", "email": "ada@acme.example", "email_verified": true, "name": "Ada Lovelace", "groups": ["sales"] })
}

/// The address where a sign-in begins.
pub async fn begin(app: &TestApp, tenant: &str) -> Json {
    let start = "mutation($tenant: String!) { ssoStart(tenant: $tenant) { url userErrors { code field message } } }";
    app.anonymous().data(start, json!({ "tenant": tenant })).await["ssoStart"].clone()
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let faults = {
        let mut inner = locked(&inner);
        inner.asked.push(path.clone());
        inner.faults
    };
    let well = path.strip_prefix("/well").unwrap_or(&path).to_owned();
    let manner = faults.page.filter(|(page, _)| path == *page).map(|(_, manner)| manner);
    match manner {
        None | Some(Manner::Good | Manner::Long) => {}
        Some(Manner::Garbage) => return "<html>not what you expect</html>".into_response(),
        Some(Manner::Broken) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Manner::Redirect) => {
            let to = format!("/well{path}");
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response();
        }
        Some(Manner::Endless) => {
            let more =
                stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 8192])));
            return Body::from_stream(more).into_response();
        }
        Some(Manner::Silent) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            return StatusCode::OK.into_response();
        }
    }
    let good = match well.as_str() {
        "/.well-known/openid-configuration" => description(&inner).into_response(),
        "/keys" => keys(faults).into_response(),
        "/token" => token(&inner, request).await,
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    if manner != Some(Manner::Long) {
        return good;
    }
    let body = axum::body::to_bytes(good.into_body(), usize::MAX).await.unwrap();
    let long = [vec![b' '; 256 * 1024], body.to_vec()].concat();
    ([(header::CONTENT_TYPE, "application/json")], long).into_response()
}

fn description(inner: &Mutex<Inner>) -> axum::Json<Json> {
    let inner = locked(inner);
    let issuer = &inner.issuer;
    let mut description = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256"],
    });
    if let Some(fault) = inner.faults.description {
        fault(&mut description);
    }
    axum::Json(description)
}

fn keys(faults: Faults) -> axum::Json<Json> {
    let key = |id: &str, (x, y): (&str, &str)| json!({ "kty": "EC", "use": "sig", "alg": "ES256", "kid": id, "crv": "P-256", "x": x, "y": y });
    let mut keys = vec![key("one", PUBLIC)];
    if faults.new_key {
        keys.push(key("two", OTHER_PUBLIC));
    }
    axum::Json(json!({ "keys": keys }))
}

/// A token for a code: once, to the client that asked, with the verifier of its challenge.
async fn token(inner: &Mutex<Inner>, request: Request) -> Response {
    let basic = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = basic.and_then(|basic| basic.strip_prefix("Basic ")).unwrap_or_default();
    let sent = general_purpose::STANDARD.decode(sent).unwrap();
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = format!("{}:{}", encode(CLIENT), encode(CLIENT_SECRET));
    let body = axum::body::to_bytes(request.into_body(), 100_000).await.unwrap();
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let refuse = |error: &str| {
        (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": error }))).into_response()
    };
    if sent != expected.as_bytes() {
        return refuse("invalid_client");
    }
    let mut inner = locked(inner);
    let Some(grant) = inner.grants.remove(&form["code"]) else { return refuse("invalid_grant") };
    let challenge = general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if challenge != grant.challenge || form["redirect_uri"] != grant.redirect {
        return refuse("invalid_grant");
    }
    let now = kontor::clock::Clock::system().now().0.timestamp();
    let mut claims = json!({ "iss": inner.issuer, "aud": CLIENT, "nonce": grant.nonce, "iat": now, "exp": now + 300 });
    merge(&mut claims, grant.person);
    let faults = inner.faults;
    if let Some(fault) = faults.claims {
        fault(&mut claims);
    }
    let (id, key) = match (faults.new_key, faults.other_key) {
        (true, _) => ("two", OTHER_KEY),
        (false, true) => ("one", OTHER_KEY),
        (false, false) => ("one", KEY),
    };
    let key = EncodingKey::from_ec_der(&general_purpose::STANDARD.decode(key).unwrap());
    let header = Header { kid: Some(id.into()), ..Header::new(Algorithm::ES256) };
    let id_token = match faults.own_secret {
        true => {
            let key = EncodingKey::from_secret(CLIENT_SECRET.as_bytes());
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        }
        false => jsonwebtoken::encode(&header, &claims, &key),
    };
    axum::Json(
        json!({ "access_token": "unused", "token_type": "Bearer", "id_token": id_token.unwrap() }),
    )
    .into_response()
}
