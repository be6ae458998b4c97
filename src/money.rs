//! Money: an exact amount in a currency, never a float.

use std::io::Write;

use async_graphql::{
    InputObject, InputValueError, InputValueResult, Object, Scalar, ScalarType, Value, leaf::Json,
};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types::Numeric,
};
use rust_decimal::Decimal;

use crate::error::{ErrorCode, Problem};

/// An exact decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
pub struct Exact(pub Decimal);

/// Of a page of records there are many, and the crate's own way takes several allocations for each.
impl FromSql<Numeric, Pg> for Exact {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(decimal(value.as_bytes()).ok_or("a number is too long, or none")?))
    }
}

/// A number as PostgreSQL sends it, in words of 16 bits: how many digits of base 10,000 there are,
/// which power of that the first one has, a sign, how many decimal digits are shown behind the point,
/// and then the digits.
fn decimal(bytes: &[u8]) -> Option<Decimal> {
    let mut words = bytes.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let (count, power) = (words.next()?, words.next()?.cast_signed());
    let (sign, shown) = (words.next()?, words.next()?);
    let mut number = words
        .take(count.into())
        .try_fold(0_i128, |number, digit| number.checked_mul(10_000)?.checked_add(digit.into()))?;
    let behind = 4 * (i32::from(count) - 1 - i32::from(power));
    if behind < 0 {
        number = number.checked_mul(10_i128.checked_pow(behind.unsigned_abs())?)?;
    }
    let number = match sign {
        0 => number,
        0x4000 => -number,
        _ => return None,
    };
    let scale = behind.try_into().unwrap_or_default();
    let mut exact = Decimal::try_from_i128_with_scale(number, scale).ok()?;
    exact.rescale(shown.into());
    Some(exact)
}

/// An exact decimal number as text, such as "1250.00"; never a float, so that no digit is lost.
#[Scalar(name = "Decimal")]
impl ScalarType for Exact {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        let told = "expected a decimal number as text, such as \"1250.00\"";
        text.parse().map(Self).map_err(|_| InputValueError::custom(told))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl Json for Exact {
    fn json(&self, out: &mut Vec<u8>) {
        // Writing to a Vec does not fail.
        let _ = write!(out, "\"{}\"", self.0);
    }
}

/// The most an amount may be: it fits `numeric(18,3)`.
const LIMIT: i64 = 999_999_999_999_999;

/// A currency of ISO 4217, such as `USD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub fn parse(code: &str) -> Option<Self> {
        let code: [u8; 3] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many digits follow the point.
    pub fn minor_units(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

/// An exact amount in a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    pub amount: Decimal,
    pub currency: Currency,
}

impl Money {
    /// Joins the two columns that hold it; a code that the database's own check let through is
    /// always a currency.
    pub fn from_columns(amount: Option<Exact>, currency: Option<&str>) -> Option<Self> {
        let Exact(amount) = amount?;
        Some(Self { amount, currency: Currency::parse(currency?)? })
    }
}

/// An exact amount in a currency.
#[Object]
impl Money {
    /// The amount, exact, with the currency's digits after the point.
    async fn amount(&self) -> Exact {
        let mut amount = self.amount;
        amount.rescale(self.currency.minor_units().max(self.amount.normalize().scale()));
        Exact(amount)
    }

    /// The currency's ISO 4217 code.
    async fn currency(&self) -> &str {
        self.currency.code()
    }
}

/// An exact amount in a currency.
#[derive(Clone, Debug, InputObject)]
pub struct MoneyInput {
    /// The amount, as text so that no digit is lost, such as "1250.00".
    pub amount: Exact,
    /// The currency's ISO 4217 code in capitals, such as "USD".
    pub currency: String,
}

impl MoneyInput {
    /// The amount, if its currency is one and it has no more digits than that currency.
    pub fn check(self, field: &str) -> Result<Money, Problem> {
        let problem =
            |part: &str, message: &str| Problem::new(ErrorCode::Invalid, [field, part], message);
        let currency = Currency::parse(&self.currency).ok_or_else(|| {
            problem("currency", "must be a currency code of three capitals, such as USD")
        })?;
        let Exact(amount) = self.amount;
        if amount.normalize().scale() > currency.minor_units() {
            let digits = currency.minor_units();
            let told = format!("{} has {digits} digits after the point", currency.code());
            return Err(problem("amount", &told));
        }
        if amount.abs() > Decimal::from(LIMIT) {
            return Err(problem("amount", "is larger than can be kept"));
        }
        Ok(Money { amount, currency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(amount: &str, currency: &str) -> Result<Money, Problem> {
        MoneyInput { amount: Exact(amount.parse().unwrap()), currency: currency.into() }
            .check("price")
    }

    #[test]
    fn numbers_are_read_as_postgresql_sends_them() {
        let read = |words: &[u16]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            decimal(&bytes).map(|number| number.to_string())
        };
        let told = |text: &str| Some(text.to_owned());
        let below_one = u16::MAX;
        assert_eq!(read(&[0, 0, 0, 0]), told("0"));
        assert_eq!(read(&[0, 0, 0, 2]), told("0.00"));
        assert_eq!(read(&[1, 0, 0, 2, 1250]), told("1250.00"));
        assert_eq!(read(&[1, 2, 0, 0, 3]), told("300000000"));
        assert_eq!(read(&[1, below_one, 0, 2, 500]), told("0.05"));
        assert_eq!(read(&[2, 0, 0x4000, 3, 7, 1250]), told("-7.125"));
        assert_eq!(read(&[4, 2, 0, 3, 9999, 9999, 9999, 9990]), told("999999999999.999"));
        assert_eq!(read(&[0, 0, 0xC000, 0]), None, "not a number");
        assert_eq!(read(&[1, 9, 0, 0, 1]), None, "more than a Decimal holds");
        assert_eq!(read(&[1, 0]), None);
    }

    #[test]
    fn an_amount_has_its_currencys_digits() {
        assert!(input("10.50", "USD").is_ok());
        assert!(input("10.500", "USD").is_ok(), "a zero is no digit");
        assert!(input("10.505", "USD").is_err());
        assert!(input("10.5", "JPY").is_err());
        assert!(input("10.505", "KWD").is_ok());
        assert!(input("10", "usd").is_err());
        assert!(input("1000000000000000", "USD").is_err());
    }
}
