#include "app/service_config.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/service_program.h"
#include "base/config.h"
#include "base/log.h"
#include "base/log_events.h"
#include "base/metrics.h"
#include "base/str.h"
#include "cache/cache_url.h"
#include "db/db_url.h"
#include "job/job_set.h"
#include "job/webhook.h"
#include "mail/mail.h"
#include "web/access.h"
#include "web/identity.h"
#include "web/service.h"

/* The expanded value of a numeric macro, as a string literal. */
#define TEXT_OF(macro) TEXT(macro)
#define TEXT(number) #number

enum {
	ROWS_MAX = 160,
	PREFIX_SIZE = 32,
	LISTEN_SIZE = 64,
	PATH_MAX_BYTES = 128,
};

/* clang-format off */
static const struct config_var process_vars[] = {
	{ CONFIG(struct service_config, listen, "LISTEN"), .min = 1, .max = 255,
	  .doc = "Socket for nginx: unix:PATH or HOST:PORT. An inherited "
	    "socket (systemd, descriptor 0) takes precedence." },
	{ CONFIG(struct service_config, processes, "PROCESSES"),
	  .fallback = "2", .min = 1, .max = METRICS_SLOTS_MAX,
	  .unit = "processes", .doc = "Worker processes. With only one, a "
	    "crash is an outage until its replacement is ready." },
	{ CONFIG(struct service_config, threads, "THREADS"),
	  .fallback = "16", .min = 1, .max = 512, .unit = "threads",
	  .doc = "Threads of one process, each for a request that waits for "
	    "the database or another service. Further requests queue; requests "
	    "that need not wait use no thread." },
	{ 0 },
};

static const struct config_var database_vars[] = {
	{ CONFIG(struct service_config, database_url, "DATABASE_URL"),
	  .flags = CONFIG_REQUIRED | CONFIG_SECRET,
	  .doc = "The PostgreSQL database, as a libpq connection string or "
	    "URI." },
	{ CONFIG(struct service_config, database_connections,
	    "DATABASE_CONNECTIONS"),
	  .fallback = TEXT_OF(SERVICE_DATABASE_CONNECTIONS),
	  .min = 1, .max = 128, .unit = "connections",
	  .doc = "The most connections to PostgreSQL of one process; they are "
	      "opened when needed." },
	{ CONFIG(struct service_config, database_timeout_ms,
	    "DATABASE_TIMEOUT_MS"),
	  .fallback = "5000", .min = 100, .max = 600000, .unit = "ms",
	  .doc = "The time limit of one SQL statement." },
	{ CONFIG(struct service_config, database_slow_ms, "DATABASE_SLOW_MS"),
	  .fallback = "500", .min = 0, .max = 600000, .unit = "ms",
	  .doc = "SQL statements that take longer are logged with their name. "
	    "0: none are logged." },
	{ 0 },
};

static const struct config_var redis_vars[] = {
	{ CONFIG(struct service_config, redis_url, "REDIS_URL"),
	  .fallback = "", .flags = CONFIG_SECRET,
	  .doc = "The Redis server: unix:PATH or "
	    "redis://[:PASSWORD@]HOST:PORT[/DB]. Empty: run without Redis; "
	    "each process then counts rate limits by itself." },
	{ CONFIG(struct service_config, redis_timeout_ms, "REDIS_TIMEOUT_MS"),
	  .fallback = "100", .min = 1, .max = 10000, .unit = "ms",
	  .doc = "How long to wait for Redis to connect or answer; after that "
	    "the service continues without it." },
	{ 0 },
};

static const struct config_var log_vars[] = {
	{ CONFIG(struct service_config, log_level, "LOG_LEVEL"),
	  .fallback = "info",
	  .doc = "The lowest level that is logged: debug, info, warn or error. "
	    "Requests are logged at info, and at warn if they fail with 5xx." },
	{ CONFIG(struct service_config, log_file, "LOG_FILE"),
	  .fallback = "",
	  .doc = "File to which the log is appended. Empty: standard error. A "
	    "reload reopens the file, for rotation." },
	{ CONFIG(struct service_config, log_sample, "LOG_SAMPLE"),
	  .fallback = "1", .min = 1, .max = 1000000, .unit = "requests",
	  .doc = "Log one of this many requests with a status below 400, "
	    "chosen by request id. Requests with 4xx and 5xx are always "
	    "logged." },
	{ CONFIG(struct service_config, drain_timeout_ms, "DRAIN_TIMEOUT_MS"),
	  .fallback = "10000", .min = 0, .max = 600000, .unit = "ms",
	  .doc = "After SIGTERM, the time limit for running jobs and requests "
	    "in progress. Requests are accepted until the jobs have ended, or "
	    "until half of this time has passed." },
	{ CONFIG(struct service_config, body_timeout_ms, "BODY_TIMEOUT_MS"),
	  .fallback = "30000", .min = 100, .max = 300000, .unit = "ms",
	  .doc = "Time limit for receiving a request's body, plus one second "
	    "for each 16 KiB received; after that the answer is 408 "
	    "REQUEST_TIMEOUT." },
	{ 0 },
};

