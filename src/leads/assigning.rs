//! Whose turn it is.

use uuid::Uuid;

/// Somebody who takes on leads of a territory.
#[derive(Clone, Copy, Debug)]
pub struct Taker {
    pub user: Uuid,
    /// How many open leads at most; `None`: any number.
    pub cap: Option<i32>,
    /// How many they have.
    pub open: i64,
}

/// The next after whoever was last, of those who have room; `takers` come by their ids. Nobody:
/// the lead waits.
pub fn next(takers: &[Taker], last: Option<Uuid>) -> Option<Uuid> {
    let room = |taker: &&Taker| taker.cap.is_none_or(|cap| taker.open < i64::from(cap));
    let free = || takers.iter().filter(room).map(|taker| taker.user);
    free().find(|user| last.is_some_and(|last| *user > last)).or_else(|| free().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taker(n: u128, cap: Option<i32>, open: i64) -> Taker {
        Taker { user: Uuid::from_u128(n), cap, open }
    }

    #[test]
    fn turns_go_round_and_leave_out_who_has_no_room() {
        let all = [taker(1, None, 9), taker(2, Some(3), 3), taker(3, Some(3), 2)];
        let next =
            |last: Option<u128>| next(&all, last.map(Uuid::from_u128)).map(|it| it.as_u128());
        assert_eq!(
            [next(None), next(Some(1)), next(Some(3)), next(Some(7))],
            [Some(1), Some(3), Some(1), Some(1)]
        );
        assert_eq!(super::next(&[taker(2, Some(0), 0)], None), None);
        assert_eq!(super::next(&[], None), None);
    }
}
