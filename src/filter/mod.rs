//! Display filters: which records a user wants to see, and fields of them.
//!
//! The names are those of the records, with the kind of record before them
//! (`call.outcome`, `stream.lost`), and the spellings of Wireshark that have a
//! counterpart (`sip.Method`, `ip.addr`).

mod expression;
mod fields;

pub use expression::FilterError;
pub use fields::Field;

use std::collections::VecDeque;

use serde_json::Value;

use self::expression::{Expression, Operator, Test};
use self::fields::Names;
use crate::report::Record;

/// A filter, and what it must remember of the calls that it met.
#[derive(Debug)]
pub struct Filter {
    expression: Expression,
    about_calls: bool,
    /// The last calls, so that what belongs to them can be judged by them.
    calls: VecDeque<(String, Value)>,
    /// Records whose call is not known yet.
    waiting: VecDeque<Record>,
    unjudged: u64,
}

/// Calls remembered; their streams follow them at once.
const MAX_CALLS: usize = 256;
/// Records that wait for their call; some hundred octets each.
const MAX_WAITING: usize = 200_000;

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let expression = expression::parse(text, Names::all())?;
        Ok(Self {
            about_calls: expression.is_about("calls"),
            expression,
            calls: VecDeque::new(),
            waiting: VecDeque::new(),
            unjudged: 0,
        })
    }

    /// Whether it asks for messages by name.
    #[must_use]
    pub fn is_about_messages(&self) -> bool {
        self.expression.is_about("messages")
    }

    /// Takes a record and hands back those that are wanted: none, this one, or
    /// also those that waited for this call. The summary and bounds always are.
    pub fn choose(&mut self, record: Record) -> Vec<Record> {
        if matches!(record, Record::Limit(_)) {
            return vec![record];
        }
        if matches!(record, Record::Summary(_)) {
            let mut chosen: Vec<Record> = std::mem::take(&mut self.waiting)
                .into_iter()
                .filter(|waiting| self.wants(waiting))
                .collect();
            chosen.push(record);
            return chosen;
        }
        if let Record::Call(call) = &record {
            if !self.about_calls {
                return self.wants(&record).then_some(record).into_iter().collect();
            }
            let call_id = call.call_id.clone();
            let value = serde_json::to_value(record.fields()).unwrap_or_default();
            if self.calls.len() >= MAX_CALLS {
                self.calls.pop_front();
            }
            self.calls.push_back((call_id.clone(), value));
            let of_call = |waiting: &Record| waiting.call_id() == Some(call_id.as_str());
            let (mine, others): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(of_call);
            self.waiting = others;
            return mine
                .into_iter()
                .chain([record])
                .filter(|record| self.wants(record))
                .collect();
        }
        let waits = self.about_calls
            && record
                .call_id()
                .is_some_and(|call_id| self.call(call_id).is_none());
        if waits {
            if self.waiting.len() >= MAX_WAITING {
                self.waiting.pop_front();
                self.unjudged += 1;
            }
            self.waiting.push_back(record);
            return Vec::new();
        }
        self.wants(&record).then_some(record).into_iter().collect()
    }

    /// Records that were left out because their call did not end in time.
    #[must_use]
    pub const fn unjudged(&self) -> u64 {
        self.unjudged
    }

    fn call(&self, call_id: &str) -> Option<&Value> {
        let mut calls = self.calls.iter().rev();
        calls
            .find(|(known, _)| known == call_id)
            .map(|(_, call)| call)
    }

    fn wants(&self, record: &Record) -> bool {
        let own = serde_json::to_value(record.fields()).unwrap_or_default();
        let call = record.call_id().and_then(|call_id| self.call(call_id));
        let values = |field: &Field| {
            let mut values = field.values(record.section(), &own);
            if values.is_empty()
                && record.section() != "calls"
                && let Some(call) = call
            {
                values = field.values_of_prefix("calls", call);
            }
            values.into_iter().cloned().collect()
        };
        holds(&self.expression, &values)
    }
}

