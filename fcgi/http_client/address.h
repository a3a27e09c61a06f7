/*
 * address: decides which IP addresses belong to the public internet.
 *
 * All others are private, loopback, link-local, shared, multicast, reserved or
 * for documentation (RFC 6890 and the IANA special-purpose registries).  For an
 * IPv6 address that contains an IPv4 address (mapped, NAT64, 6to4), the IPv4
 * address decides.
 */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/*
 * Whether the address is public.  Returns false for families other than AF_INET
 * and AF_INET6.
 */
bool address_is_public(const struct sockaddr *address);

#endif
