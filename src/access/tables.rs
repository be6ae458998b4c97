//! What one needs to see of each table, wherever its rows show up: in the audit trail, in the feed
//! of changes, in an explanation. A test holds this list against the catalogue.

use super::Permission::{self, *};
use uuid::Uuid;

use crate::db::{Column, Reference, Whose};

/// A table whose changes are written down.
#[derive(Clone, Copy, Debug)]
pub struct Guarded {
    pub table: &'static str,
    /// What a change of a row is a change of, as the schema calls it.
    pub kind: &'static str,
    /// What the ids of its rows begin with.
    pub prefix: &'static str,
    pub read: Permission,
    /// Whose a row is, where that matters.
    pub whose: Option<&'static Whose>,
    /// Are deleted rows kept?
    pub deletable: bool,
    /// Columns that take a permission of their own.
    pub fields: &'static [(&'static str, Permission)],
}

const fn plain(
    table: &'static str,
    (kind, prefix): (&'static str, &'static str),
    read: Permission,
) -> Guarded {
    Guarded { table, kind, prefix, read, whose: None, deletable: false, fields: &[] }
}

const fn owned(
    whose: &'static Whose,
    table: &'static str,
    names: (&'static str, &'static str),
    read: Permission,
) -> Guarded {
    Guarded { whose: Some(whose), ..plain(table, names, read) }
}

/// The same, of rows that are kept when they are deleted.
const fn kept(
    whose: &'static Whose,
    table: &'static str,
    names: (&'static str, &'static str),
    read: Permission,
) -> Guarded {
    Guarded { deletable: true, ..owned(whose, table, names, read) }
}

/// The row names its owner and its territory.
const fn own(table: &'static str) -> Whose {
    let territory = Some(Column::new(table, "territory_id"));
    Whose::Own { owner: Column::new(table, "owner_id"), territory }
}

const fn of(table: &'static str, key: &'static str, whose: &'static Whose) -> Whose {
    Whose::Of { key: Column::new(table, key), whose }
}

const COMPANY: Whose = own("companies");
const COMPANY_TAG: Whose = of("company_tags", "company_id", &COMPANY);
const CONTACT: Whose = own("contacts");
const CONTACT_TAG: Whose = of("contact_tags", "contact_id", &CONTACT);
const DEAL: Whose = own("deals");
const DEAL_TAG: Whose = of("deal_tags", "deal_id", &DEAL);
const STAGE_CHANGE: Whose = of("stage_changes", "deal_id", &DEAL);
const LEAD: Whose = own("leads");
const LEAD_TAG: Whose = of("lead_tags", "lead_id", &LEAD);
const CONVERSION: Whose = of("lead_conversions", "lead_id", &LEAD);
const LINK: Whose = of("lead_links", "lead_id", &LEAD);
const MERGE: Whose = of("lead_merges", "lead_id", &LEAD);
/// Of whoever is to do it, and of all who have the record that it is about.
const ACTIVITY: Whose = Whose::Any(&[
    Whose::Own { owner: Column::new("activities", "owner_id"), territory: None },
    of("activities", "company_id", &COMPANY),
    of("activities", "contact_id", &CONTACT),
    of("activities", "deal_id", &DEAL),
    of("activities", "lead_id", &LEAD),
]);

const SAVED_VIEW: Whose = Whose::Shared {
    owner: Column::new("saved_views", "owner_id"),
    visibility: Column::new("saved_views", "visibility"),
};

