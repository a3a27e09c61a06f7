/*
 * round_body: the requests of a round whose bodies are still arriving.
 *
 * They are stored with their connections.  bodies.h limits how many there are,
 * and body_room.h how much memory they use.
 */
#ifndef FASTCGI_ROUND_BODY_H
#define FASTCGI_ROUND_BODY_H

#include <stdbool.h>

#include "base/attr.h"

struct client_connection;
struct request_context;
struct round;

/*
 * Called when the parameters have arrived, and the body has not.  A request for
 * which the thread pool has no room is refused now, and not only when its body
 * has arrived.  Returns false when the request has arrived completely.
 */
MUST_CHECK bool
round_begin_body(struct round *r, struct request_context **context);
/*
 * Receives what has arrived of a body.  Returns false when the request has
 * arrived completely; its context is then in *context.
 */
MUST_CHECK bool round_go_on_with_body(struct round *r,
    struct client_connection *client, struct request_context **context);
/*
 * Gives room to paused bodies, and refuses the requests whose bodies are late.
 * To be called in each round of the event loop, which must therefore wait for
 * events no longer than ROUND_BODY_SWEEP_MS (or ROUND_PAUSED_MS).
 */
void round_sweep_bodies(struct round *r);

#endif
