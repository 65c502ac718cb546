//! The language of filters, and its faults.

use std::cmp::Ordering;
use std::net::IpAddr;

use regex::Regex;
use serde_json::Value;

use super::fields::{Field, Names, unknown};

/// What a filter asks.
#[derive(Debug)]
pub(super) enum Expression {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// Whether the record is of a kind.
    Kind(Field),
    /// Whether a field says anything.
    Present(Field),
    Test(Test),
}

impl Expression {
    /// Whether it names a field of a section by its prefix.
    pub(super) fn is_about(&self, section: &str) -> bool {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.is_about(section) || right.is_about(section)
            }
            Self::Not(inner) => inner.is_about(section),
            Self::Kind(field) | Self::Present(field) => field.is_prefixed(section),
            Self::Test(test) => test.field.is_prefixed(section),
        }
    }
}

/// A field held against values.
#[derive(Debug)]
pub(super) struct Test {
    pub field: Field,
    pub operator: Operator,
    /// One of them suffices.
    pub operands: Vec<Operand>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Matches,
}

/// What a field is held against.
#[derive(Debug)]
pub(super) enum Operand {
    Null,
    Bool(bool),
    /// A number, and how it was written.
    Number(f64, String),
    Text(String),
    /// An address and how many of its bits count.
    Network(IpAddr, u8),
    Range(f64, f64),
    Pattern(Regex),
}

impl Operand {
    pub(super) fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(own), Value::Bool(value)) => own == value,
            (Self::Number(own, _), Value::Number(number)) => number.as_f64() == Some(*own),
            (Self::Number(_, own) | Self::Text(own), Value::String(text)) => own == text,
            (Self::Text(own), Value::Number(number)) => *own == number.to_string(),
            (Self::Network(network, bits), Value::String(text)) => text
                .parse()
                .is_ok_and(|address| is_within(address, *network, *bits)),
            (Self::Range(low, high), Value::Number(number)) => number
                .as_f64()
                .is_some_and(|number| (*low..=*high).contains(&number)),
            _ => false,
        }
    }

    /// How a value stands to it; times are texts that order as they should.
    pub(super) fn order(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Number(own, _), Value::Number(number)) => number.as_f64()?.partial_cmp(own),
            (Self::Text(own), Value::String(text)) => Some(text.as_str().cmp(own)),
            _ => None,
        }
    }

    pub(super) fn is_in(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(own) | Self::Number(_, own), Value::String(text)) => {
                text.contains(own.as_str())
            }
            _ => false,
        }
    }

    pub(super) fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Pattern(pattern), Value::String(text)) => pattern.is_match(text),
            (Self::Pattern(pattern), Value::Number(number)) => {
                pattern.is_match(&number.to_string())
            }
            _ => false,
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (
            u128::from(u32::from(address)),
            u128::from(u32::from(network)),
            32,
        ),
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (u128::from(address), u128::from(network), 128)
        }
        _ => return false,
    };
    let shift = u32::from(u8::min(bits, width).abs_diff(width));
    address.checked_shr(shift) == network.checked_shr(shift)
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// What.
    pub message: String,
    /// Before which character.
    pub position: usize,
}

