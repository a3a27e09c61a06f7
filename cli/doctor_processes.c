#include "doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "command.h"
#include "health.h"
#include "record.h"
#include "tool.h"

enum { TOOL_TIMEOUT_MS = 10000 };

/* Whether a server accepts connections on the socket. */
static bool
is_open(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	bool ok;
	int fd;

	if (!str_copy(un.sun_path, sizeof(un.sun_path), path))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return false;
	/* EAGAIN: the queue is full, so somebody listens */
	ok = connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 ||
	     errno == EAGAIN;
	close(fd);
	return ok;
}

static void
check_socket(struct doctor *d, const char *path)
{
	if (!is_open(path))
		doctor_add(d, SEVERITY_ERROR,
		    d->site.is_server
			? "start its unit: \"systemctl start kedge.target\""
			: "see \"kedge status\" and \"kedge logs\"",
		    "nothing listens on the socket %s", path);
}

static void
check_sockets(struct doctor *d)
{
	const struct spec *spec = d->site.spec;
	int i;

	for (i = 0; i < spec->nservices; i++) {
		const struct spec_service *service = &spec->services[i];

		if (service->needs_redis)
			check_socket(d, site_redis(&d->site, service));
		if (!spec_is_own(service))
			continue;
		check_socket(d, site_socket(&d->site, service, "api"));
		if (service->verify.processes > 0)
			check_socket(
			    d, site_socket(&d->site, service, "verify"));
	}
	check_socket(d, site_internal(&d->site));
}

static void
check_health(struct doctor *d)
{
	const struct spec *spec = d->site.spec;
	struct health health;
	int i;

	for (i = 0; i < spec->nservices; i++) {
		if (!spec_is_own(&spec->services[i]))
			continue;
		health = health_ask(d->arena, site_monitoring(&d->site),
		    spec->services[i].name);
		if (health.answer == NULL || !health.ready)
			doctor_add(d, SEVERITY_ERROR,
			    "see the log of the service", "%s is not ready: %s",
			    spec->services[i].name,
			    health.answer == NULL ? "it does not answer"
						  : health.problem);
		else if (health.problem[0] != '\0')
			doctor_add(d, SEVERITY_WARNING,
			    "see the log of the service",
			    "%s is ready, but degraded: %s",
			    spec->services[i].name, health.problem);
	}
}

static void
check_record(struct doctor *d)
{
	struct record record;
	int i;

	if (!record_read(d->arena, &record))
		return;
	for (i = 0; i < record.nprocesses; i++) {
		const struct record_process *p = &record.processes[i];

		if (!str_eq(p->state, "ready") && !str_eq(p->state, "done"))
			doctor_add(d, SEVERITY_ERROR,
			    "see \"kedge logs\" for the reason",
			    "the process %s is %s", p->name, p->state);
		if (p->restarts > 0)
			doctor_add(d, SEVERITY_WARNING,
			    "see \"kedge logs\" for the reason",
			    "the process %s was restarted %lld times", p->name,
			    (long long)p->restarts);
	}
}

/* The units of Kedge that have failed. */
static void
check_units(struct doctor *d)
{
	const char *argv[] = { tool_look_for(d->arena, "systemctl"),
		"list-units", "--failed", "--plain", "--no-legend", "kedge-*",
		"nginx.service", NULL };
	const char *text;
	char *rest, *line;

	if (argv[0] == NULL || command_run(d->arena,
				   &(struct command){ .argv = argv,
				       .quiet = true,
				       .timeout_ms = TOOL_TIMEOUT_MS },
				   &text) != 0) {
		doctor_add(d, SEVERITY_WARNING, "",
		    "systemctl cannot be asked which units have failed");
		return;
	}
	rest = arena_strdup(d->arena, text);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			doctor_add(d, SEVERITY_ERROR,
			    "see \"journalctl -u UNIT\" for the reason",
			    "the unit %.*s has failed", (int)strcspn(line, " "),
			    line);
}

void
doctor_processes(struct doctor *d)
{
	if (d->url == NULL) {
		doctor_add(d, SEVERITY_ERROR, "\"kedge up\" starts it",
		    "nothing runs in %s", d->stack->dir);
		return;
	}
	check_sockets(d);
	if (d->site.is_server)
		check_units(d);
	else
		check_record(d);
	check_health(d);
}
