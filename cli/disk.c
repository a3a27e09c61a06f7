#include "disk.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

/* Below either of these, little is left. */
enum { LOW_PERCENT = 3, LOW_MIB = 256 };

bool
disk_read(const char *path, struct disk *ret_disk)
{
	struct statvfs v;
	struct stat st;

	if (stat(path, &st) == -1 || statvfs(path, &v) == -1 || v.f_blocks == 0)
		return false;
	*ret_disk = (struct disk){
		.id = st.st_dev,
		.free_mib = (int64_t)(v.f_bavail / 1024 * v.f_frsize / 1024),
		.free_percent = (int64_t)(v.f_bavail * 100 / v.f_blocks),
	};
	ret_disk->is_low = ret_disk->free_percent < LOW_PERCENT ||
	                   ret_disk->free_mib < LOW_MIB;
	return true;
}
