//! Models as lines that fit a terminal of any width.

use cometapi::models::{Field, Model};
use cometapi_account::Price;

use super::returns;
use crate::pricing;

/// Between two columns.
const GAP: &str = "  ";
/// A last column with less room than this is left out.
const LEAST: usize = 16;
/// The longest default that is shown whole.
const LONGEST_DEFAULT: usize = 16;

/// A model in a line.
pub(super) struct Row<'m> {
    owner: &'m str,
    /// Without its owner.
    name: &'m str,
    returns: &'m str,
    /// The higher price of a prediction; empty where it is unknown.
    price: String,
    description: String,
}

impl Row<'static> {
    pub(super) fn of(model: &'static Model, price: Option<&Price>) -> Self {
        Self {
            owner: model.owner(),
            name: model.short_name(),
            returns: returns(model.output_kind()),
            price: price.map_or_else(String::new, |price| price.highest().to_string()),
            description: plain(model.description()),
        }
    }
}

/// The models by owner and family, each in a line of at most `width`.
pub(super) fn overview(rows: &[Row<'_>], width: Option<usize>) -> String {
    let mut lines = Vec::new();
    for family in rows.chunk_by(|a, b| a.owner == b.owner && stem(a.name) == stem(b.name)) {
        let members: Vec<_> = family.iter().map(|row| row.name).collect();
        lines.push(format!("{}: {}", family[0].owner, family_name(&members)));
        // The columns of a family are its own, so that a long name shortens no other descriptions.
        let names = longest(members.iter().copied());
        let kinds = longest(family.iter().map(|row| row.returns));
        let prices = longest(family.iter().map(|row| row.price.as_str()));
        for row in family {
            let name = format!("{GAP}{:names$}", row.name);
            let kind = format!("{GAP}{:kinds$}", row.returns);
            let description = format!("{GAP}{}", row.description);
            let mut columns = vec![kind.as_str()];
            let price = format!("{GAP}{:>prices$}", row.price);
            if prices > 0 {
                columns.push(&price);
            }
            columns.push(&description);
            lines.push(fitted(&name, &columns, width));
        }
    }
    lines.join("\n")
}

/// A model with its price and its fields.
pub(super) fn details(model: &Model, price: Option<&Price>, width: Option<usize>) -> String {
    let fields = model.fields();
    let names = longest(fields.iter().map(Field::name).chain(["FIELD"]));
    let defaults: Vec<_> = fields.iter().map(default).collect();
    let default_width = longest(defaults.iter().map(String::as_str).chain(["DEFAULT"]));
    let line = |name: &str, default: &str, takes: &str| {
        let default = format!("{GAP}{default:default_width$}");
        let takes = format!("{GAP}{takes}");
        fitted(&format!("{GAP}{name:names$}"), &[&default, &takes], width)
    };
    let kind = returns(model.output_kind());
    let mut lines = vec![model.name().to_owned()];
    lines.extend(wrapped(&plain(model.description()), width));
    lines.push(format!("Returns: {kind}"));
    if let Some(price) = price {
        let price = format!("Price per prediction: {}", pricing::listed(price));
        lines.extend(wrapped(&price, width));
    }
    lines.push(String::new());
    lines.push(line("FIELD", "DEFAULT", "TAKES"));
    for (field, default) in fields.iter().zip(&defaults) {
        let note = match field {
            field if field.is_deprecated() => "deprecated; ",
            field if field.is_gateway_only() => "only on the gateway's pages; ",
            _ => "",
        };
        let takes = format!("{note}{}", field.kind());
        lines.push(line(field.name(), default, &takes));
    }
    lines.push(String::new());
    let more = format!(
        "What each field does: paperboat run {} --help",
        model.name()
    );
    lines.extend(wrapped(&more, width));
    lines.join("\n")
}

fn default(field: &Field) -> String {
    match field.default() {
        _ if field.is_required() => "(required)".to_owned(),
        Some(default) => cut(&plain(default), LONGEST_DEFAULT),
        None => String::new(),
    }
}

/// `first` and as many of the `others` as fit, the last of them cut.
fn fitted(first: &str, others: &[&str], width: Option<usize>) -> String {
    let mut line = first.to_owned();
    for (index, column) in others.iter().enumerate() {
        let is_last = index + 1 == others.len();
        let room = width.map(|width| width.saturating_sub(length(&line)));
        match room {
            Some(room) if length(column) > room => {
                if is_last && room >= LEAST {
                    line.push_str(&cut(column, room));
                }
                break;
            }
            _ => line.push_str(column),
        }
    }
    line.trim_end().to_owned()
}

/// What two models of a family begin with: the first word of their names.
fn stem(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

/// The words that the names of a family begin with; of one name, those before a version.
fn family_name(names: &[&str]) -> String {
    let Some((first, others)) = names.split_first() else {
        return String::new();
    };
    let mut family: Vec<_> = first.split('-').collect();
    for other in others {
        let words = family.iter().copied().zip(other.split('-'));
        let common = words.take_while(|(one, other)| one == other).count();
        family.truncate(common);
    }
    let is_word = |word: &&&str| !word.contains(char::is_numeric);
    let unversioned = family.iter().take_while(is_word).count();
    if unversioned > 0 {
        family.truncate(unversioned);
    }
    family.join("-")
}

/// Text on one line, without the marks of code.
fn plain(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('`', "")
}

/// `text` in lines of at most `width`, where its words allow it.
fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if width.is_none_or(|width| length(line) + 1 + length(word) <= width) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `text`, or as much of it as `room` characters hold, with an ellipsis.
fn cut(text: &str, room: usize) -> String {
    if length(text) <= room {
        return text.to_owned();
    }
    let begun: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", begun.trim_end())
}

fn longest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(length).max().unwrap_or_default()
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use cometapi::models::models;
    use proptest::prelude::*;

    use super::*;

    fn row<'m>(owner: &'m str, name: &'m str, returns: &'m str, description: &str) -> Row<'m> {
        Row {
            owner,
            name,
            returns,
            price: String::new(),
            description: description.to_owned(),
        }
    }

    fn price(dollars: &str, ratio: Option<&str>) -> Price {
        let ratio = ratio.map(|it| it.parse().unwrap());
        Price::new("id", dollars.parse().unwrap(), ratio).unwrap()
    }

    #[test]
    fn models_are_shown_by_owner_and_family() {
        let rows = [
            row("acme", "fox-1", "file", "Foxes."),
            row(
                "acme",
                "fox-2-pro",
                "files",
                "Better foxes, and more of them.",
            ),
            row("acme", "owl", "text", "Owls that talk at great length."),
            row("zoo", "fox-1", "json", "A fox, measured."),
        ];
        assert_eq!(
            overview(&rows, Some(38)),
            "acme: fox\n\
             \x20 fox-1      file   Foxes.\n\
             \x20 fox-2-pro  files  Better foxes, and…\n\
             acme: owl\n\
             \x20 owl  text  Owls that talk at great…\n\
             zoo: fox\n\
             \x20 fox-1  json  A fox, measured."
        );
        // Less is shown where there is less room, and everything where lines have no end.
        assert!(overview(&rows, Some(26)).contains("\n  owl  text\n"));
        assert!(overview(&rows, Some(10)).contains("\n  owl\n"));
        let whole = "  owl  text  Owls that talk at great length.\n";
        assert!(overview(&rows, None).contains(whole));
        assert_eq!(overview(&[], None), "");
    }

    #[test]
    fn prices_are_a_column_of_their_family_and_empty_where_unknown() {
        let priced = |row: Row<'static>, price: &str| Row {
            price: price.to_owned(),
            ..row
        };
        let rows = [
            priced(row("acme", "fox-1", "file", "Foxes."), "$0.0032"),
            row("acme", "fox-2", "files", "Better foxes, and more of them."),
            priced(row("acme", "fox-3", "file", "Great foxes."), "$12.50"),
            row("acme", "owl", "text", "Owls."),
        ];
        assert_eq!(
            overview(&rows, Some(40)),
            "acme: fox\n\
             \x20 fox-1  file   $0.0032  Foxes.\n\
             \x20 fox-2  files           Better foxes,…\n\
             \x20 fox-3  file    $12.50  Great foxes.\n\
             acme: owl\n\
             \x20 owl  text  Owls."
        );
        assert!(overview(&rows, Some(24)).contains("\n  fox-1  file   $0.0032\n"));
        assert!(overview(&rows, Some(16)).contains("\n  fox-1  file\n"));
    }

    #[test]
    fn details_show_both_prices() {
        let model = &models()[0];
        let price = price("0.24", Some("0.8"));
        let shown = details(model, Some(&price), None);
        assert!(
            shown.contains("\nPrice per prediction: $0.24, or $0.192 if the discount counts\n"),
            "{shown}"
        );
        assert!(!details(model, None, None).contains("Price"));
    }

    #[test]
    fn a_family_is_called_by_what_its_names_begin_with() {
        for (names, family) in [
            (["flux-1.1-pro", "flux-dev"].as_slice(), "flux"),
            (&["qwen-image", "qwen-image-edit"], "qwen-image"),
            (
                &["stable-diffusion-3.5-large", "stable-diffusion-3.5-medium"],
                "stable-diffusion",
            ),
            (&["nano-banana", "nano-banana-2"], "nano-banana"),
            (&["gpt-image-1"], "gpt-image"),
            (&["ideogram-v2"], "ideogram"),
            (&["sana"], "sana"),
            (&["4x"], "4x"),
            (&[], ""),
        ] {
            assert_eq!(family_name(names), family, "{names:?}");
        }
    }

    #[test]
    fn details_name_every_field_and_fit() {
        for model in models() {
            let whole = details(model, None, None);
            for field in model.fields() {
                let line = whole
                    .lines()
                    .find(|line| line.split_whitespace().next() == Some(field.name()));
                assert!(line.unwrap().ends_with(&field.kind().to_string()));
            }
            assert!(whole.contains(&plain(model.description())));
        }
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(width in 1_usize..250, is_priced: bool) {
            let price = price("0.003125", Some("0.8"));
            let price = is_priced.then_some(&price);
            let rows: Vec<_> = models().iter().map(|model| Row::of(model, price)).collect();
            // Names are not cut: they are to be copied.
            let names = 2 + longest(rows.iter().map(|row| row.name));
            // As in a heading.
            let owners = longest(rows.iter().map(|row| row.owner));
            let least = width.max(owners + names);
            let text = overview(&rows, Some(width));
            for line in text.lines() {
                prop_assert!(length(line) <= least, "{}", line);
            }
            for row in &rows {
                prop_assert!(text.contains(row.name));
            }
            for model in models() {
                let fields = longest(model.fields().iter().map(Field::name));
                let longest_word = longest(plain(model.description()).split(' '));
                let least = width.max(fields + 2).max(length(model.name())).max(longest_word).max(14);
                for line in details(model, price, Some(width)).lines() {
                    prop_assert!(length(line) <= least, "{}", line);
                }
            }
        }
    }
}
