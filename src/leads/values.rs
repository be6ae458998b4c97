//! A lead's words: where it stands, and what is said of it.

use crate::words;

words! {
    /// Where a lead stands.
    LeadStatus {
        /// Nobody has answered yet.
        New = "NEW",
        /// Somebody is at it.
        Working = "WORKING",
        /// It rests until a day.
        Nurturing = "NURTURING",
        /// It is worth a deal.
        Qualified = "QUALIFIED",
        /// It became a contact, and perhaps a company and a deal; for good.
        Converted = "CONVERTED",
        /// It was given up.
        Unqualified = "UNQUALIFIED",
        /// It is another lead; for good, unless that is undone.
        Duplicate = "DUPLICATE",
    }
}

words! {
    /// Why two records may be the same.
    DuplicateReason {
        /// They have the same e-mail address.
        Email = "EMAIL",
        /// Their telephone numbers end alike.
        Phone = "PHONE",
        /// They are called alike.
        Name = "NAME",
        /// Their e-mail addresses are of the same domain, which is no provider of mailboxes.
        Domain = "DOMAIN",
    }
}

words! {
    /// A field of a lead that a score depends on.
    ScoreField {
        /// Its name.
        Name = "NAME",
        /// Where it works.
        Organisation = "ORGANISATION",
        /// Its e-mail address.
        Email = "EMAIL",
        /// What stands behind the @, where that is no provider of mailboxes.
        Domain = "DOMAIN",
        /// Its telephone number.
        Phone = "PHONE",
        /// Where it came from.
        Source = "SOURCE",
        /// What its organisation does.
        Industry = "INDUSTRY",
        /// How many people work there.
        Employees = "EMPLOYEES",
        /// Its country.
        Country = "COUNTRY",
        /// Its postal code.
        PostalCode = "POSTAL_CODE",
        /// Its city.
        City = "CITY",
    }
}

words! {
    /// How a field is compared; upper and lower case are alike.
    ScoreOperator {
        /// It is this.
        Equals = "EQUALS",
        /// It is another one, or none.
        Differs = "DIFFERS",
        /// It has this in it.
        Contains = "CONTAINS",
        /// It begins with this.
        StartsWith = "STARTS_WITH",
        /// There is one.
        Present = "PRESENT",
        /// There is none.
        Absent = "ABSENT",
        /// It is a number that is as large, or larger.
        AtLeast = "AT_LEAST",
        /// It is a number that is as small, or smaller.
        AtMost = "AT_MOST",
    }
}

words! {
    /// What may happen with a lead.
    ScoreEvent {
        /// Something was written down.
        Note = "NOTE",
        /// A task was done.
        Task = "TASK",
        /// A call.
        Call = "CALL",
        /// A meeting.
        Meeting = "MEETING",
        /// An e-mail.
        Email = "EMAIL",
    }
}

words! {
    /// Which way a call or an e-mail went.
    ScoreDirection {
        /// From them.
        Inbound = "INBOUND",
        /// To them.
        Outbound = "OUTBOUND",
    }
}
