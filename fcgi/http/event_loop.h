/*
 * event_loop: a worker that answers many small requests together.
 *
 * One thread waits for all connections at once.  In each round it takes what
 * has come, lets the service prefetch() what all of it needs in one round trip,
 * and answers.  So a busy pool costs few system calls and hardly a wake-up for
 * each request, and a connection that the web server keeps costs a descriptor,
 * not a thread.
 *
 * The loop itself waits for nothing but the prefetch.  A request that has to
 * wait for more, or has not come whole, goes to the threads of waiting.h with
 * its connection, which comes back after the answer.
 *
 * Draining is told in accept.h.
 */
#ifndef HTTP_EVENT_LOOP_H
#define HTTP_EVENT_LOOP_H

struct service;
struct worker;

/* As service_work(), of service.h; the service has a prefetch(). */
int event_loop_work(const struct worker *w, const struct service *s);

#endif
