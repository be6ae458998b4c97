//! The words of activities.

use crate::words;

words! {
    /// What was done, or is to be done.
    ActivityKind {
        /// Something to remember.
        Note = "NOTE",
        /// Something to do.
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
    /// Who got in touch with whom.
    ActivityDirection {
        /// They with us.
        Inbound = "INBOUND",
        /// We with them.
        Outbound = "OUTBOUND",
    }
}
