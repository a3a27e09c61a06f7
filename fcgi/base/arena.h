/*
 * arena: memory that lives exactly as long as one request.
 *
 * An allocation never returns NULL.  The size of a request is limited when it
 * is read, so running out of memory means that the machine has none; then the
 * process aborts.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

struct arena *arena_new(void);
/*
 * The memory is zeroed and aligned for any type.  A size of 0 gives a valid
 * pointer.
 */
void *arena_alloc(struct arena *a, size_t size_bytes);
/*
 * Enlarges an allocation of size_bytes to new_bytes: in place when it is the
 * latest allocation, otherwise as a copy (the old bytes stay readable). The
 * added bytes are zero.
 */
void *arena_grow(struct arena *a, void *p, size_t size_bytes, size_t new_bytes);
char *arena_strdup(struct arena *a, const char *s);
/* Copies len bytes and appends a NUL. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
enum { ARENA_JOIN_MAX = 8 };
/*
 * Joins at most ARENA_JOIN_MAX texts; for code in which formatting would take
 * too long.
 */
char *arena_join(struct arena *a, const char *const *texts, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
/* The decimal digits of n. */
char *arena_i64(struct arena *a, int64_t n);
/*
 * Registers obj (a PGresult, parsed JSON, ...): arena_reset() calls
 * release(obj), the newest first.
 */
void arena_defer(struct arena *a, void (*release)(void *), void *obj);
/*
 * Calls the registered release functions and frees all allocations.  Keeps only
 * the first blocks, so that an idle thread holds little memory.
 */
void arena_reset(struct arena *a);
void arena_free(struct arena *a); /* resets first; NULL is allowed */

#endif
