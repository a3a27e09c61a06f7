/*
 * auth_mail_job: sends a message of kedge_mail.
 *
 * The message is sent again, with a growing pause, until the mail server takes
 * it over, refuses it for good, or the link in it has expired.  It is sent
 * again although it may have been taken over only if the server broke the
 * connection before its last answer, or this process died between that answer
 * and the deletion of the row; the copies have the same Message-ID.
 */
#ifndef AUTH_AUTH_MAIL_JOB_H
#define AUTH_AUTH_MAIL_JOB_H

#include <stddef.h>

#include "job/job.h"

extern const struct job_kind auth_mail_jobs[]; /* the first one is mail.send */
extern const struct job_schedule auth_mail_schedules[];

#define AUTH_MAIL_QUEUE "mail"
/* The kind of a message to nobody, which is not sent (struct auth_mail). */
#define AUTH_MAIL_NOBODY ""

/* The key under which values are sealed; 32 bytes. */
void auth_mail_key(const char *secret, size_t len, unsigned char *ret_key);

#endif
