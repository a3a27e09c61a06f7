/* disk: how much of a file system is free, and when that is too little. */
#ifndef CLI_DISK_H
#define CLI_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct disk {
	uint64_t id; /* of the file system */
	int64_t free_mib;
	int64_t free_percent;
	bool is_low; /* PostgreSQL will soon refuse to write */
};

/* Looks at the file system of a path. False: there is no such path. */
bool disk_read(const char *path, struct disk *ret_disk);

#endif
