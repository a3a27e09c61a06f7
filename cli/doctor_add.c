#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { FIRST_ROOM = 64 };

void
doctor_add(struct doctor *d, enum severity severity, const char *advice,
    const char *what, ...)
{
	struct finding *more;
	va_list ap;
	char *line = NULL;

	if (d->n == d->room) {
		d->room = d->room == 0 ? FIRST_ROOM : 2 * d->room;
		more = arena_alloc(d->arena, d->room * sizeof(*more));
		if (d->n > 0)
			memcpy(more, d->findings, d->n * sizeof(*more));
		d->findings = more;
	}
	va_start(ap, what);
	if (vasprintf(&line, what, ap) == -1)
		abort();
	va_end(ap);
	d->findings[d->n++] = (struct finding){ severity, d->check,
		arena_strdup(d->arena, line), advice };
	free(line);
}
