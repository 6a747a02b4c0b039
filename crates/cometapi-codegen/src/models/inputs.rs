//! The typed inputs as Rust: a module for each model.

use std::fmt::Display;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::component::{Model, Output};
use super::field::{Field, Kind, Limits, When};

pub(super) fn render(models: &[Model]) -> TokenStream {
    let modules = models.iter().map(module);
    quote!(#(#modules)*)
}

fn module(model: &Model) -> TokenStream {
    let module = name(&model.module);
    let docs = docs(&[&format!("`{}`: {}", model.name, model.description)]);
    let input = input(model);
    let enums = model
        .offered()
        .filter_map(|field| match &field.kind {
            Kind::Choice(variants) => Some((field, variants)),
            _ => None,
        })
        .map(|(field, variants)| {
            let docs = docs_of(&field.description, &format!("Values of `{}`.", field.wire));
            let ty = enum_name(field);
            let names: Vec<_> = variants.iter().map(|variant| name(&variant.name)).collect();
            let words: Vec<_> = variants.iter().map(|variant| &variant.wire).collect();
            let wires = words.iter().map(|word| doc_line(&format!(" `{word}`")));
            quote! {
                #docs
                #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
                #[non_exhaustive]
                pub enum #ty {
                    #(#[doc = #wires] #names,)*
                }

                support::choice!(#ty { #(#names = #words),* });
            }
        });
    quote! {
        #docs
        pub mod #module {
            use crate::support;

            #input
            #(#enums)*
        }
    }
}

fn input(model: &Model) -> TokenStream {
    let ty = name(&model.type_name);
    let (required, optional): (Vec<_>, Vec<_>) = model.offered().partition(|field| field.required);
    let returns = match model.output {
        Output::List => quote!(support::Files),
        Output::Single => quote!(support::OneFile),
        Output::Text => quote!(support::Text),
        Output::Json => quote!(support::Json),
    };
    let struct_docs = docs(&[
        &format!("What `{}` takes.", model.name),
        "",
        &sentence(&model.description),
        "",
        &source(&model.source),
    ]);

    let of = |fields: &[&Field]| -> Vec<_> { fields.iter().map(|f| name(&f.ident)).collect() };
    let (must, may) = (of(&required), of(&optional));
    let must_types = required.iter().map(|field| held(field));
    let may_types = optional.iter().map(|field| held(field));
    let (must_wires, may_wires) = (
        required.iter().map(|field| &field.wire),
        optional.iter().map(|field| &field.wire),
    );

    let arguments = required.iter().map(|field| {
        let (name, ty) = (name(&field.ident), taken(field));
        quote!(#name: #ty)
    });
    let values = required.iter().map(|field| converted(field));
    let lines: Vec<_> = required
        .iter()
        .map(|field| format!("- `{}`: {}", field.ident, sentence(&field.description)))
        .collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.splice(
        0..0,
        [
            "Creates an input from the required fields; set optional fields with the methods below.",
            "",
        ],
    );
    if required.is_empty() {
        lines.truncate(1);
    }
    let new_docs = docs(&lines);

    let setters = optional.iter().map(|field| {
        let (name, ty, value) = (name(&field.ident), taken(field), converted(field));
        let docs = setter_docs(field, model);
        let deprecated = field
            .deprecated
            .then(|| quote!(#[deprecated = "the model's publisher advises against it"]));
        quote! {
            #docs
            #deprecated
            pub fn #name(mut self, #name: #ty) -> Self {
                self.#name = Some(#value);
                self
            }
        }
    });
    let (wire_name, title) = (&model.name, &model.component);
    quote! {
        #struct_docs
        #[derive(Clone, Debug, PartialEq)]
        #[must_use = "an input does nothing until it is run"]
        pub struct #ty {
            #(#must: #must_types,)*
            #(#may: Option<#may_types>,)*
            more: support::Input,
        }

        impl #ty {
            #new_docs
            pub fn new(#(#arguments),*) -> Self {
                Self {
                    #(#must: #values,)*
                    #(#may: None,)*
                    more: support::Input::new(),
                }
            }

            #(#setters)*

            /// Sets a field by its wire name: one without a method here, or one with any JSON
            /// value.
            pub fn with(mut self, field: impl Into<String>, value: impl Into<support::Value>) -> Self {
                self.more = self.more.with(field, value);
                self
            }
        }

        impl support::ModelInput for #ty {
            const MODEL: &'static str = #wire_name;
            type Returns = #returns;

            fn to_input(&self) -> support::Input {
                support::Fields::new()
                    #(.always(#must_wires, &self.#must))*
                    #(.when_set(#may_wires, self.#may.as_ref()))*
                    .and(&self.more)
            }
        }

        support::impl_serialize!(#ty, #title);
    }
}

