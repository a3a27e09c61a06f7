#include "doctor.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/str.h"

#include "doctor_http.h"
#include "file.h"

enum { ID_LEN = 20, TAIL_MAX = 256 * 1024, WAIT_US = 3000000 };
#define CLAIMED "203.0.113.7" /* RFC 5737: for documentation */

/* Finds nginx's line about the path; returns its address. NULL: no line yet. */
static const char *
find_line(struct doctor *d, const char *path)
{
	const char *log =
	    d->site.is_server ? "/var/log/nginx/access.log" : "log/nginx.log";
	char *rest = arena_strdup(d->arena, file_tail(d->arena, log, TAIL_MAX));
	const struct json *j;
	const char *problem;
	char *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strstr(line, path) == NULL)
			continue;
		j = json_read(d->arena, line, strlen(line), &problem);
		if (j != NULL)
			return json_member_string(j, "ip");
	}
	return NULL;
}

static const char *
wait_for_line(struct doctor *d, const char *path)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t deadline_us = clock_monotonic_us() + WAIT_US;
	const char *found;

	while ((found = find_line(d, path)) == NULL &&
	       clock_monotonic_us() < deadline_us)
		nanosleep(&pause, NULL);
	return found;
}

void
doctor_address(struct doctor *d)
{
	char id[ID_LEN + 1];
	struct doctor_response r;
	const char *path, *ip;

	random_alnum(id, ID_LEN);
	id[ID_LEN] = '\0';
	path = arena_printf(d->arena, "/kedge-doctor-%s", id);
	if (!doctor_http(d,
		arena_printf(d->arena,
		    "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		    "X-Forwarded-For: " CLAIMED "\r\nX-Real-IP: " CLAIMED
		    "\r\nForwarded: for=" CLAIMED
		    "\r\nConnection: close\r\n\r\n",
		    path),
		&r))
		return; /* doctor_bypass() has said so */
	ip = wait_for_line(d, path);
	if (ip == NULL)
		doctor_add(d, SEVERITY_WARNING,
		    "see access_log in nginx's configuration",
		    "nginx did not log a request, so the address that it sees "
		    "is unknown");
	else if (str_eq(ip, CLAIMED))
		doctor_add(d, SEVERITY_WARNING,
		    "if no proxy on this host needs it, remove 127.0.0.1 from "
		    "\"trustedProxies\"",
		    "a program on this host can claim any address: it sent "
		    "X-Forwarded-For: " CLAIMED " and is seen as that");
	else
		doctor_add(d, SEVERITY_NOTE, "",
		    "a request from 127.0.0.1 is seen as %s, whatever it "
		    "claims",
		    ip);
}
