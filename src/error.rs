//! What can go wrong, by what the client can do about it. One type from model to edge.

use std::{error::Error as StdError, time::Duration};

use async_graphql::{Enum, ErrorExtensions, Name, Value, indexmap::IndexMap};
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use serde::{Deserialize, Serialize};

use crate::{access::Permission, db::Stale};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything a resolver may answer with instead of data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Sign in first.
    #[error("Sign in to use this.")]
    Unauthenticated,
    /// Ask somebody who may.
    #[error("This needs the permission {0}.")]
    Forbidden(Permission),
    /// Show the second factor (`stepUp`), then try again.
    #[error("This needs a fresh second factor: {0}.")]
    StepUp(Permission),
    /// No such record, or none that the caller may see: nobody learns which.
    #[error("There is no such record.")]
    NotFound,
    /// Mend the argument: it could not be understood at all.
    #[error("{0}")]
    BadInput(String),
    /// Start again from the first page.
    #[error("The cursor belongs to another list, order or filter, or was changed.")]
    InvalidCursor,
    /// Mend the input, or accept that a rule forbids it: in a mutation these are `userErrors`.
    #[error("{}", .0.first().map_or("refused", |problem| &problem.message))]
    Refused(Vec<Problem>),
    /// Read again: somebody changed the record. The write door tells what.
    #[error(transparent)]
    Stale(Stale),
    /// Use a new key for a new request.
    #[error("This Idempotency-Key was used with another request.")]
    KeyReused,
    /// Wait, then try again.
    #[error("Too many requests.")]
    Limited { retry_after: Duration },
    /// Try again later: the database is away.
    #[error("The service is not available right now.")]
    Unavailable(#[source] Source),
    /// Ask for less at once.
    #[error("This took too long.")]
    Timeout,
    /// Ask for less at once: the answer would not fit.
    #[error("{0}")]
    TooMuch(&'static str),
    /// Report it, with the request id.
    #[error("Something went wrong on our side.")]
    Internal(#[source] Source),
}

type Source = Box<dyn StdError + Send + Sync>;

impl Error {
    /// The stable code in `extensions.code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden(_) | Self::StepUp(_) => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadInput(_) | Self::Refused(_) | Self::Stale(_) => "BAD_USER_INPUT",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::Limited { .. } => "THROTTLED",
            Self::Unavailable(_) => "UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
            Self::TooMuch(_) => "COST_LIMIT_EXCEEDED",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// One refusal, about one place in the input.
    pub fn refused(code: ErrorCode, field: &str, message: &str) -> Self {
        Self::Refused(vec![Problem::new(code, [field], message)])
    }

    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }
}

/// Why a mutation wrote nothing. Clients treat a code they do not know as `INVALID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The value is not acceptable; the message says why.
    Invalid,
    /// The value is missing.
    Required,
    /// The text is longer than can be kept.
    TooLong,
    /// No such record, or none that you may see.
    NotFound,
    /// Another record has this value, and only one may.
    Duplicate,
    /// Somebody changed the record since you read it; `details` has both versions.
    StaleVersion,
    /// You may not write this field.
    ForbiddenField,
    /// The record's state does not allow this; `details` has from, to and allowed.
    InvalidTransition,
    /// The e-mail address or the password is wrong.
    InvalidCredentials,
    /// The second factor is needed, or was wrong.
    TotpRequired,
    /// The password is too easily guessed.
    WeakPassword,
    /// The total you expected is not the total.
    TotalMismatch,
    /// No price is valid for the line.
    NoPrice,
    /// The discount is larger than what it is taken from.
    DiscountTooLarge,
    /// Nobody could approve this.
    NoApprover,
    /// The content changed since the approval was asked for.
    StaleApproval,
    /// Nobody approves their own record.
    SelfApproval,
    /// The content changed since you saw it.
    StaleContent,
    /// The time for this is over.
    Expired,
    /// A newer version took its place.
    Superseded,
    /// It was withdrawn.
    Withdrawn,
    /// It was accepted already.
    AlreadyAccepted,
    /// A deposit comes first.
    DepositRequired,
    /// More was allocated than there is.
    OverAllocated,
    /// The tree would bite its own tail.
    Cycle,
    /// A tenant keeps at least one owner.
    LastOwner,
    /// Somebody else has booked it.
    CapacityConflict,
    /// There may be no more of these.
    LimitReached,
}

/// One refusal: a code for programs, a path into the input, a sentence for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    pub code: ErrorCode,
    pub field: Vec<String>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
    /// In a bulk mutation: which element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<usize>,
}

impl Problem {
    pub fn new<'a>(
        code: ErrorCode,
        field: impl IntoIterator<Item = &'a str>,
        message: impl Into<String>,
    ) -> Self {
        let field = field.into_iter().map(str::to_owned).collect();
        Self { code, field, message: message.into(), details: None, element: None }
    }

    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }
}

