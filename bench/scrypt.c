/*
 * scrypt: measures how long one password hash takes on this machine, alone and
 * with one hash on every core at the same time; this limits the rate of
 * sign-ins.  Prints two numbers: milliseconds for one hash alone, and hashes
 * per second with N threads.
 */
#include <libscrypt.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 12, THREADS_MAX = 64 };

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *
hash_rounds(void *arg)
{
	static const uint8_t password[] = "correct horse battery staple";
	static const uint8_t salt[] = "9fdcd79be510777794638b0f2cbd722f";
	uint8_t key[64];

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (libscrypt_scrypt(password, sizeof(password) - 1, salt,
			sizeof(salt) - 1, 16384, 16, 1, key, sizeof(key)) != 0)
			exit(1);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	long threads = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
	pthread_t thread[THREADS_MAX];
	double start, alone_s, together_s;

	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	hash_rounds(NULL);
	start = now_s();
	hash_rounds(NULL);
	alone_s = (now_s() - start) / ROUNDS;

	start = now_s();
	for (long i = 0; i < threads; i++) {
		if (pthread_create(&thread[i], NULL, hash_rounds, NULL) != 0)
			return 1;
	}
	for (long i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	together_s = now_s() - start;

	printf("%.3f %.3f\n", alone_s * 1e3,
	    (double)(ROUNDS * threads) / together_s);
	return 0;
}
