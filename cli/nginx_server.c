#include "nginx_part.h"

#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "file.h"
#include "nginx_text.h"

/* Whether sockets of IPv6 can be made on this machine. */
static bool
has_ipv6(void)
{
	return access("/proc/net/if_inet6", R_OK) == 0;
}

/* The names of a server block; `none` when kedge.json has none. */
static const char *
names(const struct site *site, const char *none)
{
	const char *list = "";
	int i;

	for (i = 0; i < site->spec->nserver_names; i++)
		list = arena_printf(site->arena, "%s%s%s", list,
		    i == 0 ? "" : " ", site->spec->server_names[i]);
	return *list == '\0' ? none : list;
}

/*
 * The directives "listen" of one port. A rehearsal listens on unix sockets, so
 * that it needs no right and no free port.
 */
static const char *
listen_on(const struct site *site, int port, const char *options)
{
	struct arena *a = site->arena;
	const char *v4;

	if (site->rehearsal != NULL)
		return arena_printf(a, "listen unix:%s/%d.sock%s;",
		    site->rehearsal, port, options);
	v4 = arena_printf(a, "listen %d%s;", port, options);
	return has_ipv6() ? arena_printf(
				a, "%s\n\tlisten [::]:%d%s;", v4, port, options)
	                  : v4;
}

/*
 * The directives "listen" for TLS, with the newest HTTP that nginx has. Of all
 * server blocks only the first one of a port may say "reuseport", without which
 * the packets of one QUIC connection would reach different workers.
 */
static const char *
listen_tls(const struct site *site, bool is_first)
{
	struct arena *a = site->arena;
	const char *option = is_first ? " quic reuseport" : " quic";
	const char *text;

	if (!site->nginx.has_http2_directive)
		return listen_on(site, 443, " ssl http2");
	text = arena_printf(a, "%s\n\thttp2 on;", listen_on(site, 443, " ssl"));
	if (!site->nginx.has_http3 || site->rehearsal != NULL)
		return text;
	return arena_printf(a, "%s\n\t%s", text, listen_on(site, 443, option));
}

/* A server block with everything that clients may use. */
static void
add_public(struct nginx_text *t, const char *listen, bool is_tls)
{
	const struct site *site = t->site;
	const struct template_value values[] = {
		{ "listen", listen },
		{ "names", names(site, "_") },
		{ "tls", is_tls ? "include tls.conf;" : "" },
		{ "web", site_web(site) },
		{ "additions", !site->is_server ? ""
			       : is_tls ? "include " SITE_ETC "/nginx.d/*.conf;"
					: "include acme.conf;\n"
					  "\tinclude " SITE_ETC
					  "/nginx.d/*.conf;" },
		{ NULL },
	};

	nginx_text_add(t, "public.conf", values);
}

/*
 * The directives "listen" of a stack, without reuseport: with it, a second
 * stack of the same user could share the port unnoticed. 0.0.0.0 contains
 * 127.0.0.1.
 */
static const char *
stack_listen(const struct site *site)
{
	const char *address = site->stack->listen;
	const char *first =
	    str_eq(address, "0.0.0.0") ? "0.0.0.0" : "127.0.0.1";
	const char *text = arena_printf(
	    site->arena, "listen %s:%d backlog=4096;", first, site->port);

	return address == NULL || str_eq(address, first)
	           ? text
	           : arena_printf(site->arena, "%s\n\tlisten %s:%d;", text,
			 address, site->port);
}

static void
add_stack(struct nginx_text *t)
{
	add_public(t, stack_listen(t->site), /* is_tls= */ false);
}

/*
 * The servers of a host. The first block of a port answers requests for other
 * names than those in kedge.json.
 */
static void
add_server(struct nginx_text *t)
{
	const struct site *site = t->site;
	/* In containers, a proxy in front ends TLS. */
	bool is_tls =
	    site->spec->tls.certificate != NULL && !site->is_container;
	int port = site->is_container ? SITE_PUBLIC_PORT : 80;
	const struct template_value values[] = {
		{ "listen", listen_on(site, port, "") },
		{ "listen_tls", listen_tls(site, /* is_first= */ true) },
		{ "names", names(site, "_") },
		{ "hsts", nginx_number(site, site->spec->tls.hsts_s) },
		{ NULL },
	};

	if (site->spec->nserver_names > 0)
		nginx_text_add(t, "other_names.conf", values);
	if (is_tls) {
		nginx_text_add(t, "hsts.conf", values);
		nginx_text_add(t, "other_names_tls.conf", values);
	}
	if (is_tls)
		nginx_text_add(t, "redirect.conf", values);
	add_public(t,
	    is_tls ? listen_tls(site, /* is_first= */ false)
		   : listen_on(site, port, ""),
	    is_tls);
}

