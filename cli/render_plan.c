#include "render_plan.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "file.h"
#include "generated.h"
#include "message.h"
#include "render_set.h"

enum { GONE_MAX = 4096 };

/* Comparing */

static enum render_change
compare(struct arena *a, const struct file_item *item, const char **ret_place)
{
	const char *old;

	switch (generated_look(a, item->path, ret_place)) {
	case GENERATED_ABSENT:
		return RENDER_NEW;
	case GENERATED_FOREIGN:
		return RENDER_FOREIGN;
	case GENERATED_EDITED:
		return RENDER_EDITED;
	case GENERATED_OURS:
		break;
	}
	old = file_find(a, item->path, /* ret_len= */ NULL);
	return old != NULL && str_eq(old, item->text) ? RENDER_SAME
	                                              : RENDER_CHANGED;
}

static void
add(struct render_plan *p, struct render_file file)
{
	p->files[p->n++] = file;
}

/*
 * Adds the files of a directory that have the mark and are not in the set: an
 * earlier render has written them, so they are to be removed. Files whose names
 * do not match are not Kedge's, even with the mark.
 */
static bool
add_gone(struct render_plan *p, const struct file_set *set,
    const struct render_kind *kind, const char *directory)
{
	struct arena *a = p->arena;
	struct dirent *entry;
	const char *path, *place;
	enum generated_state state;
	size_t found = 0;
	DIR *d;

	d = opendir(directory);
	if (d == NULL)
		return errno == ENOENT || (print_error("cannot read %s: %s",
					       directory, strerror(errno)),
					      false);
	while ((entry = readdir(d)) != NULL && found < GONE_MAX) {
		if (!str_has_prefix(entry->d_name, kind->prefix))
			continue;
		path = arena_printf(a, "%s/%s", directory, entry->d_name);
		if (file_set_has(set, path))
			continue;
		state = generated_look(a, path, &place);
		if (state != GENERATED_OURS && state != GENERATED_EDITED)
			continue;
		found++;
		add(p,
		    (struct render_file){
			.path = path,
			.additions = place,
			.change = state == GENERATED_OURS ? RENDER_GONE
		                                          : RENDER_GONE_EDITED,
		    });
	}
	closedir(d);
	return true;
}

bool
render_plan_make(struct render_plan *p, const struct site *site,
    const struct render_options *o)
{
	struct arena *a = site->arena;
	struct render_file file;
	struct file_set set;
	size_t i;

	*p = (struct render_plan){ .arena = a };
	file_set_init(&set, a);
	for (i = 0; i < RENDER_KINDS; i++)
		if ((o->kinds & (1U << i)) != 0 &&
		    !render_add(
			&render_kinds[i], site, o->root, o->source, &set))
			return false;
	file_set_sort(&set);
	p->files = arena_alloc(
	    a, (set.n + RENDER_KINDS * GONE_MAX) * sizeof(*p->files));
	for (i = 0; i < set.n; i++) {
		file = (struct render_file){ .path = set.items[i].path,
			.text = set.items[i].text };
		file.change = compare(a, &set.items[i], &file.additions);
		add(p, file);
	}
	for (i = 0; i < RENDER_KINDS; i++)
		if ((o->kinds & (1U << i)) != 0 &&
		    !add_gone(p, &set, &render_kinds[i],
			arena_printf(
			    a, "%s%s", o->root, render_kinds[i].directory)))
			return false;
	return true;
}

size_t
render_plan_count(const struct render_plan *p, enum render_change change)
{
	size_t n = 0, i;

	for (i = 0; i < p->n; i++)
		n += p->files[i].change == change;
	return n;
}

/* Writing */

static bool
is_written(const struct render_file *file, bool force)
{
	return file->change == RENDER_NEW || file->change == RENDER_CHANGED ||
	       (file->change == RENDER_EDITED && force);
}

static bool
is_removed(const struct render_file *file, bool force)
{
	return file->change == RENDER_GONE ||
	       (file->change == RENDER_GONE_EDITED && force);
}

/* Where a file is written before it is renamed. */
static const char *
beside(const struct render_plan *p, const struct render_file *file)
{
	return arena_printf(p->arena, "%s.kedge-new", file->path);
}

static bool
make_parents(struct arena *a, const char *path)
{
	char *dir = arena_strdup(a, path);
	char *slash;

	for (slash = strchr(dir + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!file_make_dir(dir, 0755))
			return false;
		*slash = '/';
	}
	return true;
}

static void
forget(const struct render_plan *p, size_t n, bool force)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_written(&p->files[i], force))
			unlink(beside(p, &p->files[i]));
}

static bool
replace(const struct render_plan *p, const struct render_file *file, bool force)
{
	int result = 0;

	if (is_written(file, force))
		result = rename(beside(p, file), file->path);
	else if (is_removed(file, force))
		result = unlink(file->path);
	if (result == 0)
		return true;
	print_error("%s: %s", file->path, strerror(errno));
	return false;
}

bool
render_plan_write(const struct render_plan *p, bool force)
{
	const struct render_file *file;
	bool ok = true;
	size_t i;

	for (i = 0; i < p->n; i++) {
		file = &p->files[i];
		if (!is_written(file, force))
			continue;
		if (!make_parents(p->arena, file->path) ||
		    !file_write(p->arena, beside(p, file), 0644, file->text)) {
			forget(p, i, force);
			return false;
		}
	}
	/* From here on only a failing disk or file system is left. */
	for (i = 0; i < p->n; i++)
		ok = replace(p, &p->files[i], force) && ok;
	return ok;
}
