-- Points and misses where the extension TimescaleDB is: @ts@ stands for its schema.

CREATE TABLE ia.points (
  minute timestamptz NOT NULL,
  influencer_id bigint NOT NULL,
  follower_count bigint NOT NULL,
  following_count bigint NOT NULL,
  CONSTRAINT points_key PRIMARY KEY (influencer_id, minute)
);
CREATE TABLE ia.misses (
  minute timestamptz NOT NULL,
  influencer_id bigint NOT NULL,
  reason smallint NOT NULL,
  CONSTRAINT misses_key PRIMARY KEY (minute, influencer_id)
);

DO $$
DECLARE
  v_width interval := make_interval(hours => (SELECT partition_hours FROM ia.state));
BEGIN
  PERFORM @ts@.create_hypertable('ia.points', 'minute', chunk_time_interval => v_width,
                                 create_default_indexes => false);
  PERFORM @ts@.create_hypertable('ia.misses', 'minute', chunk_time_interval => v_width,
                                 create_default_indexes => false);
END $$;
CREATE INDEX points_by_minute ON ia.points
  USING brin (minute) WITH (pages_per_range = 64, autosummarize = on);

ALTER TABLE ia.points SET (
  timescaledb.compress,
  timescaledb.compress_segmentby = 'influencer_id',
  timescaledb.compress_orderby = 'minute');
SELECT @ts@.add_compression_policy('ia.points', INTERVAL '3 hours');

-- The extension makes chunks itself: there is a place for every minute.
INSERT INTO ia.partitions VALUES ('-infinity', 'infinity', 'chunks');

CREATE FUNCTION ia.make_partition(p_minute timestamptz) RETURNS void
LANGUAGE sql AS 'SELECT';

-- Drops the chunks that are expired; false: never more at once.
CREATE FUNCTION ia.drop_expired_points() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  v_horizon timestamptz := (SELECT horizon FROM ia.state);
BEGIN
  IF EXISTS (SELECT FROM timescaledb_information.chunks
             WHERE hypertable_schema = 'ia' AND hypertable_name IN ('points', 'misses')
               AND range_end <= v_horizon) THEN
    PERFORM @ts@.drop_chunks('ia.points', v_horizon);
    PERFORM @ts@.drop_chunks('ia.misses', v_horizon);
  END IF;
  RETURN false;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END $$;

CREATE MATERIALIZED VIEW ia.points_hour
  WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
  SELECT @ts@.time_bucket('1 hour', minute) AS hour,
         influencer_id,
         count(*) AS points,
         sum(follower_count) AS follower_sum,
         min(follower_count) AS follower_min,
         max(follower_count) AS follower_max,
         @ts@.last(follower_count, minute) AS follower_last,
         sum(following_count) AS following_sum,
         @ts@.last(following_count, minute) AS following_last
  FROM ia.points GROUP BY 1, 2
  WITH NO DATA;

CREATE MATERIALIZED VIEW ia.points_day
  WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
  SELECT @ts@.time_bucket('1 day', hour) AS day,
         influencer_id,
         sum(points)::bigint AS points,
         sum(follower_sum) AS follower_sum,
         min(follower_min) AS follower_min,
         max(follower_max) AS follower_max,
         @ts@.last(follower_last, hour) AS follower_last,
         sum(following_sum) AS following_sum,
         @ts@.last(following_last, hour) AS following_last
  FROM ia.points_hour GROUP BY 1, 2
  WITH NO DATA;

SELECT @ts@.add_continuous_aggregate_policy('ia.points_hour',
  start_offset => INTERVAL '6 hours', end_offset => INTERVAL '1 hour',
  schedule_interval => INTERVAL '30 minutes');
SELECT @ts@.add_continuous_aggregate_policy('ia.points_day',
  start_offset => INTERVAL '3 days', end_offset => INTERVAL '1 day',
  schedule_interval => INTERVAL '6 hours');
