/*
 * event_loop: how a worker process serves requests.
 *
 * One thread waits for events on all connections.  In each round it reads what
 * has arrived, lets the service prefetch() what these requests need, in one
 * round trip, and answers those that need not wait.  The others go to the
 * threads of thread_pool.h together with their connection, once they have
 * arrived completely: the loop waits for parameters (connection_table.h) and
 * bodies (bodies.h) that arrive in parts.  So a busy process needs few system
 * calls and wake-ups for each request, a connection that the web server keeps
 * open costs a descriptor and no thread, and requests that wait for a database
 * do not delay others.
 *
 * Draining must not lose a request.  A busy connection is closed after its
 * response.  A connection between two requests has a moment to get the next
 * one, and is closed after that: the web server then reads the end of the
 * connection together with the response, and does not keep it.  The reading
 * side of a connection that is still idle after that moment is shut: a request
 * that was already sent is still served, and one that is sent later fails at
 * once.  nginx repeats a GET then, but not a POST (it answers 502); so busy
 * connections are not closed in that way.
 */
#ifndef FASTCGI_EVENT_LOOP_H
#define FASTCGI_EVENT_LOOP_H

struct application;
struct worker;

/*
 * The life of a worker process: accepts and serves, with up to w->threads
 * threads, until SIGTERM or SIGINT, then drains.  Returns the exit status.
 */
int event_loop_work(const struct worker *w, const struct application *app);

#endif
