//! Names in code for the values of a choice.

use std::collections::HashSet;

use super::ident::{between, distinct_type};

/// Longer than this, a name is cut at a word.
const LONG: usize = 48;

const NUMBERS: &[&str] = &[
    "Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
];

/// A name for each value: readable, in `UpperCamelCase`, no two alike.
pub(crate) fn variants(values: &[String]) -> Vec<String> {
    let mut taken = HashSet::new();
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let name = match variant(value) {
                // The one word in this form that Rust keeps for itself.
                name if name == "Self" => "SelfValue".to_owned(),
                name if name.is_empty() => format!("Value{}", index + 1),
                name => name,
            };
            distinct_type(&name, &mut taken)
        })
        .collect()
}

fn variant(value: &str) -> String {
    if value.is_empty() {
        return "Empty".to_owned();
    }
    let words = split(value);
    let mut name = String::new();
    for (index, word) in words.iter().enumerate() {
        let word = match word.as_str() {
            "MP" | "mp" if index == 1 => {
                let several =
                    !matches!(name.as_str(), "One" | "Half" | "Quarter" | "ThreeQuarters");
                if several { "Megapixels" } else { "Megapixel" }.to_owned()
            }
            word if name == "Minus" => in_words(word).unwrap_or_else(|| camel(word, false)),
            word => camel(word, index == 0),
        };
        if !name.is_empty() && name.len() + word.len() > LONG {
            break;
        }
        name.push_str(between(&name, &word));
        name.push_str(&word);
    }
    name
}

/// Letters and digits together; `:`, `.`, and `x` stay between digits. Signs with a name are
/// words of their own.
fn split(value: &str) -> Vec<String> {
    let value: Vec<char> = value.chars().collect();
    let digit = |at: Option<&char>| at.is_some_and(char::is_ascii_digit);
    let mut words = vec![String::new()];
    for (index, c) in value.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| value.get(index));
        let after = value.get(index + 1);
        let sign = match c {
            '+' => "plus",
            '&' => "and",
            '%' => "percent",
            '-' if digit(after) && before.is_none_or(|before| before.is_whitespace()) => "minus",
            _ => "",
        };
        match c {
            _ if !sign.is_empty() => words.extend([sign.to_owned(), String::new()]),
            ':' | '.' if digit(before) && digit(after) => push(&mut words, *c),
            '×' if digit(before) && digit(after) => push(&mut words, 'x'),
            '\'' | '’' => {}
            c if c.is_ascii_alphanumeric() => push(&mut words, *c),
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn push(words: &mut [String], c: char) {
    if let Some(word) = words.last_mut() {
        word.push(c);
    }
}

fn camel(word: &str, first: bool) -> String {
    if let Some((a, b)) = pair(word, ':') {
        return format!("Ratio{}x{}", digits(a), digits(b));
    }
    if let Some((a, b)) = pair(word, 'x').or_else(|| pair(word, 'X')) {
        return format!(
            "{}{}x{}",
            if first { "Size" } else { "" },
            digits(a),
            digits(b)
        );
    }
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, rest) = word.split_at(end.unwrap_or(word.len()));
    let rest = capitalized(&rest.replace([':', '.'], "Point"));
    if number.is_empty() {
        return rest;
    }
    if !first {
        return digits(number) + &rest;
    }
    match in_words(number) {
        Some(number) => number + &rest,
        None => format!("Value{}{rest}", digits(number)),
    }
}

/// Two numbers with a sign between them and nothing else.
fn pair(word: &str, sign: char) -> Option<(&str, &str)> {
    let (a, b) = word.split_once(sign)?;
    let number = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_digit())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    (number(a) && number(b)).then_some((a, b))
}

fn digits(number: &str) -> String {
    number.replace('.', "Point")
}

