/*-------------------------------------------------------------------------
 *
 * functions.c
 *	  Which functions give every row a value of its own.
 *
 * From pg_proc.provolatile of PostgreSQL 15, with what later versions and the
 * extensions uuid-ossp and pgcrypto have added.  A name that is in neither
 * list is not known: it may be anything.
 *
 *-------------------------------------------------------------------------
 */
#include "functions.h"

#include <string.h>

static const char *const volatile_names[] = {
	"array_sample", "array_shuffle", "clock_timestamp", "current_query", "currtid2", "currval", "cursor_to_xml",
	"gen_random_bytes", "gen_random_uuid", "gen_salt", "lastval", "lo_creat", "lo_create", "lo_from_bytea",
	"lo_get", "lo_import", "nextval", "pg_advisory_unlock", "pg_blocking_pids", "pg_cancel_backend",
	"pg_create_restore_point", "pg_current_wal_insert_lsn", "pg_current_wal_lsn", "pg_database_size",
	"pg_export_snapshot", "pg_indexes_size", "pg_is_in_recovery", "pg_last_wal_replay_lsn",
	"pg_logical_emit_message", "pg_nextoid", "pg_promote", "pg_read_binary_file", "pg_read_file",
	"pg_relation_size", "pg_sequence_last_value", "pg_stat_file", "pg_switch_wal", "pg_table_size",
	"pg_tablespace_size", "pg_terminate_backend", "pg_total_relation_size", "pg_try_advisory_lock",
	"pg_try_advisory_lock_shared", "pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared",
	"pg_xact_status", "query_to_xml", "random", "random_normal", "set_config", "setval", "timeofday", "ts_rewrite",
	"txid_status", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4", "uuid_generate_v6",
	"uuid_generate_v7", "uuidv4", "uuidv7",
	NULL
};