pub const TABLES: &[Guarded] = &[
    Guarded {
        fields: &[("annual_revenue", MoneyRead), ("annual_revenue_currency", MoneyRead)],
        ..kept(&COMPANY, "companies", ("Company", "company"), CompanyRead)
    },
    owned(&COMPANY_TAG, "company_tags", ("CompanyTag", "companytag"), CompanyRead),
    owned(&CONTACT_TAG, "contact_tags", ("ContactTag", "contacttag"), ContactRead),
    owned(&DEAL_TAG, "deal_tags", ("DealTag", "dealtag"), DealRead),
    owned(&LEAD_TAG, "lead_tags", ("LeadTag", "leadtag"), LeadRead),
    kept(&CONTACT, "contacts", ("Contact", "contact"), ContactRead),
    Guarded {
        fields: &[("amount", MoneyRead), ("amount_currency", MoneyRead), ("amount_key", MoneyRead)],
        ..kept(&DEAL, "deals", ("Deal", "deal"), DealRead)
    },
    owned(&CONVERSION, "lead_conversions", ("LeadConversion", "conversion"), LeadRead),
    owned(&LINK, "lead_links", ("LeadLink", "leadlink"), LeadRead),
    owned(&MERGE, "lead_merges", ("LeadMerge", "leadmerge"), LeadRead),
    plain("lead_settings", ("LeadSettings", "leadsettings"), LeadRead),
    plain("score_rules", ("ScoreRule", "scorerule"), SalesManage),
    owned(&STAGE_CHANGE, "stage_changes", ("StageChange", "stagechange"), DealRead),
    kept(&LEAD, "leads", ("Lead", "lead"), LeadRead),
    kept(&ACTIVITY, "activities", ("Activity", "activity"), ActivityRead),
    plain("currency_rates", ("CurrencyRate", "rate"), DealRead),
    plain("sales_settings", ("SalesSettings", "salessettings"), DealRead),
    Guarded { deletable: true, ..plain("pipelines", ("Pipeline", "pipeline"), DealRead) },
    Guarded { deletable: true, ..plain("stages", ("Stage", "stage"), DealRead) },
    plain("territories", ("Territory", "territory"), TerritoryRead),
    plain("territory_members", ("TerritoryMember", "territorymember"), TerritoryRead),
    plain("territory_rules", ("TerritoryRule", "territoryrule"), TerritoryRead),
    plain("access_requests", ("AccessRequest", "accessrequest"), UserManage),
    plain("api_client_secrets", ("ApiClientSecret", "apisecret"), ApiClientRead),
    plain("api_clients", ("ApiClient", "apiclient"), ApiClientRead),
    plain("document_aliases", ("DocumentAlias", "documentalias"), ApiClientRead),
    plain("documents", ("PersistedDocument", "document"), ApiClientRead),
    plain("invitations", ("Invitation", "invitation"), UserManage),
    plain("membership_roles", ("MembershipRole", "membershiprole"), RoleRead),
    plain("memberships", ("User", "user"), UserRead),
    plain("role_grants", ("RoleGrant", "rolegrant"), RoleRead),
    plain("roles", ("Role", "role"), RoleRead),
    owned(&SAVED_VIEW, "saved_views", ("SavedView", "view"), ViewRead),
    plain("secrets", ("Secret", "secret"), SettingsRead),
    plain("security_policies", ("SecurityPolicy", "securitypolicy"), SettingsRead),
    plain("sso_identities", ("SsoIdentity", "ssoidentity"), SsoManage),
    plain("sso_providers", ("SsoProvider", "ssoprovider"), SsoManage),
    plain("tags", ("Tag", "tag"), TagRead),
    // What people do that is no change of a row.
    plain("users", ("User", "user"), UserRead),
];

/// Columns that name a record, and what its ids begin with; a test holds them against the foreign keys.
const NAMES: &[(&str, &str)] = &[
    ("client_id", "apiclient"),
    ("company_id", "company"),
    ("contact_id", "contact"),
    ("deal_id", "deal"),
    ("document_id", "document"),
    ("from_stage_id", "stage"),
    ("into_id", "lead"),
    ("lead_id", "lead"),
    ("manager_id", "user"),
    ("merged_into_id", "lead"),
    ("other_lead_id", "lead"),
    ("owner_id", "user"),
    ("parent_id", "territory"),
    ("pipeline_id", "pipeline"),
    ("provider_id", "ssoprovider"),
    ("role_id", "role"),
    ("stage_id", "stage"),
    ("tag_id", "tag"),
    ("territory_id", "territory"),
    ("to_stage_id", "stage"),
    ("user_id", "user"),
];

/// What the ids in a column begin with, where it names a record.
pub fn named_by(column: &str) -> Option<&'static str> {
    NAMES.iter().find(|(name, _)| *name == column).map(|(_, prefix)| *prefix)
}

/// Whose the rows of a table are; `None`: nobody's in particular.
pub fn whose(table: &str) -> Option<&'static Whose> {
    Guarded::of(table)?.whose
}

impl Guarded {
    pub fn of(table: &str) -> Option<&'static Self> {
        TABLES.iter().find(|guarded| guarded.table == table)
    }

    /// All that a change of this kind can be in.
    pub fn of_kind(kind: &str) -> impl Iterator<Item = &'static Self> {
        TABLES.iter().filter(move |guarded| guarded.kind == kind)
    }

    pub fn by_prefix(prefix: &str) -> Option<&'static Self> {
        TABLES.iter().find(|guarded| guarded.prefix == prefix)
    }

    /// A row of this table, to be named by a write.
    pub fn reference(&self, id: Uuid) -> Reference {
        let Self { table, whose, deletable, .. } = *self;
        Reference { table, whose, deletable, id }
    }

    /// What one needs besides to see a column.
    pub fn field(&self, column: &str) -> Option<Permission> {
        self.fields.iter().find(|(name, _)| *name == column).map(|(_, permission)| *permission)
    }
}
