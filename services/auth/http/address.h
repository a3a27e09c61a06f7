/*
 * address: a client's address in the form in which it is counted and stored.
 *
 * An IPv4 address is used as it is, also when it is mapped into IPv6.  An IPv6
 * address is cut to its /64, which is what one customer gets, and written in
 * full, as BetterAuth stores it.
 */
#ifndef AUTH_ADDRESS_H
#define AUTH_ADDRESS_H

struct arena;

/* Returns "" for text that is not an address ("unix:"). */
const char *address_of(struct arena *a, const char *ip);
/* The client's network: an IPv4 /24, an IPv6 /48. */
const char *address_network(struct arena *a, const char *ip);

#endif
