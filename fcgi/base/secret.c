#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

/* The sources of a secret that are set; NULL: the source is not set. */
struct sources {
	const char *value;
	const char *file; /* path in NAME_FILE */
	const char *credential; /* path of the credential's file */
};

/*
 * Finds out which sources are set.  False: it cannot be known whether the
 * credential exists.
 */
static bool
find_sources(struct arena *a, const char *name, bool empty_is_unset,
    struct sources *ret_sources, const char **ret_problem)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	struct sources s = { .value = getenv(name) };
	struct stat st;

	if (s.value != NULL && s.value[0] == '\0' && empty_is_unset)
		s.value = NULL;
	s.file = getenv(arena_printf(a, "%s_FILE", name));
	if (dir != NULL && dir[0] != '\0') {
		s.credential = arena_printf(a, "%s/%s", dir, name);
		if (stat(s.credential, &st) == -1) {
			if (errno != ENOENT) {
				*ret_problem =
				    arena_printf(a, "cannot read %s: %s",
					s.credential, strerror(errno));
				return false;
			}
			s.credential = NULL;
		}
	}
	*ret_sources = s;
	return true;
}

/* Returns a sentence that names the two sources; NULL: at most one is set. */
static const char *
conflict(struct arena *a, const char *name, const struct sources *s)
{
	const char *value =
	    s->value == NULL ? NULL : arena_printf(a, "the variable %s", name);
	const char *file = s->file == NULL
	                       ? NULL
	                       : arena_printf(a, "the variable %s_FILE", name);
	const char *credential =
	    s->credential == NULL
		? NULL
		: arena_printf(a, "the credential %s", s->credential);
	const char *first = value != NULL ? value : file;
	const char *second = value != NULL && file != NULL ? file : credential;

	if (first == NULL || second == NULL)
		return NULL;
	return arena_printf(
	    a, "%s and %s both set it; remove one of them", first, second);
}

/*
 * Reads at most SECRET_FILE_MAX_BYTES + 1 bytes.  Returns their number; -1: an
 * error, which is in errno.
 */
static ssize_t
read_bytes(int fd, char buf[SECRET_FILE_MAX_BYTES + 1])
{
	size_t len = 0;

	while (len <= SECRET_FILE_MAX_BYTES) {
		ssize_t n =
		    read(fd, buf + len, SECRET_FILE_MAX_BYTES + 1 - len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/*
 * Removes the newline at the end of the secret.  Returns a description of what
 * is wrong with the content; NULL: it is valid.
 */
static const char *
check_content(char *text, size_t len)
{
	if (len > SECRET_FILE_MAX_BYTES)
		return "it has more than 16384 bytes";
	if (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	if (len == 0)
		return "it is empty";
	if (memchr(text, '\0', len) != NULL)
		return "it contains a NUL byte";
	if (strpbrk(text, "\r\n") != NULL)
		return "it has several lines, or a carriage return; it must "
		       "have one line";
	return NULL;
}

static_assert(SECRET_FILE_MAX_BYTES == 16384, "a message names the number");

static const char *
read_open_file(struct arena *a, int fd, struct secret *ret_secret)
{
	char *text;
	const char *problem;
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	text = arena_alloc(a, SECRET_FILE_MAX_BYTES + 1);
	len = read_bytes(fd, text);
	if (len == -1)
		return strerror(errno);
	problem = check_content(text, (size_t)len);
	if (problem != NULL) {
		explicit_bzero(text, SECRET_FILE_MAX_BYTES + 1);
		return problem;
	}
	ret_secret->text = arena_strdup(a, text);
	explicit_bzero(text, SECRET_FILE_MAX_BYTES + 1);
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		ret_secret->open_mode = st.st_mode & 07777;
	return NULL;
}

static bool
read_file(struct arena *a, const char *path, struct secret *ret_secret,
    const char **ret_problem)
{
	/* O_NONBLOCK: opening a FIFO that nobody writes must not block. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *problem;

	ret_secret->path = path;
	problem =
	    fd == -1 ? strerror(errno) : read_open_file(a, fd, ret_secret);
	if (fd != -1)
		close(fd);
	if (problem == NULL)
		return true;
	*ret_problem = arena_printf(a, "cannot read %s: %s", path, problem);
	return false;
}

bool
secret_read(struct arena *a, const char *name, bool empty_is_unset,
    struct secret *ret_secret, const char **ret_problem)
{
	struct secret secret = { 0 };
	struct sources s;
	const char *both;

	assert(strlen(name) < SECRET_NAME_SIZE);
	if (!find_sources(a, name, empty_is_unset, &s, ret_problem))
		return false;
	both = conflict(a, name, &s);
	if (both != NULL) {
		*ret_problem = both;
		return false;
	}
	if (s.file != NULL && s.file[0] != '/') {
		*ret_problem = arena_printf(a,
		    "%s_FILE is \"%s\"; it must be the absolute path of a file",
		    name, s.file);
		return false;
	}
	secret.text = s.value;
	if (s.credential != NULL || s.file != NULL) {
		if (!read_file(a, s.file != NULL ? s.file : s.credential,
			&secret, ret_problem))
			return false;
	}
	*ret_secret = secret;
	return true;
}
