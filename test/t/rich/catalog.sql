-- catalog.sql: everything that the catalogs say of the user's objects, as text without OIDs
-- and without figures that depend on when something ran, so that two databases with the same
-- objects give the same lines. TOAST tables and internal triggers carry OIDs in their names:
-- digits are taken out. pg_attver, which late minor releases keep among a column's options, is a
-- version number that grows with every change: it is left out.
--
-- Variable: by_name, if set, attributes are told by their names instead of their numbers, in
-- the order of their names; dropped ones and the number of all are not told.
\set user_schemas 'nspname !~ ''^pg_'' AND nspname NOT IN (''information_schema'', ''online_schema'')'
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset null '-'

\if :{?by_name}
\set relnatts '0'
\set attnum 'NULL'
\set told_columns 'NOT a.attisdropped'
\set indkey '(SELECT string_agg(coalesce(k.attname, ''expression''), '', '' ORDER BY u.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(num, n) LEFT JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = u.num)'
\set conkey '(SELECT string_agg(k.attname, '', '' ORDER BY CASE WHEN c.contype IN (''c'', ''n'') THEN k.attname END, u.n) FROM unnest(c.conkey) WITH ORDINALITY u(num, n) JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = u.num)'
\set confkey '(SELECT string_agg(k.attname, '', '' ORDER BY u.n) FROM unnest(c.confkey) WITH ORDINALITY u(num, n) JOIN pg_attribute k ON k.attrelid = c.confrelid AND k.attnum = u.num)'
\set tgattr '(SELECT string_agg(k.attname, '', '' ORDER BY u.n) FROM unnest(t.tgattr::int2[]) WITH ORDINALITY u(num, n) JOIN pg_attribute k ON k.attrelid = t.tgrelid AND k.attnum = u.num)'
\set stxkeys '(SELECT string_agg(k.attname, '', '' ORDER BY k.attname) FROM pg_attribute k WHERE k.attrelid = s.stxrelid AND k.attnum = ANY (s.stxkeys::int2[]))'
\set statisticsdef 'regexp_replace(pg_get_statisticsobjdef(s.oid), '' ON .* FROM '', '' ON ... FROM '')'
\set prattrs '(SELECT string_agg(k.attname, '', '' ORDER BY k.attname) FROM pg_attribute k WHERE k.attrelid = r.prrelid AND k.attnum = ANY (r.prattrs::int2[]))'
\set attnames 'ARRAY(SELECT x FROM unnest(attnames) x ORDER BY x)'
\else
\set relnatts c.relnatts
\set attnum a.attnum
\set told_columns true
\set indkey i.indkey
\set conkey c.conkey
\set confkey c.confkey
\set tgattr t.tgattr
\set stxkeys s.stxkeys
\set statisticsdef pg_get_statisticsobjdef(s.oid)
\set prattrs r.prattrs
\set attnames attnames
\endif

\echo '== relations'
SELECT n.nspname, c.relname, c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions, a.amname, c.relhasindex, c.relchecks,
	c.relhasrules, c.relhastriggers, c.relhassubclass, c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, c.relreplident, c.relispartition,
	:relnatts, c.relrewrite, c.reltablespace, c.relisshared, c.reltoastrelid <> 0 AS toast, c.relfilenode <> 0 AS storage, c.reloftype,
	obj_description(c.oid, 'pg_class')
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am a ON a.oid = c.relam WHERE :user_schemas ORDER BY 1, 2;
\echo '== TOAST tables'
SELECT n.nspname, c.relname, t.reloptions, t.relowner::regrole, t.relpersistence, t.relname = 'pg_toast_' || c.oid AS own_name,
	i.relname = 'pg_toast_' || c.oid || '_index' AS own_index_name, x.indisvalid, x.indisunique, x.indisprimary
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class t ON t.oid = c.reltoastrelid
	JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid WHERE :user_schemas ORDER BY 1, 2;
\echo '== columns'
SELECT n.nspname, c.relname, :attnum AS attnum, a.attname, CASE WHEN NOT a.attisdropped THEN format_type(a.atttypid, a.atttypmod) END, a.attlen, a.attbyval, a.attalign, a.attstorage, a.attcompression,
	nullif(a.attstattarget, -1) AS attstattarget, a.attnotnull, a.atthasdef, a.atthasmissing, a.attmissingval, a.attidentity, a.attgenerated, a.attisdropped, a.attislocal, a.attinhcount, a.attndims,
	a.attcollation::regcollation, a.attacl, ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o !~ '^pg_attver=') AS attoptions, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
	FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE :user_schemas AND a.attnum > 0 AND :told_columns ORDER BY 1, 2, 3, 4;
