//! `kontor audit verify`.

use std::fmt::Write;

use super::{Config, Settings};
use crate::{
    audit::{AuditEntryId, Finding, Verified, verify},
    clock::Clock,
    config::{Audit, Verify},
    db::{Db, OperatorConn},
    error::{Error, Result},
    jobs::NO_TENANT,
    keys::Keys,
    tenants::{TenantId, TenantRow},
};

const MOST_TOLD: usize = 20;

pub(super) async fn command(config: &Config, settings: &Settings, what: Audit) -> Result<()> {
    let Audit::Verify(Verify { tenant, head }) = what;
    let noted = head.map(|head| read_head(&head)).transpose()?;
    let operator = OperatorConn::open(settings).await?;
    let tenants: Vec<(String, TenantId)> = match tenant {
        Some(slug) => {
            let unknown = || Error::internal(format!("There is no tenant {slug}."));
            let tenant = TenantRow::by_slug(operator.pg(), &slug).await?.ok_or_else(unknown)?;
            vec![(slug, tenant.id)]
        }
        None => {
            let all = TenantRow::all(&operator).await?.into_iter();
            // What belongs to no tenant is written down as well.
            all.map(|one| (one.slug, one.id)).chain([("(none)".into(), NO_TENANT)]).collect()
        }
    };
    let (db, clock) = (Db::new(settings)?, Clock::system());
    let keys = Keys::new(&config.secret(), config.secret_previous.as_ref());
    let ring = keys.ring(&db, &clock).await?;
    let mut wrong = 0;
    for (slug, tenant) in tenants {
        let verified = verify(&db, &ring, tenant, noted.as_ref()).await?;
        tell(&slug, &verified);
        wrong += verified.findings.len();
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Error::internal("One thing is not as it was written down.")),
        n => Err(Error::internal(format!("{n} things are not as they were written down."))),
    }
}

fn tell(slug: &str, verified: &Verified) {
    let Verified { entries, seals, unsealed, head, findings } = verified;
    let state = if findings.is_empty() { "ok   " } else { "BAD  " };
    let head = head
        .as_ref()
        .map_or(String::new(), |(number, seal)| format!("; head {number}:{}", hex(seal)));
    println!(
        "{state} {slug}: {entries} entries under {seals} seals are as they were, {unsealed} wait for theirs{head}"
    );
    for finding in findings.iter().take(MOST_TOLD) {
        println!("      {}", sentence(finding));
    }
    if findings.len() > MOST_TOLD {
        println!("      and {} more", findings.len() - MOST_TOLD);
    }
}

fn sentence(finding: &Finding) -> String {
    let named = |entry: &uuid::Uuid| {
        let at = crate::clock::Timestamp::of_uuid(*entry);
        format!("{} of {at}", AuditEntryId(*entry))
    };
    match finding {
        Finding::Changed { entry, seal } => {
            format!("{} was changed after seal {seal}", named(entry))
        }
        Finding::Removed { entry, seal } => {
            format!("{} was removed after seal {seal}", named(entry))
        }
        Finding::Inserted { entry } => {
            format!(
                "{} has no place in the log: it was made behind the product's back",
                named(entry)
            )
        }
        Finding::RemovedUnsealed { entry } => {
            format!("{} was removed before it was sealed", named(entry))
        }
        Finding::LogGap { from, to } => format!("the places {from} to {to} of the log are gone"),
        Finding::SealChanged { seal } => format!("seal {seal} was not made here, or was changed"),
        Finding::SealMissing { before } => format!("the chain is broken before seal {before}"),
        Finding::HeadMissing => "the head that was noted is not in the chain".into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_head(text: &str) -> Result<(i64, Vec<u8>)> {
    let read = || {
        let (number, seal) = text.split_once(':')?;
        let bytes = seal
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        Some((number.parse().ok()?, bytes.collect::<Option<Vec<u8>>>()?))
    };
    read().ok_or_else(|| {
        Error::internal("A head looks like 42:9f86d081884c7d65…, as an earlier run told it.")
    })
}
