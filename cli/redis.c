#include "redis.h"

#include <signal.h>

#include "base/arena.h"

#include "environment.h"
#include "file.h"
#include "tool.h"

/*
 * Each Redis server has a working directory of its own. At its start Redis
 * loads a snapshot from there: a snapshot that somebody saved by hand must not
 * be loaded by the Redis of another service.
 */
static char *const *
make_argv(struct arena *a, const char *program, const char *name)
{
	const char *const args[] = {
		program,
		"--port",
		"0",
		"--unixsocket",
		arena_printf(a, "../../run/redis-%s.sock", name),
		"--unixsocketperm",
		"700",
		"--save",
		"",
		"--appendonly",
		"no",
		/*
		 * When its memory is full, Redis refuses new entries and never
		 * evicts others.
		 */
		"--maxmemory",
		"64mb",
		"--maxmemory-policy",
		"noeviction",
		"--daemonize",
		"no",
	};
	char **argv = arena_alloc(a, (COUNT_OF(args) + 1) * sizeof(*argv));
	size_t i;

	for (i = 0; i < COUNT_OF(args); i++)
		argv[i] = arena_strdup(a, args[i]);
	return argv;
}

bool
redis_plan(const struct stack *s, const struct spec_service *service,
    struct process *ret_process)
{
	struct arena *a = s->arena;
	const char *program = tool_find(a, "redis-server");
	const char *name = arena_printf(a, "redis-%s", service->name);
	const char *dir = arena_printf(a, "redis/%s", service->name);
	const char *socket = arena_printf(a, "run/%s.sock", name);

	if (program == NULL || !file_make_dir(dir, 0700))
		return false;
	*ret_process = (struct process){
		.name = name,
		.title = arena_printf(a, "Redis of %s", service->name),
		.argv = make_argv(a, program, service->name),
		.envp = environment_block(s, /* service= */ NULL),
		.cwd = dir,
		.log = arena_printf(a, "log/%s.log", name),
		.stale = { socket },
		.probe = { .kind = PROBE_ANSWER,
		    .path = socket,
		    .request = "PING\r\n",
		    .expect = "+PONG" },
		.socket = socket,
		.stop_signal = SIGTERM,
		/* SIGKILL: Redis has nothing to save */
		.death_signal = SIGKILL,
		.stop_stage = PROCESS_STOP_STORES,
		.stop_timeout_ms = 3000,
	};
	return true;
}
