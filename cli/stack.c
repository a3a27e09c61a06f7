#include "stack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "file.h"
#include "lock.h"
#include "message.h"

static const char *
parent_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return "/";
	return arena_strndup(a, path, (size_t)(slash - path));
}

static const char *
canonical(struct arena *a, const char *path)
{
	char resolved[PATH_MAX];

	if (realpath(path, resolved) == NULL)
		return NULL;
	return arena_strdup(a, resolved);
}

/*
 * Finds Kedge's files from the path of this binary: in a checkout it is
 * ROOT/build/plain/kedge, and an installed one is PREFIX/bin/kedge, with the
 * other files in PREFIX/lib/kedge and PREFIX/share/kedge. A checkout takes
 * precedence.
 */
static bool
find_root(struct stack *s)
{
	const char *exe = canonical(s->arena, "/proc/self/exe");
	const char *given = getenv("KEDGE_ROOT");
	const char *dir, *prefix;

	if (exe == NULL) {
		print_error(
		    "cannot find the path of this binary; is /proc mounted?");
		return false;
	}
	dir = parent_of(s->arena, exe);
	prefix = parent_of(s->arena, dir);
	s->root = arena_printf(s->arena, "%s/../..", dir);
	s->bin = dir;
	if (!file_exists(arena_printf(s->arena, "%s/kedge.json", s->root)) &&
	    file_exists(
		arena_printf(s->arena, "%s/share/kedge/kedge.json", prefix))) {
		s->is_installed = true;
		s->root = arena_printf(s->arena, "%s/share/kedge", prefix);
		s->bin = arena_printf(s->arena, "%s/lib/kedge", prefix);
	}
	if (given != NULL)
		s->root = given;
	dir = canonical(s->arena, s->root);
	if (dir == NULL) {
		print_error("%s%s: %s", given != NULL ? "KEDGE_ROOT: " : "",
		    s->root, strerror(errno));
		return false;
	}
	s->root = dir;
	return true;
}

/*
 * The default directory of a stack. An installed Kedge keeps the stacks of a
 * person among that person's files (XDG Base Directory Specification). NULL:
 * there is no such place, because HOME is not set.
 */
static const char *
default_dir(const struct stack *s)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");

	if (!s->is_installed)
		return arena_printf(s->arena, "%s/.run", s->root);
	if (data != NULL && data[0] == '/')
		return arena_printf(s->arena, "%s/kedge", data);
	if (home != NULL && home[0] == '/')
		return arena_printf(s->arena, "%s/.local/share/kedge", home);
	return NULL;
}

const char *
stack_dir_option(const struct stack *s)
{
	const char *dir = default_dir(s);

	if (dir != NULL)
		dir = canonical(s->arena, dir);
	return dir != NULL && str_eq(dir, s->dir)
	           ? ""
	           : arena_printf(s->arena, " --dir %s", s->dir);
}

const char *
stack_root(struct arena *a)
{
	struct stack s = { .arena = a };

	return find_root(&s) ? s.root : NULL;
}

bool
stack_open(struct stack *s, struct arena *a, const char *dir_option)
{
	char cwd[PATH_MAX];

	*s = (struct stack){ .arena = a };
	if (!find_root(s))
		return false;
	if (!spec_read(a, arena_printf(a, "%s/kedge.json", s->root), &s->spec))
		return false;
	if (dir_option == NULL) {
		s->dir = default_dir(s);
		if (s->dir == NULL)
			print_error("HOME is not set; name the stack's "
				    "directory with --dir");
	} else if (dir_option[0] == '/') {
		s->dir = dir_option;
	} else if (dir_option[0] == '\0' || getcwd(cwd, sizeof(cwd)) == NULL) {
		print_error("--dir: not a directory");
		return false;
	} else {
		s->dir = arena_printf(a, "%s/%s", cwd, dir_option);
	}
	return s->dir != NULL;
}

bool
stack_open_server(struct stack *s, struct arena *a, const char *spec)
{
	*s = (struct stack){ .arena = a, .is_system = true };
	if (!find_root(s))
		return false;
	s->dir = SYSTEM_DIR;
	return spec_read(
	    a, spec != NULL ? spec : SYSTEM_DIR "/kedge.json", &s->spec);
}

bool
stack_open_system(struct stack *s, struct arena *a)
{
	return stack_open_server(s, a, /* spec= */ NULL);
}

