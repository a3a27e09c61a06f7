#include "options.h"

#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"

#include "message.h"

static bool
read_port(struct options *o, const char *text)
{
	int64_t port;

	if (!str_i64(text, 0, 65535, &port)) {
		print_error("--port must be a number from 0 to 65535");
		return false;
	}
	o->port = (int)port;
	return true;
}

bool
options_read(
    struct options *o, int argc, char **argv, unsigned allowed, int args_max)
{
	static const struct option flags[] = {
		{ "dir", required_argument, NULL, OPTIONS_DIR },
		{ "port", required_argument, NULL, OPTIONS_PORT },
		{ "detach", no_argument, NULL, OPTIONS_DETACH },
		{ "follow", no_argument, NULL, OPTIONS_FOLLOW },
		{ 0 },
	};
	bool ok = true;
	int flag;

	*o = (struct options){ .port = 8080 };
	opterr = 0; /* getopt() prints no errors; print_error() does */
	while (ok && (flag = getopt_long(argc, argv, "f", flags, NULL)) != -1) {
		if (flag == 'f')
			flag = OPTIONS_FOLLOW;
		if (flag == '?' || ((unsigned)flag & allowed) == 0) {
			print_error("%s: unknown option %s, or its value is "
				    "missing; see "
				    "\"kedge help\"",
			    argv[0], argv[optind - 1]);
			return false;
		}
		if (flag == OPTIONS_DIR)
			o->dir = optarg;
		else if (flag == OPTIONS_PORT)
			ok = read_port(o, optarg);
		else if (flag == OPTIONS_DETACH)
			o->detach = true;
		else
			o->follow = true;
	}
	o->args = argv + optind;
	o->nargs = argc - optind;
	if (ok && o->nargs > args_max) {
		print_error(
		    "%s: unexpected argument %s", argv[0], o->args[args_max]);
		return false;
	}
	return ok;
}
