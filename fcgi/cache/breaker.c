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
	return was_open;
}

bool
breaker_failed(struct breaker *b, int64_t now_us)
{
	bool was_open = b->open;

	b->open = true;
	b->probing = false;
	b->retry_at_us = now_us + b->retry_ms * 1000;
	return !was_open;
}

void
breaker_abandoned(struct breaker *b)
{
	b->probing = false;
}
