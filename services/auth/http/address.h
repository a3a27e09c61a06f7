/*
 * address: a client's address in the one form that is counted and stored.
 *
 * IPv4 as it is, also when it comes mapped into IPv6; IPv6 cut to the /64
 * that one customer gets, and written in full, as BetterAuth stores it.
 */
#ifndef AUTH_ADDRESS_H
#define AUTH_ADDRESS_H

struct arena;

/* "" for what is no address ("unix:"). */
const char *address_of(struct arena *a, const char *ip);
/* The neighbourhood: an IPv4 /24, an IPv6 /48. */
const char *address_network(struct arena *a, const char *ip);

#endif
