-- What doctor, /metrics and the page show of the database's own jobs: plain partitions have none.

CREATE FUNCTION ia.job_health(
  OUT failed_jobs bigint, OUT failure text, OUT uncompressed_seconds bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS 'SELECT 0::bigint, '''', 0::bigint';

CREATE FUNCTION ia.configure_jobs() RETURNS void LANGUAGE sql AS 'SELECT';
REVOKE ALL ON FUNCTION ia.configure_jobs FROM PUBLIC;
