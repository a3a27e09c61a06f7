#include "new.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "file.h"
#include "file_set.h"
#include "message.h"
#include "new_files.h"
#include "options.h"
#include "stack.h"

#define DEFAULT_API "http://127.0.0.1:8080"

enum {
	NAME_LEN_MAX = 64,
	DIRS_MAX = 64,
};

/* The directories that were made, so that they can be removed again. */
struct made {
	const char *dirs[DIRS_MAX];
	int n;
};

/* -- what was ordered -- */

/* The name becomes that of a package of npm, which has rules of its own. */
static bool
check_name(const char *name)
{
	size_t len = strlen(name);

	if (len > 0 && len <= NAME_LEN_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len &&
	    strchr("-_.", name[0]) == NULL)
		return true;
	print_error("new: \"%s\" is not a name for a front end: at most %d "
		    "letters from a to z, digits, \"-\", \"_\" and \".\", the "
		    "first one a letter or digit",
	    name, NAME_LEN_MAX);
	return false;
}

/* Returns the last part of the path: "shop" of "../shop/". */
static const char *
name_of(struct arena *a, const char *dir)
{
	char resolved[PATH_MAX];
	char *path;
	const char *slash;
	size_t len;

	if (realpath(dir, resolved) != NULL)
		dir = resolved; /* of "." and of symbolic links, too */
	path = arena_strdup(a, dir);
	for (len = strlen(path); len > 0 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

/* A template inserts the origin into strings of JavaScript and JSON. */
static bool
check_origin(const char *url)
{
	const char *host = str_has_prefix(url, "https://")  ? url + 8
	                   : str_has_prefix(url, "http://") ? url + 7
	                                                    : "";
	size_t len = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.:[]");

	if (len > 0 && host[len] == '\0')
		return true;
	print_error("new: --url %s: it must be http://HOST, https://HOST or "
		    "the same with :PORT, in lower case and without a path",
	    url);
	return false;
}

/* Checks that the directory does not exist, or has nothing in it but .git. */
static bool
check_empty(const char *dir)
{
	struct dirent *entry;
	bool ok = true;
	DIR *d;

	d = opendir(dir);
	if (d == NULL && errno == ENOENT)
		return true;
	if (d == NULL) {
		print_error("new: cannot open %s: %s", dir, strerror(errno));
		return false;
	}
	while (ok && (entry = readdir(d)) != NULL)
		if (!str_eq(entry->d_name, ".") &&
		    !str_eq(entry->d_name, "..") &&
		    !str_eq(entry->d_name, ".git")) {
			print_error("new: %s is not empty: it has %s; name a "
				    "new directory",
			    dir, entry->d_name);
			ok = false;
		}
	closedir(d);
	return ok;
}

/* -- the files -- */

/* Makes the directories of the path that are missing, without its last part. */
static bool
make_parents(struct arena *a, struct made *made, const char *path)
{
	char *dir = arena_strdup(a, path);
	char *slash = dir;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(dir, 0755) == 0) {
			if (made->n < DIRS_MAX)
				made->dirs[made->n++] = arena_strdup(a, dir);
		} else if (errno != EEXIST) {
			print_error("cannot make the directory %s: %s", dir,
			    strerror(errno));
			return false;
		}
		*slash = '/';
	}
	return true;
}

