/*
 * fnv: the hash function FNV-1a (Fowler, Noll, Vo).  An attacker can find texts
 * with the same hash, so use it only where nobody gains from a collision.
 */
#ifndef BASE_FNV_H
#define BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV32_START UINT32_C(2166136261)
#define FNV64_START UINT64_C(14695981039346656037)
#define FNV64_PRIME UINT64_C(1099511628211)

static inline uint32_t
fnv32_byte(uint32_t hash, unsigned char byte)
{
	return (hash ^ byte) * UINT32_C(16777619);
}

static inline uint64_t
fnv64_byte(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * FNV64_PRIME;
}

/*
 * fnv32_text() and fnv64_text() return the hash of the bytes hashed so far,
 * followed by `text`.  `hash` is the result of the previous call; at the first
 * call, FNV32_START or FNV64_START.
 */
static inline uint32_t
fnv32_text(uint32_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = fnv32_byte(hash, (unsigned char)*text);
	return hash;
}

static inline uint64_t
fnv64_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = fnv64_byte(hash, (unsigned char)*text);
	return hash;
}

static inline uint64_t
fnv64(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		hash = fnv64_byte(hash, p[i]);
	return hash;
}

#endif
