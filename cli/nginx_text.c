#include "nginx_text.h"

#include "base/arena.h"

#include "file.h"

/*
 * Only root reads the configuration, because only nginx's master process needs
 * it. The files have no secrets, but tell how each path is protected.
 */
enum { FILE_MODE = 0600 };

struct nginx_text
nginx_text_begin(const struct site *site)
{
	struct nginx_text t = { .site = site, .ok = true };

	buf_init(&t.out, site->arena, FILE_MAX_BYTES);
	return t;
}

void
nginx_text_add(
    struct nginx_text *t, const char *name, const struct template_value *values)
{
	const struct site *site = t->site;

	if (!template_add_file(&t->out, site->arena,
		arena_printf(
		    site->arena, "%s/nginx/%s.in", site->templates, name),
		values))
		t->ok = false;
}

bool
nginx_text_finish(
    struct nginx_text *t, struct file_set *files, const char *name)
{
	if (!t->ok || buf_failed(&t->out))
		return false;
	file_set_add(files, arena_printf(files->arena, "nginx/%s", name),
	    FILE_MODE, t->out.data);
	return true;
}

const char *
nginx_number(const struct site *site, int64_t n)
{
	return arena_i64(site->arena, n);
}
