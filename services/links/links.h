/* links: the service's configuration and process, which its parts share. */
#ifndef LINKS_LINKS_H
#define LINKS_LINKS_H

#include <stdint.h>

#include "app/service_main.h"

struct click_table;
struct epoch;
struct hash_slots;
struct click_ticker;

/* Short links are below this path, which is in `public` of kedge.json. */
#define LINKS_PUBLIC_PATH "/l/"

struct links_config {
	struct service_config base;
	const char *url; /* "" or "https://go.example.com" */
	const char *blocked_hosts; /* separated by commas */
	int64_t links_max; /* per user */
	int64_t create_rate; /* links per user in an hour; 0: no limit */
	int64_t lookup_rate; /* look-ups in PostgreSQL per network in 10 s */
	int64_t slug_keep_days;
	int64_t click_keep_days;
	int64_t idempotency_hours;
	int64_t idempotency_keys_max;
	int64_t cache_lease_ms;
	int64_t hash_concurrency;
	struct epoch *epoch; /* in shared memory */
};

/* The resources of one process of links. */
struct links {
	struct service_process process;
	struct epoch *epoch;
	struct click_table *clicks;
	struct hash_slots *hashes;
	struct click_ticker *ticker; /* NULL in a process that runs jobs */
};

static inline struct links *
links_of(const struct req *r)
{
	return r->app;
}

static inline const struct links_config *
links_config_of(const struct links *links)
{
	return (const struct links_config *)links->process.config;
}

#endif
