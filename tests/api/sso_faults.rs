//! Identity providers that misbehave, are silent, or lead astray.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{
    sso::*,
    support::{
        TestApp,
        oidc::{Fault, Faults, Manner, Oidc, ada, begin},
        refusal,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_misbehaves_signs_nobody_in() {
    for page in [DISCOVERY, "/keys", "/token"] {
        for manner in
            [Manner::Garbage, Manner::Redirect, Manner::Endless, Manner::Long, Manner::Broken]
        {
            let (app, oidc) = acme(json!({})).await;
            oidc.faults(Faults { page: Some((page, manner)), ..Faults::default() });
            let mut answer = begin(&app, "acme").await;
            if page == "/token" {
                let back = oidc.authorize(answer["url"].as_str().unwrap(), ada());
                answer = finish(&app, back).await;
            }
            assert_eq!(refusal(&answer), ("INVALID", vec![]), "{page} {manner:?}");
            let asked = oidc.asked();
            assert!(!asked.iter().any(|path| path.starts_with("/well/")), "followed to {asked:?}");
            if page == DISCOVERY {
                oidc.faults(Faults::default());
                assert!(begin(&app, "acme").await["url"].is_null(), "left alone for a while");
                app.clock.advance(Duration::from_secs(10));
                assert!(begin(&app, "acme").await["url"].is_string(), "and asked again");
            }
        }
    }
}

/// With one connection to the database, which others use meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_silent_or_away_is_waited_for_five_seconds() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    let (mut oidc, owner) = (Oidc::start().await, app.sign_in("owner@acme.test").await);
    oidc.register(&owner, json!({})).await;
    let url = begin(&app, "acme").await["url"].as_str().unwrap().to_owned();
    let back = oidc.authorize(&url, ada());
    app.clock.advance(Duration::from_mins(9));
    let began = std::time::Instant::now();
    let meanwhile = async || {
        while oidc.asked().last().map(String::as_str) != Some("/token") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        owner.data("{ ssoProviders { id } }", Json::Null).await;
        began.elapsed()
    };
    oidc.faults(Faults { page: Some(("/token", Manner::Silent)), ..Faults::default() });
    let (refused, served) = tokio::join!(finish(&app, back), meanwhile());
    assert_eq!(refusal(&refused), ("INVALID", vec![]));
    assert!(served < began.elapsed().saturating_sub(Duration::from_secs(2)), "{served:?}");
    // Nor does the request itself hold one that it has read with before.
    let both = "mutation { roleCreate(input: { name: \"x\", grants: [] }) { role { id } } ssoStart(tenant: \"acme\") { url } }";
    assert!(owner.data(both, Json::Null).await["ssoStart"]["url"].is_string());
    app.clock.advance(Duration::from_mins(1));
    oidc.faults(Faults { page: Some((DISCOVERY, Manner::Silent)), ..Faults::default() });
    let began = std::time::Instant::now();
    assert_eq!(refusal(&begin(&app, "acme").await), ("INVALID", vec![]));
    assert!((4..30).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    oidc.stop().await;
    app.clock.advance(Duration::from_secs(10));
    let away = begin(&app, "acme").await;
    assert_eq!(refusal(&away), ("INVALID", vec![]));
    let port = oidc.issuer.rsplit(':').next().unwrap();
    assert!(!away.to_string().contains(port), "internals are not told: {away}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_leads_astray_is_not_followed() {
    let descriptions: [Fault; 3] = [
        |it| it["issuer"] = json!("https://login.elsewhere.example"),
        |it| it["authorization_endpoint"] = json!("javascript:alert(1)"),
        |it| it["jwks_uri"] = json!("file:///etc/passwd"),
    ];
    for description in descriptions {
        let (app, oidc) = acme(json!({})).await;
        oidc.faults(Faults { description: Some(description), ..Faults::default() });
        assert_eq!(refusal(&begin(&app, "acme").await), ("INVALID", vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_production_nothing_inside_is_asked() {
    let (app, oidc) = (TestApp::new().await.without_local_providers(), Oidc::start().await);
    let owner = app.sign_in("owner@acme.test").await;
    let port = oidc.issuer.rsplit(':').next().unwrap();
    for issuer in [
        oidc.issuer.clone(),
        format!("https://127.0.0.1:{port}"),
        "https://169.254.169.254/latest".into(),
        "https://[::1]".into(),
    ] {
        let refused = oidc.register(&owner, json!({ "issuer": issuer })).await;
        assert_eq!(refusal(&refused), ("INVALID", vec!["issuer"]), "{issuer}");
    }
    // A name looks innocent until it is resolved.
    let name = format!("https://localhost:{port}");
    assert_eq!(oidc.register(&owner, json!({ "issuer": name })).await["userErrors"], json!([]));
    assert_eq!(refusal(&begin(&app, "acme").await), ("INVALID", vec![]));
    app.sql(&format!("UPDATE kontor.sso_providers SET issuer = '{}'", oidc.issuer)).await;
    assert_eq!(refusal(&begin(&app, "acme").await), ("INVALID", vec![]), "as before the setting");
    assert_eq!(oidc.asked(), [""; 0]);
}
