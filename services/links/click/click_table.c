#include "links/click/click_table.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/str.h"

struct click_table {
	pthread_mutex_t lock;
	size_t count;
	int64_t lost;
	struct click places[CLICK_TABLE_MAX];
};

/* The last place stays free, so that each search ends. */
enum { FULL = CLICK_TABLE_MAX - CLICK_TABLE_MAX / 8 };

struct click_table *
click_table_new(void)
{
	struct click_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
click_table_free(struct click_table *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool
is_same(const struct click *a, const struct click *b)
{
	return a->day == b->day && str_eq(a->link_id, b->link_id) &&
	       str_eq(a->referrer, b->referrer) && str_eq(a->agent, b->agent);
}

/* Returns the place of that click, or the free place where it belongs. */
static struct click *
find_place(struct click_table *t, const struct click *click)
{
	uint64_t hash = fnv64_text(FNV64_START, click->link_id);
	size_t i;

	hash = fnv64_text(hash, click->referrer);
	hash = fnv64_text(hash, click->agent);
	i = hash % CLICK_TABLE_MAX;
	while (t->places[i].clicks != 0 && !is_same(&t->places[i], click))
		i = (i + 1) % CLICK_TABLE_MAX;
	return &t->places[i];
}

/*
 * Returns false when there is no room for a click of a new kind.  The caller
 * holds the lock.
 */
static bool
add(struct click_table *t, const struct click *click, size_t limit)
{
	struct click *place = find_place(t, click);

	if (place->clicks != 0) {
		place->clicks += click->clicks;
		return true;
	}
	if (t->count >= limit)
		return false;
	*place = *click;
	t->count++;
	return true;
}

void
click_table_add(struct click_table *t, const struct click *click)
{
	struct click other = *click;

	str_copy(other.referrer, sizeof(other.referrer), CLICK_REFERRER_OTHER);
	pthread_mutex_lock(&t->lock);
	/* A client that sends many referrers must not use up all the room. */
	if (!add(t, click, FULL / 2) && !add(t, &other, FULL))
		t->lost += click->clicks;
	pthread_mutex_unlock(&t->lock);
}

size_t
click_table_take(struct click_table *t, struct click *out)
{
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < CLICK_TABLE_MAX && n < t->count; i++) {
		if (t->places[i].clicks == 0)
			continue;
		out[n++] = t->places[i];
		t->places[i].clicks = 0;
	}
	t->count = 0;
	pthread_mutex_unlock(&t->lock);
	return n;
}

int64_t
click_table_take_lost(struct click_table *t)
{
	int64_t lost;

	pthread_mutex_lock(&t->lock);
	lost = t->lost;
	t->lost = 0;
	pthread_mutex_unlock(&t->lock);
	return lost;
}

void
click_referrer(const char *header, char out[CLICK_REFERRER_SIZE])
{
	const char *host;
	size_t len;

	str_copy(out, CLICK_REFERRER_SIZE, CLICK_REFERRER_NONE);
	if (header == NULL || *header == '\0')
		return;
	str_copy(out, CLICK_REFERRER_SIZE, CLICK_REFERRER_OTHER);
	host = strstr(header, "://");
	if (host == NULL)
		return;
	host += 3;
	len =
	    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789.-_");
	if (len == 0 || len >= CLICK_REFERRER_SIZE ||
	    (host[len] != '\0' && strchr(":/?#", host[len]) == NULL))
		return;
	memcpy(out, host, len);
	out[len] = '\0';
	str_lower(out);
}
