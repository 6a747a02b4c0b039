//! Small fixes of what the generator gives, before it is printed.

use quote::ToTokens;
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, ExprPath, Field, Fields, File, ImplItem, ItemImpl, ItemStruct, Lit,
    Meta, Stmt, Type, UseGroup, UseTree,
};

use crate::error::Error;

pub(super) fn postprocess(file: &mut File) -> Result<(), Error> {
    let mut unions = FlattenedUnions(Vec::new());
    unions.visit_file(file);
    if let Some(name) = unions.0.into_iter().next() {
        return Err(Error::Generator {
            place: Some(format!("schema {name}")),
            message: "it made a struct of the choice between overlapping schemas, which no value \
                      fits; let each item of `anyOf` require a field that the others have not"
                .to_owned(),
        });
    }
    Postprocess.visit_file_mut(file);
    encode_paths_by_hand(file);
    Ok(())
}

/// Takes the encoding of path parameters from the client instead of from the generator's
/// run-time crate, which leaves a backslash as it stands.
fn encode_paths_by_hand(file: &mut File) {
    const NAME: &str = "encode_path";
    struct Imports(bool);
    impl VisitMut for Imports {
        fn visit_use_group_mut(&mut self, group: &mut UseGroup) {
            let all = std::mem::take(&mut group.items);
            for item in all {
                match &item {
                    UseTree::Name(name) if name.ident == NAME => self.0 = true,
                    _ => group.items.push(item),
                }
            }
        }
    }
    let mut imports = Imports(false);
    imports.visit_file_mut(file);
    if imports.0 {
        let import = syn::parse_quote!(
            use crate::params::encode_path;
        );
        file.items.insert(0, import);
    }
}

/// Structs that stand for an `anyOf` whose items the generator could not tell apart.
struct FlattenedUnions(Vec<String>);

impl Visit<'_> for FlattenedUnions {
    fn visit_item_struct(&mut self, item: &ItemStruct) {
        let is_part = |field: &Field| {
            let name = field.ident.as_ref();
            name.is_some_and(|name| name.to_string().starts_with("subtype_"))
        };
        if item.fields.iter().any(is_part) {
            self.0.push(item.ident.to_string());
        }
    }
}

struct Postprocess;

impl VisitMut for Postprocess {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        *attributes = std::mem::take(attributes)
            .into_iter()
            .flat_map(|attribute| match doc(&attribute) {
                // What the generator says of itself is in lines already.
                Some(text) if text.contains('\n') || !text.starts_with(' ') => lines(&text),
                _ => vec![attribute],
            })
            .collect();
    }

    fn visit_field_mut(&mut self, field: &mut Field) {
        let name = field.ident.as_ref().map(ToString::to_string);
        if name.as_deref() == Some("extra") && undocumented(&field.attrs) {
            let words = lines("Fields that the spec does not name, as they came.");
            field.attrs.splice(0..0, words);
        }
        visit_mut::visit_field_mut(self, field);
    }

    fn visit_variant_mut(&mut self, variant: &mut syn::Variant) {
        if undocumented(&variant.attrs) {
            let words = match &variant.fields {
                Fields::Unit => format!("`{}`", wire_name(variant)),
                _ => format!("One of the forms, `{}`.", variant.ident),
            };
            variant.attrs.splice(0..0, lines(&words));
        }
        visit_mut::visit_variant_mut(self, variant);
    }

    fn visit_item_impl_mut(&mut self, item: &mut ItemImpl) {
        // The constructor that builds its own `reqwest::Client` follows redirects, gives up
        // after 15 seconds and panics without a TLS backend: none of it is wanted here, and
        // `new_with_client` takes one that is made for this API.
        if item.trait_.is_none() && is_client(&item.self_ty) {
            item.items.retain(
                |item| !matches!(item, ImplItem::Fn(function) if function.sig.ident == "new"),
            );
        }
        visit_mut::visit_item_impl_mut(self, item);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        leave_out_version(block);
    }

    /// Decodes a success in the client's package, which reads the body as it is, instead of by `serde`.
    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        let names = path.path.segments.iter().map(|segment| &segment.ident);
        if names.eq(["ResponseValue", "from_response"]) {
            *path = syn::parse_quote!(crate::response::decode);
        }
    }
}

/// Leaves out the header with the version of our own document, which no service knows, and the map
/// of headers if nothing else is in it.
fn leave_out_version(block: &mut Block) {
    struct HeadersCall;
    impl VisitMut for HeadersCall {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            visit_mut::visit_expr_mut(self, expr);
            if let Expr::MethodCall(call) = expr
                && call.method == "headers"
            {
                *expr = (*call.receiver).clone();
            }
        }
    }
    let text = |statement: &Stmt| statement.to_token_stream().to_string();
    let is_append = |statement: &Stmt| text(statement).starts_with("header_map . append");
    let appended = block.stmts.iter().filter(|it| is_append(it)).count();
    block
        .stmts
        .retain(|it| !is_append(it) || !text(it).contains("\"api-version\""));
    let left = block.stmts.iter().filter(|it| is_append(it)).count();
    if appended > 0 && left == 0 {
        block
            .stmts
            .retain(|it| !text(it).starts_with("let mut header_map"));
        HeadersCall.visit_block_mut(block);
    }
}

fn is_client(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("Client"))
}

fn undocumented(attributes: &[Attribute]) -> bool {
    attributes.iter().all(|attribute| doc(attribute).is_none())
}

fn doc(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// One `///` a line with a space after it, where the generator gives `/** … */` flush left.
fn lines(text: &str) -> Vec<Attribute> {
    if text.is_empty() {
        return vec![syn::parse_quote!(#[doc = ""])];
    }
    let mut kept: Vec<&str> = Vec::new();
    for line in text.trim().lines().map(str::trim_end) {
        let repeated_blank = line.is_empty() && kept.last().is_none_or(|last| last.is_empty());
        if !repeated_blank {
            kept.push(line);
        }
    }
    kept.into_iter()
        .map(|line| {
            let line = if line.is_empty() {
                String::new()
            } else {
                format!(" {line}")
            };
            syn::parse_quote!(#[doc = #line])
        })
        .collect()
}

/// What stands on the wire for a variant.
fn wire_name(variant: &syn::Variant) -> String {
    let mut name = variant.ident.to_string();
    for attribute in variant.attrs.iter().filter(|a| a.path().is_ident("serde")) {
        // Of what is no `rename`, nothing is wanted: where it cannot be read, the name stays.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = meta.value()?.parse::<syn::LitStr>()?.value();
            }
            Ok(())
        });
    }
    name
}