static const char *const stable_names[] = {
	"abs", "acldefault", "acos", "acosd", "acosh", "age", "area", "array_append", "array_cat", "array_dims",
	"array_fill", "array_length", "array_lower", "array_ndims", "array_position", "array_positions",
	"array_prepend", "array_remove", "array_replace", "array_reverse", "array_sort", "array_to_json",
	"array_to_string", "array_to_tsvector", "array_upper", "ascii", "asin", "asind", "asinh", "atan", "atan2",
	"atan2d", "atand", "atanh", "bit", "bool", "box", "bpchar", "broadcast", "btrim", "cardinality", "casefold",
	"cbrt", "ceil", "ceiling", "center", "char", "char_length", "character_length", "chr", "cidr", "circle",
	"col_description", "concat", "concat_ws", "convert", "convert_from", "convert_to", "cos", "cosd", "cosh", "cot",
	"cotd", "crc32", "crc32c", "crypt", "current_database", "current_schema", "current_schemas", "current_setting",
	"current_user", "date", "date_bin", "date_part", "date_trunc", "datemultirange", "daterange", "decode",
	"degrees", "diagonal", "diameter", "digest", "div", "encode", "enum_first", "enum_last", "enum_range", "erf",
	"erfc", "exp", "extract", "factorial", "family", "float4", "float8", "floor", "format", "format_type", "gamma",
	"gcd", "get_bit", "get_byte", "get_current_ts_config", "has_table_privilege", "height", "hmac", "host",
	"hostmask", "inet_client_addr", "inet_server_addr", "initcap", "int2", "int4", "int4multirange", "int4range",
	"int8", "int8multirange", "int8range", "interval", "is_normalized", "isclosed", "isempty", "isfinite",
	"ishorizontal", "isopen", "isparallel", "isperp", "isvertical", "json_array_length", "json_build_array",
	"json_build_object", "json_extract_path", "json_extract_path_text", "json_object", "json_populate_record",
	"json_strip_nulls", "json_to_record", "json_to_tsvector", "json_typeof", "jsonb_array_length",
	"jsonb_build_array", "jsonb_build_object", "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_insert",
	"jsonb_object", "jsonb_path_query_array", "jsonb_path_query_first", "jsonb_populate_record", "jsonb_pretty",
	"jsonb_set", "jsonb_set_lax", "jsonb_strip_nulls", "jsonb_to_record", "jsonb_to_tsvector", "jsonb_typeof",
	"justify_days", "justify_hours", "justify_interval", "lcm", "left", "length", "lgamma", "like", "line", "ln",
	"log", "log10", "lower", "lower_inf", "lpad", "lseg", "ltrim", "make_date", "make_interval", "make_time",
	"make_timestamp", "make_timestamptz", "makeaclitem", "masklen", "md5", "min_scale", "mod", "money",
	"multirange", "mxid_age", "name", "netmask", "network", "normalize", "now", "npoints", "num_nonnulls",
	"num_nulls", "numeric", "nummultirange", "numnode", "numrange", "obj_description", "octet_length", "oid",
	"overlaps", "overlay", "parse_ident", "path", "pg_backend_pid", "pg_char_to_encoding", "pg_client_encoding",
	"pg_collation_for", "pg_column_compression", "pg_column_is_updatable", "pg_column_size", "pg_conf_load_time",
	"pg_current_snapshot", "pg_current_xact_id", "pg_current_xact_id_if_assigned", "pg_describe_object",
	"pg_encoding_max_length", "pg_encoding_to_char", "pg_get_expr", "pg_get_userbyid", "pg_has_role",
	"pg_is_other_temp_schema", "pg_my_temp_schema", "pg_postmaster_start_time", "pg_sequence_parameters",
	"pg_size_bytes", "pg_size_pretty", "pg_snapshot_xmax", "pg_snapshot_xmin", "pg_trigger_depth", "pg_typeof",
	"pg_visible_in_snapshot", "phraseto_tsquery", "pi", "plainto_tsquery", "point", "polygon", "position", "pow",
	"power", "querytree", "quote_ident", "quote_literal", "quote_nullable", "radians", "radius", "regclass",
	"regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_replace", "regexp_split_to_array",
	"regexp_substr", "repeat", "replace", "reverse", "right", "round", "row_security_active", "row_to_json", "rpad",
	"rtrim", "scale", "session_user", "set_bit", "set_byte", "set_masklen", "setweight", "sha224", "sha256",
	"sha384", "sha512", "shobj_description", "sign", "sin", "sind", "sinh", "slope", "split_part", "sqrt",
	"starts_with", "statement_timestamp", "string_to_array", "strip", "strpos", "substr", "substring", "tan",
	"tand", "tanh", "text", "time", "timestamp", "timestamptz", "timetz", "timezone", "to_ascii", "to_bin",
	"to_char", "to_date", "to_hex", "to_json", "to_jsonb", "to_number", "to_oct", "to_regclass", "to_regcollation",
	"to_regnamespace", "to_regoper", "to_regoperator", "to_regproc", "to_regprocedure", "to_regrole", "to_regtype",
	"to_timestamp", "to_tsquery", "to_tsvector", "transaction_timestamp", "translate", "trim_array", "trim_scale",
	"trunc", "tsmultirange", "tsquery_phrase", "tsrange", "tstzmultirange", "tstzrange", "tsvector_to_array",
	"txid_current", "txid_current_if_assigned", "txid_current_snapshot", "txid_snapshot_xmax", "txid_snapshot_xmin",
	"txid_visible_in_snapshot", "unistr", "upper", "upper_inf", "uuid_extract_timestamp", "uuid_extract_version",
	"uuid_generate_v3", "uuid_generate_v5", "uuid_nil", "uuid_ns_dns", "uuid_ns_oid", "uuid_ns_url", "uuid_ns_x500",
	"varbit", "varchar", "version", "websearch_to_tsquery", "width", "width_bucket", "xml", "xml_is_well_formed",
	"xml_is_well_formed_content", "xml_is_well_formed_document", "xmlcomment", "xmlexists", "xmlvalidate", "xpath",
	"xpath_exists",
	NULL
};

/*
 * What is known of a function by its name.
 */
Volatility
function_volatility(const char *schema, const char *name)
{
	static const char prefix[] = "uuid_generate_";

	if (name == NULL)
		return VOLATILITY_UNKNOWN;
	if (text_in(name, stable_names))
		return schema == NULL || strcmp(schema, "pg_catalog") == 0 || strncmp(name, "uuid_", 5) == 0 ?
			VOLATILITY_STABLE : VOLATILITY_UNKNOWN;
	if (text_in(name, volatile_names) || strncmp(name, prefix, strlen(prefix)) == 0)
		return VOLATILITY_VOLATILE;
	return VOLATILITY_UNKNOWN;
}
