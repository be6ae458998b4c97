//! The words of deals.

use crate::{enum_filter, words};

words! {
    /// What it means for a deal to be in a stage.
    StageKind {
        /// It is worked on.
        Open = "OPEN",
        /// It waits until a day, and is out of the forecast.
        OnHold = "ON_HOLD",
        /// It was won.
        Won = "WON",
        /// It was lost.
        Lost = "LOST",
    }
}

impl StageKind {
    /// Is it over?
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Won | Self::Lost)
    }
}

words! {
    /// How much a forecast counts on a deal.
    ForecastCategory {
        /// It may come.
        Pipeline = "PIPELINE",
        /// It comes if things go well.
        BestCase = "BEST_CASE",
        /// It will come.
        Commit = "COMMIT",
        /// It has come: the deal is won.
        Closed = "CLOSED",
        /// It is not counted on.
        Omitted = "OMITTED",
    }
}

words! {
    /// What a stage can ask of a deal that is to come there.
    DealField {
        /// An amount.
        Amount = "AMOUNT",
        /// A company.
        Company = "COMPANY",
        /// A contact.
        Contact = "CONTACT",
        /// A day on which it is expected to close.
        ExpectedCloseOn = "EXPECTED_CLOSE_ON",
        /// Somebody who looks after it.
        Owner = "OWNER",
        /// A territory.
        Territory = "TERRITORY",
    }
}

impl DealField {
    /// As the inputs of deals name it.
    pub fn input(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Company => "companyId",
            Self::Contact => "contactId",
            Self::ExpectedCloseOn => "expectedCloseOn",
            Self::Owner => "ownerId",
            Self::Territory => "territoryId",
        }
    }
}

enum_filter!(
    /// Compares what stages mean.
    StageKindFilter, StageKind
);

enum_filter!(
    /// Compares how much a forecast counts on deals.
    ForecastCategoryFilter, ForecastCategory
);
