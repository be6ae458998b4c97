//! Inputs become drafts: parse, don't validate. All problems of an input are told at once.

use async_graphql::MaybeUndefined;

use crate::{
    access::{Grants, Permission, Viewer},
    error::{Error, ErrorCode, Problem, Result},
};

/// Collects what is wrong with an input while its parts are taken over.
#[derive(Default)]
pub struct Check {
    problems: Vec<Problem>,
    grants: Grants,
}

impl Check {
    pub fn new() -> Self {
        Self::default()
    }

    /// Of an input with fields that take a permission of their own.
    pub fn by(viewer: &Viewer) -> Self {
        Self { grants: viewer.grants, ..Self::default() }
    }

    /// A field that one may not see one may not write either.
    pub fn may_write(&mut self, permission: Permission, field: &str, present: bool) {
        if present && !self.grants.holds(permission) {
            let told = format!("needs the permission {permission}");
            self.problem(ErrorCode::ForbiddenField, field, &told);
        }
    }

    /// The draft, if nothing was wrong.
    pub fn done<T>(self, draft: T) -> Result<T> {
        match self.problems.is_empty() {
            true => Ok(draft),
            false => Err(Error::Refused(self.problems)),
        }
    }

    /// A text that must be there, without white space around it.
    pub fn text(&mut self, field: &str, text: String, max: usize) -> String {
        let text = self.plain(field, text, max);
        if text.is_empty() {
            self.problem(ErrorCode::Required, field, "must not be empty");
        }
        text
    }

    /// A text that may be absent; an empty one counts as absent.
    pub fn optional(&mut self, field: &str, text: Option<String>, max: usize) -> Option<String> {
        text.map(|text| self.plain(field, text, max)).filter(|text| !text.is_empty())
    }

    /// A part that its own type understands.
    pub fn parse<T, U>(
        &mut self,
        field: &str,
        value: Option<T>,
        parse: impl FnOnce(T) -> Result<U, Problem>,
    ) -> Option<U> {
        match value.map(parse)? {
            Ok(value) => Some(value),
            Err(mut problem) => {
                if problem.field.is_empty() {
                    problem.field = vec![field.to_owned()];
                }
                self.problems.push(problem);
                None
            }
        }
    }

    /// Of an update: a text that cannot be cleared. `None` keeps it.
    pub fn keep_or_text(
        &mut self,
        field: &str,
        text: MaybeUndefined<String>,
        max: usize,
    ) -> Option<String> {
        match text {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => {
                self.problem(ErrorCode::Required, field, "cannot be cleared");
                None
            }
            MaybeUndefined::Value(text) => Some(self.text(field, text, max)),
        }
    }

    /// Of an update: absent keeps (`None`), null clears (`Some(None)`).
    pub fn keep_or_optional(
        &mut self,
        field: &str,
        text: MaybeUndefined<String>,
        max: usize,
    ) -> Option<Option<String>> {
        keep(text).map(|text| self.optional(field, text, max))
    }

    /// Of an update: a part that its own type understands, or null to clear it.
    pub fn keep_or_parse<T, U>(
        &mut self,
        field: &str,
        value: MaybeUndefined<T>,
        parse: impl FnOnce(T) -> Result<U, Problem>,
    ) -> Option<Option<U>> {
        keep(value).map(|value| self.parse(field, value, parse))
    }

    /// What somebody else has found.
    pub fn add(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    pub fn problem(&mut self, code: ErrorCode, field: &str, message: &str) {
        self.problems.push(Problem::new(code, [field], message));
    }

    fn plain(&mut self, field: &str, text: String, max: usize) -> String {
        let trimmed = text.trim();
        if trimmed.chars().any(is_unprintable) {
            let told = "must not hold control characters or marks that turn the writing direction";
            self.problem(ErrorCode::Invalid, field, told);
        }
        if trimmed.chars().count() > max {
            let told = format!("is longer than {max} characters");
            self.problem(ErrorCode::TooLong, field, &told);
        }
        if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
    }
}

/// A number of things.
pub fn count(number: i32) -> Result<i32, Problem> {
    let told = "cannot be less than nothing";
    (number >= 0).then_some(number).ok_or_else(|| Problem::new(ErrorCode::Invalid, [], told))
}

/// Another record has what only one may have; it is named to those who see it.
pub fn rival(field: &str, id: Option<impl ToString>) -> Error {
    let told = "Another record has it now.";
    let problem = Problem::new(ErrorCode::Duplicate, [field], told);
    let details = id.map(|id| serde_json::json!({ "rivalId": id.to_string() }));
    Error::Refused(vec![Problem { details, ..problem }])
}

/// Absent, null or a value: an update keeps, clears or sets.
pub fn keep<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// Control characters, and what makes a name look like another one.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_and_all_its_problems_are_told() {
        let mut check = Check::new();
        assert_eq!(check.text("name", "  Acme ".into(), 10), "Acme");
        check.text("name", "   ".into(), 10);
        check.text("city", "Tal\u{202E}linn and more".into(), 10);
        let Err(Error::Refused(problems)) = check.done(()) else { panic!("three problems") };
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [ErrorCode::Required, ErrorCode::Invalid, ErrorCode::TooLong]);
    }
}
