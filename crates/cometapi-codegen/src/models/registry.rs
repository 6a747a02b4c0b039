//! The registry as Rust: the list of known models with their fields, as data.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::component::{Model, Output};
use super::field::{Field, Kind, When};

pub(super) fn render(models: &[Model]) -> TokenStream {
    let entries = models.iter().map(entry);
    quote! {
        use crate::model::{Condition, Field, Kind, Model, OutputKind};

        /// Sorted by name.
        pub(super) static MODELS: &[Model] = &[#(#entries),*];
    }
}

/// The model as data.
fn entry(model: &Model) -> TokenStream {
    let (name, description, source) = (&model.name, &model.description, &model.source);
    let schema = format!("../{}", model.schema_path());
    let output = match model.output {
        Output::List => quote!(OutputKind::Files),
        Output::Single => quote!(OutputKind::OneFile),
        Output::Text => quote!(OutputKind::Text),
        Output::Json => quote!(OutputKind::Json),
    };
    let fields = model.fields.iter().map(|field| member(field, model));
    quote! {
        {
            const SOURCE: &str = #source;
            Model {
                name: #name,
                description: #description,
                source: SOURCE,
                output_kind: #output,
                fields: &[#(#fields),*],
                schema: include_str!(#schema),
            }
        }
    }
}

/// A field as data; what is as with most is left to the pattern.
fn member(field: &Field, model: &Model) -> TokenStream {
    let (wire, description) = (&field.wire, &field.description);
    let kind = kind(&field.kind);
    let source = if field.source == model.source {
        quote!(SOURCE)
    } else {
        let source = &field.source;
        quote!(#source)
    };
    let flag = |is: bool, name: &str| {
        let name = format_ident!("{name}");
        is.then(|| quote!(#name: true,))
    };
    let flags = [
        flag(field.required, "required"),
        flag(field.nullable, "nullable"),
        flag(field.deprecated, "deprecated"),
        flag(field.gateway_only, "gateway_only"),
    ];
    let flags = flags.into_iter().flatten();
    let default = field
        .default
        .as_ref()
        .map(|text| quote!(default: Some(#text),));
    let when = |name: &str, when: &Option<When>| {
        let name = format_ident!("{name}");
        let when = when.as_ref();
        when.map(|When { field, value }| {
            quote!(#name: Some(Condition { field: #field, value: #value }),)
        })
    };
    let (only_with, not_with) = (
        when("only_with", &field.only_with),
        when("not_with", &field.not_with),
    );
    let rounded_to = field.rounded_to.map(|step| {
        let step = Literal::i64_unsuffixed(step);
        quote!(rounded_to: Some(#step),)
    });
    quote! {
        Field {
            name: #wire,
            description: #description,
            source: #source,
            kind: #kind,
            #default
            #only_with
            #not_with
            #rounded_to
            #(#flags)*
            ..Field::DEFAULT
        }
    }
}

fn kind(kind: &Kind) -> TokenStream {
    let whole = |value: &i64| {
        let value = Literal::i64_unsuffixed(*value);
        quote!(#value)
    };
    let real = |value: &f64| {
        let value = Literal::f64_unsuffixed(*value);
        quote!(#value)
    };
    let count = |value: &u64| {
        let value = Literal::u64_unsuffixed(*value);
        quote!(#value)
    };
    match kind {
        Kind::Text => quote!(Kind::Text),
        Kind::Choice(variants) => {
            let words = variants.iter().map(|variant| &variant.wire);
            quote!(Kind::Choice { values: &[#(#words),*] })
        }
        Kind::IntegerChoice(values) => {
            let values = values.iter().map(whole);
            quote!(Kind::IntegerChoice { values: &[#(#values),*] })
        }
        Kind::Integer { minimum, maximum } => {
            let minimum = option(minimum.as_ref().map(whole));
            let maximum = option(maximum.as_ref().map(whole));
            quote!(Kind::Integer { minimum: #minimum, maximum: #maximum })
        }
        Kind::Number { minimum, maximum } => {
            let minimum = option(minimum.as_ref().map(real));
            let maximum = option(maximum.as_ref().map(real));
            quote!(Kind::Number { minimum: #minimum, maximum: #maximum })
        }
        Kind::Boolean => quote!(Kind::Boolean),
        Kind::Image { accepts } => quote!(Kind::Image { accepts: &[#(#accepts),*] }),
        Kind::Images {
            accepts,
            min_items,
            max_items,
        } => {
            let min_items = option(min_items.as_ref().map(count));
            let max_items = option(max_items.as_ref().map(count));
            quote!(Kind::Images {
                accepts: &[#(#accepts),*],
                min_items: #min_items,
                max_items: #max_items,
            })
        }
        Kind::Strings {
            min_items,
            max_items,
        } => {
            let min_items = option(min_items.as_ref().map(count));
            let max_items = option(max_items.as_ref().map(count));
            quote!(Kind::Strings { min_items: #min_items, max_items: #max_items })
        }
        Kind::Json => quote!(Kind::Json),
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(None), |value| quote!(Some(#value)))
}
