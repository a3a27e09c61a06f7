#include "scaffold.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"

#include "file.h"
#include "message.h"
#include "template.h"

#define TEMPLATES_DIR "templates"
#define INSTALLED_TEMPLATES_DIR "/usr/share/kedge/templates"

bool
scaffold_open(struct scaffold *s, struct arena *a, const char *root)
{
	*s = (struct scaffold){ .arena = a, .root = root };
	if (chdir(root) == -1) {
		print_error("cannot enter %s: %s", root, strerror(errno));
		return false;
	}
	if (!file_exists("services") || !file_exists("fcgi") ||
	    !file_exists("t/lib")) {
		print_error(
		    "%s is not a checkout of Kedge: run ./kedge in one, "
		    "or set KEDGE_ROOT to its path",
		    root);
		return false;
	}
	s->templates = TEMPLATES_DIR;
	if (!file_exists(s->templates))
		s->templates = INSTALLED_TEMPLATES_DIR;
	if (!file_exists(s->templates)) {
		print_error("there are no templates in %s/" TEMPLATES_DIR
			    " or " INSTALLED_TEMPLATES_DIR
			    "; restore that directory with git",
		    root);
		return false;
	}
	return true;
}

const char *
scaffold_record(struct arena *a, const char *service)
{
	return arena_printf(a, "services/%s/.scaffold", service);
}

static struct scaffold_file *
find_file(struct scaffold *s, const char *path)
{
	int i;

	for (i = 0; i < s->nfiles; i++)
		if (str_eq(s->files[i].path, path))
			return &s->files[i];
	return NULL;
}

static bool
put(struct scaffold *s, enum scaffold_kind kind, const char *path,
    const char *text, const char *old)
{
	if (s->nfiles == SCAFFOLD_FILES_MAX) {
		print_error(
		    "more than %d files change at once", SCAFFOLD_FILES_MAX);
		return false;
	}
	s->files[s->nfiles++] = (struct scaffold_file){
		.kind = kind,
		.path = arena_strdup(s->arena, path),
		.text = text,
		.old = old,
	};
	return true;
}

bool
scaffold_add(struct scaffold *s, const char *path, const char *text)
{
	if (find_file(s, path) == NULL && !file_exists(path))
		return put(s, SCAFFOLD_NEW, path, text, /* old= */ NULL);
	print_error(
	    "%s exists already; move it away, or choose another name", path);
	return false;
}

bool
scaffold_make(struct scaffold *s, const char *path, const char *template,
    const struct template_value *values)
{
	const char *source =
	    arena_printf(s->arena, "%s/%s.in", s->templates, template);
	struct buf b;

	buf_init(&b, s->arena, FILE_MAX_BYTES);
	if (!template_add_file(&b, s->arena, source, values))
		return false;
	if (buf_failed(&b)) {
		print_error("%s: more than %d bytes", path, FILE_MAX_BYTES);
		return false;
	}
	return scaffold_add(s, path, b.data);
}

const char *
scaffold_text(struct scaffold *s, const char *path)
{
	const struct scaffold_file *f = find_file(s, path);

	return f != NULL ? f->text : file_read(s->arena, path, NULL);
}

bool
scaffold_edit(struct scaffold *s, const char *path, const char *text)
{
	struct scaffold_file *f = find_file(s, path);
	const char *old;

	if (f != NULL) {
		f->text = text;
		return true;
	}
	old = file_read(s->arena, path, /* ret_len= */ NULL);
	return old != NULL && put(s, SCAFFOLD_EDIT, path, text, old);
}

bool
scaffold_delete(struct scaffold *s, const char *path)
{
	const char *old = file_read(s->arena, path, /* ret_len= */ NULL);

	return old != NULL &&
	       put(s, SCAFFOLD_DELETE, path, /* text= */ NULL, old);
}

/* -- the stage -- */

/*
 * The path of the file in the stage. Its name ends like that of the file, since
 * clang-format chooses the language by it.
 */
static const char *
staged(const struct scaffold *s, const struct scaffold_file *f)
{
	const char *slash = strrchr(f->path, '/');

	return arena_printf(s->arena, "%s/%d-%s", s->stage, (int)(f - s->files),
	    slash != NULL ? slash + 1 : f->path);
}

