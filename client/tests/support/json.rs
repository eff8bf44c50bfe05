//! A reader of JSON that is as strict as its grammar (RFC 8259), but knows no escape beyond `\\`, `\"`
//! and `\u`.

use std::iter::Peekable;
use std::str::Chars;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        let mut rest = text.chars().peekable();
        let value = value(&mut rest);
        assert!(rest.all(char::is_whitespace), "one value: {text}");
        value
    }

    /// The field of an object.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &Self {
        let Self::Object(fields) = self else {
            panic!("no object: {self:?}")
        };
        let field = fields.iter().find(|(key, _)| key == name);
        &field.unwrap_or_else(|| panic!("no {name}: {self:?}")).1
    }

    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> f64 {
        match self.field(name) {
            Self::Number(number) => *number,
            other => panic!("{name} is no number: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn list(&self, name: &str) -> &[Self] {
        match self.field(name) {
            Self::List(items) => items,
            other => panic!("{name} is no list: {other:?}"),
        }
    }
}

fn value(rest: &mut Peekable<Chars<'_>>) -> Json {
    skip_space(rest);
    match rest.peek().expect("a value") {
        '{' => Json::Object(sequence(rest, '}', |rest| {
            let name = text(rest);
            skip_space(rest);
            assert_eq!(rest.next(), Some(':'));
            (name, value(rest))
        })),
        '[' => Json::List(sequence(rest, ']', value)),
        '"' => Json::Text(text(rest)),
        'n' => {
            assert_eq!(rest.by_ref().take(4).collect::<String>(), "null");
            Json::Null
        }
        _ => {
            let of_number = |c: &char| c.is_ascii_digit() || "+-.eE".contains(*c);
            let digits: String = std::iter::from_fn(|| rest.next_if(of_number)).collect();
            Json::Number(digits.parse().expect("a number"))
        }
    }
}

fn sequence<T>(
    rest: &mut Peekable<Chars<'_>>,
    end: char,
    item: impl Fn(&mut Peekable<Chars<'_>>) -> T,
) -> Vec<T> {
    let mut items = Vec::new();
    rest.next();
    skip_space(rest);
    if rest.next_if_eq(&end).is_some() {
        return items;
    }
    loop {
        skip_space(rest);
        items.push(item(rest));
        skip_space(rest);
        match rest.next() {
            Some(',') => {}
            other => {
                assert_eq!(other, Some(end));
                return items;
            }
        }
    }
}

fn text(rest: &mut Peekable<Chars<'_>>) -> String {
    assert_eq!(rest.next(), Some('"'));
    let mut text = String::new();
    loop {
        match rest.next().expect("the end of a text") {
            '"' => return text,
            '\\' => match rest.next() {
                Some(c @ ('"' | '\\')) => text.push(c),
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).expect("four digits");
                    text.push(char::from_u32(code).expect("a character"));
                }
                other => panic!("no escape: {other:?}"),
            },
            c => {
                assert!(!c.is_control(), "{c:?} in a text");
                text.push(c);
            }
        }
    }
}

fn skip_space(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| " \n\r\t".contains(*c)).is_some() {}
}
