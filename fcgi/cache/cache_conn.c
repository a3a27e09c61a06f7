#include "cache/cache_conn.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/resolve.h"
#include "base/str.h"
#include "cache/cache_url.h"

/*
 * A run id and a replication id of Redis have 40 hexadecimal digits.  The first
 * 12 digits of each (48 bits) are kept.
 */
enum { ID_LEN = 12, WORDS_MAX = 11 };

/*
 * The scripts compare times with the clock of Redis at the moment of execution.
 * So they decide rightly even if this process was suspended before it sent the
 * command.
 */
static const char *const scripts[] = {
	/*
	 * Stores a value after a miss, by the rules in cache.h.  KEYS: entry,
	 * generation.  ARGV: value, ttl_ms, seen_at_ms, fill_ms, generation,
	 * version.  If the clock of Redis were far behind this host's, an old
	 * miss would look new; so a difference in either direction is refused.
	 * An entry with an older version is replaced.  An empty entry is a
	 * tombstone and is never replaced.
	 */
	[CACHE_SCRIPT_FILL] =
	    "local t = redis.call('TIME')\n"
	    "local now = t[1] * 1000 + t[2] / 1000\n"
	    "local age = now - ARGV[3]\n"
	    "local window = tonumber(ARGV[4])\n"
	    "if age > window or age < -window or\n"
	    "    redis.call('GET', KEYS[2]) ~= ARGV[5] then\n"
	    "  return 0\n"
	    "end\n"
	    "local old = redis.pcall('GET', KEYS[1])\n"
	    "if old then\n"
	    "  if type(old) ~= 'string' or old == '' then\n"
	    "    return 0\n"
	    "  end\n"
	    "  local version = tonumber(string.match(old, '^(%d+) '))\n"
	    "  if version and version >= tonumber(ARGV[6]) then\n"
	    "    return 0\n"
	    "  end\n"
	    "end\n"
	    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
	    "return 1\n",
	/*
	 * Charges steps of a rate limit.  ARGV: burst, period_ms, cost.  The
	 * key holds the theoretical arrival time in microseconds.  If that time
	 * is more than one period in the future, the clock was set back, and
	 * the time is reduced to one period.
	 */
	[CACHE_SCRIPT_RATE] =
	    "local t = redis.call('TIME')\n"
	    "local now = t[1] * 1000000 + t[2]\n"
	    "local period = ARGV[2] * 1000\n"
	    "local due = tonumber(redis.call('GET', KEYS[1]) or now)\n"
	    "due = math.max(now, math.min(due, now + period))\n"
	    "due = due + math.floor(period / ARGV[1]) * ARGV[3]\n"
	    "if due - period > now then\n"
	    "  return math.ceil((due - period - now) / 1000)\n"
	    "end\n"
	    "redis.call('SET', KEYS[1], string.format('%.0f', due),\n"
	    "    'PX', string.format('%.0f', math.ceil((due - now) / 1000)))\n"
	    "return 0\n",
	/*
	 * Takes back what CACHE_SCRIPT_RATE charged.  ARGV: burst, period_ms,
	 * cost.
	 */
	[CACHE_SCRIPT_REFUND] =
	    "local due = tonumber(redis.call('GET', KEYS[1]) or 0)\n"
	    "local t = redis.call('TIME')\n"
	    "local now = t[1] * 1000000 + t[2]\n"
	    "due = due - math.floor(ARGV[2] * 1000 / ARGV[1]) * ARGV[3]\n"
	    "if due <= now then\n"
	    "  redis.call('DEL', KEYS[1])\n"
	    "else\n"
	    "  redis.call('SET', KEYS[1], string.format('%.0f', due),\n"
	    "    'PX', string.format('%.0f', math.ceil((due - now) / 1000)))\n"
	    "end\n"
	    "return 0\n",
};

static void
set_reason(struct cache_conn *c, const char *text)
{
	str_copy(c->reason, sizeof(c->reason), text);
}

static struct timeval
to_timeval(int64_t us)
{
	return (struct timeval){
		.tv_sec = us / 1000000,
		.tv_usec = us % 1000000,
	};
}

static redisContext *
not_null(redisContext *redis)
{
	if (redis == NULL)
		abort();
	return redis;
}

/*
 * Tries the addresses of the host name one after the other until one accepts a
 * connection.  The time is divided among the addresses, so that an address that
 * does not answer does not use up the time of the others.  Returns NULL, with
 * c->reason set, when no address accepts.
 */
static redisContext *
connect_by_name(
    struct cache_conn *c, const struct cache_url *u, int64_t deadline_us)
{
	struct resolve_addresses all;
	redisContext *redis = NULL;

	if (resolve_host(u->host, deadline_us, &all) != ERR_OK) {
		set_reason(c, "its host has no address that is known in time");
		return NULL;
	}
	for (int i = 0; i < all.count; i++) {
		int64_t left_us = deadline_us - clock_monotonic_us();

		if (left_us <= 0)
			break;
		if (redis != NULL)
			redisFree(redis);
		redis = not_null(redisConnectWithTimeout(all.texts[i],
		    (int)u->port, to_timeval(left_us / (all.count - i))));
		if (redis->err == 0)
			break;
	}
	if (redis == NULL)
		set_reason(c, "no address of its host was known in time");
	return redis;
}

