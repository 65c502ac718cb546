//! Which numbers may be called: those that were allowed, and no emergency service.

/// Emergency services, as they are dialled somewhere; an extension of a private
/// exchange may look the same.
const EMERGENCY: [&str; 27] = [
    "000", "100", "101", "102", "103", "104", "108", "110", "111", "112", "113", "115", "117",
    "118", "119", "120", "122", "123", "133", "144", "155", "158", "190", "191", "911", "997",
    "999",
];
/// Calls that cost more than others, without the plus sign or the zeros of
/// international numbers.
const PREMIUM: [&str; 9] = [
    "1900", "1976", "44871", "44872", "4490", "4491", "4498", "49900", "33899",
];
/// The same, as they are dialled within a country.
const PREMIUM_AT_HOME: [&str; 6] = ["0900", "0906", "0190", "0899", "1900", "1976"];

/// Whether the user of a URI may be called; if not, why. A name may; a number only
/// where one of `allowed` is it, or a beginning of it followed by `*`.
///
/// # Errors
///
/// Why it may not be called.
pub fn check(user: &str, allowed: &[String]) -> Result<(), String> {
    let user = user.split(';').next().unwrap_or_default();
    let digits: String = user.chars().filter(|own| !"-.()".contains(*own)).collect();
    let bare = digits.strip_prefix('+').unwrap_or(&digits);
    let is_number = bare.len() >= 2 && bare.bytes().all(|own| own.is_ascii_digit());
    if !is_number {
        return Ok(());
    }
    // An emergency service or a premium number is typed three times: who does that
    // knows that it is an extension of their own.
    let times = allowed.iter().filter(|own| own.as_str() == user).count();
    let abroad = bare.strip_prefix("00").unwrap_or(bare);
    let is_premium = (PREMIUM.iter().any(|own| abroad.starts_with(own)) && abroad.len() > 6)
        || (PREMIUM_AT_HOME.iter().any(|own| bare.starts_with(own)) && bare.len() > 6);
    if times < 2 && (EMERGENCY.contains(&bare) || is_premium) {
        let kind = if is_premium {
            "a premium number"
        } else {
            "an emergency number"
        };
        return Err(format!(
            "{user} is {kind} somewhere; if it is an extension of yours, say --allow {user} twice"
        ));
    }
    let is_allowed = allowed.iter().any(|own| match own.strip_suffix('*') {
        Some(beginning) => !beginning.is_empty() && user.starts_with(beginning),
        None => own == user,
    });
    if is_allowed {
        Ok(())
    } else {
        Err(format!(
            "{user} is a number: say --allow {user}, or --allow with a beginning and *"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m080_only_numbers_that_were_allowed_are_called() {
        let judge = |user: &str, allowed: &[&str], is_good: bool| {
            let all: Vec<String> = allowed.iter().map(|own| (*own).to_owned()).collect();
            assert_eq!(check(user, &all).is_ok(), is_good, "{user} {allowed:?}");
        };
        for name in ["echo", "", "alice", "a1", "1a", "9"] {
            judge(name, &[], true);
        }
        for number in [
            "200",
            "+4930123456",
            "030-123-456",
            "(030)123456",
            "200;phone-context=x",
        ] {
            judge(number, &[], false);
        }
        judge("200", &["200"], true);
        judge("200", &["2*"], true);
        judge("200", &["20"], false);
        judge("200", &["*"], false);
        judge("+4930123456", &["+4930*"], true);
        judge("+4930123456", &["+4931*"], false);
        for number in [
            "112",
            "911",
            "+112",
            "9-1-1",
            "+19005551234",
            "0019005551234",
            "0900123456",
        ] {
            judge(number, &["*", "9*", "0*", "+*", "1*"], false);
            judge(number, &[number], false);
            judge(number, &[number, number], true);
        }
        judge("19005", &["1*"], true);
    }
}
