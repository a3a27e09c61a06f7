#include "nginx.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "cors.h"
#include "environment.h"
#include "file.h"
#include "message.h"
#include "template.h"
#include "tool.h"

enum {
	CONNECTIONS_MIN = 64, /* the fewest connections of each nginx worker */
	/* descriptors of an nginx worker for logs, sockets and web files */
	FILES_SPARE = 64,
	/* Upper limit of the memory that limit_conn needs for each key. */
	STATE_BYTES = 192,
};

/* These files are copied without change. Production uses the same files. */
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
	"fastcgi.conf",
	"loopback.conf",
};

struct render {
	const struct stack *stack;
	struct buf out;
	bool ok;
};

static struct render
begin(const struct stack *s)
{
	struct render r = { .stack = s, .ok = true };

	buf_init(&r.out, s->arena, FILE_MAX_BYTES);
	return r;
}

static void
add(struct render *r, const char *template, const struct template_value *values)
{
	const char *path = arena_printf(
	    r->stack->arena, "%s/nginx/%s.in", r->stack->root, template);

	if (!template_add_file(&r->out, r->stack->arena, path, values))
		r->ok = false;
}

static bool
finish(struct render *r, const char *name)
{
	const char *path = arena_printf(r->stack->arena, "nginx/%s", name);

	return r->ok && !buf_failed(&r->out) &&
	       file_update(r->stack->arena, path, 0600, r->out.data);
}

static bool
write_plain(const struct stack *s)
{
	const char *text;
	size_t i;

	for (i = 0; i < COUNT_OF(plain_files); i++) {
		text = file_read(s->arena,
		    arena_printf(
			s->arena, "%s/nginx/%s", s->root, plain_files[i]),
		    NULL);
		if (text == NULL ||
		    !file_update(s->arena,
			arena_printf(s->arena, "nginx/%s", plain_files[i]),
			0600, text))
			return false;
	}
	return true;
}

/*
 * How many open files an nginx worker needs. A connection needs one descriptor,
 * and a request in progress two or three: the connections to the client, to
 * verify and to the service. When the system's limit is lower than what
 * kedge.json requires, each worker gets that limit.
 */
static int64_t
connections(const struct stack *s)
{
	int64_t wanted = s->spec.nginx.connections, n;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 ||
	    limit.rlim_max >= (rlim_t)(wanted + FILES_SPARE))
		return wanted;
	n = (int64_t)limit.rlim_max - FILES_SPARE;
	if (n < CONNECTIONS_MIN)
		n = CONNECTIONS_MIN;
	print_error(
	    "nginx gets %lld connections for each worker instead of %lld: "
	    "the limit of open files (ulimit -Hn) is %lld",
	    (long long)n, (long long)wanted, (long long)limit.rlim_max);
	return n;
}

static const char *
number(const struct stack *s, int64_t n)
{
	return arena_i64(s->arena, n);
}

static bool
write_main(const struct stack *s, int port, int64_t connections)
{
	struct render r = begin(s);
	const struct template_value values[] = {
		/*
		 * As root, nginx would run its workers as nobody, which cannot
		 * connect to the sockets.
		 */
		{ "user", geteuid() == 0 ? "user root;" : "" },
		{ "workers", number(s, s->spec.nginx.workers) },
		{ "files", number(s, connections + FILES_SPARE) },
		{ "connections", number(s, connections) },
		{ "port", number(s, port) },
		{ NULL },
	};

	add(&r, "nginx.conf", values);
	return finish(&r, "nginx.conf");
}

/*
 * Writes the limits of requests in progress. One network may have at most a
 * quarter of nginx's connections.
 */
static bool
write_limits(const struct stack *s, int64_t connections)
{
	int64_t all = connections * s->spec.nginx.workers;
	int64_t network = s->spec.nginx.per_network;
	int64_t address = s->spec.nginx.per_address;
	struct render r = begin(s);

	if (network > all / 4)
		network = all / 4;
	if (address > network)
		address = network;
	const struct template_value values[] = {
		{ "zone", number(s, all * STATE_BYTES / (1 << 20) + 1) },
		{ "per_address", number(s, address) },
		{ "per_network", number(s, network) },
		{ NULL },
	};

	add(&r, "limits.conf", values);
	return finish(&r, "limits.conf");
}

/*
 * Writes which requests are logged. split_clients accepts percentages with at
 * most two decimals.
 */
static bool
write_log(const struct stack *s)
{
	int64_t n = s->spec.nginx.log_sample;
	/* the share of requests that are logged, in ten thousandths */
	int64_t parts = 10000 / n;
	struct render r = begin(s);
	const char *some = arena_printf(s->arena, "%lld.%02lld%% 1;\n\t* 0;",
	    (long long)(parts / 100), (long long)(parts % 100));
	const struct template_value values[] = {
		{ "sample", n == 1 ? "* 1;" : some },
		{ NULL },
	};

	add(&r, "log.conf", values);
	return finish(&r, "log.conf");
}

