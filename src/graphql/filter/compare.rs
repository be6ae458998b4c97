//! What a client can ask of one column, by the kind of its values.

use async_graphql::{ID, InputObject};

use crate::{
    clock::{Day, Timestamp},
    db::{Column, Filter, Test, Value},
    error::{Error, Result},
    money::Exact,
};

const MAX_LIST: usize = 100;

/// Compares text.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StringFilter {
    /// Equal to this.
    eq: Option<String>,
    /// Other than this, or absent.
    ne: Option<String>,
    /// One of these, at most 100.
    r#in: Option<Vec<String>>,
    /// Begins with this.
    starts_with: Option<String>,
    /// Has this in it.
    contains: Option<String>,
    /// True: absent. False: present.
    is_null: Option<bool>,
}

impl StringFilter {
    /// With this text in it.
    pub fn containing(text: String) -> Self {
        Self { contains: Some(text), ..Self::default() }
    }

    /// Upper and lower case differ.
    pub fn exact(self, column: Column) -> Result<Filter> {
        self.on(column, |text| text)
    }

    /// Upper and lower case are alike; the column holds lower case.
    pub fn folded(self, column: Column) -> Result<Filter> {
        self.on(column, |text| text.to_lowercase())
    }

    fn on(self, column: Column, fold: impl Fn(String) -> String) -> Result<Filter> {
        let text = |text| Value::Text(fold(text));
        let list = self.r#in.map(|list| bounded(list).map(|list| list.into_iter().map(&fold)));
        let tests = [
            self.eq.map(|value| Test::Eq(text(value))),
            self.ne.map(|value| Test::Ne(text(value))),
            list.transpose()?.map(|list| Test::In(Value::Texts(list.collect()))),
            self.starts_with.map(|value| Test::starts_with(&fold(value))),
            self.contains.map(|value| Test::contains(&fold(value))),
            self.is_null.map(Test::Null),
        ];
        Ok(all(column, tests))
    }
}

/// Compares ids.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "IDFilter")]
pub struct IDFilter {
    /// This one.
    eq: Option<ID>,
    /// Any other one, or none.
    ne: Option<ID>,
    /// One of these, at most 100.
    r#in: Option<Vec<ID>>,
    /// True: none. False: some.
    is_null: Option<bool>,
}

impl IDFilter {
    /// `parse` is the id type's own, such as `UserId::parse`.
    pub fn of<Id: Into<uuid::Uuid>>(
        self,
        parse: impl Fn(&str) -> Result<Id, String>,
        column: Column,
    ) -> Result<Filter> {
        let id = |id: ID| parse(&id).map(Into::into).map_err(Error::BadInput);
        let list = self.r#in.map(bounded).transpose()?;
        let list: Option<Vec<_>> =
            list.map(|list| list.into_iter().map(id).collect::<Result<_>>()).transpose()?;
        let tests = [
            self.eq.map(id).transpose()?.map(|id| Test::Eq(Value::Uuid(id))),
            self.ne.map(id).transpose()?.map(|id| Test::Ne(Value::Uuid(id))),
            list.map(|list| Test::In(Value::Uuids(list))),
            self.is_null.map(Test::Null),
        ];
        Ok(all(column, tests))
    }
}

/// Compares moments.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateTimeFilter {
    /// At this moment.
    eq: Option<Timestamp>,
    /// Before.
    lt: Option<Timestamp>,
    /// Before, or then.
    lte: Option<Timestamp>,
    /// After.
    gt: Option<Timestamp>,
    /// After, or then.
    gte: Option<Timestamp>,
    /// True: absent. False: present.
    is_null: Option<bool>,
}

impl DateTimeFilter {
    pub fn on(self, column: Column) -> Result<Filter> {
        let moment = |at: Timestamp| Value::Moment(at.0);
        let tests = [
            self.eq.map(|at| Test::Eq(moment(at))),
            self.lt.map(|at| Test::Less(moment(at))),
            self.lte.map(|at| Test::LessOrEq(moment(at))),
            self.gt.map(|at| Test::Greater(moment(at))),
            self.gte.map(|at| Test::GreaterOrEq(moment(at))),
            self.is_null.map(Test::Null),
        ];
        Ok(all(column, tests))
    }
}

