#include "web/flow_key.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "base/base64.h"
#include "base/fnv.h"
#include "web/request.h"

enum {
	/*
	 * How many base64 characters of an assertion's payload are decoded: its
	 * beginning contains the user.  A multiple of 4.
	 */
	PREFIX_MAX = 512,
	IPV4_BYTES = 3, /* the network of an IPv4 address: /24 */
	IPV6_BYTES = 6, /* the network of an IPv6 address: /48 */
};

/*
 * Finds the value of "sub" (the user's id) in an assertion, without the quote
 * that ends it; returns false when there is none.
 */
static bool
find_user(const struct req *r, const char *token, const char **ret_user,
    size_t *ret_len)
{
	static const char name[] = "\"sub\":\"";
	const char *payload = strchr(token, '.');
	const char *start, *end;
	unsigned char *text;
	size_t len;

	if (payload == NULL)
		return false;
	payload++;
	len = strcspn(payload, ".");
	if (len > PREFIX_MAX)
		len = PREFIX_MAX;
	if (!base64url_decode(r->arena, payload, len, &text, &len))
		return false;
	start = strstr((const char *)text, name);
	if (start == NULL)
		return false;
	start += sizeof(name) - 1;
	end = strchr(start, '"');
	if (end == NULL)
		return false;
	*ret_user = start;
	*ret_len = (size_t)(end - start);
	return true;
}

/*
 * Uses the bytes of the address, because the same network can be written in
 * many ways.  nginx writes an IPv4 address that arrives over an IPv6 socket as
 * "::ffff:1.2.3.4".
 */
static uint64_t
network_of(const char *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned char bytes[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, address, bytes) == 1)
		return fnv64(FNV64_START, bytes, IPV4_BYTES);
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return fnv64_text(FNV64_START, address);
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
		return fnv64(FNV64_START, bytes + sizeof(mapped), IPV4_BYTES);
	return fnv64(FNV64_START, bytes, IPV6_BYTES);
}

uint64_t
flow_key(const struct req *r)
{
	const char *token = req_param(r, "KEDGE_IDENTITY");
	const char *address = req_param(r, "REMOTE_ADDR");
	const char *user;
	size_t len;

	if (token != NULL && *token != '\0' && find_user(r, token, &user, &len))
		return fnv64(FNV64_START, user, len);
	if (address == NULL)
		return 0;
	return network_of(address);
}
