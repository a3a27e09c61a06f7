/* options: reads the command-line options that commands share. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

enum options_allowed {
	OPTIONS_DIR = 1,
	OPTIONS_PORT = 2,
	OPTIONS_DETACH = 4,
	OPTIONS_FOLLOW = 8,
	OPTIONS_JSON = 16,
	OPTIONS_YES = 32,
	OPTIONS_OWNER = 64,
	OPTIONS_SYSTEM = 128,
	OPTIONS_TO = 1 << 16,
	OPTIONS_SPEC = 1 << 17,
	OPTIONS_WHAT = 1 << 18,
	OPTIONS_FORCE = 1 << 19,
	OPTIONS_NO_TEST = 1 << 20,
	OPTIONS_DRY_RUN = 1 << 21,
	OPTIONS_CONTAINERS = 1 << 24,
	OPTIONS_FIX = 1 << 22,
	OPTIONS_KEEP = 1 << 23,
	OPTIONS_VERIFY = 1 << 25,
	OPTIONS_RECIPIENTS = 1 << 26,
	OPTIONS_IDENTITY = 1 << 27,
	OPTIONS_CHECK = 1 << 28,
	OPTIONS_REQUEST = 1 << 29,
	OPTIONS_SINCE = 1 << 30,
	OPTIONS_ENV = 256,
	OPTIONS_DATABASE = 512,
	OPTIONS_WEB = 1024,
	OPTIONS_LISTEN = 2048,
	OPTIONS_LEVEL = 1 << 12,
	OPTIONS_SERVICE = 1 << 13,
	OPTIONS_STATUS = 1 << 14,
	OPTIONS_LINES = 1 << 15,
};

struct options {
	const char *dir; /* the option --dir; NULL: use the default */
	int port; /* default 8080; 0: any free port */
	bool detach;
	bool follow;
	bool json; /* print JSON, for programs */
	bool yes; /* do not ask */
	const char
	    *env; /* the file with settings; NULL: the option is missing */
	const char *database; /* see database_choice.h; NULL likewise */
	bool owner; /* as the role that owns the tables */
	const char *web; /* a directory or "http://HOST:PORT" */
	const char *listen; /* an address */
	const char *to; /* the directory that stands for "/" */
	int64_t keep; /* how many backups are kept; 0: all */
	bool verify; /* check instead of doing it */
	const char *recipients; /* file with public keys */
	const char *identity; /* file with a private key */
	bool secrets; /* of a backup, not its databases */
	bool check; /* only say what would be done */
	const char *request; /* the id of a request */
	const char *since; /* a time, or how long ago */
	const char *level; /* of log lines */
	const char *service; /* names, separated by commas */
	int64_t lines; /* how many; 0: the option is missing */
	bool status; /* show how it is, and change nothing */
	const char *spec; /* the path of kedge.json */
	const char *what; /* which kinds of files, separated by commas */
	bool force; /* do it although a check advises against it */
	bool no_test; /* do not test the files by the program that reads them */
	bool containers; /* for the containers of docker-compose.yml */
	bool dry_run; /* show what would be done */
	bool fix; /* doctor: make the repairs that can do no harm */
	bool system; /* act on the services that systemd runs on this host, not
	                on a stack */
	char **args; /* the arguments that are not options */
	int nargs;
};

/* The exit status of a command whose options or arguments are wrong. */
enum { OPTIONS_USAGE = 2 };

/*
 * Reads the options of a command; argv[0] is the command's name. False: there
 * is an option that the command does not have, or more than `args_max` other
 * arguments; an error was printed, and the command returns OPTIONS_USAGE.
 */
MUST_CHECK bool options_read(
    struct options *o, int argc, char **argv, unsigned allowed, int args_max);

#endif
