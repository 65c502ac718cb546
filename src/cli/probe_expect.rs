//! What a probe's measurements are expected to be: `mos>=4.0`, `media=both`.

use serde_json::Value;

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expectation {
    text: String,
    path: Vec<String>,
    operator: Operator,
    wanted: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Expectation {
    /// Reads one; `known` is what measurements look like.
    pub(super) fn parse(text: &str, known: &Value) -> Result<Self, String> {
        let spellings = [
            ("!=", Operator::Other),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("==", Operator::Equal),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::More),
        ];
        let found = spellings.into_iter().find_map(|(spelling, operator)| {
            let (path, wanted) = text.split_once(spelling)?;
            Some((path.trim(), operator, wanted.trim()))
        });
        let (path, operator, wanted) =
            found.ok_or_else(|| format!("{text}: no operator (= != < <= > >=)"))?;
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if at(known, &path).is_none() {
            return Err(format!("{text}: nothing is called {}", path.join(".")));
        }
        let compares = !matches!(operator, Operator::Equal | Operator::Other);
        if compares && wanted.parse::<f64>().is_err() {
            return Err(format!("{text}: {wanted} is no number"));
        }
        Ok(Self {
            text: text.to_owned(),
            path,
            operator,
            wanted: wanted.to_owned(),
        })
    }

    /// Why it is not so; nothing, where it is. What is not known is not so.
    pub(super) fn unmet(&self, measurements: &Value) -> Option<String> {
        let value = at(measurements, &self.path).unwrap_or(&Value::Null);
        let told = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let numbers = value.as_f64().zip(self.wanted.parse::<f64>().ok());
        let is_met = match (self.operator, numbers) {
            (Operator::Equal, Some((own, wanted))) => (own - wanted).abs() < 1e-9,
            (Operator::Equal, None) => told == self.wanted,
            (Operator::Other, Some((own, wanted))) => (own - wanted).abs() >= 1e-9,
            (Operator::Other, None) => !value.is_null() && told != self.wanted,
            (Operator::Less, Some((own, wanted))) => own < wanted,
            (Operator::AtMost, Some((own, wanted))) => own <= wanted,
            (Operator::More, Some((own, wanted))) => own > wanted,
            (Operator::AtLeast, Some((own, wanted))) => own >= wanted,
            (_, None) => false,
        };
        (!is_met).then(|| match value {
            Value::Null => format!("{} expected, and it is not known", self.text),
            _ => format!("{} expected, and it is {told}", self.text),
        })
    }
}

fn at<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_held_against_what_was_measured() {
        let own = serde_json::json!({
            "media": "both", "mos": 4.1, "status": 200, "rtt_ms": null, "to_peer": {"lost": 3},
        });
        let check = |text: &str, is_met: bool| {
            let expectation = Expectation::parse(text, &own).expect(text);
            assert_eq!(expectation.unmet(&own).is_none(), is_met, "{text}");
        };
        for text in [
            "media=both",
            "media == both",
            "media!=none",
            "mos>=4.1",
            "mos>4",
            "mos<=4.1",
        ] {
            check(text, true);
        }
        for text in [
            "status=200",
            "to_peer.lost<4",
            "to_peer.lost=3",
            "status!=486",
        ] {
            check(text, true);
        }
        for text in [
            "media=none",
            "media!=both",
            "mos>4.1",
            "mos<4.1",
            "to_peer.lost>=4",
        ] {
            check(text, false);
        }
        // What is not known is neither so nor otherwise.
        for text in ["rtt_ms<9999", "rtt_ms>=0", "rtt_ms=3", "rtt_ms!=3"] {
            check(text, false);
        }
        for text in ["mos", "moss>1", "mos>=good", "to_peer.lost.x=1"] {
            assert!(Expectation::parse(text, &own).is_err(), "{text}");
        }
    }
}
