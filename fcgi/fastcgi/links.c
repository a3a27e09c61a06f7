#include "fastcgi/links.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "fastcgi/bodies.h"
#include "fastcgi/seat.h"

enum {
	/* nginx has all of the parameters when it connects. */
	REQUEST_PART_US = 5 * 1000 * 1000,
	IDLE_US = 75 * 1000 * 1000, /* nginx: keepalive_timeout 60s */
};

static bool
watch(struct links *l, int fd, void *what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

bool
links_init(struct links *l, int epoll_fd)
{
	l->epoll_fd = epoll_fd;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return l->wake_fd >= 0 && watch(l, l->wake_fd, &l->wake_fd);
}

void
links_release(struct links *l)
{
	assert(l->count == 0);
	close(l->wake_fd);
}

struct link *
links_find_free(struct links *l)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		if (atomic_load(&l->table[i].state) == LINK_NONE)
			return &l->table[i];
	}
	return NULL;
}

void
link_begin(struct links *l, struct link *link, int fd)
{
	link->fd = fd;
	link->watched = true;
	link->over = false;
	link->used = false;
	link->answered = false;
	link->body = false;
	link->seat = NULL;
	link->since_us = clock_monotonic_us();
	if (!watch(l, fd, link)) {
		close(fd);
		return;
	}
	atomic_store(&link->state, LINK_HERE);
	l->count++;
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, 1);
}

void
link_end(struct links *l, struct link *link)
{
	close(link->fd);
	bodies_remove(l, link);
	seat_free(link->seat);
	link->seat = NULL;
	atomic_store(&link->state, LINK_NONE);
	l->count--;
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, -1);
}

void
link_lend(struct link *link)
{
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_BUSY, 1);
	atomic_store(&link->state, LINK_AWAY);
}

void
link_take_back(struct link *link)
{
	metrics_gauge_add(GAUGE_CONNECTIONS_BUSY, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, 1);
	atomic_store(&link->state, LINK_HERE);
}

void
link_give_back(struct links *l, struct link *link, bool over)
{
	ssize_t n = 0;

	metrics_gauge_add(GAUGE_CONNECTIONS_BUSY, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, 1);
	link->over = over;
	link->since_us = clock_monotonic_us();
	if (atomic_exchange(&link->state, LINK_HERE) == LINK_MISSED)
		n = write(l->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	assert(n >= 0);
}

static void
change_watch(struct links *l, struct link *link, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = link };
	int rc = epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, link->fd, &e);

	assert(rc == 0); /* nothing has to be allocated */
}

static void
watch_again(struct links *l, struct link *link)
{
	change_watch(l, link, EPOLLIN);
	link->watched = true;
}

/*
 * Something happens on a link that a thread has: it ends, or its next request
 * is here before the thread has said that it is done.  That is rare, so only
 * now the loop turns away from it, until it is back.  Its end cannot be turned
 * away from, but EPOLLONESHOT has it told once more only.
 */
static void
miss(struct links *l, struct link *link)
{
	int state = LINK_AWAY;

	if (link->watched)
		change_watch(l, link, EPOLLONESHOT);
	link->watched = false;
	atomic_compare_exchange_strong(&link->state, &state, LINK_MISSED);
	if (state == LINK_HERE)
		watch_again(l, link); /* it has just come */
}

bool
link_is_here(struct links *l, struct link *link)
{
	if (atomic_load(&link->state) == LINK_HERE && link->watched)
		return true;
	miss(l, link);
	return false;
}

void
links_watch_missed(struct links *l)
{
	uint64_t n;

	if (read(l->wake_fd, &n, sizeof(n)) < 0)
		return;
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *link = &l->table[i];

		if (atomic_load(&link->state) == LINK_HERE && !link->watched)
			watch_again(l, link);
	}
}

static bool
is_idle(const struct link *link, int64_t now_us)
{
	int64_t limit_us = IDLE_US;

	if (link->body)
		return false; /* see bodies.h */
	if (!link->used || link->answered || link->seat != NULL)
		limit_us = REQUEST_PART_US;
	return now_us - link->since_us > limit_us;
}

void
links_end_idle(struct links *l, int64_t now_us)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *link = &l->table[i];

		if (atomic_load(&link->state) == LINK_HERE &&
		    is_idle(link, now_us))
			link_end(l, link);
	}
}

void
links_shut(struct links *l)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *link = &l->table[i];

		if (atomic_load(&link->state) == LINK_HERE &&
		    link->seat == NULL && !link->answered)
			shutdown(link->fd, SHUT_RD);
	}
}
