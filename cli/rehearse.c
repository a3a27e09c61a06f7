#include "rehearse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#include "file.h"
#include "file_set.h"
#include "message.h"
#include "nginx.h"
#include "nginx_binary.h"
#include "tree.h"

static bool
write_files(const struct site *site, const struct file_set *files)
{
	struct arena *a = site->arena;
	size_t i;

	if (!file_make_dir(arena_printf(a, "%s/nginx", site->rehearsal), 0700))
		return false;
	for (i = 0; i < files->n; i++)
		if (!file_write(a,
			arena_printf(
			    a, "%s/%s", site->rehearsal, files->items[i].path),
			0600, files->items[i].text))
			return false;
	return true;
}

bool
rehearse(const struct site *site)
{
	struct arena *a = site->arena;
	struct site test = *site;
	struct file_set files;
	/*
	 * Use /tmp and not TMPDIR: the path of a unix socket is limited to 107
	 * bytes.
	 */
	char *dir = arena_strdup(a, "/tmp/kedge-nginx-XXXXXX");
	bool ok;

	if (mkdtemp(dir) == NULL) {
		print_error("cannot make %s: %s", dir, strerror(errno));
		return false;
	}
	test.rehearsal = dir;
	file_set_init(&files, a);
	ok = nginx_add(&test, &files) && write_files(&test, &files) &&
	     nginx_binary_accepts(
		 a, arena_printf(a, "%s/nginx/nginx.conf", dir));
	return tree_remove(dir) && ok;
}
