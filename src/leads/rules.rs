//! Where a lead may go, who may send it there, and what it takes.

use super::values::{LeadStatus, LeadStatus::*};

/// A way from one status to another: each is a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Work,
    Nurture,
    Qualify,
    Disqualify,
    Reopen,
    Convert,
    Merge,
}

impl Step {
    pub const ALL: [Self; 7] = [
        Self::Work,
        Self::Nurture,
        Self::Qualify,
        Self::Disqualify,
        Self::Reopen,
        Self::Convert,
        Self::Merge,
    ];

    /// The mutation's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Work => "leadWork",
            Self::Nurture => "leadNurture",
            Self::Qualify => "leadQualify",
            Self::Disqualify => "leadDisqualify",
            Self::Reopen => "leadReopen",
            Self::Convert => "leadConvert",
            Self::Merge => "leadMerge",
        }
    }

    pub fn to(self) -> LeadStatus {
        match self {
            Self::Work | Self::Reopen => Working,
            Self::Nurture => Nurturing,
            Self::Qualify => Qualified,
            Self::Disqualify => Unqualified,
            Self::Convert => Converted,
            Self::Merge => Duplicate,
        }
    }

    pub fn leads_from(self, status: LeadStatus) -> bool {
        let from: &[LeadStatus] = match self {
            Self::Work => &[New, Nurturing],
            Self::Nurture => &[Working],
            Self::Qualify => &[New, Working, Nurturing],
            Self::Disqualify => &[New, Working, Nurturing, Qualified],
            Self::Reopen => &[Unqualified],
            Self::Convert => &[Qualified],
            Self::Merge => &[New, Working, Nurturing, Qualified, Unqualified],
        };
        from.contains(&status)
    }

    /// Is it for those only who manage leads, whoever's the lead is?
    pub fn is_for_managers(self) -> bool {
        matches!(self, Self::Reopen | Self::Merge)
    }
}

/// A lead that is at its end is not changed any more.
pub fn is_read_only(status: LeadStatus) -> bool {
    matches!(status, Converted | Duplicate)
}

/// Where a lead can go from here.
pub fn onward(status: LeadStatus) -> Vec<LeadStatus> {
    let mut onward = Vec::new();
    for step in Step::ALL.into_iter().filter(|step| step.leads_from(status)) {
        if !onward.contains(&step.to()) {
            onward.push(step.to());
        }
    }
    onward
}

/// What a step depends on: the lead, and whoever wants to take it.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub status: LeadStatus,
    /// May they change the lead at all?
    pub updates: bool,
    /// Is it theirs?
    pub owns: bool,
    /// Do they manage leads, and this one too?
    pub manages: bool,
    pub has_owner: bool,
    /// Is there an e-mail address or a telephone number?
    pub can_be_reached: bool,
    /// Has it the score that the tenant wants of a qualified lead?
    pub scores: bool,
}

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Not from here.
    Status,
    /// They may not change the lead.
    Update,
    /// It is not theirs, and they do not manage leads.
    Manage,
    /// It is nobody's.
    Owner,
    /// Neither e-mail address nor telephone number.
    Contact,
    /// The score is too low.
    Score,
}

impl Block {
    /// For programs: what stands in the way, and what of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "transition",
            Self::Update => "permission:lead:update",
            Self::Manage => "permission:lead:manage",
            Self::Owner => "required:ownerId",
            Self::Contact => "required:email",
            Self::Score => "required:score",
        }
    }
}

/// All that keeps a step from being taken; nothing: it can be.
pub fn blocks(step: Step, standing: Standing) -> Vec<Block> {
    let Standing { updates, owns, manages, .. } = standing;
    let may = match step.is_for_managers() {
        true => manages,
        false => updates && (owns || manages),
    };
    let denied = if updates || step.is_for_managers() { Block::Manage } else { Block::Update };
    let qualifies = step == Step::Qualify;
    let starts = step == Step::Work && standing.status == New;
    [
        (!step.leads_from(standing.status), Block::Status),
        (!may, denied),
        (starts && !standing.has_owner, Block::Owner),
        (qualifies && !standing.can_be_reached, Block::Contact),
        (qualifies && !standing.scores, Block::Score),
    ]
    .into_iter()
    .filter_map(|(blocked, block)| blocked.then_some(block))
    .collect()
}

/// How long the note must be that says what "OTHER" is.
pub const NOTE: usize = 10;

/// "OTHER" says nothing: it takes a note.
pub fn needs_note(reason: &str, note: Option<&str>) -> bool {
    reason.eq_ignore_ascii_case("OTHER") && note.is_none_or(|note| note.chars().count() < NOTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(status: LeadStatus) -> Standing {
        Standing {
            status,
            updates: true,
            owns: true,
            manages: false,
            has_owner: true,
            can_be_reached: true,
            scores: true,
        }
    }

    /// All pairs: what is not written here is refused.
    #[test]
    fn every_pair_is_allowed_or_refused() {
        let allowed = [
            (New, Working),
            (New, Qualified),
            (New, Unqualified),
            (New, Duplicate),
            (Working, Nurturing),
            (Working, Qualified),
            (Working, Unqualified),
            (Working, Duplicate),
            (Nurturing, Working),
            (Nurturing, Qualified),
            (Nurturing, Unqualified),
            (Nurturing, Duplicate),
            (Qualified, Converted),
            (Qualified, Unqualified),
            (Qualified, Duplicate),
            (Unqualified, Working),
            (Unqualified, Duplicate),
        ];
        for from in LeadStatus::ALL {
            for to in LeadStatus::ALL {
                let manager = Standing { manages: true, ..owner(*from) };
                let can = Step::ALL
                    .iter()
                    .any(|step| step.to() == *to && blocks(*step, manager).is_empty());
                assert_eq!(can, allowed.contains(&(*from, *to)), "{from:?} to {to:?}");
                assert_eq!(can, onward(*from).contains(to), "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn who_may() {
        let stranger = |status| Standing { owns: false, ..owner(status) };
        assert_eq!(blocks(Step::Work, owner(New)), []);
        assert_eq!(blocks(Step::Work, stranger(New)), [Block::Manage]);
        assert_eq!(blocks(Step::Work, Standing { manages: true, ..stranger(New) }), []);
        assert_eq!(blocks(Step::Reopen, owner(Unqualified)), [Block::Manage]);
        let reader = Standing { updates: false, ..stranger(New) };
        assert_eq!(blocks(Step::Work, reader), [Block::Update]);
        assert_eq!(blocks(Step::Merge, reader), [Block::Manage]);
    }

    #[test]
    fn what_it_takes() {
        let nobodys = Standing { has_owner: false, owns: false, manages: true, ..owner(New) };
        assert_eq!(blocks(Step::Work, nobodys), [Block::Owner]);
        let silent = Standing { can_be_reached: false, scores: false, ..owner(Working) };
        assert_eq!(blocks(Step::Qualify, silent), [Block::Contact, Block::Score]);
        assert!(needs_note("other", Some("too short")));
        assert!(needs_note("OTHER", None));
        assert!(!needs_note("OTHER", Some("long enough")));
        assert!(!needs_note("BUDGET", None));
    }
}
