//! Who may come in through a provider, and as what.

use super::values::{Claims, Email, Mappings, RoleId};
use crate::error::{Error, ErrorCode, Problem, Result};

const MAX_NAME: usize = 200;
const MAX_SUBJECT: usize = 255;

/// A person as the provider knows them.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrival {
    pub subject: String,
    pub email: String,
    pub name: String,
}

/// What somebody is here already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// May they sign in anywhere; true of who is not known yet.
    pub active: bool,
    /// They work here, or did.
    pub member: Option<Member>,
    /// How this provider knows them, if it does.
    pub identity: Option<Identity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub deactivated: bool,
    pub owner: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By this subject; `managed`: the provider made them a member.
    Same { managed: bool },
    /// By another subject.
    Other,
}

/// What is to be written before they are signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A membership with the mapped roles.
    Join,
    /// The subject, beside the membership that they had before.
    Link,
    /// The mapped roles in place of the old ones.
    Follow,
    Nothing,
}

/// A refusal that is about no single field of the input.
pub fn refuse(told: &str) -> Error {
    Error::Refused(vec![Problem::new(ErrorCode::Invalid, [], told)])
}

/// An address counts only if the provider has verified it: otherwise anybody becomes anybody by
/// writing an address into their profile.
pub fn arrival(claims: &Claims) -> Result<Arrival> {
    let subject = claims.text("sub").unwrap_or_default().to_owned();
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT {
        return Err(refuse("The identity provider does not say who you are."));
    }
    let Some(email) = claims.text("email") else {
        return Err(refuse("The identity provider does not tell your e-mail address."));
    };
    if !claims.is_true("email_verified") {
        return Err(refuse("The identity provider has not verified your e-mail address."));
    }
    let Ok(email) = Email::parse(email.to_owned()) else {
        return Err(refuse("The identity provider tells an e-mail address that is none."));
    };
    let email = email.as_str().to_owned();
    let plain: String =
        claims.text("name").unwrap_or_default().chars().filter(|c| is_plain(*c)).collect();
    let name: String = plain.trim().chars().take(MAX_NAME).collect();
    let name = if name.is_empty() { email.chars().take(MAX_NAME).collect() } else { name };
    Ok(Arrival { subject, email, name })
}

/// Neither a control character nor one that makes a name look like another.
fn is_plain(c: char) -> bool {
    let hidden = matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    !c.is_control() && !hidden
}

