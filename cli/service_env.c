#include "service_env.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "file.h"
#include "message.h"

static void
put(const struct site *site, struct environment *e,
    const struct spec_service *service, const char *name, const char *value)
{
	environment_put(e,
	    arena_printf(site->arena, "%s_%s", service->variable, name), value);
}

static void
put_pool(const struct site *site, struct environment *e,
    const struct spec_service *service, const char *name)
{
	struct arena *a = site->arena;
	bool is_api = str_eq(name, "api");
	const struct spec_pool *pool =
	    is_api ? &service->api : &service->verify;
	const char *infix = is_api ? "" : "VERIFY_";

	put(site, e, service, arena_printf(a, "%sLISTEN", infix),
	    site_listen(site, service, name));
	put(site, e, service, arena_printf(a, "%sPROCESSES", infix),
	    arena_i64(a, pool->processes));
	put(site, e, service, arena_printf(a, "%sTHREADS", infix),
	    arena_i64(a, pool->threads));
}

/*
 * The names, separated by commas, of all services but the one with the pool
 * verify.
 */
static const char *
guarded_services(const struct site *site)
{
	const struct spec *spec = site->spec;
	const char *list = "";
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (&spec->services[i] != spec->verifier)
			list = arena_printf(site->arena, "%s%s%s", list,
			    *list == '\0' ? "" : ",", spec->services[i].name);
	return list;
}

/*
 * The other addresses of the site: browsers use "localhost" for the same host,
 * and a server may have more names.
 */
static const char *
other_origins(const struct site *site)
{
	const char *url = site_url(site);
	const char *list = "";
	int i;

	if (!site->is_server)
		return arena_printf(
		    site->arena, "http://localhost:%d", site->port);
	if (site->is_container)
		return arena_printf(site->arena,
		    "${KEDGE_TRUSTED_ORIGINS:-http://127.0.0.1:%d}",
		    SITE_PUBLIC_PORT);
	for (i = 1; i < site->spec->nserver_names; i++)
		list = arena_printf(site->arena, "%s%s%.*s://%s", list,
		    i == 1 ? "" : ",", (int)(strstr(url, "://") - url), url,
		    site->spec->server_names[i]);
	return list;
}

/*
 * In development, mail is written into files: no server has to be there, and
 * nothing reaches anybody.
 */
static void
put_mail(const struct site *site, const struct spec_service *service,
    struct environment *e)
{
	const struct spec_mail *mail = &site->spec->mail;

	if (site->is_server && mail->url == NULL)
		return;
	put(site, e, service, "MAIL_URL",
	    site->is_server ? mail->url : "file:mail");
	put(site, e, service, "MAIL_FROM",
	    mail->from != NULL ? mail->from : "kedge@localhost");
	put(site, e, service, "MAIL_SHIPPED", site_mail_shipped(site));
	put(site, e, service, "MAIL_TEMPLATES", site_mail_templates(site));
}

static void
put_verifier(const struct site *site, struct environment *e)
{
	const struct spec_service *service = site->spec->verifier;

	put_pool(site, e, service, "verify");
	put(site, e, service, "URL", site_url(site));
	put(site, e, service, "TRUSTED_ORIGINS", other_origins(site));
	put(site, e, service, "SERVICES", guarded_services(site));
	put_mail(site, service, e);
}

static void
put_guarded(const struct site *site, const struct spec_service *service,
    struct environment *e)
{
	put(site, e, service, "AUTH_URL",
	    site->is_container ? arena_printf(site->arena, "http://nginx:%d",
				     SITE_INTERNAL_PORT)
			       : "http://auth.internal");
	put(site, e, service, "AUTH_PREFIX",
	    site->spec->verifier->locations[0].prefix);
	if (!site->is_container)
		put(site, e, service, "AUTH_SOCKET", site_internal(site));
	put(site, e, service, "PREFIX", service->locations[0].prefix);
}

static void
put_jobs(const struct site *site, const struct spec_service *service,
    struct environment *e)
{
	put(site, e, service, "WORKER_PROCESSES",
	    arena_i64(site->arena, service->workers));
	put(site, e, service, "PROGRAMS", site_programs(site, service->name));
}

/* Each service has a directory of its own, which only its user can write. */
static void
put_log(const struct site *site, const struct spec_service *service,
    struct environment *e)
{
	if (site->is_server && site->spec->log.destination == SPEC_LOG_FILES)
		put(site, e, service, "LOG_FILE",
		    arena_printf(site->arena, "%s/%s/%s.log",
			site->spec->log.directory, service->name,
			service->name));
}

void
service_env_add(const struct site *site, const struct spec_service *service,
    struct environment *e)
{
	if (spec_is_own(service)) {
		put_pool(site, e, service, "api");
		put_jobs(site, service, e);
		put_log(site, service, e);
	}
	if (service->needs_redis)
		put(site, e, service, "REDIS_URL",
		    site_redis_url(site, service));
	if (service == site->spec->verifier)
		put_verifier(site, e);
	else
		put_guarded(site, service, e);
}

const char *
service_env_value(const struct site *site, const struct spec_service *service,
    const char *name)
{
	struct environment given = { 0 }, own = { 0 };
	struct arena *a = site->arena;
	const char *path = arena_printf(a, SITE_ETC "/%s.env", service->name);
	const char *value;

	if ((!site->is_server || site->is_container) && getenv(name) != NULL)
		return getenv(name);
	if (site->is_server) {
		if (!environment_parse_if_exists(a, path, &given))
			return NULL;
		value = environment_find(&given, name);
		if (value != NULL)
			return value;
	}
	service_env_add(site, service, &own);
	value = environment_find(&own, name);
	if (value == NULL)
		print_error("%s: there is no variable %s", service->name, name);
	return value;
}
