/*-------------------------------------------------------------------------
 *
 * main.c
 *	  osc-lint: finds the dangerous statements of migrations.
 *
 * Reads the files, lints them in their order, shows what was found.  With
 * --fix all files are linted and edited again and again until no edit is
 * left; then those that have changed are written, and what is left is shown.
 *
 * Status: 0 nothing found, 1 findings (warnings or errors), 2 something could
 * not be read, parsed or written.
 *
 *-------------------------------------------------------------------------
 */
#include <pg_query.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "output.h"

#define CONFIG_FILE ".osc-lint.conf"
#define MAX_PASSES 1000

typedef struct Options
{
	const Format *format;
	const char *config_file;
	const char *stdin_name;
	List		schemas;		/* char *: files that tell what is there */
	List		paths;			/* char * */
	List		settings;		/* char *: key=value */
	bool		fix;
	bool		colour;
} Options;

/* a file of this run */
typedef struct Input
{
	const char *path;			/* "-": standard input */
	const char *name;			/* as it is shown */
	const char *data;
	size_t		length;
	bool		changed;
	Source		source;			/* of the last pass */
} Input;

static const char usage[] =
"Usage: osc-lint [OPTION]... [FILE|FOLDER]...\n"
"Finds the statements of PostgreSQL migrations that block or break what is running,\n"
"and tells how to do it safely.  Without a file, or for \"-\", reads standard input.\n"
"\n"
"  --format FORMAT       text (default), json, sarif or github\n"
"  --fix                 rewrite dangerous statements into their safe form, in place\n"
"  --transactional       each file runs in one transaction, as the migration tool runs it\n"
"  --postgresql N        major version of the server (default 15)\n"
"  --utc                 the server's TimeZone is UTC\n"
"  --schema FILE         definitions of what is there already; read, not linted\n"
"  --severity RULE=S     error, warning, info or off\n"
"  --config FILE         instead of " CONFIG_FILE " in the current folder\n"
"  --stdin-name NAME     file name to show for standard input\n"
"  --color WHEN          auto (default), always or never\n"
"  --rules               list the rules\n"
"  --explain RULE        all about one of them\n"
"  --version, --help\n"
"\n"
"Exit status: 0 nothing found; 1 findings (info apart); 2 could not read or parse.\n";

static void
fail(const char *message, const char *what)
{
	fprintf(stderr, "osc-lint: %s%s%s\n", message, what != NULL ? ": " : "", what != NULL ? what : "");
	exit(2);
}

/* ---------------------------------------------------------------- the command line */

static void
explain(const char *id)
{
	const OscRule *rule = osc_rule_find(id);

	if (rule == NULL)
		fail("there is no such rule", id);
	write_rule(stdout, rule);
	exit(0);
}

static void
take_option(Options *options, const char *name, const char *value)
{
	if (strcmp(name, "format") == 0)
	{
		options->format = format_find(value);
		if (options->format == NULL)
			fail("format must be text, json, sarif or github, not", value);
	}
	else if (strcmp(name, "schema") == 0)
		list_push(&options->schemas, (void *) value);
	else if (strcmp(name, "config") == 0)
		options->config_file = value;
	else if (strcmp(name, "stdin-name") == 0)
		options->stdin_name = value;
	else if (strcmp(name, "explain") == 0)
		explain(value);
	else if (strcmp(name, "color") == 0)
	{
		if (strcmp(value, "always") == 0 || strcmp(value, "never") == 0)
			options->colour = value[0] == 'a';
		else if (strcmp(value, "auto") != 0)
			fail("color must be auto, always or never, not", value);
	}
	else
	{
		Text		setting = {0};

		text_printf(&setting, strcmp(name, "severity") == 0 ? "severity.%s" : "postgresql=%s", value);
		list_push(&options->settings, setting.data);
	}
}

static void
take_flag(Options *options, const char *name)
{
	if (strcmp(name, "fix") == 0)
		options->fix = true;
	else if (strcmp(name, "transactional") == 0 || strcmp(name, "utc") == 0)
	{
		Text		setting = {0};

		text_printf(&setting, "%s=on", name);
		list_push(&options->settings, setting.data);
	}
	else if (strcmp(name, "rules") == 0)
	{
		write_rules(stdout);
		exit(0);
	}
	else if (strcmp(name, "version") == 0)
	{
		printf("osc-lint %s, grammar of PostgreSQL %s (libpg_query)\n", LINT_VERSION, PG_VERSION);
		exit(0);
	}
	else
	{
		fputs(usage, stdout);
		exit(0);
	}
}

