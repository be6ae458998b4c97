use async_graphql::{Context, Many, Object, SimpleObject};

use super::model::{Handover, KINDS, MOST, Moved, hand_over};
use crate::{
    access::{Guarded, Permission, Permission::*},
    accounts::{UserId, UserRow},
    db::{TenantConn, expect_owner},
    error::{Error, ErrorCode, Result},
    graphql::{Doors, UserError, refusals, requires},
};

/// How many records of a kind changed hands.
#[derive(SimpleObject)]
pub struct Transferred {
    /// Which kind, such as "Company".
    r#type: &'static str,
    /// How many.
    count: i32,
    /// There are more: do it again.
    more: bool,
}

/// The answer to a handover.
#[derive(SimpleObject)]
pub struct OwnershipTransferPayload {
    /// What changed hands, by kind.
    transferred: Many<Transferred>,
    /// Why nothing did; empty when it did.
    user_errors: Many<UserError>,
}

#[derive(Default)]
pub struct HandoverMutation;

#[Object]
impl HandoverMutation {
    /// Gives what one person looks after to another: companies, contacts, leads, deals and activities
    /// that you may change, all or nothing. Up to 2,000 of each kind at once.
    #[graphql(directive = requires::apply(RecordTransfer))]
    async fn ownership_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose they are. They may have left.")] from_id: UserId,
        #[graphql(desc = "Whose they will be.")] to_id: UserId,
        #[graphql(
            desc = "Only these kinds: Company, Contact, Lead, Deal, Activity. Absent: all that you may change."
        )]
        types: Option<Vec<String>>,
        #[graphql(
            desc = "What is over, too: deals won or lost, leads that ended, activities done. Else that stays with whoever did it.",
            default
        )]
        closed_too: bool,
    ) -> Result<Option<OwnershipTransferPayload>> {
        known(types.as_deref())?;
        let handover = Handover { from: from_id, to: to_id, closed: closed_too };
        let moved = ctx.write(RecordTransfer, async |tx| {
            expect_people(tx, handover).await?;
            let mut moved = Moved::default();
            let kinds = KINDS.iter().zip(&mut moved.0);
            for (owned, number) in kinds {
                let named = types.as_ref().map(|types| types.iter().any(|ty| ty == owned.kind));
                let permission = update_of(owned.kind);
                match ctx.allow(permission) {
                    Ok(viewer) if named != Some(false) => {
                        let tx = tx.with_reach(viewer.reach(permission));
                        expect_owner(&tx, "to_id", Some(to_id.into()), None)?;
                        let whose = Guarded::of(owned.table).and_then(|guarded| guarded.whose);
                        *number = hand_over(&tx, owned, whose, handover).await?;
                    }
                    Err(refused) if named == Some(true) => return Err(refused),
                    _ => {}
                }
            }
            Ok(moved)
        });
        let (moved, problems) = match moved.await {
            Ok(moved) => (moved, Vec::new()),
            Err(error) => (Moved::default(), refusals(error)?),
        };
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let told = KINDS.iter().zip(moved.0).filter(|(_, moved)| *moved > 0);
        let transferred = told.map(|(owned, moved)| Transferred {
            r#type: owned.kind,
            count: i32::try_from(moved).unwrap_or(i32::MAX),
            more: moved == most,
        });
        let user_errors = problems.into_iter().map(Into::into).collect();
        Ok(Some(OwnershipTransferPayload { transferred: transferred.collect(), user_errors }))
    }
}

fn known(types: Option<&[String]>) -> Result<()> {
    let is_unknown = |name: &&String| !KINDS.iter().any(|owned| owned.kind == *name);
    match types.unwrap_or_default().iter().find(is_unknown) {
        Some(name) => Err(Error::BadInput(format!("\"{name:.50}\" is nobody's to look after."))),
        None => Ok(()),
    }
}

fn update_of(kind: &str) -> Permission {
    match kind {
        "Company" => CompanyUpdate,
        "Contact" => ContactUpdate,
        "Lead" => LeadUpdate,
        "Deal" => DealUpdate,
        _ => ActivityUpdate,
    }
}

/// Both belong to the tenant; who is to have the records is still there.
async fn expect_people(tx: &TenantConn, Handover { from, to, .. }: Handover) -> Result<()> {
    if from == to {
        return Err(Error::refused(ErrorCode::Invalid, "toId", "That is the same person."));
    }
    let found = UserRow::by_ids(tx, &[from, to]).await?;
    let person = |id| found.iter().find(|user| user.id == id);
    let nobody = |field| Error::refused(ErrorCode::NotFound, field, "There is no such user.");
    person(from).ok_or_else(|| nobody("fromId"))?;
    match person(to).ok_or_else(|| nobody("toId"))?.active {
        true => Ok(()),
        false => Err(Error::refused(ErrorCode::Invalid, "toId", "This person has left.")),
    }
}