/// A word of the language, and before which character it begins.
#[derive(Clone, Debug, PartialEq)]
struct Token {
    kind: Kind,
    at: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// A field's name, a keyword, a number or a bare value.
    Word(String),
    /// In quotes.
    Quoted(String),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

/// Signs, the longer before the shorter.
const SIGNS: [&str; 17] = [
    "==", "!=", ">=", "<=", "&&", "||", "=", ">", "<", "~", "!", "(", ")", "{", "}", ",", "..",
];

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || "._-:/*@+%".contains(character)
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        if character.is_whitespace() {
            at += 1;
            continue;
        }
        if matches!(character, '"' | '\'') {
            let mut quoted = String::new();
            let mut next = at + 1;
            loop {
                match characters.get(next) {
                    None => {
                        return Err(FilterError {
                            message: "the quoted text never ends".to_owned(),
                            position: at,
                        });
                    }
                    Some(end) if *end == character => break,
                    // Only a quote or itself: patterns keep their backslashes.
                    Some('\\') if matches!(characters.get(next + 1), Some('"' | '\'')) => {
                        quoted.extend(characters.get(next + 1));
                        next += 2;
                    }
                    Some(other) => {
                        quoted.push(*other);
                        next += 1;
                    }
                }
            }
            tokens.push(Token {
                kind: Kind::Quoted(quoted),
                at,
            });
            at = next + 1;
            continue;
        }
        if is_word(character) && !starts(&characters, at, "..") {
            let mut word = String::new();
            let begin = at;
            while let Some(&letter) = characters.get(at)
                && is_word(letter)
                && !starts(&characters, at, "..")
            {
                word.push(letter);
                at += 1;
            }
            tokens.push(Token {
                kind: Kind::Word(word),
                at: begin,
            });
            continue;
        }
        let Some(sign) = SIGNS.iter().find(|sign| starts(&characters, at, sign)) else {
            return Err(FilterError {
                message: "expected a field, a value or an operator".to_owned(),
                position: at,
            });
        };
        tokens.push(Token {
            kind: Kind::Sign(sign),
            at,
        });
        at += sign.len();
    }
    tokens.push(Token {
        kind: Kind::End,
        at: characters.len(),
    });
    Ok(tokens)
}

fn starts(characters: &[char], at: usize, sign: &str) -> bool {
    let mut here = characters.iter().skip(at);
    sign.chars().all(|letter| here.next() == Some(&letter))
}

/// Brackets within brackets that are followed.
const MAX_DEPTH: u8 = 64;

/// Reads an expression.
pub(super) fn parse(text: &str, names: &Names) -> Result<Expression, FilterError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        names,
    };
    let expression = parser.either(0)?;
    match parser.peek().kind {
        Kind::End => Ok(expression),
        _ => Err(parser.fault("expected 'and', 'or' or the end")),
    }
}

struct Parser<'n> {
    tokens: Vec<Token>,
    next: usize,
    names: &'n Names,
}

