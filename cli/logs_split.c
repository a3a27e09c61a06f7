#include "logs_split.h"

static void
emit(struct logs_split *s)
{
	s->text[s->len] = '\0';
	s->len = 0;
	s->line(s->ctx, s->text);
}

void
logs_split_add(struct logs_split *s, const char *part, size_t len)
{
	char c;

	for (size_t i = 0; i < len; i++) {
		c = part[i];
		if (c == '\0')
			c = ' '; /* it would end the text */
		if (c == '\n') {
			if (!s->skips)
				emit(s);
			s->skips = false;
		} else if (!s->skips) {
			s->text[s->len++] = c;
			if (s->len == LOGS_SPLIT_MAX - 1) {
				emit(s);
				s->skips = true;
			}
		}
	}
}

void
logs_split_end(struct logs_split *s)
{
	if (s->len > 0)
		emit(s);
	s->skips = false;
}
