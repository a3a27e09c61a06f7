/*
 * accept: a worker's threads.  Each accepts a connection and serves it until
 * it ends; there is no queue between them but the kernel's.
 *
 * They are started as they are needed: who takes a connection and leaves nobody
 * to accept the next one starts another thread first.  None ends before the
 * process does.
 *
 * Draining must not lose a request, so the main thread has to know what the
 * others wait for.
 *   - One in accept() is interrupted by a signal.
 *   - One that serves a request is left alone; it closes the connection after
 *     the answer.
 *   - One on a kept connection between two requests has a moment to get the
 *     next one, and closes after that: the web server then reads the end of
 *     the connection with the answer, and does not keep it.  A connection
 *     still idle after that moment has its reading side shut: what has been
 *     sent is served yet, and what is sent after that fails at once.  nginx
 *     repeats a GET then, but not a POST (it answers 502), which is why busy
 *     connections are not closed that way.
 */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

struct service;
struct worker;

/* As service_work(), of service.h. */
int accept_work(const struct worker *w, const struct service *s);

#endif
