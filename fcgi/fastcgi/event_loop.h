/*
 * event_loop: how a worker process serves.
 *
 * One thread waits for all connections at once.  In each round it takes what
 * has come, lets the service prefetch() what that needs, in one round trip, and
 * answers what can be answered without waiting.  The others go to the threads
 * of thread_pool.h with their connection, when they are here whole: the loop
 * waits for parameters (connection_table.h) and bodies (bodies.h) that come in
 * parts.  A busy process therefore costs few system calls and wake-ups for each
 * request, a connection that the web server keeps costs a descriptor and not a
 * thread, and what waits for a database does not delay what does not.
 *
 * Draining must not lose a request.  A busy connection is closed after its
 * answer.  One between two requests has a moment to get the next one, and is
 * closed after that: the web server then reads the end of the connection with
 * the answer, and does not keep it.  A connection still idle after that moment
 * has its reading side shut: what has been sent is served yet, and what is sent
 * after that fails at once.  nginx repeats a GET then, but not a POST (it
 * answers 502), which is why busy connections are not closed that way.
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