/// Compares days.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateFilter {
    /// On this day.
    eq: Option<Day>,
    /// Before.
    lt: Option<Day>,
    /// Before, or then.
    lte: Option<Day>,
    /// After.
    gt: Option<Day>,
    /// After, or then.
    gte: Option<Day>,
    /// True: absent. False: present.
    is_null: Option<bool>,
}

impl DateFilter {
    pub fn on(self, column: Column) -> Result<Filter> {
        let Self { eq, lt, lte, gt, gte, is_null } = self;
        let day = |day: Day| Value::Date(day.0);
        Ok(all(column, compared([eq, lt, lte, gt, gte].map(|one| one.map(day)), is_null)))
    }
}

/// Compares whole numbers.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IntFilter {
    /// This one.
    eq: Option<i32>,
    /// Less.
    lt: Option<i32>,
    /// Less, or as much.
    lte: Option<i32>,
    /// More.
    gt: Option<i32>,
    /// More, or as much.
    gte: Option<i32>,
    /// True: absent. False: present.
    is_null: Option<bool>,
}

impl IntFilter {
    pub fn on(self, column: Column) -> Result<Filter> {
        let Self { eq, lt, lte, gt, gte, is_null } = self;
        Ok(all(column, compared([eq, lt, lte, gt, gte].map(|one| one.map(Value::Int)), is_null)))
    }
}

/// Compares exact numbers, such as amounts.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DecimalFilter {
    /// This one.
    eq: Option<Exact>,
    /// Less.
    lt: Option<Exact>,
    /// Less, or as much.
    lte: Option<Exact>,
    /// More.
    gt: Option<Exact>,
    /// More, or as much.
    gte: Option<Exact>,
    /// True: absent. False: present.
    is_null: Option<bool>,
}

impl DecimalFilter {
    pub fn on(self, column: Column) -> Result<Filter> {
        let Self { eq, lt, lte, gt, gte, is_null } = self;
        let number = |Exact(number): Exact| Value::Decimal(number);
        Ok(all(column, compared([eq, lt, lte, gt, gte].map(|one| one.map(number)), is_null)))
    }
}

/// Compares words of a closed list.
#[derive(Clone, Debug, Default)]
pub struct WordTests {
    pub eq: Option<String>,
    pub ne: Option<String>,
    pub r#in: Option<Vec<String>>,
}

impl WordTests {
    pub fn on(self, column: Column) -> Result<Filter> {
        let list = self.r#in.map(bounded).transpose()?;
        let tests = [
            self.eq.map(|word| Test::Eq(Value::Text(word))),
            self.ne.map(|word| Test::Ne(Value::Text(word))),
            list.map(|list| Test::In(Value::Texts(list))),
        ];
        Ok(all(column, tests))
    }
}

fn compared([eq, lt, lte, gt, gte]: [Option<Value>; 5], null: Option<bool>) -> [Option<Test>; 6] {
    [
        eq.map(Test::Eq),
        lt.map(Test::Less),
        lte.map(Test::LessOrEq),
        gt.map(Test::Greater),
        gte.map(Test::GreaterOrEq),
        null.map(Test::Null),
    ]
}

fn all(column: Column, tests: impl IntoIterator<Item = Option<Test>>) -> Filter {
    Filter::All(tests.into_iter().flatten().map(|test| Filter::Is(column, test)).collect())
}

fn bounded<T>(list: Vec<T>) -> Result<Vec<T>> {
    match list.len() <= MAX_LIST {
        true => Ok(list),
        false => Err(Error::BadInput(format!("A list in a filter has at most {MAX_LIST} values."))),
    }
}

/// `enum_filter!(LeadStatusFilter, LeadStatus)`: which words of a closed list.
#[macro_export]
macro_rules! enum_filter {
    ($(#[$doc:meta])* $name:ident, $words:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, ::async_graphql::InputObject)]
        pub struct $name {
            /// This one.
            eq: Option<$words>,
            /// Any other one.
            ne: Option<$words>,
            /// One of these, at most 100.
            r#in: Option<Vec<$words>>,
        }

        impl $name {
            pub fn on(
                self,
                column: $crate::db::Column,
            ) -> $crate::error::Result<$crate::db::Filter> {
                let word = |word: $words| word.word().to_owned();
                let list = self.r#in.map(|list| list.into_iter().map(word).collect());
                let (eq, ne) = (self.eq.map(word), self.ne.map(word));
                $crate::graphql::WordTests { eq, ne, r#in: list }.on(column)
            }
        }
    };
}
