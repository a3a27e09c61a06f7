#include "upstream.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

enum { TIMEOUT_MS = 500, HOST_SIZE = 256 };

static bool
connects(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0;
	bool ok;

	if (fd == -1)
		return false;
	ok = connect(fd, address, len) == 0;
	if (!ok && errno == EINPROGRESS)
		ok = poll(&ready, 1, TIMEOUT_MS) == 1 &&
		     getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
		     error == 0;
	close(fd);
	return ok;
}

static bool
unix_answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	return str_copy(address.sun_path, sizeof(address.sun_path), path) &&
	       connects((const struct sockaddr *)&address, sizeof(address));
}

/* `text` is HOST:PORT; an IPv6 address is in brackets. */
static bool
host_answers(const char *text)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	struct addrinfo *list, *at;
	char host[HOST_SIZE];
	size_t len;
	bool ok = false;

	if (colon == NULL)
		return false;
	len = (size_t)(colon - text);
	if (len > 2 && text[0] == '[') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
		return false;
	for (at = list; !ok && at != NULL; at = at->ai_next)
		ok = connects(at->ai_addr, at->ai_addrlen);
	freeaddrinfo(list);
	return ok;
}

bool
upstream_answers(const struct spec_service *service)
{
	static const char unix_prefix[] = "unix:";
	const char *address = service->upstream.address;

	if (str_has_prefix(address, unix_prefix))
		return unix_answers(address + strlen(unix_prefix));
	return host_answers(address);
}
