#include "restore_secrets.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#include "command.h"
#include "file.h"
#include "lock.h"
#include "message.h"
#include "tree.h"

enum { OPEN_MAX_DIRS = 16 };

/* Returns a file in memory with the decrypted archive; -1: an error. */
static int
decrypt(const struct restore_secrets *r)
{
	const char *const age[] = { "age", "-d", "-i", r->identity, r->archive,
		NULL };
	int fd;

	if (r->archive == NULL) {
		print_error("the backup has no secrets");
		return -1;
	}
	fd = memfd_create("secrets", MFD_CLOEXEC);
	if (fd != -1 &&
	    command_check(r->stack->arena,
		&(struct command){ .argv = age, .output_fd = fd }, NULL) &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	print_error("the secrets cannot be decrypted with %s", r->identity);
	if (fd != -1)
		close(fd);
	return -1;
}

bool
restore_secrets_check(const struct restore_secrets *r)
{
	const char *const tar[] = { "tar", "-tf", "-", NULL };
	int fd = decrypt(r), files = 0;
	const char *list;
	bool ok;

	if (fd == -1)
		return false;
	ok = command_check(r->stack->arena,
	    &(struct command){ .argv = tar, .input_fd = fd }, &list);
	close(fd);
	if (!ok)
		return false;
	for (; *list != '\0'; list++)
		files += *list == '\n' && list[-1] != '/';
	print_message("secrets: %d files can be decrypted", files);
	return true;
}

/*
 * Everybody who knows the public key can make an archive, so this one is not
 * trusted: nothing in it may lead out of its directory, or be run as somebody
 * else.
 */
static int
judge(const char *path, const struct stat *info, int type UNUSED,
    struct FTW *at UNUSED)
{
	if ((S_ISREG(info->st_mode) || S_ISDIR(info->st_mode)) &&
	    (info->st_mode & (S_ISUID | S_ISGID | S_IWOTH)) == 0)
		return 0;
	print_error("the archive has %s, which is neither a file nor a "
		    "directory, or which everybody may write; \"kedge backup\" "
		    "writes no such thing",
	    path);
	return 1;
}

static bool
unpack(const struct restore_secrets *r, const char *to)
{
	const char *const tar[] = { "tar", "-C", to, "-xpf", "-", NULL };
	int fd = decrypt(r);
	bool ok;

	if (fd == -1)
		return false;
	ok = command_check(r->stack->arena,
		 &(struct command){ .argv = tar, .input_fd = fd }, NULL) &&
	     nftw(to, judge, OPEN_MAX_DIRS, FTW_PHYS | FTW_MOUNT) == 0;
	close(fd);
	return ok;
}

static bool
move(const char *from, const char *to)
{
	if (rename(from, to) == 0)
		return true;
	print_error("cannot rename %s to %s: %s", from, to, strerror(errno));
	return false;
}

/*
 * Moves each entry of `from` to `to`. An entry of the same name in `to` is
 * moved to `old` first.
 */
static bool
exchange(struct arena *a, const char *from, const char *to, const char *old)
{
	DIR *d = opendir(from);
	const struct dirent *entry;
	const char *target;
	struct stat st;
	bool ok = d != NULL;

	while (ok && (entry = readdir(d)) != NULL) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		target = arena_printf(a, "%s/%s", to, entry->d_name);
		if (lstat(target, &st) == 0)
			ok = move(target,
			    arena_printf(a, "%s/%s", old, entry->d_name));
		ok = ok && move(arena_printf(a, "%s/%s", from, entry->d_name),
			       target);
	}
	if (d != NULL)
		closedir(d);
	return ok;
}

static const char *
before(struct arena *a, const char *dir)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%d_%H%M%S", &tm) == 0)
		abort();
	return arena_printf(a, "%s/before_%s", dir, text);
}

static bool
put_back(const struct restore_secrets *r, const char *staging, const char *old)
{
	struct arena *a = r->stack->arena;
	bool ok;

	if (mkdir(old, 0700) == -1 && errno == EEXIST) {
		print_error("%s exists already; wait a second", old);
		return false;
	}
	if (!file_make_dir(old, 0700) || mkdir(staging, 0700) == -1) {
		print_error("cannot make the directory %s: %s", staging,
		    strerror(errno));
		return false;
	}
	ok = unpack(r, staging) && exchange(a, staging, r->stack->dir, old);
	/* Is only removed if nothing was moved there. */
	(void)rmdir(old);
	return ok;
}

bool
restore_secrets_put_back(const struct restore_secrets *r)
{
	struct arena *a = r->stack->arena;
	const char *old = before(a, r->stack->dir);
	const char *staging =
	    arena_printf(a, "%s/.restored-secrets", r->stack->dir);
	bool ok;

	if (!r->stack->is_system && lock_holder() != 0) {
		print_error("the services run in %s with the present secrets; "
			    "\"kedge down\" stops them",
		    r->stack->dir);
		return false;
	}
	/* Remove the files that an interrupted restore has left. */
	if (!tree_remove(staging))
		return false;
	ok = put_back(r, staging, old);
	ok = tree_remove(staging) && ok;
	if (!ok)
		return false;
	print_message("the secrets were put back%s%s",
	    file_exists(old) ? "; the ones before are in " : "",
	    file_exists(old) ? old : "");
	if (r->stack->is_system)
		print_message("now run \"kedge apply\", and \"systemctl "
			      "restart 'kedge-*.service'\": the services "
			      "have read the old ones");
	return true;
}