static const struct config_var base_vars[] = {
	{ CONFIG(struct service_config, prefix, "PREFIX"),
	  .min = 1, .max = PATH_MAX_BYTES,
	  .doc = "The path prefix of the service's routes: the prefix in "
	    "kedge.json." },
	{ CONFIG(struct service_config, identity_key, "IDENTITY_KEY"),
	  .flags = CONFIG_REQUIRED | CONFIG_SECRET,
	  .doc = "The key that auth shares with this service only: 32 bytes in "
	    "base64url." },
	{ CONFIG(struct service_config, identity_key_previous,
	    "IDENTITY_KEY_PREVIOUS"),
	  .flags = CONFIG_SECRET,
	  .doc = "A second key that is accepted, but does not sign, so that "
	    "AUTH_SECRET can be rotated: the key of AUTH_SECRET_PREVIOUS. "
	    "Empty: there is none." },
	{ CONFIG(struct service_config, auth_url, "AUTH_URL"),
	  .fallback = "http://auth.internal", .min = 1, .max = 1024,
	  .doc = "URL of auth, which is told of a user's first contact, and "
	    "asked whether an old assertion is still valid." },
	{ CONFIG(struct service_config, auth_prefix, "AUTH_PREFIX"),
	  .fallback = "/api/auth/", .min = 1, .max = PATH_MAX_BYTES,
	  .doc = "The path prefix of auth's routes: its prefix in "
	    "kedge.json." },
	{ CONFIG(struct service_config, auth_socket, "AUTH_SOCKET"),
	  .fallback = "",
	  .doc = "Unix socket of nginx's internal listener, for AUTH_URL. "
	    "Empty: connect to the host in AUTH_URL." },
	{ CONFIG(struct service_config, session_cookie, "SESSION_COOKIE"),
	  .fallback = "better-auth.session_token", .min = 1, .max = 128,
	  .doc = "Name of the session cookie in the OpenAPI document: "
	    "AUTH_COOKIE_PREFIX followed by .session_token." },
	{ CONFIG(struct service_config, write_rate, "WRITE_RATE"),
	  .fallback = "120", .min = 0, .max = 1000000,
	  .unit = "requests in 10 s",
	  .doc = "Rate limit for POST, PUT, PATCH and DELETE requests of one "
	      "user; 0: no limit." },
	{ CONFIG(struct service_config, read_rate, "READ_RATE"),
	  .fallback = "3000", .min = 0, .max = 1000000,
	  .unit = "requests in 10 s",
	  .doc = "Rate limit for GET and HEAD requests of one user; 0: no limit. "
	    "Each process counts by itself, so the service as a whole allows "
	    "this number times its processes on all hosts." },
	{ 0 },
};
/*
 * The variables of services with a streamed route. The list of the audit log is
 * such a route.
 */
