-- Chunks and aggregates: late points reach the aggregates, which are compressed and expire as the
-- points do; jobs hold up no append, and the database can say how they fare.

-- Values that come late unpack what is compressed of their influencers, however many these are.
ALTER FUNCTION ia.append SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;

SELECT @ts@.remove_continuous_aggregate_policy('ia.points_day', if_exists => true),
       @ts@.remove_continuous_aggregate_policy('ia.points_hour', if_exists => true);

DO $$
DECLARE
  v_chunks record;
BEGIN
  FOR v_chunks IN
    SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
             ::regclass AS of_aggregate,
           CASE view_name WHEN 'points_hour' THEN INTERVAL '1 day' ELSE INTERVAL '10 days' END
             AS width
    FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'ia'
  LOOP
    PERFORM @ts@.set_chunk_time_interval(v_chunks.of_aggregate, v_chunks.width);
  END LOOP;
END $$;
ALTER MATERIALIZED VIEW ia.points_hour SET (timescaledb.compress);
ALTER MATERIALIZED VIEW ia.points_day SET (timescaledb.compress);

-- The job of the aggregates: adds what came since it last ran, however late, day by day, and
-- compresses what is two days old. Only of whole hours and days that no retention has begun to
-- drop: there the aggregates know more than the points.
CREATE PROCEDURE ia.tend_aggregates(p_job integer, p_config jsonb) LANGUAGE plpgsql AS $$
DECLARE
  v_origin constant timestamptz := '2000-01-01 00:00+00';
  v_end constant timestamptz := date_bin('1 hour', now() - INTERVAL '1 hour', v_origin);
  v_old constant timestamptz := now() - INTERVAL '2 days';
  v_horizon timestamptz;
  v_minute timestamptz;
  v_day timestamptz;
  v_hour timestamptz;
  v_chunks regclass[];
  v_chunk regclass;
BEGIN
  SELECT horizon INTO v_horizon FROM ia.state;
  SELECT min(minute) INTO v_minute FROM ia.minutes WHERE stored > 0 AND minute >= v_horizon;
  v_hour := greatest(date_bin('1 hour', v_minute, v_origin),
                     date_bin('1 hour', v_horizon - INTERVAL '1 us', v_origin) + INTERVAL '1 hour');
  WHILE v_minute IS NOT NULL AND v_hour < v_end LOOP
    v_day := date_bin('1 day', v_hour, v_origin) + INTERVAL '1 day';
    CALL @ts@.refresh_continuous_aggregate('ia.points_hour', v_hour, least(v_day, v_end));
    v_hour := v_day;
  END LOOP;
  v_day := greatest(date_bin('1 day', v_minute, v_origin),
                    date_bin('1 day', v_horizon - INTERVAL '1 us', v_origin) + INTERVAL '1 day');
  IF v_minute IS NOT NULL AND v_day < date_bin('1 day', v_end, v_origin) THEN
    CALL @ts@.refresh_continuous_aggregate(
      'ia.points_day', v_day, date_bin('1 day', v_end, v_origin));
  END IF;

  SELECT array_agg(s.chunk) INTO v_chunks
    FROM unnest(ARRAY['ia.points_hour', 'ia.points_day']::regclass[]) AS a (aggregate),
         @ts@.show_chunks(a.aggregate, older_than => v_old) AS s (chunk)
    JOIN _timescaledb_catalog.chunk c
      ON format('%I.%I', c.schema_name, c.table_name)::regclass = s.chunk
    WHERE c.status <> 1;
  FOREACH v_chunk IN ARRAY coalesce(v_chunks, '{}') LOOP
    PERFORM @ts@.compress_chunk(v_chunk, if_not_compressed => true);
    COMMIT;
  END LOOP;
END $$;
REVOKE ALL ON PROCEDURE ia.tend_aggregates FROM PUBLIC;
SELECT @ts@.add_job('ia.tend_aggregates', '30 minutes');

-- Drops the chunks that are expired, of points, misses and aggregates; false: never more at once.
CREATE OR REPLACE FUNCTION ia.drop_expired_points() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  v_horizon timestamptz := (SELECT horizon FROM ia.state);
BEGIN
  IF EXISTS (
      SELECT FROM timescaledb_information.chunks
      WHERE range_end <= v_horizon
        AND ((hypertable_schema = 'ia' AND hypertable_name IN ('points', 'misses'))
             OR (hypertable_schema, hypertable_name) IN (
               SELECT materialization_hypertable_schema, materialization_hypertable_name
               FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'ia'))) THEN
    PERFORM @ts@.drop_chunks('ia.points', v_horizon);
    PERFORM @ts@.drop_chunks('ia.misses', v_horizon);
    PERFORM @ts@.drop_chunks('ia.points_hour', v_horizon);
    PERFORM @ts@.drop_chunks('ia.points_day', v_horizon);
  END IF;
  RETURN false;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END $$;

-- How the jobs fare: how many failed when they last ran, the newest error, and for how many seconds
-- the oldest chunk of points that is not compressed has been complete. Anyone may ask.
CREATE FUNCTION ia.job_health(
  OUT failed_jobs bigint, OUT failure text, OUT uncompressed_seconds bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH failed AS (
    SELECT j.job_id, j.application_name, s.last_run_started_at
    FROM timescaledb_information.jobs j JOIN timescaledb_information.job_stats s USING (job_id)
    WHERE (j.hypertable_schema = 'ia' OR j.proc_schema = 'ia') AND s.last_run_status = 'Failed'
  )
  SELECT (SELECT count(*) FROM failed),
         coalesce((SELECT f.application_name || coalesce(': ' || e.err_message, '')
                   FROM failed f LEFT JOIN timescaledb_information.job_errors e USING (job_id)
                   ORDER BY e.finish_time DESC NULLS LAST, f.last_run_started_at DESC LIMIT 1), ''),
         coalesce((SELECT greatest(0, extract(epoch FROM now() - min(range_end)))::bigint
                   FROM timescaledb_information.chunks
                   WHERE hypertable_schema = 'ia' AND hypertable_name = 'points'
                     AND NOT is_compressed), 0);
$$;

-- What `migrate` sets each time, as neither a backup nor an update of the extension carries it: a
-- job waits briefly for its locks, and a compression that cannot truncate its chunk at once, for it
-- is being read, deletes its rows.
CREATE FUNCTION ia.configure_jobs() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_job record;
BEGIN
  FOR v_job IN
    SELECT job_id, owner, proc_name, config FROM timescaledb_information.jobs
    WHERE (hypertable_schema = 'ia' AND proc_name = 'policy_compression')
       OR (proc_schema = 'ia' AND proc_name = 'tend_aggregates')
  LOOP
    IF v_job.proc_name = 'policy_compression' THEN
      PERFORM @ts@.alter_job(v_job.job_id, schedule_interval => INTERVAL '30 minutes',
                             config => v_job.config || '{"reindex": false}');
    END IF;
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET lock_timeout = ''10s''',
                   v_job.owner, current_database());
    IF current_setting('timescaledb.compress_truncate_behaviour', true) IS NOT NULL THEN
      EXECUTE format('ALTER ROLE %I IN DATABASE %I SET timescaledb.compress_truncate_behaviour'
                     ' = ''truncate_or_delete''', v_job.owner, current_database());
    END IF;
  END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'the jobs'' settings stay as they are: run migrate as the owner of the schema';
END $$;
REVOKE ALL ON FUNCTION ia.configure_jobs FROM PUBLIC;
