//! The codes of countries, languages and currencies that standards list, and how many decimals a currency has.
//!
//! Follows ISO 3166-1 (alpha-2), ISO 639-1 and ISO 4217, as they stand in 2026.

/// ISO 3166-1 alpha-2; `XK`, which the standard leaves to its users, is what the European Union writes for Kosovo.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
     CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
     GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
     KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT \
     MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
     SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ \
     UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es \
     et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj \
     kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv \
     ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti \
     tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// ISO 4217 with two decimals.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE \
     CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW \
     KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK \
     PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS \
     UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG BGN ANG";
/// ISO 4217 without decimals.
const WITHOUT_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// ISO 4217 with three decimals.
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";

fn lists(codes: &str, code: &str) -> bool {
    !code.is_empty() && codes.split(' ').any(|known| known == code)
}

/// Whether it is the code of a country, in capitals.
pub fn is_country(code: &str) -> bool {
    lists(COUNTRIES, code)
}

/// Whether it is the code of a language, in small letters.
pub fn is_language(code: &str) -> bool {
    lists(LANGUAGES, code)
}

/// Whether it is the code of a currency, in capitals.
pub fn is_currency(code: &str) -> bool {
    decimals(code).is_some()
}

/// How many decimals an amount of a currency has; none if there is no such currency.
pub fn decimals(currency: &str) -> Option<u32> {
    [(CURRENCIES, 2), (WITHOUT_DECIMALS, 0), (THREE_DECIMALS, 3)]
        .into_iter()
        .find_map(|(codes, decimals)| lists(codes, currency).then_some(decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_standards_list() {
        assert!(is_country("SE") && is_country("XK") && !is_country("se") && !is_country("UK"));
        assert!(!is_country("") && !is_country("SE NO"));
        assert!(is_language("sv") && !is_language("se-SE") && !is_language("english"));
        for (code, digits) in
            [("EUR", Some(2)), ("JPY", Some(0)), ("KWD", Some(3)), ("KR", None), ("eur", None)]
        {
            assert_eq!(decimals(code), digits, "{code}");
        }
        assert_eq!((COUNTRIES.split(' ').count(), LANGUAGES.split(' ').count()), (250, 183));
    }
}
