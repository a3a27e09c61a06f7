#include "render_values.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "message.h"

enum {
	POOL_API,
	POOL_VERIFY,
	POOL_WORKER,
	VALUES_MAX = 16,
	CREDENTIALS_MAX = 64,
};

static const char *const pool_names[RENDER_POOLS] = {
	[POOL_API] = "api",
	[POOL_VERIFY] = "verify",
	[POOL_WORKER] = "worker",
};

/* The unit has no network at all: everything is behind unix sockets. */
#define NETWORK_NONE                        \
	"PrivateNetwork=yes\n"              \
	"RestrictAddressFamilies=AF_UNIX\n" \
	"IPAddressDeny=any"
/* The unit calls other servers: mail, webhooks. */
#define NETWORK_OUT                                          \
	"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n" \
	"IPAddressDeny=link-local multicast"

/* LogsDirectory= is relative to this directory. */
#define LOGS_ROOT "/var/log/"

struct list {
	struct template_value *values;
	int n;
};

static void
put(struct list *l, const char *name, const char *value)
{
	assert(l->n < VALUES_MAX - 1);
	l->values[l->n++] = (struct template_value){ name, value };
}

static struct list
begin(struct arena *a, const struct site *site)
{
	struct list l = {
		.values = arena_alloc(a, VALUES_MAX * sizeof(*l.values)),
	};

	put(&l, "share", site->share);
	put(&l, "lib", site->lib);
	put(&l, "url", site_url(site));
	return l;
}

static struct list
begin_service(struct arena *a, const struct site *site,
    const struct spec_service *service)
{
	struct list l = begin(a, site);

	put(&l, "service", service->name);
	put(&l, "variable", service->variable);
	return l;
}

const struct template_value *
render_site_values(struct arena *a, const struct site *site)
{
	return begin(a, site).values;
}

const struct template_value *
render_service_values(struct arena *a, const struct site *site,
    const struct spec_service *service)
{
	return begin_service(a, site, service).values;
}

bool
render_has_pool(const struct spec_service *service, int pool)
{
	switch (pool) {
	case POOL_API:
		return service->api.processes > 0;
	case POOL_VERIFY:
		return service->verify.processes > 0;
	default:
		return service->workers > 0;
	}
}

bool
render_has_socket(int pool)
{
	return pool != POOL_WORKER;
}

const char *
render_pool(int pool)
{
	return pool_names[pool];
}

const char *
render_unit(struct arena *a, const struct spec_service *service, int pool)
{
	if (pool == POOL_API)
		return service->name;
	return arena_printf(a, "%s-%s", service->name, pool_names[pool]);
}

static const char *
needs(struct arena *a, const struct spec_service *service, int pool)
{
	const char *unit = render_unit(a, service, pool);
	const char *text = "";

	if (render_has_socket(pool))
		text = arena_printf(a,
		    "Requires=kedge-%s.socket\nAfter=kedge-%s.socket", unit,
		    unit);
	if (service->needs_redis)
		text = arena_printf(a,
		    "%s%sWants=kedge-redis@%s.service\n"
		    "After=kedge-redis@%s.service",
		    text, *text == '\0' ? "" : "\n", service->name,
		    service->name);
	return text;
}

/* Credentials */

static bool
is_variable(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if (!(name[i] >= 'A' && name[i] <= 'Z') &&
		    !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
			return false;
	return i > 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * The names of the service's secrets, which are files in its directory. NULL:
 * the directory cannot be read; an error was printed.
 */
static const char *const *
read_names(struct arena *a, const char *path, size_t *ret_n)
{
	const char **names = arena_alloc(a, CREDENTIALS_MAX * sizeof(*names));
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	d = opendir(path);
	if (d == NULL && errno != ENOENT) {
		print_error("cannot read %s: %s", path, strerror(errno));
		return NULL;
	}
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (!is_variable(entry->d_name))
			continue;
		if (n == CREDENTIALS_MAX) {
			print_error(
			    "%s: more than %d secrets", path, CREDENTIALS_MAX);
			closedir(d);
			return NULL;
		}
		names[n++] = arena_strdup(a, entry->d_name);
	}
	if (d != NULL)
		closedir(d);
	qsort(names, n, sizeof(*names), compare);
	*ret_n = n;
	return names;
}

/* One line for each secret of the service; NULL: an error was printed. */
static const char *
credentials(
    struct arena *a, const char *root, const struct spec_service *service)
{
	const char *directory =
	    arena_printf(a, SITE_SECRETS "/%s", service->name);
	const char *const *names;
	const char *text = "";
	size_t n, i;

	names = read_names(a, arena_printf(a, "%s%s", root, directory), &n);
	if (names == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		text = arena_printf(a, "%s%sLoadCredential=%s:%s/%s", text,
		    i == 0 ? "" : "\n", names[i], directory, names[i]);
	return text;
}

/*
 * Lets the service write its log. systemd makes and owns the usual directory;
 * another one must exist, because systemd makes directories only there.
 */
static const char *
logs(struct arena *a, const struct site *site,
    const struct spec_service *service)
{
	const struct spec_log *log = &site->spec->log;

	if (log->destination != SPEC_LOG_FILES)
		return "";
	if (str_has_prefix(log->directory, LOGS_ROOT))
		return arena_printf(a,
		    "LogsDirectory=%s/%s\nLogsDirectoryMode=0750",
		    log->directory + strlen(LOGS_ROOT), service->name);
	return arena_printf(
	    a, "ReadWritePaths=%s/%s", log->directory, service->name);
}

const struct template_value *
render_pool_values(struct arena *a, const struct site *site, const char *root,
    const struct spec_service *service, int pool)
{
	struct list l = begin_service(a, site, service);
	const char *secrets = credentials(a, root, service);
	/* auth sends mail and asks other sign-in services; jobs call webhooks
	 */
	bool calls_others =
	    pool == POOL_WORKER ||
	    (pool == POOL_API && service == site->spec->verifier);

	if (secrets == NULL)
		return NULL;
	put(&l, "pool", pool_names[pool]);
	put(&l, "unit", render_unit(a, service, pool));
	put(&l, "needs", needs(a, service, pool));
	put(&l, "credentials", secrets);
	put(&l, "logs", logs(a, site, service));
	put(&l, "network", calls_others ? NETWORK_OUT : NETWORK_NONE);
	put(&l, "memory", "1G");
	put(&l, "tasks", "4096");
	return l.values;
}
