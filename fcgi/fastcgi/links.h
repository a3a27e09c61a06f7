/*
 * links: the connections of a worker process, and whose each of them is.
 *
 * A link is the event loop's, which waits for its next request or its end, or a
 * thread's, which answers a request of it and gives it back.  Only the loop
 * watches and closes links, so neither meets a descriptor that the other has
 * closed.
 */
#ifndef FASTCGI_LINKS_H
#define FASTCGI_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum { LINKS_MAX = 512 };

enum link_state {
	LINK_NONE,
	LINK_HERE, /* the loop has it */
	LINK_AWAY, /* a thread has it */
	LINK_MISSED, /* the same, and something has happened on it */
};

struct seat;

/* It belongs to who its state says. */
struct link {
	_Atomic int state;
	int fd;
	bool watched; /* the loop's own */
	bool over; /* we have ended it: what is left in it is no request */
	bool used; /* has had a request */
	bool answered; /* before its request was here whole: skip the rest */
	struct seat *seat; /* of a request that is not here whole */
	bool body; /* its body is what is missing */
	size_t body_max; /* bytes of it to be kept */
	uint64_t flow; /* of application.h, when it waits for a body */
	int64_t since_us; /* of its last one, or of its beginning */
};

struct links {
	int epoll_fd;
	int wake_fd; /* an eventfd: missed ones are back */
	int count; /* in any state but LINK_NONE */
	int bodies; /* of these, how many wait for a body */
	struct link table[LINKS_MAX];
};

/* The events of a link have it as their data.ptr, those of wake_fd its address.
 */
MUST_CHECK bool links_init(struct links *l, int epoll_fd);
void links_release(struct links *l);

/* NULL: there are LINKS_MAX. */
struct link *links_find_free(struct links *l);
/* Takes the socket over, or closes it if it cannot be watched. */
void link_begin(struct links *l, struct link *link, int fd);
void link_end(struct links *l, struct link *link);

/* To a thread, and back by it: for another request, or, if it is over, its end.
 */
void link_lend(struct link *link);
/* By the loop, of one that no thread has taken after all. */
void link_take_back(struct link *link);
void link_give_back(struct links *l, struct link *link, bool over);

/*
 * After an event.  False: a thread has it, and the loop will be told again when
 * it is back.
 */
MUST_CHECK bool link_is_here(struct links *l, struct link *link);
/* After an event of wake_fd. */
void links_watch_missed(struct links *l);

/*
 * Ends what the loop has, and nothing has come on for too long: 5 s for a first
 * request, or for the rest of one that has begun, 75 s for another, which is
 * longer than nginx keeps its side.
 */
void links_end_idle(struct links *l, int64_t now_us);
/* Shuts the reading side of what the loop has, but where a request or its
 * rest is on its way. */
void links_shut(struct links *l);

#endif
