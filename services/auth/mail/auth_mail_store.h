/* auth_mail_store: the table kedge_mail, the messages that are to be sent. */
#ifndef AUTH_AUTH_MAIL_STORE_H
#define AUTH_AUTH_MAIL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

struct mail_row {
	const char *id;
	const char *kind;
	const char *recipient;
	const char *language; /* Accept-Language; "" when unknown */
	const char *sealed; /* the values */
	int64_t created_ms;
	bool is_expired;
};

/* `row` without its times; *ret_id is new. */
MUST_CHECK enum err auth_mail_insert(
    struct db *tx, struct arena *a, const struct mail_row *row, int64_t ttl_s);
/* ERR_NOT_FOUND: it has been sent or given up. */
MUST_CHECK enum err auth_mail_select(
    struct db *db, struct arena *a, const char *id, struct mail_row *ret_row);
MUST_CHECK enum err
auth_mail_delete(struct db *db, struct arena *a, const char *id);
/* Deletes what should have been sent long ago. */
MUST_CHECK enum err
auth_mail_sweep(struct db *db, struct arena *a, int64_t *ret_deleted);

#endif
