//! How deals move, and what they are worth.

use std::fmt;

use rust_decimal::Decimal;
use serde_json::json;

use super::values::{DealField, ForecastCategory, StageKind};
use crate::{
    clock::Day,
    error::{ErrorCode, Problem},
    money::{Currency, Money},
};

/// A stage, as far as a move is about it. Names are unique on a pipeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop<'a> {
    pub name: &'a str,
    pub kind: StageKind,
    pub position: i32,
    pub probability: i32,
    pub required: &'a [DealField],
    pub allow_skip: bool,
}

/// A deal, and what whoever wants to move it may do.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    pub at: Stop<'a>,
    /// Of a deal that is held: how far it had come.
    pub before_hold: Option<i32>,
    pub has: Vec<DealField>,
    /// May they move it (`deal:update`)?
    pub may_move: bool,
    /// May they skip stages, and open again what was closed (`deal:manage`)?
    pub may_manage: bool,
    /// Is there an accepted quote, or does it need none to be won?
    pub may_be_won: bool,
}

/// What stands in the way of a move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blocker<'a> {
    /// They lack this permission for this deal.
    Permission(&'static str),
    /// No deal goes from the one to the other.
    NoWay,
    /// This stage would be left out.
    Skips(&'a str),
    /// The stage asks for this, and the deal has none.
    Required(DealField),
    /// It takes an accepted quote.
    Quote,
}

/// For programs: what it is, a colon, and what of it.
impl fmt::Display for Blocker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission(name) => write!(f, "permission:{name}"),
            Self::NoWay => f.write_str("transition"),
            Self::Skips(name) => write!(f, "skips:{name}"),
            Self::Required(field) => write!(f, "required:{}", field.input()),
            Self::Quote => f.write_str("quote:accepted"),
        }
    }
}

/// Whether a deal may go to a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict<'a> {
    pub blockers: Vec<Blocker<'a>>,
    /// It takes `deal:manage`.
    pub managed: bool,
}

const MOVE: &str = "deal:update";
const MANAGE: &str = "deal:manage";

/// What stands in the way from where a deal is to another stage of its pipeline.
pub fn judge<'a>(deal: &Standing<'_>, to: &Stop<'_>, stages: &[Stop<'a>]) -> Verdict<'a> {
    use StageKind::{Lost, OnHold, Open, Won};
    let mut blockers = Vec::new();
    let mut managed = false;
    if !deal.may_move {
        blockers.push(Blocker::Permission(MOVE));
    }
    let come = match (deal.at.kind, to.kind) {
        _ if deal.at == *to => None,
        (Open, Open) => Some(Some(deal.at.position)),
        (OnHold, Open) => Some(deal.before_hold),
        (Open, OnHold | Lost | Won) => Some(None),
        (Won | Lost, Open) => {
            managed = true;
            Some(None)
        }
        _ => {
            blockers.push(Blocker::NoWay);
            return Verdict { blockers, managed };
        }
    };
    let Some(come) = come else {
        blockers.push(Blocker::NoWay);
        return Verdict { blockers, managed };
    };
    if managed && !deal.may_manage {
        blockers.push(Blocker::Permission(MANAGE));
    }
    if let Some(come) = come {
        let between = |stage: &&Stop<'_>| come < stage.position && stage.position < to.position;
        let kept = |stage: &&Stop<'_>| stage.kind == Open && !stage.allow_skip;
        let skipped: Vec<_> = stages.iter().filter(between).filter(kept).collect();
        managed |= !skipped.is_empty();
        if !deal.may_manage {
            blockers.extend(skipped.iter().map(|stage| Blocker::Skips(stage.name)));
        }
    }
    if to.kind == Won && !deal.may_be_won {
        blockers.push(Blocker::Quote);
    }
    let missing = to.required.iter().filter(|field| !deal.has.contains(field));
    blockers.extend(missing.map(|field| Blocker::Required(*field)));
    Verdict { blockers, managed }
}

/// The names of the stages that a deal may go to now.
pub fn allowed<'a>(deal: &Standing<'_>, stages: &[Stop<'a>]) -> Vec<&'a str> {
    let may = |to: &&Stop<'a>| judge(deal, to, stages).blockers.is_empty();
    stages.iter().filter(may).map(|stage| stage.name).collect()
}

/// What is said besides with a move.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub reason: Option<String>,
    pub hold_until: Option<Day>,
}

