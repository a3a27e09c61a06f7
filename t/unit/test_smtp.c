/*
 * smtp_send() against a real mail server (t/lib/smtp_server.py) that accepts,
 * refuses, stalls, drops the line, has no TLS, a bad certificate, or wants a
 * password.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "http_client/http_client.h"
#include "mail/smtp.h"

enum { TIMEOUT_MS = 700, START_MS = 20000 };

static struct arena *a;
static char dir[64], ca[96];
static pid_t server;

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(a, "%s/%s", dir, name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void
start(void)
{
	const char *command;

	a = arena_new();
	signal(SIGPIPE, SIG_IGN);
	http_client_init();
	snprintf(dir, sizeof(dir), "/tmp/test_smtp.%d", (int)getpid());
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	command = arena_printf(a,
	    "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
	    "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 "
	    "-keyout key.pem -out ca.pem 2>err && cat key.pem ca.pem >cert.pem",
	    dir);
	ck_assert_int_eq(system(command), 0);
	server = fork();
	ck_assert_int_ne(server, -1);
	if (server == 0) {
		execl("/usr/bin/python3", "python3", "t/lib/smtp_server.py",
		    dir, (char *)NULL);
		_exit(127);
	}
}

static void
stop(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	(void)!system(arena_printf(a, "rm -rf %s", dir));
	arena_free(a);
}

static int
port_of(const char *kind)
{
	int64_t end_us = clock_monotonic_us() + START_MS * 1000;
	const struct timespec pause = { .tv_nsec = 20000000 };
	char name[32];
	FILE *f = NULL;
	int port, found = 0;

	while (f == NULL && clock_monotonic_us() < end_us) {
		f = fopen(arena_printf(a, "%s/ports", dir), "r");
		if (f == NULL)
			nanosleep(&pause, NULL);
	}
	ck_assert_msg(f != NULL, "the mail server does not start");
	while (fscanf(f, "%31s %d", name, &port) == 2) {
		if (str_eq(name, kind))
			found = port;
	}
	fclose(f);
	return found;
}

/* The number of messages that the server has taken over. */
static int
taken(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL)
		n += strstr(e->d_name, ".json") != NULL &&
		     strstr(e->d_name, ".part") == NULL;
	closedir(d);
	return n;
}

static const char text[] = "Subject: x\r\n\r\n.one\r\ntwo\r\n";

struct row {
	const char *kind; /* the port */
	const char *mode;
	enum smtp_tls tls;
	bool unknown_ca;
	const char *user, *password;
	enum smtp_outcome outcome;
	int code;
	const char *reason;
	int more; /* messages that the server takes over */
};

static const struct row rows[] = {
	{ "plain", "accept", SMTP_TLS_OFF, false, NULL, NULL, SMTP_SENT, 250,
	    "", 1 },
	{ "plain", "accept", SMTP_TLS_OPPORTUNISTIC, false, NULL, NULL,
	    SMTP_SENT, 250, "", 1 },
	{ "plain", "accept", SMTP_TLS_REQUIRED, false, NULL, NULL,
	    SMTP_DEFERRED, -1, "STARTTLS", 0 },
	{ "starttls", "accept", SMTP_TLS_REQUIRED, false, NULL, NULL, SMTP_SENT,
	    250, "", 1 },
	{ "starttls", "accept", SMTP_TLS_OPPORTUNISTIC, false, NULL, NULL,
	    SMTP_SENT, 250, "", 1 },
	{ "starttls", "accept", SMTP_TLS_REQUIRED, true, NULL, NULL,
	    SMTP_DEFERRED, -1, "certificate", 0 },
	{ "smtps", "accept", SMTP_TLS_OFF, false, NULL, NULL, SMTP_SENT, 250,
	    "", 1 },
	{ "smtps", "accept", SMTP_TLS_OFF, true, NULL, NULL, SMTP_DEFERRED, -1,
	    "certificate", 0 },
	{ "auth", "accept", SMTP_TLS_REQUIRED, false, "kedge", "secret",
	    SMTP_SENT, 250, "", 1 },
	{ "auth", "accept", SMTP_TLS_REQUIRED, false, "kedge", "wrong",
	    SMTP_DEFERRED, 535, "535", 0 },
	{ "auth", "accept", SMTP_TLS_REQUIRED, false, NULL, NULL, SMTP_DEFERRED,
	    530, "530", 0 },
	{ "plain", "stall-greeting", SMTP_TLS_OFF, false, NULL, NULL,
	    SMTP_DEFERRED, 0, "", 0 },
	{ "plain", "stall-mail", SMTP_TLS_OFF, false, NULL, NULL, SMTP_DEFERRED,
	    -1, "", 0 },
	{ "plain", "stall-data", SMTP_TLS_OFF, false, NULL, NULL, SMTP_DEFERRED,
	    354, "", 0 },
	{ "plain", "busy", SMTP_TLS_OFF, false, NULL, NULL, SMTP_DEFERRED, 421,
	    "421 4.3.2 come back later", 0 },
	{ "plain", "defer-rcpt", SMTP_TLS_OFF, false, NULL, NULL, SMTP_DEFERRED,
	    450, "450 4.2.1 the mailbox is busy", 0 },
	{ "plain", "defer-data", SMTP_TLS_OFF, false, NULL, NULL, SMTP_DEFERRED,
	    451, "451 4.3.0 try again", 0 },
	{ "plain", "reject-mail", SMTP_TLS_OFF, false, NULL, NULL, SMTP_REFUSED,
	    550, "550 5.7.1 this sender is not welcome", 0 },
	{ "plain", "reject-rcpt", SMTP_TLS_OFF, false, NULL, NULL, SMTP_REFUSED,
	    550, "550 5.1.1 there is no such mailbox", 0 },
	{ "plain", "reject-data", SMTP_TLS_OFF, false, NULL, NULL, SMTP_REFUSED,
	    554, "554 5.6.0 this looks like spam", 0 },
	{ "starttls", "reject-data", SMTP_TLS_REQUIRED, false, NULL, NULL,
	    SMTP_REFUSED, 554, "554 5.6.0 this looks like spam", 0 },
	{ "plain", "drop-data", SMTP_TLS_OFF, false, NULL, NULL, SMTP_DEFERRED,
	    354, "", 0 },
	/* Nobody knows whether it was taken over: see smtp.h. */
	{ "plain", "drop-end", SMTP_TLS_OFF, false, NULL, NULL, SMTP_DEFERRED,
	    354, "", 1 },
};