/// What a struct holds of a field.
fn held(field: &Field) -> TokenStream {
    match field.kind {
        Kind::Text => quote!(String),
        Kind::Choice(_) => {
            let name = enum_name(field);
            quote!(#name)
        }
        Kind::Integer { .. } | Kind::IntegerChoice(_) => quote!(i64),
        Kind::Number { .. } => quote!(f64),
        Kind::Boolean => quote!(bool),
        Kind::Image { .. } => quote!(support::ImageInput),
        Kind::Images { .. } => quote!(Vec<support::ImageInput>),
        Kind::Strings { .. } => quote!(Vec<String>),
        Kind::Json => quote!(support::Value),
    }
}

/// What a setter takes for it.
fn taken(field: &Field) -> TokenStream {
    match field.kind {
        Kind::Images { .. } => quote!(impl IntoIterator<Item = impl Into<support::ImageInput>>),
        Kind::Strings { .. } => quote!(impl IntoIterator<Item = impl Into<String>>),
        Kind::Text | Kind::Number { .. } | Kind::Image { .. } | Kind::Json => {
            let held = held(field);
            quote!(impl Into<#held>)
        }
        _ => held(field),
    }
}

/// From the one to the other.
fn converted(field: &Field) -> TokenStream {
    let name = name(&field.ident);
    match field.kind {
        Kind::Images { .. } | Kind::Strings { .. } => {
            quote!(#name.into_iter().map(Into::into).collect())
        }
        Kind::Text | Kind::Number { .. } | Kind::Image { .. } | Kind::Json => quote!(#name.into()),
        _ => quote!(#name),
    }
}

fn setter_docs(field: &Field, model: &Model) -> TokenStream {
    let mut facts = Vec::new();
    if let Some(limits) = limits(&field.kind) {
        facts.push(limits);
    }
    if let Some(default) = &field.default {
        facts.push(format!("The model's default is `{default}`."));
    }
    if let Some(When { field, value }) = &field.only_with {
        facts.push(format!("Only used with `{field}` = `{value}`."));
    }
    if let Some(When { field, value }) = &field.not_with {
        facts.push(format!("Does not count with `{field}` = `{value}`."));
    }
    let (described, facts) = (sentence(&field.description), facts.join(" "));
    let source = source(&field.source);
    let mut lines = vec![described.as_str()];
    if !facts.is_empty() {
        lines.extend(["", facts.as_str()]);
    }
    // The model's own stands at the struct.
    if field.source != model.source {
        lines.extend(["", source.as_str()]);
    }
    docs(&lines)
}

fn limits(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Integer(limits) => range(*limits),
        Kind::Number(limits) => range(*limits),
        Kind::IntegerChoice(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            Some(format!("One of {}.", values.join(", ")))
        }
        Kind::Images { items, .. } | Kind::Strings { items } => {
            range(*items).map(|range| format!("How many: {range}"))
        }
        _ => None,
    }
}

fn range<T: Display>(limits: Limits<T>) -> Option<String> {
    match (limits.minimum, limits.maximum) {
        (Some(least), Some(most)) => Some(format!("From {least} to {most}.")),
        (Some(least), None) => Some(format!("{least} or more.")),
        (None, Some(most)) => Some(format!("{most} or less.")),
        (None, None) => None,
    }
}

/// What it is, then what the spec says of it.
fn docs_of(description: &str, what: &str) -> TokenStream {
    docs(&[what, "", &sentence(description)])
}

fn docs(lines: &[&str]) -> TokenStream {
    let lines = lines.iter().map(|line| match *line {
        "" => String::new(),
        line => doc_line(&format!(" {line}")),
    });
    quote!(#(#[doc = #lines])*)
}

/// A line of a comment. What would end it, or would make its reader see another text, is escaped:
/// rustc refuses the latter.
fn doc_line(line: &str) -> String {
    let mut safe = String::new();
    for c in line.chars() {
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

fn source(text: &str) -> String {
    format!("Source: {}.", text.trim_end_matches('.'))
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

fn enum_name(field: &Field) -> Ident {
    name(field.enum_name.as_deref().unwrap_or_default())
}

fn name(text: &str) -> Ident {
    Ident::new(text, Span::call_site())
}
