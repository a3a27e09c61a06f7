#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/*
 * Under AddressSanitizer the unused part of a block is poisoned and each
 * allocation is followed by a poisoned gap.  So a read or write past the end of
 * an allocation, or after a reset, is detected as it is in malloc's memory.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, len) ASAN_POISON_MEMORY_REGION((p), (len))
#define UNPOISON(p, len) ASAN_UNPOISON_MEMORY_REGION((p), (len))
enum { GAP_BYTES = 16 };
#else
#define POISON(p, len) ((void)(p), (void)(len))
#define UNPOISON(p, len) ((void)(p), (void)(len))
enum { GAP_BYTES = 0 };
#endif

enum {
	ALIGN = alignof(max_align_t),
	/*
	 * The sizes of the first two blocks of an arena.  With malloc's header
	 * each block fills whole pages.
	 */
	FIRST_BYTES = 8 * 1024 - 16,
	SECOND_BYTES = 2 * FIRST_BYTES,
	/*
	 * Each new block is twice as large as the one before it, up to this
	 * size; a large allocation gets a block of its own.
	 */
	BLOCK_BYTES_MAX = 256 * 1024,
};
/*
 * The largest allowed allocation.  No request needs nearly as much: a larger
 * size comes from an error in the caller's arithmetic.
 */
static const size_t size_bytes_max = SIZE_MAX / 4;

struct block {
	struct block
	    *next; /* the block allocated before this one; NULL: none */
	char *at; /* the first free byte of the block */
	char *end;
	alignas(max_align_t) char bytes[];
};

struct defer {
	struct defer *next; /* the defer added before this one; NULL: none */
	void (*release)(void *);
	void *obj;
};

struct arena {
	struct block
	    *blocks; /* newest first; memory comes from the newest block */
	struct defer *defers; /* newest first; in the blocks */
	size_t next_block_bytes;
	struct block *first; /* holds this struct; kept by arena_reset() */
	char *first_at;
};

static NORETURN void
die(const char *why)
{
	fprintf(stderr, "arena: %s\n", why);
	abort();
}

