#include "logs_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"

#include "logs_line.h"
#include "logs_merge.h"
#include "logs_split.h"
#include "message.h"

enum { FILES_MAX = 512, PART = 64 * 1024 };

/* An open file, and how far it was read. */
struct reader {
	int fd; /* -1: none */
	off_t at;
	struct logs_split *split;
};

struct logs_file {
	struct logs_file_set *set;
	const char *path;
	const char *copy; /* PATH.1 */
	const char *name;
	bool is_service;
	bool is_followed; /* it was read once */
	char time[LOGS_TIME_LEN + 1]; /* for lines without one */
	struct reader now;
	struct reader before; /* the renamed file */
	struct stat copy_state; /* of PATH.1, when it was last looked at */
};

struct logs_file_set {
	struct arena *arena;
	struct arena *scratch;
	struct logs_file_options o;
	struct logs_merge *merge;
	struct logs_file *files[FILES_MAX];
	const char *names[FILES_MAX + 1];
	int nfiles;
};

/* -- names -- */

static bool
is_named(const char *log, const char *name)
{
	size_t len = strlen(name);

	return str_has_prefix(log, name) &&
	       (log[len] == '\0' || log[len] == '-');
}

bool
logs_is_named(const char *log, const char *const *names, int nnames)
{
	for (int i = 0; i < nnames; i++)
		if (is_named(log, names[i]))
			return true;
	return nnames == 0;
}

/* "core" of "/var/log/kedge/core/core.log" */
static const char *
name_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	/* nginx's logs on a server are called by their use. */
	if (str_has_prefix(path, "/var/log/nginx/"))
		return "nginx";
	return arena_strndup(a, name, strcspn(name, "."));
}

/* -- reading -- */

static void
take_line(void *ctx, const char *text)
{
	struct logs_file *f = ctx;
	struct logs_line line;

	if (*text == '\0')
		return;
	arena_reset(f->set->scratch);
	line = logs_line_read(f->set->scratch,
	    &(struct logs_place){
		.name = f->name, .time = f->time, .is_service = f->is_service },
	    text);
	memcpy(f->time, line.time, sizeof(f->time));
	logs_merge_add(f->set->merge, &line);
}

/* Adds what follows the position of the reader. */
static bool
read_on(struct logs_file *f, struct reader *r)
{
	char part[PART];
	ssize_t n;

	if (r->fd == -1)
		return true;
	while ((n = pread(r->fd, part, sizeof(part), r->at)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			print_error(
			    "cannot read %s: %s", f->path, strerror(errno));
			return false;
		}
		r->at += n;
		logs_split_add(r->split, part, (size_t)n);
	}
	return true;
}

static struct reader
new_reader(struct logs_file *f)
{
	struct reader r = { .fd = -1 };

	r.split = arena_alloc(f->set->arena, sizeof(*r.split));
	r.split->line = take_line;
	r.split->ctx = f;
	return r;
}

static void
reader_close(struct reader *r)
{
	if (r->fd == -1)
		return;
	logs_split_end(r->split);
	close(r->fd);
	r->fd = -1;
}

/* A log that has just been rotated away is no error. */
static bool
reader_open(struct logs_file *f, struct reader *r, const char *path)
{
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	r->at = 0;
	if (r->fd != -1 || errno == ENOENT)
		return true;
	print_error("cannot read %s: %s%s", path, strerror(errno),
	    errno == EACCES ? "; run this command as root" : "");
	f->is_followed = true;
	return false;
}

/* -- the first time -- */

static bool
is_older(const struct stat *st, const char *since)
{
	char time[LOGS_TIME_LEN + 1];

	if (since == NULL)
		return false;
	/*
	 * st_mtime has whole seconds here: a line may have been written up to
	 * one second after it, so compare with the end of that second.
	 */
	logs_time_write(((int64_t)st->st_mtime + 1) * 1000, time);
	return strcmp(time, since) < 0;
}

