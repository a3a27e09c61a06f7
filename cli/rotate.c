#include "rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

#include "message.h"

static bool
copy(int from, int to)
{
	ssize_t n;

	do
		n = copy_file_range(
		    from, NULL, to, NULL, ROTATE_BYTES, /* flags= */ 0);
	while (n > 0 || (n == -1 && errno == EINTR));
	return n == 0;
}

/*
 * Copies the log. Deletes the previous copy first, because the disk may be
 * full.
 */
static bool
save_copy(struct arena *a, const char *path, int log)
{
	const char *old = arena_printf(a, "%s.1", path);
	int fd;
	bool good;

	if (unlink(old) == -1 && errno != ENOENT)
		return false;
	fd = open(
	    old, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1)
		return false;
	good = copy(log, fd);
	close(fd);
	if (!good)
		unlink(old);
	return good;
}

void
rotate_log(struct arena *a, const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size <= ROTATE_BYTES)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return;
	if (!save_copy(a, path, fd))
		print_error("cannot copy %s: %s", path, strerror(errno));
	if (ftruncate(fd, 0) == -1)
		print_error("cannot truncate %s: %s", path, strerror(errno));
	close(fd);
}
