#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

static struct flock
whole_file(void)
{
	return (struct flock){
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
	};
}

bool
lock_take(const char *dir)
{
	struct flock lock = whole_file();
	int fd;

	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1) {
		complain(
		    "cannot open %s/" LOCK_FILE ": %s", dir, strerror(errno));
		return false;
	}
	/* Stays open: closing any descriptor of the file drops the lock. */
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return true;
	if (errno == EACCES || errno == EAGAIN)
		complain("%s is in use by process %ld; \"kedge down\" stops it",
		    dir, (long)lock_holder());
	else
		complain(
		    "cannot lock %s/" LOCK_FILE ": %s", dir, strerror(errno));
	close(fd);
	return false;
}

pid_t
lock_holder(void)
{
	struct flock lock = whole_file();
	pid_t holder = 0;
	int fd;

	fd = open(LOCK_FILE, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		fd = open(LOCK_FILE, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		holder = lock.l_pid;
	close(fd);
	return holder;
}