/// What a violated constraint means to a client: its name, the code, the field, the sentence.
/// A test holds this against the catalogue.
pub const CONSTRAINTS: &[(&str, ErrorCode, &str, &str)] = &[
    ("api_clients_name_key", ErrorCode::Duplicate, "name", "Another program has this name."),
    ("companies_domain_key", ErrorCode::Duplicate, "domain", "Another company has this domain."),
    ("company_tags_once", ErrorCode::Duplicate, "tagIds", "The company has this tag already."),
    ("company_tags_company_fkey", ErrorCode::NotFound, "id", "There is no such company."),
    ("company_tags_tag_fkey", ErrorCode::NotFound, "tagIds", "There is no such tag."),
    ("contact_tags_once", ErrorCode::Duplicate, "tagIds", "The contact has this tag already."),
    ("contact_tags_contact_fkey", ErrorCode::NotFound, "id", "There is no such contact."),
    ("contact_tags_tag_fkey", ErrorCode::NotFound, "tagIds", "There is no such tag."),
    ("deal_tags_once", ErrorCode::Duplicate, "tagIds", "The deal has this tag already."),
    ("deal_tags_deal_fkey", ErrorCode::NotFound, "id", "There is no such deal."),
    ("deal_tags_tag_fkey", ErrorCode::NotFound, "tagIds", "There is no such tag."),
    ("lead_tags_once", ErrorCode::Duplicate, "tagIds", "The lead has this tag already."),
    ("lead_tags_lead_fkey", ErrorCode::NotFound, "id", "There is no such lead."),
    ("lead_tags_tag_fkey", ErrorCode::NotFound, "tagIds", "There is no such tag."),
    ("activities_company_fkey", ErrorCode::NotFound, "aboutId", "There is no such company."),
    ("activities_contact_fkey", ErrorCode::NotFound, "aboutId", "There is no such contact."),
    ("activities_deal_fkey", ErrorCode::NotFound, "aboutId", "There is no such deal."),
    ("activities_lead_fkey", ErrorCode::NotFound, "aboutId", "There is no such lead."),
    ("activities_owner_fkey", ErrorCode::NotFound, "ownerId", "There is no such user."),
    ("companies_territory_fkey", ErrorCode::Invalid, "id", "Companies still belong to it."),
    ("contacts_company_fkey", ErrorCode::NotFound, "companyId", "There is no such company."),
    ("contacts_email_key", ErrorCode::Duplicate, "email", "Another contact has this address."),
    ("contacts_owner_fkey", ErrorCode::NotFound, "ownerId", "There is no such user."),
    ("contacts_territory_fkey", ErrorCode::Invalid, "id", "Contacts still belong to it."),
    ("territories_name_key", ErrorCode::Duplicate, "name", "Another one beside it has this name."),
    ("territories_parent_fkey", ErrorCode::NotFound, "parentId", "There is no such territory."),
    ("territory_members_territory_fkey", ErrorCode::NotFound, "id", "There is no such territory."),
    ("territory_members_member_fkey", ErrorCode::NotFound, "members", "There is no such user."),
    ("territory_members_once", ErrorCode::Duplicate, "members", "Each member is there once."),
    ("territory_rules_territory_fkey", ErrorCode::NotFound, "id", "There is no such territory."),
    ("companies_owner_fkey", ErrorCode::NotFound, "ownerId", "There is no such user."),
    ("currency_rates_once", ErrorCode::Duplicate, "validFrom", "There is a rate from that day on."),
    ("deals_company_fkey", ErrorCode::NotFound, "companyId", "There is no such company."),
    ("deals_contact_fkey", ErrorCode::NotFound, "contactId", "There is no such contact."),
    ("deals_owner_fkey", ErrorCode::NotFound, "ownerId", "There is no such user."),
    ("deals_stage_fkey", ErrorCode::NotFound, "stageId", "The pipeline has no such stage."),
    ("deals_territory_fkey", ErrorCode::Invalid, "id", "Deals still belong to it."),
    ("leads_merged_fkey", ErrorCode::NotFound, "intoId", "There is no such lead."),
    ("leads_owner_fkey", ErrorCode::NotFound, "ownerId", "There is no such user."),
    ("leads_territory_fkey", ErrorCode::Invalid, "id", "Leads still belong to it."),
    ("membership_roles_once", ErrorCode::Duplicate, "roleIds", "The person has this role already."),
    (
        "membership_roles_role_fkey",
        ErrorCode::NotFound,
        "roleIds",
        "There is no such role, or somebody still has it.",
    ),
    ("memberships_manager_fkey", ErrorCode::NotFound, "managerId", "There is no such user."),
    ("pipelines_name_key", ErrorCode::Duplicate, "name", "Another pipeline has this name."),
    ("role_grants_once", ErrorCode::Duplicate, "grants", "A permission is granted once."),
    ("role_grants_role_fkey", ErrorCode::NotFound, "id", "There is no such role."),
    ("roles_name_key", ErrorCode::Duplicate, "name", "Another role has this name."),
    ("score_rules_name_key", ErrorCode::Duplicate, "name", "Another rule has this name."),
    ("saved_views_name_key", ErrorCode::Duplicate, "name", "Another view of theirs has this name."),
    ("saved_views_owner_fkey", ErrorCode::NotFound, "ownerId", "There is no such user."),
    ("sso_identities_person_key", ErrorCode::Duplicate, "state", "Somebody signs in as them now."),
    (
        "sso_identities_provider_fkey",
        ErrorCode::NotFound,
        "state",
        "There is no such identity provider.",
    ),
    ("sso_identities_subject_key", ErrorCode::Duplicate, "state", "Somebody signs in as them now."),
    ("sso_providers_name_key", ErrorCode::Duplicate, "name", "Another provider has this name."),
    ("stage_changes_deal_fkey", ErrorCode::NotFound, "id", "There is no such deal."),
    ("stage_changes_from_fkey", ErrorCode::NotFound, "stageId", "There is no such stage."),
    ("stage_changes_to_fkey", ErrorCode::NotFound, "stageId", "There is no such stage."),
    (
        "stages_name_key",
        ErrorCode::Duplicate,
        "name",
        "Another stage of the pipeline has this name.",
    ),
    ("stages_of_pipeline", ErrorCode::Duplicate, "stageId", "The pipeline has this stage already."),
    ("stages_pipeline_fkey", ErrorCode::NotFound, "pipelineId", "There is no such pipeline."),
    ("tags_name_key", ErrorCode::Duplicate, "name", "Another tag has this name."),
    ("tenants_slug_key", ErrorCode::Duplicate, "tenant", "Another tenant has this short name."),
    ("users_email_key", ErrorCode::Duplicate, "email", "Another user has this e-mail address."),
];

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let (kind, info) = match &error {
            DieselError::NotFound => return Self::NotFound,
            DieselError::DatabaseError(kind, info) => (kind, info),
            _ => return Self::internal(error),
        };
        match kind {
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Unavailable(Box::new(error))
            }
            // diesel-async does not pass the SQLSTATE on (57P01 to 57P03, 57014).
            DatabaseErrorKind::Unknown if says(&**info, &GOING_AWAY) => {
                Self::Unavailable(Box::new(error))
            }
            DatabaseErrorKind::Unknown if says(&**info, &["canceling statement due to"]) => {
                Self::Timeout
            }
            DatabaseErrorKind::Unknown
                if says(&**info, &["invalid byte sequence for encoding"]) =>
            {
                Self::BadInput("Text must not hold the character U+0000.".into())
            }
            _ => match info.constraint_name().and_then(known_constraint) {
                Some(problem) => Self::Refused(vec![problem]),
                None => Self::internal(error),
            },
        }
    }
}

