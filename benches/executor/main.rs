//! What our executor saves: one nested answer of about a thousand leaves, from memory, on the
//! library's executor and on ours, interleaved in one run. Ratios are to be trusted.
#![expect(
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops where it is surprised, and speaks to a person"
)]

use std::time::Instant;

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Enum, Fast, ID, Many, Object, Request, Result,
    Schema, parser::parse_query, response_json,
};

const QUERY: &str = "{ companies { id name code city staff active owner { id name }
    contacts { id first last email phone age } deals { id title amount stage won } } }";

#[derive(Enum, Copy, Clone, Eq, PartialEq)]
enum Stage {
    Open,
    Won,
}

struct Company(i32);
struct Person(i32);
struct Deal(i32);

#[Object]
impl Company {
    async fn id(&self) -> ID {
        self.0.into()
    }
    async fn name(&self) -> &str {
        "Company with a name of usual length"
    }
    async fn code(&self) -> &str {
        "C-00042"
    }
    async fn city(&self) -> Option<&str> {
        (self.0 % 3 > 0).then_some("Tallinn")
    }
    async fn staff(&self) -> i32 {
        10 + self.0
    }
    async fn active(&self) -> bool {
        self.0 % 2 == 0
    }
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        load(ctx).await;
        Ok(Some(Person(self.0)))
    }
    async fn contacts(&self, ctx: &Context<'_>) -> Result<Many<Person>> {
        load(ctx).await;
        Ok((0..5).map(Person).collect())
    }
    async fn deals(&self, ctx: &Context<'_>) -> Result<Many<Deal>> {
        load(ctx).await;
        Ok((0..3).map(Deal).collect())
    }
}

#[Object]
impl Person {
    async fn id(&self) -> ID {
        self.0.into()
    }
    async fn name(&self) -> &str {
        "Ada Lovelace"
    }
    async fn first(&self) -> &str {
        "Ada"
    }
    async fn last(&self) -> &str {
        "Lovelace"
    }
    async fn email(&self) -> Option<&str> {
        Some("ada.lovelace@example.test")
    }
    async fn phone(&self) -> Option<&str> {
        (self.0 % 2 == 0).then_some("+372 555 1234")
    }
    async fn age(&self) -> i32 {
        36
    }
}

#[Object]
impl Deal {
    async fn id(&self) -> ID {
        self.0.into()
    }
    async fn title(&self) -> &str {
        "Renewal"
    }
    async fn amount(&self) -> i32 {
        1000 * self.0
    }
    async fn stage(&self) -> Stage {
        if self.0 == 2 { Stage::Won } else { Stage::Open }
    }
    async fn won(&self) -> bool {
        self.0 == 2
    }
}

/// A relation waits once, as behind a loader.
async fn load(ctx: &Context<'_>) {
    if *ctx.data_unchecked::<bool>() {
        tokio::task::yield_now().await;
    }
}

struct Query;

#[Object]
impl Query {
    async fn companies(&self, ctx: &Context<'_>) -> Many<Company> {
        load(ctx).await;
        (0..20).map(Company).collect()
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let document = parse_query(QUERY).unwrap();
    println!(
        "| relations | library: µs | ours as a tree: µs | ours as JSON: µs | JSON to library |"
    );
    println!("|---|---|---|---|---|");
    for waits in [false, true] {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(waits).finish();
        let request = || {
            let mut request = Request::new("");
            request.set_parsed_query(document.clone());
            request
        };
        let mut micros = [0.0; 3];
        let rounds = 30;
        for _ in 0..rounds {
            micros[0] += time(&runtime, async || {
                serde_json::to_vec(&schema.execute(request()).await).unwrap().len()
            });
            micros[1] += time(&runtime, async || {
                response_json(&schema.execute(request().data(Fast::tree())).await, true).len()
            });
            micros[2] += time(&runtime, async || {
                let fast = Fast::json(&document);
                response_json(&schema.execute(request().data(fast)).await, true).len()
            });
        }
        let [library, tree, json] = micros.map(|sum| sum / f64::from(rounds));
        let kind = if waits { "wait once" } else { "are there" };
        println!("| {kind} | {library:.0} | {tree:.0} | {json:.0} | {:.2} |", json / library);
    }
}

/// µs a request, over a hundred of them on one thread.
fn time(runtime: &tokio::runtime::Runtime, run: impl AsyncFn() -> usize) -> f64 {
    let count = 100;
    runtime.block_on(async {
        let began = Instant::now();
        for _ in 0..count {
            assert!(run().await > 10_000);
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(count)
    })
}