/// Why a move is refused; empty: it is not.
pub fn refusals(
    deal: &Standing<'_>,
    to: &Stop<'_>,
    stages: &[Stop<'_>],
    (said, today): (&Said, Day),
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut barred = Vec::new();
    for blocker in judge(deal, to, stages).blockers {
        match blocker {
            Blocker::Required(field) => {
                let told = format!("The stage {} asks for it.", to.name);
                problems.push(Problem::new(ErrorCode::Required, [field.input()], told));
            }
            other => barred.push(other.to_string()),
        }
    }
    if !barred.is_empty() {
        let told = format!("A deal in {} does not go to {} like this.", deal.at.name, to.name);
        let details = json!({
            "from": deal.at.name,
            "to": to.name,
            "allowed": allowed(deal, stages),
            "blockedBy": barred,
        });
        let problem = Problem::new(ErrorCode::InvalidTransition, ["stageId"], told);
        return vec![problem.with_details(details)];
    }
    let mut needs = |code, field, told: &str| problems.push(Problem::new(code, [field], told));
    if said.reason.is_none() && to.kind == StageKind::Lost {
        needs(ErrorCode::Required, "reason", "Say why it was lost.");
    }
    if said.reason.is_none() && deal.at.kind.is_closed() {
        needs(ErrorCode::Required, "reason", "Say why it is opened again.");
    }
    match (to.kind, said.hold_until) {
        (StageKind::OnHold, None) => {
            needs(ErrorCode::Required, "holdUntil", "Say until when it waits.");
        }
        (StageKind::OnHold, Some(day)) if day < today => {
            needs(ErrorCode::Invalid, "holdUntil", "is over already");
        }
        (StageKind::OnHold, Some(_)) | (_, None) => {}
        (_, Some(_)) => needs(ErrorCode::Invalid, "holdUntil", "is for a stage that holds deals"),
    }
    problems
}

/// How likely a deal is, and what a forecast makes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Odds {
    pub probability: i32,
    /// By hand.
    pub set: bool,
    pub forecast: ForecastCategory,
}

/// What becomes of the odds in another stage. What was said by hand holds as long as the deal is
/// worked on.
pub fn odds(now: Odds, from: StageKind, to: &Stop<'_>) -> Odds {
    let stays = now.set && !from.is_closed() && !to.kind.is_closed();
    let probability = if stays { now.probability } else { to.probability };
    let forecast = match (from, to.kind) {
        (StageKind::Open, StageKind::Open) => now.forecast,
        (_, kind) => forecast_of(kind),
    };
    Odds { probability, set: stays, forecast }
}

/// What a forecast makes of a deal as long as nobody says otherwise.
pub fn forecast_of(kind: StageKind) -> ForecastCategory {
    match kind {
        StageKind::Open => ForecastCategory::Pipeline,
        StageKind::Won => ForecastCategory::Closed,
        StageKind::OnHold | StageKind::Lost => ForecastCategory::Omitted,
    }
}

/// Can it be said of a deal in such a stage? Of one that is worked on anything but that it is over.
pub fn may_be_forecast(kind: StageKind, forecast: ForecastCategory) -> bool {
    match kind {
        StageKind::Open => forecast != ForecastCategory::Closed,
        other => forecast == forecast_of(other),
    }
}

