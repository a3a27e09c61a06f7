#include "cache/breaker.h"

bool
breaker_lets_through(struct breaker *b, int64_t now_us)
{
	if (!b->open)
		return true;
	if (b->probing || now_us < b->retry_at_us)
		return false;
	b->probing = true;
	return true;
}

bool
breaker_succeeded(struct breaker *b)
{
	bool was_open = b->open;

	b->open = false;
	b->probing = false;
	b->nslow = 0;
	return was_open;
}

bool
breaker_failed(struct breaker *b, int64_t now_us)
{
	bool was_open = b->open;

	b->open = true;
	b->probing = false;
	b->nslow = 0;
	b->retry_at_us = now_us + b->retry_ms * 1000;
	return !was_open;
}

bool
breaker_was_slow(struct breaker *b, int64_t now_us)
{
	if (!b->open && ++b->nslow < BREAKER_SLOW_MAX)
		return false;
	return breaker_failed(b, now_us);
}

void
breaker_abandoned(struct breaker *b)
{
	b->probing = false;
}
