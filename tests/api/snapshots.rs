//! A query is one snapshot: what it reads belongs together, whatever happens meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use serde_json::Value as Json;

use crate::support::{TestApp, postgres::ask};

/// Somebody renames every company between the first and the second statement of one query.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_reads_one_snapshot() {
    let armed = Arc::new(AtomicBool::new(false));
    let (trigger, seen) = (armed.clone(), Arc::new(AtomicBool::new(false)));
    let changed = seen.clone();
    let app = TestApp::with(|settings| {
        let (url, watch) = (settings.owner_url.clone(), settings.recorder.take());
        settings.recorder = Some(Arc::new(move |sql: &str| {
            if let Some(watch) = &watch {
                watch(sql);
            }
            // The second statement of the query is about to be sent: the change goes first.
            if sql.contains("count(*)") && trigger.swap(false, SeqCst) {
                let url = url.clone();
                let rename = async move {
                    ask(&url, "UPDATE kontor.companies SET deleted_at = now() WHERE name LIKE 'A%'")
                        .await
                };
                let done = std::thread::spawn(move || {
                    tokio::runtime::Runtime::new().unwrap().block_on(rename)
                });
                done.join().unwrap();
                changed.store(true, SeqCst);
            }
        }));
    })
    .await;
    let rep = app.sign_in("manager@acme.test").await;
    let query = "{ companies(first: 100) { nodes { name } totalCount { value } } }";
    armed.store(true, SeqCst);
    let during = rep.data(query, Json::Null).await;
    assert!(seen.load(SeqCst), "the change came between");
    assert_eq!(during["companies"]["nodes"].as_array().unwrap().len(), 12);
    assert_eq!(during["companies"]["totalCount"]["value"], 12, "the count is of the same moment");
    let after = rep.data(query, Json::Null).await;
    assert_eq!(after["companies"]["totalCount"]["value"], 11, "and the change did happen");
}
