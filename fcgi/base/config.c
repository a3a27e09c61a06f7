#include "base/config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/log_events.h"
#include "base/secret.h"
#include "base/str.h"

enum { NAME_SIZE = SECRET_NAME_SIZE, PROBLEM_SIZE = 128 };

static void
variable_name(
    const char *prefix, const struct config_var *var, char out[NAME_SIZE])
{
	int len = snprintf(out, NAME_SIZE, "%s_%s", prefix, var->name);

	assert(len > 0 && len < NAME_SIZE);
}

/* A variable whose min and max are both 0 has no limits. */
static bool
is_bounded(const struct config_var *var)
{
	return var->min != 0 || var->max != 0;
}

static bool
read_int(const struct config_var *var, const char *text, int64_t *ret_n)
{
	if (!is_bounded(var))
		return str_i64(text, INT64_MIN, INT64_MAX, ret_n);
	return str_i64(text, var->min, var->max, ret_n);
}

static bool
read_bool(const char *text, bool *ret_on)
{
	if (!str_eq(text, "on") && !str_eq(text, "off"))
		return false;
	*ret_on = str_eq(text, "on");
	return true;
}

static bool
string_fits(const struct config_var *var, const char *text)
{
	int64_t len = (int64_t)strlen(text);

	return var->max <= 0 || (len >= var->min && len <= var->max);
}

/*
 * Writes which values the variable may have, for the message about a wrong
 * value.
 */
static void
describe_range(const struct config_var *var, char out[PROBLEM_SIZE])
{
	switch (var->type) {
	case CONFIG_INT:
		if (is_bounded(var))
			snprintf(out, PROBLEM_SIZE,
			    "a whole number from %" PRId64 " to %" PRId64,
			    var->min, var->max);
		else
			snprintf(out, PROBLEM_SIZE, "a whole number");
		break;
	case CONFIG_BOOL:
		snprintf(out, PROBLEM_SIZE, "on or off");
		break;
	case CONFIG_STRING:
		snprintf(out, PROBLEM_SIZE,
		    "a text of %" PRId64 " to %" PRId64 " bytes", var->min,
		    var->max);
		break;
	}
}

/*
 * Converts the text to the variable's type and stores it in `config`.  Returns
 * false when the variable may not have this value.
 */
static bool
store(const struct config_var *var, const char *text, void *config)
{
	char *member = (char *)config + var->offset;

	switch (var->type) {
	case CONFIG_STRING:
		if (text != NULL && !string_fits(var, text))
			return false;
		memcpy(member, &text, sizeof(text));
		return true;
	case CONFIG_INT: {
		int64_t n = 0;

		if (text != NULL && !read_int(var, text, &n))
			return false;
		memcpy(member, &n, sizeof(n));
		return true;
	}
	case CONFIG_BOOL: {
		bool on = false;

		if (text != NULL && !read_bool(text, &on))
			return false;
		memcpy(member, &on, sizeof(on));
		return true;
	}
	}
	abort();
}

/*
 * Sets *ret_text to the text of the environment variable, or to the default if
 * it is not set.  For a number or a switch, an empty variable counts as not
 * set; for a text it is the empty text.  False: the sources of a secret are
 * wrong, which is logged.
 */
static bool
find_text(const char *name, const struct config_var *var, const char **ret_text)
{
	/*
	 * The texts are part of the configuration, which lives as long as the
	 * process.
	 */
	static struct arena *texts;
	bool is_secret = (var->flags & CONFIG_SECRET) != 0;
	const char *text = getenv(name);
	const char *problem;
	struct secret secret;

	if (is_secret) {
		if (texts == NULL)
			texts = arena_new();
		if (!secret_read(texts, name,
			(var->flags & CONFIG_REQUIRED) != 0 ||
			    var->type != CONFIG_STRING,
			&secret, &problem)) {
			log_event(LOG_ERROR, EVENT_SECRET_INVALID,
			    LOG_TEXT("variable", name),
			    LOG_TEXT("problem", problem));
			return false;
		}
		if (secret.open_mode != 0)
			log_event(LOG_WARN, EVENT_SECRET_FILE_OPEN,
			    LOG_TEXT("variable", name),
			    LOG_TEXT("path", secret.path),
			    LOG_TEXT("mode",
				arena_printf(texts, "%04o", secret.open_mode)));
		text = secret.text;
	}
	if (text == NULL || (*text == '\0' && var->type != CONFIG_STRING))
		text = var->fallback;
	*ret_text = text;
	return true;
}

