-- The processes that are alive, and how they share the limit of requests to the network.
CREATE TABLE ia.processes (
  process text PRIMARY KEY,
  stage text NOT NULL,
  upstream_limit float8 NOT NULL,
  upstream_share float8 NOT NULL,
  upstream_requests bigint NOT NULL,
  queue_requests bigint NOT NULL,
  queue_billed_per_day float8 NOT NULL,
  renewed_at timestamptz NOT NULL
);
COMMENT ON TABLE ia.processes IS
  'What each process says of itself every three seconds; dead after twenty without a word.';
COMMENT ON COLUMN ia.processes.upstream_limit IS
  'Requests a second to the network, of all processes together; 0: takes no part in it.';
COMMENT ON COLUMN ia.processes.upstream_share IS 'Its part of that limit.';

-- src/ports/fleet.h says what it does, and why. Advisory lock 6: one at a time.
CREATE FUNCTION ia.renew_process(
  p_process text, p_stage text, p_limit float8, p_upstream_requests bigint,
  p_queue_requests bigint, p_queue_billed float8) RETURNS float8
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  at timestamptz;
  newest timestamptz;
  limit_of_all float8;
  taken float8;
  sharers bigint;
  share float8 := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(18785, 6);
  at := clock_timestamp();
  SELECT max(renewed_at) INTO newest FROM ia.processes;
  IF at - newest >= interval '10 seconds' THEN
    UPDATE ia.processes SET renewed_at = renewed_at + (at - newest);
  END IF;
  DELETE FROM ia.processes WHERE process = p_process OR at - renewed_at >= interval '20 seconds';
  IF p_limit > 0 THEN
    SELECT least(p_limit, min(upstream_limit)), coalesce(sum(upstream_share), 0), count(*) + 1
      INTO limit_of_all, taken, sharers FROM ia.processes WHERE upstream_limit > 0;
    share := greatest(0, least(limit_of_all / sharers, limit_of_all - taken));
  END IF;
  INSERT INTO ia.processes VALUES (p_process, p_stage, p_limit, share, p_upstream_requests,
                                   p_queue_requests, p_queue_billed, at);
  RETURN share;
END $$;
REVOKE ALL ON FUNCTION ia.renew_process FROM PUBLIC;

CREATE FUNCTION ia.leave_process(p_process text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM ia.processes WHERE process = p_process;
$$;
REVOKE ALL ON FUNCTION ia.leave_process FROM PUBLIC;
