//! A model's own published input schema, turned into a component of `openapi.yaml`.
//!
//! The way: **read** in the order of the text (`json`), **find** input, output and model in
//! whichever form was published (`locate`), **flatten** references and choices (`flatten`),
//! say of each **field** what our components can say (`field`, `kind`, `limits`), and **write**
//! it as a person would (`component`, `yaml`). What cannot be kept becomes a note.
//! Last, what was written is read back and compared.

mod component;
mod example;
mod field;
mod flat;
mod flatten;
mod glossary;
mod hints;
mod json;
mod kind;
mod limits;
mod locate;
mod many;
mod names;
mod note;
mod output;
mod overrides;
mod yaml;

use serde_json::{Value, json};

use self::field::{Field, field, prose};
use self::flat::Flat;
use self::flatten::Flattener;
pub use self::glossary::Glossary;
use self::json::JsonExt;
pub use self::many::{PublishedModel, published_models};
use self::names::Names;
use self::note::{Notes, shown};
pub use self::output::ImportOutput;
pub use self::overrides::ImportOptions;
use crate::error::Error;

/// Far more than any model takes.
const FIELDS: usize = 1000;

/// A component, ready for `openapi.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The component's name, such as `FluxSchnellInput`.
    pub component: String,
    /// The model, `owner/name`.
    pub model: String,
    /// What the model returns.
    pub output: ImportOutput,
    /// How many fields its input has.
    pub fields: usize,
    /// The component as it stands among the schemas: indented by four, with a line end.
    pub yaml: String,
    /// What was changed, derived or lost, a sentence each; for people to read over.
    pub notes: Vec<String>,
}

/// Turns a model's published input schema into a component of `openapi.yaml`.
///
/// `published` is JSON: a model version or a model as Replicate serves them (with
/// `openapi_schema`), the `OpenAPI` document in it, or its `Input` schema alone.
///
/// # Errors
///
/// [`Error::Published`] when it is none of these, or when model or output are stated neither
/// there nor in `options`.
///
/// ```
/// use cometapi_codegen::{ImportOptions, ImportOutput, import_model};
///
/// let published = r#"{"type": "object", "required": ["prompt"], "properties": {
///     "prompt": {"type": "string", "description": "What to paint."}
/// }}"#;
/// let options = ImportOptions::default()
///     .model("acme/brush-1.5")
///     .output(ImportOutput::Single);
/// let imported = import_model(published, &options)?;
/// assert_eq!(imported.component, "Brush15Input");
/// assert!(imported.yaml.contains("description: What to paint.\n"));
/// # Ok::<(), cometapi_codegen::Error>(())
/// ```
pub fn import_model(published: &str, options: &ImportOptions) -> Result<Imported, Error> {
    Importer::default().import(published, options)
}

/// Imports models into one spec: no two components get the same name, in code either.
///
/// ```
/// use cometapi_codegen::{ImportOptions, ImportOutput, Importer};
///
/// let published = r#"{"properties": {"prompt": {"type": "string"}}}"#;
/// let options = ImportOptions::default().output(ImportOutput::Text);
/// let mut importer = Importer::default();
/// let [one, other] = ["acme/brush", "other/brush"].map(|model| {
///     importer.import(published, &options.clone().model(model))
/// });
/// assert_eq!(one?.component, "BrushInput");
/// assert_eq!(other?.component, "OtherBrushInput");
/// # Ok::<(), cometapi_codegen::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Importer {
    names: Names,
}

impl Importer {
    /// Imports into `spec`, whose components keep their names.
    pub fn for_spec(spec: &Value) -> Self {
        Self {
            names: Names::of(spec),
        }
    }

    /// Does what [`import_model`] does, with a name that is not taken.
    ///
    /// # Errors
    ///
    /// [`Error::Published`] as with [`import_model`]; [`Error::AlreadyThere`] when the spec has the
    /// model, or it was imported before.
    pub fn import(&mut self, published: &str, options: &ImportOptions) -> Result<Imported, Error> {
        let imported = import(published, options, &self.names)?;
        self.names.add(&imported.model, &imported.component);
        Ok(imported)
    }
}

fn import(published: &str, options: &ImportOptions, names: &Names) -> Result<Imported, Error> {
    let published = published.trim_start_matches('\u{feff}');
    let file = json::read(published)
        .map_err(|error| Error::published(format!("it is no JSON that can be read: {error}")))?;
    let published = locate::locate(&file)?;
    let mut notes = Notes::default();
    let model = overrides::model(&published, options, &mut notes)?;
    if let Some(component) = names.component_of(&model) {
        return Err(Error::AlreadyThere {
            component: component.to_owned(),
            model,
        });
    }
    let name = names.choose(&model, &mut notes)?;

    let mut flattener = Flattener::new(published.root);
    let mut input = flattener.flatten(published.input)?;
    if let Some(why) = &input.unfit {
        return Err(Error::published(format!("of its `Input`, {why}")));
    }
    if let Some(kind) = input.kind.as_deref().filter(|kind| *kind != "object") {
        return Err(Error::published(format!(
            "its `Input` is {}, no object",
            shown(kind)
        )));
    }
    let output = overrides::output(&published, options, &mut flattener, &mut notes)?;
    let mut fields = fields(&mut input, &mut flattener, &mut notes)?;
    in_our_words(&mut fields, options, &model, &mut notes);
    let required = required(&mut input, &fields, &mut notes);
    let ours = options.glossary.as_ref().and_then(|it| it.model(&model));
    let description = match ours {
        Some(ours) => {
            input.take("description");
            ours
        }
        None => describe(&mut input, published.about, &model, &mut notes),
    };
    leftovers(&input, &mut notes);

    let component = component::Component {
        description,
        model: &model,
        output,
        version: published.version,
        created: published.created,
        copy: options.copy.as_deref(),
        fields: &fields,
        required: &required,
    };
    let component = component.to_json(&mut notes);
    let order: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    let mut text = String::new();
    yaml::write(&name, &component, 4, &mut text);
    read_back(&name, &component, &text)?;
    Ok(Imported {
        component: name,
        model,
        output,
        fields: fields.len(),
        yaml: text,
        notes: notes.into_vec(&order),
    })
}

