//! Typed inputs, and the check before what costs.

use cometapi::models::flux_schnell::{AspectRatio, FluxSchnell, OutputFormat};
use cometapi::models::flux11_pro::Flux11Pro;
use cometapi::models::{Files, Json, Text};
use cometapi::models::{InputProblem, InputProblemKind};
use cometapi::{Completed, Error, ErrorKind, Input, ModelInput, OutputFile, RunOutput};
use cometapi_mock::Ending;
use serde_json::json;

use crate::setup::{SCHNELL, checked, client, input, mock};

#[tokio::test]
async fn a_typed_run_gives_files_as_its_model_answers_them() {
    let server = mock().await;
    let client = client(&server);
    let fox = FluxSchnell::new("a red fox")
        .aspect_ratio(AspectRatio::Ratio16x9)
        .output_format(OutputFormat::Png)
        .num_outputs(2);
    let images: Vec<OutputFile> = client.run(fox).await.unwrap();
    assert_eq!(images.len(), 2);
    let image: OutputFile = client.run(Flux11Pro::new("a red fox")).await.unwrap();
    assert_eq!(image.position(), 0);

    let requests = server.requests();
    let body = |index: usize| serde_json::from_slice::<serde_json::Value>(&requests[index].body);
    let sent = json!({"input": {
        "prompt": "a red fox", "aspect_ratio": "16:9", "output_format": "png", "num_outputs": 2,
    }});
    assert_eq!(body(0).unwrap(), sent);
    assert!(
        requests[0]
            .target
            .ends_with("/models/black-forest-labs/flux-schnell/predictions")
    );
}

