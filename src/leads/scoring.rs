//! What a lead is worth, out of a hundred, and why. Exact: no float decides who is called first.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::values::{ScoreDirection, ScoreEvent, ScoreField, ScoreOperator};
use crate::clock::Timestamp;

const DAY: i64 = 24 * 60 * 60;
/// The most parts that are kept of a score.
const MOST_PARTS: usize = 500;

/// 2^(-k/16) for k from 0 to 15, times 10^12: what is left after so many sixteenths of a half-life.
const SIXTEENTHS: [i64; 16] = [
    1_000_000_000_000,
    957_603_280_699,
    917_004_043_205,
    878_126_080_187,
    840_896_415_254,
    805_245_165_975,
    771_105_412_704,
    738_413_072_970,
    707_106_781_187,
    677_127_773_468,
    648_419_777_326,
    620_928_906_037,
    594_603_557_501,
    569_394_317_378,
    545_253_866_333,
    522_136_891_214,
];
const SCALE: u32 = 12;
/// After so many half-lives nothing is left.
const HALVINGS: i64 = 30;

/// A rule of the tenant's.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: Uuid,
    pub name: String,
    pub about: About,
    pub points: i32,
    pub half_life_days: Option<i32>,
}

#[derive(Clone, Debug)]
pub enum About {
    Field { field: ScoreField, operator: ScoreOperator, value: Option<String> },
    Event { event: ScoreEvent, direction: Option<ScoreDirection> },
}

/// What the rules ask of a lead.
pub trait Facts {
    fn text(&self, field: ScoreField) -> Option<String>;
    /// Since when its fields say so.
    fn since(&self) -> Timestamp;
}

/// Something that happened with a lead.
#[derive(Clone, Copy, Debug)]
pub struct Happened {
    pub event: ScoreEvent,
    pub direction: Option<ScoreDirection>,
    pub at: Timestamp,
}

/// What one rule gave, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub rule: Uuid,
    pub name: String,
    pub points: i32,
    pub half_life_days: Option<i32>,
    pub reason: String,
    /// In seconds since 1970.
    pub at: i64,
}

impl Part {
    /// What is left of its points: it halves with each half-life, in steps of a sixteenth.
    pub fn decayed(&self, now: Timestamp) -> Decimal {
        let points = Decimal::from(self.points);
        let Some(days) = self.half_life_days else { return points };
        let age = now.unix_seconds().saturating_sub(self.at).max(0);
        let steps = age.saturating_mul(16) / i64::from(days.max(1)).saturating_mul(DAY);
        let (halvings, rest) = (steps / 16, usize::try_from(steps % 16).unwrap_or_default());
        let left = SIXTEENTHS.get(rest).copied().unwrap_or_default();
        match halvings {
            0..HALVINGS => points * Decimal::new(left >> halvings, SCALE),
            _ => Decimal::ZERO,
        }
    }
}

/// All parts together: from 0 to 100, rounded half away from zero.
pub fn score(parts: &[Part], now: Timestamp) -> i32 {
    let sum: Decimal = parts.iter().map(|part| part.decayed(now)).sum();
    let whole = sum.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    i32::try_from(whole.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED)).unwrap_or_default()
}

pub fn grade(score: i32) -> &'static str {
    match score {
        75.. => "A",
        50..75 => "B",
        25..50 => "C",
        _ => "D",
    }
}

/// What the rules give for a lead and what happened with it.
pub fn parts(rules: &[Rule], lead: &impl Facts, happened: &[Happened]) -> Vec<Part> {
    let mut parts = Vec::new();
    for rule in rules {
        let part = |reason: String, at: Timestamp| Part {
            rule: rule.id,
            name: rule.name.clone(),
            points: rule.points,
            half_life_days: rule.half_life_days,
            reason,
            at: at.unix_seconds(),
        };
        match &rule.about {
            About::Field { field, operator, value } => {
                let text = lead.text(*field);
                if fits(text.as_deref(), *operator, value.as_deref()) {
                    let shown = text.unwrap_or_default();
                    parts.push(part(format!("{} is \"{shown:.80}\"", field.word()), lead.since()));
                }
            }
            About::Event { event, direction } => {
                let of_rule = happened.iter().filter(|it| {
                    it.event == *event && direction.is_none_or(|way| it.direction == Some(way))
                });
                parts.extend(of_rule.map(|it| part(event.word().to_owned(), it.at)));
            }
        }
    }
    parts.truncate(MOST_PARTS);
    parts
}

