/*
 * auth: the identity service.  Its configuration, and the resources of its
 * worker processes; README.md explains how the parts work together.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/service_main.h"
#include "auth/plugin_set.h"
#include "web/identity.h"

struct auth_shared;
struct hash_pool;
struct mailer;
struct origins;
struct req;
struct session_ticker;

/* BetterAuth's defaults; clients can observe each of them. */
enum {
	SESSION_TTL_S = 7 * 86400,
	SESSION_BRIEF_TTL_S = 86400, /* without "remember me" */
	SESSION_UPDATE_AGE_S =
	    86400, /* a session is refreshed when it is older */
	SESSION_FRESH_AGE_S = 86400,
};

enum { AUTH_SERVICES_MAX = 16, AUTH_SECRET_MIN_BYTES = 32 };

/* A service for which assertions can be issued. */
struct audience {
	const char *name; /* "core" */
	const char
	    *member; /* "hasCoreAccount", the member of the user object */
	unsigned char key[IDENTITY_KEY_SIZE];
	/* the key of the secret that is also accepted, if there is one */
	unsigned char previous_key[IDENTITY_KEY_SIZE];
	bool has_previous;
};

struct auth_config {
	struct service_config base;
	const char *verify_listen;
	int64_t verify_processes;
	int64_t verify_threads;
	const char *secret;
	const char *secret_previous; /* NULL or empty: there is none */
	const char *url; /* the public origin */
	const char *trusted_origins;
	const char *cookie_prefix;
	const char *services;
	const char *plugins;
	const char
	    *additional_fields; /* the names of the plugins that are on */
	bool rate_limit;
	int64_t cache_lease_s;
	int64_t hash_concurrency; /* 0: one for each processor core */
	int64_t hash_queue;
	int64_t mail_per_address; /* messages to one address in an hour */
	int64_t mail_per_user; /* messages that one user causes in an hour */

	/* The variables of the plugins: see plugin_config(). */
	_Alignas(max_align_t) char plugin_config[PLUGIN_CONFIG_MAX_BYTES];

	/* Created before the fork. */
	struct auth_shared *shared;
	const struct plugin_set *plugin_set;
};

struct auth {
	struct service_process process; /* must be the first member: r->app can
	                                   be read as either */
	const struct auth_config *config;
	const char *secret; /* signs */
	size_t secret_len;
	/*
	 * the secret before the last rotation, which is accepted, too; NULL:
	 * there is none
	 */
	const char *secret_previous;
	size_t secret_previous_len;
	bool secure; /* cookies are Secure and have the __Secure- prefix */
	const char *cookie_prefix; /* "__Secure-better-auth." */
	const char *session_cookie; /* names, with their prefixes */
	const char *data_cookie;
	const struct origins *origins;
	const struct plugin_set *plugins;
	struct audience audiences[AUTH_SERVICES_MAX];
	size_t naudiences;
	/*
	 * auth as the audience of its own guarded locations (jobs, webhooks).
	 * `audiences` does not contain it: auth has no service account of a
	 * user, and an assertion for auth must not prove that the caller is a
	 * service.
	 */
	struct audience self;
	struct auth_shared *shared;
	struct session_ticker *ticker;
	struct hash_pool *hashes; /* NULL in the verify pool */
	struct mailer
	    *mailer; /* NULL except in workers, and when mail is off */
};

/* Initialises the members that depend only on the configuration. */
bool auth_init(struct auth *auth, const struct auth_config *config);
void auth_release(struct auth *auth);
/* A base service, or auth itself; NULL when there is none with that name. */
const struct audience *auth_audience(const struct auth *auth, const char *name);

/*
 * The keys that sign and check assertions for this audience; the result points
 * into *audience.
 */
struct identity_keys audience_keys(const struct audience *audience);

struct auth *auth_of(const struct req *r);

/* The values of the plugin that declares these variables, in its own struct. */
const void *
plugin_config(const struct auth *auth, const struct config_var *vars);

#endif
