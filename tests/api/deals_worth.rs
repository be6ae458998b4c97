//! What deals are worth, and who sees it.

use std::time::Duration;

use kontor::access::{Permission, Viewer};
use serde_json::{Value as Json, json};

use crate::{
    deals::{create, go, made, stages, update},
    support::{TestApp, refusal},
};

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_weighted_in_the_tenants_currency() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let set = async |currency: &str, from: &str, rate: &str| {
        let set = "mutation($c: String!, $f: Date!, $r: Decimal!) { currencyRateSet(currency: $c, validFrom: $f, rate: $r) { currencyRate { id rate version } userErrors { code field } } }";
        manager.data(set, json!({ "c": currency, "f": from, "r": rate })).await["currencyRateSet"]
            .clone()
    };
    assert_eq!(set("EUR", "2020-01-01", "1.10").await["currencyRate"]["rate"], "1.1");
    assert_eq!(
        set("EUR", "2020-01-01", "1.08345678").await["currencyRate"]["version"],
        2,
        "replaced"
    );
    assert_eq!(set("JPY", "2020-01-01", "0.0063").await["userErrors"], json!([]));
    for (currency, rate, field) in [
        ("USD", "1", "currency"),
        ("euro", "1", "currency"),
        ("EUR", "0", "rate"),
        ("EUR", "1.123456789", "rate"),
        ("EUR", "99999999999", "rate"),
    ] {
        assert_eq!(
            refusal(&set(currency, "2020-01-01", rate).await),
            ("INVALID", vec![field]),
            "{currency} {rate}"
        );
    }
    let all = stages(&manager).await;
    let weighted = async |amount: &str, currency: &str, percent: i32| {
        let input = json!({ "name": "W", "amount": { "amount": amount, "currency": currency }, "probability": percent });
        let id = made(&manager, input).await;
        let data = manager
            .data(
                "query($id: ID!) { deal(id: $id) { weighted { amount currency } } }",
                json!({ "id": id }),
            )
            .await;
        (id, data["deal"]["weighted"].clone())
    };
    for (amount, currency, percent, expected) in [
        ("1000", "USD", 50, "500.00"),
        ("0.01", "USD", 50, "0.01"),
        ("0.01", "USD", 49, "0.00"),
        ("100", "EUR", 20, "21.67"),
        ("1000", "JPY", 10, "0.63"),
        ("5", "JPY", 50, "0.02"),
    ] {
        assert_eq!(
            weighted(amount, currency, percent).await.1,
            json!({ "amount": expected, "currency": "USD" }),
            "{amount} {currency} {percent}"
        );
    }
    assert_eq!(weighted("5", "GBP", 50).await.1, Json::Null, "no rate is known");
    // Closed, the deal keeps the rate of its day; another one takes the rate of today.
    let (closed, _) = weighted("100", "EUR", 20).await;
    go(&manager, &closed, &all["Won"], json!({})).await;
    app.clock.advance(Duration::from_hours(72));
    let now = app.clock.now().0.date_naive();
    set("EUR", &(now - chrono::Duration::days(1)).to_string(), "2").await;
    set("EUR", &(now + chrono::Duration::days(2)).to_string(), "3").await;
    let query = "{ deals(first: 100, where: { amount: { eq: \"100\" } }) { nodes { stageKind weighted { amount } } } }";
    let data = manager.data(query, Json::Null).await;
    let mut shown: Vec<String> = data["deals"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deal| {
            format!(
                "{} {}",
                deal["stageKind"].as_str().unwrap(),
                deal["weighted"]["amount"].as_str().unwrap()
            )
        })
        .collect();
    shown.sort();
    assert_eq!(shown, ["OPEN 40.00", "WON 108.35"]);
    let rates = manager.data("{ currencyRates(where: { currency: { eq: \"EUR\" } }) { nodes { id validFrom rate } totalCount { value } } }", Json::Null).await;
    assert_eq!(rates["currencyRates"]["totalCount"]["value"], 3);
    let delete = "mutation($id: ID!) { currencyRateDelete(id: $id, expectedVersion: 1) { deletedId userErrors { code } } }";
    let gone =
        manager.data(delete, json!({ "id": rates["currencyRates"]["nodes"][1]["id"] })).await;
    assert_eq!(gone["currencyRateDelete"]["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_one_may_not_see_is_nowhere() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    made(
        &manager,
        json!({ "name": "Secret", "amount": { "amount": "987654", "currency": "USD" } }),
    )
    .await;
    let operations = app.sign_in("operations@acme.test").await;
    let seen = operations
        .run(
            "{ deals { nodes { amount { amount } weighted { amount } probability } } }",
            Json::Null,
        )
        .await;
    assert_eq!(
        seen["data"]["deals"]["nodes"][0],
        json!({ "amount": null, "weighted": null, "probability": 10 })
    );
    assert_eq!(
        seen["extensions"]["masked"],
        json!([["deals", "nodes", 0, "amount"], ["deals", "nodes", 0, "weighted"]])
    );
    for list in [
        "deals(where: { amount: { gt: \"1\" } }) { totalCount { value } }",
        "deals(where: { not: { amount: { isNull: true } } }) { totalCount { value } }",
        "deals(orderBy: [{ field: AMOUNT }]) { nodes { id } }",
        "companies(where: { deals: { some: { amount: { gt: \"1\" } } } }) { totalCount { value } }",
    ] {
        let refused = operations.run(&format!("{{ {list} }}"), Json::Null).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{list}: {refused}");
    }
    let without =
        Permission::ALL.iter().copied().filter(|one| *one != Permission::MoneyRead).collect();
    let person = app.as_viewer(Viewer { grants: without, ..manager.viewer() });
    let input = json!({ "name": "New", "amount": { "amount": "5", "currency": "USD" } });
    assert_eq!(refusal(&create(&person, input).await), ("FORBIDDEN_FIELD", vec!["amount"]));
    let id = made(&person, json!({ "name": "New" })).await;
    assert_eq!(
        refusal(&update(&person, &id, json!({ "amount": null })).await),
        ("FORBIDDEN_FIELD", vec!["amount"])
    );
}
