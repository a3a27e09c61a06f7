#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "mail/mail_template.h"

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

void
doctor_mail(struct doctor *d)
{
	const char *url = d->site.spec->mail.url;
	const char *host, *port, *problem;
	size_t len;

	if (!d->site.is_server || url != NULL)
		check_templates(d);
	if (url == NULL)
		return;
	host = strstr(url, "://") + strlen("://");
	port = strrchr(host, ':');
	len = (size_t)(port - host);
	if (host[0] == '[') { /* an IPv6 address */
		host++;
		len -= 2;
	}
	problem =
	    try_host(d->arena, arena_strndup(d->arena, host, len), port + 1);
	if (problem != NULL)
		doctor_add(d, SEVERITY_ERROR, "see \"mail\" in kedge.json",
		    "the mail server %s does not answer: %s", url, problem);
}
