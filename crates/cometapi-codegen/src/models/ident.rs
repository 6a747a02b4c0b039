//! Names on the wire as names in Rust: valid, and no two of one model alike.

use std::collections::HashSet;

/// The fields of one model as names in code, in the order given. A field that is a name in code
/// keeps it; others that would have the same name get a number.
pub(super) fn fields(wires: &[&str]) -> Vec<String> {
    let is_kept = |wire: &str| snake(wire).as_deref() == Some(wire);
    let kept = wires.iter().filter(|wire| is_kept(wire));
    let mut taken: HashSet<_> = kept.map(|wire| (*wire).to_owned()).collect();
    let names = wires.iter().enumerate().map(|(index, wire)| {
        if is_kept(wire) {
            return (*wire).to_owned();
        }
        let name = snake(wire).unwrap_or_else(|| format!("field_{}", index + 1));
        distinct(&name, "_", &mut taken)
    });
    names.collect()
}

/// The enums of a model's fields as names in code: unlike its struct and unlike each other.
pub(super) fn types(struct_name: &str, fields: &[&str]) -> Vec<String> {
    let mut taken = HashSet::from([struct_name.to_owned()]);
    let names = fields.iter().map(|field| {
        let mut name = pascal(field);
        if TAKEN.contains(&name.as_str()) || name == struct_name {
            name += "Choice";
        }
        distinct_type(&name, &mut taken)
    });
    names.collect()
}

/// `FluxDev` as it stands, out of the way of what the generated code calls by name.
pub(super) fn struct_name(component: &str) -> String {
    if TAKEN.contains(&component) {
        return format!("{component}Model");
    }
    component.to_owned()
}

/// A name in `UpperCamelCase`, with a number if it is taken.
pub(super) fn distinct_type(name: &str, taken: &mut HashSet<String>) -> String {
    distinct(name, between(name, "2"), taken)
}

fn distinct(name: &str, between: &str, taken: &mut HashSet<String>) -> String {
    let stem = name.trim_end_matches('_');
    let mut unique = name.to_owned();
    let mut count = 2;
    while !taken.insert(unique.clone()) {
        unique = format!("{stem}{between}{count}");
        count += 1;
    }
    unique
}

/// What keeps two parts of a name in `UpperCamelCase` apart: `V1_2` is not `V12`.
pub(super) fn between(name: &str, next: &str) -> &'static str {
    let digit = |c: char| c.is_ascii_digit();
    if name.ends_with(digit) && next.starts_with(digit) {
        "_"
    } else {
        ""
    }
}

/// A name in code; `None` where the wire's has nothing for one.
fn snake(wire: &str) -> Option<String> {
    let mut name = String::new();
    let mut after_lower = false;
    for letter in wire.chars() {
        if letter.is_ascii_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_matches('_').to_owned();
    match name.chars().next()? {
        '0'..='9' => Some(format!("n{name}")),
        _ if RESERVED.contains(&name.as_str()) => Some(format!("{name}_")),
        _ => Some(name),
    }
}

/// `output_format` as `OutputFormat`.
fn pascal(snake: &str) -> String {
    let mut name = String::new();
    for word in snake.split('_') {
        name.push_str(between(&name, word));
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// `FluxDev` as `flux_dev`, out of the way of the modules of `cometapi-models`.
pub(crate) fn module_name(type_name: &str) -> String {
    let name = snake(type_name).unwrap_or_default();
    if MODULES.contains(&name.as_str()) {
        return name + "_";
    }
    name
}

/// Words of the language, and what every typed input has already.
const RESERVED: &[&str] = &[
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "check",
    "clone",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "into_input",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "more",
    "move",
    "mut",
    "new",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "to_input",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "with",
    "yield",
];

/// The modules of `cometapi-models`, beside which the models' modules are exported.
const MODULES: &[&str] = &[
    "check",
    "generated",
    "image",
    "input",
    "json",
    "media",
    "model",
    "model_input",
    "read",
    "registry",
    "spelling",
    "support",
];

const TAKEN: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Eq",
    "Hash",
    "Into",
    "IntoIterator",
    "None",
    "Option",
    "PartialEq",
    "Self",
    "Some",
    "String",
    "Vec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_module_of_a_model_hides_behind_another() {
        let lib = concat!(env!("CARGO_MANIFEST_DIR"), "/../cometapi-models/src/lib.rs");
        let lib = std::fs::read_to_string(lib).unwrap();
        let declared = lib.lines().filter_map(|line| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            line.strip_prefix("mod ")?.strip_suffix(';')
        });
        assert_eq!(declared.collect::<Vec<_>>(), MODULES);
    }

    #[test]
    fn names_become_identifiers() {
        for (wire, name) in [
            ("prompt", Some("prompt")),
            ("top-k", Some("top_k")),
            ("topK", Some("top_k")),
            ("3d_model", Some("n3d_model")),
            ("type", Some("type_")),
            ("with", Some("with_")),
            ("__x__", Some("x")),
            ("—", None),
            ("", None),
        ] {
            assert_eq!(snake(wire).as_deref(), name, "{wire}");
        }
        assert_eq!(module_name("FluxDev"), "flux_dev");
        assert_eq!(module_name("Image"), "image_");
        assert_eq!(struct_name("FluxDev"), "FluxDev");
        assert_eq!(struct_name("Option"), "OptionModel");
    }

    #[test]
    fn fields_of_one_name_get_numbers_and_a_name_in_code_is_kept() {
        for (wires, names) in [
            (["topP", "top_p", "top-p"], ["top_p_2", "top_p", "top_p_3"]),
            (["RN50_2", "rn50", "RN50"], ["rn50_2", "rn50", "rn50_3"]),
            (["type", "Type", "type_"], ["type_2", "type_3", "type_"]),
            (
                ["—", "field_1", "提示"],
                ["field_1_2", "field_1", "field_3"],
            ),
        ] {
            assert_eq!(fields(&wires), names, "{wires:?}");
        }
    }

    #[test]
    fn enums_of_one_name_get_numbers_and_digits_stay_apart() {
        let fields = [
            "output_format",
            "option",
            "style",
            "v_1_2",
            "v_12",
            "v_1_2_",
        ];
        assert_eq!(
            types("Style", &fields),
            [
                "OutputFormat",
                "OptionChoice",
                "StyleChoice",
                "V1_2",
                "V12",
                "V1_2_2"
            ]
        );
    }
}
