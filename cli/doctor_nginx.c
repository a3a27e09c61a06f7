#include "doctor.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "command.h"
#include "doctor_target.h"
#include "file.h"
#include "nginx_config.h"
#include "tool.h"

enum { DUMP_TIMEOUT_MS = 60000 };

static bool
has_arg(const struct nginx_directive *d, const char *arg)
{
	int i;

	for (i = 0; d != NULL && i < d->nargs; i++)
		if (str_eq(d->args[i], arg))
			return true;
	return false;
}

static bool
has_prefix_arg(const struct nginx_directive *d, const char *prefix)
{
	int i;

	for (i = 0; d != NULL && i < d->nargs; i++)
		if (str_has_prefix(d->args[i], prefix))
			return true;
	return false;
}

/* The innermost block with this name around the directive. NULL: none. */
static const struct nginx_directive *
around(const struct nginx_directive *d, const char *name)
{
	while (d != NULL && !str_eq(d->name, name))
		d = d->parent;
	return d;
}

/* Whether only programs on this host may use the location. */
static bool
is_local(const struct doctor *doctor, const struct nginx_directive *block)
{
	const char *monitoring = site_monitoring(&doctor->site);
	const struct nginx_directive *server = around(block, "server");
	const struct nginx_directive *d = NULL;
	bool on_port = server == NULL;

	while (server != NULL && !on_port &&
	       (d = nginx_config_find(server, "listen", d)) != NULL)
		on_port =
		    !has_prefix_arg(d, "unix:") && !has_arg(d, monitoring);
	if (!on_port)
		return true;
	if (!has_arg(nginx_config_effective(block, "deny"), "all"))
		return false;
	for (; block != NULL; block = block->parent) {
		if (nginx_config_find(block, "allow", NULL) == NULL)
			continue;
		for (d = NULL;
		     (d = nginx_config_find(block, "allow", d)) != NULL;)
			if (!has_prefix_arg(d, "127.") && !has_arg(d, "::1") &&
			    !has_arg(d, "unix:"))
				return false;
		return true;
	}
	return true;
}

/* The path of a location; NULL: a regular expression or a named location. */
static const char *
path_of(const struct nginx_directive *location)
{
	const char *last;

	if (location == NULL || location->nargs == 0)
		return NULL;
	last = location->args[location->nargs - 1];
	if (str_eq(location->args[0], "~") || str_eq(location->args[0], "~*") ||
	    *last != '/')
		return NULL;
	return last;
}

static const char *
describe(struct doctor *d, const struct nginx_directive *pass)
{
	const struct nginx_directive *location = around(pass, "location");
	const char *text = "";
	int i;

	if (location == NULL)
		return arena_printf(d->arena, "%s:%zu", pass->file, pass->line);
	for (i = 0; i < location->nargs; i++)
		text = arena_printf(d->arena, "%s %s", text, location->args[i]);
	return arena_printf(
	    d->arena, "location%s (%s:%zu)", text, pass->file, pass->line);
}

/*
 * Checks that a client's own headers with the names of the identity headers do
 * not reach the application: nginx must set each of them, to a value of the
 * verdict or to "".
 */
static void
check_identity(struct doctor *d, const struct nginx_directive *pass,
    const struct spec_service *service)
{
	bool is_http = service->upstream.kind == SPEC_UPSTREAM_HTTP;
	const char *setter = is_http ? "proxy_set_header" : "fastcgi_param";
	const char *name = is_http                ? "Remote-User"
	                   : spec_is_own(service) ? "KEDGE_IDENTITY"
	                                          : "HTTP_REMOTE_USER";
	const struct nginx_directive *block, *set = NULL;

	for (block = pass->parent; block != NULL; block = block->parent)
		if (nginx_config_find(block, setter, NULL) != NULL)
			break;
	while (block != NULL &&
	       (set = nginx_config_find(block, setter, set)) != NULL)
		if (set->nargs == 2 && strcasecmp(set->args[0], name) == 0)
			break;
	if (block == NULL || set == NULL) {
		/*
		 * KEDGE_IDENTITY is a FastCGI parameter, which no client can
		 * send. If nginx does not set it, the service sees no identity
		 * and answers 401.
		 */
		if (!spec_is_own(service))
			doctor_add(d, SEVERITY_ERROR,
			    "set it as nginx/http_guarded.conf.in does",
			    "%s passes the client's own header Remote-User to "
			    "%s",
			    describe(d, pass), service->name);
	} else if (strstr(set->args[1], "$http_") != NULL ||
		   strstr(set->args[1], "$arg_") != NULL ||
		   strstr(set->args[1], "$cookie_") != NULL) {
		doctor_add(d, SEVERITY_ERROR,
		    "use the variable that auth_request_set has set",
		    "%s sets %s from what the client sends", describe(d, pass),
		    name);
	}
}

static void
check_guarded(struct doctor *d, const struct nginx_directive *pass,
    const struct spec_location *wanted)
{
	const struct nginx_directive *block = pass->parent;
	const struct nginx_directive *set = NULL;
	const char *guard = NULL;

	if (has_arg(nginx_config_effective(block, "satisfy"), "any"))
		doctor_add(d, SEVERITY_ERROR, "remove \"satisfy any\"",
		    "%s has \"satisfy any\", so that an address is enough",
		    describe(d, pass));
	while ((set = nginx_config_find(block, "set", set)) != NULL)
		if (set->nargs == 2 && str_eq(set->args[0], "$kedge_guard"))
			guard = set->args[1];
	if (wanted != NULL && guard != NULL && !str_eq(guard, wanted->guard))
		doctor_add(d, SEVERITY_ERROR,
		    "run \"kedge render\", or give the location the same guard",
		    "%s has the guard %s, and kedge.json says %s",
		    describe(d, pass), guard, wanted->guard);
}