fn holds(expression: &Expression, values: &dyn Fn(&Field) -> Vec<Value>) -> bool {
    match expression {
        Expression::And(left, right) => holds(left, values) && holds(right, values),
        Expression::Or(left, right) => holds(left, values) || holds(right, values),
        Expression::Not(inner) => !holds(inner, values),
        Expression::Kind(field) => !values(field).is_empty(),
        Expression::Present(field) => values(field).iter().any(is_something),
        Expression::Test(test) => passes(test, &values(&test.field)),
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// One value suffices, but for `!=`, which all must pass, as in Wireshark.
fn passes(test: &Test, values: &[Value]) -> bool {
    if test.operator == Operator::Unequal {
        return !values.is_empty()
            && values
                .iter()
                .all(|value| !test.operands.iter().any(|operand| operand.equals(value)));
    }
    values.iter().any(|value| {
        test.operands.iter().any(|operand| match test.operator {
            Operator::Equal => operand.equals(value),
            Operator::Unequal => false,
            Operator::Less => operand.order(value).is_some_and(std::cmp::Ordering::is_lt),
            Operator::LessOrEqual => operand.order(value).is_some_and(std::cmp::Ordering::is_le),
            Operator::Greater => operand.order(value).is_some_and(std::cmp::Ordering::is_gt),
            Operator::GreaterOrEqual => operand.order(value).is_some_and(std::cmp::Ordering::is_ge),
            Operator::Contains => operand.is_in(value),
            Operator::Matches => operand.matches(value),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an expression holds for fields of a call and of a stream.
    fn check(text: &str, expected: bool) {
        let filter = match Filter::parse(text) {
            Ok(filter) => filter,
            Err(error) => panic!("{text}: {error:?}"),
        };
        let call = serde_json::json!({
            "outcome": "busy", "from_user": "alice", "from_uri": "sip:alice@x", "final_status": 486,
            "talk_ms": null, "caller_ip": "10.1.0.2", "callee_ip": "2001:db8::7", "messages": 7,
            "cause": {"class": "busy"}, "media": [{"audio": "both"}, {"audio": "held"}],
            "exchanges": [{"method": "INVITE"}, {"method": "BYE"}], "ack_seen_by_callee": false,
        });
        let values = |field: &Field| field.values("calls", &call).into_iter().cloned().collect();
        assert_eq!(holds(&filter.expression, &values), expected, "{text}");
    }

    #[test]
    fn expressions_hold_or_do_not() {
        for (text, expected) in [
            (r#"call.outcome == "busy""#, true),
            (
                r#"call.outcome == "busy" and call.from_uri ~ "ALICE""#,
                true,
            ),
            ("call.outcome == busy && call.from_user != alice", false),
            ("call.outcome eq 'declined' or call.messages gt 6", true),
            ("call.messages > 7", false),
            ("call.messages >= 7 and call.messages <= 7", true),
            ("call.messages < 7 || call.messages ne 7", false),
            ("not call.talk_ms", true),
            ("call.talk_ms == null", true),
            ("call.talk_ms > 0", false),
            ("!(call.media.audio == held)", false),
            ("call.media.audio != none", true),
            ("call.media.audio != held", false),
            ("call.cause.class contains us", true),
            ("call.outcome in {cancelled, busy}", true),
            ("call.final_status in {400..485, 487..499}", false),
            ("call.final_status in {400..499}", true),
            ("sip.Method == BYE", true),
            ("sip.Method == REFER", false),
            ("sip.Status-Code == 486", true),
            ("sip.from.user == alice", true),
            ("ip.addr == 10.0.0.0/8", true),
            ("ip.addr == 10.2.0.0/16", false),
            ("ip.addr == 2001:db8::/32", true),
            ("ip.addr == 10.1.0.2", true),
            ("sip", true),
            ("rtp", false),
            ("rtp or call.outcome", true),
            ("outcome == busy", true),
            ("call.ack_seen_by_callee", false),
            ("call.ack_seen_by_callee == false", true),
            // And binds more than or, not more than and.
            ("rtp and rtp or sip", true),
            ("sip or rtp and rtp", true),
            ("not rtp and rtp", false),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn m048_m049_faults_are_shown_where_they_are() {
        for (text, position, says) in [
            ("", 0, "expected a field"),
            ("call.outcome ==", 15, "expected a value"),
            ("call.outcome = busy", 13, "=="),
            ("call.outcom == busy", 0, "call.outcome"),
            ("call.outcome == \"busy", 16, "ends"),
            ("(call.outcome == busy", 21, "')'"),
            ("call.outcome == busy busy", 21, "and"),
            ("call.outcome ~ \"(\"", 15, "pattern"),
            ("call.outcome in busy", 16, "'{'"),
            ("call.messages in {9..3}", 18, "range"),
            ("call.outcome == busy )", 21, "and"),
            ("sip.Nothing == 1", 0, "sip."),
            ("x\u{1b}[2J == 1", 1, "expected"),
        ] {
            let error = Filter::parse(text).expect_err(text);
            assert_eq!(error.position, position, "{text}: {error:?}");
            assert!(error.message.contains(says), "{text}: {error:?}");
        }
        let deep = "(".repeat(10_000);
        assert!(
            Filter::parse(&deep)
                .expect_err("deep")
                .message
                .contains("deep")
        );
        // No pattern takes longer than its text is long.
        for pattern in ["(a+)+$", "(a|a)*b", "(.*)*x"] {
            let filter = Filter::parse(&format!("call.from_uri ~ \"{pattern}\"")).expect("fine");
            let text = "a".repeat(64 * 1024);
            let values = |_: &Field| vec![Value::String(text.clone())];
            assert_eq!(
                holds(&filter.expression, &values),
                pattern == "(a+)+$",
                "{pattern}"
            );
        }
    }
}
