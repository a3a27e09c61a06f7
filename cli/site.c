#include "site.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "message.h"
#include "nginx_binary.h"

enum {
	CONNECTIONS_MIN = 64, /* the fewest connections of each nginx worker */
};

/*
 * The connections of an nginx worker: those in kedge.json, or as many as the
 * limit of open files allows.
 */
static int64_t
connections(const struct stack *s)
{
	int64_t wanted = s->spec.nginx.connections, n;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 ||
	    limit.rlim_max >= (rlim_t)(wanted + SITE_FILES_SPARE))
		return wanted;
	n = (int64_t)limit.rlim_max - SITE_FILES_SPARE;
	if (n < CONNECTIONS_MIN)
		n = CONNECTIONS_MIN;
	print_error(
	    "nginx gets %lld connections for each worker instead of %lld: "
	    "the limit of open files (ulimit -Hn) is %lld",
	    (long long)n, (long long)wanted, (long long)limit.rlim_max);
	return n;
}

struct site
site_of_stack(const struct stack *s, int port)
{
	return (struct site){
		.arena = s->arena,
		.spec = &s->spec,
		.templates = s->root,
		.share = s->root,
		.lib = s->bin,
		.stack = s,
		.port = port,
		.connections = connections(s),
	};
}

struct site
site_of_server(const struct stack *s)
{
	return (struct site){
		.arena = s->arena,
		.spec = &s->spec,
		.templates = s->root,
		.share = s->is_installed ? s->root : "/usr/share/kedge",
		.lib = s->is_installed ? s->bin : "/usr/lib/kedge",
		.stack = s,
		.is_server = true,
		.connections = s->spec.nginx.connections,
		.nginx = nginx_binary_features(s->arena),
	};
}

struct site
site_of_containers(const struct stack *s)
{
	struct site site = site_of_server(s);

	site.is_container = true;
	return site;
}

const char *
site_socket(const struct site *site, const struct spec_service *service,
    const char *pool)
{
	if (site->is_server)
		return arena_printf(
		    site->arena, SITE_RUN "/%s/%s.sock", service->name, pool);
	return str_eq(pool, "verify")
	           ? "run/verify.sock"
	           : arena_printf(site->arena, "run/%s.sock", service->name);
}

const char *
site_address(const struct site *site, const struct spec_service *service,
    const char *pool)
{
	if (site->is_container)
		return arena_printf(site->arena, "%s%s:%d", service->name,
		    str_eq(pool, "verify") ? "-verify" : "", SITE_POOL_PORT);
	return arena_printf(
	    site->arena, "unix:%s", site_socket(site, service, pool));
}

const char *
site_listen(const struct site *site, const struct spec_service *service,
    const char *pool)
{
	if (site->is_container)
		return arena_printf(site->arena, "0.0.0.0:%d", SITE_POOL_PORT);
	return site_address(site, service, pool);
}

const char *
site_redis_url(const struct site *site, const struct spec_service *service)
{
	if (site->is_container)
		return arena_printf(
		    site->arena, "redis://%s-redis:6379", service->name);
	return arena_printf(site->arena, "unix:%s", site_redis(site, service));
}

const char *
site_internal(const struct site *site)
{
	if (site->rehearsal != NULL)
		return arena_printf(
		    site->arena, "%s/internal.sock", site->rehearsal);
	return site->is_server ? SITE_RUN "/internal.sock"
	                       : "run/internal.sock";
}

const char *
site_monitoring(const struct site *site)
{
	if (site->rehearsal != NULL)
		return arena_printf(
		    site->arena, "unix:%s/monitoring.sock", site->rehearsal);
	return site->is_server ? site->spec->metrics_listen
	                       : "unix:" SITE_STACK_MONITORING;
}

const char *
site_redis(const struct site *site, const struct spec_service *service)
{
	return arena_printf(site->arena,
	    site->is_server ? SITE_RUN "/redis-%s/redis.sock"
			    : "run/redis-%s.sock",
	    service->name);
}

const char *
site_programs(const struct site *site, const char *service)
{
	if (site->is_server)
		return arena_printf(
		    site->arena, "%s/programs/%s", site->lib, service);
	return stack_programs(site->stack, service);
}

const char *
site_mail_shipped(const struct site *site)
{
	return arena_printf(site->arena, "%s/mail",
	    site->is_server ? site->share : site->stack->root);
}

const char *
site_mail_templates(const struct site *site)
{
	return site->is_server ? SITE_ETC "/mail" : "mail-templates";
}

const char *
site_web(const struct site *site)
{
	const char *dir = site->spec->web.directory;

	/* The stack has a symbolic link, so its files name no other path. */
	if (!site->is_server)
		return "web";
	if (dir == NULL) /* a development server answers instead */
		return "/dev/null";
	return dir[0] == '/'
	           ? dir
	           : arena_printf(site->arena, "%s/%s", site->share, dir);
}

const char *
site_url(const struct site *site)
{
	const struct spec *spec = site->spec;
	/* Behind a proxy that ends TLS, clients use https as well. */
	bool is_https =
	    spec->tls.certificate != NULL || spec->ntrusted_proxies > 0;
	char host[256] = "localhost";

	if (!site->is_server)
		return arena_printf(
		    site->arena, "http://127.0.0.1:%d", site->port);
	if (site->is_container) /* compose replaces the variable */
		return arena_printf(site->arena, "${KEDGE_URL:-http%s://%s}",
		    is_https ? "s" : "",
		    spec->nserver_names > 0 ? spec->server_names[0]
					    : "localhost:8080");
	if (spec->nserver_names == 0 &&
	    (gethostname(host, sizeof(host)) == -1 ||
		memchr(host, '\0', sizeof(host)) == NULL))
		snprintf(host, sizeof(host), "localhost");
	return arena_printf(site->arena, "http%s://%s", is_https ? "s" : "",
	    spec->nserver_names > 0 ? spec->server_names[0] : host);
}