const GOING_AWAY: [&str; 4] = [
    "terminating connection",
    "the database system is",
    "connection closed",
    "remaining connection slots are reserved",
];

fn says(info: &(dyn DatabaseErrorInformation + Send + Sync), words: &[&str]) -> bool {
    words.iter().any(|words| info.message().contains(words))
}

/// On Citus a constraint's name ends in the number of its shard.
fn known_constraint(name: &str) -> Option<Problem> {
    let bare = match name.rsplit_once('_') {
        Some((bare, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => name,
    };
    let (_, code, field, message) = CONSTRAINTS.iter().find(|(known, ..)| *known == bare)?;
    Some(Problem::new(*code, [*field], *message))
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        let code = error.code();
        let problems = match &error {
            Error::Refused(problems) => Some(problems.clone()),
            _ => None,
        };
        let wants_factor = matches!(error, Error::StepUp(_));
        let retry_after = match &error {
            Error::Limited { retry_after } => Some(retry_after.as_secs().max(1)),
            _ => None,
        };
        // The source goes to the log at the edge; the client gets the sentence alone.
        let mut told = Self::new(error.to_string());
        told.source = Some(std::sync::Arc::new(error));
        told.extend_with(|_, extensions| {
            extensions.set("code", code);
            if let Some(seconds) = retry_after {
                extensions.set("retryAfter", seconds);
            }
            if wants_factor {
                extensions.set("reason", enum_text(ErrorCode::TotpRequired));
            }
            if let Some(problem) = problems.as_ref().and_then(|problems| problems.first()) {
                extensions.set("reason", enum_text(problem.code));
                extensions.set("field", problem.field.clone());
            }
        })
    }
}

fn enum_text(code: ErrorCode) -> Value {
    async_graphql::resolver_utils::enum_value(code)
}

/// JSON as a GraphQL value, for `details`.
pub fn json_value(json: &serde_json::Value) -> Value {
    Value::from_json(json.clone()).unwrap_or_else(|_| Value::Object(IndexMap::<Name, Value>::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_is_known_on_a_shard_too() {
        assert!(known_constraint("companies_domain_key").is_some());
        assert!(known_constraint("companies_domain_key_102008").is_some());
        assert!(known_constraint("companies_elsewhere").is_none());
    }

    #[test]
    fn sql_never_reaches_the_client() {
        let error = DieselError::DatabaseError(
            DatabaseErrorKind::Unknown,
            Box::new("syntax error at or near \"FROM\"".to_owned()),
        );
        let told: async_graphql::Error = Error::from(error).into();
        assert_eq!(told.message, "Something went wrong on our side.");
    }
}