#[tokio::test]
async fn an_answer_of_another_form_is_an_error_with_all_of_it() {
    let server = mock().await;
    let client = client(&server);
    for (ending, found) in [
        (
            Ending::Output(json!(["https://h/a.png", "https://h/b.png"])),
            "2 files",
        ),
        (Ending::Output(json!("words")), "no files"),
        (Ending::NullOutput, "nothing"),
    ] {
        server.on_end(ending.clone());
        let error = client.run(Flux11Pro::new("x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedOutput);
        assert!(
            error
                .to_string()
                .contains(&format!("succeeded with {found}")),
            "{error}"
        );
        assert!(error.prediction().unwrap().status().is_terminal());

        server.on_end(ending);
        let done = client.run(Flux11Pro::new("x")).completed().await.unwrap();
        assert!(done.prediction().is_terminal());
    }
}

#[tokio::test]
async fn what_a_known_model_does_not_take_is_refused_before_the_wire() {
    let server = mock().await;
    let client = client(&server);
    let input = json!({"promt": "a red fox", "num_outputs": 9});
    let error = client.run_model(SCHNELL, input.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.is_before_sending());
    let problems: Vec<_> = error.problems().iter().map(InputProblem::kind).collect();
    assert_eq!(
        problems,
        [InputProblemKind::OutOfRange, InputProblemKind::UnknownField]
    );
    let typed = client.run(FluxSchnell::new("x").num_outputs(0)).await;
    assert_eq!(typed.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(server.requests().len(), 0);

    let unchecked = json!({"prompt": "a red fox", "hat": true});
    let done = client
        .run_model(SCHNELL, unchecked)
        .unchecked()
        .await
        .unwrap();
    assert_eq!(done.prediction().input().unwrap()["hat"], true);
    let refused = client
        .predictions()
        .create_model(SCHNELL, input)
        .unchecked()
        .await;
    assert_eq!(refused.unwrap_err().status(), Some(422));
    assert_eq!(server.predictions().len(), 1);
}

#[tokio::test]
async fn a_model_that_is_not_known_takes_anything_and_has_types_of_its_callers() {
    struct Portrait(u8);

    impl ModelInput for Portrait {
        const MODEL: &'static str = "acme/portrait";
        type Returns = Files;

        fn to_input(&self) -> Input {
            Input::new().with("hats", self.0)
        }
    }

    let server = mock().await;
    let client = client(&server);
    assert_eq!(Portrait(3).check(), Ok(Vec::new()));
    assert_eq!(client.run(Portrait(3)).await.unwrap().len(), 1);
    let unusual = json!({"anything": {"goes": null}});
    assert!(client.run_model("acme/portrait", unusual).await.is_ok());
}

struct Caption;

impl ModelInput for Caption {
    const MODEL: &'static str = "acme/caption";
    type Returns = Text;

    fn to_input(&self) -> Input {
        Input::new()
    }
}

#[tokio::test]
async fn a_model_that_returns_text_gives_a_string() {
    let server = mock().await;
    let client = client(&server);
    for (output, text) in [
        (json!("a fox"), "a fox"),
        (json!(["a ", "red", "", " fox"]), "a red fox"),
        (json!([{"text": "a "}, {"text": "fox"}]), "a fox"),
        // A URL is not taken for a file where text is expected.
        (json!("https://h/a.png"), "https://h/a.png"),
        (json!(""), ""),
    ] {
        server.on_end(Ending::Output(output.clone()));
        assert_eq!(client.run(Caption).await.unwrap(), text, "{output}");
    }
    for (ending, found) in [
        (Ending::Output(json!({"a": 1})), "json that is not text"),
        (Ending::Output(json!(7)), "json that is not text"),
        (
            Ending::Output(json!(["https://h/a.png", "https://h/b.png"])),
            "2 files",
        ),
        (Ending::NullOutput, "nothing"),
    ] {
        server.on_end(ending);
        let error = client.run(Caption).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedOutput);
        let message = error.to_string();
        let start = format!("succeeded with {found} where text was expected: ");
        assert!(message.contains(&start), "{message}");
        assert!(error.prediction().unwrap().status().is_terminal());
    }
}

struct Score;

impl ModelInput for Score {
    const MODEL: &'static str = "acme/score";
    type Returns = Json;

    fn to_input(&self) -> Input {
        Input::new()
    }
}

#[tokio::test]
async fn a_model_that_returns_json_gives_the_prediction() {
    let server = mock().await;
    let client = client(&server);
    let output = json!({"score": 0.5, "heatmap": "https://h/a.png"});
    server.on_end(Ending::Output(output.clone()));
    let done: Completed = client.run(Score).await.unwrap();
    assert_eq!(done.prediction().output().json(), Some(&output));
    assert_eq!(done.files().len(), 1);
}

/// What a caller's own marker maps to is the caller's own type.
#[tokio::test]
async fn a_caller_maps_an_output_to_a_type_of_its_own() {
    struct Half;

    impl RunOutput for Half {
        type Output = u64;

        fn from_completed(completed: Completed) -> Result<u64, Error> {
            let output = completed.prediction().output();
            Ok(output.json().and_then(serde_json::Value::as_u64).unwrap() / 2)
        }
    }

    struct Depth;

    impl ModelInput for Depth {
        const MODEL: &'static str = "acme/depth";
        type Returns = Half;

        fn to_input(&self) -> Input {
            Input::new()
        }
    }

    let server = mock().await;
    server.on_end(Ending::Output(json!(6)));
    assert_eq!(client(&server).run(Depth).await.unwrap(), 3);
}

#[tokio::test]
async fn a_typed_input_is_created_without_naming_its_model_again() {
    let server = mock().await;
    let client = client(&server);
    let input = FluxSchnell::new("a red fox").seed(7);
    let by_reference = client.predictions().create(&input).await.unwrap();
    let by_value = client.predictions().create(input).await.unwrap();
    for created in [by_reference, by_value] {
        assert_eq!(created.model(), Some(SCHNELL));
        assert_eq!(created.input().unwrap()["seed"], 7);
    }
}

/// A number in quotes is the most frequent mistake in published example inputs.
#[tokio::test]
async fn another_spelling_of_a_choice_is_sent_as_the_choice() {
    let server = mock().await;
    let client = client(&server);
    let spelled = json!({"prompt": "JPEG", "output_format": "JPEG"});
    client.run_model(SCHNELL, spelled).await.unwrap();
    let typed = FluxSchnell::new("JPEG").with("output_format", "jpeg");
    assert_eq!(typed.check(), Ok(Vec::new()));
    client.run(typed).await.unwrap();
    for prediction in server.predictions() {
        let sent = json!({"prompt": "JPEG", "output_format": "jpg"});
        assert_eq!(prediction.input, sent);
    }
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn a_number_in_quotes_is_sent_as_the_number() {
    let server = mock().await;
    let client = client(&server);
    let quoted = json!({
        "prompt": "7", "num_outputs": "2", "seed": " 7 ", "go_fast": "TRUE", "megapixels": "0.25",
    });
    let read = json!({
        "prompt": "7", "num_outputs": 2, "seed": 7, "go_fast": true, "megapixels": "0.25",
    });
    let done = client.run_model(SCHNELL, quoted.clone()).await.unwrap();
    assert_eq!(done.files().len(), 2);
    let typed = FluxSchnell::new("7")
        .with("num_outputs", "2")
        .with("seed", " 7 ")
        .with("go_fast", "TRUE")
        .with("megapixels", "0.25");
    assert_eq!(typed.check(), Ok(Vec::new()));
    assert_eq!(serde_json::to_value(&typed).unwrap(), read);
    client.run(typed).await.unwrap();
    let predictions = client.predictions();
    predictions
        .create_model(SCHNELL, quoted.clone())
        .await
        .unwrap();
    for request in server
        .requests()
        .iter()
        .filter(|request| request.method == "POST")
    {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["input"], read);
    }
    assert_eq!(server.create_requests(), 3);

    // What cannot be read is refused as it is written, and unchecked input is sent as it is.
    let many = json!({"prompt": "x", "num_outputs": "many"});
    let error = client.run_model(SCHNELL, many).await.unwrap_err();
    let said = "num_outputs is \"many\", it takes 1–4";
    assert!(error.to_string().contains(said), "{error}");
    let unchecked = client.run_model(SCHNELL, quoted).unchecked().await;
    assert_eq!(unchecked.unwrap_err().status(), Some(422));
    // Nothing is known of the fields of another model.
    let other = json!({"num_outputs": "2"});
    let done = client
        .run_model("acme/portrait", other.clone())
        .await
        .unwrap();
    assert_eq!(
        done.prediction().input().unwrap(),
        other.as_object().unwrap()
    );
}

#[tokio::test]
async fn a_known_model_runs_by_its_short_name() {
    let server = mock().await;
    let client = client(&server);
    let done = client.run_model("flux-schnell", input()).await.unwrap();
    assert_eq!(done.prediction().model(), Some(SCHNELL));
    // Checked as any known model, and sent under its whole name unchecked, too.
    let error = client
        .run_model("flux-schnell", json!({"promt": "x"}))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    let predictions = client.predictions();
    predictions
        .create_model("flux-schnell", input())
        .unchecked()
        .await
        .unwrap();
    let requests = server.requests();
    let created = requests.iter().filter(|request| request.method == "POST");
    for request in created {
        let path = format!("/models/{SCHNELL}/predictions");
        assert!(request.target.ends_with(&path), "{}", request.target);
    }
    assert_eq!(server.create_requests(), 2);
    for (name, said) in [
        ("flux-schnel", SCHNELL),
        ("FLUX-schnell", SCHNELL),
        ("kontext", "black-forest-labs/flux-kontext-max"),
        ("watercolor", "write owner/name"),
    ] {
        let error = client.run_model(name, input()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidModel);
        assert!(error.to_string().contains(said), "{error}");
        let unchecked = client.run_model(name, input()).unchecked().await;
        assert_eq!(unchecked.unwrap_err().kind(), ErrorKind::InvalidModel);
    }
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn a_misspelled_model_is_refused_unless_it_is_sent_unchecked() {
    let server = mock().await;
    let client = client(&server);
    for typo in [
        "black-forest-labs/flux-schnel",
        "black-forest-labs/Flux-Schnell",
        "Black-Forest-Labs/flux-schnell",
    ] {
        let error = client.run_model(typo, input()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidModel);
        assert_eq!(
            error.to_string(),
            format!(
                "the model {typo} is not known: did you mean {SCHNELL}? if not, send it unchecked"
            )
        );
        assert!(error.is_before_sending());
    }
    assert_eq!(server.create_requests(), 0);
    let typo = "black-forest-labs/flux-schnel";
    client.run_model(typo, input()).unchecked().await.unwrap();
    assert_eq!(server.predictions()[0].model, typo);
    // Other models, which the list does not know: of other digits, and of another owner.
    for other in [
        "black-forest-labs/flux-7-pro",
        "acme/painter",
        "acme/flux-schnel",
    ] {
        client.run_model(other, input()).await.unwrap();
    }
}

/// The mock reads from the spec what a model returns, and the client maps it to the caller's types.
#[tokio::test]
async fn models_of_text_and_json_work_from_the_spec_to_the_caller() {
    const COMPONENTS: &str = "
  schemas:
    CaptionInput:
      x-model: acme/caption
      x-output: text
      type: object
      properties: {prompt: {type: string}}
    ScoreInput:
      x-model: acme/score
      x-output: json
      type: object
      properties: {prompt: {type: string}, seed: {type: integer}}
";
    let yaml = cometapi_mock::SHIPPED.replacen("\n  schemas:\n", COMPONENTS, 1);
    let spec = cometapi_mock::Spec::parse(&yaml).unwrap();
    let builder = checked().pace(cometapi_mock::Pace::instant()).spec(spec);
    let server = builder.start().await.unwrap();
    let client = client(&server);

    let text: String = client.run(Caption).await.unwrap();
    assert_eq!(text, "The mock was asked: ");
    let prompt = json!({"prompt": "a red fox", "seed": 7});
    let done = client
        .run_model("acme/caption", prompt.clone())
        .await
        .unwrap();
    assert!(done.output().json().unwrap().is_array());
    assert_eq!(
        done.prediction().text().as_deref(),
        Some("The mock was asked: a red fox")
    );
    assert!(done.files().is_empty());

    let done: Completed = client.run(Score).await.unwrap();
    assert_eq!(done.output().json().unwrap()["prompt"], "");
    let done = client.run_model("acme/score", prompt).await.unwrap();
    let expected = json!({"prompt": "a red fox", "seed": 7});
    assert_eq!(done.output().json(), Some(&expected));
    assert_eq!((done.prediction().text(), done.files().len()), (None, 0));
}
