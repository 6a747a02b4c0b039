use super::*;
use crate::input;
use crate::spec::Spec;

const ORIGIN: &str = "http://files";

fn prediction(model: &str, timeline: Timeline) -> Prediction {
    of_spec(&Spec::shipped().unwrap(), model, timeline)
}

fn of_spec(spec: &Spec, model: &str, timeline: Timeline) -> Prediction {
    let input = json!({"prompt": "p", "seed": 42});
    let image = input::read(spec.model(model), &input);
    Prediction {
        id: "q4chw5rey9rmt0cww76t4h3ma4".to_owned(),
        model: model.to_owned(),
        input,
        image,
        seed: 42,
        timeline,
        created: Duration::from_secs(10),
        polls: 0,
        seen_running: None,
        seen_ended: None,
        seen_success: None,
        seen_failure: None,
        quota: 1_500,
        charge: ChargeAt::default(),
        is_refundable: true,
        removed: false,
    }
}

fn clocked(ending: Ending) -> Prediction {
    let pace = Pace::clock(Duration::from_secs(1), Duration::from_secs(2));
    prediction("black-forest-labs/flux-dev", Timeline::Paced(pace, ending))
}

fn instant(model: &str, ending: Ending) -> Prediction {
    prediction(model, Timeline::Paced(Pace::instant(), ending))
}

/// Looks at it this many seconds after the server's start; it was created at 10.
fn clock_view(clock: &Clock, seconds: u64) -> ClockView<'_> {
    ClockView {
        clock,
        now: Duration::from_secs(seconds),
        retention: Duration::from_secs(100),
        files_origin: ORIGIN,
    }
}

#[test]
fn by_the_clock_from_create_to_end() {
    let clock = Clock::start();
    let mut one = clocked(Ending::Succeeded);

    let view = one.at_create(clock_view(&clock, 10));
    assert_eq!((view.status.as_str(), view.logs.as_str()), ("starting", ""));
    assert_eq!(view.started_at, None);

    let (view, _) = one.poll(clock_view(&clock, 10));
    assert_eq!((view.status.as_str(), view.started_at), ("starting", None));
    assert!(!one.has_files(clock_view(&clock, 10)));

    let (view, _) = one.poll(clock_view(&clock, 11));
    assert_eq!(view.status, "processing");
    assert_eq!(view.output, Value::Null);
    assert_eq!(view.logs, "Using seed: 42\n");
    assert!(view.started_at.is_some() && view.completed_at.is_none());
    assert!(!one.has_files(clock_view(&clock, 12)));

    // Nobody has polled since it ended; by the clock it is over anyway.
    assert!(one.has_files(clock_view(&clock, 13)));
    let (view, _) = one.poll(clock_view(&clock, 20));
    assert_eq!(view.status, "succeeded");
    assert_eq!(
        view.output,
        json!([format!("{ORIGIN}/xezq/{}/out-0.webp", one.id)])
    );
    let metrics = view.metrics.unwrap();
    assert_eq!(metrics.image_count, Some(1));
    assert!((metrics.predict_time - 2.0).abs() < f64::EPSILON);
    assert_eq!(view.task.finished - view.task.started, 2);
    assert!(view.started_at < view.completed_at);
}

#[test]
fn single_models_answer_one_url() {
    let clock = Clock::start();
    let mut one = instant("black-forest-labs/flux-kontext-max", Ending::Succeeded);
    let (view, _) = one.poll(clock_view(&clock, 10));
    let url = view.output.as_str().unwrap();
    let name = url.rsplit('/').next().unwrap();
    assert!(name.starts_with("tmp"), "{url}");
    assert_eq!(name.split('.').next_back(), Some("png"));
}

#[test]
fn models_of_text_and_json_answer_tokens_and_an_object() {
    const MODEL: &str = "black-forest-labs/flux-schnell";
    let clock = Clock::start();
    for (word, output) in [
        ("text", json!(["The ", "mock ", "was ", "asked: ", "p"])),
        ("json", json!({"prompt": "p", "seed": 42})),
    ] {
        let spec = Spec::with_output_of_schnell(word);
        let timeline = Timeline::Paced(Pace::instant(), Ending::Succeeded);
        let mut one = of_spec(&spec, MODEL, timeline);
        let (view, _) = one.poll(clock_view(&clock, 10));
        assert_eq!(view.output, output);
        assert_eq!(view.logs, "Using seed: 42\n");
        assert_eq!(view.metrics.unwrap().image_count, None);
    }
}

