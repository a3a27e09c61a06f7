/* logs_split: cuts what arrives in parts into lines of a limited length. */
#ifndef CLI_LOGS_SPLIT_H
#define CLI_LOGS_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

enum { LOGS_SPLIT_MAX = 64 * 1024 };

struct logs_split {
	/* Called for each line, without its end. */
	void (*line)(void *ctx, const char *line);
	void *ctx;
	bool skips; /* skip what comes until the next line begins */
	size_t len;
	char text[LOGS_SPLIT_MAX];
};

/* Adds a part. Of a line that is too long, only the beginning is kept. */
void logs_split_add(struct logs_split *s, const char *part, size_t len);
/* Nothing more comes: what has no end yet is a line. */
void logs_split_end(struct logs_split *s);

#endif
