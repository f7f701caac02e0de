-- What everything else stands on. docs/sql.md describes each table for people who query them.

CREATE TABLE ia.state (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  layout text NOT NULL CHECK (layout IN ('partitions', 'timescaledb')),
  partition_hours integer NOT NULL CHECK (24 % partition_hours = 0),
  horizon timestamptz NOT NULL DEFAULT '1970-01-01 00:00+00',
  latest_through bigint NOT NULL DEFAULT 0,
  dropped_through bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE ia.state IS 'One row: how the data is laid out, and how far housekeeping is.';
COMMENT ON COLUMN ia.state.horizon IS 'Points of minutes before it are gone, or about to be.';
COMMENT ON COLUMN ia.state.latest_through IS
  'The table latest has the values of all batches up to this position.';
COMMENT ON COLUMN ia.state.dropped_through IS 'Batches up to this position may be gone.';

CREATE TABLE ia.registry (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch bigint NOT NULL CHECK (epoch > 0),
  interval_minutes bigint NOT NULL,
  spread_ms bigint NOT NULL,
  shard_size bigint NOT NULL,
  influencers text NOT NULL,
  seeded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ia.registry IS 'One row: who is watched, as the last seeding left it.';

CREATE VIEW ia.watched AS
  SELECT split_part(part, '-', 1)::bigint AS first_id,
         coalesce(nullif(split_part(part, '-', 2), ''), part)::bigint AS last_id
  FROM ia.registry, regexp_split_to_table(influencers, ',') AS part
  WHERE part <> '';
COMMENT ON VIEW ia.watched IS 'The registry''s influencers as ranges of ids, both ends included.';

CREATE TABLE ia.miss_reasons (
  reason smallint PRIMARY KEY,
  name text NOT NULL UNIQUE
);
INSERT INTO ia.miss_reasons VALUES
  (0, 'timeout'), (1, 'connection'), (2, 'rate_limited'), (3, 'server_error'), (4, 'not_found'),
  (5, 'malformed'), (6, 'overrun'), (7, 'clock'), (8, 'down');

CREATE TABLE ia.minutes (
  minute timestamptz PRIMARY KEY,
  due_registered bigint NOT NULL,
  stored bigint NOT NULL DEFAULT 0,
  repeats bigint NOT NULL DEFAULT 0,
  missed_timeout bigint NOT NULL DEFAULT 0,
  missed_connection bigint NOT NULL DEFAULT 0,
  missed_rate_limited bigint NOT NULL DEFAULT 0,
  missed_server_error bigint NOT NULL DEFAULT 0,
  missed_not_found bigint NOT NULL DEFAULT 0,
  missed_malformed bigint NOT NULL DEFAULT 0,
  missed_overrun bigint NOT NULL DEFAULT 0,
  missed_clock bigint NOT NULL DEFAULT 0,
  missed_down bigint NOT NULL DEFAULT 0,
  missed bigint NOT NULL GENERATED ALWAYS AS (
    missed_timeout + missed_connection + missed_rate_limited + missed_server_error
    + missed_not_found + missed_malformed + missed_overrun + missed_clock + missed_down) STORED,
  due bigint NOT NULL GENERATED ALWAYS AS (greatest(due_registered,
    stored + missed_timeout + missed_connection + missed_rate_limited + missed_server_error
    + missed_not_found + missed_malformed + missed_overrun + missed_clock + missed_down)) STORED,
  closed boolean NOT NULL DEFAULT false,
  rest bigint NOT NULL DEFAULT 0,
  rest_reason smallint NOT NULL DEFAULT 0,
  followers_sum bigint NOT NULL DEFAULT 0,
  following_sum bigint NOT NULL DEFAULT 0,
  first_retrieved_at timestamptz,
  last_retrieved_at timestamptz
) WITH (fillfactor = 60);
COMMENT ON TABLE ia.minutes IS
  'The accounts of each minute: due = stored + missed + open, and nothing is open once closed.';
COMMENT ON COLUMN ia.minutes.due_registered IS
  'Who was due by the registry when the minute was first touched.';
COMMENT ON COLUMN ia.minutes.rest IS
  'Those of missed that were counted when the minute was closed: they have no row in misses.';

CREATE TABLE ia.usernames (
  influencer_id bigint PRIMARY KEY,
  name text NOT NULL,
  retrieved_at timestamptz NOT NULL,
  folded text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
    translate(name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')) STORED
);
CREATE INDEX usernames_by_name ON ia.usernames (folded, influencer_id);
COMMENT ON COLUMN ia.usernames.folded IS 'The name in lower case, ASCII only: for searching.';

CREATE TABLE ia.latest (
  influencer_id bigint PRIMARY KEY,
  retrieved_at timestamptz NOT NULL,
  follower_count bigint NOT NULL,
  following_count bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE ia.latest IS
  'The newest value of everyone who ever had one, as of some ten minutes ago.';

CREATE TABLE ia.batches (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  retrieved_at timestamptz NOT NULL,
  points integer NOT NULL,
  data bytea NOT NULL
);
ALTER TABLE ia.batches ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE ia.batches IS
  'What was stored of late, in its order, for those who follow: see docs/formats.md, Point batch.';

CREATE TABLE ia.partitions (
  begin_at timestamptz PRIMARY KEY,
  end_at timestamptz NOT NULL,
  suffix text NOT NULL UNIQUE
);
COMMENT ON TABLE ia.partitions IS 'The spans of time that points and misses have tables for.';
