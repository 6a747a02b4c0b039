CREATE TABLE version (number integer NOT NULL);

-- A process that has this ledger open: it lives as long as the advisory lock of its number, which a
-- session of its own holds. Numbers are never given out twice.
CREATE SEQUENCE process_id AS integer;
CREATE TABLE process (
    id bigint PRIMARY KEY,
    since bigint NOT NULL
);

CREATE TABLE worker (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    process bigint NOT NULL,
    -- The base URL that it works at; an id means nothing at another.
    service text NOT NULL,
    since bigint NOT NULL
);
CREATE INDEX worker_process ON worker (process);

CREATE TABLE batch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Its identity: of the file in its folder, or a name.
    name text NOT NULL UNIQUE,
    -- Where it last ran.
    folder text NOT NULL,
    -- The template of its files' names, as it last ran.
    names text,
    service text NOT NULL,
    since bigint NOT NULL
);

-- What the predictions of a batch cost, and how many have an unknown cost: the sums over its shards.
-- A trigger keeps them. With one row for each batch, all workers would wait for each other's commits.
CREATE TABLE spent (
    batch bigint NOT NULL,
    shard integer NOT NULL,
    amount bigint NOT NULL,
    unpriced bigint NOT NULL,
    PRIMARY KEY (batch, shard)
) WITH (fillfactor = 50);

