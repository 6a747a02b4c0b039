// Uses the types that openapi-typescript makes of openapi.yaml and openapi-fetch, over Node's fetch,
// against the mock. For the models that begin with `acme/`, see client.py. Fails with what was read.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { env: Record<string, string | undefined> };

type Schemas = components["schemas"];
type Answer = Schemas["PredictionResponse"];

const SCHNELL = "black-forest-labs/flux-schnell";
const baseUrl = process.env.COMETAPI_BASE_URL;
const client = createClient<paths>({ baseUrl, headers: { authorization: "Bearer sk-any" } });

function check(holds: boolean, seen: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(seen));
}

const isEnvelope = (answer: Answer): answer is Schemas["TaskEnvelope"] =>
  "code" in answer && answer.code === ("success" satisfies Schemas["TaskEnvelope"]["code"]);
const isTaskError = (answer: Answer): answer is Schemas["TaskError"] =>
  "code" in answer && !isEnvelope(answer);
const isPrediction = (answer: Answer): answer is Schemas["Prediction"] => !("code" in answer);

function create(model: string, input: Record<string, unknown>, using = client) {
  const [model_owner = "", model_name = ""] = model.split("/");
  return using.POST("/models/{model_owner}/{model_name}/predictions", {
    params: { path: { model_owner, model_name } },
    body: { input },
  });
}

async function created(model: string): Promise<string> {
  const { data, error } = await create(model, { prompt: "a paper boat", seed: 7 });
  check(data !== undefined && isPrediction(data), data ?? error);
  return data.id;
}

const get = (prediction_id: string) =>
  client.GET("/predictions/{prediction_id}", { params: { path: { prediction_id } } });

async function ended(id: string, until: (answer: Answer) => boolean): Promise<Answer> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { data, error } = await get(id);
    check(data !== undefined && Date.now() < deadline, data ?? error);
    if (until(data)) return data;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

// A bare run.
const bare = await ended(
  await created(SCHNELL),
  (one) => isPrediction(one) && ["succeeded", "failed"].includes(one.status),
);
check(isPrediction(bare) && bare.status === "succeeded", bare);
const [file] = bare.output as string[];
check((await fetch(file ?? "")).ok, file);

// A wrapped run.
const wrapped = await ended(
  await created("acme/wrapped"),
  (one) => isEnvelope(one) && ["SUCCESS", "FAILURE"].includes(one.data?.status ?? ""),
);
check(isEnvelope(wrapped) && wrapped.data?.status === "SUCCESS", wrapped);
const inner = wrapped.data.data as Schemas["Prediction"];
check(Array.isArray(inner.output), inner);

// A paid run that is reported as an error: its id must not be lost.
const paid = await create("acme/task-error", { prompt: "a tin robot" });
check(paid.data !== undefined && isTaskError(paid.data), paid.data);
check(paid.data.message.includes('"id":"'), paid.data);

// Nulls.
const nulls = await get(await created("acme/nulls"));
check(nulls.data !== undefined && isPrediction(nulls.data), nulls.data);
check(nulls.data.metrics === null && nulls.data.urls === null, nulls.data);

// Errors.
const keyless = await create(SCHNELL, { prompt: "x" }, createClient<paths>({ baseUrl }));
check(keyless.response.status === 401, keyless);
check(keyless.error !== undefined && typeof keyless.error !== "string", keyless.error);
const { error: detail } = keyless.error as Schemas["ErrorBody"];
check(detail.message.startsWith("Invalid token"), detail);

const unknown = await get("unknown");
check(unknown.response.status === 400, unknown);
check((unknown.error as Schemas["TaskError"]).code === "task_not_exist", unknown.error);

const refused = await create(SCHNELL, { prompt: "x", num_outputs: 9 });
check(refused.response.status === 422, refused);
const [field] = (refused.error as Schemas["Problem"]).invalid_fields ?? [];
check(field?.field === "input.num_outputs", refused.error);

console.log("7 uses");
