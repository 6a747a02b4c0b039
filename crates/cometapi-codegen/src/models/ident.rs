//! Names on the wire as names in Rust.

/// A name in code, and whether it had to be changed to be one.
pub(super) fn snake(wire: &str) -> Option<String> {
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

/// `output_format` as `OutputFormat`, out of the way of what the generated code calls by name.
pub(super) fn type_name(snake: &str) -> String {
    let name = pascal(snake);
    if TAKEN.contains(&name.as_str()) {
        return name + "Choice";
    }
    name
}

fn pascal(snake: &str) -> String {
    snake
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

/// `FluxDev` as `flux_dev`, out of the way of the modules of `cometapi-models`.
pub(super) fn module_name(type_name: &str) -> String {
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
        assert_eq!(type_name("output_format"), "OutputFormat");
        assert_eq!(type_name("option"), "OptionChoice");
    }
}
