/*
 * round: what the event loop does with the connections that have become
 * readable at the same time.
 *
 * It reads the requests, lets the application read what they need in one round
 * trip, answers those that need not wait, and gives the others to the thread
 * pool.  An incomplete request is stored with its connection (round_body.h).
 */
#ifndef FASTCGI_ROUND_H
#define FASTCGI_ROUND_H

#include "fastcgi/round_state.h"

void round_release(struct round *r);
/*
 * Reads what has arrived on a connection that the event loop owns.  May be
 * called up to ROUND_MAX times in a round.
 */
void round_receive(struct round *r, struct client_connection *client);
/* Answers the received requests, or gives them to the thread pool. */
void round_serve(struct round *r);

#endif
