-- Since when each is watched: nothing is expected of an influencer before that.

ALTER TABLE ia.registry ADD COLUMN watched_since text NOT NULL DEFAULT '';
COMMENT ON COLUMN ia.registry.watched_since IS
  'The first whole minute since 1970 in which they were watched, then ";minute:ids" of who came '
  'later. Empty: since always.';

DROP FUNCTION ia.put_registry(bigint, bigint, bigint, bigint, text);
CREATE FUNCTION ia.put_registry(
  p_epoch bigint, p_interval_minutes bigint, p_spread_ms bigint, p_shard_size bigint,
  p_influencers text, p_watched_since text) RETURNS void
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
  INSERT INTO ia.registry
      (epoch, interval_minutes, spread_ms, shard_size, influencers, watched_since)
    VALUES (p_epoch, p_interval_minutes, p_spread_ms, p_shard_size, p_influencers,
            p_watched_since);
END $$;
REVOKE ALL ON FUNCTION ia.put_registry FROM PUBLIC;
