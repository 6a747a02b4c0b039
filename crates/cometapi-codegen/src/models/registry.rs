//! The registry as Rust: the list of known models with their fields, as data.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::component::{Model, Output};
use super::field::{Field, Kind, Limits, When};

pub(super) fn render(models: &[Model]) -> TokenStream {
    let entries = models.iter().map(entry);
    let mut fields = models.iter().flat_map(|model| &model.fields);
    let condition = fields
        .any(|field| field.only_with.is_some() || field.not_with.is_some())
        .then(|| quote!(Condition,));
    quote! {
        use crate::model::{#condition Field, Kind, Model, OutputKind};

        /// Sorted by name.
        pub(super) static MODELS: &[Model] = &[#(#entries),*];
    }
}

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
    let option =
        |value: Option<Literal>| value.map_or_else(|| quote!(None), |value| quote!(Some(#value)));
    let range = |minimum: Option<Literal>, maximum: Option<Literal>| {
        let (minimum, maximum) = (option(minimum), option(maximum));
        quote!(minimum: #minimum, maximum: #maximum)
    };
    let count = |items: &Limits<u64>| {
        let [minimum, maximum] =
            [items.minimum, items.maximum].map(|count| option(count.map(Literal::u64_unsuffixed)));
        quote!(min_items: #minimum, max_items: #maximum)
    };
    match kind {
        Kind::Text => quote!(Kind::Text),
        Kind::Choice(variants) => {
            let words = variants.iter().map(|variant| &variant.wire);
            quote!(Kind::Choice { values: &[#(#words),*] })
        }
        Kind::IntegerChoice(values) => {
            let values = values.iter().copied().map(Literal::i64_unsuffixed);
            quote!(Kind::IntegerChoice { values: &[#(#values),*] })
        }
        Kind::Integer(Limits { minimum, maximum }) => {
            let whole = Literal::i64_unsuffixed;
            let range = range(minimum.map(whole), maximum.map(whole));
            quote!(Kind::Integer { #range })
        }
        Kind::Number(Limits { minimum, maximum }) => {
            let real = Literal::f64_unsuffixed;
            let range = range(minimum.map(real), maximum.map(real));
            quote!(Kind::Number { #range })
        }
        Kind::Boolean => quote!(Kind::Boolean),
        Kind::Image { accepts } => quote!(Kind::Image { accepts: &[#(#accepts),*] }),
        Kind::Images { accepts, items } => {
            let items = count(items);
            quote!(Kind::Images { accepts: &[#(#accepts),*], #items })
        }
        Kind::Strings { items } => {
            let items = count(items);
            quote!(Kind::Strings { #items })
        }
        Kind::Json => quote!(Kind::Json),
    }
}