static bool
load_one(const char *prefix, const struct config_var *var, void *config)
{
	char name[NAME_SIZE], range[PROBLEM_SIZE];
	const char *text;

	variable_name(prefix, var, name);
	if (!find_text(name, var, &text))
		return false;
	if ((var->flags & CONFIG_REQUIRED) != 0 &&
	    (text == NULL || *text == '\0')) {
		log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_MISSING,
		    LOG_TEXT("variable", name), LOG_TEXT("meaning", var->doc));
		return false;
	}
	if (store(var, text, config))
		return true;

	describe_range(var, range);
	log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_INVALID,
	    LOG_TEXT("variable", name),
	    LOG_TEXT(
		"value", (var->flags & CONFIG_SECRET) != 0 ? "(secret)" : text),
	    LOG_TEXT("expected", range));
	return false;
}

static bool
has_variable(const struct config_var *vars, const char *name)
{
	for (; vars->name != NULL; vars++)
		if (str_eq(vars->name, name))
			return true;
	return false;
}

/*
 * Refuses NAME_FILE for a variable that is not secret: nothing would read the
 * file.
 */
static bool
check_file_variable(const char *prefix, const struct config_var *vars,
    const struct config_var *var)
{
	char own[NAME_SIZE], name[NAME_SIZE + sizeof("_FILE")];
	int len = snprintf(own, sizeof(own), "%s_FILE", var->name);

	assert(len > 0 && len < NAME_SIZE);
	if ((var->flags & CONFIG_SECRET) != 0 || has_variable(vars, own))
		return true;
	snprintf(name, sizeof(name), "%s_%s", prefix, own);
	if (getenv(name) == NULL)
		return true;
	log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_INVALID,
	    LOG_TEXT("variable", name), LOG_TEXT("value", getenv(name)),
	    LOG_TEXT("expected",
		"no such variable: only secrets are read from files"));
	return false;
}

bool
config_load(const char *prefix, const struct config_var *vars, void *config)
{
	bool good = true;

	for (const struct config_var *var = vars; var->name != NULL; var++) {
		if (!load_one(prefix, var, config))
			good = false;
		if (!check_file_variable(prefix, vars, var))
			good = false;
	}
	return good;
}

/* Escape "|", which would end the cell of the markdown table. */
static void
print_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void
print_default(FILE *out, const struct config_var *var)
{
	if ((var->flags & CONFIG_REQUIRED) != 0 && var->fallback == NULL) {
		fputs("required", out);
	} else if (var->fallback == NULL || *var->fallback == '\0') {
		fputs("none", out);
	} else {
		fputc('`', out);
		print_text(out, var->fallback);
		fputc('`', out);
	}
}

static void
print_range(FILE *out, const struct config_var *var)
{
	if (var->type == CONFIG_BOOL)
		fputs("on, off", out);
	else if (var->type == CONFIG_INT && is_bounded(var))
		fprintf(out, "%" PRId64 " to %" PRId64, var->min, var->max);
	else if (var->type == CONFIG_STRING && var->max > 0)
		fprintf(out, "%" PRId64 " to %" PRId64 " bytes", var->min,
		    var->max);
}

void
config_print(FILE *out, const char *prefix, const struct config_var *vars)
{
	fputs("| Variable | Default | Unit | Range | Meaning |\n"
	      "|---|---|---|---|---|\n",
	    out);
	for (const struct config_var *var = vars; var->name != NULL; var++) {
		char name[NAME_SIZE];

		variable_name(prefix, var, name);
		fprintf(out, "| `%s` | ", name);
		print_default(out, var);
		fprintf(out, " | %s | ", var->unit != NULL ? var->unit : "");
		print_range(out, var);
		fputs(" | ", out);
		print_text(out, var->doc);
		if ((var->flags & CONFIG_SECRET) != 0)
			fprintf(out,
			    " Secret; also from `%s_FILE` or a credential.",
			    name);
		fputs(" |\n", out);
	}
}
