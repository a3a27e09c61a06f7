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
#include "base/str.h"
#include "cache/cache_url.h"

enum { SCOPE_RUN_LEN = 12, ARGS_MAX = 8 };

/*
 * Both scripts use Redis' own clock.  That is what holds when this process was
 * frozen between its decision and the command's arrival.
 */
static const char *const scripts[] = {
	/*
	 * ARGV: value, ttl_ms, seen_at_ms, fill_ms.  A clock that is far
	 * behind ours would let old fills pass; so it is held against both
	 * sides.
	 */
	[CACHE_SCRIPT_FILL] = "local t = redis.call('TIME')\n"
			      "local now = t[1] * 1000 + t[2] / 1000\n"
			      "local age = now - ARGV[3]\n"
			      "local window = tonumber(ARGV[4])\n"
			      "if age > window or age < -window then\n"
			      "  return 0\n"
			      "end\n"
			      "if redis.call('SET', KEYS[1], ARGV[1], 'NX',\n"
			      "    'PX', ARGV[2]) then\n"
			      "  return 1\n"
			      "end\n"
			      "return 0\n",
	/*
	 * ARGV: burst, period_ms, cost.  The key holds the theoretical arrival
	 * time in microseconds.  A time further ahead than one period comes
	 * from a clock that was set back.
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
};

static void
set_reason(struct cache_conn *c, const char *text)
{
	snprintf(c->reason, sizeof(c->reason), "%s", text);
}

static redisContext *
connect_redis(const struct cache_url *u, struct timeval timeout)
{
	redisContext *redis;

	if (u->path != NULL)
		redis = redisConnectUnixWithTimeout(u->path, timeout);
	else
		redis = redisConnectWithTimeout(u->host, (int)u->port, timeout);
	if (redis == NULL)
		abort();
	return redis;
}

static bool
set_up_socket(
    struct cache_conn *c, const struct cache_url *u, struct timeval timeout)
{
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

/* Errors by which Redis says that it is not in a state to serve anybody. */
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

/* The line "run_id:" of INFO. */
static bool
read_run_id(struct cache_conn *c, const char *info)
{
	const char *at = strstr(info, "\nrun_id:");
	size_t len = 0;

	if (at == NULL)
		return false;
	at += strlen("\nrun_id:");
	while (len < CACHE_RUN_SIZE - 1 && isxdigit((unsigned char)at[len])) {
		c->run[len] = at[len];
		len++;
	}
	c->run[len] = '\0';
	return len >= SCOPE_RUN_LEN;
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
	for (int i = 0; i < CACHE_SCRIPT__MAX; i++)
		redisAppendCommand(c->redis, "SCRIPT LOAD %s", scripts[i]);
}

/* Takes one reply of the greeting; a text one is copied by `take`. */
static bool
take_text(struct cache_conn *c, bool (*take)(struct cache_conn *, const char *))
{
	redisReply *reply;
	bool ok;

	if (cache_conn_reply(c, &reply) != CACHE_DONE)
		return false;
	ok = take == NULL ||
	     (reply->type == REDIS_REPLY_STRING && take(c, reply->str));
	if (!ok)
		set_reason(c, "an answer that Redis would not give");
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
	snprintf(c->sha[i], sizeof(c->sha[i]), "%s", sha);
	return c->sha[i][0] != '\0';
}

/* Everything that a connection needs, in one round trip. */
static bool
greet(struct cache_conn *c, const struct cache_url *u)
{
	append_greeting(c, u);
	if (u->password != NULL && !take_text(c, NULL))
		return false;
	if (u->db != 0 && !take_text(c, NULL))
		return false;
	if (!take_text(c, read_run_id))
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
	struct timeval timeout = {
		.tv_sec = (time_t)(timeout_ms / 1000),
		.tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000,
	};
	struct cache_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->redis = connect_redis(u, timeout);
	if (!set_up_socket(c, u, timeout) || !greet(c, u)) {
		snprintf(reason, CACHE_REASON_SIZE, "%s", c->reason);
		cache_conn_close(c);
		return NULL;
	}
	if (asprintf(&c->scope, "%s:%.*s", prefix, (int)SCOPE_RUN_LEN, c->run) <
	    0)
		abort();
	return c;
}

void
cache_conn_close(struct cache_conn *c)
{
	if (c == NULL)
		return;
	redisFree(c->redis);
	free(c->scope);
	free(c);
}

/* EVALSHA name 1 key argv..., or EVAL with the text itself. */
static enum cache_outcome
call_script(struct cache_conn *c, const char *command, const char *script,
    const char *key, int argc, const char *const *argv, long long *ret_n)
{
	const char *words[ARGS_MAX] = { command, script, "1", key };
	redisReply *reply;
	enum cache_outcome outcome;

	assert(argc + 4 <= ARGS_MAX);
	for (int i = 0; i < argc; i++)
		words[4 + i] = argv[i];
	redisAppendCommandArgv(c->redis, 4 + argc, words, NULL);
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
cache_conn_script(struct cache_conn *c, enum cache_script script,
    const char *key, int argc, const char *const *argv, long long *ret_n)
{
	enum cache_outcome outcome;
	char *scoped;

	if (asprintf(&scoped, "%s:%s", c->scope, key) < 0)
		abort();
	outcome = call_script(
	    c, "EVALSHA", c->sha[script], scoped, argc, argv, ret_n);
	/* Somebody flushed the scripts; this loads it again. */
	if (outcome == CACHE_REFUSED && str_has_prefix(c->reason, "NOSCRIPT"))
		outcome = call_script(
		    c, "EVAL", scripts[script], scoped, argc, argv, ret_n);
	free(scoped);
	return outcome;
}
