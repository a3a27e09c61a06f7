#include "nginx.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "environment.h"
#include "file.h"
#include "message.h"
#include "nginx_part.h"
#include "site.h"
#include "tool.h"

/*
 * The files of nginx/ that are copied without change, for development and for
 * production.
 */
static const char *const plain_files[] = {
	"http.conf",
	"server.conf",
	"headers.conf",
	"errors.conf",
	"error_pages.conf",
	"counted.conf",
	"cors.conf",
	"preflight.conf",
	"preflight_answers.conf",
	"json.conf",
	"ask.conf",
	"fastcgi.conf",
	"foreign_ask.conf",
	"foreign_fastcgi.conf",
	"foreign_headers.conf",
	"foreign_path.conf",
	"foreign_http.conf",
	"monitored.conf",
	"misdirected.conf",
	"web.conf",
	"web_headers.conf",
	"web_hidden.conf",
};

static bool
add_plain(const struct site *site, struct file_set *files)
{
	const char *text;
	size_t i;

	for (i = 0; i < COUNT_OF(plain_files); i++) {
		text = file_read(site->arena,
		    arena_printf(site->arena, "%s/nginx/%s", site->templates,
			plain_files[i]),
		    /* ret_len= */ NULL);
		if (text == NULL)
			return false;
		file_set_add(files,
		    arena_printf(site->arena, "nginx/%s", plain_files[i]), 0600,
		    text);
	}
	return true;
}

bool
nginx_add(const struct site *site, struct file_set *files)
{
	return add_plain(site, files) && nginx_main_add(site, files) &&
	       nginx_servers_add(site, files) && nginx_cors_add(site, files) &&
	       nginx_web_add(site, files) && nginx_upstreams_add(site, files) &&
	       nginx_locations_add(site, files);
}

/*
 * Makes a symbolic link to web/, so that the configuration contains no path of
 * this machine.
 */
static bool
link_web(const struct stack *s)
{
	const char *dir = s->spec.web.directory;
	const char *target;

	if (dir == NULL)
		return true;
	target =
	    dir[0] == '/' ? dir : arena_printf(s->arena, "%s/%s", s->root, dir);
	if (!file_exists(arena_printf(s->arena, "%s/index.html", target))) {
		print_error("%s has no index.html; build the front end first, "
			    "or name the directory with its result",
		    target);
		return false;
	}
	if ((unlink("web") == -1 && errno != ENOENT) ||
	    symlink(target, "web") == -1) {
		print_error("cannot link %s/web: %s", s->dir, strerror(errno));
		return false;
	}
	return true;
}

bool
nginx_write(const struct stack *s, int port)
{
	struct site site = site_of_stack(s, port);
	struct file_set files;
	size_t i;

	file_set_init(&files, s->arena);
	if (!nginx_add(&site, &files))
		return false;
	for (i = 0; i < files.n; i++)
		if (!file_update(s->arena, files.items[i].path,
			files.items[i].mode, files.items[i].text))
			return false;
	return link_web(s);
}

bool
nginx_plan(const struct stack *s, int port, struct process *ret_process)
{
	struct arena *a = s->arena;
	const char *program = tool_find(a, "nginx");
	char **argv = arena_alloc(a, 8 * sizeof(*argv));

	if (program == NULL)
		return false;
	argv[0] = arena_strdup(a, program);
	argv[1] = arena_strdup(a, "-p");
	argv[2] = arena_printf(a, "%s/", s->dir);
	argv[3] = arena_strdup(a, "-c");
	argv[4] = arena_strdup(a, "nginx/nginx.conf");
	argv[5] = arena_strdup(a, "-e");
	argv[6] = arena_strdup(a, "stderr");
	*ret_process = (struct process){
		.name = "nginx",
		.title = "nginx",
		.argv = argv,
		.envp = environment_block(s, /* service= */ NULL),
		.log = "log/nginx.log",
		.many_files = true,
		.stale = { "run/internal.sock", SITE_STACK_MONITORING },
		.probe = { .kind = PROBE_ANSWER,
		    .path = "run/internal.sock",
		    .port = port,
		    .request = "HEAD / HTTP/1.0\r\n\r\n",
		    .expect = "HTTP/1.1 " },
		.socket = arena_printf(a, "127.0.0.1:%d", port),
		/*
		 * nginx stops gracefully: it finishes the requests in progress.
		 */
		.stop_signal = SIGQUIT,
		.death_signal = SIGTERM,
		.stop_stage = PROCESS_STOP_EDGE,
		.stop_timeout_ms = 12000,
	};
	return true;
}
