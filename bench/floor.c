/*
 * floor: the lowest cost that the same architecture can have.  One program with
 * two roles, which uses libfcgi and hiredis and no code of Kedge:
 *
 *   floor verify SOCKET THREADS REDIS_SOCKET
 *                        does one Redis GET for each request, then answers 204
 *   floor app SOCKET THREADS
 *                        answers each request with a constant
 *
 * bench/run compares the product with nginx in front of these two roles.
 */
#include <fcgiapp.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_fd;
static const char *redis_path; /* NULL in the role `app` */

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static bool
session_is_live(redisContext *redis)
{
	redisReply *reply = redisCommand(redis, "GET session");
	bool live = reply != NULL && reply->type == REDIS_REPLY_STRING;

	freeReplyObject(reply);
	return live;
}

static void *
serve(void *arg)
{
	redisContext *redis = NULL;
	FCGX_Request request;

	(void)arg;
	if (redis_path != NULL) {
		redis = redisConnectUnix(redis_path);
		if (redis == NULL || redis->err != 0)
			die("redis");
	}
	FCGX_InitRequest(&request, listen_fd, 0);
	while (FCGX_Accept_r(&request) == 0) {
		if (redis == NULL)
			FCGX_PutS("Content-Type: application/json\r\n"
				  "Content-Length: 15\r\n\r\n"
				  "{\"floor\":\"yes\"}",
			    request.out);
		else if (session_is_live(redis))
			FCGX_PutS("Status: 204 No Content\r\n"
				  "Kedge-Identity: constant\r\n\r\n",
			    request.out);
		else
			FCGX_PutS(
			    "Status: 401 Unauthorized\r\n\r\n", request.out);
	}
	return NULL;
}

static int
work(long threads)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (long i = 1; i < threads; i++) {
		if (pthread_create(&thread, NULL, serve, NULL) != 0)
			die("pthread_create");
	}
	serve(NULL);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc < 4 || (strcmp(argv[1], "verify") == 0) != (argc == 5)) {
		fprintf(stderr, "usage: floor app SOCKET THREADS\n"
				"       floor verify SOCKET THREADS REDIS\n");
		return 2;
	}
	redis_path = argc == 5 ? argv[4] : NULL;
	signal(SIGPIPE, SIG_IGN);
	umask(0);
	FCGX_Init();
	listen_fd = FCGX_OpenSocket(argv[2], 4096);
	if (listen_fd < 0)
		die("socket");

	/* Serve in two processes, as in the pools of verify and core. */
	if (fork() == 0)
		return work(strtol(argv[3], NULL, 10));
	return work(strtol(argv[3], NULL, 10));
}
