#include "render.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "message.h"
#include "nearest.h"
#include "options.h"
#include "rehearse.h"
#include "render_plan.h"
#include "render_set.h"
#include "site.h"
#include "stack.h"

/* Reads "nginx,env" into a set of kinds. 0: an error was printed. */
static unsigned
read_kinds(struct arena *a, const char *list)
{
	const char *names[RENDER_KINDS + 1] = { NULL };
	char *rest = arena_strdup(a, list == NULL ? "" : list);
	const char *name, *meant;
	unsigned kinds = 0;
	int i;

	if (list == NULL)
		return (1U << RENDER_KINDS) - 1;
	for (i = 0; i < RENDER_KINDS; i++)
		names[i] = render_kinds[i].name;
	while ((name = strsep(&rest, ",")) != NULL) {
		for (i = 0; i < RENDER_KINDS && !str_eq(names[i], name); i++)
			;
		if (i == RENDER_KINDS) {
			meant = nearest_name(names, name);
			print_error("--what %s: expected some of nginx, env, "
				    "systemd, compose%s%s%s",
			    name, meant != NULL ? "; did you mean " : "",
			    meant != NULL ? meant : "",
			    meant != NULL ? "?" : "");
			return 0;
		}
		kinds |= 1U << i;
	}
	return kinds;
}

/* The directory of --to as an absolute path without a slash at its end. */
static const char *
read_root(struct arena *a, const char *to)
{
	char path[PATH_MAX];

	if (to == NULL || str_eq(to, "/"))
		return "";
	if (realpath(to, path) == NULL) {
		print_error("--to %s: %s", to, strerror(errno));
		return NULL;
	}
	return str_eq(path, "/") ? "" : arena_strdup(a, path);
}

/* Prints each file that must not be written. True: there is none. */
static bool
check_files(const struct render_plan *p, bool force)
{
	const struct render_file *file;
	bool ok = true;
	size_t i;

	for (i = 0; i < p->n; i++) {
		file = &p->files[i];
		if (file->change == RENDER_FOREIGN)
			print_error("%s is not a file of Kedge's; move it "
				    "elsewhere",
			    file->path);
		else if (!force && (file->change == RENDER_EDITED ||
				       file->change == RENDER_GONE_EDITED))
			print_error("%s was edited; move the change to %s, or "
				    "use --force to lose it",
			    file->path, file->additions);
		else
			continue;
		ok = false;
	}
	if (!ok)
		print_error("nothing was written");
	return ok;
}

static void
print_changes(const struct render_plan *p)
{
	static const char *const words[] = {
		[RENDER_NEW] = "new",
		[RENDER_CHANGED] = "changed",
		[RENDER_EDITED] = "edited",
		[RENDER_FOREIGN] = "foreign",
		[RENDER_GONE] = "gone",
		[RENDER_GONE_EDITED] = "gone, edited",
	};
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->files[i].change != RENDER_SAME)
			print_message("%s: %s", p->files[i].path,
			    words[p->files[i].change]);
}

static void
print_summary(const struct render_plan *p)
{
	size_t same = render_plan_count(p, RENDER_SAME);
	size_t gone = render_plan_count(p, RENDER_GONE) +
	              render_plan_count(p, RENDER_GONE_EDITED);

	print_message("%zu files written, %zu removed, %zu unchanged",
	    p->n - same - gone, gone, same);
}

/* Two at once would write the same files. Returns -1 when that fails. */
static int
lock(const char *root)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/etc", root);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		/* a new directory, which nobody else can be writing to */
		snprintf(path, sizeof(path), "%s/", root);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd == -1 || flock(fd, LOCK_EX) == -1)
		print_error("cannot lock %s: %s", path, strerror(errno));
	return fd;
}

static int
render(struct site *site, const struct options *o,
    const struct render_options *render)
{
	struct render_plan plan;

	if (!render_plan_make(&plan, site, render))
		return 1;
	if (o->dry_run) {
		print_changes(&plan);
		return render_plan_count(&plan, RENDER_SAME) == plan.n ? 0 : 1;
	}
	if (!check_files(&plan, o->force))
		return 1;
	/* Without nginx's files there is nothing that nginx could refuse. */
	if ((render->kinds & 1U) != 0 && !o->no_test && !rehearse(site))
		return 1;
	if (!render_plan_write(&plan, o->force))
		return 1;
	print_summary(&plan);
	return 0;
}

int
render_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct render_options r = { 0 };
	struct options o;
	struct stack s;
	struct site site;
	int status = OPTIONS_USAGE;
	int fd;

	if (options_read(&o, argc, argv,
		OPTIONS_TO | OPTIONS_SPEC | OPTIONS_WHAT | OPTIONS_FORCE |
		    OPTIONS_NO_TEST | OPTIONS_DRY_RUN | OPTIONS_CONTAINERS,
		/* args_max= */ 0)) {
		r.kinds = read_kinds(a, o.what);
		r.root = read_root(a, o.to);
		/* The path on the server, even if --spec reads another file. */
		r.source = SITE_ETC "/kedge.json";
		if (r.kinds != 0 && r.root != NULL) {
			status = 1;
			fd = lock(r.root);
			if (fd != -1 && stack_open_server(&s, a, o.spec)) {
				site = o.containers ? site_of_containers(&s)
				                    : site_of_server(&s);
				status = render(&site, &o, &r);
			}
			if (fd != -1)
				close(fd);
		}
	}
	arena_free(a);
	return status;
}