static size_t
align_up(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static struct block *
block_new(size_t total_bytes)
{
	struct block *block = malloc(total_bytes);

	if (block == NULL)
		die("out of memory");
	block->next = NULL;
	block->at = block->bytes;
	block->end = (char *)block + total_bytes;
	POISON(block->at, (size_t)(block->end - block->at));
	return block;
}

static void
block_free(struct block *block)
{
	UNPOISON(block->bytes, (size_t)(block->end - block->bytes));
	free(block);
}

/*
 * Allocates size_bytes in this block; returns NULL when the block has no room.
 */
static void *
block_take(struct block *block, size_t size_bytes)
{
	size_t step_bytes = align_up(size_bytes) + GAP_BYTES;
	char *p = block->at;

	if (step_bytes > (size_t)(block->end - p))
		return NULL;
	block->at = p + step_bytes;
	UNPOISON(p, size_bytes);
	return memset(p, 0, size_bytes);
}

struct arena *
arena_new(void)
{
	struct block *first = block_new(FIRST_BYTES);
	struct arena *a = block_take(first, sizeof(*a));

	assert(a != NULL);
	*a = (struct arena){
		.blocks = first,
		.next_block_bytes = SECOND_BYTES,
		.first = first,
		.first_at = first->at,
	};
	return a;
}

static void *
alloc_in_new_block(struct arena *a, size_t size_bytes)
{
	size_t need_bytes =
	    sizeof(struct block) + align_up(size_bytes) + GAP_BYTES;
	struct block *block;

	if (need_bytes > a->next_block_bytes / 2) {
		/*
		 * Insert the large block behind the newest one, so that the
		 * free rest of the newest one stays in use.
		 */
		block = block_new(need_bytes);
		block->next = a->blocks->next;
		a->blocks->next = block;
		return block_take(block, size_bytes);
	}
	block = block_new(a->next_block_bytes);
	block->next = a->blocks;
	a->blocks = block;
	if (a->next_block_bytes < BLOCK_BYTES_MAX)
		a->next_block_bytes *= 2;
	return block_take(block, size_bytes);
}

void *
arena_alloc(struct arena *a, size_t size_bytes)
{
	void *p;

	if (size_bytes > size_bytes_max)
		die("absurd size");
	p = block_take(a->blocks, size_bytes);
	if (p == NULL)
		p = alloc_in_new_block(a, size_bytes);
	assert(p != NULL);
	return p;
}

/*
 * Extends the allocation at p to new_bytes.  Returns false, and changes
 * nothing, unless p is the last allocation of the block and the block has room.
 */
static bool
grow_in_place(struct block *block, char *p, size_t size_bytes, size_t new_bytes)
{
	if (block->at - GAP_BYTES - align_up(size_bytes) != p)
		return false;
	if (align_up(new_bytes) + GAP_BYTES > (size_t)(block->end - p))
		return false;
	block->at = p + align_up(new_bytes) + GAP_BYTES;
	UNPOISON(p, new_bytes);
	memset(p + size_bytes, 0, new_bytes - size_bytes);
	return true;
}

void *
arena_grow(struct arena *a, void *p, size_t size_bytes, size_t new_bytes)
{
	void *copy;

	assert(new_bytes >= size_bytes);
	if (new_bytes > size_bytes_max)
		die("absurd size");
	if (p == NULL)
		return arena_alloc(a, new_bytes);
	if (grow_in_place(a->blocks, p, size_bytes, new_bytes))
		return p;
	copy = arena_alloc(a, new_bytes);
	memcpy(copy, p, size_bytes);
	return copy;
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy;

	if (len > size_bytes_max)
		die("absurd size");
	copy = arena_alloc(a, len + 1);
	if (len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_i64(struct arena *a, int64_t n)
{
	char text[STR_I64_MAX];
	size_t len;
	const char *digits = str_from_i64(n, text, &len);

	return arena_strndup(a, digits, len);
}

char *
arena_join(struct arena *a, const char *const *texts, size_t n)
{
	size_t lens[ARENA_JOIN_MAX], len = 0;
	char *joined, *at;

	assert(n <= ARENA_JOIN_MAX);
	for (size_t i = 0; i < n; i++)
		len += lens[i] = strlen(texts[i]);
	joined = at = arena_alloc(a, len + 1);
	for (size_t i = 0; i < n; i++) {
		memcpy(at, texts[i], lens[i]);
		at += lens[i];
	}
	return joined;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	char text[256]; /* most texts fit here and are formatted only once */
	va_list again;
	char *out;
	int len;

	va_copy(again, args);
	len = vsnprintf(text, sizeof(text), fmt, args);
	assert(len >= 0);
	if ((size_t)len < sizeof(text)) {
		out = arena_strndup(a, text, (size_t)len);
	} else {
		out = arena_alloc(a, (size_t)len + 1);
		vsnprintf(out, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	return out;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *out;

	va_start(args, fmt);
	out = arena_vprintf(a, fmt, args);
	va_end(args);
	return out;
}

void
arena_defer(struct arena *a, void (*release)(void *), void *obj)
{
	struct defer *d = arena_alloc(a, sizeof(*d));

	*d = (struct defer){
		.next = a->defers,
		.release = release,
		.obj = obj,
	};
	a->defers = d;
}

void
arena_reset(struct arena *a)
{
	struct block *block, *older;

	/*
	 * A release function may itself call arena_defer(): then the new entry
	 * is the first of the list and is released next.
	 */
	while (a->defers != NULL) {
		struct defer *d = a->defers;

		a->defers = d->next;
		d->release(d->obj);
	}
	/*
	 * Large blocks are inserted behind the newest block, possibly behind
	 * the first block, too.  So walk the whole list and free every block
	 * but the first.
	 */
	for (block = a->blocks; block != NULL; block = older) {
		older = block->next;
		if (block != a->first)
			block_free(block);
	}
	a->first->next = NULL;
	a->first->at = a->first_at;
	POISON(a->first_at, (size_t)(a->first->end - a->first_at));
	a->blocks = a->first;
	a->next_block_bytes = SECOND_BYTES;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	block_free(a->first);
}