static bool
write_stage(struct scaffold *s)
{
	char *dir = arena_strdup(s->arena, "build/add-XXXXXX");
	const struct scaffold_file *f;

	if (!file_make_dir("build", 0755))
		return false;
	if (mkdtemp(dir) == NULL) {
		print_error(
		    "cannot make %s/%s: %s", s->root, dir, strerror(errno));
		return false;
	}
	s->stage = dir;
	for (f = s->files; f < s->files + s->nfiles; f++)
		if (f->text != NULL &&
		    !file_write(s->arena, staged(s, f),
			str_has_prefix(f->text, "#!") ? 0755 : 0644, f->text))
			return false;
	return true;
}

static void
remove_stage(const struct scaffold *s)
{
	const struct scaffold_file *f;

	if (s->stage == NULL)
		return;
	for (f = s->files; f < s->files + s->nfiles; f++)
		unlink(staged(s, f));
	rmdir(s->stage);
}

static bool
is_c(const struct scaffold_file *f)
{
	size_t len = strlen(f->path);

	return f->kind == SCAFFOLD_NEW && len > 2 &&
	       (str_eq(f->path + len - 2, ".c") ||
		   str_eq(f->path + len - 2, ".h"));
}

/*
 * Line breaks depend on the lengths of names, so the new C files are formatted
 * by clang-format. Without it they compile all the same, and `make lint`, which
 * needs it, reports them.
 */
static bool
format(struct scaffold *s)
{
	char **argv =
	    arena_alloc(s->arena, ((size_t)s->nfiles + 3) * sizeof(*argv));
	const struct scaffold_file *f;
	int n = 2, status;
	pid_t pid;

	argv[0] = arena_strdup(s->arena, "clang-format");
	argv[1] = arena_strdup(s->arena, "-i");
	for (f = s->files; f < s->files + s->nfiles; f++)
		if (is_c(f))
			argv[n++] = arena_strdup(s->arena, staged(s, f));
	argv[n] = NULL;
	if (n == 2)
		return true;
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid) {
		print_error("cannot run clang-format: %s", strerror(errno));
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		print_error("clang-format is not installed, so the new files "
			    "may not be formatted; \"./kedge setup lint\" "
			    "installs it");
		return true;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		print_error("clang-format failed");
		return false;
	}
	return true;
}

/* Reads the new files again, which clang-format may have changed. */
static bool
read_formatted(struct scaffold *s)
{
	struct scaffold_file *f;

	for (f = s->files; f < s->files + s->nfiles; f++) {
		if (!is_c(f))
			continue;
		f->text = file_read(s->arena, staged(s, f), NULL);
		if (f->text == NULL)
			return false;
	}
	return true;
}

/* -- the record -- */

static void
add_to_record(struct buf *b, const char *text, const char *path)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(text, strlen(text), hex);
	buf_printf(b, "%s  %s\n", hex, path);
}

/*
 * Adds a line of the old record. A file that this change edits gets its new
 * checksum, if it had the recorded checksum before. A file that somebody has
 * edited keeps the recorded one.
 */
static void
keep_line(struct scaffold *s, struct buf *b, const char *line, size_t len)
{
	const char *path = arena_strndup(
	    s->arena, line + SCAFFOLD_PATH_AT, len - SCAFFOLD_PATH_AT);
	const struct scaffold_file *f = find_file(s, path);
	char hex[SHA256_HEX_SIZE];

	if (f != NULL && f->kind == SCAFFOLD_EDIT) {
		sha256_hex(f->old, strlen(f->old), hex);
		if (memcmp(hex, line, SHA256_HEX_SIZE - 1) == 0) {
			add_to_record(b, f->text, path);
			return;
		}
	}
	buf_put(b, line, len);
	buf_putc(b, '\n');
}

