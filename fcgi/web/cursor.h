/*
 * cursor: where the next page of a list begins, as opaque text.
 *
 * A cursor contains a position (the last key of the previous page) and a code
 * (HMAC-SHA256, 64 bits) that only this service can compute.  The code also
 * covers the scope, which names the list, its owner and its filters, so that a
 * cursor of one list is refused by every other list.  So a position that is
 * read from a cursor can be trusted: this service has written it.
 */
#ifndef WEB_CURSOR_H
#define WEB_CURSOR_H

#include "base/attr.h"
#include "base/err.h"
#include "web/identity.h"

struct arena;
struct req;

enum { CURSOR_POSITION_MAX = 128, CURSOR_TEXT_MAX = 192 };

/*
 * Returns a cursor.  `key` is the service's identity key, which all its
 * processes share.
 */
const char *cursor_write(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *scope,
    const char *position);
/*
 * Returns the position, or NULL when this service did not write the cursor for
 * this scope.
 */
const char *cursor_read(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *scope,
    const char *text);

/*
 * Reads the parameter `cursor` of a list route: *ret_position is NULL for the
 * first page, when there is no cursor or it is empty.  ERR_INVALID, recorded
 * for the response: the parameter is not a cursor of this scope.  The service
 * must have an identity key; a cursor with the previous key is accepted.
 */
MUST_CHECK enum err cursor_read_parameter(struct req *r, const char *scope,
    const char *text, const char **ret_position);

#endif
