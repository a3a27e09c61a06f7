/* work: how a worker process that serves begins. */
#include <malloc.h>
#include <signal.h>
#include <stddef.h>

#include "fastcgi/event_loop.h"
#include "web/service.h"

enum {
	MALLOC_ARENAS = 2,
	MALLOC_KEEP_BYTES = 256 * 1024,
};

/* The event loop reads SIGTERM and SIGINT. */
static void
set_signals(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGTERM, &dfl, NULL);
}

/*
 * Requests allocate little and give all of it back.  Left alone, glibc would
 * make up to eight arenas per core, each keeping what its worst request took;
 * and its thresholds would rise with the largest block ever freed.  Two arenas
 * are enough for two threads to allocate at once; blocks above the threshold
 * go back to the kernel when freed, and so does the top of an arena.
 */
static void
set_malloc(void)
{
	mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	mallopt(M_MMAP_THRESHOLD, MALLOC_KEEP_BYTES);
	mallopt(M_TRIM_THRESHOLD, MALLOC_KEEP_BYTES);
	/* Fast bins are consolidated whenever a block next to the top is
	 * freed, which here is with every request; the thread caches do. */
	mallopt(M_MXFAST, 0);
}

int
service_work(const struct worker *w, const struct service *s)
{
	set_signals();
	set_malloc();
	return event_loop_work(w, s);
}
