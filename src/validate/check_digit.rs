//! Numbers that prove themselves: bank accounts, tax numbers and article numbers by their check digits.
//!
//! Each question has three answers: right, wrong, or none where the text is no such number, or of a country whose rule is
//! not known here.

/// Letters and digits alone, in capitals.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

/// Whether the check digits of an IBAN are right (ISO 13616, modulo 97); none if it is no IBAN.
pub fn is_iban(text: &str) -> Option<bool> {
    let plain = plain(text);
    let (country, rest) = plain.split_at_checked(2)?;
    let (check, account) = rest.split_at_checked(2)?;
    let shaped = country.chars().all(|c| c.is_ascii_uppercase())
        && check.chars().all(|c| c.is_ascii_digit())
        && (15..=34).contains(&plain.len());
    shaped.then(|| modulo_97(&format!("{account}{country}{check}")) == 1)
}

/// The rest of a number whose letters stand for 10 to 35 (ISO 7064, MOD 97-10).
fn modulo_97(text: &str) -> u32 {
    text.chars()
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| (rest * if value >= 10 { 100 } else { 10 } + value) % 97)
}

/// Whether the last digit of an article number is right (GS1 General Specifications, section 7.9); none if its length
/// is not that of a GTIN-8, 12, 13 or 14. A GLN is checked as a GTIN-13 is.
pub fn is_gtin(text: &str) -> Option<bool> {
    let digits = digits(&plain(text)).filter(|digits| matches!(digits.len(), 8 | 12 | 13 | 14))?;
    let sum: u32 =
        digits.iter().rev().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    Some(sum.is_multiple_of(10))
}

/// Whether the check digits of a tax number for turnover are right.
///
/// The rule is that of the country whose code it begins with (European Commission, VIES: algorithms of the member
/// states; those of Great Britain, Norway and Switzerland).
pub fn is_vat_number(text: &str) -> Option<bool> {
    let plain = plain(text);
    if let Some(number) = plain.strip_prefix("CHE") {
        let (number, _) = number.split_at_checked(9)?;
        return weighted(&digits(number)?, &[5, 4, 3, 2, 7, 6, 5, 4, 1], 11);
    }
    let (country, number) = plain.split_at_checked(2)?;
    let length = |wanted: usize| digits(number).filter(|digits| digits.len() == wanted);
    match country {
        "AT" => {
            let digits = digits(number.strip_prefix('U')?).filter(|digits| digits.len() == 8)?;
            let (last, rest) = digits.split_last()?;
            Some((10 - (luhn_sum(rest) + 4) % 10) % 10 == *last)
        }
        "BE" => {
            let digits = digits(number).filter(|digits| matches!(digits.len(), 9 | 10))?;
            let whole = value(&digits);
            Some(97 - whole / 100 % 97 == whole % 100)
        }
        "DE" => Some(modulo_11_10(&length(9)?)),
        "DK" => weighted(&length(8)?, &[2, 7, 6, 5, 4, 3, 2, 1], 11),
        "FI" => weighted(&length(8)?, &[7, 9, 10, 5, 8, 4, 2, 1], 11),
        "FR" => {
            let (key, siren) = number.split_at_checked(2)?;
            let siren = digits(siren).filter(|digits| digits.len() == 9)?;
            let key = digits(key)?;
            Some(luhn_sum(&siren).is_multiple_of(10) && value(&key) == (12 + 3 * (value(&siren) % 97)) % 97)
        }
        "GB" => {
            let digits = length(9)?;
            let sum: u32 =
                digits.iter().zip([8, 7, 6, 5, 4, 3, 2]).map(|(digit, weight)| digit * weight).sum();
            let whole = u64::from(sum) + value(&digits) % 100;
            Some(whole.is_multiple_of(97) || (whole + 55).is_multiple_of(97))
        }
        "IT" => Some(luhn_sum(&length(11)?).is_multiple_of(10)),
        "LU" => {
            let whole = value(&length(8)?);
            Some(whole / 100 % 89 == whole % 100)
        }
        "NL" => {
            let (own, branch) = number.split_once('B')?;
            let own = digits(own).filter(|digits| digits.len() == 9)?;
            digits(branch).filter(|digits| digits.len() == 2)?;
            // numbers of single persons have another rule since 2020
            Some(weighted(&own, &[9, 8, 7, 6, 5, 4, 3, 2, 10], 11)? || modulo_97(&format!("NL{number}")) == 1)
        }
        "NO" => weighted(&digits(number.split_at_checked(9)?.0)?, &[3, 2, 7, 6, 5, 4, 3, 2, 1], 11),
        "PL" => weighted(&length(10)?, &[6, 5, 7, 2, 3, 4, 5, 6, 7, 10], 11),
        "SE" => {
            let digits = length(12)?;
            let (own, branch) = digits.split_at_checked(10)?;
            Some(luhn_sum(own).is_multiple_of(10) && (1..=94).contains(&value(branch)))
        }
        _ => None,
    }
}

