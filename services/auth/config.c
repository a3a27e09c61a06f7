#include "auth/config.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/ok_routes.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/additional_fields.h"
#include "auth/identity/columns.h"
#include "auth/identity/identity.h"
#include "auth/log_events.h"
#include "auth/mail/auth_mail.h"
#include "auth/password/hash_slots.h"
#include "auth/plugins.h"
#include "auth/provision/provision_routes.h"
#include "base/log.h"

static const char default_plugins[] = "email-password,admin,password-reset,"
				      "email-verification,delete-user,accounts";

/* clang-format off */
static const struct config_var vars[] = {
	{ CONFIG(struct auth_config, base.threads, "THREADS"),
	  .fallback = "96", .min = 8, .max = 512, .unit = "threads",
	  .doc = "Threads of one process of the api pool. A quarter of them "
	    "(at least 4) is never used to wait for password hashing." },
	{ CONFIG(struct auth_config, verify_listen, "VERIFY_LISTEN"),
	  .fallback = "unix:verify.sock", .min = 1, .max = 255,
	  .doc = "Socket of the verify pool: unix:PATH or HOST:PORT." },
	{ CONFIG(struct auth_config, verify_processes, "VERIFY_PROCESSES"),
	  .fallback = "2", .min = 1, .max = 32, .unit = "processes",
	  .doc = "Worker processes of the verify pool." },
	{ CONFIG(struct auth_config, verify_threads, "VERIFY_THREADS"),
	  .fallback = "8", .min = 1, .max = 512, .unit = "threads",
	  .doc = "Threads of one process of the verify pool, for verdicts that "
	    "wait for PostgreSQL; verdicts from Redis need no thread." },
	{ CONFIG(struct auth_config, secret, "SECRET"),
	  .min = AUTH_SECRET_MIN_BYTES, .max = 4096,
	  .flags = CONFIG_REQUIRED | CONFIG_SECRET,
	  .doc = "The secret that signs cookies, and from which the keys of "
	    "the base services are derived. For an adopted database, "
	    "BetterAuth's secret." },
	{ CONFIG(struct auth_config, secret_previous, "SECRET_PREVIOUS"),
	  .max = 4096, .flags = CONFIG_SECRET,
	  .doc = "A second secret, whose cookies and assertions are accepted, "
	    "so that AUTH_SECRET can be rotated without signing anybody out: "
	    "the previous secret or, in the first step of a rotation, the "
	    "next one. At least 32 bytes; empty: there is none." },
	{ CONFIG(struct auth_config, url, "URL"),
	  .fallback = "http://127.0.0.1:8080", .min = 1, .max = 256,
	  .doc = "The public origin of the site. With https, cookies are "
	    "Secure and their names begin with __Secure-." },
	{ CONFIG(struct auth_config, trusted_origins, "TRUSTED_ORIGINS"),
	  .fallback = "",
	  .doc = "Other origins whose pages may call all services, separated "
	    "by commas; patterns as in BetterAuth (https://*.example.com, "
	    "myapp://). Also the configuration of nginx is made from it: see "
	    "docs/ORIGINS.md." },
	{ CONFIG(struct auth_config, cookie_prefix, "COOKIE_PREFIX"),
	  .fallback = "better-auth", .min = 1, .max = 64,
	  .doc = "The prefix of cookie names." },
	{ CONFIG(struct auth_config, services, "SERVICES"),
	  .fallback = "core,wallet,links",
	  .doc = "The base services for which assertions are issued, separated "
	    "by commas." },
	{ CONFIG(struct auth_config, plugins, "PLUGINS"),
	  .fallback = default_plugins,
	  .doc = "The plugins that are on, separated by commas, named as in "
	    "BetterAuth's manual. The paths of the others answer 404. The "
	    "variable replaces the default list." },
	{ CONFIG(struct auth_config, additional_fields, "ADDITIONAL_FIELDS"),
	  .fallback = "", .max = 65536,
	  .doc = "Columns of your own in BetterAuth's tables user and session, "
	    "as its options user.additionalFields and session.additionalFields "
	    "declare them, in JSON: {\"user\":{\"plan\":{\"type\":\"string\"}}}, "
	    "or the path of a file with that. See docs/COMPATIBILITY.md." },
	{ CONFIG(struct auth_config, rate_limit, "RATE_LIMIT"),
	  .fallback = "on",
	  .doc = "Rate limits of sign-in and other endpoints. Turn them off "
	    "only for benchmarks, and for tests of something else." },
	{ CONFIG(struct auth_config, cache_lease_s, "CACHE_LEASE_S"),
	  .fallback = "60", .min = 1, .max = 300, .unit = "s",
	  .doc = "How long this host accepts cached sessions after it last "
	    "reached PostgreSQL. While Redis is unavailable, a sign-out gets "
	    "503 until every other host has acknowledged it, at most for this "
	    "time." },
	{ CONFIG(struct auth_config, hash_concurrency, "HASH_CONCURRENCY"),
	  .fallback = "0", .min = 0, .max = HASH_SLOTS_MAX, .unit = "hashes",
	  .doc = "The most passwords that this host hashes at once, with 32 "
	    "MiB of memory each; 0: one for each processor core." },
	{ CONFIG(struct auth_config, hash_queue, "HASH_QUEUE"),
	  .fallback = "64", .min = 0, .max = 4096, .unit = "hashes",
	  .doc = "The most passwords that wait to be hashed in one process; "
	    "further sign-ins get 429. THREADS limits this number, too." },
	{ CONFIG(struct auth_config, mail_per_address, "MAIL_PER_ADDRESS"),
	  .fallback = "10", .min = 1, .max = 10000, .unit = "in 1 h",
	  .doc = "The most messages to one address; further requests for one "
	    "get 429, whether or not the address belongs to a user." },
	{ CONFIG(struct auth_config, mail_per_user, "MAIL_PER_USER"),
	  .fallback = "20", .min = 1, .max = 10000, .unit = "in 1 h",
	  .doc = "The most messages that one user can cause, to whatever "
	    "addresses." },
	{ 0 },
};
/* clang-format on */