static const struct config_var stream_vars[] = {
	{ CONFIG(struct service_config, streams, "STREAMS"),
	  .fallback = "4", .min = 1, .max = 256, .unit = "streams",
	  .doc = "The most responses that one process streams at once, such as "
	    "CSV: each occupies a thread while the client reads it. Never "
	    "more than half of THREADS. Further requests get 429 "
	    "TOO_MANY_STREAMS." },
	{ CONFIG(struct service_config, streams_per_user, "STREAMS_PER_USER"),
	  .fallback = "2", .min = 1, .max = 256, .unit = "streams",
	  .doc = "The most streams of one user in one process. The service as a "
	    "whole allows this number times its processes on all hosts." },
	{ CONFIG(struct service_config, stream_timeout_s, "STREAM_TIMEOUT_S"),
	  .fallback = "300", .min = 1, .max = 86400, .unit = "s",
	  .doc = "Time limit for one stream. After that the connection is "
	    "closed, so that the client notices that the stream is "
	    "incomplete." },
	{ 0 },
};
static const struct config_var mail_vars[] = {
	{ CONFIG(struct service_config, mail.url, "MAIL_URL"),
	  .fallback = "",
	  .doc = "Where mail goes: smtp://HOST:PORT, smtps://HOST:PORT, or "
	    "file:DIRECTORY, which gets one .eml file for each message. Empty: "
	    "mail is off; what needs it is refused (docs/MAIL.md)." },
	{ CONFIG(struct service_config, mail.from, "MAIL_FROM"),
	  .fallback = "",
	  .doc = "The sender of mail: name@example.com or Name "
	    "<name@example.com>. Required with MAIL_URL." },
	{ CONFIG(struct service_config, mail.user, "MAIL_USER"),
	  .fallback = "",
	  .doc = "The name with which to sign in to the mail server. Empty: "
	    "without signing in." },
	{ CONFIG(struct service_config, mail.password, "MAIL_PASSWORD"),
	  .fallback = "", .flags = CONFIG_SECRET,
	  .doc = "The password of MAIL_USER." },
	{ CONFIG(struct service_config, mail.tls, "MAIL_TLS"),
	  .fallback = "required",
	  .doc = "STARTTLS on an smtp:// connection: required, opportunistic "
	    "(TLS if the server offers it) or off. With a password only "
	    "required is allowed, except on loopback. smtps:// always has "
	    "TLS." },
	{ CONFIG(struct service_config, mail.ca_file, "MAIL_CA_FILE"),
	  .fallback = "",
	  .doc = "File with the certificate authorities that may sign the mail "
	    "server's certificate. Empty: those of the system." },
	{ CONFIG(struct service_config, mail.timeout_ms, "MAIL_TIMEOUT_MS"),
	  .fallback = "20000", .min = 100, .max = 45000, .unit = "ms",
	  .doc = "Time limit for sending one message; after that it is sent "
	    "again later." },
	{ CONFIG(struct service_config, mail.shipped, "MAIL_SHIPPED"),
	  .fallback = "",
	  .doc = "Directory of the mail templates of this release. Required "
	    "with MAIL_URL." },
	{ CONFIG(struct service_config, mail.templates, "MAIL_TEMPLATES"),
	  .fallback = "",
	  .doc = "Directory of your own mail templates, which replace the "
	    "shipped ones file by file (docs/MAIL.md). It need not exist." },
	{ CONFIG(struct service_config, mail.language, "MAIL_LANGUAGE"),
	  .fallback = "en", .min = 2, .max = 16,
	  .doc = "The language of a message when the browser asks for none "
	    "that has a template." },
	{ 0 },
};
static const struct config_var job_vars[] = {
	{ CONFIG(struct service_config, jobs.worker_processes, "WORKER_PROCESSES"),
	  .fallback = "2", .min = 0, .max = METRICS_SLOTS_MAX,
	  .unit = "processes",
	  .doc = "Worker processes for jobs on this host; each runs one job at "
	    "a time. 0: this host only serves requests." },
	{ CONFIG(struct service_config, jobs.worker_poll_ms, "WORKER_POLL_MS"),
	  .fallback = "1000", .min = 10, .max = 60000, .unit = "ms",
	  .doc = "The longest time that a job worker sleeps when no "
	    "notification wakes it." },
	{ CONFIG(struct service_config, jobs.worker_lease_s, "WORKER_LEASE_S"),
	  .fallback = "30", .min = 5, .max = 3600, .unit = "s",
	  .doc = "A job worker without a heartbeat for this long is considered "
	    "dead, and its jobs go to other workers." },
	{ CONFIG(struct service_config, jobs.programs, "PROGRAMS"),
	  .fallback = "",
	  .doc = "Directory of the programs that run jobs written in other "
	    "languages. Empty: such jobs are not run on this host." },
	{ CONFIG(struct service_config, jobs.keep_completed_s,
	    "JOBS_KEEP_COMPLETED_S"),
	  .fallback = "86400", .min = 0, .max = 315360000, .unit = "s",
	  .doc = "Retention of completed jobs." },
	{ CONFIG(struct service_config, jobs.keep_cancelled_s,
	    "JOBS_KEEP_CANCELLED_S"),
	  .fallback = "604800", .min = 0, .max = 315360000, .unit = "s",
	  .doc = "Retention of cancelled jobs." },
	{ CONFIG(struct service_config, jobs.keep_discarded_s,
	    "JOBS_KEEP_DISCARDED_S"),
	  .fallback = "2592000", .min = 0, .max = 315360000, .unit = "s",
	  .doc = "Retention of jobs that failed for the last time; until then "
	    "they can be run again." },
	{ CONFIG(struct service_config, jobs.webhook_concurrency,
	    "WEBHOOK_CONCURRENCY"),
	  .fallback = "1", .min = 1, .max = 64, .unit = "deliveries",
	  .doc = "The most webhooks that all hosts together send at once; it "
	    "is also limited by the number of workers." },
	{ CONFIG(struct service_config, jobs.webhook_allow_private,
	    "WEBHOOK_ALLOW_PRIVATE"),
	  .fallback = "off",
	  .doc = "Whether webhooks may be sent to private and loopback "
	    "addresses." },
	{ 0 },
};
/* clang-format on */

