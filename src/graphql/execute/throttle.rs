//! What a caller may spend: taken before an operation runs, as if it cost the most it can, and put
//! back afterwards where it cost less. Addresses are counted besides: operations without sign-in,
//! and whatever signs in.

use std::time::Duration;

use async_graphql::{
    Name, Response, ServerError, Value, Variables, indexmap::IndexMap, response_json,
};
use axum::http::{HeaderName, HeaderValue};

use super::{
    super::guard::{Tariff, TooMuch},
    Answer, Call, Refusal, SignedIn,
};
use crate::{
    access::Viewer,
    buckets::{Buckets, Key, Level, Outcome, Rate, Refused, Want, neighbourhood},
    config::Limits,
    error::Error,
    measure,
};

type Headers = Vec<(HeaderName, HeaderValue)>;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What an operation was taken for.
pub struct Toll {
    pub price: u64,
    /// The bucket that it was taken from; `None`: nobody knows who asks.
    taken: Option<(Want, Outcome)>,
    /// How the caller's bucket stands.
    level: Level,
    pub warned: Vec<TooMuch>,
}

/// A toll that could not be taken.
struct TooSoon {
    refused: Refused,
    level: Level,
    price: Option<u64>,
}

pub struct Throttle {
    pub limits: Limits,
    pub buckets: Buckets,
}

impl Throttle {
    /// Before anything is looked at: an address without sign-in has only so many operations.
    pub async fn arrive(&self, call: &Call) -> Result<Option<TooMuch>, Box<Answer>> {
        let (SignedIn::Anonymous, Some(address)) = (&call.signed_in, call.info.caller.address)
        else {
            return Ok(None);
        };
        let key = Key::Anonymous(neighbourhood(address));
        let want = Want::new(key, self.limits.anonymous(), 1);
        let outcome = self.buckets.take(&[want]).await;
        self.allowed(call, &[want], &outcome, None)
    }

    /// Takes the price of an operation.
    pub async fn take(
        &self,
        call: &Call,
        tariff: &Tariff,
        price: u64,
    ) -> Result<Toll, Box<Answer>> {
        let address = call.info.caller.address.map(neighbourhood);
        let (key, rate) = match &call.signed_in {
            SignedIn::As(viewer) => (Some(key_of(viewer)), self.rate_of(viewer)),
            _ => (address.map(Key::Address), self.limits.points()),
        };
        let points = affordable(price, rate);
        let mut wants: Vec<Want> =
            key.into_iter().map(|key| Want::new(key, rate, points)).collect();
        if let Some(address) = address.filter(|_| tariff.sign_ins > 0) {
            let key = Key::SignIn(address);
            wants.push(Want::new(key, self.limits.sign_ins(), tariff.sign_ins));
        }
        let mut toll = Toll { price, taken: None, level: Level::full(rate), warned: Vec::new() };
        if wants.is_empty() {
            return Ok(toll);
        }
        let outcome = self.buckets.take(&wants).await;
        if let Some(level) = outcome.levels.first() {
            toll.level = *level;
        }
        toll.warned.extend(self.allowed(call, &wants, &outcome, Some(price))?);
        if outcome.refused.is_none() {
            toll.taken = wants.first().map(|want| (*want, outcome));
        }
        Ok(toll)
    }

    /// Takes a price while an operation runs.
    pub async fn take_more(&self, viewer: &Viewer, price: u64) -> Result<(), Error> {
        let rate = self.rate_of(viewer);
        let want = Want::new(key_of(viewer), rate, affordable(price, rate));
        match self.buckets.take(&[want]).await.refused {
            Some(Refused { retry_after, .. }) if !self.limits.warn_only => {
                Err(Error::Limited { retry_after })
            }
            _ => Ok(()),
        }
    }

    /// Puts back what was not spent, and tells how the bucket stands then.
    pub fn settle(&self, toll: Toll, spent: u64) -> Told {
        let Toll { price, taken, mut level, warned } = toll;
        if let Some((want, outcome)) = taken {
            let spent = u32::try_from(spent).unwrap_or(u32::MAX);
            let rest = want.points().saturating_sub(spent);
            if rest > 0 {
                self.buckets.give_back(&outcome, want, rest);
                level = level.with(rest);
            }
        }
        Told { price: Some(price), spent: Some(spent), level, warned }
    }

    fn rate_of(&self, viewer: &Viewer) -> Rate {
        self.limits.points_of(viewer.allowance)
    }

