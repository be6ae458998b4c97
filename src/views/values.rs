//! The words of saved views.

use crate::{enum_filter, words};

words! {
    /// Of which list a view is.
    ViewKind {
        /// Of `activities`.
        Activity = "ACTIVITY",
        /// Of `companies`.
        Company = "COMPANY",
        /// Of `contacts`.
        Contact = "CONTACT",
        /// Of `deals`.
        Deal = "DEAL",
        /// Of `leads`.
        Lead = "LEAD",
    }
}

words! {
    /// Who sees a view.
    ViewVisibility {
        /// Its owner.
        Private = "PRIVATE",
        /// Besides, those who report to the owner and those whom the owner reports to, at any distance,
        /// and whoever reports to the same person.
        Team = "TEAM",
        /// Everybody who sees views.
        Public = "PUBLIC",
    }
}

enum_filter!(
    /// Compares of which list views are.
    ViewKindFilter, ViewKind
);

enum_filter!(
    /// Compares who sees views.
    ViewVisibilityFilter, ViewVisibility
);
