"""Uses the client that openapi-python-client makes of openapi.yaml, against the mock.

The models beginning with `acme/` are planned by the contract's layer L5: `wrapped` is polled in a
task envelope, `task-error` is created with a task error that contains the prediction, and `nulls`
has null where the service sends it. Fails with a traceback that says what was read.
"""

import os
import time
import urllib.request

from cometapi_generated import AuthenticatedClient, Client
from cometapi_generated.api.predictions import create_prediction, get_prediction
from cometapi_generated.models import (
    CreatePredictionRequest,
    CreatePredictionRequestInput,
    ErrorBody,
    Prediction,
    Problem,
    TaskEnvelope,
    TaskError,
)

BASE_URL = os.environ["COMETAPI_BASE_URL"]
SCHNELL = "black-forest-labs/flux-schnell"

client = AuthenticatedClient(base_url=BASE_URL, token="sk-any")


def create(model, client=client, **fields):
    owner, name = model.split("/")
    body = CreatePredictionRequest(CreatePredictionRequestInput.from_dict(fields))
    return create_prediction.sync_detailed(owner, name, client=client, body=body)


def get(prediction_id):
    response = get_prediction.sync_detailed(prediction_id, client=client)
    assert response.status_code == 200, response
    return response.parsed


def created(model):
    response = create(model, prompt="a paper boat", seed=7)
    assert response.status_code == 200, response
    assert isinstance(response.parsed, Prediction), response.parsed
    return response.parsed.id


def ended(prediction_id, until):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = get(prediction_id)
        if until(answer):
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not ended: {answer}")


# A bare run.
prediction = ended(created(SCHNELL), lambda one: one.status in ("succeeded", "failed"))
assert isinstance(prediction, Prediction), prediction
assert prediction.status == "succeeded", prediction
assert prediction.output[0].startswith("http://"), prediction
urllib.request.urlopen(prediction.output[0]).read()

# A wrapped run.
envelope = ended(created("acme/wrapped"), lambda one: one.data.status in ("SUCCESS", "FAILURE"))
assert isinstance(envelope, TaskEnvelope), envelope
assert envelope.data.status == "SUCCESS", envelope
assert envelope.data.data["output"][0].startswith("http://"), envelope

# A paid run that is reported as an error: its id must not be lost.
error = create("acme/task-error", prompt="a tin robot").parsed
assert isinstance(error, TaskError), error
assert '"id":"' in error.message, error

# Nulls.
prediction = get(created("acme/nulls"))
assert isinstance(prediction, Prediction), prediction
assert prediction.metrics is None and prediction.urls is None, prediction

# Errors.
response = create(SCHNELL, client=Client(base_url=BASE_URL), prompt="x")
assert response.status_code == 401, response
assert isinstance(response.parsed, ErrorBody), response
assert response.parsed.error.message.startswith("Invalid token"), response

response = get_prediction.sync_detailed("unknown", client=client)
assert response.status_code == 400, response
assert isinstance(response.parsed, TaskError), response
assert response.parsed.code == "task_not_exist", response

response = create(SCHNELL, prompt="x", num_outputs=9)
assert response.status_code == 422, response
assert isinstance(response.parsed, Problem), response
assert response.parsed.invalid_fields[0].field == "input.num_outputs", response

print("7 uses")
