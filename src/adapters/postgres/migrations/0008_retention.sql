-- A wall clock that jumps ahead deletes nothing: housekeeping says how far the time that deletions
-- go by has come, and the next process goes on from there.
ALTER TABLE ia.state ADD COLUMN retention_reached timestamptz;
COMMENT ON COLUMN ia.state.retention_reached IS
  'The confirmed time that retention goes by; it may lag behind the wall clock for a day.';

-- p_minutes_horizon is 400 days (or the retention, when that is longer) before the time that
-- deletions go by, which is thus known here without another parameter, and the grants stay.
CREATE OR REPLACE FUNCTION ia.upkeep(
  p_now timestamptz, p_horizon timestamptz, p_minutes_horizon timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_more boolean;
  v_count bigint;
  v_last bigint;
  v_reached timestamptz := p_minutes_horizon + INTERVAL '9600 hours';
BEGIN
  IF NOT pg_try_advisory_xact_lock(18785, 3) THEN
    RETURN false;
  END IF;
  UPDATE ia.state SET retention_reached = v_reached
    WHERE retention_reached IS NULL OR retention_reached < v_reached OR retention_reached > p_now;
  UPDATE ia.state SET horizon = p_horizon WHERE horizon < p_horizon;
  PERFORM ia.make_partition(m) FROM unnest(ARRAY[p_now, p_now + INTERVAL '1 day']) AS m
    WHERE NOT EXISTS (SELECT FROM ia.partitions WHERE begin_at <= m AND m < end_at);
  v_more := ia.drop_expired_points();

  WITH old AS (
    SELECT position FROM ia.batches
    WHERE position <= (SELECT latest_through FROM ia.state)
      AND retrieved_at < p_now - INTERVAL '10 minutes'
    ORDER BY position LIMIT 2000
  ), gone AS (
    DELETE FROM ia.batches b USING old WHERE b.position = old.position RETURNING b.position
  )
  SELECT count(*), max(position) INTO v_count, v_last FROM gone;
  UPDATE ia.state SET dropped_through = v_last WHERE dropped_through < v_last;
  v_more := v_more OR v_count = 2000;

  DELETE FROM ia.minutes WHERE minute IN (
    SELECT minute FROM ia.minutes WHERE minute < p_minutes_horizon ORDER BY 1 LIMIT 2000);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_more OR v_count = 2000;
END $$;

-- A value that a clock ahead of time stamped gives way to the next one.
CREATE OR REPLACE FUNCTION ia.put_latest(
  p_from bigint, p_through bigint, p_ids bigint[], p_retrieved timestamptz[],
  p_followers bigint[], p_following bigint[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(18785, 3) THEN
    RETURN false;
  END IF;
  UPDATE ia.state SET latest_through = p_through WHERE latest_through = p_from;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO ia.latest AS l
    SELECT unnest(p_ids), unnest(p_retrieved), unnest(p_followers), unnest(p_following)
    ON CONFLICT (influencer_id) DO UPDATE
      SET retrieved_at = excluded.retrieved_at, follower_count = excluded.follower_count,
          following_count = excluded.following_count
      WHERE excluded.retrieved_at > l.retrieved_at
         OR l.retrieved_at > clock_timestamp() + INTERVAL '1 minute';
  RETURN true;
END $$;
