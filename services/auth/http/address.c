#include "auth/http/address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

struct address {
	bool v6;
	unsigned char bytes[16]; /* IPv4 uses the first four */
};

static bool
address_read(const char *ip, struct address *ret_address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address address = { 0 };

	if (ip == NULL)
		return false;
	if (inet_pton(AF_INET, ip, address.bytes) == 1) {
		*ret_address = address;
		return true;
	}
	if (inet_pton(AF_INET6, ip, address.bytes) != 1)
		return false;
	address.v6 = memcmp(address.bytes, mapped, sizeof(mapped)) != 0;
	if (!address.v6)
		memmove(address.bytes, address.bytes + sizeof(mapped), 4);
	*ret_address = address;
	return true;
}

static const char *
address_write(struct arena *a, const struct address *address)
{
	const unsigned char *b = address->bytes;

	if (!address->v6)
		return arena_printf(a, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
	return arena_printf(a,
	    "%02x%02x:%02x%02x:%02x%02x:%02x%02x:0000:0000:0000:0000", b[0],
	    b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
}

const char *
address_of(struct arena *a, const char *ip)
{
	struct address address;

	return address_read(ip, &address) ? address_write(a, &address) : "";
}

const char *
address_network(struct arena *a, const char *ip)
{
	struct address address;

	if (!address_read(ip, &address))
		return "";
	if (address.v6)
		memset(address.bytes + 6, 0, 2);
	else
		address.bytes[3] = 0;
	return address_write(a, &address);
}