/// Whether the weighted sum of all digits is a multiple of `modulus`.
fn weighted(digits: &[u32], weights: &[u32], modulus: u32) -> Option<bool> {
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    (digits.len() == weights.len()).then(|| sum.is_multiple_of(modulus))
}

/// The sum of digits with every second one from the right doubled and its digits added (ISO/IEC 7812-1, annex B).
fn luhn_sum(digits: &[u32]) -> u32 {
    let twice = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { twice(*digit) } else { *digit }).sum()
}

/// ISO 7064, MOD 11,10.
fn modulo_11_10(digits: &[u32]) -> bool {
    let Some((last, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| match (product + digit) % 10 {
        0 => 20 % 11,
        sum => sum * 2 % 11,
    });
    (11 - product) % 10 == *last
}

fn value(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 10 + u64::from(*digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&str) -> Option<bool>, cases: &[(&str, Option<bool>)]) {
        for (text, expected) in cases {
            assert_eq!(rule(text), *expected, "{text}");
        }
    }

    #[test]
    fn ibans_are_proved() {
        check(
            is_iban,
            &[
                ("DE89 3704 0044 0532 0130 00", Some(true)),
                ("GB82WEST12345698765432", Some(true)),
                ("DE89 3704 0044 0532 0130 01", Some(false)),
                ("4079736864", None),
                ("", None),
            ],
        );
    }

    #[test]
    fn article_numbers_are_proved() {
        check(
            is_gtin,
            &[
                ("4006381333931", Some(true)),
                ("4006381333932", Some(false)),
                ("036000291452", Some(true)),
                ("96385074", Some(true)),
                ("HEX1025-B", None),
                ("12345", None),
            ],
        );
    }

    #[test]
    fn tax_numbers_are_proved_by_the_rule_of_their_country() {
        check(
            is_vat_number,
            &[
                ("ATU13585627", Some(true)),
                ("BE 0403.019.261", Some(true)),
                ("CHE-100.155.212 MWST", Some(true)),
                ("DE136695976", Some(true)),
                ("DE136695978", Some(false)),
                ("DK 13585628", Some(true)),
                ("FI 20774740", Some(true)),
                ("FR 40 303 265 045", Some(true)),
                ("FR 41 303 265 045", Some(false)),
                ("GB 980 7806 84", Some(true)),
                ("IT 00743110157", Some(true)),
                ("LU 150 274 42", Some(true)),
                ("NL4495445B01", None),
                ("NL004495445B01", Some(true)),
                ("NO 988 077 917 MVA", Some(true)),
                ("PL 8567346215", Some(true)),
                ("SE 123456789701", Some(true)),
                ("SE 123456789601", Some(false)),
                ("42-7719035", None),
                ("DE12", None),
                ("", None),
            ],
        );
    }
}
