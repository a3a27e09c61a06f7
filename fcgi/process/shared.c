#include "process/shared.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "process/restart.h"

static NORETURN void
die(const char *what)
{
	perror(what);
	abort();
}

static bool
fits(int fd, size_t size_bytes)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == (off_t)size_bytes;
}

void *
shared_open(const char *name, size_t size_bytes, bool *ret_fresh)
{
	int fd = restart_take_fd("shared", name);
	bool fresh = fd < 0;
	void *addr;

	assert(size_bytes > 0);
	if (fd >= 0 && !fits(fd, size_bytes)) {
		close(fd);
		fresh = true;
	}
	if (fresh) {
		fd = memfd_create(name, MFD_CLOEXEC);
		if (fd < 0)
			die("memfd_create");
		if (ftruncate(fd, (off_t)size_bytes) != 0)
			die("ftruncate");
	}
	addr =
	    mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (addr == MAP_FAILED)
		die("mmap");
	restart_keep_fd("shared", name, fd);
	if (ret_fresh != NULL)
		*ret_fresh = fresh;
	return addr;
}