-- Times are milliseconds since 1970, money is billionths of a US dollar.
CREATE TABLE prediction (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service text NOT NULL,
    batch bigint,
    -- What names a single prediction for its caller.
    once text,
    -- The row within its batch: its own id, or the hash; null for a single prediction.
    key text,
    occurrence bigint NOT NULL DEFAULT 1,
    row_id text,
    superseded boolean NOT NULL DEFAULT false,
    retake bigint NOT NULL DEFAULT 0,
    model text NOT NULL,
    input text NOT NULL,
    hash text NOT NULL,
    -- What its row holds besides model and input, as a JSON object.
    labels text,
    -- Of a single prediction: where its files are to be saved, and the template of their names.
    folder text,
    names text,
    state text NOT NULL
        CHECK (state IN ('planned', 'sending', 'running', 'ended', 'unresolved')),
    worker bigint,
    -- Of the call that gave it to its worker, so that a call whose answer was lost finds it.
    claim bigint,
    id text,
    request_id text,
    fetching boolean NOT NULL DEFAULT false,
    outcome text,
    message text,
    request_ids text,
    planned_at bigint NOT NULL,
    sending_at bigint,
    created_at bigint,
    ended_at bigint,
    -- Whether an end was polled again, so that what has expired is not polled for ever.
    looked boolean NOT NULL DEFAULT false,
    -- The prediction as it ended, as JSON.
    result text,
    -- What it is expected to cost once it is sent, and what the service says that it cost.
    price bigint,
    charge bigint,
    -- Whether it ended in a way that is not charged for.
    free boolean NOT NULL DEFAULT false,
    -- What it costs or may cost as it stands; null if that is unknown. What a worker has claimed counts
    -- as if it were sent, so that two workers do not spend the same money.
    cost bigint GENERATED ALWAYS AS (CASE
        WHEN charge IS NOT NULL THEN charge
        WHEN state = 'planned' AND worker IS NULL THEN 0
        WHEN state = 'planned' THEN coalesce(price, 0)
        WHEN state = 'ended' AND (free OR id IS NULL AND sending_at IS NULL) THEN 0
        ELSE price
    END) STORED
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX prediction_once ON prediction (once) WHERE NOT superseded AND once IS NOT NULL;
-- To list all of a key.
CREATE INDEX prediction_of_key ON prediction (once) WHERE once IS NOT NULL;
CREATE UNIQUE INDEX prediction_row ON prediction (batch, key, occurrence)
    WHERE NOT superseded AND key IS NOT NULL;
CREATE INDEX prediction_superseded ON prediction (batch, key, occurrence)
    WHERE superseded AND key IS NOT NULL;
CREATE INDEX prediction_free ON prediction (batch, state, seq)
    WHERE worker IS NULL AND NOT superseded AND state IN ('planned', 'running');
CREATE INDEX prediction_held ON prediction (worker) WHERE worker IS NOT NULL;
-- Rows that no worker is sending any more; there should be none.
CREATE INDEX prediction_lost ON prediction (seq) WHERE worker IS NULL AND state = 'sending';
-- Ids and paths are longer than other indexes allow.
CREATE INDEX prediction_id ON prediction USING hash (id) WHERE id IS NOT NULL;

CREATE FUNCTION add_spent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Few sessions share a shard, so that few wait for each other.
    INSERT INTO @schema@.spent AS s (batch, shard, amount, unpriced)
    VALUES (NEW.batch, pg_backend_pid() % 64, coalesce(NEW.cost, 0) - coalesce(OLD.cost, 0),
        (NEW.cost IS NULL)::int - (OLD.cost IS NULL)::int)
    ON CONFLICT (batch, shard) DO UPDATE SET amount = s.amount + excluded.amount,
        unpriced = s.unpriced + excluded.unpriced;
    RETURN NULL;
END $$;
CREATE TRIGGER batch_spent AFTER UPDATE OF charge, state, worker, price, free, id, sending_at
ON prediction FOR EACH ROW
WHEN (NEW.batch IS NOT NULL AND NEW.cost IS DISTINCT FROM OLD.cost)
EXECUTE FUNCTION add_spent();

CREATE TABLE seen (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    status text NOT NULL
);
CREATE INDEX seen_seq ON seen (seq);

CREATE TABLE file (
    seq bigint NOT NULL,
    position bigint NOT NULL,
    -- Relative to the folder of the prediction's batch, or absolute.
    path text NOT NULL,
    bytes bigint NOT NULL,
    media_type text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (seq, position)
);
CREATE INDEX file_path ON file USING hash (path);

-- The names that files of a batch have or are about to have.
CREATE TABLE name (
    batch bigint NOT NULL,
    -- What it has in common with names that a file system may take for it.
    folded text NOT NULL,
    seq bigint NOT NULL,
    position bigint NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (batch, folded)
);
CREATE UNIQUE INDEX name_of_file ON name (seq, position);

CREATE TABLE duration (
    service text NOT NULL,
    model text NOT NULL,
    seq bigint NOT NULL,
    -- By the service's clock.
    millis bigint NOT NULL,
    PRIMARY KEY (service, model, seq)
);

-- Until when no create request is sent to a service, by the clock of this server.
CREATE TABLE pause (
    service text PRIMARY KEY,
    until bigint NOT NULL
);

-- What a worker has released and must not claim again.
CREATE TABLE released (
    worker bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (worker, seq)
);

-- The rows of files being read. They touch the ledger only when all of them are good, and nobody
-- needs them after the end of the process that reads them, nor after a crash of the server.
CREATE UNLOGGED TABLE load (
    id bigint PRIMARY KEY,
    process bigint NOT NULL,
    batch bigint
);
CREATE UNLOGGED TABLE staged (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    load bigint NOT NULL,
    -- Of the call that added it.
    part bigint NOT NULL,
    line bigint NOT NULL,
    key text NOT NULL,
    occurrence bigint NOT NULL DEFAULT 1,
    row_id text,
    -- What its id has in common with ids whose files may be its own.
    folded text,
    hash text NOT NULL,
    model text NOT NULL,
    input text NOT NULL,
    labels text,
    files bigint NOT NULL,
    seq bigint
);
CREATE INDEX staged_load ON staged (load, number);
CREATE INDEX staged_seq ON staged (load, seq) WHERE seq IS NOT NULL;
CREATE INDEX staged_folded ON staged USING hash (folded) WHERE folded IS NOT NULL;