static void
read_command_line(Options *options, int argc, char **argv)
{
	static const char *const with_value[] = {"format", "schema", "config", "stdin-name", "explain", "color", "severity", "postgresql", NULL};
	static const char *const flags[] = {"fix", "transactional", "utc", "rules", "version", "help", NULL};
	bool		only_files = false;

	options->colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	for (int i = 1; i < argc; i++)
	{
		const char *argument = argv[i];
		char		name[32] = {0};
		size_t		length;

		if (only_files || argument[0] != '-' || strcmp(argument, "-") == 0)
		{
			list_push(&options->paths, argv[i]);
			continue;
		}
		if (strcmp(argument, "--") == 0)
		{
			only_files = true;
			continue;
		}
		if (strcmp(argument, "-h") == 0 || strcmp(argument, "-V") == 0)
			take_flag(options, argument[1] == 'h' ? "help" : "version");
		length = strncmp(argument, "--", 2) == 0 ? strcspn(argument + 2, "=") : 0;
		if (length > 0 && length < sizeof(name))
			memcpy(name, argument + 2, length);
		if (text_in(name, with_value))
		{
			const char *value = argument[2 + length] == '=' ? argument + 3 + length : argv[++i];

			if (value == NULL)
				fail("option needs a value", argument);
			take_option(options, name, value);
		}
		else if (text_in(name, flags) && argument[2 + length] == '\0')
			take_flag(options, name);
		else
			fail("there is no such option (see --help)", argument);
	}
	if (options->paths.count == 0)
		list_push(&options->paths, (void *) "-");
}

/* the configuration file, then what the command line says */
static void
read_config(Config *config, const Options *options, Arena *arena)
{
	const char *file = options->config_file != NULL ? options->config_file : CONFIG_FILE;
	char	   *message;

	config->postgresql = 15;
	if (options->config_file != NULL || access(file, F_OK) == 0)
	{
		FileText	text = read_file(file, arena);

		if (text.data == NULL)
			fail(file, text.message);
		if (!config_read(config, file, text.data, &message))
			fail(message, NULL);
	}
	for (size_t i = 0; i < options->settings.count; i++)
	{
		char	   *key = options->settings.items[i];
		char	   *value = strchr(key, '=');

		if (value == NULL)
			fail("there is no \"=\" in", key);
		*value = '\0';
		if (!config_set(config, key, value + 1, &message))
			fail(message, NULL);
		*value = '=';
	}
}

/* ---------------------------------------------------------------- files */

/* the text of a file, or a problem; what it does not understand as text is one, too */
static void
load(Linter *linter, Input *input, Arena *arena)
{
	FileText	text = read_file(input->path, arena);
	size_t		good;

	if (text.data == NULL)
	{
		add_problem(linter, NULL, input->name, 0, text.message, NULL);
		return;
	}
	good = utf8_fault(text.data, text.length);
	input->data = text.data;
	input->length = text.length;
	if (good < text.length)
	{
		input->source = (Source) {.name = input->name, .data = text.data, .length = good};
		source_find_lines(&input->source);
		add_problem(linter, &input->source, NULL, good,
					text.data[good] == '\0' ? "the file has a NUL byte" : "the file is not UTF-8", "Nothing is said about the file.");
		input->data = NULL;
	}
}

static void
lint_input(Linter *linter, Input *input)
{
	input->source = (Source) {.name = input->name, .data = input->data, .length = input->length};
	lint_source(linter, &input->source);
}

/* all files whose text is there, in a linter that knows nothing yet */
static void
lint_all(Linter *linter, List *schemas, List *inputs)
{
	linter->silent = true;
	for (size_t i = 0; i < schemas->count; i++)
		if (((Input *) schemas->items[i])->data != NULL)
			lint_input(linter, schemas->items[i]);
	linter->silent = false;
	for (size_t i = 0; i < inputs->count; i++)
		if (((Input *) inputs->items[i])->data != NULL)
			lint_input(linter, inputs->items[i]);
}

/* what a pass has read; in the end also what problems with the files themselves point to */
static void
free_sources(List *inputs, bool in_the_end)
{
	for (size_t i = 0; i < inputs->count; i++)
	{
		Input	   *input = inputs->items[i];

		if (in_the_end || input->data != NULL)
			source_free(&input->source);
	}
}

