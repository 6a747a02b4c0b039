//! Every field is reachable by a typed input, under the name that people would look for.

use std::collections::BTreeMap;

use cometapi::models::find;
use cometapi::models::{Files, OneFile};
use cometapi::models::{
    flux_dev, flux_kontext_max, flux_kontext_pro, flux_pro, flux_schnell, flux2_dev, flux2_flex,
    flux2_pro, flux11_pro, flux11_pro_ultra,
};
use cometapi::{Completed, ModelInput, OutputFile};
use serde_json::Value;

use crate::table::TABLE;

const CAT: &str = "https://files.example.com/cat.png";

/// The model, what is sent when everything is set, and what is sent when nothing is.
fn sent<I: ModelInput<Returns = R>, R>(least: I, all: I) -> (&'static str, [Value; 2]) {
    let json = |input: I| {
        assert!(input.check().is_ok(), "{:?}", input.check());
        Value::Object(input.to_input().into_fields())
    };
    (I::MODEL, [json(least), json(all)])
}

#[expect(deprecated, reason = "two fields are, and are reachable anyway")]
fn everything() -> BTreeMap<&'static str, [Value; 2]> {
    let schnell = flux_schnell::FluxSchnell::new("p")
        .aspect_ratio(flux_schnell::AspectRatio::Ratio16x9)
        .num_outputs(2)
        .num_inference_steps(4)
        .seed(7)
        .output_format(flux_schnell::OutputFormat::Png)
        .output_quality(90)
        .disable_safety_checker(false)
        .go_fast(true)
        .megapixels(flux_schnell::Megapixels::Quarter);
    let dev = flux_dev::FluxDev::new("p")
        .aspect_ratio(flux_dev::AspectRatio::Ratio1x1)
        .image(CAT)
        .prompt_strength(0.5)
        .num_outputs(1)
        .num_inference_steps(28)
        .guidance(3)
        .seed(7)
        .output_format(flux_dev::OutputFormat::Webp)
        .output_quality(80)
        .disable_safety_checker(false)
        .go_fast(false)
        .megapixels(flux_dev::Megapixels::One);
    let pro = flux_pro::FluxPro::new("p")
        .image_prompt(CAT)
        .aspect_ratio(flux_pro::AspectRatio::Custom)
        .width(1024)
        .height(768)
        .steps(25)
        .interval(2)
        .guidance(3)
        .safety_tolerance(2)
        .prompt_upsampling(true)
        .seed(7)
        .output_format(flux_pro::OutputFormat::Jpg)
        .output_quality(80);
    let pro11 = flux11_pro::Flux11Pro::new("p")
        .image_prompt(CAT)
        .aspect_ratio(flux11_pro::AspectRatio::Custom)
        .width(1024)
        .height(768)
        .safety_tolerance(6)
        .seed(7)
        .prompt_upsampling(true)
        .output_format(flux11_pro::OutputFormat::Jpg)
        .output_quality(80);
    let ultra = flux11_pro_ultra::Flux11ProUltra::new("p")
        .raw(true)
        .aspect_ratio(flux11_pro_ultra::AspectRatio::Ratio21x9)
        .image_prompt(CAT)
        .image_prompt_strength(0.1)
        .safety_tolerance(1)
        .seed(7)
        .output_format(flux11_pro_ultra::OutputFormat::Jpg);
    let kontext = flux_kontext_pro::FluxKontextPro::new("p")
        .input_image(CAT)
        .aspect_ratio(flux_kontext_pro::AspectRatio::MatchInputImage)
        .prompt_upsampling(false)
        .seed(7)
        .output_format(flux_kontext_pro::OutputFormat::Png)
        .safety_tolerance(0);
    let kontext_max = flux_kontext_max::FluxKontextMax::new("p")
        .input_image(CAT)
        .aspect_ratio(flux_kontext_max::AspectRatio::Ratio2x1)
        .prompt_upsampling(false)
        .seed(7)
        .output_format(flux_kontext_max::OutputFormat::Jpg)
        .safety_tolerance(6);
    let pro2 = flux2_pro::Flux2Pro::new("p")
        .input_images([CAT, CAT])
        .aspect_ratio(flux2_pro::AspectRatio::Custom)
        .resolution(flux2_pro::Resolution::OneMegapixel)
        .width(2048)
        .height(256)
        .safety_tolerance(5)
        .seed(7)
        .output_format(flux2_pro::OutputFormat::Webp)
        .output_quality(0);
    let flex2 = flux2_flex::Flux2Flex::new("p")
        .input_images(vec![CAT.to_owned()])
        .aspect_ratio(flux2_flex::AspectRatio::Custom)
        .resolution(flux2_flex::Resolution::HalfMegapixel)
        .width(512)
        .height(512)
        .steps(50)
        .guidance(4.5)
        .prompt_upsampling(true)
        .safety_tolerance(1)
        .seed(7)
        .output_format(flux2_flex::OutputFormat::Png)
        .output_quality(100);
    let dev2 = flux2_dev::Flux2Dev::new("p")
        .input_images([CAT])
        .go_fast(true)
        .aspect_ratio(flux2_dev::AspectRatio::Custom)
        .width(1440)
        .height(256)
        .seed(7)
        .output_format(flux2_dev::OutputFormat::Jpg)
        .output_quality(80)
        .disable_safety_checker(true);
    BTreeMap::from([
        sent::<_, Files>(flux_schnell::FluxSchnell::new("p"), schnell),
        sent::<_, Files>(flux_dev::FluxDev::new("p"), dev),
        sent::<_, OneFile>(flux_pro::FluxPro::new("p"), pro),
        sent::<_, OneFile>(flux11_pro::Flux11Pro::new("p"), pro11),
        sent::<_, OneFile>(flux11_pro_ultra::Flux11ProUltra::new("p"), ultra),
        sent::<_, OneFile>(flux_kontext_pro::FluxKontextPro::new("p"), kontext),
        sent::<_, OneFile>(flux_kontext_max::FluxKontextMax::new("p"), kontext_max),
        sent::<_, OneFile>(flux2_pro::Flux2Pro::new("p"), pro2),
        sent::<_, OneFile>(flux2_flex::Flux2Flex::new("p"), flex2),
        sent::<_, OneFile>(flux2_dev::Flux2Dev::new("p"), dev2),
    ])
}