/// amount × rate × probability / 100, rounded half away from zero to the currency's digits; exact
/// until then. `None`: larger than an amount can be.
pub fn weighted(amount: Decimal, rate: Decimal, probability: i32, base: Currency) -> Option<Money> {
    let digits = base.minor_units();
    let product = amount.mantissa().checked_mul(rate.mantissa())?;
    let product = product.checked_mul(i128::from(probability))?;
    // Two more: it was in percent.
    let scale = amount.scale() + rate.scale() + 2;
    let product = product.checked_mul(10_i128.checked_pow(digits.saturating_sub(scale))?)?;
    let unit = 10_i128.checked_pow(scale.saturating_sub(digits))?;
    let (whole, rest) = (product / unit, product % unit);
    let up = if rest.abs() >= unit - rest.abs() { rest.signum() } else { 0 };
    let amount = Decimal::try_from_i128_with_scale(whole + up, digits).ok()?;
    Some(Money { amount, currency: base })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stop(name: &str, kind: StageKind, position: i32, probability: i32) -> Stop<'_> {
        Stop { name, kind, position, probability, required: &[], allow_skip: false }
    }

    const STAGES: [Stop<'_>; 6] = [
        stop("First", StageKind::Open, 1, 10),
        stop("Second", StageKind::Open, 2, 20),
        stop("Third", StageKind::Open, 3, 50),
        stop("Hold", StageKind::OnHold, 4, 5),
        stop("Won", StageKind::Won, 5, 100),
        stop("Lost", StageKind::Lost, 6, 0),
    ];
    const TODAY: Day = Day::LAST;

    fn standing(at: usize, may_manage: bool) -> Standing<'static> {
        let (may_move, may_be_won) = (true, true);
        let before_hold = Some(1);
        Standing { at: STAGES[at], before_hold, has: vec![], may_move, may_manage, may_be_won }
    }

    #[test]
    fn the_table_of_moves() {
        let (rep, manager) = (false, true);
        for (from, who, to) in [
            (0, rep, vec!["Second", "Hold", "Won", "Lost"]),
            (0, manager, vec!["Second", "Third", "Hold", "Won", "Lost"]),
            (1, rep, vec!["First", "Third", "Hold", "Won", "Lost"]),
            (2, rep, vec!["First", "Second", "Hold", "Won", "Lost"]),
            // Holding a deal is no way to skip a stage.
            (3, rep, vec!["First", "Second"]),
            (3, manager, vec!["First", "Second", "Third"]),
            (4, rep, vec![]),
            (4, manager, vec!["First", "Second", "Third"]),
            (5, rep, vec![]),
            (5, manager, vec!["First", "Second", "Third"]),
        ] {
            assert_eq!(allowed(&standing(from, who), &STAGES), to, "from {from}, {who}");
        }
    }

    #[test]
    fn a_stage_that_may_be_skipped_does_not_block() {
        let mut stages = STAGES;
        stages[1].allow_skip = true;
        let verdict = judge(&standing(0, false), &stages[2], &stages);
        assert_eq!(verdict, Verdict { blockers: vec![], managed: false });
        let skips = judge(&standing(0, false), &STAGES[2], &STAGES);
        assert_eq!(skips.blockers, [Blocker::Skips("Second")]);
        assert!(judge(&standing(0, true), &STAGES[2], &STAGES).managed);
    }

    #[test]
    fn what_is_missing_is_told_at_once() {
        let required = &[DealField::Amount, DealField::Company];
        let to = Stop { required, ..STAGES[5] };
        let mut deal = standing(0, false);
        deal.has = vec![DealField::Company];
        let refused = refusals(&deal, &to, &STAGES, (&Said::default(), TODAY));
        let fields: Vec<_> = refused.iter().map(|problem| problem.field[0].as_str()).collect();
        assert_eq!(fields, ["amount", "reason"]);
    }

    #[test]
    fn a_held_deal_waits_until_a_day_to_come() {
        let hold = |hold_until| {
            let said = Said { hold_until, ..Said::default() };
            refusals(&standing(0, false), &STAGES[3], &STAGES, (&said, TODAY)).len()
        };
        let past = Day(TODAY.0.pred_opt().unwrap());
        assert_eq!((hold(None), hold(Some(past)), hold(Some(TODAY))), (1, 1, 0));
    }

    #[test]
    fn winning_may_take_a_quote() {
        let deal = Standing { may_be_won: false, ..standing(2, true) };
        let refused = refusals(&deal, &STAGES[4], &STAGES, (&Said::default(), TODAY));
        assert_eq!(refused[0].code, ErrorCode::InvalidTransition);
        let allowed = json!(["First", "Second", "Hold", "Lost"]);
        assert_eq!(refused[0].details.as_ref().unwrap()["allowed"], allowed);
    }

    #[test]
    fn what_was_said_by_hand_holds_while_a_deal_is_worked_on() {
        let by_hand = Odds { probability: 33, set: true, forecast: ForecastCategory::Commit };
        assert_eq!(odds(by_hand, StageKind::Open, &STAGES[1]), by_hand);
        let won = Odds { probability: 100, set: false, forecast: ForecastCategory::Closed };
        assert_eq!(odds(by_hand, StageKind::Open, &STAGES[4]), won);
        let open = Odds { probability: 20, set: false, forecast: ForecastCategory::Pipeline };
        assert_eq!(odds(won, StageKind::Won, &STAGES[1]), open);
        let held = odds(by_hand, StageKind::Open, &STAGES[3]);
        assert_eq!(held.forecast, ForecastCategory::Omitted);
    }

    #[test]
    fn weighted_amounts_are_exact() {
        for (amount, rate, probability, base, expected) in [
            ("1000", "1", 50, "USD", Some("500.00")),
            ("0.01", "1", 50, "USD", Some("0.01")),
            ("-0.01", "1", 50, "USD", Some("-0.01")),
            ("0.03", "1", 10, "USD", Some("0.00")),
            ("100", "1.08345678", 20, "USD", Some("21.67")),
            ("1000", "157.25", 10, "JPY", Some("15725")),
            ("10.005", "0.3", 33, "KWD", Some("0.990")),
            ("999999999999999.999", "1", 100, "USD", Some("1000000000000000.00")),
            ("1", "0.00499999", 100, "USD", Some("0.00")),
            ("1", "0.005", 100, "USD", Some("0.01")),
            ("5", "1", 1, "KWD", Some("0.050")),
            (
                "999999999999999.999",
                "9999999999.99999999",
                100,
                "KWD",
                Some("9999999999999999980000000.000"),
            ),
            ("0", "1.5", 100, "USD", Some("0.00")),
        ] {
            let base = Currency::parse(base).unwrap();
            let money = weighted(amount.parse().unwrap(), rate.parse().unwrap(), probability, base);
            let text = money.map(|money| money.amount.to_string());
            assert_eq!(text.as_deref(), expected, "{amount} × {rate} × {probability} %");
        }
    }
}
