#include "doctor.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

enum { ANSWER_MAX = 4096, TIMEOUT_S = 3 };

/*
 * Settings of the Redis that "kedge up" and kedge-redis@.service start. A Redis
 * that evicts entries could evict a tombstone, and then a session that has
 * ended would be valid again (docs/ARCHITECTURE.md). Contents from before a
 * restart are of no use.
 */
static const struct {
	const char *name;
	const char *wanted;
	enum severity severity;
	const char *why;
} settings[] = {
	{ "maxmemory-policy", "noeviction", SEVERITY_ERROR,
	    "it could forget that a session was ended" },
	{ "appendonly", "no", SEVERITY_WARNING,
	    "its data may be lost, so writing it to disk only costs time" },
	{ "save", "", SEVERITY_WARNING,
	    "its data may be lost, so writing it to disk only costs time" },
};

/* Connects to the socket; -1: that failed. */
static int
open_socket(const char *path)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (!str_copy(un.sun_path, sizeof(un.sun_path), path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

/*
 * Asks for one setting. The answer is a list of its name and its value as bulk
 * strings: "*2\r\n$4\r\nsave\r\n$0\r\n\r\n". NULL: Redis does not say.
 */
static const char *
ask(struct arena *a, int fd, const char *name)
{
	const char *command = arena_printf(a, "CONFIG GET %s\r\n", name);
	char *answer = arena_alloc(a, ANSWER_MAX);
	size_t len = 0, lines = 0, i;
	char *at, *end;
	ssize_t n;

	if (send(fd, command, strlen(command), MSG_NOSIGNAL) !=
	    (ssize_t)strlen(command))
		return NULL;
	while (lines < 5 && len < ANSWER_MAX - 1) {
		n = recv(fd, answer + len, ANSWER_MAX - 1 - len, 0);
		if (n <= 0)
			return NULL;
		len += (size_t)n;
		if (answer[0] != '*')
			return NULL;
		for (lines = 0, i = 0; i < len; i++)
			lines += answer[i] == '\n';
	}
	at = answer;
	for (i = 0; i < 4 && at != NULL; i++) {
		at = strchr(at, '\n');
		at = at == NULL ? NULL : at + 1;
	}
	if (at == NULL)
		return NULL;
	end = strchr(at, '\r');
	return end == NULL ? NULL : arena_strndup(a, at, (size_t)(end - at));
}

static void
check(struct doctor *d, const struct spec_service *service)
{
	const char *path = site_redis(&d->site, service);
	const char *value;
	size_t i;
	int fd = open_socket(path);

	if (fd == -1)
		return; /* doctor_processes() has said so */
	for (i = 0; i < COUNT_OF(settings); i++) {
		value = ask(d->arena, fd, settings[i].name);
		if (value == NULL) {
			doctor_add(d, SEVERITY_WARNING,
			    "look at it with redis-cli",
			    "%s: its Redis does not tell its settings",
			    service->name);
			break;
		}
		if (!str_eq(value, settings[i].wanted))
			doctor_add(d, settings[i].severity,
			    arena_printf(d->arena,
				"redis-cli -s %s CONFIG SET %s '%s', and set "
				"it where this Redis is started",
				path, settings[i].name, settings[i].wanted),
			    "%s: its Redis has %s \"%s\": %s", service->name,
			    settings[i].name, value, settings[i].why);
	}
	close(fd);
}

void
doctor_redis(struct doctor *d)
{
	const struct spec *spec = d->site.spec;
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (spec->services[i].needs_redis)
			check(d, &spec->services[i]);
}