static bool
write_record(struct scaffold *s)
{
	const char *line, *end, *old = NULL;
	struct scaffold_file *f;
	struct buf b;

	if (s->record == NULL)
		return true;
	buf_init(&b, s->arena, FILE_MAX_BYTES);
	if (file_exists(s->record)) {
		old = file_read(s->arena, s->record, /* ret_len= */ NULL);
		if (old == NULL)
			return false;
	}
	for (line = old; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL || end - line <= SCAFFOLD_PATH_AT) {
			print_error(
			    "%s: a line is not that of sha256sum", s->record);
			return false;
		}
		keep_line(s, &b, line, (size_t)(end - line));
	}
	for (f = s->files; f < s->files + s->nfiles; f++)
		if (f->kind == SCAFFOLD_NEW)
			add_to_record(&b, f->text, f->path);
	f = &s->files[s->nfiles];
	return !buf_failed(&b) &&
	       put(s, old != NULL ? SCAFFOLD_EDIT : SCAFFOLD_NEW, s->record,
		   b.data, old) &&
	       file_write(s->arena, staged(s, f), 0644, f->text);
}

/* -- the steps -- */

/* Makes the directories above the file that are missing. */
static bool
make_parents(struct scaffold *s, const char *path)
{
	char *dir = arena_strdup(s->arena, path);
	char *slash = dir;

	while ((slash = strchr(slash, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(dir, 0755) == 0) {
			if (s->ndirs < SCAFFOLD_FILES_MAX)
				s->dirs[s->ndirs++] =
				    arena_strdup(s->arena, dir);
		} else if (errno != EEXIST) {
			print_error("cannot make the directory %s: %s", dir,
			    strerror(errno));
			return false;
		}
		*slash++ = '/';
	}
	return true;
}

/* False: somebody has changed the file since it was read. */
static bool
check_unchanged(struct scaffold *s, const struct scaffold_file *f)
{
	const char *now = file_read(s->arena, f->path, /* ret_len= */ NULL);

	if (now == NULL || str_eq(now, f->old))
		return now != NULL;
	print_error("%s has changed meanwhile; try again", f->path);
	return false;
}

static bool
apply(struct scaffold *s, struct scaffold_file *f)
{
	struct stat st;
	bool ok = false;

	switch (f->kind) {
	case SCAFFOLD_NEW:
		/* Unlike rename(), link() never replaces a file. */
		ok = make_parents(s, f->path) &&
		     link(staged(s, f), f->path) == 0;
		break;
	case SCAFFOLD_EDIT:
		if (!check_unchanged(s, f))
			return false;
		ok = stat(f->path, &st) == 0 &&
		     chmod(staged(s, f), st.st_mode & 0777) == 0 &&
		     rename(staged(s, f), f->path) == 0;
		break;
	case SCAFFOLD_DELETE:
		if (!check_unchanged(s, f))
			return false;
		ok = rename(f->path, staged(s, f)) == 0;
		break;
	}
	f->done = ok;
	if (!ok)
		print_error("cannot change %s: %s", f->path, strerror(errno));
	return ok;
}

static void
undo(struct scaffold *s)
{
	struct scaffold_file *f;
	struct stat st;

	for (f = s->files + s->nfiles; f-- > s->files;) {
		if (!f->done)
			continue;
		if (f->kind == SCAFFOLD_NEW)
			unlink(f->path);
		else if (f->kind == SCAFFOLD_DELETE)
			(void)!rename(staged(s, f), f->path);
		else if (stat(f->path, &st) == 0)
			(void)!file_write(
			    s->arena, f->path, st.st_mode & 0777, f->old);
	}
	while (s->ndirs > 0)
		rmdir(s->dirs[--s->ndirs]);
}

/* Removes the directories that are empty after their files were deleted. */
static void
remove_empty_dirs(struct scaffold *s)
{
	struct scaffold_file *f;
	char *dir, *slash;

	for (f = s->files; f < s->files + s->nfiles; f++) {
		if (f->kind != SCAFFOLD_DELETE)
			continue;
		dir = arena_strdup(s->arena, f->path);
		while ((slash = strrchr(dir, '/')) != NULL) {
			*slash = '\0';
			if (rmdir(dir) == -1)
				break;
		}
	}
}

bool
scaffold_commit(struct scaffold *s)
{
	sigset_t all, before;
	struct scaffold_file *f;
	bool ok;

	ok =
	    write_stage(s) && format(s) && read_formatted(s) && write_record(s);
	/* An interruption must not leave half of the files. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	for (f = s->files; ok && f < s->files + s->nfiles; f++)
		ok = apply(s, f);
	if (ok)
		remove_empty_dirs(s);
	else
		undo(s);
	remove_stage(s);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ok;
}
