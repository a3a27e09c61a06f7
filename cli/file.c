#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "message.h"

static char *
read_all(struct arena *a, int fd, size_t size, size_t *ret_len)
{
	char *data = arena_alloc(a, size + 1);
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, data + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return NULL;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	data[len] = '\0';
	*ret_len = len;
	return data;
}

char *
file_find(struct arena *a, const char *path, size_t *ret_len)
{
	struct stat st;
	char *data = NULL;
	size_t len;
	int error;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0) {
		if (st.st_size > FILE_MAX_BYTES)
			errno = EFBIG;
		else
			data = read_all(a, fd, (size_t)st.st_size, &len);
	}
	error = errno;
	close(fd);
	errno = error;
	if (data != NULL && ret_len != NULL)
		*ret_len = len;
	return data;
}

char *
file_read(struct arena *a, const char *path, size_t *ret_len)
{
	char *data = file_find(a, path, ret_len);

	if (data == NULL)
		print_error("cannot read %s: %s", path, strerror(errno));
	return data;
}

static bool
write_all(int fd, const char *text, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, text + done, len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		done += (size_t)n;
	}
	return true;
}

bool
file_write(struct arena *a, const char *path, mode_t mode, const char *text)
{
	const char *fresh = arena_printf(a, "%s.new", path);
	bool ok = false;
	int fd;

	/* An interrupted write may have left this file with another mode. */
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd != -1) {
		ok = fchmod(fd, mode) == 0 && write_all(fd, text, strlen(text));
		ok = close(fd) == 0 && ok;
		ok = ok && rename(fresh, path) == 0;
	}
	if (ok)
		return true;
	print_error("cannot write %s: %s", path, strerror(errno));
	if (fd != -1)
		unlink(fresh);
	return false;
}

bool
file_update(struct arena *a, const char *path, mode_t mode, const char *text)
{
	const char *old = file_find(a, path, /* ret_len= */ NULL);

	if (old != NULL && strcmp(old, text) == 0)
		return true;
	return file_write(a, path, mode, text);
}

bool
file_make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return true;
	if (errno == EEXIST && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return true;
		errno = ENOTDIR;
	}
	print_error("cannot make the directory %s: %s", path, strerror(errno));
	return false;
}

bool
file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

const char *
file_tail(struct arena *a, const char *path, size_t max)
{
	struct stat st;
	char *data = NULL;
	size_t len;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return "";
	if (fstat(fd, &st) == 0 && (st.st_size <= (off_t)max ||
				       lseek(fd, -(off_t)max, SEEK_END) != -1))
		data = read_all(a, fd, max, &len);
	close(fd);
	return data != NULL ? data : "";
}
