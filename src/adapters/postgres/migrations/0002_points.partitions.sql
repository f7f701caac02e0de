-- Points and misses in plain PostgreSQL: a partition a span of time, made when it is needed.

-- The index has the counts, so that a series is read from its pages alone.
CREATE TABLE ia.points (
  minute timestamptz NOT NULL,
  influencer_id bigint NOT NULL,
  follower_count bigint NOT NULL,
  following_count bigint NOT NULL,
  CONSTRAINT points_key PRIMARY KEY (influencer_id, minute)
    INCLUDE (follower_count, following_count)
) PARTITION BY RANGE (minute);
CREATE INDEX points_by_minute ON ia.points
  USING brin (minute) WITH (pages_per_range = 64, autosummarize = on);

CREATE TABLE ia.misses (
  minute timestamptz NOT NULL,
  influencer_id bigint NOT NULL,
  reason smallint NOT NULL,
  CONSTRAINT misses_key PRIMARY KEY (minute, influencer_id)
) PARTITION BY RANGE (minute);

-- A new table is attached, not created in place: that does not lock readers out.
CREATE FUNCTION ia.make_partition(p_minute timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_hours integer;
  v_begin timestamptz;
  v_end timestamptz;
  v_suffix text;
  v_table text;
BEGIN
  PERFORM pg_advisory_xact_lock(18785, 2);
  IF EXISTS (SELECT FROM ia.partitions WHERE begin_at <= p_minute AND p_minute < end_at) THEN
    RETURN;
  END IF;
  SELECT partition_hours INTO v_hours FROM ia.state;
  -- The width may have been changed since: an hour always fits between what is there.
  FOREACH v_hours IN ARRAY ARRAY[v_hours, 1] LOOP
    v_begin := date_bin(make_interval(hours => v_hours), p_minute, '2000-01-01 00:00+00');
    v_end := v_begin + make_interval(hours => v_hours);
    EXIT WHEN NOT EXISTS (
      SELECT FROM ia.partitions WHERE begin_at < v_end AND v_begin < end_at);
  END LOOP;
  v_suffix := to_char(v_begin AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24');
  FOREACH v_table IN ARRAY ARRAY['points', 'misses'] LOOP
    EXECUTE format('CREATE TABLE ia.%I (LIKE ia.%I INCLUDING ALL)',
                   v_table || '_' || v_suffix, v_table);
    EXECUTE format('ALTER TABLE ia.%I ATTACH PARTITION ia.%I FOR VALUES FROM (%L) TO (%L)',
                   v_table, v_table || '_' || v_suffix, v_begin, v_end);
  END LOOP;
  INSERT INTO ia.partitions VALUES (v_begin, v_end, v_suffix);
END $$;

-- Drops the oldest span that is expired; true when there was one. Gives up, until the next time,
-- when somebody reads for longer than a second: whoever waits for the lock holds up all readers.
CREATE FUNCTION ia.drop_expired_points() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  v_suffix text;
BEGIN
  SELECT suffix INTO v_suffix FROM ia.partitions
    WHERE end_at <= (SELECT horizon FROM ia.state) ORDER BY begin_at LIMIT 1;
  IF v_suffix IS NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE ia.%I, ia.%I', 'points_' || v_suffix, 'misses_' || v_suffix);
  DELETE FROM ia.partitions WHERE suffix = v_suffix;
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END $$;

CREATE VIEW ia.points_hour AS
  SELECT date_bin('1 hour', minute, '2000-01-01 00:00+00') AS hour,
         influencer_id,
         count(*) AS points,
         sum(follower_count) AS follower_sum,
         min(follower_count) AS follower_min,
         max(follower_count) AS follower_max,
         (array_agg(follower_count ORDER BY minute DESC))[1] AS follower_last,
         sum(following_count) AS following_sum,
         (array_agg(following_count ORDER BY minute DESC))[1] AS following_last
  FROM ia.points GROUP BY 1, 2;

CREATE VIEW ia.points_day AS
  SELECT date_bin('1 day', hour, '2000-01-01 00:00+00') AS day,
         influencer_id,
         sum(points)::bigint AS points,
         sum(follower_sum) AS follower_sum,
         min(follower_min) AS follower_min,
         max(follower_max) AS follower_max,
         (array_agg(follower_last ORDER BY hour DESC))[1] AS follower_last,
         sum(following_sum) AS following_sum,
         (array_agg(following_last ORDER BY hour DESC))[1] AS following_last
  FROM ia.points_hour GROUP BY 1, 2;