fn in_words(number: &str) -> Option<String> {
    let name = match number {
        "0.25" => "Quarter",
        "0.5" => "Half",
        "0.75" => "ThreeQuarters",
        _ => {
            let (whole, part) = match number.split_once('.') {
                Some((whole, part)) => (whole, Some(part)),
                None => (number, None),
            };
            // `05` is not `5`.
            let plain = whole == "0" || !whole.starts_with('0');
            let name = NUMBERS
                .get(whole.parse::<usize>().ok()?)
                .filter(|_| plain)?;
            return Some(match part {
                Some(part) => format!("{name}Point{}", digits(part)),
                None => (*name).to_owned(),
            });
        }
    };
    Some(name.to_owned())
}

/// `PNG` as `Png`, and everything else with a capital in front.
fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let rest = chars.as_str();
    let first = first.to_ascii_uppercase();
    if word.chars().any(|c| c.is_ascii_lowercase()) {
        format!("{first}{rest}")
    } else {
        format!("{first}{}", rest.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_read_as_people_would_say_them() {
        for (value, name) in [
            ("1:1", "Ratio1x1"),
            ("16:9", "Ratio16x9"),
            ("2.39:1", "Ratio2Point39x1"),
            ("16:9 (landscape)", "Ratio16x9Landscape"),
            ("landscape 16:9", "LandscapeRatio16x9"),
            ("1024x768", "Size1024x768"),
            ("1024×768", "Size1024x768"),
            ("match_input_image", "MatchInputImage"),
            ("custom", "Custom"),
            ("1", "One"),
            ("10", "Ten"),
            ("25", "Value25"),
            ("0", "Zero"),
            ("05", "Value05"),
            ("-1", "MinusOne"),
            ("0.25", "Quarter"),
            ("0.5", "Half"),
            ("0.3", "ZeroPoint3"),
            ("2.5", "TwoPoint5"),
            ("12.5", "Value12Point5"),
            ("0.5 MP", "HalfMegapixel"),
            ("1 MP", "OneMegapixel"),
            ("2 MP", "TwoMegapixels"),
            ("16 MP", "Value16Megapixels"),
            ("4K", "FourK"),
            ("480p", "Value480P"),
            ("2x", "TwoX"),
            ("PNG", "Png"),
            (".png", "Png"),
            ("image/png", "ImagePng"),
            ("K_EULER", "KEuler"),
            ("DPMSolverMultistep", "DPMSolverMultistep"),
            ("flux-dev-v1.5", "FluxDevV1Point5"),
            ("version 2 10", "Version2_10"),
            ("C++", "CPlusPlus"),
            ("50%", "Value50Percent"),
            ("don't know", "DontKnow"),
            ("self", "SelfValue"),
            ("", "Empty"),
            ("日本", "Value1"),
        ] {
            assert_eq!(variants(&[value.into()]), [name], "{value}");
        }
    }

    #[test]
    fn no_two_are_alike() {
        let values = ["fast", "Fast", "FAST!", "v1", "V1", "V-1", "!", "?"].map(str::to_owned);
        assert_eq!(
            variants(&values),
            [
                "Fast", "Fast2", "Fast3", "V1", "V1_2", "V1_3", "Value7", "Value8"
            ]
        );
    }

    #[test]
    fn a_long_value_is_cut_at_a_word() {
        let value = "a very long sentence that somebody took for the value of a choice";
        assert_eq!(
            variants(&[value.into()]),
            ["AVeryLongSentenceThatSomebodyTookForTheValueOfA"]
        );
    }

    proptest! {
        #[test]
        fn every_value_has_a_name_that_rust_takes(values in prop::collection::vec(".{0,20}", 0..12)) {
            let names = variants(&values);
            let unique: HashSet<_> = names.iter().collect();
            prop_assert_eq!(unique.len(), values.len());
            for name in names {
                prop_assert!(name.starts_with(|first: char| first.is_ascii_uppercase()), "{}", name);
                prop_assert!(syn::parse_str::<syn::Ident>(&name).is_ok(), "{}", name);
            }
        }
    }
}
