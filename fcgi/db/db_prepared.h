/*
 * db_prepared: the statements that one connection has prepared.  PREPARE is not
 * undone by a rollback: what a rolled back transaction has prepared stays
 * prepared.
 */
#ifndef DB_DB_PREPARED_H
#define DB_DB_PREPARED_H

#include <stddef.h>

struct db_stmt;

enum db_prepared_state {
	DB_PREPARED_NOT, /* PREPARE must be sent first */
	DB_PREPARED_READY,
	DB_PREPARED_STALE, /* DEALLOCATE and PREPARE must be sent first */
};

struct db_prepared_slot {
	const struct db_stmt *stmt; /* NULL: this entry is free */
	enum db_prepared_state state;
};

struct db_prepared {
	struct db_prepared_slot *slots;
	size_t cap; /* size of the hash table: a power of two, or 0 */
	size_t count;
};

/*
 * db_prepared_get() and db_prepared_set() abort when two statements have the
 * same name, or for lack of memory.
 */
enum db_prepared_state
db_prepared_get(const struct db_prepared *p, const struct db_stmt *stmt);
void db_prepared_set(struct db_prepared *p, const struct db_stmt *stmt,
    enum db_prepared_state state);
void db_prepared_release(struct db_prepared *p);

#endif
