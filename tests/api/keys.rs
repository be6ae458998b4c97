//! Keys are replaced without anybody noticing, and what is kept opens in its place only.

use std::{sync::Arc, time::Duration};

use kontor::{
    clock::Clock,
    db::{Db, OperatorConn, TenantConn, WriteContext},
    ids::new_uuid,
    jobs::NO_TENANT,
    keys::{Keys, Place, Rotated, Wrapping, enqueue_reencryption, rotate},
    tenants::TenantId,
};
use secrecy::ExposeSecret;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::support::{
    SECRET, TestApp,
    server::{Folder, Server, run},
};

async fn turned(app: &TestApp, data: bool, at_once: bool) -> Rotated {
    let conn = OperatorConn::open(&app.settings).await.unwrap();
    let wrapping = Wrapping::new(&SECRET.into(), None);
    rotate(&conn, &wrapping, &app.clock, data, at_once).await.unwrap()
}

async fn token(app: &TestApp) -> String {
    let query = "mutation { signIn(input: { email: \"rep@acme.test\", password: \"kontor-demo\" }) { accessToken } }";
    let answer = app.anonymous().data(query, Json::Null).await;
    answer["signIn"]["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_outlives_the_key_that_signs_the_next() {
    let app = TestApp::new().await;
    let before = token(&app).await;
    app.clock.advance(Duration::from_secs(2));
    turned(&app, false, false).await;
    assert!(app.bearer(&before).await.is_some());
    // Another server has read the new key already, and signs with it.
    let keys = Keys::new(&SECRET.into(), None);
    let ring = keys.ring(app.api.db(), &app.clock).await.unwrap();
    let bearer = kontor::accounts::Verified::read(&ring, &app.clock, &before).unwrap().bearer;
    let after = kontor::accounts::Token::issue(&ring, &app.clock, bearer).unwrap().text;
    assert_ne!(before.split('.').next(), after.split('.').next(), "it names another key");
    assert!(app.bearer(&after).await.is_some(), "an unknown key is looked up");
    // Two hours later nothing is left that the old one has signed, and the next turn drops it.
    app.clock.advance(Duration::from_mins(121));
    assert_eq!(turned(&app, false, false).await.dropped, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_key_is_dropped_at_once() {
    let app = TestApp::new().await;
    let before = token(&app).await;
    turned(&app, false, true).await;
    app.clock.advance(Duration::from_mins(1));
    assert!(app.bearer(&before).await.is_none());
    assert!(app.bearer(&token(&app).await).await.is_some());
}

async fn writing(app: &TestApp, tenant: TenantId) -> TenantConn {
    let context = WriteContext { write: new_uuid(&app.clock), actor: None, request: "t".into() };
    app.api.db().write(tenant, context).await.unwrap()
}

async fn recall(app: &TestApp, keys: &Keys, tenant: TenantId, place: Place) -> Result<String, ()> {
    let ring = keys.ring(app.api.db(), &app.clock).await.unwrap();
    let conn = writing(app, tenant).await;
    let found = place.recall(&conn, &ring).await;
    conn.roll_back().await.unwrap();
    found.map(|secret| secret.unwrap().expose_secret().to_owned()).map_err(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_opens_in_its_place_only() {
    let app = TestApp::new().await;
    let tenant = app.sign_in("owner@acme.test").await.tenant();
    let keys = app.api.keys();
    let ring = keys.ring(app.api.db(), &app.clock).await.unwrap();
    let place = |n| Place { kind: "things.secret", row: Uuid::from_u128(n) };
    let conn = writing(&app, tenant).await;
    place(1).keep(&conn, &app.clock, &ring, &"first".into()).await.unwrap();
    place(2).keep(&conn, &app.clock, &ring, &"second".into()).await.unwrap();
    place(1).keep(&conn, &app.clock, &ring, &"anew".into()).await.unwrap();
    conn.commit().await.unwrap();
    assert_eq!(recall(&app, keys, tenant, place(1)).await.unwrap(), "anew");
    let kept = "SELECT sealed::text FROM kontor.secrets UNION SELECT new::text FROM kontor.audit_log WHERE table_name = 'secrets'";
    assert!(app.sql(kept).await.iter().all(|text| !text.contains("616e6577")), "never plain");
    // One row's secret in another row, then in another tenant.
    app.sql("UPDATE kontor.secrets s SET sealed = o.sealed FROM kontor.secrets o WHERE o.row_id <> s.row_id AND s.row_id = '00000000-0000-0000-0000-000000000002'").await;
    assert!(recall(&app, keys, tenant, place(2)).await.is_err());
    app.sql(&format!("UPDATE kontor.secrets SET tenant_id = '{}'", NO_TENANT.0)).await;
    assert!(recall(&app, keys, NO_TENANT, place(1)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_data_key_takes_over_in_the_background() {
    let app = TestApp::new().await;
    let (acme, globex) = (
        app.sign_in("owner@acme.test").await.tenant(),
        app.sign_in("owner@globex.test").await.tenant(),
    );
    let keys = app.api.keys();
    let ring = keys.ring(app.api.db(), &app.clock).await.unwrap();
    let place = |n| Place { kind: "things.secret", row: Uuid::from_u128(n) };
    let fill = async |from: u128| {
        for tenant in [acme, globex, NO_TENANT] {
            let conn = writing(&app, tenant).await;
            for n in from..from + 120 {
                place(n).keep(&conn, &app.clock, &ring, &"kept".into()).await.unwrap();
            }
            conn.commit().await.unwrap();
        }
    };
    fill(0).await;
    app.clock.advance(Duration::from_secs(1));
    turned(&app, true, false).await;
    let conn = writing(&app, NO_TENANT).await;
    enqueue_reencryption(&conn, &app.clock, app.clock.now()).await.unwrap();
    conn.commit().await.unwrap();
    let newest =
        "SELECT id FROM kontor.keys WHERE purpose = 'DATA' ORDER BY created_at DESC LIMIT 1";
    let newest = app.sql(newest).await.remove(0);
    let old = format!("SELECT count(*) FROM kontor.secrets WHERE key_id <> '{newest}'");
    assert_eq!(app.sql(&old).await, ["360"]);
    app.mails().await;
    assert_eq!(app.sql(&old).await, ["0"]);
    // A server that has not noticed yet still uses the old key.
    fill(200).await;
    let data_keys = "SELECT count(*) FROM kontor.keys WHERE purpose = 'DATA'";
    assert_eq!(app.sql(data_keys).await, ["2"]);
    app.clock.advance(Duration::from_mins(11));
    app.mails().await;
    assert_eq!(
        (app.sql(&old).await, app.sql(data_keys).await),
        (vec!["0".into()], vec!["1".into()])
    );
    for (tenant, n) in [(acme, 3), (globex, 119), (NO_TENANT, 300)] {
        assert_eq!(recall(&app, keys, tenant, place(n)).await.unwrap(), "kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_secret_can_be_replaced() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let (db, clock) = (Db::new(&app.settings).unwrap(), Clock::system());
    let ring = async |keys: Keys| Arc::new(keys).ring(&db, &clock).await;
    let refused = ring(Keys::new(&"another".into(), None)).await.err().unwrap();
    assert!(format!("{refused:?}").contains("KONTOR_SECRET_PREVIOUS"));
    assert!(ring(Keys::new(&"another".into(), Some(&SECRET.into()))).await.is_ok());
    let conn = OperatorConn::open(&app.settings).await.unwrap();
    let wrapping = Wrapping::new(&"another".into(), Some(&SECRET.into()));
    let done = rotate(&conn, &wrapping, &clock, false, false).await.unwrap();
    assert_eq!((done.rewrapped, done.made), (3, vec!["TOKEN"]));
    let ring = ring(Keys::new(&"another".into(), None)).await.unwrap();
    assert!(kontor::accounts::Verified::read(&ring, &app.clock, &token).is_ok());
}

#[test]
fn the_operator_turns_the_keys_of_a_running_server() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("rep@acme.test");
    let data = folder.0.to_str().unwrap();
    let told = run(&["keys", "rotate", "--data", "--data-dir", data]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("Made TOKEN and DATA; dropped 0; wrapped 0 anew."), "{told}");
    let list = run(&["keys", "list", "--data-dir", data]);
    assert_eq!(String::from_utf8_lossy(&list.stdout).lines().count(), 5);
    let answer = server.ask(Some(&token), "{ viewer { user { email } } }", json!({}));
    assert_eq!(answer["data"]["viewer"]["user"]["email"], "rep@acme.test");
}
