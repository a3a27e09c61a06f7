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
	bool skips; /* skip text until the next newline: the line is too long,
	               or its beginning was not read */
	size_t len;
	char text[LOGS_SPLIT_MAX];
};

/* Adds a part. Of a line that is too long, only the beginning is kept. */
void logs_split_add(struct logs_split *s, const char *part, size_t len);
/* Ends the input: the text after the last newline becomes a line, too. */
void logs_split_end(struct logs_split *s);

#endif
