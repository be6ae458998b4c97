//! Tenants of many rows. The database makes them itself, in a few statements for each table and tenant
//! (`sql/`): everything follows from numbers, so that each run makes the same. What is made leaves no
//! trail: neither triggers nor foreign keys look at it, and the statements answer for both.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use super::{
    DEMO_PASSWORD, Settings,
    progress::Progress,
    sizes::{NAMES, Size},
};
use crate::{
    accounts::Passwords,
    clock::{Clock, Day, Timestamp},
    config::Scale,
    db::OperatorConn,
    deals::DEFAULT_PIPELINE,
    error::{Error, Result},
    ids::derived_uuid,
    leads::work::WAKE,
    tenants::{TenantId, TenantRow},
};

const HELPERS: &str = include_str!("sql/1_helpers.sql");
/// Each file's statements end at the end of a line.
const STEPS: [&str; 4] = [
    include_str!("sql/2_tenant.sql"),
    include_str!("sql/3_customers.sql"),
    include_str!("sql/4_sales.sql"),
    include_str!("sql/5_activities.sql"),
];
const TABLES: &str = "kontor.users, kontor.memberships, kontor.reporting_lines, kontor.territories, \
    kontor.territory_members, kontor.tags, kontor.company_tags, kontor.contact_tags, kontor.deal_tags, \
    kontor.lead_tags, kontor.companies, kontor.contacts, kontor.stages, kontor.deals, kontor.stage_changes, \
    kontor.leads, kontor.lead_conversions, kontor.lead_merges, kontor.lead_scores, kontor.activities, \
    kontor.jobs";

/// How long the tenants have been there.
const PAST: Duration = Duration::from_hours(3 * 365 * 24);
/// Tenants are made by so many at once.
const HANDS: usize = 2;

/// What is to be made.
#[derive(Clone, Copy)]
pub struct Seeding<'a> {
    pub scale: Scale,
    /// The day that it is in the rows: nothing happened after it began.
    pub day: Day,
    pub passwords: &'a Passwords,
}

/// A tenant to be made.
struct Making {
    slug: String,
    at: usize,
    size: Size,
}