/*
 * The rows of a program's variables, and the texts that are generated for these
 * rows.
 */
struct rows {
	struct config_var items[ROWS_MAX];
	int count;
	char prefix[PREFIX_SIZE];
	char listen[LISTEN_SIZE];
	char path[PATH_MAX_BYTES + 1];
};

static bool
has_row(const struct config_var *vars, const char *name)
{
	for (; vars != NULL && vars->name != NULL; vars++) {
		if (str_eq(vars->name, name))
			return true;
	}
	return false;
}

static void
add_rows(struct rows *rows, const struct config_var *vars,
    const struct config_var *replacements)
{
	for (; vars != NULL && vars->name != NULL; vars++) {
		if (has_row(replacements, vars->name))
			continue;
		assert(rows->count <
		       ROWS_MAX -
			   1); /* one is left for the row that ends the list */
		rows->items[rows->count++] = *vars;
	}
}

/* Sets the default of the variable `name`, unless its row has a default. */
static void
set_fallback(struct rows *rows, const char *name, const char *fallback)
{
	for (int i = 0; i < rows->count; i++) {
		if (str_eq(rows->items[i].name, name) &&
		    rows->items[i].fallback == NULL)
			rows->items[i].fallback = fallback;
	}
}

/*
 * Returns the rows, which are made once: a process has only one program.  They
 * are static, because the configuration points to their texts as long as the
 * process runs.
 */
static const struct rows *
rows_of(const struct service_program *p)
{
	static struct rows rows;
	int len;

	if (rows.count > 0)
		return &rows;
	for (size_t i = 0; p->name[i] != '\0'; i++) {
		assert(i < PREFIX_SIZE - 1);
		rows.prefix[i] = (char)toupper((unsigned char)p->name[i]);
	}
	len = snprintf(rows.listen, LISTEN_SIZE, "unix:%s.sock", p->name);
	assert(len > 0 && len < LISTEN_SIZE);
	len = snprintf(rows.path, sizeof(rows.path), "%s/", p->service->prefix);
	assert(len > 0 && (size_t)len < sizeof(rows.path));

	add_rows(&rows, process_vars, p->vars);
	if ((p->flags & SERVICE_NO_DATABASE) == 0)
		add_rows(&rows, database_vars, p->vars);
	if ((p->flags & SERVICE_NO_REDIS) == 0)
		add_rows(&rows, redis_vars, p->vars);
	add_rows(&rows, log_vars, p->vars);
	if (p->flags & SERVICE_BASE)
		add_rows(&rows, base_vars, p->vars);
	if ((p->flags & SERVICE_BASE) != 0 || p->jobs != NULL)
		add_rows(&rows, stream_vars, p->vars);
	if (p->jobs != NULL)
		add_rows(&rows, job_vars, p->vars);
	if ((p->flags & SERVICE_MAIL) != 0)
		add_rows(&rows, mail_vars, p->vars);
	add_rows(&rows, p->vars, /* replacements= */ NULL);
	set_fallback(&rows, "LISTEN", rows.listen);
	set_fallback(&rows, "PREFIX", rows.path);
	return &rows;
}

/* Logs which variable is wrong, without its value, which may be secret. */
static void
log_refused(const char *prefix, const char *name, const char *expected)
{
	char variable[128];
	int len = snprintf(variable, sizeof(variable), "%s_%s", prefix, name);

	assert(len > 0 && (size_t)len < sizeof(variable));
	log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_INVALID,
	    LOG_TEXT("variable", variable), LOG_TEXT("expected", expected));
}

static bool
check_urls(const struct service_config *c, const char *prefix)
{
	const char *problem =
	    c->database_url == NULL ? NULL : db_url_problem(c->database_url);
	bool good = problem == NULL;
	char expected[256];

	if (!good) {
		snprintf(expected, sizeof(expected),
		    "a libpq connection string or URI; %s", problem);
		log_refused(prefix, "DATABASE_URL", expected);
	}
	if (c->redis_url != NULL && c->redis_url[0] != '\0' &&
	    !cache_url_is_valid(c->redis_url)) {
		log_refused(prefix, "REDIS_URL",
		    "unix:PATH or redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], "
		    "with \"@\", \"/\", \"?\" and \"#\" in a user or password "
		    "percent-encoded (%40, %2F, %3F, %23)");
		good = false;
	}
	return good;
}

