#include "remove.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/digest.h"
#include "base/str.h"

#include "file.h"
#include "message.h"
#include "options.h"
#include "scaffold.h"
#include "scaffold_text.h"
#include "stack.h"

enum { OPEN_MAX_DIRS = 16 };

struct removal {
	struct arena *arena;
	struct scaffold *scaffold;
	struct stack stack;
	const char *name;
	int index; /* of the service in kedge.json */
	/* an application that exists elsewhere: only kedge.json names it */
	bool external;
	bool yes;
	bool force;
	bool ok; /* false: somebody has changed a file since kedge made it */
};

/* -- the files -- */

static bool
is_listed(const struct scaffold *s, const char *path)
{
	int i;

	for (i = 0; i < s->nfiles; i++)
		if (str_eq(s->files[i].path, path))
			return true;
	return false;
}

/* Notes that a file is not as it was made. */
static void
complain(struct removal *r, const char *path, const char *what)
{
	if (!r->force)
		print_error("%s %s", path, what);
	r->ok = false;
}

/* Reads a line of the record: the checksum, two blanks, the path. */
static bool
add_recorded(struct removal *r, const char *line, size_t len)
{
	char hex[SHA256_HEX_SIZE];
	const char *path, *text;

	if (len <= SCAFFOLD_PATH_AT) {
		print_error(
		    "%s: a line is not that of sha256sum", r->scaffold->record);
		return false;
	}
	path = arena_strndup(
	    r->arena, line + SCAFFOLD_PATH_AT, len - SCAFFOLD_PATH_AT);
	if (!file_exists(path)) {
		complain(r, path, "is missing");
		return true;
	}
	text = file_read(r->arena, path, /* ret_len= */ NULL);
	if (text == NULL)
		return false;
	sha256_hex(text, strlen(text), hex);
	if (memcmp(hex, line, SHA256_HEX_SIZE - 1) != 0)
		complain(r, path, "has changed since it was made");
	return scaffold_delete(r->scaffold, path);
}

static bool
add_record(struct removal *r)
{
	const char *path = r->scaffold->record;
	const char *line = file_read(r->arena, path, /* ret_len= */ NULL);
	size_t len;

	for (; line != NULL && *line != '\0'; line += len + (line[len] != 0)) {
		len = strcspn(line, "\n");
		if (!add_recorded(r, line, len))
			return false;
	}
	return line != NULL && scaffold_delete(r->scaffold, path);
}

static bool
add_other(struct removal *r, const char *path)
{
	if (is_listed(r->scaffold, path))
		return true;
	complain(r, path, "was not made by \"kedge add\"");
	return scaffold_delete(r->scaffold, path);
}

/* nftw() has no argument for its function. */
static struct removal *walked;

/* Whether the directory has what a package manager or Python has made. */
static bool
is_generated(const char *name)
{
	return str_eq(name, "node_modules") || str_eq(name, "__pycache__");
}

static int
visit(
    const char *path, const struct stat *info UNUSED, int type, struct FTW *at)
{
	if (type == FTW_D)
		return is_generated(path + at->base) ? FTW_SKIP_SUBTREE
		                                     : FTW_CONTINUE;
	return add_other(walked, path) ? FTW_CONTINUE : FTW_STOP;
}

/* Adds the files that are in the service's folders, but not in the record. */
static bool
add_folder(struct removal *r, const char *path)
{
	int rc;

	walked = r;
	rc = nftw(path, visit, OPEN_MAX_DIRS, FTW_PHYS | FTW_ACTIONRETVAL);
	if (rc == -1 && errno != ENOENT)
		print_error("cannot read %s: %s", path, strerror(errno));
	return rc == 0 || (rc == -1 && errno == ENOENT);
}

static bool
add_tests(struct removal *r, const char *pattern)
{
	bool ok = true;
	size_t i;
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return true; /* there are none */
	for (i = 0; ok && i < found.gl_pathc; i++)
		ok = add_other(r, found.gl_pathv[i]);
	globfree(&found);
	return ok;
}

/* -- the files of others -- */

static bool
edit(struct removal *r, const char *path, const char *before, const char *after)
{
	return after != NULL && (str_eq(before, after) ||
				    scaffold_edit(r->scaffold, path, after));
}

static bool
edit_shared(struct removal *r)
{
	static const char *const pages[] = { "docs/ERRORS.md",
		"docs/CONFIGURATION.md" };
	struct arena *a = r->arena;
	const char *text;
	size_t i;

	for (i = 0; i < COUNT_OF(pages); i++) {
		text = scaffold_text(r->scaffold, pages[i]);
		if (text == NULL || !edit(r, pages[i], text,
					text_remove_section(a, text, r->name)))
			return false;
	}
	text = scaffold_text(r->scaffold, "sql/released");
	if (text == NULL ||
	    !edit(r, "sql/released", text,
		text_remove_lines(a, text, arena_printf(a, "%s/", r->name))))
		return false;
	text = scaffold_text(r->scaffold, "kedge.json");
	return text != NULL && edit(r, "kedge.json", text,
				   text_remove_service(a, text, r->index));
}

/* -- the command -- */

