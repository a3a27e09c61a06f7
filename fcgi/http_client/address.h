/*
 * address: decides which IP addresses belong to the public internet.
 *
 * Everything else is private, loopback, link-local, shared, multicast, reserved
 * or for documentation (RFC 6890 and the IANA special-purpose registries).
 * IPv6 addresses that contain an IPv4 address (mapped, NAT64, 6to4) are judged
 * by the IPv4 address.
 */
#ifndef HTTP_CLIENT_ADDRESS_H
#define HTTP_CLIENT_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/* Returns false for families other than AF_INET and AF_INET6. */
bool address_is_public(const struct sockaddr *address);

#endif
