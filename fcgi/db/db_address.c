#include "db/db_address.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

enum { LOOKUP_TIMEOUT_MS = 500 };

const char *
db_address_option(const PQconninfoOption *url, const char *keyword)
{
	for (; url->keyword != NULL; url++)
		if (strcmp(url->keyword, keyword) == 0)
			return url->val != NULL && url->val[0] != '\0'
			           ? url->val
			           : NULL;
	return NULL;
}

/*
 * Copies the element number `index` of a comma-separated list; "" when the list
 * is shorter.
 */
static void
copy_part(const char *list, int index, char *out, size_t size)
{
	size_t len;

	out[0] = '\0';
	for (; list != NULL && index > 0; index--) {
		list = strchr(list, ',');
		list = list == NULL ? NULL : list + 1;
	}
	if (list == NULL)
		return;
	len = strcspn(list, ",");
	if (len >= size)
		return;
	memcpy(out, list, len);
	out[len] = '\0';
}

static int
count_parts(const char *list)
{
	int n = 1;

	for (; list != NULL && *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static void
add_address(struct db_addresses *all, const struct db_address *a)
{
	if (all->count < DB_ADDRESSES_MAX)
		all->items[all->count++] = *a;
}

static bool
is_socket(const char *host)
{
	return host[0] == '\0' || host[0] == '/' || host[0] == '@';
}

/* Appends each address of the host name to the list. */
static void
add_host(struct db_addresses *all, struct db_address *a, char *reason,
    size_t reason_size)
{
	struct resolve_addresses found;
	enum err e;

	if (a->hostaddr[0] != '\0' || is_socket(a->host)) {
		add_address(all, a);
		return;
	}
	e = resolve_host(a->host,
	    clock_monotonic_us() + LOOKUP_TIMEOUT_MS * INT64_C(1000), &found);
	if (e != ERR_OK) {
		snprintf(reason, reason_size,
		    e == ERR_NOT_FOUND
			? "no address is known of the host \"%.200s\""
			: "no name server answered for the host \"%.200s\"",
		    a->host);
		return;
	}
	for (int i = 0; i < found.count; i++) {
		memcpy(a->hostaddr, found.texts[i], sizeof(a->hostaddr));
		add_address(all, a);
	}
}

void
db_addresses_find(const PQconninfoOption *url, struct db_addresses *all,
    char *reason, size_t reason_size)
{
	const char *hosts = db_address_option(url, "host");
	const char *hostaddrs = db_address_option(url, "hostaddr");
	const char *ports = db_address_option(url, "port");
	int n = count_parts(hostaddrs != NULL ? hostaddrs : hosts);

	all->count = 0;
	for (int i = 0; i < n; i++) {
		struct db_address a = { .port = "" };

		copy_part(hosts, i, a.host, sizeof(a.host));
		copy_part(hostaddrs, i, a.hostaddr, sizeof(a.hostaddr));
		copy_part(ports, count_parts(ports) == 1 ? 0 : i, a.port,
		    sizeof(a.port));
		add_host(all, &a, reason, reason_size);
	}
}
