#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

#include "message.h"
#include "nearest.h"

/* What an option sets: a member of struct options, of the type of its kind. */
enum kind {
	FLAG, /* bool; the option has no value */
	TEXT, /* const char * */
	COUNT, /* int64_t, at least 1 */
	PORT, /* int */
};
struct row {
	const char *name;
	unsigned allowed; /* the bit that a command gives to options_read() */
	enum kind kind;
	size_t member;
};

/* clang-format off */
#define ROW(name, allowed, kind, member) \
	{ name, allowed, kind, offsetof(struct options, member) }

static const struct row rows[] = {
	ROW("dir", OPTIONS_DIR, TEXT, dir),
	ROW("port", OPTIONS_PORT, PORT, port),
	ROW("detach", OPTIONS_DETACH, FLAG, detach),
	ROW("follow", OPTIONS_FOLLOW, FLAG, follow),
	ROW("json", OPTIONS_JSON, FLAG, json),
	ROW("yes", OPTIONS_YES, FLAG, yes),
	ROW("owner", OPTIONS_OWNER, FLAG, owner),
	ROW("system", OPTIONS_SYSTEM, FLAG, system),
	ROW("keep", OPTIONS_KEEP, COUNT, keep),
	ROW("verify", OPTIONS_VERIFY, FLAG, verify),
	ROW("recipients", OPTIONS_RECIPIENTS, TEXT, recipients),
	ROW("identity", OPTIONS_IDENTITY, TEXT, identity),
	ROW("secrets", OPTIONS_IDENTITY, FLAG, secrets),
	ROW("check", OPTIONS_CHECK, FLAG, check),
	ROW("request", OPTIONS_REQUEST, TEXT, request),
	ROW("since", OPTIONS_SINCE, TEXT, since),
	ROW("level", OPTIONS_LEVEL, TEXT, level),
	ROW("service", OPTIONS_SERVICE, TEXT, service),
	ROW("lines", OPTIONS_LINES, COUNT, lines),
	ROW("status", OPTIONS_STATUS, FLAG, status),
	ROW("to", OPTIONS_TO, TEXT, to),
	ROW("spec", OPTIONS_SPEC, TEXT, spec),
	ROW("what", OPTIONS_WHAT, TEXT, what),
	ROW("force", OPTIONS_FORCE, FLAG, force),
	ROW("no-test", OPTIONS_NO_TEST, FLAG, no_test),
	ROW("dry-run", OPTIONS_DRY_RUN, FLAG, dry_run),
	ROW("containers", OPTIONS_CONTAINERS, FLAG, containers),
	ROW("fix", OPTIONS_FIX, FLAG, fix),
	ROW("env", OPTIONS_ENV, TEXT, env),
	ROW("database", OPTIONS_DATABASE, TEXT, database),
	ROW("web", OPTIONS_WEB, TEXT, web),
	ROW("listen", OPTIONS_LISTEN, TEXT, listen),
};
/* clang-format on */

static bool
read_port(const char *command, int *ret)
{
	int64_t port;

	if (!str_i64(optarg, 0, 65535, &port)) {
		print_error("%s: --port %s: a port is a number from 0 to 65535",
		    command, optarg);
		return false;
	}
	*ret = (int)port;
	return true;
}

/* The number of the row with this name, which exists. */
static size_t
find(const char *name)
{
	size_t i = 0;

	while (!str_eq(rows[i].name, name))
		i++;
	return i;
}

/* Prints that the command has no such option, and the one that was meant. */
static void
refuse(const char *command, const char *given, unsigned allowed)
{
	const char *names[COUNT_OF(rows) + 1] = { NULL };
	char word[64];
	const char *meant;
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if ((rows[i].allowed & allowed) != 0)
			names[n++] = rows[i].name;
	given += strspn(given, "-");
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "="), given);
	meant = nearest_name(names, word);
	print_error("%s has no option %s%s%s%s%s; see \"kedge %s --help\"",
	    command, strlen(word) > 1 ? "--" : "-", word,
	    meant != NULL ? " (--" : "", meant != NULL ? meant : "",
	    meant != NULL ? "?)" : "", command);
}

static bool
read_count(const char *command, const char *option, int64_t *ret)
{
	if (str_i64(optarg, 1, 100000, ret))
		return true;
	print_error("%s: --%s %s: say a number from 1 to 100000", command,
	    option, optarg);
	return false;
}

static bool
apply(struct options *o, const char *command, const struct row *row)
{
	void *member = (char *)o + row->member;

	switch (row->kind) {
	case FLAG:
		*(bool *)member = true;
		return true;
	case TEXT:
		*(const char **)member = optarg;
		return true;
	case COUNT:
		return read_count(command, row->name, member);
	case PORT:
		return read_port(command, member);
	}
	return false;
}

/* The rows, as getopt_long() wants them: it returns 0 for each of them. */
static void
fill_long_options(struct option ret[COUNT_OF(rows) + 1])
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ret[i] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].kind == FLAG ? no_argument
			                                : required_argument,
		};
	ret[COUNT_OF(rows)] = (struct option){ 0 };
}

bool
options_read(
    struct options *o, int argc, char **argv, unsigned allowed, int args_max)
{
	struct option long_options[COUNT_OF(rows) + 1];
	char letter[2] = "";
	int found, at = 0;

	*o = (struct options){ .port = 8080 };
	fill_long_options(long_options);
	optind = 0; /* begin anew: a command may call another one */
	opterr = 0; /* getopt() prints no errors; print_error() does */
	while ((found = getopt_long(argc, argv, ":fn:", long_options, &at)) !=
	       -1) {
		if (found == 'f')
			at = (int)find("follow");
		if (found == 'n')
			at = (int)find("lines");
		if (found == ':') {
			print_error("%s: %s needs a value; see \"kedge %s "
				    "--help\"",
			    argv[0], argv[optind - 1], argv[0]);
			return false;
		}
		if (found == '?') {
			letter[0] = (char)optopt;
			refuse(argv[0], optopt != 0 ? letter : argv[optind - 1],
			    allowed);
			return false;
		}
		if ((rows[at].allowed & allowed) == 0) {
			refuse(argv[0], rows[at].name, allowed);
			return false;
		}
		if (!apply(o, argv[0], &rows[at]))
			return false;
	}
	o->args = argv + optind;
	o->nargs = argc - optind;
	if (o->nargs > args_max) {
		print_error("%s: unexpected argument %s; see \"kedge %s "
			    "--help\"",
		    argv[0], o->args[args_max], argv[0]);
		return false;
	}
	return true;
}