bool
stack_wants_system(const struct stack *s, const char *dir_option)
{
	return s->is_installed && dir_option == NULL && geteuid() == 0 &&
	       !stack_is_made(s) && file_exists(SYSTEM_DIR "/generated");
}

const char *
stack_programs(const struct stack *s, const char *service)
{
	if (s->is_installed)
		return arena_printf(
		    s->arena, "%s/programs/%s", s->bin, service);
	return arena_printf(
	    s->arena, "%s/services/%s/programs", s->root, service);
}

/* Makes the directories above the stack's, such as ~/.local/share. */
static bool
make_parents(const struct stack *s)
{
	char *path = arena_strdup(s->arena, s->dir);
	char *slash;

	for (slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!file_exists(path) && !file_make_dir(path, 0755))
			return false;
		*slash = '/';
	}
	return true;
}

/*
 * Whether `up` may write its files to the directory: only to a stack's
 * directory or an empty one.
 */
static bool
check_ours(const char *dir)
{
	char foreign[NAME_MAX + 1] = "";
	struct dirent *entry;
	DIR *d;

	if (file_exists(LOCK_FILE))
		return true;
	d = opendir(".");
	if (d == NULL) {
		print_error("cannot read %s: %s", dir, strerror(errno));
		return false;
	}
	while (foreign[0] == '\0' && (entry = readdir(d)) != NULL)
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			(void)snprintf(
			    foreign, sizeof(foreign), "%s", entry->d_name);
	closedir(d);
	if (foreign[0] == '\0')
		return true;
	print_error("%s is no stack's directory, and holds other files (%s): "
		    "name one that is empty or does not exist",
	    dir, foreign);
	return false;
}

/*
 * Marks the directory as a stack's. That comes first: whatever fails
 * afterwards, the next command knows the directory as its own.
 */
static bool
mark(const char *dir)
{
	int fd;

	if (file_exists(LOCK_FILE))
		return true;
	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1) {
		print_error(
		    "cannot make %s/" LOCK_FILE ": %s", dir, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

static bool
enter(struct arena *a, const char **dir)
{
	const char *full;

	if (chdir(*dir) == -1) {
		print_error("cannot enter %s: %s", *dir, strerror(errno));
		return false;
	}
	full = canonical(a, ".");
	if (full != NULL)
		*dir = full;
	return true;
}

/*
 * Refuses paths with special characters: nginx expands "$" and the pattern
 * characters in paths, and libpq splits host names at commas. Neither can be
 * quoted.
 */
static bool
check_name(const char *dir)
{
	size_t len = strcspn(dir, "$*?[,");

	if (dir[len] == '\0')
		return true;
	print_error(
	    "%s: the servers cannot work in a directory with \"%c\" in its "
	    "name",
	    dir, dir[len]);
	return false;
}

bool
stack_make(struct stack *s)
{
	static const struct {
		const char *path;
		mode_t mode;
	} dirs[] = {
		/*
		 * nginx makes its sockets with mode 0666, so the mode of the
		 * directory must protect them.
		 */
		{ "run", 0700 },
		{ "env", 0700 },
		{ "log", 0750 },
		{ "mail", 0700 },
		{ "nginx", 0700 },
		{ "nginx/tmp", 0700 },
		{ "redis", 0700 },
	};
	size_t i;

	/*
	 * The mode is 0755, because PostgreSQL's user must be able to enter the
	 * directory if the stack runs as root.
	 */
	if (!check_name(s->dir) || (s->is_installed && !make_parents(s)) ||
	    !file_make_dir(s->dir, 0755) || !enter(s->arena, &s->dir) ||
	    !check_name(s->dir) || !check_ours(s->dir) || !mark(s->dir))
		return false;
	for (i = 0; i < COUNT_OF(dirs); i++)
		if (!file_make_dir(dirs[i].path, dirs[i].mode))
			return false;
	return true;
}

bool
stack_is_made(const struct stack *s)
{
	return file_exists(arena_printf(s->arena, "%s/" LOCK_FILE, s->dir));
}

bool
stack_enter(struct stack *s)
{
	if (stack_is_made(s))
		return enter(s->arena, &s->dir);
	print_error("there is no stack in %s; \"kedge up\" makes one", s->dir);
	return false;
}

bool
stack_open_either(
    struct stack *s, struct arena *a, const char *dir_option, bool system)
{
	if (system)
		return stack_open_system(s, a);
	if (!stack_open(s, a, dir_option))
		return false;
	return !stack_wants_system(s, dir_option) || stack_open_system(s, a);
}
