#include "db/db_prepared.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "db/db_stmt.h"

enum { CAP_MIN = 32 };

/*
 * Returns the statement's entry in the hash table, or the free entry where the
 * statement would be stored.
 */
static struct db_prepared_slot *
find_slot(const struct db_prepared *p, const struct db_stmt *stmt)
{
	size_t at = (size_t)fnv64_text(FNV64_START, stmt->name);

	for (;; at++) {
		struct db_prepared_slot *slot = &p->slots[at & (p->cap - 1)];

		if (slot->stmt == NULL || slot->stmt == stmt)
			return slot;
		if (strcmp(slot->stmt->name, stmt->name) == 0) {
			assert(strcmp(slot->stmt->sql, stmt->sql) == 0);
			return slot;
		}
	}
}

static void
grow(struct db_prepared *p)
{
	struct db_prepared bigger = { .cap =
					  p->cap == 0 ? CAP_MIN : p->cap * 2 };

	bigger.slots = calloc(bigger.cap, sizeof(bigger.slots[0]));
	if (bigger.slots == NULL)
		abort();
	for (size_t i = 0; i < p->cap; i++)
		if (p->slots[i].stmt != NULL)
			db_prepared_set(
			    &bigger, p->slots[i].stmt, p->slots[i].state);
	free(p->slots);
	*p = bigger;
}

enum db_prepared_state
db_prepared_get(const struct db_prepared *p, const struct db_stmt *stmt)
{
	const struct db_prepared_slot *slot;

	if (p->cap == 0)
		return DB_PREPARED_NOT;
	slot = find_slot(p, stmt);
	return slot->stmt == NULL ? DB_PREPARED_NOT : slot->state;
}

void
db_prepared_set(struct db_prepared *p, const struct db_stmt *stmt,
    enum db_prepared_state state)
{
	struct db_prepared_slot *slot;

	if (p->count * 2 >= p->cap)
		grow(p);
	slot = find_slot(p, stmt);
	if (slot->stmt == NULL) {
		slot->stmt = stmt;
		p->count++;
	}
	slot->state = state;
}

void
db_prepared_release(struct db_prepared *p)
{
	free(p->slots);
	*p = (struct db_prepared){ 0 };
}
