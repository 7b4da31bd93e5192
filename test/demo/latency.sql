-- What the clients saw, out of pgbench's per-transaction logs (table client_log in the
-- database postgres). A transaction's time counts from when it was due, so that a pause
-- is seen by everyone who had to wait for its end.
-- Variables: from_s, to_s (seconds since the epoch).
-- Prints: transactions, per second, median ms, 99 % ms, longest ms,
-- longest ms in which nobody's transaction ended.
SELECT count(*),
	   round(count(*) / ((:to_s) - (:from_s))::numeric),
	   to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 'FM999990.0'),
	   to_char(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), 'FM999990.0'),
	   to_char(max(ms), 'FM999990.0'),
	   to_char(max(gap_ms), 'FM999990.0')
FROM (
	SELECT ended, elapsed_us::numeric / 1000 AS ms,
		   1000 * (ended - lag(ended) OVER (ORDER BY ended)) AS gap_ms
	FROM (SELECT s + us / 1000000.0 AS ended, elapsed_us FROM client_log
		  WHERE elapsed_us ~ '^\d+$') finished
) timed
WHERE ended >= :from_s AND ended < :to_s;