static bool
add_servers(const struct site *site, struct file_set *files)
{
	struct nginx_text t = nginx_text_begin(site);
	const struct template_value values[] = {
		{ "internal", site->is_container && site->rehearsal == NULL
				  ? nginx_number(site, SITE_INTERNAL_PORT)
				  : arena_printf(site->arena, "unix:%s",
					site_internal(site)) },
		{ "monitoring", site_monitoring(site) },
		{ NULL },
	};

	if (site->is_server)
		add_server(&t);
	else
		add_stack(&t);
	nginx_text_add(&t, "internal_server.conf", values);
	nginx_text_add(&t, "monitoring.conf", values);
	return nginx_text_finish(&t, files, "servers.conf");
}

/*
 * Adds realip.conf: the addresses of trusted proxies, whose headers name the
 * client.
 */
static bool
add_realip(const struct site *site, struct file_set *files)
{
	const struct spec *spec = site->spec;
	struct nginx_text t = nginx_text_begin(site);
	struct buf from, geo;
	int i;

	buf_init(&from, site->arena, FILE_MAX_BYTES);
	buf_init(&geo, site->arena, FILE_MAX_BYTES);
	for (i = 0; i < spec->ntrusted_proxies; i++) {
		buf_printf(
		    &from, "set_real_ip_from %s;\n", spec->trusted_proxies[i]);
		buf_printf(&geo, "\t%s 1;\n", spec->trusted_proxies[i]);
	}
	const struct template_value values[] = {
		{ "from", from.data },
		{ "geo", geo.data },
		{ NULL },
	};

	nginx_text_add(
	    &t, i > 0 ? "realip_proxy.conf" : "realip_direct.conf", values);
	return nginx_text_finish(&t, files, "realip.conf");
}

static bool
add_tls(const struct site *site, struct file_set *files)
{
	const struct spec_tls *tls = &site->spec->tls;
	struct nginx_text t = nginx_text_begin(site);
	const struct template_value values[] = {
		{ "certificate", tls->certificate },
		{ "key", tls->key },
		{ NULL },
	};

	if (tls->certificate == NULL || !site->is_server || site->is_container)
		return true;
	nginx_text_add(&t, "tls.conf", values);
	return nginx_text_finish(&t, files, "tls.conf");
}

/* The headers of every response that depend on how clients connect. */
static bool
add_transport(const struct site *site, struct file_set *files)
{
	const struct spec_tls *tls = &site->spec->tls;
	bool is_tls = site->is_server && tls->certificate != NULL;
	struct nginx_text t = nginx_text_begin(site);
	const struct template_value values[] = {
		{ "hsts", is_tls && tls->hsts_s > 0
			      ? "add_header Strict-Transport-Security "
				"$kedge_hsts always;"
			      : "" },
		{ "http3",
		    is_tls && site->nginx.has_http3
			? "add_header Alt-Svc 'h3=\":443\"; ma=86400' always;"
			: "" },
		{ NULL },
	};

	nginx_text_add(&t, "transport.conf", values);
	return nginx_text_finish(&t, files, "transport.conf");
}

/*
 * Adds acme.conf: the location from which the certificate authority reads the
 * proof for a certificate, at its first issue and at each renewal.
 */
static bool
add_acme(const struct site *site, struct file_set *files)
{
	struct nginx_text t = nginx_text_begin(site);
	const struct template_value values[] = {
		{ "acme", SITE_ACME },
		{ NULL },
	};

	if (!site->is_server)
		return true;
	nginx_text_add(&t, "acme.conf", values);
	return nginx_text_finish(&t, files, "acme.conf");
}

bool
nginx_servers_add(const struct site *site, struct file_set *files)
{
	return add_servers(site, files) && add_acme(site, files) &&
	       add_realip(site, files) && add_tls(site, files) &&
	       add_transport(site, files);
}