/* Writes all files; when one cannot be written, none is left. */
static bool
write_all(struct arena *a, const char *dir, const struct file_set *set)
{
	struct made made = { .n = 0 };
	sigset_t all, before;
	const char *path;
	size_t n;
	bool ok = true;

	/* An interruption must not leave half of the files. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	for (n = 0; ok && n < set->n; n++) {
		path = arena_printf(a, "%s/%s", dir, set->items[n].path);
		ok =
		    make_parents(a, &made, path) &&
		    file_write(a, path, set->items[n].mode, set->items[n].text);
	}
	if (!ok) {
		while (n-- > 0)
			unlink(
			    arena_printf(a, "%s/%s", dir, set->items[n].path));
		while (made.n > 0)
			rmdir(made.dirs[--made.n]);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ok;
}

/* -- what to do next -- */

/* The option of `up` for the port of a stack on this host. */
static const char *
port_option(struct arena *a, const char *api)
{
	static const char here[] = "http://127.0.0.1:";

	if (!str_has_prefix(api, here) || str_eq(api, DEFAULT_API))
		return "";
	return arena_printf(a, " --port %s", api + strlen(here));
}

static void
print_next(const struct stack *s, const char *dir, const struct new_order *o)
{
	const struct new_template *t = o->template;
	const char *kedge = s->is_installed ? "kedge" : "./kedge";

	print_message(
	    "made %s; %s/README.md tells what is where\n", o->name, dir);
	if (t->served != NULL && !o->own_origin) {
		print_message("Next: %s up --web %s/%s", kedge, dir, t->served);
		print_message("Then open " DEFAULT_API ".");
	} else if (!o->own_origin) {
		print_message(
		    "Next: cd %s && npm install && %s", dir, t->serve);
		print_message(
		    "In a second terminal: %s up --web %s", kedge, t->origin);
		print_message("Then open " DEFAULT_API ".");
	} else {
		print_message("Next: cd %s && %s%s", dir,
		    t->served == NULL ? "npm install && " : "", t->serve);
		print_message("In a second terminal: "
			      "AUTH_TRUSTED_ORIGINS=%s %s up%s",
		    t->origin, kedge, port_option(s->arena, o->api));
		print_message("Then open %s.", t->origin);
	}
	if (!o->own_origin)
		print_message("\nFor a page with an origin of its own, see "
			      "README.md: it needs "
			      "AUTH_TRUSTED_ORIGINS=%s.",
		    t->origin);
}

/* -- the command -- */

struct arguments {
	const char *dir;
	const char *template;
	const char *url; /* NULL: the option is missing */
};

/* False: an error was printed. */
static bool
read_arguments(int argc, char **argv, struct arguments *ret)
{
	static const struct option flags[] = {
		{ "template", required_argument, NULL, 't' },
		{ "url", required_argument, NULL, 'u' },
		{ 0 },
	};
	int flag;

	*ret = (struct arguments){ .url = NULL };
	opterr = 0; /* getopt() prints no errors; print_error() does */
	while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
		if (flag == 't') {
			ret->template = optarg;
		} else if (flag == 'u') {
			ret->url = optarg;
		} else {
			print_error("new: unknown option %s, or its value is "
				    "missing; see \"kedge new --help\"",
			    argv[optind - 1]);
			return false;
		}
	}
	ret->dir = argv[optind];
	if (argc - optind > 1)
		print_error("new: unexpected argument %s; see \"kedge new "
			    "--help\"",
		    argv[optind + 1]);
	else if (ret->dir == NULL)
		print_error("new: name a directory; see \"kedge new --help\"");
	else if (ret->template == NULL)
		print_error("new: choose --template vite, next or static; see "
			    "\"kedge new --help\"");
	return argc - optind == 1 && ret->template != NULL;
}

/* Reads what the arguments mean. False: an error was printed. */
static bool
read_order(
    struct arena *a, const struct arguments *given, struct new_order *ret)
{
	*ret = (struct new_order){
		.name = name_of(a, given->dir),
		.template = new_template_find(given->template),
		.api = given->url != NULL ? given->url : DEFAULT_API,
		.own_origin = given->url != NULL,
	};
	return ret->template != NULL && check_name(ret->name) &&
	       check_origin(ret->api);
}

static int
make(struct arena *a, const char *dir, const struct new_order *order)
{
	struct file_set set;
	struct stack s;

	file_set_init(&set, a);
	if (!check_empty(dir) || !stack_open(&s, a, /* dir_option= */ NULL) ||
	    !new_files_make(&s, order, &set) || !write_all(a, dir, &set))
		return 1;
	print_next(&s, dir, order);
	return 0;
}

int
new_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct arguments given;
	struct new_order order;
	int status = OPTIONS_USAGE;

	if (read_arguments(argc, argv, &given) && read_order(a, &given, &order))
		status = make(a, given.dir, &order);
	arena_free(a);
	return status;
}
