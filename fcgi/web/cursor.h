/*
 * cursor: where the next page of a list begins, as opaque text.
 *
 * A cursor carries a position (the last key of the page before) and a code by
 * which only we can have made it (HMAC-SHA256, 64 bits).  The scope goes into
 * the code but not into the text: it names the list, its owner and its filters,
 * so a cursor of one list is refused by every other.  That makes a cursor
 * trusted input: a position that is read is one that was written.
 */
#ifndef WEB_CURSOR_H
#define WEB_CURSOR_H

#include "base/attr.h"
#include "base/err.h"
#include "web/identity.h"

struct arena;
struct req;

enum { CURSOR_POSITION_MAX = 128, CURSOR_TEXT_MAX = 192 };

/* `key` is the service's identity key: all its processes share it. */
const char *cursor_write(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *scope,
    const char *position);
/* The position, or NULL when we did not write this cursor for this scope. */
const char *cursor_read(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *scope,
    const char *text);

/*
 * The parameter `cursor` of a list's route: *ret_position is NULL for the first
 * page, when there is none or it is empty.  ERR_INVALID, recorded: it is not
 * one of this scope.  The service has an identity key.
 */
MUST_CHECK enum err cursor_read_parameter(struct req *r, const char *scope,
    const char *text, const char **ret_position);

#endif