static const struct auth_plugin http_part = {
	.name = "http",
	.routes = ok_routes,
	.refusals = core_refusals,
	.cookies = session_cookies,
	.vars = vars,
};

static const struct auth_plugin provision_part = {
	.name = "provision",
	.routes = provision_routes,
};

const struct auth_plugin *const auth_core[] = {
	&http_part,
	&identity_session_part,
	&identity_user_part,
	&provision_part,
	&auth_mail_part,
	NULL,
};

/* BetterAuth writes the fields of the application after those of plugins. */
static const struct auth_plugin *parts[PLUGINS_MAX + 1];

static bool
add_fields(const char *fields)
{
	const char *problem;
	const struct auth_plugin *part =
	    additional_fields_read(fields, &problem);
	size_t n = 0;

	if (part == NULL) {
		log_event(LOG_ERROR, EVENT_ADDITIONAL_FIELDS_INVALID,
		    LOG_TEXT("variable", "AUTH_ADDITIONAL_FIELDS"),
		    LOG_TEXT("problem", problem));
		return false;
	}
	for (; n < PLUGINS_MAX - 1 && plugins_all[n] != NULL; n++)
		parts[n] = plugins_all[n];
	parts[n] = part;
	return true;
}

bool
config_compose(struct plugin_set *set, const char *plugins, const char *fields)
{
	char problem[PLUGIN_PROBLEM_MAX];

	if (plugins == NULL)
		plugins = default_plugins;
	if (!add_fields(fields))
		return false;
	if (!plugin_set_compose(set, auth_core, parts,
		columns_text("%s," ADDITIONAL_FIELDS, plugins),
		offsetof(struct auth_config, plugin_config), problem)) {
		log_event(LOG_ERROR, EVENT_PLUGINS_INVALID,
		    LOG_TEXT("problem", problem));
		return false;
	}
	identity_compose(set);
	for (size_t i = 0; i < set->non; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->compose != NULL)
			hooks->compose(set);
	}
	return true;
}

const struct auth_plugin *
config_fields(const struct plugin_set *set)
{
	return set->on[set->non - 1];
}