/// What the claims give; without any that is known, what the provider's people are by default.
pub fn granted(
    claims: &Claims,
    claim: Option<&str>,
    mappings: &Mappings,
    default: &[RoleId],
) -> Vec<RoleId> {
    let values = claim.map(|claim| claims.all(claim)).unwrap_or_default();
    let mapped = mappings.0.iter().filter(|mapping| values.contains(&mapping.claim.as_str()));
    let mut roles: Vec<RoleId> = mapped.flat_map(|mapping| mapping.role_ids.clone()).collect();
    if roles.is_empty() {
        roles = default.to_vec();
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// May they come in, and what changes by it? `granted`: the claims give some role.
pub fn admit(standing: Standing, granted: bool) -> Result<Step> {
    let Standing { active, member, identity } = standing;
    if !active || member.is_some_and(|member| member.deactivated) {
        return Err(refuse("You may not sign in here. Ask an administrator."));
    }
    let unmapped = || refuse("The identity provider gives you no role here. Ask an administrator.");
    match (member, identity) {
        // An address can be given to the next person; a subject is not.
        (_, Some(Identity::Other)) => Err(refuse(
            "Your e-mail address belongs to somebody whom the identity provider knows as another \
             person. Ask an administrator.",
        )),
        (None, _) if !granted => Err(unmapped()),
        (None, _) => Ok(Step::Join),
        (Some(_), None) => Ok(Step::Link),
        // Who was made an owner, by hand, stays one: claims neither make nor unmake owners.
        (Some(member), Some(Identity::Same { managed })) => match managed && !member.owner {
            true if granted => Ok(Step::Follow),
            true => Err(unmapped()),
            false => Ok(Step::Nothing),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{super::values::Mapping, *};

    fn claims(json: Value) -> Claims {
        Claims(json.as_object().unwrap().clone())
    }

    fn told(error: &Error) -> String {
        error.to_string()
    }

    #[test]
    fn an_address_that_is_not_verified_is_nobodys() {
        let of = |email: Value, verified: Value| {
            arrival(&claims(json!({ "sub": "1", "email": email, "email_verified": verified })))
        };
        let good = of(json!("Ada@Acme.example"), json!(true)).unwrap();
        assert_eq!((&*good.email, &*good.name), ("ada@acme.example", "ada@acme.example"));
        for verified in [json!(false), json!("true"), json!(1), json!(null)] {
            let refused = of(json!("ada@acme.example"), verified).unwrap_err();
            assert!(told(&refused).contains("not verified"));
        }
        assert!(of(json!(null), json!(true)).is_err());
        assert!(of(json!("ada"), json!(true)).is_err());
        // The Cyrillic а looks like the Latin one.
        assert!(of(json!("аda@acme.example"), json!(true)).is_err());
    }

    #[test]
    fn a_name_is_plain_and_not_endless() {
        let of = |name: &str, sub: &str| {
            let json =
                json!({ "sub": sub, "email": "a@b.example", "email_verified": true, "name": name });
            arrival(&claims(json))
        };
        assert_eq!(of(" Ada\u{0} Love\u{202E}lace\n", "1").unwrap().name, "Ada Lovelace");
        assert_eq!(of(&"x".repeat(1000), "1").unwrap().name.len(), 200);
        assert!(of("Ada", "").is_err());
        assert!(of("Ada", &"x".repeat(256)).is_err());
    }

    #[test]
    fn claims_give_what_is_mapped_and_the_default_only_without() {
        let role = |n| RoleId(Uuid::from_u128(n));
        let mapping = |claim: &str, ids: &[u128]| Mapping {
            claim: claim.into(),
            role_ids: ids.iter().copied().map(role).collect(),
        };
        let mappings = Mappings(vec![mapping("sales", &[2, 1]), mapping("lead", &[2, 3])]);
        let of = |groups: Value| {
            let claims = claims(json!({ "groups": groups }));
            granted(&claims, Some("groups"), &mappings, &[role(9)])
        };
        assert_eq!(of(json!(["sales", "lead", "?"])), [role(1), role(2), role(3)]);
        assert_eq!(of(json!("lead")), [role(2), role(3)]);
        assert_eq!(of(json!(["Sales"])), [role(9)], "upper and lower case differ");
        assert_eq!(granted(&claims(json!({})), None, &mappings, &[]), []);
    }

    #[test]
    fn who_comes_in_and_what_changes_by_it() {
        let stranger = Standing { active: true, ..Standing::default() };
        let member = |deactivated, owner, identity| Standing {
            member: Some(Member { deactivated, owner }),
            identity,
            ..stranger
        };
        let managed = Some(Identity::Same { managed: true });
        let invited = Some(Identity::Same { managed: false });
        assert_eq!(admit(stranger, true).unwrap(), Step::Join);
        assert!(admit(stranger, false).is_err());
        assert!(admit(Standing { active: false, ..stranger }, true).is_err());
        assert_eq!(admit(member(false, false, None), false).unwrap(), Step::Link);
        assert_eq!(admit(member(false, false, invited), false).unwrap(), Step::Nothing);
        assert_eq!(admit(member(false, false, managed), true).unwrap(), Step::Follow);
        assert!(admit(member(false, false, managed), false).is_err());
        assert_eq!(admit(member(false, true, managed), true).unwrap(), Step::Nothing);
        for identity in [None, invited, managed] {
            assert!(admit(member(true, false, identity), true).is_err());
        }
        assert!(admit(member(false, false, Some(Identity::Other)), true).is_err());
    }
}