/* Skips the lines that are too old, and all but the end of a long file. */
static void
skip(const struct logs_file *f, struct reader *r)
{
	int64_t tail = f->set->o.tail_bytes;
	struct stat st;

	if (fstat(r->fd, &st) == -1)
		return;
	if (is_older(&st, f->set->o.since)) {
		r->at = st.st_size;
	} else if (tail > 0 && st.st_size > tail) {
		r->at = st.st_size - tail;
		r->split->skips = true;
	}
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Lines without a time get the time of the file, until a line has a time. */
static void
set_first_time(struct logs_file *f, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		logs_time_write((int64_t)st.st_mtime * 1000, f->time);
}

static bool
read_first(struct logs_file *f)
{
	struct reader copy = { .fd = -1 };
	struct stat one, two;
	bool ok;

	if (!reader_open(f, &f->now, f->path))
		return false;
	if (f->now.fd == -1)
		return true; /* it appears later */
	f->is_followed = true;
	set_first_time(f, f->now.fd);
	skip(f, &f->now);
	copy.split = f->before.split;
	if (!reader_open(f, &copy, f->copy))
		return false;
	if (copy.fd != -1 && fstat(copy.fd, &one) == 0 &&
	    fstat(f->now.fd, &two) == 0 && !same_file(&one, &two)) {
		skip(f, &copy);
		ok = read_on(f, &copy);
	} else {
		ok = true;
	}
	reader_close(&copy);
	return ok && read_on(f, &f->now);
}

/* -- rotation -- */

/*
 * After the file was emptied: reads the rest of the lines from its copy, if
 * there is a copy.
 */
static bool
read_copy(struct logs_file *f)
{
	struct reader copy = { .split = f->now.split };
	struct stat st;
	bool ok = true;

	if (!reader_open(f, &copy, f->copy))
		return false;
	if (copy.fd == -1)
		return true;
	/*
	 * A copy that has not changed since the last look is of an earlier
	 * rotation.
	 */
	if (fstat(copy.fd, &st) == 0 && st.st_size >= f->now.at &&
	    !(same_file(&st, &f->copy_state) &&
		st.st_mtime == f->copy_state.st_mtime)) {
		copy.at = f->now.at;
		ok = read_on(f, &copy);
	}
	close(copy.fd);
	return ok;
}

static bool
read_new(struct logs_file *f)
{
	struct reader closed;
	struct stat here, there;

	logs_time_write(clock_now_ms(), f->time);
	if (!read_on(f, &f->before))
		return false;
	if (f->now.fd == -1)
		return reader_open(f, &f->now, f->path) && read_on(f, &f->now);
	if (fstat(f->now.fd, &here) == -1)
		return true;
	if (here.st_size < f->now.at) {
		if (!read_copy(f))
			return false;
		logs_split_end(f->now.split);
		f->now.at = 0;
	}
	if (!read_on(f, &f->now))
		return false;
	if (stat(f->path, &there) == -1 || same_file(&here, &there))
		return true;
	reader_close(&f->before);
	closed = f->before;
	f->before = f->now;
	f->now = closed;
	return reader_open(f, &f->now, f->path) && read_on(f, &f->now);
}

/* -- all files -- */

static struct logs_file *
find_file(struct logs_file_set *set, const char *path)
{
	for (int i = 0; i < set->nfiles; i++)
		if (str_eq(set->files[i]->path, path))
			return set->files[i];
	return NULL;
}

static void
add_file(struct logs_file_set *set, const char *path)
{
	struct arena *a = set->arena;
	struct logs_file *f;

	if (set->nfiles == FILES_MAX || find_file(set, path) != NULL)
		return;
	f = arena_alloc(a, sizeof(*f));
	f->set = set;
	f->path = arena_strdup(a, path);
	f->copy = arena_printf(a, "%s.1", path);
	f->name = name_of(a, f->path);
	f->is_service = spec_find(set->o.spec, f->name) != NULL;
	f->now = new_reader(f);
	f->before = new_reader(f);
	set->names[set->nfiles] = f->name;
	set->files[set->nfiles++] = f;
}

static void
find_files(struct logs_file_set *set)
{
	const char *const *pattern;
	glob_t found;
	size_t i;

	for (pattern = set->o.patterns; *pattern != NULL; pattern++) {
		if (glob(*pattern, 0, NULL, &found) != 0)
			continue;
		for (i = 0; i < found.gl_pathc; i++)
			add_file(set, found.gl_pathv[i]);
		globfree(&found);
	}
}

struct logs_file_set *
logs_files_new(struct arena *a, const struct logs_file_options *o)
{
	struct logs_file_set *set = arena_alloc(a, sizeof(*set));

	set->arena = a;
	set->scratch = arena_new();
	arena_defer(a, (void (*)(void *))arena_free, set->scratch);
	set->o = *o;
	find_files(set);
	return set;
}

bool
logs_files_read(struct logs_file_set *set, struct logs_merge *merge)
{
	struct logs_file *f;

	set->merge = merge;
	find_files(set);
	for (int i = 0; i < set->nfiles; i++) {
		f = set->files[i];
		if (!logs_is_named(f->name, set->o.names, set->o.nnames))
			continue;
		if (f->is_followed ? !read_new(f) : !read_first(f))
			return false;
		if (stat(f->copy, &f->copy_state) == -1)
			f->copy_state = (struct stat){ 0 };
	}
	return true;
}

void
logs_files_end(struct logs_file_set *set)
{
	for (int i = 0; i < set->nfiles; i++)
		logs_split_end(set->files[i]->now.split);
}

const char *const *
logs_files_names(struct logs_file_set *set)
{
	return set->names;
}
