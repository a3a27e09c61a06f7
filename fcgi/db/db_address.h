/*
 * db_address: the addresses of the servers that a connection string names.
 *
 * libpq would wait for the name server without a time limit, so host names are
 * resolved here, and libpq gets addresses.
 */
#ifndef DB_DB_ADDRESS_H
#define DB_DB_ADDRESS_H

#include <stddef.h>

#include <libpq-fe.h>

#include "base/resolve.h"

enum {
	DB_ADDRESSES_MAX = 16,
	DB_HOST_SIZE = 256,
	DB_PORT_SIZE = 8,
};

/*
 * The address of a server.  An empty text means: as in the connection string,
 * or libpq's default.
 */
struct db_address {
	char host[DB_HOST_SIZE];
	char hostaddr[RESOLVE_ADDRESS_SIZE];
	char port[DB_PORT_SIZE];
};

struct db_addresses {
	struct db_address items[DB_ADDRESSES_MAX];
	int count;
};

/* The value of a keyword of a parsed connection string; NULL: it has none. */
const char *db_address_option(const PQconninfoOption *url, const char *keyword);
/*
 * Finds all addresses, in the order of the connection string, at most
 * DB_ADDRESSES_MAX.  A host whose name cannot be resolved is left out; `reason`
 * then says why.
 */
void db_addresses_find(const PQconninfoOption *url, struct db_addresses *all,
    char *reason, size_t reason_size);

#endif
