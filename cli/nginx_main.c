#include "nginx_part.h"

#include <stddef.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#include "nginx_text.h"

/* Upper limit of the memory that limit_conn needs for each key. */
enum { STATE_BYTES = 192 };

/* In a stack, nginx's working directory is the stack's directory. */
static const struct template_value stack_paths[] = {
	{ "daemon", "daemon off;" },
	{ "pid", "run/nginx.pid" },
	{ "error_log", "stderr" },
	{ "access_log", "log/nginx.log" },
	{ "temporary", "nginx/tmp" },
	{ "more", "" },
	{ NULL },
};
/* The paths on a server: as in Debian's nginx.conf and nginx.service. */
static const struct template_value server_paths[] = {
	{ "daemon", "" },
	{ "pid", "/run/nginx.pid" },
	{ "error_log", "/var/log/nginx/error.log" },
	{ "access_log", "/var/log/nginx/access.log" },
	{ "temporary", "/var/lib/nginx" },
	{ "more", "# Servers of other applications on this host.\n"
		  "\tinclude " SITE_ETC "/nginx-sites.d/*.conf;" },
	{ NULL },
};

/* A container can only write to /tmp, and to the log of its runtime. */
static const struct template_value container_paths[] = {
	{ "daemon", "daemon off;" },
	{ "pid", "/tmp/nginx.pid" },
	{ "error_log", "stderr" },
	{ "access_log", "/dev/stdout" },
	{ "temporary", "/tmp" },
	{ "more", "" },
	{ NULL },
};

static const struct template_value *
rehearsal_paths(const struct site *site)
{
	struct arena *a = site->arena;
	struct template_value *values = arena_alloc(a, sizeof(server_paths));
	const char *log = arena_printf(a, "%s/nginx.log", site->rehearsal);
	size_t i;

	for (i = 0; i < COUNT_OF(server_paths) - 1; i++) {
		values[i] = server_paths[i];
		if (str_eq(values[i].name, "pid"))
			values[i].value =
			    arena_printf(a, "%s/nginx.pid", site->rehearsal);
		else if (str_eq(values[i].name, "error_log") ||
			 str_eq(values[i].name, "access_log"))
			values[i].value = log;
		else if (str_eq(values[i].name, "temporary"))
			values[i].value = site->rehearsal;
	}
	return values;
}

static const char *
path_value(const struct site *site, const char *name)
{
	const struct template_value *v = site->rehearsal != NULL
	                                     ? rehearsal_paths(site)
	                                 : site->is_container ? container_paths
	                                 : site->is_server    ? server_paths
	                                                      : stack_paths;

	while (!str_eq(v->name, name))
		v++;
	return v->value;
}

/*
 * The user of nginx's workers. A stack that runs as root would otherwise have
 * workers that run as nobody, which cannot connect to the sockets.
 */
static const char *
user(const struct site *site)
{
	if (site->is_container)
		return "";
	if (geteuid() != 0 && (!site->is_server || site->rehearsal != NULL))
		return "";
	return site->is_server ? "user www-data;" : "user root;";
}

static bool
add_main(const struct site *site, struct file_set *files)
{
	struct nginx_text t = nginx_text_begin(site);
	const struct template_value values[] = {
		{ "user", user(site) },
		{ "daemon", path_value(site, "daemon") },
		{ "workers", nginx_number(site, site->spec->nginx.workers) },
		{ "files",
		    nginx_number(site, site->connections + SITE_FILES_SPARE) },
		{ "connections", nginx_number(site, site->connections) },
		{ "pid", path_value(site, "pid") },
		{ "error_log", path_value(site, "error_log") },
		{ "access_log", path_value(site, "access_log") },
		{ "temporary", path_value(site, "temporary") },
		{ "more", path_value(site, "more") },
		{ NULL },
	};

	nginx_text_add(&t, "nginx.conf", values);
	return nginx_text_finish(&t, files, "nginx.conf");
}

/*
 * The limits of requests in progress. One network may have at most a quarter of
 * nginx's connections.
 */
static bool
add_limits(const struct site *site, struct file_set *files)
{
	const struct spec_nginx *nginx = &site->spec->nginx;
	int64_t all = site->connections * nginx->workers;
	int64_t network = nginx->per_network;
	int64_t address = nginx->per_address;
	struct nginx_text t = nginx_text_begin(site);

	if (network > all / 4)
		network = all / 4;
	if (address > network)
		address = network;
	const struct template_value values[] = {
		{ "zone",
		    nginx_number(site, all * STATE_BYTES / (1 << 20) + 1) },
		{ "per_address", nginx_number(site, address) },
		{ "per_network", nginx_number(site, network) },
		{ NULL },
	};

	nginx_text_add(&t, "limits.conf", values);
	return nginx_text_finish(&t, files, "limits.conf");
}

/*
 * Adds log.conf, which chooses the requests that are logged. split_clients
 * accepts percentages with at most two decimals.
 */
static bool
add_log(const struct site *site, struct file_set *files)
{
	int64_t n = site->spec->nginx.log_sample;
	/* the share of requests that are logged, in ten thousandths */
	int64_t parts = 10000 / n;
	struct nginx_text t = nginx_text_begin(site);
	const char *some = arena_printf(site->arena, "%lld.%02lld%% 1;\n\t* 0;",
	    (long long)(parts / 100), (long long)(parts % 100));
	const struct template_value values[] = {
		{ "sample", n == 1 ? "* 1;" : some },
		{ NULL },
	};

	nginx_text_add(&t, "log.conf", values);
	return nginx_text_finish(&t, files, "log.conf");
}

bool
nginx_main_add(const struct site *site, struct file_set *files)
{
	return add_main(site, files) && add_limits(site, files) &&
	       add_log(site, files);
}
