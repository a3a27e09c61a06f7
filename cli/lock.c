#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "proc_info.h"

#define GUARD_FILE LOCK_FILE ".guard"

enum { TEXT_SIZE = 64 };

static struct flock
whole_file(void)
{
	return (struct flock){
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
	};
}

/* Writes the id and start time of this process to the lock file. */
static bool
write_holder(int fd)
{
	struct proc_info self;
	char text[TEXT_SIZE];
	int len;

	if (!proc_info_find(getpid(), &self))
		return false;
	len = snprintf(text, sizeof(text), "%ld %lld\n", (long)self.pid,
	    (long long)self.started_ticks);
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

/*
 * Whether the process belongs to root or to the owner of the stack's directory.
 */
static bool
is_ours(pid_t pid, uid_t owner)
{
	char path[TEXT_SIZE];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	return stat(path, &st) == 0 && (st.st_uid == 0 || st.st_uid == owner);
}

/*
 * Whether the lock file names this process. Earlier releases leave the file
 * empty; an empty file is accepted.
 */
static bool
is_supervisor(int fd, pid_t pid)
{
	char expected[TEXT_SIZE], text[TEXT_SIZE];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	struct proc_info p;
	struct stat st;

	if (n < 0 || fstat(fd, &st) != 0 || !is_ours(pid, st.st_uid) ||
	    !proc_info_find(pid, &p))
		return false;
	if (n == 0)
		return true;
	text[n] = '\0';
	(void)snprintf(expected, sizeof(expected), "%ld %lld\n", (long)pid,
	    (long long)p.started_ticks);
	return strcmp(text, expected) == 0;
}

/*
 * Returns the id of the process that holds a conflicting lock; 0: no process
 * does.
 */
static pid_t
blocker_of(int fd)
{
	struct flock lock = whole_file();

	if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

static int
open_lock(void)
{
	return open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* If other users can open the lock file, replaces it by a new one. */
static int
replace_if_open_to_others(int fd)
{
	struct stat st;
	pid_t pid;

	if (fstat(fd, &st) != 0 || (st.st_mode & 077) == 0)
		return fd;
	pid = blocker_of(fd);
	if (pid != 0 && is_supervisor(fd, pid))
		return fd;
	close(fd);
	if (unlink(LOCK_FILE) != 0)
		return -1;
	return open_lock();
}

/*
 * Locks the file and keeps it open: a process that closes any descriptor of the
 * file loses the lock.
 */
static bool
take(const char *dir, const char *dir_option)
{
	struct flock lock = whole_file();
	int fd = open_lock();

	if (fd != -1)
		fd = replace_if_open_to_others(fd);
	if (fd == -1) {
		print_error(
		    "cannot open %s/" LOCK_FILE ": %s", dir, strerror(errno));
		return false;
	}
	if (fcntl(fd, F_SETLK, &lock) == 0 && write_holder(fd))
		return true;
	if (errno == EACCES || errno == EAGAIN)
		print_error(
		    "%s is in use by process %ld; \"kedge down%s\" stops it",
		    dir, (long)blocker_of(fd), dir_option);
	else
		print_error(
		    "cannot lock %s/" LOCK_FILE ": %s", dir, strerror(errno));
	close(fd);
	return false;
}

bool
lock_take(const char *dir, const char *dir_option)
{
	struct flock lock = whole_file();
	int guard;
	bool taken;

	/*
	 * The lock on the guard file keeps other processes from replacing the
	 * lock file while this process takes the lock.
	 */
	guard = open(GUARD_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (guard == -1 || fcntl(guard, F_SETLKW, &lock) != 0) {
		print_error(
		    "cannot lock %s/" GUARD_FILE ": %s", dir, strerror(errno));
		if (guard != -1)
			close(guard);
		return false;
	}
	taken = take(dir, dir_option);
	close(guard);
	return taken;
}

pid_t
lock_holder(void)
{
	pid_t pid;
	int fd;

	fd = open(LOCK_FILE, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		fd = open(LOCK_FILE, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	pid = blocker_of(fd);
	if (pid != 0 && !is_supervisor(fd, pid))
		pid = 0;
	close(fd);
	return pid;
}