static int
delete_one(const char *path, const struct stat *info UNUSED, int type UNUSED,
    struct FTW *at UNUSED)
{
	return remove(path);
}

/*
 * Deletes the directories that node's and Python's tools have made in the
 * service's folder, and then that folder. git ignores them; what is left of
 * them does no harm.
 */
static void
delete_generated(const struct removal *r)
{
	static const char *const dirs[] = { "node_modules", "__pycache__" };
	const char *folder = arena_printf(r->arena, "services/%s", r->name);
	size_t i;

	for (i = 0; i < COUNT_OF(dirs); i++)
		(void)nftw(arena_printf(r->arena, "%s/%s", folder, dirs[i]),
		    delete_one, OPEN_MAX_DIRS, FTW_DEPTH | FTW_PHYS);
	rmdir(folder);
}

static bool
find(struct removal *r)
{
	const struct spec_service *service = spec_find(&r->stack.spec, r->name);

	if (service == NULL) {
		print_error("kedge.json has no service %s", r->name);
		return false;
	}
	r->index = (int)(service - r->stack.spec.services);
	r->scaffold->record = NULL;
	r->external = service->external &&
	              !file_exists(scaffold_record(r->arena, r->name));
	if (!r->external && !file_exists(scaffold_record(r->arena, r->name))) {
		print_error("%s was not made by \"kedge add service\", so its "
			    "files are not known; remove it by hand",
		    r->name);
		return false;
	}
	return true;
}

static bool
collect(struct removal *r)
{
	struct arena *a = r->arena;

	if (r->external)
		return edit_shared(r);
	r->ok = true;
	r->scaffold->record = scaffold_record(a, r->name);
	if (!add_record(r) ||
	    !add_folder(r, arena_printf(a, "services/%s", r->name)) ||
	    !add_folder(r, arena_printf(a, "sql/%s", r->name)) ||
	    !add_tests(r, arena_printf(a, "t/unit/test_%s_*.c", r->name)) ||
	    !add_tests(r, arena_printf(a, "t/35-%s.t", r->name)) ||
	    !add_tests(r, arena_printf(a, "t/35-%s-*.t", r->name)) ||
	    !add_tests(r, arena_printf(a, "t/endpoints/%s.json", r->name)))
		return false;
	r->scaffold->record = NULL; /* it is removed, too */
	if (r->ok || r->force)
		return edit_shared(r);
	print_error("the service %s is not as it was made; --force removes it "
		    "with these files",
	    r->name);
	return false;
}

static bool
confirm(const struct removal *r)
{
	char answer[8];
	int i, n = 0;

	if (r->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		print_error("remove deletes the files of the service %s; with "
			    "--yes it does not ask",
		    r->name);
		return false;
	}
	for (i = 0; i < r->scaffold->nfiles; i++)
		n += r->scaffold->files[i].kind == SCAFFOLD_DELETE;
	printf("Delete the %d files of the service %s? [y/N] ", n, r->name);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static bool
read_options(int argc, char **argv, struct removal *r)
{
	static const struct option flags[] = {
		{ "yes", no_argument, NULL, 'y' },
		{ "force", no_argument, NULL, 'f' },
		{ 0 },
	};
	int flag;

	opterr = 0; /* getopt() prints no errors; print_error() does */
	while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
		if (flag == '?') {
			print_error("remove has no option %s; see \"kedge "
				    "remove --help\"",
			    argv[optind - 1]);
			return false;
		}
		r->yes = r->yes || flag == 'y';
		r->force = r->force || flag == 'f';
	}
	if (argc - optind != 2 || !str_eq(argv[optind], "service")) {
		print_error("remove: write \"kedge remove service NAME\"; see "
			    "\"kedge remove --help\"");
		return false;
	}
	r->name = argv[optind + 1];
	return true;
}

static void
report(const struct removal *r)
{
	int i;

	for (i = 0; i < r->scaffold->nfiles; i++)
		print_message("%-8s %s",
		    r->scaffold->files[i].kind == SCAFFOLD_DELETE ? "removed"
								  : "changed",
		    r->scaffold->files[i].path);
	if (!r->stack.spec.services[r->index].needs_postgres)
		return;
	print_message(
	    "\nThe databases %s of the stacks are left. For the stack in %s, "
	    "while it runs:\n"
	    "  psql 'postgresql://kedge@/postgres?host=%s/pg' \\\n"
	    "    -c 'DROP DATABASE %s' -c 'DROP ROLE %s, %s_owner'",
	    r->name, r->stack.dir, r->stack.dir, r->name, r->name, r->name);
}

int
remove_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct removal r = {
		.arena = a,
		.scaffold = arena_alloc(a, sizeof(*r.scaffold)),
	};
	int status = 1;

	if (!read_options(argc, argv, &r))
		status = OPTIONS_USAGE;
	else if (stack_open(&r.stack, a, /* dir_option= */ NULL) &&
		 scaffold_open(r.scaffold, a, r.stack.root) && find(&r) &&
		 collect(&r) && confirm(&r) && scaffold_commit(r.scaffold)) {
		delete_generated(&r);
		report(&r);
		status = 0;
	}
	arena_free(a);
	return status;
}
