#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "mail/mail_template.h"

#include "env_file.h"

enum { CONNECT_MS = 3000 };

/* Connects within CONNECT_MS; returns 0 or an errno. */
static int
try_address(const struct addrinfo *ai)
{
	struct pollfd p = { .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	p.fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	if (p.fd == -1)
		return errno;
	if (connect(p.fd, ai->ai_addr, ai->ai_addrlen) == -1) {
		error = errno;
		if (error == EINPROGRESS) {
			error = ETIMEDOUT;
			if (poll(&p, 1, CONNECT_MS) == 1)
				getsockopt(
				    p.fd, SOL_SOCKET, SO_ERROR, &error, &len);
		}
	}
	close(p.fd);
	return error;
}

/* Returns NULL, or why nothing answers there. */
static const char *
try_host(struct arena *a, const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *ai;
	int error;

	error = getaddrinfo(host, port, &hints, &list);
	if (error != 0)
		return gai_strerror(error);
	error = ENOENT;
	for (ai = list; ai != NULL && error != 0; ai = ai->ai_next)
		error = try_address(ai);
	freeaddrinfo(list);
	return error == 0 ? NULL : arena_strdup(a, strerror(error));
}

/* Wrong templates, which would keep auth from starting. */
static void
check_templates(struct doctor *d)
{
	char problem[MAIL_PROBLEM_SIZE] = "";
	struct mail_templates *t =
	    mail_templates_read(site_mail_shipped(&d->site),
		site_mail_templates(&d->site), problem);

	if (t == NULL)
		doctor_add(d, SEVERITY_ERROR, "see docs/MAIL.md",
		    "mail templates: %s", problem);
	mail_templates_free(t);
}

/* Where mail goes, and where that is said. */
struct target {
	const char *url; /* NULL or "": nowhere */
	const char *source;
};

/*
 * Finds what is in force: the variable of the last start or of the operator,
 * which precedes kedge.json. False: the file is wrong.
 */
static bool
find_target(struct doctor *d, struct target *ret)
{
	const struct spec_service *auth = d->site.spec->verifier;
	const char *name =
	    arena_printf(d->arena, "%s_MAIL_URL", auth->variable);
	const char *path = arena_printf(d->arena, "%s/%s.env",
	    d->site.is_server ? SITE_ETC : "env", auth->name);
	struct environment e = { 0 };

	if (!environment_parse_if_exists(d->arena, path, &e)) {
		doctor_add(d, SEVERITY_ERROR, "see the message above",
		    "%s cannot be read", path);
		return false;
	}
	ret->url = environment_find(&e, name);
	ret->source = arena_printf(d->arena, "%s in %s", name,
	    d->site.is_server ? path : "kedge.env or the environment");
	if (ret->url == NULL && d->site.is_server) {
		ret->url = d->site.spec->mail.url;
		ret->source = "\"mail\" in kedge.json";
	}
	return true;
}

static bool
is_smtp(const char *url)
{
	return str_has_prefix(url, "smtp://") ||
	       str_has_prefix(url, "smtps://");
}

static void
check_server(struct doctor *d, const struct target *t)
{
	const char *host = strstr(t->url, "://") + strlen("://");
	const char *port = strrchr(host, ':');
	const char *end = strchr(host, ']');
	const char *problem;
	size_t len;

	if (end != NULL && port != NULL && port < end) /* a part of "[::1]" */
		port = NULL;
	len = port != NULL ? (size_t)(port - host) : strlen(host);
	if (port == NULL)
		port = str_has_prefix(t->url, "smtps") ? ":465" : ":25";
	if (host[0] == '[' && end != NULL) { /* an IPv6 address */
		host++;
		len = (size_t)(end - host);
	}
	problem =
	    try_host(d->arena, arena_strndup(d->arena, host, len), port + 1);
	if (problem != NULL)
		doctor_add(d, SEVERITY_ERROR,
		    arena_printf(d->arena, "see %s", t->source),
		    "the mail server %s does not answer: %s", t->url, problem);
}

void
doctor_mail(struct doctor *d)
{
	struct target json = { d->site.spec->mail.url,
		"\"mail\" in kedge.json" };
	struct target t;
	bool is_on;

	if (!find_target(d, &t))
		return;
	is_on = t.url != NULL && t.url[0] != '\0';
	if (!d->site.is_server || is_on)
		check_templates(d);
	/* A stack does not use it, and the server that comes will. */
	if (!d->site.is_server && json.url != NULL)
		check_server(d, &json);
	if (!d->site.is_server && d->url == NULL && t.url == NULL)
		return; /* it was never started */
	if (!is_on)
		doctor_add(d, SEVERITY_NOTE, "see docs/MAIL.md",
		    "mail is off: nobody can set a new password by mail");
	else if (str_has_prefix(t.url, "file:"))
		doctor_add(d, SEVERITY_NOTE, "",
		    "mail goes to nobody, but into files in %s",
		    t.url + strlen("file:"));
	else if (is_smtp(t.url))
		check_server(d, &t);
	else
		doctor_add(d, SEVERITY_ERROR,
		    "it must be smtp://HOST:PORT, smtps://HOST:PORT or "
		    "file:DIRECTORY",
		    "%s is \"%s\"", t.source, t.url);
}