START_TEST(test_outcome)
{
	const struct row *row = &rows[_i];
	const struct smtp_server s = {
		.url = arena_printf(a, "%s://127.0.0.1:%d",
		    str_eq(row->kind, "smtps") ? "smtps" : "smtp",
		    port_of(row->kind)),
		.tls = row->tls,
		.ca_file = row->unknown_ca ? NULL : ca,
		.user = row->user,
		.password = row->password,
		.timeout_ms =
		    strstr(row->mode, "stall") != NULL ? TIMEOUT_MS : START_MS,
	};
	int before = taken();
	struct smtp_result r = { .code = -2 };

	put("mode", row->mode);
	smtp_send(
	    a, &s, "from@kedge.test", "to@kedge.test", text, strlen(text), &r);
	ck_assert_msg(r.outcome == row->outcome, "%s %s: outcome %d, %d %s",
	    row->kind, row->mode, (int)r.outcome, r.code, r.reason);
	if (row->code != -1)
		ck_assert_msg(r.code == row->code, "%s %s: %d %s", row->kind,
		    row->mode, r.code, r.reason);
	ck_assert_msg(strstr(r.reason, row->reason) != NULL, "%s %s: %s",
	    row->kind, row->mode, r.reason);
	ck_assert_int_eq(*r.reason == '\0', r.outcome == SMTP_SENT);
	ck_assert_int_eq(taken() - before, row->more);
}
END_TEST

START_TEST(test_nobody)
{
	const struct smtp_server s = {
		.url = "smtp://127.0.0.1:1",
		.tls = SMTP_TLS_OFF,
		.timeout_ms = START_MS,
	};
	struct smtp_result r = { .code = -2 };

	smtp_send(
	    a, &s, "from@kedge.test", "to@kedge.test", text, strlen(text), &r);
	ck_assert_int_eq(r.outcome, SMTP_DEFERRED);
	ck_assert_int_eq(r.code, 0);
	ck_assert_ptr_nonnull(strstr(r.reason, "connect"));
}
END_TEST

START_TEST(test_envelope)
{
	const struct smtp_server s = {
		.url = arena_printf(a, "smtp://127.0.0.1:%d", port_of("plain")),
		.tls = SMTP_TLS_OFF,
		.timeout_ms = START_MS,
	};
	struct smtp_result r;
	char data[1024] = "";
	FILE *f;

	put("mode", "accept");
	smtp_send(a, &s, "from@kedge.test", "o'to@kedge.test", text,
	    strlen(text), &r);
	ck_assert_int_eq(r.outcome, SMTP_SENT);
	f = fopen(arena_printf(a, "%s/%d.json", dir, taken()), "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(data, sizeof(data), f));
	fclose(f);
	ck_assert_ptr_nonnull(strstr(data, "\"from\": \"from@kedge.test\""));
	ck_assert_ptr_nonnull(strstr(data, "\"to\": [\"o'to@kedge.test\"]"));
	ck_assert_ptr_nonnull(strstr(data, "\"ehlo\": \"kedge.test\""));
	ck_assert_ptr_nonnull(strstr(
	    data, "\"data\": \"Subject: x\\r\\n\\r\\n.one\\r\\ntwo\\r\\n\""));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp");
	TCase *t = tcase_create("smtp");

	tcase_add_unchecked_fixture(t, start, stop);
	tcase_add_loop_test(t, test_outcome, 0, COUNT_OF(rows));
	tcase_add_test(t, test_nobody);
	tcase_add_test(t, test_envelope);
	suite_add_tcase(s, t);
	return unit_run_here(s, 120);
}
