-- one more row, most often like another
\set a random(0, 999)
\set v random(1, 5)
INSERT INTO bag (a, b, c) VALUES (:a, 'v' || :v, :v);
