-- All that the program may change, as functions: the role that runs it needs no right to write.
-- Advisory locks (18785, n): 1 the order of commits, 2 new partitions, 3 housekeeping, 4 migration.

-- Adds to the accounts of minutes, which must have rows. The changes of misses are one for each
-- minute and reason, negative where a value came. Whoever was counted at the close and comes to a
-- value or miss of its own after it takes that count back.
CREATE FUNCTION ia.add_to_minutes(
  p_minutes timestamptz[], p_stored bigint[], p_repeats bigint[],
  p_followers_sum bigint[], p_following_sum bigint[],
  p_first_retrieved timestamptz[], p_last_retrieved timestamptz[],
  p_miss_minutes timestamptz[], p_miss_reasons bigint[], p_miss_changes bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH missed AS (
    SELECT x.minute, sum(x.change) AS total,
           sum(x.change) FILTER (WHERE x.reason = 0) AS r0,
           sum(x.change) FILTER (WHERE x.reason = 1) AS r1,
           sum(x.change) FILTER (WHERE x.reason = 2) AS r2,
           sum(x.change) FILTER (WHERE x.reason = 3) AS r3,
           sum(x.change) FILTER (WHERE x.reason = 4) AS r4,
           sum(x.change) FILTER (WHERE x.reason = 5) AS r5,
           sum(x.change) FILTER (WHERE x.reason = 6) AS r6,
           sum(x.change) FILTER (WHERE x.reason = 7) AS r7,
           sum(x.change) FILTER (WHERE x.reason = 8) AS r8
    FROM unnest(p_miss_minutes, p_miss_reasons, p_miss_changes) AS x (minute, reason, change)
    GROUP BY 1
  ), account AS (
    SELECT c.*, r0, r1, r2, r3, r4, r5, r6, r7, r8,
           greatest(0, least(m.rest, c.stored + coalesce(x.total, 0))) AS back
    FROM unnest(p_minutes, p_stored, p_repeats, p_followers_sum, p_following_sum,
                p_first_retrieved, p_last_retrieved)
           AS c (minute, stored, repeats, followers_sum, following_sum, first_at, last_at)
    JOIN ia.minutes m ON m.minute = c.minute
    LEFT JOIN missed x ON x.minute = c.minute
  )
  UPDATE ia.minutes m SET
    stored = m.stored + a.stored,
    repeats = m.repeats + a.repeats,
    followers_sum = least(9223372036854775807, m.followers_sum::numeric + a.followers_sum),
    following_sum = least(9223372036854775807, m.following_sum::numeric + a.following_sum),
    first_retrieved_at = CASE WHEN a.stored > 0 THEN least(m.first_retrieved_at, a.first_at)
                         ELSE m.first_retrieved_at END,
    last_retrieved_at = CASE WHEN a.stored > 0 THEN greatest(m.last_retrieved_at, a.last_at)
                        ELSE m.last_retrieved_at END,
    rest = m.rest - back,
    missed_timeout = missed_timeout + coalesce(r0, 0)
      - CASE rest_reason WHEN 0 THEN back ELSE 0 END,
    missed_connection = missed_connection + coalesce(r1, 0)
      - CASE rest_reason WHEN 1 THEN back ELSE 0 END,
    missed_rate_limited = missed_rate_limited + coalesce(r2, 0)
      - CASE rest_reason WHEN 2 THEN back ELSE 0 END,
    missed_server_error = missed_server_error + coalesce(r3, 0)
      - CASE rest_reason WHEN 3 THEN back ELSE 0 END,
    missed_not_found = missed_not_found + coalesce(r4, 0)
      - CASE rest_reason WHEN 4 THEN back ELSE 0 END,
    missed_malformed = missed_malformed + coalesce(r5, 0)
      - CASE rest_reason WHEN 5 THEN back ELSE 0 END,
    missed_overrun = missed_overrun + coalesce(r6, 0)
      - CASE rest_reason WHEN 6 THEN back ELSE 0 END,
    missed_clock = missed_clock + coalesce(r7, 0)
      - CASE rest_reason WHEN 7 THEN back ELSE 0 END,
    missed_down = missed_down + coalesce(r8, 0)
      - CASE rest_reason WHEN 8 THEN back ELSE 0 END
  FROM account a WHERE m.minute = a.minute;
END $$;

-- Counts the misses of an append that count, and takes back those whose value has come. Called
-- under the lock of the order of commits, after the append's points are there: so whichever of a
-- value and a miss commits last sees the other one.
CREATE FUNCTION ia.settle_misses(
  p_batch_minutes timestamptz[], p_first_ids bigint[], p_last_ids bigint[],
  p_miss_minutes timestamptz[], p_miss_ids bigint[], p_miss_reasons bigint[],
  OUT o_minutes timestamptz[], OUT o_reasons bigint[], OUT o_changes bigint[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  WITH gone AS (
    DELETE FROM ia.misses x
    USING unnest(p_batch_minutes, p_first_ids, p_last_ids) AS b (minute, first_id, last_id)
    WHERE x.minute = b.minute AND x.influencer_id BETWEEN b.first_id AND b.last_id
      AND EXISTS (SELECT FROM ia.points p
                  WHERE p.influencer_id = x.influencer_id AND p.minute = x.minute)
    RETURNING x.minute, x.reason
  ), added AS (
    INSERT INTO ia.misses
    SELECT y.minute, y.influencer_id, y.reason
    FROM unnest(p_miss_minutes, p_miss_ids, p_miss_reasons)
      WITH ORDINALITY AS y (minute, influencer_id, reason, place)
    WHERE NOT EXISTS (SELECT FROM ia.points p
                      WHERE p.influencer_id = y.influencer_id AND p.minute = y.minute)
    ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING minute, reason
  ), change AS (
    SELECT minute, reason, sum(change) AS change
    FROM (SELECT minute, reason, -1 AS change FROM gone
          UNION ALL SELECT minute, reason, 1 FROM added) AS each
    GROUP BY 1, 2
  )
  SELECT array_agg(minute), array_agg(reason), array_agg(change)
    INTO o_minutes, o_reasons, o_changes FROM change;
END $$;

-- One transaction of a sink, in one statement: the server begins when it has all of it, so a
-- client that stops in the middle holds nothing. Fails with 23505 when a point is there already:
-- then nothing was done, and the caller leaves the repeats out (ia.present).
--
-- The points go in side by side with other appends; then the lock puts the appends into the order
-- in which they commit, which is the order of their positions in ia.batches.
CREATE FUNCTION ia.append(
  p_epoch bigint,
  p_point_minutes timestamptz[], p_ids bigint[], p_followers bigint[], p_following bigint[],
  p_miss_minutes timestamptz[], p_miss_ids bigint[], p_miss_reasons bigint[],
  p_batch_minutes timestamptz[], p_batch_retrieved timestamptz[], p_first_ids bigint[],
  p_last_ids bigint[], p_batch_points bigint[], p_batch_data bytea[],
  p_minutes timestamptz[], p_due bigint[], p_stored bigint[], p_repeats bigint[],
  p_followers_sum bigint[], p_following_sum bigint[],
  p_first_retrieved timestamptz[], p_last_retrieved timestamptz[],
  p_name_ids bigint[], p_names text[], p_name_retrieved timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_misses record;
BEGIN
  PERFORM ia.expect(p_epoch, p_minutes);
  PERFORM ia.make_partition(m) FROM unnest(p_minutes) AS m
    WHERE NOT EXISTS (SELECT FROM ia.partitions WHERE begin_at <= m AND m < end_at);
  INSERT INTO ia.points
    SELECT unnest(p_point_minutes), unnest(p_ids), unnest(p_followers), unnest(p_following);

  PERFORM pg_advisory_xact_lock(18785, 1);
  PERFORM ia.expect(p_epoch, p_minutes);
  INSERT INTO ia.minutes (minute, due_registered)
    SELECT unnest(p_minutes), unnest(p_due) ON CONFLICT DO NOTHING;
  SELECT * INTO v_misses FROM ia.settle_misses(
    p_batch_minutes, p_first_ids, p_last_ids, p_miss_minutes, p_miss_ids, p_miss_reasons);
  PERFORM ia.add_to_minutes(
    p_minutes, p_stored, p_repeats, p_followers_sum, p_following_sum, p_first_retrieved,
    p_last_retrieved, v_misses.o_minutes, v_misses.o_reasons, v_misses.o_changes);
  INSERT INTO ia.usernames AS u (influencer_id, name, retrieved_at)
    SELECT * FROM unnest(p_name_ids, p_names, p_name_retrieved)
    ON CONFLICT (influencer_id) DO UPDATE
      SET name = excluded.name, retrieved_at = excluded.retrieved_at
      WHERE excluded.retrieved_at >= u.retrieved_at;
  INSERT INTO ia.batches (retrieved_at, points, data)
    SELECT unnest(p_batch_retrieved), unnest(p_batch_points), unnest(p_batch_data);
END $$;

-- Fails with IA001 when the caller's knowledge is old: another epoch, or minutes that are gone.
CREATE FUNCTION ia.expect(p_epoch bigint, p_minutes timestamptz[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_epoch <> coalesce((SELECT epoch FROM ia.registry), 0) THEN
    RAISE EXCEPTION 'the registry has another epoch than %', p_epoch USING ERRCODE = 'IA001';
  END IF;
  IF (SELECT min(m) FROM unnest(p_minutes) AS m) < (SELECT horizon FROM ia.state) THEN
    RAISE EXCEPTION 'a minute is older than the retention' USING ERRCODE = 'IA001';
  END IF;
END $$;

-- Which of the keys have a value, by their places, from 1.
CREATE FUNCTION ia.present(p_minutes timestamptz[], p_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
BEGIN
  RETURN (SELECT array_agg(k.place)
          FROM unnest(p_minutes, p_ids) WITH ORDINALITY AS k (minute, influencer_id, place)
          WHERE EXISTS (SELECT FROM ia.points p
                        WHERE p.influencer_id = k.influencer_id AND p.minute = k.minute));
END $$;

CREATE FUNCTION ia.close_minutes(
  p_epoch bigint, p_reason bigint, p_minutes timestamptz[], p_due bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(18785, 1);
  PERFORM ia.expect(p_epoch, p_minutes);
  INSERT INTO ia.minutes (minute, due_registered)
    SELECT unnest(p_minutes), unnest(p_due) ON CONFLICT DO NOTHING;
  UPDATE ia.minutes SET
    closed = true,
    rest = due - stored - missed,
    rest_reason = p_reason,
    missed_timeout = missed_timeout + CASE p_reason WHEN 0 THEN due - stored - missed ELSE 0 END,
    missed_connection =
      missed_connection + CASE p_reason WHEN 1 THEN due - stored - missed ELSE 0 END,
    missed_rate_limited =
      missed_rate_limited + CASE p_reason WHEN 2 THEN due - stored - missed ELSE 0 END,
    missed_server_error =
      missed_server_error + CASE p_reason WHEN 3 THEN due - stored - missed ELSE 0 END,
    missed_not_found =
      missed_not_found + CASE p_reason WHEN 4 THEN due - stored - missed ELSE 0 END,
    missed_malformed =
      missed_malformed + CASE p_reason WHEN 5 THEN due - stored - missed ELSE 0 END,
    missed_overrun = missed_overrun + CASE p_reason WHEN 6 THEN due - stored - missed ELSE 0 END,
    missed_clock = missed_clock + CASE p_reason WHEN 7 THEN due - stored - missed ELSE 0 END,
    missed_down = missed_down + CASE p_reason WHEN 8 THEN due - stored - missed ELSE 0 END
  WHERE minute = ANY (p_minutes) AND NOT closed;
END $$;

CREATE FUNCTION ia.put_registry(
  p_epoch bigint, p_interval_minutes bigint, p_spread_ms bigint, p_shard_size bigint,
  p_influencers text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_stored bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(18785, 1);
  SELECT coalesce(max(epoch), 0) INTO v_stored FROM ia.registry;
  IF p_epoch <= v_stored THEN
    RAISE EXCEPTION 'epoch % is not newer than %', p_epoch, v_stored USING ERRCODE = 'IA002';
  END IF;
  DELETE FROM ia.registry;
  INSERT INTO ia.registry (epoch, interval_minutes, spread_ms, shard_size, influencers)
    VALUES (p_epoch, p_interval_minutes, p_spread_ms, p_shard_size, p_influencers);
END $$;

-- One slice of housekeeping; true while there is more. Whoever finds another one at it leaves.
-- Batches stay for ten minutes after their values are in ia.latest: whoever follows and is no
-- further behind than that need not begin anew.
CREATE FUNCTION ia.upkeep(
  p_now timestamptz, p_horizon timestamptz, p_minutes_horizon timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_more boolean;
  v_count bigint;
  v_last bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(18785, 3) THEN
    RETURN false;
  END IF;
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

-- The newest values of all batches up to a position; false when another one was faster.
CREATE FUNCTION ia.put_latest(
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
      WHERE excluded.retrieved_at > l.retrieved_at;
  RETURN true;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ia FROM PUBLIC;
