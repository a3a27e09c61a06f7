/*
 * batch_routes: POST /links/batch, POST /links/import and GET /links/export.
 *
 * The body of an import is JSON with the text of a CSV file, so that it passes
 * the same checks as any other body.  Its first row names the columns, in any
 * order: target, slug, title, expiresAt, enabled.  An export has these columns
 * and some more, which an import ignores; so it can be imported as it is.
 */
#ifndef LINKS_BATCH_ROUTES_H
#define LINKS_BATCH_ROUTES_H

#include "web/service.h"

extern const struct route batch_routes[];

#endif
