//! Time. A [`Clock`] is passed to whatever needs the time, so that a test can hold it still.

use std::{
    fmt,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value, leaf::Json};
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, SubsecRound, Utc};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::{Date, Timestamptz},
};

/// Where the time comes from: the system, or a test's hand.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is moved.
    pub fn frozen(at: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.0.timestamp_micros()))))
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            None =>
            {
                #[expect(clippy::disallowed_methods, reason = "this is the clock")]
                Timestamp(Utc::now().trunc_subsecs(6))
            }
            Some(micros) => {
                Timestamp(DateTime::from_timestamp_micros(micros.load(Relaxed)).unwrap_or_default())
            }
        }
    }

    /// Moves a frozen clock forward; the system's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Some(micros) = &self.0 {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Relaxed);
        }
    }
}

/// A moment, in UTC, to the microsecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub struct Timestamp(pub DateTime<Utc>);

impl Timestamp {
    /// The moment in a UUIDv7, to the millisecond; 1970 for any other.
    pub fn of_uuid(id: uuid::Uuid) -> Self {
        let millis = i64::try_from(id.as_u128() >> 80).unwrap_or_default();
        Self(DateTime::from_timestamp_millis(millis).unwrap_or_default())
    }

    pub fn unix_seconds(self) -> i64 {
        self.0.timestamp()
    }

    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(chrono::Duration::from_std(by).map_or(self.0, |by| self.0 + by))
    }

    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(chrono::Duration::from_std(by).map_or(self.0, |by| self.0 - by))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A moment as RFC 3339 text in UTC, for example `2026-11-20T21:54:20Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        DateTime::parse_from_rfc3339(text).map(|at| Self(at.to_utc())).map_err(|_| {
            InputValueError::custom(
                "expected a moment with its offset, such as 2026-11-20T21:54:20Z",
            )
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Json for Timestamp {
    fn json(&self, out: &mut Vec<u8>) {
        // Writing to a Vec does not fail.
        let _ = write!(out, "\"{self}\"");
    }
}

impl ToSql<Timestamptz, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<Timestamptz, Pg> for Timestamp {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamptz, Pg>::from_sql(value).map(Self)
    }
}

/// A day, without a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Date)]
pub struct Day(pub NaiveDate);

impl Day {
    /// What sorts behind every other day.
    pub const LAST: Self = Self(match NaiveDate::from_ymd_opt(9999, 12, 31) {
        Some(day) => day,
        None => NaiveDate::MAX,
    });
}

/// A day as ISO 8601 text, for example `2026-11-20`.
#[Scalar(name = "Date")]
impl ScalarType for Day {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        // The database knows fewer years than the calendar.
        let day = day.filter(|day| (0..=9999).contains(&day.year()));
        day.map(Self).ok_or_else(|| InputValueError::custom("expected a day, such as 2026-11-20"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl Json for Day {
    fn json(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "\"{}\"", self.0);
    }
}

impl ToSql<Date, Pg> for Day {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Date, Pg>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<Date, Pg> for Day {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Date, Pg>::from_sql(value).map(Self)
    }
}
