#include "options.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

#include "message.h"
#include "nearest.h"

static const struct option flags[] = {
	{ "dir", required_argument, NULL, OPTIONS_DIR },
	{ "port", required_argument, NULL, OPTIONS_PORT },
	{ "detach", no_argument, NULL, OPTIONS_DETACH },
	{ "follow", no_argument, NULL, OPTIONS_FOLLOW },
	{ "json", no_argument, NULL, OPTIONS_JSON },
	{ "yes", no_argument, NULL, OPTIONS_YES },
	{ "owner", no_argument, NULL, OPTIONS_OWNER },
	{ "system", no_argument, NULL, OPTIONS_SYSTEM },
	{ "keep", required_argument, NULL, OPTIONS_KEEP },
	{ "verify", no_argument, NULL, OPTIONS_VERIFY },
	{ "recipients", required_argument, NULL, OPTIONS_RECIPIENTS },
	{ "identity", required_argument, NULL, OPTIONS_IDENTITY },
	/*
	 * Only `kedge restore` has both options; it tells them apart by the
	 * argument.
	 */
	{ "secrets", no_argument, NULL, OPTIONS_IDENTITY },
	{ "check", no_argument, NULL, OPTIONS_CHECK },
	{ "request", required_argument, NULL, OPTIONS_REQUEST },
	{ "since", required_argument, NULL, OPTIONS_SINCE },
	{ "level", required_argument, NULL, OPTIONS_LEVEL },
	{ "service", required_argument, NULL, OPTIONS_SERVICE },
	{ "lines", required_argument, NULL, OPTIONS_LINES },
	{ "status", no_argument, NULL, OPTIONS_STATUS },
	{ "to", required_argument, NULL, OPTIONS_TO },
	{ "spec", required_argument, NULL, OPTIONS_SPEC },
	{ "what", required_argument, NULL, OPTIONS_WHAT },
	{ "force", no_argument, NULL, OPTIONS_FORCE },
	{ "no-test", no_argument, NULL, OPTIONS_NO_TEST },
	{ "dry-run", no_argument, NULL, OPTIONS_DRY_RUN },
	{ "containers", no_argument, NULL, OPTIONS_CONTAINERS },
	{ "fix", no_argument, NULL, OPTIONS_FIX },
	{ "env", required_argument, NULL, OPTIONS_ENV },
	{ "database", required_argument, NULL, OPTIONS_DATABASE },
	{ "web", required_argument, NULL, OPTIONS_WEB },
	{ "listen", required_argument, NULL, OPTIONS_LISTEN },
	{ 0 },
};

static bool
read_port(struct options *o, const char *command, const char *text)
{
	int64_t port;

	if (!str_i64(text, 0, 65535, &port)) {
		print_error("%s: --port %s: a port is a number from 0 to 65535",
		    command, text);
		return false;
	}
	o->port = (int)port;
	return true;
}

static const struct option *
find(int flag)
{
	for (size_t i = 0; flags[i].name != NULL; i++)
		if (flags[i].val == flag)
			return &flags[i];
	return NULL;
}

/* Prints that the command has no such option, and the one that was meant. */
static void
refuse(const char *command, const char *given, unsigned allowed)
{
	const char *names[COUNT_OF(flags)] = { NULL };
	char word[64];
	const char *meant;
	size_t n = 0;

	for (size_t i = 0; flags[i].name != NULL; i++)
		if (((unsigned)flags[i].val & allowed) != 0)
			names[n++] = flags[i].name;
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
apply(struct options *o, const char *command, int flag)
{
	switch (flag) {
	case OPTIONS_DIR:
		o->dir = optarg;
		return true;
	case OPTIONS_PORT:
		return read_port(o, command, optarg);
	case OPTIONS_DETACH:
		o->detach = true;
		return true;
	case OPTIONS_FOLLOW:
		o->follow = true;
		return true;
	case OPTIONS_FORCE:
		o->force = true;
		return true;
	case OPTIONS_JSON:
		o->json = true;
		return true;
	case OPTIONS_KEEP:
		return read_count(command, "keep", &o->keep);
	case OPTIONS_LINES:
		return read_count(command, "lines", &o->lines);
	case OPTIONS_LEVEL:
		o->level = optarg;
		return true;
	case OPTIONS_SERVICE:
		o->service = optarg;
		return true;
	case OPTIONS_STATUS:
		o->status = true;
		return true;
	case OPTIONS_VERIFY:
		o->verify = true;
		return true;
	case OPTIONS_RECIPIENTS:
		o->recipients = optarg;
		return true;
	case OPTIONS_IDENTITY:
		o->secrets = o->secrets || optarg == NULL;
		if (optarg != NULL)
			o->identity = optarg;
		return true;
	case OPTIONS_CHECK:
		o->check = true;
		return true;
	case OPTIONS_REQUEST:
		o->request = optarg;
		return true;
	case OPTIONS_SINCE:
		o->since = optarg;
		return true;
	case OPTIONS_YES:
		o->yes = true;
		return true;
	case OPTIONS_SYSTEM:
		o->system = true;
		return true;
	case OPTIONS_ENV:
		o->env = optarg;
		return true;
	case OPTIONS_DATABASE:
		o->database = optarg;
		return true;
	case OPTIONS_LISTEN:
		o->listen = optarg;
		return true;
	case OPTIONS_WEB:
		o->web = optarg;
		return true;
	case OPTIONS_TO:
		o->to = optarg;
		return true;
	case OPTIONS_SPEC:
		o->spec = optarg;
		return true;
	case OPTIONS_WHAT:
		o->what = optarg;
		return true;
	case OPTIONS_NO_TEST:
		o->no_test = true;
		return true;
	case OPTIONS_CONTAINERS:
		o->containers = true;
		return true;
	case OPTIONS_DRY_RUN:
		o->dry_run = true;
		return true;
	case OPTIONS_FIX:
		o->fix = true;
		return true;
	default:
		o->owner = true;
		return true;
	}
}

bool
options_read(
    struct options *o, int argc, char **argv, unsigned allowed, int args_max)
{
	char letter[2] = "";
	int flag;

	*o = (struct options){ .port = 8080 };
	optind = 0; /* begin anew: a command may call another one */
	opterr = 0; /* getopt() prints no errors; print_error() does */
	for (;;) {
		flag = getopt_long(argc, argv, ":fn:", flags, NULL);
		if (flag == -1)
			break;
		if (flag == 'f')
			flag = OPTIONS_FOLLOW;
		if (flag == 'n')
			flag = OPTIONS_LINES;
		if (flag == ':') {
			print_error("%s: %s needs a value; see \"kedge %s "
				    "--help\"",
			    argv[0], argv[optind - 1], argv[0]);
			return false;
		}
		if (flag == '?') {
			letter[0] = (char)optopt;
			refuse(argv[0], optopt != 0 ? letter : argv[optind - 1],
			    allowed);
			return false;
		}
		if (((unsigned)flag & allowed) == 0) {
			refuse(argv[0], find(flag)->name, allowed);
			return false;
		}
		if (!apply(o, argv[0], flag))
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
