#include "base/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

static struct {
	int fd; /* descriptor of our own, with O_NONBLOCK; or -1 */
	bool is_socket;
	bool is_journal;
	bool asks; /* a write could block, so call poll() first */
	atomic_bool torn; /* the last line was written only in part */
	atomic_bool works; /* the last line was written completely */
	_Atomic int64_t lost;
} output = { .fd = -1, .works = true };

/*
 * Whether a file is the one that systemd has connected to its journal: its
 * device and inode are in JOURNAL_STREAM (systemd.exec(5)).
 */
static bool
is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];

	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st->st_dev,
	    (unsigned long long)st->st_ino);
	return stream != NULL && str_eq(stream, own);
}

/*
 * O_NONBLOCK belongs to the open file description, which a shell or another
 * process may share with this one; so the file is opened again.  A socket (such
 * as journald's) cannot be opened again, but send() can be told not to block.
 * If the file cannot be opened, for example a pipe of another user, poll() is
 * called before each write.
 */
void
log_output_set_nonblocking(void)
{
	struct stat st;

	if (output.fd >= 0 || fstat(STDERR_FILENO, &st) != 0)
		return;
	if (S_ISREG(st.st_mode))
		return; /* a regular file never blocks */
	output.is_socket = S_ISSOCK(st.st_mode);
	output.is_journal = is_journal(&st);
	if (output.is_socket)
		return;
	output.fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	output.asks = output.fd < 0;
}

bool
log_output_open(const char *path)
{
	int fd = open(
	    path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0640);

	if (fd < 0)
		return false;
	if (output.fd >= 0)
		close(output.fd);
	output.fd = fd;
	output.is_socket = false;
	output.is_journal = false;
	output.asks = false;
	return true;
}

bool
log_output_is_journal(void)
{
	return output.is_journal;
}

static ssize_t
write_some(const char *bytes, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (output.is_socket)
		return send(
		    STDERR_FILENO, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (output.fd >= 0)
		return write(output.fd, bytes, len);
	if (output.asks && poll(&p, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	return write(STDERR_FILENO, bytes, len);
}

/*
 * Returns how many bytes were written; fewer than len if a write failed or
 * would block.
 */
static size_t
write_all(const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_some(bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

void
log_output_write(const char *line, size_t len)
{
	size_t done;

	/*
	 * If the last line was written only in part, end it first, so that this
	 * one starts a new line.
	 */
	if (atomic_load(&output.torn) && write_all("\n", 1) == 1)
		atomic_store(&output.torn, false);
	done = write_all(line, len);
	if (done > 0 && done < len)
		atomic_store(&output.torn, true);
	if (done < len)
		atomic_fetch_add(&output.lost, 1);
	atomic_store(&output.works, done == len);
}

int64_t
log_output_take_lost(void)
{
	if (atomic_load_explicit(&output.lost, memory_order_relaxed) == 0 ||
	    !atomic_load(&output.works))
		return 0;
	return atomic_exchange(&output.lost, 0);
}
