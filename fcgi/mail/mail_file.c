#include "mail/mail_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

enum { MODE = 0600 };

static bool
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Returns 0 or an errno. */
static int
write_new(const char *path, const char *text, size_t len)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, MODE);
	int error = 0;

	if (fd == -1)
		return errno;
	if (!write_all(fd, text, len) || fsync(fd) == -1)
		error = errno;
	if (close(fd) == -1 && error == 0)
		error = errno;
	return error;
}

enum err
mail_file_write(struct arena *a, const char *directory, const char *id,
    const char *text, size_t len, const char **ret_reason)
{
	const char *path = arena_printf(a, "%s/%s.eml", directory, id);
	/* Two workers never write one message: the job has a lease. */
	const char *part = arena_printf(a, "%s/.%s.part", directory, id);
	int error = write_new(part, text, len);

	if (error == 0 && rename(part, path) == -1)
		error = errno;
	if (error == 0)
		return ERR_OK;
	unlink(part);
	*ret_reason = arena_printf(a,
	    "cannot write %s: %s; the directory must exist and be writable",
	    path, strerror(error));
	return ERR_UNAVAILABLE;
}
