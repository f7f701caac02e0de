-- What an append asks of ia.points and ia.misses, hour by hour. Each hour is a literal, so that the
-- planner leaves out, and does not lock, tables of other hours: a reader of an old one and a job
-- that waits for it hold up no append. OFFSET 0 keeps each question a look-up per influencer: a
-- join would unpack every point of a compressed chunk.

CREATE FUNCTION ia.hours_of(p_minutes timestamptz[]) RETURNS SETOF timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT date_bin('1 hour', m, '2000-01-01 00:00+00') FROM unnest(p_minutes) AS m;
$$;

-- The statement with "x.minute >= hour AND x.minute < end" in place of %1$s, and the same of p in
-- place of %2$s.
CREATE FUNCTION ia.in_hour(p_sql text, p_hour timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO' SET timezone = 'UTC' AS $$
  SELECT format(p_sql, format('x.minute >= %L AND x.minute < %L', p_hour, hour_end),
                format('p.minute >= %L AND p.minute < %L', p_hour, hour_end))
  FROM (SELECT p_hour + INTERVAL '1 hour' AS hour_end) AS e;
$$;

-- Which tables have misses of an hour that the points of an append may take back. Parameters of
-- this and the next: the minutes of the batches, their first and last ids.
CREATE FUNCTION ia.finding_misses(p_hour timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ia.in_hour($sql$
    SELECT array_agg(DISTINCT x.tableoid::regclass::text)
    FROM unnest($1, $2, $3) AS b (minute, first_id, last_id)
    JOIN ia.misses x ON x.minute = b.minute AND x.influencer_id BETWEEN b.first_id AND b.last_id
    WHERE %1$s
  $sql$, p_hour);
$$;

-- Takes them back. From the very table: a deletion by way of ia.misses locks all of its chunks.
CREATE FUNCTION ia.taking_back(p_hour timestamptz, p_table text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ia.in_hour('WITH gone AS (DELETE FROM ' || p_table || $sql$ x
      USING unnest($1, $2, $3) AS b (minute, first_id, last_id)
      WHERE x.minute = b.minute AND x.influencer_id BETWEEN b.first_id AND b.last_id AND %1$s
        AND EXISTS (SELECT FROM ia.points p
                    WHERE p.influencer_id = x.influencer_id AND p.minute = x.minute AND %2$s
                    OFFSET 0)
      RETURNING x.minute, x.reason
    ), change AS (SELECT minute, reason, -count(*) AS change FROM gone GROUP BY 1, 2)
    SELECT array_agg(minute), array_agg(reason), array_agg(change) FROM change
  $sql$, p_hour);
$$;

-- Adds the misses of an hour that have no value. Parameters: minutes, ids, reasons.
CREATE FUNCTION ia.adding_misses(p_hour timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ia.in_hour($sql$
    WITH added AS (
      INSERT INTO ia.misses
      SELECT x.minute, x.influencer_id, x.reason
      FROM unnest($1, $2, $3) WITH ORDINALITY AS x (minute, influencer_id, reason, place)
      WHERE %1$s
        AND NOT EXISTS (SELECT FROM ia.points p
                        WHERE p.influencer_id = x.influencer_id AND p.minute = x.minute AND %2$s
                        OFFSET 0)
      ORDER BY place
      ON CONFLICT DO NOTHING
      RETURNING minute, reason
    ), change AS (SELECT minute, reason, count(*) AS change FROM added GROUP BY 1, 2)
    SELECT array_agg(minute), array_agg(reason), array_agg(change) FROM change
  $sql$, p_hour);
$$;

-- Counts the misses of an append that count, and takes back those whose value has come. Called
-- under the lock of the order of commits, after the append's points are there: so whichever of a
-- value and a miss commits last sees the other one. A minute and reason may come more than once.
CREATE OR REPLACE FUNCTION ia.settle_misses(
  p_batch_minutes timestamptz[], p_first_ids bigint[], p_last_ids bigint[],
  p_miss_minutes timestamptz[], p_miss_ids bigint[], p_miss_reasons bigint[],
  OUT o_minutes timestamptz[], OUT o_reasons bigint[], OUT o_changes bigint[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  v_hour timestamptz;
  v_tables text[];
  v_table text;
  v_minutes timestamptz[];
  v_reasons bigint[];
  v_changes bigint[];
BEGIN
  FOR v_hour IN SELECT ia.hours_of(p_batch_minutes) LOOP
    EXECUTE ia.finding_misses(v_hour) INTO v_tables
      USING p_batch_minutes, p_first_ids, p_last_ids;
    FOREACH v_table IN ARRAY coalesce(v_tables, '{}') LOOP
      EXECUTE ia.taking_back(v_hour, v_table) INTO v_minutes, v_reasons, v_changes
        USING p_batch_minutes, p_first_ids, p_last_ids;
      o_minutes := o_minutes || v_minutes;
      o_reasons := o_reasons || v_reasons;
      o_changes := o_changes || v_changes;
    END LOOP;
  END LOOP;
  FOR v_hour IN SELECT ia.hours_of(p_miss_minutes) LOOP
    EXECUTE ia.adding_misses(v_hour) INTO v_minutes, v_reasons, v_changes
      USING p_miss_minutes, p_miss_ids, p_miss_reasons;
    o_minutes := o_minutes || v_minutes;
    o_reasons := o_reasons || v_reasons;
    o_changes := o_changes || v_changes;
  END LOOP;
END $$;

-- Finds the values of one hour among the keys of ia.present.
CREATE FUNCTION ia.finding_values(p_hour timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ia.in_hour($sql$
    SELECT array_agg(x.place)
    FROM unnest($1, $2) WITH ORDINALITY AS x (minute, influencer_id, place)
    WHERE %1$s
      AND EXISTS (SELECT FROM ia.points p
                  WHERE p.influencer_id = x.influencer_id AND p.minute = x.minute AND %2$s
                  OFFSET 0)
  $sql$, p_hour);
$$;

-- Which of the keys have a value, by their places, from 1.
CREATE OR REPLACE FUNCTION ia.present(p_minutes timestamptz[], p_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off AS $$
DECLARE
  v_hour timestamptz;
  v_found bigint[];
  v_places bigint[];
BEGIN
  FOR v_hour IN SELECT ia.hours_of(p_minutes) LOOP
    EXECUTE ia.finding_values(v_hour) INTO v_found USING p_minutes, p_ids;
    v_places := v_places || v_found;
  END LOOP;
  RETURN v_places;
END $$;

REVOKE ALL ON FUNCTION ia.hours_of, ia.in_hour, ia.finding_misses, ia.taking_back,
  ia.adding_misses, ia.finding_values FROM PUBLIC;
