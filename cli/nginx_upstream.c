#include "nginx_part.h"

#include "base/arena.h"

#include "file.h"
#include "nginx_text.h"

/* Idle connections to an application that is not Kedge's. */
enum { FOREIGN_KEEPALIVE = 8 };

/* An upstream of Kedge's own processes. */
static void
add_own(struct nginx_text *t, const char *name, const char *address,
    int64_t keepalive)
{
	struct arena *a = t->site->arena;
	const char *server = arena_printf(a, "server %s max_fails=0;", address);
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

	nginx_text_add(t, "upstream.conf", values);
}

static void
add_foreign(struct nginx_text *t, const struct spec_service *service)
{
	const struct template_value values[] = {
		{ "service", service->name },
		{ "address", service->upstream.address },
		{ "keepalive",
		    /*
		     * No keep-alive: not every FastCGI application supports it.
		     */
		    service->upstream.kind == SPEC_UPSTREAM_HTTP
			? arena_printf(t->site->arena, "keepalive %d;",
			      FOREIGN_KEEPALIVE)
			: "" },
		{ NULL },
	};

	nginx_text_add(t, "foreign_upstream.conf", values);
}

bool
nginx_upstreams_add(const struct site *site, struct file_set *files)
{
	const struct spec *spec = site->spec;
	struct nginx_text t = nginx_text_begin(site);
	const struct spec_service *service;
	int i;

	for (i = 0; i < spec->nservices; i++) {
		service = &spec->services[i];
		if (spec_is_own(service))
			add_own(&t, service->name,
			    site_address(site, service, "api"),
			    service->api.keepalive);
		else
			add_foreign(&t, service);
	}
	add_own(&t,
	    arena_printf(site->arena, "%s_verify", spec->verifier->name),
	    site_address(site, spec->verifier, "verify"),
	    spec->verifier->verify.keepalive);
	return nginx_text_finish(&t, files, "upstreams.conf");
}