    fn allowed(
        &self,
        call: &Call,
        wants: &[Want],
        outcome: &Outcome,
        price: Option<u64>,
    ) -> Result<Option<TooMuch>, Box<Answer>> {
        let Some(refused) = outcome.refused else { return Ok(None) };
        let bucket = wants.get(refused.which).map(|want| want.key.to_string()).unwrap_or_default();
        let id = &call.info.id;
        let warned = self.limits.warn_only;
        tracing::info!(request = id, bucket, warned, "limit.exceeded");
        measure::throttled(match wants.get(refused.which).map(|want| want.key) {
            Some(Key::Anonymous(_)) => "anonymous",
            Some(Key::SignIn(_)) => "sign_in",
            _ => "points",
        });
        let told = match wants.get(refused.which).map(|want| want.key) {
            Some(Key::Anonymous(_)) => "Too many requests without sign-in from this address.",
            Some(Key::SignIn(_)) => "Too many sign-ins from this address.",
            _ => "Too much at once: the points of this caller are spent.",
        };
        if warned {
            return Ok(Some(("THROTTLED", told.into())));
        }
        let level = outcome.levels.get(refused.which).copied();
        let level = level.unwrap_or(Level::full(self.limits.points()));
        Err(Box::new(TooSoon { refused, level, price }.answer(call, told)))
    }
}

/// More than the bucket holds would be refused for ever. One that holds nothing refuses all.
fn affordable(price: u64, rate: Rate) -> u64 {
    price.min(u64::from(rate.size).max(1))
}

fn key_of(viewer: &Viewer) -> Key {
    Key::Caller { tenant: viewer.tenant.0, who: viewer.actor() }
}

impl TooSoon {
    fn answer(self, call: &Call, told: &str) -> Answer {
        let id = call.info.id.as_str();
        let seconds = whole_seconds(self.refused.retry_after);
        let mut error = ServerError::new(told, None);
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", "THROTTLED");
        extensions.set("requestId", id);
        extensions.set("retryAfter", seconds);
        let Self { level, price, .. } = self;
        let told = Told { price, spent: price.map(|_| 0), level, warned: Vec::new() };
        let mut response = Response::from_errors(vec![error]);
        if call.tell_cost && price.is_some() {
            told.tell(&mut response);
        }
        let mut answer = Refusal::new("THROTTLED", "").answer(id);
        answer.body = response_json(&response, false);
        answer.retry_after = Some(seconds);
        answer.headers = told.headers();
        answer
    }
}

/// What an answer says of its cost.
pub struct Told {
    price: Option<u64>,
    pub spent: Option<u64>,
    level: Level,
    warned: Vec<TooMuch>,
}

impl Told {
    /// `extensions.cost`, and `extensions.exceeded` where limits only warn.
    pub fn tell(&self, response: &mut Response) {
        let status = object([
            ("maximumAvailable", self.level.rate.size.into()),
            ("currentlyAvailable", self.level.left().into()),
            ("restoreRate", self.level.rate.restored().into()),
        ]);
        let cost = object([
            ("requestedQueryCost", self.price.into()),
            ("actualQueryCost", self.spent.into()),
            ("throttleStatus", status),
        ]);
        response.extensions.insert("cost".into(), cost);
        let exceeded = self.warned.iter().map(|(code, told)| {
            object([("code", Value::from(*code)), ("message", told.as_str().into())])
        });
        let exceeded: Vec<Value> = exceeded.collect();
        if !exceeded.is_empty() {
            response.extensions.insert("exceeded".into(), Value::List(exceeded));
        }
    }

    pub fn headers(&self) -> Headers {
        vec![
            (LIMIT, self.level.rate.size.into()),
            (REMAINING, self.level.left().into()),
            (RESET, HeaderValue::from(whole_seconds_or_none(self.level.full_in()))),
        ]
    }
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    let members = members.into_iter().map(|(name, value)| (Name::new(name), value));
    Value::Object(members.collect::<IndexMap<_, _>>())
}

fn whole_seconds_or_none(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

fn whole_seconds(time: Duration) -> u64 {
    whole_seconds_or_none(time).max(1)
}

/// Refuses variables that are too long, as JSON.
pub fn small_enough(limits: &Limits, variables: &Variables) -> Result<(), TooMuch> {
    let left = limits.variables;
    match serde_json::to_writer(Counter { left }, variables) {
        Ok(()) => Ok(()),
        Err(_) => Err(("PAYLOAD_TOO_LARGE", format!("Variables have at most {left} bytes."))),
    }
}

/// Counts what is written, and fails where it is too much.
struct Counter {
    left: u64,
}

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or(std::io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
