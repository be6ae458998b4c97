//! What somebody meant who typed this.

/// From so many letters on a text is looked for anywhere in a name.
const ANYWHERE: usize = 3;
/// From so many letters on a name may be written otherwise.
const ALIKE: usize = 4;
/// What of a telephone number is the same with and without the country, and what is none.
const PHONE_END: usize = 7;
const PHONE_LEAST: usize = 5;

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// As it was typed, in lower case and with single blanks.
    pub text: String,
    /// For LIKE.
    pub pattern: String,
    /// To be compared with names.
    pub alike: Option<String>,
    /// The end of a telephone number.
    pub phone: Option<String>,
}

impl Asked {
    /// `None`: nothing.
    pub fn of(typed: &str) -> Option<Self> {
        let clean: String =
            typed.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        let words: Vec<String> = clean.split_whitespace().map(str::to_lowercase).collect();
        let text = words.join(" ");
        let length = text.chars().count();
        if length == 0 {
            return None;
        }
        let mut pattern = String::new();
        if length >= ANYWHERE {
            pattern.push('%');
        }
        for char in text.chars() {
            if matches!(char, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern.push('%');
        let alike = (length >= ALIKE).then(|| text.clone());
        Some(Self { phone: phone(&text), text, pattern, alike })
    }
}

/// The country may be there or not, and so may a zero before the rest.
fn phone(text: &str) -> Option<String> {
    let is_number = text.chars().all(|char| char.is_ascii_digit() || "+-()./ ".contains(char));
    if !is_number {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let end = digits.get(digits.len().saturating_sub(PHONE_END)..)?;
    (end.len() >= PHONE_LEAST).then(|| end.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_every_notation() {
        for typed in [
            "+49 30 1234567",
            "0049 30 1234567",
            "030 / 123 45 67",
            "(030) 123-4567",
            "1234567",
            "30.1234567",
        ] {
            let phone = Asked::of(typed).and_then(|asked| asked.phone);
            assert_eq!(phone.as_deref(), Some("1234567"), "{typed}");
        }
        for none in ["1234", "0049", "call 1234567", "1234567 ext", "+", "()"] {
            assert_eq!(Asked::of(none).and_then(|asked| asked.phone), None, "{none}");
        }
    }

    #[test]
    fn what_is_typed_is_text_and_no_pattern() {
        assert_eq!(Asked::of(" \t\u{0} \n"), None);
        let asked = Asked::of("  50%\u{0}  OFF_\\ ").unwrap();
        assert_eq!(asked.text, "50% off_\\");
        assert_eq!(asked.pattern, "%50\\% off\\_\\\\%");
        let short = Asked::of("Ä").unwrap();
        assert_eq!((short.pattern.as_str(), short.alike), ("ä%", None));
    }
}