static void
check_pass(struct doctor *d, const struct nginx_directive *top,
    const struct nginx_directive *pass)
{
	const struct nginx_directive *block = pass->parent;
	const struct nginx_directive *location = around(pass, "location");
	const char *path = path_of(location);
	const struct spec_service *service;
	const struct spec_location *wanted;
	const struct nginx_directive *auth;
	bool is_verify;

	service = doctor_target_find(d, top, pass->args[0], &is_verify);
	if (service == NULL || is_local(d, block))
		return;
	if (is_verify) {
		if (nginx_config_effective(block, "internal") == NULL)
			doctor_add(d, SEVERITY_ERROR,
			    "add \"internal;\" to the location",
			    "%s lets clients ask verify", describe(d, pass));
		return;
	}
	wanted = path == NULL ? NULL : doctor_target_location(service, path);
	auth = nginx_config_effective(block, "auth_request");
	check_identity(d, pass, service);
	if (auth != NULL && !has_arg(auth, "off")) {
		check_guarded(d, pass, wanted);
		return;
	}
	if (wanted != NULL && str_eq(wanted->guard, "none"))
		return;
	if (path != NULL &&
	    str_eq(path, arena_printf(d->arena, "%sopenapi.json",
			     service->locations[0].prefix)))
		return;
	doctor_add(d, SEVERITY_ERROR,
	    "protect it as the locations in nginx/services.conf are, or remove "
	    "it",
	    "%s passes requests to %s without auth_request", describe(d, pass),
	    service->name);
}

/*
 * The arguments by which the running nginx was started. NULL: it does not run,
 * or its arguments cannot be read.
 */
static const char *
running_config(struct doctor *d)
{
	const char *pid =
	    file_find(d->arena, "/run/nginx.pid", /* ret_len= */ NULL);
	char *line, *at;
	size_t len, i;

	if (pid == NULL)
		return NULL;
	/* /proc tells no size, so this is not a job for file_find(). */
	line = arena_strdup(
	    d->arena, file_tail(d->arena,
			  arena_printf(d->arena, "/proc/%.*s/cmdline",
			      (int)strcspn(pid, "\n"), pid),
			  /* max= */ 4096));
	len = strlen(line);
	at = strstr(line, " -c ");
	if (at == NULL)
		return len > 0 ? "/etc/nginx/nginx.conf" : NULL;
	at += strlen(" -c ");
	i = strcspn(at, " ");
	return arena_strndup(d->arena, at, i);
}

/* Returns what nginx -T prints. NULL: a finding was added. */
static const char *
dump(struct doctor *d)
{
	const char *nginx = tool_look_for(d->arena, "nginx");
	const char *config = SITE_GENERATED "/nginx/nginx.conf";
	const char *running;
	const char *text = "";
	int status;

	if (nginx == NULL) {
		doctor_add(d, SEVERITY_ERROR, "install the package nginx",
		    "nginx is not installed");
		return NULL;
	}
	running = d->site.is_server ? running_config(d) : NULL;
	if (running != NULL && !str_eq(running, config)) {
		doctor_add(d, SEVERITY_ERROR,
		    "start nginx with -c " SITE_GENERATED
		    "/nginx/nginx.conf, see \"kedge apply\"",
		    "nginx runs with %s", running);
		config = running;
	}
	const char *server[] = { nginx, "-T", "-e", "stderr", "-c", config,
		NULL };
	const char *stack[] = { nginx, "-T", "-e", "stderr", "-p",
		arena_printf(d->arena, "%s/", d->stack->dir), "-c",
		"nginx/nginx.conf", NULL };

	status = command_run(d->arena,
	    &(struct command){
		.argv = d->site.is_server ? server : stack,
		.joins_errors = true,
		.timeout_ms = DUMP_TIMEOUT_MS,
	    },
	    &text);
	if (status == 0)
		return text;
	doctor_add(d, SEVERITY_ERROR, "see \"nginx -T\" for all messages",
	    "nginx does not accept its configuration: %.*s",
	    (int)strcspn(text, "\n"), text);
	return NULL;
}

void
doctor_nginx(struct doctor *d)
{
	const char *text = dump(d);
	const struct nginx_directive *top, *at;
	const char *problem;

	if (text == NULL)
		return;
	top = nginx_config_parse(d->arena, text, &problem);
	if (top == NULL) {
		doctor_add(d, SEVERITY_WARNING,
		    "look for locations without auth_request yourself",
		    "nginx's configuration cannot be read: %s", problem);
		return;
	}
	for (at = top; at != NULL; at = nginx_config_next(at))
		if (at->nargs == 1 && (str_eq(at->name, "fastcgi_pass") ||
					  str_eq(at->name, "proxy_pass") ||
					  str_eq(at->name, "uwsgi_pass") ||
					  str_eq(at->name, "scgi_pass") ||
					  str_eq(at->name, "grpc_pass")))
			check_pass(d, top, at);
}