#[test]
fn every_ending_has_its_fields() {
    let clock = Clock::start();
    let end = |ending| {
        let mut one = instant("a/b", ending);
        let view = one.poll(clock_view(&clock, 10)).0;
        (view, one.has_files(clock_view(&clock, 10)))
    };

    let (failed, files) = end(Ending::nsfw());
    assert_eq!(failed.status, "failed");
    assert!(failed.error.unwrap().starts_with("NSFW"));
    assert_eq!((failed.output, files), (Value::Null, false));
    assert!(failed.metrics.is_none());

    let (canceled, _) = end(Ending::Canceled);
    assert_eq!(
        (canceled.status.as_str(), canceled.error),
        ("canceled", None)
    );
    assert!(canceled.started_at.is_some() && canceled.completed_at.is_some());

    let (aborted, _) = end(Ending::Aborted);
    assert_eq!(
        (aborted.status.as_str(), aborted.started_at),
        ("aborted", None)
    );
    assert!(aborted.completed_at.is_some());

    let (null, files) = end(Ending::NullOutput);
    assert_eq!(
        (null.status.as_str(), null.output),
        ("succeeded", Value::Null)
    );
    assert!(!null.data_removed && !files);

    let (object, _) = end(Ending::Output(json!({"image": "u"})));
    assert_eq!(object.output, json!({"image": "u"}));

    let (removed, files) = end(Ending::Removed);
    assert_eq!(
        (removed.status.as_str(), removed.output),
        ("succeeded", Value::Null)
    );
    assert_eq!(removed.input, json!({}));
    assert!(removed.data_removed && !files);
}

#[test]
fn what_is_aborted_never_runs() {
    let clock = Clock::start();
    let mut one = clocked(Ending::Aborted);
    assert_eq!(one.poll(clock_view(&clock, 10)).0.status, "starting");
    assert_eq!(one.poll(clock_view(&clock, 11)).0.status, "aborted");
}

#[test]
fn data_goes_after_its_time_or_on_purpose() {
    let clock = Clock::start();
    for mut one in [
        clocked(Ending::Succeeded),
        instant("a/b", Ending::Succeeded),
    ] {
        assert!(!one.poll(clock_view(&clock, 13)).0.data_removed);
        assert!(one.has_files(clock_view(&clock, 112)));
        assert!(!one.poll(clock_view(&clock, 112)).0.data_removed);
        assert!(one.poll(clock_view(&clock, 113)).0.data_removed);
        assert!(!one.has_files(clock_view(&clock, 113)));
    }
    let mut one = instant("a/b", Ending::Succeeded);
    one.poll(clock_view(&clock, 10));
    one.removed = true;
    assert!(one.poll(clock_view(&clock, 10)).0.data_removed);
    assert!(!one.has_files(clock_view(&clock, 10)));
}

#[test]
fn a_script_says_what_comes_and_may_say_fault() {
    let clock = Clock::start();
    let script = Script::new([
        Step::Word("queued".to_owned()),
        Step::Fault(Fault::Close),
        Step::End(Ending::Succeeded),
    ]);
    let mut one = prediction("a/b", Timeline::Scripted(script));
    let (view, fault) = one.poll(clock_view(&clock, 10));
    assert_eq!((view.status.as_str(), fault), ("queued", None));
    assert_eq!(one.poll(clock_view(&clock, 10)).1, Some(Fault::Close));
    assert!(!one.has_files(clock_view(&clock, 10)));
    let (view, fault) = one.poll(clock_view(&clock, 11));
    assert_eq!((view.status.as_str(), fault), ("succeeded", None));
    assert!(one.has_files(clock_view(&clock, 11)));
    assert_eq!(one.status(clock_view(&clock, 11)), "succeeded");
}

#[test]
fn looking_at_the_status_is_no_poll() {
    let clock = Clock::start();
    let one = instant("a/b", Ending::Succeeded);
    assert_eq!(one.status(clock_view(&clock, 99)), "starting");
    assert!(!one.has_files(clock_view(&clock, 99)));
    assert_eq!(
        clocked(Ending::Canceled).status(clock_view(&clock, 99)),
        "canceled"
    );
}