/* Writes which origins may read answers, from the variables in force. */
static bool
write_cors(const struct stack *s)
{
	const struct spec_service *verifier = s->spec.verifier;
	struct arena *a = s->arena;
	struct render r = begin(s);
	struct cors_list list = {
		.url_variable = arena_printf(a, "%s_URL", verifier->variable),
		.list_variable =
		    arena_printf(a, "%s_TRUSTED_ORIGINS", verifier->variable),
	};

	list.url = environment_value(s, verifier, list.url_variable);
	list.list = environment_value(s, verifier, list.list_variable);
	r.ok = list.url != NULL && list.list != NULL &&
	       cors_add_map(
		   &r.out, a, arena_printf(a, "%s/nginx", s->root), &list);
	return finish(&r, "cors_map.conf");
}

static void
add_upstream(
    struct render *r, const char *name, const char *socket, int64_t keepalive)
{
	struct arena *a = r->stack->arena;
	const char *server =
	    arena_printf(a, "server unix:run/%s.sock max_fails=0;", socket);
	struct buf servers;
	int64_t i;

	/*
	 * nginx tries each server of an upstream once per request; all entries
	 * here are the same server. When a service process has ended, all idle
	 * connections to it may be stale, and a new connection may have reached
	 * the process just before its end. So there are two more entries than
	 * idle connections: the last try then reaches another process.
	 */
	buf_init(&servers, a, FILE_MAX_BYTES);
	for (i = 0; i < keepalive + 2; i++)
		buf_printf(&servers, "%s%s", i == 0 ? "" : "\n\t", server);
	const struct template_value values[] = {
		{ "service", name },
		{ "servers", servers.data },
		{ "keepalive",
		    keepalive == 0
			? ""
			: arena_printf(a,
			      "keepalive %lld;\n\tkeepalive_requests 10000;",
			      (long long)keepalive) },
		{ NULL },
	};

	add(r, "upstream.conf", values);
}

static bool
write_upstreams(const struct stack *s)
{
	struct render r = begin(s);
	const struct spec_service *service;
	int i;

	for (i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		add_upstream(
		    &r, service->name, service->name, service->api.keepalive);
	}
	add_upstream(&r,
	    arena_printf(s->arena, "%s_verify", s->spec.verifier->name),
	    "verify", s->spec.verifier->verify.keepalive);
	return finish(&r, "upstreams.conf");
}

static const char *
without_slash(const struct render *r, const char *prefix)
{
	return arena_strndup(r->stack->arena, prefix, strlen(prefix) - 1);
}

/* `match` is what follows the word "location", for example "^~ /api/core/". */
static void
add_location(struct render *r, const struct spec_service *service,
    const struct spec_location *l, const char *match)
{
	const struct template_value values[] = {
		{ "service", service->name },
		{ "match", match },
		{ "guard", l->guard },
		{ "roles", l->roles },
		{ NULL },
	};

	add(r, str_eq(l->guard, "none") ? "open.conf" : "guarded.conf", values);
}

/*
 * Adds a service's locations. A nested prefix is guarded with and without its
 * last slash.
 */
static void
add_service(struct render *r, const struct spec_service *service)
{
	struct arena *a = r->stack->arena;
	const struct template_value values[] = {
		{ "service", service->name },
		{ "prefix", service->locations[0].prefix },
		{ "bare_prefix",
		    without_slash(r, service->locations[0].prefix) },
		{ NULL },
	};
	int i;

	add(r, "service.conf", values);
	add(r, "bare.conf", values);
	for (i = 0; i < service->nlocations; i++) {
		const struct spec_location *l = &service->locations[i];

		if (i > 0)
			add_location(r, service, l,
			    arena_printf(
				a, "= %s", without_slash(r, l->prefix)));
		add_location(
		    r, service, l, arena_printf(a, "^~ %s", l->prefix));
	}
}

static bool
write_services(const struct stack *s)
{
	const struct template_value values[] = {
		{ "service", s->spec.verifier->name },
		{ "prefix", s->spec.verifier->locations[0].prefix },
		{ NULL },
	};
	struct render r = begin(s);
	struct render internal = begin(s);
	int i;

	add(&r, "verify.conf", values);
	for (i = 0; i < s->spec.nservices; i++)
		add_service(&r, &s->spec.services[i]);
	add(&internal, "internal.conf", values);
	return finish(&r, "services.conf") &&
	       finish(&internal, "internal.conf");
}

/*
 * Makes a symbolic link to web/, so that the configuration contains no path of
 * this machine.
 */
static bool
link_web(const struct stack *s)
{
	const char *target = arena_printf(s->arena, "%s/web", s->root);

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
	int64_t n = connections(s);

	return write_plain(s) && write_main(s, port, n) && write_limits(s, n) &&
	       write_log(s) && write_cors(s) && write_upstreams(s) &&
	       write_services(s) && link_web(s);
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
		.stale = { "run/internal.sock" },
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