impl Parser<'_> {
    fn peek(&self) -> Token {
        self.tokens.get(self.next).cloned().unwrap_or(Token {
            kind: Kind::End,
            at: 0,
        })
    }

    fn advance(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// Takes the next word if it is one of these.
    fn takes(&mut self, words: &[&str]) -> bool {
        let found = match self.peek().kind {
            Kind::Word(word) => words.contains(&word.as_str()),
            Kind::Sign(sign) => words.contains(&sign),
            Kind::Quoted(_) | Kind::End => false,
        };
        self.next += usize::from(found);
        found
    }

    fn fault(&self, message: impl Into<String>) -> FilterError {
        FilterError {
            message: message.into(),
            position: self.peek().at,
        }
    }

    fn either(&mut self, depth: u8) -> Result<Expression, FilterError> {
        let mut left = self.both(depth)?;
        while self.takes(&["or", "||"]) {
            left = Expression::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Ok(left)
    }

    fn both(&mut self, depth: u8) -> Result<Expression, FilterError> {
        let mut left = self.one(depth)?;
        while self.takes(&["and", "&&"]) {
            left = Expression::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: u8) -> Result<Expression, FilterError> {
        if depth > MAX_DEPTH {
            return Err(self.fault("too deep: fewer brackets, please"));
        }
        if self.takes(&["not", "!"]) {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes(&["("]) {
            let inner = self.either(depth + 1)?;
            if !self.takes(&[")"]) {
                return Err(self.fault("expected ')'"));
            }
            return Ok(inner);
        }
        let Kind::Word(name) = self.peek().kind else {
            return Err(self.fault("expected a field, such as call.outcome"));
        };
        let field = self
            .names
            .field(&name)
            .map_err(|near| unknown(&name, near, self.peek().at))?;
        self.next += 1;
        self.test(field)
    }

    fn test(&mut self, field: Field) -> Result<Expression, FilterError> {
        let operator = match self.peek().kind {
            Kind::Sign("==") => Operator::Equal,
            Kind::Sign("!=") => Operator::Unequal,
            Kind::Sign("<") => Operator::Less,
            Kind::Sign("<=") => Operator::LessOrEqual,
            Kind::Sign(">") => Operator::Greater,
            Kind::Sign(">=") => Operator::GreaterOrEqual,
            Kind::Sign("~") => Operator::Matches,
            Kind::Sign("=") => return Err(self.fault("expected '=='; '=' is no operator")),
            Kind::Word(word) => match word.as_str() {
                "eq" => Operator::Equal,
                "ne" => Operator::Unequal,
                "lt" => Operator::Less,
                "le" => Operator::LessOrEqual,
                "gt" => Operator::Greater,
                "ge" => Operator::GreaterOrEqual,
                "contains" => Operator::Contains,
                "matches" => Operator::Matches,
                "in" => {
                    self.next += 1;
                    return self.members(field);
                }
                _ => return Ok(alone(field)),
            },
            _ => return Ok(alone(field)),
        };
        self.next += 1;
        let operand = if operator == Operator::Matches {
            self.pattern()?
        } else {
            self.operand()?
        };
        Ok(Expression::Test(Test {
            field,
            operator,
            operands: vec![operand],
        }))
    }

    /// `{a, b, 1..5}`.
    fn members(&mut self, field: Field) -> Result<Expression, FilterError> {
        if !self.takes(&["{"]) {
            return Err(self.fault("expected '{', as in call.outcome in {busy, declined}"));
        }
        let mut operands = Vec::new();
        loop {
            let first = self.peek().at;
            let mut operand = self.operand()?;
            if self.takes(&[".."]) {
                let high = self.operand()?;
                operand = match (operand, high) {
                    (Operand::Number(low, _), Operand::Number(high, _)) if low <= high => {
                        Operand::Range(low, high)
                    }
                    _ => {
                        return Err(FilterError {
                            message: "a range has two numbers, the lower first".to_owned(),
                            position: first,
                        });
                    }
                };
            }
            operands.push(operand);
            if self.takes(&["}"]) {
                return Ok(Expression::Test(Test {
                    field,
                    operator: Operator::Equal,
                    operands,
                }));
            }
            if !self.takes(&[","]) {
                return Err(self.fault("expected ',' or '}'"));
            }
        }
    }

    fn operand(&mut self) -> Result<Operand, FilterError> {
        let operand = match self.peek().kind {
            Kind::Quoted(text) => Operand::Text(text),
            Kind::Word(word) => match word.as_str() {
                "null" => Operand::Null,
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                _ => bare(word),
            },
            _ => return Err(self.fault("expected a value")),
        };
        self.advance();
        Ok(operand)
    }

    fn pattern(&mut self) -> Result<Operand, FilterError> {
        let (Kind::Quoted(text) | Kind::Word(text)) = self.peek().kind else {
            return Err(self.fault("expected a pattern"));
        };
        let pattern = regex::RegexBuilder::new(&text)
            .case_insensitive(true)
            .size_limit(1024 * 1024)
            .build()
            .map_err(|error| self.fault(format!("this is no pattern: {error}")))?;
        self.advance();
        Ok(Operand::Pattern(pattern))
    }
}

/// A field without an operator: a kind of record, or one that says something.
const fn alone(field: Field) -> Expression {
    if field.is_kind() {
        Expression::Kind(field)
    } else {
        Expression::Present(field)
    }
}

/// A value without quotes: a number, a network, or text.
fn bare(word: String) -> Operand {
    let hexadecimal = word
        .strip_prefix("0x")
        .and_then(|digits| u64::from_str_radix(digits, 16).ok());
    #[expect(clippy::cast_precision_loss, reason = "ids of 32 bits")]
    if let Some(number) = hexadecimal {
        return Operand::Number(number as f64, word);
    }
    if let Ok(number) = word.parse::<f64>()
        && number.is_finite()
    {
        return Operand::Number(number, word);
    }
    let network = word
        .split_once('/')
        .and_then(|(address, bits)| Some((address.parse().ok()?, bits.parse().ok()?)));
    match network {
        Some((address, bits)) => Operand::Network(address, bits),
        None => Operand::Text(word),
    }
}