#[test]
fn every_field_has_a_setter_and_what_is_not_set_is_not_sent() {
    let everything = everything();
    assert_eq!(everything.len(), TABLE.len());
    for row in TABLE.iter() {
        let [least, all] = &everything[row.model.as_str()];
        assert_eq!(*least, serde_json::json!({"prompt": "p"}));
        let mut ours: Vec<_> = all.as_object().unwrap().keys().collect();
        let mut theirs: Vec<_> = row.fields.iter().map(|field| &field.name).collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "{}", row.model);
        assert!(
            find(&row.model)
                .unwrap()
                .check(all.as_object().unwrap())
                .is_ok()
        );
    }
}

macro_rules! words {
    ($($module:ident :: $ty:ident),* $(,)?) => {
        [$((
            $module::$ty::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(),
            stringify!($module::$ty),
            $module::$ty::ALL.iter().all(|word| word.as_str().parse() == Ok(*word)),
        )),*]
    };
}

#[test]
fn every_list_of_words_is_an_enum_of_them() {
    let enums = words![
        flux_schnell::AspectRatio,
        flux_schnell::OutputFormat,
        flux_schnell::Megapixels,
        flux_dev::AspectRatio,
        flux_dev::OutputFormat,
        flux_dev::Megapixels,
        flux_pro::AspectRatio,
        flux_pro::OutputFormat,
        flux11_pro::AspectRatio,
        flux11_pro::OutputFormat,
        flux11_pro_ultra::AspectRatio,
        flux11_pro_ultra::OutputFormat,
        flux_kontext_pro::AspectRatio,
        flux_kontext_pro::OutputFormat,
        flux_kontext_max::AspectRatio,
        flux_kontext_max::OutputFormat,
        flux2_pro::AspectRatio,
        flux2_pro::Resolution,
        flux2_pro::OutputFormat,
        flux2_flex::AspectRatio,
        flux2_flex::Resolution,
        flux2_flex::OutputFormat,
        flux2_dev::AspectRatio,
        flux2_dev::OutputFormat,
    ];
    let mut theirs: Vec<_> = TABLE
        .iter()
        .flat_map(|row| &row.fields)
        .filter_map(|field| field.words.clone())
        .collect();
    let mut ours: Vec<Vec<_>> = Vec::new();
    for (words, ty, reads_back) in enums {
        assert!(reads_back, "{ty}");
        ours.push(words.into_iter().map(str::to_owned).collect());
    }
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn a_field_by_name_wins_and_nothing_of_a_picture_is_printed() {
    let input = flux_kontext_pro::FluxKontextPro::new("p")
        .seed(7)
        .with("seed", 8)
        .with("input_image_2", CAT)
        .input_image(cometapi::ImageInput::from_bytes([b'x'; 9000]).unwrap());
    let sent = input.to_input();
    assert_eq!(sent.fields()["seed"], 8);
    assert_eq!(sent.fields()["input_image_2"], CAT);
    assert_eq!(
        serde_json::to_value(&input).unwrap(),
        Value::Object(sent.into_fields())
    );
    assert!(format!("{input:?}").len() < 800);
}

/// Fails to compile when a run of one cannot be spawned, or gives something else.
#[test]
fn a_run_gives_what_the_model_answers() {
    fn gives<T>(_: impl IntoFuture<Output = Result<T, cometapi::Error>, IntoFuture: Send>) {}
    let client = cometapi::Client::builder().key("k").build().unwrap();
    gives::<Vec<OutputFile>>(client.run(flux_schnell::FluxSchnell::new("p")));
    gives::<OutputFile>(client.run(flux11_pro::Flux11Pro::new("p")));
    gives::<Completed>(client.run(flux11_pro::Flux11Pro::new("p")).completed());
}