fn fields(
    input: &mut Flat,
    flattener: &mut Flattener<'_>,
    notes: &mut Notes,
) -> Result<Vec<Field>, Error> {
    let properties = match input.take("properties") {
        Some(Value::Object(properties)) if !properties.is_empty() => properties,
        _ => return Err(Error::published("its `Input` has no properties")),
    };
    if properties.len() > FIELDS {
        return Err(Error::published(format!(
            "its `Input` has {} fields, more than {FIELDS}; is it a model's?",
            properties.len()
        )));
    }
    let mut ordered: Vec<_> = properties.iter().collect();
    // Stable: what has no `x-order` keeps its place, after the rest.
    ordered.sort_by(|(_, a), (_, b)| order(a).total_cmp(&order(b)));
    let mut fields = Vec::new();
    for (name, schema) in ordered {
        component::check_name(name, notes)?;
        fields.push(field(name, schema, flattener, notes)?);
    }
    for field in &fields {
        hints::note_limits_in_prose(field, &fields, notes);
    }
    Ok(fields)
}

/// Replaces the publisher's words by those of the glossary. Last, because limits and media types are
/// read from the publisher's.
fn in_our_words(fields: &mut [Field], options: &ImportOptions, model: &str, notes: &mut Notes) {
    let Some(glossary) = &options.glossary else {
        return;
    };
    for field in fields {
        match glossary.field(model, &field.name) {
            Some(ours) => field.description = Some(ours),
            None => notes.add_to(
                &field.name,
                "the glossary does not have it; replace the publisher's description",
            ),
        }
    }
}

fn order(schema: &Value) -> f64 {
    schema
        .get("x-order")
        .and_then(Value::as_f64)
        .unwrap_or(f64::INFINITY)
}

fn required(input: &mut Flat, fields: &[Field], notes: &mut Notes) -> Vec<String> {
    notes.set_place("Input");
    let stated = input.take("required").unwrap_or(Value::Array(Vec::new()));
    let stated: Vec<_> = match &stated {
        Value::Array(names) => names.iter().map(JsonExt::plain).collect(),
        other => {
            notes.add(format!(
                "left out `required: {}`",
                shown(&other.to_string())
            ));
            Vec::new()
        }
    };
    for name in &stated {
        if !fields.iter().any(|field| field.name == *name) {
            let name = shown(name);
            notes.add(format!(
                "left out that `{name}` is required; there is no such field"
            ));
        }
    }
    let names = fields.iter().map(|field| field.name.clone());
    names.filter(|name| stated.contains(name)).collect()
}

fn describe(input: &mut Flat, about: Option<&str>, model: &str, notes: &mut Notes) -> String {
    notes.set_place("Input");
    let own = prose(input.take("description").as_ref(), notes);
    let about = prose(about.map(Value::from).as_ref(), notes);
    match (own, about) {
        (Some(own), about) => {
            if about.is_some_and(|about| about != own) {
                notes.add("its own description wins over that of the model");
            }
            own
        }
        (None, Some(about)) => about,
        (None, None) => {
            notes.add("nothing describes the model; write what it is good for");
            format!("What {model} takes.")
        }
    }
}

/// What the input's schema says as a whole, beyond its properties.
fn leftovers(input: &Flat, notes: &mut Notes) {
    notes.set_place("Input");
    for lost in &input.lost {
        notes.add(lost);
    }
    if input.nullable {
        notes.add("left out that it may be null");
    }
    for (key, value) in &input.words {
        // What references lead to is there already.
        if !matches!(key.as_str(), "title" | "definitions" | "$defs") {
            let value = shown(&value.to_string());
            notes.add(format!("left out `{}: {value}`", shown(key)));
        }
    }
}

/// What was written is what was meant, or it is not handed out.
fn read_back(name: &str, component: &Value, text: &str) -> Result<(), Error> {
    match crate::read::read(text) {
        Ok(read) if read == json!({ name: component }) => Ok(()),
        Ok(_) => Err(Error::published(
            "it would not read back as it is written; this is a fault of ours",
        )),
        Err(error) => Err(Error::published(format!(
            "what would be written cannot be read back, which is a fault of ours: {error}"
        ))),
    }
}
