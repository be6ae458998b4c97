//! What a timeline tells of.

use crate::words;

words! {
    /// What an entry of a timeline tells of.
    TimelineKind {
        /// An activity: a note, a task, a call, a meeting, an e-mail.
        Activity = "ACTIVITY",
        /// A deal went from one stage to another, or was made.
        StageChange = "STAGE_CHANGE",
        /// The record was made. Of a deal its first STAGE_CHANGE tells that.
        Created = "CREATED",
        /// Fields were changed that one works with.
        Changed = "CHANGED",
        /// It was given to somebody else; perhaps more was changed with it.
        OwnerChanged = "OWNER_CHANGED",
        /// A lead came to another status.
        StatusChanged = "STATUS_CHANGED",
        /// A lead was found to be another one.
        Merged = "MERGED",
        /// A lead became a contact, and perhaps a company and a deal.
        Converted = "CONVERTED",
        /// It was deleted.
        Deleted = "DELETED",
        /// It was brought back.
        Restored = "RESTORED",
    }
}