/// Makes what is missing; the short names of the tenants that were made. Each tenant is one
/// transaction: it is there as a whole or not at all.
pub async fn seed_scale(settings: &Settings, seeding: Seeding<'_>) -> Result<Vec<String>> {
    let first = OperatorConn::unwatched(settings).await?;
    let mut missing = Vec::new();
    for (at, (size, [name, ..])) in seeding.scale.sizes().into_iter().zip(NAMES).enumerate() {
        let slug = format!("{name}-{}", seeding.scale.word());
        if TenantRow::by_slug(first.pg(), &slug).await?.is_none() {
            missing.push(Making { slug, at, size });
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let hash = seeding.passwords.hash(DEMO_PASSWORD.into()).await?;
    // Most rows are those that are counted in a size; a third are what belongs to them.
    let rows: u64 = missing.iter().map(|making| u64::from(making.size.rows())).sum();
    let (progress, next) = (Progress::of(rows * 3 / 2), AtomicUsize::new(0));
    // The first tenants are the largest: whoever is done takes the next.
    let hand = async |conn: &OperatorConn| {
        while let Some(making) = missing.get(next.fetch_add(1, Relaxed)) {
            make(conn, seeding, making, &hash, &progress).await?;
            progress.tenant(&making.slug);
        }
        Ok::<_, Error>(())
    };
    let mut others = Vec::new();
    for _ in 1..HANDS.min(missing.len()) {
        others.push(OperatorConn::unwatched(settings).await?);
    }
    let hands = others.iter().chain([&first]).map(hand);
    futures_util::future::try_join_all(hands).await?;
    // So that the planner knows, and reads find what is visible to all.
    first.batch("RESET ROLE; SET ROLE kontor_owner").await?;
    first.batch(&format!("VACUUM (ANALYZE) {TABLES}")).await?;
    progress.end();
    Ok(missing.into_iter().map(|making| making.slug).collect())
}

async fn make(
    conn: &OperatorConn,
    seeding: Seeding<'_>,
    making: &Making,
    hash: &str,
    progress: &Progress,
) -> Result<()> {
    let day = Timestamp(seeding.day.0.and_time(chrono::NaiveTime::MIN).and_utc());
    let start = day.minus(PAST);
    let tenant = TenantId(derived_uuid(start, &making.slug));
    let fill = words(seeding.scale, making, tenant, (start, day), hash);
    conn.batch(&fill(HELPERS)).await?;
    conn.write(tenant, &Clock::frozen(day), async || {
        for step in STEPS {
            for statement in fill(step).split(";\n").filter(|text| !text.trim().is_empty()) {
                let rows = conn.execute(statement).await?;
                if statement.contains("INSERT INTO kontor.") {
                    progress.add(u64::try_from(rows).unwrap_or_default());
                }
            }
        }
        Ok(())
    })
    .await
}

/// What stands in braces in the statements; all of it is ours.
fn words(
    scale: Scale,
    making: &Making,
    tenant: TenantId,
    (start, day): (Timestamp, Timestamp),
    hash: &str,
) -> impl Fn(&str) -> String {
    let Making { slug, at, size } = making;
    let [_, name, currency, other, rate, zone] = NAMES.get(*at).copied().unwrap_or_default();
    // Tenants differ by where their numbers begin.
    let base = (at + 1 + 100 * usize::from(scale != Scale::Large)) * 10_000_019;
    let (pipeline, stages) = DEFAULT_PIPELINE;
    let stage = |(n, (name, kind, probability)): (usize, (&str, crate::deals::StageKind, i32))| {
        format!("({}, '{name}', '{}', {probability})", n + 1, kind.word())
    };
    let stages: Vec<_> = stages.into_iter().enumerate().map(stage).collect();
    let number = |number: String| format!("{number}::bigint");
    let count = |count: u32| number(count.to_string());
    let moment = |at: Timestamp| number(at.0.timestamp_millis().to_string());
    let words = [
        ("{tenant}", tenant.0.to_string()),
        ("{slug}", slug.clone()),
        ("{name}", name.to_owned()),
        ("{currency}", currency.to_owned()),
        ("{other}", other.to_owned()),
        ("{rate}", rate.to_owned()),
        ("{zone}", zone.to_owned()),
        ("{hash}", hash.to_owned()),
        ("{base}", number(base.to_string())),
        ("{start}", moment(start)),
        ("{now}", moment(day)),
        ("{users}", size.users.to_string()),
        ("{companies}", count(size.companies)),
        ("{contacts}", count(size.contacts)),
        ("{deals}", count(size.deals)),
        ("{leads}", count(size.leads)),
        ("{activities}", count(size.activities)),
        ("{pipeline}", pipeline.to_owned()),
        ("{stages}", stages.join(", ")),
        ("{wake}", WAKE.to_owned()),
    ];
    move |text: &str| {
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deals::StageKind;

    /// The statements say where deals are by the places of the stages.
    #[test]
    fn the_pipeline_is_the_one_that_the_statements_know() {
        let kinds = DEFAULT_PIPELINE.1.map(|(_, kind, _)| kind);
        let open = [StageKind::Open; 4];
        assert_eq!((&kinds[..4], &kinds[4..]), (&open[..], &[StageKind::Won, StageKind::Lost][..]));
    }

    #[test]
    fn nothing_is_left_in_braces() {
        let scale = Scale::Small;
        let making = Making { slug: "aurora-small".into(), at: 0, size: scale.sizes()[0] };
        let at = Clock::system().now();
        let fill = words(scale, &making, TenantId(uuid::Uuid::nil()), (at, at), "-");
        for text in STEPS.into_iter().chain([HELPERS]) {
            let text = fill(text);
            let left = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            let left: Vec<_> = left
                .filter(|word| word.len() > 2 && word.chars().all(|c| c.is_ascii_lowercase()))
                .collect();
            assert_eq!(left, Vec::<&str>::new());
        }
    }
}
