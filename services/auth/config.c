#include "auth/config.h"

#include "auth/auth.h"
#include "auth/password/hash_slots.h"

/* clang-format off */
const struct config_var auth_vars[] = {
	{ CONFIG(struct auth_config, base.threads, "THREADS"),
	  .fallback = "96", .min = 8, .max = 512, .unit = "threads",
	  .doc = "Requests of one process of the api pool that can wait at "
	    "once. A quarter of them (4 at least) never waits for a "
	    "password." },
	{ CONFIG(struct auth_config, verify_listen, "VERIFY_LISTEN"),
	  .fallback = "unix:verify.sock", .min = 1, .max = 255,
	  .doc = "Socket of the verify pool: unix:PATH or HOST:PORT." },
	{ CONFIG(struct auth_config, verify_processes, "VERIFY_PROCESSES"),
	  .fallback = "2", .min = 1, .max = 32, .unit = "processes",
	  .doc = "Worker processes of the verify pool." },
	{ CONFIG(struct auth_config, verify_threads, "VERIFY_THREADS"),
	  .fallback = "8", .min = 1, .max = 512, .unit = "threads",
	  .doc = "Verdicts of one of them that can wait at once, for "
	    "PostgreSQL; those that Redis can tell need no thread." },
	{ CONFIG(struct auth_config, secret, "SECRET"),
	  .min = AUTH_SECRET_MIN_BYTES, .max = 4096,
	  .flags = CONFIG_REQUIRED | CONFIG_SECRET,
	  .doc = "Signs cookies, and the keys of the base services are "
	    "derived from it. BetterAuth's secret, when its database is "
	    "adopted." },
	{ CONFIG(struct auth_config, url, "URL"),
	  .fallback = "http://127.0.0.1:8080", .min = 1, .max = 256,
	  .doc = "The public origin. With https, cookies are Secure and "
	    "named __Secure-." },
	{ CONFIG(struct auth_config, trusted_origins, "TRUSTED_ORIGINS"),
	  .fallback = "",
	  .doc = "Other origins whose pages may call, separated by commas; "
	    "patterns as in BetterAuth (https://*.example.com, myapp://)." },
	{ CONFIG(struct auth_config, cookie_prefix, "COOKIE_PREFIX"),
	  .fallback = "better-auth", .min = 1, .max = 64,
	  .doc = "What cookie names begin with." },
	{ CONFIG(struct auth_config, services, "SERVICES"),
	  .fallback = "core,wallet",
	  .doc = "The base services, separated by commas: who assertions are "
	    "made for." },
	{ CONFIG(struct auth_config, rate_limit, "RATE_LIMIT"),
	  .fallback = "on",
	  .doc = "Off only for benchmarks and tests of other things." },
	{ CONFIG(struct auth_config, cache_lease_s, "CACHE_LEASE_S"),
	  .fallback = "60", .min = 1, .max = 300, .unit = "s",
	  .doc = "How long this host verifies cached sessions after it last "
	    "reached PostgreSQL. While Redis cannot be reached, a sign-out is "
	    "503 until each other host has heard of it, or for so long." },
	{ CONFIG(struct auth_config, hash_concurrency, "HASH_CONCURRENCY"),
	  .fallback = "0", .min = 0, .max = HASH_SLOTS_MAX, .unit = "hashes",
	  .doc = "Passwords hashed at once on this host, in 32 MiB each; 0: "
	    "as many as there are cores." },
	{ CONFIG(struct auth_config, hash_queue, "HASH_QUEUE"),
	  .fallback = "64", .min = 0, .max = 4096, .unit = "hashes",
	  .doc = "How many more may wait in one process; beyond that, 429. "
	    "THREADS bounds it too." },
	{ 0 },
};
/* clang-format on */