/* one pass of edits over all files; false if there was none to make */
static bool
edit_all(const Linter *linter, List *inputs, Arena *arena)
{
	bool		any = false;

	for (size_t i = 0; i < inputs->count; i++)
	{
		Input	   *input = inputs->items[i];
		Text		text = {0};

		if (input->data != NULL && apply_edits(&input->source, &linter->findings, &text))
		{
			input->data = arena_strndup(arena, text.data, text.length);
			input->length = text.length;
			input->changed = any = true;
		}
		text_free(&text);
	}
	return any;
}

static void
fix_all(const Config *config, List *schemas, List *inputs, Arena *arena)
{
	bool		again = true;

	for (int pass = 0; again && pass < MAX_PASSES; pass++)
	{
		Linter		linter = {.config = config};

		lint_all(&linter, schemas, inputs);
		again = edit_all(&linter, inputs, arena);
		free_sources(schemas, false);
		free_sources(inputs, false);
		lint_free(&linter);
	}
}

/* write what has changed; standard input goes to standard output */
static void
write_fixed(Linter *linter, List *inputs, Arena *arena)
{
	for (size_t i = 0; i < inputs->count; i++)
	{
		Input	   *input = inputs->items[i];
		const char *message;

		if (input->data != NULL && strcmp(input->path, "-") == 0)
			fwrite(input->data, 1, input->length, stdout);
		else if (input->changed && !write_file(input->path, input->data, input->length, arena, &message))
			add_problem(linter, NULL, input->name, 0, message, NULL);
	}
}

static Input *
add_input(List *inputs, const char *path, const char *name, Arena *arena)
{
	Input	   *input = arena_alloc(arena, sizeof(Input));

	input->path = path;
	input->name = name;
	list_push(inputs, input);
	return input;
}

/* the files that the paths stand for, with their text */
static void
load_paths(Linter *linter, const List *paths, const Options *options, List *inputs, Arena *arena)
{
	for (size_t i = 0; i < paths->count; i++)
	{
		const char *path = paths->items[i];
		List		names = {0};
		const char *message = NULL;

		if (strcmp(path, "-") == 0)
			load(linter, add_input(inputs, path, options->stdin_name, arena), arena);
		else if (!find_files(path, arena, &names, &message))
			add_problem(linter, NULL, path, 0, message, NULL);
		for (size_t j = 0; j < names.count; j++)
			load(linter, add_input(inputs, names.items[j], names.items[j], arena), arena);
		list_clear(&names);
	}
}

static void
free_options(Options *options)
{
	for (size_t i = 0; i < options->settings.count; i++)
		free(options->settings.items[i]);
	list_clear(&options->settings);
	list_clear(&options->schemas);
	list_clear(&options->paths);
}

int
main(int argc, char **argv)
{
	Options		options = {.format = format_find("text"), .stdin_name = "<stdin>"};
	Config		config = {0};
	Linter		linter = {.config = &config};
	List		schemas = {0};
	List		inputs = {0};
	Arena		arena = {0};
	Counts		counts;
	FILE	   *out = stdout;
	int			status;

	read_command_line(&options, argc, argv);
	read_config(&config, &options, &arena);
	load_paths(&linter, &options.schemas, &options, &schemas, &arena);
	load_paths(&linter, &options.paths, &options, &inputs, &arena);
	if (options.fix)
	{
		fix_all(&config, &schemas, &inputs, &arena);
		write_fixed(&linter, &inputs, &arena);
		for (size_t i = 0; i < inputs.count; i++)
			if (strcmp(((Input *) inputs.items[i])->path, "-") == 0)
				out = stderr;
	}
	lint_all(&linter, &schemas, &inputs);
	counts = count_findings(&linter, inputs.count);
	options.format->write(out, &linter, &counts, options.colour);
	status = linter.problems.count > 0 ? 2 : counts.errors + counts.warnings > 0 ? 1 : 0;
	if (fflush(out) != 0 || ferror(out))
		status = 2;
	free_sources(&schemas, true);
	free_sources(&inputs, true);
	list_clear(&schemas);
	list_clear(&inputs);
	lint_free(&linter);
	free_options(&options);
	arena_free(&arena);
	return status;
}
