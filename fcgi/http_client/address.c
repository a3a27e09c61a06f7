#include "http_client/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/attr.h"

struct net4 {
	uint32_t base;
	int bits;
};

#define IPV4(a, b, c, d)                                                  \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | \
	    (uint32_t)(d))

/* clang-format off */
static const struct net4 special4[] = {
	{ IPV4(0, 0, 0, 0), 8 }, /* "this network" */
	{ IPV4(10, 0, 0, 0), 8 }, /* private */
	{ IPV4(100, 64, 0, 0), 10 }, /* shared address space, for carrier NAT */
	{ IPV4(127, 0, 0, 0), 8 }, /* loopback */
	{ IPV4(169, 254, 0, 0), 16 }, /* link-local; metadata services of clouds */
	{ IPV4(172, 16, 0, 0), 12 }, /* private */
	{ IPV4(192, 0, 0, 0), 24 }, /* IETF protocol assignments */
	{ IPV4(192, 0, 2, 0), 24 }, /* for documentation */
	{ IPV4(192, 88, 99, 0), 24 }, /* 6to4 relays (deprecated) */
	{ IPV4(192, 168, 0, 0), 16 }, /* private */
	{ IPV4(198, 18, 0, 0), 15 }, /* for benchmarks */
	{ IPV4(198, 51, 100, 0), 24 }, /* for documentation */
	{ IPV4(203, 0, 113, 0), 24 }, /* for documentation */
	{ IPV4(224, 0, 0, 0), 3 }, /* multicast, reserved, broadcast */
};
/* clang-format on */

static bool
is_public4(uint32_t address)
{
	for (size_t i = 0; i < COUNT_OF(special4); i++) {
		uint32_t mask = ~(uint32_t)0 << (32 - special4[i].bits);

		if ((address & mask) == special4[i].base)
			return false;
	}
	return true;
}

static uint32_t
embedded4(const unsigned char *at)
{
	return IPV4(at[0], at[1], at[2], at[3]);
}

static bool
has_prefix(const unsigned char *address, const unsigned char *prefix, int bits)
{
	int bytes = bits / 8, rest = bits % 8;

	if (memcmp(address, prefix, (size_t)bytes) != 0)
		return false;
	return rest == 0 || (address[bytes] ^ prefix[bytes]) >> (8 - rest) == 0;
}

static bool
is_public6(const unsigned char a[16])
{
	/*
	 * Prefixes of IPv6 addresses that contain an IPv4 address, and the
	 * number of the byte (`at`) where the IPv4 address begins.
	 */
	static const struct {
		unsigned char prefix[12];
		int bits, at;
	} carriers[] = {
		{ { [10] = 0xff, [11] = 0xff }, 96, 12 }, /* ::ffff:0:0/96 */
		{ { 0x00, 0x64, 0xff, 0x9b }, 96, 12 }, /* 64:ff9b::/96 */
		{ { 0x20, 0x02 }, 16, 2 }, /* 2002::/16 */
	};
	/*
	 * IPv6 addresses that are not public although they are in 2000::/3, the
	 * range of global unicast addresses.
	 */
	static const struct {
		unsigned char prefix[4];
		int bits;
	} special[] = {
		{ { 0x20, 0x01, 0x00 }, 23 }, /* protocol assignments, Teredo */
		{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* for documentation */
		{ { 0x3f, 0xff, 0x00 }, 20 }, /* for documentation */
	};

	for (size_t i = 0; i < COUNT_OF(carriers); i++)
		if (has_prefix(a, carriers[i].prefix, carriers[i].bits))
			return is_public4(embedded4(a + carriers[i].at));
	for (size_t i = 0; i < COUNT_OF(special); i++)
		if (has_prefix(a, special[i].prefix, special[i].bits))
			return false;
	return a[0] >> 5 == 1; /* the range 2000::/3 */
}

bool
address_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		return is_public4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return is_public6(in6.sin6_addr.s6_addr);
	}
	return false;
}