fn fits(text: Option<&str>, operator: ScoreOperator, value: Option<&str>) -> bool {
    let folded = |text: &str| text.trim().to_lowercase();
    let (text, value) = (text.map(folded), value.map(folded).unwrap_or_default());
    let number = |compare: fn(&Decimal, &Decimal) -> bool| {
        let parse = |text: &str| text.parse::<Decimal>().ok();
        text.as_deref().and_then(parse).zip(parse(&value)).is_some_and(|(a, b)| compare(&a, &b))
    };
    match operator {
        ScoreOperator::Equals => text.as_deref() == Some(value.as_str()),
        ScoreOperator::Differs => text.as_deref() != Some(value.as_str()),
        ScoreOperator::Contains => text.is_some_and(|text| text.contains(&value)),
        ScoreOperator::StartsWith => text.is_some_and(|text| text.starts_with(&value)),
        ScoreOperator::Present => text.is_some(),
        ScoreOperator::Absent => text.is_none(),
        ScoreOperator::AtLeast => number(|a, b| a >= b),
        ScoreOperator::AtMost => number(|a, b| a <= b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp(chrono::DateTime::from_timestamp(day * DAY, 0).unwrap())
    }

    fn part(points: i32, half_life_days: Option<i32>) -> Part {
        let (rule, name, reason) = (Uuid::nil(), String::new(), String::new());
        Part { rule, name, points, half_life_days, reason, at: 0 }
    }

    /// Points, half-life, age in days, and what is left.
    #[test]
    fn points_halve() {
        for (points, half_life, age, left) in [
            (40, None, 10_000, "40"),
            (40, Some(10), 0, "40"),
            (40, Some(10), 10, "20"),
            (40, Some(10), 20, "10"),
            (40, Some(10), 5, "28.28427124748"),
            (-50, Some(16), 1, "-47.88016403495"),
            (50, Some(1), 29, "0.0000000931"),
            (50, Some(1), 30, "0"),
        ] {
            let decayed = part(points, half_life).decayed(at(age)).normalize();
            let expected: Decimal = left.parse().unwrap();
            assert_eq!(decayed.round_dp(11), expected.round_dp(11), "{points} {half_life:?} {age}");
        }
    }

    #[test]
    fn a_score_is_between_nothing_and_a_hundred() {
        let of = |points: &[i32]| {
            score(&points.iter().map(|points| part(*points, None)).collect::<Vec<_>>(), at(0))
        };
        assert_eq!((of(&[]), of(&[50, 50, 50]), of(&[-50, 20])), (0, 100, 0));
        assert_eq!(of(&[50, -10, 5]), 45);
        // 7 × 2^(-1/2) = 4.9497…, 3 × 2^(-1) = 1.5 rounds away from zero.
        assert_eq!(score(&[part(7, Some(2))], at(1)), 5);
        assert_eq!(score(&[part(3, Some(1))], at(1)), 2);
        let grades = [100, 75, 74, 50, 49, 25, 24, 0].map(grade);
        assert_eq!(grades, ["A", "A", "B", "B", "C", "C", "D", "D"]);
    }

    struct Lead;

    impl Facts for Lead {
        fn text(&self, field: ScoreField) -> Option<String> {
            match field {
                ScoreField::Source => Some("Trade Fair".into()),
                ScoreField::Employees => Some("120".into()),
                _ => None,
            }
        }

        fn since(&self) -> Timestamp {
            at(0)
        }
    }

    #[test]
    fn rules_look_at_fields_and_at_what_happened() {
        use {ScoreField::*, ScoreOperator::*};
        let field = |field, operator, value: Option<&str>| About::Field {
            field,
            operator,
            value: value.map(str::to_owned),
        };
        let gives = |about: About| {
            let rule =
                Rule { id: Uuid::nil(), name: "r".into(), about, points: 10, half_life_days: None };
            let call = |direction, day| Happened {
                event: ScoreEvent::Call,
                direction: Some(direction),
                at: at(day),
            };
            let calls = [call(ScoreDirection::Inbound, 1), call(ScoreDirection::Outbound, 2)];
            score(&parts(&[rule], &Lead, &calls), at(3))
        };
        assert_eq!(gives(field(Source, Equals, Some("trade fair"))), 10);
        assert_eq!(gives(field(Source, Differs, Some("trade fair"))), 0);
        assert_eq!(gives(field(Source, Contains, Some("FAIR"))), 10);
        assert_eq!(gives(field(Source, StartsWith, Some("fair"))), 0);
        assert_eq!(gives(field(Employees, AtLeast, Some("100"))), 10);
        assert_eq!(gives(field(Employees, AtMost, Some("100"))), 0);
        assert_eq!(gives(field(Phone, Present, None)), 0);
        assert_eq!(gives(field(Phone, Absent, None)), 10);
        assert_eq!(gives(field(City, AtLeast, Some("1"))), 0);
        let event = |direction| About::Event { event: ScoreEvent::Call, direction };
        assert_eq!(gives(event(None)), 20);
        assert_eq!(gives(event(Some(ScoreDirection::Inbound))), 10);
    }
}