static redisContext *
connect_redis(
    struct cache_conn *c, const struct cache_url *u, int64_t timeout_us)
{
	if (u->path != NULL)
		return not_null(redisConnectUnixWithTimeout(
		    u->path, to_timeval(timeout_us)));
	return connect_by_name(c, u, clock_monotonic_us() + timeout_us);
}

static bool
set_up_socket(
    struct cache_conn *c, const struct cache_url *u, struct timeval timeout)
{
	if (c->redis == NULL)
		return false; /* c->reason is already set */
	if (c->redis->err != 0) {
		set_reason(c, c->redis->errstr);
		return false;
	}
	if (redisSetTimeout(c->redis, timeout) != REDIS_OK ||
	    fcntl(c->redis->fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    (u->path == NULL && redisEnableKeepAlive(c->redis) != REDIS_OK)) {
		set_reason(c, "the socket cannot be set up");
		return false;
	}
	return true;
}

/* Whether the error says that Redis cannot serve any client at the moment. */
static bool
is_down(const char *error)
{
	static const char *const codes[] = { "LOADING", "READONLY",
		"MASTERDOWN", "CLUSTERDOWN", "BUSY", "NOAUTH" };

	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (str_has_prefix(error, codes[i]))
			return true;
	return false;
}

static enum cache_outcome
reply_failed(struct cache_conn *c)
{
	int error = errno;

	set_reason(c, c->redis->errstr);
	if (c->redis->err == REDIS_ERR_EOF ||
	    (c->redis->err == REDIS_ERR_IO &&
		(error == EPIPE || error == ECONNRESET)))
		return CACHE_CLOSED;
	if (c->redis->err == REDIS_ERR_IO &&
	    (error == EAGAIN || error == EWOULDBLOCK))
		set_reason(c, "no answer in time");
	return CACHE_DOWN;
}

enum cache_outcome
cache_conn_reply(struct cache_conn *c, redisReply **ret_reply)
{
	void *got = NULL;
	redisReply *reply;
	enum cache_outcome outcome;

	*ret_reply = NULL;
	if (c->redis->err != 0)
		return CACHE_DOWN;
	if (redisGetReply(c->redis, &got) != REDIS_OK)
		return reply_failed(c);
	reply = got;
	if (reply->type != REDIS_REPLY_ERROR) {
		*ret_reply = reply;
		return CACHE_DONE;
	}
	set_reason(c, reply->str);
	outcome = is_down(reply->str) ? CACHE_DOWN : CACHE_REFUSED;
	freeReplyObject(reply);
	return outcome;
}

/*
 * Reads the first digits of an id from the reply to INFO.  `line` is the
 * beginning of the id's line, such as "run_id:".
 */
static bool
read_id(const char *info, const char *line, char ret_id[ID_LEN + 1])
{
	const char *at = strstr(info, line);

	if (at == NULL)
		return false;
	at += strlen(line);
	for (int i = 0; i < ID_LEN; i++) {
		if (!isxdigit((unsigned char)at[i]))
			return false;
		ret_id[i] = at[i];
	}
	ret_id[ID_LEN] = '\0';
	return true;
}

static bool
read_run_id(struct cache_conn *c, const char *info)
{
	char id[ID_LEN + 1];

	if (!read_id(info, "\nrun_id:", id))
		return false;
	snprintf(c->history, sizeof(c->history), "%s:", id);
	return true;
}

/*
 * Reads the replication id of a master.  Returns false for a replica: its data
 * depends on its master.
 */
static bool
read_replication_id(
    struct cache_conn *c, const char *info, char ret_id[ID_LEN + 1])
{
	if (strstr(info, "\nrole:master\r") == NULL) {
		set_reason(c, "it is not a master");
		return false;
	}
	if (!read_id(info, "\nmaster_replid:", ret_id)) {
		set_reason(c, "it names no replication id");
		return false;
	}
	return true;
}

static bool
read_replication(struct cache_conn *c, const char *info)
{
	char id[ID_LEN + 1];

	if (!read_replication_id(c, info, id))
		return false;
	memcpy(c->history + ID_LEN + 1, id, sizeof(id));
	return true;
}

static void
append_greeting(struct cache_conn *c, const struct cache_url *u)
{
	if (u->password != NULL && u->user != NULL)
		redisAppendCommand(
		    c->redis, "AUTH %s %s", u->user, u->password);
	else if (u->password != NULL)
		redisAppendCommand(c->redis, "AUTH %s", u->password);
	if (u->db != 0)
		redisAppendCommand(c->redis, "SELECT %lld", (long long)u->db);
	redisAppendCommand(c->redis, "INFO server");
	cache_conn_append_info(c);
	for (int i = 0; i < CACHE_SCRIPT__MAX; i++)
		redisAppendCommand(c->redis, "SCRIPT LOAD %s", scripts[i]);
}

/*
 * Reads the next reply to the commands of append_greeting().  If the reply is a
 * string, take() gets it; another reply is a failure.  take NULL: the content
 * of the reply does not matter.
 */
static bool
take_text(struct cache_conn *c, bool (*take)(struct cache_conn *, const char *))
{
	redisReply *reply;
	bool ok;

	if (cache_conn_reply(c, &reply) != CACHE_DONE)
		return false;
	set_reason(c, "an answer that Redis would not give");
	ok = take == NULL ||
	     (reply->type == REDIS_REPLY_STRING && take(c, reply->str));
	freeReplyObject(reply);
	return ok;
}

static bool
take_sha(struct cache_conn *c, const char *sha)
{
	int i = 0;

	while (c->sha[i][0] != '\0')
		i++;
	assert(i < CACHE_SCRIPT__MAX);
	str_copy(c->sha[i], sizeof(c->sha[i]), sha);
	return c->sha[i][0] != '\0';
}

/*
 * Sends all commands that a new connection needs, in one round trip, and checks
 * the replies.
 */
static bool
greet(struct cache_conn *c, const struct cache_url *u)
{
	append_greeting(c, u);
	if (u->password != NULL && !take_text(c, NULL))
		return false;
	if (u->db != 0 && !take_text(c, NULL))
		return false;
	if (!take_text(c, read_run_id) || !take_text(c, read_replication))
		return false;
	for (int i = 0; i < CACHE_SCRIPT__MAX; i++)
		if (!take_text(c, take_sha))
			return false;
	return true;
}

struct cache_conn *
cache_conn_open(const struct cache_url *u, const char *prefix,
    int64_t timeout_ms, char reason[CACHE_REASON_SIZE])
{
	struct cache_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->prefix = prefix;
	c->redis = connect_redis(c, u, timeout_ms * 1000);
	if (!set_up_socket(c, u, to_timeval(timeout_ms * 1000)) ||
	    !greet(c, u)) {
		str_copy(reason, CACHE_REASON_SIZE, c->reason);
		cache_conn_close(c);
		return NULL;
	}
	return c;
}

void
cache_conn_close(struct cache_conn *c)
{
	if (c == NULL)
		return;
	redisFree(c->redis);
	free(c);
}

void
cache_conn_append_info(struct cache_conn *c)
{
	static const char info[] = "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n";

	redisAppendFormattedCommand(c->redis, info, sizeof(info) - 1);
}

enum cache_outcome
cache_conn_confirm(struct cache_conn *c)
{
	char id[ID_LEN + 1];
	redisReply *reply;
	enum cache_outcome outcome = cache_conn_reply(c, &reply);

	if (outcome != CACHE_DONE)
		return outcome == CACHE_CLOSED ? outcome : CACHE_DOWN;
	if (reply->type != REDIS_REPLY_STRING ||
	    !read_replication_id(c, reply->str, id) ||
	    strcmp(id, c->history + ID_LEN + 1) != 0)
		outcome = CACHE_CLOSED;
	freeReplyObject(reply);
	return outcome;
}

/*
 * Sends EVALSHA with the script's hash (or EVAL with the script's text), the
 * keys and the arguments.
 */
static enum cache_outcome
call_script(struct cache_conn *c, const char *command, const char *script,
    const struct cache_call *call, long long *ret_n)
{
	const char *words[WORDS_MAX] = { command, script,
		call->nkeys == 1 ? "1" : "2" };
	redisReply *reply;
	enum cache_outcome outcome;
	int n = 3;

	assert(call->nkeys == 1 || call->nkeys == 2);
	assert(n + call->nkeys + call->argc <= WORDS_MAX);
	for (int i = 0; i < call->nkeys; i++)
		words[n++] = call->keys[i];
	for (int i = 0; i < call->argc; i++)
		words[n++] = call->argv[i];
	redisAppendCommandArgv(c->redis, n, words, NULL);
	outcome = cache_conn_reply(c, &reply);
	if (outcome != CACHE_DONE)
		return outcome;
	if (reply->type == REDIS_REPLY_INTEGER)
		*ret_n = reply->integer;
	else
		outcome = CACHE_REFUSED;
	freeReplyObject(reply);
	return outcome;
}

enum cache_outcome
cache_conn_script(
    struct cache_conn *c, const struct cache_call *call, long long *ret_n)
{
	enum cache_outcome outcome =
	    call_script(c, "EVALSHA", c->sha[call->script], call, ret_n);

	/*
	 * Redis no longer has the script (SCRIPT FLUSH); EVAL sends its text
	 * again.
	 */
	if (outcome == CACHE_REFUSED && str_has_prefix(c->reason, "NOSCRIPT"))
		outcome =
		    call_script(c, "EVAL", scripts[call->script], call, ret_n);
	return outcome;
}
