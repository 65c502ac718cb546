//! How strictly is judged.

use std::sync::OnceLock;

use super::{CATALOGUE, CallContext, Check, Findings, Needs, Rule, Severity};

/// A rule that looks at calls.
#[derive(Debug)]
pub(super) struct CallRule {
    /// Without any of these in a call it finds nothing there.
    pub needs: Needs,
    /// What it looks at.
    pub check: fn(&CallContext<'_>, &mut Findings),
    /// The rule, and what it weighs.
    pub rule: (&'static Rule, Severity),
}

/// What kind of network is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// By the letter.
    Strict,
    /// What liberal receivers put up with weighs less.
    #[default]
    Interop,
    /// A mobile operator's core.
    Ims,
    /// Browsers and their gateways.
    Webrtc,
}

/// What weighs otherwise in some networks; `None`: it is no finding there.
const OTHERWISE: [(Profile, &str, Option<Severity>); 9] = [
    // Third parties register for each other, keys come from AKA, signalling
    // runs through IPsec, and preconditions need 100rel.
    (Profile::Ims, "REG002", None),
    (Profile::Ims, "AUT003", None),
    (Profile::Ims, "TRN001", None),
    (Profile::Ims, "PRK011", Some(Severity::Error)),
    // Media are keyed by DTLS and certificates named by SHA-256 (RFC 8826,
    // RFC 8827).
    (Profile::Webrtc, "SDP034", Some(Severity::Error)),
    (Profile::Webrtc, "SDP035", Some(Severity::Error)),
    (Profile::Webrtc, "SDP038", Some(Severity::Error)),
    (Profile::Webrtc, "SDP028", None),
    (Profile::Webrtc, "TRN012", None),
];

impl Profile {
    /// The names used on the command line.
    pub const NAMES: [&'static str; 4] = ["strict", "interop", "ims", "webrtc"];

    /// The profile of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "strict" => Self::Strict,
            "interop" => Self::Interop,
            "ims" => Self::Ims,
            "webrtc" => Self::Webrtc,
            _ => return None,
        })
    }

    /// Those of them that look at calls, close together: each call is put to all of them.
    pub(super) fn call_rules(self) -> &'static [CallRule] {
        static RULES: [OnceLock<Vec<CallRule>>; Profile::NAMES.len()] =
            [const { OnceLock::new() }; Profile::NAMES.len()];
        let of_calls = || {
            let rules = self.rules().iter();
            rules
                .filter_map(|&(rule, severity)| match rule.check {
                    Check::Call(check) => Some(CallRule {
                        needs: rule.needs,
                        check,
                        rule: (rule, severity),
                    }),
                    _ => None,
                })
                .collect()
        };
        RULES
            .get(self as usize)
            .map_or(&[], |rules| rules.get_or_init(of_calls))
    }

    /// Rules whose findings count, and what they weigh.
    pub(super) fn rules(self) -> &'static [(&'static Rule, Severity)] {
        static RULES: [OnceLock<Vec<(&Rule, Severity)>>; Profile::NAMES.len()] =
            [const { OnceLock::new() }; Profile::NAMES.len()];
        let weighed = || {
            let rules = CATALOGUE.into_iter();
            rules
                .filter_map(|rule| Some((rule, self.severity(rule)?)))
                .collect()
        };
        RULES
            .get(self as usize)
            .map_or(&[], |rules| rules.get_or_init(weighed))
    }

    /// What a finding of `rule` weighs; `None` if it is none here.
    #[must_use]
    pub fn severity(self, rule: &Rule) -> Option<Severity> {
        let otherwise = OTHERWISE
            .iter()
            .find(|(profile, code, _)| *profile == self && *code == rule.code);
        if let Some((_, _, severity)) = otherwise {
            return *severity;
        }
        Some(match rule.severity {
            own if self == Self::Strict || !rule.is_tolerated => own,
            Severity::Error => Severity::Warning,
            Severity::Warning | Severity::Info => Severity::Info,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::find;

    #[test]
    fn each_profile_weighs_in_its_own_way() {
        let check = |profile: &str, code: &str, expected| {
            let profile = Profile::of_name(profile).expect("a profile");
            let rule = find(code).expect("a rule");
            assert_eq!(profile.severity(rule), expected, "{code}");
        };
        check("strict", "SYN001", Some(Severity::Error));
        check("interop", "SYN001", Some(Severity::Warning));
        check("strict", "SYN020", Some(Severity::Warning));
        check("ims", "SYN020", Some(Severity::Info));
        check("ims", "REG002", None);
        check("webrtc", "REG002", Some(Severity::Info));
        check("webrtc", "SDP034", Some(Severity::Error));
        check("interop", "TXN014", Some(Severity::Error));
        for (_, code, _) in OTHERWISE {
            assert!(find(code).is_some(), "{code}");
        }
        for name in Profile::NAMES {
            assert!(Profile::of_name(name).is_some(), "{name}");
        }
        assert_eq!(Profile::of_name("lab"), None);
    }
}