\echo '== indexes'
SELECT n.nspname, c.relname, pg_get_indexdef(i.indexrelid), i.indnatts, i.indnkeyatts, i.indisunique, i.indisprimary, i.indisexclusion, i.indimmediate, i.indisclustered,
	i.indisvalid, i.indcheckxmin, i.indisready, i.indislive, i.indisreplident, :indkey, i.indoption, i.indcollation::regcollation[]::text, i.indclass::text <> ''
	FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE :user_schemas ORDER BY 1, 2;
\echo '== constraints'
SELECT n.nspname, c.conrelid::regclass, c.conname, c.contype, c.condeferrable, c.condeferred, c.convalidated, c.conindid::regclass, c.confrelid::regclass, c.confupdtype, c.confdeltype, c.confmatchtype,
	c.conislocal, c.coninhcount, c.connoinherit, :conkey, :confkey, c.conpfeqop::regoperator[], c.conppeqop::regoperator[], c.conffeqop::regoperator[], c.conexclop::regoperator[],
	(SELECT p.conname FROM pg_constraint p WHERE p.oid = c.conparentid) AS parent, pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')
	FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE :user_schemas ORDER BY 1, 2, 3, 4;
\echo '== triggers'
SELECT t.tgrelid::regclass, CASE WHEN t.tgisinternal THEN regexp_replace(t.tgname, '\d+', 'N') ELSE t.tgname END AS name, t.tgfoid::regprocedure, t.tgtype, t.tgenabled, t.tgisinternal,
	t.tgconstrrelid::regclass, t.tgconstrindid::regclass, (SELECT conname FROM pg_constraint WHERE oid = t.tgconstraint) AS constraint, t.tgdeferrable, t.tginitdeferred, :tgattr,
	encode(t.tgargs, 'escape'), CASE WHEN NOT t.tgisinternal THEN pg_get_triggerdef(t.oid) END, t.tgparentid <> 0 AS parent, obj_description(t.oid, 'pg_trigger')
	FROM pg_trigger t ORDER BY 1, 2, 3, 4, t.tgconstrrelid::regclass::text, 9;
\echo '== sequences'
SELECT s.seqrelid::regclass, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle, pg_sequence_last_value(s.seqrelid) FROM pg_sequence s
	JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE :user_schemas ORDER BY 1;
\echo '== policies'
SELECT p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive, (SELECT array_agg(r::regrole::text ORDER BY 1) FROM unnest(p.polroles) r), pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy') FROM pg_policy p ORDER BY 1, 2;
\echo '== rules and views'
SELECT r.ev_class::regclass, r.rulename, r.ev_type, r.ev_enabled, r.is_instead, pg_get_ruledef(r.oid), obj_description(r.oid, 'pg_rewrite')
	FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE :user_schemas ORDER BY 1, 2;
\echo '== statistics objects'
SELECT s.stxrelid::regclass, s.stxname, s.stxowner::regrole, nullif(s.stxstattarget, -1), :stxkeys, s.stxkind, :statisticsdef, obj_description(s.oid, 'pg_statistic_ext') FROM pg_statistic_ext s ORDER BY 1, 2;
\echo '== publications'
SELECT p.pubname, r.prrelid::regclass, pg_get_expr(r.prqual, r.prrelid), :prattrs FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid ORDER BY 1, 2;
SELECT pubname, schemaname, tablename, :attnames, rowfilter FROM pg_publication_tables WHERE schemaname <> 'online_schema' ORDER BY 1, 2, 3;
SELECT pubname, puballtables, pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot, obj_description(oid, 'pg_publication') FROM pg_publication ORDER BY 1;
\echo '== row types'
SELECT n.nspname, t.typname, t.typtype, t.typrelid::regclass, t.typowner::regrole, t.typacl, t.typarray <> 0 AS array
	FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE :user_schemas ORDER BY 1, 2;
\echo '== inheritance'
SELECT inhrelid::regclass, inhparent::regclass, inhseqno, inhdetachpending FROM pg_inherits ORDER BY inhrelid::regclass::text COLLATE "C", 2;
\echo '== dependencies'
SELECT regexp_replace(pg_describe_object(classid, objid, objsubid), '\d{4,}', 'N', 'g') COLLATE "C" AS object,
	regexp_replace(pg_describe_object(refclassid, refobjid, refobjsubid), '\d{4,}', 'N', 'g') COLLATE "C" AS needs, deptype, count(*)
	FROM pg_depend WHERE objid >= 16384 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
\echo '== dependencies on roles'
SELECT regexp_replace(pg_describe_object(classid, objid, objsubid), '\d{4,}', 'N', 'g') COLLATE "C" AS object, refobjid::regrole, deptype, count(*)
	FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND refclassid = 'pg_authid'::regclass GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
\echo '== other comments'
SELECT regexp_replace(pg_describe_object(classoid, objoid, objsubid), '\d{4,}', 'N', 'g') COLLATE "C" AS object, description COLLATE "C" FROM pg_description WHERE objoid >= 16384 ORDER BY 1, 2;