static bool
check_mail(const struct service_config *c, const char *prefix)
{
	char problem[MAIL_PROBLEM_SIZE];
	const char *variable;

	if (mail_config_check(&c->mail, &variable, problem))
		return true;
	log_refused(prefix, variable, problem);
	return false;
}

/*
 * Makes the checks that the rows cannot express, and applies some of the
 * values.
 */
static bool
check_config(const struct service_program *p, const char *prefix)
{
	const struct service_config *c = p->config;
	unsigned char key[IDENTITY_KEY_SIZE];
	enum log_level level;
	bool good = true;

	if (log_level_read(c->log_level, &level)) {
		log_init(p->name, level);
		access_set_sample(c->log_sample);
	} else {
		log_refused(prefix, "LOG_LEVEL", "debug, info, warn or error");
		good = false;
	}
	if ((p->flags & SERVICE_BASE) != 0 &&
	    !identity_read_key(c->identity_key, key)) {
		log_refused(prefix, "IDENTITY_KEY", "32 bytes in base64url");
		good = false;
	}
	if ((p->flags & SERVICE_BASE) != 0 &&
	    c->identity_key_previous != NULL &&
	    c->identity_key_previous[0] != '\0' &&
	    !identity_read_key(c->identity_key_previous, key)) {
		log_refused(
		    prefix, "IDENTITY_KEY_PREVIOUS", "32 bytes in base64url");
		good = false;
	}
	explicit_bzero(key, sizeof(key));
	good = check_urls(c, prefix) && good;
	if ((p->flags & SERVICE_MAIL) != 0)
		good = check_mail(c, prefix) && good;
	if (p->jobs != NULL)
		webhook_set_concurrency(c->jobs.webhook_concurrency);
	return good && (p->check == NULL || p->check(p->config)) &&
	       (p->jobs == NULL || job_set_check(p->jobs));
}

/* Whether the text is a path in the form that kedge.json has: "/api/core/". */
static bool
is_path(const char *s)
{
	size_t len = strlen(s);

	return len >= 3 && s[0] == '/' && s[len - 1] == '/' &&
	       strstr(s, "//") == NULL &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_/") == len;
}

static bool
check_path(const char *prefix, const char *name, const char *path)
{
	if (is_path(path))
		return true;
	log_refused(prefix, name,
	    "a path of small letters, digits, - and _, with a slash at both "
	    "ends");
	return false;
}

static bool
keep_prefix(const struct service_program *p, const char *prefix)
{
	static char path[PATH_MAX_BYTES + 1]; /* static, because the
	                                         configuration points to it */
	struct service_config *c = p->config;

	if ((p->flags & SERVICE_BASE) == 0) {
		c->prefix = p->service->prefix;
		return true;
	}
	if (!check_path(prefix, "PREFIX", c->prefix))
		return false;
	memcpy(path, c->prefix, strlen(c->prefix) - 1);
	path[strlen(c->prefix) - 1] = '\0';
	c->prefix = path;
	return true;
}

bool
service_configure(const struct service_program *p)
{
	const struct rows *rows = rows_of(p);
	bool good;

	log_init(p->name, LOG_INFO);
	if (!config_load(rows->prefix, rows->items, p->config))
		return false;
	good = keep_prefix(p, rows->prefix);
	if ((p->flags & SERVICE_BASE) != 0)
		good = check_path(rows->prefix, "AUTH_PREFIX",
			   ((struct service_config *)p->config)->auth_prefix) &&
		       good;
	return check_config(p, rows->prefix) && good;
}

bool
service_configure_openapi(const struct service_program *p)
{
	const struct rows *rows = rows_of(p);
	struct config_var only[] = { { 0 }, { 0 }, { 0 } };
	int n = 0;

	log_init(p->name, LOG_INFO);
	for (int i = 0; i < rows->count; i++) {
		if (str_eq(rows->items[i].name, "PREFIX") ||
		    str_eq(rows->items[i].name, "SESSION_COOKIE"))
			only[n++] = rows->items[i];
	}
	return config_load(rows->prefix, only, p->config) &&
	       keep_prefix(p, rows->prefix);
}

const struct config_var *
service_config_rows(const struct service_program *p)
{
	return rows_of(p)->items;
}

const char *
service_config_prefix(const struct service_program *p)
{
	return rows_of(p)->prefix;
}
