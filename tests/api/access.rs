//! Who may do what, measured: every root field, every role, and nobody.

use kontor::access::{BuiltInRole, Grants, Permission, Viewer};
use serde_json::Value as Json;

use crate::support::{
    Person, TestApp, compare_file,
    generate::{NOBODY, Operation, operation},
    sdl::{requires, schema},
};

/// Fields that answer without sign-in. This list may only shrink, or be argued about.
const PUBLIC: [&str; 9] = [
    "Mutation.accessRequestCreate",
    "Mutation.invitationAccept",
    "Mutation.passwordReset",
    "Mutation.passwordResetRequest",
    "Mutation.sessionRefresh",
    "Mutation.signIn",
    "Mutation.ssoFinish",
    "Mutation.ssoStart",
    "Query.viewer",
];

/// An operation with well-formed ids that nobody has.
async fn prepared(person: &Person<'_>, root: &str, name: &str) -> Operation {
    let field = schema().field(root, name).unwrap();
    let mut operation = operation(root, field, false);
    operation.fill_ids(&person.dry_run(), &|kind| format!("{kind}_{NOBODY}")).await;
    operation
}

/// Was the root field itself refused, and for which permission?
fn forbidden(answer: &Json, field: &str) -> Option<String> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    let mut own = errors.filter(|error| error["path"] == serde_json::json!([field]));
    let refused = own.find(|error| error["extensions"]["code"] == "FORBIDDEN")?;
    let message = refused["message"].as_str().unwrap();
    Some(message.trim_start_matches("This needs the permission ").trim_end_matches('.').to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_is_open_to_whom_the_table_says() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await;
    let mut lines = vec![
        "# Who may use which field: written by `make schema`, measured by calling it.".to_owned(),
    ];
    for (root, field) in schema().roots() {
        let name = field.name.node.as_str();
        let operation = prepared(&owner, root, name).await;
        let anonymous = app.anonymous().run(&operation.query, operation.variables()).await;
        let stopped = anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED";
        let mut who = Vec::new();
        if !stopped {
            who.push("anonymous");
        }
        for role in BuiltInRole::ALL {
            let person = app
                .as_viewer(Viewer {
                    session: owner.viewer().session,
                    ..Viewer::new(owner.viewer().who, owner.tenant(), vec![(*role).into()])
                })
                .dry_run();
            let answer = person.run(&operation.query, operation.variables()).await;
            if forbidden(&answer, name).is_none() {
                who.push(role.name());
            }
        }
        let permission = requires(field).unwrap_or("(public)".into());
        lines.push(format!("{root}.{name:<30} {permission:<20} {}", who.join(" ")));
        assert_eq!(!stopped, requires(field).is_none(), "{root}.{name} and its directive disagree");
        assert_eq!(
            !stopped,
            PUBLIC.contains(&&*format!("{root}.{name}")),
            "{root}.{name} is public"
        );
    }
    compare_file("tests/api/access.txt", &format!("{}\n", lines.join("\n")));
}

/// With all permissions but the one that `@requires` names it is refused, naming that one; with
/// that one alone it is not.
#[tokio::test(flavor = "multi_thread")]
async fn door_and_directive_name_the_same_permission() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await;
    let with = |grants: Grants| Viewer { grants, ..owner.viewer() };
    for (root, field) in schema().roots() {
        let Some(named) = requires(field) else { continue };
        let name = field.name.node.as_str();
        let operation = prepared(&owner, root, name).await;
        let (all_but, only): (Vec<_>, Vec<_>) =
            Permission::ALL.iter().partition(|permission| permission.name() != named);
        let without = app.as_viewer(with(all_but.into_iter().collect())).dry_run();
        let answer = without.run(&operation.query, operation.variables()).await;
        assert_eq!(forbidden(&answer, name), Some(named.clone()), "{root}.{name}: {answer}");
        let alone = app.as_viewer(with(only.into_iter().collect())).dry_run();
        let answer = alone.run(&operation.query, operation.variables()).await;
        assert_eq!(forbidden(&answer, name), None, "{root}.{name}: {answer}");
    }
}

/// A refused field is null; it does not take its neighbours with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_field_leaves_its_neighbours_alone() {
    let app = TestApp::new().await;
    let field_staff = app.sign_in("field@acme.test").await;
    let answer = field_staff
        .run("{ companies { nodes { id } } viewer { user { email } } }", Json::Null)
        .await;
    assert_eq!(answer["data"]["companies"], Json::Null);
    assert_eq!(answer["data"]["viewer"]["user"]["email"], "field@acme.test");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

/// `docs/permissions.md`: the table of who holds what, for people.
#[test]
fn the_permission_matrix_is_the_table() {
    use kontor::access::Scope;
    let roles = BuiltInRole::ALL;
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    let mut text = format!(
        "# Who may do what\n\nWritten by `make schema` from `src/access/role.rs`. all: the tenant's records; team: one's own and\n\
         those of the people who report to one; own: one's own; –: not at all. A tenant's own roles grant\n\
         any of these but `sso:manage`, as far as whoever makes them holds them.\n\n| permission | {} |\n|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for permission in Permission::ALL {
        let cells: Vec<&str> = roles
            .iter()
            .map(|role| match role.grants().scope(*permission) {
                Some(Scope::All) => "all",
                Some(Scope::Territory) => "territory",
                Some(Scope::Team) => "team",
                Some(Scope::Own) => "own",
                None => "–",
            })
            .collect();
        text.extend(["| `", permission.name(), "` | ", &cells.join(" | "), " |\n"]);
    }
    compare_file("docs/permissions.md", &text);
}
